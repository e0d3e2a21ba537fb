"""The year's data as XLSX and CSV, read back as a reader's program reads it: all figures, none hidden, no formula."""

from __future__ import annotations

import csv
import getpass
import io
import os
import re
import socket
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Context, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import copy_first_years, copy_project
from openpyxl.worksheet.worksheet import Worksheet
from small_year import KG, PER_10K, ROOT, SIGNED, TIPS, VIEWS, indicator, params_of, unit, year

from danvan.book import Book
from danvan.disclosure import Edition
from danvan.document import Meta
from danvan.intake.observations import Status
from danvan.intake.year import sound_year
from danvan.measures import Result, span_scope
from danvan.paths import Project
from danvan.publish import dataset
from danvan.yearbook import Yearbook, open_year_of

META = Meta("Báo cáo thử năm 2023", 2023, "public", "party_2018", ("Ban Dân vận Thành ủy", "Công an thành phố"))
MARK_DRAFT, MARK_INVENTED = "Dự thảo.", "Số liệu từng đơn vị và số liệu năm 2022 trong báo cáo này là số liệu minh họa."
Cells = dict[str, Any]  # a line of the tidy data, by column


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Params and data of the first two years."""
    root = tmp_path_factory.mktemp("số liệu")
    copy_first_years(root)
    return Project(root)


@pytest.fixture(scope="module")
def public(project: Project) -> Yearbook:
    return open_year_of(project, 2023, "public")


@pytest.fixture(scope="module")
def internal(project: Project) -> Yearbook:
    return open_year_of(project, 2023, "internal")


@pytest.fixture(params=["public", "internal"])
def book(request: pytest.FixtureRequest) -> Yearbook:
    found: Yearbook = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def made(book: Yearbook) -> bytes:
    return xlsx(book)


@cache
def xlsx(book: Yearbook) -> bytes:
    return dataset.xlsx(book, book.meta)


@cache
def loaded(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


@cache
def lines_of(content: bytes, name: str = dataset.DATA) -> list[Cells]:
    """The rows of a sheet's one table, by the heads of their columns."""
    sheet = loaded(content)[name]
    assert isinstance(sheet, Worksheet)
    [table] = sheet.tables.values()
    head, *rows = [[cell.value for cell in row] for row in sheet[table.ref]]
    assert head == table.column_names
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


def members(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def told(content: bytes) -> str:
    """All XML of a workbook, with its letters as letters."""
    return re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), "\n".join(members(content).values()))


def as_held(value: Decimal | None) -> Decimal | None:
    """A number with the 15 digits that a spreadsheet keeps."""
    return None if value is None else Context(prec=15).plus(value)


def number(cell: object) -> Decimal | None:
    """A number out of a cell: openpyxl reads floats, of which it wrote all digits."""
    assert cell is None or isinstance(cell, int | float)
    return None if cell is None else as_held(Decimal(repr(cell)))


def every_result(book: Book) -> dict[str, Result]:
    results = [*book.results.values(), *book.last_results.values()]
    return {result.key: result for result in results}


def small(table: str, edition: Edition = "public", **more: Any) -> Book:
    indicators = more.pop("indicators", (TIPS, KG, SIGNED, VIEWS))
    return Book(year(table, indicators=indicators, **more), edition)


TABLE = """
          | tips    | kg         | signed | views
Đông      | 10      | 1,25       | 1      |
Tây       | hơn 20  | khoảng 0,5 | 0      |
Nam       | 0       | ?          | 1      |
Thành phố | 5       | 2          |        | 91304
"""

# ---------------------------------------------------------------- every figure, as it is


def test_every_result_of_the_book_stands_in_it_once(book: Yearbook, made: bytes) -> None:
    lines = lines_of(made)
    assert_told(book, lines)
    assert {line["Năm"] for line in lines} == {2022, 2023}
    assert {line["Từ ngày"] for line in lines} == {datetime(2022, 1, 1), datetime(2023, 1, 1)}


def assert_told(book: Book, lines: list[Cells]) -> None:
    results = every_result(book)
    assert sorted(line["Mã kết quả"] for line in lines) == sorted(results)
    words = {status: word for status, (word, _) in dataset.STATUSES.items()}
    for line in lines:
        result = results[line["Mã kết quả"]]
        assert number(line["Giá trị"]) == as_held(result.value), result.key
        assert number(line["Tử số"]) == as_held(result.numerator)
        assert number(line["Mẫu số"]) == as_held(result.denominator)
        assert line["Tình trạng"] == words[result.status]
        assert line["Mức chính xác"] == (result.bound.word or "chính xác" if result.value is not None else None)
        assert (line["Mã chỉ tiêu"], line["Chỉ tiêu"]) == (result.indicator.code, result.indicator.name)
        assert line["Nguồn gốc số liệu"] == dataset.PROVENANCES[result.provenance][0]


def test_no_status_is_another_and_none_is_lacking() -> None:
    assert len({word for word, _ in dataset.STATUSES.values()}) == len(Status)
    told = {(row.unit, row.code): (row.value, row.status) for row in dataset.tidy(small(TABLE))}
    assert told["Huyện Nam", "tips"] == (0, "không phát sinh")
    assert told["Huyện Nam", "kg"] == (None, "không báo cáo")
    assert told["Huyện Nam", "views"] == (None, "không áp dụng")
    assert told["Huyện Tây", "signed"] == (0, "đã báo cáo")  # a no is an answer, not nothing
    assert told["Toàn thành phố", "signed"] == (2, "đã báo cáo")


def test_a_rate_without_denominator_and_what_is_withheld_say_so() -> None:
    units = (unit("Đông", 1, population=None), unit("Tây", 2))
    secret = indicator("guns", public_level="city")
    book = small("| tips | guns\nĐông | 1 | 4\nTây | 2 | 5", indicators=(TIPS, secret, PER_10K))
    assert {r.status for r in dataset.tidy(book) if r.code == "guns" and r.scope == "đơn vị"} == {
        "không công bố",
        "không báo cáo",
    }
    book = Book(year("| tips\nĐông | 1\nTây | 2", *units, indicators=(TIPS, PER_10K)), "public")
    told = {row.unit: (row.value, row.status) for row in dataset.tidy(book) if row.code == "per_10k"}
    assert told["Huyện Đông"] == (None, "không có mẫu số")


def test_units_and_city_offices_add_up_to_the_whole_city(internal: Yearbook) -> None:
    """Read from the file alone, as a reader would check it."""
    flows = {i.code for i in internal.catalogue.reported if i.time == "flow" and i.kind != "boolean"}
    totals: dict[tuple[int, str], Decimal] = {}
    sums: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for line in lines_of(xlsx(internal)):
        place, value = (line["Năm"], line["Mã chỉ tiêu"]), number(line["Giá trị"])
        if line["Mã chỉ tiêu"] in flows and value is not None:
            if line["Phạm vi"] == "toàn thành phố":
                totals[place] = value
            else:
                sums[place] += value
    assert len(totals) > 70
    assert totals == sums


def test_a_figure_says_where_it_stands_in_its_return() -> None:
    rows = {(row.unit, row.code): row for row in dataset.tidy(small(TABLE))}
    own, total = rows["Huyện Tây", "tips"], rows["Toàn thành phố", "tips"]
    assert (own.file, own.sheet, own.ref, own.formula) == ("Tây.xlsx", "Công an", "B3", "")
    assert (total.file, total.sheet, total.ref) == ("", "", "")
    assert total.formula == "tổng số của các đơn vị và khối thành phố"
    assert (own.bound, total.bound, rows["Huyện Đông", "tips"].bound) == ("hơn", "hơn", "chính xác")


def test_it_says_how_many_stand_behind_a_figure() -> None:
    book = small("| tips | signed | kg\nĐông | 10 | 1 | 2\nTây | 20 | 0 | 1\nThành phố | | | 1")
    rows = {(row.unit, row.code): row for row in dataset.tidy(book)}
    total = rows["Toàn thành phố", "tips"]
    assert (total.reported, total.owed) == (2, 3)
    assert total.completeness == "chưa đủ đơn vị, thiếu khối thành phố"
    assert rows["Toàn thành phố", "kg"].completeness == "chưa đủ đơn vị"
    assert rows["Huyện Đông", "tips"].completeness == "đủ"
    assert rows["Huyện Nam", "tips"].completeness == ""  # the status says it
    assert rows["Khối thành phố", "kg"].owed is None  # never counted among the units


def test_where_the_map_changes_each_part_of_the_year_has_its_sum() -> None:
    units = (
        unit("Cũ", 1, last="06-30"),
        unit("Mới", 2, first="07-01", since="2023-07-01"),
        unit("Xã", 3, first="07-01", since="2023-07-01"),
    )
    book = Book(year("| tips\nCũ | 1\nMới | 2\nXã | 3", *units, indicators=(TIPS,)), "public")
    rows = [row for row in dataset.tidy(book) if row.scope == "phần của kỳ"]
    assert [(r.unit, r.first_day, r.last_day, r.value) for r in rows] == [
        ("Cộng 1 đơn vị", date(2023, 1, 1), date(2023, 6, 30), 1),
        ("Cộng 2 đơn vị", date(2023, 7, 1), date(2023, 12, 31), 5),
    ]
    assert rows[1].key == f"tips@2023/{span_scope(date(2023, 7, 1), date(2023, 12, 31))}"
    assert [r.first_day for r in dataset.tidy(book) if r.unit == "Huyện Mới"] == [date(2023, 7, 1)]


@pytest.mark.long
def test_a_year_in_which_the_map_changes_is_told_whole() -> None:
    """2025: 129 units in two parts of the year, last year's units others than this year's."""
    book = Yearbook(sound_year(Project(ROOT), 2025, allow_incomplete=True), "public")
    content = dataset.xlsx(book, book.meta)
    assert_told(book, lines_of(content))
    assert len(content) < 1_500_000
    assert {line["Phạm vi"] for line in lines_of(content)} == {
        *("toàn thành phố", "phần của kỳ", "đơn vị", "khối thành phố")
    }


# ---------------------------------------------------------------- what an edition may not show

SECRET = indicator("guns", public_level="city", reporters="district", measured_in="khẩu")
HIDDEN = "| guns | tips\nĐông | 918273 | 1\nTây | 645546 | 2\nNam | 111222 | 3\nThành phố | | 0"


@pytest.mark.parametrize("edition", ["public", "internal"])
def test_no_unit_level_value_of_what_is_not_public_is_anywhere_in_the_file(edition: Edition) -> None:
    last = year(HIDDEN.replace("918273", "808171"), indicators=(SECRET, TIPS), params=params_of(2022))
    book = small(HIDDEN, edition, indicators=(SECRET, TIPS), last=last)
    for text in (told(dataset.xlsx(book, META)), dataset.csv(book).decode()):
        assert str(918273 + 645546 + 111222) in text
        for value in ("918273", "645546", "111222", "808171"):
            assert (value in text) == (edition == "internal")


def test_the_public_edition_of_2023_has_no_value_where_the_catalogue_says_city(public: Yearbook) -> None:
    hidden = {i.code for i in public.catalogue.indicators if i.public_level == "city"}
    lines = [line for line in lines_of(xlsx(public)) if line["Mã chỉ tiêu"] in hidden]
    units = [line for line in lines if line["Phạm vi"] != "toàn thành phố"]
    empty = ("Giá trị", "Mức chính xác", "Tử số", "Mẫu số", "Tệp", "Ô")
    withheld = [line for line in units if line["Tình trạng"] == "không công bố"]
    assert len(withheld) > 100
    assert all(line[column] is None for line in withheld for column in empty)
    assert all(line["Giá trị"] is None for line in units)


# ---------------------------------------------------------------- marks, metadata


def test_every_sheet_says_what_is_draft_and_what_is_illustrative(book: Yearbook, made: bytes) -> None:
    for sheet in loaded(made).worksheets:
        top = [sheet.cell(row, 1).value for row in range(2, 2 + len(book.meta.marks))]
        assert top == list(book.meta.marks), sheet.title
        assert {MARK_DRAFT, MARK_INVENTED} <= set(top)
    by_scope = defaultdict(set)
    for line in lines_of(made):
        by_scope[line["Năm"], line["Phạm vi"]].add(line["Nguồn gốc số liệu"])
    assert by_scope[2023, "toàn thành phố"] == {"đã công bố"}
    assert by_scope[2023, "đơn vị"] == by_scope[2022, "toàn thành phố"] == {"minh họa"}
    assert "Năm 2022 (minh họa)" in lines_of(made, dataset.CITY)[0]
    head, *rows = read_csv(dataset.csv(book))
    edition = {"public": "công khai (dự thảo)", "internal": "nội bộ (dự thảo)"}[book.edition]
    assert {row[head.index("Ấn bản")] for row in rows} == {edition}


def test_its_properties_name_the_bodies_and_nobody_else(book: Yearbook, made: bytes) -> None:
    about = loaded(made).properties
    assert (about.title, about.language) == ("Số liệu phối hợp công tác dân vận năm 2023", "vi")
    assert about.creator == "Ban Dân vận Thành ủy; Công an thành phố"
    assert (about.lastModifiedBy, about.keywords) == (None, None)
    assert (about.description or "").startswith(MARK_DRAFT)
    core = members(made)["docProps/core.xml"]
    assert "dcterms:" not in core  # a draft has no date
    dated = dataset.xlsx(book, replace(book.meta, date="2024-01-15"))
    core = members(dated)["docProps/core.xml"]
    assert re.findall(r"\d{4}-\d\d-\d\dT[\d:]+", core) == ["2024-01-15T00:00:00"]
    assert "dcterms:modified" not in core
    times = {info.date_time[:3] for info in zipfile.ZipFile(io.BytesIO(dated)).infolist()}
    assert times == {(2024, 1, 15)}


def test_no_path_host_or_user_is_in_it(book: Yearbook, made: bytes, project: Project) -> None:
    private = [str(project.root), str(ROOT), str(Path.home()), "/tmp/"]
    private += [name for name in (socket.gethostname(), getpass.getuser()) if len(name) > 4]
    for text in (told(made), dataset.csv(book).decode()):
        assert [name for name in private if name in text] == []


# ---------------------------------------------------------------- no text is a formula

EVIL = '=HYPERLINK("http://x.example","x")'


def test_no_text_becomes_a_formula() -> None:
    """Not a unit's name, a definition, a word that was reported, a body, a mark; nor an error value."""
    evil = indicator("tips", definition="=1+1", measured_in="@SUM(A1)").model_copy(
        update={"name": EVIL, "section": "-1"}
    )
    named = (replace(unit("Đông", 1), kind="=1+2", gso_code="+84"), replace(unit("Tây", 2), gso_code="#N/A"))
    book = Book(year("| tips\nĐông | =x 5\nTây | 7", *named, indicators=(evil,)), "public")
    meta = replace(META, marks=("=1+3",), authors=("=1+4", "@x"))
    content = dataset.xlsx(book, meta)
    evils = {EVIL, "=1+1", "@SUM(A1)", "=x", "+84", "#N/A", "=1+3", "-1", "=1+2 Đông"}
    met = set()
    for sheet in loaded(content).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type not in ("f", "e"), (sheet.title, cell.coordinate)
                if isinstance(cell.value, str) and cell.value[:1] in "=+-@#":
                    met.add(cell.value)
                    assert cell.quotePrefix or cell.value[:1] == "#", (sheet.title, cell.coordinate)
    assert met == evils
    assert not re.search(r"<f[ >/]", told(content))
    cells = [cell for row in read_csv(dataset.csv(book)) for cell in row]
    assert [cell for cell in cells if cell[:1] in tuple("=+-@")] == []
    assert {f"'{EVIL}", "'=x", "'+84", "'=1+2 Đông"} <= set(cells)


def test_a_word_before_a_number_cannot_break_out_of_its_format() -> None:
    book = small('| tips\nĐông | "x 5\nTây | 1\nNam | 1\nThành phố | 1', indicators=(TIPS,))
    sheet = loaded(dataset.xlsx(book, META))[dataset.CITY]
    formats = {cell.number_format for row in sheet.iter_rows() for cell in row}
    assert '"hơn "#,##0_)' in formats or '"x "#,##0_)' in formats
    assert not any(look.count('"') % 2 for look in formats)


# ---------------------------------------------------------------- laid out to be read, by eye, ear and program


def test_each_sheet_has_its_title_in_a1_and_one_table_with_bold_heads(made: bytes) -> None:
    book = loaded(made)
    assert book.sheetnames == ["Bìa", "Ghi chú", "Số liệu", "Toàn thành phố", "Danh mục chỉ tiêu"]
    assert book.active == book.worksheets[0]
    for sheet in book.worksheets:
        assert sheet["A1"].value
        assert sheet["A1"].font.bold
        assert not sheet.merged_cells.ranges
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (
            *("landscape", 1),
            0,
        )
    for sheet in book.worksheets[1:]:
        [table] = sheet.tables.values()
        top = int(re.findall(r"\d+", table.ref)[0])
        heads = sheet[top]
        assert all(cell.font.bold and cell.value for cell in heads)
        assert len({cell.value for cell in heads}) == len(heads) == sheet.max_column
        assert table.ref == f"A{top}:{heads[-1].coordinate[: -len(str(top))]}{sheet.max_row}"
        assert sheet.freeze_panes == f"A{top + 1}"
        assert sheet.print_title_rows == f"$1:${top}"
        assert all(sheet.cell(row, 1).value for row in range(1, sheet.max_row + 1))  # no empty line anywhere
        assert all(sheet.cell(row, 2).value is None for row in range(1, top))  # what stands above may run over
    assert book["Số liệu"].auto_filter.ref is None  # the table's own is the one
    assert next(iter(book["Số liệu"].tables.values())).autoFilter is not None


def test_the_cover_leads_to_every_sheet_and_back(made: bytes) -> None:
    book = loaded(made)
    links = {
        sheet.title: [link.location for row in sheet.iter_rows() for cell in row if (link := cell.hyperlink)]
        for sheet in book.worksheets
    }
    others = book.sheetnames[1:]
    assert links.pop("Bìa") == [f"'{name}'!A1" for name in others]
    assert links == {name: ["'Bìa'!A1"] for name in others}


def test_the_cover_says_who_when_which_edition_and_how_to_cite(project: Project) -> None:
    public = open_year_of(project, 2023, "public")
    text = "\n".join(str(row[0].value) for row in loaded(dataset.xlsx(public, public.meta))["Bìa"].iter_rows())
    assert "Cơ quan ban hành: Ban Dân vận Thành ủy và Công an thành phố.\nSố văn bản: chưa có. Ngày: chưa có." in text
    assert "Kỳ số liệu: từ 01/01/2023 đến 31/12/2023." in text
    assert "Ấn bản: công khai; chỉ tiêu chỉ công khai ở cấp thành phố không có số từng đơn vị." in text
    assert "Dẫn: Ban Dân vận Thành ủy và Công an thành phố, Số liệu phối hợp" in text
    assert text.count("dự thảo.") == 1
    document = public.params.document.model_copy(update={"number": "15-BC/BDVTU-CATP", "date": date(2024, 1, 15)})
    public.params = public.params.model_copy(update={"document": document})
    text = "\n".join(str(row[0].value) for row in loaded(dataset.xlsx(public, public.meta))["Bìa"].iter_rows())
    assert "Số văn bản: 15-BC/BDVTU-CATP. Ngày: 15/01/2024." in text
    assert "số 15-BC/BDVTU-CATP, ngày 15/01/2024, ấn bản công khai." in text
    assert "dự thảo" not in text.casefold()


def test_numbers_are_numbers_codes_are_texts_days_are_days(made: bytes) -> None:
    sheet = loaded(made)["Số liệu"]
    [table] = sheet.tables.values()
    kinds: dict[str, set[str]] = defaultdict(set)
    head, *rows = sheet[table.ref]
    for row in rows:
        for label, cell in zip(head, row, strict=True):
            kinds[str(label.value)] |= {cell.data_type} if cell.value is not None else set()
    numbers = {"Năm", "Giá trị", "Tử số", "Mẫu số", "Số đơn vị có số", "Số đơn vị phải báo cáo"}
    assert {label for label, found in kinds.items() if found == {"n"}} == numbers
    assert {label for label, found in kinds.items() if found == {"d"}} == {"Từ ngày", "Đến ngày"}
    assert kinds["Mã đơn vị"] == {"s"}
    formats = {cell.number_format for row in rows for cell in row}
    assert formats == {"General", "0_)", "dd/mm/yyyy_)", "#,##0_)", "#,##0.0_)", "#,##0.00_)"}


def test_no_text_is_cut_on_the_sheet_whose_texts_are_not_wrapped(made: bytes) -> None:
    sheet = loaded(made)["Số liệu"]
    [table] = sheet.tables.values()
    for column in zip(*sheet[table.ref], strict=True):
        longest = max((str(cell.value) for cell in column[1:] if isinstance(cell.value, str)), key=len, default="")
        assert len(longest) <= sheet.column_dimensions[column[0].column_letter].width, longest


def test_the_whole_city_is_one_table_for_the_eye(public: Yearbook) -> None:
    lines = {line["Chỉ tiêu"]: line for line in lines_of(xlsx(public), dataset.CITY)}
    assert list(lines) == [i.name for i in public.catalogue.indicators]
    tips = lines["Tin về an ninh trật tự"]
    assert (tips["Năm 2023"], tips["Năm 2022 (minh họa)"]) == (4342, 4644)
    assert tips["So với năm trước"] == "Giảm 6,5% so với năm 2022 (số liệu minh họa)"
    assert {line["Mức đầy đủ"] for line in lines.values()} == {"đủ"}


def test_the_whole_city_tells_what_is_lacking_and_shows_a_bound_before_its_number() -> None:
    content = dataset.xlsx(small("| tips | views\nĐông | hơn 10 | \nThành phố | 5 | ?", indicators=(TIPS, VIEWS)), META)
    tips, views = lines_of(content, dataset.CITY)
    assert tips == {
        "Mục": "I",
        "Chỉ tiêu": "tips",
        "Đơn vị tính": "tin",
        "Năm 2023": 15,
        "Mức đầy đủ": "năm 2023: có số cả kỳ của 1/3 đơn vị",
    }
    assert views["Năm 2023"] == "không báo cáo"
    looks = [
        cell.number_format for row in loaded(content)[dataset.CITY].iter_rows() for cell in row if cell.value == 15
    ]
    assert looks == ['"hơn "#,##0_)']


def test_the_dictionary_tells_each_indicator(public: Yearbook) -> None:
    lines = {line["Mã chỉ tiêu"]: line for line in lines_of(xlsx(public), dataset.DICTIONARY)}
    assert list(lines) == [i.code for i in public.catalogue.indicators]
    assert lines["plan_signed_rate"]["Công thức của tỷ lệ"] == (
        "Ký kế hoạch phối hợp / số đơn vị phải báo cáo × 100"
    ), lines["plan_signed_rate"]
    assert lines["tips_per_10k"]["Công thức của tỷ lệ"] == "Tin về an ninh trật tự / dân số × 10.000"
    assert lines["commune_officers"]["Thời gian"] == "cuối kỳ"
    assert lines["commune_officers"]["Mức công khai"] == "chỉ toàn thành phố"
    assert lines["police_articles"]["Nơi báo cáo"] == "đơn vị, khối thành phố"


def test_the_notes_tell_every_word_and_every_column(made: bytes) -> None:
    lines = lines_of(made, dataset.NOTES)
    told = {(line["Về"], line["Từ"]) for line in lines}
    used = {"Tình trạng": set(), "Mức chính xác": set(), "Nguồn gốc số liệu": set()}  # type: dict[str, set[str]]
    for line in lines_of(made):
        for column, words in used.items():
            words |= {line[column]} - {None}
    assert {(column, word) for column, words in used.items() for word in words} <= told
    assert [line["Từ"] for line in lines if line["Về"] == "Cột của trang Số liệu"] == list(lines_of(made)[0])
    assert all(line["Nghĩa"] for line in lines)


# ---------------------------------------------------------------- CSV


def read_csv(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_the_csv_reads_back_as_the_same_rows(book: Yearbook, made: bytes) -> None:
    head, *rows = read_csv(dataset.csv(book))
    lines = lines_of(made)
    assert head == list(lines[0])
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        for label, text in zip(head, row, strict=True):
            value = line[label]
            if isinstance(value, datetime):
                assert text == value.date().isoformat()
            elif isinstance(value, int | float):
                assert as_held(Decimal(text.replace(",", "."))) == number(value)
            else:
                assert text == (value or "")


def test_numbers_in_the_csv_have_a_decimal_comma_and_nothing_between_thousands() -> None:
    head, *rows = read_csv(dataset.csv(small(TABLE)))
    values = {(row[head.index("Đơn vị")], row[head.index("Mã chỉ tiêu")]): row[head.index("Giá trị")] for row in rows}
    assert values["Huyện Đông", "kg"] == "1,25"
    assert values["Toàn thành phố", "views"] == "91304"
    assert values["Huyện Nam", "kg"] == ""


# ---------------------------------------------------------------- the same everywhere

SCRIPT = """
import sys
from pathlib import Path
from danvan.paths import Project
from danvan.publish import dataset
from danvan.yearbook import open_year_of
if __name__ == "__main__":
    book = open_year_of(Project(Path(sys.argv[1])), 2023, "public")
    Path(sys.argv[2], "a.xlsx").write_bytes(dataset.xlsx(book, book.meta))
    Path(sys.argv[2], "a.csv").write_bytes(dataset.csv(book))
"""


@pytest.mark.long
def test_the_same_bytes_in_another_place_zone_and_language(tmp_path: Path) -> None:
    script = tmp_path / "make.py"
    script.write_text(SCRIPT, encoding="utf-8")
    settings = (
        {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"},
        {"TZ": "Asia/Ho_Chi_Minh", "LC_ALL": "vi_VN.UTF-8", "PYTHONHASHSEED": "2", "USER": "nguyễn", "HOSTNAME": "máy"},
    )
    made = []
    for name, setting in zip(("một", "hai ba"), settings, strict=True):
        root = copy_project(tmp_path / name)
        out = tmp_path / f"ra {name}"
        out.mkdir()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(out), **setting}
        environment.pop("SOURCE_DATE_EPOCH", None)
        subprocess.run([sys.executable, script, root, out], env=environment, cwd=out, check=True, timeout=300)
        made.append([(out / file).read_bytes() for file in ("a.xlsx", "a.csv")])
    assert made[0] == made[1]


@pytest.mark.long
def test_libreoffice_opens_both_and_reads_the_same(
    public: Yearbook, tmp_path: Path, needs_tool: Callable[..., str]
) -> None:
    soffice = needs_tool("soffice", "libreoffice")
    source = tmp_path / "bao-cao-2023.xlsx"
    source.write_bytes(xlsx(public))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    values = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,false,false,false,false,-1"
    for kind in (values, "pdf"):
        command = [soffice, profile, "--headless", "--convert-to", kind, "--outdir", str(tmp_path), str(source)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
        assert "rror" not in done.stdout + done.stderr
    assert source.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    text = (tmp_path / "bao-cao-2023-Số liệu.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    top = next(place for place, row in enumerate(rows) if row[1])
    key, value = rows[top].index("Mã kết quả"), rows[top].index("Giá trị")
    results: Mapping[str, Result] = every_result(public)
    read = {row[key]: row[value] for row in rows[top + 1 :] if row[key]}
    assert set(read) == set(results)
    for name, found in read.items():
        expected = results[name].value
        assert (float(found) if found else None) == (None if expected is None else pytest.approx(float(expected)))
