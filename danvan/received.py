"""data/YEAR/received.csv: which file came when. `check` adds what is new and keeps what stands there, also by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date

from danvan.errors import SettingsError
from danvan.intake.observations import Received
from danvan.loading import is_there, read_csv
from danvan.paths import Project
from danvan.status import ReceivedOn
from danvan.store import write_atomic

COLUMNS = ("file", "sha256", "unit", "received_on")


def load(project: Project, year: int) -> tuple[ReceivedOn, ...]:
    """The lines of the file; none where it is not there. Raises SettingsError with line numbers."""
    path = project.received(year)
    if not is_there(path):
        return ()
    shown = project.relative(path)
    lines = []
    for line, row in read_csv(path, shown, COLUMNS):
        try:
            day = date.fromisoformat(row["received_on"])
        except ValueError:
            raise SettingsError(
                f"{shown}, dòng {line}: “{row['received_on']}” không phải ngày dạng năm-tháng-ngày (2023-12-18)."
            ) from None
        lines.append(ReceivedOn(row["file"], row["sha256"], row["unit"], day))
    return tuple(lines)


def note(project: Project, year: int, files: Iterable[Received], today: date) -> tuple[ReceivedOn, ...]:
    """The lines with those of new files, received today; written if there are any. A changed file is a new one."""
    known = load(project, year)
    have = {(line.file, line.sha256) for line in known}
    new = [ReceivedOn(f.file, f.sha256, f.unit, today) for f in files if (f.file, f.sha256) not in have]
    if new:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((r.file, r.sha256, r.unit, r.received_on.isoformat()) for r in (*known, *new))
        write_atomic(project.received(year), text.getvalue().encode())
    return (*known, *new)
