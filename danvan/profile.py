"""One unit's own page: `u = open_profile(year, unit)`.

`packet` picks from a year what one unit may see: its own figures, limits, the city's figure, and sums of five other
units or more. The notebook's kernel gets the packet and nothing else, so nothing of another unit can show in a profile.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from danvan import paper, pictures, plots, tables, wording
from danvan.book import Book
from danvan.catalogue import Indicator
from danvan.document import Column, Meta, Table, TableCell, TableRow, from_json, to_json
from danvan.errors import SettingsError
from danvan.intake.findings import Finding
from danvan.intake.year import read_year
from danvan.measures import TOTAL, Result, rounded, span_scope
from danvan.outputs import Drawn, Shown, plain_title, shown
from danvan.paths import find_project
from danvan.trace import NO_DIGESTS, Digests, beside_last, files, told, traced
from danvan.units import Unit
from danvan.wording import Phrase

LEAST = 5  # so many other units stand behind a sum at least, and behind what it leaves of the city
PACKET = "DANVAN_PACKET"  # the file that a build gives the kernel
_FUNNELS = ("tips_valuable_rate", "petitions_resolved_rate")
_PLACES = {
    "inside": "trong giới hạn dao động ngẫu nhiên quanh mức chung",
    "low-0.025": "thấp hơn giới hạn 95% quanh mức chung",
    "low-0.001": "thấp hơn giới hạn 99,8% quanh mức chung",
    "high-0.025": "cao hơn giới hạn 95% quanh mức chung",
    "high-0.001": "cao hơn giới hạn 99,8% quanh mức chung",
}
Packet = dict[str, Any]


def packet(book: Book, unit: Unit, digests: Digests = NO_DIGESTS) -> Packet:
    """All that the profile of `unit` shows, as JSON data; `book` is the internal edition's, `digests` as in `trace`."""
    sections = list(dict.fromkeys(indicator.section for indicator in book.catalogue.reported))
    concerned = [indicator for indicator in book.catalogue.indicators if _concerns(unit, indicator, book)]
    rows = [_row(book, unit, i) for i in sorted(concerned, key=lambda i: sections.index(i.section))]
    gaps = [
        book.catalogue.by_code[code].name
        for (code, scope), result in book.results.items()
        if scope == unit.id and result.owed and result.indicator.kind != "ratio" and not result.reported
    ]
    findings = [f for f in book.findings if f.unit == unit.full_name and f.is_open and f.rule != "missing-return"]
    day = book.params.document.date or book.params.data_cutoff
    meta = Meta(
        title=f"Hồ sơ số liệu năm {book.params.year}: {unit.full_name}",
        year=book.params.year,
        edition="internal",
        profile="house_compact",
        authors=tuple(body.name for body in book.params.bodies),
        marks=tuple(filter(None, ("Lưu hành nội bộ.", _illustrative(book, unit)))),
        illustrative=_illustrative(book, unit),
        date=day.isoformat() if day else None,
    )
    keys = {row[name]["key"] for row in rows for name in ("own", "last")} - {""}
    own = {r.key: r for results in (book.results, book.last_results) for r in results.values() if r.key in keys}
    return {
        "year": book.params.year,
        "unit": unit.full_name,
        "name": unit.name,
        "span": wording.span(unit.first_day, unit.last_day),
        "missing": unit in book.missing,
        "confidence": book.params.thresholds.confidence_percent,
        "meta": to_json(meta),
        "city": "Toàn thành phố" if len(book.units.spans) == 1 else "Các đơn vị cùng kỳ",
        "peers": _peers_label(unit, len(_peers(book, unit))),
        "rows": rows,
        "funnels": {code: found for code in _FUNNELS if (found := _funnel(book, unit, code))},
        "gaps": gaps,
        "findings": [_finding(book, finding) for finding in findings],
        "trace": _trace(book, unit, own, findings, digests),
    }


def _trace(book: Book, unit: Unit, own: dict[str, Result], findings: list[Finding], digests: Digests) -> dict[str, Any]:
    """The way back of the unit's own figures: of its returns alone; what it shares with others changes with them."""
    results = {key: traced(result, {unit.id: unit.full_name}) for key, result in own.items()}
    for key, result in own.items():
        if result.year == book.params.year:
            results[key] |= beside_last(book.change_of(result.indicator.code, unit.id), book.params.year - 1)
    indicators = {result.indicator.code: result.indicator for result in own.values()}
    named = files(results.values(), digests)
    return {
        "results": results,
        "indicators": {code: told(indicator, book, findings) for code, indicator in indicators.items()},
        "files": {path: digest for path, digest in named.items() if "/returns/" in path},
    }


def _concerns(unit: Unit, indicator: Indicator, book: Book) -> bool:
    """Whether the unit reports it, or both parts of a ratio of it."""
    if indicator.kind != "ratio":
        return unit.owes(indicator) == "owed"
    parts = [book.catalogue.by_code.get(name or "") for name in (indicator.numerator, indicator.denominator)]
    one = parts[0] is not None and parts[0].kind == "boolean"
    return not one and all(part is None or unit.owes(part) == "owed" for part in parts)


def _row(book: Book, unit: Unit, indicator: Indicator) -> dict[str, Any]:
    change = book.change_of(indicator.code, unit.id)
    fair = change.last is not None and change.last.value is not None
    return {
        "section": indicator.section,
        "name": indicator.name,
        "measured_in": indicator.measured_in,
        "own": _cell(change.now),
        "last": _cell(change.last) if change.last and fair else {"text": "–", "kind": "not_applicable", "key": ""},
        "change": wording.change_in_table(change),
        "reason": change.reason,
        "city": _city_text(_city(book, unit, indicator)),
        "peers": _of_peers(book, unit, indicator),
    }


def _cell(result: Result) -> dict[str, str]:
    cell = tables.cell(result)
    return {"text": cell.text, "kind": cell.kind, "key": result.key if "+" not in result.scope else ""}


def _city(book: Book, unit: Unit, indicator: Indicator) -> Result | None:
    """The city's figure; where the map changes within the year, that of all units of the same days, if many."""
    if len(book.units.spans) == 1:
        return book.results[indicator.code, TOTAL]
    there = next(units for first, last, units in book.units.spans if (first, last) == (unit.first_day, unit.last_day))
    return book.results[indicator.code, span_scope(unit.first_day, unit.last_day)] if len(there) > LEAST else None


def _city_text(result: Result | None) -> str:
    if result is None:
        return "–"
    if result.indicator.kind == "boolean" and result.value is not None:
        return f"{wording.number(result.value)}/{result.reported} Có"
    return wording.in_table(result) + wording.coverage(result)


def _peers(book: Book, unit: Unit) -> list[Unit]:
    """The other units of its kind, for the same days."""
    days = (unit.first_day, unit.last_day)
    return [u for u in book.units.districts if u != unit and u.kind == unit.kind and (u.first_day, u.last_day) == days]


def _peers_label(unit: Unit, count: int) -> str:
    return f"Bình quân {count} {unit.kind} khác" if count >= LEAST else ""


def _of_peers(book: Book, unit: Unit, indicator: Indicator) -> str:
    """The mean of the others of its kind, or their ratio; '–' where fewer than five stand behind it or the rest."""
    days = (unit.first_day, unit.last_day)
    others = [u for u in book.units.districts if u != unit and (u.first_day, u.last_day) == days]
    known = {u: r for u in others if (r := book.results[indicator.code, u.id]).value is not None}
    alike = [result for other, result in known.items() if other.kind == unit.kind]
    rest = len(known) - len(alike)
    if len(alike) < LEAST or 0 < rest < LEAST:
        return "–"
    if indicator.kind == "boolean":
        return f"{wording.number(sum((r.value or Decimal(0) for r in alike), Decimal(0)))}/{len(alike)} Có"
    if indicator.kind == "ratio":
        above = sum((r.numerator or Decimal(0) for r in alike), Decimal(0))
        below = sum((r.denominator or Decimal(0) for r in alike), Decimal(0))
        return wording.measured(above / below * (indicator.scale or 1), indicator) if below else "–"
    mean = sum((r.value or Decimal(0) for r in alike), Decimal(0)) / len(alike)
    return wording.number(rounded(mean, 1), 1)


def _funnel(book: Book, unit: Unit, code: str) -> dict[str, Any] | None:
    """The unit's own point, with limits over sizes around its own: no size of another unit shows in it."""
    indicator = book.catalogue.by_code.get(code)
    own, total = book.results.get((code, unit.id)), _city(book, unit, indicator) if indicator else None
    if indicator is None or own is None or total is None or not pictures.is_placed(own):
        return None
    if not total.denominator or total.numerator is None or total.value is None:
        return None
    size = float(own.denominator or 0)
    return {
        "name": indicator.name,
        "measured_in": indicator.measured_in,
        "base": pictures.base(book, indicator),
        "size": size,
        "value": float(own.value or 0),
        "text": wording.in_table(own),
        "place": pictures.place(own, total),
        "average": float(total.value),
        "average_text": wording.in_table(total),
        "curves": [[c.label, c.points] for c in pictures.limit_curves(indicator, total, [size / 3, size, size * 3])],
    }


def _finding(book: Book, finding: Finding) -> dict[str, str]:
    return {
        "level": "lỗi" if finding.severity == "error" else "chờ giải trình",
        "indicator": book.catalogue.by_code[finding.indicator].name if finding.indicator else "",
        "where": str(finding.cell),
        "found": finding.found,
        "reason": finding.reason,
        "remedy": finding.remedy,
    }


def _illustrative(book: Book, unit: Unit) -> str:
    """What is illustrative on the page, in one sentence; '' when all is real."""
    own = any(r.provenance == "illustrative" for (_, scope), r in book.results.items() if scope == unit.id)
    parts = ["số liệu của đơn vị"] * own
    parts += ["số liệu toàn thành phố"] * book.illustrative_city
    parts += [f"số liệu năm {book.params.year - 1}"] * book.illustrative_last
    return wording.upper_first(f"{wording.enumerate_(parts)} là số liệu minh họa.") if parts else ""


class Profile:
    """What the notebook of a profile shows, from a packet."""

    def __init__(self, data: Packet) -> None:
        self._data = data

    # ------------------------------------------------------------ words

    @property
    def unit(self) -> Phrase:
        """'Quận Hồng Bàng'."""
        return Phrase(self._data["unit"])

    @property
    def year(self) -> Phrase:
        return Phrase(str(self._data["year"]))

    @property
    def span(self) -> Phrase:
        """'từ 01/01/2025 đến 30/6/2025'."""
        return Phrase(self._data["span"])

    @property
    def state(self) -> Phrase:
        """Where its return stands, in a sentence."""
        if self._data["missing"]:
            return Phrase("Chưa có phiếu đọc được của đơn vị trong kỳ này.")
        gaps, found = (wording.number(len(self._data[name]), padded=True) for name in ("gaps", "findings"))
        parts = [f"còn {gaps} ô số liệu chưa có"] * bool(self._data["gaps"])
        parts += [f"còn {found} điểm phải sửa hoặc giải trình"] * bool(self._data["findings"])
        if not parts:
            return Phrase("Phiếu của đơn vị đã đủ số liệu, không còn điểm nào phải sửa hoặc giải trình.")
        return Phrase(wording.upper_first(f"{wording.enumerate_(parts)}."))

    @property
    def confidence(self) -> Phrase:
        """'95%'."""
        return Phrase(f"{self._data['confidence']}%")

    def place(self, code: str) -> Phrase:
        """Where the unit stands in the funnel around the city's ratio; nothing where it has none."""
        found = self._data["funnels"].get(code)
        if not found:
            return Phrase("")
        text = f"{wording.lower_first(found['name'])} {found['text']} ({self.city_word}: {found['average_text']})"
        return Phrase(f"{text}, {_PLACES[found['place']]}")

    @property
    def places(self) -> Phrase:
        """All of these in one sentence, or why there is none."""
        found = [place for code in self._data["funnels"] if (place := self.place(code))]
        if not found:
            return Phrase(f"Không có tỷ lệ nào có mẫu số từ {pictures.TOO_SMALL} trở lên để đặt cạnh mức chung.")
        return Phrase(f"Trong năm, {'; '.join(map(str, found))}.")

    @property
    def city_word(self) -> Phrase:
        return Phrase(wording.lower_first(self._data["city"]))

    # ------------------------------------------------------------ blocks

    def title_block(self) -> Shown:
        """The title; carries what the document says about itself."""
        meta = from_json(self._data["meta"])
        assert isinstance(meta, Meta)
        subject = f"Số liệu phối hợp công tác dân vận năm {self._data['year']}"
        return plain_title(meta, self._data["unit"], subject)

    def table(self, caption: str) -> Shown:
        """Its figures, last year's, the change, the city's, and those of the others of its kind."""
        peers = self._data["peers"]
        columns = [
            Column(self._data["name"]),
            Column("Năm trước"),
            Column("So với năm trước"),
            Column(self._data["city"]),
        ]
        columns += [Column(peers)] * bool(peers)
        rows: list[TableRow] = []
        section = ""
        for row in self._data["rows"]:
            if row["section"] != section:
                section = row["section"]
                rows.append(TableRow(f"Mục {section}", (), "section"))
            own, last = (
                TableCell(c["text"], c["kind"], (c["key"],) * bool(c["key"])) for c in (row["own"], row["last"])
            )
            cells = [own, last, TableCell(row["change"], "value"), TableCell(row["city"], "value")]
            cells += [TableCell(row["peers"], "value")] * bool(peers)
            rows.append(TableRow(f"{row['name']} ({row['measured_in']})", tuple(cells)))
        reasons = dict.fromkeys(row["reason"] for row in self._data["rows"] if row["reason"])
        notes = [tables.LEGEND] + [f"Không so sánh được: {'; '.join(reasons)}."] * bool(reasons)
        return shown(Table("so-lieu", caption, "Chỉ tiêu", tuple(columns), tuple(rows), tuple(notes)))

    def funnel(self, code: str, question: str) -> Drawn | None:
        """Its point between the limits of chance around the city's ratio; nothing where it has no such ratio."""
        found = self._data["funnels"].get(code)
        if found is None:
            return None
        point = plots.Point(self._data["name"], found["size"], found["value"], found["text"], found["place"], mark=True)
        curves = [plots.Curve(label, tuple((a, b, c) for a, b, c in points)) for label, points in found["curves"]]
        chart = plots.funnel(
            [point],
            curves,
            found["average"],
            f"{self._data['city']}: {found['average_text']}",
            found["base"],
            f"{found['name']} ({found['measured_in']})",
            mark=self._data["meta"]["illustrative"],
        )
        return Drawn(chart.figure, f"vi-tri-{code.replace('_', '-')}", question, chart.alt, (), chart.table)

    def gaps(self) -> Shown | None:
        """What it still owes; nothing where it owes nothing."""
        rows = [TableRow(name, (TableCell("chưa báo cáo", "missing"),)) for name in self._data["gaps"]]
        columns = (Column("Tình trạng", align="left"),)
        return shown(Table("con-thieu", "Số liệu còn thiếu", "Chỉ tiêu", columns, tuple(rows))) if rows else None

    def findings(self) -> Shown | None:
        """Its findings that are still open; nothing where there are none."""
        names = {"where": "Nơi", "found": "Ghi trong phiếu", "reason": "Vì sao", "remedy": "Cần làm"}
        rows = [
            TableRow(one["indicator"] or one["level"], tuple(TableCell(one[name], "text") for name in names))
            for one in self._data["findings"]
        ]
        columns = tuple(Column(label, align="left") for label in names.values())
        return (
            shown(Table("can-xem", "Những điểm chờ sửa hoặc giải trình", "Chỉ tiêu", columns, tuple(rows)))
            if rows
            else None
        )


def open_profile(year: int | None = None, unit: str = "") -> Profile:
    """Open the profile of a unit (by any spelling of its name) for a year; without them, the first of the latest year.

    Raises SettingsError for an unknown unit or year. Within a build it reads what the build prepared for this unit.
    """
    paper.use_style()
    if prepared := os.environ.get(PACKET):
        return Profile(json.loads(Path(prepared).read_text(encoding="utf-8")))
    project = find_project()
    book = Book(read_year(project, year or project.latest_year()), "internal")
    found, *_ = units_named(book, [unit] if unit else [])
    return Profile(json.loads(json.dumps(packet(book, found))))


def units_named(book: Book, names: Sequence[str]) -> list[Unit]:
    """The units meant by these names; all of the year, the city offices apart, where none is named."""
    if not names:
        return list(book.units.districts)
    try:
        found = [book.units.resolve(name) for name in names]
    except LookupError as error:
        raise SettingsError(f"Không nhận ra đơn vị: {error}") from None
    if any(unit.is_city for unit in found):
        raise SettingsError("Khối thành phố không có hồ sơ riêng; số của khối ở trong báo cáo năm.")
    return found
