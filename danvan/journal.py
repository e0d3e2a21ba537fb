"""The log of scheduled runs: JSON lines in a file that stays small and is its owner's alone; never a secret in it.

A run is not stopped by its log: what the disk refuses goes to stderr, where the scheduler of the system keeps it.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout
from pydantic import SecretStr
from pythonjsonlogger.json import JsonFormatter

from danvan.intake import privacy
from danvan.paths import Project

LARGEST = 1_000_000  # bytes of one file
OLD_FILES = 5
_LONGEST = 10_000  # characters of one value
_PATIENCE = 5.0  # seconds that another process may take for its line
_HIDDEN = "[đã giấu]"


class Journal:
    """What one run writes down. Each line has time (UTC), level, event, pid; then year, text and what else is given.

    Persons in `text` are masked.
    """

    def __init__(self, handler: _Handler, formatter: _Lines) -> None:
        self._logger = logging.Logger("danvan.scheduled")  # its own: no other logger's handler ever gets a line
        self._logger.addHandler(handler)
        self._formatter = formatter

    def hide(self, secret: SecretStr) -> None:
        """From now on this secret is replaced wherever it stands in a line, also as base64 or quoted."""
        self._formatter.hide(secret)

    def info(self, event: str, text: str = "", *, year: int | None = None, **more: object) -> None:
        self._log(logging.INFO, event, text, year, more)

    def warning(self, event: str, text: str = "", *, year: int | None = None, **more: object) -> None:
        self._log(logging.WARNING, event, text, year, more)

    def error(self, event: str, text: str = "", *, year: int | None = None, **more: object) -> None:
        self._log(logging.ERROR, event, text, year, more)

    def _log(self, level: int, event: str, text: str, year: int | None, more: dict[str, object]) -> None:
        known = {"year": year, "text": text}
        said = {name: value for name, value in known.items() if value not in (None, "")}
        self._logger.log(level, more | {"event": event, "pid": os.getpid()} | said)


@contextmanager
def opened(project: Project) -> Iterator[Journal]:
    """The journal of this project; nothing of it is open between two lines, so several processes may write at once."""
    formatter = _Lines()
    handler = _Handler(project.scheduled_log)
    handler.setFormatter(formatter)
    try:
        yield Journal(handler, formatter)
    finally:
        handler.close()


class _Lines(JsonFormatter):
    """A record as one JSON line, its secrets replaced."""

    def __init__(self) -> None:
        super().__init__(["levelname"], rename_fields={"levelname": "level"}, timestamp="time", json_ensure_ascii=False)
        self._secrets: list[str] = []

    def hide(self, secret: SecretStr) -> None:
        plain = secret.get_secret_value()
        forms = {plain, repr(plain)[1:-1], quote(plain), base64.b64encode(plain.encode()).decode()}
        # The longest first: a form may stand inside another.
        self._secrets = sorted({*self._secrets, *forms} - {""}, key=len, reverse=True)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        first = {name: log_data.pop(name) for name in ("time", "level", "event")}
        shown = {name: self._shown(value) for name, value in log_data.items()}
        if "text" in shown:
            shown["text"] = privacy.mask(shown["text"])
        return first | {"time": first["time"].isoformat(), "event": self._shown(first["event"])} | shown

    def _shown(self, value: Any) -> Any:
        """`value` as JSON has it. A number is no secret, whatever its digits."""
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, dict):
            return {self._without(str(name)): self._shown(one) for name, one in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._shown(one) for one in value]
        return self._without(str(value))[:_LONGEST]

    def _without(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


class _Handler(RotatingFileHandler):
    """Rotates as the standard one does, with the file open for one line at a time, under a lock between processes.

    Windows renames no file that somebody has open, and two processes that rotate at once would lose lines.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LARGEST, backupCount=OLD_FILES, encoding="utf-8", delay=True)
        self._path = path
        self._patience = _PATIENCE
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or tell it to stderr. Raises nothing."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            line = (self.format(record) + "\n").encode(errors="replace")
            with FileLock(self._path.with_name(f".{self._path.name}.lock"), timeout=self._patience, mode=0o600):
                if self._path.is_file() and self._path.stat().st_size + len(line) > self.maxBytes:
                    self.doRollover()
                _append(self._path, line)
        except Timeout:
            self._patience = 0.0  # whoever holds it is stuck: waited for once
            self.handleError(record)
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """The line on stderr instead, after a sentence that is told once."""
        with suppress(Exception):  # stderr may be closed, too: then nobody can be told
            error = sys.exc_info()[1]
            if not self._told:
                self._told = True
                why = getattr(error, "strerror", None) or type(error).__name__
                print(
                    f"Không ghi được nhật ký {self._path.name} ({why}); các dòng sau đây lẽ ra nằm trong đó. "
                    "Lần chạy vẫn tiếp tục.",
                    file=sys.stderr,
                )
            print(self.format(record), file=sys.stderr, flush=True)


def _append(path: Path, line: bytes) -> None:
    """Add one line, or nothing: what a killed process or a full disk left of another one goes first."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0) as file:
        if os.name != "nt":
            os.fchmod(file.fileno(), 0o600)
        whole = _whole(file)
        file.truncate(whole)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(whole)
            raise


def _whole(file: io.FileIO) -> int:
    """How many bytes of the file are whole lines."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            return file.readall().rfind(b"\n") + 1
    return size
