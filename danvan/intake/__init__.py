"""A year's returns, from workbooks to observations, with everything that is wrong in them."""
