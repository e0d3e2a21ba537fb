"""The shipped font files (Tinos) and the CSS that carries them into a page."""

from __future__ import annotations

import base64
from pathlib import Path

FAMILY = "Tinos"
FONT_DIR = Path(__file__).resolve().parent.parent / "fonts"

_FACES = (
    ("Regular", 400, "normal"),
    ("Bold", 700, "normal"),
    ("Italic", 400, "italic"),
    ("BoldItalic", 700, "italic"),
)


def woff2_css() -> str:
    """`@font-face` rules of the four faces, each with its file as a data URI: no request leaves the page."""
    rules = []
    for face, weight, style in _FACES:
        data = base64.b64encode((FONT_DIR / f"{FAMILY}-{face}.woff2").read_bytes()).decode("ascii")
        rules.append(
            f'@font-face{{font-family:"{FAMILY}";font-weight:{weight};font-style:{style};font-display:swap;'
            f'src:url("data:font/woff2;base64,{data}") format("woff2")}}'
        )
    return "\n".join(rules) + "\n"
