"""A second reckoning of the report's figures, to hold danvan's against: it imports nothing from danvan.

Reads every return of a year cell by cell, adds up, divides, asks scipy whether chance explains a change, and writes the
numbers in Vietnamese, each in its own way. One map a year: units that change within it are not reckoned here.
`Reckoning(project folder, year).texts` gives {placeholder of tests/published/sentences.csv: text as printed}.

Run: .venv/bin/python tests/independent.py FOLDER YEAR
"""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import openpyxl
from scipy.stats import binomtest, fisher_exact, norm

CITY = "Khối thành phố"
PAIRS = {  # ratios of two reported figures
    "tips_valuable_rate": ("tips_valuable", "tips_received"),
    "petitions_in_authority_rate": ("petitions_in_authority", "petitions_received"),
    "petitions_resolved_rate": ("petitions_resolved", "petitions_in_authority"),
    "callup_rate": ("callup_done", "callup_target"),
    "dvk_defence_security_share": ("dvk_defence_security", "dvk_registered"),
}
PER_COUNT = {  # ratios over something known of the units themselves, and their scale
    "plan_signed_rate": ("plan_signed", "units", 100),
    "commune_police_coverage": ("communes_with_officers", "communes", 100),
    "dvk_per_commune": ("dvk_registered", "commune_level_total", 1),
    "tips_per_10k": ("tips_received", "population", 10_000),
}
DECIMALS = {"fireworks_kg": 2, "explosives_kg": 2}
MILLIONS = {"web_views"}
SMALL_COUNT = 20  # below it a change is told in numbers
FEW_PEOPLE = 10_000  # below it a unit has no rate by population
LIKELY = 0.05  # from here on, chance explains a change
FEW_EXPECTED = 5  # below it shares are tested exactly


@dataclass(frozen=True)
class Entry:
    """One row of a return: what stands in its value cell, its precision word and its status."""

    value: Decimal | None
    yes_no: bool
    word: str
    status: str
    file: str
    sheet: str
    ref: str


@dataclass(frozen=True)
class Difference:
    """Two years apart: rounded as printed, in percent of last year where that is said, and whether by chance."""

    sign: int
    amount: Decimal
    percent: Decimal | None
    points: bool
    by_chance: bool
    measure: str
    places: int


@dataclass(frozen=True)
class Figure:
    """A number, the word before it, and how many of the districts that owe a part have given it."""

    value: Decimal | None
    word: str = ""
    reported: int = 0
    owed: int = 0
    yes_no: bool = False

    @property
    def coverage(self) -> str:
        return "" if self.reported == self.owed else f" [{self.reported}/{self.owed}]"


def written(value: Decimal | int, decimals: int = 0, *, padded: bool = False) -> str:
    """'4.342', '442,37', '02' where padded: half away from zero, no zeros at the end of the decimals."""
    sign = "-" if value < 0 else ""
    exact = abs(Decimal(value)).quantize(Decimal(10) ** -decimals, rounding=ROUND_HALF_UP)
    whole, _, part = format(exact, "f").partition(".")
    groups = []
    while len(whole) > 3:
        whole, group = whole[:-3], whole[-3:]
        groups.insert(0, group)
    part = part.rstrip("0")
    text = ".".join([whole, *groups]) + ("," + part if part else "")
    return sign + ("0" + text if padded and text in set("123456789") else text)


def percent(value: Decimal) -> str:
    return written(value, 1) + "%"


def day(iso: str) -> str:
    """'05/7/2022' of 2022-07-05: of the months, January and February have two digits."""
    year, month, number = iso.split("-")
    return f"{number}/{month if month in ('01', '02') else str(int(month))}/{year}"


def likely(part: Decimal, whole: int, part_before: Decimal, whole_before: int) -> bool:
    """Whether chance explains that of one whole so many are a part, and of another so many."""
    if part > whole or part_before > whole_before:
        return as_often(part, part_before, whole, whole_before)
    both, everyone = int(part + part_before), whole + whole_before
    if min(both, everyone - both) * min(whole, whole_before) < FEW_EXPECTED * everyone:
        rows = [[int(part), int(whole - part)], [int(part_before), int(whole_before - part_before)]]
        return bool(fisher_exact(rows).pvalue >= LIKELY)
    share = both / everyone
    error = (share * (1 - share) * (1 / whole + 1 / whole_before)) ** 0.5
    distance = abs(float(part) / whole - float(part_before) / whole_before) / error
    return bool(2 * norm.sf(distance) >= LIKELY)


def as_often(events: Decimal, before: Decimal, exposure: float = 1, exposure_before: float = 1) -> bool:
    """Whether chance explains that so much happened, and so much last year."""
    if not events + before:
        return True
    test = binomtest(int(events), int(events + before), exposure / (exposure + exposure_before))
    return bool(test.pvalue >= LIKELY)


class Reckoning:
    """All figures of one year of the project folder `root`, and of the year before if there are returns of it."""

    def __init__(self, root: Path, year: int, *, with_last: bool = True) -> None:
        self.root, self.year = root, year
        self.measures: dict[str, str] = {}  # code -> 'tin', as the forms have it
        self.heads: dict[str, str] = {}  # unit -> 'Quận Hồng Bàng'
        self.illustrative = False
        found: dict[str, dict[str, Entry]] = {}
        for path in sorted((root / "data" / str(year) / "returns").glob("*.xlsx")):
            unit, rows = self._read(path)
            found[unit] = rows
        self.counts = self._counts()
        self.districts = [unit for unit in self.counts if unit in found]
        self.rows = {unit: found[unit] for unit in (*self.districts, CITY)}
        before = root / "data" / str(year - 1) / "returns"
        self.last = Reckoning(root, year - 1, with_last=False) if with_last and before.is_dir() else None

    def _read(self, path: Path) -> tuple[str, dict[str, Entry]]:
        book = openpyxl.load_workbook(path)
        unit, rows = "", {}
        for sheet in book.worksheets:
            in_table = False
            for line in range(1, sheet.max_row + 1):
                code, name, measure, value, word, status = (sheet.cell(line, column).value for column in range(1, 7))
                if code == "Đơn vị":
                    head = unicodedata.normalize("NFC", str(name))
                    unit = head if head == CITY else re.sub(r"^(Quận|Huyện|Thành phố) ", "", head)
                    self.heads[unit] = head
                elif code == "Tính chất số liệu":
                    self.illustrative |= name == "Minh họa"
                elif code == "Mã":
                    in_table = True
                elif in_table and code:
                    yes_no = measure == "có/không"
                    if yes_no and value is not None:
                        value = {"Có": 1, "Không": 0}[value]
                    if value is None and status == "không phát sinh":
                        value = 0
                    number = None if value is None else Decimal(str(value))
                    where = path.relative_to(self.root).as_posix(), sheet.title, f"D{line}"
                    self.measures[code] = str(measure)
                    rows[code] = Entry(number, yes_no, word or "", status or "", *where)
        return unit, rows

    def _counts(self) -> dict[str, dict[str, int]]:
        """What is known of each district at the end of the year, in the official order."""
        first, end = f"{self.year}-01-01", f"{self.year}-12-31"
        concept = self._in_params(r"(?m)^population_concept: (.*?)(?: +#.*)?$")
        people = {
            row["unit_id"]: int(row["value"])
            for row in self._table("data/reference/population.csv")
            if row["concept"] == concept and row["valid_from"] <= first and end <= (row["valid_to"] or "9999")
        }
        found = {}
        for row in self._table("params/units.csv"):
            if row["kind"] == "khối thành phố":
                continue
            if row["valid_from"] <= end <= (row["valid_to"] or "9999"):
                kinds = ("wards", "townships", "communes", "special_zones")
                counts = {kind: int(row[kind]) for kind in kinds}
                every = {"units": 1, "population": people[row["unit_id"]], "commune_level_total": sum(counts.values())}
                found[row["name"]] = counts | every
        return found

    def _table(self, path: str) -> list[dict[str, str]]:
        with (self.root / path).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def _said(self, code: str) -> dict[str, str]:
        """What the catalogue says of an indicator, each of its keys as text."""
        catalogue = (self.root / "params" / "catalogue.yaml").read_text(encoding="utf-8")
        (block,) = re.findall(rf"(?m)^  - code: {code}\n((?:    .*\n)+)", catalogue)
        return dict(re.findall(r'(?m)^    (\w+): "?(.*?)"?$', block))

    def label(self, code: str, *, column: bool) -> str:
        """What the annex calls a figure: 'Tin có giá trị (tin)'; short at the head of a column."""
        said = self._said(code)
        if not column:
            return f"{said['name']} ({said['measured_in']})"
        measure = "" if said["kind"] == "boolean" else f" ({said['measured_in']})"
        return said.get("short", said["name"]) + measure

    # ------------------------------------------------------------ numbers

    def of(self, code: str, unit: str) -> Figure | None:
        """What one unit reported; None where the form does not ask or it does not apply."""
        entry = self.rows[unit].get(code)
        if entry is None or entry.status == "không áp dụng":
            return None
        known = int(entry.value is not None)
        word = "" if entry.word == "chính xác" else entry.word
        return Figure(entry.value, word, known, 1, entry.yes_no)

    def total(self, code: str) -> Figure:
        """The sum over the districts and the city offices."""
        parts = [part for unit in self.districts if (part := self.of(code, unit))]
        city = self.of(code, CITY)
        known = [part for part in (*parts, *([city] if city else [])) if part.value is not None]
        words = {part.word for part in known if part.word}
        word = "khoảng" if "khoảng" in words else words.pop() if len(words) == 1 else "hơn" if words else ""
        value = sum((part.value for part in known if part.value is not None), Decimal(0)) if known else None
        yes_no = bool(known and known[0].yes_no)
        return Figure(value, word, sum(part.reported for part in parts), len(parts), yes_no)

    def ratio(self, code: str, unit: str = "") -> Decimal | None:
        """A ratio of sums, of one unit or of the whole city; None where it does not apply."""
        if code in PAIRS:
            top, bottom = (self.of(part, unit) if unit else self.total(part) for part in PAIRS[code])
            if top is None or bottom is None or top.value is None or not bottom.value:
                return None
            return top.value / bottom.value * 100
        part, count, scale = PER_COUNT[code]
        figure = self.of(part, unit) if unit else self.total(part)
        if figure is None or figure.value is None or unit == CITY:
            return None
        below = [self.counts[name][count] for name in ([unit] if unit else self.districts) if self.of(part, name)]
        if not sum(below) or (unit and count == "population" and below[0] < FEW_PEOPLE):
            return None
        return figure.value / sum(below) * scale

    # ------------------------------------------------------------ words

    def prose(self, code: str) -> str:
        """A total as it stands in a sentence."""
        figure = self.total(code)
        assert figure.value is not None
        return f"{figure.word} {self._number(code, figure.value, padded=True)}".strip() + figure.coverage

    def in_table(self, code: str, unit: str = "") -> str:
        """A figure as it stands in the annex, of a unit or (without) of the whole city."""
        if code in PAIRS or code in PER_COUNT:
            ratio = self.ratio(code, unit)
            return "không áp dụng" if ratio is None else self._ratio_text(code, ratio)
        figure = self.of(code, unit) if unit else self.total(code)
        if figure is None:
            return "không áp dụng"
        if figure.value is None:
            return "chưa báo cáo"
        if unit and figure.yes_no:
            return "Có" if figure.value else "Không"
        text = f"{figure.word} {self._number(code, figure.value)}".strip()
        return text + ("" if unit else figure.coverage)

    def change(self, code: str) -> str:
        """'tăng 5,2% so với năm 2030 (số liệu minh họa)'; of what chance explains, how far apart the two are."""
        assert self.last
        against = f"so với năm {self.year - 1}" + " (số liệu minh họa)" * self.last.illustrative
        found = self._difference(code)
        if found is None:
            return f"không đổi {against}"
        amount = f"{written(found.amount, found.places, padded=not found.points)} {found.measure}"
        if found.by_chance:
            mark = "số liệu minh họa; " * self.last.illustrative
            told = f"{mark}chênh {amount}, trong mức dao động ngẫu nhiên"
            return f"không khác biệt rõ so với năm {self.year - 1} ({told})"
        way = "tăng" if found.sign > 0 else "giảm"
        if found.points or found.percent is None:
            return f"{way} {amount} {against}"
        if found.percent >= 200 and found.sign > 0:
            return f"gấp {written(found.percent / 100 + 1, 1)} lần {against}"
        return f"{way} {percent(found.percent) if found.percent else 'dưới 0,1%'} {against}"

    def change_in_table(self, code: str) -> str:
        """'+5,2%', '−3', '0', '≈ (+3)' of what chance explains, 'không so sánh được'."""
        if code not in PAIRS and code not in PER_COUNT:
            assert self.last
            now, last = self.total(code), self.last.total(code)
            if now.word or last.word or now.coverage or last.coverage:
                return "không so sánh được"
        found = self._difference(code)
        if found is None:
            return "0"
        sign = "+" if found.sign > 0 else "−"
        if found.points:
            text = f"{sign}{written(found.amount, 1)} điểm %"
        elif found.percent is None:
            text = f"{sign}{written(found.amount, found.places)}"
        else:
            text = sign + (percent(found.percent) if found.percent else "<0,1%")
        return f"≈ ({text})" if found.by_chance else text

    def _difference(self, code: str) -> Difference | None:
        """This year's total or ratio of the city against last year's; None where they are printed alike."""
        assert self.last
        is_ratio = code in PAIRS or code in PER_COUNT
        now, last = ((one.ratio(code) if is_ratio else one.total(code).value) for one in (self, self.last))
        assert now is not None
        assert last is not None
        places = 1 if is_ratio else DECIMALS.get(code, 0)
        step = Decimal(10) ** -places
        rounded = [number.quantize(step, rounding=ROUND_HALF_UP) for number in (now, last)]
        if rounded[0] == rounded[1]:
            return None
        points = code in PAIRS or PER_COUNT.get(code, ("", "", 0))[2] == 100
        counted = code in self.measures and not self.total(code).yes_no
        apart = None
        if not points and (code in PER_COUNT or (counted and min(now, last) >= SMALL_COUNT)):
            apart = (abs(now - last) / last * 100).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
        return Difference(
            1 if rounded[0] > rounded[1] else -1,
            abs(rounded[0] - rounded[1]),
            apart,
            points,
            self._by_chance(code, self.last),
            "điểm phần trăm" if points else self._measure(code),
            places,
        )

    def _measure(self, code: str) -> str:
        return "đơn vị" if code in self.measures and self.total(code).yes_no else self._said(code)["measured_in"]

    def _by_chance(self, code: str, last: Reckoning) -> bool:
        """Stocks, what is over them, and quantities are not drawn by chance; what happens is, and so are its shares."""
        above = {**PAIRS, **PER_COUNT}.get(code, (code,))[0]
        if self._said(above)["time"] == "stock":
            return False
        sides = [one.parts(code) for one in (self, last)]
        (part, whole), (part_before, whole_before) = sides
        if code in PAIRS or PER_COUNT.get(code, ("", "", 0))[2] == 100 or self._said(code)["kind"] == "boolean":
            return likely(part, whole, part_before, whole_before)
        if code in PER_COUNT:
            return as_often(part, part_before, whole, whole_before)
        is_event = self._said(code)["kind"] == "count" and self._said(code)["time"] == "flow"
        return is_event and as_often(part, part_before)

    def parts(self, code: str) -> tuple[Decimal, int]:
        """What stands above and below the line for the whole city; of a figure that is no ratio, who reported it."""
        if code in PAIRS:
            top, bottom = (self.total(name).value for name in PAIRS[code])
            assert bottom is not None
            whole = int(bottom)
        elif code in PER_COUNT:
            name, count, _ = PER_COUNT[code]
            top, whole = self.total(name).value, sum(self.counts[u][count] for u in self.districts if self.of(name, u))
        else:
            top, whole = self.total(code).value, self.total(code).reported
        assert top is not None
        return top, whole

    def _ratio_text(self, code: str, ratio: Decimal) -> str:
        is_percent = code in PAIRS or PER_COUNT[code][2] == 100
        return percent(ratio) if is_percent else written(ratio, 1)

    def _number(self, code: str, value: Decimal, *, padded: bool = False) -> str:
        if code in MILLIONS and value and value % 10_000 == 0:
            return written(value / 1_000_000, 2) + " triệu"
        return written(value, DECIMALS.get(code, 0), padded=padded)

    def _pair(self, code: str) -> str:
        top, bottom = (self.total(part) for part in PAIRS[code])
        assert top.value is not None
        assert bottom.value is not None
        return f"{written(top.value)}/{written(bottom.value)}"

    def _who(self, code: str, answer: int) -> list[str]:
        return [unit for unit in self.districts if (f := self.of(code, unit)) and f.value == answer]

    def _office(self, unit: str) -> str:
        kind = self.heads[unit].removesuffix(" " + unit)
        return f"Ban Dân vận {'Thành' if kind == 'Thành phố' else kind} ủy {unit}"

    def _in_params(self, pattern: str) -> str:
        text = (self.root / "params" / f"{self.year}.yaml").read_text(encoding="utf-8")
        found = re.search(pattern, text)
        assert found, pattern
        return found[1]

    def _stated(self, code: str) -> str:
        path = f"data/{self.year}/stated.csv"
        rows = self._table(path) if (self.root / path).exists() else []
        texts = [
            f"{row['precision']} {self._number(code, Decimal(row['value'].replace('.', '')), padded=True)}".strip()
            for row in rows
            if row["indicator"] == code
        ]
        return ", ".join(texts)

    @property
    def texts(self) -> dict[str, str]:
        """Every placeholder with its text. An empty text: the year has no such thing, and the report no such words."""
        signed, review = self.total("plan_signed"), self.total("movement_review_held")
        assert signed.value is not None
        assert review.value is not None
        left = [self.total(code).value or Decimal(0) for code in ("petitions_in_authority", "petitions_resolved")]
        found = {code: self.prose(code) for code in self.measures}
        for code in (*PAIRS, *PER_COUNT):
            ratio = self.ratio(code)
            assert ratio is not None
            found[code] = self._ratio_text(code, ratio)
        found |= {
            "plan_signed_pair": f"{written(signed.value)}/{len(self.districts)}",
            "plan_unsigned_offices": ", ".join(map(self._office, self._who("plan_signed", 0))),
            "inspected_names": ", ".join(self._who("inspected", 1)),
            "callup_pair": self._pair("callup_rate"),
            "petitions_resolved_pair": self._pair("petitions_resolved_rate"),
            "petitions_left": written(left[0] - left[1], padded=True),
            "movement_review_share": percent(review.value / review.reported * 100) + review.coverage,
            "leaders_per_unit": written(Decimal(self._in_params(r"(?m)^leaders_per_unit: (\d+)")), padded=True),
            "online_services": self._in_params(r"hướng dẫn (\d+) dịch vụ công trực tuyến"),
            "dvk_defence_security_stated": self._stated("dvk_defence_security"),
        }
        if self.last:
            whole = [code for code in self.measures if self.change_in_table(code) != "không so sánh được"]
            found |= {f"{code}_change": self.change(code) for code in (*whole, *PAIRS, *PER_COUNT)}
        return found


if __name__ == "__main__":
    for placeholder, text in Reckoning(Path(sys.argv[1]), int(sys.argv[2])).texts.items():
        print(f"{placeholder}: {text}")
