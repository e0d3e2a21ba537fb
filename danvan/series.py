"""Peers and targets: figures from outside, shown beside ours as context, never reckoned with.

The typed reading of data/reference/series.csv, which may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from danvan.errors import SettingsError, nearest
from danvan.loading import is_there, read_csv
from danvan.paths import Project

COLUMNS = ("indicator", "kind", "name", "year", "value", "source", "illustrative")
KINDS = {"target": "chỉ tiêu", "peer": "nơi khác"}


@dataclass(frozen=True)
class Series:
    """One line of context for an indicator: its values by year, in the indicator's own measure."""

    indicator: str
    kind: str
    name: str
    values: Mapping[int, Decimal]
    source: str
    illustrative: bool

    @property
    def label(self) -> str:
        """'Chỉ tiêu được giao (minh họa)': illustrative ones say so wherever they show."""
        return self.name if not self.illustrative or "minh họa" in self.name else f"{self.name} (minh họa)"


def load_series(project: Project, indicators: frozenset[str]) -> tuple[Series, ...]:
    """All series in the order of the file; nothing where there is no file.

    Raises SettingsError with line numbers: an unknown indicator, no source, a year twice.
    """
    if not is_there(project.series):
        return ()
    shown = project.relative(project.series)
    found: dict[tuple[str, str, str], Series] = {}
    for line, row in read_csv(project.series, shown, COLUMNS):
        where = f"{shown}, dòng {line}"
        if row["indicator"] not in indicators:
            raise SettingsError(
                f"{where}: không có chỉ tiêu “{row['indicator']}”.{nearest(row['indicator'], indicators)}"
            )
        if row["kind"] not in KINDS or row["illustrative"] not in ("yes", "no"):
            raise SettingsError(f"{where}: kind phải là target hoặc peer, illustrative phải là yes hoặc no.")
        if not row["source"] or not row["name"]:
            raise SettingsError(f"{where}: thiếu name hoặc source; số tham chiếu không có nguồn thì không dùng.")
        try:
            year, value = int(row["year"][:5]), Decimal(row["value"][:40])
        except (ValueError, InvalidOperation):
            value = Decimal("NaN")
        if not value.is_finite() or value < 0:
            raise SettingsError(f"{where}: year phải là số năm, value là số không âm (dấu chấm thập phân).")
        key = (row["indicator"], row["kind"], row["name"])
        known = found.get(key)
        if known and year in known.values:
            raise SettingsError(f"{where}: “{row['name']}” đã có số năm {year}.")
        if known and (known.source, known.illustrative) != (row["source"], row["illustrative"] == "yes"):
            raise SettingsError(f"{where}: “{row['name']}” phải cùng một source và illustrative ở mọi năm.")
        values = {**(known.values if known else {}), year: value}
        found[key] = Series(*key, values, row["source"], row["illustrative"] == "yes")
    return tuple(found.values())
