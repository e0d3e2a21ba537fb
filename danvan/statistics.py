"""Intervals, funnel limits, tests of change: each result says how it was made. No I/O, no words for readers.

A missing input gives a missing result (None), never 0; an impossible one is refused in the words of the field. What
statsmodels and scipy have is theirs; Byar's limits and the funnels are written here. Both are imported where they are
used, for they take most of a second to load. Formulas, sources and limits of each method: docs/methods.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Method = Literal[
    "wilson", "clopper-pearson", "byar", "exact-poisson", "score-poisson", "newcombe", "poisson-conditional-exact"
]
ProportionMethod = Literal["wilson", "clopper-pearson"]
CountMethod = Literal["auto", "byar", "exact-poisson", "score-poisson"]
TestMethod = Literal["fisher", "two-proportions-z", "poisson-conditional-exact"]
Place = Literal["low-0.001", "low-0.025", "inside", "high-0.025", "high-0.001"]

BYAR_FROM = 10  # events; below, Byar's approximation is too coarse
FISHER_BELOW = 5  # expected in the smallest cell; from there on the normal approximation is good enough
INNER_P, OUTER_P = 0.025, 0.001  # outside each side of a funnel's two pairs of limits


@dataclass(frozen=True)
class Interval:
    """A confidence interval; all three figures are in the scale that was asked for."""

    estimate: float
    lower: float
    upper: float
    confidence: float
    method: Method


@dataclass(frozen=True)
class Limits:
    """A funnel at one size: chance puts a unit that is like the average below, or above, with probability `p` each."""

    lower: float
    upper: float
    p: float
    method: Literal["funnel-normal", "funnel-exact-poisson"]


@dataclass(frozen=True)
class Test:
    """How likely chance alone gives a difference at least as great as the one seen (two-sided)."""

    p_value: float
    method: TestMethod


# --- intervals -------------------------------------------------------------------------------------------------


def proportion(
    part: float | None,
    whole: float | None,
    *,
    scale: float = 1,
    confidence: float = 0.95,
    method: ProportionMethod = "wilson",
) -> Interval | None:
    """The interval of a share; `scale` 100 gives percent."""
    _check_settings(confidence, scale)
    if part is None or whole is None:
        return None
    _check_share(part, whole)
    from statsmodels.stats.proportion import proportion_confint

    name = "wilson" if method == "wilson" else "beta"
    lower, upper = proportion_confint(part, whole, alpha=1 - confidence, method=name)
    return _interval(part / whole, lower, upper, scale, confidence, method)


def count(events: float | None, *, confidence: float = 0.95, method: CountMethod = "auto") -> Interval | None:
    """The interval of a number of events; 'auto' is Byar from ten events on, exact below."""
    return rate(events, 1, confidence=confidence, method=method)


def rate(
    events: float | None,
    exposure: float | None,
    *,
    scale: float = 1,
    confidence: float = 0.95,
    method: CountMethod = "auto",
) -> Interval | None:
    """The interval of events by exposure (population, time); 'auto' is Byar from ten events on, exact below."""
    _check_settings(confidence, scale)
    if events is None or exposure is None:
        return None
    _check_events(events, exposure)
    if method == "auto":
        method = "byar" if events >= BYAR_FROM else "exact-poisson"
    if method == "byar":
        lower, upper = _byar(events, confidence)
        return _interval(events / exposure, lower / exposure, upper / exposure, scale, confidence, method)
    from statsmodels.stats.rates import confint_poisson

    name = "exact-c" if method == "exact-poisson" else "score"
    lower, upper = confint_poisson(events, exposure, alpha=1 - confidence, method=name)
    return _interval(events / exposure, lower, upper, scale, confidence, method)


def difference_of_proportions(
    part: float | None,
    whole: float | None,
    part_before: float | None,
    whole_before: float | None,
    *,
    scale: float = 1,
    confidence: float = 0.95,
) -> Interval | None:
    """The interval of the share now less the share before."""
    _check_settings(confidence, scale)
    if part is None or whole is None or part_before is None or whole_before is None:
        return None
    _check_share(part, whole)
    _check_share(part_before, whole_before)
    from statsmodels.stats.proportion import confint_proportions_2indep

    lower, upper = confint_proportions_2indep(
        part, whole, part_before, whole_before, method="newcomb", compare="diff", alpha=1 - confidence
    )
    lower, upper = max(lower, -1), min(upper, 1)  # rounding may go a hair's breadth beyond
    return _interval(part / whole - part_before / whole_before, lower, upper, scale, confidence, "newcombe")


def ratio_of_rates(
    events: float | None,
    exposure: float | None,
    events_before: float | None,
    exposure_before: float | None,
    *,
    confidence: float = 0.95,
) -> Interval | None:
    """The interval of the rate now over the rate before; its limits leave out equal parts on either side."""
    _check_settings(confidence, 1)
    if events is None or exposure is None or events_before is None or exposure_before is None:
        return None
    _check_events(events, exposure)
    _check_events(events_before, exposure_before)
    _refuse_unless(events_before > 0, "số sự kiện kỳ trước phải lớn hơn không")
    from statsmodels.stats.proportion import proportion_confint

    # Given the events of both periods together, the share that falls into this one is binomial.
    alike = exposure_before / exposure
    shares = proportion_confint(events, events + events_before, alpha=1 - confidence, method="beta")
    lower, upper = (share / (1 - share) * alike for share in shares)
    return _interval(events / events_before * alike, lower, upper, 1, confidence, "poisson-conditional-exact")


def _byar(events: float, confidence: float) -> tuple[float, float]:
    from scipy.stats import norm

    z = float(norm.isf((1 - confidence) / 2))
    root = 1 - 1 / (9 * events) - z / (3 * math.sqrt(events)) if events else -1
    _refuse_unless(root >= 0, "số sự kiện quá nhỏ cho phương pháp Byar (cận dưới âm); hãy dùng phương pháp chính xác")
    after = events + 1
    return events * root**3, after * (1 - 1 / (9 * after) + z / (3 * math.sqrt(after))) ** 3


def _interval(estimate: float, lower: float, upper: float, scale: float, confidence: float, method: Method) -> Interval:
    """Each method's limits lie around the estimate; what rounding puts a hair's breadth across is put back."""
    lower, upper = min(float(lower), estimate), max(float(upper), estimate)
    return Interval(estimate * scale, lower * scale, upper * scale, confidence, method)


# --- funnels ---------------------------------------------------------------------------------------------------


def funnel_limits_of_proportion(whole: float, average: float, *, p: float, scale: float = 1) -> Limits:
    """Between which limits the share of a unit of the size `whole` lies by chance, around the `average` share."""
    _check_funnel(p, scale)
    _check_share(0, whole)
    _refuse_unless(0 <= average <= 1, "tỷ lệ chung phải nằm giữa 0 và 1")
    from scipy.stats import norm

    half = float(norm.isf(p)) * math.sqrt(average * (1 - average) / whole)
    return Limits(max(average - half, 0) * scale, min(average + half, 1) * scale, p, "funnel-normal")


def funnel_limits_of_rate(exposure: float, average: float, *, p: float, scale: float = 1) -> Limits:
    """Between which limits the rate of a unit of the size `exposure` lies by chance, around the `average` rate.

    A unit is beyond a limit exactly if the average is outside the exact Poisson interval of the unit's own rate.
    """
    _check_funnel(p, scale)
    _check_events(0, exposure)
    _refuse_unless(math.isfinite(average) and average >= 0, "tỷ suất chung không được âm")
    if not average:
        return Limits(0, 0, p, "funnel-exact-poisson")
    from scipy.special import chdtriv

    # Poisson tails are tails of chi-squared at twice the expected events; solved for the degrees of freedom, which are
    # twice the events (and two more below), they give a curve without steps.
    expected = exposure * average
    lower = max(float(chdtriv(1 - p, 2 * expected)) / 2 - 1, 0)
    upper = float(chdtriv(p, 2 * expected)) / 2
    return Limits(lower / exposure * scale, upper / exposure * scale, p, "funnel-exact-poisson")


def place_in_funnel_of_proportion(part: float, whole: float, average: float) -> Place:
    """Where a unit's share stands in the funnel around the average share."""
    _check_share(part, whole)
    inner = funnel_limits_of_proportion(whole, average, p=INNER_P)
    outer = funnel_limits_of_proportion(whole, average, p=OUTER_P)
    return _place(part / whole, inner, outer)


def place_in_funnel_of_rate(events: float, exposure: float, average: float) -> Place:
    """Where a unit's rate stands in the funnel around the average rate."""
    _check_events(events, exposure)
    inner = funnel_limits_of_rate(exposure, average, p=INNER_P)
    outer = funnel_limits_of_rate(exposure, average, p=OUTER_P)
    return _place(events / exposure, inner, outer)


def _place(value: float, inner: Limits, outer: Limits) -> Place:
    if value < inner.lower:
        return "low-0.001" if value < outer.lower else "low-0.025"
    if value > inner.upper:
        return "high-0.001" if value > outer.upper else "high-0.025"
    return "inside"


# --- tests of change -------------------------------------------------------------------------------------------


def change_of_proportions(
    part: float | None, whole: float | None, part_before: float | None, whole_before: float | None
) -> Test | None:
    """Whether chance explains the change of a share: Fisher where an expected cell is below five, else pooled z."""
    if part is None or whole is None or part_before is None or whole_before is None:
        return None
    _check_table(part, whole, part_before, whole_before)
    both, total = part + part_before, whole + whole_before
    expected = min(both, total - both) * min(whole, whole_before) / total
    test = fisher if expected < FISHER_BELOW else two_proportions_z
    return test(part, whole, part_before, whole_before)


def fisher(part: float, whole: float, part_before: float, whole_before: float) -> Test:
    """Fisher's exact test of two shares."""
    _check_table(part, whole, part_before, whole_before)
    from scipy.stats import fisher_exact

    table = [[int(part), int(whole - part)], [int(part_before), int(whole_before - part_before)]]
    return Test(min(float(fisher_exact(table).pvalue), 1), "fisher")


def two_proportions_z(part: float, whole: float, part_before: float, whole_before: float) -> Test:
    """The z test of two shares with their pooled variance, without a correction for continuity."""
    _check_table(part, whole, part_before, whole_before)
    if part + part_before in (0, whole + whole_before):
        return Test(1, "two-proportions-z")  # nobody or everybody in both: the same share, though no variance
    from statsmodels.stats.proportion import proportions_ztest

    _, p_value = proportions_ztest([part, part_before], [whole, whole_before])
    return Test(float(p_value), "two-proportions-z")


def change_of_counts(
    events: float | None, events_before: float | None, exposure: float | None = 1, exposure_before: float | None = 1
) -> Test | None:
    """Whether chance explains the change of a number of events, or of a rate: exact, given the events of both."""
    if events is None or events_before is None or exposure is None or exposure_before is None:
        return None
    _check_events(events, exposure)
    _check_events(events_before, exposure_before)
    _check_whole_numbers(events, events_before)
    if not events + events_before:
        return Test(1, "poisson-conditional-exact")  # nothing in either period
    from scipy.stats import binomtest

    share = exposure / (exposure + exposure_before)
    p_value = binomtest(int(events), int(events + events_before), share).pvalue
    return Test(min(float(p_value), 1), "poisson-conditional-exact")


# --- what is refused -------------------------------------------------------------------------------------------


def _refuse_unless(holds: bool, words: str) -> None:
    if not holds:
        raise ValueError(words)


def _check_settings(confidence: float, scale: float) -> None:
    _refuse_unless(0 < confidence < 1, "độ tin cậy phải nằm giữa 0 và 1")
    _refuse_unless(math.isfinite(scale) and scale > 0, "hệ số nhân phải lớn hơn không")


def _check_funnel(p: float, scale: float) -> None:
    _refuse_unless(0 < p < 0.5, "xác suất ở mỗi phía phải nằm giữa 0 và 0,5")
    _refuse_unless(math.isfinite(scale) and scale > 0, "hệ số nhân phải lớn hơn không")


def _check_share(part: float, whole: float) -> None:
    _refuse_unless(math.isfinite(part) and math.isfinite(whole), "số liệu phải là số hữu hạn")
    _refuse_unless(part >= 0, "tử số không được âm")
    _refuse_unless(whole > 0, "mẫu số phải lớn hơn không")
    _refuse_unless(part <= whole, "tử số không được lớn hơn mẫu số")


def _check_events(events: float, exposure: float) -> None:
    _refuse_unless(math.isfinite(events) and math.isfinite(exposure), "số liệu phải là số hữu hạn")
    _refuse_unless(events >= 0, "số sự kiện không được âm")
    _refuse_unless(exposure > 0, "mẫu số phải lớn hơn không")


def _check_table(part: float, whole: float, part_before: float, whole_before: float) -> None:
    _check_share(part, whole)
    _check_share(part_before, whole_before)
    _check_whole_numbers(part, whole, part_before, whole_before)


def _check_whole_numbers(*values: float) -> None:
    _refuse_unless(all(value == int(value) for value in values), "phép thử chỉ dùng cho số đếm nguyên")
