"""Bad cells and bad files: each is named with file, sheet, cell and rule, and never sinks the other returns.

Each is made with plain openpyxl (or bytes) from a copy of a committed return.
"""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from workbooks import (
    FILE,
    SHOWN,
    UNIT,
    Change,
    append,
    bomb,
    cached,
    change,
    delete,
    form_of,
    head,
    liar,
    on_both_sheets,
    place,
    put,
    remember_good_files,
    rename,
    zipped,
)

from danvan.catalogue import load_catalogue
from danvan.errors import ReturnsError
from danvan.intake import layout
from danvan.intake.findings import Finding
from danvan.intake.observations import Status
from danvan.intake.returns import Reading, read_returns
from danvan.intake.year import read_year
from danvan.measures import compute
from danvan.params import load_params
from danvan.paths import Project
from danvan.units import load_units
from danvan.yearbook import Yearbook

ROOT = Path(__file__).resolve().parent.parent.parent
PARAMS = load_params(Project(ROOT), 2023)
CATALOGUE = load_catalogue(Project(ROOT)).of_year(2023)
UNITS = load_units(Project(ROOT), PARAMS.period, PARAMS.population_concept)
# What each unit's form asks for: a quận has no communes, a huyện no wards, Bạch Long Vĩ neither.
_QUAN = ("Hồng Bàng", "Ngô Quyền", "Lê Chân", "Hải An", "Kiến An", "Đồ Sơn", "Dương Kinh")
_HUYEN = ("Thủy Nguyên", "An Dương", "An Lão", "Kiến Thụy", "Tiên Lãng", "Vĩnh Bảo", "Cát Hải")
OWED = {"Bạch Long Vĩ": 33, "Khối thành phố": 34, **dict.fromkeys(_QUAN, 34), **dict.fromkeys(_HUYEN, 35)}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_good_files(monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """What reading the returns of 2023 needs: params, units, population and the sixteen committed workbooks."""
    for name in ("params", "data/reference", "data/2022", "data/2023"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return Project(tmp_path)


def read(project: Project) -> Reading:
    return read_returns(project, PARAMS, CATALOGUE, UNITS)


def told(reading: Reading, file: str = SHOWN) -> list[tuple[str, str, str, str]]:
    """Rule, severity, sheet and cell of the findings on one file."""
    return [(f.rule, f.severity, f.cell.sheet, f.cell.ref) for f in reading.findings if f.cell.file == file]


def finding(reading: Reading, rule: str) -> Finding:
    [found] = [f for f in reading.findings if f.rule == rule]
    return found


def others_are_read(reading: Reading, file: str = FILE) -> None:
    """The other fifteen files are read as if nothing had happened."""
    good = {r.file: len(r.observations) for r in reading.returns if not r.file.endswith(f"/{file}")}
    assert len(good) == 15
    for name, count in good.items():
        assert count == OWED[Path(name).stem], name
    assert [f for f in reading.findings if f.cell.file in good] == []


def test_the_committed_returns_are_read_without_a_finding(project: Project) -> None:
    reading = read(project)
    assert reading.findings == ()
    assert [r.unit.name for r in reading.returns] == [unit.name for unit in UNITS.all]
    others_are_read(reading)
    assert all(r.illustrative for r in reading.returns)
    observations = {(o.unit.name, o.indicator.code): o for r in reading.returns for o in r.observations}
    weight = observations["Hồng Bàng", "fireworks_kg"]
    assert (weight.value, str(weight.cell)) == (Decimal("28.55"), f"{SHOWN}, trang “Công an”, D19")
    assert observations["Hồng Bàng", "plan_signed"].value == 1
    assert observations["Bạch Long Vĩ", "plan_signed"].value == 0
    assert observations["Hồng Bàng", "police_models_removed"].status is Status.ZERO
    assert ("Hồng Bàng", "commune_officers") not in observations  # a quận has no communes: its form does not ask
    assert observations["Khối thành phố", "web_views"].bound.word == "hơn"


# --- a cell ----------------------------------------------------------------------------------------------------

REF = "Ô chứa {}, không phải số."
CELLS: dict[str, tuple[Change, str, str, str, str, str]] = {
    # what is wrong: (how it is made, sheet and cell, rule, what was found, reason, remedy)
    "an error": (
        put("tips_received", "#REF!"),
        "Công an!D13",
        "error-cell",
        "#REF!",
        "“#REF!” là lỗi công thức của Excel.",
        "Sửa công thức hoặc ghi số trực tiếp.",
    ),
    "a formula": (
        put("tips_received", "=100+55"),
        "Công an!D13",
        "formula-without-value",
        "=100+55",
        "Ô chứa công thức mà tệp không lưu kết quả.",
        "Chép ô rồi dán lại dưới dạng giá trị.",
    ),
    "true": (
        put("tips_received", True),
        "Công an!D13",
        "wrong-type",
        "True",
        "Ô chứa giá trị đúng/sai, không phải số.",
        "Ghi số bằng chữ số, định dạng ô là General hoặc Number.",
    ),
    "14/15 made a date by Excel": (
        put("tips_received", datetime(2015, 11, 14)),
        "Công an!D13",
        "wrong-type",
        "2015-11-14 00:00:00",
        "Ô chứa ngày tháng (Excel có thể đã đổi số dạng 14/15 thành ngày), không phải số.",
        "Ghi số bằng chữ số, định dạng ô là General hoặc Number.",
    ),
    "a percentage": (
        put("tips_valuable", 0.912, form="0.0%"),
        "Công an!D14",
        "percent",
        "0,912",
        "Ô định dạng phần trăm; chỉ tiêu này nhận số tuyệt đối.",
        "Ghi số; tỷ lệ do chương trình tính.",
    ),
    "a negative number": (
        put("tips_received", -5),
        "Công an!D13",
        "negative",
        "-5",
        "Số âm; chỉ tiêu này không thể âm.",
        "Kiểm tra lại và ghi số không âm.",
    ),
    "a fraction of a count": (
        put("tips_received", 4.342),
        "Công an!D13",
        "fraction",
        "4,342",
        "Chỉ tiêu này chỉ nhận số nguyên; dấu ngăn hàng nghìn có thể đã bị hiểu là dấu thập phân.",
        "Mở phiếu, ghi lại đủ chữ số, viết liền không dấu.",
    ),
    "a text with two readings": (
        put("tips_received", "4,342"),
        "Công an!D13",
        "unclear-number",
        "4,342",
        "“4,342” có hai cách đọc: dấu phẩy là phần thập phân hay ngăn hàng nghìn.",
        "Ghi liền, ví dụ 4342.",
    ),
    "an approximate number": (
        put("tips_received", "hơn 700"),
        "Công an!D13",
        "unclear-number",
        "hơn 700",
        "“hơn 700” là số ước chừng.",
        "Chỉ ghi số vào cột Giá trị; chữ “hơn”, “trên”, “khoảng” chọn ở cột Mức chính xác.",
    ),
    "nothing": (
        put("tips_received", None),
        "Công an!D13",
        "blank",
        "(trống)",
        "Ô trống không rõ là số 0 hay không báo cáo.",
        "Ghi số, hoặc chọn “không phát sinh” hay “không báo cáo” ở cột Tình trạng.",
    ),
    "a space": (
        put("tips_received", " "),
        "Công an!D13",
        "blank",
        "(dấu cách)",
        "Ô chỉ có dấu cách.",
        "Xóa ô, rồi ghi số hoặc chọn tình trạng.",
    ),
    "“không” for a number": (
        put("tips_received", "không"),
        "Công an!D13",
        "unclear-number",
        "không",
        "“không” không rõ là số 0 hay không báo cáo.",
        "Để trống ô Giá trị và chọn ở cột Tình trạng: “không phát sinh”, “không báo cáo” hoặc “không áp dụng”.",
    ),
    "a number and “không báo cáo”": (
        put("tips_received", 5, status="không báo cáo"),
        "Công an!D13",
        "value-and-status",
        "5 và “không báo cáo”",
        "Vừa có số vừa chọn tình trạng trái với số.",
        "Bỏ một trong hai.",
    ),
    "a number and “không phát sinh”": (
        put("tips_received", 5, status="không phát sinh"),
        "Công an!D13",
        "value-and-status",
        "5 và “không phát sinh”",
        "Vừa có số vừa chọn tình trạng trái với số.",
        "Bỏ một trong hai.",
    ),
    "a status of one's own": (
        put("tips_received", None, status="chưa có"),
        "Công an!F13",
        "unknown-word",
        "chưa có",
        "Cột Tình trạng chỉ nhận: không phát sinh, không báo cáo, không áp dụng.",
        "Chọn lại trong danh sách.",
    ),
    "a precision of one's own": (
        put("tips_received", precision="gần"),
        "Công an!E13",
        "unknown-word",
        "gần",
        "Cột Mức chính xác chỉ nhận: chính xác, hơn, trên, khoảng.",
        "Chọn lại trong danh sách.",
    ),
    "a precision without a number": (
        put("tips_received", None, precision="hơn", status="không báo cáo"),
        "Công an!E13",
        "word-without-number",
        "hơn",
        "Cột Mức chính xác chỉ đi với một con số.",
        "Xóa ô ở cột Mức chính xác.",
    ),
    "more than nothing": (
        put("tips_received", 0, precision="hơn"),
        "Công an!D13",
        "zero-with-word",
        "hơn 0",
        "Số 0 không đi với “hơn”, “trên”, “khoảng”.",
        "Sửa một trong hai ô.",
    ),
    "1 for yes": (
        put("plan_signed", 1),
        "Ban Dân vận!D11",
        "not-yes-or-no",
        "1",
        "Chỉ tiêu này chỉ nhận Có hoặc Không.",
        "Ghi Có hoặc Không.",
    ),
    "x for yes": (
        put("plan_signed", "x"),
        "Ban Dân vận!D11",
        "not-yes-or-no",
        "x",
        "Chỉ tiêu này chỉ nhận Có hoặc Không.",
        "Ghi Có hoặc Không.",
    ),
    "true for yes": (
        put("plan_signed", True),
        "Ban Dân vận!D11",
        "not-yes-or-no",
        "True",
        "Chỉ tiêu này chỉ nhận Có hoặc Không.",
        "Ghi Có hoặc Không.",
    ),
    "no yes and no no": (
        put("plan_signed", None, status="không phát sinh"),
        "Ban Dân vận!D11",
        "not-yes-or-no",
        "không phát sinh",
        "Chỉ tiêu này chỉ nhận Có hoặc Không.",
        "Ghi Có hoặc Không.",
    ),
}


@pytest.mark.parametrize("what", CELLS)
@pytest.mark.sampled(6)
def test_a_bad_cell(what: str, project: Project) -> None:
    how, where, rule, found, reason, remedy = CELLS[what]
    sheet, ref = where.split("!")
    change(project, how)
    reading = read(project)
    assert told(reading) == [(rule, "error", sheet, ref)]
    one = finding(reading, rule)
    assert (one.unit, one.found) == (UNIT, found)
    assert (one.reason, one.remedy) == (reason, remedy)
    others_are_read(reading)
    [bad] = [r for r in reading.returns if r.file == SHOWN]
    assert len(bad.observations) == 33  # all but the one
    assert one.indicator not in {o.indicator.code for o in bad.observations}


@pytest.mark.parametrize(
    ("code", "value", "wanted"),
    [
        ("tips_received", 12.5, "số nguyên"),
        ("fireworks_kg", 28.553, "số có nhiều nhất 2 chữ số thập phân"),
        ("tips_received", 1.234, "số nguyên"),
    ],
)
def test_a_fraction_is_told_with_its_own_digits(code: str, value: float, wanted: str, project: Project) -> None:
    """The example must not name another number than the one that the office typed."""
    change(project, put(code, value))
    one = finding(read(project), "fraction")
    assert one.reason.startswith(f"Chỉ tiêu này chỉ nhận {wanted}")
    assert "4342" not in one.reason + one.remedy


@pytest.mark.parametrize("error", ["#DIV/0!", "#N/A", "#NAME?", "#VALUE!", "#NUM!", "#NULL!"])
def test_every_error_of_excel_is_an_error(error: str, project: Project) -> None:
    change(project, put("guns", error))
    assert told(read(project)) == [("error-cell", "error", "Công an", "D21")]


@pytest.mark.parametrize(
    ("formula", "value", "rule", "found", "taken"),
    [
        ("=100+55", "155", "formula", "=100+55 → 155", 155),
        ("=SUM(D14:D15)", "160", "stale-formula", "=SUM(D14:D15) → 160; tính lại: 155", 160),
        ("=VLOOKUP(A13,A1:B9,2)", "155", "formula", "=VLOOKUP(A13,A1:B9,2) → 155", 155),
        ("=[1]Sheet1!A1", "155", "formula-from-elsewhere", "=[1]Sheet1!A1", None),
        ('=HYPERLINK("http://x.example","155")', "155", "formula-from-elsewhere", None, None),
        ("=D12/0", "#DIV/0!", "error-cell", "#DIV/0!", None),
    ],
)
def test_a_formula(formula: str, value: str, rule: str, found: str | None, taken: int | None, project: Project) -> None:
    """What was last calculated is taken, never calculated anew; where that can be checked, it is."""
    change(project, put("tips_valuable", 100))
    change(project, put("cases_solved", 55))
    cached(project, formula, value)
    reading = read(project)
    one = finding(reading, rule)
    assert (one.unit, one.cell.sheet, one.cell.ref) == (UNIT, "Công an", "D13")
    assert found is None or one.found == found
    [got] = [r for r in reading.returns if r.file == SHOWN]
    assert ("tips_received" in got.by_code) == (taken is not None)
    if taken is not None:
        assert got.by_code["tips_received"].value == taken
    others_are_read(reading)


@pytest.mark.parametrize(
    ("typed", "value", "note"),
    [
        ("1.234", 1234, ""),
        ("155", 155, ""),
        (155.0, 155, ""),
        ("155 ", 155, "thừa dấu cách"),
        ("155 tin", 155, "có kèm đơn vị tính “tin”"),
        ("1\u00a0234", 1234, "dùng dấu cách ngăn hàng nghìn"),
    ],
)
def test_a_text_with_one_reading_is_taken(typed: str | float, value: int, note: str, project: Project) -> None:
    change(project, put("tips_received", typed))
    reading = read(project)
    assert told(reading) == ([("oddly-typed", "warning", "Công an", "D13")] if note else [])
    if note:
        assert finding(reading, "oddly-typed").reason == f"Đọc được là {value} nhưng {note}."
    [observation] = [
        o
        for r in reading.returns
        for o in r.observations
        if (o.unit.name, o.indicator.code) == ("Hồng Bàng", "tips_received")
    ]
    assert observation.value == value


def test_the_noise_of_binary_fractions_is_no_third_decimal(project: Project) -> None:
    change(project, put("fireworks_kg", 0.1 + 0.2))
    assert told(read(project)) == []


def test_what_is_not_reported_is_remarked_and_stays_unknown(project: Project) -> None:
    change(project, put("tips_received", None, status="không báo cáo"))
    reading = read(project)
    assert told(reading) == [("not-reported", "warning", "Công an", "D13")]
    [observation] = [
        o
        for r in reading.returns
        for o in r.observations
        if (o.unit.name, o.indicator.code) == ("Hồng Bàng", "tips_received")
    ]
    assert (observation.value, observation.status) == (None, Status.NOT_REPORTED)


def test_what_a_unit_claims_not_to_have_is_remarked_and_leaves_the_total_unfinished(project: Project) -> None:
    change(project, put("tips_received", None, status="không áp dụng"))
    assert told(read(project)) == [("claims-not-applicable", "warning", "Công an", "D13")]
    total = compute(read_year(project, 2023, with_last=False))["tips_received", "total"]
    assert (total.reported, total.owed) == (14, 15)


def test_words_may_be_typed_in_any_composition_and_case(project: Project) -> None:
    change(project, put("tips_received", 155, precision="  H\u01a1n "))
    change(project, put("guns", None, status="Kh\u006f\u0302ng pha\u0301t sinh"))
    change(project, put("plan_signed", "CO\u0301"))
    reading = read(project)
    assert told(reading) == []
    of = {o.indicator.code: o for r in reading.returns if r.file == SHOWN for o in r.observations}
    assert of["tips_received"].bound.word == "hơn"
    assert of["guns"].status is Status.ZERO
    assert of["plan_signed"].value == 1


# --- rows and columns ------------------------------------------------------------------------------------------


def test_a_missing_row(project: Project) -> None:
    change(project, delete("guns"))
    reading = read(project)
    assert told(reading) == [("missing-row", "error", "Công an", "")]
    one = finding(reading, "missing-row")
    assert (one.indicator, one.reason) == ("guns", "Thiếu dòng chỉ tiêu “Súng giao nộp” (mã guns).")
    others_are_read(reading)


def test_an_unknown_code(project: Project) -> None:
    def how(book: openpyxl.Workbook) -> None:
        sheet, row = place(book, "guns")
        sheet.cell(row, 1).value = "gunz"

    change(project, how)
    reading = read(project)
    assert told(reading) == [("unknown-indicator", "error", "Công an", "A21"), ("missing-row", "error", "Công an", "")]
    assert finding(reading, "unknown-indicator").reason == (
        "Không có mã chỉ tiêu “gunz” ở trang này. Có phải là “guns”?"
    )
    others_are_read(reading)


def test_a_code_twice(project: Project) -> None:
    change(project, append("Công an", "guns", "Súng giao nộp", "khẩu", 7))
    reading = read(project)
    assert told(reading) == [("indicator-twice", "error", "Công an", "D40")]
    one = finding(reading, "indicator-twice")
    assert (one.found, one.reason) == ("7; ở D21: 2", "Chỉ tiêu đã có ở D21, với số khác.")
    [guns] = [o.value for r in reading.returns if r.file == SHOWN for o in r.observations if o.indicator.code == "guns"]
    assert guns == 2


def test_a_total_row_without_a_code(project: Project) -> None:
    change(project, append("Công an", None, "Tổng cộng", None, 1234))
    reading = read(project)
    assert told(reading) == [("row-without-code", "error", "Công an", "B40")]
    one = finding(reading, "row-without-code")
    assert one.found == "1234"
    assert one.remedy == "Xóa dòng tự thêm (kể cả dòng tổng cộng) hoặc lấy lại từ phiếu được gửi."
    others_are_read(reading)


@pytest.mark.parametrize(("row", "severity"), [(("Tổng cộng", None, None, 99), "error"), (("Ghi chú: x",), "warning")])
def test_a_row_with_words_for_a_code(row: tuple[object, ...], severity: str, project: Project) -> None:
    change(project, append("Công an", *row))
    assert told(read(project)) == [("unknown-indicator", severity, "Công an", "A40")]


def test_a_note_below_the_table_is_no_figure(project: Project) -> None:
    change(project, append("Công an", None, "Số liệu đã đối chiếu."))
    assert told(read(project)) == []


def test_a_missing_column(project: Project) -> None:
    change(project, lambda book: book["Công an"].delete_cols(6))
    reading = read(project)
    assert [t for t in told(reading) if t[0] != "missing-row"] == [("missing-column", "error", "Công an", "dòng 10")]
    assert finding(reading, "missing-column").reason == "Bảng thiếu cột Tình trạng."
    others_are_read(reading)


def test_columns_may_stand_elsewhere(project: Project) -> None:
    """A column inserted by an office, or rows above: the table is found by its heads."""

    def how(book: openpyxl.Workbook) -> None:
        for name in ("Ban Dân vận", "Công an"):
            sheet = book[name]
            for row in range(10, sheet.max_row + 1):
                sheet.cell(row, 7).value, sheet.cell(row, 4).value = sheet.cell(row, 4).value, None

    change(project, how)
    reading = read(project)
    assert told(reading) == []
    tips = next(o for r in reading.returns if r.file == SHOWN for o in r.observations if o.indicator.code == "guns")
    assert (tips.value, tips.cell.ref) == (2, "G21")


def test_hidden_rows_are_read_and_remarked(project: Project) -> None:
    def how(book: openpyxl.Workbook) -> None:
        sheet, row = place(book, "guns")
        sheet.row_dimensions[row].hidden = True

    change(project, how)
    reading = read(project)
    assert told(reading) == [("hidden-rows", "warning", "Công an", "dòng 21")]
    [guns] = [r.by_code["guns"].value for r in reading.returns if r.file == SHOWN]
    assert guns == 2


def test_a_row_that_the_form_does_not_ask_for(project: Project) -> None:
    """A quận has no communes: a number there is refused, "không áp dụng" is what the reader knew."""
    row = ("commune_officers", "Công an chính quy tại xã", "đồng chí")
    change(project, append("Công an", *row, 5))
    one = finding(read(project), "not-applicable")
    assert (one.cell.ref, one.found) == ("D40", "5")
    assert one.reason == "Quận Hồng Bàng không có đối tượng của chỉ tiêu này."
    assert one.remedy == "Để trống ô Giá trị và chọn “không áp dụng”."
    change(project, put("commune_officers", None, status="không áp dụng"))
    assert read(project).findings == ()


# --- sheets and heads ------------------------------------------------------------------------------------------


def test_a_missing_sheet(project: Project) -> None:
    change(project, lambda book: book.remove(book["Công an"]))
    reading = read(project)
    assert told(reading) == [("missing-sheet", "error", "", "")]
    one = finding(reading, "missing-sheet")
    assert (one.unit, one.found, one.reason) == (UNIT, "chỉ có Ban Dân vận", "Thiếu trang “Công an”.")
    others_are_read(reading)


def test_a_renamed_sheet(project: Project) -> None:
    change(project, rename("Công an", "Cong an quan"))
    reading = read(project)
    assert told(reading) == [("extra-sheet", "warning", "Cong an quan", ""), ("missing-sheet", "error", "", "")]
    one = finding(reading, "missing-sheet")
    assert one.found == "chỉ có Ban Dân vận, Cong an quan"
    assert one.reason == "Thiếu trang “Công an”. Có phải là “Cong an quan”?"
    others_are_read(reading)


def test_both_sheets_renamed(project: Project) -> None:
    change(project, rename("Công an", "Sheet1"))
    change(project, rename("Ban Dân vận", "Sheet2"))
    reading = read(project)
    assert told(reading) == [("unknown-sheets", "error", "", "")]
    one = finding(reading, "unknown-sheets")
    assert (one.found, one.reason) == ("Sheet2, Sheet1", "Phiếu phải có trang “Ban Dân vận” và “Công an”.")
    others_are_read(reading)


def test_a_sheet_s_name_in_decomposed_letters(project: Project) -> None:
    change(project, rename("Công an", "Co\u0302ng an "))
    assert told(read(project)) == []


HEADS: dict[str, tuple[str, object, str, str, str]] = {
    # what is wrong: (label, value, rule, cell, reason)
    "last year's form": ("Năm", 2022, "wrong-year", "B6", "“Năm” phải là 2023."),
    "a form's id typed in": (
        "Mẫu phiếu",
        "DV2-2023-HP-303-abcdefgh-aaaa",
        "wrong-form",
        "B3",
        "Mã mẫu phiếu bị sửa, hoặc phiếu không lập trên mẫu được gửi.",
    ),
    "another layout": (
        "Mẫu phiếu",
        str(layout.FormId(1, 2023, "HP-303", "abcdefgh")),
        "wrong-layout",
        "B3",
        "Bố cục mẫu phiếu là 1",
    ),
    "the form of last year": (
        "Mẫu phiếu",
        form_of(2022, "Hồng Bàng"),
        "last-years-form",
        "B3",
        "Mẫu phiếu của năm 2022, không phải năm 2023.",
    ),
    "the form of another unit": (
        "Mẫu phiếu",
        form_of(2023, "Ngô Quyền"),
        "form-of-another-unit",
        "B3",
        "Mẫu phiếu này phát cho Quận Ngô Quyền.",
    ),
    "another period": (
        "Kỳ số liệu",
        "01/7/2023 - 31/12/2023",
        "wrong-period",
        "B7",
        "“Kỳ số liệu” phải là 01/01/2023 - 31/12/2023.",
    ),
    "neither real nor illustrative": (
        "Tính chất số liệu",
        "Thật",
        "unknown-nature",
        "B8",
        "“Tính chất số liệu” phải là Chính thức hoặc Minh họa.",
    ),
    "an unknown unit": (
        "Đơn vị",
        "Quận Hoàng Mai",
        "unknown-unit",
        "B4",
        "Không nhận ra đơn vị: không có đơn vị “Quận Hoàng Mai” trong kỳ này.",
    ),
    "a unit of another time": (
        "Đơn vị",
        "Quận Thủy Nguyên",
        "unknown-unit",
        "B4",
        "Không nhận ra đơn vị: “Quận Thủy Nguyên” không có trong kỳ này; trong kỳ này là “Huyện Thủy Nguyên”.",
    ),
    "no unit": ("Đơn vị", None, "unknown-unit", "A4", "Không nhận ra đơn vị: không có đơn vị “” trong kỳ này."),
}


@pytest.mark.parametrize("what", HEADS)
def test_a_bad_head(what: str, project: Project) -> None:
    label, value, rule, ref, reason = HEADS[what]
    change(project, on_both_sheets(label, value))
    reading = read(project)
    assert [(r, severity, cell) for r, severity, _, cell in told(reading)] == [(rule, "error", ref)] * 2
    assert {sheet for *_, sheet, _ in told(reading)} == {"Ban Dân vận", "Công an"}
    first = next(f for f in reading.findings if f.rule == rule)
    assert first.reason.startswith(reason)
    others_are_read(reading)
    assert [unit.full_name for unit in reading.missing(UNITS)] == [UNIT]  # so it is said to be missing, too
    assert finding(reading, "missing-return").unit == UNIT


def test_a_deleted_head(project: Project) -> None:
    change(project, lambda book: book["Công an"].delete_rows(6))
    reading = read(project)
    assert told(reading) == [("missing-head", "error", "Công an", "")]
    assert finding(reading, "missing-head").reason == "Đầu trang thiếu dòng “Năm”."
    others_are_read(reading)


def test_two_units_in_one_file(project: Project) -> None:
    change(project, head("Công an", "Đơn vị", "Quận Ngô Quyền"))
    change(project, head("Công an", "Mẫu phiếu", form_of(2023, "Ngô Quyền")))
    reading = read(project)
    one = finding(reading, "two-units")
    assert (one.severity, one.found) == ("error", "Quận Hồng Bàng và Quận Ngô Quyền")
    others_are_read(reading)
    assert [unit.full_name for unit in reading.missing(UNITS)] == [UNIT]


def test_a_part_of_the_period_is_taken_and_marked(project: Project) -> None:
    change(project, on_both_sheets("Kỳ số liệu", "01/01/2023 - 30/9/2023"))
    reading = read(project)
    assert told(reading) == [
        ("partial-period", "warning", "Ban Dân vận", "B7"),
        ("partial-period", "warning", "Công an", "B7"),
    ]
    [got] = [r for r in reading.returns if r.file == SHOWN]
    assert got.until == date(2023, 9, 30)
    total = compute(read_year(project, 2023, with_last=False))["tips_received", "total"]
    assert (total.reported, total.owed, total.complete) == (14, 15, False)
    book = Yearbook(read_year(project, 2023), "public")
    assert "Số liệu chưa đủ kỳ: Hồng Bàng mới đến 30/9/2023." in book.meta.marks  # on every page
    assert str(book.tips_received) == "4.342 [14/15]"
    assert "chưa đủ đơn vị báo cáo" in str(book.tips_received.change)
    assert str(book.plan_signed.share) == "93,3%"  # of 15: yes stays yes, whatever the months bring


def test_the_unit_is_the_one_inside_whatever_the_file_is_called(project: Project) -> None:
    folder = project.returns(2023)
    (folder / FILE).rename(folder / "Ngo Quyen (1).xlsx")
    reading = read(project)
    [one] = reading.findings
    assert (one.rule, one.severity, one.unit, one.found) == ("file-name", "warning", UNIT, "Ngo Quyen (1).xlsx")
    assert one.reason == "Tên tệp nhắc Quận Ngô Quyền, trong phiếu là Quận Hồng Bàng; lấy theo trong phiếu."
    assert {r.unit.name: Path(r.file).name for r in reading.returns}["Hồng Bàng"] == "Ngo Quyen (1).xlsx"


def test_a_file_name_without_a_unit_says_nothing(project: Project) -> None:
    folder = project.returns(2023)
    (folder / FILE).rename(folder / "Phiếu 2023 (bản cuối).xlsx")
    assert read(project).findings == ()


@pytest.mark.parametrize("typed", ["Q. Hồng Bàng", "hồng bàng quận", "Quận Hồng Bang"])
def test_a_unit_that_is_not_quite_called_so(typed: str, project: Project) -> None:
    """One way of reading is a warning, none is an error; a missing tone is not overlooked."""
    change(project, on_both_sheets("Đơn vị", typed))
    rules = {f.rule for f in read(project).findings}
    assert rules == ({"unit-spelling"} if typed.startswith("Q.") else {"unknown-unit", "missing-return"})


def test_the_same_file_twice_counts_once(project: Project) -> None:
    folder = project.returns(2023)
    shutil.copy2(folder / FILE, folder / "Hồng Bàng (bản sao).xlsx")
    reading = read(project)
    assert [(f.rule, f.severity, f.unit) for f in reading.findings] == [("duplicate-copy", "warning", UNIT)]
    assert len(reading.returns) == 16
    one = finding(reading, "duplicate-copy")
    assert {one.cell.file, one.found.removeprefix("giống hệt ")} == {
        SHOWN,
        "data/2023/returns/Hồng Bàng (bản sao).xlsx",
    }


def test_two_different_files_of_one_unit(project: Project) -> None:
    folder = project.returns(2023)
    shutil.copy2(folder / FILE, folder / "Phiếu sửa.xlsx")
    change(project, put("guns", 3), "Phiếu sửa.xlsx")
    reading = read(project)
    assert told(reading, "data/2023/returns/Phiếu sửa.xlsx") == [("duplicate-return", "error", "", "")]
    one = finding(reading, "duplicate-return")
    assert (one.unit, one.found) == (UNIT, f"{UNIT} đã có ở {SHOWN}; khác ở D21")
    assert len(reading.returns) == 16


# --- relations -------------------------------------------------------------------------------------------------


def broken(project: Project, rule: str) -> Finding:
    [found] = [f for f in read_year(project, 2023, with_last=False).findings if f.rule == rule]
    return found


def test_a_part_larger_than_its_whole(project: Project) -> None:
    change(project, put("tips_valuable", 156))
    one = broken(project, "part-larger-than-whole")
    assert (one.severity, one.unit, one.indicator) == ("error", UNIT, "tips_valuable")
    assert str(one.cell) == f"{SHOWN}, trang “Công an”, D14"
    assert one.found == "Tin có giá trị (D14) = 156, Tin về an ninh trật tự (D13) = 155"
    assert one.reason == "Tin có giá trị là một phần của tin nhận được."


def test_a_part_as_large_as_its_whole(project: Project) -> None:
    change(project, put("tips_valuable", 155))
    rules = [f.rule for f in read_year(project, 2023, with_last=False).findings]
    assert "part-larger-than-whole" not in rules


def test_more_communes_than_exist(project: Project) -> None:
    change(project, put("communes_with_officers", 36), "Thủy Nguyên.xlsx")
    one = broken(project, "more-than-exist")
    assert (one.severity, one.unit, one.cell.ref) == ("error", "Huyện Thủy Nguyên", "D14")
    assert one.found == "Xã có công an chính quy (D14) = 36; số xã của đơn vị = 35"
    assert one.reason == "Đơn vị không có nhiều xã đến thế."


def test_more_wards_than_exist(project: Project) -> None:
    change(project, put("model_ward_police", 10))
    one = broken(project, "more-than-exist")
    assert (one.cell.ref, one.found) == (
        "D34",
        "Công an phường điển hình, kiểu mẫu (D34) = 10; số phường của đơn vị = 9",
    )


def test_a_bound_is_not_held_against_a_unit(project: Project) -> None:
    """'More than 150' received may be 160: 156 valuable ones contradict nothing."""
    change(project, put("tips_received", 150, precision="hơn"))
    change(project, put("tips_valuable", 156))
    rules = [f.rule for f in read_year(project, 2023, with_last=False).findings]
    assert "part-larger-than-whole" not in rules


def test_errors_stop_the_report_warnings_do_not(project: Project) -> None:
    read_year(project, 2023, with_last=False).require_sound(allow_incomplete=False)
    change(project, put("tips_valuable", 156))
    change(project, put("guns", "#REF!"), "Đồ Sơn.xlsx")
    with pytest.raises(ReturnsError) as caught:
        read_year(project, 2023, with_last=False).require_sound(allow_incomplete=True)
    assert str(caught.value) == "Phiếu năm 2023 có 2 lỗi phải sửa trước."
    assert [f.rule for f in caught.value.findings] == ["error-cell", "part-larger-than-whole"]  # type: ignore[attr-defined]


def test_a_missing_return_alone_may_be_allowed(project: Project) -> None:
    (project.returns(2023) / FILE).unlink()
    year = read_year(project, 2023, with_last=False)
    assert [unit.full_name for unit in year.missing] == [UNIT]
    with pytest.raises(ReturnsError):
        year.require_sound(allow_incomplete=False)
    year.require_sound(allow_incomplete=True)
    [missing] = [f for f in year.findings if f.rule == "missing-return"]
    assert (missing.severity, missing.unit, missing.cell.file) == ("error", UNIT, "data/2023/returns")
    assert missing.reason == f"{UNIT} phải báo cáo kỳ này nhưng chưa có phiếu."


# --- containers ------------------------------------------------------------------------------------------------


# What each kind of file is refused with, tests/unit/test_container.py tells; here, that it sinks no other.
CONTAINERS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "0 bytes": (lambda _: b"", "empty-file"),
    "cut off": (lambda good: good[:-40], "damaged-file"),
    "a PDF": (lambda _: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not-excel"),
    "a broken workbook": (
        lambda _: zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<"}),
        "damaged-file",
    ),
}


def bad_file_is_named(reading: Reading, rule: str) -> None:
    assert told(reading) == [(rule, "error", "", "")]
    one = finding(reading, rule)
    assert one.unit == UNIT  # by the name of the file, so that the letter finds its way
    assert one.reason.endswith(".")
    assert one.remedy.endswith(".")
    others_are_read(reading)  # 14 districts and the city
    assert finding(reading, "missing-return").unit == UNIT
    assert len(reading.findings) == 2


@pytest.mark.parametrize("what", CONTAINERS)
def test_a_file_that_is_no_workbook(what: str, project: Project) -> None:
    make, rule = CONTAINERS[what]
    path = project.returns(2023) / FILE
    path.write_bytes(make(path.read_bytes()))
    bad_file_is_named(read(project), rule)


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="symbolic links need rights on Windows")
def test_a_link_is_not_followed(project: Project, tmp_path: Path) -> None:
    path = project.returns(2023) / FILE
    path.rename(tmp_path / "elsewhere.xlsx")
    path.symlink_to(tmp_path / "elsewhere.xlsx")
    bad_file_is_named(read(project), "not-a-file")


def test_a_folder_named_like_a_return(project: Project) -> None:
    path = project.returns(2023) / FILE
    path.unlink()
    path.mkdir()
    bad_file_is_named(read(project), "not-a-file")


def test_a_zip_bomb_is_refused_by_what_it_declares(project: Project) -> None:
    path = project.returns(2023) / FILE
    path.write_bytes(bomb(path.read_bytes()))
    assert path.stat().st_size < 2_000_000
    start = time.monotonic()
    reading = read(project)
    assert time.monotonic() - start < 5
    bad_file_is_named(reading, "zip-bomb")


def test_a_zip_bomb_that_lies_about_its_size(project: Project) -> None:
    path = project.returns(2023) / FILE
    path.write_bytes(liar(path.read_bytes()))
    start = time.monotonic()
    reading = read(project)
    assert time.monotonic() - start < 5
    assert [rule for rule, *_ in told(reading)] == ["damaged-file"]
    others_are_read(reading)


def test_a_file_that_is_too_large(project: Project) -> None:
    with (project.returns(2023) / FILE).open("r+b") as file:
        file.truncate(30_000_000)
    bad_file_is_named(read(project), "too-large")


def test_a_formatted_cell_in_the_last_corner_costs_nothing(project: Project) -> None:
    change(project, lambda book: setattr(book["Công an"]["XFD1048576"], "number_format", "0.00"))
    start = time.monotonic()
    reading = read(project)
    assert time.monotonic() - start < 5
    assert reading.findings == ()
    assert len(reading.returns) == 16


def test_a_sheet_of_very_many_rows_is_refused_quickly(project: Project) -> None:
    """13 MB of a million rows took 34 s and half a gigabyte to read; nobody waits for that fifteen times."""
    path = project.returns(2023) / FILE
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    head, tail = members["xl/worksheets/sheet1.xml"].split(b"</sheetData>")
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(100, 600_000))
    members["xl/worksheets/sheet1.xml"] = head + rows + b"</sheetData>" + tail
    path.write_bytes(zipped(members))
    start = time.monotonic()
    reading = read(project)
    assert time.monotonic() - start < 5
    assert [rule for rule, *_ in told(reading)] == ["zip-bomb"]
    others_are_read(reading)


@pytest.mark.parametrize(
    "name", [".Hồng Bàng.xlsx", "Hồng Bàng.xlsx.part", "Hồng Bàng.tmp", "~$Phiếu cũ.xlsx", "Thumbs.db", "desktop.ini"]
)
def test_what_excel_or_a_copy_leaves_beside_is_ignored(name: str, project: Project) -> None:
    (project.returns(2023) / name).write_bytes(b"\x0bHong Bang")
    reading = read(project)
    assert reading.findings == ()
    assert len(reading.returns) == 16


@pytest.mark.parametrize("owner", ["~$Hồng Bàng.xlsx", "~$ng Bàng.xlsx"])
def test_a_return_that_is_open_in_excel(owner: str, project: Project) -> None:
    """Of a long name Excel drops the first two letters."""
    (project.returns(2023) / owner).write_bytes(b"\x0bHong Bang")
    reading = read(project)
    assert told(reading) == [("open-in-excel", "warning", "", "")]
    assert len(reading.returns) == 16


def test_several_bad_files_are_all_named(project: Project) -> None:
    folder = project.returns(2023)
    (folder / FILE).write_bytes(b"")
    (folder / "Đồ Sơn.xlsx").write_bytes(b"%PDF-1.7")
    (folder / "quét.xlsx").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    change(project, put("guns", "#REF!"), "Lê Chân.xlsx")
    reading = read(project)
    assert sorted((f.rule, f.unit) for f in reading.findings) == [
        ("empty-file", "Quận Hồng Bàng"),
        ("error-cell", "Quận Lê Chân"),
        ("missing-return", "Quận Hồng Bàng"),
        ("missing-return", "Quận Đồ Sơn"),
        ("not-excel", ""),
        ("not-excel", "Quận Đồ Sơn"),
    ]
    assert len(reading.returns) == 14


def test_no_return_is_ever_changed(project: Project) -> None:
    before = {path.name: path.read_bytes() for path in project.returns(2023).iterdir()}
    read_year(project, 2023, with_last=False)
    assert {path.name: path.read_bytes() for path in project.returns(2023).iterdir()} == before
