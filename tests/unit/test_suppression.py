"""What a reader can reckon of hidden cells: against the shared cases, and against trying out every possible table."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from disclosure_cases import cells_of, problems, problems_in
from hypothesis import given, settings
from hypothesis import strategies as st

from danvan.suppression import (
    Audit,
    Cells,
    NoSolutionError,
    Range,
    Relation,
    UnprovedError,
    audit,
    intervals,
    protect,
    total_of,
    verdict,
)

FILE = Path(__file__).resolve().parent.parent / "cases" / "disclosure.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
AUDITS = [case for case in CASES if case["kind"] == "audit"]


# --- the shared cases ----------------------------------------------------------------------------------------------


def test_no_case_is_lost() -> None:
    kinds = [case["kind"] for case in CASES]
    assert (len(CASES), kinds.count("audit"), kinds.count("policy"), kinds.count("rounding")) == (23, 12, 10, 1)
    assert len({case["id"] for case in CASES}) == 23


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_case(case: dict[str, Any]) -> None:
    assert problems(case) == []


def test_a_file_of_cases_is_told_apart(tmp_path: Path) -> None:
    """Another file of the same shape: what is not as expected is named, and so is what nobody knows how to run."""
    wrong = json.loads(json.dumps(AUDITS[0])) | {"id": "wrong"}
    wrong["expected"]["verdict"] = "safe"
    unheard_of = {"id": "new", "kind": "policy", "input": {"moon": 1}, "expected": {}}
    other = tmp_path / "cases.json"
    other.write_text(json.dumps({"cases": [AUDITS[0], wrong, unheard_of, {"id": "x", "kind": "y"}]}), encoding="utf-8")
    found = problems_in(other)
    assert found[AUDITS[0]["id"]] == []
    assert found["wrong"] == ["verdict: expected safe, found unsafe_exact"]
    assert found["new"] == ["no such policy is known: ['moon']"]
    assert found["x"] == ["unknown kind of case: y"]


@pytest.mark.parametrize("case", AUDITS, ids=[case["id"] for case in AUDITS])
def test_every_table_of_the_cases_can_be_protected(case: dict[str, Any]) -> None:
    """What the naive choices leave open, ours closes: the least cells beside the primary ones, totals last."""
    cells, primary = cells_of(case), case["suppressed_primary"]
    totals = {total for total, *_ in case["relations_total_then_parts"]}
    order = sorted(cells.values, key=lambda key: (key not in primary, key in totals, cells.values[key]))
    cells = Cells(
        cells.values,
        cells.relations,
        dict.fromkeys(order, Range(1)),
        hideable=tuple(k for k in order if cells.values[k]),
    )
    hidden = protect(cells, primary, case["threshold"])
    assert hidden is not None
    assert set(primary) <= hidden
    found = audit(cells, hidden, primary, case["threshold"])
    assert (found.verdict, found.exact) == ("safe", {})
    assert protect(cells, primary, case["threshold"]) == hidden
    for more in hidden - set(primary):  # each is needed
        left = audit(cells, hidden - {more}, primary, case["threshold"])
        assert left.verdict != "safe" or left.exact


# --- against all possible tables -----------------------------------------------------------------------------------

COUNTS = st.integers(0, 6)


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, int], list[Relation[str]], list[str]]:
    """Two to three rows by two columns with totals, a part that is at most a whole, and the hidden cells."""
    rows = draw(st.integers(2, 3))
    values = {f"{r}{c}": draw(COUNTS) for r in range(rows) for c in "ab"}
    relations = []
    for c in "ab":
        values[f"T{c}"] = sum(values[f"{r}{c}"] for r in range(rows))
        relations.append(total_of(f"T{c}", [f"{r}{c}" for r in range(rows)]))
    for r in (*map(str, range(rows)), "T"):
        values[f"{r}T"] = values[f"{r}a"] + values[f"{r}b"]
        relations.append(total_of(f"{r}T", [f"{r}a", f"{r}b"]))
    if values["0a"] <= 2 * values["1b"]:
        relations.append(Relation((("0a", 1), ("1b", -2)), sign="<="))
    inner = [key for key in values if "T" not in key]
    hidden = draw(st.lists(st.sampled_from(inner), min_size=1, max_size=5, unique=True))
    return values, relations, hidden


def tried_out(
    values: dict[str, int], relations: list[Relation[str]], hidden: list[str], least: int
) -> dict[str, tuple[int, int]]:
    """Least and most of each hidden cell over every table that fits."""
    fitting = []
    for guess in product(range(least, 25), repeat=len(hidden)):
        table = values | dict(zip(hidden, guess, strict=True))
        if all(relation.holds(table) for relation in relations):
            fitting.append(guess)
    return {key: (min(g[n] for g in fitting), max(g[n] for g in fitting)) for n, key in enumerate(hidden)}


@settings(max_examples=40)
@given(tables(), st.booleans())
def test_bounds_are_those_of_every_table_that_fits(
    table: tuple[dict[str, int], list[Relation[str]], list[str]], zeros_shown: bool
) -> None:
    values, relations, hidden = table
    hidden = [key for key in hidden if values[key] or not zeros_shown][:3]
    mark = Range(1 if zeros_shown else 0)
    shown = {key: value for key, value in values.items() if key not in hidden}
    found = intervals(shown, dict.fromkeys(hidden, mark), relations)
    assert {key: tuple(one) for key, one in found.items()} == (
        tried_out(values, relations, hidden, mark.least) if hidden else {}
    )


@settings(max_examples=60)
@given(tables(), st.integers(2, 5))
def test_what_is_protected_is_safe(
    table: tuple[dict[str, int], list[Relation[str]], list[str]], threshold: int
) -> None:
    values, relations, _ = table
    inner = sorted((key for key in values if "T" not in key and values[key]), key=lambda key: (values[key], key))
    small = [key for key in inner if values[key] < threshold]
    cells = Cells(values, tuple(relations), dict.fromkeys(inner, Range(1)), hideable=tuple(inner))
    hidden = protect(cells, small, threshold)
    turned = tuple(Relation(r.terms[::-1], r.constant, r.sign) for r in reversed(relations))
    assert protect(replace(cells, relations=turned), small, threshold) == hidden  # however the programme is laid out
    if hidden is None:  # hiding everything would not have done either
        everything = audit(cells, inner, small, threshold)
        assert everything.verdict != "safe" or set(everything.exact)
        return
    assert set(small) <= hidden <= set(inner)
    found = audit(cells, hidden, small, threshold)
    assert (found.verdict, found.exact) == ("safe", {})


# --- the edges -----------------------------------------------------------------------------------------------------


def star(*values: int, total: int | None = None) -> tuple[dict[str, int], list[Relation[str]]]:
    cells = {f"c{n}": value for n, value in enumerate(values)}
    return cells | {"T": sum(values) if total is None else total}, [total_of("T", cells)]


def test_verdicts() -> None:
    assert [verdict(Range(*r), 5) for r in ((3, 3), (0, 4), (3, 6), (1, 5), (2, None), (7, 7))] == [
        "unsafe_exact",
        "unsafe_narrow",
        "unsafe_narrow",
        "safe",
        "safe",
        "unsafe_exact",
    ]


def test_without_a_total_there_is_no_most() -> None:
    found = intervals({"a": 3}, {"b": Range(), "c": Range(1)}, [Relation((("a", 1), ("b", -1)), sign="<=")])
    assert found == {"b": Range(3, None), "c": Range(1, None)}
    assert found["b"].width == float("inf")


def test_a_chain_of_parts_bounds_from_far_away() -> None:
    relations = [Relation(((a, 1), (b, -1)), sign="<=") for a, b in (("a", "b"), ("b", "c"), ("c", "d"))]
    assert intervals({"d": 4}, dict.fromkeys("abc", Range(1)), relations) == dict.fromkeys("abc", Range(1, 4))


def test_whole_numbers_alone_count() -> None:
    """2a + 2b = 10 and a - b = 0 have a solution in fractions only; 3a + 5b = 19 has one in whole numbers."""
    with pytest.raises(NoSolutionError):
        intervals(
            {}, dict.fromkeys("ab", Range()), [Relation((("a", 2), ("b", 2)), 10), Relation((("a", 1), ("b", -1)), 0)]
        )
    assert intervals({}, dict.fromkeys("ab", Range()), [Relation((("a", 3), ("b", 5)), 19)]) == {
        "a": Range(3, 3),
        "b": Range(2, 2),
    }


def test_figures_that_contradict_each_other() -> None:
    values, relations = star(3, 4, total=9)
    with pytest.raises(NoSolutionError):
        intervals(values, {}, relations)
    with pytest.raises(NoSolutionError):
        intervals({"c0": 10, "T": 9}, {"c1": Range()}, relations)


def test_large_figures_are_exact_or_refused() -> None:
    values, relations = star(201_483_007, 3, 2, 998_000_000)
    shown = {key: value for key, value in values.items() if key not in ("c1", "c2")}
    assert intervals(shown, dict.fromkeys(("c1", "c2"), Range()), relations) == {"c1": Range(0, 5), "c2": Range(0, 5)}
    free = [*relations, Relation((("c0", 1), ("c1", 1)), 10**12, "<=")]
    with pytest.raises(UnprovedError):
        intervals({"T": 10**11, "c3": 1}, dict.fromkeys(("c0", "c1", "c2"), Range()), free)


def test_the_least_cell_is_lost_first_and_no_more_than_needed() -> None:
    values, relations = star(2, 40, 9, 7, 0, 30)
    order = ("c0", "c3", "c2", "c5", "c1")
    cells = Cells(values, tuple(relations), dict.fromkeys(order, Range(1)), hideable=order)
    assert protect(cells, {"c0"}, 5) == {"c0", "c3"}
    assert protect(cells, set(), 5) == frozenset()


def test_two_small_ones_do_not_hide_each_other() -> None:
    values, relations = star(1, 1, 9, 40)
    order = ("c0", "c1", "c2", "c3")
    cells = Cells(values, tuple(relations), dict.fromkeys(order, Range(1)), hideable=order)
    assert audit(cells, {"c0", "c1"}, {"c0", "c1"}, 5).exact == {"c0": 1, "c1": 1}
    assert protect(cells, {"c0", "c1"}, 5) == {"c0", "c1", "c2"}


def test_what_cannot_be_protected_is_said() -> None:
    values, relations = star(2, 1)
    cells = Cells(values, tuple(relations), hideable=("c0", "c1"))
    assert protect(cells, {"c0", "c1"}, 5) is None  # the total itself tells that both are small


def test_what_stands_in_no_table_is_guarded_too() -> None:
    """586 of 588: the two that are left are a small count, though nobody prints them."""
    values = {"whole": 588, "part": 586, "rest": 2, "other whole": 70, "other part": 40, "W": 658, "P": 626}
    relations = (
        Relation((("whole", 1), ("part", -1), ("rest", -1))),
        total_of("W", ("whole", "other whole")),
        total_of("P", ("part", "other part")),
    )
    order = ("other part", "other whole", "part", "whole")
    guarded = Cells(values, relations, never_shown=frozenset({"rest"}), derived=frozenset({"rest"}), hideable=order)
    assert audit(guarded, (), {"rest"}, 5) == Audit({"rest": Range(2, 2)}, "unsafe_exact")
    hidden = protect(guarded, {"rest"}, 5)
    assert hidden is not None
    assert "part" in hidden or "whole" in hidden
    assert audit(guarded, hidden, {"rest"}, 5).verdict == "safe"
