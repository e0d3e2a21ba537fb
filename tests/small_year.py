"""Years from small tables, for tests of what is reckoned from them: units, indicators, figures and nothing else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from danvan.bodies import Bodies
from danvan.catalogue import Catalogue, Indicator
from danvan.intake.findings import Cell
from danvan.intake.observations import Bound, Observation, Return, Status
from danvan.intake.year import Year
from danvan.lineage import Lineage, Link
from danvan.measures import TOTAL, Results, rounded
from danvan.params import Period, YearParams, load_params
from danvan.paths import Project
from danvan.units import CITY, Unit, Units

ROOT = Path(__file__).resolve().parents[1]
PARAMS = load_params(Project(ROOT), 2023)
BASE: dict[str, Any] = {"direction": "neutral", "sensitivity": "none"}


def indicator(code: str, kind: str = "count", reporters: str = "district city", **more: object) -> Indicator:
    """An indicator that units report."""
    fields = {"time": "flow", "reporters": tuple(reporters.split()), "body": "catp", "measured_in": "tin"}
    return Indicator(code=code, name=code, section="I", tier="core", kind=kind, **BASE, **{**fields, **more})


def ratio(code: str, numerator: str, denominator: str, scale: int = 100) -> Indicator:
    more = {"numerator": numerator, "denominator": denominator, "scale": scale, "measured_in": "%", "decimals": 1}
    return Indicator(code=code, name=code, section="I", tier="derived", kind="ratio", **BASE, **more)


TIPS = indicator("tips")
GOOD = indicator("good", part_of="tips")
RATE = ratio("rate", "good", "tips")
PER_10K = ratio("per_10k", "tips", "population", 10000)
PER_ANY_COMMUNE = ratio("per_any_commune", "tips", "commune_level_total", 1)
MODELS = indicator("models", time="stock")
OFFICERS = indicator("officers", reporters="district", owed_where="communes", time="stock")
PER_COMMUNE = ratio("per_commune", "officers", "communes", 1)
SIGNED = indicator("signed", "boolean", "district")
SIGNED_RATE = ratio("signed_rate", "signed", "units")
VIEWS = indicator("views", reporters="city")
KG = indicator("kg", "quantity", decimals=2, measured_in="kg")
EVERY = (TIPS, GOOD, RATE, PER_10K, PER_ANY_COMMUNE, MODELS, OFFICERS, PER_COMMUNE, SIGNED, SIGNED_RATE, VIEWS, KG)


def unit(
    name: str,
    order: int,
    *,
    communes: int | None = 5,
    population: int | None = 20000,
    first: str = "01-01",
    last: str = "12-31",
    since: str = "2020-01-01",
    code: str = "",
    in_year: int = 2023,
    kind: str = "huyện",
) -> Unit:
    """A district that reports from `first` to `last` of its year; `name` is its id, too."""
    return Unit(
        id=name,
        code=code or name,
        gso_code="",
        order=order,
        kind="khối thành phố" if name == CITY else kind,
        name="Khối thành phố" if name == CITY else name,
        aliases=(),
        valid_from=date.fromisoformat(since),
        valid_to=None,
        wards=0,
        townships=0,
        communes=communes,
        special_zones=0,
        population=population,
        line=order + 1,
        population_line=order + 1,
        first_day=date.fromisoformat(f"{in_year}-{first}"),
        last_day=date.fromisoformat(f"{in_year}-{last}"),
        offices=(),
    )


def params_of(year: int, **more: object) -> YearParams:
    """The params of 2023 as of another year."""
    period = Period(start=date(year, 1, 1), end=date(year, 12, 31))
    return PARAMS.model_copy(update={"year": year, "period": period, **more})


def year(
    table: str,
    *units: Unit,
    indicators: tuple[Indicator, ...],
    illustrative: str = "",
    params: YearParams = PARAMS,
    last: Year | None = None,
    links: tuple[Link, ...] = (),
) -> Year:
    """A year from a table: a header of indicator codes, then a line a unit; 'hơn 5', 'khoảng 5' are bounds.

    '?': not reported; '-': not applicable; a unit that the table lacks sent no return.
    """
    lines = [line.split("|") for line in table.strip().splitlines()]
    codes = [code.strip() for code in lines[0][1:]]
    city = unit(CITY, 99, communes=None, population=None, in_year=params.year)
    own = units or tuple(unit(name, n, in_year=params.year) for n, name in enumerate(("Đông", "Tây", "Nam"), 1))
    all_units = Units(own, city)
    by_code = {i.code: i for i in indicators}
    returns = []
    for row, (name, *values) in enumerate(lines[1:], start=2):
        wanted = {"Thành phố": CITY}.get(name.strip(), name.strip())
        of = next(unit for unit in all_units.all if unit.id == wanted)
        observations = []
        for column, (code, text) in enumerate(zip(codes, values, strict=True), start=2):
            *word, number = text.split() or [""]
            cell = Cell(f"{of.id}.xlsx", "Công an", f"{chr(64 + column)}{row}")
            value = None if number in ("?", "-", "") else Decimal(number.replace(",", "."))
            status = {"?": Status.NOT_REPORTED, "-": Status.NOT_APPLICABLE}.get(number, Status.REPORTED)
            if value == 0 and by_code[code].kind != "boolean":
                status = Status.ZERO
            if number:
                bound = Bound.of(" ".join(word))
                observations.append(Observation(of, by_code[code], params.year, value, status, bound, cell))
        returns.append(Return(of, f"{of.id}.xlsx", "", of.id in illustrative.split(), tuple(observations)))
    missing = tuple(u for u in all_units.all if u.id not in {r.unit.id for r in returns})
    return Year(
        params,
        Catalogue(indicators=indicators),
        all_units,
        tuple(returns),
        missing,
        stated=(),
        findings=(),
        lineage=Lineage(links),
        bodies=Bodies(()),
        last=last,
    )


def said(results: Results, code: str, scope: str = TOTAL) -> str:
    """A result in short: 'hơn 35 [2/3]'; two decimals."""
    got = results[code, scope]
    if got.value is None:
        return got.status.value
    text = f"{got.bound.word} {rounded(got.value, 2).normalize():f}".strip()
    marks = "" if got.complete else f" [{got.reported}/{got.owed}{', no city' if got.city_missing else ''}]"
    return text + marks
