"""The strict parser: every line of the case file, the sentences it refuses with, and what holds for any text."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danvan.intake.numbers import Missing, Parsed, Refused, parse

CASES = Path(__file__).resolve().parent.parent / "cases" / "numbers.csv"
DECIMALS = {"integer": 0, "decimal": 3, "decimal (kg)": 2}


def cases() -> list[dict[str, str]]:
    """The lines of the case file that the parser of returns must answer; the text by its code points, where given."""
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "parse" and row["unit_type"] in DECIMALS]
    for row in rows:
        if row["input_codepoints"]:
            row["input"] = "".join(chr(int(point[2:], 16)) for point in row["input_codepoints"].split())
    return rows


def test_the_case_file_is_whole() -> None:
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 89
    assert sum(row["kind"] == "parse" for row in rows) == 70
    others = {row["unit_type"] for row in rows if row["kind"] == "parse"} - set(DECIMALS)
    assert others == {"ratio pair", "percent", "date"}  # never typed in one cell of a return
    assert len(cases()) == 61


@pytest.mark.parametrize("row", cases(), ids=lambda row: f"{row['id']} {row['input']!r} {row['unit_type']}")
def test_case(row: dict[str, str]) -> None:
    measured_in = "kg" if "kg" in row["unit_type"] else ""
    read = parse(row["input"], DECIMALS[row["unit_type"]], measured_in)
    match row["expected_verdict"]:
        case "accept":
            assert read == Parsed(Decimal(row["expected_value"]))
        case "warn":
            assert isinstance(read, Parsed)
            assert (read.value, bool(read.notes)) == (Decimal(row["expected_value"]), True)
        case "missing":
            assert read == Missing()
        case verdict:
            assert verdict == "reject"
            assert isinstance(read, Refused)
            assert read.reason.endswith(".")
            assert read.remedy.endswith(".")
            assert row["input"] in read.reason


# --- what is said ----------------------------------------------------------------------------------------------

PRECISION = "Chỉ ghi số vào cột Giá trị; chữ “hơn”, “trên”, “khoảng” chọn ở cột Mức chính xác."


@pytest.mark.parametrize(
    ("text", "decimals", "reason", "remedy"),
    [
        (
            "4,342",
            0,
            "“4,342” có hai cách đọc: dấu phẩy là phần thập phân hay ngăn hàng nghìn.",
            "Ghi liền, ví dụ 4342.",
        ),
        (
            "4.342",
            2,
            "“4.342” có hai cách đọc: phần thập phân hay hàng nghìn.",
            "Hàng nghìn ghi liền (4342); phần thập phân ghi dấu phẩy với một hoặc hai chữ số (4,34).",
        ),
        (
            "12.5",
            0,
            "“12.5” không phải số nguyên; chỉ tiêu này chỉ nhận số nguyên.",
            "Ghi lại bằng chữ số, ví dụ 4342 hoặc 4.342.",
        ),
        ("1,2345", 2, "“1,2345” có nhiều hơn 2 chữ số thập phân.", "Làm tròn đến 2 chữ số thập phân."),
        ("hơn 700", 0, "“hơn 700” là số ước chừng.", PRECISION),
        ("< 5", 0, "“< 5” là số ước chừng.", PRECISION),
        ("2 triệu", 0, "“2 triệu” viết bậc số bằng chữ.", "Ghi đủ chữ số, ví dụ 2000000."),
        ("14/15", 0, "“14/15” là hai số trong một ô.", "Ghi tử số và mẫu số vào hai dòng chỉ tiêu riêng."),
        (
            "16/01/2023",
            0,
            "“16/01/2023” là ngày, không phải số.",
            "Ghi lại bằng chữ số, ví dụ 4342 hoặc 4.342.",
        ),
        (
            "10–15",
            0,
            "“10–15” là một khoảng.",
            "Ghi một số; nếu là số ước chừng, chọn “khoảng” ở cột Mức chính xác.",
        ),
        (
            "không",
            0,
            "“không” không rõ là số 0 hay không báo cáo.",
            "Để trống ô Giá trị và chọn ở cột Tình trạng: “không phát sinh”, “không báo cáo” hoặc “không áp dụng”.",
        ),
        ("-5", 0, "“-5” là số âm; chỉ tiêu này không thể âm.", "Kiểm tra lại và ghi số không âm."),
        ("=1+1", 0, "“=1+1” là công thức, không phải số.", "Ghi kết quả bằng số."),
        ("#REF!", 0, "“#REF!” là lỗi công thức của Excel.", "Sửa công thức hoặc ghi số trực tiếp."),
        (
            "12%",
            0,
            "“12%” là tỷ lệ; chỉ tiêu này nhận số tuyệt đối.",
            "Ghi số; tỷ lệ do chương trình tính.",
        ),
        ("l00", 0, "không đọc được “l00” là số.", "Ghi lại bằng chữ số, ví dụ 4342 hoặc 4.342."),
    ],
)
def test_why_not(text: str, decimals: int, reason: str, remedy: str) -> None:
    assert parse(text, decimals) == Refused(reason, remedy)


@pytest.mark.parametrize("error", ["#REF!", "#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#VALUE!"])
@pytest.mark.parametrize("decimals", [0, 2])
def test_an_error_of_excel_is_never_a_number(error: str, decimals: int) -> None:
    assert parse(error, decimals) == Refused(
        f"“{error}” là lỗi công thức của Excel.", "Sửa công thức hoặc ghi số trực tiếp."
    )


@pytest.mark.parametrize("word", ["-", "–", "x", "X", "N/A", "NA", "nt", "KBC", "Không", "không có", "chưa có"])
def test_words_that_might_mean_nothing_or_unknown(word: str) -> None:
    read = parse(word, 0)
    assert isinstance(read, Refused)
    assert read.reason == f"“{word}” không rõ là số 0 hay không báo cáo."


@pytest.mark.parametrize("blank", ["", " ", "\u00a0", "\t\r\n", "\u200b", " \ufeff "])
def test_nothing_stands_there(blank: str) -> None:
    assert parse(blank, 0) == Missing()
    assert parse(blank, 2) == Missing()


@pytest.mark.parametrize(
    ("text", "decimals", "value", "notes"),
    [
        ("\u200b12", 0, 12, ("có ký tự ẩn",)),
        ("２０５１", 0, 2051, ("chữ số viết rộng",)),
        ("4.342 ", 0, 4342, ("thừa dấu cách",)),
        ("16 kg", 2, 16, ("có kèm đơn vị tính “kg”",)),
        ("16,5KG", 2, "16.5", ("có kèm đơn vị tính “kg”",)),
        ("+5", 0, 5, ("có dấu +",)),
        ("-0", 0, 0, ("số không có dấu âm",)),
        ("1\u00a0234", 0, 1234, ("dùng dấu cách ngăn hàng nghìn",)),
        ("1.5", 2, "1.5", ("dùng dấu chấm thập phân kiểu Anh",)),
        ("1,234.5", 2, "1234.5", ("viết số kiểu Anh",)),
        (" ２０５１\u200b", 0, 2051, ("có ký tự ẩn", "chữ số viết rộng", "thừa dấu cách")),
    ],
)
def test_what_was_overlooked_is_noted(text: str, decimals: int, value: int | str, notes: tuple[str, ...]) -> None:
    assert parse(text, decimals, "kg") == Parsed(Decimal(value), notes)


# --- what holds for any text -----------------------------------------------------------------------------------


def reading(text: str, groups: str, point: str) -> Decimal | None:
    """The number that a reader of one notation sees: `groups` between thousands, `point` before the fraction."""
    g, p = re.escape(groups), re.escape(point)
    shape = rf"(?P<whole>[0-9]+|[1-9][0-9]{{0,2}}(?:{g}[0-9]{{3}})+|)(?:{p}(?P<fraction>[0-9]+))?"
    match = re.fullmatch(shape, text)
    if not match or not (match["whole"] or match["fraction"]):
        return None
    return Decimal(f"{match['whole'].replace(groups, '') or 0}.{match['fraction'] or 0}")


def readings(text: str, decimals: int) -> set[Decimal]:
    """What a Vietnamese and an English reader may take the text for, who know how many decimals the indicator has.

    A count is never written with a fraction, not even with one of zeros.
    """
    seen = set()
    for groups, point in ((".", ","), (",", ".")):
        value = reading(text, groups, point)
        if value is not None and value == round(value, decimals) and (decimals or point not in text):
            seen.add(value)
    return seen


WRITTEN = st.one_of(
    st.text("0123456789., ", max_size=12),
    st.text("0123456789.,-+~<>%/ \u00a0\u2009\u200bkgxhơnE٣²５", max_size=10),
    st.from_regex(r"[0-9]{1,4}([.,][0-9]{1,4}){0,3}", fullmatch=True),
    st.text(max_size=8),
)


@settings(max_examples=1500, deadline=None)
@given(text=WRITTEN, decimals=st.integers(0, 4))
@example("4.342", 0)
@example("1.234.567", 2)
@example("0,912", 3)
@example("1234,567", 3)
def test_what_is_taken_without_a_note_has_one_reading(text: str, decimals: int) -> None:
    read = parse(text, decimals, "kg")
    if isinstance(read, Parsed) and not read.notes:
        assert readings(text, decimals) == {read.value}
    if isinstance(read, Parsed):
        assert read.value >= 0
        assert read.value == round(read.value, decimals)


@settings(max_examples=300, deadline=None)
@given(value=st.integers(0, 10**15), tail=st.integers(0, 99))
def test_numbers_written_as_the_house_writes_them_are_taken(value: int, tail: int) -> None:
    grouped = f"{value:,}".replace(",", ".")
    assert parse(str(value), 0) == Parsed(Decimal(value))
    assert parse(grouped, 0) == Parsed(Decimal(value))
    with_fraction = f"{grouped},{tail:02}"
    expected = Decimal(f"{value}.{tail:02}")
    assert parse(with_fraction, 2) == Parsed(expected)
    assert isinstance(parse(with_fraction, 0), Refused)


@settings(max_examples=300, deadline=None)
@given(thousands=st.integers(1, 999), rest=st.integers(0, 999), mark=st.sampled_from(".,"))
def test_one_group_of_three_is_refused_where_it_may_be_a_fraction(thousands: int, rest: int, mark: str) -> None:
    text = f"{thousands}{mark}{rest:03}"
    assert isinstance(parse(text, 2), Refused)
    if mark == ",":
        assert isinstance(parse(text, 0), Refused)
