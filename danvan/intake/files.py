"""A return's file -> its sheets, whatever kind it is; work on many files, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import current_process
from pathlib import Path
from typing import TypeVar

from danvan.intake import commas, container, workbook
from danvan.intake.cells import File
from danvan.intake.container import UnreadableError
from danvan.processes import Pool

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
    pool = Pool(os.cpu_count())
    try:
        for done, made in enumerate(pool.map(work, paths, chunksize=8), start=1):
            yield made
            progress(done, len(paths))
        pool.shutdown()
    finally:
        pool.end()  # at once, if somebody stopped
