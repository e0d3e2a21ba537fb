"""A Word file that was sent out comes back: which build it is of, what was changed in it, what may be taken over.

Nothing is taken over unless the analyst says so, and a figure that was altered by hand never: the data say what it is.
Who changed or remarked something is written nowhere.
"""

from __future__ import annotations

import difflib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from danvan import prose
from danvan.errors import RefusedError, SettingsError, not_a_file
from danvan.freshness import MANIFEST
from danvan.guard import locked, told_of_disk
from danvan.loading import load_yaml
from danvan.params import YearParams, load_params
from danvan.paths import Project
from danvan.publish import reread, retold
from danvan.publish.differences import Differences, differences, tokens
from danvan.publish.reread import Reading
from danvan.publish.sources import Sources
from danvan.publish.suggestions import Suggested, Suggestion, suggest
from danvan.store import NotAFileError, read_file, sha256, write_atomic

REPORT, PATCH, SHOWN = "so-sanh.txt", "de-xuat.patch", "de-xuat.json"


@dataclass(frozen=True)
class Compared:
    """What came of a comparison. `text` is for the analyst; `altered`: whether figures were altered or deleted."""

    folder: Path
    text: str
    altered: bool
    found: Differences
    suggestions: tuple[Suggestion, ...]


def compare(project: Project, file: Path, *, year: int | None = None, out: Path | None = None) -> Compared:
    """Compare an edited Word file with the build that it was made from; writes what was found to `out`.

    `year` and `out` may be left open. Raises SettingsError where the file cannot be read or belongs to no build.
    """
    with told_of_disk(project):
        work = _Work(project, file, year)
        folder = out or work.out
        heading = f"So sánh {file.name} với {project.relative(work.original)}"
        text = "\n".join([heading, *retold.lines(work.found, work.suggested, work.suggestions, work.trace)]) + "\n"
        write_atomic(folder / REPORT, text.encode())
        write_atomic(folder / PATCH, "".join(_patch(work)).encode())
        write_atomic(folder / SHOWN, (json.dumps(work.inputs, indent=1) + "\n").encode())
    altered = any(change.is_figure and change.kind in ("altered", "deleted") for change in work.found.figures)
    return Compared(folder, text, altered, work.found, work.suggestions)


def accept(
    project: Project, file: Path, chosen: str, *, year: int | None = None, out: Path | None = None
) -> list[tuple[int, Suggestion]]:
    """Write the chosen suggestions ('1,3' or 'all') of the last comparison into notebook and params; gives them.

    Raises RefusedError, with nothing written, where a suggestion cannot be accepted, or where the Word file, notebook
    or params are no longer those that were compared; SettingsError for numbers that there are not.
    """
    with told_of_disk(project), locked(project):
        work = _Work(project, file, year)
        before = (out or work.out) / SHOWN
        if not before.is_file():
            raise RefusedError("Chưa so sánh tệp này. Chạy build.py compare TỆP, xem các đề xuất rồi mới nhận.")
        if json.loads(before.read_bytes()) != work.inputs:
            raise RefusedError(
                "Tệp Word, sổ hoặc params đã thay đổi từ lần so sánh trước nên các đề xuất không còn đúng. "
                "Chạy lại build.py compare TỆP, xem lại các đề xuất rồi nhận."
            )
        wanted = _chosen(chosen, work.suggestions)
        sources = work.sources.with_([splice for _, one in wanted for splice in one.splices])
        work.check(sources)
        if sources.notebook != work.sources.notebook:
            write_atomic(work.notebook, sources.notebook.encode())
        if sources.params != work.sources.params and work.params:
            write_atomic(work.params, sources.params.encode())
    return wanted


def _chosen(chosen: str, suggestions: Sequence[Suggestion]) -> list[tuple[int, Suggestion]]:
    numbered = dict(enumerate(suggestions, start=1))
    if chosen.strip() == "all":
        return [(number, one) for number, one in numbered.items() if not one.problem]
    if not re.fullmatch(r"\s*\d+(\s*,\s*\d+)*\s*", chosen, re.ASCII):
        raise SettingsError("--accept nhận số thứ tự các đề xuất, ví dụ --accept 1,3, hoặc --accept all.")
    wanted = sorted({int(number) for number in chosen.split(",")})
    if unknown := [str(number) for number in wanted if number not in numbered]:
        raise SettingsError(f"Không có đề xuất số {', '.join(unknown)}; lần so sánh trước có {len(numbered)} đề xuất.")
    if wrong := [f"Đề xuất {n} không nhận được: {numbered[n].problem}." for n in wanted if numbered[n].problem]:
        raise RefusedError("\n".join([*wrong, "Chưa ghi gì. Bỏ các số ấy khỏi --accept rồi chạy lại."]))
    return [(number, numbered[number]) for number in wanted]


# ---------------------------------------------------------------- the build that it was made from


class _Work:
    """One comparison: the files it reads, what it finds."""

    def __init__(self, project: Project, file: Path, year: int | None) -> None:
        self.project, self.file = project, file
        theirs = reread.read(file)
        self.original, ours = _build_of(project, theirs, year)
        self.trace: dict[str, Any] = json.loads((self.original.parent / "trace.json").read_bytes())
        parts = self.original.relative_to(project.reports).parts
        is_trends, is_profile = parts[0] == "trends", parts[1] == "profiles"
        self.notebook = (
            project.trends_notebook
            if is_trends
            else project.profile_notebook
            if is_profile
            else project.report_notebook
        )
        params = project.params(int(parts[0])) if parts[0].isdecimal() and not is_profile else None
        self.params = params if params and params.is_file() else None
        if self.params:
            load_params(project, int(parts[0]))  # says what is wrong in it, with its line
        self.out = project.reports / parts[0] / "compare"
        self.sources = Sources(_text(project, self.notebook), _text(project, self.params) if self.params else "")
        try:
            self.sources.cells  # noqa: B018
        except (ValueError, KeyError, TypeError):
            shown = project.relative(self.notebook)
            raise SettingsError(f"{shown}: không phải sổ Jupyter. Hãy lấy lại bản trước của sổ.") from None
        files = [file, self.original, self.notebook, *([self.params] if self.params else [])]
        self.inputs = dict(zip(("word", "build", "notebook", "params"), map(sha256, files), strict=False))
        self.found = differences(ours, theirs)
        expressions = {item["name"]: item["expression"] for item in self.trace["printed"] if "expression" in item}
        known = {name: texts[0] for name, texts in ours.figures().items()}
        paragraphs = [tokens(paragraph.pieces, known) for paragraph in ours.paragraphs()]
        self.suggested: Suggested = suggest(self.found, paragraphs, self.sources, expressions)
        self.suggestions = tuple(self._without_overlap(self.suggested.suggestions))

    def _without_overlap(self, suggestions: Iterable[Suggestion]) -> Iterator[Suggestion]:
        """The suggestions, each of which can be accepted together with those before."""
        taken: list[Any] = []
        for one in suggestions:
            try:
                self.sources.with_([*taken, *one.splices])
            except ValueError:
                yield replace(one, splices=(), problem="đụng vào cùng chỗ với một đề xuất khác; hãy sửa tay")
                continue
            taken += one.splices
            yield one

    def check(self, sources: Sources) -> None:
        """Raises RefusedError if notebook or params would then have what must not stand there."""
        for number, cell in enumerate(sources.cells):
            source = sources.source(number)
            is_new = cell["cell_type"] == "markdown" and source != self.sources.source(number)
            if is_new and (wrong := prose.problems(source)):
                raise RefusedError(f"Các đề xuất này không nhận cùng lúc được: {' '.join(wrong)} Chưa ghi gì.")
        if self.params and sources.params != self.sources.params:
            with tempfile.TemporaryDirectory() as folder:
                trial = Path(folder, self.params.name)
                trial.write_bytes(sources.params.encode())
                load_yaml(trial, self.project.relative(self.params), YearParams)


def _text(project: Project, path: Path) -> str:
    try:
        return read_file(path).decode()
    except FileNotFoundError:
        raise SettingsError(f"Thiếu tệp {project.relative(path)}. Hãy lấy lại tệp này rồi chạy lại.") from None
    except NotAFileError as error:
        raise not_a_file(project.relative(path), error.what) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{project.relative(path)}: không phải UTF-8. Hãy lưu lại tệp với bảng mã UTF-8.") from None


def _build_of(project: Project, theirs: Reading, year: int | None) -> tuple[Path, Reading]:
    """Our own Word file that the other one was made from.

    By the build it names; where some program dropped that, by its figures. Raises SettingsError.
    """
    where = f"reports/{year}" if year else "reports"
    builds, written_over = _builds(project, year)
    if not (builds or written_over):
        raise SettingsError(
            f"Trong {where} chưa có bản lập nào kèm tệp Word. Hãy lập báo cáo trước: build.py report NĂM"
        )
    if theirs.build:
        for word in builds:
            if reread.build_of(word) == theirs.build:
                return word, reread.read(word)
        for word in written_over:
            if reread.build_of(word) == theirs.build:
                raise SettingsError(
                    f"{project.relative(word)} đã bị sửa ngay trong thư mục bản lập nên không còn bản gốc để so. Chép "
                    "tệp đã sửa ra chỗ khác, chạy lại build.py report NĂM để có lại bản gốc, rồi so sánh tệp đã chép."
                )
        raise SettingsError(
            f"Tệp Word này làm từ bản lập {theirs.build}, không còn trong {where}: báo cáo đã được lập lại từ đó. "
            "Lấy lại thư mục của bản ấy (bản đã phát hành nằm trong reports/NĂM/editions), hoặc lấy lại đúng dữ liệu, "
            "params và sổ lúc ấy rồi lập lại, sau đó chạy lại lệnh này."
        )
    given = {name: texts[0] for name, texts in theirs.figures().items()}
    scored: list[tuple[float, Path, Reading]] = []
    for word in builds:
        ours = reread.read(word)
        known = ours.figures()
        same = sum(given.get(name) == texts[0] for name, texts in known.items())
        scored.append((same / max(1, len(known), len(given)), word, ours))
    scored.sort(key=lambda one: -one[0])
    if not scored or scored[0][0] < _SURE:
        raise SettingsError(
            "Không nhận ra tệp Word này làm từ bản lập nào: tệp không còn mã bản lập, hoặc không phải báo cáo do "
            "chương trình lập. Hãy sửa trên một bản chép của tệp .docx trong reports, lưu dạng Word Document (.docx)."
        )
    best, word, ours = scored[0]
    rivals = {other.build for score, _, other in scored if score == best}
    if len(rivals) > 1:
        raise SettingsError(
            "Tệp Word này không còn mã bản lập và giống như nhau nhiều bản: "
            + ", ".join(project.relative(one.parent) for score, one, _ in scored if score == best)
            + ". Thêm --year NĂM, hoặc chuyển các bản không dùng ra khỏi reports rồi chạy lại."
        )
    return word, ours


def _builds(project: Project, year: int | None) -> tuple[list[Path], list[Path]]:
    """The Word files of all builds: those that are as they were built, and those that somebody has written over."""
    below = project.reports / str(year) if year else project.reports
    builds: list[Path] = []
    written_over: list[Path] = []
    for trace in sorted(below.rglob("trace.json")):
        folder = trace.parent
        if any(part.startswith(".") for part in folder.relative_to(project.reports).parts):
            continue  # half-built
        try:
            outputs = json.loads((folder / MANIFEST).read_bytes())["outputs"]
        except (OSError, ValueError, KeyError):
            continue  # no build
        for word in sorted(folder.glob("*.docx")):
            if word.name in outputs:
                (builds if sha256(word) == outputs[word.name] else written_over).append(word)
    return builds, written_over


_SURE = 0.5  # of the figures: a Word file that shares fewer of them with a build was not made from it


# ---------------------------------------------------------------- the patch


def _patch(work: _Work) -> Iterator[str]:
    """All that can be accepted, as a unified diff of notebook and params."""
    done = work.sources.with_([splice for one in work.suggestions for splice in one.splices])
    files = ((work.notebook, work.sources.notebook, done.notebook), (work.params, work.sources.params, done.params))
    for path, old, new in files:
        if path is not None and old != new:
            name = work.project.relative(path)
            for line in difflib.unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}"):
                yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)
