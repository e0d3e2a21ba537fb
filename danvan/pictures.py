"""Results -> charts: which bar, step or state each result becomes, in which words, marked where illustrative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Literal

from danvan import charts, wording
from danvan.book import Book
from danvan.catalogue import Indicator
from danvan.errors import SettingsError
from danvan.intake.observations import Status
from danvan.measures import TOTAL, Result, ratio_bound, share_of, sum_bound
from danvan.paper import Chart

Kind = Literal["bars", "composition", "dumbbell", "funnel", "matrix", "stock_flow"]
Drawing = tuple[Chart, list[str]] | None  # with the keys of the results in it; None: nothing to draw


def draw(book: Book, kind: Kind, indicators: Sequence[Indicator], **options: str) -> Drawing:
    """A chart of the given kind, or None where a figure it needs is not known or cannot be compared.

    Raises SettingsError for an unknown kind or a wrong number of indicators.
    """
    if kind not in _KINDS:
        raise SettingsError(f"Không có loại biểu đồ “{kind}”; chỉ có: {', '.join(_KINDS)}.")
    maker, least, most = _KINDS[kind]
    if not least <= len(indicators) <= most:
        wanted = str(least) if least == most else f"từ {least}"
        raise SettingsError(f"Biểu đồ “{kind}” cần {wanted} chỉ tiêu, được {len(indicators)}.")
    return maker(book, indicators, **options)


def _bars(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    (indicator,) = indicators
    results = [book.results[indicator.code, unit.id] for unit in book.units.districts]
    bars = [_bar(result, unit.name) for unit, result in zip(book.units.districts, results, strict=True)]
    total = book.results[indicator.code, TOTAL]
    # Beside units stands the city's ratio; a city total would only dwarf them.
    reference = _bar(total, "Toàn thành phố") if indicator.kind == "ratio" and total.value is not None else None
    ordered = indicator.direction != "neutral"  # where more is not better, no ranking
    chart = charts.bars(bars, reference, f"{indicator.name} ({indicator.measured_in})", ordered, mark=_unit_mark(book))
    return chart, [*(result.key for result in results), total.key]


def _funnel(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    results = _totals(book, indicators)
    if _unknown(results):
        return None
    steps = []
    for before, result in zip([None, *results], results, strict=False):
        share = ""
        part = share_of(result, before) if before and _alike(before, result) else None
        if before and part:
            share = f"{wording.with_bound(wording.percent(part[0]), part[1])} của “{before.indicator.name}”"
        text = f"{_total_text(result)} {result.indicator.measured_in}"
        steps.append(charts.Step(result.indicator.name, float(result.value or 0), text, share))
    return charts.funnel(steps, mark=_city_mark(book)), [result.key for result in results]


def _composition(book: Book, indicators: Sequence[Indicator], rest: str = "Lĩnh vực khác") -> Drawing:
    results = _totals(book, indicators)
    whole, *parts = [result.value or Decimal(0) for result in results]
    if _unknown(results) or not whole:
        return None
    left = whole - sum(parts)
    bound = ratio_bound(results[0].bound, sum_bound(result.bound for result in results[1:]))
    left_text = wording.with_bound(wording.number(left, indicators[0].decimals), bound)
    labels = [*(indicator.label for indicator in indicators[1:]), rest]
    bars = [
        charts.Bar(label, float(value), f"{text} ({wording.percent(value / whole * 100)})")
        for label, value, text in zip(labels, [*parts, left], [*map(_total_text, results[1:]), left_text], strict=True)
    ]
    text = f"{indicators[0].name}: {_total_text(results[0])} {indicators[0].measured_in}"
    return charts.composition(bars, text, mark=_city_mark(book)), [result.key for result in results]


def _stock_flow(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    stock, new, removed = _totals(book, indicators)
    if _unknown((stock, new, removed)):
        return None
    before = book.last_results.get((stock.indicator.code, TOTAL))
    last_label = f"Cuối năm {book.params.year - 1}"
    start = _bar(before, last_label) if before else charts.Bar(last_label, None, "chưa có số liệu")
    flows = [_bar(new, new.indicator.name)], [_bar(removed, removed.indicator.name)]
    chart = charts.stock_flow(start, *flows, _bar(stock, f"Cuối năm {book.params.year}"), mark=_last_mark(book))
    return chart, [result.key for result in (before, new, removed, stock) if result]


def _dumbbell(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    pairs, keys = [], []
    for indicator in indicators:
        compared = book.change_of(indicator.code)
        now, last = compared.now, compared.last
        fair = compared.way != "incomparable"
        pairs.append(
            charts.Pair(
                indicator.name,
                float(last.value) if fair and last and last.value is not None else None,
                float(now.value) if fair and now.value is not None else None,
                wording.in_table(last) if last else "chưa có",
                wording.in_table(now),
                wording.change_in_table(compared),
            )
        )
        keys += [result.key for result in (now, last) if result]
    if all(pair.now is None for pair in pairs):
        return None
    labels = f"Năm {book.params.year - 1}", f"Năm {book.params.year}"
    return charts.dumbbell(pairs, *labels, mark=_last_mark(book)), keys


def _matrix(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    unknown = {Status.NOT_REPORTED: "missing", Status.NOT_APPLICABLE: "not_applicable", Status.WITHHELD: "missing"}
    rows, keys = [], []
    for unit in book.units.districts:
        results = [book.results[indicator.code, unit.id] for indicator in indicators]
        states = tuple(unknown.get(result.status, "yes" if result.value else "no") for result in results)
        rows.append(charts.State(unit.name, states))
        keys += [result.key for result in results]
    return charts.matrix(rows, [indicator.label for indicator in indicators], mark=_unit_mark(book)), keys


_KINDS: dict[str, tuple[Callable[..., Drawing], int, int]] = {  # with the fewest and the most indicators
    "bars": (_bars, 1, 1),
    "composition": (_composition, 2, 8),
    "dumbbell": (_dumbbell, 1, 20),
    "funnel": (_funnel, 2, 6),
    "matrix": (_matrix, 1, 8),
    "stock_flow": (_stock_flow, 3, 3),
}


def _totals(book: Book, indicators: Sequence[Indicator]) -> list[Result]:
    return [book.results[indicator.code, TOTAL] for indicator in indicators]


def _alike(one: Result, other: Result) -> bool:
    """Whether one can be a share of the other: tips of tips, not cases of tips, and nothing of a part of the units."""
    return one.indicator.measured_in == other.indicator.measured_in and one.complete and other.complete


def _unknown(results: Sequence[Result]) -> bool:
    """Whether a figure is lacking without which the chart would mislead."""
    return any(result.value is None for result in results)


def _total_text(result: Result) -> str:
    return wording.in_table(result) + wording.coverage(result)


def _bar(result: Result, label: str) -> charts.Bar:
    not_applicable = result.status is Status.NOT_APPLICABLE
    text = "không áp dụng" if not_applicable else _total_text(result)
    return charts.Bar(label, None if result.value is None else float(result.value), text)


def _unit_mark(book: Book) -> str:
    return "Số liệu từng đơn vị là số liệu minh họa." if book.illustrative_units else _city_mark(book)


def _city_mark(book: Book) -> str:
    return "Số liệu minh họa." if book.illustrative_city else ""


def _last_mark(book: Book) -> str:
    if book.illustrative_city or not book.illustrative_last:
        return _city_mark(book)
    return f"Số liệu năm {book.params.year - 1} là số liệu minh họa."
