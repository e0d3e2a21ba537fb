"""Where each unit stands with its return: what came when, what is open, how full it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from danvan.catalogue import Catalogue
from danvan.errors import grouped
from danvan.intake.findings import Finding, tell
from danvan.intake.observations import Return, Status
from danvan.intake.year import Year
from danvan.units import Unit

State = Literal["missing", "refused", "errors", "open", "sound"]
WORDS: dict[State, str] = {
    "missing": "chưa gửi",
    "refused": "bị trả lại",
    "errors": "có lỗi",
    "open": "chờ giải trình",
    "sound": "đạt",
}
_NO_RETURN = "missing-return"  # says what `State` says, so it is no point to mend in a return


@dataclass(frozen=True)
class ReceivedOn:
    """A line of data/YEAR/received.csv: a file as it first lay there, with the full name of its unit or ''."""

    file: str
    sha256: str
    unit: str
    received_on: date


@dataclass(frozen=True)
class Standing:
    """One unit: `files` are all that ever came, the oldest first; `completeness` is (section, reported, owed).

    missing: no file lies there; refused: one does, but could not be taken; errors: read, with something to mend;
    open: warnings alone want an answer; sound: nothing is left to do. `until`: the last day of a partial return.
    """

    unit: Unit
    files: tuple[ReceivedOn, ...]
    state: State
    errors: int
    open_warnings: int
    answered: int
    completeness: tuple[tuple[str, int, int], ...]
    until: date | None


def standings(year: Year, received: Sequence[ReceivedOn]) -> tuple[Standing, ...]:
    """Every unit that owes a return, in official order, the city offices last."""
    files: dict[str, list[ReceivedOn]] = defaultdict(list)
    read_as = _read_as(year)
    for line in sorted(received, key=_oldest):
        files[read_as.get((line.file, line.sha256), line.unit)].append(line)
    findings = points(year)
    returns = {got.unit.id: got for got in year.returns}
    lying = {file.unit for file in year.files}
    made = []
    for unit in year.units.all:
        got, found = returns.get(unit.id), findings.get(unit.full_name, ())
        errors = sum(f.severity == "error" for f in found)
        unanswered = sum(f.severity == "warning" and f.is_open for f in found)
        state: State = "missing"
        if got is not None:
            state = "errors" if errors else "open" if unanswered else "sound"
        elif unit.full_name in lying:
            state = "refused"
        made.append(
            Standing(
                unit,
                tuple(files[unit.full_name]),
                state,
                errors,
                unanswered,
                sum(not f.is_open for f in found),
                _completeness(unit, got, year.catalogue),
                got.until if got else None,
            )
        )
    return tuple(made)


def strays(year: Year, received: Sequence[ReceivedOn]) -> tuple[ReceivedOn, ...]:
    """The files that lie there and belong to no known unit, the oldest first."""
    known, read_as = {unit.full_name for unit in year.units.all}, _read_as(year)
    there = (line for line in received if (line.file, line.sha256) in read_as)
    found = (line for line in there if read_as[line.file, line.sha256] not in known)
    return tuple(sorted(found, key=_oldest))


def points(year: Year) -> dict[str, tuple[Finding, ...]]:
    """The findings on what came, by the full name of the unit, the errors first; '' for what no unit is known of.

    A file that says too late whose it is has findings without a unit: they go to the unit of the file.
    """
    owners = {tell(file.file): file.unit for file in year.files}
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(year.findings, key=lambda finding: finding.severity):
        if finding.rule != _NO_RETURN:
            found[finding.unit or owners.get(finding.cell.file, "")].append(finding)
    return {unit: tuple(all_) for unit, all_ in found.items()}


def days_left(year: Year, today: date) -> int:
    """Days from `today` to the day on which the returns are due; negative when it is past."""
    return (year.params.returns_due - today).days


def due_words(days: int) -> str:
    """'còn 5 ngày', 'hết hạn hôm nay', 'quá hạn 1.075 ngày'."""
    if days == 0:
        return "hết hạn hôm nay"
    return f"còn {grouped(days)} ngày" if days > 0 else f"quá hạn {grouped(-days)} ngày"


def _oldest(line: ReceivedOn) -> tuple[date, str]:
    return line.received_on, line.file


def _read_as(year: Year) -> dict[tuple[str, str], str]:
    """The unit of each file that lies there, as it is read today: a line may be older than an alias in units.csv."""
    return {(file.file, file.sha256): file.unit for file in year.files}


def _completeness(unit: Unit, got: Return | None, catalogue: Catalogue) -> tuple[tuple[str, int, int], ...]:
    by_code = got.by_code if got else {}
    counted: dict[str, tuple[int, int]] = {}
    for indicator in catalogue.reported:
        reported, owed = counted.get(indicator.section, (0, 0))
        if unit.owes(indicator) == "owed":
            owed += 1
            observation = by_code.get(indicator.code)
            reported += observation is not None and observation.status in (Status.REPORTED, Status.ZERO)
        counted[indicator.section] = (reported, owed)
    return tuple((section, *both) for section, both in counted.items())
