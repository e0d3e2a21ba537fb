"""The params of all years together, the tile grid, and the series that only stand beside our figures.

The files are read by plain csv, so that they do not rest on the reader that they are to test.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from danvan.catalogue import load_catalogue
from danvan.params import Reference, YearParams, load_params
from danvan.paths import Project

ROOT = Path(__file__).resolve().parents[1]
PROJECT = Project(ROOT)
YEARS = sorted(int(path.stem) for path in (ROOT / "params").glob("[0-9][0-9][0-9][0-9].yaml"))
ILLUSTRATIVE = [
    year for year in YEARS if "\n  city_totals: illustrative" in PROJECT.params(year).read_text(encoding="utf-8")
]
WRITTEN = sorted({2023, *ILLUSTRATIVE})  # what real reports of later years say is not for us to test
TILES = ROOT / "params" / "tiles.csv"
SERIES = ROOT / "data" / "reference" / "series.csv"

# The acts by which units and bodies changed, and the days on which they did. All else cited stands in 2023.yaml.
ACTS = {"1232/NQ-UBTVQH15", "02/2025/NĐ-CP", "72/2025/QH15", "202/2025/QH15", "1669/NQ-UBTVQH15"}
DATED = {"1232/NQ-UBTVQH15": date(2024, 10, 24)}
DAYS = {"01/01/2025", "01/3/2025", "01/7/2025"}
LAST_OF_DISTRICTS = 2024  # the reports of later years go to communes and wards

# Tones stand on the first vowel: Thủy, ủy, hòa, khỏe. 'quý' is right: its u belongs to the consonant.
TONE_ON_SECOND = re.compile(r"o[àáảãạèéẻẽẹ](?!\w)|(?<!q)u[ỳýỷỹỵ](?!\w)", re.IGNORECASE)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def references(params: YearParams) -> list[Reference]:
    """Every document that a year cites."""
    found = [params.plan, params.programme, params.inspection.plan, *params.inspection.results]
    found += [*params.directives, *params.democracy_plans]
    found += [document for task in params.tasks for document in task.documents]
    return [reference for reference in found if reference]


def texts(params: YearParams) -> list[str]:
    """What a year says in its own words of results and of what is to be done."""
    return [*params.limitations, *(task.text for task in params.tasks), *params.remarks.values()]


@pytest.fixture(scope="module")
def params() -> dict[int, YearParams]:
    return {year: load_params(PROJECT, year) for year in YEARS}


# ------------------------------------------------------------ years


def test_years_follow_one_another() -> None:
    assert list(range(2022, 2022 + len(YEARS))) == YEARS
    assert set(range(2022, 2027)) <= set(YEARS)


@pytest.mark.parametrize("year", YEARS)
def test_keys_stand_in_the_order_of_2023(year: int) -> None:
    this, reference = (list(yaml.safe_load(PROJECT.params(y).read_text(encoding="utf-8"))) for y in (year, 2023))
    assert this == reference


def test_each_theme_was_announced_a_year_before(params: dict[int, YearParams]) -> None:
    for last, year in pairwise(YEARS):
        assert params[last].next_theme == params[year].theme, year


@pytest.mark.parametrize("year", ILLUSTRATIVE)
def test_a_year_of_which_nothing_is_published_says_so(year: int, params: dict[int, YearParams]) -> None:
    first = PROJECT.params(year).read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"# Báo cáo năm {year}: ")
    assert "minh họa" in first
    assert params[year].provenance.city_totals == "illustrative"
    assert params[year].is_draft
    assert params[year].plan.number is None
    assert (params[year].period.start, params[year].period.end) == (date(year, 1, 1), date(year, 12, 31))


def test_no_number_of_a_document_is_made_up(params: dict[int, YearParams]) -> None:
    published = {(r.number, r.date) for r in references(params[2023]) if r.number}
    dates = dict(published) | DATED
    for year in ILLUSTRATIVE:
        for reference in references(params[year]):
            if reference.number:
                assert reference.number in {number for number, _ in published} | ACTS, year
                assert reference.date == dates.get(reference.number), (year, reference.number)


@pytest.mark.parametrize("year", WRITTEN)
def test_texts_have_no_figures(year: int, params: dict[int, YearParams]) -> None:
    """Results come from returns: a text has the days of acts and years, no other digit."""
    for text in texts(params[year]):
        days = set(re.findall(r"\d+/\d+/\d{4}", text))
        assert days <= DAYS, text
        rest = re.sub(r"\d+/\d+/\d{4}|\b20\d\d(-20\d\d)?\b", "", text)
        assert not re.search(r"\d", rest), text


@pytest.mark.parametrize("year", WRITTEN)
def test_a_year_is_told_apart_from_the_year_before(year: int, params: dict[int, YearParams]) -> None:
    """2022 was made from 2023; from then on each year has its own limitations and tasks, of five each."""
    assert len(params[year].tasks) == 5
    if year > 2023:
        assert not set(texts(params[year])) & set(texts(params[year - 1]))


def test_bodies_and_recipients_are_those_of_the_year(params: dict[int, YearParams]) -> None:
    for year in WRITTEN:
        recipients = " ".join(name for group in params[year].distribution for name in group.to)
        merged = year > LAST_OF_DISTRICTS
        short = "BTGDVTU" if merged else "BDVTU"
        (party,) = (body.name for body in params[year].bodies if body.id == "bdvtu")
        assert party == ("Ban Tuyên giáo và Dân vận Thành ủy" if merged else "Ban Dân vận Thành ủy")
        assert party in recipients
        assert f"{party.removesuffix('Thành ủy')}Trung ương" in recipients
        assert f"Lưu: {short}, CATP" in recipients
        assert params[year].document.symbol == f"BC/{short}-CATP"
        assert ("quận" in recipients or "huyện" in recipients) != merged, year
        assert ("đặc khu" in recipients) == merged, year
        assert any("đặc khu" in form for form in params[year].communication_forms) == merged, year


# ------------------------------------------------------------ grid


def test_each_unit_has_one_square() -> None:
    units = {row["unit_id"] for row in rows(PROJECT.units)} - {"HP-CITY"}
    assert Counter(row["unit_id"] for row in rows(TILES)) == Counter(units)


def test_units_of_one_day_share_no_square() -> None:
    versions = [row for row in rows(PROJECT.units) if row["unit_id"] != "HP-CITY"]
    squares = {row["unit_id"]: (int(row["row"]), int(row["column"])) for row in rows(TILES)}
    for day in sorted({row["valid_from"] for row in versions}):
        valid = [row["unit_id"] for row in versions if row["valid_from"] <= day <= (row["valid_to"] or "9999")]
        assert max(Counter(squares[unit] for unit in valid).values()) == 1, day


def test_the_grid_is_small_and_starts_at_one() -> None:
    tiles = rows(TILES)
    assert list(tiles[0]) == ["unit_id", "row", "column"]
    now = {row["unit_id"] for row in rows(PROJECT.units) if not row["valid_to"]}
    for part, height, width in (
        ([row for row in tiles if row["unit_id"] not in now], 5, 6),
        ([row for row in tiles if row["unit_id"] in now], 13, 14),
    ):
        taken_rows, taken_columns = ({int(row[axis]) for row in part} for axis in ("row", "column"))
        assert taken_rows == set(range(1, max(taken_rows) + 1))
        assert taken_columns == set(range(1, max(taken_columns) + 1))
        assert max(taken_rows) <= height
        assert max(taken_columns) <= width


# ------------------------------------------------------------ series


def test_series_belong_to_indicators_and_tell_what_they_are() -> None:
    codes = {indicator.code for indicator in load_catalogue(PROJECT).indicators}
    series = rows(SERIES)
    assert list(series[0]) == ["indicator", "kind", "name", "year", "value", "source", "illustrative"]
    for row in series:
        assert row["indicator"] in codes, row
        assert row["kind"] in {"target", "peer"}, row
        assert int(row["year"]) in YEARS, row
        assert 0 <= Decimal(row["value"]) <= 100, row
        assert row["source"], row
        made_up = "minh họa, không phải số liệu thật"
        assert row["illustrative"] == ("yes" if row["source"] == made_up else "no"), row
        assert ("minh họa" in row["name"]) == (row["illustrative"] == "yes"), row
    points = Counter((row["indicator"], row["kind"], row["name"], row["year"]) for row in series)
    assert max(points.values()) == 1


# ------------------------------------------------------------ spelling


@pytest.mark.parametrize("path", [*(PROJECT.params(year) for year in YEARS), TILES, SERIES], ids=lambda path: path.name)
def test_texts_are_nfc_in_the_house_spelling(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert unicodedata.is_normalized("NFC", text)
    assert not TONE_ON_SECOND.findall(text)


@pytest.mark.parametrize("right", ["Thủy", "ủy", "hòa", "quý", "hoàn", "khuỷu", "minh họa", "ma túy"])
def test_the_search_for_tones_passes_what_is_right(right: str) -> None:
    assert not TONE_ON_SECOND.search(right)


@pytest.mark.parametrize("wrong", ["Thuỷ", "uỷ", "hoà", "HOÀ", "khoẻ", "minh hoạ", "ma tuý"])
def test_the_search_for_tones_finds_what_is_wrong(wrong: str) -> None:
    assert TONE_ON_SECOND.search(wrong)
