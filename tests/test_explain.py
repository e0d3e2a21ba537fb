"""`build.py explain`: every printed figure leads back to cells that add up to it, and nothing hidden is told."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from test_incremental import Builders, base, builders, copy, shared  # noqa: F401

from danvan import cli, explanation
from danvan.explanation import UNTOLD
from danvan.manifest import TOOLS, code_digest
from danvan.wording import number

Explain = Callable[..., tuple[int, str, str]]


@pytest.fixture
def explain(copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Explain:  # noqa: F811
    """Ask in a copy of the small project: exit code, what was said, what went wrong."""
    monkeypatch.setenv("DANVAN_ROOT", str(copy))

    def ask(*words: str) -> tuple[int, str, str]:
        code = cli.main(["explain", *words])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return ask


def report(root: Path, edition: str = "public") -> Path:
    return root / "reports" / "2023" / edition


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def sheets(path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path)


def standing(root: Path, source: explanation.Source) -> Any:
    """What stands in a cell, read by openpyxl alone."""
    files = {unicodedata.normalize("NFC", path.name): path for path in (root / source.file).parent.iterdir()}
    return sheets(files[source.file.rpartition("/")[2]])[source.sheet][source.ref].value


def worded(value: Any) -> str:
    return value if isinstance(value, str) else number(Decimal(str(value)), 2)


# --- every printed figure ------------------------------------------------------------------------------------------


@pytest.mark.long
def test_every_printed_figure_is_found_as_it_is_printed(base: Path) -> None:  # noqa: F811
    trace = read(report(base) / "trace.json")
    figures = [item for item in trace["printed"] if item["where"] != "chart" and re.search(r"\d", item["text"])]
    assert len(figures) > 30
    for item in figures:
        assert {*item["results"]} <= {*explanation.find(trace, item["text"])}, item
        if item["where"] == "text":
            assert explanation.find(trace, item["name"]) == tuple(item["results"])


def test_the_cells_behind_every_figure_add_up_to_it(base: Path) -> None:  # noqa: F811
    trace = read(report(base) / "trace.json")
    sums = ratios = cells = 0
    for key, result in trace["results"].items():
        found = explanation.explain(trace, key)
        of_returns = [source for source in found.sources if "/returns/" in source.file and source.ref]
        for source in of_returns:
            cells += 1
            if source.text != UNTOLD and not source.text.endswith(("nghìn", "triệu")):
                assert source.text.split()[-1] == worded(standing(base, source)).split()[-1], (key, source)
            assert source.unit in source.file, "the returns here have their units' names"
        if not key.endswith("/total") or result["value"] is None:
            continue
        values = [{"Có": 1, "Không": 0}.get(value := standing(base, source), value) for source in of_returns]
        if "numerator" in result:
            ratios += 1
            counted = len(of_returns) < len(found.sources)
            above, below = (values, ()) if counted else (values[::2], values[1::2])
            assert sum(map(decimal, above)) == Decimal(result["numerator"]), key
            assert not below or sum(map(decimal, below)) == Decimal(result["denominator"]), key
        else:
            sums += 1
            assert sum(map(decimal, values)) == Decimal(result["value"]), key
    assert sums > 15
    assert ratios
    assert cells > 150


def decimal(value: object) -> Decimal:
    return Decimal(str(value or 0))  # a cell left blank beside “0” in the column of states


def test_it_says_where_a_figure_stands(base: Path) -> None:  # noqa: F811
    """The notebook's cell has the expression, and stands under the heading."""
    trace = read(report(base) / "trace.json")
    notebook = read(base / "notebooks" / "annual_report.ipynb")["cells"]
    copied = read(report(base) / "notebook.ipynb")["cells"]
    for item in trace["printed"]:
        source = "".join(notebook[item["cell"] - 1]["source"])
        if item["where"] == "text":
            assert f"{{eval}}`{item['expression']}`" in source
        else:
            shown = next(one for one in copied if one["id"] == notebook[item["cell"] - 1]["id"])
            assert f'"{item["id"]}"' in json.dumps(shown["outputs"], ensure_ascii=False)
        place = next(
            p for p in explanation.explain(trace, item["results"][0]).places if item.get("name", "biểu đồ") in p
        )
        assert f"ô {item['cell']} của sổ" in place
    headings = {item["heading"] for item in trace["printed"]}
    assert "2. Trao đổi thông tin, nắm tình hình Nhân dân" in headings


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_whole_way_back_on_a_terminal(explain: Explain, copy: Path) -> None:  # noqa: F811
    trace, manifest = (read(report(copy) / name) for name in ("trace.json", "manifest.json"))
    result = trace["results"]["tips_received@2023/total"]
    code, out, err = explain(result["text"])
    assert (code, err) == (0, "")
    flat = " ".join(out.split())
    values = [standing(copy, source) for source in explanation.explain(trace, "tips_received@2023/total").sources]
    assert f"{' + '.join(map(worded, values))} = {result['text']}" in flat
    for words in (
        "Tin về an ninh trật tự tips_received@2023/total",
        f"Con số {result['text']} tin (Toàn thành phố, năm 2023)",
        "Định nghĩa Số tin Nhân dân cung cấp cho Công an trong kỳ, đã ghi sổ tiếp nhận.",
        "biểu thức {eval}`y.tips_received`",
        f"Năm trước {result['last']}",
        f"So sánh {result['change']}",
        "Nguồn: data/2023/returns",
        hashlib.sha256((report(copy) / "manifest.json").read_bytes()).hexdigest(),
        manifest["code"]["digest"],
        manifest["lock"],
        f"typst {version('typst')}",
        "notebooks/annual_report.ipynb",
    ):
        assert words in flat, words
    for path, digest in trace["files"].items():
        if path.startswith("data/2023/returns/"):
            line = next(line for line in out.splitlines() if path.rpartition("/")[2] in line)
            assert digest[:8] in line
            assert "còn nguyên" in line
    assert "Năm khác cũng tìm thấy" not in flat
    assert explain("tips_received", "--year", "2022")[1].startswith("Tin về an ninh trật tự  tips_received@2022/total")
    assert "Năm khác cũng tìm thấy trong báo cáo năm 2022" in " ".join(explain("tips_received")[1].split())


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        (("dvk_registered@2023/HP-306",), "dvk_registered@2023/HP-306"),
        (("Hải", "An", "dvk_registered"), "dvk_registered@2023/HP-306"),
        (("mô hình dân vận khéo đăng ký của hai an",), "dvk_registered@2023/HP-306"),
        (("Tin về an ninh trật tự",), "tips_received@2023/total"),
        (("tin ve an ninh trat tu",), "tips_received@2023/total"),
    ],
)
def test_other_ways_of_asking(explain: Explain, asked: tuple[str, ...], key: str) -> None:
    code, out, _ = explain(*asked)
    assert code == 0
    assert out.splitlines()[0].endswith(f"  {key}")


def test_what_may_be_many_results_is_listed(explain: Explain, copy: Path) -> None:  # noqa: F811
    trace = read(report(copy) / "trace.json")
    item = max((item for item in trace["printed"] if "expression" in item), key=lambda item: len(item["results"]))
    assert len(item["results"]) > 4
    code, out, _ = explain(item["name"])
    assert code == 0
    assert f"“{item['name']}”: {len(item['results'])} kết quả" in out
    assert all(key in out for key in item["results"])
    assert "Công thức" not in out
    assert explain(item["name"], "--all")[1].count("Công thức") == len(item["results"])


def test_what_is_not_there(explain: Explain, copy: Path) -> None:  # noqa: F811
    text = read(report(copy) / "trace.json")["results"]["tips_received@2023/total"]["text"]
    assert re.fullmatch(r"\d\.\d{3}", text)
    code, out, err = explain(text.replace(".", ","))
    assert (code, out) == (2, "")
    assert f"“{text}”; hãy gọi build.py explain {text}." in err
    code, _, err = explain("9.999.999")
    assert code == 2
    assert "Không tìm thấy “9.999.999” trong các bản đã lập (năm 2023: public; năm 2022: public). Gần nhất có: “" in err
    code, _, err = explain("tips_recieved")
    assert code == 2
    assert "“tips_received”" in err
    code, _, err = explain("tips_received", "--edition", "public-02")
    assert (code, err) == (2, "Chưa có ấn bản public-02 để tra. Hãy lập trước: build.py report.\n")
    code, _, err = explain("tips_received", "--edition", "nội bộ")
    assert code == 2
    assert "--edition không nhận “nội bộ”" in err
    code, _, err = explain("tips_received", "--edition", "internal", "--year", "2023")
    assert "Hãy lập trước: build.py report 2023 --edition internal." in err


def test_files_that_are_no_longer_what_they_were(explain: Explain, copy: Path) -> None:  # noqa: F811
    folder = copy / "data" / "2023" / "returns"
    names = {unicodedata.normalize("NFC", path.stem): path for path in folder.iterdir()}
    names["Hải An"].unlink()
    names["Hồng Bàng"].write_bytes(b"")
    lines = explain("tips_received")[1].splitlines()
    states = {name: next(line for line in lines if f"{name}.xlsx" in line).split("│")[-2].strip() for name in names}
    assert states.pop("Hải An") == "không còn"
    assert states.pop("Hồng Bàng") == "đã đổi"
    assert {*states.values()} == {"còn nguyên"}


def test_what_lies_there_must_be_what_the_manifest_says(explain: Explain, copy: Path) -> None:  # noqa: F811
    edition = copy / "reports" / "2023" / "editions" / "public-01"
    shutil.copytree(report(copy), edition)
    assert "ấn bản public-01 đã công bố" in explain("tips_received")[1]
    for folder, code, words in ((edition, 5, "không còn nguyên"), (report(copy), 4, "Hãy lập lại")):
        trace = folder / "trace.json"
        trace.write_text(trace.read_text(encoding="utf-8").replace("tin", "tim"), encoding="utf-8")
        told = explain("tips_received")
        assert told[0] == code
        assert words in told[2]
        shutil.rmtree(edition, ignore_errors=True)


def test_an_edition_of_an_older_program_is_still_explained(explain: Explain, copy: Path) -> None:  # noqa: F811
    folder = copy / "reports" / "2023" / "editions" / "public-01"
    shutil.copytree(report(copy), folder)
    trace, manifest = (read(folder / name) for name in ("trace.json", "manifest.json"))
    del trace["cells"]
    for item in trace["printed"]:
        del item["heading"], item["cell"]
    for result in trace["results"].values():
        result.pop("numerator", None)
    for told in trace["indicators"].values():
        del told["answered"]
    (folder / "trace.json").write_text(json.dumps(trace), encoding="utf-8")
    manifest["outputs"]["trace.json"] = hashlib.sha256((folder / "trace.json").read_bytes()).hexdigest()
    del manifest["code"], manifest["lock"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    code, out, err = explain("tips_received", "--edition", "public-01")
    assert (code, err) == (0, "")
    flat = " ".join(out.split())
    assert f"danvan {version('danvan')}" in flat
    assert f"requirements.lock {manifest['inputs']['requirements.lock']}" in flat
    assert explain("tips_valuable_rate")[0] == 0


# --- what an edition may not show ------------------------------------------------------------------------------------


def test_only_the_internal_edition_tells_hidden_cells(
    explain: Explain,
    copy: Path,  # noqa: F811
    builders: Builders,  # noqa: F811
) -> None:
    assert [told.code for told in builders.run(copy, "report 2023 --edition internal")] == [0]
    told = {}
    for edition in ("public", "internal"):
        code, out, _ = explain("ammunition_rounds", "--edition", edition)
        assert code == 0
        told[edition] = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert {row[4] for row in told["public"]} == {UNTOLD}
    assert len(told["internal"]) == len(told["public"]) == 7
    trace = read(report(copy, "internal") / "trace.json")
    sources = explanation.explain(trace, "ammunition_rounds@2023/total").sources
    assert [row[4] for row in told["internal"]] == [worded(standing(copy, source)) for source in sources]
    code, _, err = explain("Hải An ammunition_rounds")
    assert code == 2
    assert worded(standing(copy, next(source for source in sources if source.unit == "Hải An"))) not in err


# --- the manifest ----------------------------------------------------------------------------------------------------


def test_the_manifest_names_code_lock_and_tools(base: Path) -> None:  # noqa: F811
    folders = [report(base), base / "reports/trends/public", *(base / "reports/2023/profiles").iterdir()]
    for folder in folders:
        manifest = read(folder / "manifest.json")
        digests = {name: has for name, has in manifest["inputs"].items() if name.startswith("danvan/")}
        own = {
            path.relative_to(base).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (base / "danvan").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert digests == own
        assert manifest["code"] == {"version": version("danvan"), "digest": code_digest(own)}
        assert manifest["lock"] == hashlib.sha256((base / "requirements.lock").read_bytes()).hexdigest()
        pandoc = manifest["tools"].pop("pandoc", "")
        assert bool(re.fullmatch(r"\d+(\.\d+)+", pandoc)) == (folder == report(base)), (
            "only reports are Word files, too"
        )
        assert manifest["tools"] == {name: version(name) for name in TOOLS}
    locked = (base / "requirements.lock").read_text(encoding="utf-8")
    for name in TOOLS:
        wheel = re.sub(r"[-_.]+", "-", name)
        assert re.search(rf"^{wheel}=={re.escape(version(name))}\b", locked, re.M), f"{name} is not of the lock"


def test_another_danvan_has_another_digest() -> None:
    inputs = {"danvan/cli.py": "1", "danvan/trace.py": "2", "data/2023/stated.csv": "3", "requirements.lock": "4"}
    digest = code_digest(inputs)
    assert digest == code_digest({**inputs, "data/2023/stated.csv": "5", "requirements.lock": "6"})
    assert digest != code_digest({**inputs, "danvan/cli.py": "2", "danvan/trace.py": "1"})
    assert digest != code_digest({**inputs, "danvan/new.py": "1"})


@pytest.mark.parametrize(
    ("asked", "ours"),
    [
        ("4,342", "4.342"),
        ("1,234,567.5", "1.234.567,5"),
        ("91.3%", "91,3%"),
        ("4.342", ""),
        ("85,4%", ""),
        ("3", ""),
        ("so_0012", ""),
    ],
)
def test_figures_written_the_english_way(asked: str, ours: str) -> None:
    assert explanation.vietnamese(asked) == ours
