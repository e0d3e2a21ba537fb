"""Writes a document as PDF: accessible (PDF/UA-1) and archival (PDF/A-2a) in one file.

Typst sets the pages (`report.typ` walks the document, `profiles/*.yaml` holds every measure), pikepdf then marks the
row headers of tables, which Typst cannot yet. The same document gives the same bytes wherever and whenever.
"""

from __future__ import annotations

import datetime
import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf

from danvan import formats
from danvan.document import Document
from danvan.errors import SettingsError
from danvan.publish import fonts, typesetter
from danvan.publish.tree import Json, PdfError, document_tree

TEMPLATE = Path(__file__).with_name("report.typ")
STANDARDS = ["ua-1", "a-2a"]

# How often the pages may be laid out anew to bring footnotes to their marks (a third of a line each time, 40 ms).
# Of 160 random documents, each far denser in notes than the report, the slowest took 22 rounds.
_ROUNDS = 150

# Typst wants a date for PDF/A. A document without one gets this, and loses it again before it is written.
_NO_DATE = datetime.date(1970, 1, 1)


def render(document: Document) -> bytes:
    """The document as PDF.

    Raises PdfError if the profile is unknown, a character is not in the font, a table is too wide for the page, a
    footnote lands on another page than its mark, or Typst has anything else to say, be it only a warning.
    """
    date = _date(document.meta.date)
    try:
        profile = formats.load(document.meta.profile)
    except SettingsError as error:
        raise PdfError(str(error)) from error
    tree = document_tree(document, date or _NO_DATE, profile)
    try:
        _lay_out(tree, profile)
        data, warnings = typesetter.ours().pdf(STANDARDS)
    except typesetter.RefusedError as error:
        raise PdfError(_sentence(error.message), error.diagnostic) from error
    if warnings:
        raise PdfError("Không xuất được PDF: trình dàn trang có cảnh báo.", "\n".join(warnings))
    return _finish(data, keep_date=date is not None)


def make_ready() -> None:
    """Start the typesetter, which the first page would otherwise wait for; where it cannot be, the page will tell."""
    with suppress(OSError):
        typesetter.ours().start()


# ---------------------------------------------------------------- pages


def _lay_out(tree: Json, profile: Json) -> None:
    """Lay the document out so that its pages keep every footnote with its mark.

    Typst now and then parts the two at a page end (typst #5314, #5603). Then the line of the mark is moved a little
    (see `_loosen`), and the pages are laid out again.
    """
    blocks = list(_numbered(tree))
    for _ in range(_ROUNDS):
        places = _places(tree, profile)
        stray = _first_stray(places)
        if stray is None and not _keep_with_closing(blocks, places):
            return
        if stray is not None and not _loosen(blocks, places, stray, profile["body"]):
            break
    raise PdfError(
        f"Không xuất được PDF: chú thích số {stray[0] if stray else 0} nằm khác trang với số chú thích. "
        "Hãy thêm hoặc bớt vài chữ ở đoạn văn có chú thích đó."
    )


def _places(tree: Json, profile: Json) -> list[Json]:
    """Lay it out: on which pages blocks, marks and notes came to stand. Raises typesetter.RefusedError."""
    inputs = {"document": _dump(tree), "profile": _dump(profile)}
    places: list[Json] = typesetter.ours().places(TEMPLATE, fonts.FONT_DIR, inputs, "<danvan-places>")
    return places


def _numbered(tree: Json) -> Iterator[Json]:
    """The blocks of the parts, numbered from 0."""
    for number, block in enumerate(block for part in tree["parts"] for block in part["blocks"]):
        block["block"] = number
        yield block


def _first_stray(places: list[Json]) -> tuple[int, int] | None:
    """The first note that does not begin on the page of its (first) mark, and the earlier of the two pages."""
    marks: dict[int, int] = {}
    starts: dict[int, int] = {}
    for place in places:
        if place["what"] == "mark":
            marks.setdefault(place["note"], place["page"])
        elif place["what"] == "start":
            starts.setdefault(place["note"], place["page"])
    strays = [(min(page, starts[note]), note) for note, page in marks.items() if starts[note] != page]
    if not strays:
        return None
    page, note = min(strays)
    return note, page


def _keep_with_closing(blocks: list[Json], places: list[Json]) -> bool:
    """Whether the last item of a list had to be bound to the closing, which would begin a page without any text.

    (The last paragraph is always bound to it; a list is parted for that, so only where it is needed.)
    """
    pages = {place["block"]: place["page"] for place in places if place["what"] == "block"}
    for before, closing in pairwise(blocks):
        bound = before.get("keep_last") or before["type"] != "list" or closing["type"] != "closing"
        if not bound and pages.get(before["block"], 0) < pages[closing["block"]]:
            before["keep_last"] = True
            return True
    return False


def _loosen(blocks: list[Json], places: list[Json], stray: tuple[int, int], body: Json) -> bool:
    """Moves the line of a stray note a little down its page, towards the next.

    First the gaps above the blocks that begin on the page grow, up to the block of the mark: by a third of a line in
    all, round after round. Before that shows (two lines in one gap), the block of the mark begins a new page instead.
    If it already does, its lines move apart, as far as the format allows. False if nothing is left to try.
    """
    note, page = stray
    begins: dict[int, int] = {}
    current = 0
    for place in places:
        if place["what"] == "block":
            current = place["block"]
            begins.setdefault(current, place["page"])
        elif place["what"] == "mark" and place["note"] == note:
            break
    on_page = [number for number, at in begins.items() if at == page]
    gaps = [number for number in on_page[1:] if blocks[number - 1]["type"] != "heading"]
    first = current
    while blocks[first - 1]["type"] == "heading":
        first -= 1
    line = body["line_pt"]
    if gaps and all(blocks[number].get("stretch", 0) < 2 * line for number in gaps):
        for number in gaps:
            blocks[number]["stretch"] = blocks[number].get("stretch", 0) + line / 3 / len(gaps)
    elif not blocks[first].get("new_page"):
        blocks[first]["new_page"] = True
        for number in gaps:
            blocks[number]["stretch"] = 0
    else:
        looser = blocks[current].get("looser", 0) + body["looser_pt"]
        blocks[current]["looser"] = looser
        return bool(line + looser <= body["line_most_pt"])
    return True


# ---------------------------------------------------------------- settings


def _date(text: str | None) -> datetime.date | None:
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text[:10])
    except ValueError as error:
        raise PdfError(f"Ngày của văn bản không đúng dạng NĂM-THÁNG-NGÀY: “{text}”.") from error


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# ---------------------------------------------------------------- what Typst says


def _sentence(message: str) -> str:
    """A sentence in Vietnamese for a message of Typst."""
    if "could not be displayed" in message:
        found = re.search(r'`"(.*)"`\s+could', message)
        what = f": {found.group(1)}" if found else ""
        return f"Không xuất được PDF: phông {fonts.FAMILY} không có ký tự này{what}."
    if "danvan: table too wide: " in message:
        caption = message.split("danvan: table too wide: ", 1)[1].strip('"')
        problem = f"bảng “{caption}” quá rộng so với trang, kể cả ở cỡ chữ nhỏ nhất"
        return f"Không xuất được PDF: {problem}. Hãy chia bảng hoặc xoay ngang phụ lục."
    if "heading" in message:
        return "Không xuất được PDF: các đề mục phải liền cấp, bắt đầu từ cấp lớn nhất."
    return "Không xuất được PDF: trình dàn trang báo lỗi."


# ---------------------------------------------------------------- after Typst


def _finish(data: bytes, *, keep_date: bool) -> bytes:
    """Marks the row headers of tables; takes out the times if the document has no date."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        _mark_row_headers(pdf.Root.StructTreeRoot)
        if not keep_date:
            _remove_times(pdf)
        out = io.BytesIO()
        pdf.save(
            out,
            deterministic_id=True,
            fix_metadata_version=False,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    return out.getvalue()


def _mark_row_headers(root: Any) -> None:
    """The first cell of a body row becomes its header: scope "row", and named by the other cells of the row."""
    named: dict[bytes, Any] = {}
    rows = 0
    for element in list(_elements(root)):
        if element.get("/ID") is not None:
            named[bytes(element.ID)] = element
        if element.get("/S") != "/TBody":
            continue
        for row in _kids(element):
            label, *cells = _kids(row)
            rows += 1
            name = f"row {rows}".encode("ascii")
            label.S = pikepdf.Name.TH
            label.ID = pikepdf.String(name)
            _table_attributes(label).Scope = pikepdf.Name.Row
            named[name] = label
            for cell in cells:
                attributes = _table_attributes(cell)
                attributes.Headers = pikepdf.Array([*attributes.get("/Headers", []), pikepdf.String(name)])
    names = [item for name in sorted(named) for item in (pikepdf.String(name), named[name])]
    root.IDTree = pikepdf.Dictionary(Names=pikepdf.Array(names))


def _table_attributes(cell: Any) -> Any:
    """The attributes of a cell that its table owns, made if there are none."""
    found = cell.get("/A")
    attributes = list(found) if isinstance(found, pikepdf.Array) else [] if found is None else [found]
    for owned in attributes:
        if owned.get("/O") == "/Table":
            return owned
    made = pikepdf.Dictionary(O=pikepdf.Name.Table)
    cell.A = pikepdf.Array([made, *attributes])
    return cell.A[0]


def _elements(element: Any) -> Iterator[Any]:
    stack = [element]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(_kids(current)))


def _kids(element: Any) -> list[Any]:
    kids = element.get("/K")
    if kids is None:
        return []
    found = list(kids) if isinstance(kids, pikepdf.Array) else [kids]
    return [kid for kid in found if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]


def _remove_times(pdf: pikepdf.Pdf) -> None:
    for key in ("/CreationDate", "/ModDate"):
        if key in pdf.docinfo:
            del pdf.docinfo[key]
    metadata = pdf.Root.Metadata.read_bytes().decode("utf-8")
    for tag in ("xmp:ModifyDate", "xmp:CreateDate", "xmpMM:History"):
        metadata = re.sub(rf"<{tag}>.*?</{tag}>", "", metadata, flags=re.DOTALL)
    pdf.Root.Metadata.write(metadata.encode("utf-8"))
