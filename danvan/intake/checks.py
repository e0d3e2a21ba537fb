"""Rules of the catalogue and of the year's params -> findings. Each return is held against itself and last year's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from danvan.catalogue import Catalogue, Check, Term
from danvan.intake.findings import Finding
from danvan.intake.observations import EXACT, Observation, Return, Status
from danvan.params import Thresholds
from danvan.units import Unit

_UNIT_WORDS = {
    "units": "số đơn vị",
    "wards": "số phường",
    "communes": "số xã",
    "commune_level_total": "số xã, phường, thị trấn",
    "population": "số dân",
}
Observations = Mapping[str, Observation]


def check(
    returns: tuple[Return, ...], last_returns: tuple[Return, ...], catalogue: Catalogue, thresholds: Thresholds
) -> tuple[Finding, ...]:
    """All findings of relations and of changes on last year, in the order of units and catalogue."""
    last_by_unit = {r.unit.id: {o.indicator.code: o for o in r.observations} for r in last_returns}
    findings: list[Finding] = []
    for got in returns:
        this = {o.indicator.code: o for o in got.observations}
        last = last_by_unit.get(got.unit.id, {})
        for rule in catalogue.checks:
            findings += _relation(rule, got.unit, this, last)
        for observation in got.observations:
            findings += _change(observation, last.get(observation.indicator.code), thresholds)
    return tuple(findings)


def _relation(rule: Check, unit: Unit, this: Observations, last: Observations) -> Iterator[Finding]:
    """The finding if the relation is broken. Skipped where a number is not there or too vague to say."""
    left, sign, right = rule.sides
    sides = [[_number(term, unit, this, last) for term in side] for side in (left, right)]
    if any(number is None for side in sides for number in side):
        return
    sums = [sum((number.value for number in side if number), Decimal(0)) for side in sides]
    vague = {number.bound for side in sides for number in side if number}
    if sign == "<=" and (sums[0] <= sums[1] or "about" in vague or any(n and n.bound != "exact" for n in sides[1])):
        return
    if sign == "=" and (sums[0] == sums[1] or vague != {"exact"}):
        return
    parts = [term.name for term in (*left, *right) if term.source == "this"]
    first = this[parts[0]]
    names = ", ".join(
        f"{this[name].indicator.name} ({this[name].cell.ref}) = {_text(this[name].value)}" for name in parts
    )
    others = [
        f"năm trước: {last[term.name].indicator.name} = {_text(last[term.name].value)}"
        if term.source == "last"
        else f"{_UNIT_WORDS[term.name]} của đơn vị = {unit.count(term.name)}"
        for term in (*left, *right)
        if term.source != "this"
    ]
    yield Finding(
        rule.rule,
        rule.severity,
        first.cell,
        "; ".join([names, *others]),
        rule.reason,
        "Kiểm tra và sửa số sai."
        if rule.severity == "error"
        else "Kiểm tra lại với nơi lập phiếu; nếu đúng thì giữ nguyên.",
        unit=unit.full_name,
        indicator=first.indicator.code,
        others=tuple(term.name for term in (*left, *right) if term.source != "unit"),
    )


class _Number:
    def __init__(self, value: Decimal, bound: str) -> None:
        self.value, self.bound = value, bound


def _number(term: Term, unit: Unit, this: Observations, last: Observations) -> _Number | None:
    if term.source == "unit":
        count = unit.count(term.name)
        return None if count is None else _Number(Decimal(term.factor * count), "exact")
    observation = (this if term.source == "this" else last).get(term.name)
    if observation is None or observation.value is None:
        return None
    return _Number(term.factor * observation.value, observation.bound.kind)


def _change(now: Observation, last: Observation | None, thresholds: Thresholds) -> Iterator[Finding]:
    """A change on last year beyond the thresholds of the year's params; small counts are left alone."""
    indicator = now.indicator
    if last is None or now.value is None or last.value is None or {now.bound, last.bound} != {EXACT}:
        return
    large, small = max(now.value, last.value), min(now.value, last.value)
    if large < thresholds.small_count or Status.NOT_REPORTED in (now.status, last.status):
        return
    if indicator.change_check == "percent":
        beyond = large - small > thresholds.change_percent * last.value / 100
        limit = f"quá {thresholds.change_percent}%"
    elif indicator.change_check == "factor":
        beyond = large >= thresholds.change_factor * small
        limit = f"từ {thresholds.change_factor} lần trở lên"
    else:
        return
    if beyond:
        yield Finding(
            "change-on-last-year",
            "warning",
            now.cell,
            f"{_text(now.value)}; năm trước {_text(last.value)}",
            f"{indicator.name} chênh lệch {limit} so với năm trước.",
            "Kiểm tra lại với nơi lập phiếu; nếu đúng thì giữ nguyên.",
            unit=now.unit.full_name,
            indicator=indicator.code,
        )


def _text(value: Decimal | None) -> str:
    """Plain digits with a decimal comma, as typed in a cell."""
    return "" if value is None else format(value, "f").replace(".", ",")
