"""Writes a letter's Markdown as a Word file, through pandoc: Times New Roman, A4, Vietnamese.

A table with a head gets borders, and its head again on each page; one without a head is lines side by side.
"""

from __future__ import annotations

import re
from functools import cache

from danvan.publish import pandoc

# Strict Markdown: no raw HTML, no attributes, no mathematics; the widths of a table's columns follow its dashes.
_READ_AS = "markdown_strict-raw_html+pipe_tables+all_symbols_escapable"
_BORDERS = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)
_TIGHT = '<w:pPr><w:spacing w:before="20" w:after="20" w:line="240" w:lineRule="auto"/><w:jc w:val="left"/></w:pPr>'
# By id: the name that pandoc knows, what it is based on, its properties. The text has 14 pt, tables of points 11 pt.
_STYLES: dict[str, tuple[str, str, str]] = {
    "Normal": (
        "Normal",
        "",
        '<w:pPr><w:spacing w:before="80" w:line="340" w:lineRule="atLeast"/><w:jc w:val="both"/></w:pPr>',
    ),
    "BodyText": ("Body Text", "Normal", '<w:pPr><w:spacing w:before="120"/><w:ind w:firstLine="567"/></w:pPr>'),
    "FirstParagraph": ("First Paragraph", "BodyText", ""),
    "Heading2": (
        "heading 2",
        "Normal",
        '<w:pPr><w:keepNext/><w:spacing w:before="240" w:after="80"/><w:outlineLvl w:val="1"/></w:pPr>'
        "<w:rPr><w:b/></w:rPr>",
    ),
    "Compact": ("Compact", "Normal", f'{_TIGHT}<w:rPr><w:sz w:val="22"/><w:szCs w:val="22"/></w:rPr>'),
    "Line": ("Line", "Normal", _TIGHT),
    "Table": (
        "Table",
        "TableNormal",
        f'<w:tblPr><w:tblBorders>{_BORDERS}</w:tblBorders><w:tblCellMar><w:left w:w="70" w:type="dxa"/>'
        '<w:right w:w="70" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        '<w:tblStylePr w:type="firstRow"><w:rPr><w:b/></w:rPr></w:tblStylePr>',
    ),
    "Lines": (
        "Lines",
        "TableNormal",
        '<w:tblPr><w:tblCellMar><w:left w:w="0" w:type="dxa"/><w:right w:w="0" w:type="dxa"/></w:tblCellMar></w:tblPr>',
    ),
}
# A4 with the margins of an official paper: 20, 15, 20 and 30 mm from the top round to the left; pages from the second
# on are numbered.
_PAGE = (
    '<w:sectPr><w:headerReference w:type="default" r:id="rIdPages"/><w:pgSz w:w="11906" w:h="16838"/>'
    '<w:pgMar w:top="1134" w:right="850" w:bottom="1134" w:left="1701" w:header="567" w:footer="567" w:gutter="0"/>'
    "<w:titlePg/></w:sectPr>"
)
_NUMBER = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<w:hdr xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:p><w:pPr>'
    '<w:spacing w:before="0"/><w:jc w:val="center"/></w:pPr><w:fldSimple w:instr="PAGE"><w:r><w:t>2</w:t></w:r>'
    "</w:fldSimple></w:p></w:hdr>"
)
_NUMBER_IS = (
    '<Relationship Id="rIdPages" Target="header1.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/header"/></Relationships>'
)
_NUMBER_KIND = (
    '<Override PartName="/word/header1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"/></Types>'
)


def docx(text: str) -> bytes:
    """A letter's Markdown as a Word file; the same text gives the same bytes, for no time stands inside."""
    made = pandoc.docx(text, _reference(), f"--from={_READ_AS}", "--metadata=lang:vi-VN")
    return pandoc.changed(made, {"word/document.xml": _with_tables, "docProps/core.xml": _titled})


@cache
def _reference() -> bytes:
    """Pandoc's own reference document with our styles and our page."""
    changes: dict[str, pandoc.Change] = {
        "word/styles.xml": _styled,
        "word/document.xml": lambda xml: re.sub(r"<w:sectPr>.*?</w:sectPr>", _PAGE, xml, flags=re.DOTALL),
        "word/_rels/document.xml.rels": lambda xml: xml.replace("</Relationships>", _NUMBER_IS),
        "[Content_Types].xml": lambda xml: xml.replace("</Types>", _NUMBER_KIND),
        "word/header1.xml": lambda _: _NUMBER,
    }
    return pandoc.changed(pandoc.reference(), changes)


def _styled(styles: str) -> str:
    """styles.xml with our styles in place of those of the same id, and without what those had beside them."""
    styles = re.sub(r"<w:docDefaults>.*?</w:docDefaults>", pandoc.defaults(14), styles, flags=re.DOTALL)
    ids = "|".join(_STYLES)
    styles = re.sub(rf'<w:style\s[^>]*w:styleId="(?:{ids})(?:Char)?"\s*>.*?</w:style>', "", styles, flags=re.DOTALL)
    ours = []
    for id_, (name, based_on, properties) in _STYLES.items():
        kind = 'type="table"' if based_on == "TableNormal" else 'type="paragraph"'
        default = ' w:default="1"' if id_ == "Normal" else ""
        base = f'<w:basedOn w:val="{based_on}"/>' if based_on else ""
        ours.append(
            f'<w:style w:{kind}{default} w:styleId="{id_}"><w:name w:val="{name}"/>{base}{properties}</w:style>'
        )
    return styles.replace("</w:styles>", "".join(ours) + "</w:styles>")


def _titled(properties: str) -> str:
    """core.xml with a title and without times."""
    properties = re.sub(r"<dcterms:(created|modified).*?</dcterms:\1>", "", properties)
    return properties.replace("<dc:title></dc:title>", "<dc:title>Thư về phiếu số liệu</dc:title>")


def _with_tables(document: str) -> str:
    """document.xml with borders for the tables of points alone, whose rows stay whole."""
    return re.sub(r"<w:tbl>.*?</w:tbl>", lambda match: _table_of(match[0]), document, flags=re.DOTALL)


def _table_of(table: str) -> str:
    if "<w:tblHeader" in table:
        return table.replace("<w:tr><w:tc>", "<w:tr><w:trPr><w:cantSplit/></w:trPr><w:tc>")
    return table.replace('<w:tblStyle w:val="Table" />', '<w:tblStyle w:val="Lines" />').replace('"Compact"', '"Line"')
