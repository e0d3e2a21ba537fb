"""Format profiles: what their files must say, and which one a document takes."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from danvan import formats
from danvan.errors import SettingsError
from danvan.params import YearParams, load_params
from danvan.paths import Project

OFFICIAL = ("party_2018", "party_2026", "state_nd30")


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of profiles that a test may change."""
    copy = tmp_path / "profiles"
    shutil.copytree(formats.PROFILES, copy)
    monkeypatch.setattr(formats, "PROFILES", copy)
    formats.load.cache_clear()
    yield copy  # type: ignore[misc]
    formats.load.cache_clear()


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problem(name: str) -> str:
    with pytest.raises(SettingsError) as caught:
        formats.load(name)
    return str(caught.value)


# ---------------------------------------------------------------- the files


def test_the_profiles_that_there_are() -> None:
    assert formats.names() == ["house_compact", *OFFICIAL]
    assert tuple(formats.official()) == OFFICIAL


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_profile_names_its_source_and_what_is_unsure(name: str) -> None:
    profile = formats.load(name)
    assert profile["source"]
    assert all(formats.at(profile, item["key"]) is not None and item["reason"] for item in profile["unsure"])


def test_a_profile_over_another_keeps_what_it_does_not_name() -> None:
    old, new = formats.load("party_2018"), formats.load("party_2026")
    assert new["closing"]["signature"]["party"] == old["closing"]["signature"]["party"] | {"post_bold": False}
    assert new["page"] == old["page"]
    assert new["source"] != old["source"]


def test_what_a_file_says_of_itself_is_not_taken_from_its_base(profiles: Path) -> None:
    change(profiles / "party_2026.yaml", "family: party\n", "")
    assert problem("party_2026").startswith("publish/profiles/party_2026.yaml, dòng 3: thiếu khóa “family”.")


def test_an_unknown_key_is_refused_with_its_line(profiles: Path) -> None:
    change(profiles / "party_2026.yaml", "    party: {post_bold: false}", "    party: {post_blod: false}")
    line = (
        (profiles / "party_2026.yaml")
        .read_text(encoding="utf-8")
        .splitlines()
        .index("    party: {post_blod: false}         # the post under the words of authority is not bold any more")
    )
    assert problem("party_2026") == (
        f"publish/profiles/party_2026.yaml, dòng {line + 1}: không có khóa “closing.signature.party.post_blod”. "
        "Có phải là “post_bold”? Hãy sửa tên hoặc bỏ."
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  from_edge_mm: 10 ", "  # ", "thiếu khóa “page_number.from_edge_mm”"),
        ("width_mm: 210 ", "width_mm: rộng ", "“page.width_mm” là 'rộng'; cần số"),
        ("{key: body.line_pt,", "{key: body.lines,", "không có khóa “body.lines” trong mẫu này"),
        ("  body.size_pt: [14, 15]", "  body.size_pt: [15, 16]", "“body.size_pt” là 14, ngoài khoảng cho phép 15-16"),
        ("  body.size_pt: [14, 15]", "  body.size: [14, 15]", "“body.size” không phải là một số đo của mẫu này"),
        ("in_force: {from: 2018-04-03, until: 2026-05-26}", "in_force: null", "phải có ngày hiệu lực"),
    ],
)
def test_what_is_wrong_in_a_file_is_told(profiles: Path, old: str, new: str, told: str) -> None:
    change(profiles / "party_2018.yaml", old, new)
    assert told in problem("party_2018")


# ---------------------------------------------------------------- which one


@pytest.mark.parametrize(
    ("family", "day", "name"),
    [
        ("party", date(2018, 4, 3), "party_2018"),
        ("party", date(2026, 5, 26), "party_2018"),
        ("party", date(2026, 5, 27), "party_2026"),
        ("state", date(2023, 12, 31), "state_nd30"),
        ("party_2018", date(2030, 1, 1), "party_2018"),
    ],
)
def test_a_family_takes_what_is_in_force_on_the_day(family: str, day: date, name: str) -> None:
    assert formats.chosen(family, day) == name


def test_a_day_with_no_format_or_two_is_refused(profiles: Path) -> None:
    with pytest.raises(SettingsError, match=r"không có mẫu nào có hiệu lực vào ngày 02/04/2018\. Hãy ghi rõ một mẫu"):
        formats.chosen("party", date(2018, 4, 2))
    change(profiles / "party_2018.yaml", "until: 2026-05-26", "until: null")
    formats.load.cache_clear()
    with pytest.raises(SettingsError, match="hơn một mẫu có hiệu lực vào ngày 01/06/2026"):
        formats.chosen("party", date(2026, 6, 1))


# ---------------------------------------------------------------- params


def params(project: Path, year: int, *changes: tuple[str, str]) -> YearParams:
    for old, new in changes:
        change(project / "params" / f"{year}.yaml", old, new)
    return load_params(Project(project), year)


def test_years_take_the_format_of_their_issue_day() -> None:
    root = Project(Path(__file__).parents[2])
    names = {year: load_params(root, year).format_name for year in range(2022, 2027)}
    assert names == dict.fromkeys(range(2022, 2026), "party_2018") | {2026: "party_2026"}


def test_the_documents_date_counts_before_the_cut_off_and_the_period(project: Path) -> None:
    assert params(project, 2023).issue_day == date(2023, 12, 31)
    assert params(project, 2023, ("data_cutoff: null", "data_cutoff: 2026-05-27")).format_name == "party_2026"
    assert params(project, 2023, ("  date: null", "  date: 2024-01-12")).format_name == "party_2018"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "format_profile: party ",
            "format_profile: partie ",
            "dòng 11: không có mẫu thể thức “partie”. Có phải là “party”? Hãy ghi một họ mẫu (party, state: mẫu có "
            "hiệu lực vào ngày văn bản) hoặc một mẫu (party_2018, party_2026, state_nd30).",
        ),
        (
            "number: null ",
            "number: 15/BC-CATP ",
            "dòng 7: “document.number” là “15/BC-CATP”; theo mẫu party_2018, số phải kết thúc bằng “-BC/BDVTU-CATP”.",
        ),
        (
            "signs: [K/T TRƯỞNG BAN",
            "signs: [KT. TRƯỞNG BAN",
            "“KT.” không hợp với grammar: party, chỉ dùng K/T, T/M, T/L.",
        ),
    ],
)
def test_what_does_not_fit_the_format_is_told_with_its_line(project: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        params(project, 2023, (old, new))
    assert told in str(caught.value)
    assert str(caught.value).startswith("params/2023.yaml, dòng ")


# ---------------------------------------------------------------- words


def test_words_that_a_format_fixes() -> None:
    party, state = formats.load("party_2018"), formats.load("state_nd30")
    assert formats.numbered(party, "15-BC/BDVTU", "BC/BDVTU") == "Số 15-BC/BDVTU"
    assert formats.numbered(party, None, "BC/BDVTU") == "Số ......-BC/BDVTU"
    assert formats.numbered(state, None, "BC-CATP") == "Số: ....../BC-CATP"
    assert formats.archived(party, "Lưu: BDVTU, CATP") == "Lưu: BDVTU, CATP"
    assert formats.archived(state, "Lưu: BDVTU, CATP") == "Lưu: VT, BDVTU, CATP"
    assert formats.archived(state, "Lưu: VT, PV01") == "Lưu: VT, PV01"
    assert formats.archived(state, "Bộ Công an") == "Bộ Công an"


def test_annexes_are_numbered_in_romans_where_a_format_wants_it() -> None:
    party, state = formats.load("party_2018"), formats.load("state_nd30")
    assert [formats.annex_number(state, index, 4) for index in (1, 4)] == ["Phụ lục I", "Phụ lục IV"]
    assert formats.annex_number(state, 1, 1) == "Phụ lục"
    assert formats.annex_number(party, 1, 1) == "Phụ lục I"
    assert [formats.roman(number) for number in (9, 14, 39)] == ["IX", "XIV", "XXXIX"]
