"""What goes to the units and what comes from them: forms, replies, the board; a new year set up from the last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from danvan.errors import SettingsError
from danvan.guard import locked, told_of_disk
from danvan.paths import Project
from danvan.store import repair, swapped_in, write_atomic

if TYPE_CHECKING:  # what a command needs is imported when it is called
    from danvan.intake.forms import Entry
    from danvan.intake.year import Year
    from danvan.status import ReceivedOn, Standing


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
        with swapped_in(folder) as new:
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
