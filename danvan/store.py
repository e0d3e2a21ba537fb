"""Files that are whole or not there: content keys, atomic writes, a folder swapped in, the cache; the same zip for the
same content; a file opened for what it is, never through a link. Stdlib only.

What is being written is its owner's alone; what is finished has the usual rights.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import stat
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path


class NotAFileError(OSError):
    """A link, a folder, a pipe or a device stands where a file is to be; `what` says which, in Vietnamese."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(errno.EINVAL, what, str(path))
        self.what = what


def open_file(path: Path) -> io.BufferedReader:
    """Open a regular file for reading its bytes: no link in its place is followed, no pipe waited for.

    Links among the folders above it are the administrator's business. Raises NotAFileError, and OSError as `open`.
    """
    _require_file(path, path.lstat())  # first, for to open a device may already do something
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):  # no system has them all
        flags |= getattr(os, name, 0)
    try:
        number = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:  # it has just become a link
            raise NotAFileError(path, "liên kết") from None
        raise
    file = os.fdopen(number, "rb")
    try:
        _require_file(path, os.fstat(number))
    except NotAFileError:
        file.close()
        raise
    return file


def _require_file(path: Path, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    link, folder = stat.S_ISLNK(status.st_mode), stat.S_ISDIR(status.st_mode)
    raise NotAFileError(path, "liên kết" if link else "thư mục" if folder else "tệp đặc biệt của hệ thống")


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """`open_file`, for as long as it is read; an OSError names the file also where reading fails midway."""
    try:
        with open_file(path) as file:
            yield file
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def read_file(path: Path, most: int = -1) -> bytes:
    """The bytes of a regular file, `most` at the most; raises what `open_file` does."""
    with opened(path) as file:
        return file.read(most)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes; raises what `open_file` does."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_key(parts: Iterable[tuple[str, str]]) -> str:
    """The one key function: a digest over (name, digest or text) pairs, independent of their order."""
    digest = hashlib.sha256()
    for name, content in sorted(parts):
        # A file's name may be no text in any encoding; it still is a name.
        digest.update(f"{len(name)}:{name}{len(content)}:{content}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def spelt(digest: str, length: int) -> str:
    """The beginning of a hex digest in the letters a to p: short, and never to be taken for a number."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest[:length])


def files_below(folder: Path) -> list[Path]:
    """Regular files below `folder`, sorted, without caches and hidden files."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(p.startswith((".", "__pycache__", "~$")) for p in path.relative_to(folder).parts)
    )


def zipped(members: Mapping[str, bytes], day: date = date(1980, 1, 1)) -> bytes:
    """A zip of these members in this order, dated `day` (else where a zip's time begins): the same on every system."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, day.timetuple()[:6])
            member.create_system = 3
            target.writestr(member, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def write_atomic(path: Path, content: bytes) -> None:
    """Write beside `path`, flush to disk, rename: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        with _private(beside) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _usual(beside, 0o666)
        beside.replace(path)
        _flush(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _private(path: Path) -> io.BufferedWriter:
    """Open a new file for writing that only its owner can read; what a killed run left in its place goes."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb")


def _umask() -> int:
    """What the user does not grant to others. There is no way to ask but to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


_UMASK = _umask()  # once, while no other thread of ours makes files: it is the whole process's


def _usual(path: Path, rights: int) -> None:
    """Give a private file or folder the rights that it would have had without us; Windows has others."""
    if os.name != "nt":
        mode = path.stat().st_mode
        path.chmod(stat.S_IMODE(mode) & ~0o777 | rights & ~_UMASK)  # a folder keeps the mark that its group goes on


def fresh_folder(target: Path) -> Path:
    """An empty folder beside `target` to build in, its owner's alone; what an interrupted build left goes first."""
    repair(target)
    beside = target.with_name(f".{target.name}.new")
    beside.mkdir(0o700, parents=True)
    return beside


def swap_in(new: Path, target: Path, rights: int = 0o777) -> None:
    """Put the finished folder `new` in the place of `target` whole; the old one goes only afterwards.

    It gets these rights, as the umask leaves them. All of it is on the disk before the old one goes. Where the system
    refuses, the old one is there as before.
    """
    for path in files_below(new):
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    _usual(new, rights)
    for folder in (*(path for path in new.rglob("*") if path.is_dir()), new):
        _flush(folder)
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
        _flush(target.parent)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Have the disk keep the names in a folder, too: a file that was renamed to is there only when its name is."""
    if os.name == "nt":  # has no such call
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system lets itself be asked
            raise
    finally:
        os.close(number)


@contextmanager
def swapped_in(target: Path, rights: int = 0o777) -> Iterator[Path]:
    """A folder beside `target` that takes its place, with these rights, when all is well, and is gone when not."""
    new = fresh_folder(target)
    try:
        yield new
        swap_in(new, target, rights)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def is_torn(target: Path) -> bool:
    """Whether a crash left something beside `target` that `repair` would mend."""
    return any(target.with_name(f".{target.name}.{end}").exists() for end in ("old", "new"))


def repair(target: Path) -> None:
    """Undo what a crash left: between the two renames the old folder comes back; half-built ones go."""
    old = target.with_name(f".{target.name}.old")
    if old.exists():
        if target.exists():
            shutil.rmtree(old)
        else:
            old.rename(target)
    new = target.with_name(f".{target.name}.new")
    if new.exists():
        shutil.rmtree(new)


class Cache:
    """What stages made, by stage and content key. An entry that is not whole is none; to delete the folder is safe."""

    KEPT_DAYS = 90  # after their last use

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, stage: str, key: str) -> bytes | None:
        """What `put` was given, or None."""
        path = self.folder / stage / key
        try:
            content = read_file(path)
        except OSError:
            return None
        with suppress(OSError):  # a folder that cannot be written can still be read
            os.utime(path)
        digest, body = content[:32], content[32:]
        return body if hashlib.sha256(body).digest() == digest else None

    def put(self, stage: str, key: str, content: bytes) -> None:
        """Keep `content`. A disk that refuses costs the next run time, nothing else."""
        path = self.folder / stage / key
        beside = path.with_name(f".{key}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _private(beside).close()  # and so it stays: nobody else has to read it
            beside.write_bytes(hashlib.sha256(content).digest() + content)  # not flushed: the digest tells a torn one
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def made(self, stage: str, key: str, make: Callable[[], bytes]) -> bytes:
        """What is kept, else what `make` gives, kept from now on."""
        if (kept := self.get(stage, key)) is not None:
            return kept
        content = make()
        self.put(stage, key, content)
        return content

    def sweep(self) -> None:
        """Drop what nobody has used for long, and what a killed run left half-written."""
        now = time.time()
        for path in self.folder.glob("*/*"):
            days = 1 if path.name.startswith(".") else self.KEPT_DAYS
            try:
                if path.stat().st_mtime < now - days * 86400:
                    path.unlink()
            except OSError:
                continue  # another run swept it

    def clear(self) -> None:
        """Forget everything."""
        for stage in self.folder.iterdir() if self.folder.is_dir() else ():  # the folder itself may be a link
            shutil.rmtree(stage, ignore_errors=True)
