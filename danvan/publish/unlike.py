"""Two files that ought to be the same: where they first differ, in one sentence, in the words of their kind. No I/O."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

import matplotlib.image

from danvan.errors import SettingsError
from danvan.intake import workbook
from danvan.intake.cells import RawCell
from danvan.intake.container import UnreadableError
from danvan.publish import letters_of_pdf

_LONGEST = 40  # letters of an excerpt
_BEFORE = 12  # of them, before what differs
_UNPACKED = 400_000_000  # bytes of a zip: an edition may come from elsewhere
_ALONE = "nội dung đọc ra như nhau, chỉ khác cách ghi từng byte"


class _UnreadableError(Exception):
    """One of the two cannot be read as what its name says."""


def first(name: str, old: bytes, new: bytes) -> str | None:
    """Where `new` first differs from `old`, both contents of a file called `name`; None where no byte does.

    A place as people find it: a line, a row and column, a cell, a page, a part of a zip; with a short excerpt of both.
    """
    if old == new:
        return None
    kind = name.rpartition(".")[2].lower()
    if not old or not new:
        return f"{'bản đã có' if not old else 'bản lập lại'} rỗng (0 byte)"
    try:
        return _KINDS.get(kind, _line)(old, new) or _ALONE
    except _UnreadableError as error:
        return f"{error}; {_byte(old, new)}"


# ---------------------------------------------------------------- texts


def _line(old: bytes, new: bytes) -> str | None:
    for number, (one, other) in enumerate(zip_longest(_text(old).split("\n"), _text(new).split("\n")), 1):
        if one != other:
            return f"dòng {number}: {_both(one, other)}"
    return None


def _row(old: bytes, new: bytes) -> str | None:
    before, after = _rows(old), _rows(new)
    for number, (one, other) in enumerate(zip_longest(before, after), 1):
        if one is None or other is None:
            joined = (None if row is None else ";".join(row) for row in (one, other))
            return f"dòng {number}: {_both(*joined)}"
        for column, (cell, instead) in enumerate(zip_longest(one, other), 1):
            if cell != instead:
                head = before[0][column - 1] if number > 1 and column <= len(before[0]) else ""
                return f"dòng {number}, cột {column}{f' ({_short(head)})' if head else ''}: {_both(cell, instead)}"
    return None


def _rows(data: bytes) -> list[list[str]]:
    text = _text(data).removeprefix("\ufeff")
    head = text.partition("\n")[0]
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ","))
    except csv.Error:
        raise _UnreadableError("không đọc được như bảng CSV") from None


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _UnreadableError("không phải văn bản UTF-8") from None


# ---------------------------------------------------------------- JSON


def _value(old: bytes, new: bytes) -> str | None:
    return _value_of(_json(old), _json(new))


def _value_of(old: Any, new: Any) -> str | None:
    found = _unequal(old, new, "")
    if found is None:
        return None
    path, one, other = found
    return f"{path.removeprefix('.') or 'toàn bộ'}: {_both(one, other)}"


def _cell_of_notebook(old: bytes, new: bytes) -> str | None:
    before, after = _json(old), _json(new)
    if not all(isinstance(book, dict) and isinstance(book.get("cells"), list) for book in (before, after)):
        return _value_of(before, after)
    for number, (one, other) in enumerate(zip_longest(before.pop("cells"), after.pop("cells")), 1):
        if (found := _value_of(one, other)) is not None:
            return f"ô thứ {number}, {found}"
    return _value_of(before, after)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise _UnreadableError("không đọc được như JSON") from None


def _unequal(old: Any, new: Any, path: str) -> tuple[str, str | None, str | None] | None:
    """The path of the first value that differs, and both as text; None for one that is not there."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in (*old, *(key for key in new if key not in old)):
            place = f"{path}.{key}"
            if key not in old or key not in new:
                return place, _as_text(old, key), _as_text(new, key)
            if found := _unequal(old[key], new[key], place):
                return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            place = f"{path}[{index}]"
            if index >= len(old) or index >= len(new):
                return place, _as_text(old, index), _as_text(new, index)
            if found := _unequal(old[index], new[index], place):
                return found
        return None
    if type(old) is type(new) and old == new:
        return None
    return path, _as_text([old], 0), _as_text([new], 0)


def _as_text(within: Any, key: Any) -> str | None:
    if (key not in within) if isinstance(within, dict) else key >= len(within):
        return None
    value = within[key]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# ---------------------------------------------------------------- office files


def _cell(old: bytes, new: bytes) -> str | None:
    found = _part(old, new)  # first, because it refuses what unpacks without end
    try:
        (before, _), (after, _) = workbook.sheets(old), workbook.sheets(new)
    except UnreadableError:
        raise _UnreadableError("không đọc được như tệp Excel") from None
    for one, other in zip_longest(before, after):
        if one is None or other is None or one.name != other.name:
            return f"trang tính: {_both(*(None if sheet is None else sheet.name for sheet in (one, other)))}"
        for place in sorted({*one.cells, *other.cells}):
            cell, instead = one.cells.get(place), other.cells.get(place)
            where = f"trang tính {_short(one.name)}, ô {(cell or instead).ref}"  # type: ignore[union-attr]
            if _shown(cell) != _shown(instead):
                return f"{where}: {_both(_shown(cell), _shown(instead))}"
            if cell and instead and cell.type != instead.type:
                return f"{where}, kiểu dữ liệu: {_both(cell.type, instead.type)}"
            if cell and instead and cell.number_format != instead.number_format:
                return f"{where}, định dạng số: {_both(cell.number_format, instead.number_format)}"
    return found


def _shown(cell: RawCell | None) -> str | None:
    return None if cell is None else str(cell.value)


def _part(old: bytes, new: bytes) -> str | None:
    """The first part of a zip that differs; or that their order or their dates do."""
    before, after = _parts(old), _parts(new)
    for name in (*before, *(name for name in after if name not in before)):
        if name not in before or name not in after:
            return f"phần {name}: chỉ có trong {'bản đã có' if name in before else 'bản lập lại'}"
        if before[name] != after[name]:
            place = _around(before[name], after[name])
            return f"phần {name}: {place}" if place else f"phần {name}: {_byte(before[name], after[name])}"
    if list(before) != list(after):
        return "thứ tự các phần trong tệp nén khác nhau"
    return None


def _parts(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = packed.infolist()
            if sum(member.file_size for member in members) > _UNPACKED:
                raise _UnreadableError("giải nén ra quá lớn")
            return {member.filename: packed.read(member) for member in members}
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        raise _UnreadableError("không mở được như tệp nén Office") from None


def _around(old: bytes, new: bytes) -> str | None:
    """Both texts around the first letter that differs; None for what is no text."""
    try:
        return _both(old.decode(), new.decode())
    except UnicodeDecodeError:
        return None


# ---------------------------------------------------------------- pages and pictures


def _page(old: bytes, new: bytes) -> str | None:
    try:
        if (found := _first_page(letters_of_pdf.lines(old), letters_of_pdf.lines(new), _line_of_page)) is not None:
            return found
        return _first_page(letters_of_pdf.drawn(old), letters_of_pdf.drawn(new), _drawing)
    except SettingsError:
        raise _UnreadableError("không đọc được như tệp PDF") from None


def _first_page(old: Iterable[Any], new: Iterable[Any], unlike: Callable[[Any, Any], str]) -> str | None:
    for number, (one, other) in enumerate(zip_longest(old, new), 1):
        if one is None or other is None:
            return f"trang {number}: chỉ có trong {'bản đã có' if other is None else 'bản lập lại'}"
        if one != other:
            return f"trang {number}: {unlike(one, other)}"
    return None


def _line_of_page(old: Sequence[str], new: Sequence[str]) -> str:
    one, other = next(pair for pair in zip_longest(old, new) if pair[0] != pair[1])
    return _both(one, other)


def _drawing(*_: object) -> str:
    return "chữ như nhau, hình vẽ khác"


def _pixel(old: bytes, new: bytes) -> str | None:
    before, after = _pixels(old), _pixels(new)
    if before.shape != after.shape:
        sizes = (f"{shape[1]}×{shape[0]}" for shape in (before.shape, after.shape))
        return f"kích thước: {_both(*sizes)}"
    differing = before != after
    if differing.ndim == 3:
        differing = differing.any(axis=2)
    rows, columns = differing.nonzero()
    if not len(rows):
        return None
    return f"{len(rows)} điểm ảnh khác, điểm đầu tiên ở cột {columns[0] + 1}, hàng {rows[0] + 1}"


def _pixels(data: bytes) -> Any:
    try:
        return matplotlib.image.imread(io.BytesIO(data), format="png")
    except Exception:  # Pillow raises whatever the broken byte happens to trip over
        raise _UnreadableError("không đọc được như ảnh PNG") from None


_KINDS: dict[str, Callable[[bytes, bytes], str | None]] = {
    "json": _value,
    "ipynb": _cell_of_notebook,
    "csv": _row,
    "xlsx": _cell,
    "docx": _part,
    "pdf": _page,
    "png": _pixel,
}


# ---------------------------------------------------------------- words


def _both(old: str | None, new: str | None) -> str:
    """'bản đã có “… 4.342 tin”, bản lập lại “… 4.343 tin”', from a little before the first letter that differs."""
    at = _place(old or "", new or "")
    start = at - _BEFORE if at > _BEFORE + 3 else 0
    shown = ("không có" if text is None else _excerpt(text, start) for text in (old, new))
    return "bản đã có {}, bản lập lại {}".format(*shown)


def _place(old: Sequence[object], new: Sequence[object]) -> int:
    return next(_places(old, new), min(len(old), len(new)))


def _places(old: Sequence[object], new: Sequence[object]) -> Iterator[int]:
    return (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)


def _excerpt(text: str, start: int) -> str:
    cut = text[start : start + _LONGEST]
    visible = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in cut)
    return f"“{'…' * (start > 0)}{visible}{'…' * (start + _LONGEST < len(text))}”"


def _short(text: str) -> str:
    return _excerpt(text, 0)


def _byte(old: bytes, new: bytes) -> str:
    return f"khác từ byte thứ {_place(old, new) + 1} (bản đã có {len(old)} byte, bản lập lại {len(new)} byte)"
