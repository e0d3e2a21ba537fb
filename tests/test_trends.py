"""All years side by side: what is added, what is not, where a line breaks and why."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import copy_project

from danvan import pipeline
from danvan.document import Table
from danvan.errors import SettingsError
from danvan.measures import TOTAL
from danvan.outputs import Shown
from danvan.paths import Project
from danvan.trends import Trends, open_trends_of

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Trends:
    """2022 and 2023 alone: one map."""
    return open_trends_of(Project(copy_project(tmp_path_factory.mktemp("hai") / "dự án")), "public")


@pytest.fixture(scope="module")
def five() -> Trends:
    """All committed years."""
    return open_trends_of(Project(ROOT), "public")


def rows(shown: Shown | None) -> dict[str, list[str]]:
    assert shown
    assert isinstance(shown.block, Table)
    return {row.label: [cell.text for cell in row.cells] for row in shown.block.rows}


def data(shown: object) -> list[list[str]]:
    return shown.table  # type: ignore[attr-defined, no-any-return]


def test_what_happened_is_added_and_a_stock_is_not(two: Trends) -> None:
    table = rows(two.table("tips_received", "police_models_active", caption="Thử"))
    assert table["Tin về an ninh trật tự"] == ["tin", "4.644", "4.342", "8.986"]
    assert table["Mô hình Công an đang duy trì"] == ["mô hình", "533", "628", "628 (*)"]


def test_a_ratio_to_date_is_a_ratio_of_sums(two: Trends) -> None:
    valuable, received = (
        sum(book.results[code, TOTAL].value or 0 for book in two.books) for code in ("tips_valuable", "tips_received")
    )
    found = two.to_date("tips_valuable_rate")
    assert found
    assert found.value == Decimal(valuable) / Decimal(received) * 100


def test_one_lower_bound_makes_the_sum_a_lower_bound(two: Trends) -> None:
    assert rows(two.table("police_articles", caption="Thử"))["Bài viết tuyên truyền"][-1].startswith("trên 1.")


def test_yes_and_no_are_told_of_how_many_and_never_added(two: Trends) -> None:
    assert rows(two.table("plan_signed", caption="Thử"))["Ký kế hoạch phối hợp"] == ["có/không", "13/15", "14/15", "–"]


def test_a_year_of_the_programme_that_is_missing_leaves_no_sum(two: Trends) -> None:
    assert str(two.programme_years) == "2022-2023"
    assert not two.missing_years
    gap = Trends([two.books[1]], ())  # the programme began in 2022
    assert str(gap.incomplete) == " Chưa có số liệu năm 2022 của chương trình."
    assert rows(gap.table("tips_received", caption="Thử"))["Tin về an ninh trật tự"][-1] == "chưa đủ năm"


def test_an_illustrative_year_says_so(two: Trends) -> None:
    assert two.illustrative == "Số liệu năm 2022 là số liệu minh họa."
    shown = two.table("tips_received", caption="Thử").block
    assert isinstance(shown, Table)
    assert [column.label for column in shown.columns][1:3] == ["Năm 2022 (minh họa)", "Năm 2023"]


def test_a_chart_has_its_data_and_its_context_apart(two: Trends) -> None:
    table = data(two.chart("callup_rate", "tips_received", question="Thử?"))
    text = "\n".join(";".join(row) for row in table)
    assert "4.342" in text
    assert "4.644" in text
    assert "Chỉ tiêu được giao" in text
    context = rows(two.context())
    assert context["Tỷ lệ gọi tuyển"][:3] == ["chỉ tiêu: Chỉ tiêu được giao", "100%", "100%"]
    assert "minh họa" in context["Tỷ lệ tin có giá trị"][0]


def test_without_peers_and_targets_there_is_no_context(two: Trends) -> None:
    assert Trends(two.books, ()).context() is None


def test_an_unknown_indicator_gets_a_hint(two: Trends) -> None:
    with pytest.raises(SettingsError, match=r"Không có chỉ tiêu “tips_recieved”\. Có phải là “tips_received”"):
        two.table("tips_recieved", caption="Thử")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("tips_recieved,target,A,2023,1,B,no", "không có chỉ tiêu “tips_recieved”. Có phải là “tips_received”?"),
        ("tips_received,goal,A,2023,1,B,no", "kind phải là target hoặc peer, illustrative phải là yes hoặc no."),
        ("tips_received,target,A,2023,1,,no", "thiếu name hoặc source; số tham chiếu không có nguồn thì không dùng."),
        ('tips_received,target,A,2023,"1,5",B,no', "year phải là số năm, value là số không âm (dấu chấm thập phân)."),
        ("tips_received,target,A,2023,NaN,B,no", "year phải là số năm, value là số không âm (dấu chấm thập phân)."),
    ],
)
def test_a_series_is_refused_with_its_line(line: str, sentence: str, tmp_path: Path) -> None:
    from danvan.series import COLUMNS, load_series

    project = Project(tmp_path)
    project.series.parent.mkdir(parents=True)
    project.series.write_text(f"{','.join(COLUMNS)}\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_series(project, frozenset({"tips_received"}))
    assert str(caught.value) == f"data/reference/series.csv, dòng 2: {sentence}"


@pytest.mark.long
def test_lines_break_where_the_map_changes_and_stocks_go_on(five: Trends) -> None:
    broken = five._panel(five._indicator("tips_received"), [b.results["tips_received", TOTAL] for b in five.books])
    assert dict(broken.breaks) == dict.fromkeys((3, 4), "địa giới thành phố thay đổi từ 01/7/2025")
    code = "police_models_active"
    stock = five._panel(five._indicator(code), [b.results[code, TOTAL] for b in five.books])
    assert set(stock.breaks) == {3}  # the 114 units of 2025's end are those of 2026
    reasons = rows(five.breaks())
    assert "địa giới thành phố thay đổi từ 01/7/2025" in reasons["2025 và 2026"]


@pytest.mark.long
def test_the_document_of_all_years(tmp_path: Path) -> None:
    project = Project(copy_project(tmp_path / "dự án", 2022, 2023, 2024, 2025, 2026))
    built = pipeline.trends(project, "public")
    names = {path.relative_to(built.folder).as_posix() for path in built.folder.rglob("*") if path.is_file()}
    assert {"dien-bien.html", "dien-bien.pdf", "trace.json", "manifest.json", "notebook.ipynb"} <= names
    page = (built.folder / "dien-bien.html").read_text(encoding="utf-8")
    assert "Số liệu năm 2022, 2024, 2025 và 2026 là số liệu minh họa." in page
    assert "không có mẫu số" in page
    trace = json.loads((built.folder / "trace.json").read_text(encoding="utf-8"))
    to_date = trace["results"]["tips_received@2026/to-date"]
    parts = [trace["results"][f"tips_received@{year}/total"]["value"] for year in range(2022, 2027)]
    assert Decimal(to_date["value"]) == sum(map(Decimal, parts))
    assert {cell[0].split("/")[1] for cell in to_date["sources"]} == {str(year) for year in range(2022, 2027)}
    tables = list(built.folder.glob("figures/*.csv"))
    assert len(tables) == 3
    with tables[0].open(encoding="utf-8-sig", newline="") as file:
        assert len({len(row) for row in csv.reader(file, delimiter=";")}) == 1
    assert not pipeline.trends(project, "public").fresh
