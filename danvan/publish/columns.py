"""The size of a table's letters and the widths of its columns, as report.typ chooses them; for writers without Typst.

The shipped font has the widths of Times New Roman: what fits here fits in Word. All lengths in points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from danvan.paper import text_width, wrap

Json = dict[str, Any]
Need = dict[str, float]  # by 'least', 'liked', 'whole'


def width(text: str, size: float, *, bold: bool) -> float:
    """How wide a text is in Word, which does not draw letters together (Typst does: 111 is 5% narrower there)."""
    return sum(text_width(letter, size, bold=bold) for letter in text)


def chosen(table: Json, profile: Json, *, landscape: bool, available: float) -> tuple[float, list[float]] | None:
    """The largest size at which every column gets what it likes, else the smallest, and the widths: together
    `available`. None if the longest words do not fit. `table`: a node of the tree.
    """
    turned = "landscape" if landscape else "portrait"
    sizes, inset = profile["tables"]["sizes_pt"][turned], profile["tables"]["inset_pt"][turned]["x"]
    for size in sizes:
        needs = [_need(column, size, inset, available, profile["tables"]) for column in table["columns"]]
        if sum(need["liked"] for need in needs) <= available:
            break
    widths = _widths(needs, available)
    return None if widths is None else (size, widths)


def height(table: Json, profile: Json, size: float, widths: Sequence[float], *, landscape: bool) -> float:
    """About how high it is."""
    inset = profile["tables"]["inset_pt"]["landscape" if landscape else "portrait"]
    line, clear = size * profile["tables"]["line_ratio"], clearance(profile, size, inset["y"])

    def lines(text: str, width: float, bold: bool) -> int:
        return wrap(text, width - 2 * inset["x"], size, bold).count("\n") + 1

    heads = [column["heads"][0] for column in table["columns"]]
    rows = [(heads, True)] + [([row["label"], *(c["text"] for c in row["cells"])], False) for row in table["rows"]]
    most = [max(lines(text, width, bold) for text, width in zip(row, widths, strict=False)) for row, bold in rows]
    whole: float = sum(count * line + 2 * clear for count in most) + (len(table["header"]) - 1) * line
    return whole


def clearance(profile: Json, size: float, inset: float) -> float:
    """Room above and below the lines of a cell: of the inset, what their own leading leaves (Typst has none there)."""
    leading: float = size * (profile["tables"]["line_ratio"] - 1)
    return max(0.0, inset - leading / 2)


def _need(column: Json, size: float, inset: float, available: float, tables: Json) -> Need:
    """Room for its longest word at least; if it can be, for its longest text up to a cap and for its head in a few
    lines; at best for its longest text whole.
    """

    def widest(texts: Sequence[str]) -> float:
        return max((width(text, size, bold=True) for text in texts), default=0.0)

    least = widest(column["words"])
    whole = max(least, widest(column["longest"]), widest(column["heads"]) / tables["head_lines"])
    liked = max(least, min(whole, available * tables["column_cap"]))
    around = 2 * inset + 1
    return {"least": least + around, "liked": liked + around, "whole": whole + around}


def _widths(needs: Sequence[Need], available: float) -> list[float] | None:
    total = {key: sum(need[key] for need in needs) for key in ("least", "liked", "whole")}
    if total["least"] > available:
        return None
    for low, high in (("least", "liked"), ("liked", "whole")):
        if total[high] > available:
            part = (available - total[low]) / (total[high] - total[low])
            return [need[low] + (need[high] - need[low]) * part for need in needs]
    # There is room for all: the narrow ones are made even.
    rest, narrow = available, [need["whole"] for need in needs]
    while True:
        even = rest / len(narrow)
        wider = [width for width in narrow if width > even]
        if not wider:
            return [max(need["whole"], even) for need in needs]
        rest -= sum(wider)
        narrow = [width for width in narrow if width <= even]
