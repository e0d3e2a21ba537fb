"""Results -> charts: which bar, step or state each result becomes, in which words, marked where illustrative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Literal

from danvan import charts, plots, statistics, wording
from danvan.book import Book
from danvan.catalogue import Indicator
from danvan.errors import SettingsError
from danvan.intake.observations import Status
from danvan.measures import TOTAL, Result, ratio_bound, rounded, share_of, sum_bound
from danvan.paper import Chart

Kind = Literal[
    "bars",
    "composition",
    "dumbbell",
    "estimates",
    "funnel",
    "heat_map",
    "matrix",
    "slopes",
    "steps",
    "stock_flow",
    "tile_map",
]
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
    bars = [_bar(result, book.units.label(unit)) for unit, result in zip(book.units.districts, results, strict=True)]
    total = book.results[indicator.code, TOTAL]
    if total.value is None:
        return None
    # Beside units stands the city's ratio; a city total would only dwarf them.
    reference = _bar(total, "Toàn thành phố") if indicator.kind == "ratio" and total.value is not None else None
    # Where more is not better, no ranking; nor where one is hidden, for its place would tell what it is.
    ordered = indicator.direction != "neutral" and all(r.status is not Status.WITHHELD for r in results)
    chart = charts.bars(bars, reference, f"{indicator.name} ({indicator.measured_in})", ordered, mark=_unit_mark(book))
    return chart, [*(result.key for result in results), total.key]


def _steps(book: Book, indicators: Sequence[Indicator]) -> Drawing:
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
    return charts.steps(steps, mark=_city_mark(book)), [result.key for result in results]


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
    if before and book.is_other_land(stock.indicator.code):  # its stock is not what this year began with
        start = charts.Bar(last_label, None, f"{_total_text(before)} (không so sánh được)")
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
                _height(last) if fair else None,
                _height(now) if fair else None,
                wording.in_table(last) if last else "chưa có",
                wording.in_table(now),
                wording.change_in_table(compared),
                chance=compared.way == "chance",
            )
        )
        keys += [result.key for result in (now, last) if result]
    if all(pair.now is None for pair in pairs):
        return None
    labels = f"Năm {book.params.year - 1}", f"Năm {book.params.year}"
    return charts.dumbbell(pairs, *labels, mark=_marks(_why(book, indicators), _last_mark(book))), keys


def _matrix(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    if len(book.units.districts) > charts.LONG:  # a page full of ticks: the annex has them
        return None
    unknown = {Status.NOT_REPORTED: "missing", Status.NOT_APPLICABLE: "not_applicable", Status.WITHHELD: "missing"}
    rows, keys = [], []
    for unit in book.units.districts:
        results = [book.results[indicator.code, unit.id] for indicator in indicators]
        states = tuple(unknown.get(result.status, "yes" if result.value else "no") for result in results)
        rows.append(charts.State(book.units.label(unit), states))
        keys += [result.key for result in results]
    return charts.matrix(rows, [indicator.label for indicator in indicators], mark=_unit_mark(book)), keys


def _estimates(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    rows, keys = [], []
    for indicator in indicators:
        compared = book.change_of(indicator.code)
        now, last = compared.now, compared.last if compared.way != "incomparable" else None
        rows.append(
            plots.Paired(
                indicator.name,
                estimate(book, last),
                estimate(book, now),
                wording.in_table(compared.last) if compared.last else "chưa có",
                wording.in_table(now),
                wording.change_in_table(compared),
                chance=compared.way == "chance",
            )
        )
        keys += [result.key for result in (now, compared.last) if result]
    if all(row.now is None for row in rows):
        return None
    labels = f"Năm {book.params.year - 1}", f"Năm {book.params.year}"
    words = f"khoảng tin cậy {book.params.thresholds.confidence_percent}%"
    mark = _marks(_why(book, indicators), _last_mark(book))
    return plots.estimates(rows, *labels, indicators[0].measured_in, interval=words, mark=mark), keys


def estimate(book: Book, result: Result | None) -> plots.Estimate | None:
    """A result with its confidence interval; None where there is no interval to it."""
    interval = book.interval_of(result) if result else None
    if result is None or result.value is None or interval is None:
        return None
    low, high = (wording.measured(Decimal(str(n)), result.indicator) for n in (interval.lower, interval.upper))
    text = f"{wording.in_table(result)} ({low}-{high})"
    return plots.Estimate(float(result.value), interval.lower, interval.upper, text)


def _funnel(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    (indicator,) = indicators
    results = {unit: book.results[indicator.code, unit.id] for unit in book.units.at_end}
    total = book.results[indicator.code, TOTAL]
    known = {unit: r for unit, r in results.items() if is_placed(r)}
    if not known or not total.denominator or total.numerator is None or total.value is None:
        return None
    if 2 * len(known) < len(results):  # most are too small: a funnel would say little
        return None
    points = [
        plots.Point(
            book.units.label(unit), float(r.denominator or 0), float(r.value or 0), wording.in_table(r), place(r, total)
        )
        for unit, r in known.items()
    ]
    sizes = [point.size for point in points]
    hidden = [book.units.label(unit) for unit, r in results.items() if r.status is Status.WITHHELD]
    without = [label for unit in results if unit not in known and (label := book.units.label(unit)) not in hidden]
    absent = {f"Không có tỷ lệ, hoặc mẫu số dưới {TOO_SMALL}": without, "Không công bố": hidden}
    chart = plots.funnel(
        points,
        limit_curves(indicator, total, sizes),
        float(total.value),
        f"Toàn thành phố: {_total_text(total)}",
        base(book, indicator),
        f"{indicator.name} ({indicator.measured_in})",
        left_out=". ".join(f"{why}: {charts.listed(labels)}" for why, labels in absent.items() if labels),
        mark=_unit_mark(book),
    )
    return chart, [*(result.key for result in results.values()), total.key]


TOO_SMALL = 5  # of fewer tips or petitions a share is all or nothing, and the limits do not hold


def is_placed(result: Result) -> bool:
    """Whether a ratio is known, and over enough to stand in a funnel."""
    return result.numerator is not None and (result.denominator or 0) >= TOO_SMALL


def base(book: Book, indicator: Indicator) -> str:
    """What a ratio is over, with its measure: 'Đơn thuộc thẩm quyền (đơn)'."""
    below = book.catalogue.by_code.get(indicator.denominator or "")
    if below:
        return f"{below.name} ({below.measured_in})"
    return "Số dân" if indicator.denominator == "population" else "Số đơn vị cấp xã"


def place(result: Result, total: Result) -> statistics.Place:
    """Where a unit's ratio stands in the funnel around the city's."""
    part, whole = float(result.numerator or 0), float(result.denominator or 0)
    average = float((total.numerator or 0) / (total.denominator or 1))
    if _is_share(result.indicator):
        return statistics.place_in_funnel_of_proportion(part, whole, average)
    return statistics.place_in_funnel_of_rate(part, whole, average)


def limit_curves(indicator: Indicator, total: Result, sizes: Sequence[float]) -> list[plots.Curve]:
    """The 95% and 99,8% limits of the funnel around the city's ratio, over these sizes and those between."""
    average = float((total.numerator or 0) / (total.denominator or 1))
    least, most, scale = min(sizes) * 0.7, max(sizes) * 1.1, float(indicator.scale or 1)
    sizes = sorted({*sizes, *(least * (most / least) ** (step / 60) for step in range(61))})
    of = statistics.funnel_limits_of_proportion if _is_share(indicator) else statistics.funnel_limits_of_rate
    curves = []
    for words, p in (("Giới hạn 95%", statistics.INNER_P), ("Giới hạn 99,8%", statistics.OUTER_P)):
        limits = [(size, of(size, average, p=p, scale=scale)) for size in sizes]
        curves.append(plots.Curve(words, tuple((size, limit.lower, limit.upper) for size, limit in limits)))
    return curves


def _is_share(indicator: Indicator) -> bool:
    return indicator.scale == 100


def _slopes(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    (indicator,) = indicators
    rows, keys, changes = [], [], []
    for unit in book.units.at_end:
        compared = book.change_of(indicator.code, unit.id)
        changes.append(compared)
        fair = compared.way != "incomparable"
        last, now = compared.last if fair else None, compared.now
        rows.append(
            plots.Slope(
                book.units.label(unit),
                _height(last),
                _height(now) if fair else None,
                wording.in_table(last) if last else "không so sánh được",
                wording.in_table(now),
                chance=compared.way == "chance",
            )
        )
        keys += [result.key for result in (now, compared.last) if result]
    if all(row.last is None or row.now is None for row in rows):
        return None
    labels = f"Năm {book.params.year - 1}", f"Năm {book.params.year}"
    text = f"{indicator.name} ({indicator.measured_in})"
    mark = _marks(wording.why_not(changes), _unit_mark(book))
    return plots.slopes(rows, *labels, text, mark=mark), keys


def _heat_map(book: Book, _: Sequence[Indicator]) -> Drawing:
    sections = list(dict.fromkeys(indicator.section for indicator in book.catalogue.reported))
    rows = []
    for unit in book.units.all:
        cells = []
        for section in sections:
            asked = [i for i in book.catalogue.reported if i.section == section and unit.owes(i) == "owed"]
            there = sum(book.results[i.code, unit.id].status in _FILLED for i in asked)
            cells.append((there / len(asked), f"{there}/{len(asked)}") if asked else (None, "–"))
        rows.append(plots.Filled(book.units.label(unit), tuple(cells)))
    chart = plots.heat_map(rows, [f"Mục {section}" for section in sections], mark=_unit_mark(book))
    return chart, [book.count(f"completeness-{section}").key for section in sections]


_FILLED = (Status.REPORTED, Status.ZERO, Status.WITHHELD)


def _tile_map(book: Book, indicators: Sequence[Indicator]) -> Drawing:
    (indicator,) = indicators
    results = [(unit, book.results[indicator.code, unit.id]) for unit in book.units.at_end if unit.tile]
    values = sorted({float(result.value) for _, result in results if result.value is not None})
    if not values:
        return None
    bounds = [values[-1]] if len(values) < 4 else [values[len(values) * step // 4 - 1] for step in range(1, 5)]
    words = [wording.measured(Decimal(str(bound)), indicator) for bound in bounds]
    classes = [
        (bound, f"đến {word}" if number == 0 else f"trên {words[number - 1]} đến {word}")
        for number, (bound, word) in enumerate(zip(bounds, words, strict=True))
    ]
    tiles = [
        plots.Tile(
            book.units.label(unit),
            *(unit.tile or (1, 1)),
            None if result.value is None else float(result.value),
            wording.in_table(result),
        )
        for unit, result in results
    ]
    chart = plots.tile_map(tiles, classes, f"{indicator.name} ({indicator.measured_in})", mark=_unit_mark(book))
    return chart, [result.key for _, result in results]


_KINDS: dict[str, tuple[Callable[..., Drawing], int, int]] = {  # with the fewest and the most indicators
    "bars": (_bars, 1, 1),
    "composition": (_composition, 2, 8),
    "dumbbell": (_dumbbell, 1, 20),
    "estimates": (_estimates, 1, 12),
    "funnel": (_funnel, 1, 1),
    "heat_map": (_heat_map, 0, 0),
    "steps": (_steps, 2, 6),
    "matrix": (_matrix, 1, 8),
    "slopes": (_slopes, 1, 1),
    "stock_flow": (_stock_flow, 3, 3),
    "tile_map": (_tile_map, 1, 1),
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


def _why(book: Book, indicators: Sequence[Indicator]) -> str:
    return wording.why_not(book.change_of(indicator.code) for indicator in indicators)


def _marks(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _height(result: Result | None) -> float | None:
    """A value as it is printed: what reads alike stands alike."""
    if result is None or result.value is None:
        return None
    return float(rounded(result.value, result.indicator.decimals))


def _unit_mark(book: Book) -> str:
    return "Số liệu từng đơn vị là số liệu minh họa." if book.illustrative_units else _city_mark(book)


def _city_mark(book: Book) -> str:
    return "Số liệu minh họa." if book.illustrative_city else ""


def _last_mark(book: Book) -> str:
    if book.illustrative_city or not book.illustrative_last:
        return _city_mark(book)
    return f"Số liệu năm {book.params.year - 1} là số liệu minh họa."
