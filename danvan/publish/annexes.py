"""What a format asks of annexes, whatever was typed: their numbers, and the line that says what they go with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from danvan import formats
from danvan.document import Block, Break, Emphasis, Heading, Inline, Paragraph, Part, Text, TitleBlock, plain


def as_asked(parts: Sequence[Part], profile: formats.Json) -> tuple[Part, ...]:
    """The parts with their annexes numbered as the format does (romans; one alone often has none), and with its
    "(Kèm theo ...)" under each heading that has no such line, if the format wants one.
    """
    title = next((block for part in parts for block in part.blocks if isinstance(block, TitleBlock)), None)
    count = sum(part.kind == "annex" for part in parts)
    made, index = [], 0
    for part in parts:
        if part.kind == "annex":
            index += 1
            blocks = _numbered(part.blocks, formats.annex_number(profile, index, count), profile)
            part = replace(part, blocks=_with_reference(blocks, title, profile))
        made.append(part)
    return tuple(made)


def split(children: Sequence[Inline], profile: formats.Json) -> tuple[str, tuple[Inline, ...]] | None:
    """The heading of an annex as its number line and its title: "Phụ lục II. Số liệu" -> "Phụ lục II", "Số liệu".

    None if it does not begin with a number line.
    """
    first = children[0] if children else None
    found = re.match(rf"({profile['annex']['number']})[.:]?(?: |$)", first.text) if isinstance(first, Text) else None
    if found is None or not isinstance(first, Text):
        return None
    rest = first.text[found.end() :]
    title = (Text(rest),) * bool(rest) + tuple(children[1:])
    return found[1], title[1:] if title and isinstance(title[0], Break) else title


def is_reference(block: Block) -> bool:
    """Whether it is "(Kèm theo ...)" under the heading of an annex: a paragraph in brackets."""
    text = plain(block.children).strip() if isinstance(block, Paragraph) else ""
    return text.startswith("(") and text.endswith(")")


def _numbered(blocks: tuple[Block, ...], number: str, profile: formats.Json) -> tuple[Block, ...]:
    head = blocks[0] if blocks else None
    parted = split(head.children, profile) if isinstance(head, Heading) else None
    if parted is None or not isinstance(head, Heading) or parted[0] == number:
        return blocks
    _, title = parted
    first = title[0] if title else None
    children = (Text(f"{number}. {first.text}"), *title[1:]) if isinstance(first, Text) else (Text(number), *title)
    return (replace(head, children=children), *blocks[1:])


def _with_reference(blocks: tuple[Block, ...], title: TitleBlock | None, profile: formats.Json) -> tuple[Block, ...]:
    form = profile["annex"]["reference_text"]
    has = len(blocks) > 1 and is_reference(blocks[1])
    if not form or has or not blocks or not isinstance(blocks[0], Heading) or title is None or not title.number:
        return blocks
    number = title.number.removeprefix(profile["head"]["number"]["label"]).strip()
    text = form.format(
        kind=title.kind.capitalize(), number=f"số {number}", date=title.place_date.partition(", ")[2]
    ).strip()
    return (blocks[0], Paragraph((Emphasis((Text(text),)),)), *blocks[1:])
