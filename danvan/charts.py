"""Pictures of numbers: bars, pairs, steps and yes/no states in; a figure and its description out.

Numbers arrive as Vietnamese text; `value` only gives lengths. Meaning never hangs on colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from matplotlib.path import Path as Shape

from danvan.paper import (
    BLUE,
    DASH,
    EDGE,
    GREY,
    INK,
    NAVY,
    PALE,
    RULE,
    RUST,
    SMALL,
    TEXT,
    WIDTH,
    Axis,
    Chart,
    Paper,
    area,
    box,
    column_width,
    cross,
    polyline,
    stroke,
    text_height,
    text_width,
    wrap,
)

FEW, LONG = 20, 45  # more than LONG rows are set in two columns, so that 114 communes fit on one A4 page

SAID = {"yes": "có", "no": "không", "missing": "chưa báo cáo", "not_applicable": "không áp dụng"}
INCOMPARABLE = "không so sánh được"
UNCLEAR, BY_CHANCE = "không khác biệt rõ", "không khác biệt rõ (trong mức dao động ngẫu nhiên)"


@dataclass(frozen=True)
class Bar:
    """A named value; without one (None) `text` says why, in place of the bar. `mark` makes it stand out."""

    label: str
    value: float | None
    text: str
    mark: bool = False


@dataclass(frozen=True)
class Pair:
    """One indicator in two years. `chance`: their difference is one that chance explains, hence no rise and no fall."""

    label: str
    last: float | None
    now: float | None
    last_text: str
    now_text: str
    change_text: str
    chance: bool = False


@dataclass(frozen=True)
class Step:
    """One step down; `share_text` says which share of what it is ("" for the first)."""

    label: str
    value: float
    text: str
    share_text: str


@dataclass(frozen=True)
class State:
    """One unit's answers, one a column: "yes", "no", "missing" (not reported) or "not_applicable"."""

    label: str
    states: tuple[str, ...]


def check(items: Sequence[object], numbers: Iterable[float | None] = ()) -> None:
    """There is something to draw, and no number is negative."""
    if not items:
        raise ValueError("biểu đồ không có dữ liệu")
    if any(number is not None and not 0 <= number < math.inf for number in numbers):
        raise ValueError("số trong biểu đồ phải là số không âm; dùng None khi không có số liệu")


def finite(numbers: Iterable[float | None]) -> None:
    """Numbers on an axis, which may be negative."""
    if any(number is not None and not math.isfinite(number) for number in numbers):
        raise ValueError("số trong biểu đồ phải là số hữu hạn; dùng None khi không có số liệu")


# --- rows of bars, which four charts share ---


@dataclass(frozen=True)
class _Row:
    """A bar from `start` to `end` on the scale of values; its text stands after it, `below` under that."""

    bar: Bar
    start: float
    end: float
    fill: str = BLUE
    below: str = ""


def _wrapped(bar: Bar, label: float, room: float, size: float) -> Bar:
    """The bar with its label wrapped to a width, its text to half the room, or most of it where no bar stands."""
    text = wrap(bar.text, room * (0.9 if bar.value is None else 0.5), size, bold=True)
    return replace(bar, label=wrap(bar.label, label, size, bold=True), text=text)


def columned(count: int, gap: float, most: int = LONG) -> tuple[list[tuple[float, slice]], float, float, float]:
    """Left edge and rows of each column of the picture; width of a column, text size, gap between rows.

    More than `most` rows are set in two columns.
    """
    if count <= most:
        return [(EDGE, slice(count))], WIDTH - 2 * EDGE, TEXT, gap if count <= FEW else 3
    half = math.ceil(count / 2)
    columns = [(EDGE, slice(half)), (WIDTH / 2 + 8, slice(half, count))]
    return columns, WIDTH / 2 - EDGE - 8, SMALL, 3 if count <= FEW else 0


def _rows(
    paper: Paper, rows: Sequence[_Row], gap: float, thick: float, aligned: bool = False, reference: Bar | None = None
) -> list[tuple[float, float, float]]:
    """Draw rows with bars of `thick` times the text size; returns (start x, end x, middle y) of each bar.

    `aligned`: the texts of values stand in a column before the bars, clear of the line of the reference.
    """
    parts, width, size, gap = columned(len(rows), gap)
    most = (0.42 if len(parts) == 1 else 0.5) * width
    values = [row.bar.text for row in rows if aligned and row.bar.value is not None]
    figures = column_width(values, 0.3 * width, size) + 8 if values else 0
    indent = column_width((row.bar.label for row in rows), most, size) + 8 + figures
    room = width - indent
    rows = [
        replace(row, bar=_wrapped(row.bar, most, room, size), below=wrap(row.below, room / 2, SMALL)) for row in rows
    ]
    tails = [
        0 if aligned and row.end else 5 + max(text_width(row.bar.text, size, bold=True), text_width(row.below, SMALL))
        for row in rows
    ]
    deepest = max(text_height(row.below, SMALL) for row in rows)
    ends = [(max(row.start, row.end), room - tail) for row, tail in zip(rows, tails, strict=True)]
    ends += [(reference.value or 0, room - 1)] if reference else []
    unit = min((longest / value for value, longest in ends if value > 0), default=0.0)

    places, top, lowest = list[tuple[float, float, float]](), paper.y, paper.y
    for left, part in parts:
        zero, y = left + indent, top
        at = zero + (reference.value or 0) * unit if reference else zero
        if reference:
            words = wrap(f"{reference.label}: {reference.text}", width, SMALL, bold=True)
            half = text_width(words, SMALL, bold=True) / 2
            x = min(max(at, left + half), left + width - half)
            paper.text(x, y + text_height(words, SMALL) / 2, words, SMALL, bold=True, ha="center")
            y += text_height(words, SMALL) + 3
        first, shapes, behind = y, dict[str, list[Shape]](), list[Shape]()
        for row, tail in list(zip(rows, tails, strict=True))[part]:
            bar, start, end = row.bar, zero + max(row.start, 0) * unit, zero + max(row.end, 0) * unit
            high = max(text_height(bar.label, size), text_height(bar.text, size) + deepest) + gap
            middle, y = y + high / 2, y + high
            places.append((start, end, middle))
            if bar.value:
                shape = box(min(start, end), middle, max(abs(end - start), 1), size * thick)
                shapes.setdefault(row.fill, []).append(shape)
            paper.text(zero - 8 - figures, middle, bar.label, size, bold=bar.mark, ha="right")
            if aligned and bar.value is not None:
                paper.text(zero - 8, middle, bar.text, size, bold=bar.mark, ha="right")
                continue
            x, colour = max(start, end) + 5, GREY if bar.value is None else INK
            paper.text(x, middle - text_height(row.below, SMALL) / 2, bar.text, size, colour, bar.mark)
            paper.text(x, middle + text_height(bar.text, size) / 2, row.below, SMALL, GREY)
            behind.append(box(x - 2, middle, tail - 1, text_height(bar.text, size)))
        for fill, boxes in shapes.items():
            paper.draw(boxes, fill, edge=RUST if fill == "white" else "none", line=1)
        if reference and reference.value is not None:
            paper.draw([polyline((at, first - 2), (at, y))], edge=INK, line=1)
            paper.draw(behind, "white")  # the line makes way for words
        paper.draw([polyline((zero, first), (zero, y))], edge=GREY, line=0.6)
        lowest = max(lowest, y)
    paper.y = lowest
    return places


def _connect(paper: Paper, places: Sequence[tuple[float, float, float]]) -> None:
    """Thin lines from the end of each bar to the next bar."""
    half = TEXT * 0.7
    lines = [polyline((end, y + half), (end, next_y - half)) for (_, end, y), (_, _, next_y) in pairwise(places)]
    paper.draw(lines, edge=GREY, line=0.6)


# --- words of the descriptions ---


def listed(labels: Sequence[str], kind: str = "đơn vị") -> str:
    """Names as in a sentence: "An Lão, Cát Hải và Đồ Sơn"; of many the first eight."""
    names = [*labels[:8], f"{len(labels) - 8} {kind} khác"] if len(labels) > 8 else [*labels]
    return " và ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _said(bars: Iterable[Bar]) -> str:
    return "; ".join(f"{bar.label}: {bar.text}" for bar in bars)


def uncapital(text: str) -> str:
    """Within a sentence: "Năm 2023" is written "năm 2023", "TP" stays."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def both_years(label: str, texts: tuple[str, str], years: tuple[str, str], change: str = "") -> str:
    """What a row has in two years, in words: "Vụ án: 05 (năm 2024), 03 (năm 2025), -2"."""
    return f"{label}: {texts[0]} ({years[0]}), {texts[1]} ({years[1]})" + f", {change}" * bool(change)


def moves(rows: Sequence[tuple[float, bool, str]]) -> list[str]:
    """Sentences on the greatest rise and fall of indicators: (difference, whether chance explains it, words)."""
    clear = [(difference, words) for difference, chance, words in rows if not chance]
    how = " rõ" if len(clear) < len(rows) else ""
    rise, fall = max(clear, default=(0, "")), min(clear, default=(0, ""))
    if not rows:
        return []
    return [
        f"Tăng nhiều nhất: {rise[1]}" if rise[0] > 0 else f"Không chỉ tiêu nào tăng{how}",
        f"Giảm nhiều nhất: {fall[1]}" if fall[0] < 0 else f"Không chỉ tiêu nào giảm{how}",
        f"{BY_CHANCE.capitalize()}: {len(rows) - len(clear)} chỉ tiêu" if how else "",
    ]


def findings(bars: Sequence[Bar], most: str, least: str) -> list[str]:
    """Sentences on the largest and smallest (all that tie), then all values of a few or the gaps of many."""
    known = [bar.value for bar in bars if bar.value is not None]
    said = list[str]()
    if len(bars) > 2 and known and min(known) < max(known):
        for word, value in ((most, max(known)), (least, min(known))):
            same = [bar for bar in bars if bar.value == value]
            said.append(f"{word}: {listed([bar.label for bar in same])} với {same[0].text}")
    if len(bars) <= 8:
        return [*said, f"Số liệu: {_said(bars)}"]
    gaps = dict.fromkeys(bar.text for bar in bars if bar.value is None)
    without = {gap: [bar.label for bar in bars if bar.value is None and bar.text == gap] for gap in gaps}
    return said + [f"{gap[:1].upper()}{gap[1:]}: {listed(labels)}" for gap, labels in without.items()]


# --- charts ---


def bars(
    bars: Sequence[Bar], reference: Bar | None, measured_in: str, ordered: bool, *, mark: str = "", title: str = ""
) -> Chart:
    """A bar a unit, with `reference` (the city) as a labelled line; `measured_in` stands above.

    `ordered`: the largest first, those without a value last; otherwise the given (official) order.
    """
    city = [reference] if reference else []
    check(bars, (bar.value for bar in [*bars, *city]))
    if ordered:
        bars = sorted(bars, key=lambda bar: (bar.value is None, -(bar.value or 0)))
    paper = Paper(title)
    paper.paragraph(measured_in)
    paper.y += 3
    rows = [_Row(bar, 0, bar.value or 0, NAVY if bar.mark else BLUE) for bar in bars]
    _rows(paper, rows, gap=1, thick=0.8, aligned=True, reference=reference)

    alt = [f"Biểu đồ thanh ngang của {len(bars)} đơn vị: {uncapital(measured_in)}", _said(city)]
    if reference and reference.value is not None:
        above = sum(bar.value > reference.value for bar in bars if bar.value is not None)
        under = sum(bar.value < reference.value for bar in bars if bar.value is not None)
        alt.append(f"Số đơn vị cao hơn {uncapital(reference.label)}: {above}; thấp hơn: {under}")
    table = [("Đơn vị", measured_in), *((bar.label, bar.text) for bar in [*bars, *city])]
    return paper.done([*alt, *findings(bars, "Cao nhất", "Thấp nhất")], mark, table=table)


def composition(bars: Sequence[Bar], whole_text: str, *, mark: str = "", title: str = "") -> Chart:
    """Parts of a whole, in the given order: each begins where the one before ends, the last ends at the whole."""
    check(bars, (bar.value for bar in bars))
    paper = Paper(title)
    rows, total = list[_Row](), 0.0
    for bar in bars:
        rows.append(_Row(bar, total, total + (bar.value or 0), NAVY if bar.mark else BLUE))
        total += bar.value or 0
    whole = _Row(Bar("Tổng số", total, whole_text, mark=True), 0, total, GREY)
    _connect(paper, _rows(paper, [whole, *rows], gap=8, thick=1.4)[1:])
    alt = f"Biểu đồ cơ cấu, {len(bars)} phần của tổng số {whole_text}"
    table = [("Phần", "Số liệu"), *((bar.label, bar.text) for bar in bars), ("Tổng số", whole_text)]
    return paper.done([alt, *findings(bars, "Phần lớn nhất", "Phần nhỏ nhất")], mark, table=table)


def steps(steps: Sequence[Step], *, mark: str = "", title: str = "") -> Chart:
    """What remains from step to step; the bar of the first step is the 100 %."""
    check(steps, (step.value for step in steps))
    paper = Paper(title)
    rows = [_Row(Bar(step.label, step.value, step.text), 0, step.value, below=step.share_text) for step in steps]
    places = _rows(paper, rows, gap=10, thick=2)
    slopes = [
        area((start, y + TEXT), (end, y + TEXT), (next_end, next_y - TEXT), (start, next_y - TEXT))
        for (start, end, y), (_, next_end, next_y) in pairwise(places)
    ]
    paper.draw(slopes, PALE)
    said = [f"{step.label}: {step.text}" + f" ({step.share_text})" * bool(step.share_text) for step in steps]
    alt = [f"Biểu đồ bậc gồm {len(steps)} bước", "; ".join(said)]
    drops = [(later.value / step.value, step.label, later.label) for step, later in pairwise(steps) if step.value]
    if len(drops) > 1:
        alt.append("Giảm mạnh nhất là từ “{1}” xuống “{2}”".format(*min(drops)))
    table = [("Bước", "Số liệu", "Tỷ lệ"), *((step.label, step.text, step.share_text) for step in steps)]
    return paper.done(alt, mark, table=table)


def stock_flow(
    start: Bar,
    inflow: Sequence[Bar],
    outflow: Sequence[Bar],
    end: Bar,
    note: str = "",
    *,
    mark: str = "",
    title: str = "",
) -> Chart:
    """Last year's stock, what came, what went, this year's stock; what does not add up is "chênh lệch"."""
    every = [start, *inflow, *outflow, end]
    check(every, (bar.value for bar in every))
    paper = Paper(title)
    known, level = start.value is not None, start.value or 0.0  # unknown stock: flows are drawn from zero
    rows = [_Row(replace(start, mark=True), 0, level, NAVY)]
    for flows, way, sign, fill in ((inflow, 1, "+", BLUE), (outflow, -1, "-", "white")):
        for bar in flows:
            signed = replace(bar, text=bar.text if bar.value is None else sign + bar.text.lstrip("+-"))
            after = level + (way if known else 1) * (bar.value or 0)
            rows.append(_Row(signed, level, after, fill))
            level = after if known else 0
    gap = (end.value or 0) - level
    complete = all(bar.value is not None for bar in every)
    differs = complete and not math.isclose(gap, 0, abs_tol=1e-6)
    text = f"{gap:+,.0f}".replace(",", ".") if math.isclose(gap, round(gap), abs_tol=1e-6) else ""
    rows += [_Row(Bar("chênh lệch", abs(gap), text), level, level + gap, "white")] if differs else []
    rows.append(_Row(replace(end, mark=True), 0, end.value or 0, NAVY))
    places = _rows(paper, rows, gap=8, thick=1.4)
    _connect(paper, places if known else [])

    alt = ["Biểu đồ thác nước từ đầu kỳ đến cuối kỳ", _said([start])]
    alt += [f"{word} {_said(flows)}" for word, flows in (("Cộng thêm", inflow), ("Trừ đi", outflow)) if flows]
    alt += [_said([end]), f"Các số không khớp, chênh lệch {text}" if differs else "Các số khớp nhau" * complete]
    table = [("Khoản", "Số liệu"), *((row.bar.label, row.bar.text) for row in rows)]
    return paper.done(alt, note, mark, table=table)


def dumbbell(pairs: Sequence[Pair], last_label: str, now_label: str, *, mark: str = "", title: str = "") -> Chart:
    """Two years of indicators of any size: last year (a ring) is 100, this year (a dot) stands at its index.

    A triangle at the edge is an index above 200, too far for the scale; the columns give the real values. The line
    between the years is thick, or dashed where chance explains the difference.
    """
    check(pairs, (number for pair in pairs for number in (pair.last, pair.now)))
    index = [pair.now / pair.last * 100 if pair.last and pair.now is not None else None for pair in pairs]
    known = [100, *(number for number in index if number is not None)]
    low, high = 0 if min(known) < 50 else 50, 200 if max(known) > 150 else 150
    paper = Paper(title)
    heads = [last_label, now_label, "Thay đổi"]
    cells = [[pair.last_text, pair.now_text, pair.change_text] for pair in pairs]
    most, names = 0.155 * WIDTH, 0.3 * WIDTH
    marks = [16, 16, 0]  # room for the ring and the dot before the heads
    wide = [
        max(column_width([heads[i]], most) + marks[i], column_width((row[i] for row in cells), most, bold=False))
        for i in range(3)
    ]
    rights = [WIDTH - EDGE - wide[1] - wide[2] - 24, WIDTH - EDGE - wide[2] - 12, WIDTH - EDGE]
    zero = EDGE + column_width((pair.label for pair in pairs), names, bold=False) + 16
    axis = Axis(low, high, zero, rights[0] - wide[0] - 22)
    middle, far = (axis.start + axis.end) / 2, axis.end
    shapes: tuple[list[Shape], ...] = ([], [], [], [], [], [])
    rings, dots, links, dashed, rules, gaps = shapes

    def row(label: str, texts: Iterable[str], bold: bool) -> float:
        """Write a row of the table with a rule below; returns its middle."""
        words = [wrap(text, most, bold=bold) for text in texts]
        label = wrap(label, names)
        deep = max(map(text_height, [label, *words])) + 8
        y = paper.y + deep / 2
        paper.text(EDGE, y, label)
        for word, right in zip(words, rights, strict=True):
            paper.text(right, y, word, bold=bold, ha="right")
        paper.y += deep
        rules.append(polyline((EDGE, paper.y), (WIDTH - EDGE, paper.y)))
        return y

    y = row("", heads, bold=True)
    ring, dot = (right - column_width([head], most) - 9 for right, head in zip(rights[:2], heads[:2], strict=True))
    rings.append(Shape.circle((ring, y), 4))
    dots.append(Shape.circle((dot, y), 3.2))
    top = paper.y
    for pair, number, texts in zip(pairs, index, cells, strict=True):
        y = row(pair.label, texts, bold=False)
        if number is None:
            paper.text(middle, y, INCOMPARABLE, SMALL, GREY, ha="center")
            gaps.append(box(axis.start, y, far - axis.start, SMALL + 2))
            continue
        rings.append(Shape.circle((axis.at(100), y), 4))
        (dashed if pair.chance else links).append(polyline((axis.at(100), y), (axis.at(min(number, high)), y)))
        triangle = area((far, y - 5), (far + 8, y), (far, y + 5))
        dots.append(triangle if number > high else Shape.circle((axis.at(number), y), 3.2))
    paper.draw(rules, edge=RULE, line=0.5)
    paper.draw([polyline((axis.at(100), top), (axis.at(100), paper.y + 3))], edge=GREY, line=0.8)
    paper.draw(gaps, "white")
    paper.draw(links, edge=NAVY, line=1.6)
    paper.draw(dashed, edge=GREY, line=1, dash=DASH)
    paper.draw(rings, "white", edge=INK, line=1)
    paper.draw(dots, NAVY)
    paper.numbers(axis, range(low, high + 1, 50), paper.y + 10)
    years = uncapital(last_label), uncapital(now_label)
    paper.text(middle, paper.y + 22, f"Chỉ số ({years[0]} = 100)", SMALL, GREY, ha="center")
    paper.y += 28
    if dashed:
        paper.legend([(stroke(GREY, 1, DASH), BY_CHANCE)])

    said = [both_years(pair.label, (pair.last_text, pair.now_text), years, pair.change_text) for pair in pairs]
    moved = [
        (number - 100, pair.chance, words)
        for pair, number, words in zip(pairs, index, said, strict=True)
        if number is not None
    ]
    without = [pair.label for pair, number in zip(pairs, index, strict=True) if number is None]
    alt = [
        f"Biểu đồ so sánh {years[1]} với {years[0]} của {len(pairs)} chỉ tiêu, lấy {years[0]} là 100",
        *moves(moved),
        f"Không so sánh được: {listed(without, 'chỉ tiêu')}" if without else "",
        f"Số liệu: {'; '.join(said)}" if len(pairs) <= 8 else "",
    ]
    note = f"Hình tam giác ở mép phải: chỉ số lớn hơn {high}" if max(known) > high else ""
    table = [("Chỉ tiêu", *heads)]
    for pair, number in zip(pairs, index, strict=True):
        change = pair.change_text or (INCOMPARABLE if number is None else "")
        table.append((pair.label, pair.last_text, pair.now_text, change))
    return paper.done(alt, note, mark, table=table)


def matrix(
    rows: Sequence[State], columns: Sequence[str], missing_note: str = "", *, mark: str = "", title: str = ""
) -> Chart:
    """Units down, questions across; above each question the yes of all who answered, as "14/15".

    Units with a "no" are in bold; where only one or two say "no", they are named: under the head of the column, or,
    where rows stand in two columns, beside the legend.
    """
    check(rows and columns)
    if any(len(row.states) != len(columns) or not SAID.keys() >= set(row.states) for row in rows):
        raise ValueError(f"mỗi đơn vị cần {len(columns)} trạng thái, trong số: {', '.join(SAID)}")
    who = [{said: [row.label for row in rows if row.states[i] == said] for said in SAID} for i in range(len(columns))]
    counts = [f"{len(answer['yes'])}/{len(answer['yes'] + answer['no'])}" for answer in who]
    paper = Paper(title)
    parts, width, size, gap = columned(len(rows), 5, most=10 if len(columns) <= 3 else len(rows))
    most = (0.4 if len(parts) == 1 else 0.5) * width
    indent = column_width((row.label for row in rows), most, size) + 8
    cell = min(110, (width - indent) / len(columns))
    heads = [wrap(column, cell - 6, SMALL) for column in columns]
    few = [", ".join(answer["no"]) if len(answer["no"]) <= 2 and len(rows) <= FEW else "" for answer in who]
    noes = [wrap(f"không: {names}" * bool(names) * (len(parts) == 1), cell - 6, SMALL) for names in few]
    named = "; ".join(f"{column}: {names}" for column, names in zip(columns, few, strict=True) if names)
    top = paper.y + max(text_height(head, SMALL) for head in heads)
    first = top + 20 + max(text_height(no, SMALL) for no in noes)
    for left, part in parts:
        xs = [left + indent + (i + 0.5) * cell for i in range(len(columns))]
        for x, head, count, no in zip(xs, heads, counts, noes, strict=True):
            paper.text(x, top - text_height(head, SMALL) / 2, head, SMALL, ha="center")
            paper.text(x, top + 9, count, bold=True, ha="center")
            paper.text(x, top + 16 + text_height(no, SMALL) / 2, no, SMALL, RUST, ha="center")
        y, found, rules = first, list[tuple[str, float, float]](), [first]
        for row in rows[part]:
            label = wrap(row.label, most, size, bold=True)
            middle, y = y + (text_height(label, size) + gap) / 2, y + text_height(label, size) + gap
            paper.text(left, middle, label, size, bold="no" in row.states)
            found += [(state, x, middle) for state, x in zip(row.states, xs, strict=True)]
            rules.append(y)
        paper.draw([polyline((left, y), (xs[-1] + cell / 2, y)) for y in rules], edge=RULE, line=0.5)
        _symbols(paper, found)
        paper.y = max(paper.y, y)

    x, y = EDGE + 6, paper.y + 13
    present = [state for state in SAID if any(answer[state] for answer in who)]
    for state in present:
        said = f"{SAID[state]} ({named})" if state == "no" and named and len(parts) == 2 else SAID[state]
        _symbols(paper, [(state, x, y)])
        paper.text(x + 9, y, said, SMALL)
        x += text_width(said, SMALL) + 30
    paper.y = y + 6
    alt = [f"Bảng đánh dấu có hoặc không của {len(rows)} đơn vị theo {len(columns)} nội dung"]
    for column, count, answer in zip(columns, counts, who, strict=True):
        others = [f"{SAID[state]}: {listed(answer[state])}" for state in SAID if state != "yes" and answer[state]]
        alt.append("; ".join([f"{column}: {count} đơn vị có", *others]))
    table = [("Đơn vị", *columns), *((row.label, *(SAID[state] for state in row.states)) for row in rows)]
    table.append(("Có, trên số đơn vị trả lời", *counts))
    return paper.done(alt, missing_note if "missing" in present else "", mark, table=table)


def _symbols(paper: Paper, found: Sequence[tuple[str, float, float]]) -> None:
    """Draw states at (x, y): a tick on pale, a cross on dark, an empty box, a short rule."""
    yes, no, missing, not_applicable = ([(x, y) for state, x, y in found if state == said] for said in SAID)
    paper.draw([box(x - 5, y, 10, 10) for x, y in yes], PALE)
    paper.draw([polyline((x - 3, y), (x - 1, y + 2.6), (x + 3.2, y - 3)) for x, y in yes], edge=NAVY, line=1.4)
    paper.draw([box(x - 5, y, 10, 10) for x, y in no], RUST)
    paper.draw([cross(x, y) for x, y in no], edge="white", line=1.6)
    paper.draw([box(x - 4.5, y, 9, 9) for x, y in missing], "white", edge=GREY, line=0.8)
    paper.draw([polyline((x - 3, y), (x + 3, y)) for x, y in not_applicable], edge=GREY, line=1)
