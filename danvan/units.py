"""Who reports when: unit versions with their validity, what is known of them, and how their names are recognised."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

from danvan.catalogue import Indicator
from danvan.errors import SettingsError
from danvan.loading import read_csv
from danvan.paths import Project

CITY = "HP-CITY"
COLUMNS = (
    *("unit_id", "gso_code", "order", "kind", "name", "aliases"),
    *("valid_from", "valid_to", "wards", "townships", "communes", "source"),
)
POPULATION_COLUMNS = ("unit_id", "name", "concept", "year", "value", "source", "certainty")
_PREFIX = re.compile(r"^(quận|huyện|thành phố|thị xã|xã|phường|đặc khu|tp|tx|[qh](?=\.))\b\.?\s*", re.IGNORECASE)
# The tone may stand on either vowel (Thủy, Thuỷ); comparing names, it is moved behind both.
_TONED = re.compile("([oOuU])([\u0300\u0301\u0303\u0309\u0323])([aAeEyY])")


@dataclass(frozen=True)
class Unit:
    """A version of a reporting unit. Counts are None where they are not known (the city pseudo-unit)."""

    id: str
    gso_code: str
    order: int
    kind: str
    name: str
    aliases: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    wards: int | None
    townships: int | None
    communes: int | None
    population: int | None
    line: int
    population_line: int | None

    @property
    def is_city(self) -> bool:
        """The two city bodies' own offices: reports, but is never counted among the units."""
        return self.id == CITY

    @property
    def full_name(self) -> str:
        """'Quận Hồng Bàng', as it stands at the head of a return."""
        return self.name if self.is_city else f"{self.kind.capitalize()} {self.name}"

    @property
    def party_office(self) -> str:
        """'Ban Dân vận Huyện ủy Bạch Long Vĩ': the commission of this unit."""
        level = "Thành" if self.kind == "thành phố" else self.kind.capitalize()
        return f"Ban Dân vận {level} ủy {self.name}"

    def count(self, name: str) -> int | None:
        """A number known of the unit itself: units (1), wards, communes, commune_level_total, population."""
        match name:
            case "units":
                return 1
            case "wards":
                return self.wards
            case "communes":
                return self.communes
            case "population":
                return self.population
            case "commune_level_total":
                parts = (self.wards, self.townships, self.communes)
                return None if None in parts else sum(part for part in parts if part is not None)
        raise KeyError(name)

    def owes(self, indicator: Indicator) -> Literal["owed", "not_asked", "not_applicable"]:
        """Whether this unit's form asks for `indicator`; `not_applicable`: the unit has no such thing (no communes)."""
        if ("city" if self.is_city else "district") not in indicator.reporters:
            return "not_asked"
        if not self.is_city and indicator.owed_where and not self.count(indicator.owed_where):
            return "not_applicable"
        return "owed"


@dataclass(frozen=True)
class Units:
    """The units that report in one period, in official order; the city pseudo-unit stands apart."""

    districts: tuple[Unit, ...]
    city: Unit

    @property
    def all(self) -> tuple[Unit, ...]:
        return (*self.districts, self.city)

    @cached_property
    def _by_key(self) -> dict[str, list[Unit]]:
        """The units that a name may mean, in official order."""
        found: dict[str, list[Unit]] = {}
        for unit in self.all:
            for key in dict.fromkeys(name_key(n) for n in (unit.name, unit.full_name, *unit.aliases)):
                found.setdefault(key, []).append(unit)
        return found

    def mentioned(self, text: str) -> tuple[Unit, ...]:
        """The units whose name stands in `text`, with or without tones: 'Phieu Ngo Quyen (1)'."""
        bare = f" {' '.join(re.findall(r'[a-z0-9]+', _toneless(text)))} "
        return tuple(unit for unit, name in self._bare_names if f" {name} " in bare)

    @cached_property
    def _bare_names(self) -> tuple[tuple[Unit, str], ...]:
        return tuple((unit, _toneless(unit.name)) for unit in self.all)

    def resolve(self, name: str) -> Unit:
        """The unit meant by `name` (with or without Quận/Huyện, either tone placement, an alias of units.csv).

        Raises LookupError with a Vietnamese sentence: the nearest unit, or the letters that only look Vietnamese.
        """
        kind, named = _kind_in(name), self._by_key.get(name_key(name), [])
        fitting = [unit for unit in named if not kind or unit.is_city or kind == unit.kind]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            both = " và ".join(unit.full_name for unit in fitting)
            raise LookupError(f"“{name}” có thể là {both}. Hãy ghi cả loại đơn vị.")
        if named:
            raise LookupError(f"“{name}” không có trong kỳ này; trong kỳ này là “{named[0].full_name}”.")
        if strange := strange_letters(name, f"“{name}”"):
            raise LookupError(f"{strange.strip()} Hãy gõ lại tên.")
        loose = {_toneless(n): unit.full_name for unit in self.all for n in (unit.name, unit.full_name)}
        near = difflib.get_close_matches(_toneless(name), loose, n=1)
        hint = f" Có phải là “{loose[near[0]]}”?" if near else ""
        raise LookupError(f"không có đơn vị “{name}” trong kỳ này.{hint}")


def name_key(name: str) -> str:
    """What two spellings of one name share: NFC, no case, no prefix, no tone placement; tones themselves stay."""
    bare = _PREFIX.sub("", " ".join(unicodedata.normalize("NFC", name).split()))
    loose = unicodedata.normalize("NFD", bare.casefold())
    return unicodedata.normalize("NFC", _TONED.sub(r"\1\3\2", loose))


def _kind_in(name: str) -> str:
    match = _PREFIX.match(unicodedata.normalize("NFC", name).strip())
    word = match[1].casefold() if match else ""
    return {"q": "quận", "h": "huyện", "tp": "thành phố", "tx": "thị xã"}.get(word, word)


def _toneless(name: str) -> str:
    bare = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    return "".join(c for c in bare if not unicodedata.combining(c))


def strange_letters(text: str, what: str) -> str:
    """' Mã có ký tự lạ, trông như chữ Việt (U+0410).' for a text with letters that only look Vietnamese, else ''."""
    strange = [c for c in dict.fromkeys(unicodedata.normalize("NFC", text)) if not _is_vietnamese(c)]
    points = ", ".join(f"U+{ord(c):04X}" for c in strange)
    return f" {what} có ký tự lạ, trông như chữ Việt ({points})." if strange else ""


def _is_vietnamese(character: str) -> bool:
    """A letter of Vietnamese, a space or plain ASCII: not a Cyrillic А, an Icelandic Ð or a zero-width space."""
    base = _toneless(character)
    return character.isspace() or (len(base) == 1 and base.isascii() and base.isprintable())


def load_units(project: Project, on: date) -> Units:
    """Units valid on the day `on` (the last day of a period), with the population of data/reference.

    Raises SettingsError with line numbers for anything unreadable, overlapping or missing.
    """
    population = {
        row["unit_id"]: (_whole(row["value"], project.relative(project.population), line, "value"), line)
        for line, row in read_csv(project.population, project.relative(project.population), POPULATION_COLUMNS)
    }
    shown = project.relative(project.units)
    found: dict[str, Unit] = {}
    for line, row in read_csv(project.units, shown, COLUMNS):
        start, end = _day(row["valid_from"], shown, line), _day(row["valid_to"], shown, line)
        if start is None:
            raise SettingsError(f"{shown}, dòng {line}: thiếu valid_from.")
        if not (start <= on and (end is None or on <= end)):
            continue
        if row["unit_id"] in found:
            raise SettingsError(
                f"{shown}, dòng {line}: {row['name']} có hai phiên bản cùng hiệu lực ngày {on:%d/%m/%Y} "
                f"(dòng {found[row['unit_id']].line}). Hãy sửa valid_from, valid_to."
            )
        people, people_line = population.get(row["unit_id"], (None, None))
        found[row["unit_id"]] = Unit(
            id=row["unit_id"],
            gso_code=row["gso_code"],
            order=_whole(row["order"], shown, line, "order") or 0,
            kind=row["kind"],
            name=row["name"],
            aliases=tuple(filter(None, (alias.strip() for alias in row["aliases"].split("|")))),
            valid_from=start,
            valid_to=end,
            wards=_whole(row["wards"], shown, line, "wards"),
            townships=_whole(row["townships"], shown, line, "townships"),
            communes=_whole(row["communes"], shown, line, "communes"),
            population=people,
            line=line,
            population_line=people_line,
        )
    city = found.pop(CITY, None)
    if city is None or not found:
        raise SettingsError(f"{shown}: không có đơn vị nào hiệu lực ngày {on:%d/%m/%Y}. Hãy bổ sung phiên bản đơn vị.")
    return Units(tuple(sorted(found.values(), key=lambda unit: unit.order)), city)


def names(units: Iterable[Unit]) -> str:
    """'Đồ Sơn, Kiến Thụy': names in the order given."""
    return ", ".join(unit.name for unit in units)


def _day(text: str, shown: str, line: int) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{shown}, dòng {line}: “{text}” không phải ngày dạng năm-tháng-ngày.") from None


def _whole(text: str, shown: str, line: int, column: str) -> int | None:
    if text and not re.fullmatch(r"[0-9]+", text):
        raise SettingsError(
            f"{shown}, dòng {line}, cột {column}: “{text}” không phải số nguyên (viết liền, không dấu chấm)."
        )
    return int(text) if text else None
