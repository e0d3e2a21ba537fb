"""A task of Windows Task Scheduler."""

from __future__ import annotations

import csv
import io
import subprocess
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

from danvan.errors import StageError
from danvan.schedule.job import Job, Standing, ended
from danvan.schedule.tools import Answer, ask

# The elements stand in the order of the schema in [MS-TSCH] 2.5; the date of the start counts for nothing but its time.
TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{title}</Description>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2020-01-01T{at:%H:%M}:00</StartBoundary>
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>{logon}
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>{limit}</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Principals>
    <Principal id="user">
      <UserId>{user}</UserId>
      <LogonType>{logon_type}</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Actions Context="user">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
LOGON = """
    <LogonTrigger>
      <UserId>{user}</UserId>
      <Delay>PT5M</Delay>
    </LogonTrigger>"""
NEVER_RUN, RUNNING = 0x41303, 0x41301  # SCHED_S_TASK_HAS_NOT_RUN, SCHED_S_TASK_RUNNING


def task(job: Job, user: str, *, unwatched: bool) -> bytes:
    """The task as schtasks reads it: UTF-16 with its mark. `user` is the SID of who runs it.

    `unwatched`: it runs whether or not that user is logged on, without a stored password (S4U); else only in the user's
    own session, and then at each logon too, which catches up.
    """
    text = TASK.format(
        title=escape(job.title),
        at=job.at,
        logon="" if unwatched else LOGON.format(user=escape(user)),
        limit=_duration(job.ended_after),
        user=escape(user),
        logon_type="S4U" if unwatched else "InteractiveToken",
        command=escape(job.python),
        arguments=escape(subprocess.list2cmdline(job.command[1:])),
        folder=escape(str(job.folder)),
    )
    return text.replace("\n", "\r\n").encode("utf-16")


class TaskScheduler:
    words = "Task Scheduler của Windows"

    def install(self, job: Job) -> tuple[str, ...]:
        user = _user()
        if not _create(job, task(job, user, unwatched=True)).code:
            return (
                "Lịch chạy cả khi không ai đăng nhập, nhưng khi ấy không vào được thư mục chia sẻ trên mạng: "
                "dự án phải nằm trên ổ đĩa của máy này.",
            )
        # Who may not “log on as a batch job” is refused that.
        if (answer := _create(job, task(job, user, unwatched=False))).code:
            raise StageError(
                f"Task Scheduler từ chối lịch ({answer.why}). Hãy mở Command Prompt bằng “Run as administrator” rồi "
                "chạy lại, hoặc hỏi người quản trị máy."
            )
        return (
            "Hiện lịch chỉ chạy khi bạn đang đăng nhập (và 5 phút sau mỗi lần đăng nhập). Để chạy cả khi không ai đăng "
            "nhập, chạy lại lệnh này trong Command Prompt mở bằng “Run as administrator”, hoặc nhờ quản trị cấp quyền "
            "“Log on as a batch job”.",
        )

    def remove(self, job: Job) -> tuple[str, ...] | None:
        if _query(job).code:
            return None
        if (answer := ask("schtasks", "/Delete", "/TN", job.name, "/F")).code:
            raise StageError(
                f"Task Scheduler không cho xóa lịch {job.name} ({answer.why}). Hãy chạy lại trong Command Prompt mở "
                "bằng “Run as administrator”."
            )
        return ()

    def standing(self, job: Job) -> Standing | None:
        answer = _query(job, "/FO", "CSV", "/NH", "/V")
        if answer.code:
            return None
        # By place: the heads are in the language of Windows. One row for each trigger.
        rows = [row for row in csv.reader(io.StringIO(answer.text)) if len(row) > 6]
        nexts = [row[2] for row in rows if any(map(str.isdigit, row[2]))]
        last, code = (rows[0][5], rows[0][6]) if rows else ("", "")
        known = _query(job, "/XML").text
        return Standing(
            places=(f"Task Scheduler Library, tác vụ {job.name}",),
            next=nexts[0] if nexts else "",
            last=_last(last, code),
            remarks=() if "S4U" in known else ("Lịch chỉ chạy khi bạn đang đăng nhập.",),
            # Not the paths: here Windows may give their letters as question marks.
            current=f"T{job.at:%H:%M}:00" in known and f">{_duration(job.ended_after)}<" in known,
        )


def _duration(minutes: int) -> str:
    """185 -> 'PT3H5M'."""
    hours, rest = divmod(minutes, 60)
    return f"PT{f'{hours}H' * bool(hours)}{f'{rest}M' * bool(rest)}"


def _user() -> str:
    """The SID of who runs this: a name may be spelt in ways that Task Scheduler does not take."""
    answer = ask("whoami", "/user", "/fo", "csv", "/nh")
    rows = [row for row in csv.reader(io.StringIO(answer.text)) if len(row) == 2]
    if answer.code or not rows:
        raise StageError(f"Windows không cho biết tài khoản đang dùng ({answer.why}). Hãy chạy lại.")
    return rows[0][1]


def _create(job: Job, content: bytes) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "task.xml"
        file.write_bytes(content)
        return ask("schtasks", "/Create", "/TN", job.name, "/XML", str(file), "/F")


def _query(job: Job, *how: str) -> Answer:
    return ask("schtasks", "/Query", "/TN", job.name, *how)


def _last(when: str, code: str) -> str:
    if code in ("", str(NEVER_RUN)):
        return ""
    if code == str(RUNNING):
        return f"đang chạy, từ {when}"
    return f"{when}: {ended(code)}"
