"""Bodies change apart from units: what each is called on a day, and what a wrong table of them is told."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from danvan.bodies import BODIES, COLUMNS, Bodies, load_bodies
from danvan.errors import SettingsError
from danvan.intake.year import read_year
from danvan.params import Period
from danvan.paths import Project

ROOT = Path(__file__).resolve().parents[2]
REAL = load_bodies(Project(ROOT))


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Project]:
    """`table("bdvtu|city|Ban A|2020-01-01|2024-12-31", ...)`: a project with these versions of bodies."""

    def make(*lines: str) -> Project:
        path = Project(tmp_path).bodies
        path.parent.mkdir(exist_ok=True)
        rows = [line.split("|") for line in lines]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *([*row[:3], "", *row[3:], "", ""] for row in rows)])
        return Project(tmp_path)

    return make


# --- the real file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "party", "police"),
    [
        (date(2023, 12, 31), "Ban Dân vận Thành ủy", "Công an thành phố"),
        (date(2025, 2, 28), "Ban Dân vận Thành ủy", "Công an thành phố"),
        (date(2025, 3, 1), "Ban Tuyên giáo và Dân vận Thành ủy", "Công an thành phố"),
        (date(2025, 7, 1), "Ban Tuyên giáo và Dân vận Thành ủy", "Công an thành phố"),
    ],
)
def test_the_bodies_of_the_city(day: date, party: str, police: str) -> None:
    assert (REAL.name("bdvtu", day), REAL.name("catp", day)) == (party, police)


@pytest.mark.parametrize(
    ("day", "kind", "party", "police"),
    [
        (date(2023, 12, 31), "quận", "Ban Dân vận Quận ủy X", "Công an quận X"),
        (date(2023, 12, 31), "huyện", "Ban Dân vận Huyện ủy X", "Công an huyện X"),
        (date(2025, 2, 28), "thành phố", "Ban Dân vận Thành ủy X", "Công an thành phố X"),
        # The district police ended four months before the districts.
        (date(2025, 3, 1), "quận", "Ban Tuyên giáo và Dân vận Quận ủy X", "Công an thành phố (địa bàn quận X)"),
        (date(2025, 6, 30), "huyện", "Ban Tuyên giáo và Dân vận Huyện ủy X", "Công an thành phố (địa bàn huyện X)"),
        (date(2025, 7, 1), "phường", "Đảng ủy phường X", "Công an phường X"),
        (date(2026, 12, 31), "đặc khu", "Đảng ủy đặc khu X", "Công an đặc khu X"),
    ],
)
def test_the_bodies_of_a_unit(day: date, kind: str, party: str, police: str) -> None:
    assert (REAL.office("bdvtu", kind, "X", day), REAL.office("catp", kind, "X", day)) == (party, police)


@pytest.mark.parametrize(
    ("day", "plural"),
    [
        (date(2024, 12, 31), "ban dân vận quận ủy, huyện ủy"),
        (date(2025, 6, 30), "ban tuyên giáo và dân vận quận ủy, huyện ủy, thành ủy trực thuộc"),
        (date(2025, 12, 31), "đảng ủy xã, phường, đặc khu"),
    ],
)
def test_all_of_them_in_a_sentence(day: date, plural: str) -> None:
    assert REAL.plural("bdvtu", day) == plural


def test_there_is_no_day_without_bodies() -> None:
    day = date(2019, 12, 31)
    while day < date(2027, 12, 31):
        for body in BODIES:
            assert REAL.name(body, day)
            assert REAL.plural(body, day)
        day += timedelta(days=1)


def test_the_versions_of_a_period() -> None:
    def names(start: str, end: str) -> list[str]:
        period = Period(start=date.fromisoformat(start), end=date.fromisoformat(end))
        return [v.name for v in REAL.within(period) if (v.body, v.level) == ("bdvtu", "city")]

    assert names("2023-01-01", "2023-12-31") == ["Ban Dân vận Thành ủy"]
    assert names("2025-01-01", "2025-12-31") == ["Ban Dân vận Thành ủy", "Ban Tuyên giáo và Dân vận Thành ủy"]
    assert names("2025-02-28", "2025-02-28") == ["Ban Dân vận Thành ủy"]
    assert names("2025-03-01", "2026-12-31") == ["Ban Tuyên giáo và Dân vận Thành ủy"]


def test_what_is_not_certain_is_noted() -> None:
    """The day of the merger in Hải Phòng is not known: the table says so itself."""
    (merged,) = (v for v in REAL.versions if v.name == "Ban Tuyên giáo và Dân vận Thành ủy")
    assert "chưa rõ" in merged.note


# --- another table ---------------------------------------------------------------------------------------------


def test_open_ends_reach_everywhere(table: Callable[..., Project]) -> None:
    bodies = load_bodies(table("bdvtu|city|Ban A||2023-06-30", "bdvtu|city|Ban B|2023-07-01|"))
    assert bodies.name("bdvtu", date(1900, 1, 1)) == bodies.name("bdvtu", date(2023, 6, 30)) == "Ban A"
    assert bodies.name("bdvtu", date(2023, 7, 1)) == bodies.name("bdvtu", date(2999, 1, 1)) == "Ban B"
    assert [version.line for version in bodies.versions] == [2, 3]


def test_a_day_without_a_body_is_told(table: Callable[..., Project]) -> None:
    bodies = load_bodies(table("bdvtu|city|Ban A|2023-01-01|2023-06-30"))
    for ask, level, day in (
        (lambda: bodies.name("bdvtu", date(2023, 7, 1)), "bdvtu, city", "01/07/2023"),
        (lambda: bodies.name("catp", date(2023, 3, 1)), "catp, city", "01/03/2023"),
        (lambda: bodies.office("bdvtu", "xã", "X", date(2023, 3, 1)), "bdvtu, unit", "01/03/2023"),
    ):
        with pytest.raises(SettingsError) as caught:
            ask()
        assert str(caught.value) == f"params/bodies.csv: không có {level} hiệu lực ngày {day}. Hãy bổ sung."


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["công an|city|A||"], "dòng 2: body phải là bdvtu hoặc catp, level phải là city hoặc unit."),
        (["catp|district|A||"], "dòng 2: body phải là bdvtu hoặc catp, level phải là city hoặc unit."),
        (["catp|city|A|01/01/2023|"], "dòng 2: ngày phải viết dạng năm-tháng-ngày."),
        (["catp|city|A||", "bdvtu|city|B|2023-01-01|2023-02-30"], "dòng 3: ngày phải viết dạng năm-tháng-ngày."),
        (
            ["catp|city|A||2023-06-30", "catp|city|B|2023-06-30|"],
            "dòng 3: trùng thời gian với dòng 2. Hãy sửa valid_from, valid_to.",
        ),
        (
            ["catp|unit|A|2023-01-01|", "bdvtu|unit|B||", "catp|unit|C||2023-01-01"],
            "dòng 4: trùng thời gian với dòng 2. Hãy sửa valid_from, valid_to.",
        ),
    ],
)
def test_a_wrong_table(lines: list[str], sentence: str, table: Callable[..., Project]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_bodies(table(*lines))
    assert str(caught.value) == f"params/bodies.csv, {sentence}"


def test_neighbours_and_other_levels_do_not_overlap(table: Callable[..., Project]) -> None:
    lines = ("catp|city|A||2023-06-30", "catp|city|B|2023-07-01|", "catp|unit|C||", "bdvtu|city|D||")
    assert len(load_bodies(table(*lines)).versions) == 4


# --- bodies and params -----------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """Params and reference data, no returns: bodies are looked at before these."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    shutil.copytree(ROOT / "data" / "reference", tmp_path / "data" / "reference")
    return Project(tmp_path)


def refused(project: Project, year: int) -> str:
    with pytest.raises(SettingsError) as caught:
        read_year(project, year)
    return str(caught.value)


@pytest.mark.parametrize(
    ("year", "name", "wrong"),
    [
        (2025, "Ban Tuyên giáo và Dân vận Thành ủy", "Ban Dân vận Thành ủy"),
        (2024, "Ban Dân vận Thành ủy", "Ban Tuyên giáo và Dân vận Thành ủy"),
    ],
)
def test_a_body_of_another_time_does_not_issue_the_report(year: int, name: str, wrong: str, small: Project) -> None:
    path = small.params(year)
    text = path.read_text(encoding="utf-8")
    assert text.count(f"    name: {name}") == 1
    path.write_text(text.replace(f"    name: {name}", f"    name: {wrong}"), encoding="utf-8")
    assert refused(small, year) == (
        f"params/{year}.yaml: cơ quan bdvtu ghi là “{wrong}”, nhưng ngày 31/12/{year} là “{name}” (params/bodies.csv). "
        "Hãy sửa một trong hai."
    )


def test_the_committed_params_agree_with_the_table(small: Project) -> None:
    for path in sorted((ROOT / "params").glob("[0-9]*.yaml")):
        assert refused(small, int(path.stem)).startswith("Chưa có thư mục data/")  # nothing is wrong before the returns


def test_bodies_without_a_version_stop_the_year(small: Project) -> None:
    lines = small.bodies.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith('catp,unit,Công an {kind} {name},"công an quận')]
    assert len(kept) == len(lines) - 1
    small.bodies.write_text("".join(kept), encoding="utf-8")
    assert refused(small, 2023) == "params/bodies.csv: không có catp, unit hiệu lực ngày 31/12/2023. Hãy bổ sung."


def test_an_empty_table_is_no_body() -> None:
    with pytest.raises(SettingsError):
        Bodies(()).name("bdvtu", date(2023, 1, 1))
