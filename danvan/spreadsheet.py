"""What all spreadsheets have in common that we write: a text stays a text, the same bytes everywhere, how they print.

Who imports this needs no openpyxl: it only touches what it is given.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from danvan.store import zipped

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_LIVE = tuple("=+-@\t\r\n＝＋－＠")  # a spreadsheet may take what begins so for a formula, half and full width
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no XML may hold these


def write_text(cell: Cell, text: str) -> Cell:
    """Put a text into a cell that stays one, even when somebody edits it there; gives back the cell."""
    cell.value = _UNWRITABLE.sub("", text)
    cell.data_type = "s"  # else '=1+1' becomes a live formula, and '#N/A' an error
    cell.quotePrefix = text.startswith(_LIVE)
    return cell


def as_csv(table: Iterable[Sequence[str]]) -> bytes:
    """Texts for a Vietnamese Excel, which opens them by a double click: UTF-8 with BOM, semicolons.

    A text that could become a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    safe = ([f"'{cell}" if cell.startswith(_LIVE) else cell for cell in row] for row in table)
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(safe)
    return text.getvalue().encode("utf-8-sig")


def without_time(content: bytes, day: date | None) -> bytes:
    """The same .xlsx, saved on `day` wherever a zip must say when, and without a time of change; None: on no day."""
    gone = b"modified" if day else b"modified|created"
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        members = {name: source.read(name) for name in sorted(source.namelist())}
    core = "docProps/core.xml"
    members[core] = re.sub(rb"<dcterms:(%s)\b.*?</dcterms:\1>" % gone, b"", members[core])
    return zipped(members, day) if day else zipped(members)


def print_landscape(sheet: Worksheet) -> None:
    """A4 across, as wide as the sheet, as many pages long as it takes."""
    assert sheet.sheet_properties.pageSetUpPr is not None
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.page_margins.left = sheet.page_margins.right = 0.5


def fit_height(sheet: Worksheet, row: int, texts: Iterable[tuple[float, str]]) -> None:
    """Make a row as high as its longest text wants; `texts` with the width of their columns in characters.

    Spelt out, because LibreOffice shows the heights of a file as they are, and there are none.
    """

    def lines(text: str, width: float) -> int:
        return sum(math.ceil(len(line) * 1.1 / width) or 1 for line in text.split("\n"))

    sheet.row_dimensions[row].height = 15.5 * max((lines(text, width) for width, text in texts), default=1)
