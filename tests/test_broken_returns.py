"""What units really send: each line of the case list, and what a user would think of beside it, made for real.

Every case says all that must be found and all that may be lost; whatever it does not name must stay as it was, in the
broken return and in the other fifteen. tests/test_rules.py has a case for each rule, tests/unit for each module.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path

import mistune
import openpyxl
import pytest
from bs4 import BeautifulSoup
from corpus import (
    FIRST,
    Make,
    all_values,
    append,
    as_last_year,
    book,
    both,
    cell,
    comment,
    content,
    copy,
    file,
    form_id,
    hide,
    link,
    macros,
    many_rows,
    member,
    merge,
    second_value_column,
    transpose,
)
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from unit.test_legacy import misread, tcvn3, vni
from workbooks import (
    FILE,
    SHOWN,
    UNIT,
    Change,
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

from danvan import cli, runner
from danvan.catalogue import Catalogue, load_catalogue
from danvan.errors import ReturnsError, SettingsError
from danvan.intake import files, replies, year
from danvan.intake.findings import Cell, Finding
from danvan.intake.observations import Observation
from danvan.intake.year import Year
from danvan.measures import compute
from danvan.params import YearParams, load_params
from danvan.paths import Project

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "cases" / "broken_returns.csv"
READ = files.read
posix = pytest.mark.skipif(os.name == "nt", reason="names, links and pipes as POSIX has them")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no case changes is read once: the good returns, the params and the catalogue as committed."""
    remember_good_files(monkeypatch)
    monkeypatch.setattr(year, "load_params", lambda _, number: _params(number))
    monkeypatch.setattr(year, "load_catalogue", lambda _: _catalogue())


@cache
def _params(number: int) -> YearParams:
    return load_params(Project(ROOT), number)


@cache
def _catalogue() -> Catalogue:
    return load_catalogue(Project(ROOT))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "một" / "hai"  # room above for what would climb out of it
    for name in ("params", "data/reference", "data/2022", "data/2023"):
        shutil.copytree(ROOT / name, folder / name)
    return Project(folder)


@pytest.fixture(scope="module")
def good() -> Year:
    """The year as committed, with its three warnings."""
    return year.read_year(Project(ROOT), 2023)


@dataclass(frozen=True)
class Out:
    """What `build.py check` shows and writes: on the terminal, as JSON, in reports and data, part by part."""

    told: tuple[str, ...]
    texts: Mapping[str, str]

    def part(self, ending: str) -> str:
        return next((text for name, text in self.texts.items() if name.endswith(ending)), "")

    def inside(self, ending: str) -> dict[str, str]:
        """The parts of the file with this ending."""
        return {name.split("!")[1]: text for name, text in self.texts.items() if f"{ending}!" in name}

    @property
    def letter(self) -> str:
        return self.part(".md")

    @property
    def copy(self) -> dict[str, str]:
        return self.inside(".xlsx")

    @property
    def word(self) -> dict[str, str]:
        return self.inside(".docx")


Checked = Callable[[], Out]


@pytest.fixture
def checked(
    project: Project, good: Year, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Checked:
    """Runs the command on the project; what the other units were asked for is answered, so that they get no letter."""

    def run() -> Out:
        lines = [f"  - {{finding: {f.id}, office: Công an huyện, reason: Số đúng.}}" for f in good.findings]
        project.answers(2023).write_text("\n".join(("answers:", *lines, "")), encoding="utf-8")
        monkeypatch.setenv("DANVAN_ROOT", str(project.root))
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1702600000")
        found = project.root / "kiểm tra.json"
        assert cli.main(["check", "2023", "--json", str(found)]) in (0, 1)
        shown = capsys.readouterr()
        written = [found, project.received(2023), *(p for p in project.reports.rglob("*") if p.is_file())]
        texts = {"terminal": shown.out + shown.err, "names": "\n".join(map(str, written))}
        for path in written:
            if path.suffix in (".xlsx", ".docx"):
                texts |= {f"{path}!{name}": part.decode() for name, part in parts(path.read_bytes()).items()}
            else:
                texts[str(path)] = path.read_text(encoding="utf-8")
        told = [
            Finding(*(f[k] for k in ("rule", "severity")), Cell(f["file"], f["sheet"], f["cell"]), "", "", "")
            for f in json.loads(texts[str(found)])
        ]
        return Out(tuple(map(told_of, told)), texts)

    return run


# --- making files ----------------------------------------------------------------------------------------------


def compound(*streams: str) -> bytes:
    """An OLE file with streams of these names, as Excel writes a workbook with a password, or an .xls."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    fat = [0xFFFFFFFD, end]
    entries = [("Root Entry", 5, free, 1, end, 0)]
    for number, name in enumerate(streams, start=1):
        fat += [*range(len(fat) + 1, len(fat) + 8), end]
        entries.append((name, 2, number + 1 if number < len(streams) else free, free, len(fat) - 8, 4096))
    directory = b"".join(
        struct.pack(
            "<64sHBBIII36xIQ", name.encode("utf-16-le"), 2 * len(name) + 2, kind, 1, free, right, child, at, size
        )
        for name, kind, right, child, at, size in entries
    )
    head = struct.pack(
        "<8s16xHHHHH10xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        62,
        3,
        0xFFFE,
        9,
        6,
        1,
        1,
        0,
        4096,
        end,
        0,
        end,
        0,
        0,
    )
    table = struct.pack(f"<{len(fat)}I", *fat)
    sectors = (head.ljust(512, b"\xff"), table.ljust(512, b"\xff"), directory.ljust(512, b"\0"))
    return b"".join(sectors) + bytes(range(256)) * 16 * len(streams)


def parts(good: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def edited(name: str, old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """The workbook with other bytes in one of its parts."""

    def made(good: bytes) -> bytes:
        inside = parts(good)
        assert old in inside[name]
        return zipped({**inside, name: inside[name].replace(old, new, 1)})

    return made


def in_part(name: str, xml: bytes) -> Callable[[bytes], bytes]:
    """The workbook with another part of this content."""
    return lambda good: zipped({**parts(good), name: xml})


def million_rows(good: bytes) -> bytes:
    rows = b"".join(
        b'<row r="%d"><c r="A%d"><v>1</v></c><c r="B%d"><v>1</v></c></row>' % (n, n, n) for n in range(100, 1_048_100)
    )
    return edited("xl/worksheets/sheet2.xml", b"</sheetData>", rows + b"</sheetData>")(good)


def at_corner(value: object) -> Change:
    def how(workbook: openpyxl.Workbook) -> None:
        corner = workbook["Công an"]["XFD1048576"]
        corner.value, corner.number_format = value, "0.00"  # type: ignore[assignment]

    return how


def typed(value: object, form: str = "", code: str = "tips_received") -> Make:
    """Another entry in the value cell of an indicator."""
    return book(put(code, value, form=form))


def unit(name: str, of: str = FILE) -> Make:
    return book(on_both_sheets("Đơn vị", name), of)


def in_row(code: str, column: int, value: object) -> Change:
    def how(workbook: openpyxl.Workbook) -> None:
        sheet, row = place(workbook, code)
        sheet.cell(row, column).value = value  # type: ignore[assignment]

    return how


def old(text: str, font: str) -> Make:
    """The unit's name in an old encoding, in its font or without."""
    return both(*(book(cell("B4", text, sheet, font)) for sheet in FIRST))


def filtered(workbook: openpyxl.Workbook) -> None:
    sheet = workbook["Công an"]
    sheet.auto_filter.ref = "A10:I39"
    sheet.auto_filter.add_filter_column(2, ["tin"])
    for row in (19, 20, 21):
        sheet.row_dimensions[row].hidden = True


def head_of_two_rows(workbook: openpyxl.Workbook) -> None:
    """The heads merged over two rows, as many an office draws its tables."""
    sheet = workbook["Công an"]
    sheet.move_range("A11:I39", rows=1)
    for column in range(1, 10):
        sheet.merge_cells(start_row=10, end_row=11, start_column=column, end_column=column)


def columns_in_another_order(workbook: openpyxl.Workbook) -> None:
    for name in FIRST:
        sheet = workbook[name]
        for row in range(10, sheet.max_row + 1):
            values = [sheet.cell(row, column).value for column in range(1, 10)]
            for column, value in enumerate(reversed(values), start=1):
                sheet.cell(row, column).value = value


def rows_in_another_order(workbook: openpyxl.Workbook) -> None:
    sheet = workbook["Công an"]
    rows = [[(c.value, c.number_format) for c in row] for row in sheet.iter_rows(min_row=11)]
    for at, row in enumerate(reversed(rows), start=11):
        for column, (value, form) in enumerate(row, start=1):
            sheet.cell(at, column).value = value
            sheet.cell(at, column).number_format = form


def epoch_1904(workbook: openpyxl.Workbook) -> None:
    workbook.epoch = CALENDAR_MAC_1904
    put("tips_received", datetime(2023, 1, 1))(workbook)


def another_sheet(state: str) -> Change:
    def how(workbook: openpyxl.Workbook) -> None:
        sheet = workbook.create_sheet("Bản nháp")
        sheet.append(["guns", "Súng giao nộp", "khẩu", 99])
        sheet.sheet_state = state

    return how


def all_texts(form: Callable[[str], str]) -> Change:
    """Every text of the sheets of the return, and their names, in other letters."""

    def how(workbook: openpyxl.Workbook) -> None:
        for name in FIRST:
            for row in workbook[name].iter_rows():
                for one in row:
                    if isinstance(one.value, str):
                        one.value = form(one.value)
            workbook[name].title = form(name)

    return how


def author(name: str) -> Change:
    def how(workbook: openpyxl.Workbook) -> None:
        workbook.properties.creator = workbook.properties.lastModifiedBy = name

    return how


def csv_of(path: Path, *names: str, separator: str = ";", mark: str = ",", declared: bool = True) -> str:
    """The sheets of a return as a spreadsheet saves them as CSV, one after the other."""
    workbook = openpyxl.load_workbook(path)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    for name in names or FIRST:
        for row in workbook[name].iter_rows(values_only=True, max_col=9):
            writer.writerow("" if v is None else str(v).replace(".", mark) if isinstance(v, float) else v for v in row)
            if row[0] == "Tính chất số liệu" and declared:
                writer.writerow(["Dấu thập phân", mark])
    return out.getvalue()


def as_csv(edit: Callable[[str], str] = str, encoding: str = "utf-8-sig", **how: object) -> Make:
    def made(project: Project) -> None:
        text = edit(csv_of(file(project), **how))  # type: ignore[arg-type]
        file(project).unlink()
        (project.returns(2023) / "Hồng Bàng.csv").write_bytes(text.encode(encoding))

    return made


def two_csvs(project: Project) -> None:
    for name in FIRST:
        text = csv_of(file(project), name)
        (project.returns(2023) / f"Hồng Bàng - {name}.csv").write_text(text, encoding="utf-8-sig", newline="")
    file(project).unlink()


def csv_beside(project: Project) -> None:
    (project.returns(2023) / "Hồng Bàng.csv").write_text(csv_of(file(project)), encoding="utf-8-sig", newline="")


def open_document() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:  # its type is stored first and not compressed
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<a/>")
    return out.getvalue()


def fifo(project: Project) -> None:
    file(project).unlink()
    os.mkfifo(file(project))


def folder(project: Project) -> None:
    file(project).unlink()
    file(project).mkdir()


def hard_link(project: Project) -> None:
    os.link(file(project), project.root / "elsewhere.xlsx")


def last_years_file(project: Project) -> None:
    shutil.copy(project.returns(2022) / FILE, file(project))


def other_version(project: Project) -> None:
    copy("Phiếu sửa.xlsx")(project)
    change(project, put("guns", 3), "Phiếu sửa.xlsx")


def two_districts(project: Project) -> None:
    """The police of another district filled the second sheet."""
    change(project, head("Công an", "Đơn vị", "Quận Ngô Quyền"))
    change(project, head("Công an", "Mẫu phiếu", form_of(2023, "Ngô Quyền")))


def rich_text(good: bytes) -> bytes:
    return re_edited(
        rb'(<c r="D13"[^>]*?)(?: t="n")?><v>155</v></c>',
        rb'\1 t="inlineStr"><is><r><t>1</t></r><r><t>55</t></r></is></c>',
    )(good)


def re_edited(pattern: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """The workbook with other bytes in the sheet of the police."""

    def made(good: bytes) -> bytes:
        inside = parts(good)
        inside["xl/worksheets/sheet3.xml"], count = re.subn(pattern, new, inside["xl/worksheets/sheet3.xml"])
        assert count == 1
        return zipped(inside)

    return made


def stored(number: str) -> Make:
    """What stands in the file for the number of tips, as another program might write it."""
    return content(re_edited(rb'(<c r="D13"[^>]*>)<v>155</v>', rb"\1<v>" + number.encode() + b"</v>"))


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">%s]><sst>&k;</sst>' % b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(10)
)
XXE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><sst>&x;</sst>'
HTML = "<html><body><table><tr><td>Mã</td><td>155</td></tr></table></body></html>".encode()


# --- the cases -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """What is sent, and all that comes of it.

    `told`: what is found more than in the good year ("severity rule sheet!cell"). `found` is what the first of them
    says stands there ('': no matter), `says` what its reason or remedy names. `lost`: the values no longer there, by
    code or sheet; None: the whole return. `taken`: the values that are taken otherwise (None: not reported).
    """

    make: Make
    told: tuple[str, ...] = ()
    found: str = ""
    says: str = ""
    lost: tuple[str, ...] | None = ()
    taken: Mapping[str, object] = field(default_factory=dict)
    of: str = "Hồng Bàng"


def refused(make: Make, rule: str, found: str, says: str = "") -> Case:
    """A file that is refused as a whole before anything in it is read."""
    return Case(make, (f"error {rule}",), found, says, lost=None)


def heads(told: str, ref: str) -> tuple[str, str]:
    """The same of the head of both sheets."""
    return f"{told} Ban Dân vận!{ref}", f"{told} Công an!{ref}"


def bad_cell(make: Make, rule: str, found: str, says: str = "") -> Case:
    """A value of tips that is not taken."""
    return Case(make, (f"error {rule} Công an!D13",), found, says, lost=("tips_received",))


# What a quận counts in the sheet of the police.
COUNTED = tuple(
    i.code
    for i in _catalogue().reported
    if i.body == "catp" and i.kind != "boolean" and "district" in i.reporters and i.owed_where != "communes"
)
# What the checks against last year say of a sheet in which every number is 0 or 7.
SHRUNK = (
    ("stock-and-flow", "D35"),
    *(("change-on-last-year", ref) for ref in ("D11", "D13", "D14", "D22", "D25", "D35")),
)


LISTED: dict[str, Case] = {
    # files
    "B01": refused(content(lambda _: b""), "empty-file", "tệp rỗng (0 byte)"),
    "B03": refused(content(lambda good: good[:-40]), "damaged-file", "tệp bị cắt cụt hoặc hỏng"),
    "B05": refused(
        content(lambda _: compound("EncryptionInfo", "EncryptedPackage")),
        "password-protected",
        "tệp đặt mật khẩu",
        "không hỏi và không lưu mật khẩu",
    ),
    "B07": Case(content(macros, "Hồng Bàng.xlsm"), ("warning macros",), "vbaProject", "không được chạy"),
    "B09 .xlsx": refused(content(lambda _: HTML), "not-excel", "nội dung là trang web (HTML)", "không theo tên"),
    "B09 .xls": refused(content(lambda _: HTML, "Hồng Bàng.xls"), "not-excel", "nội dung là trang web (HTML)"),
    "B11 PDF": refused(content(lambda _: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "not-excel", "nội dung là PDF"),
    "B11 scan": refused(content(lambda _: b"\xff\xd8\xff\xe0\x00\x10JFIF"), "not-excel", "nội dung là ảnh JPEG"),
    "B13": refused(content(bomb), "zip-bomb", "phần “xl/worksheets/sheet1.xml” bung ra gấp hơn 100 lần"),
    "B15": refused(content(million_rows), "zip-bomb", "", "mở ra có thể làm treo máy"),
    "B17": refused(content(member("../../evil.txt")), "unsafe-file", "phần có tên không an toàn “../../evil.txt”"),
    "B19": refused(
        content(in_part("xl/sharedStrings.xml", LAUGHS)),
        "unsafe-file",
        "phần “xl/sharedStrings.xml” có khai báo DOCTYPE",
    ),
    "B21": refused(link, "not-a-file", "liên kết", "không mở liên kết"),
    "B23 open": Case(
        lambda p: (p.returns(2023) / f"~${FILE}").write_bytes(b"x"),
        ("warning open-in-excel",),
        f"~${FILE}",
        "chưa lưu xong",
    ),
    "B23 half-copied": Case(lambda p: file(p).rename(f"{file(p)}.part"), (), lost=None),
    # sheets, rows, columns
    "B27 both": Case(
        both(book(rename("Công an", "Sheet1")), book(rename("Ban Dân vận", "Sheet2"))),
        ("error unknown-sheets",),
        "Sheet2, Sheet1",
        "“Ban Dân vận” và “Công an”",
        lost=None,
    ),
    "B27 one": Case(
        book(rename("Công an", "Cong an")),
        ("warning extra-sheet Cong an!", "error missing-sheet"),
        "Cong an",
        "",
        lost=("Công an",),
    ),
    "B29 hidden": Case(book(hide("row")), ("warning hidden-rows Công an!dòng 21",), "dòng 21", "vẫn đọc"),
    "B29 filter": Case(book(filtered), ("warning hidden-rows Công an!dòng 19, 20, 21",), "dòng 19, 20, 21", "lọc"),
    "B31 space": Case(
        book(cell("D10", "Giá trị ")), ("warning column-spelling Công an!D10",), "Giá trị ", "đọc là “Giá trị”"
    ),
    "B31 line break": Case(
        book(cell("D10", "Giá\ntrị")), ("warning column-spelling Công an!D10",), "Giá trị", "đọc là “Giá trị”"
    ),
    "B31 misspelt": Case(
        book(cell("F10", "Tình trang")),
        ("error missing-column Công an!dòng 10",),
        "",
        "Có phải là “Tình trang”?",
        lost=("Công an",),
    ),
    "B31 misspelt value": Case(
        book(cell("D10", "Gía trị")),
        ("error missing-column Công an!dòng 10",),
        "",
        "Có phải là “Gía trị”?",
        lost=("Công an",),
    ),
    "B33 row": Case(
        book(delete("guns")), ("error missing-row Công an!",), "không thấy", "“Súng giao nộp” (mã guns)", lost=("guns",)
    ),
    "B33 column": Case(
        book(lambda wb: wb["Công an"].delete_cols(6)),
        ("error missing-column Công an!dòng 10",),
        "",
        "Tình trạng",
        lost=("Công an",),
    ),
    "B35": Case(
        book(on_both_sheets("Mẫu phiếu", form_of(2022, "Hồng Bàng"))),
        heads("error last-years-form", "B3"),
        form_of(2022, "Hồng Bàng"),
        "năm 2022, không phải năm 2023",
        lost=None,
    ),
    "B37": Case(
        book(append("Công an", None, None, None, 1234)),
        ("error row-without-code Công an!D40",),
        "1234",
        "dòng tổng cộng",
    ),
    "B39": Case(
        book(transpose),
        ("error transposed Công an!B10",),
        "các mã chỉ tiêu nằm trên dòng 10",
        "mỗi chỉ tiêu phải là một dòng",
        lost=("Công an",),
    ),
    # whose, when
    "B41": Case(lambda p: file(p).unlink(), (), lost=None),
    "B43": Case(copy("Phiếu.xlsx"), ("warning duplicate-copy",), f"giống hệt {SHOWN}", "chỉ lấy một"),
    "B45": Case(
        unit("Quận Thủy Nguyên", "Thủy Nguyên.xlsx"),
        heads("error unknown-unit", "B4"),
        "Quận Thủy Nguyên",
        "trong kỳ này là “Huyện Thủy Nguyên”",
        lost=None,
        of="Thủy Nguyên",
    ),
    "B47": Case(book(on_both_sheets("Năm", 2022)), heads("error wrong-year", "B6"), "2022", "phải là 2023", lost=None),
    "B49": Case(
        book(on_both_sheets("Kỳ số liệu", "01/01/2023 - 30/9/2023")),
        heads("warning partial-period", "B7"),
        "01/01/2023 - 30/9/2023",
        "mới đến 30/09/2023",
    ),
    # letters
    "B51": Case(
        unit("Huyện Thuỷ Nguyên", "Thủy Nguyên.xlsx"),
        heads("warning unit-spelling", "B4"),
        "Huyện Thuỷ Nguyên",
        "đọc là Huyện Thủy Nguyên",
        of="Thủy Nguyên",
    ),
    "B53 with font": Case(old(vni(UNIT), "VNI-Times"), heads("warning old-encoding", "B4"), "VNI: B4"),
    "B53 without": Case(old(vni(UNIT), ""), heads("warning old-encoding", "B4"), "VNI: B4"),
    "B55 UTF-16": refused(as_csv(encoding="utf-16"), "wrong-encoding", "CSV dùng mã UTF-16", "CSV UTF-8"),
    "B55 cp1258": refused(
        as_csv(lambda _: "Ma\u0303;Gia\u0301 tri\u0323\nguns;2\n", "cp1258"),
        "wrong-encoding",
        "CSV không dùng mã UTF-8 (dòng 1)",
    ),
    "B57 homoglyph": Case(
        unit("Quận \u041dồng Bàng"), heads("error unknown-unit", "B4"), "Quận \u041dồng Bàng", "U+041D", lost=None
    ),
    "B57 zero width": Case(
        unit("Quận Hồng\u200b Bàng"), heads("error unknown-unit", "B4"), "Quận Hồng<U+200B> Bàng", "U+200B", lost=None
    ),
    # values
    "B59 #REF!": bad_cell(typed("#REF!"), "error-cell", "#REF!", "lỗi công thức"),
    "B59 #DIV/0!": bad_cell(typed("#DIV/0!"), "error-cell", "#DIV/0!"),
    "B59 #N/A": bad_cell(typed("#N/A"), "error-cell", "#N/A"),
    "B61": Case(
        lambda p: cached(p, "=SUM(D14:D15)", "153"),
        ("warning stale-formula Công an!D13",),
        "=SUM(D14:D15) → 153; tính lại: 152",
        "đang lấy kết quả đã lưu",
        taken={"tips_received": 153},
    ),
    "B63 không": bad_cell(typed("không"), "unclear-number", "không", "“không phát sinh”, “không báo cáo”"),
    "B63 chưa có": bad_cell(typed("chưa có"), "unclear-number", "chưa có", "không rõ là số 0 hay không báo cáo"),
    "B63 x": bad_cell(typed("x"), "unclear-number", "x", "không rõ là số 0 hay không báo cáo"),
    "B63 nt": bad_cell(typed("nt"), "unclear-number", "nt", "không rõ là số 0 hay không báo cáo"),
    "B65 pair": bad_cell(typed("502/588"), "unclear-number", "502/588", "hai dòng chỉ tiêu riêng"),
    "B65 date": bad_cell(typed(datetime(2023, 11, 14)), "wrong-type", "2023-11-14 00:00:00", "14/15 thành ngày"),
    "B67 typed": bad_cell(typed("12,5"), "unclear-number", "12,5", "số nguyên"),
    "B67 number": bad_cell(typed(12.5), "fraction", "12,5", "số nguyên"),
    "B69": Case(
        both(typed(3965), typed(4342, code="tips_valuable")),
        (
            "error part-larger-than-whole Công an!D14",
            "warning change-on-last-year Công an!D13",
            "warning change-on-last-year Công an!D14",
            "warning ratio-on-last-year Công an!D14",
        ),
        "Tin có giá trị (D14) = 4342, Tin về an ninh trật tự (D13) = 3965",
        "là một phần của tin nhận được",
        taken={"tips_received": 3965, "tips_valuable": 4342},  # both stand there, but no report is made of them
    ),
    "B71 times": Case(
        typed(411_000, code="ammunition_rounds"),
        ("warning rounds-per-gun Công an!D22", "warning in-thousands Công an!D22"),
        "Đạn giao nộp (D22) = 411000, Súng giao nộp (D21) = 2",
        "trên năm trăm viên đạn một khẩu súng",
        taken={"ammunition_rounds": 411_000},
    ),
    "B71 divided": Case(
        typed(4, code="ammunition_rounds"),
        ("warning in-thousands Công an!D22",),
        "4; năm trước 424",
        "từ 100 lần trở lên",
        taken={"ammunition_rounds": 4},
    ),
    "B73 zeros": Case(
        book(all_values(0, body="Công an")),
        (
            "warning all-zeros Công an!",
            "warning change-on-last-year Công an!D19",
            *(f"warning {rule} Công an!{ref}" for rule, ref in SHRUNK),
        ),
        "27 số trong trang “Công an”",
        "Mọi số trong trang đều là 0",
        taken=dict.fromkeys(COUNTED, 0),
    ),
    "B73 equal": Case(
        book(all_values(7, body="Công an")),
        ("warning all-equal Công an!", *(f"warning {rule} Công an!{ref}" for rule, ref in SHRUNK)),
        "27 số trong trang “Công an”",
        "Mọi số trong trang đều bằng nhau",
        taken=dict.fromkeys(COUNTED, 7),
    ),
    "B75 true": bad_cell(typed(True), "wrong-type", "True", "giá trị đúng/sai"),
    "B75 date serial": bad_cell(typed(45291, form="dd/mm/yyyy"), "wrong-type", "2023-12-31 00:00:00", "ngày tháng"),
    "B75 1904": bad_cell(book(epoch_1904), "wrong-type", "2023-01-01 00:00:00", "ngày tháng"),
    "B77": bad_cell(typed(0.912, "0.0%"), "percent", "0,912", "tỷ lệ do chương trình tính"),
    "B79": Case(
        book(comment("sửa lại: 165")), ("warning cell-comment Công an!D13",), "sửa lại: 165", "chỉ số trong ô được lấy"
    ),
    # persons
    "B87": Case(
        book(cell("I13", "CCCD 099999999999")),
        ("error personal-data Công an!I13",),
        "CCCD 099*****9999",
        "số giấy tờ tùy thân",
        lost=None,
    ),
    "B89": Case(
        book(cell("I13", "ông Nguyễn Văn A báo")),
        ("warning person-name Công an!I13",),
        "ông N*** V*** A*** báo",
        "tên người",
    ),
}
# Where our verdict is another than that of the list, and why.
DIFFERENT = {
    "B23 open": "Excel leaves its lock file behind when it crashes, so the return is read and the lock is told",
    "B31 misspelt": "the list itself: warn if the head is unique but for spaces, else reject",
    "B31 misspelt value": "the same",
    "B41": "an error that --allow-incomplete lifts: the explicit approval that the list asks for",
    "B77": "a return never holds a percentage, so in a cell of one nothing but a mistake can stand",
}


def test_every_line_of_the_list_is_answered() -> None:
    with LIST.open(encoding="utf-8", newline="") as lines:
        verdicts = {line["id"]: line["verdict"] for line in csv.DictReader(lines)}
    assert len(verdicts) == 46
    own = {name.split("_")[1].upper() for name in globals() if re.match(r"test_b\d\d_", name)}
    assert {key.split()[0] for key in LISTED} | own == verdicts.keys()
    for key, case in LISTED.items():
        ours = "reject" if case.lost is None or any(told.startswith("error") for told in case.told) else "warn"
        assert (ours != verdicts[key.split()[0]]) == (key in DIFFERENT), key


OTHERS: dict[str, Case] = {
    # files
    "half a file": refused(content(lambda good: good[: len(good) // 2]), "damaged-file", "tệp bị cắt cụt hoặc hỏng"),
    "a return in a zip": refused(
        content(lambda good: zipped({"Hồng Bàng.xlsx": good})),
        "not-excel",
        "nội dung là tệp nén, không phải Excel",
        "Giải nén",
    ),
    "sizes that lie": refused(content(lambda good: liar(good)), "damaged-file", "tệp bị cắt cụt hoặc hỏng"),
    "an old .xls": refused(
        content(lambda _: compound("Workbook"), "Hồng Bàng.xls"),
        "old-excel",
        "nội dung là Excel đời cũ (.xls)",
        ".xlsx",
    ),
    "an .ods": refused(
        content(lambda _: open_document(), "Hồng Bàng.ods"), "old-excel", "nội dung là bảng tính OpenDocument (.ods)"
    ),
    "a Word document": refused(
        content(lambda _: zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})),
        "not-excel",
        "nội dung là văn bản Word (.docx)",
    ),
    "a CSV called .xlsx": refused(
        lambda p: file(p).write_text(csv_of(file(p)), encoding="utf-8"),
        "not-excel",
        "nội dung là văn bản (CSV)",
        ".csv",
    ),
    "a workbook called .csv": refused(
        content(lambda good: zipped(parts(good)), "Hồng Bàng.csv"), "not-excel", "nội dung là Excel (.xlsx)", "Đổi đuôi"
    ),
    "10,001 rows": refused(content(many_rows), "too-many-cells", "một trang có quá 10.000 dòng"),
    "a format in the last corner": Case(book(at_corner(None))),
    "a number in the last corner": Case(
        book(at_corner(7)), ("warning outside-table Công an!XFD1048576",), "7", "không được đọc"
    ),
    "an external entity": refused(
        content(in_part("xl/sharedStrings.xml", XXE)), "unsafe-file", "phần “xl/sharedStrings.xml” có khai báo DOCTYPE"
    ),
    "everything merged": refused(
        content(
            edited(
                "xl/worksheets/sheet3.xml",
                b"</sheetData>",
                b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>',
            )
        ),
        "too-many-cells",
        "vùng gộp ô, liên kết, bảng, ghi chú và công thức phủ quá 5.000 ô",
    ),
    "a hard link": Case(hard_link),
    "a pipe": refused(fifo, "not-a-file", "tệp đặc biệt của hệ thống"),
    "a folder": refused(folder, "not-a-file", "thư mục"),
    "capitals in the ending": Case(lambda p: file(p).rename(file(p).with_name("Hồng Bàng.XLSX"))),
    "a name in decomposed letters": Case(
        lambda p: file(p).rename(file(p).with_name("Ho\u0302\u0300ng Ba\u0300ng.xlsx"))
    ),
    # sheets, rows, columns
    "a hidden sheet of the return": Case(book(hide("sheet")), ("warning hidden-sheet Công an!",), "Công an", "vẫn đọc"),
    "a draft in a hidden sheet": Case(
        book(another_sheet("hidden")), ("warning hidden-sheet Bản nháp!",), "Bản nháp", "không đọc"
    ),
    "a draft in a very hidden sheet": Case(
        book(another_sheet("veryHidden")), ("warning hidden-sheet Bản nháp!",), "Bản nháp", "không đọc"
    ),
    "a draft in a sheet": Case(
        book(another_sheet("visible")), ("warning extra-sheet Bản nháp!",), "Bản nháp", "không đọc"
    ),
    "heads of two rows": Case(book(head_of_two_rows)),
    "two values merged": Case(
        book(merge),
        ("error merged-cells Công an!D13:D14",),
        "155",
        "không rõ số thuộc dòng, cột nào",
        lost=("tips_received", "tips_valuable"),
    ),
    "a number beside the table": Case(
        book(cell("K13", 160)), ("warning outside-table Công an!K13",), "160", "không được đọc"
    ),
    "a column of values twice": Case(
        book(second_value_column), ("error column-twice Công an!J10",), "Giá trị", "D và J", lost=("Công an",)
    ),
    "columns in another order": Case(book(columns_in_another_order)),
    "rows in another order": Case(book(rows_in_another_order)),
    "a total with words for a code": Case(
        book(append("Công an", "Tổng cộng", None, None, 999)),
        ("error unknown-indicator Công an!A40",),
        "Tổng cộng",
        "Không có mã chỉ tiêu “Tổng cộng”",
    ),
    "an indicator in both sheets": Case(
        book(append("Ban Dân vận", "guns", "Súng giao nộp", "khẩu", 7)),
        ("error unknown-indicator Ban Dân vận!A16",),
        "guns",
        "thuộc trang “Công an”",
    ),
    "an indicator twice, with other values": Case(
        book(append("Công an", "guns", "Súng giao nộp", "khẩu", 7)),
        ("error indicator-twice Công an!D40",),
        "7; ở D21: 2",
        "với số khác",
    ),
    "an indicator twice, with the same value": Case(
        book(append("Công an", "guns", "Súng giao nộp", "khẩu", 2)),
        ("error indicator-twice Công an!D40",),
        "2; ở D21: 2",
        "Chỉ tiêu đã có ở D21.",
    ),
    "a note below": Case(book(append("Công an", None, "Số liệu đã đối chiếu với Đội Xây dựng phong trào."))),
    "a note below that says another number": Case(
        book(append("Công an", None, "Súng giao nộp: 12 khẩu.")),
        ("warning note-says-otherwise Công an!B40",),
        "2; lời ghi: Súng giao nộp: 12 khẩu.",
        "“Súng giao nộp”",
    ),
    "another measure": Case(
        book(cell("C19", "tấn")),
        ("error measure-changed Công an!C19",),
        "tấn",
        "khác danh mục (kg)",
        lost=("fireworks_kg",),
    ),
    # whose, when
    "two districts in one file": Case(
        two_districts,
        ("error two-units",),
        "Quận Hồng Bàng và Quận Ngô Quyền",
        "Mỗi phiếu chỉ của một đơn vị",
        lost=None,
    ),
    "another district's name on the file": Case(
        lambda p: file(p).rename(file(p).with_name("Phiếu Ngo Quyen (1).xlsx")),
        ("warning file-name",),
        "Phiếu Ngo Quyen (1).xlsx",
        "lấy theo trong phiếu",
    ),
    "the form of another district": Case(
        book(on_both_sheets("Mẫu phiếu", form_of(2023, "Lê Chân"))),
        heads("error form-of-another-unit", "B3"),
        form_of(2023, "Lê Chân"),
        "phát cho Quận Lê Chân",
        lost=None,
    ),
    "the form of another catalogue": Case(
        book(on_both_sheets("Mẫu phiếu", form_id(2))),
        heads("warning form-of-another-catalogue", "B3"),
        form_id(2),
        "Danh mục chỉ tiêu đã đổi",
    ),
    "last year's file": Case(
        last_years_file,
        (
            "error last-years-form Ban Dân vận!B3",
            "error wrong-year Ban Dân vận!B6",
            "error wrong-period Ban Dân vận!B7",
            "error last-years-form Công an!B3",
            "error wrong-year Công an!B6",
            "error wrong-period Công an!B7",
        ),
        form_of(2022, "Hồng Bàng"),
        "năm 2022",
        lost=None,
    ),
    "last year's numbers": Case(
        as_last_year,
        ("error identical-to-last-year Công an!", "warning stock-and-flow Công an!D35"),
        "27 số trong trang “Công an”",
        "có thể là phiếu năm trước gửi lại",
        taken={
            **{"police_articles": 20, "tips_received": 147, "tips_valuable": 131, "cases_solved": 11},
            **{"fireworks_kg": Decimal("30.33"), "ammunition_rounds": 424, "callup_target": 15, "callup_done": 15},
            **{
                "petitions_received": 46,
                "petitions_in_authority": 12,
                "model_ward_police": 1,
                "police_models_active": 25,
            },
        },
    ),
    "the last quarter": Case(
        book(on_both_sheets("Kỳ số liệu", "01/10/2023 - 31/12/2023")),
        heads("error wrong-period", "B7"),
        "01/10/2023 - 31/12/2023",
        "phải là 01/01/2023 - 31/12/2023",
        lost=None,
    ),
    "no period": Case(
        book(on_both_sheets("Kỳ số liệu", None)),
        heads("error wrong-period", "A7"),
        "",
        "phải là 01/01/2023 - 31/12/2023",
        lost=None,
    ),
    "two versions": Case(
        other_version, ("error duplicate-return",), f"{UNIT} đã có ở {SHOWN}; khác ở D21", "Giữ phiếu đúng"
    ),
    "the city's offices": Case(
        lambda p: (p.returns(2023) / "Khối thành phố.xlsx").unlink(), (), lost=None, of="Khối thành phố"
    ),
    "a district of another city": Case(
        unit("Quận Ba Đình"), heads("error unknown-unit", "B4"), "Quận Ba Đình", "không có đơn vị", lost=None
    ),
    "a name without its tones": Case(
        unit("Quan Hong Bang"),
        heads("error unknown-unit", "B4"),
        "Quan Hong Bang",
        "Có phải là “Quận Hồng Bàng”?",
        lost=None,
    ),
    # letters
    "decomposed letters": Case(book(all_texts(lambda text: unicodedata.normalize("NFD", text)))),
    "TCVN3 in its font": Case(old(tcvn3(UNIT), ".VnTime"), heads("warning old-encoding", "B4"), "TCVN3: B4", "TCVN3"),
    "TCVN3 without its font": Case(old(tcvn3(UNIT), ""), heads("warning old-encoding", "B4"), "TCVN3: B4", "TCVN3"),
    "UTF-8 misread": Case(old(misread(UNIT), ""), heads("warning old-encoding", "B4"), "UTF-8 đọc nhầm: B4"),
    "a look-alike in a code": Case(
        book(in_row("guns", 1, "gun\u0455")),
        ("error unknown-indicator Công an!A21", "error missing-row Công an!"),
        "gun\u0455",
        "U+0455",
        lost=("guns",),
    ),
    "a zero width in a code": Case(
        book(in_row("guns", 1, "gu\u200bns")),
        ("error unknown-indicator Công an!A21", "error missing-row Công an!"),
        "gu<U+200B>ns",
        "U+200B",
        lost=("guns",),
    ),
    "a zero width in a status": Case(
        book(put("guns", None, status="không báo cáo\u200b")),
        ("error unknown-word Công an!F21",),
        "không báo cáo<U+200B>",
        "U+200B",
        lost=("guns",),
    ),
    "a letter that was lost": Case(
        unit("Quận H\ufffdng Bàng"), heads("error unknown-unit", "B4"), "Quận H\ufffdng Bàng", "U+FFFD", lost=None
    ),
    "an Icelandic Đ": Case(
        unit("Quận \u00d0ồ Sơn", "Đồ Sơn.xlsx"),
        heads("error unknown-unit", "B4"),
        "Quận \u00d0ồ Sơn",
        "U+00D0",
        lost=None,
        of="Đồ Sơn",
    ),
    "a no-break space": Case(unit("Quận\u00a0Hồng Bàng")),
    # values
    **{f"{error}": bad_cell(typed(error), "error-cell", error) for error in ("#NAME?", "#VALUE!", "#NUM!", "#NULL!")},
    "a formula not yet calculated": bad_cell(
        typed("=100+55"), "formula-without-value", "=100+55", "dán lại dưới dạng giá trị"
    ),
    "a formula that fits": Case(
        lambda p: cached(p, "=100+55", "155"), ("warning formula Công an!D13",), "=100+55 → 155", "đã tính lại, khớp"
    ),
    "a formula of another file": bad_cell(
        lambda p: cached(p, "=[1]Sheet1!A1", "155"),
        "formula-from-elsewhere",
        "=[1]Sheet1!A1",
        "không bao giờ được chạy",
    ),
    "a link as a formula": bad_cell(
        lambda p: cached(p, '=HYPERLINK("http://x.example","155")', "155"),
        "formula-from-elsewhere",
        '=HYPERLINK("http://x.example","155")',
    ),
    "a program as a formula": bad_cell(
        lambda p: cached(p, "=cmd|'/c calc'!A1", "155"), "formula-from-elsewhere", "=cmd|'/c calc'!A1"
    ),
    "an error as a formula's result": bad_cell(lambda p: cached(p, "=D12/0", "#DIV/0!"), "error-cell", "#DIV/0!"),
    "false": bad_cell(typed(False), "wrong-type", "False", "giá trị đúng/sai"),
    "a time": bad_cell(typed(time(14, 15)), "wrong-type", "14:15:00", ""),
    "in thousands on the screen": bad_cell(
        typed(155_000, "#,##0,"), "hidden-format", "155000 (định dạng #,##0,)", "chia số cho nghìn"
    ),
    "in millions on the screen": bad_cell(
        typed(155_000_000, "0.0,,"), "hidden-format", "155000000 (định dạng 0.0,,)", "chia số cho nghìn"
    ),
    "nothing on the screen": bad_cell(typed(155, ";;;"), "hidden-format", "155 (định dạng ;;;)", "giấu số"),
    "another number on the screen": bad_cell(
        typed(155, '"511"'), "hidden-format", '155 (định dạng "511")', "thêm chữ vào số"
    ),
    "digits before the number on the screen": bad_cell(
        typed(155, '"1"0'), "hidden-format", '155 (định dạng "1"0)', "thêm chữ vào số"
    ),
    "a colour and a measure on the screen": Case(typed(155, '[Blue]#,##0" tin"')),
    # The number is the office's own and stands in its cell; who sees an empty cell there sees it filled in the report.
    "white on white": Case(book(lambda wb: setattr(wb["Công an"]["D13"], "font", Font(color="FFFFFF")))),
    "a comment that tells another number": Case(
        book(comment("số đúng: 165")), ("warning cell-comment Công an!D13",), "số đúng: 165"
    ),
    "a template": bad_cell(typed("{{7*7}}"), "unclear-number", "{{7*7}}", "Không đọc được"),
    "a picture in Markdown": bad_cell(
        typed("![x](http://x.example/a.png)"), "unclear-number", "![x](http://x.example/a.png)"
    ),
    "a script": bad_cell(typed("<script>alert(1)</script>"), "unclear-number", "<script>alert(1)</script>"),
    "a negative": bad_cell(typed(-5), "negative", "-5", "không thể âm"),
    "a true minus": bad_cell(typed("\u22125"), "unclear-number", "\u22125", "là số âm"),
    "the English thousand": bad_cell(typed("4,342"), "unclear-number", "4,342", "hai cách đọc"),
    "the Vietnamese thousand": Case(
        typed("1.550"),
        ("warning change-on-last-year Công an!D13", "warning ratio-on-last-year Công an!D14"),
        taken={"tips_received": 1550},
    ),
    "a thousand that became a fraction": bad_cell(typed(4.342), "fraction", "4,342", "số nguyên"),
    "a weight with three decimals": Case(
        typed(4.342, code="fireworks_kg"),
        ("error fraction Công an!D19",),
        "4,342",
        "2 chữ số thập phân",
        lost=("fireworks_kg",),
    ),
    "a weight with its measure": Case(
        typed("28,55 kg", code="fireworks_kg"), ("warning oddly-typed Công an!D19",), "28,55 kg", "Đọc được là 28,55 "
    ),
    "a weight shown rounded": Case(
        typed(28.55, "0", code="fireworks_kg"),
        ("warning shown-rounded Công an!D19",),
        "28,55 (hiện ra 29)",
        "lấy số lưu trong ô",
    ),
    "a word for a magnitude": bad_cell(typed("2 triệu"), "unclear-number", "2 triệu", "2000000"),
    "about": bad_cell(typed("hơn 150"), "unclear-number", "hơn 150", "Mức chính xác"),
    "a range": bad_cell(typed("150-160"), "unclear-number", "150-160", "một khoảng"),
    "a letter l for 1": bad_cell(typed("l55"), "unclear-number", "l55", "Không đọc được"),
    "an exponent": bad_cell(typed("1e3"), "unclear-number", "1e3"),
    "wide digits": Case(typed("１５５"), ("warning oddly-typed Công an!D13",), "１５５", "chữ số viết rộng"),
    "a number as a text": Case(typed("155")),
    "a number in pieces of rich text": Case(content(rich_text)),
    "a space alone": bad_cell(typed(" "), "blank", "(dấu cách)", "chọn tình trạng"),
    "nothing": bad_cell(typed(None), "blank", "(trống)", "không báo cáo"),
    "a number beside “không báo cáo”": bad_cell(
        book(put("tips_received", 155, status="không báo cáo")), "value-and-status", "155 và “không báo cáo”"
    ),
    "not reported": Case(
        book(put("tips_received", None, status="không báo cáo")),
        ("warning not-reported Công an!D13",),
        "không báo cáo",
        "",
        taken={"tips_received": None},
    ),
    "no number": refused(stored("NaN"), "unsafe-file", "phần “xl/worksheets/sheet3.xml” có số ghi khác mọi bảng tính"),
    # CSV
    "a CSV": Case(as_csv()),
    "a CSV without a mark": Case(as_csv(encoding="utf-8")),
    "a CSV with commas": Case(as_csv(separator=",")),
    "a CSV with tabs": Case(as_csv(separator="\t")),
    "a CSV with decimal points, declared": Case(as_csv(separator=",", mark=".")),
    "a CSV with decimal commas, undeclared": Case(as_csv(declared=False)),
    "a CSV with decimal points, undeclared": Case(
        as_csv(mark=".", declared=False),
        ("warning oddly-typed Công an!D34", "warning oddly-typed Công an!D35"),
        "28.55",
        "Đọc được là 28,55 ",
    ),
    "a CSV with a line break in a note": Case(both(book(cell("I13", "đã đối chiếu\nvới Đội")), as_csv())),
    "a CSV with a thousand that has two readings": Case(
        as_csv(lambda text: text.replace(";155;", ";4,342;"), declared=False),
        ("error unclear-number Công an!D28",),
        "4,342",
        "hai cách đọc",
        lost=("tips_received",),
    ),
    "a CSV that declares points and writes commas": Case(
        as_csv(lambda text: text.replace("Dấu thập phân;,", "Dấu thập phân;.")),
        ("error unclear-number Công an!D36", "error unclear-number Công an!D37"),
        "28,55",
        "trái với dấu thập phân mà tệp đã khai (dấu chấm)",
        lost=("fireworks_kg", "explosives_kg"),
    ),
    "a CSV with a formula": Case(
        as_csv(lambda text: text.replace(";155;", ";=cmd|'/c calc'!A1;")),
        ("error unclear-number Công an!D30",),
        "=cmd|'/c calc'!A1",
        "là công thức",
        lost=("tips_received",),
    ),
    "a CSV that names its separator": Case(
        as_csv(lambda text: f"sep=;\r\n{text}"), ("warning extra-sheet phần 1!",), "phần 1", "không đọc"
    ),
    "a CSV of one sheet": Case(
        both(two_csvs, lambda p: (p.returns(2023) / "Hồng Bàng - Công an.csv").unlink()),
        ("error missing-sheet",),
        "chỉ có Ban Dân vận",
        "Thiếu trang “Công an”",
        lost=("Công an",),
    ),
    "a CSV for each sheet": Case(two_csvs),
    "a CSV beside the workbook": Case(
        csv_beside, ("error duplicate-return",), f"{UNIT} đã có ở data/2023/returns/Hồng Bàng.csv", "Giữ phiếu đúng"
    ),
    "a CSV that is no form": refused(content(lambda _: b"a;b\n1;2\n", "Hồng Bàng.csv"), "not-a-form", "CSV có 3 dòng"),
}


def told_of(finding: Finding) -> str:
    where = f" {finding.cell.sheet}!{finding.cell.ref}" if finding.cell.sheet or finding.cell.ref else ""
    return f"{finding.severity} {finding.rule}{where}"


def is_told_in_sentences(text: str) -> bool:
    """Each begins large, ends with its mark, and has a space before the next; what is quoted may be anything."""
    bare = re.sub(r"“[^”]*”|data/\S+(?=\.)", "“”", text)
    starts = re.findall(r"[?!] (\w)", bare)
    whole = (bare[:1].isupper() or bare[:1] == "“") and bare[-1:] in (".", "?", "!")
    return whole and not re.search(r"[^\W\d_][.?!][^\W\d_]", bare) and not any(map(str.islower, starts))


def says(observation: Observation) -> tuple[object, ...]:
    return observation.value, observation.status, observation.bound


def on_disk(folder: Path) -> dict[str, bytes]:
    """All files but those of the cache."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path): path.read_bytes() for path in files if ".cache" not in path.parts}


CASES = LISTED | OTHERS


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.sampled(8)
def test_what_comes_of_it(case: Case, project: Project, good: Year) -> None:
    case.make(project)
    before = on_disk(project.root.parent.parent)
    got = year.read_year(project, 2023)
    assert on_disk(project.root.parent.parent) == before  # nothing is changed, nothing unpacked

    # Told is this, and only this, each with what to do.
    new = [f for f in got.findings if f not in good.findings]
    missing = ("error missing-return",) if case.lost is None else ()
    assert sorted(map(told_of, new)) == sorted((*case.told, *missing))
    for one in new:
        for text in (one.reason, one.remedy):
            assert is_told_in_sentences(text), text
    if case.told:
        first = next(f for f in new if told_of(f) == case.told[0])
        assert case.found in ("", first.found)
        assert case.says in f"{first.reason} {first.remedy}"
        assert first.cell.file.startswith("data/2023/returns/")

    # An error stops the report, a warning does not, a return that lacks may be allowed.
    if any(f.severity == "error" for f in new):
        with pytest.raises(ReturnsError) as stopped:
            got.require_sound(allow_incomplete=False)
        assert stopped.value.exit_code == 1
    if not any(told.startswith("error") for told in case.told):
        got.require_sound(allow_incomplete=True)

    # Nothing else is lost or read otherwise.
    returns, expected = ({r.unit.name: r for r in one.returns} for one in (got, good))
    whole = expected.pop(case.of)
    its = returns.pop(case.of, None)
    assert returns == expected
    assert [unit.name for unit in got.missing] == ([case.of] if case.lost is None else [])
    assert (its is None) == (case.lost is None)
    if its is not None and case.lost is not None:
        stays = {
            o.indicator.code: says(o)
            for o in whole.observations
            if o.indicator.code not in case.lost and o.cell.sheet not in case.lost
        }
        assert {code: says(o) for code, o in its.by_code.items() if code not in case.taken} == {
            code: said for code, said in stays.items() if code not in case.taken
        }
        assert {code: its.by_code[code].value for code in case.taken} == case.taken


# --- what a table of cases cannot say --------------------------------------------------------------------------


def test_b23_a_file_that_grows_while_it_is_read(project: Project, good: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = os.open

    def growing(path: Path, flags: int, *mode: int) -> int:
        opened = opening(path, flags, *mode)
        if Path(path).name == FILE:
            with file(project).open("ab") as more:
                more.write(b"x")
        return opened

    monkeypatch.setattr(files, "read", READ)
    monkeypatch.setattr(os, "open", growing)
    only_hong_bang_is_missing(year.read_year(project, 2023), good, "still-being-written", "tệp thay đổi trong lúc đọc")


@posix
def test_b25_a_file_that_may_not_be_read(project: Project, good: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    file(project).chmod(0)
    if os.access(file(project), os.R_OK):  # the superuser may read everything
        opening = os.open

        def denied(path: Path, flags: int, *mode: int) -> int:
            if Path(path).name == FILE:
                raise PermissionError(13, "Permission denied")
            return opening(path, flags, *mode)

        monkeypatch.setattr(files, "read", READ)
        monkeypatch.setattr(os, "open", denied)
    only_hong_bang_is_missing(year.read_year(project, 2023), good, "not-readable", "không có quyền đọc")


def test_b25_a_file_that_vanishes_between_two_looks(project: Project, good: Year) -> None:
    def vanish(*_: int) -> None:
        file(project).unlink(missing_ok=True)

    got = year.read_year(project, 2023, progress=vanish)
    only_hong_bang_is_missing(got, good, "not-readable", "tệp không còn ở đó")


def only_hong_bang_is_missing(got: Year, good: Year, rule: str, found: str) -> None:
    new = [f for f in got.findings if f not in good.findings]
    assert [(f.severity, f.rule, f.unit) for f in new] == [("error", rule, UNIT), ("error", "missing-return", UNIT)]
    assert (new[0].cell.file, new[0].found) == (SHOWN, found)
    assert is_told_in_sentences(new[0].reason)
    assert is_told_in_sentences(new[0].remedy)
    assert got.returns == tuple(r for r in good.returns if r.file != SHOWN)
    with pytest.raises(ReturnsError):
        got.require_sound(allow_incomplete=True)


def test_b41_totals_without_a_unit_say_so(project: Project) -> None:
    file(project).unlink()
    got = year.read_year(project, 2023)
    with pytest.raises(ReturnsError):
        got.require_sound(allow_incomplete=False)
    got.require_sound(allow_incomplete=True)
    total = compute(got)["tips_received", "total"]
    assert (total.reported, total.owed, total.complete) == (14, 15, False)


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> ![x](http://x.example/a.png) {{ 7*7 }} =cmd|'/c calc'!A1"
)


@pytest.mark.parametrize(
    "make",
    [
        typed(HOSTILE),
        typed(f"={HOSTILE}"),
        book(comment(HOSTILE)),
        book(put("tips_received", None, status=HOSTILE)),
        book(append("Công an", HOSTILE, None, None, 7)),
        book(lambda wb: wb.create_sheet("<img src=x onerror=1> {{ 7-7 }}").append([1])),
        book(cell("D10", "Giá trị " + "\n" * 3)),
        both(typed(HOSTILE), lambda p: file(p).rename(file(p).with_name("<img src=x onerror=alert(1)> HB.xlsx"))),
    ],
    ids=["a value", "a formula", "a comment", "a status", "a code", "a sheet", "a head", "a file"],
)
@pytest.mark.sampled(4)
def test_b81_what_attacks_stays_text(make: Make, project: Project, checked: Checked) -> None:
    make(project)
    out = checked()
    page = BeautifulSoup(out.part("board.html"), "html.parser")
    assert not page.select("script, img, link, iframe, object, embed, form, base, svg, [src], [style]")
    assert not [name for tag in page.find_all() for name in tag.attrs if name.startswith("on")]
    letter = BeautifulSoup(
        str(mistune.create_markdown(escape=False, plugins=["table", "url"])(out.letter)), "html.parser"
    )
    assert {tag.name for tag in letter.find_all()} <= {
        *("table", "thead", "tbody", "tr", "th", "td", "p", "em", "strong", "h2", "ul", "li")
    }
    assert "{{" not in out.letter
    assert not re.search(r"<w:(hyperlink|fldSimple|drawing|pict|object|altChunk)\b", out.word["word/document.xml"])
    assert not [name for name, text in out.word.items() if 'TargetMode="External"' in text]
    nothing_is_live(out.copy)


def nothing_is_live(copy: Mapping[str, str]) -> None:
    """Only the parts of a plain workbook, and in them no formula and no name; what looks like one is a text."""
    assert {re.sub(r"\d+", "", name) for name in copy} <= {
        *("[Content_Types].xml", "_rels/.rels", "docProps/app.xml", "docProps/core.xml", "xl/workbook.xml"),
        *("xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml", "xl/styles.xml", "xl/theme/theme.xml"),
        *("xl/worksheets/sheet.xml", "xl/worksheets/_rels/sheet.xml.rels", "xl/comments/comment.xml"),
        *("xl/drawings/commentsDrawing.vml",),
    }
    for name, text in copy.items():
        assert not re.search(r"<f[ />]|<definedName[ >]|<externalReference|<oleObject|TargetMode", text), name


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            '"year=1;import os;x": 1',
            "params/2023.yaml, dòng {}: không có khóa “year=1;import os;x”. Hãy sửa tên hoặc bỏ.",
        ),
        ("__import__('os').system('id'): 1", "params/2023.yaml, dòng {}: không có khóa"),
        ("titel: A", "params/2023.yaml, dòng {}: không có khóa “titel”."),
        ("theme: B", "params/2023.yaml, dòng {}: khóa “theme” viết hai lần. Hãy bỏ một."),
        ("remarks: !!python/object/apply:os.system ['id']", "params/2023.yaml, dòng {}: "),
    ],
)
def test_b83_a_key_is_no_place_for_code(line: str, sentence: str, project: Project) -> None:
    path = project.params(2023)
    text = path.read_text(encoding="utf-8").rstrip("\n")
    path.write_text(f"{text}\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_params(project, 2023)
    assert str(refused.value).startswith(sentence.format(text.count("\n") + 2))


def test_b83_nor_is_a_parameter_of_the_notebook(tmp_path: Path) -> None:
    notebook = ROOT / "notebooks" / "annual_report.ipynb"
    for name in ("year=1;import os;x", "year = 1\nimport os", "yaer"):
        with pytest.raises(SettingsError, match="không có tham số"):
            runner.run(notebook, {name: 1}, tmp_path / "out.ipynb", shown="sổ", own={})
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize(
    ("key", "old", "new", "sentence"),
    [
        ("leaders_per_unit", "1", "no", "“leaders_per_unit” là 'no'; cần số nguyên."),
        ("leaders_per_unit", "1", "010", "“leaders_per_unit” là '010'; cần số nguyên."),
        ("leaders_per_unit", "1", "12:30", "“leaders_per_unit” là '12:30'; cần số nguyên."),
        ("leaders_per_unit", "1", "true", "“leaders_per_unit” là True; cần số nguyên."),
        ("leaders_per_unit", "1", "1_0", "“leaders_per_unit” là '1_0'; cần số nguyên."),
        ("year", "2023", "02023", "“year” là '02023'; cần số nguyên."),
        ("returns_due", "2023-12-20", "20/12/2023", "“returns_due” là '20/12/2023'; cần ngày"),
        ("returns_due", "2023-12-20", "2023-02-30", "không có ngày 2023-02-30"),
        ("hotline", '"818.131.131"', "818", "“hotline” là 818; cần chữ."),
    ],
)
def test_b85_no_setting_is_turned_into_another(key: str, old: str, new: str, sentence: str, project: Project) -> None:
    path = project.params(2023)
    lines = path.read_text(encoding="utf-8").split("\n")
    number = next(n for n, line in enumerate(lines) if line.startswith(f"{key}: {old}"))
    lines[number] = lines[number].replace(old, new)
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_params(project, 2023)
    assert f"params/2023.yaml, dòng {number + 1}: " in str(refused.value)
    assert sentence in str(refused.value)


def test_b85_words_that_yaml_would_turn_stay_words(project: Project) -> None:
    path = project.params(2023)
    path.write_text(re.sub(r"(?m)^theme: .*$", "theme: no", path.read_text(encoding="utf-8")), encoding="utf-8")
    assert load_params(project, 2023).theme == "no"


def test_b91_what_the_file_says_of_its_makers_stays_in_it(project: Project, checked: Checked) -> None:
    """Author, manager, company, template and path: an extra sheet makes a copy and a letter of it."""
    made = both(
        book(lambda wb: wb.create_sheet("Sổ").append([1])),
        book(author("Nguyễn Văn Khoắng")),
        book(
            lambda wb: setattr(wb.properties, "description", "Đánh máy: Trần Thị Khoắng, C:\\Users\\khoang\\phiếu.xlsx")
        ),
        content(
            edited(
                "docProps/app.xml",
                b"</Properties>",
                "<Manager>Lê Khoắng</Manager><Company>Công ty Khoắng</Company></Properties>".encode(),
            )
        ),
        content(
            edited(
                "xl/workbook.xml", b"<sheets>", b'<x15ac:absPath xmlns:x15ac="x" url="C:\\Users\\khoang\\"/><sheets>'
            )
        ),
        content(in_part("docProps/custom.xml", "<a>Phòng Khoắng</a>".encode())),
        content(in_part("xl/printerSettings/printerSettings1.bin", "HP của Khoắng".encode("utf-16-le"))),
    )
    made(project)
    out = checked()
    assert "warning person-name" in out.told
    for name, text in out.texts.items():
        assert not re.search("khoắng|khoang", text.casefold()), name
    assert re.search(r"<dc:creator[^>]*>danvan</dc:creator>", out.copy["docProps/core.xml"])


# --- persons ---------------------------------------------------------------------------------------------------


def in_note(text: object) -> Make:
    return book(cell("I13", text))


def result_in_note(project: Project) -> None:
    """A formula whose result, not whose text, is a number of a person."""
    change(project, cell("I13", "=A1&B1"))
    content(
        re_edited(
            rb'(<c r="I13"[^>]*?)><f>([^<]*)</f><v\s*(?:/>|></v>)', rb'\1 t="str"><f>\2</f><v>CCCD 031097001234</v>'
        )
    )(project)


def in_validation(workbook: openpyxl.Workbook) -> None:
    validation = DataValidation(type="list", formula1='"0912345678,0"', prompt="Gọi 0912345678", showInputMessage=True)
    workbook["Công an"].add_data_validation(validation)
    validation.add("D13")


def in_footer(workbook: openpyxl.Workbook) -> None:
    workbook["Công an"].oddFooter.center.text = "Người lập: 0912345678"


def in_link(workbook: openpyxl.Workbook) -> None:
    sheet = workbook["Công an"]
    sheet["I13"] = "xem"
    sheet["I13"].hyperlink = Hyperlink(ref="I13", target="tel:0912345678", tooltip="0912345678")


PHONE, CCCD, CMND = "0912345678", "031097001234", "162234567"
PERSONS: dict[str, tuple[Make, str, str, str]] = {
    # where: (how it gets there, its digits, what is told, where)
    "a phone number in a note": (in_note("liên hệ 0912 345 678"), PHONE, "error personal-data", "Công an!I13"),
    "in wide digits": (in_note("０９１２３４５６７８"), "０９１２３４５６７８", "error personal-data", "Công an!I13"),
    "with a zero width inside": (in_note("09123\u200b45678"), PHONE, "error personal-data", "Công an!I13"),
    "a CCCD in a note": (in_note(f"CCCD {CCCD}"), CCCD, "error personal-data", "Công an!I13"),
    "a CMND in a note": (in_note(f"CMND số {CMND}"), CMND, "error personal-data", "Công an!I13"),
    "a CCCD stored as a number": (in_note(31097001234), "31097001234", "error personal-data", "Công an!I13"),
    "a CCCD in the cell of a value": (typed(31097001234), "31097001234", "error personal-data", "Công an!D13"),
    "a CCCD typed in the cell of a value": (typed(CCCD), CCCD, "error personal-data", "Công an!D13"),
    "a CCCD in the cell of a status": (
        book(put("tips_received", None, status=CCCD)),
        CCCD,
        "error personal-data",
        "Công an!F13",
    ),
    "a CCCD for a code": (book(append("Công an", CCCD, None, None, 1)), CCCD, "error personal-data", "Công an!A40"),
    "a CCCD for a unit": (unit(CCCD), CCCD, "error personal-data", "Công an!B4"),
    "a phone number in a comment": (book(comment(f"hỏi {PHONE}")), PHONE, "error personal-data", "Công an!D13"),
    "in a sheet of its own": (
        book(lambda wb: wb.create_sheet("Sổ").append(["x", PHONE])),
        PHONE,
        "error personal-data",
        "Sổ!B1",
    ),
    "in a very hidden sheet": (
        book(lambda wb: (wb.create_sheet("Sổ").append(["x", PHONE]), setattr(wb["Sổ"], "sheet_state", "veryHidden"))),
        PHONE,
        "error personal-data",
        "Sổ!B1",
    ),
    "in the instructions": (book(cell("A60", PHONE, "Hướng dẫn")), PHONE, "error personal-data", "Hướng dẫn!A60"),
    "far from the table": (book(cell("ZZ900", PHONE)), PHONE, "error personal-data", "Công an!ZZ900"),
    "in the name of a sheet": (
        book(lambda wb: wb.create_sheet(f"ĐT {PHONE}").append([1])),
        PHONE,
        "error personal-data",
        "ĐT 091****678!",
    ),
    "in the name of the file": (
        lambda p: file(p).rename(file(p).with_name(f"Hồng Bàng {PHONE}.xlsx")),
        PHONE,
        "error personal-data",
        "",
    ),
    "in a text of a formula": (in_note(f'=CONCATENATE("{PHONE}")'), PHONE, "error personal-data", "Công an!I13"),
    "as the result of a formula": (result_in_note, CCCD, "error personal-data", "Công an!I13"),
    "in a CSV": (as_csv(lambda text: text.replace(";155;", f";{CCCD};")), CCCD, "error personal-data", "Công an!D30"),
    "a column of names": (
        both(book(cell("J10", "Họ và tên")), book(cell("J11", "Lê Văn Khoắng"))),
        "Khoắng",
        "error personal-columns",
        "Công an!J10",
    ),
    "a column of names without tones": (
        both(book(cell("J10", "Ho va ten")), book(cell("J11", "x"))),
        "",
        "error personal-columns",
        "Công an!J10",
    ),
    "a column of days of birth": (
        both(book(cell("J10", "Ngày sinh")), book(cell("J11", datetime(1990, 5, 17)))),
        "1990-05-17",
        "error personal-columns",
        "Công an!J10",
    ),
    "a name in a note": (in_note("ông Nguyễn Văn Khoắng báo"), "Khoắng", "warning person-name", "Công an!I13"),
    "a name in capitals": (in_note("NGUYỄN VĂN KHOẮNG"), "KHOẮNG", "warning person-name", "Công an!I13"),
    "a name in a comment": (book(comment("hỏi bà Trần Thị Khoắng")), "Khoắng", "warning person-name", "Công an!D13"),
    "a name of a sheet": (
        book(lambda wb: wb.create_sheet("ông Lê Văn Khoắng").append([1])),
        "Khoắng",
        "warning person-name",
        "ông L*** V*** K***!",
    ),
    "a name of the file": (
        lambda p: file(p).rename(file(p).with_name("Hồng Bàng (ông Lê Văn Khoắng).xlsx")),
        "Khoắng",
        "warning person-name",
        "",
    ),
    "the author's name": (book(author("Lê Văn Khoắng")), "Khoắng", "warning person-name", ""),
}


@pytest.mark.parametrize("where", PERSONS)
@pytest.mark.sampled(6)
def test_data_about_a_person_goes_nowhere(where: str, project: Project, good: Year, checked: Checked) -> None:
    make, secret, told, place_of_it = PERSONS[where]
    make(project)
    out = checked()
    assert f"{told} {place_of_it}".rstrip() in out.told
    if told.startswith("error"):
        got = year.read_year(project, 2023)
        assert UNIT in {unit.full_name for unit in got.missing}
        assert {r.unit.name for r in got.returns} == {r.unit.name for r in good.returns} - {"Hồng Bàng"}
    assert len(out.texts) > 20
    assert out.letter
    for name, text in out.texts.items() if secret else ():
        bare = re.sub(r"[\s.\-()\u200b│┃|\\]+", "", text)
        assert secret not in text, name
        assert secret not in bare, name


@pytest.mark.parametrize("how", [in_validation, in_footer, in_link], ids=["a choice", "a footer", "a link"])
def test_what_is_not_read_is_not_copied(how: Change, project: Project, checked: Checked) -> None:
    """A phone number where no figure can stand neither is found nor goes anywhere."""
    change(project, how)
    change(project, put("guns", "x"))
    out = checked()
    assert "error unclear-number Công an!D21" in out.told
    assert out.copy
    assert [name for name, text in out.texts.items() if PHONE in text] == []


# --- names of files, and whose a file is -----------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"H\xe1\xbb\x93ng B\xc3\xa0ng\n2.xlsx", "Hồng Bàng 2.xlsx"),
        ("Hồng Bàng\u202exslx.xlsx".encode(), "Hồng Bàng<U+202E>xslx.xlsx"),
        ("Hồng\u200b Bàng.xlsx".encode(), "Hồng<U+200B> Bàng.xlsx"),
        (b"H\xe1\xbb\x93ng B\xc3\xa0ng \xff\xfe.xlsx", "Hồng Bàng <U+DCFF><U+DCFE>.xlsx"),
        ("Hồng Bàng\x1b[31m.xlsx".encode(), "Hồng Bàng<U+001B>[31m.xlsx"),
        ('Hồng "Bàng"; rm -rf $HOME &.xlsx'.encode(), 'Hồng "Bàng"; rm -rf $HOME &.xlsx'),
    ],
    ids=["a new line", "right to left", "zero width", "no UTF-8", "a terminal's code", "a shell's signs"],
)
@pytest.mark.sampled(3)
def test_a_file_of_an_odd_name(name: bytes, shown: str, project: Project, checked: Checked) -> None:
    """It is read, told by a name that can be shown, and replied to."""
    typed("x", code="guns")(project)
    file(project).rename(file(project).with_name(os.fsdecode(name)))
    out = checked()
    assert out.told.count("error unclear-number Công an!D21") == 1
    assert f"data/2023/returns/{shown}" in out.part("kiểm tra.json").replace('\\"', '"')
    for text in ("".join(out.texts[name] for name in out.texts if not name.endswith("names")), out.letter):
        assert not re.search("[\u202e\u200b\x1b\ud800-\udfff]", text)
    assert shown in out.part("received.csv").replace('""', '"')
    assert shown in BeautifulSoup(out.part("board.html"), "html.parser").get_text()
    assert out.copy


@pytest.mark.parametrize("name", ["Hồng Bàng 0912345678.xlsx", "Hồng\u200b Bàng.xlsx"])
def test_what_is_written_can_be_written_on_windows(name: str, project: Project, checked: Checked) -> None:
    typed("x", code="guns")(project)
    file(project).rename(file(project).with_name(name))
    out = checked()
    for path in out.texts["names"].splitlines():
        assert not re.search(r'[<>:"|?*]', path.removeprefix(str(project.root))), path


@pytest.mark.parametrize(
    "make",
    [
        unit("Quận Hồng Bang"),
        both(book(rename("Công an", "Sheet1")), book(rename("Ban Dân vận", "Sheet2"))),
        both(*(book(lambda wb, name=name: wb[name].delete_rows(4)) for name in FIRST)),
        two_districts,
    ],
    ids=["its name misspelt inside", "its sheets renamed", "no name inside", "two names inside"],
)
@pytest.mark.sampled(2)
def test_a_file_that_only_its_name_says_whose_it_is(make: Make, project: Project, checked: Checked) -> None:
    """“Hồng Bàng.xlsx” came: the letter to Hồng Bàng says what is wrong with it, and not that nothing came."""
    make(project)
    out = checked()
    assert "Đến nay chưa nhận được" not in out.letter
    assert "Hồng Bàng\\.xlsx" in out.letter
    assert out.copy


# --- numbers and words that are not what they seem --------------------------------------------------------------


def hong_bang(project: Project) -> tuple[list[Finding], dict[str, Observation]]:
    """What is found in the return of Hồng Bàng, and what is taken of it."""
    got = year.read_year(project, 2023)
    [its] = [r.by_code for r in got.returns if r.unit.name == "Hồng Bàng"] or [{}]
    return [f for f in got.findings if f.cell.file == SHOWN], its


@pytest.mark.parametrize("number", ["1e29", "1e999", "-1e999", "123456789012345678901234567890"])
def test_a_number_beyond_all(number: str, project: Project) -> None:
    stored(number)(project)
    found, taken = hong_bang(project)
    assert [f.severity for f in found] == ["error"]
    assert "tips_received" not in taken


@pytest.mark.parametrize("number", ["1_56", "١٥٦"])
def test_a_number_as_no_spreadsheet_stores_it(number: str, project: Project) -> None:
    stored(number)(project)
    found, taken = hong_bang(project)
    assert "error" in [f.severity for f in found]
    assert "tips_received" not in taken


def test_codes_that_do_not_go_with_their_names(project: Project) -> None:
    """Somebody sorted one column: the rows of two indicators of the same measure have one another's code."""
    both(book(cell("A16", "fugitives_surrendered")), book(cell("A17", "fugitives_arrested")))(project)
    found, taken = hong_bang(project)
    assert {f.severity for f in found} == {"error"}
    assert taken.keys().isdisjoint({"fugitives_surrendered", "fugitives_arrested"})


def test_a_long_text_leaves_room_for_the_reason(project: Project) -> None:
    typed("đã đối chiếu với Đội " * 30)(project)
    [found], taken = hong_bang(project)
    assert told_of(found) == "error unclear-number Công an!D13"
    assert "tips_received" not in taken
    assert is_told_in_sentences(found.reason)


@pytest.mark.parametrize("form", ["[<1000]0;0,", "[=0]0;;"])
def test_a_format_that_shows_large_numbers_otherwise(form: str, project: Project) -> None:
    typed(1550, form)(project)
    found, taken = hong_bang(project)
    assert "error hidden-format Công an!D13" in map(told_of, found)
    assert "tips_received" not in taken


# --- annotated copies ------------------------------------------------------------------------------------------

RED, YELLOW = "00FFC7CE", "00FFE699"


def linked_and_live(good: bytes) -> bytes:
    """Formulas of every kind in good cells, a link to another file, macros, a picture and an author."""
    inside = parts(book_bytes(good, _formulas))
    inside["xl/vbaProject.bin"] = b"macro"
    inside["xl/externalLinks/externalLink1.xml"] = (
        b'<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    )
    inside["xl/media/image1.png"] = b"\x89PNG\r\n\x1a\n"
    inside["xl/connections.xml"] = b'<connections xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    return zipped(inside)


def book_bytes(good: bytes, how: Change) -> bytes:
    workbook, out = openpyxl.load_workbook(io.BytesIO(good)), io.BytesIO()
    how(workbook)
    workbook.save(out)
    return out.getvalue()


def _formulas(workbook: openpyxl.Workbook) -> None:
    sheet = workbook["Công an"]
    for ref, formula in {
        "D13": "=100+55",
        "D14": "=[1]Sheet1!A1",
        "D15": "=cmd|'/c calc'!A1",
        "D16": '=HYPERLINK("http://x.example","4")',
        "D17": '=WEBSERVICE("http://x.example")',
        "I18": "=D13&D14",
        "H19": "+1+1",
        "I20": "@SUM(1)",
        "I21": "-2+3",
    }.items():
        sheet[ref] = formula
    sheet["D22"].hyperlink = "http://x.example"
    workbook.properties.creator = "danvan của ai"


def mixed_comment(workbook: openpyxl.Workbook) -> None:
    sheet = workbook["Công an"]
    sheet["D13"].comment = Comment("bà Trần Thị Khoắng bảo: 165", "Lê Văn Khoắng")
    sheet["A30"].comment = Comment("<b>đậm</b> =1+1", "Lê Văn Khoắng")


def missing_row(project: Project) -> None:
    change(project, delete("guns"))


COPIES: dict[str, Make] = {
    "numbers": both(
        typed("4,342"),
        typed(0.912, "0.0%", "tips_valuable"),
        typed(-5, code="guns"),
        typed(12.5, code="callup_target"),
        typed(datetime(2023, 11, 14), code="callup_done"),
        typed(True, code="petitions_received"),
        typed("x", code="plan_signed"),
    ),
    "texts that attack": both(
        typed(HOSTILE), typed(HOSTILE, code="guns"), in_note("-2+3 @SUM(1)"), in_note("=1+1 là 12 tin")
    ),
    "formulas, links, macros": content(linked_and_live, "Hồng Bàng.xlsm"),
    "comments": book(mixed_comment),
    "another head": book(
        lambda wb: [
            head("Công an", label, value)(wb)
            for label, value in (
                ("Năm", 2022),
                ("Kỳ số liệu", "Quý IV"),
                ("Tính chất số liệu", "Thật"),
                ("Mẫu phiếu", form_of(2022, "Hồng Bàng")),
            )
        ]
    ),
    "merged cells": book(merge),
    "rows of their own": both(
        book(append("Công an", None, "Tổng cộng", None, 1234)),
        book(append("Công an", "Cộng", None, None, 99)),
        book(append("Công an", "guns", "Súng", "khẩu", 7)),
    ),
    "hidden": both(book(hide("row")), book(hide("column")), book(hide("sheet"))),
    "heads of columns": both(book(cell("D10", "Giá  trị\n")), book(cell("F10", "Tình trang"))),
    "old letters": both(old(tcvn3(UNIT), ".VnTime"), book(cell("F39", vni("không phát sinh"), "Công an", "VNI-Times"))),
    "a person": both(in_note(f"CCCD {CCCD}, ông Lê Văn Khoắng"), book(comment(f"hỏi {PHONE}"))),
    "words": both(
        book(put("tips_received", None, "hơn", "chưa có")),
        book(put("guns", 0, "khoảng")),
        typed(None, code="callup_done"),
    ),
    "a number beside the table": both(book(cell("K13", 160)), typed(155_000, "#,##0,"), book(cell("C19", "tấn"))),
}


@pytest.mark.parametrize("what", COPIES)
@pytest.mark.sampled(7)
def test_an_annotated_copy(what: str, project: Project) -> None:
    """It says all that was found, in the cells and on its first sheet, and nothing in it is live."""
    COPIES[what](project)
    path, found, copy_of_it = annotated(project)
    before = path.read_bytes()
    inside = {name: part.decode() for name, part in parts(copy_of_it).items()}
    nothing_is_live(inside)
    assert path.read_bytes() == before
    assert re.search(r"<dc:creator[^>]*>danvan</dc:creator>", inside["docProps/core.xml"])
    everything = "".join(inside.values())
    for secret in ("Khoắng", PHONE, CCCD, "danvan của ai"):
        assert secret not in everything
    authors = {name for text in inside.values() for name in re.findall(r"<author>([^<]*)</author>", text)}
    assert authors <= {"danvan", "đơn vị"}

    workbook = openpyxl.load_workbook(io.BytesIO(copy_of_it))
    first = workbook.worksheets[0]
    assert (first.title, first.sheet_state) == ("Cần sửa", "visible")
    lines = [tuple(str(text or "") for text in row) for row in first.iter_rows(values_only=True)]
    listed = {(line[1], line[2], line[3], *line[5:8]) for line in lines}
    for f in found:
        level = {"error": "phải sửa", "warning": "chờ giải trình"}[f.severity]
        assert (level, f.cell.sheet, f.cell.ref, f.found, f.reason, f.remedy) in listed
        if re.fullmatch(r"[A-Z]+\d+", f.cell.ref):
            marked = workbook[f.cell.sheet][f.cell.ref]
            assert marked.fill.fgColor.rgb == "00FFC7CE" or (f.severity, marked.fill.fgColor.rgb) == (
                "warning",
                "00FFE699",
            )
            assert marked.comment is not None
            assert f"{f.reason} {f.remedy}" in marked.comment.text
    assert str(lines[0][0]).startswith("Những điểm cần sửa trong phiếu năm 2023")


@pytest.mark.parametrize("what", COPIES)
@pytest.mark.sampled(7)
def test_a_copy_that_was_mended_is_a_good_return(what: str, project: Project, good: Year) -> None:
    """The office puts the good values back where it was told to, and sends the copy; all else in it stays."""
    COPIES[what](project)
    path, found, copy_of_it = annotated(project)
    workbook = openpyxl.load_workbook(io.BytesIO(copy_of_it))
    right = openpyxl.load_workbook(ROOT / "data" / "2023" / "returns" / FILE)
    for f in found:
        mend(f, workbook, right)
    path.unlink()
    workbook.save(file(project))
    got = year.read_year(project, 2023)
    assert [told_of(f) for f in got.findings if f not in good.findings] == []
    its, whole = (
        {o.indicator.code: says(o) for r in one.returns if r.unit.name == "Hồng Bàng" for o in r.observations}
        for one in (got, good)
    )
    assert its == whole


def test_no_text_of_a_copy_becomes_a_formula_when_it_is_edited(project: Project) -> None:
    """Excel takes a text that begins so for a formula, unless it is marked as a text."""
    both(typed("=1+1 là 2"), typed("+5 tin", code="guns"), in_note("-2+3"))(project)
    content(lambda good: book_bytes(good, _formulas))(project)
    _, found, copy_of_it = annotated(project)
    texts = [
        one
        for sheet in openpyxl.load_workbook(io.BytesIO(copy_of_it)).worksheets
        for row in sheet.iter_rows()
        for one in row
        if str(one.value).startswith(("=", "+", "-", "@"))
    ]
    assert len(texts) > len(found) > 5
    assert [f"{one.parent.title}!{one.coordinate}" for one in texts if not one.quotePrefix] == []


def annotated(project: Project) -> tuple[Path, list[Finding], bytes]:
    """The file that was sent, what was found in it, and the copy with that."""
    [path] = [path for path in project.returns(2023).iterdir() if path.name.startswith("Hồng Bàng")]
    got = year.read_year(project, 2023)
    found = [f for f in got.findings if f.cell.file == project.relative(path)]
    assert found
    made = replies.annotated(path, found, got.params, got.catalogue)
    assert made is not None
    return path, found, made


def mend(finding: Finding, workbook: openpyxl.Workbook, right: openpyxl.Workbook) -> None:
    """Do what a finding asks for: put back what should stand in the row that it names, and show what is hidden."""
    if not finding.cell.sheet:
        return
    sheet, ref = workbook[finding.cell.sheet], finding.cell.ref
    if finding.rule == "hidden-sheet":
        sheet.sheet_state = "visible"
    elif finding.rule == "hidden-rows":
        sheet.row_dimensions[int(ref.split()[1])].hidden = False
    elif finding.rule == "hidden-columns":
        sheet.column_dimensions[ref.split()[1]].hidden = False
    elif finding.rule == "merged-cells":
        sheet.unmerge_cells(ref)
    for row in {int(number) for number in re.findall(r"(?<![A-Z ])\d+|(?<=[A-Z])\d+|(?<=dòng )\d+", ref)}:
        for column in range(1, 12):
            one, good = sheet.cell(row, column), right[finding.cell.sheet].cell(row, column)
            one.value, one.number_format = good.value, good.number_format
