"""A return's file -> its sheets, whatever kind it is; work on many files, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import current_process, get_context
from pathlib import Path
from typing import TypeVar

from danvan.intake import commas, container, workbook
from danvan.intake.cells import File
from danvan.intake.container import UnreadableError

MANY = 64  # files for which starting processes pays
Progress = Callable[[int, int], None]  # done, of all
Made = TypeVar("Made")


def silent(done: int, of: int) -> None:
    """No progress shown."""


def read(path: Path) -> File | UnreadableError:
    """The file's sheets, or why it cannot be taken. Never raises, whatever the file is."""
    try:
        content = container.load(path)
        if content.kind == "csv":
            return File(commas.sheets(content.data), content.sha256)
        sheets, authors = workbook.sheets(content.data)
        return File(sheets, content.sha256, content.macros, authors)
    except UnreadableError as error:
        return error


def on_all_cores(work: Callable[[Path], Made], paths: Sequence[Path], progress: Progress = silent) -> Iterator[Made]:
    """What `work` gives for each path, in their order; few files are done here, many by processes."""
    if len(paths) < MANY or current_process().daemon:  # as a worker of dask is: it may have no children
        for done, path in enumerate(paths, start=1):
            yield work(path)
            progress(done, len(paths))
        return
    # Spawned, not forked: whoever reads may have threads, as a notebook's kernel has.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for done, made in enumerate(pool.map(work, paths, chunksize=8), start=1):
            yield made
            progress(done, len(paths))
