"""A Word file that comes back: what stands in it now, what was changed with tracking, what was remarked.

It comes from outside: it is examined before it is opened (size, zip, XML), nothing in it is executed, no link followed.
Names of those who wrote in it are personal data and end here: they become numbers, in the order in which they appear.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from danvan.document import BUILD_PROPERTY
from danvan.errors import SettingsError
from danvan.intake import container

_BUILD = re.compile("[0-9a-f]{16}")  # see document.build_id
# Names of bookmarks, see document.named. LibreOffice saves those of footnotes as copies of themselves.
_FIGURE = re.compile(r"((?:so|chu)_\d{4,})(?:_Copy_\d+)*")

State = Literal["", "added", "removed"]
ChangeKind = Literal["added", "removed", "moved here", "moved away"]


@dataclass(frozen=True)
class Piece:
    """Text of one kind: `figure` is the bookmark that it stands in, `note` the id of a footnote marked here.

    `picture`: no text but a picture, `text` is its description. A line break is the text '\\n'.
    """

    text: str
    figure: str = ""
    bold: bool = False
    italic: bool = False
    note: str = ""
    picture: bool = False


@dataclass(frozen=True)
class Change:
    """A tracked change: its text, '¶' for the mark of a paragraph alone; `by` numbers those who changed something."""

    kind: ChangeKind
    text: str
    by: int


@dataclass(frozen=True)
class Comment:
    """A comment on `words`; `answers` is the id of the comment it replies to."""

    id: str
    text: str
    by: int
    words: str = ""
    answers: str = ""
    done: bool = False


@dataclass
class Paragraph:
    """A paragraph as it stands once all tracked changes are accepted; these stand in `changes`."""

    style: str = ""
    pieces: list[Piece] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return tidy("".join(piece.text for piece in self.pieces if not piece.picture))


@dataclass
class Row:
    """A row of a table: for each cell the column of the grid where it begins, and its paragraphs."""

    cells: list[tuple[int, list[Paragraph]]]
    head: bool = False


@dataclass
class Grid:
    """A table. `changes`: rows that were removed with tracking, which are not among `rows`."""

    rows: list[Row]
    changes: list[Change] = field(default_factory=list)


Block = Paragraph | Grid


@dataclass
class Reading:
    """A Word file, all tracked changes accepted. `build`: the build that it says it comes from, or ''.

    `notes` by id, in the order of their marks; `boxes`: how many text boxes there are, whose text is not read.
    """

    build: str
    blocks: list[Block]
    notes: dict[str, list[Paragraph]]
    comments: dict[str, Comment]
    boxes: int = 0

    def paragraphs(self) -> Iterator[Paragraph]:
        """All paragraphs: body and tables in order, then the footnotes."""
        for block in self.blocks:
            if isinstance(block, Paragraph):
                yield block
            else:
                yield from (one for row in block.rows for _, cell in row.cells for one in cell)
        for note in self.notes.values():
            yield from note

    def figures(self) -> dict[str, list[str]]:
        """The text of each bookmark of a figure, once for each paragraph in which it stands."""
        found: dict[str, list[str]] = {}
        for paragraph in self.paragraphs():
            texts: dict[str, str] = {}
            for piece in paragraph.pieces:
                if piece.figure:
                    texts[piece.figure] = texts.get(piece.figure, "") + piece.text
            for name, text in texts.items():
                found.setdefault(name, []).append(tidy(text))
        return found


# Control characters, which could steer a terminal, those that turn the direction of writing, and those nobody sees.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def clean(text: str) -> str:
    """Text in NFC without characters that cannot be seen."""
    return _UNSEEN.sub("", unicodedata.normalize("NFC", text))


def tidy(text: str) -> str:
    """Clean text, each run of blanks one space, none at the ends."""
    return re.sub(r"\s+", " ", clean(text)).strip()


# ---------------------------------------------------------------- the file

MAX_UNPACKED = 100_000_000  # pictures among it
MAX_ELEMENTS, MAX_DEPTH, MAX_TEXT = 2_000_000, 200, 5_000_000
# The report of 129 units has 8,000 paragraphs, cells among them, of up to 2,000 characters. To compare is quadratic.
MAX_PARAGRAPHS, MAX_PARAGRAPH = 50_000, 20_000
_WORDS = {  # rule of container -> what an analyst does about it
    "not-a-file": "Chép chính tệp Word vào máy rồi chạy lại.",
    "not-readable": "Đóng tệp trong Word, kiểm tra tên tệp và quyền đọc rồi chạy lại.",
    "still-being-written": "Đợi chép hoặc lưu xong, đóng tệp trong Word rồi chạy lại.",
    "empty-file": "Xin lại tệp từ người gửi.",
    "too-large": "Bỏ bớt ảnh chèn thêm trong tệp, lưu lại rồi chạy lại.",
    "password-protected": "Bỏ mật khẩu trong Word (File, Info, Protect Document), lưu rồi chạy lại.",
    "zip-bomb": "Tệp không giống văn bản Word nào; xin lại tệp từ người gửi.",
    "unsafe-file": "Word không bao giờ ghi như vậy nên tệp không được mở; xin lại tệp từ người gửi.",
    "damaged-file": "Mở tệp bằng Word, lưu lại dạng .docx rồi chạy lại; Word cũng không mở được thì xin lại tệp.",
}
_AS_DOCX = "Mở tệp bằng Word, lưu lại dạng Word Document (.docx) rồi chạy lại."


class NotWordError(SettingsError):
    """The file cannot be read as a Word document: which, why, what to do."""


def read(path: Path) -> Reading:
    """The Word file at `path`. Raises NotWordError and, whatever the file is, nothing else."""
    try:
        return _read(container.read(path))
    except container.UnreadableError as error:
        raise NotWordError(f"{path.name}: {error.found}. {_WORDS.get(error.rule, _AS_DOCX)}") from None
    except _Unsound as error:
        raise NotWordError(f"{path.name}: {error}") from None


def build_of(path: Path) -> str:
    """The build that the Word file at `path` says it comes from, or ''. Raises NotWordError."""
    try:
        data = _parts(container.read(path)).get("docProps/custom.xml")
        return _stated_build(_parsed(data, "docProps/custom.xml", _Budget())) if data else ""
    except (container.UnreadableError, _Unsound) as error:
        raise NotWordError(f"{path.name}: {error}") from None


def _stated_build(properties: Element) -> str:
    stated = [one for one in properties if one.get("name") == BUILD_PROPERTY]
    text = tidy("".join(stated[0].itertext())) if stated else ""
    return text if _BUILD.fullmatch(text) else ""


class _Unsound(Exception):
    pass


def _read(data: bytes) -> Reading:
    if not data:
        raise _Unsound(f"tệp rỗng (0 byte). {_WORDS['empty-file']}")
    if not data.startswith(container.ZIP):
        container.check_foreign(data)
        raise _Unsound(f"nội dung không phải văn bản Word. {_AS_DOCX}")
    parts = _parts(data)
    people, budget = _People(), _Budget()

    def part(name: str) -> Element | None:
        return _parsed(parts[name], name, budget) if name in parts else None

    properties = part("docProps/custom.xml")
    build = _stated_build(properties) if properties is not None else ""
    body, notes = part("word/document.xml"), part("word/footnotes.xml")
    comments = _comments(part("word/comments.xml"), part("word/commentsExtended.xml"), people)
    if body is None or (inside := body.find("w-body")) is None:
        raise _Unsound(f"tệp không có nội dung văn bản. {_WORDS['damaged-file']}")
    story = _Story(people)
    blocks = story.part(inside)
    by_id = {}
    for note in notes if notes is not None else ():
        if note.get("w-type", "normal") == "normal":
            by_id[note.get("w-id", "")] = list(_flat(story.part(note)))
    marked = [p.note for b in _flat(blocks) for p in b.pieces if p.note]
    words = {id_: tidy("".join(texts)) for id_, texts in story.commented.items()}
    return Reading(
        build,
        blocks,
        {id_: by_id[id_] for id_ in dict.fromkeys(marked) if id_ in by_id},
        {id_: replace(one, words=words.get(id_, "")) for id_, one in comments.items()},
        story.boxes,
    )


_PARTS = (
    *("docProps/custom.xml", "word/document.xml", "word/footnotes.xml", "word/comments.xml"),
    "word/commentsExtended.xml",
)


def _parts(data: bytes) -> dict[str, bytes]:
    """What is read of the zip, inflated. Raises UnreadableError, _Unsound."""
    container.check_count(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            container.check_members(members, MAX_UNPACKED)
            names = {member.filename for member in members}
            found = {name: archive.read(name) for name in _PARTS if name in names}
    except container.UnreadableError:
        raise
    except Exception:  # zipfile raises whatever the broken byte happens to trip over
        raise _Unsound(f"tệp bị cắt cụt hoặc hỏng. {_WORDS['damaged-file']}") from None
    if "word/document.xml" not in found:
        odt = b"mimetypeapplication/vnd.oasis.opendocument.text" in data[:200]
        what = "văn bản OpenDocument (.odt)" if odt else "tệp nén, không phải văn bản Word"
        raise _Unsound(f"nội dung là {what}. {_AS_DOCX}")
    return found


def _flat(blocks: Iterable[Block]) -> Iterator[Paragraph]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block
        else:
            yield from (one for row in block.rows for _, cell in row.cells for one in cell)


# ---------------------------------------------------------------- XML

_W = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",  # "strict"
)
_PREFIXES = {
    **dict.fromkeys(_W, "w-"),
    "http://schemas.microsoft.com/office/word/2010/wordml": "w14-",
    "http://schemas.microsoft.com/office/word/2012/wordml": "w15-",
    "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing": "wp-",
    "http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing": "wp-",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc-",
    "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties": "",
    "http://purl.oclc.org/ooxml/officeDocument/customProperties": "",
    "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes": "",
    "http://purl.oclc.org/ooxml/officeDocument/docPropsVTypes": "",
}
# Below these nothing is read: looks, former looks, and the second telling of what a newer Word says already.
_LEFT_OUT = {
    *("w-sectPr", "w-tblPr", "w-tblGrid", "w-tblPrEx", "w-rPrChange", "w-pPrChange", "w-trPrChange", "w-tcPrChange"),
    *("w-tblPrChange", "w-sectPrChange", "w-numberingChange", "w-pict", "w-object", "mc-Fallback"),
}


class _Budget:
    """What all parts of a file together may have."""

    def __init__(self) -> None:
        self.elements = self.text = 0


def _parsed(data: bytes, name: str, budget: _Budget) -> Element:
    """The tree of a part, of the elements that are read here; the others are left out or passed through."""
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    depth, skipped, kept = 0, 0, [True]

    def named(tag: str) -> str:
        uri, _, local = tag.rpartition("}")
        prefix = _PREFIXES.get(uri)
        return "" if prefix is None else prefix + local

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, skipped
        depth += 1
        budget.elements += 1
        if depth > MAX_DEPTH or budget.elements > MAX_ELEMENTS:
            raise _Unsound(f"phần {name} có quá nhiều phần tử XML. {_WORDS['zip-bomb']}")
        known = named(tag)
        if skipped or known in _LEFT_OUT:
            skipped += 1
            return
        known = "" if known.startswith("mc-") else known  # around what a newer Word says
        if known or depth == 1:
            attributes = {named(key) or key: value for key, value in attributes.items()}
            builder.start(known or "root", attributes)
        kept.append(bool(known) or depth == 1)

    def end(tag: str) -> None:
        nonlocal depth, skipped
        depth -= 1
        if skipped:
            skipped -= 1
        elif kept.pop():
            builder.end(named(tag) or "root")

    def text(data: str) -> None:
        budget.text += len(data)
        if budget.text > MAX_TEXT:
            raise _Unsound(f"tệp có quá nhiều chữ. {_WORDS['zip-bomb']}")
        if not skipped:
            builder.data(data)

    def doctype(*_: object) -> None:
        raise _Unsound(f"phần {name} có khai báo DOCTYPE. {_WORDS['unsafe-file']}")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError):
        raise _Unsound(f"phần {name} không phải XML đúng. {_WORDS['damaged-file']}") from None
    return builder.close()


# ---------------------------------------------------------------- what stands in it


class _People:
    """Who wrote: a number for each name, nothing else is kept."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, element: Element) -> int:
        return self._numbers.setdefault(element.get("w-author", ""), len(self._numbers) + 1)


def _comments(root: Element | None, extended: Element | None, people: _People) -> dict[str, Comment]:
    """The comments by id. Word tells who replies to whom by the ids of the last paragraphs."""
    threads: dict[str, tuple[str, bool]] = {}
    for one in extended if extended is not None else ():
        done = one.get("w15-done", "0") in ("1", "true")
        threads[one.get("w15-paraId", "")] = (one.get("w15-paraIdParent", ""), done)
    found: dict[str, Comment] = {}
    by_paragraph: dict[str, str] = {}
    parents: dict[str, str] = {}
    for element in root if root is not None else ():
        id_ = element.get("w-id", "")
        paragraphs = list(element.iter("w-p"))
        text = tidy(" ".join("".join(t.text or "" for t in p.iter("w-t")) for p in paragraphs))
        last = paragraphs[-1].get("w14-paraId", "") if paragraphs else ""
        by_paragraph |= {last: id_} if last else {}
        parents[id_], done = threads.get(last, ("", False))
        found[id_] = Comment(id_, text, people.number(element), done=done)
    return {id_: replace(one, answers=by_paragraph.get(parents[id_], "")) for id_, one in found.items()}


_CHANGES: dict[str, tuple[State, ChangeKind]] = {
    "w-ins": ("added", "added"),
    "w-del": ("removed", "removed"),
    "w-moveTo": ("added", "moved here"),
    "w-moveFrom": ("removed", "moved away"),
}
_OFF = ("0", "false", "off")


class _Story:
    """Walks the parts of a file in reading order; bookmarks and comments may begin and end anywhere."""

    def __init__(self, people: _People) -> None:
        self.people = people
        self.commented: dict[str, list[str]] = {}  # by id of the comment
        self.boxes = 0
        self._paragraphs = 0
        self._ending: set[str] = set()  # ids of the bookmarks that end somewhere: the others are none
        self._bookmarks: dict[str, str] = {}  # open ones, id -> name
        self._commenting: set[str] = set()
        self._fields: list[str] = []  # open ones, from the outside in: what they are, as far as told
        self._telling = False  # between the beginning of a field and its result
        self._met_contents = False  # whether the present paragraph belongs to a table of contents
        self._going_on: tuple[int, ChangeKind, int] | None = None  # the tracked change that the last piece belongs to

    def part(self, root: Element) -> list[Block]:
        """The blocks of the body or of a footnote, with all tracked changes accepted."""
        self._ending = {element.get("w-id", "") for element in root.iter("w-bookmarkEnd")}
        self._bookmarks.clear()
        return self.blocks(root)

    def blocks(self, parent: Element) -> list[Block]:
        """The blocks below."""
        made: list[Block] = []
        going_on: Paragraph | None = None  # its mark was removed: the next paragraph goes on with it
        for element in self._outer(parent):
            if element.tag == "w-tbl":
                made.append(self.grid(element))
                going_on = None
            elif element.tag == "w-p":
                paragraph, is_contents = self.paragraph(element)
                if going_on is not None:
                    going_on.pieces += paragraph.pieces
                    going_on.changes += paragraph.changes
                    going_on.comments += paragraph.comments
                    if not going_on.text:
                        going_on.style = paragraph.style
                    paragraph = going_on
                elif not is_contents:
                    made.append(paragraph)
                going_on = paragraph if self._mark(element) == "removed" else None
        return made

    def _outer(self, parent: Element) -> Iterator[Element]:
        """Paragraphs and tables, also those inside of content controls; what begins or ends between them is noted."""
        for element in parent:
            if element.tag in ("w-p", "w-tbl", "w-tr", "w-tc"):
                yield element
            elif element.tag == "w-sdt":
                gallery = element.find(".//w-docPartGallery")
                if gallery is None or "contents" not in gallery.get("w-val", "").lower():
                    yield from self._outer(element)
            elif element.tag in ("w-sdtContent", "w-customXml", *_CHANGES):
                yield from self._outer(element)
            else:
                self._range(element)

    def grid(self, element: Element) -> Grid:
        """A table without the rows that were removed."""
        made = Grid([])
        for row in self._outer(element):
            if row.tag != "w-tr":
                continue
            properties = row.find("w-trPr")
            is_removed = properties is not None and properties.find("w-del") is not None
            head = properties.find("w-tblHeader") if properties is not None else None
            cells, column = [], 0
            for cell in self._outer(row):
                if cell.tag == "w-tc":
                    span = cell.find("w-tcPr/w-gridSpan")
                    cells.append((column, list(_flat(self.blocks(cell)))))
                    width = span.get("w-val", "1") if span is not None else "1"
                    column += int(width) if width.isdecimal() and len(width) < 4 else 1
            if is_removed:
                inside = [change for _, cell in cells for one in cell for change in one.changes if change.text != "¶"]
                text = tidy(" ".join(change.text for change in inside))
                made.changes.append(Change("removed", text, inside[0].by if inside else self.people.number(row)))
            else:
                made.rows.append(Row(cells, head is not None and head.get("w-val", "1") not in _OFF))
        return made

    def paragraph(self, element: Element) -> tuple[Paragraph, bool]:
        """The paragraph, and whether it belongs to a table of contents, which nobody writes by hand."""
        style = element.find("w-pPr/w-pStyle")
        made = Paragraph(style.get("w-val", "") if style is not None else "")
        self._met_contents = self._in_contents()
        self._inner(element, made, ())
        for mark in element.iterfind("w-pPr/w-rPr/*"):
            if mark.tag in _CHANGES:
                made.changes.append(Change(_CHANGES[mark.tag][1], "¶", self.people.number(mark)))
        self._paragraphs += 1
        if self._paragraphs > MAX_PARAGRAPHS or sum(len(piece.text) for piece in made.pieces) > MAX_PARAGRAPH:
            raise _Unsound(f"tệp có quá nhiều đoạn, hoặc có đoạn quá dài. {_WORDS['zip-bomb']}")
        return made, self._met_contents and not made.text

    @staticmethod
    def _mark(element: Element) -> State:
        marks = [_CHANGES[mark.tag][0] for mark in element.iterfind("w-pPr/w-rPr/*") if mark.tag in _CHANGES]
        return "removed" if "removed" in marks else "added" if marks else ""

    def _inner(self, parent: Element, made: Paragraph, inside: tuple[Element, ...]) -> None:
        for element in parent:
            if element.tag == "w-r":
                self._run(element, made, inside)
            elif element.tag in _CHANGES:
                self._inner(element, made, (*inside, element))
            elif element.tag in ("w-bookmarkStart", "w-bookmarkEnd", "w-commentRangeStart", "w-commentRangeEnd"):
                self._range(element)
                if element.tag == "w-commentRangeStart":
                    made.comments.append(element.get("w-id", ""))
            elif element.tag not in ("w-pPr", "w-sdtPr"):
                self._inner(element, made, inside)

    def _range(self, element: Element) -> None:
        id_ = element.get("w-id", "")
        match element.tag:
            case "w-bookmarkStart" if id_ in self._ending:
                self._bookmarks[id_] = element.get("w-name", "")
            case "w-bookmarkEnd":
                self._bookmarks.pop(id_, None)
            case "w-commentRangeStart":
                self._commenting.add(id_)
                self.commented[id_] = []
            case "w-commentRangeEnd":
                self._commenting.discard(id_)

    def _in_contents(self) -> bool:
        return any(told.split()[:1] == ["TOC"] for told in self._fields)

    def _run(self, run: Element, made: Paragraph, inside: tuple[Element, ...]) -> None:
        looks = run.find("w-rPr")
        figures = map(_FIGURE.fullmatch, reversed(self._bookmarks.values()))
        figure = next((found[1] for found in figures if found), "")
        plain = Piece("", figure, self._is(looks, "w-b"), self._is(looks, "w-i"))
        for element in run:
            piece = None
            match element.tag:
                case "w-t" | "w-delText":
                    piece = replace(plain, text=element.text or "")
                case "w-tab" | "w-ptab":
                    piece = replace(plain, text=" ")
                case "w-br" | "w-cr" if element.get("w-type", "textWrapping") == "textWrapping":
                    piece = replace(plain, text="\n")
                case "w-noBreakHyphen":
                    piece = replace(plain, text="-")
                case "w-footnoteReference":
                    piece = replace(plain, figure="", note=element.get("w-id", ""))
                case "w-commentReference":
                    made.comments.append(element.get("w-id", ""))
                case "w-drawing":
                    self.boxes += len(element.findall(".//w-txbxContent"))
                    about = element.find(".//wp-docPr")
                    text = about.get("descr", "") if about is not None else ""
                    piece = Piece(tidy(text), picture=True)
                case "w-fldChar":
                    self._field(element.get("w-fldCharType", ""))
                case "w-instrText" if self._fields and self._telling:
                    self._fields[-1] += element.text or ""
            self._met_contents |= self._in_contents()
            if piece is not None and not (self._telling or self._in_contents()):
                self._take(piece, made, inside)

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append("")
            self._telling = True
        elif kind == "separate":
            self._telling = False
        elif kind == "end" and self._fields:
            self._fields.pop()
            self._telling = False

    def _take(self, piece: Piece, made: Paragraph, inside: tuple[Element, ...]) -> None:
        """Add a piece to its paragraph, unless it was removed."""
        piece = replace(piece, text=clean(piece.text))
        states = [_CHANGES[element.tag][0] for element in inside]
        if inside:
            kind, by = _CHANGES[inside[-1].tag][1], self.people.number(inside[-1])
            text = "[hình]" if piece.picture else "[chú thích]" if piece.note else piece.text
            if self._going_on == (id(made), kind, by):
                made.changes[-1] = replace(made.changes[-1], text=made.changes[-1].text + text)
            else:
                made.changes.append(Change(kind, text, by))
            self._going_on = id(made), kind, by
        else:
            self._going_on = None
        for id_ in self._commenting:
            self.commented[id_].append(piece.text)
        if "removed" not in states:
            made.pieces.append(piece)

    @staticmethod
    def _is(looks: Element | None, tag: str) -> bool:
        found = looks.find(tag) if looks is not None else None
        return found is not None and found.get("w-val", "1") not in _OFF
