"""Proof that a report rebuilds: from the inputs that its manifest names, by the danvan of then, in a clean place."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from danvan import archive, preserved
from danvan.archive import Kept
from danvan.errors import ChangedError, RefusedError, SettingsError, StageError
from danvan.freshness import MANIFEST
from danvan.guard import told_of_disk
from danvan.paths import Project
from danvan.store import files_below, sha256

Tell = Callable[[str], None]

LOCK = "requirements.lock"
_EDITION = re.compile(r"(public|internal)(?:-(\d{1,4}))?")
_DIGEST = re.compile("[0-9a-f]{64}")
_LARGE = re.compile(r"(\d{1,15}) bytes")
_ASKED = ("inputs", "outputs", "parameters", "settings", "time", "illustrative")  # of a manifest; the rest is with what
_SEEN = 600  # letters of what a failed build said


@dataclass(frozen=True)
class Verified:
    """What `verify` came to. `name`: of the document, 'ấn bản public-02'; `files`: how many were compared, the
    manifest among them.

    `differences`: by file, where it first differs. `causes`: what differs about the tools, or may; a line each.
    """

    name: str
    files: int
    differences: Mapping[str, str]
    causes: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.differences


def verify(project: Project, year: int, edition: str | None, tell: Tell) -> Verified:
    """Build a report again in a folder of its own and compare every file. Nothing is written into the project.

    `edition`: 'public-02' for a published one, 'public' or 'internal' for a working build; None for the last public
    edition, or the working build where nothing was published. `tell` is told of what is being done.

    Raises SettingsError (no such edition), RefusedError (it is not what its manifest says; an input is nowhere any
    more), ChangedError (it was built anew meanwhile), StageError (it cannot be built again).
    """
    kept = _chosen(project, year, edition)
    name = f"{'ấn bản' if kept.number else 'bản làm việc'} {kept.name} năm {year}"
    _require_whole(project, year, kept)
    recorded = sha256(kept.folder / MANIFEST)
    # The folder is its owner's alone.
    with told_of_disk(project), TemporaryDirectory(prefix="danvan-", ignore_cleanup_errors=True) as private:
        clean = Project(Path(private).resolve() / "lap-lai")
        _lay_out(project, kept, clean, name)
        tell(f"Lập lại {name} từ {len(kept.manifest['inputs'])} đầu vào, ở một thư mục sạch.")
        _build(project, kept, clean, year, tell)
        tell("So từng tệp.")
        again = Kept(clean.report(year, kept.edition), kept.edition, 0)
        differences = dict(_differences(kept, again))
        causes = tuple(_causes(kept, again, bool(differences)))
    if sha256(kept.folder / MANIFEST) != recorded:
        raise ChangedError(f"Có lần chạy khác vừa lập lại {name} trong lúc kiểm chứng. Hãy chạy lại.")
    return Verified(name, len(kept.manifest["outputs"]) + 1, differences, causes)


# ---------------------------------------------------------------- which one, and whether it is whole


def _chosen(project: Project, year: int, edition: str | None) -> Kept:
    match = _EDITION.fullmatch(edition or "public")
    if match is None:
        known = "public, internal hoặc tên một ấn bản như public-01"
        raise SettingsError(f"--edition không nhận “{edition}”: hãy ghi {known}.")
    kind, number = match[1], match[2]
    published = archive.editions(project, year, kind) if number or edition is None else []
    if number:
        found = next((one for one in published if one.number == int(number)), None)
        there = ", ".join(one.name for one in published) or "chưa có ấn bản nào"
        missing = f"Năm {year} không có ấn bản {edition}. Đang có: {there}."
    else:
        found = published[-1] if published else archive.working(project, year, kind)
        missing = f"Năm {year} chưa có báo cáo ({kind}) để kiểm chứng. Hãy chạy: build.py report {year}"
        missing += " --edition internal" * (kind == "internal")
    if found is None:
        raise SettingsError(missing)
    return found


def _require_whole(project: Project, year: int, kept: Kept) -> None:
    """Raise RefusedError where a file is not what the manifest says, or an edition not what the next one recorded."""
    manifest = kept.manifest
    shapes = {"inputs": dict, "outputs": dict, "settings": dict, "parameters": dict}
    if any(not isinstance(manifest.get(name), shape) for name, shape in shapes.items()):
        raise RefusedError(f"{kept.name}/{MANIFEST} không phải là ghi chép của một bản đã lập.")
    if kept.number:
        archive.require_untouched(archive.editions(project, year, kept.edition))
        return
    if altered := list(kept.altered()):
        raise RefusedError(
            f"Bản làm việc {kept.name} năm {year} không còn nguyên: {_some(altered)} bị sửa, bị xóa hoặc thêm vào sau "
            "khi lập. Hãy lập lại: build.py report."
        )


# ---------------------------------------------------------------- a clean place


def _lay_out(project: Project, kept: Kept, clean: Project, name: str) -> None:
    """Put the inputs there, each as it was. Raises RefusedError, with the names of those that are nowhere."""
    clean.root.mkdir()
    inputs: dict[str, str] = kept.manifest["inputs"]
    for path in inputs:
        parts = PurePosixPath(path).parts
        if not parts or ".." in parts or path.startswith("/") or "\\" in path or ":" in parts[0]:
            raise RefusedError(f"{kept.name}/{MANIFEST} nêu một đầu vào nằm ngoài dự án ({path!r}).")
    files = {path: digest for path, digest in inputs.items() if _DIGEST.fullmatch(digest)}
    lost = preserved.restore(project, files, clean.root)
    lost += [path for path, mark in inputs.items() if path not in files and not _marked(clean.root / path, mark)]
    if lost:
        raise RefusedError(
            f"Không lập lại được {name}: {_some(sorted(lost))} đã đổi và không có bản lưu. "
            "Hãy lấy lại đúng các tệp ấy (từ bản sao lưu hoặc từ git) rồi chạy lại."
        )


def _marked(path: Path, mark: str) -> bool:
    """Make anew what is no file to be read: see `freshness.Sources`. Whether it could be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if mark in ("folder", "not a file"):
        path.mkdir(exist_ok=True)
    elif mark == "open":  # Excel's sign that a file is open
        path.touch()
    elif large := _LARGE.fullmatch(mark):  # refused for its size alone, so it is as large, and empty
        with path.open("wb") as file:
            file.truncate(int(large[1]))
    else:
        return False
    return True


def _build(project: Project, kept: Kept, clean: Project, year: int, tell: Tell) -> None:
    """Build the report there with the danvan that lies there. Raises StageError, with what that one said."""
    settings: Mapping[str, str] = kept.manifest["settings"]
    wanted = ["report", str(year), "--edition", kept.edition, "--jobs", "1"]
    wanted += ["--allow-incomplete"] * (settings.get("allow_incomplete") == "True")
    unwanted = ("PYTHON", "DANVAN_", "WARM_KERNELS", "SOURCE_DATE_EPOCH")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environment |= {"DANVAN_ROOT": str(clean.root), "PYTHONUTF8": "1"}
    if epoch := settings.get("SOURCE_DATE_EPOCH"):
        environment["SOURCE_DATE_EPOCH"] = epoch
    if (project.root / LOCK).is_file() and sha256(project.root / LOCK) == kept.manifest["inputs"].get(LOCK):
        run = "import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", run, *wanted]
        environment["PYTHONPATH"] = str(clean.root)  # before the danvan that is installed, in kernels too
    else:
        tell(
            f"{LOCK} đã đổi từ khi lập bản này: cài bộ gói của bản ấy vào một nơi riêng. "
            "Việc này cần mạng và mất vài phút."
        )
        for name in ("build.py", "pyproject.toml"):
            (clean.root / name).write_bytes((project.root / name).read_bytes())
        # Without site: else build.py may find that the packages here will do, and register itself among them.
        command = [sys.executable, "-S", str(clean.root / "build.py"), *wanted]
    with _process(command, clean.root, environment) as process:
        _, said = process.communicate()
    if process.returncode == 130:
        raise KeyboardInterrupt  # Ctrl-C reached the other one first
    if process.returncode or not (clean.report(year, kept.edition) / MANIFEST).is_file():
        told = " ".join(said.replace(str(clean.root), ".").split())
        told = f"…{told[-_SEEN:]}" if len(told) > _SEEN else told
        raise StageError(f"Không lập lại được, lần lập lại kết thúc với mã {process.returncode}: {told}")


@contextmanager
def _process(command: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process that has ended when the context ends, however that ends; it tidies up after itself as at Ctrl-C."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate() if os.name == "nt" else process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


# ---------------------------------------------------------------- compared


def _differences(kept: Kept, again: Kept) -> Iterator[tuple[str, str]]:
    """Each file that is not the same, with its first difference; the manifest last, by what is asked of it."""
    from danvan.publish import unlike  # only who has to look into files needs to

    there = {path.relative_to(again.folder).as_posix(): path for path in files_below(again.folder)}
    before: Mapping[str, str] = kept.manifest["outputs"]
    for name in sorted({*before, *there} - {MANIFEST}):
        if name not in there:
            yield name, "lần lập lại không có tệp này"
        elif name not in before:
            yield name, "chỉ có trong lần lập lại"
        elif sha256(there[name]) != before[name]:
            found = unlike.first(name, (kept.folder / name).read_bytes(), there[name].read_bytes())
            yield name, found or "tệp thay đổi trong lúc kiểm chứng"
    same_tools = _with_what(kept.manifest) == _with_what(again.manifest)
    old, new = (_as_json(_asked(one.manifest, whole=same_tools)) for one in (kept, again))
    if found := unlike.first(MANIFEST, old, new):
        yield MANIFEST, found


def _asked(manifest: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """A manifest without the outputs, which are compared themselves; but for the `whole`, without the tools, which may
    be others where they give the same bytes.
    """
    asked = {name: has for name, has in manifest.items() if name != "outputs" and (whole or name in _ASKED)}
    return asked | {"settings": {name: has for name, has in manifest["settings"].items() if whole or name != "python"}}


def _causes(kept: Kept, again: Kept, different: bool) -> Iterator[str]:
    """What made the two that differs; where nothing recorded does, what a manifest does not record."""
    then, now = (_with_what(one.manifest) for one in (kept, again))
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            yield f"{name}: khi lập là {then.get(name, 'không ghi')}, nay là {now.get(name, 'không ghi')}"
    if different and then == now:
        yield (
            "Python và các công cụ ghi trong manifest đều như nhau. Khác ở hình vẽ hoặc chữ số cuối có thể do bộ xử lý "
            "hay hệ điều hành khác (docs/reproducibility.md); khác ở con số hay câu chữ thì không: hãy xem bản đang có "
            "và manifest có bị sửa cùng nhau không."
        )


def _with_what(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Python, danvan's version and that of each tool."""
    found = {name: has for name, has in manifest.items() if name not in (*_ASKED, "key")}
    tools = found.pop("tools", None)
    found |= tools if isinstance(tools, dict) else {}
    return {name: str(has) for name, has in found.items()}


def _as_json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True).encode()


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" và {len(names) - most} tệp khác" if len(names) > most else "")
