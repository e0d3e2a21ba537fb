"""The way back: for every printed figure, the formula and the cells behind it; for every indicator, what it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from danvan import wording
from danvan.book import Book, Count
from danvan.catalogue import Indicator
from danvan.comparison import Change
from danvan.intake.findings import Cell, Finding
from danvan.measures import TO_DATE, TOTAL, Result, is_of_city, span_scope

Digests = Mapping[str, str]  # of files by their path from the project's folder, as `freshness` keeps them
NO_DIGESTS: Digests = MappingProxyType({})
_IS_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER_OF = {
    "units": "số đơn vị phải báo cáo",
    "wards": "số phường",
    "communes": "số xã",
    "commune_level_total": "số đơn vị cấp xã",
    "population": "số dân",
}  # what a ratio may be over that is no indicator


def trace(
    book: Book, printed: list[dict[str, Any]], illustrative: str, digests: Digests = NO_DIGESTS
) -> dict[str, Any]:
    """For every figure printed, the results behind it; for every result, formula and source cells.

    `indicators`: what those mean that the results are of. `cells`: what stands in the cells behind these results, as
    far as the edition may show it. `files`: the sha256 of each file that a result comes from, where
    `digests` has it.
    """
    results = (result for results in (book.results, book.last_results) for result in results.values())
    return trace_of(book, printed, illustrative, results, digests)


def trace_of(
    book: Book,
    printed: list[dict[str, Any]],
    illustrative: str,
    results: Iterable[Result],
    digests: Digests = NO_DIGESTS,
) -> dict[str, Any]:
    """`trace` over the given results; `book` names the scopes and counts."""
    keys = dict.fromkeys(key for item in printed for key in item["results"])
    by_key = {result.key: result for result in results}
    scopes = {unit.id: book.units.label(unit) for unit in book.units.all}
    scopes |= {span_scope(first, last): wording.span(first, last) for first, last, _ in book.units.spans}
    scopes |= {TOTAL: "Toàn thành phố", TO_DATE: "Toàn thành phố, từ đầu chương trình"}
    found = {
        key: _traced(by_key[key], scopes, book) if key in by_key else _counted(book.counts[key], book) for key in keys
    }
    codes = {by_key[key].indicator.code: by_key[key].indicator for key in keys if key in by_key}
    return {
        "year": book.params.year,
        "edition": book.edition,
        "illustrative": illustrative,
        "printed": printed,
        "results": found,
        "indicators": {code: told(indicator, book, book.findings) for code, indicator in codes.items()},
        "cells": _cells(found.values(), by_key.values(), scopes),
        "files": files(found.values(), digests),
    }


def _cells(
    found: Iterable[dict[str, Any]], results: Iterable[Result], scopes: dict[str, str]
) -> dict[str, dict[str, dict[str, list[str]]]]:
    """By file, sheet and cell: whose it is, and its figure as printed in tables. `results` are those of the edition, so
    what it may not show is not among them.
    """
    named = {tuple(source) for result in found for source in result["sources"]}
    cells: dict[str, dict[str, dict[str, list[str]]]] = {}
    for result in results:
        if is_of_city(result.scope) or result.value is None:
            continue
        for cell, text in _parts(result):
            if (cell.file, cell.sheet, cell.ref) in named:
                of_sheet = cells.setdefault(cell.file, {}).setdefault(cell.sheet, {})
                of_sheet[cell.ref] = [scopes.get(result.scope, result.scope), text]
    return cells


def _parts(result: Result) -> Iterator[tuple[Cell, str]]:
    """The cells that hold what a unit's result is made of, each with its figure; and the line of its population. Other
    lines that it is reckoned over hold several counts.
    """
    if result.indicator.kind != "ratio":
        yield from ((cell, wording.in_table(result)) for cell in result.sources)
    elif result.denominator and result.indicator.denominator == "population":
        yield result.sources[-1], wording.number(result.denominator)


def files(results: Iterable[dict[str, Any]], digests: Digests) -> dict[str, str]:
    """The sha256 of each file that these traced results come from, where it is known."""
    named = {path for result in results for path, _, _ in result["sources"]}
    return {path: digests[path] for path in sorted(named) if _IS_DIGEST.fullmatch(digests.get(path, ""))}


def told(indicator: Indicator, book: Book, findings: Iterable[Finding]) -> dict[str, Any]:
    """What an indicator means, how a ratio is made, and the findings on it: those still open, those answered."""
    found = [finding for finding in findings if indicator.code in finding.involved]
    return {
        "name": indicator.name,
        "definition": indicator.definition,
        "measured_in": indicator.measured_in,
        "section": indicator.section,
        "formula": _in_words(indicator, book),
        "findings": [
            {"rule": f.rule, "unit": f.unit, "place": str(f.cell), "found": f.found, "reason": f.reason}
            for f in found
            if f.answer is None
        ],
        "answered": [
            {"rule": f.rule, "unit": f.unit, "place": str(f.cell), "found": f.found, "reason": f.reason}
            | {"office": f.answer.office, "answer": f.answer.reason}
            for f in found
            if f.answer is not None
        ],
    }


def _in_words(ratio: Indicator, book: Book) -> str:
    """'“Tin có giá trị” / “Tin về an ninh trật tự” × 100%'; '' of what is no ratio."""
    if ratio.kind != "ratio":
        return ""
    parts = (ratio.numerator or "", ratio.denominator or "")
    above, below = (
        f"“{book.catalogue.by_code[p].name}”" if p in book.catalogue.by_code else _NUMBER_OF[p] for p in parts
    )
    return f"{above} / {below}" + {100: " × 100%", 1: ""}.get(
        ratio.scale or 1, f" × {wording.number(ratio.scale or 1)}"
    )


def _counted(count: Count, book: Book) -> dict[str, Any]:
    of_returns = any("/returns/" in cell.file for cell in count.sources)
    return {
        "name": count.name,
        "value": str(count.value),
        "text": wording.number(count.value, 2),
        "formula": count.formula,
        "provenance": "illustrative" if of_returns and book.illustrative_units else "reported",
        "sources": [[cell.file, cell.sheet, cell.ref] for cell in count.sources],
    }


def _traced(result: Result, scopes: dict[str, str], book: Book) -> dict[str, Any]:
    """Of a total of the year, also last year's, the change, and the interval where chance has a part in it."""
    made = traced(result, scopes)
    if result.scope != TOTAL or book.results.get((result.indicator.code, TOTAL)) != result:
        return made
    interval = book.interval_of(result)
    if result.numerator is not None and result.denominator is not None:
        made |= {"numerator": str(result.numerator), "denominator": str(result.denominator)}
    made |= beside_last(book.change_of(result.indicator.code), book.params.year - 1)
    return made | ({"interval": wording.of_interval(interval, result.indicator)} if interval else {})


def beside_last(change: Change, last_year: int) -> dict[str, str]:
    """Last year's figure as printed ('' where there is none), and the change in words or why it cannot be told."""
    last = change.last
    text = wording.in_table(last) + wording.coverage(last) if last is not None else ""
    return {"last": text, "change": wording.upper_first(str(wording.of_change(change, last_year)))}


def traced(result: Result, scopes: dict[str, str]) -> dict[str, Any]:
    return {
        "indicator": result.indicator.code,
        "name": result.indicator.name,
        "year": result.year,
        "scope": scopes.get(result.scope, result.scope),
        "value": None if result.value is None else str(result.value),
        "text": wording.in_table(result),
        "measured_in": result.indicator.measured_in,
        "status": result.status.value,
        "bound": result.bound.word,
        "formula": result.formula,
        "provenance": result.provenance,
        "reported": result.reported,
        "owed": result.owed,
        "sources": [[cell.file, cell.sheet, cell.ref] for cell in result.sources],
    }
