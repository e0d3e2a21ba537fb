"""The same return as CSV, in the ways in which offices make one: it says what the workbook says, or is refused."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from workbooks import ROOT, change, put, remember_good_files

from danvan.catalogue import load_catalogue
from danvan.cli import main
from danvan.intake import replies
from danvan.intake.findings import Finding
from danvan.intake.observations import Return
from danvan.intake.returns import Reading, read_returns
from danvan.params import load_params
from danvan.paths import Project
from danvan.units import load_units

PARAMS = load_params(Project(ROOT), 2023)
CATALOGUE = load_catalogue(Project(ROOT)).of_year(2023)
UNITS = load_units(Project(ROOT), PARAMS.period, PARAMS.population_concept)
PARTS = ("Ban Dân vận", "Công an")
RED, YELLOW = "00FFC7CE", "00FFE699"
Rows = list[list[str]]
Shown = Callable[[int | float, str], str]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_good_files(monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """No return has come yet."""
    for name in ("params", "data/reference"):
        shutil.copytree(ROOT / name, tmp_path / name)
    Project(tmp_path).returns(2023).mkdir(parents=True)
    return Project(tmp_path)


# --- as an office saves it -------------------------------------------------------------------------------------


def vietnamese(number: int | float, form: str) -> str:
    """As Excel shows a number in Vietnam: 189.260 and 71,07."""
    decimals = 2 if form.endswith("0.00") else 0
    return f"{number:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def english(number: int | float, form: str) -> str:
    return f"{number:,.{2 if form.endswith('0.00') else 0}f}"


def bare(number: int | float, _: str) -> str:
    """As stored: 189260 and 71,07."""
    return str(number).replace(".", ",")


def part(unit: str, sheet: str, shown: Shown = bare, mark: str = "", **typed: str) -> Rows:
    """A sheet of the committed return as rows of texts; `typed` sets values, `mark` declares the decimal mark."""
    rows: Rows = []
    for line in openpyxl.load_workbook(ROOT / "data" / "2023" / "returns" / f"{unit}.xlsx")[sheet].iter_rows(max_col=9):
        texts = ["" if cell.value is None else str(cell.value) for cell in line]
        for column in (3, 6):
            if isinstance(line[column].value, int | float):
                texts[column] = shown(line[column].value, line[column].number_format)
        if texts[0] in typed:
            texts[3] = typed.pop(texts[0])
        rows.append(texts)
        if texts[0] == "Tính chất số liệu" and mark:
            rows.append(["Dấu thập phân", mark, *[""] * 7])
    assert not typed
    return rows


def both(unit: str, shown: Shown = bare, mark: str = "") -> list[Rows]:
    return [part(unit, sheet, shown, mark) for sheet in PARTS]


def text(rows: Iterable[list[str]], separator: str = ";", *, end: str = "\r\n", quoted: bool = False) -> str:
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue()


Saved = dict[str, tuple[Rows, bytes]]  # name of a file -> its rows, its bytes


def one(parts: list[Rows], separator: str = ";", *, bom: bool = True, end: str = "\r\n", quoted: bool = False) -> Saved:
    rows = [row for part_ in parts for row in part_]
    content = text(rows, separator, end=end, quoted=quoted)
    return {"phiếu.csv": (rows, content.encode("utf-8-sig" if bom else "utf-8"))}


def a_file_each(unit: str) -> Saved:
    rows = both(unit, vietnamese, ",")
    return {f"phiếu {n}.csv": (part_, text(part_).encode("utf-8-sig")) for n, part_ in enumerate(rows, start=1)}


def with_line_breaks(unit: str) -> Saved:
    """A note and a definition of several lines; whoever counts lines of the file is led astray."""
    rows = both(unit)
    for part_ in rows:
        part_[10][8], part_[11][7] = "đã đối chiếu\nvới sổ", f"{part_[11][7]}\n\nXem phụ lục."
    return one(rows)


def with_empty_columns(unit: str) -> Saved:
    return one([[[*row[:3], "", *row[3:], "", "", ""] for row in part_] for part_ in both(unit)])


def with_empty_lines(unit: str) -> Saved:
    return one([[*part_[:9], [""] * 9, [], *part_[9:], [""] * 9, []] for part_ in both(unit)])


def with_an_empty_first_column(unit: str) -> Saved:
    moved = [[["", *row] for row in part_] for part_ in both(unit)]
    return {f"phiếu {n}.csv": (part_, text(part_).encode()) for n, part_ in enumerate(moved, start=1)}


def without_title(unit: str) -> Saved:
    """From the first label on, behind a byte order mark."""
    rows = [part_[2:] for part_ in both(unit)]
    assert {part_[0][0] for part_ in rows} == {"Mẫu phiếu"}
    return {f"phiếu {n}.csv": (part_, text(part_).encode("utf-8-sig")) for n, part_ in enumerate(rows, start=1)}


WAYS: dict[str, Callable[[str], Saved]] = {
    "out of a Vietnamese Excel": lambda unit: one(both(unit, vietnamese, ",")),
    "out of an English Excel": lambda unit: one(both(unit, english, "."), ",", bom=False),
    "semicolons, nothing declared": lambda unit: one(both(unit)),
    "commas, nothing declared": lambda unit: one(both(unit), ",", bom=False),
    "commas, declared": lambda unit: one(both(unit, vietnamese, ","), ","),
    "tabs": lambda unit: one(both(unit, vietnamese, ","), "\t", bom=False),
    "everything quoted": lambda unit: one(both(unit), ",", quoted=True),
    "lines of Unix": lambda unit: one(both(unit), end="\n", bom=False),
    "lines of an old Mac": lambda unit: one(both(unit), end="\r"),
    "a file each": a_file_each,
    "without the title": without_title,
    "quoted line breaks": with_line_breaks,
    "empty columns": with_empty_columns,
    "an empty first column": with_an_empty_first_column,
    "empty lines": with_empty_lines,
    "its name in capitals": lambda unit: {"PHIẾU.CSV": one(both(unit))["phiếu.csv"]},
}


def put_in(project: Project, saved: Saved) -> None:
    for name, (_, content) in saved.items():
        (project.returns(2023) / name).write_bytes(content)


def read(project: Project) -> Reading:
    return read_returns(project, PARAMS, CATALOGUE, UNITS)


def remarks(reading: Reading, unit: str = "") -> list[Finding]:
    """What is found, but for the units of which nothing came."""
    return [f for f in reading.findings if f.rule != "missing-return" or f.unit == unit]


def of_workbook(unit: str) -> Return:
    reading = read_returns(Project(ROOT), PARAMS, CATALOGUE, UNITS)
    return next(r for r in reading.returns if r.unit.name == unit)


def said(got: Return) -> dict[str, tuple[object, ...]]:
    return {o.indicator.code: (o.value, o.status, o.bound, o.year, o.until) for o in got.observations}


@pytest.mark.parametrize("unit", ["Thủy Nguyên", "Khối thành phố"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.sampled(8)
def test_it_says_what_the_workbook_says(way: str, unit: str, project: Project) -> None:
    saved = WAYS[way](unit)
    put_in(project, saved)
    reading = read(project)
    assert remarks(reading) == []
    [got] = reading.returns
    wanted = of_workbook(unit)
    assert len(wanted.observations) > 30
    assert said(got) == said(wanted)
    assert (got.unit, got.illustrative) == (wanted.unit, True)
    assert {file.unit for file in reading.files} == {wanted.unit.full_name}
    assert len(reading.files) == len(saved)
    # Each value leads back to its cell: the column of values, the row as a spreadsheet counts them.
    column = "E" if way in ("empty columns", "an empty first column") else "D"
    places = {
        code: f"data/2023/returns/{name}, trang “{sheet}”, {column}{at}"
        for name, (rows, _) in saved.items()
        for at, row in enumerate(rows, start=1)
        for code in row[:2]
        if (sheet := sheet_of(code))
    }
    assert {o.indicator.code: str(o.cell) for o in got.observations} == places


def test_decomposed_letters_are_the_same_letters(project: Project) -> None:
    content = text([row for part_ in both("Thủy Nguyên") for row in part_])
    (project.returns(2023) / "phiếu.csv").write_bytes(unicodedata.normalize("NFD", content).encode())
    reading = read(project)
    assert {(f.rule, f.severity) for f in remarks(reading)} <= {("column-spelling", "warning")}
    [got] = reading.returns
    assert said(got) == said(of_workbook("Thủy Nguyên"))


def sheet_of(code: str) -> str:
    indicator = CATALOGUE.by_code.get(code)
    return {"bdvtu": "Ban Dân vận", "catp": "Công an"}[str(indicator.body)] if indicator else ""


def test_the_ways_are_not_all_the_same() -> None:
    """What is written in each is what it is called after."""
    contents = {way: [content for _, content in make("Thủy Nguyên").values()] for way, make in WAYS.items()}
    assert b"189.260" in contents["out of a Vietnamese Excel"][0]
    assert b"71,07" in contents["out of a Vietnamese Excel"][0]
    assert b'"189,260"' in contents["out of an English Excel"][0]
    assert "Dấu thập phân,.,".encode() in contents["out of an English Excel"][0]
    assert 'Dấu thập phân,",",'.encode() in contents["commas, declared"][0]
    assert len(contents["a file each"]) == 2
    assert b"\n" not in contents["lines of an old Mac"][0]
    # Only the one with a name in capitals has the bytes of another.
    assert len({content for all_ in contents.values() for content in all_}) == len(WAYS) + 2


# --- numbers ---------------------------------------------------------------------------------------------------


def typed(project: Project, mark: str, **values: str) -> tuple[dict[str, Decimal | None], list[Finding]]:
    """The values of Thủy Nguyên's CSV with `mark` declared and these texts typed, and what was found."""
    shown = english if mark == "." else bare
    first = part("Thủy Nguyên", "Ban Dân vận", shown, mark)
    put_in(project, one([first, part("Thủy Nguyên", "Công an", shown, mark, **values)]))
    reading = read(project)
    [got] = reading.returns
    assert len(got.observations) >= 35 - len(values)  # nothing else is lost
    return {o.indicator.code: o.value for o in got.observations}, remarks(reading)


KG, COUNT = "fireworks_kg", "tips_received"
TWO_READINGS, CONTRADICTS = "có hai cách đọc", "trái với dấu thập phân mà tệp đã khai"


@pytest.mark.parametrize(
    ("code", "written", "mark", "value", "rule", "reason"),
    [
        (KG, "4.342", "", None, "unclear-number", TWO_READINGS),
        (KG, "4.342", ",", "4342", "", ""),
        (KG, "4.342", ".", None, "unclear-number", "nhiều hơn 2 chữ số thập phân"),
        (KG, "4,342", "", None, "unclear-number", TWO_READINGS),
        (KG, "4,342", ".", "4342", "", ""),
        (KG, "442.37", "", "442.37", "oddly-typed", "dấu chấm thập phân kiểu Anh"),
        (KG, "442.37", ",", None, "unclear-number", f"{CONTRADICTS} (dấu phẩy)"),
        (KG, "442.37", ".", "442.37", "", ""),
        (KG, "442,37", "", "442.37", "", ""),
        (KG, "442,37", ",", "442.37", "", ""),
        (KG, "442,37", ".", None, "unclear-number", f"{CONTRADICTS} (dấu chấm)"),
        (KG, "1.442,37", ",", "1442.37", "", ""),
        (KG, "1,442.37", ".", "1442.37", "", ""),
        (COUNT, "4.342", "", "4342", "", ""),
        (COUNT, "4.342", ",", "4342", "", ""),
        (COUNT, "4.342", ".", None, "unclear-number", "không phải số nguyên"),
        (COUNT, "4,342", "", None, "unclear-number", TWO_READINGS),
        (COUNT, "4,342", ".", "4342", "", ""),
        (COUNT, "4342", "", "4342", "", ""),
        (COUNT, "hơn 700", ",", None, "unclear-number", "là số ước chừng"),
        (COUNT, "1e3", "", None, "unclear-number", "Không đọc được"),
        (COUNT, "", "", None, "blank", "Ô trống"),
    ],
)
def test_a_number_has_one_reading_or_none(
    code: str, written: str, mark: str, value: str | None, rule: str, reason: str, project: Project
) -> None:
    values, found = typed(project, mark, **{code: written})
    assert values.get(code) == (None if value is None else Decimal(value))
    assert (code in values) == (value is not None)
    assert [f.rule for f in found] == ([rule] if rule else [])
    for finding in found:
        assert reason in finding.reason
        assert (finding.unit, finding.indicator, finding.cell.sheet) == ("Huyện Thủy Nguyên", code, "Công an")
        assert finding.cell.file == "data/2023/returns/phiếu.csv"
        assert re.fullmatch(r"D\d+", finding.cell.ref)
        assert finding.severity == ("warning" if value else "error")


def test_a_mark_holds_for_the_part_that_declares_it(project: Project) -> None:
    """What the other part means stays open, and is not guessed."""
    rows = [part("Thủy Nguyên", "Ban Dân vận", mark=","), part("Thủy Nguyên", "Công an", fireworks_kg="4.342")]
    put_in(project, one(rows))
    assert [(f.rule, f.indicator) for f in remarks(read(project))] == [("unclear-number", KG)]


def test_a_mark_that_is_none_is_found_and_nothing_taken_as_declared(project: Project) -> None:
    rows = [part("Thủy Nguyên", "Ban Dân vận"), part("Thủy Nguyên", "Công an", mark="phẩy", fireworks_kg="4.342")]
    put_in(project, one(rows))
    found = {f.rule: f for f in remarks(read(project))}
    assert found.keys() == {"decimal-mark", "unclear-number"}
    assert (found["decimal-mark"].found, found["decimal-mark"].cell.sheet) == ("phẩy", "Công an")


# --- refused ---------------------------------------------------------------------------------------------------


def in_cp1258(text_: str) -> bytes:
    """As the Windows of that code page writes Vietnamese: tones as characters of their own."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    out = []
    for character in unicodedata.normalize("NFC", text_):
        parts = unicodedata.normalize("NFD", character)
        letter = unicodedata.normalize("NFC", "".join(c for c in parts if c not in tones))
        out.append(letter + "".join(c for c in parts if c in tones))
    return "".join(out).translate(str.maketrans("“”", '""')).encode("cp1258")


ENCODED: dict[str, Callable[[str], bytes]] = {
    "UTF-16": lambda text_: text_.encode("utf-16"),
    "UTF-16, the other way round": lambda text_: b"\xfe\xff" + text_.encode("utf-16-be"),
    "UTF-16 without its mark": lambda text_: text_.encode("utf-16-le"),
    "code page 1258": in_cp1258,
    "code page 1252": lambda text_: text_.encode("cp1252", errors="replace"),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_another_encoding_is_refused(encoding: str, project: Project) -> None:
    rows = [row for part_ in both("Thủy Nguyên") for row in part_]
    (project.returns(2023) / "Thủy Nguyên.csv").write_bytes(ENCODED[encoding](text(rows)))
    reading = read(project)
    first, missing = remarks(reading, "Huyện Thủy Nguyên")
    assert (first.rule, first.severity, first.unit) == ("wrong-encoding", "error", "Huyện Thủy Nguyên")
    assert "UTF-8" in first.remedy
    assert missing.rule == "missing-return"
    assert reading.returns == ()


def test_a_csv_called_xlsx_and_a_workbook_called_csv_are_refused(project: Project) -> None:
    [(_, content)] = one(both("Thủy Nguyên")).values()
    (project.returns(2023) / "Thủy Nguyên.xlsx").write_bytes(content)
    shutil.copy(ROOT / "data" / "2023" / "returns" / "Lê Chân.xlsx", project.returns(2023))
    change(project, put("guns", 3), "Lê Chân.xlsx")
    (project.returns(2023) / "Lê Chân.xlsx").rename(project.returns(2023) / "Lê Chân.csv")
    reading = read(project)
    assert [(f.rule, f.unit) for f in remarks(reading)] == [
        ("not-excel", "Quận Lê Chân"),
        ("not-excel", "Huyện Thủy Nguyên"),
    ]
    assert reading.returns == ()


def test_a_csv_of_something_else_is_no_form(project: Project) -> None:
    (project.returns(2023) / "danh bạ.csv").write_text("a;b;c\n1;2;3\n", encoding="utf-8")
    [found] = remarks(read(project))
    assert (found.rule, found.severity, found.cell.file) == ("not-a-form", "error", "data/2023/returns/danh bạ.csv")


def test_personal_data_in_a_csv_is_refused_and_masked(project: Project) -> None:
    rows = both("Thủy Nguyên")
    rows[1][12][8] = "Gọi 0912 345 678"
    put_in(project, one(rows))
    found = remarks(read(project), "Huyện Thủy Nguyên")
    assert [f.rule for f in found] == ["personal-data", "missing-return"]
    assert "345 678" not in str(found)


# --- parts and twins -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sheet", PARTS)
def test_one_part_alone_is_not_the_whole_return(sheet: str, project: Project) -> None:
    put_in(project, one([part("Thủy Nguyên", sheet)]))
    reading = read(project)
    [found] = remarks(reading, "Huyện Thủy Nguyên")
    [other] = set(PARTS) - {sheet}
    assert (found.rule, found.severity, found.unit) == ("missing-sheet", "error", "Huyện Thủy Nguyên")
    assert found.reason.startswith(f"Thiếu trang “{other}”.")
    [got] = reading.returns
    assert {o.cell.sheet for o in got.observations} == {sheet}
    assert said(got).items() <= said(of_workbook("Thủy Nguyên")).items()


def test_the_same_unit_as_csv_and_as_workbook_is_there_twice(project: Project) -> None:
    put_in(project, {"Thủy Nguyên.csv": one(both("Thủy Nguyên"))["phiếu.csv"]})
    shutil.copy(ROOT / "data" / "2023" / "returns" / "Thủy Nguyên.xlsx", project.returns(2023))
    change(project, put("guns", 15), "Thủy Nguyên.xlsx")
    reading = read(project)
    [found] = remarks(reading)
    assert (found.rule, found.severity, found.unit) == ("duplicate-return", "error", "Huyện Thủy Nguyên")
    assert found.cell.file == "data/2023/returns/Thủy Nguyên.xlsx"
    assert found.found == "Huyện Thủy Nguyên đã có ở data/2023/returns/Thủy Nguyên.csv; khác ở D23"
    assert len(reading.returns) == 1


def test_a_part_that_came_twice_is_told(project: Project) -> None:
    first, second = both("Thủy Nguyên")
    again = part("Thủy Nguyên", "Công an", guns="15")
    for name, rows in (("1", first), ("2", second), ("3", again)):
        (project.returns(2023) / f"phiếu {name}.csv").write_text(text(rows), encoding="utf-8")
    [found] = remarks(read(project))
    assert (found.rule, found.cell.file) == ("duplicate-return", "data/2023/returns/phiếu 3.csv")


def test_parts_of_two_units_are_not_joined(project: Project) -> None:
    put_in(project, {"1.csv": one([part("Thủy Nguyên", "Ban Dân vận")])["phiếu.csv"]})
    put_in(project, {"2.csv": one([part("An Dương", "Công an")])["phiếu.csv"]})
    found = remarks(read(project))
    assert sorted((f.rule, f.unit) for f in found) == [
        ("missing-sheet", "Huyện An Dương"),
        ("missing-sheet", "Huyện Thủy Nguyên"),
    ]


# --- the reply -------------------------------------------------------------------------------------------------


def copies(project: Project) -> dict[str, openpyxl.Workbook]:
    """The annotated copy of each file that has findings, opened."""
    reading, made = read(project), {}
    for path in sorted(project.returns(2023).iterdir()):
        its = [f for f in remarks(reading) if f.cell.file == project.relative(path)]
        if its and (content := replies.annotated(path, its, PARAMS, CATALOGUE)):
            made[path.name] = openpyxl.load_workbook(io.BytesIO(content))
    return made


def coloured(book: openpyxl.Workbook) -> list[tuple[object, str, str]]:
    """Value, colour and comment of the cells that are coloured in the office's own sheets."""
    return [
        (cell.value, cell.fill.fgColor.rgb, cell.comment.text if cell.comment else "")
        for sheet in book.worksheets[1:]
        for line in sheet.iter_rows()
        for cell in line
        if cell.fill.fgColor.rgb in (RED, YELLOW)
    ]


def test_the_copy_of_a_csv_is_a_workbook_with_its_cells_coloured(project: Project) -> None:
    rows = part("Thủy Nguyên", "Công an", tips_received="4,342", fireworks_kg="442.37")
    rows[12][8] = "=HYPERLINK(x)"
    put_in(project, one([part("Thủy Nguyên", "Ban Dân vận")]) | {"Công an.csv": (rows, text(rows).encode())})
    [(name, book)] = copies(project).items()
    assert name == "Công an.csv"
    assert book.sheetnames[0] == "Cần sửa"
    red, yellow = coloured(book)
    assert red[:2] == ("4,342", RED)
    assert TWO_READINGS in red[2]
    assert yellow[:2] == ("442.37", YELLOW)
    own = book.worksheets[1]
    assert own["I13"].value == "=HYPERLINK(x)"
    assert own["I13"].data_type != "f"
    for row, texts in enumerate(rows, start=1):  # all else stands where it stood
        assert [str(own.cell(row, column).value or "") for column in range(1, 10)] == texts
    listed = [[cell.value for cell in line] for line in book["Cần sửa"].iter_rows(min_row=6, max_col=9)]
    assert [(line[3], line[5]) for line in listed if line[0] in ("1", "2")] == [("D15", "4,342"), ("D21", "442.37")]


def test_in_a_csv_of_two_parts_the_cell_of_the_second_is_coloured(project: Project) -> None:
    put_in(project, one([part("Thủy Nguyên", "Ban Dân vận"), part("Thủy Nguyên", "Công an", tips_received="4,342")]))
    [book] = copies(project).values()
    assert [(value, colour) for value, colour, _ in coloured(book)] == [("4,342", RED)]


@pytest.mark.parametrize(("shown", "mark"), [(bare, ""), (vietnamese, ","), (english, ".")])
def test_the_copy_can_be_mended_and_sent_back(shown: Shown, mark: str, project: Project) -> None:
    """As the first sheet of the copy asks for."""
    first = part("Thủy Nguyên", "Ban Dân vận", shown, mark)
    put_in(project, one([first, part("Thủy Nguyên", "Công an", shown, mark, tips_received="khoảng 300")]))
    [book] = copies(project).values()
    mended = 0
    for sheet in book.worksheets[1:]:
        for line in sheet.iter_rows():
            for cell in line:
                if cell.value == "khoảng 300":
                    cell.value, mended = 300, mended + 1
    assert mended == 1
    (project.returns(2023) / "phiếu.csv").unlink()
    book.save(project.returns(2023) / "phiếu - cần sửa.xlsx")
    reading = read(project)
    assert [f.rule for f in remarks(reading, "Huyện Thủy Nguyên")] == []
    values = {o.indicator.code: o.value for o in reading.returns[0].observations}
    wanted = {o.indicator.code: o.value for o in of_workbook("Thủy Nguyên").observations}
    assert values == wanted | {"tips_received": Decimal(300)}


def test_a_copy_sent_back_as_it_is_is_refused_for_the_same(project: Project) -> None:
    """4.342 with a declared point is no whole number; without it, it is four thousand."""
    first = part("Thủy Nguyên", "Ban Dân vận", english, ".")
    put_in(project, one([first, part("Thủy Nguyên", "Công an", english, ".", tips_received="4.342")]))
    assert [(f.rule, f.indicator) for f in remarks(read(project))] == [("unclear-number", COUNT)]
    [book] = copies(project).values()
    (project.returns(2023) / "phiếu.csv").unlink()
    book.save(project.returns(2023) / "phiếu - cần sửa.xlsx")
    reading = read(project)
    assert ("unclear-number", COUNT) in [(f.rule, f.indicator) for f in remarks(reading)]
    assert COUNT not in {o.indicator.code for o in reading.returns[0].observations}


def test_each_of_two_files_of_a_name_has_its_copy(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANVAN_ROOT", str(project.root))
    rows = [part("Thủy Nguyên", "Ban Dân vận", dvk_registered="4,342"), part("Thủy Nguyên", "Công an")]
    put_in(project, {"Thủy Nguyên.csv": one(rows)["phiếu.csv"]})
    shutil.copy(ROOT / "data" / "2023" / "returns" / "Thủy Nguyên.xlsx", project.returns(2023))
    change(project, put("guns", -1), "Thủy Nguyên.xlsx")
    assert main(["check", "2023"]) == 1
    folder = project.replies(2023) / "Huyện Thủy Nguyên"
    made = [coloured(openpyxl.load_workbook(path)) for path in folder.glob("*.xlsx")]
    assert sorted(str(value) for cells in made for value, colour, _ in cells if colour == RED) == ["-1", "4,342"]
    assert len(made) == 2
    letter = (folder / "Thư gửi Huyện Thủy Nguyên.md").read_text(encoding="utf-8").replace("\\", "")
    assert all(path.name in letter for path in folder.glob("*.xlsx"))


# --- in LibreOffice --------------------------------------------------------------------------------------------


@pytest.mark.long
def test_libreoffice_saves_each_sheet_as_a_csv(
    project: Project, tmp_path: Path, needs_tool: Callable[..., str]
) -> None:
    """Semicolons, UTF-8, one file a sheet; the numbers as they are stored, with a decimal point."""
    soffice = needs_tool("soffice", "libreoffice")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    kind = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false,false,false,-1"
    source = ROOT / "data" / "2023" / "returns" / "Thủy Nguyên.xlsx"
    command = [soffice, profile, "--headless", "--convert-to", kind, "--outdir", str(tmp_path / "csv"), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    for path in (tmp_path / "csv").iterdir():
        if "Hướng dẫn" not in path.name:
            shutil.copy(path, project.returns(2023))
    reading = read(project)
    [got] = reading.returns
    assert said(got) == said(of_workbook("Thủy Nguyên"))
    assert [(f.rule, f.indicator, f.found) for f in remarks(reading)] == [("oddly-typed", KG, "71.07")]
