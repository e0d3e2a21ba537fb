"""Reads a Word file back as Word would show it: paragraphs with what is in effect on each run, and sections.

Whoever edited the file, styles are told by their names first (LibreOffice gives them other ids), then by their ids.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from danvan.errors import SettingsError
from danvan.publish.wanted import PARTS, Face

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MOST = 200_000_000  # bytes that a file may unpack to
_TWIPS = 20  # to a point
_SINGLE = 1.15  # of Times New Roman: a single line to its size
# What stands beside the text of its paragraph, or stands no longer.
_ASIDE = {f"{W}del", f"{W}moveFrom", f"{W}drawing", f"{W}pict", f"{W}object", f"{W}instrText"}
_WORDS_OWN = {
    "heading 1": "Heading1",
    "heading 2": "Heading2",
    "heading 3": "Heading3",
    "footnote text": "FootnoteText",
}
_BY_NAME = {name.casefold(): id_ for id_, name in PARTS.items()} | _WORDS_OWN


@dataclass(frozen=True)
class Run:
    text: str
    face: Face
    raised: bool


@dataclass(frozen=True)
class Para:
    """`style`: an id of `wanted.PARTS`, else the style's name; lengths in points; `single`: line is a multiple."""

    style: str
    runs: tuple[Run, ...]
    align: str
    first_line: float
    line: float
    before: float
    after: float
    listed: bool
    section: int
    has_page: bool

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True)
class Section:
    """A run of pages alike; lengths in points. `headers`, `footers`: by 'default' and 'first'."""

    width: float
    height: float
    margins: dict[str, float]
    header: float
    title_page: bool
    starts_at: int | None
    headers: dict[str, tuple[Para, ...]]
    footers: dict[str, tuple[Para, ...]]


@dataclass(frozen=True)
class WordFile:
    paragraphs: tuple[Para, ...]
    notes: tuple[Para, ...]
    sections: tuple[Section, ...]


@dataclass
class _Style:
    name: str
    base: str
    para: ET.Element | None
    run: ET.Element | None


@dataclass
class _Parts:
    """What paragraphs anywhere in the file depend on."""

    styles: dict[str, _Style]
    default: str
    run_defaults: ET.Element | None
    para_defaults: ET.Element | None
    themes: dict[str, str] = field(default_factory=dict)


def read(data: bytes) -> WordFile:
    """A Word file. Raises SettingsError if the bytes are none, or hold what Word never writes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(item.file_size for item in packed.infolist()) > _MOST:
                raise SettingsError("tệp mở ra quá lớn so với một văn bản nên không được đọc.")
            members = {name: packed.read(name) for name in packed.namelist() if name.startswith("word/")}
            trees = {name: _tree(text) for name, text in members.items() if name.endswith((".xml", ".rels"))}
    except (zipfile.BadZipFile, ET.ParseError, RuntimeError, NotImplementedError, OSError):
        raise SettingsError("không phải tệp Word (.docx), hoặc tệp đã hỏng.") from None
    body = trees.get("word/document.xml", ET.Element("none")).find(f"{W}body")
    if body is None:
        raise SettingsError("không phải tệp Word (.docx), hoặc tệp đã hỏng.")
    parts = _parts(trees)
    paragraphs, ends, section = [], [], 0
    for element in _paragraphs(body):
        paragraphs.append(_para(element, parts, section))
        properties = element.find(f"{W}pPr/{W}sectPr")
        if properties is not None:
            ends.append(properties)
            section += 1
    last = body.find(f"{W}sectPr")
    if last is not None:
        ends.append(last)
    notes = trees.get("word/footnotes.xml")
    return WordFile(
        tuple(paragraphs),
        tuple(_para(p, parts, 0) for p in _paragraphs(notes)) if notes is not None else (),
        tuple(_sections(ends, trees, parts)),
    )


def _tree(text: bytes) -> ET.Element:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise SettingsError("tệp có phần khai báo mà Word không bao giờ ghi (DOCTYPE) nên không được mở.")
    return ET.fromstring(text)


def _parts(trees: dict[str, ET.Element]) -> _Parts:
    root = trees.get("word/styles.xml", ET.Element("none"))
    styles, default = {}, ""
    for style in root.findall(f"{W}style"):
        id_ = style.get(f"{W}styleId", "")
        styles[id_] = _Style(
            _value(style, "name"), _value(style, "basedOn"), style.find(f"{W}pPr"), style.find(f"{W}rPr")
        )
        if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true"):
            default = id_
    themes = {}
    for name, tree in trees.items():
        if name.startswith("word/theme/"):
            for kind in ("major", "minor"):
                latin = tree.find(f".//{A}{kind}Font/{A}latin")
                themes[kind] = "" if latin is None else latin.get("typeface", "")
    defaults = f"{W}docDefaults"
    return _Parts(
        styles,
        default,
        root.find(f"{defaults}/{W}rPrDefault/{W}rPr"),
        root.find(f"{defaults}/{W}pPrDefault/{W}pPr"),
        themes,
    )


def _paragraphs(parent: ET.Element) -> Iterator[ET.Element]:
    """All paragraphs in order, those of tables too; not those in drawings, nor the file's note separators."""
    for child in parent:
        if child.tag == f"{W}p":
            yield child
        elif child.tag not in _ASIDE and child.get(f"{W}type") not in ("separator", "continuationSeparator"):
            yield from _paragraphs(child)


def _para(element: ET.Element, parts: _Parts, section: int) -> Para:
    own = element.find(f"{W}pPr")
    style = _value(own, "pStyle") or parts.default
    chain = list(_chain(style, parts))
    layers = [parts.para_defaults, *(one.para for one in chain), own]
    runs = tuple(_runs(element, [parts.run_defaults, *(one.run for one in chain)], parts))
    size = max((run.face.size for run in runs), default=14.0)
    spacing = _last(layers, "spacing")
    return Para(
        _part_id(style, parts),
        runs,
        _last(layers, "jc").get("val", "left"),
        (_number(_last(layers, "ind"), "firstLine") - _number(_last(layers, "ind"), "hanging")) / _TWIPS,
        _line(spacing, size),
        _number(spacing, "before") / _TWIPS,
        _number(spacing, "after") / _TWIPS,
        bool(_last(layers, "numPr", attributes=False)),
        section,
        _has_page(element),
    )


def _part_id(style: str, parts: _Parts) -> str:
    name = parts.styles[style].name if style in parts.styles else style
    return _BY_NAME.get(name.casefold()) or (style if style in PARTS else name)


def _chain(style: str, parts: _Parts) -> Iterator[_Style]:
    """A style and those it is based on, the furthest first."""
    found: list[_Style] = []
    while style in parts.styles and parts.styles[style] not in found:
        found.append(parts.styles[style])
        style = parts.styles[style].base
    return reversed(found)


def _runs(parent: ET.Element, layers: list[ET.Element | None], parts: _Parts) -> Iterator[Run]:
    for child in parent:
        if child.tag == f"{W}r":
            text = "".join(_texts(child))
            if text:
                own = child.find(f"{W}rPr")
                styles = [style.run for style in _chain(_value(own, "rStyle"), parts)]
                yield _run(text, [*layers, *styles, own], parts)
        elif child.tag not in _ASIDE and child.tag != f"{W}pPr":
            yield from _runs(child, layers, parts)


def _texts(run: ET.Element) -> Iterator[str]:
    for child in run:
        if child.tag == f"{W}t":
            yield child.text or ""
        elif child.tag == f"{W}noBreakHyphen":
            yield "-"
        elif child.tag in (f"{W}tab", f"{W}br"):
            yield " "


def _run(text: str, layers: list[ET.Element | None], parts: _Parts) -> Run:
    fonts = _last(layers, "rFonts")
    theme = fonts.get("asciiTheme") or fonts.get("hAnsiTheme") or ""
    font = fonts.get("ascii") or fonts.get("hAnsi") or parts.themes.get(theme[:5], "")
    size = _number(_last(layers, "sz"), "val", 20) / 2
    face = Face(font, size, _on(layers, "b"), _on(layers, "i"), _last(layers, "u").get("val", "none") != "none")
    shown = text.upper() if _on(layers, "caps") else text
    return Run(shown, face, _last(layers, "vertAlign").get("val", "") == "superscript")


def _last(layers: Iterable[ET.Element | None], name: str, attributes: bool = True) -> dict[str, str]:
    """The attributes of a property, each from the last layer that has it; `attributes=False`: whether it is there."""
    made: dict[str, str] = {}
    for layer in layers:
        found = None if layer is None else layer.find(f"{W}{name}")
        if found is None:
            continue
        if not attributes:
            made["there"] = "1"
            continue
        own = {key.removeprefix(W): value for key, value in found.attrib.items()}
        if name == "rFonts" and "ascii" in own:
            made.pop("asciiTheme", None)
            made.pop("hAnsiTheme", None)
        if name == "spacing" and "line" in own:
            made.pop("lineRule", None)
        if name == "ind" and ("firstLine" in own or "hanging" in own):
            made.pop("firstLine", None)
            made.pop("hanging", None)
        made |= own
    return made


def _on(layers: Iterable[ET.Element | None], name: str) -> bool:
    on = False
    for layer in layers:
        found = None if layer is None else layer.find(f"{W}{name}")
        if found is not None:
            on = found.get(f"{W}val", "1") not in ("0", "false", "off", "none")
    return on


def _line(spacing: dict[str, str], size: float) -> float:
    """The distance of lines in points; a multiple is reckoned for Times New Roman."""
    line = _number(spacing, "line", 240)
    return line / 240 * _SINGLE * size if spacing.get("lineRule", "auto") == "auto" else line / _TWIPS


def _number(found: Any, name: str, default: float = 0) -> float:
    try:
        return float(found.get(name, default))
    except ValueError:
        return default


def _value(parent: ET.Element | None, name: str) -> str:
    found = None if parent is None else parent.find(f"{W}{name}")
    return "" if found is None else found.get(f"{W}val", "")


def _has_page(element: ET.Element) -> bool:
    """Whether it holds the field of the page number."""
    texts = [text.text or "" for text in element.iter(f"{W}instrText")]
    texts += [simple.get(f"{W}instr", "") for simple in element.iter(f"{W}fldSimple")]
    return any(text.split()[:1] == ["PAGE"] for text in texts)


def _sections(ends: list[ET.Element], trees: dict[str, ET.Element], parts: _Parts) -> Iterator[Section]:
    targets = {
        relation.get("Id", ""): "word/" + relation.get("Target", "").removeprefix("/word/")
        for relation in trees.get("word/_rels/document.xml.rels", ET.Element("none"))
    }
    shown: dict[str, dict[str, tuple[Para, ...]]] = {"header": {}, "footer": {}}  # a section without has the last one's
    for end in ends:
        for kind, known in shown.items():
            own = {}
            for reference in end.findall(f"{W}{kind}Reference"):
                tree = trees.get(targets.get(reference.get(f"{R}id", ""), ""))
                paragraphs = () if tree is None else tuple(_para(p, parts, 0) for p in _paragraphs(tree))
                own[reference.get(f"{W}type", "default")] = paragraphs
            shown[kind] = known | own
        size, margins = _attributes(end, "pgSz"), _attributes(end, "pgMar")
        start = _attributes(end, "pgNumType").get("start")
        yield Section(
            _number(size, "w") / _TWIPS,
            _number(size, "h") / _TWIPS,
            {side: _number(margins, side) / _TWIPS for side in ("top", "bottom", "left", "right")},
            _number(margins, "header") / _TWIPS,
            _on([end], "titlePg"),
            int(start) if start and start.isdigit() else None,
            dict(shown["header"]),
            dict(shown["footer"]),
        )


def _attributes(parent: ET.Element, name: str) -> dict[str, str]:
    return _last([parent], name)
