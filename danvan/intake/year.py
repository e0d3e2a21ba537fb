"""Everything known of one year: params, units, returns, stated figures, findings. The one entrance to intake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from danvan.catalogue import Catalogue, load_catalogue
from danvan.errors import ReturnsError, SettingsError, nearest
from danvan.intake import numbers
from danvan.intake.answers import answered
from danvan.intake.checks import check
from danvan.intake.files import Progress, silent
from danvan.intake.findings import Cell, Finding
from danvan.intake.observations import EXACT, Bound, Observation, Received, Return
from danvan.intake.returns import read_returns
from danvan.intake.rules import RULES
from danvan.intake.values import plain
from danvan.loading import read_csv
from danvan.params import YearParams, load_params
from danvan.paths import Project
from danvan.units import Unit, Units, load_units

STATED_COLUMNS = ("indicator", "precision", "value", "stated_by", "place", "decision", "reason")


@dataclass(frozen=True)
class Stated:
    """A figure that a body stated apart from the returns; it competes with them until `decision` says which to use."""

    indicator: str
    value: Decimal
    bound: Bound
    stated_by: str
    place: str
    decision: str
    reason: str
    cell: Cell


@dataclass(frozen=True)
class Year:
    """One year as read. `findings` are all of reading and checking; `last` is the year before, where it has returns."""

    params: YearParams
    catalogue: Catalogue
    units: Units
    returns: tuple[Return, ...]
    missing: tuple[Unit, ...]
    stated: tuple[Stated, ...]
    findings: tuple[Finding, ...]
    files: tuple[Received, ...] = ()
    last: Year | None = None

    @cached_property
    def observations(self) -> dict[tuple[str, str], Observation]:
        """By (unit id, indicator code)."""
        return {(r.unit.id, o.indicator.code): o for r in self.returns for o in r.observations}

    @cached_property
    def illustrative_ids(self) -> frozenset[str]:
        """The ids of the units whose returns say of themselves that they are illustrative."""
        return frozenset(r.unit.id for r in self.returns if r.illustrative)

    @property
    def illustrative_units(self) -> bool:
        """Whether any return is illustrative."""
        return bool(self.illustrative_ids)

    @property
    def illustrative_city(self) -> bool:
        """Whether the city totals are illustrative: said so in params, or made of illustrative returns."""
        return self.params.provenance.city_totals == "illustrative" or (
            self.params.provenance.city_totals == "reported" and self.illustrative_units
        )

    def require_sound(self, *, allow_incomplete: bool) -> None:
        """Raise ReturnsError if any finding is an error; a missing return may be allowed."""
        errors = [f for f in self.findings if f.severity == "error"]
        if allow_incomplete:
            errors = [f for f in errors if f.rule != "missing-return"]
        if errors:
            raise ReturnsError(f"Phiếu năm {self.params.year} có {len(errors)} lỗi phải sửa trước.", errors)


def read_year(project: Project, year: int, *, with_last: bool = True, progress: Progress = silent) -> Year:
    """Read and check a year; last year's returns, where they are, serve the checks. `progress` is told of each file.

    Raises SettingsError for params, catalogue or units; what is wrong in returns is in `findings`.
    """
    params, catalogue = load_params(project, year), load_catalogue(project).of_year(year)
    units = load_units(project, params.period.end)
    reading = read_returns(project, params, catalogue, units, progress)
    if not reading.returns and not project.returns(year).is_dir():
        raise SettingsError(
            f"Chưa có thư mục {project.relative(project.returns(year))}. Hãy đặt phiếu của các đơn vị vào đó."
        )
    last = _last_year(project, year) if with_last else None
    stated = tuple(_stated(project, year, catalogue))
    findings = (
        *reading.findings,
        *check(reading.returns, last.returns if last else (), catalogue, params.thresholds),
        *_undecided(stated, reading.returns),
    )
    findings = answered(project, year, findings)
    missing = reading.missing(units)
    return Year(params, catalogue, units, reading.returns, missing, stated, findings, reading.files, last)


def _last_year(project: Project, year: int) -> Year | None:
    """The year before, or None where it has no params or no returns."""
    before = year - 1
    if before in project.years_with_returns() and project.params(before).is_file():
        return read_year(project, before, with_last=False)
    return None


def _stated(project: Project, year: int, catalogue: Catalogue) -> Iterable[Stated]:
    path = project.stated(year)
    if not path.exists():
        return
    shown = project.relative(path)
    for line, row in read_csv(path, shown, STATED_COLUMNS):
        code = row["indicator"]
        if code not in catalogue.by_code:
            hint = nearest(code, catalogue.by_code)
            raise SettingsError(f"{shown}, dòng {line}: không có chỉ tiêu “{code}”.{hint}")
        read = numbers.parse(row["value"], catalogue.by_code[code].decimals)
        if not isinstance(read, numbers.Parsed):
            raise SettingsError(f"{shown}, dòng {line}: không đọc được số “{row['value']}”.")
        bound = Bound.of(row["precision"])
        texts = (row["stated_by"], row["place"], row["decision"], row["reason"])
        yield Stated(code, read.value, bound, *texts, Cell(shown, "", f"dòng {line}"))


def _undecided(stated: Iterable[Stated], returns: tuple[Return, ...]) -> Iterable[Finding]:
    """Stated figures that the returns do not add up to, and nobody has decided which to use."""
    for item in stated:
        parts = [o for r in returns if (o := r.by_code.get(item.indicator)) and o.value is not None]
        total = sum((o.value for o in parts if o.value is not None), Decimal(0))
        agrees = parts and total == item.value and {item.bound, *(o.bound for o in parts)} == {EXACT}
        if not agrees and not (item.decision and item.reason):
            yield Finding(
                "competing-figures",
                RULES["competing-figures"].severity,
                item.cell,
                f"{item.bound.word} {plain(item.value)}".strip()
                + (f"; cộng từ phiếu: {plain(total)}" if parts else ""),
                f"Số do {item.stated_by} nêu khác số trong phiếu mà chưa có quyết định dùng số nào.",
                "Điền cột decision và reason.",
                indicator=item.indicator,
            )
