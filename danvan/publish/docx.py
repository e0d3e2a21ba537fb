"""Writes a document as a Word file that an office accepts, edits and signs.

The same tree as the PDF's and the same format profile. Pandoc sets prose, lists and footnotes, from its JSON, never
from Markdown; `docx_blocks` what pandoc has no words for, `docx_parts` all parts without text; here they become one
package. Every printed figure is a bookmark with its name. The same document gives the same bytes wherever and whenever.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from danvan import formats
from danvan.document import Document, build_id
from danvan.errors import StageError
from danvan.publish import docx_blocks, docx_parts, pandoc, raster, typesetter
from danvan.publish.docx_parts import words
from danvan.publish.tree import document_tree
from danvan.store import zipped

Json = dict[str, Any]

_API = [1, 23, 1]  # of pandoc's JSON
_NO_DATE = datetime.date(1970, 1, 1)  # the tree wants one; it is not written
_NAMESPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "asvg": "http://schemas.microsoft.com/office/drawing/2016/SVG/main",
}
W = f"{{{_NAMESPACES['w']}}}"
for _prefix, _uri in _NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _uri)


def render(document: Document) -> bytes:
    """The document as a .docx.

    Raises StageError if the profile is unknown, a chart cannot be drawn or has no words for those who cannot see it,
    or a table is too wide for the page.
    """
    profile = formats.load(document.meta.profile)
    # The title of an annex keeps its letters: its style shows capitals, and a figure in it stays as it was printed.
    as_typed = profile | {"annex": profile["annex"] | {"title_capitals": False}}
    tree = document_tree(document, _NO_DATE, as_typed)
    writer = _Writer(profile, marked=bool(tree["meta"]["marks"]))
    blocks = writer.parts(tree["parts"])
    made = pandoc.opened(_converted(blocks, profile))
    return _package(made, writer, tree["meta"], document)


def _converted(blocks: list[Json], profile: Json) -> bytes:
    text = json.dumps({"pandoc-api-version": _API, "meta": {}, "blocks": blocks}, ensure_ascii=False)
    return pandoc.docx(text, _reference(json.dumps(profile, default=str, sort_keys=True)), "--from=json")


@cache
def _reference(profile: str) -> bytes:
    """Pandoc's own reference document with our styles, which it finds by their names."""
    return pandoc.changed(pandoc.reference(), {"word/styles.xml": lambda _: docx_parts.styles(json.loads(profile))})


# ---------------------------------------------------------------- the tree as pandoc's JSON


class _Writer:
    """Walks the tree; remembers what the package needs: headings, drawings, the last section."""

    def __init__(self, profile: Json, *, marked: bool) -> None:
        self.profile, self._marked = profile, marked
        self._anchors: dict[str, str] = {}  # of ids that something points to: bookmarks
        self._marked_twice: set[int] = set()  # footnotes
        self._entries: list[tuple[int, str, str]] = []
        self.drawings: list[str] = []
        self.last_section = ""

    def parts(self, parts: list[Json]) -> list[Json]:
        targets = (link["target"] for link in _found(parts, "link") if link["to"] == "id")
        self._anchors = {id_: f"moc_{number:04}" for number, id_ in enumerate(dict.fromkeys(targets), start=1)}
        self._marked_twice = {note["number"] for note in _found(parts, "note") if note["again"]}
        for number, heading in enumerate(_found(parts, "heading"), start=1):
            heading["bookmark"] = f"_Toc{number:08}"
            if heading["id"] in self._anchors:
                self._anchors[heading["id"]] = heading["bookmark"]
        made, sections = [], []
        for index, part in enumerate(parts):
            made.append([block for node in part["blocks"] for block in self._block(node, part)])
            landscape, anew = part["landscape"], index == 0 or part["kind"] == "annex"
            sections.append(self._section(part["kind"], landscape=landscape, anew=anew))
        # It lists the annexes too, so it stands before the first of them: on a page of its own behind the signatures,
        # which can be taken out whole.
        annex = next((index for index, part in enumerate(parts) if part["kind"] == "annex"), 0)
        if annex and self._entries:
            made.insert(annex, [_raw(docx_blocks.contents(self._entries))])
            sections.insert(annex, self._section("main", anew=False))
        self.last_section = sections.pop()
        ends = [[_raw(f"<w:p><w:pPr>{section}</w:pPr></w:p>")] for section in sections]
        return [block for blocks, end in zip(made, [*ends, []], strict=True) for block in (*blocks, *end)]

    def _section(self, kind: str, *, landscape: bool = False, anew: bool) -> str:
        return docx_parts.section(self.profile, kind=kind, landscape=landscape, anew=anew, marked=self._marked)

    def _block(self, node: Json, part: Json) -> list[Json]:
        match node["type"]:
            case "paragraph":
                paragraph = _node("Para", self._inlines(node["children"]))
                return [_styled("Kèm theo", paragraph) if node["role"] == "annex-reference" else paragraph]
            case "heading":
                return self._heading(node, annex=part["kind"] == "annex")
            case "list":
                items = [[block for inner in item for block in self._block(inner, part)] for item in node["items"]]
                if not node["ordered"]:
                    return [_node("BulletList", items)]
                return [_node("OrderedList", [[1, {"t": "Decimal"}, {"t": "Period"}], items])]
            case "table":
                anchor = self._anchors.get(node["id"], "")
                return [_raw(docx_blocks.table(node, self.profile, landscape=part["landscape"], anchor=anchor))]
            case "figure":
                self.drawings.append(node["svg"])
                about = {"landscape": part["landscape"], "anchor": self._anchors.get(node["id"], "")}
                return [_raw(docx_blocks.figure(node, self.profile, number=len(self.drawings), **about))]
            case "title":
                return [_raw(docx_blocks.title(node, self.profile))]
            case _:
                return [_raw(docx_blocks.closing(node, self.profile))]

    def _heading(self, node: Json, *, annex: bool) -> list[Json]:
        bookmark, children = node["bookmark"], node["children"]
        if not (annex and node["level"] == 2):
            self._entries += [(node["level"] - 1, _plain(children), bookmark)] * (node["level"] <= 3)
            return [_node("Header", [node["level"] - 1, _named(""), [_span(bookmark, self._inlines(children))]])]
        number, title = children[:1], children[2:]
        if children[1:2] != [{"type": "break"}]:
            number, title = ([], children) if len(children) > 1 else (children, [])
        text = ". ".join(filter(None, (_plain(number), _plain(title))))
        self._entries.append((1, text, bookmark))
        first, *rest = [("Số phụ lục", number)] * bool(number) + [("Tên phụ lục", title)] * bool(title)
        said = _span(bookmark, [_raw(docx_blocks.entry(text), "RawInline"), *self._inlines(first[1])])
        return [
            _styled(first[0], _node("Para", [said])),
            *(_styled(style, _node("Para", self._inlines(nodes))) for style, nodes in rest),
        ]

    def _inlines(self, nodes: Iterable[Json]) -> list[Json]:
        return [self._inline(node) for node in nodes]

    def _inline(self, node: Json) -> Json:
        match node["type"]:
            case "text":
                text = _node("Str", docx_parts.legal(node["text"]))
                return _span(node["name"], [text]) if node.get("name") else text
            case "strong":
                return _node("Strong", self._inlines(node["children"]))
            case "emphasis":
                return _node("Emph", self._inlines(node["children"]))
            case "break":
                return {"t": "LineBreak"}
            case "link":
                target = node["target"] if node["to"] == "web" else "#" + _lettered(self._anchors[node["target"]])
                return _node("Link", [_named(""), self._inlines(node["children"]), [target, ""]])
            case _:
                return self._note(node)

    def _note(self, node: Json) -> Json:
        """A footnote; where its mark stands again, a field that follows the number of the first."""
        bookmark = f"_Ref{node['number']:08}"
        if not node["again"]:
            made = _node("Note", [block for inner in node["blocks"] for block in self._block(inner, {"kind": "note"})])
            return _span(bookmark, [made]) if node["number"] in self._marked_twice else made
        raised = '<w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr>'
        field = (
            f'<w:r>{raised}<w:fldChar w:fldCharType="begin"/></w:r><w:r>{raised}<w:instrText xml:space="preserve"> '
            f'NOTEREF {bookmark} \\f \\h </w:instrText></w:r><w:r>{raised}<w:fldChar w:fldCharType="separate"/></w:r>'
            f'<w:r>{raised}<w:t>{node["number"]}</w:t></w:r><w:r>{raised}<w:fldChar w:fldCharType="end"/></w:r>'
        )
        return _raw(field, "RawInline")


def _node(kind: str, content: Any) -> Json:
    return {"t": kind, "c": content}


def _named(name: str, **attributes: str) -> list[Any]:
    return [name, [], [[key.replace("_", "-"), value] for key, value in attributes.items()]]


def _span(name: str, inlines: list[Json]) -> Json:
    return _node("Span", [_named(_lettered(name)), inlines])


_HIDDEN = "x-"


def _lettered(name: str) -> str:
    """Pandoc takes no bookmark that begins with "_", which hides it in Word: that is put back afterwards."""
    return _HIDDEN + name[1:] if name.startswith("_") else name


def _as_named(name: str) -> str:
    return "_" + name.removeprefix(_HIDDEN) if name.startswith(_HIDDEN) else name


def _styled(style: str, block: Json) -> Json:
    return _node("Div", [_named("", custom_style=style), [block]])


def _raw(xml: str, kind: str = "RawBlock") -> Json:
    return _node(kind, ["openxml", xml])


def _plain(nodes: Iterable[Json]) -> str:
    """The words of inlines, without notes."""
    return "".join(_plain_text(node) for node in nodes).strip()


def _plain_text(node: Json) -> str:
    match node["type"]:
        case "text":
            return str(node["text"])
        case "break":
            return " "
        case "note":
            return ""
        case _:
            return "".join(map(_plain_text, node["children"]))


def _found(node: Any, kind: str) -> Iterable[Json]:
    """All nodes of a kind in the tree."""
    if isinstance(node, dict):
        if node.get("type") == kind:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _found(inner, kind)


# ---------------------------------------------------------------- what pandoc made, put right


def _package(made: dict[str, bytes], writer: _Writer, meta: Json, document: Document) -> bytes:
    """The parts of the file, in an order of their own."""
    profile = writer.profile
    body, notes = (ElementTree.fromstring(made[f"word/{name}.xml"]) for name in ("document", "footnotes"))
    lists = _ListNumbers(ElementTree.fromstring(made["word/numbering.xml"]))
    _finish_body(body, writer.last_section, profile)
    for part in (body, notes):
        _finish_paragraphs(part, lists, in_notes=part is notes)
    _number_bookmarks(body, notes)
    _number_notes(body, notes)
    links = {name: _links(made[f"word/_rels/{name}.xml.rels"]) for name in ("document", "footnotes")}
    around = docx_parts.around_pages(profile, meta["marks"])
    parts = {
        "document": ("document.main", ElementTree.tostring(body, encoding="unicode")),
        "styles": ("styles", docx_parts.styles(profile)),
        "settings": ("settings", docx_parts.settings()),
        "fontTable": ("fontTable", docx_parts.font_table()),
        "numbering": ("numbering", docx_parts.numbering(profile, lists.kinds)),
        "footnotes": ("footnotes", ElementTree.tostring(notes, encoding="unicode")),
    }
    targets = {f"rId{index}": (name, f"{name}.xml") for index, name in enumerate(list(parts)[1:], start=1)}
    for number, (id_, (kind, xml)) in enumerate(around.items(), start=1):
        parts[f"{kind}{number}"] = (kind, xml)
        targets[id_] = (kind, f"{kind}{number}.xml")
    media: dict[str, bytes] = {}
    for number, svg in enumerate(writer.drawings, start=1):
        for id_, end, content in (("", "png", _picture(svg, number)), ("s", "svg", svg.encode())):
            file = f"media/bieu-do-{number:02}.{end}"
            media[f"word/{file}"], targets[f"rIdHinh{number}{id_}"] = content, ("image", file)
    targets["rIdChuDe"] = ("theme", "theme/theme1.xml")
    members = {
        "[Content_Types].xml": _content_types(parts, media),
        "_rels/.rels": _relationships(_OUTSIDE),
        **{f"word/{name}.xml": _declared(xml) for name, (_, xml) in parts.items()},
        "word/theme/theme1.xml": docx_parts.theme(made["word/theme/theme1.xml"].decode()),
        "word/_rels/document.xml.rels": _relationships(targets, links["document"]),
        **({"word/_rels/footnotes.xml.rels": _relationships({}, links["footnotes"])} if links["footnotes"] else {}),
        "docProps/core.xml": docx_parts.core(meta, document.meta.date and document.meta.date[:10]),
        "docProps/app.xml": docx_parts.app(),
        "docProps/custom.xml": docx_parts.custom(build_id(document)),
    }
    return zipped({name: text.encode() for name, text in members.items()} | media)


def _picture(svg: str, number: int) -> bytes:
    try:
        return raster.png(svg)
    except typesetter.RefusedError as error:
        problem = f"Không xuất được tệp Word: không vẽ được biểu đồ thứ {number}."
        raise StageError(f"{problem}\n{error.diagnostic}") from error


def _declared(xml: str) -> str:
    return xml if xml.startswith("<?xml") else f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{xml}'


def _finish_body(body: Element, last_section: str, profile: Json) -> None:
    """Sections end in the last paragraph of their part, a closing keeps the text before it, a table its distance."""
    inside = body[0]
    for old in inside.findall(f"{W}sectPr"):
        inside.remove(old)
    before: Element | None = None
    for block in list(inside):
        if _is_section_end(block) and before is not None and before.tag == f"{W}p":
            _properties(before).append(block[0][0])
            inside.remove(block)
            continue
        if _is_section_end(block):
            block[0].insert(0, _made(f"<w:pStyle w:val='{docx_blocks.END}'/>"))
        elif _said(block, "tblPr/tblCaption") in docx_blocks.SIGNED and before is not None and before.tag == f"{W}p":
            _put_first(_properties(before), "<w:keepNext/>")
        elif (
            before is not None and _said(before, "tblPr/tblStyle") == docx_blocks.DATA and _style(block) != "GhiChuBang"
        ):
            _stand_clear(block, profile["tables"]["around_pt"])
        before = block
    if before is not None and before.tag != f"{W}p":
        inside.append(_made(docx_blocks.paragraph(docx_blocks.END, "")))
    inside.append(_made(last_section))


def _is_section_end(block: Element) -> bool:
    return block.tag == f"{W}p" and len(block) == 1 and len(block[0]) == 1 and block[0][0].tag == f"{W}sectPr"


def _said(element: Element, path: str) -> str:
    """The value of what stands at `path`, "" if nothing does."""
    found = element.find("/".join(f"{W}{step}" for step in path.split("/")))
    return "" if found is None else found.get(f"{W}val", "")


def _style(paragraph: Element) -> str:
    return _said(paragraph, "pPr/pStyle")


def _properties(paragraph: Element) -> Element:
    found = paragraph.find(f"{W}pPr")
    if found is None:
        found = Element(f"{W}pPr")
        paragraph.insert(0, found)
    return found


def _put_first(properties: Element, xml: str) -> None:
    """Behind the style, where the schema has the first of the others."""
    properties.insert(int(properties.find(f"{W}pStyle") is not None), _made(xml))


_BEFORE_SPACING = (f"{W}pStyle", f"{W}keepNext", f"{W}numPr")  # in the schema's order, of what pandoc and we write


def _stand_clear(block: Element, gap: float) -> None:
    """Room above what follows a table, for a table has none below it."""
    if block.tag == f"{W}p" and block.find(f"{W}pPr/{W}spacing") is None:
        properties = _properties(block)
        before = [index for index, item in enumerate(properties, start=1) if item.tag in _BEFORE_SPACING]
        properties.insert(max(before, default=0), _made(f'<w:spacing w:before="{docx_parts.twips(gap)}"/>'))


def _made(xml: str) -> Element:
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    return ElementTree.fromstring(f"<x {declared}>{xml}</x>")[0]


_NO_MARKS = "1000"  # the list of pandoc's that has none


class _ListNumbers:
    """The lists, numbered anew from 1; of each whether it is ordered and how deep it lies."""

    def __init__(self, numbering: Element) -> None:
        kinds = {
            kind.get(f"{W}abstractNumId"): _said(kind, "lvl/numFmt") for kind in numbering.findall(f"{W}abstractNum")
        }
        self._ordered = {
            number.get(f"{W}numId"): kinds[_said(number, "abstractNumId")] != "bullet"
            for number in numbering.findall(f"{W}num")
        }
        self._new: dict[str, int] = {}
        self.kinds: list[tuple[bool, int]] = []

    def renumber(self, properties: Element) -> bool:
        """False for a further paragraph of an item, which pandoc gives a list of its own without marks."""
        old = _said(properties, "numId")
        if old == _NO_MARKS:
            return False
        if old not in self._new:
            self.kinds.append((self._ordered[old], int(_said(properties, "ilvl"))))
            self._new[old] = len(self.kinds)
        for number in properties.findall(f"{W}numId"):
            number.set(f"{W}val", str(self._new[old]))
        return True


def _finish_paragraphs(part: Element, lists: _ListNumbers, *, in_notes: bool) -> None:
    """Our styles for those that pandoc chose."""
    for paragraph in part.iter(f"{W}p"):
        properties, style = _properties(paragraph), _style(paragraph)
        listed = properties.find(f"{W}numPr")
        if listed is not None and not lists.renumber(listed):
            properties.remove(listed)
            listed = None
        if style in ("", "BodyText", "FirstParagraph", "Compact") and not (in_notes and not style and listed is None):
            for old in properties.findall(f"{W}pStyle"):
                properties.remove(old)
            own = "FootnoteText" if in_notes else "ThanVan" if listed is None else "DanhSach"
            properties.insert(0, _made(f"<w:pStyle w:val='{own}'/>"))


def _number_bookmarks(*parts: Element) -> None:
    """Ids from 1 over the whole file; the names that pandoc would not take."""
    numbers, new = count(1), dict[str, str]()
    for index, part in enumerate(parts):
        for mark in part.iter():
            if mark.tag in (f"{W}bookmarkStart", f"{W}bookmarkEnd"):
                old = f"{index} {mark.get(f'{W}id')}"
                if mark.tag == f"{W}bookmarkStart":
                    new[old] = str(next(numbers))
                    mark.set(f"{W}name", _as_named(mark.get(f"{W}name", "")))
                mark.set(f"{W}id", new[old])
            elif mark.tag == f"{W}hyperlink" and (anchor := mark.get(f"{W}anchor")):
                mark.set(f"{W}anchor", _as_named(anchor))


def _number_notes(body: Element, notes: Element) -> None:
    """Footnotes have ids from 1, as they are counted. (The lines that part them from the text have -1 and 0.)"""
    new = {mark.get(f"{W}id"): str(index) for index, mark in enumerate(body.iter(f"{W}footnoteReference"), start=1)}
    for mark in (*body.iter(f"{W}footnoteReference"), *notes.findall(f"{W}footnote")):
        mark.set(f"{W}id", new.get(mark.get(f"{W}id"), mark.get(f"{W}id", "")))


# ---------------------------------------------------------------- the package

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
_OUTSIDE = {
    "rId1": ("officeDocument", "word/document.xml"),
    "rId2": (f"{_PACKAGE}relationships/metadata/core-properties", "docProps/core.xml"),
    "rId3": ("extended-properties", "docProps/app.xml"),
    "rId4": ("custom-properties", "docProps/custom.xml"),
}


def _links(relationships: bytes) -> dict[str, str]:
    """The addresses that a part's text links to, by id. (tree lets http, https and mailto through, nothing else.)"""
    return {
        item.get("Id", ""): item.get("Target", "")
        for item in ElementTree.fromstring(relationships)
        if item.get("TargetMode") == "External"
    }


def _relationships(targets: dict[str, tuple[str, str]], links: dict[str, str] | None = None) -> str:
    made = [
        f'<Relationship Id="{id_}" Type="{kind if kind.startswith("http") else _OFFICE + kind}" Target="{target}"/>'
        for id_, (kind, target) in targets.items()
    ]
    made += [
        f'<Relationship Id="{id_}" Type="{_OFFICE}hyperlink" Target="{words(target)}" TargetMode="External"/>'
        for id_, target in (links or {}).items()
    ]
    return _declared(f'<Relationships xmlns="{_PACKAGE}relationships">{"".join(made)}</Relationships>')


def _content_types(parts: dict[str, tuple[str, str]], media: dict[str, bytes]) -> str:
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml."
    office = "application/vnd.openxmlformats-officedocument."
    kinds = {"rels": "application/vnd.openxmlformats-package.relationships+xml", "xml": "application/xml"}
    kinds |= {"png": "image/png", "svg": "image/svg+xml"} if media else {}
    names = {f"/word/{name}.xml": f"{word}{kind}+xml" for name, (kind, _) in parts.items()}
    names |= {
        "/word/theme/theme1.xml": f"{office}theme+xml",
        "/docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
        "/docProps/app.xml": f"{office}extended-properties+xml",
        "/docProps/custom.xml": f"{office}custom-properties+xml",
    }
    made = [f'<Default Extension="{end}" ContentType="{kind}"/>' for end, kind in kinds.items()]
    made += [f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in names.items()]
    return _declared(f'<Types xmlns="{_PACKAGE}content-types">{"".join(made)}</Types>')
