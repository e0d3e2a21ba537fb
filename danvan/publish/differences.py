"""What somebody changed in a report's Word file: our own file against the one that came back, read alike.

Prose is compared word by word, a figure by the bookmark that names it. Where a bookmark is gone, its place in the
sentence tells whether the figure still stands, was typed anew, or went.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any, Literal, TypeVar

from danvan.publish.reread import Block, Change, Comment, Grid, Paragraph, Piece, Reading, Row, tidy

SIMILAR = 0.4  # paragraphs that share less are not the same one
MOST_PAIRS = 250_000  # that are tried; of a file that has been written anew all is new
MOVED = 0.8  # nor are paragraphs in different places that share less than this
_TOKEN = re.compile(r"\n|[^\S\n]+|\d[\d.,/]*\d%?|\d%?|\w+|[^\w\s]")
_Item = TypeVar("_Item")
Pair = tuple[int | None, int | None]
_Note = tuple[str, list[Paragraph]]


@dataclass(frozen=True)
class Token(Piece):
    """A word, a sign, a blank; or the whole of a figure, a footnote's mark, a picture."""

    @property
    def key(self) -> Hashable:
        """What makes two tokens the same one: of figures and footnotes, which it is; else the text."""
        if self.figure:
            return "figure", self.figure
        if self.note:
            return "note", self.note
        return ("picture", self.text) if self.picture else self.text

    @property
    def is_blank(self) -> bool:
        return self.text.isspace() and not self.figure

    @property
    def is_typed_number(self) -> bool:
        return not (self.figure or self.note or self.picture) and any(c.isnumeric() for c in self.text)


Tokens = tuple[Token, ...]


@dataclass(frozen=True)
class Hunk:
    """The tokens `start` to `end` of the old paragraph became `new`."""

    start: int
    end: int
    new: Tokens


@dataclass(frozen=True)
class Prose:
    """A paragraph whose words changed. `old` is empty for one that was added, `new` for one that was deleted.

    `after`: of one that was added, the old paragraph before it. `restyled`: words that became bold or italic, or no
    longer are. `what`: 'đoạn'; or a whole row of a table, or a table, that was added or deleted: 'dòng', 'bảng'.
    """

    kind: Literal["changed", "added", "deleted", "moved"]
    place: str
    old: Tokens = ()
    new: Tokens = ()
    hunks: tuple[Hunk, ...] = ()
    restyled: tuple[str, ...] = ()
    after: Tokens = ()
    what: str = "đoạn"


FigureKind = Literal["altered", "deleted", "unmarked", "repeated", "typed"]


@dataclass(frozen=True)
class FigureChange:
    """What happened to a figure: altered by hand; deleted; without its mark but still there; there twice.

    Or a number that was typed into the prose (`typed`), which has no name. `within`: it went with a whole row or table,
    'cả dòng', 'cả bảng'; its place is that of the row or table.
    """

    kind: FigureKind
    place: str
    name: str = ""
    old: str = ""
    new: str = ""
    within: str = ""

    @property
    def is_figure(self) -> bool:
        """Printed from results; else words from params, or a number that was typed."""
        return self.name.startswith("so_")


@dataclass
class Differences:
    """All that differs; each list in the order of the document."""

    prose: list[Prose] = field(default_factory=list)
    figures: list[FigureChange] = field(default_factory=list)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    comments: list[tuple[str, Comment]] = field(default_factory=list)
    boxes: int = 0


def differences(ours: Reading, theirs: Reading) -> Differences:
    """What `theirs` changed of `ours`."""
    return _Comparison(ours, theirs).run()


def joined(tokens: Sequence[Token]) -> str:
    """Tokens as a reader sees them, without blanks at the ends."""
    return tidy(shown(tokens))


def shown(tokens: Sequence[Token]) -> str:
    """Tokens as a reader sees them."""
    return "".join("[hình]" if t.picture else "[chú thích]" if t.note else t.text for t in tokens)


# ---------------------------------------------------------------- a paragraph as tokens


def tokens(pieces: Sequence[Piece], known: Mapping[str, str], notes: Mapping[str, str] | None = None) -> Tokens:
    """The tokens of a paragraph. `known`: figures by name and the text they should have; other bookmarks are none.

    A figure's bookmark that now also covers words around it is told apart from these. `notes` renames footnotes.
    """
    made: list[Token] = []
    for piece in _runs(pieces, known):
        if piece.picture or piece.note:
            note = (notes or {}).get(piece.note, piece.note)
            made.append(Token(piece.text if piece.picture else "", "", piece.bold, piece.italic, note, piece.picture))
            continue
        before, figure, after = "", piece.text, ""
        if piece.figure and tidy(figure) != known[piece.figure]:
            before, figure, after = _grown(figure, known[piece.figure])
        if not piece.figure:
            before, figure = figure, ""
        for text in (before, figure, after):
            if piece.figure and text is figure and figure:
                made.append(Token(tidy(figure), piece.figure, piece.bold, piece.italic))
            else:
                made += worded(text, piece.bold, piece.italic)
    return tuple(token for _, token in kept(made))


def kept(made: Sequence[Token]) -> list[tuple[int, Token]]:
    """The tokens that count, with their places in `made`: of neighbouring blanks one, none at the ends."""
    tidied: list[tuple[int, Token]] = []
    for place, token in enumerate(made):
        if not token.is_blank:
            tidied.append((place, token))
        elif tidied and not tidied[-1][1].is_blank:
            tidied.append((place, replace(token, text="\n" if token.text == "\n" else " ")))
        elif tidied and token.text == "\n":
            tidied[-1] = place, replace(token, text="\n")
    if tidied and tidied[-1][1].is_blank:
        tidied.pop()
    return tidied


def worded(text: str, bold: bool = False, italic: bool = False) -> list[Token]:
    """The tokens of plain text of one look."""
    return [Token(t, "", bold, italic) for t in _TOKEN.findall(text)]


def _runs(pieces: Sequence[Piece], known: Mapping[str, str]) -> list[Piece]:
    """Neighbouring pieces of one figure, or of one look, as one."""
    made: list[Piece] = []
    for piece in pieces:
        if piece.figure not in known:
            piece = replace(piece, figure="")
        last = made[-1] if made else None
        if last is not None and not (piece.note or piece.picture or last.note or last.picture):
            same_look = (last.bold, last.italic) == (piece.bold, piece.italic)
            if last.figure == piece.figure and (piece.figure or same_look):
                made[-1] = replace(last, text=last.text + piece.text)
                continue
        if piece.text or piece.note or piece.picture:
            made.append(piece)
    return made


_BEFORE, _AFTER = re.compile(r"(?:^|[\s(\[“\"])$"), re.compile(r"$|[\s)\]”\";:!?]|[.,](?!\d)")


def _grown(text: str, figure: str) -> tuple[str, str, str]:
    """What stands before the figure, the figure, what stands behind, if it is there whole; else all is the figure."""
    flat = re.sub(r"\s+", " ", text)
    start = flat.find(figure) if figure else -1
    while start >= 0:
        end = start + len(figure)
        if _BEFORE.search(flat[:start]) and _AFTER.match(flat, end):
            return flat[:start], figure, flat[end:]
        start = flat.find(figure, start + 1)
    return "", text, ""


# ---------------------------------------------------------------- what belongs to what


def aligned(
    old: Sequence[_Item],
    new: Sequence[_Item],
    key: Callable[[_Item], Hashable],
    likeness: Callable[[_Item, _Item], float],
) -> list[Pair]:
    """Pairs of places in two sequences, in order: the same, alike enough, or in one of them alone (None)."""
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, [key(item) for item in old], [key(item) for item in new], autojunk=False)
    for what, i, i_end, j, j_end in matcher.get_opcodes():
        if what == "equal":
            pairs += zip(range(i, i_end), range(j, j_end), strict=True)
        else:
            a, b, alike = i, j, []
            if (i_end - i) * (j_end - j) <= MOST_PAIRS:
                alike = _most_alike([[likeness(one, two) for two in new[j:j_end]] for one in old[i:i_end]])
            for x, y in (*alike, (i_end - i, j_end - j)):
                pairs += [(n, None) for n in range(a, i + x)]
                pairs += [(None, n) for n in range(b, j + y)]
                if i + x < i_end:
                    pairs.append((i + x, j + y))
                a, b = i + x + 1, j + y + 1
    return pairs


def _most_alike(likeness: list[list[float]]) -> list[tuple[int, int]]:
    """The pairs in order whose likeness adds up to most."""
    height, width = len(likeness), len(likeness[0]) if likeness else 0
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for a in range(height - 1, -1, -1):
        for b in range(width - 1, -1, -1):
            paired = likeness[a][b] + best[a + 1][b + 1] if likeness[a][b] >= SIMILAR else 0.0
            best[a][b] = max(best[a + 1][b], best[a][b + 1], paired)
    found, a, b = [], 0, 0
    while a < height and b < width:
        if best[a][b] == best[a + 1][b]:
            a += 1
        elif best[a][b] == best[a][b + 1]:
            b += 1
        else:
            found.append((a, b))
            a, b = a + 1, b + 1
    return found


def _bag(made: Tokens) -> Counter[Hashable]:
    """What a paragraph is made of, for telling how alike two are."""
    bag: Counter[Hashable] = Counter()
    for token in made:
        if token.figure or token.picture:
            bag[token.key] += 1
        bag.update(_TOKEN.findall(token.text) if token.figure else [] if token.is_blank else [token.text])
    del bag[" "]
    return bag


def _alike(one: Counter[Hashable], two: Counter[Hashable]) -> float:
    """Dice's coefficient: 1 for the same words, 0 for none in common."""
    total = one.total() + two.total()
    return 2 * (one & two).total() / total if total else 1.0


# ---------------------------------------------------------------- places


def _places(reading: Reading) -> dict[int, str]:
    """Where each paragraph stands, in words, by its id()."""
    places: dict[int, str] = {}
    section, number, tables, title = "", 0, 0, ""
    for block in reading.blocks:
        if isinstance(block, Paragraph):
            if re.fullmatch(r"Heading\d", block.style) and block.text:
                section, number = block.text, 0
            elif block.text:
                number += 1
            where = f"mục “{_short(section)}”" if section else "phần đầu"
            is_heading = number == 0 and section
            places[id(block)] = f"{where}, tiêu đề" if is_heading else f"{where}, đoạn {number or 1}"
            title = block.text or title
        else:
            tables += 1
            named = f"bảng “{_short(title)}”" if any(row.head for row in block.rows) else f"khung thứ {tables}"
            places |= dict(_cells(block, named))
    for count, note in enumerate(reading.notes.values(), start=1):
        places |= {id(paragraph): f"chú thích {count}" for paragraph in note}
    return places


def _cells(grid: Grid, named: str) -> Iterator[tuple[int, str]]:
    heads: dict[int, str] = {}
    for row in grid.rows:
        label = tidy(" ".join(p.text for p in row.cells[0][1])) if row.cells else ""
        for column, cell in row.cells:
            text = tidy(" ".join(p.text for p in cell))
            if row.head and text:
                heads[column] = text
            under = heads.get(column) or next((heads[c] for c in sorted(heads, reverse=True) if c <= column), "")
            where = f"{named}, dòng đầu" if row.head else f"{named}, dòng “{_short(label)}”" if label else named
            for paragraph in cell:
                yield id(paragraph), f"{where}, cột “{_short(under)}”" if under else where


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57].rstrip()}..."


# ---------------------------------------------------------------- the comparison


class _Comparison:
    def __init__(self, ours: Reading, theirs: Reading) -> None:
        self.ours, self.theirs = ours, theirs
        self.known = {name: texts[0] for name, texts in ours.figures().items()}
        self.there = {name for name, texts in theirs.figures().items() if any(texts)}
        self.places = _places(ours)
        self.found = Differences(boxes=max(0, theirs.boxes - ours.boxes))
        self.note_ids: dict[str, str] = {}  # of their footnotes -> ours
        self._own: dict[int, Tokens] = {}  # of our paragraphs, by id()
        self._tokens: dict[int, Tokens] = {}  # of theirs, with our names for the footnotes
        self._bags: dict[int, Counter[Hashable]] = {}
        self._here: dict[int, str] = {}  # places of their paragraphs, by id()
        self._lost: list[tuple[Tokens, str]] = []  # paragraphs of ours that are not there, with their places
        self._new: list[tuple[Tokens, str, Tokens]] = []  # paragraphs of theirs that are new; what of ours is before

    def run(self) -> Differences:
        old_notes, new_notes = list(self.ours.notes.items()), list(self.theirs.notes.items())
        pairs = self._notes(old_notes, new_notes)
        for i, j in pairs:
            if i is not None and j is not None:
                self.note_ids[new_notes[j][0]] = old_notes[i][0]
            elif j is not None:
                self.note_ids[new_notes[j][0]] = f"+{new_notes[j][0]}"
        self._tokens.clear()
        self._bags.clear()
        self._blocks(self.ours.blocks, self.theirs.blocks)
        for i, j in pairs:
            old = old_notes[i][1] if i is not None else []
            new = new_notes[j][1] if j is not None else []
            self._paragraphs(old, new, f"chú thích {i + 1}" if i is not None else "chú thích thêm mới")
        self._moved()
        self._repeated()
        self._tracked()
        return self.found

    def _notes(self, old: Sequence[_Note], new: Sequence[_Note]) -> list[Pair]:
        """Which footnote is which: in order where that is so, else by their words, for they go where their marks go."""
        pairs = aligned(old, new, lambda note: self._said(note[1]), lambda a, b: self._likeness(a[1], b[1]))
        lost, come = [i for i, j in pairs if j is None], [j for i, j in pairs if i is None]
        moved: dict[int | None, int] = {}
        for i in lost:
            alike = [(self._likeness(old[i][1], new[j][1]), j) for j in come if i is not None and j is not None]
            best, j = max(alike, default=(0.0, 0))
            if best >= MOVED:
                moved[i] = j
                come.remove(j)
        taken = set(moved.values())
        return [(i, moved.get(i, j)) for i, j in pairs if i is not None or j not in taken]

    # ---- tokens and likeness

    def _of(self, paragraph: Paragraph) -> Tokens:
        if id(paragraph) not in self._tokens:
            self._tokens[id(paragraph)] = tokens(paragraph.pieces, self.known, self.note_ids)
        return self._tokens[id(paragraph)]

    def _ours(self, paragraph: Paragraph) -> Tokens:
        if id(paragraph) not in self._own:
            self._own[id(paragraph)] = tokens(paragraph.pieces, self.known)
        return self._own[id(paragraph)]

    @staticmethod
    def _said(paragraphs: Sequence[Paragraph]) -> str:
        return "\n".join(paragraph.text for paragraph in paragraphs)

    def _bag(self, paragraphs: Sequence[Paragraph]) -> Counter[Hashable]:
        total: Counter[Hashable] = Counter()
        for paragraph in paragraphs:
            if id(paragraph) not in self._bags:
                self._bags[id(paragraph)] = _bag(self._of(paragraph))
            total += self._bags[id(paragraph)]
        return total

    def _likeness(self, one: Sequence[Paragraph], two: Sequence[Paragraph]) -> float:
        return _alike(self._bag(one), self._bag(two))

    # ---- blocks, tables

    def _blocks(self, old: Sequence[Block], new: Sequence[Block]) -> None:
        old, new = ([b for b in blocks if isinstance(b, Grid) or self._of(b)] for blocks in (old, new))

        def inside(block: Block) -> list[Paragraph]:
            return [block] if isinstance(block, Paragraph) else list(_inside(block))

        def likeness(one: Block, two: Block) -> float:
            if type(one) is not type(two):
                return 0.0
            alike = self._likeness(inside(one), inside(two))
            return max(alike, SIMILAR) if isinstance(one, Grid) and alike else alike

        def key(block: Block) -> Hashable:
            marks = (
                tuple(t.key for t in self._of(block) if t.picture or t.figure) if isinstance(block, Paragraph) else ()
            )
            return type(block).__name__, self._said(inside(block)), marks

        last: Tokens = ()
        where = "phần đầu"
        for i, j in aligned(old, new, key, likeness):
            one, two = old[i] if i is not None else None, new[j] if j is not None else None
            if isinstance(one, Paragraph):
                where = self.places[id(one)]
            if isinstance(one, Grid) or isinstance(two, Grid):
                self._grids(
                    one if isinstance(one, Grid) else Grid([]), two if isinstance(two, Grid) else Grid([]), where
                )
            else:
                self._pair(one, two, where, last)
            last = self._ours(one) if isinstance(one, Paragraph) else last

    def _grids(self, old: Grid, new: Grid, before: str) -> None:
        def inside(row: Row) -> list[Paragraph]:
            return [paragraph for _, cell in row.cells for paragraph in cell]

        def likeness(one: Row, two: Row) -> float:
            same_label = one.cells and two.cells and self._said(one.cells[0][1]) == self._said(two.cells[0][1])
            alike = self._likeness(inside(one), inside(two))
            return 1.0 + alike if same_label else alike

        where = next((self.places[id(p)] for p in _inside(old)), before)
        if bool(old.rows) != bool(new.rows):
            place = where.split(", dòng ")[0] if old.rows else before
            self._whole("bảng", place, list(_inside(old)), list(_inside(new)))
            return
        self.found.changes += [(where, change) for change in new.changes]
        for i, j in aligned(old.rows, new.rows, lambda row: self._said(inside(row)), likeness):
            one, two = old.rows[i] if i is not None else Row([]), new.rows[j] if j is not None else Row([])
            where = next((self.places[id(p)] for p in inside(one)), where)
            if i is None or j is None:
                self._whole("dòng", where.split(", cột ")[0], inside(one), inside(two))
                continue
            if len(one.cells) == len(two.cells):
                pairs: list[Pair] = [(n, n) for n in range(len(one.cells))]
            else:
                pairs = aligned(
                    one.cells, two.cells, lambda c: self._said(c[1]), lambda a, b: self._likeness(a[1], b[1])
                )
            for a, b in pairs:
                cells = (one.cells[a][1] if a is not None else [], two.cells[b][1] if b is not None else [])
                self._paragraphs(*cells, where)

    def _whole(self, what: str, where: str, old: Sequence[Paragraph], new: Sequence[Paragraph]) -> None:
        """A row or a table that was added or deleted."""
        for paragraph in new:
            self._here[id(paragraph)] = where
        between = Token(" | ")
        gone, come = (
            tuple(token for made in map(of, said) if made for token in (between, *made))[1:]
            for of, said in ((self._ours, old), (self._of, new))
        )
        kind: Literal["added", "deleted"] = "deleted" if gone else "added"
        self.found.prose.append(Prose(kind, where, old=gone, new=come, what=what))
        for token in gone:
            if token.figure and token.figure not in self.there:
                self.found.figures.append(FigureChange("deleted", where, token.figure, token.text, within=f"cả {what}"))
        self._typed(where, [Hunk(0, 0, come)])

    def _paragraphs(self, old: Sequence[Paragraph], new: Sequence[Paragraph], where: str) -> None:
        """The paragraphs of a cell or of a footnote."""
        old, new = ([p for p in paragraphs if self._of(p)] for paragraphs in (old, new))
        last: Tokens = ()
        if len(old) == len(new) == 1:
            pairs: list[Pair] = [(0, 0)]
        else:
            pairs = aligned(old, new, lambda p: p.text, lambda a, b: self._likeness([a], [b]))
        for i, j in pairs:
            one, two = old[i] if i is not None else None, new[j] if j is not None else None
            where = self.places[id(one)] if one is not None else where
            self._pair(one, two, where, last)
            last = self._ours(one) if one is not None else last

    # ---- a paragraph

    def _pair(self, old: Paragraph | None, new: Paragraph | None, where: str, after: Tokens) -> None:
        if new is not None:
            self._here[id(new)] = where
        if old is None and new is not None:
            self._new.append((self._of(new), where, after))
        elif old is not None and new is None:
            self._lost.append((self._ours(old), where))
        elif old is not None and new is not None:
            self._compare("changed", self._ours(old), self._of(new), where)

    def _compare(self, kind: Literal["changed", "moved"], old: Tokens, new: Tokens, where: str) -> None:
        new = self._restored(old, new, where)
        hunks = hunks_of(old, new)
        texts = {token.figure: token.text for token in old if token.figure}
        for token in new:
            if token.figure in texts and token.text != texts[token.figure]:
                self.found.figures.append(FigureChange("altered", where, token.figure, texts[token.figure], token.text))
        restyled = _restyled(old, new, hunks)
        if hunks or restyled or kind == "moved":
            self.found.prose.append(Prose(kind, where, old, new, hunks, restyled))
        self._typed(where, hunks)

    def _typed(self, where: str, hunks: Sequence[Hunk]) -> None:
        for hunk in hunks:
            for token in hunk.new:
                if token.is_typed_number:
                    self.found.figures.append(FigureChange("typed", where, new=token.text))

    def _restored(self, old: Tokens, new: Tokens, where: str) -> Tokens:
        """The new tokens, with figures whose bookmarks are gone in their places again; tells what became of each."""
        gone = [token for token in old if token.figure and token.figure not in self.there]
        if not gone:
            return new
        flat: list[Token] = []  # the old tokens, those figures in words
        spans: dict[str, tuple[int, int]] = {}
        for token in old:
            words = worded(token.text) if token in gone else [token]
            if token in gone:
                spans[token.figure] = len(flat), len(flat) + len(words)
            flat += words
        codes = SequenceMatcher(None, [t.key for t in flat], [t.key for t in new], autojunk=False).get_opcodes()
        replaced: list[tuple[int, int, Token]] = []
        for token in gone:
            begin, end, stands = _standing(codes, *spans[token.figure], flat, new)
            text = joined(new[begin:end])
            if stands:
                self.found.figures.append(FigureChange("unmarked", where, token.figure, token.text, token.text))
            elif begin == end or not text:
                self.found.figures.append(FigureChange("deleted", where, token.figure, token.text))
                continue
            replaced.append((begin, end, replace(token, text=text)))
        made = list(new)
        for begin, end, token in sorted(replaced, key=lambda item: item[0], reverse=True):
            made[begin:end] = [token]
        return tuple(made)

    # ---- the whole

    def _moved(self) -> None:
        """Of what is lost and what is new, what only went elsewhere; the others are deleted and added."""
        few = len(self._lost) * len(self._new) <= MOST_PAIRS
        bags = [_bag(made) for made, _, _ in self._new] if few else []
        taken: set[int] = set()
        for old, where in self._lost:
            mine = _bag(old)
            likeness = [(_alike(mine, bag), -n) for n, bag in enumerate(bags) if n not in taken]
            best, n = max(likeness, default=(0.0, 0))
            if best >= MOVED and mine.total() > 3:
                taken.add(-n)
                self._compare("moved", old, self._new[-n][0], where)
                continue
            self.found.prose.append(Prose("deleted", where, old=old))
            for token in old:
                if token.figure and token.figure not in self.there:
                    self.found.figures.append(FigureChange("deleted", where, token.figure, token.text))
        for n, (new, where, after) in enumerate(self._new):
            if n not in taken:
                self.found.prose.append(Prose("added", where, new=new, after=after))
                self._typed(where, [Hunk(0, 0, new)])

    def _repeated(self) -> None:
        """Figures that stand more often than they should, and those that were altered where they were taken to."""
        told = {change.name for change in self.found.figures}
        for name, texts in self.theirs.figures().items():
            if name not in self.known:
                continue
            right = self.known[name]
            whole = sum(text == right or _grown(text, right)[1] == right for text in texts)
            if whole > 1:
                self.found.figures.append(FigureChange("repeated", self._home(name), name, self.known[name]))
            elif not whole and name not in told:
                new = " ".join(filter(None, texts))
                self.found.figures.append(FigureChange("altered", self._home(name), name, self.known[name], new))

    def _home(self, name: str) -> str:
        """Where our own file has a figure."""
        return next(self.places[id(p)] for p in self.ours.paragraphs() if any(x.figure == name for x in p.pieces))

    def _tracked(self) -> None:
        seen: set[str] = set()
        where = "phần đầu"
        for paragraph in self.theirs.paragraphs():
            where = self._here.get(id(paragraph), where)
            self.found.changes += [
                (where, replace(change, text=tidy(change.text)))
                for change in paragraph.changes
                if change.text == "¶" or tidy(change.text)
            ]
            for id_ in paragraph.comments:
                if id_ not in seen and id_ in self.theirs.comments:
                    seen.add(id_)
                    self.found.comments.append((where, self.theirs.comments[id_]))
        self.found.comments += [(where, c) for id_, c in self.theirs.comments.items() if id_ not in seen]


def _inside(grid: Grid) -> Iterator[Paragraph]:
    return (paragraph for row in grid.rows for _, cell in row.cells for paragraph in cell)


def hunks_of(old: Tokens, new: Tokens) -> tuple[Hunk, ...]:
    """Where the words differ; what is parted by blanks alone is one."""
    if [t.key for t in old] == [t.key for t in new]:
        return ()
    codes = SequenceMatcher(None, [t.key for t in old], [t.key for t in new], autojunk=False).get_opcodes()
    spans: list[list[int]] = []
    for what, i, i_end, j, j_end in codes:
        if what == "equal":
            continue
        if spans and all(t.is_blank for t in old[spans[-1][1] : i]):
            spans[-1][1], spans[-1][3] = i_end, j_end
        else:
            spans.append([i, i_end, j, j_end])
    return tuple(_from_word_to_word(Hunk(i, i_end, new[j:j_end]), old) for i, i_end, j, j_end in spans)


def _from_word_to_word(hunk: Hunk, old: Tokens) -> Hunk:
    """The same change told with the blank behind its words instead of the one before them, where that is the same."""
    blank_behind = old[hunk.end : hunk.end + 1]
    if not blank_behind or not blank_behind[0].is_blank:
        return hunk
    if not hunk.new and old[hunk.start].is_blank:
        return Hunk(hunk.start + 1, hunk.end + 1, ())
    if hunk.start == hunk.end and hunk.new[0].is_blank:
        return Hunk(hunk.start + 1, hunk.end + 1, (*hunk.new[1:], hunk.new[0]))
    return hunk


def _restyled(old: Tokens, new: Tokens, hunks: Sequence[Hunk]) -> tuple[str, ...]:
    """Words that stand in both, but bold or italic in one of them only."""
    found: list[list[Token]] = []
    at, going_on = 0, False
    shift = 0
    marks = {hunk.start: hunk for hunk in hunks}
    while at < len(old):
        if at in marks:
            hunk = marks.pop(at)
            shift += len(hunk.new) - (hunk.end - hunk.start)
            at, going_on = hunk.end, False
            continue
        one, two = old[at], new[at + shift]
        if (one.bold, one.italic) != (two.bold, two.italic) and not one.is_blank and not one.note:
            if going_on:
                found[-1].append(two)
            else:
                found.append([two])
            going_on = True
        elif not one.is_blank:
            going_on = False
        elif going_on:
            found[-1].append(two)
        at += 1
    return tuple(joined(made) for made in found)


def _standing(codes: Sequence[Any], start: int, end: int, old: Sequence[Token], new: Tokens) -> tuple[int, int, bool]:
    """Where in `new` stands what was `old[start:end]`, as a span, and whether it is unchanged."""
    if all(token.is_typed_number or token.is_blank for token in old[start:end]) or end - start == 1:
        for what, i, i_end, j, j_end in codes:
            if what == "equal" and i <= start and end <= i_end:
                return j + start - i, j + end - i, True
            if what == "replace" and i <= start and end <= i_end:
                # Figures typed anew stand in the same order as those that they replace.
                typed = [n for n in range(j, j_end) if new[n].is_typed_number]
                before = [n for n in range(i, start) if old[n].is_typed_number]
                mine = sum(old[n].is_typed_number for n in range(i, i_end))
                if len(typed) == mine and mine:
                    return typed[len(before)], typed[len(before)] + 1, False
                if (i, i_end) == (start, end) and typed:
                    return j, j_end, False
        return 0, 0, False
    same = [
        (max(i, start) - i + j, min(i_end, end) - i + j)
        for what, i, i_end, j, j_end in codes
        if what == "equal" and i < end and start < i_end
    ]
    words = sum(not new[n].is_blank for a, b in same for n in range(a, b))
    if words * 2 < sum(not token.is_blank for token in old[start:end]):
        return 0, 0, False
    begin = next((j for what, i, _, j, _ in codes if what == "replace" and i == start), same[0][0])
    last = next((j_end for what, _, i_end, _, j_end in codes if what == "replace" and i_end == end), same[-1][1])
    return begin, last, len(same) == 1 and last - begin == end - start
