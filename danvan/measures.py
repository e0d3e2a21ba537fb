"""Observations -> results: totals and ratios. No I/O, no words.

A total is the sum of what units and city offices reported; a ratio is a ratio of sums, never a mean of ratios. A sum
with one lower bound is a lower bound. What is not known stays not known: a result says how many units stand behind it.
Flows are added over all units of the period, stocks over those that are there at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from danvan.catalogue import UNIT_COUNTS, Indicator
from danvan.intake.findings import Cell
from danvan.intake.observations import EXACT, Bound, Status
from danvan.intake.year import Year
from danvan.units import Unit

TOTAL = "total"  # the scope of the whole city; other scopes are unit ids and `span_scope`s
TO_DATE = "to-date"  # the scope of the whole city over several years
Provenance = Literal["reported", "published", "illustrative"]


@dataclass(frozen=True)
class Result:
    """A computed figure.

    `value` is in `indicator.measured_in` (ratios: times `indicator.scale`), unrounded; None with its `status`.
    `reported` of `owed` districts stand behind it, for the whole period; `city_missing` says that the city offices'
    part is lacking.
    """

    indicator: Indicator
    year: int
    scope: str
    value: Decimal | None
    status: Status
    bound: Bound
    formula: str
    sources: tuple[Cell, ...]
    provenance: Provenance
    reported: int
    owed: int
    city_missing: bool = False
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    above: Indicator | None = None  # of a ratio: what is above the line

    @property
    def key(self) -> str:
        """Its name in trace.json: 'tips_received@2023/total'."""
        return f"{self.indicator.code}@{self.year}/{self.scope}"

    @property
    def complete(self) -> bool:
        """Whether everybody who owes a part has reported it."""
        return self.reported == self.owed and not self.city_missing


Results = dict[tuple[str, str], Result]  # by (indicator code, scope)


def span_scope(first_day: date, last_day: date) -> str:
    """The scope of all units of a part of a period within which the map changes: 'span@2025-01-01..2025-06-30'."""
    return f"span@{first_day}..{last_day}"


def is_of_city(scope: str) -> bool:
    """Whether a scope is the whole city, or all its units for a part of the period: no single unit's figure."""
    return scope in (TOTAL, TO_DATE) or scope.startswith("span@")


def compute(year: Year) -> Results:
    """Every result of a year: each indicator for the whole city, for each unit and for the city offices.

    Where the map changes within the year, also for the units of each part of it.
    """
    results: Results = {}
    spans = (
        {span_scope(first, last): units for first, last, units in year.units.spans} if len(year.units.spans) > 1 else {}
    )
    for indicator in year.catalogue.reported:
        for unit in year.units.all:
            results[indicator.code, unit.id] = _of_unit(year, indicator, unit)
        for scope, units in spans.items():
            results[indicator.code, scope] = _sum(year, indicator, units, None, scope, results)
        at_end = year.units.at_end if indicator.time == "stock" else year.units.districts
        results[indicator.code, TOTAL] = _sum(year, indicator, at_end, year.units.city, TOTAL, results)
    for indicator in year.catalogue.indicators:
        if indicator.kind == "ratio":
            for unit in year.units.all:
                results[indicator.code, unit.id] = _ratio(year, indicator, [unit], unit.id, results)
            for scope, units in spans.items():
                results[indicator.code, scope] = _ratio(year, indicator, units, scope, results)
            results[indicator.code, TOTAL] = _ratio(year, indicator, _behind(year, indicator), TOTAL, results)
    return results


def to_date(results: Sequence[Result]) -> Result:
    """One indicator of the whole city over several years, the last one last: what happened is added, ratios are ratios
    of sums; of a stock there is only its last. Unknown where a year is unknown.
    """
    last = results[-1]
    if last.indicator.time == "stock":
        return replace(last, scope=TO_DATE)
    ratio = last.indicator.kind == "ratio"
    above = added(result.numerator for result in results)
    below = added(result.denominator for result in results)
    value = added(result.value for result in results)
    if ratio:
        value = above / below * (last.indicator.scale or 1) if above is not None and below else None
    unknown = next((result.status for result in results if result.value is None), Status.NOT_REPORTED)
    return replace(
        last,
        scope=TO_DATE,
        value=value,
        status=unknown if value is None else Status.REPORTED if value else Status.ZERO,
        bound=sum_bound(result.bound for result in results),
        formula=f"{'tử số và mẫu số' if ratio else 'số'} các năm {results[0].year}-{last.year} cộng lại",
        sources=tuple(cell for result in results for cell in result.sources),
        reported=sum(result.reported for result in results),
        owed=sum(result.owed for result in results),
        city_missing=any(result.city_missing for result in results),
        numerator=above,
        denominator=below,
    )


def added(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; None where one of them is not known."""
    known = list(values)
    return None if None in known else sum((value for value in known if value is not None), Decimal(0))


def _of_unit(year: Year, indicator: Indicator, unit: Unit) -> Result:
    owed = unit.owes(indicator) == "owed"
    observation = year.observations.get((unit.id, indicator.code))
    provenance: Provenance = "illustrative" if unit.id in year.illustrative_ids else "reported"
    if observation is None:
        status = Status.NOT_REPORTED if owed else Status.NOT_APPLICABLE
        return Result(indicator, year.params.year, unit.id, None, status, EXACT, "", (), provenance, 0, int(owed))
    whole = observation.until is None or indicator.kind == "boolean"  # yes stays yes, whatever the months bring
    return Result(
        indicator,
        year.params.year,
        unit.id,
        observation.value,
        observation.status,
        observation.bound,
        f"số trong phiếu của {unit.full_name}",
        (observation.cell,),
        provenance,
        reported=int(owed and observation.value is not None and whole),
        owed=int(owed),
    )


def _sum(
    year: Year, indicator: Indicator, units: Sequence[Unit], city: Unit | None, scope: str, results: Results
) -> Result:
    parts = [results[indicator.code, unit.id] for unit in units]
    of_city = results[indicator.code, city.id] if city else None
    known = [part for part in (*parts, *filter(None, [of_city])) if part.value is not None]
    words = "số đơn vị ghi Có" if indicator.kind == "boolean" else "tổng số của các đơn vị"
    if city and "city" in indicator.reporters and indicator.reporters != ("city",):
        words += " và khối thành phố"
    if indicator.reporters == ("city",):
        words = "số của khối thành phố"
    value = sum((part.value for part in known if part.value is not None), Decimal(0)) if known else None
    owed = any(part.owed for part in (*parts, *filter(None, [of_city])))
    nothing = Status.NOT_REPORTED if owed else Status.NOT_APPLICABLE
    return Result(
        indicator,
        year.params.year,
        scope,
        value,
        nothing if value is None else Status.REPORTED if value else Status.ZERO,
        sum_bound(part.bound for part in known),
        words,
        tuple(cell for part in known for cell in part.sources),
        _city_provenance(year),
        reported=sum(part.reported for part in parts),
        owed=sum(part.owed for part in parts),
        city_missing=bool(of_city and of_city.owed and not of_city.reported),
    )


def _ratio(year: Year, indicator: Indicator, units: Sequence[Unit], scope: str, results: Results) -> Result:
    """Sum over sum, over the units of which both are known; the same units stand above and below the line."""
    assert indicator.numerator
    assert indicator.denominator
    assert indicator.scale
    above = results[indicator.numerator, scope]
    counted = indicator.denominator in UNIT_COUNTS
    below = above if counted else results[indicator.denominator, scope]
    top, bottom, sources, districts, lacking = Decimal(0), Decimal(0), list[Cell](), 0, False
    for unit in units:
        part = results[indicator.numerator, unit.id]
        other = None if counted else results[indicator.denominator, unit.id]
        if part.value is None or (other and other.value is None):
            continue
        if counted and not unit.is_city and unit.count(indicator.denominator) is None:
            lacking = True
            continue
        count = _unit_count(year, unit, indicator.denominator, scope) if counted else None
        under = Decimal(count or 0) if other is None or other.value is None else other.value
        top, bottom, districts = top + part.value, bottom + under, districts + (not unit.is_city)
        sources += [
            *part.sources,
            *(other.sources if other else [_reference(unit, indicator.denominator)] * bool(count)),
        ]
    bound = above.bound if counted else ratio_bound(above.bound, below.bound)
    statuses = {above.status, below.status}
    status = next((s for s in (Status.NOT_APPLICABLE, Status.NOT_REPORTED) if s in statuses), Status.REPORTED)
    # Events of two halves of a year over things that were counted anew in between: over what?
    mixed = scope == TOTAL and indicator.denominator in UNIT_COUNTS[1:] and len(_days(units)) > 1
    if status is Status.REPORTED and (lacking or mixed):
        status = Status.NO_DENOMINATOR
    elif status is Status.REPORTED and not bottom:
        status = Status.NOT_APPLICABLE
    known = status is Status.REPORTED
    times = {100: " × 100%", 1: ""}.get(indicator.scale, f" × {indicator.scale}")
    return Result(
        indicator,
        year.params.year,
        scope,
        top / bottom * indicator.scale if known else None,
        status,
        bound,
        f"{indicator.numerator} / {indicator.denominator}{times}",
        tuple(sources),
        above.provenance,
        reported=districts,
        owed=max(above.owed, below.owed),
        city_missing=above.city_missing or below.city_missing,
        numerator=top if known else None,
        denominator=bottom if known else None,
        above=above.indicator,
    )


def _behind(year: Year, ratio: Indicator) -> tuple[Unit, ...]:
    """The units behind the city's ratio: of a stock, those at the end of the period."""
    time = year.catalogue.by_code[ratio.numerator or ""].time
    return (*year.units.at_end, year.units.city) if time == "stock" else year.units.all


def _days(units: Sequence[Unit]) -> set[tuple[int, int, int, int]]:
    return {unit.span for unit in units if not unit.is_city}


def _unit_count(year: Year, unit: Unit, name: str, scope: str) -> int | None:
    if unit.is_city:
        return None
    count = unit.count(name)
    if name == "population" and not is_of_city(scope) and count and count < year.params.thresholds.small_population:
        return None  # a rate per 10,000 of some hundred people says nothing
    return count


def _reference(unit: Unit, name: str) -> Cell:
    if name == "population":
        return Cell("data/reference/population.csv", "", f"dòng {unit.population_line}")
    return Cell("params/units.csv", "", f"dòng {unit.line}")


def _city_provenance(year: Year) -> Provenance:
    return "illustrative" if year.illustrative_city else year.params.provenance.city_totals


def sum_bound(bounds: Iterable[Bound]) -> Bound:
    """The bound of a sum: exact if all are; a lower bound if some are lower and none is 'about'."""
    inexact = [bound for bound in bounds if bound != EXACT]
    if not inexact:
        return EXACT
    if any(bound.kind == "about" for bound in inexact):
        return Bound("about", "khoảng")
    words = {bound.word for bound in inexact}
    return Bound("lower", words.pop() if len(words) == 1 else "hơn")


def ratio_bound(above: Bound, below: Bound) -> Bound:
    """The bound of a ratio or difference: `above` against an exact number keeps its bound; else it is 'about'."""
    return above if below == EXACT else Bound("about", "khoảng")


def share_of(part: Result, whole: Result) -> tuple[Decimal, Bound] | None:
    """`part` in percent of `whole` (0-100), with its bound; None where either is not known or the whole is nothing."""
    if part.value is None or not whole.value:
        return None
    return part.value / whole.value * 100, ratio_bound(part.bound, whole.bound)


def rounded(value: Decimal, decimals: int) -> Decimal:
    """Half away from zero on exact decimals, as Excel's ROUND does."""
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
