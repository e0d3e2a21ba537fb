"""The strict parser: every line of the case file, the sentences it refuses with, and what holds for any text."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danvan.intake.numbers import Missing, Parsed, Point, Reading, Refused, day, pair, parse, percent

CASES = Path(__file__).resolve().parent.parent / "cases" / "numbers.csv"
READERS: dict[str, Callable[[str], Reading | tuple[Decimal, Decimal] | date]] = {
    "integer": lambda text: parse(text, 0),
    "decimal": lambda text: parse(text, 3),
    "decimal (kg)": lambda text: parse(text, 2, "kg"),
    "percent": percent,
    "ratio pair": pair,
    "date": day,
}


def cases() -> list[dict[str, str]]:
    """The lines of the case file that a parser must answer; the text by its code points, where given."""
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "parse"]
    for row in rows:
        if row["input_codepoints"]:
            row["input"] = "".join(chr(int(point[2:], 16)) for point in row["input_codepoints"].split())
    return rows


def expected(row: dict[str, str]) -> Decimal | tuple[Decimal, ...] | date:
    """The value that a line of the case file wants."""
    match row["unit_type"]:
        case "date":
            return date.fromisoformat(row["expected_value"])
        case "ratio pair":
            return tuple(map(Decimal, row["expected_value"].split(";")))
    return Decimal(row["expected_value"])


def test_the_case_file_is_whole() -> None:
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 89
    assert len(cases()) == 70
    assert {row["unit_type"] for row in cases()} == set(READERS)


@pytest.mark.parametrize("row", cases(), ids=lambda row: f"{row['id']} {row['input']!r} {row['unit_type']}")
def test_case(row: dict[str, str]) -> None:
    read = READERS[row["unit_type"]](row["input"])
    match row["expected_verdict"]:
        case "accept" if row["unit_type"] in ("date", "ratio pair"):
            assert read == expected(row)
        case "accept":
            assert read == Parsed(Decimal(row["expected_value"]))
        case "warn":
            assert isinstance(read, Parsed)
            assert (read.value, bool(read.notes)) == (expected(row), True)
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


# --- a decimal mark that a file declares ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "decimals", "point", "value"),
    [
        ("4.342", 2, ",", "4342"),
        ("4.342", 0, ",", "4342"),
        ("1,234", 3, ",", "1.234"),
        ("1.234,5", 2, ",", "1234.5"),
        ("442,37", 2, ",", "442.37"),
        ("1.234.567", 2, ",", "1234567"),
        (",5", 2, ",", "0.5"),
        ("02", 0, ",", "2"),
        ("1,234", 0, ".", "1234"),
        ("1,234", 2, ".", "1234"),
        ("1,234,567", 0, ".", "1234567"),
        ("442.37", 2, ".", "442.37"),
        ("1,234.5", 2, ".", "1234.5"),
        ("4.342", 3, ".", "4.342"),
        (".5", 2, ".", "0.5"),
        ("201483", 0, ".", "201483"),
    ],
)
def test_a_declared_mark_leaves_one_reading(text: str, decimals: int, point: Point, value: str) -> None:
    read = parse(text, decimals, point=point)
    assert read == Parsed(Decimal(value))
    assert str(read.value) == value


@pytest.mark.parametrize(
    ("text", "decimals", "point", "mark"),
    [
        ("442.37", 2, ",", "dấu phẩy"),
        ("1,234.5", 2, ",", "dấu phẩy"),
        ("0.912", 3, ",", "dấu phẩy"),
        ("12.5", 0, ",", "dấu phẩy"),
        ("1,234,567", 0, ",", "dấu phẩy"),
        ("442,37", 2, ".", "dấu chấm"),
        ("1.234,5", 2, ".", "dấu chấm"),
        ("1.234.567", 0, ".", "dấu chấm"),
        (",5", 2, ".", "dấu chấm"),
    ],
)
def test_a_number_that_contradicts_the_declared_mark(text: str, decimals: int, point: Point, mark: str) -> None:
    assert parse(text, decimals, point=point) == Refused(
        f"“{text}” trái với dấu thập phân mà tệp đã khai ({mark}).",
        "Sửa số này, hoặc khai lại dấu thập phân cho cả tệp.",
    )


@pytest.mark.parametrize(("text", "point"), [("4,342", ","), ("1,000", ","), ("4.342", "."), ("12.0", ".")])
def test_a_count_has_no_fraction_in_either_notation(text: str, point: Point) -> None:
    assert parse(text, 0, point=point) == Refused(
        f"“{text}” không phải số nguyên; chỉ tiêu này chỉ nhận số nguyên.",
        "Ghi lại bằng chữ số, viết liền, ví dụ 4342.",
    )


def test_what_else_is_said_of_a_declared_mark() -> None:
    assert parse("1,234", 2, point=",") == Refused(
        "“1,234” có nhiều hơn 2 chữ số thập phân.", "Làm tròn đến 2 chữ số thập phân."
    )
    # "ví dụ 4.342" would be read as a fraction there.
    assert parse("l00", 0, point=".") == Refused(
        "không đọc được “l00” là số.", "Ghi lại bằng chữ số, viết liền, ví dụ 4342."
    )
    assert parse("không", 0, point=".") == parse("không", 0)
    assert parse(" 16,5 kg", 2, "kg", ",") == Parsed(Decimal("16.5"), ("thừa dấu cách", "có kèm đơn vị tính “kg”"))
    spaced = Parsed(Decimal("1234.5"), ("dùng dấu cách ngăn hàng nghìn",))
    assert parse("1 234,5", 2, point=",") == parse("1 234.5", 2, point=".") == spaced
    assert isinstance(parse("1 234,5", 2, point="."), Refused)
    for text in ("02", "00,5", "1.23.456", "1.2345", "1,2,3", "-5", "", "1e3"):
        assert not isinstance(parse(text, 2, point=","), Parsed)


# --- shares, pairs, days ---------------------------------------------------------------------------------------

SIGN = "Ghi số kèm dấu %, ví dụ 91,2%."


@pytest.mark.parametrize(
    ("text", "share", "notes"),
    [
        ("12%", "0.12", ()),
        ("12\u00a0%", "0.12", ()),
        ("91,23%", "0.9123", ()),
        ("0,5%", "0.005", ()),
        ("100%", "1", ()),
        ("0%", "0", ()),
        ("91.2%", "0.912", ("dùng dấu chấm thập phân kiểu Anh",)),
        ("91,2", "0.912", ("thiếu dấu %",)),
        ("91.2", "0.912", ("thiếu dấu %", "dùng dấu chấm thập phân kiểu Anh")),
        ("0", "0", ("thiếu dấu %",)),
        (" 12%", "0.12", ("thừa dấu cách",)),
        ("１２%", "0.12", ("chữ số viết rộng",)),
    ],
)
def test_a_share(text: str, share: str, notes: tuple[str, ...]) -> None:
    assert percent(text) == Parsed(Decimal(share), notes)


@pytest.mark.parametrize(
    ("text", "reason", "remedy"),
    [
        ("0,912", "“0,912” thiếu dấu %, không rõ đã nhân 100 hay chưa.", SIGN),
        ("1", "“1” thiếu dấu %, không rõ đã nhân 100 hay chưa.", SIGN),
        (
            "120%",
            "“120%” lớn hơn 100%; phần không thể lớn hơn tổng số.",
            "Kiểm tra lại và ghi tỷ lệ đúng.",
        ),
        ("-5%", "“-5%” là số âm; chỉ tiêu này không thể âm.", "Kiểm tra lại và ghi số không âm."),
        (
            "91,234%",
            "“91,234%” có hai cách đọc: phần thập phân hay hàng nghìn.",
            "Làm tròn đến một hoặc hai chữ số sau dấu phẩy, ví dụ 91,2%.",
        ),
        (
            "33,33333%",
            "“33,33333%” có nhiều hơn 4 chữ số thập phân.",
            "Làm tròn đến một hoặc hai chữ số sau dấu phẩy, ví dụ 91,2%.",
        ),
        ("khoảng 12%", "“khoảng 12%” là số ước chừng.", PRECISION),
        ("14/15", "“14/15” là hai số trong một ô.", "Ghi tử số và mẫu số vào hai dòng chỉ tiêu riêng."),
        ("#DIV/0!", "“#DIV/0!” là lỗi công thức của Excel.", "Sửa công thức hoặc ghi số trực tiếp."),
        ("mười phần trăm", "không đọc được “mười phần trăm” là tỷ lệ phần trăm.", SIGN),
        ("1%%", "không đọc được “1%%” là tỷ lệ phần trăm.", SIGN),
        ("%", "không đọc được “%” là tỷ lệ phần trăm.", SIGN),
        ("12‰", "không đọc được “12‰” là tỷ lệ phần trăm.", SIGN),
    ],
)
def test_why_no_share(text: str, reason: str, remedy: str) -> None:
    assert percent(text) == Refused(reason, remedy)


@pytest.mark.parametrize(
    ("text", "part", "whole"),
    [("14/15", 14, 15), ("280/280", 280, 280), ("0/0", 0, 0), ("02 / 05", 2, 5), (" 1.502/1.588", 1502, 1588)],
)
def test_a_part_and_its_whole(text: str, part: int, whole: int) -> None:
    assert pair(text) == (part, whole)


def test_why_no_pair() -> None:
    assert pair("588/502") == Refused(
        "“588/502” có phần lớn hơn tổng số.", "Ghi phần trước, tổng số sau dấu gạch chéo."
    )
    for text in ("16/01/2023", "1,5/2", "1,234/2", "5/", "/5", "502", "-1/2", "1/2%", "a/b", "không", "5:6"):
        assert pair(text) == Refused(
            f"không đọc được “{text}” là một cặp số.", "Ghi phần và tổng số bằng số nguyên, ví dụ 502/588."
        )
    assert isinstance(pair("1\u200b4/15"), Refused)
    assert isinstance(pair("#REF!"), Refused)
    assert pair(" \u00a0") == Missing()


WRITE_DAY = "Ghi ngày/tháng/năm, năm đủ bốn chữ số, ví dụ 16/01/2023."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("31/02/2023", "không có ngày “31/02/2023”."),
        ("2023-02-30", "không có ngày “2023-02-30”."),
        ("01/13/2023", "không có ngày “01/13/2023”."),
        ("16/01/23", "“16/01/23” chỉ ghi hai chữ số của năm."),
        ("16-01-2023", "không đọc được “16-01-2023” là ngày."),
        ("16/01/0203", "không đọc được “16/01/0203” là ngày."),
        ("16/01/2023 00:00:00", "không đọc được “16/01/2023 00:00:00” là ngày."),
        ("45291", "không đọc được “45291” là ngày."),
        ("20230116", "không đọc được “20230116” là ngày."),
        ("không", "không đọc được “không” là ngày."),
    ],
)
def test_why_no_day(text: str, reason: str) -> None:
    assert day(text) == Refused(reason, WRITE_DAY)


def test_days() -> None:
    assert day(" 5/7/2022 ") == date(2022, 7, 5)
    assert day("2022-07-05") == date(2022, 7, 5)
    assert day("29/02/2024") == date(2024, 2, 29)
    assert isinstance(day("16\u200b/01/2023"), Refused)
    assert isinstance(day("#N/A"), Refused)
    assert day("") == Missing()


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


@settings(max_examples=1500, deadline=None)
@given(text=WRITTEN, decimals=st.integers(0, 4), point=st.sampled_from((",", ".")))
@example("4.342", 2, ",")
@example("1,234", 0, ".")
@example("442.37", 2, ",")
@example("1,234", 3, ",")
def test_with_a_declared_mark_its_reader_reads_the_same(text: str, decimals: int, point: Literal[",", "."]) -> None:
    read = parse(text, decimals, "kg", point)
    if isinstance(read, Parsed):
        assert read.value >= 0
        assert read.value == round(read.value, decimals)
        if not read.notes:
            assert read.value == reading(text, "." if point == "," else ",", point)


@settings(max_examples=300, deadline=None)
@given(value=st.integers(0, 10**12), tail=st.integers(0, 99))
def test_numbers_written_in_the_declared_notation_are_taken(value: int, tail: int) -> None:
    english = f"{value:,}.{tail:02}"
    vietnamese = english.translate(str.maketrans(".,", ",."))
    assert parse(english, 2, point=".") == parse(vietnamese, 2, point=",") == Parsed(Decimal(f"{value}.{tail:02}"))
    assert isinstance(parse(english, 2, point=","), Refused)
    assert isinstance(parse(vietnamese, 2, point="."), Refused)


@settings(max_examples=1000, deadline=None)
@given(text=WRITTEN)
def test_any_text_is_answered(text: str) -> None:
    share = percent(text)
    if isinstance(share, Parsed):
        assert 0 <= share.value <= 1
    two = pair(text)
    if isinstance(two, tuple):
        assert two[0] <= two[1]
    day(text)
