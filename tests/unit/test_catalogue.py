"""What the catalogue says, that it agrees with the published list of indicators, and how its mistakes are told."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from danvan.catalogue import UNIT_COUNTS, Catalogue, Check, Indicator, Term, load_catalogue
from danvan.errors import SettingsError
from danvan.paths import Project

ROOT = Path(__file__).resolve().parent.parent.parent
PUBLISHED = ROOT / "tests" / "published" / "indicator_catalogue.csv"
CATALOGUE = load_catalogue(Project(ROOT))


def published() -> dict[str, dict[str, str]]:
    with PUBLISHED.open(encoding="utf-8-sig", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


# --- the committed catalogue -----------------------------------------------------------------------------------


def test_all_indicators_are_there_once() -> None:
    assert len(CATALOGUE.indicators) == len(CATALOGUE.by_code) == 58
    assert set(CATALOGUE.by_code) == set(published())
    assert len(CATALOGUE.reported) == 49
    assert len({i.name for i in CATALOGUE.indicators}) == 58


# By report_outline.md: the commission's own work, whatever the published list's level column says.
CITY_BY_NATURE = {"training_conferences", "outreach_sessions", "outreach_participants"}


def reporters(row: dict[str, str]) -> set[str]:
    """Who reports, by the published list: its last word is how a city figure is made."""
    if row["kind"] == "ratio":
        return set()
    if row["code"] in CITY_BY_NATURE or row["aggregation_to_city"].startswith("city value"):
        return {"city"}
    return {"district", "city"} if "sum + city" in row["aggregation_to_city"] else {"district"}


FIELDS: dict[str, tuple[Callable[[Indicator], object], Callable[[dict[str, str]], object]]] = {
    "section": (lambda i: i.section, lambda row: row["section"]),
    "footnote": (lambda i: i.footnote, lambda row: int(row["footnote"]) if row["footnote"] else None),
    "tier": (lambda i: i.tier, lambda row: row["tier"]),
    "kind": (lambda i: i.kind, lambda row: row["kind"]),
    "measured_in": (lambda i: i.measured_in, lambda row: row["unit_vi"]),
    "time": (lambda i: i.time, lambda row: {"as parts": None}.get(row["time_type"], row["time_type"].split()[0])),
    "reporters": (lambda i: set(i.reporters), reporters),
    "body": (
        lambda i: i.body,
        lambda row: (
            {"BDV": "bdvtu", "CATP": "catp", "workbook": None}[row["reporter"].replace("BDVTU", "BDV")[:8]]
            if row["code"] != "inspected"
            else "bdvtu"
        ),  # both agencies inspect; the commission's sheet says whom
    ),
    "decimals": (
        lambda i: i.decimals,
        lambda row: 1 if row["kind"] == "ratio" else 2 if "2 dec" in row["integer"] else 0,
    ),
    "direction": (lambda i: i.direction, lambda row: row["direction"]),
    "sensitivity": (lambda i: i.sensitivity, lambda row: row["sensitivity"].partition(":")[0]),
    "public_level": (lambda i: i.public_level, lambda row: row["public_level"]),
    "numerator": (lambda i: i.numerator, lambda row: row["numerator"] or None),
    "denominator": (
        lambda i: i.denominator,
        lambda row: row["denominator"].replace("(unit,year)", "").replace("n_units(year)", "units") or None,
    ),
}


@pytest.mark.parametrize("field", FIELDS)
def test_the_catalogue_agrees_with_the_published_list(field: str) -> None:
    ours, theirs = FIELDS[field]
    wrong = {
        code: (ours(CATALOGUE.by_code[code]), theirs(row))
        for code, row in published().items()
        if ours(CATALOGUE.by_code[code]) != theirs(row)
    }
    assert wrong == {}


def test_what_is_chosen_by_the_city_is_recorded_by_district() -> None:
    for code in ("inspected", "exemplary_units", "model_ward_police"):
        assert CATALOGUE.by_code[code].reporters == ("district",)


def test_not_owed_where_there_is_no_such_thing() -> None:
    owed = {i.code: i.owed_where for i in CATALOGUE.indicators if i.owed_where}
    assert owed == {
        "commune_officers": "communes",
        "communes_with_officers": "communes",
        "model_ward_police": "wards",
    }


def test_ratios() -> None:
    ratios = {i.code: (i.numerator, i.denominator, i.scale) for i in CATALOGUE.indicators if i.kind == "ratio"}
    assert len(ratios) == 9
    assert ratios["tips_per_10k"] == ("tips_received", "population", 10_000)
    assert ratios["dvk_per_commune"] == ("dvk_registered", "commune_level_total", 1)
    assert {scale for _, _, scale in ratios.values()} == {100, 10_000, 1}


def test_part_and_whole_are_also_checked() -> None:
    """Every part declared with `part_of` must obey an error rule, or at least be remarked."""
    for indicator in CATALOGUE.reported:
        if indicator.part_of:
            assert any(
                [t.name for t in check.sides[2]] == [indicator.part_of]
                and indicator.code in [t.name for t in check.sides[0]]
                and check.sides[1] == "<="
                for check in CATALOGUE.checks
            ), indicator.code


def test_every_check_has_words_for_its_reader() -> None:
    for check in CATALOGUE.checks:
        assert check.reason.endswith(".")
        assert check.reason[0].isupper()


PLACES = {indicator.code: index for index, indicator in enumerate(CATALOGUE.indicators)}


# --- mistakes --------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Project:
    (tmp_path / "params").mkdir()
    shutil.copy2(ROOT / "params" / "catalogue.yaml", tmp_path / "params" / "catalogue.yaml")
    return Project(tmp_path)


def refused(project: Project, old: str, new: str, after: str = "") -> tuple[str, int]:
    """The sentence about a catalogue in which the first `old` behind `after` is `new`, and the line of that place."""
    text = project.catalogue.read_text(encoding="utf-8")
    start = text.index(after)
    place = text.index(old, start)
    project.catalogue.write_text(text[:place] + new + text[place + len(old) :], encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_catalogue(project)
    return str(caught.value), text.count("\n", 0, place) + 1


@pytest.mark.parametrize(
    ("after", "old", "new", "sentence"),
    [
        (
            "code: tips_valuable_rate",
            "numerator: tips_valuable",
            "numerator: tips_valueable",
            "chỉ tiêu tips_valuable_rate nhắc tới “tips_valueable” không có. Có phải là “tips_valuable”?",
        ),
        (
            "code: tips_per_10k",
            "denominator: population",
            "denominator: people",
            "chỉ tiêu tips_per_10k nhắc tới “people” không có.",
        ),
        (
            "code: tips_valuable\n",
            "part_of: tips_received",
            "part_of: tips_recieved",
            "chỉ tiêu tips_valuable nhắc tới “tips_recieved” không có. Có phải là “tips_received”?",
        ),
        (
            "code: tips_valuable_rate",
            "numerator: tips_valuable",
            "numerator: population",
            "chỉ tiêu tips_valuable_rate nhắc tới “population” không có.",
        ),
        (
            "code: tips_received",
            "code: tips_valuable",
            "code: tips_received",
            "mã chỉ tiêu tips_received viết hai lần.",
        ),
        (
            "checks:",
            "tips_valuable <= tips_received",
            "tips_valuable <= tips_recieved",
            "quan hệ “tips_valuable <= tips_recieved” nhắc tới “tips_recieved” không có. Có phải là “tips_received”?",
        ),
        (
            "checks:",
            "unit.communes",
            "unit.comunes",
            "quan hệ “communes_with_officers <= unit.comunes” nhắc tới “comunes” không có. Có phải là “communes”?",
        ),
        (
            "checks:",
            "tips_valuable <= tips_received",
            "tips_valuable <= tips_valuable_rate",
            "quan hệ “tips_valuable <= tips_valuable_rate” nhắc tới “tips_valuable_rate” không có. "
            "Có phải là “tips_valuable”?",
        ),
    ],
)
def test_a_bad_reference(after: str, old: str, new: str, sentence: str, small: Project) -> None:
    said, line = refused(small, old, new, after)
    assert sentence in said
    assert said.startswith("params/catalogue.yaml, dòng ")
    # A catalogue has 800 lines: the line is that of the entry, or of the key itself.
    told = int(said.removeprefix("params/catalogue.yaml, dòng ").split(":")[0])
    text = small.catalogue.read_text(encoding="utf-8").splitlines()
    entry = next(n for n in range(line, 0, -1) if text[n - 1].lstrip().startswith("- "))
    assert entry <= told <= line


@pytest.mark.parametrize(
    ("after", "old", "new", "sentence"),
    [
        (
            "code: tips_valuable_rate",
            "    scale: 100\n",
            "",
            "chỉ tiêu tips_valuable_rate là tỷ lệ nên phải có numerator, denominator và scale.",
        ),
        (
            "code: tips_received",
            "    body: catp\n",
            "",
            "chỉ tiêu tips_received do đơn vị báo cáo nên phải có time, reporters và body.",
        ),
    ],
)
def test_an_incomplete_indicator_is_told_with_its_line(
    after: str, old: str, new: str, sentence: str, small: Project
) -> None:
    said, _ = refused(small, old, new, after)
    text = small.catalogue.read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index(f"{after}\n")) + 1
    index = PLACES[after.removeprefix("code: ")]
    assert said == f"params/catalogue.yaml, dòng {line}: “indicators.{index}”: {sentence}"


@pytest.mark.parametrize(
    ("after", "old", "new", "sentence"),
    [
        ("code: guns", "kind: quantity", "kind: number", "chỉ nhận: 'count', 'quantity', 'boolean', 'ratio'."),
        ("code: guns", "public_level: city", "public_level: none", "chỉ nhận: 'district', 'city'."),
        ("code: guns", "reporters: [district]", "reporters: [ward]", "chỉ nhận: 'district', 'city'."),
        (
            "code: guns",
            "direction:",
            "directoin:",
            "không có khóa “indicators.{guns}.directoin”. Có phải là “direction”?",
        ),
        ("code: tips_per_10k", "decimals: 1", "decimals: 9", "“indicators.{tips_per_10k}.decimals” là 9; "),
    ],
)
def test_a_wrong_word_is_told_with_its_line(after: str, old: str, new: str, sentence: str, small: Project) -> None:
    said, line = refused(small, old, new, after)
    assert sentence.format_map(PLACES) in said
    assert f"params/catalogue.yaml, dòng {line}: " in said


@pytest.mark.parametrize("code", ["Tips", "tips-received", "1tips", "tin báo", "x;import os"])
def test_a_code_is_a_plain_identifier(code: str, small: Project) -> None:
    said, line = refused(small, "code: guns", f"code: '{code}'")
    assert f"params/catalogue.yaml, dòng {line}: “indicators.{PLACES['guns']}.code” là '{code}'; " in said


def test_a_text_of_the_wrong_shape_is_not_said_to_be_no_text(small: Project) -> None:
    said, _ = refused(small, "code: guns", "code: Súng")
    assert "cần chữ." not in said


# --- the grammar of checks -------------------------------------------------------------------------------------


def sides(holds: str) -> tuple[list[tuple[int, str, str]], str, list[tuple[int, str, str]]]:
    def plain(terms: tuple[Term, ...]) -> list[tuple[int, str, str]]:
        return [(term.factor, term.source, term.name) for term in terms]

    left, sign, right = Check(rule="r", severity="error", holds=holds, reason="R.").sides
    return plain(left), sign, plain(right)


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        ("a <= b", ([(1, "this", "a")], "<=", [(1, "this", "b")])),
        ("a=b", ([(1, "this", "a")], "=", [(1, "this", "b")])),
        ("a + b <= c", ([(1, "this", "a"), (1, "this", "b")], "<=", [(1, "this", "c")])),
        ("a <= 3000 b", ([(1, "this", "a")], "<=", [(3000, "this", "b")])),
        (
            "a = last.a + b - 2 c_1",
            ([(1, "this", "a")], "=", [(1, "last", "a"), (1, "this", "b"), (-2, "this", "c_1")]),
        ),
        ("a <= unit.communes", ([(1, "this", "a")], "<=", [(1, "unit", "communes")])),
    ],
)
def test_what_a_relation_may_say(
    holds: str, expected: tuple[list[tuple[int, str, str]], str, list[tuple[int, str, str]]]
) -> None:
    assert sides(holds) == expected


@pytest.mark.parametrize(
    ("holds", "sentence"),
    [
        ("a < b", "quan hệ “a < b” phải có đúng một dấu <= hoặc =."),
        ("a <= b <= c", "quan hệ “a <= b <= c” phải có đúng một dấu <= hoặc =."),
        ("a", "quan hệ “a” phải có đúng một dấu <= hoặc =."),
        ("a <= b * c", "không đọc được “* c” trong quan hệ; ví dụ đúng: a + 2 b <= last.c."),
        ("a <= __import__('os')", "không đọc được “__import__('os')” trong quan hệ; ví dụ đúng: a + 2 b <= last.c."),
        ("last.a <= unit.wards", "quan hệ “last.a <= unit.wards” phải nhắc tới ít nhất một chỉ tiêu của phiếu."),
    ],
)
def test_what_a_relation_may_not_say(holds: str, sentence: str, small: Project) -> None:
    said, line = refused(small, "tips_valuable <= tips_received", holds, "checks:")
    assert said == f"params/catalogue.yaml, dòng {line}: “checks.0”: {sentence}"


@pytest.mark.parametrize("holds", ["a b <= c", "a <= ", " <= a", "a <= 2", "a <= b 3"])
def test_a_relation_with_a_sign_or_a_side_too_few(holds: str) -> None:
    """'a b' is not a sum, and nothing is not a number: what was meant must be asked, not guessed."""
    with pytest.raises(ValueError, match="quan hệ"):
        Check(rule="r", severity="error", holds=holds, reason="R.")


def test_all_unit_counts_may_be_used() -> None:
    indicator = CATALOGUE.by_code["communes_with_officers"]
    for name in UNIT_COUNTS:
        check = Check(rule="r", severity="error", holds=f"{indicator.code} <= unit.{name}", reason="R.")
        assert Catalogue(indicators=(indicator,), checks=(check,)).checks == (check,)
