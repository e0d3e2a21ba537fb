"""Dataclasses and pydantic models as JSON, and back: by the types of their fields, and never by what the JSON says.

So whatever stands in a kept file, only values of the expected types come out of it, and no code runs. Many things of
a kind are packed field by field, as a table is by columns: that is small, and as quick to read as a pickle. Nothing of
it is for other programs: what another version of danvan packed is foreign.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import islice
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

MOST = 10_000_000  # things of a kind; a year of 114 units has 4,000 observations
Thing = TypeVar("Thing")
Json = Any  # what the json module takes and gives


class ForeignError(ValueError):
    """What stands there is not what is expected there."""


class Named(NamedTuple):
    """Things that are packed as their names, because who unpacks has them already."""

    name: Callable[[Any], str]
    things: Mapping[str, Any]


class _Column(NamedTuple):
    """How things of one type are packed, and how so many of them come out."""

    write: Callable[[Sequence[Any]], Json]
    read: Callable[[Json, int], Sequence[Any]]


class Packing:
    """Packs and unpacks; `named`: the types whose things are packed as names."""

    def __init__(self, named: Mapping[type, Named] | None = None) -> None:
        self._named = named or {}
        self._columns: dict[Any, _Column] = {}

    def plain(self, thing: Thing, kind: type[Thing]) -> Json:
        """A thing of a type as lists, texts and numbers. Raises TypeError for a type that has no way to be packed."""
        return self._column(kind).write([thing])

    def thing(self, plain: Json, kind: type[Thing]) -> Thing:
        """The thing again, equal to the first. Raises ForeignError for what `plain` never made of such a thing."""
        column = self._column(kind)
        try:
            made: Thing = column.read(plain, 1)[0]
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise ForeignError(str(error)) from None
        return made

    def _column(self, kind: Any) -> _Column:
        if kind not in self._columns:
            self._columns[kind] = self._made(kind)
        return self._columns[kind]

    def _made(self, kind: Any) -> _Column:
        origin, parts = get_origin(kind), get_args(kind)
        if kind in self._named:
            name, things = self._named[kind]
            return _scalars(str, name, things.__getitem__)
        if kind in (str, int, bool):
            return _scalars(kind)
        if kind in (Decimal, date):
            return _scalars(str, str, Decimal if kind is Decimal else date.fromisoformat)
        if origin is Literal and all(type(part) is str for part in parts):
            return _scalars(str, None, {part: part for part in parts}.__getitem__)
        if origin in (Union, UnionType):
            (kind,) = (part for part in parts if part is not NoneType)
            return _optional(self._column(kind))
        if origin is tuple and parts[1:] == (...,):
            return _many(self._column(parts[0]), tuple)
        if origin is frozenset:
            return _many(self._column(parts[0]), frozenset)
        if origin is tuple:
            return _beside([self._column(part) for part in parts], lambda thing: thing, lambda rows: list(rows))
        if isinstance(kind, type) and issubclass(kind, Enum) and all(type(member.value) is str for member in kind):
            members = {member.value: member for member in kind}
            return _scalars(str, lambda member: member.value, members.__getitem__)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return _scalars(str, lambda model: model.model_dump_json(exclude_unset=True), kind.model_validate_json)
        if is_dataclass(kind):
            hints = get_type_hints(kind)
            names = tuple(field.name for field in fields(kind))
            columns = [self._column(hints[name]) for name in names]
            return _beside(columns, lambda thing: [getattr(thing, name) for name in names], _builder(kind, names))
        raise TypeError(f"no way to pack {kind}")


def _builder(kind: Any, names: tuple[str, ...]) -> Callable[[Iterable[tuple[Any, ...]]], list[Any]]:
    """It leaves out __init__ and __post_init__: what it is given has been through them once, and it is quicker so."""

    def build(rows: Iterable[tuple[Any, ...]]) -> list[Any]:
        made = []
        for row in rows:
            thing = object.__new__(kind)
            thing.__dict__.update(zip(names, row, strict=True))
            made.append(thing)
        return made

    return build


def _scalars(
    kind: type, write: Callable[[Any], Any] | None = None, read: Callable[[Any], Any] | None = None
) -> _Column:
    """Things that are one text or number each; where all are the same, it stands there once."""

    def to_plain(things: Sequence[Any]) -> Json:
        plain = list(map(write, things)) if write else list(things)
        return plain[:1] if len(set(plain)) == 1 else plain

    def of_plain(plain: Json, count: int) -> Sequence[Any]:
        _require(type(plain) is list and (len(plain) == count or (len(plain) == 1 and count > 0)))
        _require({kind}.issuperset(map(type, plain)))
        things = list(map(read, plain)) if read else plain
        return things if len(things) == count else things * count

    return _Column(to_plain, of_plain)


def _optional(column: _Column) -> _Column:
    """Which are there ('0110'), and those that are."""

    def to_plain(things: Sequence[Any]) -> Json:
        there = [thing for thing in things if thing is not None]
        return ["".join("0" if thing is None else "1" for thing in things), column.write(there)]

    def of_plain(plain: Json, count: int) -> Sequence[Any]:
        marks, there = _two(plain)
        _require(type(marks) is str and len(marks) == count and not marks.strip("01"))
        things = iter(column.read(there, marks.count("1")))
        return [next(things) if mark == "1" else None for mark in marks]

    return _Column(to_plain, of_plain)


def _many(column: _Column, kind: type[tuple[Any, ...]] | type[frozenset[Any]]) -> _Column:
    """How many each has, and all of them in a row."""

    def to_plain(things: Sequence[Any]) -> Json:
        ordered = things if kind is tuple else [sorted(thing) for thing in things]
        return [list(map(len, ordered)), column.write([item for thing in ordered for item in thing])]

    def of_plain(plain: Json, count: int) -> Sequence[Any]:
        lengths, items = _two(plain)
        _require(type(lengths) is list and len(lengths) == count and {int}.issuperset(map(type, lengths)))
        _require(min(lengths, default=0) >= 0 and sum(lengths) <= MOST)
        row = iter(column.read(items, sum(lengths)))
        return [kind(islice(row, length)) for length in lengths]

    return _Column(to_plain, of_plain)


def _beside(
    columns: Sequence[_Column],
    parts: Callable[[Any], Sequence[Any]],
    build: Callable[[Iterable[tuple[Any, ...]]], list[Any]],
) -> _Column:
    """Things of so many parts each: a column for each part."""

    def to_plain(things: Sequence[Any]) -> Json:
        rows = [parts(thing) for thing in things]
        return [column.write([row[number] for row in rows]) for number, column in enumerate(columns)]

    def of_plain(plain: Json, count: int) -> Sequence[Any]:
        _require(type(plain) is list and len(plain) == len(columns))
        return build(zip(*(column.read(one, count) for column, one in zip(columns, plain, strict=True)), strict=True))

    return _Column(to_plain, of_plain)


def _two(plain: Json) -> tuple[Json, Json]:
    _require(type(plain) is list and len(plain) == 2)
    return plain[0], plain[1]


def _require(right: bool) -> None:
    if not right:
        raise ForeignError("not what is expected here")


def to_bytes(plain: Json) -> bytes:
    """JSON as it is kept; a file's name may hold what is no letter in any encoding."""
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def from_bytes(content: bytes) -> Json:
    """The JSON again; raises ForeignError for what is none."""
    try:
        return json.loads(content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise ForeignError(str(error)) from None
