"""The way back of figures that are no indicators: counts, and what a body stated apart from the returns."""

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
