"""One cell of one return changes: exactly the figures that depend on it change, in text, tables, charts and annex.

What depends on the cell is reasoned here, from what a total, a ratio and a change are; how it reads before and after is
reckoned by tests/independent.py. Neither asks danvan.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from independent import Entry, Reckoning
from printed import Report, of_html, of_pdf

YEAR, UNIT, CODE, MORE = 2023, "Lê Chân", "tips_received", 7

# The figures that tips received go into: themselves, the share of valuable ones, the rate by population.
DEPEND = ("tips_received", "tips_valuable_rate", "tips_per_10k")
CHARTS = {
    *("steps-tips-received", "bars-tips-per-10k", "dumbbell-tips-received"),
    *("estimates-tips-valuable-rate", "slopes-tips-valuable-rate"),
}
SUFFIXES = ("svg", "png", "csv")
IN_TEXT = {  # expressions of the notebook -> what they print
    "y.tips_received": "tips_received",
    "y.tips_received.change": "tips_received_change",
    "y.tips_valuable_rate": "tips_valuable_rate",
}
IN_A_SENTENCE = {"y.tips_per_10k": "tips_per_10k"}  # parts of a longer expression, printed in its sentence

Place = tuple[str, ...]  # of a figure: ("text", expression), ("table", row, column) or ("chart", id)


@dataclass(frozen=True)
class State:
    """The project before or after: what it should say, and what its report says."""

    root: Path
    truth: Reckoning
    trace: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.root / "reports" / str(YEAR) / "public"

    @property
    def expected(self) -> dict[Place, str]:
        """Every figure that depends on the cell, as it should read."""
        texts = self.truth.texts
        found: dict[Place, str] = {("text", expression): texts[name] for expression, name in IN_TEXT.items()}
        for part, name in IN_A_SENTENCE.items():
            (where,) = (where for where in self.printed if where[0] == "text" and part in where[1])
            before, _, after = self.printed[where].partition(f" {texts[name]} ")
            assert after, f"{self.printed[where]} does not print {texts[name]}"
            found[where] = f"{before} {texts[name]} {after}"
        for code in DEPEND:
            column = self.truth.label(code, column=True)
            found["table", UNIT, column] = self.truth.in_table(code, UNIT)
            found["table", "Toàn thành phố", column] = self.truth.in_table(code)
            found["table", "So với năm trước", column] = self.truth.change_in_table(code)
        return found

    @property
    def cell(self) -> list[str]:
        entry = self.entry
        return [entry.file, entry.sheet, entry.ref]

    @property
    def entry(self) -> Entry:
        return self.truth.rows[UNIT][CODE]

    @property
    def printed(self) -> dict[Place, str]:
        """Every figure of the report as the trace has it; what stands in two sentences reads alike."""
        found: dict[Place, str] = {}
        for item in self.trace["printed"]:
            assert found.setdefault(place(item), item["text"]) == item["text"]
        return found

    @property
    def from_the_cell(self) -> set[Place]:
        """The figures whose trace names the cell."""
        named = {key for key, result in self.trace["results"].items() if self.cell in result["sources"]}
        return {place(item) for item in self.trace["printed"] if named.intersection(item["results"])}


def place(item: dict[str, Any]) -> Place:
    names = {"text": ["expression"], "table": ["row", "column"], "chart": ["id"]}[item["where"]]
    return (item["where"], *(item[name] for name in names))


def state(root: Path) -> State:
    trace = json.loads((root / "reports" / str(YEAR) / "public" / "trace.json").read_text(encoding="utf-8"))
    return State(root, Reckoning(root, YEAR), trace)


@pytest.fixture(scope="module")
def before(built: Path) -> State:
    return state(built)


@pytest.fixture(scope="module")
def after(before: State, tmp_path_factory: pytest.TempPathFactory) -> State:
    from danvan.paths import Project
    from danvan.pipeline import report

    root = tmp_path_factory.mktemp("one-cell") / "dự án"
    shutil.copytree(before.root, root)
    entry = before.entry
    assert entry.value
    book = openpyxl.load_workbook(root / entry.file)
    book[entry.sheet][entry.ref] = int(entry.value) + MORE
    book.save(root / entry.file)
    assert report(Project(root), YEAR, "public").fresh
    return state(root)


@pytest.fixture(scope="module")
def changed(before: State, after: State) -> dict[Place, tuple[str, str]]:
    """The figures that should read differently. Of the others in `expected`, rounding hides the change."""
    old, new = before.expected, after.expected
    assert old.keys() == new.keys()
    found = {where: (old[where], new[where]) for where in old if old[where] != new[where]}
    assert ("text", "y.tips_received") in found
    assert ("table", UNIT, before.truth.label(CODE, column=True)) in found
    assert len(found) >= 8
    return found


def differing(old: Iterable[str], new: Iterable[str]) -> set[tuple[str, str]]:
    """Word pairs, of texts that have the same words but for those."""
    return {(a.strip("().;"), b.strip("().;")) for a, b in zip(old, new, strict=True) if a != b}


def words(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return set().union(*(differing(old.split(), new.split()) for old, new in pairs))


# ---------------------------------------------------------------- trace


def test_exactly_what_depends_on_the_cell_changes(
    before: State, after: State, changed: dict[Place, tuple[str, str]]
) -> None:
    old, new = before.printed, after.printed
    assert old.keys() == new.keys()
    assert {where: (old[where], new[where]) for where in old if old[where] != new[where]} == changed


def test_trace_of_a_figure_names_the_cell_exactly_if_it_depends_on_it(before: State, after: State) -> None:
    wanted = before.expected.keys() | {("chart", name) for name in CHARTS}
    assert before.from_the_cell == wanted
    assert after.from_the_cell == wanted


# ---------------------------------------------------------------- files


def test_charts_with_the_figure_change_and_no_other(before: State, after: State) -> None:
    for folders in (before.folder / "figures", after.folder / "figures"), figures(before, after):
        old, new = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
        assert old.keys() == new.keys()
        wanted = {f"{name}.{suffix}" for name in CHARTS for suffix in SUFFIXES}
        assert {name for name in old if old[name] != new[name]} == wanted


def figures(*states: State) -> list[Path]:
    return [one.root / "figures" / str(YEAR) for one in states]


@pytest.mark.parametrize("suffix", ["html", "pdf"])
def test_words_that_change_in_the_report(
    suffix: str, before: State, after: State, changed: dict[Place, tuple[str, str]]
) -> None:
    read = {"html": of_html, "pdf": of_pdf}[suffix]
    old, new = (read(one.folder / f"bao-cao-{YEAR}.{suffix}") for one in (before, after))
    wanted = words(changed.values())
    in_text = words(pair for where, pair in changed.items() if where[0] == "text")
    assert differing(running(old), running(new)) == in_text
    assert differing(old.whole.split(), new.whole.split()) == wanted


def running(report: Report) -> list[str]:
    return [word for text in (report.body, *report.notes.values()) for word in text.split()]


def test_shared_notebook_changes_there_and_nowhere_else(
    before: State, after: State, changed: dict[Place, tuple[str, str]]
) -> None:
    old, new = (cells(one.folder / "notebook.ipynb") for one in (before, after))
    pairs = [(source, later) for (source, _), (later, _) in zip(old, new, strict=True) if source != later]
    assert words(pairs) == words(pair for where, pair in changed.items() if where[0] == "text")
    shown = [source.partition("(")[0] for (source, shown), (_, later) in zip(old, new, strict=True) if shown != later]
    assert sorted(shown) == ["y.annex", *["y.chart"] * len(CHARTS)]


def cells(notebook: Path) -> list[tuple[str, str]]:
    """Source and outputs of each cell."""
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [("".join(cell["source"]), json.dumps(cell.get("outputs"))) for cell in found]


def test_manifest_tells_the_one_return(before: State, after: State) -> None:
    old, new = (json.loads((one.folder / "manifest.json").read_text(encoding="utf-8")) for one in (before, after))
    assert {name for name in old if old[name] != new[name]} == {"key", "inputs", "outputs"}
    assert different(old["inputs"], new["inputs"]) == {before.entry.file}
    made = {f"bao-cao-{YEAR}.{kind}" for kind in ("html", "pdf", "docx", "xlsx", "csv")}
    made |= {"notebook.ipynb", "trace.json"}
    charts = {f"figures/{name}.{suffix}" for name in CHARTS for suffix in SUFFIXES}
    assert different(old["outputs"], new["outputs"]) == made | charts
    for name, digest in new["outputs"].items():
        assert hashlib.sha256((after.folder / name).read_bytes()).hexdigest() == digest


def different(old: dict[str, str], new: dict[str, str]) -> set[str]:
    assert old.keys() == new.keys()
    return {name for name in old if old[name] != new[name]}
