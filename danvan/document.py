"""The document model: what a report is, apart from how it looks.

A `Document` is built once from an executed notebook (publish.builder); every writer renders the same one.
All text in it is NFC; figures printed from data are `Value`s and keep the keys of the results behind them. Each has a
name of its own (`named`): a bookmark in Word, an entry of trace.json.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import count
from typing import Any, Literal

# ---------------------------------------------------------------- inlines


@dataclass(frozen=True)
class Text:
    """Plain text as typed in a Markdown cell, or as it comes from params."""

    text: str


@dataclass(frozen=True)
class Value:
    """Text that an inline expression printed; `results` are keys of trace.json (may be empty: a date, a name).

    `name`: its own in this document, 'so_0001'; of one without results 'chu_0001'. See `named`. `cell`: which one of
    the notebook prints it, from 1; 0 where that is not known. So it is of charts and tables.
    """

    text: str
    expression: str
    results: tuple[str, ...] = ()
    name: str = ""
    cell: int = 0


@dataclass(frozen=True)
class Strong:
    children: tuple[Inline, ...]


@dataclass(frozen=True)
class Emphasis:
    children: tuple[Inline, ...]


@dataclass(frozen=True)
class Link:
    href: str
    children: tuple[Inline, ...]


@dataclass(frozen=True)
class Break:
    """A line break inside a paragraph."""


@dataclass(frozen=True)
class NoteMark:
    """The mark of a footnote, numbered from 1 over the whole document, together with the note itself."""

    number: int
    blocks: tuple[Block, ...]


Inline = Text | Value | Strong | Emphasis | Link | Break | NoteMark

# ---------------------------------------------------------------- blocks


@dataclass(frozen=True)
class Heading:
    """Level 2 is a section (I, II ...), 3 a subsection, 4 below it. Level 1 is the title, in `TitleBlock`."""

    level: int
    id: str
    children: tuple[Inline, ...]


@dataclass(frozen=True)
class Paragraph:
    children: tuple[Inline, ...]


@dataclass(frozen=True)
class ListBlock:
    ordered: bool
    items: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A chart. `svg` is the whole SVG text, the only drawing there is.

    `table` is what the chart shows, in words and printed numbers; its first row are the heads. `results`: what it is
    drawn from, keys of trace.json.
    """

    id: str
    caption: str
    alt: str
    svg: str
    table: tuple[tuple[str, ...], ...] = ()
    results: tuple[str, ...] = ()
    cell: int = 0


CellKind = Literal["value", "missing", "not_applicable", "hidden", "text"]
RowRole = Literal["unit", "city", "total", "last", "change", "section", "plain"]


@dataclass(frozen=True)
class TableCell:
    """A cell; one that prints results has a `name` of its own, as a `Value` has."""

    text: str
    kind: CellKind = "value"
    results: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class TableRow:
    """A row: its label is the row header. A `section` row has a label only and spans the table."""

    label: str
    cells: tuple[TableCell, ...]
    role: RowRole = "plain"


@dataclass(frozen=True)
class Column:
    """A column header. Neighbours with the same non-empty `group` share a header cell above them."""

    label: str
    group: str = ""
    align: Literal["left", "right", "center"] = "right"


@dataclass(frozen=True)
class Table:
    """A table with a caption; `corner` heads the column of row labels; `notes` stand below it."""

    id: str
    caption: str
    corner: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()
    cell: int = 0


@dataclass(frozen=True)
class Body:
    """An issuing body in the heading block, with the body above it."""

    superior: str
    name: str


@dataclass(frozen=True)
class TitleBlock:
    """Heading block and title of an official document.

    `heading` stands at the right: the Party, or the name of the state with its `motto` below; '' in working papers.

    `number` and `place_date` are printed as they are; parts not yet known are already dotted lines in them.
    """

    heading: str
    bodies: tuple[Body, ...]
    number: str
    place_date: str
    kind: str
    subject: tuple[str, ...]
    motto: str = ""


@dataclass(frozen=True)
class Signatory:
    """One of the signature blocks that stand side by side: lines of title, then space, rank and name (may be '')."""

    titles: tuple[str, ...]
    rank: str
    name: str
    grammar: Literal["party", "state"]


@dataclass(frozen=True)
class Recipient:
    to: tuple[str, ...]
    purpose: str = ""


@dataclass(frozen=True)
class Closing:
    """Distribution list (left in Vietnamese documents) and signature blocks, the end of the main part."""

    distribution: tuple[Recipient, ...]
    signatories: tuple[Signatory, ...]


Block = Heading | Paragraph | ListBlock | Figure | Table | TitleBlock | Closing


# ---------------------------------------------------------------- the whole


@dataclass(frozen=True)
class Part:
    """The main part, or an annex: annexes start on a page of their own, number their pages anew."""

    kind: Literal["main", "annex"]
    blocks: tuple[Block, ...]
    landscape: bool = False


@dataclass(frozen=True)
class Meta:
    """What the document says about itself.

    `marks` are the sentences that every page must show ("Dự thảo", what is illustrative): empty for a published
    report on real data. `date` (ISO) is the only time that may appear in an output; None: no time at all.
    """

    title: str
    year: int
    edition: str
    profile: str
    authors: tuple[str, ...]
    marks: tuple[str, ...] = ()
    illustrative: str = ""
    date: str | None = None
    language: str = "vi"


@dataclass(frozen=True)
class Document:
    meta: Meta
    parts: tuple[Part, ...]


# ---------------------------------------------------------------- the printed figures


def named(document: Document) -> Document:
    """The document with a name for each `Value` and for each table cell that prints results.

    'so_0001', 'so_0002' ... in reading order, a footnote where its mark stands; 'chu_0001' for words without a result.
    ASCII, so that it may be a bookmark in Word.
    """
    numbers, words, notes = count(1), count(1), dict[int, NoteMark]()

    def of(node: Any) -> Any:
        if isinstance(node, tuple):
            return tuple(map(of, node))
        if not is_dataclass(node) or isinstance(node, type):
            return node
        if isinstance(node, NoteMark):
            if node.number not in notes:
                notes[node.number] = replace(node, blocks=of(node.blocks))
            return notes[node.number]
        if isinstance(node, Value | TableCell):
            if node.results:
                return replace(node, name=f"so_{next(numbers):04}")
            return replace(node, name=f"chu_{next(words):04}") if isinstance(node, Value) else node
        return replace(node, **{f.name: of(getattr(node, f.name)) for f in fields(node)})

    done: Document = of(document)
    return done


def nodes(node: Any) -> Iterator[Any]:
    """A node of the model and all below it, in reading order."""
    yield node
    below = tuple(getattr(node, f.name) for f in fields(node)) if is_dataclass(node) else node
    for item in below if isinstance(below, tuple) else ():
        yield from nodes(item)


def plain(inlines: Iterable[Inline], *, marks: bool = False) -> str:
    """The text of inlines without their footnotes; `marks`: with the numbers of these, as they are drawn."""
    texts = []
    for inline in inlines:
        match inline:
            case Text(text) | Value(text):
                texts.append(text)
            case Strong(children) | Emphasis(children) | Link(children=children):
                texts.append(plain(children, marks=marks))
            case NoteMark(number) if marks:
                texts.append(str(number))
            case Break():
                texts.append(" ")
    return "".join(texts)


def printed(document: Document) -> list[dict[str, Any]]:
    """Every figure that the document prints, in order: where, as what text, and the keys of the results behind it.

    `heading`: the words of the heading that it stands under; `cell`: the number of the notebook's cell.
    """
    found: dict[str, dict[str, Any]] = {}
    heading = ""
    for node in nodes(document):
        under = {"heading": heading, "cell": getattr(node, "cell", 0)}
        match node:
            case Heading():
                heading = " ".join(plain(node.children).split())
            case Value() if node.results:
                place = {"where": "text", "name": node.name, "expression": node.expression, **under}
                found[node.name] = place | {"text": node.text, "results": list(node.results)}
            case Figure() if node.results:
                found[f"#{node.id}"] = {
                    "where": "chart",
                    "id": node.id,
                    "text": node.caption,
                    "results": list(node.results),
                    **under,
                }
            case Table():
                for row in node.rows:
                    for column, cell in zip(node.columns if row.cells else (), row.cells, strict=True):
                        if cell.results:
                            place = {"where": "table", "name": cell.name, "id": node.id}
                            place |= {"row": row.label, "column": column.label, **under}
                            found[cell.name] = place | {"text": cell.text, "results": list(cell.results)}
    return list(found.values())


# ---------------------------------------------------------------- which document it is


BUILD_PROPERTY = "danvan-ban-lap"  # of a Word file: the property that holds its build id


def build_id(document: Document) -> str:
    """A short name of just this document, 16 hex digits: the same for the same parts, texts, figures and metadata.

    The Word file carries it, so that an edited copy finds the build that it was made from.
    """
    content = json.dumps(to_json(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


# ---------------------------------------------------------------- as JSON, to travel inside a notebook's outputs

BLOCK_MIME = "application/vnd.danvan.block+json"


def to_json(node: Any) -> Any:
    """A node of the model as plain JSON: an object with its `type` and fields; tuples become lists."""
    if is_dataclass(node) and not isinstance(node, type):
        return {"type": type(node).__name__} | {f.name: to_json(getattr(node, f.name)) for f in fields(node)}
    if isinstance(node, tuple | list):
        return [to_json(item) for item in node]
    return node


def from_json(data: Any) -> Any:
    """The node that `to_json` wrote."""
    if isinstance(data, dict):
        made = globals()[data["type"]]
        return made(**{name: from_json(value) for name, value in data.items() if name != "type"})
    if isinstance(data, list):
        return tuple(from_json(item) for item in data)
    return data
