"""A year's files -> returns. Every value keeps its cell; whatever has two readings becomes a finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from danvan.catalogue import Catalogue
from danvan.errors import nearest
from danvan.intake import commas, files, heads, layout, persons, rows
from danvan.intake.cells import File, Sheet, tidy
from danvan.intake.container import UnreadableError
from danvan.intake.findings import Finding, Findings, tell
from danvan.intake.kept import Kept, by_name
from danvan.intake.observations import Observation, Received, Return
from danvan.packing import ForeignError, Packing, from_bytes, to_bytes
from danvan.params import YearParams
from danvan.paths import Project, ignored
from danvan.store import sha256
from danvan.units import Unit, Units, strange_letters


@dataclass(frozen=True)
class Reading:
    """All returns of a year and everything found while reading them; `files` are all that lay there."""

    returns: tuple[Return, ...]
    findings: tuple[Finding, ...]
    files: tuple[Received, ...] = ()

    def missing(self, units: Units) -> tuple[Unit, ...]:
        """Units (and the city offices) whose return is not there or not readable."""
        have = {r.unit.id for r in self.returns}
        return tuple(unit for unit in units.all if unit.id not in have)


def read_returns(
    project: Project,
    params: YearParams,
    catalogue: Catalogue,
    units: Units,
    progress: files.Progress = files.silent,
    kept: Kept | None = None,
) -> Reading:
    """Read every file of the year. One bad file never sinks the others; all findings come at once.

    `kept`: what files gave earlier; of these, none is opened that is as it was.
    """
    folder = project.returns(params.year)
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    open_now = {path.name[2:] for path in paths if path.name.startswith("~$")}
    paths = [path for path in paths if not ignored(path)]
    findings: list[Finding] = []
    returns: dict[str, Return] = {}
    received: list[Received] = []
    judge = _Judge(project, params.year, (params.hotline,), catalogue, units)
    for path, judged in zip(paths, _judged(judge, paths, progress, kept), strict=True):
        found = Findings(project.relative(path), judged.received.unit)
        if path.name in open_now or path.name[2:] in open_now:
            found.add(
                "open-in-excel",
                f"~${path.name}",
                "Có tệp khóa của Excel: phiếu đang mở, có thể chưa lưu xong.",
                "Đóng tệp trong Excel rồi chạy lại.",
            )
        received.append(judged.received)
        if judged.got is not None:
            _add(judged.got, returns, found)
        findings += (*judged.findings, *found.all)
    made = [_whole(r, catalogue, findings) for r in returns.values()]
    place = {unit.id: number for number, unit in enumerate(units.all)}
    reading = Reading(tuple(sorted(made, key=lambda r: place[r.unit.id])), (), tuple(received))
    for unit in reading.missing(units):
        found = Findings(project.relative(folder), unit.full_name)
        found.add(
            "missing-return",
            "không có phiếu đọc được",
            f"{unit.full_name} phải báo cáo kỳ này nhưng chưa có phiếu.",
            "Xin phiếu của đơn vị; nếu vẫn cần báo cáo ngay, chạy với --allow-incomplete.",
        )
        findings += found.all
    return replace(reading, findings=tuple(findings))


def _judged(judge: _Judge, paths: Sequence[Path], progress: files.Progress, kept: Kept | None) -> Iterator[_Judged]:
    """What each file gave: kept from earlier, else read now."""
    packing = by_name(judge.units, judge.catalogue)
    keys = {path: kept.key(path) for path in paths} if kept else {}
    have = {path: known for path, key in keys.items() if kept and (known := _unpacked(packing, kept.get(key)))}
    unread = [path for path in paths if path not in have]
    read = files.on_all_cores(judge, unread, progress)
    for path in paths:
        if path in have:
            yield have[path]
            continue
        packed = next(read)
        if kept and kept.key(path) == keys[path]:  # else it changed while it was read
            kept.put(keys[path], packed)
        yield packing.thing(from_bytes(packed), _Judged)


def _unpacked(packing: Packing, packed: bytes | None) -> _Judged | None:
    """What was kept; None if nothing was, or something else, which is then read anew."""
    try:
        return packing.thing(from_bytes(packed), _Judged) if packed is not None else None
    except ForeignError:
        return None


@dataclass(frozen=True)
class _Judged:
    """What one file gave: a return or none, what was found, and the file as received."""

    got: Return | None
    findings: tuple[Finding, ...]
    received: Received


@dataclass(frozen=True)
class _Judge:
    """Reads files, by the form of a year, and packs what they gave."""

    project: Project
    year: int
    public: tuple[str, ...]  # numbers that are no person's
    catalogue: Catalogue
    units: Units

    def __call__(self, path: Path) -> bytes:
        found = Findings(self.project.relative(path))
        file = files.read(path)
        got = _FileReader(self.year, self.public, self.catalogue, self.units, found).read(file)
        digest = file.sha256 if isinstance(file, File) else _digest(path)
        judged = _Judged(got, tuple(found.all), Received(tell(found.file), digest, found.unit))
        return to_bytes(by_name(self.units, self.catalogue).plain(judged, _Judged))


def _digest(path: Path) -> str:
    """The digest of a file that was refused, where it can be had cheaply."""
    try:
        small = path.is_file() and not path.is_symlink() and path.stat().st_size < 10_000_000
        return sha256(path) if small else ""
    except OSError:
        return ""


def _add(got: Return, returns: dict[str, Return], found: Findings) -> None:
    """Take a return, join it to the parts of its unit that are there already, or say that there are two."""
    first = returns.get(got.unit.id)
    if first is None:
        returns[got.unit.id] = got
    elif first.sha256 == got.sha256:
        found.add(
            "duplicate-copy", f"giống hệt {first.file}", "Hai tệp cùng nội dung; chỉ lấy một.", f"Xóa {got.file}."
        )
    elif first.bodies.isdisjoint(got.bodies):
        returns[got.unit.id] = replace(
            first,
            illustrative=first.illustrative or got.illustrative,
            observations=(*first.observations, *got.observations),
            bodies=first.bodies | got.bodies,
            sheets=(*first.sheets, *got.sheets),
        )
    else:
        theirs = {o.indicator.code: o for o in first.observations}
        differing = [o for o in got.observations if (t := theirs.get(o.indicator.code)) and t.value != o.value]
        found.add(
            "duplicate-return",
            f"{got.unit.full_name} đã có ở {first.file}"
            + (f"; khác ở {', '.join(o.cell.ref for o in differing[:5])}" if differing else ""),
            "Hai phiếu khác nhau của cùng một đơn vị.",
            "Giữ phiếu đúng, chuyển phiếu kia ra khỏi thư mục.",
        )


def _whole(got: Return, catalogue: Catalogue, findings: list[Finding]) -> Return:
    """The return with its observations in the order of the catalogue; a body's part that is lacking is found."""
    found = Findings(got.file, got.unit.full_name)
    asked = layout.asked_of(got.unit, catalogue)
    for body, name in layout.SHEETS.items():
        if body not in got.bodies and any(i.body == body for i in asked):
            found.add(
                "missing-sheet",
                f"chỉ có {', '.join(got.sheets)}",
                f"Thiếu trang “{name}”.{nearest(name, set(got.sheets) - set(layout.SHEETS.values()))}",
                "Bổ sung trang này từ phiếu được gửi, giữ nguyên tên trang.",
            )
    findings += found.all
    by_code = {o.indicator.code: o for o in got.observations}
    ordered = tuple(by_code[i.code] for i in catalogue.reported if i.code in by_code)
    return replace(got, observations=ordered)


@dataclass(frozen=True)
class _FileReader:
    """Reads one file, collecting findings as it goes."""

    year: int
    public: tuple[str, ...]
    catalogue: Catalogue
    units: Units
    found: Findings

    def read(self, file: File | UnreadableError) -> Return | None:
        """What the file returns, or None where it is refused as a whole."""
        self._unit_by_name()
        if isinstance(file, UnreadableError):
            self.found.add(file.rule, file.found, file.reason, file.remedy)
            return None
        sheets = {sheet.name: sheet for sheet in commas.named(file.sheets, self.catalogue)}
        parts = {body: sheets[name] for body, name in layout.SHEETS.items() if name in sheets}
        found_heads = {
            body: heads.read(sheet, self.year, self.catalogue, self.units, self.found) for body, sheet in parts.items()
        }
        if persons.refuses(replace(file, sheets=tuple(sheets.values())), self._figures(parts), self.public, self.found):
            return None
        own = [name for name in sheets if name not in (layout.INSTRUCTIONS, layout.REPLY)]
        if not parts:
            self.found.add(
                "unknown-sheets",
                ", ".join(own) or "(không có trang nào)",
                f"Phiếu phải có trang {' và '.join(f'“{n}”' for n in layout.SHEETS.values())}." + self._sheet_hint(own),
                "Dùng đúng phiếu được gửi, không đổi tên trang.",
            )
            return None
        if any(head is None for head in found_heads.values()):
            return None
        read_heads = [head for head in found_heads.values() if head is not None]
        unit = read_heads[0].unit
        units = [head.unit.full_name for head in read_heads]
        if len(set(units)) > 1:
            by_name = [u.full_name for u in self.units.mentioned(Path(self.found.file).stem) if u.full_name in units]
            self.found.unit = (by_name or units)[0]  # who sent it, most likely
            self.found.add(
                "two-units",
                " và ".join(units),
                "Hai trang của một phiếu ghi hai đơn vị.",
                "Mỗi phiếu chỉ của một đơn vị.",
            )
            return None
        self._remarkable(file, sheets, parts, unit)
        asked = self.catalogue.reported
        homes = {i.code: layout.SHEETS[i.body] for i in asked if i.body and unit.owes(i) != "not_asked"}
        names = frozenset(i.name.casefold() for i in asked)
        observations: list[Observation] = []
        for body, sheet in parts.items():
            head = found_heads[body]
            assert head is not None
            mark = heads.decimal_mark(sheet, self.found)
            reader = rows.Reader(unit, self.year, head.until, sheets, names, mark, self.found)
            owed = {i.code: i for i in asked if i.body == body and i.code in homes}
            elsewhere = {code: name for code, name in homes.items() if code not in owed}
            observations += reader.read(sheet, owed, elsewhere)
        illustrative = any(head.illustrative for head in read_heads)
        return Return(
            unit, self.found.file, file.sha256, illustrative, tuple(observations), frozenset(parts), tuple(own)
        )

    def _figures(self, parts: Mapping[layout.Body, Sheet]) -> set[tuple[str, str]]:
        """(sheet, ref) of the cells that stand in a row of the form, in its columns of figures."""
        codes = {i.code for i in self.catalogue.reported}
        figures: set[tuple[str, str]] = set()
        for sheet in parts.values():
            table = rows.locate(sheet, {}, Findings(""))
            for column in (table.columns.get(layout.VALUE), table.columns.get(layout.LAST)) if table else ():
                for row in sheet.rows:
                    cell = sheet.cells.get((row, column or 0))
                    if table and cell and tidy(sheet.text(row, table.columns[layout.CODE])) in codes:
                        figures.add((sheet.name, cell.ref))
        return figures

    def _unit_by_name(self) -> None:
        """Whose file it is by its name, until its head says it: so that a reply finds its way even without one."""
        named = self.units.mentioned(Path(self.found.file).stem)
        if len(named) == 1:
            self.found.unit = named[0].full_name

    def _sheet_hint(self, sheets: Sequence[str]) -> str:
        hints = dict.fromkeys(nearest(name, sheets) for name in layout.SHEETS.values())
        strange = (strange_letters(name, f"“{name}”") for name in sheets)
        return "".join(filter(None, (*hints, *strange)))

    def _remarkable(self, file: File, sheets: dict[str, Sheet], parts: Mapping[layout.Body, Sheet], unit: Unit) -> None:
        """What does not stand in the way, but should be known."""
        found = self.found
        if file.macros:
            found.add(
                "macros",
                "vbaProject",
                "Tệp có macro; macro không được chạy và không chép sang đâu.",
                "Gửi phiếu dạng .xlsx, không macro.",
            )
        named = self.units.mentioned(Path(found.file).stem)
        if named and unit not in named:
            found.add(
                "file-name",
                Path(found.file).name,
                f"Tên tệp nhắc {named[0].full_name}, trong phiếu là {unit.full_name}; lấy theo trong phiếu.",
                "Kiểm tra có gửi nhầm phiếu không; đổi tên tệp.",
            )
        for name, sheet in sheets.items():
            if sheet in parts.values():
                self._remarkable_in(sheet)
            elif name in (layout.INSTRUCTIONS, layout.REPLY):
                continue
            elif sheet.hidden:
                found.add("hidden-sheet", name, "Trang ẩn, không đọc.", "Xóa trang này nếu không cần.", sheet=name)
            elif sheet.cells:
                found.add(
                    "extra-sheet",
                    name,
                    "Trang không thuộc mẫu phiếu, không đọc.",
                    "Chuyển số vào đúng trang của mẫu, rồi xóa trang này.",
                    sheet=name,
                )

    def _remarkable_in(self, sheet: Sheet) -> None:
        found, name = self.found, sheet.name
        if sheet.hidden:
            found.add("hidden-sheet", name, "Trang của phiếu bị ẩn; vẫn đọc.", "Bỏ ẩn trang.", sheet=name)
        if sheet.hidden_rows:
            listed = f"dòng {', '.join(map(str, sheet.hidden_rows[:20]))}"
            found.add("hidden-rows", listed, "Dòng ẩn hoặc bị lọc; vẫn đọc.", "Bỏ ẩn, bỏ lọc.", sheet=name, ref=listed)
        if sheet.hidden_columns:
            listed = f"cột {', '.join(sheet.hidden_columns[:20])}"
            found.add("hidden-columns", listed, "Cột ẩn; vẫn đọc.", "Bỏ ẩn cột.", sheet=name, ref=listed)
        for comment in sheet.comments:
            if comment.author != layout.REPLY_AUTHOR:
                found.add(
                    "cell-comment",
                    comment.text,
                    "Ô có chú thích; chỉ số trong ô được lấy.",
                    "Nếu chú thích sửa số thì ghi số đúng vào ô, rồi xóa chú thích.",
                    sheet=name,
                    ref=comment.ref,
                )
        old: dict[str, list[str]] = {}
        for cell in sheet.cells.values():
            if cell.encoding:
                old.setdefault(cell.encoding, []).append(cell.ref)
        for encoding, refs in old.items():
            found.add(
                "old-encoding",
                f"{encoding}: {', '.join(refs[:20])}",
                f"Chữ theo bảng mã {encoding}, đã chuyển sang Unicode để đọc.",
                "Gõ lại bằng Unicode (phông Times New Roman).",
                sheet=name,
                ref=refs[0],
            )
