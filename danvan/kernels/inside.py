"""What runs in a process that preloads: a zygote or a spare, and the kernel that comes of it.

Run by its path, so that no kernel holds a module of this project that its notebook did not import.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # this folder

import ctypes
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import struct
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

# What every kernel imports before its first cell; nothing that looks at MPLBACKEND.
KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "sqlite3",
    "tornado.platform.asyncio",
    "tornado.queues",
)
LAUNCHER = "ipykernel_launcher"
MAXIMUM = 1 << 20  # bytes of one message; the system's own limit is lower
GO, READY = b"go", b"ready"
_DEATH_SIGNAL, _SUBREAPER = 1, 36  # PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER

Request = dict[str, Any]  # argv, env, cwd; a spare also gets streams


def refusal(request: Request, environment: Mapping[str, str]) -> str | None:
    """Why a process with `environment` cannot become what is asked for, or None if it can."""
    if request["argv"][:3] != [sys.executable, "-m", LAUNCHER]:
        return "another kernel"
    if _frozen(request["env"]) != _frozen(environment):
        return "another environment at the start of Python"
    return None


def _frozen(environment: Mapping[str, str]) -> dict[str, str]:
    """What is read once only: by Python at its start, by matplotlib when it is imported."""
    return {
        name: value
        for name, value in environment.items()
        if name == "MPLCONFIGDIR" or (name.startswith("PYTHON") and name not in ("PYTHONPATH", "PYTHONEXECUTABLE"))
    }


def preload(names: Sequence[str]) -> None:
    """Import the modules; raises ImportError naming the one that cannot be imported, or not ahead of time."""
    for name in (*KERNEL, *names):
        try:
            importlib.import_module(name)
        except Exception as error:
            raise ImportError(f"{name}: {type(error).__name__}: {error}") from error
        # Either would keep figures from being shown: they must be imported after the kernel has set MPLBACKEND.
        for early in ("matplotlib.pyplot", "matplotlib_inline"):
            if early in sys.modules:
                raise ImportError(f"{name}: imports {early}, which would make figures vanish")
        if not _alone():
            raise ImportError(f"{name}: started a thread, which a fork would not have")


def _alone() -> bool:
    """Whether no other thread is left, those of C libraries included; some modules have one for a moment."""
    if sys.platform != "linux":
        return True
    for _ in range(100):
        if len(list(Path("/proc/self/task").iterdir())) == 1:
            return True
        time.sleep(0.01)
    return False


@dataclass
class Kernel:
    """A child of the zygote, and who asked for it."""

    pid: int
    process: int  # a descriptor that is readable when the kernel has ended
    connection: socket.socket  # by which the requester sends signals, and lets go when it closes it
    leashes: list[socket.socket | int]  # the connection, and the requester as a process: watched until one is let go

    def signal(self, number: int) -> None:
        """To its process group; the kernel has not been waited for, so its pid is nobody else's."""
        with suppress(ProcessLookupError):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:  # not yet leader of its own group
                os.kill(self.pid, number)


class Zygote:
    """Forks kernels on request. One thread, one selector; every event has a function."""

    def __init__(self, listener: socket.socket, owner: int) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.kernels: list[Kernel] = []
        self.pid = os.getpid()
        self.environment = dict(os.environ)
        prctl = ctypes.CDLL(None).prctl
        self.death_signal = partial(prctl, _DEATH_SIGNAL, signal.SIGKILL)
        # What a kernel's child leaves behind becomes the kernel's own, and once that has ended, ours.
        self.adopt_orphans = partial(prctl, _SUBREAPER, 1, 0, 0, 0)
        self.adopt_orphans()
        self._watch(listener, self._asked)
        self._watch(sys.stdin.fileno(), self._end)
        self._watch(owner, self._end)  # the pipe may also be held by what the owner has forked

    def serve(self) -> tuple[Request, socket.socket]:
        """Returns in a kernel that has just been forked, and nowhere else: the request, and whom to tell."""
        while True:
            # One event a turn: what is done about it may make void what came with it.
            (key, _), *_ = self.selector.select()
            if born := key.data():
                return born  # type: ignore[no-any-return]

    def _watch(self, what: socket.socket | int, then: Callable[[], Any]) -> None:
        self.selector.register(what, selectors.EVENT_READ, then)

    def _drop(self, watched: list[socket.socket | int]) -> None:
        """Empties the list: the number of a closed descriptor is soon another's."""
        while watched:
            what = watched.pop()
            self.selector.unregister(what)
            _close(what)

    def _asked(self) -> tuple[Request, socket.socket] | None:
        with ExitStack() as opened:  # what is not kept is closed; to the requester, this says no
            connection, _ = self.listener.accept()
            opened.callback(connection.close)
            connection.settimeout(5)
            try:
                message, descriptors, _, _ = socket.recv_fds(connection, MAXIMUM, 4)
                opened.callback(_close, *descriptors)
                request = json.loads(message)
                if len(descriptors) != 4 or refusal(request, self.environment):
                    return None
                credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
                requester = os.pidfd_open(struct.unpack("3i", credentials)[0])
                opened.callback(os.close, requester)
                pid = os.fork()
            except (OSError, ValueError):
                return None
            if not pid:
                return request, self._born(descriptors)
            try:
                process = os.pidfd_open(pid)
            except OSError:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return None
            opened.pop_all()
            _close(*descriptors)
            self._adopt(Kernel(pid, process, connection, [connection, requester]), requester)
        return None

    def _adopt(self, kernel: Kernel, requester: int) -> None:
        self.kernels.append(kernel)
        self._watch(kernel.process, partial(self._ended, kernel))
        self._watch(requester, partial(self._deserted, kernel))
        self._watch(kernel.connection, partial(self._heard, kernel))
        with suppress(OSError):
            kernel.connection.send(str(kernel.pid).encode())

    def _born(self, descriptors: list[int]) -> socket.socket:
        """In the child: of the zygote's own things keep nothing, of the requester's the three streams and the gate."""
        try:
            *streams, last = descriptors
            os.setsid()
            self.death_signal()
            self.adopt_orphans()
            if os.getppid() != self.pid:
                os._exit(1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            watched = [key.fileobj for key in self.selector.get_map().values()]
            self.selector.close()
            _close(*(what for what in watched if what != sys.stdin.fileno()))
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            gate = socket.socket(fileno=os.dup(last))
            # A requester that has given up starts another kernel in the same place: without its word, none is here.
            if gate.recv(16) == GO:
                return gate
        except Exception:  # a child must not come back as a second zygote
            os._exit(1)
        os._exit(1)

    def _heard(self, kernel: Kernel) -> None:
        try:
            numbers = kernel.connection.recv(16)
        except OSError:
            numbers = b""
        if not numbers:
            self._deserted(kernel)
        for number in numbers:
            kernel.signal(number)

    def _deserted(self, kernel: Kernel) -> None:
        self._drop(kernel.leashes)
        kernel.signal(signal.SIGKILL)

    def _ended(self, kernel: Kernel) -> None:
        kernel.signal(signal.SIGKILL)  # what the kernel has left behind in its group
        code = os.waitstatus_to_exitcode(os.waitpid(kernel.pid, 0)[1])
        self.kernels.remove(kernel)
        self._bury()
        with suppress(OSError):
            kernel.connection.send(str(code).encode())
        self._drop([*kernel.leashes, kernel.process])

    def _bury(self) -> None:
        """End what kernels that have ended had started, whatever group or session it has fled to."""
        spared = {kernel.pid for kernel in self.kernels}
        while orphans := _children() - spared:
            for pid in orphans:
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)  # its own children come to us
                except PermissionError:  # it has become another user
                    spared.add(pid)

    def _end(self) -> NoReturn:
        for kernel in self.kernels:
            kernel.signal(signal.SIGKILL)
        for kernel in self.kernels:
            os.waitpid(kernel.pid, 0)
        self.kernels.clear()
        self._bury()
        os._exit(0)


def _children() -> set[int]:
    """The pids of this process' children, those that have ended included."""
    own, found = str(os.getpid()).encode(), set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The second field is the program's name in brackets, which may hold anything.
            if (process / "stat").read_bytes().rpartition(b")")[2].split()[1] == own:
                found.add(int(process.name))
    return found


def _close(*what: Any) -> None:
    for each in what:
        if isinstance(each, int):
            os.close(each)
        else:
            each.close()


def become_kernel(request: Request, base: Sequence[str], ready: Callable[[], object]) -> None:
    """Be what `python -m ipykernel_launcher ...` would be, in the folder and the environment of the request."""
    gc.enable()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    with suppress(AttributeError):  # Windows
        time.tzset()
    _set_locale()
    launcher = find_spec(LAUNCHER)
    sys.path[:] = search_path(request["env"].get("PYTHONPATH", ""), base)
    importlib.invalidate_caches()
    sys.orig_argv[:] = request["argv"]
    sys.argv[:] = [str(launcher and launcher.origin), *request["argv"][3:]]
    sys.modules["__main__"] = types.ModuleType("__main__")
    random.seed()
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()
    _settings_of_matplotlib()

    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize()  # type: ignore[no-untyped-call]
    if (matplotlib := sys.modules.get("matplotlib")) and "MPLBACKEND" in os.environ:
        matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]  # as its import would have done after this point
    ready()
    app.start()  # type: ignore[no-untyped-call]


def search_path(path: str, base: Sequence[str]) -> list[str]:
    """sys.path of a fresh Python with this PYTHONPATH, `base` being that without."""
    first = [os.path.abspath(entry) for entry in path.split(os.pathsep)] if path else []  # noqa: PTH100
    return list(dict.fromkeys([*first, *base]))


def _set_locale() -> None:
    import locale

    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "")


def _settings_of_matplotlib() -> None:
    """Read matplotlibrc again where the request's folder or environment has another one."""
    if (matplotlib := sys.modules.get("matplotlib")) and (name := _matplotlibrc()) != _preloaded_matplotlibrc:
        matplotlib.rcdefaults()
        matplotlib.rc_file(name)
        matplotlib.rcParamsOrig.update(matplotlib.rcParams)


def _matplotlibrc() -> str | None:
    """The settings file that matplotlib would read here and now; None if it is not imported."""
    matplotlib = sys.modules.get("matplotlib")
    return str(Path(matplotlib.matplotlib_fname()).absolute()) if matplotlib else None


_preloaded_matplotlibrc: str | None = None


def _ready_matplotlib() -> str | None:
    """Have matplotlib do now what it does once only; the settings file that it has read."""
    if "matplotlib" in sys.modules:
        from matplotlib.backends.registry import backend_registry

        backend_registry.list_all()  # type: ignore[no-untyped-call]  # looks through all installed packages
    return _matplotlibrc()


@contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing be printed, not by C libraries either: a spare has the streams of its owner."""
    kept = [os.dup(number) for number in (1, 2)]
    for number in (1, 2):
        _reopen(number, os.devnull)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for number, stream_kept in zip((1, 2), kept, strict=True):
            os.dup2(stream_kept, number)
            os.close(stream_kept)


def main() -> None:
    """`zygote FOLDER PYTHONPATH LISTENER OWNER`, or `spare FOLDER PYTHONPATH`."""
    global _preloaded_matplotlibrc
    _role, folder, path, *more = sys.argv[1:]
    base = list(sys.path)
    sys.path[:] = search_path(path, base)
    if more:  # ipykernel reads it when imported: a kernel watches its parent, which here is the zygote
        os.environ["JPY_PARENT_PID"] = str(os.getpid())
    inherited = {name: os.environ[name] for name in os.environ if name.startswith(("JPY_PARENT", "JPY_INTERRUPT"))}
    before = set(os.environ)
    try:
        owner = os.pidfd_open(int(more[1])) if more else None
        with _quiet():
            preload(Path(folder, "preload").read_text(encoding="utf-8").split())
        _preloaded_matplotlibrc = _ready_matplotlib()
    except Exception as error:
        _fail(folder, f"cannot preload {error}")
    ready: Callable[[], object]
    if owner is not None:
        gc.disable()
        gc.collect()
        gc.freeze()  # forks write into no page only to collect
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # from now on, the owner's pipe is watched
        try:
            request, gate = Zygote(socket.socket(fileno=int(more[0])), owner).serve()
        except Exception as error:
            _fail(folder, f"the zygote has failed: {type(error).__name__}: {error}")

        def ready() -> None:
            with suppress(OSError):
                gate.send(READY)
            gate.close()
    else:
        line = sys.stdin.readline()
        if not line:
            return
        request, ready = json.loads(line), lambda: None
        for number, name in enumerate(request["streams"]):
            if name is not None:
                _reopen(number, name)
    set_by_imports = {name: value for name, value in os.environ.items() if name not in before}
    request["env"] = set_by_imports | request["env"] | inherited
    become_kernel(request, base, ready)


def _fail(folder: str, reason: str) -> NoReturn:
    """Leave word for whoever asks for a kernel, so that none is slow for a reason that nobody knows."""
    Path(folder, "failed.new").write_text(reason, encoding="utf-8")
    Path(folder, "failed.new").replace(Path(folder, "failed"))
    raise SystemExit(1)


def _reopen(number: int, name: str) -> None:
    """Point a standard stream to a file that someone else has open as well."""
    opened = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND)
    os.dup2(opened, number)
    os.close(opened)


if __name__ == "__main__":
    main()
