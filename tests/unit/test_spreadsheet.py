"""What all spreadsheets have in common that are written."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import Workbook
from openpyxl.cell import Cell

from danvan.spreadsheet import as_csv, write_text


def test_a_csv_is_one_that_a_vietnamese_excel_opens() -> None:
    """BOM, semicolons (the comma is in the numbers), and no cell that Excel would take for a formula."""
    raw = as_csv((("Đơn vị", "So với năm trước"), ("Hồng Bàng", "+5,4%"), ("=HYPERLINK(0)", "≈ (+3)"), ("A;B", "-1")))
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig")), delimiter=";"))
    assert rows == [
        ["Đơn vị", "So với năm trước"],
        ["Hồng Bàng", "'+5,4%"],
        ["'=HYPERLINK(0)", "≈ (+3)"],
        ["A;B", "'-1"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1"])
def test_a_text_that_looks_like_a_formula_stays_a_text(text: str) -> None:
    cell = Workbook().worksheets[0]["A1"]
    assert isinstance(cell, Cell)
    write_text(cell, text)
    assert (cell.value, cell.data_type, bool(cell.quotePrefix)) == (text, "s", True)
    assert as_csv([[text]]).decode("utf-8-sig").strip('"\r\n') == f"'{text}"


def test_a_text_that_looks_like_an_error_stays_a_text_and_what_no_xml_may_hold_goes() -> None:
    cell = Workbook().worksheets[0]["A1"]
    assert isinstance(cell, Cell)
    write_text(cell, "#N/A\x07")
    assert (cell.value, cell.data_type, bool(cell.quotePrefix)) == ("#N/A", "s", False)
