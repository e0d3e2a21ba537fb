"""The cards behind the figures of a page: one for each indicator or count, out of the trace.

A card says what the figure is, how it is made, how it stands to last year, and which cells it comes from. Sources are
told by cell: 'trang “Công an”, ô D10' and the files in which it is that cell; lists that are long, which many cards
share, are kept once. So a page stays small where 114 units stand in each column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from danvan.document import Document, Table, nodes
from danvan.measures import TOTAL
from danvan.retrace import LINE, cell, illustrative, is_of_unit, mark_of, name_of, said, scope_of, whose

CARD, LIST, FILE = "_the-", "_ds-", "_tep-"  # ids on the page; "_": no heading's id begins so
CHANGE = "change"  # the mark of the line that compares with last year
_INLINE = 3  # so many sources are told on the spot
_FEW = 3  # so many units' figures are lines of the card; of more, the table beside it tells them


@dataclass(frozen=True)
class Line:
    """Something that a card says under a label; `mark` is what a figure of it carries, too."""

    label: str
    text: str
    mark: str = ""


@dataclass(frozen=True)
class Entry:
    """A file, or a line of one, with the beginning of the file's digest; `mark`: whose figure comes from it."""

    text: str
    digest: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Source:
    """A cell and in which files, or a file and which lines: those of the list (`count` of them) and `entries`."""

    where: str
    digest: str = ""
    entries: tuple[Entry, ...] = ()
    list: str = ""
    count: str = ""


@dataclass(frozen=True)
class Card:
    id: str
    name: str
    measured_in: str
    definition: str
    formula: str
    illustrative: str
    lines: tuple[Line, ...]
    findings: tuple[Line, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class List:
    """Entries that several cards share."""

    id: str
    place: str  # a folder, or the file of which these are lines
    count: str
    entries: tuple[Entry, ...]
    of_files: bool


_Groups = dict[tuple[str, str, str, str], dict[Entry, None]]  # by folder or file, sheet, cell, noun


@dataclass(frozen=True)
class File:
    id: str
    path: str
    digest: str


@dataclass(frozen=True)
class TableCards:
    """Where the cards of a table's figures are opened: at the head of a column or row, or in each cell."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    in_cells: bool = False


class Cards:
    """All cards of a page; none where there is no trace (`{}`)."""

    def __init__(self, document: Document, trace: dict[str, Any]) -> None:
        self._trace, self._results = trace, trace.get("results", {})
        self._year, self._digests = document.meta.year, trace.get("files", {})
        self.lists: list[List] = []
        self._whose: dict[tuple[str, str], tuple[str, str]] = {}
        for key, result in sorted(self._results.items(), key=lambda item: item[1].get("year") != self._year):
            if is_of_unit(key, result):
                for path, _, ref in result["sources"]:
                    line = ref if LINE.fullmatch(ref) else ""
                    self._whose.setdefault((path, line), (mark_of(key), result["scope"]))
        by_card: dict[str, dict[str, None]] = {}
        for key in _keys(document):
            if key in self._results:
                by_card.setdefault(name_of(key), {})[key] = None
        groups = {name: self._groups(keys) for name, keys in by_card.items()}
        self._share((place, noun, tuple(e)) for of in groups.values() for (place, _, _, noun), e in of.items())
        self.all = [self._card(name, keys, groups[name]) for name, keys in by_card.items()]
        self.names = {card.id: card.name for card in self.all}
        named = sorted({path for keys in by_card.values() for key in keys for path in self._paths(key)})
        self.files = [File(f"{FILE}{i}", path, self._digests.get(path, "")) for i, path in enumerate(named, start=1)]

    def of(self, results: Iterable[str]) -> list[str]:
        """The ids of the cards behind these results."""
        return list(dict.fromkeys(CARD + name_of(key) for key in results if key in self._results))

    def mark(self, results: Sequence[str]) -> str:
        """Which line of its card a figure is: '2023/total', '2023/HP-303', 'change'; '' if it is of several."""
        marks = {mark_of(key) for key in results if key in self._results}
        if len({mark.partition("/")[0] for mark in marks}) > 1:
            return CHANGE
        return marks.pop() if len(marks) == 1 else ""

    def of_table(self, table: Table) -> TableCards:
        """A card that all figures of a column share is opened at its head, else one that those of a row share."""
        rows = [row for row in table.rows if row.cells]
        grid = [[self.of(cell.results) for cell in row.cells] for row in rows]
        columns = [{id_ for cell in column for id_ in cell} for column in zip(*grid, strict=True)]
        across = [{id_ for cell in cells for id_ in cell} for cells in grid]
        single = not any(len(cell) > 1 for cells in grid for cell in cells)
        by_column = single and all(len(ids) < 2 for ids in columns)
        by_row = single and not by_column and all(len(ids) < 2 for ids in across)
        told = iter(across)
        per_row = [next(told) if row.cells else set[str]() for row in table.rows]
        return TableCards(
            tuple("".join(ids) if by_column else "" for ids in columns or [set[str]()] * len(table.columns)),
            tuple("".join(ids) if by_row else "" for ids in per_row),
            not (by_column or by_row),
        )

    # ------------------------------------------------------------ one card

    def _card(self, name: str, known: Iterable[str], groups: _Groups) -> Card:
        keys = list(known)
        results = [self._results[key] for key in keys]
        told = self._trace.get("indicators", {}).get(name, {})
        main = next((self._results[key] for key in keys if scope_of(key) == TOTAL), results[0])
        return Card(
            id=CARD + name,
            name=told.get("name") or main["name"],
            measured_in=told.get("measured_in", ""),
            definition=told.get("definition", ""),
            formula=told.get("formula") or main["formula"],
            illustrative=illustrative(keys, self._results),
            lines=tuple(self._lines(keys)),
            findings=tuple(
                Line(" · ".join(filter(None, (f["unit"], f["place"]))), f["reason"]) for f in told.get("findings", ())
            ),
            sources=tuple(self._source(*where[:3], tuple(found)) for where, found in groups.items()),
        )

    def _lines(self, keys: Sequence[str]) -> Iterable[Line]:
        """The city's figures and those of few units, with last year's; then the change."""
        marks, before = set(map(mark_of, keys)), str(self._year - 1)
        many = sum(is_of_unit(key, self._results[key]) for key in keys) > _FEW
        shown = [key for key in keys if not (many and is_of_unit(key, self._results[key]))]
        for key in shown:
            result, last = self._results[key], f"{before}/{scope_of(key)}"
            yield Line(whose(result), said(result), mark_of(key))
            if result.get("last") and last not in marks:
                yield Line(f"{result['scope']}, năm {before}", result["last"], last)
        for key in shown:
            if self._results[key].get("change"):
                yield Line("So với năm trước", self._results[key]["change"], CHANGE)

    # ------------------------------------------------------------ where it comes from

    def _paths(self, key: str) -> list[str]:
        return [path for path, _, _ in self._results[key]["sources"]]

    def _groups(self, keys: Iterable[str]) -> _Groups:
        """What stands behind results: by cell the files, or by file its lines; each source once."""
        groups: _Groups = {}
        sources = (tuple(source) for key in keys for source in self._results[key]["sources"])
        for path, sheet, ref in dict.fromkeys(sources):
            of_line, file = bool(LINE.fullmatch(ref)), PurePosixPath(path)
            mark, owner = self._whose.get((path, ref if of_line else ""), ("", ""))
            if of_line:
                group, entry = (path, sheet, "", "dòng"), Entry(f"{ref}: {owner}" if owner else ref, "", mark)
            else:
                group, entry = (str(file.parent), sheet, ref, "tệp"), Entry(file.name, self._short(path), mark)
            groups.setdefault(group, {})[entry] = None
        return groups

    def _share(self, groups: Iterable[tuple[str, str, tuple[Entry, ...]]]) -> None:
        """Make the lists: the short ones first, since a longer one may be one of these and a few more."""
        for place, noun, entries in sorted(dict.fromkeys(groups), key=lambda group: len(group[2])):
            if len(entries) > _INLINE and self._list_in(place, entries) is None:
                count = f"{len(entries)} {noun}"
                self.lists.append(List(f"{LIST}{len(self.lists) + 1}", place, count, entries, noun == "tệp"))

    def _list_in(self, place: str, entries: tuple[Entry, ...]) -> List | None:
        """The list that has all of these but a few that can be told on the spot."""
        there = set(entries)
        of_place = (one for one in self.lists if one.place == place and len(entries) - len(one.entries) <= _INLINE)
        return max((one for one in of_place if there.issuperset(one.entries)), key=_length, default=None)

    def _source(self, place: str, sheet: str, ref: str, entries: tuple[Entry, ...]) -> Source:
        where = ", ".join(filter(None, (place, f"trang “{sheet}”" * bool(sheet), cell(ref))))
        shared = self._list_in(place, entries) if len(entries) > _INLINE else None
        listed = set(shared.entries) if shared else set()
        rest = tuple(entry for entry in entries if entry not in listed)
        return Source(where, self._short(place), rest, shared.id if shared else "", shared.count if shared else "")

    def _short(self, path: str) -> str:
        """The beginning of a file's digest, as far as it is known."""
        return str(self._digests.get(path, ""))[:8]


def _length(shared: List) -> int:
    return len(shared.entries)


def _keys(document: Document) -> Iterable[str]:
    """The keys of all results printed, in order; those of charts and tables among them."""
    for node in nodes(document):
        yield from getattr(node, "results", ())
