"""What an edition may show. Applied once, when a year is opened; nothing above ever holds a hidden value.

Figures whose catalogue entry says `public_level: city` (persons, weapons, force strength) appear in the public edition
for the whole city only; of counts of persons that it shows by unit, small ones and what would tell them are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from danvan.breakdowns import Scoped, Withheld, withheld
from danvan.catalogue import Indicator
from danvan.errors import SettingsError
from danvan.intake.findings import Answer, Cell, Finding
from danvan.intake.observations import EXACT, Status
from danvan.intake.rules import QUOTING
from danvan.intake.year import Year
from danvan.measures import TO_DATE, TOTAL, Result, Results

Edition = Literal["public", "internal"]
EDITIONS: tuple[Edition, ...] = ("public", "internal")
_OF_PERSONS = "Một chỉ tiêu đếm người, số của đơn vị không công bố."


def edition_named(name: str) -> Edition:
    """The edition of that name; raises SettingsError."""
    for edition in EDITIONS:
        if edition == name:
            return edition
    raise SettingsError(f"Không có ấn bản “{name}”; chỉ có: {', '.join(EDITIONS)}.")


def is_hidden(indicator: Indicator, scope: str, edition: Edition) -> bool:
    """Whether `edition` may not show this indicator for this scope."""
    return edition == "public" and scope not in (TOTAL, TO_DATE) and indicator.public_level == "city"


def hidden_cells(year: Year, results: Results, last_results: Results, edition: Edition) -> Withheld:
    """What `edition` may not show besides, cell by cell; `results` as computed."""
    return withheld(year, results, last_results) if edition == "public" else Withheld()


def withhold(results: Results, edition: Edition, cells: Collection[Scoped] = ()) -> Results:
    """The results with every hidden one, those of `cells` among them, emptied of value, parts and sources."""
    return {
        key: _emptied(result)
        if result.value is not None and (key in cells or is_hidden(result.indicator, key[1], edition))
        else result
        for key, result in results.items()
    }


def _emptied(result: Result) -> Result:
    return replace(
        result,
        value=None,
        status=Status.WITHHELD,
        bound=EXACT,
        formula="",
        sources=(),
        numerator=None,
        denominator=None,
    )


def withhold_findings(year: Year, edition: Edition, cells: Withheld) -> tuple[Finding, ...]:
    """The findings as the edition may show them.

    Those on hidden indicators keep rule and reason, but neither unit, cell, value nor answer. Those on a single hidden
    cell, of this year or of the last, do not even keep the indicator, nor their place among the others: that a count
    has doubled would tell of it, too. Of those that quote what offices wrote beside their figures, no edition holds the
    quotation.
    """
    catalogue, named = year.catalogue, _named(year, cells)
    shown: list[Finding] = []
    of_cells: list[Finding] = []
    for finding in year.findings:
        if any((code, finding.unit) in named for code in finding.involved):
            of_cells.append(replace(_nameless(finding), indicator="", others=(), reason=_OF_PERSONS))
        elif finding.unit and any(is_hidden(catalogue.by_code[code], "unit", edition) for code in finding.involved):
            shown.append(_nameless(finding))
        else:
            shown.append(replace(finding, found="") if finding.rule in QUOTING else finding)
    return (*shown, *sorted(of_cells, key=lambda finding: finding.rule))


def _nameless(finding: Finding) -> Finding:
    return replace(finding, unit="", cell=Cell(""), found="", answer=finding.answer and Answer("", ""))


def _named(year: Year, cells: Withheld) -> set[tuple[str, str]]:
    """(indicator code, full name of the unit) of the hidden cells; of last year's, the units of the same land."""
    names: dict[str, list[str]] = {unit.id: [unit.full_name] for unit in year.units.all}
    last: dict[str, list[str]] = defaultdict(list)
    for unit in year.units.all:
        before = year.before.get(unit.id, "")
        for one in () if isinstance(before, str) else before:
            last[one.id].append(unit.full_name)
    found = {(code, name) for code, scope in cells.now for name in names.get(scope, ())}
    return found | {(code, name) for code, scope in cells.last for name in last.get(scope, ())}
