"""The run that nobody watches: decides what is due, checks, builds, publishes what is approved, says what came of it.

It can only do what an analyst could: the same lock, the same gate, the same refusals. What it found stands in
reports/status.json and the log, and goes out by mail where something is new or wrong.
"""

from __future__ import annotations

import json
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any, Literal

import psutil
from pydantic import SecretStr

from danvan import archive, editions, exchange, pipeline
from danvan.errors import DanvanError, LockedError, RefusedError, ReturnsError, SettingsError, StageError
from danvan.freshness import Sources
from danvan.guard import locked, told_of_disk
from danvan.intake.year import Year, read_year
from danvan.journal import Journal
from danvan.journal import opened as log_opened
from danvan.notify import NotifyError, letter, send
from danvan.operations import Operations, load_operations, password, unchecked
from danvan.params import YearParams, load_params
from danvan.paths import Project
from danvan.scratch import own_folder
from danvan.store import content_key, repair, write_atomic
from danvan.workers import How

Json = dict[str, Any]
Clock = Callable[[], datetime]
VERSION = 1  # of reports/status.json
_GRAVEST_FIRST = (4, 5, 2, 1)  # exit codes of several years: the run ends with the gravest
_STATES = {SettingsError: "failed", ReturnsError: "errors", RefusedError: "refused"}


def local_now() -> datetime:
    """The time on this machine, with its zone."""
    return datetime.now(UTC).astimezone()


def run(project: Project, now: Clock = local_now) -> Json:
    """One run: what is due of all years that have params. Gives the content of reports/status.json.

    Raises LockedError where another run is busy, and changes nothing then; whatever else goes wrong is in the status.
    """
    with log_opened(project) as log:
        mine = _Run(project, log, now)
        try:
            with told_of_disk(project), locked(project), own_folder():
                return mine.whole()
        except LockedError as error:
            log.warning("locked", str(error))
            raise
        except DanvanError as error:  # no lock, no temporary files: a disk that is full or read-only
            return mine.failed(error)


def due(params: YearParams, today: date) -> Literal["no", "reminders", "report"]:
    """What a year's dates ask for: nothing yet; reminders, once the returns were due; the report, once its period is
    over, which it is on the day after the data cut-off, where one is set.
    """
    if (params.data_cutoff or params.period.end) < today:
        return "report"
    return "reminders" if params.returns_due < today else "no"


class _Run:
    """A run that has the lock."""

    def __init__(self, project: Project, log: Journal, now: Clock) -> None:
        self._project, self._log, self._now = project, log, now
        self._before = _read(project)
        self._notes: list[str] = []
        self._years: list[Json] = []
        self._started = now()
        self._secret: SecretStr | None = None
        self._settings: Operations | None = None
        self._stage = ""  # what is being done, in words
        self._ended = threading.Lock()  # held by whoever ends the run: it, or its watchdog

    def whole(self) -> Json:
        self._log.info("started")
        codes = [self._begin()]
        with self._watched():
            codes += [self._one(year) for year in _years(self._project)]
        self._ended.acquire()
        return self._end(next((code for code in _GRAVEST_FIRST if code in codes), 0))

    def failed(self, error: DanvanError) -> Json:
        """The run could not begin: told all the same."""
        self._note(str(error))
        self._set()
        return self._end(error.exit_code)

    # ------------------------------------------------------------ beginning and end

    def _begin(self) -> int:
        """Note what the run before left, and that this one runs; gives the exit code so far."""
        if self._before.get("state") == "running":
            self._note("Lần chạy trước bị ngắt giữa chừng. Báo cáo đã công bố còn nguyên; lần này làm lại từ đầu.")
        with suppress(KeyError, TypeError, ValueError):
            last = datetime.fromisoformat(self._before["started"])
            if last > self._started:
                self._note(
                    f"Đồng hồ máy chạy lùi: lần trước là {last:%d/%m/%Y %H:%M}, lần này là "
                    f"{self._started:%d/%m/%Y %H:%M}. Hãy xem lại giờ của máy."
                )
        codes = [self._set()]
        try:
            self._write(self._status("running"))
        except OSError as error:
            self._note(f"Không ghi được reports/status.json ({error.strerror}). Kiểm tra đĩa và quyền truy cập.")
            codes.append(StageError.exit_code)
        return max(codes)

    def _set(self) -> int:
        """Read the settings; what is wrong with them becomes a note and the exit code."""
        try:
            self._settings = load_operations(self._project)
            if mail := self._settings.mail:
                self._secret = password(mail)
                for note in unchecked(mail):
                    self._note(note)
                if self._secret:
                    self._log.hide(self._secret)
        except DanvanError as error:
            self._note(str(error))
            return error.exit_code
        return 0

    def _end(self, code: int) -> Json:
        """Tell people, write the status, give it."""
        status = self._status("done", code)
        mail, failed = self._tell(status)
        if failed:
            status["notes"].append(failed)
            status["exit_code"] = code or StageError.exit_code
        status["mail"] = mail
        try:
            self._write(status)
        except OSError as error:  # told by mail and exit code all the same
            self._log.error("status", f"reports/status.json: {error.strerror}")
            status["exit_code"] = code or StageError.exit_code
        self._log.info("ended", exit_code=status["exit_code"])
        return status

    def _tell(self, status: Json) -> tuple[Json, str]:
        """Send the letter where something is new or wrong; gives what the status says of it, and why it failed."""
        known = self._before.get("mail") if isinstance(self._before.get("mail"), dict) else {}
        told = {str(one["year"]): _essence(one) for one in status["years"]}
        old = known.get("told", {}) if known else {}
        news = [one for one in status["years"] if _is_news(one, old.get(str(one["year"])), told[str(one["year"])])]
        wrong = status["exit_code"] not in (0, ReturnsError.exit_code)
        if not (news or wrong or status["notes"]):
            return {"sent": None, "told": told}, ""
        if self._settings is None or self._settings.mail is None:
            self._log.warning("no mail", "Chưa cài nơi nhận thư trong params/scheduled.yaml nên không báo cho ai.")
            return {"sent": None, "told": told}, ""
        try:
            send(self._settings.mail, self._secret, letter({**status, "years": news}))
        except NotifyError as error:
            self._log.error("mail", str(error))
            return {"sent": None, "told": old}, str(error)
        self._log.info("mail", "Đã gửi thư báo.")
        return {"sent": self._now().isoformat(timespec="seconds"), "told": told}, ""

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """End the run when its time is over: a drive that answers no more would hold it, and the lock, for ever."""
        minutes = self._settings.time_limit_minutes if self._settings else 180
        over = threading.Event()
        watchdog = threading.Thread(target=self._watch, args=(over, minutes), daemon=True)
        watchdog.start()
        try:
            yield
        finally:
            over.set()

    def _watch(self, over: threading.Event, minutes: int) -> None:
        end = time.monotonic() + minutes * 60
        while (left := end - time.monotonic()) > 0:
            if over.wait(left):
                return
        if not self._ended.acquire(blocking=False):
            return
        text = f"Lần chạy quá {minutes} phút nên bị dừng (time_limit_minutes trong params/scheduled.yaml)."
        self._note(text)
        try:
            self._end(StageError.exit_code)
        finally:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
            os._exit(StageError.exit_code)

    # ------------------------------------------------------------ one year

    def _one(self, year: int) -> int:
        """Do what is due of a year and note it; gives the exit code."""
        entry: Json = {
            "year": year,
            "state": "waiting",
            "due": None,
            "reasons": [],
            "build": {},
            "findings": None,
            "missing": [],
            "letters": None,
            "edition": None,
            "awaited": None,
            "error": None,
        }
        code = 0
        try:
            with told_of_disk(self._project):
                code = self._step(year, entry)
        except DanvanError as error:
            entry["state"] = next((state for kind, state in _STATES.items() if isinstance(error, kind)), "failed")
            entry["error"] = {"stage": self._stage, "text": str(error)}
            code = error.exit_code
        except Exception as error:  # a mistake of ours: the other years go on, and it is told
            entry["state"], code = "failed", StageError.exit_code
            entry["error"] = {
                "stage": self._stage,
                "text": f"Lỗi của chương trình ({type(error).__name__}), xem nhật ký.",
            }
            self._log.error("crash", traceback.format_exc(), year=year)
        for edition in ("public", "internal"):
            with suppress(DanvanError, OSError):
                if built := archive.working(self._project, year, edition):
                    folder = self._project.relative(built.folder)
                    entry["build"][edition] = {"folder": folder, "hash": built.hash}
        self._years.append(entry)
        level = self._log.error if code in (2, 4, 5) else self._log.info
        level("year", (entry["error"] or {}).get("text", ""), year=year, state=entry["state"], exit_code=code)
        return code

    def _step(self, year: int, entry: Json) -> int:
        project, self._stage = self._project, "xem các ấn bản đã công bố"
        for edition in ("public", "internal"):
            repair(project.report(year, edition))  # killed between two renames, a run leaves none that could be seen
            archive.require_untouched(archive.editions(project, year, edition))
        self._stage = "đọc params và phiếu"
        params = load_params(project, year)
        today = self._started.date()
        asked, entry["due"] = due(params, today), params.returns_due.isoformat()
        if asked == "no":
            entry["reasons"] = [_waits(params)]
            return 0
        if self._settled(year, entry):
            return 0
        wanted = Sources(project).report(year, "public")
        read = read_year(project, year)
        _count(read, entry)
        # Even where somebody has built by hand what is current: who sent what is noted, who owes what is told.
        if (code := self._checked(read, asked, today, entry)) is not None:
            return code
        if not wanted.is_current():
            entry["reasons"] = wanted.reasons()
            self._log.info("build", "; ".join(entry["reasons"]), year=year)
        self._stage = "lập báo cáo"
        # What is current is left as it is; but a run may have been killed when it had built the first of these.
        pipeline.report(project, year, "public", how=How())
        if project.report(year, "internal").exists():
            pipeline.report(project, year, "internal", how=How())
        return self._publish(year, entry)

    def _settled(self, year: int, entry: Json) -> bool:
        """Whether the last public edition is made of what lies there now. That the program changed is no reason."""
        found = archive.editions(self._project, year, "public")
        if not found:
            return False
        now = Sources(self._project).report(year, "public").inputs
        entry["edition"] = found[-1].name
        if _of_analysts(now) != _of_analysts(found[-1].manifest["inputs"]):
            return False
        entry["state"] = "published"
        if self._before.get("exit_code") != 0:  # it may have ended between the edition and the page that lists it
            editions.write_site(self._project)
        return True

    def _checked(self, read: Year, asked: str, today: date, entry: Json) -> int | None:
        """What came of the returns, with letters to the units; the exit code if the report cannot be made of them."""
        project, params = self._project, read.params
        in_time = today <= params.returns_due
        if read.missing and in_time:
            entry["reasons"] = [_waits(params)]
            return 0
        exchange.reply(project, read, today)
        if read.missing or entry["findings"]["errors"] or entry["findings"]["open"]:
            entry["letters"] = project.relative(project.replies(params.year))
        if entry["findings"]["errors"]:
            entry["state"] = "errors"
            return ReturnsError.exit_code
        if read.missing:
            entry["state"], self._stage = "incomplete", "lập bản nội bộ"
            pipeline.report(project, params.year, "internal", allow_incomplete=True, how=How())
            return ReturnsError.exit_code
        if asked == "report":
            return None
        entry["reasons"] = [_waits(params)]
        return 0

    def _publish(self, year: int, entry: Json) -> int:
        """Publish an approved build; else say what it waits for."""
        self._stage = "công bố"
        now = editions.release(self._project, year)
        if now.stage == "approved":
            made = editions.publish(self._project, year, "public")
            entry["state"], entry["edition"] = "published", made.folder.name
            self._log.info("published", made.folder.name, year=year)
            return 0
        entry["edition"] = now.edition or None
        if now.stage == "published":
            entry["state"] = "published"
            return 0
        entry["state"] = "awaiting approval"
        entry["awaited"] = f"phê duyệt của cơ quan ban hành cho bản có mã {now.hash}"
        return 0

    # ------------------------------------------------------------ the status

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self._log.warning("note", text)

    def _status(self, state: str, code: int | None = None) -> Json:
        status: Json = {
            "version": VERSION,
            "state": state,
            "started": self._started.isoformat(timespec="seconds"),
            "ended": None,
            "exit_code": code,
            "notes": list(self._notes),
            "log": self._project.relative(self._project.scheduled_log),
            "years": list(self._years),
            "mail": self._before.get("mail"),
        }
        if state == "done":
            status["ended"] = self._now().isoformat(timespec="seconds")
        return status

    def _write(self, status: Json) -> None:
        write_atomic(self._project.run_status, (json.dumps(status, ensure_ascii=False, indent=1) + "\n").encode())


def _years(project: Project) -> list[int]:
    """The years that have params."""
    return sorted(int(path.stem) for path in project.params(0).parent.glob("[0-9][0-9][0-9][0-9].yaml"))


def _count(read: Year, entry: Json) -> None:
    """Note how many findings of each sort there are, and who sent nothing."""
    errors = sum(f.severity == "error" and f.rule != "missing-return" for f in read.findings)
    warnings = [f for f in read.findings if f.severity != "error"]
    answered = sum(not f.is_open for f in warnings)
    entry["findings"] = {"errors": errors, "open": len(warnings) - answered, "answered": answered}
    entry["missing"] = [unit.full_name for unit in read.missing]


def _waits(params: YearParams) -> str:
    end = params.data_cutoff or params.period.end
    return f"kỳ số liệu đến hết {end:%d/%m/%Y}, hạn gửi phiếu {params.returns_due:%d/%m/%Y}"


def _of_analysts(inputs: Mapping[str, str]) -> dict[str, str]:
    """What of a report's inputs belongs to analysts: returns, params, notebooks, reference data."""
    return {name: has for name, has in inputs.items() if name.partition("/")[0] in ("data", "params", "notebooks")}


def _essence(entry: Json) -> str:
    """What of a year's entry is worth a letter when it changes."""
    about = {name: entry[name] for name in ("state", "missing", "edition", "awaited", "error")}
    about["errors"] = (entry["findings"] or {}).get("errors", 0)
    return content_key([("about", json.dumps(about, sort_keys=True))])


def _is_news(entry: Json, old: str | None, new: str) -> bool:
    """Whether a year is told: what changed, and what is still wrong; not what waits or was published long ago."""
    if old == new:
        return entry["state"] in ("failed", "refused")
    return old is not None or entry["state"] != "waiting"


def _read(project: Project) -> Json:
    """What the run before wrote; empty where it cannot be read."""
    with suppress(OSError, ValueError):
        found = json.loads(project.run_status.read_bytes())
        if isinstance(found, dict):
            return found
    return {}


def told(status: Json) -> str:
    """The status in words, as the letter says it."""
    return letter(status).body.strip()
