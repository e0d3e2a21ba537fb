"""All years side by side: `t = open_trends(edition)`. The whole city; lines break where years cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from danvan import paper, plots, tables, wording
from danvan.book import Book
from danvan.catalogue import Indicator
from danvan.disclosure import edition_named
from danvan.document import Column, Meta, Table, TableCell, TableRow
from danvan.errors import SettingsError, nearest
from danvan.intake.year import Year, read_year
from danvan.measures import TOTAL, Result, to_date
from danvan.outputs import Drawn, Shown, plain_title, shown
from danvan.paths import Project, find_project
from danvan.series import KINDS, Series, load_series
from danvan.wording import Phrase

TITLE = "DIỄN BIẾN QUA CÁC NĂM"


class Trends:
    """The years that have returns, the first first; what is asked of units may have changed between them."""

    def __init__(self, books: Sequence[Book], series: Sequence[Series]) -> None:
        self.books, self.series = tuple(books), tuple(series)
        self.latest = self.books[-1]
        self.years = tuple(book.params.year for book in self.books)

    # ------------------------------------------------------------ words

    @property
    def span(self) -> Phrase:
        """'2022-2026'."""
        return Phrase(f"{self.years[0]}-{self.years[-1]}" if len(self.years) > 1 else str(self.years[0]))

    @property
    def programme(self) -> Phrase:
        """The joint programme with number and date."""
        return wording.cite(self.latest.params.programme)

    @property
    def programme_years(self) -> Phrase:
        """'2022-2026': the years of the programme that are there."""
        years = self._programme
        return Phrase(f"{years[0].params.year}-{years[-1].params.year}" if years else wording.NO_DATA)

    @property
    def missing_years(self) -> Phrase:
        """The years of the programme, up to the latest, that have no data; or nothing."""
        first, last = self.latest.params.programme.years
        lacking = [str(y) for y in range(first, min(last, self.years[-1]) + 1) if y not in self.years]
        return wording.enumerate_(lacking)

    @property
    def incomplete(self) -> Phrase:
        """' Chưa có số liệu năm 2024 của chương trình.', or nothing."""
        return " Chưa có số liệu năm " + self.missing_years + " của chương trình." if self.missing_years else Phrase("")

    @property
    def illustrative(self) -> str:
        """Which years are illustrative, in one sentence; '' when none is."""
        years = [str(book.params.year) for book in self.books if book.illustrative_city]
        return f"Số liệu năm {wording.enumerate_(years)} là số liệu minh họa." if years else ""

    @property
    def confidence(self) -> Phrase:
        """'95%': of the tests of change."""
        return Phrase(f"{self.latest.params.thresholds.confidence_percent}%")

    # ------------------------------------------------------------ blocks

    def title_block(self) -> Shown:
        """The title; carries what the document says about itself."""
        return plain_title(self.meta, TITLE, f"Công tác phối hợp dân vận, {self.span}")

    @property
    def meta(self) -> Meta:
        day = self.latest.params.document.date or self.latest.params.data_cutoff
        marks = ("Lưu hành nội bộ." if self.latest.edition == "internal" else "", self.illustrative)
        return Meta(
            title=f"Diễn biến công tác phối hợp dân vận, {self.span}",
            year=self.years[-1],
            edition=self.latest.edition,
            profile=self.latest.params.format_name,
            authors=tuple(body.name for body in self.latest.params.bodies),
            marks=tuple(filter(None, marks)),
            illustrative=self.illustrative,
            date=day.isoformat() if day else None,
        )

    def table(self, *codes: str, caption: str) -> Shown:
        """Indicators down, years across, then what has come about since the programme began."""
        columns = [Column("Đơn vị tính", align="left")]
        columns += [Column(f"Năm {b.params.year}" + " (minh họa)" * b.illustrative_city) for b in self.books]
        columns.append(Column(f"Từ đầu chương trình ({self.programme_years})"))
        rows = []
        for indicator in map(self._indicator, codes):
            cells = [TableCell(indicator.measured_in, "text")]
            cells += [self._cell(book.results.get((indicator.code, TOTAL))) for book in self.books]
            rows.append(TableRow(indicator.name, (*cells, self._to_date_cell(indicator))))
        notes = (tables.LEGEND, "Số cuối kỳ (*) không cộng qua các năm: cột cuối ghi số của năm cuối.")
        return shown(Table(f"bang-{codes[0]}", caption, "Chỉ tiêu", tuple(columns), tuple(rows), notes))

    def breaks(self) -> Shown | None:
        """Why years cannot be compared: each pair of years, each reason, how many indicators; nothing if all can."""
        rows = []
        for book in self.books[1:]:
            reasons: dict[str, list[Indicator]] = {}
            for indicator in book.catalogue.indicators:
                compared = book.change_of(indicator.code)
                if compared.way == "incomparable":
                    reasons.setdefault(compared.reason, []).append(indicator)
            for reason, of in reasons.items():
                names = of[0].name if len(of) == 1 else f"{wording.number(len(of))} chỉ tiêu"
                years = f"{book.params.year - 1} và {book.params.year}"
                rows.append(TableRow(years, (TableCell(names, "text"), TableCell(reason, "text"))))
        columns = (Column("Chỉ tiêu", align="left"), Column("Vì sao không so sánh được", align="left"))
        table = Table("khong-so-sanh", "Những chỗ không so sánh được giữa hai năm", "Hai năm", columns, tuple(rows))
        return shown(table) if rows else None

    def context(self) -> Shown | None:
        """Peers and targets beside our figures; nothing where there are none."""
        rows = []
        for one in self.series:
            indicator = self._indicator(one.indicator)
            cells = [TableCell(f"{KINDS[one.kind]}: {one.label}", "text")]
            for year in self.years:
                value = one.values.get(year)
                known = value is not None
                text = wording.measured(value, indicator) if value is not None else "–"
                cells.append(TableCell(text, "text" if known else "not_applicable"))
            rows.append(TableRow(indicator.name, (*cells, TableCell(one.source, "text"))))
        columns = [Column("Số tham chiếu", align="left"), *(Column(f"Năm {year}") for year in self.years)]
        columns.append(Column("Nguồn", align="left"))
        table = Table("tham-chieu", "Số liệu tham chiếu, chỉ để đối chiếu", "Chỉ tiêu", tuple(columns), tuple(rows))
        return shown(table) if rows else None

    def chart(self, *codes: str, question: str) -> Drawn:
        """A small line chart an indicator over all years, broken where two years cannot be compared."""
        panels, keys = [], []
        for indicator in map(self._indicator, codes):
            results = [book.results.get((indicator.code, TOTAL)) for book in self.books]
            panels.append(self._panel(indicator, results))
            keys += [result.key for result in results if result]
        chart = plots.small_multiples(panels, mark=self.illustrative)
        name = f"nhieu-nam-{codes[0].replace('_', '-')}"
        return Drawn(chart.figure, name, question, chart.alt, keys, chart.table)

    # ------------------------------------------------------------ behind

    def _panel(self, indicator: Indicator, results: Sequence[Result | None]) -> plots.Panel:
        moments, breaks = [], {}
        for number, (book, result) in enumerate(zip(self.books, results, strict=True)):
            text = self._cell(result).text
            known = None if result is None or result.value is None else float(result.value)
            hollow = result is not None and result.provenance == "illustrative"
            moments.append(plots.Moment(str(book.params.year), known, text, hollow))
            if number and result is not None:
                compared = book.change_of(indicator.code)
                both = known is not None and moments[-2].value is not None
                if both and (compared.way == "incomparable" or self.years[number - 1] != self.years[number] - 1):
                    breaks[number] = compared.reason
        context = tuple(
            (one.label, tuple(float(one.values[y]) if y in one.values else None for y in self.years), one.source)
            for one in self.series
            if one.indicator == indicator.code
        )
        return plots.Panel(indicator.name, indicator.measured_in, tuple(moments), breaks, context)

    @property
    def _programme(self) -> tuple[Book, ...]:
        first, last = self.latest.params.programme.years
        return tuple(book for book in self.books if first <= book.params.year <= last)

    def to_date(self, code: str) -> Result | None:
        """What has come about since the programme began; None where a year of it has no such figure."""
        results = [book.results.get((code, TOTAL)) for book in self._programme]
        known = [result for result in results if result is not None]
        return to_date(known) if known and len(known) == len(results) and not self.missing_years else None

    def results(self) -> Iterator[Result]:
        """Every result that may be printed, for the trace."""
        for book in self.books:
            yield from (result for (_, scope), result in book.results.items() if scope == TOTAL)
        yield from filter(None, map(self.to_date, self.latest.catalogue.by_code))

    def _to_date_cell(self, indicator: Indicator) -> TableCell:
        result = self.to_date(indicator.code)
        if result is None:
            return TableCell("chưa đủ năm", "missing")
        if indicator.kind == "boolean":
            return TableCell("–", "not_applicable")  # the same units each year, and not the same
        cell = tables.cell(result)
        return replace(cell, text=f"{cell.text} (*)") if indicator.time == "stock" else cell

    @staticmethod
    def _cell(result: Result | None) -> TableCell:
        if result is None:
            return TableCell("chưa có", "missing")
        cell = tables.cell(result)
        if result.indicator.kind == "boolean" and result.value is not None:
            return replace(cell, text=f"{cell.text.split(' ')[0]}/{wording.number(result.reported)}")
        return cell

    def _indicator(self, code: str) -> Indicator:
        known = self.latest.catalogue.by_code
        if code not in known:
            raise SettingsError(f"Không có chỉ tiêu “{code}”.{nearest(code, known)}")
        return known[code]


def open_trends(edition: str = "public") -> Trends:
    """Open all years that have returns, as `edition` (public, internal) may see them.

    Raises ReturnsError if the returns of a year have errors; a missing return alone only marks the totals.
    """
    paper.use_style()  # for what the analyst draws
    return open_trends_of(find_project(), edition)


def open_trends_of(project: Project, edition: str) -> Trends:
    """`open_trends` in a given project folder."""
    seen_as = edition_named(edition)
    years = [year for year in project.years_with_returns() if project.params(year).is_file()]
    if not years:
        raise SettingsError("Chưa có năm nào có cả params và phiếu. Hãy chạy: build.py new-year NĂM")
    books: list[Book] = []
    last: Year | None = None
    for number in years:  # each is read once, and is the last of the next
        read = read_year(project, number, with_last=False)
        read.require_sound(allow_incomplete=True)
        read = replace(read, last=last if last and last.params.year == number - 1 else None)
        books.append(Book(read, seen_as))
        last = replace(read, last=None)
    indicators = frozenset(code for book in books for code in book.catalogue.by_code)
    return Trends(books, load_series(project, indicators))
