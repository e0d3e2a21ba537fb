"""Workbook cells -> observations. Every value keeps its cell; whatever has two readings becomes a finding."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Literal

from danvan.catalogue import Catalogue, Indicator
from danvan.errors import nearest
from danvan.intake import layout, numbers, workbook
from danvan.intake.findings import Cell, Finding, Severity
from danvan.params import YearParams
from danvan.paths import Project, ignored
from danvan.store import sha256
from danvan.units import Unit, Units


class Status(Enum):
    """What is known of a value. None of these is ever turned into another."""

    REPORTED = "reported"
    ZERO = "zero"
    NOT_REPORTED = "not reported"
    NOT_APPLICABLE = "not applicable"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class Bound:
    """How exact a number is: `lower` ('hơn', 'trên') and `about` ('khoảng') keep the word that was reported."""

    kind: Literal["exact", "lower", "about"] = "exact"
    word: str = ""

    @classmethod
    def of(cls, word: str) -> Bound:
        """The bound meant by a precision word ('' and 'chính xác' are exact)."""
        if word in ("", "chính xác"):
            return EXACT
        return cls("about" if word == "khoảng" else "lower", word)


EXACT = Bound()


@dataclass(frozen=True)
class Observation:
    """One value of one unit: a Decimal in `indicator.measured_in` (booleans: 1 and 0), or None with its status."""

    unit: Unit
    indicator: Indicator
    year: int
    value: Decimal | None
    status: Status
    bound: Bound
    cell: Cell


@dataclass(frozen=True)
class Return:
    """A unit's workbook, read."""

    unit: Unit
    file: str
    sha256: str
    illustrative: bool
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class Reading:
    """All returns of a year and everything found while reading them."""

    returns: tuple[Return, ...]
    findings: tuple[Finding, ...]

    def missing(self, units: Units) -> tuple[Unit, ...]:
        """Units (and the city offices) whose return is not there or not readable."""
        have = {r.unit.id for r in self.returns}
        return tuple(unit for unit in units.all if unit.id not in have)


def read_returns(project: Project, params: YearParams, catalogue: Catalogue, units: Units) -> Reading:
    """Read every workbook of the year. One bad file never sinks the others; all findings come at once."""
    folder = project.returns(params.year)
    findings: list[Finding] = []
    returns: dict[str, Return] = {}
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in (p for p in paths if not ignored(p)):
        reader = _Reader(project.relative(path), params, catalogue, units)
        got = reader.read(path)
        findings += reader.findings
        if got is None:
            continue
        if (first := returns.get(got.unit.id)) is None:
            returns[got.unit.id] = got
        elif first.sha256 == got.sha256:
            findings.append(
                Finding(
                    "duplicate-copy",
                    "warning",
                    Cell(got.file),
                    f"giống hệt {first.file}",
                    "Hai tệp cùng nội dung; chỉ lấy một.",
                    f"Xóa {got.file}.",
                    unit=got.unit.full_name,
                )
            )
        else:
            findings.append(
                Finding(
                    "duplicate-return",
                    "error",
                    Cell(got.file),
                    f"{got.unit.full_name} đã có ở {first.file}",
                    "Hai phiếu khác nhau của cùng một đơn vị.",
                    "Giữ phiếu đúng, chuyển phiếu kia ra khỏi thư mục.",
                    unit=got.unit.full_name,
                )
            )
    reading = Reading(tuple(sorted(returns.values(), key=lambda r: r.unit.order)), tuple(findings))
    findings += [
        Finding(
            "missing-return",
            "error",
            Cell(project.relative(folder)),
            "không có phiếu đọc được",
            f"{unit.full_name} phải báo cáo kỳ này nhưng chưa có phiếu.",
            "Xin phiếu của đơn vị; nếu vẫn cần báo cáo ngay, chạy với --allow-incomplete.",
            unit=unit.full_name,
        )
        for unit in reading.missing(units)
    ]
    return replace(reading, findings=tuple(findings))


@dataclass
class _Reader:
    """Reads one workbook, collecting findings as it goes."""

    file: str
    params: YearParams
    catalogue: Catalogue
    units: Units
    unit: Unit | None = None
    findings: list[Finding] = field(default_factory=list)

    def find(
        self,
        rule: str,
        found: object,
        reason: str,
        remedy: str,
        *,
        sheet: str = "",
        ref: str = "",
        indicator: str = "",
        severity: Severity = "error",
    ) -> None:
        unit = self.unit.full_name if self.unit else ""
        cell = Cell(self.file, sheet, ref)
        self.findings.append(Finding(rule, severity, cell, str(found), reason, remedy, unit, indicator))

    def read(self, path: Path) -> Return | None:
        try:
            sheets = {tidy(sheet.name): sheet for sheet in workbook.read(path)}
        except workbook.UnreadableError as error:
            self.find("unreadable-file", error.reason, "Không đọc được phiếu.", error.remedy)
            return None
        expected = [name for name in layout.SHEETS.values() if name in sheets]
        if not expected:
            self.find(
                "unknown-sheets",
                ", ".join(sheets),
                f"Phiếu phải có trang {' và '.join(f'“{n}”' for n in layout.SHEETS.values())}.",
                "Dùng đúng phiếu được gửi, không đổi tên trang.",
            )
            return None
        heads = [self._head(sheets[name]) for name in expected]
        if self.unit is None or None in heads:
            return None
        observations: dict[str, Observation] = {}
        for body, name in layout.SHEETS.items():
            owed = {i.code: i for i in self.catalogue.reported if i.body == body and self.unit.owes(i) != "not_asked"}
            if not owed:
                continue
            if name not in sheets:
                self.find(
                    "missing-sheet",
                    f"chỉ có {', '.join(sheets)}",
                    f"Thiếu trang “{name}”.",
                    "Bổ sung trang này từ phiếu được gửi.",
                )
                continue
            for observation in self._rows(sheets[name], owed):
                observations[observation.indicator.code] = observation
        illustrative = any(head == layout.ILLUSTRATIVE for head in heads)
        ordered = [observations[i.code] for i in self.catalogue.reported if i.code in observations]
        return Return(self.unit, self.file, sha256(path), illustrative, tuple(ordered))

    def _head(self, sheet: workbook.Sheet) -> str | None:
        """Check the head of a sheet; returns the nature of its data, or None when the sheet must not be read."""
        found: dict[str, tuple[str, str]] = {}
        for (row, column), cell in sheet.cells.items():
            if column == 1 and (label := tidy(str(cell.value))) in layout.HEAD:
                beside = sheet.cells.get((row, 2))
                found[label] = (tidy(sheet.text(row, 2)), beside.ref if beside else cell.ref)
        for label in layout.HEAD:
            if label not in found:
                self.find(
                    "missing-head",
                    "không thấy",
                    f"Đầu trang thiếu dòng “{label}”.",
                    "Dùng đúng phiếu được gửi, không xóa các dòng đầu trang.",
                    sheet=sheet.name,
                )
        if len(found) < len(layout.HEAD):
            return None
        good = True

        def expect(label: str, wanted: str, rule: str, remedy: str) -> None:
            nonlocal good
            text, ref = found[label]
            if text.replace("–", "-") != wanted:
                good = False
                self.find(rule, text, f"“{label}” phải là {wanted}.", remedy, sheet=sheet.name, ref=ref)

        text, ref = found[layout.HEAD_UNIT]
        try:
            unit = self.units.resolve(text)
        except LookupError as error:
            self.find(
                "unknown-unit",
                text,
                f"Không nhận ra đơn vị: {error}",
                "Ghi đúng tên đơn vị.",
                sheet=sheet.name,
                ref=ref,
            )
            return None
        if self.unit is None:
            self.unit = unit
        elif self.unit != unit:
            self.find(
                "two-units",
                text,
                f"Hai trang của một phiếu ghi hai đơn vị: {self.unit.full_name} và {text}.",
                "Mỗi phiếu chỉ của một đơn vị.",
                sheet=sheet.name,
                ref=ref,
            )
            return None
        expect(layout.HEAD_LAYOUT, str(layout.LAYOUT), "wrong-layout", "Chép số liệu sang phiếu mẫu của kỳ này.")
        expect(layout.HEAD_YEAR, str(self.params.year), "wrong-year", "Gửi phiếu của đúng năm báo cáo.")
        period = f"{self.params.period.start:%d/%m/%Y} - {self.params.period.end:%d/%m/%Y}"
        expect(
            layout.HEAD_PERIOD,
            period,
            "wrong-period",
            "Báo cáo đủ kỳ; nếu chưa đủ, xin ý kiến trước khi gửi.",
        )
        nature, ref = found[layout.HEAD_NATURE]
        if nature not in (layout.REAL, layout.ILLUSTRATIVE):
            self.find(
                "unknown-nature",
                nature,
                f"“{layout.HEAD_NATURE}” phải là {layout.REAL} hoặc {layout.ILLUSTRATIVE}.",
                "Chọn một trong hai.",
                sheet=sheet.name,
                ref=ref,
            )
            good = False
        return nature if good else None

    def _rows(self, sheet: workbook.Sheet, owed: dict[str, Indicator]) -> Iterable[Observation]:
        top, columns = self._header(sheet)
        if top is None:
            return
        seen: dict[str, str] = {}
        for row in sorted({row for row, _ in sheet.cells if row > top}):
            code = tidy(sheet.text(row, columns[layout.CODE]))
            typed = [c for c in (layout.VALUE, layout.PRECISION, layout.STATUS) if (row, columns[c]) in sheet.cells]
            ref = next(cell.ref for (r, _), cell in sorted(sheet.cells.items()) if r == row)
            if not code:
                if typed:
                    self.find(
                        "row-without-code",
                        sheet.text(row, columns[layout.VALUE]),
                        "Dòng có số nhưng không có mã chỉ tiêu.",
                        "Xóa dòng tự thêm (kể cả dòng tổng cộng) hoặc lấy lại mã từ phiếu được gửi.",
                        sheet=sheet.name,
                        ref=ref,
                    )
                continue
            if code not in owed:
                self.find(
                    "unknown-indicator",
                    code,
                    f"Không có mã chỉ tiêu “{code}” ở trang này.{nearest(code, owed)}",
                    "Không sửa cột Mã; lấy lại mã từ phiếu được gửi." if typed else "Nếu là ghi chú thì xóa dòng.",
                    sheet=sheet.name,
                    ref=ref,
                    severity="error" if typed else "warning",
                )
                continue
            if code in seen:
                self.find(
                    "indicator-twice",
                    code,
                    f"Chỉ tiêu đã có ở {seen[code]}.",
                    "Giữ một dòng.",
                    sheet=sheet.name,
                    ref=ref,
                    indicator=code,
                )
                continue
            seen[code] = ref
            if observation := self._observation(sheet, row, columns, owed[code]):
                yield observation
        for code in (code for code in owed if code not in seen):
            self.find(
                "missing-row",
                "không thấy",
                f"Thiếu dòng chỉ tiêu “{owed[code].name}”.",
                "Thêm lại dòng này từ phiếu được gửi.",
                sheet=sheet.name,
                indicator=code,
            )

    def _header(self, sheet: workbook.Sheet) -> tuple[int | None, dict[str, int]]:
        for row in sorted({row for row, _ in sheet.cells}):
            columns = {tidy(str(c.value)): c.column for (r, _), c in sheet.cells.items() if r == row}
            if layout.CODE in columns and layout.VALUE in columns:
                absent = [name for name in layout.COLUMNS if name not in columns]
                if not absent:
                    return row, columns
                self.find(
                    "missing-column",
                    ", ".join(columns),
                    f"Bảng thiếu cột {', '.join(absent)}.",
                    "Lấy lại các cột từ phiếu được gửi.",
                    sheet=sheet.name,
                    ref=f"dòng {row}",
                )
                return None, {}
        self.find(
            "missing-table",
            "không thấy",
            f"Không thấy dòng tiêu đề có “{layout.CODE}” và “{layout.VALUE}”.",
            "Dùng đúng phiếu được gửi.",
            sheet=sheet.name,
        )
        return None, {}

    def _observation(
        self, sheet: workbook.Sheet, row: int, columns: dict[str, int], indicator: Indicator
    ) -> Observation | None:
        assert self.unit is not None
        raw = sheet.cells.get((row, columns[layout.VALUE]))
        code_ref = sheet.cells[row, columns[layout.CODE]].ref
        ref = raw.ref if raw else re.sub("[A-Z]+", _letter(columns[layout.VALUE]), code_ref)
        cell = Cell(self.file, sheet.name, ref)

        def refuse(
            rule: str, found: object, reason: str, remedy: str, severity: Severity = "error", column: str = ""
        ) -> None:
            at = re.sub("[A-Z]+", _letter(columns[column]), ref) if column else ref
            self.find(
                rule,
                found,
                reason,
                remedy,
                sheet=sheet.name,
                ref=at,
                indicator=indicator.code,
                severity=severity,
            )

        def made(value: Decimal | None, status: Status, bound: Bound = EXACT) -> Observation:
            assert self.unit is not None
            return Observation(self.unit, indicator, self.params.year, value, status, bound, cell)

        precision = tidy(sheet.text(row, columns[layout.PRECISION])).casefold()
        status = tidy(sheet.text(row, columns[layout.STATUS])).casefold()
        for label, word, allowed in (
            (layout.PRECISION, precision, layout.PRECISION_WORDS),
            (layout.STATUS, status, layout.STATUS_WORDS),
        ):
            if word and word not in allowed:
                refuse(
                    "unknown-word",
                    word,
                    f"Cột {label} chỉ nhận: {', '.join(allowed)}.",
                    "Chọn lại trong danh sách.",
                    column=label,
                )
                return None
        structural = self.unit.owes(indicator) == "not_applicable"
        if structural and status == layout.STATUS_NOT_APPLICABLE and raw is None:
            return made(None, Status.NOT_APPLICABLE)
        if structural:
            refuse(
                "not-applicable",
                shown(raw) or "(trống)",
                f"{self.unit.full_name} không có đối tượng của chỉ tiêu này.",
                f"Để trống ô Giá trị và chọn “{layout.STATUS_NOT_APPLICABLE}”.",
            )
            return None
        if (raw is None or indicator.kind == "boolean") and precision not in ("", "chính xác"):
            refuse(
                "word-without-number",
                precision,
                f"Cột {layout.PRECISION} chỉ đi với một con số.",
                f"Xóa ô ở cột {layout.PRECISION}.",
                column=layout.PRECISION,
            )
            return None
        if raw is None:
            if status == layout.STATUS_ZERO and indicator.kind == "boolean":
                refuse(
                    "not-yes-or-no",
                    status,
                    f"Chỉ tiêu này chỉ nhận {layout.YES} hoặc {layout.NO}.",
                    f"Ghi {layout.YES} hoặc {layout.NO}.",
                )
                return None
            if status == layout.STATUS_ZERO:
                return made(Decimal(0), Status.ZERO)
            if status == layout.STATUS_NOT_REPORTED:
                refuse(
                    "not-reported",
                    status,
                    "Đơn vị không báo cáo chỉ tiêu này; tổng sẽ ghi rõ là chưa đủ.",
                    "Hỏi lại đơn vị nếu cần số đầy đủ.",
                    severity="warning",
                )
                return made(None, Status.NOT_REPORTED)
            if status == layout.STATUS_NOT_APPLICABLE:
                refuse(
                    "not-applicable",
                    status,
                    f"{self.unit.full_name} phải báo cáo chỉ tiêu này.",
                    f"Ghi số, hoặc chọn “{layout.STATUS_ZERO}” hay “{layout.STATUS_NOT_REPORTED}”.",
                )
                return None
            refuse(
                "blank",
                "(trống)",
                "Ô trống không rõ là số 0 hay không báo cáo.",
                f"Ghi số, hoặc chọn “{layout.STATUS_ZERO}” hay “{layout.STATUS_NOT_REPORTED}” ở cột Tình trạng.",
            )
            return None
        value = self._value(raw, indicator, refuse)
        if value is None:
            return None
        if status and not (status == layout.STATUS_ZERO and value == 0):
            refuse(
                "value-and-status",
                f"{shown(raw)} và “{status}”",
                "Vừa có số vừa chọn tình trạng trái với số.",
                "Bỏ một trong hai.",
            )
            return None
        bound = Bound.of(precision)
        if value == 0 and bound != EXACT:
            refuse(
                "zero-with-word",
                f"{precision} 0",
                "Số 0 không đi với “hơn”, “trên”, “khoảng”.",
                "Sửa một trong hai ô.",
            )
            return None
        return made(value, Status.ZERO if value == 0 and indicator.kind != "boolean" else Status.REPORTED, bound)

    def _value(self, raw: workbook.RawCell, indicator: Indicator, refuse: Callable[..., None]) -> Decimal | None:
        """The number in a cell by the indicator's kind, or None after a finding."""
        number = "Ghi số bằng chữ số, định dạng ô là General hoặc Number."
        kind: Callable[[str], None] = lambda what: refuse(  # noqa: E731
            "wrong-type", shown(raw), f"Ô chứa {what}, không phải số.", number
        )
        if indicator.kind == "boolean":
            word = tidy(str(raw.value)).casefold()
            if raw.type == "s" and word in (layout.YES.casefold(), layout.NO.casefold()):
                return Decimal(word == layout.YES.casefold())
            refuse(
                "not-yes-or-no",
                shown(raw),
                f"Chỉ tiêu này chỉ nhận {layout.YES} hoặc {layout.NO}.",
                f"Ghi {layout.YES} hoặc {layout.NO}.",
            )
            return None
        match raw.value:
            case bool():
                kind("giá trị đúng/sai")
                return None
            case int() | float():
                return self._numeric(raw, indicator, refuse)
            case str() if raw.type == "f":
                refuse(
                    "formula",
                    raw.value,
                    "Ô chứa công thức; số có thể đổi khi mở lại.",
                    "Dán lại dưới dạng giá trị.",
                )
                return None
            case str():
                return self._typed(raw.value, indicator, refuse)
            case datetime() | date():
                kind("ngày tháng (Excel có thể đã đổi số dạng 14/15 thành ngày)")
                return None
        kind("giờ hoặc kiểu khác")
        return None

    def _numeric(self, raw: workbook.RawCell, indicator: Indicator, refuse: Callable[..., None]) -> Decimal | None:
        value = Decimal(format(raw.value, ".15g"))  # Excel keeps 15 digits; more is noise of binary fractions
        if "%" in raw.number_format:
            refuse(
                "percent",
                shown(raw),
                "Ô định dạng phần trăm; chỉ tiêu này nhận số tuyệt đối.",
                "Ghi số; tỷ lệ do chương trình tính.",
            )
            return None
        if value < 0:
            refuse(
                "negative",
                shown(raw),
                "Số âm; chỉ tiêu này không thể âm.",
                "Kiểm tra lại và ghi số không âm.",
            )
            return None
        if value != round(value, indicator.decimals):
            what = "số nguyên" if indicator.decimals == 0 else f"số có nhiều nhất {indicator.decimals} chữ số thập phân"
            refuse(
                "fraction",
                shown(raw),
                f"Chỉ tiêu này chỉ nhận {what}; dấu ngăn hàng nghìn có thể đã bị hiểu là dấu thập phân.",
                "Mở phiếu, ghi lại đủ chữ số, viết liền không dấu.",
            )
            return None
        return value

    def _typed(self, text: str, indicator: Indicator, refuse: Callable[..., None]) -> Decimal | None:
        match numbers.parse(text, indicator.decimals, indicator.measured_in):
            case numbers.Parsed(value, notes):
                if notes:
                    refuse(
                        "oddly-typed",
                        text,
                        f"Đọc được là {value} nhưng {', '.join(notes)}.",
                        "Xem lại; nếu đúng thì ghi lại bằng số.",
                        severity="warning",
                    )
                return value
            case numbers.Refused(reason, remedy):
                refuse("unclear-number", text, reason[0].upper() + reason[1:], remedy)
            case numbers.Missing():
                refuse("blank", "(dấu cách)", "Ô chỉ có dấu cách.", "Xóa ô, rồi ghi số hoặc chọn tình trạng.")
        return None


def tidy(text: str) -> str:
    """A label or word as it is compared: NFC, single plain spaces, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def shown(raw: workbook.RawCell | None) -> str:
    """A raw value as the analyst sees it."""
    if raw is None:
        return ""
    if isinstance(raw.value, float):
        return format(raw.value, ".15g").replace(".", ",")
    return str(raw.value)


def _letter(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
