"""The way back: of figures that are no indicators, and what a card needs of those that are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from danvan.paths import Project
from danvan.trace import trace
from danvan.wording import Phrase
from danvan.yearbook import Yearbook, open_year_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def book() -> Yearbook:
    return open_year_of(Project(ROOT), 2023, "public")


def way_back(book: Yearbook, phrase: Phrase) -> dict[str, Any]:
    (key,) = phrase.results
    return trace(book, [{"results": [key]}], book.illustrative)["results"][key]


def test_a_stated_figure_leads_to_its_line(book: Yearbook) -> None:
    back = way_back(book, book.dvk_defence_security.stated)
    assert (back["value"], back["provenance"]) == ("200", "reported")
    (source,) = back["sources"]
    assert source[0] == "data/2023/stated.csv"
    assert "dvk_defence_security" in (ROOT / source[0]).read_text(encoding="utf-8").splitlines()[1]


def test_the_number_of_units_leads_to_their_lines(book: Yearbook) -> None:
    back = way_back(book, book.units_count)
    lines = (ROOT / "params/units.csv").read_text(encoding="utf-8").splitlines()
    named = [lines[int(ref.removeprefix("dòng ")) - 1].split(",")[4] for _, _, ref in back["sources"]]
    assert back["value"] == "15"
    assert named == [unit.name for unit in book.units.districts]


def test_a_rule_of_the_params_leads_to_them(book: Yearbook) -> None:
    assert str(book.leaders_per_unit) == "01"
    assert way_back(book, book.leaders_per_unit)["sources"] == [["params/2023.yaml", "", "leaders_per_unit"]]


def test_remarks_of_the_public_edition_name_no_hidden_cell(book: Yearbook) -> None:
    back = way_back(book, book.remarked)
    assert back["value"] == "3"
    assert [source[0] for source in back["sources"]] == ["data/2023/returns/Hải An.xlsx"]  # not the rounds and guns
    assert back["provenance"] == "illustrative"


def test_a_total_leads_to_every_cell_it_adds(book: Yearbook) -> None:
    back = way_back(book, book.tips_received.text)
    assert back["formula"] == "tổng số của các đơn vị và khối thành phố"
    assert len(back["sources"]) == 16
    assert ["data/2023/returns/Lê Chân.xlsx", "Công an"] in [source[:2] for source in back["sources"]]


# ---------------------------------------------------------------- what a card needs


def whole(book: Yearbook, *keys: str, digests: dict[str, str] | None = None) -> dict[str, Any]:
    return trace(book, [{"results": list(keys)}], book.illustrative, digests or {})


def test_a_total_stands_beside_last_years(book: Yearbook) -> None:
    back = whole(book, "tips_received@2023/total")["results"]["tips_received@2023/total"]
    assert back["last"] == "4.644"
    assert back["change"] == "Giảm 6,5% so với năm 2022 (số liệu minh họa)"
    assert back["interval"].startswith("khoảng tin cậy 95% (Byar): 4.2")


def test_what_cannot_be_compared_says_why(book: Yearbook) -> None:
    back = whole(book, "police_articles@2023/total")["results"]["police_articles@2023/total"]
    reason = "số liệu chỉ ghi mức tối thiểu hoặc ước chừng"
    assert (back["last"], back["change"]) == ("trên 750", f"Không so sánh được với năm 2022 do {reason}")
    assert "interval" not in back


def test_only_this_years_total_stands_beside_another(book: Yearbook) -> None:
    keys = ("tips_received@2022/total", "tips_received@2023/HP-303")
    assert not [back for back in whole(book, *keys)["results"].values() if {"last", "change", "interval"} & set(back)]


def test_an_indicator_is_told_once_with_its_meaning_and_open_findings(book: Yearbook) -> None:
    told = whole(book, "tips_valuable_rate@2023/total", "police_news_items@2023/total")["indicators"]
    assert list(told) == ["tips_valuable_rate", "police_news_items"]
    assert told["tips_valuable_rate"]["formula"] == "“Tin có giá trị” / “Tin về an ninh trật tự” × 100%"
    assert told["police_news_items"]["formula"] == ""
    assert told["police_news_items"]["definition"] == book.catalogue.by_code["police_news_items"].definition
    (finding,) = told["police_news_items"]["findings"]
    assert (finding["unit"], finding["place"].split(",")[0]) == ("Quận Hải An", "data/2023/returns/Hải An.xlsx")


def test_a_finding_on_a_hidden_indicator_names_nobody(book: Yearbook) -> None:
    hidden = [i.code for i in book.catalogue.indicators if i.public_level == "city" and i.kind != "ratio"]
    told = whole(book, *(f"{code}@2023/total" for code in hidden))["indicators"]
    findings = [finding for one in told.values() for finding in one["findings"]]
    assert findings, "the year has one"
    assert {(f["unit"], f["place"], f["found"]) for f in findings} == {("", "", "")}


def test_ratios_over_counts_of_units_are_told_in_words(book: Yearbook) -> None:
    codes = [i.code for i in book.catalogue.indicators if i.kind == "ratio"]
    told = whole(book, *(f"{code}@2023/total" for code in codes))["indicators"]
    assert all(one["formula"] and "_" not in one["formula"] for one in told.values())
    assert told["tips_per_10k"]["formula"] == "“Tin về an ninh trật tự” / số dân × 10.000"


def test_files_are_those_that_results_come_from(book: Yearbook) -> None:
    digests = {
        "data/2023/returns/Đồ Sơn.xlsx": "ab" * 32,
        "data/2023/returns/Lê Chân.xlsx": "not a file",
        "x": "cd" * 32,
    }
    assert whole(book, "tips_received@2023/total", digests=digests)["files"] == {
        "data/2023/returns/Đồ Sơn.xlsx": "ab" * 32
    }
