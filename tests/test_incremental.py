"""Nothing twice, and nothing stale: what is built after a change is, byte for byte, what a clean build gives.

A small city of seven districts, two years and short notebooks is built in processes of its own, each with the danvan
that lies in its project, so that danvan's own files can be changed like any other input. A server that has imported
what others made forks these processes.
"""

from __future__ import annotations

import compileall
import csv
import hashlib
import json
import os
import py_compile
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import openpyxl
import psutil
import pytest
from conftest import copy_project
from filelock import FileLock
from hypothesis import HealthCheck, Phase, example, given, reject, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.utils.exceptions import InvalidFileException

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the builds are forked from a server")

REPORT, TRENDS, PROFILE, STATUS = "report 2022 2023 --jobs 1", "trends", "profile 2023 Q.Hồng_Bàng", "status"
ALL = (REPORT, TRENDS, PROFILE)
# --- a small project --------------------------------------------------------------------------------------------

UNITS = {"HP-303", "HP-306", "HP-307", "HP-308", "HP-309", "HP-311", "HP-317", "HP-CITY"}
CELLS = {
    "annual_report": (
        *("tham-so", "mo-so", "mo-dau", "phan-i", "phan-ii-1", "phan-ii-2", "bieu-do-ii-2", "so-do-o"),
        *("phu-luc-iii", "chat-luong-2", "phat-hien", "mau-thuan"),
    ),
    "trends": ("o-1", "o-2", "o-3", "o-4", "o-14"),
    "unit_profile": ("o-1", "o-2", "o-3", "o-4", "o-6", "o-10"),
}


def small_project(folder: Path, units: Set[str] = UNITS, cells: Mapping[str, Sequence[str]] = CELLS) -> Path:
    """Seven districts in 2022 and 2023, notebooks of a few cells, a stated figure, an answered finding."""
    from danvan.intake.year import read_year
    from danvan.paths import Project

    root = copy_project(folder)
    for name in ("params/units.csv", "params/tiles.csv", "params/lineage.csv", "data/reference/population.csv"):
        with (root / name).open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        kept = [row for row in rows if row[0] in units and name != "params/lineage.csv"]
        with (root / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([head, *kept])
        if name == "params/units.csv":
            names = {row[4] for row in kept}
    for path in (root / "data").glob("*/returns/*"):
        if unicodedata.normalize("NFC", path.stem) not in names:
            path.unlink()
    for name, kept_cells in cells.items():
        change_notebook(root, name, lambda stored, kept=kept_cells: [cell for cell in stored if cell["id"] in kept])
    finding = read_year(Project(root), 2023).findings[0].id
    shutil.rmtree(root / ".cache")
    (root / "data/2023/answers.yaml").write_text(
        f"answers:\n  - {{finding: {finding}, office: Công an quận Hải An, reason: Mở thêm chuyên mục phát thanh.}}\n",
        encoding="utf-8",
    )
    # Compiled once, and by its content, so that no copy compiles it again and no changed file is taken for the old one.
    compileall.compile_dir(root / "danvan", quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    return root


def change_notebook(root: Path, name: str, change: Callable[[list[dict]], list[dict]]) -> None:
    path = root / "notebooks" / f"{name}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"] = change(notebook["cells"])
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


# --- builds in processes of their own ----------------------------------------------------------------------------

SERVER = """
import contextlib, importlib, io, json, os, signal, sys, traceback
for name in sys.argv[1:]:
    importlib.import_module(name)
of_ours = [name for name in sys.modules if name.partition(".")[0] == "danvan"]
assert not of_ours or "danvan" in sys.argv, of_ours  # each project has its own, unless it is asked for
signal.signal(signal.SIGCHLD, signal.SIG_IGN)

def build(job):
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.environ.update(job["environment"])
    os.chdir(job["root"])
    sys.path.insert(0, job["root"])
    told = []
    try:
        if job["before"]:
            exec(compile(job["before"], "before", "exec"), {})
        for command in job["commands"]:
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    from danvan.cli import main
                    code = main([word.replace("_", " ") for word in command.split()])
                except Exception:
                    code = "crash"
                    traceback.print_exc()
            told.append([code, out.getvalue(), err.getvalue()])
            if code and job["until_failure"]:
                break
    finally:
        with open(job["result"] + ".new", "w", encoding="utf-8") as file:
            json.dump(told, file)
        os.rename(file.name, job["result"])  # whole or not at all: it may be killed here, too
    os._exit(0)

for line in sys.stdin:
    pid = os.fork()
    if not pid:
        build(json.loads(line))
    print(pid, flush=True)
"""
PRELOAD = (
    *("filelock", "jinja2", "mistune", "nbclient", "nbconvert", "nbformat", "openpyxl", "papermill", "pikepdf"),
    *("psutil", "pydantic", "rich.live", "rich.progress", "rich.table", "typst", "yaml", "babel.numbers"),
    *("matplotlib.figure", "matplotlib.font_manager", "matplotlib.textpath", "matplotlib.backends.backend_svg"),
    *("scipy.stats", "statsmodels.stats.proportion", "statsmodels.stats.rates", "jupyter_client", "pandas"),
)


@dataclass(frozen=True)
class Told:
    """What a command said."""

    code: int | str
    out: str
    err: str


@dataclass(frozen=True)
class Running:
    """A process that builds."""

    pid: int
    result: Path

    def wait(self) -> list[Told]:
        """What its commands said; of a killed one nothing."""
        end = time.monotonic() + 240
        while psutil.pid_exists(self.pid):
            assert time.monotonic() < end, "a build that does not end"
            time.sleep(0.01)
        if not self.result.exists():
            return []
        return [Told(*one) for one in json.loads(self.result.read_text(encoding="utf-8"))]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


class Builders:
    """Starts builds; each has the danvan of its own project, unless `preload` names it: then that of `environment`."""

    def __init__(self, folder: Path, preload: Sequence[str] = PRELOAD, **environment: str) -> None:
        from danvan.environment import FIXED, of_kernel
        from danvan.environment import PRELOAD as OF_KERNELS
        from danvan.kernels import zygote

        self._results, self._count, self._stack = folder, 0, ExitStack()
        self._warm: dict[str, str] = {}
        unwanted = ("PYTHON", "DANVAN_", "SOURCE_DATE_EPOCH", "WARM_KERNELS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        if zygote.can_fork():
            before = os.environ.get(zygote.VARIABLE)
            # As the builds' own: else it is asked for what it cannot give, and each build starts a cold kernel.
            known = kept.keys() | FIXED.keys() | {"PYTHONPATH"}
            of_kernels = {name: value for name, value in of_kernel().items() if name in known}
            self._stack.enter_context(zygote.started(OF_KERNELS, of_kernels))
            self._warm = {zygote.VARIABLE: os.environ.pop(zygote.VARIABLE)}  # for our builds, not for other tests
            if before is not None:
                os.environ[zygote.VARIABLE] = before
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER, *preload],
            env={
                **kept,
                "OPENBLAS_NUM_THREADS": "1",
                "JE_ARROW_MALLOC_CONF": "background_thread:false",
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self,
        root: Path,
        *commands: str,
        before: str = "",
        warm: bool = True,
        until_failure: bool = False,
        **environment: str,
    ) -> Running:
        """Run the commands one after the other; '_' is a space within a word. `before`: code that is run first."""
        self._count += 1
        result = self._results / f"{self._count}.json"
        own = {"DANVAN_ROOT": str(root), "PYTHONPATH": str(root), **(self._warm if warm else {}), **environment}
        job = {
            "root": str(root),
            "commands": commands,
            "before": before,
            "until_failure": until_failure,
            "environment": own,
            "result": str(result),
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        return Running(int(self._server.stdout.readline()), result)

    def run(self, root: Path, *commands: str, **more: str) -> list[Told]:
        return self.start(root, *commands, **more).wait()

    def close(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
        self._stack.close()


@pytest.fixture(scope="session")
def builders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builders]:
    made = Builders(tmp_path_factory.mktemp("builds"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "incremental"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def base(shared: Path, builders: Builders) -> Path:
    """The small project with its reports, trends and a profile built. Shared: copy it, change nothing."""
    with FileLock(shared / "lock"):
        if not (shared / "done").exists():
            root = small_project(shared / "gốc")
            told = builders.run(root, *ALL, STATUS)
            assert [one.code for one in told] == [0, 0, 0, 0], told
            (shared / "done").touch()
    return shared / "gốc"


@pytest.fixture
def copy(base: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed and built again."""
    return shutil.copytree(base, tmp_path / "bản sao", symlinks=True)


def without_builds(root: Path, to: Path) -> Path:
    """A copy of a project without anything that was built or kept."""
    return shutil.copytree(root, to, symlinks=True, ignore=shutil.ignore_patterns("reports", "figures", ".cache"))


def contents(folder: Path) -> dict[str, str]:
    """Digest of each file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def documents(root: Path) -> list[Path]:
    """The folders of all documents, and those of the figures."""
    return [path.parent for path in root.glob("reports/**/manifest.json")] + list(root.glob("figures/[0-9]*"))


def outputs(root: Path) -> dict[str, dict[str, str]]:
    """By folder of a document or of figures: digest of each file."""
    return {folder.relative_to(root).as_posix(): contents(folder) for folder in documents(root)}


def beside(root: Path) -> set[str]:
    """What lies in reports/ and figures/, but in no document."""
    own = documents(root)
    found = [path for name in ("reports", "figures") for path in (root / name).rglob("*")]
    lone = [path for path in found if not any(path == one or one in path.parents or path in one.parents for one in own)]
    return {path.relative_to(root).as_posix() for path in lone if path.is_file() and path.name != ".lock"}


def stages(root: Path) -> dict[str, set[str]]:
    """The entries of the cache, by stage."""
    return {folder.name: {path.name for path in folder.iterdir()} for folder in (root / ".cache").iterdir()}


def words(told: list[Told], root: Path) -> list[tuple[int | str, str, str]]:
    """Exit codes and messages, without what may differ: whether a document had to be built, how long it took."""
    said = []
    for one in told:
        out = re.sub(r"Đã lập báo cáo (năm \d+): (\S+?)(;.*)?$", r"Báo cáo \1: \2", one.out, flags=re.M)
        out = re.sub(r"Báo cáo (năm \d+) đã mới nhất: ", r"Báo cáo \1: ", out)
        out = out.replace("Đã lập tài liệu diễn biến", "Tài liệu diễn biến đã mới nhất")
        out = re.sub(r"lập \d+, \d+ đã mới nhất", "đã mới nhất", out)
        err = "".join(line for line in one.err.splitlines(True) if not line.startswith("Chậm nhất: "))
        said.append((one.code, out.replace(str(root), "ROOT"), err.replace(str(root), "ROOT")))
    return said


# --- changes of any one input --------------------------------------------------------------------------------------

Change = Callable[[Path, random.Random], "dict[str, str] | None"]  # gives the environment of the build


class NothingToChangeError(Exception):
    """An earlier change took it away."""


def returned(root: Path, chance: random.Random) -> Path:
    return chance.choice(sorted(root.glob("data/*/returns/*.xlsx")))


def rewritten(change: Callable[[openpyxl.Workbook, random.Random], None]) -> Change:
    def apply(root: Path, chance: random.Random) -> None:
        path = returned(root, chance)
        book = openpyxl.load_workbook(path)
        change(book, chance)
        book.save(path)

    return apply


def figure(book: openpyxl.Workbook, chance: random.Random) -> openpyxl.cell.Cell:
    cells = [row[3] for sheet in book.worksheets for row in sheet.iter_rows() if len(row) > 3]
    return chance.choice([cell for cell in cells if isinstance(cell.value, int) and cell.value > 1])


def another_number(book: openpyxl.Workbook, chance: random.Random) -> None:
    cell = figure(book, chance)
    cell.value = cell.value + chance.choice([1, -1])


def strange_value(book: openpyxl.Workbook, chance: random.Random) -> None:
    figure(book, chance).value = chance.choice(["#REF!", "nhiều", -5, 10**9, "hơn 3", None])


def comment(book: openpyxl.Workbook, chance: random.Random) -> None:
    figure(book, chance).comment = Comment("số này chưa chốt", "Phòng")


def saved_again(book: openpyxl.Workbook, chance: random.Random) -> None:
    book.properties.title = str(chance.random())


def renamed_return(root: Path, chance: random.Random) -> None:
    path = returned(root, chance)
    path.rename(path.with_name(chance.choice(["Phiếu mới.xlsx", "Kiến An (2).xlsx", f"{path.stem}.part", "x.csv"])))


def copied_return(root: Path, chance: random.Random) -> None:
    path = returned(root, chance)
    shutil.copy(path, path.with_name("bản sao.xlsx"))


def return_of_another_year(root: Path, chance: random.Random) -> None:
    path = root / "data/2022/returns" / returned(root, chance).name
    shutil.copy(path, root / "data/2023/returns" / path.name)


def spoilt_return(root: Path, chance: random.Random) -> None:
    path = returned(root, chance)
    content = path.read_bytes()
    path.write_bytes(chance.choice([b"", content[: len(content) // 2], b"%PDF-1.7", content + b"\0"]))


def something_else(root: Path, chance: random.Random) -> None:
    path = returned(root, chance)
    match chance.randrange(4):
        case 0:
            path.with_name(f"~${path.name}").write_bytes(b"\x05Phong")  # open in Excel
        case 1:
            path.with_name("thư mục").mkdir()
        case 2:
            path.with_name("liên kết.xlsx").symlink_to(path.name)
        case 3:
            path.with_name("Thumbs.db").touch()  # no return: nothing may change


def text_changed(*patterns: str) -> Change:
    """A line of any of these text files: a digit, gone, twice, a comment; or the whole file."""

    def apply(root: Path, chance: random.Random) -> None:
        path = chance.choice(sorted(path for pattern in patterns for path in root.glob(pattern)))
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        number = chance.randrange(len(lines))
        match chance.choice(["digit", "digit", "digit", "gone", "twice", "blank", "empty", "no file"]):
            case "digit":
                number = chance.choice([n for n, line in enumerate(lines) if re.search(r"\d", line)] or [number])
                lines[number] = re.sub(r"\d(?=\D*$)", lambda m: str((int(m[0]) + 1) % 10), lines[number], count=1)
            case "gone":
                del lines[number]
            case "twice":
                lines.insert(number, lines[number])
            case "blank":
                lines.append("\n")
            case "empty":
                lines = []
            case "no file":
                path.unlink()
                return
        path.write_text("".join(lines), encoding="utf-8")

    return apply


def added(name: str, text: str) -> Change:
    def apply(root: Path, _: random.Random) -> None:
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(text)

    return apply


def replaced(name: str, old: str, new: str) -> Change:
    def apply(root: Path, _: random.Random) -> None:
        text = (root / name).read_text(encoding="utf-8")
        if old not in text:
            raise NothingToChangeError
        (root / name).write_text(text.replace(old, new), encoding="utf-8")

    return apply


def a_cell(kind: str, source: Callable[[str], str]) -> Change:
    """The source of a cell of any notebook."""

    def apply(root: Path, chance: random.Random) -> None:
        def change(cells: list[dict]) -> list[dict]:
            cell = chance.choice([cell for cell in cells[2:] if cell["cell_type"] == kind])
            cell["source"] = source("".join(cell["source"]))
            return cells

        change_notebook(root, chance.choice(list(CELLS)), change)

    return apply


def cell_gone(root: Path, chance: random.Random) -> None:
    change_notebook(root, chance.choice(list(CELLS)), lambda cells: [c for c in cells if c is not chance.choice(cells)])


def library_comment(root: Path, chance: random.Random) -> None:
    """A comment in any module changes nothing but the keys."""
    path = chance.choice(sorted((root / "danvan").rglob("*.py")))
    with path.open("a", encoding="utf-8") as file:
        file.write("\n# ghi chú\n")


def font(root: Path, _: random.Random) -> None:
    shutil.copy(root / "danvan/fonts/Tinos-Bold.ttf", root / "danvan/fonts/Tinos-Italic.ttf")


def epoch(_: Path, chance: random.Random) -> dict[str, str]:
    return {"SOURCE_DATE_EPOCH": str(chance.choice([1705363200, 0, 1]))}


CHANGES: dict[str, Change] = {
    "a number in a return": rewritten(another_number),
    "a strange value in a return": rewritten(strange_value),
    "a comment in a return": rewritten(comment),
    "a return saved again": rewritten(saved_again),
    "a renamed return": renamed_return,
    "a return gone": lambda root, chance: returned(root, chance).unlink(),
    "a return twice": copied_return,
    "last year's return": return_of_another_year,
    "a spoilt return": spoilt_return,
    "something else among the returns": something_else,
    "params of a year": text_changed("params/20*.yaml"),
    "a remark in params": added("params/2022.yaml", "# ghi chú\n"),
    "hotline": replaced("params/2023.yaml", "818.131.131", "818.131.132"),
    "catalogue": text_changed("params/catalogue.yaml"),
    "tables of params": text_changed("params/*.csv"),
    "a new table": added("params/moi.csv", "a,b\n"),
    "stated figures, answers": text_changed("data/2023/stated.csv", "data/2023/answers.yaml"),
    "another stated figure": replaced("data/2023/stated.csv", "hơn,200", "hơn,210"),
    "answers for the other year": added("data/2022/answers.yaml", "answers: []\n"),
    "reference data": text_changed("data/reference/*.csv"),
    "a file of reference data": added("data/reference/ghi-chu.txt", "nguồn\n"),
    "prose": a_cell("markdown", lambda text: text + "\n\nThêm một câu."),
    "a figure in prose": a_cell("markdown", lambda text: text + "\n\nSố {eval}`y.tips_received` tin."),
    "wrong prose": a_cell("markdown", lambda text: text + "\n\nGõ tay 412 vụ."),
    "code": a_cell("code", lambda text: text + "  # ghi chú"),
    "what code shows": a_cell("code", lambda text: text.replace("?", " của năm?")),
    "failing code": a_cell("code", lambda text: text + "\n1 / 0"),
    "a cell gone": cell_gone,
    "a broken notebook": added("notebooks/trends.ipynb", "}"),
    "the lock file": added("requirements.lock", "# ghi chú\n"),
    "a comment in danvan": library_comment,
    "words in danvan": replaced("danvan/wording.py", '"(chưa có số liệu)"', '"(không có số)"'),
    "a template": replaced("danvan/publish/report.html.j2", "</body>", "<!-- hết --></body>"),
    "a style": text_changed("danvan/publish/report.css", "danvan/paper.mplstyle"),
    "the paper": replaced(
        "danvan/publish/report.typ", "heading(level: node.level - 1", "heading(level: node.level - 1 "
    ),
    "a format": text_changed("danvan/publish/profiles/*.yaml"),
    "a syntax error": added("danvan/plots/slopegraphs.py", "def f(:\n"),
    "a font": font,
    "SOURCE_DATE_EPOCH": epoch,
}


def changed_and_built(
    base: Path, folder: Path, builders: Builders, names: list[str], seed: int, *commands: str
) -> Path:
    """Make the changes one after the other; after each, what is built of the rest equals a clean build."""
    root = shutil.copytree(base, folder / "bản sao", symlinks=True)
    before = outputs(root)
    environment: dict[str, str] = {}
    for number, name in enumerate(names):
        try:
            environment |= CHANGES[name](root, random.Random(seed + number)) or {}
        except (FileNotFoundError, IndexError, zipfile.BadZipFile, InvalidFileException, json.JSONDecodeError):
            raise NothingToChangeError from None
        clean = without_builds(root, folder / f"sạch {number}")
        here, there = [builders.start(place, *commands, **environment) for place in (root, clean)]
        told, clean_told = here.wait(), there.wait()
        assert words(told, root) == words(clean_told, clean)
        assert len(told) == len(commands)
        got, wanted = outputs(root), outputs(clean)
        for place in {*got, *wanted}:
            # What cannot be built leaves what was there before.
            assert got.get(place) == wanted.get(place, before.get(place)), place
        assert beside(root) == beside(clean)
        before = got
        shutil.rmtree(clean)
    return root


QUICK = settings(
    max_examples=2,
    phases=(Phase.explicit, Phase.generate),
    database=None,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(QUICK, max_examples=3)
SEED = st.integers(0, 2**32)
WANTED = ("report 2023", TRENDS, PROFILE)


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Path]:
    """New folders, one for each example."""
    return (made for number in count() if not (made := tmp_path / str(number)).mkdir())


def undone(base: Path, root: Path) -> None:
    """Put the inputs back as they were."""
    for name in ("params", "data", "notebooks", "danvan", "requirements.lock"):
        if (root / name).is_dir():
            shutil.rmtree(root / name)
            shutil.copytree(base / name, root / name, symlinks=True)
        else:
            shutil.copy2(base / name, root / name)


def there_and_back(base: Path, folder: Path, builders: Builders, names: list[str], seed: int, *commands: str) -> None:
    """Changed, it is what a clean build gives; changed back, it is as before, and no stage had to run again."""
    root = changed_and_built(base, folder, builders, names, seed, *commands)
    undone(base, root)
    kept = stages(root)
    told = builders.run(root, *WANTED, STATUS)
    assert [one.code for one in told] == [0, 0, 0, 0]
    assert outputs(root) == outputs(base)
    assert stages(root) == kept
    for title in ("Báo cáo năm 2023", "Diễn biến qua các năm"):
        assert f"{title}: mới nhất\n" in told[3].out
    shutil.rmtree(folder)


@QUICK
@given(name=st.sampled_from(sorted(CHANGES)), seed=SEED)
@pytest.mark.long
def test_any_changed_input_gives_what_a_clean_build_gives(
    name: str, seed: int, base: Path, builders: Builders, places: Iterator[Path]
) -> None:
    there_and_back(base, next(places), builders, [name], seed, "report 2023", [TRENDS, PROFILE][seed % 2])


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(CHANGES))
def test_each_kind_of_change(name: str, base: Path, builders: Builders, tmp_path: Path) -> None:
    there_and_back(base, tmp_path, builders, [name], 2023, *WANTED)


@pytest.mark.long
@LONG
@given(names=st.lists(st.sampled_from(sorted(CHANGES)), min_size=2, max_size=3), seed=SEED)
@example(names=["a syntax error", "what code shows", "a renamed return"], seed=378876682)
def test_changes_upon_changes(
    names: list[str], seed: int, base: Path, builders: Builders, places: Iterator[Path]
) -> None:
    try:
        there_and_back(base, next(places), builders, names, seed, *WANTED)
    except NothingToChangeError:
        reject()


@pytest.mark.long
def test_every_input_is_changed_by_something(base: Path, tmp_path: Path) -> None:
    """The test of these tests: each file that a manifest names can be changed by one of the changes."""
    named: set[str] = set()
    for path in base.glob("reports/**/manifest.json"):
        named |= set(json.loads(path.read_text(encoding="utf-8"))["inputs"])
    reached: set[str] = set()
    root = shutil.copytree(base, tmp_path / "bản sao", symlinks=True)
    before = contents(root)
    for change in CHANGES.values():
        for seed in range(3):
            change(root, random.Random(seed))
            after = contents(root)
            changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
            reached |= {path.partition("/")[0] + Path(path).suffix for path in changed}
            undone(base, root)
    kinds = {path.partition("/")[0] + Path(path).suffix for path in named - {"packet", "requirements.lock"}}
    ours = {f"danvan.{kind}" for kind in ("md", "txt", "woff2", "json", "html", "js")}
    assert kinds - reached <= {*ours, "data"}


# --- nothing twice -------------------------------------------------------------------------------------------------

OPENED = """
from pathlib import Path
from danvan.intake import files
read, log = files.read, Path("opened")
def noted(path):
    with log.open("a", encoding="utf-8") as file: file.write(path.name + "\\n")
    return read(path)
files.read = noted
"""


def standing(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each file."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def set_value(root: Path, year: int, unit: str, code: str, value: object) -> None:
    path = root / f"data/{year}/returns/{unit}.xlsx"
    book = openpyxl.load_workbook(path)
    [cell] = [row[3] for sheet in book.worksheets for row in sheet.iter_rows() if row[0].value == code]
    cell.value = value
    book.save(path)


def drafts(root: Path, *years: int) -> list[str]:
    """What `status` says of public builds that wait for an approval."""
    manifests = {year: (root / f"reports/{year}/public/manifest.json").read_bytes() for year in years}
    return [
        f"Bản công khai năm {year}, mã {hashlib.sha256(manifest).hexdigest()[:12]}: dự thảo, chưa được duyệt."
        for year, manifest in manifests.items()
    ]


def test_one_changed_return(copy: Path, builders: Builders) -> None:
    """One workbook is opened; what its figures cannot reach is left alone, even the profile of another unit."""
    path = copy / "data/2023/returns/Kiến An.xlsx"
    book = openpyxl.load_workbook(path)
    book.properties.title = "lưu lại"  # another file, the same figures
    book.save(path)
    before, kept, drafted = standing(copy), stages(copy), drafts(copy, 2022, 2023)
    told = builders.run(copy, STATUS, *ALL, STATUS, before=OPENED)
    assert [one.code for one in told] == [0] * 5
    reason = "data/2023/returns/Kiến An.xlsx đã đổi"
    assert told[0].out.splitlines() == [
        "Báo cáo năm 2022: mới nhất",
        f"Báo cáo năm 2023: {reason}",
        "Hồ sơ năm 2023: 6 đơn vị: chưa lập",
        "Hồ sơ năm 2023: 1 đơn vị: mới nhất",
        f"Diễn biến qua các năm: {reason}",
        *drafted,
    ]
    assert told[4].out.count("mới nhất") == 4
    assert (copy / "opened").read_text(encoding="utf-8").split("\n") == ["Kiến An.xlsx", ""]
    made = {stage: names - kept.get(stage, set()) for stage, names in stages(copy).items()}
    # What is not drawn or printed otherwise comes from the cache; a page names the digests of its returns.
    assert {stage: len(names) for stage, names in made.items() if names} == {
        "return": 1,
        "year": 2,  # with and without the year before
        "packets": 1,
        "notebook": 2,
        "html": 2,
        "xlsx": 1,
        "csv": 1,
    }
    after = standing(copy)
    same = {name for name in before if before[name] == after.get(name) and name.startswith(("reports/", "figures/"))}
    rebuilt = ("reports/2023/public/", "reports/trends/")
    assert same == {n for n in before if n.startswith(("reports/", "figures/")) and not n.startswith(rebuilt)}
    assert not any(after[name] == before[name] for name in before if name.startswith(rebuilt))


def test_a_figure_of_last_year_reaches_this_year(copy: Path, builders: Builders) -> None:
    set_value(copy, 2022, "Kiến An", "tips_received", 400)
    reason = "data/2022/returns/Kiến An.xlsx đã đổi"
    [told] = builders.run(copy, STATUS)
    assert told.out.splitlines() == [
        f"Báo cáo năm 2022: {reason}",
        f"Báo cáo năm 2023: {reason}",
        "Hồ sơ năm 2023: 6 đơn vị: chưa lập",
        "Hồ sơ năm 2023: 1 đơn vị: mới nhất",
        f"Diễn biến qua các năm: {reason}",
        *drafts(copy, 2022, 2023),
    ]


# --- what is stale, and why ----------------------------------------------------------------------------------------


def test_status_tells_and_does_nothing(copy: Path, builders: Builders) -> None:
    with (copy / "params/2023.yaml").open("a", encoding="utf-8") as file:
        file.write("# ghi chú\n")
    (copy / "reports/trends/public/dien-bien.html").unlink()
    shutil.rmtree(copy / "reports/2022")
    before = standing(copy / "reports"), standing(copy / "figures")
    told = builders.run(copy, STATUS, "status 2022", "status 2023 --x")
    assert told[0].out.splitlines() == [
        "Báo cáo năm 2022: chưa lập",
        "Báo cáo năm 2023: params/2023.yaml đã đổi",
        "Hồ sơ năm 2023: 6 đơn vị: chưa lập",
        "Hồ sơ năm 2023: 1 đơn vị: mới nhất",
        "Diễn biến qua các năm: dien-bien.html trong bản đã lập bị sửa hoặc xóa; params/2023.yaml đã đổi",
        *drafts(copy, 2023),
    ]
    assert told[1].out.splitlines() == ["Báo cáo năm 2022: chưa lập", told[0].out.splitlines()[-2]]
    assert [(one.code, one.err) for one in told[:2]] == [(0, "")] * 2
    assert told[2] == Told(2, "", "Gọi lệnh sai: không có tham số “--x”. Xem: build.py --help\n")
    assert (standing(copy / "reports"), standing(copy / "figures")) == before


def test_status_of_many_changes_is_short(copy: Path, builders: Builders) -> None:
    for path in (copy / "data").glob("*/returns/*.xlsx"):
        path.write_bytes(b"")
    [told] = builders.run(copy, "status 2022")
    assert told.out.splitlines()[0].endswith("; data/2022/returns/Đồ Sơn.xlsx đã đổi")
    assert told.out.splitlines()[1].endswith(" đã đổi; và 8 lý do khác")


def test_status_where_params_are_wrong(copy: Path, builders: Builders) -> None:
    """Why the documents are stale is asked all the more when nothing can be built."""
    with (copy / "params/2023.yaml").open("a", encoding="utf-8") as file:
        file.write("teme: x\n")
    [told] = builders.run(copy, STATUS)
    assert told.code == 0
    assert "Báo cáo năm 2023: params/2023.yaml đã đổi" in told.out.splitlines()


def test_explain(copy: Path, builders: Builders) -> None:
    (copy / "reports/2023/public/manifest.json").unlink()
    told = builders.run(copy, "report 2022 2023 --jobs 1 --explain", "report 2023 --explain", "trends")
    assert told == [
        Told(
            0,
            "Báo cáo năm 2022 đã mới nhất: reports/2022/public\n"
            "Đã lập báo cáo năm 2023: reports/2023/public; 3 điểm cần xem lại (build.py check 2023)\n",
            "Báo cáo năm 2023: chưa lập\n",
        ),
        Told(0, "Báo cáo năm 2023 đã mới nhất: reports/2023/public\n", ""),
        Told(0, "Tài liệu diễn biến đã mới nhất: reports/trends/public\n", ""),
    ]


@pytest.mark.long
def test_forced(copy: Path, base: Path, builders: Builders) -> None:
    """--force forgets what is kept and makes the same again."""
    before, times = stages(copy), standing(copy)
    told = builders.run(copy, "trends --force --explain")
    assert told == [Told(0, "Đã lập tài liệu diễn biến: reports/trends/public\n", "Diễn biến qua các năm: --force\n")]
    assert all(stages(copy)[stage] <= before[stage] for stage in stages(copy))
    assert outputs(copy) == outputs(base)
    changed = {name for name, when in standing(copy).items() if times.get(name) != when}
    assert {name.partition("/")[0] for name in changed} == {".cache", "reports"}
    assert all(name.startswith("reports/trends/") for name in changed if name.startswith("reports/"))


# --- killed half-way -----------------------------------------------------------------------------------------------

DIE = """
import os, signal
from pathlib import Path
from danvan import runner, store
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
write, rename = Path.write_bytes, Path.rename
def half(fits, then=lambda path: None):
    def write_bytes(self, content):
        if fits(self):
            write(self, content[: len(content) * 2 // 3])
            then(self)
            die()
        return write(self, content)
    Path.write_bytes = write_bytes
def of_stage(path, stage):
    return path.parent.name == stage and path.parents[1].name == ".cache"
def take_the_name(path):
    path.replace(path.with_name(path.name[1:].partition(".")[0]))
def after_renaming(name, folder):
    def renamed(self, to):
        done = rename(self, to)
        if (self.name, self.parent.name) == (name, folder): die()
        return done
    Path.rename = renamed
"""
MOMENTS = {  # in the order of a build
    "a kept return lost its end": "half(lambda path: of_stage(path, 'return'), take_the_name)",
    "in the middle of the notebook": "runner.Client._evaluate = die",
    "a kept notebook lost its end": "half(lambda path: of_stage(path, 'notebook'), take_the_name)",
    "half of the page": "half(lambda path: path.suffix == '.html')",
    "between the renames": "after_renaming('public', '2023')",
    "between the renames of the figures": "after_renaming('2023', 'figures')",
}
CORRECTED = "data/2023/returns/Kiến An.xlsx"


@pytest.fixture(scope="session")
def clean(base: Path, shared: Path, builders: Builders) -> Path:
    """The corrected project, built from nothing. Shared: change nothing."""
    with FileLock(shared / "lock"):
        if not (shared / "clean").exists():
            root = without_builds(base, shared / "sạch")
            set_value(root, 2023, "Kiến An", "tips_received", 407)  # changes text and pictures
            told = builders.run(root, "report 2023")
            assert [one.code for one in told] == [0], told
            (shared / "clean").touch()
    return shared / "sạch"


def of_2023(root: Path) -> dict[str, dict[str, str]]:
    return {name: contents(root / name) for name in ("reports/2023/public", "figures/2023")}


@pytest.mark.long
def test_killed_step_by_step(copy: Path, base: Path, clean: Path, builders: Builders) -> None:
    """Again and again, each time a step later: what was half done never counts, what was done need not be repeated.

    Each point at which a run can be killed is in test_faults.
    """
    shutil.copy2(clean / CORRECTED, copy / CORRECTED)
    whole = [contents(root / "reports/2023/public") for root in (base, clean)]
    for moment in MOMENTS:
        if "a kept PDF" in moment:  # the PDF is not always another one; so that it has to be made
            shutil.rmtree(copy / ".cache/pdf")
        killed = builders.start(copy, "report 2023", before=DIE + MOMENTS[moment])
        assert killed.wait() == [], f"{moment}: was not killed"
        stands = copy / "reports/2023/public"
        if moment == "between the renames":
            assert not stands.exists()
        else:
            assert contents(stands) in whole, moment
    told = builders.run(copy, "report 2023", STATUS)
    assert told[0] == Told(0, "Báo cáo năm 2023 đã mới nhất: reports/2023/public\n", "")
    assert "Báo cáo năm 2023: mới nhất\n" in told[1].out
    assert of_2023(copy) == of_2023(clean)
    assert beside(copy) == beside(base)
    # Nothing wrong is kept: with the report gone, it comes from the cache as it was.
    shutil.rmtree(copy / "reports/2023/public")
    assert builders.run(copy, "report 2023")[0].code == 0
    assert of_2023(copy) == of_2023(clean)


# --- a cache that is damaged, or no cache --------------------------------------------------------------------------


@pytest.mark.long
def test_a_damaged_cache_is_not_used(copy: Path, base: Path, builders: Builders) -> None:
    """Each entry is cut, emptied, flipped or full of zeros; everything comes out as before, and is kept as before."""
    kept = {path: path.read_bytes() for path in sorted((copy / ".cache").glob("*/*"))}
    assert {path.parent.name for path in kept} >= {
        "return",
        "year",
        "packets",
        "notebook",
        "html",
        "pdf",
        "docx",
        "png",
        "xlsx",
        "csv",
    }
    for number, (path, content) in enumerate(kept.items()):
        middle = random.randrange(len(content))
        damaged = [
            content[:-1],
            b"",
            content[:middle] + bytes([content[middle] ^ 1 << random.randrange(8)]) + content[middle + 1 :],
            bytes(len(content)),
            content[: len(content) // 2],
        ]
        path.write_bytes(damaged[number % 5])
    shutil.rmtree(copy / "reports")
    told = builders.run(copy, *ALL)
    assert [one.code for one in told] == [0, 0, 0], told
    assert outputs(copy) == outputs(base)
    # Pickles may differ, and nobody has asked for all packets.
    made = ("notebook", "html", "pdf", "docx", "png", "xlsx", "csv")
    digests = {path: content[:32] for path, content in kept.items() if path.parent.name in made}
    assert {path.parent.name for path in digests if path.read_bytes()[:32] != digests[path]} == set()


@pytest.mark.long
def test_a_cache_that_is_a_file(copy: Path, base: Path, builders: Builders) -> None:
    shutil.rmtree(copy / ".cache")
    (copy / ".cache").write_text("không phải thư mục", encoding="utf-8")
    shutil.rmtree(copy / "reports")
    [told] = builders.run(copy, "report 2023")
    assert told.code == 0, told
    assert of_2023(copy) == of_2023(base)


@pytest.mark.long
@pytest.mark.parametrize(
    "options",
    [
        "size=4k",
        "size=200k",
        "size=200k,ro",
    ],
)
def test_a_cache_on_a_disk_that_refuses(options: str, copy: Path, base: Path, builders: Builders) -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux may mount a small disk")
    shutil.rmtree(copy / ".cache")
    (copy / ".cache").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(copy / ".cache")]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        shutil.rmtree(copy / "reports")
        told = builders.run(copy, *ALL)
        assert [one.code for one in told] == [0, 0, 0], told
        assert outputs(copy) == outputs(base)
    finally:
        subprocess.run(["umount", "--lazy", str(copy / ".cache")], check=True)


PAGE = """
from pathlib import Path
from danvan import pipeline
from danvan.paths import Project
page = pipeline._page(Project(Path.cwd()), 2023, "public")
Path("page.html").write_text(page, encoding="utf-8")
"""


def without_downloads(page: str) -> str:
    """A page as it is where nothing lies beside it."""
    page = re.sub(r'<section class="downloads".*?</section>\n', "", page, flags=re.DOTALL)
    return re.sub(r'(<li>| )<a href="#_tai-ve">Tải về</a>(</li>\n)?', "", page)


@pytest.mark.long
def test_several_at_once_share_the_cache(base: Path, tmp_path: Path, builders: Builders) -> None:
    """A build, a check and a preview of a project that nobody has read yet."""
    root = without_builds(base, tmp_path / "bản sao")
    running = [
        builders.start(root, *commands, before=before)
        for commands, before in ((("report 2023",), ""), (("check 2023",), ""), ((), PAGE))
    ]
    told = [one.wait() for one in running]
    assert [one.code for commands in told for one in commands] == [0, 0], told
    assert "đọc được 8 phiếu, thiếu 0; 0 lỗi phải sửa, 2 điểm chờ giải trình, 1 điểm đã giải trình" in told[1][0].out
    assert of_2023(root) == of_2023(base)
    report = (base / "reports/2023/public/bao-cao-2023.html").read_text(encoding="utf-8")
    assert (root / "page.html").read_text(encoding="utf-8") == without_downloads(report)
    for path in (root / ".cache").glob("*/*"):
        content = path.read_bytes()
        assert content[:32] == hashlib.sha256(content[32:]).digest(), path
        assert not path.name.startswith(".")


# --- inputs that change meanwhile ----------------------------------------------------------------------------------

REWRITES = """
from pathlib import Path
if (order := Path("..", "order")).exists():
    of, to = order.read_text(encoding="utf-8").split("|")
    Path("..", to).write_bytes(Path("..", of).read_bytes() + (b"" if of != to else b"# x\\n"))
"""
MEANWHILE = [
    ("params/2022.yaml", "params/2022.yaml"),
    ("khác.xlsx", CORRECTED),
    ("danvan/wording.py", "danvan/wording.py"),
    ("params/2022.yaml", "data/reference/mới.csv"),
    ("notebooks/trends.ipynb", "notebooks/annual_report.ipynb"),
]


@pytest.mark.parametrize("cell", [1, 5, 99])
@pytest.mark.sampled(3)
def test_inputs_that_change_while_the_notebook_runs(
    cell: int, base: Path, copy: Path, clean: Path, tmp_path: Path, builders: Builders, request: pytest.FixtureRequest
) -> None:
    """A cell rewrites them, before or after the returns are read: refused in words, and nothing wrong is kept."""
    long = bool(list(request.node.iter_markers("long")))
    rewrites = {"cell_type": "code", "id": "ghi", "metadata": {}, "execution_count": None, "outputs": []}
    rewrites["source"] = REWRITES.strip()
    change_notebook(copy, "annual_report", lambda cells: [*cells[:cell], rewrites, *cells[cell:]])
    shutil.copy2(clean / CORRECTED, copy / "khác.xlsx")
    fresh = without_builds(copy, tmp_path / "sạch")
    running = builders.start(fresh, "report 2023")
    inputs = contents_of_inputs(copy)
    for of, to in MEANWHILE if long else MEANWHILE[:2]:
        (copy / "order").write_text(f"{of}|{to}", encoding="utf-8")
        before = (copy / to).read_bytes() if (copy / to).exists() else None
        assert builders.run(copy, "report 2023") == [
            Told(4, "", f"{to} thay đổi trong lúc lập. Hãy chạy lại; báo cáo cũ còn nguyên.\n")
        ]
        assert outputs(copy) == outputs(base)
        assert beside(copy) == beside(base)
        (copy / to).write_bytes(before) if before is not None else (copy / to).unlink()
    (copy / "order").unlink()
    assert contents_of_inputs(copy) == inputs
    assert builders.run(copy, "report 2023")[0].code == 0
    assert running.wait()[0].code == 0
    assert of_2023(copy) == of_2023(fresh)


def contents_of_inputs(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name in ("params", "data", "notebooks", "danvan")
        for path in sorted((root / name).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


MEANWHILE_READ = """
from pathlib import Path
from danvan.intake import files
read, other = files.read, Path("data/2023/returns/Đồ Sơn.xlsx")
kept = other.read_bytes()
def meanwhile(path):
    files.read = read
    other.write_bytes(Path("data/2022/returns/Đồ Sơn.xlsx").read_bytes())
    return read(path)
files.read = meanwhile
"""


@pytest.mark.long
def test_a_return_that_changes_while_packets_are_made(copy: Path, base: Path, builders: Builders) -> None:
    """It is put back afterwards: what was made of it meanwhile is not taken for what is there now."""
    other = copy / "data/2023/returns/Đồ Sơn.xlsx"
    shutil.rmtree(copy / ".cache")
    [told] = builders.run(copy, STATUS, before=MEANWHILE_READ)
    assert told.code == 0
    other.write_bytes((base / "data/2023/returns/Đồ Sơn.xlsx").read_bytes())
    [told] = builders.run(copy, STATUS)
    assert "Hồ sơ năm 2023: 1 đơn vị: mới nhất\n" in told.out


CATALOGUE_CHANGES = """
from pathlib import Path
from danvan.intake import year
load, path = year.load_catalogue, Path("params/catalogue.yaml")
def load_another(project):
    path.write_text(path.read_text(encoding="utf-8").replace("kind: boolean", "kind: count"), encoding="utf-8")
    return load(project)
year.load_catalogue = load_another
"""


@pytest.mark.long
def test_a_catalogue_that_changes_while_returns_are_read(base: Path, copy: Path, builders: Builders) -> None:
    """Saved in the moment between, and put back: what was read by the other one is not taken."""
    shutil.rmtree(copy / ".cache")
    builders.run(copy, STATUS, before=CATALOGUE_CHANGES)
    shutil.copy2(base / "params/catalogue.yaml", copy / "params/catalogue.yaml")
    shutil.rmtree(copy / "reports")
    [told] = builders.run(copy, "report 2023")
    assert told.code == 0
    assert of_2023(copy) == of_2023(base)


# --- what lies beside ----------------------------------------------------------------------------------------------


def test_a_report_that_loses_its_charts(copy: Path, builders: Builders) -> None:
    """The figures of before go, too."""
    charts = ("bieu-do-ii-2", "so-do-o")
    change_notebook(copy, "annual_report", lambda cells: [cell for cell in cells if cell["id"] not in charts])
    told = builders.run(copy, "report 2023", "report 2023")
    assert [one.code for one in told] == [0, 0], told
    assert not list((copy / "figures").glob("2023/*"))


def test_jupyter_left_a_folder_among_the_figures(copy: Path, base: Path, builders: Builders) -> None:
    (copy / "figures/2023/.ipynb_checkpoints").mkdir()
    [told] = builders.run(copy, "report 2023")
    assert told.code == 0, told
    assert contents(copy / "figures/2023") == contents(base / "figures/2023")


def test_a_mistake_that_is_taken_back_leaves_nothing(copy: Path, base: Path, builders: Builders) -> None:
    change_notebook(
        copy, "trends", lambda cells: [*cells[:2], {**cells[1], "id": "sai", "source": "1 / 0"}, *cells[2:]]
    )
    assert builders.run(copy, TRENDS)[0].code == 4
    assert beside(copy) == {"reports/trends/failed-public.ipynb"}
    undone(base, copy)
    assert builders.run(copy, TRENDS)[0].code == 0
    assert beside(copy) == set()


# --- cold and warm -------------------------------------------------------------------------------------------------


def notebooks(root: Path) -> dict[str, list[object]]:
    """The executed notebooks, by key: every cell with its outputs."""
    return {p.name: json.loads(p.read_bytes()[32:])["cells"] for p in (root / ".cache/notebook").iterdir()}


@pytest.mark.long
def test_cold_and_warm_kernels_give_the_same(tmp_path: Path, builders: Builders) -> None:
    commands = ("report 2023", "report 2023 --edition internal", TRENDS, PROFILE)
    warm, cold = (copy_project(tmp_path / name) for name in ("ấm", "lạnh"))
    running = builders.start(warm, *commands, warm=False)  # each command has a zygote of its own
    told = builders.run(cold, *(f"{command} --cold" for command in commands), warm=False)
    assert {one.code for one in (*told, *running.wait())} == {0}
    assert outputs(cold) == outputs(warm)
    assert beside(cold) == beside(warm) == set()
    assert len(contents(cold / "figures/2023")) > 20
    of_cold, of_warm = notebooks(cold), notebooks(warm)
    assert set(of_cold) == set(of_warm)
    assert len(of_cold) == 4
    for key, cells in of_cold.items():
        assert [cell.get("outputs") for cell in cells if cell.get("outputs")]
        for one, other in zip(cells, of_warm[key], strict=True):
            assert one == other
