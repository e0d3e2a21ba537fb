"""Units as shaded cells: how complete each return is (heat map), where a value is high (tile map)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.path import Path as Shape

from danvan.charts import Bar, check, columned, findings, finite, listed, uncapital
from danvan.paper import (
    EDGE,
    FAINT,
    GREY,
    INK,
    RUST,
    SMALL,
    WIDTH,
    Chart,
    Paper,
    Sign,
    behind,
    box,
    column_width,
    cross,
    polyline,
    sign,
    text_height,
    text_width,
    wrap,
)

TINY = 7.0  # points: the least size, in tiles alone
SHADES = ("#f3f8fb", "#69a3cf")  # the palest and the darkest on which dark text is easily read


@dataclass(frozen=True)
class Filled:
    """How much of what a unit owes is there, a part a column: share (0 to 1) and text "12/14"; None: not asked."""

    label: str
    cells: tuple[tuple[float | None, str], ...]


@dataclass(frozen=True)
class Tile:
    """A unit's place on the grid, its value and text; without a value (None) `text` says why."""

    label: str
    row: int
    column: int
    value: float | None
    text: str
    mark: bool = False


# --- heat map ---

_LEVELS: list[tuple[float, str, str, float]] = [  # from this share on: words, shade, how high a small cell is filled
    (1.0, "đủ", "#86b6da", 1.0),
    (0.8, "từ 80% đến dưới 100%", "#abcce6", 0.75),
    (0.5, "từ 50% đến dưới 80%", "#c9dff0", 0.5),
    (1e-12, "dưới 50%", "#e4eff7", 0.25),
    (0.0, "chưa có ô nào", "white", 0.0),
]
_NOTHING = len(_LEVELS) - 1
_NOT_ASKED = "không phải báo cáo"
_Cell = tuple[int | None, float, float, float, float]  # level, left, middle, width, height


def heat_map(rows: Sequence[Filled], columns: Sequence[str], *, mark: str = "", title: str = "") -> Chart:
    """How complete each part of each unit's return is: the fuller, the darker a cell.

    Where all counts have room they stand in the cells, in bold where something is lacking; small cells are filled by
    height and crossed where nothing is there.
    """
    check(rows and columns, (share for row in rows for share, _ in row.cells))
    if any(len(row.cells) != len(columns) or any((share or 0) > 1 for share, _ in row.cells) for row in rows):
        raise ValueError(f"mỗi đơn vị cần {len(columns)} ô, tỷ lệ từ 0 đến 1")
    paper = Paper(title)
    parts, width, size, gap = columned(len(rows), 4)
    most = (0.35 if len(parts) == 1 else 0.5) * width
    indent = column_width((row.label for row in rows), most, size, bold=False) + 8
    cell = min(80.0, (width - indent) / len(columns))
    counted = len(parts) == 1 and all(text_width(t, size, bold=True) + 6 <= cell for r in rows for _, t in r.cells)
    heads = [wrap(column, cell - 4, SMALL) for column in columns]
    if any(text_width(head, SMALL) > cell - 2 or head.count("\n") > 3 for head in heads):
        heads = [str(number) for number in range(1, len(columns) + 1)]
        paper.paragraph("; ".join(f"{number}: {column}" for number, column in enumerate(columns, 1)), INK)
        paper.y += 6
    levels = [[_level(share) for share, _ in row.cells] for row in rows]
    top = paper.y + max(text_height(head, SMALL) for head in heads)
    for left, part in parts:
        xs = [left + indent + i * cell for i in range(len(columns))]
        for x, head in zip(xs, heads, strict=True):
            paper.text(x + cell / 2, top - text_height(head, SMALL) / 2, head, SMALL, ha="center")
        y, cells = top + 3, list[_Cell]()
        for row, theirs in zip(rows[part], levels[part], strict=True):
            label = wrap(row.label, most, size)
            high = text_height(label, size) + gap
            middle, y = y + high / 2, y + high
            paper.text(left + indent - 8, middle, label, size, ha="right")
            for x, level, (_, text) in zip(xs, theirs, row.cells, strict=True):
                cells.append((level, x + 0.75, middle, cell - 1.5, high - 1.5))
                if counted and level is not None:
                    paper.text(x + cell / 2, middle, text, size, bold=level > 0, ha="center")
        _draw_cells(paper, cells, counted)
        paper.y = max(paper.y, y)
    present = [level for level in (*range(len(_LEVELS)), None) if any(level in theirs for theirs in levels)]
    paper.legend([(_cell_sign(n, counted), _NOT_ASKED if n is None else _LEVELS[n][1]) for n in present])

    alt = [f"Bảng mức độ đầy đủ của {len(rows)} đơn vị theo {len(columns)} phần"]
    for i, column in enumerate(columns):
        asked = [theirs[i] for theirs in levels if theirs[i] is not None]
        lacking = [f"{r.label} ({r.cells[i][1]})" for r, theirs in zip(rows, levels, strict=True) if theirs[i]]
        few = f"; chưa đủ: {listed(lacking)}" if lacking else ""
        alt.append(f"{column}: {asked.count(0)}/{len(asked)} đơn vị đủ{few}")
    table = [("Đơn vị", *columns)]
    table += [(row.label, *(_NOT_ASKED if share is None else text for share, text in row.cells)) for row in rows]
    return paper.done(alt, mark, table=table)


def _level(share: float | None) -> int | None:
    return None if share is None else next(i for i, (least, *_) in enumerate(_LEVELS) if share >= least)


def _draw_cells(paper: Paper, cells: Sequence[_Cell], counted: bool) -> None:
    """Cells that hold their count have one shade; others are filled by height, with a cross where nothing is."""
    for level, (_, _, shade, part) in enumerate(_LEVELS):
        filled = [(x, y, w, h) for n, x, y, w, h in cells if n == level and part]
        part = 1.0 if counted else part
        paper.draw([box(x, y + h * (1 - part) / 2, w, h * part) for x, y, w, h in filled], shade)
    paper.draw([box(x, y, w, h) for n, x, y, w, h in cells if n is not None], edge=FAINT, line=0.5)
    crosses = [cross(x + w / 2, y) for n, x, y, w, _ in cells if n == _NOTHING]
    paper.draw([] if counted else crosses, edge=RUST, line=1.2)
    dashes = [polyline((x + w / 2 - 3, y), (x + w / 2 + 3, y)) for n, x, y, w, _ in cells if n is None]
    paper.draw(dashes, edge=GREY, line=1)


def _cell_sign(level: int | None, counted: bool) -> Sign:
    return lambda paper, x, y: _draw_cells(paper, [(level, x - 8, y, 16, 10)], counted)


# --- tile map ---

_NO_VALUE = "không có số liệu"


def tile_map(
    tiles: Sequence[Tile],
    classes: Sequence[tuple[float, str]],
    measured_in: str,
    *,
    mark: str = "",
    title: str = "",
) -> Chart:
    """A square a unit on a grid that recalls where it lies; its value in it, its class as a shade.

    `classes`: the highest value and the words of each class, from the palest to the darkest.
    """
    check(tiles and classes)
    finite(tile.value for tile in tiles)
    if any(one[0] >= other[0] for one, other in pairwise(classes)):
        raise ValueError("ngưỡng của các nhóm phải tăng dần")
    if any(tile.value is not None and tile.value > classes[-1][0] for tile in tiles):
        raise ValueError("có số liệu lớn hơn ngưỡng cuối cùng của các nhóm")
    if len({(tile.row, tile.column) for tile in tiles}) < len(tiles):
        raise ValueError("hai đơn vị ở cùng một ô của sơ đồ")
    found = [None if t.value is None else sum(t.value > most for most, _ in classes) for t in tiles]
    shades = [_shade(i / max(1, len(classes) - 1)) for i in range(len(classes))]
    paper = Paper(title)
    paper.paragraph(measured_in)
    paper.y += 5
    blank = _draw_tiles(paper, tiles, found, shades)
    items = [(_swatch(shade), words) for shade, (_, words) in zip(shades, classes, strict=True)]
    items += [(_hatched_sign, _NO_VALUE)] if None in found else []
    thick = sign(("white", INK, 2), lambda x, y: box(x - 7, y, 14, 9))
    items += [(thick, "đơn vị được đánh dấu")] if any(tile.mark for tile in tiles) else []
    paper.legend(items)

    counts = [f"{words}: {found.count(i)} đơn vị" for i, (_, words) in enumerate(classes)]
    counts += [f"{_NO_VALUE}: {found.count(None)} đơn vị"] if None in found else []
    alt = [f"Sơ đồ ô của {len(tiles)} đơn vị: {uncapital(measured_in)}", "; ".join(counts)]
    alt += findings([Bar(tile.label, tile.value, tile.text) for tile in tiles], "Cao nhất", "Thấp nhất")
    table = [("Đơn vị", measured_in, "Nhóm")]
    table += [(t.label, t.text, _NO_VALUE if n is None else classes[n][1]) for t, n in zip(tiles, found, strict=True)]
    note = "Sơ đồ ô: mỗi ô một đơn vị, vị trí gần đúng, không phải bản đồ địa giới."
    lacking = f"Không đủ chỗ ghi hết trong ô: {', '.join(blank)}." if blank else ""
    return paper.done(alt, note, lacking, mark, table=table)


def _draw_tiles(paper: Paper, tiles: Sequence[Tile], found: Sequence[int | None], shades: Sequence[str]) -> list[str]:
    """Squares with names and values; returns names and values for which there was no room."""
    rows, columns = [tile.row for tile in tiles], [tile.column for tile in tiles]
    across = max(columns) - min(columns) + 1
    down = max(rows) - min(rows) + 1
    side = min(64.0, (WIDTH - 2 * EDGE) / across, 610 / down)  # 610: on one page with what stands below
    left, top = (WIDTH - side * across) / 2, paper.y
    size, texts = _tile_texts(tiles, side)
    squares = [
        (left + (t.column - min(columns)) * side + 1, top + (t.row - min(rows) + 0.5) * side, side - 2) for t in tiles
    ]
    for i, shade in enumerate(shades):
        shaded = [box(x, y, s, s) for (x, y, s), n in zip(squares, found, strict=True) if n == i]
        paper.draw(shaded, shade, edge=FAINT, line=0.5)
    empty = [square for square, n in zip(squares, found, strict=True) if n is None]
    paper.draw([line for square in empty for line in _hatch(*square, 4)], edge=FAINT, line=0.5)
    paper.draw([box(x, y, s, s) for x, y, s in empty], edge=FAINT, line=0.5)
    marked = [box(x + 0.5, y, s - 1, s - 1) for (x, y, s), t in zip(squares, tiles, strict=True) if t.mark]
    paper.draw(marked, edge=INK, line=2)
    gaps = list[Shape]()
    for (x, y, s), tile, both, n in zip(squares, tiles, texts, found, strict=True):
        y -= sum(text_height(words, size) for words in both) / 2
        for words, bold in zip(both, (tile.mark, n is not None), strict=True):
            high = text_height(words, size)
            paper.text(x + s / 2, y + high / 2, words, size, bold=bold, ha="center")
            gaps += [behind(words, x + s / 2, y + high / 2, size, bold)] if n is None and words else []
            y += high
    paper.draw(gaps, "white")
    paper.y = top + down * side + 2
    return [f"{tile.label}: {tile.text}" for tile, both in zip(tiles, texts, strict=True) if "" in both]


def _swatch(shade: str) -> Sign:
    return sign((shade, FAINT, 0.5), lambda x, y: box(x - 8, y, 16, 10))


def _shade(share: float) -> str:
    pale, dark = ([int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in SHADES)
    return "#" + "".join(f"{round(p + (d - p) * share):02x}" for p, d in zip(pale, dark, strict=True))


def _hatch(x: float, y: float, side: float, apart: float) -> list[Shape]:
    """Slanting lines in a square from x rightwards, y in its middle."""
    top = y - side / 2
    reaches = [i * apart for i in range(1, math.ceil(2 * side / apart))]
    ends = [(max(0.0, reach - side), min(reach, side)) for reach in reaches]
    return [polyline((x + low, top + high), (x + high, top + low)) for low, high in ends]


def _hatched_sign(paper: Paper, x: float, y: float) -> None:
    paper.draw(_hatch(x - 5.5, y, 11, 3), edge=GREY, line=0.5)
    paper.draw([box(x - 5.5, y, 11, 11)], edge=FAINT, line=0.5)


def _tile_texts(tiles: Sequence[Tile], side: float) -> tuple[float, list[tuple[str, str]]]:
    """The largest size at which whole names and values fit (else the least, names shortened), and the texts."""
    width, high = side - 5, side - 3
    for size in (SMALL, 8.0, TINY):
        values = [_tile_value(tile, width, 0.6 * high, size) for tile in tiles]
        heights = [high - text_height(value, size) for value in values]
        names = [_tile_name(t, width, h, size, short=size == TINY) for t, h in zip(tiles, heights, strict=True)]
        if all(names) and "" not in values:
            break
    return size, list(zip(names, values, strict=True))


def _tile_value(tile: Tile, width: float, high: float, size: float) -> str:
    """The value in lines that fit; without a value at the least a dash; "" if it does not fit."""
    bold = tile.value is not None
    words = wrap(tile.text, width, size, bold)
    fits = text_width(words, size, bold) <= width and text_height(words, size) <= high
    return words if fits else "" if bold else "–"


def _tile_name(tile: Tile, width: float, high: float, size: float, short: bool) -> str:
    """The name in lines that fit; `short`: with first words as initials if need be; "" if it does not fit."""
    parts = tile.label.split(" ")
    for initials in range(len(parts) + 1 if short else 1):
        shortened = " ".join([*(part[:1] + "." for part in parts[:initials]), *parts[initials:]])
        words = wrap(shortened, width, size, tile.mark)
        if text_width(words, size, tile.mark) <= width and text_height(words, size) <= high:
            return words
    return ""
