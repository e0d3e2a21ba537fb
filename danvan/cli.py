"""The command line: one short function a command; words and exit codes, no work. argparse, because every word of it
can be Vietnamese."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.markup import escape

from danvan import freshness
from danvan.errors import DanvanError, RefusedError, ReturnsError, SettingsError, nearest
from danvan.paths import Project, find_project
from danvan.store import write_atomic

if TYPE_CHECKING:  # what a command needs is imported when it is called
    from danvan.intake.findings import Finding
    from danvan.workers import How

HELP = """\
Cách dùng: python3 build.py [lệnh]

  (không có lệnh)           lập báo cáo của năm mới nhất có phiếu
  report NĂM... [--all]     lập báo cáo các năm nêu tên, hoặc mọi năm có phiếu
     --edition public|internal   ấn bản công khai (mặc định) hoặc nội bộ
     --allow-incomplete          chấp nhận thiếu phiếu; tổng số sẽ ghi rõ là chưa đủ
  trends [--edition ...]    lập tài liệu diễn biến qua mọi năm có phiếu
  profile NĂM [ĐƠN_VỊ...]   lập hồ sơ số liệu của từng đơn vị, hoặc của các đơn vị nêu tên
     Ba lệnh trên chỉ lập những gì đã cũ, và nhận thêm:
     --jobs N                    lập N tài liệu cùng lúc (mặc định: số nhân của máy)
     --cluster ĐỊA_CHỈ           lập trên cụm dask, ví dụ tcp://10.0.0.5:8786 (docs/scaling.md)
     --explain                   nói vì sao từng tài liệu phải lập lại
     --force                     bỏ mọi kết quả trung gian, lập lại từ đầu
     --cold                      không dùng nhân Jupyter chuẩn bị sẵn; kết quả như nhau, chậm hơn
  approve NĂM --office CƠ_QUAN --hash MÃ   ghi nhận cơ quan ban hành đã duyệt đúng bản công khai có mã ấy
     --revision "lý do"          lý do sửa đổi, nếu đã có ấn bản trước; --scheduled: theo kế hoạch
  publish NĂM               công bố: giữ bản làm việc thành một ấn bản không bao giờ bị ghi đè
     --edition public|internal   ấn bản công khai (mặc định) hoặc nội bộ
     --revision "lý do"          bắt buộc khi khác ấn bản trước; --scheduled: sửa đổi theo kế hoạch
  scheduled                 lần chạy theo lịch: kiểm tra, lập, công bố bản đã duyệt, ghi reports/status.json, gửi thư
  verify NĂM                kiểm chứng: lập lại từ manifest ở một nơi sạch, so từng byte của mọi tệp
     --edition public-NN         ấn bản nào, hoặc bản làm việc public, internal (mặc định: ấn bản công khai mới nhất)
  explain GÌ... [--year NĂM] một con số từ đâu ra: mọi chỗ in, công thức, từng ô phiếu, tệp còn nguyên hay không
     GÌ: con số như in ra (4.342; hơn 200; 502/588), mã chỉ tiêu, mã kết quả, dấu trang Word (so_0012), tên chỉ tiêu
     --edition public|internal|public-02   tìm trong ấn bản nào (mặc định: công khai, mới nhất)
     --all                       nêu hết các ô, các chỗ in
  site [--out THƯ_MỤC]      lập kho báo cáo reports/index.html; --out: chép kho ra thư mục để chia sẻ
  serve [--port N]          xem kho báo cáo trên máy này (để xem, không phải máy chủ cho mạng Internet)
  preview NĂM               xem báo cáo trong trình duyệt trong lúc sửa; lưu tệp nào thì trang tự cập nhật
  status [NĂM...]           tài liệu nào đã cũ và vì sao; không lập gì
  new-year NĂM              chuẩn bị một năm mới theo năm trước: params, thư mục, mẫu phiếu
  form NĂM [--out THƯ_MỤC]  lập mẫu phiếu cho từng đơn vị (mặc định vào data/NĂM/forms)
  check NĂM [--json TỆP]    đọc, kiểm tra phiếu; lập bản trả lời từng đơn vị và bảng theo dõi
  lint NĂM [--edition ...]  đối chiếu PDF, Word của báo cáo với mẫu thể thức (lề, phông, cỡ chữ, số trang ...)
  lint TỆP... --profile TÊN đối chiếu tệp Word đã sửa với một mẫu thể thức, ví dụ party_2018
  compare TỆP.docx          so bản Word đã sửa với bản đã lập: con số sửa tay, câu chữ, đề xuất sửa sổ và params
     --year NĂM                  chỉ tìm trong các bản đã lập của năm ấy
     --out THƯ_MỤC               ghi kết quả vào đây (mặc định reports/NĂM/compare)
     --accept 1,3 | all          nhận các đề xuất ấy của lần so sánh trước vào sổ và params
  schedule install          đặt lịch chạy tự động mỗi đêm vào máy này; schedule show: xem; schedule remove: bỏ
  lab [SỔ] [--port N]       mở JupyterLab để sửa sổ báo cáo, chỉ trên máy này; thêm --no-browser, --debug
  export NĂM... [--all]     lưu cả năm vào một tệp backups/danvan-NĂM.zip (nội bộ): đủ để khôi phục trên máy trống
     --out TỆP                   ghi ra tệp hoặc thư mục khác, ví dụ ổ đĩa sao lưu
  import TỆP [--out THƯ_MỤC] khôi phục kho lưu ấy vào một thư mục mới, lập lại từng tài liệu và đối chiếu
  test [--long]             chạy các phép thử của chương trình

Mã kết thúc: 0 xong · 1 phiếu có lỗi · 2 gọi lệnh hoặc cài đặt sai · 3 đang có lần chạy khác · 4 một bước bị lỗi
5 từ chối (thay đổi không nêu lý do, ấn bản không còn nguyên), lập lại không giống, tệp khác mẫu thể thức,
  hoặc con số bị sửa tay
"""
COMMANDS = (
    "report",
    "trends",
    "profile",
    "approve",
    "publish",
    "scheduled",
    "verify",
    "explain",
    "site",
    "serve",
    "preview",
    "status",
    "new-year",
    "form",
    "check",
    "lint",
    "compare",
    "schedule",
    "export",
    "import",
    "lab",
    "test",
)
_WRONG = (  # argparse's messages -> ours
    (r"argument command: invalid choice: '(.*?)'.*", "không có lệnh “{0}”"),
    (r"argument (\S+): invalid choice: '(.*?)'.*", "{0} không nhận “{1}”"),
    (r"argument --jobs: invalid \S+ value: '(.*?)'", "--jobs phải là số từ 1 trở lên, không phải “{0}”"),
    (r"argument --port: invalid \S+ value: '(.*?)'", "--port phải là số từ 1 đến 65535, không phải “{0}”"),
    (r"argument (\S+): invalid \S+ value: '(.*?)'", "{0} phải là số năm, không phải “{1}”"),
    (r"argument (\S+): expected .*", "{0} còn thiếu giá trị"),
    (r"unrecognized arguments: (.*)", "không có tham số “{0}”"),
    (r"the following arguments are required: (.*)", "thiếu {0}"),
)


_FOR_LOOKING = (
    "Chỉ để xem, trên máy này: không phải máy chủ cho mạng Internet. Để nhiều nơi cùng đọc, chép kho "
    "(build.py site --out) lên máy chủ của cơ quan."
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        for pattern, words in _WRONG:
            if match := re.fullmatch(pattern, message):
                hint = nearest(match[1], COMMANDS) if "lệnh" in words else ""
                raise SettingsError(f"Gọi lệnh sai: {words.format(*match.groups())}.{hint} Xem: build.py --help")
        raise SettingsError("Gọi lệnh sai. Xem: build.py --help")

    def print_help(self, file: object = None) -> None:  # noqa: ARG002
        print(HELP, end="")


def main(argv: list[str]) -> int:
    """Run one command; returns the exit code. Users' mistakes come out as sentences, never as tracebacks."""
    from danvan.processes import end_at_ctrl_c
    from danvan.scratch import own_folder

    errors = _errors()
    try:
        end_at_ctrl_c()
        parser = _parser()
        arguments, rest = parser.parse_known_args(argv)
        if rest and arguments.command != "lab":
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        arguments.rest = rest
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="build.py", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command")
    parser.set_defaults(
        years=[],
        all=False,
        edition="public",
        force=False,
        allow_incomplete=False,
        jobs=0,
        cluster="",
        cold=False,
        explain=False,
    )
    edition: dict[str, Any] = {"choices": ("public", "internal"), "default": "public"}

    def of(name: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, allow_abbrev=False)

    def of_one_year(name: str) -> argparse.ArgumentParser:
        command = of(name)
        command.add_argument("year", metavar="NĂM", type=int)
        return command

    command = of("report")
    command.add_argument("years", metavar="NĂM", nargs="*", type=int)
    command.add_argument("--all", action="store_true")
    command.add_argument("--edition", **edition)
    _building(command)
    command.add_argument("--allow-incomplete", action="store_true")
    command = of("trends")
    command.add_argument("--edition", **edition)
    _building(command)
    command = of_one_year("profile")
    command.add_argument("units", metavar="ĐƠN_VỊ", nargs="*")
    _building(command)
    command = of_one_year("approve")
    command.add_argument("--office", metavar="CƠ_QUAN", required=True)
    command.add_argument("--hash", metavar="MÃ", default="")
    _revising(command)
    command = of_one_year("publish")
    command.add_argument("--edition", **edition)
    _revising(command)
    of("scheduled")
    of_one_year("verify").add_argument("--edition", metavar="ẤN_BẢN")
    command = of("explain")
    command.add_argument("what", metavar="GÌ", nargs="+")
    command.add_argument("--year", metavar="NĂM", type=int)
    command.add_argument("--edition", metavar="ẤN_BẢN", default="public")
    command.add_argument("--all", action="store_true")
    of("site").add_argument("--out", metavar="THƯ_MỤC", type=Path)
    of("serve").add_argument("--port", metavar="N", type=_port, default=0)
    of_one_year("preview").add_argument("--edition", **edition)
    of("status").add_argument("years", metavar="NĂM", nargs="*", type=int)
    of_one_year("new-year")
    of_one_year("form").add_argument("--out", metavar="THƯ_MỤC", type=Path)
    of_one_year("check").add_argument("--json", metavar="TỆP", type=Path)
    command = of("lint")
    command.add_argument("what", metavar="NĂM hoặc TỆP", nargs="+")
    command.add_argument("--edition", **edition)
    command.add_argument("--profile", metavar="TÊN", default="")
    command = of("compare")
    command.add_argument("file", metavar="TỆP", type=Path)
    command.add_argument("--year", metavar="NĂM", type=int)
    command.add_argument("--out", metavar="THƯ_MỤC", type=Path)
    command.add_argument("--accept", metavar="SỐ", default="")
    of("schedule").add_argument("what", metavar="install|show|remove", choices=("install", "show", "remove"))
    command = of("export")
    command.add_argument("years", metavar="NĂM", nargs="*", type=int)
    command.add_argument("--all", action="store_true")
    command.add_argument("--out", metavar="TỆP", type=Path)
    command = of("import")
    command.add_argument("file", metavar="TỆP", type=Path)
    command.add_argument("--out", metavar="THƯ_MỤC", type=Path)
    commands.add_parser("lab", allow_abbrev=False)
    return parser


def _building(parser: argparse.ArgumentParser) -> None:
    """What all commands that build documents take."""
    parser.add_argument("--jobs", metavar="N", type=_positive, default=0)
    parser.add_argument("--cluster", metavar="ĐỊA_CHỈ", default="")
    for flag in ("--explain", "--force", "--cold"):
        parser.add_argument(flag, action="store_true")


def _revising(parser: argparse.ArgumentParser) -> None:
    """What a revision takes."""
    parser.add_argument("--revision", metavar="LÝ_DO")
    parser.add_argument("--scheduled", action="store_true")


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def _port(text: str) -> int:
    if not 1 <= (number := int(text)) <= 65535:
        raise ValueError
    return number


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
