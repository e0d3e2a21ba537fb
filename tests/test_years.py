"""Years in which the map changes, from the workbooks to the words of the yearbook; no notebook is run.

A small city of two maps, made here, and the real 2025 and 2026. Sums are made anew by plain openpyxl and csv.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import openpyxl
import pytest
import small_year

from danvan.bodies import COLUMNS as BODY_COLUMNS
from danvan.catalogue import Catalogue, Check
from danvan.document import to_json
from danvan.intake.checks import check
from danvan.intake.observations import Status
from danvan.intake.year import Year, read_year
from danvan.lineage import COLUMNS as LINK_COLUMNS
from danvan.measures import TOTAL
from danvan.paths import Project
from danvan.trace import trace
from danvan.units import CITY, COLUMNS, POPULATION_COLUMNS
from danvan.yearbook import Yearbook

ROOT = Path(__file__).resolve().parents[1]
MERGED = "địa giới thành phố thay đổi từ 01/7/2025"
FLOWS = ("tips_received", "tips_valuable", "cases_solved", "petitions_received", "dvk_registered", "fireworks_kg")
STOCKS = ("police_models_active", "communes_with_officers")
ALIKE = ("tips_valuable_rate", "petitions_resolved_rate", "dvk_defence_security_share")  # flow over flow


# --- read by plain means ---------------------------------------------------------------------------------------

Plain = dict[str, dict[str, Decimal]]  # by the full name of the unit, then by indicator


def plain(project: Project, year: int) -> tuple[Plain, dict[str, str]]:
    """Every number of a year's workbooks, and the days that each unit reports for."""
    found, days = Plain(), dict[str, str]()
    for path in project.returns(year).glob("*.xlsx"):
        head, numbers = dict[object, object](), dict[str, Decimal]()
        for sheet in openpyxl.load_workbook(path).worksheets[1:]:  # the first are the instructions
            for code, beside, _, value, _, status in sheet.iter_rows(max_col=6, values_only=True):
                head.setdefault(code, beside)
                value = {"Có": 1, "Không": 0}.get(str(value), value)
                if isinstance(value, int | float) and code:
                    numbers[str(code)] = Decimal(str(value))
                elif status == "không phát sinh":
                    numbers[str(code)] = Decimal(0)
        found[str(head["Đơn vị"])], days[str(head["Đơn vị"])] = numbers, str(head["Kỳ số liệu"])
    return found, days


def total(figures: Plain, code: str, units: list[str] | None = None) -> Decimal:
    return sum((figures[u].get(code, Decimal(0)) for u in (figures if units is None else units)), Decimal(0))


# --- a small city of two maps ----------------------------------------------------------------------------------

VERSIONS = """
A|huyện|An|2020-01-01|2023-06-30|0 1 9 0
B|huyện|Bình|2020-01-01|2023-06-30|0 1 5 0
C|quận|Cao|2020-01-01|2023-06-30|6 0 0 0
D|huyện|Dinh|2020-01-01|2023-06-30|0 0 0 0
N|phường|An Bình|2023-07-01||1 0 0 0
C1|phường|Cao|2023-07-01||1 0 0 0
D1|đặc khu|Dinh|2023-07-01||0 0 0 1
"""
LINKS = """
N|2023-07-01|A|2020-01-01|whole|1|toàn bộ|Nghị quyết 1|
N|2023-07-01|B|2020-01-01|whole|1|toàn bộ|Nghị quyết 1|
C1|2023-07-01|C|2020-01-01|part||không có|Nghị quyết 2|
D1|2023-07-01|D|2020-01-01|whole|1|toàn bộ|Nghị quyết 1|
"""
CENSUS = "Tổng điều tra dân số 01/4/2019"
PEOPLE = {"A": 120_000, "B": 80_000, "C": 95_000, "D": 600}
BODIES = """
bdvtu|city|Ban Dân vận Thành ủy||||nguồn
catp|city|Công an thành phố||||nguồn
bdvtu|unit|Ban Dân vận {party} {name}|ban dân vận quận ủy, huyện ủy||2023-06-30|nguồn
bdvtu|unit|Đảng ủy {kind} {name}|đảng ủy phường, đặc khu|2023-07-01||nguồn
catp|unit|Công an {kind} {name}|công an các cấp||||nguồn
"""


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("illustrative_of_years", ROOT / "data" / "illustrative.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(lines: str) -> list[list[str]]:
    return [line.split("|") for line in lines.strip().splitlines()]


def write(path: Path, *rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """2022 with four units; 2023 with these until June, then with three. Read it, change nothing."""
    project = Project(tmp_path_factory.mktemp("nhỏ") / "dự án")
    shutil.copytree(ROOT / "params", project.root / "params", ignore=shutil.ignore_patterns("202[4-9].yaml"))
    units = [[c, "", n, kind, name, "", start, end, *counts.split(), ""] for n, (c, kind, name, start, end, counts) in
             enumerate(cells(VERSIONS), 1)]  # fmt: skip
    write(
        project.units, COLUMNS, *units, [CITY, "", 99, "khối thành phố", "Khối thành phố", "", "2020-01-01", *[""] * 6]
    )
    write(project.lineage, LINK_COLUMNS, *cells(LINKS))
    bodies = [[*row[:4], *row[4:6], "", row[-1]] for row in cells(BODIES)]
    write(project.bodies, BODY_COLUMNS, *bodies)
    people = [[c, c, "2020-01-01", "2023-06-30", CENSUS, 2019, value, "", ""] for c, value in PEOPLE.items()]
    write(project.population, POPULATION_COLUMNS, *people)
    text = (
        project.params(2023).read_text(encoding="utf-8").replace("city_totals: published", "city_totals: illustrative")
    )
    project.params(2023).write_text(text, encoding="utf-8")
    made = generator()
    values = made.generate(project, 2022, 7)
    made.generate(project, 2023, 7, before=values)
    return project


@pytest.fixture(scope="module")
def of_small(small: Project) -> Year:
    return read_year(small, 2023)


@pytest.fixture(scope="module")
def y(of_small: Year) -> Yearbook:
    return Yearbook(of_small, "public")


FIRST = ["Huyện An", "Huyện Bình", "Quận Cao", "Huyện Dinh"]
SECOND = ["Phường An Bình", "Phường Cao", "Đặc khu Dinh"]
OFFICES = ["Khối thành phố"]


def test_seven_returns_and_the_offices_are_owed_and_are_there(of_small: Year) -> None:
    assert [unit.full_name for unit in of_small.units.all] == [*FIRST, *SECOND, *OFFICES]
    assert len(of_small.returns) == 8
    assert (of_small.missing, of_small.findings) == ((), ())
    assert [len(there) for _, _, there in of_small.units.spans] == [4, 3]
    assert of_small.last
    assert len(of_small.last.units.districts) == 4


def test_flows_are_those_of_both_halves_and_stocks_those_of_the_end(
    small: Project, of_small: Year, y: Yearbook
) -> None:
    figures, days = plain(small, 2023)
    assert {name for name, said in days.items() if said == "01/01/2023 - 30/06/2023"} == set(FIRST)
    assert {name for name, said in days.items() if said == "01/07/2023 - 31/12/2023"} == set(SECOND)
    for indicator in of_small.catalogue.reported:
        at_end = indicator.time == "stock"
        names = [*SECOND, *OFFICES] if at_end else [*FIRST, *SECOND, *OFFICES]
        result = y.results[indicator.code, TOTAL]
        known = [figures[name][indicator.code] for name in names if indicator.code in figures[name]]
        assert result.value == (sum(known) if known else None), indicator.code
        assert result.complete, indicator.code
        owing = [n for n in (SECOND if at_end else [*FIRST, *SECOND]) if indicator.code in figures[n]]
        if indicator.kind == "boolean":
            assert result.owed == 7
        assert result.owed >= len(owing), indicator.code
    for first, names in (("2023-01-01..2023-06-30", FIRST), ("2023-07-01..2023-12-31", SECOND)):
        for code in (*FLOWS, "police_models_active", "plan_signed"):
            assert y.results[code, f"span@{first}"].value == total(figures, code, names), code


def test_what_has_no_denominator_says_so(y: Yearbook) -> None:
    assert str(y.tips_per_10k) == str(y.dvk_per_commune) == "(không có mẫu số)"
    assert y.results["tips_per_10k", "span@2023-01-01..2023-06-30"].value is not None
    assert y.results["tips_per_10k", "span@2023-07-01..2023-12-31"].status is Status.NO_DENOMINATOR
    assert y.tips_per_10k.at("Huyện Dinh").result.status is Status.NOT_APPLICABLE  # 600 people
    assert y.dvk_per_commune.at("Huyện Dinh").result.status is Status.NOT_APPLICABLE  # no commune
    assert y.dvk_per_commune.at("Đặc khu Dinh").value is not None
    assert str(y.tips_per_10k.change) == "không so sánh được với năm 2022 do không có mẫu số"


def test_what_is_held_against_last_year(small: Project, y: Yearbook) -> None:
    last, _ = plain(small, 2022)
    joined = y.change_of("police_models_active", "N")
    assert joined.last
    assert joined.last.value == total(last, "police_models_active", ["Huyện An", "Huyện Bình"])
    assert joined.way in ("up", "down", "same")
    assert y.change_of("tips_received", "N").reason == "hai kỳ số liệu dài ngắn khác nhau"
    assert y.change_of("police_models_active", "C1").reason == "ranh giới thay đổi từ 01/7/2023 (Nghị quyết 2)"
    assert y.change_of("police_models_active", "D1").way in ("up", "down", "same")
    assert y.change_of("tips_received").way != "incomparable"  # the city is the same land, and the year as long
    assert y.change_of("plan_signed").reason == "các đơn vị phải báo cáo không như năm trước"


def test_the_words_of_a_year_of_two_maps(y: Yearbook) -> None:
    assert str(y.units_note) == (
        "04 quận, huyện (từ 01/01/2023 đến 30/6/2023) và 03 phường, đặc khu (từ 01/7/2023 đến 31/12/2023)"
    )
    assert str(y.units_count) == "07"
    assert str(y.party_offices) == "ban dân vận quận ủy, huyện ủy và đảng ủy phường, đặc khu"
    assert (str(y.unit_kinds), str(y.commune_kinds)) == ("đơn vị", "phường, đặc khu")
    assert str(y.plan_signed_rate.pair).endswith("/7")


def rows_of(y: Yearbook, caption: str = "?", *sections: str) -> list[dict[str, object]]:
    shown = y.annex(*(sections or ("I", "II.1", "II.2", "II.3", "II.4")), caption=caption)
    assert shown
    block = to_json(shown.block)
    return block["rows"]  # type: ignore[no-any-return]


def test_the_annex_shows_each_map_with_its_sum(y: Yearbook) -> None:
    labels = [(row["label"], row["role"]) for row in rows_of(y)]
    assert [label for label, _ in labels][:14] == [
        "Từ 01/01/2023 đến 30/6/2023",
        *("An", "Bình", "Quận Cao", "Huyện Dinh", "Cộng 4 đơn vị"),
        "Từ 01/7/2023 đến 31/12/2023",
        *("An Bình", "Phường Cao", "Đặc khu Dinh", "Cộng 3 đơn vị"),
        *("Khối thành phố", "Toàn thành phố", "Năm 2022 (minh họa)"),
    ]
    assert Counter(role for _, role in labels) == {
        "section": 2,
        "unit": 7,
        "plain": 2,
        **dict.fromkeys(("city", "total", "last", "change"), 1),
    }


def test_every_figure_of_the_annex_can_be_traced(y: Yearbook) -> None:
    keys = [key for row in rows_of(y) for cell in row["cells"] for key in cell["results"]]  # type: ignore[attr-defined]
    found = trace(y, [{"results": keys}], "")["results"]
    assert found["tips_received@2023/span@2023-01-01..2023-06-30"]["scope"] == "từ 01/01/2023 đến 30/6/2023"
    assert found["tips_received@2023/C"]["scope"] == "Quận Cao"
    assert found["tips_received@2023/C1"]["scope"] == "Phường Cao"
    assert len(found["tips_received@2023/total"]["sources"]) == 8
    assert len(found["police_models_active@2023/total"]["sources"]) == 4


def test_the_frame_has_each_unit_once(y: Yearbook) -> None:
    frame = y.frame("tips_received").query("year == 2023")
    assert frame["scope"].tolist() == ["An", "Bình", "Quận Cao", "Huyện Dinh", "An Bình", "Phường Cao", "Đặc khu Dinh"]


def test_the_public_edition_has_the_sums_and_no_unit(of_small: Year, y: Yearbook) -> None:
    internal = Yearbook(of_small, "internal")
    parts = ("span@2023-01-01..2023-06-30", "span@2023-07-01..2023-12-31")
    for scope in (*(unit.id for unit in (*y.units.districts, y.units.city)), *parts):
        assert y.results["guns", scope].value is None  # a part less the others may be one unit
    assert y.results["guns", TOTAL] == internal.results["guns", TOTAL]
    assert y.results["guns", TOTAL].value is not None


def test_completeness_counts_the_cells_of_returns(of_small: Year, y: Yearbook) -> None:
    owed = sum(u.owes(i) == "owed" for u in of_small.units.all for i in of_small.catalogue.reported if i.section == "I")
    assert owed == 2 * 7
    assert y.count("completeness-I").value == owed


def test_what_nobody_owes_is_not_called_missing(y: Yearbook) -> None:
    """At the end of the year there is no xã any more, so there are no officers of xã to report."""
    assert y.results["commune_officers", TOTAL].owed == 0
    assert y.results["commune_officers", TOTAL].status is Status.NOT_APPLICABLE
    assert str(y.commune_police_coverage) == "(không áp dụng)"


@pytest.fixture
def without(small: Project, tmp_path: Path) -> Callable[..., Yearbook]:
    """`without("Bình.xlsx")`: the yearbook without this return."""

    def made(*names: str) -> Yearbook:
        project = Project(tmp_path / "dự án")
        shutil.copytree(small.root, project.root)
        for name in names:
            (project.returns(2023) / name).unlink()
        return Yearbook(read_year(project, 2023), "public")

    return made


def test_a_missing_return_of_a_unit_that_ended(without: Callable[..., Yearbook]) -> None:
    y = without("Bình.xlsx")
    assert str(y.incomplete.full) == "huyện Bình"
    assert str(y.tips_received).endswith(" [6/7]")
    assert y.police_models_active.result.complete  # of the end of the year nothing is missing
    assert y.results["tips_received", "span@2023-01-01..2023-06-30"].reported == 3
    assert y.change_of("tips_received").reason == "chưa đủ đơn vị báo cáo"
    (half,) = (row["cells"] for row in rows_of(y, "?", "II.2") if row["label"] == "Cộng 4 đơn vị")
    assert any(cell["text"].endswith(" [3/4]") for cell in half)  # type: ignore[attr-defined]


def test_gaps_are_counted_once(without: Callable[..., Yearbook]) -> None:
    y = without("An Bình.xlsx", "Phường Cao.xlsx", "Đặc khu Dinh.xlsx")
    of_units = {unit.id for unit in y.units.districts}
    missing = [
        result
        for result in y.results.values()
        if result.owed and result.scope in of_units and result.indicator.kind != "ratio" and not result.reported
    ]
    assert y.count("gaps").value == len(missing)


# --- checks against last year ----------------------------------------------------------------------------------

JUMPS = Check(rule="change-on-last-year", severity="warning", about="percent", reason="Chênh lớn.")


@pytest.mark.parametrize(("last_day", "found"), [("12-31", ["tips", "models"]), ("06-30", ["models"])])
def test_half_a_year_is_not_held_against_a_whole_one(last_day: str, found: list[str]) -> None:
    """Of what happens, half a year brings about half; of what there is at its end, as much as ever."""
    table = "unit | tips | models\nA | {0} | {0}"
    last = small_year.year(
        table.format(100),
        small_year.unit("A", 1, in_year=2022),
        indicators=(small_year.TIPS, small_year.MODELS),
        params=small_year.params_of(2022),
    )
    now = small_year.year(
        table.format(30),
        small_year.unit("A", 1, last=last_day),
        indicators=(small_year.TIPS, small_year.MODELS),
    )
    catalogue = Catalogue(indicators=(small_year.TIPS, small_year.MODELS), checks=(JUMPS,))
    thresholds = small_year.PARAMS.thresholds
    findings = check(now.returns, {"A": last.returns[0]}, catalogue, thresholds)
    assert [finding.indicator for finding in findings] == found
    assert check(now.returns, {"B": last.returns[0]}, catalogue, thresholds) == ()  # another unit's is no last year
    assert check(now.returns, {}, catalogue, thresholds) == ()


def test_the_generator_and_the_checks_agree_on_what_half_a_year_is(of_small: Year) -> None:
    """D goes on as D1 in July: its stock of December 2022 is not that from which D1 began."""
    before = of_small.before["D1"]
    assert not isinstance(before, str)
    assert [unit.id for unit in before] == ["D"]
    assert [f for f in of_small.findings if f.rule in ("stock-and-flow", "removed-beyond-stock")] == []


# --- 2025 and 2026 as committed --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read_2025() -> Year:
    return read_year(Project(ROOT), 2025)


@pytest.fixture(scope="module")
def read_2026() -> Year:
    return read_year(Project(ROOT), 2026)


@pytest.fixture(scope="module")
def y2025(read_2025: Year) -> Yearbook:
    return Yearbook(read_2025, "public")


@pytest.fixture(scope="module")
def y2026(read_2026: Year) -> Yearbook:
    return Yearbook(read_2026, "public")


@pytest.fixture(scope="module")
def plain_2025() -> tuple[Plain, dict[str, str]]:
    return plain(Project(ROOT), 2025)


@pytest.mark.long
def test_all_returns_are_there_and_sound(read_2025: Year, read_2026: Year) -> None:
    assert (len(read_2025.returns), len(read_2026.returns)) == (15 + 114 + 1, 114 + 1)
    for read in (read_2025, read_2026):
        assert read.missing == ()
        assert [f for f in read.findings if f.severity == "error"] == []


@pytest.mark.long
def test_totals_of_2025_are_sums_of_both_halves(plain_2025: tuple[Plain, dict[str, str]], y2025: Yearbook) -> None:
    figures, days = plain_2025
    assert Counter(days.values()) == {
        "01/01/2025 - 30/06/2025": 15,
        "01/07/2025 - 31/12/2025": 114,
        "01/01/2025 - 31/12/2025": 1,
    }
    at_end = [name for name, said in days.items() if said.endswith("31/12/2025")]
    for indicator in y2025.catalogue.reported:
        names = at_end if indicator.time == "stock" else list(days)
        assert y2025.results[indicator.code, TOTAL].value == total(figures, indicator.code, names), indicator.code
    halves = [[n for n, said in days.items() if said.startswith(start)] for start in ("01/01", "01/07")]
    for first, names in zip(("2025-01-01..2025-06-30", "2025-07-01..2025-12-31"), halves, strict=True):
        own = [name for name in names if name != "Khối thành phố"]
        for code in (*FLOWS, *STOCKS):
            assert y2025.results[code, f"span@{first}"].value == total(figures, code, own), code


@pytest.mark.long
def test_rates_of_2025_and_2026(y2025: Yearbook, y2026: Yearbook) -> None:
    assert str(y2025.tips_per_10k) == str(y2026.tips_per_10k) == "(không có mẫu số)"
    assert str(y2025.dvk_per_commune) == "(không có mẫu số)"
    assert y2026.dvk_per_commune.value == y2026.dvk_registered.value / 114  # type: ignore[operator]
    assert y2025.tips_per_10k.at("Quận Ngô Quyền").value is not None
    assert str(y2025.tips_per_10k.at("Quận Hồng Bàng")).startswith("(không có mẫu số)")
    assert str(y2025.tips_per_10k.at("Phường Hồng Bàng")).startswith("(không có mẫu số)")
    huyen, dac_khu = (f"{kind} Bạch Long Vĩ" for kind in ("Huyện", "Đặc khu"))
    assert str(y2025.dvk_per_commune.at(huyen)).startswith("(không áp dụng)")  # a huyện without communes
    assert y2025.dvk_per_commune.at(dac_khu).value == y2025.dvk_registered.at(dac_khu).value
    assert str(y2025.tips_per_10k.at(huyen)).startswith("(không áp dụng)")  # 624 people
    assert str(y2025.tips_per_10k.at(dac_khu)).startswith("(không có mẫu số)")
    assert y2025.commune_police_coverage.result.denominator == 67  # the xã at the end of the year
    for yearbook, units in ((y2025, 129), (y2026, 114)):
        assert (yearbook.results["plan_signed_rate", TOTAL].denominator, int(yearbook.count("units").value)) == (
            units,
            units,
        )


@pytest.mark.long
def test_what_of_2025_and_2026_is_held_against_the_year_before(y2025: Yearbook, y2026: Yearbook) -> None:
    for code in (*FLOWS, *ALIKE, "plan_signed", "tips_per_10k"):
        assert y2025.change_of(code).reason == y2026.change_of(code).reason == MERGED, code
    for code in STOCKS:
        assert y2025.change_of(code).reason == MERGED
        assert y2026.change_of(code).way != "incomparable"
    assert str(y2025.tips_received.change) == f"không so sánh được với năm 2024 do {MERGED}"
    for unit in y2026.units.districts:
        assert y2026.change_of("police_models_active", unit.id).way != "incomparable", unit.full_name
        assert y2026.change_of("tips_received", unit.id).reason == "hai kỳ số liệu dài ngắn khác nhau"
    hong_bang = y2025.police_models_active.at("Quận Hồng Bàng")
    assert str(hong_bang.change) == (
        "không so sánh được với năm 2024 do ranh giới thay đổi từ 01/01/2025 (Nghị quyết 1232/NQ-UBTVQH15)"
    )
    for name, code in (("Quận Ngô Quyền", "police_models_active"), ("Đặc khu Bạch Long Vĩ", "police_models_active")):
        assert y2025.change_of(code, y2025.units.resolve(name).id).way != "incomparable"
    reason = y2025.change_of("tips_received", y2025.units.resolve("Quận Ngô Quyền").id).reason
    assert reason == "hai kỳ số liệu dài ngắn khác nhau"


@pytest.mark.long
def test_the_stock_of_2026_is_that_of_2025_and_what_came_and_went(y2025: Yearbook, y2026: Yearbook) -> None:
    value = {code: y2026.results[f"police_models_{code}", TOTAL].value for code in ("active", "new", "removed")}
    before = y2025.police_models_active.value
    assert y2026.last_results["police_models_active", TOTAL].value == before
    assert value["active"] == before + value["new"] - value["removed"]  # type: ignore[operator]


@pytest.mark.long
def test_nothing_of_single_units_in_the_public_edition(read_2025: Year, y2025: Yearbook) -> None:
    internal = Yearbook(read_2025, "internal")
    hidden = [i.code for i in y2025.catalogue.indicators if i.public_level == "city"]
    assert hidden
    spans = ("span@2025-01-01..2025-06-30", "span@2025-07-01..2025-12-31")
    for code in hidden:
        for scope in (*(unit.id for unit in y2025.units.all), *spans):
            assert y2025.results[code, scope].value is None
        assert y2025.results[code, TOTAL] == internal.results[code, TOTAL]
    shown = json.dumps([row["label"] for row in rows_of(y2025)], ensure_ascii=False)
    assert "Cộng 15 đơn vị" in shown
    assert "Cộng 114 đơn vị" in shown


@pytest.mark.long
def test_every_row_of_the_annex_of_2025_can_be_told_from_the_others(y2025: Yearbook) -> None:
    labels = [str(row["label"]) for row in rows_of(y2025)]
    assert len(set(labels)) == len(labels) == 2 + 129 + 2 + 1 + 1 + 2
    assert {"Quận Hồng Bàng", "Phường Hồng Bàng", "Nam Sách"} <= set(labels)


@pytest.mark.long
def test_the_words_of_2025_and_2026(y2025: Yearbook, y2026: Yearbook) -> None:
    assert str(y2025.units_note) == (
        "15 quận, huyện, thành phố (từ 01/01/2025 đến 30/6/2025) và "
        "114 xã, phường, đặc khu (từ 01/7/2025 đến 31/12/2025)"
    )
    assert str(y2026.units_note) == ""
    assert (str(y2025.unit_kinds), str(y2026.unit_kinds)) == ("đơn vị", "xã, phường, đặc khu")
    assert str(y2025.commune_kinds) == str(y2026.commune_kinds) == "xã, phường, đặc khu"
    assert str(y2025.body("bdvtu")) == "Ban Tuyên giáo và Dân vận Thành ủy"
    assert str(y2026.party_offices) == "đảng ủy xã, phường, đặc khu"
    assert str(y2026.units_count) == "114"
