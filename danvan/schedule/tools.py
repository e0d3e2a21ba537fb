"""Asks the machine's own commands, and gives what they say."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from danvan.errors import StageError

TIMEOUT = 60  # seconds; they answer at once, or wait for somebody who is not there


@dataclass(frozen=True)
class Answer:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return _text(self.out)

    @property
    def why(self) -> str:
        """What the command said, in one line."""
        return " ".join((self.err or self.text).split()) or f"mã {self.code}"


def ask(*command: str, given: bytes = b"", also: dict[str, str] | None = None) -> Answer:
    """Run `command` with `given` as its input, in English where it knows that.

    `also` is added to its environment. Raises StageError where it is missing or does not answer.
    """
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", **(also or {})}
    try:
        done = subprocess.run(command, input=given, capture_output=True, env=environment, timeout=TIMEOUT, check=False)
    except FileNotFoundError:
        raise StageError(f"Máy này không có lệnh {command[0]}, nên không đặt lịch được bằng nó.") from None
    except (OSError, subprocess.TimeoutExpired):
        raise StageError(f"Lệnh {command[0]} không chạy được hoặc không trả lời. Hãy chạy lại sau.") from None
    return Answer(done.returncode, done.stdout, _text(done.stderr))


def _text(said: bytes) -> str:
    return said.decode("oem" if os.name == "nt" else "utf-8", errors="replace")
