"""Writes a workbook of tables, sheet by sheet and row by row, as openpyxl writes large ones; only importer of it here.

After the good practice of official statistics in spreadsheets: the title stands in A1, each sheet has one table that is
marked as such, no cell is merged, nothing is said by colour alone, no text can become a formula. Every sheet, and every
printed page, shows the document's marks.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Context, Decimal
from functools import partial
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.workbook.properties import CalcProperties
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo

from danvan.document import Meta
from danvan.spreadsheet import fit_height, print_landscape, without_time, write_text

_DIGITS = Context(prec=15)  # a spreadsheet keeps so many of a number
_LINE = 140  # characters of a line above a table, which runs over the columns
_GAP = "_)"  # in a number format: a space as wide as a bracket, towards the text in the next column
_COVER_WIDTH = 125
_TITLE_HEIGHT = 22  # points
_font = partial(Font, name="Calibri", size=11)  # as cells without a font have it
_BOLD, _TITLE, _LINK = _font(bold=True), _font(bold=True, size=14), _font(underline="single", color="0563C1")
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_LINE_BELOW = Border(bottom=Side("thin", "808080"))


@dataclass(frozen=True)
class Figure:
    """A number and how it is shown. A `word` before it ('hơn') is part of the looks: the cell holds only the number."""

    value: Decimal
    decimals: int
    word: str = ""

    @classmethod
    def exact(cls, value: Decimal | None) -> Figure | None:
        """With the decimals that it has, but no zeros behind them; None of None."""
        if value is None:
            return None
        exponent = value.normalize().as_tuple().exponent
        return cls(value, max(0, -exponent) if isinstance(exponent, int) else 0)

    @property
    def held(self) -> Decimal:
        """The number as a spreadsheet can hold it: 15 digits."""
        return _DIGITS.plus(self.value)

    @property
    def looks(self) -> str:
        """Its number format: each reader's program puts its own marks for the comma and the point."""
        word = f'"{self.word.replace(chr(34), "")} "' if self.word else ""
        return word + "#,##0" + ("." + "0" * self.decimals if self.decimals else "") + _GAP


Content = str | int | date | Figure | None


def _looks(content: int | date | Figure) -> str:
    """The number format of what is no text."""
    match content:
        case Figure():
            return content.looks
        case date():
            return "dd/mm/yyyy" + _GAP
    return "0" + _GAP


class Sheets:
    """A workbook in the making. `about`: of each sheet after the cover, by its name, what is in it."""

    def __init__(self, title: str, meta: Meta, about: Mapping[str, str]) -> None:
        self._title, self._meta, self._about = title, meta, about
        self._made = Workbook(write_only=True)
        self._cover = ""

    def cover(self, name: str, before: Iterable[str], contents: str, after: Iterable[tuple[str, bool]]) -> None:
        """The first sheet, one column of text: title, marks, what this is; the sheets; then `after` (text, bold?)."""
        self._cover = name
        sheet = self._made.create_sheet(name)
        sheet.column_dimensions["A"].width = _COVER_WIDTH
        print_landscape(sheet)
        lines = [self._text(sheet, self._title, _TITLE)]
        lines += [self._text(sheet, mark, _BOLD) for mark in self._meta.marks]
        lines += [self._text(sheet, text) for text in before]
        lines.append(self._text(sheet, contents, _BOLD))
        lines += [self._link(sheet, name, f"{name}: {about}") for name, about in self._about.items()]
        lines += [self._text(sheet, text, _BOLD if bold else None) for text, bold in after]
        for row, line in enumerate(lines, start=1):
            line.alignment = _WRAPPED
            fit_height(sheet, row, [(_COVER_WIDTH, str(line.value))])
            if row == 1:
                sheet.row_dimensions[row].height = _TITLE_HEIGHT
            sheet.append([line])

    def table(
        self, name: str, mark: str, title: str, heads: Mapping[str, float], rows: Iterable[Sequence[Content]]
    ) -> None:
        """A sheet to read: `heads` with their widths, texts wrapped, each row as high as its texts want.

        `mark`: what Excel calls the table, in ASCII letters.
        """
        sheet, top = self._headed(name, title, heads)
        widths, below = tuple(heads.values()), top
        for below, row in enumerate(rows, start=top + 1):
            texts = ((width, text) for width, text in zip(widths, row, strict=True) if isinstance(text, str))
            fit_height(sheet, below, texts)
            cells = [self._cell(sheet, content) for content in row]
            for cell in cells:
                cell.alignment, cell.border = _WRAPPED, _LINE_BELOW
            sheet.append(cells)
        self._mark(sheet, mark, list(heads), top, below)

    def long_table(
        self,
        name: str,
        mark: str,
        title: str,
        heads: Mapping[str, float],
        rows: Iterable[Iterable[Content]],
        printed_to: str,
    ) -> None:
        """A sheet to work with: one line a row however long, every column can be filtered; else as `table`.

        On paper, on which all its columns would be too small to read, there are those up to `printed_to`.
        """
        sheet, top = self._headed(name, title, heads, f" Khi in chỉ có các cột đến “{printed_to}”.")
        last_printed = get_column_letter([*heads].index(printed_to) + 1)
        alike: dict[str, Cell] = {}  # by number format

        def shown(content: Content) -> object:
            """What openpyxl writes. It asks for a cell when that before is written: those that look alike are one."""
            if isinstance(content, str):
                plain = content[:1].isalnum() and content.isprintable()
                return content if plain else self._cell(sheet, content or None)
            if content is None:
                return None
            looks = _looks(content)
            if looks not in alike:
                alike[looks] = WriteOnlyCell(sheet)
                alike[looks].number_format = looks
            alike[looks].value = content.held if isinstance(content, Figure) else content
            return alike[looks]

        count = 0
        for row in rows:
            sheet.append(shown(content) for content in row)
            count += 1
        sheet.print_area = f"A1:{last_printed}{top + count}"
        self._mark(sheet, mark, list(heads), top, top + count, filtered=True)

    def content(self) -> bytes:
        """The .xlsx: the same calls give the same bytes; the only time in it is the document's date."""
        meta, about = self._meta, self._made.properties
        day = date.fromisoformat(meta.date) if meta.date else None
        about.title, about.creator, about.language = self._title, "; ".join(meta.authors), meta.language
        about.subject, about.description = meta.title, " ".join(meta.marks) or None
        if day:
            about.created = datetime.combine(day, time())
        self._made.calculation = CalcProperties(fullCalcOnLoad=False)  # there is nothing to calculate
        raw = io.BytesIO()
        self._made.save(raw)
        return without_time(raw.getvalue(), day)

    def _headed(self, name: str, title: str, heads: Mapping[str, float], more: str = "") -> tuple[Any, int]:
        """A sheet with its title, marks, a way back and the heads of its table; and the row of these."""
        sheet = self._made.create_sheet(name)
        for column, width in enumerate(heads.values(), start=1):
            sheet.column_dimensions[get_column_letter(column)].width = width
        marks = [line for mark in self._meta.marks for line in textwrap.wrap(mark, _LINE)]
        lines = [self._text(sheet, title, _TITLE), *(self._text(sheet, mark, _BOLD) for mark in marks)]
        lines.append(self._text(sheet, f"Trang này có một bảng: {self._about[name]}.{more}"))
        lines.append(self._link(sheet, self._cover, f"Về trang {self._cover}"))
        top = len(lines) + 1
        print_landscape(sheet)
        sheet.print_title_rows = f"1:{top}"
        sheet.oddFooter.right.text = "Trang &P/&N"
        sheet.freeze_panes = f"A{top + 1}"
        sheet.row_dimensions[1].height = _TITLE_HEIGHT
        fit_height(sheet, top, ((width - 3, label) for label, width in heads.items()))
        for line in lines:
            sheet.append([line])
        labels = [self._text(sheet, label, _BOLD) for label in heads]
        for label in labels:
            label.alignment, label.border = _WRAPPED, _LINE_BELOW
        sheet.append(labels)
        return sheet, top

    @staticmethod
    def _mark(sheet: Any, mark: str, heads: Sequence[str], top: int, below: int, *, filtered: bool = False) -> None:
        """Say that the rows from `top` to `below` are a table: to Excel, and to those who hear it read."""
        area = f"A{top}:{get_column_letter(len(heads))}{below}"
        table = Table(displayName=mark, name=mark, ref=area)
        table.tableColumns = [TableColumn(id=place, name=label) for place, label in enumerate(heads, start=1)]
        table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=True)
        if filtered:
            table.autoFilter = AutoFilter(ref=area)
        sheet.tables.add(table)

    @staticmethod
    def _cell(sheet: Any, content: Content) -> Cell:
        cell = WriteOnlyCell(sheet)
        if isinstance(content, str):
            return write_text(cell, content)
        if content is not None:
            cell.number_format = _looks(content)
            cell.value = content.held if isinstance(content, Figure) else content
        return cell

    @staticmethod
    def _text(sheet: Any, text: str, font: Font | None = None) -> Cell:
        cell = write_text(WriteOnlyCell(sheet), text)
        if font:
            cell.font = font
        return cell

    def _link(self, sheet: Any, name: str, text: str) -> Cell:
        cell = self._text(sheet, text, _LINK)
        cell.hyperlink = Hyperlink(ref="A1", location=f"'{name}'!A1")
        return cell
