"""CSV -> sheets: the same form, saved as CSV out of a spreadsheet, one part of the form after the other or a file each.

All cells are texts; the head may declare the decimal mark. The separator is the one that parts the table's heads.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import replace

from danvan.catalogue import Catalogue
from danvan.intake import layout
from danvan.intake.addresses import letters
from danvan.intake.cells import RawCell, Sheet, in_unicode, tidy
from danvan.intake.container import UnreadableError


def sheets(content: bytes) -> tuple[Sheet, ...]:
    """The parts of a CSV, each as a sheet without a name: a new one begins at each title. Raises UnreadableError."""
    text = content.decode("utf-8-sig")
    separator = next((mark for mark in ";,\t" if any(_is_header(row) for row in _rows(text, mark))), None)
    if separator is None:
        raise UnreadableError(
            "not-a-form",
            f"CSV có {text.count(chr(10)) + 1} dòng",
            f"Không thấy dòng tiêu đề có “{layout.CODE}” và “{layout.VALUE}”.",
            "Lưu trang của phiếu ra CSV, giữ nguyên các dòng đầu trang và dòng tiêu đề.",
        )
    parts: list[dict[tuple[int, int], RawCell]] = []
    for number, row in enumerate(_rows(text, separator), start=1):
        if not parts or (row and tidy(row[0]) == layout.TITLE and parts[-1]):
            parts.append({})
        for column, text in enumerate(row, start=1):
            if text.strip():
                value, encoding = in_unicode(text)
                ref = f"{letters(column)}{number}"
                parts[-1][number, column] = RawCell(ref, number, column, value, "s", encoding=encoding)
    return tuple(Sheet("", cells) for cells in parts if cells)


def named(sheets: Iterable[Sheet], catalogue: Catalogue) -> tuple[Sheet, ...]:
    """The sheets, each part of a CSV called by the codes that stand in it, which say whose it is."""
    of_code = {i.code: layout.SHEETS[i.body] for i in catalogue.reported if i.body}
    made: dict[str, Sheet] = {}
    for place, sheet in enumerate(sheets, start=1):
        codes = (of_code.get(tidy(str(cell.value))) for cell in sheet.cells.values())
        name = tidy(sheet.name) or next(filter(None, codes), f"phần {place}")
        name = f"{name} ({place})" if name in made else name
        made[name] = replace(sheet, name=name)
    return tuple(made.values())


def _rows(text: str, separator: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        return []


def _is_header(row: list[str]) -> bool:
    return {layout.CODE, layout.VALUE} <= {tidy(in_unicode(text)[0]) for text in row}
