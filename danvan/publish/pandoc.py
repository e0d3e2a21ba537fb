"""Pandoc, and what all Word files share: their font, their language, how their parts are read and changed."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pypandoc

from danvan.errors import StageError
from danvan.store import zipped

FONT = "Times New Roman"  # named, never embedded: every office has it
Change = Callable[[str], str]


def run(*options: str, text: str = "") -> bytes:
    """What pandoc prints. Raises StageError with what it says where it fails."""
    logging.getLogger("pypandoc").setLevel(logging.CRITICAL)  # else it prints tracebacks when it takes another pandoc
    try:
        command = (pypandoc.get_pandoc_path(), *options)
    except OSError:
        raise StageError("Không lập được tệp Word: không chạy được pandoc. Hãy chạy lại.") from None
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}  # what it dates with this, we take out again
    done = subprocess.run(command, input=text.encode(), env=environment, capture_output=True, check=False)
    if done.returncode:
        raise StageError(f"Không lập được tệp Word: pandoc báo lỗi.\n{done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def docx(text: str, reference: bytes, *options: str) -> bytes:
    """A text as a Word file with the styles of `reference`. Raises StageError as `run` does.

    In its sandbox pandoc opens nothing but the files named here, and nothing of the user's own pandoc.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.docx"
        path.write_bytes(reference)
        kept_apart = ("--sandbox", f"--data-dir={folder}", f"--reference-doc={path}")
        return run(*kept_apart, "--to=docx", *options, "--output=-", text=text)


@cache
def version() -> str:
    """Pandoc's own version, '3.9'; the package around it has another."""
    return run("--version").decode().split()[1]


@cache
def reference() -> bytes:
    """Pandoc's own reference document."""
    return run("--print-default-data-file=reference.docx")


def defaults(size: float) -> str:
    """What holds for all text of a Word file: the font, `size` points, Vietnamese."""
    fonts = " ".join(f'w:{kind}="{FONT}"' for kind in ("ascii", "hAnsi", "eastAsia", "cs"))
    return (
        f'<w:docDefaults><w:rPrDefault><w:rPr><w:rFonts {fonts}/><w:sz w:val="{round(size * 2)}"/>'
        f'<w:szCs w:val="{round(size * 2)}"/><w:lang w:val="vi-VN" w:eastAsia="vi-VN" w:bidi="ar-SA"/></w:rPr>'
        "</w:rPrDefault><w:pPrDefault/></w:docDefaults>"
    )


def opened(content: bytes) -> dict[str, bytes]:
    """The members of a zip by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        return {name: source.read(name) for name in source.namelist()}


def changed(content: bytes, changes: Mapping[str, Change]) -> bytes:
    """The same zip with some members changed or added."""
    members = opened(content)
    for name, change in changes.items():
        members[name] = change(members.get(name, b"").decode()).encode()
    return zipped(members)
