"""Who approved which build. An approval names an office and one exact build, so whatever changes voids it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from danvan.store import write_atomic

APPROVAL = "approval.json"  # as an edition keeps it
LEAST = 12  # hexadecimal digits of a hash that name a build


@dataclass(frozen=True)
class Approval:
    """`build`: the sha256 of the manifest, which holds those of all inputs and outputs. `approved_on`: ISO.

    `reason`: why the edition before has to be revised; '' where nothing was published before. `scheduled`: the
    revision was planned.
    """

    office: str
    build: str
    approved_on: str
    reason: str = ""
    scheduled: bool = False

    @property
    def day(self) -> str:
        """'03/12/2026'."""
        return f"{date.fromisoformat(self.approved_on):%d/%m/%Y}"

    def as_json(self) -> bytes:
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode()


def read(path: Path) -> Approval | None:
    """The approval in this file; None where there is none, or it is not one."""
    try:
        found = Approval(**json.loads(path.read_bytes()))
        date.fromisoformat(found.approved_on)
    except (OSError, ValueError, TypeError):
        return None
    texts = (found.office, found.build, found.reason)
    return found if all(isinstance(text, str) for text in texts) and isinstance(found.scheduled, bool) else None


def write(path: Path, approval: Approval) -> None:
    write_atomic(path, approval.as_json())
