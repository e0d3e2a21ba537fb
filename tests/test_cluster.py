"""Documents built on a real cluster: a `dask scheduler` and two `dask worker`s on this machine.

All of it, clients too, runs with a copy of danvan: others may be editing ours.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from conftest import copy_project
from workbooks import FILE

from danvan import cluster, pipeline
from danvan.errors import SettingsError
from danvan.freshness import Sources
from danvan.paths import Project

# Builds reports and says what happens, a line of JSON each.
RUN = """
import json, sys
from pathlib import Path
from danvan import cluster, pipeline
from danvan.errors import DanvanError
from danvan.paths import Project
from danvan.workers import How, Listener

def say(*words):
    print(json.dumps(words), flush=True)

class Told(Listener):
    def planned(self, count): say("planned", count)
    def stage(self, title, stage): say("stage", title, stage)
    def finished(self, title): say("finished", title)

if __name__ == "__main__":
    root, address, years, *options = sys.argv[1:]
    if "shipped" in options:
        cluster._shared = lambda *_: False
    how = cluster.OnCluster(cold="cold" in options, listener=Told(), address=address) if address else How()
    try:
        for task, built in pipeline.reports(Project(Path(root)), map(int, years.split()), "public", how=how):
            say("outcome", task.title, type(built).__name__, str(built), len(getattr(built, "findings", ())))
    except DanvanError as error:
        say("refused", type(error).__name__, str(error))
    except KeyboardInterrupt:
        sys.exit(130)
"""
BOTH = ["Báo cáo năm 2022", "Báo cáo năm 2023"]
# A cell that kills the worker which runs it: the parent of the zygote, or of a kernel started without one.
POISON = """
import os, signal
from pathlib import Path
parent = os.getppid()
if b"inside.py" in Path(f"/proc/{parent}/cmdline").read_bytes():
    parent = int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1])
if year == 2022:
    os.kill(parent, signal.SIGKILL)
"""


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What `condition` gives as soon as that is true."""
    end = time.monotonic() + seconds
    while not (given := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return given


class Run:
    """A client that builds reports of the project `root`; what it says is kept as it comes."""

    def __init__(self, root: Path, address: str, *options: str, code: Path, years: str = "2022 2023") -> None:
        command = [sys.executable, "-W", "error", "-c", RUN, str(root), address, years, *options]
        environment = {**os.environ, "PYTHONPATH": str(code)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=code, env=environment, stdout=pipe, stderr=pipe, text=True)
        self.said: list[list[Any]] = []

    def hear(self, *words: str) -> None:
        """Returns when it has said something that begins so."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))
            if self.said[-1][: len(words)] == list(words):
                return
        raise AssertionError(f"never said {words}: {self.said} {self.end()}")

    def end(self, code: int = 0) -> list[list[Any]]:
        """All that it has said; nothing may be left on stderr."""
        try:
            out, err = self.process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert (self.process.returncode, err) == (code, "")
        self.said += map(json.loads, out.splitlines())
        return self.said

    def outcomes(self) -> dict[str, str]:
        return {title: kind for title, kind, *_ in (words[1:] for words in self.end() if words[0] == "outcome")}


class Cluster:
    """A scheduler and two workers, their code in `code`, all else below `folder`."""

    def __init__(self, folder: Path, code: Path) -> None:
        self.folder, self.code, self.processes = folder, code, list[subprocess.Popen[bytes]]()

    def dask(self, *arguments: str, log: str, code: Path | None = None) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(code or self.code), "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}
        with (self.folder / log).open("wb") as file:
            command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
            process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=file, stderr=file)
        self.processes.append(process)
        return process

    def start(self) -> None:
        self.dask("scheduler", "--host", "127.0.0.1", "--port", "0", log="scheduler.log")
        found = until(lambda: re.search(r"Scheduler at:\s+(tcp://\S+)", self.log("scheduler.log")))
        self.address = found[1]
        for name in ("a", "b"):
            self.worker(name)

    def worker(self, name: str, code: Path | None = None) -> subprocess.Popen[bytes]:
        own = ("--nthreads", "1", "--nworkers", "1", "--local-directory", str(self.folder / name))
        process = self.dask("worker", self.address, *own, log=f"{name}.log", code=code)
        until(lambda: "Registered to" in self.log(f"{name}.log"))
        return process

    def log(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def below(self, words: str) -> list[psutil.Process]:
        """The processes of its workers whose command holds `words`."""
        found = [p for process in self.processes for p in psutil.Process(process.pid).children(recursive=True)]
        return [process for process in found if words in " ".join(_command(process))]

    def workers(self) -> list[psutil.Process]:
        """The processes that build: those that a nanny has started, not what helps it."""
        return [process for process in self.below("spawn_main") if "resource_tracker" not in _command(process)[-1]]

    def left(self) -> list[str]:
        """What a run has left on the workers: processes, unpacked inputs."""
        folders = [str(path) for path in self.folder.glob("*/dask-scratch-space/*/danvan-*")]
        return folders + [str(process) for process in (*self.below("inside.py"), *self.below("ipykernel"))]

    def end(self) -> None:
        own = [p for process in self.processes for p in psutil.Process(process.pid).children(recursive=True)]
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        _, alive = psutil.wait_procs(own, 10)
        for left in alive:
            left.kill()
        assert not alive


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() or [""]
    except psutil.NoSuchProcess:
        return [""]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy of danvan that all use."""
    return copy_project(tmp_path_factory.mktemp("code") / "mã")


@pytest.fixture(scope="module")
def one_here(tmp_path_factory: pytest.TempPathFactory, code: Path) -> Path:
    """A project whose report of 2022 was built on this machine, without a cluster."""
    root = copy_project(tmp_path_factory.mktemp("here") / "dự án")
    assert Run(root, "", code=code, years="2022").outcomes() == {BOTH[0]: "Built"}
    return root


@pytest.fixture(scope="module")
def here(one_here: Path, code: Path) -> Path:
    """The same with the report of 2023, too."""
    assert Run(one_here, "", code=code).outcomes() == dict.fromkeys(BOTH, "Built")
    return one_here


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory, code: Path) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("dask"), code)
    try:
        running.start()
        yield running
    finally:
        running.end()


def contents(root: Path, *names: str) -> dict[str, bytes]:
    """All files below the reports of a project but the lock, hidden ones too."""
    files = (path for name in names or ("",) for path in (root / "reports" / name).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files if path.name != ".lock"}


def stages(said: list[list[Any]], title: str) -> list[str]:
    return [words[2] for words in said if words[:2] == ["stage", title]]


ALL_STAGES = ["Đọc phiếu", "Chạy sổ", "HTML", "PDF", "Word", "Biểu đồ", "Số liệu", "Ghi tệp"]


@pytest.mark.long
def test_shipped_inputs_give_the_same_bytes_and_errors_in_returns_stop_nobody_else(
    dask: Cluster, one_here: Path, project: Path, code: Path
) -> None:
    (project / "data" / "2023" / "returns" / FILE).write_bytes(b"PK\x03\x04 not a workbook")
    run = Run(project, dask.address, "shipped", code=code)
    run.hear("stage", BOTH[0], "HTML")
    assert len(dask.below("inside.py zygote")) == 2  # each worker has its own
    assert run.outcomes() == {BOTH[0]: "Built", BOTH[1]: "ReturnsError"}
    (told,) = [words for words in run.said if words[:2] == ["outcome", BOTH[1]]]
    assert re.fullmatch(r"Phiếu năm 2023 có \d+ lỗi phải sửa trước\.", told[3])
    assert told[4] > 0
    assert ["planned", 2] in run.said
    assert stages(run.said, BOTH[0]) == ALL_STAGES
    assert all(["finished", title] in run.said for title in BOTH)
    assert contents(project) == contents(one_here, "2022")
    assert not (project / ".cache" / "notebook").exists()  # the workers were elsewhere
    assert dask.left() == []


@pytest.mark.long
def test_workers_with_another_danvan_are_refused(dask: Cluster, tmp_path: Path, project: Path, code: Path) -> None:
    *_, told = Run(project, dask.address, code=_changed(code, tmp_path / "khác")).end()
    assert told == [
        "refused",
        "SettingsError",
        "dask scheduler: danvan/stamp.py khác ở đây. Hãy đưa máy đó về đúng bản danvan ở đây, chạy build.py một lần để "
        "cài, rồi khởi động lại dask ở đó.\n"
        "dask worker trên máy 127.0.0.1: danvan/stamp.py khác ở đây. Hãy đưa máy đó về đúng bản danvan ở đây, chạy "
        "build.py một lần để cài, rồi khởi động lại dask ở đó.",
    ]
    assert contents(project) == {}


def _changed(code: Path, copy: Path) -> Path:
    """Another copy of danvan, not quite the same."""
    shutil.copytree(code / "danvan", copy / "danvan")
    shutil.copy2(code / "requirements.lock", copy)
    with (copy / "danvan" / "stamp.py").open("a", encoding="utf-8") as file:
        file.write("# other\n")
    return copy


def test_what_else_makes_a_worker_unfit_is_said() -> None:
    here = {"Python": "3.12.1", "pandas": "3.0.0", "danvan/a.py": "1", "danvan/b.py": "1", "requirements.lock": "1"}
    there = {"Python": "3.11.7", "danvan/a.py": "2", "danvan/b.py": "2", "danvan/c.py": "2", "requirements.lock": "2"}
    assert cluster._unfit("dask worker trên máy h", there, 4, here) == [
        "dask worker trên máy h: Python 3.11.7 (ở đây 3.12.1), pandas không có (ở đây 3.0.0), danvan/a.py khác ở đây, "
        "danvan/b.py khác ở đây, danvan/c.py khác ở đây, và 1 tệp khác nữa. Hãy đưa máy đó về đúng bản danvan ở đây, "
        "chạy build.py một lần để cài, rồi khởi động lại dask ở đó.",
        "dask worker trên máy h chạy 4 luồng, mà mỗi worker chỉ được có một. Hãy chạy lại bằng: "
        "dask worker ĐỊA_CHỈ --nthreads 1 --nworkers N",
    ]
    assert cluster._unfit("dask worker", here, 1, here) == []


def test_an_address_where_nobody_answers_is_told_in_time(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster.PATIENCE <= 10
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with pytest.raises(SettingsError) as told:
        pipeline.reports(Project(project), [2022], "public", how=cluster.OnCluster(address="tcp://127.0.0.1:9"))
    assert re.fullmatch(
        r"Không nối được với dask scheduler tại tcp://127\.0\.0\.1:9 \(.+\)\. Kiểm tra địa chỉ, tường lửa, và "
        "“dask scheduler” đã chạy trên máy đó chưa.",
        str(told.value),
    )
    assert contents(project) == {}


@pytest.mark.parametrize("address", ["", "host", "tcp://host", "http://host:1", "tcp://host:port", "tcp://a b:1"])
def test_what_is_no_address_is_told(project: Path, address: str) -> None:
    with pytest.raises(SettingsError) as told:
        pipeline.reports(Project(project), [2022], "public", how=cluster.OnCluster(address=address))
    assert str(told.value) == (
        f"--cluster cần địa chỉ của dask scheduler, ví dụ tcp://10.0.0.5:8786, không phải “{address}”."
    )


def test_what_is_shipped_is_what_the_documents_depend_on(project: Path, tmp_path: Path) -> None:
    returns = project / "data" / "2023" / "returns"
    (returns / "thư mục").mkdir()
    (returns / "liên kết.xlsx").symlink_to(tmp_path / "elsewhere")
    task = pipeline.report_task(Sources(Project(project)), 2023, "public", allow_incomplete=False)
    with tarfile.open(fileobj=io.BytesIO(cluster._packed([task]))) as tar:
        names = {member.name for member in tar if not member.isdir()}
        tar.extractall(tmp_path / "worker", filter="fully_trusted")
    own = {name for name in task.wanted.inputs if not name.startswith("danvan/")}
    assert names == own - {name for name in own if (project / name).is_dir()}
    there = cluster._rooted(task, tmp_path / "worker")
    assert there.wanted.key == task.wanted.key
    assert there.inputs_now() == task.wanted.inputs


# ---------------------------------------------------------------- what takes long


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("cold",), ("shipped",)])
def test_a_cluster_gives_the_same_bytes(
    dask: Cluster, here: Path, project: Path, code: Path, options: tuple[str, ...]
) -> None:
    run = Run(project, dask.address, *options, code=code)
    run.hear("stage", BOTH[0], "HTML")
    assert bool(dask.below("inside.py")) != ("cold" in options)
    assert (project / ".cache" / "notebook").exists() != ("shipped" in options)
    assert run.outcomes() == dict.fromkeys(BOTH, "Built")
    assert contents(project) == contents(here)
    assert dask.left() == []


@pytest.mark.long
def test_what_a_killed_worker_was_building_is_built_again(dask: Cluster, here: Path, project: Path, code: Path) -> None:
    run = Run(project, dask.address, "shipped", code=code)
    run.hear("stage", BOTH[1], "Chạy sổ")  # when the other is not finished either
    dask.workers()[0].kill()
    assert run.outcomes() == dict.fromkeys(BOTH, "Built")
    assert max(len(stages(run.said, title)) for title in BOTH) > len(ALL_STAGES)  # one began twice
    assert contents(project) == contents(here)
    assert dask.left() == []


@pytest.mark.long
def test_a_document_that_kills_its_workers_is_given_up_and_the_other_is_built(
    dask: Cluster, project: Path, code: Path
) -> None:
    path = project / "notebooks" / "annual_report.ipynb"
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    notebook.cells.insert(1, nbformat.v4.new_code_cell(POISON))  # type: ignore[no-untyped-call]
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    run = Run(project, dask.address, code=code)
    assert run.outcomes() == {BOTH[0]: "StageError", BOTH[1]: "Built"}
    (told,) = [words[3] for words in run.said if words[:2] == ["outcome", BOTH[0]]]
    assert told == (
        "Các dask worker lập tài liệu này lần lượt bị dừng giữa chừng, có thể vì hết bộ nhớ. "
        "Hãy giảm --nworkers trên mỗi máy rồi chạy lại."
    )
    assert not any(path.name.startswith(".2") for path in (project / "reports").rglob("*"))
    assert dask.left() == []


@pytest.mark.long
@pytest.mark.parametrize("stage", ["Chạy sổ", "PDF"])
def test_ctrl_c_leaves_no_process_and_no_folder(dask: Cluster, project: Path, code: Path, stage: str) -> None:
    run = Run(project, dask.address, code=code)
    run.hear("stage", BOTH[0], stage)
    run.process.send_signal(signal.SIGINT)
    run.end(130)
    assert dask.left() == []
    assert contents(project) == {}
    assert list((project / "reports").glob("*/*")) == []


@pytest.mark.long
def test_what_a_killed_run_left_goes_with_the_next_and_two_at_once_are_refused(
    dask: Cluster, here: Path, project: Path, tmp_path: Path, code: Path
) -> None:
    run = Run(project, dask.address, "shipped", code=code)
    run.hear("stage", BOTH[0], "Chạy sổ")
    other = copy_project(tmp_path / "khác")
    *_, told = Run(other, dask.address, code=code).end()
    assert told[1:] == [
        "LockedError",
        f"Cụm {dask.address} đang lập báo cáo cho một lần chạy khác. Hãy đợi nó xong rồi chạy lại.",
    ]
    run.process.kill()
    run.process.communicate()
    assert dask.left() != []
    until(lambda: Run(project, dask.address, code=code).outcomes() == dict.fromkeys(BOTH, "Built"), 200)
    assert contents(project) == contents(here)
    assert dask.left() == []


@pytest.mark.long
def test_a_worker_that_comes_later_with_another_danvan_gets_nothing(
    dask: Cluster, here: Path, project: Path, tmp_path: Path, code: Path
) -> None:
    run = Run(project, dask.address, code=code)
    run.hear("stage", BOTH[0], "Đọc phiếu")
    with _late(dask, _changed(code, tmp_path / "khác")):
        assert run.outcomes() == dict.fromkeys(BOTH, "Built")
        assert "danvan/stamp.py khác ở đây" in dask.log("late.log")
    assert contents(project) == contents(here)


@contextmanager
def _late(dask: Cluster, code: Path) -> Iterator[None]:
    process = dask.worker("late", code)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
        dask.processes.remove(process)
