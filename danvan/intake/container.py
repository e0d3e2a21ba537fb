"""What a file is before anyone opens it: kind, size, zip and XML limits. Nothing is unpacked to disk, nothing executed.

A workbook is inflated once, piece by piece, and its XML is streamed past counters, so that the one who opens it builds
a tree of bounded size. The limits are many times what a return needs: two sheets, some hundred cells, 40 kB of XML.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import posixpath
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.parsers import expat

from danvan.errors import grouped
from danvan.intake import addresses

MAX_FILE = 10_000_000
MAX_CSV, MAX_LINES = 1_000_000, 10_000
MAX_MEMBERS, MAX_UNPACKED = 1_000, 20_000_000
MAX_RATIO, RATIO_MATTERS = 100, 1_000_000  # a small part that is all zeros is no bomb
MAX_ELEMENTS, MAX_ATTRIBUTES, MAX_DEPTH = 200_000, 600_000, 100
MAX_TAG = 256_000  # bytes; expat scans an unfinished tag anew with every piece
MAX_NAMESPACE = 250  # characters; expat copies a namespace into the name of every element
MAX_ROWS, MAX_CELLS = 10_000, 20_000  # of one sheet
MAX_COVERED, MAX_MERGED = 5_000, 1_000  # cells in the `ref`s of all parts; merged ranges of a sheet
MAX_TEXT = 400_000  # characters in all parts; the search for persons takes 4 µs for each
MAX_LINKED_MERGES = 100_000  # openpyxl tries each link against each merged range of its sheet: 6 µs a pair
MAX_NAME, MAX_FORMAT = 10_000, 1_000  # bytes, characters; openpyxl takes quadratic time over either
MAX_SHARED = 3_000_000  # characters; openpyxl rewrites a shared formula for each of its cells: 0.5 µs a character

Kind = Literal["xlsx", "csv"]


class UnreadableError(Exception):
    """The file cannot be taken; rule (stable id), found (what is there), reason, remedy (Vietnamese sentences)."""

    def __init__(self, rule: str, found: str, reason: str, remedy: str) -> None:
        super().__init__(rule, found, reason, remedy)  # so that it passes from process to process
        self.rule = rule
        self.found = found
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.found}: {self.reason} {self.remedy}"


@dataclass(frozen=True)
class Content:
    """A file that is safe to open, as it is on the disk."""

    kind: Kind
    data: bytes
    sha256: str
    macros: bool = False  # .xlsm: it carries macros, which are never run and never copied


def digest(path: Path) -> str:
    """The digest of the file's bytes, as `load` gives it. Raises UnreadableError where they cannot be had."""
    return hashlib.sha256(read(path)).hexdigest()


def load(path: Path) -> Content:
    """Read and examine the file at `path`. Raises UnreadableError and, whatever the file is, nothing else."""
    data = read(path)
    try:
        kind, macros = _examine(data, path.name.lower().endswith(".csv"))
    except UnreadableError:
        raise
    except Exception:  # zipfile raises whatever the broken byte happens to trip over
        raise _no("damaged-file", "tệp bị cắt cụt hoặc hỏng") from None
    return Content(kind, data, hashlib.sha256(data).hexdigest(), macros)


# --- what is said ----------------------------------------------------------------------------------------------

RESEND = "Gửi lại phiếu dạng Excel (.xlsx)."
COPY = "Chép số liệu sang phiếu trống rồi gửi lại."
SAID = {  # rule -> reason, remedy
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


def _no(rule: str, found: str, *, reason: str = "", remedy: str = "") -> UnreadableError:
    """The refusal, in the words of its rule unless given others."""
    return UnreadableError(rule, found, reason or SAID[rule][0], remedy or SAID[rule][1])


def _shown(name: str) -> str:
    """A name out of the file, fit for one line of a message."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    return f"“{clean}”" if len(clean) <= 60 else f"“{clean[:60]}…”"


# --- from the disk ---------------------------------------------------------------------------------------------


def read(path: Path) -> bytes:
    """The bytes of a regular file that nobody changes meanwhile. Raises UnreadableError."""
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):  # no system has them all
        flags |= getattr(os, name, 0)
    try:
        before = path.lstat()
        if not stat.S_ISREG(before.st_mode):
            link, folder = stat.S_ISLNK(before.st_mode), stat.S_ISDIR(before.st_mode)
            raise _no("not-a-file", "liên kết" if link else "thư mục" if folder else "tệp đặc biệt của hệ thống")
        if before.st_size > MAX_FILE:
            raise _no("too-large", f"tệp nặng {grouped(before.st_size)} byte, quá {grouped(MAX_FILE)}")
        with os.fdopen(os.open(path, flags), "rb") as file:
            opened = os.fstat(file.fileno())
            # Compared before reading, too: what has taken the file's place may be a pipe that never ends.
            data = file.read(MAX_FILE + 1) if _look(opened) == _look(before) else b""
            after = os.fstat(file.fileno())
        looks = {_look(status) for status in (before, opened, after, path.lstat())}
    except (OSError, ValueError) as error:  # ValueError: a name that the system cannot take
        raise _not_readable(error) from None
    if len(looks) > 1 or len(data) != before.st_size:
        raise _no("still-being-written", "tệp thay đổi trong lúc đọc")
    return data


def _look(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mode, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _not_readable(error: Exception) -> UnreadableError:
    """What the system says, in Vietnamese."""
    code = errno.errorcode.get(getattr(error, "errno", None) or 0, "")
    if code in {"EACCES", "EPERM"}:
        return _no("not-readable", "không có quyền đọc")
    if code in {"ENOENT", "ENOTDIR"}:
        reason = "Tệp đã bị xóa, đổi tên hoặc chuyển đi trong lúc chạy."
        return _no("not-readable", "tệp không còn ở đó", reason=reason, remedy="Chép lại tệp rồi chạy lại.")
    return _no("not-readable", f"lỗi đọc {code}".strip())


# --- what it is ------------------------------------------------------------------------------------------------

ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
STREAMS = {  # a name in an OLE file -> what it is
    "EncryptedPackage": "password",
    "Workbook": "Excel",
    "Book\0": "Excel",
    "WordDocument": "văn bản Word đời cũ (.doc)",
    "PowerPoint Document": "bản trình chiếu PowerPoint đời cũ (.ppt)",
    "__substg1.0_": "thư Outlook (.msg)",
}
BIFF = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")
OTHERS = {  # what a file begins with -> what it is
    b"%PDF": "PDF",
    b"\xff\xd8\xff": "ảnh JPEG",
    b"\x89PNG": "ảnh PNG",
    b"GIF8": "ảnh GIF",
    b"II*\x00": "ảnh TIFF",
    b"MM\x00*": "ảnh TIFF",
    rb"{\rtf": "văn bản RTF",
    b"Rar!\x1a\x07": "tệp nén RAR",
    b"7z\xbc\xaf\x27\x1c": "tệp nén 7z",
    b"\x1f\x8b": "tệp nén gzip",
    b"SQLite format 3\x00": "cơ sở dữ liệu SQLite",
    b"\x7fELF": "chương trình",
}
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BLANK = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n\f"  # with the byte order marks
HTML = re.compile(
    rb"mime-version:|<!--|<(!doctype html|html|head|body|meta|title|link|style|script"
    rb"|table|tr|td|div|span|p|br|b|center|font|form|h[1-6])\b"
)
OLD_XML = {  # what the head of an XML file contains -> what it is
    b"urn:schemas-microsoft-com:office:spreadsheet": "XML Spreadsheet 2003",
    b"application/vnd.oasis.opendocument.spreadsheet": "bảng tính OpenDocument (.fods)",
}


def _examine(data: bytes, named_csv: bool) -> tuple[Kind, bool]:
    """The kind, and whether there are macros. Raises UnreadableError if it is neither kind or breaks a limit."""
    if not data.strip(BLANK):
        raise _no("empty-file", "tệp chỉ có ký tự trống" if data else "tệp rỗng (0 byte)")
    if data.startswith(ZIP):
        macros = _check_workbook(data)
        if named_csv:
            found, reason = "nội dung là Excel (.xlsx)", "Tên tệp có đuôi .csv nhưng nội dung là Excel (.xlsx)."
            raise _no("not-excel", found, reason=reason, remedy="Đổi đuôi tên tệp thành .xlsx rồi chạy lại.")
        return "xlsx", macros
    check_foreign(data)
    if named_csv:
        _check_csv(data)
        return "csv", False
    if data.startswith(UTF16) or not re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", data):
        reason = "Tên tệp không có đuôi .csv nhưng nội dung là văn bản, không phải Excel."
        remedy = "Đổi đuôi tên tệp thành .csv hoặc gửi lại phiếu dạng Excel (.xlsx)."
        raise _no("not-excel", "nội dung là văn bản (CSV)", reason=reason, remedy=remedy)
    raise _no("not-excel", "nội dung thuộc loại không rõ")


def check_foreign(data: bytes) -> None:
    """Raises UnreadableError for what is known to be neither a zip nor a table in plain text."""
    if data.startswith(OLE):
        # The first name counts: a document may hold a workbook, and the other way round.
        places = ((data.find(name.encode("utf-16-le")), kind) for name, kind in STREAMS.items())
        kind = min((place for place in places if place[0] >= 0), default=(0, "Excel"))[1]
        if kind == "password":
            raise _no("password-protected", "tệp đặt mật khẩu")
        raise _foreign(kind) if kind != "Excel" else _no("old-excel", "nội dung là Excel đời cũ (.xls)")
    if data.startswith(BIFF):
        raise _no("old-excel", "nội dung là Excel đời cũ (.xls)")
    head = data.lstrip(BLANK)[:4096]
    for magic, kind in OTHERS.items():
        if data.startswith(magic) or head.startswith(magic):
            raise _foreign(kind)
    if data.startswith((b"BM", b"MZ")) and b"\x00" in data[:32]:  # else two letters of a text
        raise _foreign("ảnh BMP" if data.startswith(b"BM") else "chương trình")
    markup = head.replace(b"\x00", b"").lower()  # the ASCII of UTF-16
    if HTML.match(markup) or (markup.startswith(b"<?xml") and b"<html" in markup):
        raise _foreign("trang web (HTML)")
    if markup.startswith(b"<?xml"):
        old = next((kind for name, kind in OLD_XML.items() if name in markup), "")
        raise _no("old-excel", f"nội dung là {old}") if old else _foreign("XML")


def _foreign(kind: str) -> UnreadableError:
    return _no("not-excel", f"nội dung là {kind}")


def _check_csv(data: bytes) -> None:
    if len(data) > MAX_CSV:
        raise _no("too-large", f"CSV nặng {grouped(len(data))} byte, quá {grouped(MAX_CSV)}")
    if data.startswith(UTF16):
        raise _no("wrong-encoding", "CSV dùng mã UTF-16")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _no("wrong-encoding", f"CSV không dùng mã UTF-8 (dòng {line})") from None
    if b"\x00" in data:
        raise _no("wrong-encoding", "CSV có ký tự NUL")
    lines = max(data.count(b"\n"), data.count(b"\r"))
    if lines > MAX_LINES:
        raise _no("too-many-cells", f"CSV có {grouped(lines)} dòng, quá {grouped(MAX_LINES)}")


# --- a workbook as a zip ---------------------------------------------------------------------------------------


def _check_workbook(data: bytes) -> bool:
    """Whether it has macros. Raises UnreadableError if it is no sound workbook or breaks a limit."""
    check_count(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        names = {member.filename for member in members}
        _check_kind(data, names)
        check_members(members, MAX_UNPACKED)
        package = _Package()
        for member in members:
            with archive.open(member) as stream:
                # zipfile never gives more than the size it was told, which is checked; at the end it checks the CRC.
                package.add(member.filename, iter(lambda: stream.read(PIECE), b""))
    package.check(names)
    return package.macros or any(name.lower().endswith("vbaproject.bin") for name in names)


def _check_kind(data: bytes, names: set[str]) -> None:
    """Raises UnreadableError for a zip that is no xlsx, by the names in it."""
    if b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet" in data[:200]:
        raise _no("old-excel", "nội dung là bảng tính OpenDocument (.ods)")
    if "xl/workbook.bin" in names:
        raise _no("old-excel", "nội dung là Excel nhị phân (.xlsb)")
    folders = {name.partition("/")[0] for name in names if "/" in name}
    if "xl" in folders:
        return
    if "word" in folders:
        raise _foreign("văn bản Word (.docx)")
    if "ppt" in folders:
        raise _foreign("bản trình chiếu PowerPoint (.pptx)")
    remedy = "Giải nén rồi gửi chính tệp Excel (.xlsx) ở bên trong."
    raise _no("not-excel", "nội dung là tệp nén, không phải Excel", remedy=remedy)


def check_count(data: bytes) -> None:
    """Raises UnreadableError for a zip of too many members, before zipfile makes an object of each."""
    marks = data.count(b"PK\x01\x02")
    if marks > MAX_MEMBERS:
        raise _no("zip-bomb", f"tệp nén có {grouped(marks)} phần, quá {grouped(MAX_MEMBERS)}")


def check_members(members: Sequence[zipfile.ZipInfo], most: int) -> None:
    """What the zip says of its members, before any is inflated; `most`: bytes of all. Raises UnreadableError."""
    seen = set()
    for member in members:
        shown = _shown(member.orig_filename)
        for name in (member.orig_filename, member.filename):  # zipfile cuts at NUL, and on Windows turns \ into /
            if re.search(r"^/|^[A-Za-z]:|\\|\0|^$|(^|/)\.\.?(/|$)", name):
                raise _no("unsafe-file", f"phần có tên không an toàn {shown}")
        if member.filename.casefold() in seen:
            raise _no("unsafe-file", f"hai phần trùng tên {shown}")
        seen.add(member.filename.casefold())
        if member.flag_bits & 0x41:  # encrypted, strongly encrypted
            raise _no("password-protected", "tệp đặt mật khẩu")
        if member.file_size > max(RATIO_MATTERS, MAX_RATIO * member.compress_size):
            raise _no("zip-bomb", f"phần {shown} bung ra gấp hơn {MAX_RATIO} lần")
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # LZMA may ask for any memory
            raise _no("damaged-file", f"phần {shown} nén theo kiểu lạ")
    unpacked = sum(member.file_size for member in members)
    if unpacked > most:
        raise _no("zip-bomb", f"tệp bung ra {grouped(unpacked)} byte, quá {grouped(most)}")


# --- a workbook as XML -----------------------------------------------------------------------------------------

PIECE = 64_000
CONTENT_TYPES = "[Content_Types].xml"
WORKBOOK = re.compile(  # the content type of .xlsx, .xltx, .xlsm, .xltm
    r"application/vnd\.(openxmlformats-officedocument\.spreadsheetml\.(sheet|template)"
    r"|ms-excel\.(sheet|template)\.macroEnabled)\.main\+xml"
)
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATION_ID = "http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
COVERING = {"mergeCell", "hyperlink", "comment", "table", "f"}  # openpyxl may create every cell of their `ref`
NUMBER = re.compile(r"([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)?", re.ASCII)  # Python takes 1_56 and ٣, too
RANGE = re.compile(r"\$?([A-Za-z]{1,3})?\$?(\d{1,7})?(?::\$?([A-Za-z]{1,3})?\$?(\d{1,7})?)?")


class _Package:
    """What all parts of a workbook add up to."""

    def __init__(self) -> None:
        self.elements = 0
        self.attributes = 0
        self.covered = 0  # cells in `ref`s
        self.text = 0  # characters
        self.macros = False
        self.workbooks: set[str] = set()
        self.sheets: set[str] = set()
        self.sizes: dict[str, int] = {}  # part -> its elements
        self.uses: Counter[str] = Counter()  # part -> how many relationships lead to it

    def add(self, name: str, pieces: Iterator[bytes]) -> None:
        """Take a part to its end and, if it is XML, count it. Raises UnreadableError if it breaks a limit."""
        part = _Part(name, self)
        for piece in pieces:
            part.feed(piece)
        part.end()
        self.sizes[name] = part.elements

    def check(self, names: set[str]) -> None:
        """What can be told only of the whole. Raises UnreadableError."""
        for name in (CONTENT_TYPES, *sorted(self.workbooks or {"xl/workbook.xml"}), *sorted(self.sheets)):
            if name not in names:
                raise _no("damaged-file", f"thiếu phần {_shown(name)}")
        if not self.workbooks:
            raise _no("damaged-file", f"phần {_shown(CONTENT_TYPES)} không kể bảng tính nào")
        # A part that several relationships lead to is read as often.
        if sum(size * max(1, self.uses[name]) for name, size in self.sizes.items()) > MAX_ELEMENTS:
            raise _too_many_elements()


class _Part:
    """One part on its way past expat. Keeps no tree."""

    def __init__(self, name: str, package: _Package) -> None:
        self.name, self.package = name, package
        self.shown = _shown(name)
        self.is_xml = True  # so far: a relationship can make a sheet of any part, so each is tried
        self.fed = self.depth = self.elements = 0
        self.tags: Counter[str] = Counter()
        self.ids: set[str] = set()  # of the sheets in a workbook
        self.shared = self.longest = 0  # shared formulas: how many, bytes of the longest
        self.formula: int | None = None  # where the present one begins
        self.defined: int | None = None  # where the present name of an area begins
        self.numeric = False  # whether the present cell holds a number
        self.digits: list[str] | None = None  # of the present number
        self.parser = expat.ParserCreate(namespace_separator="}")  # as ElementTree has it
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartNamespaceDeclHandler = self._namespace

    def feed(self, piece: bytes) -> None:
        """The next bytes. Raises UnreadableError."""
        self._parse(piece, False)
        self.fed += len(piece)
        if self.is_xml and self.fed - self.parser.CurrentByteIndex > MAX_TAG:
            raise _no("unsafe-file", f"phần {self.shown} có thẻ XML quá dài")

    def end(self) -> None:
        """No more bytes. Raises UnreadableError."""
        self._parse(b"", True)
        if self.tags["mergeCell"] * self.tags["hyperlink"] > MAX_LINKED_MERGES:
            raise _no("too-many-cells", "một trang có quá nhiều vùng gộp ô và liên kết")
        if self.shared * self.longest > MAX_SHARED:
            raise _no("too-many-cells", "một trang có quá nhiều công thức")

    def _parse(self, piece: bytes, last: bool) -> None:
        if not self.is_xml:
            return
        try:
            self.parser.Parse(piece, last)
        except (expat.ExpatError, LookupError, ValueError):  # the latter two: an encoding unknown to Python
            self.is_xml = False
            if self.name.endswith((".xml", ".rels")):
                raise _no("damaged-file", f"phần {self.shown} không phải XML đúng") from None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]  # openpyxl, too, looks only at this
        self.tags[name] += 1
        self.depth += 1
        self.elements += 1
        self.package.elements += 1
        self.package.attributes += len(attributes)
        if self.depth > MAX_DEPTH:
            raise _no("unsafe-file", f"phần {self.shown} có XML lồng quá {MAX_DEPTH} tầng")
        if name == "row" and self.tags["row"] > MAX_ROWS:
            raise _no("too-many-cells", f"một trang có quá {grouped(MAX_ROWS)} dòng")
        if name == "mergeCell" and self.tags["mergeCell"] > MAX_MERGED:
            raise _no("too-many-cells", f"một trang có quá {grouped(MAX_MERGED)} vùng gộp ô")
        if name == "c" and self.tags["c"] > MAX_CELLS:
            raise _no("too-many-cells", f"một trang có quá {grouped(MAX_CELLS)} ô")
        if self.package.elements > MAX_ELEMENTS or self.package.attributes > MAX_ATTRIBUTES:
            raise _too_many_elements()
        if name in COVERING and "ref" in attributes:
            self._cover(attributes["ref"])
        if len(attributes.get("formatCode", "")) > MAX_FORMAT:
            raise _no("unsafe-file", f"phần {self.shown} có định dạng số quá dài")
        if name == "c":
            self.numeric = attributes.get("t", "n") == "n"
        elif name == "v" and self.numeric:
            self.digits = []
        if name == "definedName":
            self.defined = self.parser.CurrentByteIndex
        if name == "f" and attributes.get("t") == "shared":
            self.shared += 1
            self.formula = self.parser.CurrentByteIndex
        elif name == "sheet" and RELATION_ID in attributes:
            if attributes[RELATION_ID] in self.ids:
                raise _no("unsafe-file", "một trang được kể hai lần")
            self.ids.add(attributes[RELATION_ID])
        elif name == "Relationship" and attributes.get("TargetMode") != "External":
            self._relate(attributes.get("Type", ""), attributes.get("Target", ""))
        elif self.name == CONTENT_TYPES:
            self._declare(name, attributes)

    def _end(self, _tag: str) -> None:
        self.depth -= 1
        if self.digits is not None:
            if not NUMBER.fullmatch("".join(self.digits).strip()):
                raise _no("unsafe-file", f"phần {self.shown} có số ghi khác mọi bảng tính")
            self.digits = None
        if self.formula is not None:
            self.longest = max(self.longest, self.parser.CurrentByteIndex - self.formula)
            self.formula = None
        if self.defined is not None:
            if self.parser.CurrentByteIndex - self.defined > MAX_NAME:
                raise _no("unsafe-file", f"phần {self.shown} có tên vùng quá dài")
            self.defined = None

    def _text(self, text: str) -> None:
        self.package.text += len(text)
        if self.package.text > MAX_TEXT:
            raise _no("too-many-cells", f"tệp có quá {grouped(MAX_TEXT)} chữ")
        if self.digits is not None:
            self.digits.append(text)

    def _cover(self, ref: str) -> None:
        match = RANGE.fullmatch(ref)
        if not match:
            raise _no("damaged-file", f"phần {self.shown} có vùng ô không hiểu được {_shown(ref)}")
        self.package.covered += _area(*match.groups())
        if self.package.covered > MAX_COVERED:
            found = f"vùng gộp ô, liên kết, bảng, ghi chú và công thức phủ quá {grouped(MAX_COVERED)} ô"
            raise _no("too-many-cells", found)

    def _relate(self, kind: str, target: str) -> None:
        """Count a relationship from the part that this .rels belongs to."""
        folder = posixpath.dirname(posixpath.dirname(self.name))
        part = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        self.package.uses[part] += 1
        if kind.endswith("/worksheet"):
            self.package.sheets.add(part)

    def _declare(self, name: str, attributes: dict[str, str]) -> None:
        """Take a content type."""
        kind = attributes.get("ContentType", "")
        self.package.macros |= "macro" in kind.lower()  # sheets of Excel 4 macros, too
        if WORKBOOK.fullmatch(kind):
            part = attributes.get("PartName", "") if name == "Override" else "/xl/workbook.xml"
            self.package.workbooks.add(part.removeprefix("/"))

    def _doctype(self, *_: object) -> None:
        raise _no("unsafe-file", f"phần {self.shown} có khai báo DOCTYPE")

    def _namespace(self, _prefix: str | None, uri: str | None) -> None:
        if uri == STRICT:
            raise _no("old-excel", "nội dung là Strict Open XML Spreadsheet")
        if len(uri or "") > MAX_NAMESPACE:
            raise _no("unsafe-file", f"phần {self.shown} có không gian tên XML quá dài")


def _too_many_elements() -> UnreadableError:
    return _no("too-many-cells", f"tệp có quá {grouped(MAX_ELEMENTS)} phần tử XML")


def _area(left: str | None, top: str | None, right: str | None, bottom: str | None) -> int:
    """Cells in a range: 4 of (A, 1, B, 2); a missing row or column means all of them."""
    width = abs(addresses.number(right or left) - addresses.number(left)) + 1 if left else 16_384
    height = abs(int(bottom or top) - int(top)) + 1 if top else 1_048_576
    return width * height
