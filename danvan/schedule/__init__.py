"""The nightly start of `build.py scheduled`, put into this machine's own scheduler: the choice of it.

A run decides by what it finds whether anything is due, so that every night is right for a yearly report, and any start
after a missed one catches up.
"""

from __future__ import annotations

import os

from danvan.errors import StageError
from danvan.schedule.cron import Cron
from danvan.schedule.job import Job, Scheduler, Standing, job_of
from danvan.schedule.systemd import Systemd
from danvan.schedule.windows import TaskScheduler

__all__ = ["Job", "Scheduler", "Standing", "job_of", "scheduler"]


def scheduler() -> Scheduler:
    """The scheduler of this machine: Windows Task Scheduler; systemd where the machine was started by it; else cron.

    Raises StageError where there is none.
    """
    if os.name == "nt":
        return TaskScheduler()
    for one in (Systemd(), Cron()):
        if one.is_here():
            return one
    raise StageError(
        "Máy này không có systemd, cũng không có lệnh crontab, nên chưa đặt được lịch. Hãy cài cron rồi chạy lại; "
        "nếu đây là một container thì đặt lịch ở máy chủ của nó, xem deploy/README.md."
    )
