"""A year in trouble: copies of the committed returns of 2023, some of them mended for the worse, as they come in."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
from conftest import copy_first_years
from workbooks import change, on_both_sheets, place, put

from danvan.intake.year import Year, read_year
from danvan.paths import Project
from danvan.status import ReceivedOn

HOSTILE = "<script>alert(1)</script> ![x](http://x.example/a.png) | `b` {{ 7*7 }} \"'--></style> *nghiêng* =1+1"
STRAY = "<img src=x onerror=alert(1)>.xlsx"
CAME, LATER = date(2023, 12, 5), date(2023, 12, 12)


def folder(at: Path) -> Project:
    """What reading 2023 needs, with its sixteen returns as committed, and nothing answered yet."""
    copy_first_years(at)
    project = Project(at)
    for path in (project.answers(2023), project.received(2023)):
        path.unlink(missing_ok=True)
    return project


def make(at: Path) -> Year:
    """2023 with a unit in every state:

    errors: Hồng Bàng (hostile text, a negative number; and a warning). open: Lê Chân, Thủy Nguyên (with figures up to
    November only). refused: Đồ Sơn (an empty file), Kiến An (data about a person). missing: An Lão. sound: all others,
    Hải An since it has answered. And a file that is nobody's.
    """
    project = folder(at)
    returns = project.returns(2023)
    change(project, put("tips_received", HOSTILE))
    change(project, put("police_articles", -5))
    change(project, put("exemplary_units", 999))
    change(project, put("police_articles", 9999), "Lê Chân.xlsx")
    change(project, on_both_sheets("Kỳ số liệu", "01/01/2023 - 30/11/2023"), "Thủy Nguyên.xlsx")
    change(project, _with_a_phone_number, "Kiến An.xlsx")
    (returns / "Đồ Sơn.xlsx").write_bytes(b"")
    (returns / "An Lão.xlsx").unlink()
    (returns / STRAY).write_bytes(b"PK, or so it says")
    ids = [f.id for f in read_year(project, 2023).findings if f.unit == "Quận Hải An"]
    lines = [f"  - {{finding: {id_}, office: Công an quận Hải An, reason: Mở thêm chuyên mục.}}" for id_ in ids]
    project.answers(2023).write_text("\n".join(("answers:", *lines, "")), encoding="utf-8")
    return read_year(project, 2023)


def received(year: Year, on: date = CAME) -> tuple[ReceivedOn, ...]:
    """Every file as if it had come on one day."""
    return tuple(ReceivedOn(file.file, file.sha256, file.unit, on) for file in year.files)


def _with_a_phone_number(book: openpyxl.Workbook) -> None:
    sheet, row = place(book, "tips_received")
    sheet.cell(row, 9).value = "Gọi ông Trần Văn Bình, 0912 345 678"
