"""What pandoc has no words for, as WordprocessingML: the head and the closing of an official document, tables of
figures with merged heads, charts as SVG with a PNG beside, the table of contents.

Nodes are those of `tree`, texts are escaped here and nowhere become a field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from danvan.errors import StageError
from danvan.publish import columns
from danvan.publish.docx_parts import indents, look, points, spacing, twips, words
from danvan.publish.docx_parts import text_height as page_height
from danvan.publish.docx_parts import text_width as page_width

Json = dict[str, Any]

DATA = "BangSoLieu"  # the style of tables of figures
END = "KetPhan"  # the style of a line that is hardly there: it only begins or ends a part
SIGNED = ("Chữ ký", "Nơi nhận và chữ ký")  # what the first table of a closing says it is


def paragraph(style: str, text: str, *, direct: str = "", letters: str = "", name: str = "") -> str:
    """A paragraph; `name`: of the bookmark around its text."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{direct}</w:pPr>{run(text, letters=letters, name=name)}</w:p>'


def run(text: str, *, letters: str = "", name: str = "") -> str:
    if not text:
        return ""
    letters = f"<w:rPr>{letters}</w:rPr>" if letters else ""
    made = f'<w:r>{letters}<w:t xml:space="preserve">{words(text)}</w:t></w:r>'
    if name:
        made = f'<w:bookmarkStart w:id="{name}" w:name="{name}"/>{made}<w:bookmarkEnd w:id="{name}"/>'
    return made


def _cell(content: str, width: float, *, across: int = 1, merge: str = "", more: str = "") -> str:
    span = f'<w:gridSpan w:val="{across}"/>' if across > 1 else ""
    merged = f'<w:vMerge w:val="{merge}"/>' if merge else ""
    size = f'<w:tcW w:w="{twips(width)}" w:type="dxa"/>'
    return f"<w:tc><w:tcPr>{size}{span}{merged}{more}</w:tcPr>{content}</w:tc>"


def _frame(widths: Sequence[float], rows: Iterable[Iterable[str]], caption: str) -> str:
    """A table without borders that only sets texts side by side; rows are not parted by a page end."""
    grid = "".join(f'<w:gridCol w:w="{twips(width)}"/>' for width in widths)
    made = "".join(f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{''.join(cells)}</w:tr>" for cells in rows)
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="KhungChu"/><w:tblW w:w="{sum(map(twips, widths))}" w:type="dxa"/>'
        '<w:tblLayout w:type="fixed"/><w:tblLook w:val="0000" w:firstRow="0" w:lastRow="0" w:firstColumn="0" '
        f'w:lastColumn="0" w:noHBand="1" w:noVBand="1"/><w:tblCaption w:val="{words(caption)}"/></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{made}</w:tbl>"
    )


# ---------------------------------------------------------------- head


def title(node: Json, p: Json) -> str:
    """Heading block, kind and subject."""
    head, about = p["head"], p["title"]
    lines = [
        paragraph("TenLoai", node["kind"].upper(), direct="" if node["heading"] else spacing(line=about["line_pt"]))
    ]
    last = 0 if about["rule"] or about.get("rule_share") else about["gap_pt"]
    for index, line in enumerate(node["subject"]):
        end = spacing(after=last, line=about["line_pt"]) if index + 1 == len(node["subject"]) else ""
        lines.append(paragraph("TrichYeu", line, direct=end))
    if about["rule"]:
        below = spacing(after=about["gap_pt"], line=about["subject"]["size_pt"] + about["rule_gap_pt"])
        lines.append(paragraph("DuongKe", about["rule"], direct=below, letters=look(about["subject"])))
    elif about.get("rule_share") and node["subject"]:
        length = about["rule_share"] * _width(node["subject"][-1], about["subject"])
        lines.append(_rule(length, page_width(p, landscape=False), head, after=about["gap_pt"]))
    # LibreOffice 7.4 puts a line of its own before a table that begins the document: here it finds a very low one.
    return (paragraph(END, "") + _letterhead(node, p) if node["heading"] else "") + "".join(lines)


def _letterhead(node: Json, p: Json) -> str:
    head = p["head"]
    left_width, right_width = widths = [points(width) for width in head["columns_mm"]]
    superior = node["bodies"][0]["superior"] if node["bodies"] else ""
    issuers = [body["name"] for body in node["bodies"]]
    issuers = [name + head["issuers_joined_by"] for name in issuers[:-1]] + issuers[-1:]
    left = paragraph("CoQuanChuQuan", superior.upper()) if superior else ""
    left += "".join(paragraph("CoQuanBanHanh", name.upper()) for name in issuers)
    if issuers and (share := head.get("issuer_rule_share", 0)):
        left += _rule(share * _width(issuers[-1].upper(), head["issuer"]), left_width, head)
    if head["star"]:
        left += paragraph("DuongKe", head["star"], direct=spacing(line=head["line_pt"]))
    heading, motto = node["heading"].upper(), node.get("motto", "")
    right = paragraph("TieuDe", heading) + (paragraph("TieuNgu", motto) if motto else "")
    right += _rule(_width(motto, head["motto"]) if motto else _width(heading, head["party"]), right_width, head)
    number, place = paragraph("SoKyHieu", node["number"]), paragraph("DiaDanhNgay", node["place_date"])
    rows = ((left, right), (number, place))
    made = ([_cell(content, width) for content, width in zip(row, widths, strict=True)] for row in rows)
    return _frame(widths, made, "Phần đầu văn bản")


def _width(text: str, style: Json) -> float:
    return columns.width(text, style["size_pt"], bold=style.get("bold", False))


def _rule(length: float, available: float, head: Json, *, after: float = 0) -> str:
    """A rule of `length` in the middle: the lower border of an empty line that is as high as its gap."""
    line = (
        f'<w:pBdr><w:bottom w:val="single" w:sz="{round(head["rule_pt"] * 8)}" w:space="0" w:color="000000"/></w:pBdr>'
    )
    side = max(0.0, (available - length) / 2)
    direct = line + spacing(after=after, line=head["rule_gap_pt"]) + indents(left=side, right=side)
    letters = "<w:rPr>" + look({"size_pt": 1}) + "</w:rPr>"
    return f'<w:p><w:pPr><w:pStyle w:val="DuongKe"/>{direct}{letters}</w:pPr></w:p>'


# ---------------------------------------------------------------- closing


def closing(node: Json, p: Json) -> str:
    """Signature blocks, the distribution list below; a signature alone stands beside it. No page end parts them."""
    people, groups, listed = node["signatories"], node["distribution"], p["closing"]["distribution"]
    whole = page_width(p, landscape=False)
    # Beside a signature it has its own width, alone all that it needs.
    sides = _sides(groups, listed, points(listed["width_mm"]) if len(people) == 1 else whole)
    label = paragraph("NoiNhan", listed["label"])
    rows = [_split(content, shared, sides) for shared, content in _recipients(groups, p)]
    if len(people) == 1 and groups:
        rest = whole - sum(sides)
        signed = _cell(_signature(people[0], p), rest, merge="restart")
        beside = [signed, *[_cell(_empty(), rest, merge="continue")] * len(rows)]
        rows = [_split(label, "", sides), *rows]
        return _frame([*sides, rest], [[*row, cell] for row, cell in zip(rows, beside, strict=True)], SIGNED[1])
    made = ""
    if people:
        # One alone stands at the right all the same.
        places = [_empty()] * (len(people) == 1) + [_signature(one, p) for one in people]
        each = whole / len(places)
        made = _frame([each] * len(places), [[_cell(place, each) for place in places]], SIGNED[0])
    return made + (label + _frame(sides, rows, "Nơi nhận") if groups else "")


def _empty() -> str:
    return '<w:p><w:pPr><w:pStyle w:val="NoiNhanMuc"/></w:pPr></w:p>'


def _signature(person: Json, p: Json) -> str:
    """The lines of title, room for signature and seal above the name. Its first line stands clear of the text."""
    signed = p["closing"]["signature"]
    grammar = signed[person["grammar"]]
    before = p["closing"]["before_pt"] - p["body"]["paragraph_gap_pt"]  # which stands below the text
    lines = []
    for index, line in enumerate(person["titles"]):
        line = line if isinstance(line, dict) else {"text": line, "authority": index == 0}
        style, bold = ("ThamQuyen", "authority_bold") if line["authority"] else ("ChucVu", "post_bold")
        clear = spacing(before=before, line=signed["line_pt"]) if index == 0 else ""
        letters = look({"bold": grammar[bold], "size_pt": grammar["size_pt"]})
        lines.append(paragraph(style, line["text"], direct=clear, letters=letters))
    who = " ".join(filter(None, (person["rank"] if grammar["with_rank"] else "", person["name"])))
    letters = look({"bold": grammar["name_bold"], "size_pt": grammar["size_pt"]})
    return "".join(lines) + paragraph("HoTenKy", who, letters=letters)


def _recipients(groups: Sequence[Json], p: Json) -> list[tuple[str, str]]:
    """Rows of the list: the purpose that several share, and their lines."""
    listed = p["closing"]["distribution"]
    last = len(groups) - 1
    rows: list[tuple[str, str]] = []
    hanging = _width(listed["bullet"], listed)
    for number, group in enumerate(groups):
        purpose = "(" + group["purpose"].strip("()") + ")" if group["purpose"] else ""
        shared = purpose if len(group["to"]) > 1 else ""
        own = f" {purpose}" if purpose and not shared else ""
        lines = []
        for index, who in enumerate(group["to"]):
            ends = number == last and index + 1 == len(group["to"])
            text = who + own
            text += "" if re.search("[,;.]$", text) else listed["end"] if ends else listed["separator"]
            loose = '<w:keepNext w:val="0"/>' if ends else ""
            direct = loose + indents(left=hanging, hanging=hanging)
            lines.append(paragraph("NoiNhanMuc", listed["bullet"] + text, direct=direct))
        rows.append((shared, "".join(lines)))
    return rows


def _sides(groups: Sequence[Json], listed: Json, whole: float) -> list[float]:
    """How wide names and the purposes that several of them share stand: names as wide as the longest, if it fits."""
    shared = [group for group in groups if group["purpose"] and len(group["to"]) > 1]
    if not shared:
        return [whole]
    names = max(_width(listed["bullet"] + who + ",", listed) for group in shared for who in group["to"]) + 6
    purposes = max(_width(f"({group['purpose'].strip('()')})", listed) for group in shared) + 12
    names = min(names, whole - purposes)
    return [names, whole - names]


def _split(content: str, purpose: str, sides: Sequence[float]) -> list[str]:
    """One row: a shared purpose stands at the right of its names, behind a line."""
    if not purpose:
        return [_cell(content, sum(sides), across=len(sides))]
    names, purposes = sides
    line = '<w:tcBorders><w:left w:val="single" w:sz="6" w:space="0" w:color="000000"/></w:tcBorders>'
    room = '<w:tcMar><w:left w:w="100" w:type="dxa"/></w:tcMar><w:vAlign w:val="center"/>'
    return [_cell(content, names), _cell(paragraph("NoiNhanMuc", purpose), purposes, more=line + room)]


# ---------------------------------------------------------------- tables


def table(node: Json, p: Json, *, landscape: bool, anchor: str) -> str:
    """A table of figures: caption, heads repeated on each page, rows kept whole, notes below.

    Raises StageError where its longest words are wider than the page. `anchor`: a bookmark in its caption.
    """
    style, turned = p["tables"], "landscape" if landscape else "portrait"
    found = columns.chosen(node, p, landscape=landscape, available=page_width(p, landscape=landscape))
    if found is None:
        raise StageError(
            f"Không xuất được tệp Word: bảng “{node['caption']}” quá rộng so với trang, kể cả ở cỡ chữ nhỏ nhất. "
            "Hãy chia bảng hoặc xoay ngang phụ lục."
        )
    size, widths = found
    high = columns.height(node, p, size, widths, landscape=landscape)
    whole = (
        high <= style["kept_whole"][turned] * page_height(p, landscape=landscape) and not node["under_annex_heading"]
    )
    cells = _Cells(p, None if size == style["sizes_pt"]["portrait"][0] else size, widths)
    last = len(node["rows"]) - 1
    rows = _heads(node, cells)
    for index, row in enumerate(node["rows"]):
        keep = (whole and index < last) or (bool(node["notes"]) and index == last)  # notes stand with the last row
        rows.append(_row(cells.of_row(row, node["aligns"], keep=keep), head=False))
    inset = style["inset_pt"][turned]
    across, down = inset["x"], columns.clearance(p, size, inset["y"])
    sides = (("top", down), ("left", across), ("bottom", down), ("right", across))
    margins = "".join(f'<w:{side} w:w="{twips(room)}" w:type="dxa"/>' for side, room in sides)
    grid = "".join(f'<w:gridCol w:w="{twips(width)}"/>' for width in widths)
    notes = []
    for index, note in enumerate(node["notes"]):
        ends = index + 1 == len(node["notes"])
        around = {"before": style["gap_pt"] * (index == 0), "after": style["around_pt"] * ends}
        direct = "" if ends else "<w:keepNext/>"
        notes.append(paragraph("GhiChuBang", note, direct=direct + spacing(**around, line=style["notes"]["line_pt"])))
    return (
        f"{paragraph('TenBang', node['caption'], direct=_below_heading(node, p, style), name=anchor)}"
        f'<w:tbl><w:tblPr><w:tblStyle w:val="{DATA}"/><w:tblW w:w="{sum(map(twips, widths))}" w:type="dxa"/>'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar><w:tblLook w:val="06A0" w:firstRow="1" '
        'w:lastRow="0" w:firstColumn="1" w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>'
        f'<w:tblCaption w:val="{words(node["caption"])}"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>'
        f"{''.join(rows)}</w:tbl>{''.join(notes)}"
    )


def _below_heading(node: Json, p: Json, style: Json) -> str:
    """Under the heading of an annex the larger of two distances holds, not both."""
    if not node["under_annex_heading"]:
        return ""
    before = max(0, style["around_pt"] - p["annex"]["gap_pt"])
    return f'<w:spacing w:before="{twips(before)}"/>'


def _row(cells: Iterable[str], *, head: bool) -> str:
    return f"<w:tr><w:trPr><w:cantSplit/>{'<w:tblHeader/>' * head}</w:trPr>{''.join(cells)}</w:tr>"


class _Cells:
    """Makes the cells of one table; `size`: of their letters, if it is not that of the style."""

    def __init__(self, p: Json, size: float | None, widths: Sequence[float]) -> None:
        self._style, self._widths = p["tables"], widths
        self._size = {} if size is None else {"size_pt": size}

    def width(self, first: int, across: int = 1) -> float:
        return sum(self._widths[first : first + across])

    def text(self, text: str, align: str, style: Json, *, name: str = "", keep: bool = False) -> str:
        mark = look(self._size)
        direct = "<w:keepNext/>" * keep + (f'<w:jc w:val="{align}"/>' if align != "left" else "")
        direct += f"<w:rPr>{mark}</w:rPr>" if mark else ""
        return paragraph("OBang", text, direct=direct, letters=look(style | self._size), name=name)

    def head(self, text: str, first: int, across: int, merge: str) -> str:
        content = self.text(text, "center", {"bold": True}, keep=True)
        return _cell(content, self.width(first, across), across=across, merge=merge, more=_MIDDLE)

    def of_row(self, row: Json, aligns: Sequence[str], *, keep: bool) -> list[str]:
        role, style = row["role"], self._style
        own: Json = {"bold": True} if role in style["bold_rows"] else {}
        label = own | ({"italic": True} if role in style["italic_rows"] else {})
        name = self.text(row["label"], "left", label, keep=keep)
        if role == "section":
            return [_cell(name, self.width(0, len(self._widths)), across=len(self._widths), more=_MIDDLE)]
        made = [_cell(name, self.width(0), more=_MIDDLE)]
        for index, (cell, align) in enumerate(zip(row["cells"], aligns, strict=True), start=1):
            kind = style["cells"][cell["kind"]]
            letters = label | ({"italic": True} if kind["italic"] else {})
            letters |= {"fill": kind["fill"]} if kind["fill"] != "#000000" else {}
            text = self.text(cell["text"], align, letters, name=cell["name"], keep=keep)
            made.append(_cell(text, self.width(index), more=_MIDDLE))
        return made


_MIDDLE = '<w:vAlign w:val="center"/>'


def _heads(node: Json, cells: _Cells) -> list[str]:
    """One or two rows of heads; what spans both is merged downwards."""
    top, *below = node["header"]
    first, rows, places = 0, [[], []], []  # type: tuple[int, list[list[str]], list[int]]
    for head in top:
        across, down = head["colspan"], head["rowspan"] > 1
        rows[0].append(cells.head(head["text"], first, across, "restart" if down else ""))
        if down:
            rows[1].append(cells.head("", first, across, "continue"))
        elif below:
            inner = below[0][len(places) : len(places) + across]
            rows[1] += [cells.head(sub["text"], first + index, 1, "") for index, sub in enumerate(inner)]
            places += [first] * across
        first += across
    return [_row(row, head=True) for row in rows[: 1 + len(below)]]


# ---------------------------------------------------------------- charts


def figure(node: Json, p: Json, *, landscape: bool, number: int, anchor: str) -> str:
    """A chart and its caption: SVG (relationship `rIdHinhNs`), for programs that lack it PNG (`rIdHinhN`)."""
    style = p["figures"]
    limits = style["max_height_under_annex_heading_mm" if node["under_annex_heading"] else "max_height_mm"]
    width, height = svg_size(node["svg"])
    most_high = points(limits["landscape" if landscape else "portrait"])
    scale = min(1, most_high / height, page_width(p, landscape=landscape) / width)
    extent = f'cx="{round(width * scale * 12700)}" cy="{round(height * scale * 12700)}"'
    about = f'id="{number}" name="Biểu đồ {number}" descr="{words(node["alt"])}"'
    drawing = (
        f'<w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent {extent}/><wp:docPr {about}/>'
        '<wp:cNvGraphicFramePr><a:graphicFrameLocks noChangeAspect="1"/></wp:cNvGraphicFramePr><a:graphic>'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:nvPicPr>'
        f"<pic:cNvPr {about}/><pic:cNvPicPr/></pic:nvPicPr>"
        f'<pic:blipFill><a:blip r:embed="rIdHinh{number}"><a:extLst><a:ext '
        'uri="{96DAC541-7B7A-43D3-8B79-37D633B846F1}">'
        '<asvg:svgBlip xmlns:asvg="http://schemas.microsoft.com/office/drawing/2016/SVG/main" '
        f'r:embed="rIdHinh{number}s"/></a:ext></a:extLst></a:blip><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {extent}/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
        "</a:prstGeom>"
        "</pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing>"
    )
    picture = (
        f'<w:p><w:pPr><w:pStyle w:val="BieuDo"/>{_below_heading(node, p, style)}</w:pPr><w:r>{drawing}</w:r></w:p>'
    )
    return picture + paragraph("TenBieuDo", node["caption"], name=anchor)


def svg_size(svg: str) -> tuple[float, float]:
    """Width and height of a drawing in points. Raises StageError where its head does not say them."""
    head = svg[svg.find("<svg") : svg.find(">", svg.find("<svg"))]
    sides = dict(re.findall(r'\b(width|height)="([\d.]+)(?:pt)?"', head))
    if set(sides) != {"width", "height"}:
        raise StageError("Không xuất được tệp Word: một biểu đồ (SVG) không nói rộng và cao bao nhiêu.")
    return float(sides["width"]), float(sides["height"])


# ---------------------------------------------------------------- table of contents


def contents(entries: Sequence[tuple[int, str, str]]) -> str:
    """A TOC field on a page of its own, filled with (level, heading, bookmark).

    Pages are left out until someone updates the field (F9): only Word knows them, and to ask Word for an update on
    opening makes it put a question to every reader. `\\f` takes the annexes, whose headings are two paragraphs.
    """
    begin = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> TOC \\o "1-2" \\f \\h '
        '\\z </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    lines = []
    for index, (level, text, bookmark) in enumerate(entries):
        link = f'<w:hyperlink w:anchor="{bookmark}" w:history="1">{run(text)}</w:hyperlink>'
        around = (begin if index == 0 else "", end if index + 1 == len(entries) else "")
        lines.append(f'<w:p><w:pPr><w:pStyle w:val="TOC{level}"/></w:pPr>{around[0]}{link}{around[1]}</w:p>')
    return (
        '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/><w:docPartUnique/></w:docPartObj>'
        f"</w:sdtPr><w:sdtContent>{paragraph('TOCHeading', 'MỤC LỤC')}{''.join(lines)}</w:sdtContent></w:sdt>"
    )


def entry(text: str) -> str:
    """A hidden TC field: what stands in the table of contents for the heading of an annex."""
    said = words(re.sub(r'["\\]', "", text))
    hidden = "<w:rPr><w:vanish/></w:rPr>"
    return (
        f'<w:r>{hidden}<w:fldChar w:fldCharType="begin"/></w:r><w:r>{hidden}<w:instrText xml:space="preserve"> TC '
        f'"{said}" \\l 1 </w:instrText></w:r><w:r>{hidden}<w:fldChar w:fldCharType="end"/></w:r>'
    )
