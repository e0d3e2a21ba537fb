"""The preview: who may read it, what makes it build, what the reader sees. In a process of its own, as it is used."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from chromium import NAMES, browser_on, until

from danvan.errors import SettingsError, StageError
from danvan.paths import Project
from danvan.preview import SHELL, serve

ROOT = Path(__file__).resolve().parent.parent
PAGE = "<!doctype html>\n<title>Báo cáo</title>\r\n<p>Hồng Bàng\n"

# Its builder shows notebooks/page.html; "!" at the beginning fails, "?" crashes; `hold` keeps it building.
RUN = """
import sys, threading, time, webbrowser
from pathlib import Path
from danvan.errors import StageError
from danvan.paths import Project
from danvan.preview import serve
root = Path(sys.argv[1])
def log(words):
    with (root / "log").open("a", encoding="utf-8") as file: file.write(words + "\\n")
class Fake:
    def build(self):
        log("build")
        while (root / "hold").exists(): time.sleep(0.01)
        text = (root / "notebooks" / "page.html").read_bytes().decode()
        if text[0] == "!": raise StageError(text[1:])
        if text[0] == "?": raise ValueError(text[1:])
        return text
    def restart(self): log("restart")
webbrowser.open = lambda url: log("open " + url)
serve(Project(root), Fake(), 2026, ready=lambda url: log("ready " + url))
log("end " + " ".join(thread.name for thread in threading.enumerate()))
"""


class Preview:
    """A running preview of the folder `root`, where a copy of the package lies, too: others may be editing ours."""

    def __init__(self, root: Path) -> None:
        self.root, self.page, self.hold = root, root / "notebooks" / "page.html", root / "hold"
        self.returns = root / "data" / "2026" / "returns"
        for folder in (self.page.parent, root / "params", self.returns, self.returns.with_name("forms")):
            folder.mkdir(parents=True)
        shutil.copytree(ROOT / "danvan", root / "danvan", ignore=shutil.ignore_patterns("__pycache__"))
        self.write(PAGE)

    @contextmanager
    def running(self) -> Iterator[Preview]:
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", RUN, str(self.root)]
        environment = {**os.environ, "PYTHONPATH": str(self.root)}
        with (self.root / "errors").open("wb") as errors:
            self.process = subprocess.Popen(command, env=environment, stderr=errors, cwd=self.root)
            try:
                ready = until(lambda: next((line for line in self.log() if line.startswith("ready")), ""))
                self.url = ready.split()[1]
                self.port, self.path = int(urlsplit(self.url).port or 0), urlsplit(self.url).path
                yield self
            finally:
                self.process.kill()
                self.process.wait()

    def write(self, text: str) -> None:
        self.page.write_bytes(text.encode())

    def log(self) -> list[str]:
        """The whole lines so far."""
        log = self.root / "log"
        return log.read_text("utf-8").split("\n")[:-1] if log.exists() else []

    def builds(self) -> int:
        return self.log().count("build")

    def get(self, path: str, host: str = "", method: str = "GET") -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers={"Host": host or f"127.0.0.1:{self.port}"})
            answer = connection.getresponse()
            assert answer.getheader("Cache-Control") == "no-store"
            return answer.status, answer.read()

    @contextmanager
    def events(self) -> Iterator[Iterator[dict[str, Any]]]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", self.path + "events")
            with connection.getresponse() as answer:
                yield (json.loads(line[6:]) for line in iter(answer.readline, b"") if line.startswith(b"data: "))

    def settled(self, after: int = 0) -> dict[str, Any]:
        """The state when a page with a number above `after` has been built and nothing is being built."""
        with self.events() as events:
            return next(state for state in events if not state["building"] and state["number"] > after)

    @contextmanager
    def rebuilt(self) -> Iterator[None]:
        """What is done inside makes a new page."""
        before = self.settled()["number"]
        yield
        self.settled(after=before)

    def failed(self) -> dict[str, Any]:
        with self.events() as events:
            return next(state for state in events if not state["building"] and state["error"])

    def interrupt(self) -> float:
        """Ctrl-C; how many seconds it took to end."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=10) == 0
        return time.monotonic() - start


@pytest.fixture
def preview(tmp_path: Path) -> Iterator[Preview]:
    """Running, its first page built."""
    with Preview(tmp_path / "dự án").running() as preview:
        preview.settled()
        yield preview


# ---------------------------------------------------------------- who may read it


def test_it_listens_on_this_machine_only(preview: Preview) -> None:
    process = psutil.Process(preview.process.pid)
    listening = [one.laddr for one in process.net_connections("all") if one.status == psutil.CONN_LISTEN]
    assert [address.ip for address in listening] == ["127.0.0.1"]
    assert [line for line in preview.log() if line.startswith("open")] == [f"open {preview.url}"]


def test_only_who_knows_the_address_is_served(preview: Preview) -> None:
    path, port = preview.path, preview.port
    assert len(path.strip("/")) >= 32
    for known in ("", "page"):
        assert preview.get(path + known)[0] == 200
        assert preview.get(path + known, host=f"localhost:{port}")[0] == 200
        for stranger in (f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", "evil.example"):
            assert preview.get(path + known, host=stranger)[0] == 403
        for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
            assert preview.get(path + known, method=method)[0] == 405
    wrong = path[:-2] + ("A" if path[-2] != "A" else "B") + "/"
    for unknown in ("/", wrong, wrong + "page", wrong + "events", path + "x", path + "../log", path + "page/../../log"):
        assert preview.get(unknown)[0] == 404
    assert preview.get("/", host="evil.example")[0] == 403


def test_the_page_is_served_byte_for_byte(preview: Preview) -> None:
    assert preview.get(preview.path + "page") == (200, PAGE.encode())


def test_the_words_around_the_page_are_composed() -> None:
    assert unicodedata.is_normalized("NFC", SHELL.read_text(encoding="utf-8"))


# ---------------------------------------------------------------- what makes it build


def test_before_the_first_page_there_is_none(tmp_path: Path) -> None:
    preview = Preview(tmp_path / "dự án")
    preview.hold.touch()
    with preview.running(), preview.events() as events:
        assert next(events) == {"number": 0, "building": True, "error": "", "at": "", "took": ""}
        assert preview.get(preview.path + "page")[0] == 404
        preview.hold.unlink()
        assert next(state for state in events if state["number"])["building"] is False


def test_a_burst_of_writes_is_one_build_and_soon_told(preview: Preview, record_property: Callable[..., None]) -> None:
    with preview.events() as events:
        assert next(events)["number"] == 1
        for number in range(10):
            (preview.returns / f"{number}.xlsx").write_bytes(b"PK")
            preview.write(f"<p>{number}")
        saved = time.monotonic()
        assert next(state for state in events if not state["building"])["number"] > 1
        record_property("from the save to the word", took := time.monotonic() - saved)
        assert took < 2
    time.sleep(0.3)
    assert 2 <= preview.builds() <= 3  # 3: a busy machine paused in the middle of the burst
    assert preview.get(preview.path + "page")[1] == b"<p>9"


def test_what_is_saved_during_a_build_makes_one_more(preview: Preview) -> None:
    preview.hold.touch()
    preview.write("<p>a")
    until(lambda: preview.builds() == 2)
    for number in range(4):
        preview.write(f"<p>{number}")
        time.sleep(0.12)  # each noticed on its own
    assert preview.builds() == 2
    preview.hold.unlink()
    preview.settled(after=2)
    time.sleep(0.3)
    assert preview.builds() == 3
    assert preview.get(preview.path + "page")[1] == b"<p>3"


def test_what_no_page_depends_on_is_let_be(preview: Preview) -> None:
    for name in (
        "reports/2026/x.html",
        "figures/2026/x.svg",
        "README.md",
        "data/2026/received.csv",
        "data/2026/forms/Hồng Bàng.xlsx",
        "data/2026/returns/~$Hồng Bàng.xlsx",
        "data/2026/returns/.Hồng Bàng.xlsx.new",
        "data/2026/returns/8F2A1000.tmp",
        "data/.git/index",
        "notebooks/.ipynb_checkpoints/page-checkpoint.ipynb",
        "notebooks/__pycache__/x.py",
        "danvan/__pycache__/errors.cpython-311.pyc",
    ):
        path = preview.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    time.sleep(0.4)
    assert preview.builds() == 1
    with preview.rebuilt():
        preview.write("<p>a")
    assert "restart" not in preview.log()


def test_a_return_saved_as_excel_does_and_one_renamed(preview: Preview) -> None:
    file, aside, renamed = (preview.returns / name for name in ("Hồng Bàng.xlsx", "8F2A1000.tmp", "Hồng Bàng 2.xlsx"))
    with preview.rebuilt():
        file.write_bytes(b"PK old")
    aside.write_bytes(b"PK new")
    with preview.rebuilt():
        aside.replace(file)
    with preview.rebuilt():
        file.rename(renamed)
    with preview.rebuilt():
        renamed.unlink()


@pytest.mark.parametrize("name", ["errors.py", "publish/report.css"])
def test_changed_code_restarts_the_builder_first(preview: Preview, name: str) -> None:
    with preview.rebuilt(), (preview.root / "danvan" / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    restarted = [line for line in preview.log() if line in ("build", "restart")]
    assert restarted[:3] == ["build", "restart", "build"]
    with preview.rebuilt():
        preview.write("<p>a")
    assert preview.log().count("restart") == restarted.count("restart")


# ---------------------------------------------------------------- what goes wrong


def test_an_error_is_told_in_its_own_words_and_the_page_stays(preview: Preview) -> None:
    preview.write("!Hồng Bàng.xlsx, ô D12: “x” không phải là số.\nHãy ghi bằng chữ số.")
    state = preview.failed()
    assert state["error"] == "Hồng Bàng.xlsx, ô D12: “x” không phải là số.\nHãy ghi bằng chữ số."
    assert state["number"] == 1
    assert preview.get(preview.path + "page")[1] == PAGE.encode()
    preview.write(PAGE)
    assert preview.settled(after=1)["error"] == ""
    assert not (preview.root / "errors").read_bytes()


def test_a_crash_of_the_builder_does_not_end_the_server(preview: Preview) -> None:
    preview.write("?lạ")
    words = "Chương trình gặp lỗi ngoài dự kiến; chi tiết được ghi ở cửa sổ dòng lệnh.\nValueError: lạ"
    assert preview.failed()["error"] == words
    assert "Traceback" in (preview.root / "errors").read_text("utf-8")
    preview.write(PAGE)
    assert preview.settled(after=1)["error"] == ""


def test_ctrl_c_ends_it_and_leaves_nothing(preview: Preview) -> None:
    with preview.events() as events:
        next(events)
        assert preview.interrupt() < 2
        assert list(events) == []  # the browser is told
    assert preview.log()[-1] == "end MainThread"
    assert not (preview.root / "errors").read_bytes()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", preview.port), timeout=5)


def test_ctrl_c_does_not_wait_for_a_long_build(preview: Preview) -> None:
    preview.hold.touch()
    preview.write("<p>a")
    until(lambda: preview.builds() == 2)
    assert preview.interrupt() < 3
    assert preview.log()[-1].startswith("end MainThread")
    assert not (preview.root / "errors").read_bytes()


class Unasked:
    def build(self) -> str:
        raise AssertionError

    restart = build


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"^Không mở được cổng {port} \(.*\)\. Hãy chọn cổng khác\.$"):
            serve(Project(tmp_path), Unasked(), 2026, port=port, open_browser=False)


def test_a_folder_that_cannot_be_watched_is_told(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"^Không theo dõi được thay đổi trong thư mục dự án \(.+\)\. Hãy dùng"):
        serve(Project(tmp_path), Unasked(), 2026, open_browser=False)


# ---------------------------------------------------------------- what the reader sees


def report(above: int = 0) -> str:
    """With the policy of the report, long, and `above` lines of 20 px before all else."""
    policy, new = "default-src 'none'; style-src 'unsafe-inline'", "<p style='height:20px;margin:0'>Mới</p>"
    sections = [
        f"<h2 id='muc-{n}'>Mục {n}</h2>" + f"<p>Đoạn.</p><p>Đoạn về mục {n}.</p>" * 5
        + f"<figure id='hinh-{n}'><details><summary>Số liệu</summary><p>Số {n}</p></details></figure>"
        + "<div class='scroll' style='overflow:auto'><p style='width:3000px'>Bảng</p></div>"
        for n in range(30)
    ]  # fmt: skip
    return (
        f"<!doctype html><meta charset='utf-8'><meta http-equiv='Content-Security-Policy' content=\"{policy}\">"
        f"<title>Báo cáo</title><body id='dau'><nav><a href='#muc-7'>Mục 7</a></nav><main id='noi-dung'>"
        f"{new * above}{''.join(sections)}</main>"
    )


def test_the_reader_stays_where_they_were(preview: Preview, needs_tool: Callable[..., str], tmp_path: Path) -> None:
    chromium = needs_tool(*NAMES)
    with preview.rebuilt():
        preview.write(report())
    with browser_on(preview.url, chromium, tmp_path / "profile") as browser:
        until(lambda: browser.ask("page && page.document.title == 'Báo cáo'"))
        until(lambda: browser.ask("document.querySelector('#status').textContent.startsWith('Cập nhật lúc ')"))
        browser.ask("page.document.querySelector('nav a').click()")
        until(lambda: browser.ask("page.scrollY > 500"))
        browser.ask("page.document.querySelector('#hinh-2 details').open = true")
        browser.ask("page.document.querySelectorAll('.scroll')[4].scrollLeft = 120")
        browser.ask("page.document.querySelector('#hinh-7 summary').focus()")
        seen = "[page.document.querySelector('#muc-7').getBoundingClientRect().top, page.innerHeight, ...kept(page)]"
        browser.ask("""window.kept = page => [
            [...page.document.querySelectorAll('details')].map(one => one.open).indexOf(true),
            [...page.document.querySelectorAll('.scroll')].map(one => one.scrollLeft).indexOf(120),
            page.document.activeElement.closest('figure').id, document.activeElement.localName]""")
        before = browser.ask(seen)
        assert before[2:] == [2, 4, "hinh-7", "iframe"]

        # 2,000 px more above
        height = browser.ask("page.document.body.scrollHeight")
        preview.write(report(above=100))
        until(lambda: browser.ask(f"page.document.body.scrollHeight == {height + 2000}"))
        assert browser.ask(seen) == pytest.approx(before, abs=1)

        # an error: the bar above the page, which stays
        preview.write("!Hồng Bàng.xlsx, ô D12: “x” không phải là số.\nHãy ghi bằng chữ số.")
        text = until(lambda: browser.ask("document.querySelector('[role=alert]').innerText"))
        assert text == "Không lập được báo cáo\nHồng Bàng.xlsx, ô D12: “x” không phải là số.\nHãy ghi bằng chữ số."
        top, inner, *others = browser.ask(seen)
        assert (top, others) == (pytest.approx(before[0], abs=1), before[2:])
        assert before[1] * 0.5 < inner < before[1]

        # mended
        preview.write(report(above=50))
        until(lambda: browser.ask("!document.querySelector('[role=alert]').innerText"))
        until(lambda: browser.ask(f"page.document.body.scrollHeight == {height + 1000}"))
        assert browser.ask(seen) == pytest.approx(before, abs=1)

        # loaded anew by hand; that and the next have lost only what `kept` was
        kept = "window.kept = " + browser.ask("String(kept)")
        browser.call("Page.reload")
        until(lambda: browser.ask(f"!window.kept && page?.document.body.scrollHeight == {height + 1000}"))
        browser.ask(kept)
        assert browser.ask(seen) == pytest.approx(before, abs=1)

        preview.interrupt()
        until(
            lambda: browser.ask("document.querySelector('#status').innerText.startsWith('Máy chủ xem trước đã dừng')")
        )
