"""Results -> tables of the document."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from html import escape

from danvan.bodies import Bodies
from danvan.catalogue import Catalogue, Indicator
from danvan.comparison import Change
from danvan.document import CellKind, Column, RowRole, Table, TableCell, TableRow
from danvan.intake.findings import Finding
from danvan.intake.observations import Status
from danvan.intake.stated import Stated
from danvan.lineage import Lineage, Link
from danvan.measures import TOTAL, Result, Results, span_scope
from danvan.params import Period
from danvan.units import Unit, Units
from danvan.wording import (
    change_in_table,
    coverage,
    in_table,
    measured,
    number,
    short_date,
    span,
    upper_first,
    why_not,
    with_bound,
)

_KINDS: dict[Status, CellKind] = {
    Status.NOT_REPORTED: "missing",
    Status.NOT_APPLICABLE: "not_applicable",
    Status.WITHHELD: "hidden",
    Status.NO_DENOMINATOR: "not_applicable",
}
_FEW = 8  # more changes of the map are counted, not told one by one
_WITHHELD = {True: "không nêu trong báo cáo", False: "không công bố theo đơn vị"}  # by whether the unit is named
LEGEND = (
    "“–”: không áp dụng; “chưa báo cáo”: đơn vị phải báo cáo nhưng chưa có số; "
    "“≈”: chênh lệch trong mức dao động ngẫu nhiên."
)


HIDDEN = (
    "“không công bố”: số nhỏ về người, hoặc số mà từ đó suy ra được số nhỏ ấy; vẫn được tính trong số toàn thành phố."
)


def cell(result: Result) -> TableCell:
    """One result as a table cell."""
    return TableCell(in_table(result) + coverage(result), _KINDS.get(result.status, "value"), (result.key,))


def change_cell(change: Change) -> TableCell:
    kind: CellKind = "not_applicable" if change.way == "incomparable" else "value"
    return TableCell(change_in_table(change), kind, change.keys)


def by_unit(
    table_id: str,
    caption: str,
    indicators: Sequence[Indicator],
    units: Units,
    now: Results,
    last: Results | None,
    changes: dict[str, Change],
    last_label: str,
) -> Table:
    """Units down, indicators across; then city offices, the whole city, last year, change on last year.

    Where the map changes within the year, the units of each part of it stand under a heading, with their sum.
    """

    def row(label: str, role: RowRole, cells: Iterable[TableCell]) -> TableRow:
        return TableRow(label, tuple(cells), role)

    def of(unit: Unit, role: RowRole) -> TableRow:
        return row(units.label(unit), role, (cell(now[i.code, unit.id]) for i in indicators))

    rows = []
    for first, last_day, there in units.spans:
        several = len(units.spans) > 1
        rows += [TableRow(upper_first(span(first, last_day)), (), "section")] * several
        rows += [of(unit, "unit") for unit in there]
        if several:
            rows.append(
                row(
                    f"Cộng {len(there)} đơn vị",
                    "plain",
                    (cell(now[i.code, span_scope(first, last_day)]) for i in indicators),
                )
            )
    rows.append(of(units.city, "city"))
    rows.append(row("Toàn thành phố", "total", (cell(now[i.code, TOTAL]) for i in indicators)))
    if last is not None:
        rows.append(row(last_label, "last", (_or_none(last.get((i.code, TOTAL))) for i in indicators)))
        rows.append(row("So với năm trước", "change", (change_cell(changes[i.code]) for i in indicators)))
    columns = tuple(_column(i) for i in indicators)
    hidden = any(one.kind == "hidden" for row_ in rows for one in row_.cells)
    notes = (*_notes(changes if last is not None else {}), *([HIDDEN] * hidden))
    return Table(table_id, caption, "Đơn vị", columns, tuple(rows), notes)


def _notes(changes: dict[str, Change]) -> tuple[str, ...]:
    return (LEGEND, *filter(None, [why_not(changes.values())]))


def _column(indicator: Indicator) -> Column:
    if indicator.kind == "boolean":
        return Column(indicator.label, align="center")
    return Column(f"{indicator.label} ({indicator.measured_in})")


def by_year(
    table_id: str,
    caption: str,
    indicators: Sequence[Indicator],
    now: Results,
    last: Results | None,
    changes: dict[str, Change],
    now_label: str,
    last_label: str,
) -> Table:
    """Indicators down; this year, last year and the change for the whole city across."""
    columns = [Column("Đơn vị tính", align="left"), Column(now_label)]
    if last is not None:
        columns += [Column(last_label), Column("So với năm trước")]
    rows = [
        TableRow(
            i.name,
            (
                TableCell(i.measured_in, "text"),
                cell(now[i.code, TOTAL]),
                *([_or_none(last.get((i.code, TOTAL))), change_cell(changes[i.code])] if last is not None else []),
            ),
        )
        for i in indicators
    ]
    return Table(
        table_id, caption, "Chỉ tiêu", tuple(columns), tuple(rows), _notes(changes if last is not None else {})
    )


def completeness(catalogue: Catalogue, units: Units, now: Results, year: int) -> Table:
    """By section: how many values are owed, reported, zero, missing, not applicable."""
    rows = []
    asked = (Status.REPORTED, Status.ZERO, Status.WITHHELD, Status.NOT_REPORTED, Status.NOT_APPLICABLE)
    for section in dict.fromkeys(i.section for i in catalogue.reported):
        counts = Counter(
            now[i.code, unit.id].status
            for i in catalogue.reported
            for unit in units.all
            if i.section == section and unit.owes(i) != "not_asked"
        )
        have = [counts[status] for status in asked]
        reported, zero, withheld, missing, not_applicable = have
        figures = (reported + zero + withheld + missing, reported + zero + withheld, missing, not_applicable)
        key = f"completeness-{section}@{year}"
        rows.append(TableRow(f"Mục {section}", tuple(TableCell(number(n), results=(key,)) for n in figures)))
    columns = ("Số ô phải báo cáo", "Đã báo cáo (kể cả số không)", "Chưa báo cáo", "Không áp dụng")
    return Table("day-du", "Mức đầy đủ của phiếu", "Nội dung", tuple(Column(c) for c in columns), tuple(rows))


def findings(found: Sequence[Finding], catalogue: Catalogue) -> Table:
    """What the checks remarked; units and values withheld by the edition are blank."""
    rows = [
        TableRow(
            finding.unit or "Một đơn vị",
            (
                TableCell(catalogue.by_code[finding.indicator].label if finding.indicator else "", "text"),
                TableCell(finding.reason, "text"),
                TableCell(finding.found or _WITHHELD[bool(finding.unit)], "text" if finding.found else "hidden"),
                TableCell(_answer(finding), "text"),
            ),
        )
        for finding in found
    ]
    columns = tuple(
        Column(label, align="left") for label in ("Chỉ tiêu", "Điều cần xem", "Số trong phiếu", "Giải trình")
    )
    return Table("phat-hien", "Những điểm cần xem lại trong phiếu", "Đơn vị", columns, tuple(rows))


def _answer(finding: Finding) -> str:
    if finding.answer is None:
        return "chưa có"
    return ": ".join(filter(None, (finding.answer.office, finding.answer.reason))) or "đã có"


def changes(lineage: Lineage, bodies: Bodies, units: Units, period: Period) -> Table | None:
    """What has changed of units and bodies in a period, day by day, with act or source; None where nothing has."""
    rows: list[tuple[date, TableRow]] = []
    links: dict[tuple[date, str], list[Link]] = defaultdict(list)
    for link in lineage.changes(period.start - timedelta(days=1), period.end):
        links[link.day, link.act.split(";")[0]].append(link)
    for (day, act), found in links.items():
        rows.append((day, _change_row(day, _on_the_map(found, units), act)))
    for body in bodies.within(period):
        if body.valid_from >= period.start:
            name = body.plural or body.name
            text = f"{upper_first(name)}. {body.note}".removesuffix(". ")
            rows.append((body.valid_from, _change_row(body.valid_from, text, body.source or "chưa có nguồn riêng")))
    columns = (Column("Thay đổi", align="left"), Column("Căn cứ, nguồn", align="left"))
    ordered = tuple(row for _, row in sorted(rows, key=lambda pair: pair[0]))
    return Table("thay-doi", "Thay đổi về đơn vị và cơ quan", "Từ ngày", columns, ordered) if rows else None


def _change_row(day: date, text: str, act: str) -> TableRow:
    return TableRow(short_date(day), (TableCell(text, "text"), TableCell(act, "text")))


def _on_the_map(links: Sequence[Link], units: Units) -> str:
    """A day's changes of the map in words: by unit while they are few, else how many of each kind."""
    names = {unit.code: units.label(unit) for unit in units.all}
    codes = {link.unit[0]: [one for one in links if one.unit == link.unit] for link in links if link.unit}
    if len(codes) <= _FEW:
        said = (
            f"{names.get(code, code)}: {'; '.join(link.note for link in of if link.note)}" for code, of in codes.items()
        )
        return ". ".join(text.removesuffix(": ") for text in said) + "."
    outside = sum(any(link.relation == "outside" for link in of) for of in codes.values())
    parts = sum(any(link.relation == "part" for link in of) for of in codes.values())
    whole = len(codes) - outside - parts
    texts = [f"{number(len(codes))} đơn vị mới"]
    texts += [f"{number(outside)} đơn vị từ địa bàn trước đây ngoài thành phố"] * bool(outside)
    texts += [f"{number(parts)} đơn vị lập từ các phần của đơn vị cũ (không cộng ngược lại chính xác được)"] * bool(
        parts
    )
    texts += [f"{number(whole)} đơn vị giữ nguyên địa bàn của một đơn vị cũ"] * bool(whole)
    return f"{texts[0]}: {', '.join(texts[1:])}."


def contradictions(stated: Sequence[Stated], catalogue: Catalogue, now: Results) -> Table:
    """Figures stated apart from the returns, beside the figure used, with the decision and its reason."""
    rows = []
    for item in stated:
        indicator = catalogue.by_code[item.indicator]
        other = with_bound(measured(item.value, indicator), item.bound)
        rows.append(
            TableRow(
                indicator.label,
                (
                    cell(now[item.indicator, TOTAL]),
                    TableCell(other, "text", (f"stated-{item.indicator}@{now[item.indicator, TOTAL].year}",)),
                    TableCell(f"{item.stated_by}, {item.place}", "text"),
                    TableCell(f"{item.decision.removesuffix('.')}. {item.reason}", "text"),
                ),
            )
        )
    labels = (("Số từ phiếu", "right"), ("Số nêu khác", "left"), ("Nơi nêu", "left"), ("Quyết định và lý do", "left"))
    columns = tuple(Column(label, align="right" if align == "right" else "left") for label, align in labels)
    return Table("mau-thuan", "Số liệu mâu thuẫn và cách xử lý", "Chỉ tiêu", columns, tuple(rows))


def _or_none(result: Result | None) -> TableCell:
    """Last year's cell; an indicator that last year did not have is missing there."""
    return TableCell("chưa có", "missing") if result is None else cell(result)


def to_html(table: Table) -> str:
    """The table for JupyterLab, while the analyst works; readers get it from the writers."""
    head = "".join(f"<th>{escape(text)}</th>" for text in (table.corner, *(c.label for c in table.columns)))
    body = "".join(
        f"<tr><th>{escape(row.label)}</th>" + "".join(f"<td>{escape(c.text)}</td>" for c in row.cells) + "</tr>"
        for row in table.rows
    )
    return f"<table><caption>{escape(table.caption)}</caption><tr>{head}</tr>{body}</table>"
