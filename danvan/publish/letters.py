"""Writes the letter that goes with a reply: what to mend, what to confirm, by when.

No clock and no name: date, number and signature are left to be filled in by whoever sends it. What a file says stays
text, whatever it looks like; data about a person is not repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from danvan import status
from danvan.intake import layout
from danvan.intake.findings import Cell, Finding, tell
from danvan.intake.year import Year
from danvan.params import YearParams
from danvan.publish.word import docx as docx  # the other shape of a letter, asked for here too
from danvan.status import Standing
from danvan.units import Unit
from danvan.wording import long_date, lower_first

SENDER = "Bộ phận tổng hợp số liệu"
_PERSONAL = {"personal-data", "personal-columns", "person-name"}
# Widths of columns in mm, 165 in all; of lines side by side also whether they stand left or centred.
_LINES = {
    "letterhead": ((78, False), (87, False)),
    "to": ((45, True), (120, True)),
    "sign": ((70, True), (95, False)),
}
_ERRORS = {"TT": 11, "Nơi, chỉ tiêu": 42, "Ghi trong phiếu": 37, "Vì sao, cần làm gì": 75}
_WARNINGS = {"TT": 11, "Nơi, chỉ tiêu": 40, "Ghi trong phiếu": 34, "Vì sao, cần làm gì": 60, "Mã": 20}


def markdown(year: Year, standing: Standing, *, copy: str = "") -> str:
    """The letter to a unit with something to do: any state but sound. `copy`: the file name of its annotated copy."""
    assert standing.state != "sound"
    unit, params = standing.unit, year.params
    points = [f for f in status.points(year).get(unit.full_name, ()) if f.is_open]
    errors = [f for f in points if f.severity == "error"]
    warnings = [f for f in points if f.severity == "warning"]
    parts: list[Iterable[str]] = [_head(params, standing), _to(unit)]
    if _illustrative(year, unit):
        parts.append(["**Phiếu minh họa:** số liệu trong phiếu không phải số liệu thật của đơn vị."])
    parts.append(_opening(standing, params, errors, warnings))
    if errors:
        parts.append(["## Những điểm phải sửa", _table(_ERRORS, _rows(errors, year))])
    if warnings:
        parts.append(["## Những điểm cần xác nhận, giải trình", _table(_WARNINGS, _rows(warnings, year))])
    parts += [_what_to_send(standing, params, warnings, copy), _foot(params, copy)]
    return "\n\n".join(block for part in parts for block in part) + "\n"


# ---------------------------------------------------------------- the parts of a letter


def _head(params: YearParams, standing: Standing) -> Iterator[str]:
    subject = {"missing": "nhắc gửi", "refused": "gửi lại"}.get(standing.state, "hoàn thiện")
    symbol = params.document.symbol.rpartition("/")[2]
    rows = (
        (_text(params.bodies[0].superior.upper()), "**ĐẢNG CỘNG SẢN VIỆT NAM**"),
        (f"**{_bodies(params).upper()}**", ""),
        (f"Số ........-CV/{_text(symbol)}", f"*{_text(params.document.place)}, {long_date(None)}*"),
        (f"*V/v {subject} phiếu số liệu năm {params.year}*", ""),
    )
    yield _lines("letterhead", rows)


def _to(unit: Unit) -> Iterator[str]:
    offices = [_text(unit.office(body)) for body in layout.SHEETS]
    yield _lines("to", (("*Kính gửi:*", f"\\- {offices[0]};"), *(("", f"\\- {name}.") for name in offices[1:])))


def _opening(
    standing: Standing, params: YearParams, errors: Sequence[Finding], warnings: Sequence[Finding]
) -> Iterator[str]:
    unit, due = _text(lower_first(standing.unit.full_name)), f"**{params.returns_due:%d/%m/%Y}**"
    what = f"phiếu số liệu phối hợp công tác dân vận năm {params.year} của {unit}"
    if standing.state == "missing":
        yield (
            f"Đến nay chưa nhận được {what}. Đề nghị hai cơ quan lập phiếu trên mẫu đã gửi cho đơn vị và gửi chậm nhất "
            f"ngày {due}. Nếu đã gửi, đề nghị báo lại ngày gửi, nơi nhận và gửi lại tệp."
        )
        return
    files = _files(standing, (*errors, *warnings))
    if standing.state == "refused":
        yield (
            f"{_capital(what)} ({files}) bị trả lại vì các điểm dưới đây; số liệu trong tệp chưa được nhận. Đề nghị "
            f"hai cơ quan khắc phục và gửi lại phiếu chậm nhất ngày {due}."
        )
    else:
        counted = [f"{len(errors)} điểm phải sửa"] if errors else []
        counted += [f"{len(warnings)} điểm cần xác nhận hoặc giải trình"] if warnings else []
        yield (
            f"Đã nhận {what} ({files}). Qua kiểm tra, phiếu còn {' và '.join(counted)}. Đề nghị hai cơ quan xem lại, "
            f"gửi phiếu đã hoàn thiện chậm nhất ngày {due}."
        )
    if any(f.rule in _PERSONAL for f in errors):
        yield (
            "Trong tệp có dữ liệu về từng người (như họ tên, số giấy tờ, số điện thoại, địa chỉ), nên cả tệp bị trả "
            "lại; số liệu trong tệp không được dùng, và thư này không nêu lại dữ liệu ấy. Đề nghị xóa dữ liệu ấy khỏi "
            "phiếu, gửi phiếu mới, và xóa tệp cũ ở những nơi đã gửi."
        )


def _what_to_send(standing: Standing, params: YearParams, warnings: Sequence[Finding], copy: str) -> Iterator[str]:
    yield f"## {'Cách gửi phiếu' if standing.state == 'missing' else 'Cách gửi lại'}"
    sheets = " và ".join(f"“{name}”" for name in layout.SHEETS.values())
    yield (
        f"- Một tệp .xlsx, không đặt mật khẩu, không macro, lập trên mẫu phiếu năm {params.year} đã gửi cho đơn vị, đủ "
        f"trang {sheets}; không đổi tên trang, dòng, cột."
    )
    yield (
        f"- Ô “{layout.VALUE}” chỉ ghi chữ số, viết liền, không dùng công thức; không có số thì để trống và chọn ở cột "
        f"“{layout.STATUS}”."
    )
    yield "- Không ghi họ tên, số căn cước, số điện thoại, địa chỉ của ai ở bất cứ chỗ nào trong tệp."
    if warnings:
        yield (
            "- Điểm cần xác nhận: số sai thì sửa trong phiếu; số đúng thì giữ nguyên và trả lời lý do, nêu mã của điểm "
            "ấy và cơ quan trả lời (không nêu tên người). Mỗi điểm chỉ phải giải trình một lần."
        )
    if copy:
        yield (
            f"- Gửi kèm thư này là bản sao phiếu có đánh dấu (tệp “{_text(tell(copy))}”): ô đỏ phải sửa, ô vàng cần "
            "xem lại, trang đầu ghi từng điểm. Có thể sửa ngay trong bản sao ấy rồi gửi lại."
        )


def _foot(params: YearParams, copy: str) -> Iterator[str]:
    kept = ["\\- Như trên;", *(["\\- Gửi kèm: bản sao phiếu;"] if copy else []), "\\- Lưu."]
    rows = [("", ""), ("*Nơi nhận:*", f"**{SENDER.upper()}**"), (kept[0], _bodies(params))]
    yield _lines("sign", (*rows, *((line, "") for line in kept[1:])))


def _bodies(params: YearParams) -> str:
    return _text(" - ".join(body.name for body in params.bodies))


def _files(standing: Standing, points: Iterable[Finding]) -> str:
    """'tệp “Hồng Bàng.xlsx”, nhận ngày 05/12/2023' for the files that the points are about."""
    came = {_name(tell(line.file)): line.received_on for line in standing.files}
    names = dict.fromkeys(_name(f.cell.file) for f in points)
    days = {name: f", nhận ngày {came[name]:%d/%m/%Y}" if name in came else "" for name in names}
    return "; ".join(f"tệp “{_text(name)}”{day}" for name, day in days.items())


def _rows(points: Sequence[Finding], year: Year) -> Iterator[tuple[str, ...]]:
    """Number, place, what is written, why and what to do, and the id of a warning."""
    several = len({f.cell.file for f in points}) > 1
    for number, f in enumerate(points, start=1):
        name = year.catalogue.by_code[f.indicator].name if f.indicator in year.catalogue.by_code else ""
        place = ": ".join(filter(None, (_place(f.cell, several), name)))
        found = "(không nêu lại)" if f.rule in _PERSONAL else f.found
        yield (
            str(number),
            _text(place),
            _text(found) or "(để trống)",
            f"{_text(f.reason)} *Cần làm:* {_text(f.remedy)}",
            f"**{f.id}**",
        )


def _place(cell: Cell, with_file: bool) -> str:
    """'trang “Công an”, ô D21'."""
    ref = f"ô {cell.ref}" if re.fullmatch(r"[A-Z]+\d+(:[A-Z]+\d+)?", cell.ref) else cell.ref
    file = f"tệp “{_name(cell.file)}”" if with_file or not (cell.sheet or ref) else ""
    return _capital(", ".join(filter(None, (file, f"trang “{cell.sheet}”" if cell.sheet else "", ref))))


def _illustrative(year: Year, unit: Unit) -> bool:
    """Whether the return is; of one that was not read, whether the others are."""
    read = {got.unit.id for got in year.returns}
    return unit.id in year.illustrative_ids if unit.id in read else year.illustrative_units


def _name(file: str) -> str:
    return PurePosixPath(file).name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---------------------------------------------------------------- Markdown


def _text(text: str) -> str:
    """Text that stays text: every ASCII punctuation mark with a backslash before it, on one line."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def _table(widths: dict[str, int], rows: Iterable[Sequence[str]]) -> str:
    """A table with a head; the dashes below it stand for millimetres, and pandoc keeps their proportions."""
    body = [row[: len(widths)] for row in rows]
    return _rows_of([tuple(widths), tuple("-" * width for width in widths.values()), *body])


def _lines(kind: str, rows: Iterable[Sequence[str]]) -> str:
    """A table without a head: nothing but lines side by side, and so without borders in Word."""
    rule = [f"{'-' if left else ':'}{'-' * width}{'-' if left else ':'}" for width, left in _LINES[kind]]
    return _rows_of([[""] * len(rule), rule, *rows])


def _rows_of(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
