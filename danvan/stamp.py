# ruff: noqa: PTH105, PTH110, PTH113, PTH114, PTH118, PTH120, PTH121, PTH123
"""Whether an environment is whole and fits today's files: it then holds a stamp, written last.

Every start asks this, before and inside .venv, so it imports next to nothing: os.path and not pathlib, which
alone would cost 10 ms.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from unicodedata import normalize

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
STAMP = "danvan-stamp"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
# What may stand in site-packages/danvan.pth: the folder, or the same in ASCII (see install.register_danvan).
PTH_LINES = (ROOT, f"import sys; sys.path.append({ROOT!a})")

NO_FILE = (
    "{name} là liên kết hoặc không phải tệp thường nên không được đọc. Hãy chép chính tệp ấy vào đây rồi chạy lại."
)
INCOMPLETE = "Thiếu tệp {name}: hãy giải nén lại toàn bộ dự án rồi chạy lại."


class SetupError(Exception):
    """The set-up cannot go on; its text is the one sentence for the user."""

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def fits(environment: str) -> bool:
    """Whether the environment in this folder holds the right stamp."""
    found = read(environment)
    return bool(found) and found == right(found[0])


def read(environment: str) -> list[str]:
    """The stamp in this folder, as `right` gives it; empty if there is none, or the environment's Python is gone."""
    try:
        with open(os.path.join(environment, STAMP), encoding="ascii") as file:
            found = file.read().split()
    except (OSError, ValueError):
        return []
    gone = environment == VENV and not os.path.exists(VENV_PYTHON)
    upgraded = is_here(environment) and found[:1] != [VERSION]
    return [] if gone or upgraded or len(found) != 3 else found


def write(environment: str, marks: list[str]) -> None:
    """Put a stamp into this folder, so that a reader sees the whole of it or none."""
    place = os.path.join(environment, STAMP)
    with open(place + ".new", "w", encoding="ascii") as file:
        file.write("\n".join(marks) + "\n")
    os.replace(place + ".new", place)


def right(version: str) -> list[str]:
    """The stamp that fits: Python's version, a digest of what the packages come from, one of danvan's own entry."""
    place = f"{version}\0{normalize('NFC', ROOT)}\0".encode(
        "utf-8", "surrogateescape"
    )  # NFC: macOS spells a folder in two ways
    return [
        version,
        sha256(place + project_file("requirements.lock")).hexdigest(),
        sha256(project_file("pyproject.toml")).hexdigest(),
    ]


def is_here(environment: str) -> bool:
    """Whether this interpreter runs in the environment of that folder."""
    return os.path.exists(environment) and os.path.samefile(sys.prefix, environment)


def project_file(name: str) -> bytes:
    """What a file of the project holds; no link in its place is followed, no pipe waited for."""
    path = os.path.join(ROOT, name)
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        raise SetupError(NO_FILE.format(name=name))
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise SetupError(INCOMPLETE.format(name=name)) from None
