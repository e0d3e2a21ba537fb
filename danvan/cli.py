"""The command line: one short function a command; words and exit codes, no work. argparse, because every word of it
can be Vietnamese."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from danvan import freshness
from danvan.errors import DanvanError, RefusedError, ReturnsError, SettingsError, nearest
from danvan.paths import Project, find_project
from danvan.store import write_atomic

if TYPE_CHECKING:  # what a command needs is imported when it is called
    from danvan.enquiry import Answer
    from danvan.explanation import Explanation
    from danvan.intake.findings import Finding
    from danvan.intake.year import Year
    from danvan.status import Standing
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
  publish NĂM               công bố: giữ bản làm việc thành một ấn bản không bao giờ bị ghi đè
     --edition public|internal   ấn bản công khai (mặc định) hoặc nội bộ
     --revision "lý do"          bắt buộc khi khác ấn bản trước; --scheduled: sửa đổi theo kế hoạch
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
  lab [...]                 mở JupyterLab để sửa sổ báo cáo; phần sau chuyển cho JupyterLab
  test [--long]             chạy các phép thử của chương trình

Mã kết thúc: 0 xong · 1 phiếu có lỗi · 2 gọi lệnh hoặc cài đặt sai · 3 đang có lần chạy khác · 4 một bước bị lỗi
5 từ chối (thay đổi không nêu lý do, ấn bản không còn nguyên), tệp khác mẫu thể thức, hoặc con số bị sửa tay
"""
COMMANDS = (
    "report",
    "trends",
    "profile",
    "publish",
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
_PLACES, _SOURCES, _DIGITS, _LABEL = 8, 20, 8, 15  # of an explanation: what is shown without --all; width of a label


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
            "publish": publish,
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
            "lab": lab,
        }
        return run[arguments.command or "report"](find_project(), arguments)
    except SystemExit as done:  # argparse after --help
        return int(done.code or 0)
    except DanvanError as error:
        return _told(error, errors)
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
    command = of_one_year("publish")
    command.add_argument("--edition", **edition)
    command.add_argument("--revision", metavar="LÝ_DO")
    command.add_argument("--scheduled", action="store_true")
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
    commands.add_parser("lab", allow_abbrev=False)
    return parser


def _building(parser: argparse.ArgumentParser) -> None:
    """What all commands that build documents take."""
    parser.add_argument("--jobs", metavar="N", type=_positive, default=0)
    parser.add_argument("--cluster", metavar="ĐỊA_CHỈ", default="")
    for flag in ("--explain", "--force", "--cold"):
        parser.add_argument(flag, action="store_true")


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
    for difference in (editions.ahead(project, year, edition) for year in years for edition in EDITIONS):
        print(difference, end="\n" * bool(difference))
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


def explain(project: Project, arguments: argparse.Namespace) -> int:
    """A figure's whole way back."""
    from danvan import enquiry

    answer = enquiry.ask(project, " ".join(arguments.what), year=arguments.year, edition=arguments.edition)
    _show_answer(answer, every=arguments.all)
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
    from danvan import exchange
    from danvan.intake.year import read_year

    with _count_progress("Đọc phiếu") as progress:
        year = read_year(project, arguments.year, progress=progress)
    if arguments.json:
        found = [finding.as_dict() for finding in year.findings]
        try:
            write_atomic(arguments.json, (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode())
        except OSError as error:
            raise SettingsError(f"Không ghi được {arguments.json} ({error.strerror}). Hãy chọn tệp khác.") from None
    _show(year)
    today = _today()
    _show_board(year, exchange.reply(project, year, today).standings, today)
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
            table = Table("Phần", "Điểm", "Theo mẫu", "Trong tệp", "Ở đâu")
            for one in found:
                table.add_row(*map(escape, (one.part, one.what, one.wanted, one.found, one.where)))
            _console().print(table)
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


def lab(project: Project, arguments: argparse.Namespace) -> int:
    """Open JupyterLab on the notebook of the report; on this machine only, with Jupyter's own token.

    Further arguments go to JupyterLab.
    """
    start = f"/lab/tree/{project.relative(project.report_notebook)}"
    options = (f"--ServerApp.root_dir={project.root}", f"--LabApp.default_url={start}", "--ServerApp.ip=127.0.0.1")
    command = [sys.executable, "-m", "jupyter", "lab", *options, *arguments.rest]
    return subprocess.run(command, cwd=project.root, check=False).returncode


def _today() -> date:
    """The day that `check` notes new files under and counts the days to the deadline from."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC).date() if epoch.isdigit() else date.today()


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def _show(year: Year) -> None:
    """The findings, unit by unit; first those that belong to none that is known."""
    table = Table("Mức", "Nơi", "Ghi trong phiếu", "Vì sao", "Cần làm", "Mã", show_lines=True)
    for unit in ("", *(unit.full_name for unit in year.units.all)):
        own = [finding for finding in year.findings if finding.unit == unit]
        if own:
            table.add_row(f"[bold]{escape(unit or 'Chưa rõ đơn vị')}[/]")
        for finding in own:
            state = "chờ giải trình" if finding.is_open else "đã giải trình"
            level = "[bold red]lỗi[/]" if finding.severity == "error" else state
            texts = (str(finding.cell), finding.found, finding.reason, finding.remedy)
            table.add_row(level, *map(escape, texts), "" if finding.severity == "error" else finding.id)
    if table.row_count:
        _console().print(table)


def _show_board(year: Year, standings: Sequence[Standing], today: date) -> None:
    """Where each unit stands: the board of who is missing, on the terminal."""
    from danvan import status

    sections = [section for section, _, _ in standings[0].completeness]
    due = f"Hạn gửi phiếu {year.params.returns_due:%d/%m/%Y}: {status.due_words(status.days_left(year, today))}"
    heads = ("Đơn vị", "Tình trạng", "Nhận ngày", "Lỗi", "Chờ giải trình", "Đã giải trình")
    table = Table(*heads, *sections, title=due)
    for one in standings:
        days = ", ".join(dict.fromkeys(f"{file.received_on:%d/%m/%Y}" for file in one.files))
        parts = (f"{reported}/{owed}" if owed else "–" for _, reported, owed in one.completeness)
        counts = map(str, (one.errors, one.open_warnings, one.answered))
        table.add_row(escape(one.unit.full_name), status.WORDS[one.state], days, *counts, *parts)
    _console().print(table)


def _show_answer(answer: Answer, *, every: bool) -> None:
    """The ways back of a figure; where it may be many, these as a list."""
    from danvan import enquiry

    console = _console()
    if len(answer.found) > enquiry.MANY and not every:
        table = Table(
            "Mã kết quả", "Chỉ tiêu", "Con số", "In ở", title=f"“{answer.asked}”: {len(answer.found)} kết quả"
        )
        for one in answer.found:
            place = one.places[0] + (f" và {len(one.places) - 1} chỗ khác" if len(one.places) > 1 else "")
            table.add_row(*map(escape, (one.key, one.title, one.lines[0][1], place)))
        console.print(table)
        console.print("Gọi lại với một mã kết quả, hoặc --all để nêu hết.")
    else:
        for one in answer.found:
            _show_way_back(console, one, answer.today, every=every)
    for label, words in answer.about:
        _labelled(console, label, words)
    if answer.others:
        years = ", ".join(map(str, answer.others))
        _labelled(console, "Năm khác", f"cũng tìm thấy trong báo cáo năm {years} (--year NĂM)")


def _show_way_back(console: Console, one: Explanation, today: Mapping[str, str], *, every: bool) -> None:
    console.print(f"[bold]{escape(one.title)}[/]  {escape(one.key)}")
    for label, words in one.lines:
        _labelled(console, label, words)
    shown = one.places if every else one.places[:_PLACES]
    for number, place in enumerate(shown):
        _labelled(console, "" if number else "In ở", place)
    if (more := len(one.places) - len(shown)) > 0:
        _labelled(console, "", f"và {more} chỗ khác; --all nêu hết")
    sources = one.sources if every else one.sources[:_SOURCES]
    for folder, group in groupby(sources, key=lambda source: source.file.rpartition("/")[0]):
        table = Table(
            "Đơn vị", "Tệp", "Trang", "Ô", "Ghi", "sha256", "Nay", title=f"Nguồn: {folder}", title_justify="left"
        )
        table.columns[5].overflow = "fold"  # a digest is read whole or not at all
        for source in group:
            name, digest = source.file.rpartition("/")[2], one.files[source.file]
            table.add_row(
                *map(escape, (source.unit, name, source.sheet, source.ref, source.text)),
                digest if every else digest[:_DIGITS],
                today[source.file],
            )
        console.print(table)
    if (more := len(one.sources) - len(sources)) > 0:
        console.print(f"và {more} ô khác; --all nêu hết")
    console.print()


def _labelled(console: Console, label: str, words: str) -> None:
    """A label and its words, which go on under themselves."""
    first, *more = textwrap.wrap(words, max(20, console.width - _LABEL - 1), break_on_hyphens=False)
    console.print(f"{label:{_LABEL}} {escape(first)}")
    for line in more:
        console.print(" " * _LABEL, escape(line))


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
