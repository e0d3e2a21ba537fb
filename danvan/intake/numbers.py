"""The strict parser: a text becomes a number only when a Vietnamese and an English reader would read the same one.

House rule: '.' groups thousands, ',' is the decimal comma. Whatever has two readings is refused; what has one reading
but is written oddly is taken with a note. Nothing is ever guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal


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
Point = Literal["", ",", "."]

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF0C: ",", 0xFF0E: "."}
_SPACES = "[ \u00a0\u2009\u202f]"
_APPROXIMATE = re.compile(r"^(hơn|trên|khoảng|gần|dưới|ít nhất|xấp xỉ|chừng|độ)\b|^[~≈<>≤≥]", re.IGNORECASE)
_MULTIPLIER = re.compile(r"\b(nghìn|ngàn|vạn|triệu|tỷ|tỉ|trăm|chục)\b", re.IGNORECASE)
_ERROR = re.compile(r"^#[A-ZĐ/0]+[!?]?[A-Z]*$")

_TYPE_NUMBER = "Ghi lại bằng chữ số, ví dụ 4342 hoặc 4.342."
_TYPE_PLAIN = "Ghi lại bằng chữ số, viết liền, ví dụ 4342."
_TYPE_PERCENT = "Ghi số kèm dấu %, ví dụ 91,2%."
_PERCENT_DECIMALS = 4
_TYPE_DAY = "Ghi ngày/tháng/năm, năm đủ bốn chữ số, ví dụ 16/01/2023."
_SPACED = "thừa dấu cách"
_PRECISION = "Chỉ ghi số vào cột Giá trị; chữ “hơn”, “trên”, “khoảng” chọn ở cột Mức chính xác."


def parse(text: str, decimals: int, measured_in: str = "", point: Point = "") -> Reading:
    """Read a typed text as a number with at most `decimals` decimal digits (0: a whole number).

    `measured_in` (tin, kg ...) may follow the number; any other word is refused. `point` is the decimal mark that a
    file declares for all its numbers: then only its notation is read, and what has two readings without it has one.
    """
    tidied = _tidied(text)
    if not isinstance(tidied, _Tidied):
        return tidied
    bare, notes = tidied.text, list(tidied.notes)
    if measured_in and re.fullmatch(rf"[\d.,]+\s*{re.escape(measured_in)}", bare, re.IGNORECASE):
        notes.append(f"có kèm đơn vị tính “{measured_in}”")
        bare = bare[: -len(measured_in)].strip()
    if bare.startswith("+"):
        notes.append("có dấu +")
        bare = bare[1:]
    if re.fullmatch(r"[-\u2212]0+", bare):
        notes.append("số không có dấu âm")
        bare = "0"
    if re.fullmatch(rf"[1-9]\d{{0,2}}({_SPACES}\d{{3}})+({re.escape(point or ',')}\d+)?", bare, re.ASCII):
        notes.append("dùng dấu cách ngăn hàng nghìn")
        bare = re.sub(_SPACES, "", bare)
    if point:
        read = _declared(bare, decimals, point)
    elif decimals == 0:
        read = _whole(bare)
    else:
        read = _decimal(bare, decimals)
    if isinstance(read, Parsed):
        return Parsed(read.value, (*notes, *read.notes))
    refused = read or _why_not(bare)
    # Where the point is the decimal mark, nobody shall be told to write 4.342.
    return Refused(refused.reason, _TYPE_PLAIN) if point == "." and refused.remedy == _TYPE_NUMBER else refused


def percent(text: str) -> Reading:
    """Read a typed percentage as a share from 0 to 1: "12%" -> 0.12; without its sign it is taken with a note.

    Without a sign nothing up to 1 is taken: 0,912 may be a share or a percentage.
    """
    tidied = _tidied(text)
    if not isinstance(tidied, _Tidied):
        return tidied
    bare, notes = tidied.text, tidied.notes
    number = bare.removesuffix("%").rstrip()
    read = _decimal(number, _PERCENT_DECIMALS)
    if isinstance(read, Refused):
        return Refused(
            read.reason.replace(f"“{number}”", f"“{bare}”"),
            "Làm tròn đến một hoặc hai chữ số sau dấu phẩy, ví dụ 91,2%.",
        )
    if read is None:
        spelled = "phần trăm" in bare.casefold()  # no word for a magnitude, though it has "trăm"
        odd = None if spelled else _oddity(number, bare)
        return odd or Refused(f"không đọc được “{bare}” là tỷ lệ phần trăm.", _TYPE_PERCENT)
    if read.value > 100:
        return Refused(f"“{bare}” lớn hơn 100%; phần không thể lớn hơn tổng số.", "Kiểm tra lại và ghi tỷ lệ đúng.")
    if not bare.endswith("%"):
        if 0 < read.value <= 1:
            return Refused(f"“{bare}” thiếu dấu %, không rõ đã nhân 100 hay chưa.", _TYPE_PERCENT)
        notes = (*notes, "thiếu dấu %")
    return Parsed(read.value.scaleb(-2), (*notes, *read.notes))


def pair(text: str) -> tuple[Decimal, Decimal] | Refused | Missing:
    """Read "502/588" as a part and its whole; what would need a note is refused, but for spaces at the ends."""
    tidied = _tidied(text)
    if not isinstance(tidied, _Tidied):
        return tidied
    parts = [_whole(part.strip()) for part in tidied.text.split("/")]
    match parts:
        case [Parsed(part, ()), Parsed(whole, ())] if tidied.is_clean:
            if part > whole:
                return Refused(
                    f"“{tidied.text}” có phần lớn hơn tổng số.", "Ghi phần trước, tổng số sau dấu gạch chéo."
                )
            return part, whole
    return Refused(
        f"không đọc được “{tidied.text}” là một cặp số.", "Ghi phần và tổng số bằng số nguyên, ví dụ 502/588."
    )


def day(text: str) -> date | Refused | Missing:
    """Read a day of 1900-2099, day first ("05/7/2022") or as ISO has it ("2022-07-05"); anything else is refused."""
    tidied = _tidied(text)
    if not isinstance(tidied, _Tidied):
        return tidied
    bare = tidied.text
    if re.fullmatch(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2}", bare, re.ASCII):
        return Refused(f"“{bare}” chỉ ghi hai chữ số của năm.", _TYPE_DAY)
    iso = re.sub(r"(\d{1,2})/(\d{1,2})/(\d{4})", lambda day: f"{day[3]}-{day[2]:0>2}-{day[1]:0>2}", bare)
    if not tidied.is_clean or not re.fullmatch(r"(?:19|20)\d\d-\d\d-\d\d", iso, re.ASCII):
        return Refused(f"không đọc được “{bare}” là ngày.", _TYPE_DAY)
    try:
        return date.fromisoformat(iso)
    except ValueError:
        return Refused(f"không có ngày “{bare}”.", _TYPE_DAY)


@dataclass(frozen=True)
class _Tidied:
    """What a reader sees of a text, and notes on what had to go."""

    text: str
    notes: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Nothing went but spaces at the ends."""
        return set(self.notes) <= {_SPACED}


def _tidied(text: str) -> _Tidied | Refused | Missing:
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
        notes.append(_SPACED)
        bare = seen
    return _Tidied(bare, tuple(notes))


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
    read: Parsed | None = None
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
    return (_rounded_enough(text, read.value, decimals) or read) if read else None


def _declared(text: str, decimals: int, point: Literal[",", "."]) -> Parsed | Refused | None:
    """A number in the notation whose decimal mark is `point`; one in the other notation contradicts it."""
    other: Literal[",", "."] = "." if point == "," else ","
    if not re.fullmatch(_notation(point), text, re.ASCII):
        if not re.fullmatch(_notation(other), text, re.ASCII):
            return None
        mark = "dấu phẩy" if point == "," else "dấu chấm"
        return Refused(
            f"“{text}” trái với dấu thập phân mà tệp đã khai ({mark}).",
            "Sửa số này, hoặc khai lại dấu thập phân cho cả tệp.",
        )
    if decimals == 0 and point in text:
        return Refused(
            f"“{text}” không phải số nguyên; chỉ tiêu này chỉ nhận số nguyên.",
            _TYPE_PLAIN,
        )
    if decimals and re.match(r"0\d", text):
        return None
    value = Decimal(text.replace(other, "").replace(point, "."))
    return _rounded_enough(text, value, decimals) or Parsed(value)


def _notation(point: Literal[",", "."]) -> str:
    """All numbers of one notation: plain, grouped in thousands, or without the 0 before the point; 02 for a count."""
    groups, mark = ("\\.", ",") if point == "," else (",", "\\.")
    return rf"(?:0?\d|[1-9]\d*|[1-9]\d{{0,2}}(?:{groups}\d{{3}})+)(?:{mark}\d+)?|{mark}\d+"


def _rounded_enough(text: str, value: Decimal, decimals: int) -> Refused | None:
    if -int(value.normalize().as_tuple().exponent) <= decimals:
        return None
    return Refused(f"“{text}” có nhiều hơn {decimals} chữ số thập phân.", f"Làm tròn đến {decimals} chữ số thập phân.")


def _why_not(text: str) -> Refused:
    if odd := _oddity(text, text):
        return odd
    if text.endswith("%"):
        return Refused(f"“{text}” là tỷ lệ; chỉ tiêu này nhận số tuyệt đối.", "Ghi số; tỷ lệ do chương trình tính.")
    return Refused(f"không đọc được “{text}” là số.", _TYPE_NUMBER)


def _oddity(text: str, shown: str) -> Refused | None:
    """Why `text`, shown as `shown`, is no plain number: known ways in which people write something else."""
    if re.fullmatch(r"[-\u2212][\d.,]+", text):
        return Refused(f"“{shown}” là số âm; chỉ tiêu này không thể âm.", "Kiểm tra lại và ghi số không âm.")
    if text.startswith("="):
        return Refused(f"“{shown}” là công thức, không phải số.", "Ghi kết quả bằng số.")
    if _APPROXIMATE.match(text):
        return Refused(f"“{shown}” là số ước chừng.", _PRECISION)
    if _MULTIPLIER.search(text):
        return Refused(f"“{shown}” viết bậc số bằng chữ.", "Ghi đủ chữ số, ví dụ 2000000.")
    if re.fullmatch(r"\d+\s*/\s*\d+", text, re.ASCII):
        return Refused(f"“{shown}” là hai số trong một ô.", "Ghi tử số và mẫu số vào hai dòng chỉ tiêu riêng.")
    if re.fullmatch(r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}", text, re.ASCII):
        return Refused(f"“{shown}” là ngày, không phải số.", _TYPE_NUMBER)
    if re.fullmatch(r"\d+\s*[–—-]\s*\d+", text, re.ASCII):
        return Refused(
            f"“{shown}” là một khoảng.", "Ghi một số; nếu là số ước chừng, chọn “khoảng” ở cột Mức chính xác."
        )
    if re.fullmatch(r"[-–—.]+|không|chưa có|x|n/?a|nt|kbc|không có", text, re.IGNORECASE):
        return Refused(
            f"“{shown}” không rõ là số 0 hay không báo cáo.",
            "Để trống ô Giá trị và chọn ở cột Tình trạng: “không phát sinh”, “không báo cáo” hoặc “không áp dụng”.",
        )
    return None
