"""The head of a sheet: whose return it is, for which year and period, on which form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from danvan.catalogue import Catalogue
from danvan.errors import nearest
from danvan.intake import layout, numbers
from danvan.intake.cells import Sheet, tidy
from danvan.intake.findings import Findings
from danvan.units import Unit, Units

_RIGHT_FORM = "Dùng đúng phiếu được gửi cho đơn vị trong kỳ này; chép số liệu sang phiếu ấy rồi gửi lại."
_DASHES = str.maketrans("–—", "--")


@dataclass(frozen=True)
class Head:
    """What a head says; `until` is the last day covered, where that is before the period's end."""

    unit: Unit
    illustrative: bool
    until: date | None


@dataclass(frozen=True)
class _Entry:
    text: str
    ref: str


def read(sheet: Sheet, asked_year: int, catalogue: Catalogue, units: Units, found: Findings) -> Head | None:
    """The head, or None when the sheet must not be read; what is wrong goes to `found`, which learns the unit."""
    entries = _entries(sheet)
    for label in layout.HEAD:
        if label not in entries:
            hint = nearest(label, [tidy(str(cell.value)) for cell in sheet.cells.values() if cell.column == 1])
            found.add(
                "missing-head",
                "không thấy",
                f"Đầu trang thiếu dòng “{label}”.{hint}",
                "Dùng đúng phiếu được gửi, không xóa, không sửa các dòng đầu trang.",
                sheet=sheet.name,
            )
    if not entries.keys() >= set(layout.HEAD):
        return None
    unit = _unit(sheet, entries[layout.HEAD_UNIT], units, found)
    if unit is None:
        return None
    found.unit = unit.full_name
    before = len([f for f in found.all if f.severity == "error"])
    _form(sheet, entries[layout.HEAD_FORM], layout.FormId.of(asked_year, unit, catalogue), units, found)
    year = entries[layout.HEAD_YEAR]
    if year.text != str(asked_year):
        reason = f"“{layout.HEAD_YEAR}” phải là {asked_year}."
        found.add("wrong-year", year.text, reason, "Gửi phiếu của đúng năm báo cáo.", sheet=sheet.name, ref=year.ref)
    until = _until(sheet, entries[layout.HEAD_PERIOD], unit, found)
    nature = entries[layout.HEAD_NATURE]
    if nature.text not in (layout.REAL, layout.ILLUSTRATIVE):
        found.add(
            "unknown-nature",
            nature.text,
            f"“{layout.HEAD_NATURE}” phải là {layout.REAL} hoặc {layout.ILLUSTRATIVE}.",
            "Chọn một trong hai.",
            sheet=sheet.name,
            ref=nature.ref,
        )
    if len([f for f in found.all if f.severity == "error"]) > before:
        return None
    return Head(unit, nature.text == layout.ILLUSTRATIVE, until)


def decimal_mark(sheet: Sheet, found: Findings) -> Literal["", ",", "."]:
    """The decimal mark that a sheet declares for its texts, as a CSV does; '' where it declares none that there is."""
    labels = {tidy(str(cell.value)): cell for cells in sheet.rows.values() for cell in cells[:1]}
    cell = labels.get(layout.HEAD_DECIMAL_MARK)
    beside = sheet.cells.get((cell.row, cell.column + 1)) if cell else None
    mark = str(beside.value).strip() if beside else ""
    for known in ("", ",", "."):
        if mark == known:
            return known
    found.add(
        "decimal-mark",
        mark,
        f"“{layout.HEAD_DECIMAL_MARK}” chỉ nhận dấu phẩy hoặc dấu chấm.",
        "Ghi , hoặc . vào dòng ấy.",
        sheet=sheet.name,
        ref=beside.ref if beside else "",
    )
    return ""


def _entries(sheet: Sheet) -> dict[str, _Entry]:
    """What stands beside each label of the head, above the table; the labels' column may have moved."""
    entries: dict[str, _Entry] = {}
    for row, cells in sheet.rows.items():
        texts = {tidy(str(cell.value)): cell for cell in cells}
        if layout.CODE in texts and layout.VALUE in texts:
            break
        for label, cell in texts.items():
            if label in layout.HEAD and label not in entries:
                beside = sheet.cells.get((row, cell.column + 1))
                entries[label] = _Entry(tidy(sheet.text(row, cell.column + 1)), beside.ref if beside else cell.ref)
    return entries


def _unit(sheet: Sheet, entry: _Entry, units: Units, found: Findings) -> Unit | None:
    try:
        unit = units.resolve(entry.text)
    except LookupError as error:
        found.add(
            "unknown-unit",
            entry.text,
            f"Không nhận ra đơn vị: {error}",
            "Ghi đúng tên đơn vị.",
            sheet=sheet.name,
            ref=entry.ref,
        )
        return None
    if entry.text.casefold() not in (unit.full_name.casefold(), unit.name.casefold()):
        found.unit = unit.full_name
        found.add(
            "unit-spelling",
            entry.text,
            f"Tên đơn vị viết khác danh mục; đọc là {unit.full_name}.",
            f"Ghi đúng: {unit.full_name}.",
            sheet=sheet.name,
            ref=entry.ref,
        )
    return unit


def _form(sheet: Sheet, entry: _Entry, wanted: layout.FormId, units: Units, found: Findings) -> None:
    form = layout.FormId.read(entry.text)

    def wrong(rule: str, reason: str) -> None:
        found.add(rule, entry.text, reason, _RIGHT_FORM, sheet=sheet.name, ref=entry.ref)

    if form is None:
        wrong("wrong-form", "Mã mẫu phiếu bị sửa, hoặc phiếu không lập trên mẫu được gửi.")
    elif form.layout != layout.LAYOUT:
        wrong("wrong-layout", f"Bố cục mẫu phiếu là {form.layout}, kỳ này dùng bố cục {layout.LAYOUT}.")
    elif form.year != wanted.year:
        wrong("last-years-form", f"Mẫu phiếu của năm {form.year}, không phải năm {wanted.year}.")
    elif form.unit != wanted.unit:
        other = next((u.full_name for u in units.all if u.id == form.unit), form.unit)
        wrong("form-of-another-unit", f"Mẫu phiếu này phát cho {other}.")
    elif form.rows != wanted.rows:
        wrong("form-of-another-catalogue", "Danh mục chỉ tiêu đã đổi sau khi phát mẫu phiếu này.")


def _until(sheet: Sheet, entry: _Entry, unit: Unit, found: Findings) -> date | None:
    """The last day covered where it is before the end of the unit's days; an error where the period is another one."""
    start, end = unit.first_day, unit.last_day
    days = [numbers.day(part.strip()) for part in entry.text.translate(_DASHES).split("-")]
    if days == [start, end]:
        return None
    if len(days) == 2 and days[0] == start and isinstance(days[1], date) and start < days[1] < end:
        found.add(
            "partial-period",
            entry.text,
            f"Số liệu mới đến {days[1]:%d/%m/%Y}, chưa đủ kỳ.",
            "Gửi bổ sung phiếu đủ kỳ; trước đó tổng số ghi rõ là chưa đủ.",
            sheet=sheet.name,
            ref=entry.ref,
        )
        return days[1]
    found.add(
        "wrong-period",
        entry.text,
        f"“{layout.HEAD_PERIOD}” phải là {start:%d/%m/%Y} - {end:%d/%m/%Y}.",
        "Báo cáo đúng kỳ; nếu chưa đủ kỳ, ghi rõ từ ngày đầu kỳ đến ngày nào.",
        sheet=sheet.name,
        ref=entry.ref,
    )
    return None
