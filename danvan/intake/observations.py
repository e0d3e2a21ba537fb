"""What a return says: one value of one unit, with its status, its bound and its cell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Literal

from danvan.catalogue import Indicator
from danvan.intake.findings import Cell
from danvan.units import Unit


class Status(Enum):
    """What is known of a value. None of these is ever turned into another."""

    REPORTED = "reported"
    ZERO = "zero"
    NOT_REPORTED = "not reported"
    NOT_APPLICABLE = "not applicable"
    WITHHELD = "withheld"
    NO_DENOMINATOR = "no denominator"


@dataclass(frozen=True)
class Bound:
    """How exact a number is: `lower` ('hơn', 'trên') and `about` ('khoảng') keep the word that was reported."""

    kind: Literal["exact", "lower", "about"] = "exact"
    word: str = ""

    @classmethod
    def of(cls, word: str) -> Bound:
        """The bound meant by a precision word ('' and 'chính xác' are exact)."""
        if word in ("", "chính xác"):
            return EXACT
        return cls("about" if word == "khoảng" else "lower", word)


EXACT = Bound()


@dataclass(frozen=True)
class Observation:
    """One value of one unit: a Decimal in `indicator.measured_in` (booleans: 1 and 0), or None with its status.

    `until`: the last day it covers, where that is before the end of the period.
    """

    unit: Unit
    indicator: Indicator
    year: int
    value: Decimal | None
    status: Status
    bound: Bound
    cell: Cell
    until: date | None = None


@dataclass(frozen=True)
class Return:
    """What a unit sent in, read: one workbook, or several CSV parts (`file` and `sha256` are then of the first)."""

    unit: Unit
    file: str
    sha256: str
    illustrative: bool
    observations: tuple[Observation, ...]
    bodies: frozenset[str] = frozenset()
    sheets: tuple[str, ...] = ()  # as they are called in the file

    @cached_property
    def by_code(self) -> dict[str, Observation]:
        """The observations by indicator."""
        return {o.indicator.code: o for o in self.observations}

    @property
    def until(self) -> date | None:
        """The last day that some of its figures cover, where that is before the end of the period."""
        return min((o.until for o in self.observations if o.until), default=None)


@dataclass(frozen=True)
class Received:
    """A file in the folder of returns, read or refused; `unit` is the full name inside it, or ''."""

    file: str
    sha256: str
    unit: str
