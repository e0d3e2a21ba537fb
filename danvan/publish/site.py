"""Writes the archive: an index of all that may be shared, a page for each change, a feed. Public editions alone.

Everything stands in files with relative links, so the folder works from a share, a USB stick or a web server. What is
listed is known by its sha256, and nothing else is linked, copied or served.
"""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup

from danvan import archive
from danvan.approval import APPROVAL
from danvan.archive import REVISION, TRACE, Kept
from danvan.errors import ChangedError, SettingsError
from danvan.freshness import MANIFEST
from danvan.paths import Project
from danvan.publish import pages
from danvan.store import sha256, swapped_in, write_atomic

TITLE = "Kho báo cáo phối hợp công tác dân vận"
SUMS = "SHA256SUMS"  # in a shared folder: what it holds, as sha256sum writes it
FEED_ID = "urn:uuid:0c1a1b5e-5f0c-5d3c-9a57-6d1f0f1d8a52"  # of this archive, for good
_ATOM = "http://www.w3.org/2005/Atom"
_FORMATS = {  # what readers open first stands first
    ".html": "Trang web (HTML)",
    ".pdf": "PDF",
    ".docx": "Word (DOCX)",
    ".xlsx": "Bảng tính (XLSX)",
    ".csv": "Bảng số liệu (CSV)",
    ".ipynb": "Sổ Jupyter đã chạy",
    TRACE: "Dấu vết của từng con số (JSON)",
    MANIFEST: "Tờ khai (JSON)",
    REVISION: "Thay đổi so với ấn bản trước (JSON)",
    APPROVAL: "Phê duyệt (JSON)",
}


@dataclass(frozen=True)
class File:
    """A file of a document: where it lies from the index, its bytes, its digest, what it is."""

    href: str
    name: str
    size: int
    sha256: str
    format: str

    @property
    def in_folder(self) -> bool:
        """Whether it is a part of the document that lies apart, as charts do."""
        return "/" in self.name

    @property
    def size_told(self) -> str:
        """'872 KB', '1,2 MB'; a megabyte has 1.000 KB of 1.000 bytes."""
        if self.size < 999_500:
            return f"{max(1, round(self.size / 1000))} KB"
        return f"{self.size / 1_000_000:.1f} MB".replace(".", ",")


@dataclass(frozen=True)
class Shown:
    """A document as the index shows it. `after`: the number of the edition that took its place, or 0."""

    kept: Kept
    path: str  # of its folder from the index
    after: int = 0
    change: str = ""  # the page that tells what changed, from the index

    @property
    def number(self) -> int:
        return self.kept.number

    @property
    def id(self) -> str:
        return self.path.replace("/editions", "").replace("/", "-")

    @property
    def marks(self) -> list[str]:
        return list(self.kept.meta["marks"])

    @property
    def title(self) -> str:
        return str(self.kept.meta["title"])

    @property
    def revision(self) -> dict[str, Any] | None:
        return self.kept.revision

    @cached_property
    def files(self) -> list[File]:
        """Those for reading first, charts last."""
        order = list(_FORMATS)

        def rank(file: File) -> tuple[bool, int, str]:
            kind = file.name if file.name in _FORMATS else PurePosixPath(file.name).suffix
            return file.in_folder, order.index(kind) if kind in order else len(order), file.name

        return sorted((self._file(*item) for item in self.kept.files.items()), key=rank)

    @property
    def page(self) -> str:
        """Where the document itself is read."""
        return next(file.href for file in self.files if file.name.endswith(".html"))

    def _file(self, name: str, digest: str) -> File:
        suffix = PurePosixPath(name).suffix
        format_ = _FORMATS.get(name) or _FORMATS.get(suffix) or suffix[1:].upper()
        size = (self.kept.folder / name).stat().st_size
        return File(quote(f"{self.path}/{name}"), name, size, digest, format_)


@dataclass(frozen=True)
class Year:
    """A year's editions, the newest first, and the working build where it is another document."""

    year: int
    editions: tuple[Shown, ...]
    working: Shown | None

    @property
    def newest(self) -> Shown:
        """What the figures of this year are taken from: the last edition, else the working build."""
        found = self.editions[0] if self.editions else self.working
        assert found
        return found

    @property
    def all(self) -> tuple[Shown, ...]:
        return (*self.editions, *((self.working,) if self.working else ()))


@dataclass(frozen=True)
class Value:
    text: str
    illustrative: bool


@dataclass
class Row:
    """An indicator over the years: the city's figures. `words`: what it is found by, without diacritics."""

    id: str
    name: str
    measured_in: str
    values: dict[int, Value] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    @property
    def words(self) -> str:
        return folded(" ".join((*sorted(self.names), self.measured_in, self.id)))


@dataclass(frozen=True)
class Site:
    """The pages, by their place from reports/, and the digests of the files that they list."""

    pages: Mapping[str, bytes]
    files: Mapping[str, str]


# ---------------------------------------------------------------- what comes in and out


def make(project: Project) -> Site:
    """The archive as it would be written now.

    Raises RefusedError where an edition is not what was published, StageError where a build cannot be read.
    """
    years = [year for number in reversed(archive.years(project)) if (year := _year(project, number))]
    kept = archive.trends(project, "public")
    trends = Shown(kept, "trends/public") if kept and not any(kept.altered()) else None
    made = {PurePosixPath(project.site.name).as_posix(): _index(years, trends)}
    shown = [one for year in years for one in year.all]
    for one in shown:
        if one.change:
            made[one.change] = _change(one)
    if feed := _feed([one for year in years for one in year.editions]):
        made[project.feed.name] = feed
    files = {
        f"{one.path}/{name}": digest
        for one in (*shown, *([trends] if trends else ()))
        for name, digest in one.kept.files.items()
    }
    return Site({name: made[name] for name in sorted(made)}, {name: files[name] for name in sorted(files)})


def write(project: Project) -> Site:
    """Write the archive's own pages into reports/, beside the documents that they list. Raises as `make` does."""
    site = make(project)
    for name in sorted(site.pages, key=lambda name: name == project.site.name):  # the index last: it links the others
        write_atomic(project.reports / name, site.pages[name])
    return site


def copy(project: Project, site: Site, folder: Path) -> None:
    """Put what the index lists, and nothing else, into a folder to be shared, whole.

    Raises SettingsError where the folder holds anything else, or lies in the way; ChangedError where a file is no
    longer what the index says.
    """
    folder = folder.resolve()
    _require_ours(project, folder)
    with swapped_in(folder) as new:
        sums = []
        for name, digest in site.files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project.reports / name, new / name)
            if sha256(new / name) != digest:
                raise ChangedError(f"{name} thay đổi trong lúc chép. Hãy chạy lại; thư mục cũ còn nguyên.")
            sums.append(f"{digest}  {name}")
        for name, content in site.pages.items():
            write_atomic(new / name, content)
            sums.append(f"{sha256(new / name)}  {name}")
        write_atomic(new / SUMS, ("\n".join(sums) + "\n").encode())


def _require_ours(project: Project, folder: Path) -> None:
    if folder == project.root or folder in project.root.parents or folder.is_relative_to(project.reports.resolve()):
        raise SettingsError(
            f"Không chép kho báo cáo vào {folder.name} được: hãy chọn một thư mục riêng, ngoài reports."
        )
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SettingsError(f"{folder.name} là một tệp. Hãy chọn một thư mục.")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    try:
        ours = {line[66:] for line in (folder / SUMS).read_text(encoding="utf-8").splitlines()} | {SUMS}
    except (OSError, ValueError):
        ours = set()
    if others := sorted(there - ours):
        named = ", ".join(others[:3]) + (" ..." if len(others) > 3 else "")
        raise SettingsError(
            f"Thư mục {folder.name} có tệp không phải của kho báo cáo: {named}. Thư mục sẽ được thay cả, nên hãy chọn "
            "thư mục mới, hoặc chuyển các tệp ấy đi."
        )


def _year(project: Project, year: int) -> Year | None:
    found = archive.editions(project, year, "public")
    archive.require_untouched(found)
    editions = []
    for one in reversed(found):
        path = project.published(year, "public", one.number).relative_to(project.reports).as_posix()
        change = project.changes(year, "public", one.number).relative_to(project.reports).as_posix()
        after = one.number + 1 if one.number < len(found) else 0
        editions.append(Shown(one, path, after, change if one.revision else ""))
    build = archive.working(project, year, "public")
    same = build and found and build.manifest["outputs"] == found[-1].manifest["outputs"]
    whole = build and not same and not any(build.altered())  # one that is not is made anew by `report`
    working = Shown(build, f"{year}/public") if build and whole else None
    return Year(year, tuple(editions), working) if editions or working else None


# ---------------------------------------------------------------- the pages


def _index(years: list[Year], trends: Shown | None) -> bytes:
    rows = _rows(years)
    data = json.dumps({row.id: row.words for row in rows}, ensure_ascii=False, separators=(",", ":"))
    shown = list(reversed(years))
    documents = [one for year in years for one in year.all] + ([trends] if trends else [])
    return _render(
        "site.html.j2",
        title=TITLE,
        script=pages.text("site.js"),
        years=years,
        trends=trends,
        rows=rows,
        columns=shown,
        words=json_markup(data),
        marked=any(one.marks for one in documents),
        feed="feed.xml" if any(year.editions for year in years) else "",
    )


def _change(one: Shown) -> bytes:
    assert one.revision
    year = one.kept.manifest["parameters"]["year"]
    return _render(
        "change.html.j2",
        title=f"Báo cáo năm {year}: thay đổi của ấn bản {one.number:02d}",
        script="",
        year=year,
        one=one,
        revision=one.revision,
        up="../" * one.change.count("/"),
    )


def _render(template: str, *, script: str, **values: Any) -> bytes:
    style = pages.text("screen.css", "site.css")
    policy = f"default-src 'none'; style-src {pages.allowed(style)}"
    policy += f"; script-src {pages.allowed(script)}" if script else ""
    policy += "; base-uri 'none'; form-action 'none'"
    text = _environment().get_template(template).render(style=style, policy=policy, script=script, **values)
    return unicodedata.normalize("NFC", text).encode()


def _rows(years: list[Year]) -> list[Row]:
    """The city's figures of all years, from what each year's newest document says of itself; in its order."""
    rows: dict[str, Row] = {}
    for year in years:
        results = year.newest.kept.trace["results"]
        own = {key: result for key, result in results.items() if key.endswith(f"@{year.year}/total")}
        printed = dict.fromkeys(key for item in year.newest.kept.trace["printed"] for key in item["results"])
        for key in printed:
            if result := own.get(key):
                code = result["indicator"]
                row = rows.setdefault(code, Row(code, result["name"], result["measured_in"]))
                row.values[year.year] = Value(result["text"] or "–", result["provenance"] == "illustrative")
                row.names.add(result["name"])
    return list(rows.values())


def _feed(editions: list[Shown]) -> bytes | None:
    """An entry for each public edition; None where there is none, for a feed has to have a date."""
    if not editions:
        return None
    ET.register_namespace("", _ATOM)
    feed = ET.Element(f"{{{_ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "vi"})
    entries = sorted(editions, key=lambda one: (_moment(one), one.path), reverse=True)
    _add(feed, "title", TITLE)
    _add(feed, "id", FEED_ID)
    _add(feed, "updated", _moment(entries[0]))
    author = _add(feed, "author")
    _add(author, "name", ", ".join(entries[0].kept.meta["authors"]))
    _add(feed, "link", rel="self", type="application/atom+xml", href="feed.xml")
    _add(feed, "link", rel="alternate", type="text/html", href="index.html")
    for one in entries:
        entry = _add(feed, "entry")
        number = f" (ấn bản {one.number:02d})"
        _add(entry, "title", one.title + number)
        _add(entry, "id", f"urn:sha256:{one.kept.files[MANIFEST]}")
        _add(entry, "updated", _moment(one))
        _add(entry, "link", rel="alternate", type="text/html", href=one.page)
        if one.change:
            _add(entry, "link", rel="related", type="text/html", href=one.change, title="Thay đổi so với ấn bản trước")
        _add(entry, "summary", " ".join(_summary(one)))
    ET.indent(feed)
    text: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _summary(one: Shown) -> Iterable[str]:
    yield from one.marks
    if not one.kept.meta.get("date"):
        yield "Tài liệu chưa ghi ngày; ngày ghi ở đây là ngày cuối năm báo cáo."
    if one.revision:
        yield f"Thay ấn bản {one.number - 1:02d}: {counted(one.revision)}. Lý do: {one.revision['reason']}"


def _moment(one: Shown) -> str:
    """The document's own date; where it has none, the last day of the year that it is about. Never the clock."""
    day = one.kept.meta.get("date") or f"{one.kept.manifest['parameters']['year']}-12-31"
    return f"{day}T00:00:00+07:00"


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = _printable(text) or None
    return element


def _printable(text: str) -> str:
    """Without what XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


# ---------------------------------------------------------------- for the templates


def folded(text: str) -> str:
    """Lower case without diacritics, as the script folds what a reader types: 'Đã nhận' -> 'da nhan'."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return plain.replace("đ", "d")


def json_markup(text: str) -> Markup:
    """JSON for a script element of type application/json: nothing in it can end the element or begin a comment."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def counted(revision: Mapping[str, Any]) -> str:
    """'12 con số đổi', or that it is the words alone."""
    count = len(revision["figures"])
    if count:
        return f"{count} con số đổi" + (", câu chữ có sửa" if revision["prose"] else "")
    return "không con số nào đổi, chỉ sửa câu chữ hoặc cách trình bày"


def day(text: str | None) -> str:
    """'2024-01-15' -> '15/01/2024'."""
    return "/".join(reversed(text.split("-"))) if text else ""


def causes(listed: Iterable[Mapping[str, str]]) -> str:
    """Causes as a sentence."""
    text = "; ".join(cause["text"] for cause in listed)
    return text[:1].upper() + text[1:]


@cache
def _environment() -> Environment:
    return pages.environment(counted=counted, day=day, causes=causes)
