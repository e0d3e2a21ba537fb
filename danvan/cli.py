"""The command line: one short function a command; words and exit codes, no work."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from danvan import freshness, usage
from danvan.errors import DanvanError, RefusedError, ReturnsError, SettingsError
from danvan.paths import Project, find_project
from danvan.store import write_atomic

if TYPE_CHECKING:  # what a command needs is imported when it is called
    from danvan.intake.findings import Finding
    from danvan.workers import How

_FOR_LOOKING = (
    "Chỉ để xem, trên máy này: không phải máy chủ cho mạng Internet. Để nhiều nơi cùng đọc, chép kho "
    "(build.py site --out) lên máy chủ của cơ quan."
)


def main(argv: list[str]) -> int:
    """Run one command; returns the exit code. Users' mistakes come out as sentences, never as tracebacks."""
    from danvan.processes import end_at_ctrl_c
    from danvan.scratch import own_folder

    errors = _errors()
    try:
        end_at_ctrl_c()
        arguments = usage.parse(argv)
        run = {
            "report": report,
            "trends": trends,
            "profile": profile,
            "approve": approve,
            "publish": publish,
            "scheduled": scheduled,
            "verify": verify,
            "explain": explain,
            "site": site,
            "serve": serve,
            "preview": preview,
            "status": status,
            "new-year": new_year,
            "form": form,
            "check": check,
            "lint": lint,
            "compare": compare,
            "schedule": schedule,
            "export": export,
            "import": import_,
            "lab": lab,
        }
        with nullcontext() if arguments.command == "scheduled" else own_folder():  # that one tells by mail, too
            return run[arguments.command or "report"](find_project(), arguments)
    except SystemExit as done:  # argparse after --help
        return int(done.code or 0)
    except DanvanError as error:
        return _told(error, errors)
    except OSError as error:  # a folder that cannot be listed, a disk that fails where no command expects it
        if isinstance(error, ConnectionError):
            raise
        from danvan.guard import refused

        return _told(refused(error, "thư mục dự án"), errors)
    except KeyboardInterrupt:
        errors.print("Đã dừng theo yêu cầu; báo cáo cũ còn nguyên.")
        return 130


def report(project: Project, arguments: argparse.Namespace) -> int:
    """Build what is stale of the named years (default: the latest)."""
    from danvan import editions, pipeline

    years = project.years_with_returns() if arguments.all else arguments.years or [project.latest_year()]
    options = {"force": arguments.force, "allow_incomplete": arguments.allow_incomplete}
    with _building_shown(arguments) as how:
        outcomes = pipeline.reports(project, years, arguments.edition, how=how, **options)
    code = 0
    for task, built in outcomes:
        year = task.parameters["year"]
        if isinstance(built, DanvanError):
            told = _told(built, _errors(), f"{task.title}: " if len(outcomes) > 1 else "")
            code = code or told
        elif not built.fresh:
            print(freshness.report_is_current(project, int(year), arguments.edition))
        else:
            remarks = f"; {built.warnings} điểm cần xem lại (build.py check {year})" if built.warnings else ""
            print(f"Đã lập báo cáo năm {year}: {project.relative(built.folder)}{remarks}")
            if difference := editions.ahead(project, int(year), arguments.edition):
                print(difference)
    return code


def trends(project: Project, arguments: argparse.Namespace) -> int:
    """Build the long view over all years."""
    from danvan import pipeline

    with _building_shown(arguments) as how:
        built = pipeline.trends(project, arguments.edition, force=arguments.force, how=how)
    done = f"Đã lập tài liệu diễn biến: {project.relative(built.folder)}"
    print(done if built.fresh else freshness.trends_are_current(project, arguments.edition))
    return 0


def profile(project: Project, arguments: argparse.Namespace) -> int:
    """Build the profiles of the named units, or of all."""
    from danvan import pipeline

    with _building_shown(arguments) as how:
        built = pipeline.profiles(project, arguments.year, arguments.units, force=arguments.force, how=how)
    fresh = sum(one.fresh for one in built)
    where = built[0].folder.parent if len(built) > 1 else built[0].folder
    print(freshness.profiles_are_there(project, arguments.year, fresh, len(built) - fresh, where))
    return 0


def preview(project: Project, arguments: argparse.Namespace) -> int:
    """Show the report while it is being written; until Ctrl-C."""
    from danvan import pipeline, workers
    from danvan import preview as window

    def ready(address: str) -> None:
        print(f"Xem trước báo cáo năm {arguments.year}: {address}", "Ctrl-C để dừng.", sep="\n", flush=True)

    with workers.AS_USUAL.warm():
        pages = pipeline.Pages(project, arguments.year, arguments.edition)
        try:
            window.serve(project, pages, arguments.year, ready=ready)
        finally:
            pages.close()
    return 0


def status(project: Project, arguments: argparse.Namespace) -> int:
    """What is stale, and why."""
    from danvan import display, editions, pipeline
    from danvan.disclosure import EDITIONS

    years = arguments.years or project.years_with_returns()
    for standing in pipeline.status(project, years):
        print(display.because(standing.title, standing.reasons))
    for year in years:
        for line in (editions.released(project, year), *(editions.ahead(project, year, e) for e in EDITIONS)):
            print(line, end="\n" * bool(line))
    return 0


def approve(project: Project, arguments: argparse.Namespace) -> int:
    """Note which build an issuing office approves."""
    from danvan import editions

    why = {"reason": arguments.revision, "scheduled": arguments.scheduled}
    given = editions.approve(project, arguments.year, arguments.office, arguments.hash, _today(), **why)
    print(f"{given.office} đã duyệt bản công khai năm {arguments.year}, mã {given.build}.")
    print(f"Mọi thay đổi từ đây làm mất giá trị việc duyệt. Công bố: build.py publish {arguments.year}")
    return 0


def publish(project: Project, arguments: argparse.Namespace) -> int:
    """Freeze the working build as an edition; a changed one needs its reason."""
    from danvan import editions

    made = editions.publish(
        project, arguments.year, arguments.edition, reason=arguments.revision, scheduled=arguments.scheduled
    )
    folder = project.relative(made.folder)
    if not made.fresh:
        print(f"Không có gì mới để công bố: bản làm việc năm {arguments.year} giống hệt {folder}.")
        return 0
    print(*made.told, f"Đã công bố: {folder}", f"Kho báo cáo: {project.relative(project.site)}", sep="\n")
    return 0


def scheduled(project: Project, arguments: argparse.Namespace) -> int:  # noqa: ARG001
    """The run that nobody watches; what came of it, as its letter says it."""
    from danvan import scheduled as unattended

    done = unattended.run(project)
    print(unattended.told(done))
    return int(done["exit_code"])


def verify(project: Project, arguments: argparse.Namespace) -> int:
    """Build a report again from its manifest, in a clean place, and say whether every byte is the same."""
    from danvan import verification

    done = verification.verify(
        project, arguments.year, arguments.edition, tell=lambda words: _errors().print(escape(words))
    )
    if done.same:
        print(f"Lập lại giống hệt từng byte: {done.files} tệp của {done.name}.")
    else:
        print(f"Lập lại không giống {done.name}: {len(done.differences)} trong {done.files} tệp khác.")
    print(*(f"- {name}: {found}" for name, found in done.differences.items()), sep="\n", end="\n" * (not done.same))
    print(*(f"Chú ý: {cause}" for cause in done.causes), sep="\n", end="\n" * bool(done.causes))
    return 0 if done.same else RefusedError.exit_code


def explain(project: Project, arguments: argparse.Namespace) -> int:
    """A figure's whole way back."""
    from danvan import enquiry, terminal

    answer = enquiry.ask(project, " ".join(arguments.what), year=arguments.year, edition=arguments.edition)
    terminal.answer(answer, every=arguments.all)
    return 0


def site(project: Project, arguments: argparse.Namespace) -> int:
    """Write the archive: index, pages of changes, feed; or copy it to a folder that may be shared."""
    from danvan import editions

    made = editions.write_site(project, arguments.out)
    if arguments.out:
        print(
            f"Đã chép kho báo cáo vào {arguments.out}: {len(made.files) + len(made.pages)} tệp, chỉ gồm bản công khai."
        )
    else:
        print(f"Đã lập kho báo cáo: {project.relative(project.site)} ({len(made.files)} tệp được liệt kê)")
    return 0


def serve(project: Project, arguments: argparse.Namespace) -> int:
    """Show the archive on this machine; until Ctrl-C."""
    from danvan import serve as window

    window.serve(
        project,
        port=arguments.port,
        ready=lambda address: print(f"Kho báo cáo: {address}", _FOR_LOOKING, "Ctrl-C để dừng.", sep="\n", flush=True),
    )
    return 0


def new_year(project: Project, arguments: argparse.Namespace) -> int:
    """Set up the next year from the last."""
    from danvan import exchange

    made = exchange.new_year(project, arguments.year)
    print(f"Đã chuẩn bị năm {arguments.year}: {len(made)} mục, gồm {project.relative(made[0])} và mẫu phiếu trong")
    print(f"{project.relative(project.forms(arguments.year))}. Xem lại các chỗ ghi “Chép từ năm ...” trong params.")
    return 0


def form(project: Project, arguments: argparse.Namespace) -> int:
    """Write the workbooks that units fill in."""
    from danvan import exchange

    made = exchange.forms(project, arguments.year, arguments.out)
    print(f"Đã lập {len(made)} mẫu phiếu năm {arguments.year} trong {made[0].parent}.")
    return 0


def check(project: Project, arguments: argparse.Namespace) -> int:
    """Read and check the returns: findings by unit, also as JSON; then the replies and the board."""
    from danvan import exchange, terminal
    from danvan.intake.year import read_year

    with _count_progress("Đọc phiếu") as progress:
        year = read_year(project, arguments.year, progress=progress)
    if arguments.json:
        found = [finding.as_dict() for finding in year.findings]
        try:
            write_atomic(arguments.json, (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode())
        except OSError as error:
            raise SettingsError(f"Không ghi được {arguments.json} ({error.strerror}). Hãy chọn tệp khác.") from None
    terminal.findings(year)
    today = _today()
    terminal.board(year, exchange.reply(project, year, today).standings, today)
    errors = sum(finding.severity == "error" for finding in year.findings)
    answered = sum(not finding.is_open for finding in year.findings)
    print(
        f"Năm {arguments.year}: đọc được {len(year.returns)} phiếu, thiếu {len(year.missing)}; {errors} lỗi phải sửa, "
        f"{len(year.findings) - errors - answered} điểm chờ giải trình, {answered} điểm đã giải trình."
    )
    print(f"Bảng theo dõi: {project.relative(project.board(arguments.year))}")
    print(f"Thư và phiếu trả lời từng đơn vị: {project.relative(project.replies(arguments.year))}")
    return ReturnsError.exit_code if errors else 0


def lint(project: Project, arguments: argparse.Namespace) -> int:
    """Compare a built report with its format profile, or Word files from anywhere with one by name."""
    from danvan import terminal
    from danvan.publish.lint import Difference, lint_edited, lint_folder

    differences: dict[str, list[Difference]] = {}
    for what in arguments.what:
        if what.isdigit() and not arguments.profile:
            folder = project.report(int(what), arguments.edition)
            shown = project.relative(folder)
            differences |= {f"{shown}/{name}": found for name, found in lint_folder(folder, shown).items()}
        elif arguments.profile:
            differences[what] = lint_edited(Path(what), arguments.profile)
        else:
            raise SettingsError(
                f"Chưa biết “{what}” phải theo mẫu nào. Hãy thêm --profile TÊN, hoặc ghi năm của báo cáo."
            )
    for name, found in differences.items():
        print(f"{name}: {f'khác mẫu thể thức ở {len(found)} điểm' if found else 'đúng mẫu thể thức'}")
        if found:
            terminal.differences(found)
    return RefusedError.exit_code if any(differences.values()) else 0


def compare(project: Project, arguments: argparse.Namespace) -> int:
    """Tell what was changed in a Word file that came back; with --accept, take suggestions over."""
    from danvan import roundtrip

    options = {"year": arguments.year, "out": arguments.out}
    if arguments.accept:
        done = roundtrip.accept(project, arguments.file, arguments.accept, **options)
        for number, one in done:
            print(f"Đã nhận đề xuất {number}: {one.where}")
        print("Lập lại báo cáo để thấy các chỗ sửa." if done else "Không có đề xuất nào nhận được.")
        return 0
    compared = roundtrip.compare(project, arguments.file, **options)
    print(compared.text, end="")
    print(f"\nKết quả: {arguments.out or project.relative(compared.folder)}")
    return RefusedError.exit_code if compared.altered else 0


def export(project: Project, arguments: argparse.Namespace) -> int:
    """Write the backup of years into one archive."""
    from danvan import exporting
    from danvan.unpacking import megabytes

    years = project.years_with_returns() if arguments.all else arguments.years
    if not years:
        raise SettingsError("Hãy nêu năm cần lưu, hoặc --all cho mọi năm có phiếu, ví dụ: build.py export 2026")
    made = exporting.export(project, years, arguments.out)
    where = project.relative(made.path) if made.path.is_relative_to(project.root) else made.path
    documents = ", ".join(f"{edition} {year}" for year, edition in made.index.documents) or "chưa có"
    print(
        *made.told,
        f"Đã lưu {len(made.index.files)} tệp vào {where}, {megabytes(made.size)}; đã đọc lại, tất cả nguyên vẹn.",
        f"Tài liệu khôi phục được: {documents}",
        f"Mã sha256: {made.sha256}",
        "Kho lưu có phiếu của các đơn vị: chỉ dùng nội bộ. Hãy chép sang ổ đĩa khác và ghi lại mã trên.",
        sep="\n",
    )
    return 0


def import_(project: Project, arguments: argparse.Namespace) -> int:
    """Bring a backup back into a folder of its own; build its documents again and compare."""
    from danvan import restoring
    from danvan.store import sha256

    target = (arguments.out or project.root.parent / arguments.file.stem).absolute()
    resolved, root = target.resolve(), project.root.resolve()
    if resolved.is_relative_to(root) or root.is_relative_to(resolved):
        raise SettingsError(
            f"Không khôi phục vào {target}: bản khôi phục không được lẫn với dự án đang dùng. "
            "Hãy chọn --out là một thư mục mới ở ngoài dự án."
        )
    if arguments.file.is_file():
        print(f"Mã sha256 của {arguments.file.name}: {sha256(arguments.file)}", flush=True)
    return restoring.restore(arguments.file, target, lambda sentence: print(sentence, flush=True))


def schedule(project: Project, arguments: argparse.Namespace) -> int:
    """Put the nightly run into this machine's scheduler, show it, or take it out."""
    from danvan.operations import load_operations
    from danvan.schedule import job_of, scheduler

    settings = load_operations(project)
    job = job_of(project, time.fromisoformat(settings.run_at), settings.time_limit_minutes)
    machine = scheduler()
    if arguments.what == "install":
        remarks = machine.install(job)
        print(f"Đã đặt lịch {job.name}: mỗi đêm lúc {job.at:%H:%M}, bằng {machine.words}.", *remarks, sep="\n- ")
    elif arguments.what == "remove":
        left = machine.remove(job)
        print(
            f"Không có lịch {job.name} nào để bỏ." if left is None else f"Đã bỏ lịch {job.name}.",
            *left or (),
            sep="\n- ",
        )
    elif standing := machine.standing(job):
        print(*standing.lines(job, machine.words), sep="\n")
    else:
        print(f"Chưa đặt lịch cho thư mục này ({machine.words}). Đặt lịch: build.py schedule install")
    return 0


def lab(project: Project, arguments: argparse.Namespace) -> int:
    """Open JupyterLab on the notebook of the report; on this machine only, with a token."""
    from danvan import laboratory

    laboratory.open_lab(project, arguments.rest)
    return 0


def _today() -> date:
    """The day that `check` notes new files under and counts the days to the deadline from."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC).date() if epoch.isdigit() else date.today()


def _line(finding: Finding) -> str:
    unit = f"{finding.unit}: " if finding.unit else ""
    return f"- {unit}{finding.cell}: “{finding.found}”. {finding.reason} {finding.remedy}"


def _errors() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def _told(error: DanvanError, errors: Console, about: str = "") -> int:
    """Say what is wrong; gives the exit code."""
    if isinstance(error, ReturnsError):
        from danvan.intake.findings import Finding

        errors.print(f"[bold red]{escape(about)}{escape(str(error))}[/]")
        for finding in error.findings:
            if isinstance(finding, Finding):
                errors.print(escape(_line(finding)))
    else:
        errors.print(f"{escape(about)}{escape(str(error))}")
    return error.exit_code


@contextmanager
def _building_shown(arguments: argparse.Namespace) -> Iterator[How]:
    """How to build, as the arguments say, and a display of what is being built."""
    from danvan import display, workers

    with display.Display(_errors(), explain=arguments.explain) as listener:
        if arguments.cluster:
            from danvan.cluster import OnCluster

            yield OnCluster(cold=arguments.cold, listener=listener, address=arguments.cluster)
        else:
            yield workers.How(arguments.jobs or workers.cores(), arguments.cold, listener)


@contextmanager
def _count_progress(words: str) -> Iterator[Callable[[int, int], None]]:
    """A bar over files read, on a terminal; nothing elsewhere."""
    from danvan import display

    with display.counted(_errors(), words) as progress:
        yield progress
