"""Many years: small line charts, each series for itself over the same moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from matplotlib.path import Path as Shape

from danvan.charts import check
from danvan.paper import (
    DASH,
    DOTS,
    EDGE,
    GREY,
    INK,
    NAVY,
    RULE,
    SMALL,
    WIDTH,
    Axis,
    Chart,
    Look,
    Paper,
    Sign,
    behind,
    box,
    circle,
    in_words,
    polyline,
    sign,
    text_height,
    text_width,
    ticks,
    wrap,
)
from danvan.plots.places import ABOVE, Box, Room, about, along, meet


@dataclass(frozen=True)
class Moment:
    """A value at a time; without one (None) `text` says why. `hollow`: illustrative, or of a part of the period."""

    label: str
    value: float | None
    text: str
    hollow: bool = False


@dataclass(frozen=True)
class Panel:
    """A series. `breaks`: index of the moment before which the line is broken -> the reason, in a few words.

    `context`: what others had or aimed at, never joined with the series: label, a value a moment, source.
    """

    title: str
    measured_in: str
    moments: tuple[Moment, ...]
    breaks: Mapping[int, str] = field(default_factory=dict)
    context: tuple[tuple[str, tuple[float | None, ...], str], ...] = ()


def small_multiples(panels: Sequence[Panel], *, mark: str = "", title: str = "") -> Chart:
    """A small line chart a series, all over the same moments, each from zero to its own most.

    A line is broken where a value is missing and where the panel says so: a dotted rule there has a letter, and the
    reasons of the letters stand once below.
    """
    check(panels and panels[0].moments)
    times = [moment.label for moment in panels[0].moments]
    for panel in panels:
        check([panel], [*(m.value for m in panel.moments), *(value for c in panel.context for value in c[1])])
        if [moment.label for moment in panel.moments] != times or any(len(c[1]) != len(times) for c in panel.context):
            raise ValueError("mọi ô của biểu đồ phải có cùng các thời điểm")
        if any(not 0 < index < len(times) for index in panel.breaks):
            raise ValueError(f"chỗ ngắt của “{panel.title}” phải đứng trước một thời điểm từ thứ hai trở đi")
    reasons = dict.fromkeys(reason for panel in panels for _, reason in sorted(panel.breaks.items()))
    letters = {reason: chr(ord("a") + i % 26) + "'" * (i // 26) for i, reason in enumerate(reasons)}
    gaps = dict[str, str]()  # words that find no room in a panel -> the number that stands for them
    years = max(text_width(time, SMALL) for time in times) + 3 <= 2 * (WIDTH / 3 - 50) / max(1, len(times) - 1)
    count = 3 if len(panels) > 4 and years else min(len(panels), 2)
    width = (WIDTH - 2 * EDGE - 18 * (count - 1)) / count
    paper = Paper(title)
    for start in range(0, len(panels), count):
        line = panels[start : start + count]
        heads = [wrap(panel.title, width, bold=True) for panel in line]
        units = [wrap(panel.measured_in, width, SMALL) for panel in line]
        top = paper.y + max(text_height(h) + text_height(u, SMALL) for h, u in zip(heads, units, strict=True)) + 4
        ends = list[float]()
        for number, (panel, head, unit) in enumerate(zip(line, heads, units, strict=True)):
            left = EDGE + number * (width + 18)
            paper.text(left, paper.y + text_height(head) / 2, head, bold=True)
            paper.text(left, paper.y + text_height(head) + text_height(unit, SMALL) / 2, unit, SMALL, GREY)
            ends.append(_panel(paper, panel, left, top + (12 if letters else 0), width, letters, gaps))
        paper.y = max(ends) + 12
    paper.y -= 8
    items: list[tuple[Sign, str]] = []
    if any(moment.hollow and moment.value is not None for panel in panels for moment in panel.moments):
        items.append((sign(_HOLLOW, circle(2.7)), "số liệu minh họa hoặc chưa đủ kỳ"))
    items += [(_key(letter, ruled=True), f"ngắt: {reason}") for reason, letter in letters.items()]
    items += [(_key(number, ruled=False), words) for words, number in gaps.items()]
    if items:
        paper.legend(items)

    alt = [f"{len(panels)} biểu đồ đường nhỏ, các thời điểm: {', '.join(times)}"]
    table: list[Sequence[str]] = [("Chỉ tiêu", "Đơn vị tính", *times, "Ngắt đường")]
    for panel in panels:
        said = [moment.text + _partial(moment) for moment in panel.moments]
        alt.append(f"{panel.title} ({panel.measured_in}): {_by_time(times, said)}")
        breaks = sorted(panel.breaks.items())
        alt += [f"Đường bị ngắt giữa {times[i - 1]} và {times[i]}: {reason}" for i, reason in breaks]
        told = "; ".join(f"trước {times[i]}: {reason}" for i, reason in breaks)
        table.append((panel.title, panel.measured_in, *said, told))
        for label, values, source in panel.context:
            numbers = ["" if value is None else in_words([value])[0] for value in values]
            alt.append(f"Để đối chiếu: {label} (nguồn: {source}): {_by_time(times, numbers)}")
            table.append((f"Đối chiếu: {label} (nguồn: {source})", panel.measured_in, *numbers, ""))
    return paper.done(alt, mark, table=table)


_HOLLOW: Look = ("white", NAVY, 1.2)


def _partial(moment: Moment) -> str:
    return " (minh họa hoặc chưa đủ kỳ)" if moment.hollow and moment.value is not None else ""


def _by_time(times: Sequence[str], texts: Sequence[str]) -> str:
    return "; ".join(f"{time}: {text}" for time, text in zip(times, texts, strict=True) if text)


def _key(letter: str, ruled: bool) -> Sign:
    """A letter before its dotted rule, or a number that stands for words."""

    def draw(paper: Paper, x: float, y: float) -> None:
        paper.draw([polyline((x + 5, y - 6), (x + 5, y + 6))] if ruled else [], edge=INK, line=1, dash=DOTS)
        paper.text(x, y, letter, SMALL, bold=True, ha="right" if ruled else "center")

    return draw


def _panel(
    paper: Paper,
    panel: Panel,
    left: float,
    top: float,
    width: float,
    letters: Mapping[str, str],
    gaps: dict[str, str],
) -> float:
    """Draw one series under its head; returns where it ends."""
    values = [moment.value for moment in panel.moments]
    every = [value for value in [*values, *(v for c in panel.context for v in c[1])] if value is not None]
    most = max(every, default=0) or 1
    numbers = ticks(0, most * 1.001, most=3)
    numbers += [2 * numbers[-1] - numbers[-2]] if numbers[-1] < most else []
    numbers = numbers if every else []
    written = in_words(numbers)
    right, bottom = left + width, top + 92
    start = left + max((text_width(words, SMALL) for words in written), default=0) + 6
    ys = Axis(0, numbers[-1] if numbers else 1, bottom, top + 12)
    last = text_width(panel.moments[-1].text, SMALL) * 0.75 + 2 if values[-1] is not None else 0
    xs = Axis(0, max(1, len(values) - 1), start + 8, right - max(12, min(last, width / 6)))
    for number, words in zip(numbers, written, strict=True):
        paper.text(start - 4, ys.at(number), words, SMALL, GREY, ha="right")
    paper.draw([polyline((start, ys.at(n)), (right, ys.at(n))) for n in numbers[1:]], edge=RULE, line=0.5)
    feet = [polyline((xs.at(i), bottom), (xs.at(i), bottom + 3)) for i in range(len(values))]
    paper.draw([polyline((start, bottom), (right, bottom)), *feet], edge=GREY, line=0.6)
    end = _moments(paper, [moment.label for moment in panel.moments], xs, (left, right), bottom + 5)

    room, rules = Room(start + 1, top, right, bottom - 1), list[Shape]()
    for index, reason in sorted(panel.breaks.items()):
        x = xs.at(index - 0.5)
        rules.append(polyline((x, top + 1), (x, bottom)))
        paper.text(x, top - 6, letters[reason], SMALL, bold=True, ha="center")
        room.soft += along((x, top), (x, bottom))
    paper.draw(rules, edge=INK, line=1, dash=DOTS)
    for number, (label, others, source) in enumerate(panel.context):
        dash = (DASH, DOTS, (6.0, 2.0, 1.0, 2.0))[number % 3]
        for run in _runs(others):
            drawn = [(xs.at(i), ys.at(value)) for i, value in run]
            room.soft += along(*drawn)
            paper.draw([polyline(*drawn)] if len(drawn) > 1 else [], edge=GREY, line=1, dash=dash)
            paper.draw([box(x - 2.5, y, 5, 1.2) for x, y in drawn], GREY)
        words = wrap(f"{label} (nguồn: {source})", width - 22, SMALL)
        paper.draw([polyline((left, end + 6), (left + 17, end + 6))], edge=GREY, line=1, dash=dash)
        paper.text(left + 22, end + text_height(words, SMALL) / 2, words, SMALL, GREY)
        end += text_height(words, SMALL) + 2
    _line(paper, panel, xs, ys, room, gaps)
    return end


def _line(paper: Paper, panel: Panel, xs: Axis, ys: Axis, room: Room, gaps: dict[str, str]) -> None:
    """The series itself: line, dots, words for what is missing, values at the ends and beside breaks."""
    runs, lines, own = _runs([m.value for m in panel.moments], panel.breaks), list[Shape](), list[Box]()
    dots, rings = list[Shape](), list[Shape]()
    for run in runs:
        drawn = [(xs.at(i), ys.at(value)) for i, value in run]
        lines += [polyline(*drawn)] if len(drawn) > 1 else []
        own += along(*drawn)
        room.hard += [about(x, y, 5, 5) for x, y in drawn]
        for (i, _), at in zip(run, drawn, strict=True):
            (rings if panel.moments[i].hollow else dots).append(Shape.circle(at, 2.7))
    room.soft += own
    _absent(paper, panel, xs, ys.start, room, gaps)
    ends = sorted({(i, value) for run in runs for i, value in (run[0], run[-1])})
    texts = list[tuple[float, float, str]]()
    for number, (i, value) in enumerate([*ends[-1:], *ends[:-1]]):
        if number == 2:  # the last and the first are named in any case, others only beside the line
            room.hard += own
        words = panel.moments[i].text
        spot = room.place(words, xs.at(i), ys.at(value), 3.5, 3.5, turns=ABOVE)
        texts += [(*spot, words)] if spot else []
    paper.draw([behind(words, x, y) for x, y, words in texts], "white")
    paper.draw(lines, edge=NAVY, line=1.5)
    paper.draw(dots, NAVY)
    paper.draw(rings, *_HOLLOW)
    for x, y, words in texts:
        paper.text(x, y, words, SMALL, ha="center")


def _moments(paper: Paper, times: Sequence[str], xs: Axis, edges: tuple[float, float], top: float) -> float:
    """Write moments under the axis: all, or every second, third ... counted from the last; returns where they end."""
    for every in range(1, len(times) + 1):
        shown = range(len(times) - 1, -1, -every)
        words = [wrap(times[i], every * (xs.at(1) - xs.at(0)) - 3, SMALL) for i in shown]
        halves = [text_width(text, SMALL) / 2 for text in words]
        places = [min(max(xs.at(i), edges[0] + h), edges[1] - h) for i, h in zip(shown, halves, strict=True)]
        lines = list(zip(places, halves, strict=True))
        free = all(later[0] - later[1] >= x + h + 2 for later, (x, h) in pairwise(lines))
        if (free and max(text.count("\n") for text in words) < 2) or every == len(times):
            break
    for x, text in zip(places, words, strict=True):
        paper.text(x, top + text_height(text, SMALL) / 2, text, SMALL, GREY, ha="center")
    return top + max(text_height(text, SMALL) for text in words) + 2


def _runs(values: Sequence[float | None], breaks: Iterable[int] = ()) -> list[list[tuple[int, float]]]:
    """The parts of a series that are joined by a line: (index, value)."""
    found, stops = list[list[tuple[int, float]]](), set(breaks)
    for i, value in enumerate(values):
        if value is not None:
            found += [[]] if not found or i in stops or found[-1][-1][0] < i - 1 else []
            found[-1].append((i, value))
    return found


def _absent(paper: Paper, panel: Panel, xs: Axis, bottom: float, room: Room, gaps: dict[str, str]) -> None:
    """Say why values are missing, at their place if there is room, else by a number explained below."""
    step = xs.at(1) - xs.at(0)
    absent = [(i, moment.text) for i, moment in enumerate(panel.moments) if moment.value is None]
    for (_, text), same in groupby(enumerate(absent), key=lambda pair: (pair[0] - pair[1][0], pair[1][1])):
        members = [i for _, (i, _) in same]
        wide, middle = len(members) * step, (xs.at(members[0]) + xs.at(members[-1])) / 2
        words = wrap(text, max(wide - 4, 10), SMALL)
        half, high = text_width(words, SMALL) / 2, text_height(words, SMALL)
        x = min(max(middle, room.frame[0] + half), room.frame[2] - half)
        taken = about(x, bottom - 3 - high / 2, 2 * half, high)
        if abs(x - middle) > 8 or 2 * half > wide + 8 or any(meet(taken, other) for other in room.hard + room.soft):
            words = gaps.setdefault(text, str(len(gaps) + 1))
            x, taken = middle, about(middle, bottom - 8, 8, 11)
        room.hard.append(taken)
        paper.text(x, (taken[1] + taken[3]) / 2, words, SMALL, GREY, ha="center")
