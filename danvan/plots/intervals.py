"""Two years of estimates, each with its interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.path import Path as Shape

from danvan.charts import (
    BY_CHANCE,
    FEW,
    INCOMPARABLE,
    both_years,
    check,
    columned,
    finite,
    listed,
    moves,
    uncapital,
)
from danvan.paper import (
    DASH,
    EDGE,
    GREY,
    INK,
    NAVY,
    RULE,
    SMALL,
    TEXT,
    WIDTH,
    Axis,
    Chart,
    Look,
    Paper,
    around,
    box,
    circle,
    column_width,
    polyline,
    sign,
    stroke,
    text_height,
    text_width,
    ticks,
    wrap,
)


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; `text` has all three: "85,4% (82,3-88,0)"."""

    value: float
    lower: float
    upper: float
    text: str


@dataclass(frozen=True)
class Paired:
    """One indicator in two years; where an estimate is None, its text says why.

    `chance`: their difference is one that chance explains, hence no rise and no fall.
    """

    label: str
    last: Estimate | None
    now: Estimate | None
    last_text: str
    now_text: str
    change_text: str
    chance: bool = False


_RING: Look = ("white", INK, 1.0)
_DOT: Look = (NAVY, "none", 0.0)
_DASHED = (GREY, 0.9, DASH)  # the line between years that are not clearly different
_Shapes = defaultdict[str, list[Shape]]  # by look


def estimates(
    rows: Sequence[Paired],
    last_label: str,
    now_label: str,
    measured_in: str,
    *,
    interval: str = "khoảng tin cậy 95%",
    mark: str = "",
    title: str = "",
) -> Chart:
    """Two years with their intervals on one axis: last year a ring, this year a dot under it.

    Up to 20 rows have their texts beside them, and a line between the years, dashed where chance explains the
    difference; more stand in two columns, and the table has the texts.
    """
    both = [estimate for row in rows for estimate in (row.last, row.now) if estimate]
    check(rows)
    finite(number for e in both for number in (e.value, e.lower, e.upper))
    slack = 1e-9 * max((abs(e.upper) for e in both), default=0)
    if any(not e.lower - slack <= e.value <= e.upper + slack for e in both):
        raise ValueError("giá trị phải nằm trong khoảng tin cậy của nó")
    changes = [row.change_text if row.last and row.now else INCOMPARABLE for row in rows]
    few = len(rows) <= FEW
    paper = Paper(title)
    paper.paragraph(measured_in)
    items = [
        (sign(_RING, circle(3.6)), last_label),
        (sign(_DOT, circle(3)), now_label),
        (sign(("none", GREY, 1), lambda x, y: _whisker(x - 9, x + 9, y, 3)), interval),
    ]
    items += [(stroke(*_DASHED), BY_CHANCE)] if few and any(r.chance and r.last and r.now for r in rows) else []
    paper.legend(items)
    paper.y += 4
    low, high = around(number for e in both for number in (e.lower, e.upper)) if both else (0.0, 0.0)
    if few:
        _intervals(paper, rows, changes, low, high)
    else:
        _many_intervals(paper, rows, low, high)

    years = uncapital(last_label), uncapital(now_label)
    said = [
        both_years(row.label, (row.last_text, row.now_text), years, change)
        for row, change in zip(rows, changes, strict=True)
    ]
    moved = [
        (row.now.value - row.last.value, row.chance, words)
        for row, words in zip(rows, said, strict=True)
        if row.last and row.now
    ]
    apart = [row.label for row in rows if not (row.last and row.now)]
    alt = [
        f"Biểu đồ so sánh {years[1]} với {years[0]}, mỗi năm kèm {interval}, gồm {len(rows)} chỉ tiêu: "
        + uncapital(measured_in),
        *moves(moved),
        f"Không so sánh được: {listed(apart, 'chỉ tiêu')}" if apart and few else "",
        f"Số liệu: {'; '.join(said)}" if len(rows) <= 8 else "",
    ]
    note = f"Không so sánh được: {', '.join(apart)}." if apart and not few else ""
    table = [("Tên", last_label, now_label, "Thay đổi")]
    table += [(r.label, r.last_text, r.now_text, change) for r, change in zip(rows, changes, strict=True)]
    return paper.done(alt, note, mark, table=table)


def _intervals(paper: Paper, rows: Sequence[Paired], changes: Sequence[str], low: float, high: float) -> None:
    """Rows of a label, the picture, the text of each year, the change."""
    names, most, narrow = 0.27 * WIDTH, 0.22 * WIDTH, 0.16 * WIDTH
    told = [(wrap(row.last_text, most), wrap(row.now_text, most)) for row in rows]
    ends = [
        (wrap(text, narrow, SMALL), SMALL, GREY) if text == INCOMPARABLE else (wrap(text, narrow), TEXT, INK)
        for text in changes
    ]
    left = WIDTH - EDGE - max(text_width(words, size) for words, size, _ in ends) - 14
    left -= max(text_width(words) for pair in told for words in pair)
    zero = EDGE + column_width((row.label for row in rows), names, bold=False) + 12
    axis = Axis(low, high or 1, zero, left - 26)
    numbers = ticks(low, high, max(2, int((axis.end - axis.start) / 36))) if low < high else []
    top, found, rules = paper.y, _Shapes(list), [polyline((EDGE, paper.y), (WIDTH - EDGE, paper.y))]
    for row, (then, now), (end, size, colour) in zip(rows, told, ends, strict=True):
        label = wrap(row.label, names)
        deep = max(text_height(label), text_height(then) + text_height(now) + 2, text_height(end, size)) + 8
        middle = paper.y + deep / 2
        upper, lower = middle - 1 - text_height(now) / 2, middle + 1 + text_height(then) / 2
        paper.text(EDGE, middle, label)
        paper.text(left, upper, then, colour=GREY)
        paper.text(left, lower, now)
        paper.text(WIDTH - EDGE, middle, end, size, colour, ha="right")
        found["rings"].append(Shape.circle((left - 9, upper), 2.6))
        found["dots"].append(Shape.circle((left - 9, lower), 2.4))
        _add(found, row, axis, (upper, lower), 1)
        if row.last and row.now:
            link = polyline((axis.at(row.last.value), upper), (axis.at(row.now.value), lower))
            found["dashed" if row.chance else "links"].append(link)
        paper.y += deep
        rules.append(polyline((EDGE, paper.y), (WIDTH - EDGE, paper.y)))
    paper.draw(rules, edge=RULE, line=0.5)
    paper.draw([polyline((axis.at(n), top), (axis.at(n), paper.y + 3)) for n in numbers], edge=RULE, line=0.7)
    paper.draw(found["links"], edge=NAVY, line=1.3)
    paper.draw(found["dashed"], edge=_DASHED[0], line=_DASHED[1], dash=_DASHED[2])
    _draw(paper, found, 1)
    paper.numbers(axis, numbers, paper.y + 10)
    paper.y += 16 if numbers else 2


def _many_intervals(paper: Paper, rows: Sequence[Paired], low: float, high: float) -> None:
    """Two columns of thin rows: label and picture."""
    parts, width, size, _ = columned(len(rows), 0, most=1)
    top, lowest = paper.y, paper.y
    indent = column_width((row.label for row in rows), 0.5 * width, size, bold=False) + 8
    for left, part in parts:
        axis = Axis(low, high or 1, left + indent, left + width - 6)
        numbers = ticks(low, high, 4) if low < high else []
        y, found, gaps = top, _Shapes(list), list[Shape]()
        for row in rows[part]:
            label = wrap(row.label, 0.5 * width, size)
            middle, y = y + text_height(label, size) / 2, y + text_height(label, size)
            paper.text(left + indent - 8, middle, label, size, ha="right")
            _add(found, row, axis, (middle - 2.3, middle + 2.3), 0.6)
            if not (row.last or row.now):
                paper.text(axis.start, middle, INCOMPARABLE, size, GREY)
                gaps.append(box(axis.start, middle, text_width(INCOMPARABLE, size) + 2, size))
        paper.draw([polyline((axis.at(n), top), (axis.at(n), y + 3)) for n in numbers], edge=RULE, line=0.6)
        paper.draw(gaps, "white")
        _draw(paper, found, 0.6)
        paper.numbers(axis, numbers, y + 10)
        lowest = max(lowest, y + 16)
    paper.y = lowest


def _whisker(low: float, high: float, y: float, half: float) -> Shape:
    """A line with two ends."""
    ends = [polyline((x, y - half), (x, y + half)) for x in (low, high)]
    return Shape.make_compound_path(polyline((low, y), (high, y)), *ends)


def _add(found: _Shapes, row: Paired, axis: Axis, middles: tuple[float, float], scale: float) -> None:
    """Add what is known of a row: last year at the upper middle, this year at the lower."""
    signs = (("rings", "thin", 3.6), ("dots", "thick", 3.0))
    for estimate, y, (dot, line, radius) in zip((row.last, row.now), middles, signs, strict=True):
        if estimate:
            found[line].append(_whisker(axis.at(estimate.lower), axis.at(estimate.upper), y, 3 * scale))
            found[dot].append(Shape.circle((axis.at(estimate.value), y), radius * scale))


def _draw(paper: Paper, found: _Shapes, scale: float) -> None:
    paper.draw(found["thin"], edge=GREY, line=0.5 + 0.4 * scale)
    paper.draw(found["thick"], edge=NAVY, line=0.6 + 0.7 * scale)
    paper.draw(found["rings"], *_RING)
    paper.draw(found["dots"], *_DOT)
