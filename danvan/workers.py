"""Where documents are built: in this process, or on all cores. Knows how to begin, to tell of progress and to end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pipe
from typing import Any

from danvan import environment
from danvan.errors import DanvanError, StageError
from danvan.kernels import zygote
from danvan.processes import Pool
from danvan.stages import Built, Task, Tell, build, make_ready
from danvan.store import repair

Work = Callable[[Task, Tell], Built]
Outcome = tuple[Task, Built | DanvanError]


class Listener:
    """Hears how the building goes, document by document; this one keeps it to itself."""

    def planned(self, count: int) -> None:
        """So many documents will be built."""

    def why(self, title: str, reasons: Sequence[str]) -> None:
        """For these reasons."""

    def stage(self, title: str, stage: str) -> None:
        """A stage begins."""

    def finished(self, title: str) -> None:
        """It is built, or has failed."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class How:
    """How documents are built: so many at a time, with warm kernels or `cold` ones; `listener` hears of it.

    `work`: what is done with each; benchmarks do less than all.
    """

    jobs: int = field(default_factory=cores)
    cold: bool = False
    listener: Listener = field(default_factory=Listener)
    work: Work = build

    def warm(self) -> AbstractContextManager[None]:
        """Kernels start warm as long as this lasts (see kernels). To be entered early: it gets ready meanwhile.

        Raises StageError where a module cannot be made ready.
        """
        return nullcontext() if self.cold or zygote.VARIABLE in os.environ else _zygote()

    def build(self, tasks: Sequence[Task], before: Callable[[], None] = lambda: None) -> list[Outcome]:
        """Build the tasks; gives each with what was built, or why not. One that fails does not stop the others.

        `before` is done first, while the processes get ready.
        """
        with self.warm():
            return list(_built_on_cores(self, tasks, before))


AS_USUAL = How()


@contextmanager
def _zygote() -> Iterator[None]:
    try:
        with zygote.started(environment.PRELOAD, environment.of_kernel()):
            yield
    except RuntimeError as error:
        raise StageError(f"Không chuẩn bị được nhân Jupyter ({error}). Hãy chạy lại với --cold.") from None


def _built_on_cores(how: How, tasks: Sequence[Task], before: Callable[[], None]) -> Iterator[Outcome]:
    """Each task as it is finished. Left early (Ctrl-C), it ends the processes and sweeps what they left."""
    jobs, listener = min(how.jobs, len(tasks)), how.listener
    if jobs <= 1:
        before()
        listener.planned(len(tasks))
        for task in tasks:
            yield task, _outcome(partial(how.work, task, partial(listener.stage, task.title)))
            listener.finished(task.title)
        return
    # A pipe without a lock, which a process that is killed could take with it; an event is small enough to be whole.
    heard, told = Pipe(duplex=False)
    pool = Pool(jobs, _begin, told)
    over = threading.Event()
    hearing = threading.Thread(target=_hear, args=(heard, listener, over))
    hearing.start()
    try:
        for _ in range(jobs):
            pool.submit(make_ready)
        before()
        listener.planned(len(tasks))
        yield from gathered({pool.submit(_done, how.work, task): task for task in tasks})
        pool.shutdown()
    except BaseException:
        pool.end()
        for task in tasks:
            repair(task.wanted.folder)
        raise
    finally:
        over.set()
        hearing.join()
        heard.close()
        told.close()


def gathered(futures: dict[Future[Built], Task]) -> Iterator[Outcome]:
    """Each task with its outcome, as they are finished."""
    for future in as_completed(futures):
        yield futures[future], _outcome(future.result)


def _outcome(of: Callable[[], Built]) -> Built | DanvanError:
    try:
        return of()
    except DanvanError as error:
        return error
    except BrokenExecutor:
        return StageError("Một tiến trình con bị hệ thống dừng, có thể vì hết bộ nhớ. Hãy chạy lại với --jobs nhỏ hơn.")


# ---------------------------------------------------------------- in a process of the pool

_told: Any = None  # where this process tells its events


def _begin(told: Any) -> None:
    global _told
    _told = told


def _done(work: Work, task: Task) -> Built:
    try:
        return work(task, lambda stage: _told.send((task.title, stage)))
    finally:
        _told.send((task.title, ""))


def _hear(heard: Any, listener: Listener, over: threading.Event) -> None:
    while heard.poll(0 if over.is_set() else 0.1) or not over.is_set():
        if heard.poll():
            title, stage = heard.recv()
            listener.stage(title, stage) if stage else listener.finished(title)
