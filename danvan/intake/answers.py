"""What offices said to warnings: data/YEAR/answers.yaml. A warning is answered once; another number is another one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import model_validator

from danvan.errors import SettingsError
from danvan.intake.findings import Answer, Cell, Finding
from danvan.intake.privacy import find
from danvan.intake.rules import RULES
from danvan.loading import Place, Strict, is_there, load_yaml, read_text
from danvan.paths import Project

EMPTY = """\
# Lời giải trình cho những điểm cần xem lại: mỗi điểm một mục, mã lấy từ bảng của lệnh check. Ví dụ:
#   - {finding: abcdefg, office: Công an quận Hải An, reason: Mở thêm chuyên mục phát thanh hằng tuần.}
# Số trong phiếu đổi thì mã đổi theo: phải giải trình lại. Không ghi tên người.
answers: []
"""


class Entry(Strict):
    """One answer; `finding` is the id that `check` shows."""

    finding: str
    office: str
    reason: str

    @model_validator(mode="after")
    def _whole(self) -> Entry:
        if not re.fullmatch(r"[a-p]{7}", self.finding):
            raise ValueError(f"mã “{self.finding}” không đúng: bảy chữ từ a đến p, chép từ bảng của lệnh check.")
        if min(len(self.office), len(self.reason)) < 3:
            raise ValueError("cơ quan hoặc lý do giải trình quá ngắn. Hãy ghi đủ.")
        return self


class Answers(Strict):
    answers: tuple[Entry, ...] = ()

    def inconsistencies(self) -> Iterator[tuple[Place, str]]:
        """Findings answered twice, and answers that name a person."""
        seen: set[str] = set()
        for index, entry in enumerate(self.answers):
            if entry.finding in seen:
                yield ("answers", index, "finding"), f"điểm {entry.finding} được giải trình hai lần. Hãy giữ một."
            seen.add(entry.finding)
            if find(f"{entry.office} {entry.reason}"):
                yield (
                    ("answers", index, "reason"),
                    "lời giải trình có dữ liệu về người. Hãy bỏ tên, số giấy tờ, điện thoại.",
                )


def answered(project: Project, year: int, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with the answers to them; an answer to nothing is a warning of its own.

    Raises SettingsError for a file that is wrong, or an answer to an error, which must be mended instead.
    """
    path = project.answers(year)
    found = list(findings)
    if not is_there(path):
        return tuple(found)
    shown = project.relative(path)
    entries = {entry.finding: entry for entry in load_yaml(path, shown, Answers).answers}
    known = {finding.id: finding for finding in found}
    if errors := [
        entry for entry in entries.values() if entry.finding in known and known[entry.finding].severity == "error"
    ]:
        raise SettingsError(
            *(
                f"{shown}, dòng {_line(path, e.finding)}: điểm {e.finding} là lỗi phải sửa trong phiếu, không giải "
                "trình được."
                for e in errors
            )
        )
    told = [
        replace(f, answer=Answer(entries[f.id].office, entries[f.id].reason)) if f.id in entries else f for f in found
    ]
    stale = [
        Finding(
            "stale-answer",
            RULES["stale-answer"].severity,
            Cell(shown, "", entry.finding),
            entry.finding,
            "Không còn điểm nào ứng với lời giải trình này; số trong phiếu có thể đã đổi.",
            "Xem lại bảng của lệnh check; sửa mã hoặc xóa mục này.",
        )
        for entry in entries.values()
        if entry.finding not in known
    ]
    return (*told, *stale)


def _line(path: Path, code: str) -> int:
    """The line in which an answer names its finding."""
    lines = read_text(path, path.name).splitlines()
    return next(
        (number for number, line in enumerate(lines, start=1) if re.search(rf"^[^#]*finding: *{code}", line)), 1
    )
