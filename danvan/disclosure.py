"""What an edition may show. Applied once, when a year is opened; nothing above ever holds a hidden value.

Figures whose catalogue entry says `public_level: city` (persons, weapons, force strength) appear in the public edition
for the whole city only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from danvan.catalogue import Catalogue, Indicator
from danvan.errors import SettingsError
from danvan.intake.findings import Answer, Cell, Finding
from danvan.intake.observations import EXACT, Status
from danvan.intake.rules import QUOTING
from danvan.measures import TO_DATE, TOTAL, Result, Results

Edition = Literal["public", "internal"]
EDITIONS: tuple[Edition, ...] = ("public", "internal")


def edition_named(name: str) -> Edition:
    """The edition of that name; raises SettingsError."""
    for edition in EDITIONS:
        if edition == name:
            return edition
    raise SettingsError(f"Không có ấn bản “{name}”; chỉ có: {', '.join(EDITIONS)}.")


def is_hidden(indicator: Indicator, scope: str, edition: Edition) -> bool:
    """Whether `edition` may not show this indicator for this scope."""
    return edition == "public" and scope not in (TOTAL, TO_DATE) and indicator.public_level == "city"


def withhold(results: Results, edition: Edition) -> Results:
    """The results with every hidden one emptied of value, parts and sources."""
    return {
        (code, scope): _emptied(result)
        if is_hidden(result.indicator, scope, edition) and result.value is not None
        else result
        for (code, scope), result in results.items()
    }


def _emptied(result: Result) -> Result:
    return replace(
        result,
        value=None,
        status=Status.WITHHELD,
        bound=EXACT,
        formula="",
        sources=(),
        numerator=None,
        denominator=None,
    )


def withhold_findings(findings: Iterable[Finding], catalogue: Catalogue, edition: Edition) -> tuple[Finding, ...]:
    """The findings as the edition may show them.

    Those on hidden indicators keep rule and reason, but neither unit, cell, value nor answer; of those that quote what
    offices wrote beside their figures, no edition holds the quotation.
    """

    def shown(finding: Finding) -> Finding:
        hidden = any(is_hidden(catalogue.by_code[code], "unit", edition) for code in finding.involved)
        if finding.unit and hidden:
            return replace(finding, unit="", cell=Cell(""), found="", answer=finding.answer and Answer("", ""))
        return replace(finding, found="") if finding.rule in QUOTING else finding

    return tuple(map(shown, findings))
