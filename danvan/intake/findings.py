"""Findings: what is wrong or remarkable in the returns, told so that the reader can mend it.

Whatever a file says can come up in a message; here, where each message is made, control characters become visible and
data about a person is masked, so that no table, letter, copy or log needs to think of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Literal

from danvan.intake.privacy import mask
from danvan.intake.rules import RULES
from danvan.store import spelt

Severity = Literal["error", "warning"]
_LONGEST = 300
_QUOTED = re.compile(r"“([^“”]{120})[^“”]+”")
MOST = 60  # findings of one rule in one file; a form has 35 rows


@dataclass(frozen=True)
class Cell:
    """Where a value stands: file (from the project folder), sheet and address ('C7'), or 'dòng 3' of a CSV."""

    file: str
    sheet: str = ""
    ref: str = ""

    def __str__(self) -> str:
        return self.file + (f", trang “{self.sheet}”" if self.sheet else "") + (f", {self.ref}" if self.ref else "")


@dataclass(frozen=True)
class Answer:
    """What an office said to a warning, from data/YEAR/answers.yaml."""

    office: str
    reason: str


@dataclass(frozen=True)
class Finding:
    """One finding. `rule` is a stable id (docs/rules.md); `found` is what stands there; `unit` a full name or ''."""

    rule: str
    severity: Severity
    cell: Cell
    found: str
    reason: str
    remedy: str
    unit: str = ""
    indicator: str = ""
    others: tuple[str, ...] = ()  # further indicators whose values stand in `found`
    answer: Answer | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", tell(self.found))
        for name in ("reason", "remedy"):  # a sentence is never cut, only what it quotes
            object.__setattr__(self, name, tell(_QUOTED.sub(r"“\1…”", getattr(self, name)), 2_000))
        cell = Cell(tell(self.cell.file), tell(self.cell.sheet), self.cell.ref)
        object.__setattr__(self, "cell", cell)

    @cached_property
    def id(self) -> str:
        """Seven letters by which an answer names this finding; another value or cell makes another finding."""
        told = "\0".join((self.rule, self.unit, self.indicator, self.cell.sheet, self.cell.ref, self.found))
        return spelt(sha256(told.encode()).hexdigest(), 7)

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something: an error, or a warning without an answer."""
        return self.answer is None

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


@dataclass
class Findings:
    """What is found in one file, as it is found; `unit` as soon as it is known."""

    file: str
    unit: str = ""
    all: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # how often each rule spoke

    def add(
        self,
        rule: str,
        found: object,
        reason: str,
        remedy: str,
        *,
        sheet: str = "",
        ref: str = "",
        indicator: str = "",
        severity: Severity | None = None,
    ) -> None:
        """Note a finding; it is as grave as its rule unless said otherwise.

        A rule that speaks too often in one file ends with a finding that says so: nobody reads ten thousand.
        """
        self.counts[rule] += 1
        if self.counts[rule] > MOST:
            return
        if self.counts[rule] == MOST:
            found, reason, sheet, ref, indicator = "nhiều ô khác", f"{reason} Tệp còn nhiều chỗ như vậy.", "", "", ""
        cell = Cell(self.file, sheet, ref)
        grave = severity or RULES[rule].severity
        self.all.append(Finding(rule, grave, cell, str(found), reason, remedy, self.unit, indicator))


def tell(text: str, longest: int = _LONGEST) -> str:
    """`text` out of a file as it may be shown: visible, and without data about a person."""
    return mask(visible(text, longest))


def visible(text: str, longest: int = _LONGEST) -> str:
    """`text` on one line, as letters that can be shown anywhere: what is invisible or rules a terminal as its code."""
    flat = re.sub(r"[\t-\r\u2028\u2029]+", " ", unicodedata.normalize("NFC", text[: 4 * longest]))
    shown = "".join(f"<U+{ord(c):04X}>" if unicodedata.category(c) in _HIDDEN else c for c in flat)
    return shown if len(shown) <= longest else shown[:longest] + "…"


_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}  # control, format (bidi, zero width), surrogates, private, unassigned
