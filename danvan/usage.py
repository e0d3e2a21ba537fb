"""What may be asked on the command line: the words of its help, its arguments, and what is said of a wrong call.
argparse, because every word of it can be Vietnamese."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from danvan.errors import SettingsError, nearest

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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        for pattern, words in _WRONG:
            if match := re.fullmatch(pattern, message):
                hint = nearest(match[1], COMMANDS) if "lệnh" in words else ""
                raise SettingsError(f"Gọi lệnh sai: {words.format(*match.groups())}.{hint} Xem: build.py --help")
        raise SettingsError("Gọi lệnh sai. Xem: build.py --help")

    def print_help(self, file: object = None) -> None:  # noqa: ARG002
        print(HELP, end="")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What is asked: `command`, and its arguments by name; for `lab`, JupyterLab's own as `rest`.

    Raises SettingsError where the call is wrong, SystemExit after the help was printed.
    """
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    return arguments


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
    of("lab")
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
