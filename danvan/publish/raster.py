"""Makes a PNG of a finished SVG, for readers that lack SVG: one drawing serves both.

Typst's rasteriser does it. All letters of a chart are outlines: no font is needed, and it looks the same everywhere.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import typst

DPI = 200
_PAGE = b"""#set page(width: auto, height: auto, margin: 0pt, fill: white)
#image(bytes(sys.inputs.svg), format: "svg")"""
_HEAD = 33  # bytes of a PNG up to the end of its first chunk, which says width and height


def png(svg: str) -> bytes:
    """The drawing on white at 200 dots an inch, which the file says too; the same bytes every time.

    Raises typst.TypstError if it is no SVG.
    """
    here = Path(__file__).parent  # the only folder whose files a drawing could name
    given = {"svg": svg}
    compiler: Any = typst.Compiler(_PAGE, here, font_paths=_no_fonts(), ignore_system_fonts=True, sys_inputs=given)
    data: bytes = compiler.compile(format="png", ppi=DPI)
    return data[:_HEAD] + _size() + data[_HEAD:]


@cache
def _no_fonts() -> Any:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False)


@cache
def _size() -> bytes:
    """The chunk that says how large a dot is: else a word processor takes a chart to be twice as wide."""
    a_metre = round(DPI / 0.0254)
    chunk = b"pHYs" + struct.pack(">IIB", a_metre, a_metre, 1)
    return struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
