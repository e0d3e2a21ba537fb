"""This year against last: whether it can be said at all, and whether chance alone explains it. No I/O, no words.

Compared are figures of the same land, the same length of time, complete and exact. What happened (flows) is tested as
events, shares as shares; a difference that chance explains is no rise and no fall. Stocks and quantities are not drawn
by chance: they are compared as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from typing import Literal

from danvan import statistics
from danvan.catalogue import Catalogue, Indicator
from danvan.intake.observations import EXACT, Status
from danvan.intake.year import Year
from danvan.lineage import Lineage
from danvan.measures import TOTAL, Provenance, Result, Results, added, is_of_city, rounded, sum_bound
from danvan.params import Period, Thresholds
from danvan.units import Unit, Units

_AND = "+"  # between the scopes of units that have become one
_OVER_LAND = ("wards", "communes", "commune_level_total")  # denominators that a redrawn map changes


@dataclass(frozen=True)
class Change:
    """This year against last.

    `way` is incomparable (with a `reason`), same, up, down, or chance: a difference within what chance explains, by
    `test`. `amount` > 0 is in the indicator's own measure (ratios in percent: percentage points), `sign` its direction;
    `percent` > 0 of last year's value where it is large enough to say so, else None.
    """

    now: Result
    last: Result | None
    way: Literal["incomparable", "same", "chance", "up", "down"]
    reason: str = ""
    amount: Decimal = field(default=Decimal(0))
    sign: int = 0
    percent: Decimal | None = None
    test: statistics.Test | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the results compared; of units that have become one, of each."""
        if self.last is None:
            return (self.now.key,)
        parts = self.last.scope.split(_AND)
        return (self.now.key, *(replace(self.last, scope=part).key for part in parts))


def change(now: Result, last: Result | None, last_year: int, thresholds: Thresholds, obstacle: str = "") -> Change:
    """Compare two results of one indicator and scope; never across unlike or incomplete figures.

    `obstacle`: why land or time are not alike, or ''.
    """
    if last is None and not obstacle:
        return Change(now, last, "incomparable", f"không có số liệu năm {last_year}")
    if obstacle or last is None:
        return Change(now, last, "incomparable", obstacle)
    if now.value is None or last.value is None:
        reasons = {Status.WITHHELD: "số liệu không công bố", Status.NO_DENOMINATOR: "không có mẫu số"}
        fitting = (reason for status, reason in reasons.items() if status in (now.status, last.status))
        return Change(now, last, "incomparable", next(fitting, "một trong hai năm không có số liệu"))
    if not (now.complete and last.complete):
        return Change(now, last, "incomparable", "chưa đủ đơn vị báo cáo")
    if now.bound != EXACT or last.bound != EXACT:
        return Change(now, last, "incomparable", "số liệu chỉ ghi mức tối thiểu hoặc ước chừng")
    decimals = now.indicator.decimals
    amount = rounded(now.value, decimals) - rounded(last.value, decimals)
    if not amount:
        return Change(now, last, "same")
    percent = None
    counted = now.indicator.kind in ("count", "quantity") or now.indicator.scale not in (None, 100)
    small_count = thresholds.small_count if now.indicator.kind != "ratio" else 0
    if counted and min(now.value, last.value) >= small_count and last.value:
        percent = rounded(abs(now.value - last.value) / last.value * 100, 1)
    sign, found = 1 if amount > 0 else -1, test(now, last)
    by_chance = found is not None and found.p_value * 100 >= 100 - thresholds.confidence_percent
    way: Literal["chance", "up", "down"] = "chance" if by_chance else "up" if sign > 0 else "down"
    return Change(now, last, way, "", abs(amount), sign, percent, found)


def test(now: Result, last: Result) -> statistics.Test | None:
    """Whether chance explains the difference of two known results: none for stocks and quantities."""
    indicator = now.indicator
    if now.value is None or last.value is None or not _is_drawn(now):
        return None
    if indicator.kind == "boolean":
        return statistics.change_of_proportions(float(now.value), now.reported, float(last.value), last.reported)
    if indicator.kind != "ratio":
        return statistics.change_of_counts(float(now.value), float(last.value))
    if None in (now.numerator, now.denominator, last.numerator, last.denominator):
        return None
    parts = [float(n or 0) for n in (now.numerator, now.denominator, last.numerator, last.denominator)]
    if indicator.scale == 100 and parts[0] <= parts[1] and parts[2] <= parts[3]:
        return statistics.change_of_proportions(*parts)
    return statistics.change_of_counts(parts[0], parts[2], parts[1], parts[3])


def _is_drawn(result: Result) -> bool:
    """Whether chance has a part in a figure: what happened in the period, and shares and rates of it.

    Not in stocks and quantities, and not in one unit's yes or no, which was no lot.
    """
    of = result.above or result.indicator
    if of.kind == "boolean":
        return is_of_city(result.scope)
    whole = result.numerator is None or result.numerator == result.numerator.to_integral_value()
    return whole and (of.kind == "ratio" or (of.kind == "count" and of.time == "flow"))


def interval(result: Result, thresholds: Thresholds) -> statistics.Interval | None:
    """The confidence interval of a result, in its own measure; None for what chance does not draw, or is not exact.

    Shares by Wilson, events and rates by Byar (exact below ten).
    """
    indicator, confidence = result.indicator, thresholds.confidence_percent / 100
    if result.value is None or result.bound != EXACT or not result.complete or not _is_drawn(result):
        return None
    if indicator.kind == "count":
        return statistics.count(float(result.value), confidence=confidence)
    if indicator.kind != "ratio" or result.numerator is None or not result.denominator:
        return None
    part, whole = float(result.numerator), float(result.denominator)
    if indicator.scale == 100 and part <= whole:
        return statistics.proportion(part, whole, scale=100, confidence=confidence)
    return statistics.rate(part, whole, scale=float(indicator.scale or 1), confidence=confidence)


@dataclass(frozen=True)
class Grounds:
    """Land and time of this year and the last: what comparing needs of them, and no figure. `before` as in `Year`."""

    catalogue: Catalogue
    units: Units
    period: Period
    last_units: Units | None
    last_period: Period | None
    lineage: Lineage
    before: Mapping[str, tuple[Unit, ...] | str]

    @classmethod
    def of(cls, year: Year) -> Grounds:
        last = year.last
        return cls(
            year.catalogue,
            year.units,
            year.params.period,
            last.units if last else None,
            last.params.period if last else None,
            year.lineage,
            year.before,
        )

    def last_of(self, indicator: Indicator, scope: str, last_results: Results) -> tuple[Result | None, str]:
        """Last year's result of the same land, and what stands in the way of comparing ('' if nothing does)."""
        if self.last_units is None or self.last_period is None:
            return None, ""
        of = self.catalogue.by_code[indicator.numerator] if indicator.numerator else indicator
        units = {unit.id: unit for unit in self.units.all}
        if scope == TOTAL or units[scope].is_city:
            start = self.last_period.end if of.time == "stock" else self.last_period.start
            obstacle = self.lineage.territory_change(start, self.period.end)
            if not obstacle and scope == TOTAL:
                obstacle = self._other_map(indicator, self.last_units)
            return last_results.get((indicator.code, scope)), obstacle
        found, unit = self.before[scope], units[scope]
        if isinstance(found, str):
            return None, found
        results = [last_results.get((indicator.code, one.id)) for one in found]
        if any(result is None for result in results):
            return None, ""
        joined = reduce(_joined, (result for result in results if result))
        if of.time != "stock" and any(one.span != unit.span for one in found):
            return joined, "hai kỳ số liệu dài ngắn khác nhau"
        counted = indicator.denominator
        if counted in _OVER_LAND and sum(one.count(counted) or 0 for one in found) != (unit.count(counted) or 0):
            return joined, "số xã, phường, thị trấn của đơn vị thay đổi"
        return joined, ""

    def _other_map(self, indicator: Indicator, last: Units) -> str:
        """Why the city's figure counts other things than last year, on the same land."""
        codes, last_codes = ({unit.code for unit in units.districts} for units in (self.units, last))
        if (indicator.kind == "boolean" or indicator.denominator == "units") and codes != last_codes:
            return "các đơn vị phải báo cáo không như năm trước"
        if indicator.denominator in _OVER_LAND:
            counts = [sum(u.count(indicator.denominator) or 0 for u in units.at_end) for units in (last, self.units)]
            if counts[0] != counts[1]:
                return f"mẫu số thay đổi từ {counts[0]} thành {counts[1]}"
        return ""


def _joined(one: Result, other: Result) -> Result:
    """Two units that have become one, as one: sums, and ratios of sums; who has no such thing adds nothing."""
    for part, rest in ((one, other), (other, one)):
        if part.status is Status.NOT_APPLICABLE:
            return replace(rest, provenance=_together(one, other))
    known, statuses = one.value is not None and other.value is not None, (one.status, other.status)
    above = added((one.numerator, other.numerator))
    below = added((one.denominator, other.denominator))
    value = added((one.value, other.value))
    if one.indicator.kind == "ratio":
        value = above / below * (one.indicator.scale or 1) if above is not None and below else None
    return replace(
        one,
        scope=f"{one.scope}{_AND}{other.scope}",
        value=value if known else None,
        status=one.status if known else Status.WITHHELD if Status.WITHHELD in statuses else Status.NOT_REPORTED,
        bound=sum_bound((one.bound, other.bound)),
        sources=(*one.sources, *other.sources),
        provenance=_together(one, other),
        reported=one.reported + other.reported,
        owed=one.owed + other.owed,
        numerator=above,
        denominator=below,
    )


def _together(one: Result, other: Result) -> Provenance:
    return "illustrative" if "illustrative" in (one.provenance, other.provenance) else one.provenance
