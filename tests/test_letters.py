"""The letters to the units: read back as Markdown and as Word files, and (long) opened in LibreOffice."""

from __future__ import annotations

import io
import re
import subprocess
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import mistune
import pytest
import troubled
from bs4 import BeautifulSoup

from danvan import status
from danvan.intake.findings import Finding
from danvan.intake.year import Year
from danvan.publish import letters
from danvan.status import Standing

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
COPY = "Hồng Bàng - cần sửa.xlsx"


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    return troubled.make(tmp_path_factory.mktemp("năm"))


def standing(year: Year, name: str) -> Standing:
    (found,) = (s for s in status.standings(year, troubled.received(year)) if s.unit.name == name)
    return found


def letter(year: Year, name: str, copy: str = "") -> str:
    return letters.markdown(year, standing(year, name), copy=copy)


def opened(year: Year, unit: str) -> list[Finding]:
    return [f for f in status.points(year)[unit] if f.is_open]


def html(text: str) -> BeautifulSoup:
    """The letter as another reader of Markdown sees it, raw HTML let through."""
    return BeautifulSoup(str(mistune.create_markdown(escape=False, plugins=["table", "url"])(text)), "html.parser")


def words(text: str) -> str:
    return " ".join(text.split())


def part(docx: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        return archive.read(name).decode()


def in_word(docx: bytes) -> str:
    """All that stands in a Word file, paragraph by paragraph."""
    body = ElementTree.fromstring(part(docx, "word/document.xml"))
    return words("\n".join("".join(t.text or "" for t in p.iter(f"{W}t")) for p in body.iter(f"{W}p")))


SHAPES: dict[str, Callable[[str], str]] = {
    "md": lambda text: words(html(text).get_text(" ")),
    "docx": lambda text: in_word(letters.docx(text)),
}


@pytest.fixture(params=SHAPES)
def read(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A letter as it is read, in either shape."""
    return SHAPES[request.param]


# ---------------------------------------------------------------- what it says


def test_it_names_the_deadline_the_counts_and_every_point(year: Year, read: Callable[[str], str]) -> None:
    said = read(letter(year, "Hồng Bàng", COPY))
    assert "Ban Dân vận Quận ủy Hồng Bàng; - Công an quận Hồng Bàng." in said
    assert "của quận Hồng Bàng (tệp “Hồng Bàng.xlsx”, nhận ngày 05/12/2023)" in said
    assert "phiếu còn 2 điểm phải sửa và 1 điểm cần xác nhận hoặc giải trình" in said
    assert "chậm nhất ngày 20/12/2023" in said
    for finding in opened(year, "Quận Hồng Bàng"):
        name = year.catalogue.by_code[finding.indicator].name
        assert f"Trang “{finding.cell.sheet}”, ô {finding.cell.ref}: {name}" in said
        for told in (finding.found, finding.reason, finding.remedy):
            assert words(told) in said
        assert (finding.id in said) == (finding.severity == "warning"), "what is to be mended has no code"
    assert "không đặt mật khẩu" in said
    assert f"tệp “{COPY}”" in said
    assert "Phiếu minh họa: số liệu trong phiếu không phải số liệu thật" in said


def test_date_number_and_signature_are_left_open(year: Year, read: Callable[[str], str]) -> None:
    said = read(letter(year, "Hồng Bàng"))
    assert "Hải Phòng, ngày ..... tháng ..... năm ........" in said
    assert "Số ........-CV/BDVTU-CATP" in said
    assert "BAN DÂN VẬN THÀNH ỦY - CÔNG AN THÀNH PHỐ" in said
    assert "Gửi kèm" not in said, "there is no copy"


def test_a_warning_alone_asks_for_an_answer_only(year: Year, read: Callable[[str], str]) -> None:
    said = read(letter(year, "Lê Chân"))
    assert "phải sửa" not in said
    assert "nêu mã của điểm ấy" in said


def test_an_answered_point_is_not_asked_again(year: Year) -> None:
    answered = [f for f in year.findings if f.answer]
    assert [f.unit for f in answered] == ["Quận Hải An"]
    assert not any(answered[0].id in letter(year, s) for s in ("Hồng Bàng", "Lê Chân", "Thủy Nguyên"))


def test_who_has_sent_nothing_is_reminded(year: Year, read: Callable[[str], str]) -> None:
    said = read(letter(year, "An Lão"))
    assert "V/v nhắc gửi phiếu số liệu năm 2023" in said
    assert "Đến nay chưa nhận được phiếu số liệu phối hợp công tác dân vận năm 2023 của huyện An Lão." in said
    assert "chậm nhất ngày 20/12/2023" in said
    assert "điểm phải sửa" not in said


def test_a_refused_file_is_to_be_sent_again(year: Year, read: Callable[[str], str]) -> None:
    said = read(letter(year, "Đồ Sơn"))
    assert "V/v gửi lại phiếu số liệu năm 2023" in said
    assert "(tệp “Đồ Sơn.xlsx”, nhận ngày 05/12/2023) bị trả lại vì các điểm dưới đây" in said
    (finding,) = opened(year, "Quận Đồ Sơn")
    assert f"{finding.reason} Cần làm: {finding.remedy}" in said


def test_data_about_a_person_is_spoken_of_but_not_shown(year: Year, read: Callable[[str], str]) -> None:
    said = read(letter(year, "Kiến An"))
    assert "Trong tệp có dữ liệu về từng người" in said
    assert "(không nêu lại)" in said
    for secret in ("0912", "Bình", "Gọi ông"):
        assert secret not in said


def test_the_city_offices_are_addressed_by_their_names(year: Year) -> None:
    city = standing(year, "Khối thành phố")
    asked = Standing(city.unit, city.files, "missing", 0, 0, 0, city.completeness, None)
    assert "Ban Dân vận Thành ủy; - Công an thành phố." in SHAPES["md"](letters.markdown(year, asked))


# ---------------------------------------------------------------- what it may do


def test_hostile_text_is_text(year: Year, read: Callable[[str], str]) -> None:
    assert troubled.HOSTILE in read(letter(year, "Hồng Bàng"))


def test_markdown_holds_nothing_live(year: Year) -> None:
    page = html(letter(year, "Hồng Bàng"))
    assert {tag.name for tag in page.find_all()} <= {
        *("table", "thead", "tbody", "tr", "th", "td", "p", "em", "strong", "h2", "ul", "li")
    }
    plain = letter(year, "Hồng Bàng").replace("\\", "")
    assert "{{" in plain
    assert "{{" not in letter(year, "Hồng Bàng"), "nor for a template"
    assert not page.select('[style*="url"], [onclick]')


def test_the_word_file_holds_nothing_live(year: Year) -> None:
    docx = letters.docx(letter(year, "Hồng Bàng"))
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {
        *("[Content_Types].xml", "_rels/.rels", "docProps/app.xml", "docProps/core.xml", "docProps/custom.xml"),
        *(f"word/{name}.xml" for name in ("document", "styles", "settings", "webSettings", "fontTable", "numbering")),
        *("word/header1.xml", "word/footnotes.xml", "word/comments.xml", "word/theme/theme1.xml"),
        *("word/_rels/document.xml.rels", "word/_rels/footnotes.xml.rels"),
    }
    for name, text in texts.items():
        ElementTree.fromstring(text)
        assert 'TargetMode="External"' not in text, name
    body = texts["word/document.xml"]
    assert not re.findall(r"<w:(hyperlink|fldSimple|instrText|fldChar|drawing|pict|object|altChunk)\b", body)
    assert re.findall(r'w:instr="(.*?)"', texts["word/header1.xml"]) == ["PAGE"]


def test_an_image_in_markdown_is_not_fetched_into_the_word_file(tmp_path: Path) -> None:
    secret = tmp_path / "bí mật.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n")
    with zipfile.ZipFile(io.BytesIO(letters.docx(f"![x]({secret}) ![y](http://127.0.0.1:9/y.png)"))) as archive:
        assert not [name for name in archive.namelist() if "media" in name]


# ---------------------------------------------------------------- the file


def test_the_same_letter_gives_the_same_bytes_whatever_the_clock(
    year: Year, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = letter(year, "Hồng Bàng", COPY)
    first = letters.docx(text)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.chdir(tmp_path)
    assert letters.docx(text) == first
    assert "dcterms" not in part(first, "docProps/core.xml").split(">", 2)[2]
    assert unicodedata.is_normalized("NFC", text)


def test_the_word_file_is_a_vietnamese_a4_letter_in_times(year: Year) -> None:
    docx = letters.docx(letter(year, "Hồng Bàng"))
    styles, body = part(docx, "word/styles.xml"), part(docx, "word/document.xml")
    defaults = re.findall(r"<w:docDefaults>.*?</w:docDefaults>", styles, re.DOTALL)[0]
    assert 'w:ascii="Times New Roman"' in defaults
    assert re.search(r'<w:sz w:val="28" ?/>', defaults)
    assert re.search(r'<w:lang[^>]* w:val="vi-VN"', defaults)
    page = ElementTree.fromstring(body).find(f".//{W}sectPr")
    assert page is not None
    size, margins = page.find(f"{W}pgSz"), page.find(f"{W}pgMar")
    assert size is not None
    assert margins is not None
    assert (size.get(f"{W}w"), size.get(f"{W}h")) == ("11906", "16838")
    sides = [round(int(margins.get(f"{W}{side}") or 0) / 56.7) for side in ("top", "right", "bottom", "left")]
    assert sides == [20, 15, 20, 30]


def test_tables_of_points_have_borders_and_repeat_their_heads(year: Year) -> None:
    docx = letters.docx(letter(year, "Hồng Bàng"))
    found = []
    for table in ElementTree.fromstring(part(docx, "word/document.xml")).iter(f"{W}tbl"):
        style = table.find(f"./{W}tblPr/{W}tblStyle")
        assert style is not None
        heads = len(table.findall(f".//{W}tblHeader"))
        found.append((style.get(f"{W}val"), heads, len(table.findall(f"./{W}tr"))))
    assert found == [("Lines", 0, 4), ("Lines", 0, 2), ("Table", 1, 3), ("Table", 1, 2), ("Lines", 0, 4)]
    styles = part(docx, "word/styles.xml")
    (table_style,) = re.findall(r'<w:style [^>]*w:styleId="Table".*?</w:style>', styles, re.DOTALL)
    assert len(re.findall('w:val="single"', table_style)) == 6


@pytest.mark.long
def test_libreoffice_opens_it(year: Year, tmp_path: Path, needs_tool: Callable[..., str]) -> None:
    soffice = needs_tool("soffice", "libreoffice")
    (tmp_path / "thư.docx").write_bytes(letters.docx(letter(year, "Hồng Bàng")))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [soffice, profile, "--headless", "--convert-to", "txt:Text (encoded):UTF8", "--outdir", tmp_path]
    subprocess.run([*command, tmp_path / "thư.docx"], check=True, capture_output=True, timeout=180)
    said = words((tmp_path / "thư.txt").read_text(encoding="utf-8-sig"))
    assert troubled.HOSTILE in said
    assert "chậm nhất ngày 20/12/2023" in said
