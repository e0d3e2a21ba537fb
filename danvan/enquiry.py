"""A figure is asked for: the builds that have it, newest first, and whether the files behind it are what they were."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from danvan import archive, explanation
from danvan.archive import TRACE, Kept, tampered
from danvan.errors import SettingsError, StageError
from danvan.explanation import Explanation
from danvan.freshness import MANIFEST
from danvan.paths import Project
from danvan.retrace import EDITIONS
from danvan.store import sha256

MANY = 4  # results that one figure may be, before they are listed instead of being explained one by one
_EDITION = re.compile(r"(public|internal)(?:-(\d{2,}))?")


@dataclass(frozen=True)
class Answer:
    """What was found in one build: which (`about` are lines of it), the ways back of all results that are meant, the
    state today of each file behind them, and the years whose builds have it, too.
    """

    asked: str
    about: tuple[tuple[str, str], ...]
    found: tuple[Explanation, ...]
    today: dict[str, str]
    others: tuple[int, ...]


def ask(project: Project, asked: str, *, year: int | None = None, edition: str = "public") -> Answer:
    """The way back of a figure: from the newest year that has it, or from `year`; there from the newest edition of the
    kind, else from the working build, else from the edition that is named ('public-02').

    Raises SettingsError where it is nowhere (with the nearest that there are), or where nothing was built;
    RefusedError, StageError where what lies there is not what its manifest says.
    """
    kind, number = _edition(edition)
    builds = list(_builds(project, kind, number, year))
    if not builds:
        which = f"ấn bản {edition}" if number else f"báo cáo {EDITIONS[kind]} nào"
        when = f" của năm {year}" if year else ""
        raise SettingsError(
            f"Chưa có {which}{when} để tra. Hãy lập trước: build.py report{f' {year}' if year else ''}"
            + (" --edition internal." if kind == "internal" else ".")
        )
    having = [(kept, keys) for kept in builds if (keys := explanation.find(_trace(kept), asked))]
    if not having:
        raise SettingsError(_nothing(builds, asked))
    kept, keys = having[0]
    found = tuple(explanation.explain(kept.trace, key) for key in keys)
    files = {file: digest for one in found for file, digest in one.files.items()}
    return Answer(
        asked,
        tuple(_about(project, kept)),
        found,
        {file: _today(project, file, digest) for file, digest in files.items()},
        tuple(int(other.trace["year"]) for other, _ in having[1:]),
    )


def _edition(edition: str) -> tuple[str, int]:
    found = _EDITION.fullmatch(edition)
    if not found:
        raise SettingsError(
            f"--edition không nhận “{edition}”. Ghi public, internal, hoặc tên một ấn bản đã công bố như public-02."
        )
    return found[1], int(found[2] or 0)


def _builds(project: Project, kind: str, number: int, year: int | None) -> Iterator[Kept]:
    """Of each year the build that is asked; the newest year first."""
    for one in reversed(archive.years(project)) if year is None else [year]:
        editions = archive.editions(project, one, kind)
        if number:
            yield from (kept for kept in editions if kept.number == number)
        elif build := editions[-1] if editions else archive.working(project, one, kind):
            yield build


def _trace(kept: Kept) -> explanation.Trace:
    """The trace, if it is what the manifest says."""
    if sha256(kept.folder / TRACE) != kept.manifest["outputs"].get(TRACE):
        if kept.number:
            raise tampered(kept, TRACE)
        raise StageError(
            f"{TRACE} của bản làm việc {kept.folder.parent.name}/{kept.name} bị sửa sau khi lập. Hãy lập lại: "
            f"build.py report {kept.folder.parent.name} --force."
        )
    return kept.trace


def _about(project: Project, kept: Kept) -> Iterator[tuple[str, str]]:
    state = f"ấn bản {kept.name} đã công bố" if kept.number else "bản làm việc, dự thảo"
    yield "Tra trong", f"{project.relative(kept.folder)} ({state}; {EDITIONS[kept.edition]})"
    for name, digest in kept.manifest["inputs"].items():
        if name.startswith("notebooks/"):
            yield "Sổ", f"{name} {digest} ({_today(project, name, digest)})"
    if illustrative := kept.trace.get("illustrative"):
        yield "Lưu ý", illustrative
    yield "Tờ khai", f"{MANIFEST} {sha256(kept.folder / MANIFEST)}"
    yield from explanation.tools(kept.manifest)


def _today(project: Project, file: str, digest: str) -> str:
    """Whether a file is still what the figure was made of."""
    path = project.root / file
    if not path.is_file():
        return "không còn"
    if not digest:
        return "không rõ"
    return "còn nguyên" if sha256(path) == digest else "đã đổi"


def _nothing(builds: list[Kept], asked: str) -> str:
    """That it is nowhere, and what may have been meant."""
    where = "; ".join(f"năm {kept.trace['year']}: {kept.name}" for kept in builds)
    words = [f"Không tìm thấy “{asked}” trong các bản đã lập ({where})."]
    if ours := explanation.vietnamese(asked):
        there = any(explanation.find(kept.trace, ours) for kept in builds)
        words.append(
            f"Báo cáo viết số theo kiểu Việt Nam (dấu chấm ngăn hàng nghìn, dấu phẩy thập phân): “{ours}”"
            + (f"; hãy gọi build.py explain {ours}." if there else ".")
        )
    near = dict.fromkeys(text for kept in builds[:2] for text in explanation.nearest(kept.trace, ours or asked))
    if near:
        words.append(f"Gần nhất có: {', '.join(f'“{text}”' for text in list(near)[:6])}.")
    words.append(
        "Nhận con số như in trong báo cáo, mã chỉ tiêu, mã kết quả, tên dấu trang Word (so_0012), tên chỉ tiêu."
    )
    return " ".join(words)
