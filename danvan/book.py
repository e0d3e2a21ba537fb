"""One year as an edition may see it, after disclosure: the data behind the yearbook, nothing hidden left in it."""

from __future__ import annotations

from danvan.catalogue import Catalogue
from danvan.disclosure import Edition, withhold, withhold_findings
from danvan.intake.year import Year
from danvan.measures import TOTAL, Change, Results, change, compute
from danvan.params import YearParams
from danvan.units import Units


class Book:
    """Params, catalogue, units, results of the year and of the one before; findings as the edition may show them."""

    def __init__(self, year: Year, last: Year | None, edition: Edition) -> None:
        self.params: YearParams = year.params
        self.catalogue: Catalogue = year.catalogue
        self.units: Units = year.units
        self.edition = edition
        self.missing = year.missing
        self.stated = year.stated
        self.findings = withhold_findings(year.findings, year.catalogue, edition)
        self.results: Results = withhold(compute(year), edition)
        self.last_results: Results = withhold(compute(last), edition) if last else {}
        self.has_last = last is not None
        self.illustrative_city = year.illustrative_city
        self.illustrative_units = year.illustrative_units
        self.illustrative_last = bool(last and (last.illustrative_city or last.illustrative_units))

    def change_of(self, code: str, scope: str = TOTAL) -> Change:
        """This year's result against last year's."""
        last = self.last_results.get((code, scope))
        small_count = self.params.thresholds.small_count
        return change(self.results[code, scope], last, self.params.year - 1, small_count)
