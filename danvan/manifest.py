"""Records what was built, from what, with what. It decides nothing: whether a build still stands, `freshness` says."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from danvan.freshness import Wanted
from danvan.store import files_below, sha256

TOOLS = (
    "papermill",
    "nbclient",
    "nbconvert",
    "pandas",
    "matplotlib",
    "openpyxl",
    "typst",
    "pikepdf",
    "mistune",
    "jinja2",
)


def make(folder: Path, wanted: Wanted, parameters: Mapping[str, Any], *, time: str | None, illustrative: str) -> bytes:
    """The manifest of the finished build in `folder`, as JSON text: sorted, without any clock or machine path.

    `time`: the document's own date. `illustrative`: what of it is, in one sentence.
    """
    outputs = {path.relative_to(folder).as_posix(): sha256(path) for path in files_below(folder)}
    record = {
        "danvan": version("danvan"),
        "key": wanted.key,
        "parameters": dict(parameters),
        "settings": wanted.settings,
        "illustrative": illustrative,
        "time": time,
        "inputs": wanted.inputs,
        "outputs": outputs,
        "python": platform.python_version(),
        "tools": dict(_versions()),
    }
    return (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in TOOLS)
