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

from danvan.publish import fonts, pdf
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

ROOT = Path(__file__).resolve().parent.parent
VERAPDF = ROOT.parent / "shared" / "tools" / "verapdf" / "check"

TITLE = "Báo cáo kết quả phối hợp công tác dân vận năm 2023"
MARKS = ("DỰ THẢO", "Số liệu cấp quận, huyện là số liệu minh họa")
UNITS = (
    "Hồng Bàng", "Ngô Quyền", "Lê Chân", "Hải An", "Kiến An", "Đồ Sơn", "Dương Kinh", "Thủy Nguyên",
    "An Dương", "An Lão", "Kiến Thụy", "Tiên Lãng", "Vĩnh Bảo", "Cát Hải", "Bạch Long Vĩ",
)  # fmt: skip
MM = 72 / 25.4

# ---------------------------------------------------------------- the sample


def words(text: str) -> Text:
    return Text(text)


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
        "Công an thành phố đăng tải 1.482 tin, bài, phóng sự trên Cổng thông tin điện tử, 96 chuyên mục “Vì an ninh Tổ "
        "quốc” trên Đài Phát thanh và Truyền hình, 24 trang chuyên đề trên Báo An ninh Hải Phòng; các tài khoản mạng "
        "xã hội chính thức đạt trên 15 triệu lượt tiếp cận; 100% công an quận, huyện duy trì trang thông tin riêng, "
        "phản hồi 2.317 câu hỏi, góp ý của người dân trong vòng 24 giờ.",
    ),
    3: (
        "Ban Dân vận Thành ủy phát hành 04 số bản tin công tác dân vận với 4.800 cuốn.",
        "Mở 06 lớp bồi dưỡng nghiệp vụ cho 1.250 cán bộ; trang thông tin điện tử đăng 532 tin, bài.",
    ),
    4: (
        "Nhân dân cung cấp 4.342 tin, trong đó 3.156 tin có giá trị (đạt 72,7%), giúp lực lượng Công an làm rõ 1.204 vụ, "
        "bắt 1.873 đối tượng; vận động 32 đối tượng truy nã ra đầu thú; cảm hóa, giáo dục 418 người lầm lỗi tại cộng "
        "đồng; thu hồi 1.204,5 kg pháo, 72 khẩu súng, 201.483 viên đạn và nhiều vật liệu nổ, công cụ hỗ trợ khác.",
    ),
    5: ("Tổ chức 217 diễn đàn “Công an lắng nghe ý kiến Nhân dân”; đường dây nóng 818.131.131 tiếp nhận 1.105 cuộc gọi.",),
    6: ("Tiếp 3.214 lượt công dân, nhận 2.806 đơn, giải quyết 2.691 đơn thuộc thẩm quyền (đạt 95,9%).",),
    7: (
        "Toàn thành phố đăng ký 1.612 mô hình “Dân vận khéo”, gồm 548 mô hình kinh tế, 472 mô hình văn hóa - xã hội, "
        "371 mô hình quốc phòng - an ninh và 221 mô hình xây dựng hệ thống chính trị. Lực lượng Công an duy trì 286 mô "
        "hình, xây dựng mới 64 mô hình, nhân rộng 41 mô hình, rà soát 118 mô hình, đưa ra khỏi danh sách 09 mô hình.",
    ),
    8: ("Theo Quy chế ban hành kèm theo Quyết định số 446-QĐ/TU, ngày 26/11/2021.",),
}  # fmt: skip


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
    ("Hình 1. Số mô hình “Dân vận khéo” theo quận, huyện năm 2023", "Biểu đồ thanh: số mô hình của 15 quận, huyện."),
    ("Hình 2. Số mô hình được công nhận, 2015 - 2023", "Biểu đồ đường: số mô hình tăng dần từ năm 2015 đến năm 2023."),
    ("Hình 3. Tin Nhân dân cung cấp theo quận, huyện", "Biểu đồ thanh: số tin của từng quận, huyện, cao nhất là Lê Chân."),
    ("Hình 4. Lượt công dân được tiếp, 2015 - 2023", "Biểu đồ đường: lượt tiếp công dân theo năm."),
)  # fmt: skip


def figure(index: int) -> Figure:
    caption, alt = FIGURES[index]
    return Figure(f"hinh-{index + 1}", caption, alt, chart(index), b"")


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


WIDE_HEADS = (
    ("Tin Nhân dân cung cấp", "An ninh trật tự"), ("Tin có giá trị", "An ninh trật tự"), ("Số vụ làm rõ", "An ninh trật tự"),
    ("Đối tượng truy nã ra đầu thú", "An ninh trật tự"), ("Pháo thu hồi (kg)", "Vũ khí, vật liệu nổ"),
    ("Súng thu hồi (khẩu)", "Vũ khí, vật liệu nổ"), ("Đạn thu hồi (viên)", "Vũ khí, vật liệu nổ"), ("Diễn đàn lắng nghe ý kiến", ""),
    ("Lượt công dân được tiếp", "Tiếp dân, đơn thư"), ("Đơn nhận", "Tiếp dân, đơn thư"), ("Đơn giải quyết", "Tiếp dân, đơn thư"),
    ("Mô hình đăng ký", "“Dân vận khéo”"), ("Mô hình công nhận", "“Dân vận khéo”"), ("Mô hình nhân rộng", "“Dân vận khéo”"),
)  # fmt: skip


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
        columns=tuple(Column(label, group) for label, group in WIDE_HEADS),
        rows=tuple(rows),
        notes=("Dấu “-”: không thuộc diện báo cáo. Số liệu từng quận, huyện là số liệu minh họa.",),
    )


PROSE = (
    "Hai cơ quan thường xuyên trao đổi thông tin, thống nhất nội dung, phân công rõ trách nhiệm của từng đơn vị; việc giao "
    "ban định kỳ được duy trì đều đặn, kịp thời tháo gỡ khó khăn ngay từ cơ sở, nhất là ở các địa bàn đang giải phóng "
    "mặt bằng, khu công nghiệp và vùng có đông đồng bào theo tôn giáo."
)  # fmt: skip


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
            "Thực hiện Kế hoạch số 95-KH/BDVTU-CATP, ngày 16/01/2023 của Ban Dân vận Thành ủy và Công an thành phố về phối "
            "hợp công tác dân vận năm 2023; hai cơ quan báo cáo kết quả thực hiện như sau:"
        ),
        heading(2, "phan-1", "I. CÔNG TÁC THAM MƯU, LÃNH ĐẠO, CHỈ ĐẠO"),
        paragraph(
            "Có ", value("14/15"), " quận, huyện ký kết kế hoạch phối hợp (", Strong((value("93,3%"),)), "); "
            "Ban Dân vận Thành ủy chủ trì kiểm tra tại 02 địa phương", mark(1), ". ", PROSE
        ),
        paragraph(PROSE, " Chủ đề năm được cụ thể hóa thành chương trình công tác của từng đơn vị."),
        heading(2, "phan-2", "II. KẾT QUẢ PHỐI HỢP"),
        heading(3, "phan-2-1", "1. Tuyên truyền chủ trương, đường lối của Đảng"),
        paragraph("Công tác tuyên truyền được đổi mới cả về nội dung và hình thức", mark(2), ". ", PROSE),
        ListBlock(
            ordered=False,
            items=(
                (paragraph("Chỉ thị số 33/CT-TTg, ngày 26/11/2021 của Thủ tướng Chính phủ về tiếp tục tăng cường và đổi mới "
                           "công tác dân vận của cơ quan hành chính nhà nước, chính quyền các cấp;"),),
                (paragraph("Chỉ thị số 07-CT/TU, ngày 08/9/2021 của Ban Thường vụ Thành ủy;"),),
                (paragraph("Các hình thức tuyên truyền:"), ListBlock(False, (
                    (paragraph("Hội nghị, đối thoại trực tiếp tại cơ sở, nói chuyện chuyên đề với cán bộ, hội viên và Nhân dân các tổ dân phố;"),),
                    (paragraph("Hệ thống truyền thanh của xã, phường."),),
                ))),
            ),
        ),
        paragraph("Ban Dân vận Thành ủy đẩy mạnh thông tin, bồi dưỡng nghiệp vụ", mark(3), "."),
        figure(0),
        heading(3, "phan-2-2", "2. Trao đổi thông tin, nắm tình hình Nhân dân"),
        paragraph(PROSE, " Nhân dân tích cực tham gia phong trào", mark(4), "."),
        figure(1),
        heading(3, "phan-2-3", "3. Thực hiện dân chủ ở cơ sở, cải cách hành chính"),
        paragraph("Việc lấy ý kiến Nhân dân được thực hiện nền nếp", mark(5), "; công tác tiếp dân có nhiều tiến bộ", mark(6), ". ", PROSE),
        small_table(),
        paragraph(PROSE),
        heading(3, "phan-2-4", "4. Phong trào thi đua “Dân vận khéo”"),
        paragraph("Phong trào lan tỏa rộng khắp", mark(7), ", xem ", Link("#bieu-01", (Text("Biểu số 01"),)), ". ", PROSE),
        section_table(),
        figure(2),
        paragraph(PROSE, " ", PROSE),
        figure(3),
        heading(2, "phan-3", "III. ĐÁNH GIÁ CHUNG"),
        paragraph("Công tác phối hợp đạt kết quả toàn diện. ", PROSE),
        ListBlock(ordered=True, items=(
            (paragraph("Nội dung phối hợp có mặt chưa cụ thể, còn theo chức năng riêng của từng cơ quan, chưa thật sự gắn với đặc điểm của từng địa bàn."),),
            (paragraph("Một số nơi triển khai còn chậm."),),
        )),
        heading(2, "phan-4", "IV. NHIỆM VỤ TRỌNG TÂM NĂM 2024"),
        paragraph("Tiếp tục thực hiện Quy chế công tác dân vận của hệ thống chính trị", mark(8), ". ", PROSE),
        paragraph(PROSE),
        paragraph("Trên đây là kết quả phối hợp năm 2023 và nhiệm vụ trọng tâm năm 2024./."),
        Closing(
            distribution=(
                Recipient(("Ban Dân vận Trung ương", "Bộ Công an", "Thường trực Thành ủy", "Lãnh đạo UBND thành phố"), "để b/c"),
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
    )  # fmt: skip


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
