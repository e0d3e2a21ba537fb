"""Proof that a report rebuilds, as whoever checks it meets it: the same, where it differs, what is refused."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import openpyxl
import pikepdf
import pytest
from test_incremental import (
    Builders,
    base,  # noqa: F401 - fixtures
    builders,  # noqa: F401
    contents,
    copy,  # noqa: F401
    shared,  # noqa: F401
)
from test_jobs import (
    Build,
    started,  # noqa: F401
    until,
)

from danvan import preserved
from danvan.paths import Project
from danvan.store import sha256, zipped

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the builds are forked from a server")

WHOLE = "Lập lại giống hệt từng byte: {} tệp của {} năm 2023.\n"
TOLD = "Lập lại {} năm 2023 từ {} đầu vào, ở một thư mục sạch.\nSo từng tệp.\n"


def report(root: Path) -> Path:
    return root / "reports" / "2023" / "public"


def manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_bytes()))


def record(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> None:
    """Whoever falsifies a report makes its manifest fit."""
    found = manifest(folder)
    for name in found["outputs"]:
        found["outputs"][name] = sha256(folder / name)
    change(found)
    text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def published(root: Path, number: int = 1) -> Path:
    """The working build as an edition, its inputs kept."""
    project = Project(root)
    preserved.keep(project, manifest(report(root))["inputs"])
    return Path(shutil.copytree(report(root), project.published(2023, "public", number)))


# --- the same --------------------------------------------------------------------------------------------------


def test_a_working_build(copy: Path, builders: Builders) -> None:  # noqa: F811
    """It rebuilds from nothing: not from the cache, which is falsified here; and the project is left as it was."""
    for path in (copy / ".cache").glob("*/*"):
        path.write_bytes(b"x")
    before = contents(copy)
    [done] = builders.run(copy, "verify 2023")
    found = manifest(report(copy))
    files, inputs = len(found["outputs"]) + 1, len(found["inputs"])
    assert (done.code, done.err) == (0, TOLD.format("bản làm việc public", inputs))
    assert done.out == WHOLE.format(files, "bản làm việc public")
    assert contents(copy) == before


@pytest.mark.long
def test_an_edition_whose_inputs_have_all_changed(copy: Path, builders: Builders) -> None:  # noqa: F811
    """Returns, params and the program are others by now: what was kept rebuilds it, by the program of then."""
    edition = published(copy)
    for path in (copy / "data/2023/returns").iterdir():
        path.write_bytes(b"")
    (copy / "params/2023.yaml").unlink()
    with (copy / "danvan/stages.py").open("a", encoding="utf-8") as file:
        file.write("\nraise RuntimeError('the program of now')\n")
    record(edition, lambda found: found["tools"].update(typst="0.1"))  # as another machine might have had it
    before = contents(copy)
    [done] = builders.run(copy, "verify 2023")
    assert done.code == 0, done.err
    now = manifest(report(copy))["tools"]["typst"]
    assert done.out == (
        WHOLE.format(len(manifest(edition)["outputs"]) + 1, "ấn bản public-01")
        + f"Chú ý: typst: khi lập là 0.1, nay là {now}\n"
    )
    assert contents(copy) == before


# --- where it differs ------------------------------------------------------------------------------------------


def in_zip(part: str, old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = {name: packed.read(name) for name in packed.namelist()}
        assert old in members[part]
        return zipped(members | {part: members[part].replace(old, new, 1)})

    return change


def in_cell(data: bytes) -> bytes:
    out, book = io.BytesIO(), openpyxl.load_workbook(io.BytesIO(data))
    book.worksheets[1]["A5"] = "sửa tay"
    book.save(out)
    return out.getvalue()


def in_page(data: bytes) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as paper:
        paper.pages[1].Contents = paper.make_stream(b"0 0 9 9 re f")
        paper.save(out)
    return out.getvalue()


def in_pixel(data: bytes) -> bytes:
    out, pixels = io.BytesIO(), matplotlib.image.imread(io.BytesIO(data), format="png").copy()
    pixels[7, 4, 0] = 1 - pixels[7, 4, 0]
    matplotlib.image.imsave(out, pixels, format="png")
    return out.getvalue()


def in_text(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data.decode()
        return data.decode().replace(old, new, 1).encode()

    return change


CHANGED = {
    "bao-cao-2023.html": (in_text("</main>", " </main>"), r"dòng \d+: bản đã có “.*”, bản lập lại “.*”"),
    "bao-cao-2023.xlsx": (in_cell, r"trang tính “.+”, ô A5: bản đã có “sửa tay”, bản lập lại “.+”"),
    "bao-cao-2023.docx": (
        in_zip("word/document.xml", "chức".encode(), "chứt".encode()),
        r"phần word/document\.xml: bản đã có “.*chứt.*”, bản lập lại “.*chức.*”",
    ),
    "bao-cao-2023.pdf": (in_page, r"trang 2: bản đã có không có, bản lập lại “.+”"),
    "bao-cao-2023.csv": (in_text("Tổng", "Tồng"), r"dòng \d+, cột \d+ \(“.+”\): bản đã có “.*Tồng.*”, .*“.*Tổng.*”"),
    "notebook.ipynb": (
        in_text("Hồng Bàng", "Hồng Bang"),
        r"ô thứ \d+, .+: bản đã có “.*Bang.*”, bản lập lại “.*Bàng.*”",
    ),
    "trace.json": (in_text('"text":"', '"text":"9'), r"printed\[0\]\.text: bản đã có “9.*”, bản lập lại “.*”"),
    "figures/*.png": (in_pixel, r"1 điểm ảnh khác, điểm đầu tiên ở cột 5, hàng 8"),
    "figures/*.svg": (in_text("<path", "<path "), r"dòng \d+: bản đã có “.*<path  .*”, bản lập lại “.*<path .*”"),
}


@pytest.mark.long
def test_every_kind_of_file_that_was_falsified_with_its_manifest(copy: Path, builders: Builders) -> None:  # noqa: F811
    folder, said = report(copy), {}
    for pattern, (change, expected) in CHANGED.items():
        path = sorted(folder.glob(pattern))[0]
        path.write_bytes(change(path.read_bytes()))
        said[path.relative_to(folder).as_posix()] = expected
    lost = sorted(folder.glob("figures/*.csv"))[0]
    lost.unlink()
    (folder / "them.txt").write_text("x", encoding="utf-8")

    def fit(found: dict[str, Any]) -> None:
        found["outputs"]["them.txt"] = sha256(folder / "them.txt")
        found["parameters"]["year"] = 2024

    found = manifest(folder)
    del found["outputs"][lost.relative_to(folder).as_posix()]
    (folder / "manifest.json").write_text(json.dumps(found), encoding="utf-8")
    record(folder, fit)
    said[lost.relative_to(folder).as_posix()] = "chỉ có trong lần lập lại"
    said["them.txt"] = "lần lập lại không có tệp này"
    said["manifest.json"] = r"parameters\.year: bản đã có “2024”, bản lập lại “2023”"

    [done] = builders.run(copy, "verify 2023 --edition public")
    assert done.code == 5, done.err
    first, *lines, last = done.out.splitlines()
    count = len(manifest(folder)["outputs"]) + 1
    assert first == f"Lập lại không giống bản làm việc public năm 2023: {len(said)} trong {count} tệp khác."
    told = dict(line.removeprefix("- ").split(": ", 1) for line in lines)
    assert sorted(told) == sorted(said)
    assert [name for name, expected in said.items() if not re.fullmatch(expected, told[name])] == [], told
    assert max(map(len, lines)) < 300
    assert last.startswith("Chú ý: Python và các công cụ ghi trong manifest đều như nhau.")


# --- what is refused -------------------------------------------------------------------------------------------


def test_what_cannot_be_verified(copy: Path, builders: Builders) -> None:  # noqa: F811
    """Each is said before anything is built."""
    folder, edition = report(copy), published(copy)
    returned = sorted((copy / "data/2023/returns").iterdir())[:2]
    names = [path.relative_to(copy).as_posix() for path in returned]
    digests = [manifest(edition)["inputs"][name] for name in names]
    contents_of = [path.read_bytes() for path in returned]
    for path in returned:
        path.write_bytes(b"")
    for digest in digests:
        (copy / "data/kept" / digest[:2] / digest).unlink()
    html = edition / "bao-cao-2023.html"
    asked = (f"verify 2023 --edition {name}" for name in ("public-7", "secret", "internal"))
    lost, *wrong = builders.run(copy, "verify 2023", *asked)
    assert (lost.code, lost.out) == (5, "")
    assert lost.err == (
        f"Không lập lại được ấn bản public-01 năm 2023: {', '.join(names)} đã đổi và không có bản lưu. "
        "Hãy lấy lại đúng các tệp ấy (từ bản sao lưu hoặc từ git) rồi chạy lại.\n"
    )
    assert [(one.code, one.err) for one in wrong] == [
        (2, "Năm 2023 không có ấn bản public-7. Đang có: public-01.\n"),
        (2, "--edition không nhận “secret”: hãy ghi public, internal hoặc tên một ấn bản như public-01.\n"),
        (2, "Năm 2023 chưa có báo cáo (internal) để kiểm chứng. Hãy chạy: build.py report 2023 --edition internal\n"),
    ]
    for path, content in zip(returned, contents_of, strict=True):
        path.write_bytes(content)

    whole = html.read_bytes()
    html.write_bytes(whole + b" ")
    (folder / "trace.json").write_bytes(b"{}")
    of_edition, of_build = builders.run(copy, "verify 2023", "verify 2023 --edition public")
    assert (of_edition.code, of_build.code) == (5, 5)
    assert of_edition.err.startswith("Ấn bản public-01 không còn nguyên: bao-cao-2023.html bị sửa")
    assert of_build.err == (
        "Bản làm việc public năm 2023 không còn nguyên: trace.json bị sửa, bị xóa hoặc thêm vào sau khi lập. "
        "Hãy lập lại: build.py report.\n"
    )
    html.write_bytes(whole)

    for outside in ("../x", "/x", "a/../../x", "C:/x", "a\\..\\x"):
        record(edition, lambda found, name=outside: found["inputs"].update({name: "open"}))
        [done] = builders.run(copy, "verify 2023")
        assert done.code == 5
        assert "nêu một đầu vào nằm ngoài dự án" in done.err
        record(edition, lambda found, name=outside: found["inputs"].pop(name))
    record(edition, lambda found: found["inputs"].update({"data/2023/returns/x.xlsx": "not readable"}))
    [done] = builders.run(copy, "verify 2023")
    assert (done.code, "data/2023/returns/x.xlsx đã đổi và không có bản lưu" in done.err) == (5, True)


def test_another_lock_gets_an_environment_of_its_own(copy: Path, builders: Builders, tmp_path: Path) -> None:  # noqa: F811
    """build.py of the clean place makes it, started so that it sees none of the packages here; and what it says is
    handed on. (That it then installs and builds, test_setup.py has.)"""
    published(copy)
    (copy / "requirements.lock").write_text("# mới\n", encoding="utf-8")
    seen = tmp_path / "seen.json"
    (copy / "build.py").write_text(
        f"""import json, os, pathlib, sys
seen = dict(argv=sys.argv[1:], site=not sys.flags.no_site, files=sorted(os.listdir()), root=os.environ["DANVAN_ROOT"])
seen["lock"] = pathlib.Path("requirements.lock").read_text("utf-8")[:7]
seen["python"] = sorted(name for name in os.environ if name.startswith("PYTHON"))
pathlib.Path({str(seen)!r}).write_text(json.dumps(seen), "utf-8")
sys.exit("Không kết nối được tới kho gói Python: " + os.getcwd())
""",
        encoding="utf-8",
    )
    [done] = builders.run(copy, "verify 2023")
    assert (done.code, done.out) == (4, "")
    told = done.err.splitlines()
    assert told[1].startswith("requirements.lock đã đổi từ khi lập bản này: cài bộ gói của bản ấy vào một nơi riêng.")
    assert told[2] == "Không lập lại được, lần lập lại kết thúc với mã 1: Không kết nối được tới kho gói Python: ."
    found = json.loads(seen.read_text(encoding="utf-8"))
    assert found["argv"] == ["report", "2023", "--edition", "public", "--jobs", "1"]
    assert found["files"] == [
        "build.py",
        "danvan",
        "data",
        "notebooks",
        "params",
        "pyproject.toml",
        "requirements.lock",
    ]
    assert (found["site"], found["python"]) == (False, ["PYTHONUTF8"])
    assert found["lock"] != "# mới\n"
    assert not Path(found["root"]).parent.exists()


# --- stopped ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", ["alone", "group"])
@pytest.mark.sampled(2)
def test_ctrl_c_while_it_rebuilds(whom: str, copy: Path, started: Callable[..., Build]) -> None:  # noqa: F811
    """As a terminal does it, or somebody who stops this one process: the other one ends too, and nothing is left."""
    before = contents(copy)
    build = started("verify", "2023")
    place = until(lambda: next(build.temporary.glob("**/lap-lai/reports/2023/.public.new"), None), 180)
    assert place.parents[3].stat().st_mode & 0o777 == 0o700
    until(build.kernels, 180)
    os.kill(build.process.pid, signal.SIGINT) if whom == "alone" else os.killpg(build.process.pid, signal.SIGINT)
    done = build.told()
    assert (done.code, done.out) == (130, "")
    assert done.err.endswith("Đã dừng theo yêu cầu; báo cáo cũ còn nguyên.\n")
    assert "Traceback" not in done.err
    assert build.left() == []
    assert build.files_left() == []
    assert list(build.temporary.iterdir()) == []
    assert contents(copy) == before
