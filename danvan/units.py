"""Who reports when: unit versions with their validity, what is known of them, and how their names are recognised."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Literal

from danvan.bodies import BODIES, load_bodies
from danvan.catalogue import Indicator
from danvan.errors import SettingsError, nearest
from danvan.loading import is_there, read_csv
from danvan.params import Period
from danvan.paths import Project

CITY = "HP-CITY"
COLUMNS = (
    *("unit_id", "gso_code", "order", "kind", "name", "aliases"),
    *("valid_from", "valid_to", "wards", "townships", "communes", "special_zones", "source"),
)
POPULATION_COLUMNS = ("unit_id", "name", "valid_from", "valid_to", "concept", "year", "value", "source", "certainty")
TILE_COLUMNS = ("unit_id", "row", "column")
KINDS = (
    "quận",
    "huyện",
    "thị xã",
    "thành phố",
    "xã",
    "phường",
    "thị trấn",
    "đặc khu",
)  # as they are listed in a sentence
_PREFIX = re.compile(r"^(quận|huyện|thành phố|thị xã|xã|phường|đặc khu|tp|tx|[qhpx](?=\.))\b\.?\s*", re.IGNORECASE)
# The tone may stand on either vowel (Thủy, Thuỷ); comparing names, it is moved behind both.
_TONED = re.compile("([oOuU])([\u0300\u0301\u0303\u0309\u0323])([aAeEyY])")


@dataclass(frozen=True)
class Unit:
    """A version of a reporting unit, within one period. Counts are None where they are not known (the city offices).

    `id` names it in results and forms: the `code` of units.csv; of versions that end within the period with their first
    day ('HP-303@2025-01-01'). `first_day` to `last_day` is the part of the period for which it reports.
    """

    id: str
    code: str
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
    special_zones: int | None
    population: int | None
    line: int
    population_line: int | None
    first_day: date
    last_day: date
    offices: tuple[tuple[str, str], ...]  # (body, what its office is called on the last day)
    tile: tuple[int, int] | None = None  # row and column on the tile map
    when: str = ""  # ' (từ 01-9-2023)': behind the name of each of two versions of one kind and name in the period

    @property
    def is_city(self) -> bool:
        """The two city bodies' own offices: reports, but is never counted among the units."""
        return self.code == CITY

    @property
    def full_name(self) -> str:
        """'Quận Hồng Bàng', as it stands at the head of a return."""
        return self.name if self.is_city else f"{self.kind.capitalize()} {self.name}{self.when}"

    @property
    def span(self) -> tuple[int, int, int, int]:
        """The days of a year that it reports for, as (month, day) of the first and of the last."""
        return (self.first_day.month, self.first_day.day, self.last_day.month, self.last_day.day)

    def office(self, body: str) -> str:
        """Its office of a body: 'Ban Dân vận Huyện ủy Bạch Long Vĩ', 'Công an quận Hồng Bàng'."""
        return dict(self.offices)[body]

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
                parts = (self.wards, self.townships, self.communes, self.special_zones)
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
    """The unit versions that report in one period, in official order; the city offices stand apart.

    Where the map changes within the period, those before the change come first, each version with its own days.
    """

    districts: tuple[Unit, ...]
    city: Unit

    @property
    def all(self) -> tuple[Unit, ...]:
        return (*self.districts, self.city)

    @cached_property
    def spans(self) -> tuple[tuple[date, date, tuple[Unit, ...]], ...]:
        """(first day, last day, units) of each part of the period that units report for; mostly there is one."""
        days = dict.fromkeys((unit.first_day, unit.last_day) for unit in self.districts)
        return tuple(
            (*span, tuple(u for u in self.districts if (u.first_day, u.last_day) == span)) for span in sorted(days)
        )

    @cached_property
    def at_end(self) -> tuple[Unit, ...]:
        """The units that are there on the last day of the period: they alone have stocks at its end."""
        end = max(unit.last_day for unit in self.districts)
        return tuple(unit for unit in self.districts if unit.last_day == end)

    def label(self, unit: Unit) -> str:
        """Its name where there is little room; with its kind where two units of the period share the name."""
        return unit.full_name if self._names[unit.name] > 1 else unit.name

    @cached_property
    def _names(self) -> Counter[str]:
        return Counter(unit.name for unit in self.all)

    @cached_property
    def _by_key(self) -> dict[str, list[Unit]]:
        """The units that a name may mean, in official order."""
        found: dict[str, list[Unit]] = {}
        for unit in self.all:
            for key in dict.fromkeys(name_key(n) for n in (unit.name, unit.full_name, *unit.aliases)):
                found.setdefault(key, []).append(unit)
        return found

    def mentioned(self, text: str) -> tuple[Unit, ...]:
        """The units whose name stands in `text`, with or without tones: 'Phieu Ngo Quyen (1)'.

        The longest names win: 'Phường Hồng Bàng' is not the quận, 'Nam An Phụ' not 'An Phú'.
        """
        bare = f" {' '.join(re.findall(r'[a-z0-9]+', _toneless(text)))} "
        found = [(unit, name) for unit, name in self._bare_names if f" {name} " in bare]
        longest = [name for _, name in found if not any(name != other and name in other for _, other in found)]
        return tuple(dict.fromkeys(unit for unit, name in found if name in longest))

    @cached_property
    def _bare_names(self) -> tuple[tuple[Unit, str], ...]:
        return tuple((unit, _toneless(name)) for unit in self.all for name in (unit.name, unit.full_name))

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
    return {"q": "quận", "h": "huyện", "p": "phường", "x": "xã", "tp": "thành phố", "tx": "thị xã"}.get(word, word)


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


def load_units(project: Project, period: Period, concept: str) -> Units:
    """The unit versions that are valid on any day of `period`, with the population of data/reference.

    `concept`: the one kind of population figure that is taken (census or resolution: never mixed); it must hold for the
    unit's boundary. Raises SettingsError with line numbers for anything unreadable, overlapping or missing.
    """
    tiles = _tiles(project)
    population, bodies, shown = _Population(project, concept), load_bodies(project), project.relative(project.units)
    versions: dict[str, list[tuple[int, dict[str, str], date, date | None]]] = defaultdict(list)
    for line, row in read_csv(project.units, shown, COLUMNS):
        start, end = _day(row["valid_from"], shown, line), _day(row["valid_to"], shown, line)
        if start is None:
            raise SettingsError(f"{shown}, dòng {line}: thiếu valid_from.")
        if not (start <= period.end and (end is None or period.start <= end)):
            continue
        for other, _, from_, to in versions[row["unit_id"]]:
            if (to is None or start <= to) and (end is None or from_ <= end):
                raise SettingsError(
                    f"{shown}, dòng {line}: {row['name']} có hai phiên bản cùng hiệu lực ngày "
                    f"{min(end or period.end, to or period.end, period.end):%d/%m/%Y} "
                    f"(dòng {other}). Hãy sửa valid_from, valid_to."
                )
        versions[row["unit_id"]].append((line, row, start, end))
    found: list[Unit] = []
    for code, lines in versions.items():
        last = max(start for _, _, start, _ in lines)
        for line, row, start, end in lines:
            first_day, last_day = max(start, period.start), min(end or period.end, period.end)
            people, people_line = population.of(code, first_day, last_day)
            found.append(
                Unit(
                    id=code if start == last else f"{code}@{start}",
                    code=code,
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
                    special_zones=_whole(row["special_zones"], shown, line, "special_zones"),
                    population=people,
                    line=line,
                    population_line=people_line,
                    first_day=first_day,
                    last_day=last_day,
                    offices=tuple(
                        (
                            body,
                            bodies.name(body, last_day)
                            if code == CITY
                            else bodies.office(body, row["kind"], row["name"], last_day),
                        )
                        for body in BODIES
                    ),
                    tile=tiles.get(code),
                )
            )
    alike = Counter(unit.full_name for unit in found)
    found = [replace(unit, when=_when(unit, period)) if alike[unit.full_name] > 1 else unit for unit in found]
    city = [unit for unit in found if unit.is_city]
    own = sorted((u for u in found if not u.is_city), key=lambda unit: (unit.last_day, unit.first_day, unit.order))
    if not city or not any(unit.last_day == period.end for unit in own):
        raise SettingsError(
            f"{shown}: không có đơn vị nào hiệu lực ngày {period.end:%d/%m/%Y}. Hãy bổ sung phiên bản đơn vị."
        )
    if len(city) > 1:
        raise SettingsError(
            f"{shown}, dòng {city[1].line}: khối thành phố lập một phiếu cho cả kỳ nên chỉ có một phiên bản trong kỳ."
        )
    return Units(tuple(own), city[0])


def _when(unit: Unit, period: Period) -> str:
    """Which days of the period are a version's, in a form that may stand in a file's name."""
    words = [f"từ {unit.first_day:%d-%m-%Y}"] * (unit.first_day > period.start)
    words += [f"đến {unit.last_day:%d-%m-%Y}"] * (unit.last_day < period.end)
    return f" ({' '.join(words)})"


def _tiles(project: Project) -> dict[str, tuple[int, int]]:
    """Row and column of each unit on the tile map, by its code; nothing where there is no such file."""
    if not is_there(project.tiles):
        return {}
    shown = project.relative(project.tiles)
    found: dict[str, tuple[int, int]] = {}
    for line, row in read_csv(project.tiles, shown, TILE_COLUMNS):
        place = [_whole(row[name], shown, line, name) for name in ("row", "column")]
        if row["unit_id"] in found or not all(place):
            raise SettingsError(f"{shown}, dòng {line}: mỗi đơn vị một dòng, row và column từ 1 trở đi.")
        found[row["unit_id"]] = (place[0] or 0, place[1] or 0)
    return found


class _Population:
    """The population figures of one concept, by unit and the days for which its boundary was so."""

    def __init__(self, project: Project, concept: str) -> None:
        shown = project.relative(project.population)
        self._rows: dict[str, list[tuple[date, date | None, int | None, int]]] = defaultdict(list)
        known = set()
        for line, row in read_csv(project.population, shown, POPULATION_COLUMNS):
            start, end = _day(row["valid_from"], shown, line), _day(row["valid_to"], shown, line)
            value = _whole(row["value"], shown, line, "value")
            known.add(row["concept"])
            if start is None:
                raise SettingsError(f"{shown}, dòng {line}: thiếu valid_from.")
            if row["concept"] == concept:
                self._rows[row["unit_id"]].append((start, end, value, line))
        if concept and concept not in known:
            raise SettingsError(
                f"{shown} không có khái niệm dân số “{concept}” (population_concept của năm).{nearest(concept, known)}"
            )

    def of(self, code: str, first_day: date, last_day: date) -> tuple[int | None, int | None]:
        """The figure and its line, or None twice where none holds for this boundary."""
        for start, end, value, line in self._rows.get(code, ()):
            if start <= first_day and (end is None or last_day <= end):
                return value, line
        return None, None


def names(units: Iterable[Unit]) -> str:
    """'Đồ Sơn, Kiến Thụy': names in the order given."""
    return ", ".join(unit.name for unit in units)


def _day(text: str, shown: str, line: int) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{shown}, dòng {line}: “{text}” không phải ngày dạng năm-tháng-ngày.") from None


def _whole(text: str, shown: str, line: int, column: str) -> int | None:
    if text and not re.fullmatch(r"[0-9]{1,12}", text):
        raise SettingsError(
            f"{shown}, dòng {line}, cột {column}: “{text}” không phải số nguyên (viết liền, không dấu chấm)."
        )
    return int(text) if text else None
