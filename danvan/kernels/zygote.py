"""Where kernels come from: starts the zygote, tells descendants where it is, ends it. Standard library only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

VARIABLE = "WARM_KERNELS"  # names the folder in which a descendant finds the files below
SOCKET, PRELOAD, FAILED = "zygote", "preload", "failed"
MARK = "WARM_KERNEL"  # names a kernel to all that it starts
_PREFIX = "wk-"  # short: the path of a Unix socket has about 100 bytes
_INSIDE = Path(__file__).with_name("inside.py")


@contextmanager
def started(preload: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Make kernels warm while the context lasts; returns at once, the imports of `preload` go on meanwhile.

    `preload` names third-party modules; `environment` is all that the preloading process gets. A kernel whose request
    differs from it in what Python reads only at its start (PYTHONHASHSEED and the like) is started normally.
    A context inside another has a zygote of its own. Where there is no fork, one spare kernel is started ahead.

    Raises RuntimeError that names the module that could not be preloaded: from the first request for a kernel, and
    again at the exit, whatever else went wrong meanwhile.
    """
    sweep()
    with private_folder() as folder:
        (folder / PRELOAD).write_text("\n".join(preload), encoding="utf-8")
        before = os.environ.get(VARIABLE)
        try:
            with ExitStack() as stack:
                stack.enter_context(_zygote(folder, environment) if can_fork() else _spare(folder, environment))
                os.environ[VARIABLE] = str(folder)
                yield
        finally:
            os.environ.pop(VARIABLE, None)
            if before is not None:
                os.environ[VARIABLE] = before
            raise_failure(folder)


def raise_failure(folder: Path) -> None:
    """Raises RuntimeError when the process that preloads has said why it cannot."""
    with suppress(FileNotFoundError):
        raise RuntimeError((folder / FAILED).read_text(encoding="utf-8"))


def can_fork() -> bool:
    """Whether a zygote can be had: Linux, with process descriptors (since 5.3, unless a sandbox forbids them)."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def command(role: str, folder: Path, environment: Mapping[str, str], *more: str) -> list[str]:
    """The command of a process that preloads; to be run without PYTHONPATH, which it sets up itself for each kernel."""
    return [sys.executable, str(_INSIDE), role, str(folder), environment.get("PYTHONPATH", ""), *more]


def without_path(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` for such a process, which is no kernel yet."""
    return {name: value for name, value in environment.items() if name not in ("PYTHONPATH", MARK)}


@contextmanager
def _zygote(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    # The owner makes the socket: whoever asks while the zygote still imports has to wait, but is not turned away.
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(folder / SOCKET))
        listener.listen(1024)
        process = subprocess.Popen(
            command("zygote", folder, environment, str(listener.fileno()), str(os.getpid())),
            env=without_path(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C in a terminal is for the owner, who then ends the zygote
        )
    assert process.stdin is not None
    try:
        yield
    finally:
        # Once it serves, the zygote ends in order when its stdin closes; while it imports, it cannot look.
        process.terminate()
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()  # the kernels die with it
            process.wait()


@contextmanager
def _spare(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    from danvan.kernels import spare  # imports jupyter_client

    spare.start(folder, environment)
    try:
        yield
    finally:
        spare.end()


@contextmanager
def private_folder(place: Path | None = None) -> Iterator[Path]:
    """A folder that only this user can enter, gone on exit; without a `place`, its path is short enough for sockets."""
    pid = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{pid}-{_birth(pid)}-", dir=place or _place()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place() -> Path:
    """The system's temp folder, if sockets fit into it."""
    place = Path(tempfile.gettempdir())
    return place if os.name == "nt" or len(os.fsencode(place)) <= 60 else Path("/tmp")


def sweep(*places: Path) -> None:
    """Remove the private folders of owners that were killed. Those of other users cannot be removed, and are left."""
    for folder in (folder for place in {_place(), *places} for folder in place.glob(f"{_PREFIX}*-*-*")):
        pid, birth = folder.name.removeprefix(_PREFIX).split("-")[:2]
        if pid.isdecimal() and _birth(int(pid)) != birth:
            shutil.rmtree(folder, ignore_errors=True)


def _birth(pid: int) -> str:
    """When the process was started, which tells it from a later one with the same pid; "" if there is none.

    Only Linux tells it without help; elsewhere "0" for each process that may be alive.
    """
    try:
        if sys.platform == "linux":
            # The second field is the program's name in brackets, which may hold anything.
            return (
                Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
            )
        if os.name == "posix":
            os.kill(pid, 0)
    except PermissionError:
        pass  # someone else's
    except OSError:
        return ""
    return "0"
