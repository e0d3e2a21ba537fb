"""Small tables in, results out: how totals, ratios and changes are made of what units reported."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danvan.catalogue import Catalogue, Indicator
from danvan.intake.findings import Cell
from danvan.intake.observations import EXACT, Bound, Observation, Return, Status
from danvan.intake.year import Year
from danvan.measures import TOTAL, Result, Results, change, compute, rounded, sum_bound
from danvan.params import YearParams, load_params
from danvan.paths import Project
from danvan.units import CITY, Unit, Units

ROOT = Path(__file__).resolve().parent.parent.parent
PARAMS = load_params(Project(ROOT), 2023)


# --- the language of these tables -------------------------------------------------------------------------------


def indicator(code: str, kind: str = "count", reporters: str = "district city", **more: object) -> Indicator:
    """An indicator that units report."""
    fields = {"time": "flow", "reporters": tuple(reporters.split()), "body": "catp", "measured_in": "tin"}
    return Indicator(code=code, name=code, section="I", tier="core", kind=kind, **BASE, **{**fields, **more})


def ratio(code: str, numerator: str, denominator: str, scale: int = 100) -> Indicator:
    more = {"numerator": numerator, "denominator": denominator, "scale": scale, "measured_in": "%", "decimals": 1}
    return Indicator(code=code, name=code, section="I", tier="derived", kind="ratio", **BASE, **more)


BASE = {"direction": "neutral", "sensitivity": "none"}
TIPS = indicator("tips")
GOOD = indicator("good", part_of="tips")
RATE = ratio("rate", "good", "tips")
PER_10K = ratio("per_10k", "tips", "population", 10000)
OFFICERS = indicator("officers", reporters="district", owed_where="communes", time="stock")
PER_COMMUNE = ratio("per_commune", "officers", "communes", 1)
SIGNED = indicator("signed", "boolean", "district")
SIGNED_RATE = ratio("signed_rate", "signed", "units")
VIEWS = indicator("views", reporters="city")


def unit(name: str, order: int, *, communes: int | None = 5, population: int | None = 20000) -> Unit:
    """A district; `name` is its id, too."""
    return Unit(
        id=name,
        gso_code="",
        order=order,
        kind="khối thành phố" if name == CITY else "huyện",
        name=name,
        aliases=(),
        valid_from=date(2020, 1, 1),
        valid_to=None,
        wards=0,
        townships=0,
        communes=communes,
        population=population,
        line=order + 1,
        population_line=order + 1,
    )


def year(
    table: str, *units: Unit, indicators: tuple[Indicator, ...], illustrative: str = "", params: YearParams = PARAMS
) -> Year:
    """A year from a table: a header of indicator codes, then a line a unit; 'hơn 5', 'khoảng 5' are bounds.

    '?': not reported; '-': not applicable; a unit that the table lacks sent no return.
    """
    lines = [line.split("|") for line in table.strip().splitlines()]
    codes = [code.strip() for code in lines[0][1:]]
    city = unit(CITY, 99, communes=None, population=None)
    all_units = Units(units or (unit("Đông", 1), unit("Tây", 2), unit("Nam", 3)), city)
    by_code = {i.code: i for i in indicators}
    returns = []
    for row, (name, *values) in enumerate(lines[1:], start=2):
        wanted = {"Thành phố": CITY}.get(name.strip(), name.strip())
        of = next(unit for unit in all_units.all if unit.id == wanted)
        observations = []
        for column, (code, text) in enumerate(zip(codes, values, strict=True), start=2):
            *word, number = text.split() or [""]
            cell = Cell(f"{of.id}.xlsx", "Công an", f"{chr(64 + column)}{row}")
            value = None if number in ("?", "-", "") else Decimal(number.replace(",", "."))
            status = {"?": Status.NOT_REPORTED, "-": Status.NOT_APPLICABLE}.get(number, Status.REPORTED)
            if value == 0 and by_code[code].kind != "boolean":
                status = Status.ZERO
            if number:
                bound = Bound.of(" ".join(word))
                observations.append(Observation(of, by_code[code], 2023, value, status, bound, cell))
        returns.append(Return(of, f"{of.id}.xlsx", "", of.id in illustrative.split(), tuple(observations)))
    missing = tuple(u for u in all_units.all if u.id not in {r.unit.id for r in returns})
    return Year(params, Catalogue(indicators=indicators), all_units, tuple(returns), missing, (), ())


def said(results: Results, code: str, scope: str = TOTAL) -> str:
    """A result in short: 'hơn 35 [2/3]'; two decimals."""
    got = results[code, scope]
    if got.value is None:
        return got.status.value
    text = f"{got.bound.word} {rounded(got.value, 2).normalize():f}".strip()
    marks = "" if got.complete else f" [{got.reported}/{got.owed}{', no city' if got.city_missing else ''}]"
    return text + marks


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


def test_a_missing_population_shrinks_both_sides_of_a_rate() -> None:
    table = """
        unit      | tips
        Đông      | 10
        Tây       | 30
        Thành phố | 0
    """
    known = compute(year(table, unit("Đông", 1), unit("Tây", 2), indicators=(TIPS, PER_10K)))
    assert said(known, "per_10k") == "10"
    unknown = compute(year(table, unit("Đông", 1), unit("Tây", 2, population=None), indicators=(TIPS, PER_10K)))
    assert said(unknown, "per_10k") == "5 [1/2]"  # 10 per 20,000; not 40


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


# --- change ----------------------------------------------------------------------------------------------------


def total(value: str | None, of: Indicator = TIPS, bound: str = "", reported: int = 15, year: int = 2023) -> Result:
    """A total of fifteen units."""
    number = None if value is None else Decimal(value)
    status = Status.NOT_REPORTED if number is None else Status.REPORTED
    return Result(of, year, TOTAL, number, status, Bound.of(bound), "", (), "reported", reported, 15)


def changed(now: str, last: str, of: Indicator = TIPS) -> tuple[str, str, str | None]:
    """Way, amount and percent."""
    got = change(total(now, of), total(last, of, year=2022), 2022, 20)
    return got.way, str(got.amount), None if got.percent is None else str(got.percent)


KG = indicator("kg", "quantity", decimals=2)


@pytest.mark.parametrize(
    ("of", "now", "last", "expected"),
    [
        (TIPS, "110", "100", ("up", "10", "10.0")),
        (TIPS, "90", "100", ("down", "10", "10.0")),
        (TIPS, "100", "100", ("same", "0", None)),
        (TIPS, "20", "20", ("same", "0", None)),
        (TIPS, "21", "20", ("up", "1", "5.0")),  # 20: large enough
        (TIPS, "20", "19", ("up", "1", None)),  # 19: not
        (TIPS, "19", "1000", ("down", "981", None)),
        (TIPS, "5", "0", ("up", "5", None)),
        (TIPS, "40", "0", ("up", "40", None)),
        (KG, "22.06", "20", ("up", "2.06", "10.3")),
        (KG, "20.004", "20", ("same", "0", None)),  # nothing that is printed has changed
        (RATE, "85.36", "84.14", ("up", "1.3", None)),  # points of the printed figures
        (RATE, "85.44", "85.36", ("same", "0", None)),
        (PER_10K, "2.2", "2", ("up", "0.2", "10.0")),  # a rate is no count: small or not, in percent
        (SIGNED, "15", "14", ("up", "1", None)),
    ],
)
def test_change(of: Indicator, now: str, last: str, expected: tuple[str, str, str | None]) -> None:
    way, amount, percent = changed(now, last, of)
    assert (way, Decimal(amount), percent) == (expected[0], Decimal(expected[1]), expected[2])


@pytest.mark.parametrize(
    ("now", "last", "reason"),
    [
        (total("5"), None, "không có số liệu năm 2022"),
        (total(None), total("5"), "một trong hai năm không có số liệu"),
        (total("5"), total(None), "một trong hai năm không có số liệu"),
        (total("5", reported=14), total("5"), "chưa đủ đơn vị báo cáo"),
        (total("5"), total("5", reported=14), "chưa đủ đơn vị báo cáo"),
        (total("5", bound="hơn"), total("5"), "số liệu chỉ ghi mức tối thiểu hoặc ước chừng"),
        (total("5"), total("5", bound="khoảng"), "số liệu chỉ ghi mức tối thiểu hoặc ước chừng"),
    ],
)
def test_unlike_figures_are_never_compared(now: Result, last: Result | None, reason: str) -> None:
    got = change(now, last, 2022, 20)
    assert (got.way, got.reason, got.amount, got.percent) == ("incomparable", reason, 0, None)


# --- small things ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [("2.5", 0, "3"), ("3.5", 0, "4"), ("-2.5", 0, "-3"), ("85.35", 1, "85.4"), ("0.125", 2, "0.13"), ("2.4", 0, "2")],
)
def test_rounding_is_that_of_excel(value: str, decimals: int, text: str) -> None:
    assert str(rounded(Decimal(value), decimals)) == text


def test_the_bound_of_no_parts_is_exact() -> None:
    assert sum_bound([]) == sum_bound([EXACT, EXACT]) == EXACT
