"""What lies in reports/, read back: editions as they were published, and working builds; whether they are whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from danvan import approval
from danvan.approval import APPROVAL, Approval
from danvan.document import BLOCK_MIME
from danvan.errors import RefusedError, StageError
from danvan.freshness import MANIFEST
from danvan.paths import Project
from danvan.revision import Snapshot
from danvan.store import files_below, read_file, sha256

REVISION = "revision.json"
_BESIDE = (MANIFEST, REVISION, APPROVAL)  # what a manifest cannot name
TRACE, NOTEBOOK = "trace.json", "notebook.ipynb"


@dataclass(frozen=True)
class Kept:
    """A document with all its files: an edition (`number` from 1), or the working build (0)."""

    folder: Path
    edition: str
    number: int

    @property
    def name(self) -> str:
        """'public-02'; 'public' for the working build."""
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Raises RefusedError where it cannot be read."""
        record: dict[str, Any] = self._read(MANIFEST)
        return record

    @cached_property
    def trace(self) -> dict[str, Any]:
        record: dict[str, Any] = self._read(TRACE)
        return record

    @cached_property
    def revision(self) -> dict[str, Any] | None:
        """What an edition that took another's place says of it; None for a first one."""
        record: dict[str, Any] | None = self._read(REVISION) if (self.folder / REVISION).is_file() else None
        return record

    @cached_property
    def approval(self) -> Approval | None:
        """Who approved an edition; None for one that needs no approval, and for a working build."""
        return approval.read(self.folder / APPROVAL) if self.number else None

    @property
    def hash(self) -> str:
        """What an approval names: the sha256 of the manifest, and so of every input and output."""
        return sha256(self.folder / MANIFEST)

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What the document says about itself: title, date, authors, and the marks that every page shows.

        As it was written: an edition is older than the program that reads it.
        """
        for cell in self._cells:
            for output in cell.get("outputs", ()):
                about = output.get("metadata", {}).get(BLOCK_MIME, {})
                if isinstance(about, dict) and (meta := about.get("meta")):
                    return dict(meta)
        raise self._broken(NOTEBOOK)

    @property
    def snapshot(self) -> Snapshot:
        """What another edition is compared with."""
        prose = ("".join(cell["source"]) for cell in self._cells if cell["cell_type"] == "markdown")
        return Snapshot(self.manifest, self.trace, tuple(prose))

    @property
    def files(self) -> dict[str, str]:
        """sha256 of all its files, by name: those of the manifest, it, and what stands beside it."""
        own = {name: sha256(self.folder / name) for name in _BESIDE if (self.folder / name).is_file()}
        return {**self.manifest["outputs"], **own}

    def altered(self) -> Iterator[str]:
        """The names of files that are not what the manifest says, are not there, or not named by it."""
        outputs = self.manifest["outputs"]
        there = {path.relative_to(self.folder).as_posix(): path for path in files_below(self.folder)}
        for name in sorted({*outputs, *there}.difference(_BESIDE)):
            if name not in outputs or name not in there or not _is(there[name], outputs[name]):
                yield name

    @cached_property
    def _cells(self) -> list[dict[str, Any]]:
        cells: list[dict[str, Any]] = self._read(NOTEBOOK)["cells"]
        return cells

    def _read(self, name: str) -> Any:
        try:
            return json.loads(read_file(self.folder / name))
        except (OSError, ValueError):
            raise self._broken(name) from None

    def _broken(self, name: str) -> RefusedError | StageError:
        if self.number:
            return tampered(self, name)
        return StageError(f"{self.folder.name}/{name} của bản đã lập không đọc được. Hãy lập lại: build.py report.")


def _is(path: Path, digest: str) -> bool:
    """Whether a file has this content. A link in its place has none."""
    try:
        return sha256(path) == digest
    except OSError:
        return False


def tampered(edition: Kept, name: str) -> RefusedError:
    """An edition is what it was, or it is none."""
    return RefusedError(
        f"Ấn bản {edition.name} không còn nguyên: {name} bị sửa, bị xóa hoặc thêm vào sau khi công bố. "
        f"Hãy khôi phục {edition.folder.parent.name}/{edition.name} từ bản sao lưu rồi chạy lại."
    )


def years(project: Project) -> list[int]:
    """Years that have something in reports/, ascending."""
    return sorted(int(path.name) for path in project.reports.glob("[0-9][0-9][0-9][0-9]") if path.is_dir())


def working(project: Project, year: int, edition: str) -> Kept | None:
    """The working build of a report, if there is one."""
    return _built(project.report(year, edition), edition)


def trends(project: Project, edition: str) -> Kept | None:
    """The long view as it was built last, if it was."""
    return _built(project.trends(edition), edition)


def _built(folder: Path, edition: str) -> Kept | None:
    return Kept(folder, edition, 0) if (folder / MANIFEST).is_file() else None


def editions(project: Project, year: int, edition: str) -> list[Kept]:
    """The editions of a year that were published, the first one first. Raises RefusedError where one is missing."""
    pattern = re.compile(rf"{edition}-(\d\d+)")
    folder = project.editions(year)
    names = (pattern.fullmatch(path.name) for path in (folder.iterdir() if folder.is_dir() else ()))
    numbers = sorted(int(match[1]) for match in names if match)
    for number in range(1, len(numbers) + 1):
        if number not in numbers:
            lost = project.relative(project.published(year, edition, number))
            raise RefusedError(f"Thiếu ấn bản {lost}. Ấn bản đã công bố không được xóa: hãy khôi phục từ bản sao lưu.")
    return [Kept(project.published(year, edition, number), edition, number) for number in numbers]


def require_untouched(found: list[Kept]) -> None:
    """Raise RefusedError, naming the file, where an edition is not what was published.

    Of each, its files are what its manifest says, the manifest is what was approved; both and what it says of the
    change are what the edition after it recorded.
    """
    for number, one in enumerate(found):
        for name in one.altered():
            raise tampered(one, name)
        if (one.folder / APPROVAL).exists() and (one.approval is None or one.approval.build != one.hash):
            raise tampered(one, MANIFEST if one.approval else APPROVAL)
        after = found[number + 1].revision if number + 1 < len(found) else None
        if number + 1 < len(found) and after is None:
            raise tampered(found[number + 1], REVISION)
        for name, digest in (after["previous"]["sha256"] if after else {}).items():
            if one.files.get(name) != digest:
                raise tampered(one, name)
