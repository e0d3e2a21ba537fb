"""The board of a year's returns, read back with a parser, and (long) opened in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import axe
import chromium
import pytest
import troubled
from bs4 import BeautifulSoup, Tag

from danvan import status
from danvan.intake.year import Year
from danvan.publish import board
from danvan.units import Units

TODAY = date(2023, 12, 15)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    return troubled.make(tmp_path_factory.mktemp("năm"))


def made(year: Year, today: date = TODAY) -> str:
    received = troubled.received(year)
    return board.page(year, status.standings(year, received), status.strays(year, received), today)


@pytest.fixture(scope="module")
def text(year: Year) -> str:
    return made(year)


@pytest.fixture(scope="module")
def page(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


def one(page: BeautifulSoup | Tag, selector: str) -> Tag:
    (found,) = page.select(selector)
    return found


def words(tag: Tag) -> str:
    return " ".join(tag.get_text().split())


def row(page: BeautifulSoup, unit: str) -> list[str]:
    (found,) = (tr for tr in page.select("tbody tr") if words(one(tr, "th")) == unit)
    return [words(cell) for cell in found.select("td")]


# ---------------------------------------------------------------- what is on it


def test_the_head_says_what_it_is_when_it_was_made_and_how_long_there_is(page: BeautifulSoup) -> None:
    assert words(one(page, "h1")) == "Bảng theo dõi phiếu năm 2023"
    assert words(one(page, ".internal")) == "Nội bộ"
    assert "Lập ngày 15/12/2023. Hạn gửi phiếu: 20/12/2023, còn 5 ngày." in words(one(page, "header"))
    assert not page.select(".late")


def test_a_deadline_that_is_past_is_said_so(year: Year) -> None:
    late = one(BeautifulSoup(made(year, date(2023, 12, 23)), "html.parser"), ".late")
    assert words(late) == "quá hạn 3 ngày"


def test_the_units_stand_in_official_order_with_all_that_is_known(year: Year, page: BeautifulSoup) -> None:
    assert [words(th) for th in page.select("tbody th")] == [unit.full_name for unit in year.units.all]
    assert row(page, "Quận Hồng Bàng") == [
        "! có lỗi",
        "05/12/2023 Hồng Bàng.xlsx",
        "2 lỗi",
        "1 điểm chờ giải trình",
        "0 điểm đã giải trình",
        *("2/2", "1/2", "9/10", "8/8", "12/12"),
    ]
    assert row(page, "Quận Hải An")[:5] == [
        "✓ đạt",
        "05/12/2023 Hải An.xlsx",
        "0 lỗi",
        "0 điểm chờ giải trình",
        "1 điểm đã giải trình",
    ]
    assert row(page, "Huyện An Lão")[:2] == ["– chưa gửi", "–chưa có tệp"]
    assert row(page, "Quận Kiến An")[0] == "↩ bị trả lại"
    assert row(page, "Huyện Thủy Nguyên")[0] == "? chờ giải trình số liệu đến 30/11/2023"
    assert row(page, "Khối thành phố")[-5:] == ["–không phải báo cáo", "13/13", "5/5", "8/8", "8/8"]


def test_the_summary_counts_and_names_them(page: BeautifulSoup) -> None:
    assert "Đã nhận phiếu của 15/16 nơi phải báo cáo." in words(page)
    assert [words(li) for li in page.select(".summary li")] == [
        "10 ✓ đạt",
        "2 ? chờ giải trình Quận Lê Chân, Huyện Thủy Nguyên",
        "1 ! có lỗi Quận Hồng Bàng",
        "2 ↩ bị trả lại Quận Kiến An, Quận Đồ Sơn",
        "1 – chưa gửi Huyện An Lão",
    ]


def test_a_file_that_was_replaced_is_told_from_the_one_that_counts(year: Year) -> None:
    before = status.ReceivedOn("data/2023/returns/Cát Hải.xlsx", "0" * 64, "Huyện Cát Hải", date(2023, 12, 1))
    received = (*troubled.received(year), before)
    page = BeautifulSoup(board.page(year, status.standings(year, received), (), TODAY), "html.parser")
    assert row(page, "Huyện Cát Hải")[1] == "01/12/2023 Cát Hải.xlsx (đã thay hoặc đã bỏ) 05/12/2023 Cát Hải.xlsx"


def test_every_open_point_stands_there_once_under_its_unit(year: Year, page: BeautifulSoup) -> None:
    opened = [f for f in year.findings if f.is_open and f.rule != "missing-return"]
    assert len(page.select(".group li")) == len(opened)
    for name, points in status.points(year).items():
        points = tuple(f for f in points if f.is_open)
        groups = [g for g in page.select(".group") if words(one(g, "summary strong")).startswith(name or "Chung")]
        for point in points:
            for told in (point.cell, point.found, point.reason, point.remedy):
                assert " ".join(str(told).split()) in words(groups[0])
        codes = {words(code) for group in groups for code in group.select("dd code")}
        assert codes == {f.id for f in points if f.severity == "warning"}, "what is to be mended has no code"
    assert "data/2023/answers.yaml" in words(one(page, "section[aria-labelledby=con-mo]"))


def test_the_units_lead_to_their_points(page: BeautifulSoup) -> None:
    link = next(a for a in page.select("tbody th a") if words(a) == "Quận Hồng Bàng")
    assert len(one(page, f'[id="{link["href"][1:]}"]').select("li")) == 3
    assert [words(a) for a in page.select("tbody th a")] == [
        "Quận Hồng Bàng", "Quận Lê Chân", "Quận Kiến An", "Quận Đồ Sơn", "Huyện Thủy Nguyên",
    ]  # fmt: skip


def test_a_file_of_nobody_is_named(page: BeautifulSoup) -> None:
    assert words(one(page, "section[aria-labelledby=tep-la] li")) == f"05/12/2023 {troubled.STRAY}"


def test_bars_are_full_only_where_nothing_lacks(page: BeautifulSoup) -> None:
    for cell in page.select("td.bar"):
        reported, owed = map(int, words(cell).split("/"))
        (length,) = (int(name[1:]) for name in cell["class"] if re.fullmatch(r"p\d+", name))
        assert (length == 100) == (reported == owed)
        assert (length == 0) == (reported == 0)
        assert abs(length - 100 * reported / owed) < 5
        assert f".p{length}{{--full:{length}%}}" in one(page, "style").get_text()


def test_illustrative_returns_are_said_to_be(year: Year, page: BeautifulSoup) -> None:
    assert words(one(page, ".notice")).startswith("Phiếu minh họa. Mọi phiếu đã đọc ghi số liệu minh họa")
    real = tuple(replace(got, illustrative=got.unit.name == "Cát Hải") for got in year.returns)
    some = BeautifulSoup(made(replace(year, returns=real)), "html.parser")
    assert "Phiếu của Huyện Cát Hải ghi số liệu minh họa" in words(one(some, ".notice"))
    none = tuple(replace(got, illustrative=False) for got in year.returns)
    assert not BeautifulSoup(made(replace(year, returns=none)), "html.parser").select(".notice")


def test_where_all_is_well_nothing_is_open(year: Year) -> None:
    page = BeautifulSoup(made(replace(year, findings=(), files=())), "html.parser")
    assert "Không còn điểm nào." in words(page)
    assert not page.select(".group, [aria-labelledby=tep-la]")


# ---------------------------------------------------------------- what it may do


def test_hostile_text_is_text(page: BeautifulSoup) -> None:
    assert words(page).count(troubled.HOSTILE) >= 1
    assert troubled.STRAY in words(page)
    assert not page.select("script, img, link, iframe, object, embed, form, base, svg, meta[http-equiv=refresh]")
    assert not [name for tag in page.find_all() for name in tag.attrs if name.startswith("on")]


def test_the_policy_allows_this_stylesheet_alone_and_nothing_is_fetched(page: BeautifulSoup) -> None:
    style = one(page, "style").string or ""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    assert one(page, "meta[http-equiv]")["content"] == policy
    assert not page.select("[style], [src], [srcset]")
    assert "url(" not in style
    assert "@import" not in style
    assert {a["href"][0] for a in page.select("[href]")} == {"#"}


def test_personal_data_is_not_repeated(text: str) -> None:
    assert "0912 345 678" not in text
    assert "Trần Văn Bình" not in text


# ---------------------------------------------------------------- whom it serves


def test_language_headings_landmarks_and_references(page: BeautifulSoup) -> None:
    assert one(page, "html")["lang"] == "vi"
    assert one(page, "meta[name=viewport]")["content"] == "width=device-width, initial-scale=1"
    for name in ("title", "h1", "header", "main", "footer"):
        one(page, name)
    levels = [int(tag.name[1]) for tag in page.select("h1, h2, h3")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [tag["id"] for tag in page.select("[id]")]
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    assert {a["href"][1:] for a in page.select("a[href]")} <= set(ids)
    assert {tag["aria-labelledby"] for tag in page.select("[aria-labelledby]")} <= set(ids)


def test_the_table_has_a_caption_and_scopes(page: BeautifulSoup) -> None:
    table = one(page, "table")
    assert words(one(table, "caption"))
    assert {th.get("scope") for th in table.select("th")} == {"col", "colgroup", "row"}
    columns = sum(int(group.get("span", 1)) for group in table.select("colgroup"))
    assert {len(tr.select("th, td")) for tr in table.select("tbody tr")} == {columns}
    assert (table.parent["role"], table.parent["tabindex"]) == ("region", "0")


def test_a_state_is_told_by_a_word_and_a_sign_not_by_colour_alone(page: BeautifulSoup) -> None:
    states = page.select("td .state")
    assert len(states) == 16
    for state in states:
        assert words(state).split(" ", 1)[1] in status.WORDS.values()
        assert one(state, "[aria-hidden]").get_text()


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_enough_in_light_and_dark_and_on_paper(page: BeautifulSoup) -> None:
    style = one(page, "style").get_text()
    themes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{([^}]*)\}", style)
    ]
    assert len(themes) == 3
    pairs = [(ink, paper) for ink in ("ink", "soft", "accent", *status.WORDS) for paper in ("paper", "band", "target")]
    pairs += [(state, f"{state}-paper") for state in status.WORDS]
    for theme in themes:
        colours = themes[0] | theme
        for ink, paper in pairs:
            dark, light = sorted((luminance(colours[ink]), luminance(colours[paper])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)


def test_it_prints_across_the_paper(page: BeautifulSoup) -> None:
    assert "size: A4 landscape" in one(page, "style").get_text()


# ---------------------------------------------------------------- the file


def test_the_same_year_gives_the_same_small_file(year: Year, text: str) -> None:
    assert made(year) == text
    assert len(text.encode()) < 60_000
    assert unicodedata.is_normalized("NFC", text)


def test_a_hundred_and_fourteen_units_fit(year: Year) -> None:
    first = year.units.districts[0]
    many = tuple(replace(first, id=f"HP-{n}", order=n, name=f"{first.name} {n}") for n in range(114))
    page = BeautifulSoup(made(replace(year, units=Units(many, year.units.city))), "html.parser")
    assert len(page.select("tbody tr")) == 115
    assert "114 – chưa gửi" in words(page)


@pytest.mark.long
def test_the_board_serves_every_reader(tmp_path: Path, text: str, needs_tool: Callable[..., str]) -> None:
    """By axe-core, on screens narrow and wide, light and dark, with all points open; it asks nobody for anything."""
    page = tmp_path / "board.html"
    page.write_text(text, encoding="utf-8")
    with axe.checker(needs_tool(*chromium.NAMES), tmp_path) as check:
        found = {way: check.violations(page, *way) for way in axe.WAYS}
        assert not any(found.values()), found
        assert [check.sideways(page, width) for width in (320, 1280)] == [0, 0]
        assert check.outside_requests(page) == []
