"""How long all years take, and how much memory, where units, indicators and years are many.

Run: .venv/bin/python benchmarks/load.py [UNITS INDICATORS YEARS]    (default: both shapes of docs/performance.md)

Each shape is a synthetic project (tests/loaded.py) in a folder that goes afterwards. Counted are the reports of all
years, public edition, and the long view, each a `build.py` of its own, from nothing; memory is the most that the
command and all its processes had at once (PSS).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import loaded  # noqa: E402

SHAPES = ((15, 100, 10), (114, 58, 5))
COMMANDS = ("report --all", "trends")
MAIN = "import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))"


def main(shapes: tuple[tuple[int, ...], ...]) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {time.strftime('%F')}")
    for units, indicators, years in shapes:
        with tempfile.TemporaryDirectory(prefix="load-") as folder:
            project = loaded.project(Path(folder, "project"), units, indicators, years)
            for command in COMMANDS:
                before = additions()
                seconds, work, memory = built(project.root, command)
                print(
                    f"{units:4} x {indicators:3} x {years:2}  {command:13} {seconds:6.0f} s  {work:6.0f} s of CPU  "
                    f"{memory:5.0f} MB  (10^7 additions: {before:.1f} and {additions():.1f} s)",
                    flush=True,
                )


def additions() -> float:
    """How quick the machine is just now: the seconds that ten million additions take."""
    start, total = time.perf_counter(), 0
    for number in range(10**7):
        total += number
    return time.perf_counter() - start


def built(root: Path, command: str) -> tuple[float, float, float]:
    """Seconds, seconds of CPU, and the most memory (MB) of one command in a fresh process."""
    environment = {**os.environ, "DANVAN_ROOT": str(root), "PYTHONPATH": str(root)}
    start, before = time.perf_counter(), os.times()
    started = [sys.executable, "-c", MAIN, *command.split()]  # of `-c`, the folder it runs in comes first: the copy's
    process = subprocess.Popen(started, env=environment, cwd=root, stdout=sys.stderr)
    with loaded.greatest(process.pid) as memory:
        assert process.wait() == 0, command
    after = os.times()
    work = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, work, memory[0]


if __name__ == "__main__":
    main((tuple(map(int, sys.argv[1:])),) if sys.argv[1:] else SHAPES)
