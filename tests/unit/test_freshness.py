"""Why a document has to be built, and the answer that there is nothing to do: words, keys, what is imported."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from danvan import freshness
from danvan.cli import main
from danvan.errors import StageError
from danvan.freshness import Sources, Wanted, nothing_to_do, require_same
from danvan.paths import Project
from danvan.store import Cache

ROOT = Path(__file__).resolve().parents[2]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


FILES = (
    *("params/2022.yaml", "params/2023.yaml", "params/catalogue.yaml", "params/units.csv", "params/bodies.csv"),
    *("data/2022/returns/Hồng Bàng.xlsx", "data/2023/returns/Hồng Bàng.xlsx", "data/2023/returns/Lê Chân.xlsx"),
    *("data/2023/stated.csv", "data/2023/answers.yaml", "data/reference/population.csv", "requirements.lock"),
    *("notebooks/annual_report.ipynb", "notebooks/trends.ipynb", "notebooks/unit_profile.ipynb"),
    *("danvan/cli.py", "danvan/publish/report.css", "danvan/fonts/Tinos-Bold.ttf"),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The files of a project; what is in them does not matter here."""
    for name in FILES:
        write(tmp_path / name, name)
    monkeypatch.setattr(freshness, "PACKAGE", tmp_path / "danvan")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("DANVAN_ROOT", str(tmp_path))
    return Project(tmp_path)


def built(wanted: Wanted) -> Wanted:
    """Lay down what a build of just this leaves: two outputs and a manifest."""
    outputs = {"page.html": "trang", "figures/hinh.svg": "hình"}
    for name, text in outputs.items():
        write(wanted.folder / name, text)
    recorded = {
        "key": wanted.key,
        "inputs": wanted.inputs,
        "settings": wanted.settings,
        "outputs": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in outputs.items()},
    }
    write(wanted.folder / "manifest.json", json.dumps(recorded))
    return wanted


@pytest.fixture
def report(project: Project) -> Callable[..., Wanted]:
    """The report of 2023 was built; the function says how it is wanted now."""
    built(Sources(project).report(2023, "public"))
    return lambda **more: Sources(project).report(2023, "public", **more)


# --- what is depended on ---------------------------------------------------------------------------------------


def test_the_inputs_of_each_document(project: Project) -> None:
    ground = {name for name in FILES if name.startswith(("danvan/", "data/reference/"))} | {"requirements.lock"}
    ground |= {"params/catalogue.yaml", "params/units.csv", "params/bodies.csv"}
    both = {name for name in FILES if "/2022" in name or "/2023" in name}
    both |= {"data/2022/returns", "data/2023/returns"}  # the folders: an empty one is not none
    sources = Sources(project)
    assert set(sources.report(2023, "public").inputs) == ground | both | {"notebooks/annual_report.ipynb"}
    earlier = {
        "params/2022.yaml",
        "data/2022/returns",
        "data/2022/returns/Hồng Bàng.xlsx",
        "notebooks/annual_report.ipynb",
    }
    assert set(sources.report(2022, "public").inputs) == ground | earlier
    assert set(sources.trends("public").inputs) == ground | both | {"notebooks/trends.ipynb"}
    tools = {name for name in FILES if name.startswith("danvan/")} | {"requirements.lock"}
    own = sources.profile(2023, "Quận Hồng Bàng", "abc")
    assert set(own.inputs) == tools | {"notebooks/unit_profile.ipynb", "packet"}
    for name, digest in sources.report(2023, "public").inputs.items():
        assert digest == ("folder" if name.endswith("/returns") else hashlib.sha256(name.encode()).hexdigest())


@pytest.mark.parametrize("name", [*FILES, "params/moi.csv", "data/reference/moi.csv", "data/2023/returns/Mới.csv"])
def test_every_input_is_in_the_key(name: str, project: Project) -> None:
    """A byte more in any file gives another key to what depends on it, and to nothing else."""

    def keys() -> dict[str, str]:
        sources = Sources(project)
        found = {str(year): sources.report(year, "public").key for year in (2022, 2023)}
        return found | {"trends": sources.trends("public").key, "profile": sources.profile(2023, "Quận A", "abc").key}

    before = keys()
    with (project.root / name).open("ab") as file:
        file.write(b"\n") if file.tell() else file.write(b"moi")
    after = keys()
    changed = {which for which in before if before[which] != after[which]}
    if name.startswith("danvan/") or name == "requirements.lock":
        assert changed == {*before}
    elif name.startswith("notebooks/"):
        of = {"annual_report": {"2022", "2023"}, "trends": {"trends"}, "unit_profile": {"profile"}}
        assert changed == of[Path(name).stem]
    elif "2023" in name:
        assert changed == {"2023", "trends"}
    else:
        assert changed == {"2022", "2023", "trends"}


def test_the_key_does_not_depend_on_the_order(tmp_path: Path) -> None:
    inputs, given = {"b": "1", "a": "2", "ă": "3"}, {"edition": "public", "python": "3"}
    key = Wanted(tmp_path, inputs, given).key
    for _ in range(5):
        shuffled = dict(random.sample(list(inputs.items()), 3))
        assert Wanted(tmp_path, shuffled, dict(reversed(given.items()))).key == key
    others = [
        (inputs | {"a": "1"}, given),
        ({**inputs, "c": ""}, given),
        ({"b": "1", "a": "2"}, given),
        (inputs | {"edition": "public"}, {"python": "3"}),
        (inputs, given | {"edition": "internal"}),
        (inputs, {"edition": "public"}),
        (inputs, given | {"more": ""}),
    ]
    assert len({key, *(Wanted(tmp_path, *other).key for other in others)}) == 8


def test_editions_and_settings_are_told_apart(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def keys() -> list[str]:
        sources = Sources(project)
        return [
            sources.report(2023, "public").key,
            sources.report(2023, "internal").key,
            sources.report(2023, "public", allow_incomplete=True).key,
            sources.trends("public").key,
            sources.trends("internal").key,
            sources.profile(2023, "Quận A", "1").key,
            sources.profile(2023, "Quận A", "2").key,
            sources.packets_key(2023),
            sources.packets_key(2022),
        ]

    before = keys()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    after = keys()
    assert len({*before, *after}) == 2 * len(before)
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert not {*before, *after} & {*keys()}


def test_what_lies_among_the_returns(project: Project) -> None:
    """A folder, a link, Excel's sign that a file is open, what is no return, what is too large."""
    folder = project.returns(2023)
    (folder / "thư mục.xlsx").mkdir()
    (folder / "liên kết.xlsx").symlink_to("Hồng Bàng.xlsx")
    (folder / "~$Hồng Bàng.xlsx").touch()
    for name in ("Thumbs.db", ".DS_Store", "Hồng Bàng.xlsx.part", "x.TMP"):
        (folder / name).touch()
    with (folder / "lớn.xlsx").open("wb") as file:
        file.truncate(freshness.LARGEST + 1)  # a hole
    (folder / unicodedata.normalize("NFD", "Đồ Sơn.xlsx")).write_text("x")
    found = {Path(n).name: d for n, d in Sources(project).years(2023).items() if n.startswith("data/2023/returns/")}
    assert {name: digest for name, digest in found.items() if len(digest) < 64} == {
        "thư mục.xlsx": "not a file",
        "liên kết.xlsx": "not a file",
        "~$Hồng Bàng.xlsx": "open",
        "lớn.xlsx": "50000001 bytes",
    }
    assert {name for name, digest in found.items() if len(digest) == 64} == {
        "Hồng Bàng.xlsx",
        "Lê Chân.xlsx",
        "Đồ Sơn.xlsx",
    }


def test_an_empty_folder_of_returns_is_not_none(project: Project) -> None:
    """'Chưa có thư mục ...' is said of the one, that all units are missing of the other."""
    (project.returns(2023) / "Lê Chân.xlsx").unlink()
    (project.returns(2023) / "Hồng Bàng.xlsx").unlink()
    before = Sources(project).years(2023)
    project.returns(2023).rmdir()
    assert Sources(project).years(2023) != before


def test_inputs_that_changed_meanwhile_are_named() -> None:
    before = dict.fromkeys("abcdefgh", "1")
    require_same(before, dict(reversed(before.items())))
    with pytest.raises(StageError) as told:
        require_same(before, {**before, "c": "2", "new": "1"})
    assert str(told.value) == "c, new thay đổi trong lúc lập. Hãy chạy lại; báo cáo cũ còn nguyên."
    with pytest.raises(StageError) as told:
        require_same(before, {})
    assert str(told.value) == "a, b, c, d, e và tệp khác thay đổi trong lúc lập. Hãy chạy lại; báo cáo cũ còn nguyên."


# --- why -------------------------------------------------------------------------------------------------------


def test_what_is_current_has_no_reasons(report: Callable[..., Wanted]) -> None:
    assert report().reasons() == []
    assert report().is_current()


def test_what_was_never_built(project: Project) -> None:
    wanted = Sources(project).report(2023, "public")
    assert wanted.reasons() == ["chưa lập"]
    assert not wanted.is_current()


def changed(name: str) -> Callable[[Path], object]:
    return lambda root: write(root / name, "đã đổi")


def gone(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).unlink()


PLACE = "reports/2023/public"


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        (gone(f"{PLACE}/manifest.json"), ["chưa lập"]),
        (changed(f"{PLACE}/manifest.json"), ["chưa lập"]),
        (lambda root: write(root / PLACE / "manifest.json", "[]"), ["chưa lập"]),
        (lambda root: write(root / PLACE / "manifest.json", '{"outputs": 3}'), ["chưa lập"]),
        (changed(f"{PLACE}/page.html"), ["page.html trong bản đã lập bị sửa hoặc xóa"]),
        (gone(f"{PLACE}/figures/hinh.svg"), ["figures/hinh.svg trong bản đã lập bị sửa hoặc xóa"]),
        (changed("params/2022.yaml"), ["params/2022.yaml đã đổi"]),
        (changed("notebooks/annual_report.ipynb"), ["notebooks/annual_report.ipynb đã đổi"]),
        (changed("requirements.lock"), ["requirements.lock đã đổi"]),
        (changed("data/2023/returns/Kiến An.xlsx"), ["data/2023/returns/Kiến An.xlsx mới có"]),
        (changed("data/2023/returns/~$Lê Chân.xlsx"), ["data/2023/returns/~$Lê Chân.xlsx mới có"]),
        (gone("data/2023/returns/Lê Chân.xlsx"), ["data/2023/returns/Lê Chân.xlsx không còn"]),
        (gone("data/2023/stated.csv"), ["data/2023/stated.csv không còn"]),
        (changed("danvan/cli.py"), ["chương trình (danvan/) đã đổi: 1 tệp"]),
        (
            lambda root: (changed("danvan/cli.py")(root), gone("danvan/publish/report.css")(root)),
            ["chương trình (danvan/) đã đổi: 2 tệp"],
        ),
        (
            lambda root: [changed(name)(root) for name in ("danvan/cli.py", "params/2023.yaml", f"{PLACE}/page.html")],
            [
                "page.html trong bản đã lập bị sửa hoặc xóa",
                "params/2023.yaml đã đổi",
                "chương trình (danvan/) đã đổi: 1 tệp",
            ],
        ),
        (
            lambda root: (root / "data/2023/returns/Lê Chân.xlsx").rename(root / "data/2023/returns/Phiếu.xlsx"),
            ["data/2023/returns/Lê Chân.xlsx không còn", "data/2023/returns/Phiếu.xlsx mới có"],
        ),
    ],
)
def test_reasons(
    change: Callable[[Path], object], reasons: list[str], report: Callable[..., Wanted], project: Project
) -> None:
    change(project.root)
    assert report().reasons() == reasons
    assert not report().is_current()


@pytest.mark.parametrize("name", ["params/2024.yaml", "data/2024/returns/Hồng Bàng.xlsx", "notebooks/trends.ipynb"])
def test_what_is_no_reason(name: str, report: Callable[..., Wanted], project: Project) -> None:
    write(project.root / name, "khác")
    assert report().reasons() == []


def test_settings_are_reasons(report: Callable[..., Wanted], monkeypatch: pytest.MonkeyPatch) -> None:
    assert report(allow_incomplete=True).reasons() == ["allow_incomplete từ “False” thành “True”"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1705363200")
    assert report().reasons() == ["SOURCE_DATE_EPOCH từ “” thành “1705363200”"]
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    version = ".".join(map(str, sys.version_info[:3]))
    monkeypatch.setattr(sys, "version_info", (3, 99, 1))
    assert report().reasons() == [f"python từ “{version}” thành “3.99.1”"]


def test_a_packet_is_a_reason(project: Project) -> None:
    built(Sources(project).profile(2023, "Quận Hồng Bàng", "cũ"))
    wanted = Sources(project).profile(2023, "Quận Hồng Bàng", "mới")
    assert wanted.reasons() == ["số liệu dùng cho đơn vị đã đổi"]


def test_a_key_that_fits_nothing_is_a_reason(report: Callable[..., Wanted]) -> None:
    path = report().folder / "manifest.json"
    write(path, path.read_text(encoding="utf-8").replace(report().key, "0" * 64))
    assert report().reasons() == ["ghi chép của lần lập trước không khớp"]


def test_a_manifest_of_an_earlier_version(report: Callable[..., Wanted]) -> None:
    """It knows no settings: what it lacks is told, and nothing crashes."""
    path = report().folder / "manifest.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))
    del recorded["settings"], recorded["key"]
    write(path, json.dumps(recorded))
    assert not report().is_current()
    version = ".".join(map(str, sys.version_info[:3]))
    assert report().reasons() == [
        "allow_incomplete từ “” thành “False”",
        "edition từ “” thành “public”",
        f"python từ “” thành “{version}”",
    ]


@pytest.mark.parametrize("damage", [{"inputs": None}, {"inputs": []}, {"settings": None}, {"settings": "x"}])
def test_a_damaged_manifest_is_no_crash(damage: dict[str, object], report: Callable[..., Wanted]) -> None:
    path = report().folder / "manifest.json"
    write(path, json.dumps({**json.loads(path.read_text(encoding="utf-8")), "key": "", **damage}))
    assert not report().is_current()
    assert report().reasons() != []


# --- nothing to do ---------------------------------------------------------------------------------------------

CURRENT = "Báo cáo năm 2023 đã mới nhất: reports/2023/public"


@pytest.fixture
def finished(project: Project) -> Project:
    """With everything built: both editions of both years and of the trends, two profiles, the figures."""
    sources = Sources(project)
    for edition in ("public", "internal"):
        for wanted in (sources.report(2022, edition), sources.report(2023, edition), sources.trends(edition)):
            built(wanted)
    for year in (2022, 2023):
        write(project.figures(year) / "hinh.svg", "hình")
    packets = {"Quận Hồng Bàng": "abc", "Quận Lê Chân": "def"}
    Cache(project.cache).put(freshness.PACKETS, sources.packets_key(2023), json.dumps(packets).encode())
    for unit, packet in packets.items():
        built(sources.profile(2023, unit, packet))
    return project


TRENDS, INTERNAL = "Tài liệu diễn biến đã mới nhất: reports/trends/public", "reports/2023/internal"
PLAIN = [
    ("", CURRENT),
    ("report", CURRENT),
    ("report 2023", CURRENT),
    ("report 2023 --edition public", CURRENT),
    ("report --edition internal 2023", f"Báo cáo năm 2023 đã mới nhất: {INTERNAL}"),
    ("report 2023 --edition internal --edition public", CURRENT),
    ("report 2023 2022", f"{CURRENT}\nBáo cáo năm 2022 đã mới nhất: reports/2022/public"),
    ("report --all", f"Báo cáo năm 2022 đã mới nhất: reports/2022/public\n{CURRENT}"),
    ("report --all 2022", f"Báo cáo năm 2022 đã mới nhất: reports/2022/public\n{CURRENT}"),
    ("trends", TRENDS),
    ("trends --edition internal", "Tài liệu diễn biến đã mới nhất: reports/trends/internal"),
    ("profile 2023", "Hồ sơ đơn vị năm 2023: lập 0, 2 đã mới nhất: reports/2023/profiles"),
    ("report 2023 2023", CURRENT),
]


@pytest.mark.parametrize(("call", "words"), PLAIN)
def test_nothing_to_do_says_what_the_command_line_says(
    call: str, words: str, finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(call.split()) == 0
    assert capsys.readouterr() == (words + "\n", "")
    assert nothing_to_do(finished, call.split()) == words


@pytest.mark.parametrize(
    "call",
    [
        *("report 2023 --force", "report --explain", "report 2023 --jobs 2", "report --jobs 1 2023", "report --cold"),
        *(
            "report 2023 --allow-incomplete",
            "report 2023 --xyz",
            "report hai",
            "report 23",
            "report 02023",
            "report -2023",
        ),
        *(
            "report 2023x",
            "report ２０２３",
            "report 2031",
            "report 2023 2031",
            "report --edition",
            "report --edition x",
        ),
        *("report --edition=internal", "report -- 2023", "report 2023 --help", "-h", "2023", "reprot", "report report"),
        *("trends 2023", "trends --all", "trends --edition x", "trends --force", "trends --edition"),
        *("profile", "profile 2022", "profile 2023 Hồng_Bàng", "profile 2022 2023", "profile 2023 --force"),
        *("profile 2023 --edition internal", "profile 2023 --all", "profile hai"),
        *("check 2023", "status", "status 2023", "form 2023", "new-year 2024", "preview 2023", "lab", "test"),
        *("--edition internal", "--all", "--force"),
    ],
)
def test_whatever_else_is_for_the_command_line(call: str, finished: Project) -> None:
    assert nothing_to_do(finished, call.split()) is None


@pytest.mark.parametrize(
    "change",
    [
        changed("params/2023.yaml"),
        changed("danvan/cli.py"),
        changed(f"{PLACE}/page.html"),
        changed(f"{PLACE}/figures/hinh.svg"),
        gone(f"{PLACE}/page.html"),
        gone(f"{PLACE}/manifest.json"),
        changed("figures/2023/hinh.svg"),
        gone("figures/2023/hinh.svg"),
        changed("figures/2023/lạ.svg"),
        lambda root: (root / "reports/2023/.public.old").mkdir(),
        lambda root: (root / "reports/2023/.public.new").mkdir(),
        lambda root: (root / PLACE).rename(root / "reports/2023/.public.old"),
        lambda root: (root / "figures/2023").rename(root / "figures/.2023.old"),
        lambda root: (root / "figures/.2023.old").mkdir(),
        lambda root: (root / "figures/.2023.new").mkdir(),
        changed("data/2023/returns/Mới.xlsx"),
        changed("data/2024/returns/Hồng Bàng.xlsx"),
    ],
)
def test_there_may_be_work(change: Callable[[Path], object], finished: Project) -> None:
    assert nothing_to_do(finished, []) == CURRENT
    change(finished.root)
    assert nothing_to_do(finished, []) is None


def test_one_of_several_is_stale(finished: Project) -> None:
    changed("reports/2022/public/page.html")(finished.root)
    assert nothing_to_do(finished, ["report", "2023"]) == CURRENT
    assert nothing_to_do(finished, ["report", "--all"]) is None
    changed("reports/2023/profiles/Quận Lê Chân/page.html")(finished.root)
    assert nothing_to_do(finished, ["profile", "2023"]) is None


def test_profiles_whose_packets_are_not_known(finished: Project) -> None:
    Cache(finished.cache).clear()
    assert nothing_to_do(finished, ["profile", "2023"]) is None


def test_figures_of_the_internal_edition_are_nowhere_else(finished: Project) -> None:
    changed("figures/2023/hinh.svg")(finished.root)
    assert nothing_to_do(finished, ["report", "--edition", "internal"]) is not None


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    for call in ([], ["report", "2023"], ["report", "--all"], ["trends"], ["profile", "2023"]):
        assert nothing_to_do(Project(tmp_path), call) is None


# --- what it costs ---------------------------------------------------------------------------------------------

ASK = """
import sys
before = set(sys.modules)
from danvan.freshness import nothing_to_do
from danvan.paths import Project
from pathlib import Path
print(nothing_to_do(Project(Path(sys.argv[1])), ["report", "2023"]))
print(*sorted(set(sys.modules) - before))
"""


def test_it_imports_the_standard_library_alone(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ASK, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said, modules = done.stdout.splitlines()
    assert said == "None"
    own = {name for name in modules.split() if name.partition(".")[0] == "danvan"}
    assert own == {"danvan", "danvan.freshness", "danvan.paths", "danvan.store", "danvan.errors"}
    assert {name.partition(".")[0] for name in modules.split()} - {"danvan"} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("what", ["current", "stale"])
def test_build_py_imports_little_where_there_is_nothing_to_do(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conftest import copy_project
    from test_functional import User

    user = User(copy_project(tmp_path / "dự án"))
    monkeypatch.setattr(freshness, "PACKAGE", user.root / "danvan")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    project = Project(user.root)
    built(Sources(project).report(2023, "public"))
    write(project.figures(2023) / "hinh.svg", "hình")
    call = ["status"] if what == "stale" else ["report", "2023"]
    command = [user.python, "-X", "importtime", str(user.root / "build.py"), *call]
    done = subprocess.run(
        command, env=user.environment, cwd=user.root, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    heavy = {"danvan.cli", "danvan.pipeline", "rich", "pydantic", "yaml", "argparse", "filelock", "pandas"}
    if what == "current":
        assert done.stdout == CURRENT + "\n"
        assert not heavy & imported
        assert {name for name in imported if name.startswith("danvan")} == {
            *("danvan", "danvan.setup", "danvan.stamp"),
            *("danvan.freshness", "danvan.paths", "danvan.store", "danvan.errors"),
        }
    else:  # the test of this test: whoever asks more gets the rest
        assert {"danvan.cli", "danvan.pipeline", "rich"} <= imported
