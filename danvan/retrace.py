"""What the trace says of a figure, in words: the same on the card of a page and on a terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from danvan.intake import layout
from danvan.intake.observations import Status
from danvan.measures import is_of_city

Traced = Mapping[str, Any]  # a result of trace.json
EDITIONS = {"public": "công khai", "internal": "nội bộ"}
STATUSES: dict[Status, tuple[str, str]] = {
    Status.REPORTED: ("đã báo cáo", "Có số, kể cả số tính ra từ các số đã báo cáo."),
    Status.ZERO: (layout.STATUS_ZERO, "Biết chắc là bằng 0; cột Giá trị ghi 0."),
    Status.NOT_REPORTED: (
        layout.STATUS_NOT_REPORTED,
        "Phải báo cáo nhưng chưa có số; không phải là 0. Báo cáo ghi “chưa báo cáo”.",
    ),
    Status.NOT_APPLICABLE: (
        layout.STATUS_NOT_APPLICABLE,
        "Không có đối tượng hoặc không phải báo cáo. Báo cáo ghi “–”.",
    ),
    Status.WITHHELD: ("không công bố", "Đã báo cáo nhưng ấn bản này không nêu."),
    Status.NO_DENOMINATOR: ("không có mẫu số", "Tỷ lệ không tính được vì không biết mẫu số."),
}
PROVENANCES = {
    "reported": ("theo phiếu", "Từ phiếu số liệu các đơn vị và khối thành phố gửi."),
    "published": ("đã công bố", "Số toàn thành phố khớp với báo cáo đã công bố."),
    "illustrative": ("minh họa", "Không phải số liệu thật."),
}
LINE = re.compile(r"dòng (\d+)")  # a place in a CSV
_ILLUSTRATIVE = "illustrative"
_BOUNDS = {"khoảng": "số ước chừng"}


def name_of(key: str) -> str:
    """'tips_received' of 'tips_received@2023/total'."""
    return key.partition("@")[0]


def scope_of(key: str) -> str:
    """'total' of it."""
    return key.partition("/")[2]


def mark_of(key: str) -> str:
    """'2023/total' of it."""
    return key.partition("@")[2]


def is_of_unit(key: str, result: Traced) -> bool:
    return "scope" in result and not is_of_city(scope_of(key))


def whose(result: Traced) -> str:
    """'Toàn thành phố, năm 2023'; a count of the report has no scope."""
    return f"{result['scope']}, năm {result['year']}" if "scope" in result else "Số trong báo cáo"


def cell(ref: str) -> str:
    """'ô D13'; a line of a CSV is told as it is."""
    return f"ô {ref}" if re.fullmatch(r"[A-Z]+\d+", ref) else ref


def bound(word: str) -> str:
    """'“hơn”: mức tối thiểu'; '' of an exact figure."""
    return f"“{word}”: {_BOUNDS.get(word, 'mức tối thiểu')}" if word else ""


def coverage(result: Traced) -> str:
    """'14/15 đơn vị có số'; '' where one alone owes it."""
    return f"{result['reported']}/{result['owed']} đơn vị có số" if result.get("owed", 0) > 1 else ""


def said(result: Traced) -> str:
    """The figure, what its bound means, who stands behind it, what chance leaves open."""
    parts = (result["text"], bound(result.get("bound", "")), coverage(result), result.get("interval", ""))
    return "; ".join(filter(None, parts))


def illustrative(keys: Sequence[str], results: Mapping[str, Traced]) -> str:
    """What of these results is illustrative, in one sentence; '' where all is real."""
    marked = [key for key in keys if results[key]["provenance"] == _ILLUSTRATIVE]
    if not marked:
        return ""
    if len(marked) == len(keys):
        return "Số liệu minh họa."
    parts = ["số của từng đơn vị"] * any(is_of_unit(key, results[key]) for key in marked)
    years = sorted(
        {results[key]["year"] for key in marked if not is_of_unit(key, results[key]) and "year" in results[key]}
    )
    parts += [f"số toàn thành phố năm {year}" for year in years]
    text = ", ".join(parts) or "một phần"
    return f"{text[:1].upper()}{text[1:]} là số liệu minh họa."
