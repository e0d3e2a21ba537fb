"""What a scheduled run has to tell people, in words: its status -> a letter.

A letter leaves the machine, so it holds no reported value and no person: counts of findings and names of units, no
more. Of an error's text only what is known here beforehand is told, in the words that stand here.
"""

from __future__ import annotations

import builtins
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

from danvan.intake import privacy
from danvan.wording import upper_first

Json = Mapping[str, Any]
MOST_NAMES = 40  # of units in one list
_HERE = timezone(timedelta(hours=7))  # where it is read
_STATUS = "reports/status.json"

# The gravest first: of several years, the subject tells the one that needs somebody most.
_STATES = {
    "failed": "không lập được báo cáo năm {}",
    "refused": "chưa công bố được báo cáo năm {}",
    "errors": "phiếu năm {} có lỗi",
    "incomplete": "năm {} chưa đủ phiếu",
    "awaiting approval": "báo cáo năm {} chờ phê duyệt",
    "published": "đã công bố báo cáo năm {}",
    "waiting": "năm {} chưa đến hạn",
}
_ENDED = {
    1: "phiếu có lỗi phải sửa",
    2: "cài đặt hoặc cách gọi lệnh chưa đúng",
    3: "một lần chạy khác đang giữ khóa",
    4: "có việc không làm được",
    5: "có việc bị từ chối",
    130: "bị dừng giữa chừng",
}
_DRAFTS = {"public": "dự thảo công khai", "internal": "dự thảo nội bộ"}


class Told(NamedTuple):
    """A letter: one line, and plain text."""

    subject: str
    body: str


def letter(status: Json) -> Told:
    """The letter about one run, from what reports/status.json holds: each year that is due, then where to look."""
    years = sorted(status["years"], key=_gravity)
    due = [year for year in years if year["state"] != "waiting"]
    parts = [_opening(status), *("\n".join(_year(year)) for year in due)]
    if not due and not status.get("exit_code") and status["state"] == "done":
        parts.append("Không có năm nào đến hạn phải làm.")
    if waiting := [year for year in years if year["state"] == "waiting"]:
        parts.append("Chưa đến hạn: " + "; ".join(map(_waiting, waiting)) + ".")
    if notes := [sieved(note) for note in status.get("notes", ())]:
        parts.append("\n".join(["LƯU Ý", *(f"- {note}" for note in notes)]))
    parts.append("\n".join(_foot(status)))
    return Told(_subject(status, due), "\n\n".join(parts) + "\n")


# ---------------------------------------------------------------- the parts of a letter


def _gravity(year: Json) -> tuple[int, int]:
    return list(_STATES).index(year["state"]), -year["year"]


def _subject(status: Json, due: Sequence[Json]) -> str:
    told = [_STATES[year["state"]].format(year["year"]) for year in due[:3]]
    told += [f"và {len(due) - 3} năm khác"] if len(due) > 3 else []
    code = status.get("exit_code")
    if status["state"] != "done":
        told = ["lần chạy theo lịch chưa xong"]
    elif not due:
        told = [f"lần chạy theo lịch không xong: {_ended(code)}" if code else "chưa có việc đến hạn"]
    return f"[Dân vận] {upper_first('; '.join(told))}"


def _opening(status: Json) -> str:
    if status["state"] != "done":
        return (
            f"Lần chạy theo lịch bắt đầu lúc {_moment(status['started'])} chưa chạy xong. Nếu máy đã tắt hoặc bị dừng "
            "giữa chừng thì không mất gì: báo cáo đã công bố còn nguyên, lần chạy sau làm lại."
        )
    began, ended = _moment(status["started"]), _moment(status["ended"])
    if began.endswith(ended[-10:]):
        began = began.partition(" ")[0]
    told = f"Máy đã chạy theo lịch từ {began} đến {ended}."
    code = status.get("exit_code")
    if code and not any(year["state"] in ("failed", "refused", "errors") for year in status["years"]):
        return f"{told} Lần chạy không xong: {_ended(code)}. Báo cáo đã công bố còn nguyên."
    return told


def _ended(code: int | None) -> str:
    return _ENDED.get(code or 0, "lý do khác")


def _year(year: Json) -> Iterator[str]:
    number = year["year"]
    yield _STATES[year["state"]].format(number).upper()
    yield _lead(year)
    if error := year.get("error"):
        yield from _why(error)
    if awaited := year.get("awaited"):
        yield f"- Đang chờ: {one_line(awaited)}"
    yield from _to_do(year)
    yield from (f"- {line}" for line in _built(year))
    if letters := year.get("letters"):
        yield f"- Thư gửi các đơn vị, đã soạn sẵn nhưng chưa gửi: {one_line(letters)}"
    if findings := year.get("findings"):
        yield f"- Kiểm tra phiếu: {_found(findings)}."
    if missing := [one_line(name) for name in year.get("missing") or ()]:
        yield f"- Chưa có phiếu của {len(missing)} đơn vị{_by(year)}:"
        yield from (f"    + {name}" for name in missing[:MOST_NAMES])
        if len(missing) > MOST_NAMES:
            yield f"    + và {len(missing) - MOST_NAMES} đơn vị khác"


def _lead(year: Json) -> str:
    number, built = year["year"], year.get("build") or {}
    match year["state"]:
        case "published":
            return "Báo cáo đã lập xong và đã công bố."
        case "awaiting approval":
            return "Báo cáo đã lập xong, còn là dự thảo; chưa công bố vì chưa có phê duyệt cho đúng bản này."
        case "incomplete":
            draft = "Đã lập bản dự thảo nội bộ, có ghi rõ là chưa đủ số liệu; " if built else ""
            return (
                f"Đã hết hạn mà chưa đủ phiếu. {draft}{'chưa' if draft else 'Chưa'} có bản công khai của năm {number}."
            )
        case "errors":
            kept = "bản đã lập chỉ để xem nội bộ" if built else "chưa lập báo cáo"
            return f"Phiếu của các đơn vị còn lỗi phải sửa, nên {kept}. Báo cáo đã công bố trước đây còn nguyên."
        case "refused":
            return "Báo cáo không được công bố lần này. Báo cáo đã công bố trước đây còn nguyên."
    return "Lần này không lập được báo cáo. Báo cáo đã công bố trước đây còn nguyên."


def _by(year: Json) -> str:
    return f" (hạn {_day(year['due'])})" if year.get("due") else ""


def _found(findings: Json) -> str:
    errors, unanswered, answered = (findings.get(name, 0) for name in ("errors", "open", "answered"))
    if not (errors or unanswered or answered):
        return "không có lỗi, không có cảnh báo"
    told = [f"{errors} lỗi phải sửa" if errors else "không có lỗi"]
    told += [f"{unanswered} cảnh báo chờ giải trình"] if unanswered else []
    told += [f"{answered} cảnh báo đã giải trình"] if answered else []
    return ", ".join(told)


def _built(year: Json) -> Iterator[str]:
    if edition := year.get("edition"):
        yield f"Ấn bản {one_line(edition)}: reports/{year['year']}/editions/{one_line(edition)}"
        return
    for name, build in (year.get("build") or {}).items():
        if build:
            yield f"Xem {_DRAFTS.get(name, 'bản đã lập')}: {one_line(build['folder'])}"


def _why(error: Json) -> Iterator[str]:
    stage = one_line(error.get("stage") or "")
    # A stage is a word or two of ours; whatever else stands there is not told.
    if re.fullmatch(r"[^\W\d_]+(?: [^\W\d_]+){0,5}", stage) and privacy.mask(stage) == stage:
        yield f"- Dừng ở bước: {stage}"
    yield f"- Lý do: {cause(error.get('text') or '')}"
    yield f"  Lời báo lỗi đầy đủ có trên máy, ở {_STATUS}; thư không chép lại vì lời ấy có thể nhắc đến số liệu."


def _to_do(year: Json) -> Iterator[str]:
    number, missing = year["year"], bool(year.get("missing"))
    letters = "gửi các thư đã soạn" if year.get("letters") else "nhắc các đơn vị"
    match year["state"]:
        case "awaiting approval":
            if "build.py" not in (year.get("awaited") or ""):
                build = (year.get("build") or {}).get("public") or {}
                hex_digits = re.sub(r"[^0-9a-f]", "", build.get("hash") or "")[:12] or "MÃ"
                revised = ' --revision "LÝ DO SỬA ĐỔI"' if year.get("edition") else ""
                yield "- Việc cần làm: xem dự thảo công khai; nếu đồng ý thì chạy lệnh sau trong thư mục dự án,"
                yield "  sau khi thay TÊN CƠ QUAN bằng tên cơ quan phê duyệt:"
                yield f'    build.py approve {number} --office "TÊN CƠ QUAN" --hash {hex_digits}{revised}'
            yield "  Phê duyệt rồi thì lần chạy sau sẽ công bố. Nếu trước đó có gì bị sửa thì phải phê duyệt lại."
        case "incomplete":
            yield f"- Việc cần làm: {letters}; nhận được phiếu thì đặt vào thư mục data/{number}/returns."
            yield "  Lần chạy sau tự kiểm tra và lập lại."
        case "errors":
            also = " và phiếu còn thiếu" if missing else ""
            yield f"- Việc cần làm: {letters}; nhận được phiếu sửa{also} thì đặt vào thư mục data/{number}/returns."
            yield f"  Xem từng lỗi: build.py check {number}"
        case "failed":
            yield "- Việc cần làm: người quản trị máy sửa theo lý do trên, rồi chạy thử trong thư mục dự án:"
            yield f"    build.py report {number}"
        case "refused":
            yield "- Việc cần làm: xem lý do trên, rồi chạy lệnh sau trong thư mục dự án để biết cách xử lý:"
            yield f"    build.py publish {number}"


def _waiting(year: Json) -> str:
    return f"năm {year['year']}{_by(year)}"


def _foot(status: Json) -> Iterator[str]:
    yield "Muốn biết thêm, xem trong thư mục dự án trên máy:"
    yield f"- {_STATUS}: kết quả đầy đủ của lần chạy này"
    if log := status.get("log"):
        yield f"- {one_line(log)}: nhật ký của các lần chạy"
    yield ""
    yield "Thư do máy gửi tự động, xin không trả lời. Thư không có số liệu của báo cáo."


def _moment(text: str) -> str:
    """'02:00 ngày 21/12/2026', as a clock in Việt Nam shows it."""
    moment = datetime.fromisoformat(text)
    return f"{moment.astimezone(_HERE) if moment.tzinfo else moment:%H:%M ngày %d/%m/%Y}"


def _day(text: str) -> str:
    return f"{date.fromisoformat(text):%d/%m/%Y}"


# ---------------------------------------------------------------- what of other people's words may be told

_FILES = (
    r"params/(?:20\d\d|catalogue|scheduled)\.yaml|params/(?:units|lineage|bodies|tiles)\.csv"
    r"|data/reference/(?:population|series)\.csv|data/20\d\d/(?:stated\.csv|received\.csv|answers\.yaml)"
    r"|notebooks/(?:annual_report|unit_profile|trends)\.ipynb|requirements\.lock"
)
_PLACE = re.compile(rf"(?:Thiếu tệp )?(?P<place>(?:{_FILES})(?:, (?:dòng|ô) \d{{1,4}}(?!\d))?)")
_RAISED = re.compile(r"\((?P<kind>\w+)\)\.$")
_RAISABLE = {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)}
# What the house's own errors say -> what a letter says. Nothing of the text itself is repeated.
_KNOWN = {
    r"Hết chỗ trên đĩa": "Hết chỗ trên đĩa. Cần dọn bớt đĩa.",
    r"Không đọc hoặc ghi được": "Máy không cho đọc hoặc ghi một tệp. Cần kiểm tra quyền truy cập và đĩa.",
    r"thay đổi trong lúc lập": "Có tệp bị sửa trong lúc đang lập. Chạy lại là được.",
    r"Một tiến trình con bị hệ thống dừng": "Một tiến trình bị hệ thống dừng, có thể vì hết bộ nhớ.",
    r"nhân Jupyter": "Nhân Jupyter (nơi chạy sổ tính) không chạy được.",
    r"Một lần .+ khác đang chạy": "Một lần chạy khác đang giữ khóa. Chờ lần ấy xong.",
    r"Bản đang có khác ấn bản": "Số liệu nay khác ấn bản đã công bố mà chưa có lý do sửa đổi.",
    r"Ấn bản .+ không còn nguyên": "Một ấn bản đã công bố bị sửa hoặc thiếu tệp. Cần khôi phục từ bản sao lưu.",
    r"Thiếu ấn bản": "Một ấn bản đã công bố bị mất. Cần khôi phục từ bản sao lưu.",
    r"Phiếu năm .+ có .+ lỗi": "Phiếu còn lỗi phải sửa trước.",
    r"Không xuất được tệp Word|Không lập được tệp Word": "Không xuất được tệp Word.",
    r"Bản công khai năm \d{4} chưa được duyệt|không còn giá trị": "Bản đang có chưa được duyệt.",
    r"Đã dừng theo yêu cầu": "Lần chạy bị dừng theo yêu cầu.",
}


def cause(text: str) -> str:
    """What a letter says of an error's text: where, and which of the known kinds; never what else the text holds.

    Errors quote what they are about: an exception of a notebook's cell may be a reported value, and a refused change
    lists both figures. So this knows what it may say, and does not look for what it may not.
    """
    first = _first_line(text)
    place = found["place"] if (found := _PLACE.match(first)) else ""
    if place and first.startswith("Thiếu tệp"):
        return f"Thiếu tệp {place}."
    if place and first.removeprefix(place).startswith(" chạy lỗi"):
        raised = _RAISED.search(first)
        kind = f" ({raised['kind']})" if raised and raised["kind"] in _RAISABLE else ""
        return f"Sổ tính {place}, chạy lỗi{kind}."
    known = next((told for pattern, told in _KNOWN.items() if re.search(pattern, first)), "")
    if known and not place:
        return known
    if place:
        return f"Có lỗi ở {place}." + (f" {known}" if known else "")
    return "Lỗi ngoài các loại thường gặp; người quản trị máy cần đọc lời báo lỗi đầy đủ."


_QUOTED = re.compile(r"“[^”]*”?|\"[^\"]*\"?|'[^']*'?|‘[^’]*’?|«[^»]*»?|`[^`]*`?")
_DATE = re.compile(r"\d{1,2}/\d{1,2}/20\d\d|20\d\d-\d\d-\d\d")


def sieved(text: str) -> str:
    """A note of ours as a letter may hold it: its first line, without what is quoted, without figures and persons.

    Dates stay, and a file of the project with its line at the beginning.
    """
    first = _first_line(text)
    place = found["place"] if (found := _PLACE.match(first)) and first.startswith(found["place"]) else ""
    rest = _QUOTED.sub("“…”", first.removeprefix(place)).partition("→")[0]
    return place + " ".join(map(_without_figures, privacy.mask(rest).split(" ")))


def _without_figures(word: str) -> str:
    return word if not re.search(r"\d", word) or _DATE.fullmatch(word.strip(".,;()")) else "…"


def _first_line(text: str) -> str:
    return one_line((text.strip().splitlines() or [""])[0])


def one_line(text: str) -> str:
    """The text on one line, without characters that cannot be seen."""
    shown = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(shown.split())
