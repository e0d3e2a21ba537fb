"""The way back: for every printed figure, the formula and the cells behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from danvan import wording
from danvan.book import Book, Count
from danvan.measures import TO_DATE, TOTAL, Result, span_scope


def trace(book: Book, printed: list[dict[str, Any]], illustrative: str) -> dict[str, Any]:
    """For every figure printed, the results behind it; for every result, formula and source cells."""
    results = (result for results in (book.results, book.last_results) for result in results.values())
    return trace_of(book, printed, illustrative, results)


def trace_of(book: Book, printed: list[dict[str, Any]], illustrative: str, results: Iterable[Result]) -> dict[str, Any]:
    """`trace` over the given results; `book` names the scopes and counts."""
    keys = dict.fromkeys(key for item in printed for key in item["results"])
    by_key = {result.key: result for result in results}
    scopes = {unit.id: book.units.label(unit) for unit in book.units.all}
    scopes |= {span_scope(first, last): wording.span(first, last) for first, last, _ in book.units.spans}
    scopes |= {TOTAL: "Toàn thành phố", TO_DATE: "Toàn thành phố, từ đầu chương trình"}
    return {
        "year": book.params.year,
        "edition": book.edition,
        "illustrative": illustrative,
        "printed": printed,
        "results": {
            key: traced(by_key[key], scopes) if key in by_key else _counted(book.counts[key], book) for key in keys
        },
    }


def _counted(count: Count, book: Book) -> dict[str, Any]:
    of_returns = any("/returns/" in cell.file for cell in count.sources)
    return {
        "name": count.name,
        "value": str(count.value),
        "formula": count.formula,
        "provenance": "illustrative" if of_returns and book.illustrative_units else "reported",
        "sources": [[cell.file, cell.sheet, cell.ref] for cell in count.sources],
    }


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
