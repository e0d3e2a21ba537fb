"""The nightly run in the machine's own scheduler: what is written, what a machine refuses, and that nothing is left.

The commands of a machine are stood in for by small ones, first in PATH, that keep their state in files. Where the real
systemd and cron can be had for a moment, in a mount namespace of their own, they start what was written.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from lxml import etree

from danvan import schedule, stamp
from danvan.cli import main
from danvan.errors import SettingsError, StageError
from danvan.paths import Project
from danvan.schedule import cron, systemd, windows
from danvan.schedule.job import Job, job_of
from danvan.usage import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
# What each of the three languages takes for its own: blanks, %, $, quotes, backslashes (one at the end).
ODD = "dự án 50% \"Thủy\" $HOME ${X} %h \\n 'q' <&> \\"


def job(folder: Path, at: time = time(2), limit: int = 180, python: str = sys.executable) -> Job:
    return Job(python, folder, at, limit)


class Tools:
    """Commands of our own, first in PATH; `home` is where a user's files would be."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin, self.home = folder / "bin", folder / "home"
        self.bin.mkdir()
        self.home.mkdir()
        monkeypatch.setenv("PATH", f"{self.bin}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("HOME", str(self.home))
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            monkeypatch.delenv(name, raising=False)

    def add(self, name: str, script: str) -> None:
        """A command whose arguments are kept in `calls`."""
        state = shlex.quote(str(self.bin.parent))
        (self.bin / name).write_text(f'#!/bin/sh\ncd {state}\necho "{name} $*" >>calls\n{script}\n', encoding="utf-8")
        (self.bin / name).chmod(0o755)

    @property
    def calls(self) -> list[str]:
        kept = self.bin.parent / "calls"
        return kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if not path.is_dir())


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    return Tools(tmp_path, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with an odd name, whose build.py notes how it was called and ends with the code in `code`."""
    folder = tmp_path / ODD
    folder.mkdir()
    (folder / "build.py").write_text(
        "import os, sys\n"
        "here = os.path.dirname(os.path.abspath(__file__))\n"
        "with open(here + '/ran', 'a', encoding='utf-8') as ran:\n"
        "    print(repr((sys.argv, os.getcwd(), os.environ.get('SECRET'))), file=ran)\n"
        "with open(here + '/code') as code:\n"
        "    sys.exit(int(code.read()))\n",
        encoding="utf-8",
    )
    (folder / "code").write_text("0", encoding="ascii")
    (folder / "params").mkdir()
    shutil.copy(ROOT / "params" / "scheduled.yaml", folder / "params")
    return folder


def in_namespace(script: str, home: Path) -> str:
    """What bash says when it runs `script` where /run and the crontabs are empty and end with it; else skipped."""
    command = ["unshare", "--mount", "--fork", "--pid", "--mount-proc", "--kill-child", "bash", "-eu", "-c"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a mount namespace")
    begin = (
        f"export HOME={shlex.quote(str(home))} PYTHONPATH={shlex.quote(str(ROOT))} XDG_RUNTIME_DIR=/run/user/$(id -u)\n"
        "unset XDG_CONFIG_HOME XDG_DATA_HOME\n"
        "mount -t tmpfs none /run; mkdir -p /run/systemd/system $XDG_RUNTIME_DIR\n"
        f"danvan() {{ {shlex.quote(sys.executable)} -c "
        "'import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))' schedule \"$@\"; }\n"
        'until_there() { for _ in $(seq 300); do [ -e "$1" ] && return; sleep 0.1; done; echo MISSING "$1"; }\n'
    )
    done = subprocess.run([*command, begin + script], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- what every scheduler is given -----------------------------------------------------------------------------


def test_two_projects_on_one_machine_have_schedules_of_their_own(tmp_path: Path) -> None:
    names = {job(tmp_path / name).name for name in ("a", "b")}
    assert len(names) == 2
    assert all(re.fullmatch("danvan-[0-9a-f]{8}", name) for name in names)


def test_a_new_venv_does_not_break_the_schedule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stamp, "VENV", sys.prefix)
    base = job_of(Project(tmp_path), time(2), 180).python
    assert Path(base).is_file()
    assert not base.startswith(sys.prefix) or sys.prefix == sys.base_prefix
    # An environment of the user's, such as conda's, has the packages: there is no .venv to be made anew.
    monkeypatch.setattr(stamp, "VENV", str(tmp_path / ".venv"))
    assert job_of(Project(tmp_path), time(2), 180).python == sys.executable


@pytest.mark.parametrize("name", ["hai\ndòng", os.fsdecode(b"\xff")])
def test_a_folder_whose_name_no_schedule_can_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="Hãy đổi tên thư mục"):
        job_of(Project(tmp_path / name), time(2), 180)


def test_root_does_not_take_over_the_folder_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 1, 1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SettingsError, match="không dùng sudo"):
        job_of(Project(tmp_path), time(2), 180)


def test_the_machine_decides_which_scheduler(tools: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tools.bin))
    monkeypatch.setattr(systemd, "BOOTED", tmp_path / "not booted by systemd")
    tools.add("systemctl", "")
    with pytest.raises(StageError, match="Hãy cài cron"):
        schedule.scheduler()
    tools.add("crontab", "")
    assert schedule.scheduler().words == "cron"
    monkeypatch.setattr(systemd, "BOOTED", tmp_path)
    assert schedule.scheduler().words == "systemd của người dùng"
    monkeypatch.setattr(schedule, "os", SimpleNamespace(name="nt"))
    assert schedule.scheduler().words == "Task Scheduler của Windows"


def test_a_wrong_word_after_schedule_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "instal"]) == 2
    assert main(["schedule"]) == 2
    told = capsys.readouterr().err
    assert "không nhận “instal”" in told
    assert "thiếu" in told


# --- systemd ---------------------------------------------------------------------------------------------------

SYSTEMCTL = """\
[ "$2" = "$(cat refuse 2>/dev/null)" ] && { echo 'Failed to connect to bus: No medium found' >&2; exit 1; }
case "$2 $3" in
    "show "*.timer) printf 'ActiveState=active\\nNextElapseUSecRealtime=Sun 2026-11-29 02:00:00 +07\\n' ;;
    "show "*.service) cat served 2>/dev/null ;;
esac
exit 0
"""


@pytest.fixture
def user_manager(tools: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tools:
    monkeypatch.setattr(systemd, "BOOTED", tmp_path)
    tools.add("systemctl", SYSTEMCTL)
    tools.add("loginctl", 'case "$*" in *enable-linger) touch linger ;; *) [ -e linger ] && echo Linger=yes ;; esac')
    return tools


@pytest.mark.parametrize("name", [ODD, "$", "plain", "Báo cáo năm"])
def test_systemd_finds_nothing_wrong_in_the_units(tmp_path: Path, needs_tool: Callable[..., str], name: str) -> None:
    place = tmp_path / name
    place.mkdir()
    (place / "python %n $X").symlink_to(sys.executable)
    one = job(place, time(23, 5), python=str(place / "python %n $X"))
    units = tmp_path / "units"
    units.mkdir()
    (units / f"{one.name}.service").write_text(systemd.service(one, place / "environment"), encoding="utf-8")
    (units / f"{one.name}.timer").write_text(systemd.timer(one), encoding="utf-8")
    command = [needs_tool("systemd-analyze"), "--user", "verify", str(units / f"{one.name}.timer")]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_LOG_COLOR": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, one.name in done.stderr) == (0, False), done.stderr
    (units / f"{one.name}.timer").write_text(systemd.timer(one).replace("23:05", "24:05"), encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert one.name in done.stderr, "it would not have told"


def test_the_units_say_what_they_are_for(tmp_path: Path) -> None:
    text = systemd.service(job(tmp_path, limit=180), tmp_path / "environment").splitlines()
    assert "TimeoutStartSec=185min" in text  # after the run's own limit, so that the run can still tell
    assert "SuccessExitStatus=3" in text
    assert not [line for line in text if "PASSWORD" in line and not line.startswith("#")]
    assert "Persistent=true" in systemd.timer(job(tmp_path)).splitlines()
    assert "OnCalendar=*-*-* 23:05:00" in systemd.timer(job(tmp_path, time(23, 5))).splitlines()


def test_the_real_systemd_starts_it_catches_up_and_shows_failure(
    tmp_path: Path, folder: Path, needs_tool: Callable[..., str]
) -> None:
    manager = "/usr/lib/systemd/systemd"
    needs_tool("systemctl")
    home = tmp_path / "home"
    (home / ".config" / "danvan").mkdir(parents=True)
    (home / ".config" / "danvan" / "environment").write_text("SECRET=mật khẩu\n", encoding="utf-8")
    name = job(folder).name
    said = in_namespace(
        f"export DANVAN_ROOT={shlex.quote(str(folder))}\n"
        f"{manager} --user >/dev/null 2>&1 & trap 'kill %1; wait' EXIT\n"
        "for _ in $(seq 100); do systemctl --user show-environment >/dev/null 2>&1 && break; sleep 0.1; done\n"
        "systemctl --user show-environment >/dev/null 2>&1 || { echo NO MANAGER; exit; }\n"
        "danvan install; danvan show; stamp=$HOME/.local/share/systemd/timers\n"
        f"systemctl --user stop {name}.timer; touch -d '3 days ago' $stamp/stamp-{name}.timer\n"
        f'systemctl --user start {name}.timer; until_there "$DANVAN_ROOT/ran"\n'
        'for code in 0 3 4; do echo $code >"$DANVAN_ROOT/code"\n'
        f"    systemctl --user start {name}.service 2>/dev/null || true\n"
        f"    systemctl --user is-failed {name}.service || true\n"
        "done; danvan show; danvan remove\n"
        "systemctl --user list-units --all --no-legend 'danvan*'; find $HOME ! -type d\n",
        home,
    )
    if "NO MANAGER" in said:
        pytest.skip("the user's systemd does not start here")
    lines = said.splitlines()
    assert lines[0].startswith(f"Đã đặt lịch {name}: mỗi đêm lúc 02:00")
    assert re.search(r"Lần chạy tới:  02:00 ngày \d\d/\d\d/\d{4}\nLần chạy cuối: chưa rõ", said)
    calls = [ast.literal_eval(line) for line in (folder / "ran").read_text(encoding="utf-8").splitlines()]
    assert len(calls) == 4  # the missed night, and the three
    assert set(map(str, calls)) == {str(([str(folder / "build.py"), "scheduled"], str(folder), "mật khẩu"))}
    assert [line for line in lines if line in ("inactive", "failed", "active")] == ["inactive", "inactive", "failed"]
    assert "không thành, mã kết thúc 4" in said
    assert "chmod 600" in said  # others could read the password
    # Nothing is left but what the user put there, not even the mark of the last start or of a failure.
    assert lines[lines.index(f"Đã bỏ lịch {name}.") + 1 :] == [str(home / ".config" / "danvan" / "environment")]


def test_installed_twice_shown_changed_and_removed(user_manager: Tools, folder: Path) -> None:
    one = systemd.Systemd()
    assert one.standing(job(folder)) is None
    assert one.remove(job(folder)) is None
    assert one.install(job(folder)) == ()  # linger could be switched on, so nothing is left to do
    assert "loginctl --no-ask-password enable-linger" in user_manager.calls
    once = user_manager.files()
    one.install(job(folder))
    assert user_manager.files() == once
    standing = one.standing(job(folder))
    assert standing is not None
    assert (standing.next, standing.last, standing.current) == ("02:00 ngày 29/11/2026", "", True)
    later = one.standing(job(folder, time(3)))
    assert later is not None
    assert not later.current
    assert "Hãy chạy lại build.py schedule install" in "".join(later.lines(job(folder), one.words))
    assert "disable-linger" in "".join(one.remove(job(folder)) or ())
    assert user_manager.files() == []


@pytest.mark.parametrize(
    ("state", "result", "code", "told"),
    [
        ("failed", "timeout", 15, "02:00 ngày 28/11/2026: không thành, quá giờ nên bị dừng (xem: journalctl --user"),
        ("failed", "exit-code", 5, "02:00 ngày 28/11/2026: không thành, mã kết thúc 5 (xem: journalctl --user"),
        ("inactive", "success", 3, "02:00 ngày 28/11/2026: nhường cho một lần chạy khác đang làm"),
        ("inactive", "success", 0, "02:00 ngày 28/11/2026: xong"),
        ("activating", "success", 0, "từ 02:00 ngày 28/11/2026, đang chạy"),
    ],
)
def test_how_the_last_run_went_is_told(
    user_manager: Tools, folder: Path, state: str, result: str, code: int, told: str
) -> None:
    one = systemd.Systemd()
    one.install(job(folder))
    (user_manager.bin.parent / "served").write_text(
        f"ActiveState={state}\nResult={result}\nExecMainStatus={code}\n"
        "ExecMainStartTimestamp=Sat 2026-11-28 02:00:00 +07\n",
        encoding="ascii",
    )
    standing = one.standing(job(folder))
    assert standing is not None
    assert standing.last.startswith(told)


def test_xdg_config_home_is_kept_to(user_manager: Tools, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user_manager.home / "elsewhere"))
    systemd.Systemd().install(job(folder))
    assert all(name.startswith("elsewhere/systemd/user/") for name in user_manager.files())


def test_without_a_bus_it_says_what_to_do_and_writes_nothing(user_manager: Tools, folder: Path) -> None:
    (user_manager.bin.parent / "refuse").write_text("show-environment", encoding="ascii")
    with pytest.raises(StageError, match=r"No medium found.*không qua su hay sudo.*loginctl enable-linger"):
        systemd.Systemd().install(job(folder))
    assert user_manager.files() == []


def test_what_systemd_refuses_leaves_the_old_schedule(user_manager: Tools, folder: Path) -> None:
    one = systemd.Systemd()
    one.install(job(folder, time(1)))
    before = {path: path.read_bytes() for path in user_manager.home.rglob("danvan-*")}
    (user_manager.bin.parent / "refuse").write_text("restart", encoding="ascii")
    with pytest.raises(StageError, match="Lịch cũ, nếu có, còn nguyên"):
        one.install(job(folder, time(2)))
    assert {path: path.read_bytes() for path in user_manager.home.rglob("danvan-*")} == before
    (user_manager.bin.parent / "refuse").write_text("enable", encoding="ascii")
    with pytest.raises(StageError):
        one.install(job(folder / "another"))
    assert {path: path.read_bytes() for path in user_manager.home.rglob("danvan-*")} == before


# --- cron ------------------------------------------------------------------------------------------------------

CRONTAB = """\
case "$1" in
    -l) cat deny >&2 2>/dev/null && exit 1; [ -e table ] || { echo 'no crontab for analyst' >&2; exit 1; }; cat table ;;
    -r) rm table ;;
    -) cat >table.new; tail -c1 table.new | grep -q . && { echo 'missing newline before EOF' >&2; exit 1; }
       mv table.new table ;;
esac
"""
OTHERS = b"# c\xe1\xbb\xa7a t\xc3\xb4i\n\nMAILTO=a@b.vn\r\n5 5 * * *  true \xff\t\n"


@pytest.fixture
def table(tools: Tools) -> Path:
    tools.add("crontab", CRONTAB)
    return tools.bin.parent / "table"


@pytest.mark.parametrize("others", [OTHERS, OTHERS.rstrip(), b""])
def test_other_lines_of_the_crontab_stay_byte_for_byte(table: Path, folder: Path, others: bytes) -> None:
    if others:
        table.write_bytes(others)
    one = cron.Cron()
    assert one.standing(job(folder)) is None
    assert one.remove(job(folder)) is None
    one.install(job(folder))
    once = table.read_bytes()
    assert once.startswith(others)
    one.install(job(folder))
    assert table.read_bytes() == once
    one.install(job(folder.parent, time(4, 30)))
    one.install(job(folder, time(3)))  # at another time, in the place of the first
    assert table.read_bytes().count(b"scheduled") == 4
    assert b"\n0 3 * * * " in table.read_bytes()
    assert b"\n30 4 * * * " in table.read_bytes()
    standing = one.standing(job(folder, time(3)))
    assert standing is not None
    assert standing.current
    assert re.fullmatch(r"03:00 ngày \d\d/\d\d/\d{4}, và mỗi khi máy khởi động", standing.next)
    old = one.standing(job(folder, time(5)))
    assert old is not None
    assert not old.current
    assert one.remove(job(folder)) == one.remove(job(folder.parent)) == ()
    if others:
        assert table.read_bytes() == others.removesuffix(b"\n") + b"\n"  # cron asks for that line end
    else:
        assert not table.exists()


def test_a_crontab_that_cannot_be_read_or_understood_is_not_written(table: Path, folder: Path, tools: Tools) -> None:
    one = cron.Cron()
    one.install(job(folder))
    begin = table.read_bytes().splitlines(keepends=True)[:-1]
    table.write_bytes(b"".join(begin) + OTHERS)  # the end of the block was deleted by hand
    for act in (one.install, one.remove, one.standing):
        with pytest.raises(StageError, match="crontab -e"):
            act(job(folder))
    assert table.read_bytes().endswith(OTHERS)
    (tools.bin.parent / "deny").write_text("You (analyst) are not allowed to use this program\n", encoding="ascii")
    with pytest.raises(StageError, match="not allowed to use this program"):
        one.install(job(folder))
    assert table.read_bytes().endswith(OTHERS)


def test_what_is_said_every_night_is_not_mailed_and_no_run_is_endless(tmp_path: Path) -> None:
    text = cron.block(job(tmp_path), "/usr/bin/timeout")
    nightly, at_boot = (line for line in text.splitlines() if "scheduled" in line)
    assert nightly.removeprefix("0 2 * * * ") == at_boot.removeprefix("@reboot ")
    assert shlex.split(at_boot)[1:5] == ["/usr/bin/timeout", "-k", "60", "11100"]
    assert at_boot.endswith(" scheduled >/dev/null")  # what goes wrong is on stderr, and is mailed
    assert "timeout" not in cron.block(job(Path("/a")), None)


def test_a_path_that_kinds_of_cron_read_in_two_ways_is_refused() -> None:
    for name in ("a\\%b", "a\\\\b"):
        with pytest.raises(SettingsError, match="Hãy đổi tên thư mục"):
            cron.block(job(Path("/srv") / name), None)


def test_the_real_cron_starts_it_when_the_machine_starts(
    tmp_path: Path, folder: Path, needs_tool: Callable[..., str]
) -> None:
    needs_tool("crontab")
    needs_tool("cron", "crond")
    said = in_namespace(
        f"export DANVAN_ROOT={shlex.quote(str(folder))}; rmdir /run/systemd/system\n"
        "[ -d /var/spool/cron/crontabs ] || { echo NO DEBIAN; exit; }\n"
        "mount -t tmpfs none /var/spool/cron; mkdir -m 1730 /var/spool/cron/crontabs\n"
        "chgrp crontab /var/spool/cron/crontabs\n"
        'danvan install; cron -f & until_there "$DANVAN_ROOT/ran"; kill %1\n'
        "danvan remove; crontab -l 2>&1 || true\n",
        tmp_path,
    )
    if "NO DEBIAN" in said:
        pytest.skip("knows where Debian's cron keeps its tables, not others")
    ((arguments, _, _),) = [
        ast.literal_eval(line) for line in (folder / "ran").read_text(encoding="utf-8").splitlines()
    ]
    assert arguments == [str(folder / "build.py"), "scheduled"]
    assert "Xem dịch vụ cron có đang chạy không" in said
    assert said.splitlines()[-1].startswith("no crontab for")


# --- Windows ---------------------------------------------------------------------------------------------------

SID = "S-1-5-21-1-2-3-1001"
SCHTASKS = """\
name=$3
case "$1" in
    /Create)
        iconv -f UTF-16 -t UTF-8 "$5" >asked
        if [ -e standard-user ] && grep -q S4U asked; then echo 'ERROR: Access is denied.' >&2; exit 1; fi
        cp "$5" "task-$name" ;;
    /Query)
        [ -e "task-$name" ] || { echo 'ERROR: The system cannot find the file specified.' >&2; exit 1; }
        case "$*" in
            *CSV*) cat row ;;
            */XML*) iconv -f UTF-16 -t UTF-8 "task-$name" ;;
        esac ;;
    /Delete) rm "task-$name" ;;
esac
"""


@pytest.fixture
def windows_tools(tools: Tools) -> Tools:
    tools.add("whoami", f'echo \'"MÁY\\Thủy","{SID}"\'')
    tools.add("schtasks", SCHTASKS)
    row = (
        "MAY",
        "\\\\danvan",
        "29/11/2026 2:00:00 SA",
        "Ready",
        "Background",
        "30/11/1999 12:00:00 SA",
        "267011",
        "Thủy",
    )
    (tools.bin.parent / "row").write_text(",".join(f'"{one}"' for one in row) + "\n", encoding="utf-8")
    return tools


def parts(task: bytes) -> dict[str, str]:
    """The task's texts by element; it fits the schema."""
    root = etree.fromstring(task)
    etree.XMLSchema(file=str(ROOT / "tests" / "cases" / "task.xsd")).assertValid(root.getroottree())
    # Which the validator does not check, though the schema says it.
    assert root.find("{*}Actions").get("Context") == root.find("{*}Principals/{*}Principal").get("id")
    return {etree.QName(one).localname: one.text for one in root.iter() if isinstance(one.tag, str)}


@pytest.mark.parametrize("unwatched", [True, False])
def test_the_task_fits_the_schema_and_catches_up(unwatched: bool) -> None:
    folder = Path("/dự án 50% & <Thủy>")
    content = windows.task(
        job(folder, time(23, 5), 120, r"C:\Program Files\Python\python.exe"), SID, unwatched=unwatched
    )
    assert content.startswith(b"\xff\xfe<\0?\0")  # the only form that every schtasks reads
    said = parts(content)
    assert said["StartWhenAvailable"] == "true"
    assert said["StartBoundary"].endswith("T23:05:00")
    assert said["ExecutionTimeLimit"] == "PT2H5M"
    assert said["MultipleInstancesPolicy"] == "IgnoreNew"
    assert said["RunLevel"] == "LeastPrivilege"
    assert (said["LogonType"], "Delay" in said) == (("S4U", False) if unwatched else ("InteractiveToken", True))
    assert said["Command"] == r"C:\Program Files\Python\python.exe"
    assert said["Arguments"] == f'"{folder / "build.py"}" scheduled'
    assert said["WorkingDirectory"] == str(folder)


def test_the_schema_refuses_what_windows_refuses(tmp_path: Path) -> None:
    task = windows.task(job(tmp_path), SID, unwatched=True).decode("utf-16")
    for old, new in (
        ("PT3H5M", "185"),
        ("S4U", "Anybody"),
        ("<DaysInterval>1<", "<DaysInterval>0<"),
        ("<ScheduleByDay>", "<Enabled>true</Enabled><ScheduleByDay>"),
        (sys.executable, "x" * 261),
    ):
        assert old in task
        with pytest.raises(etree.DocumentInvalid):
            parts(task.replace(old, new).encode("utf-16"))


def test_the_task_is_made_shown_and_deleted(windows_tools: Tools, folder: Path) -> None:
    one, state, name = windows.TaskScheduler(), windows_tools.bin.parent, job(folder).name
    assert one.standing(job(folder)) is None
    assert one.remove(job(folder)) is None
    assert "thư mục chia sẻ trên mạng" in "".join(one.install(job(folder)))
    once = (state / f"task-{name}").read_bytes()
    one.install(job(folder))
    assert (state / f"task-{name}").read_bytes() == once
    assert parts(once)["LogonType"] == "S4U"
    standing = one.standing(job(folder))
    assert standing is not None
    assert (standing.next, standing.last, standing.remarks, standing.current) == ("29/11/2026 2:00:00 SA", "", (), True)
    row = state / "row"
    for code, told in {
        "0": "xong",
        "3": "nhường cho",
        "4": "không thành, mã kết thúc 4",
        "267009": "đang chạy",
    }.items():
        row.write_text(re.sub('"[0-9]+","Thủy"', f'"{code}","Thủy"', row.read_text("utf-8")), encoding="utf-8")
        standing = one.standing(job(folder))
        assert standing is not None
        assert told in standing.last
    later = one.standing(job(folder, limit=60))
    assert later is not None
    assert not later.current
    assert one.remove(job(folder)) == ()
    assert not list(state.glob("task-*"))


def test_who_may_not_run_unwatched_gets_what_windows_allows_and_is_told(windows_tools: Tools, folder: Path) -> None:
    state = windows_tools.bin.parent
    (state / "standard-user").touch()
    (told,) = windows.TaskScheduler().install(job(folder))
    assert "chỉ chạy khi bạn đang đăng nhập" in told
    assert "Run as administrator" in told
    assert parts((state / f"task-{job(folder).name}").read_bytes())["LogonType"] == "InteractiveToken"
    standing = windows.TaskScheduler().standing(job(folder))
    assert standing is not None
    assert standing.remarks == ("Lịch chỉ chạy khi bạn đang đăng nhập.",)


def test_what_windows_refuses_is_told(tools: Tools, folder: Path) -> None:
    tools.add("whoami", f'echo \'"MAY\\a","{SID}"\'')
    tools.add("schtasks", "echo 'ERROR: The service is not running.' >&2; exit 1")
    with pytest.raises(StageError, match=r"service is not running.*Run as administrator"):
        windows.TaskScheduler().install(job(folder))
    (tools.bin / "schtasks").unlink()
    with pytest.raises(StageError, match="không có lệnh schtasks"):
        windows.TaskScheduler().install(job(folder))


# --- deploy/ ---------------------------------------------------------------------------------------------------


def test_the_workflow_calls_commands_that_exist_and_may_only_read() -> None:
    workflow = yaml.safe_load((ROOT / "deploy" / "github-actions.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}  # to YAML 1.1, “on” is a truth
    steps = workflow["jobs"]["scheduled"]["steps"]
    runs = [step["run"].split() for step in steps if "run" in step]
    assert runs
    for python, build, command, *_ in runs:
        assert (python, build) == ("python", "build.py")
        assert command in COMMANDS
        assert command not in {"publish", "approve"}
    uploaded = next(step["with"]["path"] for step in steps if "upload" in step.get("uses", ""))
    assert "internal" not in uploaded
    assert "editions" not in uploaded


def test_the_container_has_what_the_project_has_and_is_not_root() -> None:
    text = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    said = {name: [rest for key, rest in steps if key == name] for name, _ in steps}
    assert set(said) == {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "CMD"}
    assert not re.search(r"[./]", said["FROM"][0].partition(":")[0])  # no registry of some workplace
    for sources in said["COPY"]:
        for name in sources.split()[:-1]:
            assert (ROOT / name).exists(), name
    assert "--require-hashes -r requirements.lock" in " ".join(said["RUN"])
    assert said["USER"] == ["1000"]
    assert [key for key, _ in steps].index("USER") > max(at for at, (key, _) in enumerate(steps) if key == "RUN")
    assert said["CMD"] == ['["python", "build.py", "scheduled"]']
