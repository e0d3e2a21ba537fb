"""One row of a return -> value, status and bound. Whatever has two readings is refused, with what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from danvan.catalogue import Indicator
from danvan.errors import nearest
from danvan.intake import formulas, layout, numbers
from danvan.intake.cells import RawCell, tidy
from danvan.intake.findings import Severity
from danvan.intake.observations import EXACT, Bound, Status
from danvan.intake.rules import RULES
from danvan.units import Unit, strange_letters

_BEYOND_ALL = 10**15  # Excel keeps 15 digits
_STATUSES = f"“{layout.STATUS_ZERO}” hay “{layout.STATUS_NOT_REPORTED}”"


@dataclass(frozen=True)
class Row:
    """The cells of a row that an office fills in; precision and status are tidied words in lower case.

    `point` is the decimal mark that a CSV declares; `lookup` finds other cells, for a formula.
    """

    value: RawCell | None
    precision: str
    status: str
    point: Literal["", ",", "."] = ""
    lookup: formulas.Lookup | None = None


@dataclass(frozen=True)
class Remark:
    """What is wrong or remarkable in a row: a finding that does not know its place yet, but its column."""

    rule: str
    found: str
    reason: str
    remedy: str
    column: str = layout.VALUE

    @property
    def severity(self) -> Severity:
        return RULES[self.rule].severity


class RefusedError(Exception):
    """The row says nothing that can be taken; carries the remark."""

    def __init__(self, rule: str, found: str, reason: str, remedy: str, column: str = layout.VALUE) -> None:
        super().__init__(reason)
        self.remark = Remark(rule, found, reason, remedy, column)


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
    settled, remarks = _settled(row.value, row.lookup)
    if settled.value is None:
        return _without_value(row, indicator, unit)
    value, more = _value(settled, indicator, row.point)
    remarks += more
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
                f"Cột {column} chỉ nhận: {', '.join(allowed)}.{nearest(word, allowed)}" + strange_letters(word, "Từ"),
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
            )
            return None, Status.NOT_REPORTED, EXACT, (remark,)
        case layout.STATUS_NOT_APPLICABLE:
            claim = Remark(
                "claims-not-applicable",
                row.status,
                f"{unit.full_name} ghi không có đối tượng, trong khi danh mục cho là phải báo cáo; tổng sẽ ghi rõ "
                "là chưa đủ.",
                f"Nếu đúng thì giải trình một lần; nếu không thì ghi số, hoặc chọn {_STATUSES}.",
            )
            return None, Status.NOT_APPLICABLE, EXACT, (claim,)
    raise RefusedError(
        "blank",
        "(trống)",
        "Ô trống không rõ là số 0 hay không báo cáo.",
        f"Ghi số, hoặc chọn {_STATUSES} ở cột Tình trạng.",
    )


def _settled(raw: RawCell, lookup: formulas.Lookup | None) -> tuple[RawCell, tuple[Remark, ...]]:
    """The cell itself; of a formula what was last calculated, with a remark, held against what it gives now."""
    if raw.type != "f":
        return raw, ()
    formula = str(raw.value)
    if formulas.is_external(formula):
        raise RefusedError(
            "formula-from-elsewhere",
            formula,
            "Công thức lấy số từ nơi khác hoặc gọi chương trình; không bao giờ được chạy.",
            "Ghi số trực tiếp.",
        )
    if raw.cached is None:
        raise RefusedError(
            "formula-without-value",
            formula,
            "Ô chứa công thức mà tệp không lưu kết quả.",
            "Chép ô rồi dán lại dưới dạng giá trị.",
        )
    kinds = {bool: "b", int: "n", float: "n", str: "e" if str(raw.cached).startswith("#") else "s"}
    settled = replace(raw, value=raw.cached, type=kinds.get(type(raw.cached), "d"), cached=None)
    now = formulas.value(formula, lookup) if lookup else None
    held = Decimal(format(raw.cached, ".15g")) if settled.type == "n" and isinstance(raw.cached, int | float) else None
    found = f"{formula} → {shown(settled)}"
    if now is not None and held is not None and abs(now - held) > Decimal("1e-9") * max(Decimal(1), abs(held)):
        return settled, (
            Remark(
                "stale-formula",
                f"{found}; tính lại: {plain(now)}",
                "Kết quả đã lưu của công thức khác kết quả tính lại; đang lấy kết quả đã lưu.",
                "Mở phiếu, tính lại (F9), dán kết quả dưới dạng giá trị.",
            ),
        )
    checked = "đã tính lại, khớp" if now is not None and now == held else "không tính lại được để đối chiếu"
    return settled, (
        Remark(
            "formula",
            found,
            f"Ô chứa công thức; lấy kết quả đã lưu ({checked}).",
            "Dán lại dưới dạng giá trị.",
        ),
    )


def _value(raw: RawCell, indicator: Indicator, point: Literal["", ",", "."]) -> tuple[Decimal, tuple[Remark, ...]]:
    """The number in a cell, by the indicator's kind."""
    if raw.type == "e":
        raise RefusedError(
            "error-cell",
            shown(raw),
            f"“{shown(raw)}” là lỗi công thức của Excel.",
            "Sửa công thức hoặc ghi số trực tiếp.",
        )
    if indicator.kind == "boolean":
        word = tidy(str(raw.value)).casefold()
        if raw.type == "s" and word in (layout.YES.casefold(), layout.NO.casefold()):
            return Decimal(word == layout.YES.casefold()), ()
        raise _yes_or_no(shown(raw))
    match raw.value:
        case bool():
            what = "giá trị đúng/sai"
        case int() | float():
            return _numeric(raw, indicator)
        case str():
            return _typed(raw.value, indicator, point)
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


def _too_large(found: str) -> RefusedError:
    return RefusedError("unclear-number", found, "Số lớn quá mức có thể.", "Kiểm tra lại và ghi đúng số.")


def _numeric(raw: RawCell, indicator: Indicator) -> tuple[Decimal, tuple[Remark, ...]]:
    if not isinstance(raw.value, int | float) or not abs(raw.value) < _BEYOND_ALL:  # infinity, too
        raise _too_large(shown(raw))
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
    if how := _disguises(raw.number_format, indicator.measured_in, is_zero=value == 0):
        raise RefusedError(
            "hidden-format",
            f"{shown(raw)} (định dạng {raw.number_format})",
            f"Định dạng ô {how}, nên số hiện ra khác số lưu trong ô.",
            "Đặt lại định dạng General rồi xem số có đúng không.",
        )
    decimals = re.fullmatch(r"[#,0 ]*0(?:\.([0#?]+))?", raw.number_format)
    if decimals and value != round(value, len(decimals[1] or "")):
        remark = Remark(
            "shown-rounded",
            f"{shown(raw)} (hiện ra {plain(round(value, len(decimals[1] or '')))})",
            "Ô hiện số làm tròn; lấy số lưu trong ô.",
            "Xem số nào đúng, ghi lại đủ chữ số.",
        )
        return value, (remark,)
    return value, ()


def _disguises(number_format: str, measured_in: str, *, is_zero: bool) -> str:
    """How a number format makes the reader of the screen see another number; '' where it does not."""
    sections = number_format.split(";")[:3]  # of positive, negative numbers and nothing; the fourth is of texts
    if re.search(r"\[[<>=]", number_format):  # unless they have conditions of their own
        return next(filter(None, (_section_disguises(section, measured_in) for section in sections)), "")
    if is_zero and len(sections) == 3 and "-" in sections[2]:
        return ""  # as accountants show nothing
    return _section_disguises(sections[2 if is_zero and len(sections) == 3 else 0], measured_in)


def _section_disguises(section: str, measured_in: str) -> str:
    if not section.strip():
        return "giấu số"
    bare = re.sub(r"\[[^\]]*\]|[_*].", "", section)  # colours, locales and conditions; padding
    words = [quoted or escaped for quoted, escaped in re.findall(r'"([^"]*)"|\\(.)', bare)]
    if tidy("".join(words)).casefold() not in ("", measured_in.casefold()) and any(
        c.isalnum() for word in words for c in word
    ):
        return "thêm chữ vào số"
    bare = re.sub(r'"[^"]*"|\\.', "", bare)
    if re.search(r"[0#?],+(?![0#?,])", bare):
        return "chia số cho nghìn"
    return "" if re.search(r"[0#?@]|General", bare) else "giấu số"


def _typed(text: str, indicator: Indicator, point: Literal["", ",", "."]) -> tuple[Decimal, tuple[Remark, ...]]:
    match numbers.parse(text, indicator.decimals, indicator.measured_in, point):
        case numbers.Parsed(value) if value >= _BEYOND_ALL:
            raise _too_large(text)
        case numbers.Parsed(value, ()):
            return value, ()
        case numbers.Parsed(value, notes):
            remark = Remark(
                "oddly-typed",
                text,
                f"Đọc được là {plain(value)} nhưng {', '.join(notes)}.",
                "Xem lại; nếu đúng thì ghi lại bằng số.",
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


def shown(raw: RawCell | None) -> str:
    """A raw value as the analyst sees it."""
    if raw is None:
        return ""
    if isinstance(raw.value, float):
        return format(raw.value, ".15g").replace(".", ",")
    return str(raw.value)


def plain(value: Decimal) -> str:
    """Plain digits with a decimal comma, as typed in a cell."""
    return format(value, "f").replace(".", ",")
