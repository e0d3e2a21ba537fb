"""How fast returns are read and checked, against plain openpyxl doing the least a script would do with the same files.

Run: .venv/bin/python benchmarks/reading.py [RETURNS]    (default 1500; nothing is left behind)

Prints, for 15 returns and for RETURNS of them: seconds of danvan's whole reading and checking (containers, privacy,
every rule), seconds of `openpyxl.load_workbook` plus a walk over all cells on one core, their ratio, the peak memory
of this process (its workers have their own). Both read the same freshly written forms, one after the other.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import openpyxl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from danvan.catalogue import load_catalogue  # noqa: E402
from danvan.intake import forms, layout  # noqa: E402
from danvan.intake.year import read_year  # noqa: E402
from danvan.params import load_params  # noqa: E402
from danvan.paths import Project  # noqa: E402
from danvan.units import load_units  # noqa: E402

YEAR = 2023


def main(many: int) -> None:
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{'returns':>8} {'danvan':>9} {'openpyxl':>9} {'ratio':>6} {'ms each':>8} {'peak MB':>8}")
    for count in (15, many):
        with tempfile.TemporaryDirectory() as folder:
            project = made(Path(folder), count)
            paths = sorted(project.returns(YEAR).iterdir())
            start = time.perf_counter()
            read = read_year(project, YEAR, with_last=False)
            ours = time.perf_counter() - start
            assert len(read.returns) == count + 1
            assert not (wrong := [f for f in read.findings if f.severity == "error"]), wrong[:3]
            start = time.perf_counter()
            for path in paths:
                plainly(path)
            theirs = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            each = 1000 * ours / len(paths)
            print(f"{len(paths):>8} {ours:>8.2f}s {theirs:>8.2f}s {ours / theirs:>5.2f}x {each:>8.1f} {peak:>8.0f}")


def plainly(path: Path) -> int:
    """What a short script does: open, walk over the cells."""
    return sum(1 for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row if cell.value)


def made(root: Path, count: int) -> Project:
    """A project with `count` units, all of them a huyện like Thủy Nguyên, and their returns filled in."""
    shutil.copytree(ROOT / "params", root / "params")
    shutil.copytree(ROOT / "data" / "reference", root / "data" / "reference")
    project = Project(root)
    lines = project.units.read_text(encoding="utf-8").splitlines()
    city = next(line for line in lines if line.startswith("HP-CITY"))
    rows = [f"T-{n},,{n},huyện,Thử {name(n)},,2020-01-01,,0,1,15,0,thử" for n in range(1, count + 1)]
    project.units.write_text("\n".join([lines[0], *rows, city, ""]), encoding="utf-8")
    params, catalogue = load_params(project, YEAR), load_catalogue(project).of_year(YEAR)
    project.returns(YEAR).mkdir(parents=True)
    for unit in load_units(project, params.period, params.population_concept).all:
        entries: dict[str, forms.Entry] = {
            i.code: (layout.YES if i.kind == "boolean" else Decimal(10), "", "")
            for i in layout.asked_of(unit, catalogue)
        }
        for code, value in {"tips_received": 900, "dvk_registered": 900, "outreach_participants": 900}.items():
            entries[code] = (value, "", "")
        content = forms.write(unit, params, catalogue, entries, illustrative=True)
        (project.returns(YEAR) / f"{unit.name}.xlsx").write_bytes(content)
    return project


def name(number: int) -> str:
    """A name of letters: figures in a name would not look like one."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters.capitalize()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1500)
