"""The lint of PDF and Word files: what a profile builds is clean, and each thing that is otherwise is named."""

from __future__ import annotations

import copy
import io
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
import test_pdf
from test_pdf import VERAPDF, annex_blocks, heading, items, mark, paragraph, sample, small_table, texts_of, wide_table

from danvan import formats
from danvan.document import Block, Closing, Document, Part, TitleBlock
from danvan.errors import SettingsError
from danvan.publish import annexes, pdf
from danvan.publish.lint import Difference, lint_docx, lint_edited, lint_folder, lint_pdf
from danvan.publish.wanted import PARTS

OFFICIAL = ("party_2018", "party_2026", "state_nd30")

# ---------------------------------------------------------------- documents in a format


def in_format(document: Document, name: str) -> Document:
    """The document with the words of a format; a state document has one issuer and one signatory."""
    profile = formats.load(name)
    state = profile["family"] == "state"

    def said(block: Block) -> Block:
        if isinstance(block, TitleBlock):
            head = profile["head"]
            number = formats.numbered(profile, None, "BC-CATP" if state else "BC/BDVTU-CATP")
            bodies = block.bodies[1:] if state else block.bodies
            return replace(block, heading=head["heading_text"], motto=head["motto_text"], number=number, bodies=bodies)
        if isinstance(block, Closing):
            groups = (replace(g, to=tuple(formats.archived(profile, to) for to in g.to)) for g in block.distribution)
            people = block.signatories[:1] if state else block.signatories
            return replace(block, distribution=tuple(groups), signatories=people)
        return block

    parts = [replace(part, blocks=tuple(map(said, part.blocks))) for part in document.parts]
    return Document(replace(document.meta, profile=name), annexes.as_asked(parts, profile))


def short() -> Document:
    """All kinds of parts on as few pages as there can be."""
    title, closing = test_pdf.main_blocks()[0], test_pdf.main_blocks()[-1]
    prose = (test_pdf.PROSE + " ") * 3
    blocks = (
        title,
        heading(2, "phan-1", "I. CÔNG TÁC THAM MƯU"),
        heading(3, "phan-1-1", "1. Tuyên truyền"),
        paragraph(prose, mark(1), "."),
        paragraph(prose),
        test_pdf.figure(1),
        items("Hội nghị, đối thoại trực tiếp tại cơ sở;", "Hệ thống truyền thanh.", ordered=True),
        small_table(),
        paragraph(prose, mark(5), "."),
        paragraph(prose),
        paragraph("Trên đây là kết quả phối hợp năm 2023./."),
        closing,
    )
    annex = Part("annex", annex_blocks("I", "Kết quả theo quận, huyện", wide_table()), landscape=True)
    return Document(
        sample().meta, (Part("main", blocks), annex, Part("annex", annex_blocks("II", "Số khác", small_table())))
    )


def changed(name: str, **values: Any) -> formats.Json:
    """A profile with other values at some dotted keys (with __ for a dot)."""
    profile = copy.deepcopy(formats.load(name))
    for key, value in values.items():
        *path, last = key.split("__")
        place = profile
        for part in path:
            place = place[part]
        assert last in place, key
        place[last] = value
    return profile


@cache
def rendered(name: str) -> bytes:
    return pdf.render(in_format(short(), name))


# ---------------------------------------------------------------- PDF


@pytest.mark.parametrize("name", OFFICIAL)
def test_what_a_profile_builds_is_clean(name: str) -> None:
    assert lint_pdf(rendered(name), in_format(short(), name)) == []
    whole = in_format(sample(), name)
    assert lint_pdf(pdf.render(whole), whole) == []


def test_the_report_as_it_is_built_is_clean(built: Path) -> None:
    found = lint_folder(built / "reports" / "2023" / "public", "reports/2023/public")
    assert "bao-cao-2023.pdf" in found
    assert not any(found.values()), found


def test_a_units_own_pages_are_clean_in_their_house_format() -> None:
    title = TitleBlock("", (), "", "", "QUẬN HỒNG BÀNG", ("Số liệu năm 2023",))
    blocks = (title, heading(2, "a", "1. Số liệu"), paragraph(test_pdf.PROSE), test_pdf.figure(0), small_table())
    document = Document(replace(sample().meta, profile="house_compact"), (Part("main", blocks),))
    assert lint_pdf(pdf.render(document), document) == []


UPRIGHT, LYING = "Trang giấy (khổ đứng)", "Trang giấy (khổ ngang)"
WRONG: list[tuple[str, str, Any, tuple[str, str, str, str]]] = [
    ("party_2018", "page__margin_mm__left", 25, (UPRIGHT, "lề trái", "30 mm", "25")),
    ("party_2018", "page__margin_mm__right", 25, (UPRIGHT, "lề phải", "15 mm", "25")),
    ("party_2018", "page__margin_mm__top", 25, (UPRIGHT, "lề trên", "20 mm", "25")),
    ("party_2018", "page__margin_mm__bottom", 15, (UPRIGHT, "lề dưới", "20 mm", "15")),
    ("party_2018", "page__margin_mm__bottom", 26, (UPRIGHT, "lề dưới", "20 mm", "26")),
    ("party_2018", "page__landscape_margin_mm__left", 30, (LYING, "lề trái", "20 mm", "29,7")),
    ("party_2018", "page__landscape_margin_mm__top", 20, (LYING, "lề trên", "30 mm", "20")),
    ("party_2018", "page__width_mm", 216, ("Trang giấy", "khổ giấy", "210 x 297 mm", "216 x 297 mm")),
    ("party_2018", "page_number__size_pt", 12, ("Số trang", "cỡ chữ", "14 pt", "12 pt")),
    ("party_2018", "page_number__from_edge_mm", 14, ("Số trang", "cách mép trên", "10 mm", "14")),
    ("party_2018", "page_number__on_first_page__main", True, ("Số trang", "số", "không đánh số", "số 1")),
    ("party_2018", "body__size_pt", 13, ("Thân văn bản", "cỡ chữ", "14-15 pt", "13 pt")),
    ("party_2018", "body__line_pt", 16, ("Thân văn bản", "khoảng cách dòng", "18-22 pt", "16 pt")),
    ("party_2018", "body__first_line_mm", 12.7, ("Thân văn bản", "thụt dòng đầu", "10 mm", "12,7")),
    ("party_2018", "body__paragraph_gap_pt", 2, ("Thân văn bản", "khoảng cách đoạn", "6-54 pt", "2 pt")),
    ("party_2018", "head__party__size_pt", 13, ("Tiêu đề văn bản", "cỡ chữ", "15 pt", "13 pt")),
    ("party_2018", "head__superior__bold", True, ("Cơ quan chủ quản", "kiểu chữ", "không đậm", "đậm")),
    ("party_2018", "head__issuer__bold", False, ("Cơ quan ban hành", "kiểu chữ", "đậm", "không đậm")),
    ("party_2018", "head__star", "", ("Cơ quan ban hành", "dấu bên dưới", "“*”", "không có")),
    ("party_2018", "head__number__size_pt", 13, ("Số và ký hiệu", "cỡ chữ", "14 pt", "13 pt")),
    ("party_2018", "head__place_date__italic", False, ("Địa danh và ngày tháng", "kiểu chữ", "nghiêng", "đứng")),
    ("party_2018", "title__kind__size_pt", 14, ("Tên loại văn bản", "cỡ chữ", "15-16 pt", "14 pt")),
    ("party_2018", "title__subject__bold", False, ("Trích yếu nội dung", "kiểu chữ", "đậm", "không đậm")),
    ("party_2018", "title__rule", "", ("Trích yếu nội dung", "dấu bên dưới", "“-----”", "không có")),
    ("party_2018", "headings__2__bold", False, ("Đề mục cấp 1", "kiểu chữ", "đậm", "không đậm")),
    ("party_2018", "footnotes__size_pt", 9, ("Chú thích cuối trang", "cỡ chữ", "11-12 pt", "9 pt")),
    ("party_2018", "figures__caption__italic", False, ("Tên biểu đồ", "kiểu chữ", "nghiêng", "đứng")),
    ("party_2018", "tables__caption__size_pt", 11, ("Tên bảng", "cỡ chữ", "13 pt", "11 pt")),
    ("party_2018", "tables__sizes_pt__landscape", [7.0], ("Ô bảng", "cỡ chữ", "7,5-11 pt", "7 pt")),
    ("party_2018", "closing__distribution__label_underlined", False,
     ("Nơi nhận (nhãn)", "kiểu chữ", "gạch chân", "không gạch chân")),
    ("party_2018", "closing__distribution__size_pt", 10, ("Nơi nhận (danh sách)", "cỡ chữ", "12 pt", "10 pt")),
    ("party_2018", "closing__distribution__separator", ";", ("Nơi nhận (danh sách)", "dấu cuối dòng", ",", ";")),
    ("party_2018", "closing__signature__state__with_rank", False,
     ("Họ tên người ký", "có trong tệp", "“Đại tá”", "không thấy")),
    ("party_2018", "annex__heading__size_pt", 12, ("Tên phụ lục", "cỡ chữ", "14 pt", "12 pt")),
    ("party_2018", "annex__title_capitals", False, ("Tên phụ lục", "kiểu chữ", "in hoa", "in thường")),
    ("party_2018", "annex__reference__italic", False, ("Kèm theo", "kiểu chữ", "nghiêng", "đứng")),
    ("party_2018", "marks__size_pt", 12, ("Tình trạng văn bản", "cỡ chữ", "9 pt", "12 pt")),
    ("party_2026", "closing__signature__party__post_bold", True, ("Chức vụ người ký", "kiểu chữ", "không đậm", "đậm")),
    ("state_nd30", "head__issuer_rule_share", 0.9,
     ("Cơ quan ban hành", "đường kẻ dưới", "dài 0,33-0,5 lần dòng chữ", "dài 0,9")),
    ("state_nd30", "title__rule_share", 0,
     ("Trích yếu nội dung", "đường kẻ dưới", "dài 0,33-0,5 lần dòng chữ", "không có")),
    ("state_nd30", "head__motto__bold", False, ("Tiêu ngữ", "kiểu chữ", "đậm", "không đậm")),
    ("state_nd30", "closing__distribution__label_italic", False, ("Nơi nhận (nhãn)", "kiểu chữ", "nghiêng", "đứng")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "value", "told"), WRONG, ids=[f"{key}={value}" for _, key, value, _ in WRONG])
@pytest.mark.sampled(8)
def test_what_a_pdf_has_otherwise_is_named(
    name: str, key: str, value: Any, told: tuple[str, str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document, due = in_format(short(), name), formats.load(name)
    monkeypatch.setattr(formats, "load", lambda _: changed_profile)
    changed_profile = changed_by(due, key, value)
    found = lint_pdf(pdf.render(document), document, due)
    part, what, wanted, got = told
    fitting = [d for d in found if (d.part, d.what, d.wanted) == (part, what, wanted)]
    assert fitting, found
    assert any(d.found.startswith(got) for d in fitting), fitting
    assert all(d.where for d in found)


def changed_by(profile: formats.Json, key: str, value: Any) -> formats.Json:
    made = copy.deepcopy(profile)
    *path, last = key.split("__")
    place = made
    for part in path:
        place = place[part]
    assert last in place
    place[last] = value
    return made


def test_a_pdf_of_another_format_differs_in_its_head() -> None:
    found = lint_pdf(rendered("party_2018"), in_format(short(), "party_2018"), formats.load("state_nd30"))
    told = {(d.part, d.what, d.wanted, d.found) for d in found}
    assert ("Tiêu đề văn bản", "chữ", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Đảng Cộng sản Việt Nam".upper()) in told
    assert ("Tiêu ngữ", "chữ", "Độc lập - Tự do - Hạnh phúc", "(không có)") in told
    assert ("Số và ký hiệu", "dạng số", "Số: 15/BC...", "Số ......-BC/BDVTU-CATP") in told
    assert ("Nơi nhận (danh sách)", "dòng lưu", "“Lưu: VT,” ở đầu dòng", "Lưu: BDVTU, CATP") in told


def test_the_font_is_compared_by_its_metrics() -> None:
    found = lint_pdf(rendered("party_2018"), in_format(short(), "party_2018"), changed("party_2018", font="Arial"))
    assert {(d.what, d.wanted, d.found) for d in found} == {("phông chữ", "Arial", "Tinos")}


def test_an_annex_that_does_not_lie_on_its_side_is_named() -> None:
    document = in_format(short(), "party_2018")
    standing = replace(document, parts=(document.parts[0], replace(document.parts[2], landscape=True)))
    upright = replace(document, parts=(document.parts[0], document.parts[2]))
    found = lint_pdf(pdf.render(upright), standing)
    assert Difference("Trang giấy", "hướng giấy", "297 x 210 mm", "210 x 297 mm", "trang 4") in found


def test_a_text_that_is_not_there_is_named() -> None:
    document = in_format(short(), "party_2018")
    main = document.parts[0]
    more = replace(
        document, parts=(replace(main, blocks=(*main.blocks, paragraph("Câu không in."))), *document.parts[1:])
    )
    found = lint_pdf(rendered("party_2018"), more)
    assert found[0] == Difference("Thân văn bản", "có trong tệp", "“Câu không in.”", "không thấy", "tệp PDF")


def test_state_head_stands_in_its_order() -> None:
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(rendered("state_nd30"))
    first, last = texts_of(document)[0], texts_of(document)
    assert (
        "BỘ CÔNG AN CÔNG AN THÀNH PHỐ Số: ....../BC-CATP CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM "
        "Độc lập - Tự do - Hạnh phúc Hải Phòng, ngày ..... tháng ..... năm 2024 BÁO CÁO"
    ) in first
    closing = next(text for text in last if "Nơi nhận:" in text)
    assert "Lưu: VT, BDVTU, CATP." in closing
    assert "KT. GIÁM ĐỐC PHÓ GIÁM ĐỐC" in closing
    document.close()


def test_a_lone_annex_has_no_number_and_says_what_it_goes_with() -> None:
    parts = (short().parts[0], Part("annex", (heading(2, "a", "Phụ lục I. Số liệu"), small_table())))
    document = in_format(Document(short().meta, parts), "state_nd30")
    import pypdfium2 as pdfium

    opened = pdfium.PdfDocument(pdf.render(document))
    assert texts_of(opened)[-1].startswith(
        "Phụ lục SỐ LIỆU (Kèm theo Báo cáo số ....../BC-CATP ngày ..... tháng ..... năm 2024) Bảng 1."
    )
    opened.close()


def test_a_long_name_of_an_issuer_is_ruled_by_its_column() -> None:
    document = in_format(short(), "state_nd30")
    head = document.parts[0].blocks[0]
    assert isinstance(head, TitleBlock)
    body = replace(head.bodies[0], name="Phòng Xây dựng phong trào bảo vệ an ninh Tổ quốc")
    parts = (replace(document.parts[0], blocks=(replace(head, bodies=(body,)), *document.parts[0].blocks[1:])),)
    long = replace(document, parts=parts)
    assert lint_pdf(pdf.render(long), long) == []


@pytest.mark.long
@pytest.mark.skipif(not VERAPDF.exists(), reason=f"needs the veraPDF check at {VERAPDF}")
@pytest.mark.parametrize("name", ["party_2026", "state_nd30"])
def test_verapdf_passes_both_standards(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mẫu.pdf"
    path.write_bytes(pdf.render(in_format(sample(), name)))
    result = subprocess.run([VERAPDF, "ua1,2a", path], capture_output=True, encoding="utf-8", check=False)
    lines = [line.split()[:2] for line in result.stdout.splitlines() if line.startswith(("PASS", "FAIL", "ERR"))]
    assert lines == [["PASS", "ua1"], ["PASS", "2a"]], result.stdout + result.stderr


# ---------------------------------------------------------------- Word files, as small as they can be

NS = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
Change = Callable[[dict[str, str]], None]


def run_properties(size: float, bold: bool = False, italic: bool = False, underlined: bool = False) -> str:
    marks = "<w:b/>" * bold + "<w:i/>" * italic + '<w:u w:val="single"/>' * underlined
    return f'{marks}<w:sz w:val="{size * 2:.0f}"/>'


def styles(profile: formats.Json) -> dict[str, tuple[str, str]]:
    """By style id: paragraph and run properties, as the profile has them."""
    p, s = profile, profile["closing"]["signature"]
    centre = '<w:jc w:val="center"/>'
    faces = {
        "TieuDe": p["head"]["party"], "TieuNgu": p["head"]["motto"], "CoQuanChuQuan": p["head"]["superior"],
        "CoQuanBanHanh": p["head"]["issuer"], "SoKyHieu": p["head"]["number"], "DiaDanhNgay": p["head"]["place_date"],
        "TenLoai": p["title"]["kind"], "TrichYeu": p["title"]["subject"], "TenBieuDo": p["figures"]["caption"],
        "TenBang": p["tables"]["caption"], "SoPhuLuc": p["annex"]["heading"], "TenPhuLuc": p["annex"]["heading"],
        "KemTheo": p["annex"]["reference"], "TinhTrang": p["marks"],
    }  # fmt: skip
    made = {id_: (centre, run_properties(face["size_pt"], face["bold"], face["italic"])) for id_, face in faces.items()}
    line = f'<w:spacing w:after="{p["body"]["paragraph_gap_pt"] * 20:.0f}" w:line="360" w:lineRule="exact"/>'
    body = f'{line}<w:ind w:firstLine="567"/><w:jc w:val="both"/>'
    made["ThanVan"] = (body, run_properties(p["body"]["size_pt"]))
    made["Heading1"] = ("", run_properties(p["body"]["size_pt"], True))
    made["FootnoteText"] = ("", run_properties(p["footnotes"]["size_pt"]))
    made["ThamQuyen"] = (centre, run_properties(s["party"]["size_pt"], True))
    made["ChucVu"] = (centre, run_properties(s["party"]["size_pt"], s["party"]["post_bold"]))
    label = p["closing"]["distribution"]
    made["NoiNhan"] = (
        "",
        run_properties(label["label_size_pt"], *(label[f"label_{how}"] for how in ("bold", "italic", "underlined"))),
    )
    made["NoiNhanMuc"] = ("", run_properties(label["size_pt"]))
    made["SoTrang"] = (centre, run_properties(p["page_number"]["size_pt"]))
    return made


def line(style: str, text: str, run: str = "", section: str = "") -> str:
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{section}</w:pPr><w:r><w:rPr>{run}</w:rPr>'
        f"<w:t>{escape(text)}</w:t></w:r></w:p>"
    )


def section(lies: bool = False, start: str = "") -> str:
    size, margins = 'w:w="11906" w:h="16838"', 'w:top="1134" w:bottom="1134" w:left="1701" w:right="850"'
    if lies:
        size = 'w:w="16838" w:h="11906" w:orient="landscape"'
        margins = 'w:top="1701" w:bottom="850" w:left="1134" w:right="1134"'
    return (
        '<w:sectPr><w:headerReference w:type="default" r:id="rId1"/><w:headerReference w:type="first" r:id="rId2"/>'
        '<w:footerReference w:type="default" r:id="rId3"/><w:footerReference w:type="first" r:id="rId3"/>'
        f'<w:pgSz {size}/><w:pgMar {margins} w:header="567"/>{start}<w:titlePg/></w:sectPr>'
    )


def word(name: str, change: Change | None = None) -> bytes:
    """A Word file in a format: every member may be changed before it is packed."""
    profile = formats.load(name)
    state = profile["family"] == "state"
    head, own = profile["head"], styles(profile)
    listed = profile["closing"]["distribution"]
    body = [
        line("CoQuanChuQuan", "THÀNH ỦY HẢI PHÒNG"),
        line("CoQuanBanHanh", "BAN DÂN VẬN THÀNH ỦY"),
        *([] if state else [line("Normal", head["star"])]),
        line("SoKyHieu", formats.numbered(profile, None, "BC-BDVTU" if state else "BC/BDVTU-CATP")),
        line("TieuDe", head["heading_text"]),
        *([line("TieuNgu", head["motto_text"])] if state else []),
        line("DiaDanhNgay", "Hải Phòng, ngày 05 tháng 02 năm 2024"),
        line("TenLoai", "BÁO CÁO"),
        line("TrichYeu", "kết quả phối hợp năm 2023"),
        *([] if state else [line("Normal", profile["title"]["rule"])]),
        line("Heading1", "I. CÔNG TÁC THAM MƯU"),
        line("ThanVan", "Hai cơ quan báo cáo kết quả như sau."),
        line("ThamQuyen", "KT. TRƯỞNG BAN" if state else "K/T TRƯỞNG BAN"),
        line("ChucVu", "PHÓ TRƯỞNG BAN"),
        line("NoiNhan", listed["label"]),
        line("NoiNhanMuc", f"- Ban Dân vận Trung ương{listed['separator']}"),
        line("NoiNhanMuc", f"- {listed['archive']}BDVTU.", section=section()),
        line("SoPhuLuc", "Phụ lục I"),
        line("TenPhuLuc", "SỐ LIỆU TỪNG ĐƠN VỊ"),
        line("KemTheo", "(Kèm theo Báo cáo)", section=section(True, '<w:pgNumType w:start="1"/>')),
        line("SoPhuLuc", "Phụ lục II"),
        line("TenPhuLuc", "SỐ LIỆU THÀNH PHỐ"),
    ]
    named = "".join(
        f'<w:style w:type="paragraph" w:styleId="{id_}"><w:name w:val="{NAMES.get(id_, PARTS[id_])}"/>'
        f'<w:basedOn w:val="Normal"/><w:pPr>{para}</w:pPr><w:rPr>{run}</w:rPr></w:style>'
        for id_, (para, run) in own.items()
    )
    font = '<w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman"/><w:sz w:val="28"/>'
    field = '<w:fldSimple w:instr=" PAGE "><w:r><w:t>2</w:t></w:r></w:fldSimple>'
    numbered = f'<w:p><w:pPr><w:pStyle w:val="SoTrang"/></w:pPr>{field}</w:p>'
    defaults = f"<w:docDefaults><w:rPrDefault><w:rPr>{font}</w:rPr></w:rPrDefault></w:docDefaults>"
    normal = '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    note = f'<w:footnote w:id="2">{line("FootnoteText", "Theo Quy chế.")}</w:footnote>'
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{KIND}/{what}" Target="{what}{index}.xml"/>'
        for n, what, index in ((1, "header", 1), (2, "header", 2), (3, "footer", 1))
    )
    members = {
        "word/document.xml": f"<w:document {NS}><w:body>{''.join(body)}{section(False, START)}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {NS}>{defaults}{normal}{named}</w:styles>",
        "word/header1.xml": f"<w:hdr {NS}>{numbered}</w:hdr>",
        "word/header2.xml": f"<w:hdr {NS}><w:p/></w:hdr>",
        "word/footer1.xml": f"<w:ftr {NS}>{line('TinhTrang', ' '.join(test_pdf.MARKS))}</w:ftr>",
        "word/footnotes.xml": f"<w:footnotes {NS}>{note}</w:footnotes>",
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}">{relations}</Relationships>',
    }
    if change:
        change(members)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for member, text in members.items():
            packed.writestr(member, text)
    return out.getvalue()


START = '<w:pgNumType w:start="1"/>'
NAMES = {"Heading1": "heading 1", "FootnoteText": "footnote text"}


def swap(member: str, old: str, new: str) -> Change:
    def change(members: dict[str, str]) -> None:
        assert old in members[f"word/{member}.xml"], old
        members[f"word/{member}.xml"] = members[f"word/{member}.xml"].replace(old, new, 1)

    return change


def of_style(id_: str, old: str, new: str) -> Change:
    """Change a style."""

    def change(members: dict[str, str]) -> None:
        before, after = members["word/styles.xml"].split(f'w:styleId="{id_}"')
        assert old in after, after
        members["word/styles.xml"] = f'{before}w:styleId="{id_}"{after.replace(old, new, 1)}'

    return change


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_word_file_in_the_format_is_clean(name: str) -> None:
    assert lint_docx(word(name), profile=formats.load(name)) == []


WRONG_WORDS: list[tuple[Change, tuple[str, str, str, str]]] = [
    (swap("document", 'w:left="1701"', 'w:left="1134"'), ("Trang giấy", "lề trái", "30 mm", "20 mm")),
    (swap("document", 'w:w="11906"', 'w:w="12240"'), ("Trang giấy", "khổ giấy", "210 x 297 mm", "216 x 297 mm")),
    (swap("document", 'w:header="567"', 'w:header="850"'), ("Số trang", "cách mép trên", "10 mm", "15 mm")),
    (swap("document", "<w:titlePg/>", ""), ("Số trang", "trang đầu", "không đánh số", "đánh số")),
    (swap("document", START, ""), ("Số trang", "đánh số phụ lục", "từ 1", "nối tiếp")),
    (swap("header1", "PAGE", "DATE"), ("Số trang", "số", "số trang ở giữa, phía trên", "không có")),
    (of_style("SoTrang", "center", "right"), ("Số trang", "vị trí", "giữa, phía trên", "căn phải")),
    (of_style("SoTrang", '"28"', '"24"'), ("Số trang", "cỡ chữ", "14 pt", "12 pt")),
    (swap("styles", 'w:ascii="Times New Roman"', 'w:ascii="Calibri"'),
     ("Thân văn bản", "phông chữ", "Times New Roman", "Calibri")),
    (of_style("ThanVan", '"28"', '"26"'), ("Thân văn bản", "cỡ chữ", "14-15 pt", "13 pt")),
    (of_style("ThanVan", '"360"', '"320"'), ("Thân văn bản", "khoảng cách dòng", "18-22 pt", "16 pt")),
    (of_style("ThanVan", 'w:line="360" w:lineRule="exact"', 'w:line="240"'),
     ("Thân văn bản", "khoảng cách dòng", "18-22 pt", "16,1 pt")),
    (of_style("ThanVan", 'w:after="120"', ""), ("Thân văn bản", "khoảng cách đoạn", "6-30 pt", "0 pt")),
    (of_style("ThanVan", '"567"', '"720"'), ("Thân văn bản", "thụt dòng đầu", "10 mm", "12,7 mm")),
    (of_style("ThanVan", "both", "left"), ("Thân văn bản", "căn lề", "căn đều hai bên", "căn trái")),
    (of_style("TieuDe", '"30"', '"26"'), ("Tiêu đề văn bản", "cỡ chữ", "15 pt", "13 pt")),
    (of_style("CoQuanBanHanh", "<w:b/>", ""), ("Cơ quan ban hành", "kiểu chữ", "đậm", "không đậm")),
    (of_style("DiaDanhNgay", "<w:i/>", ""), ("Địa danh và ngày tháng", "kiểu chữ", "nghiêng", "đứng")),
    (swap("document", "ngày 05 tháng 02", "ngày 5 tháng 2"),
     ("Địa danh và ngày tháng", "dạng ngày",
      "như “Hải Phòng, ngày 05 tháng 02 năm 2024”", "Hải Phòng, ngày 5 tháng 2 năm 2024")),
    (swap("document", "Số ......-BC", "Số: 15/BC"),
     ("Số và ký hiệu", "dạng số", "Số 15-BC...", "Số: 15/BC/BDVTU-CATP")),
    (swap("document", line("Normal", "*"), ""), ("Cơ quan ban hành", "dấu bên dưới", "“*”", "không có")),
    (swap("document", "<w:t>-----", "<w:t>==="), ("Trích yếu nội dung", "dấu bên dưới", "“-----”", "không có")),
    (of_style("TenLoai", "center", "left"), ("Tên loại văn bản", "vị trí", "giữa dòng", "căn trái")),
    (of_style("Heading1", "<w:b/>", ""), ("Đề mục cấp 1", "kiểu chữ", "đậm", "không đậm")),
    (of_style("FootnoteText", '"22"', '"18"'), ("Chú thích cuối trang", "cỡ chữ", "11-12 pt", "9 pt")),
    (of_style("ChucVu", "<w:sz", "<w:b/><w:sz"), ("Chức vụ người ký", "kiểu chữ", "không đậm", "đậm")),
    (of_style("NoiNhan", '<w:u w:val="single"/>', ""), ("Nơi nhận (nhãn)", "kiểu chữ", "gạch chân", "không gạch chân")),
    (swap("document", "Trung ương,", "Trung ương;"), ("Nơi nhận (danh sách)", "dấu cuối dòng", ",", ";")),
    (swap("document", "Phụ lục II", "Phụ lục 2"), ("Số phụ lục", "số phụ lục", "Phụ lục II", "Phụ lục 2")),
    (swap("document", "SỐ LIỆU THÀNH PHỐ", "Số liệu thành phố"), ("Tên phụ lục", "kiểu chữ", "in hoa", "in thường")),
    (swap("document", line("NoiNhan", "Nơi nhận:"), ""), ("Nơi nhận (nhãn)", "có trong tệp", "có", "không thấy")),
    (swap("document", "<w:rPr></w:rPr><w:t>Hai cơ", '<w:rPr><w:sz w:val="24"/></w:rPr><w:t>Hai cơ'),
     ("Thân văn bản", "cỡ chữ", "14-15 pt", "12 pt")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"), WRONG_WORDS, ids=[" ".join(told[:2] + told[3:]) for _, told in WRONG_WORDS]
)
def test_what_a_word_file_has_otherwise_is_named(change: Change, told: tuple[str, str, str, str]) -> None:
    found = lint_docx(word("party_2026", change), profile=formats.load("party_2026"))
    assert told in [(d.part, d.what, d.wanted, d.found) for d in found]
    assert all(d.where for d in found)
    if told[1] != "phông chữ":
        assert len(found) == 1, found


def test_styles_are_told_by_their_names_whoever_wrote_the_file() -> None:
    def as_libreoffice(members: dict[str, str]) -> None:
        for member, text in members.items():
            members[member] = text.replace('"ThanVan"', '"Thnvnbn"').replace('"TieuDe"', '"Tiuvnbn"')

    assert lint_docx(word("party_2018", as_libreoffice), profile=formats.load("party_2018")) == []


def test_a_font_is_told_of_styles_that_are_not_ours_too() -> None:
    stranger = '<w:rFonts w:ascii="Calibri"/>'
    change = swap(
        "document", line("NoiNhan", "Nơi nhận:"), line("NoiNhan", "Nơi nhận:") + line("Normal", "Ghi thêm.", stranger)
    )
    assert lint_docx(word("party_2018", change), profile=formats.load("party_2018")) == [
        Difference("Kiểu “Normal”", "phông chữ", "Times New Roman", "Calibri", "đoạn 15: “Ghi thêm.”")
    ]


def test_with_its_document_marks_orientation_and_grammar_count_too() -> None:
    document = in_format(short(), "party_2018")
    people = document.parts[0].blocks[-1]
    assert isinstance(people, Closing)
    assert lint_docx(word("party_2018"), document) == []
    found = lint_docx(word("party_2018", swap("footer1", "Dự thảo.", "Bản cuối.")), document)
    assert {(d.part, d.what) for d in found} == {("Tình trạng văn bản", "có trên trang")}
    turned = swap("document", section(True, START), section(False, START))
    assert [(d.what, d.wanted, d.found) for d in lint_docx(word("party_2018", turned), document)] == [
        ("hướng giấy", "khổ ngang", "khổ đứng")
    ]


def test_a_state_file_with_the_words_of_the_party_is_told() -> None:
    state = formats.load("state_nd30")
    found = {(d.part, d.what) for d in lint_docx(word("party_2018"), profile=state)}
    assert {
        ("Tiêu ngữ", "có trong tệp"),
        ("Tiêu đề văn bản", "chữ"),
        ("Số và ký hiệu", "dạng số"),
        ("Nơi nhận (nhãn)", "kiểu chữ"),
        ("Nơi nhận (danh sách)", "dòng lưu"),
    } <= found


def test_the_same_difference_in_many_places_is_told_once() -> None:
    more = swap(
        "document",
        line("ThamQuyen", "K/T TRƯỞNG BAN"),
        line("ThanVan", "Câu thứ hai.") + line("ThamQuyen", "K/T TRƯỞNG BAN"),
    )

    def both(members: dict[str, str]) -> None:
        more(members)
        of_style("ThanVan", '"28"', '"26"')(members)

    (one,) = lint_docx(word("party_2018", both), profile=formats.load("party_2018"))
    assert one.where == "đoạn 11: “Hai cơ quan báo cáo kết quả như sau.” và 1 chỗ khác"


# ---------------------------------------------------------------- files that cannot be read


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.docx", b"PK", "a.docx: không phải tệp Word (.docx), hoặc tệp đã hỏng."),
        ("a.pdf", b"%PDF", "a.pdf: chỉ đối chiếu riêng được tệp Word (.docx); PDF thì dùng lint NĂM."),
    ],
)
def test_what_is_no_word_file_is_refused(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        lint_edited(tmp_path / name, "party_2018")
    assert str(caught.value) == told


def test_a_file_with_a_doctype_is_not_opened(tmp_path: Path) -> None:
    def bomb(members: dict[str, str]) -> None:
        members["word/document.xml"] = '<!DOCTYPE a [<!ENTITY b "c">]>' + members["word/document.xml"]

    (tmp_path / "a.docx").write_bytes(word("party_2018", bomb))
    with pytest.raises(SettingsError, match="DOCTYPE"):
        lint_edited(tmp_path / "a.docx", "party_2018")


def test_a_report_that_is_not_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        lint_folder(tmp_path, "reports/2023/public")
    assert str(caught.value) == "Chưa có báo cáo trong reports/2023/public. Hãy lập trước: build.py report NĂM."


def test_a_pdf_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="không phải tệp PDF"):
        lint_pdf(b"hello", short())
