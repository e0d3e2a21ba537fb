"""Makes the illustrative returns of data/2022 to data/2026: no figure of a single unit was ever published.

The units and the city offices of 2023 add up exactly to the published city figures (tests/published); the other years
are invented around 2023, backwards and forwards. Every relation of params/catalogue.yaml holds, but for what is placed
below on purpose, so that the checks have something to show. The same seed gives the same bytes.

Run: .venv/bin/python data/illustrative.py    (a workbook that is not marked illustrative is never overwritten)
"""

from __future__ import annotations

import csv
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # run as a script
    sys.path.insert(0, str(ROOT))

from danvan.catalogue import Catalogue, Indicator, Term, load_catalogue  # noqa: E402
from danvan.intake import files, forms, layout  # noqa: E402
from danvan.intake.container import UnreadableError  # noqa: E402
from danvan.params import load_params  # noqa: E402
from danvan.paths import Project  # noqa: E402
from danvan.store import write_atomic  # noqa: E402
from danvan.units import Unit, load_units  # noqa: E402

Values = dict[tuple[str, str], Decimal]  # (unit id, indicator code) -> value; booleans are 1 and 0
Totals = Mapping[str, Decimal | int]
Placed = Mapping[str, Mapping[str, int]]

SEED = 2023
WORDS = {
    "police_articles": "trên",
    "outreach_participants": "trên",
    "copies_democracy_law": "hơn",
    "web_views": "hơn",
    "explosives_kg": "hơn",
}
STEPS = {"police_articles": Decimal(5), "explosives_kg": Decimal("0.5")}  # "hơn" goes with a round number
CITY_SHARES = {"police_articles": 0.5, "police_news_items": 0.4, "petitions_received": 0.4, "reception_visits": 0.4}
CITY_SHARE = 0.08  # of the districts' sum, where the city offices report beside them
YEAR = Decimal(365)
SMALL = 20  # a city total below is drawn afresh each year

# Known of single districts (2023), or there to break a rule: tests/warnings_2023.csv.
PLACED_2023 = {
    "inspected": {"Đồ Sơn": 1, "Kiến Thụy": 1},
    "police_news_items": {"Hải An": 52},
    "ammunition_rounds": {"Thủy Nguyên": 189_260},
}
PLACED_2022 = {
    "inspected": {"Lê Chân": 1, "Vĩnh Bảo": 1},
    "police_news_items": {"Hải An": 31},
    "ammunition_rounds": {"Thủy Nguyên": 2_915},
}
TOTALS_2022 = {
    "plan_signed": 13,
    "inspected": 2,
    "training_conferences": 2,
    "communes_with_officers": 141,
    "ammunition_rounds": 14_627,
    "democracy_circulars": 11,
    "democracy_regulations": 2,
    "movement_review_held": 14,
    "festival_held": 14,
    "exemplary_units": 4,
    "model_ward_police": 7,
}


def main() -> None:
    project = Project(ROOT)
    values = generate(project, 2023, SEED, totals=published(), placed=PLACED_2023)
    generate(project, 2022, SEED, totals=TOTALS_2022, placed=PLACED_2022, after=values)
    for year in (2024, 2025, 2026):
        values = generate(project, year, SEED, before=values)


def generate(
    project: Project,
    year: int,
    seed: int,
    *,
    totals: Totals | None = None,
    placed: Placed | None = None,
    after: Values | None = None,
    before: Values | None = None,
) -> Values:
    """Write the illustrative returns of `year` into `project`; returns every value by (unit id, indicator code).

    `totals`: city totals, met exactly (ValueError where the rules allow no such total); the others are drawn around
    the published ones. `placed`: values by indicator and unit name, whatever the rules say.
    `after`, `before`: the values of the following year, or of the year before; those of `year` lie near them, stocks
    and flows fit. Where the map changes within the year, each part of it is shared out by itself.
    """
    catalogue, params = load_catalogue(project).of_year(year), load_params(project, year)
    units = load_units(project, params.period, params.population_concept)
    shares: dict[str, Decimal] = {}
    if before:  # it may have been half a year
        last = load_params(project, year - 1)
        lengths = {u.id: _days(u) for u in load_units(project, last.period, last.population_concept).all}
        shares = {unit.id: _days(unit) / lengths[unit.id] for unit in units.all if unit.id in lengths}
    values: Values = {}
    for number, (_, _, there) in enumerate(units.spans):
        own = (*there, units.city) if number == len(units.spans) - 1 else there
        part = f" {number}" if len(units.spans) > 1 else ""
        seeded = f"{seed} {year}{part}"
        values |= make(own, catalogue, seeded, totals or {}, placed or {}, after or {}, before or {}, shares)
    for unit in units.all:
        rng = random.Random(f"{seed} {year} {unit.id}")
        entries = {
            i.code: _entry(i, values[unit.id, i.code], _word(values, unit, i.code), rng)
            for i in catalogue.reported
            if (unit.id, i.code) in values
        }
        path = project.returns(year) / f"{units.label(unit)}.xlsx"
        if path.exists() and not _is_illustrative(path):
            raise SystemExit(f"{path} is not marked illustrative and stays as it is.")
        write_atomic(path, forms.write(unit, params, catalogue, entries, illustrative=True))
    return values


def published() -> dict[str, Decimal]:
    """The published city figures of 2023 by indicator."""
    with (ROOT / "tests" / "published" / "figures_2023.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file) if row["indicator_code"]}
    unused = {"S002", "S034", "S051"}  # the one unit without a plan; a percent; the figure decided against
    figures = {row["indicator_code"]: Decimal(row["value_parsed"]) for key, row in rows.items() if key not in unused}
    figures["callup_target"] = Decimal(rows["S033"]["denominator"])
    figures["movement_review_held"] = Decimal(rows["S001"]["denominator"])  # printed as 100% of the districts
    return figures


def make(
    units: Sequence[Unit],
    catalogue: Catalogue,
    seed: str,
    totals: Totals,
    placed: Placed,
    after: Values,
    before: Values,
    shares: Mapping[str, Decimal],
) -> Values:
    """Share out the indicators in the order of the catalogue, each within what the earlier ones leave it."""
    relations, figures = list(_relations(catalogue)), published()
    values: Values = {}
    moves: dict[str, dict[str, float]] = {}
    for indicator in catalogue.reported:
        code, rng = indicator.code, random.Random(f"{seed} {indicator.code}")
        moves[code] = _moves(code, units, relations, moves, rng, 0.1 if after or before else 0.6)
        owing = [unit for unit in units if unit.owes(indicator) == "owed"]
        near = _near_values(indicator, owing, after, before, shares)
        local = [unit for unit in owing if not unit.is_city]
        whole = bool(near) and all(unit.id in near for unit in local)
        usual = sum(near.values(), Decimal(0)) if whole else _usual(indicator, local, figures)
        total = Decimal(totals.get(code, _rounded(usual * Decimal(moves[code][""]), code)))
        given = {unit.id: Decimal(placed[code][unit.name]) for unit in owing if unit.name in placed.get(code, {})}
        free = [unit for unit in owing if unit.id not in given]
        left = total - sum(given.values())
        finest = Decimal(1).scaleb(-indicator.decimals)
        step = STEPS.get(code, finest) if left % STEPS.get(code, finest) == 0 else finest
        if left % step:
            raise ValueError(f"{code}: {total} has more than {indicator.decimals} decimals")

        limits = [_limits(unit, indicator, relations, values, after, before) for unit in free]
        weights = _weights(indicator, free, limits, float(left), rng)
        if near and indicator.kind != "boolean":
            limits = [_near(near.get(unit.id), *limit) for unit, limit in zip(free, limits, strict=True)]
            if whole and usual >= SMALL:
                weights = [(float(near.get(unit.id, 0)) + 0.2) * moves[code][unit.id] for unit in free]
        floors = [math.ceil(low / step) for low, _ in limits]
        caps = [math.floor((high if high.is_finite() else max(left, low)) / step) for low, high in limits]
        target = int(left / step)
        if code not in totals:
            target = max(sum(floors), min(target, sum(caps)))
        try:
            parts = allocate(target, weights, floors, caps)
        except ValueError as error:
            raise ValueError(f"{code}: {error}") from None
        given |= {unit.id: part * step for unit, part in zip(free, parts, strict=True)}
        values |= {(unit.id, code): given[unit.id] for unit in owing}
    return values


def _near_values(
    indicator: Indicator, owing: Sequence[Unit], after: Values, before: Values, shares: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """What each unit has next year, or had last year: of what happened, for as many days as it reports for."""
    code, known = indicator.code, after or before
    near = {unit.id: known[unit.id, code] for unit in owing if (unit.id, code) in known}
    if indicator.time == "stock" or indicator.kind == "boolean":
        return near
    return {uid: round(value * shares.get(uid, 1), indicator.decimals) for uid, value in near.items()}


def _usual(indicator: Indicator, local: Sequence[Unit], figures: Mapping[str, Decimal]) -> Decimal:
    """The published total, for as many days or units as there are here."""
    total = figures.get(indicator.code, Decimal(100))
    if indicator.kind == "boolean":
        return Decimal(len(local)) * total / figures["movement_review_held"]  # which all did
    if indicator.time == "stock" or not local:
        return total
    return total * min(YEAR, max(map(_days, local))) / YEAR


def _days(unit: Unit) -> Decimal:
    return Decimal((unit.last_day - unit.first_day).days + 1)


def allocate(total: int, weights: Sequence[float], floors: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Whole parts of `total` in proportion to the positive `weights`, each between its floor and its cap.

    Sainte-Laguë: every part is w * scale, rounded and clipped, for the one scale that gives the total; what ties leave
    over goes to the part with the highest claim w / (part + 1/2).
    """
    if not sum(floors) <= total <= sum(caps):
        raise ValueError(f"no {total} between {sum(floors)} and {sum(caps)}")

    def at(scale: float) -> list[int]:
        clipped = zip(weights, floors, caps, strict=True)
        return [max(floor, min(cap, math.floor(weight * scale + 0.5))) for weight, floor, cap in clipped]

    low, high = 0.0, (total + 1) / min(weights, default=1)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(at(middle)) <= total else (low, middle)
    parts = at(low)
    while sum(parts) < total:
        open_ = [i for i, part in enumerate(parts) if part < caps[i]]
        parts[max(open_, key=lambda i: weights[i] / (parts[i] + 0.5))] += 1
    return parts


def _relations(catalogue: Catalogue) -> Iterator[list[Term]]:
    """The checks as sums of terms that must not exceed 0; an equality as two of them."""
    for check in catalogue.checks:
        left, sign, right = check.sides
        moved = [*left, *(term.model_copy(update={"factor": -term.factor}) for term in right)]
        yield moved
        if sign == "=":
            yield [term.model_copy(update={"factor": -term.factor}) for term in moved]


def _moves(
    code: str,
    units: Sequence[Unit],
    relations: list[list[Term]],
    earlier: Mapping[str, Mapping[str, float]],
    rng: random.Random,
    spread: float,
) -> dict[str, float]:
    """How much the city ("") and each unit move; what stands in one relation moves together."""
    related = (term.name for terms in relations if code in {t.name for t in terms} for term in terms)
    kin = next((earlier[name] for name in related if name in earlier), {})
    moves = {"": kin.get("", rng.uniform(1 - spread, 1 + 0.8 * spread)) * rng.uniform(0.98, 1.02)}
    for unit in units:
        moves[unit.id] = kin.get(unit.id, rng.uniform(0.83, 1.2)) * rng.uniform(0.97, 1.03)
    return moves


def _limits(
    unit: Unit, indicator: Indicator, relations: list[list[Term]], values: Values, after: Values, before: Values
) -> tuple[Decimal, Decimal]:
    """The least and the most that the relations leave to a number: those of its year, and those with its neighbour."""
    low, high = Decimal(0), Decimal(1 if indicator.kind == "boolean" else "Infinity")
    for terms in relations:
        across = any(term.source == "last" for term in terms)
        source = "last" if across and not before else "this"
        own = [term for term in terms if term.name == indicator.code and term.source == source]
        rest = Decimal(0)
        for term in (term for term in terms if term not in own):
            known = after if across and not before else values
            if term.source == "last":
                known = before or values
            value = unit.count(term.name) if term.source == "unit" else known.get((unit.id, term.name))
            if value is None and (term.factor < 0 or (before and term.source == "last")):
                break  # nothing follows while the other side is not known
            rest += term.factor * Decimal(value or 0)
        else:
            if own and own[0].factor > 0:
                high = min(high, -rest / own[0].factor)
            elif own:
                low = max(low, -rest / own[0].factor)
    return low, high


def _weights(
    indicator: Indicator, owing: list[Unit], limits: list[tuple[Decimal, Decimal]], total: float, rng: random.Random
) -> list[float]:
    """What a number goes by: the number it is part of or follows, else the size of the unit; and some luck."""
    spread = 0.35
    lows, highs = ([float(limit) for limit in side] for side in zip(*limits, strict=True)) if limits else ([], [])
    if math.inf not in highs and indicator.kind != "boolean":
        base = highs
        spread = min(0.5, 0.7 * max(0.0, sum(highs) / max(total, 1.0) - 1))  # the fuller the whole, the less luck
    elif any(lows):
        base = lows
    else:
        kind = indicator.owed_where or "population"
        kind = kind if all(u.count(kind) for u in owing if not u.is_city) else "commune_level_total"
        sizes = {u.id: float(u.count(kind) or 1) for u in owing if not u.is_city}
        city = CITY_SHARES.get(indicator.code, CITY_SHARE) * sum(sizes.values())
        base = [sizes.get(unit.id, city) for unit in owing]
    return [max(size, 0.01) * rng.uniform(1 - spread, 1 + spread) for size in base]


def _near(later: Decimal | None, low: Decimal, high: Decimal) -> tuple[Decimal, Decimal]:
    """The limits, narrowed to what next year's number follows without a remark (thresholds of params)."""
    if later is None:
        return low, high
    near = (later * Decimal("0.72"), later * Decimal("1.35")) if later >= 14 else (later - 3, later + 3)
    return max(low, min(near[0], high)), max(low, min(near[1], high))


def _rounded(total: Decimal, code: str) -> Decimal:
    """A drawn total: two digits where it is told with a word, else whole."""
    return round(total, 1 - total.adjusted()) if code in WORDS else round(total, 0)


def _word(values: Values, unit: Unit, code: str) -> str:
    """The precision word, at the two units with the most."""
    amounts = sorted((-value, uid) for (uid, name), value in values.items() if name == code)
    return WORDS.get(code, "") if unit.id in {uid for _, uid in amounts[:2]} else ""


def _entry(indicator: Indicator, value: Decimal, word: str, rng: random.Random) -> forms.Entry:
    if indicator.kind == "boolean":
        return layout.YES if value else layout.NO, "", ""
    if not value and rng.random() < 0.7:
        return None, "", layout.STATUS_ZERO
    return round(value, indicator.decimals) if indicator.decimals else int(value), word, ""


def _is_illustrative(path: Path) -> bool:
    got = files.read(path)
    sheets = () if isinstance(got, UnreadableError) else got.sheets
    parts = [sheet for sheet in sheets if sheet.name in layout.SHEETS.values()]
    return bool(parts) and all(any(c.value == layout.ILLUSTRATIVE for c in sheet.cells.values()) for sheet in parts)


if __name__ == "__main__":
    main()
