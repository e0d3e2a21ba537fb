"""This year against last: what stands in the way, and whether chance explains the difference.

What chance explains is reckoned here by hand or by the sums of the definition, not by the library behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_year import (
    GOOD,
    KG,
    MODELS,
    OFFICERS,
    PARAMS,
    PER_10K,
    PER_ANY_COMMUNE,
    PER_COMMUNE,
    RATE,
    SIGNED,
    SIGNED_RATE,
    TIPS,
    params_of,
    ratio,
    unit,
    year,
)

from danvan import wording
from danvan.bodies import load_bodies
from danvan.book import Book
from danvan.catalogue import Indicator, load_catalogue
from danvan.comparison import Change, Grounds, change, interval
from danvan.comparison import test as chance_of
from danvan.intake.observations import Bound, Status
from danvan.intake.year import Year
from danvan.lineage import Link, load_lineage
from danvan.measures import TOTAL, Result
from danvan.params import load_params
from danvan.paths import Project
from danvan.trace import trace
from danvan.units import load_units

ROOT = Path(__file__).resolve().parents[2]
THRESHOLDS = PARAMS.thresholds


def total(
    value: str | int | None, of: Indicator = TIPS, *, year: int = 2023, reported: int = 15, **more: Any
) -> Result:
    """A total of fifteen units."""
    number = None if value is None else Decimal(value)
    status = more.pop("status", Status.NOT_REPORTED if number is None else Status.REPORTED)
    bound = Bound.of(more.pop("bound", ""))
    return Result(of, year, TOTAL, number, status, bound, "", (), "reported", reported, 15, **more)


def share(part: int, whole: int, of: Indicator = RATE, *, year: int = 2023) -> Result:
    """A ratio of two sums."""
    value = Decimal(part) / whole * (of.scale or 1)
    return replace(total(0, of, year=year), value=value, numerator=Decimal(part), denominator=Decimal(whole))


def compared(now: Result, last: Result) -> Change:
    return change(now, replace(last, year=2022), 2022, THRESHOLDS)


# --- how much and which way ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "now", "last", "expected"),
    [
        (TIPS, "1100", "1000", ("up", "100", "10.0")),
        (TIPS, "900", "1000", ("down", "100", "10.0")),
        (TIPS, "110", "100", ("chance", "10", "10.0")),
        (TIPS, "90", "100", ("chance", "10", "10.0")),
        (TIPS, "100", "100", ("same", "0", None)),
        (TIPS, "20", "20", ("same", "0", None)),
        (TIPS, "60", "20", ("up", "40", "200.0")),  # 20: large enough to say it in percent
        (TIPS, "60", "19", ("up", "41", None)),  # 19: not
        (TIPS, "19", "1000", ("down", "981", None)),
        (TIPS, "6", "0", ("up", "6", None)),
        (TIPS, "40", "0", ("up", "40", None)),
        (MODELS, "110", "100", ("up", "10", "10.0")),  # a stock: compared as it is
        (MODELS, "99", "100", ("down", "1", "1.0")),
        (KG, "22.06", "20", ("up", "2.06", "10.3")),  # a quantity, too
        (KG, "20.004", "20", ("same", "0", None)),  # nothing that is printed has changed
    ],
)
def test_way_amount_and_percent(of: Indicator, now: str, last: str, expected: tuple[str, str, str | None]) -> None:
    got = compared(total(now, of), total(last, of))
    assert (got.way, got.amount, got.percent and str(got.percent)) == (expected[0], Decimal(expected[1]), expected[2])
    assert got.sign == (Decimal(now) > Decimal(last)) - (Decimal(now) < Decimal(last)) or got.way == "same"


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        ((8536, 10_000), (8414, 10_000), ("up", "1.3")),  # points of the printed figures: 85,4 less 84,1
        ((854, 1_000), (841, 1_000), ("chance", "1.3")),  # the same points of a tenth as many
        ((8544, 10_000), (8536, 10_000), ("same", "0")),
        ((1, 2), (9_000, 18_000), ("same", "0")),
    ],
)
def test_shares_differ_by_points(now: tuple[int, int], last: tuple[int, int], expected: tuple[str, str]) -> None:
    got = compared(share(*now), share(*last))
    assert (got.way, got.amount, got.percent) == (expected[0], Decimal(expected[1]), None)


def test_a_rate_differs_in_percent_however_small_it_is() -> None:
    got = compared(share(440, 2_000_000, PER_10K), share(400, 2_000_000, PER_10K))
    assert (got.way, got.amount, str(got.percent)) == ("chance", Decimal("0.2"), "10.0")
    got = compared(share(4400, 20_000_000, PER_10K), share(4000, 20_000_000, PER_10K))
    assert (got.way, got.amount, str(got.percent)) == ("up", Decimal("0.2"), "10.0")


# --- chance or not: on either side of the edge -----------------------------------------------------------------


def p_of_counts(now: int, last: int, exposure: Fraction = Fraction(1, 2)) -> float:
    """Given both together, each event falls into this year with the chance of its part of the exposure."""
    both = now + last
    parts = [math.comb(both, k) * exposure**k * (1 - exposure) ** (both - k) for k in range(both + 1)]
    return float(sum(part for part in parts if part <= parts[now]))


def p_of_small_shares(part: int, whole: int, part_before: int, whole_before: int) -> float:
    """Of all ways to spread the successes, those that are no likelier than the one seen."""
    both, everyone = part + part_before, whole + whole_before
    ways = {
        k: Fraction(math.comb(whole, k) * math.comb(whole_before, both - k), math.comb(everyone, both))
        for k in range(max(0, both - whole_before), min(whole, both) + 1)
    }
    return float(sum(way for way in ways.values() if way <= ways[part]))


def p_of_large_shares(part: int, whole: int, part_before: int, whole_before: int) -> float:
    pooled = (part + part_before) / (whole + whole_before)
    error = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / whole_before))
    return math.erfc(abs(part / whole - part_before / whole_before) / error / math.sqrt(2))


@pytest.mark.parametrize(
    ("now", "last", "way", "p"),
    [
        (5, 0, "chance", 2 / 32),
        (6, 0, "up", 2 / 64),
        (9, 2, "chance", 2 * (1 + 11 + 55) / 2**11),
        (10, 2, "up", 2 * (1 + 12 + 66) / 2**12),
        (2, 10, "down", 2 * (1 + 12 + 66) / 2**12),
        (2, 9, "chance", 2 * (1 + 11 + 55) / 2**11),
        (130, 100, "chance", None),
        (131, 100, "up", None),
        (4342, 4127, "up", None),
        (4342, 4260, "chance", None),
    ],
)
def test_events(now: int, last: int, way: str, p: float | None) -> None:
    got = compared(total(now), total(last))
    assert got.test
    assert (got.way, got.test.method) == (way, "poisson-conditional-exact")
    if now + last < 1000:  # the sums of the definition are long
        assert got.test.p_value == pytest.approx(p_of_counts(now, last) if p is None else p, rel=1e-6)
    assert (got.way == "chance") == (got.test.p_value >= 0.05)


@pytest.mark.parametrize(
    ("now", "last", "way"),
    [((15, 14), (15, 13), "chance"), ((15, 15), (15, 11), "chance"), ((15, 15), (15, 10), "up")],
)
def test_how_many_units_said_yes(now: tuple[int, int], last: tuple[int, int], way: str) -> None:
    """14 of 15 after 13 of 15 is nothing to speak of; nor is 15 after 11."""
    (whole, part), (whole_before, part_before) = now, last
    got = compared(total(part, SIGNED, reported=whole), total(part_before, SIGNED, reported=whole_before))
    assert got.test
    assert (got.way, got.test.method) == (way, "fisher")
    assert got.test.p_value == pytest.approx(p_of_small_shares(part, whole, part_before, whole_before))
    rated = compared(share(part, whole, SIGNED_RATE), share(part_before, whole_before, SIGNED_RATE))
    assert (rated.way, rated.test) == (way, got.test)


@pytest.mark.parametrize(
    ("now", "last", "way"),
    [
        ((502, 588), (480, 588), "chance"),
        ((502, 588), (470, 588), "up"),
        ((470, 588), (502, 588), "down"),
        ((3965, 4342), (3700, 4127), "up"),
    ],
)
def test_large_shares(now: tuple[int, int], last: tuple[int, int], way: str) -> None:
    got = compared(share(*now), share(*last))
    assert got.test
    assert (got.way, got.test.method) == (way, "two-proportions-z")
    assert got.test.p_value == pytest.approx(p_of_large_shares(*now, *last))


def test_a_share_with_few_on_one_side_is_tested_exactly() -> None:
    got = compared(share(99, 100), share(93, 100))
    assert got.test
    assert (got.way, got.test.method) == ("chance", "fisher")
    assert got.test.p_value == pytest.approx(p_of_small_shares(99, 100, 93, 100))


def test_a_rate_is_tested_over_the_people_of_each_year() -> None:
    """As many tips of twice the people is half the rate."""
    got = compared(share(40, 2000, PER_10K), share(40, 1000, PER_10K))
    assert got.test
    assert (got.way, got.test.method) == ("down", "poisson-conditional-exact")
    assert got.test.p_value == pytest.approx(p_of_counts(40, 40, Fraction(2, 3)))


def test_more_than_all_is_no_share_of_all() -> None:
    """Called up beyond the target: 104 of 100 cannot be a proportion, so the events are compared."""
    got = compared(share(104, 100), share(100, 100))
    assert got.test
    assert (got.way, got.test.method) == ("chance", "poisson-conditional-exact")


@pytest.mark.parametrize("of", [MODELS, KG])
def test_stocks_and_quantities_are_not_drawn_by_chance(of: Indicator) -> None:
    got = compared(total(101, of), total(100, of))
    assert (got.way, got.test) == ("up", None)


def test_what_is_the_same_was_not_tested() -> None:
    assert compared(total(7), total(7)).test is None


@pytest.mark.parametrize(("percent", "way"), [(99, "chance"), (97, "chance"), (96, "up"), (95, "up"), (90, "up")])
def test_the_confidence_is_that_of_the_params(percent: int, way: str) -> None:
    thresholds = THRESHOLDS.model_copy(update={"confidence_percent": percent})
    assert change(total(6), total(0, year=2022), 2022, thresholds).way == way  # p is 0.03125


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (share(1, 1, PER_10K), share(0, 19, PER_10K)),  # of one event: one time in twenty
        (total(1, SIGNED, reported=1), total(0, SIGNED, reported=19)),
    ],
)
def test_one_in_twenty_is_still_chance(now: Result, last: Result) -> None:
    """p = 0.05 exactly, as docs/methods.md has it."""
    whole = compared(replace(now, owed=now.reported), replace(last, owed=last.reported))
    assert whole.test
    assert (whole.way, whole.test.p_value) == ("chance", 0.05)


# --- exchanging the years --------------------------------------------------------------------------------------

COUNTS = st.integers(0, 400)


@st.composite
def two_results(draw: st.DrawFn) -> tuple[Result, Result]:
    """Two results of one kind."""
    kind = draw(st.sampled_from(["count", "stock", "share", "rate", "boolean"]))
    if kind in ("count", "stock"):
        return tuple(total(draw(COUNTS), TIPS if kind == "count" else MODELS) for _ in range(2))  # type: ignore[return-value]
    if kind == "boolean":
        return tuple(total(draw(st.integers(0, 15)), SIGNED) for _ in range(2))  # type: ignore[return-value]
    found = []
    for _ in range(2):
        whole = draw(st.integers(1, 400))
        part = draw(st.integers(0, whole if kind == "share" else 400))
        found.append(share(part, whole, RATE if kind == "share" else PER_10K))
    return found[0], found[1]


@given(two_results())
def test_exchanging_the_years_turns_the_sign_and_keeps_the_rest(both: tuple[Result, Result]) -> None:
    one, other = both
    there, back = compared(one, other), compared(other, one)
    assert there.amount == back.amount >= 0
    assert there.sign == -back.sign
    turned = {"up": "down", "down": "up"}
    assert turned.get(there.way, there.way) == back.way
    assert (there.test is None) == (back.test is None)
    if there.test and back.test:
        assert there.test.method == back.test.method
        assert there.test.p_value == pytest.approx(back.test.p_value, rel=1e-6)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_farther_apart_the_less_chance(last: int, more: int) -> None:
    near, far = chance_of(total(last + more), total(last)), chance_of(total(last + more + 1), total(last))
    assert near
    assert far
    assert far.p_value <= near.p_value * (1 + 1e-9)


# --- what stands in the way: the figures -----------------------------------------------------------------------

NO_BELOW = {"status": Status.NO_DENOMINATOR}


@pytest.mark.parametrize(
    ("now", "last", "reason"),
    [
        (total("5"), None, "không có số liệu năm 2022"),
        (total(None), total("5"), "một trong hai năm không có số liệu"),
        (total("5"), total(None), "một trong hai năm không có số liệu"),
        (total("5"), total(None, status=Status.WITHHELD), "số liệu không công bố"),
        (total(None, PER_10K, **NO_BELOW), share(5, 10, PER_10K), "không có mẫu số"),
        (share(5, 10, PER_10K), total(None, PER_10K, **NO_BELOW), "không có mẫu số"),
        (total("5", reported=14), total("5"), "chưa đủ đơn vị báo cáo"),
        (total("5"), total("5", reported=14), "chưa đủ đơn vị báo cáo"),
        (total("5"), total("5", city_missing=True), "chưa đủ đơn vị báo cáo"),
        (total("5", bound="hơn"), total("5"), "số liệu chỉ ghi mức tối thiểu hoặc ước chừng"),
        (total("5"), total("5", bound="khoảng"), "số liệu chỉ ghi mức tối thiểu hoặc ước chừng"),
    ],
)
def test_unlike_figures_are_never_compared(now: Result, last: Result | None, reason: str) -> None:
    got = change(now, last, 2022, THRESHOLDS)
    assert (got.way, got.reason, got.amount, got.percent) == ("incomparable", reason, 0, None)
    assert (got.sign, got.test) == (0, None)


def test_what_stands_in_the_way_goes_before_all_else() -> None:
    for last in (None, total("7", year=2022), total(None, year=2022)):
        got = change(total("5"), last, 2022, THRESHOLDS, "địa giới thay đổi")
        assert (got.way, got.reason, got.last) == ("incomparable", "địa giới thay đổi", last)


def test_both_results_are_behind_a_change() -> None:
    assert compared(total("5"), total("3")).keys == ("tips@2023/total", "tips@2022/total")
    assert change(total("5"), None, 2022, THRESHOLDS).keys == ("tips@2023/total",)


# --- what stands in the way: land and time, with the real params ---------------------------------------------------

CATALOGUE = load_catalogue(Project(ROOT))
CITY_CHANGED = "địa giới thành phố thay đổi từ 01/7/2025"
OF_2025 = "ranh giới thay đổi từ 01/01/2025 (Nghị quyết 1232/NQ-UBTVQH15)"
OTHER_LENGTH = "hai kỳ số liệu dài ngắn khác nhau"


@pytest.fixture(scope="module")
def reason() -> Callable[..., str]:
    """`reason(2025, "police_models_active", "Quận Ngô Quyền")`: what stands in the way; '' if nothing does."""
    project = Project(ROOT)
    lineage, bodies = load_lineage(project), load_bodies(project)

    def bare(number: int, last: Year | None) -> Year:
        params = load_params(project, number)
        units = load_units(project, params.period, params.population_concept)
        return Year(params, CATALOGUE.of_year(number), units, (), (), (), (), lineage, bodies, last=last)

    years = {number: bare(number, bare(number - 1, None)) for number in (2023, 2024, 2025, 2026)}

    def ask(number: int, code: str, name: str = "") -> str:
        found = years[number]
        assert found.last
        scope, of = found.units.resolve(name).id if name else TOTAL, found.catalogue.by_code[code]
        scopes = (TOTAL, *(unit.id for unit in found.last.units.all))
        last_results = {(code, s): total(100, of) for s in scopes}
        last, obstacle = Grounds.of(found).last_of(of, scope, last_results)
        assert obstacle or last
        return obstacle

    return ask


FLOWS, STOCKS = ("tips_received", "fireworks_kg", "plan_signed", "tips_valuable_rate"), ("police_models_active",)


@pytest.mark.parametrize(
    ("number", "flows", "stocks"),
    [
        (2023, "", ""),
        (2024, "", ""),
        (2025, CITY_CHANGED, CITY_CHANGED),
        (2026, CITY_CHANGED, ""),  # half of 2025 was the old city; its last day was the new one
    ],
)
def test_totals_over_the_years(number: int, flows: str, stocks: str, reason: Callable[..., str]) -> None:
    assert {reason(number, code) for code in FLOWS} == {flows}
    assert {reason(number, code) for code in STOCKS} == {stocks}
    assert {reason(number, code, "Khối thành phố") for code in FLOWS[:1]} == {flows}
    assert {reason(number, code, "Khối thành phố") for code in STOCKS} == {stocks}


@pytest.mark.parametrize(
    ("number", "code", "name", "said"),
    [
        (2024, "tips_received", "Quận Hồng Bàng", ""),
        (2024, "dvk_per_commune", "Huyện Thủy Nguyên", ""),
        (2025, "tips_received", "Quận Hồng Bàng", OF_2025),
        (2025, "police_models_active", "Quận Hồng Bàng", OF_2025),
        (2025, "police_models_active", "Thành phố Thủy Nguyên", OF_2025),
        (2025, "police_models_active", "Quận Hải An", OF_2025),
        (2025, "tips_received", "Quận Ngô Quyền", OTHER_LENGTH),
        (2025, "tips_valuable_rate", "Quận Ngô Quyền", OTHER_LENGTH),
        (2025, "plan_signed", "Quận Ngô Quyền", OTHER_LENGTH),
        (2025, "police_models_active", "Quận Ngô Quyền", ""),
        (2025, "police_models_active", "Huyện Bạch Long Vĩ", ""),
        (2025, "commune_officers", "Huyện Kiến Thụy", ""),
        (2025, "commune_police_coverage", "Huyện Kiến Thụy", "số xã, phường, thị trấn của đơn vị thay đổi"),
        (2025, "commune_police_coverage", "Huyện An Lão", ""),
        (2025, "police_models_active", "Đặc khu Bạch Long Vĩ", ""),  # the whole huyện, now a đặc khu
        (2025, "tips_received", "Đặc khu Bạch Long Vĩ", OTHER_LENGTH),
        (2026, "tips_received", "Đặc khu Bạch Long Vĩ", OTHER_LENGTH),
        (2026, "police_models_active", "Đặc khu Bạch Long Vĩ", ""),
        (2026, "police_models_active", "Phường Hồng Bàng", ""),
        (2026, "tips_received", "Phường Hồng Bàng", OTHER_LENGTH),
        (2026, "commune_police_coverage", "Xã Nam Sách", ""),
    ],
)
def test_units_over_the_years(number: int, code: str, name: str, said: str, reason: Callable[..., str]) -> None:
    assert reason(number, code, name) == said


def test_new_units_have_nothing_before_them(reason: Callable[..., str]) -> None:
    for code in ("tips_received", "police_models_active"):
        assert reason(2025, code, "Phường Hồng Bàng").startswith("ranh giới thay đổi từ 01/7/2025 (")
        assert reason(2025, code, "Xã Nam Sách").startswith("ranh giới thay đổi từ 01/7/2025 (")


def test_stocks_of_all_units_of_2026_can_be_compared(reason: Callable[..., str]) -> None:
    project = Project(ROOT)
    units = load_units(project, load_params(project, 2026).period, "")
    assert {reason(2026, "police_models_active", unit.full_name) for unit in units.all} == {""}
    assert len(units.districts) == 114


# --- units that became one -------------------------------------------------------------------------------------


def link(code: str, origin: str, relation: str = "whole", day: str = "2023-01-01") -> Link:
    start = date.fromisoformat(day)
    whole = Decimal(1) if relation == "whole" else None
    return Link((code, start), (origin, date(2020, 1, 1)), relation, whole, "", "NQ 1", "", start, 2)  # type: ignore[arg-type]


LAST_TABLE = """
    unit      | tips | good | models | signed | officers | kg
    A         | 100  | 50   | 10     | 1      | 8        | 1,5
    B         | 300  | 180  | 20     | 0      | 4        | 2
    D         | 50   | 10   | 5      | 1      | 5        | 0
    Thành phố | 0    | 0    | 0      |        |          |
"""
EVERY = (TIPS, GOOD, RATE, PER_10K, PER_ANY_COMMUNE, MODELS, OFFICERS, PER_COMMUNE, SIGNED, SIGNED_RATE, KG)


def merged(
    table: str,
    *,
    last_table: str = LAST_TABLE,
    communes: int = 10,
    links: tuple[Link, ...] = (),
    illustrative: str = "",
) -> Book:
    """2023, in which C is what A and B were in 2022; D goes on."""
    before = year(
        last_table,
        *(unit(name, n, in_year=2022) for n, name in enumerate("ABD", 1)),
        indicators=EVERY,
        params=params_of(2022),
        illustrative=illustrative,
    )
    now = year(
        table,
        *(unit("C", 1, since="2023-01-01", communes=communes, population=40000), unit("D", 2)),
        indicators=EVERY,
        last=before,
        links=links or (link("C", "A"), link("C", "B")),
    )
    return Book(now, "internal")


NOW_TABLE = """
    unit      | tips | good | models | signed | officers | kg
    C         | 500  | 230  | 33     | 1      | 15       | 3,5
    D         | 50   | 10   | 5      | 1      | 5        | 0
    Thành phố | 0    | 0    | 0      |        |          |
"""


@pytest.mark.parametrize(
    ("code", "last", "way", "amount"),
    [
        ("tips", "400", "up", "100"),
        ("models", "30", "up", "3"),
        ("kg", "3.5", "same", "0"),
        ("officers", "12", "up", "3"),
        ("rate", "57.5", "down", "11.5"),  # 230 of 400, not the mean of 50% and 60%
        ("per_any_commune", "40", "up", "10"),
        ("per_10k", "100", "up", "25"),
    ],
)
def test_what_two_units_became_is_held_against_both(code: str, last: str, way: str, amount: str) -> None:
    got = merged(NOW_TABLE).change_of(code, "C")
    assert got.last
    assert got.last.value is not None
    assert (got.last.value.normalize(), got.way, got.amount) == (Decimal(last).normalize(), way, Decimal(amount))
    assert {cell.file for cell in got.last.sources if cell.file.endswith(".xlsx")} == {"A.xlsx", "B.xlsx"}


def test_who_goes_on_is_held_against_itself() -> None:
    got = merged(NOW_TABLE).change_of("tips", "D")
    assert (got.way, got.keys) == ("same", ("tips@2023/D", "tips@2022/D"))


def test_two_of_which_one_has_not_reported_are_not_known() -> None:
    book = merged(NOW_TABLE, last_table=LAST_TABLE.replace("| 300 ", "| ?   "))
    assert book.change_of("tips", "C").reason == "một trong hai năm không có số liệu"
    assert book.change_of("rate", "C").reason == "một trong hai năm không có số liệu"
    assert book.change_of("models", "C").way == "up"


def test_a_bound_of_one_is_a_bound_of_both() -> None:
    book = merged(NOW_TABLE, last_table=LAST_TABLE.replace("| 100 ", "| hơn 100 "))
    assert book.change_of("tips", "C").reason == "số liệu chỉ ghi mức tối thiểu hoặc ước chừng"


def test_a_part_is_not_held_against_anything() -> None:
    book = merged(NOW_TABLE, links=(link("C", "A"), link("C", "B", "part")))
    for code in ("tips", "models", "rate"):
        got = book.change_of(code, "C")
        assert (got.way, got.reason, got.last) == (
            "incomparable",
            "ranh giới thay đổi từ 01/01/2023 (NQ 1)",
            None,
        )


def test_communes_merged_within_the_unit_change_what_is_reckoned_by_commune() -> None:
    book = merged(NOW_TABLE, communes=7)
    assert book.change_of("per_commune", "C").reason == "số xã, phường, thị trấn của đơn vị thay đổi"
    assert book.change_of("per_any_commune", "C").reason == "số xã, phường, thị trấn của đơn vị thay đổi"
    assert book.change_of("officers", "C").way == "up"
    assert book.change_of("per_commune").reason == "mẫu số thay đổi từ 15 thành 12"
    assert book.change_of("officers").way == "up"


def test_the_city_counts_other_units_than_last_year() -> None:
    book = merged(NOW_TABLE)
    other = "các đơn vị phải báo cáo không như năm trước"
    assert book.change_of("signed").reason == book.change_of("signed_rate").reason == other
    assert book.change_of("tips").way == "up"


def test_a_year_that_begins_with_the_change_of_the_city_is_compared() -> None:
    outside = Link(("C", date(2023, 7, 1)), None, "outside", None, "", "NQ 2", "", date(2023, 7, 1), 2)
    within = merged(NOW_TABLE, links=(link("C", "A"), link("C", "B"), outside))
    assert within.change_of("tips").reason.startswith("địa giới thành phố thay đổi từ 01/7/2023")
    assert within.change_of("models").reason.startswith("địa giới thành phố thay đổi từ 01/7/2023")
    before = replace(outside, unit=("C", date(2022, 1, 1)), day=date(2022, 1, 1))
    assert merged(NOW_TABLE, links=(link("C", "A"), link("C", "B"), before)).change_of("tips").way == "up"


def test_without_a_year_before_there_is_nothing_to_compare() -> None:
    book = Book(year(NOW_TABLE.replace("C  ", "A  "), unit("A", 1), unit("D", 2), indicators=EVERY), "internal")
    for scope in (TOTAL, "A"):
        assert book.change_of("tips", scope).reason == "không có số liệu năm 2022"


def test_an_indicator_that_last_year_did_not_have() -> None:
    before = year("unit | tips\nA | 5", unit("A", 1, in_year=2022), indicators=(TIPS,), params=params_of(2022))
    now = year("unit | tips | models\nA | 5 | 3", unit("A", 1), indicators=(TIPS, MODELS), last=before)
    for scope in (TOTAL, "A"):
        assert Book(now, "internal").change_of("models", scope).reason == "không có số liệu năm 2022"


def test_a_change_of_merged_units_can_be_traced() -> None:
    book = merged(NOW_TABLE)
    phrase = wording.of_change(book.change_of("tips", "C"), 2022)
    assert trace(book, [{"results": list(phrase.results)}], "")["results"]


def test_one_illustrative_figure_makes_both_together_illustrative() -> None:
    got = merged(NOW_TABLE, illustrative="B").change_of("tips", "C")
    assert got.last
    assert got.last.provenance == "illustrative"


def test_who_has_no_such_thing_adds_nothing() -> None:
    """A quận without communes and a huyện with them become one: what the huyện had is what both had."""
    before = year(
        "unit | officers\nA | 8\nB | -",
        *(unit("A", 1, in_year=2022), unit("B", 2, communes=0, in_year=2022)),
        indicators=(OFFICERS,),
        params=params_of(2022),
    )
    now = year(
        "unit | officers\nC | 9",
        unit("C", 1, since="2023-01-01"),
        indicators=(OFFICERS,),
        last=before,
        links=(link("C", "A"), link("C", "B")),
    )
    assert Book(now, "internal").change_of("officers", "C").way == "up"


# --- intervals -------------------------------------------------------------------------------------------------


def wilson(part: int, whole: int) -> tuple[float, float]:
    z, p = 1.959963984540054, part / whole
    middle, half = p + z**2 / (2 * whole), z * math.sqrt(p * (1 - p) / whole + z**2 / (4 * whole**2))
    return 100 * (middle - half) / (1 + z**2 / whole), 100 * (middle + half) / (1 + z**2 / whole)


def byar(events: int) -> tuple[float, float]:
    z, more = 1.959963984540054, events + 1
    low = events * (1 - 1 / (9 * events) - z / (3 * math.sqrt(events))) ** 3
    return low, more * (1 - 1 / (9 * more) + z / (3 * math.sqrt(more))) ** 3


def test_the_interval_of_a_share() -> None:
    got = interval(share(502, 588), THRESHOLDS)
    assert got
    assert (got.lower, got.upper) == pytest.approx(wilson(502, 588))
    assert (got.method, got.confidence, got.estimate) == ("wilson", 0.95, pytest.approx(502 / 588 * 100))
    assert wording.of_interval(got, RATE) == "khoảng tin cậy 95% (Wilson): 82,3%-88%"


def test_the_interval_of_events() -> None:
    got = interval(total(4342), THRESHOLDS)
    assert got
    assert (got.lower, got.upper) == pytest.approx(byar(4342))
    assert (got.method, got.estimate) == ("byar", 4342)


def test_the_interval_of_few_events_is_exact() -> None:
    """3 events: 0.62 to 8.77 by the tables of Garwood; none: up to 3.69."""
    got = interval(total(3), THRESHOLDS)
    assert got
    assert (round(got.lower, 2), round(got.upper, 2), got.method) == (0.62, 8.77, "exact-poisson")
    none = interval(total(0), THRESHOLDS)
    assert none
    assert (none.lower, round(none.upper, 2), none.method) == (0, 3.69, "exact-poisson")


def test_the_interval_of_a_rate_is_in_its_own_measure() -> None:
    got = interval(share(4342, 2_028_514, PER_10K), THRESHOLDS)
    assert got
    assert (got.lower, got.upper) == pytest.approx([limit / 2_028_514 * 10_000 for limit in byar(4342)])
    assert got.method == "byar"


def test_the_confidence_of_an_interval_is_that_of_the_params() -> None:
    thresholds = THRESHOLDS.model_copy(update={"confidence_percent": 90})
    wide, narrow = interval(share(502, 588), THRESHOLDS), interval(share(502, 588), thresholds)
    assert wide
    assert narrow
    assert wide.lower < narrow.lower < narrow.upper < wide.upper
    assert wording.of_interval(narrow, RATE).startswith("khoảng tin cậy 90% (Wilson): ")


@pytest.mark.parametrize(
    "result",
    [
        total(100, MODELS),
        total("442.37", KG),
        total(14, SIGNED),
        total(100, bound="hơn"),
        total(100, reported=14),
        total(100, city_missing=True),
        total(None),
        total(None, PER_10K, status=Status.NO_DENOMINATOR),
    ],
    ids=["stock", "quantity", "yes", "bound", "incomplete", "no city", "unknown", "no denominator"],
)
def test_what_has_no_interval(result: Result) -> None:
    assert interval(result, THRESHOLDS) is None


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_estimate_lies_in_its_interval(part: int, whole: int) -> None:
    for result in (share(min(part, whole), whole), share(part, whole, PER_10K), total(part)):
        got = interval(result, THRESHOLDS)
        assert got
        assert got.lower <= got.estimate <= got.upper
        assert got.estimate == pytest.approx(float(result.value or 0))


# --- ratios of what is not tested itself -----------------------------------------------------------------------

KG_PER_10K = ratio("kg_per_10k", "kg", "population", 10_000)


def test_a_ratio_of_a_quantity_is_not_drawn_by_chance() -> None:
    """An entry in the catalogue must not need code: 'kg pháo trên 10.000 dân' is compared as the kilograms are."""
    now, last = (
        replace(share(0, 2_000_000, KG_PER_10K), value=value / 200, numerator=value)
        for value in (Decimal("442.37"), Decimal("400"))
    )
    got = compared(now, last)
    assert (got.way, got.test) == ("up", None)


def test_a_ratio_of_a_quantity_has_no_interval() -> None:
    result = replace(share(0, 2_000_000, KG_PER_10K), value=Decimal("2.2"), numerator=Decimal("442.37"))
    assert interval(result, THRESHOLDS) is None


def test_a_ratio_of_a_stock_is_not_drawn_by_chance() -> None:
    """Else one table says of the same officers that there are more, and that there are no more by commune."""
    book = merged(NOW_TABLE)
    assert book.change_of("officers", "C").way == "up"
    assert book.change_of("per_commune", "C").way == "up"


# --- a single unit's yes ---------------------------------------------------------------------------------------


def test_a_yes_of_one_unit_that_became_a_no_is_no_chance() -> None:
    """Whether a unit signed its plan was not drawn by lot: it said Có and now says Không."""
    now, last = (
        replace(total(value, SIGNED, reported=1), owed=1, scope="A", year=y) for value, y in ((0, 2023), (1, 2022))
    )
    got = change(now, last, 2022, THRESHOLDS)
    assert (got.sign, got.amount) == (-1, 1)
    assert got.way == "down"


def test_assumptions_of_these_tests() -> None:
    assert THRESHOLDS.confidence_percent == 95
    assert THRESHOLDS.small_count == 20
    assert TIPS.time == "flow"
