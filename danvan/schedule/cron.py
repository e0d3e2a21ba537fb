"""Two lines in the user's crontab: every night, and at each start of the machine."""

from __future__ import annotations

import re
import shlex
import shutil
from datetime import datetime, timedelta

from danvan.errors import SettingsError, StageError
from danvan.schedule.job import Job, Standing
from danvan.schedule.tools import ask

NOT_YET = re.compile("no crontab for|no such file", re.IGNORECASE)  # cron and cronie; busybox


def block(job: Job, timeout: str | None) -> str:
    """The lines between the marks, and these. `timeout` is the path of that command, which cron lacks a limit without.

    Raises SettingsError for the one kind of path whose meaning depends on the kind of cron.
    """
    limit = [timeout, "-k", "60", str(job.ended_after * 60)] if timeout else []
    words = " ".join(map(shlex.quote, [*limit, *job.command]))
    if re.search(r"\\[\\%]", words):
        raise SettingsError(
            f"Không đặt được lịch cron cho {job.folder}: tên thư mục có dấu \\ đứng trước \\ hoặc %. "
            "Hãy đổi tên thư mục rồi chạy lại."
        )
    # What is said on stdout would be mailed every night; what goes wrong still is, from stderr.
    command = words.replace("%", r"\%") + " >/dev/null"
    begin, end = _marks(job)
    return (
        f"{begin}\n"
        f"# {job.title}; do “build.py schedule install” viết, đừng sửa ở đây\n"
        f"{job.at.minute} {job.at.hour} * * * {command}\n"
        f"@reboot {command}\n"
        f"{end}\n"
    )


def without_block(crontab: bytes, job: Job) -> bytes:
    """The crontab without the job's lines, every other byte as it was. Raises StageError where a mark is missing."""
    begin, end = (mark.encode() for mark in _marks(job))
    lines = crontab.splitlines(keepends=True)
    marks = [(at, line.strip()) for at, line in enumerate(lines) if line.strip() in (begin, end)]
    if not marks:
        return crontab
    if [mark for _, mark in marks] != [begin, end]:
        raise StageError(
            f"Trong crontab, các dòng đánh dấu của {job.name} không còn đủ một đầu một cuối, nên không biết dòng nào "
            "là của lịch này. Hãy chạy crontab -e, xóa các dòng ấy rồi chạy lại."
        )
    (first, _), (last, _) = marks
    return b"".join(lines[:first] + lines[last + 1 :])


def with_block(crontab: bytes, job: Job, timeout: str | None) -> bytes:
    """The crontab with the job's lines at its end."""
    others = without_block(crontab, job)
    if others and not others.endswith(b"\n"):
        others += b"\n"
    return others + block(job, timeout).encode()


def _marks(job: Job) -> tuple[str, str]:
    return f"# >>> {job.name}", f"# <<< {job.name}"


class Cron:
    words = "cron"

    def is_here(self) -> bool:
        return shutil.which("crontab") is not None

    def install(self, job: Job) -> tuple[str, ...]:
        before = self._crontab()
        after = with_block(before, job, shutil.which("timeout"))
        if after != before:
            self._write(after)
        return ("Xem dịch vụ cron có đang chạy không, ví dụ: service cron status (có máy gọi là crond).",)

    def remove(self, job: Job) -> tuple[str, ...] | None:
        before = self._crontab()
        after = without_block(before, job)
        if after == before:
            return None
        self._write(after)
        return ()

    def standing(self, job: Job) -> Standing | None:
        crontab = self._crontab()
        if without_block(crontab, job) == crontab:
            return None
        now = datetime.now()
        next_one = datetime.combine(now.date(), job.at)
        next_one += timedelta(days=next_one <= now)
        return Standing(
            places=("crontab của người dùng này (xem: crontab -l)",),
            next=f"{next_one:%H:%M ngày %d/%m/%Y}, và mỗi khi máy khởi động",
            current=block(job, shutil.which("timeout")).encode() in crontab,
        )

    def _crontab(self) -> bytes:
        answer = ask("crontab", "-l")
        if answer.code and not NOT_YET.search(answer.err):
            raise StageError(f"Không đọc được crontab ({answer.why}), nên không đổi gì. Hãy hỏi người quản trị máy.")
        return b"" if answer.code else answer.out

    def _write(self, crontab: bytes) -> None:
        answer = ask("crontab", "-", given=crontab) if crontab else ask("crontab", "-r")
        if answer.code:
            raise StageError(f"cron từ chối lịch mới ({answer.why}); crontab cũ còn nguyên.")
