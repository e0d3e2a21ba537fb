"""Many units, indicators and years, many readers at once: results right, memory bounded. Times: benchmarks/load.py."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import loaded
import openpyxl
import pytest
from loaded import greatest
from test_incremental import base, builders, shared  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
MAIN = "import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))"
READERS = 200
SERVER, BUILD = 500, 1300  # MB; docs/performance.md


# --- many readers ----------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_200_readers_at_once(base: Path) -> None:  # noqa: F811
    """Each has the index and eight files, a page, a PDF and a trace among them; all are there at the same time."""
    reports = base / "reports"
    digests: dict[str, str] = {}
    for folder in (reports / "2023/public", reports / "2022/public", reports / "trends/public"):
        listed = json.loads((folder / "manifest.json").read_bytes())["outputs"]
        digests |= {(folder.relative_to(reports) / name).as_posix(): digest for name, digest in listed.items()}
    first = [name for name in digests if name.startswith("2023") and name.endswith((".html", ".pdf", "trace.json"))]
    assert len(first) == 3
    environment = {**os.environ, "DANVAN_ROOT": str(base), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", MAIN, "serve"]
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    try:
        assert server.stdout
        said = [server.stdout.readline() for _ in range(3)]
        assert "không phải máy chủ cho mạng Internet" in said[1]
        port = int(urlsplit(said[0].split()[-1]).port or 0)
        index, wrong, together = fetched(port, ""), list[str](), threading.Barrier(READERS)

        def read(number: int) -> None:
            rest = sorted(digests)
            names = ["", *first, *(rest[(number * 7 + step) % len(rest)] for step in range(5))]
            together.wait()
            for name in names:
                try:
                    status, content = fetched(port, name)
                except OSError as error:
                    wrong.append(f"{name}: {error!r}")
                    continue
                right = index[1] == content if not name else hashlib.sha256(content).hexdigest() == digests[name]
                if status != 200 or not right:
                    wrong.append(f"{name}: {status}, {len(content)} bytes")

        readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
        with greatest(server.pid) as memory:
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
        assert wrong == []
        assert 0 < memory[0] < SERVER
        assert fetched(port, "") == index
        assert fetched(port, "nothing")[0] == 404
        assert server.poll() is None
    finally:
        server.kill()
        _, errors = server.communicate()
    assert errors == ""


def fetched(port: int, name: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", "/" + quote(name))
        answer = connection.getresponse()
        return answer.status, answer.read()


# --- many units, indicators, years ---------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(("units", "indicators", "years"), [(15, 100, 10), (114, 58, 5)])
def test_many_years_are_right_within_their_memory(tmp_path: Path, units: int, indicators: int, years: int) -> None:
    """The reports of all years, two at once, and the long view; the sums of the newest year and of the first."""
    project = loaded.project(tmp_path / "dự án", units, indicators, years)
    environment = {**os.environ, "DANVAN_ROOT": str(project.root), "PYTHONPATH": str(project.root)}
    for command in ("report --all --jobs 2", "trends"):
        build = subprocess.Popen(
            [sys.executable, "-c", MAIN, *command.split()],
            env=environment,
            cwd=project.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with greatest(build.pid) as memory:
            _, errors = build.communicate()
        assert build.returncode == 0, errors.decode()
        assert 0 < memory[0] < BUILD
    for year in (loaded.LAST, loaded.LAST - years + 1):
        sums, counted = added(project.returns(year)), 0
        trace = json.loads((project.report(year, "public") / "trace.json").read_bytes())
        for key, result in trace["results"].items():
            code = key.partition("@")[0]
            if key == f"{code}@{year}/total" and "numerator" not in result and result["value"] is not None:
                counted += 1
                assert Decimal(result["value"]) == sums[code], key
        assert counted > 40
        data = (project.report(year, "public") / f"bao-cao-{year}.csv").read_text(encoding="utf-8-sig")
        rows = [line.split(";") for line in data.splitlines() if ";synthetic_" in line]
        totals = {row[6]: Decimal(row[8]) for row in rows if row[1] == "toàn thành phố" and row[0] == str(year)}
        assert (len(totals) > 30) == (indicators == 100)
        assert totals == {code: sums[code] for code in totals}


def added(folder: Path) -> dict[str, Any]:
    """The sum of every indicator over all returns of a folder, read by openpyxl alone; of yes and no, how many yes."""
    sums: dict[str, Any] = defaultdict(Decimal)
    for path in folder.iterdir():
        for sheet in openpyxl.load_workbook(path).worksheets[1:]:
            for row in sheet.iter_rows(min_row=11, max_col=4, values_only=True):
                code, value = row[0], row[3]
                if code and isinstance(value, int | float):
                    sums[str(code)] += Decimal(str(value))
                elif code and value == "Có":
                    sums[str(code)] += 1
    return sums
