"""Counts of persons by unit: which cells of them the public edition must not show. Results -> cells -> what to hide.

An indicator is opted in by the catalogue (`sensitive: person`). Hidden are its small counts (1 up to the threshold of
the year's params), whatever would let a reader find one, and the whole breakdown where that would be most of it. The
reader is taken to know every published figure of both years, the checks of the catalogue, and what adds up to what.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from danvan.catalogue import Catalogue, Indicator, Term
from danvan.intake.year import Year
from danvan.measures import TOTAL, Results, is_of_city, span_scope
from danvan.suppression import Cells, Range, Relation, UnprovedError, intervals, protect, total_of, verdict
from danvan.units import Unit

Scoped = tuple[str, str]  # (indicator code, scope)


@dataclass(frozen=True)
class Withheld:
    """The cells that are not shown, of this year and of the last, ratios of them included."""

    now: frozenset[Scoped] = frozenset()
    last: frozenset[Scoped] = frozenset()


def withheld(year: Year, results: Results, last_results: Results) -> Withheld:
    """What the public edition of `year` must not show by unit; results as computed, nothing taken away yet.

    Each year is protected by its own threshold and by itself first, so that both editions hide the same of it; where a
    check ties both years together, this year hides more if it must, and of last year no unit is shown.
    """
    if not opted_in(year.catalogue):
        return Withheld()
    now = _Protection(year, results)
    now.alone()
    if year.last is None:
        return Withheld(_with_ratios(now.hidden, year.catalogue))
    last = _Protection(year.last, last_results)
    last.alone()
    tied = _tied_to_last_year(year.catalogue)
    if tied:
        now.beside(last)
        last.refused |= tied & set(opted_in(year.last.catalogue))
    return Withheld(_with_ratios(now.hidden, year.catalogue), _with_ratios(last.hidden, year.last.catalogue))


def opted_in(catalogue: Catalogue) -> tuple[str, ...]:
    """The indicators that a public table breaks down by unit though they count persons, in official order."""
    return tuple(i.code for i in catalogue.reported if _is_of_persons(i) and i.public_level == "district")


def _is_of_persons(indicator: Indicator) -> bool:
    return indicator.sensitive == "person" and "district" in indicator.reporters


def _with_ratios(hidden: frozenset[Scoped], catalogue: Catalogue) -> frozenset[Scoped]:
    """With each ratio of which a part is hidden."""
    ratios = (
        (ratio.code, scope)
        for ratio in catalogue.indicators
        for code, scope in hidden
        if code in (ratio.numerator, ratio.denominator)
    )
    return frozenset(chain(hidden, ratios))


def _tied_to_last_year(catalogue: Catalogue) -> set[str]:
    """The opted-in indicators in checks that name figures of last year."""
    opted = set(opted_in(catalogue))
    terms = [(*check.sides[0], *check.sides[2]) for check in catalogue.checks]
    return {term.name for side in terms if any(t.source == "last" for t in side) for term in side} & opted


class _Cell(NamedTuple):
    """A figure of one year. What stands in no table has a name that no scope has: 'whole - part', or a ratio's."""

    code: str
    scope: str
    year: int


class _Protection:
    """One year's opted-in indicators: what is hidden of them, and what is refused as a whole."""

    def __init__(self, year: Year, results: Results) -> None:
        self._year, self._results = year, results
        self._threshold = year.params.thresholds.least_persons
        self._number = year.params.year
        self._units = {unit.id: unit for unit in year.units.all}
        self._opted = opted_in(year.catalogue)
        self._chosen: frozenset[_Cell] = frozenset()
        self.refused: set[str] = set()

    @property
    def hidden(self) -> frozenset[Scoped]:
        """The cells that are not shown: those chosen, and all by unit of what is refused."""
        whole = (
            (code, scope)
            for (code, scope), result in self._results.items()
            if code in self.refused and scope != TOTAL and result.value is not None
        )
        return frozenset(chain(((cell.code, cell.scope) for cell in self._chosen), whole))

    def alone(self) -> None:
        """Protect the year by itself, family by family of related indicators."""
        for family in _families(self._year.catalogue):
            self._protect(family, [code for code in self._opted if code in family], None)

    def beside(self, last: _Protection) -> None:
        """Protect both years' figures of indicators that a check ties together, by hiding more of this one."""
        for family in _families(self._year.catalogue):
            own = [code for code in self._opted if code in family]
            if set(own) & _tied_to_last_year(self._year.catalogue):
                self._protect(family, own, last)

    def _protect(self, family: Collection[str], opted: Sequence[str], last: _Protection | None) -> None:
        self.refused |= {code for code in opted if self._loses_most(code, self._small(code))}
        while shown := [code for code in opted if code not in self.refused]:
            cells, sensitive = self._cells(family)
            threshold = self._threshold
            if last is not None:
                before, more = last._cells(family)
                cells = _together(_without(cells, self._chosen), _without(before, last._chosen), self._ties(last))
                cells = replace(cells, hideable=tuple(cell for cell in cells.hideable if cell.year == self._number))
                sensitive, threshold = sensitive | more, max(threshold, last._threshold)
            try:
                found = protect(cells, sensitive, threshold)
                if found is None and last is None:
                    lost = self._beyond_help(family, opted)
                    cells = replace(cells, derived=cells.derived | lost)
                    found = protect(cells, sensitive - lost, threshold)
            except UnprovedError:
                found = None
            if found is None:
                self.refused.add(shown[-1])  # parts stand behind their wholes
                continue
            chosen = self._chosen | found
            given_up = {code for code in shown if self._loses_most(code, [c for c in chosen if c.code == code])}
            if not given_up:
                self._chosen = chosen
                return
            self.refused |= given_up

    def _beyond_help(self, family: Collection[str], opted: Sequence[str]) -> frozenset[_Cell]:
        """What a reader finds of figures for the whole city alone though no unit of `opted` is shown: a small total."""
        other = _Protection(self._year, self._results)
        other.refused = {*self.refused, *opted}
        cells, sensitive = other._cells(family)
        shown = {cell: value for cell, value in cells.values.items() if cell not in cells.never_shown}
        found = intervals(shown, dict.fromkeys(cells.never_shown, Range()), cells.relations)
        unsafe = {cell for cell, one in found.items() if one.width == 0}
        unsafe |= {cell for cell in sensitive if verdict(found[cell], self._threshold) != "safe"}
        return frozenset(cell for cell in unsafe if cell.code not in opted)

    def _loses_most(self, code: str, hidden: Collection[_Cell]) -> bool:
        """Whether more than half of the units' counts would be hidden; zeros are shown, and say little."""
        there = [result for unit in self._units if (result := self._results[code, unit]).value]
        return 2 * len(hidden) > len(there)

    def _small(self, code: str) -> list[_Cell]:
        return [cell for cell in (self._cell(code, unit) for unit in self._units) if self._is_small(self._value(cell))]

    def _is_small(self, value: int | None) -> bool:
        return value is not None and 0 < value < self._threshold

    def _cell(self, code: str, scope: str) -> _Cell:
        return _Cell(code, scope, self._number)

    def _value(self, cell: _Cell) -> int | None:
        """The value if it is known and whole."""
        result = self._results.get((cell.code, cell.scope))
        if result is None or result.value is None or result.value != result.value.to_integral_value():
            return None
        return int(result.value)

    # ------------------------------------------------------------ cells and relations

    def _cells(self, family: Collection[str]) -> tuple[Cells[_Cell], frozenset[_Cell]]:
        """The family's cells and relations, and which of them are sensitive."""
        catalogue = self._year.catalogue
        codes = [indicator for indicator in catalogue.reported if indicator.code in family]
        spans = [(span_scope(first, last), units) for first, last, units in self._year.units.spans]
        spans = spans if len(spans) > 1 else []
        values: dict[_Cell, int] = {}
        relations: list[Relation[_Cell]] = []
        for indicator in codes:
            for scope in (*self._units, *(scope for scope, _ in spans), TOTAL):
                cell = self._cell(indicator.code, scope)
                if (value := self._value(cell)) is not None:
                    values[cell] = value
            at_end = self._year.units.at_end if indicator.time == "stock" else self._year.units.districts
            sums = [*spans, (TOTAL, (*at_end, self._year.units.city))]
            for scope, units in sums:
                total = self._cell(indicator.code, scope)
                parts = [cell for unit in units if (cell := self._cell(indicator.code, unit.id)) in values]
                if total in values:
                    relations.append(total_of(total, parts))
        for name, value, parts in self._sums_behind_ratios(family, [scope for scope, _ in spans]):
            values[name] = value
            relations.append(total_of(name, parts))
        differences: set[_Cell] = set()
        sensitive: set[_Cell] = set()
        for unit in self._units.values():
            for part, whole in _parts_of_wholes(catalogue, family):
                a, b = self._value(self._cell(part, unit.id)), self._value(self._cell(whole, unit.id))
                if a is None or b is None or a > b:
                    continue
                rest = self._cell(f"{whole} - {part}", unit.id)
                both = [self._cell(part, unit.id), self._cell(whole, unit.id)]
                values |= {rest: b - a, both[0]: a, both[1]: b}
                differences.add(rest)
                relations.append(Relation(((both[1], 1), (both[0], -1), (rest, -1))))
                if self._is_small(b - a):
                    sensitive.add(rest)
            for relation in self._checked(unit, family, None):
                for cell, _ in relation.terms:
                    values.setdefault(cell, self._value(cell) or 0)
                relations.append(relation)
        by_code = {indicator.code: indicator for indicator in codes}
        shown = {code for code in self._opted if code not in self.refused}
        of_units = [cell for cell in values if cell.code in by_code and not is_of_city(cell.scope)]
        sensitive |= {c for c in of_units if self._is_small(values[c]) and _is_of_persons(by_code[c.code])}
        hideable = sorted((c for c in of_units if c.code in shown and values[c]), key=lambda c: values[c])
        away = {c for c in values if c.code in by_code and c.scope != TOTAL and c.code not in shown}
        cells = Cells(
            values,
            tuple(relation for relation in relations if relation.holds(values)),  # a count that is no whole number
            {cell: Range(1) for cell in hideable},  # zeros are shown, so what is hidden is none
            frozenset(away | differences),
            frozenset(differences),
            tuple(hideable),
        )
        return cells, frozenset(sensitive)

    def _sums_behind_ratios(
        self, family: Collection[str], spans: Sequence[str]
    ) -> Iterator[tuple[_Cell, int, list[_Cell]]]:
        """The parts of printed ratios that are other sums than the totals: of the units of which both are known."""
        for ratio in self._year.catalogue.indicators:
            names = (ratio.numerator, ratio.denominator)
            if ratio.kind != "ratio" or not all(name in self._year.catalogue.by_code for name in names):
                continue
            for scope in (*spans, TOTAL):
                result = self._results[ratio.code, scope]
                both = [
                    unit
                    for unit in self._behind(ratio, scope)
                    if all(self._results[name or "", unit.id].value is not None for name in names)
                ]
                for name, value in zip(names, (result.numerator, result.denominator), strict=True):
                    if name and name in family and value is not None and value == value.to_integral_value():
                        parts = [self._cell(name, unit.id) for unit in both]
                        yield self._cell(f"{ratio.code}: {name}", scope), int(value), parts

    def _behind(self, ratio: Indicator, scope: str) -> tuple[Unit, ...]:
        units = self._year.units
        for first, last, there in units.spans:
            if scope == span_scope(first, last):
                return there
        stock = self._year.catalogue.by_code[ratio.numerator or ""].time == "stock"
        return (*units.at_end, units.city) if stock else units.all

    def _checked(self, unit: Unit, family: Collection[str], last: _Protection | None) -> Iterator[Relation[_Cell]]:
        """The checks of the catalogue that hold for a unit; with `last`, those that name figures of last year."""
        for check in self._year.catalogue.checks:
            left, sign, right = check.sides
            terms = [*((1, term) for term in left), *((-1, term) for term in right)]
            of_last = any(term.source == "last" for _, term in terms)
            if of_last != (last is not None) or not any(t.name in family and t.source != "unit" for _, t in terms):
                continue
            found = [self._term(term, way, unit, last) for way, term in terms]
            if any(one is None for one in found):
                continue
            keys: dict[_Cell, int] = defaultdict(int)
            constant, held = 0, 0
            for one in filter(None, found):
                key, factor, value = one
                held += factor * value
                if key is None:
                    constant -= factor * value
                else:
                    keys[key] += factor
            if held == 0 if sign == "=" else held <= 0:  # a warning that was overridden tells a reader nothing
                yield Relation(tuple(keys.items()), constant, "=" if sign == "=" else "<=")

    def _term(self, term: Term, way: int, unit: Unit, last: _Protection | None) -> tuple[_Cell | None, int, int] | None:
        """(cell or None for a constant, factor, value) of a term; None where it is not known."""
        if term.source == "unit":
            count = unit.count(term.name)
            return None if count is None else (None, way * term.factor, count)
        of, scope = self, unit.id
        if term.source == "last":
            before = self._year.before.get(unit.id, "")
            if last is None or isinstance(before, str) or len(before) != 1:
                return None
            of, scope = last, before[0].id
        cell = of._cell(term.name, scope)
        value = of._value(cell)
        return None if value is None else (cell, way * term.factor, value)

    def _ties(self, last: _Protection) -> tuple[dict[_Cell, int], list[Relation[_Cell]]]:
        """The checks that name figures of both years, and all the figures in them."""
        family = self._year.catalogue.by_code
        relations = list(chain.from_iterable(self._checked(unit, family, last) for unit in self._units.values()))
        cells = {cell for relation in relations for cell, _ in relation.terms}
        return {cell: (self if cell.year == self._number else last)._value(cell) or 0 for cell in cells}, relations


def _without(cells: Cells[_Cell], chosen: frozenset[_Cell]) -> Cells[_Cell]:
    """The same cells, those chosen before shown to no one."""
    left = tuple(cell for cell in cells.hideable if cell not in chosen)
    return replace(cells, never_shown=cells.never_shown | (chosen & cells.values.keys()), hideable=left)


def _together(
    now: Cells[_Cell], last: Cells[_Cell], ties: tuple[dict[_Cell, int], list[Relation[_Cell]]]
) -> Cells[_Cell]:
    """Both years as one table, with what ties them; figures outside the family are known to the reader."""
    named, relations = ties
    return Cells(
        {**named, **last.values, **now.values},
        (*now.relations, *last.relations, *relations),
        {**last.ranges, **now.ranges},
        now.never_shown | last.never_shown,
        now.derived | last.derived,
        now.hideable,
    )


def _parts_of_wholes(catalogue: Catalogue, family: Collection[str]) -> Iterator[tuple[str, str]]:
    """(part, whole): by `part_of`, and by ratios in percent; of persons, the rest is a count of persons, too."""
    of = [(i.code, i.part_of) for i in catalogue.reported]
    of += [(i.numerator or "", i.denominator) for i in catalogue.indicators if i.scale == 100]
    for part, whole in dict.fromkeys(of):
        if whole not in catalogue.by_code or not {part, whole} & set(family):
            continue
        if any(_is_of_persons(catalogue.by_code[code]) for code in (part, whole)):
            yield part, whole


def _families(catalogue: Catalogue) -> list[frozenset[str]]:
    """The indicators, hidden by unit in part or as a whole, that hang together by relations with one opted in."""
    opted = set(opted_in(catalogue))
    counted = [i for i in catalogue.reported if i.kind in ("count", "quantity") and not i.decimals]
    away = {i.code for i in counted if i.code in opted or i.public_level == "city"}
    links = [{name for name in check.names if name in away} for check in catalogue.checks]
    links += [{part, whole} & away for part, whole in _parts_of_wholes(catalogue, away)]
    families: list[frozenset[str]] = []
    left = [code for code in catalogue.by_code if code in opted]
    while left:
        found, waiting = {left[0]}, [left[0]]
        while waiting:
            code = waiting.pop()
            more = set(chain.from_iterable(link for link in links if code in link)) - found
            found |= more
            waiting += sorted(more)
        families.append(frozenset(found))
        left = [code for code in left if code not in found]
    return families
