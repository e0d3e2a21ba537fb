"""Unbreakable: whatever stops a run, what readers see is whole, and the next start makes what was to be made.

A tiny year with an edition of each kind published, one of whose returns has been corrected since: the run that is
disturbed builds it anew and publishes it as a revision. Most trials begin with everything in the cache but what the
disturbed stage makes: so each takes the time of that stage alone.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import psutil
import pytest
from faults import Point
from filelock import FileLock
from test_incremental import PRELOAD, Builders, Running, Told, contents, documents, set_value, small_project, stages

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc, mounts, fork"),
]

TESTS = Path(__file__).parent
UNITS = {"HP-303", "HP-309", "HP-311", "HP-CITY"}
CELLS = {
    "annual_report": ("tham-so", "mo-so", "mo-dau", "bieu-do-ii-2"),
    "trends": ("o-1", "o-2"),
    "unit_profile": ("o-1", "o-2"),
}
OURS = (
    *("danvan", "danvan.cli", "danvan.pipeline", "danvan.editions", "danvan.exchange", "danvan.runner", "danvan.trace"),
    *("danvan.intake.year", "danvan.publish.exporters", "danvan.publish.pdf", "danvan.publish.docx"),
    *(
        "danvan.publish.dataset",
        "danvan.publish.site",
        "danvan.publish.board",
        "danvan.intake.replies",
        "danvan.scheduled",
    ),
)
OFFICE, REASON = "Công_an_thành_phố", "--revision Quận_gửi_lại_phiếu"
REPORTS = ("report 2023 --jobs 1", "report 2023 --jobs 1 --edition internal", "report 2022 --jobs 1")
APPROVE, INTERNAL = f"approve 2023 --office {OFFICE} --hash HASH", "publish 2023 --edition internal"
# What is run, command by command, until all is published. Every one may be run again, whatever came of it before.
RUNS: dict[str, tuple[str, ...]] = {
    "scheduled": ("scheduled", f"{APPROVE} {REASON}", "scheduled"),
    "by hand": (REPORTS[1], f"{INTERNAL} {REASON}"),
}
every_run = pytest.mark.parametrize("tiny", RUNS, indirect=True)
TOLD_BY_CLOCK = ("reports/status.json", "reports/log/")  # hold times, so they are never the same
SLICES = 8


# --- the tiny year -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tiny:
    """Where a disturbed run begins, and what an undisturbed one does.

    `allowed`: by place, what it shows there at one time or another; `always`: places that are never empty. `steps`: the
    same of each of its commands, begun where the one before has ended; only those have points.
    """

    start: Path
    commands: tuple[str, ...]
    final: Mapping[str, str]
    allowed: Mapping[str, frozenset[str]]
    always: frozenset[str]
    points: tuple[Point, ...] = ()
    steps: tuple[Tiny, ...] = ()


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builders]:
    """Builds by the danvan of this repository, which is loaded already, and has read its own format profiles."""
    paths = os.pathsep.join(map(str, (TESTS.parent, TESTS)))
    made = Builders(tmp_path_factory.mktemp("builds"), (*PRELOAD, *OURS, "profiles_read"), PYTHONPATH=paths)
    yield made
    made.close()


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "faults"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", params=["scheduled"])
def tiny(request: pytest.FixtureRequest, room: Path, quick: Builders) -> Tiny:
    """Of a run by hand, the points are those that a scheduled one does not have."""
    here = prepared(room, request.param, quick)
    told = json.loads((here / "told.json").read_text(encoding="utf-8"))
    known = () if request.param == "scheduled" else points_in(prepared(room, "scheduled", quick))
    states, commands, finals = told["states"], told["commands"], told["finals"]
    allowed = {place: frozenset(state[place] for state in states if place in state) for place in set().union(*states)}
    always = frozenset(set(states[0]).intersection(*states[1:]))
    steps = tuple(
        Tiny(here / f"start {n}", (command,), final, allowed, always, points_in(here, n, known=known))
        for n, (command, final) in enumerate(zip(commands, finals, strict=True))
    )
    assert any(step.points for step in steps)
    return Tiny(steps[0].start, tuple(commands), finals[-1], allowed, always, steps=steps)


def prepared(room: Path, of_run: str, quick: Builders) -> Path:
    """The folder in which a run is prepared, once for all processes of this test run."""
    here, published, unfinished = room / of_run, room / "published", room / "unfinished"
    with FileLock(room / "prepared.lock"):
        if not published.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            _publish(unfinished, quick)
            unfinished.rename(published)
        if not here.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            _prepare(copied(published, unfinished / "warm"), unfinished, RUNS[of_run], quick)
            unfinished.rename(here)
    return here


def points_in(here: Path, step: int | str = "*", known: Sequence[Point] = ()) -> tuple[Point, ...]:
    """Those of a step, or of all, of which none is known by the same kind, place and stage."""
    lines = [line for file in here.glob(f"points {step}") for line in file.read_text(encoding="utf-8").splitlines()]
    same = {one[:3] for one in known}
    return tuple(one for one in (Point(*json.loads(line)) for line in lines) if one[:3] not in same)


def _publish(folder: Path, quick: Builders) -> None:
    """The tiny year with its editions, and a return that has been corrected since."""
    root = small_project(folder, UNITS, CELLS)
    shutil.rmtree(root / "danvan")
    shutil.rmtree(root / ".cache", ignore_errors=True)
    _sound(run(quick, root, *REPORTS))
    _sound(run(quick, root, approved(root, APPROVE), "publish 2023", INTERNAL))
    set_value(root, 2023, "Hồng Bàng", "tips_received", 407)
    answer_all(root)


def _prepare(warm: Path, here: Path, of_run: tuple[str, ...], quick: Builders) -> None:
    # An undisturbed run, command by command: where each begins, what is there afterwards.
    states, finals, commands = [shown(warm)], [], []
    for number, command in enumerate(of_run):
        copied(warm, here / f"start {number}", ".cache")
        commands.append(approved(warm, command))
        _sound(run(quick, warm, commands[-1]))
        states.append(shown(warm))
        finals.append(everything(warm))
    for document in documents(warm):
        assert hashes_to_manifest(document)
    # Once more, each in a place of its own, the first with nothing kept: its points.
    for number, command in enumerate(commands):
        start = here / f"start {number}"
        shutil.copytree(warm / ".cache", start / ".cache")
        root = copied(start, here / "counted", *() if number else (".cache",))
        with temporary() as temp:
            counted = before("count", str(here / f"points {number}"))
            _sound(run(quick, root, command, temp=temp, before=counted, warm=False))
            assert not [path.name for path in temp.iterdir()]
        assert everything(root) == finals[number]
        shutil.rmtree(root)
    shutil.rmtree(warm)
    told = json.dumps({"commands": commands, "states": states, "finals": finals}, ensure_ascii=False)
    (here / "told.json").write_text(told, encoding="utf-8")


def approved(root: Path, command: str) -> str:
    """The command with the hash of the public build in it."""
    return command.replace("HASH", digest_of((root / "reports/2023/public/manifest.json").read_bytes()))


def answer_all(root: Path) -> None:
    """Answer every warning of 2023: a workbook sent back to its unit takes longer than all else."""
    from danvan.intake.year import read_year
    from danvan.paths import Project

    office = "office: Công an quận Hải An, reason: Mở thêm chuyên mục phát thanh."
    found = [f"  - {{finding: {one.id}, {office}}}" for one in read_year(Project(root), 2023).findings]
    (root / "data/2023/answers.yaml").write_text("\n".join(["answers:", *found, ""]), encoding="utf-8")


def copied(root: Path, to: Path, *left_out: str) -> Path:
    return shutil.copytree(root, to, symlinks=True, ignore=shutil.ignore_patterns(*left_out))


def _sound(told: list[Told]) -> None:
    assert told, "was killed"
    assert {one.code for one in told} == {0}, told


def before(do: str, *given: object) -> str:
    """The code with which a build's process begins."""
    return f"import sys\nsys.path.insert(0, {str(TESTS)!r})\nimport faults\nfaults.{do}{given!r}"


def run(quick: Builders, root: Path, *commands: str, temp: Path | None = None, **more: object) -> list[Told]:
    return started(quick, root, *commands, temp=temp, **more).wait()


def started(quick: Builders, root: Path, *commands: str, temp: Path | None = None, **more: object) -> Running:
    own = {"PYTHONPATH": str(TESTS.parent), "SOURCE_DATE_EPOCH": "1704067200"} | more
    own |= {"TMPDIR": str(temp)} if temp else {}
    own["before"] = f"import tempfile\ntempfile.tempdir = None  # else the server's\n{more.get('before', '')}"
    return quick.start(root, *commands, **own)


@contextmanager
def temporary() -> Iterator[Path]:
    """A system's folder for temporary files of our own; its path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="f-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- what must hold ------------------------------------------------------------------------------------------------


def hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def shown(root: Path) -> dict[str, str]:
    """What a reader finds, by place: each document as a whole, the year's figures, and what lies beside."""
    own = [folder for folder in documents(root) if not hidden(folder, root)]
    found = {folder: digest_of(json.dumps(contents(folder))) for folder in own}
    for path in (root / "reports").rglob("*"):
        if path.is_file() and not hidden(path, root) and not any(folder in path.parents for folder in own):
            found[path] = digest_of(path.read_bytes())
    places = {path.relative_to(root).as_posix(): digest for path, digest in found.items()}
    return {place: digest for place, digest in places.items() if not place.startswith(TOLD_BY_CLOCK)}


def digest_of(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def everything(root: Path) -> dict[str, str]:
    """Digest of each file of the project, but for the cache, the locks and what tells the time."""
    left_out = (".cache/", *TOLD_BY_CLOCK)
    return {name: digest for name, digest in contents(root).items() if not name.startswith(left_out)}


def hashes_to_manifest(folder: Path) -> bool:
    if folder.parent.name == "figures":
        return True
    outputs = json.loads((folder / "manifest.json").read_bytes())["outputs"]
    there = {name: digest for name, digest in contents(folder).items() if name in outputs}
    return there == outputs and contents(folder).keys() - outputs <= {"manifest.json", "revision.json", "approval.json"}


def require_whole(root: Path, tiny: Tiny) -> None:
    """What readers see is what an undisturbed run shows at some time; nothing that was there has gone."""
    now = shown(root)
    for place, digest in now.items():
        assert digest in tiny.allowed.get(place, ()), f"{place} is neither what it was nor what it was to be"
    for place in tiny.always - now.keys():
        path = root / place
        old = path.with_name(f".{path.name}.old")  # between the two renames: the next start takes it back
        assert old.is_dir(), f"{place} has gone"
        assert old.parent.name == "figures" or hashes_to_manifest(old)
    for folder in documents(root):
        assert hidden(folder, root) or hashes_to_manifest(folder), folder
    if (status := root / TOLD_BY_CLOCK[0]).exists():
        assert json.loads(status.read_bytes())["state"] in ("running", "done")
    for link in re.findall(r'(?:href|src)="([^"#:]+)"', (root / "reports/index.html").read_text(encoding="utf-8")):
        assert (root / "reports" / unquote(link)).exists() or any((root / "reports").glob("*/.*.old")), link


def require_private(temp: Path) -> None:
    """What a dead run leaves among the system's temporary files, nobody else can read."""
    for path in temp.iterdir():
        assert not stat.S_IMODE(path.lstat().st_mode) & 0o077, f"{path.name} can be read by others"


def require_alone(root: Path, temp: Path) -> None:
    """No process of the run lives on."""
    end = time.monotonic() + 10
    while living := [process for process in psutil.process_iter() if is_at_work(process, root, temp)]:
        assert time.monotonic() < end, living
        time.sleep(0.02)


def is_at_work(process: psutil.Process, *places: Path) -> bool:
    """Whether it is in one of these folders, or was started with its temporary files there."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        folders = (Path(process.cwd()), Path(process.environ().get("TMPDIR", "")))
    except psutil.Error:
        return False
    return any(folder.is_relative_to(place) for folder in folders for place in places)


def require_next_start(quick: Builders, root: Path, tiny: Tiny, temp: Path) -> None:
    """All goes well, and all is there as if nothing had been; nothing else is."""
    told = run(quick, root, *tiny.commands, temp=temp)
    assert [one.code for one in told] == [0] * len(tiny.commands), told
    assert everything(root) == tiny.final
    if "scheduled" in tiny.commands:
        status = json.loads((root / TOLD_BY_CLOCK[0]).read_bytes())
        assert (status["state"], status["exit_code"]) == ("done", 0)
        assert {path.name for path in root.glob(f"{TOLD_BY_CLOCK[1]}*")} == {"scheduled.jsonl", ".scheduled.jsonl.lock"}
        for line in (root / f"{TOLD_BY_CLOCK[1]}scheduled.jsonl").read_bytes().splitlines():
            json.loads(line)
    assert not [path.name for path in temp.iterdir()]


# --- at every point ------------------------------------------------------------------------------------------------


@contextmanager
def trial(step: Tiny, tmp_path: Path, point: Point) -> Iterator[tuple[Path, Path, bool]]:
    """The project as a run finds it that has to make what is made at this point; temporary files; warm or not."""
    root = copied(step.start, tmp_path / "dự án")
    if point.stage:
        shutil.rmtree(root / ".cache" / point.stage)
        if point.stage == "return":
            shutil.rmtree(root / ".cache/year")
    if point.kind == "mkdir" and point.place == ".cache":
        shutil.rmtree(root / ".cache")
    with temporary() as temp:
        # Only a run that needs a kernel has a zygote of its own, which takes its time.
        yield root, temp, not (point.place == "zygote" or (point.place.startswith("TEMP/wk-") and not point.stage))
    shutil.rmtree(root)


def points_of(tiny: Tiny) -> list[tuple[Tiny, Point]]:
    """Each point, with the step in which it is."""
    return [(step, point) for step in tiny.steps for point in step.points]


def unlike(points: Sequence[tuple[Tiny, Point]]) -> list[tuple[Tiny, Point]]:
    """One of each sort: what is written alike, in a folder or in that of another year or edition, is refused alike."""

    def sort(one: Point) -> tuple[str, str, str]:
        return one.kind, one.stage, re.sub(r"\d+|public|internal", "*", one.place.rpartition("/")[0] or one.place)

    return list({sort(point): (step, point) for step, point in points}.values())


@every_run
@pytest.mark.parametrize("number", range(SLICES))
def test_killed_at_every_point(number: int, tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """Every write (half done), fsync, rename, new folder, removal, start of a process."""
    wrong = []
    for step, point in points_of(tiny)[number::SLICES]:
        with trial(step, tmp_path, point) as (root, temp, warm):
            told = run(quick, root, *step.commands, temp=temp, before=before("die", point.name), warm=warm)
            try:
                assert told == [], "was not reached"
                require_whole(root, step)
                require_private(temp)
                require_alone(root, temp)
                require_next_start(quick, root, step, temp)
            except AssertionError as error:
                wrong.append(f"{point.name}: {str(error)[:600]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("number", range(SLICES))
def test_refused_at_every_point(number: int, tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """The system refuses: the run ends with a sentence and code 4, or has done without."""
    wrong = []
    for turn, (step, point) in enumerate(unlike(points_of(tiny))[number::SLICES]):
        with trial(step, tmp_path, point) as (root, temp, warm):
            reached = tmp_path / "reached"
            refused = before("refuse", point.name, (errno.ENOSPC, errno.EIO)[turn % 2], str(reached))
            told = run(quick, root, *step.commands, temp=temp, before=refused, warm=warm)
            try:
                assert reached.exists(), "was not reached"
                require_told(told)
                require_whole(root, step)
                require_alone(root, temp)
                require_next_start(quick, root, step, temp)
            except AssertionError as error:
                wrong.append(f"{point.name}: {str(error)[:600]}")
            reached.unlink(missing_ok=True)
    assert not wrong, "\n".join(wrong)


def require_told(told: Sequence[Told]) -> None:
    """A command that could not do its work says so with code 4, and never by a traceback."""
    assert not [one for one in told if "Traceback" in one.err or "Exception" in one.err], told
    assert {one.code for one in told} <= {0, 4}, told
    assert all(one.out + one.err for one in told if one.code), told


# --- at any moment -------------------------------------------------------------------------------------------------

MADE = ("year", "notebook", "html", "pdf", "docx", "png", "xlsx", "csv")


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_random_moments(seed: int, tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """25 times `kill -9`, in every second case of all processes of its group at once.

    Five times in a row what the killed run left is what the next one finds and is killed over.
    """
    chance, killed, tried = random.Random(seed), 0, 0
    lengths: dict[str, float] = {}  # of a run that makes this stage anew
    while killed < 25:
        root = copied(tiny.start, tmp_path / "dự án")
        with temporary() as temp:
            for _ in range(5):
                tried += 1
                assert tried < 100
                stage = chance.choice(MADE)
                shutil.rmtree(root / ".cache" / stage, ignore_errors=True)
                begin = time.monotonic()
                warm = chance.random() < 0.9  # else the run has a zygote of its own
                running = started(quick, root, *tiny.commands, temp=temp, warm=warm)
                with suppress(ProcessLookupError):
                    time.sleep(chance.uniform(0, lengths.get(stage, 1)))
                    (os.killpg if killed % 2 else os.kill)(running.pid, signal.SIGKILL)
                told = running.wait()
                killed += not told
                require_whole(root, tiny)
                require_private(temp)
                require_alone(root, temp)
                if told:
                    _sound(told)
                    lengths[stage] = time.monotonic() - begin
                    break  # all is published: there is nothing left to disturb
            require_next_start(quick, root, tiny, temp)
        shutil.rmtree(root)


# --- a disk that is full, or refuses to be written -----------------------------------------------------------------


@contextmanager
def mounted(*arguments: str | Path) -> Iterator[None]:
    """Something mounted at the last of the arguments; where that is not allowed, the test is skipped."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root may mount")
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(arguments[-1])], check=True)


@contextmanager
def on_small_disk(folder: Path, size: int) -> Iterator[None]:
    """What lies in the folder, on a disk of so many bytes."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    with mounted("-t", "tmpfs", "-o", f"size={size},mode=700", "none", folder):
        shutil.copytree(aside, folder, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(aside)
        yield


@pytest.mark.parametrize("free", [*range(0, 1_200_000, 120_000), 2_500_000])
def test_full_disk(free: int, tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """A disk of 5 MB below reports/ becomes full at one stage or another; then there is space again."""
    root = copied(tiny.start, tmp_path / "dự án")
    with on_small_disk(root / "reports", 5_000_000), temporary() as temp:
        full = root / "reports/đầy.bin"
        full.write_bytes(bytes(max(0, shutil.disk_usage(root / "reports").free - free)))
        told = run(quick, root, *tiny.commands, temp=temp, until_failure=True)
        full.unlink()
        require_told(told)
        failed = [one for one in told if one.code]
        assert failed if free < 480_000 else not failed or free < 2_500_000, told
        assert not failed or "Hết chỗ trên đĩa" in words(failed[0]), told
        require_whole(root, tiny)
        require_next_start(quick, root, tiny, temp)


def words(told: Told) -> str:
    """What a command said, in one line."""
    return " ".join((told.out + told.err).split())


def test_full_disk_of_temporary_files(tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    root = copied(tiny.start, tmp_path / "dự án")
    for stage in ("notebook", "docx", "xlsx"):
        shutil.rmtree(root / ".cache" / stage)
    with temporary() as temp:
        for size in (4096, 16384):
            with mounted("-t", "tmpfs", "-o", f"size={size},mode=700", "none", temp):
                told = run(quick, root, *tiny.commands, temp=temp, until_failure=True)
                require_told(told)
                assert told[0].code == 4, told
                assert "Hết chỗ trên đĩa" in words(told[0]), told
                require_whole(root, tiny)
        require_next_start(quick, root, tiny, temp)


@pytest.mark.parametrize("target", ["reports", "reports/2023", "reports/2023/editions", "figures", "data", ".cache"])
def test_read_only(target: str, tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """What cannot be written is told; the cache nobody misses."""
    root = copied(tiny.start, tmp_path / "dự án")
    shutil.rmtree(root / ".cache/html")
    place = root / target
    with temporary() as temp:
        with mounted("--bind", place, place):
            subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
            told = run(quick, root, *tiny.commands, temp=temp, until_failure=True)
        require_told(told)
        failed = [one for one in told if one.code]
        assert bool(failed) == (target != ".cache"), told
        assert not failed or re.search("Read-only|Máy không cho đọc hoặc ghi|Không ghi được", words(failed[0])), told
        require_whole(root, tiny)
        require_next_start(quick, root, tiny, temp)


# --- a clock that jumps --------------------------------------------------------------------------------------------


def test_clock_jumps(tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """Ten years ahead and, in the middle of a run, twenty back; files of the future: nothing is lost."""
    root = copied(tiny.start, tmp_path / "dự án")
    shutil.rmtree(root / ".cache/notebook")
    years = 3653
    with temporary() as temp:
        clock = before("set_clock", years, -years)
        _sound(run(quick, root, *tiny.commands, temp=temp, before=clock))
        require_as_final(root, tiny)
        notebooks = stages(root)["notebook"]
        for folder in ("reports", "figures", "params", "data"):
            for path in (root / folder).rglob("*"):
                os.utime(path, (2**32, 2**32))
        for days in (0, -years, years, 0):
            shutil.rmtree(root / "reports/2023/public")
            clock = before("set_clock", days, days)
            # A published year the scheduled run leaves alone, so this build is asked for.
            _sound(run(quick, root, REPORTS[0], *tiny.commands, temp=temp, before=clock))
            [told] = run(quick, root, "check 2023", temp=temp, before=clock, SOURCE_DATE_EPOCH="")
            assert (told.code, re.findall(r"-\d+ ngày", told.out)) == (0, []), told
            require_as_final(root, tiny)
            assert stages(root)["notebook"] & notebooks  # what a run has used, no wrong clock takes away


def require_as_final(root: Path, tiny: Tiny) -> None:
    """All but the board is as it was to be: that one tells the day of the last check."""
    final = {name: digest for name, digest in tiny.final.items() if name != "reports/2023/board.html"}
    assert {name: digest for name, digest in everything(root).items() if name in final} == final


# --- several starts ------------------------------------------------------------------------------------------------


@contextmanager
def holding(quick: Builders, root: Path, temp: Path, until: str = "") -> Iterator[Running]:
    """A build that stays in the middle of its notebook, with the lock."""
    shutil.rmtree(root / ".cache/notebook")
    held = root.parent / "held"
    running = started(quick, root, REPORTS[0], temp=temp, before=before("hold", str(held), until), warm=False)
    end = time.monotonic() + 120
    while not held.exists():
        assert time.monotonic() < end
        assert psutil.pid_exists(running.pid)
        time.sleep(0.01)
    try:
        yield running
    finally:
        if psutil.pid_exists(running.pid):
            running.kill()


OTHERS = (
    *("report 2023", "report 2022", "report --all", "report 2023 --edition internal", "report 2023 --force"),
    *("report 2023 --cold", "trends", "trends --edition internal", "profile 2023", "profile 2023 Q.Hồng_Bàng"),
    *("publish 2023", "publish 2023 --edition internal", "site", "report 2023 --jobs 2", "report 2022 2023"),
    *("report 2022 --edition internal", "site --out chép", "trends --force", "publish 2023 --revision x"),
)


def test_twenty_starts_at_once(tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """One runs; each of the nineteen others, whatever it was to do, ends with code 3 and says so."""
    root, go = copied(tiny.start, tmp_path / "dự án"), tmp_path / "go"
    with temporary() as temp, holding(quick, root, temp, str(go)) as running:
        assert len(OTHERS) == 19
        others = [started(quick, root, command, temp=temp) for command in OTHERS]
        for command, other in zip(OTHERS, others, strict=True):
            [told] = other.wait()
            assert (told.code, told.err) == (3, ALREADY), command
        go.touch()
        _sound(running.wait())
        require_next_start(quick, root, tiny, temp)


ALREADY = "Một lần lập báo cáo khác đang chạy. Hãy đợi nó xong rồi chạy lại.\n"


def test_twenty_starts_in_a_race(tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """At least one runs; who comes too early is told so, who comes later finds it done. Nothing is published twice."""
    root = copied(tiny.start, tmp_path / "dự án")
    with temporary() as temp:
        running = [started(quick, root, *tiny.commands, temp=temp) for _ in range(20)]
        told = [one.wait() for one in running]
        assert {one.code for commands in told for one in commands} <= {0, 2, 3, 5}, told
        assert [commands for commands in told if commands[0].code == 0], told
        require_whole(root, tiny)
        require_next_start(quick, root, tiny, temp)


def test_lock_holder_killed(tiny: Tiny, quick: Builders, tmp_path: Path) -> None:
    """Its processes live on, stopped; none of them has the lock, and the next start runs at once."""
    root = copied(tiny.start, tmp_path / "dự án")
    with temporary() as temp, holding(quick, root, temp) as running:
        children = psutil.Process(running.pid).children(recursive=True)
        assert len(children) >= 3, children  # zygote, kernel, typesetter
        for child in children:
            child.suspend()
        running.kill()
        running.wait()
        require_stopped(children)
        own = Path(tempfile.mkdtemp(prefix="f-", dir="/tmp"))
        _sound(run(quick, root, *tiny.commands, temp=own))
        own.rmdir()
        assert everything(root) == tiny.final
        require_stopped(children)
        for child in children:
            child.resume()
        require_alone(root, temp)


def require_stopped(processes: Sequence[psutil.Process]) -> None:
    """Each is stopped, once it has heard of it."""
    end = time.monotonic() + 10
    while {process.status() for process in processes} != {psutil.STATUS_STOPPED}:
        assert time.monotonic() < end, processes
        time.sleep(0.02)
