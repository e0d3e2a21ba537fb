"""Writes the board of a year's returns as one HTML file: who sent what when, how full it is, what is still open.

A working page for the two offices alone. No script, no request to anywhere; all that comes out of a file is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath

from jinja2 import Environment

from danvan import status
from danvan.intake.findings import Finding, tell
from danvan.intake.year import Year
from danvan.paths import Project
from danvan.publish import pages
from danvan.status import ReceivedOn, Standing, State
from danvan.units import Unit

_SIGNS: dict[State, str] = {"missing": "–", "refused": "↩", "errors": "!", "open": "?", "sound": "✓"}
_STEP = 5  # percent from one length of a bar to the next


@dataclass(frozen=True)
class Group:
    """The open findings of one unit, the errors first; `id` is where the table's row leads."""

    id: str
    name: str
    findings: tuple[Finding, ...]

    @property
    def counted(self) -> str:
        """'2 lỗi, 1 điểm chờ giải trình'."""
        errors = sum(f.severity == "error" for f in self.findings)
        warnings = len(self.findings) - errors
        parts = (f"{errors} lỗi" if errors else "", f"{warnings} điểm chờ giải trình" if warnings else "")
        return ", ".join(filter(None, parts))


def page(year: Year, standings: Sequence[Standing], strays: Sequence[ReceivedOn], today: date) -> str:
    """The board as the text of an HTML file, to be written as UTF-8."""
    style = pages.text("screen.css", "board.css") + _bars()
    counts = Counter(standing.state for standing in standings)
    groups = _groups(year, standings)
    return (
        _environment()
        .get_template("board.html.j2")
        .render(
            title=f"Bảng theo dõi phiếu năm {year.params.year}",
            policy=f"default-src 'none'; style-src {pages.allowed(style)}",
            style=style,
            today=today,
            due=year.params.returns_due,
            days=status.days_left(year, today),
            illustrative=_illustrative(year),
            standings=standings,
            came=len(standings) - counts["missing"],
            by_state=[(state, [s for s in standings if s.state == state]) for state in status.WORDS],
            sections=[section for section, _, _ in standings[0].completeness] if standings else [],
            strays=strays,
            groups=groups,
            group_of={group.name: group.id for group in groups},
            there={(file.file, file.sha256) for file in year.files},
            names={indicator.code: indicator.name for indicator in year.catalogue.indicators},
            answers=Project(Path()).answers(year.params.year).as_posix(),
            year=year.params.year,
        )
    )


def _groups(year: Year, standings: Iterable[Standing]) -> list[Group]:
    """In the order of the table; last what belongs to no unit."""
    points = status.points(year)
    places = [(standing.unit.full_name, f"mo-{standing.unit.id}") for standing in standings]
    opened = ((id_, name, tuple(f for f in points.get(name, ()) if f.is_open)) for name, id_ in (*places, ("", "mo")))
    return [Group(*group) for group in opened if group[2]]


def _illustrative(year: Year) -> str:
    """Which returns are illustrative, in a sentence, or ''."""
    made_up = [got.unit.full_name for got in year.returns if got.illustrative]
    if not made_up:
        return ""
    whose = "Mọi phiếu đã đọc" if len(made_up) == len(year.returns) else f"Phiếu của {', '.join(made_up)}"
    return f"{whose} ghi số liệu minh họa, không phải số liệu thật của đơn vị."


# ---------------------------------------------------------------- for the template


def _row_id(unit: Unit) -> str:
    return f"dv-{unit.id}"


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _file_name(file: str) -> str:
    return tell(PurePosixPath(file).name)


def _full(reported: int, owed: int) -> str:
    """The class that draws a bar: full only where nothing lacks, empty only where all does."""
    percent = reported * 100 // owed if owed else 0
    return f"bar p{max(percent // _STEP * _STEP, _STEP if reported else 0)}"


def _bars() -> str:
    """A rule for each length of a bar: the policy of the page forbids style attributes."""
    return "".join(f".p{percent}{{--full:{percent}%}}" for percent in range(0, 101, _STEP)) + "\n"


@cache
def _environment() -> Environment:
    environment = pages.environment(day=_day, file_name=_file_name, row_id=_row_id)
    environment.globals |= {"words": status.WORDS, "signs": _SIGNS, "due_words": status.due_words, "full": _full}
    return environment
