"""Findings, the board, a figure's way back: as tables and lines of a terminal."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:  # what a command needs is imported when it is called
    from danvan.enquiry import Answer
    from danvan.explanation import Explanation
    from danvan.intake.year import Year
    from danvan.publish.lint import Difference
    from danvan.status import Standing


PLACES, SOURCES, DIGITS = 8, 20, 8  # of a figure's way back: what is shown if not all is asked for
_LABEL = 15  # width of a label


def console() -> Console:
    """The terminal; where the output goes elsewhere, wide enough for tables."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def differences(found: Sequence[Difference]) -> None:
    """Where a file differs from its format profile."""
    table = Table("Phần", "Điểm", "Theo mẫu", "Trong tệp", "Ở đâu")
    for one in found:
        table.add_row(*map(escape, (one.part, one.what, one.wanted, one.found, one.where)))
    console().print(table)


def findings(year: Year) -> None:
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
        console().print(table)


def board(year: Year, standings: Sequence[Standing], today: date) -> None:
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
    console().print(table)


def answer(found: Answer, *, every: bool) -> None:
    """The ways back of a figure; where it may be many, these as a list."""
    from danvan import enquiry

    to = console()
    if len(found.found) > enquiry.MANY and not every:
        table = Table("Mã kết quả", "Chỉ tiêu", "Con số", "In ở", title=f"“{found.asked}”: {len(found.found)} kết quả")
        for one in found.found:
            place = one.places[0] + (f" và {len(one.places) - 1} chỗ khác" if len(one.places) > 1 else "")
            table.add_row(*map(escape, (one.key, one.title, one.lines[0][1], place)))
        to.print(table)
        to.print("Gọi lại với một mã kết quả, hoặc --all để nêu hết.")
    else:
        for one in found.found:
            _way_back(to, one, found.today, every=every)
    for label, words in found.about:
        _labelled(to, label, words)
    if found.others:
        years = ", ".join(map(str, found.others))
        _labelled(to, "Năm khác", f"cũng tìm thấy trong báo cáo năm {years} (--year NĂM)")


def _way_back(to: Console, one: Explanation, today: Mapping[str, str], *, every: bool) -> None:
    to.print(f"[bold]{escape(one.title)}[/]  {escape(one.key)}")
    for label, words in one.lines:
        _labelled(to, label, words)
    shown = one.places if every else one.places[:PLACES]
    for number, place in enumerate(shown):
        _labelled(to, "" if number else "In ở", place)
    if (more := len(one.places) - len(shown)) > 0:
        _labelled(to, "", f"và {more} chỗ khác; --all nêu hết")
    sources = one.sources if every else one.sources[:SOURCES]
    for folder, group in groupby(sources, key=lambda source: source.file.rpartition("/")[0]):
        table = Table(
            "Đơn vị", "Tệp", "Trang", "Ô", "Ghi", "sha256", "Nay", title=f"Nguồn: {folder}", title_justify="left"
        )
        table.columns[5].overflow = "fold"  # a digest is read whole or not at all
        for source in group:
            name, digest = source.file.rpartition("/")[2], one.files[source.file]
            table.add_row(
                *map(escape, (source.unit, name, source.sheet, source.ref, source.text)),
                digest if every else digest[:DIGITS],
                today[source.file],
            )
        to.print(table)
    if (more := len(one.sources) - len(sources)) > 0:
        to.print(f"và {more} ô khác; --all nêu hết")
    to.print()


def _labelled(to: Console, label: str, words: str) -> None:
    """A label and its words, which go on under themselves."""
    first, *more = textwrap.wrap(words, max(20, to.width - _LABEL - 1), break_on_hyphens=False)
    to.print(f"{label:{_LABEL}} {escape(first)}")
    for line in more:
        to.print(" " * _LABEL, escape(line))
