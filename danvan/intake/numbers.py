"""The strict parser: a text becomes a number only when a Vietnamese and an English reader would read the same one.

House rule: '.' groups thousands, ',' is the decimal comma. Whatever has two readings is refused; what has one reading
but is written oddly is taken with a note. Nothing is ever guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Parsed:
    """A number, and notes (Vietnamese) on what was overlooked to read it; notes make it a warning."""

    value: Decimal
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """Why a text is not taken as a number, and what to do (both Vietnamese)."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class Missing:
    """Nothing stands there."""


Reading = Parsed | Refused | Missing

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF0C: ",", 0xFF0E: "."}
_SPACES = "[ \u00a0\u2009\u202f]"
_APPROXIMATE = re.compile(r"^(hơn|trên|khoảng|gần|dưới|ít nhất|xấp xỉ|chừng|độ)\b|^[~≈<>≤≥]", re.IGNORECASE)
_MULTIPLIER = re.compile(r"\b(nghìn|ngàn|vạn|triệu|tỷ|tỉ|trăm|chục)\b", re.IGNORECASE)
_ERROR = re.compile(r"^#[A-ZĐ/0]+[!?]?[A-Z]*$")

_TYPE_NUMBER = "Ghi lại bằng chữ số, ví dụ 4342 hoặc 4.342."
_PRECISION = "Chỉ ghi số vào cột Giá trị; chữ “hơn”, “trên”, “khoảng” chọn ở cột Mức chính xác."


def parse(text: str, decimals: int, measured_in: str = "") -> Reading:
    """Read a typed text as a number with at most `decimals` decimal digits (0: a whole number).

    `measured_in` (tin, kg ...) may follow the number; any other word is refused.
    """
    if not text.strip("".join(map(chr, _INVISIBLE)) + " \u00a0\t\r\n"):
        return Missing()
    notes: list[str] = []
    bare = unicodedata.normalize("NFC", text)
    if _ERROR.match(bare):
        return Refused(f"“{bare}” là lỗi công thức của Excel.", "Sửa công thức hoặc ghi số trực tiếp.")
    if bare != (seen := bare.translate(_INVISIBLE)):
        notes.append("có ký tự ẩn")
        bare = seen
    if bare != (seen := bare.translate(_FULL_WIDTH)):
        notes.append("chữ số viết rộng")
        bare = seen
    if bare != (seen := bare.strip()):
        notes.append("thừa dấu cách")
        bare = seen
    if measured_in and re.fullmatch(rf"[\d.,]+\s*{re.escape(measured_in)}", bare, re.IGNORECASE):
        notes.append(f"có kèm đơn vị tính “{measured_in}”")
        bare = bare[: -len(measured_in)].strip()
    if bare.startswith("+"):
        notes.append("có dấu +")
        bare = bare[1:]
    if re.fullmatch(r"[-\u2212]0+", bare):
        notes.append("số không có dấu âm")
        bare = "0"
    if re.fullmatch(rf"[1-9]\d{{0,2}}({_SPACES}\d{{3}})+(,\d+)?", bare, re.ASCII):
        notes.append("dùng dấu cách ngăn hàng nghìn")
        bare = re.sub(_SPACES, "", bare)
    read = _whole(bare) if decimals == 0 else _decimal(bare, decimals)
    if isinstance(read, Parsed):
        return Parsed(read.value, (*notes, *read.notes))
    return read or _why_not(bare)


def _whole(text: str) -> Parsed | Refused | None:
    if re.fullmatch(r"0?\d|[1-9]\d*", text, re.ASCII):
        return Parsed(Decimal(text))
    if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+", text, re.ASCII):
        return Parsed(Decimal(text.replace(".", "")))
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", text, re.ASCII):
        return Refused(
            f"“{text}” có hai cách đọc: dấu phẩy là phần thập phân hay ngăn hàng nghìn.",
            "Ghi liền, ví dụ 4342.",
        )
    if re.fullmatch(r"\d*[.,]\d+", text, re.ASCII) or re.fullmatch(r"[\d.]+,\d+|[\d,]+\.\d+", text, re.ASCII):
        return Refused(f"“{text}” không phải số nguyên; chỉ tiêu này chỉ nhận số nguyên.", _TYPE_NUMBER)
    return None


def _decimal(text: str, decimals: int) -> Parsed | Refused | None:
    read: Parsed | Refused | None = None
    if re.fullmatch(r"\d|[1-9]\d*", text, re.ASCII):
        return Parsed(Decimal(text))
    if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3}){2,}", text, re.ASCII):
        return Parsed(Decimal(text.replace(".", "")))
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", text, re.ASCII):
        return Refused(
            f"“{text}” có hai cách đọc: phần thập phân hay hàng nghìn.",
            "Hàng nghìn ghi liền (4342); phần thập phân ghi dấu phẩy với một hoặc hai chữ số (4,34).",
        )
    if re.fullmatch(r"(0|[1-9]\d*)?,\d+|[1-9]\d{0,2}(\.\d{3})+,\d+", text, re.ASCII):
        read = Parsed(Decimal(text.replace(".", "").replace(",", ".")))
    elif re.fullmatch(r"(0|[1-9]\d*)?\.\d+", text, re.ASCII):
        read = Parsed(Decimal(text), ("dùng dấu chấm thập phân kiểu Anh",))
    elif re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+\.\d+", text, re.ASCII):
        read = Parsed(Decimal(text.replace(",", "")), ("viết số kiểu Anh",))
    if isinstance(read, Parsed) and -int(read.value.normalize().as_tuple().exponent) > decimals:
        return Refused(
            f"“{text}” có nhiều hơn {decimals} chữ số thập phân.",
            f"Làm tròn đến {decimals} chữ số thập phân.",
        )
    return read


def _why_not(text: str) -> Refused:
    if re.fullmatch(r"[-\u2212][\d.,]+", text):
        return Refused(f"“{text}” là số âm; chỉ tiêu này không thể âm.", "Kiểm tra lại và ghi số không âm.")
    if text.startswith("="):
        return Refused(f"“{text}” là công thức, không phải số.", "Ghi kết quả bằng số.")
    if _APPROXIMATE.match(text):
        return Refused(f"“{text}” là số ước chừng.", _PRECISION)
    if _MULTIPLIER.search(text):
        return Refused(f"“{text}” viết bậc số bằng chữ.", "Ghi đủ chữ số, ví dụ 2000000.")
    if re.fullmatch(r"\d+\s*/\s*\d+", text, re.ASCII):
        return Refused(f"“{text}” là hai số trong một ô.", "Ghi tử số và mẫu số vào hai dòng chỉ tiêu riêng.")
    if re.fullmatch(r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}", text, re.ASCII):
        return Refused(f"“{text}” là ngày, không phải số.", _TYPE_NUMBER)
    if re.fullmatch(r"\d+\s*[–—-]\s*\d+", text, re.ASCII):
        return Refused(
            f"“{text}” là một khoảng.", "Ghi một số; nếu là số ước chừng, chọn “khoảng” ở cột Mức chính xác."
        )
    if re.fullmatch(r"[-–—.]+|không|chưa có|x|n/?a|nt|kbc|không có", text, re.IGNORECASE):
        return Refused(
            f"“{text}” không rõ là số 0 hay không báo cáo.",
            "Để trống ô Giá trị và chọn ở cột Tình trạng: “không phát sinh”, “không báo cáo” hoặc “không áp dụng”.",
        )
    if text.endswith("%"):
        return Refused(f"“{text}” là tỷ lệ; chỉ tiêu này nhận số tuyệt đối.", "Ghi số; tỷ lệ do chương trình tính.")
    return Refused(f"không đọc được “{text}” là số.", _TYPE_NUMBER)
