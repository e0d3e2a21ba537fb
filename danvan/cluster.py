"""Documents built on a cluster of dask.distributed: the same function as here, by workers on any number of machines.

A worker builds in the project's folder where it sees it; else inputs are shipped to it, and the document comes back.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import platform
import re
import secrets
import shutil
import tarfile
import threading
import time
import warnings
from asyncio import to_thread
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from danvan.errors import DanvanError, LockedError, SettingsError, StageError
from danvan.freshness import _ENVIRONMENT as ENVIRONMENT
from danvan.freshness import PACKAGE, Sources, Wanted, require_same
from danvan.guard import told_of_disk
from danvan.manifest import TOOLS
from danvan.paths import Project
from danvan.stages import Built, Task, Tell
from danvan.store import files_below, repair, swapped_in, write_atomic
from danvan.workers import How, Listener, Outcome, Work

if TYPE_CHECKING:  # imported when there is a cluster: it costs a third of a second
    from distributed import Scheduler, Worker, WorkerPlugin

Client: TypeAlias = Any  # those of distributed have hardly any types
Future: TypeAlias = Any
PATIENCE = 10  # seconds, for the scheduler to answer
ALONE = 60  # seconds without any worker, after which nobody waits for one
OURS = "danvan"  # the resource of which a worker has one when it is fit to build; the topic of the stages
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:\d{1,5}")
_TOKEN = ".cluster-"  # begins the name of the file by which workers tell whether they share the project's folder
_START = "dask worker {address} --nthreads 1 --nworkers N"
_LOST = "Mất liên lạc với dask scheduler trong lúc lập. Kiểm tra máy chạy nó rồi chạy lại; báo cáo cũ còn nguyên."
_NOBODY = "Cụm không còn dask worker nào để lập tiếp. Hãy khởi động lại chúng rồi chạy lại; báo cáo cũ còn nguyên."
_STOPPED = "Đã dừng theo yêu cầu."
_KILLED = (
    "Các dask worker lập tài liệu này lần lượt bị dừng giữa chừng, có thể vì hết bộ nhớ. "
    "Hãy giảm --nworkers trên mỗi máy rồi chạy lại."
)


@dataclass(frozen=True)
class OnCluster(How):
    """On the workers of the scheduler at `address`, one document a worker at a time; kernels run there."""

    address: str = ""

    def warm(self) -> AbstractContextManager[None]:
        """Nothing here: each worker has its own."""
        return nullcontext()

    def build(self, tasks: Sequence[Task], before: Callable[[], None] = lambda: None) -> list[Outcome]:
        """Build the tasks; gives each with what was built, or why not. One that fails does not stop the others.

        `before` is done here first. Raises SettingsError (no such cluster, other versions there), LockedError (another
        run has the cluster).
        """
        if not tasks:
            return []
        before()
        try:
            with _connected(self.address) as client:
                _require_fit(client, self.address)
                with _token(tasks[0].project) as token:
                    inputs = None if _shared(client, token) else _packed(tasks)
                    with _guests(client, Guest(tools(), self.cold, self.work, token, inputs)):
                        self.listener.planned(len(tasks))
                        client.subscribe_topic(OURS, lambda event: self.listener.stage(*event[1]))
                        return list(_gathered(client, tasks, self.listener))
        except BaseException:
            for task in tasks:
                repair(task.wanted.folder)
            raise


# ---------------------------------------------------------------- before the start


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    if not _ADDRESS.fullmatch(address):
        raise SettingsError(
            f"--cluster cần địa chỉ của dask scheduler, ví dụ tcp://10.0.0.5:8786, không phải “{address}”."
        )
    import distributed

    connect: Any = distributed.Client
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said by us, in Vietnamese
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other versions there: compared below, and more
            client: Client = connect(address, timeout=PATIENCE, name="danvan", set_as_default=False)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"Không nối được với dask scheduler tại {address} ({_first_line(error)}). Kiểm tra địa chỉ, tường lửa, và "
            "“dask scheduler” đã chạy trên máy đó chưa."
        ) from None
    try:
        yield client
    finally:
        client.close()


@cache
def tools() -> dict[str, str]:
    """What this process builds with: versions, and digests of the lock and of danvan/.

    As they were when first asked: of what a process has imported, later changes reach it only half.
    """
    versions = {name: version(name) for name in (*TOOLS, "dask", "distributed")}
    return {"Python": platform.python_version(), **versions, **Sources(Project(PACKAGE.parent)).tools()}


def _about(dask_worker: Worker) -> tuple[dict[str, str], int]:
    return tools(), dask_worker.state.nthreads


def _require_fit(client: Client, address: str) -> None:
    """Raises SettingsError where scheduler or workers are not what is needed, LockedError where others build."""
    try:
        problems = [*_unlike("dask scheduler", client.run_on_scheduler(tools))]
        others = client.run_on_scheduler(_builders)
    except (ImportError, AttributeError) as error:
        problems, others = [_lacking("dask scheduler", error)], {}
    found: Mapping[str, Any] = client.run(_about, on_error="return")
    for worker, about in found.items():
        who = f"dask worker trên máy {_host(worker)}"
        problems += [_lacking(who, about)] if isinstance(about, Exception) else _unfit(who, *about)
    if problems:
        raise SettingsError(*dict.fromkeys(problems))  # many workers of a machine have one problem
    if not found:
        start = _START.format(address=address)
        raise SettingsError(f"dask scheduler tại {address} chưa có worker nào. Trên mỗi máy, chạy: {start}")
    if any(others.values()):
        raise LockedError(f"Cụm {address} đang lập báo cáo cho một lần chạy khác. Hãy đợi nó xong rồi chạy lại.")
    for name in others:  # of runs that were killed
        client.unregister_worker_plugin(name)


def _builders(dask_scheduler: Scheduler) -> dict[str, bool]:
    """The runs that have guests on the workers, and whether each is still there."""
    names = [name for name in dask_scheduler.worker_plugins if name.startswith("Client-danvan-")]
    return {name: name in dask_scheduler.clients for name in names}


def _unfit(who: str, has: Mapping[str, str], threads: int, wants: Mapping[str, str] | None = None) -> list[str]:
    """Why a worker may not build, in whole sentences; none if it may."""
    problems = _unlike(who, has, wants)
    if threads != 1:
        start = _START.format(address="ĐỊA_CHỈ")
        problems.append(f"{who} chạy {threads} luồng, mà mỗi worker chỉ được có một. Hãy chạy lại bằng: {start}")
    return problems


def _unlike(who: str, has: Mapping[str, str], wants: Mapping[str, str] | None = None) -> list[str]:
    """In a sentence, what it builds with that is not as in `wants` (here); none if nothing is."""
    wants = tools() if wants is None else wants
    differ = [name for name in sorted({*has, *wants}) if has.get(name) != wants.get(name)]
    if not differ:
        return []
    files = [name for name in differ if "/" in name or name == "requirements.lock"]
    told = [f"{n} {has.get(n, 'không có')} (ở đây {wants.get(n, 'không có')})" for n in differ if n not in files]
    told += [f"{name} khác ở đây" for name in files[:3]]
    told += [f"và {len(files) - 3} tệp khác nữa"] if len(files) > 3 else []
    return [f"{who}: {', '.join(told)}. {_SAME}"]


def _lacking(who: str, error: Exception) -> str:
    return f"{who} không dùng được danvan ({_first_line(error)}). {_SAME}"


_SAME = "Hãy đưa máy đó về đúng bản danvan ở đây, chạy build.py một lần để cài, rồi khởi động lại dask ở đó."


def _host(address: str) -> str:
    return address.rpartition("/")[2].rpartition(":")[0]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


# ---------------------------------------------------------------- the folder, shared or shipped


@contextmanager
def _token(project: Project) -> Iterator[Path]:
    """A file that only those who share the project's folder can see."""
    for left in project.reports.glob(f"{_TOKEN}*"):  # by a run that was killed
        left.unlink()
    # A new name each time: a network file system may remember for a while that an old one was not there.
    token = project.reports / f"{_TOKEN}{secrets.token_hex(16)}"
    write_atomic(token, token.name.encode())
    try:
        yield token
    finally:
        token.unlink(missing_ok=True)


def _sees(token: Path) -> bool:
    try:
        return token.read_bytes() == token.name.encode()
    except OSError:
        return False


def _shared(client: Client, token: Path) -> bool:
    """Whether all workers see the project's folder under the same path."""
    return all(client.run(_sees, token).values())


def _packed(tasks: Iterable[Task]) -> bytes:
    """The files that the tasks depend on, with the folders around them: a tar."""
    project = next(iter(tasks)).project
    digests = {name: digest for task in tasks for name, digest in task.wanted.inputs.items()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for top in sorted({name.split("/")[0] for name in digests} - {"danvan"}):
            for folder, _, files in os.walk(project.root / top, followlinks=True):
                # Folders too: one in the place of a return is a finding, a missing one of returns another.
                tar.addfile(_folder(project, Path(folder)))
                for path in (Path(folder, name) for name in sorted(files)):
                    if digest := digests.get(project.relative(path)):
                        tar.dereference = digest != "not a file"
                        tar.add(path, path.relative_to(project.root))
            if (project.root / top).is_file():
                tar.add(project.root / top, top)
    return packed.getvalue()


def _folder(project: Project, folder: Path) -> tarfile.TarInfo:
    info = tarfile.TarInfo(folder.relative_to(project.root).as_posix())
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


@dataclass(frozen=True)
class Shipped:
    """What a worker made elsewhere: how it ended, and the files of the document, or the notebook that failed."""

    outcome: Built | DanvanError
    files: dict[str, bytes]


def _rooted(task: Task, root: Path) -> Task:
    """The task as it is in another folder: its key stays."""

    def moved(path: Path) -> Path:
        return root / path.relative_to(task.project.root)

    wanted = Wanted(moved(task.wanted.folder), task.wanted.inputs, task.wanted.settings)
    return replace(task, project=Project(root), wanted=wanted, notebook=moved(task.notebook))


def _built_in(task: Task, work: Work, tell: Tell) -> Shipped:
    """Build where nobody else looks; nothing of it stays."""
    folder, failed = task.wanted.folder, task.wanted.failed
    try:
        outcome: Built | DanvanError = work(task, tell)
        paths = files_below(folder)
    except DanvanError as error:
        outcome, paths = error, [failed] if failed.exists() else []
    base = folder if isinstance(outcome, Built) else failed.parent
    files = {path.relative_to(base).as_posix(): path.read_bytes() for path in paths}
    shutil.rmtree(folder, ignore_errors=True)
    failed.unlink(missing_ok=True)
    return Shipped(outcome, files)


def _taken(task: Task, shipped: Shipped) -> Built:
    """Swap in what came back, as `build` would have done. Raises what was raised there."""
    folder = task.wanted.folder
    if isinstance(shipped.outcome, DanvanError):
        for name, content in shipped.files.items():
            write_atomic(folder.parent / name, content)
        raise shipped.outcome
    with swapped_in(folder) as new:
        for name, content in shipped.files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(content)
        require_same(task.wanted.inputs, task.inputs_now())
    task.wanted.failed.unlink(missing_ok=True)
    return replace(shipped.outcome, folder=folder)


# ---------------------------------------------------------------- the run


@contextmanager
def _guests(client: Client, guest: Guest) -> Iterator[None]:
    """`guest` on all workers, also on those that come later; in the end gone, with all that it has there."""
    try:
        client.register_plugin(_plugin(guest), name=client.id)
        yield
    finally:
        with suppress(OSError):  # without a scheduler, its workers end as well
            client.unregister_worker_plugin(client.id)


def _gathered(client: Client, tasks: Sequence[Task], listener: Listener) -> Iterator[Outcome]:
    """Each task with its outcome, as they are finished.

    The scheduler has no more of them than it has workers: when a worker dies, dask blames every task that it was given.
    """
    waiting, running = deque(tasks), dict[str, tuple[Future, Task]]()
    done: SimpleQueue[Future] = SimpleQueue()
    seen = time.monotonic()
    try:
        while waiting or running:
            fit = _fit(client)
            seen = time.monotonic() if fit else seen
            if time.monotonic() - seen > ALONE:
                raise StageError(_NOBODY)
            while waiting and len(running) < fit:
                task = waiting.popleft()
                future = client.submit(_build, task, pure=False, resources={OURS: 1})
                running[future.key] = future, task
                future.add_done_callback(done.put)
            with suppress(Empty):
                future, task = running.pop(done.get(timeout=1).key)
                yield task, _outcome(task, future)
                listener.finished(task.title)
    finally:
        if running:
            with suppress(OSError):
                client.cancel([future for future, _ in running.values()], force=True)


def _fit(client: Client) -> int:
    """How many workers are fit to build."""
    try:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
    except OSError:
        raise StageError(_LOST) from None
    return sum(worker["resources"].get(OURS, 0) > 0 for worker in workers)


def _outcome(task: Task, future: Future) -> Built | DanvanError:
    from distributed import KilledWorker

    if future.cancelled():
        raise StageError(_LOST)
    try:
        made = future.result()
        future.release()  # else dask builds it again when the worker that keeps the result dies
        return made if isinstance(made, Built) else _taken(task, made)
    except DanvanError as error:
        return error
    except KilledWorker:
        return StageError(_KILLED)


# ---------------------------------------------------------------- on a worker


def _plugin(guest: Guest) -> WorkerPlugin:
    from distributed import WorkerPlugin

    class Plugin(WorkerPlugin):  # here, so that only who has a cluster imports dask
        async def setup(self, worker: Worker) -> None:
            await guest.enter(worker)

        async def teardown(self, worker: Worker) -> None:
            await guest.leave(worker)

    return Plugin()


_guest: Guest | None = None  # of this process, if it is a worker that may build


def _build(task: Task) -> Built | Shipped:
    if _guest is None:
        raise StageError(_STOPPED)
    return _guest.build(task)


@dataclass
class Guest:
    """One run on one worker: whether it may build, its warm kernels, its inputs where they had to be shipped."""

    tools: dict[str, str]
    cold: bool
    work: Work
    token: Path
    inputs: bytes | None

    async def enter(self, worker: Worker) -> None:
        """Make ready and offer to build; a worker that came late and is not fit says so in its log, and no more."""
        global _guest
        who = f"dask worker {worker.address}"
        problems = _unfit(who, *_about(worker), self.tools)
        if self.inputs is None and not _sees(self.token):
            problems.append(f"{who} không thấy thư mục dự án {self.token.parent.parent} như các worker khác.")
        for problem in problems:
            logging.getLogger("distributed.worker").error(problem)
        if problems:
            return
        self._worker, self._root = worker, self._unpacked(Path(worker.local_directory))
        self._stack, self._over, self._building = ExitStack(), threading.Event(), threading.Lock()
        self._stack.enter_context(How(cold=self.cold).warm())
        _guest = self
        await self._offer(worker)

    async def leave(self, worker: Worker) -> None:
        """End what is being built, and everything that is there for it."""
        global _guest
        if _guest is not self:
            return  # it has not entered
        _guest = None
        self._over.set()
        with suppress(StageError):  # of what cannot be made ready: each document has said so
            self._stack.close()  # with the zygote, its kernels end
        await to_thread(self._building.acquire)
        if self._root:
            shutil.rmtree(self._root, ignore_errors=True)
        if worker.status.name == "running":
            await worker.set_resources(**{OURS: 0})

    @staticmethod
    async def _offer(worker: Worker) -> None:
        from distributed.core import Status

        # A task that waits for a fit worker is given to one that begins to run, never to one that becomes fit.
        status, worker.status = worker.status, Status.paused
        await worker.set_resources(**{OURS: 1})
        worker.status = status

    def build(self, task: Task) -> Built | Shipped:
        """As `stages.build`, or its like elsewhere. Raises StageError also for what this machine's disk refuses."""
        for name in ENVIRONMENT:
            os.environ.pop(name, None)
            if value := task.wanted.settings[name]:
                os.environ[name] = value
        try:
            with self._building, told_of_disk(task.project):
                tell = partial(self._tell, task.title)
                return _built_in(_rooted(task, self._root), self.work, tell) if self._root else self.work(task, tell)
        finally:
            if self._over.is_set():  # a notebook that was ended has not failed
                task.wanted.failed.unlink(missing_ok=True)

    def _tell(self, title: str, stage: str) -> None:
        if self._over.is_set():
            raise StageError(_STOPPED)
        self._worker.log_event(OURS, (title, stage))

    def _unpacked(self, folder: Path) -> Path | None:
        if self.inputs is None:
            return None
        root = folder / f"danvan-{hashlib.sha256(self.inputs).hexdigest()[:16]}"
        shutil.rmtree(root, ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(self.inputs)) as tar:
            tar.extraction_filter = lambda member, _: member  # all of it is ours
            tar.extractall(root)
        return root
