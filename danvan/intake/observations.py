"""What a return says: one value of one unit, with its status, its bound and its cell."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
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
    """One value of one unit: a Decimal in `indicator.measured_in` (booleans: 1 and 0), or None with its status."""

    unit: Unit
    indicator: Indicator
    year: int
    value: Decimal | None
    status: Status
    bound: Bound
    cell: Cell


@dataclass(frozen=True)
class Return:
    """A unit's workbook, read."""

    unit: Unit
    file: str
    sha256: str
    illustrative: bool
    observations: tuple[Observation, ...]
