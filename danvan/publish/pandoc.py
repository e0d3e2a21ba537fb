"""Pandoc, and what all Word files share: their font, their language, a zip without dates."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from functools import cache

import pypandoc

from danvan.errors import StageError

FONT = "Times New Roman"  # named, never embedded: every office has it
Change = Callable[[str], str]


def run(*options: str, text: str = "") -> bytes:
    """What pandoc prints. Raises StageError with what it says where it fails."""
    command = (pypandoc.get_pandoc_path(), *options)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}  # what it dates with this, we take out again
    done = subprocess.run(command, input=text.encode(), env=environment, capture_output=True, check=False)
    if done.returncode:
        raise StageError(f"Không lập được tệp Word: pandoc báo lỗi.\n{done.stderr.decode(errors='replace').strip()}")
    return done.stdout


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


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip of these members in this order, none of them dated."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            member = zipfile.ZipInfo(name)
            member.create_system = 3  # the same on every system
            target.writestr(member, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def changed(content: bytes, changes: Mapping[str, Change]) -> bytes:
    """The same zip with some members changed or added."""
    members = opened(content)
    for name, change in changes.items():
        members[name] = change(members.get(name, b"").decode()).encode()
    return zipped(members)
