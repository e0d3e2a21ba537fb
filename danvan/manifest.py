"""Records what was built, from what, with what. It decides nothing: whether a build still stands, `freshness` says."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from danvan.freshness import Wanted
from danvan.store import content_key, files_below, sha256

LOCK = "requirements.lock"
# Those that have a part in the bytes of an output, from the notebook to the files; the lock has all others.
TOOLS = (
    *("papermill", "nbclient", "nbformat", "jupyter_client", "ipykernel"),  # run the notebook
    *("openpyxl", "pydantic", "pyyaml"),  # read returns, catalogue and params
    *("numpy", "pandas", "scipy", "statsmodels", "babel"),  # reckon, and put into words
    *("matplotlib", "mistune", "jinja2", "markupsafe", "nbconvert", "typst", "pikepdf", "pypandoc_binary"),  # write
)


def make(
    folder: Path,
    wanted: Wanted,
    parameters: Mapping[str, Any],
    *,
    time: str | None,
    illustrative: str,
    tools: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The manifest of the finished build in `folder`, as JSON text: sorted, without any clock or machine path.

    `time`: the document's own date. `illustrative`: what of it is, in one sentence. `tools`: versions of those that are
    no Python package. `code` and `lock` say in a line each what the inputs say file by file.
    """
    outputs = {path.relative_to(folder).as_posix(): sha256(path) for path in files_below(folder)}
    record = {
        "danvan": version("danvan"),
        "code": {"version": version("danvan"), "digest": code_digest(wanted.inputs)},
        "lock": wanted.inputs.get(LOCK, ""),
        "key": wanted.key,
        "parameters": dict(parameters),
        "settings": wanted.settings,
        "illustrative": illustrative,
        "time": time,
        "inputs": wanted.inputs,
        "outputs": outputs,
        "python": platform.python_version(),
        "tools": {**dict(_versions()), **tools},
    }
    return (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def code_digest(inputs: Mapping[str, str]) -> str:
    """One digest of all of danvan/ among these inputs."""
    return content_key((name, has) for name, has in inputs.items() if name.startswith("danvan/"))


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in TOOLS)
