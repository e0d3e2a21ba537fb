"""The PNG of a chart: the same picture as its SVG, of the same size on paper, the same bytes every time."""

import io
import struct
from pathlib import Path

import nbformat
import pytest
import small_year
from matplotlib.figure import Figure as Drawing
from PIL import Image
from small_year import TIPS, unit

from danvan import charts, paper
from danvan.charts import Bar
from danvan.document import Figure
from danvan.outputs import Drawn
from danvan.publish import builder, raster, typesetter
from danvan.yearbook import Yearbook

pytestmark = pytest.mark.filterwarnings("error")

BARS = charts.bars([Bar("Hồng Bàng", 3, "3"), Bar("Đồ Sơn", 1, "1", mark=True)], None, "tin", False)


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def pixels(image: Image.Image, share: tuple[float, float, float, float]) -> set[tuple[int, ...]]:
    """The colours in a part of the picture: left, top, right, bottom as shares of it."""
    width, height = image.size
    box = [round(part * length) for part, length in zip(share, (width, height) * 2, strict=True)]
    return set(image.convert("RGB").crop((box[0], box[1], box[2], box[3])).get_flattened_data())


def darkest(colours: set[tuple[int, ...]]) -> int:
    return min(map(max, colours))


@pytest.fixture(scope="module")
def png() -> bytes:
    return raster.png(paper.to_svg(BARS.figure, "hinh"))


def test_it_is_as_large_as_the_drawing_and_says_so(png: bytes) -> None:
    image, (width, height) = picture(png), BARS.figure.get_size_inches()
    assert image.format == "PNG"
    assert image.width == 1260 == round(width * 200)
    assert abs(image.height - height * 200) <= 1
    assert image.info["dpi"] == pytest.approx((200, 200), abs=0.01)  # else a word processor makes it 33 cm wide
    image.load()


def test_it_stands_on_white_with_letters_and_bars(png: bytes) -> None:
    image = picture(png)
    assert {image.getpixel((x, y)) for x in (0, 1259) for y in (0, image.height - 1)} == {(255, 255, 255, 255)}
    assert darkest(pixels(image, (0, 0.25, 0.15, 1))) < 60  # the names of the units
    blue, navy = (tuple(bytes.fromhex(colour[1:])) for colour in (paper.BLUE, paper.NAVY))
    assert {blue, navy} <= pixels(image, (0.2, 0.25, 1, 1))


def test_it_is_the_same_twice_and_says_nothing_of_its_maker(png: bytes) -> None:
    assert raster.png(paper.to_svg(BARS.figure, "hinh")) == png
    names, at = [], 8
    while at < len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        names.append(name)
        at += length + 12
    assert set(names) == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}  # no text, no time


def test_it_takes_no_file_from_where_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    red = tmp_path / "đỏ.png"
    Image.new("RGB", (20, 20), "red").save(red)
    monkeypatch.chdir(tmp_path)
    for name in (red.name, str(red), red.as_uri()):
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20pt" '
            f'height="20pt" viewBox="0 0 20 20"><image xlink:href="{name}" width="20" height="20"/></svg>'
        )
        with pytest.raises(typesetter.RefusedError, match="linked image"):
            raster.png(svg)


def test_what_is_no_svg_is_refused() -> None:
    with pytest.raises(typesetter.RefusedError, match="SVG"):
        raster.png("<p>")


# --- from a cell of a notebook to the file ---


def notebook(*outputs: object) -> nbformat.NotebookNode:
    """As if a kernel had run it, one cell an output."""
    cells = []
    for output in outputs:
        data, metadata = output._repr_mimebundle_()  # type: ignore[attr-defined]
        shown = nbformat.v4.new_output("display_data", data, metadata=metadata)
        cells.append(nbformat.v4.new_code_cell("y", outputs=[shown]))
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture(scope="module")
def y() -> Yearbook:
    return Yearbook(small_year.year("unit | tips\nA | 3", unit("A", 1), indicators=(TIPS,)), "public")


def published(y: Yearbook, drawn: Drawn, **old: str) -> Figure:
    """The figure in the document; `old` is what else a kernel of before had put into its cell."""
    made = notebook(y.title_block(), drawn)
    made.cells[1].outputs[0].data |= {name.replace("_", "/"): value for name, value in old.items()}
    (figure,) = builder.figures(builder.build(made))
    return figure


def test_an_analysts_own_figure_ends_as_a_png(y: Yearbook) -> None:
    figure = Drawing(figsize=(4, 3))
    axes = figure.subplots()
    axes.bar(["Hồng Bàng", "Đồ Sơn"], [3, 1], color="#ff0000")
    axes.imshow([[0, 1]], extent=(1.6, 2, 0, 3), cmap="gray", aspect="auto")
    axes.set(xlim=(-1, 3), ylim=(0, 4))
    drawn = y.publish(figure, id="rieng", caption="Ở đâu nhiều?", alt="Biểu đồ thanh.")
    png = raster.png(published(y, drawn).svg)
    assert picture(png).size == (800, 600)
    colours = pixels(picture(png), (0, 0, 1, 1))
    assert {(255, 0, 0), (255, 255, 255), (0, 0, 0)} <= colours


def test_a_cell_holds_one_drawing_and_a_document_one_truth(y: Yearbook) -> None:
    drawn = Drawn(BARS.figure, "thanh", "Ở đâu nhiều?", BARS.alt, table=BARS.table)
    data, metadata = drawn._repr_mimebundle_()
    assert set(data) == {"image/svg+xml", "text/plain"}
    assert metadata["image/svg+xml"]["id"] == "thanh"
    old = published(y, drawn, image_png="iVBORw0KGgo=")  # notebooks of before hold a PNG as well
    known = Figure("thanh", "Ở đâu nhiều?", BARS.alt, data["image/svg+xml"], BARS.table, cell=2)
    assert old == published(y, drawn) == known
