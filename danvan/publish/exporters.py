"""The writers as nbconvert exporters: `jupyter nbconvert --to danvan_html|danvan_pdf` takes an executed notebook."""

from __future__ import annotations

import json
from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode

from danvan.document import Document
from danvan.publish import builder, html, pdf

DOCUMENT = "danvan_document"  # the resource that holds the document, where the caller has built it already
TRACE = "danvan_trace"  # of a page with cards: the content of trace.json, as bytes (all else is copied on the way)
BESIDE = "danvan_beside"  # of a page with downloads: the names of the files that lie beside it


class ReportHTML(Exporter):
    """One self-contained page."""

    file_extension = ".html"
    output_mimetype = "text/html"
    export_from_notebook = "Báo cáo (HTML)"

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        trace = json.loads(resources.get(TRACE, b"{}"))
        return html.render(_document(nb, resources), trace, resources.get(BESIDE, ())), resources


class ReportPDF(Exporter):
    """PDF/UA-1 and PDF/A-2a in the report's format profile."""

    file_extension = ".pdf"
    output_mimetype = "application/pdf"
    export_from_notebook = "Báo cáo (PDF)"

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        return pdf.render(_document(nb, resources)), resources


def _document(nb: NotebookNode, resources: Any) -> Document:
    built: Document = resources.get(DOCUMENT) or builder.build(nb)
    return built
