"""Rules of the catalogue and of the year's params -> findings. Each return is held against itself and last year's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from danvan.catalogue import Catalogue, Check, Term
from danvan.intake.findings import Cell, Finding
from danvan.intake.observations import EXACT, Observation, Return
from danvan.intake.rules import RULES
from danvan.intake.values import plain
from danvan.params import Thresholds, YearParams
from danvan.units import Unit

_UNIT_WORDS = {
    "units": "số đơn vị",
    "wards": "số phường",
    "communes": "số xã",
    "commune_level_total": "số xã, phường, thị trấn",
    "population": "số dân",
}
_CONFIRM = "Kiểm tra lại với nơi lập phiếu; nếu đúng thì giữ nguyên và giải trình một lần."
_ENOUGH = 5  # fewer numbers may all be the same by chance
Observations = Mapping[str, Observation]


def check(
    returns: tuple[Return, ...], last_returns: Mapping[str, Return], catalogue: Catalogue, thresholds: Thresholds
) -> tuple[Finding, ...]:
    """What the checks of the catalogue find, in the order of units and catalogue.

    `last_returns`: last year's return of the same land, by this year's unit id.
    """
    findings: list[Finding] = []
    for got in returns:
        before_it = last_returns.get(got.unit.id)
        this, last = got.by_code, before_it.by_code if before_it else {}
        jumped: set[str] = set()  # one remark on a change is enough
        for rule in catalogue.checks:
            match rule.about:
                case None:
                    findings += _relation(rule, got.unit, this, last)
                case "percent" | "factor" | "scale" as how:
                    for now in got.observations:
                        before = last.get(now.indicator.code)
                        limit = _limit(how, now, before, thresholds) if now.indicator.code not in jumped else ""
                        if before and limit:
                            jumped.add(now.indicator.code)
                            findings.append(_changed(rule, now, before, limit))
                case "points":
                    findings += _points(rule, catalogue, this, last, thresholds)
                case "all_zeros" | "all_equal" | "as_last_year":
                    findings += _whole_sheets(rule, this, last)
    return tuple(findings)


def lowered(file: str, params: YearParams, last: YearParams | None) -> tuple[Finding, ...]:
    """The remark on a year that shows smaller counts of persons than the year before: somebody has to answer for that.

    `file` is where the year's threshold stands. What last year's edition hid stays hidden by its own threshold.
    """
    if last is None or params.thresholds.least_persons >= last.thresholds.least_persons:
        return ()
    return (
        Finding(
            "threshold-lowered",
            RULES["threshold-lowered"].severity,
            Cell(file, "", "least_persons"),
            f"năm trước {last.thresholds.least_persons}, năm nay {params.thresholds.least_persons}",
            "Hạ ngưỡng thì bản công khai nêu những số nhỏ về người mà trước đó không công khai.",
            "Nâng least_persons về mức cũ; nếu hai cơ quan đã thống nhất hạ thì giải trình một lần, nêu căn cứ.",
        ),
    )


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
        "Kiểm tra và sửa số sai." if rule.severity == "error" else _CONFIRM,
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


def _limit(
    how: Literal["percent", "factor", "scale"], now: Observation, last: Observation | None, thresholds: Thresholds
) -> str:
    """The limit that a change on last year goes beyond, in words, or ''; small counts are left alone."""
    if last is None or not _comparable(now, last):
        return ""
    assert now.value is not None
    assert last.value is not None
    large, small = max(now.value, last.value), min(now.value, last.value)
    if large < thresholds.small_count or now.indicator.change_check == "none":
        return ""
    if how == "scale":
        return "từ 100 lần trở lên" if small and large >= 100 * small else ""
    if how != now.indicator.change_check:
        return ""
    if how == "factor":
        return f"từ {thresholds.change_factor} lần trở lên" if large >= thresholds.change_factor * small else ""
    beyond = large - small > thresholds.change_percent * last.value / 100
    return f"quá {thresholds.change_percent}%" if beyond and large - small >= thresholds.change_absolute else ""


def _comparable(now: Observation, last: Observation) -> bool:
    """Two exact figures of whole periods; what happened in half a year is not held against a whole one."""
    exact = {now.bound, last.bound} == {EXACT} and now.value is not None and last.value is not None
    whole = now.until is None and last.until is None
    return exact and whole and (now.indicator.time == "stock" or now.unit.span == last.unit.span)


def _changed(rule: Check, now: Observation, last: Observation, limit: str) -> Finding:
    return Finding(
        rule.rule,
        rule.severity,
        now.cell,
        f"{_text(now.value)}; năm trước {_text(last.value)}",
        f"{rule.reason} “{now.indicator.name}” chênh {limit}.",
        _CONFIRM,
        unit=now.unit.full_name,
        indicator=now.indicator.code,
    )


def _points(
    rule: Check, catalogue: Catalogue, this: Observations, last: Observations, thresholds: Thresholds
) -> Iterator[Finding]:
    """Shares in percent that moved; of small wholes nothing is said."""
    for ratio in catalogue.indicators:
        if ratio.scale != 100 or not ratio.numerator or not ratio.denominator:
            continue
        parts = [(side.get(ratio.numerator), side.get(ratio.denominator)) for side in (this, last)]
        (now, whole), (before, whole_before) = parts
        if not (now and whole and before and whole_before):
            continue
        if not (_comparable(now, before) and _comparable(whole, whole_before)):
            continue
        values = [(part.value, all_.value) for part, all_ in parts if part and all_]
        if any(all_ is None or all_ < thresholds.small_count for _, all_ in values):
            continue
        shares = [part / all_ * 100 for part, all_ in values if part is not None and all_]
        if len(shares) == 2 and abs(shares[0] - shares[1]) > thresholds.change_points:
            yield Finding(
                rule.rule,
                rule.severity,
                now.cell,
                f"{_text(round(shares[0], 1))}% ({_text(now.value)}/{_text(whole.value)}); "
                f"năm trước {_text(round(shares[1], 1))}% ({_text(before.value)}/{_text(whole_before.value)})",
                f"{rule.reason} “{ratio.name}” chênh quá {thresholds.change_points} điểm phần trăm.",
                _CONFIRM,
                unit=now.unit.full_name,
                indicator=now.indicator.code,
                others=(whole.indicator.code,),
            )


def _whole_sheets(rule: Check, this: Observations, last: Observations) -> Iterator[Finding]:
    """Sheets whose numbers, all together, cannot be meant: all nothing, all the same, all as last year."""
    by_sheet: dict[str, list[Observation]] = {}
    for o in this.values():
        if o.value is not None and o.indicator.kind != "boolean":
            by_sheet.setdefault(o.cell.sheet, []).append(o)
    for sheet, observations in by_sheet.items():
        if len(observations) < _ENOUGH:
            continue
        before = [last.get(o.indicator.code) for o in observations]
        values = {o.value for o in observations}
        match rule.about:
            case "all_zeros":
                odd = values == {Decimal(0)}
            case "all_equal":
                odd = len(values) == 1 and values != {Decimal(0)}
            case _:
                same = [b is not None and b.value == o.value for o, b in zip(observations, before, strict=True)]
                odd = all(same) and len(values) > 1
        if odd:
            yield Finding(
                rule.rule,
                rule.severity,
                replace(observations[0].cell, ref=""),
                f"{len(observations)} số trong trang “{sheet}”",
                rule.reason,
                "Kiểm tra lại cả trang và gửi phiếu đúng." if rule.severity == "error" else _CONFIRM,
                unit=observations[0].unit.full_name,
                others=tuple(o.indicator.code for o in observations),
            )


def _text(value: Decimal | None) -> str:
    return "" if value is None else plain(value)
