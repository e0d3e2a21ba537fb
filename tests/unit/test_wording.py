"""Numbers, dates, changes and documents in Vietnamese words, as readers will see them."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danvan import wording
from danvan.catalogue import Indicator
from danvan.comparison import change, interval
from danvan.intake.observations import EXACT, Bound, Status
from danvan.measures import TOTAL, Result
from danvan.params import Reference, load_params
from danvan.paths import Project
from danvan.units import Unit

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases" / "numbers.csv"
THRESHOLDS = load_params(Project(ROOT), 2023).thresholds
FORMATS = {
    "number": lambda text: wording.number(Decimal(text), 3),
    "percent 1 dp": lambda text: wording.percent(Decimal(text) * 100),
    "percent CLDR default": lambda text: wording.percent(Decimal(text) * 100),
    "pattern #,##0": lambda text: wording.number(Decimal(text)),
    "pattern 0.00": lambda text: wording.number(Decimal(text), 2),
    "date official letterhead": lambda text: wording.long_date(date.fromisoformat(text)),
    "date short in text (report style)": lambda text: wording.short_date(date.fromisoformat(text)),
    "small count in running text (report style)": lambda text: wording.number(int(text), padded=True),
}


def format_cases() -> list[dict[str, str]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["kind"] == "format"]


def test_all_format_lines_are_here() -> None:
    assert len(format_cases()) == 19
    assert {row["unit_type"] for row in format_cases()} == set(FORMATS)


@pytest.mark.parametrize("row", format_cases(), ids=lambda row: f"{row['id']} {row['input']}")
def test_format_case(row: dict[str, str]) -> None:
    assert FORMATS[row["unit_type"]](row["input"]) == row["expected_value"]


# --- numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("1", "01"), ("9", "09"), ("10", "10"), ("4342", "4.342"), ("1.5", "1,5"), ("0.5", "0,5")],
)
def test_small_counts_are_padded_in_prose_only(value: str, text: str) -> None:
    assert wording.number(Decimal(value), 1, padded=True) == text
    assert wording.number(Decimal(value), 1) == (text.lstrip("0") if text in ("01", "09") else text)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("85.35", 1, "85,4"),  # binary floats and half-to-even would both print 85,3 or 85,4 by luck
        ("85.25", 1, "85,3"),
        ("-2.5", 0, "-3"),
        ("0.05", 1, "0,1"),
        ("0.04", 1, "0"),
        ("2.50", 2, "2,5"),
        ("442.37", 2, "442,37"),
        ("201483", 0, "201.483"),
        ("1e3", 0, "1.000"),
    ],
)
def test_rounding_is_half_away_from_zero(value: str, decimals: int, text: str) -> None:
    assert wording.number(Decimal(value), decimals) == text


@settings(max_examples=300, deadline=None)
@given(value=st.decimals(-(10**12), 10**12, places=3))
def test_a_printed_number_reads_back_as_the_rounded_value(value: Decimal) -> None:
    back = Decimal(wording.number(value, 2).replace(".", "").replace(",", "."))
    assert abs(back - value) <= Decimal("0.005")
    assert abs(back) >= abs(value) or abs(back - value) < Decimal("0.005")  # ties go away from zero


@pytest.mark.parametrize(
    ("day", "short", "long"),
    [
        (date(2023, 9, 8), "08/9/2023", "ngày 08 tháng 9 năm 2023"),
        (date(2023, 1, 16), "16/01/2023", "ngày 16 tháng 01 năm 2023"),
        (date(2023, 2, 1), "01/02/2023", "ngày 01 tháng 02 năm 2023"),
        (date(2023, 3, 31), "31/3/2023", "ngày 31 tháng 3 năm 2023"),
        (date(2023, 12, 1), "01/12/2023", "ngày 01 tháng 12 năm 2023"),
    ],
)
def test_dates(day: date, short: str, long: str) -> None:
    assert wording.short_date(day) == short
    assert wording.long_date(day) == long


def test_a_date_not_yet_known_is_a_dotted_line() -> None:
    assert wording.long_date(None) == "ngày ..... tháng ..... năm ........"


# --- results ---------------------------------------------------------------------------------------------------

COUNT = Indicator(  # what happens in a year
    code="cases_solved",
    name="Vụ án",
    section="II.2",
    tier="core",
    kind="count",
    measured_in="vụ",
    time="flow",
    reporters=("district",),
    body="catp",
    direction="neutral",
    sensitivity="low",
)
WEIGHT = COUNT.model_copy(update={"code": "kg", "kind": "quantity", "measured_in": "kg", "decimals": 2})
VIEWS = COUNT.model_copy(update={"code": "views", "measured_in": "lượt", "print_scale": "triệu"})
STOCK = COUNT.model_copy(update={"code": "models", "measured_in": "mô hình", "time": "stock"})
YES_NO = COUNT.model_copy(update={"code": "held", "kind": "boolean", "measured_in": "có/không"})
SHARE = Indicator(
    code="rate",
    name="Tỷ lệ",
    section="II.2",
    tier="derived",
    kind="ratio",
    measured_in="%",
    numerator="a",
    denominator="b",
    scale=100,
    decimals=1,
    direction="higher",
    sensitivity="none",
)
PER_10K = SHARE.model_copy(update={"code": "per10k", "measured_in": "tin/10.000 dân", "scale": 10000})


def result(
    value: str | int | None,
    indicator: Indicator = COUNT,
    *,
    bound: str = "",
    status: Status = Status.REPORTED,
    year: int = 2023,
    reported: int = 15,
    scope: str = TOTAL,
    provenance: str = "reported",
    city_missing: bool = False,
    of: str = "",
) -> Result:
    """A result; `of`: numerator and denominator of a ratio, '502/588', instead of a value."""
    above, below = (Decimal(part) for part in of.split("/")) if of else (None, None)
    if above is not None and below:
        value = above / below * (indicator.scale or 1)  # type: ignore[assignment]
    number = None if value is None else Decimal(value)
    return Result(
        indicator=indicator,
        year=year,
        scope=scope,
        value=number,
        status=Status.ZERO if number == 0 else status,
        bound=Bound.of(bound),
        formula="",
        sources=(),
        provenance=provenance,  # type: ignore[arg-type]
        reported=reported,
        owed=15,
        city_missing=city_missing,
        numerator=above,
        denominator=below,
    )


@pytest.mark.parametrize(
    ("value", "indicator", "bound", "prose", "table"),
    [
        ("3", COUNT, "", "03", "3"),
        ("0", COUNT, "", "0", "0"),
        ("4342", COUNT, "", "4.342", "4.342"),
        ("700", COUNT, "hơn", "hơn 700", "hơn 700"),
        ("6000", COUNT, "trên", "trên 6.000", "trên 6.000"),
        ("9", COUNT, "khoảng", "khoảng 09", "khoảng 9"),
        ("442.37", WEIGHT, "", "442,37", "442,37"),
        ("16", WEIGHT, "hơn", "hơn 16", "hơn 16"),
        ("85.374", SHARE, "", "85,4%", "85,4%"),
        ("100", SHARE, "", "100%", "100%"),
        ("9.4516", PER_10K, "", "9,5", "9,5"),
        ("5", PER_10K, "", "5", "5"),  # a rate is not a count: no padding
    ],
)
def test_a_result_in_words(value: str, indicator: Indicator, bound: str, prose: str, table: str) -> None:
    got = result(value, indicator, bound=bound)
    assert wording.in_prose(got) == wording.Phrase(prose, (f"{indicator.code}@2023/total",))
    assert wording.in_table(got) == table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2000000", "hơn 2 triệu"),
        ("2150000", "hơn 2,15 triệu"),
        ("2155000", "hơn 2.155.000"),  # two decimals would lose the last digits
        ("950000", "hơn 0,95 triệu"),
    ],
)
def test_the_print_scale_never_loses_digits(value: str, text: str) -> None:
    assert str(wording.in_prose(result(value, VIEWS, bound="hơn"))) == text
    assert wording.in_table(result(value, VIEWS, bound="hơn")) == text


def test_zero_has_no_scale() -> None:
    assert str(wording.in_prose(result(0, VIEWS))) == "0"


def test_yes_and_no() -> None:
    assert wording.in_table(result(1, YES_NO, scope="HP-303")) == "Có"
    assert wording.in_table(result(0, YES_NO, scope="HP-303")) == "Không"
    assert wording.in_table(result(14, YES_NO)) == "14"


UNKNOWN = {
    Status.NOT_REPORTED: "chưa báo cáo",
    Status.NOT_APPLICABLE: "–",
    Status.WITHHELD: "không công bố",
    Status.NO_DENOMINATOR: "không có mẫu số",
}


@pytest.mark.parametrize(("status", "text"), UNKNOWN.items(), ids=lambda value: str(value))
def test_what_is_not_known_in_a_table(status: Status, text: str) -> None:
    assert wording.in_table(result(None, status=status)) == text


def test_what_is_not_known_in_prose() -> None:
    assert str(wording.in_prose(result(None, status=Status.NOT_REPORTED))) == "(chưa có số liệu)"


def test_prose_keeps_apart_what_tables_keep_apart() -> None:
    """Nothing withheld or not applicable may read as if the unit had simply not reported it."""
    texts = {str(wording.in_prose(result(None, status=status, scope="HP-303"))) for status in UNKNOWN}
    assert len(texts) == len(UNKNOWN)
    assert "(không có mẫu số)" in texts


def test_every_status_without_a_number_has_its_words() -> None:
    """A status that is added later must not read as a number, nor break a table."""
    assert {status for status in Status if status not in (Status.REPORTED, Status.ZERO)} == set(UNKNOWN)


@pytest.mark.parametrize(
    ("reported", "city_missing", "mark"),
    [
        (15, False, ""),
        (14, False, " [14/15]"),
        (15, True, " [15/15, thiếu khối thành phố]"),
        (14, True, " [14/15, thiếu khối thành phố]"),
    ],
)
def test_an_incomplete_total_is_marked(reported: int, city_missing: bool, mark: str) -> None:
    got = result(4342, reported=reported, city_missing=city_missing)
    assert str(wording.in_prose(got)) == "4.342" + mark
    assert wording.coverage(got) == mark


def test_a_figure_of_the_city_offices_alone() -> None:
    got = replace(result(12, city_missing=True), owed=0, reported=0)
    assert wording.coverage(got) == " [thiếu khối thành phố]"


def test_a_unit_is_not_marked_as_incomplete() -> None:
    assert wording.coverage(result(5, scope="HP-303", reported=0)) == ""


def test_a_pair() -> None:
    got = replace(result("85.37", SHARE), numerator=Decimal(502), denominator=Decimal(588))
    assert str(wording.pair(got)) == "502/588"
    assert str(wording.pair(replace(got, reported=14))) == "502/588 [14/15]"
    large = replace(got, numerator=Decimal(3965), denominator=Decimal(4342))
    assert str(wording.pair(large)) == "3.965/4.342"
    assert str(wording.pair(result(None, SHARE))) == "(chưa có số liệu)"


# --- change on last year ---------------------------------------------------------------------------------------


def words(now: Result, last: Result | None, obstacle: str = "") -> tuple[str, str]:
    """The change as the prose and as a table tells it."""
    compared = change(now, last, 2022, THRESHOLDS, obstacle)
    return str(wording.of_change(compared, 2022)), wording.change_in_table(compared)


def last(value: str | int | None, indicator: Indicator = COUNT, **more: object) -> Result:
    return result(value, indicator, year=2022, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "before", "indicator", "prose", "table"),
    [
        ("4342", "4127", COUNT, "tăng 5,2% so với năm 2022", "+5,2%"),
        ("100", "200", COUNT, "giảm 50% so với năm 2022", "−50%"),
        ("40", "40", COUNT, "không đổi so với năm 2022", "0"),
        ("60", "20", COUNT, "gấp 3 lần so với năm 2022", "+200%"),
        ("59", "20", COUNT, "tăng 195% so với năm 2022", "+195%"),
        ("12", "2", COUNT, "tăng 10 vụ so với năm 2022", "+10"),  # small counts: in numbers
        ("50", "19", COUNT, "tăng 31 vụ so với năm 2022", "+31"),
        ("19", "119", COUNT, "giảm 100 vụ so với năm 2022", "−100"),
        ("7", "0", COUNT, "tăng 07 vụ so với năm 2022", "+7"),
        ("5", "2", STOCK, "tăng 03 mô hình so với năm 2022", "+3"),
        ("25", "19", STOCK, "tăng 06 mô hình so với năm 2022", "+6"),
        ("442.37", "400", WEIGHT, "tăng 10,6% so với năm 2022", "+10,6%"),
        ("2.5", "1", WEIGHT, "tăng 1,5 kg so với năm 2022", "+1,5"),
        ("15", "5", YES_NO, "tăng 10 đơn vị so với năm 2022", "+10"),
        ("1500", "1000", VIEWS, "tăng 50% so với năm 2022", "+50%"),
        # Within what chance explains.
        ("5", "2", COUNT, "không khác biệt rõ so với năm 2022 (chênh 03 vụ, trong mức dao động ngẫu nhiên)", "≈ (+3)"),
        ("2", "5", COUNT, "không khác biệt rõ so với năm 2022 (chênh 03 vụ, trong mức dao động ngẫu nhiên)", "≈ (−3)"),
        (
            "110",
            "100",
            COUNT,
            "không khác biệt rõ so với năm 2022 (chênh 10 vụ, trong mức dao động ngẫu nhiên)",
            "≈ (+10%)",
        ),
        (
            "14",
            "13",
            YES_NO,
            "không khác biệt rõ so với năm 2022 (chênh 01 đơn vị, trong mức dao động ngẫu nhiên)",
            "≈ (+1)",
        ),
    ],
)
def test_change(now: str, before: str, indicator: Indicator, prose: str, table: str) -> None:
    assert words(result(now, indicator), last(before, indicator)) == (prose, table)


@pytest.mark.parametrize(
    ("now", "before", "indicator", "prose", "table"),
    [
        ("8537/10000", "8414/10000", SHARE, "tăng 1,3 điểm phần trăm so với năm 2022", "+1,3 điểm %"),
        ("8414/10000", "8537/10000", SHARE, "giảm 1,3 điểm phần trăm so với năm 2022", "−1,3 điểm %"),
        ("8541/10000", "8544/10000", SHARE, "không đổi so với năm 2022", "0"),
        ("1500/2000000", "1000/2000000", PER_10K, "tăng 50% so với năm 2022", "+50%"),
        (
            "502/588",
            "500/588",
            SHARE,
            "không khác biệt rõ so với năm 2022 (chênh 0,4 điểm phần trăm, trong mức dao động ngẫu nhiên)",
            "≈ (+0,4 điểm %)",
        ),
        (
            "440/2000000",
            "400/2000000",
            PER_10K,
            "không khác biệt rõ so với năm 2022 (chênh 0,2 tin/10.000 dân, trong mức dao động ngẫu nhiên)",
            "≈ (+10%)",
        ),
    ],
)
def test_change_of_a_ratio(now: str, before: str, indicator: Indicator, prose: str, table: str) -> None:
    assert words(result(None, indicator, of=now), last(None, indicator, of=before)) == (prose, table)


def test_the_printed_points_are_the_difference_of_the_printed_percentages() -> None:
    """85,4% after 84,1% is 1,3 points to whoever subtracts, though the exact difference is 1,22."""
    now, before = result(None, SHARE, of="8536/10000"), last(None, SHARE, of="8414/10000")
    assert words(now, before)[0] == "tăng 1,3 điểm phần trăm so với năm 2022"


@pytest.mark.parametrize(
    ("now", "before", "of", "prose", "table"),
    [
        (100_010, 100_000, STOCK, "tăng dưới 0,1% so với năm 2022", "+<0,1%"),
        (100_000, 100_010, STOCK, "giảm dưới 0,1% so với năm 2022", "−<0,1%"),
        (
            100_010,
            100_000,
            COUNT,
            "không khác biệt rõ so với năm 2022 (chênh 10 vụ, trong mức dao động ngẫu nhiên)",
            "≈ (+<0,1%)",
        ),
    ],
)
def test_a_change_too_small_for_a_decimal_is_still_a_change(
    now: int, before: int, of: Indicator, prose: str, table: str
) -> None:
    """The table, too, must not say that nothing changed."""
    assert words(result(now, of), last(before, of)) == (prose, table)


@pytest.mark.parametrize(
    ("now", "before", "reason"),
    [
        (result(5), None, "không có số liệu năm 2022"),
        (result(None, status=Status.NOT_REPORTED), last(5), "một trong hai năm không có số liệu"),
        (result(5), last(None, status=Status.NOT_REPORTED), "một trong hai năm không có số liệu"),
        (result(None, status=Status.NO_DENOMINATOR), last(5), "không có mẫu số"),
        (result(5, reported=14), last(5), "chưa đủ đơn vị báo cáo"),
        (result(5), last(5, city_missing=True), "chưa đủ đơn vị báo cáo"),
        (result(800, bound="trên"), last(700), "số liệu chỉ ghi mức tối thiểu hoặc ước chừng"),
        (result(800), last(700, bound="khoảng"), "số liệu chỉ ghi mức tối thiểu hoặc ước chừng"),
    ],
)
def test_what_cannot_be_compared_says_why(now: Result, before: Result | None, reason: str) -> None:
    assert words(now, before) == (f"không so sánh được với năm 2022 do {reason}", "không so sánh được")


def test_what_stands_in_the_way_is_said_in_the_sentence() -> None:
    reason = "địa giới thành phố thay đổi từ 01/7/2022"
    assert words(result(5), last(7), reason) == (
        f"không so sánh được với năm 2022 do {reason}",
        "không so sánh được",
    )


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (4127, "tăng 5,2% so với năm 2022 (số liệu minh họa)"),
        (
            4300,
            "không khác biệt rõ so với năm 2022 (số liệu minh họa; chênh 42 vụ, trong mức dao động ngẫu nhiên)",
        ),
    ],
)
def test_last_years_illustrative_figures_are_marked_in_the_sentence(before: int, text: str) -> None:
    compared = change(result(4342), last(before, provenance="illustrative"), 2022, THRESHOLDS)
    phrase = wording.of_change(compared, 2022)
    assert str(phrase) == text
    assert phrase.results == ("cases_solved@2023/total", "cases_solved@2022/total")


# --- intervals and parts of a year -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "text"),
    [
        (result(None, SHARE, of="502/588"), "khoảng tin cậy 95% (Wilson): 82,3%-88%"),
        (result(4342), "khoảng tin cậy 95% (Byar): 4.214-4.473"),
        (result(0), "khoảng tin cậy 95% (Poisson chính xác): 0-4"),
        (result(None, PER_10K, of="4342/2028514"), "khoảng tin cậy 95% (Byar): 20,8-22,1"),
    ],
)
def test_an_interval_in_the_format_of_its_figure(got: Result, text: str) -> None:
    found = interval(got, THRESHOLDS)
    assert found
    assert wording.of_interval(found, got.indicator) == text


def test_a_part_of_a_year() -> None:
    assert wording.span(date(2025, 1, 1), date(2025, 6, 30)) == "từ 01/01/2025 đến 30/6/2025"


@pytest.mark.parametrize("scope", ["span@2025-01-01..2025-06-30", TOTAL])
def test_sums_of_many_units_are_counts_and_carry_their_coverage(scope: str) -> None:
    assert wording.in_table(result(14, YES_NO, scope=scope)) == "14"
    assert wording.coverage(result(14, YES_NO, scope=scope, reported=14)) == " [14/15]"


def some_unit(kind: str, **counts: int) -> Unit:
    day = date(2025, 1, 1)
    known = {"wards": 0, "townships": 0, "communes": 0, "special_zones": 0} | counts
    return Unit("X", "X", "", 1, kind, "X", (), day, None, **known, population=None, line=2, population_line=None,
                first_day=day, last_day=day, offices=())  # fmt: skip


def test_kinds_of_units_stand_in_the_order_of_a_sentence() -> None:
    units = [some_unit(kind) for kind in ("đặc khu", "huyện", "phường", "quận", "xã", "thành phố", "xã")]
    assert wording.kinds(units) == "quận, huyện, thành phố, xã, phường, đặc khu"
    assert wording.kinds(units[1:2]) == "huyện"


@pytest.mark.parametrize(
    ("units", "text"),
    [
        ([some_unit("huyện", communes=3, townships=1), some_unit("quận", wards=4)], "xã, phường, thị trấn"),
        ([some_unit("xã", communes=1), some_unit("phường", wards=1), some_unit("đặc khu", special_zones=1)],
         "xã, phường, đặc khu"),
        ([some_unit("quận", wards=4)], "phường"),
        ([some_unit("huyện")], ""),
    ],
)  # fmt: skip
def test_kinds_of_communes(units: list[Unit], text: str) -> None:
    assert wording.commune_kinds(units) == text


# --- phrases and documents -------------------------------------------------------------------------------------


def test_phrases_keep_their_sources_when_put_together() -> None:
    one, other = wording.Phrase("14", ("a",)), wording.Phrase("15", ("b", "a"))
    assert wording.join("/", [one, other]) == wording.Phrase("14/15", ("a", "b"))
    assert "còn " + one + " ban" == wording.Phrase("còn 14 ban", ("a",))
    assert not wording.Phrase("")
    assert wording.enumerate_(["a"]) == wording.Phrase("a")
    assert str(wording.enumerate_(["a", "b", one])) == "a, b và 14"


def test_a_phrase_never_brings_html_of_its_own() -> None:
    bundle = wording.Phrase("<script>x</script>", ("a",))._repr_mimebundle_()
    assert bundle == {
        "text/plain": "<script>x</script>",
        wording.PHRASE_MIME: {"text": "<script>x</script>", "results": ["a"]},
    }


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (
            Reference(
                kind="Chỉ thị",
                number="33/CT-TTg",
                date=date(2021, 11, 26),
                issuer="Thủ tướng Chính phủ",
                subject="Tiếp tục tăng cường công tác dân vận",
            ),
            "Chỉ thị số 33/CT-TTg, ngày 26/11/2021 của Thủ tướng Chính phủ về tiếp tục tăng cường công tác dân vận",
        ),
        (
            Reference(kind="Kế hoạch", number="196/KH", subject="thực hiện dân chủ"),
            "Kế hoạch số 196/KH thực hiện dân chủ",
        ),
        (
            Reference(kind="Quyết định", date=date(2022, 7, 5), subject="Về việc ban hành Quy chế"),
            "Quyết định, ngày 05/7/2022 về việc ban hành Quy chế",
        ),
        (Reference(kind="Kế hoạch"), "Kế hoạch"),
    ],
)
def test_a_citation_leaves_out_what_is_not_known(reference: Reference, text: str) -> None:
    assert str(wording.cite(reference)) == text


def test_exact_has_no_word() -> None:
    assert Bound.of("chính xác") is EXACT
    assert wording.with_bound("16", EXACT) == "16"


@pytest.mark.parametrize(
    ("subject", "cited"),
    [
        ("Đổi mới công tác dân vận", "Chỉ thị về đổi mới công tác dân vận"),
        ("về việc ban hành Quy chế", "Chỉ thị về việc ban hành Quy chế"),
        ("Luật Thực hiện dân chủ ở cơ sở", "Chỉ thị về Luật Thực hiện dân chủ ở cơ sở"),
        ("Hải Phòng xanh", "Chỉ thị về Hải Phòng xanh"),
    ],
)
def test_a_subject_loses_its_capital_but_a_name_keeps_it(subject: str, cited: str) -> None:
    assert str(wording.cite(Reference(kind="Chỉ thị", subject=subject))) == cited
