"""All cores: the same documents from one process or several, one display, an end that leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ROOT
from test_incremental import (
    Builders,
    Told,
    base,  # noqa: F401 - fixtures
    beside,
    builders,  # noqa: F401
    contents,
    copy,  # noqa: F401
    outputs,
    shared,  # noqa: F401
    without_builds,
)

from danvan.cli import main

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals and terminals of POSIX")

MAIN = "import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))"
BOTH = ("report", "2022", "2023", "--jobs", "2")


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What `condition` gives as soon as that is true."""
    end = time.monotonic() + seconds
    while not (given := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return given


class Build:
    """A build in a process group and with temporary files of its own, as in a terminal."""

    def __init__(self, root: Path, *arguments: str, terminal: int | None = None, **environment: str) -> None:
        self.temporary = root.parent / "tạm"
        self.temporary.mkdir(exist_ok=True)
        unwanted = ("PYTHON", "DANVAN_", "SOURCE_DATE_EPOCH", "WARM_KERNELS", "TERM", "NO_COLOR", "FORCE_COLOR")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        own = {"PYTHONPATH": str(root), "DANVAN_ROOT": str(root), "TMPDIR": str(self.temporary)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *arguments],
            cwd=root,
            env={**kept, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=terminal or subprocess.PIPE,
            stderr=terminal or subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        self.seen: set[psutil.Process] = set()

    def look(self) -> list[psutil.Process]:
        """The processes that belong to it now; all that were ever seen are remembered."""
        try:
            found = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        self.seen |= set(found)
        return found

    def workers(self) -> list[psutil.Process]:
        """Those that build documents."""
        return [one for one in self.look() if "spawn_main" in command(one)]

    def kernels(self) -> list[psutil.Process]:
        """Kernels of notebooks, forked from the zygote."""
        zygotes = {one.pid: one for one in self.look() if " zygote " in command(one)}
        found = []
        for one in zygotes.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                found += [one] if one.ppid() in zygotes else []
        return found

    def told(self) -> Told:
        out, err = self.process.communicate(timeout=120)
        return Told(self.process.returncode, out, err)

    def left(self) -> list[str]:
        """The processes that are still there, after a second."""
        _, alive = psutil.wait_procs(self.seen, timeout=2)
        return [command(one) for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    def files_left(self) -> list[str]:
        """What lies in its folder for temporary files, and in the one for sockets."""
        places = (self.temporary, Path("/tmp"))
        return [path.name for place in places for path in place.glob(f"wk-{self.process.pid}-*")] + [
            path.name for path in self.temporary.glob("danvan-*")
        ]


def command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture
def started(copy: Path) -> Iterator[Callable[..., Build]]:  # noqa: F811
    """Starts a build of the copy; whatever happens, nothing of it outlives the test."""
    builds: list[Build] = []

    def start(*arguments: str, **more: Any) -> Build:
        builds.append(Build(copy, *arguments, **more))
        return builds[-1]

    yield start
    for build in builds:
        build.look()
        for process in (build.process, *build.seen):
            try:
                process.kill()
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        build.process.communicate()


def stale(root: Path) -> None:
    """Change what both reports are made of."""
    with (root / "params/2022.yaml").open("a", encoding="utf-8") as file:
        file.write("# ghi chú\n")


# --- how many ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["report 2023", "trends", "profile 2023"])
@pytest.mark.parametrize("number", ["0", "-1", "1.5", "hai", "", "1e3", "0x2", "٢٣x"])
def test_a_wrong_number_of_jobs(call: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*call.split(), "--jobs", number]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        f"Gọi lệnh sai: --jobs phải là số từ 1 trở lên, không phải “{number}”. Xem: build.py --help\n",
    )


def test_jobs_without_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--jobs"]) == 2
    assert capsys.readouterr().err == "Gọi lệnh sai: --jobs còn thiếu giá trị. Xem: build.py --help\n"
    for call in ("status --jobs 2", "check 2023 --jobs 2"):
        assert main(call.split()) == 2
        assert capsys.readouterr().err.startswith("Gọi lệnh sai: không có tham số “--jobs")


def test_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    from danvan.workers import How, cores

    assert How().jobs == cores() >= 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


# --- the display ---------------------------------------------------------------------------------------------------

STAGES = ("Đọc phiếu", "Chạy sổ", "HTML", "PDF", "Word", "Biểu đồ", "Số liệu", "Ghi tệp")
SLOWEST = r"Chậm nhất: (?:Báo cáo|Phiếu) năm 202[23], \d+(,\d)? giây, trong đó ({}) \d+(,\d)? giây\.\n".format(
    "|".join(STAGES)
)


def shown_on_a_terminal(start: Callable[..., Build], *arguments: str) -> tuple[int, str]:
    """Exit code and all that a terminal of 100 columns was sent."""
    ours, its = pty.openpty()
    build = start(*arguments, terminal=its, TERM="xterm-256color", COLUMNS="100", LINES="30")
    os.close(its)
    received = b""
    while build.process.poll() is None or select.select([ours], [], [], 0)[0]:
        if select.select([ours], [], [], 0.05)[0]:
            try:
                received += os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
    os.close(ours)
    return build.process.wait(), received.decode()


@pytest.mark.long
def test_two_jobs_on_a_terminal(copy: Path, base: Path, started: Callable[..., Build]) -> None:  # noqa: F811
    """Every stage of every report is shown; at the end the slowest is named, and the line of progress is gone."""
    shutil.rmtree(copy / ".cache")
    shutil.rmtree(copy / "reports/2022")
    shutil.rmtree(copy / "reports/2023/public")
    code, shown = shown_on_a_terminal(started, *BOTH)
    assert code == 0, shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    for year in (2022, 2023):
        # Other stages may be shorter than what is between two pictures of the display.
        assert f"Báo cáo năm {year}: Chạy sổ" in plain
    assert re.search(r"Đã xong .*0/2.*còn", plain)
    assert re.search(r"Đã xong .*[12]/2", plain)
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") >= 1  # the cursor is back
    last = plain.replace("\r", "").splitlines(keepends=True)[-3:]
    assert re.fullmatch(SLOWEST, last[0].lstrip()), last
    assert last[1:] == [
        "Đã lập báo cáo năm 2022: reports/2022/public\n",
        "Đã lập báo cáo năm 2023: reports/2023/public; 3 điểm cần xem lại (build.py check 2023)\n",
    ]
    assert outputs(copy) == outputs(base)  # which was built by one job


def test_one_report_with_errors_does_not_stop_the_other(
    copy: Path,  # noqa: F811
    base: Path,  # noqa: F811
    started: Callable[..., Build],
) -> None:
    """By two jobs, and no terminal: words alone, no control characters."""
    (copy / "data/2023/returns/Kiến An.xlsx").write_bytes(b"")
    shutil.rmtree(copy / "reports/2022")
    told = started(*BOTH).told()
    assert (told.code, told.out) == (1, "Đã lập báo cáo năm 2022: reports/2022/public\n")
    slowest, first, *findings = told.err.splitlines(keepends=True)
    assert re.fullmatch(SLOWEST, slowest)
    assert first == "Báo cáo năm 2023: Phiếu năm 2023 có 2 lỗi phải sửa trước.\n"
    assert [line.partition(": ")[0] for line in findings] == ["- Quận Kiến An"] * 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", told.out + told.err)
    assert outputs(copy) == outputs(base)
    assert beside(copy) == beside(base)


@pytest.mark.parametrize("arguments", [("report", "2022", "2023", "--jobs", "1"), BOTH[:3]])
@pytest.mark.long
def test_both_reports_fail(arguments: tuple[str, ...], copy: Path, started: Callable[..., Build]) -> None:  # noqa: F811
    """Each says why; the exit code is that of the first."""
    (copy / "data/2022/returns/Kiến An.xlsx").write_bytes(b"")
    with (copy / "params/2023.yaml").open("a", encoding="utf-8") as file:
        file.write("teme: x\n")
    told = started(*arguments).told()
    assert (told.code, told.out) == (1, "")
    assert "Báo cáo năm 2022: Phiếu năm 2022 có 2 lỗi phải sửa trước.\n" in told.err
    assert "Báo cáo năm 2023: params/2023.yaml, dòng " in told.err


@pytest.mark.long
@pytest.mark.parametrize("jobs", ["1", "50"])
def test_any_number_of_jobs_gives_the_same(jobs: str, base: Path, tmp_path: Path, builders: Builders) -> None:  # noqa: F811
    root = without_builds(base, tmp_path / "bản sao")
    told = builders.run(root, f"report 2022 2023 --jobs {jobs}", "trends", f"profile 2023 --jobs {jobs}")
    assert [one.code for one in told] == [0, 0, 0], told
    assert told[2].out == "Hồ sơ đơn vị năm 2023: lập 7, 0 đã mới nhất: reports/2023/profiles\n"
    made, wanted = outputs(root), outputs(base)
    assert {name: made[name] for name in wanted} == wanted
    again = builders.run(root, f"profile 2023 --force --jobs {3 - int(jobs) if jobs in '12' else 2}")
    assert again[0].out == "Hồ sơ đơn vị năm 2023: lập 7, 0 đã mới nhất: reports/2023/profiles\n"
    assert outputs(root) == made


# --- an end before its time ------------------------------------------------------------------------------------------


def moment(build: Build, when: str) -> None:
    """Wait for a moment of a build by two jobs."""
    if when == "workers import":
        until(build.workers)
        time.sleep(0.15)
    elif when == "notebooks run":
        until(lambda: build.kernels() and build.workers())  # while it imports, a zygote may have a child, too
        time.sleep(0.3)
        build.look()
    else:
        time.sleep(float(when))
        build.look()


STOPPED = "Đã dừng theo yêu cầu; báo cáo cũ còn nguyên.\n"


def finished(root: Path, begun_from: Path) -> set[str]:
    """What had been built anew by the end, which is whole; all else is as it was."""
    before, now = outputs(begun_from), outputs(root)
    assert set(now) == set(before)
    changed = {place for place, found in now.items() if found != before[place]}
    for place in changed:
        recorded = json.loads((root / place / "manifest.json").read_bytes())["outputs"]
        assert {name: now[place][name] for name in recorded} == recorded
    return changed


LEFT_UNDONE = """
import signal, threading
from danvan.processes import end_at_ctrl_c
def halves():
    try:
        yield
    finally:
        raise ValueError("half written")
end_at_ctrl_c()
half = halves()
next(half)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    half = None
    thread = threading.Thread(target=lambda: [][0])
    thread.start()
    thread.join()
"""


def test_what_ctrl_c_leaves_undone_says_nothing() -> None:
    """A workbook half written, a thread whose module is half imported: each would show a traceback."""
    done = subprocess.run([sys.executable, "-c", LEFT_UNDONE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("when", ["notebooks run", "workers import", "1.5", "2.5", "4", "6"])
@pytest.mark.sampled(6)
def test_ctrl_c(when: str, copy: Path, base: Path, started: Callable[..., Build]) -> None:  # noqa: F811
    """One sentence, soon; no process, no temporary file, no half-built folder is left, and the old reports stand."""
    stale(copy)
    build = started(*BOTH)
    moment(build, when)
    os.killpg(build.process.pid, signal.SIGINT)
    begun = time.monotonic()
    told = build.told()
    assert time.monotonic() - begun < 10
    if not (when == "6" and told.code == 0):  # a fast machine has nothing left to stop by then
        assert told == Told(130, "", STOPPED)
    assert build.left() == []
    assert build.files_left() == []
    assert not finished(copy, base) or when != "workers import"
    assert [path.name for path in (copy / "reports").rglob(".*") if path.name != ".lock"] == []
    assert beside(copy) == beside(base)


@pytest.mark.long
def test_ctrl_c_twice(copy: Path, base: Path, started: Callable[..., Build]) -> None:  # noqa: F811
    """Somebody who has no patience."""
    stale(copy)
    build = started(*BOTH)
    moment(build, "notebooks run")
    for _ in range(3):
        if build.process.poll() is None:
            os.killpg(build.process.pid, signal.SIGINT)
        time.sleep(0.1)
    told = build.told()
    assert told.code == 130
    assert "Traceback" not in told.err
    assert build.left() == []
    finished(copy, base)
    assert [path.name for path in (copy / "reports").rglob(".*.old")] == []


@pytest.mark.long
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_among_profiles(jobs: str, copy: Path, base: Path, started: Callable[..., Build]) -> None:  # noqa: F811
    """The profiles that were finished stay; the next run builds the others, and all is as if nothing had happened."""
    build = started("profile", "2023", "--jobs", jobs)
    until(lambda: len(list((copy / "reports/2023/profiles").glob("[!.]*/manifest.json"))) >= 3)
    build.look()
    os.killpg(build.process.pid, signal.SIGINT)
    assert build.told() == Told(130, "", STOPPED)
    assert build.left() == []
    assert build.files_left() == []
    wanted = outputs(base)
    assert {name: found for name, found in outputs(copy).items() if name in wanted} == wanted
    told = started("profile", "2023").told()
    assert told.code == 0
    done = re.search(r"lập (\d+), (\d+) đã mới nhất", told.out)
    assert done is not None
    assert int(done[1]) + int(done[2]) == 7
    assert int(done[2]) >= 3


KILLED = "Một tiến trình con bị hệ thống dừng, có thể vì hết bộ nhớ. Hãy chạy lại với --jobs nhỏ hơn.\n"


@pytest.mark.parametrize("when", ["notebooks run", "workers import"])
@pytest.mark.long
def test_a_killed_worker(when: str, copy: Path, base: Path, started: Callable[..., Build]) -> None:  # noqa: F811
    """As the system does when memory runs out: told in words, the old reports stand, the next run is right."""
    stale(copy)
    build = started(*BOTH)
    moment(build, when)
    build.workers()[0].send_signal(signal.SIGKILL)
    told = build.told()
    assert (told.code, told.out) == (4, "")
    lines = [line for line in told.err.splitlines(keepends=True) if not line.startswith("Chậm nhất: ")]
    assert lines == [f"Báo cáo năm {year}: {KILLED}" for year in (2022, 2023)]
    assert build.left() == []
    assert outputs(copy) == outputs(base)
    told = started(*BOTH).told()
    assert told.code == 0, told
    assert told.out.startswith("Đã lập báo cáo năm 2022")
    assert beside(copy) == beside(base)
    # A remark in params changes no word; but the page names the digest of params.
    pages = [f"reports/{year}/public/bao-cao-{year}.{kind}" for year in (2022, 2023) for kind in ("pdf", "docx")]
    assert [contents(copy)[page] for page in pages] == [contents(base)[page] for page in pages]
