"""Writes a unit's form (layout 2), blank or filled in. Text is written as text: nothing in it can become a formula.

What a cell's message, the instructions and the reader say all comes from the same rows of the catalogue.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.workbook.protection import WorkbookProtection
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.worksheet import Worksheet

from danvan.catalogue import Catalogue, Indicator
from danvan.intake import files, layout, rows
from danvan.intake.addresses import letters
from danvan.intake.cells import Sheet
from danvan.intake.container import UnreadableError
from danvan.intake.findings import Findings
from danvan.intake.observations import Observation, Status
from danvan.intake.values import plain
from danvan.params import YearParams
from danvan.spreadsheet import fit_height, print_landscape, without_time, write_text
from danvan.units import Unit

Entry = tuple[int | Decimal | str | None, str, str]  # value, precision word, status word
_GREY, _TO_FILL = PatternFill("solid", fgColor="E7E6E6"), PatternFill("solid", fgColor="FFF9E5")
_THIN = Side("thin", "BFBFBF")
_LINE = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_UNLOCKED = Protection(locked=False)
_font = partial(Font, name="Times New Roman", size=11)
_WIDTHS = {
    layout.CODE: 24,
    layout.NAME: 30,
    layout.MEASURE: 12,
    layout.VALUE: 14,
    layout.PRECISION: 16,
    layout.STATUS: 17,
    layout.LAST: 14,
    layout.DEFINITION: 46,
    layout.NOTE: 26,
}


def write(
    unit: Unit,
    params: YearParams,
    catalogue: Catalogue,
    entries: Mapping[str, Entry],
    *,
    last: Mapping[str, Entry] | None = None,
    illustrative: bool,
    last_note: str = "",
) -> bytes:
    """The workbook of `unit` as bytes; `entries` by indicator code, what is not given stays blank to be filled in.

    `last` are last year's, shown beside each row, with `last_note` above. The same call gives the same bytes: the
    file carries no time.
    """
    asked = layout.asked_of(unit, catalogue)
    form = str(layout.FormId.of(params.year, unit, catalogue))
    book = Workbook()
    _instructions(book.worksheets[0], unit, params, catalogue, form)
    for body, sheet_name in layout.SHEETS.items():
        if rows := [i for i in asked if i.body == body]:
            sheet = book.create_sheet(sheet_name)
            _head(sheet, unit, params, body, form, illustrative)
            if last_note:
                sheet["D9"] = last_note
                sheet["D9"].font = _font(italic=True, color="C00000")
            _table(sheet, rows, entries, last or {})
    book.active = 1
    book.worksheets[0].sheet_view.tabSelected = False
    book.security = WorkbookProtection(lockStructure=True)
    book.properties.creator = "danvan"
    book.properties.created = book.properties.modified = datetime(params.year, 12, 31)
    raw = io.BytesIO()
    book.save(raw)
    return without_time(raw.getvalue(), date(params.year, 12, 31))


def entry_of(observation: Observation) -> Entry:
    """What an observation looked like in its return."""
    value = observation.value
    if observation.indicator.kind == "boolean" and value is not None:
        return layout.YES if value else layout.NO, "", ""
    status = {Status.NOT_REPORTED: layout.STATUS_NOT_REPORTED, Status.NOT_APPLICABLE: layout.STATUS_NOT_APPLICABLE}
    return value, observation.bound.word, status.get(observation.status, "")


def is_filled_in(path: Path) -> bool:
    """Whether somebody has typed into this form, whatever its sheets are called now, or it is no form at all."""
    got = files.read(path)
    if isinstance(got, UnreadableError):
        return True
    parts = [sheet for sheet in got.sheets if sheet.name != layout.INSTRUCTIONS]
    return not parts or any(_is_filled_in(sheet) for sheet in parts)


def _is_filled_in(sheet: Sheet) -> bool:
    table = rows.locate(sheet, {}, Findings(""))
    columns = [table.columns[label] for label in layout.TO_FILL if label in table.columns] if table else []
    return table is None or any(sheet.text(row, c) for row in sheet.rows if row > table.top for c in columns)


def how_to_write(indicator: Indicator) -> str:
    """What the value cell takes, in the words of the form."""
    if indicator.kind == "boolean":
        return f"Chọn {layout.YES} hoặc {layout.NO}"
    if indicator.decimals:
        return f"Số không âm, nhiều nhất {indicator.decimals} chữ số thập phân"
    return "Số nguyên không âm, viết liền"


def _head(sheet: Worksheet, unit: Unit, params: YearParams, body: str, form: str, illustrative: bool) -> None:
    sheet["A1"] = layout.TITLE
    sheet["A1"].font = _font(bold=True, size=14)
    if illustrative:
        sheet["A2"] = "SỐ LIỆU MINH HỌA - không phải số liệu thật của đơn vị"
        sheet["A2"].font = _font(bold=True, color="C00000")
    head = {
        layout.HEAD_FORM: form,
        layout.HEAD_UNIT: unit.full_name,
        layout.HEAD_BODY: unit.office(body),
        layout.HEAD_YEAR: params.year,
        layout.HEAD_PERIOD: f"{unit.first_day:%d/%m/%Y} - {unit.last_day:%d/%m/%Y}",
        layout.HEAD_NATURE: layout.ILLUSTRATIVE if illustrative else layout.REAL,
    }
    for row, (label, value) in enumerate(head.items(), start=3):
        _put(sheet.cell(row, 1), label).font = _font(bold=True)
        _put(sheet.cell(row, 2), value).alignment = Alignment(horizontal="left")
        sheet.cell(row, 2).font = _font()
    _put(sheet.cell(9, 1), f"Chỉ ghi vào ô màu vàng. Gửi chậm nhất ngày {params.returns_due:%d/%m/%Y}.")
    sheet.cell(9, 1).font = _font(italic=True)
    sheet.oddFooter = HeaderFooterItem(left=_HeaderFooterPart(form), right=_HeaderFooterPart("Trang &P/&N"))
    print_landscape(sheet)


def _table(
    sheet: Worksheet, indicators: Sequence[Indicator], entries: Mapping[str, Entry], last: Mapping[str, Entry]
) -> None:
    top = 10
    place = {label: column for column, label in enumerate(layout.COLUMNS, start=1)}
    for label, column in place.items():
        title = _put(sheet.cell(top, column), label)
        title.font, title.fill, title.border, title.alignment = _font(bold=True), _GREY, _LINE, _WRAPPED
        sheet.column_dimensions[letters(column)].width = _WIDTHS[label]
    for row, indicator in enumerate(indicators, start=top + 1):
        value, precision, status = entries.get(indicator.code, (None, "", ""))
        texts = {
            layout.CODE: indicator.code,
            layout.NAME: indicator.name,
            layout.MEASURE: indicator.measured_in,
            layout.VALUE: value,
            layout.PRECISION: precision or None,
            layout.STATUS: status or None,
            layout.LAST: _last(last.get(indicator.code)),
            layout.DEFINITION: definition(indicator),
            layout.NOTE: None,
        }
        for label, entry in texts.items():
            cell = _put(sheet.cell(row, place[label]), entry)
            quiet = label in (layout.CODE, layout.LAST)
            cell.font = _font(color="7F7F7F", size=10 if label == layout.CODE else 11) if quiet else _font()
            cell.border, cell.alignment = _LINE, _WRAPPED
            if label in (layout.VALUE, layout.LAST):
                cell.alignment = Alignment(horizontal="right", vertical="top", indent=1)
                cell.number_format = "#,##0" + ("." + "0" * indicator.decimals if indicator.decimals else "")
            if label in _to_fill(indicator):
                cell.fill, cell.protection = _TO_FILL, _UNLOCKED
        fit_height(sheet, row, ((_WIDTHS[c], str(texts[c])) for c in (layout.NAME, layout.MEASURE, layout.DEFINITION)))
        for label, choice in _validations(indicator).items():
            sheet.add_data_validation(choice)
            choice.add(sheet.cell(row, place[label]).coordinate)
    fit_height(sheet, top, ((_WIDTHS[label] - 2, label) for label in layout.COLUMNS))
    sheet.freeze_panes = f"D{top + 1}"
    sheet.print_title_rows = f"{top}:{top}"
    sheet.print_area = f"A1:{letters(len(place))}{top + len(indicators)}"
    protect(sheet)


def protect(sheet: Worksheet) -> None:
    """Locked but for the cells to fill in, without a password; widths and heights stay free."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = False


def definition(indicator: Indicator) -> str:
    """How the figure is counted, as it stands beside each row of the form."""
    when = {"flow": "Số trong kỳ.", "stock": "Số tại ngày cuối kỳ."}[indicator.time or "flow"]
    told = indicator.kind == "boolean" or re.search(r"\b(kỳ|năm)\b", indicator.definition)
    return indicator.definition if told else f"{when} {indicator.definition}".strip()


def _last(entry: Entry | None) -> int | Decimal | str | None:
    if entry is None:
        return None
    value, precision, status = entry
    if precision and value is not None:
        return f"{precision} {plain(Decimal(value))}"
    return (status or None) if value is None else value


def _validations(indicator: Indicator) -> dict[str, DataValidation]:
    """The rules and messages of a row's cells, by column."""
    choices = partial(DataValidation, type="list", allow_blank=True, showErrorMessage=True, showInputMessage=True)
    if indicator.kind == "boolean":
        value = choices(formula1=f'"{layout.YES},{layout.NO}"')
    else:
        value = DataValidation(
            type="decimal" if indicator.decimals else "whole",
            operator="greaterThanOrEqual",
            formula1="0",
            allow_blank=True,
            showErrorMessage=True,
            showInputMessage=True,
        )
    value.errorTitle, value.error = "Không nhận", f"{how_to_write(indicator)}. Ước chừng: chọn ở cột bên cạnh."
    value.promptTitle = _cut(f"{indicator.label} ({indicator.measured_in})", 32)
    value.prompt = _cut(f"{how_to_write(indicator)}. {definition(indicator)}", 255)
    words = (layout.STATUS_NOT_REPORTED,) if indicator.kind == "boolean" else layout.STATUS_WORDS
    precision = choices(formula1=f'"{",".join(layout.PRECISION_WORDS)}"', promptTitle=layout.PRECISION)
    precision.prompt = "Để trống nếu là số chính xác."
    status = choices(formula1=f'"{",".join(words)}"', promptTitle=layout.STATUS)
    status.prompt = "Chỉ chọn khi không có số: không phát sinh là biết chắc bằng 0; không báo cáo là chưa có số."
    note = DataValidation(promptTitle=layout.NOTE, showInputMessage=True)
    note.prompt = "Không ghi họ tên, số căn cước, số điện thoại của ai. Ghi chú không đưa vào báo cáo."
    made = {layout.VALUE: value, layout.PRECISION: precision, layout.STATUS: status, layout.NOTE: note}
    return {label: choice for label, choice in made.items() if label in _to_fill(indicator)}


def _to_fill(indicator: Indicator) -> tuple[str, ...]:
    """The columns in which its row is filled in: Có and Không are always exact."""
    return tuple(c for c in layout.TO_FILL if c != layout.PRECISION or indicator.kind != "boolean")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _instructions(sheet: Worksheet, unit: Unit, params: YearParams, catalogue: Catalogue, form: str) -> None:
    asked = layout.asked_of(unit, catalogue)
    sheet.title = layout.INSTRUCTIONS
    sheet["A1"] = f"Hướng dẫn lập phiếu năm {params.year}: {unit.full_name}"
    sheet["A1"].font = _font(bold=True, size=14)
    offices = "; ".join(
        f"trang “{name}” do {unit.office(body)} ghi"
        for body, name in layout.SHEETS.items()
        if any(i.body == body for i in asked)
    )
    steps = (
        f"Phiếu này chỉ dùng cho {unit.full_name}, năm {params.year} (mã {form}): {offices}.",
        f"Chỉ ghi vào ô màu vàng. Cột “{layout.VALUE}” chỉ ghi chữ số, viết liền (4342), không ghi "
        "“hơn”, “nghìn”, “14/15”.",
        f"Số ước chừng: ghi số, rồi chọn “hơn”, “trên” hoặc “khoảng” ở cột “{layout.PRECISION}”.",
        f"Không có số thì để trống cột “{layout.VALUE}” và chọn ở cột “{layout.STATUS}”: “{layout.STATUS_ZERO}” khi "
        f"biết chắc bằng 0, “{layout.STATUS_NOT_REPORTED}” khi chưa có số, “{layout.STATUS_NOT_APPLICABLE}” khi không "
        "có đối tượng.",
        "Không dùng công thức; không gộp ô, không ẩn dòng, không thêm hoặc đổi tên dòng, cột, trang.",
        "Không ghi họ tên, số căn cước, số điện thoại, địa chỉ của ai, kể cả trong ghi chú: phiếu sẽ bị trả lại.",
        f"Lưu dạng .xlsx, không đặt mật khẩu, gửi chậm nhất ngày {params.returns_due:%d/%m/%Y}.",
    )
    heads = {layout.NAME: 34, layout.MEASURE: 13, "Cách ghi": 28, layout.DEFINITION: 46, "Phiếu sẽ được kiểm tra": 52}
    for row, step in enumerate(steps, start=3):
        _put(sheet.cell(row, 1), f"{row - 2}. {step}").font = _font()
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=5)
        sheet.cell(row, 1).alignment = _WRAPPED
        fit_height(sheet, row, [(sum(heads.values()), step)])
    top = len(steps) + 4
    rows = [(i.name, i.measured_in, how_to_write(i), definition(i), "\n".join(_checked(i, catalogue))) for i in asked]
    for row, texts in enumerate((tuple(heads), *rows), start=top):
        for column, text in enumerate(texts, start=1):
            cell = _put(sheet.cell(row, column), text)
            cell.font, cell.border, cell.alignment = _font(bold=row == top), _LINE, _WRAPPED
            if row == top:
                cell.fill = _GREY
        fit_height(sheet, row, zip(heads.values(), texts, strict=True))
    after = top + len(rows) + 2
    _put(sheet.cell(after, 1), "Cả trang và so với năm trước").font = _font(bold=True)
    for row, check in enumerate((c for c in catalogue.checks if c.about), start=after + 1):
        _put(sheet.cell(row, 1), f"{_consequence(check.severity)} {check.reason}").font = _font()
    for place, width in zip("ABCDE", heads.values(), strict=True):
        sheet.column_dimensions[place].width = width
    print_landscape(sheet)
    sheet.print_title_rows = f"{top}:{top}"
    protect(sheet)


def _checked(indicator: Indicator, catalogue: Catalogue) -> list[str]:
    """What the reader will hold this figure against, by the checks of the catalogue."""
    return [f"{_consequence(c.severity)} {c.reason}" for c in catalogue.checks if indicator.code in c.names]


def _consequence(severity: str) -> str:
    return "Phải sửa:" if severity == "error" else "Phải giải trình:"


def _put(cell: Cell | MergedCell, value: object) -> Cell:
    assert isinstance(cell, Cell)
    if isinstance(value, str):
        return write_text(cell, value)
    cell.value = value  # type: ignore[assignment]
    return cell
