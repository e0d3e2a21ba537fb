"""The forms that go out to the units: read with openpyxl, as zip and XML, sent back blank and filled in, and (long)
opened in LibreOffice. What they should ask is worked out here from params/catalogue.yaml and units.csv themselves.
"""

from __future__ import annotations

import csv
import itertools
import re
import shutil
import subprocess
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pypdfium2
import pytest
import yaml
from conftest import copy_first_years
from openpyxl.cell.cell import Cell
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from workbooks import ROOT, change, form_of, place, put, remember_good_files

from danvan import exchange
from danvan.catalogue import load_catalogue
from danvan.errors import SettingsError
from danvan.intake.layout import FormId
from danvan.intake.returns import Reading, read_returns
from danvan.params import load_params
from danvan.paths import Project
from danvan.units import load_units

COLUMNS = [
    "Mã",
    "Chỉ tiêu",
    "Đơn vị tính",
    "Giá trị",
    "Mức chính xác",
    "Tình trạng",
    "Năm trước",
    "Cách tính",
    "Ghi chú",
]
CODE, NAME, MEASURE, VALUE, PRECISION, STATUS, LAST, DEFINITION, NOTE = range(9)
TO_FILL = {VALUE, PRECISION, STATUS, NOTE}
YES_OR_NO = TO_FILL - {PRECISION}  # of an answer that is always exact
SHEETS = {"bdvtu": "Ban Dân vận", "catp": "Công an"}
YELLOW, GREY = "00FFF9E5", "007F7F7F"
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


# --- what should stand in them ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Office:
    """A line of units.csv that is valid at the end of 2023."""

    id: str
    name: str
    kind: str
    communes: int
    wards: int

    @property
    def full_name(self) -> str:
        return self.name if self.kind == "khối thành phố" else f"{self.kind.capitalize()} {self.name}"

    def asked(self) -> list[dict[str, Any]]:
        """The catalogue's entries that this office must answer, in their order."""
        level = "city" if self.kind == "khối thành phố" else "district"
        has = {"communes": self.communes > 0, "wards": self.wards > 0}
        reported = [i for i in CATALOGUE["indicators"] if i["kind"] != "ratio" and level in i["reporters"]]
        return [i for i in reported if level == "city" or has.get(i.get("owed_where"), True)]


def offices() -> list[Office]:
    with (ROOT / "params" / "units.csv").open(encoding="utf-8", newline="") as file:
        every = list(csv.DictReader(file))
    lines = [row for row in every if row["valid_from"] <= "2023-12-31" <= (row["valid_to"] or "9999")]
    return [
        Office(row["unit_id"], row["name"], row["kind"], int(row["communes"] or 0), int(row["wards"] or 0))
        for row in lines
    ]


CATALOGUE = yaml.safe_load((ROOT / "params" / "catalogue.yaml").read_text(encoding="utf-8"))
OFFICES = offices()
NAMES = [office.name for office in OFFICES]
BY_NAME = {office.name: office for office in OFFICES}


# --- reading and filling them ----------------------------------------------------------------------------------

Row = list[Cell]


def rows(sheet: Worksheet) -> dict[str, Row]:
    """The rows of the table of a sheet, by code."""
    lines = list(sheet.iter_rows(min_row=11, max_col=9))
    return {str(line[CODE].value): list(line) for line in lines if line[CODE].value}  # type: ignore[arg-type]


def sheets(book: openpyxl.Workbook) -> list[Worksheet]:
    """The sheets to fill in."""
    return [sheet for sheet in book.worksheets if sheet.title in SHEETS.values()]


def all_rows(book: openpyxl.Workbook) -> dict[str, Row]:
    return {code: row for sheet in sheets(book) for code, row in rows(sheet).items()}


def head(sheet: Worksheet) -> dict[Any, Any]:
    return {sheet.cell(row, 1).value: sheet.cell(row, 2).value for row in range(3, 9)}


def fill(form: Path, other: Path, to: Path) -> None:
    """Type into a blank form the value, precision and status of each row of another return, as an office would."""
    book, given = openpyxl.load_workbook(form), all_rows(openpyxl.load_workbook(other))
    for code, row in all_rows(book).items():
        for column in (VALUE, PRECISION, STATUS):
            row[column].value = given[code][column].value
    book.save(to)


def said(row: Row) -> tuple[Decimal | None, str, str]:
    """Value, word and status that a filled-in row says, worked out here."""
    value, word, status = (row[column].value for column in (VALUE, PRECISION, STATUS))
    number = {"Có": Decimal(1), "Không": Decimal(0)}.get(str(value)) if isinstance(value, str) else None
    if number is None and value is not None:
        number = Decimal(str(value))
    if value is None:
        return (Decimal(0), "", "zero") if status == "không phát sinh" else (None, "", "not reported")
    return number, str(word or ""), "zero" if value == 0 else "reported"


# --- the forms -------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_good_files(monkeypatch)


def copy_to(folder: Path) -> Project:
    copy_first_years(folder)
    return Project(folder)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return copy_to(tmp_path / "dự án")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The forms of 2023, as the command writes them. Read them, change nothing."""
    at = tmp_path_factory.mktemp("phiếu")
    with pytest.MonkeyPatch.context() as patch:
        remember_good_files(patch)
        exchange.forms(copy_to(at / "dự án"), 2023, at / "mẫu")
    return at / "mẫu"


@pytest.fixture(scope="module")
def books(folder: Path) -> dict[str, openpyxl.Workbook]:
    return {path.stem: openpyxl.load_workbook(path) for path in folder.iterdir()}


def read(project: Project) -> Reading:
    params, catalogue = load_params(project, 2023), load_catalogue(project).of_year(2023)
    return read_returns(project, params, catalogue, load_units(project, params.period, params.population_concept))


def send_in(project: Project, folder: Path) -> None:
    """The files of a folder, and no others, as the returns of 2023."""
    shutil.rmtree(project.returns(2023))
    shutil.copytree(folder, project.returns(2023))


# --- who is asked what -----------------------------------------------------------------------------------------


def test_each_unit_gets_one(folder: Path) -> None:
    assert len(NAMES) == 16
    assert {path.name for path in folder.iterdir()} == {f"{name}.xlsx" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_it_asks_what_the_unit_owes_and_nothing_else(name: str, books: dict[str, openpyxl.Workbook]) -> None:
    asked = BY_NAME[name].asked()
    for body, title in SHEETS.items():
        got = [(row[CODE].value, row[NAME].value, row[MEASURE].value) for row in rows(books[name][title]).values()]
        assert got == [(i["code"], i["name"], i["measured_in"]) for i in asked if i["body"] == body]
    assert books[name].sheetnames == ["Hướng dẫn", "Ban Dân vận", "Công an"]


def test_what_a_unit_does_not_have_is_not_asked(books: dict[str, openpyxl.Workbook]) -> None:
    asked = {name: set(all_rows(book)) for name, book in books.items()}
    assert "communes_with_officers" not in asked["Hồng Bàng"]
    assert "model_ward_police" in asked["Hồng Bàng"]
    assert "communes_with_officers" in asked["Thủy Nguyên"]
    assert "model_ward_police" not in asked["Thủy Nguyên"]
    assert not asked["Bạch Long Vĩ"] & {"communes_with_officers", "commune_officers", "model_ward_police"}
    assert not asked["Khối thành phố"] & {"guns", "plan_signed"}
    assert {"web_views", "tips_received"} <= asked["Khối thành phố"]
    assert not any(code.endswith("_rate") for codes in asked.values() for code in codes)  # ratios are worked out


def test_an_indicator_of_a_later_year_is_not_asked_yet(project: Project) -> None:
    path = project.catalogue
    old = "  - code: guns\n"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, f"{old}    since: 2024\n"), encoding="utf-8")
    path.write_text(re.sub(r".*rounds-per-gun.*\n", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    exchange.forms(project, 2023, project.root / "mẫu")
    got = all_rows(openpyxl.load_workbook(project.root / "mẫu" / "Hồng Bàng.xlsx"))
    assert set(got) == {i["code"] for i in BY_NAME["Hồng Bàng"].asked()} - {"guns"}


def test_the_columns_are_those_of_the_form(books: dict[str, openpyxl.Workbook]) -> None:
    for book in books.values():
        for sheet in sheets(book):
            assert [cell.value for cell in sheet[10]] == COLUMNS


@pytest.mark.parametrize("name", NAMES)
def test_how_it_is_counted_stands_beside_each(name: str, books: dict[str, openpyxl.Workbook]) -> None:
    got = all_rows(books[name])
    for indicator in BY_NAME[name].asked():
        told = got[indicator["code"]][DEFINITION].value
        assert isinstance(told, str)
        assert told.endswith(indicator["definition"])
        timeless = indicator["kind"] == "boolean" or re.search(r"\b(kỳ|năm)\b", indicator["definition"])
        if timeless:
            assert told == indicator["definition"]
        else:
            assert told.startswith({"flow": "Số trong kỳ. ", "stock": "Số tại ngày cuối kỳ. "}[indicator["time"]])


def test_the_head_says_whose_it_is(books: dict[str, openpyxl.Workbook]) -> None:
    for name, book in books.items():
        for sheet in sheets(book):
            said_there = head(sheet)
            assert list(said_there) == [
                *("Mẫu phiếu", "Đơn vị", "Cơ quan báo cáo", "Năm", "Kỳ số liệu", "Tính chất số liệu")
            ]
            assert said_there["Đơn vị"] == BY_NAME[name].full_name
            assert said_there["Năm"] == 2023
            assert said_there["Kỳ số liệu"] == "01/01/2023 - 31/12/2023"
            assert said_there["Tính chất số liệu"] == "Chính thức"
            assert sheet["A9"].value == "Chỉ ghi vào ô màu vàng. Gửi chậm nhất ngày 20/12/2023."
    fills = {name: [head(sheet)["Cơ quan báo cáo"] for sheet in sheets(book)] for name, book in books.items()}
    assert fills["Hồng Bàng"] == ["Ban Dân vận Quận ủy Hồng Bàng", "Công an quận Hồng Bàng"]
    assert fills["Bạch Long Vĩ"] == ["Ban Dân vận Huyện ủy Bạch Long Vĩ", "Công an huyện Bạch Long Vĩ"]
    assert fills["Khối thành phố"] == ["Ban Dân vận Thành ủy", "Công an thành phố"]


def test_no_cell_is_filled_in_yet(books: dict[str, openpyxl.Workbook]) -> None:
    for book in books.values():
        assert {row[c].value for row in all_rows(book).values() for c in TO_FILL} == {None}


# --- last year beside ------------------------------------------------------------------------------------------


def shown_of(row: Row) -> object:
    """What the column of last year should show of a row of last year's return."""
    value, word, status = (row[column].value for column in (VALUE, PRECISION, STATUS))
    if word in ("hơn", "trên", "khoảng"):
        return f"{word} {str(value).replace('.', ',')}"
    return 0 if status == "không phát sinh" else value


@pytest.mark.parametrize("name", NAMES)
def test_last_year_stands_beside_in_grey(name: str, books: dict[str, openpyxl.Workbook]) -> None:
    last = all_rows(openpyxl.load_workbook(ROOT / "data" / "2022" / "returns" / f"{name}.xlsx"))
    for code, row in all_rows(books[name]).items():
        assert row[LAST].value == shown_of(last[code]), code
        assert row[LAST].font.color.rgb == GREY
        assert row[LAST].value is not None


def test_numbers_of_last_year_are_numbers_with_their_decimals(books: dict[str, openpyxl.Workbook]) -> None:
    got = all_rows(books["Hồng Bàng"])
    assert (got["fireworks_kg"][LAST].data_type, got["fireworks_kg"][LAST].number_format) == ("n", "#,##0.00")
    assert (got["tips_received"][LAST].data_type, got["tips_received"][LAST].number_format) == ("n", "#,##0")


def test_words_and_gaps_of_last_year_are_kept(project: Project) -> None:
    last = project.returns(2022) / "Hồng Bàng.xlsx"
    book = openpyxl.load_workbook(last)
    put("tips_received", 150, precision="hơn")(book)
    put("fireworks_kg", 12.5, precision="khoảng")(book)
    put("guns", None, status="không báo cáo")(book)
    put("police_models_removed", None, status="không phát sinh")(book)
    put("cases_solved", 9, precision="chính xác")(book)
    put("petitions_received", "=1+1")(book)  # an error of last year: nothing to show
    book.save(last)
    (project.returns(2022) / "Lê Chân.xlsx").unlink()
    exchange.forms(project, 2023, project.root / "mẫu")
    form = openpyxl.load_workbook(project.root / "mẫu" / "Hồng Bàng.xlsx")
    got = {code: row[LAST].value for code, row in all_rows(form).items()}
    assert got["tips_received"] == "hơn 150"
    assert got["fireworks_kg"] == "khoảng 12,5"
    assert got["guns"] == "không báo cáo"
    assert (got["police_models_removed"], got["cases_solved"], got["petitions_received"]) == (0, 9, None)
    absent = openpyxl.load_workbook(project.root / "mẫu" / "Lê Chân.xlsx")
    assert {row[LAST].value for row in all_rows(absent).values()} == {None}
    assert {sheet["D9"].value for sheet in sheets(absent)} == {None}


def test_illustrative_figures_of_last_year_are_marked(project: Project, books: dict[str, openpyxl.Workbook]) -> None:
    for book in books.values():
        assert {sheet["D9"].value for sheet in sheets(book)} == {"Cột “Năm trước” là số liệu minh họa."}
        assert {sheet["A2"].value for sheet in sheets(book)} == {None}  # what is typed in is not
    path = project.returns(2022) / "Kiến An.xlsx"
    real = openpyxl.load_workbook(path)
    for sheet in sheets(real):
        sheet["B8"] = "Chính thức"
    real.save(path)
    exchange.forms(project, 2023, project.root / "mẫu")
    remarks = {
        path.stem: {sheet["D9"].value for sheet in sheets(openpyxl.load_workbook(path))}
        for path in (project.root / "mẫu").iterdir()
    }
    assert [name for name, told in remarks.items() if told == {None}] == ["Kiến An"]


def test_without_a_year_before_the_column_is_empty(project: Project) -> None:
    exchange.forms(project, 2022, project.root / "mẫu")
    for path in (project.root / "mẫu").iterdir():
        book = openpyxl.load_workbook(path)
        assert {row[LAST].value for row in all_rows(book).values()} == {None}
        assert {sheet["D9"].value for sheet in sheets(book)} == {None}
        assert [cell.value for cell in book["Công an"][10]] == COLUMNS


def to_fill(book: openpyxl.Workbook | Worksheet) -> dict[str, set[int]]:
    """The columns that are to be filled in, by code."""
    kinds = {i["code"]: i["kind"] for i in CATALOGUE["indicators"]}
    table = all_rows(book) if isinstance(book, openpyxl.Workbook) else rows(book)
    return {code: YES_OR_NO if kinds[code] == "boolean" else TO_FILL for code in table}


# --- what Excel says while one types ---------------------------------------------------------------------------


def validations(sheet: Worksheet) -> dict[str, DataValidation]:
    """By cell; each has one at most."""
    found: dict[str, DataValidation] = {}
    for choice in sheet.data_validations.dataValidation:
        for area in choice.sqref.ranges:
            for row, column in itertools.product(
                range(area.min_row, area.max_row + 1), range(area.min_col, area.max_col + 1)
            ):
                ref = sheet.cell(row, column).coordinate
                assert ref not in found
                found[ref] = choice
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_to_fill_in_has_its_rule_and_message(name: str, books: dict[str, openpyxl.Workbook]) -> None:
    indicators = {i["code"]: i for i in BY_NAME[name].asked()}
    for sheet in sheets(books[name]):
        rules, table = validations(sheet), rows(sheet)
        columns = to_fill(sheet)
        assert set(rules) == {row[column].coordinate for code, row in table.items() for column in columns[code]}
        for code, row in table.items():
            indicator = indicators[code]
            value, status, note = (rules[row[c].coordinate] for c in (VALUE, STATUS, NOTE))
            if indicator["kind"] == "boolean":
                assert (value.type, value.formula1) == ("list", '"Có,Không"')
                assert (status.type, status.formula1) == ("list", '"không báo cáo"')
                listed = [value, status]
            else:
                precision = rules[row[PRECISION].coordinate]
                kind = "decimal" if indicator.get("decimals") else "whole"
                assert (value.type, value.operator, value.formula1) == (kind, "greaterThanOrEqual", "0")
                assert (precision.type, precision.formula1) == ("list", '"chính xác,hơn,trên,khoảng"')
                assert (status.type, status.formula1) == ("list", '"không phát sinh,không báo cáo,không áp dụng"')
                listed = [value, precision, status]
            assert not note.type  # anything may stand in a note
            for rule in listed:
                assert rule.showErrorMessage
                assert rule.allowBlank
                assert rule.errorStyle in (None, "stop")  # not a mere warning
                assert not rule.hide_drop_down
            assert indicator.get("short", indicator["name"])[:20] in value.promptTitle
            assert indicator["definition"][:40] in value.prompt
            assert (str(indicator["decimals"]) if indicator.get("decimals") else "") in value.prompt
            assert all(rule.showInputMessage and rule.prompt and rule.promptTitle for rule in (*listed, note))


def test_messages_fit_into_excel_and_are_vietnamese(books: dict[str, openpyxl.Workbook]) -> None:
    for sheet in itertools.chain.from_iterable(sheets(book) for book in books.values()):
        for rule in sheet.data_validations.dataValidation:
            titles, texts = [rule.promptTitle, rule.errorTitle], [rule.prompt, rule.error]
            for text, most in [*((title, 32) for title in titles), *((text, 255) for text in texts)]:
                if text is not None:
                    assert 0 < len(text) <= most
                    assert unicodedata.is_normalized("NFC", text)
            assert not rule.prompt.isascii()
            assert rule.prompt.rstrip("…") != rule.prompt or rule.prompt.endswith(".")  # a sentence, or cut with a sign
            if rule.type in ("whole", "decimal"):
                assert not rule.error.isascii()


def test_a_long_definition_is_cut_with_a_sign(project: Project) -> None:
    text = project.catalogue.read_text(encoding="utf-8")
    old = "Số súng các loại Nhân dân giao nộp trong kỳ."
    assert old in text
    long = f"{old} " + "Kể cả súng tự chế, súng săn, súng hơi, súng bắn đạn hoa cải. " * 6
    project.catalogue.write_text(text.replace(old, long.strip()), encoding="utf-8")
    exchange.forms(project, 2023, project.root / "mẫu")
    sheet = openpyxl.load_workbook(project.root / "mẫu" / "Hồng Bàng.xlsx")["Công an"]
    row = rows(sheet)["guns"]
    rule = validations(sheet)[row[VALUE].coordinate]
    assert len(rule.prompt) == 255
    assert rule.prompt.endswith("…")
    assert row[DEFINITION].value == long.strip()  # in full on the sheet


def test_all_texts_are_nfc(books: dict[str, openpyxl.Workbook]) -> None:
    cells = [cell for book in books.values() for sheet in book for line in sheet.iter_rows() for cell in line]
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert len(texts) > 5000
    assert [text for text in texts if not unicodedata.is_normalized("NFC", text)] == []


def test_nothing_in_it_is_a_formula(project: Project) -> None:
    text = project.catalogue.read_text(encoding="utf-8")
    for old, new in (("Súng giao nộp", "=1+1"), ("Số viên đạn Nhân dân", "=HYPERLINK(1) Số viên đạn")):
        assert old in text
        text = text.replace(old, new)
    project.catalogue.write_text(text, encoding="utf-8")
    exchange.forms(project, 2023, project.root / "mẫu")
    book = openpyxl.load_workbook(project.root / "mẫu" / "Hồng Bàng.xlsx")
    assert all_rows(book)["guns"][NAME].value == "=1+1"
    assert "f" not in {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line}


@pytest.mark.parametrize("code", ["plan_signed", "tips_received", "fireworks_kg"])
def test_each_word_that_a_row_offers_is_taken(code: str, project: Project, folder: Path, tmp_path: Path) -> None:
    made = tmp_path / "đã ghi"
    made.mkdir()
    fill(folder / "Hồng Bàng.xlsx", project.returns(2023) / "Hồng Bàng.xlsx", made / "Hồng Bàng.xlsx")
    book = openpyxl.load_workbook(made / "Hồng Bàng.xlsx")
    sheet, at = place(book, code)
    rules, taken, refused = validations(sheet), set(), set()
    for column in "EF":
        rule = rules.get(f"{column}{at}")
        for word in str(rule.formula1).strip('"').split(",") if rule else ():
            put(code, 12 if column == "E" else None, precision=None, status=None)(book)
            sheet[f"{column}{at}"] = word
            book.save(made / "Hồng Bàng.xlsx")
            send_in(project, made)
            errors = [f for f in read(project).findings if f.severity == "error" and f.rule != "missing-return"]
            (refused if errors else taken).add(word)
    assert refused == set()
    assert taken == (
        {"không báo cáo"}
        if code == "plan_signed"
        else {"chính xác", "hơn", "trên", "khoảng", "không phát sinh", "không báo cáo", "không áp dụng"}
    )


# --- locked, and ready to print --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_all_is_locked_but_the_yellow_cells(name: str, books: dict[str, openpyxl.Workbook]) -> None:
    book = books[name]
    assert book.security.lockStructure
    assert {sheet.title: sheet.protection.sheet for sheet in book} == dict.fromkeys(book.sheetnames, True)
    assert {sheet.protection.password for sheet in book} == {None}  # the analyst can open it
    for sheet in book:
        free = {c.coordinate for line in sheet.iter_rows() for c in line if not c.protection.locked}
        yellow = {c.coordinate for line in sheet.iter_rows() for c in line if c.fill.fgColor.rgb == YELLOW}
        table = rows(sheet) if sheet in sheets(book) else {}
        columns = to_fill(sheet) if table else {}
        assert free == yellow == {row[c].coordinate for code, row in table.items() for c in columns[code]}


def test_it_prints_on_a4_across_with_its_head_and_id(books: dict[str, openpyxl.Workbook]) -> None:
    for book in books.values():
        for sheet in book:
            setup = sheet.page_setup
            assert (setup.paperSize, setup.orientation) == (9, "landscape")
            assert sheet.sheet_properties.pageSetUpPr.fitToPage
            assert (setup.fitToWidth, setup.fitToHeight) == (1, 0)
        for sheet in sheets(book):
            assert sheet.print_title_rows == "$10:$10"
            last = max(row[CODE].row for row in rows(sheet).values())
            assert sheet.print_area == f"'{sheet.title}'!$A$1:$I${last}"
            assert sheet.oddFooter.left.text == head(sheet)["Mẫu phiếu"]
            assert sheet.oddFooter.right.text == "Trang &P/&N"
            assert sheet.freeze_panes == "D11"
        guide = book["Hướng dẫn"]
        first = int(str(guide.print_title_rows).removeprefix("$").split(":")[0])
        assert [cell.value for cell in guide[first]][:2] == ["Chỉ tiêu", "Đơn vị tính"]


# --- the id ----------------------------------------------------------------------------------------------------


def ids(folder: Path) -> dict[str, str]:
    found = {}
    for path in folder.iterdir():
        [one] = {head(sheet)["Mẫu phiếu"] for sheet in sheets(openpyxl.load_workbook(path))}
        found[path.stem] = one
    return found


def test_the_id_says_year_and_unit_and_is_checked(folder: Path) -> None:
    project = Project(ROOT)
    catalogue = load_catalogue(project).of_year(2023)
    params = load_params(project, 2023)
    units = {unit.name: unit for unit in load_units(project, params.period, params.population_concept).all}
    found = ids(folder)
    assert len(set(found.values())) == 16
    for name, text in found.items():
        assert re.fullmatch(rf"DV2-2023-{BY_NAME[name].id}-[a-p]{{8}}-[a-p]{{4}}", text)
        assert text == str(FormId.of(2023, units[name], catalogue))
        assert FormId.read(text) == FormId.of(2023, units[name], catalogue)
    assert found["Hồng Bàng"] == form_of(2023, "Hồng Bàng")  # the committed returns are on this form


def test_an_id_with_a_changed_letter_is_none(folder: Path) -> None:
    text = ids(folder)["Thủy Nguyên"]
    letters = "0123456789abcdefghijklmnopDVHP-"
    changed = {text[:at] + new + text[at + 1 :] for at in range(len(text)) for new in letters} - {text}
    assert len(changed) > 800
    assert [other for other in changed if FormId.read(other)] == []
    assert FormId.read(text[:-1]) is None
    assert FormId.read(f" {text}") is None


def test_another_year_has_another_id(project: Project, folder: Path) -> None:
    exchange.forms(project, 2022, project.root / "mẫu")
    before = ids(project.root / "mẫu")
    assert before.keys() == ids(folder).keys()
    assert not set(before.values()) & set(ids(folder).values())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("không vượt quá số xã của đơn vị.", "không vượt quá số xã."),  # how it is counted
        ("Xã có công an chính quy", "Xã đã có công an chính quy"),  # what it is called
    ],
)
def test_another_catalogue_gives_another_id_to_those_it_asks(
    old: str, new: str, project: Project, folder: Path
) -> None:
    """An indicator of communes: only units with communes were asked for it."""
    text = project.catalogue.read_text(encoding="utf-8")
    assert old in text
    project.catalogue.write_text(text.replace(old, new, 1), encoding="utf-8")
    exchange.forms(project, 2023, project.root / "mẫu")
    now, before = ids(project.root / "mẫu"), ids(folder)
    assert {name for name in NAMES if now[name] != before[name]} == {o.name for o in OFFICES if o.communes}


# --- sent back -------------------------------------------------------------------------------------------------


def test_blank_forms_read_back_lack_every_figure_and_nothing_else(project: Project, folder: Path) -> None:
    send_in(project, folder)
    reading = read(project)
    owed = sorted((o.full_name, i["code"]) for o in OFFICES for i in o.asked())
    assert sorted((f.unit, f.indicator) for f in reading.findings) == owed
    assert {(f.rule, f.severity) for f in reading.findings} == {("blank", "error")}
    assert {len(r.observations) for r in reading.returns} == {0}
    assert not any(r.illustrative for r in reading.returns)


def observed(reading: Reading) -> dict[tuple[str, str], tuple[Decimal | None, str, str]]:
    return {
        (r.unit.name, o.indicator.code): (o.value, o.bound.word, o.status.value)
        for r in reading.returns
        for o in r.observations
    }


def committed() -> dict[tuple[str, str], tuple[Decimal | None, str, str]]:
    books = {name: openpyxl.load_workbook(ROOT / "data" / "2023" / "returns" / f"{name}.xlsx") for name in NAMES}
    return {(name, code): said(row) for name, book in books.items() for code, row in all_rows(book).items()}


@pytest.fixture(scope="module")
def filled(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The forms, filled in with what the units reported for 2023."""
    to = tmp_path_factory.mktemp("đã ghi")
    for path in folder.iterdir():
        fill(path, ROOT / "data" / "2023" / "returns" / path.name, to / path.name)
    return to


def test_a_form_filled_in_says_what_was_typed(project: Project, filled: Path) -> None:
    send_in(project, filled)
    reading = read(project)
    assert reading.findings == ()
    assert observed(reading) == committed()
    assert {o.cell.file for r in reading.returns for o in r.observations} == {
        f"data/2023/returns/{name}.xlsx" for name in NAMES
    }


# --- instructions ----------------------------------------------------------------------------------------------


def guide(book: openpyxl.Workbook) -> dict[str, list[str]]:
    """The rows of the table of the instructions, by the name of the indicator."""
    lines = [[str(cell.value or "") for cell in line] for line in book["Hướng dẫn"].iter_rows(max_col=5)]
    top = next(at for at, line in enumerate(lines) if line[:2] == ["Chỉ tiêu", "Đơn vị tính"])
    return {line[0]: line for line in itertools.takewhile(lambda line: line[1], lines[top + 1 :])}


def named_in(check: dict[str, Any]) -> set[str]:
    words = re.findall(r"(unit\.)?(?:last\.)?([a-z][a-z_0-9]*)", check.get("holds", ""))
    return {name for of_unit, name in words if not of_unit}


@pytest.mark.parametrize("name", NAMES)
def test_each_check_is_told_beside_its_indicators(name: str, books: dict[str, openpyxl.Workbook]) -> None:
    told, asked = guide(books[name]), BY_NAME[name].asked()
    assert list(told) == [i["name"] for i in asked]
    consequences = {"error": "Phải sửa:", "warning": "Phải giải trình:"}
    for indicator in asked:
        checks = [check for check in CATALOGUE["checks"] if indicator["code"] in named_in(check)]
        lines = told[indicator["name"]][4].split("\n") if checks else []
        assert len(lines) == len(checks)
        for check, line in zip(checks, lines, strict=True):
            assert line == f"{consequences[check['severity']]} {check['reason']}"
        if not checks:
            assert told[indicator["name"]][4] == ""
        assert told[indicator["name"]][1] == indicator["measured_in"]
        assert indicator["definition"] in told[indicator["name"]][3]
        how = {"boolean": "Chọn Có hoặc Không"}.get(indicator["kind"], "Số nguyên không âm")
        if indicator.get("decimals"):
            how = f"nhiều nhất {indicator['decimals']} chữ số thập phân"
        assert how in told[indicator["name"]][2]


def test_what_concerns_the_whole_sheet_is_told_below(books: dict[str, openpyxl.Workbook]) -> None:
    for book in books.values():
        text = "\n".join(str(line[0].value or "") for line in book["Hướng dẫn"].iter_rows(max_col=1))
        _, _, below = text.partition("Cả trang và so với năm trước")
        for check in CATALOGUE["checks"]:
            assert (check["reason"] in below) == ("about" in check)


def test_instructions_name_unit_year_deadline_and_id(books: dict[str, openpyxl.Workbook]) -> None:
    for name, book in books.items():
        sheet, unit = book["Hướng dẫn"], BY_NAME[name].full_name
        assert sheet["A1"].value == f"Hướng dẫn lập phiếu năm 2023: {unit}"
        steps = " ".join(str(sheet.cell(row, 1).value) for row in range(3, 10))
        assert f"chỉ dùng cho {unit}, năm 2023 (mã {head(book['Công an'])['Mẫu phiếu']})" in steps
        assert "gửi chậm nhất ngày 20/12/2023" in steps
        for title in SHEETS.values():
            assert f"trang “{title}” do {head(book[title])['Cơ quan báo cáo']} ghi" in steps
        for word in (*COLUMNS[VALUE : STATUS + 1], "hơn", "trên", "khoảng", "không phát sinh", "không báo cáo"):
            assert f"“{word}”" in steps
        assert "không đặt mật khẩu" in steps
        assert "số căn cước" in steps


def test_the_deadline_is_that_of_the_params(project: Project) -> None:
    path = project.params(2023)
    text = path.read_text(encoding="utf-8")
    assert "returns_due: 2023-12-20" in text
    path.write_text(text.replace("returns_due: 2023-12-20", "returns_due: 2024-01-05"), encoding="utf-8")
    exchange.forms(project, 2023, project.root / "mẫu")
    book = openpyxl.load_workbook(project.root / "mẫu" / "Hồng Bàng.xlsx")
    assert book["Công an"]["A9"].value == "Chỉ ghi vào ô màu vàng. Gửi chậm nhất ngày 05/01/2024."
    texts = [str(cell.value) for sheet in book for line in sheet.iter_rows() for cell in line]
    assert not any("20/12/2023" in text for text in texts)
    assert sum("05/01/2024" in text for text in texts) == 3


# --- the file --------------------------------------------------------------------------------------------------


def test_the_same_call_gives_the_same_bytes(project: Project, folder: Path) -> None:
    exchange.forms(project, 2023, project.root / "mẫu")
    again = {path.name: path.read_bytes() for path in (project.root / "mẫu").iterdir()}
    assert again == {path.name: path.read_bytes() for path in folder.iterdir()}


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names))
        return {name: archive.read(name) for name in names}


def test_it_carries_neither_time_nor_name(folder: Path) -> None:
    for path in folder.iterdir():
        with zipfile.ZipFile(path) as archive:
            assert {member.date_time[:3] for member in archive.infolist()} == {(2023, 12, 31)}
        core = members(path)["docProps/core.xml"].decode()
        assert re.findall(r"<dc:creator[^>]*>([^<]*)", core) == ["danvan"]
        assert re.findall(r"\d{4}-\d\d-\d\d", core) == ["2023-12-31"]
        assert "lastModifiedBy" not in core


@pytest.mark.parametrize("name", NAMES)
def test_excel_has_nothing_to_repair(name: str, folder: Path) -> None:
    """What Excel mends or refuses, though openpyxl takes it."""
    parts = members(folder / f"{name}.xlsx")
    trees = {part: ElementTree.fromstring(content) for part, content in parts.items()}  # all well-formed
    types = list(trees["[Content_Types].xml"])
    defaults = {t.get("Extension") for t in types if t.tag.endswith("Default")}
    overrides = [str(t.get("PartName")).removeprefix("/") for t in types if t.tag.endswith("Override")]
    assert len(overrides) == len(set(overrides))
    assert set(overrides) <= set(parts)
    typed = {part for part in parts if part.startswith(("xl/", "docProps/")) and not part.endswith(".rels")}
    assert typed == set(overrides)  # the bare "xml" of the defaults says nothing of what a part is
    assert {part.rsplit(".", 1)[1] for part in parts} <= defaults
    for part, tree in trees.items():
        if part.endswith(".rels"):
            given = [relation.get("Id") for relation in tree]
            assert len(given) == len(set(given))
            base = "" if part == "_rels/.rels" else "xl/"
            targets = [str(r.get("Target")) for r in tree]
            assert {t.removeprefix("/") if t.startswith("/") else base + t for t in targets} <= set(parts)
    book = trees["xl/workbook.xml"]
    listed = list(book.iter(f"{MAIN}sheet"))
    for key in ("name", "sheetId", "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"):
        assert len({s.get(key) for s in listed}) == len(listed) == 3
    assert all(len(str(s.get("name"))) <= 31 and not re.search(r"[\[\]:*?/\\']", str(s.get("name"))) for s in listed)
    names = [(n.get("name"), n.get("localSheetId")) for n in book.iter(f"{MAIN}definedName")]
    assert len(names) == len(set(names))
    styles = trees["xl/styles.xml"].find(f"{MAIN}cellXfs")
    assert styles is not None
    for part in sorted(part for part in parts if part.startswith("xl/worksheets/sheet")):
        well_made(trees[part], len(styles))


def well_made(sheet: ElementTree.Element, styles: int) -> None:
    """A worksheet within Excel's limits."""
    cells = [cell.get("r") for cell in sheet.iter(f"{MAIN}c")]
    assert len(cells) == len(set(cells))
    numbers = [int(row.get("r", 0)) for row in sheet.iter(f"{MAIN}row")]
    assert numbers == sorted(set(numbers))
    assert all(int(cell.get("s", 0)) < styles for cell in sheet.iter(f"{MAIN}c"))
    assert all(len(text.text or "") <= 32_767 for text in sheet.iter(f"{MAIN}t"))
    assert all(0 < float(row.get("ht", 15)) <= 409 for row in sheet.iter(f"{MAIN}row"))
    assert all(0 < float(column.get("width", 9)) <= 255 for column in sheet.iter(f"{MAIN}col"))
    merged = [str(area.get("ref")) for area in sheet.iter(f"{MAIN}mergeCell")]
    assert len(merged) == len(set(merged))
    footers = [text for tag in ("oddHeader", "oddFooter") for text in sheet.iter(f"{MAIN}{tag}")]
    assert all(len(footer.text or "") <= 255 for footer in footers)
    rules = list(sheet.iter(f"{MAIN}dataValidation"))
    for group in sheet.iter(f"{MAIN}dataValidations"):
        assert int(group.get("count", 0)) == len(rules) > 0
    for rule in rules:
        assert rule.get("sqref", "").strip()
        assert all(len(rule.get(key, "")) <= most for key, most in EXCEL.items())
        assert all(len(formula.text or "") <= 255 for formula in rule)


EXCEL = {"promptTitle": 32, "errorTitle": 32, "prompt": 255, "error": 255}


# --- what lies there already -----------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


TYPED: dict[str, Callable[[openpyxl.Workbook], object]] = {
    "a value": put("guns", 3),
    "a zero": put("guns", 0),
    "a precision": put("guns", precision="hơn"),
    "a status": put("guns", status="không báo cáo"),
    "a note": lambda book: setattr(book["Ban Dân vận"]["I11"], "value", "chờ ký"),
}


@pytest.mark.parametrize("what", TYPED)
@pytest.mark.sampled(3)
def test_a_form_that_was_filled_in_is_never_overwritten(what: str, project: Project, folder: Path) -> None:
    target = project.forms(2023)
    shutil.copytree(folder, target)
    book = openpyxl.load_workbook(target / "Đồ Sơn.xlsx")
    TYPED[what](book)
    book.save(target / "Đồ Sơn.xlsx")
    (target / "Lê Chân.xlsx").unlink()
    before = contents(target)
    with pytest.raises(SettingsError) as caught:
        exchange.forms(project, 2023)
    assert str(caught.value) == (
        "Trong forms đã có tệp ghi số hoặc không phải mẫu trống: Đồ Sơn.xlsx. "
        "Hãy chuyển các tệp ấy đi nơi khác rồi chạy lại; không tệp nào bị ghi đè."
    )
    assert contents(target) == before  # not even the one that was lacking is written


def test_all_that_were_filled_in_are_named(project: Project, filled: Path) -> None:
    shutil.copytree(filled, project.root / "mẫu")
    before = contents(project.root / "mẫu")
    with pytest.raises(SettingsError) as caught:
        exchange.forms(project, 2023, project.root / "mẫu")
    assert all(f"{name}.xlsx" in str(caught.value) for name in NAMES)
    assert contents(project.root / "mẫu") == before


@pytest.mark.parametrize(
    "content", [b"", b"ghi chu", (ROOT / "data" / "2023" / "returns" / "Lê Chân.xlsx").read_bytes()]
)
def test_what_is_no_blank_form_is_not_overwritten(content: bytes, project: Project) -> None:
    target = project.root / "mẫu"
    target.mkdir()
    (target / "Lê Chân.xlsx").write_bytes(content)
    with pytest.raises(SettingsError, match=r"không phải mẫu trống: Lê Chân\.xlsx\."):
        exchange.forms(project, 2023, target)
    assert contents(target) == {"Lê Chân.xlsx": content}


def test_figures_in_a_renamed_sheet_are_not_overwritten(project: Project, folder: Path) -> None:
    target = project.root / "mẫu"
    shutil.copytree(folder, target)
    book = openpyxl.load_workbook(target / "Đồ Sơn.xlsx")
    put("guns", 3)(book)
    book["Công an"].title = "CA quận"
    book.save(target / "Đồ Sơn.xlsx")
    before = contents(target)
    with pytest.raises(SettingsError, match="Đồ Sơn"):
        exchange.forms(project, 2023, target)
    assert contents(target) == before


def test_blank_forms_are_renewed_and_other_files_left_alone(project: Project, folder: Path) -> None:
    target = project.forms(2023)
    exchange.forms(project, 2022, target)  # blank, but of another year
    book = openpyxl.load_workbook(target / "Lê Chân.xlsx")
    book["Công an"].column_dimensions["B"].width = 50  # saved once by somebody who typed nothing
    book.save(target / "Lê Chân.xlsx")
    (target / "Ghi chú của tôi.txt").write_text("gửi thứ hai", encoding="utf-8")
    made = exchange.forms(project, 2023)
    assert made == [target / f"{name}.xlsx" for name in NAMES]
    now = contents(target)
    assert now.pop("Ghi chú của tôi.txt").decode() == "gửi thứ hai"
    assert now == contents(folder)


def test_forms_do_not_touch_the_returns(project: Project) -> None:
    before = {year: contents(project.returns(year)) for year in (2022, 2023)}
    change(project, put("guns", "=[1]x!A1"))  # what is wrong in this year's returns is no matter
    before[2023]["Hồng Bàng.xlsx"] = (project.returns(2023) / "Hồng Bàng.xlsx").read_bytes()
    assert len(exchange.forms(project, 2023)) == 16
    assert {year: contents(project.returns(year)) for year in (2022, 2023)} == before


# --- in LibreOffice --------------------------------------------------------------------------------------------


@pytest.fixture
def converted(needs_tool: Callable[..., str], tmp_path: Path) -> Callable[[list[Path], str], Path]:
    """Opens files in LibreOffice and saves them as another type into a folder, which is given back."""
    soffice = needs_tool("soffice", "libreoffice")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"

    def convert(paths: list[Path], kind: str) -> Path:
        to = tmp_path / f"lưu {kind}"
        command = [soffice, profile, "--headless", "--convert-to", kind, "--outdir", str(to), *map(str, paths)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        return to

    return convert


@pytest.mark.long
def test_saved_by_libreoffice_it_says_the_same(
    project: Project, filled: Path, converted: Callable[[list[Path], str], Path]
) -> None:
    send_in(project, converted(sorted(filled.iterdir()), "xlsx"))
    reading = read(project)
    assert reading.findings == ()
    assert observed(reading) == committed()


@pytest.mark.long
def test_in_libreoffice_it_is_still_locked_and_guides_who_fills_it_in(
    folder: Path, books: dict[str, openpyxl.Workbook], converted: Callable[[list[Path], str], Path]
) -> None:
    [path] = converted([folder / "Thủy Nguyên.xlsx"], "xlsx").iterdir()
    saved, made = openpyxl.load_workbook(path), books["Thủy Nguyên"]
    for sheet in sheets(made):
        other = saved[sheet.title]
        assert other.protection.sheet
        theirs = validations(other)
        for ref, rule in validations(sheet).items():
            assert (theirs[ref].type or None, theirs[ref].prompt) == (rule.type, rule.prompt)
            assert not other[ref].protection.locked
        assert other["D10"].protection.locked
        assert other["G11"].value == sheet["G11"].value


@pytest.mark.long
def test_it_prints_as_it_should(folder: Path, converted: Callable[[list[Path], str], Path]) -> None:
    wanted = {"Thủy Nguyên": 3, "Khối thành phố": 2}
    to = converted([folder / f"{name}.xlsx" for name in wanted], "pdf")
    for name, most in wanted.items():
        with pypdfium2.PdfDocument(to / f"{name}.pdf") as document:
            sizes = {tuple(round(side) for side in page.get_size()) for page in document}
            pages = [" ".join(page.get_textpage().get_text_range().split()) for page in document]
        assert sizes == {(842, 595)}  # A4 across
        id_ = ids(folder)[name]
        guides = [page for page in pages if "Phiếu sẽ được kiểm tra" in page]
        tables = [page for page in pages if "Mức chính xác Tình trạng Năm trước" in page]
        assert len(guides) + len(tables) == len(pages)  # each has the head of its table, and no column runs over
        assert len(tables) >= most  # a long one goes on with its head on the next page
        assert all(re.search(rf"{id_} Trang \d+/{len(pages)}", page) for page in tables)
        assert sum(BY_NAME[name].full_name in page for page in tables) == 2
        for indicator in BY_NAME[name].asked():
            assert sum(indicator["code"] in page for page in tables) >= 1
