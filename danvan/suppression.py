"""Protecting whole numbers that add up: what a reader can reckon of the hidden ones, exactly, and what else to hide.

Cells have ids; relations are linear. A reader knows every cell that is shown, every relation, that all are whole and
not negative, and of a hidden cell the range that its mark tells. The bounds are those of an integer programme (HiGHS by
scipy), each proved: by a solution that is checked in whole numbers, and by there being none beyond it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Generic, Literal, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Verdict = Literal["safe", "unsafe_narrow", "unsafe_exact"]
_LARGEST = 10**9  # beyond this, the solver's doubles no longer tell whole numbers apart safely


class Range(NamedTuple):
    """From `least` to `most`; without a `most` there is no end."""

    least: int = 0
    most: int | None = None

    @property
    def width(self) -> float:
        return float("inf") if self.most is None else self.most - self.least


@dataclass(frozen=True)
class Relation(Generic[Key]):
    """The sum of factor times cell is equal to (`=`), or at most (`<=`), `constant`."""

    terms: tuple[tuple[Key, int], ...]
    constant: int = 0
    sign: Literal["=", "<="] = "="

    def holds(self, values: Mapping[Key, int]) -> bool:
        total = sum(factor * values[key] for key, factor in self.terms)
        return total == self.constant if self.sign == "=" else total <= self.constant


def total_of(total: Key, parts: Iterable[Key]) -> Relation[Key]:
    """`total` is the sum of `parts`."""
    return Relation(((total, 1), *((part, -1) for part in parts)))


class NoSolutionError(ValueError):
    """What is shown contradicts the relations."""


class UnprovedError(ArithmeticError):
    """The solver gave no answer that could be proved, or the numbers are too large for it."""


def intervals(
    shown: Mapping[Key, int], hidden: Mapping[Key, Range], relations: Iterable[Relation[Key]]
) -> dict[Key, Range]:
    """The exact range of every hidden cell, as a reader finds it who sees `shown` and knows `relations`.

    `hidden`: what the mark itself tells of each cell. Raises NoSolutionError where nothing fits.
    """
    reader = _Reader(shown, hidden, relations)
    return {key: Range(_need(reader.extreme(key, -1))[key], reader.highest(key)) for key in hidden}


def verdict(found: Range, threshold: int) -> Verdict:
    """Whether a range protects a count below `threshold`: it must reach up to it and be `threshold` - 1 wide."""
    if found.least == found.most:
        return "unsafe_exact"
    if found.most is not None and (found.most < threshold or found.width < threshold - 1):
        return "unsafe_narrow"
    return "safe"


@dataclass(frozen=True)
class Audit(Generic[Key]):
    """What a reader finds: the exact range of every hidden cell, and the worst verdict over the sensitive ones."""

    intervals: dict[Key, Range]
    verdict: Verdict

    @property
    def exact(self) -> dict[Key, int]:
        """The hidden cells that can be told exactly, with their values."""
        return {key: found.least for key, found in self.intervals.items() if found.least == found.most}


@dataclass(frozen=True)
class Cells(Generic[Key]):
    """Counts to protect: true `values` of all cells and the relations between them.

    `ranges`: what the mark of a hidden cell tells (else: not negative). `never_shown`: cells that no reader sees in any
    case; those of them that are `derived` stand in no table at all, so that they matter only where they are sensitive.
    `hideable`: cells that may be hidden, the one to lose first standing first. A cell that is neither is shown.
    """

    values: Mapping[Key, int]
    relations: tuple[Relation[Key], ...]
    ranges: Mapping[Key, Range] = field(default_factory=dict)
    never_shown: frozenset[Key] = frozenset()
    derived: frozenset[Key] = frozenset()
    hideable: tuple[Key, ...] = ()


def audit(cells: Cells[Key], hidden: Collection[Key], sensitive: Collection[Key], threshold: int) -> Audit[Key]:
    """What a reader finds where `hidden` are not shown. Raises NoSolutionError for values that break a relation."""
    found = intervals(*_seen(cells, hidden), cells.relations)
    verdicts = {verdict(found[key], threshold) for key in sensitive if key in found}
    worst: tuple[Verdict, ...] = ("unsafe_exact", "unsafe_narrow", "safe")
    return Audit(found, next((one for one in worst if one in verdicts), "safe"))


def protect(cells: Cells[Key], sensitive: Collection[Key], threshold: int) -> frozenset[Key] | None:
    """The cells to hide, the sensitive ones among them, so that no reader finds one; None where that cannot be done.

    Safe means: no sensitive cell (hideable, or never shown) has a verdict other than safe, and no hidden cell can be
    told exactly. Each step takes the first cell that is not safe and hides the fewest others, of these the first in the
    order of `hideable`, that free it; in the end, whatever proves needless is shown again.
    """
    hideable = {key for key in cells.hideable if key not in cells.never_shown}
    watched = frozenset(sensitive)
    primary = watched & hideable
    hidden = set(primary)
    while (unsafe := _first_unsafe(cells, hidden, watched, threshold)) is not None:
        key, least = unsafe
        own = cells.values[key]
        targets = [(+1, own + 1), (-1, own - 1)]
        if key in watched:  # how low it may be is known once others are hidden: if it is not at its least, ask again
            lows = (cells.ranges.get(key, Range()).least, least)
            targets = [(+1, max(threshold, low + threshold - 1)) for low in lows]
        more = next(filter(None, (_freeing(cells, hidden, key, *target) for target in targets)), None)
        if not more:
            return None
        hidden |= more
    for key in reversed(cells.hideable):
        if key in hidden and key not in primary:
            without = hidden - {key}
            if _first_unsafe(cells, without, watched, threshold) is None:
                hidden = without
    return frozenset(hidden)


def _freeing(cells: Cells[Key], hidden: Collection[Key], key: Key, way: int, target: int) -> set[Key]:
    """The cheapest further cells to hide so that `key` may, for all a reader knows, be `target` or beyond; or none.

    Other values are sought for the table, `key` at its target, that differ from the true ones in the fewest shown
    cells: those are the ones to hide.
    """
    shown, ranges = _seen(cells, {*hidden, *cells.hideable})
    try:
        group = _Reader(shown, ranges, cells.relations).group(key)
    except NoSolutionError:
        return set()
    rank = {one: number for number, one in enumerate(cells.hideable) if one in group.keys and one not in hidden}
    rank = {one: number for one, number in rank.items() if one not in cells.never_shown}
    return group.nearest(cells.values, key, way, target, {one: len(cells.hideable) + n for one, n in rank.items()})


def _seen(cells: Cells[Key], hidden: Collection[Key]) -> tuple[dict[Key, int], dict[Key, Range]]:
    away = {*hidden, *cells.never_shown}
    shown = {key: value for key, value in cells.values.items() if key not in away}
    return shown, {key: cells.ranges.get(key, Range()) for key in cells.values if key in away}


def _first_unsafe(
    cells: Cells[Key], hidden: Collection[Key], watched: frozenset[Key], threshold: int
) -> tuple[Key, int] | None:
    """The first hidden cell that a reader can tell too well, and the least that it may be.

    Each solution found bounds all cells from within, so that few programmes prove many cells safe.
    """
    shown, ranges = _seen(cells, hidden)
    reader = _Reader(shown, ranges, cells.relations)
    reached: dict[Key, list[float]] = {key: [cells.values[key], cells.values[key]] for key in ranges}

    def safe(key: Key) -> bool:
        low, high = reached[key]
        return high > low and (key not in watched or (high >= threshold and high - low >= threshold - 1))

    def note(solution: Mapping[Key, int]) -> None:
        for key, value in solution.items():
            reached[key] = [min(reached[key][0], value), max(reached[key][1], value)]

    for key in ranges:
        if key not in watched and key in cells.derived:
            continue
        for way in (+1, -1):
            if not safe(key):
                solution = reader.extreme(key, way)
                if solution is None:
                    reached[key][1] = float("inf")
                else:
                    note(solution)
        if not safe(key):
            return key, int(reached[key][0])
    return None


class _Reader(Generic[Key]):
    """What follows from what is shown, one integer programme for each group of hidden cells that hang together."""

    def __init__(
        self, shown: Mapping[Key, int], hidden: Mapping[Key, Range], relations: Iterable[Relation[Key]]
    ) -> None:
        self._ranges = dict(hidden)
        self._relations: list[Relation[Key]] = []
        for relation in relations:
            terms: dict[Key, int] = defaultdict(int)
            constant = relation.constant
            for key, factor in relation.terms:
                if key in hidden:
                    terms[key] += factor
                else:
                    constant -= factor * shown[key]
            left = Relation(tuple((key, factor) for key, factor in terms.items() if factor), constant, relation.sign)
            if not left.terms and not left.holds({}):
                raise NoSolutionError("what is shown contradicts the relations")
            if left.terms:
                self._relations.append(left)
        self._tighten()
        self._groups: dict[Key, _Group[Key]] = {}
        for keys in _components(self._ranges, self._relations):
            own = set(keys)
            group = _Group(keys, self._ranges, [r for r in self._relations if r.terms[0][0] in own])
            self._groups.update(dict.fromkeys(keys, group))

    def group(self, key: Key) -> _Group[Key]:
        """The cells that hang together with `key`."""
        return self._groups[key]

    def highest(self, key: Key) -> int | None:
        solution = self.extreme(key, +1)
        return None if solution is None else solution[key]

    def extreme(self, key: Key, way: int) -> Mapping[Key, int] | None:
        """A solution, of the cells that hang together with `key`, in which it is least (-1) or most (+1).

        None where there is no most. Raises NoSolutionError where there is no solution at all.
        """
        return self._groups[key].extreme(key, way)

    def _tighten(self) -> None:
        """Narrow the ranges by each relation alone, as long as that helps; never beyond what truly follows."""
        for _ in range(100):
            before = dict(self._ranges)
            for relation in self._relations:
                self._narrow(relation)
                if relation.sign == "=":
                    turned = tuple((key, -factor) for key, factor in relation.terms)
                    self._narrow(Relation(turned, -relation.constant))
            if before == self._ranges:
                return

    def _narrow(self, relation: Relation[Key]) -> None:
        """By 'sum at most constant': each term is at most what the least of all others leaves."""
        least = [self._least(key, factor) for key, factor in relation.terms]
        endless = sum(one is None for one in least)
        if endless > 1:
            return
        known = sum(one for one in least if one is not None)
        for (key, factor), own in zip(relation.terms, least, strict=True):
            if endless and own is not None:
                continue
            room = relation.constant - known + (own or 0)
            low, high = self._ranges[key]
            if factor > 0:
                most = room // factor
                self._ranges[key] = Range(low, most if high is None else min(high, most))
            else:
                self._ranges[key] = Range(max(low, -(room // -factor)), high)
            low, high = self._ranges[key]
            if high is not None and high < low:
                raise NoSolutionError("what is shown contradicts the relations")

    def _least(self, key: Key, factor: int) -> int | None:
        low, high = self._ranges[key]
        if factor > 0:
            return factor * low
        return None if high is None else factor * high


def _components(ranges: Mapping[Key, Range], relations: Sequence[Relation[Key]]) -> list[list[Key]]:
    """The keys that hang together by relations, each group in the order of `ranges`."""
    root = {key: key for key in ranges}

    def find(key: Key) -> Key:
        while root[key] != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    for relation in relations:
        first, *others = (find(key) for key, _ in relation.terms)
        for other in others:
            root[find(other)] = find(first)
    groups: dict[Key, list[Key]] = defaultdict(list)
    for key in ranges:
        groups[find(key)].append(key)
    return list(groups.values())


class _Group(Generic[Key]):
    """Hidden cells that hang together, as one integer programme over what each has above its least value."""

    def __init__(self, keys: Sequence[Key], ranges: Mapping[Key, Range], relations: Sequence[Relation[Key]]) -> None:
        self.keys, self._relations = tuple(keys), tuple(relations)
        self._ranges = {key: ranges[key] for key in keys}
        if any(abs(number) > _LARGEST for found in self._ranges.values() for number in found if number is not None):
            raise UnprovedError("numbers too large to be told apart")

    def extreme(self, key: Key, way: int) -> Mapping[Key, int] | None:
        """As `_Reader.extreme`."""
        low, high = self._ranges[key]
        if not self._relations:
            if way > 0 and high is None:
                return None
            return {one: found.least for one, found in self._ranges.items()} | {key: high if way > 0 and high else low}
        solution, bound = _solve({key: -way}, self._ranges, self._relations)
        if solution is None:
            return None
        while bound != -way * solution[key]:  # the solver stopped short of what it proved: is there any beyond?
            own = Range(solution[key] + 1, high) if way > 0 else Range(low, solution[key] - 1)
            try:
                further, bound = _solve({key: -way}, {**self._ranges, key: own}, self._relations)
            except NoSolutionError:
                break
            assert further is not None
            solution = further
        return solution

    def nearest(self, values: Mapping[Key, int], key: Key, way: int, target: int, costs: Mapping[Key, int]) -> set[Key]:
        """The keys of `costs` that must differ from `values` for `key` to reach `target`, at the least cost."""
        changed = {one: ("changed", one) for one in costs}
        low, high = self._ranges[key]
        own = Range(max(low, target), high) if way > 0 else Range(low, target if high is None else min(target, high))
        if own.width < 0:
            return set()
        far = 4 * abs(target - values[key]) + 16  # no cell need go farther than that, and the programme stays small
        ranges: dict[Any, Range] = {**self._ranges, key: own, **dict.fromkeys(changed.values(), Range(0, 1))}
        relations: list[Relation[Any]] = [*self._relations]
        for one, name in changed.items():
            relations.append(Relation(((one, 1), (name, -far)), values[one], "<="))
            relations.append(Relation(((one, -1), (name, -far)), -values[one], "<="))
        weights = {changed[one]: cost for one, cost in costs.items()}

        def solved() -> set[Key]:
            try:
                solution, _ = _solve(weights, ranges, relations)
            except NoSolutionError:
                return set()
            return {one for one, name in changed.items() if solution and solution[name]}

        found = solved()
        least = sum(costs[one] for one in found)
        for one in reversed(changed) if len(found) > 1 else ():  # of equals always the same, whatever the solver took
            ranges[changed[one]] = Range(0, 0)
            if one in found:
                other = solved()
                if other and sum(costs[key] for key in other) == least:
                    found = other
                else:
                    ranges[changed[one]] = Range(0, 1)
        return found


def _solve(
    costs: Mapping[Any, int], ranges: Mapping[Any, Range], relations: Sequence[Relation[Any]]
) -> tuple[dict[Any, int] | None, int | None]:
    """The cheapest solution, checked in whole numbers, and the cost below which the solver proved there is none.

    (None, None) where there is no end to it. Raises NoSolutionError where there is no solution.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    place = {key: number for number, key in enumerate(ranges)}
    lows = {key: found.least for key, found in ranges.items()}
    entries = [(n, place[key], float(f)) for n, relation in enumerate(relations) for key, f in relation.terms]
    rows, columns, factors = zip(*entries, strict=True)
    most = [float(r.constant - sum(f * lows[key] for key, f in r.terms)) for r in relations]
    least = [rest if r.sign == "=" else float("-inf") for r, rest in zip(relations, most, strict=True)]
    matrix = csr_array((factors, (rows, columns)), shape=(len(relations), len(place)))
    for presolve in (True, False):
        found = milp(
            [float(costs.get(key, 0)) for key in place],
            integrality=1,
            bounds=Bounds(0.0, [one.width for one in ranges.values()]),
            constraints=LinearConstraint(matrix, least, most),
            options={"mip_rel_gap": 0.0, "presolve": presolve},
        )
        if found.x is not None:
            values = {key: lows[key] + round(extra) for key, extra in zip(place, found.x, strict=True)}
            inside = all(
                0 <= values[key] - low <= one.width
                for key, low, one in zip(place, lows.values(), ranges.values(), strict=True)
            )
            if inside and all(relation.holds(values) for relation in relations):
                fixed = sum(cost * lows[key] for key, cost in costs.items())
                return values, fixed + ceil(found.mip_dual_bound - 1e-6)
        elif found.status == 2 and not presolve:
            raise NoSolutionError("nothing fits")
        elif found.status in (3, 4) and not presolve:
            return None, None
    raise UnprovedError(f"the solver gave nothing that can be proved: {found.message}")


def _need(solution: Mapping[Key, int] | None) -> Mapping[Key, int]:
    assert solution is not None  # every cell has a least value
    return solution
