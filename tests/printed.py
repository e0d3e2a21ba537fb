"""Reads a finished report back, from its HTML and from the text layer of its PDF: what stands in which place."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pypdfium2
from bs4 import BeautifulSoup, Tag
from pypdfium2 import raw

PUBLISHED = Path(__file__).parent / "published"
Tables = dict[str, dict[str, dict[str, str]]]  # caption -> row -> column -> text

_MARK = "\ue000"  # of a footnote, while the text around it is put together
_RUNNING = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class Report:
    """`body`: sentences and headings of the main part; `notes`: the footnotes by number; `whole`: every word of it."""

    body: str
    notes: dict[int, str]
    annexes: str
    whole: str

    def at(self, place: str) -> str:
        """The text of a place of sentences.csv: 'body' or the number of a footnote."""
        return self.body if place == "body" else self.notes.get(int(place), "")


@dataclass(frozen=True)
class Sentence:
    """A row of sentences.csv: words around one figure, where they stand, and the figure published for 2023."""

    id: str
    place: str
    printed: str
    sentence: str

    @property
    def placeholder(self) -> str:
        return _RUNNING.findall(self.sentence)[0][1:-1]

    def standing(self, report: Report) -> list[str]:
        """What stands in the figure's place, once for each time that the words are there."""
        before, after = (re.escape(words) for words in _RUNNING.split(self.sentence))
        return re.findall(f"{before}((?:(?!{before}).)+?){after}", report.at(self.place))


def sentences() -> list[Sentence]:
    with (PUBLISHED / "sentences.csv").open(encoding="utf-8", newline="") as file:
        return [Sentence(**row) for row in csv.DictReader(file)]


def flat(text: str) -> str:
    """NFC, with single plain spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


# ---------------------------------------------------------------- HTML


def of_html(path: Path) -> Report:
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    for tag in page.select("style, script, .guide, [popover], footer section"):  # the page's own: see test_cards
        tag.decompose()
    names = ("content", "alt", "title", "aria-label")
    attributes = [str(tag[name]) for tag in page(True) for name in names if tag.get(name)]
    for tag in page.select("span, em, strong, button"):
        tag.unwrap()
    page.smooth()  # what they parted is one text again
    whole = flat(" ".join([page.get_text(" "), *attributes]))
    for tag in page.select('[role="doc-noteref"], [role="doc-backlink"], [hidden], [popover]'):
        tag.decompose()
    endnotes = page.select_one('[role="doc-endnotes"]')
    assert endnotes, "the page has no notes"
    notes = {int(str(item["value"])): _words(item) for item in endnotes.select("li[value]")}
    endnotes.decompose()
    annexes = " ".join(_words(part) for part in page.select("main section.annex"))
    for tag in page.select("main section.annex, main figure, main table"):
        tag.decompose()
    return Report(" ".join(_words(part) for part in page.select("header, main")), notes, annexes, whole)


def _words(part: Tag) -> str:
    """The text of a part: of each block without blanks between its inline elements, one blank between blocks."""
    blocks = part.find_all(("p", "li", "h1", "h2", "h3", "h4", "td", "th", "caption", "figcaption"))
    lowest = [block for block in blocks if not block.find(("p", "li"))]
    return flat(" ".join(block.get_text() for block in lowest))


def tables(path: Path) -> Tables:
    """The tables of the HTML page; not those in which a chart says what it shows."""
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    for tag in page.select('[aria-hidden="true"], figure'):
        tag.decompose()
    found: Tables = {}
    for table in page.select("table"):
        caption, head = table.find("caption"), table.find("thead")
        assert caption, "a table without a caption"
        assert head, f"no head: {caption}"
        columns = [flat(cell.get_text()) for cell in head.find_all("th")][1:]
        rows = found[flat(caption.get_text())] = {}
        for row in table.select("tbody tr"):
            cells = [flat(cell.get_text()) for cell in row.find_all(("th", "td"))]
            rows[cells[0]] = dict(zip(columns, cells[1:], strict=True))
    return found


# ---------------------------------------------------------------- PDF


@dataclass(frozen=True)
class _Letter:
    letter: str
    size: float  # 0: set by the reader itself, for the end of a line or a gap


def of_pdf(path: Path) -> Report:
    """Places are told apart by the size of the letters: running text, footnotes (smaller), marks (much smaller)."""
    with pypdfium2.PdfDocument(path) as document:
        pages = [_without_number(_letters(page)) for page in document]
    first = next((i for i, page in enumerate(pages) if _text(page).startswith("Phụ lục")), len(pages))
    main = [letter for page in pages[:first] for letter in (*page, _Letter("\n", 0))]
    (size, _), *_ = Counter(letter.size for letter in main if letter.size).most_common()
    small = Counter(letter.size for letter in main if 0.7 * size < letter.size < 0.83 * size).most_common(1)
    running = (x for x in main if x.size >= size or not x.size or _is_mark(x, size))
    body = _text(_Letter(_MARK, size) if _is_mark(x, size) else x for x in running)
    notes = _notes(main, size, small[0][0]) if small else {}
    texts = _without_foot([flat(_text(page)) for page in pages])
    return Report(_unmarked(body), notes, " ".join(texts[first:]), " ".join(texts))


def _letters(page: pypdfium2.PdfPage) -> list[_Letter]:
    text = page.get_textpage()
    try:
        return [
            _Letter(
                chr(raw.FPDFText_GetUnicode(text, i)),
                0 if raw.FPDFText_IsGenerated(text, i) else round(raw.FPDFText_GetFontSize(text, i), 1),
            )
            for i in range(raw.FPDFText_CountChars(text))
        ]
    finally:
        text.close()
        page.close()


def _text(letters: Iterator[_Letter] | list[_Letter]) -> str:
    return "".join(letter.letter for letter in letters)


def _is_mark(letter: _Letter, size: float) -> bool:
    """A raised number in running text; those before the notes themselves are smaller still."""
    return letter.letter.isdigit() and 0.55 * size < letter.size < 0.64 * size


def _unmarked(text: str) -> str:
    """Without the marks, and without the line ends that a reader's program sees about them."""
    return flat(re.sub(rf"\s*{_MARK}+\s*(?=[.,;:)])|{_MARK}+", "", text))


def _notes(main: list[_Letter], size: float, small: float) -> dict[int, str]:
    """The footnotes; what one page has no room for goes on in the notes of the next."""
    kept = (x for x in main if x.size == small or not x.size or (x.letter.isdigit() and 0 < x.size < 0.55 * size))
    text = _text(_Letter(_MARK + x.letter, x.size) if 0 < x.size < small else x for x in kept)
    pieces = re.split(rf"((?:{_MARK}\d)+)", text)
    numbers = [int(number.replace(_MARK, "")) for number in pieces[1::2]]
    return dict(zip(numbers, map(flat, pieces[2::2]), strict=True))


def _without_number(page: list[_Letter]) -> list[_Letter]:
    """A page without the number on its top."""
    number = re.match(r"\d+\s+", _text(page))
    return page[number.end() if number else 0 :]


def _without_foot(pages: list[str]) -> list[str]:
    """Pages without the words that all but the first end with; on the first they are text of the document."""
    first, *others = [page.split() for page in pages]
    same = takewhile(lambda words: len(set(words)) == 1, zip(*(reversed(words) for words in others), strict=False))
    foot = len(list(same)) if len(others) > 1 else 0
    return [" ".join(words) for words in (first, *(words[: len(words) - foot] for words in others))]
