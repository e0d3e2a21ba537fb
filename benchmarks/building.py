"""How fast documents are built, against what people do: the papermill CLI, then the nbconvert CLI, in a loop.

Run: .venv/bin/python benchmarks/building.py [MANY]    (default 1000; nothing is left behind; half an hour of two cores)

Both sides run the same notebooks with the same figures on the same copy of the project, from nothing, in fresh
processes, and write HTML alone; what PDF and figures cost us on top is measured apart. The outputs of all code cells
are compared: one difference ends the run. Ours is counted from the start of a Python to its end, reading included. Of
long loops six documents are run and multiplied; returns were read before, so the loop is given that for nothing. The
floor is a plain script: the same reading and the same cells with their figures, each document in a fork of a process
that has imported all, one on each core; no Jupyter, no words evaluated, no page written.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from danvan import environment, pipeline, stages  # noqa: E402
from danvan.freshness import Sources, Wanted  # noqa: E402
from danvan.paths import Project  # noqa: E402
from danvan.store import Cache  # noqa: E402
from danvan.workers import How  # noqa: E402

SAMPLE = 6  # documents of a long loop that are really run
YEARS = (2022, 2023, 2024, 2025)


def main(many: int) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = copied(Path(folder, "project"))
        out = Path(folder, "out")
        out.mkdir()
        print("\nHTML alone, from nothing (no cache, no process)")
        for name, rounds in (("1 report", 3), ("8 reports", 1), ("160 profiles", 1)):
            against_the_loop(project, out, name, rounds)
        print("\nWith PDF, figures and trace: the whole build")
        for name in ("1 report", "8 reports", "160 profiles"):
            print(ours(project, name, "build"))
        print("\nNothing to do")
        nothing(project, out)
        print("\nCost per document, as there are more of them (HTML alone)")
        for count in (8, many // 10, many):
            print(ours(project, f"{count} profiles", "page"))


# ---------------------------------------------------------------- what is built


def tasks_of(project: Project, name: str) -> list[stages.Task]:
    """The documents that go by this name; profiles beyond the first 160 are those again, under keys of their own."""
    count, kind = int(name.split()[0]), name.split()[1]
    if kind.startswith("report"):
        years, editions = ((2023,), ("public",)) if count == 1 else (YEARS, ("public", "internal"))
        sources = Sources(project)
        return [pipeline.report_task(sources, y, e, allow_incomplete=True) for y in years for e in editions]
    found: list[stages.Task] = []
    for year in YEARS:
        if len(found) < min(count, 160):
            found += pipeline.profile_tasks(Sources(project), year, ())
    known = found[: min(count, 160)]
    return known + [again(known[n % len(known)], n) for n in range(len(known), count)]


def again(task: stages.Task, number: int) -> stages.Task:
    """The same document under a key and a folder of its own."""
    wanted = task.wanted
    own = Wanted(wanted.folder.with_name(f"copy-{number}"), wanted.inputs, wanted.settings | {"copy": str(number)})
    return replace(task, wanted=own)


def copied(root: Path) -> Project:
    """A copy of the project with an environment of its own, which borrows the libraries of ours."""
    unwanted = (".git", ".venv", ".*_cache", ".cache", ".hypothesis", "reports", "figures", "__pycache__")
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*unwanted), symlinks=True)
    venv.create(root / ".venv", symlinks=os.name != "nt")
    [libraries] = [path for path in sys.path if path.endswith("site-packages") and sys.prefix in path]
    own = root / ".venv" / Path(libraries).relative_to(sys.prefix)
    (own / "libraries.pth").write_text(f"{root}\n{libraries}\n")
    run = "from danvan import stamp; stamp.write(stamp.VENV, stamp.right(stamp.VERSION))"
    subprocess.run([python_of(root), "-c", run], check=True, cwd=root)
    return Project(root)


def python_of(root: Path) -> str:
    return str(root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


# ---------------------------------------------------------------- both sides


def against_the_loop(project: Project, out: Path, name: str, rounds: int) -> None:
    tasks = tasks_of(project, name)
    sampled = len(tasks) > 8
    sample = tasks[:: len(tasks) // SAMPLE][:SAMPLE] if sampled else tasks
    seconds = min(the_loop(project, out, sample, read_before=sampled) for _ in range(rounds))
    theirs = seconds * len(tasks) / len(sample)
    mine = min((ours(project, name, "page") for _ in range(rounds)), key=lambda measured: measured.seconds)
    compare(project, out, sample)
    floor = ours(project, name, "floor")
    said = f" (from {SAMPLE})" if sampled else ""
    print(f"{mine}   loop{said} {theirs:8.2f} s   {theirs / mine.seconds:5.1f}x", end="")
    print(f"   floor {floor.seconds:7.2f} s   {theirs / floor.seconds:5.1f}x", flush=True)


def the_loop(project: Project, out: Path, tasks: Sequence[stages.Task], *, read_before: bool = False) -> float:
    """What people do. Gives the seconds."""
    if not read_before:
        Cache(project.cache).clear()
    borrowed = str(Path(sys.prefix, "share", "jupyter"))  # nbconvert's templates
    surroundings = environment.of_kernel({"DANVAN_ROOT": str(project.root), "JUPYTER_PATH": borrowed})
    start = time.perf_counter()
    for number, task in enumerate(tasks):
        executed = out / f"{number}.ipynb"
        given = [word for name, value in task.parameters.items() for word in ("-p", name, str(value))]
        papermill = ["papermill", str(task.notebook), str(executed), "--cwd", str(task.notebook.parent)]
        nbconvert = ["nbconvert", "--to", "html", str(executed)]
        for command in ([*papermill, "--no-progress-bar", *given], nbconvert):
            told = [python_of(project.root), "-m", *command]
            subprocess.run(told, env=surroundings, check=True, capture_output=True, cwd=project.root)
    return time.perf_counter() - start


class Measured:
    """One build by us."""

    def __init__(self, name: str, seconds: float, memory: float) -> None:
        self.name, self.seconds, self.memory = name, seconds, memory

    def __str__(self) -> str:
        each = 1000 * self.seconds / int(self.name.split()[0])
        return f"{self.name:>14}   danvan {self.seconds:7.2f} s   {each:6.0f} ms each   {self.memory:4.0f} MB (PSS)"


def ours(project: Project, name: str, what: str) -> Measured:
    """The same by us, from nothing, in a fresh Python."""
    Cache(project.cache).clear()
    shutil.rmtree(project.reports, ignore_errors=True)
    command = [python_of(project.root), str(project.root / "benchmarks" / Path(__file__).name), f"--{what}", name]
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "DANVAN_ROOT": str(project.root)})
    with greatest(process.pid) as memory:
        code = process.wait()
        seconds = time.perf_counter() - start
    assert code == 0, "danvan failed"
    return Measured(name, seconds, memory[0])


def build_here(name: str, what: str) -> None:
    """In the fresh Python: build as the command line does."""
    project, how = Project(ROOT), How(work=write_page if what == "page" else stages.build)
    with how.warm():
        outcomes = pipeline.build(project, tasks_of(project, name), how=how)
    wrong = [f"{task.title}: {built}" for task, built in outcomes if isinstance(built, Exception)]
    assert not wrong, wrong[0]


def floor_here(name: str) -> None:
    """The plain script."""
    for module in (*environment.PRELOAD, "danvan.yearbook", "danvan.profile"):
        import_module(module)
    project = Project(ROOT)
    os.environ |= environment.FIXED
    tasks = tasks_of(project, name)
    pipeline.read_ahead(project, tasks, How())
    with get_context("fork").Pool(min(os.cpu_count() or 1, len(tasks)), maxtasksperchild=1) as pool:
        pool.map(run_plainly, tasks, chunksize=1)


def run_plainly(task: stages.Task) -> None:
    """The code cells of its notebook; what a cell gives is drawn or written, as Jupyter would ask for it."""
    packet = ROOT / f"packet-{os.getpid()}.json"
    packet.write_bytes(task.packet)
    os.environ |= {stages.PACKET: str(packet)} if task.packet else {}
    names: dict[str, object] = {}
    for cell in json.loads(task.notebook.read_bytes())["cells"]:
        if cell["cell_type"] != "code":
            continue
        body = ast.parse("".join(cell["source"])).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= task.parameters
        given = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None
        if hasattr(given, "_repr_mimebundle_"):
            given._repr_mimebundle_()


def write_page(task: stages.Task, tell: stages.Tell) -> stages.Built:
    """The HTML alone."""
    task.wanted.folder.mkdir(parents=True, exist_ok=True)
    (task.wanted.folder / f"{task.name}.html").write_text(stages.page(task, tell), encoding="utf-8")
    return stages.Built(task.wanted.folder, True)


def compare(project: Project, out: Path, tasks: Sequence[stages.Task]) -> None:
    """The outputs of every code cell, theirs and ours."""
    kept = [json.loads(path.read_bytes()[32:]) for path in (project.cache / "notebook").iterdir()]
    mine = {json.dumps(parameters_of(notebook)): outputs(notebook) for notebook in kept}
    for number, task in enumerate(tasks):
        theirs = json.loads((out / f"{number}.ipynb").read_bytes())
        assert outputs(theirs) == mine[json.dumps(parameters_of(theirs))], f"{task.title}: outputs differ"


def outputs(notebook: dict) -> list[str]:
    """Each output as text, without numbers of runs."""
    found = [out for cell in notebook["cells"] if cell["cell_type"] == "code" for out in cell["outputs"]]
    return [json.dumps(joined(out.get("data", out.get("text"))), sort_keys=True) for out in found]


def joined(data: object) -> object:
    """Texts are stored as lists of lines by nbformat, whole by us."""
    if isinstance(data, dict):
        return {name: joined(value) for name, value in data.items()}
    return "".join(data) if isinstance(data, list) and all(isinstance(part, str) for part in data) else data


def parameters_of(notebook: dict) -> str:
    cells = [cell for cell in notebook["cells"] if "injected-parameters" in cell["metadata"].get("tags", [])]
    return str(joined(cells[0]["source"]))


def nothing(project: Project, out: Path) -> None:
    """build.py where all is there and current."""
    tasks = tasks_of(project, "1 report")
    theirs = min(the_loop(project, out, tasks, read_before=True) for _ in range(2))
    command = [python_of(project.root), str(project.root / "build.py"), "report", "2023"]
    subprocess.run(command, capture_output=True, check=True)

    def asked_again() -> float:
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=True)
        seconds = time.perf_counter() - start
        assert "mới nhất" in done.stdout.decode(), done
        return seconds

    mine = min(asked_again() for _ in range(10))
    print(f"{'1 report':>14}   danvan {1000 * mine:7.0f} ms   loop {theirs:8.2f} s   {theirs / mine:6.0f}x")


@contextmanager
def greatest(pid: int) -> Iterator[list[float]]:
    """The greatest PSS of a process and all below it, in MB, looked at three times a second."""
    most, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.3):
            total = 0
            try:
                owner = psutil.Process(pid)
                for process in (owner, *owner.children(recursive=True)):
                    try:
                        total += process.memory_full_info().pss
                    except psutil.Error:
                        continue
            except psutil.Error:
                continue
            most[0] = max(most[0], total / 1e6)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        over.set()
        looking.join()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--floor"]:
        floor_here(sys.argv[2])
    elif sys.argv[1:2] in (["--page"], ["--build"]):
        build_here(sys.argv[2], sys.argv[1][2:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
