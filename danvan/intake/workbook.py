"""xlsx -> sheets, as they stand in the file. Only contents that `container` let through come here: openpyxl makes a
cell of every one that a file merely names, so a hostile file must be stopped before. Never changes the file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta

import openpyxl
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.worksheet.worksheet import Worksheet

from danvan.intake.cells import Comment, RawCell, RawValue, Sheet, in_unicode
from danvan.intake.container import UnreadableError


def sheets(content: bytes) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """All worksheets, and the persons that the file's properties name. Raises UnreadableError."""
    with _told():
        book = _open(content)
        found = [_filled(sheet) for sheet in book.worksheets]
        cached: dict[tuple[str, str], RawValue] = {}
        if any(cell.data_type == "f" for cells in found for cell in cells):
            cached = {
                (sheet.title, cell.coordinate): _plain(cell.value)
                for sheet in _open(content, data_only=True).worksheets
                for cell in _filled(sheet)
            }
        made = tuple(_sheet(sheet, cells, cached) for sheet, cells in zip(book.worksheets, found, strict=True))
        return made, tuple(filter(None, (book.properties.creator, book.properties.lastModifiedBy)))


def load(content: bytes) -> openpyxl.Workbook:
    """The workbook as openpyxl has it, without links to other files and without macros. Raises UnreadableError."""
    with _told():
        return _open(content)


def _open(content: bytes, *, data_only: bool = False) -> openpyxl.Workbook:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl's remarks on styles and extensions do not concern values
        return openpyxl.load_workbook(io.BytesIO(content), data_only=data_only, keep_links=False)


@contextmanager
def _told() -> Iterator[None]:
    """openpyxl raises whatever the broken part happens to trip over, on opening or only when a cell is asked."""
    try:
        yield
    except Exception as error:
        raise UnreadableError(
            "damaged-file",
            f"không mở được ({type(error).__name__})",
            "Tệp hỏng bên trong.",
            "Mở tệp bằng Excel, lưu lại dạng .xlsx rồi gửi lại.",
        ) from None


def _filled(sheet: Worksheet) -> list[Cell]:
    # Not iter_rows: one formatted cell in the last column would make it create millions of empty ones.
    cells = sheet._cells.values()
    return [cell for cell in cells if cell.value is not None and not isinstance(cell, MergedCell)]


def _sheet(sheet: Worksheet, cells: list[Cell], cached: dict[tuple[str, str], RawValue]) -> Sheet:
    rows = sheet.row_dimensions
    return Sheet(
        sheet.title,
        {(cell.row, cell.column): _cell(cell, cached.get((sheet.title, cell.coordinate))) for cell in cells},
        hidden=sheet.sheet_state != "visible",
        hidden_rows=tuple(sorted({c.row for c in cells if c.row in rows and rows[c.row].hidden})),
        hidden_columns=tuple(key for key, dimension in sheet.column_dimensions.items() if dimension.hidden),
        merged=tuple((r.min_row, r.min_col, r.max_row, r.max_col) for r in sheet.merged_cells.ranges),
        comments=tuple(
            Comment(cell.coordinate, in_unicode(cell.comment.author or "")[0], in_unicode(cell.comment.text or "")[0])
            for cell in sheet._cells.values()
            if cell.comment is not None
        ),
    )


def _cell(cell: Cell, cached: RawValue) -> RawCell:
    value, encoding = _plain(cell.value), ""
    if isinstance(value, str) and cell.data_type != "f":
        value, encoding = in_unicode(value, str(cell.font.name or "") if not value.isascii() else "")
    return RawCell(cell.coordinate, cell.row, cell.column, value, cell.data_type, cell.number_format, cached, encoding)


def _plain(value: object) -> RawValue:
    """Array formulas and rich text as their text."""
    if value is None or isinstance(value, str | int | float | bool | datetime | date | time | timedelta):
        return value
    return str(getattr(value, "text", value))
