"""Small tables in, results out: how totals and ratios are made of what units reported."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
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
    VIEWS,
    said,
    unit,
    year,
)

from danvan.intake.findings import Cell
from danvan.intake.observations import EXACT, Status
from danvan.intake.year import Year
from danvan.measures import TOTAL, Results, compute, is_of_city, rounded, sum_bound
from danvan.units import CITY, Unit

# --- totals ----------------------------------------------------------------------------------------------------


def test_a_total_is_the_sum_of_units_and_city() -> None:
    results = compute(
        year(
            """
            unit      | tips
            Đông      | 10
            Tây       | 20
            Nam       | 0
            Thành phố | 5
            """,
            indicators=(TIPS,),
        )
    )
    assert said(results, "tips") == "35"
    total = results["tips", TOTAL]
    assert [(cell.file, cell.ref) for cell in total.sources] == [
        ("Đông.xlsx", "B2"),
        ("Tây.xlsx", "B3"),
        ("Nam.xlsx", "B4"),
        ("HP-CITY.xlsx", "B5"),
    ]
    assert total.formula == "tổng số của các đơn vị và khối thành phố"
    assert total.key == "tips@2023/total"
    assert (total.reported, total.owed) == (3, 3)  # the city is never counted among the units
    assert results["tips", "Nam"].status is Status.ZERO
    assert results["tips", "Đông"].formula == "số trong phiếu của Huyện Đông"


@pytest.mark.parametrize(
    ("east", "west", "total"),
    [
        ("10", "20", "30"),
        ("hơn 10", "20", "hơn 30"),
        ("trên 10", "20", "trên 30"),
        ("hơn 10", "hơn 20", "hơn 30"),
        ("trên 10", "hơn 20", "hơn 30"),  # two words for one thing: one of them is printed
        ("khoảng 10", "20", "khoảng 30"),
        ("khoảng 10", "hơn 20", "khoảng 30"),
        ("hơn 10", "?", "hơn 10 [1/2]"),
        ("0", "0", "0"),
        ("0", "?", "0 [1/2]"),
    ],
)
def test_one_lower_bound_makes_the_sum_a_lower_bound(east: str, west: str, total: str) -> None:
    table = f"""
        unit      | tips
        Đông      | {east}
        Tây       | {west}
        Thành phố | 0
    """
    assert said(compute(year(table, unit("Đông", 1), unit("Tây", 2), indicators=(TIPS,))), "tips") == total


def test_what_is_missing_is_told_and_never_counted_as_zero() -> None:
    results = compute(
        year(
            """
            unit | tips
            Đông | 10
            Tây  | ?
            """,
            indicators=(TIPS,),
        )
    )
    assert said(results, "tips") == "10 [1/3, no city]"
    assert results["tips", "Tây"].status is Status.NOT_REPORTED  # said so
    assert results["tips", "Nam"].status is Status.NOT_REPORTED  # sent nothing
    assert results["tips", CITY].status is Status.NOT_REPORTED


def test_a_total_of_nothing_is_not_zero() -> None:
    table = """
        unit      | tips
        Đông      | ?
        Thành phố | ?
    """
    assert said(compute(year(table, unit("Đông", 1), indicators=(TIPS,))), "tips") == "not reported"


def test_a_total_of_zeros_is_zero() -> None:
    table = """
        unit      | tips
        Đông      | 0
        Thành phố | 0
    """
    total = compute(year(table, unit("Đông", 1), indicators=(TIPS,)))["tips", TOTAL]
    assert (total.value, total.status) == (0, Status.ZERO)


def test_yes_is_counted() -> None:
    results = compute(
        year(
            """
            unit | signed
            Đông | 1
            Tây  | 0
            Nam  | 1
            """,
            indicators=(SIGNED, SIGNED_RATE),
        )
    )
    assert said(results, "signed") == "2"
    assert results["signed", TOTAL].formula == "số đơn vị ghi Có"
    assert said(results, "signed_rate") == "66.67"
    assert (results["signed_rate", TOTAL].numerator, results["signed_rate", TOTAL].denominator) == (2, 3)


def test_a_figure_of_the_city_offices_alone() -> None:
    results = compute(year("unit | views\nThành phố | hơn 2000000", indicators=(VIEWS,)))
    assert said(results, "views") == "hơn 2000000"
    assert results["views", TOTAL].formula == "số của khối thành phố"
    assert results["views", "Đông"].status is Status.NOT_APPLICABLE
    nothing = compute(year("unit | views\nĐông |", indicators=(VIEWS,)))
    assert (said(nothing, "views"), nothing["views", TOTAL].city_missing) == ("not reported", True)


def test_who_has_no_such_thing_does_not_owe_it() -> None:
    table = """
        unit | officers
        Đông | 8
        Tây  | -
    """
    results = compute(year(table, unit("Đông", 1), unit("Tây", 2, communes=0), indicators=(OFFICERS, PER_COMMUNE)))
    assert said(results, "officers") == "8"  # complete: 1 of 1
    assert results["officers", "Tây"].status is Status.NOT_APPLICABLE
    assert said(results, "per_commune", "Tây") == "not applicable"
    assert said(results, "per_commune") == "1.6"


# --- ratios ----------------------------------------------------------------------------------------------------


def test_a_ratio_is_a_ratio_of_sums_never_a_mean_of_ratios() -> None:
    table = """
        unit      | tips | good
        Đông      | 10   | 1
        Tây       | 990  | 891
        Thành phố | 0    | 0
    """
    results = compute(year(table, unit("Đông", 1), unit("Tây", 2), indicators=(TIPS, GOOD, RATE)))
    assert said(results, "rate", "Đông") == "10"
    assert said(results, "rate", "Tây") == "90"
    assert said(results, "rate") == "89.2"  # the mean of ratios would be 50
    total = results["rate", TOTAL]
    assert (total.numerator, total.denominator) == (892, 1000)
    assert total.formula == "good / tips × 100%"
    assert [cell.ref for cell in total.sources] == ["C2", "B2", "C3", "B3", "C4", "B4"]


@pytest.mark.parametrize(
    "row",
    ["Nam | 1000 | ?", "Nam | ? | 1000", "Nam | 1000 |", "Nam | ? | ?", ""],
    ids=["no numerator", "no denominator", "blank", "neither", "no return"],
)
def test_a_missing_unit_shrinks_both_sides_of_a_ratio(row: str) -> None:
    table = f"""
        unit      | tips | good
        Đông      | 10   | 5
        Tây       | 10   | 7
        Thành phố | 0    | 0
        {row}
    """
    results = compute(year(table, indicators=(TIPS, GOOD, RATE)))
    assert said(results, "rate") == "60 [2/3]"
    assert said(results, "rate", "Nam") == "not reported"


def test_a_rate_over_an_unknown_population_is_no_rate() -> None:
    """One unit without a denominator: the city has none, and does not silently become the city without that unit."""
    table = """
        unit      | tips
        Đông      | 10
        Tây       | 30
        Thành phố | 0
    """
    known = compute(year(table, unit("Đông", 1), unit("Tây", 2), indicators=(TIPS, PER_10K)))
    assert said(known, "per_10k") == "10"
    unknown = compute(year(table, unit("Đông", 1), unit("Tây", 2, population=None), indicators=(TIPS, PER_10K)))
    assert unknown["per_10k", TOTAL].status is Status.NO_DENOMINATOR
    assert unknown["per_10k", TOTAL].numerator is None
    assert unknown["per_10k", "Tây"].status is Status.NO_DENOMINATOR
    assert said(unknown, "per_10k", "Đông") == "5"


def test_who_has_sent_nothing_needs_no_denominator() -> None:
    """A unit that does not stand above the line is not looked for below it: then the figure is incomplete, not gone."""
    table = """
        unit      | tips
        Đông      | 10
        Thành phố | 0
    """
    results = compute(year(table, unit("Đông", 1), unit("Tây", 2, population=None), indicators=(TIPS, PER_10K)))
    assert said(results, "per_10k") == "5 [1/2]"
    assert said(results, "per_10k", "Tây") == "not reported"


def test_nothing_reported_is_not_the_same_as_no_denominator() -> None:
    table = "unit | tips\nĐông | ?\nThành phố | ?"
    results = compute(year(table, unit("Đông", 1, population=None), indicators=(TIPS, PER_10K)))
    assert said(results, "per_10k") == said(results, "per_10k", "Đông") == "not reported"


def test_nobody_lives_there_is_not_the_same_as_not_known() -> None:
    table = "unit | tips\nĐông | 1\nThành phố | 0"
    for communes, status in ((0, Status.NOT_APPLICABLE), (None, Status.NO_DENOMINATOR)):
        results = compute(year(table, unit("Đông", 1, communes=communes), indicators=(TIPS, PER_ANY_COMMUNE)))
        assert results["per_any_commune", "Đông"].status is status
        assert results["per_any_commune", TOTAL].status is status


def test_a_rate_of_the_population_counts_the_citys_own_tips() -> None:
    """As published for 2023: all tips of the city over all its people."""
    table = """
        unit      | tips
        Đông      | 10
        Tây       | 20
        Thành phố | 10
    """
    results = compute(year(table, unit("Đông", 1), unit("Tây", 2), indicators=(TIPS, PER_10K)))
    assert said(results, "per_10k") == "10"
    assert Cell("data/reference/population.csv", "", "dòng 2") in results["per_10k", TOTAL].sources
    assert results["per_10k", CITY].status is Status.NOT_APPLICABLE


def test_a_rate_of_very_few_people_is_not_said_of_the_unit_but_they_count_in_the_city() -> None:
    table = """
        unit      | tips
        Đông      | 10
        Tây       | 1
        Thành phố | 0
    """
    results = compute(year(table, unit("Đông", 1), unit("Tây", 2, population=2000), indicators=(TIPS, PER_10K)))
    assert said(results, "per_10k", "Đông") == "5"
    assert said(results, "per_10k", "Tây") == "not applicable"
    assert said(results, "per_10k") == "5"  # 11 per 22,000
    least = PARAMS.thresholds.small_population
    edge = compute(year(table, unit("Đông", 1), unit("Tây", 2, population=least), indicators=(TIPS, PER_10K)))
    assert said(edge, "per_10k", "Tây") == "1"


def test_nothing_over_nothing_is_not_applicable() -> None:
    table = """
        unit      | tips | good
        Đông      | 0    | 0
        Thành phố | 0    | 0
    """
    results = compute(year(table, unit("Đông", 1), indicators=(TIPS, GOOD, RATE)))
    assert said(results, "rate") == said(results, "rate", "Đông") == "not applicable"
    assert results["rate", TOTAL].numerator is None


def test_none_of_some_is_zero_percent() -> None:
    table = """
        unit      | tips | good
        Đông      | 8    | 0
        Thành phố | 0    | 0
    """
    results = compute(year(table, unit("Đông", 1), indicators=(TIPS, GOOD, RATE)))
    assert said(results, "rate") == said(results, "rate", "Đông") == "0"


@pytest.mark.parametrize(
    ("tips", "good", "rate"),
    [
        ("10", "hơn 5", "hơn 50"),
        ("hơn 10", "5", "khoảng 50"),
        ("hơn 10", "hơn 5", "khoảng 50"),
        ("10", "khoảng 5", "khoảng 50"),
    ],
)
def test_the_bound_of_a_ratio(tips: str, good: str, rate: str) -> None:
    table = f"unit | tips | good\nĐông | {tips} | {good}\nThành phố | 0 | 0"
    assert said(compute(year(table, unit("Đông", 1), indicators=(TIPS, GOOD, RATE))), "rate") == rate


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=6))
def test_a_total_ratio_lies_between_those_of_the_units(pairs: list[tuple[int, int]]) -> None:
    units = [unit(f"U{n}", n) for n in range(len(pairs))]
    lines = [f"U{n} | {max(pair)} | {min(pair)}" for n, pair in enumerate(pairs)]
    table = "\n".join(["unit | tips | good", *lines, "Thành phố | 0 | 0"])
    results = compute(year(table, *units, indicators=(TIPS, GOOD, RATE)))
    total = results["rate", TOTAL].value
    parts = [value for u in units if (value := results["rate", u.id].value) is not None]
    assert (total is None) == (not parts)
    if total is not None:
        assert min(parts) - Decimal("1e-20") <= total <= max(parts) + Decimal("1e-20")


# --- a year in which the map changes -----------------------------------------------------------------------------

FIRST, SECOND = "span@2023-01-01..2023-06-30", "span@2023-07-01..2023-12-31"


HALVES = """
    unit      | tips | good | models | signed | kg
    A         | 10   | 5    | 100    | 1      | 1,5
    B         | 20   | 10   | 200    | 0      | 2
    C         | 1    | 1    | 30     | 1      | 0,5
    D         | 2    | 1    | 40     | 1      | 0
    E         | 3    | 1    | 50     | 1      | 0
    Thành phố | 4    | 2    | 7      |        | 1
"""


def halves(table: str = HALVES) -> Results:
    """A year of two maps: A and B until June, then C, D and E."""
    every = (TIPS, GOOD, RATE, PER_10K, PER_ANY_COMMUNE, MODELS, SIGNED, SIGNED_RATE, KG)
    return compute(year(table, *two_maps(), indicators=every))


def two_maps() -> tuple[Unit, ...]:
    return (
        unit("A", 1, last="06-30"),
        unit("B", 2, last="06-30"),
        *(unit(name, n, first="07-01", communes=1, population=None) for n, name in enumerate("CDE", 1)),
    )


def test_flows_are_added_over_both_parts_of_the_year() -> None:
    results = halves()
    assert said(results, "tips") == "40"
    assert said(results, "kg") == "5"
    assert (results["tips", TOTAL].reported, results["tips", TOTAL].owed) == (5, 5)
    assert said(results, "tips", FIRST) == "30"
    assert said(results, "tips", SECOND) == "6"


def test_stocks_are_those_of_the_units_at_the_end() -> None:
    """What A and B had in June is in what C, D and E have in December: adding both would count it twice."""
    results = halves()
    assert said(results, "models") == "127"
    assert (results["models", TOTAL].reported, results["models", TOTAL].owed) == (3, 3)
    assert [cell.file for cell in results["models", TOTAL].sources] == [
        "C.xlsx",
        "D.xlsx",
        "E.xlsx",
        "HP-CITY.xlsx",
    ]
    assert said(results, "models", FIRST) == "300"
    assert said(results, "models", SECOND) == "120"


def test_what_an_ended_unit_lacks_of_a_stock_does_not_make_the_citys_incomplete() -> None:
    table = """
        unit      | tips | models
        B         | 20   | ?
        C         | 1    | 30
        D         | 2    | 40
        E         | 3    | 50
        Thành phố | 4    | 7
    """
    results = halves(table)
    assert said(results, "models") == "127"
    assert said(results, "tips") == "30 [4/5]"
    assert said(results, "models", FIRST) == "not reported"


def test_yes_is_counted_over_all_units_of_the_year() -> None:
    results = halves()
    assert said(results, "signed") == "4"
    assert said(results, "signed_rate") == "80"  # of five units that had to sign
    assert said(results, "signed_rate", FIRST) == "50"
    assert said(results, "signed_rate", SECOND) == "100"


def test_ratios_of_two_flows_are_those_of_the_whole_year() -> None:
    results = halves()
    assert said(results, "rate") == "50"  # 20 of 40, the city offices among them
    assert said(results, "rate", FIRST) == "50"  # without them
    assert said(results, "rate", SECOND) == "50"


def test_a_year_over_two_maps_has_no_denominator() -> None:
    """Tips of a whole year over communes that were counted anew within it: over which of the two counts?"""
    results = halves()
    assert results["per_any_commune", TOTAL].status is Status.NO_DENOMINATOR
    assert said(results, "per_any_commune", FIRST) == "3"  # 30 over 10
    assert said(results, "per_any_commune", SECOND) == "2"
    assert results["per_10k", TOTAL].status is Status.NO_DENOMINATOR
    assert said(results, "per_10k", FIRST) == "7.5"
    assert results["per_10k", SECOND].status is Status.NO_DENOMINATOR


def test_a_ratio_of_a_stock_is_that_of_the_units_at_the_end() -> None:
    table = """
        unit | officers
        A    | 10
        B    | 15
        C    | 2
        D    | 1
        E    | 3
    """
    results = compute(year(table, *two_maps(), indicators=(OFFICERS, PER_COMMUNE)))
    assert said(results, "per_commune") == "2"  # 6 officers of 3 communes
    assert (results["per_commune", TOTAL].reported, results["per_commune", TOTAL].owed) == (3, 3)
    assert said(results, "per_commune", FIRST) == "2.5"
    assert said(results, "per_commune", SECOND) == "2"


def test_parts_of_the_year_stand_for_themselves_only_where_there_are_several() -> None:
    scopes = {scope for _, scope in halves()}
    assert {FIRST, SECOND} < scopes
    one_map = compute(year("unit | tips\nĐông | 1", indicators=(TIPS,)))
    assert {scope for _, scope in one_map} == {"Đông", "Tây", "Nam", CITY, TOTAL}


def test_which_scopes_are_no_single_units() -> None:
    assert [is_of_city(scope) for scope in (TOTAL, FIRST, "HP-303", "HP-303@2025-01-01", CITY)] == [
        *(True, True),
        *(False, False, False),
    ]


def changed_alone(table: str) -> Year:
    """Of three units one becomes another in the middle of the year."""
    units = (unit("A", 1, last="06-30"), unit("B", 2), unit("C", 3), unit("N", 1, first="07-01"))
    return year(table, *units, indicators=(TIPS, GOOD, RATE, MODELS))


ALONE = """
    unit      | tips | good | models
    A         | 1    | 1    | 10
    B         | 20   | 10   | 20
    C         | 300  | 100  | 30
    N         | 4000 | 1000 | 40
    Thành phố | 0    | 0    | 0
"""


def test_one_unit_that_changes_within_the_year_is_in_the_totals() -> None:
    results = compute(changed_alone(ALONE))
    assert said(results, "tips") == "4321"
    assert said(results, "models") == "90"
    assert (results["tips", TOTAL].owed, results["models", TOTAL].owed) == (4, 3)


def test_each_part_of_the_year_has_its_own_sum() -> None:
    of = changed_alone(ALONE)
    results = compute(of)
    sums = [results["tips", scope].value for _, scope in results if scope.startswith("span@")]
    assert len({scope for _, scope in results if scope.startswith("span@")}) == len(of.units.spans) == 3
    assert {1, 320, 4000} <= set(sums)


# --- where figures come from -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("totals", "illustrative", "city", "east", "west"),
    [
        ("published", "Đông Tây", "published", "illustrative", "illustrative"),
        ("reported", "Đông", "illustrative", "illustrative", "reported"),
        ("reported", "", "reported", "reported", "reported"),
        ("illustrative", "", "illustrative", "reported", "reported"),
    ],
)
def test_provenance(totals: str, illustrative: str, city: str, east: str, west: str) -> None:
    provenance = PARAMS.provenance.model_copy(update={"city_totals": totals})
    params = PARAMS.model_copy(update={"provenance": provenance})
    table = "unit | tips | good\nĐông | 1 | 1\nTây | 2 | 1\nThành phố | 3 | 1"
    of = year(
        table,
        *(unit("Đông", 1), unit("Tây", 2)),
        indicators=(TIPS, GOOD, RATE),
        illustrative=illustrative,
        params=params,
    )
    results = compute(of)
    for code in ("tips", "rate"):
        assert [results[code, scope].provenance for scope in (TOTAL, "Đông", "Tây")] == [city, east, west]


# --- small things ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [("2.5", 0, "3"), ("3.5", 0, "4"), ("-2.5", 0, "-3"), ("85.35", 1, "85.4"), ("0.125", 2, "0.13"), ("2.4", 0, "2")],
)
def test_rounding_is_that_of_excel(value: str, decimals: int, text: str) -> None:
    assert str(rounded(Decimal(value), decimals)) == text


def test_the_bound_of_no_parts_is_exact() -> None:
    assert sum_bound([]) == sum_bound([EXACT, EXACT]) == EXACT
