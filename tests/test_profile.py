"""A unit's own page: what it says, and that nothing of another unit is in it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
from conftest import copy_project
from workbooks import place

from danvan import pipeline
from danvan.book import Book
from danvan.errors import SettingsError
from danvan.intake.year import read_year
from danvan.paths import Project
from danvan.profile import Packet, Profile, packet, units_named
from danvan.units import Unit

ROOT = Path(__file__).resolve().parent.parent
PLANTED = ("tips_received", "tips_valuable", "petitions_received", "petitions_in_authority", "petitions_resolved")


def marker(number: int, row: int, year: int) -> int:
    """A value that no other unit, row or year has, and no mean of theirs."""
    return (900 - 100 * row) * 1009 + 31 * number**3 + 7 * (year - 2000)


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project where each unit's figures are its own mark, and its notes name it."""
    project = Project(copy_project(tmp_path_factory.mktemp("hồ sơ") / "dự án"))
    for year in (2022, 2023):
        for number, path in enumerate(sorted(project.returns(year).iterdir())):
            book = openpyxl.load_workbook(path)
            for row, code in enumerate(PLANTED):
                sheet, line = place(book, code)
                sheet.cell(line, 4).value = marker(number, row, year)
                sheet.cell(line, 5).value = sheet.cell(line, 6).value = None
                sheet.cell(line, 9).value = f"DẤU {path.stem}"
            book.save(path)
    return project


@pytest.fixture(scope="session")
def book(marked: Project) -> Book:
    return Book(read_year(marked, 2023), "internal")


@pytest.fixture(scope="session")
def real() -> Book:
    """The committed year."""
    return Book(read_year(Project(ROOT), 2023), "internal")


def marks(project: Project, path: Path, year: int) -> set[str]:
    """The marks of one return, as printed and as they stand in files."""
    number = sorted(project.returns(year).iterdir()).index(path)
    values = [marker(number, row, year) for row in range(len(PLANTED))]
    return {str(value) for value in values} | {f"{value:,}".replace(",", ".") for value in values}


def foreign(project: Project, unit: Unit) -> set[str]:
    """All marks of all others, and their notes."""
    found: set[str] = set()
    for year in (2022, 2023):
        for path in project.returns(year).iterdir():
            if path.stem != unit.name:
                found |= marks(project, path, year) | {f"DẤU {path.stem}"}
    return found


def in_(wanted: set[str], text: str) -> set[str]:
    """Those that stand in a text by themselves, not as some digits of a longer number."""
    return {mark for mark in wanted if mark in text and re.search(rf"(?<![\d.,]){re.escape(mark)}(?![.,]?\d)", text)}


def own(project: Project, unit: Unit) -> set[str]:
    path = project.returns(2023) / f"{unit.name}.xlsx"
    return {f"{int(m):,}".replace(",", ".") for m in marks(project, path, 2023) if m.isdigit()}


def said(book: Book, name: str) -> Packet:
    made: Packet = json.loads(json.dumps(packet(book, book.units.resolve(name))))
    return made


def row(data: Packet, name: str) -> dict[str, object]:
    return next(row for row in data["rows"] if row["name"] == name)


# ---- nothing of another unit


def test_a_packet_holds_its_own_marks_and_those_of_nobody_else(marked: Project, book: Book) -> None:
    for unit in book.units.districts:
        text = json.dumps(packet(book, unit), ensure_ascii=False)
        assert not in_(foreign(marked, unit), text), unit.name
        assert all(mark in text for mark in own(marked, unit)), unit.name


def test_no_other_units_name_or_file_is_in_a_packet(book: Book) -> None:
    for unit in book.units.districts:
        text = json.dumps(packet(book, unit), ensure_ascii=False)
        assert not [o.name for o in book.units.districts if o != unit and o.name in text], unit.name


@pytest.mark.long
def test_the_outputs_hold_nothing_of_another_unit(marked: Project, book: Book) -> None:
    """HTML, PDF, charts' tables, executed notebook, trace, manifest."""
    built = pipeline.profiles(marked, 2023)
    units = units_named(book, [])
    assert [one.folder.name for one in built] == [unit.full_name for unit in units]
    for one, unit in zip(built, units, strict=True):
        texts = {path.name: _text(path) for path in one.folder.rglob("*") if path.is_file() and path.suffix != ".png"}
        assert {"ho-so-2023.html", "ho-so-2023.pdf", "notebook.ipynb", "trace.json", "manifest.json"} <= texts.keys()
        for name, text in texts.items():
            assert not in_(foreign(marked, unit), text), (unit.name, name)
        for name in ("ho-so-2023.html", "ho-so-2023.pdf"):
            assert all(mark in texts[name] for mark in own(marked, unit)), (unit.name, name)
        with pypdfium2.PdfDocument(one.folder / "ho-so-2023.pdf") as pdf:
            assert len(pdf) <= 2
    again = pipeline.profiles(marked, 2023, ["An Lão", "Quận Đồ Sơn"])
    assert [(one.folder.name, one.fresh) for one in again] == [("Huyện An Lão", False), ("Quận Đồ Sơn", False)]


def _text(path: Path) -> str:
    if path.suffix != ".pdf":
        return path.read_text(encoding="utf-8-sig")
    with pypdfium2.PdfDocument(path) as pdf:
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)


def test_fewer_than_five_others_are_no_aggregate(real: Book) -> None:
    """Of 8 huyện each has 7 others; who has communes are 7 huyện: Bạch Long Vĩ has none, so the rest is nobody."""
    assert said(real, "An Lão")["peers"] == "Bình quân 7 huyện khác"
    assert row(said(real, "An Lão"), "Xã có công an chính quy")["peers"] != "–"
    assert row(said(real, "Hồng Bàng"), "Tin về an ninh trật tự")["peers"] != "–"


def test_an_aggregate_that_leaves_a_few_of_the_city_is_not_shown(marked: Project) -> None:
    """With two huyện left beside the quận, the city less the quận would be these two."""
    year = read_year(marked, 2023)
    book = Book(year, "internal")
    kept = tuple(u for u in book.units.districts if u.kind == "quận" or u.name in ("An Lão", "Cát Hải"))
    book.units = type(book.units)(kept, book.units.city)
    assert row(said(book, "Hồng Bàng"), "Tin về an ninh trật tự")["peers"] == "–"
    assert said(book, "An Lão")["peers"] == ""  # one other huyện


# ---- what it says


def test_a_profile_sets_a_unit_beside_last_year_the_city_and_its_kind(real: Book) -> None:
    found = row(said(real, "Hồng Bàng"), "Tin về an ninh trật tự")
    assert (found["own"]["text"], found["last"]["text"]) == ("155", "147")  # type: ignore[index]
    assert found["change"] == "≈ (+5,4%)"
    assert found["city"] == "4.342"
    others = [real.results["tips_received", u.id].value or Decimal(0) for u in real.units.districts]
    kind = [v for u, v in zip(real.units.districts, others, strict=True) if u.kind == "quận" and u.name != "Hồng Bàng"]
    assert found["peers"] == str(round(sum(kind) / len(kind), 1)).replace(".", ",")


def test_rows_are_what_the_unit_owes(real: Book) -> None:
    names = {row["name"] for row in said(real, "Bạch Long Vĩ")["rows"]}
    assert "Xã có công an chính quy" not in names
    assert "Tin về an ninh trật tự" in names
    assert "Lượt xem, truy cập" not in names  # asked of the city offices alone


def test_a_place_in_the_funnel_is_said_in_words(real: Book) -> None:
    text = str(Profile(said(real, "Hồng Bàng")).place("petitions_resolved_rate"))
    assert text == (
        "tỷ lệ giải quyết đơn thuộc thẩm quyền 76,9% (toàn thành phố: 85,4%), "
        "trong giới hạn dao động ngẫu nhiên quanh mức chung"
    )


def test_limits_are_drawn_around_the_units_own_size_alone(real: Book) -> None:
    data = said(real, "Hồng Bàng")["funnels"]["tips_valuable_rate"]
    sizes = [size for size, _, _ in data["curves"][0][1]]
    assert data["size"] in sizes
    assert min(sizes) > data["size"] / 5
    assert max(sizes) < data["size"] * 4


def test_open_findings_and_gaps_are_its_own(real: Book) -> None:
    thuy_nguyen = said(real, "Thủy Nguyên")
    assert len(thuy_nguyen["findings"]) == 2
    assert "còn 02 điểm phải sửa hoặc giải trình" in str(Profile(thuy_nguyen).state).lower()
    assert not said(real, "Hồng Bàng")["findings"]
    assert Profile(said(real, "Hồng Bàng")).findings() is None
    assert Profile(said(real, "Hồng Bàng")).gaps() is None


def test_a_missing_return_is_told(tmp_path: Path) -> None:
    project = Project(copy_project(tmp_path / "dự án"))
    (project.returns(2023) / "An Lão.xlsx").unlink()
    found = said(Book(read_year(project, 2023), "internal"), "An Lão")
    assert str(Profile(found).state) == "Chưa có phiếu đọc được của đơn vị trong kỳ này."
    assert "Tin về an ninh trật tự" in found["gaps"]
    shown = Profile(found).gaps()
    assert shown
    assert "Tin về an ninh trật tự" in shown.html


def test_what_is_illustrative_is_marked(real: Book) -> None:
    assert said(real, "Hồng Bàng")["meta"]["illustrative"] == (
        "Số liệu của đơn vị và số liệu năm 2022 là số liệu minh họa."
    )


def test_an_unknown_unit_is_refused_with_the_nearest(real: Book) -> None:
    with pytest.raises(SettingsError, match="Có phải là “Quận Đồ Sơn”"):
        units_named(real, ["Đố Sơn"])
    with pytest.raises(SettingsError, match="Khối thành phố không có hồ sơ riêng"):
        units_named(real, ["Khối thành phố"])
