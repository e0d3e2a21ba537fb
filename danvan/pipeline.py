"""The order of the stages: read, check, run, write, swap in. A failure leaves the earlier report as it was."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from filelock import FileLock, Timeout

from danvan import manifest, wording
from danvan.disclosure import Edition
from danvan.errors import LockedError, StageError
from danvan.intake.year import Year, last_year, read_year
from danvan.measures import TOTAL, Result
from danvan.paths import Project
from danvan.store import fresh_folder, repair, swap_in, write_atomic
from danvan.yearbook import Yearbook

Progress = Callable[[str], None]
_SAFE = "báo cáo cũ còn nguyên"


@dataclass(frozen=True)
class Built:
    """The outcome of `report`: where it lies, whether anything had to be done, what the checks remarked."""

    folder: Path
    fresh: bool
    warnings: int


def report(
    project: Project,
    year: int,
    edition: Edition,
    *,
    force: bool = False,
    allow_incomplete: bool = False,
    progress: Progress = lambda _: None,
) -> Built:
    """Build the report of a year and swap it in whole.

    Raises ReturnsError (the returns have errors), SettingsError, LockedError, StageError.
    """
    target, figures = project.report(year, edition), project.figures(year)
    failed = target.with_name(f"failed-{edition}.ipynb")
    with locked(project), told_of_disk(project):
        repair(target)
        repair(figures)
        given = manifest.inputs(project, year)
        wanted = manifest.key(given, edition, allow_incomplete=allow_incomplete)
        if not force and manifest.is_current(target, wanted):
            return Built(target, False, 0)
        progress(f"Đọc và kiểm tra phiếu năm {year}")
        read = check(project, year)
        read.require_sound(allow_incomplete=allow_incomplete)
        last = last_year(project, year)
        if last is not None:
            last.require_sound(allow_incomplete=True)
        book = Yearbook(read, last, edition)
        new = fresh_folder(target)
        progress("Chạy sổ báo cáo")
        _write(project, book, new, failed, progress)
        parameters = {"year": year, "edition": edition, "allow_incomplete": allow_incomplete}
        write_atomic(new / manifest.NAME, manifest.make(new, given, wanted, parameters, book.meta.date))
        swap_in(new, target)
        failed.unlink(missing_ok=True)
        if edition == "public":
            fresh = fresh_folder(figures)
            for path in sorted((target / "figures").iterdir()):
                write_atomic(fresh / path.name, path.read_bytes())
            swap_in(fresh, figures)
    return Built(target, True, sum(finding.severity == "warning" for finding in read.findings))


def check(project: Project, year: int) -> Year:
    """Read and check the returns of a year; `findings` of the result tell what is wrong."""
    return read_year(project, year)


def _write(project: Project, book: Yearbook, new: Path, failed: Path, progress: Progress) -> None:
    """Run the notebook and write all outputs of the report into the folder `new`."""
    from danvan import runner  # papermill and nbconvert cost half a second, which `check` need not pay
    from danvan.publish import builder
    from danvan.publish.exporters import ReportHTML, ReportPDF

    shown = project.relative(project.report_notebook)
    executed = new / "notebook.ipynb"
    try:
        parameters = {"year": int(book.year), "edition": book.edition}
        environment = {"DANVAN_ROOT": str(project.root), "PYTHONHASHSEED": "0"}
        notebook = runner.run(project.report_notebook, parameters, executed, shown=shown, environment=environment)
        document = builder.build(notebook)
    except StageError as error:
        if executed.exists():
            executed.replace(failed)
            raise type(error)(f"{error}\nSổ đã chạy để xem lại: {project.relative(failed)}") from None
        raise
    progress("Ghi trang HTML")
    name = f"bao-cao-{book.year}"
    page, _ = ReportHTML().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    write_atomic(new / f"{name}.html", page.encode())
    progress("Ghi tệp PDF")
    paper, _ = ReportPDF().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    write_atomic(new / f"{name}.pdf", paper)
    for figure in builder.figures(document):
        write_atomic(new / "figures" / f"{figure.id}.svg", figure.svg.encode())
        write_atomic(new / "figures" / f"{figure.id}.png", figure.png)
    shared = nbformat.writes(builder.shared_copy(notebook))  # type: ignore[no-untyped-call]
    write_atomic(executed, (shared + "\n").encode())
    write_atomic(new / "trace.json", _json(trace(book, builder.printed(notebook))))


def trace(book: Yearbook, printed: list[dict[str, Any]]) -> dict[str, Any]:
    """For every figure printed, the results behind it; for every result, formula and source cells."""
    keys = dict.fromkeys(key for item in printed for key in item["results"])
    by_key = {result.key: result for results in (book.results, book.last_results) for result in results.values()}
    scopes = {unit.id: unit.name for unit in book.units.all} | {TOTAL: "Toàn thành phố"}
    return {
        "year": int(book.year),
        "edition": book.edition,
        "illustrative": book.illustrative,
        "printed": printed,
        "results": {key: _traced(by_key[key], scopes) for key in keys},
    }


def _traced(result: Result, scopes: dict[str, str]) -> dict[str, Any]:
    return {
        "indicator": result.indicator.code,
        "name": result.indicator.name,
        "year": result.year,
        "scope": scopes.get(result.scope, result.scope),
        "value": None if result.value is None else str(result.value),
        "text": wording.in_table(result),
        "measured_in": result.indicator.measured_in,
        "status": result.status.value,
        "bound": result.bound.word,
        "formula": result.formula,
        "provenance": result.provenance,
        "reported": result.reported,
        "owed": result.owed,
        "sources": [[cell.file, cell.sheet, cell.ref] for cell in result.sources],
    }


def _json(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n").encode()


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """One build at a time; a second one is told so instead of waiting."""
    project.reports.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(project.reports / ".lock", timeout=0):
            yield
    except Timeout:
        raise LockedError("Một lần lập báo cáo khác đang chạy. Hãy đợi nó xong rồi chạy lại.") from None


@contextmanager
def told_of_disk(project: Project) -> Iterator[None]:
    """What the disk refuses, in the analyst's words; what was half-written goes at the next start."""
    try:
        yield
    except OSError as error:
        where = Path(error.filename).name if error.filename else project.relative(project.reports)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StageError(
                f"Hết chỗ trên đĩa khi ghi {where}. Dọn đĩa rồi chạy lại; báo cáo cũ còn nguyên."
            ) from None
        raise StageError(
            f"Không ghi được {where} ({error.strerror}). Kiểm tra quyền ghi rồi chạy lại; {_SAFE}."
        ) from None
