"""Where two files first differ, for each kind of file that a report has: the place and both, in one short sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import matplotlib.image
import numpy as np
import openpyxl
import pikepdf
import pytest

from danvan.publish.unlike import first
from danvan.store import zipped


def js(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()


def book(change: Callable[[openpyxl.Workbook], object] = lambda _: None) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.worksheets[0].title = "Số liệu"
    made.worksheets[0].append(["Đơn vị", "Tin"])
    made.worksheets[0].append(["Hồng Bàng", 412])
    made.properties.creator = "danvan"
    change(made)
    made.save(out)
    with zipfile.ZipFile(out) as packed:
        return zipped({n: packed.read(n) for n in packed.namelist() if "core" not in n})


def put(ref: str, value: object) -> Callable[[openpyxl.Workbook], None]:
    def change(made: openpyxl.Workbook) -> None:
        made.worksheets[0][ref] = value

    return change


def in_percent(made: openpyxl.Workbook) -> None:
    made.worksheets[0]["B2"].number_format = "0%"


def in_bold(made: openpyxl.Workbook) -> None:
    made.worksheets[0]["B2"].font = openpyxl.styles.Font(bold=True)


def paper(*pages: str, more: bytes = b"", author: str = "") -> bytes:
    document, out = pikepdf.new(), io.BytesIO()
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    for text in pages:
        page = document.add_blank_page(page_size=(200, 100))
        page.Contents = document.make_stream(b"BT /F1 12 Tf 10 50 Td (%s) Tj ET " % text.encode() + more)
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
    if author:
        document.docinfo["/Author"] = author
    document.save(out, deterministic_id=True)
    return out.getvalue()


def picture(width: int = 5, *dots: tuple[int, int]) -> bytes:
    pixels, out = np.ones((4, width, 4)), io.BytesIO()
    for row, column in dots:
        pixels[row, column, 0] = 0
    matplotlib.image.imsave(out, pixels, format="png")
    return out.getvalue()


LONG = "Nhân dân cung cấp 4.342 tin, trong đó có 2.017 tin có giá trị phục vụ công tác."
ALONE = "nội dung đọc ra như nhau, chỉ khác cách ghi từng byte"
PARTS = {"word/document.xml": "<w:t>Hải Phòng</w:t>".encode(), "word/media/a.png": b"\x89\xff\x00"}


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "a.html",
            f"<p>\n<b>{LONG}</b>".encode(),
            f"<p>\n<b>{LONG.replace('4.342', '4.343')}</b>".encode(),
            "dòng 2: bản đã có “…ung cấp 4.342 tin, trong đó có 2.017 tin…”, "
            "bản lập lại “…ung cấp 4.343 tin, trong đó có 2.017 tin…”",
        ),
        ("a.md", b"a\nb", b"a", "dòng 2: bản đã có “b”, bản lập lại không có"),
        ("a.svg", b"<path d='M 1.5'/>", b"<path d='M 1.6'/>", "dòng 1: bản đã có “<path d='M 1.5'/>”, "
         "bản lập lại “<path d='M 1.6'/>”"),
        ("a.md", b"a\r\n", b"a\n", r"dòng 1: bản đã có “a\r”, bản lập lại “a”"),
        ("a.md", b"", b"a", "bản đã có rỗng (0 byte)"),
        ("a.html", b"a\xff", b"ab", "không phải văn bản UTF-8; "
         "khác từ byte thứ 2 (bản đã có 2 byte, bản lập lại 2 byte)"),
        (
            "a.csv",
            "\ufeffĐơn vị;Tin\r\nAn Lão;1\r\n".encode(),
            "\ufeffĐơn vị;Tin\r\nAn Lão;2\r\n".encode(),
            "dòng 2, cột 2 (“Tin”): bản đã có “1”, bản lập lại “2”",
        ),
        ("a.csv", b"a;b\n1;2\n", b"a;b\n", "dòng 2: bản đã có “1;2”, bản lập lại không có"),
        ("a.csv", b"a,b\n1,2\n", b"a,b\n1\n", "dòng 2, cột 2 (“b”): bản đã có “2”, bản lập lại không có"),
        ("a.csv", b'a;"b"\n', b"a;b\n", ALONE),
        (
            "trace.json",
            js({"printed": [{"text": "x"}, {"text": "412", "id": 1}]}),
            js({"printed": [{"text": "x"}, {"text": "413", "id": 1}]}),
            "printed[1].text: bản đã có “412”, bản lập lại “413”",
        ),
        ("a.json", js({"a": 1}), js({"a": 1.0}), "a: bản đã có “1”, bản lập lại “1.0”"),
        ("a.json", js({"a": True}), js({"a": 1}), "a: bản đã có “true”, bản lập lại “1”"),
        ("a.json", js({"a": None}), js({}), "a: bản đã có “null”, bản lập lại không có"),
        ("a.json", js([1]), js([1, 2]), "[1]: bản đã có không có, bản lập lại “2”"),
        ("a.json", js(1), js(2), "toàn bộ: bản đã có “1”, bản lập lại “2”"),
        ("a.json", b'{"a": 1}', b'{"a":1}', ALONE),
        ("a.json", b"{", b"[", "không đọc được như JSON; khác từ byte thứ 1 (bản đã có 1 byte, bản lập lại 1 byte)"),
        (
            "notebook.ipynb",
            js({"cells": [{"source": ["a"]}, {"source": ["a\n", "b"]}], "metadata": {}}),
            js({"cells": [{"source": ["a"]}, {"source": ["a\n", "c"]}], "metadata": {}}),
            "ô thứ 2, source[1]: bản đã có “b”, bản lập lại “c”",
        ),
        (
            "notebook.ipynb",
            js({"cells": [], "metadata": {"kernel": "a"}}),
            js({"cells": [], "metadata": {"kernel": "b"}}),
            "metadata.kernel: bản đã có “a”, bản lập lại “b”",
        ),
        ("a.xlsx", book(), book(put("B2", 413)), "trang tính “Số liệu”, ô B2: bản đã có “412”, bản lập lại “413”"),
        ("a.xlsx", book(), book(put("C2", "x")), "trang tính “Số liệu”, ô C2: bản đã có không có, bản lập lại “x”"),
        (
            "a.xlsx",
            book(),
            book(put("B2", "412")),
            "trang tính “Số liệu”, ô B2, kiểu dữ liệu: bản đã có “n”, bản lập lại “s”",
        ),
        (
            "a.xlsx",
            book(),
            book(in_percent),
            "trang tính “Số liệu”, ô B2, định dạng số: bản đã có “General”, bản lập lại “0%”",
        ),
        ("a.xlsx", book(), book(lambda made: made.create_sheet("B")),
         "trang tính: bản đã có không có, bản lập lại “B”"),
        ("a.xlsx", b"PK", book(), "không mở được như tệp nén Office; khác từ byte thứ 3 (bản đã có 2 byte, "
         f"bản lập lại {len(book())} byte)"),
        (
            "a.docx",
            zipped(PARTS),
            zipped(PARTS | {"word/document.xml": "<w:t>Hải Dương</w:t>".encode()}),
            "phần word/document.xml: bản đã có “<w:t>Hải Phòng</w:t>”, bản lập lại “<w:t>Hải Dương</w:t>”",
        ),
        (
            "a.docx",
            zipped(PARTS),
            zipped(PARTS | {"word/media/a.png": b"\x89\xfe\x00"}),
            "phần word/media/a.png: khác từ byte thứ 2 (bản đã có 3 byte, bản lập lại 3 byte)",
        ),
        ("a.docx", zipped(PARTS | {"a.xml": b""}), zipped(PARTS), "phần a.xml: chỉ có trong bản đã có"),
        (
            "a.docx",
            zipped(PARTS),
            zipped(dict(reversed(PARTS.items()))),
            "thứ tự các phần trong tệp nén khác nhau",
        ),
        ("a.pdf", paper("mot", "hai"), paper("mot", "ba"), "trang 2: bản đã có “hai”, bản lập lại “ba”"),
        ("a.pdf", paper("mot", "hai"), paper("mot"), "trang 2: chỉ có trong bản đã có"),
        ("a.pdf", paper("mot"), paper("mot", more=b"0 0 90 9 re f"), "trang 1: chữ như nhau, hình vẽ khác"),
        ("a.pdf", paper("mot"), paper("mot", author="x"), ALONE),
        ("a.png", picture(5), picture(6), "kích thước: bản đã có “5×4”, bản lập lại “6×4”"),
        ("a.png", picture(5), picture(5, (2, 3), (3, 0)), "2 điểm ảnh khác, điểm đầu tiên ở cột 4, hàng 3"),
    ],
)  # fmt: skip
def test_first(name: str, old: bytes, new: bytes, said: str) -> None:
    assert first(name, old, new) == said
    assert len(said) < 240


@pytest.mark.parametrize("name", ["a.html", "a.json", "a.xlsx", "a.docx", "a.pdf", "a.png", "a.csv", "a"])
def test_the_same(name: str) -> None:
    assert first(name, b"\x00\xff", b"\x00\xff") is None


def test_styles_alone() -> None:
    """Cells agree in value and number format: the part says it."""
    said = str(first("a.xlsx", book(), book(in_bold)))
    assert said.startswith("phần xl/worksheets/sheet1.xml: bản đã có “")
    assert 's="1"' in said


@pytest.mark.parametrize("kind", ["html", "json", "ipynb", "csv", "xlsx", "docx", "pdf", "png", "svg"])
def test_a_torn_file_is_told_by_its_bytes(kind: str) -> None:
    """Whatever lies there, it is a sentence, never an exception."""
    whole = {"xlsx": book(), "docx": zipped(PARTS), "pdf": paper("mot"), "png": picture()}.get(kind, js({"cells": [1]}))
    for torn in (whole[: len(whole) // 2], b"\xff" + whole, whole[:-9] + bytes(9)):
        said = first(f"a.{kind}", whole, torn)
        assert said
        assert len(said) < 240


def test_a_zip_that_unpacks_without_end_is_not_unpacked() -> None:
    bomb = zipped({f"{n}.xml": bytes(90_000_000) for n in range(5)})
    said = first("a.docx", zipped(PARTS), bomb)
    assert str(said).startswith("giải nén ra quá lớn; khác từ byte thứ ")
