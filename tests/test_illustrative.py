"""The illustrative returns: they add up to what was published, say what they are, and pass the checks as committed.

Sums and marks are read by plain openpyxl, so that they do not rest on the reader that they are to test.
"""

from __future__ import annotations

import csv
import importlib.util
import shutil
import subprocess
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet
from test_second_year import keep_the_map

from danvan.catalogue import load_catalogue
from danvan.intake.observations import Status
from danvan.intake.returns import Reading, read_returns
from danvan.intake.year import read_year
from danvan.params import load_params
from danvan.paths import Project
from danvan.units import load_units

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "tests" / "published" / "figures_2023.csv"
YEARS = (2022, 2023, 2024, 2025, 2026)
QUICK = (2022, 2023)  # the others have up to 130 returns
BY_YEAR = [pytest.param(year, marks=() if year in QUICK else pytest.mark.long) for year in YEARS]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("illustrative", ROOT / "data" / "illustrative.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


illustrative = _load()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Project:
    """Another project folder with the params and the population of this one, and no returns."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    shutil.copytree(ROOT / "data" / "reference", tmp_path / "data" / "reference")
    return Project(tmp_path)


def workbooks(year: int) -> list[Path]:
    return sorted((ROOT / "data" / str(year) / "returns").glob("*.xlsx"))


def parts(path: Path) -> list[Worksheet]:
    """The sheets that an office fills in."""
    return [sheet for sheet in openpyxl.load_workbook(path).worksheets if sheet.title != "Hướng dẫn"]


def rows(path: Path) -> dict[str, tuple[object, object, object]]:
    """Code -> (value, precision, status) over all sheets of a return, as they stand in its cells."""
    found: dict[str, tuple[object, object, object]] = {}
    for sheet in parts(path):
        table = iter(sheet.iter_rows(values_only=True))
        header = next(row for row in table if row[0] == "Mã")
        columns = [header.index(name) for name in ("Giá trị", "Mức chính xác", "Tình trạng")]
        found |= {row[0]: tuple(row[column] for column in columns) for row in table if row[0]}
    return found


def head_of(sheet: Worksheet) -> dict[object, object]:
    return {row[0]: row[1] for row in sheet.iter_rows(max_row=9, max_col=2, values_only=True)}


def amount(value: object, status: object) -> Decimal:
    if value is None:
        assert status in ("không phát sinh", "không áp dụng")
        return Decimal(0)
    return Decimal({"Có": 1, "Không": 0}[value]) if isinstance(value, str) else Decimal(str(value))


def read(project: Project, year: int = 2023) -> Reading:
    params = load_params(project, year)
    return read_returns(
        project, params, load_catalogue(project), load_units(project, params.period, params.population_concept)
    )


# ---- what is committed


@pytest.mark.parametrize("year", YEARS)
def test_every_unit_and_the_city_offices_have_a_workbook(year: int) -> None:
    with (ROOT / "params" / "units.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    there = [r for r in rows if r["valid_from"] <= f"{year}-12-31" and f"{year}-01-01" <= (r["valid_to"] or "9999")]
    shared = Counter(row["name"] for row in there)  # a name that two units of the year have is told with its kind
    wanted = {f"{r['kind'].capitalize()} {r['name']}" if shared[r["name"]] > 1 else r["name"] for r in there}
    names = [path.stem for path in workbooks(year)]
    assert set(names) == wanted
    assert len(names) == {2025: 15 + 114, 2026: 114}.get(year, 15) + 1


def test_sums_are_the_published_figures() -> None:
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        figures = {row["id"]: row for row in csv.DictReader(file)}
    expected = {
        row["indicator_code"]: Decimal(row["value_parsed"])
        for key, row in figures.items()
        if row["indicator_code"]
        and row["measure_type"] != "ratio"
        and row["unit_vi"] != "%"
        and key not in ("S002", "S051")
    }
    expected |= {
        "callup_target": Decimal(280),  # S033: 280/280
        "callup_done": Decimal(280),
        "petitions_resolved": Decimal(502),  # S036: 502/588
        "movement_review_held": Decimal(15),  # S041: 100%
    }
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for path in workbooks(2023):
        for code, (value, _, status) in rows(path).items():
            sums[code] += amount(value, status)
    assert sums == expected
    assert len(expected) == 49


def test_precision_words_are_as_printed() -> None:
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        printed = {
            (row["indicator_code"], row["qualifier_vi"])
            for row in csv.DictReader(file)
            if row["qualifier_vi"] and row["id"] != "S051"
        }
    for year in QUICK:
        words = {(code, word) for path in workbooks(year) for code, (_, word, _) in rows(path).items() if word}
        assert words == printed


@pytest.mark.parametrize("year", BY_YEAR)
def test_every_sheet_says_what_it_is_and_of_which_days(year: int) -> None:
    days = Counter[object]()
    for path in workbooks(year):
        for sheet in parts(path):
            head = head_of(sheet)
            assert head["Tính chất số liệu"] == "Minh họa"
            assert sheet["A2"].value.startswith("SỐ LIỆU MINH HỌA")
            assert head["Năm"] == year
        days[head["Kỳ số liệu"]] += 1
    whole = {f"01/01/{year} - 31/12/{year}": len(workbooks(year))}
    halves = {"01/01/2025 - 30/06/2025": 15, "01/07/2025 - 31/12/2025": 114, "01/01/2025 - 31/12/2025": 1}
    assert days == (halves if year == 2025 else whole)


@pytest.mark.parametrize(
    ("year", "name", "offices"),
    [
        *((year, "An Lão", ("Ban Dân vận Huyện ủy An Lão", "Công an huyện An Lão")) for year in (2022, 2023, 2024)),
        (
            2025,
            "Huyện An Lão",
            ("Ban Tuyên giáo và Dân vận Huyện ủy An Lão", "Công an thành phố (địa bàn huyện An Lão)"),
        ),
        (2025, "Xã An Lão", ("Đảng ủy xã An Lão", "Công an xã An Lão")),
        (2026, "An Lão", ("Đảng ủy xã An Lão", "Công an xã An Lão")),
    ],
)
def test_offices_are_those_of_the_time(year: int, name: str, offices: tuple[str, str]) -> None:
    """On the last day for which a unit reports: the district police ended on 1 March 2025."""
    sheets = parts(ROOT / "data" / str(year) / "returns" / f"{name}.xlsx")
    assert tuple(head_of(sheet)["Cơ quan báo cáo"] for sheet in sheets) == offices


def test_known_of_single_districts() -> None:
    by_unit = {path.stem: rows(path) for path in workbooks(2023) if path.stem != "Khối thành phố"}
    assert [name for name, row in by_unit.items() if row["plan_signed"][0] == "Không"] == ["Bạch Long Vĩ"]
    assert {name for name, row in by_unit.items() if row["inspected"][0] == "Có"} == {"Đồ Sơn", "Kiến Thụy"}
    assert all(row["festival_held"][0] == row["movement_review_held"][0] == "Có" for row in by_unit.values())


def test_zeros_are_told_in_both_ways() -> None:
    told = {
        (value, status) for path in workbooks(2023) for value, _, status in rows(path).values() if value in (None, 0)
    }
    assert told == {(0, None), (None, "không phát sinh")}


@pytest.mark.parametrize("year", BY_YEAR)
def test_no_error_and_exactly_the_committed_warnings(year: int) -> None:
    with (ROOT / "tests" / f"warnings_{year}.csv").open(encoding="utf-8", newline="") as file:
        committed = [tuple(row.values()) for row in csv.DictReader(file)]
    got = read_year(Project(ROOT), year)
    assert [finding for finding in got.findings if finding.severity == "error"] == []
    assert [(finding.rule, finding.unit, finding.indicator) for finding in got.findings] == committed
    assert got.illustrative_units
    assert not got.missing


def test_stocks_and_flows_of_police_models_fit_in_every_unit() -> None:
    for before, now in zip(workbooks(2022), workbooks(2023), strict=True):
        last, this = ({c: amount(v, s) for c, (v, _, s) in rows(path).items()} for path in (before, now))
        change = this["police_models_new"] - this["police_models_removed"]
        assert last["police_models_active"] + change == this["police_models_active"]


def test_the_competing_figure_is_decided() -> None:
    stated = read_year(Project(ROOT), 2023).stated
    assert [(s.indicator, s.bound.word, s.value) for s in stated] == [("dvk_defence_security", "hơn", 200)]
    assert stated[0].decision
    assert stated[0].reason


def test_the_generator_makes_the_committed_workbooks(elsewhere: Project) -> None:
    """Of the first two years; the others follow from them."""
    seed, made = illustrative.SEED, illustrative.generate
    totals, placed = illustrative.published(), illustrative.PLACED_2023
    values = made(elsewhere, 2023, seed, totals=totals, placed=placed)
    totals, placed = illustrative.TOTALS_2022, illustrative.PLACED_2022
    made(elsewhere, 2022, seed, totals=totals, placed=placed, after=values)
    _are_committed(elsewhere, QUICK)


@pytest.mark.long
def test_the_generator_makes_the_same_bytes_again(elsewhere: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> dict[tuple[int, str], bytes]:
        illustrative.main()
        return {(year, path.name): path.read_bytes() for year in YEARS for path in elsewhere.returns(year).iterdir()}

    monkeypatch.setattr(illustrative, "Project", lambda _: elsewhere)
    assert made() == made()
    _are_committed(elsewhere, YEARS)


def _are_committed(project: Project, years: Sequence[int]) -> None:
    committed = [path for year in years for path in workbooks(year)]
    assert len(committed) == sum(len(list(project.returns(year).iterdir())) for year in years)
    for path in committed:  # member by member: other builds of zlib pack the same content into other bytes
        assert _members(project.root / path.relative_to(ROOT)) == _members(path)


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# ---- the generator elsewhere


def test_a_workbook_that_is_not_illustrative_is_never_overwritten(elsewhere: Project) -> None:
    illustrative.generate(elsewhere, 2022, 1)
    path = elsewhere.returns(2022) / "Hồng Bàng.xlsx"
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets[1:]:
        sheet["B8"] = "Chính thức"
    book.save(path)
    real = path.read_bytes()
    with pytest.raises(SystemExit, match="not marked illustrative"):
        illustrative.generate(elsewhere, 2022, 1)
    assert path.read_bytes() == real


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.sampled(3)
def test_any_other_year_obeys_the_rules(elsewhere: Project, seed: int) -> None:
    text = (ROOT / "params" / "2022.yaml").read_text(encoding="utf-8")
    for year in (2030, 2031):
        changed = text.replace("year: 2022\n", f"year: {year}\n").replace("2022-01-01", f"{year}-01-01")
        changed = changed.replace("2022-12-31", f"{year}-12-31")
        elsewhere.params(year).write_text(changed, encoding="utf-8")
    keep_the_map(elsewhere.root)

    values = illustrative.generate(elsewhere, 2031, seed, totals={"tips_received": 9000, "tips_valuable": 8999})
    illustrative.generate(elsewhere, 2030, seed, after=values)
    got = read_year(elsewhere, 2031)
    assert got.findings == ()
    assert {key: o.value for key, o in got.observations.items() if o.status is not Status.NOT_APPLICABLE} == values
    assert sum(value for (_, code), value in values.items() if code == "tips_received") == 9000
    assert sum(value for (_, code), value in values.items() if code == "tips_valuable") == 8999


def test_a_total_that_the_rules_forbid_is_refused(elsewhere: Project) -> None:
    with pytest.raises(ValueError, match="communes_with_officers: no 142 between 0 and 141"):
        illustrative.generate(elsewhere, 2023, 1, totals={"commune_officers": 750, "communes_with_officers": 142})


@given(
    st.lists(st.tuples(st.floats(0.01, 1000), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8),
    st.floats(0, 1),
)
def test_allocation_keeps_total_floors_and_caps(parts: list[tuple[float, int, int]], where: float) -> None:
    weights, floors = [weight for weight, _, _ in parts], [floor for _, floor, _ in parts]
    caps = [floor + room for _, floor, room in parts]
    total = round(sum(floors) + where * (sum(caps) - sum(floors)))
    got = illustrative.allocate(total, weights, floors, caps)
    assert sum(got) == total
    assert all(floor <= part <= cap for floor, part, cap in zip(floors, got, caps, strict=True))


def test_allocation_in_proportion() -> None:
    assert illustrative.allocate(10, [1, 1, 2], [0, 0, 0], [99, 99, 99]) == [3, 2, 5]
    assert illustrative.allocate(10, [1, 1, 2], [0, 4, 0], [99, 99, 4]) == [2, 4, 4]


# ---- read back


def test_the_same_is_read_after_libreoffice_saved_the_workbook(
    elsewhere: Project, tmp_path: Path, needs_tool: Callable[..., str]
) -> None:
    office = needs_tool("soffice", "libreoffice")
    folder = elsewhere.returns(2023)
    folder.mkdir(parents=True)
    names = ("Thủy Nguyên.xlsx", "Bạch Long Vĩ.xlsx", "Khối thành phố.xlsx")
    originals = [ROOT / "data" / "2023" / "returns" / name for name in names]
    for path in originals:
        shutil.copy(path, folder)
    before = read(elsewhere)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "xlsx", "--outdir", str(folder), *map(str, originals)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    after = read(elsewhere)
    assert [r.sha256 for r in after.returns] != [r.sha256 for r in before.returns]
    assert [r.observations for r in after.returns] == [r.observations for r in before.returns]
    assert after.findings == before.findings  # the units that are not here
    assert all(r.illustrative for r in after.returns)


def test_a_workbook_written_by_hand_is_read_right(elsewhere: Project) -> None:
    """Other order of columns and rows, a note above the table, numbers typed as text, no style: as offices send it."""
    sample = rows(ROOT / "data" / "2023" / "returns" / "Đồ Sơn.xlsx")
    form = parts(ROOT / "data" / "2023" / "returns" / "Đồ Sơn.xlsx")[0]["B3"].value
    typed = {"tips_received": "4.342", "tips_valuable": "3.965", "fireworks_kg": "1.442,37", "explosives_kg": 16}
    words = {"explosives_kg": "hơn"}
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, office, first in (
        ("Công an", "Công an quận Đồ Sơn", False),
        ("Ban Dân vận", "Ban Dân vận Quận ủy Đồ Sơn", True),
    ):
        sheet = book.create_sheet(name)
        codes = [code for code in sample if (code in ("plan_signed", "inspected") or code.startswith("dvk_")) == first]
        for line in (
            ["Năm", "2023"],
            ["Mẫu phiếu", form],
            ["Đơn vị", "quận  Đồ Sơn"],
            ["Cơ quan báo cáo", office],
            ["Kỳ số liệu", "01/01/2023 - 31/12/2023"],
            ["Tính chất số liệu", "Chính thức"],
            [],
            ["Số liệu đã được lãnh đạo đơn vị duyệt"],
            [],
            ["Chỉ tiêu", "Tình trạng", "Giá trị", "Đơn vị tính", "Mã", "Mức chính xác"],
        ):
            sheet.append(line)
        for code in reversed(codes):
            value, _, status = sample[code]
            sheet.append(["...", status, typed.get(code, value), "", code, words.get(code)])
    elsewhere.returns(2023).mkdir(parents=True)
    book.save(elsewhere.returns(2023) / "phieu do son (ban cuoi).xlsx")

    reading = read(elsewhere)
    assert {finding.rule for finding in reading.findings} == {"missing-return"}
    (got,) = reading.returns
    assert got.unit.full_name == "Quận Đồ Sơn"
    assert not got.illustrative
    values = {o.indicator.code: o for o in got.observations}
    assert list(values) == [i.code for i in load_catalogue(elsewhere).reported if i.code in sample]
    assert values["tips_received"].value == 4342
    assert values["tips_valuable"].value == 3965
    assert values["fireworks_kg"].value == Decimal("1442.37")
    assert (values["explosives_kg"].value, values["explosives_kg"].bound.word) == (16, "hơn")
    assert "commune_officers" not in values  # a quận has no communes
    assert values["tips_received"].cell.ref == f"C{_row_of(book['Công an'], 'tips_received')}"
    others = {code: amount(v, s) for code, (v, _, s) in sample.items() if code not in typed}
    read_others = {code: o.value or Decimal(0) for code, o in values.items() if code not in typed}
    assert read_others == others


def _row_of(sheet: Worksheet, code: str) -> int:
    return next(row for row in range(1, sheet.max_row + 1) if sheet.cell(row, 5).value == code)
