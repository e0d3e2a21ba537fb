"""The order of the stages: read, check, run, write, swap in. A failure leaves the earlier report as it was."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from danvan import manifest
from danvan.errors import LockedError, StageError
from danvan.paths import Project
from danvan.store import fresh_folder, repair, sha256, swap_in, write_atomic

if TYPE_CHECKING:  # what a build needs is imported when there is something to build
    from danvan.disclosure import Edition
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
    with told_of_disk(project), locked(project):
        repair(target)
        repair(figures)
        given = manifest.inputs(project, year)
        wanted = manifest.key(given, edition, allow_incomplete=allow_incomplete)
        if not force and manifest.is_current(target, wanted):
            _show_figures(target, figures, edition)
            return Built(target, False, 0)
        progress(f"Đọc và kiểm tra phiếu năm {year}")
        from danvan.yearbook import open_year_of

        book = open_year_of(project, year, edition, allow_incomplete=allow_incomplete)
        new = fresh_folder(target)
        try:
            _write(project, book, new, failed, progress)
            parameters = {"year": year, "edition": edition, "allow_incomplete": allow_incomplete}
            record = manifest.make(new, given, wanted, parameters, time=book.meta.date, illustrative=book.illustrative)
            write_atomic(new / manifest.NAME, record)
            swap_in(new, target)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        failed.unlink(missing_ok=True)
        _show_figures(target, figures, edition)
    return Built(target, True, sum(finding.severity == "warning" for finding in book.findings))


def _show_figures(target: Path, figures: Path, edition: Edition) -> None:
    """Give figures/YEAR the public edition's charts, unless it has them."""
    built = {path.name: sha256(path) for path in sorted((target / "figures").iterdir())}
    shown = {path.name: sha256(path) for path in figures.iterdir()} if figures.is_dir() else {}
    if edition == "public" and built != shown:
        new = fresh_folder(figures)
        for name in built:
            write_atomic(new / name, (target / "figures" / name).read_bytes())
        swap_in(new, figures)


def _write(project: Project, book: Yearbook, new: Path, failed: Path, progress: Progress) -> None:
    """Run the notebook and write all outputs of the report into the folder `new`."""
    import nbformat

    from danvan import runner
    from danvan.publish import builder
    from danvan.publish.exporters import ReportHTML, ReportPDF
    from danvan.trace import trace

    shown = project.relative(project.report_notebook)
    executed = new / "notebook.ipynb"
    progress("Chạy sổ báo cáo")
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
    write_atomic(new / "trace.json", _json(trace(book, builder.printed(notebook), book.illustrative)))


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
            raise StageError(f"Hết chỗ trên đĩa khi ghi {where}. Dọn đĩa rồi chạy lại; {_SAFE}.") from None
        raise StageError(
            f"Không đọc hoặc ghi được {where} ({error.strerror}). Kiểm tra quyền truy cập rồi chạy lại; {_SAFE}."
        ) from None
