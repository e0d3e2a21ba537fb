"""The run that nobody watches, night after night, on a small city: what it does, what it leaves alone, what it says."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme
import workbooks
from conftest import ROOT
from filelock import FileLock
from post import Box
from post import office as office_of
from test_incremental import set_value, small_project

from danvan import archive, editions, scheduled
from danvan.errors import LockedError
from danvan.notify import NotifyError
from danvan.paths import Project
from danvan.store import files_below, sha256

OFFICE = "Ban Dân vận Thành ủy"
MAIL = """\
run_at: "02:00"
time_limit_minutes: 180
mail: {host: mail.example.vn, port: 587, security: starttls, sender: may@example.vn, recipients: [vp@example.vn]}
"""


def night(day: str, hour: int = 2) -> Callable[[], datetime]:
    """A clock that stands at an hour of a night."""
    moment = datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)
    return lambda: moment


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven districts and the city offices in 2022 and 2023, nothing built. Shared: copy it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    root = shared / "theo lịch" / "dự án"
    root.parent.mkdir(exist_ok=True)
    with FileLock(shared / "theo-lich.lock"):
        if not (root.parent / "done").exists():
            small_project(root)
            # One year alone has params of its own to be run: the other serves as last year.
            (root / "params/scheduled.yaml").write_text(MAIL, encoding="utf-8")
            scheduled_once = Project(root)
            from danvan import pipeline

            pipeline.reports(scheduled_once, [2022, 2023], "public")  # so that the cache is warm
            shutil.rmtree(root / "reports")
            shutil.rmtree(root / "figures")
            (root.parent / "done").touch()
    return root


class Office:
    """A project, the letters that its runs sent, and their results."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.letters: list[Any] = []
        self.refuse: Exception | None = None

    def send(self, _mail: object, _secret: object, letter: Any) -> None:
        if self.refuse:
            raise self.refuse
        self.letters.append(letter)

    def run(self, day: str) -> dict[str, Any]:
        status = scheduled.run(self.project, night(day))
        assert json.loads(self.project.run_status.read_bytes()) == status
        return status

    def year(self, status: dict[str, Any], year: int = 2023) -> dict[str, Any]:
        return next(one for one in status["years"] if one["year"] == year)

    def approve(self, year: int = 2023, **more: Any) -> None:
        build = editions.release(self.project, year).hash
        editions.approve(self.project, year, OFFICE, build, datetime(2024, 1, 3).date(), **more)

    def published(self) -> dict[str, str]:
        """What readers have: all files of all editions."""
        root = self.project.reports
        return {p.relative_to(root).as_posix(): sha256(p) for p in root.glob("*/editions/**/*") if p.is_file()}


@pytest.fixture
def office(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """In 2024 and later: the year 2022 is left out, so that 2023 alone is due."""
    made = Office(Path(shutil.copytree(small, tmp_path / "dự án", symlinks=True)))
    monkeypatch.setattr(scheduled, "send", made.send)
    monkeypatch.setattr(scheduled, "_years", lambda _: [2023])
    yield made
    assert not [p for p in made.project.reports.rglob("*") if p.name.endswith((".new", ".old"))]


def test_nothing_is_done_before_it_is_due(office: Office) -> None:
    status = office.run("2023-11-01")
    year = office.year(status)
    assert (status["exit_code"], status["state"], year["state"], year["build"]) == (0, "done", "waiting", {})
    assert year["reasons"] == ["kỳ số liệu đến hết 14/12/2023, hạn gửi phiếu 20/12/2023"] or year["reasons"][
        0
    ].startswith("kỳ số liệu đến hết ")
    assert not office.project.report(2023, "public").exists()
    assert office.letters == []


def test_from_the_deadline_to_the_edition(office: Office) -> None:
    project = office.project
    status = office.run("2024-02-01")
    year = office.year(status)
    build = editions.release(project, 2023)
    assert (status["exit_code"], year["state"], build.stage) == (0, "awaiting approval", "draft")
    assert year["build"]["public"] == {"folder": "reports/2023/public", "hash": build.hash}
    assert build.hash in year["awaited"]
    [letter] = office.letters
    assert "build.py approve 2023" in letter.body
    assert build.hash[:12] in letter.body
    assert not project.editions(2023).exists()  # nothing was published

    status = office.run("2024-02-02")  # nothing new: nothing built, nobody disturbed
    assert office.year(status)["state"] == "awaiting approval"
    assert len(office.letters) == 1

    office.approve()
    status = office.run("2024-02-03")
    assert (office.year(status)["state"], office.year(status)["edition"]) == ("published", "public-01")
    assert project.site.is_file()
    assert archive.editions(project, 2023, "public")[0].approval
    assert len(office.letters) == 2
    there = office.published()

    status = office.run("2024-02-04")
    assert (status["exit_code"], office.year(status)["state"]) == (0, "published")
    assert (office.published(), len(office.letters)) == (there, 2)

    # A corrected return: a new draft, the edition stays; the approval of the old one counts for nothing.
    set_value(project.root, 2023, "Kiến An", "tips_received", 407)
    status = office.run("2024-03-01")
    assert (office.year(status)["state"], office.year(status)["edition"]) == ("awaiting approval", "public-01")
    assert office.published() == there
    assert '--revision "' in office.letters[-1].body
    office.approve()  # without saying why
    status = office.run("2024-03-02")
    assert (status["exit_code"], office.year(status)["state"], office.published()) == (5, "refused", there)
    assert "→" in office.year(status)["error"]["text"]
    assert "→" not in office.letters[-1].body  # no figures by mail
    office.run("2024-03-03")
    assert len(office.letters) == 5  # what is refused is said each night
    office.approve(reason="Quận Kiến An gửi lại phiếu")
    status = office.run("2024-03-04")
    assert (status["exit_code"], office.year(status)["edition"]) == (0, "public-02")
    assert there.items() <= office.published().items()


def test_incomplete_at_the_deadline(office: Office) -> None:
    project = office.project
    office.run("2024-02-01")
    office.approve()
    office.run("2024-02-02")
    there = office.published()
    late = project.returns(2023) / "Hải An.xlsx"
    kept = late.read_bytes()
    late.unlink()
    shutil.rmtree(project.report(2023, "public"))
    status = office.run("2024-02-03")
    year = office.year(status)
    assert (status["exit_code"], year["state"], year["missing"]) == (1, "incomplete", ["Quận Hải An"])
    assert list(year["build"]) == ["internal"]  # a draft, in the internal edition only
    assert not project.report(2023, "public").exists()
    page = (project.report(2023, "internal") / "bao-cao-2023.html").read_text(encoding="utf-8")
    assert "Hải An" in page
    assert "chưa đủ" in page.lower()
    assert (project.root / year["letters"] / "Quận Hải An" / "Thư gửi Quận Hải An.docx").is_file()
    assert "Quận Hải An" in office.letters[-1].body
    assert office.published() == there
    sent = len(office.letters)
    office.run("2024-02-04")
    assert len(office.letters) == sent
    late.write_bytes(kept)
    status = office.run("2024-02-05")
    assert (status["exit_code"], office.year(status)["state"]) == (0, "published")


def test_before_the_deadline_a_missing_return_is_waited_for(office: Office) -> None:
    project = office.project
    (project.returns(2023) / "Hải An.xlsx").unlink()
    text = project.params(2023).read_text(encoding="utf-8")
    day = text.split("returns_due: ")[1][:10]
    project.params(2023).write_text(text.replace(f"returns_due: {day}", "returns_due: 2024-03-15"), encoding="utf-8")
    status = office.run("2024-03-01")
    assert (status["exit_code"], office.year(status)["state"]) == (0, "waiting")
    assert office.year(status)["missing"] == ["Quận Hải An"]
    assert not project.replies(2023).exists()
    assert office.year(office.run("2024-03-16"))["state"] == "incomplete"


def test_errors_in_returns(office: Office) -> None:
    project = office.project
    workbooks.change(project, workbooks.put("tips_received", "#REF!"), "Kiến An.xlsx")
    status = office.run("2024-02-01")
    year = office.year(status)
    assert (status["exit_code"], year["state"], year["findings"]["errors"]) == (1, "errors", 1)
    assert year["build"] == {}
    assert (project.root / year["letters"] / "Quận Kiến An").is_dir()


@pytest.mark.parametrize("what", ["params", "edition", "settings", "crash"])
def test_what_fails_is_told_loudly_and_leaves_the_editions(
    what: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = office.project
    office.run("2024-02-01")
    office.approve()
    office.run("2024-02-02")
    there = office.published()
    if what == "params":
        project.params(2023).write_text("year: [\n", encoding="utf-8")
    elif what == "edition":
        (project.published(2023, "public", 1) / "trace.json").write_text("{}", encoding="utf-8")
        there = office.published()
    elif what == "settings":
        project.scheduled_settings.write_text("run_at: 2 giờ\n", encoding="utf-8")
    else:
        set_value(project.root, 2023, "Kiến An", "tips_received", 407)
        monkeypatch.setattr(scheduled.pipeline, "report", lambda *_, **__: {}["bí mật 4.342"])
    status = office.run("2024-02-03")
    state = {"params": "failed", "edition": "refused", "settings": "published", "crash": "failed"}[what]
    code = {"params": 2, "edition": 5, "settings": 2, "crash": 4}[what]
    assert (status["exit_code"], office.year(status)["state"]) == (code, state)
    assert office.published() == there
    if what == "settings":
        assert "params/scheduled.yaml" in status["notes"][0]
    else:
        assert "4.342" not in office.letters[-1].body
        assert len(office.letters) == 3
    if what == "crash":
        assert "bí mật" in project.scheduled_log.read_text(encoding="utf-8")
        assert "bí mật" not in project.run_status.read_text(encoding="utf-8")


def test_a_letter_that_could_not_be_sent_is_sent_the_next_night(office: Office) -> None:
    office.refuse = NotifyError("Máy chủ thư không trả lời.")
    status = office.run("2024-02-01")
    assert (status["exit_code"], status["mail"]["sent"]) == (4, None)
    assert "Máy chủ thư không trả lời." in status["notes"]
    office.refuse = None
    status = office.run("2024-02-02")
    assert (status["exit_code"], len(office.letters)) == (0, 1)
    assert status["mail"]["sent"]


@pytest.mark.parametrize("right", [True, False])
def test_the_letter_reaches_a_real_server_and_the_password_nothing_else(
    right: bool, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project(Path(shutil.copytree(small, tmp_path / "dự án", symlinks=True)))
    secret = "mat-khau-Khong-Ai-Biet-7391"
    authority, context, box = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), Box()
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(project.root / "ca.pem")
    check = box.login("may", secret if right else "khac")
    with office_of(box, context, authenticator=check, auth_required=True) as port:
        project.scheduled_settings.write_text(
            MAIL.replace("mail.example.vn, port: 587", f"localhost, port: {port}").replace(
                "sender:", "user: may, ca_file: ca.pem, sender:"
            ),
            encoding="utf-8",
        )
        monkeypatch.setattr(scheduled, "_years", lambda _: [2023])
        monkeypatch.setenv("DANVAN_SMTP_PASSWORD", secret)
        status = scheduled.run(project, night("2024-02-01"))
    assert status["years"][0]["state"] == "awaiting approval"  # the run itself is as good without a letter
    assert (status["exit_code"], len(box.letters)) == ((0, 1) if right else (4, 0))
    if right:
        content = message_from_bytes(bytes(box.letters[0].content or b""), policy=default)
        assert "2023" in content["subject"]
        assert "approve 2023" in content.get_content()
    everything = b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())
    assert secret.encode() not in everything
    assert secret not in "".join(capfd.readouterr()) + json.dumps(status)


def test_a_clock_that_runs_backwards_is_told_and_harms_nothing(office: Office) -> None:
    office.run("2024-02-01")
    office.approve()
    office.run("2024-02-02")
    there = office.published()
    status = office.run("2019-01-01")
    assert (status["exit_code"], office.year(status)["state"]) == (0, "waiting")
    assert status["notes"] == [
        "Đồng hồ máy chạy lùi: lần trước là 02/02/2024 02:00, lần này là 01/01/2019 02:00. Hãy xem lại giờ của máy."
    ]
    assert office.published() == there
    assert office.year(office.run("2024-02-03"))["state"] == "published"
    assert office.published() == there


def test_an_interrupted_run_is_told_by_the_next(office: Office) -> None:
    status = office.run("2023-11-01")
    office.project.run_status.write_text(json.dumps({**status, "state": "running"}), encoding="utf-8")
    status = office.run("2023-11-02")
    assert status["notes"][0].startswith("Lần chạy trước bị ngắt giữa chừng.")
    assert len(office.letters) == 1


def test_a_second_start_changes_nothing(office: Office) -> None:
    office.run("2023-11-01")
    before = office.project.run_status.read_bytes()
    holder = "from filelock import FileLock; import sys, time; lock = FileLock(sys.argv[1]); lock.acquire()"
    holder += "; print('held', flush=True); time.sleep(60)"
    lock = str(office.project.reports / ".lock")
    with subprocess.Popen([sys.executable, "-c", holder, lock], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(LockedError):
            scheduled.run(office.project, night("2023-11-02"))
        process.kill()
    assert office.project.run_status.read_bytes() == before
    assert office.run("2023-11-02")["exit_code"] == 0  # whoever held it was killed


STALLED = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
import danvan.intake.container as container
from danvan import operations, scheduled
from danvan.paths import Project
container.load = lambda path: time.sleep(600)  # a drive that answers no more
scheduled._years = lambda project: [2023]
usual = scheduled.load_operations
scheduled.load_operations = lambda project: usual(project).model_copy(update={"time_limit_minutes": 0.05})
scheduled.send = lambda mail, secret, letter: Path("letter.txt").write_text(letter.body, encoding="utf-8")
scheduled.run(Project(Path.cwd()), lambda: datetime(2024, 2, 1, 2, tzinfo=UTC))
"""


def test_a_run_that_stalls_is_ended_and_told(office: Office) -> None:
    root = office.project.root
    shutil.rmtree(root / ".cache")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", STALLED], cwd=root, env=environment)
    assert process.wait(60) == 4
    assert time.monotonic() - began < 60
    status = json.loads(office.project.run_status.read_bytes())
    assert (status["state"], status["exit_code"]) == ("done", 4)
    assert "nên bị dừng" in status["notes"][0]
    assert (root / "letter.txt").is_file()
    assert not [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(root)]
    status = office.run("2024-02-02")
    assert office.year(status)["state"] == "awaiting approval"


@pytest.mark.long
def test_no_jupyter_server_and_nothing_for_other_machines(office: Office) -> None:
    """A kernel is no server. ipykernel's pipe for its children's output listens on loopback, behind a key."""
    program = "import sys; from danvan import scheduled; from danvan.cli import main; sys.exit(main(['scheduled']))"
    root = office.project.root
    set_value(root, 2023, "Kiến An", "tips_received", 407)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DANVAN_ROOT": str(root)}
    process = psutil.Popen([sys.executable, "-c", program], cwd=root, env=environment, stdout=subprocess.DEVNULL)
    seen, listening = set(), set()
    while process.poll() is None:
        for one in [process, *process.children(recursive=True)]:
            try:
                seen.add(" ".join(one.cmdline()))
                listening |= {c.laddr.ip for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN}
            except psutil.Error:
                continue
        time.sleep(0.05)
    assert process.wait() in (0, 1, 4)
    assert any("kernel" in line or "zygote" in line for line in seen)
    assert not [line for line in seen if "jupyter" in line and "lab" in line]
    assert listening <= {"127.0.0.1"}


def test_the_status_names_what_is_there(office: Office) -> None:
    status = office.run("2024-02-01")
    assert sorted(status) == [*("ended", "exit_code", "log", "mail", "notes", "started", "state", "version", "years")]
    lines = (office.project.root / status["log"]).read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["event"] for line in lines} == {"started", "build", "year", "mail", "ended"}
    assert all(path.is_relative_to(office.project.root) for path in files_below(office.project.reports))
