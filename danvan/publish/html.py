"""Writes a document as one HTML file: no request to anywhere; for a phone, a desk and paper.

`report.html.j2` sets the blocks, `report.css` the look. What depends on the way through the document (ids, footnotes,
table of contents) is kept by `_Page`. Each figure opens its card (`cards`), by `popover` and so without script; the one
script, `report.js`, opens it on hover and focus, too, and sorts tables. It is the same in every page and holds no data:
the policy of the page allows this text and no other. The same document gives the same text wherever and whenever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, count, groupby
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
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
    TableRow,
    Text,
    TitleBlock,
    Value,
    nodes,
    plain,
)
from danvan.publish import pages
from danvan.publish.cards import Cards, TableCards
from danvan.publish.fonts import woff2_css

TOP, CONTENT, CONTENTS, NOTES = "_dau-trang", "_noi-dung", "_muc-luc", "_chu-thich"  # "_": no heading's id begins so
DOWNLOADS, SOURCES, OPENS = "_tai-ve", "_nguon-so-lieu", "_mo-the"

_NUMBER_OF_DOCUMENT = re.compile(r"(\d+[-/][A-ZĐ]\w*(?:[-/]\w+)*)")  # 30-TB/BDVTU, 33/CT-TTg: not broken across lines
_ID, _REFERENCE = re.compile(r' id="([^"]+)"'), re.compile(r'((?:href="|url\()#)([^")]+)([")])')
_XLINK = ' xmlns:xlink="http://www.w3.org/1999/xlink"'
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_IN_ADDRESS = str.maketrans({letter: f"%{ord(letter):02X}" for letter in "%#'&\n\r\t"})  # would end or change it
_VIEW_BOX = re.compile(r'<svg[^>]*?\sviewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"')
_LONGEST = 24  # letters of a figure that is a button as a whole: a button does not break across lines
_SAID_BEFORE = re.compile(r"[\s;,.:(]*")  # what stands before a figure's own words: '; còn ...'
_WHAT = {
    ".pdf": "Bản để in và lưu (PDF)",
    ".docx": "Bản để sửa (Word)",
    ".xlsx": "Số liệu để tính toán (Excel)",
    ".csv": "Số liệu để tính toán (CSV)",
    ".ipynb": "Sổ tính đã chạy (Jupyter)",
    "trace.json": "Dấu vết: nguồn của từng con số (JSON)",
    "manifest.json": "Tờ khai: lập từ gì, bằng gì (JSON)",
}
_UNSAID = {"missing": "chưa báo cáo", "not_applicable": "–", "hidden": "không công bố"}  # for cells without a text


def render(document: Document, trace: dict[str, Any] | None = None, beside: Sequence[str] = ()) -> str:
    """The document as the text of an HTML file, to be written as UTF-8.

    `trace`: the data of trace.json; without it figures have no cards. `beside`: the names of the files that lie beside
    the page, for its downloads.
    """
    style, script = _style(document.meta.marks), pages.text("report.js")
    sources = f"style-src {pages.allowed(style)}; script-src {pages.allowed(script)}; img-src data:; font-src data:"
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            parts=document.parts,
            meta=document.meta,
            page=_Page(document, Cards(document, trace or {})),
            downloads=[(quote(name), _WHAT.get(name) or _WHAT.get(PurePath(name).suffix, name)) for name in beside],
            style=style,
            script=script,
            policy=f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'",
        )
    )


def _listed(attributes: dict[str, str]) -> Markup:
    return Markup("").join(Markup(' {}="{}"').format(name, value) for name, value in attributes.items())


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

    downloads, sources, opens = DOWNLOADS, SOURCES, OPENS

    def __init__(self, document: Document, cards: Cards) -> None:
        self.cards = cards
        all_nodes = list(nodes(document.parts))
        self.title = next((node for node in all_nodes if isinstance(node, TitleBlock)), None)
        self.notes = sorted(
            {n.number: n for n in reversed(all_nodes) if isinstance(n, NoteMark)}.values(), key=lambda n: n.number
        )
        self.toc: list[Entry] = []
        self._targets = {node.id for node in all_nodes if hasattr(node, "id")}
        self._level = 1
        own = chain((TOP, CONTENT, CONTENTS, OPENS), *((note_id(n.number), mark_id(n.number)) for n in self.notes))
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
            case Text(text):
                return text_markup(text)
            case Value(text):
                return self.figure(text, inline.results, inline.name)
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

    def figure(self, text: str, results: Sequence[str], name: str = "") -> Markup:
        """A figure that opens its card: short, it is the button itself; of many words, a button stands behind them.

        So does one for each card, where it is made of several indicators. `name`: its own, as in trace.json.
        """
        ids, said = self.cards.of(results), text_markup(text)
        if not ids or not text.strip():
            return said
        mark = self.cards.mark(results)
        place, own = {"data-o": mark} if mark else {}, {"id": name} if name else {}
        if len(ids) == 1 and len(text) <= _LONGEST:
            return self.opener(ids[0], said, own | place)
        before = _SAID_BEFORE.match(text)
        start = before.end() if before else 0
        buttons = (
            self.opener(id_, "", {"aria-label": f"Nguồn số liệu: {self.cards.names[id_]}"} | place, "nguon")
            for id_ in ids
        )
        words = text_markup(text[start:]) + Markup("").join(buttons)
        span = Markup('<span class="so"{}>{}</span>').format(_listed(own), words)
        return text_markup(text[:start]) + span

    def opener(self, card: str, words: str, more: dict[str, str], of: str = "so") -> Markup:
        """The button that opens a card."""
        attributes = {"class": of, "popovertarget": card} | ({"aria-describedby": OPENS} if words else {}) | more
        return Markup("<button{}>{}</button>").format(_listed(attributes), words)

    def head(self, card: str, words: str) -> Markup:
        """The head of a column or row, which opens the card of its figures where these have one."""
        return self.opener(card, words, {}) if card else Markup("{}").format(words)

    def row_mark(self, row: TableRow) -> str:
        """What the figures of a row are marked with, where it is one thing."""
        marks = {mark for cell in row.cells if (mark := self.cards.mark(cell.results))}
        return marks.pop() if len(marks) == 1 else ""

    def _leads(self, href: str) -> bool:
        """To the web, to a mailbox, or to a place on this page; any other target is left as its words."""
        return href[1:] in self._targets if href.startswith("#") else bool(re.match(r"https?://|mailto:", href))


# ---------------------------------------------------------------- for the template


def text_markup(text: str) -> Markup:
    """Plain text, escaped, the numbers of documents kept on one line."""
    pieces = enumerate(_NUMBER_OF_DOCUMENT.split(text))
    return Markup("").join(Markup('<span class="nr">{}</span>').format(p) if i % 2 else p for i, p in pieces)


def data_uri(figure: Figure) -> Markup:
    """The chart as an image of its own: what an SVG may hold cannot reach the page from there.

    For an attribute in single quotes. As text and not base64, which is a third longer.
    """
    return Markup("data:image/svg+xml,") + Markup(with_short_names(figure.svg).strip().translate(_IN_ADDRESS))


def with_short_names(svg: str) -> str:
    """The same picture with ids of one or two letters: alone in its image, it shares them with no other."""
    ids = {name: f"{_LETTERS[i % 52]}{i // 52 or ''}" for i, name in enumerate(dict.fromkeys(_ID.findall(svg)))}
    svg = _ID.sub(lambda found: f' id="{ids[found[1]]}"', svg)
    svg = _REFERENCE.sub(lambda found: found[1] + ids.get(found[2], found[2]) + found[3], svg)
    return svg.replace(" xlink:href=", " href=").replace(_XLINK, "")


def size(figure: Figure) -> dict[str, int]:
    """Width and height in CSS pixels, so that nothing moves when the image is drawn."""
    if found := _VIEW_BOX.search(figure.svg):
        return {"width": round(float(found[1]) * 4 / 3), "height": round(float(found[2]) * 4 / 3)}
    return {}


@dataclass(frozen=True)
class Head:
    """The head of a column: its number from 1, and the card of its figures, or ''."""

    number: int
    column: Column
    card: str


def heads(columns: Iterable[Column], cards: TableCards) -> list[Head]:
    return [Head(n, *pair) for n, pair in enumerate(zip(columns, cards.columns, strict=True), start=1)]


def runs(heads: Iterable[Head]) -> list[list[Head]]:
    """Neighbours of one group together, a column without a group alone."""
    return [list(run) for _, run in groupby(heads, key=lambda head: head.column.group or object())]


def beside(columns: Iterable[Column], cells: Iterable[TableCell]) -> list[tuple[Column, TableCell]]:
    return list(zip(columns, cells, strict=True))


def classes(cell: TableCell, column: Column, bare: bool) -> str:
    """Of a cell; a value on the right, which most are, has none. `bare`: no card tells its figure."""
    names = [column.align] * (column.align != "right") + [cell.kind] * (cell.kind != "value")
    return " ".join([*names, *(["long"] * (len(cell.text) > 40)), *(["bare"] * bare)])


def said(cell: TableCell) -> str:
    return cell.text or _UNSAID.get(cell.kind, "")


def class_name(node: object) -> str:
    return type(node).__name__


@cache
def _environment() -> Environment:
    used = (data_uri, size, heads, runs, beside, classes, said, class_name, note_id, mark_id)
    return pages.environment(**{f.__name__: f for f in used})


def _style(marks: tuple[str, ...]) -> Markup:
    """The stylesheet with the fonts, and the marks for the foot of each printed page."""
    css = woff2_css() + str(pages.text("report.css"))  # plain, or the fonts would be escaped
    if marks:
        line = "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in " ".join(marks))
        css += f'@page{{@bottom-center{{content:"{line}"}}}}\n'
    return Markup(css)


def note_id(number: int) -> str:
    return f"{NOTES}-{number}"


def mark_id(number: int) -> str:
    return f"_dau-{number}"
