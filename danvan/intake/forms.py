"""Writes a unit's return in form layout 1. Text is written as text: nothing in it can become a formula."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from danvan.catalogue import Catalogue, Indicator
from danvan.intake import layout
from danvan.params import YearParams
from danvan.units import Unit

Entry = tuple[int | Decimal | str | None, str, str]  # value, precision word, status word
_GREY = PatternFill("solid", fgColor="E7E6E6")


def write(
    unit: Unit, params: YearParams, catalogue: Catalogue, entries: Mapping[str, Entry], *, illustrative: bool
) -> bytes:
    """The workbook of `unit` as bytes; `entries` by indicator code, what is not given stays blank to be filled in.

    The same call gives the same bytes: the file carries no time.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    for body, sheet_name in layout.SHEETS.items():
        owed = [i for i in catalogue.reported if i.body == body and unit.owes(i) != "not_asked"]
        if owed:
            _sheet(book.create_sheet(sheet_name), unit, params, body, owed, entries, illustrative)
    book.properties.creator = "danvan"
    book.properties.created = book.properties.modified = datetime(params.year, 12, 31)
    raw = io.BytesIO()
    book.save(raw)
    return _without_time(raw.getvalue(), params.year)


def _sheet(
    sheet: Worksheet,
    unit: Unit,
    params: YearParams,
    body: str,
    indicators: list[Indicator],
    entries: Mapping[str, Entry],
    illustrative: bool,
) -> None:
    sheet["A1"] = layout.TITLE
    sheet["A1"].font = Font(bold=True, size=14)
    if illustrative:
        sheet["A2"] = "SỐ LIỆU MINH HỌA - không phải số liệu thật của đơn vị"
        sheet["A2"].font = Font(bold=True, color="C00000")
    head = {
        layout.HEAD_LAYOUT: layout.LAYOUT,
        layout.HEAD_UNIT: unit.full_name,
        layout.HEAD_BODY: office(unit, params, body),
        layout.HEAD_YEAR: params.year,
        layout.HEAD_PERIOD: f"{params.period.start:%d/%m/%Y} - {params.period.end:%d/%m/%Y}",
        layout.HEAD_NATURE: layout.ILLUSTRATIVE if illustrative else layout.REAL,
    }
    for row, (label, value) in enumerate(head.items(), start=3):
        sheet.cell(row, 1, label).font = Font(bold=True)
        _put(sheet.cell(row, 2), value)
    top = len(head) + 4
    for column, label in enumerate(layout.COLUMNS, start=1):
        title = sheet.cell(top, column, label)
        title.font, title.fill = Font(bold=True), _GREY
    for row, indicator in enumerate(indicators, start=top + 1):
        value, precision, status = entries.get(indicator.code, (None, "", ""))
        if unit.owes(indicator) == "not_applicable":
            value, precision, status = None, "", layout.STATUS_NOT_APPLICABLE
        texts = (indicator.code, indicator.name, indicator.measured_in)
        for column, entry in enumerate((*texts, value, precision or None, status or None), start=1):
            _put(sheet.cell(row, column), entry)
        sheet.cell(row, 2).alignment = Alignment(wrap_text=True, vertical="top")
    last = top + len(indicators)
    for letter, words in (("E", layout.PRECISION_WORDS), ("F", layout.STATUS_WORDS)):
        choice = DataValidation(type="list", formula1=f'"{",".join(words)}"', allow_blank=True, showErrorMessage=True)
        sheet.add_data_validation(choice)
        choice.add(f"{letter}{top + 1}:{letter}{last}")
    for letter, width in zip("ABCDEF", (26, 46, 14, 14, 16, 18), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = f"D{top + 1}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "portrait", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def office(unit: Unit, params: YearParams, body: str) -> str:
    """The office that fills a sheet: 'Công an quận Hồng Bàng', 'Ban Dân vận Thành ủy'."""
    if unit.is_city:
        return next(b.name for b in params.bodies if b.id == body)
    return unit.party_office if body == "bdvtu" else f"Công an {unit.kind} {unit.name}"


def _put(cell: Cell | MergedCell, value: object) -> None:
    assert isinstance(cell, Cell)
    cell.value = value  # type: ignore[assignment]
    if isinstance(value, str):
        cell.data_type = "s"  # else a text that starts with '=' becomes a live formula
    if isinstance(value, Decimal):
        cell.number_format = "#,##0.00"


def _without_time(content: bytes, year: int) -> bytes:
    """The same zip with fixed member dates and no modification time inside."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name == "docProps/core.xml":
                head, rest = data.split(b"<dcterms:modified", 1)
                tail = rest.split(b"</dcterms:modified>", 1)[1]
                data = head + tail
            target.writestr(zipfile.ZipInfo(name, (year, 12, 31, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
