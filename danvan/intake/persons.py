"""Whether a return holds data about a person. Identity or phone numbers, or a column that asks for persons, refuse the
whole file; a person's name is a warning, and what is written beside the figures goes nowhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

from danvan.intake import layout, privacy
from danvan.intake.cells import File, RawCell, Sheet
from danvan.intake.findings import Findings

_TAKE_OUT = "Xóa dữ liệu về người khỏi phiếu, lưu lại rồi gửi phiếu mới; phiếu chỉ nhận số tổng hợp."
_LONGEST_HEAD = 60
_HUGE = 10**15
_WHAT = {"identity": "số giấy tờ tùy thân", "phone": "số điện thoại"}


def refuses(file: File, figures: Collection[tuple[str, str]], public: Collection[str], found: Findings) -> bool:
    """Whether the file must be refused; all of it goes to `found`, masked there.

    `figures`: (sheet, ref) of the cells that hold a value of the table, where nine digits may well be a figure.
    `public`: numbers that belong to no person, such as a hotline.
    """
    before = len(found.all)
    _look(found.file.rsplit("/", 1)[-1], "", "", "Tên tệp", public, found)
    for author in dict.fromkeys(file.authors):
        _look(author, "", "", "Thuộc tính tệp", public, found)
    for sheet in file.sheets:
        _look(sheet.name, sheet.name, "", "Tên trang", public, found)
        for cell in sheet.cells.values():
            text = _text(cell, (sheet.name, cell.ref) in figures)
            if text:
                _look(text, sheet.name, cell.ref, "Ô", public, found)
            own = sheet.name == layout.REPLY  # the words of our own findings, in a copy that came back
            if isinstance(cell.value, str) and not own and _is_head(cell.value) and _is_used(sheet, cell):
                found.add(
                    "personal-columns",
                    cell.value,
                    "Phiếu có cột hoặc dòng ghi dữ liệu về từng người.",
                    _TAKE_OUT,
                    sheet=sheet.name,
                    ref=cell.ref,
                )
        for comment in sheet.comments:
            _look(comment.text, sheet.name, comment.ref, "Chú thích của ô", public, found)
    return any(f.severity == "error" for f in found.all[before:])


# The form's own words come up in every file.
_find = lru_cache(maxsize=4096)(privacy.find)


@lru_cache(maxsize=4096)
def _is_head(text: str) -> bool:
    """Whether it asks for persons; a whole sentence, as in the instructions, is no head."""
    return len(text) <= _LONGEST_HEAD and privacy.is_name_column(text)


def _look(text: str, sheet: str, ref: str, where: str, public: Collection[str], found: Findings) -> None:
    numbers = [p for p in _find(text, tuple(public)) if p.kind != "name"]
    for kind in dict.fromkeys(p.kind for p in numbers):
        found.add("personal-data", text, f"{where} có {_WHAT[kind]}.", _TAKE_OUT, sheet=sheet, ref=ref)
    if not numbers:
        _name(text, sheet, ref, where, found)


def _name(text: str, sheet: str, ref: str, where: str, found: Findings) -> None:
    if any(p.kind == "name" for p in _find(text, ())):
        found.add(
            "person-name",
            text,
            f"{where} có tên người.",
            "Bỏ tên người; phiếu chỉ cần số tổng hợp.",
            sheet=sheet,
            ref=ref,
        )


def _text(cell: RawCell, is_figure: bool) -> str:
    """The cell as the text to look through; a number only where it is too long to be a figure."""
    if cell.type == "f":
        return f"{cell.value} {_text(replace(cell, type='', value=cell.cached), is_figure)}"
    if isinstance(cell.value, str):
        digits = cell.value.strip()
        return "" if is_figure and digits.isascii() and digits.isdigit() and len(digits) < 10 else cell.value
    if isinstance(cell.value, int | float) and not isinstance(cell.value, bool):
        digits = f"{cell.value:.0f}" if abs(cell.value) < _HUGE and cell.value == round(cell.value) else ""
        return digits if len(digits) >= (11 if is_figure else 9) else ""
    return ""


def _is_used(sheet: Sheet, head: RawCell) -> bool:
    """Whether anything stands below or beside a head that asks for persons."""
    return (head.row + 1, head.column) in sheet.cells or (head.row, head.column + 1) in sheet.cells
