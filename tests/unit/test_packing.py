"""What is kept between runs: what comes out is what went in, and whatever else lies there is nothing."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from conftest import copy_first_years
from hypothesis import given
from hypothesis import strategies as st

from danvan.intake import returns, year
from danvan.intake.observations import EXACT
from danvan.intake.year import Year, read_year
from danvan.packing import ForeignError, Named, Packing, from_bytes, to_bytes
from danvan.paths import Project
from danvan.store import Cache


class Colour(Enum):
    RED = "đỏ"
    BLUE = "xanh"


@dataclass(frozen=True)
class Part:
    text: str
    number: int
    right: bool
    exact: Decimal | None
    day: date
    colour: Colour
    kind: Literal["a", "b"]
    names: frozenset[str]


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    pair: tuple[str, int] | None
    nested: tuple[tuple[str, ...], ...]


_TEXTS = st.text(st.characters(codec=None), max_size=5)  # lone surrogates, too: of file names that are no UTF-8
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False) | st.just(Decimal("1.50")) | st.just(Decimal("-0E+3"))
_PARTS = st.builds(
    Part,
    *(_TEXTS, st.integers(), st.booleans(), st.none() | _DECIMALS, st.dates(), st.sampled_from(Colour)),
    *(st.sampled_from(("a", "b")), st.frozensets(_TEXTS, max_size=3)),
)
_WHOLES = st.builds(
    Whole,
    st.lists(_PARTS, max_size=4).map(tuple),
    st.none() | st.tuples(_TEXTS, st.integers()),
    st.lists(st.lists(_TEXTS, max_size=3).map(tuple), max_size=3).map(tuple),
)


@given(_WHOLES)
def test_what_comes_out_is_what_went_in(whole: Whole) -> None:
    kept = to_bytes(Packing().plain(whole, Whole))
    again = Packing().thing(from_bytes(kept), Whole)
    assert again == whole
    for before, after in zip(whole.parts, again.parts, strict=True):
        assert (type(after.number), type(after.right)) == (int, bool)
        assert str(after.exact) == str(before.exact)  # 1.50 is not 1.5


def test_things_that_are_named_come_back_as_the_readers_own() -> None:
    part = Part("x", 1, True, None, date(2023, 1, 1), Colour.RED, "a", frozenset())
    packing = Packing({Part: Named(lambda one: one.text, {"x": part})})
    plain = packing.plain((part, part), tuple[Part, ...])
    assert "x" in json.dumps(plain)
    assert len(json.dumps(plain)) < 20
    assert all(one is part for one in packing.thing(plain, tuple[Part, ...]))
    with pytest.raises(ForeignError):
        packing.thing([[1], ["y"]], tuple[Part, ...])


def test_a_type_without_a_way_is_told_when_it_is_made() -> None:
    for kind in (float, Literal[1, 2], dict[str, str]):
        with pytest.raises(TypeError, match="no way to pack"):
            Packing().plain(1.0, kind)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(_WHOLES, st.data())
def test_json_of_another_shape_gives_the_right_types_or_nothing(whole: Whole, data: st.DataObject) -> None:
    """Any one place of what was packed is replaced by anything."""
    plain = json.loads(json.dumps(Packing().plain(whole, Whole)))
    at = data.draw(st.sampled_from(list(_places(plain))))
    strange = _replaced(plain, at, data.draw(_JSON))
    try:
        made = Packing().thing(strange, Whole)
    except ForeignError:
        return
    assert type(made) is Whole
    assert {Part}.issuperset(map(type, made.parts))
    assert all(type(part.text) is str and type(part.number) is int for part in made.parts)
    assert all(part.exact is None or type(part.exact) is Decimal for part in made.parts)
    assert all(type(part.colour) is Colour and type(part.names) is frozenset for part in made.parts)


def test_a_small_file_does_not_become_a_great_many_things() -> None:
    with pytest.raises(ForeignError):
        Packing().thing([[10**12], ["x"]], tuple[str, ...])
    with pytest.raises(ForeignError):
        Packing().thing([[-1, 10**6], ["x"]], tuple[str, ...])
    with pytest.raises(ForeignError):
        from_bytes(b"[" * 1_000_000)


def _places(plain: Any, at: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    inner = enumerate(plain) if isinstance(plain, list) else ()
    return [at, *(place for index, item in inner for place in _places(item, (*at, index)))]


def _replaced(plain: Any, at: tuple[int, ...], new: Any) -> Any:
    if not at:
        return new
    return [_replaced(item, at[1:], new) if index == at[0] else item for index, item in enumerate(plain)]


# --- a year, and what one file gave -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("packing") / "dự án"
    copy_first_years(root)
    for number, path in enumerate(sorted((root / "data").glob("*/returns/*"))):
        if number % 5:
            path.unlink()
    (root / "requirements.lock").write_text("")
    return Project(root)


@pytest.fixture(scope="module")
def read(project: Project) -> Year:
    return read_year(project, 2023)


def test_a_year_comes_out_as_if_just_read(project: Project, read: Year) -> None:
    assert read.last is not None
    assert read.returns
    assert read.findings
    again = read_year(project, 2023)
    assert again is not read
    assert again == read
    assert again.last == read.last
    values = [[str(o.value) for r in one.returns for o in r.observations] for one in (read, again)]
    assert values[0] == values[1]
    assert any(o.bound == EXACT for r in again.returns for o in r.observations)
    own = {id(unit) for unit in again.units.all}
    assert all(id(o.unit) in own for r in again.returns for o in r.observations)
    assert [finding.id for finding in again.findings] == [finding.id for finding in read.findings]
    assert again.catalogue.model_fields_set == read.catalogue.model_fields_set


class Planted:
    """Unpickled, it leaves a mark."""

    mark = ""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (self.mark, "w")


@pytest.mark.parametrize("stage", [year.STAGE, "return"])
@pytest.mark.parametrize("content", ["pickle", "null", "[]", "{}", '{"params": 1}', "[[[[", "another year"])
@pytest.mark.sampled(5)
def test_what_else_lies_in_the_cache_is_read_anew(
    project: Project, read: Year, stage: str, content: str, tmp_path: Path
) -> None:
    mark, planted = tmp_path / "mark", Planted()
    planted.mark = str(mark)
    cache = Cache(project.cache)
    if content == "another year":
        assert read.last is not None
        foreign = to_bytes(year.packed(read.last) | {"missing": [[1], ["HP-000"]]})
    else:
        foreign = pickle.dumps(planted) if content == "pickle" else content.encode()
    for path in (project.cache / year.STAGE).iterdir():  # a damaged return is looked at where the year is not kept
        if stage == "return":
            path.unlink()
    for path in list((project.cache / stage).iterdir()):
        cache.put(stage, path.name, foreign)
    assert read_year(project, 2023) == read
    assert not mark.exists()
    assert read_year(project, 2023) == read


def test_nothing_is_opened_for_a_year_that_is_kept(
    project: Project, read: Year, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(returns, "read_returns", refused)
    assert read_year(project, 2023) == read
