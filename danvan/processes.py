"""Processes that serve this one: spawned, not touched by Ctrl-C, ended with it. And how this one ends itself."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any


class Pool(ProcessPoolExecutor):
    """Processes that ignore Ctrl-C, from their first moment, and end in order at SIGTERM. `begin` is called in each."""

    def __init__(self, count: int | None, begin: Callable[..., object] | None = None, *given: Any) -> None:
        # Spawned, not forked: whoever needs them may have threads, as a notebook's kernel has.
        super().__init__(count, get_context("spawn"), _begin, (begin, given))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As its parent does; where a process was killed, it is the future that says so."""
        try:
            with _ctrl_c_waits():  # what is started now inherits that
                return super().submit(fn, *args, **kwargs)
        except BrokenExecutor as error:
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def end(self) -> None:
        """Stop what runs: a kernel may have minutes to go."""
        processes = list((self._processes or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(5)
            process.kill()


def end_at_ctrl_c() -> None:
    """The first Ctrl-C raises KeyboardInterrupt; more of them do not disturb the tidying up. For the main thread."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else somebody else decides
        signal.signal(signal.SIGINT, _stop)


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(begin: Callable[..., object] | None, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(signal, "pthread_sigmask"):  # a kernel that is started here must hear it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if begin is not None:
        begin(*given)


def _stop(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _hush()
    raise KeyboardInterrupt


def _leave(*_: object) -> None:
    _hush()
    sys.exit(130)


def _hush() -> None:
    """Say nothing about what is left undone, by other threads and half-used generators, too."""
    warnings.simplefilter("ignore")
    logging.disable()
    sys.unraisablehook = lambda _: None
    threading.excepthook = lambda _: None
