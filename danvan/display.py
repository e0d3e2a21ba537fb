"""What is being built or read, on a terminal; elsewhere only what a log should hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from danvan import wording
from danvan.workers import Listener


class Display(Listener):
    """A line for each document that is being built, with its stage; below, how many are done and the time left.

    `explain`: also why each is built. Used as a context; at its end the slowest of several is named.
    """

    def __init__(self, console: Console, *, explain: bool) -> None:
        self._console, self._explain = console, explain
        running = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._running = Progress(*running, console=console)
        self._all = Progress(TextColumn("Đã xong"), *_BAR, console=console)
        self._live = Live(Group(self._running, self._all), console=console, transient=True)
        self._lines: dict[str, TaskID] = {}
        self._stages: dict[str, list[tuple[str, float]]] = {}  # when each began; the last one is the end

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._live.stop()
        if error:
            return
        finished = [stages for stages in self._stages.values() if stages[-1][0] == ""]
        if len(finished) > 1:
            self._console.print(self._slowest())

    def planned(self, count: int) -> None:
        if count > 1:
            self._all.add_task("", total=count)

    def why(self, title: str, reasons: Sequence[str]) -> None:
        if self._explain:
            self._console.print(escape(because(title, reasons)))

    def stage(self, title: str, stage: str) -> None:
        self._stages.setdefault(title, []).append((stage, time.perf_counter()))
        if title not in self._lines:
            self._lines[title] = self._running.add_task("", total=None)
        self._running.update(self._lines[title], description=escape(f"{title}: {stage}"))

    def finished(self, title: str) -> None:
        self._stages.setdefault(title, []).append(("", time.perf_counter()))
        if title in self._lines:
            self._running.remove_task(self._lines.pop(title))
        for task in self._all.task_ids:
            self._all.advance(task)

    def _slowest(self) -> str:
        """'Chậm nhất: Báo cáo năm 2026, 12,3 giây, trong đó Chạy sổ 6,1 giây.'"""
        took = {title: stages[-1][1] - stages[0][1] for title, stages in self._stages.items()}
        title = max(took, key=lambda title: took[title])
        stages = self._stages[title]
        each = {stage: stages[i + 1][1] - at for i, (stage, at) in enumerate(stages[:-1])}
        of_it = f", trong đó {(longest := max(each, key=lambda s: each[s]))} {_seconds(each[longest])}" if each else ""
        return escape(f"Chậm nhất: {title}, {_seconds(took[title])}{of_it}.")


def because(title: str, reasons: Sequence[str]) -> str:
    """'Báo cáo năm 2023: params/2023.yaml đã đổi', or that it is current."""
    most = [*reasons[:8], *[f"và {len(reasons) - 8} lý do khác"] * (len(reasons) > 8)]
    return f"{title}: {'; '.join(most)}" if reasons else f"{title}: mới nhất"


@contextmanager
def counted(console: Console, words: str) -> Iterator[Callable[[int, int], None]]:
    """A bar over files that are read."""
    if not console.is_terminal:
        yield lambda _done, _of: None
        return
    with Progress(TextColumn(words), *_BAR, console=console, transient=True) as progress:
        task = progress.add_task("")
        yield lambda done, of: progress.update(task, completed=done, total=of)


_BAR = (BarColumn(), MofNCompleteColumn(), TextColumn("còn"), TimeRemainingColumn())


def _seconds(seconds: float) -> str:
    return f"{wording.number(Decimal(seconds), 1)} giây"
