"""One row of a return -> value, status and bound. Whatever has two readings is refused, with what to do."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from danvan.catalogue import Indicator
from danvan.intake import layout, numbers
from danvan.intake.findings import Severity
from danvan.intake.observations import EXACT, Bound, Status
from danvan.intake.workbook import RawCell
from danvan.units import Unit

_STATUSES = f"“{layout.STATUS_ZERO}” hay “{layout.STATUS_NOT_REPORTED}”"


@dataclass(frozen=True)
class Row:
    """The cells of a row that an office fills in; precision and status are tidied words in lower case."""

    value: RawCell | None
    precision: str
    status: str


@dataclass(frozen=True)
class Remark:
    """What is wrong or remarkable in a row: a finding that does not know its place yet, but its column."""

    rule: str
    found: str
    reason: str
    remedy: str
    severity: Severity = "error"
    column: str = layout.VALUE


class RefusedError(Exception):
    """The row says nothing that can be taken; carries the remark."""

    def __init__(self, rule: str, found: str, reason: str, remedy: str, column: str = layout.VALUE) -> None:
        super().__init__(reason)
        self.remark = Remark(rule, found, reason, remedy, "error", column)


Taken = tuple[Decimal | None, Status, Bound, tuple[Remark, ...]]


def read(row: Row, indicator: Indicator, unit: Unit) -> Taken:
    """Value, status, bound, and remarks that do not stand in the way. Raises RefusedError."""
    _check_words(row, indicator)
    if unit.owes(indicator) == "not_applicable":
        if row.value is None and row.status == layout.STATUS_NOT_APPLICABLE:
            return None, Status.NOT_APPLICABLE, EXACT, ()
        raise RefusedError(
            "not-applicable",
            shown(row.value) or "(trống)",
            f"{unit.full_name} không có đối tượng của chỉ tiêu này.",
            f"Để trống ô Giá trị và chọn “{layout.STATUS_NOT_APPLICABLE}”.",
        )
    if row.value is None:
        return _without_value(row, indicator, unit)
    value, remarks = _value(row.value, indicator)
    if row.status and not (row.status == layout.STATUS_ZERO and value == 0):
        raise RefusedError(
            "value-and-status",
            f"{shown(row.value)} và “{row.status}”",
            "Vừa có số vừa chọn tình trạng trái với số.",
            "Bỏ một trong hai.",
        )
    bound = Bound.of(row.precision)
    if value == 0 and bound != EXACT:
        raise RefusedError(
            "zero-with-word",
            f"{row.precision} 0",
            "Số 0 không đi với “hơn”, “trên”, “khoảng”.",
            "Sửa một trong hai ô.",
        )
    zero = value == 0 and indicator.kind != "boolean"
    return value, Status.ZERO if zero else Status.REPORTED, bound, remarks


def _check_words(row: Row, indicator: Indicator) -> None:
    for column, word, allowed in (
        (layout.PRECISION, row.precision, layout.PRECISION_WORDS),
        (layout.STATUS, row.status, layout.STATUS_WORDS),
    ):
        if word and word not in allowed:
            raise RefusedError(
                "unknown-word",
                word,
                f"Cột {column} chỉ nhận: {', '.join(allowed)}.",
                "Chọn lại trong danh sách.",
                column,
            )
    if (row.value is None or indicator.kind == "boolean") and Bound.of(row.precision) != EXACT:
        raise RefusedError(
            "word-without-number",
            row.precision,
            f"Cột {layout.PRECISION} chỉ đi với một con số.",
            f"Xóa ô ở cột {layout.PRECISION}.",
            layout.PRECISION,
        )


def _without_value(row: Row, indicator: Indicator, unit: Unit) -> Taken:
    match row.status:
        case layout.STATUS_ZERO if indicator.kind == "boolean":
            raise _yes_or_no(row.status)
        case layout.STATUS_ZERO:
            return Decimal(0), Status.ZERO, EXACT, ()
        case layout.STATUS_NOT_REPORTED:
            remark = Remark(
                "not-reported",
                row.status,
                "Đơn vị không báo cáo chỉ tiêu này; tổng sẽ ghi rõ là chưa đủ.",
                "Hỏi lại đơn vị nếu cần số đầy đủ.",
                "warning",
            )
            return None, Status.NOT_REPORTED, EXACT, (remark,)
        case layout.STATUS_NOT_APPLICABLE:
            raise RefusedError(
                "not-applicable",
                row.status,
                f"{unit.full_name} phải báo cáo chỉ tiêu này.",
                f"Ghi số, hoặc chọn {_STATUSES}.",
            )
    raise RefusedError(
        "blank",
        "(trống)",
        "Ô trống không rõ là số 0 hay không báo cáo.",
        f"Ghi số, hoặc chọn {_STATUSES} ở cột Tình trạng.",
    )


def _value(raw: RawCell, indicator: Indicator) -> tuple[Decimal, tuple[Remark, ...]]:
    """The number in a cell, by the indicator's kind."""
    if indicator.kind == "boolean":
        word = tidy(str(raw.value)).casefold()
        if raw.type == "s" and word in (layout.YES.casefold(), layout.NO.casefold()):
            return Decimal(word == layout.YES.casefold()), ()
        raise _yes_or_no(shown(raw))
    match raw.value:
        case bool():
            what = "giá trị đúng/sai"
        case int() | float():
            return _numeric(raw, indicator), ()
        case str() if raw.type == "f":
            raise RefusedError(
                "formula", raw.value, "Ô chứa công thức; số có thể đổi khi mở lại.", "Dán lại dưới dạng giá trị."
            )
        case str():
            return _typed(raw.value, indicator)
        case datetime() | date():
            what = "ngày tháng (Excel có thể đã đổi số dạng 14/15 thành ngày)"
        case _:
            what = "giờ hoặc kiểu khác"
    raise RefusedError(
        "wrong-type",
        shown(raw),
        f"Ô chứa {what}, không phải số.",
        "Ghi số bằng chữ số, định dạng ô là General hoặc Number.",
    )


def _numeric(raw: RawCell, indicator: Indicator) -> Decimal:
    value = Decimal(format(raw.value, ".15g"))  # Excel keeps 15 digits; more is noise of binary fractions
    if "%" in raw.number_format:
        raise RefusedError(
            "percent",
            shown(raw),
            "Ô định dạng phần trăm; chỉ tiêu này nhận số tuyệt đối.",
            "Ghi số; tỷ lệ do chương trình tính.",
        )
    if value < 0:
        raise RefusedError(
            "negative", shown(raw), "Số âm; chỉ tiêu này không thể âm.", "Kiểm tra lại và ghi số không âm."
        )
    if value != round(value, indicator.decimals):
        what = "số nguyên" if indicator.decimals == 0 else f"số có nhiều nhất {indicator.decimals} chữ số thập phân"
        raise RefusedError(
            "fraction",
            shown(raw),
            f"Chỉ tiêu này chỉ nhận {what}; dấu ngăn hàng nghìn có thể đã bị hiểu là dấu thập phân.",
            "Mở phiếu, ghi lại đủ chữ số, viết liền không dấu.",
        )
    return value


def _typed(text: str, indicator: Indicator) -> tuple[Decimal, tuple[Remark, ...]]:
    match numbers.parse(text, indicator.decimals, indicator.measured_in):
        case numbers.Parsed(value, ()):
            return value, ()
        case numbers.Parsed(value, notes):
            remark = Remark(
                "oddly-typed",
                text,
                f"Đọc được là {value} nhưng {', '.join(notes)}.",
                "Xem lại; nếu đúng thì ghi lại bằng số.",
                "warning",
            )
            return value, (remark,)
        case numbers.Refused(reason, remedy):
            raise RefusedError("unclear-number", text, reason[0].upper() + reason[1:], remedy)
    raise RefusedError("blank", "(dấu cách)", "Ô chỉ có dấu cách.", "Xóa ô, rồi ghi số hoặc chọn tình trạng.")


def _yes_or_no(found: str) -> RefusedError:
    return RefusedError(
        "not-yes-or-no",
        found,
        f"Chỉ tiêu này chỉ nhận {layout.YES} hoặc {layout.NO}.",
        f"Ghi {layout.YES} hoặc {layout.NO}.",
    )


def tidy(text: str) -> str:
    """A label or word as it is compared: NFC, single plain spaces, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def shown(raw: RawCell | None) -> str:
    """A raw value as the analyst sees it."""
    if raw is None:
        return ""
    if isinstance(raw.value, float):
        return format(raw.value, ".15g").replace(".", ",")
    return str(raw.value)
