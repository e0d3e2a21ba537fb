"""Which units came from which: what may be compared over a change of the map. Facts of params/lineage.csv, no data.

Parts are never added up or weighted: a part of a unit has no figures of its own. Only whole units are carried over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from danvan.errors import SettingsError
from danvan.loading import read_csv
from danvan.paths import Project
from danvan.units import Unit, Units

COLUMNS = (
    *("unit_id", "valid_from", "from_unit_id", "from_valid_from"),
    *("relation", "weight", "weight_source", "act", "note"),
)
Relation = Literal["whole", "part", "outside"]
_Version = tuple[str, date]  # unit_id, valid_from


@dataclass(frozen=True)
class Link:
    """What a unit version is made of: the whole or a part of an earlier one, or land from outside the city.

    A line without a unit says what left the city. `weight` is the part of the earlier unit (0-1) by `weight_source`,
    None where no honest one is known.
    """

    unit: _Version | None
    origin: _Version | None
    relation: Relation
    weight: Decimal | None
    weight_source: str
    act: str
    note: str
    day: date
    line: int


@dataclass(frozen=True)
class Lineage:
    """All links, as params/lineage.csv has them."""

    links: tuple[Link, ...]

    def before(self, unit: Unit, then: Units) -> tuple[Unit, ...] | str:
        """The units of an earlier period that, as wholes, are exactly `unit`; else why there are none (Vietnamese)."""
        known = {(one.code, one.valid_from): one for one in (*then.at_end, then.city)}
        try:
            return tuple(dict.fromkeys(self._wholes((unit.code, unit.valid_from), known)))
        except LookupError as reason:
            return str(reason)

    def _wholes(self, version: _Version, known: dict[_Version, Unit]) -> Iterator[Unit]:
        if version in known:
            yield known[version]
            return
        links = [link for link in self.links if link.unit == version]
        if not links:
            raise LookupError("đơn vị mới, không có đơn vị tương ứng trước đó")
        for link in links:
            if link.relation != "whole" or link.origin is None:
                raise LookupError(f"ranh giới thay đổi từ {_day(link.day)} ({link.act})")
            yield from self._wholes(link.origin, known)

    def territory_change(self, after: date, until: date) -> str:
        """Why the city is not the same land all the time from `after` (exclusive) to `until`, or ''."""
        outside = (link for link in self.links if link.relation == "outside" and after < link.day <= until)
        first = min(outside, key=lambda link: link.day, default=None)
        return f"địa giới thành phố thay đổi từ {_day(first.day)}" if first else ""

    def changes(self, after: date, until: date) -> tuple[Link, ...]:
        """The links of the days after `after` up to `until`, but for those that only carry a whole unit on."""
        found = (link for link in self.links if after < link.day <= until)
        return tuple(
            link
            for link in found
            if not (link.relation == "whole" and link.unit and link.origin and link.unit[0] == link.origin[0])
        )


def load_lineage(project: Project) -> Lineage:
    """Read params/lineage.csv; raises SettingsError with line numbers.

    The weights of one earlier unit must not exceed 1; a whole has weight 1 and stands alone.
    """
    shown = project.relative(project.lineage)
    links: list[Link] = []
    for line, row in read_csv(project.lineage, shown, COLUMNS):
        where = f"{shown}, dòng {line}"
        unit = _version(row["unit_id"], row["valid_from"], where)
        origin = _version(row["from_unit_id"], row["from_valid_from"], where)
        relation = row["relation"]
        if relation not in ("whole", "part", "outside"):
            raise SettingsError(f"{where}: relation “{relation}” phải là whole, part hoặc outside.")
        if (relation == "outside") == bool(unit and origin) or not (unit or origin):
            raise SettingsError(f"{where}: whole, part cần cả đơn vị và đơn vị trước; outside chỉ một trong hai.")
        day = unit[1] if unit else _date(row["valid_from"], where)
        weight = _weight(row["weight"], where)
        if relation == "whole" and weight not in (None, 1):
            raise SettingsError(f"{where}: whole là toàn bộ đơn vị trước nên trọng số là 1 hoặc để trống.")
        if unit and origin and origin[1] >= unit[1]:
            raise SettingsError(f"{where}: đơn vị trước phải có valid_from sớm hơn.")
        known: Relation = "whole" if relation == "whole" else "part" if relation == "part" else "outside"
        links.append(Link(unit, origin, known, weight, row["weight_source"], row["act"], row["note"], day, line))
    _check_parts(links, shown)
    return Lineage(tuple(links))


def _check_parts(links: list[Link], shown: str) -> None:
    """A whole goes to one unit only; parts of one unit on one day are not more than the unit."""
    by_origin: dict[tuple[_Version, date], list[Link]] = defaultdict(list)
    for link in links:
        if link.origin:
            by_origin[link.origin, link.day].append(link)
    for ((code, _), _), parts in by_origin.items():
        parts.sort(key=lambda part: part.relation != "whole")
        if parts[0].relation == "whole" and len(parts) > 1:
            raise SettingsError(f"{shown}, dòng {parts[1].line}: {code} đã chuyển toàn bộ ở dòng {parts[0].line}.")
        if sum(part.weight or 0 for part in parts) > Decimal("1.001"):  # of thirds, rounded
            raise SettingsError(f"{shown}, dòng {parts[-1].line}: các trọng số của {code} cộng lại vượt 1.")


def _version(code: str, day: str, where: str) -> _Version | None:
    return (code, _date(day, where)) if code else None


def _date(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{where}: “{text}” không phải ngày dạng năm-tháng-ngày.") from None


def _weight(text: str, where: str) -> Decimal | None:
    try:
        weight = Decimal(text) if text else None
    except InvalidOperation:
        weight = Decimal(-1)
    if weight is not None and not (weight.is_finite() and 0 < weight <= 1):
        raise SettingsError(f"{where}: trọng số “{text}” phải là số lớn hơn 0, không quá 1.")
    return weight


def _day(day: date) -> str:
    return f"{day.day:02}/{f'{day.month:02}' if day.month < 3 else day.month}/{day.year}"
