"""The sheet that charts are drawn on: the one style, texts measured and placed in points, axes, the SVG file.

A sheet is 16 cm wide (the text width of A4) and as high as its content needs. Matplotlib's axes are not used: so
nothing is cut, nothing overlaps, no slow tight box is needed.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from matplotlib import RcParams, rc_context, rc_params_from_file, rcParams
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Shape
from matplotlib.text import Text
from matplotlib.textpath import TextToPath
from matplotlib.transforms import Affine2D

FONTS = Path(__file__).with_name("fonts")
STYLE = Path(__file__).with_name("paper.mplstyle")

WIDTH, EDGE = 6.3 * 72, 5.0  # points: 16 cm, of which this much stays free on each side
TEXT, SMALL = 10.0, 9.0  # points

INK, GREY, FAINT, RULE = "#1a1a1a", "#595959", "#a3abb5", "#cfd5dc"
PALE, BLUE, NAVY, RUST = "#dce9f3", "#3f86bd", "#003f6e", "#b34700"  # differ in grey print too
DASH, DOTS = (4.0, 2.5), (1.0, 2.0)  # strokes and gaps of lines
DPI = 200  # of pixels within an SVG


@dataclass(frozen=True)
class Chart:
    """A figure, and the same in Vietnamese sentences and as a table for those who cannot see it.

    `table`: rows of printed texts, the heads first, the label first in each row.
    """

    figure: Figure
    alt: str
    table: tuple[tuple[str, ...], ...]


# --- style and files ---


@cache
def style() -> RcParams:
    """The settings of the style file; on the way the shipped fonts are registered."""
    found = rc_params_from_file(STYLE, use_default_template=False)
    fonts = sorted(FONTS.glob("*.ttf"))
    if not fonts:
        raise FileNotFoundError(f"thiếu phông chữ của biểu đồ trong thư mục {FONTS}")
    # A copy of the family installed on the computer may have other outlines: it must not win.
    family = found["font.family"][0]
    fontManager.ttflist[:] = [font for font in fontManager.ttflist if font.name != family]
    for font in fonts:
        fontManager.addfont(font)
    return found


def use_style() -> None:
    """Give figures that an analyst draws with Matplotlib the look of these charts."""
    rcParams.update(style())


class _Letters(TextToPath):
    """Matplotlib's outlines of letters, from fonts in memory.

    It keeps fonts open as files, and goes back to them for each letter of each text: that takes half as long again as
    all the rest of a chart. Without this class charts are the same, only slower.
    """

    def _get_font(self, prop: FontProperties) -> FT2Font:
        paths = tuple((font.path, font.face_index) for font in fontManager._find_fonts_by_props(prop))
        font = _in_memory(paths, threading.get_ident())
        font.set_size(self.FONT_SCALE, self.DPI)
        return font


@lru_cache(maxsize=64)
def _in_memory(paths: tuple[tuple[str, int], ...], _thread: int) -> FT2Font:
    """The first font, with the others for letters that it lacks; no two threads may share one."""
    first, *others = ((io.BytesIO(Path(path).read_bytes()), index) for path, index in paths)
    return FT2Font(first[0], face_index=first[1], _fallback_list=[FT2Font(f, face_index=index) for f, index in others])


_letters = _Letters()


def _drawn(figure: Figure) -> str:
    """What `savefig` would write, without its detours: the figure on white, in points, as Matplotlib's SVG."""
    file, (width, height), dpi = io.StringIO(), figure.get_size_inches(), figure.dpi
    said = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # not who made it, nor when
    svg: Any = RendererSVG(width * 72, height * 72, file, image_dpi=DPI, metadata=said)  # type: ignore[no-untyped-call]
    svg._text2path = _letters
    renderer: Any = MixedModeRenderer(figure, width, height, DPI, svg)  # type: ignore[no-untyped-call]
    figure.set(facecolor="white", dpi=72)
    try:
        figure.draw(renderer)
    finally:
        figure.dpi = dpi
    svg.finalize()
    return file.getvalue()


_JUNK = re.compile(r"<(?:\?xml.*?\?|!DOCTYPE.*?|!--.*?--|metadata>.*?</metadata|style.*?</style)>", re.DOTALL)
_LINK = re.compile(r'(href="|url\()#([^")]+)(?:" transform="translate\((-?[\d.]+) 0\)"/>)?')


def to_svg(figure: Figure, id: str) -> str:
    """The figure as a small SVG, the same text every time: letters as outlines, no date, no maker.

    All ids inside depend on `id`, so that figures can stand in one HTML page.
    """
    with rc_context({**style(), "svg.hashsalt": id}):
        svg = _drawn(figure)
    # <style> would reach into the whole HTML page: the root says the same, for itself
    svg = _JUNK.sub("", "".join(map(str.strip, svg.splitlines())))
    svg = svg.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    # attributes instead of CSS, which a page with a strict security policy ignores
    css = re.compile(r'style="((?:[\w-]+: [^;"]+(?:; )?)+)"')
    svg = css.sub(lambda css: re.sub(r"([\w-]+): ([^;]+)(?:; )?", r'\1="\2" ', css[1]).rstrip(), svg)
    for blank in re.findall(r'<path id="([^"]+)" transform=[^>]*>', svg):  # spaces between words
        svg = re.sub(rf'<(?:use xlink:href="#|path id="){re.escape(blank)}"[^>]*>', "", svg)
    svg = re.sub(r' d="([^"]*)"( transform="scale\(0\.015625\)")?', _path, svg)

    used = dict.fromkeys(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    prefix = "f" + hashlib.sha256(id.encode()).hexdigest()[:6]
    short = {old: f"{prefix}{number:x}" for number, old in enumerate(used)}
    svg = re.sub(r' id="([^"]+)"', lambda name: f' id="{short[name[1]]}"' if name[1] in short else "", svg)

    def link(found: re.Match[str]) -> str:
        at = f'" x="{float(found[3]):.0f}"/>' if found[3] else ""  # of a letter in its line
        return f"{found[1]}#{short[found[2]]}{at}"

    return _LINK.sub(link, svg) + "\n"


def _path(found: re.Match[str]) -> str:
    """A path's attributes, shorter: two decimals; a letter as below."""
    if found[2]:
        return _letter(found[1])
    commands = re.findall(r"([A-Za-z])([^A-Za-z]*)", found[1])
    rounded = [(c, [f"{float(n):.2f}".rstrip("0").rstrip(".") for n in points.split()]) for c, points in commands]
    return ' d="' + "".join(command + " ".join(points) for command, points in rounded) + '"'


@lru_cache(maxsize=2_000)
def _letter(outline: str) -> str:
    """The attributes of a letter's path (on 6400 points to the text size): on a grid of 1600, from point to point."""
    here, begin, out = [0, 0], [0, 0], ""
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", outline):
        points = [round(float(number) / 4) for number in numbers.split()]
        steps = [str(point - here[i % 2]) for i, point in enumerate(points)]
        here = points[-2:] or begin
        begin = here if command == "M" else begin
        out += command.lower() + " ".join(steps).replace(" -", "-")
    return f' d="{out}" transform="scale(.0625)"'


# --- paper (all lengths in points) ---


def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(family=style()["font.family"], size=size, weight="bold" if bold else "normal")


@lru_cache(maxsize=10_000)
def _line_width(line: str, size: float, bold: bool) -> float:
    return float(_letters.get_text_width_height_descent(line, _font(size, bold), ismath=False)[0])


def text_width(text: str, size: float = TEXT, bold: bool = False) -> float:
    return max(_line_width(line, size, bold) for line in text.split("\n"))


def text_height(text: str, size: float = TEXT) -> float:
    return (text.count("\n") + 1) * size * 1.2 if text else 0.0


def wrap(text: str, width: float, size: float = TEXT, bold: bool = False) -> str:
    """The text in lines of at most `width`, broken at spaces; a longer word stays whole."""
    lines = [""]
    for word in unicodedata.normalize("NFC", text).split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size, bold) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def column_width(texts: Iterable[str], most: float, size: float = TEXT, bold: bool = True) -> float:
    """Width of a column that holds these texts, each wrapped to `most`."""
    return max(text_width(wrap(text, most, size, bold), size, bold) for text in texts)


def polyline(*points: tuple[float, float]) -> Shape:
    return Shape(points)


def area(*points: tuple[float, float]) -> Shape:
    return Shape([*points, points[0]], closed=True)


def box(x: float, y: float, width: float, height: float) -> Shape:
    """A rectangle from x rightwards, y in its middle."""
    top, low = y - height / 2, y + height / 2
    return area((x, top), (x + width, top), (x + width, low), (x, low))


def behind(words: str, x: float, y: float, size: float = SMALL, bold: bool = False) -> Shape:
    """The paper behind words about the middle (x, y)."""
    width = text_width(words, size, bold) + 2
    return box(x - width / 2, y, width, text_height(words, size) - 2)


def cross(x: float, y: float) -> Shape:
    return Shape.make_compound_path(*(polyline((x - 3, y - 3 * way), (x + 3, y + 3 * way)) for way in (1, -1)))


# --- axes ---


@dataclass(frozen=True)
class Axis:
    """Values from `low` up to `high` on points from `start` to `end`; `bend` is the scale: linear, root, logarithm."""

    low: float
    high: float
    start: float
    end: float
    bend: Callable[[float], float] = float

    def at(self, value: float) -> float:
        low, high = self.bend(self.low), self.bend(self.high)
        return self.start + (self.bend(value) - low) / (high - low) * (self.end - self.start)


def around(numbers: Iterable[float], pad: float = 0.06) -> tuple[float, float]:
    """The span of numbers and a little more; never below zero if no number is."""
    numbers = list(numbers)
    low, high = min(numbers), max(numbers)
    more = (high - low) * pad or abs(high) * 0.1 or 1.0
    return (max(low - more, 0.0) if low >= 0 else low - more), high + more


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from low to high: two at least, at most so many steps."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step *= next(times for times in (1, 2, 5, 10) if (high - low) / (step * times) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    found = [round(number * step, 10) for number in range(first, last + 1)]
    return found if len(found) > 1 else ticks(low, high, most + 1)


def in_words(numbers: Sequence[float]) -> list[str]:
    """Numbers of an axis in Vietnamese, all with the digits after the comma that one of them needs."""
    decimals = next((d for d in range(6) if all(math.isclose(n, round(n, d), abs_tol=1e-9) for n in numbers)), 6)
    return [f"{number:,.{decimals}f}".translate(str.maketrans(",.", ".,")) for number in numbers]


# --- the sheet ---

Side = Literal["left", "center", "right"]  # where words stand, seen from themselves: the point is on this side


class _Line(Text):
    """One line of words at a point of its baseline: nothing that Matplotlib would have to lay out once more."""

    def draw(self, renderer: RendererBase) -> None:
        (x, y), words = self.get_position(), self.get_text()
        width = _line_width(words, self.get_fontsize(), self.get_fontweight() == "bold")
        x -= {"left": 0, "center": width / 2, "right": width}[self.get_horizontalalignment()]
        x, y = self.get_transform().transform((x, y))
        renderer.open_group("text")
        gc = renderer.new_gc()
        gc.set_foreground(self.get_color())
        if renderer.flipy():
            y = renderer.get_canvas_width_height()[1] - y
        renderer.draw_text(gc, x, y, words, self.get_fontproperties(), 0)
        gc.restore()
        renderer.close_group("text")


class Paper:
    """A white sheet: x from the left, y from the top; `y` is where the next thing may begin."""

    def __init__(self, title: str) -> None:
        self.figure = Figure(facecolor="white")
        self._flip = Affine2D()  # set at the end, when the height is known
        self._points = self._flip + self.figure.dpi_scale_trans
        self.y = EDGE
        if title:
            self.paragraph(title, INK, TEXT + 1, bold=True)
            self.y += 6

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float = TEXT,
        colour: str = INK,
        bold: bool = False,
        ha: Side = "left",
    ) -> None:
        """Words about the middle line y; each line is its own text, or marks above letters would push lines apart."""
        baseline = y - text_height(words, size) / 2 + size * 0.93
        for number, line in enumerate(words.split("\n") if words else []):
            at = x, baseline + number * size * 1.2
            text = _Line(*at, line, color=colour, horizontalalignment=ha, fontproperties=_font(size, bold))
            text.set(parse_math=False, usetex=False, transform=self._points, figure=self.figure)
            self.figure.texts.append(text)

    def paragraph(self, words: str, colour: str = GREY, size: float = SMALL, bold: bool = False) -> None:
        """Words over the whole width."""
        words = wrap(words, WIDTH - 2 * EDGE, size, bold)
        self.text(EDGE, self.y + text_height(words, size) / 2, words, size, colour, bold)
        self.y += text_height(words, size)

    def draw(
        self,
        shapes: Sequence[Shape],
        fill: str = "none",
        edge: str = "none",
        line: float = 0,
        dash: tuple[float, ...] = (),
    ) -> None:
        """Shapes of one look as one path (small files); `line` is the width of the edge, `dash` strokes and gaps."""
        if shapes:
            path = Shape.make_compound_path(*shapes)
            style = (0, tuple(length / line for length in dash)) if dash else "solid"  # Matplotlib counts in widths
            patch = PathPatch(path, facecolor=fill, edgecolor=edge, linewidth=line, linestyle=style)
            patch.set_transform(self._points)
            self.figure.add_artist(patch)

    def numbers(self, axis: Axis, numbers: Sequence[float], y: float) -> None:
        """Numbers under an axis, those that have room."""
        free = -math.inf
        for number, words in zip(numbers, in_words(numbers), strict=True):
            half = text_width(words, SMALL) / 2
            if axis.at(number) - half > free:
                self.text(axis.at(number), y, words, SMALL, GREY, ha="center")
                free = axis.at(number) + half + 4

    def legend(self, items: Sequence[tuple[Sign, str]], left: float = EDGE) -> None:
        """Signs (up to 18 points wide) and their words, in as many lines as they need."""
        x, self.y, deep = left, self.y + 4, 0.0
        for sign, words in items:
            words = wrap(words, WIDTH - EDGE - left - 24, SMALL)
            if x > left and x + 24 + text_width(words, SMALL) > WIDTH - EDGE:
                x, self.y, deep = left, self.y + deep + 2, 0.0
            high = max(text_height(words, SMALL), 12)
            sign(self, x + 10, self.y + 6)
            self.text(x + 24, self.y + 6 + (text_height(words, SMALL) - SMALL * 1.2) / 2, words, SMALL)
            x, deep = x + 24 + text_width(words, SMALL) + 16, max(deep, high)
        self.y += deep + 2

    def done(self, alt: Iterable[str], *notes: str, table: Iterable[Sequence[str]]) -> Chart:
        """Write the notes below, fix the height, join the sentences."""
        for note in filter(None, notes):
            self.y += 4
            self.paragraph(note)
        height = self.y + EDGE
        self._flip.scale(1 / 72, -1 / 72).translate(0, height / 72)
        self.figure.set_size_inches(WIDTH / 72, height / 72)
        sentences = " ".join(part.strip().rstrip(".") + "." for part in (*alt, *notes) if part)
        cells = tuple(tuple(unicodedata.normalize("NFC", cell) for cell in row) for row in table)
        return Chart(self.figure, unicodedata.normalize("NFC", sentences), cells)


# --- signs of a legend ---

Sign = Callable[[Paper, float, float], None]  # draws itself about a point
Look = tuple[str, str, float]  # fill, edge, width of the edge


def sign(look: Look, *shapes: Callable[[float, float], Shape]) -> Sign:
    return lambda paper, x, y: paper.draw([shape(x, y) for shape in shapes], *look)


def stroke(edge: str, line: float, dash: tuple[float, ...] = ()) -> Sign:
    return lambda paper, x, y: paper.draw([polyline((x - 9, y), (x + 9, y))], edge=edge, line=line, dash=dash)


def circle(radius: float) -> Callable[[float, float], Shape]:
    return lambda x, y: Shape.circle((x, y), radius)
