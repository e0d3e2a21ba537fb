"""The parts of a Word report that hold no text of it: styles, numbering, settings, page header and footer, properties.

Every measure is the format profile's. Styles have Vietnamese names, which an office sees and picks from; those that
Word itself knows keep their names, which Word says in the reader's language.
"""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

from danvan.document import BUILD_PROPERTY
from danvan.publish import pandoc

Json = dict[str, Any]

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TIGHT = 0.5  # points: the line of a paragraph that only ends a section
_DEPTHS = 9  # of a list, in Word


def legal(text: str) -> str:
    """Text without what XML cannot hold."""
    return re.sub(r"[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "", text)


def words(text: str) -> str:
    """Text for XML."""
    return escape(legal(text), {'"': "&quot;"})


def twips(points: float) -> int:
    return round(points * 20)


def points(millimetres: float) -> float:
    return millimetres * 72 / 25.4


def spacing(*, before: float = 0, after: float = 0, line: float | None = None, ratio: float | None = None) -> str:
    """Points around a paragraph; its lines exactly `line` points apart, or by `ratio` of a single one."""
    lines = f' w:line="{twips(line)}" w:lineRule="exact"' if line else ""
    lines = f' w:line="{round(240 * ratio)}" w:lineRule="auto"' if ratio else lines
    return f'<w:spacing w:before="{twips(before)}" w:after="{twips(after)}"{lines}/>'


def indents(*, first: float = 0, left: float = 0, right: float = 0, hanging: float = 0) -> str:
    shown = {"left": left, "right": right, "hanging" if hanging else "firstLine": hanging or first}
    return "<w:ind " + " ".join(f'w:{name}="{twips(value)}"' for name, value in shown.items()) + "/>"


def look(style: Json, *, caps: bool = False, underlined: bool = False, raised: bool = False) -> str:
    """What a style of the profile (size_pt, bold, italic, fill) says of letters."""
    half_points = round(style.get("size_pt", 0) * 2)
    parts = (
        ("bold" in style, _toggle("b", style.get("bold")) + _toggle("bCs", style.get("bold"))),
        ("italic" in style, _toggle("i", style.get("italic")) + _toggle("iCs", style.get("italic"))),
        (caps, "<w:caps/>"),
        ("fill" in style, f'<w:color w:val="{style.get("fill", "#")[1:].upper()}"/>'),
        ("size_pt" in style, f'<w:sz w:val="{half_points}"/><w:szCs w:val="{half_points}"/>'),
        (underlined, '<w:u w:val="single"/>'),
        (raised, '<w:vertAlign w:val="superscript"/>'),
    )
    return "".join(xml for wanted, xml in parts if wanted)


def _toggle(name: str, on: Any) -> str:
    return f"<w:{name}/>" if on else f'<w:{name} w:val="0"/>'


# ---------------------------------------------------------------- styles


def styles(profile: Json) -> str:
    """styles.xml: those of the report and no others."""
    known = (
        '<w:latentStyles w:defLockedState="0" w:defUIPriority="99" w:defSemiHidden="1" w:defUnhideWhenUsed="1" '
        'w:defQFormat="0" w:count="376"/>'
        '<w:style w:type="character" w:default="1" w:styleId="DefaultParagraphFont"><w:name '
        'w:val="Default Paragraph Font"/><w:uiPriority w:val="1"/><w:semiHidden/></w:style>'
        '<w:style w:type="numbering" w:default="1" w:styleId="NoList"><w:name w:val="No List"/><w:semiHidden/>'
        "</w:style>"
    )
    made = (known, *_paragraph_styles(profile), *_character_styles(profile), *_table_styles(profile))
    return f"{_DECLARED}<w:styles {_W}>{pandoc.defaults(profile['body']['size_pt'])}{''.join(made)}</w:styles>"


def _style(
    id_: str,
    name: str,
    paragraph: str = "",
    letters: str = "",
    *,
    base: str = "Normal",
    after: str = "",
    also: str = "",
) -> str:
    """A paragraph style; `after`: the style of the next paragraph, `also`: another name for it."""
    head = f'<w:style w:type="paragraph" w:customStyle="1" w:styleId="{id_}"><w:name w:val="{name}"/>'
    if name[0].islower() or id_ in ("TOCHeading",):  # a style that Word knows
        head = head.replace(' w:customStyle="1"', "")
    head += f'<w:aliases w:val="{also}"/>' if also else ""
    head += f'<w:basedOn w:val="{base}"/>' + (f'<w:next w:val="{after}"/>' if after else "")
    letters = f"<w:rPr>{letters}</w:rPr>" if letters else ""
    return f'{head}<w:uiPriority w:val="1"/><w:qFormat/><w:pPr>{paragraph}</w:pPr>{letters}</w:style>'


def _paragraph_styles(p: Json) -> list[str]:
    body, head, title, closing, annex = p["body"], p["head"], p["title"], p["closing"], p["annex"]
    signed, listed, tables, figures, marks = (
        closing["signature"], closing["distribution"], p["tables"], p["figures"], p["marks"],
    )  # fmt: skip
    centre, left, keep = '<w:jc w:val="center"/>', '<w:jc w:val="left"/>', "<w:keepNext/>"
    first = indents(first=points(body["first_line_mm"]))
    of_text = spacing(after=body["paragraph_gap_pt"], line=body["line_pt"]) + first
    of_head = spacing(line=head["line_pt"]) + centre
    signature = f"{keep}{spacing(line=signed['line_pt'])}{centre}"
    space = spacing(before=points(signed["space_mm"]), line=signed["line_pt"])
    notes = p["footnotes"]
    listing = f"{keep}{spacing(line=listed['line_pt'])}"
    above_list = spacing(before=listed["before_pt"], after=2, line=max(listed["line_pt"], listed["label_size_pt"] + 2))
    label = {"size_pt": listed["label_size_pt"]} | {n: listed.get(f"label_{n}", False) for n in ("bold", "italic")}
    reference = spacing(after=annex["gap_pt"], line=annex["line_pt"])
    normal = (
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>'
    )
    headings = [
        _style(
            f"Heading{level - 1}",
            f"heading {level - 1}",
            f'{keep}<w:keepLines/>{of_text}<w:jc w:val="both"/><w:outlineLvl w:val="{level - 2}"/>',
            look(p["headings"][str(level)]),
            after="ThanVan",
            also=f"Đề mục cấp {level - 1}",
        )
        for level in (2, 3, 4)
    ]
    contents = [
        _style(
            f"TOC{level}",
            f"toc {level}",
            f'<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="{twips(text_width(p, landscape=False))}"/></w:tabs>'
            f"{spacing(after=3, line=body['line_pt'])}{indents(left=20 * (level - 1))}{left}",
            also=f"Mục lục cấp {level}",
        )
        for level in (1, 2)
    ]
    return [
        normal,
        _style("TieuDe", "Tiêu đề văn bản", of_head, look(head["party"])),
        _style("TieuNgu", "Tiêu ngữ", of_head, look(head.get("motto", head["party"]))),
        _style("CoQuanChuQuan", "Cơ quan chủ quản", of_head, look(head["superior"])),
        _style("CoQuanBanHanh", "Cơ quan ban hành", of_head, look(head["issuer"])),
        _style("SoKyHieu", "Số và ký hiệu", of_head, look(head["number"])),
        _style("DiaDanhNgay", "Địa danh và ngày tháng", of_head, look(head["place_date"])),
        _style("DuongKe", "Đường kẻ", centre, look({"size_pt": head["star_size_pt"]})),
        _style(
            "TenLoai",
            "Tên loại văn bản",
            f"{keep}{spacing(before=head['gap_pt'], line=title['line_pt'])}{centre}",
            look(title["kind"]),
            after="TrichYeu",
        ),
        _style(
            "TrichYeu",
            "Trích yếu nội dung",
            f"{keep}{spacing(line=title['line_pt'])}{centre}",
            look(title["subject"]),
            after="ThanVan",
        ),
        *headings,
        _style("ThanVan", "Thân văn bản", f'{of_text}<w:jc w:val="both"/>', look(body)),
        _style("DanhSach", "Danh sách", "", base="ThanVan"),
        _style(
            "BieuDo",
            "Biểu đồ",
            f"{keep}{spacing(before=figures['around_pt'], after=figures['gap_pt'])}{centre}",
            after="TenBieuDo",
        ),
        _style(
            "TenBieuDo",
            "Tên biểu đồ",
            f"<w:keepLines/>{spacing(after=figures['around_pt'], line=figures['line_pt'])}{centre}",
            look(figures["caption"]),
            after="ThanVan",
        ),
        _style(
            "TenBang",
            "Tên bảng",
            f"{keep}<w:keepLines/>"
            f"{spacing(before=tables['around_pt'], after=tables['gap_pt'], line=tables['line_pt'])}{centre}",
            look(tables["caption"]),
        ),
        _style(
            "OBang",
            "Ô bảng",
            spacing(ratio=tables["line_ratio"] / 1.15) + left,  # a single line of this font: 1.15 times its size
            look({"size_pt": tables["sizes_pt"]["portrait"][0]}),
        ),
        _style(
            "GhiChuBang",
            "Ghi chú bảng",
            f'<w:keepLines/>{spacing(before=tables["gap_pt"], line=tables["notes"]["line_pt"])}<w:jc w:val="both"/>',
            look(tables["notes"]),
        ),
        _style("ThamQuyen", "Quyền hạn ký", signature, look({"bold": True})),
        _style("ChucVu", "Chức vụ người ký", signature, look({"bold": True})),
        _style("HoTenKy", "Họ tên người ký", f"{keep}{space}{centre}", look({"bold": True})),
        _style(
            "NoiNhan",
            "Nơi nhận (nhãn)",
            f"{keep}{above_list}{left}",
            look(label, underlined=listed["label_underlined"]),
            after="NoiNhanMuc",
        ),
        _style("NoiNhanMuc", "Nơi nhận (danh sách)", listing + left, look({"size_pt": listed["size_pt"]})),
        _style(
            "SoPhuLuc",
            "Số phụ lục",
            f'{keep}<w:keepLines/>{spacing(line=annex["line_pt"])}{centre}<w:outlineLvl w:val="0"/>',
            look(annex["heading"]),
            after="TenPhuLuc",
        ),
        _style(
            "TenPhuLuc",
            "Tên phụ lục",
            f"{keep}<w:keepLines/>{reference}{centre}",
            look(annex["heading"], caps=annex["title_capitals"]),
            after="KemTheo",
        ),
        _style("KemTheo", "Kèm theo", f"{keep}{reference}{centre}", look(annex["reference"]), after="ThanVan"),
        _style(
            "FootnoteText",
            "footnote text",
            f'{spacing(line=notes["line_pt"])}<w:jc w:val="both"/>',
            look({"size_pt": notes["size_pt"]}),
        ),
        _style("SoTrang", "Số trang", centre, look({"size_pt": p["page_number"]["size_pt"]})),
        _style("TinhTrang", "Tình trạng văn bản", spacing(line=marks["line_pt"]) + centre, look(marks)),
        _style(
            "TOCHeading",
            "TOC Heading",
            f"{keep}{spacing(after=annex['gap_pt'], line=annex['line_pt'])}{centre}",
            look(annex["heading"]),
            also="Tên mục lục",
        ),
        *contents,
        _style("KetPhan", "Kết thúc phần", spacing(line=_TIGHT), look({"size_pt": 1})),
    ]


def _character_styles(p: Json) -> list[str]:
    def style(id_: str, name: str, letters: str) -> str:
        head = f'<w:style w:type="character" w:styleId="{id_}"><w:name w:val="{name}"/>'
        return f'{head}<w:basedOn w:val="DefaultParagraphFont"/><w:rPr>{letters}</w:rPr></w:style>'

    return [
        style("FootnoteReference", "footnote reference", look({}, raised=True)),
        style("Hyperlink", "Hyperlink", look(p["links"], underlined=True)),
    ]


def _table_styles(p: Json) -> list[str]:
    line = f'w:val="single" w:sz="{round(p["tables"]["rule_pt"] * 8)}" w:space="0" w:color="000000"'
    borders = "".join(f"<w:{side} {line}/>" for side in ("top", "left", "bottom", "right", "insideH", "insideV"))
    none = "".join(f'<w:{side} w:w="0" w:type="dxa"/>' for side in ("top", "left", "bottom", "right"))
    head = '<w:style w:type="table" w:customStyle="1" w:styleId="'
    return [
        '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:semiHidden/>'
        f'<w:tblPr><w:tblInd w:w="0" w:type="dxa"/><w:tblCellMar>{none}</w:tblCellMar></w:tblPr></w:style>',
        f'{head}KhungChu"><w:name w:val="Khung chữ"/><w:basedOn w:val="TableNormal"/></w:style>',
        f'{head}BangSoLieu"><w:name w:val="Bảng số liệu"/><w:basedOn w:val="TableNormal"/>'
        f"<w:tblPr><w:tblBorders>{borders}</w:tblBorders></w:tblPr>"
        '<w:tblStylePr w:type="firstRow"><w:rPr><w:b/></w:rPr></w:tblStylePr></w:style>',
    ]


# ---------------------------------------------------------------- numbering


def numbering(profile: Json, lists: list[tuple[bool, int]]) -> str:
    """numbering.xml; `lists`: of the lists 1, 2 ... whether it is ordered, and how deep it lies (from 0)."""
    kinds = (("bullets", False), ("numbers", True))
    made = [_kind_of_list(index, profile, profile["lists"][key], ordered) for index, (key, ordered) in enumerate(kinds)]
    for number, (ordered, depth) in enumerate(lists, start=1):
        anew = f'<w:lvlOverride w:ilvl="{depth}"><w:startOverride w:val="1"/></w:lvlOverride>' if ordered else ""
        made.append(f'<w:num w:numId="{number}"><w:abstractNumId w:val="{int(ordered)}"/>{anew}</w:num>')
    return f"{_DECLARED}<w:numbering {_W}>{''.join(made)}</w:numbering>"


_FORMATS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}


def _kind_of_list(index: int, profile: Json, signs: list[str], ordered: bool) -> str:
    """As typed in Vietnamese offices: the mark is indented like a paragraph, further lines return to the margin."""
    levels = []
    indent = indents(first=points(profile["body"]["first_line_mm"]))
    for depth in range(_DEPTHS):
        sign = signs[depth % len(signs)]
        form, shown = "bullet", sign
        if ordered and (found := re.search("[1aAiI]", sign)):
            form, shown = _FORMATS[found[0]], sign.replace(found[0], f"%{depth + 1}")
        levels.append(
            f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:suff w:val="space"/>'
            f'<w:lvlText w:val="{words(shown)}"/><w:lvlJc w:val="left"/><w:pPr>{indent}</w:pPr></w:lvl>'
        )
    head = f'<w:abstractNum w:abstractNumId="{index}"><w:multiLevelType w:val="hybridMultilevel"/>'
    return f"{head}{''.join(levels)}</w:abstractNum>"


# ---------------------------------------------------------------- pages


def text_width(profile: Json, *, landscape: bool) -> float:
    """Points between the margins."""
    page = profile["page"]
    margin = page["landscape_margin_mm" if landscape else "margin_mm"]
    return points(page["height_mm" if landscape else "width_mm"] - margin["left"] - margin["right"])


def text_height(profile: Json, *, landscape: bool) -> float:
    page = profile["page"]
    margin = page["landscape_margin_mm" if landscape else "margin_mm"]
    return points(page["width_mm" if landscape else "height_mm"] - margin["top"] - margin["bottom"])


def section(profile: Json, *, kind: str, landscape: bool = False, anew: bool = True, marked: bool = True) -> str:
    """The pages of a part: size, margins, number; `anew`: numbered from 1."""
    page = profile["page"]
    margin = page["landscape_margin_mm" if landscape else "margin_mm"]
    width, height = twips(points(page["width_mm"])), twips(points(page["height_mm"]))
    size = f'w:w="{height}" w:h="{width}" w:orient="landscape"' if landscape else f'w:w="{width}" w:h="{height}"'
    sides = " ".join(f'w:{side}="{twips(points(margin[side]))}"' for side in ("top", "right", "bottom", "left"))
    edges = [twips(points(profile[what]["from_edge_mm"])) for what in ("page_number", "marks")]
    first_differs = not profile["page_number"]["on_first_page"][kind]
    shown = [("header", "default", "rIdSoTrang")]
    shown += [("header", "first", "rIdTrangDau")] * first_differs
    shown += [("footer", "default", "rIdTinhTrang")] * marked
    shown += [("footer", "first", "rIdTinhTrangDau")] * (marked and first_differs)
    references = "".join(f'<w:{what}Reference w:type="{which}" r:id="{id_}"/>' for what, which, id_ in shown)
    return (
        f'<w:sectPr>{references}<w:type w:val="nextPage"/><w:pgSz {size}/><w:pgMar {sides} w:header="{edges[0]}" '
        f'w:footer="{edges[1]}" w:gutter="0"/>'
        + '<w:pgNumType w:start="1"/>' * anew
        + "<w:titlePg/>" * first_differs
        + "</w:sectPr>"
    )


def around_pages(profile: Json, marks: list[str]) -> dict[str, tuple[str, str]]:
    """By relationship id: the kind of part (header, footer) and its XML. Marks stand in the foot of every page."""
    number = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> PAGE </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>2</w:t></w:r><w:r><w:fldChar '
        'w:fldCharType="end"/></w:r>'
    )
    joined = f'<w:r><w:t xml:space="preserve">{words(profile["marks"]["joined_by"].join(marks))}</w:t></w:r>'

    def part(tag: str, style: str, runs: str = "") -> str:
        paragraph = f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{runs}</w:p>'
        return f"{_DECLARED}<w:{tag} {_W} {_R}>{paragraph}</w:{tag}>"

    made = {"rIdSoTrang": ("header", part("hdr", "SoTrang", number)), "rIdTrangDau": ("header", part("hdr", "SoTrang"))}
    if marks:
        made |= {id_: ("footer", part("ftr", "TinhTrang", joined)) for id_ in ("rIdTinhTrang", "rIdTinhTrangDau")}
    return made


# ---------------------------------------------------------------- settings and properties


def settings() -> str:
    compatible = "".join(
        f'<w:compatSetting w:name="{name}" w:uri="http://schemas.microsoft.com/office/word" w:val="{value}"/>'
        for name, value in (
            ("compatibilityMode", 15),
            ("overrideTableStyleFontSizeAndJustification", 1),
            ("enableOpenTypeFeatures", 1),
            ("doNotFlipMirrorIndents", 1),
            ("differentiateMultirowTableHeaders", 1),
        )
    )
    return (
        f'{_DECLARED}<w:settings {_W}><w:zoom w:percent="100"/><w:defaultTabStop w:val="567"/>'
        '<w:characterSpacingControl w:val="doNotCompress"/><w:footnotePr><w:footnote w:id="-1"/><w:footnote w:id="0"/>'
        f"</w:footnotePr><w:compat>{compatible}</w:compat>"
        '<w:themeFontLang w:val="vi-VN"/><w:clrSchemeMapping w:bg1="light1" w:t1="dark1" w:bg2="light2" w:t2="dark2" '
        'w:accent1="accent1" w:accent2="accent2" w:accent3="accent3" w:accent4="accent4" w:accent5="accent5" '
        'w:accent6="accent6" w:hyperlink="hyperlink" w:followedHyperlink="followedHyperlink"/>'
        '<w:decimalSymbol w:val=","/><w:listSeparator w:val=";"/></w:settings>'
    )


def font_table() -> str:
    return (
        f'{_DECLARED}<w:fonts {_W}><w:font w:name="{pandoc.FONT}"><w:panose1 w:val="02020603050405020304"/>'
        '<w:charset w:val="A3"/><w:family w:val="roman"/><w:pitch w:val="variable"/></w:font></w:fonts>'
    )


def theme(xml: str) -> str:
    """A theme with the one font in place of all its fonts."""
    xml = re.sub(r"<a:font [^>]*/>\s*", "", xml)
    xml = re.sub(r'<a:latin typeface="[^"]*"[^>]*/>', f'<a:latin typeface="{pandoc.FONT}"/>', xml)
    return re.sub(r' name="Office[^"]*"', ' name="danvan"', xml)


def core(meta: Json, date: str | None) -> str:
    """What the document says of itself: its title, the bodies that issue it, its marks, and its own date alone."""
    when = f'<dcterms:created xsi:type="dcterms:W3CDTF">{date}T00:00:00Z</dcterms:created>' if date else ""
    marks = words(" ".join(meta["marks"]))
    return (
        f"{_DECLARED}<cp:coreProperties "
        'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{words(meta['title'])}</dc:title><dc:creator>{words('; '.join(meta['authors']))}</dc:creator>"
        + f"<dc:description>{marks}</dc:description>" * bool(marks)
        + f"<dc:language>vi-VN</dc:language>{when}</cp:coreProperties>"
    )


def app() -> str:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"
    return f'{_DECLARED}<Properties xmlns="{kind}"><Application>danvan</Application></Properties>'


def custom(build: str) -> str:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/"
    return (
        f'{_DECLARED}<Properties xmlns="{kind}custom-properties" xmlns:vt="{kind}docPropsVTypes"><property '
        f'fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="2" name="{BUILD_PROPERTY}">'
        f"<vt:lpwstr>{build}</vt:lpwstr></property></Properties>"
    )
