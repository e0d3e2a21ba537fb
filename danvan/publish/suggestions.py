"""What somebody changed in a Word file, as changes of the notebook and of params that an analyst may accept.

A paragraph is found by its typed words, whatever values stand between them, and must be found once. What is changed is
as little as can be; an inline expression stays where its figure stays, whatever was typed over it. Each suggestion is
tried: the cell must give just the words that stand in the Word file, and nothing that must not stand in a cell.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count, groupby
from typing import Any

import yaml

from danvan import prose
from danvan.document import Break as LineBreak
from danvan.document import Emphasis, Heading, Link, NoteMark, Paragraph, Strong, Text, Value, nodes
from danvan.publish.differences import Differences, Hunk, Prose, Token, Tokens, hunks_of, joined, kept, tokens, worded
from danvan.publish.reread import Piece
from danvan.wording import lower_first

PARAMS = -1  # the "cell" of a splice in params


@dataclass(frozen=True)
class Splice:
    """`text` in the place of the characters `start` to `end`, of a cell's source or of params (`cell` PARAMS)."""

    cell: int
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Suggestion:
    """One change that an analyst may accept. `where`: in which cell or key. `problem`: why it cannot be accepted."""

    place: str
    where: str
    old: str
    new: str
    splices: tuple[Splice, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Sources:
    """The texts that suggestions are made for: the notebook's JSON, and params as YAML ('' where there are none)."""

    notebook: str
    params: str = ""

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.notebook)["cells"]
        return found

    def source(self, cell: int) -> str:
        return "".join(self.cells[cell]["source"])

    def with_(self, splices: Sequence[Splice]) -> Sources:
        """These texts with some splices made. Raises ValueError where two of them overlap."""
        by_cell: dict[int, list[Splice]] = {}
        for splice in dict.fromkeys(splices):
            by_cell.setdefault(splice.cell, []).append(splice)
        params = _spliced(self.params, by_cell.pop(PARAMS, []))
        if not by_cell:
            return Sources(self.notebook, params)
        notebook = json.loads(self.notebook)
        for cell, own in by_cell.items():
            text = _spliced(self.source(cell), own)
            as_lines = isinstance(notebook["cells"][cell]["source"], list)
            notebook["cells"][cell]["source"] = text.splitlines(keepends=True) if as_lines else text
        return Sources(_like(notebook, self.notebook), params)


def _spliced(text: str, splices: Sequence[Splice]) -> str:
    last = len(text) + 1
    for splice in sorted(splices, key=lambda s: (s.start, s.end), reverse=True):
        if splice.end > last:
            raise ValueError("splices overlap")
        text, last = text[: splice.start] + splice.text + text[splice.end :], splice.start
    return text


def _like(notebook: dict[str, Any], text: str) -> str:
    """A notebook as JSON, laid out as `text` is, so that only the touched lines differ."""
    first = re.search(r'\n([ \t]*)"', text)
    indent = first[1] if first else None
    as_ascii = text.isascii()
    return json.dumps(notebook, indent=indent, ensure_ascii=as_ascii) + text[len(text.rstrip()) :]


# ---------------------------------------------------------------- a cell's paragraphs, with the place of each token


@dataclass(frozen=True)
class _Block:
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


def _blocks(cell: int, source: str) -> list[_Block]:
    """The blocks of a Markdown cell; those that the parser of Markdown understands in another way are left out."""
    found: list[tuple[int, int, int, str]] = []  # lines' start, text's start, end, label
    at, is_open, label = 0, False, ""
    for line in source.splitlines(keepends=True):
        end = at + len(line.rstrip())
        head, note, item = _HEADING.match(line), _NOTE.match(line), _ITEM.match(line)
        if not line.strip():
            is_open = False
        elif head or note or item or not is_open:
            if not (line[0].isspace() and label and not note):
                label = note[1] if note else ""
            begin = head or note or item
            found.append((at, at + (begin.end() if begin else len(line) - len(line.lstrip())), end, label))
            is_open = not head
        else:
            found[-1] = (*found[-1][:2], end, found[-1][3])
        at += len(line)
    understood = {_signature(made) for made in _parsed(source)}
    blocks = [_Block(cell, start, end, *_scanned(source, text, end), label) for start, text, end, label in found]
    return [block for block in blocks if _signature(block.made) in understood]


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


def _parsed(source: str) -> list[Tokens]:
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


def _signature(made: Sequence[Token]) -> tuple[Any, ...]:
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


# ---------------------------------------------------------------- which block a paragraph comes from


@dataclass(frozen=True)
class _Match:
    """A paragraph of the document and the block that it comes from.

    `spans`: where each of its tokens stands in the cell; `expressions` by the figure's name, `labels` by the note's id;
    `unprinted`: expressions of the block that printed nothing.
    """

    block: _Block
    spans: tuple[tuple[int, int], ...]
    expressions: dict[str, str]
    labels: dict[str, str]
    unprinted: tuple[int, ...]


def _matched(made: Tokens, block: _Block, traced: Mapping[str, str]) -> _Match | None:
    """How the paragraph comes from the block; None if it does not, or in more than one way.

    Blanks do not count, and an expression may have printed nothing.
    """
    ours = [n for n, token in enumerate(made) if not token.is_blank]
    theirs = [n for n, token in enumerate(block.made) if not token.is_blank]
    if sum(not block.made[n].figure for n in theirs) != sum(not made[n].figure for n in ours):
        return None
    ways: list[dict[int, int]] = [{}]  # from what is matched so far: token of ours -> token of theirs
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
    return _Match(
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


# ---------------------------------------------------------------- suggestions


@dataclass
class Suggested:
    """All suggestions, and of what could be found out on the way: expressions by the names of figures."""

    suggestions: list[Suggestion] = field(default_factory=list)
    expressions: dict[str, str] = field(default_factory=dict)
    unplaced: list[Prose] = field(default_factory=list)


def suggest(found: Differences, paragraphs: Sequence[Tokens], sources: Sources, traced: Mapping[str, str]) -> Suggested:
    """The suggestions for what differs.

    `paragraphs`: all of our own document, by which names of figures get their expressions; `traced`: those that
    trace.json knows.
    """
    return _Maker(sources, traced, paragraphs).run(found)


class _Maker:
    def __init__(self, sources: Sources, traced: Mapping[str, str], paragraphs: Sequence[Tokens]) -> None:
        self.sources, self.traced = sources, traced
        self.blocks = [
            block
            for number, cell in enumerate(sources.cells)
            if cell["cell_type"] == "markdown"
            for block in _blocks(number, sources.source(number))
        ]
        self.literals = [*_in_params(sources.params), *_in_code(sources)]
        self.made = Suggested(expressions=dict(traced))
        self.labels: dict[str, tuple[int, str]] = {}  # of footnotes: their cell and label
        self.drafts: list[_Draft] = []
        for paragraph in paragraphs:
            if match := self._match(paragraph):
                self.made.expressions |= match.expressions
                self.labels |= {note: (match.block.cell, label) for note, label in match.labels.items()}

    def run(self, found: Differences) -> Suggested:
        for one in found.prose:
            self._of_prose(one)
        for group in self._groups():
            self.made.suggestions.append(self._tried(group))
        for change in found.figures:
            if change.kind == "altered" and change.name.startswith("chu_"):
                self._of_words(change.place, change.old, change.new)
        return self.made

    def _match(self, made: Tokens) -> _Match | None:
        if all(token.figure or token.is_blank for token in made):  # nothing typed by which to find it
            return None
        found = [match for block in self.blocks if (match := _matched(made, block, self.traced))]
        return found[0] if len(found) == 1 else None

    # ---- prose

    def _of_prose(self, one: Prose) -> None:
        if one.kind == "moved" or (one.kind == "changed" and not one.hunks):
            self.made.unplaced.append(one)
            return
        if one.kind == "added":
            self._of_added(one)
            return
        match = self._match(one.old)
        if match is None:
            if self._is_there(one):
                return
            if one.kind == "deleted" or not self._of_words(one.place, joined(one.old), joined(one.new)):
                self.made.unplaced.append(one)
            return
        if one.kind == "deleted":
            self._of_deleted(one, match)
        else:
            self._of_changed(one, match)

    def _is_there(self, one: Prose) -> bool:
        """Whether the notebook already says what the Word file says."""
        return one.kind == "changed" and self._match(one.new) is not None

    def _of_changed(self, one: Prose, match: _Match) -> None:
        source = self.sources.source(match.block.cell)
        splices, expected, problem = [], list(one.old), ""
        for hunk in reversed(one.hunks):
            hunk = _keeping(hunk, one.old)
            expected[hunk.start : hunk.end] = hunk.new
            try:
                splices.append(self._splice(hunk, one.old, match, source))
            except _Unwritable as error:
                problem = str(error)
        wanted = tuple(token for _, token in kept(expected))
        self.drafts.append(_Draft(one, match.block, splices, problem, wanted, match.unprinted, match.labels))

    def _splice(self, hunk: Hunk, old: Tokens, match: _Match, source: str) -> Splice:
        cell = match.block.cell
        before = old[hunk.start - 1] if hunk.start else None
        after = old[hunk.end] if hunk.end < len(old) else None
        if hunk.start == hunk.end:
            first = next((t for t in hunk.new if not t.is_blank), Token(""))
            as_after = before is None or (
                after is not None and _look(before) != _look(first) and _look(after) == _look(first)
            )
            at = match.spans[hunk.start][0] if as_after else match.spans[hunk.start - 1][1]
            return Splice(cell, at, at, self._markdown(hunk.new, after if as_after else before))
        start, end = match.spans[hunk.start][0], match.spans[hunk.end - 1][1]
        silent = "".join(
            source[slice(*match.block.spans[m])] for m in match.unprinted if start <= match.block.spans[m][0] < end
        )
        text = self._markdown(hunk.new, old[hunk.start])
        if not hunk.new:
            while start and (mark := next((m for m in ("**", "__", "*", "_") if source[:start].endswith(m)), "")):
                if not source[end:].startswith(mark):
                    break
                start, end = start - len(mark), end + len(mark)
        return Splice(cell, start, end, text + silent)

    def _markdown(self, made: Sequence[Token], beside: Token | None) -> str:
        """Tokens as Markdown, where `beside` tells what look the place has already."""
        here = _look(beside) if beside is not None else (False, False)
        texts = []
        for look, group in groupby(made, key=lambda t: here if t.is_blank else _look(t)):
            text = "".join(map(self._token, group))
            marks = ("*" if look[1] and not here[1] else "") + ("**" if look[0] and not here[0] else "")
            texts.append(f"{marks}{text}{marks[::-1]}" if text.strip() else text)
        return "".join(texts)

    def _token(self, token: Token) -> str:
        if token.figure:
            if token.figure not in self.made.expressions:
                raise _Unwritable(f"không rõ biểu thức nào in ra “{token.text}”")
            return f"{{eval}}`{self.made.expressions[token.figure]}`"
        if token.note:
            if token.note not in self.labels:
                raise _Unwritable("có chú thích mới; tự thêm dấu và nội dung chú thích vào ô")
            return f"[^{self.labels[token.note][1]}]"
        if token.picture:
            raise _Unwritable("có hình chèn thêm; vẽ hình bằng y.publish")
        return "\\\n" if token.text == "\n" else _escaped(token.text)

    def _without_note(self, cell: int, label: str) -> list[Splice]:
        source = self.sources.source(cell)
        mine = [b for b in self.blocks if b.cell == cell and b.label == label]
        return [Splice(cell, *_lines_of(source, block), "") for block in mine]

    def _of_deleted(self, one: Prose, match: _Match) -> None:
        cell = match.block.cell
        splices = [Splice(cell, *_lines_of(self.sources.source(cell), match.block), "")]
        self.drafts.append(_Draft(one, match.block, splices, "", None, (), match.labels))

    def _of_added(self, one: Prose) -> None:
        match = self._match(one.after) if one.after else None
        if self._match(one.new) is not None:
            return
        if match is None:
            self.made.unplaced.append(one)
            return
        try:
            text, problem = self._markdown(one.new, None), ""
        except _Unwritable as error:
            text, problem = "", str(error)
        end = match.block.end
        splices = [Splice(match.block.cell, end, end, f"\n\n{text}")]
        self.drafts.append(_Draft(one, match.block, splices, problem, one.new, (), {}))

    def _groups(self) -> list[list[_Draft]]:
        """Drafts of one cell belong together where one paragraph takes over a figure or footnote of another."""
        groups: list[list[_Draft]] = []
        for draft in self.drafts:
            mine = [draft]
            for group in list(groups):
                if any(one.block.cell == draft.block.cell and one.trades_with(draft) for one in group):
                    mine = group + mine
                    groups.remove(group)
            groups.append(mine)
        return groups

    def _tried(self, group: Sequence[_Draft]) -> Suggestion:
        """One suggestion of some drafts, after a trial of what the cell would give."""
        cell, first = group[0].block.cell, group[0].one
        source = self.sources.source(cell)
        staying = {token.note for draft in group for token in draft.one.new if token.note}
        splices = [splice for draft in group for splice in draft.splices]
        for draft in group:
            gone = {note: label for note, label in draft.labels.items() if note not in staying}
            splices += [s for note in gone for s in self._without_note(cell, gone[note])]
        problem = "; ".join(filter(None, (draft.problem for draft in group)))
        if not problem:
            text = _spliced(source, splices)
            silent = {draft.block.made[m].figure for draft in group for m in draft.unprinted}
            now = [_bare(made, silent) for made in _parsed(text)]
            wanted = [_bare(self._expressed(draft.expected), silent) for draft in group if draft.expected is not None]
            problem = "; ".join(prose.problems(text)).rstrip(".")
            if not problem and not all(one in now for one in wanted):
                problem = "cách viết trong ô phức tạp hơn chương trình hiểu được; hãy sửa tay"
        where = f"ô {self.sources.cells[cell].get('id', cell + 1)}"
        old, new = (
            " ¶ ".join(filter(None, map(joined, said)))
            for said in zip(*((d.one.old, d.one.new) for d in group), strict=True)
        )
        return Suggestion(first.place, where, old, new, () if problem else tuple(splices), problem)

    def _expressed(self, made: Sequence[Token]) -> list[Token]:
        return [replace(t, figure=self.made.expressions.get(t.figure, "?")) if t.figure else t for t in made]

    # ---- words that stand in params or in a code cell

    def _of_words(self, place: str, old: str, new: str) -> bool:
        """Suggestions for words that come from params, or from a text in a code cell; whether each could be found."""
        one, two = tuple(worded(old)), tuple(worded(new))
        offsets = [0]
        for token in one:
            offsets.append(offsets[-1] + len(token.text))
        by_literal: dict[int, list[tuple[int, int, str]]] = {}
        all_found = True
        for hunk in hunks_of(one, two):
            start, end = offsets[hunk.start], offsets[hunk.end]
            text = "".join(t.text for t in hunk.new)
            where = self._literal(old, start, end)
            if where is None:
                all_found = False
            else:
                by_literal.setdefault(where[0], []).append((start - where[1], end - where[1], text))
        for number, edits in by_literal.items():
            literal = self.literals[number]
            value = literal.value
            for start, end, text in reversed(edits):
                value = value[:start] + text + value[end:]
            splice = literal.spliced(self.sources, value)
            problem = "" if splice else "cách viết trong tệp phức tạp hơn chương trình hiểu được; hãy sửa tay"
            done = (splice,) if splice else ()
            self.made.suggestions.append(Suggestion(place, literal.where, literal.value, value, done, problem))
        return all_found

    def _literal(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        """The one literal whose words reach from before `start` to behind `end`, and where in `text` it begins."""
        found = []
        for number, literal in enumerate(self.literals):
            for value in dict.fromkeys((literal.value, lower_first(literal.value))):
                at = text.find(value)
                if at >= 0 and text.find(value, at + 1) < 0 and at <= start and end <= at + len(value):
                    inside = at < start or end < at + len(value) or len(value) == len(text)
                    found.append((inside, len(value), number, at))
        if not found:
            return None
        best = max(found)
        if sum(item[:2] == best[:2] for item in found) > 1:
            return None
        return best[2], best[3]


@dataclass(frozen=True)
class _Draft:
    """A suggestion not yet tried: `expected` are the tokens that its block must give then (None: no block)."""

    one: Prose
    block: _Block
    splices: Sequence[Splice]
    problem: str
    expected: Tokens | None
    unprinted: Sequence[int]
    labels: Mapping[str, str]  # of the footnotes that the old paragraph has

    def trades_with(self, other: _Draft) -> bool:
        (gone, come), (others_gone, others_come) = _traded(self.one), _traded(other.one)
        return bool(gone & others_come or come & others_gone)


def _traded(one: Prose) -> tuple[set[str], set[str]]:
    """The figures and footnotes that a paragraph lost, and those that it got."""
    old, new = ({t.figure or t.note for t in said} - {""} for said in (one.old, one.new))
    return old - new, new - old


class _Unwritable(Exception):
    pass


def _keeping(hunk: Hunk, old: Tokens) -> Hunk:
    """A figure that alone was taken out of its sentence keeps its expression: the data say what stands there."""
    gone = [t for t in old[hunk.start : hunk.end] if t.figure and t.figure not in {n.figure for n in hunk.new}]
    words = [t for t in old[hunk.start : hunk.end] if not (t.figure or t.is_blank)]
    if not gone or words or any(not t.is_blank for t in hunk.new):
        return hunk
    return Hunk(hunk.start, hunk.end, old[hunk.start : hunk.end])


def _look(token: Token) -> tuple[bool, bool]:
    return token.bold, token.italic


def _bare(made: Sequence[Token], silent: set[str]) -> tuple[Any, ...]:
    return _signature([t for _, t in kept([t for t in made if t.figure not in silent])])


def _lines_of(source: str, block: _Block) -> tuple[int, int]:
    """The lines of a block, with the blank ones behind it, or before it at the end of the cell."""
    end = block.end
    while end < len(source) and source[end].isspace():
        end += 1
    end -= len(source[:end]) - len(source[:end].rstrip(" \t")) if end < len(source) else 0
    start = block.start
    if end == len(source):
        start = len(source[:start].rstrip())
    return start, end


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#&])", r"\\\1", text)


# ---------------------------------------------------------------- texts in params and in code cells


@dataclass(frozen=True)
class _Literal:
    """A text in params, or between quotes in a code cell: what it says, where it stands."""

    value: str
    where: str
    cell: int
    start: int
    end: int
    path: tuple[str | int, ...] = ()

    def spliced(self, sources: Sources, value: str) -> Splice | None:
        """What makes it say `value`; None where that cannot be written safely."""
        quoted = json.dumps(value, ensure_ascii=False)
        if self.cell != PARAMS:
            return Splice(self.cell, self.start, self.end, quoted)
        before = _scalars(sources.params)
        wanted = {**before, self.path: (before[self.path][0], value)}
        raw = sources.params[self.start : self.end]
        for text in (_rewritten(raw, self.value, value), quoted):
            if text is None:
                continue
            splice = Splice(PARAMS, self.start, self.end, text)
            try:
                if _scalars(_spliced(sources.params, [splice])) == wanted:
                    return splice
            except yaml.YAMLError:
                continue
        return None


def _rewritten(raw: str, old: str, new: str) -> str | None:
    """The raw text of a scalar with the words changed in their places, its line breaks kept; None if not so simple."""
    spans, at = [], len(re.match(r"(?:[>|][-+]?[ \t]*\n\s*|[\"'])?", raw)[0])  # type: ignore[index]
    for letter in old:
        if at < len(raw) and raw[at] == letter:
            spans.append((at, at + 1))
        elif letter == " " and (broken := re.compile(r"[ \t]*\r?\n[ \t]*").match(raw, at)):
            spans.append(broken.span())
        else:
            return None
        at = spans[-1][1]
    one, two = tuple(worded(old)), tuple(worded(new))
    offsets = [0]
    for token in one:
        offsets.append(offsets[-1] + len(token.text))
    for hunk in reversed(hunks_of(one, two)):
        start, end = offsets[hunk.start], offsets[hunk.end]
        first = spans[start][0] if start < len(spans) else spans[-1][1]
        last = spans[end - 1][1] if end > start else first
        raw = raw[:first] + "".join(t.text for t in hunk.new) + raw[last:]
    return raw


def _in_params(text: str) -> Iterator[_Literal]:
    if not text:
        return
    for path, node in _walked(yaml.compose(text, Loader=yaml.SafeLoader), ()):
        if node.tag == "tag:yaml.org,2002:str" and len(node.value) > 1:
            key = ".".join(str(part + 1) if isinstance(part, int) else part for part in path)
            where = f"khóa {key}, dòng {node.start_mark.line + 1}"
            end = node.start_mark.index + len(text[node.start_mark.index : node.end_mark.index].rstrip())
            yield _Literal(node.value, where, PARAMS, node.start_mark.index, end, path)


def _scalars(text: str) -> dict[tuple[str | int, ...], tuple[str, str]]:
    return {path: (node.tag, node.value) for path, node in _walked(yaml.compose(text, Loader=yaml.SafeLoader), ())}


def _walked(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                yield from _walked(value, (*path, key.value))
        case yaml.SequenceNode():
            for number, value in enumerate(node.value):
                yield from _walked(value, (*path, number))
        case yaml.ScalarNode():
            yield path, node


def _in_code(sources: Sources) -> Iterator[_Literal]:
    """The texts between quotes in code cells: questions of charts, captions."""
    for number, cell in enumerate(sources.cells):
        if cell["cell_type"] != "code":
            continue
        source = sources.source(number)
        lines = [0]
        for line in source.splitlines(keepends=True):
            lines.append(lines[-1] + len(line))
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.lineno == node.end_lineno:
                begin = lines[node.lineno - 1]
                line = source[begin:].encode()  # ast counts bytes
                start, end = (begin + len(line[:n].decode()) for n in (node.col_offset, node.end_col_offset))
                if len(node.value) > 1 and " " in node.value:
                    yield _Literal(node.value, f"ô {cell.get('id', number + 1)}", number, start, end)
