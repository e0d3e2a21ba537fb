"""The command line as a user has it: build.py in a subprocess, in a copy of the project in a folder of its own.

Each copy gets a small environment that finds the packages of this one, but danvan in the copy alone; build.py takes it
as it takes any environment that somebody else made. So nothing is installed and no other environment is touched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import unicodedata
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
import openpyxl
import pikepdf
import pypdfium2
import pytest

ROOT = Path(__file__).resolve().parent.parent
posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
PAGES = ("bao-cao-2023.html", "bao-cao-2023.pdf")
UP_TO_DATE = "Báo cáo năm 2023 đã mới nhất: reports/2023/public\n"


# --- a user and what he sees -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass
class User:
    """Somebody at a terminal in a copy of the project."""

    root: Path
    options: dict[str, Any] = field(default_factory=dict)  # how else his processes are started
    before: tuple[str, ...] = ()  # the command that starts them
    python: str = field(init=False)
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.root.resolve()
        home = self.root.parent / f"python {self.root.name}"
        venv.EnvBuilder(symlinks=os.name != "nt").create(home)
        self.python = str(home / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
        [site] = [path for path in home.rglob("site-packages") if path.is_dir()]
        for name, folder in (("packages", sysconfig.get_path("purelib")), ("danvan", str(self.root))):
            (site / f"{name}.pth").write_text(f"import sys; sys.path.append({folder!a})\n", encoding="ascii")
        about = site / f"danvan-{version('danvan')}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: danvan\nVersion: {version('danvan')}\n", encoding="utf-8"
        )
        unwanted = ("PYTHON", "DANVAN_", "PIP_", "JUPYTER", "SOURCE_DATE_EPOCH", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        self.environment = {**kept, "PIP_NO_INDEX": "1"}  # whatever happens, nothing comes from the network

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.before, self.python, str(self.root / "build.py"), *arguments],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            **{"cwd": self.root, **self.options},
        )

    def run(self, *arguments: str, **environment: str) -> Done:
        """Exit code and words of one command. No user ever sees a traceback."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=300)
        assert "Traceback" not in out + err, err
        return Done(process.returncode, out, err)

    @property
    def report(self) -> Path:
        return self.root / "reports" / "2023" / "public"

    def change(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def returned(self, unit: str) -> Path:
        return self.root / "data" / "2023" / "returns" / f"{unit}.xlsx"

    def set_value(self, unit: str, code: str, value: object) -> None:
        book = openpyxl.load_workbook(self.returned(unit))
        [cell] = [cells[3] for sheet in book.worksheets for cells in sheet.iter_rows() if cells[0].value == code]
        cell.value = value
        book.save(self.returned(unit))


@pytest.fixture
def user(project: Path) -> User:
    """With nothing built yet."""
    return User(project)


@pytest.fixture
def finished(built: Path, tmp_path: Path) -> User:
    """With the public report of 2023 built, in another folder than the one where it was built."""
    copy = tmp_path / "bản sao"
    shutil.copytree(built, copy, symlinks=True)
    return User(copy)


def snapshot(folder: Path) -> dict[str, tuple[str, int]]:
    """Digest and time of each file below a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): (digest(path), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def contents(folder: Path) -> dict[str, str]:
    """Digest of each file below a folder."""
    return {name: found for name, (found, _) in snapshot(folder).items()}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_whole(report: Path) -> bool:
    """Whether a report is all that its manifest says, and nothing else."""
    recorded = json.loads((report / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    return {name: found for name, found in contents(report).items() if name != "manifest.json"} == recorded


def nothing_foreign(user: User) -> None:
    """Nothing half-built, failed or forgotten lies beside the report, or in the rooms of the analysts."""
    assert sorted(path.name for path in (user.root / "notebooks").iterdir()) == [
        path.name for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    ]
    assert sorted(path.name for path in (user.root / "reports" / "2023").iterdir()) == ["public"]
    assert sorted(path.name for path in (user.root / "figures").iterdir()) == ["2023"]
    assert {path.name for path in (user.root / "reports").iterdir()} <= {".lock", "2023"}


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, _: object) -> None:
        self.silent += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(data)


def page_text(path: Path) -> str:
    """The words of an HTML page."""
    parser = Text()
    parser.feed(path.read_text(encoding="utf-8"))
    return " ".join("".join(parser.words).split())


def paper_text(path: Path) -> list[str]:
    """The words of each page of a PDF."""
    with pypdfium2.PdfDocument(path) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


# --- calling it wrongly ----------------------------------------------------------------------------------------

SEE = "Xem: build.py --help"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("reprot 2023", f"Gọi lệnh sai: không có lệnh “reprot”. Có phải là “report”? {SEE}"),
        ("xyzzy", f"Gọi lệnh sai: không có lệnh “xyzzy”. {SEE}"),
        ("report --forse", f"Gọi lệnh sai: không có tham số “--forse”. {SEE}"),
        ("report --allow 2023", f"Gọi lệnh sai: không có tham số “--allow”. {SEE}"),
        ("report hai", f"Gọi lệnh sai: NĂM phải là số năm, không phải “hai”. {SEE}"),
        ("report 2023 --edition secret", f"Gọi lệnh sai: --edition không nhận “secret”. {SEE}"),
        ("report 2023 --edition", f"Gọi lệnh sai: --edition còn thiếu giá trị. {SEE}"),
        ("check", f"Gọi lệnh sai: thiếu NĂM. {SEE}"),
        ("check 2023 --json", f"Gọi lệnh sai: --json còn thiếu giá trị. {SEE}"),
        (
            "report 2031",
            "Thiếu tệp params/2031.yaml. Hãy lấy lại tệp này hoặc tạo theo tệp của năm trước.",
        ),
        ("check 2031", "Thiếu tệp params/2031.yaml. Hãy lấy lại tệp này hoặc tạo theo tệp của năm trước."),
    ],
)
def test_a_wrong_call(arguments: str, sentence: str, user: User) -> None:
    assert user.run(*arguments.split()) == Done(2, "", sentence + "\n")
    assert not (user.root / "reports" / "2023").exists()


@pytest.mark.parametrize("arguments", ["--help", "-h", "report --help"])
def test_help(arguments: str, user: User) -> None:
    done = user.run(*arguments.split())
    assert (done.code, done.err) == (0, "")
    for word in ("report", "check", "lab", "test", "--edition", "--force", "--allow-incomplete", "--json", "--long"):
        assert word in done.out
    assert "Mã kết thúc: 0 xong" in done.out


def test_a_year_without_returns(user: User) -> None:
    text = (user.root / "params" / "2023.yaml").read_text(encoding="utf-8")
    (user.root / "params" / "2024.yaml").write_text(text.replace("2023", "2024"), encoding="utf-8")
    assert user.run("report", "2024") == Done(
        2, "", "Chưa có thư mục data/2024/returns. Hãy đặt phiếu của các đơn vị vào đó.\n"
    )


def test_no_returns_at_all(user: User) -> None:
    shutil.rmtree(user.root / "data" / "2022")
    shutil.rmtree(user.root / "data" / "2023")
    assert user.run() == Done(
        2, "", "Chưa có phiếu nào trong data/<năm>/returns. Hãy đặt phiếu của các đơn vị vào đó.\n"
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        (
            "params/2023.yaml",
            "theme: ",
            "teme: ",
            "params/2023.yaml, dòng {line}: không có khóa “teme”. Có phải là “theme”? Hãy sửa tên hoặc bỏ.",
        ),
        (
            "params/2023.yaml",
            "leaders_per_unit: 1 ",
            "leaders_per_unit: một ",
            "params/2023.yaml, dòng {line}: “leaders_per_unit” là 'một'; cần số nguyên.",
        ),
        ("params/2023.yaml", "plan: {kind: Kế hoạch,", "plan: {kind: Kế: hoạch,", "dòng {line}: YAML viết sai ("),
        ("params/catalogue.yaml", "kind: boolean", "kind: bool", "params/catalogue.yaml, dòng {line}: “indicators.0"),
        ("params/units.csv", "2020-01-01", "1/1/2020", "params/units.csv, dòng {line}: “1/1/2020” không phải ngày"),
    ],
)
@pytest.mark.sampled(3)
def test_wrong_settings(name: str, old: str, new: str, sentence: str, user: User) -> None:
    text = (user.root / name).read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index(old)) + 1
    user.change(name, old, new)
    for command in ("check", "report"):
        done = user.run(command, "2023")
        assert (done.code, done.out) == (2, "")
        assert sentence.format(line=line) in done.err


# --- checking --------------------------------------------------------------------------------------------------

KEYS = ["rule", "severity", "unit", "indicator", "file", "sheet", "cell", "found", "reason", "remedy"]


def test_check_of_sound_returns(user: User) -> None:
    done = user.run("check", "2023", "--json", "kết quả.json")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(
        "Năm 2023: đọc được 16 phiếu, thiếu 0; 0 lỗi phải sửa, 3 điểm chờ giải trình, 0 điểm đã giải trình.\n"
        "Bảng theo dõi: reports/2023/board.html\n"
        "Thư và phiếu trả lời từng đơn vị: reports/2023/replies\n"
    )
    for head in ("Mức", "Nơi", "Ghi trong phiếu", "Vì sao", "Cần làm", "Mã"):
        assert head in done.out.splitlines()[1]
    found = json.loads((user.root / "kết quả.json").read_text(encoding="utf-8"))
    assert [list(item) for item in found] == [KEYS] * 3
    assert [item["severity"] for item in found] == ["warning"] * 3
    assert {item["file"] for item in found} <= {f"data/2023/returns/{u}.xlsx" for u in ("Hải An", "Thủy Nguyên")}
    assert sorted(path.name for path in (user.root / "reports" / "2023").iterdir()) == ["board.html", "replies"]
    replies = user.root / "reports" / "2023" / "replies"
    assert {path.name for path in replies.iterdir()} == {"Quận Hải An", "Huyện Thủy Nguyên"}
    assert sorted(path.name for path in (replies / "Quận Hải An").iterdir()) == [
        "Hải An - cần sửa.xlsx",
        "Thư gửi Quận Hải An.docx",
        "Thư gửi Quận Hải An.md",
    ]
    received = (user.root / "data" / "2023" / "received.csv").read_text(encoding="utf-8").splitlines()
    assert received[0] == "file,sha256,unit,received_on"
    assert len(received) == 17


@pytest.mark.long
def test_check_of_returns_with_errors(user: User) -> None:
    user.set_value("Đồ Sơn", "guns", "#REF!")
    user.set_value("Lê Chân", "tips_valuable", 99_999)
    user.returned("Hồng Bàng").write_bytes(b"%PDF-1.7")
    done = user.run("check", "2023", "--json", "kq.json")
    assert done.code == 1
    assert "Năm 2023: đọc được 15 phiếu, thiếu 1; 4 lỗi phải sửa" in done.out
    found = json.loads((user.root / "kq.json").read_text(encoding="utf-8"))
    errors = {
        (item["rule"], item["unit"], item["sheet"], item["cell"]) for item in found if item["severity"] == "error"
    }
    assert errors == {
        ("error-cell", "Quận Đồ Sơn", "Công an", "D21"),
        ("part-larger-than-whole", "Quận Lê Chân", "Công an", "D14"),
        ("not-excel", "Quận Hồng Bàng", "", ""),
        ("missing-return", "Quận Hồng Bàng", "", ""),
    }


def test_json_cannot_be_written(user: User) -> None:
    (user.root / "thư mục").mkdir()
    done = user.run("check", "2023", "--json", "thư mục")
    assert done.code in (2, 4)
    assert "thư mục" in done.err


def test_a_console_that_lacks_vietnamese_letters(user: User) -> None:
    done = user.run("check", "2023", PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0")
    assert done.code == 0
    assert "Năm 2023: đọc được 16 phiếu" in done.out


# --- building --------------------------------------------------------------------------------------------------


def test_returns_with_errors_stop_the_report_and_the_earlier_one_stands(finished: User) -> None:
    before = snapshot(finished.root / "reports" / "2023"), snapshot(finished.root / "figures")
    finished.set_value("Đồ Sơn", "guns", "#REF!")
    finished.set_value("Lê Chân", "tips_valuable", 99_999)
    finished.returned("Hồng Bàng").write_bytes(b"")
    done = finished.run("report", "2023", "--allow-incomplete")
    assert (done.code, done.out) == (1, "")
    first, *lines = done.err.splitlines()
    assert first == "Phiếu năm 2023 có 3 lỗi phải sửa trước."
    assert [line for line in lines if line.startswith("- ")] == lines
    told = [
        "- Quận Hồng Bàng: data/2023/returns/Hồng Bàng.xlsx: “tệp rỗng (0 byte)”. Tệp không có nội dung. Gửi lại phiếu",
        "- Quận Lê Chân: data/2023/returns/Lê Chân.xlsx, trang “Công an”, D14: “Tin có giá trị (D14) = 99999, ",
        "- Quận Đồ Sơn: data/2023/returns/Đồ Sơn.xlsx, trang “Công an”, D21: “#REF!”. “#REF!” là lỗi công thức",
    ]
    assert len(lines) == 3
    for beginning in told:
        assert sum(line.startswith(beginning) for line in lines) == 1
    assert (snapshot(finished.root / "reports" / "2023"), snapshot(finished.root / "figures")) == before


def test_a_missing_return_and_a_report_without_it(user: User) -> None:
    user.returned("Hồng Bàng").unlink()
    done = user.run("report", "2023")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "Phiếu năm 2023 có 1 lỗi phải sửa trước.\n"
        "- Quận Hồng Bàng: data/2023/returns: “không có phiếu đọc được”. Quận Hồng Bàng phải báo cáo kỳ này nhưng chưa "
        "có phiếu. Xin phiếu của đơn vị; nếu vẫn cần báo cáo ngay, chạy với --allow-incomplete.\n"
    )
    assert not user.report.exists()

    assert user.run("report", "2023", "--allow-incomplete").code == 0
    assert is_whole(user.report)
    page, paper = page_text(user.report / PAGES[0]), paper_text(user.report / PAGES[1])
    mark = "Chưa đủ phiếu: thiếu Hồng Bàng."
    assert mark in page
    assert all(mark in text for text in paper)  # on every page
    for text in (page, " ".join(paper)):
        assert "chưa có phiếu của quận Hồng Bàng" in text
        assert "4.187 [14/15] tin" in text  # 4.342 without Hồng Bàng's 155
        assert "không so sánh được với năm 2022 do chưa đủ đơn vị báo cáo" in text
        assert "13/14 [14/15]" in text  # of those that reported
        assert "[15/15" not in text
    assert "chưa báo cáo" in page
    manifest = json.loads((user.report / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["settings"]["allow_incomplete"] == "True"
    done = user.run("report", "2023")  # what was allowed once is not allowed for ever
    assert done.code == 1
    assert is_whole(user.report)


def test_up_to_date(finished: User) -> None:
    finished.run("report", "2023")  # the lock file is there from now on
    before = snapshot(finished.root)
    assert finished.run("report", "2023") == Done(0, UP_TO_DATE, "")
    assert finished.run("report", "2023", "--edition", "public") == Done(0, UP_TO_DATE, "")
    assert finished.run() == Done(0, UP_TO_DATE, "")  # the latest year that has returns
    assert snapshot(finished.root) == before


@pytest.mark.parametrize(
    "name",
    [
        "params/2023.yaml",
        "params/2022.yaml",
        "params/catalogue.yaml",
        "params/units.csv",
        "data/2023/stated.csv",
        "data/reference/population.csv",
        "notebooks/annual_report.ipynb",
        "requirements.lock",
        "danvan/wording.py",
        "danvan/publish/report.typ",
    ],
)
def test_every_input_counts(name: str, finished: User) -> None:
    """Whatever is changed, the report is no longer taken for up to date."""
    from danvan.freshness import Sources
    from danvan.paths import Project

    def key() -> str:
        return Sources(Project(finished.root)).report(2023, "public").key

    before = key()
    inputs = json.loads((finished.report / "manifest.json").read_text(encoding="utf-8"))["inputs"]
    assert name in inputs
    if not name.startswith("danvan/"):  # in-process, danvan's own files are those of another folder
        with (finished.root / name).open("ab") as file:
            file.write(b"\n")
        assert key() != before


def cell_with(user: User, words: str) -> int:
    """The number, from 1, of the first cell of the report's notebook that holds these words."""
    notebook = nbformat.read(user.root / "notebooks" / "annual_report.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    return next(n for n, cell in enumerate(notebook.cells, start=1) if words in cell.source)


def test_a_failing_cell(finished: User) -> None:
    before = snapshot(finished.report), snapshot(finished.root / "figures")
    path = finished.root / "notebooks" / "annual_report.ipynb"
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    number = cell_with(finished, "y.chart(")
    notebook.cells[number - 1].source = "print('đến đây')\n1 / 0"
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]

    done = finished.run("report", "2023")
    assert (done.code, done.out) == (4, "")
    assert done.err == (
        f"notebooks/annual_report.ipynb, ô {number} chạy lỗi: division by zero (ZeroDivisionError).\n"
        "Sổ đã chạy để xem lại: reports/2023/failed-public.ipynb\n"
    )
    assert (snapshot(finished.report), snapshot(finished.root / "figures")) == before
    folder = finished.root / "reports" / "2023"
    assert sorted(p.name for p in folder.iterdir()) == ["failed-public.ipynb", "public"]
    failed = nbformat.read(folder / "failed-public.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    outputs = [output for cell in failed.cells for output in cell.get("outputs", [])]
    assert any(o.output_type == "stream" and o.text == "đến đây\n" for o in outputs)
    assert any(o.output_type == "error" and o.ename == "ZeroDivisionError" for o in outputs)


def test_a_misspelt_figure_in_the_prose(finished: User) -> None:
    before = snapshot(finished.report)
    number = cell_with(finished, "{eval}`y.tips_received` tin")
    assert number == cell_with(finished, "{eval}`y.cases_solved` vụ")
    finished.change("notebooks/annual_report.ipynb", "{eval}`y.tips_received` tin", "{eval}`y.tips_recieved` tin")
    finished.change("notebooks/annual_report.ipynb", "{eval}`y.cases_solved` vụ", "412 vụ")
    done = finished.run("report", "2023")
    assert done.code == 2
    assert done.err == (
        f"notebooks/annual_report.ipynb, ô {number}: gõ tay con số “412”. Lấy số từ dữ liệu hoặc params bằng "
        "{eval}`y....`.\n"
    )
    finished.change("notebooks/annual_report.ipynb", "412 vụ", "{eval}`y.cases_solved` vụ")
    done = finished.run("report", "2023")
    assert done.code == 4
    assert done.err.splitlines()[0] == (
        f"notebooks/annual_report.ipynb, ô {number}, {{eval}}`y.tips_recieved`: Không có tên “tips_recieved”. "
        "Có phải là “tips_received”?"
    )
    assert snapshot(finished.report) == before


def test_another_run_holds_the_lock(finished: User) -> None:
    hold = "with filelock.FileLock(sys.argv[1]):\n    print('held', flush=True)\n    sys.stdin.read()"
    code = f"import sys, filelock\n{hold}"
    lock = str(finished.root / "reports" / ".lock")
    holder = subprocess.Popen(
        [sys.executable, "-c", code, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        before = snapshot(finished.root)
        assert finished.run("report", "2023", "--force") == Done(
            3, "", "Một lần lập báo cáo khác đang chạy. Hãy đợi nó xong rồi chạy lại.\n"
        )
        assert snapshot(finished.root) == before
        assert finished.run("check", "2023").code == 0  # reading disturbs no one
    finally:
        holder.communicate()
    assert finished.run("report", "2023") == Done(0, UP_TO_DATE, "")


# --- the same everywhere ---------------------------------------------------------------------------------------

ELSEWHERE = {
    "TZ": "Pacific/Kiritimati",
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "4242",
    "USER": "nguoi-thu-ba",
    "LOGNAME": "nguoi-thu-ba",
    "COLUMNS": "37",
    "OMP_NUM_THREADS": "3",
    "OPENBLAS_NUM_THREADS": "2",
}


@contextmanager
def one_core() -> Iterator[None]:
    """What is started meanwhile has one core of all."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(every)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


@pytest.mark.long
def test_forced_in_another_place_it_gives_the_same_bytes(finished: User, built: Path, tmp_path: Path) -> None:
    """Another folder to lie in and to start from, time zone, language, hash seed, home, rights of new files, and one
    core instead of all; everything is made again, every byte is the same."""
    home = tmp_path / "nha-cua-ai"
    home.mkdir()
    moved = User(finished.root.rename(tmp_path / "thư mục có dấu cách"), {"cwd": home})
    if os.name != "nt":
        moved.options["umask"] = 0o077
    before = snapshot(moved.report)
    with one_core():
        done = moved.run("report", "2023", "--force", HOME=str(home), **ELSEWHERE)
    assert done.code == 0
    assert done.out.startswith("Đã lập báo cáo năm 2023: reports/2023/public; ")
    after = snapshot(moved.report)
    assert all(after[name][1] != before[name][1] for name in before)  # it was made again
    reference = built / "reports" / "2023" / "public"
    assert [name for name, found in contents(reference).items() if contents(moved.report).get(name) != found] == []
    assert contents(moved.report) == contents(reference)
    assert contents(moved.root / "figures") == contents(built / "figures")
    nothing_foreign(moved)
    private = [str(tmp_path), "thư mục có dấu cách", "nguoi-thu-ba", "nha-cua-ai", "Kiritimati"]
    assert traces_of(private, moved.report) == []


@pytest.mark.long
def test_another_user_gives_the_same_bytes(user: User, built: Path, needs_tool: Callable[..., str]) -> None:
    """Who has neither name nor home; with all cores, and a second report beside. He may read what is only root's,
    because the Python of this machine may lie in root's home."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root may be somebody else")
    nobody, may = "65534", "+dac_override,+dac_read_search"
    caps = (f"--inh-caps={may}", f"--ambient-caps={may}")
    user.before = (needs_tool("setpriv"), f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups", *caps)
    if subprocess.run([*user.before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this container lets nobody be somebody else")
    own = {"HOME": "/nonexistent", "USER": "nobody", "LOGNAME": "nobody", "LC_ALL": "C.UTF-8"}
    done = user.run("report", "2022", "2023", "--jobs", "2", **own)
    assert done.code == 0, done.err
    assert {str(path.stat().st_uid) for path in user.report.rglob("*")} == {nobody}
    assert contents(user.report) == contents(built / "reports" / "2023" / "public")
    assert contents(user.root / "figures" / "2023") == contents(built / "figures" / "2023")


def traces_of(needles: list[str], folder: Path) -> list[tuple[str, str]]:
    """Which outputs hold which of the given words, however they are encoded or packed."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = unpacked(path)
        for needle in needles:
            codes = []
            for form in (unicodedata.normalize("NFC", needle), unicodedata.normalize("NFD", needle)):
                escaped = json.dumps(form)[1:-1]
                codes += [form.encode(), form.encode("utf-16-be"), quote(form).encode(), escaped.encode()]
            if any(code in content for code in codes):
                found.append((path.name, needle))
    return found


def unpacked(path: Path) -> bytes:
    """A file's bytes, with what is packed in them: streams of a PDF, parts of a zip, base64 of pages and notebooks."""
    content = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content = b""
            for name in archive.namelist():
                part = archive.read(name)
                xml = name.endswith((".xml", ".rels"))  # lxml writes letters as references
                content += name.encode() + (unescape(part.decode()).encode() if xml else part)
    if path.suffix == ".pdf":
        with pikepdf.open(path) as document:
            for one in document.objects:
                if isinstance(one, pikepdf.Stream):
                    content += one.read_bytes() if one.get("/Filter") in ("/FlateDecode", None) else b""
                else:
                    content += one.unparse(resolved=True)
            content += str(document.docinfo).encode()
    for packed in re.findall(rb"[A-Za-z0-9+/\n\\]{200,}={0,2}", content) if path.suffix != ".pdf" else ():
        plain = packed.replace(b"\\n", b"").replace(b"\n", b"").replace(b"\\", b"")
        content += base64.b64decode(plain + b"=" * (-len(plain) % 4))
    return content


def test_no_output_tells_where_it_was_made(built: Path) -> None:
    private = [
        str(built),
        str(built.parent),
        str(Path(__file__).parent.parent),
        sys.prefix,
        str(Path.home() / "x")[:-1],
    ]
    private += [name for name in (socket.gethostname(), os.environ.get("USER", "")) if len(name) > 4]
    for folder in (built / "reports" / "2023" / "public", built / "figures" / "2023"):
        assert len(contents(folder)) > 10
        assert traces_of([name for name in private if len(name) > 3], folder) == []


def test_the_search_for_traces_finds_them(tmp_path: Path) -> None:
    """The test of the tests above: a name in a PDF's stream, in base64, in a notebook's escapes, in a zip."""
    document = pikepdf.new()
    document.Root.Note = document.make_stream(b"by nguoi-thu-ba", compress=True)
    document.save(tmp_path / "a.pdf", compress_streams=True)
    assert b"nguoi" not in (tmp_path / "a.pdf").read_bytes()
    packed = base64.b64encode(b"x" * 300 + b"nguoi-thu-ba" + b"y" * 300).decode()
    (tmp_path / "b.html").write_text(f'<img src="data:image/png;base64,{packed}">', encoding="utf-8")
    (tmp_path / "c.ipynb").write_text(json.dumps({"path": "/nhà/nguoi-thu-ba"}), encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "d.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("docProps/core.xml", "<cp:lastModifiedBy>nguoi-thu-ba</cp:lastModifiedBy>" + "x" * 300)
    assert b"nguoi" not in (tmp_path / "d.docx").read_bytes()
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"], book.properties.creator = "/nhà", "nguoi-thu-ba"
    book.save(tmp_path / "e.xlsx")
    found = [name for name, _ in traces_of(["nguoi-thu-ba"], tmp_path)]
    assert found == ["a.pdf", "b.html", "c.ipynb", "d.docx", "e.xlsx"]
    assert traces_of(["nhà"], tmp_path) == [("c.ipynb", "nhà"), ("e.xlsx", "nhà")]


def test_the_manifest(built: Path) -> None:
    report = built / "reports" / "2023" / "public"
    manifest = json.loads((report / "manifest.json").read_text(encoding="utf-8"))
    assert is_whole(report)
    assert {*PAGES, "notebook.ipynb", "trace.json"} < set(manifest["outputs"])
    charts = [name for name in manifest["outputs"] if name.startswith("figures/")]
    assert len(charts) >= 10
    assert {name[:-4] + ".svg" for name in charts} == {name for name in charts if name.endswith(".svg")}
    assert {name[:-4] + ".png" for name in charts} == {name for name in charts if name.endswith(".png")}
    for name, found in manifest["inputs"].items():
        assert found == ("folder" if name.endswith("/returns") else digest(built / name)), name
    needed = {
        *(f"params/{name}" for name in ("2022.yaml", "2023.yaml", "catalogue.yaml", "units.csv")),
        *(f"data/{year}/returns/{path.name}" for year in (2022, 2023) for path in returns(built, year)),
        *("data/2023/stated.csv", "data/reference/population.csv"),
        *("notebooks/annual_report.ipynb", "requirements.lock", "danvan/cli.py", "danvan/publish/report.css"),
    }
    assert len(needed) == 4 + 32 + 6
    assert {unicodedata.normalize("NFC", name) for name in needed} <= set(manifest["inputs"])
    assert manifest["parameters"] == {"year": 2023, "edition": "public"}
    assert manifest["settings"]["allow_incomplete"] == "False"
    assert manifest["time"] is None  # a draft without date or cut-off: no time at all
    assert manifest["tools"]["typst"] == version("typst")
    assert contents(built / "figures" / "2023") == contents(report / "figures")


def returns(root: Path, year: int) -> list[Path]:
    return list((root / "data" / str(year) / "returns").iterdir())


# --- crashes ---------------------------------------------------------------------------------------------------


def test_a_crash_between_the_two_renames(finished: User) -> None:
    before = contents(finished.report)
    finished.report.rename(finished.report.with_name(".public.old"))
    half = finished.report.with_name(".public.new")
    half.mkdir()
    (half / "notebook.ipynb").write_text("{", encoding="utf-8")
    assert finished.run("report", "2023") == Done(0, UP_TO_DATE, "")
    assert contents(finished.report) == before
    nothing_foreign(finished)


def test_a_crash_before_the_figures_are_shown(finished: User) -> None:
    figures = finished.root / "figures" / "2023"
    before = contents(figures)
    figures.rename(figures.with_name(".2023.old"))
    assert finished.run("report", "2023") == Done(0, UP_TO_DATE, "")
    assert contents(figures) == before
    shutil.rmtree(figures)
    assert finished.run("report", "2023") == Done(0, UP_TO_DATE, "")
    assert contents(figures) == before
    nothing_foreign(finished)


def killed(user: User, seconds: float, sign: int) -> tuple[int, str]:
    """Start a build, and send it a signal so many seconds after it has begun to build; code and messages."""
    process = user.start("report", "2023")
    half = user.report.with_name(".public.new")
    while process.poll() is None and not half.exists():
        time.sleep(0.01)
    time.sleep(seconds)
    if process.poll() is None:
        process.send_signal(sign)
    _, messages = process.communicate(timeout=60)
    return process.returncode, messages


def stale(user: User, n: int) -> None:
    """Change what the report is made of, so that the next run builds it again."""
    with (user.root / "params" / "2023.yaml").open("a", encoding="utf-8") as file:
        file.write(f"# {n}\n")


@posix
@pytest.mark.long
def test_killed_in_the_middle(finished: User) -> None:
    before = contents(finished.report)
    stale(finished, 0)
    code, _ = killed(finished, 1.5, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert contents(finished.report) == before
    assert is_whole(finished.report)
    assert finished.run("report", "2023").code == 0
    assert is_whole(finished.report)
    assert contents(finished.report) != before
    nothing_foreign(finished)


@posix
def test_stopped_by_the_user(finished: User) -> None:
    before = snapshot(finished.report)
    stale(finished, 0)
    code, messages = killed(finished, 1.5, signal.SIGINT)
    assert (code, messages) == (130, "Đã dừng theo yêu cầu; báo cáo cũ còn nguyên.\n")
    assert snapshot(finished.report) == before
    nothing_foreign(finished)


# --- disks -----------------------------------------------------------------------------------------------------

Mount = Callable[[Path, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """`mount(folder, options)`: a tmpfs over a folder, with what was in it; or a skip where that is not allowed."""
    mounted: list[Path] = []

    def over(folder: Path, options: str) -> None:
        if not sys.platform.startswith("linux") or os.geteuid() != 0:
            pytest.skip("only root on Linux may mount a small disk")
        before = folder.rename(folder.with_name(f"{folder.name} before"))
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options.partition(";")[0], "none", str(folder)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.decode().strip()}")
        mounted.append(folder)
        shutil.copytree(before, folder, dirs_exist_ok=True)
        if options.endswith(";ro"):
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)

    yield over
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@posix
@pytest.mark.parametrize("room", [64, 2_048], ids=lambda room: f"{room} KB left")
@pytest.mark.sampled(2)
def test_a_full_disk(room: int, finished: User, mount: Mount) -> None:
    """64 KB: not even the notebook fits; 2 MB: it is full somewhere among the pages and charts."""
    reports = finished.root / "reports"
    used = sum(-(-path.stat().st_size // 4096) * 4 for path in reports.rglob("*") if path.is_file())
    mount(reports, f"size={used + room}k")
    before = contents(finished.report)
    stale(finished, 0)
    done = finished.run("report", "2023")
    assert (done.code, done.out) == (4, "")
    assert re.fullmatch(r"Hết chỗ trên đĩa khi ghi \S+\. Dọn đĩa rồi chạy lại; báo cáo cũ còn nguyên\.\n", done.err)
    assert contents(finished.report) == before
    assert is_whole(finished.report)


@posix
def test_a_reports_folder_that_cannot_be_written(finished: User, mount: Mount) -> None:
    reports = finished.root / "reports"
    if os.geteuid() == 0:
        mount(reports, "size=50m;ro")
    else:
        for folder in (finished.report, reports / "2023", reports):
            folder.chmod(0o555)
    before = contents(finished.report)
    stale(finished, 0)
    try:
        done = finished.run("report", "2023")
    finally:
        if os.geteuid() != 0:
            for folder in (reports, reports / "2023", finished.report):
                folder.chmod(0o755)
    assert (done.code, done.out) == (4, "")
    assert re.fullmatch(
        r"Không đọc hoặc ghi được \S+ \(.*\)\. Kiểm tra quyền truy cập rồi chạy lại; báo cáo cũ còn nguyên\.\n",
        done.err,
    )
    assert contents(finished.report) == before


def test_reports_is_a_file(user: User) -> None:
    (user.root / "reports").write_text("", encoding="utf-8")
    done = user.run("report", "2023")
    assert (done.code, done.out) == (4, "")
    assert "reports" in done.err


# --- several builds --------------------------------------------------------------------------------------------


@pytest.mark.long
def test_from_nothing_to_the_same_bytes(user: User, built: Path) -> None:
    """The first build of all, by the command without arguments, is that of the other folder."""
    assert user.run(LANG="vi_VN.UTF-8", TZ="Asia/Ho_Chi_Minh").code == 0
    assert contents(user.report) == contents(built / "reports" / "2023" / "public")
    nothing_foreign(user)


@pytest.mark.long
def test_the_date_of_the_outputs_is_the_given_one(finished: User) -> None:
    assert finished.run("report", "2023", SOURCE_DATE_EPOCH="1705363200").code == 0  # 2024-01-16 00:00 UTC
    manifest = json.loads((finished.report / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["time"] == "2024-01-16"
    with pikepdf.open(finished.report / PAGES[1]) as paper:
        dates = [str(value) for key, value in paper.docinfo.items() if key.endswith("Date")]
        dates += re.findall(r"Date>([^<]+)<", bytes(paper.Root.Metadata.read_bytes()).decode())
    assert dates
    assert {re.sub(r"\D", "", date)[:8] for date in dates} == {"20240116"}
    before = contents(finished.report)
    again = {"SOURCE_DATE_EPOCH": "1705363200", "TZ": "America/Los_Angeles"}
    assert finished.run("report", "2023", **again) == Done(0, UP_TO_DATE, "")
    assert finished.run("report", "2023", "--force", **again).code == 0
    assert contents(finished.report) == before
    # Without it, the draft has no time at all: another report, so it is built again.
    assert finished.run("report", "2023").out.startswith("Đã lập báo cáo năm 2023")


@pytest.mark.long
def test_both_editions_of_all_years(user: User) -> None:
    assert user.run("report", "--all", "--edition", "internal").code == 0
    internal = user.root / "reports" / "2023" / "internal"
    assert sorted(p.name for p in (user.root / "reports").iterdir() if p.is_dir()) == ["2022", "2023"]
    assert is_whole(internal)
    assert is_whole(user.root / "reports" / "2022" / "internal")
    assert not (user.root / "figures").exists()  # only the public edition's charts go there
    assert all("Lưu hành nội bộ." in text for text in paper_text(internal / PAGES[1]))
    assert "Lưu hành nội bộ." in page_text(internal / PAGES[0])

    done = user.run("report", "2022", "2023")
    assert done.code == 0
    assert len(done.out.splitlines()) == 2
    assert sorted(p.name for p in (user.root / "figures").iterdir()) == ["2022", "2023"]
    page = page_text(user.report / PAGES[0])
    assert "Lưu hành nội bộ." not in page
    assert is_whole(internal)  # one edition leaves the other alone
    old = page_text(user.root / "reports" / "2022" / "public" / "bao-cao-2022.html")
    assert "Toàn bộ số liệu và nội dung trong báo cáo này là minh họa." in old


@pytest.mark.long
def test_a_damaged_output_is_noticed_and_made_again(finished: User) -> None:
    before = contents(finished.report)
    page = finished.report / PAGES[0]
    page.write_bytes(page.read_bytes()[:-100])
    (finished.report / "figures" / sorted(contents(finished.report / "figures"))[0]).unlink()
    assert finished.run("report", "2023").out.startswith("Đã lập báo cáo năm 2023")
    assert contents(finished.report) == before


@pytest.mark.long
def test_a_corrected_return_changes_the_report(finished: User) -> None:
    finished.set_value("Hồng Bàng", "tips_received", 255)
    assert finished.run("report", "2023").code == 0
    assert "4.442 tin" in page_text(finished.report / PAGES[0])
    assert "4.342" not in page_text(finished.report / PAGES[0])
    nothing_foreign(finished)


@pytest.mark.long
def test_a_report_that_failed_once_leaves_nothing_behind(finished: User) -> None:
    path = finished.root / "notebooks" / "annual_report.ipynb"
    good = path.read_bytes()
    finished.change("notebooks/annual_report.ipynb", "y.limitations()", "y.limitation()")
    assert finished.run("report", "2023").code == 4
    assert (finished.root / "reports" / "2023" / "failed-public.ipynb").exists()
    path.write_bytes(good)
    stale(finished, 0)
    assert finished.run("report", "2023").code == 0
    nothing_foreign(finished)
