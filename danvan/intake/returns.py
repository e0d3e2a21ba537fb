"""Workbook cells -> observations. Every value keeps its cell; whatever has two readings becomes a finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from danvan.catalogue import Catalogue, Indicator
from danvan.errors import nearest
from danvan.intake import layout, values, workbook
from danvan.intake.findings import Cell, Finding, Severity
from danvan.intake.observations import Observation, Return
from danvan.intake.values import tidy
from danvan.params import YearParams
from danvan.paths import Project, ignored
from danvan.store import sha256
from danvan.units import Unit, Units


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
        for row, cells in sheet.rows.items():
            if row <= top:
                continue
            code = tidy(sheet.text(row, columns[layout.CODE]))
            typed = [c for c in (layout.VALUE, layout.PRECISION, layout.STATUS) if (row, columns[c]) in sheet.cells]
            ref = cells[0].ref
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
        for row, cells in sheet.rows.items():
            columns = {tidy(str(cell.value)): cell.column for cell in cells}
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
        """The observation of a row, or None where it was refused; either way with its findings."""
        assert self.unit is not None

        def word(column: str) -> str:
            return tidy(sheet.text(row, columns[column])).casefold()

        def ref(column: str) -> str:
            return f"{workbook.letter(columns[column])}{row}"

        cells = values.Row(sheet.cells.get((row, columns[layout.VALUE])), word(layout.PRECISION), word(layout.STATUS))
        taken = None
        try:
            taken = values.read(cells, indicator, self.unit)
            remarks = taken[3]
        except values.RefusedError as error:
            remarks = (error.remark,)
        for remark in remarks:
            self.find(
                remark.rule,
                remark.found,
                remark.reason,
                remark.remedy,
                sheet=sheet.name,
                ref=ref(remark.column),
                indicator=indicator.code,
                severity=remark.severity,
            )
        if taken is None:
            return None
        value, status, bound, _ = taken
        cell = Cell(self.file, sheet.name, ref(layout.VALUE))
        return Observation(self.unit, indicator, self.params.year, value, status, bound, cell)
