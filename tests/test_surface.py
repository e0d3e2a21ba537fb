"""Nothing that is built for the public tells a hidden count: not by its digits, not by sums, not by anything drawn.

A copy of the project whose threshold is a million, so that the hidden counts can be unmistakable; its notebook shows
the indicator in every way there is. Then the same with two hidden counts exchanged: not a byte may differ.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import openpyxl
import pypdfium2
import pytest
from conftest import copy_project
from printed import tables as tables_of
from workbooks import put

from danvan.intake.year import read_year
from danvan.measures import compute
from danvan.paths import Project
from danvan.pipeline import report
from danvan.suppression import Range, intervals, total_of, verdict

pytestmark = pytest.mark.long
CODE, NAME, THRESHOLD = "reception_visits", "Lượt tiếp công dân", 1_000_000
# No sum, share, difference or rank of anything else: wherever these digits stand, a hidden count has got out.
SECRETS = {2022: (818_299, 818_327), 2023: (918_271, 918_283)}
HIDING = ("Cát Hải", "Dương Kinh")
CELLS = [
    nbformat.v4.new_code_cell(f'y.chart("{kind}", "{CODE}", question="Mỗi đơn vị tiếp bao nhiêu lượt ({kind})?")')
    for kind in ("bars", "tile_map", "slopes")
] + [
    nbformat.v4.new_markdown_cell(
        f'Cát Hải tiếp {{eval}}`y.{CODE}.at("Cát Hải")` lượt, {{eval}}`y.{CODE}.at("Cát Hải").change`; năm trước '
        f'{{eval}}`y.{CODE}.at("Cát Hải").last`; chênh {{eval}}`y.{CODE}.at("Cát Hải") - y.{CODE}.at("Lê Chân")`.'
    ),
    nbformat.v4.new_code_cell(f'y.table("{CODE}", "reception_persons", caption="Tiếp công dân theo đơn vị")'),
    nbformat.v4.new_code_cell(f'print(y.frame("{CODE}", level="all").to_csv())'),
]


def planted(folder: Path, *, exchanged: bool) -> Project:
    """The project with its secrets, in the one order or the other."""
    project = Project(copy_project(folder))
    for number in SECRETS:
        path = project.params(number)
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("least_persons: 5", f"least_persons: {THRESHOLD}"), encoding="utf-8")
    text = project.catalogue.read_text(encoding="utf-8")
    start = text.index(f"code: {CODE}\n")
    ranked = text[start:].replace(
        "direction: neutral", "direction: higher", 1
    )  # so that bars would be in order of size
    project.catalogue.write_text(text[:start] + ranked, encoding="utf-8")
    for number, secrets in SECRETS.items():
        files = sorted(path.name for path in project.returns(number).glob("*.xlsx"))
        ample = {name: THRESHOLD + 10_007 * place + number for place, name in enumerate(files, 1)}
        hidden = zip(HIDING, reversed(secrets) if exchanged else secrets, strict=True)
        for name, count in (ample | {f"{unit}.xlsx": count for unit, count in hidden}).items():
            if "Bạch Long" not in name:  # where nobody was received: a zero stays in sight
                book = openpyxl.load_workbook(project.returns(number) / name)
                put(CODE, count, precision=None, status=None)(book)
                book.save(project.returns(number) / name)
    notebook = project.root / "notebooks" / "annual_report.ipynb"
    document = nbformat.read(notebook, as_version=4)
    place = next(n for n, cell in enumerate(document.cells) if '"funnel"' in cell.source)
    document.cells[place + 1 : place + 1] = [
        nbformat.from_dict(dict(cell, id=f"them-{n}")) for n, cell in enumerate(CELLS)
    ]
    nbformat.write(document, notebook)
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = planted(tmp_path_factory.mktemp("planted") / "dự án", exchanged=False)
    report(made, 2023, "public")
    return made


@pytest.fixture(scope="module")
def folder(project: Project) -> Path:
    return project.root / "reports" / "2023" / "public"


def surfaces(name: str, data: bytes) -> Iterator[tuple[str, str]]:
    """Every text in a file, whatever its kind: members of archives, the text layer and metadata of a PDF, all else."""
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from surfaces(f"{name}!{member}", archive.read(member))
    elif data[:5] == b"%PDF-":
        document = pypdfium2.PdfDocument(data)
        yield f"{name} (metadata)", repr(document.get_metadata_dict())
        for number, page in enumerate(document, 1):
            yield f"{name}, page {number}", page.get_textpage().get_text_range()
    else:
        yield name, data.decode("utf-8", errors="replace")


def spelt(text: str, secrets: tuple[int, ...]) -> list[int]:
    """The secrets whose digits stand in a text, with or without marks between them."""
    digits = re.sub(r"(?<=\d)[., \u00a0\u202f](?=\d)", "", text)
    return [count for count in secrets if str(count) in digits]


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_what_is_looked_for_would_be_found(project: Project) -> None:
    """The returns hold the secrets as planted, and the search sees through the marks between digits."""
    made = read_year(project, 2023)
    results = compute(made)
    there = {unit.name: results[CODE, unit.id].value for unit in made.units.all}
    assert [there[name] for name in HIDING] == list(SECRETS[2023])
    assert spelt("918.271 và 818 327", (*SECRETS[2022], *SECRETS[2023])) == [818_327, 918_271]


def test_no_digits_of_a_hidden_count_stand_anywhere(folder: Path, project: Project) -> None:
    secrets = tuple(count for both in SECRETS.values() for count in both)
    looked_at = []
    for where in (folder, project.root / "figures" / "2023"):
        for name, data in files_of(where).items():
            for place, text in surfaces(name, data):
                looked_at.append(place)
                assert spelt(text, secrets) == [], place
    kinds = {place.split(",")[0].split("!")[0].rpartition(".")[2].split(" ")[0] for place in looked_at}
    assert {"html", "pdf", "ipynb", "json", "svg"} <= kinds


def test_the_marks_stand_where_the_counts_would(folder: Path) -> None:
    tables = tables_of(folder / "bao-cao-2023.html")
    column = next(name for name in tables["Tiếp công dân theo đơn vị"][HIDING[0]] if NAME in name)
    rows = tables["Tiếp công dân theo đơn vị"]
    assert [rows[name][column] for name in (*HIDING, "Bạch Long Vĩ")] == ["không công bố", "không công bố", "0"]


def test_a_reader_who_adds_up_what_is_printed_finds_nothing(folder: Path, project: Project) -> None:
    """From the page alone: the tables read back, the sums that everybody knows, and last year's figures beside them."""
    tables = tables_of(folder / "bao-cao-2023.html")
    made = read_year(project, 2023)
    units = [made.units.label(unit) for unit in made.units.all]
    found = 0
    for rows in tables.values():
        for column in {name for row in rows.values() for name in row if NAME in name}:
            printed = {row: cells[column] for row, cells in rows.items() if column in cells}
            if not set(units) <= printed.keys():
                continue
            shown = {row: int(text.replace(".", "")) for row, text in printed.items() if re.fullmatch(r"[\d.]+", text)}
            hidden = {row: Range(1) for row, text in printed.items() if text == "không công bố"}
            assert set(HIDING) <= hidden.keys()
            parts = [row for row in units if row in shown or row in hidden]
            reader = intervals(shown, hidden, [total_of("Toàn thành phố", parts)])
            assert {verdict(reader[name], THRESHOLD) for name in HIDING} == {"safe"}
            assert all(one.width > 0 for one in reader.values())
            found += 1
    assert found >= 2  # the annex and the table of the notebook


def test_the_data_behind_a_chart_has_the_mark_and_no_order_of_size(folder: Path, project: Project) -> None:
    page = (folder / "bao-cao-2023.html").read_text(encoding="utf-8")
    made = read_year(project, 2023, with_last=False)
    labels = [made.units.label(unit) for unit in made.units.districts]
    svg = next((folder / "figures").glob("bars-reception-visits*.svg")).read_text(encoding="utf-8")
    order = sorted(labels, key=lambda label: svg.index(label) if label in svg else -1)
    assert order == labels
    assert page.count("không công bố") >= 4


def test_exchanging_two_hidden_counts_changes_nothing_that_is_built(
    folder: Path, project: Project, tmp_path: Path
) -> None:
    """Coordinates, order, alternative texts, traces: whatever depended on a hidden count would differ here."""
    other = planted(tmp_path / "dự án", exchanged=True)
    report(other, 2023, "public")
    one, two = files_of(folder), files_of(other.root / "reports" / "2023" / "public")
    assert one.keys() == two.keys()
    sent = [path for made in (project, other) for path in made.root.glob("data/*/returns/*.xlsx")]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sent]
    hashes = re.compile("|".join([*digests, *(digest[:8] for digest in digests)]))

    def told(files: dict[str, bytes], name: str) -> list[tuple[str, str]]:
        return [(place, hashes.sub("-", text)) for place, text in surfaces(name, files[name])]

    others = [name for name in one if name != "manifest.json" and one[name] != two[name]]
    assert [name for name in others if told(one, name) != told(two, name)] == []
    assert not [name for name in others if name.endswith((".pdf", ".png", ".svg"))]  # these hold no hash of a return
    manifests: list[dict[str, Any]] = [json.loads(files["manifest.json"]) for files in (one, two)]
    changed = {key for key in manifests[0] if manifests[0][key] != manifests[1][key]}
    assert changed <= {"inputs", "key", "outputs"}
    outputs = [manifest["outputs"] for manifest in manifests]
    assert {name for name in outputs[0] if outputs[0][name] != outputs[1][name]} == set(others)
