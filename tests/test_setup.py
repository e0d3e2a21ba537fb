"""The door: build.py on old Pythons, first and later starts, and each way in which an installation can fail.

All but the last install a tiny lock from wheels made here and need no network; the last one installs the real lock.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from types import SimpleNamespace

import pytest

from danvan import install, setup
from danvan.stamp import VERSION

ROOT = Path(__file__).resolve().parent.parent
# The Python under the environment of these tests: bare, as a user's is.
BASE: str = getattr(sys, "_base_executable", sys.executable)
posix = pytest.mark.skipif(os.name == "nt", reason="process groups and signals of POSIX")

CLI = """
import os, sys

def main(argv: list[str]) -> int:
    print("chào", argv, os.environ["DANVAN_ROOT"], sys.prefix)
    return 7
"""
PYPROJECT = """
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "danvan"
version = "1"
description = "tiny"
[project.scripts]
danvan = "danvan.cli:main"
"""


# --- a tiny project and its wheels -----------------------------------------------------------------------------


def repacked(name: str, folder: Path) -> Path:
    """A wheel of a pure distribution that is installed here."""
    installed = distribution(name)
    wheel = folder / f"{name.replace('-', '_')}-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in installed.files or ():
            if file.parts[0] != ".." and file.suffix != ".pyc" and file.name not in ("INSTALLER", "REQUESTED"):
                archive.write(str(file.locate()), str(file))
    return wheel


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tiny lock names: danvan's build backend, `packaging`, and a package that no machine has."""
    folder = tmp_path_factory.mktemp("wheels")
    repacked("flit-core", folder)
    repacked("packaging", folder)
    with zipfile.ZipFile(folder / "trial_only-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("trial_only.py", "")
        info = "trial_only-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: trial-only\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return folder


def lock_of(wheels: Path) -> str:
    lines = ["nowhere==1 ; sys_platform == 'nowhere' \\\n    --hash=sha256:" + "0" * 64]
    for wheel in sorted(wheels.iterdir()):
        name, version, *_ = wheel.name.split("-")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def tiny(tmp_path: Path, wheels: Path) -> Path:
    """A project with the real door, a stub behind it, and a lock of three small wheels."""
    root = tmp_path / "dự án nhỏ"
    (root / "danvan").mkdir(parents=True)
    shutil.copy2(ROOT / "build.py", root)
    for name in ("__init__", "setup", "install", "stamp", "freshness", "paths", "store", "errors"):
        shutil.copy2(ROOT / "danvan" / f"{name}.py", root / "danvan")
    (root / "danvan" / "cli.py").write_text(CLI, encoding="utf-8")
    (root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (root / "requirements.lock").write_text(lock_of(wheels), encoding="utf-8")
    return root


@pytest.fixture
def environment(wheels: Path) -> dict[str, str]:
    """Environment variables under which pip knows the wheels made here and nothing else."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "DANVAN_", "PYTHON"))}
    return {**kept, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}


def begin(root: Path, environment: dict[str, str], *arguments: str, python: str = BASE) -> subprocess.Popen[str]:
    """Start build.py from another folder, in a process group of its own."""
    return subprocess.Popen(
        [python, str(root / "build.py"), *arguments],
        cwd=root.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and messages of a start, once it has ended."""
    output, messages = process.communicate(timeout=300)
    return process.returncode, output, messages


def greeting(root: Path, arguments: list[str], prefix: Path | None = None) -> str:
    return f"chào {arguments} {root} {prefix or root / '.venv'}\n"


# --- Pythons ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10"])
def test_an_old_python_is_refused_in_one_sentence(version: str) -> None:
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    pythons = [*map(str, home.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")]
    python = next(filter(None, pythons), None)
    if not python:
        pytest.skip(f"no Python {version} on this machine")
    done = subprocess.run([python, ROOT / "build.py"], capture_output=True, env={"LC_ALL": "C"}, check=False)
    assert done.stderr.decode() == (
        f"Cần Python 3.11 trở lên, nhưng lệnh này đang chạy bằng Python {version}: "
        "hãy cài Python mới rồi chạy lại bằng nó, ví dụ: python3.11 build.py\n"
    )
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_start_imports_next_to_nothing() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import danvan.setup; print(*sys.modules)"
    done = subprocess.run([BASE, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert not {"pathlib", "re", "subprocess", "shutil", "json", "importlib.util"} & set(done.stdout.split())


# --- .venv -----------------------------------------------------------------------------------------------------


def test_first_and_later_starts(tiny: Path, environment: dict[str, str]) -> None:
    environment |= {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"}  # as a Windows console might be

    assert end(begin(tiny, environment, "report", "hai chữ")) == (
        7,
        greeting(tiny, ["report", "hai chữ"]),
        "Lần chạy đầu: đang cài các gói cần thiết vào .venv, mất khoảng một đến hai phút.\nĐã cài xong.\n",
    )
    assert end(begin(tiny, environment)) == (7, greeting(tiny, []), "")
    inside = str(tiny / ".venv/bin/python") if os.name != "nt" else str(tiny / ".venv/Scripts/python.exe")
    assert end(begin(tiny, environment, python=inside)) == (7, greeting(tiny, []), "")
    assert not (tiny / ".venv.log").exists()

    # danvan can be imported from anywhere, whatever encoding Python reads .pth files in.
    [pth] = (tiny / ".venv").glob("[Ll]ib/**/site-packages/danvan.pth")
    assert pth.read_bytes().isascii()
    command = [inside, "-c", "import danvan, trial_only; print(danvan.__file__)"]
    done = subprocess.run(command, cwd=tiny.parent, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == str(tiny / "danvan" / "__init__.py")

    # A change of pyproject.toml alone needs no new .venv.
    (tiny / "pyproject.toml").write_text(PYPROJECT + "\n# changed\n", encoding="utf-8")
    (tiny / ".venv" / "mine").touch()
    assert end(begin(tiny, environment)) == (
        7,
        greeting(tiny, []),
        "Đang đăng ký danvan vào môi trường Python, mất vài giây.\nĐã cài xong.\n",
    )
    assert (tiny / ".venv" / "mine").exists()

    # A change of the lock does, even when the Python of the old .venv asks for it.
    with (tiny / "requirements.lock").open("a") as lock:
        lock.write("other==1 ; sys_platform == 'nowhere' --hash=sha256:" + "0" * 64 + "\n")
    assert end(begin(tiny, environment, python=BASE)) == (
        7,
        greeting(tiny, []),
        ".venv chưa cài xong hoặc đã cũ: đang cài lại từ đầu, mất khoảng một đến hai phút.\nĐã cài xong.\n",
    )
    assert not (tiny / ".venv" / "mine").exists()


@pytest.mark.long
def test_two_starts_at_once_install_once(tiny: Path, environment: dict[str, str]) -> None:
    (tiny / ".venv").mkdir()  # half made
    both = [begin(tiny, environment), begin(tiny, environment)]
    results = sorted(end(process) for process in both)
    assert [result[:2] for result in results] == [(7, greeting(tiny, []))] * 2
    assert [result[2] for result in results] == [
        ".venv chưa cài xong hoặc đã cũ: đang cài lại từ đầu, mất khoảng một đến hai phút.\nĐã cài xong.\n",
        "Một lần chạy khác đang cài các gói: chờ lần đó xong rồi chạy tiếp.\n",
    ]


@pytest.fixture
def silence() -> Iterator[socket.socket]:
    """A registry that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        yield server


def towards(server: socket.socket, environment: dict[str, str]) -> dict[str, str]:
    """`environment`, but pip asks that server."""
    address = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
    kept = {key: value for key, value in environment.items() if key not in ("PIP_NO_INDEX", "PIP_FIND_LINKS")}
    return {**kept, "PIP_INDEX_URL": address, "NO_PROXY": "127.0.0.1"}


@posix
@pytest.mark.long
def test_ctrl_c_during_the_installation(tiny: Path, environment: dict[str, str], silence: socket.socket) -> None:
    process = begin(tiny, towards(silence, environment))
    connection, _ = silence.accept()  # pip is at work
    with connection:
        os.killpg(process.pid, signal.SIGINT)
        result = end(process)
    assert result == (
        130,
        "",
        "Lần chạy đầu: đang cài các gói cần thiết vào .venv, mất khoảng một đến hai phút.\n"
        "Đã dừng khi đang cài: lần chạy sau sẽ tự cài lại.\n",
    )
    assert end(begin(tiny, environment)) == (
        7,
        greeting(tiny, []),
        ".venv chưa cài xong hoặc đã cũ: đang cài lại từ đầu, mất khoảng một đến hai phút.\nĐã cài xong.\n",
    )


@posix
@pytest.mark.long
def test_a_killed_start_leaves_pip_alone_until_it_ends(
    tiny: Path, environment: dict[str, str], silence: socket.socket
) -> None:
    killed = begin(tiny, towards(silence, environment))
    connection, _ = silence.accept()
    killed.kill()
    killed.wait()
    process = begin(tiny, environment)
    assert process.stderr is not None
    assert process.stderr.readline() == "Một lần chạy khác đang cài các gói: chờ lần đó xong rồi chạy tiếp.\n"
    assert process.poll() is None
    connection.close()
    silence.close()  # pip, an orphan now, gives up
    assert end(process)[:2] == (7, greeting(tiny, []))
    end(killed)


@pytest.mark.long
def test_failures_of_the_installation(
    tiny: Path, environment: dict[str, str], silence: socket.socket, wheels: Path
) -> None:
    lock = tiny / "requirements.lock"

    def sentence(**changes: str) -> str:
        code, output, messages = end(begin(tiny, environment | changes))
        assert (code, output) == (2, "")
        first, second = messages.splitlines()
        assert first.startswith(("Lần chạy đầu", ".venv chưa cài xong"))
        return second

    lock.write_text(lock_of(wheels) + "absent==1 --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    assert sentence() == (
        f"Cài các gói không thành: hãy xem {tiny / '.venv.log'}, hoặc gửi tệp đó cho người bảo trì dự án."
    )
    assert "No matching distribution found for absent==1" in (tiny / ".venv.log").read_text(encoding="utf-8")

    lock.write_text("trial-only==1.0 --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    assert sentence() == (
        "Một gói tải về không khớp mã kiểm tra trong requirements.lock nên không được cài: "
        "hãy chạy lại, nếu vẫn lỗi thì báo cho người quản trị mạng."
    )

    lock.write_text(lock_of(wheels), encoding="utf-8")
    nobody = towards(silence, environment)["PIP_INDEX_URL"]
    silence.close()
    assert sentence(PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=nobody, NO_PROXY="127.0.0.1") == (
        "Không kết nối được tới kho gói Python: hãy kiểm tra mạng (và proxy, nếu có) rồi chạy lại."
    )


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "Ổ đĩa đã đầy nên chưa cài xong: hãy dọn để còn trống ít nhất 2 GB rồi chạy lại.",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: 'C:\\\\x.pyd'",
            f"Không có quyền ghi một tệp khi cài các gói: hãy xem tệp nào trong {install.LOG}, cấp quyền rồi chạy lại.",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: 'C:\\\\x'\n"
            "HINT: This error might have occurred since this system does not have Windows Long Path support enabled.",
            "Đường dẫn quá dài với Windows: hãy chép dự án vào thư mục có đường dẫn ngắn hơn rồi chạy lại.",
        ),
    ],
)
def test_what_cannot_be_brought_about_here(output: str, sentence: str) -> None:
    assert install.explain(f"Collecting x\n{output}\n") == sentence


def test_python_without_venv(tiny: Path, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n", encoding="utf-8")
    tool = tmp_path / ("apt-get.exe" if os.name == "nt" else "apt-get")
    environment |= {"PYTHONPATH": str(tmp_path), "PATH": str(tmp_path)}
    assert end(begin(tiny, environment)) == (
        2,
        "",
        "Python này thiếu mô-đun venv: hãy cài Python bản đầy đủ rồi chạy lại.\n",
    )
    tool.touch(mode=0o755)
    assert end(begin(tiny, environment)) == (
        2,
        "",
        f"Python này thiếu mô-đun venv: hãy chạy “sudo apt install python{VERSION}-venv” rồi chạy lại.\n",
    )


def test_a_folder_that_cannot_be_written(tiny: Path, environment: dict[str, str]) -> None:
    (tiny / ".venv.lock").mkdir()  # refuses even root, who may write anywhere else
    assert end(begin(tiny, environment)) == (
        2,
        "",
        f"Không ghi được vào thư mục {tiny}: hãy chép dự án sang thư mục mà bạn có quyền ghi rồi chạy lại.\n",
    )


def test_an_incomplete_project(tiny: Path, environment: dict[str, str]) -> None:
    (tiny / "requirements.lock").unlink()
    assert end(begin(tiny, environment)) == (
        2,
        "",
        "Thiếu tệp requirements.lock: hãy giải nén lại toàn bộ dự án rồi chạy lại.\n",
    )


# --- an environment that someone else made ---------------------------------------------------------------------


@pytest.mark.long
def test_an_environment_with_the_lock_is_used(tiny: Path, environment: dict[str, str], tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    python = str(theirs / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    subprocess.run([BASE, "-m", "venv", theirs], check=True)
    command = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.lock"]
    subprocess.run(command, cwd=tiny, env=environment, check=True)

    registering = "Đang đăng ký danvan vào môi trường Python, mất vài giây.\n"
    used = (7, greeting(tiny, ["check"], theirs))
    assert end(begin(tiny, environment, "check", python=python)) == (*used, registering)
    assert end(begin(tiny, environment, "check", python=python)) == (*used, "")
    (theirs / "danvan-stamp").unlink()  # as if they had installed danvan themselves
    assert end(begin(tiny, environment, "check", python=python)) == (*used, "")

    moved = tiny.rename(tmp_path / "chỗ khác")
    used = (7, greeting(moved, ["check"], theirs))
    assert end(begin(moved, environment, "check", python=python)) == (*used, registering)
    assert not (moved / ".venv").exists()

    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "danvan", "pip"], check=True)
    assert end(begin(moved, environment | {"PATH": ""}, python=python)) == (
        2,
        "",
        "Môi trường Python này không có pip nên chưa đăng ký được danvan: hãy cài pip vào đó rồi chạy lại.\n",
    )


@pytest.mark.parametrize(
    ("lock", "satisfied"),
    [
        ("pyyaml==6.0 \\\n    --hash=sha256:00\n", True),
        ("# a comment\n\npyyaml==6.0 \\\r\n    --hash=sha256:00\r\n", True),
        ("pyyaml==6.1 \\\n    --hash=sha256:00\n", False),
        ("absent==1 \\\n    --hash=sha256:00\n", False),
        ("absent==1 ; sys_platform == 'nowhere' \\\n    --hash=sha256:00\n", True),
        ("absent==1 ; python_full_version >= '3.11' \\\n    --hash=sha256:00\n", False),
        # Two lines for one package: the one that applies here counts.
        ("types-x==1 ; python_version < '3'\ntypes-x==2.5 ; python_version >= '3'\n", True),
        ("types-x==2.5 ; python_version < '3'\ntypes-x==3 ; python_version >= '3'\n", False),
    ],
)
def test_lock_is_satisfied(lock: str, satisfied: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PyYAML-6.0", "types_x-2.5"):
        (tmp_path / f"{name}.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "absent.zip"), *sys.path])
    monkeypatch.setattr(setup, "project_file", lambda _: lock.encode())
    assert setup.lock_is_satisfied(known=False) is satisfied


# --- build.py test ---------------------------------------------------------------------------------------------


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that `build.py test` would run, short; mypy fails."""
    seen: list[list[str]] = []

    def record(command: list[str], **_: object) -> SimpleNamespace:
        seen.append(command[1:])
        return SimpleNamespace(returncode=int("mypy" in command))

    monkeypatch.setattr(subprocess, "run", record)
    return seen


def test_all_checks_run_even_when_one_fails(commands: list[list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    assert setup.run_tests([]) == 1
    assert [command[1] for command in commands[:3]] == ["ruff", "ruff", "mypy"]
    assert "lint_imports_command" in commands[3][1]
    assert commands[4][:5] == ["-m", "pytest", "--dist", "worksteal", "-n"]
    assert commands[4][6:] == ["-m", "not long", "tests"]
    assert capfd.readouterr().out == (
        "== ruff check\n== ruff format --check\n== mypy\n== lint-imports\nKhông đạt: mypy.\n== pytest\n"
    )


def test_long_and_selected_tests(commands: list[list[str]]) -> None:
    setup.run_tests(["--long"])
    assert commands[4][6:] == ["tests"]
    commands.clear()
    assert setup.run_tests(["--long", "-m", "long"]) == 0
    assert [command[6:] for command in commands] == [["-m", "long"]]
    commands.clear()
    setup.run_tests(["tests/test_setup.py", "-k", "lock"])
    assert [command[6:] for command in commands] == [["-m", "not long", "tests/test_setup.py", "-k", "lock"]]


# --- the real lock ---------------------------------------------------------------------------------------------


@posix
@pytest.mark.long
def test_the_real_lock_and_a_kill_in_the_middle(project: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DANVAN_", "PYTHON"))}
    process = begin(project, environment, "--help")
    log = project / ".venv.log"
    while process.poll() is None and not (log.exists() and b"Installing collected" in log.read_bytes()):
        time.sleep(0.1)
    time.sleep(2)
    os.killpg(process.pid, signal.SIGKILL)
    assert end(process)[0] == -signal.SIGKILL

    code, output, messages = end(begin(project, environment, "--help"))
    assert messages == (
        ".venv chưa cài xong hoặc đã cũ: đang cài lại từ đầu, mất khoảng một đến hai phút.\nĐã cài xong.\n"
    )
    assert code == 0
    assert "report" in output
    assert end(begin(project, environment, "--help")) == (0, output, "")
    code, output, _ = end(begin(project, environment, "test", "--version"))
    assert (code, output.startswith("== pytest\npytest ")) == (0, True)
