"""xlsx -> raw cells: value, type and address as they stand in the file, nothing interpreted. Never changes the file."""

from __future__ import annotations

import io
import stat
import warnings
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

MAX_BYTES = 20_000_000
MAX_UNPACKED = 20_000_000  # a return unpacks to a tenth of a megabyte
MAX_CELLS = 100_000

RawValue = str | int | float | bool | datetime | date | time | timedelta | None


@dataclass(frozen=True)
class RawCell:
    """A cell as stored; `type` as openpyxl says: s text, n number, b boolean, d date, e error, f formula."""

    ref: str
    row: int
    column: int
    value: RawValue
    type: str
    number_format: str


@dataclass(frozen=True)
class Sheet:
    """A sheet's non-empty cells, by (row, column), both from 1."""

    name: str
    cells: dict[tuple[int, int], RawCell]

    @cached_property
    def rows(self) -> dict[int, list[RawCell]]:
        """The cells row by row, from the top, each row from the left."""
        found: dict[int, list[RawCell]] = {}
        for (row, _), cell in sorted(self.cells.items()):
            found.setdefault(row, []).append(cell)
        return found

    def text(self, row: int, column: int) -> str:
        """The cell as stripped text; '' when empty."""
        cell = self.cells.get((row, column))
        return "" if cell is None or cell.value is None else str(cell.value).strip()


def letter(column: int) -> str:
    """'D' of 4."""
    return get_column_letter(column)


class UnreadableError(Exception):
    """The file cannot be taken as a workbook; args: reason, remedy (Vietnamese)."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def read(path: Path) -> list[Sheet]:
    """All sheets of an .xlsx file. Raises UnreadableError, with the reason in the analyst's words."""
    content = _bytes(path)
    _check_zip(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl's remarks on styles and extensions do not concern values
            book = openpyxl.load_workbook(io.BytesIO(content), data_only=False, keep_links=False)
    except Exception as error:  # openpyxl raises whatever the broken part happens to trip over
        raise UnreadableError(
            f"tệp hỏng, không mở được ({type(error).__name__})",
            "Mở tệp bằng Excel, lưu lại dạng .xlsx rồi gửi lại.",
        ) from None
    return [_sheet(sheet) for sheet in book.worksheets]


def _sheet(sheet: Worksheet) -> Sheet:
    # Not iter_rows: one formatted cell in the last column would make it create millions of empty ones.
    filled = [cell for cell in sheet._cells.values() if cell.value is not None]
    if len(filled) > MAX_CELLS:
        raise UnreadableError(
            f"trang “{sheet.title}” có {len(filled)} ô, quá {MAX_CELLS}", "Chép số liệu sang phiếu trống rồi gửi lại."
        )
    return Sheet(
        sheet.title,
        {
            (cell.row, cell.column): RawCell(
                cell.coordinate, cell.row, cell.column, _plain(cell.value), cell.data_type, cell.number_format
            )
            for cell in filled
        },
    )


def _plain(value: object) -> RawValue:
    """Array formulas and rich text as their text."""
    if isinstance(value, str | int | float | bool | datetime | date | time | timedelta):
        return value
    return str(getattr(value, "text", value))


def _bytes(path: Path) -> bytes:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError(
                "không phải một tệp thường (liên kết hoặc thư mục)", "Chép chính tệp vào thư mục phiếu."
            )
        if status.st_size > MAX_BYTES:
            raise UnreadableError(
                f"tệp nặng {status.st_size // 1_000_000} MB", "Chép số liệu sang phiếu trống rồi gửi lại."
            )
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"không đọc được ({error.strerror})", "Kiểm tra quyền đọc tệp rồi chạy lại.") from None


def _check_zip(content: bytes) -> None:
    resend = "Gửi lại phiếu dạng Excel (.xlsx)."
    if not content:
        raise UnreadableError("tệp rỗng (0 byte)", resend)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise UnreadableError("tệp đặt mật khẩu", "Bỏ mật khẩu rồi gửi lại.")
        raise UnreadableError("tệp Excel đời cũ (.xls)", "Lưu lại dạng .xlsx rồi gửi lại.")
    if not content.startswith(b"PK"):
        kinds = {b"%PDF": "PDF", b"\xff\xd8\xff": "ảnh", b"\x89PNG": "ảnh", b"<": "trang web (HTML)"}
        kind = next((name for magic, name in kinds.items() if content.lstrip().startswith(magic)), "tệp loại khác")
        raise UnreadableError(f"nội dung là {kind}, không phải Excel", resend)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if unpacked > MAX_UNPACKED:
                raise UnreadableError(
                    f"tệp bung ra {unpacked // 1_000_000} MB", "Chép số liệu sang phiếu trống rồi gửi lại."
                )
            if "[Content_Types].xml" not in archive.namelist() or not any(p.filename.startswith("xl/") for p in parts):
                raise UnreadableError("tệp nén không chứa bảng tính Excel", resend)
    except zipfile.BadZipFile:
        raise UnreadableError("tệp bị cắt cụt hoặc hỏng", "Chép hoặc gửi lại tệp.") from None
