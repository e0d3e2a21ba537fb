"""Runs any file of disclosure cases of the shape of tests/cases/disclosure.json: `problems_in(path)`.

As a command: `python tests/disclosure_cases.py FILE` names what is not as a case expects. Cases of kind `audit` are put
to the reader of danvan.suppression; those of kind `policy` to a made-up year as the public edition shows it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import small_year
from small_year import indicator, params_of, ratio, unit

from danvan.book import Book
from danvan.catalogue import load_catalogue
from danvan.intake.checks import lowered
from danvan.intake.observations import Status
from danvan.measures import rounded
from danvan.paths import Project
from danvan.suppression import Cells, Range, audit, protect, total_of, verdict
from danvan.tables import cell
from danvan.wording import change_in_table
from danvan.yearbook import Yearbook

Case = dict[str, Any]
THRESHOLD = 5
UNITS = ("Hồng Bàng", "Ngô Quyền", "Lê Chân", "Hải An", "Kiến An", "Đồ Sơn", "Dương Kinh", "Bạch Long Vĩ")
SMALL = UNITS[-1]


def problems_in(path: Path) -> dict[str, list[str]]:
    """By the id of each case of a file: what is not as it expects; nothing where all is."""
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return {case["id"]: problems(case) for case in cases}


def problems(case: Case) -> list[str]:
    """What is not as a case expects."""
    run: dict[str, Callable[[Case], Iterator[str]]] = {"audit": _audit, "rounding": _rounding, "policy": _policy}
    if case["kind"] not in run:
        return [f"unknown kind of case: {case['kind']}"]
    return list(run[case["kind"]](case))


def _differs(what: str, expected: object, found: object) -> Iterator[str]:
    if expected != found:
        yield f"{what}: expected {expected}, found {found}"


# --- audit ---------------------------------------------------------------------------------------------------------


def cells_of(case: Case) -> Cells[str]:
    primary, known = case["suppressed_primary"], case["attacker_knows_primary_range"]
    return Cells(
        case["true_cells"],
        tuple(total_of(total, parts) for total, *parts in case["relations_total_then_parts"]),
        dict.fromkeys(primary, Range(*known)) if known else {},
    )


def _audit(case: Case) -> Iterator[str]:
    primary, expected = case["suppressed_primary"], case["expected"]
    found = audit(cells_of(case), [*primary, *case["suppressed_secondary"]], primary, case["threshold"])
    yield from _differs("verdict", expected["verdict"], found.verdict)
    yield from _differs("exactly recoverable", expected["exactly_recoverable"], found.exact)
    yield from _differs("intervals", expected["attacker_intervals"], {k: list(r) for k, r in found.intervals.items()})


# --- rounding ------------------------------------------------------------------------------------------------------


def _rounding(case: Case) -> Iterator[str]:
    """No edition rounds: a figure is as reported or hidden. What rounding is for must be reached by hiding."""
    for name, column in case["input"].items():
        values = {**column, "Total": sum(column.values())}
        small = [key for key, value in column.items() if 0 < value < case["threshold"]]
        order = tuple(sorted(column, key=lambda key: column[key]))
        cells = Cells(values, (total_of("Total", column),), dict.fromkeys(column, Range(1)), hideable=order)
        hidden = protect(cells, small, case["threshold"])
        if hidden is None or not set(small) <= hidden:
            yield f"{name}: not protected"
        elif (worst := audit(cells, hidden, small, case["threshold"]).verdict) != "safe":
            yield f"{name}: {worst}"
        redacted = [key for key, text in case["expected"][name].items() if text == "[REDACTED]"]
        yield from _differs(f"{name}, redacted", redacted, small)


# --- policy: a made-up year in which one unit has the figures of the case -------------------------------------------


def _policy(case: Case) -> Iterator[str]:
    given, expected = case["input"], case["expected"]
    published = given.get("published", {})
    if "numerator" in given:
        yield from _rate(given, expected)
    elif "percent" in published:
        yield from _printed_ratio(given["hidden_count"], published["denominator"], published["percent"], 100, expected)
    elif "population" in published:
        rate = published["rate_per_10000"]
        yield from _printed_ratio(given["hidden_count"], published["population"], rate, 10_000, expected)
    elif "change" in published:
        yield from _year_on_year(published, expected)
    elif len(published) == 2:
        yield from _complement(published, expected)
    elif "narrative" in given:
        yield from _narrative(given["narrative"], expected)
    elif "sorted_by" in given:
        yield from _sorted(given["neighbours"], expected)
    elif "cells" in given:
        yield from _three_states(given["cells"], expected)
    elif "indicator" in given:
        yield from _not_of_persons(given, expected)
    elif "threshold" in given:
        yield from _threshold(given["threshold"], expected)
    else:
        yield f"no such policy is known: {sorted(given)}"


PERSONS = indicator("persons", sensitive="person", measured_in="người")
HELPED = indicator("helped", sensitive="person", measured_in="người", part_of="persons")
RATE = ratio("rate", "helped", "persons")
PER_10K = ratio("per_10k", "persons", "population", 10_000)
TIPS = indicator("tips")
ALL = (PERSONS, HELPED, RATE, PER_10K, TIPS)


def book(own: dict[str, object], others: dict[str, int], *, last: dict[str, object] | None = None, **more: Any) -> Any:
    """A public yearbook: `SMALL` has `own` figures ('?': not reported), all others and the offices ample ones."""
    codes = list(own)

    def made(figures: dict[str, object], year: int) -> Any:
        rows = [
            f"{name} | " + " | ".join(str(others[code] + 11 * number) for code in codes)
            for number, name in enumerate(UNITS[:-1])
        ]
        rows.append(f"{SMALL} | " + " | ".join(str(figures[code]) for code in codes))
        rows.append("Thành phố | " + " | ".join(str(others[code]) for code in codes))
        table = "\n".join([f"unit | {' | '.join(codes)}", *rows])
        units = [unit(name, n, in_year=year, **more) for n, name in enumerate(UNITS, 1)]
        chosen = tuple(i for i in ALL if {i.code, i.numerator or i.code} & set(codes) and i.denominator != "persons")
        chosen += (RATE,) if {"persons", "helped"} <= set(codes) else ()
        before = made(last, year - 1) if last and year == 2023 else None
        return small_year.year(table, *units, indicators=chosen, params=params_of(year), last=before)

    return Yearbook(made(own, 2023), "public")


def shown(yearbook: Book, code: str) -> Decimal | None:
    return yearbook.results[code, SMALL].value


def _is_small(count: int) -> bool:
    return 0 < count < THRESHOLD


def _rate(given: Case, expected: Case) -> Iterator[str]:
    above, below = given["numerator"], given["denominator"]
    yearbook = book({"helped": above, "persons": below}, {"helped": 300, "persons": 1200})
    yield from _differs("the rate is published", expected["publish_rate"], shown(yearbook, "rate") is not None)


def counts_behind(whole: int, printed: str, scale: int) -> list[int]:
    """All whole numbers that, over `whole`, are printed so."""
    digits = printed.strip(" %")
    decimals = len(digits.partition(",")[2])
    value = Decimal(digits.replace(".", "").replace(",", "."))
    near = int(value * whole / scale)
    return [n for n in range(max(0, near - 50), near + 51) if rounded(Decimal(n * scale) / whole, decimals) == value]


def _printed_ratio(hidden: int, whole: int, printed: str, scale: int, expected: Case) -> Iterator[str]:
    counts = counts_behind(whole, printed, scale)
    yield from _differs("verdict", expected["verdict"], verdict(Range(counts[0], counts[-1]), THRESHOLD))
    if "recovered" in expected:
        yield from _differs("recovered", [expected["recovered"]], counts)
    if scale == 100:
        yearbook = book({"helped": hidden, "persons": whole}, {"helped": 300, "persons": 1200})
        code, part = "rate", "helped"
    else:
        yearbook = book({"persons": hidden}, {"persons": 300}, population=whole)
        code, part = "per_10k", "persons"
    if _is_small(hidden):
        yield from _differs("the count is hidden", None, shown(yearbook, part))
        result = yearbook.results[code, SMALL]
        yield from _differs("the ratio is hidden", (None,) * 3, (result.value, result.numerator, result.denominator))


def _year_on_year(published: dict[str, Any], expected: Case) -> Iterator[str]:
    first = min(key for key in published if key.isdigit())
    before, change = published[first], published["change"]
    now = before + change
    yield from _differs("recovered", expected.get("recovered", now), now)
    yield from _differs("verdict", expected["verdict"], verdict(Range(now, now), THRESHOLD))
    for this, last in ((now, before), (before, now)):  # whichever year is the small one
        yearbook = book({"persons": this}, {"persons": 300}, last={"persons": last})
        texts = [str(yearbook.persons.at(SMALL).change), change_in_table(yearbook.change_of("persons", SMALL))]
        if _is_small(now):
            yield from _differs("the change", "incomparable", yearbook.change_of("persons", SMALL).way)
            yield from _differs("figures in words", [], [t for t in texts if re.search(r"\d", t.replace("2022", ""))])
        elif yearbook.change_of("persons", SMALL).way == "incomparable":
            yield "a change that tells nothing is not published"


def _complement(published: dict[str, int], expected: Case) -> Iterator[str]:
    part, whole = sorted(published.values())
    rest = whole - part
    yield from _differs("verdict", expected["verdict"], verdict(Range(rest, rest), THRESHOLD))
    yield from _differs("recovered", expected.get("recovered", rest), rest)
    yearbook = book({"helped": part, "persons": whole}, {"helped": 300, "persons": 1200})
    both = shown(yearbook, "helped") is not None and shown(yearbook, "persons") is not None
    yield from _differs("both are published", not _is_small(rest), both)


def _narrative(sentence: str, expected: Case) -> Iterator[str]:
    found = [int(digits) for digits in re.findall(r"\d+", sentence)]
    told = next((count for count in found if _is_small(count)), None)
    yield from _differs("verdict", expected["verdict"], "safe" if told is None else "unsafe_exact")
    if told is not None:
        yearbook = book({"persons": told}, {"persons": 300})
        number = yearbook.persons.at(SMALL)
        said = str(yearbook.say(f"{SMALL} chỉ có {{}} trường hợp", number)) + str(number.interval) + str(number.last)
        yield from _differs("figures in the sentence", [], re.findall(r"\d+", said))


def _sorted(neighbours: list[object], expected: Case) -> Iterator[str]:
    known = [n for n in neighbours if isinstance(n, int)]
    marks = [int(str(n).strip("<")) - 1 for n in neighbours if not isinstance(n, int)]
    yield from _differs("verdict", expected["verdict"], verdict(Range(min(known), min(max(known), *marks)), THRESHOLD))
    values = [*(100 + 7 * (n % 3) for n in range(len(UNITS) - 1)), 3]
    rows = "\n".join(f"{name} | {value}" for name, value in zip(UNITS, values, strict=True))
    units = [unit(name, n) for n, name in enumerate(UNITS, 1)]
    for hide in (True, False):
        one = indicator("persons", sensitive="person" if hide else None).model_copy(update={"direction": "higher"})
        made = small_year.year(f"unit | persons\n{rows}\nThành phố | 90", *units, indicators=(one,))
        drawn = Yearbook(made, "public").chart("bars", "persons", question="?")
        assert drawn is not None
        labels = [row[0] for row in drawn.table if row[0] in UNITS]
        yield from _differs("in official order", hide, labels == list(UNITS))


def _three_states(cells: list[int | None], expected: Case) -> Iterator[str]:
    words = {"0": "0", "không có báo cáo": "chưa báo cáo", "< 5": "không công bố"}  # ours: one word, one meaning
    for value, rendered in zip(cells, expected["rendered"], strict=True):
        yearbook = book({"persons": "?" if value is None else value}, {"persons": 300})
        text = cell(yearbook.results["persons", SMALL]).text
        yield from _differs(f"{value}", words.get(rendered, rendered), text)


def _not_of_persons(given: Case, expected: Case) -> Iterator[str]:
    catalogue = load_catalogue(Project(Path(__file__).resolve().parent.parent))
    for one in catalogue.indicators:
        if one.kind == "boolean" and one.sensitive:
            yield f"{one.code} is opted in"
    yearbook = book({"tips": given["n"] - given["x"]}, {"tips": 300})
    yield from _differs("suppressed", expected["suppress"], shown(yearbook, "tips") is None)


def _threshold(by_year: dict[str, int], expected: Case) -> Iterator[str]:
    before, after = (
        params_of(int(year), thresholds=small_year.PARAMS.thresholds.model_copy(update={"least_persons": least}))
        for year, least in sorted(by_year.items())
    )
    found = lowered("params/x.yaml", after, before)
    yield from _differs("warns", expected["warn"], bool(found))
    # What last year's edition hid is hidden by its own threshold: this year's does not show it again.
    values = {"persons": before.thresholds.least_persons - 1}
    rows = "\n".join(f"{name} | {100 + n}" for n, name in enumerate(UNITS[:-1]))
    table = f"unit | persons\n{rows}\n{SMALL} | {values['persons']}\nThành phố | 90"
    last = small_year.year(table, *_units(before.year), indicators=(PERSONS,), params=before)
    now = small_year.year(table, *_units(after.year), indicators=(PERSONS,), params=after, last=last)
    yearbook = Yearbook(now, "public")
    yield from _differs("last year's figure", Status.WITHHELD, yearbook.last_results["persons", SMALL].status)


def _units(year: int) -> list[Any]:
    return [unit(name, n, in_year=year) for n, name in enumerate(UNITS, 1)]


if __name__ == "__main__":
    wrong = {id: found for name in sys.argv[1:] for id, found in problems_in(Path(name)).items() if found}
    for id, found in wrong.items():
        print(f"{id}: {'; '.join(found)}")
    sys.exit(bool(wrong))
