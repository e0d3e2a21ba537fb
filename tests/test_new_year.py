"""A new year set up from the last one: params, folders, answers, forms; and the returns that come in on these forms."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest
import yaml
from test_forms import LAST, NAMES, all_rows, fill, head, shown_of
from workbooks import ROOT, form_of, put, remember_good_files

from danvan import exchange
from danvan.cli import main
from danvan.errors import SettingsError
from danvan.intake.answers import Answers
from danvan.loading import load_yaml
from danvan.newyear import params_text
from danvan.params import load_params
from danvan.paths import Project

MARK = "# Chép từ năm 2023: xem lại."
# What is said anew in most years: an analyst must look at it before it is printed.
TO_REVIEW = {
    *("theme", "directives", "communication_forms", "democracy_plans", "hotline", "movement_theme"),
    *("models_named", "limitations", "tasks", "distribution"),
}
AS_LAST_YEAR = {
    *("format_profile", "bodies", "programme", "directives", "communication_forms", "democracy_plans", "forum"),
    *("hotline", "leaders_per_unit", "movement_theme", "model_ward_title", "models_named", "limitations", "tasks"),
    *("distribution", "population_concept", "thresholds"),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_good_files(monkeypatch)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy in which the command line works, too."""
    return copy_of(ROOT, tmp_path / "dự án", monkeypatch)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """2024 set up, after a report of 2023 that has its number and date. Read it, change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        remember_good_files(patch)
        made = copy_of(ROOT, tmp_path_factory.mktemp("năm") / "dự án", patch)
        replace(made.params(2023), "number: null  ", "number: 15-BC/BDVTU-CATP")
        replace(made.params(2023), "  date: null\n", "  date: 2024-01-12\n")
        replace(made.params(2023), "data_cutoff: null ", "data_cutoff: 2023-12-15 ")
        assert not load_params(made, 2023).is_draft
        exchange.new_year(made, 2024)
    return made


def copy_of(root: Path, to: Path, monkeypatch: pytest.MonkeyPatch, until: int = 2023) -> Project:
    """A copy of params and data; of the project's own folder the years `until` that one, as if it were the last."""
    later = [path.stem for path in (ROOT / "params").glob("[0-9]*.yaml") if int(path.stem) > until]
    left_out = [*later, *(f"{year}.yaml" for year in later)] if root == ROOT else []
    for name in ("params", "data"):
        shutil.copytree(root / name, to / name, ignore=shutil.ignore_patterns(*left_out))
    monkeypatch.setenv("DANVAN_ROOT", str(to))
    return Project(to)


def content(project: Project, year: int) -> dict[str, object]:
    found = yaml.safe_load(project.params(year).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def everything(folder: Path) -> dict[str, bytes | None]:
    """All files and folders below, hidden ones too, but the cache."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if ".cache" not in path.parts
    }


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


# --- params ----------------------------------------------------------------------------------------------------


def test_what_belongs_to_one_year_alone_is_moved_on_or_blank(prepared: Project) -> None:
    before = content(prepared, 2023)
    params = load_params(prepared, 2024)
    assert params.year == 2024
    assert (params.period.start, params.period.end) == (date(2024, 1, 1), date(2024, 12, 31))
    assert params.returns_due == date(2024, 12, 20)
    assert params.data_cutoff is None
    assert (params.document.number, params.document.date, params.is_draft) == (None, None, True)
    assert (params.plan.kind, params.plan.number, params.plan.date) == ("Kế hoạch", None, None)
    assert (params.inspection.plan, params.inspection.results) == (None, ())
    assert params.remarks == {}
    assert params.theme == before["next_theme"]
    assert params.next_theme not in ("", before["next_theme"])
    assert "2025" in params.next_theme
    assert (params.provenance.city_totals, params.provenance.source) == ("reported", "")


def test_what_goes_on_is_as_it_was(prepared: Project) -> None:
    before, now = content(prepared, 2023), content(prepared, 2024)
    assert before.keys() - now.keys() == {"remarks"}
    assert now.keys() <= before.keys()
    assert {key for key in now if now[key] == before[key]} == AS_LAST_YEAR
    document = {"place": "Hải Phòng", "symbol": "BC/BDVTU-CATP"}
    assert now["document"] == {"number": None, "date": None, **document}


def test_figures_and_dates_of_last_year_do_not_stand_there_as_this_years(prepared: Project) -> None:
    """What a reader would take for a fact of 2024: numbers of documents, dates, remarks."""
    text = prepared.params(2024).read_text(encoding="utf-8")
    for old in (
        *("95-KH/BDVTU-CATP", "2023-01-16", "121-KH", "225-BC", "30-TB", "31-TB", "xe ô tô", "returns_due: 2023"),
        *("number: 15-BC/BDVTU-CATP", "2024-01-12", "2023-12-15", "Báo cáo kết quả phối hợp năm 2023"),
    ):
        assert old in prepared.params(2023).read_text(encoding="utf-8")
        assert old not in text


def test_comments_stay_and_remarks_on_last_years_dates_go(prepared: Project) -> None:
    text = prepared.params(2024).read_text(encoding="utf-8")
    first, *lines = text.splitlines()
    assert first == (
        "# Báo cáo năm 2024, lập từ năm 2023. Để trống những gì chưa có: báo cáo sẽ ghi “Dự thảo” cho đến khi có số và "
        "ngày."
    )
    comments = {line.split(":")[0].strip(): line.split(" # ")[1] for line in lines if " # " in line}
    assert comments == {
        "number": "ví dụ 15-BC/BDVTU-CATP",
        "signatory": "họ tên người ký là dữ liệu cá nhân: chỉ điền khi phát hành",
        "format_profile": "party, state: mẫu thể thức có hiệu lực vào ngày văn bản; hoặc tên một mẫu (party_2018)",
        "hotline": "in đúng như văn bản; là chữ, không phải số",
        "leaders_per_unit": "quy định về tổ chức, không phải kết quả",
        "change_percent": "chênh lệch với năm trước quá mức này thì phải giải trình",
        "change_absolute": "và phải chênh ít nhất ngần này đơn vị tính",
        "change_points": "tỷ lệ: chênh quá ngần này điểm phần trăm",
        "change_factor": "riêng chỉ tiêu về lượng (kg, khẩu, viên): gấp quá ngần này lần",
        "small_count": "dưới mức này nêu chênh lệch bằng số, không bằng phần trăm",
        "small_population": "dưới mức này không tính tỷ lệ theo dân số",
        "population_concept": "mẫu số của tỷ lệ theo dân số: một khái niệm trong data/reference/population.csv",
        "least_persons": (
            "số người (chỉ tiêu sensitive: person) của một đơn vị từ 1 đến dưới mức này: bản công khai không nêu"
        ),
        "confidence_percent": "độ tin cậy của khoảng tin cậy và của phép thử chênh lệch",
    }
    assert all(line == MARK for line in lines if line.startswith("#"))


def test_what_is_copied_is_marked_to_be_looked_through(prepared: Project) -> None:
    lines = prepared.params(2024).read_text(encoding="utf-8").splitlines()
    marked = {after.split(":")[0] for line, after in pairwise(lines) if line == MARK}
    assert marked == TO_REVIEW
    lists = {key for key, value in content(prepared, 2024).items() if isinstance(value, list)}
    assert lists - {"bodies"} <= marked


def test_marks_do_not_pile_up(project: Project) -> None:
    project.params(2024).write_text(params_text(project, 2024), encoding="utf-8")
    lines = params_text(project, 2025).splitlines()
    assert lines.count("# Chép từ năm 2024: xem lại.") == len(TO_REVIEW)
    assert MARK not in lines


def test_a_deadline_on_the_29th_of_february(project: Project) -> None:
    project.params(2024).write_text(params_text(project, 2024), encoding="utf-8")
    replace(project.params(2024), "returns_due: 2024-12-20", "returns_due: 2024-02-29")
    assert yaml.safe_load(params_text(project, 2025))["returns_due"] == date(2025, 2, 28)


def test_half_a_year_is_followed_by_a_whole_one(project: Project) -> None:
    replace(project.params(2023), "end: 2023-12-31", "end: 2023-06-30")
    period = yaml.safe_load(params_text(project, 2024))["period"]
    assert period == {"start": date(2024, 1, 1), "end": date(2024, 12, 31)}


# --- folders and forms -----------------------------------------------------------------------------------------


def test_everything_that_the_year_needs_is_there(project: Project) -> None:
    before = everything(project.root)
    made = exchange.new_year(project, 2024)
    assert project.returns(2024).is_dir()
    assert list(project.returns(2024).iterdir()) == []
    assert load_yaml(project.answers(2024), "answers.yaml", Answers).answers == ()
    assert yaml.safe_load(project.answers(2024).read_text(encoding="utf-8")) == {"answers": []}
    assert {path.stem for path in project.forms(2024).iterdir()} == set(NAMES)
    after = everything(project.root)
    assert {name: after[name] for name in before} == before
    new = {project.root / name for name in after.keys() - before.keys()}
    assert new == {*made, project.data(2024), project.forms(2024)}


def test_the_forms_are_of_the_new_year_with_last_years_figures_beside(prepared: Project) -> None:
    for name in NAMES:
        form = openpyxl.load_workbook(prepared.forms(2024) / f"{name}.xlsx")
        last = all_rows(openpyxl.load_workbook(ROOT / "data" / "2023" / "returns" / f"{name}.xlsx"))
        assert {code: row[LAST].value for code, row in all_rows(form).items()} == {
            code: shown_of(row) for code, row in last.items()
        }
        for sheet in (form["Ban Dân vận"], form["Công an"]):
            said = head(sheet)
            assert said["Năm"] == 2024
            assert said["Kỳ số liệu"] == "01/01/2024 - 31/12/2024"
            assert said["Mẫu phiếu"].startswith("DV2-2024-")
            assert said["Tính chất số liệu"] == "Chính thức"
            assert sheet["A9"].value.endswith("Gửi chậm nhất ngày 20/12/2024.")
            assert sheet["D9"].value == "Cột “Năm trước” là số liệu minh họa."
        assert form["Hướng dẫn"]["A1"].value.startswith("Hướng dẫn lập phiếu năm 2024: ")


def test_the_latest_year_with_returns_is_still_the_last(prepared: Project) -> None:
    """So that `build.py` alone goes on building the report that there is."""
    assert prepared.latest_year() == 2023


def test_2023_can_be_set_up_from_2022(project: Project) -> None:
    project.params(2023).unlink()
    shutil.rmtree(project.data(2023))
    exchange.new_year(project, 2023)
    assert load_params(project, 2023).period.end == date(2023, 12, 31)
    for name in NAMES:  # on these forms the committed returns came in
        assert head(openpyxl.load_workbook(project.forms(2023) / f"{name}.xlsx")["Công an"])["Mẫu phiếu"] == form_of(
            2023, name
        )


def test_a_bad_return_of_last_year_leaves_one_column_empty_and_stops_nothing(project: Project) -> None:
    (project.returns(2023) / "Đồ Sơn.xlsx").write_bytes(b"%PDF-1.7")
    exchange.new_year(project, 2024)
    last = {path.stem: all_rows(openpyxl.load_workbook(path)) for path in project.forms(2024).iterdir()}
    empty = [name for name, rows in last.items() if {row[LAST].value for row in rows.values()} == {None}]
    assert empty == ["Đồ Sơn"]
    assert len(last) == 16


def test_returns_and_answers_that_are_there_already_stay(project: Project) -> None:
    project.returns(2024).mkdir(parents=True)
    early = project.returns(2024) / "Lê Chân.xlsx"
    early.write_bytes(b"came early")
    answers = "answers:\n  - {finding: abcdefg, office: Công an quận Lê Chân, reason: Đã kiểm tra lại.}\n"
    project.answers(2024).write_text(answers, encoding="utf-8")
    exchange.new_year(project, 2024)
    assert early.read_bytes() == b"came early"
    assert project.answers(2024).read_text(encoding="utf-8") == answers
    assert len(list(project.forms(2024).iterdir())) == 16


# --- the year in which the map changes ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_two_maps(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """2025 set up after 2024. Read it, change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        made = copy_of(ROOT, tmp_path_factory.mktemp("năm") / "dự án", patch, until=2024)
        exchange.new_year(made, 2025)
    return made


@pytest.mark.long
def test_each_version_of_a_unit_gets_a_form_of_its_own_days(of_two_maps: Project) -> None:
    forms = {path.stem: path for path in of_two_maps.forms(2025).iterdir()}
    assert len(forms) == 15 + 114 + 1
    for name, unit, days in (
        ("Quận Hồng Bàng", "Quận Hồng Bàng", "01/01/2025 - 30/06/2025"),
        ("Phường Hồng Bàng", "Phường Hồng Bàng", "01/07/2025 - 31/12/2025"),
        ("Nam Sách", "Xã Nam Sách", "01/07/2025 - 31/12/2025"),
        ("Khối thành phố", "Khối thành phố", "01/01/2025 - 31/12/2025"),
    ):
        said = head(openpyxl.load_workbook(forms[name])["Công an"])
        assert (said["Đơn vị"], said["Kỳ số liệu"]) == (unit, days)


@pytest.mark.long
def test_last_years_figures_stand_beside_those_of_the_same_unit(of_two_maps: Project) -> None:
    for name, before in (("Quận Ngô Quyền", "Ngô Quyền"), ("Khối thành phố", "Khối thành phố")):
        now = all_rows(openpyxl.load_workbook(of_two_maps.forms(2025) / f"{name}.xlsx"))
        last = all_rows(openpyxl.load_workbook(of_two_maps.returns(2024) / f"{before}.xlsx"))
        assert {code: row[LAST].value for code, row in now.items()} == {code: shown_of(last[code]) for code in now}


@pytest.mark.long
def test_figures_of_other_land_do_not_stand_beside(of_two_maps: Project) -> None:
    rows = all_rows(openpyxl.load_workbook(of_two_maps.forms(2025) / "Quận Hồng Bàng.xlsx"))
    assert {row[LAST].value for row in rows.values()} == {None}


@pytest.mark.long
def test_bodies_are_called_what_they_are_called_in_the_new_year(
    of_two_maps: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commission merged early in 2025; a name that is changed by hand against bodies.csv is told."""
    assert [body.name for body in load_params(of_two_maps, 2025).bodies] == [
        "Ban Tuyên giáo và Dân vận Thành ủy",
        "Công an thành phố",
    ]
    monkeypatch.setenv("DANVAN_ROOT", str(of_two_maps.root))
    path = of_two_maps.params(2025)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("name: Ban Tuyên giáo và Dân vận Thành ủy", "name: Ban Dân vận Thành ủy"), "utf-8")
    try:
        assert main(["check", "2025"]) == 2
    finally:
        path.write_text(text, "utf-8")
    assert capsys.readouterr().err == (
        "params/2025.yaml: cơ quan bdvtu ghi là “Ban Dân vận Thành ủy”, nhưng ngày 31/12/2025 là “Ban Tuyên giáo và "
        "Dân vận Thành ủy” (params/bodies.csv). Hãy sửa một trong hai.\n"
    )


# --- refused ---------------------------------------------------------------------------------------------------


def test_a_year_is_set_up_once(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    exchange.new_year(project, 2024)
    (project.forms(2024) / "Lê Chân.xlsx").unlink()  # sent and put away
    before = everything(project.root)
    assert main(["new-year", "2024"]) == 2
    assert capsys.readouterr() == ("", "Đã có params/2024.yaml; năm 2024 không được lập lại.\n")
    assert everything(project.root) == before
    assert main(["new-year", "2023"]) == 2
    assert everything(project.root) == before


@pytest.mark.parametrize("year", [2031, 2025, 1999])
def test_a_year_needs_the_year_before(year: int, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(project.root)
    assert main(["new-year", str(year)]) == 2
    assert capsys.readouterr() == (
        "",
        f"Chưa có params/{year - 1}.yaml để lập năm {year} theo. Hãy lập năm {year - 1} trước.\n",
    )
    assert everything(project.root) == before


def test_a_year_without_units_leaves_nothing_behind(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """After 2025-06-30 the districts are no more: without the units that follow them, nobody would report."""
    lines = project.units.read_text(encoding="utf-8").splitlines(keepends=True)
    project.units.write_text("".join(line for line in lines if ",2025-07-01," not in line), encoding="utf-8")
    text = project.params(2023).read_text(encoding="utf-8").replace("2023", "2024")
    project.params(2024).write_text(text, encoding="utf-8")
    before = everything(project.root)
    assert main(["new-year", "2025"]) == 2
    assert capsys.readouterr() == (
        "",
        "params/units.csv: không có đơn vị nào hiệu lực ngày 31/12/2025. Hãy bổ sung phiên bản đơn vị.\n",
    )
    assert everything(project.root) == before


def test_what_is_wrong_in_last_years_params_is_told_with_its_line(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(project.params(2023), "leaders_per_unit: 1 ", "leaders_per_unit: một ")
    line = project.params(2023).read_text(encoding="utf-8").split("leaders_per_unit")[0].count("\n") + 1
    before = everything(project.root)
    assert main(["new-year", "2024"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"params/2023.yaml, dòng {line}: “leaders_per_unit” là 'một'; cần số nguyên.\n")
    assert everything(project.root) == before


def test_forms_that_were_filled_in_stop_it(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.forms(2024).mkdir(parents=True)
    shutil.copy(project.returns(2023) / "Lê Chân.xlsx", project.forms(2024))
    before = everything(project.root)
    assert main(["new-year", "2024"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.startswith("Trong forms đã có tệp ghi số"), "Lê Chân.xlsx" in err) == ("", True, True)
    assert everything(project.root) == before


def test_when_the_disk_refuses_it_can_be_tried_again(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.data(2024).write_bytes(b"")  # a file where the folder should be
    assert main(["new-year", "2024"]) == 4
    assert "Traceback" not in capsys.readouterr().err
    project.data(2024).unlink()
    assert main(["new-year", "2024"]) == 0
    assert len(list(project.forms(2024).iterdir())) == 16


# --- the command line ------------------------------------------------------------------------------------------


def test_new_year_says_what_was_made_and_what_to_do(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-year", "2024"]) == 0
    assert capsys.readouterr() == (
        "Đã chuẩn bị năm 2024: 19 mục, gồm params/2024.yaml và mẫu phiếu trong\n"
        "data/2024/forms. Xem lại các chỗ ghi “Chép từ năm ...” trong params.\n",
        "",
    )
    assert project.params(2024).is_file()


def test_forms_lie_with_the_year_or_where_they_are_wanted(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["form", "2023"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (f"Đã lập 16 mẫu phiếu năm 2023 trong {project.forms(2023)}.\n", "")
    before = everything(project.root)
    elsewhere = tmp_path / "ổ đĩa chung" / "mẫu"
    assert main(["form", "2023", "--out", str(elsewhere)]) == 0
    assert capsys.readouterr().out == f"Đã lập 16 mẫu phiếu năm 2023 trong {elsewhere}.\n"
    assert everything(elsewhere) == everything(project.forms(2023))
    assert everything(project.root) == before


def test_out_may_be_named_from_where_one_stands(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["form", "2023", "--out", "gửi đi"]) == 0
    assert {path.stem for path in (tmp_path / "gửi đi").iterdir()} == set(NAMES)
    assert not project.forms(2023).exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("new-year", 2, "Gọi lệnh sai: thiếu NĂM. Xem: build.py --help"),
        ("new-year hai", 2, "Gọi lệnh sai: NĂM phải là số năm, không phải “hai”. Xem: build.py --help"),
        ("new-year 2024 2025", 2, "Gọi lệnh sai: không có tham số “2025”. Xem: build.py --help"),
        ("new-yaer 2024", 2, "Gọi lệnh sai: không có lệnh “new-yaer”. Có phải là “new-year”? Xem: build.py --help"),
        ("form", 2, "Gọi lệnh sai: thiếu NĂM. Xem: build.py --help"),
        ("form 2023 --out", 2, "Gọi lệnh sai: --out còn thiếu giá trị. Xem: build.py --help"),
        ("form 2031", 2, "Thiếu tệp params/2031.yaml. Hãy lấy lại tệp này hoặc tạo theo tệp của năm trước."),
    ],
)
def test_a_wrong_call(
    arguments: str, code: int, sentence: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(project.root)
    assert main(arguments.split()) == code
    assert capsys.readouterr() == ("", sentence + "\n")
    assert everything(project.root) == before


def test_forms_cannot_be_written_into_a_file(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    target = project.root / "mẫu"
    target.write_bytes(b"mine")
    assert main(["form", "2023", "--out", str(target)]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Không đọc hoặc ghi được mẫu")
    assert target.read_bytes() == b"mine"


def test_help_names_the_two_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^ *new-year NĂM +\S", told, re.MULTILINE)
    assert re.search(r"^ *form NĂM \[--out THƯ_MỤC\] +\S", told, re.MULTILINE)


# --- the returns come in ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def typed(prepared: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The forms of 2024, each with the figures of 2023 typed in."""
    to = tmp_path_factory.mktemp("đã ghi")
    for form in prepared.forms(2024).iterdir():
        fill(form, prepared.returns(2023) / form.name, to / form.name)
    return to


@pytest.fixture
def returned(prepared: Project, typed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """2024 set up, and each unit has sent in the figures of 2023."""
    project = copy_of(prepared.root, tmp_path / "dự án", monkeypatch)
    shutil.copytree(typed, project.returns(2024), dirs_exist_ok=True)
    return project


def checked(project: Project, year: int) -> tuple[int, list[dict[str, str]]]:
    where = project.root / "kết quả.json"
    code = main(["check", str(year), "--json", str(where)])
    return code, json.loads(where.read_text(encoding="utf-8"))


FULL = {"Khối thành phố"} | {
    *(f"Quận {name}" for name in ("Hồng Bàng", "Ngô Quyền", "Lê Chân", "Hải An", "Kiến An", "Đồ Sơn", "Dương Kinh")),
    *(f"Huyện {name}" for name in ("Thủy Nguyên", "An Dương", "An Lão", "Kiến Thụy", "Tiên Lãng", "Vĩnh Bảo")),
    *("Huyện Cát Hải", "Huyện Bạch Long Vĩ"),
}


def test_last_years_figures_sent_again_are_found(returned: Project, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = checked(returned, 2024)
    assert code == 1
    errors = {(f["rule"], f["unit"]) for f in found if f["severity"] == "error"}
    assert errors == {("identical-to-last-year", unit) for unit in FULL}
    assert ("Khối thành phố", "Ban Dân vận") in {(f["unit"], f["sheet"]) for f in found if f["severity"] == "error"}
    out = capsys.readouterr().out
    assert "Năm 2024: đọc được 16 phiếu, thiếu 0; 17 lỗi phải sửa" in out
    replies = {path.name for path in returned.replies(2024).iterdir()}
    assert replies == FULL


@pytest.mark.long
def test_one_other_figure_and_it_is_not_the_same_return(returned: Project) -> None:
    path = returned.returns(2024) / "Hồng Bàng.xlsx"
    book = openpyxl.load_workbook(path)
    put("tips_received", 156)(book)
    book.save(path)
    _, found = checked(returned, 2024)
    named = {f["unit"] for f in found if f["rule"] == "identical-to-last-year"}
    assert named == FULL - {"Quận Hồng Bàng"}


@pytest.mark.long
def test_last_years_file_itself_is_told_from_this_years(returned: Project) -> None:
    shutil.copy(returned.returns(2023) / "Lê Chân.xlsx", returned.returns(2024) / "Lê Chân.xlsx")
    _, found = checked(returned, 2024)
    rules = {f["rule"] for f in found if f["unit"] == "Quận Lê Chân"}
    assert {"last-years-form", "wrong-year", "wrong-period", "missing-return"} <= rules


def test_forms_of_the_year_are_not_taken_for_returns(returned: Project) -> None:
    """They lie beside the returns; only what is in the folder of returns counts."""
    shutil.rmtree(returned.returns(2024))
    returned.returns(2024).mkdir()
    code, found = checked(returned, 2024)
    assert code == 1
    assert {f["rule"] for f in found} == {"missing-return"}
    assert len(found) == 16


@pytest.mark.long
def test_a_form_written_again_after_the_returns_came_is_the_same(returned: Project) -> None:
    before = everything(returned.forms(2024))
    exchange.forms(returned, 2024)
    assert everything(returned.forms(2024)) == before
    with pytest.raises(SettingsError):
        exchange.forms(returned, 2024, returned.returns(2024))
