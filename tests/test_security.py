"""What docs/security.md says: no code out of data, no way through links, nothing for others to read, no network."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, copy_first_years
from test_incremental import (
    base,  # noqa: F401 - fixtures
    builders,  # noqa: F401
    outputs,
    shared,  # noqa: F401
    without_builds,
)
from test_jobs import until

from danvan import laboratory, runner
from danvan.catalogue import Catalogue
from danvan.errors import SettingsError
from danvan.freshness import Sources, nothing_to_do
from danvan.intake.answers import Answers
from danvan.loading import MOST_BYTES, Strict, load_yaml, read_csv
from danvan.params import YearParams, load_params
from danvan.paths import Project
from danvan.store import NotAFileError, read_file, sha256

on_posix = pytest.mark.skipif(os.name == "nt", reason="links, pipes and rights of POSIX")
MAIN = "import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))"


# --- no code out of data ------------------------------------------------------------------------------------------

FORBIDDEN_MODULES = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput"} | {
    f"yaml.{name}" for name in ("load", "load_all", "full_load", "unsafe_load", "safe_load")
}
FORBIDDEN_METHODS = {"read_pickle", "to_pickle", "extractall", "import_module", "run_path"}
EXCEPTIONS = {
    ("danvan/newyear.py", "yaml.load"): "ruamel's, which makes no objects; of params that were just checked",
    ("danvan/cluster.py", "extractall"): "on a worker, of the archive that our own scheduler's task carries",
    ("danvan/kernels/inside.py", "import_module"): "the modules that environment.PRELOAD names",
}


def test_nothing_of_danvan_runs_what_it_reads() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), what)
        for path in (*(ROOT / "danvan").rglob("*.py"), ROOT / "build.py")
        for what in _dangerous(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set(EXCEPTIONS)


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from marshal import loads", "import cloudpickle as c", "eval(text)", "exec(x)"),
        *("compile(x, '', 'exec')", "yaml.load(x, Loader=yaml.Loader)", "subprocess.run('ls', shell=True)"),
        *("os.system('ls')", "pandas.read_pickle(x)", "numpy.load(x, allow_pickle=True)"),
    ],
)
def test_the_search_finds(code: str) -> None:
    assert list(_dangerous(ast.parse(code)))


def _dangerous(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (n.name for n in names if n.name.partition(".")[0] in FORBIDDEN_MODULES)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in FORBIDDEN_MODULES:
                yield module
            case ast.Call(func=func, keywords=keywords):
                name = ast.unparse(func)
                if name in FORBIDDEN_CALLS:
                    yield name
                elif name.rpartition(".")[2] in FORBIDDEN_METHODS:
                    yield name.rpartition(".")[2]
                for keyword in keywords:
                    if keyword.arg in ("shell", "allow_pickle") and ast.unparse(keyword.value) != "False":
                        yield f"{keyword.arg}=True"


def test_only_the_command_line_opens_jupyterlab() -> None:
    """So no scheduled run can: it calls the pipeline, not this."""
    using = {
        path.name
        for path in (ROOT / "danvan").rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("laboratory", "jupyterlab.", "LabApp"))
    }
    assert using == {"cli.py", "laboratory.py"}


# --- parameters are data ------------------------------------------------------------------------------------------

PARAMS = (ROOT / "params" / "2023.yaml").read_text(encoding="utf-8")
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
HOSTILE = {  # what stands in the file -> what is said of it
    "alias bomb": (BOMB, "dòng 2: YAML viết sai (không dùng bí danh (*)"),
    "one alias": ("x: &x 1\ny: *x\n", "dòng 2: YAML viết sai (không dùng bí danh (*)"),
    "deep flow": ("x: " + "[" * 50_000 + "]" * 50_000, "dòng 1: YAML viết sai (lồng nhau quá 20 tầng)"),
    "deep mappings": ("{a: " * 5_000 + "1" + "}" * 5_000, "dòng 1: YAML viết sai (lồng nhau quá 20 tầng)"),
    "deep block": ("- " * 5_000 + "x", "dòng 1: YAML viết sai (lồng nhau quá 20 tầng)"),
    "many keys": ("".join(f"k{n}: 1\n" for n in range(18_000)), "YAML viết sai (tệp có quá 10.000 mục)"),
    "many items": ("x: [" + "1," * 60_000 + "]", "dòng 1: YAML viết sai (tệp có quá 10.000 mục)"),
    "many unknown keys": ("".join(f"k{n}: 1\n" for n in range(4_000)), "dòng 1: không có khóa “k0”"),
    "huge text": (f'x: "{"a " * 90_000}"', "dòng 1: YAML viết sai (chữ dài 180.000 ký tự, quá 10.000)"),
    "huge block": ("x: |\n" + "  aaaaaaa\n" * 15_000, "dòng 1: YAML viết sai (chữ dài"),
    "huge key": ("x" * 900 + ": 1\n", "dòng 1: không có khóa “xxx"),
    "huge file": ("#" * (MOST_BYTES + 1), "tệp nặng quá 200.000 byte"),
    "python object": ("x: !!python/object/apply:os.system ['touch mark']\n", "dòng 1: YAML viết sai (không dùng thẻ"),
    "python name": ("x: !!python/name:os.system\n", "dòng 1: YAML viết sai (không dùng thẻ (!)"),
    "wrong number": ("x: !!int abc\n", "dòng 1: YAML viết sai (không dùng thẻ (!)"),
    "wrong truth": ("x: !!bool maybe\n", "dòng 1: YAML viết sai (không dùng thẻ (!)"),
    "binary": ("x: !!binary aGk=\n", "dòng 1: YAML viết sai (không dùng thẻ (!)"),
    "own tag": ("%TAG ! tag:yaml.org,2002:python/\n---\nx: !name:os.system\n", "dòng 3: YAML viết sai"),
    "key twice": ("x: 1\ny: 2\nx: 3\n", "dòng 3: khóa “x” viết hai lần"),
    "key that is a list": ("? [a, b]\n: 1\n", "dòng 1: YAML viết sai (khóa phải là một từ)"),
    "key that is a number": ("2023: x\n", "dòng 1: "),
    "key that is code": ("\"year=1; import os; os.mkdir('mark') #\": 1\n", "dòng 1: không có khóa “year=1; import os"),
    "key of papermill": ("__import__('os'): 1\n", "dòng 1: không có khóa"),
    "merge": ("<<: {year: 1}\n", "dòng 1: không có khóa “<<”"),
    "a list": ("- 1\n", "dòng 1: "),
    "a word": ("x\n", "dòng 1: "),
    "two documents": ("x: 1\n---\ny: 1\n", "dòng 2: YAML viết sai"),
    "nothing": ("", "tệp trống"),
    "no UTF-8": ("\udcff", "không phải UTF-8"),
    "hidden letter": ("x: \x00\n", "dòng 1: YAML viết sai (ký tự ẩn U+0000)"),
}
FILES: dict[str, type[Strict]] = {"2023.yaml": YearParams, "catalogue.yaml": Catalogue, "answers.yaml": Answers}


def refused_soon(path: Path, model: type[Strict]) -> str:
    """What is said of it; there is a second try, for others are at work here, too."""
    for attempt in range(2):
        start = time.process_time()
        with pytest.raises(SettingsError) as told:
            load_yaml(path, f"params/{path.name}", model)
        taken = time.process_time() - start
        if taken < 1:
            return str(told.value)
        assert attempt == 0, f"took {taken:.1f} s, twice"
    raise AssertionError


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_params_is_refused_within_a_second(
    what: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content, said = HOSTILE[what]
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    told = refused_soon(path, FILES[name])
    assert told.startswith(f"params/{name}")
    assert said in told
    assert len(told) < 10_000
    assert [one.name for one in tmp_path.iterdir()] == [name]  # no mark


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("year: 2023", "year: '2023'", "“year” là '2023'; cần số nguyên"),
        ("year: 2023", "year: [2023]", "cần số nguyên"),
        ("year: 2023", "year: 2023.0", "cần số nguyên"),
        ("year: 2023", "year: true", "cần số nguyên"),
        ("year: 2023", "year: " + "9" * 5_000, "cần số nguyên"),
        ("year: 2023", "year: 999999999999999999", "“year”"),
        ("year: 2023", "year: " + "9" * 5_000 + ".5", "cần số nguyên"),
        ("year: 2023", "year: 0x7E7", "cần số nguyên"),
        ("year: 2023", "year: 2023\nyear=1; import os: 1", "không có khóa “year=1; import os”"),
        ("year: 2023", "year: {a: 1}", "cần số nguyên"),
        ("hotline:", "hotline: [1]\nx:", "“hotline” là [1]; cần chữ"),
    ],
)
def test_a_wrong_value_in_params_is_told_with_its_line(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert f"\n{old}" in PARAMS
    path = tmp_path / "2023.yaml"
    path.write_text(PARAMS.replace(f"\n{old}", f"\n{new}", 1), encoding="utf-8")
    told = refused_soon(path, YearParams)
    assert said in told
    assert all(line.startswith("params/2023.yaml, dòng ") for line in told.splitlines())


HOSTILE_RELATIONS = [
    "__import__('os').system('true')",
    "a" * 9_999,
    "1" * 5_000 + " tips_received <= a",
    "a + " * 2_000,
]


@pytest.mark.parametrize("relation", HOSTILE_RELATIONS, ids=["code", "long", "factor", "terms"])
def test_a_relation_of_the_catalogue_is_read_not_run(relation: str, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    check = {"rule": "x", "severity": "error", "holds": relation, "reason": "x"}
    path.write_text(json.dumps({"indicators": [], "checks": [check]}), encoding="utf-8")
    assert "params/catalogue.yaml, dòng 1" in refused_soon(path, Catalogue)


@pytest.mark.parametrize("name", ["year=1; import os", "edition\n", "không có", "__builtins__"])
def test_a_parameter_that_the_notebook_does_not_declare_never_reaches_it(name: str, tmp_path: Path) -> None:
    notebook = ROOT / "notebooks" / "annual_report.ipynb"
    with pytest.raises(SettingsError, match="không có tham số"):
        runner.run(notebook, {name: 1}, tmp_path / "out.ipynb", shown="notebooks/annual_report.ipynb", own={})
    assert not list(tmp_path.iterdir())


def test_a_table_with_a_cell_that_never_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n" + '"' + "x" * 200_000, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^params/x.csv, dòng 3: một ô quá dài"):
        list(read_csv(path, "params/x.csv", ("a", "b")))


# --- inputs are files ---------------------------------------------------------------------------------------------

INPUTS = (
    *("params/2023.yaml", "params/2022.yaml", "params/catalogue.yaml", "params/units.csv", "params/lineage.csv"),
    *("params/bodies.csv", "params/tiles.csv", "data/reference/population.csv", "data/reference/series.csv"),
    *("data/2023/stated.csv", "data/2023/answers.yaml", "data/2023/received.csv"),
    *("notebooks/annual_report.ipynb", "requirements.lock"),
)
UNHASHED = {"data/2023/received.csv"}  # a build does not depend on when a file came


def in_place(path: Path, kind: str, aside: Path) -> None:
    """A link, a pipe, a folder or a device in the place of a file."""
    if path.exists():
        path.replace(aside)
    match kind:
        case "link":
            path.symlink_to(aside)
        case "link to nowhere":
            path.symlink_to("không có")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("inputs") / "dự án"
    copy_first_years(root)
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "requirements.lock", root)
    return Project(root)


@on_posix
@pytest.mark.parametrize("kind", ["link", "link to nowhere", "pipe", "folder", "device"])
@pytest.mark.parametrize("name", INPUTS)
def test_what_stands_in_the_place_of_an_input_is_refused_by_name(
    plain: Project, name: str, kind: str, tmp_path: Path
) -> None:
    from danvan import received

    def ask() -> object:
        return received.load(plain, 2023) if name in UNHASHED else Sources(plain).report(2023, "public")

    path = plain.root / name
    there = path.exists()
    in_place(path, kind, tmp_path / "aside")
    try:
        with pytest.raises(SettingsError) as told:
            ask()
        what = {"pipe": "tệp đặc biệt của hệ thống", "folder": "thư mục"}.get(kind, "liên kết")
        assert str(told.value).startswith(f"{name} là {what}, không phải tệp thường nên không được đọc.")
        assert nothing_to_do(plain, ["report", "2023"]) is None  # and no traceback there
    finally:
        path.rmdir() if kind == "folder" else path.unlink()
        if there:
            (tmp_path / "aside").replace(path)


@on_posix
@pytest.mark.parametrize("kind", ["link", "pipe", "device"])
def test_no_reader_follows_or_waits(kind: str, tmp_path: Path) -> None:
    """Whoever asks the readers themselves, without asking first what is current."""
    aside = tmp_path / "aside"
    aside.write_text("x")
    path = tmp_path / "2023.yaml"
    in_place(path, kind, aside)
    with pytest.raises(SettingsError, match=r"^params/2023.yaml là "):
        load_yaml(path, "params/2023.yaml", YearParams)
    with pytest.raises(SettingsError, match=r"^x.csv là "):
        list(read_csv(path, "x.csv", ("a",)))
    with pytest.raises(SettingsError, match=r"^x.ipynb là "):
        runner.read(path, "x.ipynb")
    for read in (read_file, sha256):
        with pytest.raises(NotAFileError):
            read(path)


@on_posix
def test_a_link_that_takes_the_place_at_the_last_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, secret = tmp_path / "x", tmp_path / "secret"
    path.write_text("x")
    secret.write_text("secret")
    real = os.open

    def swap(name: Path, flags: int, *more: int) -> int:
        path.unlink()
        path.symlink_to(secret)
        return real(name, flags, *more)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(NotAFileError):
        read_file(path)


@on_posix
def test_a_folder_that_is_a_link_is_the_administrators_business(plain: Project, tmp_path: Path) -> None:
    """A large disk elsewhere, say; docs/security.md says so."""
    linked = Project(tmp_path / "dự án")
    linked.root.symlink_to(plain.root, target_is_directory=True)
    assert load_params(linked, 2023).year == 2023


# --- rights -------------------------------------------------------------------------------------------------------

WRITER = """
import json, os, stat, sys
from pathlib import Path
folder = Path(sys.argv[1])
os.umask(int(sys.argv[2], 8))
from danvan import store
mode = lambda path: oct(stat.S_IMODE(path.stat().st_mode))
seen = {}
fsync = os.fsync
def look(number):
    seen.setdefault("half", oct(stat.S_IMODE(os.fstat(number).st_mode)))
    fsync(number)
os.fsync = look
(folder / ".a.txt.new").write_text("what a killed run left")
(folder / ".a.txt.new").chmod(0o666)
store.write_atomic(folder / "a.txt", b"x")
seen["file"] = mode(folder / "a.txt")
with store.swapped_in(folder / "public") as new:
    seen["half folder"] = mode(new)
    store.write_atomic(new / "b.txt", b"x")
    (new / "figures").mkdir()
    (new / "figures" / "c.svg").write_text("x")
for name in ("public", "public/b.txt", "public/figures", "public/figures/c.svg"):
    seen[name] = mode(folder / name)
cache = store.Cache(folder / ".cache")
cache.put("html", "k", b"x")
seen["kept"] = mode(folder / ".cache" / "html" / "k")
assert cache.get("html", "k") == b"x"
print(json.dumps(seen))
"""


@on_posix
@pytest.mark.parametrize(
    ("umask", "file", "folder"), [("022", 0o644, 0o755), ("027", 0o640, 0o750), ("077", 0o600, 0o700)]
)
def test_what_is_half_done_is_its_owners_and_what_is_done_has_the_usual_rights(
    umask: str, file: int, folder: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), umask]
    done = subprocess.run(command, capture_output=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert {name: int(mode, 8) for name, mode in json.loads(done.stdout).items()} == {
        "half": 0o600,
        "half folder": 0o700,
        "file": file,
        "public": folder,
        "public/b.txt": file,
        "public/figures": folder,
        "public/figures/c.svg": file,
        "kept": 0o600,
    }


# --- JupyterLab ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        *("--ip=0.0.0.0", "--ip 0.0.0.0", "--ServerApp.ip=", "--LabApp.ip=*", "--NotebookApp.ip=0.0.0.0", "--i=::"),
        *("--IdentityProvider.token=", "--ServerApp.token=''", "--NotebookApp.token=", "--LabApp.token=x"),
        *("--ServerApp.password=", "--PasswordIdentityProvider.hashed_password=x", "--ServerApp.allow_origin=*"),
        *(
            "--ServerApp.allow_remote_access=True",
            "--ServerApp.disable_check_xsrf=True",
            "--sock=/x",
            "--gateway-url=x",
        ),
        *("--config=x.py", "--config x.py", "--conf=x", "--ServerApp.tornado_settings={}", "--ServerApp.ip", "-y"),
        *("--port-retries=0", "--port", "--port=99999", "--port=x", "--portx=1", "--certfile=x", "--", "build", "-h"),
        *("--no-browser=1", "--ServerApp.root_dir=/", "--LabApp.default_url=//x", "../x.ipynb", "--expose-app"),
    ],
)
def test_what_would_open_jupyterlab_to_others_is_refused(given: str, plain: Project) -> None:
    with pytest.raises(SettingsError, match=r"^(Lệnh lab không nhận “[^”]+”|Không có sổ)") as told:
        laboratory.arguments(plain, given.split())
    assert told.value.exit_code == 2
    assert "=" not in str(told.value)  # a value may be a secret


def test_what_is_harmless_goes_to_jupyterlab(plain: Project) -> None:
    options, notebook = laboratory.arguments(plain, ["--no-browser", "--port", "8899", "notebooks/trends.ipynb"])
    assert options == ["--no-browser", "--ServerApp.port=8899"]
    assert notebook == plain.trends_notebook
    assert laboratory.arguments(plain, ["--port=0"]) == (["--ServerApp.port=0"], plain.report_notebook)


CAREFREE = """
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.allow_remote_access = True
c.ServerApp.allow_origin = "*"
c.ServerApp.disable_check_xsrf = True
c.ServerApp.token = ""
c.ServerApp.password = ""
c.IdentityProvider.token = ""
c.PasswordIdentityProvider.token = ""
"""


@pytest.mark.long
@on_posix
def test_a_careless_configuration_at_home_does_not_open_jupyterlab(plain: Project, tmp_path: Path) -> None:
    home = tmp_path / "nhà"
    (home / ".jupyter").mkdir(parents=True)
    for name in ("jupyter_server_config.py", "jupyter_lab_config.py", "jupyter_config.py"):
        (home / ".jupyter" / name).write_text(CAREFREE)
    (home / ".jupyter" / "jupyter_notebook_config.py").write_text('c.NotebookApp.token = ""\nc.NotebookApp.ip = "*"\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG_"))}
    own = {"HOME": str(home), "PYTHONPATH": str(ROOT), "DANVAN_ROOT": str(plain.root), "JUPYTER_TOKEN": "known"}
    command = [sys.executable, "-c", MAIN, "lab", "--no-browser", "--allow-root", "--port=0"]
    with subprocess.Popen(command, env=kept | own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as lab:
        try:
            assert lab.stdout is not None
            address = lab.stdout.readline().partition(": ")[2].strip()
            page, _, token = address.partition("?token=")
            assert page.startswith("http://127.0.0.1:")
            assert page.endswith("/lab/tree/notebooks/annual_report.ipynb")
            assert len(token) == 48
            origin = page.partition("/lab")[0]
            process = psutil.Process(lab.pid)
            until(process.net_connections, 30)
            listening = [one.laddr.ip for one in process.net_connections() if one.status == psutil.CONN_LISTEN]
            assert listening == ["127.0.0.1"]
            assert token not in " ".join(process.cmdline())
            assert status_of(f"{origin}/api/contents") == 403
            assert status_of(f"{origin}/api/contents?token=known") == 403
            assert status_of(f"{origin}/api/contents?token=") == 403
            assert status_of(f"{origin}/api/contents?token={token}") == 200
            assert status_of(f"{origin}/api/contents?token={token}", Host="evil.example") == 403  # DNS rebinding
            told = [path for path in home.rglob("*") if path.is_file() and token in path.read_text(errors="replace")]
            for path in told:  # Jupyter's own notes: in a folder, or of a kind, that only the owner can read
                around = (path, *(one for one in path.parents if home in one.parents))
                assert any(stat.S_IMODE(one.stat().st_mode) & 0o077 == 0 for one in around), path
        finally:
            lab.send_signal(signal.SIGTERM)
            lab.wait(30)


def status_of(address: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


# --- no network ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="network namespaces of Linux")
def test_a_build_without_a_network_gives_the_same_bytes_and_listens_to_no_other_machine(
    base: Path,  # noqa: F811
    tmp_path: Path,
    needs_tool: Callable[..., str],
) -> None:
    unshare = [needs_tool("unshare"), *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets us make no network namespace")
    root = without_builds(base, tmp_path / "không mạng")
    unwanted = ("PYTHON", "DANVAN_", "SOURCE_DATE_EPOCH", "WARM_KERNELS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    own = {"PYTHONPATH": str(root), "DANVAN_ROOT": str(root)}
    command = [*unshare, sys.executable, "-c", MAIN, "report", "2023", "--jobs", "1"]
    listening: set[str] = set()
    interfaces = ""
    with subprocess.Popen(command, env=kept | own, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as build:
        while build.poll() is None:
            try:  # every socket of the namespace is one of the build's processes
                if Path(f"/proc/{build.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
                    continue  # not in it yet
                for protocol in ("tcp", "tcp6"):
                    lines = Path(f"/proc/{build.pid}/net/{protocol}").read_text().splitlines()[1:]
                    listening |= {line.split()[1].partition(":")[0] for line in lines if line.split()[3] == "0A"}
                interfaces = Path(f"/proc/{build.pid}/net/dev").read_text() or interfaces
            except OSError:
                continue
            time.sleep(0.05)
        assert build.stdout is not None
        assert build.returncode == 0, build.stdout.read().decode()
    assert "lo:" in interfaces
    assert listening <= {
        "0100007F"
    }  # 127.0.0.1: ipykernel's pipe for what child processes print, with a secret of its own
    mine, theirs = (outputs(one)["reports/2023/public"] for one in (root, base))
    assert "bao-cao-2023.pdf" in mine
    assert mine == theirs
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (root / "reports/2023").rglob("*") if path.is_file()}
    assert modes == {0o666 & ~int(Path("/proc/self/status").read_text().partition("Umask:")[2].split()[0], 8)}


def test_the_threat_model_names_tests_that_there_are() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", (ROOT / "docs" / "security.md").read_text(encoding="utf-8")))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).is_file()] == []
