"""Word files edited at the level of their XML, as Word or a careless hand would, for tests of what comes back."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from html import escape

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NAMESPACES = (
    f'xmlns:w="{W}" xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
    'xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"'
)


def changed(data: bytes, changes: Mapping[str, Callable[[str], str]]) -> bytes:
    """The same zip with some members changed, added, or removed (by '')."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        names = source.namelist()
        for name in dict.fromkeys([*names, *changes]):
            content = source.read(name) if name in names else b""
            if name in changes and not (content := changes[name](content.decode()).encode()):
                continue
            target.writestr(name, content)
    return out.getvalue()


def body(data: bytes, *edits: tuple[str, str], part: str = "document") -> bytes:
    """The file with pieces of XML replaced, each of which must stand there once."""

    def edited(xml: str) -> str:
        for old, new in edits:
            assert xml.count(old) == 1, (xml.count(old), old)
            xml = xml.replace(old, new)
        return xml

    return changed(data, {f"word/{part}.xml": edited})


def xml_of(data: bytes, part: str = "document") -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(f"word/{part}.xml").decode()


def figure(data: bytes, name: str, part: str = "document") -> str:
    """The XML of a figure's bookmark, from its beginning to its end."""
    xml = xml_of(data, part)
    start = re.search(rf'<w:bookmarkStart [^>]*w:name="{name}"[^>]*/>', xml)
    assert start, name
    id_ = re.search(r'w:id="([^"]*)"', start[0])
    end = re.compile(rf'<w:bookmarkEnd w:id="{id_[1]}"\s*/>').search(xml, start.end()) if id_ else None
    assert end, name
    return xml[start.start() : end.end()]


def paragraph(data: bytes, words: str, part: str = "document") -> str:
    """The XML of the one paragraph in which these words stand, in whatever runs."""
    xml = xml_of(data, part)
    found = [p for p in re.findall(r"<w:p(?: [^>]*)?>.*?</w:p>", xml, re.DOTALL) if words in text_of(p)]
    assert len(found) == 1, (len(found), words)
    return str(found[0])


def text_of(xml: str) -> str:
    texts = re.findall(r"<w:(?:t|delText)(?: [^>]*)?>([^<]*)</w:(?:t|delText)>", xml)
    return "".join(texts).replace("&amp;", "&").replace("&quot;", '"')


def run(text: str, *, deleted: bool = False, looks: str = "") -> str:
    tag = "delText" if deleted else "t"
    looks = f"<w:rPr>{looks}</w:rPr>" if looks else ""
    return f'<w:r>{looks}<w:{tag} xml:space="preserve">{escape(text, quote=False)}</w:{tag}></w:r>'


def tracked(kind: str, inside: str, author: str = "Nguyễn Văn A") -> str:
    return f'<w:{kind} w:id="9001" w:author="{author}" w:date="2024-01-05T08:00:00Z">{inside}</w:{kind}>'


def minimal(inside: str, **parts: str) -> bytes:
    """The smallest Word file with this in its body; `parts`: the insides of footnotes, comments and the like."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f"<w:document {NAMESPACES}><w:body>{inside}</w:body></w:document>")
        for name, content in parts.items():
            tag = "w15:commentsEx" if name == "commentsExtended" else f"w:{name}"
            archive.writestr(f"word/{name}.xml", f"<{tag} {NAMESPACES}>{content}</{tag}>")
    return out.getvalue()
