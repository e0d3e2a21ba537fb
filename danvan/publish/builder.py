"""Executed notebook -> document model, built once for all writers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count
from typing import Any

from nbformat import NotebookNode
from nbformat import from_dict as node

from danvan import formats, prose
from danvan.document import (
    BLOCK_MIME,
    Block,
    Document,
    Figure,
    Heading,
    Meta,
    Part,
    Table,
    TitleBlock,
    Value,
    from_json,
    named,
)
from danvan.errors import StageError
from danvan.publish import annexes

ANNEX, LANDSCAPE = "annex", "landscape"  # tags of the Markdown cell that starts an annex
_SVG = "image/svg+xml"


class PublishError(StageError):
    """The executed notebook cannot become a document; says which cell and what to do."""


def build(notebook: NotebookNode) -> Document:
    """The document of an executed notebook: prose with its values, charts, tables, footnotes numbered throughout.

    Raises PublishError for a notebook that was not run, lacks its title block, or shows what cannot be published.
    """
    numbers, parts, meta = count(1), [_OpenPart("main", False)], None
    seen: set[str] = set()
    for index, cell in enumerate(prose.own_cells(notebook.cells), start=1):
        if cell.cell_type == "markdown":
            tags = cell.metadata.get("tags", [])
            if ANNEX in tags:
                parts.append(_OpenPart("annex", LANDSCAPE in tags))
            values = _values(cell, index)
            parts[-1].blocks += [_unique(b, seen) for b in prose.blocks(cell.source, values, lambda: next(numbers))]
        elif cell.cell_type == "code":
            for output in cell.get("outputs", []):
                block = _in_cell(_block(output, index), index)
                if isinstance(block, TitleBlock):
                    meta = from_json(output.metadata[BLOCK_MIME]["meta"])
                if block is not None:
                    parts[-1].blocks.append(block)
    if not isinstance(meta, Meta):
        raise PublishError("Sổ chưa có phần đầu báo cáo. Thêm ô mã với y.title_block() rồi chạy lại.")
    if figures := _twice(b.id for part in parts for b in part.blocks if isinstance(b, Figure)):
        raise PublishError(f"Hai biểu đồ cùng id {', '.join(figures)}. Đặt cho mỗi biểu đồ một id riêng.")
    made = [Part(p.kind, tuple(p.blocks), p.landscape) for p in parts]
    return named(Document(meta, annexes.as_asked(made, formats.load(meta.profile))))


def shared_copy(notebook: NotebookNode) -> NotebookNode:
    """The executed notebook for readers: values in the prose, no times, no paths."""
    cells = []
    for index, cell in enumerate(notebook.cells, start=1):
        tags = cell.metadata.get("tags", [])
        kept = {
            "cell_type": cell.cell_type,
            "id": cell.get("id", f"o-{index}"),
            "source": cell.source,
            "metadata": {"tags": tags} if tags else {},
        }
        if cell.cell_type == "markdown":
            kept["source"] = prose.substitute(cell.source, _values(cell, index))
        if cell.cell_type == "code":
            kept |= {"execution_count": cell.get("execution_count"), "outputs": cell.get("outputs", [])}
        cells.append(kept)
    metadata = {"kernelspec": notebook.metadata.get("kernelspec", {}), "language_info": {"name": "python"}}
    copy: NotebookNode = node({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})  # type: ignore[no-untyped-call]
    return copy


def figures(document: Document) -> Iterator[Figure]:
    """All charts of a document, in order."""
    return (block for part in document.parts for block in part.blocks if isinstance(block, Figure))


class _OpenPart:
    def __init__(self, kind: str, landscape: bool) -> None:
        self.kind: Any = kind
        self.landscape = landscape
        self.blocks: list[Block] = []


def _values(cell: NotebookNode, index: int) -> dict[str, Value]:
    values = {}
    for item in cell.metadata.get("user_expressions", []):
        if value := prose.value_of(item):
            values[item["expression"]] = replace(value, cell=index)
    for expression in prose.expressions(cell.source):
        if expression not in values:
            raise PublishError(f"Ô {index}: biểu thức {{eval}}`{expression}` chưa có giá trị. Hãy chạy sổ trước.")
    return values


def _block(output: NotebookNode, index: int) -> Block | None:
    """The block in a cell's output; text printed for the analyst's own use is left out, anything else refused."""
    if output.output_type == "stream":
        return None
    if output.output_type == "error":
        raise PublishError(f"Ô {index} chạy lỗi: {output.evalue}. Sửa ô rồi chạy lại.")
    data, metadata = output.get("data", {}), output.get("metadata", {})
    if BLOCK_MIME in data:
        block: Block = _nfc(from_json(data[BLOCK_MIME]))
        return block
    if _SVG in data and (about := metadata.get(_SVG)):
        caption, alt = (unicodedata.normalize("NFC", about[name]) for name in ("caption", "alt"))
        table = tuple(tuple(_nfc(text) for text in row) for row in about.get("table", ()))
        return Figure(about["id"], caption, alt, data[_SVG], table, tuple(about.get("results", ())))
    if set(data) == {"text/plain"} and data["text/plain"] == "None":
        return None
    raise PublishError(
        f"Ô {index} cho ra kết quả không đưa vào báo cáo được ({', '.join(data)}). Dùng y.table, y.chart, y.publish; "
        "để xem riêng thì dùng print, hoặc kết thúc dòng cuối bằng dấu chấm phẩy."
    )


def _in_cell(block: Block | None, index: int) -> Block | None:
    return replace(block, cell=index) if isinstance(block, Figure | Table) else block


def _nfc(node: Any) -> Any:
    """All texts of a block in NFC."""
    if isinstance(node, str):
        return unicodedata.normalize("NFC", node)
    if isinstance(node, tuple):
        return tuple(_nfc(item) for item in node)
    if hasattr(node, "__dataclass_fields__"):
        return replace(node, **{name: _nfc(getattr(node, name)) for name in node.__dataclass_fields__})
    return node


def _unique(block: Block, seen: set[str]) -> Block:
    """Headings get ids of their own, even where two read alike."""
    if not isinstance(block, Heading):
        return block
    name = next(n for n in chain([block.id], (f"{block.id}-{i}" for i in count(2))) if n not in seen)
    seen.add(name)
    return replace(block, id=name)


def _twice(ids: Iterator[str]) -> list[str]:
    listed = list(ids)
    return sorted({i for i in listed if listed.count(i) > 1})
