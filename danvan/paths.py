"""Names of the folders and files of a project. No other room spells a path."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from danvan.errors import SettingsError


@dataclass(frozen=True)
class Project:
    """A project folder: what analysts own (notebooks, params, data) and what is built (figures, reports)."""

    root: Path

    @property
    def catalogue(self) -> Path:
        return self.root / "params" / "catalogue.yaml"

    @property
    def scheduled_settings(self) -> Path:
        return self.root / "params" / "scheduled.yaml"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def units(self) -> Path:
        return self.root / "params" / "units.csv"

    @property
    def lineage(self) -> Path:
        return self.root / "params" / "lineage.csv"

    @property
    def bodies(self) -> Path:
        return self.root / "params" / "bodies.csv"

    @property
    def tiles(self) -> Path:
        return self.root / "params" / "tiles.csv"

    @property
    def scheduled_log(self) -> Path:
        return self.reports / "log" / "scheduled.jsonl"

    @property
    def series(self) -> Path:
        return self.root / "data" / "reference" / "series.csv"

    @property
    def population(self) -> Path:
        return self.root / "data" / "reference" / "population.csv"

    def params(self, year: int) -> Path:
        return self.root / "params" / f"{year}.yaml"

    def data(self, year: int) -> Path:
        return self.root / "data" / str(year)

    def returns(self, year: int) -> Path:
        return self.data(year) / "returns"

    def stated(self, year: int) -> Path:
        return self.data(year) / "stated.csv"

    def answers(self, year: int) -> Path:
        return self.data(year) / "answers.yaml"

    def received(self, year: int) -> Path:
        return self.data(year) / "received.csv"

    def forms(self, year: int) -> Path:
        return self.data(year) / "forms"

    def replies(self, year: int) -> Path:
        return self.reports / str(year) / "replies"

    def board(self, year: int) -> Path:
        return self.reports / str(year) / "board.html"

    @property
    def report_notebook(self) -> Path:
        return self.root / "notebooks" / "annual_report.ipynb"

    @property
    def profile_notebook(self) -> Path:
        return self.root / "notebooks" / "unit_profile.ipynb"

    @property
    def trends_notebook(self) -> Path:
        return self.root / "notebooks" / "trends.ipynb"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    def report(self, year: int, edition: str) -> Path:
        return self.reports / str(year) / edition

    def editions(self, year: int) -> Path:
        return self.reports / str(year) / "editions"

    def published(self, year: int, edition: str, number: int) -> Path:
        return self.editions(year) / f"{edition}-{number:02d}"

    def changes(self, year: int, edition: str, number: int) -> Path:
        return self.reports / str(year) / f"thay-doi-{edition}-{number:02d}.html"

    def approval(self, year: int, edition: str) -> Path:
        return self.reports / str(year) / f"approval-{edition}.json"

    @property
    def preserved(self) -> Path:
        return self.root / "data" / "kept"

    @property
    def run_status(self) -> Path:
        return self.reports / "status.json"

    @property
    def site(self) -> Path:
        return self.reports / "index.html"

    @property
    def feed(self) -> Path:
        return self.reports / "feed.xml"

    def profile(self, year: int, unit: str) -> Path:
        return self.profiles(year) / unit

    def trends(self, edition: str) -> Path:
        return self.reports / "trends" / edition

    @property
    def cache(self) -> Path:
        return self.root / ".cache"

    def profiles(self, year: int) -> Path:
        return self.reports / str(year) / "profiles"

    def figures(self, year: int) -> Path:
        return self.root / "figures" / str(year)

    def relative(self, path: Path) -> str:
        """`path` as written in messages, manifest and trace: from the project folder, with forward slashes."""
        return unicodedata.normalize("NFC", path.relative_to(self.root).as_posix())

    def years_with_returns(self) -> list[int]:
        """Years, ascending, that have at least one file in their returns folder."""
        years = []
        for folder in (self.root / "data").glob("[0-9][0-9][0-9][0-9]"):
            returns = self.returns(int(folder.name))
            if returns.is_dir() and any(not ignored(path) for path in returns.iterdir()):
                years.append(int(folder.name))
        return sorted(years)

    def latest_year(self) -> int:
        """The latest year that has returns; raises SettingsError if none has."""
        years = self.years_with_returns()
        if not years:
            raise SettingsError("Chưa có phiếu nào trong data/<năm>/returns. Hãy đặt phiếu của các đơn vị vào đó.")
        return years[-1]


def ignored(path: Path) -> bool:
    """Excel's owner files (~$x.xlsx), hidden and half-copied files, what Windows keeps in a folder: not returns."""
    return (
        path.name.startswith(("~$", "."))
        or path.suffix.casefold() in {".part", ".tmp", ".crdownload"}
        or path.name.casefold() in {"thumbs.db", "desktop.ini"}
    )


def find_project(start: Path | None = None) -> Project:
    """The project: the folder named by DANVAN_ROOT (build.py sets it), else the nearest one above `start`.

    Raises SettingsError when there is none.
    """
    if start is None and (named := os.environ.get("DANVAN_ROOT")):
        return Project(Path(named).resolve())
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "params" / "catalogue.yaml").is_file():
            return Project(folder)
    raise SettingsError(
        f"Không tìm thấy thư mục dự án từ {here}: cần có params/catalogue.yaml. Hãy chạy build.py trong thư mục dự án."
    )
