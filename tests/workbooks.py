"""Returns made bad: each with plain openpyxl, or bytes, from a copy of a committed return."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from danvan.intake import files
from danvan.intake.cells import File
from danvan.intake.container import UnreadableError
from danvan.paths import Project

ROOT = Path(__file__).resolve().parent.parent
FILE, SHOWN, UNIT = "Hồng Bàng.xlsx", "data/2023/returns/Hồng Bàng.xlsx", "Quận Hồng Bàng"
Change = Callable[[openpyxl.Workbook], object]


def place(book: openpyxl.Workbook, code: str) -> tuple[Worksheet, int]:
    """Sheet and row of an indicator in a return."""
    return next(
        (sheet, cell.row)
        for sheet in book.worksheets
        for (cell,) in sheet.iter_rows(max_col=1)
        if cell.value == code and cell.row
    )


def change(project: Project, how: Change, file: str = FILE) -> None:
    path = project.returns(2023) / file
    book = openpyxl.load_workbook(path)
    how(book)
    book.save(path)


def put(code: str, value: object = ..., precision: object = ..., status: object = ..., form: str = "") -> Change:
    """Set cells of an indicator's row; `...` leaves one as it is."""

    def how(book: openpyxl.Workbook) -> None:
        sheet, row = place(book, code)
        for column, entry in ((4, value), (5, precision), (6, status)):
            if entry is not ...:
                sheet.cell(row, column).value = entry  # type: ignore[assignment]
        if form:
            sheet.cell(row, 4).number_format = form

    return how


def head(sheet: str, label: str, value: object) -> Change:
    """Set the value beside a label in the head of a sheet."""

    def how(book: openpyxl.Workbook) -> None:
        row = next(c.row for (c,) in book[sheet].iter_rows(max_col=1, max_row=9) if c.value == label)
        assert row
        book[sheet].cell(row, 2).value = value  # type: ignore[assignment]

    return how


def on_both_sheets(label: str, value: object) -> Change:
    def how(book: openpyxl.Workbook) -> None:
        for name in ("Ban Dân vận", "Công an"):
            head(name, label, value)(book)

    return how


def delete(code: str) -> Change:
    def how(book: openpyxl.Workbook) -> None:
        sheet, row = place(book, code)
        sheet.delete_rows(row)

    return how


def append(sheet: str, *row: object) -> Change:
    return lambda book: book[sheet].append(row)


def rename(sheet: str, title: str) -> Change:
    def how(book: openpyxl.Workbook) -> None:
        book[sheet].title = title

    return how


def form_of(year: int, unit: str) -> str:
    """The id on the committed return of a unit."""
    book = openpyxl.load_workbook(ROOT / "data" / str(year) / "returns" / f"{unit}.xlsx")
    return str(book["Công an"]["B3"].value)


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def bomb(good: bytes) -> bytes:
    """A workbook that says of its sheet that it unpacks to 1 GB, and does."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            if name != "xl/worksheets/sheet1.xml":
                archive.writestr(name, content)
                continue
            head, tail = content.split(b"<sheetData>")
            with archive.open(name, "w") as member:
                member.write(head + b"<sheetData>")
                for _ in range(110):
                    member.write(b"<row/>" * 175_000)
                member.write(tail)
    return out.getvalue()


def liar(good: bytes) -> bytes:
    """The same bomb, but its directory declares that the sheet is small."""
    made = bytearray(bomb(good))
    at = made.rindex(b"PK\x01\x02", 0, made.rindex(b"xl/worksheets/sheet1.xml"))
    struct.pack_into("<I", made, at + 24, 1000)
    return bytes(made)


def cached(project: Project, formula: str, value: str) -> None:
    """A formula in the cell of tips received, with the value that Excel last calculated for it."""
    path = project.returns(2023) / FILE
    change(project, put("tips_received", formula))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name, inside = "xl/worksheets/sheet3.xml", formula[1:].replace("&", "&amp;").encode()
    kind = b' t="e"' if value.startswith("#") else b""
    members[name], count = re.subn(
        rb'(<c r="D13"[^>]*?)><f>' + re.escape(inside) + rb"</f><v\s*(/>|></v>)",
        lambda m: m[1] + kind + b"><f>" + inside + b"</f><v>" + value.encode() + b"</v>",
        members[name],
    )
    assert count == 1
    path.write_bytes(zipped(members))


def remember_good_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the committed returns once only: what a test changes is read for real, what it leaves alone is known."""

    def read(path: Path) -> File | UnreadableError:
        known = path.is_file() and not path.is_symlink() and path.stat().st_size < 100_000
        digest = sha256(path.read_bytes()).hexdigest() if known else ""
        return _good_files().get(digest) or _read(path)

    monkeypatch.setattr(files, "read", read)


_read = files.read


@cache
def _good_files() -> dict[str, File]:
    paths = [path for year in (2022, 2023) for path in sorted(Project(ROOT).returns(year).iterdir())]
    return {file.sha256: file for path in paths if isinstance(file := _read(path), File)}
