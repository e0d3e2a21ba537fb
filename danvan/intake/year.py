"""Everything known of one year: params, units, returns, stated figures, findings. The one entrance to intake."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, get_type_hints

from danvan.bodies import Bodies, load_bodies
from danvan.catalogue import Catalogue, load_catalogue
from danvan.errors import ReturnsError, SettingsError
from danvan.freshness import Sources
from danvan.intake.findings import Finding
from danvan.intake.kept import Kept, by_name
from danvan.intake.observations import Observation, Received, Return
from danvan.intake.stated import Stated
from danvan.lineage import Lineage, load_lineage
from danvan.loading import is_there
from danvan.packing import ForeignError, Json, Packing, from_bytes, to_bytes
from danvan.params import YearParams, load_params
from danvan.paths import Project
from danvan.store import Cache
from danvan.units import Unit, Units, load_units

if TYPE_CHECKING:
    from danvan.intake.files import Progress

STAGE = "year"


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
    lineage: Lineage
    bodies: Bodies
    files: tuple[Received, ...] = ()
    last: Year | None = None

    @cached_property
    def observations(self) -> dict[tuple[str, str], Observation]:
        """By (unit id, indicator code)."""
        return {(r.unit.id, o.indicator.code): o for r in self.returns for o in r.observations}

    @cached_property
    def before(self) -> dict[str, tuple[Unit, ...] | str]:
        """By unit id: the units of last year that are the same land, or why there are none; empty without last year."""
        return _before(self.units, self.last, self.lineage)

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


_WHOLE = ("params", "catalogue", "units")  # what the other parts of a year name


def packed(year: Year | None) -> Json:
    """A year as JSON; units and indicators stand in it once, elsewhere their names."""
    if year is None:
        return None
    whole, named, kinds = Packing(), by_name(year.units, year.catalogue), get_type_hints(Year)
    return {
        name: packed(year.last)
        if name == "last"
        else (whole if name in _WHOLE else named).plain(getattr(year, name), kinds[name])
        for name in (field.name for field in fields(Year))
    }


def unpacked(plain: Json) -> Year:
    """The year again; raises ForeignError for what `packed` never made."""
    kinds, whole = get_type_hints(Year), Packing()
    if not isinstance(plain, dict) or plain.keys() != {field.name for field in fields(Year)}:
        raise ForeignError("no year")
    parts = {name: whole.thing(plain[name], kinds[name]) for name in _WHOLE}
    named = by_name(parts["units"], parts["catalogue"])
    for name in plain.keys() - {*_WHOLE, "last"}:
        parts[name] = named.thing(plain[name], kinds[name])
    return Year(**parts, last=None if plain["last"] is None else unpacked(plain["last"]))


def sound_year(project: Project, year: int, *, allow_incomplete: bool) -> Year:
    """`read_year`; also raises ReturnsError for errors in its returns or in last year's, as `require_sound` does."""
    read = read_year(project, year)
    read.require_sound(allow_incomplete=allow_incomplete)
    if read.last is not None:
        read.last.require_sound(allow_incomplete=True)
    return read


def read_year(
    project: Project, year: int, *, with_last: bool = True, progress: Progress = lambda _done, _of: None
) -> Year:
    """Read and check a year; last year's returns, where they are, serve the checks. `progress` is told of each file.

    Nothing is read twice: a year whose files are as they were comes from the cache, and of a year that changed only
    the files that did are opened. Raises SettingsError for params, catalogue or units; what is wrong in returns is in
    `findings`.
    """
    cache, sources = Cache(project.cache), Sources(project)
    inputs = sources.years(year, year - 1) if with_last else sources.years(year)
    key = sources.key(inputs, stage=f"{STAGE}-{year}")
    if (kept := cache.get(STAGE, key)) is not None:
        with suppress(ForeignError):  # something else lies there: the year is read anew, and kept in its place
            return unpacked(from_bytes(kept))
    read = _read_year(project, year, sources, cache, progress, with_last=with_last)
    again = Sources(project, on_disk=True)
    if (again.years(year, year - 1) if with_last else again.years(year)) == inputs:  # else it mixes old and new
        cache.put(STAGE, key, to_bytes(packed(read)))
    return read


def _read_year(
    project: Project, year: int, sources: Sources, cache: Cache, progress: Progress, *, with_last: bool
) -> Year:
    # Imported here: most kernels open a year that is kept, and what reads files takes longer to import than that.
    from danvan.intake.answers import answered
    from danvan.intake.checks import check, lowered
    from danvan.intake.returns import read_returns
    from danvan.intake.stated import read_stated, undecided

    before = Sources(project).ground()
    params, catalogue = load_params(project, year), load_catalogue(project).of_year(year)
    units = load_units(project, params.period, params.population_concept)
    lineage, bodies = load_lineage(project), load_bodies(project)
    _check_bodies(project, params, bodies)
    told = {"period": str(params.period), "concept": str(params.population_concept), "hotline": params.hotline}
    grounds = sources.key(before, year=str(year), **told)
    same = Sources(project, on_disk=True).ground() == before  # else what was loaded is neither the one nor the other
    kept = Kept(cache, grounds) if same else None
    reading = read_returns(project, params, catalogue, units, progress, kept)
    if not reading.returns and not project.returns(year).is_dir():
        raise SettingsError(
            f"Chưa có thư mục {project.relative(project.returns(year))}. Hãy đặt phiếu của các đơn vị vào đó."
        )
    last = _last_year(project, year) if with_last else None
    stated = read_stated(project, year, catalogue)
    findings = (
        *reading.findings,
        *check(reading.returns, returns_before(units, last, lineage), catalogue, params.thresholds),
        *undecided(stated, reading.returns, catalogue),
        *lowered(project.relative(project.params(year)), params, last.params if last else None),
    )
    findings = answered(project, year, findings)
    missing = reading.missing(units)
    return Year(
        params, catalogue, units, reading.returns, missing, stated, findings, lineage, bodies, reading.files, last
    )


def _check_bodies(project: Project, params: YearParams, bodies: Bodies) -> None:
    """The bodies that issue the report must be those that there are on the last day of its period."""
    for body in params.bodies:
        name = bodies.name(body.id, params.period.end)
        if body.name != name:
            raise SettingsError(
                f"{project.relative(project.params(params.year))}: cơ quan {body.id} ghi là “{body.name}”, nhưng ngày "
                f"{params.period.end:%d/%m/%Y} là “{name}” ({project.relative(project.bodies)}). Hãy sửa một trong hai."
            )


def _before(units: Units, last: Year | None, lineage: Lineage) -> dict[str, tuple[Unit, ...] | str]:
    return {unit.id: lineage.before(unit, last.units) for unit in units.all} if last else {}


def returns_before(units: Units, last: Year | None, lineage: Lineage) -> dict[str, Return]:
    """By unit id: last year's return of the same single unit, where it ends on the day before this one begins."""
    by_id = {got.unit.id: got for got in last.returns} if last else {}
    before = _before(units, last, lineage)
    found: dict[str, Return] = {}
    for unit in units.all:
        same = before.get(unit.id, "")
        if isinstance(same, str) or len(same) != 1:
            continue
        (one,) = same
        if one.id in by_id and one.last_day + timedelta(days=1) == unit.first_day:
            found[unit.id] = by_id[one.id]
    return found


def _last_year(project: Project, year: int) -> Year | None:
    """The year before, or None where it has no params or no returns."""
    before = year - 1
    if before in project.years_with_returns() and is_there(project.params(before)):
        return read_year(project, before, with_last=False)
    return None
