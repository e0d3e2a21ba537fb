"""What each document is built from, whether the one that is there still stands, and if not, why.

Standard library only: build.py asks before anything heavy is imported. The manifest records what this room decides by.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from danvan.errors import ChangedError, SettingsError, not_a_file
from danvan.paths import Project, ignored
from danvan.store import Cache, NotAFileError, content_key, files_below, is_torn, read_file, sha256

MANIFEST = "manifest.json"
PACKETS = "packets"  # the stage of the cache that knows each profile's packet
LARGEST = 50_000_000  # bytes: a return that is larger is refused unread, so its content is no input
PACKAGE = Path(__file__).parent
_ENVIRONMENT = ("SOURCE_DATE_EPOCH",)  # all that a build reads of it; the kernels' is set by `runner`
Inputs = dict[str, str]  # path from the project folder -> sha256, or what else stands there


class Wanted:
    """One document as it would be built now: its folder, the digests of its inputs, its settings."""

    def __init__(self, folder: Path, inputs: Inputs, settings: Mapping[str, str]) -> None:
        self.folder, self.inputs, self.settings = folder, inputs, dict(settings)
        self.key = content_key([*inputs.items(), *((f"={name}", value) for name, value in self.settings.items())])

    @property
    def failed(self) -> Path:
        """Where the notebook of a failed build is left, to be looked at."""
        return self.folder.with_name(f"failed-{self.folder.name}.ipynb")

    def is_current(self) -> bool:
        """Whether the folder holds a whole build of just this."""
        recorded = self._recorded()
        return bool(recorded) and recorded.get("key") == self.key and not any(self._altered(recorded))

    def reasons(self) -> list[str]:
        """Why it has to be built, in short Vietnamese phrases; none if it is current."""
        recorded = self._recorded()
        if not recorded:
            return ["chưa lập"]
        told = [f"{name} trong bản đã lập bị sửa hoặc xóa" for name in self._altered(recorded)]
        if recorded.get("key") == self.key:
            return told
        before: Inputs = recorded["inputs"]
        many: Counter[str] = Counter()
        for name in sorted({*before, *self.inputs}):
            if before.get(name) == self.inputs.get(name):
                continue
            if name.startswith("danvan/"):
                many["chương trình (danvan/) đã đổi"] += 1
            elif name == "packet":
                told.append("số liệu dùng cho đơn vị đã đổi")
            else:
                what = "mới có" if name not in before else "không còn" if name not in self.inputs else "đã đổi"
                told.append(f"{name} {what}")
        told += [f"{words}: {count} tệp" for words, count in many.items()]
        then = recorded["settings"]
        for name in sorted({*then, *self.settings}):
            if (old := then.get(name, "")) != (new := self.settings.get(name, "")):
                told.append(f"{name} từ “{old}” thành “{new}”")
        return told or ["ghi chép của lần lập trước không khớp"]

    def _recorded(self) -> dict[str, Any]:
        try:
            found = json.loads(read_file(self.folder / MANIFEST))
        except (OSError, ValueError):
            return {}
        maps = ("outputs", "inputs", "settings")
        if not isinstance(found, dict) or not isinstance(found.get("outputs"), dict):
            return {}
        return found | {name: found[name] if isinstance(found.get(name), dict) else {} for name in maps}

    def _altered(self, recorded: dict[str, Any]) -> Iterable[str]:
        for name, digest in recorded["outputs"].items():
            try:
                if sha256(self.folder / name) == digest:
                    continue
            except OSError:
                pass
            yield name


class Sources:
    """The files of a project as they stand now; each is hashed once in the life of this object.

    danvan's own are those that this process has loaded, as they were at its start: what it makes is made by them,
    whatever is saved later. `on_disk`: as they stand now, too.
    """

    def __init__(self, project: Project, *, on_disk: bool = False) -> None:
        self.project = project
        self._digests: dict[Path, str] = {} if on_disk else dict(_LOADED)

    # ------------------------------------------------------------ what documents depend on

    def report(self, year: int, edition: str, *, allow_incomplete: bool = False) -> Wanted:
        """The report of a year: its notebook, this year and the one before."""
        inputs = self._notebook(self.project.report_notebook) | self.years(year, year - 1)
        settings = self.settings(edition=edition, allow_incomplete=str(allow_incomplete))
        return Wanted(self.project.report(year, edition), inputs, settings)

    def trends(self, edition: str) -> Wanted:
        """The long view: all years that have returns."""
        inputs = self._notebook(self.project.trends_notebook) | self.years(*self.project.years_with_returns())
        return Wanted(self.project.trends(edition), inputs, self.settings(edition=edition))

    def profile(self, year: int, unit: str, packet: str) -> Wanted:
        """The profile of a unit: its notebook and the digest of its packet, which holds all that it may see."""
        inputs = self._notebook(self.project.profile_notebook) | self.tools() | {"packet": packet}
        return Wanted(self.project.profile(year, unit), inputs, self.settings(edition="internal"))

    def profiles(self, year: int) -> list[Wanted] | None:
        """The profiles of all units of a year; None where their packets have to be made first."""
        kept = Cache(self.project.cache).get(PACKETS, self.packets_key(year))
        if kept is None:
            return None
        return [self.profile(year, unit, packet) for unit, packet in json.loads(kept).items()]

    def packets_key(self, year: int) -> str:
        """The key of a year's packets."""
        return self.key(self.years(year, year - 1))

    def years(self, *years: int) -> Inputs:
        """All that is read of these years, and what it is read with."""
        found = self.ground()
        for year in years:
            found |= self._files(self.project.params(year), self.project.stated(year), self.project.answers(year))
            found |= self._returns(year)
        return found

    def ground(self) -> Inputs:
        """What holds for all years: catalogue, units, lineage, bodies, reference data; and the tools."""
        tables = sorted(self.project.catalogue.parent.glob("*.csv"))
        reference = (self.project.population, self.project.series, *_below(self.project.population.parent))
        return self._files(self.project.catalogue, *tables, *reference) | self.tools()

    def tools(self) -> Inputs:
        """What everything is made with: the lock file, and all of danvan/, fonts, templates and profiles among it."""
        return self._files(self.project.root / "requirements.lock", *_below(PACKAGE))

    def settings(self, **own: str) -> dict[str, str]:
        """The settings of a build: its own, Python's version, and what it reads of the environment."""
        version = ".".join(map(str, sys.version_info[:3]))
        return own | {"python": version} | {name: os.environ.get(name, "") for name in _ENVIRONMENT}

    def key(self, inputs: Inputs, **own: str) -> str:
        """The key of a stage that depends on these inputs and settings."""
        return Wanted(self.project.root, inputs, self.settings(**own)).key

    def _notebook(self, path: Path) -> Inputs:
        return self._files(path)

    def _returns(self, year: int) -> Inputs:
        """Everything in the folder of returns: also what is no file, and Excel's sign that a file is open."""
        folder = self.project.returns(year)
        found = {self.project.relative(folder): "folder"} if folder.is_dir() else {}
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.name.startswith("~$"):
                found[self.project.relative(path)] = "open"
            elif not ignored(path):
                found[self.project.relative(path)] = self._return(path)
        return found

    def _return(self, path: Path) -> str:
        try:
            if not _is_file(path):
                return "not a file"
            return self._digest(path) if path.stat().st_size <= LARGEST else f"{path.stat().st_size} bytes"
        except OSError:
            return "not readable"

    def _files(self, *paths: Path) -> Inputs:
        """Of those that are there; raises SettingsError for a link or a pipe in the place of one."""
        there = (path for path in paths if os.path.lexists(path))
        try:
            return {_shown(self.project, path): self._digest(path) for path in there}
        except NotAFileError as error:
            raise not_a_file(_shown(self.project, Path(error.filename)), error.what) from None

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = sha256(path)
        return self._digests[path]


def require_same(before: Inputs, now: Inputs) -> None:
    """Raise ChangedError if an input changed between the two: what was built meanwhile may mix old and new."""
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        named = ", ".join(changed[:5]) + (" và tệp khác" if len(changed) > 5 else "")
        raise ChangedError(f"{named} thay đổi trong lúc lập. Hãy chạy lại; báo cáo cũ còn nguyên.")


# ---------------------------------------------------------------- asked before the command line is imported


def nothing_to_do(project: Project, arguments: list[str]) -> str | None:
    """What build.py says if every document that this command line names is current; None if there may be work.

    Only plain calls of `report`, `trends` and `profile` are understood; whatever else is asked is for the command line.
    """
    try:
        return _nothing_to_do(project, arguments)
    except (OSError, SettingsError):
        return None  # the command line says it better


def _nothing_to_do(project: Project, arguments: list[str]) -> str | None:
    command, *rest = arguments or ["report"]
    years, edition, every = [], "public", False
    words = iter(rest)
    for word in words:
        if word.isascii() and word.isdigit() and len(word) == 4:
            years.append(int(word))
        elif word == "--edition" and command != "profile":
            edition = next(words, "")
        elif word == "--all" and command == "report":
            every = True
        else:
            return None
    sources = Sources(project)
    if command == "report" and edition in ("public", "internal"):
        there = project.years_with_returns()
        chosen = there if every else list(dict.fromkeys(years)) or there[-1:]
        done = chosen and all(
            _stands(sources.report(year, edition)) and _shows_figures(project, year, edition) for year in chosen
        )
        return "\n".join(report_is_current(project, year, edition) for year in chosen) if done else None
    if command == "trends" and edition in ("public", "internal") and not years:
        return trends_are_current(project, edition) if _stands(sources.trends(edition)) else None
    if command == "profile" and len(years) == 1:
        wanted = sources.profiles(years[0])
        if wanted and all(map(_stands, wanted)):
            return profiles_are_there(project, years[0], 0, len(wanted), project.profiles(years[0]))
    return None


def _stands(wanted: Wanted) -> bool:
    """Whether it is current, and nothing lies beside it that a killed run left."""
    return wanted.is_current() and not wanted.failed.exists() and not is_torn(wanted.folder)


def _shows_figures(project: Project, year: int, edition: str) -> bool:
    shown, made = project.figures(year), project.report(year, edition) / "figures"
    return edition != "public" or (digests(shown) == digests(made) and not is_torn(shown))


def digests(folder: Path) -> Inputs:
    """sha256 of the files in a folder, by name; none where there is no folder."""
    return {path.name: sha256(path) for path in folder.iterdir() if _is_file(path)} if folder.is_dir() else {}


def report_is_current(project: Project, year: int, edition: str) -> str:
    return f"Báo cáo năm {year} đã mới nhất: {project.relative(project.report(year, edition))}"


def trends_are_current(project: Project, edition: str) -> str:
    return f"Tài liệu diễn biến đã mới nhất: {project.relative(project.trends(edition))}"


def profiles_are_there(project: Project, year: int, fresh: int, current: int, where: Path) -> str:
    return f"Hồ sơ đơn vị năm {year}: lập {fresh}, {current} đã mới nhất: {project.relative(where)}"


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _below(folder: Path) -> list[Path]:
    return [path for path in files_below(folder) if not ignored(path)] if folder.is_dir() else []


def _loaded() -> Iterator[tuple[Path, str]]:
    for path in _below(PACKAGE):
        with suppress(OSError):  # told when it is asked for
            yield path, sha256(path)


_LOADED = dict(_loaded())


def _shown(project: Project, path: Path) -> str:
    """danvan's own files as 'danvan/...', wherever the package lies."""
    return path.relative_to(PACKAGE.parent).as_posix() if path.is_relative_to(PACKAGE) else project.relative(path)
