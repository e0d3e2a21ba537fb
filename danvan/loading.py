"""YAML and CSV with line numbers: whatever is wrong in a file that analysts own is told with its line."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from danvan.errors import SettingsError, grouped, nearest, not_a_file, words_of
from danvan.store import NotAFileError, read_file

Place = tuple[str | int, ...]
# Many times what an analyst writes (the catalogue: 28,000 bytes, 2,000 parts, 5 deep), and still read within a second.
MOST_BYTES, MOST_PARTS, DEEPEST, LONGEST = 200_000, 10_000, 20, 10_000
MOST_BYTES_OF_TABLE = 10_000_000
MOST_TOLD = 60  # problems of one file


class Strict(BaseModel):
    """Base of everything read from params: frozen, unknown keys refused, no silent conversions of type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)

    def inconsistencies(self) -> Iterable[tuple[Place, str]]:
        """What is wrong between parts that are right each by itself: (place in the file, sentence)."""
        return ()


Model = TypeVar("Model", bound=Strict)


class _Loader(yaml.SafeLoader):
    """YAML as analysts read it: no aliases, no tags, and `no`, `010`, `12:30` stay the text that was typed.

    What is too much to be params is refused while it is read.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._parts = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._parts += 1
        if wrong := self._refused(event):
            raise yaml.MarkedYAMLError(problem=wrong, problem_mark=event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refused(self, event: Any) -> str:
        if isinstance(event, yaml.events.AliasEvent):
            return "không dùng bí danh (*) trong tệp này"
        if event.tag is not None:
            return "không dùng thẻ (!) trong tệp này"
        if self._depth >= DEEPEST:
            return f"lồng nhau quá {DEEPEST} tầng"
        if self._parts > MOST_PARTS:
            return f"tệp có quá {grouped(MOST_PARTS)} mục"
        if isinstance(event, yaml.events.ScalarEvent) and len(event.value) > LONGEST:
            return f"chữ dài {grouped(len(event.value))} ký tự, quá {grouped(LONGEST)}"
        return ""

    def day(self, node: yaml.ScalarNode) -> date:
        """A date; one that does not exist is told with its line."""
        try:
            return date.fromisoformat(node.value)
        except ValueError:
            raise yaml.MarkedYAMLError(problem=f"không có ngày {node.value}", problem_mark=node.start_mark) from None

    def exact(self, node: yaml.ScalarNode) -> Decimal:
        """A number with a decimal point, exactly as typed."""
        return Decimal(node.value)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.day)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.exact)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(0|[1-9][0-9]{0,17})", "-0123456789"),  # what is longer stays a text, and no number is expected of it
    ("float", r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}", "-0123456789"),
    ("null", r"null|~|", "n~"),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])


@dataclass(frozen=True)
class Read:
    """What a file says, before anyone checks what it means; `places`: 'params/2023.yaml, dòng 3' for each key."""

    value: Any
    places: dict[Place, str]

    def over(self, base: Read) -> Read:
        """This over `base`: what it names is its own, down to single keys; the rest is as there."""
        return Read(_over(base.value, self.value), base.places | self.places)


def load_yaml(path: Path, shown: str, model: type[Model]) -> Model:
    """Read `path` into `model`. `shown` is the file's name in messages.

    Raises SettingsError with every problem found: file, line, what is wrong, what to do.
    """
    made: Model = _loaded(unicodedata.normalize("NFC", read_text(path, shown)), shown, model)
    return made


@lru_cache(maxsize=8)  # the catalogue takes a tenth of a second, and each year is read with it
def _loaded(text: str, shown: str, model: type[Model]) -> Model:
    return checked(_parsed(text, shown), model)


def read_yaml(path: Path, shown: str) -> Read:
    """Read `path` as it stands. Raises SettingsError, with the line, for what is no YAML."""
    return _parsed(unicodedata.normalize("NFC", read_text(path, shown)), shown)


def compose(text: str) -> yaml.Node | None:
    """The nodes of a text in YAML, with their places in it. Raises yaml.YAMLError."""
    node: yaml.Node | None = _Loader(text).get_single_node()
    return node


def _parsed(text: str, shown: str) -> Read:
    lines: dict[Place, int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise SettingsError(f"{shown}: tệp trống. Hãy lấy lại bản trước của tệp.")
        _note_lines(node, (), lines, shown)
        value = _tuples(loader.construct_document(node))
    except yaml.MarkedYAMLError as error:
        where = f"{shown}, dòng {error.problem_mark.line + 1}" if error.problem_mark else shown
        raise SettingsError(
            f"{where}: YAML viết sai ({_yaml_problem(error)}). Hãy sửa dòng này rồi chạy lại."
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = ord(error.character) if isinstance(error.character, str) else error.character
        raise SettingsError(f"{shown}, dòng {line}: YAML viết sai (ký tự ẩn U+{code:04X}). Hãy xóa ký tự ấy.") from None
    return Read(value, {(): f"{shown}, dòng 1"} | {place: f"{shown}, dòng {line}" for place, line in lines.items()})


def checked(read: Read, model: type[Model]) -> Model:
    """What was read as `model`. Raises SettingsError with every problem found, each with its line."""
    try:
        made = model.model_validate(read.value)
    except ValidationError as error:
        found = error.errors()
        problems = [f"{_place(read, one['loc'])}: {_explain(one, model)}" for one in found[:MOST_TOLD]]
        more = [f"Và {len(found) - MOST_TOLD} chỗ khác trong tệp này."] if len(found) > MOST_TOLD else []
        raise SettingsError(*problems, *more) from None
    if wrong := [f"{_place(read, place)}: {text}" for place, text in made.inconsistencies()]:
        raise SettingsError(*wrong)
    return made


def _over(base: Any, own: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return own
    return base | {key: _over(base[key], value) if key in base else value for key, value in own.items()}


def _tuples(value: Any) -> Any:
    """Lists as tuples: what is read is not changed afterwards."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def read_csv(path: Path, shown: str, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a UTF-8 CSV as (line number, {column: text}), texts NFC and stripped.

    Raises SettingsError when the header is not exactly `columns` or a row has another number of fields.
    """
    reader = csv.reader(read_text(path, shown, MOST_BYTES_OF_TABLE).splitlines())
    header = tuple(name.strip() for name in _next_row(reader, shown) or ())
    if header != columns:
        raise SettingsError(
            f"{shown}, dòng 1: các cột là {', '.join(header) or '(trống)'}; cần đúng: {', '.join(columns)}."
        )
    while (row := _next_row(reader, shown)) is not None:
        if not any(field.strip() for field in row):
            continue
        if len(row) != len(columns):
            raise SettingsError(
                f"{shown}, dòng {reader.line_num}: có {len(row)} ô, cần {len(columns)}. "
                "Ô có dấu phẩy phải đặt trong dấu ngoặc kép."
            )
        yield (
            reader.line_num,
            {name: unicodedata.normalize("NFC", field.strip()) for name, field in zip(columns, row, strict=True)},
        )


def _next_row(reader: Any, shown: str) -> list[str] | None:
    """The next row; None at the end of the file."""
    try:
        row: list[str] | None = next(reader, None)
    except csv.Error:
        wrong = "một ô quá dài, có thể do thiếu dấu ngoặc kép đóng"
        raise SettingsError(f"{shown}, dòng {reader.line_num}: {wrong}. Hãy sửa dòng này rồi chạy lại.") from None
    return row


def is_there(path: Path) -> bool:
    """Whether anything stands there, were it a link to nowhere: what is no file is then refused, not overlooked."""
    return os.path.lexists(path)


def read_text(path: Path, shown: str, most: int = MOST_BYTES) -> str:
    """The text of a file that analysts own, its lines ended by \\n; `shown` is its name in messages.

    Raises SettingsError for one that is not there, no file, no UTF-8 or larger than `most` bytes.
    """
    try:
        content = read_file(path, most + 1)
        if len(content) > most:
            raise SettingsError(
                f"{shown}: tệp nặng quá {grouped(most)} byte nên không được đọc. Hãy lấy lại bản trước."
            )
        return re.sub("\r\n?", "\n", content.decode("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"Thiếu tệp {shown}. Hãy lấy lại tệp này hoặc tạo theo tệp của năm trước.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{shown}: không phải UTF-8. Hãy lưu lại tệp với bảng mã UTF-8.") from None
    except NotAFileError as error:
        raise not_a_file(shown, error.what) from None
    except OSError as error:
        raise SettingsError(f"{shown}: không đọc được ({words_of(error)}). Kiểm tra tệp và ổ đĩa.") from None


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int], shown: str) -> None:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="khóa phải là một từ", problem_mark=key.start_mark)
            if key.value in seen:
                raise SettingsError(
                    f"{shown}, dòng {key.start_mark.line + 1}: khóa “{_cut(key.value)}” viết hai lần. Hãy bỏ một."
                )
            seen.add(key.value)
            _note_lines(value, (*place, key.value), lines, shown)
            lines[(*place, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, (*place, index), lines, shown)


def _place(read: Read, place: Place) -> str:
    while place not in read.places:
        place = place[:-1]
    return read.places[place]


def _yaml_problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error)


def _explain(problem: Any, model: type[BaseModel]) -> str:
    """One pydantic error in the analyst's words."""
    name = _cut(".".join(str(part) for part in problem["loc"])) or "tệp"
    found = problem.get("input")
    found = list(found) if isinstance(found, tuple) else float(found) if isinstance(found, Decimal) else found
    shown = _cut(repr(found))
    match problem["type"]:
        case "missing":
            return f"thiếu khóa “{name}”. Hãy thêm khóa này (để trống bằng null nếu được phép)."
        case "extra_forbidden":
            return (
                f"không có khóa “{name}”.{nearest(str(problem['loc'][-1]), _field_names(model))} Hãy sửa tên hoặc bỏ."
            )
        case "value_error":
            return f"“{name}”: {problem['ctx']['error']}"
        case "literal_error" | "enum":
            return f"“{name}” là {shown}; chỉ nhận: {problem['ctx']['expected'].replace(' or ', ', ')}."
        case "string_pattern_mismatch":
            return f"“{name}” là {shown}; chỉ dùng chữ thường không dấu, chữ số và dấu gạch."
        case "is_instance_of":
            return f"“{name}” là {shown}; cần số."
        case kind:
            wanted = {
                "int": "số nguyên",
                "decimal": "số",
                "float": "số",
                "bool": "true hoặc false",
                "string": "chữ",
                "date": "ngày dạng năm-tháng-ngày (2023-01-16)",
                "list": "danh sách",
                "tuple": "danh sách",
                "dict": "nhóm khóa: giá trị",
                "model": "nhóm khóa: giá trị",
            }.get(kind.split("_")[0], "giá trị hợp lệ")
            return f"“{name}” là {shown}; cần {wanted}."


def _cut(text: str) -> str:
    """A text out of a file, short enough for a message."""
    return text if len(text) <= 200 else text[:200] + "…"


def _field_names(model: type[BaseModel]) -> set[str]:
    """All keys that may stand anywhere below `model`, for the hint of the nearest one."""
    names: set[str] = set()
    waiting, done = [model], set()
    while waiting:
        current = waiting.pop()
        if current in done:
            continue
        done.add(current)
        for name, field in current.model_fields.items():
            names.add(name)
            waiting.extend(_models_in(field.annotation))
    return names


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
