"""Form layout 2, as both the writer of forms and the reader of returns know it.

One workbook a unit: instructions, then one sheet a reporting body (two offices fill one return). A sheet of the return
has a head of label and value (columns A, B), then a table with one row an indicator. Each form carries an id that says
its year, its unit and the rows of the catalogue it was made from, so that no other form can pass for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from danvan.catalogue import Catalogue, Indicator
from danvan.store import content_key, spelt
from danvan.units import Unit

LAYOUT = 2
TITLE = "PHIẾU SỐ LIỆU PHỐI HỢP CÔNG TÁC DÂN VẬN"
INSTRUCTIONS = "Hướng dẫn"
REPLY = "Cần sửa"  # the first sheet of an annotated copy; an office may mend the copy and send it back
REPLY_AUTHOR = "danvan"  # of the comments in such a copy
Body = Literal["bdvtu", "catp"]
SHEETS: dict[Body, str] = {"bdvtu": "Ban Dân vận", "catp": "Công an"}

HEAD_FORM = "Mẫu phiếu"
HEAD_UNIT = "Đơn vị"
HEAD_BODY = "Cơ quan báo cáo"
HEAD_YEAR = "Năm"
HEAD_PERIOD = "Kỳ số liệu"
HEAD_NATURE = "Tính chất số liệu"
HEAD = (HEAD_FORM, HEAD_UNIT, HEAD_BODY, HEAD_YEAR, HEAD_PERIOD, HEAD_NATURE)
HEAD_DECIMAL_MARK = "Dấu thập phân"  # only in a CSV, whose cells are all text

REAL, ILLUSTRATIVE = "Chính thức", "Minh họa"

CODE, NAME, MEASURE, VALUE, PRECISION, STATUS = (
    *("Mã", "Chỉ tiêu", "Đơn vị tính"),
    *("Giá trị", "Mức chính xác", "Tình trạng"),
)
LAST, DEFINITION, NOTE = "Năm trước", "Cách tính", "Ghi chú"
NEEDED = (CODE, NAME, MEASURE, VALUE, PRECISION, STATUS)
COLUMNS = (*NEEDED, LAST, DEFINITION, NOTE)
TO_FILL = (VALUE, PRECISION, STATUS, NOTE)

PRECISION_WORDS = ("chính xác", "hơn", "trên", "khoảng")
STATUS_ZERO, STATUS_NOT_REPORTED, STATUS_NOT_APPLICABLE = "không phát sinh", "không báo cáo", "không áp dụng"
STATUS_WORDS = (STATUS_ZERO, STATUS_NOT_REPORTED, STATUS_NOT_APPLICABLE)

YES, NO = "Có", "Không"

_FORM_ID = re.compile(r"DV(?P<layout>\d+)-(?P<year>\d{4})-(?P<unit>.+)-(?P<rows>[a-p]{8})-(?P<mark>[a-p]{4})")


@dataclass(frozen=True)
class FormId:
    """Which form a return was written on: 'DV2-2023-HP-303-kcdbfmna-obge'.

    `rows` is a digest of the catalogue's rows that the form asks for; the last group is a checksum of the others. Both
    are spelt in letters, so that no id can be taken for an identity number.
    """

    layout: int
    year: int
    unit: str
    rows: str

    @classmethod
    def of(cls, year: int, unit: Unit, catalogue: Catalogue) -> FormId:
        """The id of the form that `unit` gets for this year; other rows of the catalogue give another."""
        rows = [(f"{place:04}", _row(indicator)) for place, indicator in enumerate(asked_of(unit, catalogue))]
        return cls(LAYOUT, year, unit.id, spelt(content_key(rows), 8))

    @classmethod
    def read(cls, text: str) -> FormId | None:
        """The id written as `text`; None where it is none, or its checksum says that it was changed."""
        match = _FORM_ID.fullmatch(text)
        if match is None:
            return None
        found = cls(int(match["layout"]), int(match["year"]), match["unit"], match["rows"])
        return found if str(found) == text else None

    def __str__(self) -> str:
        body = f"DV{self.layout}-{self.year}-{self.unit}-{self.rows}"
        return f"{body}-{spelt(sha256(body.encode()).hexdigest(), 4)}"


def asked_of(unit: Unit, catalogue: Catalogue) -> list[Indicator]:
    """The indicators that the form asks this unit for: none of things that it does not have."""
    return [indicator for indicator in catalogue.reported if unit.owes(indicator) == "owed"]


def _row(indicator: Indicator) -> str:
    """What a row of the form says: whoever fills it in has read this."""
    said = (indicator.code, indicator.name, indicator.measured_in, indicator.kind, indicator.decimals)
    return "\0".join(map(str, (*said, indicator.time, indicator.body, indicator.definition)))
