"""Warm kernels: the same outputs as cold ones, nothing shared between two, nothing left behind whatever dies."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from danvan.kernels import forked, zygote
from danvan.kernels.manager import WarmKernelManager

PRELOAD = ["numpy", "pandas", "matplotlib.figure", "scipy.stats", "statsmodels.stats.proportion"]
ENVIRONMENT = {
    **os.environ,
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYTHONHASHSEED": "0",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
PARENT = "import os, sys; print(os.getppid(), 'pandas' in sys.modules)"

pytestmark = pytest.mark.skipif(not zygote.can_fork(), reason="no fork here")


@pytest.fixture(scope="module")
def warm() -> Iterator[psutil.Process]:
    """One zygote for all tests that do not harm it."""
    with zygote.started(PRELOAD, ENVIRONMENT):
        yield zygote_process()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temp folder of its own, with a short path."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def zygote_process() -> psutil.Process:
    """The zygote of the innermost context, or its newest spare."""
    found: list[psutil.Process] = []

    def look() -> bool:  # between fork and exec, a process has no command of its own
        found[:] = [p for p in psutil.Process().children() if os.environ[zygote.VARIABLE] in p.cmdline()]
        return bool(found)

    wait_until(look)
    return max(found, key=psutil.Process.create_time)


def make(folder: Path, *sources: str, timeout: int = 30, **options: Any) -> NotebookClient:
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(source), id=f"c{n}") for n, source in enumerate(sources)]
    return NotebookClient(
        nbformat.v4.new_notebook(cells=cells),
        kernel_name="python3",
        timeout=timeout,
        kernel_manager_class=WarmKernelManager,
        shutdown_kernel="immediate",
        config=Config({"KernelManager": {"transport": "ipc", "ip": str(folder / "k")}}),
        **options,
    )


def run(*sources: str, env: Mapping[str, str] = ENVIRONMENT, allow_errors: bool = False, **launch: Any) -> NotebookNode:
    with zygote.private_folder() as folder:
        return make(folder, *sources, allow_errors=allow_errors).execute(env=dict(env), **launch)


def printed(*sources: str, **launch: Any) -> str:
    """What the last cell prints."""
    return "".join(output["text"] for output in run(*sources, **launch).cells[-1].outputs)


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """No such process, or one that has ended and only waits for someone to notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


NOTEBOOK = (
    "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.title('Hải Phòng');",
    "plt.plot([1, 3, 2]); plt.figure(); plt.bar(['a', 'b'], [1, 2]); print('hai hình')",
    "from matplotlib.figure import Figure\nf = Figure(); f.subplots().plot([1, 2]); f",
    "import matplotlib; matplotlib.get_backend(), matplotlib.matplotlib_fname(), sorted(matplotlib.rcParams.items())",
    "import pandas as pd\npd.DataFrame({'quận': ['Ngô Quyền', 'Lê Chân'], 'số': [1, 2.5]})",
    "pd.DataFrame({'a': [1, 2]}).plot();",
    "import sys, os\nprint('ra'); print('lỗi', file=sys.stderr)",
    "import time; os.write(1, 'thẳng'.encode()); time.sleep(0.5)  # a thread has to pass it on",
    "1 / 0",
    "def f():\n    raise ValueError('sai')\nf()",
    "import not_there",
    "input('?')",
    "sys.path, [sys.argv[0], *sys.argv[3:]], os.getcwd(), sys.flags",
    "__name__, sys.modules['__main__'].__dict__ is globals()",
    "hash('a'), list({'a', 'b', 'c', 'd'}), sys.orig_argv[:4]",
    "import locale, time\nlocale.setlocale(locale.LC_CTYPE), locale.getencoding(), time.tzname",
    "import signal; [(s, str(signal.getsignal(s))[:30]) for s in sorted(signal.valid_signals())]",
    "sorted(i for i in os.environ.items() if not i[0].startswith(('JPY_PARENT', 'WARM_KERNEL', 'PYTEST_CURRENT')))",
    "!echo vỏ",
    "import gc; gc.isenabled(), sys.stdin.read(), sys.stdout.encoding, os.getpgrp() == os.getsid(0) == os.getpid()",
    "import scipy.stats as st; st.norm.ppf(0.975), st.poisson.cdf(3, 2.2)",
    "import warnings; warnings.warn('coi chừng')",
)


def outputs(**launch: Any) -> list[Any]:
    """The outputs of the notebook, which has figures and everything else that a kernel can say."""
    cells = run(*NOTEBOOK, allow_errors=True, **launch).cells
    return [json.loads(re.sub(r"ipykernel_\d+", "ipykernel", json.dumps(cell.outputs))) for cell in cells]


@pytest.fixture(scope="module")
def cold_outputs() -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(zygote.VARIABLE, raising=False)
        return outputs()


def test_warm_and_cold_kernels_give_the_same_outputs(warm: psutil.Process, cold_outputs: list[Any]) -> None:
    assert printed(PARENT) == f"{warm.pid} True\n"
    for source, cold, hot in zip(NOTEBOOK, cold_outputs, outputs(), strict=True):
        assert hot == cold, source
    figures = [sum("image/png" in output.get("data", {}) for output in cell) for cell in cold_outputs]
    assert figures[:6] == [1, 2, 1, 0, 0, 1]


def test_nothing_of_one_kernel_reaches_the_next(warm: psutil.Process, tmp_path: Path) -> None:
    look = """
        import builtins, json, os, sys, warnings, matplotlib, pandas, locale
        print(json.dumps([
            "x" in globals(), hasattr(builtins, "mark"), hasattr(pandas, "mark"), pandas.DataFrame.sum.__name__,
            os.environ.get("MARK"), os.environ["TZ"], os.getcwd(), matplotlib.rcParams["lines.linewidth"], sys.path,
            pandas.options.display.max_rows, "json.mark" in sys.modules, len(warnings.filters), os.umask(0o22),
            locale.setlocale(locale.LC_NUMERIC), sys.getrecursionlimit(),
        ]))
    """
    before = printed(look)
    assert printed(PARENT) == f"{warm.pid} True\n"
    spoil = f"""
        import builtins, os, sys, warnings, matplotlib, pandas, locale
        x = builtins.mark = pandas.mark = 1
        pandas.DataFrame.sum = pandas.DataFrame.mean
        os.environ["MARK"] = "1"
        os.environ["TZ"] = "Asia/Ho_Chi_Minh"
        os.chdir({str(tmp_path)!r})
        matplotlib.rcParams["lines.linewidth"] = 9
        sys.path.insert(0, {str(tmp_path)!r})
        pandas.options.display.max_rows = 3
        sys.modules["json.mark"] = sys
        warnings.simplefilter("ignore")
        os.umask(0o77)
        sys.setrecursionlimit(500)
    """
    assert printed(spoil, look) != before
    assert printed(look) == before


def test_two_kernels_draw_different_random_numbers(warm: psutil.Process) -> None:
    draw = "import random, numpy, scipy.stats as s; print(random.random(), numpy.random.random(), s.norm.rvs())"
    first, second = printed(draw).split(), printed(draw).split()
    assert printed(PARENT) == f"{warm.pid} True\n"
    assert len({*first, *second}) == 6


def test_a_kernel_has_the_environment_and_the_folder_of_its_request(warm: psutil.Process, tmp_path: Path) -> None:
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "only_here.py").write_text("mark = 7", encoding="utf-8")
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 7\nfont.size: 3", encoding="utf-8")
    env = {k: v for k, v in ENVIRONMENT.items() if k not in ("LC_ALL", "HOME")}
    env |= {"TZ": "Asia/Ho_Chi_Minh", "PYTHONPATH": f"{tmp_path}/lines", "LANG": "C.UTF-8", "NEW": "mới"}
    look = """
        import os, sys, time, only_here, subprocess, matplotlib
        matplotlib.rcParams["font.size"] = 1
        matplotlib.rc_file_defaults()
        print(os.getcwd(), time.tzname, only_here.mark, sys.path[:2], os.environ.get("LC_ALL"), os.environ.get("HOME"))
        print(subprocess.check_output("echo $NEW $HOME; date +%Z; pwd", shell=True, text=True))
        print(matplotlib.rcParams["lines.linewidth"], matplotlib.rcParams["font.size"], time.strftime("%Z"))
    """
    hot = printed(PARENT, look, env=env, cwd=str(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(zygote.VARIABLE)
        assert hot == printed(PARENT, look, env=env, cwd=str(tmp_path))
    assert run(PARENT, env=env, cwd=str(tmp_path)).cells[0].outputs[0].text == f"{warm.pid} True\n"
    assert "7.0 3.0 +07" in hot
    assert "mới" in hot


def test_streams_go_where_the_request_says(warm: psutil.Process, tmp_path: Path) -> None:
    write = "import os; os.write(1, b'one'); os.write(2, b'two'); print(os.getppid())"
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        assert str(warm.pid) in printed(write, stdout=out, stderr=err.fileno())
    assert (tmp_path / "out").read_text() == "one"
    assert (tmp_path / "err").read_text() == "two"
    assert str(warm.pid) in printed(
        write, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def test_a_cell_that_takes_too_long_is_told_and_its_kernel_is_gone(warm: psutil.Process) -> None:
    with zygote.private_folder() as folder:
        client = make(folder, "import time; time.sleep(60)", timeout=1)
        with pytest.raises(CellTimeoutError):
            client.execute(env=ENVIRONMENT)
    wait_until(lambda: not warm.children())
    assert printed("print(1)") == "1\n"


def test_an_interrupted_kernel_lives_on(warm: psutil.Process) -> None:
    with zygote.private_folder() as folder:
        client = make(
            folder, PARENT + "; x = 1", "import time; time.sleep(60)", "print(x)",
            timeout=1, interrupt_on_timeout=True, allow_errors=True,
        )  # fmt: skip
        cells = client.execute(env=ENVIRONMENT).cells
    assert cells[0].outputs[0].text == f"{warm.pid} True\n"
    assert cells[1].outputs[-1].ename == "KeyboardInterrupt"
    assert cells[2].outputs[0].text == "1\n"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
        ("os._exit(3)", 3),
    ],
    ids=["killed", "segfault", "exit"],
)
def test_the_death_of_a_kernel_is_told_with_its_code(warm: psutil.Process, how: str, code: int) -> None:
    with zygote.private_folder() as folder:
        start = f"import subprocess as s; open('{folder}/child', 'w').write(str(s.Popen(['sleep', '100']).pid))"
        client = make(folder, start, f"import os; {how}")
        manager = client.create_kernel_manager()
        begun = time.monotonic()
        with pytest.raises(DeadKernelError):
            client.execute(env=ENVIRONMENT)
        assert time.monotonic() - begun < 5
        assert manager.provisioner.process.poll() == code
        child = int((folder / "child").read_text())
        wait_until(lambda: gone(child))
    assert printed(PARENT) == f"{warm.pid} True\n"


@pytest.mark.usefixtures("warm")
def test_a_client_is_ready_when_its_kernel_is() -> None:
    delays = []
    for _ in range(4):
        with running() as (client, _), zygote.private_folder() as folder:
            another = make(folder)
            another.km = client.km
            begun = time.monotonic()
            another.start_new_kernel_client()
            delays.append(time.monotonic() - begun)
            another.kc.stop_channels()
    assert min(delays) < 0.1  # the stock client listens for another 0.2 s


@pytest.mark.usefixtures("warm")
def test_a_kernel_may_end_in_order(tmp_path: Path) -> None:
    register = f"import atexit, pathlib; atexit.register(pathlib.Path({str(tmp_path / 'end')!r}).touch);"
    for _ in range(5):  # jupyter_client's orderly end of a kernel, warm or cold, stalls in one case of twenty
        with zygote.private_folder() as folder:
            client = make(folder, register)
            client.shutdown_kernel = "graceful"
            client.create_kernel_manager()
            client.start_new_kernel(env=dict(ENVIRONMENT))
            process = client.km.provisioner.process
            client.execute()
        if process.poll() == 0:
            break
    assert process.poll() == 0
    assert (tmp_path / "end").exists()


def test_a_kernel_can_be_started_again(warm: psutil.Process) -> None:
    with running(PARENT) as (client, provisioner):
        first = provisioner.pid
        asyncio.run(client.km.restart_kernel(now=True))
        assert gone(first)
        assert {child.pid for child in warm.children()} == {provisioner.pid}


@contextmanager
def running(*sources: str, **launch: Any) -> Iterator[tuple[NotebookClient, Any]]:
    """A client whose kernel lives until the end of the block, and its provisioner."""
    with zygote.private_folder() as folder:
        client = make(folder, *sources)
        client.create_kernel_manager()
        client.start_new_kernel(env=dict(ENVIRONMENT), **launch)
        client.start_new_kernel_client()
        try:
            yield client, client.km.provisioner
        finally:
            client._cleanup_kernel()


@pytest.mark.usefixtures("warm")
def test_everyone_who_waits_for_a_kernel_knows_at_once_that_it_has_ended() -> None:
    async def delay(provisioner: Any) -> float:
        waiting = [asyncio.create_task(provisioner.process.ended()) for _ in range(2)]
        impatient = asyncio.create_task(asyncio.wait_for(provisioner.process.ended(), 0.05))
        await asyncio.wait([impatient])
        assert isinstance(impatient.exception(), TimeoutError)
        last = asyncio.create_task(provisioner.wait())
        await asyncio.sleep(0)
        begun = time.monotonic()
        provisioner.process.kill()
        await asyncio.gather(*waiting)
        assert await last == -signal.SIGKILL
        return time.monotonic() - begun

    delays = []
    for _ in range(3):
        with running() as (_client, provisioner):
            delays.append(asyncio.run(delay(provisioner)))
    assert min(delays) < 0.06  # the stock provisioner looks every 0.1 s


@pytest.mark.usefixtures("warm")
def test_a_signal_reaches_what_the_kernel_has_started() -> None:
    with running("import subprocess; print(subprocess.Popen(['sleep', '100']).pid)") as (client, provisioner):
        client.execute_cell(client.nb.cells[0], 0)
        child = int(client.nb.cells[0].outputs[0].text)
        asyncio.run(provisioner.send_signal(signal.SIGTERM))
        wait_until(lambda: gone(child) and gone(provisioner.pid))
        assert provisioner.process.wait(5) == -signal.SIGTERM


def test_the_zygote_has_one_thread_and_keeps_nothing_of_its_kernels(warm: psutil.Process) -> None:
    printed("print(1)")
    wait_until(lambda: not warm.children())
    descriptors = warm.num_fds()
    for _ in range(3):
        printed("print(1)")
    wait_until(lambda: warm.num_fds() == descriptors)
    assert warm.num_threads() == 1


@pytest.mark.usefixtures("warm")
def test_a_kernel_holds_no_descriptor_of_the_zygote_or_of_another_kernel() -> None:
    look = """
        import os
        print(sorted(os.readlink(f"/proc/{os.getppid()}/fd/{fd}") for fd in os.listdir(f"/proc/{os.getppid()}/fd")))
        print([os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")[:-1]])
    """
    with running():
        theirs, own = map(eval, printed(look).splitlines())
    assert not {name for name in theirs if "socket" in name or "pipe" in name} & set(own)
    assert sum("socket" in name for name in theirs) == 3
    assert any("pidfd" in name for name in theirs)
    assert not any("pidfd" in name for name in own)


@pytest.mark.usefixtures("warm")
def test_nothing_of_the_project_is_preloaded() -> None:
    look = "import sys; print([name for name in sys.modules if 'danvan' in name or 'inside' in name])"
    assert printed(look) == "[]\n"
    assert printed("import danvan.wording", look).startswith("['danvan'")


def test_thirty_two_kernels_at_once(warm: psutil.Process) -> None:
    async def together() -> list[NotebookNode]:
        with zygote.private_folder() as folder:
            for n in range(32):
                (folder / str(n)).mkdir()
            clients = [make(folder / str(n), f"{PARENT}; print({n})") for n in range(32)]
            return await asyncio.gather(*(client.async_execute(env=dict(ENVIRONMENT)) for client in clients))

    said = [notebook.cells[0].outputs[0].text for notebook in asyncio.run(together())]
    assert said == [f"{warm.pid} True\n{n}\n" for n in range(32)]


def other_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kernelspec name the same Python by another path."""
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (tmp_path / "python").symlink_to(sys.executable)
    argv = [str(tmp_path / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "other", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))


@pytest.mark.usefixtures("warm")
def test_what_the_zygote_cannot_give_is_started_normally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = f"{os.getpid()} False\n"
    assert printed(PARENT, stdin=subprocess.PIPE) == cold
    assert printed(PARENT, start_new_session=True) == cold
    assert printed(PARENT, env=ENVIRONMENT | {"PYTHONHASHSEED": "1"}) == cold
    assert printed(PARENT, env={k: v for k, v in ENVIRONMENT.items() if k != "PYTHONHASHSEED"}) == cold
    assert printed(PARENT, env=ENVIRONMENT | {"MPLCONFIGDIR": str(tmp_path)}) == cold
    other_python(tmp_path, monkeypatch)
    assert printed(PARENT, env={**ENVIRONMENT, "PYTHONPATH": os.environ["PYTHONPATH"]}) == cold


def test_without_a_zygote_kernels_start_normally(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(zygote.VARIABLE, raising=False)
    assert printed(PARENT) == f"{os.getpid()} False\n"
    monkeypatch.setenv(zygote.VARIABLE, "/no/such/folder")
    assert printed(PARENT) == f"{os.getpid()} False\n"


@pytest.mark.usefixtures("temporary")
def test_a_zygote_that_does_not_answer_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    with zygote.started([], ENVIRONMENT):
        mother = zygote_process()
        assert printed("import os; print(os.getppid())") == f"{mother.pid}\n"
        monkeypatch.setattr(forked, "PATIENCE", 0.3)
        mother.suspend()
        with zygote.private_folder() as folder:
            (marks := folder / "marks").mkdir()
            mark = f"import os; open(f'{marks}/{{os.getppid()}}', 'w')"
            make(folder, mark).execute(env=dict(ENVIRONMENT))
            mother.resume()
            monkeypatch.setattr(forked, "PATIENCE", 60)
            assert printed("import os; print(os.getppid())") == f"{mother.pid}\n"
            wait_until(lambda: not mother.children())
            assert [path.name for path in marks.iterdir()] == [str(os.getpid())]


@contextmanager
def waiting_child() -> Iterator[tuple[int, socket.socket, socket.socket]]:
    """A child of the zygote that waits for its requester's word: its pid, the connection, the gate."""
    request = {"argv": [sys.executable, "-m", "ipykernel_launcher"], "env": ENVIRONMENT, "cwd": "/"}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(f"{os.environ[zygote.VARIABLE]}/zygote")
        with theirs:
            socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2, theirs.fileno()])
        connection.settimeout(10)
        yield int(connection.recv(16)), connection, ours


def test_a_child_without_the_word_of_its_requester_never_becomes_a_kernel(warm: psutil.Process) -> None:
    with waiting_child() as (pid, connection, gate):
        assert pid in {child.pid for child in warm.children()}
        gate.shutdown(socket.SHUT_RDWR)
        assert connection.recv(16) == b"1"  # its exit code


def test_a_kernel_that_ends_takes_nothing_from_one_that_begins(warm: psutil.Process) -> None:
    run("1")
    wait_until(lambda: not warm.children())
    idle = warm.num_fds()
    with ExitStack() as old:
        old.enter_context(waiting_child())
        warm.suspend()  # so that it finds both events at once
    resume = threading.Timer(0.2, warm.resume)
    resume.start()
    with waiting_child() as (pid, _, _):
        wait_until(lambda: [child.pid for child in warm.children()] == [pid])
        resume.join()
        time.sleep(0.2)
        assert warm.num_fds() == idle + 3


def test_nothing_is_left_behind(temporary: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    with zygote.started(["numpy"], ENVIRONMENT):
        mother = zygote_process()
        with running() as (_client, provisioner):
            run("import subprocess; subprocess.Popen(['sleep', '100'])")
            kernel = provisioner.pid
            assert len(list(temporary.glob("wk-*"))) == 2
        with zygote.private_folder() as folder:
            client = make(folder, "import subprocess; subprocess.Popen(['sleep', '100']).pid")
            client.create_kernel_manager()
            client.start_new_kernel(env=dict(ENVIRONMENT))
            deserted = client.km.provisioner.pid
            ours = client.km  # alive at the end: its kernel is ended with the zygote
    assert gone(kernel)
    assert gone(deserted)
    assert gone(mother.pid)
    assert ours.provisioner.process.wait(5) == -signal.SIGKILL
    asyncio.run(ours.cleanup_resources())
    assert set(psutil.Process().children(recursive=True)) <= before
    assert list(temporary.iterdir()) == []
    assert zygote.VARIABLE not in os.environ or os.environ[zygote.VARIABLE] != str(temporary)


OWNER = """
import asyncio, json, os, sys, time
from danvan.kernels import zygote
from danvan.kernels.manager import WarmKernelManager

async def main(folder):
    manager = WarmKernelManager(kernel_name="python3", transport="ipc", ip=str(folder / "k"))
    await manager.start_kernel(env=dict(os.environ))
    forked = os.fork()
    if not forked:
        time.sleep(60)
        os._exit(0)
    print(json.dumps([os.environ["WARM_KERNELS"], str(folder), manager.provisioner.pid, forked]), flush=True)
    time.sleep(60)

def work():
    with zygote.private_folder() as folder:
        asyncio.run(main(folder))

if "worker" in sys.argv:
    work()
else:
    with zygote.started([], os.environ):
        work()
"""


@contextmanager
def owner(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str, int, int]]:
    """Another process with a kernel, which has also forked a child that holds all its descriptors."""
    env = {**ENVIRONMENT, **{k: os.environ[k] for k in ("TMPDIR", zygote.VARIABLE) if k in os.environ}}
    process = subprocess.Popen([sys.executable, "-c", OWNER, *arguments], env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        place, folder, kernel, child = json.loads(process.stdout.readline())
        assert not gone(kernel)
        try:
            yield process, place, folder, kernel, child
        finally:
            process.kill()
            os.kill(child, signal.SIGKILL)


def test_when_the_owner_is_killed_zygote_and_kernels_end_and_the_next_start_sweeps(temporary: Path) -> None:
    with owner() as (process, place, folder, kernel, _):
        mother = psutil.Process(kernel).ppid()
        process.kill()
        wait_until(lambda: gone(kernel) and gone(mother), 5)
        process.wait()
    assert {Path(place), Path(folder)} == set(temporary.iterdir())
    with zygote.private_folder() as living, zygote.started([], ENVIRONMENT):
        assert not Path(place).exists()
        assert not Path(folder).exists()
        assert living.exists()


def test_sockets_fit_into_the_folder_whatever_the_temp_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (long := tmp_path / ("x" * 90)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with zygote.private_folder() as folder:
        assert len(str(folder)) < 90


def test_a_folder_of_a_pid_that_is_used_again_is_swept(temporary: Path) -> None:
    (stale := temporary / f"wk-{os.getpid()}-1-abc").mkdir()
    with zygote.private_folder() as living:
        zygote.sweep()
        assert living.exists()
        assert living.stat().st_mode & 0o777 == 0o700
    assert not stale.exists()
    assert not living.exists()


def test_when_a_worker_is_killed_its_kernel_ends(warm: psutil.Process) -> None:
    with owner("worker") as (process, _, folder, kernel, _):
        assert psutil.Process(kernel).ppid() == warm.pid
        process.kill()
        wait_until(lambda: gone(kernel) and not warm.children(), 5)
    assert printed(PARENT) == f"{warm.pid} True\n"
    zygote.sweep()
    assert not Path(folder).exists()


def test_when_the_zygote_is_killed_clients_are_told_and_the_next_kernel_starts_normally() -> None:
    with zygote.started([], ENVIRONMENT), zygote.private_folder() as folder:
        mother = zygote_process()
        # It holds the lock of the interpreter: no thread of the kernel can see that its parent has gone.
        client = make(folder, "import ctypes; ctypes.PyDLL(None).sleep(60)")
        manager = client.create_kernel_manager()

        def kill() -> None:
            wait_until(lambda: mother.children(), 60)
            time.sleep(2)
            mother.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(DeadKernelError):
            client.execute(env=ENVIRONMENT)
        killer.join()
        wait_until(lambda: gone(manager.provisioner.pid))
        assert manager.provisioner.process.poll() == -signal.SIGKILL
        assert printed(PARENT) == f"{os.getpid()} False\n"


@pytest.fixture
def harmful(tmp_path: Path) -> dict[str, str]:
    """An environment with a module that starts a thread and one that raises."""
    (tmp_path / "with_thread.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=[60], daemon=True).start()", encoding="utf-8"
    )
    (tmp_path / "raising.py").write_text("raise ValueError('no good')", encoding="utf-8")
    return {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not_there", "cannot preload not_there: ModuleNotFoundError: No module named 'not_there'"),
        ("raising", "cannot preload raising: ValueError: no good"),
        ("with_thread", "cannot preload with_thread: started a thread, which a fork would not have"),
        (
            "matplotlib.pyplot",
            "cannot preload matplotlib.pyplot: imports matplotlib.pyplot, which would make figures vanish",
        ),
    ],
)
def test_a_module_that_cannot_be_preloaded_is_told(harmful: dict[str, str], name: str, message: str) -> None:
    told = []
    with pytest.raises(RuntimeError) as at_exit, zygote.started(["json", name], harmful):  # noqa: PT012
        try:
            run("1", env=harmful)
        except RuntimeError as error:
            told.append(str(error))
    assert told == [message]
    assert str(at_exit.value) == message


def test_a_module_that_cannot_be_preloaded_is_told_without_any_request() -> None:
    with pytest.raises(RuntimeError, match="not_there"), zygote.started(["not_there"], ENVIRONMENT):  # noqa: PT012
        mother = zygote_process()
        wait_until(lambda: gone(mother.pid))


def test_starting_does_not_wait_and_imports_nothing_heavy() -> None:
    begun = time.monotonic()
    with zygote.started(PRELOAD, ENVIRONMENT):
        assert time.monotonic() - begun < 0.2
    assert time.monotonic() - begun < 0.5  # nor does the end wait for imports that nobody needs any more
    look = (
        "import sys, danvan.kernels.zygote; print({'jupyter_client', 'zmq', 'asyncio', 'traitlets'} & {*sys.modules})"
    )
    assert subprocess.check_output([sys.executable, "-c", look], text=True) == "set()\n"


def test_a_start_inside_another_has_its_own_zygote(warm: psutil.Process) -> None:
    outer = os.environ[zygote.VARIABLE]
    with zygote.started([], ENVIRONMENT):
        assert printed(PARENT) == f"{zygote_process().pid} False\n"
        assert zygote_process() != warm
    assert os.environ[zygote.VARIABLE] == outer
    assert printed(PARENT) == f"{warm.pid} True\n"


@pytest.fixture
def no_fork(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> Path:
    monkeypatch.setattr(zygote, "can_fork", lambda: False)
    return temporary


@pytest.mark.long
def test_a_spare_gives_the_same_outputs_and_leaves_nothing_behind(
    no_fork: Path, cold_outputs: list[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(psutil.Process().children(recursive=True))
    with zygote.started(PRELOAD, ENVIRONMENT):
        waiting = zygote_process()
        with (no_fork / "err").open("wb") as err:
            assert printed(f"{PARENT}; os.write(2, b'two');", stderr=err).startswith(f"{os.getpid()} True")
        assert (no_fork / "err").read_text() == "two"
        assert gone(waiting.pid)
        capfd.readouterr()
        run("import os; os.write(1, b'inherited');")
        assert capfd.readouterr() == ("inherited", "")
        waiting = zygote_process()
        for source, cold, hot in zip(NOTEBOOK, cold_outputs, outputs(), strict=True):
            assert hot == cold, source
        assert gone(waiting.pid)
    assert set(psutil.Process().children(recursive=True)) <= before
    assert [path.name for path in no_fork.iterdir()] == ["err"]


@pytest.mark.usefixtures("no_fork")
def test_a_spare_is_for_its_own_environment_only() -> None:
    other = ENVIRONMENT | {"PYTHONHASHSEED": "1"}
    with zygote.started(["pandas"], ENVIRONMENT):
        assert printed(PARENT, env=other) == f"{os.getpid()} False\n"
        assert printed(PARENT, stdin=subprocess.PIPE, env=other) == f"{os.getpid()} False\n"
        assert printed(PARENT, env=other) == f"{os.getpid()} True\n"


@pytest.mark.usefixtures("no_fork")
def test_a_spare_that_cannot_preload_is_told() -> None:
    told = []
    with pytest.raises(RuntimeError, match="cannot preload not_there"), zygote.started(["not_there"], ENVIRONMENT):  # noqa: PT012
        waiting = zygote_process()
        wait_until(lambda: gone(waiting.pid))
        try:
            run("1")
        except RuntimeError as error:
            told.append(str(error))
    assert told == ["cannot preload not_there: ModuleNotFoundError: No module named 'not_there'"]


@pytest.mark.usefixtures("no_fork")
def test_a_spare_ends_with_its_owner() -> None:
    script = """
        import os, time
        from danvan.kernels import zygote
        zygote.can_fork = lambda: False
        with zygote.started([], os.environ):
            print(flush=True)
            time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], env=ENVIRONMENT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (spare,) = psutil.Process(process.pid).children()
        process.kill()
        wait_until(lambda: gone(spare.pid))
