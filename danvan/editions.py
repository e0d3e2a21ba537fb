"""The release gate: a draft is approved by its hash, and published: frozen as an edition that nothing overwrites, a
changed one only with its reason."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from danvan import approval, archive, preserved
from danvan.approval import APPROVAL, Approval
from danvan.archive import REVISION, Kept
from danvan.errors import ChangedError, DanvanError, RefusedError, SettingsError, nearest
from danvan.freshness import MANIFEST, Sources
from danvan.guard import locked, told_of_disk
from danvan.paths import Project
from danvan.revision import Difference, Figure, changed_files, compare, given_away
from danvan.store import repair, sha256, swapped_in

if TYPE_CHECKING:
    from danvan.disclosure import Edition
    from danvan.publish.site import Site

SHOWN = 20  # changed figures told on the terminal; the revision holds all
_LONGEST = 500  # letters of a reason


@dataclass(frozen=True)
class Published:
    """What `publish` came to: the edition that holds the working build; whether it was made just now; what changed,
    a line each."""

    folder: Path
    fresh: bool
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """How far the public report of a year has come. `hash`: of the working build, '' where there is none; `edition`:
    the last one's name, or ''; `approval`: of just this build.
    """

    stage: Literal["none", "draft", "approved", "published"]
    hash: str = ""
    edition: str = ""
    approval: Approval | None = None


def release(project: Project, year: int) -> Release:
    """Where the public report of a year stands, as its files say. Raises RefusedError, StageError for broken ones."""
    build, found = archive.working(project, year, "public"), archive.editions(project, year, "public")
    last = found[-1] if found else None
    edition = last.name if last else ""
    if build is None:
        return Release("published" if last else "none", edition=edition)
    if last and not changed_files(last.manifest, build.manifest):
        return Release("published", build.hash, edition, last.approval)
    given = approval.read(project.approval(year, "public"))
    if given is None or given.build != build.hash:
        return Release("draft", build.hash, edition)
    return Release("approved", build.hash, edition, given)


def released(project: Project, year: int) -> str:
    """How far the public report has come, in one sentence; '' where there is none."""
    try:
        now = release(project, year)
    except DanvanError as error:
        return str(error)
    build = f"Bản công khai năm {year}, mã {now.hash[: approval.LEAST]}:"
    match now.stage, now.approval:
        case "draft", _:
            return f"{build} dự thảo, chưa được duyệt."
        case "approved", Approval(office=office, day=day):
            return f"{build} đã được {office} duyệt ngày {day}, chưa công bố."
        case "published", _ if now.hash:
            return f"{build} đã công bố là ấn bản {now.edition}."
    return ""


def approve(
    project: Project,
    year: int,
    office: str,
    named: str,
    today: date,
    *,
    reason: str | None = None,
    scheduled: bool = False,
) -> Approval:
    """Note that an office approves the public working build of that hash, given by its first digits or whole.

    Whatever changes in the build makes another hash, so it voids the approval. `reason`, `scheduled`: as for
    `publish`, which takes them from here. Raises SettingsError (no current build; not an office of the year; no hash),
    RefusedError (the build is another one), LockedError, StageError.
    """
    from danvan.params import load_params

    why = _reason(reason, scheduled=scheduled)
    with told_of_disk(project), locked(project):
        bodies = [body.name for body in load_params(project, year).bodies]
        if (office := unicodedata.normalize("NFC", office).strip()) not in bodies:
            raise SettingsError(
                f"“{office}” không phải cơ quan ban hành báo cáo năm {year}; chỉ nhận: {', '.join(bodies)} "
                f"({project.relative(project.params(year))}).{nearest(office, bodies)}"
            )
        build = _current_build(project, year, "public")
        digits = named.strip().lower()
        if len(digits) < approval.LEAST or not set(digits) <= set("0123456789abcdef"):
            raise SettingsError(
                f"--hash phải là mã của đúng bản đã xem, ít nhất {approval.LEAST} chữ số đầu. "
                f"Bản đang có: {project.relative(build.folder)}, mã {build.hash}. Hãy xem bản ấy rồi ghi mã này."
            )
        if not build.hash.startswith(digits):
            raise RefusedError(
                f"Bản đang có mã {build.hash}, không phải {digits}: đã có thay đổi sau khi xem. "
                f"Hãy xem lại {project.relative(build.folder)} rồi duyệt đúng mã của nó."
            )
        given = Approval(office, build.hash, today.isoformat(), why, scheduled)
        approval.write(project.approval(year, "public"), given)
    return given


def publish(
    project: Project, year: int, edition: Edition, *, reason: str | None = None, scheduled: bool = False
) -> Published:
    """Freeze the current working build as the next edition of its kind, whole or not at all; then write the site anew.

    `reason` and `scheduled` are of a revision, an edition that differs from the one before; they may stand in the
    approval, which the public edition needs. Where nothing differs, nothing is done. The inputs are kept, so that the
    edition can be built again. Raises SettingsError (no current build; wrong reason), RefusedError (not approved; a
    revision without a reason; an earlier edition is not what it was), LockedError, StageError.
    """
    from danvan.publish import site

    why = _reason(reason, scheduled=scheduled)
    with told_of_disk(project), locked(project):
        found = archive.editions(project, year, edition)
        archive.require_untouched(found)
        build = _current_build(project, year, edition)
        last = found[-1] if found else None
        if last is None and why:
            raise SettingsError(
                f"Năm {year} chưa có ấn bản {edition} nào nên không có gì để sửa đổi: bỏ --revision rồi chạy lại."
            )
        if last and not changed_files(last.manifest, build.manifest):
            site.write(project)
            return Published(last.folder, False)
        given = approval.read(project.approval(year, edition)) if edition == "public" else None
        if last and given and given.build == build.hash and not why:
            why, scheduled = given.reason, given.scheduled
        difference = compare(last.snapshot, build.snapshot) if last else None
        lines = (*told(difference), *_given_away(difference, build)) if difference else ()
        if last and difference and not why:
            raise RefusedError(_silent(last, lines))
        if edition == "public" and (given is None or given.build != build.hash):
            raise RefusedError(_unapproved(project, build, given))
        preserved.keep(project, build.manifest["inputs"])
        target = project.published(year, edition, len(found) + 1)
        repair(target)
        with swapped_in(target) as new:
            _copy(build, new)
            if given:
                approval.write(new / APPROVAL, given)
            if last and difference:
                record = _record(target.name, last, difference, why, scheduled=scheduled)
                (new / REVISION).write_bytes((json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode())
        site.write(project)
    return Published(target, True, lines)


def write_site(project: Project, folder: Path | None = None) -> Site:
    """Write the archive into reports/, or a copy of all that it lists into `folder`. Raises as `publish.site` does."""
    from danvan.publish import site

    with told_of_disk(project), locked(project):
        if folder is None:
            return site.write(project)
        made = site.make(project)
        site.copy(project, made, folder)
    return made


def ahead(project: Project, year: int, edition: Edition) -> str:
    """In one sentence, how the working build differs from the last edition; '' where it does not, or is none.

    What is wrong with an edition is told here, too: it stops whoever publishes, not who builds.
    """
    try:
        build, found = archive.working(project, year, edition), archive.editions(project, year, edition)
        if not build or not found or not changed_files(found[-1].manifest, build.manifest):
            return ""
        figures = compare(found[-1].snapshot, build.snapshot).figures
    except DanvanError as error:
        return str(error)
    what = f"{len(figures)} con số khác" if figures else "số liệu như cũ nhưng câu chữ hoặc cách trình bày khác"
    return f"Bản làm việc năm {year} so với ấn bản {found[-1].name} đã công bố: {what} (build.py publish {year})."


def told(difference: Difference, most: int = SHOWN) -> Iterator[str]:
    """What changed, a line each."""
    for figure in difference.figures[:most]:
        yield f"- {figure_told(figure)}. Nguyên nhân: {'; '.join(cause.text for cause in figure.causes)}."
    if (more := len(difference.figures) - most) > 0:
        yield f"- và {more} con số khác."
    if not difference.figures:
        why = "; ".join(cause.text for cause in difference.inputs) or "không rõ"
        yield f"Không con số nào đổi; khác ở câu chữ hoặc cách trình bày. Nguyên nhân: {why}."
        yield f"Tệp khác: {', '.join(difference.files[:5])}{' ...' if len(difference.files) > 5 else ''}."


def figure_told(figure: Figure) -> str:
    """'Tin đã nhận (An Lão, năm 2023): 120 → 102'."""
    where = ", ".join(filter(None, (figure.scope, f"năm {figure.year}" if figure.year else "")))
    about = f"{figure.name} ({where})" if where else figure.name
    if not figure.old:
        return f"{about}: mới có {figure.new}"
    return f"{about}: {figure.old} → {figure.new or 'không còn nêu'}"


def _reason(given: str | None, *, scheduled: bool) -> str:
    """The reason as it will be read: one line of text; '' where none was given."""
    if given is None:
        if scheduled:
            raise SettingsError("--scheduled chỉ dùng cùng --revision “lý do”.")
        return ""
    words = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in unicodedata.normalize("NFC", given))
    words = " ".join(words.split())
    if not words:
        raise SettingsError("--revision phải kèm lý do, ví dụ: --revision “Quận Hải An gửi lại phiếu”.")
    if len(words) > _LONGEST:
        raise SettingsError(f"Lý do dài {len(words)} chữ cái, nhiều nhất là {_LONGEST}. Hãy viết gọn lại.")
    return words


def _current_build(project: Project, year: int, edition: Edition) -> Kept:
    """The working build; SettingsError where there is none, or it is no longer what the inputs give."""
    command = f"build.py report {year}" + (" --edition internal" if edition == "internal" else "")
    repair(project.report(year, edition))
    build = archive.working(project, year, edition)
    if build is None:
        raise SettingsError(f"Năm {year} chưa có báo cáo ({edition}) để công bố. Hãy chạy: {command}")
    incomplete = build.manifest.get("settings", {}).get("allow_incomplete") == "True"
    wanted = Sources(project).report(year, edition, allow_incomplete=incomplete)
    if reasons := wanted.reasons():
        command += " --allow-incomplete" * incomplete
        raise SettingsError(
            f"Báo cáo năm {year} ({edition}) đã cũ: {'; '.join(reasons)}. Hãy lập lại rồi mới công bố: {command}"
        )
    return build


def _copy(build: Kept, new: Path) -> None:
    """The files that the manifest names, and it; what changed on the way is refused."""
    for name, digest in build.files.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(build.folder / name, new / name)
        if sha256(new / name) != digest:
            raise ChangedError(f"{name} thay đổi trong lúc công bố. Hãy chạy lại; chưa có gì được công bố.")


def _given_away(difference: Difference, build: Kept) -> Iterator[str]:
    """A warning for whoever publishes, who alone is told."""
    if build.edition == "public" and (names := given_away(difference, build.trace)):
        shown = ", ".join(names[:5]) + (f" và {len(names) - 5} chỉ tiêu khác" if len(names) > 5 else "")
        yield (
            "Chú ý: lấy hai ấn bản trừ nhau thì ra số của riêng một đơn vị, dù các chỉ tiêu này chỉ công bố cho toàn "
            f"thành phố: {shown}. Cân nhắc trước khi công bố."
        )


def _unapproved(project: Project, build: Kept, given: Approval | None) -> str:
    year = build.manifest["parameters"]["year"]
    how = (
        f"Bản đang có: {project.relative(build.folder)}, mã {build.hash}. Sau khi cơ quan ban hành xem và đồng ý, "
        f"hãy chạy: build.py approve {year} --office “tên cơ quan” --hash {build.hash[: approval.LEAST]}"
    )
    if given is None:
        return f"Bản công khai năm {year} chưa được duyệt nên chưa công bố được. {how}"
    return (
        f"{given.office} đã duyệt bản có mã {given.build[: approval.LEAST]} ngày {given.day}, nhưng sau đó "
        f"bản năm {year} đã thay đổi nên việc duyệt ấy không còn giá trị. {how}"
    )


def _silent(last: Kept, told_lines: Iterable[str]) -> str:
    year = last.manifest["parameters"]["year"]
    lines = (
        f"Bản đang có khác ấn bản {last.name} đã công bố. Không công bố thay đổi mà không nói lý do:",
        *told_lines,
        f"Nếu đúng là phải sửa, hãy chạy: build.py publish {year}"
        + (" --edition internal" if last.edition == "internal" else "")
        + " --revision “lý do” (thêm --scheduled nếu là lần sửa đổi theo kế hoạch).",
    )
    return "\n".join(lines)


def _record(name: str, last: Kept, difference: Difference, reason: str, *, scheduled: bool) -> Mapping[str, Any]:
    anchored = {file: last.files[file] for file in (MANIFEST, REVISION, APPROVAL) if file in last.files}
    return {
        "edition": name,
        "previous": {"edition": last.name, "sha256": anchored},
        "reason": reason,
        "scheduled": scheduled,
        **asdict(difference),
    }
