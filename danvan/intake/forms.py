"""Writes a unit's return in form layout 1. Text is written as text: nothing in it can become a formula."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from danvan.catalogue import Catalogue, Indicator
from danvan.intake import layout
from danvan.params import YearParams
from danvan.units import Unit

Entry = tuple[int | Decimal | str | None, str, str]  # value, precision word, status word
_GREY, _TO_FILL = PatternFill("solid", fgColor="E7E6E6"), PatternFill("solid", fgColor="FFF9E5")
_THIN = Side("thin", "BFBFBF")
_LINE = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_font = partial(Font, name="Calibri", size=11)


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
    sheet["A1"].font = _font(bold=True, size=14)
    if illustrative:
        sheet["A2"] = "SỐ LIỆU MINH HỌA - không phải số liệu thật của đơn vị"
        sheet["A2"].font = _font(bold=True, color="C00000")
    head = {
        layout.HEAD_LAYOUT: layout.LAYOUT,
        layout.HEAD_UNIT: unit.full_name,
        layout.HEAD_BODY: office(unit, params, body),
        layout.HEAD_YEAR: params.year,
        layout.HEAD_PERIOD: f"{params.period.start:%d/%m/%Y} - {params.period.end:%d/%m/%Y}",
        layout.HEAD_NATURE: layout.ILLUSTRATIVE if illustrative else layout.REAL,
    }
    for row, (label, value) in enumerate(head.items(), start=3):
        sheet.cell(row, 1, label).font = _font(bold=True)
        _put(sheet.cell(row, 2), value)
        sheet.cell(row, 2).alignment = Alignment(horizontal="left")
    top = len(head) + 4
    for column, label in enumerate(layout.COLUMNS, start=1):
        title = sheet.cell(top, column, label)
        title.font, title.fill, title.border = _font(bold=True), _GREY, _LINE
    for row, indicator in enumerate(indicators, start=top + 1):
        value, precision, status = entries.get(indicator.code, (None, "", ""))
        if unit.owes(indicator) == "not_applicable":
            value, precision, status = None, "", layout.STATUS_NOT_APPLICABLE
        texts = (indicator.code, indicator.name, indicator.measured_in)
        for column, entry in enumerate((*texts, value, precision or None, status or None), start=1):
            _put(sheet.cell(row, column), entry)
            sheet.cell(row, column).border = _LINE
            sheet.cell(row, column).alignment = Alignment(wrap_text=column == 2, vertical="top", indent=column == 4)
        sheet.cell(row, 4).number_format = "#,##0" + ("." + "0" * indicator.decimals if indicator.decimals else "")
        for column in (4, 5, 6):
            sheet.cell(row, column).fill = _TO_FILL
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
            member = zipfile.ZipInfo(name, (year, 12, 31, 0, 0, 0))
            member.create_system = 3  # the same on every system
            target.writestr(member, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
