"""The format of an official document, as data: each measure and each fixed word of a format, and which one is in force.

The files stand in `publish/profiles/`; the writers, the lint and the yearbook (for words such as “Số”) read the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from danvan.errors import SettingsError, nearest
from danvan.loading import Place, Read, Strict, checked, read_yaml

PROFILES = Path(__file__).with_name("publish") / "profiles"
FAMILIES = ("party", "state")
_ABOUT = ("name", "family", "in_force", "source", "unsure")  # what a file says of itself is never its base's
_OWN = {(key,) for key in _ABOUT}

Json = dict[str, Any]
Number = Annotated[float, BeforeValidator(lambda v: float(v) if type(v) in (int, Decimal) else v)]
Length = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]

# ---------------------------------------------------------------- what a profile has to say


class _Part(Strict):
    """Blanks around a word are part of the format: 'Lưu: ', ' -'."""

    model_config = ConfigDict(str_strip_whitespace=False)


class Face(_Part):
    bold: bool = False
    italic: bool = False


class Style(Face):
    size_pt: Length


class Margin(_Part):
    top: Length
    bottom: Length
    left: Length
    right: Length


class Turned(_Part):
    """One measure for upright pages, one for those that lie on their side."""

    portrait: Any
    landscape: Any


class Heights(Turned):
    portrait: Length
    landscape: Length


class Sizes(Turned):
    portrait: Annotated[tuple[Length, ...], Field(min_length=1)]
    landscape: Annotated[tuple[Length, ...], Field(min_length=1)]


class Inset(_Part):
    x: Length
    y: Length


class Insets(Turned):
    portrait: Inset
    landscape: Inset


class Shares(Turned):
    portrait: Share
    landscape: Share


class InForce(_Part):
    """The first and the last day; `until` is null while nothing has come after it."""

    first: date = Field(alias="from")
    until: date | None


class Unsure(_Part):
    """A key whose value the sources at hand do not settle, and why."""

    key: str
    reason: str


class Page(_Part):
    width_mm: Length
    height_mm: Length
    margin_mm: Margin
    landscape_margin_mm: Margin


class FirstPage(_Part):
    main: bool
    annex: bool


class PageNumber(_Part):
    size_pt: Length
    from_edge_mm: Length
    on_first_page: FirstPage


class BodyText(_Part):
    size_pt: Length
    line_pt: Length
    line_most_pt: Length
    paragraph_gap_pt: Length
    first_line_mm: Length
    looser_pt: Length


class NumberLine(Style):
    """`label` before the number, `joined_by` between it and the symbol: 'Số 15-BC/BDVTU', 'Số: 15/BC-CATP'."""

    label: str
    joined_by: Literal["-", "/"]


class PlaceDate(Style):
    form: str


class Head(_Part):
    columns_mm: tuple[Length, Length]
    heading_text: str
    motto_text: str
    party: Style
    motto: Style
    superior: Style
    issuer: Style
    issuers_joined_by: str
    issuer_rule_share: Share
    star: str
    star_size_pt: Length
    line_pt: Length
    rule_pt: Length
    rule_gap_pt: Length
    number: NumberLine
    place_date: PlaceDate
    gap_pt: Length


class Title(_Part):
    kind: Style
    subject: Style
    line_pt: Length
    rule: str
    rule_share: Share
    rule_gap_pt: Length
    gap_pt: Length


class Lists(_Part):
    bullets: tuple[str, ...]
    numbers: tuple[str, ...]
    gap_mm: Length


class Footnotes(_Part):
    size_pt: Length
    line_pt: Length
    gap_pt: Length
    rule_mm: Length
    rule_pt: Length
    mark_size_em: Length
    mark_raise_em: Length
    after_number_em: Length


class Figures(_Part):
    max_height_mm: Heights
    max_height_under_annex_heading_mm: Heights
    caption: Style
    line_pt: Length
    gap_pt: Length
    around_pt: Length


class Notes(Style):
    line_pt: Length


class CellStyle(_Part):
    fill: Colour
    italic: bool


class Tables(_Part):
    sizes_pt: Sizes
    line_ratio: Length
    inset_pt: Insets
    rule_pt: Length
    caption: Style
    line_pt: Length
    gap_pt: Length
    around_pt: Length
    notes: Notes
    kept_whole: Shares
    head_lines: int
    column_cap: Share
    bold_rows: tuple[str, ...]
    italic_rows: tuple[str, ...]
    cells: dict[Literal["value", "text", "missing", "not_applicable", "hidden"], CellStyle]


class Links(_Part):
    fill: Colour


class Grammar(_Part):
    """How one side signs; a first line that begins with one of `authority` says by whose authority."""

    size_pt: Length
    authority: tuple[str, ...]
    authority_bold: bool
    post_bold: bool
    name_bold: bool
    with_rank: bool


class Signature(_Part):
    line_pt: Length
    space_mm: Length
    party: Grammar
    state: Grammar


class Distribution(_Part):
    label: str
    label_size_pt: Length
    label_underlined: bool
    label_bold: bool
    label_italic: bool
    size_pt: Length
    line_pt: Length
    bullet: str
    separator: str
    end: str
    archive: str
    width_mm: Length
    before_pt: Length


class ClosingFormat(_Part):
    signature: Signature
    before_pt: Length
    distribution: Distribution


class Annex(_Part):
    heading: Style
    number: str
    label: str
    numbers: Literal["roman", "arabic"]
    numbered_from: int
    title_capitals: bool
    line_pt: Length
    reference: Style
    reference_text: str
    gap_pt: Length


class Dates(_Part):
    cited: str


class Marks(Face):
    size_pt: Length
    line_pt: Length
    from_edge_mm: Length
    joined_by: str
    fill: Colour


class FormatProfile(_Part):
    """A whole profile, its base already below it. `allowed`: the least and the most that a rule grants a measure."""

    name: str
    family: Literal["party", "state", "house"]
    in_force: InForce | None
    source: str
    unsure: tuple[Unsure, ...]
    font: str
    allowed: dict[str, tuple[Length, Length]]
    page: Page
    page_number: PageNumber
    body: BodyText
    head: Head
    title: Title
    headings: dict[Literal["2", "3", "4"], Face]
    lists: Lists
    footnotes: Footnotes
    figures: Figures
    tables: Tables
    links: Links
    closing: ClosingFormat
    annex: Annex
    dates: Dates
    marks: Marks

    def inconsistencies(self) -> Iterable[tuple[Place, str]]:
        whole = self.model_dump(by_alias=True)
        for index, unsure in enumerate(self.unsure):
            if at(whole, unsure.key) is None:
                yield ("unsure", index, "key"), f"không có khóa “{unsure.key}” trong mẫu này. Hãy sửa tên khóa hoặc bỏ."
        for key, (least, most) in self.allowed.items():
            value = at(whole, key)
            if not isinstance(value, float):
                yield ("allowed", key), f"“{key}” không phải là một số đo của mẫu này. Hãy sửa tên khóa hoặc bỏ."
            elif not least <= value <= most:
                yield ("allowed", key), f"“{key}” là {value:g}, ngoài khoảng cho phép {least:g}-{most:g}."
        if (self.in_force is None) != (self.family == "house"):
            yield ("in_force",), "mẫu của Đảng, Nhà nước phải có ngày hiệu lực; mẫu nội bộ (house) để null."


# ---------------------------------------------------------------- reading


def names() -> list[str]:
    """The names of all profiles, sorted."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def official() -> list[str]:
    """The names of those that an official document may take: all but the house's own."""
    return [name for name in names() if load(name)["family"] in FAMILIES]


@cache
def load(name: str) -> Json:
    """A profile by name, whole (over its base) and checked: plain dicts and lists, every measure a float.

    Raises SettingsError where there is none of that name, or the file is wrong: file, line, what to do.
    """
    known = names()
    if name not in known:
        raise SettingsError(
            f"Không có mẫu thể thức “{name}”. Các mẫu hiện có: {', '.join(known)}.{nearest(name, known)}"
        )
    read = _read(name)
    made: Json = _plain(checked(read, FormatProfile).model_dump(by_alias=True))
    return made


def _read(name: str) -> Read:
    """The file with what it is based on below it."""
    path = PROFILES / f"{name}.yaml"
    read = read_yaml(path, f"publish/profiles/{path.name}")
    if not isinstance(read.value, dict) or "base" not in read.value:
        return read
    base = _read(read.value.pop("base"))
    value = {key: item for key, item in base.value.items() if key not in _ABOUT}
    return read.over(Read(value, {place: line for place, line in base.places.items() if place[:1] not in _OWN}))


def _plain(value: Any) -> Any:
    """Tuples as lists and dates as texts, as JSON would give them back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def at(profile: Json, key: str) -> Any:
    """What stands at a dotted key: 'head.number.size_pt'; None where nothing does."""
    value: Any = profile
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def allowed(profile: Json, key: str) -> tuple[float, float]:
    """The least and the most that the measure at a dotted key may be; alike where the rule leaves no choice."""
    least, most = profile["allowed"].get(key) or (at(profile, key),) * 2
    return float(least), float(most)


# ---------------------------------------------------------------- choosing


def chosen(name_or_family: str, day: date) -> str:
    """The name of a profile: as it is given, or that of a family (party, state) which is in force on `day`.

    Raises SettingsError where there is none, or a family has two on one day.
    """
    if name_or_family not in FAMILIES:
        known = official()
        if name_or_family not in known:
            hint = nearest(name_or_family, (*FAMILIES, *known))
            raise SettingsError(
                f"không có mẫu thể thức “{name_or_family}”.{hint} Hãy ghi một họ mẫu ({', '.join(FAMILIES)}: mẫu có "
                f"hiệu lực vào ngày văn bản) hoặc một mẫu ({', '.join(known)})."
            )
        return name_or_family
    there = [name for name in official() if load(name)["family"] == name_or_family]
    fitting = [name for name in there if _in_force(load(name)["in_force"], day)]
    if len(fitting) != 1:
        found = "hơn một mẫu" if fitting else "không có mẫu nào"
        raise SettingsError(
            f"họ “{name_or_family}” {found} có hiệu lực vào ngày {day:%d/%m/%Y}. Hãy ghi rõ một mẫu: "
            f"{', '.join(there)}."
        )
    return fitting[0]


def _in_force(span: Json, day: date) -> bool:
    return span["from"] <= day.isoformat() and (span["until"] is None or day.isoformat() <= span["until"])


# ---------------------------------------------------------------- words that a format fixes


def numbered(profile: Json, number: str | None, symbol: str) -> str:
    """The line of the number: 'Số 15-BC/BDVTU', 'Số: ....../BC-CATP' while there is none."""
    form = profile["head"]["number"]
    return f"{form['label']} {number or '......' + form['joined_by'] + symbol}"


def archived(profile: Json, recipient: str) -> str:
    """A recipient, where it is the archive in the words of the format: 'Lưu: VT, BDVTU'; any other as it is."""
    found = re.match(r"Lưu\b:?\s*(VT,\s*)?", recipient)
    return profile["closing"]["distribution"]["archive"] + recipient[found.end() :] if found else recipient


def is_authority(profile: Json, grammar: str, line: str) -> bool:
    """Whether the line of a signature says by whose authority: 'K/T TRƯỞNG BAN', 'KT. GIÁM ĐỐC'."""
    return line.upper().startswith(tuple(f"{form} " for form in profile["closing"]["signature"][grammar]["authority"]))


def foreign_authority(profile: Json, grammar: str, line: str) -> str:
    """The other grammar's words of authority that the line begins with ('KT.' where K/T is due), or ''."""
    other = profile["closing"]["signature"]["state" if grammar == "party" else "party"]["authority"]
    return next((form for form in other if line.upper().startswith(f"{form} ")), "")


def annex_number(profile: Json, index: int, count: int) -> str:
    """The number line of annex `index` (from 1) of `count`: 'Phụ lục', 'Phụ lục II'."""
    annex = profile["annex"]
    if count < annex["numbered_from"]:
        return str(annex["label"])
    return f"{annex['label']} {roman(index) if annex['numbers'] == 'roman' else index}"


def roman(number: int) -> str:
    """'IV'; numbers up to 39."""
    return "".join(_romans(number))


def _romans(number: int) -> Iterator[str]:
    for value, letters in ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        while number >= value:
            yield letters
            number -= value
