"""A service and a timer of the user's own systemd."""

from __future__ import annotations

import getpass
import os
import re
import shutil
from pathlib import Path

from danvan.errors import StageError
from danvan.schedule.job import Job, Standing, ended
from danvan.schedule.tools import Answer, ask
from danvan.store import write_atomic

BOOTED = Path("/run/systemd/system")  # is there where systemd started the machine: sd_booted(3)

SERVICE = """\
# Do “build.py schedule install” viết. Đừng sửa ở đây: sửa params/scheduled.yaml rồi chạy lại lệnh ấy.
[Unit]
Description={title}

[Service]
Type=oneshot
ExecStart={command}
WorkingDirectory={folder}
# Mật khẩu thư điện tử (DANVAN_SMTP_PASSWORD=...) nếu có thì ở tệp này, không bao giờ ở đây; chỉ chủ tệp được đọc.
EnvironmentFile=-{environment}
# 3: đang có lần chạy khác. Lần ấy làm việc này, hoặc đêm sau làm; không phải lỗi của lịch.
SuccessExitStatus=3
TimeoutStartSec={minutes}min
TimeoutStopSec=1min
KillMode=control-group
Nice=10
# Người đọc phải mở được báo cáo; tệp tạm thì chương trình tự giữ kín.
UMask=0022
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
"""
TIMER = """\
# Do “build.py schedule install” viết. Đừng sửa ở đây: sửa params/scheduled.yaml rồi chạy lại lệnh ấy.
[Unit]
Description={title}

[Timer]
OnCalendar=*-*-* {at:%H:%M}:00
# Máy tắt vào giờ ấy thì chạy bù ngay khi máy bật lại.
Persistent=true

[Install]
WantedBy=timers.target
"""


def service(job: Job, environment: Path) -> str:
    """The text of the service; variables may be set in the file `environment`, which need not be there."""
    return SERVICE.format(
        title=_plain(job.title),
        command=_command(job.command),
        # The end keeps a blank or a backslash at the end of the name from being taken for systemd's own.
        folder=_plain(f"{job.folder}/."),
        environment=_plain(str(environment)),
        minutes=job.ended_after,
    )


def timer(job: Job) -> str:
    """The text of the timer."""
    return TIMER.format(title=_plain(job.title), at=job.at)


def _command(words: tuple[str, ...]) -> str:
    """A command line by the rules of systemd.service(5), COMMAND LINES."""
    if re.search(r"""["'\\]""", words[0]):  # which systemd takes in arguments, but in no program's path
        words = ("/usr/bin/env", *words)
    quoted = " ".join('"{}"'.format(re.sub(r'(["\\])', r"\\\1", _plain(word))) for word in words)
    # In the path of the program itself $$ would stay: so variables are switched off as a whole, which systemd can
    # since version 244, and only where it is needed.
    return f":{quoted}" if "$" in quoted else quoted


def _plain(text: str) -> str:
    """A value that systemd takes as it stands, but for its specifiers."""
    return text.replace("%", "%%")


class Systemd:
    words = "systemd của người dùng"

    def __init__(self) -> None:
        home = Path.home()
        self.config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        self.stamps = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "systemd" / "timers"
        self.environment = self.config / "danvan" / "environment"

    def is_here(self) -> bool:
        return BOOTED.is_dir() and shutil.which("systemctl") is not None

    def texts(self, job: Job) -> dict[Path, str]:
        """What is to stand in which file."""
        folder = self.config / "systemd" / "user"
        return {
            folder / f"{job.name}.service": service(job, self.environment),
            folder / f"{job.name}.timer": timer(job),
        }

    def install(self, job: Job) -> tuple[str, ...]:
        self._need_manager()
        before = {path: _read(path) for path in self.texts(job)}
        try:
            _put({path: text.encode() for path, text in self.texts(job).items()})
            self._done("daemon-reload")
            self._done("enable", f"{job.name}.timer")
            self._done("restart", f"{job.name}.timer")  # so that a new time counts at once
        except BaseException:
            _put(before)
            _systemctl("daemon-reload")
            raise
        if not _lingers():
            ask("loginctl", "--no-ask-password", "enable-linger")
        return self._remarks()

    def remove(self, job: Job) -> tuple[str, ...] | None:
        paths = list(self.texts(job))
        if not any(path.exists() for path in paths):
            return None
        self._need_manager()
        _systemctl("disable", "--now", f"{job.name}.timer")
        _put(dict.fromkeys(paths))
        (self.stamps / f"stamp-{job.name}.timer").unlink(missing_ok=True)
        self._done("daemon-reload")
        _systemctl("reset-failed", f"{job.name}.service")
        if _lingers():
            return (
                "Tài khoản này vẫn được phép chạy nền khi không đăng nhập (linger). Nếu không còn gì cần đến: "
                "loginctl disable-linger",
            )
        return ()

    def standing(self, job: Job) -> Standing | None:
        texts = self.texts(job)
        if not any(path.exists() for path in texts):
            return None
        self._need_manager()
        timed = _properties(f"{job.name}.timer", "ActiveState", "NextElapseUSecRealtime")
        served = _properties(f"{job.name}.service", "ActiveState", "Result", "ExecMainStatus", "ExecMainStartTimestamp")
        active = timed["ActiveState"] == "active"
        stopped = () if active else ("Lịch đang tắt. Hãy chạy lại build.py schedule install.",)
        return Standing(
            places=tuple(map(str, texts)),
            next=_moment(timed["NextElapseUSecRealtime"]) if active else "",
            last=_last(served, job.name),
            remarks=(*stopped, *self._remarks()),
            current=all(_read(path) == text.encode() for path, text in texts.items()),
        )

    def _need_manager(self) -> None:
        if (answer := _systemctl("show-environment")).code:
            who = getpass.getuser()
            raise StageError(
                f"Không nối được với systemd của người dùng {who} ({answer.why}). Hãy đăng nhập thẳng bằng tài khoản "
                f"{who}, không qua su hay sudo, rồi chạy lại; hoặc nhờ quản trị chạy “loginctl enable-linger {who}” "
                "trước."
            )

    def _done(self, *command: str) -> None:
        if (answer := _systemctl(*command)).code:
            raise StageError(
                f"systemd từ chối “systemctl --user {' '.join(command)}”: {answer.why}. Lịch cũ, nếu có, còn "
                "nguyên. Hãy đưa câu trên cho người quản trị máy."
            )

    def _remarks(self) -> tuple[str, ...]:
        """What a person has to do for the schedule to be worth something."""
        remarks = []
        if not _lingers():
            remarks.append(
                f"Hiện lịch chỉ chạy khi {getpass.getuser()} đang đăng nhập. Để chạy cả khi không ai đăng nhập, nhờ "
                f"quản trị chạy: sudo loginctl enable-linger {getpass.getuser()}"
            )
        if self.environment.exists() and self.environment.stat().st_mode & 0o077:
            remarks.append(f"Người khác đọc được {self.environment}, nơi để mật khẩu. Hãy chạy: chmod 600 trên tệp ấy.")
        return tuple(remarks)


def _put(contents: dict[Path, bytes] | dict[Path, bytes | None]) -> None:
    """Write these files; those that have None go."""
    try:
        for path, content in contents.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                write_atomic(path, content)
    except OSError as error:
        raise StageError(
            f"Không ghi được vào {error.filename} ({error.strerror}). Hãy xem quyền của thư mục ấy rồi chạy lại."
        ) from None


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _systemctl(*command: str) -> Answer:
    """Ask the user's manager, also from a shell that has not been told where it is."""
    place = Path(f"/run/user/{os.getuid()}") if hasattr(os, "getuid") else Path()
    untold = not os.environ.get("XDG_RUNTIME_DIR") and place.is_absolute() and place.is_dir()
    return ask("systemctl", "--user", *command, also={"XDG_RUNTIME_DIR": str(place)} if untold else None)


def _properties(unit: str, *names: str) -> dict[str, str]:
    """Properties of a unit; '' for those that are not told."""
    lines = _systemctl("show", unit, f"--property={','.join(names)}").text.splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    return {name: told.get(name, "") for name in names}


def _lingers() -> bool:
    answer = ask("loginctl", "show-user", getpass.getuser(), "--property=Linger")
    return "Linger=yes" in answer.text


def _moment(told: str) -> str:
    """'Sun 2026-11-29 02:00:00 +07' as it is written here; '' for 'n/a'."""
    found = re.search(r"(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d)", told)
    return "{3} ngày {2}/{1}/{0}".format(*found.groups()) if found else ""


def _last(served: dict[str, str], name: str) -> str:
    """How the last start of the service went; '' where there was none since the manager began."""
    when = _moment(served["ExecMainStartTimestamp"])
    if served["ActiveState"] == "activating":
        return f"từ {when}, đang chạy"
    how = "không thành, quá giờ nên bị dừng" if served["Result"] == "timeout" else ended(served["ExecMainStatus"])
    if served["ActiveState"] == "failed":
        return f"{when or 'vừa rồi'}: {how} (xem: journalctl --user -u {name}.service)"
    return f"{when}: {how}" if when else ""
