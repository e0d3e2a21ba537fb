"""The cards behind the figures of a page: what each tells, beside trace.json; how they open, with a script and without;
tables sorted in the browser.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import axe
import chromium
import nbformat
import pypdfium2
import pytest
from bs4 import BeautifulSoup, Tag
from chromium import Browser, until
from conftest import copy_project

from danvan import pipeline
from danvan.document import Column, Document, Figure, Meta, Paragraph, Part, Table, TableCell, TableRow, Text, Value
from danvan.paths import Project
from danvan.publish import html
from danvan.publish.cards import Cards
from danvan.store import sha256

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'--></style>"
Source = tuple[str, str, str]  # file, sheet, cell

# ---------------------------------------------------------------- a small page


def result(code: str, scope: str, text: str, *cells: str, year: int = 2023, **more: Any) -> dict[str, Any]:
    label = {"total": "Toàn thành phố"}.get(scope, f"Đơn vị {scope}")
    sources = [[f"data/{year}/returns/{cell}.xlsx", "Công an", "D12"] for cell in cells]
    return {
        "indicator": code, "name": code, "year": year, "scope": label, "text": text, "bound": "", "formula": "tổng số",
        "provenance": "reported", "reported": 3, "owed": 3, "status": "reported", "sources": sources, **more,
    }  # fmt: skip


def small_trace() -> dict[str, Any]:
    names = {"U1": "Đồ Sơn", "U2": "Dương Kinh", "U3": "An Dương", "U4": "Bạch Long Vĩ"}
    of_units = {f"tin@2023/{unit}": result("tin", unit, "1", name) for unit, name in names.items()}
    hidden = {f"sung@2023/{unit}": result("sung", unit, "không công bố", status="withheld") for unit in names}
    return {
        "results": {
            "tin@2023/total": result("tin", "total", "hơn 4.342", *names.values(), bound="hơn", last="4.126",
                                     change="Tăng 5,2% so với năm 2022", interval="khoảng tin cậy 95% (Byar): 1-2"),
            "tin@2022/total": result("tin", "total", "4.126", "Đồ Sơn", year=2022, provenance="illustrative"),
            "sung@2023/total": result("sung", "total", "72", *names.values()),
            **of_units, **hidden,
        },
        "indicators": {
            "tin": {"name": "Tin về an ninh", "definition": "Một tin tính một lần.", "measured_in": "tin",
                    "formula": "", "findings": [{"rule": "change", "unit": "Đồ Sơn", "place": "Đồ Sơn.xlsx, D12",
                                                 "found": "9", "reason": "Chênh lệch lớn."}]},
            "sung": {"name": "Súng", "definition": "", "measured_in": "khẩu", "formula": "“Súng” / “Tin về an ninh”",
                     "findings": []},
        },
        "files": {"data/2023/returns/Đồ Sơn.xlsx": "ab" * 32},
    }  # fmt: skip


def units_table() -> Table:
    """Units in the official order, with every kind of cell, and a column that is withheld in part."""
    rows = [
        ("Thủy Nguyên", "1.234", "85,4%", "", "Có"),
        ("Đồ Sơn", "hơn 16", "100%", "7", "Không"),
        ("An Lão", "442,37", "9,5%", "", "Có"),
        ("Dương Kinh", "–", "không có mẫu số", "3", "Không"),
        ("An Dương", "2 nghìn", "−1,5%", "11", "Có"),
    ]

    def cell(text: str, unit: int, code: str) -> TableCell:
        kind = {"": "hidden", "–": "not_applicable", "không có mẫu số": "not_applicable"}.get(text, "value")
        return TableCell(text, kind, (f"{code}@2023/U{unit}",) * bool(code))  # type: ignore[arg-type]

    body = tuple(
        TableRow(name, tuple(cell(t, i, c) for t, c in zip(texts, ("tin", "tin", "sung", ""), strict=True)), "unit")
        for i, (name, *texts) in enumerate(rows, start=1)
    )
    total = TableRow(
        "Toàn thành phố", (*(TableCell("9", results=("tin@2023/total",)),) * 2, *(TableCell("9"),) * 2), "total"
    )
    last = TableRow("Năm 2022", (*(TableCell("8", results=("tin@2022/total",)),) * 2, *(TableCell("9"),) * 2), "last")
    columns = (Column("Tin (tin)"), Column("Tỷ lệ", "Nhóm"), Column("Súng", "Nhóm"), Column("Ký", align="center"))
    return Table("bang", "Bảng", "Đơn vị", columns, (TableRow("Phần một", (), "section"), *body, total, last))


def small_document(*blocks: Any) -> Document:
    total = ("tin@2023/total",)
    prose = Paragraph((
        Text("Đã nhận "), Value("hơn 4.342", "y.tin", total, "so_0001"), Text(" tin, "),
        Value("tăng 5,2% so với năm 2022 (số liệu minh họa)", "y.tin.change", (*total, "tin@2022/total"), "so_0002"),
        Text(", "), Value("4.342/72", "y.hai", (*total, "sung@2023/total"), "so_0003"),
        Text(" ngày "), Value("01/7/2023", "y.ngay", (), "chu_0001"), Text("."),
    ))  # fmt: skip
    chart = Figure(
        "hinh", "Hỏi?", "Lời.", '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>', (), total
    )
    meta = Meta("Báo cáo", 2023, "public", "party_2018", ("Ban Dân vận",))
    return Document(meta, (Part("main", blocks or (prose, chart, units_table())),))


def page_of(document: Document, trace: dict[str, Any] | None, beside: tuple[str, ...] = ()) -> BeautifulSoup:
    return BeautifulSoup(html.render(document, trace, beside), "html.parser")


def one(page: BeautifulSoup | Tag, selector: str) -> Tag:
    (found,) = page.select(selector)
    return found


def words(tag: Tag) -> str:
    return " ".join(tag.get_text().split())


def poisoned(trace: dict[str, Any]) -> dict[str, Any]:
    """The trace with something hostile in each text that a person may type, names of files among them."""

    def bad(data: Any) -> Any:
        match data:
            case dict():
                return {k: v if k in ("provenance", "status") else bad(v) for k, v in data.items()}
            case [str(path), str(sheet), str(ref)]:
                return [bad_path(path), sheet + HOSTILE, ref + HOSTILE]
            case list():
                return list(map(bad, data))
        return data + HOSTILE if isinstance(data, str) and data else data

    def bad_path(path: str) -> str:
        return path + HOSTILE.replace("/", "")  # which no file's name may hold

    return bad(trace) | {"files": {bad_path(path): digest for path, digest in trace["files"].items()}}


def test_a_card_tells_what_a_figure_is() -> None:
    page = page_of(small_document(), small_trace())
    card = one(page, "#_the-tin")
    assert words(one(card, ".name")) == "Tin về an ninh (tin)"
    assert "Một tin tính một lần." in words(card)
    assert [words(line) for line in card.select("dl > div")] == [
        "Toàn thành phố, năm 2023hơn 4.342; “hơn”: mức tối thiểu; 3/3 đơn vị có số; khoảng tin cậy 95% (Byar): 1-2",
        "Toàn thành phố, năm 20224.126; 3/3 đơn vị có số",
        "So với năm trướcTăng 5,2% so với năm 2022",
        "Cách tínhtổng số",
        "Chờ giải trình: Đồ Sơn · Đồ Sơn.xlsx, D12Chênh lệch lớn.",
    ]
    assert words(one(card, ".mark")) == "Số toàn thành phố năm 2022 là số liệu minh họa."
    assert [words(item) for item in card.select(":scope > ul > li")] == [
        "data/2023/returns, trang “Công an”, ô D12: 4 tệp",
        "data/2022/returns, trang “Công an”, ô D12: Đồ Sơn.xlsx",
    ]
    shared = one(page, f'[id="{one(card, "ul button")["popovertarget"]}"]')
    assert [words(item) for item in shared.select("li")] == [
        "Đồ Sơn.xlsx", "Dương Kinh.xlsx", "An Dương.xlsx", "Bạch Long Vĩ.xlsx",
    ]  # fmt: skip
    assert "“Súng” / “Tin về an ninh”" in words(one(page, "#_the-sung"))
    assert [words(code) for code in page.select(".sources li code")] == ["ab" * 32]


def test_a_short_figure_is_a_button_and_one_of_many_words_has_a_button() -> None:
    page = page_of(small_document(), small_trace())
    short, long, two = (one(page, f"#so_000{i}") for i in (1, 2, 3))
    assert (short.name, words(short), short["popovertarget"]) == ("button", "hơn 4.342", "_the-tin")
    assert words(one(page, f"#{short['aria-describedby']}")) == "Mở thẻ nguồn số liệu"
    assert (long.name, words(long)) == ("span", "tăng 5,2% so với năm 2022 (số liệu minh họa)")
    assert one(long, "button")["aria-label"] == "Nguồn số liệu: Tin về an ninh"
    assert [button["popovertarget"] for button in two.select("button")] == ["_the-tin", "_the-sung"]
    assert not page.select("#chu_0001"), "a date has no card"
    assert words(page.select("main p")[0]).startswith(
        "Đã nhận hơn 4.342 tin, tăng 5,2% so với năm 2022 (số liệu minh họa), "
    )


def test_a_table_is_no_row_of_buttons() -> None:
    """The head of a column opens its card; what a cell is, it says in one attribute of its row."""
    page = page_of(small_document(), small_trace())
    assert [words(button) for button in page.select("table button")] == ["Tin (tin)", "Tỷ lệ", "Súng"]
    assert [row["data-o"] for row in page.select("tr[data-o]")][:2] == ["2023/U1", "2023/U2"]
    rows = ((code, [f"{code}@{year}/total" for year in (2023, 2022)]) for code in ("tin", "sung"))
    body = tuple(TableRow(code, tuple(TableCell("1", results=(key,)) for key in keys)) for code, keys in rows)
    by_row = Table("b", "B", "Chỉ tiêu", (Column("2023"), Column("2022")), body)
    page = page_of(small_document(by_row), small_trace())
    assert [(words(b), b["popovertarget"]) for b in page.select("table th button")] == [
        ("tin", "_the-tin"),
        ("sung", "_the-sung"),
    ]
    mixed = Table("b", "B", "", (Column("A"), Column("B")), (
        TableRow("x", (TableCell("1", results=("tin@2023/total",)), TableCell("2", results=("sung@2023/total",)))),
        TableRow("y", (TableCell("3", results=("sung@2023/total",)), TableCell("4", results=("tin@2023/total",)))),
    ))  # fmt: skip
    page = page_of(small_document(mixed), small_trace())
    assert [(words(b), b["popovertarget"]) for b in page.select("td button")] == [
        ("1", "_the-tin"), ("2", "_the-sung"), ("3", "_the-sung"), ("4", "_the-tin"),
    ]  # fmt: skip


def test_what_is_withheld_is_not_on_its_card() -> None:
    text = html.render(small_document(), small_trace())
    card = one(BeautifulSoup(text, "html.parser"), "#_the-sung")
    assert not card.select("[data-o='2023/U1']")
    assert [words(item) for item in card.select("ul > li")] == ["data/2023/returns, trang “Công an”, ô D12: 4 tệp"]


def test_hostile_words_stay_words() -> None:
    """A definition, a unit's name, a file's name, a finding: nothing of them becomes an element or an attribute."""
    plain, bad = page_of(small_document(), small_trace()), page_of(small_document(), poisoned(small_trace()))
    assert [tag.name for tag in bad.find_all()] == [tag.name for tag in plain.find_all()]
    assert [sorted(tag.attrs) for tag in bad.find_all()] == [sorted(tag.attrs) for tag in plain.find_all()]
    assert one(bad, "script").string == one(plain, "script").string
    said = one(bad, "#_the-tin").get_text()
    assert said.count(HOSTILE) > 10
    assert all(known + HOSTILE in said for known in ("Một tin tính một lần.", "Chênh lệch lớn.", "hơn 4.342"))


def test_without_a_trace_there_are_no_cards() -> None:
    page = page_of(small_document(), None)
    assert not page.select("button, [popover], [data-o], .so, .guide, .bare, .sources")
    assert "hơn 4.342 tin" in words(page.select("main p")[0])


# ---------------------------------------------------------------- the real page beside trace.json


def read_page(folder: Path) -> tuple[BeautifulSoup, dict[str, Any]]:
    (path,) = folder.glob("*.html")
    trace = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser"), trace


class Told:
    """What the cards of a page tell, read back."""

    def __init__(self, page: BeautifulSoup) -> None:
        self.page = page
        self.by_id = {tag["id"]: tag for tag in page.select("[id]")}

    @cache  # noqa: B019
    def sources(self, card: str) -> frozenset[Source]:
        found: set[Source] = set()
        for item in self.by_id[card].select(":scope > ul > li"):
            where = re.fullmatch(r"(.+?)(?:, trang “(.+?)”)?(?:, (?:ô )?([^,]+))?", item.span.get_text())
            assert where, item
            place, sheet, ref = where[1], where[2] or "", where[3] or ""
            entries = item.select(":scope > span")[1:]
            entries += [t for b in item.select("button") for t in self.by_id[b["popovertarget"]].select("li")]
            for entry in entries:
                for code in entry.select("code"):
                    code.decompose()
                name = words(entry)
                line = re.match(r"dòng \d+", name)
                found.add((place, sheet, line[0]) if line else (f"{place}/{name}".removeprefix("./"), sheet, ref))
        return frozenset(found)

    def openers(self, item: dict[str, Any]) -> list[Tag]:
        """The buttons that open the card of a printed figure: its own, or at the head of its row or column."""
        if item["where"] == "text":
            figure = self.by_id[item["name"]]
            return [figure] if figure.name == "button" else figure.select("button")
        if item["where"] == "chart":
            return list(self.by_id[item["id"]].select("figure .openers button"))
        table = self.by_id[item["id"]]
        heads = [head for head in table.select("thead [data-n]") if words(head) == item["column"]]
        rows = [row.th for row in table.select("tbody tr") if words(row.th) == item["row"]]
        return [button for head in (*heads, *rows) for button in head.select("button")]


def assert_each_digit_answers(folder: Path) -> int:
    page, trace = read_page(folder)
    told, checked = Told(page), 0
    for item in trace["printed"]:
        if not item["text"].strip():
            continue  # a clause that is left out this year
        cards = {button["popovertarget"] for button in told.openers(item)}
        assert cards, item
        sources = frozenset().union(*(told.sources(card) for card in cards))
        for key in item["results"]:
            result = trace["results"][key]
            assert {tuple(source) for source in result["sources"]} <= sources, (item, key)
            code = key.partition("@")[0]
            if f"_the-{code}" in cards and key.endswith("/total"):
                line = told.by_id[f"_the-{code}"].select(f'[data-o="{key.partition("@")[2]}"]')
                assert any(result["text"] in words(one) for one in line), key
            checked += 1
    return checked


def test_every_figure_of_the_report_reaches_a_card_that_tells_its_cells(built: Path) -> None:
    assert assert_each_digit_answers(built / "reports/2023/public") > 1_000


def test_the_whole_digest_of_every_source_is_on_the_page(built: Path) -> None:
    page, trace = read_page(built / "reports/2023/public")
    listed = {words(item).rsplit(" ", 1)[0]: item.code.get_text() for item in page.select(".sources li")}
    named = {path for result in trace["results"].values() for path, _, _ in result["sources"]}
    assert set(listed) == named == set(trace["files"])
    assert all(sha256(built / path) == digest == trace["files"][path] for path, digest in listed.items())


def test_downloads_are_the_files_that_lie_beside(built: Path) -> None:
    folder = built / "reports/2023/public"
    page, _ = read_page(folder)
    section = one(page, ".downloads")
    hrefs = [link["href"] for link in section.select("a")]
    assert {*hrefs} <= {path.name for path in folder.iterdir()}
    assert {"bao-cao-2023.pdf", "notebook.ipynb", "trace.json", "manifest.json"} <= {*hrefs}
    assert "nằm cùng thư mục với trang này" in words(section)
    assert one(page, ".guide a")["href"] == f"#{one(section, 'h2')['id']}"


def test_names_of_downloads_are_told_in_words_and_quoted() -> None:
    page = page_of(small_document(), None, ("Hồ sơ 1.xlsx", "lạ.bin"))
    assert [(link["href"], words(link)) for link in page.select(".downloads a")] == [
        ("H%E1%BB%93%20s%C6%A1%201.xlsx", "Số liệu để tính toán (Excel)"),
        ("l%E1%BA%A1.bin", "lạ.bin"),
    ]


def test_the_page_is_small(built: Path) -> None:
    assert (built / "reports/2023/public/bao-cao-2023.html").stat().st_size < 1_000_000


@pytest.mark.long
def test_a_year_of_114_units_answers_too_and_is_small(tmp_path: Path) -> None:
    copy = copy_project(tmp_path / "dự án", 2025, 2026)
    (outcome,) = pipeline.reports(Project(copy), [2026], "public")
    folder = copy / "reports/2026/public"
    assert outcome is not None
    assert (folder / "bao-cao-2026.html").stat().st_size < 1_000_000
    assert assert_each_digit_answers(folder) > 4_000


@pytest.mark.long
def test_a_profile_answers_for_its_unit(project: Path) -> None:
    pipeline.profiles(Project(project), 2023, ["Hồng Bàng"])
    folder = project / "reports/2023/profiles/Quận Hồng Bàng"
    assert assert_each_digit_answers(folder) > 50
    page, trace = read_page(folder)
    assert {path.rpartition("/")[2] for path in trace["files"]} == {"Hồng Bàng.xlsx"}
    card = one(page, "#_the-tips_received")
    assert "Quận Hồng Bàng, năm 2023155" in words(card)
    assert words(one(card, '[data-o="change"] dd')).startswith("Không khác biệt rõ so với năm 2022")


@pytest.mark.long
def test_nbconvert_alone_makes_a_page_without_cards(built: Path, tmp_path: Path) -> None:
    """The executed notebook by itself has no trace, and nothing beside it."""
    (kept,) = (built / ".cache/notebook").iterdir()
    notebook = nbformat.from_dict(json.loads(kept.read_bytes()[32:]))
    nbformat.write(notebook, tmp_path / "so.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "danvan_html", str(tmp_path / "so.ipynb")]
    subprocess.run(command, check=True, capture_output=True)
    page = BeautifulSoup((tmp_path / "so.html").read_text(encoding="utf-8"), "html.parser")
    assert not page.select("button, [popover], .downloads, .guide")
    assert "4.342" in words(one(page, "main"))


# ---------------------------------------------------------------- in the browser

TIN, OPEN = "#so_0001", "[...document.querySelectorAll(':popover-open')].map(one => one.id).join()"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trang") / "trang.html"
    path.write_text(html.render(small_document(), small_trace()), encoding="utf-8")
    return path


@pytest.fixture
def browser(needs_tool: Callable[..., str], tmp_path: Path) -> Iterator[Browser]:
    with chromium.browser_on("about:blank", needs_tool(*chromium.NAMES), tmp_path / "profile") as browser:
        yield browser


def at(browser: Browser, selector: str) -> dict[str, float]:
    place = f"document.querySelector({json.dumps(selector)})"
    browser.value(f"{place}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    middle = f"(r => [r.x + r.width / 2, r.y + r.height / 2])({place}.getBoundingClientRect())"
    seen: list[Any] = []
    until(
        lambda: seen.append(browser.value(middle)) or time.sleep(0.05) or seen[-2:-1] == seen[-1:]
    )  # it has come to rest
    return dict(zip("xy", seen[-1], strict=True))


def point(browser: Browser, selector: str) -> None:
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", **at(browser, selector))


def click(browser: Browser, selector: str) -> None:
    place = at(browser, selector)
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        more = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
        browser.call("Input.dispatchMouseEvent", type=kind, **place, **more)


def press(browser: Browser, key: str) -> None:
    code = {"Enter": 13, "Escape": 27, "Tab": 9}[key]
    text = {"text": "\r"} if key == "Enter" else {}
    browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
    browser.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)


def is_open(browser: Browser, *ids: str) -> None:
    until(lambda: browser.value(OPEN) == ",".join(ids))


def rests(browser: Browser) -> None:
    """Longer than the page waits before it opens or closes anything."""
    browser.value("new Promise(done => setTimeout(done, 700))")


@contextmanager
def without_script(browser: Browser) -> Iterator[None]:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    yield
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_without_script_a_figure_opens_its_card_by_mouse_and_keyboard(browser: Browser, small: Path) -> None:
    with without_script(browser):
        browser.open(small)
        assert not browser.value("document.querySelectorAll('.sort').length"), "no dead buttons"
        click(browser, TIN)
        is_open(browser, "_the-tin")
        press(browser, "Escape")
        is_open(browser)
        browser.value(f"document.querySelector('{TIN}').focus()")
        press(browser, "Enter")
        is_open(browser, "_the-tin")
        click(browser, "#_the-tin ul button")
        is_open(browser, "_the-tin", "_ds-1")
        click(browser, "h1")
        is_open(browser)
        click(browser, "table [data-n='3'] button")
        is_open(browser, "_the-sung")
        click(browser, "#_the-sung .close")
        is_open(browser)


def test_pointing_opens_and_leaving_closes_and_nothing_takes_the_focus(browser: Browser, small: Path) -> None:
    browser.open(small)
    point(browser, TIN)
    assert browser.value(OPEN) == "", "not at once: a pointer passes over many figures"
    is_open(browser, "_the-tin")
    assert browser.value("document.activeElement.localName") == "body"
    assert browser.value("document.querySelector('#_the-tin .this').dataset.o") == "2023/total"
    point(browser, "#_the-tin .name")
    rests(browser)
    is_open(browser, "_the-tin")  # the pointer may move onto it
    point(browser, "h1")
    is_open(browser)
    point(browser, TIN)
    is_open(browser, "_the-tin")
    press(browser, "Escape")  # without moving the pointer
    is_open(browser)
    rests(browser)
    is_open(browser)
    assert browser.value("document.querySelectorAll('.this, .own').length") == 0


def test_a_card_that_was_asked_for_stays(browser: Browser, small: Path) -> None:
    browser.open(small)
    point(browser, TIN)
    is_open(browser, "_the-tin")
    click(browser, TIN)  # it is open already: this makes it stay
    point(browser, "h1")
    rests(browser)
    is_open(browser, "_the-tin")
    point(browser, "#so_0003")
    rests(browser)
    is_open(browser, "_the-tin")
    click(browser, "#so_0002 button")  # the same card, for another figure
    is_open(browser, "_the-tin")
    assert browser.value("document.querySelector('#_the-tin .this').dataset.o") == "change"
    click(browser, "#so_0002 button")
    is_open(browser)


def test_by_keyboard_the_way_goes_on_in_the_text_until_enter(browser: Browser, small: Path) -> None:
    browser.open(small)
    on = "document.activeElement.id || document.activeElement.parentElement.id"
    until(lambda: press(browser, "Tab") or browser.value(on) == "so_0001")
    is_open(browser, "_the-tin")
    press(browser, "Tab")
    assert browser.value(on) == "so_0002"
    browser.value("document.querySelector('#so_0001').focus()")
    is_open(browser, "_the-tin")
    press(browser, "Enter")
    is_open(browser, "_the-tin")
    press(browser, "Tab")
    assert browser.value("document.activeElement.className") == "close"
    press(browser, "Escape")
    is_open(browser)
    assert browser.value(on) == "so_0001", "back where the reader was"


def test_a_cell_says_whose_figure_it_is_and_from_where(browser: Browser, small: Path) -> None:
    browser.open(small)
    point(browser, "tbody tr:nth-child(3) td:nth-child(2)")
    is_open(browser, "_the-tin")
    own = "document.querySelector('.card:popover-open .own').textContent"
    assert browser.value(own) == (
        "Đồ Sơn: hơn 16. Nguồn: Dương Kinh.xlsx (data/2023/returns, trang “Công an”, ô D12)"
    )  # U2 of the trace
    point(browser, "tbody tr:nth-child(2) td:nth-child(4)")
    until(lambda: browser.value(OPEN) == "_the-sung")
    assert browser.value(own) == "Thủy Nguyên: không công bố"
    click(browser, "tr.last td")
    until(lambda: browser.value(OPEN) == "_the-tin")
    assert browser.value("document.querySelector('#_the-tin .this').dataset.o") == "2022/total"
    click(browser, "tbody tr:nth-child(2) td:nth-child(5)")  # a column without a card
    is_open(browser)


def test_on_a_narrow_screen_the_card_lies_below_its_figure(browser: Browser, small: Path) -> None:
    browser.open(small, 320)
    click(browser, "tr.last td")
    is_open(browser, "_the-tin")
    card, figure = (
        browser.value(
            f"(r => [r.left, r.right, r.top, r.bottom])(document.querySelector('{one}').getBoundingClientRect())"
        )
        for one in ("#_the-tin", "tr.last td")
    )
    assert (card[0], card[3]) == (0, 900)
    assert figure[3] <= card[2]
    assert browser.value("document.documentElement.scrollWidth - innerWidth") <= 0


def test_paper_shows_no_card(browser: Browser, small: Path) -> None:
    browser.open(small)
    click(browser, TIN)
    is_open(browser, "_the-tin")
    printed = b64decode(browser.call("Page.printToPDF")["data"])
    with pypdfium2.PdfDocument(io.BytesIO(printed)) as pdf:
        text = "".join(page.get_textpage().get_text_range() for page in pdf)
    assert "hơn 4.342" in text
    assert not [word for word in ("Đóng", "Một tin", "Cách tính", "gạch chân", "SHA-256") if word in text]


# ---------------------------------------------------------------- sorting

ROWS = "[...document.querySelectorAll('tbody tr')].map(row => row.cells[0].textContent)"
OFFICIAL = ["Thủy Nguyên", "Đồ Sơn", "An Lão", "Dương Kinh", "An Dương"]


@pytest.mark.parametrize(
    ("column", "once", "twice"),
    [
        (0, ["An Dương", "An Lão", "Dương Kinh", "Đồ Sơn", "Thủy Nguyên"],
            ["Thủy Nguyên", "Đồ Sơn", "Dương Kinh", "An Lão", "An Dương"]),
        (1, ["An Dương", "Thủy Nguyên", "An Lão", "Đồ Sơn", "Dương Kinh"],
            ["Đồ Sơn", "An Lão", "Thủy Nguyên", "An Dương", "Dương Kinh"]),
        (2, ["Đồ Sơn", "Thủy Nguyên", "An Lão", "An Dương", "Dương Kinh"],
            ["An Dương", "An Lão", "Thủy Nguyên", "Đồ Sơn", "Dương Kinh"]),
        (3, ["An Dương", "Đồ Sơn", "Dương Kinh", "Thủy Nguyên", "An Lão"],  # those withheld: in the official order
            ["Dương Kinh", "Đồ Sơn", "An Dương", "Thủy Nguyên", "An Lão"]),
        (4, ["Thủy Nguyên", "An Lão", "An Dương", "Đồ Sơn", "Dương Kinh"],
            ["Đồ Sơn", "Dương Kinh", "Thủy Nguyên", "An Lão", "An Dương"]),
    ],
)  # fmt: skip
def test_a_table_is_sorted_by_each_column(
    browser: Browser, small: Path, column: int, once: list[str], twice: list[str]
) -> None:
    browser.open(small)
    head = f"document.querySelector('[data-n=\"{column}\"]')"
    ways = ("ascending", "descending") if column == 0 else ("descending", "ascending")
    for order, way in ((once, ways[0]), (twice, ways[1]), (OFFICIAL, None), (once, ways[0])):
        browser.value(f"{head}.querySelector('.sort').focus()")
        press(browser, "Enter")
        assert browser.value(ROWS) == ["Phần một", *order, "Toàn thành phố", "Năm 2022"]
        assert browser.value(f"{head}.ariaSort") == way
    other = 1 if column != 1 else 2
    browser.value(f"document.querySelector('[data-n=\"{other}\"] .sort').click()")
    assert browser.value("document.querySelectorAll('[aria-sort]').length") == 1


def test_a_sort_button_says_what_it_does_and_the_head_stays_as_it_reads(browser: Browser, small: Path) -> None:
    browser.open(small)
    sort = "document.querySelector('[data-n=\"1\"] .sort')"
    assert browser.value(f"[{sort}.ariaLabel, {sort}.parentElement.abbr]") == ["Sắp xếp theo Tin (tin)", "Tin (tin)"]
    assert browser.value("document.querySelectorAll('.sort').length") == 5


# ---------------------------------------------------------------- for everyone, and asking nobody


@pytest.mark.long
def test_axe_finds_nothing_with_cards_closed_and_open(
    built: Path, needs_tool: Callable[..., str], tmp_path: Path
) -> None:
    page = built / "reports/2023/public/bao-cao-2023.html"
    with axe.checker(needs_tool(*chromium.NAMES), tmp_path) as check:
        for width, dark in axe.WAYS:
            assert check.violations(page, width, dark) == []
            for figure in ("main p button.so", ".notes button.so", ".annex td:nth-child(4)"):
                click(check.browser, figure)
                assert check.browser.value("document.querySelectorAll(':popover-open').length") == 1
                assert check.browser.value(axe.RUN) == [], (width, dark, figure)
            click(check.browser, ".card:popover-open ul button")
            assert check.browser.value("document.querySelectorAll(':popover-open').length") == 2
            assert check.browser.value(axe.RUN) == [], (width, dark)
        assert check.outside_requests(page) == []


def test_the_ids_of_cards_are_nobody_elses() -> None:
    page = page_of(small_document(), small_trace())
    ids = [tag["id"] for tag in page.select("[id]")]
    assert len(ids) == len(set(ids))
    targets = {
        tag[name]
        for name in ("popovertarget", "aria-labelledby", "aria-describedby")
        for tag in page.select(f"[{name}]")
    }
    assert targets <= set(ids)


def test_a_long_list_is_told_once_though_one_card_has_a_few_more() -> None:
    trace = small_trace()
    more = [["data/2023/returns/Khối.xlsx", "Công an", "D12"]]
    trace["results"]["sung@2023/total"]["sources"] += more
    cards = Cards(small_document(), trace)
    assert [len(shared.entries) for shared in cards.lists] == [4]
    (source,) = next(card for card in cards.all if card.id == "_the-sung").sources
    assert (source.list, source.count, [e.text for e in source.entries]) == ("_ds-1", "4 tệp", ["Khối.xlsx"])
