"""The PDF writer, read back as a reader's program would: text, structure, fonts, pages."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2 as pdfium
import pytest

from danvan import formats
from danvan.document import (
    Block,
    Body,
    Break,
    Closing,
    Column,
    Document,
    Emphasis,
    Figure,
    Heading,
    Inline,
    Link,
    ListBlock,
    Meta,
    NoteMark,
    Paragraph,
    Part,
    Recipient,
    Signatory,
    Strong,
    Table,
    TableCell,
    TableRow,
    Text,
    TitleBlock,
    Value,
)
from danvan.publish import fonts, pdf

ROOT = Path(__file__).resolve().parent.parent
VERAPDF = ROOT.parent / "shared" / "tools" / "verapdf" / "check"

TITLE = "Báo cáo kết quả phối hợp công tác dân vận năm 2023"
MARKS = ("Dự thảo.", "Số liệu của từng đơn vị là số liệu minh họa.")
UNITS = (
    "Hồng Bàng",
    "Ngô Quyền",
    "Lê Chân",
    "Hải An",
    "Kiến An",
    "Đồ Sơn",
    "Dương Kinh",
    "Thủy Nguyên",
    "An Dương",
    "An Lão",
    "Kiến Thụy",
    "Tiên Lãng",
    "Vĩnh Bảo",
    "Cát Hải",
    "Bạch Long Vĩ",
)
MM = 72 / 25.4

# ---------------------------------------------------------------- the sample


def paragraph(*children: Inline | str) -> Paragraph:
    return Paragraph(tuple(Text(child) if isinstance(child, str) else child for child in children))


def note(number: int, *texts: str) -> NoteMark:
    return NoteMark(number, tuple(paragraph(text) for text in texts))


def value(text: str) -> Value:
    return Value(text, "y.value", ("2023/x",))


NOTES: dict[int, tuple[str, ...]] = {
    1: (
        "Đoàn kiểm tra liên ngành làm việc tại quận Đồ Sơn và huyện Kiến Thụy theo Kế hoạch số 121-KH/BDVTU, "
        "ngày 01/11/2023; kết quả được nêu trong Báo cáo số 225-BC/BDVTU và các Thông báo số 30-TB/BDVTU, "
        "31-TB/BDVTU, ngày 01/12/2023.",
    ),
    2: (
        "Công an thành phố đăng tải 1.482 tin, bài, phóng sự trên Cổng thông tin điện tử, 96 chuyên mục “Vì an ninh "
        "Tổ quốc” trên Đài Phát thanh và Truyền hình, 24 trang chuyên đề trên Báo An ninh Hải Phòng; các tài khoản "
        "mạng xã hội chính thức đạt trên 15 triệu lượt tiếp cận; 100% công an quận, huyện có trang riêng, phản hồi "
        "2.317 câu hỏi, góp ý của người dân trong vòng 24 giờ.",
    ),
    3: (
        "Ban Dân vận Thành ủy phát hành 04 số bản tin công tác dân vận với 4.800 cuốn.",
        "Mở 06 lớp bồi dưỡng nghiệp vụ cho 1.250 cán bộ; trang thông tin điện tử đăng 532 tin, bài.",
    ),
    4: (
        "Nhân dân cung cấp 4.342 tin, trong đó 3.156 tin có giá trị (đạt 72,7%), giúp lực lượng Công an làm rõ 1.204 "
        "vụ, bắt 1.873 đối tượng; vận động 32 đối tượng truy nã ra đầu thú; cảm hóa, giáo dục 418 người lầm lỗi tại "
        "cộng đồng; thu hồi 1.204,5 kg pháo, 72 khẩu súng, 201.483 viên đạn và nhiều vật liệu nổ, công cụ hỗ trợ khác.",
    ),
    5: (
        "Tổ chức 217 diễn đàn “Công an lắng nghe ý kiến Nhân dân”; đường dây nóng 818.131.131 tiếp nhận 1.105 cuộc "
        "gọi của Nhân dân.",
    ),
    6: ("Tiếp 3.214 lượt công dân, nhận 2.806 đơn, giải quyết 2.691 đơn thuộc thẩm quyền (đạt 95,9%).",),
    7: (
        "Toàn thành phố đăng ký 1.612 mô hình “Dân vận khéo”, gồm 548 mô hình kinh tế, 472 mô hình văn hóa - xã hội, "
        "371 mô hình quốc phòng - an ninh và 221 mô hình xây dựng hệ thống chính trị. Lực lượng Công an duy trì 286 "
        "mô hình, xây dựng mới 64 mô hình, nhân rộng 41 mô hình, rà soát 118 mô hình, bỏ 09 mô hình.",
    ),
    8: ("Theo Quy chế ban hành kèm theo Quyết định số 446-QĐ/TU, ngày 26/11/2021.",),
}


def mark(number: int) -> NoteMark:
    return note(number, *NOTES[number])


@cache
def chart(kind: int) -> str:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    settings = {"svg.fonttype": "path", "svg.hashsalt": "danvan", "font.family": "DejaVu Sans", "font.size": 9}
    with mpl.rc_context(settings):
        figure, axes = plt.subplots(figsize=(6.4, 3.4 if kind % 2 == 0 else 2.6))
        numbers = [(37 * (i + 3) * (kind + 2)) % 140 + 20 for i in range(len(UNITS))]
        if kind % 2 == 0:
            axes.barh(UNITS, numbers, color="#7a1f1f", alpha=0.9)
        else:
            axes.plot(range(2015, 2024), numbers[:9], marker="o", color="#1f3d7a")
        axes.set_xlabel("Số mô hình")
        figure.tight_layout()
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
        plt.close(figure)
    return out.getvalue()


FIGURES = (
    ("Hình 1. Số mô hình “Dân vận khéo” theo quận, huyện", "Biểu đồ thanh: số mô hình của 15 quận, huyện."),
    ("Hình 2. Số mô hình được công nhận", "Biểu đồ đường: số mô hình từ năm 2015 đến năm 2023."),
    ("Hình 3. Tin Nhân dân cung cấp theo quận, huyện", "Biểu đồ thanh: số tin của từng quận, huyện."),
    ("Hình 4. Lượt công dân được tiếp", "Biểu đồ đường: lượt tiếp công dân từ năm 2015 đến năm 2023."),
)


def figure(index: int) -> Figure:
    caption, alt = FIGURES[index]
    return Figure(f"hinh-{index + 1}", caption, alt, chart(index))


def cells(*texts: str) -> tuple[TableCell, ...]:
    return tuple(TableCell(text) for text in texts)


def small_table() -> Table:
    return Table(
        id="bang-quy-che",
        caption="Bảng 1. Quy chế dân chủ ở cơ sở",
        corner="Loại hình",
        columns=(
            Column("Năm 2022", group="Số quy chế"),
            Column("Năm 2023", group="Số quy chế"),
            Column("Đạt tỷ lệ"),
            Column("Ghi chú", align="left"),
        ),
        rows=(
            TableRow("Xã, phường, thị trấn", (*cells("214", "217", "100%"), TableCell("Đủ", "text"))),
            TableRow(
                "Cơ quan nhà nước",
                (
                    *cells("402"),
                    TableCell("chưa báo cáo", "missing"),
                    TableCell("không tính", "not_applicable"),
                    TableCell("", "text"),
                ),
            ),
            TableRow("Doanh nghiệp", (*cells("1.034", "1.112", "91,3%"), TableCell("Có công đoàn cơ sở", "text"))),
            TableRow("Tổng", (*cells("1.650", "1.329", "94,6%"), TableCell("", "text")), role="total"),
        ),
        notes=("Ghi chú: “chưa báo cáo” là số liệu chưa nhận được, không phải số không.",),
    )


def section_table() -> Table:
    return Table(
        id="bang-linh-vuc",
        caption="Bảng 2. Mô hình “Dân vận khéo” theo lĩnh vực",
        corner="Lĩnh vực",
        columns=(Column("Đăng ký"), Column("Công nhận"), Column("Tỷ lệ")),
        rows=(
            TableRow("Khối chính quyền", (), role="section"),
            TableRow("Kinh tế", cells("548", "402", "73,4%")),
            TableRow("Văn hóa - xã hội", cells("472", "366", "77,5%")),
            TableRow("Khối lực lượng vũ trang", (), role="section"),
            TableRow("Quốc phòng - an ninh", cells("371", "298", "80,3%")),
            TableRow("Cả thành phố", cells("1.391", "1.066", "76,6%"), role="total"),
            TableRow("Năm 2022", cells("1.204", "951", "79,0%"), role="last"),
            TableRow("Tăng, giảm", cells("+187", "+115", "-2,4"), role="change"),
        ),
    )


def long_table() -> Table:
    rows = [
        TableRow(
            f"Xã số {i:03d}, huyện {UNITS[7 + i % 8]}",
            cells(f"{(i * 37) % 90 + 10}", f"{(i * 53) % 1200:,}".replace(",", "."), f"{i % 7}"),
        )
        for i in range(1, 121)
    ]
    return Table(
        id="bang-xa",
        caption="Biểu số 02. Kết quả theo xã, phường, thị trấn",
        corner="Đơn vị",
        columns=(Column("Mô hình"), Column("Lượt người tham gia"), Column("Ghi nhận khác")),
        rows=(*rows, TableRow("Tổng", cells("6.540", "71.200", "357"), role="total")),
    )


WIDE_HEADS = {
    "An ninh trật tự": ("Tin Nhân dân cung cấp", "Tin có giá trị", "Số vụ làm rõ", "Đối tượng ra đầu thú"),
    "Vũ khí, vật liệu nổ": ("Pháo thu hồi (kg)", "Súng thu hồi (khẩu)", "Đạn thu hồi (viên)"),
    "": ("Diễn đàn lắng nghe ý kiến",),
    "Tiếp dân, đơn thư": ("Lượt công dân được tiếp", "Đơn nhận", "Đơn giải quyết"),
    "“Dân vận khéo”": ("Mô hình đăng ký", "Mô hình công nhận", "Mô hình nhân rộng"),
}


def wide_table() -> Table:
    rows: list[TableRow] = []
    for i, unit in enumerate(UNITS):
        texts = [f"{(i * 71 + j * 97) % 900:,}".replace(",", ".") for j in range(14)]
        row = [TableCell(text) for text in texts]
        if i == 14:
            row[6] = TableCell("-", "not_applicable")
            row[9] = TableCell("chưa báo cáo", "missing")
        rows.append(TableRow(unit, tuple(row), role="unit"))
    rows.append(TableRow("Cơ quan cấp thành phố", cells(*["12"] * 14), role="city"))
    rows.append(TableRow("Tổng", cells(*["201.483"] * 14), role="total"))
    rows.append(TableRow("Năm 2022", cells(*["198.207"] * 14), role="last"))
    rows.append(TableRow("Tăng, giảm (%)", cells(*["+1,7"] * 14), role="change"))
    return Table(
        id="bieu-01",
        caption="Biểu số 01. Kết quả theo quận, huyện",
        corner="Đơn vị",
        columns=tuple(Column(label, group) for group, labels in WIDE_HEADS.items() for label in labels),
        rows=tuple(rows),
        notes=("Dấu “-”: không thuộc diện báo cáo. Số liệu từng quận, huyện là số liệu minh họa.",),
    )


PROSE = (
    "Hai cơ quan thường xuyên trao đổi thông tin, thống nhất nội dung, phân công rõ trách nhiệm của từng đơn vị; việc "
    "giao ban định kỳ được duy trì đều đặn, kịp thời tháo gỡ khó khăn ngay từ cơ sở, nhất là ở các địa bàn đang giải "
    "phóng mặt bằng, khu công nghiệp và vùng có đông đồng bào theo tôn giáo."
)


def link_to_annex() -> Link:
    return Link("#bieu-01", (Text("Biểu số 01"),))


def items(*texts: str | Block, ordered: bool = False) -> ListBlock:
    """A list; a list among the items belongs to the item before it."""
    made: list[tuple[Block, ...]] = []
    for item in texts:
        if isinstance(item, ListBlock):
            made[-1] += (item,)
        else:
            made.append((paragraph(item) if isinstance(item, str) else item,))
    return ListBlock(ordered, tuple(made))


def heading(level: int, id_: str, text: str) -> Heading:
    return Heading(level, id_, (Text(text),))


def main_blocks() -> tuple[Block, ...]:
    return (
        TitleBlock(
            heading="Đảng Cộng sản Việt Nam",
            bodies=(
                Body("Thành ủy Hải Phòng", "Ban Dân vận Thành ủy"),
                Body("Bộ Công an", "Công an thành phố"),
            ),
            number="Số ......-BC/BDVTU-CATP",
            place_date="Hải Phòng, ngày ..... tháng ..... năm 2024",
            kind="Báo cáo",
            subject=(
                "kết quả phối hợp thực hiện công tác dân vận năm 2023,",
                "một số nhiệm vụ trọng tâm năm 2024",
            ),
        ),
        paragraph(
            "Thực hiện Kế hoạch số 95-KH/BDVTU-CATP, ngày 16/01/2023 của Ban Dân vận Thành ủy và Công an thành phố về "
            "phối hợp công tác dân vận năm 2023; hai cơ quan báo cáo kết quả thực hiện như sau:"
        ),
        heading(2, "phan-1", "I. CÔNG TÁC THAM MƯU, LÃNH ĐẠO, CHỈ ĐẠO"),
        paragraph(
            "Có ",
            value("14/15"),
            " quận, huyện ký kết kế hoạch phối hợp (",
            Strong((value("93,3%"),)),
            "); Ban Dân vận Thành ủy chủ trì kiểm tra tại 02 địa phương",
            mark(1),
            ". ",
            PROSE,
        ),
        paragraph(PROSE, " Chủ đề năm được cụ thể hóa thành chương trình công tác của từng đơn vị."),
        heading(2, "phan-2", "II. KẾT QUẢ PHỐI HỢP"),
        heading(3, "phan-2-1", "1. Tuyên truyền chủ trương, đường lối của Đảng"),
        paragraph("Công tác tuyên truyền được đổi mới cả về nội dung và hình thức", mark(2), ". ", PROSE),
        items(
            "Chỉ thị số 33/CT-TTg, ngày 26/11/2021 của Thủ tướng Chính phủ về tiếp tục tăng cường và đổi mới công tác "
            "dân vận của cơ quan hành chính nhà nước, chính quyền các cấp;",
            "Chỉ thị số 07-CT/TU, ngày 08/9/2021 của Ban Thường vụ Thành ủy;",
            paragraph("Các hình thức tuyên truyền:"),
            items(
                "Hội nghị, đối thoại trực tiếp tại cơ sở, nói chuyện chuyên đề với cán bộ, hội viên và Nhân dân;",
                "Hệ thống truyền thanh của xã, phường.",
            ),
        ),
        paragraph("Ban Dân vận Thành ủy đẩy mạnh thông tin, bồi dưỡng nghiệp vụ", mark(3), "."),
        figure(0),
        heading(3, "phan-2-2", "2. Trao đổi thông tin, nắm tình hình Nhân dân"),
        paragraph(PROSE, " Nhân dân tích cực tham gia phong trào", mark(4), "."),
        figure(1),
        heading(3, "phan-2-3", "3. Thực hiện dân chủ ở cơ sở, cải cách hành chính"),
        paragraph("Việc lấy ý kiến Nhân dân đi vào nền nếp", mark(5), "; tiếp dân tiến bộ", mark(6), ". ", PROSE),
        small_table(),
        paragraph(PROSE),
        heading(3, "phan-2-4", "4. Phong trào thi đua “Dân vận khéo”"),
        paragraph("Phong trào lan tỏa rộng khắp", mark(7), ", xem ", link_to_annex(), ". ", PROSE),
        section_table(),
        figure(2),
        paragraph(PROSE, " ", PROSE),
        figure(3),
        heading(2, "phan-3", "III. ĐÁNH GIÁ CHUNG"),
        paragraph("Công tác phối hợp đạt kết quả toàn diện. ", PROSE),
        items(
            "Nội dung phối hợp có mặt chưa cụ thể, còn theo chức năng riêng của từng cơ quan, chưa thật sự gắn với đặc "
            "điểm của từng địa bàn.",
            "Một số nơi triển khai còn chậm.",
            ordered=True,
        ),
        heading(2, "phan-4", "IV. NHIỆM VỤ TRỌNG TÂM NĂM 2024"),
        paragraph("Tiếp tục thực hiện Quy chế công tác dân vận của hệ thống chính trị", mark(8), ". ", PROSE),
        paragraph(PROSE),
        paragraph("Trên đây là kết quả phối hợp năm 2023 và nhiệm vụ trọng tâm năm 2024./."),
        Closing(
            distribution=(
                Recipient(("Ban Dân vận Trung ương", "Bộ Công an", "Thường trực Thành ủy"), "để b/c"),
                Recipient(("Ban Dân vận Thành ủy", "Công an thành phố")),
                Recipient(("Ban Dân vận các quận ủy, huyện ủy",)),
                Recipient(("Công an quận, huyện",)),
                Recipient(("Lưu: BDVTU, CATP",)),
            ),
            signatories=(
                Signatory(("KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC"), "Đại tá", "", "state"),
                Signatory(("K/T TRƯỞNG BAN", "PHÓ TRƯỞNG BAN"), "", "", "party"),
            ),
        ),
    )


def annex_blocks(number: str, title: str, *blocks: Block) -> tuple[Block, ...]:
    return (
        Heading(2, f"phu-luc-{number}", (Text(f"Phụ lục {number}"), Break(), Text(title))),
        Paragraph((Emphasis((Text("(Kèm theo Báo cáo số ......-BC/BDVTU-CATP, ngày .../.../2024)"),)),)),
        *blocks,
    )


def sample() -> Document:
    return Document(
        Meta(
            title=TITLE,
            year=2023,
            edition="public",
            profile="party_2018",
            authors=("Ban Dân vận Thành ủy Hải Phòng", "Công an thành phố Hải Phòng"),
            marks=MARKS,
            illustrative="Số liệu minh họa",
            date="2024-01-15",
        ),
        (
            Part("main", main_blocks()),
            Part("annex", annex_blocks("I", "KẾT QUẢ THEO QUẬN, HUYỆN NĂM 2023", wide_table()), landscape=True),
            Part("annex", annex_blocks("II", "KẾT QUẢ THEO XÃ, PHƯỜNG NĂM 2023", long_table())),
        ),
    )


def other(*blocks: Block, **meta: Any) -> Document:
    """A document with its own blocks in the main part."""
    changed: dict[str, Any] = {"marks": ()} | meta
    return Document(replace(sample().meta, **changed), (Part("main", blocks),))


# ---------------------------------------------------------------- reading back


@pytest.fixture(scope="module")
def data() -> bytes:
    return pdf.render(sample())


@pytest.fixture(scope="module")
def reader(data: bytes) -> Iterator[pdfium.PdfDocument]:
    document = pdfium.PdfDocument(data)
    yield document
    document.close()


@pytest.fixture(scope="module")
def pages(reader: pdfium.PdfDocument) -> list[str]:
    return texts_of(reader)


@pytest.fixture(scope="module")
def inside(data: bytes) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(io.BytesIO(data)) as opened:
        yield opened


def texts_of(reader: pdfium.PdfDocument) -> list[str]:
    """The text of each page, a space for each run of spaces and line ends."""
    texts = []
    for page in reader:
        textpage = page.get_textpage()
        texts.append(squeezed(textpage.get_text_range()))
        textpage.close()
    return texts


def read(data: bytes) -> list[str]:
    document = pdfium.PdfDocument(data)
    try:
        return texts_of(document)
    finally:
        document.close()


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def elements(inside: pikepdf.Pdf, kind: str) -> list[Any]:
    return [element for element in pdf._elements(inside.Root.StructTreeRoot) if element.get("/S") == f"/{kind}"]


def attributes(element: Any) -> dict[str, Any]:
    found = element.get("/A", [])
    owned = list(found) if isinstance(found, pikepdf.Array) else [found]
    return {key: value for one in owned if one.get("/O") == "/Table" for key, value in one.items()}


def first_page_of(pages: list[str], text: str) -> int:
    return next(number for number, page in enumerate(pages) if text in page)


ANNEX_I, ANNEX_II = "KẾT QUẢ THEO QUẬN, HUYỆN NĂM 2023", "KẾT QUẢ THEO XÃ, PHƯỜNG NĂM 2023"

# ---------------------------------------------------------------- what the file says of itself


def test_title_language_authors_and_date(inside: pikepdf.Pdf) -> None:
    assert str(inside.docinfo["/Title"]) == TITLE
    assert str(inside.docinfo["/Author"]) == "Ban Dân vận Thành ủy Hải Phòng, Công an thành phố Hải Phòng"
    assert str(inside.docinfo["/CreationDate"]).startswith("D:20240115")
    assert str(inside.Root.Lang).startswith("vi")
    assert bool(inside.Root.ViewerPreferences.DisplayDocTitle)


def test_both_standards_are_claimed(inside: pikepdf.Pdf) -> None:
    metadata = inside.Root.Metadata.read_bytes().decode("utf-8")
    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata


def test_without_a_date_there_is_no_time_at_all() -> None:
    with pikepdf.open(io.BytesIO(pdf.render(replace_date(None)))) as opened:
        assert not {"/CreationDate", "/ModDate"} & set(opened.docinfo.keys())
        assert not re.search(r"\d{4}-\d\d-\d\d|Date>|when>", opened.Root.Metadata.read_bytes().decode("utf-8"))


def replace_date(date: str | None) -> Document:
    return replace(sample(), meta=replace(sample().meta, date=date))


def test_bookmarks_are_the_headings_in_order(reader: pdfium.PdfDocument) -> None:
    found = [(bookmark.level, squeezed(bookmark.get_title())) for bookmark in reader.get_toc()]
    assert found == [
        (0, "I. CÔNG TÁC THAM MƯU, LÃNH ĐẠO, CHỈ ĐẠO"),
        (0, "II. KẾT QUẢ PHỐI HỢP"),
        (1, "1. Tuyên truyền chủ trương, đường lối của Đảng"),
        (1, "2. Trao đổi thông tin, nắm tình hình Nhân dân"),
        (1, "3. Thực hiện dân chủ ở cơ sở, cải cách hành chính"),
        (1, "4. Phong trào thi đua “Dân vận khéo”"),
        (0, "III. ĐÁNH GIÁ CHUNG"),
        (0, "IV. NHIỆM VỤ TRỌNG TÂM NĂM 2024"),
        (0, f"Phụ lục I {ANNEX_I}"),
        (0, f"Phụ lục II {ANNEX_II}"),
    ]


# ---------------------------------------------------------------- pages


def test_pages_are_a4_and_the_wide_annex_lies_on_its_side(reader: pdfium.PdfDocument, pages: list[str]) -> None:
    sizes = [tuple(round(length / MM) for length in page.get_size()) for page in reader]
    wide = first_page_of(pages, ANNEX_I)
    assert sizes[wide] == (297, 210)
    assert {size for number, size in enumerate(sizes) if number != wide} == {(210, 297)}


def test_page_numbers_stand_top_centre_and_begin_anew(reader: pdfium.PdfDocument, pages: list[str]) -> None:
    first_of_part = [0, first_page_of(pages, ANNEX_I), first_page_of(pages, ANNEX_II)]
    expected: list[str] = []
    for number in range(len(pages)):
        start = max(first for first in first_of_part if first <= number)
        expected.append("" if number == start else str(number - start + 1))
    shown = []
    for page in reader:
        width, height = page.get_size()
        textpage = page.get_textpage()
        middle = (30 + 180 / 2 - 15 / 2) * MM if width < height else width / 2
        shown.append(squeezed(textpage.get_text_bounded(middle - 40, height - 16 * MM, middle + 40, height - 9 * MM)))
        band = squeezed(textpage.get_text_bounded(0, height - 19 * MM, width, height))
        assert band == shown[-1], "nothing else stands in the head of a page"
        textpage.close()
    assert shown == expected
    assert reader.get_page_label(1) == "2"
    assert [reader.get_page_label(number) for number in first_of_part] == ["1", "1", "1"]


def test_marks_stand_on_every_page_and_are_read_once(pages: list[str], inside: pikepdf.Pdf) -> None:
    assert all(all(mark_ in page for mark_ in MARKS) for page in pages)
    assert all(page.endswith(" ".join(MARKS)) for page in pages[1:])
    assert squeezed(text_of(inside, elements(inside, "P")[0])) == " ".join(MARKS)


def text_of(inside: pikepdf.Pdf, element: Any) -> str:
    """The text of a tagged element: what its marked content on the page shows, glyph by glyph."""
    page = next(page for page in inside.pages if page.obj == element.Pg)
    kids = element.K if isinstance(element.K, pikepdf.Array) else [element.K]
    wanted = {int(kid) for kid in kids if not isinstance(kid, pikepdf.Dictionary)}
    shown, on, unicode_of = "", False, {}
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "BDC":
            on = isinstance(operands[1], pikepdf.Dictionary) and int(operands[1].get("/MCID", -1)) in wanted
        elif str(operator) == "EMC":
            on = False
        elif str(operator) == "Tf":
            unicode_of = to_unicode(page.resources.Font[str(operands[0])])
        elif on and str(operator) in {"Tj", "TJ"}:
            for item in operands[0] if str(operator) == "TJ" else operands:
                if isinstance(item, pikepdf.String):
                    codes = bytes(item)
                    shown += "".join(unicode_of[codes[i : i + 2]] for i in range(0, len(codes), 2))
    return shown


def to_unicode(font: Any) -> dict[bytes, str]:
    pairs = re.findall(rb"<([0-9a-fA-F]{4})> <([0-9a-fA-F]+)>\n", font.ToUnicode.read_bytes())
    return {bytes.fromhex(code.decode()): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def test_closing_is_whole_and_has_text_above_it(pages: list[str]) -> None:
    page = pages[first_page_of(pages, "KT. GIÁM ĐỐC")]
    end = "Trên đây là kết quả phối hợp năm 2023 và nhiệm vụ trọng tâm năm 2024./."
    parts = (
        end,
        "KT. GIÁM ĐỐC",
        "PHÓ GIÁM ĐỐC",
        "K/T TRƯỞNG BAN",
        "PHÓ TRƯỞNG BAN",
        "Nơi nhận:",
        "- Lưu: BDVTU, CATP.",
    )
    assert all(part in page for part in parts)


def test_one_signatory_stands_beside_the_distribution_list() -> None:
    title, *_, closing = main_blocks()
    assert isinstance(closing, Closing)
    one = replace(closing, signatories=(Signatory(("T/M BAN", "TRƯỞNG BAN"), "", "Nguyễn Văn A", "party"),))
    page = read(pdf.render(other(title, items("Một./."), one)))[0]
    assert "Nơi nhận:" in page
    assert page.index("Nơi nhận:") < page.index("T/M BAN") < page.index("Nguyễn Văn A")


@pytest.mark.parametrize("before", range(8, 14))
def test_closing_takes_the_last_item_of_a_list_along(before: int) -> None:
    title, *_, closing = main_blocks()
    texts = [paragraph(PROSE)] * before
    document = other(title, *texts, items(*[PROSE] * 3, ordered=True), closing)
    page = next(page for page in read(pdf.render(document)) if "KT. GIÁM ĐỐC" in page)
    assert re.match(r"(\d )?.*\S{2,} .*tôn giáo\. KT\. GIÁM ĐỐC", page)
    assert "Lưu: BDVTU, CATP." in page


@pytest.mark.parametrize("before", range(0, 9))
def test_a_heading_is_never_last_on_its_page(before: int) -> None:
    texts = [paragraph(PROSE)] * 6 + [paragraph("Một dòng.")] * before
    document = other(heading(2, "a", "I. MỞ ĐẦU"), *texts, heading(2, "b", "II. MỤC SAU"), paragraph(PROSE, mark(1)))
    page = next(page for page in read(pdf.render(document)) if "II. MỤC SAU" in page)
    assert "II. MỤC SAU Hai cơ quan" in page


def test_heading_of_an_annex_is_not_alone(pages: list[str]) -> None:
    for title, table in ((ANNEX_I, wide_table()), (ANNEX_II, long_table())):
        page = pages[first_page_of(pages, title)]
        assert table.caption in page
        assert table.rows[0].label in page


def test_heading_of_an_annex_is_parted_and_its_reference_centred() -> None:
    annex = Part("annex", (heading(2, "a", "Phụ lục III. Số liệu"), paragraph("(Kèm theo báo cáo)"), small_table()))
    data = pdf.render(replace(other(), parts=(Part("main", main_blocks()[:3]), annex)))
    assert read(data)[-1].startswith("Phụ lục III SỐ LIỆU (Kèm theo báo cáo) Bảng 1.")


# ---------------------------------------------------------------- footnotes


def note_links(inside: pikepdf.Pdf) -> list[tuple[int, int]]:
    """Of each link from a mark to its note: the page of the mark, the page of the note."""
    numbers = {page.obj.objgen: number for number, page in enumerate(inside.pages)}
    found = []
    for number, page in enumerate(inside.pages):
        for annotation in page.obj.get("/Annots", []):
            target = annotation.get("/Dest", annotation.get("/A", {}).get("/D"))
            if isinstance(target, pikepdf.Array):
                found.append((number, numbers[target[0].objgen]))
    return found


def test_every_note_stands_on_the_page_of_its_mark(inside: pikepdf.Pdf, pages: list[str]) -> None:
    within_page = [link for link in note_links(inside) if link[0] == link[1]]
    across = [link for link in note_links(inside) if link[0] != link[1]]
    assert len(within_page) >= 2 * len(NOTES)  # there and back
    assert across == [(first_page_of(pages, "xem Biểu số 01"), first_page_of(pages, ANNEX_I))]  # the one other link
    places = {
        1: "02 địa phương", 2: "nội dung và hình thức", 3: "bồi dưỡng nghiệp vụ", 4: "tham gia phong trào",
        5: "đi vào nền nếp", 6: "tiếp dân tiến bộ", 7: "lan tỏa rộng khắp", 8: "hệ thống chính trị",
    }  # fmt: skip
    for number, texts in NOTES.items():
        page = pages[first_page_of(pages, f"{places[number]}{number}")]
        assert f"{number} {' '.join(texts)}" in page


def test_notes_stay_with_their_marks_wherever_pages_end() -> None:
    """Typst alone parts the two in many of these documents (typst #5314, #5603)."""
    profile, parted = formats.load("party_2018"), 0
    for lines in range(6, 15):
        texts = [paragraph(PROSE)] * 4 + [paragraph("Một dòng.")] * lines
        noted = items(*[paragraph(PROSE, mark(number)) for number in (1, 2, 3, 4)])
        tree = pdf.document_tree(other(heading(2, "a", "I. MỞ ĐẦU"), *texts, noted), pdf._NO_DATE, profile)
        parted += pdf._first_stray(pdf._places(tree, profile)) is not None
        pdf._lay_out(tree, profile)
        assert pdf._first_stray(pdf._places(tree, profile)) is None
    assert parted > 0


def test_a_note_of_two_paragraphs_and_a_mark_used_twice() -> None:
    twice = paragraph("Một", mark(3), " và hai", mark(3), ".")
    page = read(pdf.render(other(heading(2, "a", "I. MỤC"), twice)))[0]
    assert re.search(r"Một3 và hai3 ?\.", page)
    assert page.count(NOTES[3][1]) == 1


# ---------------------------------------------------------------- tables, figures, text


def test_every_text_of_the_document_is_printed(pages: list[str]) -> None:
    printed = " ".join(pages)
    assert printed.removeprefix(" ".join(MARKS) + " ").startswith(
        "THÀNH ỦY HẢI PHÒNG BAN DÂN VẬN THÀNH ỦY - CÔNG AN THÀNH PHỐ * Số ......-BC/BDVTU-CATP"
    )
    assert "ĐẢNG CỘNG SẢN VIỆT NAM" in printed
    assert "BÁO CÁO kết quả phối hợp thực hiện công tác dân vận năm 2023, một số" in printed
    tables = (small_table(), section_table(), wide_table(), long_table())
    for table in tables:
        for row in table.rows:
            assert " ".join((row.label, *(cell.text for cell in row.cells if cell.text))) in printed
        for note_ in table.notes:
            assert note_ in printed
    for caption, _ in FIGURES:
        assert caption in printed


def test_typed_text_is_never_markup() -> None:
    typed = '#panic("x") *đậm* _nghiêng_ $x$ @nhãn <nhãn> // ghi chú /* ghi chú */ \\ ` "sys.inputs" -- ---'
    assert typed in read(pdf.render(other(heading(2, "a", typed), paragraph(typed))))[0]


def test_header_of_a_long_table_is_repeated(pages: list[str]) -> None:
    first = first_page_of(pages, ANNEX_II)
    assert len(pages) - first >= 3
    for page in pages[first:]:
        assert "Đơn vị Mô hình Lượt người tham gia Ghi nhận khác" in page


def test_units_are_row_headers(inside: pikepdf.Pdf) -> None:
    bodies = elements(inside, "TBody")
    counts = sorted(len(table.rows) for table in (small_table(), section_table(), wide_table(), long_table()))
    assert sorted(len(pdf._kids(body)) for body in bodies) == counts
    for body in bodies:
        for row in pdf._kids(body):
            label, *cells = pdf._kids(row)
            assert label.S == "/TH"
            assert attributes(label)["/Scope"] == "/Row"
            assert all(cell.S == "/TD" for cell in cells)
            assert all(bytes(label.ID) in [bytes(name) for name in attributes(cell)["/Headers"]] for cell in cells)
    assert all(attributes(head)["/Scope"] == "/Column" for top in elements(inside, "THead") for head in heads(top))


def heads(top: Any) -> list[Any]:
    return [head for row in pdf._kids(top) for head in pdf._kids(row)]


def test_groups_of_columns_share_a_header_cell(inside: pikepdf.Pdf) -> None:
    wide = max((len(heads(top)), top) for top in elements(inside, "THead"))[1]
    top, below = pdf._kids(wide)
    spans = [(int(attributes(h).get("/ColSpan", 1)), int(attributes(h).get("/RowSpan", 1))) for h in pdf._kids(top)]
    assert spans == [(1, 2), (4, 1), (3, 1), (1, 2), (3, 1), (3, 1)]
    assert len(pdf._kids(below)) == 13


def test_missing_and_not_applicable_look_different_and_are_legible() -> None:
    cells_ = formats.load("party_2018")["tables"]["cells"]
    looks = {kind: (style["fill"], style["italic"]) for kind, style in cells_.items()}
    assert looks["missing"] != looks["not_applicable"]
    for fill, _ in looks.values():
        assert contrast_on_white(fill) >= 4.5


def contrast_on_white(fill: str) -> float:
    parts = [int(fill[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_every_figure_has_its_alt_and_is_drawn_not_painted(inside: pikepdf.Pdf) -> None:
    assert [str(figure_.Alt) for figure_ in elements(inside, "Figure")] == [alt for _, alt in FIGURES]
    images = [
        obj
        for obj in inside.objects
        if isinstance(obj, pikepdf.Stream) and obj.get("/Subtype") == "/Image"
    ]  # fmt: skip
    assert images == []


def test_caption_stands_with_its_figure(pages: list[str], inside: pikepdf.Pdf) -> None:
    numbers = {page.obj.objgen: number for number, page in enumerate(inside.pages)}
    drawn = [numbers[figure_.Pg.objgen] for figure_ in elements(inside, "Figure")]
    assert drawn == [first_page_of(pages, caption) for caption, _ in FIGURES]


def test_only_tinos_is_embedded(inside: pikepdf.Pdf) -> None:
    descriptors = [
        obj
        for obj in inside.objects
        if isinstance(obj, pikepdf.Dictionary) and obj.get("/Type") == "/FontDescriptor"
    ]  # fmt: skip
    assert descriptors
    assert all(re.match(r"/[A-Z]{6}\+Tinos(-|$)", str(one.FontName)) for one in descriptors)
    assert all(any(key in one for key in ("/FontFile2", "/FontFile3")) for one in descriptors)


# ---------------------------------------------------------------- sameness


def test_same_bytes_from_two_folders_and_processes(data: bytes, tmp_path: Path) -> None:
    import pickle
    import shutil

    made = []
    for name, seed in (("một", "1"), ("hai có dấu cách", "2")):
        folder = tmp_path / name
        shutil.copytree(ROOT / "danvan", folder / "danvan", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "document.pickle").write_bytes(pickle.dumps(sample()))
        program = (
            "import pickle, pathlib; from danvan.publish import pdf; "
            "assert pathlib.Path(pdf.__file__).is_relative_to(pathlib.Path.cwd()); "
            "document = pickle.loads(pathlib.Path('document.pickle').read_bytes()); "
            "pathlib.Path('out.pdf').write_bytes(pdf.render(document))"
        )
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": "Asia/Ho_Chi_Minh", "PYTHONUTF8": "1"}
        environment.pop("PYTHONPATH", None)
        subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=True)
        made.append((folder / "out.pdf").read_bytes())
    assert made[0] == made[1] == data


def test_no_path_of_this_machine_is_in_the_file(data: bytes, inside: pikepdf.Pdf) -> None:
    streams = [obj.read_bytes() for obj in inside.objects if isinstance(obj, pikepdf.Stream)]
    assert not any(str(ROOT).encode() in content for content in (data, *streams))


# ---------------------------------------------------------------- refusals


def test_a_character_the_font_lacks_is_refused() -> None:
    with pytest.raises(pdf.PdfError) as caught:
        pdf.render(other(paragraph("Đã xong ✓")))
    assert caught.value.sentence == "Không xuất được PDF: phông Tinos không có ký tự này: ✓."
    assert "could not be displayed" in caught.value.diagnostic


def test_skipped_heading_levels_are_refused() -> None:
    with pytest.raises(pdf.PdfError, match="các đề mục phải liền cấp"):
        pdf.render(other(heading(2, "a", "I"), heading(4, "b", "a)")))


def test_a_figure_without_alt_is_refused() -> None:
    with pytest.raises(pdf.PdfError, match=r"Hình “Hình 1\. .*” chưa có lời mô tả \(alt\)\."):
        pdf.render(other(replace(figure(0), alt=" ")))


def test_a_table_too_wide_for_the_page_is_refused() -> None:
    table = replace(wide_table(), caption="Bảng rộng")
    wide = replace(table, columns=tuple(replace(column, label="Mười-ba-chữ-liền" * 2) for column in table.columns))
    with pytest.raises(pdf.PdfError, match="bảng “Bảng rộng” quá rộng so với trang") as caught:
        pdf.render(other(wide))
    assert "panicked" in caught.value.diagnostic


def test_a_row_with_a_cell_too_few_is_refused() -> None:
    table = replace(small_table(), rows=(TableRow("Xã", cells("1")),))
    with pytest.raises(pdf.PdfError, match="dòng “Xã” có 1 ô, bảng có 4 cột số liệu"):
        pdf.render(other(table))


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(
        pdf.PdfError, match=r"Không có mẫu thể thức “party_2030”\. Các mẫu hiện có: house_compact, party_2018"
    ):
        pdf.render(other(profile="party_2030"))


def test_a_wrong_date_is_refused() -> None:
    with pytest.raises(pdf.PdfError, match="Ngày của văn bản không đúng dạng"):
        pdf.render(replace_date("15/01/2024"))


def test_a_warning_of_the_typesetter_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    template = tmp_path / "report.typ"
    worse = '#set text(font: ("Không có", "Tinos"))\nThêm.\n'
    template.write_text(pdf.TEMPLATE.read_text(encoding="utf-8") + worse, encoding="utf-8")
    monkeypatch.setattr(pdf, "TEMPLATE", template)
    with pytest.raises(pdf.PdfError, match="trình dàn trang có cảnh báo") as caught:
        pdf.render(other(paragraph("Một.")))
    assert "unknown font family" in caught.value.diagnostic


# ---------------------------------------------------------------- fonts


def test_shipped_fonts_have_every_vietnamese_letter() -> None:
    from fontTools.ttLib import TTFont

    vowels = "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
    letters = {
        unicodedata.normalize("NFC", v + tone) for v in vowels for tone in ("", *"\u0300\u0301\u0303\u0309\u0323")
    }
    signs = set("đĐ–—…“”‘’•·×≥≤±−%°²³↑↓₫\u00a0")
    for face in ("Regular", "Bold", "Italic", "BoldItalic"):
        for kind in ("ttf", "woff2"):
            path = fonts.FONT_DIR / f"Tinos-{face}.{kind}"
            if kind == "ttf":
                assert not (letters | signs) - {chr(code) for code in TTFont(path).getBestCmap()}
            else:
                assert path.read_bytes().startswith(b"wOF2")


def test_css_carries_the_four_faces() -> None:
    css = fonts.woff2_css()
    assert css.count("@font-face") == 4
    assert re.findall(r"font-weight:(\d+);font-style:(\w+)", css) == [
        ("400", "normal"),
        ("700", "normal"),
        ("400", "italic"),
        ("700", "italic"),
    ]
    assert set(re.findall(r'url\("(.{22})', css)) == {"data:font/woff2;base64"}


# ---------------------------------------------------------------- validator


@pytest.mark.long
@pytest.mark.skipif(not VERAPDF.exists(), reason=f"needs the veraPDF check at {VERAPDF}")
@pytest.mark.parametrize("date", ["2024-01-15", None])
def test_verapdf_passes_both_standards(tmp_path: Path, date: str | None) -> None:
    path = tmp_path / "mẫu.pdf"
    path.write_bytes(pdf.render(replace_date(date)))
    result = subprocess.run([VERAPDF, "ua1,2a", path], capture_output=True, encoding="utf-8", check=False)
    lines = [line.split()[:2] for line in result.stdout.splitlines() if line.startswith(("PASS", "FAIL", "ERR"))]
    assert lines == [["PASS", "ua1"], ["PASS", "2a"]], result.stdout + result.stderr
