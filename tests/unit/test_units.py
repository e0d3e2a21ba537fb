"""Who reports when, and which spellings of a name mean whom."""

from __future__ import annotations

import shutil
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from danvan.catalogue import Indicator, load_catalogue
from danvan.errors import SettingsError
from danvan.paths import Project
from danvan.units import Units, load_units, name_key, names

ROOT = Path(__file__).resolve().parent.parent.parent
END_OF_2023 = date(2023, 12, 31)


@pytest.fixture(scope="module")
def units() -> Units:
    """The units of 2023."""
    return load_units(Project(ROOT), END_OF_2023)


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A project of what `load_units` reads, to be changed."""
    for name in ("params/units.csv", "data/reference/population.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return Project(tmp_path)


def refused(project: Project, on: date = END_OF_2023) -> str:
    with pytest.raises(SettingsError) as caught:
        load_units(project, on)
    return str(caught.value)


# --- validity --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [END_OF_2023, date(2024, 12, 31), date(2025, 1, 1), date(2025, 3, 1)])
def test_fifteen_units_report_until_the_mergers(on: date) -> None:
    found = load_units(Project(ROOT), on)
    assert len(found.districts) == 15
    assert len({unit.id for unit in found.all}) == 16
    assert [unit.order for unit in found.districts] == list(range(1, 16))
    assert found.city.is_city
    assert found.city not in found.districts


def test_the_official_order_of_2023(units: Units) -> None:
    assert names(units.districts) == (
        "Hồng Bàng, Ngô Quyền, Lê Chân, Hải An, Kiến An, Đồ Sơn, Dương Kinh, Thủy Nguyên, An Dương, An Lão, Kiến Thụy, "
        "Tiên Lãng, Vĩnh Bảo, Cát Hải, Bạch Long Vĩ"
    )


def test_the_rank_of_a_unit_follows_the_date() -> None:
    def of(name: str, on: date) -> tuple[str, int | None]:
        unit = load_units(Project(ROOT), on).resolve(name)
        return unit.full_name, unit.count("commune_level_total")

    assert of("Thủy Nguyên", END_OF_2023) == ("Huyện Thủy Nguyên", 37)
    assert of("Thủy Nguyên", date(2024, 12, 31)) == ("Huyện Thủy Nguyên", 37)
    assert of("Thủy Nguyên", date(2025, 1, 1)) == ("Thành phố Thủy Nguyên", 21)
    assert of("An Dương", END_OF_2023) == ("Huyện An Dương", 16)
    assert of("An Dương", date(2025, 3, 1)) == ("Quận An Dương", 10)


def test_counts_of_2023_add_up(units: Units) -> None:
    assert sum(unit.count("communes") or 0 for unit in units.districts) == 141
    assert sum(unit.count("commune_level_total") or 0 for unit in units.districts) == 217
    assert sum(unit.count("population") or 0 for unit in units.districts) == 2_028_514
    assert all(unit.count("units") == 1 for unit in units.districts)
    assert [units.city.count(name) for name in ("wards", "communes", "commune_level_total", "population")] == [None] * 4


def test_no_unit_is_valid_after_the_mergers() -> None:
    assert refused(Project(ROOT), date(2025, 7, 1)) == (
        "params/units.csv: không có đơn vị nào hiệu lực ngày 01/07/2025. Hãy bổ sung phiên bản đơn vị."
    )


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


def test_a_wrong_kind_of_2023_is_right_in_2025() -> None:
    of_2025 = load_units(Project(ROOT), date(2025, 3, 1))
    assert of_2025.resolve("Thành phố Thủy Nguyên").id == "HP-311"
    assert of_2025.resolve("Quận An Dương").id == "HP-312"
    with pytest.raises(LookupError, match="trong kỳ này là “Thành phố Thủy Nguyên”"):
        of_2025.resolve("Huyện Thủy Nguyên")


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


def test_offices(units: Units) -> None:
    assert units.resolve("Bạch Long Vĩ").party_office == "Ban Dân vận Huyện ủy Bạch Long Vĩ"
    assert units.resolve("Đồ Sơn").party_office == "Ban Dân vận Quận ủy Đồ Sơn"
    of_2025 = load_units(Project(ROOT), date(2025, 3, 1))
    assert of_2025.resolve("Thủy Nguyên").party_office == "Ban Dân vận Thành ủy Thủy Nguyên"


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
    assert len(load_units(small, date(2022, 12, 31)).districts) == 15  # they overlap later only


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
    found = load_units(small, END_OF_2023)
    assert found.resolve("Quận Do Son").id == "HP-308"
    assert found.resolve("đồ sơn cũ").id == "HP-308"
