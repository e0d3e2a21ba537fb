"""Temporary files of a run: all in one folder that only this user can enter. It goes with the run; what a killed run
left goes at the next start."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from danvan.errors import StageError
from danvan.kernels import zygote

_VARIABLE = "TMPDIR"  # the first that Python's tempfile asks for, on every system


@contextmanager
def own_folder() -> Iterator[None]:
    """Temporary files, also those of libraries and of processes started meanwhile, lie in a folder of this run alone.

    Raises StageError where the system has no place for them.
    """
    before = os.environ.get(_VARIABLE), tempfile.tempdir
    stack = ExitStack()
    try:
        place = Path(tempfile.gettempdir())
        zygote.sweep(place)
        folder = stack.enter_context(zygote.private_folder(place))
    except OSError as error:
        raise StageError(
            f"Không tạo được thư mục tạm của hệ thống ({error.strerror}). Dọn đĩa hoặc kiểm tra quyền ghi rồi "
            "chạy lại; báo cáo cũ còn nguyên."
        ) from None
    with stack:
        try:
            os.environ[_VARIABLE] = tempfile.tempdir = str(folder)
            yield
        finally:
            os.environ.pop(_VARIABLE, None)
            if before[0] is not None:
                os.environ[_VARIABLE] = before[0]
            tempfile.tempdir = before[1]
