"""What somebody changed in a Word file, as changes of the notebook and of params that an analyst may accept.

A paragraph is found by its typed words and must be found once. What is changed is as little as can be; an inline
expression stays where its figure stays, whatever was typed over it. Each suggestion is tried: the cell must give just
the words that stand in the Word file, and nothing that must not stand in a cell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from danvan import prose
from danvan.publish.differences import Differences, Hunk, Prose, Token, Tokens, hunks_of, joined, kept, worded
from danvan.publish.origins import Block, Match, blocks, look, matched, parsed, signature
from danvan.publish.sources import Sources, Splice, literals, spliced
from danvan.wording import lower_first


@dataclass(frozen=True)
class Suggestion:
    """One change that an analyst may accept. `where`: in which cell or key. `problem`: why it cannot be accepted."""

    place: str
    where: str
    old: str
    new: str
    splices: tuple[Splice, ...] = ()
    problem: str = ""


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
            for block in blocks(number, sources.source(number))
        ]
        self.literals = list(literals(sources))
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
        self.made.suggestions += map(self._tried, self._groups())
        for change in found.figures:
            if change.kind == "altered" and not change.is_figure:
                self._of_words(change.place, change.old, change.new)
        return self.made

    def _match(self, made: Tokens) -> Match | None:
        if all(token.figure or token.is_blank for token in made):  # nothing typed by which to find it
            return None
        found = [match for block in self.blocks if (match := matched(made, block, self.traced))]
        return found[0] if len(found) == 1 else None

    # ---- prose

    def _of_prose(self, one: Prose) -> None:
        if one.kind == "moved" or one.what != "đoạn" or (one.kind == "changed" and not one.hunks):
            self.made.unplaced.append(one)
            return
        if one.kind == "added":
            self._of_added(one)
            return
        match = self._match(one.old)
        if match is None:
            if self._is_there(one):
                return
            data = {token.figure: token for token in one.old if token.figure}
            new = joined([data.get(token.figure, token) for token in one.new])
            if one.kind == "deleted" or not self._of_words(one.place, joined(one.old), new):
                self.made.unplaced.append(one)
            return
        if one.kind == "deleted":
            self._of_deleted(one, match)
        else:
            self._of_changed(one, match)

    def _is_there(self, one: Prose) -> bool:
        """Whether the notebook already says what the Word file says."""
        return one.kind == "changed" and self._match(one.new) is not None

    def _of_changed(self, one: Prose, match: Match) -> None:
        source = self.sources.source(match.block.cell)
        splices, expected, problem = [], list(one.old), ""
        for hunk in reversed(one.hunks):
            if _takes_figures_alone(hunk, one.old):
                continue
            expected[hunk.start : hunk.end] = hunk.new
            try:
                splices.append(self._splice(hunk, one.old, match, source))
            except _Unwritable as error:
                problem = str(error)
        if not splices and not problem:
            return
        wanted = tuple(token for _, token in kept(expected))
        self.drafts.append(_Draft(one, match.block, splices, problem, wanted, match.unprinted, match.labels))

    def _splice(self, hunk: Hunk, old: Tokens, match: Match, source: str) -> Splice:
        cell = match.block.cell
        before = old[hunk.start - 1] if hunk.start else None
        after = old[hunk.end] if hunk.end < len(old) else None
        if hunk.start == hunk.end:
            first = next((t for t in hunk.new if not t.is_blank), Token(""))
            as_after = before is None or (
                after is not None and look(before) != look(first) and look(after) == look(first)
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
        here = look(beside) if beside is not None else (False, False)
        texts = []
        for (bold, italic), group in groupby(made, key=lambda t: here if t.is_blank else look(t)):
            text = "".join(map(self._token, group))
            marks = "*" * (italic and not here[1]) + "**" * (bold and not here[0])
            texts.append(f"{marks}{text}{marks}" if text.strip() else text)
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

    def _of_deleted(self, one: Prose, match: Match) -> None:
        cell = match.block.cell
        splices = [Splice(cell, *_lines_of(self.sources.source(cell), match.block), "")]
        self.drafts.append(_Draft(one, match.block, splices, "", None, (), match.labels))

    def _of_added(self, one: Prose) -> None:
        match = self._match(one.after) if one.after else None
        if self._match(one.new) is not None:
            return
        if match is None or match.block.label:  # further paragraphs of a footnote are written in a way of their own
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
        gone = [draft.block for draft in group if draft.one.kind != "added"]
        for draft in group:
            for note in draft.labels.keys() - staying:
                notes = [b for b in self.blocks if b.cell == cell and b.label == draft.labels[note]]
                splices += [Splice(cell, *_lines_of(source, block), "") for block in notes]
                gone += notes
        problem = "; ".join(filter(None, (draft.problem for draft in group)))
        text = ""
        try:
            text = spliced(source, splices)
            problem = problem or "; ".join(prose.problems(text)).rstrip(".")
        except ValueError:
            problem = problem or "các chỗ sửa trong ô đụng vào nhau; hãy sửa tay"
        if not problem:
            silent = {draft.block.made[m].figure for draft in group for m in draft.unprinted}
            wanted = [self._expressed(draft.expected) for draft in group if draft.expected is not None]
            now, was = parsed(text), parsed(source)
            changes = ((now, 1), (was, -1), (wanted, -1), ([block.made for block in gone], 1))
            balance: Counter[tuple[Any, ...]] = Counter()
            for paragraphs, sign in changes:
                for made in paragraphs:
                    balance[_bare(made, silent)] += sign
            if any(balance.values()):
                problem = "cách viết trong ô phức tạp hơn chương trình hiểu được; hãy sửa tay"
        where = f"ô {self.sources.cells[cell].get('id', cell + 1)}"
        data = {token.figure: token for draft in group for token in draft.one.old if token.figure}
        old = " ¶ ".join(joined(draft.one.old) for draft in group if draft.one.kind != "added")
        new = " ¶ ".join(
            joined([data.get(token.figure, token) for token in draft.expected])
            for draft in group
            if draft.expected is not None
        )
        return Suggestion(first.place, where, old, new, () if problem else tuple(splices), problem)

    def _expressed(self, made: Sequence[Token]) -> Tokens:
        return tuple(replace(t, figure=self.made.expressions.get(t.figure, "?")) if t.figure else t for t in made)

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
    block: Block
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


def _takes_figures_alone(hunk: Hunk, old: Tokens) -> bool:
    """Whether a figure was taken out of a sentence that stays: then its expression stays, too."""
    gone = old[hunk.start : hunk.end]
    only = all(token.figure or token.is_blank for token in gone) and all(token.is_blank for token in hunk.new)
    return only and any(token.figure for token in gone)


def _bare(made: Sequence[Token], silent: set[str]) -> tuple[Any, ...]:
    return signature([t for _, t in kept([t for t in made if t.figure not in silent])])


def _lines_of(source: str, block: Block) -> tuple[int, int]:
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
