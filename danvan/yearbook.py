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
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from matplotlib.figure import Figure

from danvan import formats, paper, pictures, tables, wording
from danvan.book import Book
from danvan.catalogue import Indicator
from danvan.disclosure import Edition, edition_named
from danvan.document import (
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
from danvan.intake.observations import Status
from danvan.intake.year import Year, sound_year
from danvan.measures import TOTAL
from danvan.number import Calendar, Number, UnitList
from danvan.outputs import Drawn, Shown, shown
from danvan.params import Reference
from danvan.paths import Project, find_project
from danvan.wording import Phrase

if TYPE_CHECKING:
    import pandas as pd  # costs half a second; only `frame` needs it


class UnknownNameError(DanvanError, AttributeError):
    """A name that the yearbook does not know; says the nearest one."""


class Yearbook(Book):
    """One year as an edition may see it. Indicators are attributes; Tab completes them."""

    def __init__(self, year: Year, edition: Edition) -> None:
        super().__init__(year, edition)
        self.year = Calendar(year.params.year)
        self.last_year = Calendar(self.year - 1)
        self.next_year = Calendar(self.year + 1)

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

    def frame(self, *codes: str, level: Literal["unit", "city", "total", "all"] = "unit") -> pd.DataFrame:
        """Tidy data of this year and last, for your own work: one row an indicator, scope and year.

        `value` is a float in `measured_in` (NaN where not known: see `status`); without codes: all indicators.
        `level`: the units alone (scope is a unit's name), the city offices, the whole city, or all of these.
        """
        import pandas as pd

        wanted = [self._indicator(code) for code in codes] or list(self.catalogue.indicators)
        scopes = {unit.id: (self.units.label(unit), "unit") for unit in self.units.districts}
        scopes |= {self.units.city.id: (self.units.city.name, "city"), TOTAL: ("Toàn thành phố", "total")}
        rows = [
            {
                "year": result.year,
                "scope": name,
                "level": of,
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
            for scope, (name, of) in scopes.items()
            if level in (of, "all") and (result := results.get((indicator.code, scope))) is not None
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
        return wording.join("; ", [wording.cite(r, self._format["dates"]["cited"]) for r in references])

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
        """How many leaders a unit has in charge of mass mobilisation: a rule of the params, not a result."""
        return self._counted("leaders")

    @property
    def confidence(self) -> Phrase:
        """'95%': of intervals and of tests of change."""
        return Phrase(f"{self.params.thresholds.confidence_percent}%")

    @property
    def population_concept(self) -> Phrase:
        """The kind of population figure behind rates, as a part of a sentence."""
        return Phrase(f"dân số {wording.lower_first(self.params.population_concept)}")

    def remark(self, section: str) -> Phrase:
        """The sentence of this year alone that params keep for a section, or nothing."""
        return Phrase(self.params.remarks.get(section, ""))

    @property
    def incomplete(self) -> UnitList:
        """The units whose return is missing."""
        return UnitList(self.missing, (), self.units)

    @property
    def units_count(self) -> Phrase:
        """How many units owe a return in this period."""
        return self._counted("units")

    @property
    def unit_kinds(self) -> Phrase:
        """'quận, huyện': what units are called; 'đơn vị' where the map changes within the year."""
        spans = self.units.spans
        return Phrase(wording.kinds(spans[0][2]) if len(spans) == 1 else "đơn vị")

    @property
    def commune_kinds(self) -> Phrase:
        """'xã, phường, thị trấn': what there is at the commune level on the last day."""
        return Phrase(wording.commune_kinds(self.units.at_end))

    @property
    def units_note(self) -> Phrase:
        """Who reports for which part of the year, where the map changes within it; else nothing."""
        spans = self.units.spans
        if len(spans) == 1:
            return Phrase("")
        parts = (
            f"{wording.number(len(units), padded=True)} {wording.kinds(units)} ({wording.span(first, last)})"
            for first, last, units in spans
        )
        count = self.count("units")
        return wording.enumerate_(parts) + Phrase("", (count.key,))

    @cached_property
    def _changes(self) -> Table | None:
        return tables.changes(self.lineage, self.body_versions, self.units, self.params.period)

    @property
    def changes_note(self) -> Phrase:
        """Whether units or bodies have changed in the year, in a sentence before the table of the changes."""
        if self._changes is None:
            return Phrase("Trong năm, các đơn vị báo cáo và hai cơ quan không thay đổi.")
        return Phrase(
            "Trong năm có những thay đổi dưới đây. Số liệu trước và sau thay đổi chỉ được so sánh khi cùng địa bàn và "
            "cùng độ dài kỳ."
        )

    @property
    def party_offices(self) -> Phrase:
        """The units' party bodies: 'ban dân vận quận ủy, huyện ủy'."""
        days = (last for _, last, _ in self.units.spans)
        return wording.enumerate_(dict.fromkeys(self.body_versions.plural("bdvtu", day) for day in days))

    def body(self, id: Literal["bdvtu", "catp"]) -> Phrase:
        """The city's body as it is called on the last day of the period: 'Ban Dân vận Thành ủy'."""
        return Phrase(self.body_versions.name(id, self.params.period.end))

    @property
    def missing_values(self) -> Phrase:
        """How many single figures are owed but not reported, or nothing."""
        return self._counted("gaps")

    @property
    def remarked(self) -> Phrase:
        """How many findings the checks left to look at, or nothing."""
        return self._counted("findings")

    @property
    def answered(self) -> Phrase:
        """How many of these the offices have answered, or nothing."""
        return self._counted("answered")

    @property
    def contradictions(self) -> Phrase:
        """How many stated figures compete with the returns, or nothing."""
        return self._counted("stated")

    def _counted(self, name: str) -> Phrase:
        """'03', or nothing for none."""
        count = self.count(name)
        return Phrase(wording.number(count.value, padded=True) if count.value else "", (count.key,))

    # ------------------------------------------------------------ blocks

    def title_block(self) -> Shown:
        """Heading block and title; carries what the document says about itself."""
        p = self.params
        head = self._format["head"]
        block = TitleBlock(
            heading=head["heading_text"],
            bodies=tuple(Body(body.superior.upper(), body.name.upper()) for body in p.bodies),
            number=formats.numbered(self._format, p.document.number, p.document.symbol),
            place_date=wording.in_form(p.document.date, head["place_date"]["form"], place=p.document.place),
            kind="BÁO CÁO",
            subject=self._subject(),
            motto=head["motto_text"],
        )
        title, marks = "<br>".join([block.kind, *block.subject]), " ".join(self.meta.marks)
        return Shown(block, f"<p><em>{escape(marks)}</em></p><h1>{title}</h1>", {"meta": to_json(self.meta)})

    @cached_property
    def _format(self) -> formats.Json:
        return formats.load(self.params.format_name)

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
            title="Báo cáo " + wording.lower_first(" ".join(self._subject())),
            year=int(self.year),
            edition=self.edition,
            profile=self.params.format_name,
            authors=tuple(body.name for body in self.params.bodies),
            marks=tuple(filter(None, self._marks())),
            illustrative=self.illustrative,
            date=day.isoformat() if day else None,
        )

    @property
    def illustrative(self) -> str:
        """What in this report is illustrative, in one sentence; '' when all is real."""
        if self.illustrative_city:
            return "Toàn bộ số liệu và nội dung trong báo cáo này là minh họa."
        parts = ["số liệu từng đơn vị"] * self.illustrative_units
        parts += [f"số liệu năm {self.last_year}"] * self.illustrative_last
        if not parts:
            return ""
        text = " và ".join(parts)
        return f"{text[0].upper()}{text[1:]} trong báo cáo này là số liệu minh họa."

    def _marks(self) -> Iterable[str]:
        yield "Dự thảo." if self.params.is_draft else ""
        yield "Lưu hành nội bộ." if self.edition == "internal" else ""
        yield f"Chưa đủ phiếu: thiếu {self.incomplete}." if self.missing else ""
        partial = (f"{self.units.label(unit)} mới đến {wording.short_date(until)}" for unit, until in self.partial)
        yield f"Số liệu chưa đủ kỳ: {', '.join(partial)}." if self.partial else ""
        yield self.illustrative

    def closing(self) -> Shown:
        """Signature blocks and distribution list."""
        p = self.params
        signatories = [Signatory(b.signs, b.rank, b.signatory, b.grammar) for b in reversed(p.bodies)]
        named = ((tuple(formats.archived(self._format, to) for to in r.to), r.purpose) for r in p.distribution)
        block = Closing(tuple(Recipient(to, purpose) for to, purpose in named), tuple(signatories))
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
        return Shown(block, f"<{tag}>{''.join(f'<li>{escape(text)}</li>' for text in items)}</{tag}>")

    # ------------------------------------------------------------ tables

    def table(self, *codes: str, caption: str, by: Literal["unit", "year"] = "unit") -> Shown:
        """A table of indicators: `by` unit (units down), or by year (indicators down, the whole city)."""
        indicators = [self._indicator(code) for code in codes]
        table_id = f"bang-{by}-{codes[0]}"
        last = self.last_results if self.has_last else None
        changes = {i.code: self.change_of(i.code) for i in indicators}
        mark = " (minh họa)" if self.illustrative_last else ""
        now_label, last_label = f"Năm {self.year}", f"Năm {self.last_year}{mark}"
        if by == "year":
            return shown(
                tables.by_year(table_id, caption, indicators, self.results, last, changes, now_label, last_label)
            )
        return shown(tables.by_unit(table_id, caption, indicators, self.units, self.results, last, changes, last_label))

    def annex(self, *sections: str, caption: str, level: Literal["unit", "city"] = "unit") -> Shown | None:
        """A table of the annex: all indicators of the sections, by unit, or those known for the whole city only.

        Nothing where the sections have no such indicator.
        """
        indicators = [i for i in self.catalogue.indicators if i.section in sections]
        chosen = [i.code for i in indicators if self._has_units(i) == (level == "unit")]
        if not chosen:
            return None
        return self.table(*chosen, caption=caption, by="unit" if level == "unit" else "year")

    def _has_units(self, indicator: Indicator) -> bool:
        """Whether this edition shows a figure of any district."""
        if indicator.numerator and self.catalogue.by_code[indicator.numerator].kind == "boolean":
            return False  # one unit is 0% or 100%
        return any(
            self.results[indicator.code, unit.id].status not in (Status.WITHHELD, Status.NOT_APPLICABLE)
            for unit in self.units.districts
        )

    def quality(self, what: Literal["completeness", "findings", "contradictions", "changes"]) -> Shown | None:
        """A table of the quality section; nothing where there is nothing to show."""
        if what == "changes":
            return shown(self._changes) if self._changes else None
        if what == "completeness":
            return shown(tables.completeness(self.catalogue, self.units, self.results, int(self.year)))
        if what == "findings":
            return shown(tables.findings(self.findings, self.catalogue)) if self.findings else None
        if not self.stated:
            return None
        return shown(tables.contradictions(self.stated, self.catalogue, self.results))

    # ------------------------------------------------------------ charts

    def chart(self, kind: pictures.Kind, *codes: str, question: str, **options: Any) -> Drawn | None:
        """A chart that answers `question` (its caption).

        bars: one indicator by unit, with the city figure · composition: a whole, then its parts · dumbbell: indicators,
        this year against last (nothing if none can be compared) · estimates: ratios of both years with their
        confidence intervals · funnel: a ratio by unit, by size, between the limits of chance · heat_map: how complete
        the returns are · matrix: Có/Không indicators by unit · slopes: one indicator by unit, last year to this ·
        steps: each a part of the one before · stock_flow: stock, new, removed · tile_map: one indicator on a map of
        squares.
        """
        indicators = [self._indicator(code) for code in codes]
        drawing = pictures.draw(self, kind, indicators, **options)
        if drawing is None:
            return None
        chart, keys = drawing
        name = "-".join((kind, *codes[:1])).replace("_", "-")
        return Drawn(chart.figure, name, question, chart.alt, keys, chart.table)

    def publish(self, fig: Figure, id: str, caption: str, alt: str, table: Sequence[Sequence[str]] = ()) -> Drawn:
        """A figure you drew, into the report: `id` names its file, `alt` tells it to those who cannot see it.

        `table`: the printed data behind it, the heads first; readers can unfold it.
        What is illustrative is noted in the figure itself; labels are fitted unless you chose a layout.
        """
        if self.illustrative and not fig.get_supxlabel():
            fig.supxlabel(self.illustrative, x=0.01, ha="left", fontsize=9, color="#595959")
        if fig.get_layout_engine() is None:
            fig.set_layout_engine("constrained")
        return Drawn(fig, id, caption, alt, table=table)

    @staticmethod
    def ticks(value: float, _: int | None = None) -> str:
        """Numbers along an axis, the Vietnamese way: `ax.xaxis.set_major_formatter(y.ticks)`."""
        return wording.number(Decimal(str(value)), 2)


def open_year(year: int | None = None, edition: str = "public") -> Yearbook:
    """Open a year as `edition` (public, internal) may see it; without a year, the latest that has returns.

    Raises ReturnsError if the returns have errors; a missing return alone only marks the totals.
    """
    project = find_project()
    paper.use_style()  # for what the analyst draws
    if year is None:
        year = project.latest_year()
    return open_year_of(project, year, edition)


def open_year_of(project: Project, year: int, edition: str, *, allow_incomplete: bool = True) -> Yearbook:
    """`open_year` in a given project folder; unless `allow_incomplete`, a missing return is an error, too."""
    seen_as = edition_named(edition)
    return Yearbook(sound_year(project, year, allow_incomplete=allow_incomplete), seen_as)
