"""The repository itself: notebooks stored clean, the lock and its users in agreement, docs that tell the truth."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import unicodedata
from importlib.metadata import entry_points, requires
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from danvan import runner

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def locked() -> dict[str, set[str]]:
    """Versions by name: some packages stand twice, for two Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def lock_text() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_stored_without_outputs_and_say_nothing_typed(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert not [cell.id for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
    assert not [cell.id for cell in notebook.cells if "user_expressions" in cell.metadata]
    assert list(runner.problems(notebook, path.name)) == []
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells) == 1
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 15, cell.source
            imported = re.findall(r"^(?:from|import) (\w+)", cell.source, re.MULTILINE)
            assert set(imported) <= {"danvan", "pandas", "numpy", "matplotlib"}
        assert unicodedata.is_normalized("NFC", cell.source)
        assert not re.search("20[0-9]{2}", cell.source), "a year is typed in"


def test_the_lock_meets_every_range_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [Requirement(text) for text in project["project"]["dependencies"] + project["dependency-groups"]["test"]]
    versions = locked()
    for requirement in wanted:
        found = versions[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in found), requirement
    (backend,) = (Requirement(text) for text in project["build-system"]["requires"])
    assert all(backend.specifier.contains(version) for version in versions[canonicalize_name(backend.name)])


def test_what_danvan_imports_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    own = {"yaml": "pyyaml", "pil": "pillow", "ruamel": "ruamel.yaml", "pypandoc": "pypandoc_binary", "zmq": "pyzmq"}
    own |= {"pythonjsonlogger": "python-json-logger"}
    for path in (ROOT / "danvan").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"danvan", "packaging"}:
                assert canonicalize_name(own.get(name, name)) in declared, f"{path.name} imports {name}"


def test_the_lock_is_hashed_and_names_no_index() -> None:
    entries = re.split(r"\n(?=\S)", lock_text().strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in lock_text()
    assert not [entry for entry in entries if entry.startswith("-")]


def test_windows_finds_its_own_packages_in_the_lock() -> None:
    assert {"colorama", "pywinpty"} <= locked().keys()


def test_environment_yml_installs_the_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = (part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    assert pip == ["-r requirements.lock"]
    python = next(text for text in environment["dependencies"] if isinstance(text, str) and text.startswith("python"))
    assert python.removeprefix("python").strip() == ">=3.11"


def test_danvan_is_registered_with_what_pyproject_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {point.name for point in entry_points(group="nbconvert.exporters")}
    assert set(project["entry-points"]["nbconvert.exporters"]) <= names
    assert {Requirement(r).name for r in requires("danvan") or []} == {
        Requirement(r).name for r in project["dependencies"]
    }


def test_every_command_of_the_help_is_in_the_readme() -> None:
    from danvan.usage import HELP

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("report", "new-year", "form", "check", "lab", "test"):
        assert f"build.py {command}" in readme, command
        assert re.search(rf"^  {command}\b", HELP, re.MULTILINE)


def test_texts_are_nfc_in_the_house_spelling() -> None:
    try:
        names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs git and a checkout")
    own = [name for name in names if name.endswith((".md", ".yaml", ".ipynb", ".typ", ".j2")) and "tests/" not in name]
    for name in own:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert unicodedata.is_normalized("NFC", text), name
        assert not re.search(r"[uU][ỷỵ](?!\w)|[hH]oà(?!\w)|(?<![qQ])uý(?!\w)", text), name


def test_no_file_names_a_machine_or_a_registry() -> None:
    for path in (ROOT / "danvan").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "/home/" not in text, path
        assert "index-url" not in text, path
