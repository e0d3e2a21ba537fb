"""The writers as nbconvert exporters: `jupyter nbconvert --to danvan_html|danvan_pdf|danvan_docx executed.ipynb`."""

from __future__ import annotations

import json
from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode

from danvan.document import Document
from danvan.publish import builder, docx, html, pdf

DOCUMENT = "danvan_document"  # the resource that holds the document, where the caller has built it already
TRACE = "danvan_trace"  # of a page with cards: the content of trace.json, as bytes (all else is copied on the way)
BESIDE = "danvan_beside"  # of a page with downloads: the names of the files that lie beside it


class _Report(Exporter):
    """What a writer makes of the document behind an executed notebook."""

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        return self.render(resources.get(DOCUMENT) or builder.build(nb), resources), resources

    def render(self, document: Document, resources: Any) -> str | bytes:
        raise NotImplementedError


class ReportHTML(_Report):
    """One self-contained page."""

    file_extension = ".html"
    output_mimetype = "text/html"
    export_from_notebook = "Báo cáo (HTML)"

    def render(self, document: Document, resources: Any) -> str:
        return html.render(document, json.loads(resources.get(TRACE, b"{}")), resources.get(BESIDE, ()))


class ReportPDF(_Report):
    """PDF/UA-1 and PDF/A-2a in the report's format profile."""

    file_extension = ".pdf"
    output_mimetype = "application/pdf"
    export_from_notebook = "Báo cáo (PDF)"

    def render(self, document: Document, resources: Any) -> bytes:  # noqa: ARG002
        return pdf.render(document)


class ReportDOCX(_Report):
    """A Word file in the report's format profile: to edit and to sign."""

    file_extension = ".docx"
    output_mimetype = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    export_from_notebook = "Báo cáo (Word)"

    def render(self, document: Document, resources: Any) -> bytes:  # noqa: ARG002
        return docx.render(document)
