"""Counts of persons by unit in the public edition: what is hidden, that it is enough, and that it is no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import small_year
from small_year import indicator, params_of, ratio, unit

from danvan.book import Book
from danvan.catalogue import Catalogue, Check, Indicator, load_catalogue
from danvan.document import Table
from danvan.intake.findings import Answer, Cell, Finding
from danvan.intake.observations import Status
from danvan.intake.year import Year
from danvan.lineage import Link
from danvan.measures import TOTAL
from danvan.paths import Project
from danvan.suppression import Range, Relation, intervals, total_of, verdict
from danvan.yearbook import Yearbook

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = load_catalogue(Project(ROOT))
VISITS = indicator("visits", sensitive="person", measured_in="lượt")
HELPED = indicator("helped", sensitive="person", measured_in="lượt", part_of="visits")
RATE = ratio("rate", "helped", "visits")
PERSONS = indicator("persons", sensitive="person", measured_in="người", public_level="city")
TIPS = indicator("tips")
STOCK, NEW, GONE = (
    indicator(code, sensitive="person", time=time)
    for code, time in (("stock", "stock"), ("new", "flow"), ("gone", "flow"))
)
NAMES = "ABCDEFGH"


def year(
    columns: dict[str, list[int | str]], *indicators: Indicator, checks: tuple[Check, ...] = (), **more: Any
) -> Year:
    """A year of units A, B, ... from columns of figures, the last of each the city offices'."""
    length = len(next(iter(columns.values())))
    names = [*NAMES[: length - 1], "Thành phố"]
    rows = [f"{name} | {' | '.join(str(column[n]) for column in columns.values())}" for n, name in enumerate(names)]
    units = more.pop("units", None) or [
        unit(name, n, in_year=more.get("params", small_year.PARAMS).year) for n, name in enumerate(names[:-1], 1)
    ]
    table = "\n".join([f"unit | {' | '.join(columns)}", *rows])
    made = small_year.year(table, *units, indicators=indicators, **more)
    return replace(made, catalogue=Catalogue(indicators=indicators, checks=checks))


def hidden(book: Book, code: str = "visits") -> str:
    """The scopes that are hidden, as letters; '*' for the city offices."""
    of = {one.id: one.id if not one.is_city else "*" for one in book.units.all}
    return "".join(letter for id, letter in of.items() if book.results[code, id].status is Status.WITHHELD)


def reader_finds(book: Book, *codes: str, relations: tuple[Relation[Any], ...] = ()) -> dict[Any, Range]:
    """What a reader reckons of the hidden cells of a public book who knows what is added to what."""
    shown, away, known = {}, {}, list(relations)
    for code in codes:
        for one in (*book.units.all, None):
            scope = one.id if one else TOTAL
            result = book.results[code, scope]
            if result.value is not None:
                shown[code, scope] = int(result.value)
            elif result.status is Status.WITHHELD:
                away[code, scope] = Range(1)
        parts = [(code, one.id) for one in book.units.all if (code, one.id) in shown.keys() | away.keys()]
        known.append(total_of((code, TOTAL), parts))
    return intervals(shown, away, known)


# --- which these are -----------------------------------------------------------------------------------------------


def test_the_opted_in_indicators_of_the_catalogue() -> None:
    """Persons and their visits; of these one is shown by district, the others are for the whole city only."""
    persons = {i.code: i.public_level for i in CATALOGUE.indicators if i.sensitive == "person"}
    assert [code for code, level in persons.items() if level == "district"] == ["reception_visits"]
    words = ("người", "lượt người", "đồng chí", "công dân", "đối tượng")
    measured = {i.code for i in CATALOGUE.reported if i.measured_in in words and "district" in i.reporters}
    assert measured <= persons.keys()


def test_only_whole_counts_can_be_opted_in() -> None:
    for more in ({"kind": "quantity"}, {"decimals": 2}):
        with pytest.raises(ValueError, match="sensitive chỉ dùng cho số đếm nguyên"):
            indicator("x", sensitive="person", **{"kind": "count", **more})


# --- one indicator -------------------------------------------------------------------------------------------------


def test_nothing_small_nothing_hidden() -> None:
    made = year({"visits": [0, 5, 12, 9, "?", 8, 30]}, VISITS)
    public, internal = Book(made, "public"), Book(made, "internal")
    assert public.results == internal.results
    assert hidden(public) == ""


def test_a_small_count_takes_the_least_other_with_it() -> None:
    made = year({"visits": [2, 12, 9, 40, 0, 8, 30]}, VISITS)
    public = Book(made, "public")
    assert hidden(public) == "AF"
    assert public.results["visits", "E"].status is Status.ZERO
    assert public.results["visits", TOTAL].value == 101
    assert reader_finds(public, "visits") == {("visits", "A"): Range(1, 9), ("visits", "F"): Range(1, 9)}
    emptied = public.results["visits", "F"]
    assert (emptied.value, emptied.sources, emptied.formula) == (None, (), "")
    assert hidden(Book(made, "internal")) == ""


def test_the_city_offices_count_among_the_parts() -> None:
    assert hidden(Book(year({"visits": [20, 12, 9, 40, 3]}, VISITS), "public")) == "C*"
    assert hidden(Book(year({"visits": [3, 22, 19, 40, 8]}, VISITS), "public")) == "A*"


def test_where_most_would_go_no_unit_is_shown() -> None:
    public = Yearbook(year({"visits": [2, 1, 3, 40, 0, 8, 30]}, VISITS, TIPS), "public")
    assert hidden(public) == "ABCDEF*"  # zeros, too
    assert public.results["visits", TOTAL].value == 84
    assert public.annex("I", caption="?", level="city") is not None


def test_where_the_total_itself_is_small_no_unit_is_shown() -> None:
    assert hidden(Book(year({"visits": [0, 2, 0, 1, 0, 0]}, VISITS), "public")) == "ABCDE*"


def test_the_threshold_is_the_year_s() -> None:
    params = params_of(2023, thresholds=small_year.PARAMS.thresholds.model_copy(update={"least_persons": 10}))
    column = {"visits": [9, 22, 19, 40, 70, 80, 30]}
    assert hidden(Book(year(column, VISITS), "public")) == ""
    assert hidden(Book(year(column, VISITS, params=params), "public")) == "AC"


# --- parts, wholes, ratios -----------------------------------------------------------------------------------------


def test_what_is_left_of_a_whole_is_a_count_too() -> None:
    """586 of 588 by the one unit; the others leave enough."""
    made = year({"visits": [588, 100, 90, 80, 70, 60], "helped": [586, 80, 70, 60, 50, 40]}, VISITS, HELPED, RATE)
    public = Book(made, "public")
    one_of = {code for code in ("visits", "helped") if "A" in hidden(public, code)}
    assert one_of
    assert public.results["rate", "A"].status is Status.WITHHELD
    assert (public.results["rate", "A"].numerator, public.results["rate", "A"].denominator) == (None, None)
    rests = tuple(
        Relation(((("visits", x), 1), (("helped", x), -1), (("rest", x), -1)))
        for x in [one.id for one in public.units.all]
    )
    shown = {k: int(r.value) for k, r in public.results.items() if r.value is not None and k[0] != "rate"}
    away = {k: Range(1) for k, r in public.results.items() if r.status is Status.WITHHELD and k[0] != "rate"}
    sums = [total_of((c, TOTAL), [(c, x.id) for x in public.units.all]) for c in ("visits", "helped")]
    found = intervals(shown, away | {("rest", x.id): Range() for x in public.units.all}, [*rests, *sums])
    assert verdict(found["rest", "A"], 5) == "safe"
    assert all(found[key].width > 0 for key in away)


def test_a_ratio_is_hidden_with_each_of_its_parts() -> None:
    made = year({"visits": [50, 100, 90, 80, 70, 60], "helped": [3, 80, 70, 60, 50, 40]}, VISITS, HELPED, RATE)
    public = Book(made, "public")
    for letter in hidden(public, "helped") + hidden(public, "visits"):
        scope = public.units.city.id if letter == "*" else letter
        assert public.results["rate", scope].status is Status.WITHHELD
    assert public.results["rate", TOTAL].value is not None
    shown = set("ABCDE*") - set(hidden(public, "helped")) - set(hidden(public, "visits"))
    assert all(public.results["rate", letter].value is not None for letter in shown - {"*"})


def test_a_rate_over_the_population_is_hidden_with_its_count() -> None:
    per_10k = ratio("per_10k", "visits", "population", 10_000)
    public = Book(year({"visits": [2, 12, 9, 40, 50, 8, 30]}, VISITS, per_10k), "public")
    assert hidden(public, "per_10k") == hidden(public) == "AF"


def test_the_sum_behind_a_ratio_is_another_way_in() -> None:
    """A did not report how many were helped: the ratio's own sum leaves A out, and so would tell A's visits."""
    made = year({"visits": [3, 100, 90, 80, 70, 60], "helped": ["?", 60, 50, 40, 30, 20]}, VISITS, HELPED, RATE)
    public = Book(made, "public")
    assert public.results["rate", TOTAL].denominator == 400
    assert public.results["visits", TOTAL].value == 403  # 403 - 400: the difference of two printed figures
    assert hidden(public) == "ABCDE*"  # nothing else could be hidden to help, so that no unit is shown


# --- what the catalogue's checks tell ------------------------------------------------------------------------------


def check(holds: str, severity: str = "error") -> Check:
    return Check(rule="some-rule", severity=severity, holds=holds, reason="Phải thế.")


def test_a_check_that_bounds_a_hidden_count_too_well() -> None:
    """Everybody knows that visits are no more than tips: with three tips there are fewer than five visits."""
    columns: dict[str, list[int | str]] = {"visits": [2, 12, 9, 40, 30, 8], "tips": [3, 90, 80, 70, 60, 50]}
    assert hidden(Book(year(columns, VISITS, TIPS), "public")) == "A*"
    bound = check("visits <= tips")
    assert hidden(Book(year(columns, VISITS, TIPS, checks=(bound,)), "public")) == "ABCDE*"
    columns["tips"][0] = 300
    assert hidden(Book(year(columns, VISITS, TIPS, checks=(bound,)), "public")) == "A*"


def test_a_check_that_does_not_hold_tells_nothing() -> None:
    columns: dict[str, list[int | str]] = {"visits": [2, 12, 9, 40, 30, 8], "tips": [1, 90, 80, 70, 60, 50]}
    bound = check("visits <= tips", "warning")
    assert hidden(Book(year(columns, VISITS, TIPS, checks=(bound,)), "public")) == "A*"


def test_what_is_for_the_city_alone_is_not_found_by_way_of_its_parts() -> None:
    """Every visit is of one person at least; with as many persons as visits, the visits shown are the persons."""
    columns: dict[str, list[int | str]] = {
        "visits": [6, 12, 9, 40, 30, 8],
        "persons": [6, 12, 9, 40, 30, 8],
    }
    bound = (check("visits <= persons"),)
    assert hidden(Book(year(columns, VISITS, PERSONS), "public")) == ""
    public = Book(year(columns, VISITS, PERSONS, checks=bound), "public")
    relations = tuple(
        Relation(((("visits", one.id), 1), (("persons", one.id), -1)), sign="<=") for one in public.units.all
    )
    found = reader_finds(public, "visits", "persons", relations=relations)
    assert {key for key, one in found.items() if one.width == 0} == set()
    columns["persons"] = [9, 20, 15, 50, 40, 20]
    assert hidden(Book(year(columns, VISITS, PERSONS, checks=bound), "public")) == ""


def test_a_small_total_for_the_city_alone_costs_no_other_breakdown() -> None:
    """Three persons in all: which unit they are of is not told, and hiding visits would not make that any safer."""
    columns: dict[str, list[int | str]] = {"visits": [2, 12, 9, 40, 30, 8], "persons": [0, 2, 0, 1, 0, 0]}
    assert hidden(Book(year(columns, VISITS, PERSONS, checks=(check("persons <= visits"),)), "public")) == "A*"


# --- two years -----------------------------------------------------------------------------------------------------


def two_years(now: list[int | str], last: list[int | str], **more: Any) -> Yearbook:
    before = year({"visits": last}, VISITS, params=params_of(2022))
    return Yearbook(year({"visits": now}, VISITS, last=before, **more), "public")


def test_last_year_is_hidden_as_in_its_own_edition() -> None:
    column: list[int | str] = [2, 12, 9, 40, 0, 8, 30]
    before = Book(year({"visits": column}, VISITS, params=params_of(2022)), "public")
    book = two_years([30, 12, 9, 40, 20, 8, 30], column)
    assert hidden(book) == ""
    of_last = "".join(x for x in "ABCDEF" if book.last_results["visits", x].status is Status.WITHHELD)
    assert of_last == hidden(before) == "AF"


@pytest.mark.parametrize(("now", "last"), [(3, 12), (12, 3)])
def test_a_change_is_hidden_where_either_year_is(now: int, last: int) -> None:
    book = two_years([now, 22, 19, 40, 20, 18, 30], [last, 22, 19, 40, 20, 18, 30])
    change = book.change_of("visits", "A")
    assert (change.way, change.reason, change.amount, change.percent) == (
        "incomparable",
        "số liệu không công bố",
        0,
        None,
    )
    assert book.change_of("visits", "D").way == "same"
    said = str(book.visits.at("A").change) + str(book.visits.at("A").last) + str(book.visits.at("A"))
    assert str(min(now, last)) not in said.replace("2022", "").replace("12", "")
    drawn = book.chart("slopes", "visits", question="?")
    assert drawn is not None
    row = next(row for row in drawn.table if row[0] == "A")
    assert str(min(now, last)) not in " ".join(row)


def test_of_two_units_that_became_one_the_sum_is_hidden_with_a_part() -> None:
    """A and B of last year are X now; A was small, so that their sum is not shown as last year's figure of X."""
    before = year({"visits": [2, 12, 9, 40, 20, 8, 30]}, VISITS, params=params_of(2022))
    units = [unit("X", 1, since="2023-01-01"), *(unit(name, n) for n, name in enumerate("CDEF", 2))]
    day = units[0].valid_from
    links = tuple(
        Link(("X", day), (old, date(2020, 1, 1)), "whole", None, "", "Nghị quyết", "", day, 2) for old in "AB"
    )
    table = "unit | visits\nX | 31\nC | 9\nD | 40\nE | 20\nF | 8\nThành phố | 30"
    made = small_year.year(table, *units, indicators=(VISITS,), last=before, links=links)
    full, found = units[0].full_name, (finding(units[0].full_name, "visits"),)
    public, internal = (Book(replace(made, findings=found), edition) for edition in ("public", "internal"))
    last = internal.change_of("visits", "X").last
    assert last is not None
    assert last.value == 14
    last = public.change_of("visits", "X").last
    assert last is not None
    assert (last.value, last.status) == (None, Status.WITHHELD)
    assert [f.unit for f in (*internal.findings, *public.findings)] == [full, ""]


def test_a_check_over_two_years_ties_them_together() -> None:
    """What there was, and came, and went, tells what there is: last year's hidden figure follows from this year's."""
    tie = check("stock = last.stock + new - gone", "warning")
    three = (STOCK, NEW, GONE)
    last_figures: dict[str, list[int | str]] = {
        "stock": [2, 22, 19, 40, 20, 18],
        "new": [9, 9, 9, 9, 9, 9],
        "gone": [7, 7, 7, 7, 7, 7],
    }
    now_figures: dict[str, list[int | str]] = {
        "stock": [12, 32, 29, 50, 30, 28],
        "new": [20, 20, 20, 20, 20, 20],
        "gone": [10, 10, 10, 10, 10, 10],
    }
    before = year(last_figures, *three, checks=(tie,), params=params_of(2022))
    own = Book(before, "public")
    assert hidden(own, "stock") == "A*"
    book = Book(year(now_figures, *three, checks=(tie,), last=before), "public")
    for name in ("A", "HP-CITY"):  # by 12 - 20 + 10 a reader would know last year's 2
        assert any(book.results[code, name].value is None for code in ("stock", "new", "gone"))
    assert all(book.last_results[code, "D"].value is None for code in ("stock", "new", "gone"))
    untied = Book(year(now_figures, *three, last=year(last_figures, *three, params=params_of(2022))), "public")
    assert hidden(untied, "stock") + hidden(untied, "new") + hidden(untied, "gone") == ""


# --- a year in which the map changes -------------------------------------------------------------------------------


def test_the_sums_of_a_part_of_the_year_are_reckoned_with() -> None:
    first = [unit(name, n, last="06-30") for n, name in enumerate("ABCD")]
    second = [unit(name, n, first="07-01") for n, name in enumerate("EFGH", 4)]
    made = year({"visits": [2, 12, 9, 40, 30, 8, 25, 35, 60]}, VISITS, units=[*first, *second])
    public = Book(made, "public")
    spans = [code for code in {scope for _, scope in public.results} if code.startswith("span@")]
    assert all(public.results["visits", span].value is not None for span in spans)
    assert hidden(public) == "AC"  # F has fewer than C, but another half of the year would not help


def test_a_small_count_alone_in_its_part_of_the_year() -> None:
    units = [unit("A", 1, last="06-30"), *(unit(n, k) for k, n in enumerate("BCD", 2)), unit("E", 5, first="07-01")]
    public = Book(year({"visits": [2, 12, 9, 40, 30, 60]}, VISITS, units=units), "public")
    assert hidden(public) == "ABCDE*"  # its part of the year is published as a sum: of it alone
    assert all(r.value is None for (_, scope), r in public.results.items() if scope != TOTAL)


# --- findings, charts, tables --------------------------------------------------------------------------------------


def finding(name: str, code: str, *others: str) -> Finding:
    place = Cell(f"{name}.xlsx", "Công an", "D7")
    return Finding("some-rule", "warning", place, "2; năm trước 31", "Vì sao.", "Làm gì.", name, code, others)


def test_findings_on_hidden_cells_name_no_one() -> None:
    made = year({"visits": [2, 12, 9, 40, 0, 8, 30], "tips": [9] * 7}, VISITS, TIPS)
    full = {one.id: one.full_name for one in made.units.all}
    answer = Answer("Công an huyện A", "Chỉ có 2 lượt.")
    found = (
        replace(finding(full["A"], "visits"), answer=answer),
        finding(full["F"], "tips", "visits"),
        finding(full["B"], "visits"),
        finding(full["A"], "tips"),
    )
    public = Book(replace(made, findings=found), "public")
    assert public.findings[:2] == found[2:]
    for one in public.findings[2:]:  # at the end: between others, its place would tell whose it is
        assert (one.unit, one.found, str(one.cell), one.indicator, one.others) == ("", "", "", "", ())
        assert one.reason == "Một chỉ tiêu đếm người, số của đơn vị không công bố."
    assert public.findings[2].answer == Answer("", "")
    assert Book(replace(made, findings=found), "internal").findings == found


def test_a_finding_that_quotes_last_year_s_hidden_figure() -> None:
    before = year({"visits": [2, 12, 9, 40, 0, 8, 30]}, VISITS, params=params_of(2022))
    made = year({"visits": [31, 12, 9, 40, 20, 8, 30]}, VISITS, last=before)
    full = {one.id: one.full_name for one in made.units.all}
    public = Book(replace(made, findings=(finding(full["A"], "visits"), finding(full["B"], "visits"))), "public")
    assert [f.unit for f in public.findings] == [full["B"], ""]


def test_the_table_says_what_the_mark_means() -> None:
    def notes(column: list[int | str]) -> str:
        block = Yearbook(year({"visits": column}, VISITS), "public").table("visits", caption="?").block
        assert isinstance(block, Table)
        return " ".join(block.notes)

    assert "“không công bố”: số nhỏ về người" in notes([2, 12, 9, 40, 0, 8, 30])
    assert "không công bố" not in notes([20, 12, 9, 40, 0, 8, 30])


def test_the_funnel_tells_the_hidden_from_the_too_small() -> None:
    columns: dict[str, list[int | str]] = {
        "visits": [50, 100, 90, 80, 0, 70, 60],
        "helped": [3, 80, 70, 60, 0, 50, 40],
    }
    public = Yearbook(year(columns, VISITS, HELPED, RATE), "public")
    drawn = public.chart("funnel", "rate", question="?")
    assert drawn is not None
    gone = {row[0] for row in drawn.table} & set("ABCDEF")
    assert "A" not in gone
    assert "Không công bố: A" in drawn.alt + "".join(
        t.get_text() for t in drawn.figure.findobj(lambda o: hasattr(o, "get_text"))
    )


def test_what_is_made_of_a_hidden_figure_is_called_hidden_not_missing() -> None:
    columns: dict[str, list[int | str]] = {"visits": [50, 100, 90, 80, 70, 60], "helped": [3, 80, 70, 60, 50, 40]}
    public = Yearbook(year(columns, VISITS, HELPED, RATE), "public")
    made = (public.rate.at("A").pair, public.helped.at("A").share, public.visits.at("B") - public.helped.at("A"))
    assert {str(phrase) for phrase in made} == {"(không công bố)"}


# --- the cost ------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_largest_committed_year_needs_no_programme_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of 114 communes received nobody or one or two: the breakdown is refused before anything is solved."""
    from danvan import suppression
    from danvan.intake.year import read_year

    monkeypatch.setattr(suppression, "_solve", None)
    made = replace(read_year(Project(ROOT), 2026, with_last=False), last=None)
    public = Book(made, "public")
    assert all(public.results["reception_visits", one.id].value is None for one in public.units.all)
    assert public.results["reception_visits", TOTAL].value == Decimal(
        sum(o.value or 0 for (_, code), o in made.observations.items() if code == "reception_visits")
    )
