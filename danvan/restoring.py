"""A year brought back from its archive: unpacked, then built again there and compared, document by document.

Standard library only: an archive runs this where nothing is installed (`python3 danvan-2026.zip`), and `build.py
import` where something is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from danvan import unpacking
from danvan.errors import DanvanError, RefusedError, SettingsError
from danvan.unpacking import Index

USE = "Cách dùng: python3 {name} [THƯ_MỤC]   (mặc định: thư mục {stem} ở nơi đang đứng)"
_HOPELESS = (SettingsError.exit_code, 130)  # setting up failed, or was stopped: the next document would meet the same
# What the Python of another project runs here: that project's own registration stays as it is.
_COMMAND_LINE = "import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))"
_CAN_BUILD = (
    "import sys; from danvan import setup; "
    "sys.exit(0 if 'danvan' in setup.distributions() and setup.lock_is_satisfied(False) else 1)"
)


def main(archive: Path, argv: list[str]) -> int:
    """What running an archive does; gives the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    if len(argv) > 1 or any(word.startswith("-") for word in argv):
        print(USE.format(name=archive.name, stem=archive.stem))
        return 0 if argv in (["--help"], ["-h"]) else SettingsError.exit_code
    try:
        return restore(archive, Path(argv[0] if argv else archive.stem).absolute(), _say)
    except DanvanError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def restore(archive: Path, target: Path, tell: Callable[[str], None]) -> int:
    """Unpack `archive` into the new folder `target`; have it build each of its documents again and compare.

    Gives 0 where all are the same, 5 where one differs, else the code of what kept it from being built. Raises as
    `unpacking.unpack` does; once unpacked, the folder stays, whatever comes out.
    """
    index = unpacking.unpack(archive, target)
    tell(f"Đã giải nén {len(index.files)} tệp vào {target}, từng tệp đúng mã kiểm tra trong kho lưu.")
    if not index.documents:
        tell("Kho lưu không có báo cáo nào đã lập nên không có gì để lập lại và đối chiếu.")
        return 0
    codes = _rebuilt(target, index, tell)
    same = list(codes.values()).count(0)
    if same == len(index.documents):
        tell(f"Đã khôi phục xong: cả {same} tài liệu lập lại từ đầu đều giống hệt bản trong kho lưu.")
        tell(f"Từ nay làm việc trong {target}. Lập lại kho báo cáo để xem: build.py site")
        return 0
    for (year, edition), code in codes.items():
        if code:
            found = "lập lại thì khác bản đã lưu" if code == RefusedError.exit_code else "chưa lập lại được"
            tell(f"{_shown(year, edition)}: {found}. Xem lại: build.py verify {year} --edition {edition}")
    open_ones = len(index.documents) - same
    tell(f"Tệp đã khôi phục nguyên vẹn trong {target}, nhưng {open_ones} tài liệu chưa được chứng thực.")
    failed = [code for code in codes.values() if code]
    return RefusedError.exit_code if RefusedError.exit_code in failed else failed[0]


def _rebuilt(target: Path, index: Index, tell: Callable[[str], None]) -> dict[tuple[int, str], int]:
    """By document, the exit code of building it again and comparing; ends early where going on is of no use."""
    command, environment = _build_py(target)
    codes: dict[tuple[int, str], int] = {}
    for year, edition in index.documents:
        tell(f"Lập lại {_shown(year, edition)} để đối chiếu; mất vài phút.")
        codes[year, edition] = code = subprocess.run(
            [*command, "verify", str(year), "--edition", edition], cwd=target, env=environment, check=False
        ).returncode
        if code in _HOPELESS:
            break
    return codes


def _shown(year: int, edition: str) -> str:
    kind = "ấn bản" if "-" in edition else "bản làm việc"
    return f"{kind} {edition} năm {year}"


def _build_py(target: Path) -> tuple[list[str], dict[str, str]]:
    """How the project in `target` is run, and in which environment: by this Python if it has all that the lock names.

    Else by build.py, which sets up a .venv there; never from within another project's, which it would make its own.
    """
    unwanted = ("PYTHON", "DANVAN_", "SOURCE_DATE_EPOCH", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    kept["PYTHONUTF8"] = "1"
    here = kept | {"DANVAN_ROOT": str(target), "PYTHONPATH": str(target)}
    asked = subprocess.run([sys.executable, "-c", _CAN_BUILD], cwd=target, env=here, capture_output=True, check=False)
    if asked.returncode == 0:
        return [sys.executable, "-c", _COMMAND_LINE], here
    return [getattr(sys, "_base_executable", sys.executable), str(target / "build.py")], kept


def _say(sentence: str) -> None:
    print(sentence, flush=True)
