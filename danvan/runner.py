"""A notebook through Papermill, its inline expressions evaluated while the kernel lives. Only importer of papermill.

The kernel is warm where a build has a zygote (see kernels), else started the usual way; what comes out is the same.
"""

from __future__ import annotations

import ast
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.translators import PythonTranslator
from traitlets.config import Config

from danvan import environment, prose
from danvan.errors import DISK_REFUSES, SettingsError, StageError, nearest, not_a_file
from danvan.kernels import zygote
from danvan.kernels.manager import WarmKernelManager
from danvan.store import NotAFileError, read_file

KERNEL = "python3"
_TYPES: dict[str, type] = {"int": int, "str": str, "bool": bool, "float": float}
Parameters = Mapping[str, int | str | bool | float]


class NotebookError(StageError):
    """A cell or an inline expression failed; the executed notebook lies where `run` was told to write it."""


class Client(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client, which also evaluates the {eval} expressions of Markdown cells, after all code cells.

    The MIME bundles are kept where jupyterlab-myst keeps them: in the cell's metadata, under `user_expressions`.
    """

    def papermill_execute_cells(self) -> None:
        super().papermill_execute_cells()
        if any(cell.metadata.get("papermill", {}).get("exception") for cell in self.nb.cells):
            return
        for cell in self.nb.cells:
            if cell.cell_type == "markdown" and (found := prose.expressions(cell.source)):
                replies = self._evaluate(found)
                cell.metadata["user_expressions"] = [{"expression": e, "result": replies[e]} for e in found]

    def _evaluate(self, found: list[str]) -> dict[str, Any]:
        message = self.kc.execute("", silent=True, store_history=False, user_expressions={e: e for e in found})
        return dict(self.wait_for_reply(message)["content"]["user_expressions"])


class Engine(NBClientEngine):  # type: ignore[misc]
    """The papermill engine `danvan`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> NotebookNode:
        options = {
            "timeout": kwargs.get("execution_timeout"),
            "startup_timeout": kwargs.get("start_timeout", 60),
            "resources": kwargs.get("resources", {}),
            "kernel_manager_class": WarmKernelManager,
            "shutdown_kernel": "immediate",  # nothing in it is worth the half second of a polite end
            "record_timing": False,
        }
        with zygote.private_folder() as private, Path(private, "log").open("wb+") as log:
            if os.name != "nt":  # Windows has no such sockets
                # Kernel and engine talk through files that only this user can read.
                options["config"] = Config({"KernelManager": {"transport": "ipc", "ip": str(Path(private, "k"))}})
            client = Client(nb_man, kernel_name=kernel_name, **options)
            try:
                done: NotebookNode = client.execute(env=environment.of_kernel(kwargs.get("environment")), stderr=log)
            except RuntimeError as error:
                log.seek(0)
                last = log.read().decode(errors="replace").strip().splitlines()[-1:]
                raise RuntimeError("; ".join([str(error), *last])) from None
        return done


def run(notebook: Path, parameters: Parameters, out: Path, *, shown: str, own: Mapping[str, str]) -> NotebookNode:
    """Run `notebook` with its declared parameters; returns the executed notebook: the same for the same inputs.

    `out`: where it lies, too, also after a failure. `shown` is its name in messages; `own` is added to the kernel's
    environment.

    Raises SettingsError for parameters and for what must not stand in the notebook, NotebookError for a failing cell.
    """
    source = read(notebook, shown)
    _check_parameters(source, parameters, shown)
    if wrong := list(problems(source, shown)):
        raise SettingsError(*wrong)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        done: NotebookNode = papermill.execute_notebook(
            str(notebook),
            str(out),
            parameters=dict(parameters),
            engine_name="danvan",
            kernel_name=KERNEL,
            cwd=str(notebook.parent),
            progress_bar=False,
            autosave_cell_every=0,
            request_save_on_cell_execute=False,  # saving after each cell costs more than most cells
            start_timeout=120,
            environment=dict(own),
        )
    except (PapermillExecutionError, CellExecutionError) as error:
        raise _cell_error(error, out, shown) from None
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in DISK_REFUSES:
            raise
        raise NotebookError(f"{shown}: nhân Jupyter không chạy được ({error}). Hãy chạy lại.") from None
    _check_expressions(done, shown)
    return _lasting(done)


def _lasting(done: NotebookNode) -> NotebookNode:
    """The executed notebook without what differs from run to run: times, and the id of Papermill's own cell."""
    done.metadata.pop("papermill", None)
    for cell in done.cells:
        cell.metadata.pop("papermill", None)
        if prose.INJECTED in cell.metadata.get("tags", []):
            cell["id"] = "tham-so-lan-chay"
    return done


def read(notebook: Path, shown: str) -> NotebookNode:
    """The notebook as stored; raises SettingsError when it cannot be read."""
    try:
        text = read_file(notebook).decode()
        loaded: NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        return loaded
    except FileNotFoundError:
        raise SettingsError(f"Thiếu sổ {shown}.") from None
    except NotAFileError as error:
        raise not_a_file(shown, error.what) from None
    except Exception as error:  # nbformat raises whatever its JSON or schema trips over
        raise SettingsError(f"{shown}: không đọc được sổ Jupyter ({error}). Hãy lấy lại bản trước.") from None


def problems(source: NotebookNode, shown: str) -> Iterator[str]:
    """What must not stand in a notebook that becomes a report: one sentence each, with the cell's number."""
    assigned: Counter[str] = Counter()
    used: dict[str, int] = {}
    for index, cell in enumerate(source.cells, start=1):
        where = f"{shown}, ô {index}"
        if cell.cell_type == "markdown":
            yield from (f"{where}: {problem}" for problem in prose.problems(cell.source))
            for expression in prose.expressions(cell.source):
                try:
                    tree = ast.parse(expression, mode="eval")
                except SyntaxError:
                    yield f"{where}: biểu thức {{eval}}`{expression}` viết sai."
                    continue
                used |= {node.id: index for node in ast.walk(tree) if isinstance(node, ast.Name)}
                yield from (f"{where}: {problem}" for problem in _typed(tree))
        elif cell.cell_type == "code":
            try:
                tree_of_cell = ast.parse(cell.source)
            except SyntaxError:
                continue  # IPython's own syntax, or a real error that the kernel tells better
            assigned.update(_bound(tree_of_cell))
            for node in ast.walk(tree_of_cell):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    yield from (
                        f"{where}: {problem}"
                        for keyword in node.keywords
                        if keyword.arg in ("caption", "alt", "question")
                        for problem in _typed(keyword.value)
                    )
    for name, index in used.items():
        if assigned[name] > 1:
            yield (
                f"{shown}, ô {index}: tên “{name}” dùng trong câu chữ được gán {assigned[name]} lần trong sổ; câu chữ "
                "tính sau cùng nên chỉ thấy giá trị cuối. Hãy đặt tên khác cho mỗi lần gán."
            )


def _typed(tree: ast.AST) -> Iterator[str]:
    """Digits typed into texts that readers see; a section's number ('II.4') is structure."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if any(c.isdigit() for c in node.value) and not re.fullmatch(r"[IVX]+(\.\d+)*", node.value):
            yield f"gõ tay con số trong “{node.value}”. Lấy số từ dữ liệu hoặc params."


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.split(".")[0]


def _check_parameters(source: NotebookNode, parameters: Parameters, shown: str) -> None:
    """Only declared names, only of the declared types: Papermill itself merely warns, and runs a misspelt default."""
    cells = [cell for cell in source.cells if "parameters" in cell.metadata.get("tags", [])]
    declared = {found.name: found.inferred_type_name for cell in cells for found in PythonTranslator.inspect(cell)}
    for name, value in parameters.items():
        if name not in declared:
            raise SettingsError(f"{shown} không có tham số “{name}”.{nearest(name, declared)}")
        wanted = declared[name]
        if type(value) is not _TYPES.get(wanted, type(value)):
            raise SettingsError(f"{shown}: tham số “{name}” phải là {wanted}, không phải {value!r}.")


def _cell_error(error: Any, out: Path, shown: str) -> NotebookError:
    done = read(out, shown) if out.exists() else None
    index = next(
        (i for i, c in enumerate(done.cells if done else []) if c.metadata.get("papermill", {}).get("exception")), None
    )
    # Papermill puts a notice cell before the failed one and an anchor on top, and a cell with the parameters.
    number = _number_of(done, index) if done is not None and index is not None else None
    name, value = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", str(error))
    where = f"{shown}, ô {number}" if number else shown
    return NotebookError(f"{where} chạy lỗi: {value or name} ({name}).")


def _number_of(done: NotebookNode, index: int) -> int:
    """The number of the failed cell in the stored notebook, from 1."""
    before = prose.own_cells(done.cells[: index + 1])
    return sum("papermill-error-cell-tag" not in cell.metadata.get("tags", []) for cell in before)


def _check_expressions(done: NotebookNode, shown: str) -> None:
    """Every expression must have given words; a bare number would be printed the English way, so it is refused."""
    wrong = []
    for index, cell in enumerate(prose.own_cells(done.cells), start=1):
        for item in cell.metadata.get("user_expressions", []):
            where = f"{shown}, ô {index}, {{eval}}`{item['expression']}`"
            result = item["result"]
            if result["status"] != "ok":
                wrong.append(f"{where}: {result.get('evalue') or result.get('ename')}")
            elif prose.value_of(item) is None:
                wrong.append(
                    f"{where}: cho ra {result['data'].get('text/plain', 'kết quả lạ')}, không phải câu chữ của sổ. "
                    "Với số tự tính, dùng y.fmt(số, chữ số thập phân)."
                )
    if wrong:
        raise NotebookError("\n".join(wrong))


papermill_engines.register("danvan", Engine)
