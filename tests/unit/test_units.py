"""Who reports when, and which spellings of a name mean whom."""

from __future__ import annotations

import csv
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from danvan.catalogue import Indicator, load_catalogue
from danvan.errors import SettingsError
from danvan.params import Period, load_params
from danvan.paths import Project
from danvan.units import CITY, COLUMNS, POPULATION_COLUMNS, Unit, Units, load_units, name_key, names

ROOT = Path(__file__).resolve().parent.parent.parent
CENSUS = "Tổng điều tra dân số 01/4/2019"
RESOLUTIONS = "Quy mô dân số theo nghị quyết sắp xếp đơn vị hành chính"
YEARS = sorted(int(path.stem) for path in (ROOT / "params").glob("[0-9]*.yaml"))


def of_year(year: int) -> Period:
    return Period(start=date(year, 1, 1), end=date(year, 12, 31))


def days(start: str, end: str) -> Period:
    return Period(start=date.fromisoformat(start), end=date.fromisoformat(end))


def load(when: Period, project: Project | None = None, concept: str = CENSUS) -> Units:
    return load_units(project or Project(ROOT), when, concept)


@pytest.fixture(scope="module")
def units() -> Units:
    """The units of 2023."""
    return load(of_year(2023))


@pytest.fixture(scope="module")
def of_2025() -> Units:
    """The units of the year in which the map changes."""
    return load(of_year(2025))


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A project of what `load_units` reads, to be changed."""
    for name in ("params/units.csv", "params/bodies.csv", "data/reference/population.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return Project(tmp_path)


@pytest.fixture
def made_up(small: Project) -> Callable[..., Project]:
    """`made_up("A|huyện|An|2020-01-01||1 1 10 0", ..., population=...)`: a project with these unit versions and a city.

    A version: id, kind, name, valid_from, valid_to; wards, townships, communes and special zones.
    """

    def make(*versions: str, population: Sequence[str] = ()) -> Project:
        table = [COLUMNS, (CITY, "", "99", "khối thành phố", "Khối thành phố", "", "2020-01-01", *[""] * 6)]
        for order, version in enumerate(versions, 1):
            code, kind, name, start, end, counts = version.split("|")
            table.append((code, "", str(order), kind, name, "", start, end, *counts.split(), ""))
        people = [line.split("|") for line in population]
        rows = [(code, code, start, end, concept, "2019", value, "", "") for code, start, end, concept, value in people]
        for path, lines in ((small.units, table), (small.population, [POPULATION_COLUMNS, *rows])):
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(lines)
        return small

    return make


def refused(project: Project, when: Period | None = None, concept: str = CENSUS) -> str:
    with pytest.raises(SettingsError) as caught:
        load_units(project, when or of_year(2023), concept)
    return str(caught.value)


# --- validity --------------------------------------------------------------------------------------------------


def expected(start: str, end: str) -> set[tuple[str, str]]:
    """(id, valid_from) of the versions of units.csv that are valid on any day of a period: read by plain csv."""
    with (ROOT / "params" / "units.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["unit_id"] != CITY]
    valid = [row for row in rows if row["valid_from"] <= end and start <= (row["valid_to"] or "9999")]
    return {(row["unit_id"], row["valid_from"]) for row in valid}


@pytest.mark.parametrize("year", YEARS)
def test_who_reports_follows_from_the_period(year: int) -> None:
    params = load_params(Project(ROOT), year)
    found = load_units(Project(ROOT), params.period, params.population_concept)
    assert {(unit.code, str(unit.valid_from)) for unit in found.districts} == expected(f"{year}-01-01", f"{year}-12-31")
    assert len({unit.id for unit in found.all}) == len(found.districts) + 1
    assert found.city.is_city
    assert found.city not in found.districts
    for first, last, there in found.spans:
        assert {(unit.code, str(unit.valid_from)) for unit in there} <= expected(str(first), str(first))
        assert {(unit.code, str(unit.valid_from)) for unit in there} <= expected(str(last), str(last))
        assert [unit.order for unit in there] == sorted(unit.order for unit in there)


@pytest.mark.parametrize(
    ("when", "spans"),
    [
        (of_year(2022), [15]),
        (of_year(2023), [15]),
        (of_year(2024), [15]),
        (of_year(2025), [15, 114]),
        (of_year(2026), [114]),
        (days("2025-01-01", "2025-06-30"), [15]),
        (days("2025-07-01", "2025-12-31"), [114]),
        (days("2025-06-30", "2025-06-30"), [15]),
        (days("2025-07-01", "2025-07-01"), [114]),
        (days("2025-06-30", "2025-07-01"), [15, 114]),
    ],
)
def test_how_many_report(when: Period, spans: list[int]) -> None:
    found = load(when)
    assert [len(there) for _, _, there in found.spans] == spans
    assert len(found.districts) == sum(spans)
    assert len(found.at_end) == spans[-1]


def test_two_maps_of_the_fifteen_touch_within_a_year() -> None:
    """From 15 November 2024 to 14 February 2025: ten were redrawn on 1 January, five go on as they were."""
    found = load(days("2024-11-15", "2025-02-14"))
    redrawn, as_before = ("HP-303", "HP-311"), ("HP-308", "HP-318")
    of = {unit.id: (unit.first_day, unit.last_day, unit.full_name) for unit in found.districts}
    assert [of[f"{code}@2020-01-01"][:2] for code in redrawn] == [(date(2024, 11, 15), date(2024, 12, 31))] * 2
    assert [of[code][:2] for code in redrawn] == [(date(2025, 1, 1), date(2025, 2, 14))] * 2
    assert [of[code][:2] for code in as_before] == [(date(2024, 11, 15), date(2025, 2, 14))] * 2
    assert (of["HP-311@2020-01-01"][2], of["HP-311"][2]) == ("Huyện Thủy Nguyên", "Thành phố Thủy Nguyên")
    assert len(found.at_end) == 15
    assert len(found.districts) == 25


def test_the_year_of_the_change(of_2025: Units) -> None:
    assert [(first, last) for first, last, _ in of_2025.spans] == [
        (date(2025, 1, 1), date(2025, 6, 30)),
        (date(2025, 7, 1), date(2025, 12, 31)),
    ]
    assert of_2025.districts == of_2025.spans[0][2] + of_2025.spans[1][2]  # the earlier ones come first
    assert of_2025.at_end == of_2025.spans[1][2]
    assert (of_2025.city.first_day, of_2025.city.last_day) == (date(2025, 1, 1), date(2025, 12, 31))
    first, last = of_2025.districts[0], of_2025.districts[-1]
    assert (first.full_name, first.id, first.span) == ("Quận Hồng Bàng", "HP-303", (1, 1, 6, 30))
    assert (last.full_name, last.span) == ("Đặc khu Bạch Long Vĩ", (7, 1, 12, 31))
    assert {unit.kind for unit in of_2025.at_end} == {"xã", "phường", "đặc khu"}


# --- other maps than ours: nothing here knows fifteen districts or 114 communes -----------------------------------

SEVEN = [f"U{n}|{'quận' if n < 4 else 'huyện'}|Đơn vị {n}|2020-01-01||{n} 0 {n} 0" for n in range(1, 8)]


def test_a_city_of_seven_units(made_up: Callable[..., Project]) -> None:
    found = load(of_year(2023), made_up(*SEVEN), concept="")
    assert [unit.id for unit in found.districts] == [f"U{n}" for n in range(1, 8)]
    assert found.at_end == found.districts
    assert [unit.count("commune_level_total") for unit in found.districts] == [2, 4, 6, 8, 10, 12, 14]


def test_a_third_map(small: Project) -> None:
    """As if the 114 gave way to five on 1 April 2027."""
    text = small.units.read_text(encoding="utf-8")
    closed = "".join(
        line.replace(",2025-07-01,,", ",2025-07-01,2027-03-31,") if not line.startswith(CITY) else line
        for line in text.splitlines(keepends=True)
    )
    assert closed.count(",2027-03-31,") == 114
    new = "".join(f"HP-V{n},,{n},phường,Vùng {n},,2027-04-01,,1,0,0,0,tưởng tượng\n" for n in range(1, 6))
    small.units.write_text(closed + new, encoding="utf-8")
    counts = {year: [len(there) for _, _, there in load(of_year(year), small).spans] for year in range(2024, 2029)}
    assert counts == {2024: [15], 2025: [15, 114], 2026: [114], 2027: [114, 5], 2028: [5]}


# --- one unit changes within the year ------------------------------------------------------------------------------

AN = ("A|huyện|An|2020-01-01|2023-08-31|0 1 9 0", "A|quận|An|2023-09-01||8 0 0 0")
BINH = "B|huyện|Bình|2020-01-01||0 1 14 0"


def by_id(units: Units) -> dict[str, Unit]:
    return {unit.id: unit for unit in units.all}


def test_a_version_that_ends_within_the_year_is_named_with_its_first_day(made_up: Callable[..., Project]) -> None:
    found = load(of_year(2023), made_up(*AN, BINH), concept="")
    assert [unit.id for unit in found.districts] == ["A@2020-01-01", "B", "A"]
    before = found.districts[0]
    now = by_id(found)["A"]
    assert (before.code, now.code) == ("A", "A")
    assert (before.first_day, before.last_day) == (date(2023, 1, 1), date(2023, 8, 31))
    assert (now.first_day, now.last_day) == (date(2023, 9, 1), date(2023, 12, 31))
    assert (before.full_name, now.full_name) == ("Huyện An", "Quận An")
    assert (before.count("communes"), now.count("communes")) == (9, 0)
    assert [unit.id for unit in found.at_end] == ["B", "A"]
    assert [(str(first), str(last)) for first, last, _ in found.spans] == [
        ("2023-01-01", "2023-08-31"),
        ("2023-01-01", "2023-12-31"),
        ("2023-09-01", "2023-12-31"),
    ]


def test_a_version_alone_in_its_year_has_its_plain_id(made_up: Callable[..., Project]) -> None:
    project = made_up(*AN, BINH)
    for year, kind in ((2022, "huyện"), (2024, "quận")):
        found = by_id(load(of_year(year), project, concept=""))
        assert set(found) == {"A", "B", CITY}
        assert found["A"].kind == kind


def test_both_versions_are_found_by_their_kind(made_up: Callable[..., Project]) -> None:
    found = load(of_year(2023), made_up(*AN, BINH), concept="")
    assert found.resolve("Huyện An").last_day == date(2023, 8, 31)
    assert found.resolve("Quận An").id == "A"
    with pytest.raises(LookupError) as caught:
        found.resolve("An")
    assert str(caught.value) == "“An” có thể là Huyện An và Quận An. Hãy ghi cả loại đơn vị."
    assert [found.label(unit) for unit in found.all] == ["Huyện An", "Bình", "Quận An", "Khối thành phố"]


def test_both_versions_are_found_though_only_the_boundary_changed(made_up: Callable[..., Project]) -> None:
    project = made_up("A|huyện|An|2020-01-01|2023-08-31|0 1 9 0", "A|huyện|An|2023-09-01||0 1 5 0", BINH)
    found = load(of_year(2023), project, concept="")
    assert len({unit.full_name for unit in found.all}) == len(found.all)
    assert len({found.label(unit) for unit in found.all}) == len(found.all)


def test_a_unit_without_a_successor_reports_for_its_days(made_up: Callable[..., Project]) -> None:
    found = load(of_year(2023), made_up("A|huyện|An|2020-01-01|2023-03-31|0 0 3 0", BINH), concept="")
    assert [(unit.id, unit.last_day) for unit in found.districts] == [
        ("A", date(2023, 3, 31)),
        ("B", date(2023, 12, 31)),
    ]
    assert [unit.id for unit in found.at_end] == ["B"]


def test_a_year_that_nobody_ends_is_refused(made_up: Callable[..., Project]) -> None:
    project = made_up("A|huyện|An|2020-01-01|2023-11-30|0 0 3 0")
    assert refused(project, concept="") == (
        "params/units.csv: không có đơn vị nào hiệu lực ngày 31/12/2023. Hãy bổ sung phiên bản đơn vị."
    )


def test_the_city_offices_have_one_version_a_year(made_up: Callable[..., Project]) -> None:
    project = made_up(BINH)
    text = project.units.read_text(encoding="utf-8").replace(
        "2020-01-01,,,,,,\nB", "2020-01-01,2023-06-30,,,,,\nHP-CITY,,99,khối thành phố,Khối mới,,2023-07-01,,,,,,\nB"
    )
    project.units.write_text(text, encoding="utf-8")
    assert load(of_year(2022), project, concept="").city.name == "Khối thành phố"
    assert load(of_year(2024), project, concept="").city.name == "Khối mới"
    assert refused(project, concept="") == (
        "params/units.csv, dòng 3: khối thành phố lập một phiếu cho cả kỳ nên chỉ có một phiên bản trong kỳ."
    )


# --- the fifteen of 2023 -------------------------------------------------------------------------------------------


def test_the_official_order_of_2023(units: Units) -> None:
    assert names(units.districts) == (
        "Hồng Bàng, Ngô Quyền, Lê Chân, Hải An, Kiến An, Đồ Sơn, Dương Kinh, Thủy Nguyên, An Dương, An Lão, Kiến Thụy, "
        "Tiên Lãng, Vĩnh Bảo, Cát Hải, Bạch Long Vĩ"
    )


def test_the_rank_of_a_unit_follows_the_date() -> None:
    def of(name: str, when: Period) -> tuple[str, int | None]:
        unit = load(when).resolve(name)
        return unit.full_name, unit.count("commune_level_total")

    first_half = days("2025-01-01", "2025-06-30")
    assert of("Thủy Nguyên", of_year(2023)) == ("Huyện Thủy Nguyên", 37)
    assert of("Thủy Nguyên", of_year(2024)) == ("Huyện Thủy Nguyên", 37)
    assert of("Thủy Nguyên", first_half) == ("Thành phố Thủy Nguyên", 21)
    assert of("Thủy Nguyên", of_year(2026)) == ("Phường Thủy Nguyên", 1)
    assert of("An Dương", of_year(2023)) == ("Huyện An Dương", 16)
    assert of("An Dương", first_half) == ("Quận An Dương", 10)


def test_counts_of_2023_add_up(units: Units) -> None:
    assert sum(unit.count("communes") or 0 for unit in units.districts) == 141
    assert sum(unit.count("commune_level_total") or 0 for unit in units.districts) == 217
    assert sum(unit.count("population") or 0 for unit in units.districts) == 2_028_514
    assert all(unit.count("units") == 1 for unit in units.districts)
    assert [units.city.count(name) for name in ("wards", "communes", "commune_level_total", "population")] == [None] * 4


def test_counts_after_the_mergers_add_up() -> None:
    """As the resolutions count them: 167 before 1 July 2025; then 67 xã, 45 phường and 2 đặc khu, each counted once."""
    (_, _, districts), _ = load(of_year(2025)).spans
    assert sum(unit.count("commune_level_total") or 0 for unit in districts) == 167
    now = load(of_year(2026)).districts
    assert [sum(unit.count(name) or 0 for unit in now) for name in ("communes", "wards", "commune_level_total")] == [
        67,
        45,
        114,
    ]
    assert sum(unit.special_zones or 0 for unit in now) == 2


def test_no_unit_is_valid_before_the_first_versions() -> None:
    assert refused(Project(ROOT), of_year(2019)) == (
        "params/units.csv: không có đơn vị nào hiệu lực ngày 31/12/2019. Hãy bổ sung phiên bản đơn vị."
    )


# --- population: one concept, and only where it holds for the boundary ----------------------------------------------


def test_a_population_holds_for_the_boundary_it_was_counted_in(of_2025: Units) -> None:
    by_name = {unit.full_name: unit for unit in of_2025.districts}
    assert by_name["Quận Ngô Quyền"].population == 165_309  # redrawn inside only
    assert by_name["Quận Hồng Bàng"].population is None  # it took in three xã
    assert by_name["Thành phố Thủy Nguyên"].population is None
    assert by_name["Huyện Bạch Long Vĩ"].population == 624
    assert {unit.population for unit in of_2025.at_end} == {None}
    assert len([unit for unit in of_2025.districts if unit.population is not None]) == 11


def test_two_concepts_are_never_mixed() -> None:
    """The resolutions of 2025 have a population of Thủy Nguyên; beside the census of the others it stays out."""
    of = {unit.id: unit.population for unit in load(of_year(2025), concept=RESOLUTIONS).districts}
    assert {code: people for code, people in of.items() if people} == {"HP-311": 397_570, "HP-312": 171_227}
    assert {unit.population for unit in load(of_year(2023), concept=RESOLUTIONS).all} == {None}


def test_a_year_may_have_no_concept() -> None:
    assert {unit.population for unit in load(of_year(2023), concept="").all} == {None}


def test_an_unknown_concept_is_told(small: Project) -> None:
    assert refused(small, concept="Tổng điều tra dân số 01/4/2091") == (
        "data/reference/population.csv không có khái niệm dân số “Tổng điều tra dân số 01/4/2091” "
        "(population_concept của năm). Có phải là “Tổng điều tra dân số 01/4/2019”?"
    )


def test_the_line_of_a_population_is_known(units: Units) -> None:
    unit = units.resolve("Bạch Long Vĩ")
    lines = (ROOT / "data" / "reference" / "population.csv").read_text(encoding="utf-8").splitlines()
    assert unit.population_line
    assert lines[unit.population_line - 1].startswith("HP-318,Bạch Long Vĩ,2020-01-01,2025-06-30,")


@pytest.mark.parametrize(
    ("days_of_figure", "people"),
    [
        ("2020-01-01||", [500, 500]),
        ("2020-01-01|2023-08-31|", [500, None]),
        ("2023-09-01||", [None, 500]),
        ("2023-05-01||", [None, 500]),  # not for all of its days
        ("2020-01-01|2023-12-30|", [500, None]),
    ],
)
def test_a_population_must_hold_for_all_days_of_a_version(
    days_of_figure: str, people: list[int | None], made_up: Callable[..., Project]
) -> None:
    start, end, _ = days_of_figure.split("|")
    project = made_up(*AN, population=[f"A|{start}|{end}|{CENSUS}|500"])
    assert [unit.population for unit in load(of_year(2023), project).districts] == people


def test_a_population_without_its_first_day_is_refused(made_up: Callable[..., Project]) -> None:
    project = made_up(*AN, population=[f"A|||{CENSUS}|500"])
    assert refused(project) == "data/reference/population.csv, dòng 2: thiếu valid_from."


# --- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Hồng Bàng", "Quận Hồng Bàng"),
        ("Quận Hồng Bàng", "Quận Hồng Bàng"),
        ("quận  hồng bàng ", "Quận Hồng Bàng"),
        ("QUẬN HỒNG BÀNG", "Quận Hồng Bàng"),
        ("Q. Hồng Bàng", "Quận Hồng Bàng"),
        ("Q.Hồng Bàng", "Quận Hồng Bàng"),
        ("H. An Lão", "Huyện An Lão"),
        ("Quận\u00a0Hải\u00a0An", "Quận Hải An"),
        ("Thuỷ Nguyên", "Huyện Thủy Nguyên"),  # the tone on the second vowel
        ("Huyện Thuỷ Nguyên", "Huyện Thủy Nguyên"),
        ("Kiến Thuỵ", "Huyện Kiến Thụy"),
        ("KIẾN THỤY", "Huyện Kiến Thụy"),
        ("Bạch Long Vĩ", "Huyện Bạch Long Vĩ"),
        ("Huyện Bạch Long Vỹ", "Huyện Bạch Long Vĩ"),  # an alias of units.csv
        ("Khối thành phố", "Khối thành phố"),
        ("An Dương", "Huyện An Dương"),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_spellings_of_one_name(written: str, meant: str, form: str, units: Units) -> None:
    assert units.resolve(unicodedata.normalize(form, written)).full_name == meant


def test_every_unit_is_found_by_all_its_names(units: Units) -> None:
    for unit in units.all:
        for name in (unit.name, unit.full_name, *unit.aliases):
            assert units.resolve(name) is unit
    assert len({name_key(unit.name) for unit in units.all}) == 16


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("Ân Dương", "không có đơn vị “Ân Dương” trong kỳ này. Có phải là “Huyện An Dương”?"),
        ("Quận Đố Sơn", "không có đơn vị “Quận Đố Sơn” trong kỳ này. Có phải là “Quận Đồ Sơn”?"),
        ("Hà Nội", "không có đơn vị “Hà Nội” trong kỳ này."),
        ("", "không có đơn vị “” trong kỳ này."),
        ("Quận", "không có đơn vị “Quận” trong kỳ này."),
        (
            "Quận Thủy Nguyên",
            "“Quận Thủy Nguyên” không có trong kỳ này; trong kỳ này là “Huyện Thủy Nguyên”.",
        ),
        (
            "Thành phố Thủy Nguyên",
            "“Thành phố Thủy Nguyên” không có trong kỳ này; trong kỳ này là “Huyện Thủy Nguyên”.",
        ),
        ("huyện Đồ Sơn", "“huyện Đồ Sơn” không có trong kỳ này; trong kỳ này là “Quận Đồ Sơn”."),
    ],
)
def test_names_refused_in_2023(written: str, sentence: str, units: Units) -> None:
    with pytest.raises(LookupError) as caught:
        units.resolve(written)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Đố Sơn", "Đồ Sơn"), ("Hải Ân", "Hải An"), ("Cat Hai", "Cát Hải"), ("Kien An", "Kiến An"), ("An Lao", "An Lão")],
)
def test_a_name_without_its_kind_gets_a_hint_too(written: str, meant: str, units: Units) -> None:
    with pytest.raises(LookupError, match=rf"trong kỳ này\. Có phải là “(Quận |Huyện )?{meant}”\?$"):
        units.resolve(written)


@pytest.mark.parametrize("written", ["Q. Thủy Nguyên", "TP. Thủy Nguyên", "TP Thủy Nguyên", "H. Đồ Sơn"])
def test_a_wrong_kind_is_refused_however_it_is_abbreviated(written: str, units: Units) -> None:
    with pytest.raises(LookupError, match=r"trong kỳ này là “(Huyện Thủy Nguyên|Quận Đồ Sơn)”"):
        units.resolve(written)


def test_a_wrong_kind_of_2023_is_right_in_2025(of_2025: Units) -> None:
    assert of_2025.resolve("Thành phố Thủy Nguyên").id == "HP-311"
    assert of_2025.resolve("Phường Thủy Nguyên").id == "HP-11560"
    assert of_2025.resolve("Quận An Dương").id == "HP-312"
    with pytest.raises(LookupError, match="trong kỳ này là “Thành phố Thủy Nguyên”"):
        of_2025.resolve("Huyện Thủy Nguyên")


def test_what_may_mean_two_units_of_one_year_is_asked_for(of_2025: Units) -> None:
    with pytest.raises(LookupError) as caught:
        of_2025.resolve("Hồng Bàng")
    assert str(caught.value) == ("“Hồng Bàng” có thể là Quận Hồng Bàng và Phường Hồng Bàng. Hãy ghi cả loại đơn vị.")
    assert of_2025.resolve("phường Hồng Bàng").kind == "phường"
    assert of_2025.resolve("Q. Hồng Bàng").kind == "quận"


def test_every_unit_of_a_year_has_a_label_of_its_own(of_2025: Units, units: Units) -> None:
    assert len({of_2025.label(unit) for unit in of_2025.all}) == 130
    labels = {of_2025.label(unit) for unit in of_2025.all}
    assert {"Quận Hồng Bàng", "Phường Hồng Bàng", "Huyện Bạch Long Vĩ", "Đặc khu Bạch Long Vĩ", "Nam Sách"} <= labels
    assert {"Hồng Bàng", "Bạch Long Vĩ"}.isdisjoint(labels)
    assert [units.label(unit) for unit in units.all] == [unit.name for unit in units.all]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Phieu Ngo Quyen (1)", ["Quận Ngô Quyền", "Phường Ngô Quyền"]),
        ("phuong_ngo-quyen", ["Phường Ngô Quyền"]),
        ("Quận Hồng Bàng", ["Quận Hồng Bàng"]),
        ("Nam An Phụ", ["Xã Nam An Phụ"]),  # not An Phú, whose letters are in it
        ("xa nam an phu ban cuoi", ["Xã Nam An Phụ"]),
        ("Phiếu quý IV", []),
    ],
)
def test_units_that_a_file_name_mentions(text: str, meant: list[str], of_2025: Units) -> None:
    assert [unit.full_name for unit in of_2025.mentioned(text)] == meant


@pytest.mark.parametrize(
    ("written", "point"),
    [
        ("\u00d0ồ Sơn", "U+00D0"),  # Icelandic eth
        ("Quận \u0189ồ Sơn", "U+0189"),  # African d
        ("Hồng\u200b Bàng", "U+200B"),
        ("\u0410n Lão", "U+0410"),  # Cyrillic A
    ],
)
def test_look_alikes_are_refused_with_their_code_points(written: str, point: str, units: Units) -> None:
    """Else the reader is told that “Đồ Sơn” is unknown and whether he meant “Đồ Sơn”."""
    with pytest.raises(LookupError) as caught:
        units.resolve(written)
    assert point in str(caught.value)


# --- who owes what ---------------------------------------------------------------------------------------------


def test_what_units_owe(units: Units) -> None:
    indicators: dict[str, Indicator] = load_catalogue(Project(ROOT)).by_code

    def owes(unit: str, code: str) -> str:
        return units.resolve(unit).owes(indicators[code])

    assert owes("Hồng Bàng", "tips_received") == "owed"
    assert owes("Khối thành phố", "tips_received") == "owed"
    assert owes("Hồng Bàng", "commune_officers") == "not_applicable"  # a quận has no communes
    assert owes("An Lão", "commune_officers") == "owed"
    assert owes("An Lão", "model_ward_police") == "not_applicable"
    assert owes("Bạch Long Vĩ", "commune_officers") == "not_applicable"
    assert owes("Hồng Bàng", "web_views") == "not_asked"
    assert owes("Khối thành phố", "guns") == "not_asked"


def test_offices(units: Units, of_2025: Units) -> None:
    """As they are called on the last day for which the unit reports."""
    assert units.resolve("Bạch Long Vĩ").office("bdvtu") == "Ban Dân vận Huyện ủy Bạch Long Vĩ"
    assert units.resolve("Đồ Sơn").office("bdvtu") == "Ban Dân vận Quận ủy Đồ Sơn"
    assert units.resolve("Đồ Sơn").office("catp") == "Công an quận Đồ Sơn"
    assert (units.city.office("bdvtu"), units.city.office("catp")) == ("Ban Dân vận Thành ủy", "Công an thành phố")
    before, after = of_2025.resolve("Thành phố Thủy Nguyên"), of_2025.resolve("Phường Thủy Nguyên")
    assert before.office("bdvtu") == "Ban Tuyên giáo và Dân vận Thành ủy Thủy Nguyên"
    assert before.office("catp") == "Công an thành phố (địa bàn thành phố Thủy Nguyên)"
    assert after.office("bdvtu") == "Đảng ủy phường Thủy Nguyên"
    assert after.office("catp") == "Công an phường Thủy Nguyên"
    assert of_2025.city.office("bdvtu") == "Ban Tuyên giáo và Dân vận Thành ủy"
    early = load(days("2025-01-01", "2025-02-28"))
    assert early.resolve("Thủy Nguyên").office("bdvtu") == "Ban Dân vận Thành ủy Thủy Nguyên"


def test_what_communes_and_wards_owe(of_2025: Units) -> None:
    indicators = load_catalogue(Project(ROOT)).by_code

    def owes(unit: str, code: str) -> str:
        return of_2025.resolve(unit).owes(indicators[code])

    assert owes("Xã Nam Sách", "commune_officers") == "owed"
    assert owes("Xã Nam Sách", "model_ward_police") == "not_applicable"
    assert owes("Phường Hồng Bàng", "model_ward_police") == "owed"
    assert owes("Phường Hồng Bàng", "commune_officers") == "not_applicable"
    assert (
        owes("Đặc khu Cát Hải", "commune_officers") == owes("Đặc khu Cát Hải", "model_ward_police") == "not_applicable"
    )


# --- the table itself ------------------------------------------------------------------------------------------


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_two_versions_at_once_are_refused(small: Project) -> None:
    change(small.units, "Hồng Bàng,,2025-01-01", "Hồng Bàng,,2023-01-01")
    assert refused(small) == (
        "params/units.csv, dòng 3: Hồng Bàng có hai phiên bản cùng hiệu lực ngày 31/12/2023 (dòng 2). "
        "Hãy sửa valid_from, valid_to."
    )
    assert len(load(of_year(2022), small).districts) == 15  # they overlap later only


@pytest.mark.parametrize(
    ("versions", "day"),
    [
        (("2020-01-01|", "2022-01-01|"), "31/12/2023"),
        (("2020-01-01|2023-06-30", "2023-06-30|"), "30/06/2023"),  # one day
        (("2023-05-01|", "2020-01-01|2023-05-01"), "01/05/2023"),
    ],
)
def test_the_day_on_which_two_versions_hold(
    versions: tuple[str, str], day: str, made_up: Callable[..., Project]
) -> None:
    project = made_up(*(f"A|huyện|An|{version}|0 0 3 0" for version in versions))
    assert refused(project, concept="") == (
        f"params/units.csv, dòng 4: An có hai phiên bản cùng hiệu lực ngày {day} (dòng 3). "
        "Hãy sửa valid_from, valid_to."
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "Hồng Bàng,,2020-01-01",
            "Hồng Bàng,,01/01/2020",
            "params/units.csv, dòng 2: “01/01/2020” không phải ngày dạng năm-tháng-ngày.",
        ),
        ("Hồng Bàng,,2020-01-01", "Hồng Bàng,,", "params/units.csv, dòng 2: thiếu valid_from."),
        (
            "2024-12-31,0,2,35",
            "2024-12-31,0,2,khoảng 35",
            "params/units.csv, dòng 14, cột communes: “khoảng 35” không phải số nguyên (viết liền, không dấu chấm).",
        ),
    ],
)
def test_an_unreadable_cell_of_units(old: str, new: str, sentence: str, small: Project) -> None:
    change(small.units, old, new)
    assert refused(small) == sentence


def test_an_unreadable_population(small: Project) -> None:
    change(small.population, ",96111,", ",96.111,")
    assert refused(small) == (
        "data/reference/population.csv, dòng 2, cột value: “96.111” không phải số nguyên (viết liền, không dấu chấm)."
    )


def test_an_alias_of_ones_own(small: Project) -> None:
    change(small.units, "HP-308,308,6,quận,Đồ Sơn,,", "HP-308,308,6,quận,Đồ Sơn,Đồ Sơn cũ|Do Son,")
    found = load(of_year(2023), small)
    assert found.resolve("Quận Do Son").id == "HP-308"
    assert found.resolve("đồ sơn cũ").id == "HP-308"
