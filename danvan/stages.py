"""One document, from its notebook to its folder, stage by stage. What a stage made is kept under the key of all that it
depends on: a stage that was killed half-way has made nothing, one whose inputs are as they were does not run again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from danvan import document, manifest
from danvan.errors import StageError
from danvan.freshness import MANIFEST, Sources, Wanted, require_same
from danvan.paths import Project
from danvan.spreadsheet import as_csv
from danvan.store import Cache, content_key, swapped_in

if TYPE_CHECKING:  # what a build needs is imported when there is something to build
    from nbformat import NotebookNode

    from danvan.book import Book
    from danvan.document import Document

# nbformat's jsonschema would load it, which takes a second or two and 20 MB, to check what no notebook has
# (jsonschema #1428); it does without where there is none.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

Printed = list[dict[str, Any]]
Trace = dict[str, Any]
Tell = Callable[[str], None]  # is told of each stage as it begins


@dataclass(frozen=True)
class Task:
    """A document to build. `packet`: what the kernel of a profile is given instead of the returns."""

    kind: Literal["report", "trends", "profile"]
    project: Project
    wanted: Wanted
    notebook: Path
    parameters: dict[str, int | str | bool | float]
    name: str  # of its files
    title: str  # what people call it
    allow_incomplete: bool = False
    packet: bytes = b""

    def inputs_now(self) -> dict[str, str]:
        """Its inputs as they stand now."""
        sources, year = Sources(self.project, on_disk=True), self.parameters.get("year")
        if self.kind == "report":
            return sources.report(int(year or 0), str(self.parameters["edition"])).inputs
        if self.kind == "trends":
            return sources.trends(str(self.parameters["edition"])).inputs
        return sources.profile(int(year or 0), str(self.parameters["unit"]), self.wanted.inputs["packet"]).inputs


@dataclass(frozen=True)
class Built:
    """A document that stands: whether anything had to be done for it, how many warnings the checks gave."""

    folder: Path
    fresh: bool
    warnings: int = 0


def build(task: Task, tell: Tell = lambda _: None) -> Built:
    """Build a document and swap its folder in whole; what was there before stays until then.

    Raises ReturnsError (the returns have errors), SettingsError, StageError.
    """
    task.wanted.failed.unlink(missing_ok=True)  # of an earlier try
    with swapped_in(task.wanted.folder) as new:
        data, made = _opened(task, tell), _Made(task, tell)
        trace = made.trace(data)
        tell("HTML")
        (new / f"{task.name}.html").write_bytes(made.html(trace, beside(task)))
        tell("PDF")
        (new / f"{task.name}.pdf").write_bytes(made.pdf())
        tools = {}
        if task.kind == "report":
            from danvan.publish import pandoc

            tell("Word")
            (new / f"{task.name}.docx").write_bytes(made.docx())
            tools["pandoc"] = pandoc.version()
        tell("Biểu đồ")
        made.write_figures(new / "figures")
        if data.book is not None:
            tell("Số liệu")
            (new / f"{task.name}.xlsx").write_bytes(made.dataset(data.book, "xlsx"))
            (new / f"{task.name}.csv").write_bytes(made.dataset(data.book, "csv"))
        tell("Ghi tệp")
        (new / "notebook.ipynb").write_bytes(made.shared_copy())
        meta = made.document.meta
        (new / "trace.json").write_bytes(trace)
        record = manifest.make(
            new, task.wanted, task.parameters, time=meta.date, illustrative=meta.illustrative, tools=tools
        )
        (new / MANIFEST).write_bytes(record)
        require_same(task.wanted.inputs, task.inputs_now())
    return Built(task.wanted.folder, True, data.warnings)


def page(task: Task, tell: Tell = lambda _: None) -> str:
    """The HTML page with nothing beside it, for the preview; only the cache is written. Raises as `build` does."""
    data, made = _opened(task, tell), _Made(task, tell)
    return made.html(made.trace(data)).decode()


def beside(task: Task) -> tuple[str, ...]:
    """The files beside the page that its reader may want: what `build` writes, by name."""
    own = ("pdf", "docx", "xlsx", "csv") if task.kind == "report" else ("pdf",)
    return *(f"{task.name}.{kind}" for kind in own), "notebook.ipynb", "trace.json", MANIFEST


# ---------------------------------------------------------------- the data behind


@dataclass(frozen=True)
class _Data:
    """How many warnings the checks gave, and the way back: of what is printed, and what of it is illustrative.

    `book`: of a report, the year's data.
    """

    warnings: int
    trace: Callable[[Printed, str], Trace]
    book: Book | None = None


def _opened(task: Task, tell: Tell) -> _Data:
    """The data of a task, opened before its notebook runs: so errors in returns are told first, and as such."""
    tell("Đọc phiếu")
    given = task.parameters
    if task.kind == "profile":
        known = json.loads(task.packet)["trace"]

        def traced(printed: Printed, illustrative: str) -> Trace:
            keys = {key for item in printed for key in item["results"]}
            results = {key: result for key, result in known["results"].items() if key in keys}
            return {**given, **known, "illustrative": illustrative, "printed": printed, "results": results}

        return _Data(0, traced)
    from danvan.trace import trace, trace_of

    edition, digests = str(given["edition"]), task.wanted.inputs
    if task.kind == "trends":
        from danvan.trends import open_trends_of

        t = open_trends_of(task.project, edition)
        return _Data(0, lambda printed, illustrative: trace_of(t.latest, printed, illustrative, t.results(), digests))
    from danvan.book import Book  # not the yearbook: only who draws needs matplotlib
    from danvan.disclosure import edition_named
    from danvan.intake.year import sound_year

    year = sound_year(task.project, int(given["year"]), allow_incomplete=task.allow_incomplete)
    book = Book(year, edition_named(edition))
    warnings = sum(finding.severity == "warning" for finding in book.findings)
    return _Data(warnings, lambda printed, illustrative: trace(book, printed, illustrative, digests), book)


# ---------------------------------------------------------------- what is made of it


class _Made:
    """The executed notebook, and what is written from it: each from the cache where it is there."""

    def __init__(self, task: Task, tell: Tell) -> None:
        self._task, self._cache = task, Cache(task.project.cache)
        tell("Chạy sổ")
        own = {name: value for name, value in task.wanted.settings.items() if name != "allow_incomplete"}
        key = content_key([*task.wanted.inputs.items(), *((f"={name}", value) for name, value in own.items())])
        content = self._kept("notebook", key, self._run)
        self.notebook: NotebookNode = _read(content)
        self._key = self._with_tools(_digest(content))

    def _with_tools(self, digest: str) -> str:
        """The key of what is made of a content alone, with all of danvan/ and its libraries."""
        wanted = self._task.wanted
        tools = [(n, has) for n, has in wanted.inputs.items() if n.startswith("danvan/") or n == "requirements.lock"]
        return content_key([*tools, ("python", wanted.settings["python"]), ("content", digest)])

    def trace(self, data: _Data) -> bytes:
        """The content of trace.json."""
        return as_json(data.trace(document.printed(self.document), self.document.meta.illustrative))

    def html(self, trace: bytes, files: tuple[str, ...] = ()) -> bytes:
        """The page, with cards out of `trace`, and links to the `files` beside it."""

        def made() -> bytes:
            from danvan.publish import exporters

            return bytes(self._exported("ReportHTML", {exporters.TRACE: trace, exporters.BESIDE: files}).encode())

        key = content_key([("notebook", self._key), ("trace", _digest(trace)), ("beside", "\n".join(files))])
        return self._kept("html", key, made)

    def pdf(self) -> bytes:
        return self._kept("pdf", self._key, lambda: bytes(self._exported("ReportPDF")))

    def docx(self) -> bytes:
        return self._kept("docx", self._key, lambda: bytes(self._exported("ReportDOCX")))

    def write_figures(self, folder: Path) -> None:
        """Each chart as SVG, PNG and, where it has one, a table."""
        from danvan.publish import builder, raster

        for figure in builder.figures(self.document):
            folder.mkdir(exist_ok=True)
            svg = figure.svg.encode()
            png = self._cache.made("png", self._with_tools(_digest(svg)), partial(raster.png, figure.svg))
            (folder / f"{figure.id}.svg").write_bytes(svg)
            (folder / f"{figure.id}.png").write_bytes(png)
            if figure.table:
                (folder / f"{figure.id}.csv").write_bytes(as_csv(figure.table))

    def dataset(self, book: Book, kind: Literal["xlsx", "csv"]) -> bytes:
        """The year's data for readers' own work: made of all inputs but the notebook, and of what the report says of
        itself.
        """
        wanted, meta = self._task.wanted, self.document.meta
        inputs = [(name, has) for name, has in wanted.inputs.items() if not name.startswith("notebooks/")]
        told = json.dumps(document.to_json(meta), sort_keys=True)
        key = content_key([*inputs, ("python", wanted.settings["python"]), ("edition", book.edition), ("meta", told)])

        def make() -> bytes:
            from danvan.publish import dataset

            return dataset.xlsx(book, meta) if kind == "xlsx" else dataset.csv(book)

        return self._kept(kind, key, make)

    def shared_copy(self) -> bytes:
        """The notebook for readers."""
        import nbformat

        from danvan.publish import builder

        text: str = nbformat.writes(builder.shared_copy(self.notebook))  # type: ignore[no-untyped-call]
        return (text + "\n").encode()

    @cached_property
    def document(self) -> Document:
        from danvan.publish import builder

        return builder.build(self.notebook)

    def _kept(self, stage: str, key: str, make: Callable[[], bytes]) -> bytes:
        """What the cache has, else what `make` gives; kept only if no input changed meanwhile."""

        def made() -> bytes:
            content = make()
            require_same(self._task.wanted.inputs, self._task.inputs_now())
            return content

        return self._cache.made(stage, key, made)

    def _run(self) -> bytes:
        """Runs the notebook; meanwhile the writers are made ready. A failed one is kept beside the folder."""
        from danvan import runner
        from danvan.publish import builder

        task, project = self._task, self._task.project
        ready = Thread(target=make_ready, daemon=True)  # who is stopped does not wait for it
        ready.start()
        with TemporaryDirectory(prefix="danvan-") as private:
            executed, packet = Path(private, "notebook.ipynb"), Path(private, "packet.json")
            own = {"DANVAN_ROOT": str(project.root)}
            if task.packet:
                packet.write_bytes(task.packet)
                own[PACKET] = str(packet)
            try:
                shown = project.relative(task.notebook)
                notebook = runner.run(task.notebook, task.parameters, executed, shown=shown, own=own)
                builder.build(notebook)  # what cannot become a document has failed, too
            except StageError as error:
                ready.join()
                if executed.exists():
                    failed = task.wanted.failed
                    failed.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(executed, failed)
                    raise type(error)(f"{error}\nSổ đã chạy để xem lại: {project.relative(failed)}") from None
                raise
        ready.join()
        return as_json(notebook)

    def _exported(self, name: str, more: Mapping[str, Any] = MappingProxyType({})) -> Any:
        from danvan.publish import exporters

        exporter = getattr(exporters, name)()
        return exporter.from_notebook_node(self.notebook, {exporters.DOCUMENT: self.document, **more})[0]


PACKET = "DANVAN_PACKET"


def make_ready() -> None:
    """Import what runs and writes, which takes as long as a kernel's start, while something else is waited for."""
    from danvan import runner  # noqa: F401
    from danvan.publish import exporters, pdf  # noqa: F401

    pdf.make_ready()


def _read(content: bytes) -> NotebookNode:
    import nbformat

    notebook: NotebookNode = nbformat.from_dict(json.loads(content))  # type: ignore[no-untyped-call]
    return notebook


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def as_json(data: Any) -> bytes:
    """JSON of one line, the same bytes for the same data."""
    return (json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n").encode()
