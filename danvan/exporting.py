"""A backup: all that years need to be built again and proved, in one archive that brings itself back."""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from danvan import archive, doorway, loading, preserved, unpacking
from danvan.archive import Kept
from danvan.disclosure import EDITIONS
from danvan.errors import ChangedError, SettingsError
from danvan.freshness import PACKAGE, Sources
from danvan.guard import locked, told_of_disk
from danvan.paths import Project, ignored
from danvan.store import sha256
from danvan.unpacking import INDEX, MAIN, README, Index

_ROOT = ("build.py", "pyproject.toml", "environment.yml", "requirements.lock", "README.md", "CHANGELOG.md")
_SHARED = ("danvan", "notebooks", "params", "data/reference", "docs", "deploy")
_SETTINGS = {".yaml", ".csv"}  # all that params/ holds; a password that somebody keeps there is none of them
_DATED = (1980, 1, 1, 0, 0, 0)  # as in `store.zipped`: the same bytes whenever they are packed
_COMPRESSED = {".xlsx", ".docx", ".pdf", ".png", ".zip", ".ttf", ".woff2"}

_ABOUT = """\
KHO LƯU BÁO CÁO danvan, năm {years} - NỘI BỘ: có phiếu của từng đơn vị, không được công bố.

Khôi phục, chỉ cần Python 3.11 trở lên (không cần giải nén tệp này):
    python3 {name} THƯ_MỤC_MỚI          (Windows: py {name} THƯ_MỤC_MỚI)
Lệnh ấy giải nén vào thư mục mới, kiểm tra mã của từng tệp, cài các gói cần thiết (lần đầu cần mạng),
rồi lập lại từng tài liệu và đối chiếu. Mã kết thúc 0: tất cả giống hệt. 5: có chỗ khác, hoặc kho lưu bị hỏng.
Kho lưu mang theo chương trình và lệnh trên chạy chương trình ấy: chỉ khôi phục kho lưu do cơ quan mình lập,
đối chiếu mã sha256 của tệp với mã đã ghi lại khi lập.

ARCHIVE OF danvan, year {years} - INTERNAL: it holds the units' returns and must not be published.

To restore it, Python 3.11 or later is enough (do not unzip it yourself):
    python3 {name} NEW_FOLDER           (Windows: py {name} NEW_FOLDER)
This unpacks into a new folder, checks each file's digest, installs what is needed (the first time from the network),
then builds each document again and compares. Exit code 0: all are the same; 5: something differs or is damaged.
It runs the program that the archive carries: restore only what your own office made, and compare the file's sha256
with the one noted when it was made. What is inside, with sizes and digests: export.json.
"""


@dataclass(frozen=True)
class Exported:
    """An archive that was written and read back. `size` in bytes; `told`: what it does not hold, a sentence each."""

    path: Path
    size: int
    sha256: str
    index: Index
    told: tuple[str, ...]


@dataclass(frozen=True)
class _Parts:
    """What goes into an archive: files by their names in it, empty folders, documents, remarks. `expected`: the sha256
    of what documents were made of, and of what they are."""

    files: dict[str, Path] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    documents: list[tuple[int, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    expected: dict[str, str] = field(default_factory=dict)


def export(project: Project, years: Sequence[int], out: Path | None = None) -> Exported:
    """Write the archive of these years, whole or not at all, and read it back.

    `out`: its file, or an existing folder for it; by default in `project.backups`. The same project gives the same
    bytes. Raises SettingsError (a year that has nothing; a file that cannot be in an archive; a wrong `out`),
    RefusedError (an edition is not what was published), ChangedError, LockedError, StageError.
    """
    years = sorted(set(years))
    target = _target(project, years, out)
    with told_of_disk(project), locked(project):
        parts = _parts(project, years)
        beside = target.with_name(f".{target.name}.new")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)  # a killed run left it
        try:
            handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(handle, "w+b") as file:
                with unpacking.sealed(file):
                    _write(file, parts, years, target.name)
                file.flush()
                os.fsync(file.fileno())
            index, digest, size = unpacking.check(beside), sha256(beside), beside.stat().st_size
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    return Exported(target, size, digest, index, tuple(parts.told))


def _target(project: Project, years: Sequence[int], out: Path | None) -> Path:
    """Where the archive is written; raises SettingsError where it must not be."""
    for year in years:
        if not (project.returns(year).is_dir() or project.editions(year).is_dir()):
            raise SettingsError(f"Năm {year} chưa có phiếu và chưa có ấn bản nào nên không có gì để lưu.")
    name = f"danvan-{years[0]}.zip" if len(years) == 1 else f"danvan-{years[0]}-{years[-1]}.zip"
    target = (out or project.backups).absolute()
    if out is None or target.is_dir():
        target /= name
    inside = (project.root / part for part in (*_SHARED, "data", "reports", "figures"))
    if any(target.resolve().is_relative_to(folder.resolve()) for folder in inside):
        raise SettingsError(
            f"Không ghi kho lưu vào {target}: nơi ấy được công bố hoặc chính nó sẽ vào kho lưu sau. "
            "Hãy chọn --out ở ngoài, tốt nhất trên một ổ đĩa khác."
        )
    if out and not target.parent.is_dir():
        raise SettingsError(f"Không có thư mục {target.parent}. Hãy tạo thư mục ấy rồi chạy lại.")
    if target.exists() and not (target.is_file() and unpacking.is_archive(target)):
        raise SettingsError(f"{target} đã có và không phải kho lưu do build.py export lập. Hãy chọn tên khác.")
    return target


# ---------------------------------------------------------------- what goes in


def _parts(project: Project, years: Sequence[int]) -> _Parts:
    parts = _Parts()
    for name in _ROOT:
        if (project.root / name).exists():
            _add(parts, name, project.root / name)
    folders = [(name, PACKAGE if name == "danvan" else project.root / name) for name in _SHARED]
    folders += [
        (f"data/{year}", project.data(year))
        for year in sorted({*years, *(year - 1 for year in years)})  # this year is told against the one before
    ]
    for name, folder in folders:
        if folder.exists():
            _add_below(parts, name, folder)
    for year in years:
        _add_documents(project, parts, year)
    _leave_out_secrets(project, parts)
    _require_possible(project, parts)
    return parts


def _add(parts: _Parts, name: str, path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        raise SettingsError(
            f"{name} là liên kết hoặc không phải tệp thường; kho lưu không đi theo liên kết. "
            "Hãy thay bằng chính tệp hoặc thư mục ấy rồi chạy lại."
        )
    parts.files[name] = path


def _add_below(parts: _Parts, name: str, folder: Path) -> None:
    """All files below `folder`, but hidden and temporary ones; links are refused."""
    if folder.is_symlink():
        _add(parts, name, folder)
    found = [path for path in sorted(folder.iterdir()) if not (ignored(path) or path.name == "__pycache__")]
    if name == "params":
        found = [path for path in found if path.suffix in _SETTINGS]
    if not found:
        parts.folders.append(_nfc(name))
    for path in found:
        inner = _nfc(f"{name}/{path.name}")
        if path.is_dir() and not path.is_symlink():
            _add_below(parts, inner, path)
        elif inner in parts.files:
            raise SettingsError(f"Có hai tệp cùng tên {inner}, khác nhau ở cách mã hóa chữ. Hãy bỏ một tệp.")
        else:
            _add(parts, inner, path)


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _add_documents(project: Project, parts: _Parts, year: int) -> None:
    """The editions of a year with their inputs, and what was built since if it can be built again."""
    for edition in EDITIONS:
        found = archive.editions(project, year, edition)
        archive.require_untouched(found)
        for one in found:
            inputs = one.manifest["inputs"]
            for path in preserved.named(project, inputs):
                _add(parts, project.relative(path), path)
                parts.expected[project.relative(path)] = path.name
            lost = [name for name, digest in inputs.items() if not _is_there(project, parts, name, digest)]
            if lost:
                parts.told.append(
                    f"Ấn bản {one.name} năm {year} có trong kho lưu nhưng không lập lại được nữa: "
                    f"{', '.join(lost[:3])}{' ...' if len(lost) > 3 else ''} đã đổi sau khi công bố và không được giữ."
                )
            _add_document(project, parts, year, one)
        build = archive.working(project, year, edition)
        if build is None or any(build.hash == one.hash for one in found):
            continue
        incomplete = build.manifest.get("settings", {}).get("allow_incomplete") == "True"
        if reasons := Sources(project, on_disk=True).report(year, edition, allow_incomplete=incomplete).reasons():
            parts.told.append(
                f"Không đưa vào {project.relative(build.folder)} vì không lập lại được đúng như thế: {reasons[0]}."
            )
            continue
        parts.expected.update(
            (name, digest) for name, digest in build.manifest["inputs"].items() if name in parts.files
        )
        _add_document(project, parts, year, build)
        if (given := project.approval(year, edition)).exists():
            _add(parts, project.relative(given), given)


def _add_document(project: Project, parts: _Parts, year: int, document: Kept) -> None:
    for name, digest in document.files.items():
        path = document.folder / name
        _add(parts, project.relative(path), path)
        parts.expected[project.relative(path)] = digest
    parts.documents.append((year, document.name))


def _is_there(project: Project, parts: _Parts, name: str, digest: str) -> bool:
    """Whether the archive will hold this input of an edition, kept or as it still stands in the project."""
    if len(digest) != 64:  # what is no file has no content
        return True
    kept = project.relative(project.preserved / digest[:2] / digest)
    if kept in parts.files:
        return True
    if name not in parts.files or sha256(parts.files[name]) != digest:
        return False
    parts.expected[name] = digest
    return True


def _leave_out_secrets(project: Project, parts: _Parts) -> None:
    """Drop the files that the settings of the scheduled run name, such as the mail's password; refuse what in params
    is for its owner's eyes alone while the rest is not."""
    settings = project.scheduled_settings
    named = _texts(loading.read_yaml(settings, project.relative(settings)).value) if settings.is_file() else ()
    secret = {(project.root / text).resolve() for text in named if "\0" not in text}
    for name in [name for name, path in parts.files.items() if path.resolve() in secret]:
        del parts.files[name]
        parts.told.append(f"Không đưa vào {name}: là tệp bí mật mà {project.relative(settings)} nêu. Hãy cất riêng.")
    if os.name == "nt" or _only_owner(project.catalogue):
        return
    for name, path in parts.files.items():
        if name.startswith(("params/", "notebooks/", "docs/", "data/reference/")) and _only_owner(path):
            raise SettingsError(
                f"{name} chỉ chủ tệp đọc được, như một tệp bí mật, nên không đưa vào kho lưu. "
                "Nếu là bí mật, hãy chuyển ra ngoài dự án; nếu không, hãy cho mọi người đọc (chmod 644) rồi chạy lại."
            )


def _only_owner(path: Path) -> bool:
    return not stat.S_IMODE(path.stat().st_mode) & 0o077


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _require_possible(project: Project, parts: _Parts) -> None:
    """Raise SettingsError for what could not be unpacked everywhere: a backup that cannot be read is none."""
    for name in (*parts.files, *parts.folders):
        if why := unpacking.unsafe(name):
            raise SettingsError(
                f"{name!a}: {why}, nên không khôi phục được trên mọi máy. Hãy đổi tên rồi chạy lại."
                if not name.isprintable()
                else f"{name}: {why}, nên không khôi phục được trên mọi máy. Hãy đổi tên rồi chạy lại."
            )
    if pair := unpacking.clash((*parts.files, *parts.folders)):
        raise SettingsError(f"{pair[0]} và {pair[1]} là một tệp trên Windows. Hãy đổi tên một tệp rồi chạy lại.")
    for name, path in parts.files.items():
        if not name.startswith("danvan/") and not path.resolve().is_relative_to(project.root.resolve()):
            raise SettingsError(f"{name} nằm ngoài dự án (qua liên kết) nên không đưa vào kho lưu.")


# ---------------------------------------------------------------- how it is packed


def _write(file: IO[bytes], parts: _Parts, years: Sequence[int], name: str) -> None:
    about = _ABOUT.format(years=", ".join(map(str, years)), name=name).encode()
    own = {README: about, MAIN: Path(doorway.__file__).read_bytes()}
    files = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in own.items()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in own.items():  # first: what a person sees, what Python runs
            target.writestr(_member(name), content)
        for name, path in sorted(parts.files.items()):
            files[name] = _pack(target, name, path)
            if parts.expected.get(name, files[name][1]) != files[name][1]:
                raise _changed(name)
        index = Index(
            danvan=version("danvan"),
            python=platform.python_version(),
            lock=files["requirements.lock"][1],
            years=tuple(years),
            documents=tuple(parts.documents),
            files=files,
            folders=tuple(sorted(parts.folders)),
        )
        target.writestr(_member(INDEX), index.as_json())


def _pack(target: zipfile.ZipFile, name: str, path: Path) -> tuple[int, str]:
    """Put a file into the zip; gives its size in bytes and its sha256. Raises ChangedError if it grows meanwhile."""
    seen = hashlib.sha256()
    with _opened(path) as source:
        size = os.fstat(source.fileno()).st_size
        member = _member(name)
        member.file_size, left = size, size
        with target.open(member, "w") as out:
            while piece := source.read(unpacking.PIECE):
                left -= len(piece)
                seen.update(piece)
                out.write(piece)
    if left:
        raise _changed(name)
    return size, seen.hexdigest()


def _changed(name: str) -> ChangedError:
    return ChangedError(f"{name} thay đổi trong lúc lưu. Hãy chạy lại; kho lưu cũ (nếu có) còn nguyên.")


def _opened(path: Path) -> IO[bytes]:
    """The file itself, never what a link that has just taken its place leads to."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    return os.fdopen(handle, "rb")


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATED)
    member.create_system = 3
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    member.compress_type = zipfile.ZIP_STORED if Path(name).suffix in _COMPRESSED else zipfile.ZIP_DEFLATED
    return member
