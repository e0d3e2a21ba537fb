"""Each rule of reading and checking: what brings it about, that it says where and what to do, and loses nothing else.

docs/rules.md is made from the rules and from what these cases really found: `pytest tests/test_rules.py --update-docs`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus import CASES, Case
from workbooks import remember_good_files

from danvan.catalogue import load_catalogue
from danvan.intake.container import SAID
from danvan.intake.findings import Finding
from danvan.intake.rules import GROUPS, RULES
from danvan.intake.year import Year, read_year
from danvan.paths import Project

ROOT = Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "rules.md"
CATALOGUE = load_catalogue(Project(ROOT))
# A race and a right that no test as root can bring about: tests/unit/test_container.py stands in for the system.
OF_THE_SYSTEM = {"not-readable", "still-being-written"}
IDS = [f"{case.rule}-{place}" for place, case in enumerate(CASES)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_good_files(monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in ("params", "data/reference", "data/2022", "data/2023"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return Project(tmp_path)


@pytest.fixture(scope="module")
def good() -> Year:
    """The year as committed, with its three warnings."""
    return read_year(Project(ROOT), 2023)


def broken(project: Project, case: Case) -> tuple[Year, Finding]:
    case.make(project)
    year = read_year(project, 2023)
    found = [f for f in year.findings if f.rule == case.rule and f.unit == case.unit]
    assert found, [f"{f.rule} {f.unit} {f.cell}" for f in year.findings]
    return year, found[0]


def test_every_rule_has_a_case() -> None:
    tried = {case.rule for case in CASES}
    assert tried | OF_THE_SYSTEM == RULES.keys() | {check.rule for check in CATALOGUE.checks}
    assert set(SAID) <= RULES.keys()


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.sampled(8)
def test_a_rule(case: Case, project: Project, good: Year) -> None:
    before = {path: path.read_bytes() for path in project.returns(2023).iterdir()}
    case.make(project)
    touched = {path for path in project.returns(2023).iterdir() if path.is_file() and not path.is_symlink()}
    bytes_before = {path: path.read_bytes() for path in touched}
    year = read_year(project, 2023)
    found = [f for f in year.findings if f.rule == case.rule and f.unit == case.unit]
    assert found, [f"{f.rule} {f.unit} {f.cell}" for f in year.findings]
    one = found[0]
    if case.place is not None:
        assert (one.cell.sheet, one.cell.ref) == case.place
    assert one.cell.file
    assert one.found
    for sentence in (one.reason, one.remedy):
        assert re.search(r"[.?!]$", sentence), sentence
        assert sentence[0].isupper() or sentence[0] == "“", sentence

    kept = {r.unit.name: len(r.observations) for r in year.returns}
    if case.kept is None:
        assert case.of not in kept
        assert case.of in {unit.name for unit in year.missing}
        assert one.severity == "error"
    else:
        assert kept[case.of] == case.kept
    expected = {r.unit.name: r for r in good.returns if r.unit.name != case.of}
    for r in year.returns:  # nothing else was lost
        if r.unit.name != case.of:
            assert r == expected.pop(r.unit.name)
    assert not expected
    assert {path: path.read_bytes() for path in touched} == bytes_before  # no return is ever changed
    assert before


@pytest.mark.long
def test_the_rules_are_documented_as_they_are(project: Project, request: pytest.FixtureRequest) -> None:
    text = "\n".join(document(project))
    if request.config.getoption("--update-docs"):
        DOC.write_text(text, encoding="utf-8")
    assert DOC.read_text(encoding="utf-8") == text


def document(project: Project) -> Iterator[str]:
    """docs/rules.md: each rule with an example that has really been found, and the remedy that was told with it."""
    yield "# Quy tắc kiểm tra phiếu"
    yield ""
    yield "Tệp này do `pytest tests/test_rules.py --update-docs` lập từ `danvan/intake/rules.py` và"
    yield "`params/catalogue.yaml`; mỗi ví dụ là một lần kiểm tra có thật trên phiếu minh họa bị làm sai. **Lỗi** phải"
    yield "sửa trong phiếu; **chờ giải trình** thì sửa, hoặc giải trình một lần trong `data/NĂM/answers.yaml`."
    examples = dict(_examples(project))
    checks: dict[str, tuple[str, str]] = {}
    for check in CATALOGUE.checks:
        severity, reasons = checks.get(check.rule, (check.severity, ""))
        checks[check.rule] = severity, f"{reasons} {check.reason}".strip() if check.reason not in reasons else reasons
    groups = {name: {rule: (r.severity, r.when) for rule, r in rules.items()} for name, rules in GROUPS.items()}
    for group, rules in {**groups, "Giữa các số (theo danh mục chỉ tiêu)": checks}.items():
        yield f"\n## {group}"
        for rule, (severity, when) in rules.items():
            yield f"\n### {rule}"
            yield f"\n{'Lỗi' if severity == 'error' else 'Chờ giải trình'}. {when}"
            if rule in examples:
                one = examples[rule]
                where = ", ".join(filter(None, (one.cell.sheet and f"trang “{one.cell.sheet}”", one.cell.ref)))
                yield f"\n- Ví dụ: {where + ': ' if where else ''}`{one.found}`. {one.reason}"
                yield f"- Cần làm: {one.remedy}"
            else:
                reason, remedy = SAID[rule]
                yield f"\n- {reason}"
                yield f"- Cần làm: {remedy}"
    yield ""


def _examples(project: Project) -> Iterator[tuple[str, Finding]]:
    data = project.root / "data"
    aside = project.root / "aside"
    data.rename(aside)
    for case in reversed(CASES):  # so that the first of a rule stays
        shutil.copytree(aside, data)
        yield case.rule, broken(project, case)[1]
        shutil.rmtree(data)
