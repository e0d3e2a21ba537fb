"""Records what was built, from what, with what; and answers whether it still stands. Stdlib only."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from danvan.paths import Project, ignored
from danvan.store import content_key, files_below, sha256

NAME = "manifest.json"
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


def inputs(project: Project, notebook: Path, years: Iterable[int]) -> dict[str, str]:
    """sha256 of everything that a notebook over these years depends on, by path from the project folder."""
    root = project.root
    found = [project.catalogue, *sorted((root / "params").glob("*.csv")), root / "requirements.lock", notebook]
    for one in years:
        found += [project.params(one), project.stated(one), project.answers(one), *_below(project.returns(one))]
    found += [*_below(project.population.parent), *_below(Path(__file__).parent)]
    return {_shown(project, path): sha256(path) for path in found if path.is_file()}


def key(given: dict[str, str], edition: str, *, allow_incomplete: bool) -> str:
    """One digest over the inputs and the settings of a build."""
    settings = {
        "edition": edition,
        "allow_incomplete": str(allow_incomplete),
        "python": platform.python_version(),
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", ""),
    }
    return content_key([*given.items(), *((f"={name}", value) for name, value in settings.items())])


def is_current(folder: Path, wanted: str) -> bool:
    """Whether `folder` holds a whole build made with this key."""
    try:
        recorded = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return recorded["key"] == wanted and all(
            sha256(folder / name) == digest for name, digest in recorded["outputs"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def make(
    folder: Path,
    given: dict[str, str],
    wanted: str,
    parameters: dict[str, Any],
    *,
    time: str | None,
    illustrative: str,
) -> bytes:
    """The manifest of the finished build in `folder`, as JSON text: sorted, without any clock or machine path."""
    outputs = {path.relative_to(folder).as_posix(): sha256(path) for path in files_below(folder)}
    record = {
        "danvan": version("danvan"),
        "key": wanted,
        "parameters": parameters,
        "illustrative": illustrative,
        "time": time,
        "inputs": given,
        "outputs": outputs,
        "python": platform.python_version(),
        "tools": {name: version(name) for name in TOOLS},
    }
    return (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _below(folder: Path) -> list[Path]:
    return [path for path in files_below(folder) if not ignored(path)] if folder.is_dir() else []


def _shown(project: Project, path: Path) -> str:
    """danvan's own files as 'danvan/...', wherever the package lies."""
    package = Path(__file__).parent
    return path.relative_to(package.parent).as_posix() if path.is_relative_to(package) else project.relative(path)
