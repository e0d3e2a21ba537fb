"""Documents: which are stale, and why; builds these. A failure leaves what was there before as it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from danvan.errors import ChangedError, DanvanError
from danvan.freshness import PACKETS, Sources, Wanted, digests
from danvan.guard import locked, told_of_disk
from danvan.paths import Project
from danvan.processes import Pool
from danvan.stages import Built, Task, as_json, page
from danvan.store import Cache, content_key, fresh_folder, repair, swap_in
from danvan.workers import AS_USUAL, How, Outcome

if TYPE_CHECKING:  # what a build needs is imported when there is something to build
    from danvan.disclosure import Edition


def report(
    project: Project,
    year: int,
    edition: Edition,
    *,
    force: bool = False,
    allow_incomplete: bool = False,
    how: How = AS_USUAL,
) -> Built:
    """Build the report of a year and swap it in whole, unless it is current.

    Raises ReturnsError (the returns have errors), SettingsError, LockedError, StageError.
    """
    [(_, built)] = reports(project, [year], edition, force=force, allow_incomplete=allow_incomplete, how=how)
    return _raised(built)


def reports(
    project: Project,
    years: Iterable[int],
    edition: Edition,
    *,
    force: bool = False,
    allow_incomplete: bool = False,
    how: How = AS_USUAL,
) -> list[Outcome]:
    """Build the reports of these years, each on its own: what was built or is current, or why not.

    Raises LockedError.
    """
    with told_of_disk(project), locked(project):
        sources = Sources(project)
        tasks = [
            report_task(sources, year, edition, allow_incomplete=allow_incomplete) for year in dict.fromkeys(years)
        ]
        outcomes = build(project, tasks, force, how)
        for task, built in outcomes:
            if isinstance(built, Built) and edition == "public":
                _show_figures(project, int(task.parameters["year"]), built)
    return outcomes


def report_task(sources: Sources, year: int, edition: Edition, *, allow_incomplete: bool) -> Task:
    """The report of a year, as a task."""
    project = sources.project
    return Task(
        kind="report",
        project=project,
        wanted=sources.report(year, edition, allow_incomplete=allow_incomplete),
        notebook=project.report_notebook,
        parameters={"year": year, "edition": edition},
        name=f"bao-cao-{year}",
        title=f"Báo cáo năm {year}",
        allow_incomplete=allow_incomplete,
    )


class Pages:
    """The page of a report, built again and again for the preview: by a process of its own, which `restart` replaces.

    So changed code of danvan counts. Returns may be missing, as in JupyterLab; the reports folder is left alone.
    """

    def __init__(self, project: Project, year: int, edition: Edition) -> None:
        self._asked = project, year, edition
        self._process = Pool(1)

    def build(self) -> str:
        """The page's HTML. Raises as `report` does."""
        page_of: Future[str] = self._process.submit(_page, *self._asked)
        return page_of.result()

    def restart(self) -> None:
        """Forget the code that was loaded."""
        self.close()
        self._process = Pool(1)

    def close(self) -> None:
        self._process.end()


def _page(project: Project, year: int, edition: Edition, patience: int = 2) -> str:
    try:
        with told_of_disk(project):
            return page(report_task(Sources(project), year, edition, allow_incomplete=True))
    except ChangedError:  # somebody saves while we build
        if not patience:
            raise
        return _page(project, year, edition, patience - 1)


def trends(project: Project, edition: Edition, *, force: bool = False, how: How = AS_USUAL) -> Built:
    """Build the long view over all years that have returns. Raises as `report` does."""
    with told_of_disk(project), locked(project):
        task = Task(
            kind="trends",
            project=project,
            wanted=Sources(project).trends(edition),
            notebook=project.trends_notebook,
            parameters={"edition": edition},
            name="dien-bien",
            title="Diễn biến qua các năm",
        )
        [(_, built)] = build(project, [task], force, how)
    return _raised(built)


def profiles(
    project: Project, year: int, names: Sequence[str] = (), *, force: bool = False, how: How = AS_USUAL
) -> list[Built]:
    """Build the profiles of the named units, or of all; each kernel is given what its unit may see, and no more.

    Raises as `report` does, but for errors in returns: a profile tells its unit of them.
    """
    with told_of_disk(project), locked(project):
        sources = Sources(project)
        known = None if names or force else sources.profiles(year)
        if known and all(wanted.is_current() for wanted in known):
            return [Built(wanted.folder, False) for wanted in known]
        with how.warm():
            outcomes = build(project, profile_tasks(sources, year, names), force, how)
    return [_raised(built) for _, built in outcomes]


def profile_tasks(sources: Sources, year: int, names: Sequence[str]) -> list[Task]:
    """The profiles of the named units, or of all, as tasks."""
    project = sources.project
    return [
        Task(
            kind="profile",
            project=project,
            wanted=sources.profile(year, unit, content_key([("packet", packet.decode())])),
            notebook=project.profile_notebook,
            parameters={"year": year, "unit": unit},
            name=f"ho-so-{year}",
            title=f"Hồ sơ {unit}",
            packet=packet,
        )
        for unit, packet in _packets(sources, year, names).items()
    ]


def _packets(sources: Sources, year: int, names: Sequence[str]) -> dict[str, bytes]:
    """By unit, what its kernel is given. Of all units, their digests are kept: so the next run need not make them."""
    from danvan.book import Book
    from danvan.intake.year import read_year
    from danvan.profile import packet, units_named

    book, digests = Book(read_year(sources.project, year), "internal"), sources.years(year, year - 1)
    packets = {unit.full_name: as_json(packet(book, unit, digests)) for unit in units_named(book, names)}
    if not names and Sources(sources.project, on_disk=True).years(year, year - 1) == sources.years(year, year - 1):
        keys = {unit: content_key([("packet", data.decode())]) for unit, data in packets.items()}
        Cache(sources.project.cache).put(PACKETS, sources.packets_key(year), as_json(keys))
    return packets


# ---------------------------------------------------------------- what is stale, and why


@dataclass(frozen=True)
class Standing:
    """A document: whether it is there, and why it has to be built, in short phrases; none if it is current."""

    title: str
    reasons: tuple[str, ...]


def status(project: Project, years: Sequence[int]) -> list[Standing]:
    """How the documents of these years stand, and the trends; internal ones and profiles where there are any."""
    sources = Sources(project)
    found: list[Standing] = []
    for year in years:
        found.append(_standing(f"Báo cáo năm {year}", sources.report(year, "public")))
        if project.report(year, "internal").exists():
            found.append(_standing(f"Báo cáo năm {year}, nội bộ", sources.report(year, "internal")))
        if project.profiles(year).exists():
            found += _standings_of_profiles(sources, year)
    for edition, word in (("public", ""), ("internal", ", nội bộ")):
        if edition == "public" or project.trends(edition).exists():
            found.append(_standing(f"Diễn biến qua các năm{word}", sources.trends(edition)))
    return found


def _standing(title: str, wanted: Wanted) -> Standing:
    return Standing(title, tuple(wanted.reasons()))


def _standings_of_profiles(sources: Sources, year: int) -> list[Standing]:
    """One line for all that stand, one for each reason that others have."""
    known = sources.profiles(year)
    if known is None:
        try:
            known = [task.wanted for task in profile_tasks(sources, year, ())]
        except DanvanError as error:
            return [Standing(f"Hồ sơ năm {year}", (f"chưa xem được: {str(error).splitlines()[0]}",))]
    by_reason: dict[tuple[str, ...], int] = {}
    for wanted in known:
        reasons = tuple(wanted.reasons())
        by_reason[reasons] = by_reason.get(reasons, 0) + 1
    stale_first = sorted(by_reason.items(), key=lambda item: not item[0])
    return [Standing(f"Hồ sơ năm {year}: {count} đơn vị", reasons) for reasons, count in stale_first]


# ---------------------------------------------------------------- building


def build(project: Project, tasks: Sequence[Task], force: bool = False, how: How = AS_USUAL) -> list[Outcome]:
    """The tasks with their outcomes, in their order; what is current is left as it is. For one run at a time."""
    cache = Cache(project.cache)
    if force:
        cache.clear()
    stale: list[Task] = []
    for task in tasks:
        repair(task.wanted.folder)
        if force or not task.wanted.is_current():
            stale.append(task)
        else:
            task.wanted.failed.unlink(missing_ok=True)  # its cause has been taken back
    for task in stale:
        how.listener.why(task.title, task.wanted.reasons() or ["--force"])
    done: dict[Path, Built | DanvanError] = {}
    if stale:
        with how.warm():
            outcomes = how.build(stale, partial(read_ahead, project, stale, how))
            done = {task.wanted.folder: built for task, built in outcomes}
        cache.sweep()
    return [(task, done.get(task.wanted.folder) or Built(task.wanted.folder, False)) for task in tasks]


def read_ahead(project: Project, tasks: Sequence[Task], how: How) -> None:
    """Read the years of several reports, each on all cores: else two of them would read the year they share twice."""
    if len(tasks) == 1:
        return
    from danvan.intake.year import read_year

    for year in sorted({int(task.parameters["year"]) for task in tasks if task.kind == "report"}):
        title = f"Phiếu năm {year}"
        how.listener.stage(title, "Đọc phiếu")
        with suppress(DanvanError):  # the report tells it
            read_year(project, year)
        how.listener.finished(title)


def _raised(built: Built | DanvanError) -> Built:
    if isinstance(built, DanvanError):
        raise built
    return built


def _show_figures(project: Project, year: int, built: Built) -> None:
    """Give figures/YEAR the public edition's charts, unless it has them."""
    figures, made = project.figures(year), built.folder / "figures"
    repair(figures)
    if digests(figures) != digests(made):
        new = fresh_folder(figures)
        for name in digests(made):
            (new / name).write_bytes((made / name).read_bytes())
        swap_in(new, figures)
