"""A notebook through Papermill, its inline expressions evaluated while the kernel lives. Only importer of papermill.

The kernel is warm where a build has a zygote (see kernels), else started the usual way; what comes out is the same.
"""

from __future__ import annotations

import ast
import logging
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import zmq
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.translators import PythonTranslator
from traitlets.config import Config

from danvan import environment, prose
from danvan.errors import DISK_REFUSES, SettingsError, StageError, nearest, not_a_file, words_of
from danvan.kernels import zygote
from danvan.kernels.manager import WarmKernelManager
from danvan.kernels.watch import Limit, Limits, Watch
from danvan.store import NotAFileError, read_file

KERNEL = "python3"
# What a notebook may take; many times what ours need.
START_SECONDS, CELL_SECONDS = 120, 600  # of the kernel's start; of a cell, or of the expressions of one
MEMORY = min(4 * 2**30, psutil.virtual_memory().total * 3 // 4)  # bytes, with all that it has started
OUTPUT = 20_000_000  # bytes of all that it prints and shows, of its charts and tables, too
LOST = 30  # seconds after a cell's end in which its outputs must have come
_TYPES: dict[str, type] = {"int": int, "str": str, "bool": bool, "float": float}
Parameters = Mapping[str, int | str | bool | float]


_SAFE = "báo cáo cũ còn nguyên"


class NotebookError(StageError):
    """A cell or an inline expression failed; the executed notebook lies where `run` was told to write it."""


class Client(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client, which also evaluates the {eval} expressions of Markdown cells, after all code cells.

    The MIME bundles are kept where jupyterlab-myst keeps them: in the cell's metadata, under `user_expressions`.
    `watch` looks at the kernel. `at`: the index of the cell that it is busy with.
    """

    def __init__(self, nb_man: Any, watch: Watch, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self.at: int | None = None
        self.process: Any = None  # the kernel's
        self._watch = watch
        self._monitors: list[zmq.Socket[Any]] = []

    def create_kernel_manager(self) -> Any:
        manager = super().create_kernel_manager()
        manager.watched(self._watch)
        return manager

    def papermill_execute_cells(self) -> None:
        self.process = self.km.provisioner.process
        self._watch.begin(self.km.provisioner.pid)
        channels = self.kc.iopub_channel, self.kc.shell_channel
        self._monitors = [channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) for channel in channels]
        super().papermill_execute_cells()
        if any(cell.metadata.get("papermill", {}).get("exception") for cell in self.nb.cells):
            return
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type == "markdown" and (found := prose.expressions(cell.source)):
                self._begin(index)
                replies = self._evaluate(found)
                cell.metadata["user_expressions"] = [{"expression": e, "result": replies[e]} for e in found]
        self._check_alive()
        self.at = None
        self._watch.asked()  # Papermill has one more question

    def execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:
        self._begin(cell_index)
        done: NotebookNode = super().execute_cell(cell, cell_index, **options)
        return done

    def _begin(self, index: int) -> None:
        self._check_alive()
        self.at = index
        self._watch.asked()

    async def _async_check_alive(self) -> None:
        """Raises DeadKernelError, also for a kernel one of whose messages was too large to be received."""
        await super()._async_check_alive()
        if any(int(monitor.get(zmq.EVENTS)) & zmq.POLLIN for monitor in self._monitors):
            with suppress(psutil.Error):
                psutil.Process(self.process.pid).wait(0.5)  # one that is just ending has let go of its sockets first
            await super()._async_check_alive()
            self._watch.end("output")
            raise DeadKernelError("Kernel died")

    _check_alive = run_sync(_async_check_alive)

    def _evaluate(self, found: list[str]) -> dict[str, Any]:
        message = self.kc.execute("", silent=True, store_history=False, user_expressions={e: e for e in found})
        return dict(self.wait_for_reply(message)["content"]["user_expressions"])


class Engine(NBClientEngine):  # type: ignore[misc]
    """The papermill engine `danvan`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> NotebookNode:
        options = {
            "startup_timeout": kwargs["start_timeout"],
            "resources": kwargs.get("resources", {}),
            "kernel_manager_class": WarmKernelManager,
            "shutdown_kernel": "immediate",  # nothing in it is worth the half second of a polite end
            "shell_timeout_interval": 1,  # seconds between two looks whether the kernel lives
            "iopub_timeout": LOST,
            "record_timing": False,
        }
        with zygote.private_folder() as private, Path(private, "log").open("wb+") as log:
            if os.name != "nt":  # Windows has no such sockets
                # Kernel and engine talk through files that only this user can read.
                options["config"] = Config({"KernelManager": {"transport": "ipc", "ip": str(Path(private, "k"))}})
            watch = Watch(Limits(CELL_SECONDS, MEMORY, OUTPUT), Path(private, "log"))
            client = Client(nb_man, watch, kernel_name=kernel_name, **options)
            try:
                client.execute(env=environment.of_kernel(kwargs.get("environment")), stdout=log, stderr=log)
            except (DeadKernelError, CellTimeoutError) as error:
                limit = "output" if isinstance(error, CellTimeoutError) else watch.exceeded
                why = _stopped(limit, watch.limits, client.process.poll() if client.process else None)
                where = kwargs["shown"]
                if client.at is not None:
                    where += f", ô {_number_of(nb_man.nb, client.at)}"
                    if limit == "output":
                        _shorten(nb_man.nb.cells[client.at])
                Path(kwargs["out"]).write_text(nbformat.writes(nb_man.nb), encoding="utf-8")  # type: ignore[no-untyped-call]
                raise NotebookError(f"{where}: {why}") from None
            except RuntimeError as error:
                if "didn't respond" in str(error):
                    raise RuntimeError(f"chưa khởi động xong sau {_round(START_SECONDS)} giây") from None
                log.seek(0)
                last = log.read().decode(errors="replace").strip().splitlines()[-1:]
                raise RuntimeError("; ".join([str(error), *last])) from None
            finally:
                watch.close()
        done: NotebookNode = nb_man.nb
        return done


def _shorten(cell: NotebookNode) -> None:
    """Of what was printed too much, leave the beginning."""
    if cell.cell_type == "code":
        cell.outputs = [output for output in cell.outputs[:1] if output.output_type == "stream"]
        for output in cell.outputs:
            output.text = output.text[:10_000]


def _stopped(limit: Limit | None, limits: Limits, code: int | None) -> str:
    """Why the kernel is dead, and what to do; `code` is its exit code, or the negative number of a signal."""
    match limit:
        case "seconds":
            return (
                f"chạy quá {_round(limits.seconds)} giây chưa xong nên đã bị dừng. Hãy xem có lặp mãi, chờ mạng hay "
                f"chờ tệp nào không, sửa rồi chạy lại; {_SAFE}."
            )
        case "memory":
            return (
                f"sổ dùng quá {_round(limits.memory / 2**30)} GB bộ nhớ nên đã bị dừng. Hãy đọc ít dữ liệu hơn, bỏ "
                f"bảng tạm không còn dùng (del) rồi chạy lại; {_SAFE}."
            )
        case "output":
            return (
                f"sổ in ra quá {_round(limits.output / 1e6)} MB nên đã bị dừng. Hãy bỏ lệnh in trong vòng lặp, chỉ "
                f"hiện phần cần xem rồi chạy lại; {_SAFE}."
            )
    if code is None or code == -9:
        return (
            "nhân Jupyter bị hệ thống dừng giữa chừng, thường vì máy hết bộ nhớ. Hãy đóng bớt chương trình khác, thêm "
            f"--jobs 1 rồi chạy lại; {_SAFE}."
        )
    if code < 0:
        with suppress(ValueError):
            return (
                f"nhân Jupyter hỏng giữa chừng ({signal.Signals(-code).name}), thường do một thư viện mà ô này gọi. "
                f"Hãy mở sổ bằng build.py lab, chạy riêng ô này để xem; {_SAFE}."
            )
    return f"nhân Jupyter tự kết thúc giữa chừng (mã {code}). Hãy bỏ lệnh thoát trong ô này rồi chạy lại; {_SAFE}."


def _round(number: float) -> str:
    return f"{round(number, 1):g}".replace(".", ",")


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
            start_timeout=START_SECONDS,
            environment=dict(own),
            shown=shown,
            out=out,
        )
    except (PapermillExecutionError, CellExecutionError) as error:
        raise _cell_error(error, out, shown) from None
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and (error.filename or error.errno in DISK_REFUSES):
            raise
        raise NotebookError(f"{shown}: nhân Jupyter không chạy được ({error}). Hãy chạy lại.") from None
    if any(cell.metadata.get("papermill", {}).get("exception") for cell in done.cells):
        raise _cell_error(None, out, shown)  # sys.exit(0), which Papermill takes for an end in order
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
    except OSError as error:
        raise SettingsError(f"{shown}: không đọc được ({words_of(error)}). Kiểm tra tệp và ổ đĩa.") from None
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
    if error is None:
        return NotebookError(f"{where}: gọi lệnh thoát nên phần sau của sổ không chạy. Hãy bỏ lệnh ấy rồi chạy lại.")
    if name.endswith("MemoryError"):
        return NotebookError(f"{where}: cần nhiều bộ nhớ hơn máy có ({value or name}). Hãy đọc ít dữ liệu hơn.")
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
