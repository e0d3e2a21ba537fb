"""A notebook through Papermill: what is refused before it runs, what its failures say, what its prose prints.

Only the tests that need a kernel start one; it opens the committed data and writes nothing there.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from danvan import prose, runner
from danvan.errors import SettingsError
from danvan.operations import PASSWORD

ROOT = Path(__file__).resolve().parent.parent.parent
SHOWN = "notebooks/sổ.ipynb"
PARAMETERS = 'year: int = None\nedition: str = "public"\nscale: float = 1.0\ndraft: bool = False'

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebook(folder: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook of a cell with parameters, then `cells`: code, or Markdown where they start with 'md:'."""
    made = new_notebook(cells=[new_code_cell(parameters, metadata={"tags": ["parameters"]})])  # type: ignore[no-untyped-call]
    for source in cells:
        new = new_markdown_cell(source[3:]) if source.startswith("md:") else new_code_cell(source)  # type: ignore[no-untyped-call]
        made.cells.append(new)
    made.metadata = nbformat.from_dict(METADATA)  # type: ignore[no-untyped-call]
    path = folder / "sổ.ipynb"
    nbformat.write(made, path)  # type: ignore[no-untyped-call]
    return path


def problems(*cells: str) -> list[str]:
    made = new_notebook(cells=[new_markdown_cell(c[3:]) if c.startswith("md:") else new_code_cell(c) for c in cells])  # type: ignore[no-untyped-call]
    return list(runner.problems(made, SHOWN))


def run(path: Path, out: Path, **parameters: int | str | bool | float) -> nbformat.NotebookNode:
    return runner.run(path, parameters, out, shown=SHOWN, own={"DANVAN_ROOT": str(ROOT)})


# --- before anything runs --------------------------------------------------------------------------------------


def test_the_committed_notebook_has_no_problems() -> None:
    source = runner.read(ROOT / "notebooks" / "annual_report.ipynb", SHOWN)
    assert list(runner.problems(source, SHOWN)) == []


def test_a_name_used_in_prose_is_bound_once() -> None:
    assert problems("n = 5", "md:Có {eval}`y.fmt(n)` đơn vị.", "n = 6\nm = 7\nm = 8") == [
        "notebooks/sổ.ipynb, ô 2: tên “n” dùng trong câu chữ được gán 2 lần trong sổ; câu chữ tính sau cùng nên chỉ "
        "thấy giá trị cuối. Hãy đặt tên khác cho mỗi lần gán."
    ]


@pytest.mark.parametrize(
    "second",
    [
        "for n in range(3):\n    pass",
        "n += 1",
        "import numpy as n",
        "from os import path as n",
        "def n():\n    pass",
        "with open('x') as n:\n    pass",
        "(m := 1) and (n := 2)",
        "a, (b, n) = 1, (2, 3)",
    ],
)
def test_every_way_of_binding_counts(second: str) -> None:
    found = problems("n = 5", "md:{eval}`n`", second)
    assert len(found) == 1
    assert "tên “n” dùng trong câu chữ được gán 2 lần" in found[0]


@pytest.mark.parametrize("option", ["caption", "alt", "question"])
def test_a_digit_typed_into_words_that_readers_see(option: str) -> None:
    assert problems("x = 1", f'y.table("tips_received", {option}="Tin năm 2023")') == [
        "notebooks/sổ.ipynb, ô 2: gõ tay con số trong “Tin năm 2023”. Lấy số từ dữ liệu hoặc params."
    ]
    assert problems(f'y.table("tips_received", {option}=f"Tin năm {{y.year}}, có 12 đơn vị")') == [
        "notebooks/sổ.ipynb, ô 1: gõ tay con số trong “, có 12 đơn vị”. Lấy số từ dữ liệu hoặc params."
    ]
    assert problems(f'y.table("tips_per_10k", {option}=f"Tin năm {{y.year}}, mục “ba”")') == []


def test_a_digit_typed_into_an_expression() -> None:
    assert problems("md:{eval}`y.say('còn 5 đơn vị')` và {eval}`y.remark('II.4')`") == [
        "notebooks/sổ.ipynb, ô 1: gõ tay con số trong “còn 5 đơn vị”. Lấy số từ dữ liệu hoặc params."
    ]


def test_prose_is_checked_with_the_number_of_its_cell() -> None:
    assert problems("x = 1", "md:## I. Kết quả\n\nCó 4.342 tin.", "md:{eval}`y.` và {eval}`y)`") == [
        "notebooks/sổ.ipynb, ô 2: gõ tay con số “4.342”. Lấy số từ dữ liệu hoặc params bằng {eval}`y....`.",
        "notebooks/sổ.ipynb, ô 3: biểu thức {eval}`y.` viết sai.",
        "notebooks/sổ.ipynb, ô 3: biểu thức {eval}`y)` viết sai.",
    ]


def test_ipython_s_own_syntax_is_left_to_the_kernel() -> None:
    assert problems("%matplotlib inline", "!ls") == []


def test_nothing_runs_before_the_problems_are_mended(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    path = notebook(tmp_path, f"open({str(trace)!r}, 'w').close()", "md:Có 4.342 tin.", "md:Có 12 vụ.")
    with pytest.raises(SettingsError) as caught:
        run(path, tmp_path / "out.ipynb", year=2023)
    assert len(caught.value.problems) == 2
    assert not trace.exists()


# --- parameters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"yaer": 2023}, "notebooks/sổ.ipynb không có tham số “yaer”. Có phải là “year”?"),
        ({"xyzzy": 2023}, "notebooks/sổ.ipynb không có tham số “xyzzy”."),
        ({"year=1;import os;x": 1}, "notebooks/sổ.ipynb không có tham số “year=1;import os;x”."),
        ({"year": "2023"}, "notebooks/sổ.ipynb: tham số “year” phải là int, không phải '2023'."),
        ({"year": True}, "notebooks/sổ.ipynb: tham số “year” phải là int, không phải True."),
        ({"year": 2023.0}, "notebooks/sổ.ipynb: tham số “year” phải là int, không phải 2023.0."),
        ({"edition": 1}, "notebooks/sổ.ipynb: tham số “edition” phải là str, không phải 1."),
        ({"scale": 1}, "notebooks/sổ.ipynb: tham số “scale” phải là float, không phải 1."),
        ({"draft": 0}, "notebooks/sổ.ipynb: tham số “draft” phải là bool, không phải 0."),
    ],
)
def test_only_declared_parameters_of_the_declared_type(
    parameters: dict[str, int | str | bool | float], sentence: str, tmp_path: Path
) -> None:
    trace = tmp_path / "ran"
    path = notebook(tmp_path, f"open({str(trace)!r}, 'w').close()")
    with pytest.raises(SettingsError) as caught:
        run(path, tmp_path / "out.ipynb", **parameters)
    assert str(caught.value) == sentence
    assert not trace.exists()


def test_a_notebook_whose_kernelspec_was_stripped_has_parameters_all_the_same(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = 1")
    stripped = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    stripped.metadata = nbformat.from_dict({})  # type: ignore[no-untyped-call]
    nbformat.write(stripped, path)  # type: ignore[no-untyped-call]
    with pytest.raises(SettingsError, match=r"không có tham số “yaer”\. Có phải là “year”\?$"):
        run(path, tmp_path / "out.ipynb", yaer=2023)


def test_an_unreadable_notebook(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^Thiếu sổ notebooks/sổ\.ipynb\.$"):
        runner.read(tmp_path / "none.ipynb", SHOWN)
    (tmp_path / "broken.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        runner.read(tmp_path / "broken.ipynb", SHOWN)
    assert str(caught.value).startswith("notebooks/sổ.ipynb: không đọc được sổ Jupyter (")
    assert str(caught.value).endswith("). Hãy lấy lại bản trước.")


# --- with a kernel ---------------------------------------------------------------------------------------------

OPEN = "from danvan.yearbook import open_year\n\ny = open_year(year, edition)"


def test_the_prose_gets_its_values_and_the_given_parameters(tmp_path: Path) -> None:
    path = notebook(
        tmp_path,
        OPEN,
        "md:Năm {eval}`y.year` có {eval}`y.tips_received` tin; {eval}`mine`; {eval}`y.edition`.",
        "mine = y.fmt(y.tips_received.value / len(y.units.districts), 1, of=[y.tips_received])",
    )
    before = path.read_bytes()
    done = run(path, tmp_path / "out.ipynb", year=2023, edition="internal")
    assert path.read_bytes() == before
    cell = next(cell for cell in done.cells if cell.cell_type == "markdown")
    values = {item["expression"]: prose.value_of(item) for item in cell.metadata["user_expressions"]}
    assert {name: value.text for name, value in values.items() if value} == {
        "y.year": "2023",
        "y.tips_received": "4.342",
        "mine": "289,5",
        "y.edition": "internal",
    }
    assert values["mine"].results == ("tips_received@2023/total",)  # type: ignore[union-attr]
    written = nbformat.read(tmp_path / "out.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    assert [c.get("outputs") for c in written.cells] == [c.get("outputs") for c in done.cells]
    assert not any("papermill" in part.metadata for part in (done, *done.cells))  # no time of this run is left


def test_a_failing_cell_is_named_as_it_stands_in_the_stored_notebook(tmp_path: Path) -> None:
    path = notebook(tmp_path, "md:Mở đầu.", "print('đã chạy')", "md:Giữa.", "part = 0\nwhole = 1 / part", "print('x')")
    out = tmp_path / "out.ipynb"
    with pytest.raises(runner.NotebookError) as caught:
        run(path, out, year=2023)
    assert str(caught.value) == "notebooks/sổ.ipynb, ô 5 chạy lỗi: division by zero (ZeroDivisionError)."
    assert caught.value.exit_code == 4
    left = nbformat.read(out, as_version=4)  # type: ignore[no-untyped-call]
    outputs = [output for cell in left.cells for output in cell.get("outputs", [])]
    assert any(o.output_type == "stream" and o.text == "đã chạy\n" for o in outputs)
    assert any(o.output_type == "error" and o.ename == "ZeroDivisionError" for o in outputs)
    assert not any(o.output_type == "stream" and o.text == "x\n" for o in outputs)  # it stopped there


def test_an_error_of_danvan_in_a_cell_keeps_its_words(tmp_path: Path) -> None:
    path = notebook(tmp_path, OPEN, 'y.table("tips_recieved", caption="Tin")')
    with pytest.raises(runner.NotebookError) as caught:
        run(path, tmp_path / "out.ipynb", year=2023)
    assert str(caught.value) == (
        "notebooks/sổ.ipynb, ô 3 chạy lỗi: Không có chỉ tiêu “tips_recieved”. Có phải là “tips_received”? "
        "(UnknownNameError)."
    )


def test_every_wrong_expression_is_told_at_once_with_what_to_do(tmp_path: Path) -> None:
    path = notebook(
        tmp_path,
        OPEN,
        "n = 4342",
        "md:Có {eval}`n` tin.",
        "md:Có {eval}`y.tips_recieved` tin, {eval}`y.tips_received` tin.\n\n- {eval}`y.guns.at('Hà Nội')`[^a]\n\n"
        "[^a]: {eval}`y.tips_received.value`",
    )
    out = tmp_path / "out.ipynb"
    with pytest.raises(runner.NotebookError) as caught:
        run(path, out, year=2023)
    hint = "không phải câu chữ của sổ. Với số tự tính, dùng y.fmt(số, chữ số thập phân)."
    assert sorted(str(caught.value).splitlines()) == sorted(
        [
            f"notebooks/sổ.ipynb, ô 4, {{eval}}`n`: cho ra 4342, {hint}",
            "notebooks/sổ.ipynb, ô 5, {eval}`y.tips_recieved`: Không có tên “tips_recieved”. "
            "Có phải là “tips_received”?",
            "notebooks/sổ.ipynb, ô 5, {eval}`y.guns.at('Hà Nội')`: Không nhận ra đơn vị: không có đơn vị “Hà Nội” "
            "trong kỳ này.",
            f"notebooks/sổ.ipynb, ô 5, {{eval}}`y.tips_received.value`: cho ra Decimal('4342'), {hint}",
        ]
    )
    assert out.exists()


def test_a_notebook_does_not_see_the_password_of_the_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "k9-bí-mật")
    monkeypatch.setenv("CÓ", "có")
    cell = f"import os\nassert os.environ['CÓ'] == 'có' and {PASSWORD!r} not in os.environ"
    run(notebook(tmp_path, cell), tmp_path / "out.ipynb")
