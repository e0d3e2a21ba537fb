"""One year as an edition may see it, after disclosure: the data behind the yearbook, nothing hidden left in it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from danvan.catalogue import Catalogue
from danvan.comparison import Change, Grounds, change, interval
from danvan.disclosure import Edition, hidden_cells, withhold, withhold_findings
from danvan.intake.findings import Cell
from danvan.intake.observations import Status
from danvan.intake.year import Year
from danvan.measures import TOTAL, Result, Results, compute, is_of_city
from danvan.params import Period, YearParams
from danvan.statistics import Interval
from danvan.units import Units


@dataclass(frozen=True)
class Count:
    """A figure that is not an indicator: how many units, findings, gaps; a figure that a body stated."""

    key: str
    name: str
    value: Decimal
    formula: str
    sources: tuple[Cell, ...]


class Book:
    """Params, catalogue, units, results of the year and of the one before; findings as the edition may show them."""

    def __init__(self, year: Year, edition: Edition) -> None:
        last = year.last
        self.params: YearParams = year.params
        self.catalogue: Catalogue = year.catalogue
        self.units: Units = year.units
        self.edition = edition
        self.missing = year.missing
        self.partial = tuple((r.unit, r.until) for r in year.returns if r.until)
        self.stated = year.stated
        self.body_versions = year.bodies
        self.lineage = year.lineage
        self._grounds = Grounds.of(year)
        results, last_results = compute(year), compute(last) if last else {}
        hidden = hidden_cells(year, results, last_results, edition)
        self.findings = withhold_findings(year, edition, hidden)
        self.results: Results = withhold(results, edition, hidden.now)
        self.last_results: Results = withhold(last_results, edition, hidden.last)
        self.has_last = last is not None
        self.last_units: Units | None = last.units if last else None
        self.last_period: Period | None = last.params.period if last else None
        self.illustrative_city = year.illustrative_city
        self.illustrative_units = year.illustrative_units
        self.illustrative_last = bool(last and (last.illustrative_city or last.illustrative_units))

    @cached_property
    def _asked(self) -> list[Result]:
        """The results that units and city offices owe in their returns."""
        results = self.results.values()
        return [r for r in results if r.owed and not is_of_city(r.scope) and r.indicator.kind != "ratio"]

    @cached_property
    def counts(self) -> dict[str, Count]:
        """By key, which is the name in trace.json: 'units@2023', 'stated-dvk_defence_security@2023'."""
        year, units = self.params.year, self.units.districts
        gaps = [result for result in self._asked if result.status is Status.NOT_REPORTED]
        cells = tuple(cell for result in gaps for cell in result.sources)
        remarks = tuple(finding.cell for finding in self.findings if finding.cell.file)
        answers = [finding.cell for finding in self.findings if finding.answer]
        lines = tuple(Cell("params/units.csv", "", f"dòng {unit.line}") for unit in units)
        made: list[tuple[str, str, int | Decimal, str, tuple[Cell, ...]]] = [
            ("units", "Số đơn vị phải báo cáo", len(units), "đơn vị hiệu lực trong kỳ", lines),
            ("gaps", "Ô phải báo cáo mà chưa có", len(gaps), "đếm ô chưa báo cáo trong các phiếu", cells),
            ("findings", "Điểm cần xem lại", len(self.findings), "đếm kết quả kiểm tra phiếu", remarks),
            ("answered", "Điểm đã giải trình", len(answers), "đếm lời giải trình", tuple(c for c in answers if c.file)),
            ("stated", "Số nêu khác", len(self.stated), "đếm dòng", tuple(item.cell for item in self.stated)),
            (
                "leaders",
                "Đồng chí phụ trách dân vận mỗi đơn vị",
                self.params.leaders_per_unit,
                "quy định về tổ chức",
                (Cell(f"params/{year}.yaml", "", "leaders_per_unit"),),
            ),
            *(
                (f"stated-{item.indicator}", f"Số do {item.stated_by} nêu", item.value, item.place, (item.cell,))
                for item in self.stated
            ),
            *(self._completeness(section) for section in dict.fromkeys(i.section for i in self.catalogue.reported)),
        ]
        named = [Count(f"{key}@{year}", name, Decimal(value), how, found) for key, name, value, how, found in made]
        return {count.key: count for count in named}

    def _completeness(self, section: str) -> tuple[str, str, int, str, tuple[Cell, ...]]:
        asked = [result for result in self._asked if result.indicator.section == section]
        files = dict.fromkeys(cell.file for result in asked for cell in result.sources)
        sources = tuple(Cell(file) for file in files)  # whether a cell is filled, not what is in it
        return f"completeness-{section}", f"Mức đầy đủ mục {section}", len(asked), "đếm ô trong các phiếu", sources

    def count(self, name: str) -> Count:
        """One of `counts` of this year, by the first part of its key."""
        return self.counts[f"{name}@{self.params.year}"]

    def change_of(self, code: str, scope: str = TOTAL) -> Change:
        """This year's result against last year's of the same land, or why that cannot be said."""
        now, thresholds = self.results[code, scope], self.params.thresholds
        last, obstacle = self._grounds.last_of(now.indicator, scope, self.last_results)
        return change(now, last, self.params.year - 1, thresholds, obstacle)

    def is_other_land(self, code: str) -> bool:
        """Whether the city's figure of last year is of another land or time, whatever it is."""
        return bool(self._grounds.last_of(self.results[code, TOTAL].indicator, TOTAL, self.last_results)[1])

    def interval_of(self, result: Result) -> Interval | None:
        """The confidence interval of a result, where chance has a part in it."""
        return interval(result, self.params.thresholds)
