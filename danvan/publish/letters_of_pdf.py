"""Reads a PDF back letter by letter, as it is drawn: where each stands, in which font and size; and the thin rules.

Lengths are in points, measured from the left and from the top of the page.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from danvan.errors import SettingsError

_THIN = 1.6  # of a rule, at most
_HYPHEN = "\x02"  # what pdfium gives for one at the end of a line


@dataclass(frozen=True)
class Letter:
    """`base`: of its baseline, from the top; `font`: the family, without 'ABCDEF+' and '-Bold'."""

    page: int
    text: str
    left: float
    right: float
    base: float
    size: float
    font: str
    bold: bool
    italic: bool


@dataclass(frozen=True)
class Rule:
    """A thin horizontal line."""

    left: float
    right: float
    y: float


@dataclass(frozen=True)
class Sheet:
    """A page; `letters` in the order in which they are drawn, without blanks."""

    width: float
    height: float
    letters: tuple[Letter, ...]
    rules: tuple[Rule, ...]


def read(data: bytes) -> list[Sheet]:
    """All pages. Raises SettingsError if the bytes are no PDF."""
    with _opened(data) as document:
        return [_sheet(page, number) for number, page in enumerate(document)]


def lines(data: bytes) -> Iterator[list[str]]:
    """The lines of text of each page, in the order in which they are drawn. Raises SettingsError."""
    with _opened(data) as document:
        for page in document:
            yield page.get_textpage().get_text_range().splitlines()


def drawn(data: bytes, scale: float = 2) -> Iterator[tuple[int, int, bytes]]:
    """Each page as it looks at `scale` dots a point: width, height, dots. Raises SettingsError."""
    with _opened(data) as document:
        for page in document:
            picture = page.render(scale=scale)
            yield picture.width, picture.height, bytes(picture.buffer)


@contextmanager
def _opened(data: bytes) -> Iterator[pdfium.PdfDocument]:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError:
        raise SettingsError("không phải tệp PDF, hoặc tệp đã hỏng.") from None
    try:
        yield document
    finally:
        document.close()


def _sheet(page: pdfium.PdfPage, number: int) -> Sheet:
    width, height = page.get_size()
    textpage = page.get_textpage()
    letters = [_letter(textpage, index, number, height) for index in range(textpage.count_chars())]
    textpage.close()
    rules = []
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=1):
        left, bottom, right, top = item.get_bounds()
        if top - bottom <= _THIN and right - left > 5:
            rules.append(Rule(left, right, height - (top + bottom) / 2))
    return Sheet(width, height, tuple(letter for letter in letters if letter), tuple(rules))


def _letter(textpage: pdfium.PdfTextPage, index: int, page: int, height: float) -> Letter | None:
    code = raw.FPDFText_GetUnicode(textpage, index)
    text = "-" if chr(code) == _HYPHEN else unicodedata.normalize("NFC", chr(code))
    if not text.strip() or (raw.FPDFText_IsGenerated(textpage, index) and text != "-"):
        return None
    x, y, box = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF()
    raw.FPDFText_GetCharOrigin(textpage, index, x, y)
    raw.FPDFText_GetLooseCharBox(textpage, index, box)
    buffer, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(textpage, index, buffer, len(buffer), flags)
    family, bold, italic = font(buffer.value.decode("utf-8", "replace"))
    size = raw.FPDFText_GetFontSize(textpage, index)
    return Letter(page, text, x.value, box.right, height - y.value, size, family, bold, italic)


def font(name: str) -> tuple[str, bool, bool]:
    """Family, bold, italic: 'JZUBJA+Tinos-BoldItalic' is Tinos, 'TimesNewRomanPS-BoldMT' is Times New Roman."""
    bare = re.sub(r"^[A-Z]{6}\+", "", name)
    family, _, face = bare.replace(",", "-").partition("-")
    family = re.sub(r"(PS)?(MT)?$", "", family)
    family = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", family)
    return family, "bold" in face.lower(), "italic" in face.lower() or "oblique" in face.lower()
