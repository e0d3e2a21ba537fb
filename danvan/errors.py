"""What can go wrong, as a tree; each branch has the exit code of the command line.

DanvanError
├── SettingsError   2  params, catalogue, units or the call itself are wrong
├── ReturnsError    1  the returns have errors (carries the findings)
├── LockedError     3  another run holds the lock
├── RefusedError    5  what was published would change unsaid, or has been changed
└── StageError      4  a stage failed: notebook, publishing, writing
    └── ChangedError   an input changed meanwhile

Every text is Vietnamese and written for the analyst: what was found, where, why refused, what to do.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence

# What the system says when the disk, not the program, refuses.
DISK_REFUSES = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


_WORDS = {
    errno.EACCES: "không có quyền",
    errno.EPERM: "không có quyền",
    errno.EROFS: "ổ đĩa chỉ cho đọc",
    errno.ENOENT: "không còn ở đó",
    errno.EIO: "ổ đĩa báo lỗi đọc, ghi",
    errno.ETIMEDOUT: "ổ mạng không trả lời",
}


def words_of(error: OSError) -> str:
    """What the system says, in Vietnamese where it is common."""
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)


class DanvanError(Exception):
    """Base of all errors that a user can cause or mend; shown as text, never as a traceback."""

    exit_code = 4


class SettingsError(DanvanError):
    """Wrong use or wrong settings; `problems` holds one sentence each, all found at once."""

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ReturnsError(DanvanError):
    """The returns have errors; `findings` are `intake.findings.Finding`s."""

    exit_code = 1

    def __init__(self, message: str, findings: Sequence[object]) -> None:
        super().__init__(message)
        self.findings = tuple(findings)

    def __reduce__(self) -> tuple[type, tuple[str, Sequence[object]]]:
        return type(self), (str(self), self.findings)  # it is raised in one process and told in another


class LockedError(DanvanError):
    exit_code = 3


class RefusedError(DanvanError):
    """Done on purpose only: a revision without a reason, an edition that is not what it was."""

    exit_code = 5


class StageError(DanvanError):
    exit_code = 4


class ChangedError(StageError):
    """An input changed while something was made of it: to be made again."""


def not_a_file(shown: str, what: str) -> SettingsError:
    """What to say where a link or a pipe stands in the place of the file `shown`; `what` names it."""
    return SettingsError(
        f"{shown} là {what}, không phải tệp thường nên không được đọc. Hãy chép chính tệp ấy vào đây rồi chạy lại."
    )


def grouped(number: int) -> str:
    """A whole number as a sentence has it: 1.075."""
    return f"{number:,}".replace(",", ".")


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word nearest to `word` as a hint (' Có phải là “x”?'), or '' when none is near."""
    import difflib  # not every start needs it

    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Có phải là “{match[0]}”?" if match else ""
