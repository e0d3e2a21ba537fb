"""A built PDF against the profile of its document: pages, margins, page numbers, and each part where it was set.

The document says what stands in the file; its texts are looked up among the letters as they are drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from danvan import formats
from danvan.document import (
    Block,
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
    Part,
    Strong,
    Table,
    TitleBlock,
    plain,
)
from danvan.formats import Json, allowed
from danvan.publish import annexes, wanted
from danvan.publish.letters_of_pdf import Letter, Rule, Sheet
from danvan.publish.wanted import PAGE, PARTS, Difference, Face

MM = 72 / 25.4
# The box of a line as it is set: this much of its size above the baseline, and below it.
_ABOVE, _BELOW = 0.8, 0.2


@dataclass(frozen=True)
class Spot:
    """Letters of one text; `whole`: all of it was found in one piece."""

    letters: tuple[Letter, ...]
    text: str
    end: int
    whole: bool

    @property
    def where(self) -> str:
        return wanted.place(f"trang {self.letters[0].page + 1}", self.text)

    @property
    def lines(self) -> list[tuple[Letter, ...]]:
        """The letters line by line, without raised marks."""
        size = _usual(letter.size for letter in self.letters)
        kept = [letter for letter in self.letters if letter.size > 0.8 * size]
        return [tuple(line) for _, line in groupby(kept, lambda letter: (letter.page, round(letter.base)))]


def differences(sheets: Sequence[Sheet], document: Document, profile: Json) -> list[Difference]:
    """What the pages of a built PDF have otherwise than the profile."""
    return _Lint(sheets, document, profile).run()


class _Lint:
    def __init__(self, sheets: Sequence[Sheet], document: Document, profile: Json) -> None:
        self.sheets, self.document, self.profile = sheets, document, profile
        self.parts = wanted.parts(profile)
        self.found: list[Difference] = []
        self.tell = self.found.append
        self.cursor = 0
        self.starts: list[int] = []  # the page on which each part begins
        self.first: int | None = None  # that of the part at hand
        self.noted: set[int] = set()
        self.last: Spot | None = None  # the paragraph right before
        self.body: dict[bool, list[tuple[Letter, ...]]] = {False: [], True: []}  # lines of text, by landscape
        self.numbers = {page: _number_of(sheet) for page, sheet in enumerate(sheets)}
        self.marks = {page: self._marks(sheet) for page, sheet in enumerate(sheets)}
        self.flow = [
            letter
            for page, sheet in enumerate(sheets)
            for letter in sheet.letters
            if letter not in self.marks[page] and letter not in self.numbers[page]
        ]
        self.stream = "".join(letter.text for letter in self.flow).lower()

    def run(self) -> list[Difference]:
        count = sum(part.kind == "annex" for part in self.document.parts)
        index = 0
        for part in self.document.parts:
            index += part.kind == "annex"
            self.last = self.first = None
            for order, block in enumerate(part.blocks):
                if part.kind == "annex" and order == 0:
                    self._annex_heading(block, index, count)
                elif part.kind == "annex" and order == 1 and annexes.is_reference(block):
                    self._reference(block)
                else:
                    self._block(block, part)
            self.starts.append(self.first or 0)
        self._pages()
        self._margins()
        return wanted.gathered(self.found)

    # ------------------------------------------------------------ finding

    def find(self, text: str, start: int | None = None) -> Spot | None:
        """Where a text stands, from `start` or the cursor on; its beginning, where a page end parts it."""
        start = self.cursor if start is None else start
        asked = "".join(text.split()).lower()
        if not asked:
            return None
        for length in (len(asked), 60, 30, 15):
            if length > len(asked):
                continue
            at = self.stream.find(asked[:length], start)
            if at >= 0:
                return Spot(tuple(self.flow[at : at + length]), text.strip(), at + length, length == len(asked))
        return None

    def part(self, style: str, text: str, start: int | None = None, want: wanted.Wanted | None = None) -> Spot | None:
        """Find a part and compare its letters; it is told if it is not there."""
        want = want or self.parts[style]
        spot = self.find(text, start)
        if spot is None:
            self.tell(Difference(want.part, "có trong tệp", f"“{text[:60]}”", "không thấy", "tệp PDF"))
            return None
        self._compare(want, spot)
        if self.first is None:
            self.first = spot.letters[0].page
        return spot

    def _compare(self, want: wanted.Wanted, spot: Spot) -> None:
        """Each face that letters of the spot have, marks of notes aside, is compared."""
        usual = _usual(letter.size for letter in spot.letters)
        letters = [letter for letter in spot.letters if letter.size > 0.8 * usual]
        loose = want.bold is None  # emphasis is the writer's
        seen = Counter((x.font, x.size, loose or x.bold, loose or x.italic) for x in letters)
        for (name, size, bold, italic), _ in seen.most_common():
            lined = self._underlined(spot) if want.underlined is not None else None
            wanted.compare(want, Face(name, size, bold, italic, lined), self.profile["font"], spot.where, self.tell)

    def _underlined(self, spot: Spot) -> bool:
        ruled = sum(
            rule.right - rule.left for rule in self._rules_below(spot.letters, 4)
        )  # in pieces around descenders
        return ruled > 0.6 * (spot.letters[-1].right - spot.letters[0].left)

    def _rules_below(self, line: Sequence[Letter], most: float) -> Iterator[Rule]:
        left, right = line[0].left, max(letter.right for letter in line)
        for rule in self.sheets[line[0].page].rules:
            if 0 <= rule.y - line[0].base <= most and rule.left < right and rule.right > left:
                yield rule

    def _go_on(self, spot: Spot | None) -> None:
        if spot:
            self.cursor = spot.end

    # ------------------------------------------------------------ blocks

    def _block(self, block: Block, part: Part) -> None:
        before, self.last = self.last, None
        match block:
            case TitleBlock():
                self._title(block)
            case Heading():
                spot = self.part(f"Heading{min(block.level, 4) - 1}", plain(block.children, marks=True))
                self._go_on(spot)
                if spot:
                    self.body[part.landscape] += spot.lines
                self._notes(block.children)
            case Paragraph():
                self._paragraph(block, part, before)
            case ListBlock():
                self._list(block, part)
            case Figure():
                self._go_on(self.part("TenBieuDo", block.caption))
            case Table():
                self._table(block)
            case Closing():
                self._closing(block)

    def _paragraph(self, block: Paragraph, part: Part, before: Spot | None) -> None:
        text = plain(block.children, marks=True)
        if not text.strip():
            return
        spot = self.part("ThanVan", text)
        self._go_on(spot)
        if spot:
            self.body[part.landscape] += spot.lines
            self._spacing(spot, part, before)
            self.last = spot
        self._notes(block.children)

    def _spacing(self, spot: Spot, part: Part, before: Spot | None) -> None:
        lines, name = spot.lines, PARTS["ThanVan"]
        left = self.profile["page"]["landscape_margin_mm" if part.landscape else "margin_mm"]["left"]
        indent = lines[0][0].left / MM - left
        asked = allowed(self.profile, "body.first_line_mm")
        wanted.number(name, "thụt dòng đầu", asked, indent, "mm", spot.where, self.tell)
        least, most = allowed(self.profile, "body.line_pt")
        most = max(most, self.profile["body"]["line_most_pt"])  # where a note would have left its mark
        for line, following in pairwise(lines):
            if line[0].page == following[0].page:
                pitch = following[0].base - line[0].base
                wanted.number(name, "khoảng cách dòng", (least, most), pitch, "pt", spot.where, self.tell)
        if before and before.whole and before.lines[-1][0].page == lines[0][0].page:
            gap = lines[0][0].base - before.lines[-1][0].base - self.profile["body"]["line_pt"]
            asked = allowed(self.profile, "body.paragraph_gap_pt")
            most = max(asked[1], 3 * self.profile["body"]["line_pt"])
            wanted.number(name, "khoảng cách đoạn", (asked[0], most), gap, "pt", spot.where, self.tell)

    def _list(self, block: ListBlock, part: Part) -> None:
        for item in block.items:
            for inner in item:
                if isinstance(inner, Paragraph):
                    spot = self.part("ThanVan", plain(inner.children, marks=True))
                    self._go_on(spot)
                    if spot:
                        self.body[part.landscape] += spot.lines[1:]
                    self._notes(inner.children)
                else:
                    self._block(inner, part)
        self.last = None

    def _table(self, block: Table) -> None:
        self._go_on(self.part("TenBang", block.caption))
        for row in block.rows:
            if spot := self.find(row.label):  # a long one is broken into lines, each a piece of its own
                self._compare(self.parts["OBang"], spot)
                self.cursor = spot.end
        for note in block.notes:
            self._go_on(self.part("GhiChuBang", note))

    def _notes(self, inlines: Iterable[Inline]) -> None:
        for note in _marks_in(inlines):
            if note.number in self.noted:
                continue
            self.noted.add(note.number)
            for block in note.blocks:
                if isinstance(block, Paragraph):
                    self.part("FootnoteText", plain(block.children, marks=True))

    # ------------------------------------------------------------ head, closing, annex

    def _title(self, block: TitleBlock) -> None:
        wanted.texts_of_head(block, self.profile, self.tell)
        head, ends = self.profile["head"], [self.cursor]

        def set_(style: str, text: str) -> Spot | None:
            spot = self.part(style, text) if text else None
            ends.append(spot.end if spot else 0)
            return spot

        if block.heading:
            set_("CoQuanChuQuan", block.bodies[0].superior if block.bodies else "")
            issuers = [set_("CoQuanBanHanh", body.name) for body in block.bodies]
            set_("SoKyHieu", block.number)
            heading, motto = set_("TieuDe", block.heading), set_("TieuNgu", block.motto)
            set_("DiaDanhNgay", block.place_date)
            self._rule(motto or heading, "TieuNgu" if motto else "TieuDe", (1, 1))
            self._rule(issuers[-1] if issuers else None, "CoQuanBanHanh", self._share("head.issuer_rule_share"))
            self._sign(issuers[-1] if issuers else None, "CoQuanBanHanh", head["star"])
        kind = set_("TenLoai", block.kind)
        subject = [set_("TrichYeu", line) for line in block.subject]
        if block.heading:
            self._centred(kind)
            last = subject[-1] if subject else kind
            self._rule(last, "TrichYeu", self._share("title.rule_share"))
            self._sign(last, "TrichYeu", self.profile["title"]["rule"])
        self.cursor = max(ends)

    def _share(self, key: str) -> tuple[float, float]:
        return allowed(self.profile, key)

    def _rule(self, spot: Spot | None, style: str, share: tuple[float, float]) -> None:
        """The rule below a line, as a share of the line's length; none if the share is 0."""
        if spot is None:
            return
        line = spot.lines[-1]
        length = max(max(letter.right for letter in each) - each[0].left for each in spot.lines)
        ratio = max((rule.right - rule.left for rule in self._rules_below(line, 12)), default=0.0) / length
        asked = "không kẻ" if share[1] == 0 else f"dài {wanted.measure(*share, '')} lần dòng chữ"
        if not share[0] - 0.04 <= ratio <= share[1] + 0.04:
            got = f"dài {wanted.measure(ratio, ratio, '')} lần dòng chữ" if ratio else "không có"
            self.tell(Difference(PARTS[style], "đường kẻ dưới", asked, got, spot.where))

    def _sign(self, spot: Spot | None, style: str, sign: str) -> None:
        """The sign right below a line ('*', '-----'), or none."""
        if spot is None:
            return
        signs = "*-"
        found = ""
        for letter in self.stream[spot.end : spot.end + 12]:
            if letter not in signs:
                break
            found += letter
        if found != sign:
            asked, got = (f"“{text}”" if text else "không có" for text in (sign, found))
            self.tell(Difference(PARTS[style], "dấu bên dưới", asked, got, spot.where))

    def _centred(self, spot: Spot | None) -> None:
        if spot is None:
            return
        sheet = self.sheets[spot.letters[0].page]
        margin = self.profile["page"]["landscape_margin_mm" if sheet.width > sheet.height else "margin_mm"]
        middle = (margin["left"] * MM + sheet.width - margin["right"] * MM) / 2
        line = spot.lines[0]
        if abs((line[0].left + max(letter.right for letter in line)) / 2 - middle) > 4:
            self.tell(Difference(PARTS["TenLoai"], "vị trí", "giữa dòng", "lệch", spot.where))

    def _closing(self, block: Closing) -> None:
        start, ends = self.cursor, [self.cursor]
        for person in block.signatories:
            grammar = self.profile["closing"]["signature"][person.grammar]
            at = start if len(block.signatories) == 1 else max(ends)
            for order, line in enumerate(person.titles):
                said = order == 0 and formats.is_authority(self.profile, person.grammar, line)
                style = "ThamQuyen" if said else "ChucVu"
                want = wanted.signature(self.profile, person.grammar, style)
                spot = self.part(style, line, at, want)
                at = spot.end if spot else at
                if spot and order == 0:
                    wanted.signatory(self.profile, person, spot.where, self.tell)
            name = " ".join(filter(None, (person.rank if grammar["with_rank"] else "", person.name)))
            if name:
                spot = self.part("HoTenKy", name, at, wanted.signature(self.profile, person.grammar, "HoTenKy"))
                at = spot.end if spot else at
            ends.append(at)
        ends.append(self._distribution(block, start))
        self.cursor = max(ends)

    def _distribution(self, block: Closing, start: int) -> int:
        if not block.distribution:
            return start
        form = self.profile["closing"]["distribution"]
        label = self.part("NoiNhan", form["label"], start)
        at = label.end if label else start
        names = [(name, group) for group in block.distribution for name in group.to]
        for order, (name, group) in enumerate(names):
            spot = self.part("NoiNhanMuc", name, at)
            if spot is None:
                continue
            at = spot.end
            wanted.archive(self.profile, name, spot.where, self.tell)
            alone = f"({group.purpose.strip('()')})" if group.purpose and len(group.to) == 1 else ""
            end = self.stream[at + len("".join(alone.split())) :][:1]
            asked = form["end"] if order + 1 == len(names) else form["separator"]
            if end != asked and not name.endswith((",", ";", ".")):
                self.tell(Difference(PARTS["NoiNhanMuc"], "dấu cuối dòng", asked, end, spot.where))
        return at

    def _annex_heading(self, block: Block, index: int, count: int) -> None:
        parted = annexes.split(block.children, self.profile) if isinstance(block, Heading) else None
        if parted is None:
            if isinstance(block, Heading):
                self._go_on(self.part("TenPhuLuc", plain(block.children, marks=True)))
            return
        number, title = formats.annex_number(self.profile, index, count), plain(parted[1], marks=True)
        spot = self.part("SoPhuLuc", number)
        self._go_on(spot)
        self._centred(spot)
        if parted[0] != number:
            self.tell(Difference(PARTS["SoPhuLuc"], "số phụ lục", number, parted[0], spot.where if spot else ""))
        named = self.part("TenPhuLuc", title) if title else None
        self._go_on(named)
        if named and self.profile["annex"]["title_capitals"]:
            shown = "".join(letter.text for letter in named.letters)
            if shown != shown.upper():
                self.tell(Difference(PARTS["TenPhuLuc"], "kiểu chữ", "in hoa", "in thường", named.where))

    def _reference(self, block: Block) -> None:
        if isinstance(block, Paragraph):
            self._go_on(self.part("KemTheo", plain(block.children, marks=True)))

    # ------------------------------------------------------------ pages

    def _part_of(self, page: int) -> tuple[Part, int]:
        """The part of a page, and the page's number within it, from 1."""
        index = max((i for i, start in enumerate(self.starts) if start <= page), default=0)
        return self.document.parts[index], page - self.starts[index] + 1

    def _pages(self) -> None:
        size = self.profile["page"]["width_mm"], self.profile["page"]["height_mm"]
        for page, sheet in enumerate(self.sheets):
            part, number = self._part_of(page)
            asked = size[::-1] if part.landscape else size
            found = round(sheet.width / MM), round(sheet.height / MM)
            where = f"trang {page + 1}"
            if any(abs(a - b) > 0.6 for a, b in zip(asked, found, strict=True)):
                what = "hướng giấy" if sorted(asked) == sorted(map(float, found)) else "khổ giấy"
                self.tell(Difference(PAGE, what, wanted.paper(*asked), wanted.paper(*found), where))
            self._page_number(page, number, part)
            if self.document.meta.marks and not self.marks[page]:
                asked_marks = self._marks_text()
                self.tell(Difference(PARTS["TinhTrang"], "có trên trang", f"“{asked_marks}”", "không thấy", where))

    def _page_number(self, page: int, number: int, part: Part) -> None:
        form, letters, name = self.profile["page_number"], self.numbers[page], PARTS["SoTrang"]
        where, sheet = f"trang {page + 1}", self.sheets[page]
        due = number > 1 or form["on_first_page"][part.kind]
        shown = "".join(letter.text for letter in letters)
        if shown != (str(number) if due else ""):
            asked = f"số {number}" if due else "không đánh số"
            self.tell(Difference(name, "số", asked, f"số {shown}" if shown else "không có", where))
        if not letters or not due:
            return
        first = letters[0]
        face = Face(first.font, first.size, first.bold, first.italic)
        wanted.compare(self.parts["SoTrang"], face, self.profile["font"], where, self.tell)
        away = (first.base - _ABOVE * first.size) / MM
        edge = allowed(self.profile, "page_number.from_edge_mm")
        wanted.number(name, "cách mép trên", edge, away, "mm", where, self.tell, off=1)
        margin = self.profile["page"]["landscape_margin_mm" if sheet.width > sheet.height else "margin_mm"]
        middles = sheet.width / 2, (margin["left"] * MM + sheet.width - margin["right"] * MM) / 2
        if all(abs((first.left + letters[-1].right) / 2 - middle) > 4 for middle in middles):
            self.tell(Difference(name, "vị trí", "giữa, phía trên", "lệch", where))

    def _margins(self) -> None:
        for landscape, key in ((False, "margin_mm"), (True, "landscape_margin_mm")):
            pages = [page for page in range(len(self.sheets)) if self._part_of(page)[0].landscape == landscape]
            if not pages:
                continue
            name = f"{PAGE} ({'khổ ngang' if landscape else 'khổ đứng'})"
            where = f"trang {', '.join(str(page + 1) for page in pages[:3])}{', ...' if len(pages) > 3 else ''}"
            asked = {side: allowed(self.profile, f"page.{key}.{side}") for side in ("left", "right", "top", "bottom")}
            for side, value in self._box(pages, self.body[landscape]).items():
                least, most = asked[side]
                slack = self._slack(pages) if side == "bottom" else 0.0
                wanted.number(name, f"lề {_SIDES[side]}", (least, most + slack), value, "mm", where, self.tell, off=1)

    def _slack(self, pages: Sequence[int]) -> float:
        """How far above the bottom margin text may end: pages with footnotes end right there, others may end early."""
        return 0.0 if self.noted and not self.sheets[pages[0]].width > self.sheets[pages[0]].height else 1000.0

    def _box(self, pages: Sequence[int], lines: Sequence[tuple[Letter, ...]]) -> dict[str, float]:
        """The margins as they are drawn, in mm: around lines of text and the rules of tables."""
        sheets = [self.sheets[page] for page in pages]
        letters = [x for x in self.flow if x.page in pages]
        rules = [rule for sheet in sheets for rule in sheet.rules]
        lefts = [line[0].left for line in lines] or [rule.left for rule in rules]
        rights = [max(x.right for x in line) for line in lines] or [rule.right for rule in rules]
        width, height = sheets[0].width, sheets[0].height
        made = {}
        if lefts and rights:
            made = {"left": min(lefts) / MM, "right": (width - max(rights)) / MM}
        if letters:
            made["top"] = min(x.base - _ABOVE * x.size for x in letters) / MM
            made["bottom"] = (height - max(x.base + _BELOW * x.size for x in letters)) / MM
        return made

    def _marks_text(self) -> str:
        return str(self.profile["marks"]["joined_by"]).join(self.document.meta.marks)

    def _marks(self, sheet: Sheet) -> frozenset[Letter]:
        """The letters of the marks in the foot (on the first page: above it)."""
        asked = "".join(self._marks_text().split()).lower()
        stream = "".join(letter.text for letter in sheet.letters).lower()
        at = stream.rfind(asked) if asked else -1
        if at < 0 or sheet.letters[at].base < sheet.height / 2:
            at = stream.find(asked) if asked else -1
        if at < 0:
            return frozenset()
        letters = sheet.letters[at : at + len(asked)]
        want, first = self.parts["TinhTrang"], letters[0]
        face = Face(first.font, first.size, first.bold, first.italic)
        wanted.compare(want, face, self.profile["font"], f"trang {first.page + 1}", self.tell)
        return frozenset(letters)


_SIDES = {"left": "trái", "right": "phải", "top": "trên", "bottom": "dưới"}


def _number_of(sheet: Sheet) -> tuple[Letter, ...]:
    """The page number: digits alone on the topmost line, else on the lowest."""
    lines = [tuple(line) for _, line in groupby(sheet.letters, lambda letter: round(letter.base))]
    if not lines:
        return ()
    for line in (min(lines, key=lambda line: line[0].base), max(lines, key=lambda line: line[0].base)):
        same = [x for x in sheet.letters if round(x.base) == round(line[0].base)]
        if all(letter.text.isdigit() for letter in same) and len(same) <= 3:
            return tuple(same)
    return ()


def _usual(sizes: Iterable[float]) -> float:
    return Counter(sizes).most_common(1)[0][0]


def _marks_in(inlines: Iterable[Inline]) -> Iterator[NoteMark]:
    for inline in inlines:
        match inline:
            case NoteMark():
                yield inline
            case Strong(children) | Emphasis(children) | Link(children=children):
                yield from _marks_in(children)
