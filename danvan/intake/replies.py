"""The copy of its own workbook that a unit gets back: cells coloured, a comment in each, first a sheet of what to mend.

Only what is named here passes from the unit's file into the copy: texts (masked, none of them live), numbers, looks,
widths, the form's own validations. No macro, link, picture, property or formula does. The office may mend the copy and
send it back: the reader knows its first sheet and its comments.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from danvan.catalogue import Catalogue
from danvan.intake import commas, container, forms, layout, workbook
from danvan.intake.cells import RawCell, Sheet, tidy
from danvan.intake.findings import Finding, tell
from danvan.intake.privacy import mask
from danvan.params import YearParams
from danvan.spreadsheet import fit_height, print_landscape, without_time, write_text

_COLOURS = {"error": PatternFill("solid", fgColor="FFC7CE"), "warning": PatternFill("solid", fgColor="FFE699")}
_THIN = Side("thin", "BFBFBF")
_LINE = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_HEADS = {
    "STT": 6,
    "Mức": 15,
    "Trang": 14,
    "Ô": 11,
    "Chỉ tiêu": 26,
    "Ghi trong phiếu": 30,
    "Vì sao": 44,
    "Cần làm": 44,
    "Mã": 11,
}
LEVELS = {"error": "phải sửa", "warning": "chờ giải trình"}


def annotated(path: Path, findings: Sequence[Finding], params: YearParams, catalogue: Catalogue) -> bytes | None:
    """The copy of the return at `path` with its findings, as the bytes of an .xlsx; None if it cannot be opened."""
    try:
        content = container.load(path)
        if content.kind == "csv":
            sheets, looks = commas.named(commas.sheets(content.data), catalogue), {}
        else:
            sheets, _ = workbook.sheets(content.data)
            looks = {sheet.title: sheet for sheet in workbook.load(content.data).worksheets}
    except container.UnreadableError:
        return None
    book = Workbook()
    listed = book.worksheets[0]
    listed.title = layout.REPLY
    by_sheet: dict[str, Worksheet] = {}
    for place, sheet in enumerate(sheets, start=1):
        if tidy(sheet.name) == layout.REPLY:
            continue  # of the copy that came back
        target = book.create_sheet(_title(sheet.name) or f"Phần {place}")
        by_sheet[tell(tidy(sheet.name))] = target
        _copy(sheet, looks.get(sheet.name), target)
    _list(listed, findings, by_sheet, params, catalogue)
    for finding in findings:
        _mark(finding, by_sheet)
    book.properties.creator = layout.REPLY_AUTHOR
    book.properties.created = book.properties.modified = datetime(params.year, 12, 31)
    raw = io.BytesIO()
    book.save(raw)
    return without_time(raw.getvalue(), date(params.year, 12, 31))


def _title(name: str) -> str:
    """The name of a sheet as it may be shown, without what Excel allows in no title: a masked one has stars."""
    return re.sub(r"[\\*?:/\[\]]", "·", tell(name))[:31]


def _copy(sheet: Sheet, look: Worksheet | None, target: Worksheet) -> None:
    """Values, looks and validations of one sheet."""
    for (row, column), raw in sheet.cells.items():
        cell = target.cell(row, column)
        assert isinstance(cell, Cell)
        _put(cell, raw)
        if look is not None:
            _dress(cell, look._cells[row, column])
    for comment in sheet.comments:
        if comment.author != layout.REPLY_AUTHOR:
            target[comment.ref].comment = Comment(_clean(comment.text), "đơn vị")
    print_landscape(target)
    if look is None:
        return
    for (row, column), empty in look._cells.items():
        if (row, column) not in sheet.cells and empty.has_style and row <= target.max_row:
            twin = target.cell(row, column)
            if isinstance(twin, Cell):
                _dress(twin, empty)
    for key, dimension in look.column_dimensions.items():
        target.column_dimensions[key].width = dimension.width
        target.column_dimensions[key].hidden = dimension.hidden
    for row, height in look.row_dimensions.items():
        if row <= target.max_row:
            target.row_dimensions[row].height, target.row_dimensions[row].hidden = height.height, height.hidden
    for area in look.merged_cells.ranges:
        target.merge_cells(area.coord)
    for choice in look.data_validations.dataValidation:
        told = str(choice.formula1)
        literal = re.fullmatch(r'"[^"]*"|\d+|None', told) and choice.formula2 is None and told == _clean(told)
        if choice.type in ("list", "whole", "decimal") and literal:
            kept = DataValidation(
                type=choice.type,
                operator=choice.operator,
                formula1=choice.formula1,
                allow_blank=True,
                showErrorMessage=True,
            )
            kept.sqref = choice.sqref
            target.add_data_validation(kept)
    target.freeze_panes = look.freeze_panes
    target.sheet_state = look.sheet_state
    if look.protection.sheet:
        forms.protect(target)


def _put(cell: Cell, raw: RawCell) -> None:
    """The value; a text, and a formula with its result, as a text that stays one even when it is edited."""
    if isinstance(raw.value, str):
        result = f" → {raw.cached}" if raw.type == "f" and raw.cached is not None else ""
        write_text(cell, _clean(raw.value + result))
    elif isinstance(raw.value, int | float) and not isinstance(raw.value, bool) and not _is_plain(raw.value):
        write_text(cell, _clean(f"{raw.value:.0f}"))
    else:
        cell.value = raw.value
        cell.number_format = raw.number_format


def _is_plain(number: float) -> bool:
    """A number that may be shown: one that Excel can hold, and that tells nothing of a person."""
    return abs(number) < 10**15 and mask(f"{number:.0f}") == f"{number:.0f}"


def _dress(cell: Cell, look: object) -> None:
    for name in ("font", "fill", "border", "alignment", "protection"):
        setattr(cell, name, copy(getattr(look, name)))
    cell.number_format = look.number_format  # type: ignore[attr-defined]


def _clean(text: str) -> str:
    return ILLEGAL_CHARACTERS_RE.sub("", mask(text))


def _mark(finding: Finding, by_sheet: Mapping[str, Worksheet]) -> None:
    """Colour the cell of a finding and say there what to do; several share a comment, an error its colour."""
    sheet, where = by_sheet.get(finding.cell.sheet), _first_cell(finding.cell.ref)
    if sheet is None or not where:
        return
    cell = sheet[where]
    if not isinstance(cell, Cell):
        return  # inside a merged area
    if cell.fill != _COLOURS["error"]:
        cell.fill = _COLOURS[finding.severity]
    told = f"{LEVELS[finding.severity].capitalize()}: {finding.reason} {finding.remedy}"
    before = f"{cell.comment.text}\n" if cell.comment else ""
    cell.comment = Comment(before + _clean(told), layout.REPLY_AUTHOR, height=150, width=320)


def _first_cell(ref: str) -> str:
    match = re.match(r"[A-Z]{1,3}[1-9]\d*(?=:|$)", ref)
    return match[0] if match else ""


def _list(
    sheet: Worksheet,
    findings: Sequence[Finding],
    by_sheet: Mapping[str, Worksheet],
    params: YearParams,
    catalogue: Catalogue,
) -> None:
    """The first sheet: what to mend, where, why, and what to do."""
    unit = next((f.unit for f in findings if f.unit), "")
    sheet["A1"] = f"Những điểm cần sửa trong phiếu năm {params.year}" + (f": {unit}" if unit else "")
    sheet["A1"].font = Font(name="Times New Roman", bold=True, size=14)
    errors = sum(f.severity == "error" for f in findings)
    lines = (
        f"{errors} điểm phải sửa (ô đỏ), {len(findings) - errors} điểm chờ giải trình (ô vàng).",
        "Sửa ngay trong các trang của tệp này hoặc trong phiếu gốc, rồi gửi lại một tệp. Điểm chờ giải trình mà số "
        "đã đúng thì giữ nguyên và trả lời lý do, kèm mã ở cột cuối.",
        f"Hạn gửi phiếu: {params.returns_due:%d/%m/%Y}.",
    )
    for row, line in enumerate(lines, start=2):
        sheet.cell(row, 1, line).font = Font(name="Times New Roman", size=11)
    top = len(lines) + 3
    rows = [tuple(_HEADS)]
    for number, f in enumerate(findings, start=1):
        name = catalogue.by_code[f.indicator].name if f.indicator in catalogue.by_code else ""
        code = f.id if f.severity == "warning" else ""
        rows.append(
            (str(number), LEVELS[f.severity], f.cell.sheet, f.cell.ref, name, f.found, f.reason, f.remedy, code)
        )
    for row, texts in enumerate(rows, start=top):
        for column, text in enumerate(texts, start=1):
            cell = sheet.cell(row, column)
            assert isinstance(cell, Cell)
            write_text(cell, _clean(text))
            cell.font = Font(name="Times New Roman", size=11, bold=row == top)
            cell.border, cell.alignment = _LINE, Alignment(wrap_text=True, vertical="top")
        fit_height(sheet, row, zip(_HEADS.values(), texts, strict=True))
        if row > top:
            finding = findings[row - top - 1]
            sheet.cell(row, 2).fill = _COLOURS[finding.severity]
            target, where = by_sheet.get(finding.cell.sheet), _first_cell(finding.cell.ref)
            if target is not None and where:
                place = sheet.cell(row, 4)
                title = target.title.replace("'", "''")
                place.hyperlink = Hyperlink(ref=place.coordinate, location=f"'{title}'!{where}")
                place.font = Font(name="Times New Roman", size=11, underline="single", color="0563C1")
    for key, width in zip("ABCDEFGHI", _HEADS.values(), strict=True):
        sheet.column_dimensions[key].width = width
    sheet.freeze_panes = f"A{top + 1}"
    print_landscape(sheet)
