"""The document as the JSON tree that report.typ and docx walk. No text ever becomes Typst source."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from danvan.document import (
    Block,
    Break,
    Closing,
    Document,
    Emphasis,
    Figure,
    Heading,
    Inline,
    Link,
    ListBlock,
    NoteMark,
    Paragraph,
    Strong,
    Table,
    Text,
    TitleBlock,
    Value,
)
from danvan.errors import StageError
from danvan.prose import plain
from danvan.publish import fonts

Json = dict[str, Any]


class PdfError(StageError):
    """The PDF could not be made: a sentence for the reader, and what the typesetter said, if it was asked."""

    def __init__(self, sentence: str, diagnostic: str = "") -> None:
        super().__init__(f"{sentence}\n{diagnostic}".strip())
        self.sentence = sentence
        self.diagnostic = diagnostic


def _words(text: str) -> str:
    """Text as it is set: NFC, a line end typed in a source is a space (other spaces stay what they are)."""
    return re.sub(r"[ \t\r\n\f\v]+", " ", unicodedata.normalize("NFC", text))


@dataclass
class _Walk:
    """What is already seen on the way through the document."""

    ids: frozenset[str]
    labelled: set[str] = field(default_factory=set)
    notes: set[int] = field(default_factory=set)

    def label(self, id_: str) -> str:
        """The id the first time, then nothing: a label can stand once."""
        if not id_ or id_ in self.labelled:
            return ""
        self.labelled.add(id_)
        return id_


def document_tree(document: Document, date: datetime.date, profile: Json) -> Json:
    meta = document.meta
    walk = _Walk(ids=frozenset(_ids(document)))
    return {
        "font": fonts.FAMILY,
        "meta": {
            "title": _words(meta.title),
            "authors": [_words(author) for author in meta.authors],
            "marks": [_words(mark) for mark in meta.marks],
            "language": meta.language,
            "date": [date.year, date.month, date.day],
        },
        "parts": [
            {
                "kind": part.kind,
                "landscape": part.landscape,
                "blocks": _blocks(part.blocks, walk, profile["annex"] if part.kind == "annex" else None),
            }
            for part in document.parts
        ],
    }


def _ids(document: Document) -> Iterator[str]:
    for part in document.parts:
        for block in part.blocks:
            if isinstance(block, (Heading, Figure, Table)) and block.id:
                yield block.id


def _blocks(blocks: Iterable[Block], walk: _Walk, annex: Json | None = None) -> list[Json]:
    """The blocks as JSON; `annex` is what the profile says of annexes, if they are those of one."""
    made: list[Json] = []
    under_heading = False  # of an annex: only its heading and "(Kèm theo ...)" so far
    for block in blocks:
        node = _block(block, walk)
        if isinstance(block, Closing) and made and made[-1]["type"] == "paragraph":
            made[-1]["role"] = "before-closing"
        if under_heading and _is_reference(block):
            node["role"] = "annex-reference"
            if len(node["children"]) == 1 and node["children"][0]["type"] == "emphasis":
                node["children"] = node["children"][0]["children"]  # it is set in italics as it is
        else:
            if under_heading and isinstance(block, Figure | Table):
                node["under_annex_heading"] = True
            under_heading = annex is not None and isinstance(block, Heading) and block.level == 2
            if annex is not None and under_heading:
                _as_annex_heading(node, annex)
        made.append(node)
    return made


def _is_reference(block: Block) -> bool:
    """Whether it is "(Kèm theo ...)" under the heading of an annex: a paragraph in brackets."""
    if not isinstance(block, Paragraph):
        return False
    text = plain(block.children).strip()
    return text.startswith("(") and text.endswith(")")


def _as_annex_heading(node: Json, profile: Json) -> None:
    """ "Phụ lục I. Số liệu ..." becomes two lines: the number, then the title (in capitals, if the profile says so)."""
    children: list[Json] = node["children"]
    first = children[0] if children else {"type": ""}
    found = re.match(rf"({profile['number']})[.:]?(?: |$)", first["text"]) if first["type"] == "text" else None
    if found is None:
        return
    rest = first["text"][found.end() :]
    title = [{"type": "text", "text": rest}] * bool(rest) + children[1:]
    if title and title[0]["type"] == "break":
        title = title[1:]
    if profile["title_capitals"]:
        _capitals(title)
    line_end = [{"type": "break"}] if title else []
    node["children"] = [{"type": "text", "text": found.group(1)}, *line_end, *title]


def _capitals(nodes: list[Json]) -> None:
    for node in nodes:
        if "text" in node:
            node["text"] = node["text"].upper()
        _capitals(node.get("children", []))


def _block(block: Block, walk: _Walk) -> Json:
    match block:
        case Heading():
            return {
                "type": "heading",
                "level": block.level,
                "id": walk.label(block.id),
                "children": _inlines(block.children, walk),
            }
        case Paragraph():
            return {
                "type": "paragraph",
                "role": "",
                "notes": any(_has_note(child) for child in block.children),
                "children": _inlines(block.children, walk),
            }
        case ListBlock():
            return {
                "type": "list",
                "ordered": block.ordered,
                "items": [_blocks(item, walk) for item in block.items],
            }
        case Figure():
            if not block.alt.strip():
                raise PdfError(f"Hình “{block.caption}” chưa có lời mô tả (alt).")
            return {
                "type": "figure",
                "id": walk.label(block.id),
                "caption": _words(block.caption),
                "alt": _words(block.alt),
                "svg": block.svg,
                "under_annex_heading": False,
            }
        case Table():
            return _table(block, walk)
        case TitleBlock():
            return {
                "type": "title",
                "heading": _words(block.heading),
                "bodies": [{"superior": _words(body.superior), "name": _words(body.name)} for body in block.bodies],
                "number": _words(block.number),
                "place_date": _words(block.place_date),
                "kind": _words(block.kind),
                "subject": [_words(line) for line in block.subject],
            }
        case Closing():
            return {
                "type": "closing",
                "distribution": [
                    {"to": [_words(name) for name in group.to], "purpose": _words(group.purpose)}
                    for group in block.distribution
                ],
                "signatories": [
                    {
                        "titles": [_words(line) for line in person.titles],
                        "rank": _words(person.rank),
                        "name": _words(person.name),
                        "grammar": person.grammar,
                    }
                    for person in block.signatories
                ],
            }


def _inlines(children: Iterable[Inline], walk: _Walk) -> list[Json]:
    return [node for child in children for node in _inline(child, walk)]


def _inline(inline: Inline, walk: _Walk) -> list[Json]:
    match inline:
        case Text():
            return [{"type": "text", "text": _words(inline.text)}]
        case Value():
            return [{"type": "text", "text": _words(inline.text), "name": inline.name}]
        case Strong():
            return [{"type": "strong", "children": _inlines(inline.children, walk)}]
        case Emphasis():
            return [{"type": "emphasis", "children": _inlines(inline.children, walk)}]
        case Break():
            return [{"type": "break"}]
        case Link():
            return _link(inline, walk)
        case NoteMark():
            again = inline.number in walk.notes
            walk.notes.add(inline.number)
            blocks = [] if again else _blocks(inline.blocks, walk)
            return [{"type": "note", "number": inline.number, "again": again, "blocks": blocks}]


def _has_note(inline: Inline) -> bool:
    match inline:
        case NoteMark():
            return True
        case Strong() | Emphasis() | Link():
            return any(_has_note(child) for child in inline.children)
        case _:
            return False


def _link(link: Link, walk: _Walk) -> list[Json]:
    """A link to the web or within the document; any other target is left as its words."""
    children = _inlines(link.children, walk)
    if link.href.startswith("#") and link.href[1:] in walk.ids:
        return [{"type": "link", "to": "id", "target": link.href[1:], "children": children}]
    if re.match(r"(https?://|mailto:)", link.href):
        return [{"type": "link", "to": "web", "target": link.href, "children": children}]
    return children


# ---------------------------------------------------------------- tables


def _table(table: Table, walk: _Walk) -> Json:
    for row in table.rows:
        if row.role != "section" and len(row.cells) != len(table.columns):
            raise PdfError(
                f"Bảng “{table.caption}”: dòng “{row.label}” có {len(row.cells)} ô, "
                f"bảng có {len(table.columns)} cột số liệu."
            )
    return {
        "type": "table",
        "under_annex_heading": False,
        "id": walk.label(table.id),
        "caption": _words(table.caption),
        "header": _header(table),
        "aligns": [column.align for column in table.columns],
        "columns": _measured(table),
        "rows": [
            {
                "label": _words(row.label),
                "role": row.role,
                "cells": [{"text": _words(cell.text), "kind": cell.kind, "name": cell.name} for cell in row.cells],
            }
            for row in table.rows
        ],
        "notes": [_words(note) for note in table.notes],
    }


def _header(table: Table) -> list[list[Json]]:
    """One or two header rows: neighbours of one group share a cell above them, a cell without a group spans both."""
    depth = 2 if any(column.group for column in table.columns) else 1
    top: list[Json] = [_head(table.corner, rowspan=depth)]
    below: list[Json] = []
    before = ""
    for column in table.columns:
        if not column.group:
            top.append(_head(column.label, rowspan=depth))
        else:
            below.append(_head(column.label))
            if column.group == before:
                top[-1]["colspan"] += 1
            else:
                top.append(_head(column.group))
        before = column.group
    return [top, below] if below else [top]


def _head(text: str, rowspan: int = 1) -> Json:
    return {"text": _words(text), "colspan": 1, "rowspan": rowspan}


def _measured(table: Table) -> list[Json]:
    """What the template measures to set the widths of the columns: longest words, longest texts, the heads."""
    labels = [row.label for row in table.rows if row.role != "section"]
    columns = [(table.corner, labels)]
    for index, column in enumerate(table.columns):
        columns.append((column.label, [row.cells[index].text for row in table.rows if row.cells]))
    measured = []
    for head, texts in columns:
        head, texts = _words(head), [_words(text) for text in texts]
        words = [word for text in (head, *texts) for word in text.split(" ")]
        measured.append({"words": _longest(words), "longest": _longest(texts), "heads": [head]})
    return measured


def _longest(texts: Iterable[str], count: int = 4) -> list[str]:
    return sorted(set(texts), key=lambda text: (-len(text), text))[:count]
