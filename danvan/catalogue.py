"""What each indicator means: the typed reading of params/catalogue.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from danvan.errors import nearest
from danvan.loading import Place, Strict, load_yaml
from danvan.paths import Project

Reporter = Literal["district", "city"]
UNIT_COUNTS: tuple[str, ...] = ("units", "wards", "communes", "commune_level_total", "population")


class Indicator(Strict):
    """One indicator. Ratios are computed (`numerator` over `denominator`, times `scale`); all others are reported."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str
    short: str = ""
    section: str
    footnote: int | None = None
    tier: Literal["core", "footnote", "derived"]
    kind: Literal["count", "quantity", "boolean", "ratio"]
    measured_in: str
    time: Literal["flow", "stock"] | None = None
    reporters: tuple[Reporter, ...] = ()
    body: Literal["bdvtu", "catp"] | None = None
    decimals: int = Field(default=0, ge=0, le=4)
    part_of: str | None = None
    owed_where: Literal["communes", "wards"] | None = None
    print_scale: Literal["nghìn", "triệu"] | None = None
    change_check: Literal["percent", "factor", "none"] = "percent"
    numerator: str | None = None
    denominator: str | None = None
    scale: int | None = None
    direction: Literal["higher", "lower", "neutral"]
    sensitivity: Literal["none", "low", "medium", "high"]
    public_level: Literal["district", "city"] = "district"
    sensitive: Literal["person"] | None = None  # each one counted is a person, or a person's visit
    since: int | None = None
    definition: str = ""

    @property
    def label(self) -> str:
        """Its name where there is little room: heads of charts and tables."""
        return self.short or self.name

    @model_validator(mode="after")
    def _complete(self) -> Indicator:
        if self.kind == "ratio":
            if not (self.numerator and self.denominator and self.scale):
                raise ValueError(f"chỉ tiêu {self.code} là tỷ lệ nên phải có numerator, denominator và scale.")
        elif not (self.time and self.reporters and self.body):
            raise ValueError(f"chỉ tiêu {self.code} do đơn vị báo cáo nên phải có time, reporters và body.")
        if self.sensitive and (self.kind != "count" or self.decimals):
            raise ValueError(f"chỉ tiêu {self.code}: sensitive chỉ dùng cho số đếm nguyên (kind: count).")
        return self


About = Literal["percent", "factor", "scale", "points", "all_zeros", "all_equal", "as_last_year"]


class Check(Strict):
    """What must hold in one unit's return: a relation, or a way to look at a whole sheet or beside last year.

    `holds`: `a + b <= c`, with `last.x`, `unit.communes`, factors. `about` (its limits are in the year's params):
    percent, factor (the indicators of that `change_check`); scale (a hundredfold or a hundredth: typed in thousands?);
    points (ratios in percent); all_zeros, all_equal, as_last_year (a whole sheet).
    """

    rule: str = Field(pattern=r"^[a-z][a-z-]*$")
    severity: Literal["error", "warning"]
    holds: str | None = None
    about: About | None = None
    reason: str

    @cached_property
    def sides(self) -> tuple[tuple[Term, ...], str, tuple[Term, ...]]:
        """(left terms, '<=' or '=', right terms); nothing on either side where the check is no relation."""
        if self.holds is None:
            return (), "=", ()
        parts = re.split(r"(<=|=)", self.holds)
        if len(parts) != 3:
            raise ValueError(f"quan hệ “{self.holds}” phải có đúng một dấu <= hoặc =.")
        left, right = _terms(parts[0]), _terms(parts[2])
        if not any(term.source == "this" for term in (*left, *right)):
            raise ValueError(f"quan hệ “{self.holds}” phải nhắc tới ít nhất một chỉ tiêu của phiếu.")
        return left, parts[1], right

    @property
    def names(self) -> tuple[str, ...]:
        """The codes of the indicators that a relation speaks of."""
        left, _, right = self.sides
        return tuple(dict.fromkeys(term.name for term in (*left, *right) if term.source != "unit"))

    @model_validator(mode="after")
    def _readable(self) -> Check:
        if (self.holds is None) == (self.about is None):
            raise ValueError(f"phép kiểm tra {self.rule} phải có holds hoặc about, và chỉ một trong hai.")
        _ = self.sides
        return self


class Term(Strict):
    """`factor` times a number of `source`: of this return, of last year's, or of the unit itself."""

    factor: int
    source: Literal["this", "last", "unit"]
    name: str


_TERM = re.compile(r"(?P<factor>\d+\s+)?(?:(?P<source>last|unit)\.)?(?P<name>[a-z][a-z0-9_]*)")


def _terms(side: str) -> tuple[Term, ...]:
    """'a + 2 b - last.c' as its terms; every term but the first needs its sign."""
    terms: list[Term] = []
    rest = side.strip()
    while rest or not terms:
        sign = re.match(r"([+-])\s*", rest)
        match = _TERM.match(rest, sign.end() if sign else 0)
        if not match or (terms and not sign):
            raise ValueError(f"không đọc được “{rest}” trong quan hệ; ví dụ đúng: a + 2 b <= last.c.")
        factor = int(match["factor"] or 1) * (-1 if sign and sign[1] == "-" else 1)
        terms.append(Term(factor=factor, source=match["source"] or "this", name=match["name"]))  # type: ignore[arg-type]
        rest = rest[match.end() :].strip()
    return tuple(terms)


class Catalogue(Strict):
    """All indicators, in the order of forms and annex, and the checks between them."""

    indicators: tuple[Indicator, ...]
    checks: tuple[Check, ...] = ()

    def inconsistencies(self) -> Iterator[tuple[Place, str]]:
        """Codes written twice, and names that nothing has."""
        reported = [i.code for i in self.indicators if i.kind != "ratio"]
        seen: set[str] = set()
        for index, indicator in enumerate(self.indicators):
            if indicator.code in seen:
                yield ("indicators", index, "code"), f"mã chỉ tiêu {indicator.code} viết hai lần."
            seen.add(indicator.code)
            for key in ("part_of", "numerator", "denominator"):
                name = getattr(indicator, key)
                if name is None or name in reported or (key == "denominator" and name in UNIT_COUNTS):
                    continue
                hint = nearest(name, reported)
                yield ("indicators", index, key), f"chỉ tiêu {indicator.code} nhắc tới “{name}” không có.{hint}"
        for index, check in enumerate(self.checks):
            left, _, right = check.sides
            for term in (*left, *right):
                known = UNIT_COUNTS if term.source == "unit" else reported
                if term.name not in known:
                    hint = nearest(term.name, known)
                    yield ("checks", index, "holds"), f"quan hệ “{check.holds}” nhắc tới “{term.name}” không có.{hint}"

    def of_year(self, year: int) -> Catalogue:
        """The indicators asked for in `year`, and the checks and ratios between them."""
        asked = {i.code for i in self.indicators if i.since is None or i.since <= year}

        def there(*names: str | None) -> bool:
            return all(name in asked for name in names if name and name not in UNIT_COUNTS)

        indicators = tuple(i for i in self.indicators if there(i.code, i.numerator, i.denominator))
        return Catalogue(indicators=indicators, checks=tuple(c for c in self.checks if there(*c.names)))

    @cached_property
    def by_code(self) -> dict[str, Indicator]:
        return {indicator.code: indicator for indicator in self.indicators}

    @property
    def reported(self) -> tuple[Indicator, ...]:
        """The indicators that units fill in."""
        return tuple(i for i in self.indicators if i.kind != "ratio")


def load_catalogue(project: Project) -> Catalogue:
    """Read params/catalogue.yaml; raises SettingsError with line numbers."""
    return load_yaml(project.catalogue, project.relative(project.catalogue), Catalogue)
