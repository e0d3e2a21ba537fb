"""Which bodies there are, from when to when: versioned apart from the units. The typed reading of params/bodies.csv."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from danvan.errors import SettingsError
from danvan.loading import read_csv
from danvan.params import Period
from danvan.paths import Project

COLUMNS = ("body", "level", "name", "plural", "valid_from", "valid_to", "note", "source")
BODIES: tuple[Literal["bdvtu", "catp"], ...] = ("bdvtu", "catp")


@dataclass(frozen=True)
class BodyVersion:
    """A body as it was called from one day to another; of the units' bodies `name` is a pattern, `plural` names all."""

    body: str
    level: str
    name: str
    plural: str
    valid_from: date
    valid_to: date
    note: str
    source: str
    line: int


@dataclass(frozen=True)
class Bodies:
    """All versions, as params/bodies.csv has them."""

    versions: tuple[BodyVersion, ...]

    def name(self, body: str, on: date) -> str:
        """What the city's body is called on a day."""
        return self._on(body, "city", on).name

    def office(self, body: str, kind: str, name: str, on: date) -> str:
        """The body of one unit on a day: 'Ban Dân vận Huyện ủy Bạch Long Vĩ', 'Công an quận Hồng Bàng'."""
        party = {"thành phố": "Thành ủy", "thị xã": "Thị ủy"}.get(kind, f"{kind.capitalize()} ủy")
        pattern = self._on(body, "unit", on).name
        return pattern.replace("{party}", party).replace("{kind}", kind).replace("{name}", name)

    def plural(self, body: str, on: date) -> str:
        """The units' bodies in a sentence: 'ban dân vận quận ủy, huyện ủy'."""
        return self._on(body, "unit", on).plural

    def within(self, period: Period) -> tuple[BodyVersion, ...]:
        """The versions that are in force on any day of a period, in the order of the file."""
        return tuple(v for v in self.versions if v.valid_from <= period.end and period.start <= v.valid_to)

    def _on(self, body: str, level: str, on: date) -> BodyVersion:
        for version in self.versions:
            if (version.body, version.level) == (body, level) and version.valid_from <= on <= version.valid_to:
                return version
        raise SettingsError(f"params/bodies.csv: không có {body}, {level} hiệu lực ngày {on:%d/%m/%Y}. Hãy bổ sung.")


def load_bodies(project: Project) -> Bodies:
    """Read params/bodies.csv; raises SettingsError with line numbers for what is unreadable or overlaps."""
    shown = project.relative(project.bodies)
    versions: list[BodyVersion] = []
    for line, row in read_csv(project.bodies, shown, COLUMNS):
        where = f"{shown}, dòng {line}"
        if row["body"] not in BODIES or row["level"] not in ("city", "unit"):
            raise SettingsError(f"{where}: body phải là bdvtu hoặc catp, level phải là city hoặc unit.")
        try:
            start, end = (
                date.fromisoformat(row[name]) if row[name] else open_
                for name, open_ in (("valid_from", date.min), ("valid_to", date.max))
            )
        except ValueError:
            raise SettingsError(f"{where}: ngày phải viết dạng năm-tháng-ngày.") from None
        version = BodyVersion(
            row["body"], row["level"], row["name"], row["plural"], start, end, row["note"], row["source"], line
        )
        for other in _alike(version, versions):
            raise SettingsError(f"{where}: trùng thời gian với dòng {other.line}. Hãy sửa valid_from, valid_to.")
        versions.append(version)
    return Bodies(tuple(versions))


def _alike(version: BodyVersion, others: Iterable[BodyVersion]) -> Iterable[BodyVersion]:
    """Those of the same body and level whose days overlap."""
    for other in others:
        same = (other.body, other.level) == (version.body, version.level)
        if same and other.valid_from <= version.valid_to and version.valid_from <= other.valid_to:
            yield other
