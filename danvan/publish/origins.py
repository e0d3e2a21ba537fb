"""Which paragraph of a notebook's Markdown a paragraph of the document comes from, word by word.

It is found by its typed words, whatever values stand between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from danvan import prose
from danvan.document import Break as LineBreak
from danvan.document import Emphasis, Heading, Link, NoteMark, Paragraph, Strong, Text, Value, nodes
from danvan.publish.differences import Token, Tokens, kept, tokens, worded
from danvan.publish.reread import Piece


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list item or footnote in a cell's source.

    `start` to `end`: its lines. `made`: its tokens as the document will have them, an expression as a figure of that
    name, a footnote's mark by its label; `spans`: where each stands. `label`: of the footnote that it belongs to.
    """

    cell: int
    start: int
    end: int
    made: Tokens
    spans: tuple[tuple[int, int], ...]
    label: str = ""


_ATOM = re.compile(
    r"\{eval\}`(?P<code>[^`]+)`|\[\^(?P<note>[^\]\s]+)\]|\\(?P<escaped>[!-/:-@\[-`{-~])|(?P<hard>(?: {2,}|\\)\n[ \t]*)"
    r"|(?P<soft>[ \t]*\n[ \t]*)|(?P<mark>\*\*\*|\*\*|\*|___|__|_)|(?P<char>.)",
    re.DOTALL,
)
_HEADING, _NOTE = re.compile(r" {0,3}#{1,6}[ \t]+"), re.compile(r" {0,3}\[\^([^\]\s]+)\]:[ \t]*")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])[ \t]+")
_STAND_IN = "\ue000"


def blocks(cell: int, source: str) -> list[Block]:
    """The blocks of a Markdown cell; those that the parser of Markdown understands in another way are left out."""
    found: list[tuple[int, int, int, str]] = []  # lines' start, text's start, end, label
    at, is_open, label = 0, False, ""
    for line in source.splitlines(keepends=True):
        end = at + len(line.rstrip())
        head, note, item = _HEADING.match(line), _NOTE.match(line), _ITEM.match(line)
        if not line.strip():
            is_open = False
        elif head or note or item or not is_open or (label and not line[0].isspace()):
            if not (line[0].isspace() and label and not note):
                label = note[1] if note else ""
            begin = head or note or item
            found.append((at, at + (begin.end() if begin else len(line) - len(line.lstrip())), end, label))
            is_open = not head
        else:
            found[-1] = (*found[-1][:2], end, found[-1][3])
        at += len(line)
    understood = {signature(made) for made in parsed(source)}
    blocks = [Block(cell, start, end, *_scanned(source, text, end), label) for start, text, end, label in found]
    return [block for block in blocks if signature(block.made) in understood]


def _scanned(source: str, start: int, end: int) -> tuple[Tokens, tuple[tuple[int, int], ...]]:
    """The tokens of a stretch of Markdown, and where each stands in the source."""
    made: list[Token] = []
    spans: list[tuple[int, int]] = []
    bold = italic = False
    run: list[tuple[str, int, int]] = []  # letters with their places

    def flush() -> None:
        at = 0
        for token in worded("".join(letter for letter, _, _ in run), bold, italic):
            made.append(token)
            spans.append((run[at][1], run[at + len(token.text) - 1][2]))
            at += len(token.text)
        run.clear()

    for atom in _ATOM.finditer(source, start, end):
        place = atom.start(), atom.end()
        match atom.lastgroup:
            case "code":
                flush()
                made.append(Token(_STAND_IN, atom["code"].strip(), bold, italic))
                spans.append(place)
            case "note":
                flush()
                made.append(Token("", "", bold, italic, atom["note"]))
                spans.append(place)
            case "mark":
                flush()
                bold ^= len(atom["mark"]) != 1
                italic ^= len(atom["mark"]) != 2
            case "escaped" | "char":
                run.append((atom["escaped"] or atom["char"], *place))
            case "hard" | "soft":
                run.append(("\n" if atom["hard"] else " ", *place))
    flush()
    counting = kept(made)
    return tuple(token for _, token in counting), tuple(spans[n] for n, _ in counting)


def parsed(source: str) -> list[Tokens]:
    """The paragraphs of a Markdown cell as the document will have them, footnotes too."""
    values = {expression: Value(_STAND_IN, expression) for expression in prose.expressions(source)}
    known = dict.fromkeys(values, _STAND_IN)
    numbers = count(1)
    made = prose.blocks(source, values, lambda: next(numbers))
    return [
        tokens(list(_pieces(node.children)), known)
        for node in nodes(tuple(made))
        if isinstance(node, Paragraph | Heading)
    ]


def _pieces(inlines: Sequence[Any], bold: bool = False, italic: bool = False) -> Iterator[Piece]:
    for inline in inlines:
        match inline:
            case Text(text):
                yield Piece(text, "", bold, italic)
            case Value(text, expression):
                yield Piece(text, expression, bold, italic)
            case Strong(children):
                yield from _pieces(children, True, italic)
            case Emphasis(children):
                yield from _pieces(children, bold, True)
            case Link(children=children):
                yield from _pieces(children, bold, italic)
            case LineBreak():
                yield Piece("\n", "", bold, italic)
            case NoteMark(number):
                yield Piece("", "", bold, italic, note=str(number))


def signature(made: Sequence[Token]) -> tuple[Any, ...]:
    """What must be the same in the source and in the document; a footnote by being one, blanks have no look."""
    return tuple(
        (
            t.figure or t.text,
            bool(t.figure),
            bool(t.note),
            *((False, False) if t.is_blank or t.note else (t.bold, t.italic)),
        )
        for t in made
    )


def look(token: Token) -> tuple[bool, bool]:
    return token.bold, token.italic


# ---------------------------------------------------------------- which block a paragraph comes from


@dataclass(frozen=True)
class Match:
    """A paragraph of the document and the block that it comes from.

    `spans`: where each of its tokens stands in the cell; `expressions` by the figure's name, `labels` by the note's id;
    `unprinted`: expressions of the block that printed nothing.
    """

    block: Block
    spans: tuple[tuple[int, int], ...]
    expressions: dict[str, str]
    labels: dict[str, str]
    unprinted: tuple[int, ...]


def matched(made: Tokens, block: Block, traced: Mapping[str, str]) -> Match | None:
    """How the paragraph comes from the block; None if it does not, or in more than one way.

    Blanks do not count, and an expression may have printed nothing.
    """
    ours = [n for n, token in enumerate(made) if not token.is_blank]
    theirs = [n for n, token in enumerate(block.made) if not token.is_blank]
    if sum(not block.made[n].figure for n in theirs) != sum(not made[n].figure for n in ours):
        return None
    # How far ours is matched, and in which way: token of ours -> token of theirs.
    reached: list[tuple[int, dict[int, int]]] = [(0, {})]
    for n in theirs:
        token, following = block.made[n], []
        for at, way in reached:
            if token.figure:
                following.append((at, way))
            if at < len(ours) and _is_of(made[ours[at]], token, traced):
                following.append((at + 1, {**way, ours[at]: n}))
        reached = following[:200]
        if not reached:
            return None
    ways = [way for at, way in reached if at == len(ours)]
    if len(ways) != 1:
        return None
    (way,) = ways
    spans: list[tuple[int, int]] = []
    for n in range(len(made)):
        if n in way:
            spans.append(block.spans[way[n]])
            continue
        before, after = way[n - 1], way[n + 1]  # a blank, which stands between two that do not
        blank = next((m for m in range(before + 1, after) if block.made[m].is_blank), None)
        spans.append(block.spans[blank] if blank is not None else (block.spans[before][1],) * 2)
    return Match(
        block,
        tuple(spans),
        {made[n].figure: block.made[m].figure for n, m in way.items() if made[n].figure},
        {made[n].note: block.made[m].note for n, m in way.items() if made[n].note},
        tuple(m for m in theirs if block.made[m].figure and m not in set(way.values())),
    )


def _is_of(token: Token, source: Token, traced: Mapping[str, str]) -> bool:
    if token.figure or source.figure:
        return bool(token.figure and source.figure) and traced.get(token.figure, source.figure) == source.figure
    if token.note or source.note:
        return bool(token.note and source.note)
    return token.text == source.text and not token.picture
