"""Markdown cells: their inline expressions, what may stand in them, and their blocks in the document model.

An inline expression is MyST's: {eval}`y.tips_received`, which JupyterLab with jupyterlab-myst shows while writing.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import mistune
from mistune import InlineParser, InlineState

from danvan.document import (
    Block,
    Break,
    Emphasis,
    Heading,
    Inline,
    Link,
    ListBlock,
    NoteMark,
    Paragraph,
    Strong,
    Text,
    Value,
    plain,
)
from danvan.wording import PHRASE_MIME

INJECTED = "injected-parameters"  # Papermill's tag of the cell with the parameters of a run
_EXPRESSION = r"\{eval\}`(?P<eval_code>[^`]+)`"
_HEADING_NUMBER = re.compile(r"^(?:[IVXLC]+|\d+|[a-zđ])(?:\.\d+)*[.)]\s")
_UNSUPPORTED = {
    "inline_html": "thẻ HTML",
    "block_html": "thẻ HTML",
    "image": "ảnh (dùng y.publish)",
    "codespan": "chữ kiểu mã trong dấu `",
    "block_code": "khối mã",
    "block_quote": "khối trích dẫn",
    "thematic_break": "đường kẻ ngang",
}
Token = dict[str, Any]


def _parse_expression(_: InlineParser, match: re.Match[str], state: InlineState) -> int:
    state.append_token({"type": "expression", "raw": match["eval_code"].strip()})
    return match.end()


_markdown = mistune.create_markdown(renderer=None, plugins=["footnotes"])
_markdown.inline.register("expression", _EXPRESSION, _parse_expression, before="codespan")


def expressions(source: str) -> list[str]:
    """The inline expressions of a Markdown cell, each once, in order."""
    return list(dict.fromkeys(token["raw"] for token in _walk(_tokens(source)) if token["type"] == "expression"))


def own_cells(cells: Iterable[Any]) -> list[Any]:
    """The cells that the analyst wrote, so that numbers in messages fit the stored notebook."""
    return [cell for cell in cells if INJECTED not in cell.metadata.get("tags", [])]


def value_of(item: Mapping[str, Any]) -> Value | None:
    """What one evaluated expression printed, of a cell's `user_expressions`; None if neither a phrase nor a text."""
    data = item["result"].get("data", {})
    if phrase := data.get(PHRASE_MIME):
        return Value(unicodedata.normalize("NFC", phrase["text"]), item["expression"], tuple(phrase["results"]))
    text = data.get("text/plain", "")
    if text[:1] in ("'", '"'):
        return Value(unicodedata.normalize("NFC", ast.literal_eval(text)), item["expression"])
    return None


def substitute(source: str, values: Mapping[str, Value]) -> str:
    """The cell's Markdown with the values in the place of the expressions, for readers without a kernel."""
    return re.sub(_EXPRESSION, lambda match: _escape(values[match["eval_code"].strip()].text), source)


def problems(source: str) -> list[str]:
    """What must not stand in a Markdown cell, as sentences: typed digits, unsupported Markdown, loose footnotes.

    Structure is exempt: numbers of headings and lists, labels of footnotes.
    """
    tokens = _tokens(source)
    found = []
    for token in _walk(tokens):
        kind, raw = token["type"], token.get("raw", "")
        if kind in _UNSUPPORTED:
            what = f"{_UNSUPPORTED[kind]}: {raw.strip()}" if raw else _UNSUPPORTED[kind]
            found.append(f"có {what}. Chỉ dùng đoạn văn, tiêu đề, danh sách.")
        if kind == "heading" and token["children"] and token["children"][0]["type"] == "text":
            first = token["children"][0]
            first["raw"] = _HEADING_NUMBER.sub("", first["raw"])
        if kind == "heading" and token["attrs"]["level"] == 1:
            found.append("tiêu đề phải từ hai dấu # trở lên (tên báo cáo do y.title_block() ghi).")
        if kind == "text" and (loose := re.search(r"\[\^([^\]\s]+)\]", raw)):
            found.append(f"dấu chú thích [^{loose[1]}] không có nội dung trong cùng ô. Thêm dòng “[^{loose[1]}]: ...”.")
        elif kind == "text" and (typed := re.search(r"\S*\d\S*", _digits(raw))):
            found.append(
                f"gõ tay con số “{raw[slice(*typed.span())]}”. Lấy số từ dữ liệu hoặc params bằng {{eval}}`y....`."
            )
    marks = [token["raw"] for token in _walk(tokens) if token["type"] == "footnote_ref"]
    found += [f"chú thích [^{mark.lower()}] được gọi hai lần; mỗi chú thích chỉ gọi một lần." for mark in _twice(marks)]
    defined = {mistune.util.unikey(key) for key in re.findall(r"^\s{0,3}\[\^([^\]\s]+)\]:", source, re.MULTILINE)}
    found += [f"chú thích [^{key.lower()}] không được gọi ở đâu trong ô." for key in sorted(defined - set(marks))]
    return found


def blocks(source: str, values: Mapping[str, Value], number_note: Callable[[], int]) -> list[Block]:
    """The blocks of a Markdown cell; `values` by expression, `number_note` gives the next footnote's number."""
    tokens = _tokens(source)
    notes = {
        item["attrs"]["key"]: item["children"]
        for token in tokens
        if token["type"] == "footnotes"
        for item in token["children"]
    }
    return _Builder(values, notes, number_note).blocks([t for t in tokens if t["type"] != "footnotes"])


class _Builder:
    def __init__(self, values: Mapping[str, Value], notes: dict[str, list[Token]], number: Callable[[], int]) -> None:
        self.values, self.notes, self.number_note = values, notes, number

    def blocks(self, tokens: Sequence[Token]) -> list[Block]:
        made: list[Block] = []
        for token in tokens:
            match token["type"]:
                case "heading":
                    children = self.inlines(token["children"])
                    made.append(Heading(token["attrs"]["level"], slug(plain(children)), children))
                case "paragraph" | "block_text":
                    made.append(Paragraph(self.inlines(token["children"])))
                case "list":
                    items = tuple(tuple(self.blocks(item["children"])) for item in token["children"])
                    made.append(ListBlock(bool(token["attrs"]["ordered"]), items))
        return made

    def inlines(self, tokens: Sequence[Token]) -> tuple[Inline, ...]:
        return tuple(inline for token in tokens if (inline := self.inline(token)) is not None)

    def inline(self, token: Token) -> Inline | None:
        match token["type"]:
            case "text":
                return Text(unicodedata.normalize("NFC", token["raw"]))
            case "softbreak":
                return Text(" ")
            case "linebreak":
                return Break()
            case "expression":
                value = self.values[token["raw"]]
                return value if value.text else None
            case "strong":
                return Strong(self.inlines(token["children"]))
            case "emphasis":
                return Emphasis(self.inlines(token["children"]))
            case "link":
                return Link(token["attrs"]["url"], self.inlines(token["children"]))
            case "footnote_ref":
                number = self.number_note()
                return NoteMark(number, tuple(self.blocks(self.notes[token["raw"]])))
        return None


def slug(text: str) -> str:
    """An id of ASCII letters, digits and hyphens: 'II.1. Tuyên truyền' -> 'ii-1-tuyen-truyen'."""
    bare = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return re.sub(r"[^a-z0-9]+", "-", "".join(c for c in bare if not unicodedata.combining(c))).strip("-")


def _tokens(source: str) -> list[Token]:
    tokens, _ = _markdown.parse(unicodedata.normalize("NFC", source))
    assert isinstance(tokens, list)
    return tokens


def _walk(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.get("children", ()))


def _digits(text: str) -> str:
    """Digits of every script, superscripts too, as '0'."""
    return "".join("0" if unicodedata.category(c) in ("Nd", "No") and not c.isascii() else c for c in text)


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text)


def _twice(words: Sequence[str]) -> list[str]:
    return sorted({word for word in words if words.count(word) > 1})
