"""Makes .venv from requirements.lock and says in one sentence what went wrong, if it did.

Standard library only: this is what installs the rest.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from danvan import stamp
from danvan.stamp import VENV_PYTHON, VERSION, SetupError

ROOT = Path(stamp.ROOT)
VENV = Path(stamp.VENV)
LOG = ROOT / ".venv.log"

INSTALLING = "Lần chạy đầu: đang cài các gói cần thiết vào .venv, mất khoảng một đến hai phút."
RENEWING = ".venv chưa cài xong hoặc đã cũ: đang cài lại từ đầu, mất khoảng một đến hai phút."
REGISTERING = "Đang đăng ký danvan vào môi trường Python, mất vài giây."
INSTALLED = "Đã cài xong."
WAITING = "Một lần chạy khác đang cài các gói: chờ lần đó xong rồi chạy tiếp."
STOPPED = "Đã dừng khi đang cài: lần chạy sau sẽ tự cài lại."
NO_VENV = "Python này thiếu mô-đun venv: hãy cài Python bản đầy đủ rồi chạy lại."
NO_VENV_DEBIAN = "Python này thiếu mô-đun venv: hãy chạy “sudo apt install python{version}-venv” rồi chạy lại."
NO_PIP = "Môi trường Python này không có pip nên chưa đăng ký được danvan: hãy cài pip vào đó rồi chạy lại."
IN_USE = "Không xóa được .venv cũ: hãy đóng JupyterLab và các chương trình đang dùng nó rồi chạy lại."
READ_ONLY = "Không ghi được vào thư mục {root}: hãy chép dự án sang thư mục mà bạn có quyền ghi rồi chạy lại."
WRONG_HASH = (
    "Một gói tải về không khớp mã kiểm tra trong requirements.lock nên không được cài: "
    "hãy chạy lại, nếu vẫn lỗi thì báo cho người quản trị mạng."
)
DISK_FULL = "Ổ đĩa đã đầy nên chưa cài xong: hãy dọn để còn trống ít nhất 2 GB rồi chạy lại."
LONG_PATH = "Đường dẫn quá dài với Windows: hãy chép dự án vào thư mục có đường dẫn ngắn hơn rồi chạy lại."
NO_RIGHT = "Không có quyền ghi một tệp khi cài các gói: hãy xem tệp nào trong {log}, cấp quyền rồi chạy lại."
NO_NETWORK = "Không kết nối được tới kho gói Python: hãy kiểm tra mạng (và proxy, nếu có) rồi chạy lại."
FAILED = "Cài các gói không thành: hãy xem {log}, hoặc gửi tệp đó cho người bảo trì dự án."

CAUSES = {  # what pip prints -> what it means; the first one found wins, so the surest signs come first
    "DO NOT MATCH THE HASHES": WRONG_HASH,
    "No space left on device": DISK_FULL,
    "Disk quota exceeded": DISK_FULL,
    "[WinError 112]": DISK_FULL,
    "Windows Long Path support": LONG_PATH,
    "[Errno 13]": NO_RIGHT,
    "[WinError 5]": NO_RIGHT,
    "Retrying (Retry(": NO_NETWORK,
    "Max retries exceeded": NO_NETWORK,
    "Failed to connect to": NO_NETWORK,
    "Read timed out": NO_NETWORK,
    "IncompleteRead": NO_NETWORK,
    "incomplete-download": NO_NETWORK,
    "ProxyError": NO_NETWORK,
    "SSLError": NO_NETWORK,
}


def say(sentence: str) -> None:
    """Tell the user; on stderr, because stdout belongs to the command."""
    print(sentence, file=sys.stderr, flush=True)


# --- installing ------------------------------------------------------------------------------------------------


@contextmanager
def installing() -> Iterator[int]:
    """Hold .venv.lock, so that one start installs at a time, and explain what goes wrong; gives the lock's handle."""
    try:
        with (ROOT / ".venv.lock").open("a", encoding="utf-8") as lock:
            told = False
            while not take(lock.fileno()):
                if not told:
                    say(WAITING)
                    told = True
                time.sleep(0.2)
            LOG.unlink(missing_ok=True)
            yield lock.fileno()
            LOG.unlink(missing_ok=True)
    except KeyboardInterrupt:
        raise SetupError(STOPPED, 130) from None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise SetupError(DISK_FULL if full else READ_ONLY.format(root=ROOT)) from error


def take(handle: int) -> bool:
    """Take the lock if it is free; the system gives it back when the last process that holds it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def make_venv() -> None:
    """Make .venv from requirements.lock, unless another start does so while this one waits."""
    with installing() as lock:
        found = stamp.read(stamp.VENV)
        right = stamp.right(found[0] if found else VERSION)
        if found == right:
            return
        if found[:2] == right[:2]:
            say(REGISTERING)
        else:
            right = stamp.right(VERSION)
            install_lock(lock)
        register_danvan(lock, pip(VENV_PYTHON), VENV)
        stamp.write(stamp.VENV, right)
        say(INSTALLED)


def register_here() -> None:
    """Install danvan itself into the environment that runs this, which has the rest."""
    uv = shutil.which("uv")
    if importlib.util.find_spec("pip"):
        command = pip(sys.executable)
    elif uv:  # its environments have no pip of their own
        command = [uv, "pip", "install", "--python", sys.executable]
    else:
        raise SetupError(NO_PIP)
    with installing() as lock:
        say(REGISTERING)
        register_danvan(lock, command, Path(sys.prefix))
        with suppress(OSError):  # without a stamp the next start is a little slower, that is all
            stamp.write(sys.prefix, stamp.right(VERSION))


def install_lock(lock: int) -> None:
    """Put what requirements.lock names into a new .venv."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise SetupError(NO_VENV_DEBIAN.format(version=VERSION) if shutil.which("apt-get") else NO_VENV)
    say(RENEWING if VENV.exists() else INSTALLING)
    try:
        (VENV / stamp.STAMP).unlink(missing_ok=True)
        if VENV.is_symlink() or VENV.is_file():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
    except PermissionError:
        if os.name == "nt":
            raise SetupError(IN_USE) from None
        raise
    # The base interpreter: this one may be the Python of the .venv just removed.
    run(lock, getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(VENV))
    run(lock, *pip(VENV_PYTHON), "--require-hashes", "-r", "requirements.lock")


def register_danvan(lock: int, command: list[str], prefix: Path) -> None:
    """Install danvan itself from this folder, for its entry points; its build backend is in the lock."""
    run(lock, *command, "--no-deps", "--no-build-isolation", "-e", ".")
    if not str(ROOT).isascii():
        # Until 3.12, Python reads .pth files in the system's encoding: on Windows it might not even start.
        for folder in (*prefix.glob("lib/python*/site-packages"), prefix / "Lib" / "site-packages"):
            if (folder / "danvan.pth").exists():
                (folder / "danvan.pth").write_text(stamp.PTH_LINES[1] + "\n", encoding="ascii")


def pip(python: str) -> list[str]:
    """The start of an install command; -P keeps the project's folder from shadowing what pip imports."""
    return [python, "-P", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--retries=2"]


def run(lock: int, *command: str) -> None:
    """Run one step of an installation, its output in the log; a failure becomes one sentence."""
    unwanted = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX")  # would lead pip out of .venv
    environment = {key: value for key, value in os.environ.items() if key not in unwanted}
    with LOG.open("ab") as log:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**environment, "PIP_USER": "0", "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # If this process is killed, pip goes on: it holds the lock too, so nobody starts over beside it.
            pass_fds=() if os.name == "nt" else (lock,),
            check=False,
        )
    if done.returncode:
        full = shutil.disk_usage(ROOT).free < 2**24
        raise SetupError(DISK_FULL if full else explain(LOG.read_text(encoding="utf-8", errors="replace")))


def explain(output: str) -> str:
    """What pip's output says about why it failed, in one sentence."""
    sentence = next((sentence for sign, sentence in CAUSES.items() if sign in output), FAILED)
    return sentence.format(log=LOG)
