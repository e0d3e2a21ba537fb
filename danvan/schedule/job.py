"""What is started every night, by which Python, and what it is called; what a scheduler can do with it."""

from __future__ import annotations

import hashlib
import os
import sys
import unicodedata
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Protocol

from danvan import stamp
from danvan.errors import LockedError, SettingsError
from danvan.paths import Project

# A run ends itself at its limit, and tells of it; the scheduler ends what has not, so much later.
GRACE = 5


@dataclass(frozen=True)
class Job:
    """`python build.py scheduled` of the project in `folder`, every night at `at` (local time).

    `limit` is what a run may take, in minutes.
    """

    python: str
    folder: Path
    at: time
    limit: int

    @property
    def name(self) -> str:
        """One name for each folder: two projects on one machine do not meet."""
        place = os.path.normcase(self.folder)
        return f"danvan-{hashlib.sha256(place.encode()).hexdigest()[:8]}"

    @property
    def build(self) -> str:
        return str(self.folder / "build.py")

    @property
    def command(self) -> tuple[str, ...]:
        return self.python, self.build, "scheduled"

    @property
    def title(self) -> str:
        return f"danvan: báo cáo tự động của thư mục “{self.folder}”"

    @property
    def ended_after(self) -> int:
        """Minutes after which the scheduler ends a run."""
        return self.limit + GRACE


@dataclass(frozen=True)
class Standing:
    """How a schedule stands on this machine, in words; what is not known is empty."""

    places: tuple[str, ...]
    next: str = ""
    last: str = ""
    remarks: tuple[str, ...] = ()  # what a person has to know or to do
    current: bool = True  # whether it is what `install` would put there now

    def lines(self, job: Job, scheduler: str) -> list[str]:
        """The same for a person, line by line."""
        stale = () if self.current else ("Lịch khác với cài đặt hiện nay. Hãy chạy lại build.py schedule install.",)
        return [
            f"Lịch:          {job.name}, bằng {scheduler}",
            *(f"Nơi đặt:       {place}" for place in self.places),
            f"Lệnh:          {' '.join(job.command)}",
            f"Lần chạy tới:  {self.next or 'chưa rõ'}",
            f"Lần chạy cuối: {self.last or 'chưa rõ'}; kết quả đầy đủ: reports/status.json",
            *(f"- {remark}" for remark in (*stale, *self.remarks)),
        ]


def ended(code: str) -> str:
    """What an exit code of a run says."""
    told = {"0": "xong", str(LockedError.exit_code): "nhường cho một lần chạy khác đang làm"}
    return told.get(code, f"không thành, mã kết thúc {code}")


class Scheduler(Protocol):
    """A machine's own scheduler. Each raises StageError where the machine refuses."""

    @property
    def words(self) -> str:
        """What it is called."""

    def install(self, job: Job) -> tuple[str, ...]:
        """Put the job in, in place of what was there under its name; gives what remains for a person to do."""

    def remove(self, job: Job) -> tuple[str, ...] | None:
        """Take the job out; gives what remains, or None where there was none."""

    def standing(self, job: Job) -> Standing | None:
        """How it stands, or None where it is not installed."""


def job_of(project: Project, run_at: time, time_limit_minutes: int) -> Job:
    """The job of this project.

    Raises SettingsError where the name of a folder has what no schedule can hold (a line end, or bytes that are not
    text), and for root where the folder is another's: what it builds the owner could not replace.
    """
    job = Job(_python(), project.root, run_at, time_limit_minutes)
    for path in (job.python, job.build):
        # Control characters, and the surrogates that stand for bytes that are no text.
        if {"Cc", "Cs"} & set(map(unicodedata.category, path)):
            raise SettingsError(
                f"Không đặt lịch được cho {path!a}: tên thư mục có ký tự điều khiển hoặc ký tự không đọc được. "
                "Hãy đổi tên thư mục rồi chạy lại."
            )
    if hasattr(os, "geteuid") and os.geteuid() == 0 and (owner := project.root.stat().st_uid):
        raise SettingsError(
            f"Thư mục này thuộc về tài khoản khác (uid {owner}), không phải root, nên không đặt lịch cho root. "
            "Hãy chạy lại bằng tài khoản ấy, không dùng sudo."
        )
    return job


def _python() -> str:
    """The Python that finds or makes .venv, so that a new .venv does not break the schedule; where the packages lie
    in an environment of the user's (conda, uv), the Python of that one."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    return base if stamp.is_here(stamp.VENV) else sys.executable
