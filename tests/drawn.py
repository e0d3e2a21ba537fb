"""Reads a picture back as a reader sees it: its words and their places, whether one is cut, pale or small; its file."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.text import Text

from danvan import paper
from danvan.paper import Chart

A4 = 257  # mm: the height of the text of an A4 page


def lines(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_text()]


def words(chart: Chart) -> str:
    """All lines of the figure, in the order in which they were written."""
    return " ".join(text.get_text() for text in lines(chart.figure))


def height(chart: Chart) -> float:
    """In millimetres."""
    return float(chart.figure.get_size_inches()[1] * 25.4)


def patches(chart: Chart, edge: str) -> list[PathPatch]:
    """What is drawn with lines of this colour."""
    colour = matplotlib.colors.to_rgba(edge)
    found = [patch for patch in chart.figure.findobj(PathPatch) if patch.get_edgecolor() == colour]
    return [patch for patch in found if patch.get_linewidth()]


def dashed(chart: Chart, edge: str) -> list[int]:
    """How many lines each dashed path of this colour has, in the order in which they were drawn."""
    paths = [patch.get_path() for patch in patches(chart, edge) if patch.get_linestyle() != "solid"]
    return [len(path.to_polygons(closed_only=False)) for path in paths]


def ids(svg: str) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', svg))


def assert_no_text_is_cut_or_overlaps(chart: Chart) -> None:
    renderer = FigureCanvasAgg(chart.figure).get_renderer()
    texts = [(text.get_text(), text.get_window_extent(renderer)) for text in lines(chart.figure)]
    sheet = chart.figure.bbox
    for text, box in texts:
        assert min(box.x0, box.y0, sheet.x1 - box.x1, sheet.y1 - box.y1) >= 0, text
    for (one, a), (other, b) in combinations(texts, 2):
        overlap = min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5
        assert not overlap, (one, other)


def assert_letters_are_in_the_shipped_font(chart: Chart) -> None:
    assert {text.get_fontfamily()[0] for text in lines(chart.figure)} == {"Tinos"}
    paths = {paper.fontManager.findfont(text.get_fontproperties()) for text in lines(chart.figure)}
    assert all(paper.FONTS.samefile(re.sub(r"[^/\\]+$", "", path)) for path in paths)
    paper.to_svg(chart.figure, "hinh")  # a missing letter is a warning, hence an error here


def luminance(colour: str) -> float:
    parts = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in matplotlib.colors.to_rgb(colour)
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def assert_text_can_be_read(chart: Chart, least: float = 9) -> None:
    """Dark enough on white, and of `least` points."""
    for text in lines(chart.figure):
        assert 1.05 / (luminance(text.get_color()) + 0.05) >= 4.5, text.get_text()
        assert text.get_fontsize() >= least


def assert_svg_is_clean_and_the_same_twice(chart: Chart) -> str:
    svg = paper.to_svg(chart.figure, "hinh")
    assert svg == paper.to_svg(chart.figure, "hinh")
    root = ElementTree.fromstring(svg)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "g", "defs", "path", "use"}  # no raster, no text, no metadata, no style
    links = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    assert links == ids(svg)
    assert not re.search(r"matplotlib|<!--|style=|20\d\d-|/home|/work|file:", svg)
    return svg


def assert_table_is_full(chart: Chart) -> None:
    """Heads and rows of one width, each with a label."""
    assert len(chart.table) > 1
    assert {len(row) for row in chart.table} == {len(chart.table[0])}
    assert all(row[0] for row in chart.table)
