"""The writers as nbconvert exporters: `jupyter nbconvert --to danvan_html|danvan_pdf|danvan_docx executed.ipynb`."""

from __future__ import annotations

from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode

from danvan.document import Document
from danvan.publish import builder, docx, html, pdf

DOCUMENT = "danvan_document"  # the resource that holds the document, where the caller has built it already


class ReportHTML(Exporter):
    """One self-contained page."""

    file_extension = ".html"
    output_mimetype = "text/html"
    export_from_notebook = "Báo cáo (HTML)"

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        return html.render(_document(nb, resources)), resources


class ReportPDF(Exporter):
    """PDF/UA-1 and PDF/A-2a in the report's format profile."""

    file_extension = ".pdf"
    output_mimetype = "application/pdf"
    export_from_notebook = "Báo cáo (PDF)"

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        return pdf.render(_document(nb, resources)), resources


class ReportDOCX(Exporter):
    """A Word file in the report's format profile: to edit and to sign."""

    file_extension = ".docx"
    output_mimetype = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    export_from_notebook = "Báo cáo (Word)"

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        return docx.render(_document(nb, resources)), resources


def _document(nb: NotebookNode, resources: Any) -> Document:
    built: Document = resources.get(DOCUMENT) or builder.build(nb)
    return built
