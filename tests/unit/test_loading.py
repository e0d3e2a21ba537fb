"""What is wrong in a file that analysts own is told with its line, in words they can act on."""

from __future__ import annotations

import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from danvan.errors import SettingsError
from danvan.loading import Strict, load_yaml, read_csv
from danvan.params import load_params
from danvan.paths import Project

ROOT = Path(__file__).resolve().parent.parent.parent


class Signer(Strict):
    name: str
    rank: str = ""


class Small(Strict):
    year: int
    title: str = ""
    day: dt.date | None = None
    limit: Decimal = Decimal(1)
    draft: bool = False
    count: int = 0
    grammar: Literal["party", "state"] = "party"
    words: tuple[str, ...] = ()
    signers: tuple[Signer, ...] = ()
    texts: dict[str, str] = Field(default_factory=dict)


def load(tmp_path: Path, text: str | bytes) -> Small:
    path = tmp_path / "nhỏ.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_yaml(path, "params/nhỏ.yaml", Small)


def refused(tmp_path: Path, text: str | bytes) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


# --- what is read ----------------------------------------------------------------------------------------------


def test_types_are_those_that_were_typed(tmp_path: Path) -> None:
    read = load(
        tmp_path,
        "year: 2023\nday: 2023-01-16\nlimit: 2.50\ndraft: true\nwords: [no, 010, 12:30, on, 1_000, 0x1A, 1e3, .5]\n"
        "signers:\n  - {name: A}\n",
    )
    assert read.year == 2023
    assert read.day == dt.date(2023, 1, 16)
    assert read.limit == Decimal("2.50")
    assert read.draft is True
    # Everything that YAML 1.1 would turn into False, 8, 750 and the like stays the text that was typed.
    assert read.words == ("no", "010", "12:30", "on", "1_000", "0x1A", "1e3", ".5")
    assert read.signers == (Signer(name="A"),)


def test_a_decimal_is_exact(tmp_path: Path) -> None:
    assert load(tmp_path, "year: 2023\nlimit: 0.1\n").limit == Decimal("0.1")


def test_texts_are_composed_letters_whatever_was_typed(tmp_path: Path) -> None:
    assert load(tmp_path, "year: 2023\ntitle: 'D\u00e2n v\u00e2\u0323n'\n").title == "D\u00e2n v\u1ead" + "n"


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbfyear: 2023\r\ntitle: A\r\n").title == "A"


def test_what_is_read_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path, "year: 2023\n").year = 2024  # type: ignore[misc]


# --- what is refused -------------------------------------------------------------------------------------------


def test_an_unknown_key(tmp_path: Path) -> None:
    assert refused(tmp_path, "year: 2023\n\ntitel: A\n") == [
        "params/nhỏ.yaml, dòng 3: không có khóa “titel”. Có phải là “title”? Hãy sửa tên hoặc bỏ."
    ]
    assert refused(tmp_path, "year: 2023\nsigners:\n  - name: A\n    rnak: B\n") == [
        "params/nhỏ.yaml, dòng 4: không có khóa “signers.0.rnak”. Có phải là “rank”? Hãy sửa tên hoặc bỏ."
    ]
    assert refused(tmp_path, "year: 2023\nxyzzy: A\n") == [
        "params/nhỏ.yaml, dòng 2: không có khóa “xyzzy”. Hãy sửa tên hoặc bỏ."
    ]


def test_a_missing_key_is_told_with_the_line_of_its_group(tmp_path: Path) -> None:
    assert refused(tmp_path, "# chỉ có tên\ntitle: A\n") == [
        "params/nhỏ.yaml, dòng 2: thiếu khóa “year”. Hãy thêm khóa này (để trống bằng null nếu được phép)."
    ]
    assert refused(tmp_path, "year: 2023\nsigners:\n  - name: A\n  - rank: B\n") == [
        "params/nhỏ.yaml, dòng 4: thiếu khóa “signers.1.name”. Hãy thêm khóa này (để trống bằng null nếu được phép)."
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("year: hai nghìn", "“year” là 'hai nghìn'; cần số nguyên."),
        ("year: 2023.5", "“year” là 2023.5; cần số nguyên."),
        ("year: null", "“year” là None; cần số nguyên."),
        ("{year: 2023, draft: có}", "“draft” là 'có'; cần true hoặc false."),
        ("{year: 2023, day: 16/01/2023}", "“day” là '16/01/2023'; cần ngày dạng năm-tháng-ngày (2023-01-16)."),
        ("{year: 2023, limit: nhiều}", "“limit” là 'nhiều'; cần số."),
        ("{year: 2023, title: [A]}", "“title” là ['A']; cần chữ."),
        ("{year: 2023, title: 5}", "“title” là 5; cần chữ."),
        ("{year: 2023, words: A}", "“words” là 'A'; cần danh sách."),
        ("{year: 2023, signers: [A]}", "“signers.0” là 'A'; cần nhóm khóa: giá trị."),
        ("{year: 2023, grammar: đảng}", "“grammar” là 'đảng'; chỉ nhận: 'party', 'state'."),
    ],
)
def test_a_wrong_type(line: str, sentence: str, tmp_path: Path) -> None:
    assert refused(tmp_path, f"# đầu tệp\n{line}\n") == [f"params/nhỏ.yaml, dòng 2: {sentence}"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("draft: no", "“draft” là 'no'; cần true hoặc false."),
        ("draft: 1", "“draft” là 1; cần true hoặc false."),
        ("limit: true", "“limit” là True; cần số."),
        ("count: '010'", "“count” là '010'; cần số nguyên."),
        ("count: 1_000", "“count” là '1_000'; cần số nguyên."),
        ("count: true", "“count” là True; cần số nguyên."),
        ("day: 0", "“day” là 0; cần ngày dạng năm-tháng-ngày (2023-01-16)."),
    ],
)
def test_no_type_is_turned_into_another(line: str, sentence: str, tmp_path: Path) -> None:
    """What stayed text because it may mean two things must not become a number or a truth value afterwards."""
    assert refused(tmp_path, f"year: 2023\n{line}\n") == [f"params/nhỏ.yaml, dòng 2: {sentence}"]


def test_all_problems_at_once(tmp_path: Path) -> None:
    text = "year: x\ntitel: A\nday: hôm nay\nsigners:\n  - rank: B\n"
    assert [line.split(":")[0] for line in refused(tmp_path, text)] == [
        "params/nhỏ.yaml, dòng 1",
        "params/nhỏ.yaml, dòng 3",
        "params/nhỏ.yaml, dòng 5",
        "params/nhỏ.yaml, dòng 2",
    ]


def test_a_key_twice(tmp_path: Path) -> None:
    assert refused(tmp_path, "year: 2023\ntitle: A\ntitle: B\n") == [
        "params/nhỏ.yaml, dòng 3: khóa “title” viết hai lần. Hãy bỏ một."
    ]
    assert refused(tmp_path, "year: 2023\nsigners:\n  - name: A\n    name: B\n") == [
        "params/nhỏ.yaml, dòng 4: khóa “name” viết hai lần. Hãy bỏ một."
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("year: 2023\ntitle: A: B\n", 2),
        ("year: 2023\ntitle: 'A\n", 3),
        ("year: 2023\n\ttitle: A\n", 2),
        ("year: 2023\nwords: [a, b\ntitle: A\n", 3),
        ("year: 2023\n---\nyear: 2024\n", 2),
    ],
)
def test_malformed_yaml_is_told_with_its_line(text: str, line: int, tmp_path: Path) -> None:
    [sentence] = refused(tmp_path, text)
    assert sentence.startswith(f"params/nhỏ.yaml, dòng {line}: YAML viết sai (")
    assert sentence.endswith("). Hãy sửa dòng này rồi chạy lại.")


def test_aliases_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "year: 2023\nwords: &w [a]\ntexts: *w\n") == [
        "params/nhỏ.yaml, dòng 3: YAML viết sai (không dùng bí danh (*) trong tệp này). Hãy sửa dòng này rồi chạy lại."
    ]


def test_no_tag_makes_an_object(tmp_path: Path) -> None:
    [sentence] = refused(tmp_path, "year: 2023\ntitle: !!python/object/apply:os.system ['true']\n")
    assert sentence.startswith("params/nhỏ.yaml, dòng 2: YAML viết sai (")


def test_a_day_that_does_not_exist_is_told_with_its_line(tmp_path: Path) -> None:
    [sentence] = refused(tmp_path, "year: 2023\ntitle: A\nday: 2023-02-31\n")
    assert sentence.startswith("params/nhỏ.yaml, dòng 3: ")
    assert "2023-02-31" in sentence


def test_a_key_that_is_no_word(tmp_path: Path) -> None:
    [sentence] = refused(tmp_path, "year: 2023\n[a, b]: c\n")
    assert sentence.startswith("params/nhỏ.yaml, dòng 2: ")


def test_a_file_that_is_a_list_or_a_word(tmp_path: Path) -> None:
    assert refused(tmp_path, "- a\n- b\n") == ["params/nhỏ.yaml, dòng 1: “tệp” là ['a', 'b']; cần nhóm khóa: giá trị."]
    assert refused(tmp_path, "năm 2023\n") == ["params/nhỏ.yaml, dòng 1: “tệp” là 'năm 2023'; cần nhóm khóa: giá trị."]


@pytest.mark.parametrize("text", ["", "\n", "# chỉ có ghi chú\n"])
def test_an_empty_file(text: str, tmp_path: Path) -> None:
    assert refused(tmp_path, text) == ["params/nhỏ.yaml: tệp trống. Hãy lấy lại bản trước của tệp."]


@pytest.mark.parametrize("encoding", ["cp1258", "utf-16"])
def test_another_encoding(encoding: str, tmp_path: Path) -> None:
    assert refused(tmp_path, "year: 2023\ntitle: Đê\n".encode(encoding)) == [
        "params/nhỏ.yaml: không phải UTF-8. Hãy lưu lại tệp với bảng mã UTF-8."
    ]


def test_a_control_character_pasted_from_elsewhere(tmp_path: Path) -> None:
    [sentence] = refused(tmp_path, b"year: 2023\ntitle: hai\x0bd\xc3\xb2ng\n")  # Word's line break
    assert sentence.startswith("params/nhỏ.yaml, dòng 2: YAML viết sai (")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_yaml(tmp_path / "2031.yaml", "params/2031.yaml", Small)
    assert str(caught.value) == ("Thiếu tệp params/2031.yaml. Hãy lấy lại tệp này hoặc tạo theo tệp của năm trước.")


def test_a_folder_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "2031.yaml").mkdir()
    with pytest.raises(SettingsError, match=r"^params/2031.yaml là thư mục, không phải tệp thường"):
        load_yaml(tmp_path / "2031.yaml", "params/2031.yaml", Small)


# --- the params of a year --------------------------------------------------------------------------------------


@pytest.fixture
def params(tmp_path: Path) -> Path:
    (tmp_path / "params").mkdir()
    return Path(shutil.copy2(ROOT / "params" / "2023.yaml", tmp_path / "params" / "2023.yaml"))


def params_refused(path: Path, old: str, new: str) -> str:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_params(Project(path.parent.parent), 2023)
    return str(caught.value)


def test_the_committed_params_are_read() -> None:
    for year in (2022, 2023):
        assert load_params(Project(ROOT), year).year == year


def test_a_period_that_ends_before_it_starts(params: Path) -> None:
    assert "kỳ số liệu có ngày đầu sau ngày cuối." in params_refused(params, "end: 2023-12-31", "end: 2022-12-31")


def test_the_year_inside_is_the_year_of_the_file(params: Path) -> None:
    assert params_refused(params, "year: 2023", "year: 2024") == (
        "params/2023.yaml: khóa year là 2024, không khớp tên tệp 2023.yaml."
    )


def test_a_year_out_of_range_says_what_is_wrong(params: Path) -> None:
    assert params_refused(params, "year: 2023", "year: 1023").startswith("params/2023.yaml, dòng 2: “year” là 1023; ")


# --- CSV -------------------------------------------------------------------------------------------------------


def rows(tmp_path: Path, text: str | bytes) -> list[tuple[int, dict[str, str]]]:
    path = tmp_path / "bảng.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_csv(path, "data/bảng.csv", ("name", "value")))


def test_rows_carry_their_lines(tmp_path: Path) -> None:
    assert rows(tmp_path, "name,value\n A , 1\n\n,\n“B, C”,2\n".replace("“B, C”", '"B, C"')) == [
        (2, {"name": "A", "value": "1"}),
        (5, {"name": "B, C", "value": "2"}),
    ]


def test_what_excel_writes_is_read(tmp_path: Path) -> None:
    assert rows(tmp_path, b"\xef\xbb\xbfname,value\r\nA,1\r\n") == [(2, {"name": "A", "value": "1"})]


def test_texts_of_a_csv_are_composed(tmp_path: Path) -> None:
    assert rows(tmp_path, "name,value\nDo\u0302\u0300 So\u031bn,1\n")[0][1]["name"] == "D\u1ed3 S\u01a1n"


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("name;value", "name;value"),
        ("value,name", "value, name"),
        ("name,value,note", "name, value, note"),
        ("name", "name"),
        ("", "(trống)"),
    ],
)
def test_a_wrong_header(header: str, shown: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        rows(tmp_path, f"{header}\nA,1\n")
    assert str(caught.value) == f"data/bảng.csv, dòng 1: các cột là {shown}; cần đúng: name, value."


@pytest.mark.parametrize(("row", "fields"), [("A", 1), ("A,1,2", 3), ("Đồ Sơn, Kiến Thụy,1", 3)])
def test_a_row_with_another_number_of_fields(row: str, fields: int, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        rows(tmp_path, f"name,value\nA,1\n\n{row}\n")
    assert str(caught.value) == (
        f"data/bảng.csv, dòng 4: có {fields} ô, cần 2. Ô có dấu phẩy phải đặt trong dấu ngoặc kép."
    )


def test_a_csv_in_another_encoding(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        rows(tmp_path, "name,value\nĐồ Sơn,1\n".encode("utf-16"))
    assert str(caught.value) == "data/bảng.csv: không phải UTF-8. Hãy lưu lại tệp với bảng mã UTF-8."
