"""What a notebook cell gives back: blocks and charts with the data that the writers need, and a look for JupyterLab."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from matplotlib.figure import Figure

from danvan import paper, tables
from danvan.document import BLOCK_MIME, Block, Meta, Table, TitleBlock, to_json
from danvan.errors import SettingsError


class Shown:
    """A block of the document as a notebook output: data for the writers, HTML for JupyterLab."""

    def __init__(self, block: Block, html: str = "", metadata: dict[str, Any] | None = None) -> None:
        self.block, self.html, self.metadata = block, html, metadata or {}

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        plain = f"[{type(self.block).__name__}]"
        return {BLOCK_MIME: to_json(self.block), "text/html": self.html or plain, "text/plain": plain}, {
            BLOCK_MIME: self.metadata
        }


class Drawn:
    """A chart as a notebook output: its SVG, with id, caption and alternative text.

    `table`: what it shows, the heads first.
    """

    def __init__(
        self,
        figure: Figure,
        id: str,
        caption: str,
        alt: str,
        results: Iterable[str] = (),
        table: Sequence[Sequence[str]] = (),
    ) -> None:
        if not (id and caption.strip() and alt.strip()):
            raise SettingsError("Biểu đồ phải có id, caption (câu hỏi biểu đồ trả lời) và alt (lời mô tả).")
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            pyplot.close(figure)  # else JupyterLab shows it a second time
        self.figure, self.id, self.caption, self.alt, self.results = figure, id, caption, alt, list(results)
        self.table = [list(map(str, row)) for row in table]
        if any(len(row) != len(self.table[0]) for row in self.table):
            raise SettingsError(f"Bảng số liệu của biểu đồ {id} có dòng thừa hoặc thiếu ô.")

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        about: dict[str, Any] = {"id": self.id, "caption": self.caption, "alt": self.alt, "results": self.results}
        about |= {"table": self.table} if self.table else {}
        svg = paper.to_svg(self.figure, self.id)
        return {"image/svg+xml": svg, "text/plain": self.caption}, {"image/svg+xml": about}


def shown(table: Table) -> Shown:
    """A table as a notebook output."""
    return Shown(table, tables.to_html(table))


def plain_title(meta: Meta, kind: str, *subject: str) -> Shown:
    """The title of a document that is no official letter: no bodies, no number; carries what it says about itself."""
    block = TitleBlock("", (), "", "", kind, subject)
    title, marks = "<br>".join(map(escape, [kind, *subject])), " ".join(map(escape, meta.marks))
    return Shown(block, f"<p><em>{marks}</em></p><h1>{title}</h1>", {"meta": to_json(meta)})
