"""Intervals, funnels and tests of change: every line of the case list, the words of refusal, what holds always."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from danvan import statistics as s

CASES = Path(__file__).parent.parent / "cases" / "intervals.csv"
ROWS = list(csv.DictReader(CASES.read_text(encoding="utf-8").splitlines()))
PLACES = {
    "Low (0.001)": "low-0.001",
    "Low (0.025)": "low-0.025",
    "Not significant": "inside",
    "High (0.025)": "high-0.025",
    "High (0.001)": "high-0.001",
}
BYAR_REFUSED = "số sự kiện quá nhỏ cho phương pháp Byar (cận dưới âm); hãy dùng phương pháp chính xác"


# --- the case list ---------------------------------------------------------------------------------------------


def test_the_case_list_is_whole() -> None:
    assert len(ROWS) == 345
    assert len({row["method"] for row in ROWS}) == 18
    assert {row["method"] for row in ROWS} == ANSWERS.keys() | PLACED.keys() | {"funnel_poisson_expected_events_p0.025"}


def share(i: dict[str, Any], method: s.ProportionMethod) -> s.Interval | None:
    return s.proportion(i["x"], i["n"], scale=i.get("multiplier", 1), confidence=i["conf"], method=method)


def rate(i: dict[str, Any], method: s.CountMethod) -> s.Interval | None:
    return s.rate(i["x"], i.get("n", 1), scale=i.get("multiplier", 1), confidence=i["conf"], method=method)


def funnel(i: dict[str, Any], p: float) -> s.Limits:
    return s.funnel_limits_of_proportion(i["population"], i["baseline"], p=p, scale=i["multiplier"])


def table(i: dict[str, Any]) -> tuple[float, float, float, float]:
    return i["x1"], i["n1"], i["x0"], i["n0"]


Answer = s.Interval | s.Limits | s.Test | None
ANSWERS: dict[str, Callable[[dict[str, Any]], Answer]] = {
    "byar_count": lambda i: rate(i, "byar"),
    "byar_rate": lambda i: rate(i, "byar"),
    "exact_poisson_count": lambda i: rate(i, "exact-poisson"),
    "exact_poisson_rate": lambda i: rate(i, "exact-poisson"),
    "poisson_score_rate": lambda i: rate(i, "score-poisson"),
    "wilson_proportion": lambda i: share(i, "wilson"),
    "clopper_pearson": lambda i: share(i, "clopper-pearson"),
    "newcombe_diff_proportions": lambda i: s.difference_of_proportions(*table(i), confidence=i["conf"]),
    "rate_ratio_exact_central": lambda i: s.ratio_of_rates(i["x1"], i["t1"], i["x0"], i["t0"], confidence=i["conf"]),
    "rate_ratio_exact_cond_pvalue": lambda i: s.change_of_counts(i["x1"], i["x0"], i["t1"], i["t0"]),
    "fisher_exact_pvalue": lambda i: s.fisher(*table(i)),
    "two_prop_z_pooled_pvalue": lambda i: s.two_proportions_z(*table(i)),
    "funnel_proportion_limit_p0.025": lambda i: funnel(i, 0.025),
    "funnel_proportion_limit_p0.001": lambda i: funnel(i, 0.001),
}
PLACED: dict[str, Callable[[dict[str, Any]], str]] = {
    "funnel_proportion_significance": lambda i: s.place_in_funnel_of_proportion(i["x"], i["n"], i["baseline"]),
    "funnel_ratio_significance": lambda i: s.place_in_funnel_of_rate(i["observed"], i["expected"], 1),
    "funnel_crude_rate_significance": lambda i: s.place_in_funnel_of_rate(i["x"], i["n"], i["baseline_per_person"]),
}


@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{row['method']}" for n, row in enumerate(ROWS, 2)])
def test_each_line_of_the_case_list(row: dict[str, str]) -> None:
    method, inputs = row["method"], json.loads(row["inputs"])
    expected = row["expected_lower"], row["expected_upper"]
    if "ERROR" in expected:
        with pytest.raises(ValueError, match=r"không|phải"):
            (ANSWERS | PLACED)[method](inputs)
    elif method in PLACED:
        assert PLACED[method](inputs) == PLACES[expected[0]]
    elif method == "funnel_poisson_expected_events_p0.025":
        # At `lower` expected events, those observed lie on the upper limit; at `upper`, on the lower one.
        lower, upper = map(float, expected)
        within = 1e-5 if inputs["observed"] == 1 else 5e-6
        assert s.funnel_limits_of_rate(1, lower, p=0.025).upper == pytest.approx(inputs["observed"], rel=within)
        assert s.funnel_limits_of_rate(1, upper, p=0.025).lower == pytest.approx(inputs["observed"], rel=within)
        exact = s.count(inputs["observed"], method="exact-poisson")
        assert exact
        assert (exact.lower, exact.upper) == pytest.approx((lower, upper), rel=within)
    elif expected == ("NA", "NA"):
        assert ANSWERS[method](inputs) is None
    elif "NA" in expected:
        with pytest.raises(ValueError, match="Byar"):  # the source leaves the lower limit out; here, the pair
            ANSWERS[method](inputs)
    else:
        answer = ANSWERS[method](inputs)
        assert answer
        found = (answer.p_value,) * 2 if isinstance(answer, s.Test) else (answer.lower, answer.upper)
        assert found == pytest.approx(tuple(map(float, expected)), **tolerance(row["source"]))


def tolerance(source: str) -> dict[str, float]:
    """As near as the source wrote it down."""
    if "abs tol 1e-5" in source or "6+ dp" in source:
        return {"rel": 0, "abs": 1e-5}
    if "(4 dp)" in source:
        return {"rel": 0, "abs": 5e-5}
    return {"rel": 1e-9, "abs": 1e-15}


# --- what it is called, when it is chosen ----------------------------------------------------------------------


def test_each_result_says_how_it_was_made() -> None:
    assert s.proportion(8, 10, scale=100) == s.Interval(
        80, pytest.approx(49.0162, abs=1e-4), pytest.approx(94.3318, abs=1e-4), 0.95, "wilson"
    )
    made = [
        s.count(9),
        s.count(10),
        s.rate(9, 1e4, scale=1e4),
        s.proportion(1, 2, method="clopper-pearson"),
        s.difference_of_proportions(1, 2, 1, 3),
        s.ratio_of_rates(1, 2, 1, 3),
        s.change_of_proportions(2, 10, 5, 10),
        s.change_of_proportions(502, 588, 461, 560),
        s.change_of_counts(5, 9),
    ]
    assert [result and result.method for result in made] == [
        "exact-poisson", "byar", "exact-poisson", "clopper-pearson", "newcombe", "poisson-conditional-exact",
        "fisher", "two-proportions-z", "poisson-conditional-exact",
    ]  # fmt: skip
    assert s.funnel_limits_of_proportion(9, 0.5, p=0.001).method == "funnel-normal"
    assert s.funnel_limits_of_rate(9, 0.5, p=0.001).method == "funnel-exact-poisson"


def test_fisher_below_five_expected_in_the_smallest_cell() -> None:
    below, from_five = s.change_of_proportions(4, 10, 5, 10), s.change_of_proportions(5, 10, 5, 10)
    assert below
    assert from_five
    assert (below.method, from_five.method) == ("fisher", "two-proportions-z")


def test_what_is_missing_stays_missing() -> None:
    for at in range(2):
        arguments: list[Any] = [3, 10]
        arguments[at] = None
        assert s.proportion(*arguments) is None
        assert s.rate(*arguments) is None
        assert s.change_of_counts(*arguments) is None
    for at in range(4):
        four: list[Any] = [3, 10, 4, 12]
        four[at] = None
        assert s.difference_of_proportions(*four) is None
        assert s.ratio_of_rates(*four) is None
        assert s.change_of_proportions(*four) is None
        assert s.change_of_counts(*four) is None
    assert s.count(None) is None


def test_a_funnel_of_proportions_ends_at_the_scale() -> None:
    assert s.funnel_limits_of_proportion(1, 0.8, p=0.001, scale=1000).upper == 1000
    assert s.funnel_limits_of_proportion(1, 0.8, p=0.001, scale=1000).lower == 0
    assert s.funnel_limits_of_proportion(10**6, 0.8, p=0.001, scale=1000).upper == pytest.approx(801.236, abs=1e-3)


def test_nothing_is_beyond_a_funnel_of_nothing() -> None:
    assert s.place_in_funnel_of_proportion(0, 10, 0) == "inside"
    assert s.place_in_funnel_of_proportion(10, 10, 1) == "inside"
    assert s.place_in_funnel_of_rate(0, 10, 0) == "inside"
    assert s.place_in_funnel_of_rate(0, 3, 1) == "inside"  # e^-3 is more than 0.025: no lower limit yet
    assert s.place_in_funnel_of_rate(0, 4, 1) == "low-0.025"
    assert s.place_in_funnel_of_rate(1, 0.01, 1) == "high-0.025"


def test_great_numbers_take_no_time() -> None:
    start = time.perf_counter()
    for method in ("wilson", "clopper-pearson"):
        assert s.proportion(7_776_456, 7_564_336_677, method=method)
    for method in ("byar", "exact-poisson", "score-poisson"):
        assert s.rate(7_776_456, 7_564_336_677, method=method)
    assert s.difference_of_proportions(7_776_456, 7_564_336_677, 7_776_000, 7_564_336_000)
    assert s.ratio_of_rates(7_776_456, 7_564_336_677, 7_776_000, 7_564_336_000)
    assert s.change_of_proportions(7_776_456, 7_564_336_677, 7_776_000, 7_564_336_000)
    assert s.change_of_counts(7_564_336_677, 7_564_336_000)
    assert s.place_in_funnel_of_rate(7_776_456, 7_564_336_677, 0.001) == "high-0.001"
    assert s.place_in_funnel_of_proportion(7_776_456, 7_564_336_677, 0.001) == "high-0.001"
    assert time.perf_counter() - start < 5  # the libraries' own loading, on a busy machine, included


def test_importing_the_room_does_not_load_the_libraries() -> None:
    check = "import sys, danvan.statistics; sys.exit(bool({'scipy', 'statsmodels'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


# --- what is refused, in the field's words ---------------------------------------------------------------------

NOT_FINITE = "số liệu phải là số hữu hạn"
REFUSED: list[tuple[str, Callable[[], object]]] = [
    ("tử số không được lớn hơn mẫu số", lambda: s.proportion(11, 10)),
    ("tử số không được âm", lambda: s.proportion(-1, 10)),
    ("mẫu số phải lớn hơn không", lambda: s.proportion(0, 0)),
    (NOT_FINITE, lambda: s.proportion(math.nan, 10)),
    (NOT_FINITE, lambda: s.proportion(1, math.inf)),
    ("độ tin cậy phải nằm giữa 0 và 1", lambda: s.proportion(1, 10, confidence=95)),
    ("độ tin cậy phải nằm giữa 0 và 1", lambda: s.proportion(None, None, confidence=0)),
    ("độ tin cậy phải nằm giữa 0 và 1", lambda: s.count(1, confidence=1)),
    ("độ tin cậy phải nằm giữa 0 và 1", lambda: s.rate(1, 1, confidence=math.nan)),
    ("hệ số nhân phải lớn hơn không", lambda: s.proportion(1, 10, scale=0)),
    ("hệ số nhân phải lớn hơn không", lambda: s.rate(1, 10, scale=math.inf)),
    ("hệ số nhân phải lớn hơn không", lambda: s.funnel_limits_of_rate(1, 1, p=0.025, scale=-1)),
    ("số sự kiện không được âm", lambda: s.count(-1)),
    ("mẫu số phải lớn hơn không", lambda: s.rate(1, 0)),
    (NOT_FINITE, lambda: s.rate(1, math.nan)),
    (NOT_FINITE, lambda: s.count(math.inf)),
    (BYAR_REFUSED, lambda: s.count(0, method="byar")),
    (BYAR_REFUSED, lambda: s.count(1, confidence=0.998, method="byar")),
    ("tử số không được lớn hơn mẫu số", lambda: s.difference_of_proportions(1, 2, 4, 3)),
    ("số sự kiện kỳ trước phải lớn hơn không", lambda: s.ratio_of_rates(3, 1, 0, 1)),
    ("số sự kiện không được âm", lambda: s.ratio_of_rates(3, 1, -1, 1)),
    ("xác suất ở mỗi phía phải nằm giữa 0 và 0,5", lambda: s.funnel_limits_of_proportion(9, 0.5, p=0.975)),
    ("tỷ lệ chung phải nằm giữa 0 và 1", lambda: s.funnel_limits_of_proportion(9, 50, p=0.025)),
    ("tỷ lệ chung phải nằm giữa 0 và 1", lambda: s.place_in_funnel_of_proportion(1, 9, math.nan)),
    ("mẫu số phải lớn hơn không", lambda: s.funnel_limits_of_proportion(0, 0.5, p=0.025)),
    ("tử số không được lớn hơn mẫu số", lambda: s.place_in_funnel_of_proportion(10, 9, 0.5)),
    ("mẫu số phải lớn hơn không", lambda: s.funnel_limits_of_rate(0, 0.5, p=0.025)),
    ("tỷ suất chung không được âm", lambda: s.funnel_limits_of_rate(9, -0.5, p=0.025)),
    ("tỷ suất chung không được âm", lambda: s.place_in_funnel_of_rate(1, 9, math.nan)),
    ("số sự kiện không được âm", lambda: s.place_in_funnel_of_rate(-1, 9, 0.5)),
    ("tử số không được lớn hơn mẫu số", lambda: s.change_of_proportions(1, 2, 4, 3)),
    ("phép thử chỉ dùng cho số đếm nguyên", lambda: s.change_of_proportions(1.5, 2, 1, 3)),
    ("phép thử chỉ dùng cho số đếm nguyên", lambda: s.fisher(1, 2.5, 1, 3)),
    ("phép thử chỉ dùng cho số đếm nguyên", lambda: s.two_proportions_z(1, 2, 0.5, 3)),
    ("phép thử chỉ dùng cho số đếm nguyên", lambda: s.change_of_counts(12.5, 3)),
    ("số sự kiện không được âm", lambda: s.change_of_counts(3, -3)),
    ("mẫu số phải lớn hơn không", lambda: s.change_of_counts(3, 3, 1, 0)),
    (NOT_FINITE, lambda: s.change_of_counts(3, math.inf)),
]


@pytest.mark.parametrize(("words", "call"), REFUSED, ids=[f"{n}" for n in range(len(REFUSED))])
def test_the_impossible_is_refused(words: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        call()


# --- what holds always -----------------------------------------------------------------------------------------

confidences = st.sampled_from([0.8, 0.95, 0.998])
scales = st.sampled_from([1, 100, 1000, 10_000, 100_000])
proportion_methods: st.SearchStrategy[s.ProportionMethod] = st.sampled_from(["wilson", "clopper-pearson"])
count_methods: st.SearchStrategy[s.CountMethod] = st.sampled_from(["auto", "exact-poisson", "score-poisson"])
shares = st.integers(1, 5000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))
events = st.integers(0, 5000)
exposures = st.integers(1, 10**6)


def of_share(part: float, whole: float, **keywords: Any) -> s.Interval:
    interval = s.proportion(part, whole, **keywords)
    assert interval
    return interval


def of_rate(events: float, exposure: float, **keywords: Any) -> s.Interval:
    interval = s.rate(events, exposure, **keywords)
    assert interval
    return interval


@given(shares, scales, confidences, proportion_methods)
def test_a_share_lies_between_its_limits(
    pair: tuple[int, int], scale: float, confidence: float, method: s.ProportionMethod
) -> None:
    interval = of_share(*pair, scale=scale, confidence=confidence, method=method)
    assert 0 <= interval.lower <= interval.estimate <= interval.upper <= scale
    assert interval.lower < interval.upper


@given(events, exposures, scales, confidences, count_methods)
def test_a_rate_lies_between_its_limits(
    events: int, exposure: int, scale: float, confidence: float, method: s.CountMethod
) -> None:
    interval = of_rate(events, exposure, scale=scale, confidence=confidence, method=method)
    assert 0 <= interval.lower <= interval.estimate <= interval.upper < math.inf
    assert interval.lower < interval.upper


@given(shares, st.integers(2, 50), proportion_methods)
def test_of_the_same_share_the_larger_knows_more(pair: tuple[int, int], times: int, method: s.ProportionMethod) -> None:
    small = of_share(*pair, method=method)
    large = of_share(pair[0] * times, pair[1] * times, method=method)
    assert large.upper - large.lower < small.upper - small.lower


@given(st.integers(1, 5000), st.integers(2, 50))
def test_of_the_same_rate_the_larger_knows_more(events: int, times: int) -> None:
    small, large = of_rate(events, 100), of_rate(events * times, 100 * times)
    assert large.upper - large.lower < small.upper - small.lower


@given(shares, events, exposures, scales)
def test_the_scale_changes_the_unit_and_nothing_else(
    pair: tuple[int, int], events: int, exposure: int, scale: float
) -> None:
    for one, many in (
        (of_share(*pair), of_share(*pair, scale=scale)),
        (of_rate(events, exposure), of_rate(events, exposure, scale=scale)),
    ):
        assert (many.estimate, many.lower, many.upper) == pytest.approx(
            (one.estimate * scale, one.lower * scale, one.upper * scale)
        )


@given(shares, confidences, proportion_methods)
def test_those_who_are_and_those_who_are_not_mirror_each_other(
    pair: tuple[int, int], confidence: float, method: s.ProportionMethod
) -> None:
    part, whole = pair
    those = of_share(part, whole, confidence=confidence, method=method)
    others = of_share(whole - part, whole, confidence=confidence, method=method)
    assert (others.lower, others.upper) == pytest.approx((1 - those.upper, 1 - those.lower), abs=1e-12)


@example((0, 1), (126, 126))  # the lower limit is -1: rounding must not pass it
@given(shares, shares)
def test_differences_mirror_each_other(now: tuple[int, int], before: tuple[int, int]) -> None:
    forth, back = s.difference_of_proportions(*now, *before), s.difference_of_proportions(*before, *now)
    assert forth
    assert back
    assert -1 <= forth.lower <= forth.estimate <= forth.upper <= 1
    assert (back.lower, back.upper) == pytest.approx((-forth.upper, -forth.lower), abs=1e-12)


@given(st.integers(1, 5000), exposures, st.integers(1, 5000), exposures)
def test_ratios_of_rates_are_each_others_inverse(now: int, exposure: int, before: int, exposure_before: int) -> None:
    forth = s.ratio_of_rates(now, exposure, before, exposure_before)
    back = s.ratio_of_rates(before, exposure_before, now, exposure)
    assert forth
    assert back
    assert 0 < forth.lower < forth.estimate < forth.upper < math.inf
    assert (back.lower, back.upper) == pytest.approx((1 / forth.upper, 1 / forth.lower), rel=1e-6)


@given(st.integers(1, 5000), st.floats(0, 1), scales)
def test_the_funnel_of_proportions_narrows_around_the_average(whole: int, average: float, scale: float) -> None:
    inner = s.funnel_limits_of_proportion(whole, average, p=0.025, scale=scale)
    outer = s.funnel_limits_of_proportion(whole, average, p=0.001, scale=scale)
    larger = s.funnel_limits_of_proportion(whole * 2, average, p=0.025, scale=scale)
    assert 0 <= outer.lower <= inner.lower <= larger.lower <= average * scale
    assert average * scale <= larger.upper <= inner.upper <= outer.upper <= scale


@given(st.floats(0.001, 1e6), st.floats(0.001, 10))
def test_the_funnel_of_rates_narrows_around_the_average(exposure: float, average: float) -> None:
    inner = s.funnel_limits_of_rate(exposure, average, p=0.025)
    outer = s.funnel_limits_of_rate(exposure, average, p=0.001)
    assert 0 <= outer.lower <= inner.lower < average < inner.upper < outer.upper
    assert inner.upper > s.funnel_limits_of_rate(exposure * 2, average, p=0.025).upper


@given(st.integers(0, 300), st.floats(0.01, 300))
def test_beyond_the_funnel_of_rates_is_outside_the_exact_interval(events: int, expected: float) -> None:
    exact = s.count(events, method="exact-poisson")
    assert exact
    assume(min(abs(exact.lower - expected), abs(exact.upper - expected)) > 1e-9)
    inside = s.place_in_funnel_of_rate(events, 1, expected) == "inside"
    assert inside == (exact.lower < expected < exact.upper)


@given(shares, shares)
def test_a_change_of_share_is_as_likely_from_either_side(now: tuple[int, int], before: tuple[int, int]) -> None:
    forth, back = s.change_of_proportions(*now, *before), s.change_of_proportions(*before, *now)
    assert forth
    assert back
    assert 0 <= forth.p_value <= 1
    assert forth.method == back.method
    assert forth.p_value == pytest.approx(back.p_value, rel=1e-6, abs=1e-300)


@given(shares, st.integers(1, 20))
def test_the_same_share_has_not_changed(pair: tuple[int, int], times: int) -> None:
    part, whole = pair
    for test in (s.change_of_proportions, s.fisher, s.two_proportions_z):
        result = test(part, whole, part * times, whole * times)
        assert result
        assert result.p_value == pytest.approx(1, abs=1e-9)


@given(events, exposures, events, exposures)
def test_a_change_of_count_is_as_likely_from_either_side(
    now: int, exposure: int, before: int, exposure_before: int
) -> None:
    forth = s.change_of_counts(now, before, exposure, exposure_before)
    back = s.change_of_counts(before, now, exposure_before, exposure)
    assert forth
    assert back
    assert 0 <= forth.p_value <= 1
    assert forth.p_value == pytest.approx(back.p_value, rel=1e-6, abs=1e-300)


@given(events)
def test_the_same_count_has_not_changed(events: int) -> None:
    same = s.change_of_counts(events, events)
    assert same
    assert same.p_value == pytest.approx(1, abs=1e-9)
