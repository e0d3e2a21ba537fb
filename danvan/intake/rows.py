"""The table of a sheet -> observations. Rows are found by their code, columns by their heads, never by position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from danvan.catalogue import Indicator
from danvan.errors import nearest
from danvan.intake import layout, numbers, values
from danvan.intake.addresses import letters
from danvan.intake.cells import RawCell, Sheet, tidy
from danvan.intake.findings import Cell, Findings
from danvan.intake.formulas import Lookup
from danvan.intake.observations import Observation
from danvan.units import Unit, strange_letters

_FORM = "lấy lại từ phiếu được gửi"
_ENOUGH_HEADS = 3  # of nine: a row of heads, though some are misspelt or missing


@dataclass(frozen=True)
class Table:
    """Where the table stands: the row of its heads, and the column of each of layout.COLUMNS that is there."""

    top: int
    columns: Mapping[str, int]


@dataclass(frozen=True)
class Reader:
    """Reads the rows of one unit's sheets; `sheets` by name, for formulas that reach across."""

    unit: Unit
    year: int
    until: date | None
    sheets: Mapping[str, Sheet]
    names: frozenset[str]  # of all indicators, in small letters
    mark: Literal["", ",", "."]  # the decimal mark declared for texts
    found: Findings

    def read(self, sheet: Sheet, owed: Mapping[str, Indicator], elsewhere: Mapping[str, str]) -> Iterator[Observation]:
        """The observations of a sheet: of the rows in `owed`. `elsewhere` says in which sheet other codes are."""
        table = locate(sheet, owed, self.found)
        if table is None:
            return
        merged = self._merged(sheet, table)
        seen: dict[str, tuple[int, str]] = {}
        taken: list[Observation] = []
        for row, cells in sheet.rows.items():
            if row <= table.top:
                continue
            self._outside(sheet, table, cells)
            code = tidy(sheet.text(row, table.columns[layout.CODE]))
            if not self._is_row_of(sheet, table, row, code, owed, elsewhere):
                continue
            value = sheet.text(row, table.columns[layout.VALUE])
            ref = f"{letters(table.columns[layout.VALUE])}{row}"
            if code in seen:
                first, earlier = seen[code]
                same = sheet.text(first, table.columns[layout.VALUE]) == value
                self.found.add(
                    "indicator-twice",
                    f"{value or '(trống)'}; ở {earlier}: {sheet.text(first, table.columns[layout.VALUE]) or '(trống)'}",
                    f"Chỉ tiêu đã có ở {earlier}" + ("." if same else ", với số khác."),
                    "Giữ một dòng có số đúng, xóa dòng kia.",
                    sheet=sheet.name,
                    ref=ref,
                    indicator=code,
                )
                continue
            seen[code] = row, ref
            if row not in merged and (observation := self._observation(sheet, table, row, owed[code])):
                taken.append(observation)
                yield observation
        for code in (code for code in owed if code not in seen and self.unit.owes(owed[code]) == "owed"):
            self.found.add(
                "missing-row",
                "không thấy",
                f"Thiếu dòng chỉ tiêu “{owed[code].name}” (mã {code}).",
                f"Thêm lại dòng này, {_FORM}.",
                sheet=sheet.name,
                indicator=code,
            )
        self._prose(sheet, table, taken)

    def _merged(self, sheet: Sheet, table: Table) -> set[int]:
        """The rows in which a merged area hides which row a value belongs to."""
        rows: set[int] = set()
        columns = {table.columns[label] for label in (layout.CODE, layout.VALUE, layout.PRECISION, layout.STATUS)}
        for top, left, bottom, right in sheet.merged:
            inside = columns & set(range(left, right + 1))
            area = range(max(top, table.top + 1), bottom + 1)
            if not inside or not area or not any(sheet.text(r, table.columns[layout.CODE]) for r in area):
                continue
            rows.update(area)
            self.found.add(
                "merged-cells",
                sheet.text(top, left) or "(trống)",
                "Ô gộp trong bảng: không rõ số thuộc dòng, cột nào.",
                "Bỏ gộp ô, ghi lại từng ô.",
                sheet=sheet.name,
                ref=f"{letters(left)}{top}:{letters(right)}{bottom}",
            )
        return rows

    def _outside(self, sheet: Sheet, table: Table, cells: Sequence[RawCell]) -> None:
        """Numbers that stand in a row of the table, but in no column of the form."""
        known = set(table.columns.values())
        for cell in cells:
            number = isinstance(cell.value, int | float) and not isinstance(cell.value, bool)
            if number and cell.column not in known:
                self.found.add(
                    "outside-table",
                    values.shown(cell),
                    "Số nằm ngoài các cột của mẫu nên không được đọc.",
                    f"Ghi số vào cột “{layout.VALUE}”, hoặc xóa ô này.",
                    sheet=sheet.name,
                    ref=cell.ref,
                )

    def _is_row_of(
        self,
        sheet: Sheet,
        table: Table,
        row: int,
        code: str,
        owed: Mapping[str, Indicator],
        elsewhere: Mapping[str, str],
    ) -> bool:
        """Whether the row is one of the form's; one that is not is told if it holds figures."""
        if code in owed:
            return True
        filled = [c for c in (layout.VALUE, layout.PRECISION, layout.STATUS) if (row, table.columns[c]) in sheet.cells]
        ref = sheet.rows[row][0].ref
        if code:
            where = f" Mã này thuộc trang “{elsewhere[code]}”." if code in elsewhere else nearest(code, owed)
            self.found.add(
                "unknown-indicator",
                code,
                f"Không có mã chỉ tiêu “{code}” ở trang này.{where}{strange_letters(code, 'Mã')}",
                f"Không sửa cột Mã; {_FORM}." if filled else "Nếu là ghi chú thì xóa dòng.",
                sheet=sheet.name,
                ref=ref,
                severity="error" if filled else "warning",
            )
        elif filled:
            self.found.add(
                "row-without-code",
                sheet.text(row, table.columns[layout.VALUE]),
                "Dòng có số nhưng không có mã chỉ tiêu.",
                f"Xóa dòng tự thêm (kể cả dòng tổng cộng) hoặc {_FORM}.",
                sheet=sheet.name,
                ref=ref,
            )
        return False

    def _observation(self, sheet: Sheet, table: Table, row: int, indicator: Indicator) -> Observation | None:
        """The observation of a row, or None where it was refused; either way with its findings."""

        def word(column: str) -> str:
            return tidy(sheet.text(row, table.columns[column])).casefold()

        def ref(column: str) -> str:
            return f"{letters(table.columns[column])}{row}"

        def add(remark: values.Remark) -> None:
            self.found.add(
                remark.rule,
                remark.found,
                remark.reason,
                remark.remedy,
                sheet=sheet.name,
                ref=ref(remark.column),
                indicator=indicator.code,
            )

        raw = sheet.cells.get((row, table.columns[layout.VALUE]))
        name = tidy(sheet.text(row, table.columns[layout.NAME]))
        if name.casefold() != indicator.name.casefold() and name.casefold() in self.names:
            add(
                values.Remark(
                    "code-and-name",
                    f"{indicator.code}: {name}",
                    f"Mã {indicator.code} là của chỉ tiêu “{indicator.name}”, dòng này lại ghi tên chỉ tiêu khác.",
                    "Lấy lại cột Mã và cột Chỉ tiêu từ phiếu được gửi, ghi số vào đúng dòng.",
                    layout.CODE,
                )
            )
            return None
        measure = tidy(sheet.text(row, table.columns[layout.MEASURE]))
        if raw is not None and measure.casefold() not in ("", indicator.measured_in.casefold()):
            add(
                values.Remark(
                    "measure-changed",
                    measure,
                    f"Đơn vị tính trong phiếu khác danh mục ({indicator.measured_in}).",
                    f"Ghi số theo {indicator.measured_in}; không sửa cột “{layout.MEASURE}”.",
                    layout.MEASURE,
                )
            )
            return None
        cells = values.Row(raw, word(layout.PRECISION), word(layout.STATUS), self.mark, self._lookup(sheet))
        try:
            value, status, bound, remarks = values.read(cells, indicator, self.unit)
        except values.RefusedError as error:
            add(error.remark)
            return None
        for remark in remarks:
            add(remark)
        self._note(sheet, table, row, indicator, value)
        cell = Cell(self.found.file, sheet.name, ref(layout.VALUE))
        return Observation(self.unit, indicator, self.year, value, status, bound, cell, self.until)

    def _lookup(self, own: Sheet) -> Lookup:
        """Finds the number in another cell of this return, for a formula; KeyError for a text."""

        def number(sheet: str, ref: str) -> Decimal | None:
            cell = (self.sheets[tidy(sheet)] if sheet else own).at(ref)
            held = cell.cached if cell and cell.type == "f" else cell.value if cell else None
            if held is None:
                return None
            if isinstance(held, bool) or not isinstance(held, int | float):
                raise KeyError(ref)
            return Decimal(format(held, ".15g"))

        return number

    def _note(self, sheet: Sheet, table: Table, row: int, indicator: Indicator, value: Decimal | None) -> None:
        """A note beside the figure that names another number; the note itself goes nowhere."""
        cell = sheet.cells.get((row, table.columns.get(layout.NOTE, 0)))
        said = numbers_in(str(cell.value), indicator) if cell else set()
        if cell and value is not None and said and value not in said:
            self._otherwise(sheet, cell, indicator, value)

    def _prose(self, sheet: Sheet, table: Table, taken: Sequence[Observation]) -> None:
        """Sentences around the table: one that names an indicator, or what it is measured in, with another number."""
        code = table.columns[layout.CODE]
        known = [o for o in taken if o.value is not None]
        measures = sorted({o.indicator.measured_in.casefold() for o in known}, key=len, reverse=True)
        measured = re.compile(rf"(\d[\d.,]*) ({'|'.join(map(re.escape, measures))})\b")
        for cell in sheet.cells.values():
            if cell.row <= table.top or not isinstance(cell.value, str) or (cell.row, code) in sheet.cells:
                continue
            if not re.search(r"\d", cell.value):
                continue
            text = tidy(cell.value).casefold()
            named = [o for o in known if o.indicator.name.casefold() in text]
            for o in named:
                if (said := numbers_in(text, o.indicator)) and o.value not in said:
                    self._otherwise(sheet, cell, o.indicator, o.value)
            for number, word in [] if named else measured.findall(text):
                of = [o for o in known if o.indicator.measured_in.casefold() == word]
                said = numbers_in(number, of[0].indicator) if of else set()
                if said and said.isdisjoint({o.value for o in of}):
                    self._otherwise(sheet, cell, of[0].indicator, of[0].value)

    def _otherwise(self, sheet: Sheet, cell: RawCell, indicator: Indicator, value: Decimal | None) -> None:
        assert value is not None
        self.found.add(
            "note-says-otherwise",
            f"{values.plain(value)}; lời ghi: {cell.value}",
            f"Lời ghi nêu số khác với ô Giá trị của chỉ tiêu “{indicator.name}”; chỉ ô Giá trị được lấy.",
            "Kiểm tra số nào đúng, sửa ô Giá trị, bỏ số trong lời ghi.",
            sheet=sheet.name,
            ref=cell.ref,
            indicator=indicator.code,
        )


def numbers_in(text: str, indicator: Indicator) -> set[Decimal]:
    """The numbers that a sentence names, as far as each has one reading; dates and document numbers are none."""
    bare = re.sub(r"\d+(?:[/-]\d+)+|\d+[/-][A-ZĐ]\S*", " ", text)
    parsed = (numbers.parse(word, indicator.decimals) for word in re.findall(r"\d+(?:[.,]\d+)*", bare))
    return {read.value for read in parsed if isinstance(read, numbers.Parsed)}


def locate(sheet: Sheet, owed: Mapping[str, Indicator], found: Findings) -> Table | None:
    """The table of a sheet by its heads, or None with a finding that says what is missing."""
    for row in sorted({*sheet.rows, *sheet.merged_over}):
        labels = _labels(sheet, row)
        if len({_known(label) for label, _ in labels} - {""}) >= _ENOUGH_HEADS:
            return _columns(sheet, row, labels, found)
    across = [cell for cells in sheet.rows.values() for cell in cells if tidy(str(cell.value)) in owed]
    if len(across) >= 3 and len({cell.row for cell in across}) == 1:
        found.add(
            "transposed",
            f"các mã chỉ tiêu nằm trên dòng {across[0].row}",
            "Bảng xoay ngang: mỗi chỉ tiêu phải là một dòng.",
            "Dùng đúng phiếu được gửi, không xoay bảng.",
            sheet=sheet.name,
            ref=across[0].ref,
        )
        return None
    found.add(
        "missing-table",
        "không thấy",
        f"Không thấy dòng tiêu đề có “{layout.CODE}” và “{layout.VALUE}”.",
        "Dùng đúng phiếu được gửi.",
        sheet=sheet.name,
    )
    return None


def _labels(sheet: Sheet, row: int) -> list[tuple[str, int]]:
    """The texts of a row with their columns; a head merged over several rows stands in each of them."""
    own = {cell.column: str(cell.value) for cell in sheet.rows.get(row, [])}
    for cell in sheet.merged_over.get(row, ()):
        own.setdefault(cell.column, str(cell.value))
    return [(text, column) for column, text in sorted(own.items())]


def _loose(label: str) -> str:
    """A head without case, line breaks, colons and the like."""
    return re.sub(r"[\W_]+", " ", tidy(label).casefold()).strip()


_BY_LOOSE = {_loose(label): label for label in layout.COLUMNS}


def _known(label: str) -> str:
    """The column of the form that a head means, or ''."""
    return _BY_LOOSE.get(_loose(label), "")


def _columns(sheet: Sheet, row: int, labels: Sequence[tuple[str, int]], found: Findings) -> Table | None:
    columns: dict[str, int] = {}
    ref = f"dòng {row}"
    for label, column in labels:
        meant = _known(label)
        if not meant:
            continue
        if meant in columns:
            found.add(
                "column-twice",
                meant,
                f"Cột “{meant}” có ở {letters(columns[meant])} và {letters(column)}.",
                "Giữ một cột, xóa cột kia.",
                sheet=sheet.name,
                ref=f"{letters(column)}{row}",
            )
            return None
        columns[meant] = column
        if unicodedata.normalize("NFC", label) != meant:
            found.add(
                "column-spelling",
                label,
                f"Tên cột viết khác mẫu; đọc là “{meant}”.",
                "Không sửa dòng tiêu đề.",
                sheet=sheet.name,
                ref=f"{letters(column)}{row}",
            )
    absent = [name for name in layout.NEEDED if name not in columns]
    if not absent:
        return Table(row, columns)
    others = [tidy(label) for label, _ in labels if not _known(label)]
    hints = "".join(nearest(name, others) for name in absent)
    strange = "".join(strange_letters(label, f"“{tidy(label)}”") for label in others)
    found.add(
        "missing-column",
        ", ".join(tidy(label) for label, _ in labels),
        f"Bảng thiếu cột {', '.join(absent)}.{hints}{strange}",
        "Lấy lại các cột từ phiếu được gửi.",
        sheet=sheet.name,
        ref=ref,
    )
    return None
