"""Cells and sheets as they stand in a file, whatever the file is: nothing interpreted but old encodings."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache

from danvan.intake import legacy

RawValue = str | int | float | bool | datetime | date | time | timedelta | None
Area = tuple[int, int, int, int]  # first row, first column, last row, last column


@dataclass(frozen=True)
class RawCell:
    """A cell as stored; `type` as openpyxl says: s text, n number, b boolean, d date, e error, f formula.

    `cached` is what the spreadsheet last calculated for a formula. `encoding` names the old encoding a text was in.
    """

    ref: str
    row: int
    column: int
    value: RawValue
    type: str
    number_format: str = "General"
    cached: RawValue = None
    encoding: str = ""


@dataclass(frozen=True)
class Comment:
    """A comment or note at a cell."""

    ref: str
    author: str
    text: str


@dataclass(frozen=True)
class Sheet:
    """A sheet's non-empty cells, by (row, column), both from 1, and what a reader of the screen would not see."""

    name: str
    cells: dict[tuple[int, int], RawCell]
    hidden: bool = False
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[str, ...] = ()
    merged: tuple[Area, ...] = ()
    comments: tuple[Comment, ...] = ()
    rows: dict[int, list[RawCell]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        rows: dict[int, list[RawCell]] = {}
        for (row, _), cell in sorted(self.cells.items()):
            rows.setdefault(row, []).append(cell)
        object.__setattr__(self, "rows", rows)

    @cached_property
    def merged_over(self) -> dict[int, list[RawCell]]:
        """Of each row, the cells whose merged area reaches over it: what the screen shows there."""
        found: dict[int, list[RawCell]] = {}
        for top, left, bottom, _ in self.merged:
            if cell := self.cells.get((top, left)):
                for row in range(top, bottom + 1):
                    found.setdefault(row, []).append(cell)
        return found

    def at(self, ref: str) -> RawCell | None:
        """The cell at an address such as 'D12', or None where it is empty."""
        return self._by_ref.get(ref)

    @cached_property
    def _by_ref(self) -> dict[str, RawCell]:
        return {cell.ref: cell for cell in self.cells.values()}

    def text(self, row: int, column: int) -> str:
        """The cell as stripped text; '' when empty."""
        cell = self.cells.get((row, column))
        return "" if cell is None or cell.value is None else str(cell.value).strip()


@dataclass(frozen=True)
class File:
    """A return's file, read: its sheets, the digest of its bytes, the persons its properties name."""

    sheets: tuple[Sheet, ...]
    sha256: str
    macros: bool = False
    authors: tuple[str, ...] = ()


@lru_cache(maxsize=4096)  # the form's own words come up in every file
def in_unicode(text: str, font: str = "") -> tuple[str, str]:
    """`text` in Unicode, and the old encoding that its font or its letters give away ('' for none).

    A text that more than one encoding could make sense of stays as it is: it will not be recognised, and be refused.
    """
    if text.isascii():
        return text, ""
    decoded = legacy.by_font(text, font)
    if decoded is None and len(guesses := legacy.guesses(text)) == 1:
        decoded = guesses[0]
    return (decoded.text, decoded.encoding) if decoded else (text, "")


def tidy(text: str) -> str:
    """A label or word as it is compared: NFC, single plain spaces, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())
