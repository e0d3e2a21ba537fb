"""The HTML page: read back with a parser, and (long) opened in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup, Tag

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
from danvan.publish import html

ROOT = Path(__file__).resolve().parent.parent
DRAFT, ILLUSTRATIVE = "Dự thảo.", "Số liệu từng đơn vị là số liệu minh họa."
HOSTILE = (
    "<script>alert(1)</script> {{ 7*7 }} ![x](http://x.example/a.png) \"'--></style></title> url(http://x.example)"
)
FREE_TEXT = {"text", "caption", "alt", "corner", "label", "group", "superior", "name", "number", "place_date", "kind",
             "rank", "purpose", "title", "illustrative", "heading"}  # fmt: skip

# ---------------------------------------------------------------- the sample


def p(*children: Inline | str) -> Paragraph:
    return Paragraph(tuple(Text(c) if isinstance(c, str) else c for c in children))


def note(number: int) -> NoteMark:
    return NoteMark(number, (p(f"Nội dung chú thích số {number}."), p("Đoạn thứ hai, số ", Value("02", "y.two"), ".")))


def heading(level: int, id_: str, *children: Inline | str) -> Heading:
    return Heading(level, id_, p(*children).children)


def figure(id_: str) -> Figure:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="453.6pt" height="100pt" viewBox="0 0 453.6 100">'
        '<path d="M0 0L400 0L400 90z" fill="#2f7fb8"/></svg>'
    )
    return Figure(id_, f"Câu hỏi của {id_}?", f"Biểu đồ thanh {id_}: cao nhất là An Lão với 23,6.", svg)


def cells(*texts: str) -> tuple[TableCell, ...]:
    return tuple(TableCell(text) for text in texts)


KINDS = Table(
    "bang-1",
    "Bảng 1. Đủ loại ô",
    "Đơn vị",
    (Column("2022", "Số quy chế"), Column("2023", "Số quy chế"), Column("Tỷ lệ"), Column("Ghi chú", align="left")),
    (
        TableRow("Khối chính quyền", (), "section"),
        TableRow("Hồng Bàng", (*cells("1.214", "217", "100%"), TableCell("Đủ", "text")), "unit"),
        TableRow("Cát Hải", (TableCell("", "missing"), TableCell("–", "not_applicable"), TableCell("", "hidden"),
                             TableCell("Ghi chú dài để ô này phải xuống dòng ở màn hình hẹp.", "text"))),
        TableRow("Khối khác", (), "section"),
        TableRow("Doanh nghiệp", (*cells("402", "398", "99%"), TableCell("", "text"))),
        TableRow("Tổng", (*cells("1.616", "615", "99,5%"), TableCell("", "text")), "total"),
        TableRow("Năm 2022", (*cells("1.600", "600", "99%"), TableCell("", "text")), "last"),
        TableRow("Tăng, giảm", (*cells("+1%", "+2,5%", "+0,5"), TableCell("", "text")), "change"),
    ),
    ("“–”: không áp dụng.",),
)  # fmt: skip
WIDE = Table(
    "bieu-01",
    "Biểu số 01. Kết quả theo đơn vị",
    "Đơn vị",
    tuple(Column(f"Mô hình “Dân vận khéo” đăng ký, nội dung {i} (mô hình)") for i in range(14)),
    tuple(TableRow(f"Đơn vị thứ {i}", cells(*["201.483"] * 14), "unit") for i in range(20)),
)


def main_blocks() -> tuple[Block, ...]:
    return (
        TitleBlock(
            "Đảng Cộng sản Việt Nam",
            (Body("Thành ủy Hải Phòng", "Ban Dân vận Thành ủy"), Body("Bộ Công an", "Công an thành phố")),
            "Số ......-BC/BDVTU-CATP",
            "Hải Phòng, ngày ..... tháng ..... năm 2024",
            "Báo cáo",
            ("Kết quả phối hợp năm 2023;", "nhiệm vụ năm 2024"),
        ),
        p("Thực hiện Kế hoạch số 95-KH/BDVTU-CATP", note(1), ", xem ", Link("#bieu-01", (Text("Biểu số 01"),)), "."),
        heading(2, "i", "I. Công tác ", Emphasis((Text("tham mưu"),)), note(2)),
        heading(4, "i-a", "a) Hai cấp cùng lúc"),
        p("Có ", Strong((Value("14/15", "y.rate", ("2023/x",)),)), note(3), " và", note(4), Break(), "dòng sau."),
        ListBlock(True, ((p("Một", note(5)), ListBlock(False, ((p("Một gạch"),), (p("Hai gạch"),)))), (p("Hai"),))),
        figure("hinh-1"),
        figure("hinh-2"),
        heading(2, "ii", "II. Kết quả"),
        heading(3, "ii-1", "1. Tuyên truyền"),
        KINDS,
        p("Nguồn: ", Link("https://haiphong.gov.vn/", (Text("cổng thông tin"),)), ", ",
          Link("javascript:alert(1)", (Text("lối lạ"),)), ", ", Link("#khong-co", (Text("lối cụt"),)), note(6), "."),
        heading(3, "noi-dung", "2. Nội dung", note(7)),
        p("Nhắc lại chú thích", note(4), "./."),
        Closing(
            (Recipient(("Ban Dân vận Trung ương", "Bộ Công an"), "để b/c"), Recipient(("Lưu: BDVTU",))),
            (
                Signatory(("KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC"), "Đại tá", "Nguyễn Văn A", "state"),
                Signatory(("K/T TRƯỞNG BAN", "PHÓ TRƯỞNG BAN"), "", "", "party"),
            ),
        ),
    )  # fmt: skip


def sample() -> Document:
    annexes = (
        Part("annex", (heading(2, "phu-luc-i", "Phụ lục I", Break(), "Số liệu"), p("(Kèm theo Báo cáo)"), WIDE), True),
        Part("annex", (heading(2, "phu-luc-ii", "Phụ lục II"), heading(3, "bang-1", "1. Trùng id"), p("Hết."))),
    )
    meta = Meta("Báo cáo năm 2023", 2023, "public", "party_2018", ("Ban Dân vận", "Công an"), (DRAFT, ILLUSTRATIVE), ILLUSTRATIVE)  # fmt: skip # noqa: E501
    return Document(meta, (Part("main", main_blocks()), *annexes))


def poisoned(node: Any) -> Any:
    """The node with something hostile in every text that a person may type."""
    if isinstance(node, tuple):
        return tuple(f"{item} {HOSTILE}" if isinstance(item, str) else poisoned(item) for item in node)
    if not is_dataclass(node) or isinstance(node, type):
        return node
    values = {f.name: getattr(node, f.name) for f in fields(node)}
    code = {"kind"} if isinstance(node, Part | TableCell) else set()
    return replace(node, **{
        name: f"{value} {HOSTILE}" if isinstance(value, str) and value and name in FREE_TEXT - code else poisoned(value)
        for name, value in values.items()
    })  # fmt: skip


DOCUMENTS = {"plain": sample, "hostile": lambda: poisoned(sample())}


@cache
def text_of(name: str) -> str:
    return html.render(DOCUMENTS[name]())


@pytest.fixture(params=DOCUMENTS)
def text(request: pytest.FixtureRequest) -> str:
    return text_of(request.param)


@pytest.fixture
def page(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


def one(page: BeautifulSoup | Tag, selector: str) -> Tag:
    (found,) = page.select(selector)
    return found


def words(tag: Tag) -> str:
    return " ".join(tag.get_text().split())


# ---------------------------------------------------------------- the head, and what the page may do


def test_the_head_says_language_size_title_and_maker(page: BeautifulSoup) -> None:
    assert one(page, "html")["lang"] == "vi"
    assert one(page, "meta[charset]")["charset"] == "utf-8"
    assert one(page, "meta[name=viewport]")["content"] == "width=device-width, initial-scale=1"
    assert one(page, "meta[name=generator]")["content"] == "danvan"
    assert one(page, "title").get_text().startswith("Báo cáo năm 2023")
    assert "Báo cáo năm 2023" in one(page, "meta[name=description]")["content"]


def test_the_policy_allows_this_stylesheet_this_script_and_embedded_files_only(page: BeautifulSoup) -> None:
    style, script = (
        base64.b64encode(hashlib.sha256((one(page, name).string or "").encode()).digest()).decode()
        for name in ("style", "script")
    )
    assert one(page, "meta[http-equiv]")["content"] == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not page.select("[style]"), "the policy forbids style attributes"


def test_nothing_is_run_but_the_one_script_and_nothing_is_fetched(page: BeautifulSoup) -> None:
    assert one(page, "script").string == (ROOT / "danvan/publish/report.js").read_text(encoding="utf-8")
    assert one(page, "script").attrs == {}
    active = "link, iframe, object, embed, form, base, svg, meta[http-equiv=refresh], video, audio"
    assert not page.select(active)
    assert not [name for tag in page.find_all() for name in tag.attrs if name.startswith("on")]
    assert {tag["src"][:5] for tag in page.select("[src]")} == {"data:"}
    assert not page.select("[srcset], [background], [ping], [poster]")
    style = one(page, "style").get_text()
    assert "@import" not in style
    assert set(re.findall(r"url\(\W?(\w+:?)", style)) == {"data:"}


def test_links_lead_to_the_web_or_to_this_page(page: BeautifulSoup) -> None:
    ids = {tag["id"] for tag in page.select("[id]")}
    hrefs = [tag["href"] for tag in page.select("[href]")]
    assert [href for href in hrefs if href.startswith("#") and href[1:] not in ids] == []
    assert {href for href in hrefs if not href.startswith("#")} == {"https://haiphong.gov.vn/"}
    assert "lối cụt" in words(page)
    assert "lối lạ" in words(page)


def test_hostile_text_is_text() -> None:
    page = BeautifulSoup(text_of("hostile"), "html.parser")
    said = Counter(re.findall(re.escape(HOSTILE), page.get_text()))[HOSTILE]
    plain = BeautifulSoup(text_of("plain"), "html.parser")
    shape = [tag.name for tag in plain.find_all() if tag.name != "span"]
    assert [tag.name for tag in page.find_all() if tag.name != "span"] == shape
    assert said > 120
    assert "49" not in words(one(page, "h1"))


# ---------------------------------------------------------------- draft, illustrative


def test_what_is_illustrative_is_said_in_the_head_and_in_sight() -> None:
    page = BeautifulSoup(text_of("plain"), "html.parser")
    assert one(page, 'meta[name="danvan:draft"]')["content"] == DRAFT
    assert one(page, 'meta[name="danvan:illustrative"]')["content"] == ILLUSTRATIVE
    assert words(one(page, "aside.marks")) == f"{DRAFT} {ILLUSTRATIVE}"
    assert ILLUSTRATIVE in one(page, "meta[name=description]")["content"]
    foot = re.search(r'@bottom-center\{content:"(.*)"\}', one(page, "style").get_text())
    assert foot is not None
    assert re.sub(r"\\([0-9a-f]+) ", lambda m: chr(int(m[1], 16)), foot[1]) == f"{DRAFT} {ILLUSTRATIVE}"


def test_a_report_on_real_data_says_nothing_of_it() -> None:
    document = sample()
    text = html.render(replace(document, meta=replace(document.meta, marks=(), illustrative="")))
    page = BeautifulSoup(text, "html.parser")
    assert not page.select('aside, .draft, meta[name="danvan:draft"], meta[name="danvan:illustrative"]')
    assert "@bottom-center{content" not in text
    assert "minh họa" not in words(page).replace(KINDS.caption, "")


# ---------------------------------------------------------------- structure


def test_landmarks_stand_once_and_the_skip_link_leads_to_main(page: BeautifulSoup) -> None:
    for name in ("header", "nav", "main", "footer", "h1"):
        one(page, name)
    first = page.select("a")[0]
    assert words(first) == "Đến nội dung chính"
    assert first["href"] == f"#{one(page, 'main')['id']}"


def test_headings_skip_no_level(page: BeautifulSoup) -> None:
    levels = [int(tag.name[1]) for tag in page.select("h1, h2, h3, h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [words(tag)[:5] for tag in page.select("h3")][:1] == ["a) Ha"], "a level 4 under a level 2 becomes a 3"


def test_ids_are_unique_and_every_reference_resolves(page: BeautifulSoup) -> None:
    ids = [tag["id"] for tag in page.select("[id]")]
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    assert {tag["aria-labelledby"] for tag in page.select("[aria-labelledby]")} <= set(ids)


def test_the_contents_list_all_sections_in_order() -> None:
    page = BeautifulSoup(text_of("plain"), "html.parser")
    assert [words(tag) for tag in page.select("nav a")] == [
        "I. Công tác tham mưu", "a) Hai cấp cùng lúc", "II. Kết quả", "1. Tuyên truyền", "2. Nội dung", "Chú thích",
        "Phụ lục I Số liệu", "Phụ lục II", "1. Trùng id",
    ]  # fmt: skip
    for link in page.select("nav a"):
        target = one(page, f'[id="{link["href"][1:]}"]')
        assert target.name in ("h2", "h3")
    assert one(page, "nav > details > summary").get_text() == "Mục lục"


def test_annexes_are_sections_and_wide_ones_lie_across_the_paper() -> None:
    page = BeautifulSoup(text_of("plain"), "html.parser")
    assert [tag["class"] for tag in page.select("main > section")] == [
        ["main"], ["notes"], ["annex", "landscape"], ["annex"],
    ]  # fmt: skip
    assert "size: A4 landscape" in one(page, "style").get_text()


def test_a_link_to_an_id_used_twice_leads_to_the_first() -> None:
    page = BeautifulSoup(text_of("plain"), "html.parser")
    assert one(page, "#bang-1").name == "table"
    assert one(page, "#bang-1-2").name == "h3"


def test_footnotes_are_linked_both_ways(page: BeautifulSoup) -> None:
    marks = page.select('a[role="doc-noteref"]')
    notes = one(page, 'section[role="doc-endnotes"]').select("ol > li")
    assert sorted(int(mark.get_text()) for mark in marks) == [1, 2, 3, 4, 4, 5, 6, 7]
    assert [note["value"] for note in notes] == ["1", "2", "3", "4", "5", "6", "7"]
    for mark in marks:
        assert mark["aria-label"] == f"Chú thích {mark.get_text()}"
        target = one(page, f'[id="{mark["href"][1:]}"]')
        assert target.name == "li"
        assert f"Nội dung chú thích số {mark.get_text()}." in words(target)
        back = one(target, 'a[role="doc-backlink"]')
        assert back.get_text() == "Quay lại nội dung"
        assert one(page, f'[id="{back["href"][1:]}"]').get_text() == mark.get_text()


# ---------------------------------------------------------------- tables, charts, the rest


def test_tables_have_captions_and_scopes(page: BeautifulSoup) -> None:
    for table in page.select("table"):
        region = table.parent
        assert (region["tabindex"], region["role"]) == ("0", "region")
        assert one(table, "caption").find(id=region["aria-labelledby"]), "the caption names the region"
        assert {th.get("scope") for th in table.select("th")} <= {"col", "colgroup", "row", "rowgroup"}
        columns = sum(int(group.get("span", 1)) for group in table.select("colgroup"))
        for row in table.select("tr"):
            wide = sum(int(cell.get("colspan", 1)) for cell in row.select("th, td"))
            covered = len(table.select('[rowspan="2"]')) if row.find_previous_sibling("tr", class_=False) else 0
            assert wide + (covered if row.parent.name == "thead" else 0) == columns


def test_cells_of_every_kind_are_told_apart() -> None:
    table = one(BeautifulSoup(text_of("plain"), "html.parser"), "#bang-1")
    assert [words(th) for th in table.select("thead tr")[0].select("th")] == [
        "Đơn vị",
        "Số quy chế",
        "Tỷ lệ",
        "Ghi chú",
    ]
    assert one(table, 'th[scope="colgroup"]')["colspan"] == "2"
    assert [words(th) for th in table.select('th[scope="rowgroup"]')] == ["Khối chính quyền", "Khối khác"]
    assert words(one(table, "td.missing")) == "chưa báo cáo"
    assert words(one(table, "td.not_applicable")) == "–không áp dụng"
    assert words(one(table, "td.hidden")) == "không công bố"
    assert one(table, "td.long")["class"] == ["left", "text", "long"]
    assert words(table.select("tr.total td")[0]) == "1.616"
    assert table.select("tr.total td")[0].attrs == {}, "most cells are such: a page of 114 units has thousands"
    assert words(one(table, "tr.total th")) == "Tổng"
    assert words(one(table.parent.parent, "p.note")) == "“–”: không áp dụng."


def test_a_row_that_lacks_cells_is_refused() -> None:
    broken = replace(KINDS, rows=(TableRow("An Lão", cells("1")),))
    with pytest.raises(ValueError, match="zip"):
        html.render(replace(sample(), parts=(Part("main", (broken,)),)))


def test_charts_are_images_with_their_words(page: BeautifulSoup) -> None:
    figures = page.select("figure")
    assert len(figures) == 2
    for tag in figures:
        image = one(tag, "img")
        assert unquote(image["src"].removeprefix("data:image/svg+xml,")) == figure("").svg
        assert (image["role"], image["width"], image["height"]) == ("img", "605", "133")
        assert image["alt"].startswith(f"Biểu đồ thanh {tag['id']}: cao nhất là An Lão với 23,6.")
        assert words(one(tag, "figcaption")).startswith(f"Câu hỏi của {tag['id']}?")
        assert words(one(tag, "details p")) == " ".join(image["alt"].split())


def test_a_charts_ids_become_short_and_still_point_at_the_same() -> None:
    """What would end the address or the attribute is written otherwise; a picture keeps every other letter."""
    svg = (
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><defs>'
        '<path id="f12b4e" d="M0 0"/><clipPath id="c9"/></defs><g clip-path="url(#c9)" fill="#fff">'
        """<use xlink:href="#f12b4e" x="5"/><text>100% 'a' &amp; b #f12b4e</text></g></svg>\n"""
    )
    page = BeautifulSoup(
        html.render(replace(sample(), parts=(Part("main", (replace(figure("a"), svg=svg),)),))), "html.parser"
    )
    address = one(page, "img")["src"]
    assert not set("#'&\n") & set(address)
    assert unquote(address.removeprefix("data:image/svg+xml,")) == (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><defs>'
        '<path id="a" d="M0 0"/><clipPath id="b"/></defs><g clip-path="url(#b)" fill="#fff">'
        """<use href="#a" x="5"/><text>100% 'a' &amp; b #f12b4e</text></g></svg>"""
    )


def test_a_chart_carries_its_data_table() -> None:
    """Heads with scope, the first cell of a row as its head; hostile text stays text; no table, no disclosure."""
    table = (("Đơn vị", "Số tin"), ("Hồng Bàng", "155"), ("<b>Đồ Sơn</b>", "≈ (+3)"))
    blocks = (replace(figure("co-bang"), table=table), figure("khong-bang"))
    page = BeautifulSoup(html.render(replace(sample(), parts=(Part("main", blocks),))), "html.parser")
    with_table, other = page.select("figure")
    data = one(with_table, "details table")
    assert [th["scope"] for th in data.select("thead th")] == ["col", "col"]
    rows = [[cell.get_text() for cell in row.select("th, td")] for row in data.select("tbody tr")]
    assert rows == [["Hồng Bàng", "155"], ["<b>Đồ Sơn</b>", "≈ (+3)"]]
    assert [th["scope"] for th in data.select("tbody th")] == ["row", "row"]
    assert not other.select("table")


def test_a_plain_title_has_no_letterhead() -> None:
    """A profile is no official letter: no party heading, no number, no empty lines of them."""
    title = TitleBlock("", (), "", "", "QUẬN HỒNG BÀNG", ("Số liệu năm 2023",))
    page = BeautifulSoup(html.render(replace(sample(), parts=(Part("main", (title,)),))), "html.parser")
    assert not page.select(".letterhead")
    assert words(one(page, "h1")) == "QUẬN HỒNG BÀNG Số liệu năm 2023"


def test_the_motto_of_a_state_document_stands_below_its_heading() -> None:
    title = TitleBlock("Quốc hiệu", (), "Số: 15/BC", "Hải Phòng", "BÁO CÁO", (), motto="Độc lập - Tự do")
    page = BeautifulSoup(html.render(replace(sample(), parts=(Part("main", (title,)),))), "html.parser")
    assert list(one(page, ".party span").stripped_strings) == ["Quốc hiệu", "Độc lập - Tự do"]


def test_head_and_closing_of_the_document() -> None:
    page = BeautifulSoup(text_of("plain"), "html.parser")
    assert words(one(page, "h1")) == "Báo cáo Kết quả phối hợp năm 2023; nhiệm vụ năm 2024"
    assert words(one(page, ".issuers")) == "Thành ủy Hải Phòng Ban Dân vận Thành ủy - Công an thành phố"
    assert [words(tag) for tag in page.select(".signatures .name")] == ["Đại tá Nguyễn Văn A", ""]
    assert words(one(page, ".distribution li.shared > span")) == "(để b/c)"
    assert "Lưu: BDVTU" in words(one(page, ".distribution"))
    assert words(one(page, "p span.nr")) == "95-KH/BDVTU-CATP", "numbers of documents stay on one line"


def test_a_document_without_title_block_or_prose_still_has_a_heading() -> None:
    page = BeautifulSoup(html.render(replace(sample(), parts=())), "html.parser")
    assert words(one(page, "h1")) == "Báo cáo năm 2023"
    assert not page.select("nav")


# ---------------------------------------------------------------- the file


def test_the_same_document_gives_the_same_small_file(text: str) -> None:
    assert html.render(sample()) == text_of("plain")
    assert len(text.encode()) < 220_000
    assert str(Path.home()) not in text
    assert unicodedata.is_normalized("NFC", text)


PROBE = """<script>addEventListener("load", () => { const html = document.documentElement; parent.postMessage([
  innerWidth, html.scrollWidth - html.clientWidth, matchMedia("(prefers-color-scheme: dark)").matches,
  getComputedStyle(html).backgroundColor, document.fonts.check("16px Tinos")].join(" | "), "*") })
</script>"""
FRAME = """<!doctype html><title>?</title>
<iframe width="{width}" height="900" style="border:0" src="copy.html"></iframe>
<script>addEventListener("message", event => document.title = event.data)</script>"""


@pytest.mark.long
@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 24, 28)")])
@pytest.mark.parametrize("width", [320, 1280])
def test_no_screen_has_to_be_scrolled_sideways(
    tmp_path: Path, needs_tool: Callable[..., str], width: int, scheme: str, paper: str
) -> None:
    """In a frame, since no window of Chromium is narrower than 500 px; only the copy's policy is taken out."""
    chromium = needs_tool("chromium", "chromium-browser", "google-chrome")
    copy = re.sub(r"<meta http-equiv=[^>]*>", "", text_of("plain")) + PROBE
    (tmp_path / "copy.html").write_text(copy, encoding="utf-8")
    (tmp_path / "frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--window-size=1400,1000"]
    scheme_option = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [chromium, *options, scheme_option, profile, "--dump-dom", (tmp_path / "frame.html").as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True)
    title = one(BeautifulSoup(done.stdout, "html.parser"), "title").get_text()
    dark = "true" if scheme == "dark" else "false"
    assert title == f"{width} | 0 | {dark} | {paper} | true"
