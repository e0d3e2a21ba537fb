"""A synthetic project of any size: so many units, indicators and years. Invented numbers, marked illustrative.

    .venv/bin/python tests/loaded.py FOLDER 15 100 10

Names, forms, checks and notebooks are the project's own; units and years beyond those it has are made of them.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import ascii_uppercase
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import psutil  # noqa: E402
from conftest import copy_project  # noqa: E402

from danvan.catalogue import load_catalogue  # noqa: E402
from danvan.paths import Project  # noqa: E402

LAST = 2026  # the last of the years
SEED = 7
# Of which time the units are, and how many there are of them.
OLD, NEW = ("2020-01-01", 15), ("2025-07-01", 114)
_INDICATOR = """\
  - code: synthetic_{number:03}
    name: "Chỉ tiêu minh họa số {number}"
    short: "Minh họa {number}"
    section: "II.{section}"
    tier: core
    kind: count
    measured_in: "việc"
    time: flow
    reporters: [district, city]
    body: {body}
    direction: neutral
    sensitivity: none
    definition: "Số việc bịa ra để thử tải."
"""


def project(root: Path, units: int, indicators: int, years: int) -> Project:
    """Make it in the folder `root`: `units` (15 or 114) that stay the same over `years` years, the last of them `LAST`,
    and a catalogue of `indicators`, those of the committed one first.
    """
    copy_project(root, LAST)
    made = Project(root)
    shutil.rmtree(root / "data" / str(LAST))
    wanted = range(LAST - years + 1, LAST + 1)
    since, _ = next(one for one in (OLD, NEW) if one[1] == units)
    _units(made, since, wanted)
    _bodies(made)
    _params(made, wanted)
    _catalogue(made, indicators)
    generator, before = _generator(), None
    for year in wanted:
        before = generator.generate(made, year, SEED, before=before)
    return made


def _units(made: Project, since: str, years: range) -> None:
    """The units of one map, from before the first year on; their populations; no lineage, since nothing changes."""
    first = f"{years[0] - 1}-01-01"
    for path in (made.units, made.population, made.lineage, made.tiles):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        if path == made.lineage:
            rows = []
        elif path == made.units or (path == made.population and since == OLD[0]):
            start, end = head.index("valid_from"), head.index("valid_to")
            rows = [row for row in rows if row[0] == "HP-CITY" or (row[start] <= since and (row[end] or "9") > since)]
            for row in rows:
                row[start], row[end] = first, ""
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([head, *rows])


def _params(made: Project, years: range) -> None:
    """Those of the last year, with each year's own days; one format for all of them."""
    text = made.params(LAST).read_text(encoding="utf-8")
    text = re.sub(r"(?m)^format_profile: \w+", f"format_profile: party_{LAST}", text)
    text = re.sub(r"years: \[\d+, \d+\]", f"years: [{years[0]}, {years[-1]}]", text)
    for year in years:
        of_year = re.sub(
            rf"(?m)^(year|period|returns_due): .*{LAST}.*$", lambda m, own=str(year): m[0].replace(str(LAST), own), text
        )
        made.params(year).write_text(of_year, encoding="utf-8")


def _catalogue(made: Project, indicators: int) -> None:
    there = len(load_catalogue(made).indicators)
    assert there <= indicators
    new = "".join(
        _INDICATOR.format(number=number, section=_section(number), body=("bdvtu", "catp")[number % 2])
        for number in range(1, indicators - there + 1)
    )
    head, checks, rest = made.catalogue.read_text(encoding="utf-8").partition("\nchecks:")
    # An invented island where little happens may well have the same numbers twice.
    rest = re.sub(r"(?m)^ *- \{rule: identical-to-last-year, .*\n", "", rest)
    made.catalogue.write_text(f"{head.rstrip()}\n{new}{checks}{rest}", encoding="utf-8")
    notebook = json.loads(made.report_notebook.read_text(encoding="utf-8"))
    place = next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == "phu-luc-ii")
    sections = dict.fromkeys(_section(number) for number in range(1, indicators - there + 1))
    notebook["cells"][place:place] = [
        {
            **{"cell_type": "code", "id": f"thu-tai-{section}", "metadata": {}, "execution_count": None, "outputs": []},
            "source": f'y.annex("II.{section}", caption="Chỉ tiêu minh họa, phần {letter}")',
        }
        for section, letter in zip(sections, ascii_uppercase, strict=False)
    ]
    made.report_notebook.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _section(number: int) -> int:
    """As many to a section as a page is wide."""
    return 5 + (number - 1) // 10


def _bodies(made: Project) -> None:
    """The bodies as they are called at the end, at all times."""
    with made.bodies.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["valid_to"]]
    with made.bodies.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "valid_from": ""} for row in rows)


def _generator() -> ModuleType:
    """data/illustrative.py, which is a script."""
    spec = importlib.util.spec_from_file_location("illustrative", ROOT / "data" / "illustrative.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- how much memory it takes


@contextmanager
def greatest(pid: int) -> Iterator[list[float]]:
    """The most memory (PSS, MB) that a process and all below it had at once."""
    most, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.3):
            most[0] = max(most[0], memory_of(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        over.set()
        looking.join()


def memory_of(pid: int) -> float:
    """The memory (PSS, MB) of a process and all below it."""
    total = 0
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0
    for process in tree:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


if __name__ == "__main__":
    folder, *sizes = sys.argv[1:]
    project(Path(folder), *map(int, sizes))
