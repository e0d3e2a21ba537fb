"""The one object a notebook opens: `y = open_year(year, edition)`.

In prose `y.tips_received` prints the figure, `.change` compares it with last year, `.share` gives its part of a whole;
`y.table`, `y.chart` and `y.annex` show it; `y.frame` hands it to pandas; `y.publish` takes a figure an analyst drew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from danvan import charts, tables, wording
from danvan.catalogue import Catalogue, Indicator
from danvan.disclosure import EDITIONS, Edition, withhold, withhold_findings
from danvan.document import (
    BLOCK_MIME,
    Block,
    Body,
    Closing,
    ListBlock,
    Meta,
    Paragraph,
    Recipient,
    Signatory,
    Table,
    Text,
    TitleBlock,
    to_json,
)
from danvan.errors import DanvanError, SettingsError, nearest
from danvan.intake.returns import Status
from danvan.intake.year import Year, last_year, read_year
from danvan.measures import TOTAL, Change, Result, Results, change, compute
from danvan.params import Reference, YearParams
from danvan.paths import Project, find_project
from danvan.units import Unit, Units
from danvan.wording import Phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ChartKind = Literal["bars", "composition", "dumbbell", "funnel", "matrix", "stock_flow"]


class UnknownNameError(DanvanError, AttributeError):
    """A name that the yearbook does not know; says the nearest one."""


class Calendar(int):
    """A year as printed: 2023, never 2.023."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return Phrase(str(int(self)))._repr_mimebundle_()


class Shown:
    """A block of the document as a notebook output: data for the writers, HTML for JupyterLab."""

    def __init__(self, block: Block, html: str = "", metadata: dict[str, Any] | None = None) -> None:
        self.block, self.html, self.metadata = block, html, metadata or {}

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        plain = f"[{type(self.block).__name__}]"
        return {BLOCK_MIME: to_json(self.block), "text/html": self.html or plain, "text/plain": plain}, {
            BLOCK_MIME: self.metadata
        }


class Drawn:
    """A chart as a notebook output: SVG for the report, PNG beside it, with id, caption and alternative text."""

    def __init__(self, figure: Figure, id: str, caption: str, alt: str, results: Iterable[str] = ()) -> None:
        if not (id and caption.strip() and alt.strip()):
            raise SettingsError("Biểu đồ phải có id, caption (câu hỏi biểu đồ trả lời) và alt (lời mô tả).")
        self.figure, self.id, self.caption, self.alt, self.results = figure, id, caption, alt, list(results)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        about = {"id": self.id, "caption": self.caption, "alt": self.alt, "results": self.results}
        return {
            "image/svg+xml": charts.to_svg(self.figure, self.id),
            "image/png": charts.to_png(self.figure),
            "text/plain": self.caption,
        }, {"image/svg+xml": about, "image/png": {"width": 600}}


class UnitList(Phrase):
    """Names of units, 'Đồ Sơn, Kiến Thụy'; `.offices` are their commissions, `.full` the units with their kind."""

    def __init__(self, units: Sequence[Unit], results: tuple[str, ...]) -> None:
        super().__init__(", ".join(unit.name for unit in units), results)
        object.__setattr__(self, "units", tuple(units))

    units: tuple[Unit, ...]

    @property
    def offices(self) -> Phrase:
        """'Ban Dân vận Huyện ủy Bạch Long Vĩ'."""
        return Phrase(", ".join(unit.party_office for unit in self.units), self.results)

    @property
    def full(self) -> Phrase:
        """'quận Đồ Sơn, huyện Kiến Thụy'."""
        names = (unit.full_name for unit in self.units)
        return Phrase(", ".join(name[0].lower() + name[1:] for name in names), self.results)

    def __len__(self) -> int:
        return len(self.units)


class Number:
    """A figure of the yearbook, for the whole city or, by `.at(name)`, for one unit."""

    def __init__(self, book: Yearbook, indicator: Indicator, scope: str) -> None:
        self._book, self._indicator, self._scope = book, indicator, scope

    @property
    def result(self) -> Result:
        return self._book.results[self._indicator.code, self._scope]

    @property
    def value(self) -> Decimal | None:
        """The number itself, for calculations of your own; None where it is not known."""
        return self.result.value

    @property
    def text(self) -> Phrase:
        """As it stands in prose: '4.342', 'hơn 16', '02', '85,4%'."""
        phrase = wording.in_prose(self.result)
        if self._scope != TOTAL and self.result.provenance == "illustrative":
            return phrase + f" ({wording.ILLUSTRATIVE})"
        return phrase

    @property
    def change(self) -> Phrase:
        """'tăng 5,2% so với năm 2022', 'không so sánh được với năm 2022 do ...'."""
        return wording.of_change(self._book.change_of(self._indicator.code, self._scope), self._book.last_year)

    @property
    def last(self) -> Phrase:
        """Last year's figure; says so where it is illustrative."""
        result = self._book.last_results.get((self._indicator.code, self._scope))
        if result is None:
            return Phrase(wording.NO_DATA)
        mark = f" ({wording.ILLUSTRATIVE})" if result.provenance == "illustrative" else ""
        return wording.in_prose(result) + mark

    @property
    def share(self) -> Phrase:
        """Its percentage of the whole that the catalogue names (`part_of`), or of all units (Có/Không): '91,3%'."""
        whole = self._indicator.part_of
        if self._indicator.kind == "boolean" and self.value is not None and self.result.reported:
            share = self.value / self.result.reported * 100
            return Phrase(wording.percent(share) + wording.coverage(self.result), (self.result.key,))
        if whole is None:
            raise SettingsError(f"“{self._indicator.code}” không phải một phần của chỉ tiêu nào (thiếu part_of).")
        over = self._book.results[whole, self._scope]
        keys = (self.result.key, over.key)
        if self.result.value is None or not over.value:
            return Phrase(wording.NO_DATA, keys)
        return Phrase(wording.percent(self.result.value / over.value * 100), keys)

    @property
    def pair(self) -> Phrase:
        """Numerator and denominator of a ratio: '502/588'."""
        if self._indicator.kind != "ratio":
            raise SettingsError(f"“{self._indicator.code}” không phải tỷ lệ nên không có tử số và mẫu số.")
        return wording.pair(self.result)

    @property
    def measured_in(self) -> Phrase:
        """'tin', 'kg', 'tin/10.000 dân'."""
        return Phrase(self._indicator.measured_in)

    @property
    def yes(self) -> UnitList:
        """The units that said Có."""
        return self._said(1)

    @property
    def no(self) -> UnitList:
        """The units that said Không."""
        return self._said(0)

    @property
    def stated(self) -> Phrase:
        """The competing figure that a body stated apart from the returns, or nothing."""
        texts = [
            wording.with_bound(wording.measured(s.value, self._indicator, padded=True), s.bound)
            for s in self._book.stated
            if s.indicator == self._indicator.code
        ]
        return Phrase(", ".join(texts), (self.result.key,) if texts else ())

    def at(self, unit: str) -> Number:
        """The same figure of one unit."""
        try:
            return Number(self._book, self._indicator, self._book.units.resolve(unit).id)
        except LookupError as error:
            raise SettingsError(f"Không nhận ra đơn vị: {error}") from None

    def _said(self, answer: int) -> UnitList:
        if self._indicator.kind != "boolean":
            raise SettingsError(f"“{self._indicator.code}” không phải chỉ tiêu Có/Không.")
        of = {unit: self._book.results[self._indicator.code, unit.id] for unit in self._book.units.districts}
        units = [unit for unit, result in of.items() if result.value == answer]
        return UnitList(units, tuple(of[unit].key for unit in units))

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return str(self.text)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    @property
    def results(self) -> tuple[str, ...]:
        return self.text.results

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self.text._repr_mimebundle_()

    def __sub__(self, other: Number) -> Phrase:
        """The difference of two figures, printed in this one's format."""
        if self.value is None or other.value is None:
            return Phrase(wording.NO_DATA, (*self.results, *other.results))
        text = wording.measured(self.value - other.value, self._indicator, padded=True)
        return Phrase(text, (*self.results, *other.results))

    def __dir__(self) -> list[str]:
        return ["at", "change", "last", "measured_in", "no", "pair", "share", "stated", "text", "value", "yes"]


class Yearbook:
    """One year as an edition may see it. Indicators are attributes; Tab completes them."""

    def __init__(self, year: Year, last: Year | None, edition: Edition) -> None:
        self.params: YearParams = year.params
        self.catalogue: Catalogue = year.catalogue
        self.units: Units = year.units
        self.edition = edition
        self.year = Calendar(year.params.year)
        self.last_year = Calendar(self.year - 1)
        self.next_year = Calendar(self.year + 1)
        self.missing = year.missing
        self.stated = year.stated
        self.findings = withhold_findings(year.findings, year.catalogue, edition)
        self.results: Results = withhold(compute(year), edition)
        self.last_results: Results = withhold(compute(last), edition) if last else {}
        self.has_last = last is not None
        self._illustrative = (year.illustrative_city, year.illustrative_units, _illustrative(last))

    # ------------------------------------------------------------ figures

    def __getattr__(self, name: str) -> Number:
        if name.startswith("_") or "catalogue" not in self.__dict__:
            raise AttributeError(name)
        if indicator := self.catalogue.by_code.get(name):
            return Number(self, indicator, TOTAL)
        raise UnknownNameError(f"Không có tên “{name}”.{nearest(name, dir(self))}")

    def __dir__(self) -> list[str]:
        own = [name for name in object.__dir__(self) if not name.startswith("_")]
        return sorted({*own, *self.catalogue.by_code})

    def change_of(self, code: str, scope: str = TOTAL) -> Change:
        """This year's result against last year's."""
        last = self.last_results.get((code, scope))
        return change(self.results[code, scope], last, self.last_year, self.params.thresholds.small_count)

    def frame(self, *codes: str) -> pd.DataFrame:
        """Tidy data of this year and last, for your own work: one row an indicator, scope and year.

        `value` is a float in `measured_in` (NaN where not known: see `status`); scope is a unit's name,
        'Khối thành phố' or 'Toàn thành phố'. Without codes: all indicators.
        """
        wanted = [self._indicator(code) for code in codes] or list(self.catalogue.indicators)
        label = {unit.id: unit.name for unit in self.units.all} | {TOTAL: "Toàn thành phố"}
        rows = [
            {
                "year": result.year,
                "scope": label[scope],
                "indicator": indicator.code,
                "name": indicator.name,
                "measured_in": indicator.measured_in,
                "value": None if result.value is None else float(result.value),
                "text": wording.in_table(result),
                "status": result.status.value,
                "illustrative": result.provenance == "illustrative",
            }
            for results in (self.results, self.last_results)
            for indicator in wanted
            for scope in label
            if (result := results.get((indicator.code, scope))) is not None
        ]
        return pd.DataFrame(rows).astype({"value": "float64"})

    def _indicator(self, code: str) -> Indicator:
        if code not in self.catalogue.by_code:
            raise UnknownNameError(f"Không có chỉ tiêu “{code}”.{nearest(code, self.catalogue.by_code)}")
        return self.catalogue.by_code[code]

    # ------------------------------------------------------------ words

    def say(self, template: str, *values: object, otherwise: str = "") -> Phrase:
        """`template` with each {} filled in; `otherwise` if any value is empty (no such unit, no such figure)."""
        if not all(values):
            return Phrase(otherwise)
        pieces = template.split("{}")
        if len(pieces) != len(values) + 1:
            raise SettingsError(f"“{template}” có {len(pieces) - 1} chỗ {{}} nhưng có {len(values)} giá trị.")
        return wording.join("", [part for pair in zip(pieces, (*values, ""), strict=True) for part in pair])

    def cite(self, reference: Reference | Sequence[Reference] | None) -> Phrase:
        """A document with number, date, issuer and subject; several are separated by semicolons, none is nothing."""
        references = [reference] if isinstance(reference, Reference) else reference or ()
        return wording.join("; ", [wording.cite(r) for r in references])

    def listed(self, texts: Sequence[str], quoted: bool = False) -> Phrase:
        """Texts of params as a list in a sentence: 'a, b và c'; `quoted`: “a”, “b” và “c”."""
        return wording.enumerate_(f"“{text}”" if quoted else text for text in texts)

    def fmt(self, value: Decimal | float, decimals: int = 0, of: Sequence[Number | Phrase] = ()) -> Phrase:
        """A number you computed, in Vietnamese format; `of`: the figures it comes from, for the trace."""
        keys = tuple(key for number in of for key in number.results)
        return Phrase(wording.number(Decimal(str(value)), decimals), keys)

    @property
    def bodies(self) -> Phrase:
        """The issuing bodies: 'Ban Dân vận Thành ủy và Công an thành phố'."""
        return wording.enumerate_(body.name for body in self.params.bodies)

    @property
    def programme_years(self) -> Phrase:
        """'2022-2026'."""
        return Phrase("{}-{}".format(*self.params.programme.years))

    @property
    def leaders_per_unit(self) -> Phrase:
        return Phrase(wording.number(self.params.leaders_per_unit, padded=True))

    def remark(self, section: str) -> Phrase:
        """The sentence of this year alone that params keep for a section, or nothing."""
        return Phrase(self.params.remarks.get(section, ""))

    @property
    def incomplete(self) -> UnitList:
        """The units whose return is missing."""
        return UnitList(self.missing, ())

    @property
    def units_count(self) -> Phrase:
        """How many districts owe a return in this period."""
        return Phrase(wording.number(len(self.units.districts), padded=True))

    @property
    def missing_values(self) -> Phrase:
        """How many single figures are owed but not reported."""
        return Phrase(wording.number(sum(r.status is Status.NOT_REPORTED for r in self._owed()), padded=True))

    @property
    def remarked(self) -> Phrase:
        """How many findings the checks left to look at."""
        return Phrase(wording.number(len(self.findings), padded=True))

    @property
    def contradictions(self) -> Phrase:
        """How many stated figures compete with the returns, or nothing."""
        return Phrase(wording.number(len(self.stated), padded=True) if self.stated else "")

    def _owed(self) -> list[Result]:
        return [
            self.results[i.code, unit.id]
            for i in self.catalogue.reported
            for unit in self.units.all
            if unit.owes(i) == "owed"
        ]

    # ------------------------------------------------------------ blocks

    def title_block(self) -> Shown:
        """Heading block and title; carries what the document says about itself."""
        p = self.params
        number = p.document.number or f"......-{p.document.symbol}"
        block = TitleBlock(
            heading="ĐẢNG CỘNG SẢN VIỆT NAM",
            bodies=tuple(Body(body.superior.upper(), body.name.upper()) for body in p.bodies),
            number=f"Số {number}",
            place_date=f"{p.document.place}, {wording.long_date(p.document.date)}",
            kind="BÁO CÁO",
            subject=self._subject(),
        )
        html = "<br>".join([block.kind, *block.subject])
        return Shown(block, f"<h1>{html}</h1>", {"meta": to_json(self.meta)})

    def _subject(self) -> tuple[str, ...]:
        return (
            f"Kết quả phối hợp thực hiện công tác dân vận năm {self.year};",
            f"nhiệm vụ trọng tâm năm {self.next_year}",
        )

    @property
    def meta(self) -> Meta:
        day = self.params.document.date or self.params.data_cutoff
        epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
        if epoch.isdigit():
            day = datetime.fromtimestamp(int(epoch), UTC).date()
        return Meta(
            title="Báo cáo " + " ".join(self._subject())[0].lower() + " ".join(self._subject())[1:],
            year=int(self.year),
            edition=self.edition,
            profile=self.params.format_profile,
            authors=tuple(body.name for body in self.params.bodies),
            marks=tuple(filter(None, self._marks())),
            illustrative=self.illustrative,
            date=day.isoformat() if day else None,
        )

    @property
    def illustrative(self) -> str:
        """What in this report is illustrative, in one sentence; '' when all is real."""
        city, units, last = self._illustrative
        if city:
            return "Toàn bộ số liệu trong báo cáo này là số liệu minh họa."
        parts = ["số liệu từng đơn vị"] * units + [f"số liệu năm {self.last_year}"] * last
        if not parts:
            return ""
        text = " và ".join(parts)
        return f"{text[0].upper()}{text[1:]} trong báo cáo này là số liệu minh họa."

    def _marks(self) -> Iterable[str]:
        yield "Dự thảo." if self.params.is_draft else ""
        yield "Lưu hành nội bộ." if self.edition == "internal" else ""
        yield f"Chưa đủ phiếu: thiếu {self.incomplete}." if self.missing else ""
        yield self.illustrative

    def closing(self) -> Shown:
        """Signature blocks and distribution list."""
        p = self.params
        signatories = [Signatory(b.signs, b.rank, b.signatory, b.grammar) for b in reversed(p.bodies)]
        block = Closing(tuple(Recipient(r.to, r.purpose) for r in p.distribution), tuple(signatories))
        return Shown(block, "<p><i>Nơi nhận; chữ ký</i></p>")

    def tasks(self) -> Shown:
        """The numbered tasks of next year, with the documents they rest on."""
        items = []
        for task in self.params.tasks:
            text = task.text + (": " + str(self.cite(task.documents)) + "." if task.documents else "")
            items.append(text)
        items[-1] = items[-1].removesuffix(".") + "./."  # the last sentence of an official document
        return self._texts(items, ordered=True)

    def limitations(self) -> Shown:
        """The year's limitations, one an item."""
        return self._texts(self.params.limitations, ordered=False)

    @staticmethod
    def _texts(items: Sequence[str], ordered: bool) -> Shown:
        block = ListBlock(ordered, tuple((Paragraph((Text(text),)),) for text in items))
        tag = "ol" if ordered else "ul"
        return Shown(block, f"<{tag}>{''.join(f'<li>{text}</li>' for text in items)}</{tag}>")

    # ------------------------------------------------------------ tables

    def table(self, *codes: str, caption: str, by: Literal["unit", "year"] = "unit") -> Shown:
        """A table of indicators: `by` unit (units down), or by year (indicators down, the whole city)."""
        indicators = [self._indicator(code) for code in codes]
        table_id = f"bang-{by}-{codes[0]}"
        last = self.last_results if self.has_last else None
        changes = {i.code: self.change_of(i.code) for i in indicators}
        mark = " (minh họa)" if self._illustrative[2] else ""
        now_label, last_label = f"Năm {self.year}", f"Năm {self.last_year}{mark}"
        if by == "year":
            return self._shown(
                tables.by_year(table_id, caption, indicators, self.results, last, changes, now_label, last_label)
            )
        return self._shown(
            tables.by_unit(table_id, caption, indicators, self.units, self.results, last, changes, last_label)
        )

    def annex(self, *sections: str, caption: str, level: Literal["unit", "city"] = "unit") -> Shown:
        """A table of the annex: all indicators of the sections, by unit, or those known for the whole city only."""
        indicators = [i for i in self.catalogue.indicators if i.section in sections]
        by_unit = [i for i in indicators if self._has_units(i)]
        if level == "unit":
            return self.table(*(i.code for i in by_unit), caption=caption)
        return self.table(*(i.code for i in indicators if i not in by_unit), caption=caption, by="year")

    def _has_units(self, indicator: Indicator) -> bool:
        """Whether this edition shows a figure of any district."""
        return any(
            self.results[indicator.code, unit.id].status not in (Status.WITHHELD, Status.NOT_APPLICABLE)
            for unit in self.units.districts
        )

    def quality(self, what: Literal["completeness", "findings", "contradictions"]) -> Shown | None:
        """A table of the quality section; nothing where there is nothing to show."""
        if what == "completeness":
            return self._shown(tables.completeness(self.catalogue, self.units, self.results))
        if what == "findings":
            return self._shown(tables.findings(self.findings, self.catalogue)) if self.findings else None
        if not self.stated:
            return None
        return self._shown(tables.contradictions(self.stated, self.catalogue, self.results))

    @staticmethod
    def _shown(table: Table) -> Shown:
        return Shown(table, tables.to_html(table))

    # ------------------------------------------------------------ charts

    def chart(self, kind: ChartKind, *codes: str, question: str, **options: Any) -> Drawn:
        """A chart that answers `question` (its caption).

        bars: one indicator by unit, with the city figure · composition: a whole, then its parts · dumbbell: indicators,
        this year against last · funnel: steps, each a part of the one before · matrix: Có/Không indicators by unit ·
        stock_flow: stock, new, removed.
        """
        indicators = [self._indicator(code) for code in codes]
        chart, keys = getattr(self, f"_{kind}")(indicators, **options)
        return Drawn(chart.figure, f"{kind.replace('_', '-')}-{codes[0].replace('_', '-')}", question, chart.alt, keys)

    def publish(self, fig: Figure, id: str, caption: str, alt: str) -> Drawn:
        """A figure you drew, into the report: `id` names its file, `alt` tells it to those who cannot see it."""
        return Drawn(fig, id, caption, alt)

    def _total(self, indicator: Indicator) -> Result:
        return self.results[indicator.code, TOTAL]

    @cached_property
    def _unit_mark(self) -> str:
        return "Số liệu từng đơn vị là số liệu minh họa." if self._illustrative[1] else self._city_mark

    @cached_property
    def _city_mark(self) -> str:
        return "Số liệu minh họa." if self._illustrative[0] else ""

    @cached_property
    def _last_mark(self) -> str:
        if self._illustrative[0]:
            return self._city_mark
        return f"Số liệu năm {self.last_year} là số liệu minh họa." if self._illustrative[2] else ""

    def _bar(self, result: Result, label: str, mark: bool = False) -> charts.Bar:
        text = wording.in_table(result)
        if result.status is Status.NOT_APPLICABLE:
            text = "không áp dụng"
        return charts.Bar(label, None if result.value is None else float(result.value), text, mark)

    def _bars(self, indicators: list[Indicator]) -> tuple[charts.Chart, list[str]]:
        (indicator,) = indicators
        of = [(unit, self.results[indicator.code, unit.id]) for unit in self.units.districts]
        bars = [self._bar(result, unit.name) for unit, result in of]
        ratio = indicator.kind == "ratio"  # a city total beside units would dwarf them
        reference = self._bar(self._total(indicator), "Toàn thành phố") if ratio else None
        measure = f"{indicator.name} ({indicator.measured_in})"
        chart = charts.bars(bars, reference, measure, indicator.direction != "neutral", mark=self._unit_mark)
        return chart, [*(result.key for _, result in of), self._total(indicator).key]

    def _funnel(self, indicators: list[Indicator]) -> tuple[charts.Chart, list[str]]:
        results = [self._total(i) for i in indicators]
        steps = []
        for before, result in zip([None, *results], results, strict=False):
            share = ""
            if before and before.value and result.value is not None:
                share = f"{wording.percent(result.value / before.value * 100)} của “{before.indicator.name}”"
            text = f"{wording.in_table(result)} {result.indicator.measured_in}"
            steps.append(charts.Step(result.indicator.name, float(result.value or 0), text, share))
        return charts.funnel(steps, mark=self._city_mark), [r.key for r in results]

    def _composition(self, indicators: list[Indicator], rest: str = "Lĩnh vực khác") -> tuple[charts.Chart, list[str]]:
        results = [self._total(i) for i in indicators]
        whole, *parts = [r.value or Decimal(0) for r in results]
        values = [*parts, whole - sum(parts)]
        labels = [*(i.name for i in indicators[1:]), rest]
        bars = [
            charts.Bar(label, float(v), f"{wording.number(v)} ({wording.percent(v / whole * 100)})")
            for label, v in zip(labels, values, strict=True)
            if whole
        ]
        text = f"{indicators[0].name}: {wording.in_table(results[0])} {indicators[0].measured_in}"
        return charts.composition(bars, text, mark=self._city_mark), [r.key for r in results]

    def _stock_flow(self, indicators: list[Indicator]) -> tuple[charts.Chart, list[str]]:
        stock, new, removed = (self._total(i) for i in indicators)
        before = self.last_results.get((stock.indicator.code, TOTAL))
        start = charts.Bar(f"Cuối năm {self.last_year}", None, "chưa có số liệu")
        if before:
            start = self._bar(before, f"Cuối năm {self.last_year}")
        end = self._bar(stock, f"Cuối năm {self.year}")
        flows = [self._bar(new, new.indicator.name)], [self._bar(removed, removed.indicator.name)]
        keys = [r.key for r in (before, new, removed, stock) if r]
        return charts.stock_flow(start, *flows, end, mark=self._last_mark), keys

    def _dumbbell(self, indicators: list[Indicator]) -> tuple[charts.Chart, list[str]]:
        pairs, keys = [], []
        for indicator in indicators:
            compared = self.change_of(indicator.code)
            fair = compared.way != "incomparable" and compared.last is not None and bool(compared.last.value)
            last = compared.last if fair else None
            pairs.append(
                charts.Pair(
                    indicator.name,
                    float(last.value) if last and last.value else None,
                    float(compared.now.value) if fair and compared.now.value is not None else None,
                    wording.in_table(compared.last) if compared.last else "chưa có",
                    wording.in_table(compared.now),
                    wording.change_in_table(compared),
                )
            )
            keys += [r.key for r in (compared.now, compared.last) if r]
        return charts.dumbbell(pairs, f"Năm {self.last_year}", f"Năm {self.year}", mark=self._last_mark), keys

    def _matrix(self, indicators: list[Indicator]) -> tuple[charts.Chart, list[str]]:
        words = {Status.NOT_REPORTED: "missing", Status.NOT_APPLICABLE: "not_applicable", Status.WITHHELD: "missing"}
        rows, keys = [], []
        for unit in self.units.districts:
            results = [self.results[i.code, unit.id] for i in indicators]
            states = tuple(words.get(r.status, "yes" if r.value else "no") for r in results)
            rows.append(charts.State(unit.name, states))
            keys += [r.key for r in results]
        return charts.matrix(rows, [i.name for i in indicators], mark=self._unit_mark), keys


def open_year(year: int | None = None, edition: str = "public") -> Yearbook:
    """Open a year as `edition` (public, internal) may see it; without a year, the latest that has returns.

    Raises ReturnsError if the returns have errors; a missing return alone only marks the totals.
    """
    project = find_project()
    if year is None:
        year = latest_year(project)
    return open_year_of(project, year, edition)


def open_year_of(project: Project, year: int, edition: str) -> Yearbook:
    """`open_year` in a given project folder."""
    if edition not in EDITIONS:
        raise SettingsError(f"Không có ấn bản “{edition}”; chỉ có: {', '.join(EDITIONS)}.")
    read = read_year(project, year)
    read.require_sound(allow_incomplete=True)
    last = last_year(project, year)
    if last is not None:
        last.require_sound(allow_incomplete=True)
    return Yearbook(read, last, "internal" if edition == "internal" else "public")


def latest_year(project: Project) -> int:
    """The latest year that has returns; raises SettingsError if none has."""
    years = project.years_with_returns()
    if not years:
        raise SettingsError("Chưa có phiếu nào trong data/<năm>/returns. Hãy đặt phiếu của các đơn vị vào đó.")
    return years[-1]


def _illustrative(last: Year | None) -> bool:
    return bool(last and (last.illustrative_city or last.illustrative_units))
