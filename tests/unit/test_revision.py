"""What changed between two editions and why: each cause by a change of what was recorded, and of nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from danvan.revision import WITHHELD, Cause, Figure, Snapshot, compare, given_away

AN_LAO, HAI_AN, LAST = "data/2023/returns/An Lão.xlsx", "data/2023/returns/Hải An.xlsx", "data/2022/returns/An Lão.xlsx"
PEOPLE = "data/reference/population.csv"
SHARED = ("params/catalogue.yaml", "params/units.csv", "params/2023.yaml", "params/2022.yaml", "data/2023/stated.csv",
          "data/2023/answers.yaml", "data/reference/series.csv", PEOPLE, "notebooks/annual_report.ipynb",
          "danvan/book.py", "danvan/cli.py", "requirements.lock")  # fmt: skip
Change = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], object]  # of inputs, results, settings


def result(text: str, formula: str, *sources: str, scope: str = "Toàn thành phố", **more: object) -> dict[str, Any]:
    cells = [[*source.rsplit("!", 1)] for source in sources]
    about = {"name": "Tin", "year": 2023, "measured_in": "tin", "status": "reported", "indicator": "tips"}
    sheets = [[file, "Công an", ref] for file, ref in cells]
    value = text.replace(".", "").replace(",", ".").rstrip("%")
    return {**about, "scope": scope, "value": value, "text": text, "formula": formula, "sources": sheets, **more}


RESULTS = {
    "tips@2023/A": result("346", "số trong phiếu", f"{AN_LAO}!D15", scope="An Lão"),
    "tips@2023/H": result("100", "số trong phiếu", f"{HAI_AN}!D15", scope="Hải An"),
    "tips@2023/total": result("446", "tổng số", f"{AN_LAO}!D15", f"{HAI_AN}!D15"),
    "tips@2022/total": result("400", "tổng số", f"{LAST}!D15", year=2022),
    "rate@2023/total": result("21,4", "tips / population × 10000", f"{AN_LAO}!D15", f"{HAI_AN}!D15", f"{PEOPLE}!2"),
    "guns@2023/total": result("9", "tổng số", f"{AN_LAO}!D30", f"{HAI_AN}!D30"),  # its units are not shown
}  # fmt: skip
TEXTS = (("Có ", "tips@2023/total"), ("tăng so với ", "tips@2022/total"))


def snapshot(change: Change = lambda *_: None, *, prose: str = "Có {} tin, tăng so với {}.") -> Snapshot:
    inputs = dict.fromkeys((AN_LAO, HAI_AN, LAST, *SHARED), "a") | {"data/2023/returns": "folder"}
    results, settings = copy.deepcopy(RESULTS), {"python": "3.11.7", "allow_incomplete": "False", "edition": "public"}
    change(inputs, results, settings)
    shown = [results[key]["text"] for _, key in TEXTS if key in results]
    printed = [{"where": "text", "text": r["text"], "results": [key], "expression": key} for key, r in results.items()]
    outputs = {"trace.json": repr(results), "notebook.ipynb": prose + repr(shown), "manifest": "m"}
    manifest = {"inputs": inputs, "settings": settings, "parameters": {"year": 2023}, "outputs": outputs}
    trace = {"year": 2023, "edition": "public", "printed": printed, "results": results}
    return Snapshot(manifest, trace, (prose.format(*shown, *[""] * 2),))


OLD = snapshot()


def told(change: Change, old: Snapshot = OLD) -> dict[str, tuple[str, str, list[str]]]:
    """By key, what a figure was, is, and why."""
    figures = compare(old, snapshot(change)).figures
    return {f.key: (f.old, f.new, [f"{cause.kind}: {cause.text}" for cause in f.causes]) for f in figures}


def set_text(results: dict[str, Any], **texts: str) -> None:
    for name, text in texts.items():
        key = {
            "a": "tips@2023/A",
            "total": "tips@2023/total",
            "rate": "rate@2023/total",
            "guns": "guns@2023/total",
            "last": "tips@2022/total",
        }[name]
        results[key]["text"], results[key]["value"] = text, text.replace(",", ".")


# ---------------------------------------------------------------- returns


def test_nothing_differs() -> None:
    same = compare(OLD, snapshot())
    assert (same.figures, same.inputs, same.files, same.prose) == ((), (), (), False)


def test_a_corrected_cell_is_named_with_both_values_wherever_it_leads() -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs[AN_LAO] = "b"
        set_text(results, a="340", total="440", rate="21,1")

    why = ["corrected: phiếu sửa lại: An Lão.xlsx, trang Công an, ô D15: 346 → 340"]
    assert told(change) == {
        "rate@2023/total": ("21,4", "21,1", why),
        "tips@2023/total": ("446", "440", why),
        "tips@2023/A": ("346", "340", why),
    }
    assert list(told(change)) == ["rate@2023/total", "tips@2023/total", "tips@2023/A"]  # the city's first


def test_a_corrected_return_whose_cells_are_not_shown_is_named_alone() -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs[AN_LAO] = "b"
        set_text(results, guns="8")

    assert told(change) == {"guns@2023/total": ("9", "8", ["corrected: phiếu sửa lại: An Lão.xlsx"])}


def test_a_return_that_changed_elsewhere_is_no_cause() -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs[AN_LAO] = inputs[HAI_AN] = "b"
        set_text(results, a="340", total="440")

    assert told(change)["tips@2023/total"][2] == [
        "corrected: phiếu sửa lại: An Lão.xlsx, trang Công an, ô D15: 346 → 340"
    ]


def without_hai_an(inputs: dict[str, Any], results: dict[str, Any], _: object = None) -> None:
    inputs.pop(HAI_AN)
    del results["tips@2023/H"]
    set_text(results, total="346")
    for key in ("tips@2023/total", "rate@2023/total", "guns@2023/total"):
        results[key]["sources"] = [cell for cell in results[key]["sources"] if cell[0] != HAI_AN]


def test_a_late_return_and_what_it_brings() -> None:
    why = ["late: phiếu gửi muộn: Hải An.xlsx"]
    assert told(lambda *_: None, old=snapshot(without_hai_an)) == {
        "tips@2023/total": ("346", "446", why),
        "tips@2023/H": ("", "100", why),
    }


def test_a_total_that_gives_a_units_hidden_figure_away_is_named() -> None:
    def without_its_guns(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        without_hai_an(inputs, results)
        set_text(results, guns="7")
        results["guns@2023/total"]["name"] = "Súng"

    def named(_: object, results: dict[str, Any], __: object) -> None:
        results["guns@2023/total"]["name"] = "Súng"

    old, new = snapshot(without_its_guns), snapshot(named)
    assert given_away(compare(old, new), new.trace) == ("Súng",)  # of tips each unit's are shown anyway
    assert given_away(compare(new, old), old.trace) == ("Súng",)

    def two_at_once(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        without_its_guns(inputs, results, _)
        inputs.pop(AN_LAO)
        results["guns@2023/total"]["sources"] = []

    assert given_away(compare(snapshot(two_at_once), new), new.trace) == ()


def test_a_withdrawn_return_and_what_goes_with_it_is_not_said_again() -> None:
    why = ["withdrawn: phiếu rút lại: Hải An.xlsx"]
    assert told(without_hai_an) == {
        "tips@2023/total": ("446", "346", why),
        "tips@2023/H": (WITHHELD, "", why),
    }


def test_a_figure_that_is_withheld_now_is_not_said_again() -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs["params/catalogue.yaml"] = "b"
        results["tips@2023/A"] |= {"status": "withheld", "value": None, "text": "", "sources": [], "formula": ""}

    assert told(change) == {"tips@2023/A": (WITHHELD, WITHHELD, ["definition: danh mục chỉ tiêu đã sửa"])}


def renamed(digest: str) -> Change:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs.pop(AN_LAO)
        inputs["data/2023/returns/An Lão 2.xlsx"] = digest
        for one in results.values():
            moved = ((file.replace("3/returns/An Lão", "3/returns/An Lão 2"), *rest) for file, *rest in one["sources"])
            one["sources"] = [list(cell) for cell in moved]
        if digest != "a":
            set_text(results, a="340")

    return change


def test_a_file_in_the_place_of_another_is_one_cause_not_two() -> None:
    assert told(renamed("b"))["tips@2023/A"][2] == ["replaced: phiếu thay: An Lão.xlsx bằng An Lão 2.xlsx"]


def test_another_name_for_the_same_file_changes_no_figure() -> None:
    difference = compare(OLD, snapshot(renamed("a")))
    assert not difference.figures
    assert difference.inputs == (Cause("renamed", "phiếu đổi tên: An Lão.xlsx thành An Lão 2.xlsx"),)


def test_last_years_data_are_told_as_such() -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs[LAST] = "b"
        set_text(results, last="401")

    why = "corrected: số liệu năm 2022: phiếu sửa lại: An Lão.xlsx, trang Công an, ô D15: 400 → 401"
    assert told(change) == {"tips@2022/total": ("400", "401", [why])}


# ---------------------------------------------------------------- what all figures share


def test_another_formula_is_the_definition() -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs["params/catalogue.yaml"] = inputs["danvan/book.py"] = inputs[AN_LAO] = "b"
        results["rate@2023/total"]["formula"] = "tips / population × 100000"
        set_text(results, rate="214", a="340", total="440")

    cell = "corrected: phiếu sửa lại: An Lão.xlsx, trang Công an, ô D15: 346 → 340"
    words = "công thức “tips / population × 10000” thành “tips / population × 100000”"
    assert told(change) == {
        "rate@2023/total": ("21,4", "214", [cell, f"definition: danh mục chỉ tiêu đã sửa; {words}"]),
        "tips@2023/total": ("446", "440", [cell]),
        "tips@2023/A": ("346", "340", [cell]),
    }


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("params/catalogue.yaml", "definition: danh mục chỉ tiêu đã sửa"),
        ("params/units.csv", "units: đơn vị, địa giới, cơ quan: units.csv đã sửa"),
        ("params/2023.yaml", "params: params năm 2023 đã sửa"),
        ("params/2022.yaml", "params: params năm 2022 đã sửa"),
        ("data/2023/stated.csv", "stated: số nêu khác năm 2023 đã sửa"),
        ("data/2023/answers.yaml", "answers: lời giải trình năm 2023 đã sửa"),
        ("data/reference/series.csv", "reference: số liệu tham chiếu: series.csv đã sửa"),
        (PEOPLE, "population: số dân: population.csv đã sửa"),
        ("notebooks/annual_report.ipynb", "notebook: sổ báo cáo: annual_report.ipynb đã sửa"),
        ("danvan/book.py", "program: chương trình đã đổi: 1 tệp"),
        ("requirements.lock", "program: thư viện của chương trình đã đổi"),
        ("=allow_incomplete", "settings: cách lập khi thiếu phiếu (--allow-incomplete) đã đổi"),
    ],
)
def test_where_no_return_changed_what_did_is_the_cause(path: str, cause: str) -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], settings: dict[str, Any]) -> None:
        (settings if path.startswith("=") else inputs)[path.lstrip("=")] = "b"
        set_text(results, rate="21,5")

    assert told(change) == {"rate@2023/total": ("21,4", "21,5", [cause])}


def test_several_causes_apply_and_none_is_unknown_while_any_input_differs() -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs |= dict.fromkeys(("danvan/book.py", "danvan/cli.py", "params/2023.yaml", PEOPLE, AN_LAO), "b")
        set_text(results, rate="21,5", guns="8")

    assert told(change)["rate@2023/total"][2] == ["population: số dân: population.csv đã sửa"]
    assert told(change)["guns@2023/total"][2] == ["corrected: phiếu sửa lại: An Lão.xlsx"]
    assert [cause.kind for cause in compare(OLD, snapshot(change)).inputs] == [
        "corrected",
        "program",
        "population",
        "params",
    ]

    def only_elsewhere(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs[LAST] = "b"
        set_text(results, total="447")

    assert told(only_elsewhere)["tips@2023/total"][2] == ["corrected: số liệu năm 2022: phiếu sửa lại: An Lão.xlsx"]
    assert told(lambda _, results, __: set_text(results, total="447"))["tips@2023/total"][2] == ["unknown: không rõ"]


# ---------------------------------------------------------------- what is printed


def test_values_that_are_printed_alike_are_told_with_as_many_decimals_as_it_takes() -> None:
    def change(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs[PEOPLE] = "b"
        results["rate@2023/total"]["value"] = "21.40004"

    assert told(change)["rate@2023/total"][:2] == ("21,40000", "21,40004")


def test_a_figure_printed_otherwise_counts_though_its_result_is_as_it_was() -> None:
    def doubled(inputs: dict[str, Any], _: object, __: object) -> None:
        inputs["notebooks/annual_report.ipynb"] = "b"

    old, new = snapshot(), snapshot(doubled)
    for item in new.trace["printed"]:
        if item["results"] == ["tips@2023/total"]:
            item["text"] = "892"
    (figure,) = compare(old, new).figures
    why = (Cause("notebook", "sổ báo cáo: annual_report.ipynb đã sửa"),)
    assert figure == Figure("tips@2023/total", "Tin", "Toàn thành phố", None, "", "446", "892", why)


def test_other_words_are_told_apart_from_other_figures() -> None:
    def figures(inputs: dict[str, Any], results: dict[str, Any], _: object) -> None:
        inputs[AN_LAO] = "b"
        set_text(results, a="340", total="440")

    assert not compare(OLD, snapshot(figures)).prose
    words = compare(OLD, snapshot(prose="Có cả thảy {} tin, tăng so với {}."))
    assert (words.prose, words.figures, words.files) == (True, (), ("notebook.ipynb",))
