"""A year that never was, of random numbers: nothing in the way from returns to report may know 2023.

Built twice in a copy of the project: as illustrative returns with gaps and rough figures, through the pipeline; then
as official returns without them, through the command line. Each is held against tests/independent.py.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import random
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest
from conftest import ROOT, copy_project
from independent import CITY, PAIRS, PER_COUNT, Reckoning
from printed import Report, of_html, of_pdf, sentences, tables

YEAR, BEFORE = 2031, 2030
SEED = 20310
SENTENCES = {sentence.id: sentence for sentence in sentences()}

# Words that a year without such a thing must not print.
ONLY_IF = {"S002": "chưa ký", "S003": "Đơn vị được kiểm tra", "S051": "một số liệu khác"}

# The figures beside the published ones.
DERIVED = [
    ("body", "công an cùng cấp, đạt {plan_signed_rate}"),
    ("body", "Số nơi đã ký {plan_signed_change}."),
    ("body", "kiểm tra trực tiếp tại {inspected} đơn vị."),
    ("body", "phong trào Toàn dân bảo vệ an ninh Tổ quốc {police_news_items_change}."),
    ("body", "trật tự, {tips_valuable_rate} là tin có giá trị; số tin nhận được {tips_received_change}."),
    ("body", "xã, đạt {commune_police_coverage} số xã của thành phố"),
    (
        "body",
        "Về giải quyết đơn, {petitions_resolved_rate} đơn thuộc thẩm quyền đã được giải quyết; "
        "tỷ lệ này {petitions_resolved_rate_change}.",
    ),
    ("body", "lĩnh vực quốc phòng - an ninh chiếm {dvk_defence_security_share}."),
    ("body", "Bình quân mỗi xã, phường, thị trấn đăng ký {dvk_per_commune} mô hình."),
    ("body", "số mô hình “Dân vận khéo” đăng ký {dvk_registered_change}."),
    ("body", "nghĩa vụ đạt {callup_rate}, việc gọi được thực hiện công khai"),
    ("body", "đang duy trì {police_models_active_change}."),
    ("body", "toàn thành phố nhận được {tips_per_10k} tin/10.000 dân"),
    ("body", "đã giải quyết {petitions_resolved_pair} đơn thuộc thẩm quyền;"),
    ("6", "đơn thuộc thẩm quyền, đạt {petitions_resolved_rate}, còn {petitions_left} đơn chưa giải quyết"),
]

# The public edition has these for the whole city only: persons, weapons, force strength; and one that says nothing of
# a single unit.
NOT_BY_UNIT = {
    *("plan_signed_rate", "callup_rate"),
    *("commune_officers", "fugitives_arrested", "fugitives_surrendered", "offenders_reeducated"),
    *("explosives_kg", "guns", "ammunition_rounds", "callup_target", "callup_done"),
    *("reception_persons", "reception_referred"),
}

# Documents of 2022 and 2023 that the params of 2031 still cite.
OLD_DOCUMENTS = (
    "Chương trình số 06-CTr/BDVTU-CATP, ngày 05/7/2022",
    "giai đoạn 2022-2026",
    "Chỉ thị số 15-CT/TU, ngày 21/11/2022",
    "Chỉ thị số 17-CT/TU, ngày 25/12/2022",
    "xây dựng lực lượng Công an thành phố năm 2023",
    "Quyết định số 2100-QĐ/ĐUCA, ngày 28/01/2022",
)


@dataclass(frozen=True)
class Built:
    """A report, what it says in its two forms, and what it should say."""

    folder: Path
    html: Report
    pdf: Report
    truth: Reckoning

    @cached_property
    def tables(self) -> list[dict[str, dict[str, str]]]:
        return list(tables(self.folder / f"bao-cao-{YEAR}.html").values())

    @property
    def by_unit(self) -> list[dict[str, dict[str, str]]]:
        """The tables of the annex with a row a unit."""
        return [rows for rows in self.tables if "Toàn thành phố" in rows]

    @property
    def forms(self) -> Iterator[tuple[str, Report]]:
        yield "html", self.html
        yield "pdf", self.pdf


def read_back(root: Path) -> Built:
    folder = root / "reports" / str(YEAR) / "public"
    name = f"bao-cao-{YEAR}"
    return Built(folder, of_html(folder / f"{name}.html"), of_pdf(folder / f"{name}.pdf"), Reckoning(root, YEAR))


# ---------------------------------------------------------------- the made-up year


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with returns and params of 2030 and 2031, and units that are still there."""
    from danvan.paths import Project

    root = copy_project(tmp_path_factory.mktemp("second") / "dự án")
    keep_the_map(root)
    for year in (BEFORE, YEAR):
        write_params(root, year, "illustrative")
    maker = load_maker()
    values = maker.generate(Project(root), YEAR, SEED, totals=random_totals(random.Random(SEED)))
    maker.generate(Project(root), BEFORE, SEED, after=values)
    stated = "indicator,precision,value,stated_by,place,decision,reason\n"
    stated += (
        'dvk_defence_security,trên,1.150,Công an thành phố,"bản tin quý IV",Giữ số tổng hợp từ phiếu,Đủ mọi phiếu.\n'
    )
    (root / "data" / str(YEAR) / "stated.csv").write_text(stated, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def rough(made_up: Path) -> Built:
    """Illustrative returns; one unit has not reported one figure, one reports another as 'khoảng'."""
    from danvan.paths import Project
    from danvan.pipeline import report

    rewrite(made_up, YEAR, "An Dương", {"fireworks_kg": (None, None, "không báo cáo")})
    rewrite(made_up, YEAR, "Tiên Lãng", {"offenders_reeducated": (12, "khoảng", None)})
    report(Project(made_up), YEAR, "public")
    return read_back(made_up)


@pytest.fixture(scope="module")
def official(made_up: Path, rough: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:  # noqa: ARG001
    """The same year as if it had happened: all returns official, in both years; every unit has signed."""
    from danvan import cli

    root = tmp_path_factory.mktemp("official") / "dự án"
    shutil.copytree(made_up, root, ignore=shutil.ignore_patterns("reports", "figures"))
    for year in (BEFORE, YEAR):
        write_params(root, year, "reported")
        for path in returns(root, year):
            rewrite(root, year, path.stem, {"plan_signed": ("Có", None, None)}, official=True)
    rewrite(root, YEAR, "An Dương", {"fireworks_kg": (31.4, None, None)})
    (root / "data" / str(YEAR) / "stated.csv").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DANVAN_ROOT", str(root))
        assert cli.main(["report", str(YEAR)]) == 0
    return read_back(root)


def keep_the_map(root: Path) -> None:
    """Units, bodies and their population as of 2023, from now on without end: as if nothing had been merged."""
    for name in ("params/units.csv", "params/bodies.csv", "data/reference/population.csv"):
        with (root / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        with (root / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(row | {"valid_to": ""} for row in rows if row["valid_from"] in ("", "2020-01-01"))


def load_maker() -> Any:
    spec = importlib.util.spec_from_file_location("illustrative_returns", ROOT / "data" / "illustrative.py")
    assert spec
    assert spec.loader
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    return maker


def write_params(root: Path, year: int, city_totals: str) -> None:
    """Params as of 2023, the year moved; directives, decisions and the programme stay as they are."""
    lines = (root / "params" / "2023.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    moved = [
        line
        if re.search("kind: (Chương trình|Chỉ thị|Quyết định)", line)
        else re.sub(r"202[234]", lambda match: str(int(match[0]) - 2023 + year), line)
        for line in lines
        if not line.startswith("  source:")
    ]
    text = re.sub(r"city_totals: \w+.*", f"city_totals: {city_totals}", "".join(moved))
    (root / "params" / f"{year}.yaml").write_text(text, encoding="utf-8")


def random_totals(rng: random.Random) -> dict[str, int]:
    """City totals unlike those of 2023; each within what the rules leave it."""
    tips, petitions, models = rng.randint(6_000, 9_000), rng.randint(2_000, 3_000), rng.randint(3_000, 5_000)
    in_authority, running = int(petitions * rng.uniform(0.4, 0.6)), rng.randint(700, 900)
    target = rng.randint(300, 400)
    return {
        "plan_signed": rng.randint(11, 13),
        "inspected": rng.randint(3, 5),
        "police_articles": 50 * rng.randint(20, 60),
        "police_news_items": rng.randint(1_000, 2_000),
        "training_conferences": rng.randint(3, 9),
        "outreach_sessions": rng.randint(20, 40),
        "outreach_participants": 500 * rng.randint(15, 30),
        "booklets_labour_law": rng.randint(100, 999),
        "copies_democracy_law": 100 * rng.randint(11, 40),
        "web_articles": rng.randint(2_000, 3_000),
        "web_videos": rng.randint(1, 9),
        "web_doc_pages": rng.randint(10_000, 20_000),
        "web_auto_items": rng.randint(100, 999),
        "web_views": 10_000 * rng.randint(301, 399),
        "fanpage_followers": rng.randint(10_000, 99_999),
        "commune_officers": rng.randint(800, 900),
        "communes_with_officers": rng.randint(110, 130),
        "tips_received": tips,
        "tips_valuable": int(tips * rng.uniform(0.5, 0.7)),
        "cases_solved": rng.randint(500, 700),
        "fugitives_arrested": rng.randint(100, 200),
        "fugitives_surrendered": rng.randint(10, 40),
        "offenders_reeducated": rng.randint(400, 600),
        "guns": rng.randint(21, 60),
        "ammunition_rounds": rng.randint(1_000, 9_000),
        "democracy_circulars": rng.randint(1, 9),
        "democracy_regulations": rng.randint(3, 9),
        "callup_target": target,
        "callup_done": target - rng.randint(1, 20),
        "petitions_received": petitions,
        "petitions_in_authority": in_authority,
        "petitions_resolved": int(in_authority * rng.uniform(0.6, 0.8)),
        "reception_visits": rng.randint(300, 400),
        "reception_persons": rng.randint(600, 900),
        "reception_referred": rng.randint(150, 250),
        "movement_review_held": rng.randint(8, 14),
        "festival_held": rng.randint(5, 9),
        "exemplary_units": rng.randint(11, 20),
        "model_ward_police": rng.randint(10, 30),
        "dvk_registered": models,
        "dvk_defence_security": models // rng.randint(5, 9),
        "dvk_urban": models // rng.randint(5, 9),
        "police_models_active": running,
        "police_models_new": rng.randint(110, 150),
        "police_models_replicated": rng.randint(1, 9),
        "police_models_reviewed": rng.randint(1, 9),
        "police_models_removed": 0,
    }


def returns(root: Path, year: int) -> list[Path]:
    return sorted((root / "data" / str(year) / "returns").glob("*.xlsx"))


def rewrite(root: Path, year: int, unit: str, rows: dict[str, tuple[Any, Any, Any]], *, official: bool = False) -> None:
    """Change value, word and status of rows of a return; `official`: say everywhere that its numbers are real."""
    path = root / "data" / str(year) / "returns" / f"{unit}.xlsx"
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets[1:]:  # the first are the instructions
        if official:
            sheet["A2"] = None
        for line in range(1, sheet.max_row + 1):
            label = sheet.cell(line, 1).value
            if label == "Tính chất số liệu" and official:
                sheet.cell(line, 2).value = "Chính thức"
            for column, value in enumerate(rows.get(str(label), ()), start=4):
                sheet.cell(line, column).value = value
    book.save(path)


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("made", ["rough", "official"])
@pytest.mark.parametrize("key", SENTENCES)
@pytest.mark.sampled(8)
def test_sentence_has_the_figure_of_its_year(key: str, made: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(made)
    sentence = SENTENCES[key]
    text = built.truth.texts[sentence.placeholder]
    for form, report in built.forms:
        if text:
            assert sentence.standing(report) == [text], form
        else:
            assert ONLY_IF[key] not in report.at(sentence.place), form


@pytest.mark.parametrize("made", ["rough", "official"])
@pytest.mark.parametrize(("place", "template"), DERIVED, ids=lambda words: "-".join(re.findall(r"\w+(?=})", words)))
def test_derived_figure(place: str, template: str, made: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(made)
    words = template.format_map(built.truth.texts)
    for form, report in built.forms:
        assert words in report.at(place), form


def test_the_two_years_test_what_they_are_made_for(rough: Built, official: Built) -> None:
    texts = rough.truth.texts
    assert texts["plan_unsigned_offices"].count("Ban Dân vận ") >= 2
    assert texts["fireworks_kg"].endswith(" [14/15]")
    assert texts["offenders_reeducated"].startswith("khoảng ")
    assert texts["dvk_defence_security_stated"] == "trên 1.150"
    assert texts["police_models_removed"] == "0"
    assert re.fullmatch(r"hơn 3,\d\d? triệu", texts["web_views"])
    assert "số liệu minh họa" in texts["tips_received_change"]
    texts = official.truth.texts
    assert (texts["plan_unsigned_offices"], texts["plan_signed_pair"]) == ("", "15/15")
    assert "minh họa" not in texts["tips_received_change"]
    published = {sentence.printed for sentence in SENTENCES.values()}
    assert sum(texts[sentence.placeholder] in published for sentence in SENTENCES.values()) <= 12


# ---------------------------------------------------------------- annex


@pytest.mark.parametrize("made", ["rough", "official"])
def test_annex_has_every_figure_of_every_unit(made: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(made)
    truth = built.truth
    assert truth.last
    codes = {truth.label(code, column=True): code for code in (*truth.measures, *PAIRS, *PER_COUNT)}
    scopes = {unit: unit for unit in (*truth.districts, CITY)} | {"Toàn thành phố": ""}
    before = f"Năm {BEFORE}" + " (minh họa)" * truth.last.illustrative
    found, wanted, by_unit = {}, {}, set()
    for rows in built.by_unit:
        assert list(rows) == [*scopes, before, "So với năm trước"]
        for row, columns in rows.items():
            for name, text in columns.items():
                code = codes[name]
                by_unit.add(code)
                found[row, code] = text
                if row in scopes:
                    wanted[row, code] = truth.in_table(code, scopes[row])
                else:
                    wanted[row, code] = truth.last.in_table(code) if row == before else truth.change_in_table(code)
    assert found == wanted
    asked_of_units = {code for unit in truth.districts for code in truth.rows[unit]}
    assert by_unit == (asked_of_units | {*PAIRS, *PER_COUNT}) - NOT_BY_UNIT


@pytest.mark.parametrize("made", ["rough", "official"])
def test_annex_has_every_figure_of_the_city_offices(made: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(made)
    truth = built.truth
    assert truth.last
    (rows,) = (rows for rows in built.tables if any(f"Năm {YEAR}" in columns for columns in rows.values()))
    found = {f"{row} ({columns['Đơn vị tính']})": list(columns.values())[1:] for row, columns in rows.items()}
    asked_of_units = {code for unit in truth.districts for code in truth.rows[unit]}
    city = NOT_BY_UNIT | (truth.measures.keys() - asked_of_units)
    assert found == {
        truth.label(code, column=False): [
            truth.in_table(code),
            truth.last.in_table(code),
            truth.change_in_table(code),
        ]
        for code in city
    }


@pytest.mark.parametrize("made", ["rough", "official"])
def test_totals_stand_in_the_pdf_too(made: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(made)
    assert len(built.by_unit) == 3
    for rows in built.by_unit:
        assert " ".join(["Toàn thành phố", *rows["Toàn thành phố"].values()]) in built.pdf.annexes


# ---------------------------------------------------------------- years and marks


def strings(data: Any) -> Iterator[str]:
    """All texts of a JSON value, names of keys among them; not the raw values, which are numbers."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            if key not in ("value", "image/png", "image/svg+xml"):
                yield from strings(value)
    elif isinstance(data, list):
        for item in data:
            yield from strings(item)
    elif isinstance(data, str):
        yield data


def everything_said(built: Built) -> Iterator[tuple[str, str]]:
    """Every text of the report's folder, with the name of its file."""
    yield "html", built.html.whole
    yield "pdf", built.pdf.whole
    with pypdfium2.PdfDocument(next(built.folder.glob("*.pdf"))) as pdf:
        yield "pdf's properties", " ".join(pdf.get_metadata_dict().values())
    for name in ("trace.json", "notebook.ipynb"):
        data = json.loads((built.folder / name).read_text(encoding="utf-8"))
        yield name, "\n".join(strings(data))
    manifest = json.loads((built.folder / "manifest.json").read_text(encoding="utf-8"))
    yield "manifest.json", "\n".join([*manifest["inputs"], *manifest["outputs"], json.dumps(manifest["parameters"])])


def test_no_year_of_the_past(rough: Built) -> None:
    for name, text in everything_said(rough):
        left = re.sub("|".join(map(re.escape, OLD_DOCUMENTS)), "", text)
        assert re.findall(r".{0,40}(?<![\d.,])202[23](?!\d|[.,]\d).{0,40}", left) == [], name


def test_old_documents_are_cited(rough: Built) -> None:
    for form, report in rough.forms:
        assert [words for words in OLD_DOCUMENTS if words not in report.body] == [], form


def test_illustrative_year_says_so(rough: Built) -> None:
    said = "Toàn bộ số liệu và nội dung trong báo cáo này là minh họa."
    for form, report in rough.forms:
        assert said in report.whole, form
    trace = json.loads((rough.folder / "trace.json").read_text(encoding="utf-8"))
    assert trace["illustrative"] == said


def text_of(path: Path) -> str:
    """The text of a file, or of all XML in a packed one."""
    if not zipfile.is_zipfile(path):
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as parts:
        return unescape("".join(parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml")))


def test_official_year_says_nowhere_that_it_is_illustrative(official: Built) -> None:
    folders = [official.folder, official.folder.parents[2] / "figures" / str(YEAR)]
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    kinds = {".html", ".pdf", ".docx", ".xlsx", ".ipynb", ".json", ".svg", ".png", ".csv"}
    assert {path.suffix for path in paths} == kinds
    texts = [(path.name, text_of(path)) for path in paths if path.suffix not in (".pdf", ".png")]
    with pypdfium2.PdfDocument(next(official.folder.glob("*.pdf"))) as pdf:
        pages = [(f"page {number}", page.get_textpage().get_text_range()) for number, page in enumerate(pdf, 1)]
    for name, text in (*texts, *pages, *everything_said(official)):
        assert re.findall("(?i).{0,40}minh h(?:ọa|oạ).{0,40}", unicodedata.normalize("NFC", text)) == [], name
    trace = json.loads((official.folder / "trace.json").read_text(encoding="utf-8"))
    assert trace["illustrative"] == ""
    assert {result["provenance"] for result in trace["results"].values()} == {"reported"}
