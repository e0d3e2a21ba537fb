"""What all tests share: markers, warnings as errors, and fixtures that cost nothing until asked for."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is not a failure; in CI the same examples are tried each time, on a desk new ones.
settings.register_profile(
    "danvan",
    deadline=None,
    derandomize=bool(os.environ.get("DANVAN_CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("danvan")

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ("params", "data", "notebooks", "danvan", "build.py", "pyproject.toml", "requirements.lock", "README.md")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-docs", action="store_true", help="write docs/rules.md anew from what was found")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: slow; runs with `build.py test --long` only")
    config.addinivalue_line("markers", "sampled(n): of a table of cases each n-th is quick, the others are long")
    # First, so that an exception that pyproject.toml or a test makes to it still counts.
    config.getini("filterwarnings").insert(0, "error")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    seen: Counter[str] = Counter()
    for item in items:
        if mark := item.get_closest_marker("sampled"):
            test = item.nodeid.partition("[")[0]
            if seen[test] % mark.args[0]:
                item.add_marker("long")
            seen[test] += 1


@pytest.fixture
def needs_tool() -> Callable[..., str]:
    """`needs_tool("chromium", "google-chrome")`: the path of the first that is installed, or the test is skipped.

    Where DANVAN_CI is set, which promises that .ci/run has installed every tool, the test fails instead; but not where
    `not_in_apt` says where else a tool is from.
    """

    def find(*names: str, not_in_apt: str = "") -> str:
        found = next((path for name in names if (path := shutil.which(name))), None)
        if found:
            return found
        reason = f"needs the tool {' or '.join(names)}, which is not installed"
        if not_in_apt:
            reason += f"; apt does not have it: {not_in_apt}"
        elif os.environ.get("DANVAN_CI"):
            pytest.fail(f"{reason}; .ci/run should have installed it")
        pytest.skip(reason)

    return find


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what analysts and developers own, with nothing built or installed."""
    return copy_project(tmp_path / "dự án")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the public report of 2023 built. Shared: read it, change nothing."""
    from danvan.paths import Project
    from danvan.pipeline import report

    copy = copy_project(tmp_path_factory.mktemp("built") / "dự án")
    report(Project(copy), 2023, "public")
    return copy


def copy_first_years(copy: Path) -> None:
    """Copy params and data of the first two years to the folder `copy`: what most tests read."""
    later = [path.stem for path in (ROOT / "params").glob("[0-9]*.yaml") if path.stem > "2023"]
    ignored = shutil.ignore_patterns("*.py", "__pycache__", *later, *(f"{year}.yaml" for year in later))
    for name in ("params", "data"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)


def copy_project(copy: Path, *years: int) -> Path:
    """Copy the project's own files to the folder `copy`; of the years the first two, or those that are named."""
    others = {path.stem for path in (ROOT / "params").glob("[0-9]*.yaml")} - set(map(str, years or (2022, 2023)))
    left_out = (*others, *(f"{year}.yaml" for year in others))
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "kept", *left_out)
    copy.mkdir()
    for name in PROJECT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        elif (ROOT / name).exists():
            shutil.copy2(ROOT / name, copy / name)
    return copy
