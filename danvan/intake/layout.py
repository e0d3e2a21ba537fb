"""Form layout 1, as both the writer of forms and the reader of returns know it.

One workbook a unit, one sheet a reporting body (two offices fill one return). A sheet has a head of label and value
(columns A, B), then a table with one row an indicator.
"""

from __future__ import annotations

from typing import Literal

LAYOUT = 1
TITLE = "PHIẾU SỐ LIỆU PHỐI HỢP CÔNG TÁC DÂN VẬN"
SHEETS: dict[Literal["bdvtu", "catp"], str] = {"bdvtu": "Ban Dân vận", "catp": "Công an"}

HEAD_LAYOUT = "Mẫu phiếu"
HEAD_UNIT = "Đơn vị"
HEAD_BODY = "Cơ quan báo cáo"
HEAD_YEAR = "Năm"
HEAD_PERIOD = "Kỳ số liệu"
HEAD_NATURE = "Tính chất số liệu"
HEAD = (HEAD_LAYOUT, HEAD_UNIT, HEAD_BODY, HEAD_YEAR, HEAD_PERIOD, HEAD_NATURE)

REAL, ILLUSTRATIVE = "Chính thức", "Minh họa"

CODE, NAME, MEASURE, VALUE, PRECISION, STATUS = (
    *("Mã", "Chỉ tiêu", "Đơn vị tính"),
    *("Giá trị", "Mức chính xác", "Tình trạng"),
)
COLUMNS = (CODE, NAME, MEASURE, VALUE, PRECISION, STATUS)

PRECISION_WORDS = ("chính xác", "hơn", "trên", "khoảng")
STATUS_ZERO, STATUS_NOT_REPORTED, STATUS_NOT_APPLICABLE = "không phát sinh", "không báo cáo", "không áp dụng"
STATUS_WORDS = (STATUS_ZERO, STATUS_NOT_REPORTED, STATUS_NOT_APPLICABLE)

YES, NO = "Có", "Không"
