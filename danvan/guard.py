"""One run at a time, and the disk's refusals in the analyst's words."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from filelock import FileLock, Timeout

from danvan.errors import DISK_REFUSES, LockedError, StageError, words_of
from danvan.paths import Project

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # of the file system
_SAFE = "báo cáo cũ còn nguyên"


@contextmanager
def locked(project: Project, name: str = ".lock") -> Iterator[None]:
    """One run of a kind at a time (builds, checks); a second one is told so instead of waiting.

    Within a run it may be taken again. The system gives it back when its holder ends, however it ends: never a lock
    that is a mere file, which a killed run would leave behind.
    """
    project.reports.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.reports / name, timeout=0, is_singleton=True, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        what = "lập báo cáo" if name == ".lock" else "kiểm tra phiếu"
        raise LockedError(f"Một lần {what} khác đang chạy. Hãy đợi nó xong rồi chạy lại.") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise StageError(
            f"Ổ đĩa chứa {project.relative(project.reports)} không có khóa tệp nên không ngăn được hai lần chạy cùng "
            "lúc. Hãy chuyển dự án sang ổ đĩa của máy rồi chạy lại."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def told_of_disk(project: Project) -> Iterator[None]:
    """What the disk refuses, in the analyst's words; what was half-written goes at the next start."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise refused(error, _fuller(project) if full else project.relative(project.reports)) from None


def refused(error: OSError, where: str) -> StageError:
    """What the disk has refused; `where`, unless the error knows better."""
    where = Path(os.fsdecode(error.filename)).name if isinstance(error.filename, str | bytes) else where
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StageError(f"Hết chỗ trên đĩa khi ghi {where}. Dọn đĩa rồi chạy lại; {_SAFE}.")
    look = "quyền truy cập" if error.errno in DISK_REFUSES else "tệp và ổ đĩa"
    return StageError(f"Không đọc hoặc ghi được {where} ({words_of(error)}). Kiểm tra {look} rồi chạy lại; {_SAFE}.")


def _fuller(project: Project) -> str:
    """A write that was refused does not say where: where there is less space, in reports or for temporary files."""
    places = {project.relative(project.reports): project.reports, "thư mục tạm của hệ thống": Path(gettempdir())}
    try:
        return min(places, key=lambda name: shutil.disk_usage(places[name]).free)
    except OSError:
        return project.relative(project.reports)
