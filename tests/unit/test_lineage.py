"""Which units came from which: wholes are carried over, parts and land from outside are refused with the act."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from danvan.errors import SettingsError
from danvan.lineage import COLUMNS, Lineage, load_lineage
from danvan.params import Period
from danvan.paths import Project
from danvan.units import CITY, Unit, Units, load_units

ROOT = Path(__file__).resolve().parents[2]
REAL = load_lineage(Project(ROOT))
LAW_2025 = "Nghị quyết 1232/NQ-UBTVQH15"
LAW_OF_COMMUNES = "Nghị quyết 1669/NQ-UBTVQH15"
MERGER = f"{LAW_OF_COMMUNES}; Nghị quyết 202/2025/QH15"


def units_of(year: int) -> Units:
    """The real units of a year."""
    return load_units(Project(ROOT), Period(start=date(year, 1, 1), end=date(year, 12, 31)), "")


@pytest.fixture(scope="module")
def of_year() -> Callable[[int], Units]:
    known = {year: units_of(year) for year in (2023, 2024, 2025, 2026)}
    return known.__getitem__


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Project]:
    """`table("B 2023-01-01 A 2020-01-01 whole 1", ...)`: a project with these links of the act NQ 1; '-' is blank."""

    def make(*lines: str) -> Project:
        rows = []
        for line in lines:
            *cells, weight = [cell.replace("-", "") if cell == "-" else cell for cell in line.split()]
            rows.append([*cells, weight, "theo số xã", "NQ 1", ""])
        path = Project(tmp_path).lineage
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        return Project(tmp_path)

    return make


def unit(code: str, start: str, *, first: str = "2023-01-01", last: str = "2023-12-31") -> Unit:
    days = [date.fromisoformat(day) for day in (start, first, last)]
    return Unit(
        id=code,
        code=code,
        gso_code="",
        order=1,
        kind="huyện",
        name=code,
        aliases=(),
        valid_from=days[0],
        valid_to=None,
        wards=0,
        townships=0,
        communes=3,
        special_zones=0,
        population=None,
        line=2,
        population_line=None,
        first_day=days[1],
        last_day=days[2],
        offices=(),
    )


def then(*units: Unit) -> Units:
    return Units(units, unit(CITY, "2020-01-01"))


def codes(found: tuple[Unit, ...] | str) -> list[str]:
    assert not isinstance(found, str), found
    return [one.code for one in found]


# --- the real file ---------------------------------------------------------------------------------------------


def versions() -> dict[tuple[str, date], dict[str, str]]:
    with (ROOT / "params" / "units.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["unit_id"] != CITY]
    return {(row["unit_id"], date.fromisoformat(row["valid_from"])): row for row in rows}


def test_links_join_versions_that_there_are() -> None:
    known = versions()
    for link in REAL.links:
        assert link.unit is None or link.unit in known, link.line
        assert link.origin is None or link.origin in known, link.line
        if link.unit and link.origin:
            ends = date.fromisoformat(known[link.origin]["valid_to"])
            assert (link.unit[1] - ends).days == 1, link.line
        assert link.act, link.line


def test_every_version_but_the_first_ones_says_where_it_came_from() -> None:
    first = min(day for _, day in versions())
    later = {version for version in versions() if version[1] > first}
    assert {link.unit for link in REAL.links} == later
    closed = {version for version, row in versions().items() if row["valid_to"]}
    assert {link.origin for link in REAL.links if link.origin} == closed


def test_no_weight_without_a_source_and_no_sum_beyond_the_whole() -> None:
    sums: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for link in REAL.links:
        assert (link.weight is None) == (not link.weight_source or link.weight_source.startswith("không có:")), link
        assert (link.relation == "whole") == (link.weight == 1), link.line
        if link.origin:
            sums[link.origin] += link.weight or 0
    assert max(sums.values()) <= 1


@pytest.mark.parametrize(
    ("year", "name"),
    [
        (2025, "Quận Ngô Quyền"),  # redrawn inside only
        (2025, "Huyện Kiến Thụy"),
        (2025, "Huyện Bạch Long Vĩ"),  # not redrawn at all
        (2025, "Đặc khu Bạch Long Vĩ"),  # the whole huyện
        (2025, "Đặc khu Cát Hải"),
        (2026, "Xã Nam Sách"),
        (2026, "Phường Hồng Bàng"),
        (2024, "Huyện Thủy Nguyên"),
        (2026, "Khối thành phố"),
    ],
)
def test_what_is_the_same_land_as_last_year(year: int, name: str, of_year: Callable[[int], Units]) -> None:
    now = of_year(year).resolve(name)
    (last,) = REAL.before(now, of_year(year - 1))
    assert isinstance(last, Unit)
    assert last.name == now.name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Quận Hồng Bàng", f"ranh giới thay đổi từ 01/01/2025 ({LAW_2025})"),  # itself, and three xã
        ("Quận Hải An", f"ranh giới thay đổi từ 01/01/2025 ({LAW_2025})"),
        ("Thành phố Thủy Nguyên", f"ranh giới thay đổi từ 01/01/2025 ({LAW_2025})"),
        ("Quận An Dương", f"ranh giới thay đổi từ 01/01/2025 ({LAW_2025})"),
        ("Phường Hồng Bàng", f"ranh giới thay đổi từ 01/7/2025 ({LAW_OF_COMMUNES})"),
        ("Xã Nam Sách", f"ranh giới thay đổi từ 01/7/2025 ({MERGER})"),
    ],
)
def test_what_is_not_says_why(name: str, reason: str, of_year: Callable[[int], Units]) -> None:
    assert REAL.before(of_year(2025).resolve(name), of_year(2024)) == reason


def test_how_much_of_each_year_is_the_same_land(of_year: Callable[[int], Units]) -> None:
    def kept(year: int) -> list[int]:
        return [
            sum(not isinstance(REAL.before(unit, of_year(year - 1)), str) for unit in there)
            for _, _, there in of_year(year).spans
        ]

    assert kept(2024) == [15]
    assert kept(2025) == [11, 2]
    assert kept(2026) == [114]


@pytest.mark.parametrize(
    ("after", "until", "changes"),
    [
        ("2023-12-31", "2024-12-31", False),
        ("2024-01-01", "2025-06-30", False),
        ("2024-01-01", "2025-07-01", True),  # from the day itself
        ("2025-06-30", "2025-12-31", True),
        ("2025-07-01", "2026-12-31", False),  # what begins on the day is all on the new land
        ("2025-12-31", "2026-12-31", False),
    ],
)
def test_when_the_city_is_other_land(after: str, until: str, changes: bool) -> None:
    said = REAL.territory_change(date.fromisoformat(after), date.fromisoformat(until))
    assert said == ("địa giới thành phố thay đổi từ 01/7/2025" if changes else "")


def test_changes_of_a_period_leave_out_who_only_goes_on() -> None:
    on_the_first = REAL.changes(date(2024, 12, 31), date(2025, 6, 30))
    assert {(link.unit, link.origin) for link in on_the_first if link.relation == "whole"} == set()
    assert {link.unit[0] for link in on_the_first if link.unit} == {"HP-303", "HP-306", "HP-311", "HP-312"}
    july = REAL.changes(date(2025, 6, 30), date(2025, 12, 31))
    assert ("HP-11948", "HP-318") in {(link.unit[0], link.origin[0]) for link in july if link.unit and link.origin}
    assert REAL.changes(date(2025, 7, 1), date(2026, 12, 31)) == ()


# --- wholes ----------------------------------------------------------------------------------------------------


def test_a_unit_that_goes_on_is_itself() -> None:
    old = unit("A", "2020-01-01")
    assert Lineage(()).before(unit("A", "2020-01-01"), then(old)) == (old,)


def test_two_merged_whole_into_one(table: Callable[..., Project]) -> None:
    lineage = load_lineage(table("C 2023-01-01 A 2020-01-01 whole 1", "C 2023-01-01 B 2020-01-01 whole 1"))
    earlier = then(unit("A", "2020-01-01"), unit("B", "2020-01-01"), unit("D", "2020-01-01"))
    assert codes(lineage.before(unit("C", "2023-01-01"), earlier)) == ["A", "B"]


def test_a_whole_is_followed_over_several_changes(table: Callable[..., Project]) -> None:
    lineage = load_lineage(
        table(
            "C 2023-07-01 A 2023-01-01 whole 1",
            "C 2023-07-01 B 2020-01-01 whole 1",
            "A 2023-01-01 A 2020-01-01 whole 1",
        )
    )
    earlier = then(unit("A", "2020-01-01"), unit("B", "2020-01-01"))
    assert codes(lineage.before(unit("C", "2023-07-01"), earlier)) == ["A", "B"]


def test_a_part_anywhere_in_the_line_is_refused(table: Callable[..., Project]) -> None:
    lineage = load_lineage(
        table(
            "C 2023-07-01 A 2023-01-01 whole 1",
            "C 2023-07-01 B 2020-01-01 whole 1",
            "A 2023-01-01 A 2020-01-01 part 0.9",
        )
    )
    earlier = then(unit("A", "2020-01-01"), unit("B", "2020-01-01"))
    assert lineage.before(unit("C", "2023-07-01"), earlier) == "ranh giới thay đổi từ 01/01/2023 (NQ 1)"


def test_the_one_who_lost_a_part_is_other_land_too(table: Callable[..., Project]) -> None:
    lineage = load_lineage(table("A 2023-01-01 A 2020-01-01 part 0.9", "B 2023-01-01 A 2020-01-01 part 0.1"))
    earlier = then(unit("A", "2020-01-01"), unit("B", "2020-01-01"))
    for code in ("A", "B"):
        assert lineage.before(unit(code, "2023-01-01"), earlier) == "ranh giới thay đổi từ 01/01/2023 (NQ 1)"


def test_only_who_was_there_at_the_end_of_last_year_is_last_years(table: Callable[..., Project]) -> None:
    """A version that ended within last year is not what this year's unit is to be held against."""
    lineage = load_lineage(table("A 2022-07-01 A 2020-01-01 whole 1"))
    ended = unit("A", "2020-01-01", first="2022-01-01", last="2022-06-30")
    stayed = unit("A", "2022-07-01", first="2022-07-01", last="2022-12-31")
    assert lineage.before(unit("A", "2022-07-01"), then(ended, stayed)) == (stayed,)
    assert isinstance(lineage.before(unit("A", "2020-01-01"), then(ended, stayed)), str)


def test_a_new_unit_without_a_link() -> None:
    reason = "đơn vị mới, không có đơn vị tương ứng trước đó"
    assert Lineage(()).before(unit("N", "2023-01-01"), then(unit("A", "2020-01-01"))) == reason


def test_land_that_leaves_the_city_is_a_change_too(table: Callable[..., Project]) -> None:
    lineage = load_lineage(table("- 2023-03-15 A 2020-01-01 outside -"))
    assert lineage.links[0].unit is None
    assert lineage.territory_change(date(2022, 1, 1), date(2023, 12, 31)) == "địa giới thành phố thay đổi từ 15/3/2023"
    assert lineage.territory_change(date(2023, 3, 15), date(2023, 12, 31)) == ""


def test_the_first_of_several_changes_of_the_city_is_told(table: Callable[..., Project]) -> None:
    lineage = load_lineage(table("B 2023-10-01 - - outside -", "C 2023-02-01 - - outside -"))
    said = lineage.territory_change(date(2022, 12, 31), date(2023, 12, 31))
    assert said == "địa giới thành phố thay đổi từ 01/02/2023"


def test_weights_may_be_thirds_and_may_be_unknown(table: Callable[..., Project]) -> None:
    thirds = [f"{code} 2023-01-01 A 2020-01-01 part 0.3334" for code in "BCD"]
    links = load_lineage(table(*thirds, "E 2023-01-01 A 2020-01-01 part -")).links
    assert [link.weight for link in links] == [Decimal("0.3334")] * 3 + [None]
    assert [link.line for link in links] == [2, 3, 4, 5]


# --- refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            ["B 2023-01-01 A 2020-01-01 half 0.5"],
            "dòng 2: relation “half” phải là whole, part hoặc outside.",
        ),
        (
            ["B 2023-01-01 A 2020-01-01 outside -"],
            "dòng 2: whole, part cần cả đơn vị và đơn vị trước; outside chỉ một trong hai.",
        ),
        (
            ["B 2023-01-01 A 2020-01-01 part 0.5", "B 2023-01-01 - - whole 1"],
            "dòng 3: whole, part cần cả đơn vị và đơn vị trước; outside chỉ một trong hai.",
        ),
        (
            ["- 2023-01-01 - - outside -"],
            "dòng 2: whole, part cần cả đơn vị và đơn vị trước; outside chỉ một trong hai.",
        ),
        (["B 01/01/2023 A 2020-01-01 whole 1"], "dòng 2: “01/01/2023” không phải ngày dạng năm-tháng-ngày."),
        (["B 2023-01-01 A 2020-13-01 whole 1"], "dòng 2: “2020-13-01” không phải ngày dạng năm-tháng-ngày."),
        (["B 2023-01-01 A - whole 1"], "dòng 2: “” không phải ngày dạng năm-tháng-ngày."),
        (["- - A 2020-01-01 outside -"], "dòng 2: “” không phải ngày dạng năm-tháng-ngày."),
        (["B 2023-01-01 A 2020-01-01 part 0,5"], "dòng 2: trọng số “0,5” phải là số lớn hơn 0, không quá 1."),
        (["B 2023-01-01 A 2020-01-01 part nửa"], "dòng 2: trọng số “nửa” phải là số lớn hơn 0, không quá 1."),
        (["B 2023-01-01 A 2020-01-01 part 0"], "dòng 2: trọng số “0” phải là số lớn hơn 0, không quá 1."),
        (["B 2023-01-01 A 2020-01-01 part 1.01"], "dòng 2: trọng số “1.01” phải là số lớn hơn 0, không quá 1."),
        (["B 2023-01-01 A 2020-01-01 part -0.5"], "dòng 2: trọng số “-0.5” phải là số lớn hơn 0, không quá 1."),
        (
            ["B 2023-01-01 A 2020-01-01 part 0.6", "C 2023-01-01 A 2020-01-01 part 0.5"],
            "dòng 3: các trọng số của A cộng lại vượt 1.",
        ),
        (
            ["B 2023-01-01 A 2020-01-01 whole 1", "C 2023-01-01 A 2020-01-01 part -"],
            "dòng 3: A đã chuyển toàn bộ ở dòng 2.",
        ),
        (
            ["C 2023-01-01 A 2020-01-01 part -", "B 2023-01-01 A 2020-01-01 whole 1"],
            "dòng 2: A đã chuyển toàn bộ ở dòng 3.",
        ),
        (
            ["B 2023-01-01 A 2020-01-01 whole 1", "C 2023-01-01 A 2020-01-01 whole 1"],
            "dòng 3: A đã chuyển toàn bộ ở dòng 2.",
        ),
    ],
)
def test_an_unreadable_line(lines: list[str], sentence: str, table: Callable[..., Project]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_lineage(table(*lines))
    assert str(caught.value) == f"params/lineage.csv, {sentence}"


@pytest.mark.parametrize("weight", ["NaN", "inf"])
def test_a_weight_that_is_no_number(weight: str, table: Callable[..., Project]) -> None:
    with pytest.raises(SettingsError, match=f"dòng 2: trọng số “{weight}” phải là số lớn hơn 0, không quá 1"):
        load_lineage(table(f"B 2023-01-01 A 2020-01-01 part {weight}"))


def test_a_whole_has_the_weight_one(table: Callable[..., Project]) -> None:
    with pytest.raises(SettingsError, match="dòng 2"):
        load_lineage(table("B 2023-01-01 A 2020-01-01 whole 0.4"))


@pytest.mark.parametrize(
    "lines",
    [
        ["A 2023-01-01 A 2023-01-01 whole 1"],
        ["A 2023-01-01 B 2023-01-01 whole 1", "B 2023-01-01 A 2023-01-01 whole 1"],
        ["A 2023-01-01 B 2024-01-01 whole 1"],
    ],
)
def test_a_unit_comes_from_an_earlier_one(lines: list[str], table: Callable[..., Project]) -> None:
    with pytest.raises(SettingsError, match="dòng 2"):
        load_lineage(table(*lines))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"params/lineage\.csv"):
        load_lineage(Project(tmp_path))


def test_the_real_file_is_read_from_any_project(tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    shutil.copy2(ROOT / "params" / "lineage.csv", tmp_path / "params")
    assert load_lineage(Project(tmp_path)) == REAL
