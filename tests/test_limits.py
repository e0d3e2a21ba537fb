"""A notebook, a kernel or an input that fails: told in a sentence, nothing of it left, what was built before untouched.

Hangs, memory, endless output, deaths; cells that fail in the middle; inputs that vanish or cannot be read. The small
city of tests/test_incremental.py is built with lower limits, which `before` sets in the build's own process.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from test_incremental import (  # noqa: F401
    CORRECTED,
    Builders,
    Told,
    base,
    beside,
    builders,
    change_notebook,
    clean,
    contents,
    copy,
    of_2023,
    outputs,
    pytestmark,
    shared,
)

__all__ = ["base", "builders", "clean", "copy", "shared"]

FAILED = "\nSổ đã chạy để xem lại: reports/2023/failed-public.ipynb\n"
SAFE = "báo cáo cũ còn nguyên"
PLACE = 5  # where the cell stands, from 1


@pytest.fixture
def temporary() -> Iterator[Path]:
    """The temp folder of the builds, with a short path; they must leave it empty."""
    with tempfile.TemporaryDirectory(prefix="l", dir="/tmp") as folder:
        yield Path(folder)


class City:
    """A copy of the small city, whose builds are watched for what they leave."""

    def __init__(self, root: Path, base: Path, builders: Builders, temporary: Path) -> None:
        self.root, self._base, self._builders, self._temporary = root, base, builders, temporary
        self._pids = root / "pids"

    def cell(self, source: str, kind: str = "code", at: int = PLACE) -> None:
        """Put a cell into the notebook of the report, so that it is the `at`th."""
        own = f"import os\nopen({str(self._pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        new = {
            "cell_type": kind,
            "id": f"moi-{at}",
            "metadata": {},
            "source": own + source if kind == "code" else source,
        }
        if kind == "code":
            new |= {"execution_count": None, "outputs": []}
        change_notebook(self.root, "annual_report", lambda cells: [*cells[: at - 1], new, *cells[at - 1 :]])

    def mend(self) -> None:
        """The notebook as it was."""
        shutil.copy2(self._base / "notebooks/annual_report.ipynb", self.root / "notebooks/annual_report.ipynb")

    def build(self, before: str = "", command: str = "report 2023 --jobs 1", **more: object) -> Told:
        own = "import tempfile; tempfile.tempdir = None\nfrom danvan import runner\n" + before
        [told] = self._builders.run(self.root, command, before=own, TMPDIR=str(self._temporary), **more)
        return told

    def fails(self, before: str = "", **more: object) -> Told:
        """A build that fails; whatever it was, it has left nothing but the notebook to look at."""
        told = self.build(before, **more)  # type: ignore[arg-type]
        assert told.code in (1, 2, 4), told
        assert "Traceback" not in told.err, told.err
        assert told.out == ""
        assert outputs(self.root) == outputs(self._base)
        assert beside(self.root) - beside(self._base) <= {"reports/2023/failed-public.ipynb"}
        self.is_whole()
        self.has_left_nothing()
        return told

    def is_whole(self) -> None:
        """Each document hashes to its manifest."""
        for path in self.root.glob("reports/**/manifest.json"):
            recorded = json.loads(path.read_bytes())["outputs"]
            found = {name: digest for name, digest in contents(path.parent).items() if name != "manifest.json"}
            assert recorded == found, path

    def has_left_nothing(self) -> None:
        assert list(self._temporary.iterdir()) == []
        pids = self._pids.read_text(encoding="utf-8").split() if self._pids.exists() else []
        end = time.monotonic() + 3
        while left := [pid for pid in map(int, pids) if alive(pid)]:
            assert time.monotonic() < end, [psutil.Process(pid).cmdline() for pid in left]
            time.sleep(0.02)

    def failed(self) -> list[nbformat.NotebookNode]:
        """The cells of the notebook that was left to be looked at."""
        return list(nbformat.read(self.root / "reports/2023/failed-public.ipynb", as_version=4).cells)  # type: ignore[no-untyped-call]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def city(copy: Path, base: Path, clean: Path, builders: Builders, temporary: Path) -> City:
    """With a corrected return, so that there is something to build."""
    shutil.copy2(clean / CORRECTED, copy / CORRECTED)
    return City(copy, base, builders, temporary)


# --- a kernel that hangs -------------------------------------------------------------------------------------------

SECONDS = """
import dataclasses
begin = runner.Client._begin
def own_cells_have_less_time(self, index):
    begin(self, index)
    seconds = 1.5 if "moi-" in str(self.nb.cells[index].get("id")) else 600
    self._watch.limits = dataclasses.replace(self._watch.limits, seconds=seconds)
runner.Client._begin = own_cells_have_less_time
"""
TOO_LONG = (
    "notebooks/annual_report.ipynb, ô 5: chạy quá 1,5 giây chưa xong nên đã bị dừng. Hãy xem có lặp mãi, chờ mạng hay "
    f"chờ tệp nào không, sửa rồi chạy lại; {SAFE}."
)
DAEMON = """
import subprocess, sys, time
away = "import os, sys, time; os.setsid(); open(sys.argv[1], 'a').write(f'{os.getpid()}\\\\n'); time.sleep(1000)"
if os.fork() == 0:  # as daemons do: a session of its own, and no parent
    os.setsid()
    if os.fork() == 0:
        open(PIDS, "a").write(f"{os.getpid()}\\n")
        time.sleep(1000)
    os._exit(0)
start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {away!r}, {PIDS!r}])"
subprocess.Popen([sys.executable, "-c", start])
while open(PIDS).read().count("\\n") < COUNT:
    time.sleep(0.01)
"""
HANGS = {
    "busy in C": "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",  # holds the lock of the interpreter
    "sleeps": "import time\nwhile True:\n    time.sleep(1)",
    "hears no Ctrl-C": "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(1000)",
    "blocks all signals": (
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
        "while True:\n    try:\n        time.sleep(1000)\n    except BaseException:\n        pass"
    ),
    "stops itself": "import signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "waits for a child": "import subprocess\nsubprocess.run(['sleep', '1000'])",
    "waits for input": "import sys\nopen('/proc/self/fd/0').read()\nos.read(os.pipe()[0], 1)",
}


@pytest.mark.parametrize("hang", HANGS)
@pytest.mark.sampled(len(HANGS))
def test_a_cell_that_hangs(hang: str, city: City, clean: Path) -> None:
    city.cell(HANGS[hang])
    told = city.fails(SECONDS)
    assert told == Told(4, "", TOO_LONG + FAILED)
    assert any(cell.source.endswith(HANGS[hang]) for cell in city.failed())
    city.mend()
    assert city.build().code == 0
    assert of_2023(city.root) == of_2023(clean)
    city.has_left_nothing()


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.sampled(2)
def test_what_a_cell_has_set_free_ends_with_its_kernel(warm: bool, city: City) -> None:
    """Daemons, in sessions of their own: of a notebook that hangs, and of one that is well."""
    city.cell(DAEMON.replace("PIDS", repr(str(city.root / "pids"))).replace("COUNT", "3"))
    city.cell("import time\ntime.sleep(1000)", at=PLACE + 1)
    assert "ô 6: chạy quá 1,5 giây" in city.fails(SECONDS.replace("moi-", "moi-6"), warm=warm).err
    assert len((city.root / "pids").read_text(encoding="utf-8").split()) == 4
    change_notebook(city.root, "annual_report", lambda cells: [c for c in cells if c["id"] != f"moi-{PLACE + 1}"])
    (city.root / "pids").unlink()
    assert city.build(warm=warm).code == 0
    city.has_left_nothing()


@pytest.mark.long
def test_an_expression_that_hangs(city: City) -> None:
    city.cell("import time\ndef mãi():\n    time.sleep(1000)")
    city.cell("Chờ {eval}`mãi()`.", "markdown", PLACE + 1)
    told = city.fails(SECONDS)
    assert told == Told(4, "", TOO_LONG.replace("ô 5", "ô 6") + FAILED)


@pytest.mark.long
def test_a_kernel_that_never_starts(city: City, clean: Path) -> None:
    hangs = "import sys, time\nif any('ipykernel_launcher' in word for word in sys.orig_argv):\n    time.sleep(1000)\n"
    (city.root / "sitecustomize.py").write_text(hangs, encoding="utf-8")
    told = city.fails("runner.START_SECONDS = 2", warm=False, command="report 2023 --jobs 1 --cold")
    assert told.err == (
        "notebooks/annual_report.ipynb: nhân Jupyter không chạy được (chưa khởi động xong sau 2 giây). Hãy chạy lại.\n"
    )
    (city.root / "sitecustomize.py").unlink()
    assert city.build().code == 0
    assert of_2023(city.root) == of_2023(clean)


# --- one that eats memory ------------------------------------------------------------------------------------------

MEMORY = "runner.MEMORY = 600 << 20\n"
EATERS = {
    "a cell": "held = []\nwhile True:\n    held.append(b'x' * (20 << 20))",
    "what it has started": (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', "
        "'held = []\\nwhile True:\\n    held.append(b\"x\" * (20 << 20))'])"
    ),
}


@pytest.mark.parametrize("eater", EATERS)
@pytest.mark.sampled(2)
def test_a_cell_that_eats_memory(eater: str, city: City, clean: Path) -> None:
    city.cell(EATERS[eater])
    told = city.fails(MEMORY)
    assert told == Told(
        4,
        "",
        "notebooks/annual_report.ipynb, ô 5: sổ dùng quá 0,6 GB bộ nhớ nên đã bị dừng. Hãy đọc ít dữ liệu hơn, bỏ bảng "
        f"tạm không còn dùng (del) rồi chạy lại; {SAFE}." + FAILED,
    )
    city.mend()
    assert city.build(MEMORY).code == 0  # which is enough for the report as it is
    assert of_2023(city.root) == of_2023(clean)


@pytest.mark.long
def test_memory_that_the_machine_does_not_have(city: City) -> None:
    city.cell("import numpy\nnumpy.ones(10**15)")
    told = city.fails()
    assert told.err.startswith("notebooks/annual_report.ipynb, ô 5: cần nhiều bộ nhớ hơn máy có (Unable to allocate 7")


# --- one that dies -------------------------------------------------------------------------------------------------

DEATHS = {
    "os.kill(os.getpid(), 9)": (
        "nhân Jupyter bị hệ thống dừng giữa chừng, thường vì máy hết bộ nhớ. Hãy đóng bớt chương trình khác, thêm "
        f"--jobs 1 rồi chạy lại; {SAFE}."
    ),
    "import ctypes\nctypes.string_at(0)": (
        "nhân Jupyter hỏng giữa chừng (SIGSEGV), thường do một thư viện mà ô này gọi. Hãy mở sổ bằng build.py lab, "
        f"chạy riêng ô này để xem; {SAFE}."
    ),
    "os._exit(3)": (f"nhân Jupyter tự kết thúc giữa chừng (mã 3). Hãy bỏ lệnh thoát trong ô này rồi chạy lại; {SAFE}."),
    "import sys\nsys.exit(0)": "gọi lệnh thoát nên phần sau của sổ không chạy. Hãy bỏ lệnh ấy rồi chạy lại.",
}


@pytest.mark.long
def test_a_kernel_that_dies(city: City, clean: Path) -> None:
    for death, words in DEATHS.items():
        city.cell(death)
        assert city.fails() == Told(4, "", f"notebooks/annual_report.ipynb, ô 5: {words}{FAILED}")
        city.mend()
    assert city.build().code == 0
    assert of_2023(city.root) == of_2023(clean)


# --- one that prints without end -----------------------------------------------------------------------------------

# The peak of the builder's memory is told beside the build: what is printed must not be held there.
OUTPUT = """
runner.OUTPUT = 1_000_000
runner.LOST = 2
import atexit, resource
from danvan import cli
def main(argv, main=cli.main):
    code = main(argv)
    open("peak", "w").write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10))
    return code
cli.main = main
"""
TOO_MUCH = (
    "notebooks/annual_report.ipynb, ô 5: sổ in ra quá 1 MB nên đã bị dừng. Hãy bỏ lệnh in trong vòng lặp, chỉ hiện "
    f"phần cần xem rồi chạy lại; {SAFE}."
)
PRINTS = {
    "lines": "while True:\n    print('x' * 1000)",
    "displays": "from IPython.display import display\nwhile True:\n    display('x' * 100_000)",
    "cleared again": "from IPython.display import clear_output\nwhile True:\n    print('x')\n    clear_output()",
    "tiny messages": "while True:\n    print(1, flush=True)",
    "below Python": "while True:\n    os.write(1, b'x' * 10_000)",
    "by a child": "import subprocess\nsubprocess.run(['yes'])",
    "one long line, then work": "import time\nprint('x' * 200_000_000, flush=True)\ntime.sleep(4)",
    "to the log": (  # where ipykernel passes on what is written below Python; under pytest it does not
        "import sys\nwhile True:\n    os.write(getattr(sys.stderr, '_original_stdstream_copy', 2), b'x' * 10_000)"
    ),
    "a thread": (
        "import threading, time\ndef on():\n    while True:\n        print('x' * 1000)\n"
        "threading.Thread(target=on, daemon=True).start()\ntime.sleep(30)"
    ),
}


@pytest.mark.parametrize("prints", PRINTS)
@pytest.mark.sampled(3)
def test_a_cell_that_prints_without_end(prints: str, city: City) -> None:
    city.cell(PRINTS[prints])
    assert city.fails(OUTPUT) == Told(4, "", TOO_MUCH + FAILED)
    assert (city.root / "reports/2023/failed-public.ipynb").stat().st_size < 300_000
    peak = int((city.root / "peak").read_text())
    city.mend()
    assert city.build(OUTPUT.replace("1_000_000", "20_000_000")).code == 0
    assert peak < int((city.root / "peak").read_text()) + (50 << 20)


@pytest.mark.long
def test_an_expression_that_says_too_much(city: City) -> None:
    city.cell("dài = 'x' * 100_000_000")
    city.cell("Đây: {eval}`dài`.", "markdown", PLACE + 1)
    assert city.fails(OUTPUT) == Told(4, "", TOO_MUCH.replace("ô 5", "ô 6") + FAILED)


# --- a cell that fails in the middle -------------------------------------------------------------------------------


def test_a_cell_that_fails_in_the_middle(city: City, clean: Path) -> None:
    """With a published edition beside, which stays what it is."""
    edition = city.root / "reports/2023/editions/public-01"
    shutil.copytree(city.root / "reports/2023/public", edition)
    city._base = shutil.copytree(city.root, city.root.with_name("trước"))
    city.cell("print('đến đây')\nopen('/tmp/', 'w')")
    told = city.fails()
    assert "ô 5 chạy lỗi: [Errno 21]" in told.err
    assert told.err.endswith(FAILED)
    said = [output for cell in city.failed() for output in cell.get("outputs", [])]
    assert any(output.get("text") == "đến đây\n" for output in said)
    assert any(output.get("ename") == "IsADirectoryError" for output in said)
    city.mend()
    assert city.build().code == 0
    assert of_2023(city.root) == of_2023(clean)
    assert not (city.root / "reports/2023/failed-public.ipynb").exists()
    city.is_whole()
    city.has_left_nothing()


# --- inputs that vanish --------------------------------------------------------------------------------------------

VANISHING = {  # what goes
    "a return": "data/2023/returns/Đồ Sơn.xlsx",
    "params": "params/2023.yaml",
    "the catalogue": "params/catalogue.yaml",
    "the notebook": "notebooks/annual_report.ipynb",
    "the returns": "data/2023/returns",
    "all notebooks": "notebooks",
    "all data": "data",
}
GOES = """
import os
here = os.environ["DANVAN_ROOT"]  # while the notebook runs, its folder is the current one
def go():
    if os.path.exists(f"{here}/{WHAT}"):
        os.rename(f"{here}/{WHAT}", f"{here}/../đã đi")
"""
MOMENTS = {  # when: before a build; when the first return is read; when the notebook is about to run; while it runs
    "before": "go()",
    "while returns are read": (
        "from danvan.intake import files\nread = files.read\n"
        "def reading(path):\n    go()\n    return read(path)\nfiles.read = reading"
    ),
    "before the notebook runs": (
        "run = runner.run\ndef running(*a, **k):\n    go()\n    return run(*a, **k)\nrunner.run = running"
    ),
    "while the notebook runs": (
        "begin = runner.Client._begin\ndef began(self, index):\n    begin(self, index)\n    index == 6 and go()\n"
        "runner.Client._begin = began"
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.long
def test_an_input_that_vanishes(moment: str, city: City, clean: Path) -> None:
    for what, name in VANISHING.items():
        shutil.rmtree(city.root / ".cache/return", ignore_errors=True)
        shutil.rmtree(city.root / ".cache/year", ignore_errors=True)
        told = city.fails(GOES.replace("WHAT", repr(name)) + MOMENTS[moment])
        assert told.err.strip(), (what, moment)
        assert {"a return": "Đồ Sơn", "params": "params/2023.yaml"}.get(what, "") in told.err, (what, moment)
        (city.root.parent / "đã đi").rename(city.root / name)
    assert city.build().code == 0
    assert of_2023(city.root) == of_2023(clean)


# --- reads that fail, or never end ---------------------------------------------------------------------------------

# As a broken disk does: the file opens, its bytes do not come. Or it cannot even be opened.
READS = """
import builtins, errno, io, os
class Broken(io.FileIO):
    def _no(self, *_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    read = readall = readinto = _no
def broken(file):
    return isinstance(file, (str, os.PathLike)) and os.fspath(file).endswith(WHAT)
def opening(file, mode="r", *more, real=io.open, **options):
    if broken(file) and "w" not in mode:
        if CODE != errno.EIO:
            raise OSError(CODE, os.strerror(CODE), str(file))
        raw = io.BufferedReader(Broken(file))
        return raw if "b" in mode else io.TextIOWrapper(raw, encoding="utf-8")
    return real(file, mode, *more, **options)
io.open = builtins.open = opening
def fdopen(fd, *more, real=os.fdopen, **options):
    if broken(os.readlink(f"/proc/self/fd/{fd}")):
        return io.BufferedReader(Broken(fd))
    return real(fd, *more, **options)
os.fdopen = fdopen
"""
UNREADABLE = {  # end of the name -> what the sentence names
    "returns/Đồ Sơn.xlsx": "Đồ Sơn.xlsx",
    "params/2023.yaml": "2023.yaml",
    "params/catalogue.yaml": "catalogue.yaml",
    "annual_report.ipynb": "annual_report.ipynb",
    "publish/report.html.j2": "report.html.j2",
    "reference/population.csv": "population.csv",
}


@pytest.mark.parametrize("code", ["errno.EIO", "errno.EACCES"])
@pytest.mark.long
def test_a_read_that_fails(code: str, city: City, clean: Path) -> None:
    for name, named in UNREADABLE.items():
        shutil.rmtree(city.root / ".cache", ignore_errors=True)
        told = city.fails(READS.replace("WHAT", repr(name)).replace("CODE", code))
        assert named in told.err, name
        assert any(words in told.err.casefold() for words in ("hãy", "kiểm tra")), told.err
    assert city.build().code == 0
    assert of_2023(city.root) == of_2023(clean)


@pytest.mark.long
def test_a_kept_result_that_cannot_be_read_is_made_again(city: City, clean: Path) -> None:
    for path in (city.root / ".cache").glob("*/*"):
        if path.parent.name != "png":  # many
            path.unlink()
            os.mkfifo(path)  # nobody will ever write into it
    [kept] = list((city.root / ".cache/packets").iterdir()) or [None]
    assert kept is not None
    assert city.build(READS.replace("WHAT", repr(kept.name)).replace("CODE", "errno.EIO")).code == 0
    assert of_2023(city.root) == of_2023(clean)


PIPE = "là tệp đặc biệt của hệ thống, không phải tệp thường nên không được đọc."
PIPES = {
    "data/2023/returns/Đồ Sơn.xlsx": "tệp đặc biệt của hệ thống",
    "params/2023.yaml": f"params/2023.yaml {PIPE}",
    "params/catalogue.yaml": f"params/catalogue.yaml {PIPE}",
    "params/units.csv": f"params/units.csv {PIPE}",
    "data/2023/answers.yaml": "",
    "notebooks/annual_report.ipynb": f"notebooks/annual_report.ipynb {PIPE}",
}


@pytest.mark.long
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(city: City, clean: Path) -> None:
    for name, words in PIPES.items():
        path = city.root / name
        path.rename(city.root / "đã đi")
        os.mkfifo(path)
        if words:
            assert words in city.fails().err, name
        else:
            assert "Traceback" not in city.build().err, name
        path.unlink()
        (city.root / "đã đi").rename(path)
    for path in city.root.glob("reports/2023/public/*.json"):
        path.unlink()
        os.mkfifo(path)
    assert city.build().code == 0
    assert of_2023(city.root) == of_2023(clean)
