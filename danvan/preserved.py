"""The inputs of what was published, kept by their digests: an edition can be built again when they have changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from danvan.freshness import PACKAGE
from danvan.paths import Project
from danvan.store import read_file, sha256, write_atomic

_DIGEST = re.compile("[0-9a-f]{64}")


def keep(project: Project, inputs: Mapping[str, str]) -> None:
    """Keep each of these inputs (name from the project folder -> sha256), once for each content.

    What is no file ("folder", "open") has no content to keep. What changed meanwhile is not kept under a false digest.
    """
    for name, digest in _contents(inputs):
        place = _place(project, digest)
        if not place.is_file():
            content = read_file(_in_project(project, name))
            write_atomic(place, content)
            if sha256(place) != digest:
                place.unlink()


def restore(project: Project, inputs: Mapping[str, str], folder: Path) -> list[str]:
    """Write these inputs below `folder`, each as it was; gives the names of those that are nowhere any more."""
    lost = []
    for name, digest in _contents(inputs):
        for source in (_place(project, digest), _in_project(project, name)):
            if source.is_file() and sha256(source) == digest:
                write_atomic(folder / name, read_file(source))
                break
        else:
            lost.append(name)
    return lost


def named(project: Project, inputs: Mapping[str, str]) -> Iterable[Path]:
    """Where the kept ones of these inputs lie."""
    return (place for _, digest in _contents(inputs) if (place := _place(project, digest)).is_file())


def _contents(inputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, digest) for name, digest in inputs.items() if _DIGEST.fullmatch(digest))


def _place(project: Project, digest: str) -> Path:
    return project.preserved / digest[:2] / digest


def _in_project(project: Project, name: str) -> Path:
    """Where an input lies now. danvan's own are those that run, wherever they lie."""
    path = PACKAGE.parent / name if name.startswith("danvan/") else project.root / name
    if path.exists():
        return path
    spelt = (one for one in path.parent.glob("*") if unicodedata.normalize("NFC", one.name) == path.name)
    return next(spelt, path)
