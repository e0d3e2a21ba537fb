"""Where words find room on a picture: free of lines, signs and each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.path import Path as Shape

from danvan.paper import SMALL, polyline, text_height, text_width

Box = tuple[float, float, float, float]  # left, top, right, bottom


def about(x: float, y: float, width: float, height: float) -> Box:
    """The box with its middle at (x, y)."""
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def meet(one: Box, other: Box) -> bool:
    """Whether two boxes overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def along(*points: tuple[float, float]) -> list[Box]:
    """A line as a row of small boxes, one every three points at most."""
    found = [about(*points[0], 1, 1)] if points else []
    for (x, y), (next_x, next_y) in pairwise(points):
        last = (found[-1][0] + 0.5, found[-1][1] + 0.5)
        length = math.hypot(next_x - x, next_y - y)
        if math.dist(last, (next_x, next_y)) >= 3 or length >= 3:
            shares = [i / math.ceil(length / 3) for i in range(1, math.ceil(length / 3) + 1)]
            found += [about(x + (next_x - x) * share, y + (next_y - y) * share, 1, 1) for share in shares]
    return found


BESIDE = (0, 8, 12, 4, 2, 14, 6, 10, 1, 15, 7, 9, 3, 13, 5, 11)  # sixteenths of a turn from the right, downwards
ABOVE = (12, 4, 13, 11, 3, 5, 14, 10, 2, 6, 15, 9, 1, 7, 0, 8)


class Room:
    """A rectangle where words find places: what is hard is never covered, what is soft as little as possible."""

    def __init__(self, left: float, top: float, right: float, bottom: float) -> None:
        self.frame = (left, top, right, bottom)
        self.hard, self.soft = list[Box](), list[Box]()
        self.leaders = list[Shape]()

    def copy(self) -> Room:
        """The same room, to try places in."""
        other = Room(*self.frame)
        other.hard, other.soft, other.leaders = [*self.hard], [*self.soft], [*self.leaders]
        return other

    def place(
        self,
        words: str,
        x: float,
        y: float,
        clear: float,
        far: float,
        bold: bool = False,
        turns: Sequence[int] = BESIDE,
    ) -> tuple[float, float] | None:
        """The middle of a free place for words at (x, y), from `clear` points away from it up to `far`; None: none.

        A line leads to words that stand away: one of `leaders`. `turns`: directions, the best first.
        """
        width, height = text_width(words, SMALL, bold) + 2, text_height(words, SMALL)
        best = math.inf
        found: tuple[float, float, list[Box], list[Shape]] | None = None
        for away in [clear + 7.0 * step for step in range(int((far - clear) // 7) + 1)]:
            for number, angle in enumerate(turns):
                right, down = math.cos(angle * math.pi / 8), math.sin(angle * math.pi / 8)
                begin, end = (x + right * (clear - 2), y + down * (clear - 2)), (x + right * away, y + down * away)
                middle = end[0] + right * width / 2, end[1] + down * height / 2
                edge = x + right * clear, y + down * clear
                wanted, leader = about(*middle, width, height), along(edge, end)[1:-1] if away > clear else []
                cost = away + number * 0.4
                inside = all(self.frame[i] <= wanted[i] and wanted[i + 2] <= self.frame[i + 2] for i in (0, 1))
                if cost >= best or not inside or any(meet(part, o) for o in self.hard for part in (wanted, *leader)):
                    continue
                cost += sum(2.5 * meet(wanted, o) + sum(0.5 * meet(part, o) for part in leader) for o in self.soft)
                if cost < best:
                    best = cost
                    found = (*middle, [wanted, *leader], [polyline(begin, end)] if leader else [])
            if best <= away:
                break
        if not found:
            return None
        self.hard += found[2]
        self.leaders += found[3]
        return found[:2]


def spread(wanted: Sequence[float], heights: Sequence[float], top: float, bottom: float) -> list[float]:
    """Middles as near to the wanted ones (in growing order) as their heights allow, between top and bottom."""
    blocks = list[tuple[list[int], float]]()  # neighbours that touch, and the top of the first
    for number, (middle, height) in enumerate(zip(wanted, heights, strict=True)):
        blocks.append(([number], middle - height / 2))
        while len(blocks) > 1 and blocks[-2][1] + sum(heights[i] for i in blocks[-2][0]) > blocks[-1][1]:
            (ours, one), (theirs, other) = blocks[-2:]
            other -= sum(heights[i] for i in ours)  # where the first would stand for the later ones' sake
            blocks[-2:] = [([*ours, *theirs], (one * len(ours) + other * len(theirs)) / (len(ours) + len(theirs)))]
    found, floor = list[float](), top
    for members, begin in blocks:
        y = max(begin, floor)
        for i in members:
            found.append(y + heights[i] / 2)
            y += heights[i]
        floor = y
    for i in reversed(range(len(found))):  # those pushed out below come back
        found[i] = min(found[i], bottom - heights[i] / 2)
        bottom = found[i] - heights[i] / 2
    return found
