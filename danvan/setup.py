# ruff: noqa: PTH110, PTH118, PTH120, PTH123, PTH208 - os.path, because pathlib would cost 10 ms at every start
"""Finds the Python to run in, or has one made, and hands over to it.

build.py calls `main` before anything is installed and at every start: standard library only, and what not every
start needs is imported where it is used.
"""

from __future__ import annotations

import os
import sys

from danvan import stamp
from danvan.stamp import ROOT, VENV, VENV_PYTHON, VERSION, SetupError, project_file


def main(argv: list[str]) -> int:
    """Run the command `argv` in an environment that fits requirements.lock; gives the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and stream.encoding.lower() != "utf-8":
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    os.environ["DANVAN_ROOT"] = ROOT
    try:
        if not fits_here():
            return hand_over(argv)
        if argv[:1] == ["test"]:
            return run_tests(argv[1:])
        if said := nothing_to_do(argv):
            print(said)
            return 0
        from danvan.cli import main as command_line

        return command_line(argv)
    except SetupError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def nothing_to_do(argv: list[str]) -> str | None:
    """What to say where all that is asked for is there and current: found without importing what builds it."""
    from pathlib import Path

    from danvan import freshness
    from danvan.paths import Project

    return freshness.nothing_to_do(Project(Path(ROOT)), argv)


# --- where to run ---------------------------------------------------------------------------------------------


def fits_here() -> bool:
    """Whether this very interpreter can do the work; if not, a good .venv is there when this returns."""
    if stamp.fits(VENV):
        return stamp.is_here(VENV)
    found = stamp.read(sys.prefix)
    known = found == stamp.right(VERSION)
    here = lock_is_satisfied(known)
    if not here or not danvan_is_here() or (found and not known):
        from danvan import install

        if here:
            install.register_here()
        else:
            install.make_venv()
    return here


def hand_over(argv: list[str]) -> int:
    """Start build.py again in .venv; comes back only on Windows, which has no exec, with the exit code."""
    command = [VENV_PYTHON, os.path.join(ROOT, "build.py"), *argv]
    if os.name != "nt":
        os.execv(command[0], command)
    import subprocess

    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # Ctrl-C reaches the other process too, and its exit code is the one that counts


# --- an environment that someone else made: conda, uv, a container ---------------------------------------------


def lock_is_satisfied(known: bool) -> bool:
    """Whether each line of requirements.lock that applies here is installed here, in exactly its version.

    `known`: the stamp says that lines with a marker were weighed already, which takes longer than all the rest.
    """
    installed, markers = distributions(), []
    for line in project_file("requirements.lock").decode().splitlines():
        requirement, _, marker = line.rstrip(" \\").partition(";")
        name, exactly, version = requirement.strip().partition("==")
        if not exactly or line[0] in " #" or installed.get(normal(name), ("",))[0] == version:
            continue
        if not marker:
            return False
        markers.append(marker)
    if known:
        return True
    try:
        from packaging.markers import Marker
    except ImportError:
        return False
    return not any(Marker(marker).evaluate() for marker in markers)


def distributions() -> dict[str, tuple[str, str]]:
    """Name -> version and .dist-info folder of what is on sys.path; from file names alone, to be quick."""
    found: dict[str, tuple[str, str]] = {}
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")
        except OSError:
            continue  # a zip file, or a folder that is not there
        for name in names:
            if name.endswith(".dist-info"):
                project, _, version = name.removesuffix(".dist-info").rpartition("-")
                found.setdefault(normal(project), (version, os.path.join(entry, name)))
    return found


def normal(name: str) -> str:
    """A distribution's name as the lock spells it."""
    import re

    return re.sub("[-_.]+", "-", name).lower()


def danvan_is_here() -> bool:
    """Whether this environment takes danvan from this folder."""
    _, folder = distributions().get("danvan", ("", ""))
    try:
        with open(os.path.join(os.path.dirname(folder), "danvan.pth"), encoding="utf-8") as file:
            return file.read().strip() in stamp.PTH_LINES
    except (OSError, ValueError):
        return False


# --- build.py test ---------------------------------------------------------------------------------------------


def run_tests(arguments: list[str]) -> int:
    """Run the linters and the tests, or pytest alone with the given arguments; gives 1 if any of them failed.

    `--long` takes the slow suites too. pytest comes last, so that its closing line is the last one.
    """
    import subprocess

    def passes(name: str, command: list[str]) -> bool:
        print(f"== {name}", flush=True)
        return subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode == 0

    selected = [argument for argument in arguments if argument != "--long"]
    speed = [] if "--long" in arguments else ["-m", "not long"]
    # A test may start kernels, so not as many as there are cores. Tests that stand together share what they prepare.
    workers = str(min(os.cpu_count() or 1, 4))
    sources = ["build.py", "danvan", "notebooks", "tests"]
    sources = [name for name in sources if os.path.exists(os.path.join(ROOT, name))]
    linters = {
        "ruff check": ["-m", "ruff", "check", *sources],
        "ruff format --check": ["-m", "ruff", "format", "--check", *sources],
        "mypy": ["-m", "mypy"],
        "lint-imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
    }
    failed = [name for name, command in linters.items() if not selected and not passes(name, command)]
    if failed:
        print(f"Không đạt: {', '.join(failed)}.")
    passed = passes("pytest", ["-m", "pytest", "--dist", "worksteal", "-n", workers, *speed, *(selected or ["tests"])])
    return 1 if failed or not passed else 0
