"""Makes a PNG of a finished SVG, for readers that lack SVG: one drawing serves both.

Typst's rasteriser does it. All letters of a chart are outlines: no font is needed, and it looks the same everywhere.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache

from danvan.publish import typesetter

DPI = 200
_HEAD = 33  # bytes of a PNG up to the end of its first chunk, which says width and height


def png(svg: str) -> bytes:
    """The drawing on white at 200 dots an inch, which the file says too; the same bytes every time.

    Raises typesetter.RefusedError if it is no SVG.
    """
    data = typesetter.ours().png(svg, DPI)
    return data[:_HEAD] + _size() + data[_HEAD:]


@cache
def _size() -> bytes:
    """The chunk that says how large a dot is: else a word processor takes a chart to be twice as wide."""
    a_metre = round(DPI / 0.0254)
    chunk = b"pHYs" + struct.pack(">IIB", a_metre, a_metre, 1)
    return struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
