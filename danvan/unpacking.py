"""An exported archive, checked and unpacked whole, or a sentence that says why not.

Standard library only: an archive carries this very module and runs it where nothing is installed. Whatever stands in
an archive may have been made by anyone, so all of it is weighed before the first byte is written.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import IO, Any

from danvan.errors import RefusedError, SettingsError, StageError
from danvan.store import swapped_in

FORMAT = 1  # of the archive; another number is another reader's
INDEX, README, MAIN = "export.json", "DOC-TRUOC.txt", "__main__.py"  # of the archive itself, in no project
PIECE = 2**20  # bytes read at a time

_SEAL = b"danvan export, sha256 of all bytes after this line: "
_DIGITS = 64
_LARGEST_INDEX = 64 * 2**20
_SWELLS = 200  # times: text and SVG shrink to a twentieth; what swells more is made to fill a disk
_ALWAYS = 16 * 2**20  # bytes that may come out of any archive
_LONGEST_NAME, _LONGEST_PART = 400, 200  # bytes: folders of an ordinary depth come before it
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EDITION = re.compile(r"(public|internal)(-[0-9]{2,4})?")
# What a damaged zip raises, OSError among them: it may name places before the file's beginning.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Index:
    """What an archive says of itself. `files`: name -> (size in bytes, sha256); `folders`: empty ones; `documents`:
    (year, 'public-01' for an edition, 'public' for a working build); `lock`: sha256 of requirements.lock."""

    danvan: str
    python: str
    lock: str
    years: tuple[int, ...]
    documents: tuple[tuple[int, str], ...]
    files: Mapping[str, tuple[int, str]]
    folders: tuple[str, ...] = ()

    def as_json(self) -> bytes:
        record = {
            "format": FORMAT,
            "danvan": self.danvan,
            "python": self.python,
            "lock": self.lock,
            "years": self.years,
            "documents": [{"year": year, "edition": edition} for year, edition in self.documents],
            "folders": self.folders,
            "files": {name: {"size": size, "sha256": digest} for name, (size, digest) in self.files.items()},
        }
        return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


# ---------------------------------------------------------------- names


def unsafe(name: str) -> str:
    """Why no file of an archive may be called so, in a few Vietnamese words; '' where it may, on every system."""
    parts = name.split("/")
    if any(0xD800 <= ord(letter) < 0xE000 for letter in name):
        return "tên không phải chữ Unicode"
    if any(unicodedata.category(letter) == "Cc" or letter in '<>:"|?*\\' for letter in name):
        return "tên có ký tự mà Windows không nhận"
    if any(part in ("", ".", "..") for part in parts):
        return "tên chỉ ra ngoài thư mục"
    if any(part.startswith(".") for part in parts):
        return "tên của tệp ẩn"
    if any(part.endswith((" ", ".")) for part in parts):
        return "tên kết thúc bằng dấu cách hoặc dấu chấm"
    if any(_DEVICES.fullmatch(part.partition(".")[0].rstrip(" ")) for part in parts):
        return "tên dành riêng của Windows"
    if unicodedata.normalize("NFC", name) != name:
        return "tên không ở dạng dựng sẵn (NFC)"
    if len(name.encode()) > _LONGEST_NAME or any(len(part.encode()) > _LONGEST_PART for part in parts):
        return "tên quá dài"
    return ""


def clash(names: Iterable[str]) -> tuple[str, str] | None:
    """Two of these names that are one file on some system, or of which one would be the other's folder."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(_alike(name), name)) != name:
            return other, name
    for name in seen.values():
        for end, letter in enumerate(name):
            if letter == "/" and (other := seen.get(_alike(name[:end]), "")):
                return other, name
    return None


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


# ---------------------------------------------------------------- the seal over all bytes


@contextmanager
def sealed(file: BufferedRandom) -> Iterator[None]:
    """Begin an archive's file with the digest of all that is written after it.

    Before the zip and not in its comment, with which Python before 3.8 would not even run it to say that it is old.
    """
    file.write(_seal("0" * _DIGITS))
    yield
    digest = _digest(file)
    file.seek(0)
    file.write(_seal(digest))


def _seal(digest: str) -> bytes:
    return _SEAL + digest.encode() + b"\n"


def _digest(file: BufferedRandom | BufferedReader) -> str:
    """The digest of what comes after the seal."""
    file.seek(len(_seal("0" * _DIGITS)))
    return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole(file: BufferedReader) -> bool:
    seal = _seal(_digest(file))
    file.seek(0)
    return file.read(len(seal)) == seal


def is_archive(path: Path) -> bool:
    """Whether this file was once exported, damaged or not."""
    first = len(_seal("0" * _DIGITS)) + 30  # where the name of the zip's first member stands
    try:
        with path.open("rb") as file:
            head = file.read(first + len(README))
    except OSError:
        return False
    return head.startswith(_SEAL) or head[first:] == README.encode()


# ---------------------------------------------------------------- reading


def check(archive: Path) -> Index:
    """What an archive says of itself, once all of it has been read and found to be so. Raises as `unpack` does."""
    with _opened(archive) as (source, index):
        for name in index.files:
            for _ in _content(archive, source, index, name):
                pass
    return index


def unpack(archive: Path, target: Path) -> Index:
    """Unpack the project of an archive into the folder `target`, which must be empty or not be there; whole or not at
    all, readable for its owner alone (or as the empty folder was).

    Raises SettingsError (no archive, one of a newer kind; a target that is in use), RefusedError (damaged or malicious,
    with the name of the part), StageError (the disk refuses).
    """
    with _opened(archive) as (source, index):
        mode = _free(target)
        _require_room(target, sum(size for size, _ in index.files.values()))
        with _told_of_disk(target), swapped_in(target, mode) as new:
            for name in index.folders:
                (new / name).mkdir(parents=True, exist_ok=True)
            for name in index.files:
                if name in (README, MAIN):
                    continue
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                with (new / name).open("xb") as file:
                    for piece in _content(archive, source, index, name):
                        file.write(piece)
            if target.exists():
                target.rmdir()  # refuses where something came into it meanwhile
    return index


def _free(target: Path) -> int:
    """The rights that the new folder gets; raises SettingsError where the target is not free."""
    try:
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise SettingsError(f"{target} không phải thư mục. Hãy chọn một thư mục mới để khôi phục vào.")
        if not target.exists():
            if not target.parent.is_dir():
                raise SettingsError(f"Không có thư mục {target.parent}. Hãy tạo thư mục ấy rồi chạy lại.")
            return 0o700
        if any(target.iterdir()):
            raise SettingsError(
                f"Thư mục {target} đã có tệp. Không ghi đè lên gì cả: hãy chọn một thư mục mới để khôi phục vào."
            )
        return stat.S_IMODE(target.stat().st_mode)
    except OSError as error:
        raise SettingsError(f"Không xem được thư mục {target} ({error.strerror}). Hãy chọn thư mục khác.") from None


def _require_room(target: Path, needed: int) -> None:
    if (free := shutil.disk_usage(target.parent).free) < needed:
        raise StageError(
            f"Cần {megabytes(needed)} để giải nén nhưng đĩa chứa {target.parent} chỉ còn {megabytes(free)}. "
            "Hãy dọn đĩa hoặc chọn thư mục khác; chưa có gì được ghi."
        )


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB".replace(".", ",")


@contextmanager
def _told_of_disk(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            why = "Hết chỗ trên đĩa khi giải nén. Hãy dọn đĩa hoặc chọn thư mục khác"
        else:
            why = f"Không ghi được vào {target} ({error.strerror}). Hãy chọn một thư mục mới mà bạn có quyền ghi"
        raise StageError(f"{why}; không để lại gì.") from None


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[zipfile.ZipFile, Index]]:
    """The archive, sealed, with members that are just those of its index, and may all be written."""
    if not archive.is_file():
        raise SettingsError(f"Không có tệp {archive}.")
    if not is_archive(archive):
        raise SettingsError(f"{archive.name} không phải kho lưu do build.py export lập.")
    try:
        file = archive.open("rb")
    except OSError as error:
        raise SettingsError(f"Không đọc được {archive} ({error.strerror}).") from None
    with file:
        size = file.seek(0, os.SEEK_END)
        if not _is_whole(file):
            raise damaged(archive, _first_damaged(file))
        try:
            source = zipfile.ZipFile(file)
        except _BROKEN:
            raise damaged(archive, "mục lục") from None
        with source:
            index = _index(archive, source)
            _require_harmless(archive, source, index, size)
            yield source, index


def damaged(archive: Path, what: str) -> RefusedError:
    return RefusedError(
        f"Kho lưu {archive.name} không còn nguyên: {what} bị hỏng hoặc bị sửa. "
        "Hãy chép lại tệp ấy, hoặc dùng kho lưu khác; chưa có gì được giải nén."
    )


def _first_damaged(file: IO[bytes]) -> str:
    """The name of the first part that does not read as its own checksum says."""
    try:
        with zipfile.ZipFile(file) as source:
            for member in source.infolist():
                try:
                    with source.open(member) as content:
                        while content.read(PIECE):
                            pass
                except _BROKEN:
                    return member.filename
    except _BROKEN:
        return "mục lục (tệp chép chưa hết chăng?)"
    return "mục lục"


def _index(archive: Path, source: zipfile.ZipFile) -> Index:
    try:
        member = source.getinfo(INDEX)
        if member.file_size > _LARGEST_INDEX:
            raise damaged(archive, INDEX)
        record = json.loads(source.read(member), object_pairs_hook=_once)
        if type(record["format"]) is int and record["format"] > FORMAT:
            raise SettingsError(
                f"{archive.name} do một bản danvan mới hơn lập. Hãy chạy chính nó: python3 {archive.name} THƯ_MỤC"
            )
        return _checked(record)
    except (*_BROKEN, KeyError, TypeError, AttributeError, RecursionError):
        raise damaged(archive, INDEX) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _checked(record: Mapping[str, Any]) -> Index:
    """The index, each part of the type that it must be; raises one of the errors of wrong data where it is not."""

    def require(good: bool) -> None:
        if not good:
            raise ValueError

    files = {name: (one["size"], one["sha256"]) for name, one in record["files"].items()}
    documents = tuple((one["year"], one["edition"]) for one in record["documents"])
    texts = [record["danvan"], record["python"], record["lock"], *record["folders"]]
    years = [*record["years"], *(year for year, _ in documents)]
    require(record["format"] == FORMAT and all(isinstance(text, str) for text in texts))
    require(all(type(year) is int and 1000 <= year <= 9999 for year in years))
    require(all(type(size) is int and size >= 0 and _DIGEST.fullmatch(digest) for size, digest in files.values()))
    require(all(_EDITION.fullmatch(edition) for _, edition in documents))
    folders = tuple(record["folders"])
    return Index(texts[0], texts[1], texts[2], tuple(record["years"]), documents, files, folders)


def _require_harmless(archive: Path, source: zipfile.ZipFile, index: Index, size: int) -> None:
    """Raise RefusedError where something in the archive must not be written, or is not what its index says."""

    def refuse(name: str, why: str) -> RefusedError:
        shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
        return RefusedError(f"Kho lưu {archive.name} bị từ chối: “{shown}”: {why}. Chưa có gì được giải nén.")

    members = source.infolist()
    for name, count in Counter(member.orig_filename for member in members).items():
        if count > 1:
            raise refuse(name, f"có {count} lần")
    for name in (*(member.orig_filename for member in members), *index.folders):
        if why := unsafe(name):
            raise refuse(name, why)
    names = [member.filename for member in members]
    if pair := clash((*names, *index.folders)):
        raise refuse(pair[1], f"trùng với “{pair[0]}”")
    for name in sorted({*names} ^ {*index.files, INDEX}):
        raise refuse(name, "không có trong mục lục" if name in names else "có trong mục lục nhưng không có tệp")
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise refuse(member.filename, "là liên kết hoặc không phải tệp thường")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refuse(member.filename, "đóng gói theo cách mà danvan không dùng")
        if member.filename != INDEX and member.file_size != index.files[member.filename][0]:
            raise refuse(member.filename, "không đúng kích thước ghi trong mục lục")
    if (total := sum(member.file_size for member in members)) > max(_SWELLS * size, _ALWAYS):
        raise refuse(
            max(members, key=lambda one: one.file_size).filename, f"nở ra tới {megabytes(total)}, như để làm đầy đĩa"
        )


def _content(archive: Path, source: zipfile.ZipFile, index: Index, name: str) -> Iterator[bytes]:
    """A file's bytes, piece by piece; raises RefusedError where they are fewer or others than the index says."""
    left, digest = index.files[name]
    seen = hashlib.sha256()
    try:
        with source.open(name) as file:
            while piece := file.read(PIECE):  # never more than the size that the zip names
                left -= len(piece)
                seen.update(piece)
                yield piece
    except _BROKEN:
        raise damaged(archive, name) from None
    if left or seen.hexdigest() != digest:
        raise damaged(archive, name)
