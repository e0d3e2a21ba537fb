"""A backup and the way back: what an archive holds, who may read it, what it refuses, and that it builds the same."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_editions import approved
from test_functional import Mount, mount  # noqa: F401 - a fixture
from test_incremental import (
    Builders,
    base,  # noqa: F401 - fixtures
    builders,  # noqa: F401
    contents,
    copy,  # noqa: F401
    shared,  # noqa: F401
)

from danvan import editions, exporting, preserved, restoring, unpacking
from danvan.cli import main
from danvan.errors import ChangedError, RefusedError, SettingsError, StageError
from danvan.paths import Project
from danvan.store import sha256
from danvan.unpacking import INDEX, MAIN, README, Index

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the builds are forked from a server")

YEAR = 2023
SECRET = "Chìa khóa dưới chậu hoa"
EDITION = "reports/2023/editions/public-01"


@pytest.fixture(scope="session")
def published(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """The small project with 2023 published, and what must not leave it. Shared: copy it, change nothing."""
    root = tmp_path_factory.mktemp("lưu") / "gốc"
    shutil.copytree(base, root, symlinks=True)
    approved(Project(root), YEAR)
    editions.publish(Project(root), YEAR, "public")
    (root / "params/mật khẩu.txt").write_text(SECRET, encoding="utf-8")
    (root / "data/2023/thư.csv").write_text(SECRET, encoding="utf-8")
    (root / "params/scheduled.yaml").write_text("mail: {password_file: data/2023/thư.csv}\n", encoding="utf-8")
    for name in (".venv/bin/python", ".cache/x", "data/2023/.env", "data/2023/returns/~$An Lão.xlsx", ".git/config"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(SECRET, encoding="utf-8")
    (root / "data/2021/returns").mkdir(parents=True)  # a year that is not asked for
    return root


@pytest.fixture(scope="session")
def exported(published: Path) -> exporting.Exported:
    """Its archive. Shared: copy it, change nothing."""
    return exporting.export(Project(published), [YEAR])


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with nothing built, and of danvan what unpacks it: for what does not depend on the contents."""
    root = tmp_path / "dự án"
    (root / "danvan").mkdir(parents=True)
    for name in ("__init__", "errors", "store", "unpacking", "restoring", "doorway"):
        shutil.copy(exporting.PACKAGE / f"{name}.py", root / "danvan")
    monkeypatch.setattr(exporting, "PACKAGE", root / "danvan")
    for name in ("params/catalogue.yaml", "data/2023/returns/An Lão.csv", "build.py", "requirements.lock"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{name}\n" * 3, encoding="utf-8")
    return Project(root)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- what is in it ----------------------------------------------------------------------------------------------


def test_an_archive_holds_what_the_year_needs_and_nothing_secret(published: Path, exported: exporting.Exported) -> None:
    names = set(exported.index.files)
    returns = {
        unicodedata.normalize("NFC", path.relative_to(published).as_posix())
        for path in published.glob("data/202[23]/returns/*.xlsx")
        if not path.name.startswith("~$")
    }
    inputs = json.loads((published / EDITION / "manifest.json").read_bytes())["inputs"].values()
    kept = {f"data/kept/{digest[:2]}/{digest}" for digest in inputs if len(digest) == 64}
    build = {path.relative_to(published).as_posix() for path in (published / EDITION).rglob("*") if path.is_file()}

    assert len(returns) == 16
    assert names >= returns | kept | build | {"build.py", "requirements.lock", "params/2023.yaml", "danvan/cli.py"}
    assert names >= {"data/2023/answers.yaml", "data/2023/stated.csv", "data/reference/population.csv"}
    assert exported.index.documents == ((2023, "public-01"),)
    assert exported.told == (
        "Không đưa vào data/2023/thư.csv: là tệp bí mật mà params/scheduled.yaml nêu. Hãy cất riêng.",
    )
    with zipfile.ZipFile(exported.path) as source:
        assert sorted(source.namelist()) == sorted({*names, INDEX})
        assert not [name for name in source.namelist() if SECRET in source.read(name).decode(errors="ignore")]
        about = source.read(README).decode()
    assert "NỘI BỘ" in about
    assert "INTERNAL" in about
    assert not [name for name in names if re.search(r"2021|/\.|^\.|~\$|reports/.*/profiles|__pycache__|mật khẩu", name)]
    assert stat.S_IMODE(exported.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(exported.path.parent.stat().st_mode) == 0o700
    assert str(published) not in about + exported.index.as_json().decode()


def test_the_same_project_gives_the_same_bytes(
    published: Path, exported: exporting.Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copytree(published, tmp_path / "nơi khác", symlinks=True)
    for path in other.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)

    again = exporting.export(Project(other), [YEAR, YEAR])

    assert again.sha256 == exported.sha256
    assert again.path.read_bytes() == exported.path.read_bytes()
    assert again.sha256 == hashlib.sha256(again.path.read_bytes()).hexdigest()
    assert exporting.export(Project(other), [YEAR]).sha256 == exported.sha256  # over itself


def test_an_edition_is_kept_with_its_inputs_whatever_came_later(published: Path, tmp_path: Path) -> None:
    root = shutil.copytree(published, tmp_path / "dự án", symlinks=True)
    changed = root / "data/2023/stated.csv"
    old = changed.read_bytes()
    changed.write_bytes(old + b"\n")

    made = exporting.export(Project(root), [YEAR])
    unpacking.unpack(made.path, tmp_path / "mới")

    assert made.index.documents == ((2023, "public-01"),)
    assert not (tmp_path / "mới/reports/2023/public").exists()
    inputs = json.loads((tmp_path / "mới" / EDITION / "manifest.json").read_bytes())["inputs"]
    assert preserved.restore(Project(tmp_path / "mới"), inputs, tmp_path / "sạch") == []
    assert (tmp_path / "sạch/data/2023/stated.csv").read_bytes() == old

    shutil.rmtree(root / "data/kept")
    told = "\n".join(exporting.export(Project(root), [YEAR]).told)
    assert "public-01 năm 2023 có trong kho lưu nhưng không lập lại được nữa: data/2023/stated.csv đã đổi" in told


def test_a_working_build_goes_along_with_its_approval_while_it_is_current(base: Path, tmp_path: Path) -> None:  # noqa: F811
    root = shutil.copytree(base, tmp_path / "dự án", symlinks=True)
    approved(Project(root), YEAR)
    made = exporting.export(Project(root), [2022, YEAR])
    assert made.path.name == "danvan-2022-2023.zip"
    assert made.index.documents == ((2022, "public"), (2023, "public"))
    assert "reports/2023/approval-public.json" in made.index.files
    assert made.told == ()

    with (root / "data/2023/stated.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    made = exporting.export(Project(root), [2022, YEAR])
    assert made.index.documents == ((2022, "public"),)
    assert made.told == (
        "Không đưa vào reports/2023/public vì không lập lại được đúng như thế: data/2023/stated.csv đã đổi.",
    )
    assert not [name for name in made.index.files if name.startswith("reports/2023/")]


# --- the way back -----------------------------------------------------------------------------------------------


def empty_machine(home: Path) -> dict[str, str]:
    """The environment of a machine that has nothing but Python."""
    home.mkdir()
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}


@pytest.mark.long
def test_what_comes_back_builds_the_same(
    published: Path,
    exported: exporting.Exported,
    builders: Builders,  # noqa: F811
    tmp_path: Path,
) -> None:
    target = tmp_path / "máy trống"
    index = unpacking.unpack(exported.path, target)

    own = {README, MAIN, "requirements.lock"}  # `contents` counts no lock
    assert contents(target) == {name: digest for name, (_, digest) in index.files.items() if name not in own}
    assert sha256(target / "requirements.lock") == index.lock
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    [told] = builders.run(target, "report 2023 --jobs 1 --force")
    assert told.code == 0, told
    edition = contents(published / EDITION)
    del edition["approval.json"]
    assert contents(target / "reports/2023/public") == edition


@pytest.mark.long
def test_an_archive_restores_itself_where_there_is_nothing(exported: exporting.Exported, tmp_path: Path) -> None:
    """As on an empty machine, but that its Python has what the lock names: installing it is the work of test_setup."""
    registered = [path.read_bytes() for path in Path(sys.prefix).glob("lib/python*/site-packages/danvan.pth")]
    done = subprocess.run(
        [sys.executable, exported.path, "máy trống"],
        cwd=tmp_path,
        env=empty_machine(tmp_path / "nhà"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "Đã khôi phục xong: cả 1 tài liệu lập lại từ đầu đều giống hệt bản trong kho lưu." in done.stdout.decode()
    assert not (tmp_path / "máy trống/.venv").exists()
    assert [path.read_bytes() for path in Path(sys.prefix).glob("lib/python*/site-packages/danvan.pth")] == registered


def test_import_needs_a_folder_of_its_own(
    tiny: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DANVAN_ROOT", str(tiny.root))
    made = exporting.export(tiny, [YEAR], tmp_path)

    for out in (tiny.root, tiny.root / "mới", tmp_path):
        assert main(["import", str(made.path), "--out", str(out)]) == 2
        assert "bản khôi phục không được lẫn với dự án đang dùng" in capsys.readouterr().err
    assert main(["import", str(made.path)]) == 0
    said = capsys.readouterr().out
    assert f"Mã sha256 của danvan-2023.zip: {made.sha256}" in said
    assert "Kho lưu không có báo cáo nào đã lập" in said
    assert (tmp_path / "danvan-2023/data/2023/returns/An Lão.csv").is_file()
    assert main(["import", str(made.path)]) == 2
    assert "đã có tệp. Không ghi đè lên gì cả" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("codes", "given", "told"),
    [
        ({"public-01": 0, "public-02": 0}, 0, "cả 2 tài liệu lập lại từ đầu đều giống hệt"),
        ({"public-01": 5, "public-02": 0}, 5, "ấn bản public-01 năm 2023: lập lại thì khác bản đã lưu."),
        ({"public-01": 4, "public-02": 5}, 5, "nhưng 2 tài liệu chưa được chứng thực"),
        ({"public-01": 4, "public-02": 0}, 4, "ấn bản public-01 năm 2023: chưa lập lại được. Xem lại: build.py verify"),
        ({"public-01": 2, "public-02": 5}, 2, "nhưng 2 tài liệu chưa được chứng thực"),  # the second is not tried
    ],
)
def test_restoring_succeeds_only_if_all_is_the_same(
    codes: dict[str, int], given: int, told: str, tiny: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = exporting.export(tiny, [YEAR])
    index = replace(made.index, documents=tuple((YEAR, edition) for edition in codes))
    monkeypatch.setattr(unpacking, "unpack", lambda *_: (tmp_path / "mới").mkdir() or index)
    answer = f"import sys; sys.exit({codes!r}[sys.argv[-1]])"
    monkeypatch.setattr(restoring, "_build_py", lambda _: ([sys.executable, "-c", answer], dict(os.environ)))
    said: list[str] = []
    assert restoring.restore(made.path, tmp_path / "mới", said.append) == given
    assert told in "\n".join(said)


def test_another_lock_is_set_up_by_the_bare_python(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never by that of the project's .venv, whose danvan would become the restored one."""
    monkeypatch.setenv("PYTHONPATH", str(published))
    ours, environment = restoring._build_py(published)
    assert ours[0] == sys.executable
    assert environment["PYTHONPATH"] == str(published)

    monkeypatch.setattr(restoring, "_CAN_BUILD", "raise SystemExit(1)")
    command, environment = restoring._build_py(published)
    assert command == [sys._base_executable, str(published / "build.py")]
    assert "PYTHONPATH" not in environment


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.10"])
def test_an_old_python_is_refused_in_one_sentence(version: str, exported: exporting.Exported, tmp_path: Path) -> None:
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    pythons = [*map(str, home.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")]
    python = next(filter(None, pythons), None)
    if not python:
        pytest.skip(f"no Python {version} on this machine")
    archive = shutil.copy(exported.path, tmp_path / "danvan.zip")
    done = subprocess.run([python, archive], capture_output=True, env={"LC_ALL": "C"}, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr.decode()) == (
        2,
        f"Kho lưu này cần Python 3.11 trở lên, nhưng đang chạy bằng Python {version}: "
        "hãy cài Python mới rồi chạy lại.\n",
    )
    assert listed(tmp_path) == ["danvan.zip"]


def test_how_an_archive_is_called(tiny: Project, tmp_path: Path) -> None:
    made = exporting.export(tiny, [YEAR], tmp_path / "kho.zip")

    def run(*words: str) -> tuple[int, str, str]:
        done = subprocess.run([sys.executable, made.path, *words], cwd=tmp_path, capture_output=True, encoding="utf-8")
        return done.returncode, done.stdout, done.stderr

    use = "Cách dùng: python3 kho.zip [THƯ_MỤC]   (mặc định: thư mục kho ở nơi đang đứng)\n"
    assert run("--help") == (0, use, "")
    assert run("một", "hai") == (2, use, "")
    assert run("--nhanh") == (2, use, "")
    assert run()[0] == 0
    assert (tmp_path / "kho/build.py").is_file()
    code, _, said = run()
    assert (code, said.startswith(f"Thư mục {tmp_path / 'kho'} đã có tệp.")) == (2, True)


# --- damaged ----------------------------------------------------------------------------------------------------


def flipped(archive: Path, to: Path, place: int) -> Path:
    data = bytearray(archive.read_bytes())
    data[place] ^= 0x20
    to.write_bytes(data)
    return to


def test_a_flipped_byte_in_each_part_is_named(tiny: Project, tmp_path: Path) -> None:
    made = exporting.export(tiny, [YEAR])
    with zipfile.ZipFile(made.path) as source:
        members, start = source.infolist(), source.start_dir
    assert len(members) == 13
    for member in members:
        place = member.header_offset + 30 + len(member.filename.encode()) + member.compress_size // 2
        with pytest.raises(RefusedError, match=re.escape(f"không còn nguyên: {member.filename} bị hỏng")):
            unpacking.check(flipped(made.path, tmp_path / "hỏng.zip", place))
    size = made.path.stat().st_size
    for place in (
        *range(0, 160, 5),
        *range(start, start + 60, 3),
        start + (size - start) // 2,
        *range(size - 22, size),
    ):
        with pytest.raises(RefusedError, match="không còn nguyên") as refused:
            unpacking.unpack(flipped(made.path, tmp_path / "hỏng.zip", place), tmp_path / "mới")
        assert refused.value.exit_code == 5
    assert listed(tmp_path) == ["dự án", "hỏng.zip"]


def test_what_is_cut_off_or_foreign_is_told(tiny: Project, tmp_path: Path) -> None:
    whole = exporting.export(tiny, [YEAR]).path.read_bytes()
    file = tmp_path / "kho.zip"
    for end in (100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:end])
        with pytest.raises(RefusedError, match=r"mục lục \(tệp chép chưa hết chăng\?\) bị hỏng"):
            unpacking.unpack(file, tmp_path / "mới")
    for foreign in (b"", b"PK\3\4", b"%PDF-1.7", bytes(200)):
        file.write_bytes(foreign)
        with pytest.raises(SettingsError, match=r"^kho.zip không phải kho lưu do build.py export lập.$"):
            unpacking.unpack(file, tmp_path / "mới")
    with pytest.raises(SettingsError, match=r"^Không có tệp "):
        unpacking.unpack(tmp_path / "không có.zip", tmp_path / "mới")
    assert not (tmp_path / "mới").exists()


def test_a_damaged_program_in_an_archive_is_told_too(tiny: Project, tmp_path: Path) -> None:
    made = exporting.export(tiny, [YEAR])
    with zipfile.ZipFile(made.path) as source:
        member = source.getinfo("danvan/restoring.py")
    place = member.header_offset + 30 + len(member.filename) + member.compress_size // 2
    bad = flipped(made.path, tmp_path / "hỏng.zip", place)
    done = subprocess.run([sys.executable, bad, "mới"], cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert done.returncode == 5
    assert done.stderr.startswith("Kho lưu này không còn nguyên")
    assert not (tmp_path / "mới").exists()


# --- malicious --------------------------------------------------------------------------------------------------

Change = Callable[[zipfile.ZipInfo], None]


def forged(
    to: Path,
    members: Sequence[tuple[str, bytes]],
    *,
    index: Mapping[str, Any] | None = None,
    raw: bytes | None = None,
    change: Change | None = None,
) -> Path:
    """An archive with a right seal, an index that names these members, and whatever is changed."""
    files = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in (*members, (README, b"x"))}
    record = json.loads(Index("0.1.0", "3.11.7", "0" * 64, (2023,), (), files).as_json()) | dict(index or {})
    with to.open("w+b") as file, unpacking.sealed(file), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name twice
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
            target.writestr(README, b"x")
            for name, data in members:
                member = zipfile.ZipInfo("x")
                member.filename, member.compress_type = name, zipfile.ZIP_DEFLATED
                if change:
                    change(member)
                target.writestr(member, data, member.compress_type)
            target.writestr(INDEX, json.dumps(record) if raw is None else raw)
    return to


def attributes(mode: int) -> Change:
    def change(member: zipfile.ZipInfo) -> None:
        member.external_attr = mode << 16

    return change


def packed_by_bzip2(member: zipfile.ZipInfo) -> None:
    member.compress_type = zipfile.ZIP_BZIP2


NAMES = {
    "../ngoài.txt": "tên chỉ ra ngoài thư mục",
    "data/../../ngoài.txt": "tên chỉ ra ngoài thư mục",
    "/etc/ngoài": "tên chỉ ra ngoài thư mục",
    "data//x": "tên chỉ ra ngoài thư mục",
    "data/": "tên chỉ ra ngoài thư mục",
    "data/./x": "tên chỉ ra ngoài thư mục",
    "C:/ngoài.txt": "tên có ký tự mà Windows không nhận",
    "C:ngoài.txt": "tên có ký tự mà Windows không nhận",
    "..\\ngoài.txt": "tên có ký tự mà Windows không nhận",
    "\\\\máy\\chung\\x": "tên có ký tự mà Windows không nhận",
    "data/x\0.xlsx": "tên có ký tự mà Windows không nhận",
    "data/x\n.xlsx": "tên có ký tự mà Windows không nhận",
    "data/x.csv:luồng": "tên có ký tự mà Windows không nhận",
    ".venv/bin/python": "tên của tệp ẩn",
    "data/.git/hooks": "tên của tệp ẩn",
    "data/x.": "tên kết thúc bằng dấu cách hoặc dấu chấm",
    "data /x": "tên kết thúc bằng dấu cách hoặc dấu chấm",
    "data/CON": "tên dành riêng của Windows",
    "data/nul.txt": "tên dành riêng của Windows",
    "data/Com1.xlsx": "tên dành riêng của Windows",
    "data/LPT²/x": "tên dành riêng của Windows",
    "data/aux .csv": "tên dành riêng của Windows",
    unicodedata.normalize("NFD", "data/Thủy.csv"): "tên không ở dạng dựng sẵn",
    "data/" + "x" * 250: "tên quá dài",
    "d/" * 250 + "x": "tên quá dài",
}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    bad = forged(tmp_path / "xấu.zip", [("build.py", b""), (name, b"x")])
    assert_refused(bad, NAMES[name], tmp_path)
    assert_refused(forged(bad, [("build.py", b"")], index={"folders": [name]}), NAMES[name], tmp_path)


TWINS = {
    "twice": ([("a/x", b"1"), ("a/x", b"1")], "“a/x”: có 2 lần"),
    "case": ([("a/x", b"1"), ("a/X", b"2")], "“a/X”: trùng với “a/x”"),
    "case of letters of two kinds": ([("a/ss", b"1"), ("a/ß", b"2")], "trùng với"),
    "a file and its folder": ([("a", b"1"), ("A/x", b"2")], "“A/x”: trùng với “a”"),
    "a second index": ([("Export.json", b"1")], "trùng với"),
}


@pytest.mark.parametrize("what", TWINS)
def test_twins_are_refused(what: str, tmp_path: Path) -> None:
    members, told = TWINS[what]
    assert_refused(forged(tmp_path / "xấu.zip", members), told, tmp_path)


ONE = [("a", b"12345")]
SIZED = {"size": 5, "sha256": hashlib.sha256(b"12345").hexdigest()}
RAW = {"not JSON": b"{", "no object": b"[]", "nothing": b"{}", "deep": b"[" * 100_000, "not UTF-8": b"\xff"}
OTHERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "link": (lambda to: forged(to, ONE, change=attributes(stat.S_IFLNK | 0o777)), "“a”: là liên kết"),
    "device": (lambda to: forged(to, ONE, change=attributes(stat.S_IFCHR | 0o666)), "“a”: là liên kết hoặc không phải"),
    "folder": (lambda to: forged(to, ONE, change=attributes(stat.S_IFDIR | 0o777)), "“a”: là liên kết hoặc không phải"),
    "method": (lambda to: forged(to, ONE, change=packed_by_bzip2), "“a”: đóng gói theo cách mà danvan không dùng"),
    "not in the index": (lambda to: forged(to, ONE, index={"files": {}}), "không có trong mục lục"),
    "not in the zip": (
        lambda to: forged(to, ONE, index={"files": {"a": SIZED, "b": SIZED, README: SIZED}}),
        "“b”: có trong mục lục nhưng không có tệp",
    ),
    "other size": (
        lambda to: forged(to, ONE, index={"files": {"a": SIZED | {"size": 4}, README: SIZED}}),
        "không đúng kích thước",
    ),
    "other content": (
        lambda to: forged(to, [("a", b"54321"), ("b", b"")], index=None, raw=index_of(("a", b"12345"), ("b", b""))),
        "không còn nguyên: a bị hỏng hoặc bị sửa",
    ),
    "bomb": (lambda to: forged(to, [("a", bytes(2**25))]), "“a”: nở ra tới 33,6 MB"),
    "number as text": (lambda to: forged(to, ONE, index={"years": ["2023"]}), f"{INDEX} bị hỏng"),
    "an edition with a path": (
        lambda to: forged(to, ONE, index={"documents": [{"year": 2023, "edition": "../x"}]}),
        f"{INDEX} bị hỏng",
    ),
    "an option for an edition": (
        lambda to: forged(to, ONE, index={"documents": [{"year": 2023, "edition": "--out"}]}),
        f"{INDEX} bị hỏng",
    ),
    "older than the first": (lambda to: forged(to, ONE, index={"format": 0}), f"{INDEX} bị hỏng"),
    "a key twice": (lambda to: forged(to, ONE, raw=b'{"format": 1, "format": 1}'), f"{INDEX} bị hỏng"),
    **{name: (lambda to, raw=raw: forged(to, ONE, raw=raw), f"{INDEX} bị hỏng") for name, raw in RAW.items()},
}


def index_of(*members: tuple[str, bytes]) -> bytes:
    files = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in (*members, (README, b"x"))}
    return Index("0.1.0", "3.11.7", "0" * 64, (2023,), (), files).as_json()


@pytest.mark.parametrize("what", OTHERS)
def test_an_archive_that_is_not_what_its_index_says_is_refused(what: str, tmp_path: Path) -> None:
    make, told = OTHERS[what]
    assert_refused(make(tmp_path / "xấu.zip"), told, tmp_path)


def assert_refused(archive: Path, told: str, folder: Path) -> None:
    """Nothing is written anywhere, and the reason is told."""
    before = contents(folder)
    (folder / "mới").mkdir(exist_ok=True)
    with pytest.raises(RefusedError, match=re.escape(told)):
        unpacking.unpack(archive, folder / "mới")
    assert contents(folder) == before
    assert {path.name for path in folder.iterdir()} == {"mới", archive.name}
    assert not any((folder / "mới").iterdir())


def test_the_name_of_a_refused_file_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        unpacking.check(forged(tmp_path / "xấu.zip", [("a\x1b[2J\u202e", b"")]))
    assert str(refused.value).isprintable()


def test_a_newer_archive_brings_its_own_reader(tmp_path: Path) -> None:
    newer = forged(tmp_path / "kho.zip", ONE, index={"format": 2})
    with pytest.raises(SettingsError, match=r"mới hơn lập. Hãy chạy chính nó: python3 kho.zip THƯ_MỤC$"):
        unpacking.unpack(newer, tmp_path / "mới")


# --- targets ----------------------------------------------------------------------------------------------------


def test_only_an_empty_folder_is_unpacked_into(tmp_path: Path) -> None:
    archive = forged(tmp_path / "kho.zip", [("a/b", b"1"), ("c", b"")], index={"folders": ["data/2022/returns"]})
    full, file, link = tmp_path / "đầy", tmp_path / "tệp", tmp_path / "liên kết"
    (full / "x").mkdir(parents=True)
    file.touch()
    link.symlink_to(full)
    for target, told in (
        (full, "đã có tệp. Không ghi đè"),
        (file, "không phải thư mục"),
        (link, "không phải thư mục"),
        (tmp_path / "không có/mới", "Không có thư mục"),
    ):
        with pytest.raises(SettingsError, match=told):
            unpacking.unpack(archive, target)
    assert [path.name for path in full.iterdir()] == ["x"]

    empty = tmp_path / "trống"
    empty.mkdir(mode=0o750)
    unpacking.unpack(archive, empty)
    assert stat.S_IMODE(empty.stat().st_mode) == 0o750
    assert {path.relative_to(empty).as_posix() for path in empty.rglob("*")} == {
        *("a", "a/b", "c", "data", "data/2022", "data/2022/returns")
    }


def test_what_comes_into_the_target_meanwhile_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, target = forged(tmp_path / "kho.zip", ONE), tmp_path / "mới"
    target.mkdir()
    content = unpacking._content

    def meanwhile(*words: Any) -> Iterator[bytes]:
        (target / "của người khác").touch()
        return content(*words)

    monkeypatch.setattr(unpacking, "_content", meanwhile)
    with pytest.raises(StageError, match="Không ghi được vào"):
        unpacking.unpack(archive, target)
    assert [path.name for path in target.iterdir()] == ["của người khác"]
    assert listed(tmp_path) == ["kho.zip", "mới"]


# --- exporting refuses ------------------------------------------------------------------------------------------


def test_what_cannot_be_restored_everywhere_is_not_packed(tiny: Project) -> None:
    returns = tiny.returns(YEAR)
    for name, told in {
        "Lê Chân?.csv": "returns/Lê Chân?.csv: tên có ký tự mà Windows không nhận, nên không khôi phục được",
        "AN LÃO.CSV": "là một tệp trên Windows. Hãy đổi tên một tệp",
        unicodedata.normalize("NFD", "An Lão.csv"): "Có hai tệp cùng tên data/2023/returns/An Lão.csv, khác nhau ở",
        "con.csv": "tên dành riêng của Windows",
    }.items():
        (returns / name).touch()
        with pytest.raises(SettingsError, match=re.escape(told)):
            exporting.export(tiny, [YEAR])
        (returns / name).unlink()
    assert not any(tiny.backups.glob("*"))


def test_links_are_not_followed(tiny: Project, tmp_path: Path) -> None:
    (tmp_path / "ngoài.csv").write_text("bí mật", encoding="utf-8")
    link = tiny.returns(YEAR) / "Lê Chân.csv"
    link.symlink_to(tmp_path / "ngoài.csv")
    with pytest.raises(SettingsError, match=r"^data/2023/returns/Lê Chân.csv là liên kết"):
        exporting.export(tiny, [YEAR])
    link.unlink()
    link.symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(SettingsError, match=r"^data/2023/returns/Lê Chân.csv là liên kết"):
        exporting.export(tiny, [YEAR])
    link.unlink()
    (tiny.root / "data").rename(tmp_path / "ổ khác")
    (tiny.root / "data").symlink_to(tmp_path / "ổ khác")
    with pytest.raises(SettingsError, match="nằm ngoài dự án"):
        exporting.export(tiny, [YEAR])


def test_what_only_its_owner_reads_is_taken_for_a_secret(tiny: Project) -> None:
    secret = tiny.root / "params/máy chủ.yaml"
    secret.touch(mode=0o600)
    tiny.catalogue.chmod(0o644)
    (tiny.returns(YEAR) / "An Lão.csv").chmod(0o600)  # as a mail program saves it
    with pytest.raises(SettingsError, match=r"^params/máy chủ.yaml chỉ chủ tệp đọc được, như một tệp bí mật"):
        exporting.export(tiny, [YEAR])
    tiny.catalogue.chmod(0o600)  # here everything is for the owner alone
    assert "params/máy chủ.yaml" in exporting.export(tiny, [YEAR]).index.files


def test_where_an_archive_is_not_written(
    tiny: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DANVAN_ROOT", str(tiny.root))
    own = tiny.root / "của tôi.xlsx"
    own.write_bytes(b"PK\3\4 khac")
    for words, told in (
        ([], "Hãy nêu năm cần lưu, hoặc --all"),
        (["2019"], "Năm 2019 chưa có phiếu và chưa có ấn bản nào nên không có gì để lưu."),
        (["2023", "--out", str(tiny.reports / "x.zip")], "/reports/x.zip: nơi ấy được công bố"),
        (["2023", "--out", str(tiny.returns(YEAR))], "/data/2023/returns/danvan-2023.zip: nơi ấy"),
        (["2023", "--out", str(tiny.root / "a/b.zip")], "Không có thư mục"),
        (["2023", "--out", str(own)], "đã có và không phải kho lưu do build.py export lập"),
    ):
        assert main(["export", *words]) == 2
        assert told in capsys.readouterr().err
    assert own.read_bytes() == b"PK\3\4 khac"
    assert main(["export", "--all"]) == 0
    said = capsys.readouterr().out
    assert "Mã sha256: " in said
    assert "chỉ dùng nội bộ" in said


def test_a_damaged_edition_replaces_no_backup(published: Path, tmp_path: Path) -> None:
    root = shutil.copytree(published, tmp_path / "dự án", symlinks=True)
    before = exporting.export(Project(root), [YEAR]).path.read_bytes()
    (root / EDITION / "trace.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"public-01 không còn nguyên: trace\.json"):
        exporting.export(Project(root), [YEAR])
    assert (root / "backups/danvan-2023.zip").read_bytes() == before


def test_what_changes_while_it_is_packed_is_refused(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(published, tmp_path / "dự án", symlinks=True)
    stated, opened = root / "data/2023/stated.csv", exporting._opened
    shutil.rmtree(root / "data/kept")  # else the edition has its own
    shutil.rmtree(root / "backups", ignore_errors=True)

    def meanwhile(path: Path) -> Any:
        if path == stated:
            path.write_bytes(path.read_bytes().swapcase())
        return opened(path)

    monkeypatch.setattr(exporting, "_opened", meanwhile)
    with pytest.raises(ChangedError, match=r"^data/2023/stated.csv thay đổi trong lúc lưu"):
        exporting.export(Project(root), [YEAR])
    assert listed(root / "backups") == []


# --- disks and kills --------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_backup_before(
    tiny: Project,
    tmp_path: Path,
    mount: Mount,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DANVAN_ROOT", str(tiny.root))
    disk = tmp_path / "đĩa"
    disk.mkdir()
    size = exporting.export(tiny, [YEAR]).size
    mount(disk, f"size={size * 3 // 2}")
    assert main(["export", "2023", "--out", str(disk)]) == 0
    before = (disk / "danvan-2023.zip").read_bytes()
    (tiny.returns(YEAR) / "Lê Chân.csv").write_text("mới", encoding="utf-8")
    capsys.readouterr()
    assert main(["export", "2023", "--out", str(disk)]) == 4
    assert "Hết chỗ trên đĩa khi ghi" in capsys.readouterr().err
    assert [(path.name, path.read_bytes()) for path in disk.iterdir()] == [("danvan-2023.zip", before)]

    with pytest.raises(StageError, match=r"^Cần .* MB để giải nén nhưng đĩa chứa .* chỉ còn .* MB"):
        unpacking.unpack(disk / "danvan-2023.zip", disk / "mới")
    monkeypatch.setattr(unpacking, "_require_room", lambda *_: None)
    with pytest.raises(StageError, match=r"^Hết chỗ trên đĩa khi giải nén"):
        unpacking.unpack(disk / "danvan-2023.zip", disk / "mới")
    assert listed(disk) == ["danvan-2023.zip"]


def killed(at: int, what: Any, name: str, run: Callable[[], object]) -> None:
    """Run this in a process of its own that is killed in the `at`-th call of a function."""
    child = os.fork()
    if not child:
        original, calls = getattr(what, name), iter(range(at))

        def count(*words: Any) -> Any:
            if next(calls, None) is None:
                os.kill(os.getpid(), 9)
            return original(*words)

        setattr(what, name, count)
        try:
            run()
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize(("name", "at"), [("_pack", 0), ("_pack", 8), ("_digest", 0), ("sha256", 0)])
def test_a_killed_export_leaves_the_backup_before(name: str, at: int, tiny: Project) -> None:
    before = exporting.export(tiny, [YEAR]).path.read_bytes()
    (tiny.returns(YEAR) / "Lê Chân.csv").write_text("mới", encoding="utf-8")
    what = unpacking if name == "_digest" else exporting
    killed(at, what, name, lambda: exporting.export(tiny, [YEAR]))
    assert listed(tiny.backups) == [".danvan-2023.zip.new", "danvan-2023.zip"]
    assert (tiny.backups / "danvan-2023.zip").read_bytes() == before
    exporting.export(tiny, [YEAR])
    assert listed(tiny.backups) == ["danvan-2023.zip"]


@pytest.mark.parametrize("at", [0, 8])
def test_a_killed_import_leaves_no_half_project(at: int, tiny: Project, tmp_path: Path) -> None:
    archive, target = exporting.export(tiny, [YEAR]).path, tmp_path / "mới"
    killed(at, unpacking, "_content", lambda: unpacking.unpack(archive, target))
    assert not target.exists()
    assert stat.S_IMODE((tmp_path / ".mới.new").stat().st_mode) == 0o700
    unpacking.unpack(archive, target)
    assert listed(tmp_path) == ["dự án", "mới"]
