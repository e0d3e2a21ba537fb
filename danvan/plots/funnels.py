"""The funnel plot: which units differ from the average by more than chance does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from matplotlib.path import Path as Shape

from danvan.charts import check, finite, listed, uncapital
from danvan.paper import (
    BLUE,
    DASH,
    DOTS,
    EDGE,
    GREY,
    INK,
    NAVY,
    RULE,
    RUST,
    SMALL,
    WIDTH,
    Axis,
    Chart,
    Look,
    Paper,
    Sign,
    area,
    around,
    behind,
    circle,
    in_words,
    polyline,
    sign,
    stroke,
    text_height,
    text_width,
    ticks,
    wrap,
)
from danvan.plots.places import Room, about, along

Place = Literal["inside", "low-0.025", "low-0.001", "high-0.025", "high-0.001"]
PLACES: dict[Place, str] = {
    "high-0.001": "cao hơn giới hạn 99,8%",
    "high-0.025": "cao hơn giới hạn 95%",
    "low-0.001": "thấp hơn giới hạn 99,8%",
    "low-0.025": "thấp hơn giới hạn 95%",
    "inside": "trong giới hạn",
}


@dataclass(frozen=True)
class Point:
    """A unit in the funnel plot: `size` is its denominator, `place` what the limits say of it."""

    label: str
    size: float
    value: float
    text: str
    place: Place
    mark: bool = False


@dataclass(frozen=True)
class Curve:
    """A pair of limits, its points by growing size: (size, lower, upper)."""

    label: str
    points: tuple[tuple[float, float, float], ...]


def funnel(
    points: Sequence[Point],
    curves: Sequence[Curve],
    average: float,
    average_text: str,
    x_label: str,
    y_label: str,
    *,
    left_out: str = "",
    mark: str = "",
    title: str = "",
) -> Chart:
    """Units by size and value between their limits; names stand beside those outside and the marked ones.

    `average_text` is printed as it stands: "Toàn thành phố: 85,4%". The table gives each unit the limits at its size
    by straight lines between the points of a curve: exact where the curve has a point of that size.
    """
    check(points)
    _check_funnel(points, curves, average)
    paper = Paper(title)
    paper.paragraph(y_label)
    paper.y += 4
    shown = _values_shown(points, curves, average)
    top, bottom = paper.y, paper.y + (330.0 if len(points) > 40 else 260.0)
    numbers = ticks(*shown)
    left, right = EDGE + max(text_width(words, SMALL) for words in in_words(numbers)) + 8, WIDTH - EDGE
    ys = Axis(*shown, bottom - 6, top + 6)
    xs, scale = _sizes_shown(points, curves, left + 8, right - 10)
    for number, words in zip(numbers, in_words(numbers), strict=True):
        paper.text(left - 5, ys.at(number), words, SMALL, GREY, ha="right")
    paper.draw([polyline((left, ys.at(number)), (right, ys.at(number))) for number in numbers], edge=RULE, line=0.5)
    paper.draw([polyline((left, top), (left, bottom), (right, bottom))], edge=GREY, line=0.6)
    sizes = _size_ticks(xs)
    paper.draw([polyline((xs.at(size), bottom), (xs.at(size), bottom + 3)) for size in sizes], edge=GREY, line=0.6)
    paper.numbers(xs, sizes, bottom + 10)
    words = wrap(x_label + scale, right - left, SMALL)
    paper.text((left + right) / 2, bottom + 18 + text_height(words, SMALL) / 2, words, SMALL, GREY, ha="center")
    paper.y = bottom + 21 + text_height(words, SMALL)

    room, styles = Room(left + 2, top, right, bottom - 2), _curve_styles(curves)
    for curve, (line, dash) in zip(curves, styles, strict=True):
        for bound in (1, 2):
            for run in _clipped([(p[0], p[bound]) for p in curve.points], (xs.low, xs.high), shown):
                drawn = [(xs.at(size), ys.at(value)) for size, value in run]
                paper.draw([polyline(*drawn)], edge=GREY, line=line, dash=dash)
                room.soft += along(*drawn)
    paper.draw([polyline((left, ys.at(average)), (right, ys.at(average)))], edge=INK, line=1.1)
    room.soft += along((left, ys.at(average)), (right, ys.at(average)))
    together, unnamed = _draw_points(paper, points, xs, ys, room)

    present = [place for place in PLACES if any(point.place == place for point in points)]
    items = [(_place_sign(place), PLACES[place]) for place in present]
    halo = sign(("none", NAVY, 1.5), circle(5))
    items += [(halo, "đơn vị được đánh dấu")] if any(point.mark for point in points) else []
    items += [(stroke(INK, 1.1), average_text)]
    items += [(stroke(GREY, *style), curve.label) for curve, style in zip(curves, styles, strict=True)]
    paper.legend(items, left)
    notes = [
        "Chấm to: nhiều đơn vị ở cùng một chỗ, số đơn vị ghi sau dấu ×." if together else "",
        f"Không đủ chỗ ghi tên trên hình: {', '.join(unnamed)}." if unnamed else "",
    ]
    alt = [
        f"Biểu đồ phễu thống kê của {len(points)} đơn vị: {uncapital(y_label)} theo {uncapital(x_label)}",
        average_text,
    ]
    for place in present:
        found = [f"{point.label} ({point.text})" for point in points if point.place == place]
        named = f": {listed(found)}" if place != "inside" else ""
        alt.append(f"{PLACES[place].capitalize()}: {len(found)} đơn vị{named}")
    marked = [f"{point.label}: {point.text}, {PLACES[point.place]}" for point in points if point.mark]
    alt.append(f"Được đánh dấu: {'; '.join(marked)}" if marked else "")
    table = [
        ("Đơn vị", x_label, y_label, *(curve.label for curve in curves), "So với giới hạn"),
        *(
            (p.label, in_words([p.size])[0], p.text, *(_limits(c, p.size) for c in curves), PLACES[p.place])
            for p in points
        ),
        (average_text, *[""] * (len(curves) + 3)),
    ]
    return paper.done(alt, *notes, left_out, mark, table=table)


def _check_funnel(points: Sequence[Point], curves: Sequence[Curve], average: float) -> None:
    finite([average, *(number for curve in curves for point in curve.points for number in point)])
    finite(number for point in points for number in (point.size, point.value))
    if any(size <= 0 for size in [*(p[0] for curve in curves for p in curve.points), *(p.size for p in points)]):
        raise ValueError("cỡ của đơn vị trong biểu đồ phễu phải lớn hơn 0")
    if any(point.place not in PLACES for point in points):
        raise ValueError(f"vị trí so với giới hạn phải là một trong: {', '.join(PLACES)}")
    for curve in curves:
        if any(one[0] > other[0] for one, other in pairwise(curve.points)) or any(p[1] > p[2] for p in curve.points):
            raise ValueError("đường giới hạn phải theo thứ tự cỡ tăng dần, cận dưới không lớn hơn cận trên")


def _values_shown(points: Sequence[Point], curves: Sequence[Curve], average: float) -> tuple[float, float]:
    """All points; of the limits, which grow without bound, not more than fits beside them."""
    sizes = sorted(point.size for point in points)
    near = [limit for curve in curves for limit in _limits_at(curve, sizes[len(sizes) // 2])]
    every = [average, *(point.value for point in points), *near]
    low, high = min(every), max(every)
    more = (high - low) * 0.4
    beside = [limit for curve in curves for size, *both in curve.points if size >= sizes[0] for limit in both]
    return around([max(low - more, min([low, *beside])), min(high + more, max([high, *beside]))], 0.03)


def _sizes_shown(points: Sequence[Point], curves: Sequence[Curve], start: float, end: float) -> tuple[Axis, str]:
    """Linear, root or logarithm, and words for it: so that the middle unit does not stand at the very left."""
    ours = sorted(point.size for point in points)
    every = ours if ours[0] < ours[-1] else [*ours, *(p[0] for curve in curves for p in curve.points)]
    low, high = min(every), max(every)
    share = ours[len(ours) // 2] / high
    if share >= 0.15:
        return Axis(0 if low <= high / 2 or low == high else low - (high - low) * 0.05, high * 1.04, start, end), ""
    if share >= 0.02:
        return Axis(0, high * 1.04, start, end, math.sqrt), " (thang căn bậc hai)"
    return Axis(low / 1.1, high * 1.1, start, end, math.log), " (thang logarit)"


def _size_ticks(axis: Axis) -> list[float]:
    """Round sizes that have room: equal steps on a linear axis, else 1, 5, 2 and 3 times powers of ten."""
    if axis.bend is float:
        return ticks(axis.low, axis.high)
    powers = range(math.floor(math.log10(max(axis.low, axis.high / 1e4))), math.ceil(math.log10(axis.high)) + 1)
    wanted = [0.0, *(first * 10.0**power for first in (1, 5, 2, 3) for power in reversed(powers))]
    found = list[tuple[float, float]]()
    for size in wanted[1:] if axis.low else wanted:
        if axis.low <= size <= axis.high:
            half = text_width(in_words([size])[0], SMALL) / 2 + 4
            if all(abs(axis.at(size) - axis.at(other)) > half + theirs for other, theirs in found):
                found.append((size, half))
    return sorted(size for size, _ in found)


def _curve_styles(curves: Sequence[Curve]) -> list[tuple[float, tuple[float, ...]]]:
    """Width and dash of each pair of limits: the narrowest dashed, the next solid, others dotted."""
    wide = [sum(upper - lower for _, lower, upper in curve.points) / max(1, len(curve.points)) for curve in curves]
    order = sorted(range(len(curves)), key=lambda i: wide[i])
    return [(0.9, (DASH, (), DOTS)[min(order.index(i), 2)]) for i in range(len(curves))]


def _limits_at(curve: Curve, size: float) -> tuple[float, ...]:
    """Lower and upper limit at a size, on straight lines between points; empty beyond them."""
    for one, other in pairwise([curve.points[0], *curve.points] if curve.points else []):
        if one[0] <= size <= other[0]:
            share = (size - one[0]) / (other[0] - one[0]) if one[0] < other[0] else 0.0
            return one[1] + (other[1] - one[1]) * share, one[2] + (other[2] - one[2]) * share
    return ()


def _limits(curve: Curve, size: float) -> str:
    """The limits as "82,3-88,0", with as many digits as tell them apart."""
    both = _limits_at(curve, size)
    if not both:
        return ""
    decimals = max(1, 1 - math.floor(math.log10(both[1] - both[0]))) if both[1] > both[0] else 1
    return "-".join(in_words([round(limit, decimals) for limit in both]))


def _clipped(
    points: Sequence[tuple[float, float]], across: tuple[float, float], down: tuple[float, float]
) -> list[list[tuple[float, float]]]:
    """The parts of a line that lie in a window, cut at its edges."""
    runs, fresh = list[list[tuple[float, float]]](), True
    for (x, y), (next_x, next_y) in pairwise(points):
        begin, end = 0.0, 1.0  # shares of the way that lie inside
        for here, there, (low, high) in ((x, next_x, across), (y, next_y, down)):
            if here == there:
                begin, end = (begin, end) if low <= here <= high else (1.0, 0.0)
            else:
                first, last = sorted(((low - here) / (there - here), (high - here) / (there - here)))
                begin, end = max(begin, first), min(end, last)
        if begin >= end:
            fresh = True
            continue
        one, other = ((x + (next_x - x) * share, y + (next_y - y) * share) for share in (begin, end))
        runs += [[one]] if fresh or begin > 0 else []
        runs[-1].append(other)
        fresh = end < 1
    return runs


def _point_shape(place: Place, x: float, y: float, count: int = 1) -> Shape:
    if place == "inside":
        return Shape.circle((x, y), min(2.6 * math.sqrt(count), 7))
    way = -1 if place.startswith("high") else 1
    return area((x - 4.6, y - 3.2 * way), (x + 4.6, y - 3.2 * way), (x, y + 5 * way))


def _point_look(place: Place) -> Look:
    if place == "inside":
        return BLUE, "white", 0.5
    return ("white" if place.endswith("0.025") else RUST), RUST, 1.1


def _place_sign(place: Place) -> Sign:
    return sign(_point_look(place), lambda x, y: _point_shape(place, x, y))


_Group = tuple[float, float, list[Point]]  # x, y, the points there
_Words = list[tuple[float, float, str, bool]]  # x, y, words, bold


def _draw_points(paper: Paper, points: Sequence[Point], xs: Axis, ys: Axis, room: Room) -> tuple[bool, list[str]]:
    """Draw points, one for those at the same place, and names; whether there are such, and names without a place."""
    groups = list[_Group]()
    for point in points:
        x, y = xs.at(point.size), ys.at(point.value)
        near = [g for g in groups if g[2][0].place == point.place and math.hypot(g[0] - x, g[1] - y) < 1.5]
        same = [held for _, _, held in near if not (held[0].mark or point.mark)]
        if same:
            same[0].append(point)
        else:
            groups.append((x, y, [point]))
    for place in reversed(PLACES):
        shapes = [_point_shape(place, x, y, len(held)) for x, y, held in groups if held[0].place == place]
        paper.draw(shapes, *_point_look(place))
    paper.draw([Shape.circle((x, y), 7.5) for x, y, held in groups if held[0].mark], edge=NAVY, line=1.5)
    room.hard += [about(x, y, *[2 * _reach(held)] * 2) for x, y, held in groups]
    unnamed, texts, tried = _set_names(groups, room, (1, 0))
    for turn in ((-1, 0), (0, 1), (0, -1)):
        if unnamed:
            unnamed, texts, tried = min(
                (unnamed, texts, tried), _set_names(groups, room, turn), key=lambda t: len(t[0])
            )
    alike = [g for g in groups if len(g[2]) > 1 and g[2][0].place == "inside"]
    for x, y, held in sorted(alike, key=lambda g: -len(g[2])):
        spot = tried.place(f"×{len(held)}", x, y, _reach(held) + 1, 8)
        texts += [(*spot, f"×{len(held)}", False)] if spot else []
    paper.draw(tried.leaders, edge=GREY, line=0.5)
    paper.draw([behind(words, x, y, bold=bold) for x, y, words, bold in texts], "white")
    for x, y, words, bold in texts:
        paper.text(x, y, words, SMALL, bold=bold, ha="center")
    return bool(alike), unnamed


def _set_names(groups: Sequence[_Group], room: Room, turn: tuple[int, int]) -> tuple[list[str], _Words, Room]:
    """Places for names, from one side of the picture to the other; names without one, words with theirs, what is free.

    Marked points come first, then those outside the wider limits.
    """
    room = room.copy()
    unnamed, texts = list[str](), _Words()

    def order(group: _Group) -> tuple[bool, bool, float]:
        x, y, held = group
        return not held[0].mark, not held[0].place.endswith("0.001"), x * turn[0] + y * turn[1]

    for x, y, held in sorted((g for g in groups if g[2][0].mark or g[2][0].place != "inside"), key=order):
        bold = held[0].mark
        names = [f"{held[0].label}: {held[0].text}"] if bold else [point.label for point in held]
        words = wrap(", ".join(names), 130, SMALL, bold)
        spot = room.place(words, x, y, _reach(held) + 2, 37, bold) if len(held) <= 4 else None
        texts += [(*spot, words, bold)] if spot else []
        unnamed += [] if spot else names
    return unnamed, texts, room


def _reach(held: Sequence[Point]) -> float:
    """How far the sign of these points reaches from its middle."""
    return 7.5 if held[0].mark else 4.6 if held[0].place != "inside" else min(2.6 * math.sqrt(len(held)), 7.0)
