"""How one year's report is set: the typed reading of params/YEAR.yaml."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal

from pydantic import Field, model_validator

from danvan import formats
from danvan.errors import SettingsError
from danvan.loading import Place, Strict, load_yaml
from danvan.paths import Project


class Period(Strict):
    start: dt.date
    end: dt.date


class Reference(Strict):
    """A document that the report cites. Blank parts stay out of the citation."""

    kind: str
    number: str | None = None
    date: dt.date | None = None
    issuer: str | None = None
    subject: str | None = None


class Programme(Reference):
    years: tuple[int, int]


class DocumentData(Strict):
    """The report's own number and date; null while it is a draft. `symbol` stands behind the number."""

    number: str | None
    date: dt.date | None
    place: str
    symbol: str


class Body(Strict):
    """An issuing body and its signatory; `name` of the signatory is blank by default (personal data)."""

    id: Literal["bdvtu", "catp"]
    name: str
    superior: str
    signs: tuple[str, ...]
    grammar: Literal["party", "state"]
    rank: str = ""
    signatory: str = ""


class Inspection(Strict):
    plan: Reference | None
    results: tuple[Reference, ...]


class Task(Strict):
    """A numbered task of next year; cited documents follow the text."""

    text: str
    documents: tuple[Reference, ...] = ()


class Recipients(Strict):
    to: tuple[str, ...]
    purpose: str = ""


class Thresholds(Strict):
    """When a change on last year is remarked. `small_count`: below it, changes are worded in numbers, not percent.

    A count must change by more than `change_percent` and by at least `change_absolute`; a ratio by more than
    `change_points` percentage points. `least_persons`: a unit's count of persons from 1 up to below it is not public.
    `confidence_percent`: of intervals and of tests of change.
    """

    change_percent: int
    change_absolute: int
    change_points: int
    change_factor: int
    small_count: int
    small_population: int
    least_persons: int = Field(default=5, ge=2)
    confidence_percent: int = Field(gt=50, lt=100)


class Provenance(Strict):
    """Where the city totals come from. `illustrative` returns are marked in their own files."""

    city_totals: Literal["reported", "published", "illustrative"]
    source: str = ""


class YearParams(Strict):
    """One year of the report. Texts are printed as they stand, in Vietnamese.

    `format_profile`: a family (party, state), which takes the format in force on the `issue_day`, or one by name.
    """

    year: int = Field(ge=2000, le=2100)
    period: Period
    data_cutoff: dt.date | None
    returns_due: dt.date
    document: DocumentData
    format_profile: str
    provenance: Provenance
    population_concept: str
    bodies: tuple[Body, Body]
    plan: Reference
    programme: Programme
    theme: str
    next_theme: str
    inspection: Inspection
    directives: tuple[Reference, ...]
    communication_forms: tuple[str, ...]
    democracy_plans: tuple[Reference, ...]
    forum: str
    hotline: str
    leaders_per_unit: int
    movement_theme: str
    model_ward_title: str
    models_named: tuple[str, ...]
    remarks: dict[str, str] = Field(default_factory=dict)
    limitations: tuple[str, ...]
    tasks: tuple[Task, ...]
    distribution: tuple[Recipients, ...]
    thresholds: Thresholds

    @model_validator(mode="after")
    def _ordered(self) -> YearParams:
        if self.period.start > self.period.end:
            raise ValueError("kỳ số liệu có ngày đầu sau ngày cuối.")
        return self

    def inconsistencies(self) -> Iterable[tuple[Place, str]]:
        try:
            profile = formats.load(self.format_name)
        except SettingsError as error:
            return [(("format_profile",), str(error))]
        return [*self._of_number(profile), *self._of_signatures(profile)]

    def _of_number(self, profile: formats.Json) -> Iterable[tuple[Place, str]]:
        number, end = self.document.number, profile["head"]["number"]["joined_by"] + self.document.symbol
        if number and not number.endswith(end):
            yield (
                ("document", "number"),
                f"“document.number” là “{number}”; theo mẫu {self.format_name}, số phải kết thúc bằng “{end}”. Hãy sửa "
                "số, ký hiệu (symbol) hoặc mẫu (format_profile).",
            )

    def _of_signatures(self, profile: formats.Json) -> Iterable[tuple[Place, str]]:
        for index, body in enumerate(self.bodies):
            if body.signs and (wrong := formats.foreign_authority(profile, body.grammar, body.signs[0])):
                due = ", ".join(profile["closing"]["signature"][body.grammar]["authority"])
                yield (
                    ("bodies", index, "signs"),
                    f"“{wrong}” không hợp với grammar: {body.grammar}, chỉ dùng {due}. Hãy sửa dòng ký hoặc grammar.",
                )

    @property
    def issue_day(self) -> dt.date:
        """The day that decides on the format: the document's, else the data cut-off, else the last of the period."""
        return self.document.date or self.data_cutoff or self.period.end

    @property
    def format_name(self) -> str:
        """The name of the format profile. Raises SettingsError where `format_profile` leads to none."""
        return formats.chosen(self.format_profile, self.issue_day)

    @property
    def is_draft(self) -> bool:
        """A report without number or date is a draft."""
        return not (self.document.number and self.document.date)


def load_params(project: Project, year: int) -> YearParams:
    """Read params/YEAR.yaml; raises SettingsError with line numbers."""
    path = project.params(year)
    params = load_yaml(path, project.relative(path), YearParams)
    if params.year != year:
        raise SettingsError(f"{project.relative(path)}: khóa year là {params.year}, không khớp tên tệp {path.name}.")
    return params
