"""Files as they come: each that cannot be taken is refused by its content, quickly, in words; nothing else is raised.

Each is made for real: bytes, zipfile, openpyxl, LibreOffice, from a committed return.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import socket
import stat
import struct
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.formatting.rule import ColorScaleRule
from openpyxl.worksheet.table import Table
from PIL import Image as Pillow

from danvan.intake import container
from danvan.intake.container import Content, UnreadableError, load

ROOT = Path(__file__).resolve().parent.parent.parent
RETURNS = sorted((ROOT / "data" / "2023" / "returns").glob("*.xlsx"))
GOOD = RETURNS[0].read_bytes()
SHEET, STYLES, BOOK, TYPES = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml", "[Content_Types].xml"

RESEND = "Gửi lại phiếu dạng Excel (.xlsx)."
COPY = "Chép số liệu sang phiếu trống rồi gửi lại."
SAID = {  # rule -> reason, remedy; verbatim
    "not-a-file": (
        "Chỉ đọc tệp thường; không mở liên kết, thư mục và thiết bị.",
        "Chép chính tệp phiếu vào thư mục này rồi chạy lại.",
    ),
    "not-readable": (
        "Hệ thống không đọc được tệp này.",
        "Đóng tệp trong các chương trình khác, kiểm tra quyền đọc rồi chạy lại.",
    ),
    "still-being-written": (
        "Tệp đang được chép, lưu hoặc đồng bộ nên nội dung chưa trọn vẹn.",
        "Đợi xong, đóng tệp trong Excel rồi chạy lại.",
    ),
    "empty-file": ("Tệp không có nội dung.", RESEND),
    "too-large": ("Một phiếu chỉ nặng vài chục nghìn byte; tệp này lớn quá mức nên không được đọc.", COPY),
    "password-protected": (
        "Nội dung bị mã hóa nên không đọc được; chương trình không hỏi và không lưu mật khẩu.",
        "Bỏ mật khẩu trong Excel, lưu rồi gửi lại.",
    ),
    "old-excel": (
        "Chỉ nhận định dạng Excel Workbook (.xlsx), không nhận các định dạng bảng tính khác.",
        "Mở tệp bằng Excel, lưu lại dạng Excel Workbook (.xlsx) rồi gửi lại.",
    ),
    "not-excel": ("Tệp không phải là bảng tính Excel; tệp được xét theo nội dung, không theo tên.", RESEND),
    "damaged-file": (
        "Tệp không còn nguyên vẹn nên không đọc được.",
        "Mở tệp bằng Excel, lưu lại dạng .xlsx rồi gửi lại; nếu Excel cũng không mở được thì gửi lại từ bản gốc.",
    ),
    "zip-bomb": ("Tệp chứa nhiều dữ liệu hơn hẳn một phiếu, mở ra có thể làm treo máy.", COPY),
    "too-many-cells": ("Một phiếu chỉ có vài trăm ô; tệp này lớn quá mức nên không được đọc.", COPY),
    "unsafe-file": ("Excel không bao giờ ghi như vậy; tệp có thể gây hại nên không được mở.", COPY),
    "wrong-encoding": (
        "Tệp CSV phải dùng mã UTF-8, nếu không chữ tiếng Việt sẽ bị đọc sai.",
        "Lưu lại dạng CSV UTF-8 (trong Excel: Save As, chọn “CSV UTF-8”) hoặc gửi phiếu dạng Excel (.xlsx).",
    ),
}
SAID_OF = {  # found -> reason, remedy, where they differ from those of the rule
    "nội dung là văn bản (CSV)": (
        "Tên tệp không có đuôi .csv nhưng nội dung là văn bản, không phải Excel.",
        "Đổi đuôi tên tệp thành .csv hoặc gửi lại phiếu dạng Excel (.xlsx).",
    ),
    "nội dung là Excel (.xlsx)": (
        "Tên tệp có đuôi .csv nhưng nội dung là Excel (.xlsx).",
        "Đổi đuôi tên tệp thành .xlsx rồi chạy lại.",
    ),
    "nội dung là tệp nén, không phải Excel": (
        SAID["not-excel"][0],
        "Giải nén rồi gửi chính tệp Excel (.xlsx) ở bên trong.",
    ),
    "tệp không còn ở đó": ("Tệp đã bị xóa, đổi tên hoặc chuyển đi trong lúc chạy.", "Chép lại tệp rồi chạy lại."),
}


def refused(path: Path) -> tuple[str, str]:
    """Rule and what was found; the reason and the remedy are checked to be those of the tables above."""
    with pytest.raises(UnreadableError) as caught:
        load(path)
    error = caught.value
    assert (error.reason, error.remedy) == SAID_OF.get(error.found, SAID[error.rule])
    return error.rule, error.found


def sent(folder: Path, data: bytes, name: str = "Hồng Bàng.xlsx") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# --- making files ----------------------------------------------------------------------------------------------


def members(data: bytes = GOOD) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def twice(name: str, again: str) -> bytes:
    """The return with `name` once more, called `again`."""
    data = zipped({**members(), "x" * len(again): members()[name]})
    return data.replace(b"x" * len(again), again.encode())


def with_part(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return zipped({**members(), name: content}, method)


def without(name: str) -> bytes:
    return zipped({part: content for part, content in members().items() if part != name})


def edited(name: str, old: bytes, new: bytes) -> bytes:
    content = members()[name]
    assert old in content
    return with_part(name, content.replace(old, new, 1))


def in_sheet(xml: bytes) -> bytes:
    """The return with more behind the rows of its first sheet."""
    return edited(SHEET, b"</sheetData>", b"</sheetData>" + xml)


def rows(count: int, cells: int = 1) -> bytes:
    made = (
        b'<row r="%d">%s</row>' % (row, b"".join(b'<c r="%c%d"><v>1</v></c>' % (65 + n, row) for n in range(cells)))
        for row in range(100, 100 + count)
    )
    return edited(SHEET, b"</sheetData>", b"".join(made) + b"</sheetData>")


def merged(*refs: str) -> bytes:
    cells = "".join(f'<mergeCell ref="{ref}"/>' for ref in refs)
    return in_sheet(f"<mergeCells>{cells}</mergeCells>".encode())


def linked(*refs: str) -> bytes:
    return "".join(f'<hyperlink ref="{ref}" location="A1"/>' for ref in refs).encode()


def commented(ref: str) -> bytes:
    return with_part(
        "xl/comments1.xml", f'<comments><commentList><comment ref="{ref}"/></commentList></comments>'.encode()
    )


def shared_formulas(count: int, length: int) -> bytes:
    first = b'<row><c><f t="shared" si="0" ref="A1">%s</f></c></row>' % (b"1+" * (length // 2))
    return edited(SHEET, b"</sheetData>", first + b'<row><c><f t="shared" si="0"/></c></row>' * count + b"</sheetData>")


def related(name: str, target: str, times: int) -> bytes:
    """The return with `times` more relationships from the workbook to one part."""
    more = b"".join(b'<Relationship Id="x%d" Type="t" Target="%s"/>' % (n, target.encode()) for n in range(times))
    rels = members()["xl/_rels/workbook.xml.rels"].replace(b"</Relationships>", more + b"</Relationships>")
    return zipped({**members(), "xl/_rels/workbook.xml.rels": rels, name: b"<a>" + b"<b/>" * 10_000 + b"</a>"})


def field(data: bytes, name: str, offset: int, code: str, value: int) -> bytes:
    """The bytes of a zip with one number changed in the directory entry of a member."""
    made = bytearray(data)
    at = made.rindex(b"PK\x01\x02", 0, made.rindex(name.encode()))
    struct.pack_into(code, made, at + offset, value)
    return bytes(made)


def bomb(megabytes: int) -> bytes:
    """A workbook that says that its sheet unpacks to this, and does."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members().items():
            with archive.open(name, "w") as member:
                head, mark, tail = content.partition(b"<sheetData>") if name == SHEET else (content, b"", b"")
                member.write(head + mark)
                for _ in range(megabytes if mark else 0):
                    member.write(b"<row/>" * 166_667)
                member.write(tail)
    return out.getvalue()


def liar(data: bytes, size: int) -> bytes:
    """A bomb whose directory declares another size of the sheet."""
    return field(data, SHEET, 24, "<I", size)


def overlapping() -> bytes:
    """A return in whose directory two sheets are the same bytes."""
    return field(GOOD, SHEET.replace("1", "2"), 42, "<I", GOOD.index(SHEET.encode()) - 30)


def text(encoding: str) -> bytes:
    return "Mã;Giá trị\r\nBan Dân vận;155\r\n".encode(encoding)


def noise(count: int) -> bytes:
    """Letters that do not compress well."""
    return random.Random(1).randbytes(count // 2).hex().encode()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">%s]><l>&k;</l>' % b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(10)
)
CP1258 = "Ma\u0303;Gia\u0301 tri\u0323\r\n".encode("cp1258")  # its tones are letters of their own
XML_2003 = (
    b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
    b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
)
HTML = "<html><body><table><tr><td>Mã</td></tr></table></body></html>"
ODS = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<a/>"}


class Case(NamedTuple):
    rule: str
    found: str  # may hold * for anything
    make: Callable[[], bytes]
    name: str = "Hồng Bàng.xlsx"


CASES = {
    # empty, large
    "0 bytes": Case("empty-file", "tệp rỗng (0 byte)", lambda: b""),
    "0 bytes of CSV": Case("empty-file", "tệp rỗng (0 byte)", lambda: b"", "a.csv"),
    "a byte order mark alone": Case("empty-file", "tệp chỉ có ký tự trống", lambda: b"\xef\xbb\xbf\r\n", "a.csv"),
    "zeros after a power cut": Case("empty-file", "tệp chỉ có ký tự trống", lambda: bytes(9000)),
    "10 MB and a byte": Case("too-large", "tệp nặng 10.000.001 byte, quá 10.000.000", lambda: bytes(10_000_001)),
    "CSV of 1 MB and a byte": Case(
        "too-large", "CSV nặng 1.000.001 byte, quá 1.000.000", lambda: b"a" * 1_000_001, "a.csv"
    ),
    "CSV of 10,001 lines": Case("too-many-cells", "CSV có 10.001 dòng, quá 10.000", lambda: b"a\n" * 10_001, "a.csv"),
    "CSV of an old Mac": Case("too-many-cells", "CSV có 10.001 dòng, quá 10.000", lambda: b"a\r" * 10_001, "a.csv"),
    # passwords
    "a password": Case("password-protected", "tệp đặt mật khẩu", lambda: OLE + "EncryptedPackage".encode("utf-16-le")),
    "an encrypted member": Case("password-protected", "tệp đặt mật khẩu", lambda: field(GOOD, SHEET, 8, "<H", 0x1)),
    # other formats of Excel
    ".xls": Case("old-excel", "nội dung là Excel đời cũ (.xls)", lambda: OLE + "Workbook".encode("utf-16-le")),
    ".xls of Excel 95": Case(
        "old-excel", "nội dung là Excel đời cũ (.xls)", lambda: OLE + "Book\0".encode("utf-16-le")
    ),
    ".xls with a Word object": Case(
        "old-excel", "nội dung là Excel đời cũ (.xls)", lambda: OLE + "Workbook WordDocument".encode("utf-16-le")
    ),
    ".xls cut off": Case("old-excel", "nội dung là Excel đời cũ (.xls)", lambda: OLE),
    ".xls named .csv": Case(
        "old-excel", "nội dung là Excel đời cũ (.xls)", lambda: OLE + "Workbook".encode("utf-16-le"), "a.csv"
    ),
    "BIFF 2": Case("old-excel", "nội dung là Excel đời cũ (.xls)", lambda: b"\x09\x00\x04\x00\x02\x00\x10\x00"),
    "BIFF 4": Case("old-excel", "nội dung là Excel đời cũ (.xls)", lambda: b"\x09\x04\x06\x00\x00\x04\x10\x00"),
    "BIFF 8": Case("old-excel", "nội dung là Excel đời cũ (.xls)", lambda: b"\x09\x08\x10\x00\x00\x06\x05\x00"),
    ".xlsb": Case("old-excel", "nội dung là Excel nhị phân (.xlsb)", lambda: with_part("xl/workbook.bin", b"\x83\x01")),
    ".ods": Case("old-excel", "nội dung là bảng tính OpenDocument (.ods)", lambda: zipped(ODS, zipfile.ZIP_STORED)),
    ".fods": Case(
        "old-excel",
        "nội dung là bảng tính OpenDocument (.fods)",
        lambda: b'<?xml version="1.0"?><a mimetype="application/vnd.oasis.opendocument.spreadsheet"/>',
    ),
    "Strict": Case(
        "old-excel",
        "nội dung là Strict Open XML Spreadsheet",
        lambda: edited(
            BOOK,
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        ),
    ),
    "XML of Excel 2003": Case("old-excel", "nội dung là XML Spreadsheet 2003", lambda: XML_2003),
    "XML of Excel 2003 in UTF-16": Case(
        "old-excel", "nội dung là XML Spreadsheet 2003", lambda: XML_2003.decode().encode("utf-16"), "a.xls"
    ),
    # other files
    "PDF": Case("not-excel", "nội dung là PDF", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    "PDF named .csv": Case("not-excel", "nội dung là PDF", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a.CSV"),
    "JPEG": Case("not-excel", "nội dung là ảnh JPEG", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF"),
    "PNG": Case("not-excel", "nội dung là ảnh PNG", lambda: b"\x89PNG\r\n\x1a\n"),
    "GIF": Case("not-excel", "nội dung là ảnh GIF", lambda: b"GIF89a\x01\x00"),
    "TIFF": Case("not-excel", "nội dung là ảnh TIFF", lambda: b"II*\x00\x08\x00"),
    "TIFF of a Mac": Case("not-excel", "nội dung là ảnh TIFF", lambda: b"MM\x00*\x00\x08"),
    "BMP": Case("not-excel", "nội dung là ảnh BMP", lambda: b"BM\x46\x00\x00\x00\x00\x00\x00\x00\x36"),
    "RTF": Case("not-excel", "nội dung là văn bản RTF", lambda: rb"{\rtf1\ansi Phi\u7871?u}"),
    "RAR": Case("not-excel", "nội dung là tệp nén RAR", lambda: b"Rar!\x1a\x07\x01\x00"),
    "7z": Case("not-excel", "nội dung là tệp nén 7z", lambda: b"7z\xbc\xaf\x27\x1c\x00\x04"),
    "gzip": Case("not-excel", "nội dung là tệp nén gzip", lambda: b"\x1f\x8b\x08\x00"),
    "SQLite": Case("not-excel", "nội dung là cơ sở dữ liệu SQLite", lambda: b"SQLite format 3\x00\x10\x00"),
    "a program": Case("not-excel", "nội dung là chương trình", lambda: b"MZ\x90\x00\x03\x00\x00\x00"),
    "a program of Linux": Case("not-excel", "nội dung là chương trình", lambda: b"\x7fELF\x02\x01"),
    "HTML": Case("not-excel", "nội dung là trang web (HTML)", lambda: HTML.encode()),
    "HTML after blank lines": Case("not-excel", "nội dung là trang web (HTML)", lambda: b"\r\n \t" + HTML.encode()),
    "HTML with a BOM": Case("not-excel", "nội dung là trang web (HTML)", lambda: HTML.encode("utf-8-sig")),
    "HTML in UTF-16": Case("not-excel", "nội dung là trang web (HTML)", lambda: HTML.encode("utf-16"), "a.xls"),
    "HTML in UTF-16, bytes swapped": Case(
        "not-excel", "nội dung là trang web (HTML)", lambda: HTML.encode("utf-16-be"), "a.csv"
    ),
    "HTML that begins with a comment": Case(
        "not-excel", "nội dung là trang web (HTML)", lambda: b"<!-- x -->" + HTML.encode()
    ),
    "a table without HTML": Case("not-excel", "nội dung là trang web (HTML)", lambda: b"<TABLE border=1><tr>"),
    "XHTML": Case("not-excel", "nội dung là trang web (HTML)", lambda: b'<?xml version="1.0"?>\n' + HTML.encode()),
    "a web archive": Case("not-excel", "nội dung là trang web (HTML)", lambda: b"MIME-Version: 1.0\r\n"),
    "XML": Case("not-excel", "nội dung là XML", lambda: b'<?xml version="1.0"?><a/>'),
    "an old Word document": Case(
        "not-excel", "nội dung là văn bản Word đời cũ (.doc)", lambda: OLE + "WordDocument".encode("utf-16-le")
    ),
    "an old Word document with a workbook": Case(
        "not-excel", "nội dung là văn bản Word đời cũ (.doc)", lambda: OLE + "WordDocument Workbook".encode("utf-16-le")
    ),
    "a Word document": Case(
        "not-excel",
        "nội dung là văn bản Word (.docx)",
        lambda: zipped({TYPES: b"<Types/>", "word/document.xml": b"<w/>"}),
    ),
    "slides": Case(
        "not-excel",
        "nội dung là bản trình chiếu PowerPoint (.pptx)",
        lambda: zipped({TYPES: b"<Types/>", "ppt/presentation.xml": b"<p/>"}),
    ),
    "a return in a zip": Case(
        "not-excel", "nội dung là tệp nén, không phải Excel", lambda: zipped({"Hồng Bàng.xlsx": GOOD})
    ),
    "an empty zip": Case("not-excel", "nội dung là tệp nén, không phải Excel", lambda: zipped({})),
    "noise": Case("not-excel", "nội dung thuộc loại không rõ", lambda: b"\x01" + random.Random(1).randbytes(999)),
    "CSV named .xlsx": Case("not-excel", "nội dung là văn bản (CSV)", lambda: text("utf-8-sig")),
    "CSV in UTF-16 named .xlsx": Case("not-excel", "nội dung là văn bản (CSV)", lambda: text("utf-16")),
    "CSV in cp1258 named .xls": Case("not-excel", "nội dung là văn bản (CSV)", lambda: CP1258, "a.xls"),
    "CSV named .txt": Case("not-excel", "nội dung là văn bản (CSV)", lambda: b"PK;BM;MZ\n1;2;3\n", "a.txt"),
    "a workbook named .csv": Case("not-excel", "nội dung là Excel (.xlsx)", lambda: GOOD, "Hồng Bàng.csv"),
    # encodings of CSV
    "CSV in UTF-16": Case("wrong-encoding", "CSV dùng mã UTF-16", lambda: text("utf-16"), "a.csv"),
    "CSV in UTF-16 without a mark": Case("wrong-encoding", "CSV có ký tự NUL", lambda: b"a\0;\0b\0\n\0", "a.csv"),
    "CSV in cp1258": Case("wrong-encoding", "CSV không dùng mã UTF-8 (dòng 1)", lambda: CP1258, "a.csv"),
    "CSV with one bad byte": Case(
        "wrong-encoding", "CSV không dùng mã UTF-8 (dòng 2)", lambda: b"a;b\nc;\xff\nd", "a.csv"
    ),
    # damage
    "the last 40 bytes missing": Case("damaged-file", "tệp bị cắt cụt hoặc hỏng", lambda: GOOD[:-40]),
    "half a file": Case("damaged-file", "tệp bị cắt cụt hoặc hỏng", lambda: GOOD[: len(GOOD) // 2]),
    "the first half lost": Case("damaged-file", "tệp bị cắt cụt hoặc hỏng", lambda: GOOD[:4] + GOOD[len(GOOD) // 2 :]),
    "a bad CRC": Case("damaged-file", "tệp bị cắt cụt hoặc hỏng", lambda: field(GOOD, SHEET, 16, "<I", 1)),
    "a bad offset": Case("damaged-file", "tệp bị cắt cụt hoặc hỏng", lambda: field(GOOD, SHEET, 42, "<I", 2**31)),
    "members that overlap": Case("damaged-file", "tệp bị cắt cụt hoặc hỏng", overlapping),
    "LZMA": Case("damaged-file", "phần “*” nén theo kiểu lạ", lambda: zipped(members(), zipfile.ZIP_LZMA)),
    "no workbook": Case("damaged-file", "thiếu phần “xl/workbook.xml”", lambda: without(BOOK)),
    "no content types": Case("damaged-file", "thiếu phần “[Content_Types].xml”", lambda: without(TYPES)),
    "no sheet": Case("damaged-file", "thiếu phần “xl/worksheets/sheet1.xml”", lambda: without(SHEET)),
    "no workbook among the types": Case(
        "damaged-file", "phần “[Content_Types].xml” không kể bảng tính nào", lambda: with_part(TYPES, b"<Types/>")
    ),
    "XML cut off": Case("damaged-file", "phần “xl/workbook.xml” không phải XML đúng", lambda: with_part(BOOK, b"<a>")),
    "an empty part": Case("damaged-file", "phần “xl/styles.xml” không phải XML đúng", lambda: with_part(STYLES, b"")),
    "an unknown prefix": Case(
        "damaged-file", "phần “xl/styles.xml” không phải XML đúng", lambda: with_part(STYLES, b"<a:b/>")
    ),
    "an unknown encoding": Case(
        "damaged-file",
        "phần “xl/styles.xml” không phải XML đúng",
        lambda: with_part(STYLES, b'<?xml version="1.0" encoding="vni-times"?><a/>'),
    ),
    "relationships that are no XML": Case(
        "damaged-file", "phần “xl/_rels/a.rels” không phải XML đúng", lambda: with_part("xl/_rels/a.rels", b"x")
    ),
    "a range that is none": Case(
        "damaged-file",
        "phần “xl/worksheets/sheet1.xml” có vùng ô không hiểu được “A1:B99999999”",
        lambda: merged("A1:B99999999"),
    ),
    # bombs
    "a bomb": Case("zip-bomb", "phần “xl/worksheets/sheet1.xml” bung ra gấp hơn 100 lần", lambda: bomb(30)),
    "a bomb of many parts": Case(
        "zip-bomb",
        "tệp bung ra 21.* byte, quá 20.000.000",
        lambda: zipped({**members(), **{f"xl/media/{n}": noise(20_000) * 50 for n in range(21)}}),
    ),
    "a bomb that says 1000 bytes": Case("damaged-file", "tệp bị cắt cụt hoặc hỏng", lambda: liar(bomb(30), 1000)),
    "a bomb that says 1.1 MB": Case(
        "too-many-cells", "một trang có quá 10.000 dòng", lambda: liar(bomb(250), 1_100_000)
    ),
    "more than 1,000 members": Case(
        "zip-bomb",
        "tệp nén có 1.* phần, quá 1.000",
        lambda: zipped({**members(), **{f"xl/media/{n}": b"" for n in range(1000)}}),
    ),
    # cells
    "10,001 rows": Case("too-many-cells", "một trang có quá 10.000 dòng", lambda: rows(10_001)),
    "20,001 cells": Case(
        "too-many-cells",
        "một trang có quá 20.000 ô",
        lambda: edited(SHEET, b"</sheetData>", b"<row>" + b"<c/>" * 20_001 + b"</row></sheetData>"),
    ),
    "200,001 elements of style": Case(
        "too-many-cells",
        "tệp có quá 200.000 phần tử XML",
        lambda: edited(STYLES, b"</fonts>", b"<b/>" * 200_001 + b"</fonts>"),
    ),
    "200,001 elements in a picture": Case(
        "too-many-cells",
        "tệp có quá 200.000 phần tử XML",
        lambda: with_part("xl/media/a.png", b"\r\n" * 40_000 + b"<a>" + b"<b/>" * 200_001),
    ),
    "600,001 attributes": Case(
        "too-many-cells",
        "tệp có quá 200.000 phần tử XML",
        lambda: in_sheet(b"<a %s/>" % b" ".join(b'a%d=""' % n for n in range(6_000)) * 101),
    ),
    "a shared string table of a million": Case(
        "too-many-cells",
        "tệp có quá 400.000 chữ",
        lambda: with_part(
            "xl/sharedStrings.xml", b"<sst>%s</sst>" % b"".join(b"<si>%d</si>" % n for n in range(10**6))
        ),
    ),
    "everything merged": Case("too-many-cells", "vùng gộp ô, *", lambda: merged("A1:XFD1048576")),
    "many merged": Case("too-many-cells", "vùng gộp ô, *", lambda: merged(*["A1:J1000"] * 11)),
    "columns merged": Case("too-many-cells", "vùng gộp ô, *", lambda: merged("A:B")),
    "rows merged": Case("too-many-cells", "vùng gộp ô, *", lambda: merged("1:9")),
    "merged backwards": Case("too-many-cells", "vùng gộp ô, *", lambda: merged("$Z$9999:$A$1")),
    "a link over a column": Case("too-many-cells", "vùng gộp ô, *", lambda: in_sheet(linked("A1:A1048576"))),
    "a comment on everything": Case("too-many-cells", "vùng gộp ô, *", lambda: commented("A1:XFD1048576")),
    "a comment on a column": Case("too-many-cells", "vùng gộp ô, *", lambda: commented("A")),
    "an array formula over a column": Case(
        "too-many-cells",
        "vùng gộp ô, *",
        lambda: edited(SHEET, b"</sheetData>", b'<row><c><f t="array" ref="A1:A1048576"/></c></row></sheetData>'),
    ),
    "a table over columns": Case(
        "too-many-cells", "vùng gộp ô, *", lambda: with_part("xl/tables/table1.xml", b'<table ref="A1:B1048576"/>')
    ),
    "links on merged ranges": Case(
        "too-many-cells",
        "một trang có quá nhiều vùng gộp ô và liên kết",
        lambda: in_sheet(b'<mergeCell ref="A1:B1"/>' * 400 + linked(*["B1"] * 400)),
    ),
    "long shared formulas": Case(
        "too-many-cells", "một trang có quá nhiều công thức", lambda: shared_formulas(1_000, 8_000)
    ),
    "one part for many sheets": Case(
        "too-many-cells", "tệp có quá 200.000 phần tử XML", lambda: related("xl/a.xml", "./x/../a.xml", 20)
    ),
    # attacks
    "../": Case("unsafe-file", "phần có tên không an toàn “../../evil.txt”", lambda: with_part("../../evil.txt", b"x")),
    "/": Case("unsafe-file", "phần có tên không an toàn “/etc/passwd”", lambda: with_part("/etc/passwd", b"x")),
    "backslashes": Case(
        "unsafe-file", r"phần có tên không an toàn “xl\media\a”", lambda: with_part(r"xl\media\a", b"x")
    ),
    "a drive": Case("unsafe-file", "phần có tên không an toàn “C:/evil.txt”", lambda: with_part("C:/evil.txt", b"x")),
    "a dot": Case("unsafe-file", "phần có tên không an toàn “xl/./a”", lambda: with_part("xl/./a", b"x")),
    "NUL in a name": Case(
        "unsafe-file",
        "phần có tên không an toàn “xl/media/a?png”",
        lambda: with_part("xl/media/a_png", b"x").replace(b"xl/media/a_png", b"xl/media/a\0png"),
    ),
    "a name twice": Case("unsafe-file", f"hai phần trùng tên “{SHEET}”", lambda: twice(SHEET, SHEET)),
    "a name twice but for its case": Case(
        "unsafe-file", "hai phần trùng tên “XL/Worksheets/SHEET1.xml”", lambda: twice(SHEET, "XL/Worksheets/SHEET1.xml")
    ),
    "a sheet listed twice": Case(
        "unsafe-file",
        "một trang được kể hai lần",
        lambda: with_part(BOOK, re.sub(rb"<sheets>(<sheet .*?/>)", rb"<sheets>\1\1", members()[BOOK])),
    ),
    "billion laughs": Case("unsafe-file", f"phần “{STYLES}” có khai báo DOCTYPE", lambda: with_part(STYLES, LAUGHS)),
    "an external entity": Case(
        "unsafe-file",
        f"phần “{STYLES}” có khai báo DOCTYPE",
        lambda: with_part(STYLES, b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    ),
    "an external DTD": Case(
        "unsafe-file",
        f"phần “{STYLES}” có khai báo DOCTYPE",
        lambda: with_part(STYLES, b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>'),
    ),
    "a DOCTYPE in UTF-16": Case(
        "unsafe-file",
        f"phần “{STYLES}” có khai báo DOCTYPE",
        lambda: with_part(STYLES, '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16")),
    ),
    "a DOCTYPE in UTF-16 without a mark": Case(
        "unsafe-file",
        f"phần “{STYLES}” có khai báo DOCTYPE",
        lambda: with_part(STYLES, "<!DOCTYPE a><a/>".encode("utf-16-be")),
    ),
    "a DOCTYPE in cp1252": Case(
        "unsafe-file",
        f"phần “{STYLES}” có khai báo DOCTYPE",
        lambda: with_part(STYLES, b'<?xml version="1.0" encoding="cp1252"?><!DOCTYPE a><a/>'),
    ),
    "a DOCTYPE in a picture": Case(
        "unsafe-file", "phần “xl/media/a.png” có khai báo DOCTYPE", lambda: with_part("xl/media/a.png", LAUGHS)
    ),
    "deep nesting": Case(
        "unsafe-file",
        f"phần “{STYLES}” có XML lồng quá 100 tầng",
        lambda: with_part(STYLES, b"<a>" * 101 + b"</a>" * 101),
    ),
    "a huge attribute": Case(
        "unsafe-file", f"phần “{SHEET}” có thẻ XML quá dài", lambda: in_sheet(b'<a b="%s"/>' % noise(9_000_000))
    ),
    "a huge name": Case(
        "unsafe-file", f"phần “{SHEET}” có thẻ XML quá dài", lambda: in_sheet(b"<a%s/>" % noise(9_000_000))
    ),
    "a namespace copied into each name": Case(
        "unsafe-file",
        f"phần “{SHEET}” có không gian tên XML quá dài",
        lambda: with_part(SHEET, b'<a:b xmlns:a="%s">%s</a:b>' % (noise(1_000), b"<a:b/>" * 1_000)),
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_a_file_that_cannot_be_taken(what: str, tmp_path: Path) -> None:
    case = CASES[what]
    path = sent(tmp_path, case.make(), case.name)
    before = path.read_bytes()
    rule, found = refused(path)
    assert rule == case.rule
    assert re.fullmatch(re.escape(case.found).replace(r"\*", ".*"), found), found
    assert [entry.name for entry in tmp_path.iterdir()] == [case.name]  # nothing unpacked
    assert path.read_bytes() == before


def test_every_text_is_whole_composed_vietnamese() -> None:
    assert (
        set(container.SAID)
        == set(SAID)
        == {case.rule for case in CASES.values()}
        | {
            "not-a-file",
            "not-readable",
            "still-being-written",
        }
    )
    for sentence in [sentence for texts in [*SAID.values(), *SAID_OF.values()] for sentence in texts]:
        assert sentence.endswith(".")
        assert sentence == unicodedata.normalize("NFC", sentence)
        assert not re.search("uỷ|oá|oà|uý", sentence)
    error = UnreadableError("empty-file", "tệp rỗng (0 byte)", "Tệp không có nội dung.", RESEND)
    assert str(error) == f"tệp rỗng (0 byte): Tệp không có nội dung. {RESEND}"


def test_a_long_name_in_the_file_is_shown_shortly(tmp_path: Path) -> None:
    _, found = refused(sent(tmp_path, with_part("../" + "a\n" * 5_000, b"x")))
    assert found == f"phần có tên không an toàn “../{'a?' * 28}a…”"


# --- from the disk ---------------------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name == "nt", reason="links, pipes and rights as POSIX has them")


@posix
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "a.xlsx"
    link.symlink_to(RETURNS[0])
    assert refused(link) == ("not-a-file", "liên kết")


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a.xlsx"
    folder.mkdir()
    assert refused(folder) == ("not-a-file", "thư mục")


@posix
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.xlsx")
    assert refused(tmp_path / "a.xlsx") == ("not-a-file", "tệp đặc biệt của hệ thống")


@posix
def test_a_socket_and_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.xlsx")
        assert refused(tmp_path / "a.xlsx") == ("not-a-file", "tệp đặc biệt của hệ thống")
    assert refused(Path("/dev/zero")) == ("not-a-file", "tệp đặc biệt của hệ thống")


@posix
@pytest.mark.parametrize("become", ["a link", "a pipe", "another file"])
def test_what_takes_the_file_s_place_is_not_read(become: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = sent(tmp_path, GOOD), sent(tmp_path, GOOD[:-1], "other.xlsx")
    opening = os.open

    def late(name: Path, flags: int) -> int:
        path.unlink()
        if become == "a link":
            path.symlink_to(other)
        elif become == "a pipe":
            os.mkfifo(path)
        else:
            other.rename(path)
        return opening(name, flags)

    monkeypatch.setattr(os, "open", late)
    expected = ("not-readable", "lỗi đọc ELOOP") if become == "a link" else ("still-being-written", CHANGED)
    assert refused(path) == expected


CHANGED = "tệp thay đổi trong lúc đọc"


@pytest.mark.parametrize("change", ["longer", "shorter", "same size", "replaced"])
def test_a_file_still_being_written(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sent(tmp_path, GOOD)
    looking = os.fstat
    looks = []

    def between(number: int) -> os.stat_result:
        """Somebody writes after the file was read."""
        looks.append(number)
        if len(looks) == 2:
            if change == "replaced":
                sent(tmp_path, GOOD, "new.xlsx").replace(path)
            else:
                path.write_bytes({"longer": GOOD + b"x", "shorter": GOOD[:-1], "same size": GOOD[::-1]}[change])
        return looking(number)

    monkeypatch.setattr(os, "fstat", between)
    assert refused(path) == ("still-being-written", CHANGED)


def test_a_file_that_vanished(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.xlsx") == ("not-readable", "tệp không còn ở đó")


@posix
def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sent(tmp_path, GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser may read everything

        def denied(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", denied)
    assert refused(path) == ("not-readable", "không có quyền đọc")


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", broken)
    assert refused(sent(tmp_path, GOOD)) == ("not-readable", "lỗi đọc EIO")


def test_a_name_that_the_system_cannot_take(tmp_path: Path) -> None:
    assert refused(tmp_path / "a\0.xlsx")[0] == "not-readable"
    assert refused(tmp_path / ("a" * 999 + ".xlsx"))[0] == "not-readable"


# --- what is taken ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RETURNS, ids=lambda path: path.stem)
def test_the_committed_returns_are_taken(path: Path) -> None:
    data = path.read_bytes()
    assert load(path) == Content("xlsx", data, hashlib.sha256(data).hexdigest(), macros=False)


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    assert load(sent(tmp_path, GOOD, "Hồng Bàng.XLS")).kind == "xlsx"
    assert load(sent(tmp_path, GOOD, "phiếu")).kind == "xlsx"


@pytest.mark.parametrize(
    "data",
    [
        text("utf-8"),
        text("utf-8-sig"),
        b"a\n" * 10_000,
        b"a" * 1_000_000,
        b"<5 tu\xe1\xbb\x95i;3\n",
        b"PK;BM;MZ;ID\n",
        b"BM;1\n",
        b"MZ;1\n",
        b"\t1\t2\n",
    ],
)
def test_csv(data: bytes, tmp_path: Path) -> None:
    assert load(sent(tmp_path, data, "Hồng Bàng.CSV")) == Content("csv", data, hashlib.sha256(data).hexdigest())


def test_macros_are_told(tmp_path: Path) -> None:
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    by_type = edited(TYPES, kind, b"application/vnd.ms-excel.sheet.macroEnabled.main+xml")
    excel_4 = edited(
        TYPES, b"</Types>", b'<Override PartName="/a" ContentType="application/vnd.ms-excel.macrosheet+xml"/></Types>'
    )
    for data in (by_type, excel_4, with_part("xl/vbaProject.bin", OLE)):
        assert load(sent(tmp_path, data, "a.xlsm")).macros


def test_a_template_is_a_workbook(tmp_path: Path) -> None:
    assert load(sent(tmp_path, edited(TYPES, b"sheet.main+xml", b"template.main+xml"))).kind == "xlsx"


def test_just_within_the_limits(tmp_path: Path) -> None:
    full = merged("H100:K1099")
    for data in (rows(9_900, 2), full, related("xl/a.xml", "a.xml", 15), shared_formulas(1_000, 2_000)):
        assert load(sent(tmp_path, data)).kind == "xlsx"


def test_parts_that_are_no_xml_may_be_anything(tmp_path: Path) -> None:
    """Excel's own VML is at times not well-formed; pictures and printer settings never are."""
    for name, content in (
        ("xl/drawings/vmlDrawing1.vml", b"<xml><br></xml>"),
        ("xl/media/image1.png", b"\x89PNG\r\n\x1a\n" + bytes(900)),
        ("xl/printerSettings/printerSettings1.bin", b"\x41\x00" * 900),
        ("xl/media/", b""),
    ):
        assert load(sent(tmp_path, with_part(name, content))).kind == "xlsx"


def test_a_formatted_cell_in_the_last_corner(tmp_path: Path) -> None:
    last = b'<row r="1048576"><c r="XFD1048576" s="1"/></row></sheetData>'
    assert load(sent(tmp_path, edited(SHEET, b"</sheetData>", last))).kind == "xlsx"


def test_what_people_put_into_workbooks(tmp_path: Path) -> None:
    """Comments, pictures, tables, colours by rule, links, merged cells and charts, written by openpyxl."""
    book = openpyxl.load_workbook(RETURNS[0])
    sheet = book.worksheets[0]
    sheet["B2"].comment = Comment("Số liệu đã sửa", "Nguyễn Văn A")
    sheet["A90"], sheet["B90"], sheet["A91"], sheet["B91"] = "Mã", "Giá trị", "a", 1
    sheet.add_table(Table(displayName="Bảng", ref="A90:B91"))
    sheet["A95"].hyperlink = "https://haiphong.gov.vn"
    sheet.merge_cells("A96:F98")
    sheet.conditional_formatting.add("A1:XFD1048576", ColorScaleRule(start_type="min", end_type="max"))
    picture = io.BytesIO()
    Pillow.new("RGB", (600, 400), "red").save(picture, "png")
    for place in ("H1", "H40"):
        sheet.add_image(Image(io.BytesIO(picture.getvalue())), place)
    chart = openpyxl.chart.BarChart()
    chart.add_data(openpyxl.chart.Reference(sheet, min_col=2, min_row=90, max_row=91))
    sheet.add_chart(chart, "H80")
    book.save(tmp_path / "a.xlsx")
    assert load(tmp_path / "a.xlsx").kind == "xlsx"


@pytest.mark.long
def test_what_libreoffice_writes(tmp_path: Path, needs_tool: Callable[..., str]) -> None:
    soffice = needs_tool("soffice", "libreoffice")
    for kind, rule in (
        ("xlsx", ""),
        ("ods", "old-excel"),
        ("xls", "old-excel"),
        ("fods", "old-excel"),
        ("pdf", "not-excel"),
    ):
        home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
        subprocess.run(
            [soffice, home, "--headless", "--convert-to", kind, "--outdir", tmp_path, RETURNS[0]],
            check=True,
            capture_output=True,
            timeout=300,
        )
        path = tmp_path / f"{RETURNS[0].stem}.{kind}"
        if rule:
            assert refused(path)[0] == rule
        else:
            assert load(path).kind == "xlsx"


# --- hostile files cost little; no file raises anything else ---------------------------------------------------

CHILD = """
import sys, time
from pathlib import Path
from danvan.intake.container import UnreadableError, load
start = time.perf_counter()
try:
    print(load(Path(sys.argv[1])).kind)
except UnreadableError as error:
    print(error.rule)
print(time.perf_counter() - start)
print(*[line.split()[1] for line in open("/proc/self/status", encoding="ascii") if line.startswith("VmHWM")])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak of memory")
@pytest.mark.parametrize(
    ("rule", "make"),
    [
        ("too-many-cells", lambda: liar(bomb(300), 19_000_000)),
        ("too-many-cells", CASES["a shared string table of a million"].make),
        ("too-many-cells", CASES["600,001 attributes"].make),
        ("unsafe-file", CASES["a huge attribute"].make),
        ("unsafe-file", CASES["billion laughs"].make),
    ],
    ids=["liar", "a million elements", "attributes", "a huge attribute", "laughs"],
)
def test_a_hostile_file_costs_little(rule: str, make: Callable[[], bytes], tmp_path: Path) -> None:
    """In a process of its own: not ru_maxrss, which begins with the memory of the process that started it."""
    path = sent(tmp_path, make())
    run = subprocess.run(
        [sys.executable, "-c", CHILD, path], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    told, seconds, kilobytes = run.stdout.split()
    assert told == rule
    assert float(seconds) < 2
    assert int(kilobytes) < 300_000


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A good return with bytes changed, cut out, repeated or put in, in the zip or in one of its parts."""
    parts = members()
    inside = draw(st.sampled_from(["", *parts]))
    data = bytearray(parts[inside] if inside else GOOD)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = at + draw(st.integers(0, 40))
        data[at:end] = draw(st.one_of(st.binary(max_size=12), st.just(bytes(data[at:end]) * 2)))
    if draw(st.booleans()):
        data = data[: draw(st.integers(0, len(data)))]
    return zipped({**parts, inside: bytes(data)}) if inside else bytes(data)


@given(
    data=st.one_of(
        broken(),
        st.binary(),
        st.sampled_from([b"PK\x03\x04", OLE, b"\xff\xfe", b"<"]).flatmap(
            lambda head: st.binary().map(lambda rest: head + rest)
        ),
    ),
    name=st.sampled_from(["a.xlsx", "a.csv"]),
)
def test_no_file_raises_anything_else(data: bytes, name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = sent(tmp_path_factory.getbasetemp(), data, name)
    try:
        taken = load(path)
    except UnreadableError as error:
        refusal = error
    else:
        assert taken.data == data
        return
    assert refusal.rule in SAID
    assert refusal.found
    assert refusal.reason.endswith(".")
    assert refusal.remedy.endswith(".")


def test_the_file_keeps_its_rights_and_time(tmp_path: Path) -> None:
    path = sent(tmp_path, GOOD)
    before = path.stat()
    load(path)
    after = path.stat()
    assert (stat.S_IMODE(after.st_mode), after.st_mtime_ns) == (stat.S_IMODE(before.st_mode), before.st_mtime_ns)
