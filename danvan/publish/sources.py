"""The texts that analysts own, and what may be written in the place of some of their characters.

Words of the report stand in the notebook's Markdown cells, between quotes in its code cells, and in params.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from danvan.loading import compose
from danvan.publish.differences import hunks_of, worded

PARAMS = -1  # the "cell" of a splice in params


@dataclass(frozen=True)
class Splice:
    """`text` in the place of the characters `start` to `end`, of a cell's source or of params (`cell` PARAMS)."""

    cell: int
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Sources:
    """The texts that suggestions are made for: the notebook's JSON, and params as YAML ('' where there are none)."""

    notebook: str
    params: str = ""

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.notebook)["cells"]
        return found

    def source(self, cell: int) -> str:
        return "".join(self.cells[cell]["source"])

    def with_(self, splices: Sequence[Splice]) -> Sources:
        """These texts with some splices made. Raises ValueError where two of them overlap."""
        by_cell: dict[int, list[Splice]] = {}
        for splice in dict.fromkeys(splices):
            by_cell.setdefault(splice.cell, []).append(splice)
        params = spliced(self.params, by_cell.pop(PARAMS, []))
        if not by_cell:
            return Sources(self.notebook, params)
        notebook = json.loads(self.notebook)
        for cell, own in by_cell.items():
            text = spliced(self.source(cell), own)
            as_lines = isinstance(notebook["cells"][cell]["source"], list)
            notebook["cells"][cell]["source"] = text.splitlines(keepends=True) if as_lines else text
        return Sources(_like(notebook, self.notebook), params)


def spliced(text: str, splices: Sequence[Splice]) -> str:
    last = len(text) + 1
    for splice in sorted(splices, key=lambda s: (s.start, s.end), reverse=True):
        if splice.end > last:
            raise ValueError("splices overlap")
        text, last = text[: splice.start] + splice.text + text[splice.end :], splice.start
    return text


def _like(notebook: dict[str, Any], text: str) -> str:
    """A notebook as JSON, laid out as `text` is, so that only the touched lines differ."""
    first = re.search(r'\n([ \t]*)"', text)
    indent = first[1] if first else None
    as_ascii = text.isascii()
    return json.dumps(notebook, indent=indent, ensure_ascii=as_ascii) + text[len(text.rstrip()) :]


# ---------------------------------------------------------------- texts in params and in code cells


@dataclass(frozen=True)
class Literal:
    """A text in params, or between quotes in a code cell: what it says, where it stands."""

    value: str
    where: str
    cell: int
    start: int
    end: int
    path: tuple[str | int, ...] = ()

    def spliced(self, sources: Sources, value: str) -> Splice | None:
        """What makes it say `value`; None where that cannot be written safely."""
        quoted = json.dumps(value, ensure_ascii=False)
        if self.cell != PARAMS:
            return Splice(self.cell, self.start, self.end, quoted)
        before = _scalars(sources.params)
        wanted = {**before, self.path: (before[self.path][0], value)}
        raw = sources.params[self.start : self.end]
        for text in (_rewritten(raw, self.value, value), quoted):
            if text is None:
                continue
            splice = Splice(PARAMS, self.start, self.end, text)
            try:
                if _scalars(spliced(sources.params, [splice])) == wanted:
                    return splice
            except yaml.YAMLError:
                continue
        return None


def _rewritten(raw: str, old: str, new: str) -> str | None:
    """The raw text of a scalar with the words changed in their places, its line breaks kept; None if not so simple."""
    spans, at = [], len(re.match(r"(?:[>|][-+]?[ \t]*\n\s*|[\"'])?", raw)[0])  # type: ignore[index]
    for letter in old:
        if at < len(raw) and raw[at] == letter:
            spans.append((at, at + 1))
        elif letter == " " and (broken := re.compile(r"[ \t]*\r?\n[ \t]*").match(raw, at)):
            spans.append(broken.span())
        else:
            return None
        at = spans[-1][1]
    one, two = tuple(worded(old)), tuple(worded(new))
    offsets = [0]
    for token in one:
        offsets.append(offsets[-1] + len(token.text))
    for hunk in reversed(hunks_of(one, two)):
        start, end = offsets[hunk.start], offsets[hunk.end]
        first = spans[start][0] if start < len(spans) else spans[-1][1]
        last = spans[end - 1][1] if end > start else first
        raw = raw[:first] + "".join(t.text for t in hunk.new) + raw[last:]
    return raw


def literals(sources: Sources) -> Iterator[Literal]:
    """All texts in params, and those between quotes in code cells: questions of charts, captions."""
    yield from _in_params(sources.params)
    yield from _in_code(sources)


def _in_params(text: str) -> Iterator[Literal]:
    if not text:
        return
    for path, node in _walked(compose(text), ()):
        if node.tag == "tag:yaml.org,2002:str" and len(node.value) > 1:
            key = ".".join(str(part + 1) if isinstance(part, int) else part for part in path)
            where = f"khóa {key}, dòng {node.start_mark.line + 1}"
            end = node.start_mark.index + len(text[node.start_mark.index : node.end_mark.index].rstrip())
            yield Literal(node.value, where, PARAMS, node.start_mark.index, end, path)


def _scalars(text: str) -> dict[tuple[str | int, ...], tuple[str, str]]:
    return {path: (node.tag, node.value) for path, node in _walked(compose(text), ())}


def _walked(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                yield from _walked(value, (*path, key.value))
        case yaml.SequenceNode():
            for number, value in enumerate(node.value):
                yield from _walked(value, (*path, number))
        case yaml.ScalarNode():
            yield path, node


def _in_code(sources: Sources) -> Iterator[Literal]:
    for number, cell in enumerate(sources.cells):
        if cell["cell_type"] != "code":
            continue
        source = sources.source(number)
        lines = [0]
        for line in source.splitlines(keepends=True):
            lines.append(lines[-1] + len(line))
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.lineno == node.end_lineno:
                begin = lines[node.lineno - 1]
                raw = source[begin:].encode()  # ast counts bytes
                start, end = (begin + len(raw[:n].decode()) for n in (node.col_offset, node.end_col_offset or 0))
                if len(node.value) > 1 and " " in node.value:
                    yield Literal(node.value, f"ô {cell.get('id', number + 1)}", number, start, end)
