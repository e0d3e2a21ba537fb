"""Files that are whole or not there: content keys, atomic writes, a folder swapped in, the cache; the same zip for the
same content. Stdlib only.
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


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """A regular file, to be read. What else stands there is not waited for: a pipe may never say anything.

    Raises OSError, which names the file, also where reading fails midway.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "không phải tệp thường", str(path))
            yield file
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


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
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def fresh_folder(target: Path) -> Path:
    """An empty folder beside `target` to build in; what an interrupted build left there is swept first."""
    repair(target)
    beside = target.with_name(f".{target.name}.new")
    beside.mkdir(parents=True)
    return beside


def swap_in(new: Path, target: Path) -> None:
    """Put the finished folder `new` in the place of `target` whole; the old one goes only afterwards.

    All of it is on the disk before the old one goes.
    """
    for path in files_below(new):
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def swapped_in(target: Path) -> Iterator[Path]:
    """A folder beside `target` that takes its place when all is well, and is gone when not."""
    new = fresh_folder(target)
    try:
        yield new
        swap_in(new, target)
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
            with opened(path) as file:
                content = file.read()
            os.utime(path)
        except OSError:
            return None
        digest, body = content[:32], content[32:]
        return body if hashlib.sha256(body).digest() == digest else None

    def put(self, stage: str, key: str, content: bytes) -> None:
        """Keep `content`. A disk that refuses costs the next run time, nothing else."""
        path = self.folder / stage / key
        beside = path.with_name(f".{key}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
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
