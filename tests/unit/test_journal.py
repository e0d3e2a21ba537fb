"""The log of scheduled runs: whole JSON lines whatever happens, small, its owner's alone, no secrets, no persons."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from pydantic import SecretStr

from danvan import journal
from danvan.paths import Project

SECRET = "k9\"X\\z+/Q~ 7'%"
# Writes many lines into the log of the project that is named, with small files.
WRITER = """
import sys
from pathlib import Path
from danvan import journal
from danvan.paths import Project
name, many, journal.LARGEST = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with journal.opened(Project(Path(sys.argv[1]))) as log:
    for number in range(many):
        log.info("dòng", f"Quận Hồng Bàng {'x' * 100}", writer=name, number=number)
"""


def lines(folder: Path) -> list[dict[str, Any]]:
    """All lines, the oldest first; each is JSON."""
    files = sorted((folder / "reports" / "log").glob("scheduled.jsonl*"), reverse=True)
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def writer(folder: Path, name: str, many: int, largest: int, before: str = "") -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", before + WRITER, str(folder), name, str(many), str(largest)]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, encoding="utf-8")


def test_a_line_says_when_what_and_about_which_year(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    with journal.opened(Project(tmp_path)) as log:
        log.info("bắt đầu")
        log.warning("thiếu phiếu", "Còn 3 đơn vị", year=2026, missing=["Quận Hồng Bàng"], due=before.date())
        log.error("lỗi", "dòng một\ndòng hai", year=2026, code=4)
    first, second, third = lines(tmp_path)
    assert list(first) == ["time", "level", "event", "pid"]
    assert (first["level"], first["event"], first["pid"]) == ("INFO", "bắt đầu", os.getpid())
    told = datetime.fromisoformat(first["time"])
    assert told.utcoffset() == timedelta(0)
    assert before <= told <= datetime.now(UTC)
    assert (second["level"], second["year"], second["text"]) == ("WARNING", 2026, "Còn 3 đơn vị")
    assert (second["missing"], second["due"]) == (["Quận Hồng Bàng"], before.date().isoformat())
    assert (third["level"], third["text"], third["code"]) == ("ERROR", "dòng một\ndòng hai", 4)


def test_neither_secrets_nor_persons_are_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    coded = base64.b64encode(SECRET.encode()).decode()
    with journal.opened(Project(tmp_path)) as log:
        log.hide(SecretStr(SECRET))
        log.error("lỗi", f"mật khẩu {SECRET} và {coded}", deep={"a": [{SECRET: (SECRET, {"b": repr(SECRET)})}]})
        log.info(SECRET, error=ValueError(SECRET), plain=SecretStr(SECRET))
        log.info("người", "ông Nguyễn Văn An, 0912345678")
    text = (tmp_path / "reports" / "log" / "scheduled.jsonl").read_text(encoding="utf-8")
    for form in (SECRET, coded, json.dumps(SECRET)[1:-1], json.dumps(repr(SECRET))[2:-2]):
        assert form not in text + "".join(capfd.readouterr())
    first, second, third = lines(tmp_path)
    assert first["text"] == "mật khẩu [đã giấu] và [đã giấu]"
    assert second["event"] == "[đã giấu]"
    assert third["text"] == "ông N*** V*** A***, 091****678"


@pytest.mark.parametrize("secret", ['"', "\\", "e", "2026"])
def test_a_short_secret_breaks_no_line(secret: str, tmp_path: Path) -> None:
    with journal.opened(Project(tmp_path)) as log:
        log.hide(SecretStr(secret))
        log.info("sự kiện", f"a{secret}b", year=2025)
    (line,) = lines(tmp_path)
    assert (line["level"], line["year"], line["text"]) == ("INFO", 2025, "a[đã giấu]b")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_the_log_is_its_owners_alone(tmp_path: Path) -> None:
    log_file = tmp_path / "reports" / "log" / "scheduled.jsonl"
    with journal.opened(Project(tmp_path)) as log:
        log.info("một")
        log_file.chmod(0o644)
        log.info("hai")
    assert stat.S_IMODE(log_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(log_file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((log_file.parent / ".scheduled.jsonl.lock").stat().st_mode) & 0o077 == 0


def test_two_processes_lose_no_line_while_files_rotate(tmp_path: Path) -> None:
    many, largest = 150, 16_000
    for process in [writer(tmp_path, name, many, largest) for name in "ab"]:
        _, told = process.communicate(timeout=60)
        assert (process.returncode, told) == (0, "")
    files = list((tmp_path / "reports" / "log").glob("scheduled.jsonl*"))
    assert 3 <= len(files) <= 1 + journal.OLD_FILES
    assert max(file.stat().st_size for file in files) <= largest
    found = lines(tmp_path)
    for name in "ab":
        assert [line["number"] for line in found if line["writer"] == name] == list(range(many))


def test_old_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LARGEST", 1000)
    with journal.opened(Project(tmp_path)) as log:
        for number in range(100):
            log.info("dòng", number=number)
    files = list((tmp_path / "reports" / "log").glob("scheduled.jsonl*"))
    assert len(files) == 1 + journal.OLD_FILES
    assert lines(tmp_path)[-1]["number"] == 99


def test_what_a_killed_run_left_half_written_is_swept(tmp_path: Path) -> None:
    log_file = tmp_path / "reports" / "log" / "scheduled.jsonl"
    with journal.opened(Project(tmp_path)) as log:
        log.info("một")
        with log_file.open("ab") as file:
            file.write(b'{"time": "2026-12-20T19:00')
        log.info("hai")
    assert [line["event"] for line in lines(tmp_path)] == ["một", "hai"]


def test_a_disk_that_refuses_does_not_stop_the_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "log").write_text("một tệp ở chỗ của thư mục", encoding="utf-8")
    with journal.opened(Project(tmp_path)) as log:
        log.hide(SecretStr(SECRET))
        log.info("một", SECRET)
        log.info("hai")
        (tmp_path / "reports" / "log").unlink()
        log.info("ba")
    told, first, second = capfd.readouterr().err.splitlines()
    assert told == (
        "Không ghi được nhật ký scheduled.jsonl (File exists); các dòng sau đây lẽ ra nằm trong đó. "
        "Lần chạy vẫn tiếp tục."
    )
    assert (json.loads(first)["text"], json.loads(second)["event"]) == ("[đã giấu]", "hai")
    assert [line["event"] for line in lines(tmp_path)] == ["ba"], "it tries again"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_disk_that_fills_in_the_middle_of_a_line_leaves_whole_lines(tmp_path: Path) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    process = writer(tmp_path, "a", 10, 10**6, limit)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    kept = [line["number"] for line in lines(tmp_path)]
    sentence, *rest = told.splitlines()
    assert "(File too large)" in sentence
    assert kept
    assert kept + [json.loads(line)["number"] for line in rest] == list(range(10))


def test_a_stuck_process_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(journal, "_PATIENCE", 0.2)
    with journal.opened(Project(tmp_path)) as log:
        log.info("một")
        with FileLock(tmp_path / "reports" / "log" / ".scheduled.jsonl.lock"):
            began = datetime.now(UTC)
            for _ in range(20):
                log.info("hai")
            assert datetime.now(UTC) - began < timedelta(seconds=3)
        log.info("ba")
    assert [line["event"] for line in lines(tmp_path)] == ["một", "ba"]
    assert capfd.readouterr().err.count("Không ghi được nhật ký") == 1


def test_nobody_elses_log_is_touched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with journal.opened(Project(tmp_path)) as log:
        log.error("lỗi", "của riêng nó")
    assert caplog.records == []
