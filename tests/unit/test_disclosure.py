"""The public yearbook holds no district's figure of an indicator that is public for the city only. Nowhere."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import small_year
from conftest import copy_first_years
from openpyxl.worksheet.worksheet import Worksheet
from small_year import TIPS, unit

from danvan.book import Book
from danvan.catalogue import load_catalogue
from danvan.disclosure import is_hidden
from danvan.document import to_json
from danvan.errors import SettingsError
from danvan.intake.observations import Observation, Return, Status
from danvan.intake.year import Year
from danvan.measures import TOTAL, Result
from danvan.paths import Project
from danvan.yearbook import Yearbook, open_year_of

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = load_catalogue(Project(ROOT))
HIDDEN = [i.code for i in CATALOGUE.indicators if i.public_level == "city"]
SECTIONS = ("I", "II.1", "II.2", "II.3", "II.4")
UNIT, FILE = "Huyện Thủy Nguyên", "Thủy Nguyên.xlsx"


@pytest.fixture(scope="module")
def public() -> Yearbook:
    return open_year_of(Project(ROOT), 2023, "public")


@pytest.fixture(scope="module")
def internal() -> Yearbook:
    return open_year_of(Project(ROOT), 2023, "internal")


def row_of(book: openpyxl.Workbook, code: str) -> tuple[Worksheet, int]:
    """Sheet and row of an indicator in a return."""
    return next(
        (sheet, cell.row)
        for sheet in book.worksheets
        for (cell,) in sheet.iter_rows(max_col=1)
        if cell.value == code and cell.row
    )


def set_values(path: Path, values: dict[str, int]) -> None:
    book = openpyxl.load_workbook(path)
    for code, value in values.items():
        sheet, row = row_of(book, code)
        for column in (4, 5, 6):
            sheet.cell(row, column).value = value if column == 4 else None
    book.save(path)


def copied(folder: Path) -> Project:
    """A project of what a yearbook reads, to be changed."""
    copy_first_years(folder)
    return Project(folder)


# --- which figures these are -----------------------------------------------------------------------------------


def test_there_is_something_to_hide() -> None:
    assert len(HIDDEN) == 12
    assert {"commune_officers", "fugitives_arrested", "guns", "callup_rate"} < set(HIDDEN)


def test_the_city_s_figure_is_never_hidden() -> None:
    for indicator in CATALOGUE.indicators:
        hidden = indicator.public_level == "city"
        assert is_hidden(indicator, "HP-303", "public") is hidden
        assert is_hidden(indicator, "HP-CITY", "public") is hidden  # the offices' own part, too
        assert not is_hidden(indicator, TOTAL, "public")
        assert not is_hidden(indicator, "HP-303", "internal")


# --- the committed year ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["results", "last_results"])
def test_results(which: str, public: Yearbook, internal: Yearbook) -> None:
    shown: dict[tuple[str, str], Result] = getattr(public, which)
    full: dict[tuple[str, str], Result] = getattr(internal, which)
    assert set(shown) == set(full)
    emptied, small = 0, list[Any]()
    for (code, scope), result in shown.items():
        if code in HIDDEN and scope != TOTAL:
            assert (result.value, result.numerator, result.denominator) == (None, None, None)
            if result.status is not Status.NOT_APPLICABLE:
                assert result.status is Status.WITHHELD
                assert (result.sources, result.formula, result.bound.word) == ((), "", "")
            emptied += full[code, scope].value is not None
        elif result.status is Status.WITHHELD:
            small.append(full[code, scope].value)
            assert (code, result.value, result.sources) == ("reception_visits", None, ())
        else:
            assert result == full[code, scope]
    assert emptied > 100  # the internal edition has them
    assert sorted(small) == {"results": [2, 3, 5], "last_results": [2, 3, 4]}[which]  # tests/unit/test_breakdowns.py


def everything(yearbook: Yearbook) -> Iterator[Any]:
    """All objects that can be reached from a yearbook, through attributes, containers and closures alike."""
    seen: set[int] = set()
    waiting: list[Any] = [yearbook]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or type(one).__name__ in ("module", "function"):
            continue
        seen.add(id(one))
        yield one
        waiting += gc.get_referents(one)


def test_nothing_unpublished_can_be_reached_from_the_yearbook(public: Yearbook, internal: Yearbook) -> None:
    def reached(yearbook: Yearbook) -> list[Result]:
        results = []
        for one in everything(yearbook):
            assert not isinstance(one, Observation | Return | Year)
            if isinstance(one, Result) and one.indicator.code in HIDDEN and one.scope != TOTAL:
                results.append(one)
        return results

    assert [result for result in reached(public) if result.value is not None] == []
    assert [result for result in reached(internal) if result.value is not None] != []


def test_frame(public: Yearbook, internal: Yearbook) -> None:
    frame = public.frame(level="all")
    hidden = frame[frame["indicator"].isin(HIDDEN) & (frame["scope"] != "Toàn thành phố")]
    assert len(hidden) == 2 * 12 * 16
    assert hidden["value"].isna().all()
    assert set(hidden["text"]) == {"không công bố", "–"}
    assert set(hidden["status"]) == {"withheld", "not applicable"}
    assert public.frame(*HIDDEN, level="total").query("scope == 'Toàn thành phố'")["value"].notna().all()
    full = internal.frame("guns").query("year == 2023 and scope == 'Hồng Bàng'")
    assert full["value"].tolist() == [2.0]


def test_a_figure_asked_for_in_a_sentence(public: Yearbook, internal: Yearbook) -> None:
    assert str(internal.guns.at("Hồng Bàng")) == "02 (số liệu minh họa)"
    number = public.guns.at("Hồng Bàng")
    assert number.value is None
    assert not any(c.isdigit() for c in str(number))
    assert not any(c.isdigit() for c in str(number.change).replace("2022", ""))
    assert not any(c.isdigit() for c in str(number.last))
    assert not any(c.isdigit() for c in str(number - public.guns.at("Đồ Sơn")))
    assert str(public.guns) == "72"
    share = public.callup_done.at("Hồng Bàng").share
    assert not any(c.isdigit() for c in str(share))
    assert not any(c.isdigit() for c in str(public.callup_rate.at("Hồng Bàng").pair))


def test_findings_on_hidden_figures_name_no_one(public: Yearbook, internal: Yearbook) -> None:
    rules = [(f.rule, f.indicator) for f in internal.findings]
    assert [(f.rule, f.indicator) for f in public.findings] == rules
    assert ("rounds-per-gun", "ammunition_rounds") in rules
    for finding in public.findings:
        if finding.indicator in HIDDEN:
            assert (finding.unit, finding.found, str(finding.cell)) == ("", "", "")
            assert finding.reason
    assert all(finding.unit and finding.found for finding in internal.findings)


# --- a year whose hidden figures are unmistakable --------------------------------------------------------------

# 918.27x is no sum, share or difference of anything: wherever it appears, a district's own figure has leaked.
SECRETS = {code: 918270 + n for n, code in enumerate(c for c in HIDDEN if not CATALOGUE.by_code[c].numerator)}


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, one unit's hidden figures replaced by unmistakable ones, in such a way that checks remark them."""
    project = copied(tmp_path_factory.mktemp("marked"))
    for year in (2022, 2023):
        values = {code: value + 100 * (year - 2022) for code, value in SECRETS.items()}
        # More receptions than persons received: a remark that quotes a public figure and a hidden one.
        set_values(project.returns(year) / FILE, {**values, "reception_visits": 999_999})
    return project


def spelt(texts: str) -> list[str]:
    """The secret figures in a text, with or without marks between the digits."""
    digits = texts.replace(".", "").replace(",", "").replace("\u00a0", "")
    return [code for code, value in SECRETS.items() if str(value) in digits or str(value + 100) in digits]


def dumped(yearbook: Yearbook) -> dict[str, str]:
    """Everything that a notebook can show of a yearbook, as text, by what it is."""

    def block(shown: Any) -> str:
        return json.dumps(to_json(shown.block), ensure_ascii=False) + shown.html if shown else ""

    bundles: dict[str, Callable[[], Any]] = {
        f"chart {kind} {code}": lambda kind=kind, code=code: yearbook.chart(kind, code, question="?")
        for kind in ("bars", "dumbbell")
        for code in HIDDEN
    }
    dump = {
        "results": repr(yearbook.results),
        "last results": repr(yearbook.last_results),
        "findings": repr(yearbook.findings),
        "frame": yearbook.frame(level="all").to_csv(),
        "quality": "".join(block(yearbook.quality(w)) for w in ("completeness", "findings", "contradictions")),
        "annex": "".join(block(yearbook.annex(*SECTIONS, caption="?", level=v)) for v in ("unit", "city")),
        "table": block(yearbook.table(*HIDDEN, caption="?")) + block(yearbook.table(*HIDDEN, caption="?", by="year")),
        "prose": " ".join(
            str(phrase)
            for code in HIDDEN
            for number in [getattr(yearbook, code).at(UNIT)]
            for phrase in (number, number.change, number.last)
        ),
    }
    for name, draw in bundles.items():
        if (drawn := draw()) is None:  # nothing of it is public
            continue
        data, about = drawn._repr_mimebundle_()
        dump[name] = drawn.alt + data["image/svg+xml"] + json.dumps(about, ensure_ascii=False)
    return dump


def test_no_hidden_figure_is_anywhere_in_the_public_edition(marked: Project) -> None:
    public = open_year_of(marked, 2023, "public")
    assert [f.rule for f in public.findings].count("persons-and-visits") == 1  # what might have betrayed it
    leaks = {name: found for name, text in dumped(public).items() if (found := spelt(text))}
    assert leaks == {}


def test_the_internal_edition_holds_them_all(marked: Project) -> None:
    internal = open_year_of(marked, 2023, "internal")
    assert internal.guns.at(UNIT).value == Decimal(SECRETS["guns"] + 100)
    dump = dumped(internal)
    for name in ("results", "last results", "findings", "frame", "annex", "table", "prose"):
        assert spelt(dump[name]), name
    assert spelt(dump["chart bars guns"]) == ["guns"]


# --- a year in which the map changes -----------------------------------------------------------------------------

SECRET = small_year.indicator("secret", reporters="district", public_level="city")
OFFICES = small_year.indicator("offices", public_level="city")
PARTS = ("span@2023-01-01..2023-06-30", "span@2023-07-01..2023-12-31")


def of_two_maps(edition: str) -> Book:
    """Five units until June, then three others."""
    first = [unit(name, n, last="06-30") for n, name in enumerate("ABCDE")]
    second = [unit(name, n, first="07-01") for n, name in enumerate("KLM")]
    rows = [f"{one.id} | {n} | 10 | {n}" for n, one in enumerate((*first, *second), 1)]
    table = "\n".join(["unit | secret | tips | offices", *rows, "Thành phố | | 1 | 50"])
    made = small_year.year(table, *first, *second, indicators=(SECRET, TIPS, OFFICES))
    return Book(made, "internal" if edition == "internal" else "public")


def test_the_sums_of_a_part_of_the_year_are_no_units_figure() -> None:
    public, internal = of_two_maps("public"), of_two_maps("internal")
    assert [public.results["secret", scope].value for scope in (*PARTS, TOTAL)] == [None, None, 36]
    assert [internal.results["secret", scope].value for scope in PARTS] == [15, 21]
    for one in (*public.units.districts, public.units.city):
        result = public.results["secret", one.id]
        assert result.value is None
        assert result.sources == ()
        assert public.results["tips", one.id].value is not None
        assert (internal.results["secret", one.id].value is None) == one.is_city


def test_a_part_of_the_year_with_one_unit_shows_nothing_of_it() -> None:
    """A became K on 1 July; all others went on."""
    units = (
        unit("A", 1, last="06-30"),
        *(unit(name, n) for n, name in enumerate("BCD", 2)),
        unit("K", 1, first="07-01"),
    )
    table = "\n".join(["unit | secret", *(f"{one.id} | {n}" for n, one in enumerate(units, 1))])
    book = Book(small_year.year(table, *units, indicators=(SECRET,)), "public")
    shown = {scope: result.value for (_, scope), result in book.results.items() if result.value is not None}
    alone = {book.units.spans[0][2], book.units.spans[-1][2]}
    assert {len(there) for there in alone} == {1}
    assert shown == {TOTAL: 15} or {1, 5}.isdisjoint(value for scope, value in shown.items() if scope != TOTAL)


def test_nothing_of_the_city_offices_is_left_by_subtraction() -> None:
    public = of_two_maps("public")
    assert public.results["offices", "HP-CITY"].value is None
    values = [public.results["offices", scope].value for scope in (TOTAL, *PARTS)]
    assert None in values or values[0] - values[1] - values[2] != 50  # type: ignore[operator]


# --- hidden is not the same as reported ------------------------------------------------------------------------


def test_what_was_not_reported_is_not_called_withheld(tmp_path: Path) -> None:
    """Withholding hides figures; that a unit has sent none is for every reader to know, and to count."""
    project = copied(tmp_path)
    (project.returns(2023) / FILE).unlink()
    public, internal = (open_year_of(project, 2023, edition) for edition in ("public", "internal"))
    assert public.results["guns", "HP-311"].status is Status.NOT_REPORTED
    assert str(public.missing_values) == str(internal.missing_values)
    completeness = [to_json(y.quality("completeness").block) for y in (public, internal)]  # type: ignore[union-attr]
    assert completeness[0] == completeness[1]


def test_an_unknown_edition() -> None:
    with pytest.raises(SettingsError) as caught:
        open_year_of(Project(ROOT), 2023, "secret")
    assert str(caught.value) == "Không có ấn bản “secret”; chỉ có: public, internal."
