"""Temporary files of a run: in one private folder, gone with it; what a killed run left goes at the next start."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from danvan.errors import StageError
from danvan.scratch import own_folder

STAYS = """
import sys, tempfile
from danvan.scratch import own_folder
with own_folder():
    print(tempfile.mkdtemp(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temp(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system's folder for temporary files; its path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="s-", dir="/tmp" if os.name == "posix" else None) as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_all_temporary_files_lie_in_one_private_folder(temp: Path) -> None:
    with own_folder():
        Path(tempfile.mkdtemp(), "x").touch()
        asked = [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"]
        of_child = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        [folder] = temp.iterdir()
        assert tempfile.gettempdir() == of_child == str(folder)
        assert os.name == "nt" or stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(temp.iterdir()) == []
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(temp)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process from a later one with the same number")
def test_what_a_killed_run_left_is_swept_and_no_other(temp: Path) -> None:
    left, living = (
        subprocess.Popen([sys.executable, "-c", STAYS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    with left, living:
        of_left, of_living = (Path(process.stdout.readline().strip()) for process in (left, living))
        left.send_signal(signal.SIGKILL)
        left.wait()
        assert of_left.exists()
        with own_folder():
            assert (of_left.parent.exists(), of_living.exists()) == (False, True)
        living.stdin.close()
    assert list(temp.iterdir()) == []


def test_no_place_for_temporary_files(temp: Path) -> None:
    temp.rmdir()
    with pytest.raises(StageError, match="Không tạo được thư mục tạm của hệ thống"), own_folder():
        pass
    temp.mkdir()
