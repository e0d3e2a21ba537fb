"""A year's data for readers' own work: an .xlsx (cover, notes, tidy data, the whole city, dictionary) and a CSV.

Its parts are those that gptables asks for: a cover, notes, one row a figure, a dictionary. Written is what a `Book`
holds, so what its edition may show; no figure is without its status, and no status becomes another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from danvan import wording
from danvan.book import Book
from danvan.catalogue import Indicator
from danvan.document import Meta
from danvan.intake import layout
from danvan.intake.values import plain
from danvan.measures import TOTAL, Result, is_of_city, span_scope
from danvan.params import Period
from danvan.publish.sheets import Content, Figure, Sheets
from danvan.retrace import EDITIONS, PROVENANCES, STATUSES
from danvan.spreadsheet import as_csv
from danvan.units import Unit, Units

COVER, NOTES, DATA, CITY, DICTIONARY = "Bìa", "Ghi chú", "Số liệu", "Toàn thành phố", "Danh mục chỉ tiêu"
KINDS = {"count": "số đếm", "quantity": "lượng", "boolean": "Có/Không", "ratio": "tỷ lệ"}
_BOUNDS = {
    layout.PRECISION_WORDS[0]: "Số đúng như báo cáo.",
    layout.PRECISION_WORDS[1]: "Ít nhất bằng giá trị ghi ở đây; tổng có một số như vậy cũng là mức tối thiểu.",
    layout.PRECISION_WORDS[2]: "Như “hơn”: giữ đúng chữ đơn vị đã ghi.",
    layout.PRECISION_WORDS[3]: "Ước chừng, có thể hơn hoặc kém.",
}
_TIMES = {"flow": "trong kỳ", "stock": "cuối kỳ", None: ""}
_DIRECTIONS = {"higher": "càng nhiều càng tốt", "lower": "càng ít càng tốt", "neutral": "không xếp hạng"}
_LEVELS = {"district": "từng đơn vị", "city": "chỉ toàn thành phố"}
_BELOW = {
    "units": "số đơn vị phải báo cáo",
    "wards": "số phường",
    "communes": "số xã",
    "commune_level_total": "số xã, phường, thị trấn, đặc khu",
    "population": "dân số",
}
_PRINTED_TO = "Nguồn gốc số liệu"
_OFFICES = "khối thành phố"

# ---------------------------------------------------------------- the tidy rows


@dataclass(frozen=True)
class Row:
    """One result, told whole. `value`, `numerator`, `denominator` are unrounded; None is told by `status`.

    `file`, `sheet`, `ref`: the cell of one office's own figure; what is reckoned has its `formula` instead.
    """

    key: str
    year: int
    scope: str
    first_day: date
    last_day: date
    unit_code: str
    unit: str
    code: str
    name: str
    value: Decimal | None
    decimals: int
    measured_in: str
    bound: str
    status: str
    provenance: str
    numerator: Decimal | None
    denominator: Decimal | None
    reported: int | None
    owed: int | None
    completeness: str
    formula: str
    file: str
    sheet: str
    ref: str
    edition: str


@dataclass(frozen=True)
class _Place:
    """A scope in words."""

    scope: str
    first_day: date
    last_day: date
    unit_code: str
    unit: str


def tidy(book: Book) -> tuple[Row, ...]:
    """Every result of this year, then of the last: by indicator in the catalogue's order; the whole city, the parts of
    the period where the map changes within it, each unit, the city offices.
    """
    rows: list[Row] = []
    edition = EDITIONS[book.edition] + " (dự thảo)" * book.params.is_draft
    years = [(book.results, _places(book.units, book.params.period))]
    if book.last_units is not None and book.last_period is not None:
        years.append((book.last_results, _places(book.last_units, book.last_period)))
    for results, places in years:
        for indicator in book.catalogue.indicators:
            found = ((results.get((indicator.code, scope)), place) for scope, place in places.items())
            rows += [_row(result, place, edition) for result, place in found if result is not None]
    return tuple(rows)


def _places(units: Units, period: Period) -> dict[str, _Place]:
    found = {TOTAL: _Place("toàn thành phố", period.start, period.end, "", "Toàn thành phố")}
    if len(units.spans) > 1:
        for first, last, there in units.spans:
            found[span_scope(first, last)] = _Place("phần của kỳ", first, last, "", f"Cộng {len(there)} đơn vị")
    for unit in units.districts:
        found[unit.id] = _Place("đơn vị", unit.first_day, unit.last_day, _code(unit), unit.full_name)
    city = units.city
    found[city.id] = _Place(_OFFICES, city.first_day, city.last_day, city.code, city.full_name)
    return found


def _code(unit: Unit) -> str:
    return unit.gso_code or unit.code


def _row(result: Result, place: _Place, edition: str) -> Row:
    indicator, known = result.indicator, result.value is not None
    is_own = not is_of_city(result.scope) and indicator.kind != "ratio"
    cell = result.sources[0] if is_own and len(result.sources) == 1 else None
    counted = place.scope != _OFFICES
    return Row(
        key=result.key,
        year=result.year,
        scope=place.scope,
        first_day=place.first_day,
        last_day=place.last_day,
        unit_code=place.unit_code,
        unit=place.unit,
        code=indicator.code,
        name=indicator.name,
        value=result.value,
        decimals=indicator.decimals,
        measured_in=_measured_in(result),
        bound=(result.bound.word or layout.PRECISION_WORDS[0]) if known else "",
        status=STATUSES[result.status][0],
        provenance=PROVENANCES[result.provenance][0],
        numerator=result.numerator,
        denominator=result.denominator,
        reported=result.reported if counted else None,
        owed=result.owed if counted else None,
        completeness=_completeness(result) if known else "",
        formula="" if is_own else result.formula,
        file=cell.file if cell else "",
        sheet=cell.sheet if cell else "",
        ref=cell.ref if cell else "",
        edition=edition,
    )


def _measured_in(result: Result) -> str:
    """What the value counts: of the city's Có, units."""
    is_sum = result.indicator.kind == "boolean" and is_of_city(result.scope)
    return "đơn vị" if is_sum else result.indicator.measured_in


def _completeness(result: Result) -> str:
    """Whether all who owe a part are in a value, for the whole period."""
    if result.complete:
        return "đủ"
    if not is_of_city(result.scope):
        return "chưa đủ kỳ"
    lacking = ["chưa đủ đơn vị"] * (result.reported < result.owed) + ["thiếu khối thành phố"] * result.city_missing
    return ", ".join(lacking)


# ---------------------------------------------------------------- what stands in a cell


@dataclass(frozen=True)
class _Column:
    """A column of the tidy data: its head, its width in characters, what stands in it, and what that means."""

    label: str
    width: float
    of: Callable[[Row], Content]
    meaning: str


COLUMNS = (
    _Column("Năm", 7, lambda r: r.year, "Năm của kỳ số liệu."),
    _Column(
        "Phạm vi",
        18,
        lambda r: r.scope,
        "Toàn thành phố; phần của kỳ (mọi đơn vị, khi địa giới thay đổi trong năm); đơn vị; khối thành phố.",
    ),
    _Column("Từ ngày", 12, lambda r: r.first_day, "Ngày đầu của phần kỳ mà số liệu nói đến."),
    _Column("Đến ngày", 12, lambda r: r.last_day, "Ngày cuối của phần kỳ ấy; chỉ tiêu cuối kỳ là số của ngày này."),
    _Column(
        "Mã đơn vị",
        12,
        lambda r: r.unit_code,
        "Mã số đơn vị hành chính; chưa có thì mã trong danh sách đơn vị của báo cáo. Trống: nhiều đơn vị.",
    ),
    _Column("Đơn vị", 30, lambda r: r.unit, "Tên đầy đủ trong kỳ; khối thành phố là hai cơ quan của thành phố."),
    _Column("Mã chỉ tiêu", 30, lambda r: r.code, f"Như trang “{DICTIONARY}”."),
    _Column("Chỉ tiêu", 48, lambda r: r.name, "Tên chỉ tiêu."),
    _Column(
        "Giá trị",
        14,
        lambda r: None if r.value is None else Figure(r.value, r.decimals),
        "Con số, chưa làm tròn. Có/Không của một đơn vị: 1 là Có, 0 là Không. Trống: xem cột Tình trạng.",
    ),
    _Column("Đơn vị tính", 16, lambda r: r.measured_in, "Con số đếm, đo cái gì."),
    _Column("Mức chính xác", 16, lambda r: r.bound, "Chính xác, hơn, trên, khoảng. Trống: không có giá trị."),
    _Column("Tình trạng", 19, lambda r: r.status, "Vì sao có hay không có giá trị; không dòng nào để trống."),
    _Column("Nguồn gốc số liệu", 22, lambda r: r.provenance, "Con số từ đâu mà có."),
    _Column("Tử số", 12, lambda r: Figure.exact(r.numerator), "Của tỷ lệ. Trống: không phải tỷ lệ, hoặc không có."),
    _Column("Mẫu số", 12, lambda r: Figure.exact(r.denominator), "Của tỷ lệ. Trống: không phải tỷ lệ, hoặc không có."),
    _Column(
        "Số đơn vị có số",
        18,
        lambda r: r.reported,
        "Bao nhiêu đơn vị đã có số cho cả kỳ. Trống ở dòng khối thành phố, vì khối này không tính là đơn vị.",
    ),
    _Column("Số đơn vị phải báo cáo", 25, lambda r: r.owed, "Bao nhiêu đơn vị phải có số."),
    _Column(
        "Mức đầy đủ",
        22,
        lambda r: r.completeness,
        "Đủ, chưa đủ đơn vị, thiếu khối thành phố, hay chưa đủ kỳ. Trống: không có giá trị.",
    ),
    _Column(
        "Công thức", 56, lambda r: r.formula, "Số được tính thế nào, theo mã chỉ tiêu. Trống: số lấy thẳng từ phiếu."
    ),
    _Column("Tệp", 40, lambda r: r.file, "Phiếu có con số. Trống: số được tính, không công bố, hoặc không có phiếu."),
    _Column("Trang", 14, lambda r: r.sheet, "Trang của phiếu."),
    _Column("Ô", 8, lambda r: r.ref, "Ô trong trang của phiếu."),
    _Column("Mã kết quả", 52, lambda r: r.key, "Mỗi dòng một mã; trùng với mã trong tệp trace.json kèm báo cáo."),
    _Column("Ấn bản", 19, lambda r: r.edition, "Công khai hay nội bộ; báo cáo chưa có số, ngày là dự thảo."),
)


def csv(book: Book) -> bytes:
    """The tidy rows for machines, and for a Vietnamese Excel at a double click.

    Numbers have a decimal comma and nothing between thousands: an Excel set to Vietnamese would take '91.304' for
    ninety-one thousand. Days are written year-month-day, which no setting turns around.
    """
    lines = ([_as_text(column.of(row)) for column in COLUMNS] for row in tidy(book))
    return as_csv([[column.label for column in COLUMNS], *lines])


def _as_text(content: Content) -> str:
    match content:
        case None:
            return ""
        case Figure():
            return plain(content.held)
        case date():
            return content.isoformat()
    return str(content)


# ---------------------------------------------------------------- the workbook


def xlsx(book: Book, meta: Meta) -> bytes:
    """The workbook: cover, notes, tidy data, the whole city, dictionary. The same call gives the same bytes."""
    title = f"Số liệu phối hợp công tác dân vận năm {meta.year}"
    sheets = Sheets(title, meta, _CONTENTS)
    sheets.cover(COVER, _cover(book, meta), "Các trang của tệp", _after_contents(book, meta, title))
    sheets.table(NOTES, "GhiChu", f"Ghi chú cho số liệu năm {meta.year}", _NOTE_HEADS, _notes(book))
    heads, getters = {column.label: column.width for column in COLUMNS}, [column.of for column in COLUMNS]
    lines = ((of(row) for of in getters) for row in tidy(book))
    sheets.long_table(DATA, "SoLieu", f"{title}: từng chỉ tiêu, từng đơn vị", heads, lines, _PRINTED_TO)
    heads, rows = _city(book)
    sheets.table(CITY, "ToanThanhPho", f"{title}: toàn thành phố", heads, rows)
    sheets.table(DICTIONARY, "DanhMuc", f"Danh mục chỉ tiêu năm {meta.year}", _DICTIONARY_HEADS, _dictionary(book))
    return sheets.content()


_CONTENTS = {
    NOTES: "nghĩa của các từ, các cột, cách làm tròn, cách mở tệp CSV",
    DATA: "mỗi dòng một con số: một chỉ tiêu, một phạm vi, một năm",
    CITY: "mỗi dòng một chỉ tiêu: năm nay, năm trước, so sánh",
    DICTIONARY: "mã, cách tính, đơn vị tính, ai báo cáo, mức công khai",
}

# ---------------------------------------------------------------- what the sheets say


def _cover(book: Book, meta: Meta) -> Iterator[str]:
    """What this is, line by line."""
    p, units = book.params, book.units.districts
    yield f"Kèm theo: {meta.title}."
    yield f"Cơ quan ban hành: {wording.enumerate_(meta.authors)}."
    number, day = p.document.number, p.document.date
    yield f"Số văn bản: {number or 'chưa có'}. Ngày: {wording.short_date(day) if day else 'chưa có'}."
    yield f"Kỳ số liệu: {wording.span(p.period.start, p.period.end)}."
    if p.data_cutoff:
        yield f"Chốt số liệu ngày {wording.short_date(p.data_cutoff)}."
    hidden = "; chỉ tiêu chỉ công khai ở cấp thành phố không có số từng đơn vị" if meta.edition == "public" else ""
    yield f"Ấn bản: {EDITIONS[meta.edition]}{hidden}."
    yield (
        f"Gồm {len(book.catalogue.indicators)} chỉ tiêu của {len(units)} đơn vị phải báo cáo và khối thành phố"
        + (f", năm {meta.year} và năm {meta.year - 1}." if book.has_last else f", năm {meta.year}.")
    )


def _after_contents(book: Book, meta: Meta, title: str) -> Iterator[tuple[str, bool]]:
    """Where the figures come from, and how to cite them; what is a heading of these."""
    p = book.params
    yield "Nguồn và cách dẫn", True
    yield "Nguồn: phiếu số liệu của các đơn vị và khối thành phố.", False
    if p.provenance.city_totals == "published" and p.provenance.source:
        yield f"Số toàn thành phố năm {meta.year} đã công bố trong: {p.provenance.source}.", False
    number = f", số {p.document.number}" if p.document.number else ""
    day = f", ngày {wording.short_date(p.document.date)}" if p.document.date else ""
    draft = ", dự thảo" if p.is_draft else ""
    yield (
        f"Dẫn: {wording.enumerate_(meta.authors)}, {title}{number}{day}, ấn bản {EDITIONS[meta.edition]}{draft}.",
        False,
    )
    yield f"Trang “{DATA}” cũng có thành tệp CSV, cùng tên với tệp này.", False


_NOTE_HEADS: dict[str, float] = {"Về": 26, "Từ": 26, "Nghĩa": 110}


def _notes(book: Book) -> Iterator[tuple[str, str, str]]:
    for word, meaning in STATUSES.values():
        yield "Tình trạng", word, meaning
    for word, meaning in _BOUNDS.items():
        yield "Mức chính xác", word, meaning
    there = {result.provenance for results in (book.results, book.last_results) for result in results.values()}
    for provenance, (word, meaning) in PROVENANCES.items():
        if provenance in there:
            yield "Nguồn gốc số liệu", word, meaning
    if any(i.denominator == "population" for i in book.catalogue.indicators):
        concept = book.params.population_concept
        yield (
            "Cách tính",
            "dân số",
            f"Mẫu số của tỷ lệ theo dân số: {concept}. Không tính cho một đơn vị dưới "
            f"{wording.number(book.params.thresholds.small_population)} dân.",
        )
    yield from _RULES
    for column in COLUMNS:
        yield f"Cột của trang {DATA}", column.label, column.meaning


_RULES = (
    ("Cách tính", "toàn thành phố", "Tổng số của các đơn vị và khối thành phố; chỉ tiêu Có/Không: số đơn vị ghi Có."),
    (
        "Cách tính",
        "tỷ lệ",
        "Tổng trên tổng của những đơn vị có cả tử số và mẫu số; không bao giờ là trung bình của các tỷ lệ.",
    ),
    ("Cách tính", "trong kỳ", "Cộng của mọi đơn vị trong năm, kể cả đơn vị chỉ có trong một phần của năm."),
    ("Cách tính", "cuối kỳ", "Số của những đơn vị còn đến ngày cuối kỳ; không cộng qua các năm."),
    (
        "Làm tròn",
        "nửa lên",
        f"Trang “{DATA}” không làm tròn. Số hiện ra được làm tròn đến số chữ số thập phân của chỉ tiêu, nửa thì lên "
        "(như hàm ROUND của Excel).",
    ),
    (
        "So với năm trước",
        "không so sánh được",
        "Hai năm khác địa bàn, khác độ dài kỳ, chưa đủ đơn vị, hoặc số không chính xác; lý do ghi trong câu.",
    ),
    ("So với năm trước", "không khác biệt rõ", "Chênh lệch mà dao động ngẫu nhiên cũng gây ra được."),
    (
        "Tệp CSV",
        "cách mở",
        "UTF-8, dấu chấm phẩy giữa các cột, dấu phẩy thập phân, không có dấu phân cách hàng nghìn: Excel tiếng Việt mở "
        "đúng bằng cách bấm đúp. Dấu chấm thập phân thì Excel ấy sẽ đọc nhầm 91.304 thành chín mươi mốt nghìn. Ngày "
        "ghi theo năm-tháng-ngày. Phần mềm khác: khai dấu cách cột “;” và dấu thập phân “,”.",
    ),
    (
        "Tệp CSV",
        "dấu nháy đơn",
        "Đứng trước chữ bắt đầu bằng =, +, -, @ để bảng tính không hiểu là công thức.",
    ),
)


def _city(book: Book) -> tuple[dict[str, float], list[tuple[Content, ...]]]:
    """Heads and rows: indicators down; this year, the last and the change across, for the whole city."""
    year, last = book.params.year, book.last_results
    heads: dict[str, float] = {"Mục": 8, "Chỉ tiêu": 54, "Đơn vị tính": 16}
    heads |= {_of_year(year, book.results.values()): 22}
    if book.has_last:
        heads |= {_of_year(year - 1, last.values()): 24, "So với năm trước": 60}
    heads |= {"Mức đầy đủ": 34}
    rows: list[tuple[Content, ...]] = []
    for indicator in book.catalogue.indicators:
        now, before = book.results[indicator.code, TOTAL], last.get((indicator.code, TOTAL))
        compared = wording.of_change(book.change_of(indicator.code), year - 1).text
        rows.append(
            (
                indicator.section,
                indicator.name,
                _measured_in(now),
                _shown(now),
                *((_shown(before) if before else "chưa có", wording.upper_first(compared)) if book.has_last else ()),
                "; ".join(filter(None, (_covered(now), _covered(before) if before else ""))) or "đủ",
            )
        )
    return heads, rows


def _of_year(year: int, results: Iterable[Result]) -> str:
    """'Năm 2022 (minh họa)'."""
    invented = any(result.provenance == "illustrative" for result in results if result.scope == TOTAL)
    return f"Năm {year}" + " (minh họa)" * invented


def _shown(result: Result) -> Content:
    """The number behind its word, or the status."""
    exact = Figure.exact(result.value)
    if exact is None:
        return STATUSES[result.status][0]
    return Figure(exact.value, min(exact.decimals, result.indicator.decimals), result.bound.word)


def _covered(result: Result) -> str:
    """'năm 2023: có số cả kỳ của 14/15 đơn vị' where somebody's part is lacking."""
    if result.complete or result.value is None:
        return ""
    parts = [f"có số cả kỳ của {result.reported}/{result.owed} đơn vị"] * (result.reported < result.owed)
    parts += ["thiếu khối thành phố"] * result.city_missing
    return f"năm {result.year}: {', '.join(parts)}"


_DICTIONARY_HEADS: dict[str, float] = {
    "Mã chỉ tiêu": 30,
    "Chỉ tiêu": 48,
    "Mục": 8,
    "Cách tính": 60,
    "Loại chỉ tiêu": 14,
    "Đơn vị tính": 16,
    "Thời gian": 12,
    "Nơi báo cáo": 24,
    "Công thức của tỷ lệ": 40,
    "Chiều mong muốn": 22,
    "Mức công khai": 20,
    "Từ năm": 10,
}


def _dictionary(book: Book) -> Iterator[tuple[Content, ...]]:
    names = {indicator.code: indicator.name for indicator in book.catalogue.indicators}
    for i in book.catalogue.indicators:
        yield (
            i.code,
            i.name,
            i.section,
            i.definition or "–",
            KINDS[i.kind],
            i.measured_in,
            _TIMES[i.time] or "–",
            _reporters(i) or "–",
            _formula(i, names) or "–",
            _DIRECTIONS[i.direction],
            _LEVELS[i.public_level],
            i.since or "–",
        )


def _reporters(indicator: Indicator) -> str:
    words = {"district": "đơn vị", "city": "khối thành phố"}
    return ", ".join(words[reporter] for reporter in indicator.reporters)


def _formula(indicator: Indicator, names: dict[str, str]) -> str:
    """'Đơn đã giải quyết / Đơn thuộc thẩm quyền × 100'."""
    if indicator.kind != "ratio":
        return ""
    above, below = indicator.numerator or "", indicator.denominator or ""
    times = f" × {wording.number(indicator.scale)}" if indicator.scale and indicator.scale != 1 else ""
    return f"{names[above]} / {_BELOW.get(below) or names[below]}{times}"
