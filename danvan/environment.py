"""What the kernel of a notebook is given, whatever machine it is on: environment variables, modules made ready."""

from __future__ import annotations

import os
from collections.abc import Mapping

from danvan.operations import PASSWORD

# The same everywhere, so that a report does not depend on who builds it. One thread: the cores build other reports.
FIXED = {
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # ipykernel's debugger warns about frozen modules
}
# What a figure shows in a notebook is Jupyter's own choice; a secret of the scheduled run is no notebook's business.
LEFT_OUT = ("MPLBACKEND", PASSWORD)

# What notebooks import of other makers, directly or by danvan; danvan itself is imported by each kernel anew.
PRELOAD = (
    "ipykernel.kernelapp",
    "pandas",
    "pydantic.functional_validators",
    "pydantic.json_schema",
    "pydantic.main",
    "pydantic.types",
    "yaml",
    "babel.dates",
    "babel.numbers",
    "mistune",
    "openpyxl",
    "matplotlib.figure",
    "matplotlib.font_manager",
    "matplotlib.textpath",
    "matplotlib.backends.backend_mixed",
    "matplotlib.backends.backend_svg",
    "scipy.stats",
    "statsmodels.stats.proportion",
    "statsmodels.stats.rates",
)


def of_kernel(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a kernel: this process', what is fixed, and its own."""
    inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return inherited | FIXED | dict(own or {})
