"""What offices say to warnings, in data/YEAR/answers.yaml: asked once, shown as answered, open again with another
number; and what must not stand in that file."""

from __future__ import annotations

import re
import unicodedata
from itertools import product
from pathlib import Path

import pytest
from conftest import copy_first_years
from workbooks import change, put, remember_good_files

from danvan.cli import main
from danvan.document import Table, to_json
from danvan.errors import SettingsError
from danvan.intake.answers import EMPTY
from danvan.intake.findings import Answer, Finding
from danvan.intake.year import read_year
from danvan.paths import Project
from danvan.yearbook import Yearbook, open_year_of

SHOWN = "data/2023/answers.yaml"
HAI_AN, THUY_NGUYEN = "Quận Hải An", "Huyện Thủy Nguyên"
OFFICE, REASON = "Công an quận Hải An", "Mở thêm chuyên mục phát thanh hằng tuần."
SECRET_OFFICE, SECRET = "Công an huyện Thủy Nguyên", "Vận động thu hồi kho đạn cũ ở xã Lập Lễ."
# What the committed returns of 2023 leave open.
NEWS = ("change-on-last-year", HAI_AN, "police_news_items")
ROUNDS = ("change-on-last-year", THUY_NGUYEN, "ammunition_rounds")
PER_GUN = ("rounds-per-gun", THUY_NGUYEN, "ammunition_rounds")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_good_files(monkeypatch)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """With the committed returns, nothing answered yet; the command line works there, too."""
    root = tmp_path / "dự án"
    copy_first_years(root)
    project = Project(root)
    project.answers(2023).unlink(missing_ok=True)
    monkeypatch.setenv("DANVAN_ROOT", str(root))
    return project


def key(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.unit, finding.indicator


def found(project: Project) -> dict[tuple[str, str, str], Finding]:
    """What is found in 2023; each by rule, unit and indicator."""
    findings = read_year(project, 2023).findings
    by_key = {key(finding): finding for finding in findings}
    assert len(by_key) == len(findings)
    return by_key


def write(project: Project, text: str) -> None:
    project.answers(2023).write_text(text, encoding="utf-8")


def entry(finding: str, office: str = OFFICE, reason: str = REASON) -> str:
    return f"  - {{finding: {finding}, office: {office}, reason: {reason}}}\n"


def answer(project: Project, *entries: tuple[tuple[str, str, str], str, str]) -> None:
    """Answer findings by the ids that `check` shows."""
    known = found(project)
    write(project, "answers:\n" + "".join(entry(known[which].id, office, reason) for which, office, reason in entries))


# --- answered --------------------------------------------------------------------------------------------------


def test_the_answer_stands_with_its_finding_and_no_other(project: Project) -> None:
    assert {which: f.answer for which, f in found(project).items()} == dict.fromkeys((NEWS, ROUNDS, PER_GUN))
    answer(project, (NEWS, OFFICE, REASON))
    now = found(project)
    assert now.keys() == {NEWS, ROUNDS, PER_GUN}
    assert now[NEWS].answer == Answer(OFFICE, REASON)
    assert {which for which, f in now.items() if f.is_open} == {ROUNDS, PER_GUN}


def test_the_id_is_the_same_every_time_and_can_be_typed(project: Project) -> None:
    first, again = found(project), found(project)
    assert {which: f.id for which, f in first.items()} == {which: f.id for which, f in again.items()}
    assert len({f.id for f in first.values()}) == 3
    assert all(re.fullmatch("[a-p]{7}", f.id) for f in first.values())


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│").split("│")]


def lines_of(out: str, word: str) -> list[list[str]]:
    """The lines of the tables in the terminal that have this word in a cell, as cells."""
    return [cells(line) for line in out.splitlines() if "│" in line and word in cells(line)]


def test_check_shows_it_as_answered(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    answer(project, (NEWS, OFFICE, REASON), (PER_GUN, SECRET_OFFICE, SECRET))
    ids = {which: f.id for which, f in found(project).items()}
    assert main(["check", "2023"]) == 0
    out = capsys.readouterr().out
    for which, state in ((NEWS, "đã giải trình"), (PER_GUN, "đã giải trình"), (ROUNDS, "chờ giải trình")):
        [line] = lines_of(out, ids[which])
        assert line[0] == state
    assert "Năm 2023: đọc được 16 phiếu, thiếu 0; 0 lỗi phải sửa, 1 điểm chờ giải trình, 2 điểm đã giải trình.\n" in out
    board = {line[0]: line for line in (cells(line) for line in out.splitlines()) if line[0] in (HAI_AN, THUY_NGUYEN)}
    assert board[HAI_AN][1] == "đạt"
    assert board[HAI_AN][3:6] == ["0", "0", "1"]  # errors, open, answered
    assert board[THUY_NGUYEN][1] == "chờ giải trình"
    assert board[THUY_NGUYEN][3:6] == ["0", "1", "1"]


def replied(project: Project) -> set[str]:
    assert main(["check", "2023"]) == 0
    return {path.name for path in project.replies(2023).iterdir()}


def test_who_has_answered_all_gets_no_letter_any_more(project: Project) -> None:
    assert replied(project) == {HAI_AN, THUY_NGUYEN}
    answer(project, (NEWS, OFFICE, REASON))
    assert replied(project) == {THUY_NGUYEN}
    answer(project, (NEWS, OFFICE, REASON), (ROUNDS, SECRET_OFFICE, SECRET))
    assert replied(project) == {THUY_NGUYEN}
    letter = (project.replies(2023) / THUY_NGUYEN / f"Thư gửi {THUY_NGUYEN}.md").read_text(encoding="utf-8")
    known = found(project)
    assert known[PER_GUN].id in letter
    assert known[ROUNDS].id not in letter  # only what is still open
    answer(project, (NEWS, OFFICE, REASON), (ROUNDS, SECRET_OFFICE, SECRET), (PER_GUN, SECRET_OFFICE, SECRET))
    assert replied(project) == set()


def test_an_answered_warning_is_no_error_of_the_report(project: Project) -> None:
    answer(project, (NEWS, OFFICE, REASON))
    read_year(project, 2023).require_sound(allow_incomplete=False)


# --- in the report ---------------------------------------------------------------------------------------------


def table(book: Yearbook) -> Table:
    shown = book.quality("findings")
    assert shown is not None
    assert isinstance(shown.block, Table)
    return shown.block


def rows(book: Yearbook) -> list[list[str]]:
    return [[row.label, *(cell.text for cell in row.cells)] for row in table(book).rows]


@pytest.mark.parametrize("edition", ["public", "internal"])
def test_the_report_tells_who_said_what(project: Project, edition: str) -> None:
    answer(project, (NEWS, OFFICE, REASON))
    book = open_year_of(project, 2023, edition)
    assert [column.label for column in table(book).columns][-1] == "Giải trình"
    [row] = [row for row in rows(book) if row[0] == HAI_AN]
    assert row[1] == "Bản tin, phóng sự"
    assert row[3] == "52; năm trước 31"
    assert row[4] == f"{OFFICE}: {REASON}"
    assert {row[4] for row in rows(book) if row[0] != HAI_AN} == {"chưa có"}
    assert (str(book.remarked), str(book.answered)) == ("03", "01")


def test_nothing_is_said_of_answers_where_there_are_none(project: Project) -> None:
    book = open_year_of(project, 2023, "public")
    assert not book.answered
    assert {row[4] for row in rows(book)} == {"chưa có"}


def test_the_public_edition_holds_no_answer_to_what_it_hides(project: Project) -> None:
    """Rounds of ammunition are published for the whole city only."""
    answer(project, (NEWS, OFFICE, REASON), (ROUNDS, SECRET_OFFICE, SECRET), (PER_GUN, SECRET_OFFICE, SECRET))
    book = open_year_of(project, 2023, "public")
    hidden = [row for row in rows(book) if row[0] != HAI_AN]
    assert [(row[0], row[1], row[3], row[4]) for row in hidden] == [
        ("Một đơn vị", "Đạn giao nộp", "không công bố theo đơn vị", "đã có")
    ] * 2
    shown = book.quality("findings")
    assert shown is not None
    everywhere = [str(to_json(shown.block)), shown.html, str(book.findings)]
    for secret in (SECRET_OFFICE, SECRET, "Lập Lễ", "Thủy Nguyên", "189260", "189.260", "2915", "D24"):
        assert [text for text in everywhere if secret in text] == []
    for count in ("answered@2023", "findings@2023"):  # where the trace leads to
        assert {cell.file for cell in book.counts[count].sources} == {"data/2023/returns/Hải An.xlsx"}
    assert str(book.answered) == "03"


def test_the_internal_edition_has_it_all(project: Project) -> None:
    answer(project, (ROUNDS, SECRET_OFFICE, SECRET))
    told = [row for row in rows(open_year_of(project, 2023, "internal")) if row[0] == THUY_NGUYEN]
    assert [row[4] for row in told] == ["chưa có", f"{SECRET_OFFICE}: {SECRET}"]
    assert told[1][3] == "189260; năm trước 2915"


def test_html_in_an_answer_is_text(project: Project) -> None:
    answer(project, (NEWS, OFFICE, "'<script>alert(1)</script> & xong'"))
    shown = open_year_of(project, 2023, "public").quality("findings")
    assert shown is not None
    assert "<script>" not in shown.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; xong" in shown.html


# --- stale -----------------------------------------------------------------------------------------------------


def test_another_number_opens_it_again(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    answer(project, (NEWS, OFFICE, REASON))
    old = found(project)[NEWS]
    change(project, put("police_news_items", 53), "Hải An.xlsx")
    now = found(project)
    assert now[NEWS].is_open
    assert now[NEWS].id != old.id
    [stale] = [f for f in now.values() if f.rule == "stale-answer"]
    assert (stale.severity, stale.found, stale.cell.file, stale.is_open) == ("warning", old.id, SHOWN, True)
    assert stale.reason == "Không còn điểm nào ứng với lời giải trình này; số trong phiếu có thể đã đổi."
    assert stale.remedy == "Xem lại bảng của lệnh check; sửa mã hoặc xóa mục này."
    assert main(["check", "2023"]) == 0
    out = capsys.readouterr().out
    assert "4 điểm chờ giải trình, 0 điểm đã giải trình" in out
    assert {path.name for path in project.replies(2023).iterdir()} == {HAI_AN, THUY_NGUYEN}


def test_another_number_of_last_year_opens_it_again(project: Project) -> None:
    answer(project, (NEWS, OFFICE, REASON))
    path = project.returns(2022) / "Hải An.xlsx"
    change(project, put("police_news_items", 32), f"../../2022/returns/{path.name}")
    assert found(project)[NEWS].is_open


def test_a_number_that_needs_no_answer_any_more_leaves_the_answer_stale(project: Project) -> None:
    answer(project, (NEWS, OFFICE, REASON))
    change(project, put("police_news_items", 33), "Hải An.xlsx")
    now = found(project)
    assert NEWS not in now
    assert len([f for f in now.values() if f.rule == "stale-answer"]) == 1


def test_the_same_number_again_needs_no_second_answer(project: Project) -> None:
    """Another file, another place, another figure elsewhere: the number that was answered is the same."""
    answer(project, (NEWS, OFFICE, REASON))
    change(project, put("petitions_received", 99), "Hải An.xlsx")
    returns = project.returns(2023)
    (returns / "Hải An.xlsx").rename(returns / "Hải An (sửa).xlsx")
    assert found(project)[NEWS].answer == Answer(OFFICE, REASON)


def test_a_stale_answer_does_not_stop_the_report(project: Project) -> None:
    write(project, "answers:\n" + entry("abcdefg"))
    year = read_year(project, 2023)
    year.require_sound(allow_incomplete=False)
    assert len(year.findings) == 4


# --- what must not stand in the file ---------------------------------------------------------------------------


def refused(project: Project, text: str) -> str:
    write(project, text)
    with pytest.raises(SettingsError) as caught:
        read_year(project, 2023)
    return str(caught.value)


ONE = "answers:\n" + entry("abcdefg")
PERSONAL = "lời giải trình có dữ liệu về người. Hãy bỏ tên, số giấy tờ, điện thoại."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (ONE + entry("abcdefg"), "dòng 3: điểm abcdefg được giải trình hai lần. Hãy giữ một."),
        (
            "answers:\n  - {finding: abcdefg, office: Công an quận Hải An, reason: Đúng., reasons: x}\n",
            "dòng 2: không có khóa “answers.0.reasons”. Có phải là “reason”?",
        ),
        ("# giải trình\nanswer: []\n", "dòng 2: không có khóa “answer”. Có phải là “answers”?"),
        (ONE + "  - {finding: bcdefgh, office: Công an quận Hải An}\n", "dòng 3: thiếu khóa “answers.1.reason”."),
        (ONE + entry("bcdefgh", reason="theo ông Nguyễn Văn An"), f"dòng 3: {PERSONAL}"),
        (ONE + entry("bcdefgh", reason="Gọi 0912 345 678 để hỏi."), f"dòng 3: {PERSONAL}"),
        (ONE + entry("bcdefgh", reason="Căn cước 031099001234."), f"dòng 3: {PERSONAL}"),
        (ONE + entry("bcdefgh", office="Đồng chí Trần Văn Bình"), f"dòng 3: {PERSONAL}"),
        (
            ONE + "  - finding: bcdefgh\n    office: Công an quận Hải An\n    reason: bà Trần Thị Hoa báo\n",
            f"dòng 5: {PERSONAL}",
        ),
        (ONE + entry("ABCDEFG"), "dòng 3: “answers.1”: mã “ABCDEFG” không đúng"),
        (ONE + entry("abcdef"), "dòng 3: “answers.1”: mã “abcdef” không đúng"),
        (ONE + entry("abcdefz"), "dòng 3: “answers.1”: mã “abcdefz” không đúng"),
        (ONE + entry("1234567"), "dòng 3: “answers.1.finding” là 1234567"),
        (ONE + entry("bcdefgh", reason="''"), "dòng 3: “answers.1”: cơ quan hoặc lý do giải trình quá ngắn."),
        (ONE + entry("bcdefgh", office="' '"), "dòng 3: “answers.1”: cơ quan hoặc lý do giải trình quá ngắn."),
        ("answers:\n  finding: abcdefg\n", "dòng 1: “answers” là"),
        ("answers: [*x]\n", "dòng 1: YAML viết sai"),
        (ONE + ONE, "dòng 3: khóa “answers” viết hai lần."),
    ],
)
@pytest.mark.sampled(6)
def test_what_is_wrong_is_told_with_its_line(text: str, sentence: str, project: Project) -> None:
    said = refused(project, text)
    assert said.startswith(f"{SHOWN}, {sentence}")
    assert len(said.splitlines()) == 1
    assert "Nguyễn Văn An" not in said
    assert "0912" not in said


def test_a_misspelt_key_is_told_with_the_one_that_lacks(project: Project) -> None:
    said = refused(project, "answers:\n  - {finding: abcdefg, ofice: Công an quận Hải An, reason: Đúng.}\n")
    lacks, misspelt = said.splitlines()
    assert lacks.startswith(f"{SHOWN}, dòng 2: thiếu khóa “answers.0.office”.")
    assert misspelt.startswith(f"{SHOWN}, dòng 2: không có khóa “answers.0.ofice”. Có phải là “office”?")


def test_all_that_is_wrong_is_told_at_once(project: Project) -> None:
    said = refused(project, "answers:\n" + entry("abc") + entry("abcdefg", office="ba") + "  - {finding: ijklmno}\n")
    assert [re.search(r"dòng (\d+): .*answers\.(\d)", line)[0] for line in said.splitlines()] == [  # type: ignore[index]
        *("dòng 2: “answers.0", "dòng 3: “answers.1", "dòng 4: thiếu khóa “answers.2", "dòng 4: thiếu khóa “answers.2")
    ]


def test_a_wrong_file_is_told_on_the_command_line(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, ONE + entry("abcdefg"))
    assert main(["check", "2023"]) == 2
    said = capsys.readouterr()
    assert said == ("", f"{SHOWN}, dòng 3: điểm abcdefg được giải trình hai lần. Hãy giữ một.\n")
    assert not project.replies(2023).exists()


def an_error(project: Project) -> Finding:
    change(project, put("guns", -3))
    [error] = [f for f in read_year(project, 2023).findings if f.severity == "error"]
    return error


def test_an_error_is_mended_and_not_answered(project: Project) -> None:
    error = an_error(project)
    assert refused(project, ONE + entry(error.id)) == (
        f"{SHOWN}, dòng 3: điểm {error.id} là lỗi phải sửa trong phiếu, không giải trình được."
    )


def test_a_comment_on_an_answer_is_not_the_answer(project: Project) -> None:
    error = an_error(project)
    said = refused(project, f"# {error.id}: gọi lại\n{ONE}{entry(error.id)}")
    assert said.startswith(f"{SHOWN}, dòng 4: ")


# --- what may ---------------------------------------------------------------------------------------------------


def test_the_empty_file_of_a_new_year_answers_nothing(project: Project) -> None:
    before = read_year(project, 2023).findings
    write(project, EMPTY)
    assert read_year(project, 2023).findings == before


def test_its_example_is_one(project: Project) -> None:
    """Whoever takes away the # of the example has an answer."""
    [example] = re.findall(r"^#(   - \{finding: .*)$", EMPTY, re.MULTILINE)
    news = found(project)[NEWS]
    write(project, f"answers:\n{example.replace('abcdefg', news.id)}\n")
    assert found(project)[NEWS].answer == Answer(OFFICE, REASON)


OFFICES = [
    *("Ban Dân vận Thành ủy", "Công an thành phố", "Văn phòng Ban Dân vận Thành ủy Hải Phòng"),
    *(
        f"{body} {kind} {name}"
        for kind, level, names in (
            ("quận", "Quận ủy", ("Hồng Bàng", "Ngô Quyền", "Lê Chân", "Hải An", "Kiến An", "Đồ Sơn", "Dương Kinh")),
            ("huyện", "Huyện ủy", ("Thủy Nguyên", "An Dương", "An Lão", "Kiến Thụy", "Tiên Lãng", "Vĩnh Bảo")),
            ("huyện", "Huyện ủy", ("Cát Hải", "Bạch Long Vĩ")),
        )
        for name in names
        for body, kind in (("Công an", kind), ("Ban Dân vận", level))
    ),
]


REASONS = ("Đã kiểm tra lại, số đúng.", "Lý do: mở đợt cao điểm năm 2023.", "Vũ khí do dân tự giao nộp.")


@pytest.mark.parametrize("reason", REASONS)
def test_every_office_can_answer(reason: str, project: Project) -> None:
    """No name of an office, and no sentence after it, is taken for the name of a person."""
    assert len(OFFICES) == 33
    ids = ["".join(pair) for pair in product(("aaaaaa", "bbbbbb", "cccccc"), "abcdefghijklmnop")]
    entries = [entry(id_, office, f"'{reason}'") for id_, office in zip(ids, OFFICES, strict=False)]
    write(project, "answers:\n" + "".join(entries))
    stale = [f for f in read_year(project, 2023).findings if f.rule == "stale-answer"]
    assert [f.found for f in stale] == ids[: len(OFFICES)]  # taken, all of them; they answer nothing here


def test_answers_of_another_year_are_not_mixed_in(project: Project) -> None:
    answer(project, (NEWS, OFFICE, REASON))
    text = project.answers(2023).read_text(encoding="utf-8")
    project.answers(2023).unlink()
    project.answers(2022).write_text(text, encoding="utf-8")
    assert all(f.is_open for f in found(project).values())


def test_reasons_in_decomposed_letters_are_shown_composed(project: Project) -> None:
    answer(project, (NEWS, OFFICE, unicodedata.normalize("NFD", REASON)))
    assert found(project)[NEWS].answer == Answer(OFFICE, REASON)
