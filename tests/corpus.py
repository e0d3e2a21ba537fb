"""What users send: a way to bring about each rule, made for real in a copy of the returns of 2023.

`CASES` has at least one case a rule; tests/test_rules.py tries them all, and docs/rules.md quotes what came of each
rule's first.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import openpyxl
from openpyxl.comments import Comment
from openpyxl.styles import Font
from workbooks import (
    FILE,
    Change,
    append,
    bomb,
    cached,
    change,
    delete,
    form_of,
    head,
    on_both_sheets,
    place,
    put,
    rename,
    zipped,
)

from danvan.intake import layout
from danvan.paths import Project

Make = Callable[[Project], object]
FIRST = ("Ban Dân vận", "Công an")


@dataclass(frozen=True)
class Case:
    """`make` breaks the return of Hồng Bàng in `project`; then `rule` speaks of `place` (sheet, cell)."""

    rule: str
    make: Make
    place: tuple[str, str] | None = ("", "")  # None: not looked at
    kept: int | None = None  # how many observations stay; None: the whole return is refused
    unit: str = "Quận Hồng Bàng"
    of: str = "Hồng Bàng"  # the unit whose return it is


def file(project: Project) -> Path:
    return project.returns(2023) / FILE


def book(how: Change, name: str = FILE) -> Make:
    return lambda project: change(project, how, name)


def content(make: Callable[[bytes], bytes], name: str = FILE) -> Make:
    """Other bytes instead of the good ones, perhaps under another name."""

    def broken(project: Project) -> None:
        good = file(project).read_bytes()
        file(project).unlink()
        (project.returns(2023) / name).write_bytes(make(good))

    return broken


def both(*makes: Make) -> Make:
    def all_of_them(project: Project) -> None:
        for make in makes:
            make(project)

    return all_of_them


def copy(name: str) -> Make:
    return lambda project: shutil.copy(file(project), file(project).with_name(name))


def cell(ref: str, value: object, sheet: str = "Công an", font: str = "") -> Change:
    def how(workbook: openpyxl.Workbook) -> None:
        workbook[sheet][ref] = value
        if font:
            workbook[sheet][ref].font = Font(name=font)

    return how


def link(project: Project) -> None:
    aside = project.root / "elsewhere.xlsx"
    file(project).rename(aside)
    file(project).symlink_to(aside)


def comment(text: str) -> Change:
    def how(workbook: openpyxl.Workbook) -> None:
        sheet, row = place(workbook, "tips_received")
        sheet.cell(row, 4).comment = Comment(text, "Văn thư")

    return how


def hide(what: str) -> Change:
    def how(workbook: openpyxl.Workbook) -> None:
        sheet, row = place(workbook, "guns")
        if what == "row":
            sheet.row_dimensions[row].hidden = True
        elif what == "column":
            sheet.column_dimensions["D"].hidden = True
        else:
            sheet.sheet_state = "hidden"

    return how


def merge(workbook: openpyxl.Workbook) -> None:
    workbook["Công an"].merge_cells("D13:D14")


def transpose(workbook: openpyxl.Workbook) -> None:
    sheet = workbook["Công an"]
    rows = [[c.value for c in row] for row in sheet.iter_rows(min_row=10)]
    sheet.delete_rows(10, sheet.max_row)
    for column in zip(*rows, strict=True):
        sheet.append(column)


def second_value_column(workbook: openpyxl.Workbook) -> None:
    workbook["Công an"]["J10"] = "Giá trị"


def all_values(value: object, *, body: str = "Ban Dân vận") -> Change:
    def how(workbook: openpyxl.Workbook) -> None:
        sheet = workbook[body]
        for row in range(11, sheet.max_row + 1):
            if sheet.cell(row, 4).value not in ("Có", "Không"):
                sheet.cell(row, 4).value, sheet.cell(row, 5).value, sheet.cell(row, 6).value = value, None, None  # type: ignore[assignment]

    return how


def as_last_year(project: Project) -> None:
    last = openpyxl.load_workbook(project.returns(2022) / FILE)["Công an"]
    entries = {row[0].value: [c.value for c in row[3:6]] for row in last.iter_rows(min_row=11, max_col=6)}

    def how(workbook: openpyxl.Workbook) -> None:
        for code, values in entries.items():
            put(str(code), *values)(workbook)

    change(project, how)


def csv_parts(project: Project, *, mark: str = ",", encoding: str = "utf-8-sig", separator: str = ";") -> None:
    """The return saved as CSV, both parts in one file, as a Vietnamese Excel does it."""
    workbook = openpyxl.load_workbook(file(project))
    lines = []
    for name in FIRST:
        for row in workbook[name].iter_rows(values_only=True):
            texts = ["" if v is None else str(v).replace(".", ",") if isinstance(v, float) else str(v) for v in row[:9]]
            lines.append(separator.join(f'"{t}"' if separator in t or "\n" in t else t for t in texts))
            if row[0] == "Tính chất số liệu" and mark:
                lines.append(separator.join(["Dấu thập phân", f'"{mark}"', *[""] * 7]))
    file(project).unlink()
    path = project.returns(2023) / "Hồng Bàng.csv"
    path.write_bytes("\r\n".join(lines).encode(encoding))


def stated(project: Project) -> None:
    path = project.stated(2023)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:1], "guns,,70,Báo cáo nhanh,trang 2,,"]) + "\n", encoding="utf-8")


def stale_answer(project: Project) -> None:
    text = "answers:\n  - {finding: abcdefg, office: Công an quận Hồng Bàng, reason: Đã kiểm tra lại}\n"
    project.answers(2023).write_text(text, encoding="utf-8")


def lowered_threshold(project: Project) -> None:
    path = project.params(2023)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("least_persons: 5", "least_persons: 3"), encoding="utf-8")


def macros(good: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped({**members, "xl/vbaProject.bin": b"macro"})


def member(name: str) -> Callable[[bytes], bytes]:
    def made(good: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(good)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        return zipped({**members, name: b"evil"})

    return made


def many_rows(good: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    start, end = members["xl/worksheets/sheet2.xml"].split(b"</sheetData>")
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(100, 20_000))
    return zipped({**members, "xl/worksheets/sheet2.xml": start + rows + b"</sheetData>" + end})


def form_id(layout_number: int) -> str:
    """The id of a form of another layout or catalogue."""
    return str(layout.FormId(layout_number, 2023, "HP-303", "abcdefgh"))


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
PASSWORD = OLE + "EncryptedPackage".encode("utf-16-le")
TIPS, GUNS = ("Công an", "D13"), ("Công an", "D21")

CASES: tuple[Case, ...] = (
    # files
    Case("not-a-file", link),
    Case("empty-file", content(lambda _: b"")),
    Case("too-large", content(lambda good: good + bytes(11_000_000))),
    Case("password-protected", content(lambda _: PASSWORD)),
    Case("old-excel", content(lambda _: OLE + "Workbook".encode("utf-16-le"))),
    Case("not-excel", content(lambda _: b"<html><table><tr><td>155</td></tr></table>")),
    Case("damaged-file", content(lambda good: good[:-40])),
    Case("zip-bomb", content(bomb)),
    Case("too-many-cells", content(many_rows)),
    Case("unsafe-file", content(member("../../evil.txt"))),
    Case("wrong-encoding", content(lambda _: "Mã;Giá trị\nguns;3\n".encode("utf-16"), "Hồng Bàng.csv")),
    Case("not-a-form", content(lambda _: b"a;b\n1;2\n", "Hồng Bàng.csv")),
    Case("macros", content(macros), kept=34),
    Case("open-in-excel", lambda p: (p.returns(2023) / f"~${FILE}").write_bytes(b"x"), kept=34),
    # persons
    Case("personal-data", book(cell("I13", "CCCD 031099001234")), ("Công an", "I13")),
    Case("personal-columns", both(book(cell("J10", "Họ và tên")), book(cell("J11", "x"))), ("Công an", "J10")),
    Case("person-name", book(cell("I13", "theo ông Nguyễn Văn A")), ("Công an", "I13"), kept=34),
    # whose, when
    Case("missing-return", lambda p: file(p).unlink()),
    Case(
        "duplicate-return",
        lambda p: (
            shutil.copy(file(p), file(p).with_name("Phiếu sửa.xlsx")),
            change(p, put("guns", 3), "Phiếu sửa.xlsx"),
        ),
        None,
        kept=34,
    ),
    Case("duplicate-copy", copy("Hồng Bàng (2).xlsx"), None, kept=34),
    Case("unknown-unit", book(on_both_sheets("Đơn vị", "Quận Hoàng Mai")), ("Ban Dân vận", "B4")),
    Case(
        "two-units",
        both(
            book(head("Công an", "Đơn vị", "Quận Ngô Quyền")),
            book(head("Công an", "Mẫu phiếu", form_of(2023, "Ngô Quyền"))),
        ),
    ),
    Case("wrong-form", book(on_both_sheets("Mẫu phiếu", "DV2-2023-HP-303")), ("Ban Dân vận", "B3")),
    Case(
        "wrong-layout",
        book(on_both_sheets("Mẫu phiếu", str(layout.FormId(1, 2023, "HP-303", "abcdefgh")))),
        ("Ban Dân vận", "B3"),
    ),
    Case("last-years-form", book(on_both_sheets("Mẫu phiếu", form_of(2022, "Hồng Bàng"))), ("Ban Dân vận", "B3")),
    Case("form-of-another-unit", book(on_both_sheets("Mẫu phiếu", form_of(2023, "Lê Chân"))), ("Ban Dân vận", "B3")),
    Case("wrong-year", book(on_both_sheets("Năm", 2022)), ("Ban Dân vận", "B6")),
    Case("wrong-period", book(on_both_sheets("Kỳ số liệu", "01/7/2023 - 31/12/2023")), ("Ban Dân vận", "B7")),
    Case("unknown-nature", book(on_both_sheets("Tính chất số liệu", "Thật")), ("Ban Dân vận", "B8")),
    Case("unit-spelling", book(on_both_sheets("Đơn vị", "Q. Hồng Bàng")), ("Ban Dân vận", "B4"), kept=34),
    Case("file-name", lambda p: file(p).rename(file(p).with_name("Ngo Quyen (1).xlsx")), None, kept=34),
    Case(
        "form-of-another-catalogue",
        book(on_both_sheets("Mẫu phiếu", form_id(2))),
        ("Ban Dân vận", "B3"),
        kept=34,
    ),
    Case(
        "partial-period", book(on_both_sheets("Kỳ số liệu", "01/01/2023 - 30/9/2023")), ("Ban Dân vận", "B7"), kept=34
    ),
    # sheets, rows, columns
    Case("unknown-sheets", both(book(rename("Công an", "Sheet1")), book(rename("Ban Dân vận", "Sheet2")))),
    Case("missing-sheet", book(rename("Công an", "Cong an quan")), kept=5),
    Case("missing-head", book(lambda wb: wb["Công an"].delete_rows(6)), ("Công an", "")),
    Case("missing-table", book(lambda wb: wb["Công an"].delete_rows(10)), ("Công an", ""), kept=5),
    Case("transposed", book(transpose), ("Công an", "B10"), kept=5),
    Case("missing-column", book(lambda wb: wb["Công an"].delete_cols(6)), ("Công an", "dòng 10"), kept=5),
    Case("column-twice", book(second_value_column), ("Công an", "J10"), kept=5),
    Case("missing-row", book(delete("guns")), ("Công an", ""), kept=33),
    Case("row-without-code", book(append("Công an", None, "Tổng cộng", None, 1234)), ("Công an", "B40"), kept=34),
    Case("unknown-indicator", book(append("Công an", "gunz", "Súng", "khẩu", 3)), ("Công an", "A40"), kept=34),
    Case("indicator-twice", book(append("Công an", "guns", "Súng giao nộp", "khẩu", 7)), ("Công an", "D40"), kept=34),
    Case("code-and-name", book(cell("A21", "callup_target")), ("Công an", "A21"), kept=32),
    Case("measure-changed", book(cell("C19", "tấn")), ("Công an", "C19"), kept=33),
    Case("merged-cells", book(merge), ("Công an", "D13:D14"), kept=32),
    Case("column-spelling", book(cell("D10", "Giá  trị\n")), ("Công an", "D10"), kept=34),
    Case("hidden-rows", book(hide("row")), ("Công an", "dòng 21"), kept=34),
    Case("hidden-columns", book(hide("column")), ("Công an", "cột D"), kept=34),
    Case("hidden-sheet", book(hide("sheet")), ("Công an", ""), kept=34),
    Case("extra-sheet", book(lambda wb: wb.create_sheet("Sổ theo dõi").append([1, 2])), ("Sổ theo dõi", ""), kept=34),
    Case("outside-table", book(cell("K13", 160)), ("Công an", "K13"), kept=34),
    Case("old-encoding", book(cell("B13", "Tin vÒ an ninh trËt tù", font=".VnTime")), ("Công an", "B13"), kept=34),
    # cells
    Case("unclear-number", book(put("tips_received", "4,342")), TIPS, kept=33),
    Case("error-cell", book(put("tips_received", "#REF!")), TIPS, kept=33),
    Case("formula-without-value", book(put("tips_received", "=100+55")), TIPS, kept=33),
    Case("formula-from-elsewhere", book(put("tips_received", "=[1]Sheet1!A1")), TIPS, kept=33),
    Case("wrong-type", book(put("tips_received", datetime(2015, 11, 14))), TIPS, kept=33),
    Case("percent", book(put("tips_valuable", 0.912, form="0.0%")), ("Công an", "D14"), kept=33),
    Case("hidden-format", book(put("tips_received", 155000, form="0,")), TIPS, kept=33),
    Case("negative", book(put("tips_received", -5)), TIPS, kept=33),
    Case("fraction", book(put("tips_received", 4.342)), TIPS, kept=33),
    Case("blank", book(put("tips_received", None)), TIPS, kept=33),
    Case("not-yes-or-no", book(put("plan_signed", "x")), ("Ban Dân vận", "D11"), kept=33),
    Case("value-and-status", book(put("tips_received", 5, status="không báo cáo")), TIPS, kept=33),
    Case("unknown-word", book(put("tips_received", None, status="chưa có")), ("Công an", "F13"), kept=33),
    Case(
        "word-without-number",
        book(put("tips_received", None, precision="hơn", status="không báo cáo")),
        ("Công an", "E13"),
        kept=33,
    ),
    Case("zero-with-word", book(put("tips_received", 0, precision="hơn")), TIPS, kept=33),
    Case(
        "not-applicable",
        book(append("Công an", "commune_officers", "Công an chính quy tại xã", "đồng chí", 5)),
        ("Công an", "D40"),
        kept=34,
    ),
    Case("claims-not-applicable", book(put("tips_received", None, status="không áp dụng")), TIPS, kept=34),
    Case("decimal-mark", lambda p: csv_parts(p, mark="phẩy"), ("Ban Dân vận", "B9"), kept=34),
    Case("oddly-typed", book(put("tips_received", "155 tin")), TIPS, kept=34),
    Case("formula", lambda p: cached(p, "=100+55", "155"), TIPS, kept=34),
    Case("stale-formula", lambda p: cached(p, "=100+55", "160"), TIPS, kept=34),
    Case("shown-rounded", book(put("fireworks_kg", 28.55, form="0")), ("Công an", "D19"), kept=34),
    Case("not-reported", book(put("guns", None, status="không báo cáo")), GUNS, kept=34),
    Case("cell-comment", book(comment("sửa lại: 165")), TIPS, kept=34),
    Case("note-says-otherwise", book(cell("I13", "đã đối chiếu: 165 tin")), ("Công an", "I13"), kept=34),
    # figures stated apart, answers
    Case("competing-figures", stated, None, kept=34, unit=""),
    Case("stale-answer", stale_answer, None, kept=34, unit=""),
    Case("threshold-lowered", lowered_threshold, ("", "least_persons"), kept=34, unit=""),
    # the catalogue's own
    Case("part-larger-than-whole", book(put("tips_valuable", 156)), ("Công an", "D14"), kept=34),
    Case("more-than-exist", book(put("model_ward_police", 10)), ("Công an", "D34"), kept=34),
    Case(
        "fewer-officers-than-communes",
        book(put("commune_officers", 3), "Thủy Nguyên.xlsx"),
        ("Công an", "D14"),
        kept=35,
        unit="Huyện Thủy Nguyên",
        of="Thủy Nguyên",
    ),
    Case(
        "sessions-without-people",
        book(put("outreach_participants", 5, precision=None), "Khối thành phố.xlsx"),
        None,
        kept=34,
        unit="Khối thành phố",
        of="Khối thành phố",
    ),
    Case(
        "people-per-session",
        book(put("outreach_participants", 50, precision=None), "Khối thành phố.xlsx"),
        None,
        kept=34,
        unit="Khối thành phố",
        of="Khối thành phố",
    ),
    Case("cases-beyond-tips", book(put("cases_solved", 154)), None, kept=34),
    Case("rounds-per-gun", book(put("ammunition_rounds", 5000)), None, kept=34),
    Case("callup-beyond-target", book(put("callup_done", 99)), None, kept=34),
    Case("persons-and-visits", book(put("reception_persons", 1)), None, kept=34),
    Case("referred-beyond-received", book(put("reception_referred", 999)), None, kept=34),
    Case("stock-and-flow", book(put("police_models_active", 55)), None, kept=34),
    Case("removed-beyond-stock", book(put("police_models_removed", 999, status=None)), None, kept=34),
    Case("in-thousands", book(put("ammunition_rounds", 2_000_000)), None, kept=34),
    Case("change-on-last-year", book(put("police_articles", 400)), None, kept=34),
    Case("ratio-on-last-year", book(put("tips_valuable", 100)), None, kept=34),
    Case("all-zeros", book(all_values(0, body="Công an")), ("Công an", ""), kept=34),
    Case("all-equal", book(all_values(7, body="Công an")), ("Công an", ""), kept=34),
    Case("identical-to-last-year", as_last_year, ("Công an", ""), kept=34),
)
