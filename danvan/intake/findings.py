"""Findings: what is wrong or remarkable in the returns, told so that the reader can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Cell:
    """Where a value stands: file (from the project folder), sheet and address ('C7'), or 'dòng 3' of a CSV."""

    file: str
    sheet: str = ""
    ref: str = ""

    def __str__(self) -> str:
        return self.file + (f", trang “{self.sheet}”" if self.sheet else "") + (f", {self.ref}" if self.ref else "")


@dataclass(frozen=True)
class Finding:
    """One finding. `rule` is a stable id; `found` is what stands there; `unit` a full name or ''."""

    rule: str
    severity: Severity
    cell: Cell
    found: str
    reason: str
    remedy: str
    unit: str = ""
    indicator: str = ""
    others: tuple[str, ...] = ()  # further indicators whose values stand in `found`

    @property
    def involved(self) -> tuple[str, ...]:
        """The codes of all indicators that it tells something of."""
        return (self.indicator, *self.others) if self.indicator else self.others

    def as_dict(self) -> dict[str, str]:
        """The keys of `check --json`, in the order of the command-line contract."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "unit": self.unit,
            "indicator": self.indicator,
            "file": self.cell.file,
            "sheet": self.cell.sheet,
            "cell": self.cell.ref,
            "found": self.found,
            "reason": self.reason,
            "remedy": self.remedy,
        }
