"""Which charts are drawn of which results, and which are not drawn at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from danvan.errors import SettingsError
from danvan.intake.observations import Bound, Status
from danvan.intake.year import Year, read_year
from danvan.measures import TOTAL
from danvan.paths import Project
from danvan.yearbook import Yearbook

ROOT = Path(__file__).resolve().parents[2]
ASKED = "Hỏi gì?"


@pytest.fixture(scope="module")
def year() -> Year:
    return read_year(Project(ROOT), 2023)


@pytest.fixture
def book(year: Year) -> Yearbook:
    """A yearbook of its own for each test: they forget figures."""
    return Yearbook(year, "public")


def forget(book: Yearbook, code: str) -> None:
    book.results[code, TOTAL] = replace(book.results[code, TOTAL], value=None, status=Status.NOT_REPORTED)


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("composition", ("dvk_registered", "dvk_defence_security", "dvk_urban")),
        ("steps", ("petitions_received", "petitions_in_authority", "petitions_resolved")),
        ("stock_flow", ("police_models_active", "police_models_new", "police_models_removed")),
    ],
)
def test_a_chart_that_lacks_a_figure_is_not_drawn(kind: str, codes: tuple[str, ...], book: Yearbook) -> None:
    assert book.chart(kind, *codes, question=ASKED) is not None  # type: ignore[arg-type]
    forget(book, codes[-1])
    assert book.chart(kind, *codes, question=ASKED) is None  # type: ignore[arg-type]


def test_what_cannot_be_compared_is_not_drawn_beside_nothing(book: Yearbook) -> None:
    assert book.chart("dumbbell", "tips_received", "police_articles", question=ASKED) is not None
    assert book.chart("dumbbell", "police_articles", question=ASKED) is None  # a lower bound
    book.last_results.clear()
    assert book.chart("dumbbell", "tips_received", question=ASKED) is None


def test_cases_are_no_share_of_tips(book: Yearbook) -> None:
    chart = book.chart("steps", "tips_received", "tips_valuable", "cases_solved", question=ASKED)
    assert chart is not None
    assert "91,3% của “Tin về an ninh trật tự”" in chart.alt
    assert "của “Tin có giá trị”" not in chart.alt


def test_a_rest_of_inexact_parts_is_inexact(book: Yearbook) -> None:
    part = book.results["dvk_urban", TOTAL]
    book.results["dvk_urban", TOTAL] = replace(part, bound=Bound("lower", "hơn"))
    chart = book.chart("composition", "dvk_registered", "dvk_defence_security", "dvk_urban", question=ASKED)
    assert chart is not None
    assert "hơn 299" in chart.alt
    assert "khoảng 1.381" in chart.alt


def test_units_stand_in_official_order_where_more_is_not_better(book: Yearbook) -> None:
    neutral = book.chart("bars", "tips_per_10k", question=ASKED)
    ranked = book.chart("bars", "petitions_resolved_rate", question=ASKED)
    rates = {unit.name: book.results["petitions_resolved_rate", unit.id].value for unit in book.units.districts}
    best = max(rates, key=lambda name: rates[name] or 0)
    for chart, first in ((neutral, "Hồng Bàng"), (ranked, best)):
        assert chart is not None
        names = [text.get_text() for text in chart.figure.texts]
        units = [name for name in names if name in {unit.name for unit in book.units.districts}]
        assert units[0] == first


@pytest.mark.parametrize(
    ("kind", "codes", "sentence"),
    [
        ("bánh", ("tips_received",), "Không có loại biểu đồ “bánh”; chỉ có: bars, composition, dumbbell, "),
        ("bars", ("tips_received", "tips_valuable"), "Biểu đồ “bars” cần 1 chỉ tiêu, được 2."),
        ("stock_flow", ("police_models_new",), "Biểu đồ “stock_flow” cần 3 chỉ tiêu, được 1."),
        ("funnel", ("petitions_received", "petitions_resolved"), "Biểu đồ “funnel” cần 1 chỉ tiêu, được 2."),
    ],
)
def test_a_wrong_call_is_told(kind: str, codes: tuple[str, ...], sentence: str, book: Yearbook) -> None:
    with pytest.raises(SettingsError, match=sentence):
        book.chart(kind, *codes, question=ASKED)  # type: ignore[arg-type]
