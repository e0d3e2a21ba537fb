"""Numbers, dates and documents -> Vietnamese words, as an official report writes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal

from danvan.catalogue import Indicator
from danvan.comparison import Change
from danvan.intake.observations import Bound, Status
from danvan.measures import Result, is_of_city, rounded
from danvan.params import Reference
from danvan.statistics import Interval
from danvan.units import KINDS, Unit

PHRASE_MIME = "application/vnd.danvan.phrase+json"
NO_DATA = "(chưa có số liệu)"
ILLUSTRATIVE = "số liệu minh họa"
_UNKNOWN = {
    Status.NOT_APPLICABLE: "(không áp dụng)",
    Status.WITHHELD: "(không công bố)",
    Status.NO_DENOMINATOR: "(không có mẫu số)",
}
_SCALES = {"nghìn": 3, "triệu": 6}


@dataclass(frozen=True)
class Phrase:
    """Words for a sentence, with the keys of the results behind them. Empty phrases are false."""

    text: str
    results: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        return format(self.text, spec)

    def __bool__(self) -> bool:
        return bool(self.text)

    def __add__(self, other: object) -> Phrase:
        return join("", [self, other])

    def __radd__(self, other: object) -> Phrase:
        return join("", [other, self])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "text/plain": self.text,
            PHRASE_MIME: {"text": self.text, "results": list(self.results)},
        }


def join(separator: str, parts: Iterable[object]) -> Phrase:
    """Phrases and texts put together; the results of all are kept, each once."""
    parts = list(parts)
    keys = [key for part in parts for key in getattr(part, "results", ())]
    return Phrase(separator.join(str(part) for part in parts), tuple(dict.fromkeys(keys)))


def lower_first(text: str) -> str:
    """'Quận Đồ Sơn' as it stands inside a sentence: 'quận Đồ Sơn'."""
    return text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    """'Từ 01/01/2025', at the beginning of a line."""
    return text[:1].upper() + text[1:]


def number(value: Decimal | int, decimals: int = 0, *, padded: bool = False) -> str:
    """'4.342', '442,37'; at most `decimals` digits after the comma; `padded`: 1-9 as '01'-'09', for running text."""
    shown = rounded(Decimal(value), decimals)
    text = str(format_decimal(shown, format="#,##0." + "#" * decimals, locale="vi", decimal_quantization=False))
    return f"0{text}" if padded and text.isdigit() and len(text) == 1 and text != "0" else text


def percent(value: Decimal) -> str:
    """'85,4%' of 85.37...: one decimal, no space, as CLDR writes Vietnamese."""
    return number(value, 1) + "%"


def short_date(day: date) -> str:
    """'05/7/2022', '16/01/2023': two digits for the day; of the months only 1 and 2."""
    return in_form(day, "{day}/{month}/{year}")


def span(first: date, last: date) -> str:
    """'từ 01/01/2025 đến 30/6/2025'."""
    return f"từ {short_date(first)} đến {short_date(last)}"


def kinds(units: Iterable[Unit]) -> str:
    """'quận, huyện': the kinds of units, in the order of a sentence."""
    there = {unit.kind for unit in units}
    return ", ".join(kind for kind in KINDS if kind in there)


def commune_kinds(units: Iterable[Unit]) -> str:
    """'xã, phường, thị trấn': the kinds of communes that the units have or are."""
    names = {"communes": "xã", "wards": "phường", "townships": "thị trấn", "special_zones": "đặc khu"}
    units = tuple(units)
    return ", ".join(word for name, word in names.items() if any(getattr(unit, name) for unit in units))


def long_date(day: date | None) -> str:
    """'ngày 08 tháng 9 năm 2023'; dotted where it is not yet known."""
    return in_form(day, "ngày {day} tháng {month} năm {year}")


def in_form(day: date | None, form: str, **others: str) -> str:
    """A date in the form of a document format: '{place}, ngày {day} tháng {month} năm {year}'; dotted if not known."""
    if day is None:
        return form.format(day=".....", month=".....", year="........", **others)
    month = f"{day.month:02}" if day.month < 3 else str(day.month)
    return form.format(day=f"{day.day:02}", month=month, year=day.year, **others)


def with_bound(text: str, bound: Bound) -> str:
    """'hơn 16'."""
    return f"{bound.word} {text}".strip()


def measured(value: Decimal, indicator: Indicator, *, padded: bool = False) -> str:
    """A value in its indicator's format: percent, decimals, or the print scale where that loses nothing."""
    if indicator.kind == "ratio" and indicator.scale == 100:
        return percent(value)
    if indicator.print_scale:
        scaled = value.scaleb(-_SCALES[indicator.print_scale])
        if value and scaled == rounded(scaled, 2):
            return f"{number(scaled, 2)} {indicator.print_scale}"
    return number(value, indicator.decimals, padded=padded and indicator.kind != "ratio")


def in_prose(result: Result) -> Phrase:
    """A result in running text: bound word, padded small counts, '[14/15]' behind an incomplete total."""
    if result.value is None:
        return Phrase(_UNKNOWN.get(result.status, NO_DATA), (result.key,))
    text = with_bound(measured(result.value, result.indicator, padded=True), result.bound)
    return Phrase(text + coverage(result), (result.key,))


def no_data(*results: Result) -> str:
    """Why a figure made of these cannot be told: one of them is not published, or there are no data."""
    withheld = any(result.status is Status.WITHHELD for result in results)
    return _UNKNOWN[Status.WITHHELD] if withheld else NO_DATA


def pair(result: Result) -> Phrase:
    """'502/588' of a ratio."""
    if result.numerator is None or result.denominator is None:
        return Phrase(no_data(result), (result.key,))
    text = with_bound(f"{number(result.numerator)}/{number(result.denominator)}", result.bound)
    return Phrase(text + coverage(result), (result.key,))


def coverage(result: Result) -> str:
    """' [14/15]' where not every unit has reported; nothing where all have."""
    if result.complete or not is_of_city(result.scope) or result.status is Status.NO_DENOMINATOR:
        return ""
    if result.city_missing:
        return f" [{result.reported}/{result.owed}, thiếu khối thành phố]" if result.owed else " [thiếu khối thành phố]"
    return f" [{result.reported}/{result.owed}]"


def in_table(result: Result) -> str:
    """A result in a table cell or chart label: no padding; what is not known in one short word."""
    match result.status:
        case Status.NOT_REPORTED:
            return "chưa báo cáo"
        case Status.NOT_APPLICABLE:
            return "–"
        case Status.WITHHELD:
            return "không công bố"
        case Status.NO_DENOMINATOR:
            return "không có mẫu số"
    assert result.value is not None
    if result.indicator.kind == "boolean":
        return number(result.value) if is_of_city(result.scope) else ("Có" if result.value else "Không")
    return with_bound(measured(result.value, result.indicator), result.bound)


def of_change(change: Change, last_year: int) -> Phrase:
    """'tăng 5,2% so với năm 2022'. Says so where last year's figures are illustrative."""
    mark = f" ({ILLUSTRATIVE})" if change.last and change.last.provenance == "illustrative" else ""
    against = f"so với năm {last_year}{mark}"
    if change.way == "incomparable":
        return Phrase(f"không so sánh được với năm {last_year} do {change.reason}", change.keys)
    if change.way == "chance":
        apart = f"chênh {_amount(change)}, trong mức dao động ngẫu nhiên"
        words = "; ".join(filter(None, [ILLUSTRATIVE if mark else "", apart]))
        return Phrase(f"không khác biệt rõ so với năm {last_year} ({words})", change.keys)
    return Phrase(f"{change_words(change)} {against}", change.keys)


def change_words(change: Change) -> str:
    """'tăng 5,2%', 'gấp 13,8 lần', 'giảm 03 khẩu', 'tăng 1,2 điểm phần trăm', 'không đổi', 'không so sánh được'.

    A difference that chance explains is neither: 'không khác biệt rõ'.
    """
    indicator = change.now.indicator
    if change.way == "incomparable":
        return "không so sánh được"
    if change.way == "same":
        return "không đổi"
    if change.way == "chance":
        return "không khác biệt rõ"
    verb = "tăng" if change.way == "up" else "giảm"
    if indicator.kind == "ratio" and indicator.scale == 100:
        return f"{verb} {_amount(change)}"
    if change.percent is not None and change.way == "up" and change.percent >= 200:
        return f"gấp {number(change.percent / 100 + 1, 1)} lần"
    if change.percent is not None:
        return f"{verb} {percent(change.percent)}" if change.percent else f"{verb} dưới {percent(Decimal('0.1'))}"
    return f"{verb} {_amount(change)}"


def _amount(change: Change) -> str:
    """'03 khẩu', '1,2 điểm phần trăm': how far apart two figures are."""
    indicator = change.now.indicator
    if indicator.kind == "ratio" and indicator.scale == 100:
        return f"{number(change.amount, 1)} điểm phần trăm"
    word = "đơn vị" if indicator.kind == "boolean" else indicator.measured_in
    return f"{number(change.amount, indicator.decimals, padded=True)} {word}"


def change_in_table(change: Change) -> str:
    """'+5,2%', '-3', '0', '≈ (+3)' for a difference within chance, or 'không so sánh được'."""
    indicator = change.now.indicator
    if change.way == "incomparable":
        return "không so sánh được"
    if change.way == "same":
        return "0"
    sign = "+" if change.sign > 0 else "−"
    if indicator.kind == "ratio" and indicator.scale == 100:
        text = f"{sign}{number(change.amount, 1)} điểm %"
    elif change.percent is not None:
        text = f"{sign}{percent(change.percent)}" if change.percent else f"{sign}<{percent(Decimal('0.1'))}"
    else:
        text = f"{sign}{number(change.amount, indicator.decimals)}"
    return f"≈ ({text})" if change.way == "chance" else text


_METHODS = {
    "wilson": "Wilson",
    "clopper-pearson": "Clopper-Pearson",
    "byar": "Byar",
    "exact-poisson": "Poisson chính xác",
}


def why_not(changes: Iterable[Change]) -> str:
    """'Không so sánh được: địa giới thành phố thay đổi từ 01/7/2025.', or '' where all can be compared."""
    reasons = dict.fromkeys(change.reason for change in changes if change.way == "incomparable")
    return f"Không so sánh được: {'; '.join(reasons)}." if reasons else ""


def of_interval(interval: Interval, indicator: Indicator) -> str:
    """'khoảng tin cậy 95% (Wilson): 84,9%-86,1%': what chance leaves open, in the indicator's format, and how made."""
    low, high = (measured(Decimal(str(round(limit, 6))), indicator) for limit in (interval.lower, interval.upper))
    level = number(Decimal(str(round(interval.confidence * 100, 4))), 1)
    return f"khoảng tin cậy {level}% ({_METHODS.get(interval.method, interval.method)}): {low}-{high}"


def cite(reference: Reference, dated: str = ", ngày {day}/{month}/{year}") -> Phrase:
    """'Chỉ thị số 33/CT-TTg, ngày 26/11/2021 của Thủ tướng Chính phủ về ...'; parts not known stay out."""
    text = reference.kind
    if reference.number:
        text += f" số {reference.number}"
    if reference.date:
        text += in_form(reference.date, dated)
    if reference.issuer:
        text += f" của {reference.issuer}"
    if reference.subject:
        subject = reference.subject
        _, _, rest = subject.partition(" ")
        if not rest[:1].isupper():  # else it begins with a name: Luật Thực hiện ..., Hải Phòng ...
            subject = lower_first(subject)
        text += f" {subject}" if subject.startswith(("về ", "thực hiện ", "triển khai ")) else f" về {subject}"
    return Phrase(text)


def enumerate_(parts: Iterable[object], last: str = " và ") -> Phrase:
    """'a, b và c'."""
    parts = list(parts)
    if len(parts) < 2:
        return join("", parts)
    return join(last, [join(", ", parts[:-1]), parts[-1]])
