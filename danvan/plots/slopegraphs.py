"""Two years of units as slopes: who rises, who falls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.path import Path as Shape

from danvan.charts import BY_CHANCE, FEW, INCOMPARABLE, UNCLEAR, both_years, check, finite, uncapital
from danvan.paper import (
    BLUE,
    DASH,
    DOTS,
    EDGE,
    FAINT,
    GREY,
    INK,
    NAVY,
    RUST,
    WIDTH,
    Axis,
    Chart,
    Paper,
    Side,
    around,
    polyline,
    stroke,
    text_height,
    text_width,
    wrap,
)
from danvan.plots.places import spread


@dataclass(frozen=True)
class Slope:
    """A unit's value in two years; None: its text says why. `mark` makes it stand out.

    `chance`: the difference is one that chance explains, hence no rise and no fall.
    """

    label: str
    last: float | None
    now: float | None
    last_text: str
    now_text: str
    mark: bool = False
    chance: bool = False


_WAYS: dict[str, tuple[str, tuple[str, float, tuple[float, ...]]]] = {  # words, and colour, width, dash
    "mark": ("đơn vị được đánh dấu", (NAVY, 2.2, ())),
    "rise": ("tăng", (BLUE, 1.1, ())),
    "fall": ("giảm", (RUST, 1.1, DASH)),
    "same": ("không đổi", (GREY, 1.1, DOTS)),
    "other": ("đơn vị tăng hoặc giảm khác", (GREY, 0.5, ())),
    "chance": (UNCLEAR, (FAINT, 0.6, ())),
}
_NAMED = (
    "Chỉ ghi tên đơn vị được đánh dấu, đơn vị cao nhất, đơn vị thấp nhất và các đơn vị tăng, giảm nhiều nhất, "
    "mỗi chiều không quá năm."
)
_Known = tuple[float, float, Slope]


def slopes(
    rows: Sequence[Slope], last_label: str, now_label: str, measured_in: str, *, mark: str = "", title: str = ""
) -> Chart:
    """A line a unit from last year to this one.

    Of more than 20 those with a mark, the highest, the lowest, five that rise and five that fall have names, the rest
    are grey. ValueError if no unit has both years.
    """
    check(rows)
    finite(number for row in rows for number in (row.last, row.now))
    known: list[_Known] = [(r.last, r.now, r) for r in rows if r.last is not None and r.now is not None]
    if not known:
        raise ValueError("biểu đồ không có đơn vị nào so sánh được")
    moved = sorted(known, key=lambda k: k[1] - k[0])
    rises, falls = [k for k in reversed(moved) if _way(k[2]) == "rise"], [k for k in moved if _way(k[2]) == "fall"]
    few = len(known) <= FEW
    picked = [*rises[:5], *falls[:5], max(known, key=lambda k: k[1]), min(known, key=lambda k: k[1])]
    named = [k for k in known if few or k[2].mark or k in picked]
    paper = Paper(title)
    paper.paragraph(measured_in)
    paper.y += 4
    _draw_slopes(paper, known, named, (last_label, now_label))

    years = uncapital(last_label), uncapital(now_label)

    def said(of: Sequence[_Known]) -> str:
        return "; ".join(both_years(row.label, (row.last_text, row.now_text), years) for _, _, row in of)

    ways = [_way(row) for row in rows]
    unclear = f"; {BY_CHANCE}: {ways.count('chance')}" if "chance" in ways else ""
    alt = [
        f"Biểu đồ đường dốc của {len(known)} đơn vị, từ {years[0]} đến {years[1]}: {uncapital(measured_in)}",
        f"Số đơn vị tăng: {len(rises)}; giảm: {len(falls)}; không đổi: {ways.count('same')}{unclear}",
        f"Tăng nhiều nhất: {said(rises[:1])}" if rises else "",
        f"Giảm nhiều nhất: {said(falls[:1])}" if falls else "",
        f"Số liệu: {said(known)}" if len(known) <= 8 else "",
    ]
    apart = [f"{row.label} ({_why(row)})" for row in rows if _why(row)]
    notes = [
        "" if few else _NAMED,
        f"Không so sánh được: {', '.join(apart)}." if apart else "",
    ]
    table = [("Đơn vị", last_label, now_label, "Thay đổi")]
    told = [_WAYS[way][0] if way else INCOMPARABLE for way in ways]
    table += [(row.label, row.last_text, row.now_text, way) for row, way in zip(rows, told, strict=True)]
    return paper.done(alt, *notes, mark, table=table)


def _why(row: Slope) -> str:
    """Why a unit's years cannot be compared; "" if they can."""
    years = ((row.last, row.last_text), (row.now, row.now_text))
    return "; ".join(dict.fromkeys(text for value, text in years if value is None))


def _way(row: Slope) -> str:
    """A key of the ways; "" if its years cannot be compared."""
    if row.last is None or row.now is None:
        return ""
    if row.chance:
        return "chance"
    return "rise" if row.now > row.last else "fall" if row.now < row.last else "same"


def _draw_slopes(paper: Paper, known: Sequence[_Known], named: Sequence[_Known], heads: tuple[str, str]) -> None:
    """Two upright rules with the lines between them; names and values outside, pushed apart."""
    most = 0.25 * WIDTH

    def wide(texts: Iterable[str]) -> float:
        return max((text_width(wrap(text, most), bold=True) for text in texts), default=0)

    names = wide(k[2].label for k in named)
    values = wide(k[2].last_text for k in named), wide(k[2].now_text for k in named)
    rules = EDGE + names + values[0] + 24, WIDTH - EDGE - names - values[1] - 24
    for x, head in zip(rules, heads, strict=True):
        half = text_width(head, bold=True) / 2
        paper.text(min(max(x, EDGE + half), WIDTH - EDGE - half), paper.y + 6, head, bold=True, ha="center")
    heights = [max(text_height(wrap(t, most)) for t in (k[2].label, k[2].last_text, k[2].now_text)) for k in named]
    top = paper.y + 18
    bottom = top + max(220.0, sum(heights) * 1.15)
    axis = Axis(*around((value for k in known for value in k[:2]), 0.02), bottom - 4, top + 4)
    paper.draw([polyline((x, top), (x, bottom)) for x in rules], edge=GREY, line=0.6)
    lines, dots, leaders = defaultdict[str, list[Shape]](list), list[Shape](), list[Shape]()
    for k in known:
        way = _way(k[2])
        look = "mark" if k[2].mark else way if k in named or way in ("chance", "same") else "other"
        ends = [(x, axis.at(value)) for x, value in zip(rules, k[:2], strict=True)]
        lines[look].append(polyline(*ends))
        dots += [Shape.circle(end, 2.2) for end in ends] if k in named else []
    for look, (_, (colour, line, dash)) in reversed(_WAYS.items()):
        paper.draw(lines[look], edge=colour, line=line, dash=dash)
    paper.draw(dots, INK)
    for side, x, out in ((0, rules[0], -1), (1, rules[1], 1)):
        theirs = [k[:2][:: 1 - 2 * side] for k in named]  # the value of this side first
        order = sorted(range(len(named)), key=lambda i: (-theirs[i][0], -theirs[i][1], i))
        places = spread([axis.at(theirs[i][0]) for i in order], [heights[i] for i in order], top, bottom)
        for i, y in zip(order, places, strict=True):
            row = named[i][2]
            ha: Side = "right" if out < 0 else "left"
            paper.text(x + 16 * out, y, wrap(row.now_text if side else row.last_text, most), bold=row.mark, ha=ha)
            paper.text(x + (24 + values[side]) * out, y, wrap(row.label, most), bold=row.mark, ha=ha)
            leaders.append(polyline((x + 3 * out, axis.at(theirs[i][0])), (x + 13 * out, y)))
    paper.draw(leaders, edge=FAINT, line=0.5)
    paper.y = bottom + 2
    paper.legend([(stroke(*_WAYS[look][1]), _WAYS[look][0]) for look in _WAYS if lines[look]])
