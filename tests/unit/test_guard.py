"""One run at a time: by a lock of the system alone, which goes with whoever holds it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from danvan.errors import LockedError, StageError
from danvan.guard import locked
from danvan.paths import Project

HOLD = "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); "
HOLD += "print('held', flush=True); input()"


def test_a_run_may_take_its_own_lock_again_and_another_may_not(tmp_path: Path) -> None:
    project = Project(tmp_path)
    program = "import sys; from pathlib import Path; from danvan import guard; from danvan.paths import Project\n"
    program += "with guard.locked(Project(Path(sys.argv[1]))): print('free')"

    def other() -> str:
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
        return done.stdout.strip() or done.stderr.strip().splitlines()[-1]

    with locked(project):
        with locked(project):
            assert "Một lần lập báo cáo khác đang chạy" in other()
        assert "Một lần lập báo cáo khác đang chạy" in other()  # the inner one gave nothing back
    assert other() == "free"


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.reports.mkdir()
    lock = str(project.reports / ".lock")
    with subprocess.Popen([sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockedError), locked(project):
            pass
        holder.kill()
    with locked(project):
        pass


@pytest.mark.skipif(os.name == "nt", reason="locks of Windows are always the system's")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_the_disk_has_no_locks_nothing_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a lock that is a mere file: whoever is killed would leave it behind, and nobody would run again."""
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    ran = False
    with pytest.raises(StageError, match="không có khóa tệp"), locked(Project(tmp_path)):
        ran = True
    assert not ran
    monkeypatch.undo()
    with locked(Project(tmp_path)):
        pass
