"""The order of the stages: read, check, run, write, swap in. A failure leaves what was there before as it was."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from danvan import manifest
from danvan.errors import LockedError, SettingsError, StageError
from danvan.paths import Project
from danvan.store import content_key, fresh_folder, repair, sha256, swap_in, write_atomic

if TYPE_CHECKING:  # what a build needs is imported when there is something to build
    from danvan.disclosure import Edition
    from danvan.intake.forms import Entry
    from danvan.intake.year import Year
    from danvan.status import ReceivedOn, Standing

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
    with told_of_disk(project), locked(project):
        repair(target)
        repair(figures)
        given = manifest.inputs(project, project.report_notebook, (year, year - 1))
        wanted = manifest.key(given, edition, allow_incomplete=allow_incomplete)
        if not force and manifest.is_current(target, wanted):
            _show_figures(target, figures, edition)
            return Built(target, False, 0)
        progress(f"Đọc và kiểm tra phiếu năm {year}")
        from danvan.trace import trace
        from danvan.yearbook import open_year_of

        book = open_year_of(project, year, edition, allow_incomplete=allow_incomplete)
        job = Job(project.report_notebook, {"year": year, "edition": edition}, f"bao-cao-{year}", f"failed-{edition}")
        with _swapped_in(target) as new:
            printed = _write(project, job, new, progress)
            write_atomic(new / "trace.json", _json(trace(book, printed, book.illustrative)))
            told = {"year": year, "edition": edition, "allow_incomplete": allow_incomplete}
            record = manifest.make(new, given, wanted, told, time=book.meta.date, illustrative=book.illustrative)
            write_atomic(new / manifest.NAME, record)
        _show_figures(target, figures, edition)
    return Built(target, True, sum(finding.severity == "warning" for finding in book.findings))


def trends(project: Project, edition: Edition, *, force: bool = False, progress: Progress = lambda _: None) -> Built:
    """Build the long view over all years that have returns. Raises as `report` does."""
    target = project.trends(edition)
    with told_of_disk(project), locked(project):
        repair(target)
        given = manifest.inputs(project, project.trends_notebook, project.years_with_returns())
        wanted = manifest.key(given, edition, allow_incomplete=True)
        if not force and manifest.is_current(target, wanted):
            return Built(target, False, 0)
        progress("Đọc phiếu mọi năm")
        from danvan.trace import trace_of
        from danvan.trends import open_trends_of

        opened = open_trends_of(project, edition)
        job = Job(project.trends_notebook, {"edition": edition}, "dien-bien", f"failed-{edition}")
        with _swapped_in(target) as new:
            printed = _write(project, job, new, progress)
            traced = trace_of(opened.latest, printed, opened.illustrative, opened.results())
            write_atomic(new / "trace.json", _json(traced))
            told = {"edition": edition}
            time, illustrative = opened.meta.date, opened.illustrative
            record = manifest.make(new, given, wanted, told, time=time, illustrative=illustrative)
            write_atomic(new / manifest.NAME, record)
    return Built(target, True, 0)


def profiles(
    project: Project,
    year: int,
    names: Sequence[str] = (),
    *,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Built]:
    """Build the profiles of the named units, or of all; each kernel is given what its unit may see, and no more.

    Raises as `report` does, but for errors in returns: a profile tells its unit of them.
    """
    from danvan.book import Book
    from danvan.intake.year import read_year
    from danvan.profile import packet, units_named

    with told_of_disk(project), locked(project):
        book = Book(read_year(project, year), "internal")
        tools = manifest.inputs(project, project.profile_notebook, ())
        jobs: list[_ProfileJob] = []
        built: list[Built] = []
        for unit in units_named(book, names):
            target = project.profile(year, unit.full_name)
            repair(target)
            data = _json(packet(book, unit))
            given = tools | {"packet": content_key([("packet", data.decode())])}
            wanted = manifest.key(given, "internal", allow_incomplete=True)
            stale = force or not manifest.is_current(target, wanted)
            built.append(Built(target, stale, 0))
            if stale:
                jobs.append(_ProfileJob(project, year, unit.full_name, data, target, given, wanted))
        progress(0, len(jobs))
        if len(jobs) == 1:
            _build_profile(jobs[0])
        elif jobs:
            with ProcessPoolExecutor(min(len(jobs), os.cpu_count() or 1), get_context("spawn")) as pool:
                for done, _ in enumerate(pool.map(_build_profile, jobs), start=1):
                    progress(done, len(jobs))
    return built


@dataclass(frozen=True)
class _ProfileJob:
    project: Project
    year: int
    unit: str
    packet: bytes
    target: Path
    given: dict[str, str]
    wanted: str


def _build_profile(job: _ProfileJob) -> None:
    from danvan.profile import PACKET

    data = json.loads(job.packet)
    with TemporaryDirectory(prefix="danvan-") as private, _swapped_in(job.target) as new:
        prepared = Path(private, "packet.json")
        prepared.write_bytes(job.packet)
        parameters: dict[str, int | str | bool | float] = {"year": job.year, "unit": job.unit}
        name = f"ho-so-{job.year}"
        notebook = Job(
            job.project.profile_notebook, parameters, name, f"failed-{job.target.name}", {PACKET: str(prepared)}
        )
        printed = _write(job.project, notebook, new, lambda _: None)
        keys = {key for item in printed for key in item["results"]}
        traced = {"year": job.year, "unit": job.unit, "illustrative": data["meta"]["illustrative"], "printed": printed}
        traced["results"] = {key: result for key, result in data["trace"].items() if key in keys}
        write_atomic(new / "trace.json", _json(traced))
        time, illustrative = data["meta"]["date"], data["meta"]["illustrative"]
        record = manifest.make(new, job.given, job.wanted, dict(parameters), time=time, illustrative=illustrative)
        write_atomic(new / manifest.NAME, record)


@dataclass(frozen=True)
class Replied:
    """The outcome of `reply`: where each unit stands, and the files that belong to none."""

    standings: tuple[Standing, ...]
    strays: tuple[ReceivedOn, ...]


def reply(project: Project, year: Year, today: date) -> Replied:
    """Note what came when, write the replies to the units and the board, of a year as read.

    `today`: the day under which new files are noted, and from which days are counted.
    Raises SettingsError, LockedError, StageError.
    """
    from danvan import received, status
    from danvan.publish import board

    number = year.params.year
    folder = project.replies(number)
    with told_of_disk(project), locked(project, ".check.lock"):
        lines = received.note(project, number, year.files, today)
        replied = Replied(status.standings(year, lines), status.strays(year, lines))
        repair(folder)
        with _swapped_in(folder) as new:
            for standing in replied.standings:
                if standing.state != "sound":
                    _answer(project, year, standing, new)
        page = board.page(year, replied.standings, replied.strays, today)
        write_atomic(project.board(number), page.encode())
    return replied


def _answer(project: Project, year: Year, standing: Standing, folder: Path) -> None:
    """A unit's annotated workbooks and its letter."""
    from danvan import status
    from danvan.intake import replies
    from danvan.intake.findings import tell
    from danvan.publish import letters

    name = standing.unit.full_name
    found = [f for f in status.points(year).get(name, ()) if f.is_open]
    own = folder / name
    copies: list[str] = []
    for path in sorted(project.returns(year.params.year).iterdir()):
        its = [f for f in found if f.cell.file == tell(project.relative(path))]
        if its and (copy := replies.annotated(path, its, year.params, year.catalogue)):
            again = f" ({len(copies) + 1})" if copies else ""
            copies.append(f"{standing.unit.name} - cần sửa{again}.xlsx")
            write_atomic(own / copies[-1], copy)
    text = letters.markdown(year, standing, copy=", ".join(copies))
    write_atomic(own / f"Thư gửi {name}.md", text.encode())
    write_atomic(own / f"Thư gửi {name}.docx", letters.docx(text))


def forms(project: Project, year: int, folder: Path | None = None) -> list[Path]:
    """Write each unit's form of a year into `folder` (default data/YEAR/forms); last year's figures stand beside.

    Raises SettingsError where a file there has been filled in: it is never overwritten.
    """
    from danvan import wording
    from danvan.catalogue import load_catalogue
    from danvan.intake import forms as writer
    from danvan.intake import layout
    from danvan.intake.year import read_year, returns_before
    from danvan.lineage import load_lineage
    from danvan.params import load_params
    from danvan.units import load_units

    params, catalogue = load_params(project, year), load_catalogue(project).of_year(year)
    units = load_units(project, params.period, params.population_concept)
    has_last = year - 1 in project.years_with_returns() and project.params(year - 1).is_file()
    last = read_year(project, year - 1, with_last=False) if has_last else None
    entries: dict[str, dict[str, Entry]] = {}
    notes: dict[str, str] = {}
    for id_, got in returns_before(units, last, load_lineage(project)).items():
        entries[id_] = {o.indicator.code: writer.entry_of(o) for o in got.observations}
        days = f"số {wording.span(got.unit.first_day, got.unit.last_day)}" * (len(last.units.spans) > 1 if last else 0)
        told = ["số liệu minh họa"] * bool(last and got.unit.id in last.illustrative_ids) + [days] * bool(days)
        notes[id_] = f"Cột “{layout.LAST}” là {', '.join(told)}." if told else ""
    target = folder or project.forms(year)
    with told_of_disk(project):
        made = {
            target / f"{units.label(unit)}.xlsx": writer.write(
                unit,
                params,
                catalogue,
                {},
                last=entries.get(unit.id),
                illustrative=False,
                last_note=notes.get(unit.id, ""),
            )
            for unit in units.all
        }
        if filled := [path.name for path in made if path.exists() and writer.is_filled_in(path)]:
            raise SettingsError(
                f"Trong {target.name} đã có tệp ghi số hoặc không phải mẫu trống: {', '.join(filled)}. "
                "Hãy chuyển các tệp ấy đi nơi khác rồi chạy lại; không tệp nào bị ghi đè."
            )
        for path, content in made.items():
            write_atomic(path, content)
    return list(made)


def new_year(project: Project, year: int) -> list[Path]:
    """Set a year up from the year before: params, folders, an empty file of answers, the forms; gives what was made.

    Raises SettingsError where the year is there already, or the year before is not.
    """
    from danvan.intake.answers import EMPTY
    from danvan.newyear import params_text

    if project.params(year).exists():
        raise SettingsError(f"Đã có {project.relative(project.params(year))}; năm {year} không được lập lại.")
    text = params_text(project, year)
    with told_of_disk(project):
        try:
            write_atomic(project.params(year), text.encode())
            written = forms(project, year)
        except BaseException:
            project.params(year).unlink(missing_ok=True)  # so that it can be tried again
            raise
        project.returns(year).mkdir(parents=True, exist_ok=True)
        if not project.answers(year).exists():
            write_atomic(project.answers(year), EMPTY.encode())
    return [project.params(year), project.returns(year), project.answers(year), *written]


def _show_figures(target: Path, figures: Path, edition: Edition) -> None:
    """Give figures/YEAR the public edition's charts, unless it has them."""
    built = {path.name: sha256(path) for path in sorted((target / "figures").iterdir())}
    shown = {path.name: sha256(path) for path in figures.iterdir()} if figures.is_dir() else {}
    if edition == "public" and built != shown:
        new = fresh_folder(figures)
        for name in built:
            write_atomic(new / name, (target / "figures" / name).read_bytes())
        swap_in(new, figures)


@dataclass(frozen=True)
class Job:
    """A notebook to run with its parameters; `name` of its files, `failed` of the notebook kept of a failure."""

    notebook: Path
    parameters: dict[str, int | str | bool | float]
    name: str
    failed: str
    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def _swapped_in(target: Path) -> Iterator[Path]:
    """A folder beside `target` that takes its place when all is well, and is gone when not."""
    new = fresh_folder(target)
    try:
        yield new
        swap_in(new, target)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _write(project: Project, job: Job, new: Path, progress: Progress) -> list[dict[str, Any]]:
    """Run the notebook and write its outputs, but trace and manifest, into the folder `new`; gives what it printed."""
    import nbformat

    from danvan import runner
    from danvan.publish import builder
    from danvan.publish.exporters import ReportHTML, ReportPDF

    shown = project.relative(job.notebook)
    executed, failed = new / "notebook.ipynb", new.parent / f"{job.failed}.ipynb"
    progress(f"Chạy sổ {job.notebook.name}")
    try:
        environment = {"DANVAN_ROOT": str(project.root), "PYTHONHASHSEED": "0", **job.environment}
        notebook = runner.run(job.notebook, job.parameters, executed, shown=shown, environment=environment)
        document = builder.build(notebook)
    except StageError as error:
        if executed.exists():
            executed.replace(failed)
            raise type(error)(f"{error}\nSổ đã chạy để xem lại: {project.relative(failed)}") from None
        raise
    progress("Ghi trang HTML")
    page, _ = ReportHTML().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    write_atomic(new / f"{job.name}.html", page.encode())
    progress("Ghi tệp PDF")
    paper, _ = ReportPDF().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    write_atomic(new / f"{job.name}.pdf", paper)
    for figure in builder.figures(document):
        write_atomic(new / "figures" / f"{figure.id}.svg", figure.svg.encode())
        write_atomic(new / "figures" / f"{figure.id}.png", figure.png)
        if figure.table:
            write_atomic(new / "figures" / f"{figure.id}.csv", _csv(figure.table))
    shared = nbformat.writes(builder.shared_copy(notebook))  # type: ignore[no-untyped-call]
    write_atomic(executed, (shared + "\n").encode())
    failed.unlink(missing_ok=True)
    return builder.printed(notebook)


def _csv(table: Sequence[Sequence[str]]) -> bytes:
    """Printed texts for a Vietnamese Excel: BOM, semicolons, nothing that could become a formula."""
    text = io.StringIO()
    safe = ([f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in row] for row in table)
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(safe)
    return text.getvalue().encode("utf-8-sig")


def _json(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n").encode()


@contextmanager
def locked(project: Project, name: str = ".lock") -> Iterator[None]:
    """One run of a kind at a time (builds, checks); a second one is told so instead of waiting."""
    project.reports.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(project.reports / name, timeout=0):
            yield
    except Timeout:
        what = "lập báo cáo" if name == ".lock" else "kiểm tra phiếu"
        raise LockedError(f"Một lần {what} khác đang chạy. Hãy đợi nó xong rồi chạy lại.") from None


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
