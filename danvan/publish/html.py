"""Writes a document as one HTML file: no script, no request to anywhere; for a phone, a desk and paper.

`report.html.j2` sets the blocks, `report.css` the look. What depends on the way through the document (ids, footnotes,
table of contents) is kept by `_Page`. The same document gives the same text wherever and whenever.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, count, groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from danvan.document import (
    Break,
    Column,
    Document,
    Emphasis,
    Figure,
    Heading,
    Inline,
    Link,
    NoteMark,
    Strong,
    TableCell,
    Text,
    TitleBlock,
    Value,
    nodes,
)
from danvan.prose import plain
from danvan.publish.fonts import woff2_css

HERE = Path(__file__).parent
TOP, CONTENT, CONTENTS, NOTES = "_dau-trang", "_noi-dung", "_muc-luc", "_chu-thich"  # "_": no heading's id begins so

_NUMBER_OF_DOCUMENT = re.compile(r"(\d+[-/][A-ZĐ]\w*(?:[-/]\w+)*)")  # 30-TB/BDVTU, 33/CT-TTg: not broken across lines
_VIEW_BOX = re.compile(r'<svg[^>]*?\sviewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"')
_UNSAID = {"missing": "chưa báo cáo", "not_applicable": "–", "hidden": "không công bố"}  # for cells without a text


def render(document: Document) -> str:
    """The document as the text of an HTML file, to be written as UTF-8."""
    style = _style(document.meta.marks)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; font-src data:"
    template = _environment().get_template("report.html.j2")
    return template.render(parts=document.parts, meta=document.meta, page=_Page(document), style=style, policy=policy)


@dataclass
class Entry:
    """A heading as it is set: its own id, a level that skips none, and the entries below it."""

    level: int
    id: str
    text: str
    below: list[Entry] = field(default_factory=list)


class _Page:
    """What is known on the way through the document."""

    top, content, contents, notes_heading = TOP, CONTENT, CONTENTS, NOTES

    def __init__(self, document: Document) -> None:
        all_nodes = list(nodes(document.parts))
        self.title = next((node for node in all_nodes if isinstance(node, TitleBlock)), None)
        self.notes = sorted(
            {n.number: n for n in reversed(all_nodes) if isinstance(n, NoteMark)}.values(), key=lambda n: n.number
        )
        self.toc: list[Entry] = []
        self._targets = {node.id for node in all_nodes if hasattr(node, "id")}
        self._level = 1
        own = chain((TOP, CONTENT, CONTENTS), *((note_id(n.number), mark_id(n.number)) for n in self.notes))
        self._taken = set(own)
        self._marked: set[int] = set()

    def id(self, wanted: str) -> str:
        """The id, or one that nothing else on the page has."""
        name = re.sub(r"\s+", "-", wanted) or "muc"
        free = (n for n in (f"{name}-{i}" for i in count(2)) if n not in self._taken | self._targets)
        name = next(free) if name in self._taken else name
        self._taken.add(name)
        return name

    def heading(self, heading: Heading) -> Entry:
        return self.entry(heading.level, heading.id, plain(heading.children))

    def entry(self, level: int, wanted: str, text: str) -> Entry:
        """A heading; levels 2 and 3 come into the table of contents."""
        self._level = min(max(level, 2), self._level + 1)
        entry = Entry(self._level, self.id(wanted), text)
        if entry.level < 4:
            (self.toc[-1].below if entry.level == 3 else self.toc).append(entry)
        return entry

    def inlines(self, inlines: Iterable[Inline]) -> Markup:
        return Markup("").join(self._inline(inline) for inline in inlines)

    def _inline(self, inline: Inline) -> Markup:
        match inline:
            case Text(text) | Value(text):
                return text_markup(text)
            case Strong(children):
                return Markup("<strong>{}</strong>").format(self.inlines(children))
            case Emphasis(children):
                return Markup("<em>{}</em>").format(self.inlines(children))
            case Break():
                return Markup("<br>")
            case Link(href, children):
                words = self.inlines(children)
                return Markup('<a href="{}">{}</a>').format(href, words) if self._leads(href) else words
            case NoteMark(number):
                own = self.id(mark_id(number)) if number in self._marked else mark_id(number)
                self._marked.add(number)
                return Markup(
                    '<sup><a id="{}" href="#{}" role="doc-noteref" aria-label="Chú thích {number}">{number}</a></sup>'
                ).format(own, note_id(number), number=number)

    def _leads(self, href: str) -> bool:
        """To the web, to a mailbox, or to a place on this page; any other target is left as its words."""
        return href[1:] in self._targets if href.startswith("#") else bool(re.match(r"https?://|mailto:", href))


# ---------------------------------------------------------------- for the template


def text_markup(text: str) -> Markup:
    """Plain text, escaped, the numbers of documents kept on one line."""
    pieces = enumerate(_NUMBER_OF_DOCUMENT.split(text))
    return Markup("").join(Markup('<span class="nr">{}</span>').format(p) if i % 2 else p for i, p in pieces)


def data_uri(figure: Figure) -> str:
    """The chart as an image of its own: what an SVG may hold cannot reach the page from there."""
    return "data:image/svg+xml;base64," + base64.b64encode(figure.svg.encode()).decode()


def size(figure: Figure) -> dict[str, int]:
    """Width and height in CSS pixels, so that nothing moves when the image is drawn."""
    if found := _VIEW_BOX.search(figure.svg):
        return {"width": round(float(found[1]) * 4 / 3), "height": round(float(found[2]) * 4 / 3)}
    return {}


def runs(columns: Iterable[Column]) -> list[list[Column]]:
    """Neighbours of one group together, a column without a group alone."""
    return [list(run) for _, run in groupby(columns, key=lambda column: column.group or object())]


def beside(columns: Iterable[Column], cells: Iterable[TableCell]) -> list[tuple[Column, TableCell]]:
    return list(zip(columns, cells, strict=True))


def said(cell: TableCell) -> str:
    return cell.text or _UNSAID.get(cell.kind, "")


def class_name(node: object) -> str:
    return type(node).__name__


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {f.__name__: f for f in (data_uri, size, runs, beside, said, class_name, note_id, mark_id)}
    return environment


def _style(marks: tuple[str, ...]) -> Markup:
    """The stylesheet with the fonts, and the marks for the foot of each printed page."""
    css = woff2_css() + (HERE / "report.css").read_text(encoding="utf-8")
    if marks:
        line = "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in " ".join(marks))
        css += f'@page{{@bottom-center{{content:"{line}"}}}}\n'
    return Markup(css)


def note_id(number: int) -> str:
    return f"{NOTES}-{number}"


def mark_id(number: int) -> str:
    return f"_dau-{number}"
