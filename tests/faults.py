"""Points at which a run changes the disk or starts a process: counted; at one of them it dies, or the system refuses.

Imported by the build's own process, before its command, so: standard library alone. A point is each write, fsync,
rename, new folder, removal and process start of that process, in the project or in the folder for temporary files.
What its child processes do inside is theirs. An opened file that is not yet written stands for nothing of its own: to
die there is to die before its first byte.
"""

from __future__ import annotations

import builtins
import datetime
import io
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Point(NamedTuple):
    """What is about to be done, to what (without what differs from run to run), while which stage of the cache is made
    ('': none), and for which time."""

    kind: str
    place: str
    stage: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.kind} {self.place} ({self.stage} {self.number})"


PROGRAMS = {"pandoc": "pandoc", "typesetter.py": "typesetter", "zygote": "zygote", "ipykernel_launcher": "kernel"}
STAGES = {"pandoc": "docx", "typesetter": "pdf", "zygote": "notebook", "kernel": "notebook"}
At = Callable[[Point, Callable[[], object]], None]  # is told of a point, with what does a half of it


class _Shim:
    """Watches this process; `at` is told of each point before it comes to pass."""

    def __init__(self, root: Path, at: At) -> None:
        self._at, self._counted = at, Counter[tuple[str, str, str]]()
        self._places = {os.path.realpath(root): "", os.path.realpath(tempfile.gettempdir()): "TEMP/"}
        self._stage, self._busy = "", threading.local()
        sys.addaudithook(self._heard)
        self._wrap()

    def _reached(self, kind: str, path: Any, half: Callable[[], object] = lambda: None) -> None:
        if getattr(self._busy, "now", False):
            return  # our own doing
        place = path if kind == "start" else self._place(path)
        if place is None or (kind == "remove" and place.startswith("TEMP/")):
            return  # not ours, or nothing that anybody misses
        self._busy.now = True
        try:
            kept = re.match(r"\.cache/(\w+)", place)
            stage = STAGES[place] if kind == "start" else kept[1] if kept else self._stage
            self._counted[kind, place, stage] += 1
            self._at(Point(kind, place, stage, self._counted[kind, place, stage]), half)
        finally:
            self._busy.now = False

    def _place(self, path: Any) -> str | None:
        """A path from the project, or from the folder for temporary files; None for what lies elsewhere."""
        if isinstance(path, int):
            path = str(Path(f"/proc/self/fd/{path}").readlink())
            if not path.startswith("/"):
                return None  # a pipe, a socket
        path = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - pathlib resolves links, too
        path = f"{os.path.realpath(os.path.dirname(path))}/{os.path.basename(path)}"  # noqa: PTH119, PTH120
        for root, shown in self._places.items():
            if path.startswith(f"{root}/"):
                place = path.removeprefix(f"{root}/").removesuffix(" (deleted)")
                place = re.sub(r"\b(wk-|danvan-|tmp|openpyxl\.)[^/]+", r"\1*", place)
                return shown + re.sub(r"(\.[0-9a-f]{64})\.\d+$", r"\1.PID", place)
        return None

    def _heard(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "os.rename":
            self._reached("rename", given[1])
        elif event in ("os.mkdir", "os.remove", "os.rmdir"):
            path, folder = os.fsdecode(given[0]), given[-1]
            path = path if folder < 0 else f"/proc/self/fd/{folder}/{path}"
            makes, there = event == "os.mkdir", os.path.lexists(path)
            if there != makes and os.path.isdir(os.path.dirname(path)):  # noqa: PTH112, PTH120 - else it changes nothing
                self._reached(event[3:], path)
        elif event == "os.truncate":
            self._reached("write", given[0])
        elif event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty"):
            command = " ".join(map(str, given[1])) if given and not isinstance(given[1], str) else str(given)
            program = next((name for word, name in PROGRAMS.items() if word in command), None)
            assert program, f"a process that nobody has thought of: {command}"
            self._reached("start", program)

    def _wrap(self) -> None:
        shim, fsync, sendfile, write, plain = self, os.fsync, os.sendfile, os.write, io.open

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                data = memoryview(data).cast("B")
                shim._reached("write", self.fileno(), lambda: super(Raw, self).write(data[: len(data) // 2]))
                return super().write(data)

        def opened(file: Any, mode: str = "r", buffering: int = -1, *text: Any, **more: Any) -> Any:
            if not set(mode) & set("wax+"):
                return plain(file, mode, buffering, *text, **more)
            own = {name: more.pop(name) for name in ("closefd", "opener") if name in more}
            raw = Raw(file, mode.replace("b", "").replace("t", ""), **own)
            if buffering == 0:
                return raw
            buffered = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)
            if "b" in mode:
                return buffered
            made = io.TextIOWrapper(buffered, *text, line_buffering=buffering == 1, **more)
            made.mode = mode  # type: ignore[misc]
            return made

        def flushed(file: Any) -> None:
            shim._reached("fsync", file if isinstance(file, int) else file.fileno())
            fsync(file)

        def sent(out: int, of: int, offset: int | None, count: int, *more: Any) -> int:
            if offset is None or offset < os.fstat(of).st_size:  # else it finds the end
                shim._reached("write", out, lambda: sendfile(out, of, offset, os.fstat(of).st_size // 2))
            return sendfile(out, of, offset, count, *more)

        def written(number: int, data: Any) -> int:
            shim._reached("write", number, lambda: write(number, data[: len(data) // 2]))
            return write(number, data)

        io.open = builtins.open = opened  # type: ignore[assignment]
        os.fsync, os.sendfile, os.write = flushed, sent, written  # type: ignore[assignment]

        from danvan.store import Cache

        made = Cache.made

        def of_stage(cache: Cache, stage: str, key: str, make: Callable[[], bytes]) -> bytes:
            before, self._stage = self._stage, stage
            try:
                return made(cache, stage, key, make)
            finally:
                self._stage = before

        Cache.made = of_stage  # type: ignore[method-assign]


def _begin(at: At) -> None:
    sys.dont_write_bytecode = True
    _Shim(Path.cwd(), at)


def count(out: str) -> None:
    """Write the points of this run to a file, a line each."""
    file = open(out, "a", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process lives

    def at(point: Point, _: object) -> None:
        file.write(json.dumps(point) + "\n")
        file.flush()

    _begin(at)


def die(name: str) -> None:
    """Die at the point of this name, a write half done."""

    def at(point: Point, half: Callable[[], object]) -> None:
        if point.name == name:
            half()
            os.kill(os.getpid(), signal.SIGKILL)

    _begin(at)


def refuse(name: str, number: int, reached: str) -> None:
    """Have the system refuse with this error at the point of this name, a write half done; `reached` is then made."""

    def at(point: Point, half: Callable[[], object]) -> None:
        if point.name == name:
            Path(reached).touch()
            half()
            raise OSError(number, os.strerror(number), point.place)

    _begin(at)


def hold(held: str, until: str = "") -> None:
    """Touch `held` in the middle of the notebook, with all child processes alive, and stay there; `until` is there."""
    from danvan import runner

    evaluate = runner.Client._evaluate

    def waiting(*given: Any) -> Any:
        Path(held).touch()
        while not (until and Path(until).exists()):
            time.sleep(0.01)
        return evaluate(*given)

    runner.Client._evaluate = waiting  # type: ignore[method-assign]


def set_clock(days: float, later: float) -> None:
    """Be so many days in the future; from the middle of the first notebook on, so many."""
    from danvan import cli, runner
    from danvan.store import Cache

    now, ahead, evaluate, utime, put = time.time, [days], runner.Client._evaluate, os.utime, Cache.put
    time.time = lambda: now() + ahead[0] * 86400
    os.utime = lambda path, times=None: utime(path, times or (time.time(), time.time()))  # type: ignore[assignment]

    class Date(datetime.date):
        @classmethod
        def today(cls) -> datetime.date:
            return datetime.date.fromtimestamp(time.time())

    def evaluated(*given: Any) -> Any:
        ahead[0] = later
        return evaluate(*given)

    def kept(cache: Cache, stage: str, key: str, content: bytes) -> None:
        put(cache, stage, key, content)
        os.utime(cache.folder / stage / key)

    cli.date = Date  # type: ignore[misc]
    runner.Client._evaluate, Cache.put = evaluated, kept  # type: ignore[method-assign]
