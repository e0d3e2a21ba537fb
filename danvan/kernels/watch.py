"""What a kernel takes, watched from outside: who goes beyond a limit is killed with all that he has started."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

Limit = Literal["seconds", "memory", "output"]
LOOK, LOOK_AROUND = 0.1, 1.0  # seconds between two looks at the kernel; between two searches for what it has started


@dataclass(frozen=True)
class Limits:
    """What a kernel may take.

    `seconds`: for each thing that it is asked. `memory`: bytes, with all that it has started. `output`: bytes of all
    its messages; as many may stand in its log.
    """

    seconds: float
    memory: int
    output: int


class Watch:
    """Looks at one kernel, from a thread of its own. What was exceeded, `exceeded` says; then the kernel is dead.

    Not asked of the kernel itself (by a signal, by setrlimit): one that hangs does not hear, and address space says
    little of memory where libraries reserve it. Not asked of its client either, which may be busy reading.
    """

    def __init__(self, limits: Limits, log: Path) -> None:
        self.limits = limits
        self.exceeded: Limit | None = None
        self._log, self._sent = log, 0
        self._asked = time.monotonic()
        self._kernel: psutil.Process | None = None
        self._started: list[psutil.Process] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def begin(self, pid: int) -> None:
        """Look at this kernel from now on, until `close`."""
        with suppress(psutil.NoSuchProcess):  # its client will see
            self._kernel = psutil.Process(pid)
            self.asked()
            self._thread.start()

    def close(self) -> None:
        """Look no longer."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def asked(self) -> None:
        """The kernel is asked something: its time begins."""
        self._asked = time.monotonic()

    def sent(self, size: int) -> bool:
        """The kernel has sent a message of so many bytes. Whether it is to be read."""
        self._sent += size
        if self._sent > self.limits.output:
            self.end("output")
        return self.exceeded is None

    def end(self, limit: Limit) -> None:
        """Kill the kernel: it is beyond this limit."""
        self.exceeded = self.exceeded or limit
        self._look_around()
        for process in (self._kernel, *self._started):
            if process:
                with suppress(psutil.Error):  # it knows whether its pid is another's by now
                    process.kill()

    def _look(self) -> None:
        around = time.monotonic()
        while not self._over.wait(LOOK) and self.exceeded is None:
            now = time.monotonic()
            if now - around > LOOK_AROUND:
                around = now
                self._look_around()
            if now - self._asked > self.limits.seconds:
                self.end("seconds")
            elif self._memory() > self.limits.memory:
                self.end("memory")
            elif self._size_of_log() > self.limits.output:
                self.end("output")

    def _look_around(self) -> None:
        if self._kernel:
            with suppress(psutil.Error):
                self._started = self._kernel.children(recursive=True)

    def _memory(self) -> int:
        """Bytes in memory. What several processes share is told apart only where it may matter: that takes long."""
        processes = [process for process in (self._kernel, *self._started) if process]
        taken = 0
        for process in processes:
            with suppress(psutil.Error):
                taken += process.memory_info().rss
        if taken <= self.limits.memory:
            return taken
        taken = 0
        for process in processes:
            with suppress(psutil.Error):
                full = process.memory_full_info()
                taken += getattr(full, "pss", full.uss)
        return taken

    def _size_of_log(self) -> int:
        with suppress(OSError):
            return self._log.stat().st_size
        return 0
