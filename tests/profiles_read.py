"""Imported by a process whose forks build, as tests/test_faults.py has them: danvan's format profiles are read once."""

from danvan import formats

formats.official()
