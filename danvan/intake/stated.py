"""Figures that a body stated apart from the returns (data/YEAR/stated.csv), which compete with what those add up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from danvan.catalogue import Catalogue, Indicator
from danvan.errors import SettingsError, nearest
from danvan.intake import numbers
from danvan.intake.findings import Cell, Finding
from danvan.intake.observations import EXACT, Bound, Return
from danvan.intake.rules import RULES
from danvan.intake.values import plain
from danvan.loading import is_there, read_csv
from danvan.paths import Project

COLUMNS = ("indicator", "precision", "value", "stated_by", "place", "decision", "reason")


@dataclass(frozen=True)
class Stated:
    """A figure that a body stated; `value` is in the indicator's measure. `decision` says which figure to use."""

    indicator: str
    value: Decimal
    bound: Bound
    stated_by: str
    place: str
    decision: str
    reason: str
    cell: Cell


def read_stated(project: Project, year: int, catalogue: Catalogue) -> tuple[Stated, ...]:
    """The lines of the file; none where it is not there. Raises SettingsError with line numbers.

    A ratio in percent may be stated as "85,4%" or as the pair behind it, "502/588".
    """
    path = project.stated(year)
    return tuple(_lines(project, year, catalogue)) if is_there(path) else ()


def _lines(project: Project, year: int, catalogue: Catalogue) -> Iterator[Stated]:
    shown = project.relative(project.stated(year))
    for line, row in read_csv(project.stated(year), shown, COLUMNS):
        code = row["indicator"]
        if code not in catalogue.by_code:
            hint = nearest(code, catalogue.by_code)
            raise SettingsError(f"{shown}, dòng {line}: không có chỉ tiêu “{code}”.{hint}")
        read = _number(row["value"], catalogue.by_code[code])
        if not isinstance(read, Decimal):
            reason = read.reason if isinstance(read, numbers.Refused) else "ô value trống."
            raise SettingsError(f"{shown}, dòng {line}: không đọc được số “{row['value']}”: {reason}")
        texts = (row["stated_by"], row["place"], row["decision"], row["reason"])
        yield Stated(code, read, Bound.of(row["precision"]), *texts, Cell(shown, "", f"dòng {line}"))


def _number(text: str, indicator: Indicator) -> Decimal | numbers.Refused | numbers.Missing:
    """The figure in the indicator's measure: as a number, for a ratio in percent also as a percentage or a pair."""
    if indicator.scale != 100:
        read = numbers.parse(text, indicator.decimals)
        return read.value if isinstance(read, numbers.Parsed) else read
    if "/" in text:
        pair = numbers.pair(text)
        if not isinstance(pair, tuple):
            return pair
        part, whole = pair
        return part / whole * 100 if whole else numbers.Refused("mẫu số là 0.", "Ghi cặp số có nghĩa.")
    read = numbers.percent(text)
    return read.value * 100 if isinstance(read, numbers.Parsed) else read


def undecided(stated: Iterable[Stated], returns: tuple[Return, ...], catalogue: Catalogue) -> Iterator[Finding]:
    """Stated figures that the returns do not add up to, and nobody has decided which to use."""
    for item in stated:
        total, bounds = _total(catalogue.by_code[item.indicator], returns)
        places = catalogue.by_code[item.indicator].decimals
        agrees = total is not None and _rounded(total, places) == _rounded(item.value, places)
        if (agrees and {item.bound, *bounds} == {EXACT}) or (item.decision and item.reason):
            continue
        said = f"{item.bound.word} {plain(_rounded(item.value, places))}".strip()
        added = "" if total is None else f"; cộng từ phiếu: {plain(_rounded(total, places))}"
        yield Finding(
            "competing-figures",
            RULES["competing-figures"].severity,
            item.cell,
            said + added,
            f"Số do {item.stated_by} nêu khác số trong phiếu mà chưa có quyết định dùng số nào.",
            "Điền cột decision và reason.",
            indicator=item.indicator,
        )


def _total(indicator: Indicator, returns: tuple[Return, ...]) -> tuple[Decimal | None, set[Bound]]:
    """What the returns add up to, and how exact their parts are; None where they say nothing, or not all of it."""
    codes = [indicator.numerator, indicator.denominator] if indicator.kind == "ratio" else [indicator.code]
    sums, bounds = [], set[Bound]()
    for code in codes:
        parts = [o for r in returns if (o := r.by_code.get(code or "")) and o.value is not None]
        bounds |= {o.bound for o in parts}
        sums.append(sum((o.value for o in parts if o.value is not None), Decimal(0)) if parts else None)
    if len(sums) == 1 or None in sums:
        return (sums[0] if len(sums) == 1 else None), bounds
    top, bottom = (part for part in sums if part is not None)
    return (top / bottom * (indicator.scale or 1) if bottom else None), bounds


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
