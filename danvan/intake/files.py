"""A return's file -> its sheets, whatever kind it is; many files on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from danvan.intake import commas, container, workbook
from danvan.intake.cells import File
from danvan.intake.container import UnreadableError

MANY = 64  # files for which starting processes pays
Progress = Callable[[int, int], None]  # done, of all


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


def read_all(paths: Sequence[Path], progress: Progress = silent) -> Iterator[File | UnreadableError]:
    """What `read` gives for each path, in their order; one file at a time stays in memory for each core."""
    if len(paths) < MANY:
        for done, path in enumerate(paths, start=1):
            yield read(path)
            progress(done, len(paths))
        return
    # Spawned, not forked: whoever reads may have threads, as a notebook's kernel has.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for done, found in enumerate(pool.map(read, paths, chunksize=8), start=1):
            yield found
            progress(done, len(paths))
