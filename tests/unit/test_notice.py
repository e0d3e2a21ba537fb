"""What a letter about a scheduled run says, and what it never says: a reported value, a person."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danvan import archive, guard, notice, workers
from danvan.errors import DanvanError
from danvan.freshness import require_same
from danvan.notice import cause, letter, sieved
from danvan.paths import Project

PACKAGE = Path(notice.__file__).parent
HEX = "3fa91c0de4b7" + "0" * 52


def year(number: int, state: str, **more: Any) -> dict[str, Any]:
    plain = {"due": f"{number}-12-20", "reasons": [], "build": {}, "missing": [], "letters": None, "edition": None}
    counts = {"findings": {"errors": 0, "open": 0, "answered": 0}, "awaited": None, "error": None}
    return {"year": number, "state": state} | plain | counts | more


def status(*years: dict[str, Any], **more: Any) -> dict[str, Any]:
    times = {"started": "2026-12-20T19:00:04+00:00", "ended": "2026-12-20T19:14:31+00:00"}
    rest = {"version": 1, "state": "done", "exit_code": 0, "notes": [], "log": "reports/log/scheduled.jsonl"}
    return times | rest | {"years": list(years)} | more


def built(number: int, *editions: str) -> dict[str, Any]:
    return {name: {"folder": f"reports/{number}/{name}", "hash": HEX} for name in editions}


_FOOT = """
Muốn biết thêm, xem trong thư mục dự án trên máy:
- reports/status.json: kết quả đầy đủ của lần chạy này
- reports/log/scheduled.jsonl: nhật ký của các lần chạy

Thư do máy gửi tự động, xin không trả lời. Thư không có số liệu của báo cáo.
"""


# --- what is told ----------------------------------------------------------------------------------------------


def test_a_build_that_waits_for_approval_comes_with_the_exact_command() -> None:
    due = year(2026, "awaiting approval", build=built(2026, "public", "internal"), awaited="phê duyệt của Thành ủy")
    due["findings"] = {"errors": 0, "open": 2, "answered": 5}
    subject, body = letter(status(due, year(2027, "waiting")))
    assert subject == "[Dân vận] Báo cáo năm 2026 chờ phê duyệt"
    assert body == (
        "Máy đã chạy theo lịch từ 02:00 đến 02:14 ngày 21/12/2026.\n\n"
        "BÁO CÁO NĂM 2026 CHỜ PHÊ DUYỆT\n"
        "Báo cáo đã lập xong, còn là dự thảo; chưa công bố vì chưa có phê duyệt cho đúng bản này.\n"
        "- Đang chờ: phê duyệt của Thành ủy\n"
        "- Việc cần làm: xem dự thảo công khai; nếu đồng ý thì chạy lệnh sau trong thư mục dự án,\n"
        "  sau khi thay TÊN CƠ QUAN bằng tên cơ quan phê duyệt:\n"
        '    build.py approve 2026 --office "TÊN CƠ QUAN" --hash 3fa91c0de4b7\n'
        "  Phê duyệt rồi thì lần chạy sau sẽ công bố. Nếu trước đó có gì bị sửa thì phải phê duyệt lại.\n"
        "- Xem dự thảo công khai: reports/2026/public\n"
        "- Xem dự thảo nội bộ: reports/2026/internal\n"
        "- Kiểm tra phiếu: không có lỗi, 2 cảnh báo chờ giải trình, 5 cảnh báo đã giải trình.\n\n"
        "Chưa đến hạn: năm 2027 (hạn 20/12/2027).\n" + _FOOT
    )


def test_a_command_that_is_told_already_is_not_told_twice() -> None:
    awaited = "phê duyệt: build.py approve 2026 --office “Công an thành phố” --hash 3fa91c0de4b7"
    body = letter(status(year(2026, "awaiting approval", build=built(2026, "public"), awaited=awaited))).body
    assert body.count("build.py approve") == 1
    assert awaited in body


def test_who_is_missing_is_named_up_to_forty() -> None:
    names = [f"Xã thứ {chr(ord('A') + i // 10)}{chr(ord('A') + i % 10)}" for i in range(43)]
    due = year(2026, "incomplete", build=built(2026, "internal"), missing=names, letters="reports/2026/replies")
    subject, body = letter(status(due))
    assert subject == "[Dân vận] Năm 2026 chưa đủ phiếu"
    assert "- Chưa có phiếu của 43 đơn vị (hạn 20/12/2026):\n    + Xã thứ AA\n" in body
    assert all(f"+ {name}\n" in body for name in names[:40])
    assert not any(name in body for name in names[40:])
    assert "    + và 3 đơn vị khác\n" in body
    assert "Đã lập bản dự thảo nội bộ, có ghi rõ là chưa đủ số liệu; chưa có bản công khai của năm 2026.\n" in body
    assert "- Thư gửi các đơn vị, đã soạn sẵn nhưng chưa gửi: reports/2026/replies\n" in body
    whole = letter(status(year(2026, "incomplete", missing=names[:40]))).body
    assert "đơn vị khác" not in whole


def test_of_several_years_the_one_that_needs_somebody_comes_first() -> None:
    published = year(2025, "published", edition="public-02", build=built(2025, "public"))
    failed = year(
        2026, "failed", error={"stage": "chạy sổ", "text": "notebooks/trends.ipynb, ô 3 chạy lỗi: x (KeyError)."}
    )
    subject, body = letter(status(published, failed, exit_code=4))
    assert subject == "[Dân vận] Không lập được báo cáo năm 2026; đã công bố báo cáo năm 2025"
    assert body.index("KHÔNG LẬP ĐƯỢC BÁO CÁO NĂM 2026") < body.index("ĐÃ CÔNG BỐ BÁO CÁO NĂM 2025")
    assert "- Dừng ở bước: chạy sổ\n- Lý do: Sổ tính notebooks/trends.ipynb, ô 3, chạy lỗi (KeyError).\n" in body
    assert "- Ấn bản public-02: reports/2025/editions/public-02\n" in body


@pytest.mark.parametrize(
    ("run", "subject", "sentence"),
    [
        (status(year(2026, "waiting")), "Chưa có việc đến hạn", "Không có năm nào đến hạn phải làm."),
        (status(exit_code=2), "Lần chạy theo lịch không xong: cài đặt hoặc cách gọi lệnh chưa đúng", "Báo cáo đã công bố còn nguyên."),  # noqa: E501
        (status(state="running", ended=None), "Lần chạy theo lịch chưa xong", "báo cáo đã công bố còn nguyên, lần chạy sau làm lại."),  # noqa: E501
        (status(year(2026, "errors", findings={"errors": 4, "open": 0, "answered": 0}), exit_code=1), "Phiếu năm 2026 có lỗi", "4 lỗi phải sửa"),  # noqa: E501
        (status(year(2026, "refused"), exit_code=5), "Chưa công bố được báo cáo năm 2026", "build.py publish 2026"),
        (status(ended="2026-12-21T17:30:00+00:00"), "Chưa có việc đến hạn", "từ 02:00 ngày 21/12/2026 đến 00:30 ngày 22/12/2026."),  # noqa: E501
        (status(started="2026-12-21T02:00:00", ended="2026-12-21T03:00:00"), "Chưa có việc đến hạn", "từ 02:00 đến 03:00 ngày 21/12/2026."),  # noqa: E501
    ],
)  # fmt: skip
def test_other_runs(run: dict[str, Any], subject: str, sentence: str) -> None:
    told = letter(run)
    assert told.subject == f"[Dân vận] {subject}"
    assert sentence in told.body


# --- what is never told ----------------------------------------------------------------------------------------

FIGURES = st.integers(10_000, 10**9).map(lambda n: st.sampled_from([str(n), f"{n:,}", f"{n:,}".replace(",", ".")]))
PERSONS = st.sampled_from(
    ["Nguyễn Văn An", "trần thị bưởi", "LÊ VĂN CƯỜNG", "ông Phạm Dũng", "0912 345 678", "031090001234"]
)
PLANTED = st.one_of(FIGURES.flatmap(lambda one: one), PERSONS)
# Every shape that our errors have, and Python's own; a value of a return or of a cell may stand at each {}.
TEXTS = st.sampled_from(
    [
        "notebooks/annual_report.ipynb, ô 12 chạy lỗi: {} (ValueError).",
        "notebooks/annual_report.ipynb, ô 12 chạy lỗi: {} ({}).",
        "notebooks/annual_report.ipynb, ô 12, {{eval}}`{}`: {}",
        "notebooks/annual_report.ipynb: nhân Jupyter không chạy được ({}). Hãy chạy lại.",
        "Bản đang có khác ấn bản public-01 đã công bố. Không công bố thay đổi mà không nói lý do:\n{} → {}",
        "Bản đang có khác ấn bản {}: {} → {}",
        "params/2026.yaml, dòng 12: “signatory” là '{}'; cần {}.",
        "data/2026/returns/{}.xlsx thay đổi trong lúc lập. Hãy chạy lại; báo cáo cũ còn nguyên.",
        "Hết chỗ trên đĩa khi ghi {}. Dọn đĩa rồi chạy lại; báo cáo cũ còn nguyên.",
        "could not convert string to float: '{}'",
        "{}",
        "{} → {}",
        "Không nhận ra đơn vị: {}",
        "Ấn bản public-01 không còn nguyên: {} bị sửa",
    ]
)


@given(text=TEXTS, planted=st.lists(PLANTED, min_size=3, max_size=3))
@settings(max_examples=60)
def test_no_value_and_no_person_of_an_error_gets_into_a_letter(text: str, planted: list[str]) -> None:
    error = {"stage": "lập", "text": text.format(*planted)}
    run = status(year(2026, "failed", error=error), year(2025, "refused", error=error), exit_code=4)
    told = letter(run)
    for value in planted:
        assert value not in told.subject + told.body
        digits = re.sub(r"\D", "", value)
        assert not digits or digits not in re.sub(r"\D", "", told.body)


@given(st.text() | st.text("notebooks/params20236.yaml,dòng ô()“”:\n0123456789", max_size=60))
@settings(max_examples=150)
def test_whatever_an_error_says_only_known_words_are_told(text: str) -> None:
    places = rf"(?:{notice._FILES})(?:, (?:dòng|ô) \d{{1,4}})?"
    words = "|".join(map(re.escape, [*notice._KNOWN.values(), cause("")]))
    known = rf"(?:{words}|Thiếu tệp {places}\.|Sổ tính {places}, chạy lỗi(?: \(\w+\))?\.|Có lỗi ở {places}\.(?: (?:{words}))?)"  # noqa: E501
    assert re.fullmatch(known, cause(text))


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("Đồng hồ chạy lùi so với lần trước (20/12/2026).", "Đồng hồ chạy lùi so với lần trước (20/12/2026)."),
        ("params/scheduled.yaml, dòng 7: thiếu khóa “mail.host”.", "params/scheduled.yaml, dòng 7: thiếu khóa “…”."),
        ("Tin tiếp nhận 4.342 → 4.343", "Tin tiếp nhận … "),
        ("Do ông Nguyễn Văn An ghi: 4342 tin\ndòng hai", "Do ông N*** V*** A*** ghi: … tin"),
        ("Gọi 0912 345 678 hoặc '55 tin", "Gọi … hoặc “…”"),
    ],
)
def test_a_note_is_told_without_figures_and_persons(note: str, told: str) -> None:
    assert sieved(note) == told
    assert f"LƯU Ý\n- {told}\n" in letter(status(notes=[note])).body


def test_a_stage_is_told_only_if_it_is_words() -> None:
    for stage in ("4.342 tin", "ông Nguyễn Văn An", "x" * 500 + ":", "a\nb: c"):
        assert "Dừng ở bước" not in letter(status(year(2026, "failed", error={"stage": stage, "text": ""}))).body


def test_nothing_breaks_out_of_its_line() -> None:
    missing = ["Xã A\nLƯU Ý\n- giả", "Xã\u202eB\u0000"]
    body = letter(status(year(2026, "incomplete", missing=missing))).body
    assert "    + Xã A LƯU Ý - giả\n    + XãB\n" in body


# --- the errors of the house, as they are raised ---------------------------------------------------------------


def _full_disk() -> None:
    with guard.told_of_disk(Project(Path("x"))):
        raise OSError(errno.ENOSPC, "No space left on device", "x/trace.json")


def _forbidden() -> None:
    with guard.told_of_disk(Project(Path("x"))):
        raise OSError(errno.EACCES, "Permission denied", "x/trace.json")


def _killed() -> None:
    def of() -> Any:
        raise BrokenProcessPool

    raise workers._outcome(of)  # type: ignore[misc]


def _tampered() -> None:
    edition: Any = SimpleNamespace(name="public-01", folder=Path("reports/2026/editions/public-01"))
    raise archive.tampered(edition, "trace.json")


@pytest.mark.parametrize(
    ("fail", "told"),
    [
        (_full_disk, "Hết chỗ trên đĩa. Cần dọn bớt đĩa."),
        (_forbidden, "Máy không cho đọc hoặc ghi một tệp. Cần kiểm tra quyền truy cập và đĩa."),
        (_killed, "Một tiến trình bị hệ thống dừng, có thể vì hết bộ nhớ."),
        (_tampered, "Một ấn bản đã công bố bị sửa hoặc thiếu tệp. Cần khôi phục từ bản sao lưu."),
        (lambda: require_same({"data/2026/returns/Ông A.xlsx": "1"}, {}), "Có tệp bị sửa trong lúc đang lập. Chạy lại là được."),  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_raised_is_known(fail: Callable[[], None], told: str) -> None:
    with pytest.raises(DanvanError) as caught:
        fail()
    assert cause(str(caught.value)) == told


def test_every_known_kind_is_one_that_the_house_still_raises() -> None:
    own = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if path.name != "notice.py")
    assert [pattern for pattern in notice._KNOWN if not re.search(pattern, own)] == []
