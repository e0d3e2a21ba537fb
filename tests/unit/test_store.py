"""Files that are whole or not there, whatever happens in between."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from danvan import store


def tree(folder: Path) -> dict[str, str]:
    """All files below a folder, hidden ones too, by path."""
    return {p.relative_to(folder).as_posix(): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def put(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


class DiskFullError(OSError):
    pass


def fail(*_: object) -> None:
    raise DiskFullError(28, "No space left on device")


# --- one file --------------------------------------------------------------------------------------------------


def test_an_atomic_write_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    store.write_atomic(path, b"one")
    store.write_atomic(path, b"two")
    assert tree(tmp_path) == {"a/b.txt": "two"}


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.txt"
    store.write_atomic(path, b"old")
    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(DiskFullError):
        store.write_atomic(path, b"new")
    monkeypatch.undo()
    assert tree(tmp_path) == {"b.txt": "old"}


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "b.txt"
    store.write_atomic(path, b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.write_atomic(path, b"new")
    assert tree(tmp_path) == {"b.txt": "old"}


def test_the_new_file_is_whole_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "b.txt"
    store.write_atomic(path, b"old")
    seen = []

    def look(handle: int) -> None:
        of_file = stat.S_ISREG(os.fstat(handle).st_mode)
        seen.append((path.read_bytes(), os.fstat(handle).st_size if of_file else "the folder"))

    monkeypatch.setattr(os, "fsync", look)
    store.write_atomic(path, b"newer")
    assert seen[0] == (b"old", 5)
    assert seen[1:] == ([(b"newer", "the folder")] if os.name != "nt" else [])  # the name is kept, too
    assert path.read_bytes() == b"newer"


# --- a folder --------------------------------------------------------------------------------------------------


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return put(tmp_path / "public", report="old", gone="x")


def test_a_finished_folder_takes_the_place_of_the_old_one(target: Path) -> None:
    new = store.fresh_folder(target)
    (new / "report").write_text("new")
    assert tree(target) == {"report": "old", "gone": "x"}
    store.swap_in(new, target)
    assert tree(target.parent) == {"public/report": "new"}


def test_the_first_folder_of_all(tmp_path: Path) -> None:
    target = tmp_path / "reports" / "2023" / "public"
    new = store.fresh_folder(target)
    (new / "report").write_text("new")
    store.swap_in(new, target)
    assert tree(tmp_path) == {"reports/2023/public/report": "new"}


def test_a_fresh_folder_is_empty_whatever_was_left_there(target: Path) -> None:
    left = put(target.with_name(".public.new"), half="written")
    assert store.fresh_folder(target) == left
    assert tree(target.parent) == {"public/report": "old", "public/gone": "x"}


def test_a_failed_second_rename_is_repaired(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk may refuse the second of the two renames: the old folder must come back."""
    new = store.fresh_folder(target)
    (new / "report").write_text("new")
    rename = Path.rename

    def second_fails(self: Path, to: Path) -> Path:
        return rename(self, to) if self == target else fail()  # type: ignore[return-value]

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(DiskFullError):
        store.swap_in(new, target)
    monkeypatch.undo()
    store.repair(target)
    assert tree(target.parent) == {"public/report": "old", "public/gone": "x"}


OLD = {"public/report": "old", "public/gone": "x"}
NEW = {"public/report": "new"}


@pytest.mark.parametrize(
    ("point", "after"),
    [
        ("before anything", OLD),
        ("while building", OLD),
        ("between the renames", OLD),
        ("before the old one is gone", NEW),
        ("while the old one goes", NEW),
        ("done", NEW),
    ],
)
def test_repair_after_a_crash(point: str, after: dict[str, str], target: Path) -> None:
    """At each point the process dies; the next start finds one whole folder and no remains."""
    new, old = target.with_name(".public.new"), target.with_name(".public.old")
    if point != "before anything":
        put(new, report="new")
    if point not in ("before anything", "while building"):
        target.rename(old)
    if point not in ("before anything", "while building", "between the renames"):
        new.rename(target)
    if point == "while the old one goes":
        (old / "gone").unlink()
    if point == "done":
        shutil.rmtree(old)
    for _ in range(2):  # repairing what is whole changes nothing
        store.repair(target)
        assert tree(target.parent) == after


def test_repair_where_nothing_was_built_yet(tmp_path: Path) -> None:
    store.repair(tmp_path / "reports" / "public")
    assert list(tmp_path.iterdir()) == []


def test_repair_leaves_the_neighbours_alone(target: Path) -> None:
    put(target.with_name("internal"), report="i")
    put(target.with_name(".internal.new"), report="half")
    store.repair(target)
    assert set(tree(target.parent)) == {"public/report", "public/gone", "internal/report", ".internal.new/report"}


# --- keys ------------------------------------------------------------------------------------------------------


def test_a_file_s_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert store.sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_the_key_depends_on_names_and_contents_but_not_on_order() -> None:
    parts = [("a", "1"), ("b", "2")]
    assert store.content_key(parts) == store.content_key(reversed(parts))
    others = [[("a", "2"), ("b", "1")], [("a", "1")], [("a1", ""), ("b", "2")], [("a", "1b2")], [("", "a1b2")], []]
    assert len({store.content_key(p) for p in [parts, *others]}) == 7


def test_files_below_leaves_out_what_no_one_wrote(tmp_path: Path) -> None:
    for name in ("b", "a/c", ".hidden", "a/.x/y", "a/__pycache__/z.pyc", "~$a.xlsx"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in store.files_below(tmp_path)] == ["a/c", "b"]


# --- the cache -------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path) -> store.Cache:
    return store.Cache(tmp_path / ".cache")


def test_the_cache_gives_what_it_was_given(cache: store.Cache) -> None:
    assert cache.get("html", "k") is None
    for content in (b"", b"one", os.urandom(100_000)):
        cache.put("html", "k", content)
        assert cache.get("html", "k") == content
    assert cache.get("pdf", "k") is None
    assert cache.get("html", "k2") is None
    assert [path.name for path in (cache.folder / "html").iterdir()] == ["k"]


def test_what_is_kept_is_not_made_again(cache: store.Cache) -> None:
    made = []

    def make() -> bytes:
        made.append(1)
        return b"new"

    assert [cache.made("html", "k", make) for _ in range(3)] == [b"new"] * 3
    assert len(made) == 1


def test_what_could_not_be_made_is_not_kept(cache: store.Cache) -> None:
    def fails() -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.made("html", "k", fails)
    assert cache.get("html", "k") is None
    assert cache.made("html", "k", lambda: b"new") == b"new"


@pytest.mark.parametrize(
    "damaged",
    [
        lambda _: b"",
        lambda entry: entry[:31],
        lambda entry: entry[:32],
        lambda entry: entry[:-1],
        lambda entry: entry + b"\0",
        lambda entry: entry[:40] + bytes([entry[40] ^ 1]) + entry[41:],
        lambda entry: bytes([entry[0] ^ 128]) + entry[1:],
        lambda entry: bytes(len(entry)),
        lambda entry: entry[32:],
    ],
    ids=[
        "emptied",
        "half a digest",
        "digest alone",
        "truncated",
        "longer",
        "flipped",
        "flipped digest",
        "zeros",
        "bare",
    ],
)
def test_a_damaged_entry_is_none(damaged: Callable[[bytes], bytes], cache: store.Cache) -> None:
    cache.put("html", "k", b"content of the page")
    entry = cache.folder / "html" / "k"
    entry.write_bytes(damaged(entry.read_bytes()))
    assert cache.get("html", "k") is None
    assert cache.made("html", "k", lambda: b"made anew") == b"made anew"
    assert cache.get("html", "k") == b"made anew"


def test_an_interrupted_put_leaves_the_entry_as_it_was(cache: store.Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put("html", "k", b"old")

    def interrupt(*_: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cache.put("html", "k", b"new")
    monkeypatch.undo()
    assert cache.get("html", "k") == b"old"
    cache.put("html", "k", b"newest")
    assert cache.get("html", "k") == b"newest"


@pytest.mark.parametrize("step", ["mkdir", "open", "write_bytes", "replace"])
def test_a_disk_that_refuses_costs_only_time(step: str, cache: store.Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os if step == "open" else Path, step, lambda *_, **__: fail())
    assert cache.made("html", "k", lambda: b"new") == b"new"
    monkeypatch.undo()
    assert cache.get("html", "k") is None
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("what", ["cache", "stage", "entry"])
def test_something_else_in_the_place_of_the_cache_costs_only_time(what: str, cache: store.Cache) -> None:
    if what == "cache":
        cache.folder.write_text("không phải thư mục")
    elif what == "stage":
        cache.folder.mkdir()
        (cache.folder / "html").write_text("không phải thư mục")
    else:
        (cache.folder / "html" / "k").mkdir(parents=True)
    assert cache.made("html", "k", lambda: b"new") == b"new"
    cache.sweep()
    cache.clear()


def test_a_disk_that_may_only_be_read_costs_only_time(cache: store.Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux says that the disk is read-only even for a file that is not there to be removed."""
    cache.put("html", "old", b"old")
    for step in ("write_bytes", "replace", "unlink"):

        def read_only(self: Path, *_: object, **__: object) -> None:
            raise OSError(30, "Read-only file system", str(self))

        monkeypatch.setattr(Path, step, read_only)
    assert cache.made("html", "k", lambda: b"new") == b"new"
    cache.sweep()


def test_what_nobody_used_for_long_is_swept(cache: store.Cache) -> None:
    names = {"used": 0, "unused": 0, ".half.1": 2, ".being-written.2": 0, "old": 91}
    for name, days in names.items():
        cache.put("html", name, b"x")
        os.utime(cache.folder / "html" / name, (time.time() - days * 86400 - 60,) * 2)
    for name in ("used", "unused"):
        os.utime(cache.folder / "html" / name, (time.time() - 91 * 86400,) * 2)
    assert cache.get("html", "used") == b"x"
    cache.sweep()
    assert {path.name for path in (cache.folder / "html").iterdir()} == {"used", ".being-written.2"}
    cache.clear()
    assert cache.get("html", "used") is None
    assert list(cache.folder.iterdir()) == []


def test_the_cache_may_lie_elsewhere(tmp_path: Path) -> None:
    """Somebody keeps it on a larger disk, by a link: --force forgets that, too."""
    (tmp_path / "large disk").mkdir()
    cache = store.Cache(tmp_path / ".cache")
    cache.folder.symlink_to(tmp_path / "large disk", target_is_directory=True)
    cache.put("html", "k", b"old")
    assert cache.get("html", "k") == b"old"
    cache.clear()
    assert cache.get("html", "k") is None


PUTS = """
import sys
from pathlib import Path
from danvan.store import Cache
cache, wrong = Cache(Path(sys.argv[1])), 0
for n in range(60):
    key = f"k{n % 3}"
    cache.put("html", key, key.encode() * 5_000)
    wrong += cache.get("html", key) not in (None, key.encode() * 5_000)
    if n % 20 == 0:
        cache.clear()
sys.exit(wrong)
"""


def test_several_processes_do_not_disturb_each_other(cache: store.Cache) -> None:
    command = [sys.executable, "-c", PUTS, str(cache.folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(store.__file__).parents[1])}
    processes = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 3
