"""Where each unit stands, on real workbooks."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest
import troubled
from workbooks import change, put

from danvan import status
from danvan.intake.year import Year, read_year
from danvan.status import ReceivedOn, Standing


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    return troubled.make(tmp_path_factory.mktemp("năm"))


@pytest.fixture(scope="module")
def standings(year: Year) -> dict[str, Standing]:
    return {s.unit.name: s for s in status.standings(year, troubled.received(year))}


def test_every_unit_stands_in_official_order_the_city_last(standings: dict[str, Standing]) -> None:
    assert list(standings) == [
        "Hồng Bàng", "Ngô Quyền", "Lê Chân", "Hải An", "Kiến An", "Đồ Sơn", "Dương Kinh", "Thủy Nguyên", "An Dương",
        "An Lão", "Kiến Thụy", "Tiên Lãng", "Vĩnh Bảo", "Cát Hải", "Bạch Long Vĩ", "Khối thành phố",
    ]  # fmt: skip


def test_the_states(standings: dict[str, Standing]) -> None:
    found = {name: s.state for name, s in standings.items() if s.state != "sound"}
    assert found == {
        "Hồng Bàng": "errors",
        "Lê Chân": "open",
        "Kiến An": "refused",
        "Đồ Sơn": "refused",
        "Thủy Nguyên": "open",
        "An Lão": "missing",
    }
    assert status.WORDS[standings["Kiến An"].state] == "bị trả lại"


def test_errors_warnings_and_answers_are_counted(year: Year, standings: dict[str, Standing]) -> None:
    counts = {name: (s.errors, s.open_warnings, s.answered) for name, s in standings.items()}
    assert counts["Hồng Bàng"] == (2, 1, 0)
    assert counts["Hải An"] == (0, 0, 1)
    assert counts["An Lão"] == (0, 0, 0), "that there is nothing is said by the state"
    assert counts["Đồ Sơn"] == (1, 0, 0)
    told = sum(sum(three) for three in counts.values()) + len(status.points(year)[""])
    assert told == sum(f.rule != "missing-return" for f in year.findings)


def test_the_errors_come_first(year: Year) -> None:
    assert [f.severity for f in status.points(year)["Quận Hồng Bàng"]] == ["error", "error", "warning"]


def test_what_came_when_the_oldest_first(year: Year) -> None:
    now = troubled.received(year, troubled.LATER)
    before = ReceivedOn("data/2023/returns/Hồng Bàng.xlsx", "0" * 64, "Quận Hồng Bàng", troubled.CAME)
    of = {s.unit.name: s.files for s in status.standings(year, (*now, before))}
    assert [(line.file.rsplit("/", 1)[-1], line.received_on) for line in of["Hồng Bàng"]] == [
        ("Hồng Bàng.xlsx", troubled.CAME),
        ("Hồng Bàng.xlsx", troubled.LATER),
    ]
    assert of["An Lão"] == ()
    assert len(of["Đồ Sơn"]) == 1, "a refused file came all the same"


def test_a_file_that_is_gone_is_still_known_but_its_unit_is_missing(year: Year) -> None:
    gone = ReceivedOn("data/2023/returns/An Lão.xlsx", "1" * 64, "Huyện An Lão", troubled.CAME)
    [standing] = [s for s in status.standings(year, (gone,)) if s.unit.name == "An Lão"]
    assert (standing.state, standing.files) == ("missing", (gone,))


def test_a_file_is_of_the_unit_that_it_is_read_as_today(year: Year) -> None:
    lines = [ReceivedOn(line.file, line.sha256, "", line.received_on) for line in troubled.received(year)]
    assert all(s.files for s in status.standings(year, lines) if s.state != "missing")


def test_strays_are_the_files_of_no_known_unit_that_still_lie_there(year: Year) -> None:
    gone = ReceivedOn("data/2023/returns/bảng tính.xlsx", "2" * 64, "", troubled.CAME)
    strays = status.strays(year, (gone, *troubled.received(year)))
    assert [line.file for line in strays] == [f"data/2023/returns/{troubled.STRAY}"]


def test_completeness_counts_what_the_unit_owes(standings: dict[str, Standing]) -> None:
    def sums(name: str) -> tuple[int, int]:
        parts = standings[name].completeness
        return sum(reported for _, reported, _ in parts), sum(owed for _, _, owed in parts)

    assert [section for section, _, _ in standings["Hồng Bàng"].completeness] == ["I", "II.1", "II.2", "II.3", "II.4"]
    assert sums("Ngô Quyền") == (34, 34), "a quận has no communes, and owes nothing about them"
    assert sums("Cát Hải") == (35, 35)
    assert sums("Hồng Bàng") == (32, 34), "two values could not be read"
    assert sums("An Lão") == (0, 35)
    assert standings["Khối thành phố"].completeness[0] == ("I", 0, 0), "nothing asked"
    assert sums("Khối thành phố") == (34, 34)


def test_not_reported_is_owed_and_lacks_but_zero_is_a_value(tmp_path: Path) -> None:
    project = troubled.folder(tmp_path)
    change(project, put("tips_received", "", status="không báo cáo"))
    change(project, put("police_articles", "", status="không phát sinh"))
    hong_bang = status.standings(read_year(project, 2023), ())[0]
    parts = {section: (reported, owed) for section, reported, owed in hong_bang.completeness}
    assert (parts["II.1"], parts["II.2"]) == ((2, 2), (9, 10))


def test_a_partial_return_says_until_when(standings: dict[str, Standing]) -> None:
    assert standings["Thủy Nguyên"].until == date(2023, 11, 30)
    assert standings["Lê Chân"].until is None


def test_a_file_that_says_late_whose_it_is_still_has_its_findings(tmp_path: Path) -> None:
    def without_year(book: openpyxl.Workbook) -> None:
        [row] = [cell.row for (cell,) in book["Ban Dân vận"].iter_rows(max_col=1, max_row=9) if cell.value == "Năm"]
        book["Ban Dân vận"].cell(row, 1).value = None

    project = troubled.folder(tmp_path)
    change(project, without_year)
    year = read_year(project, 2023)
    hong_bang = status.standings(year, ())[0]
    assert (hong_bang.state, hong_bang.errors) == ("refused", 1)
    assert [f.rule for f in status.points(year)["Quận Hồng Bàng"]] == ["missing-head"]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (5, "còn 5 ngày"),
        (1, "còn 1 ngày"),
        (0, "hết hạn hôm nay"),
        (-1, "quá hạn 1 ngày"),
        (-30, "quá hạn 30 ngày"),
        (-1075, "quá hạn 1.075 ngày"),
    ],
)
def test_days_to_the_deadline(year: Year, days: int, words: str) -> None:
    today = year.params.returns_due - timedelta(days)
    assert status.days_left(year, today) == days
    assert status.due_words(days) == words
