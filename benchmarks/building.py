"""How fast documents are built, against what people do: the papermill CLI, then the nbconvert CLI, in a loop.

Run: .venv/bin/python benchmarks/building.py [MANY]    (default 1000; nothing is left behind; an hour of two cores)

Both sides run the same notebooks with the same figures on the same copy of the project, in fresh processes, and write
HTML alone; what PDF and figures cost us on top is measured apart. The cells' outputs of both are compared: one
difference ends the run. The loop's kernels use the cache of returns as every notebook does, so it gains by that, too.
Ours is counted from the start of a Python to its end. Long loops are sampled and multiplied, which is said.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from danvan import environment, stages  # noqa: E402
from danvan.freshness import Sources, Wanted  # noqa: E402
from danvan.paths import Project  # noqa: E402
from danvan.store import Cache  # noqa: E402
from danvan.workers import How  # noqa: E402

SAMPLE = 6  # documents of a long loop that are really run


def main(many: int) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = copied(Path(folder, "project"))
        out = Path(folder, "out")
        out.mkdir()
        one = reports(project, (2023,), ("public",))
        eight = reports(project, (2022, 2023, 2024, 2025), ("public", "internal"))
        print("\nHTML alone, from nothing (no cache, no process)")
        against_the_loop(project, out, "1 report", one, rounds=3)
        against_the_loop(project, out, "8 reports", eight)
        profiles = profile_tasks(project, 160)
        against_the_loop(project, out, "160 profiles", profiles)
        print("\nWith PDF, figures and trace: the whole build")
        for name, tasks in (("8 reports", eight), ("160 profiles", profiles)):
            seconds, pss = ours(project, tasks, "build")
            print(f"{name:>14} {seconds:8.2f} s   {1000 * seconds / len(tasks):6.0f} ms each   {pss:4.0f} MB (PSS)")
        print("\nNothing to do")
        nothing(project, out, one)
        print("\nCost per document, as there are more of them (HTML alone)")
        for count in (8, many // 10, many):
            seconds, pss = ours(project, [distinct(profiles[n % 160], n) for n in range(count)], "page")
            print(f"{count:>6} profiles {seconds:8.2f} s   {1000 * seconds / count:6.0f} ms each   {pss:4.0f} MB (PSS)")


# ---------------------------------------------------------------- both sides


def against_the_loop(project: Project, out: Path, name: str, tasks: Sequence[stages.Task], rounds: int = 1) -> None:
    step = max(1, len(tasks) // SAMPLE)
    sample = tasks if len(tasks) <= 8 else tasks[::step][:SAMPLE]
    theirs = min(the_loop(project, out, sample) for _ in range(rounds)) * len(tasks) / len(sample)
    mine, pss = min(ours(project, tasks, "page") for _ in range(rounds))
    compare(project, out, sample)
    said = "" if len(sample) == len(tasks) else f" (from {len(sample)})"
    print(f"{name:>14} loop{said} {theirs:8.2f} s   danvan {mine:7.2f} s   {theirs / mine:6.1f}x   {pss:4.0f} MB (PSS)")


def the_loop(project: Project, out: Path, tasks: Sequence[stages.Task]) -> float:
    """What people do. Gives the seconds."""
    Cache(project.cache).clear()
    surroundings = environment.of_kernel({"DANVAN_ROOT": str(project.root), "PYTHONPATH": str(ROOT)})
    start = time.perf_counter()
    for number, task in enumerate(tasks):
        executed = out / f"{number}.ipynb"
        given = [word for name, value in task.parameters.items() for word in ("-p", name, str(value))]
        papermill = ["papermill", str(task.notebook), str(executed), "--cwd", str(task.notebook.parent)]
        nbconvert = ["jupyter", "nbconvert", "--to", "html", str(executed)]
        for command in ([*papermill, "--no-progress-bar", *given], nbconvert):
            told = [sys.executable, "-m", *command]
            subprocess.run(told, env=surroundings, check=True, capture_output=True, cwd=project.root)
    return time.perf_counter() - start


def ours(project: Project, tasks: Sequence[stages.Task], what: str) -> tuple[float, float]:
    """The same by us, from nothing, in a fresh Python. Gives the seconds and the greatest memory of all processes."""
    Cache(project.cache).clear()
    handed = project.root / "tasks.pickle"
    handed.write_bytes(pickle.dumps(list(tasks)))
    surroundings = {**os.environ, "DANVAN_ROOT": str(project.root), "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, __file__, f"--{what}", str(handed)], env=surroundings)
    with greatest(process.pid) as memory:
        code = process.wait()
        seconds = time.perf_counter() - start
    assert code == 0, "danvan failed"
    return seconds, memory[0]


def build_here(handed: Path, what: str) -> None:
    """In the fresh Python: read the tasks, build them as the command line does."""
    tasks: list[stages.Task] = pickle.loads(handed.read_bytes())
    outcomes = How(work=write_page if what == "page" else stages.build).build(tasks)
    wrong = [f"{task.title}: {built}" for task, built in outcomes if isinstance(built, Exception)]
    assert not wrong, wrong[0]


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


def nothing(project: Project, out: Path, tasks: Sequence[stages.Task]) -> None:
    theirs = min(the_loop(project, out, tasks) for _ in range(2))
    run = [sys.executable, str(project.root / "run.py"), "report", "2023"]
    (project.root / "run.py").write_text(
        "import sys\nfrom danvan import freshness\nfrom danvan.paths import find_project\n"
        "said = freshness.nothing_to_do(find_project(), sys.argv[1:])\nif said:\n    print(said)\nelse:\n"
        "    from danvan.cli import main\n    if __name__ == '__main__':\n        sys.exit(main(sys.argv[1:]))\n"
    )
    surroundings = {**os.environ, "DANVAN_ROOT": str(project.root), "PYTHONPATH": str(ROOT)}

    def again() -> float:
        start = time.perf_counter()
        done = subprocess.run(run, env=surroundings, capture_output=True, check=True, cwd=project.root)
        assert done.stdout, done
        return time.perf_counter() - start

    again()
    mine = min(again() for _ in range(10))
    print(f"{'1 report':>14} loop {theirs:8.2f} s   danvan {1000 * mine:7.0f} ms   {theirs / mine:6.0f}x")


# ---------------------------------------------------------------- what is built


def copied(root: Path) -> Project:
    for name in ("params", "data", "notebooks"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy2(ROOT / "requirements.lock", root)
    return Project(root)


def reports(project: Project, years: Sequence[int], editions: Sequence[str]) -> list[stages.Task]:
    from danvan.pipeline import report_task

    sources = Sources(project)
    return [report_task(sources, year, edition, allow_incomplete=True) for year in years for edition in editions]


def profile_tasks(project: Project, count: int) -> list[stages.Task]:
    from danvan.pipeline import profile_tasks as of_year

    found: list[stages.Task] = []
    for year in (2022, 2023, 2024, 2025):
        found += of_year(Sources(project), year, ())
    return found[:count]


def distinct(task: stages.Task, number: int) -> stages.Task:
    """The same document under a key and a folder of its own."""
    wanted = task.wanted
    own = Wanted(wanted.folder.with_name(f"copy-{number}"), wanted.inputs, wanted.settings | {"copy": str(number)})
    return replace(task, wanted=own)


@contextmanager
def greatest(pid: int) -> Iterator[list[float]]:
    """The greatest PSS of a process and all below it, in MB, looked at ten times a second."""
    most, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
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
    if sys.argv[1:2] in (["--page"], ["--build"]):
        build_here(Path(sys.argv[2]), sys.argv[1][2:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
