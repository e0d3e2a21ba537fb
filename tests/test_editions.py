"""Publishing, revising, the archive and its server, on a small report of the committed year: as a user meets them."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import axe
import chromium
import nbformat
import pytest
import workbooks
from bs4 import BeautifulSoup
from conftest import ROOT, copy_project
from filelock import FileLock

from danvan import editions, pipeline, preserved, usage
from danvan.paths import Project
from danvan.publish import site
from danvan.store import files_below, sha256

ATOM = "{http://www.w3.org/2005/Atom}"
LATE, CORRECTED = "Hải An.xlsx", "An Lão.xlsx"
History = tuple[Project, dict[str, "Told"]]
REASON = "Huyện An Lão gửi lại phiếu </script><script>alert(1)</script> & “sửa” số tin"
CELLS = (
    ("code", "year: int = None\nedition: str = 'public'", {"tags": ["parameters"]}),
    ("code", "from danvan.yearbook import open_year\n\ny = open_year(year, edition)\ny.title_block()", {}),
    ("markdown", "## I. Kết quả\n\nNhân dân cung cấp {eval}`y.tips_received` tin, {eval}`y.tips_valuable_rate` có giá "
                 "trị; {eval}`y.tips_per_10k` tin trên một vạn dân. Năm trước {eval}`y.tips_received.last` tin.", {}),
    ("code", "y.table('tips_received', 'tips_valuable', caption='Tin về an ninh trật tự')", {}),
    ("code", "y.chart('bars', 'tips_per_10k', question='Nơi nào nhiều tin nhất?')", {}),
    ("code", "y.closing()", {}),
)  # fmt: skip


def small_report(root: Path) -> Project:
    """The committed years with a report of a page."""
    project = Project(copy_project(root))
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    cells = [make[kind](text, metadata=about, id=f"o-{n}") for n, (kind, text, about) in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), project.report_notebook)
    return project


@contextmanager
def set_aside(path: Path) -> Iterator[None]:
    beside = path.with_name(f".{path.name}")
    path.rename(beside)
    yield
    beside.rename(path)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str


def call(project: Project, *words: str) -> Told:
    """The command line in a process of its own."""
    program = "import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "DANVAN_ROOT": str(project.root), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=environment, cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    return Told(done.returncode, done.stdout, done.stderr)


OFFICE = "Ban Dân vận Thành ủy"


def approved(project: Project, year: int = 2023) -> None:
    """The public working build, approved as it stands."""
    editions.approve(project, year, OFFICE, editions.release(project, year).hash, date(2024, 1, 2))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Four editions and a working build that differs from the last, with what the command line said. Change nothing."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own  # one for all workers: it takes half a minute
    root, kept = shared / "kho" / "dự án", shared / "kho" / "said.json"
    root.parent.mkdir(exist_ok=True)
    with FileLock(shared / "kho.lock"):
        if not kept.exists():
            said = make_history(root)
            kept.write_text(json.dumps({name: astuple(told) for name, told in said.items()}), encoding="utf-8")
    return Project(root), {name: Told(*told) for name, told in json.loads(kept.read_text(encoding="utf-8")).items()}


def make_history(root: Path) -> dict[str, Told]:
    project = small_report(root)
    said: dict[str, Told] = {"too early": call(project, "publish", "2023")}
    with set_aside(project.returns(2023) / LATE):
        pipeline.report(project, 2023, "public", allow_incomplete=True)
        said["unapproved"] = call(project, "publish", "2023")
        approved(project)
        said["first"] = call(project, "publish", "2023")
        said["again"] = call(project, "publish", "2023")
    said["stale"] = call(project, "publish", "2023")
    said["built anew"] = call(project, "report", "2023")
    said["silent"] = call(project, "publish", "2023")
    said["other approved"] = call(project, "publish", "2023", "--revision", "Quận Hải An gửi phiếu muộn")
    approved(project)
    said["late"] = call(project, "publish", "2023", "--revision", "Quận Hải An gửi phiếu muộn", "--scheduled")
    workbooks.change(project, workbooks.put("tips_received", 340), CORRECTED)
    pipeline.report(project, 2023, "public")
    said["status"] = call(project, "status", "2023")
    approved(project)
    said["corrected"] = call(project, "publish", "2023", "--revision", REASON)
    edit(project.catalogue, "scale: 10000\n", "scale: 100000\n")
    edit(project.params(2023), "theme:", "# chủ đề\ntheme:")
    pipeline.report(project, 2023, "public")
    approved(project)
    said["defined"] = call(project, "publish", "2023", "--revision", "Đổi cách tính")
    pipeline.report(project, 2023, "internal")
    said["internal"] = call(project, "publish", "2023", "--edition", "internal")
    edit(project.report_notebook, "Nhân dân cung cấp", "Nhân dân thành phố cung cấp")
    said["words"] = call(project, "report", "2023")
    said["words refused"] = call(project, "publish", "2023")
    pipeline.report(project, 2022, "public")
    pipeline.trends(project, "public")
    said["site"] = call(project, "site")
    return said


@pytest.fixture
def published(history: History, tmp_path: Path) -> Project:
    """A copy of the history, to be changed."""
    return Project(Path(shutil.copytree(history[0].root, tmp_path / "bản sao")))


def revision(project: Project, number: int) -> dict[str, Any]:
    return dict(json.loads((project.published(2023, "public", number) / "revision.json").read_bytes()))


def causes(project: Project, number: int) -> dict[str, tuple[str, str, set[str]]]:
    return {
        figure["key"]: (figure["old"], figure["new"], {cause["kind"] for cause in figure["causes"]})
        for figure in revision(project, number)["figures"]
    }


# ---------------------------------------------------------------- publishing


def test_what_is_not_there_or_no_longer_current_is_not_published(history: History) -> None:
    _, said = history
    words = "Năm 2023 chưa có báo cáo (public) để công bố. Hãy chạy: build.py report 2023\n"
    assert said["too early"] == Told(2, "", words)
    assert said["stale"].code == 2
    assert f"đã cũ: data/2023/returns/{LATE} mới có. Hãy lập lại rồi mới công bố: build.py report 2023" in (
        said["stale"].err
    )


def test_an_edition_is_the_working_build_as_it_stood(history: History) -> None:
    project, said = history
    assert said["first"].out == "Đã công bố: reports/2023/editions/public-01\nKho báo cáo: reports/index.html\n"
    assert said["again"] == Told(
        0, "Không có gì mới để công bố: bản làm việc năm 2023 giống hệt reports/2023/editions/public-01.\n", ""
    )
    first = project.published(2023, "public", 1)
    manifest = json.loads((first / "manifest.json").read_bytes())
    assert {path.relative_to(first).as_posix() for path in files_below(first)} == {
        *manifest["outputs"],
        "manifest.json",
        "approval.json",
    }
    assert manifest["settings"]["allow_incomplete"] == "True"
    assert not (first / "revision.json").exists()
    assert sorted(path.name for path in project.editions(2023).iterdir()) == [
        *("internal-01", "public-01", "public-02", "public-03", "public-04")
    ]


def test_a_silent_change_is_refused_and_shows_what_would_be_silent(history: History) -> None:
    _, said = history
    assert "Bản làm việc năm 2023 so với ấn bản public-01 đã công bố: " in said["built anew"].out
    assert said["silent"].code == 5
    assert not said["silent"].out
    lines = said["silent"].err.splitlines()
    assert lines[0] == "Bản đang có khác ấn bản public-01 đã công bố. Không công bố thay đổi mà không nói lý do:"
    assert (
        "- Tin về an ninh trật tự (Toàn thành phố, năm 2023): 4.178 [14/15] → 4.342. "
        "Nguyên nhân: phiếu gửi muộn: Hải An.xlsx."
    ) in lines
    assert lines[-1].startswith("Nếu đúng là phải sửa, hãy chạy: build.py publish 2023 --revision “lý do”")
    assert said["words refused"].code == 5
    assert "Không con số nào đổi; khác ở câu chữ hoặc cách trình bày." in said["words refused"].err
    assert "sổ báo cáo: annual_report.ipynb đã sửa" in said["words refused"].err
    assert "số liệu như cũ nhưng câu chữ hoặc cách trình bày khác (build.py publish 2023)" in said["words"].out
    assert "so với ấn bản public-02 đã công bố: " in said["status"].out


def test_a_late_return_is_the_cause_of_all_that_it_changed(history: History) -> None:
    project, _ = history
    found = revision(project, 2)
    assert (found["reason"], found["scheduled"], found["prose"]) == ("Quận Hải An gửi phiếu muộn", True, False)
    assert found["previous"] == {
        "edition": "public-01",
        "sha256": {
            name: sha256(project.published(2023, "public", 1) / name) for name in ("manifest.json", "approval.json")
        },
    }
    assert causes(project, 2)["tips_received@2023/total"] == ("4.178 [14/15]", "4.342", {"late"})
    assert causes(project, 2)["tips_received@2023/HP-306"][1:] == ("164", {"late"})
    assert {kind for _, _, kinds in causes(project, 2).values() for kind in kinds} == {"late"}


def test_a_corrected_cell_is_named_by_file_sheet_and_cell(history: History) -> None:
    project, _ = history
    found = {figure["key"]: figure for figure in revision(project, 3)["figures"]}
    assert {key: (figure["old"], figure["new"]) for key, figure in found.items()} == {
        "tips_per_10k@2023/HP-313": ("23,6", "23,2"),
        "tips_per_10k@2023/total": ("21,405", "21,375"),
        "tips_received@2023/HP-313": ("346", "340"),
        "tips_received@2023/total": ("4.342", "4.336"),
        "tips_valuable_rate@2023/total": ("91,3%", "91,4%"),
    }
    text = "phiếu sửa lại: An Lão.xlsx, trang Công an, ô D15: 346 → 340"
    assert all(figure["causes"] == [{"kind": "corrected", "text": text}] for figure in found.values())
    assert not revision(project, 3)["scheduled"]
    assert set(revision(project, 3)["previous"]["sha256"]) == {"manifest.json", "revision.json", "approval.json"}


def test_a_definition_and_params_are_causes_only_of_what_they_can_have_changed(
    history: History,
) -> None:
    project, _ = history
    found = causes(project, 4)
    assert {key.split("@")[0] for key in found} == {"tips_per_10k"}
    assert {kind for *_, kinds in found.values() for kind in kinds} == {"definition"}
    assert {cause["kind"] for cause in revision(project, 4)["inputs"]} == {"definition", "params"}


def test_a_reason_is_a_line_of_text_and_belongs_to_a_revision(published: Project) -> None:
    approved(published)
    for words, told in (
        (("--scheduled",), "--scheduled chỉ dùng cùng --revision “lý do”."),
        (("--revision", " \n"), "--revision phải kèm lý do"),
        (("--revision", "x" * 501), "Lý do dài 501 chữ cái"),
        (("--revision", "\tSửa\nsố  \x1b[31m"), ""),
    ):
        done = call(published, "publish", "2023", *words)
        assert (done.code, told in done.err) == (2 if told else 0, True)
    assert revision(published, 5)["reason"] == "Sửa số [31m"
    assert revision(published, 5)["figures"] == []
    assert revision(published, 5)["prose"]
    pipeline.report(published, 2022, "internal")
    done = call(published, "publish", "2022", "--edition", "internal", "--revision", "Sửa")
    assert (done.code, "Năm 2022 chưa có ấn bản internal nào nên không có gì để sửa đổi" in done.err) == (2, True)


# ---------------------------------------------------------------- the gate


def test_the_public_edition_needs_an_approval_of_just_this_build(history: History) -> None:
    _, said = history
    assert said["unapproved"].code == 5
    assert "Bản công khai năm 2023 chưa được duyệt nên chưa công bố được. Bản đang có: reports/2023/public, mã " in (
        said["unapproved"].err
    )
    assert said["other approved"].code == 5
    assert f"{OFFICE} đã duyệt bản có mã " in said["other approved"].err
    assert "nên việc duyệt ấy không còn giá trị" in said["other approved"].err
    assert said["internal"].code == 0


def test_what_is_approved_is_named_by_office_and_hash(published: Project) -> None:
    build = editions.release(published, 2023)
    assert (build.stage, build.edition) == ("draft", "public-04")
    for words, code, told in (
        (("--office", OFFICE), 2, f"mã {build.hash}. Hãy xem bản ấy rồi ghi mã này."),
        (("--office", OFFICE, "--hash", build.hash[:11]), 2, "ít nhất 12 chữ số đầu"),
        (("--office", OFFICE, "--hash", "../../../etc/x"), 2, "--hash phải là mã"),
        (("--office", OFFICE, "--hash", "0" * 64), 5, "đã có thay đổi sau khi xem"),
        (("--office", "Ban Dan van", "--hash", build.hash), 2, "“Ban Dan van” không phải cơ quan ban hành"),
        (("--hash", build.hash), 2, "thiếu --office"),
    ):
        done = call(published, "approve", "2023", *words)
        assert (done.code, told in done.err) == (code, True), done
        assert editions.release(published, 2023).stage == "draft"
    done = call(
        published, "approve", "2023", "--office", OFFICE, "--hash", build.hash[:12], "--revision", "Sửa câu chữ"
    )
    assert done == Told(
        0,
        f"{OFFICE} đã duyệt bản công khai năm 2023, mã {build.hash}.\n"
        "Mọi thay đổi từ đây làm mất giá trị việc duyệt. Công bố: build.py publish 2023\n",
        "",
    )
    assert editions.release(published, 2023).stage == "approved"
    assert f"đã được {OFFICE} duyệt ngày " in call(published, "status", "2023").out
    kept = published.published(2023, "public", 5)
    assert call(published, "publish", "2023").code == 0  # the reason stands in the approval
    assert revision(published, 5)["reason"] == "Sửa câu chữ"
    assert json.loads((kept / "approval.json").read_bytes())["build"] == sha256(kept / "manifest.json") == build.hash
    assert editions.release(published, 2023).stage == "published"
    assert f"{OFFICE} duyệt ngày " in soup(published.site).text


@pytest.mark.parametrize("what", ["returns", "notebook", "output", "approval"])
@pytest.mark.sampled(2)
def test_changing_anything_voids_an_approval(what: str, published: Project) -> None:
    approved(published)
    file = published.approval(2023, "public")
    if what == "approval":
        edit(file, '"office"', '"offices"')
    elif what == "output":
        edit(published.report(2023, "public") / "bao-cao-2023.html", "<body", "<body ")
    else:
        workbooks.change(published, workbooks.put("tips_received", 341), CORRECTED)
        if what == "notebook":
            edit(published.report_notebook, "Nhân dân", "Người dân")
        pipeline.report(published, 2023, "public")
        assert editions.release(published, 2023).stage == "draft"
    done = call(published, "publish", "2023", "--revision", "Sửa")
    assert done.code == (2 if what == "output" else 5), done
    assert not published.published(2023, "public", 5).exists()


def test_the_inputs_of_an_edition_are_kept(history: History, tmp_path: Path) -> None:
    project, _ = history
    for number in (1, 2, 3, 4):
        folder = tmp_path / str(number)
        manifest = json.loads((project.published(2023, "public", number) / "manifest.json").read_bytes())
        assert preserved.restore(project, manifest["inputs"], folder) == []
        there = {path.relative_to(folder).as_posix(): sha256(path) for path in files_below(folder)}
        assert there == {name: digest for name, digest in manifest["inputs"].items() if len(digest) == 64}
    assert len({path.name for path in files_below(project.preserved)}) == len(list(files_below(project.preserved)))
    assert all(sha256(path) == path.name for path in files_below(project.preserved))


# ---------------------------------------------------------------- nothing touches an edition


@pytest.mark.parametrize(
    ("number", "name", "how"),
    [
        (1, "trace.json", "edit"),
        (1, "bao-cao-2023.pdf", "delete"),
        (2, "ghi-chu.txt", "add"),
        (1, "manifest.json", "edit"),
        (2, "revision.json", "edit"),
        (2, "revision.json", "delete"),
        (1, "approval.json", "edit"),
        (2, "approval.json", "delete"),
        (4, "approval.json", "break"),
        (4, "notebook.ipynb", "edit"),
        (4, "manifest.json", "break"),
    ],
)
def test_an_edition_that_is_not_what_it_was_is_refused(published: Project, number: int, name: str, how: str) -> None:
    file = published.published(2023, "public", number) / name
    if how == "delete":
        file.unlink()
    else:
        content = file.read_bytes() if file.exists() else b""
        file.write_bytes(content[:-20] if how == "break" else content + b"\n")
    before = {path: sha256(path) for path in files_below(published.reports)}
    for words in (("publish", "2023", "--revision", "Sửa"), ("site",)):
        done = call(published, *words)
        assert done.code == 5
        assert f"Ấn bản public-{number:02d} không còn nguyên: {name} bị sửa, bị xóa hoặc thêm vào" in done.err
    assert {path: sha256(path) for path in files_below(published.reports)} == before


def test_an_edition_that_is_gone_is_missed(published: Project) -> None:
    shutil.rmtree(published.published(2023, "public", 2))
    done = call(published, "publish", "2023", "--revision", "Sửa")
    assert (done.code, "Thiếu ấn bản reports/2023/editions/public-02." in done.err) == (5, True)


def test_an_interrupted_publish_leaves_no_half_edition(published: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    approved(published)
    before = {path: sha256(path) for path in files_below(published.reports)}
    copied, copyfile = [], shutil.copyfile

    def stop(source: Path, target: Path) -> None:
        copied.append(source.name)
        if len(copied) == 3:
            raise KeyboardInterrupt
        copyfile(source, target)

    monkeypatch.setattr(editions.shutil, "copyfile", stop)
    with pytest.raises(KeyboardInterrupt):
        editions.publish(published, 2023, "public", reason="Sửa")
    monkeypatch.undo()
    assert {path: sha256(path) for path in files_below(published.reports)} == before

    killed = published.editions(2023) / ".public-05.new"  # what a killed run leaves
    killed.mkdir()
    (killed / "trace.json").write_bytes(b"{")
    assert editions.publish(published, 2023, "public", reason="Sửa").fresh
    assert not killed.exists()
    assert not (published.published(2023, "public", 5) / "trace.json").read_bytes().startswith(b"{\n")


# ---------------------------------------------------------------- the archive


def pages(folder: Path) -> list[Path]:
    return [folder / "index.html", *sorted(folder.glob("[0-9]*/thay-doi-*.html"))]


def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def words(tag: Any) -> str:
    return " ".join(tag.get_text().split())


def links(page: Path) -> list[str]:
    return [str(tag[name]) for name in ("href", "src") for tag in soup(page).select(f"[{name}]")]


def test_all_links_are_relative_and_lead_to_what_is_listed(history: History) -> None:
    project, _ = history
    listed = site.make(project)
    assert len(pages(project.reports)) == 4
    reached = set()
    for page in pages(project.reports):
        for link in links(page):
            parts = urlsplit(link)
            assert (parts.scheme, parts.netloc, link[:1] == "/") == ("", "", False)
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            name = target.relative_to(project.reports.resolve()).as_posix()
            assert name in listed.files or name in listed.pages
            assert target.is_file()
            if parts.fragment:
                assert soup(target).select(f'[id="{parts.fragment}"]')
            reached.add(name)
    assert reached >= {*listed.files, *listed.pages}


def test_the_index_tells_editions_marks_sizes_and_digests(history: History) -> None:
    project, _ = history
    index = soup(project.site)
    heads = [words(head) for head in index.select("h2, h3")]
    assert heads == [
        *("Năm 2023", "Ấn bản 04 hiện hành", "Bản làm việc chưa công bố"),
        *("Ấn bản 03 đã được thay bằng ấn bản 04", "Ấn bản 02 đã được thay bằng ấn bản 03"),
        *("Ấn bản 01 đã được thay bằng ấn bản 02", "Năm 2022", "Bản làm việc chưa công bố"),
        *("Diễn biến qua các năm", "Bản làm việc chưa công bố", "Tra số liệu toàn thành phố"),
    ]
    for document in index.select(".document"):
        assert "minh họa" in words(document.select_one(".notice"))
    drafts = [words(document.select_one(".notice")).startswith("Dự thảo.") for document in index.select(".document")]
    assert drafts == [True] * 6 + [False]  # all but the trends, which never are
    pdf = project.published(2023, "public", 4) / "bao-cao-2023.pdf"
    row = next(tr for tr in index.select("tr") if tr.select('a[href="2023/editions/public-04/bao-cao-2023.pdf"]'))
    assert f"{round(pdf.stat().st_size / 1000)} KB" in words(row)
    assert [words(code) for code in row.select("code")] == [sha256(pdf)[:8], sha256(pdf)]
    assert [html["lang"] for html in index.select("html")] == ["vi"]
    assert len(index.select("h1")) == len(index.select("main")) == len(index.select("a.skip")) == 1


def test_a_page_of_changes_tells_each_figure_and_takes_no_markup_from_a_reason(
    history: History,
) -> None:
    project, _ = history
    page = soup(project.changes(2023, "public", 3))
    assert words(page.title) == "Báo cáo năm 2023: thay đổi của ấn bản 03"
    assert not page.select("script")
    facts = {words(dt): words(dd) for dt, dd in zip(page.select("dt"), page.select("dd"), strict=True)}
    assert facts["Lý do"] == " ".join(REASON.split())
    assert facts["Kế hoạch"] == "Sửa đổi ngoài kế hoạch"
    rows = [[words(cell) for cell in tr.select("th, td")] for tr in page.select("tbody tr")]
    cause = "Phiếu sửa lại: An Lão.xlsx, trang Công an, ô D15: 346 → 340"
    assert ["Tin về an ninh trật tự tin", "Toàn thành phố, 2023", "4.342", "4.336", cause, "không"] in rows
    assert len(rows) == 5
    assert "Dự thảo." in words(page.select_one(".notice"))


def test_figures_of_all_years_stand_in_a_table_from_the_traces(history: History) -> None:
    project, _ = history
    row = soup(project.site).select_one("#ct-tips_received")
    assert row
    assert [words(cell) for cell in row.select("th, td")][:2] == ["Tin về an ninh trật tự", "tin"]
    trace = json.loads((project.published(2023, "public", 4) / "trace.json").read_bytes())
    assert words(row.select('[data-year="2023"]')[0]) == trace["results"]["tips_received@2023/total"]["text"] == "4.336"
    assert re.fullmatch(r"[\d.]+ mh", words(row.select('[data-year="2022"]')[0]))  # illustrative


def test_nothing_internal_is_listed_or_copied(history: History, tmp_path: Path) -> None:
    project, _ = history
    planted = (project.report(2023, "internal"), project.published(2023, "internal", 1))
    assert all(folder.is_dir() for folder in planted)
    out = tmp_path / "chia sẻ"
    done = call(project, "site", "--out", str(out))
    assert done.code == 0
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    listed = site.make(project)
    assert names == {*listed.files, *listed.pages, "SHA256SUMS"}
    assert not [name for name in names if "internal" in name or "board" in name or "profiles" in name]
    secret = {sha256(path) for folder in planted for path in folder.iterdir() if path.is_file()}
    assert not secret & {sha256(out / name) for name in names}
    text = "".join(page.decode() for page in listed.pages.values())
    assert "internal" not in text
    assert str(project.root) not in text
    for line in (out / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        assert sha256(out / line[66:]) == line[:64]


def test_a_shared_folder_is_replaced_whole_but_never_with_a_strangers_file(history: History, tmp_path: Path) -> None:
    project, _ = history
    out = tmp_path / "chia sẻ"
    editions.write_site(project, out)
    old = out / "2019" / "cũ.html"  # of an earlier copy
    old.parent.mkdir()
    old.write_text("x", encoding="utf-8")
    with (out / "SHA256SUMS").open("a", encoding="utf-8") as sums:
        sums.write(f"{sha256(old)}  2019/cũ.html\n")
    editions.write_site(project, out)
    assert not old.exists()
    (out / "thư.txt").write_text("của tôi", encoding="utf-8")
    done = call(project, "site", "--out", str(out))
    assert (done.code, "có tệp không phải của kho báo cáo: thư.txt." in done.err) == (2, True)
    assert (out / "thư.txt").read_text(encoding="utf-8") == "của tôi"
    for wrong in (project.root, project.root.parent, project.reports / "web", project.site):
        assert call(project, "site", "--out", str(wrong)).code == 2


def test_the_same_reports_give_the_same_bytes(history: History, tmp_path: Path) -> None:
    project, _ = history
    here = site.make(project)
    moved = Project(Path(shutil.copytree(project.root, tmp_path / "nơi khác")))
    for path in files_below(moved.reports):
        os.utime(path, (0, 0))
    assert site.make(moved) == here
    assert {name: (project.reports / name).read_bytes() for name in here.pages} == dict(here.pages)


def test_the_feed_is_atom_with_dates_of_documents_alone(history: History) -> None:
    project, _ = history
    feed = ET.fromstring(project.feed.read_bytes())
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 4
    for one in (feed, *entries):
        for name in ("id", "title", "updated"):
            assert len(one.findall(f"{ATOM}{name}")) == 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00\+07:00", str(one.findtext(f"{ATOM}updated")))
    assert len({one.findtext(f"{ATOM}id") for one in (feed, *entries)}) == 5
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Ban Dân vận Thành ủy, Công an thành phố"
    first = entries[-1]
    digest = sha256(project.published(2023, "public", 1) / "manifest.json")
    assert first.findtext(f"{ATOM}id") == f"urn:sha256:{digest}"
    assert first.findtext(f"{ATOM}updated") == "2023-12-31T00:00:00+07:00"  # no date: the end of the year
    assert "Tài liệu chưa ghi ngày" in str(first.findtext(f"{ATOM}summary"))
    for link in feed.iter(f"{ATOM}link"):
        assert (project.reports / unquote(link.attrib["href"])).is_file()
        assert urljoin("https://x.example/kho/feed.xml", link.attrib["href"]).startswith("https://x.example/kho/")


def test_an_archive_without_editions_has_no_feed(tmp_path: Path) -> None:
    made = site.make(Project(tmp_path))
    assert set(made.pages) == {"index.html"}
    assert "Chưa có báo cáo công khai nào." in made.pages["index.html"].decode()
    assert "feed" not in made.pages["index.html"].decode()


def test_what_a_reader_types_is_folded_as_the_index_is() -> None:
    assert site.folded("Đơn thư ĐÃ giải quyết") == "don thu da giai quyet"
    data = site.json_markup(json.dumps({"a": "</script><!-- & \u2028"}, ensure_ascii=False))
    assert not set("<>&\u2028") & set(data)
    assert json.loads(data) == {"a": "</script><!-- & \u2028"}


# ---------------------------------------------------------------- in a browser


@pytest.mark.long
def test_anyone_can_read_the_archive(history: History, tmp_path: Path, needs_tool: Callable[..., str]) -> None:
    project, _ = history
    with axe.checker(needs_tool(*chromium.NAMES), tmp_path) as check:
        for page in (project.site, project.changes(2023, "public", 3)):
            for width, dark in axe.WAYS:
                assert check.violations(page, width, dark) == []
            assert check.sideways(page) == 0
            assert check.outside_requests(page) == []


@pytest.mark.long
def test_a_reader_finds_figures_without_a_server_and_reads_all_without_script(
    history: History, tmp_path: Path, needs_tool: Callable[..., str]
) -> None:
    project, _ = history
    with chromium.browser_on("about:blank", needs_tool(*chromium.NAMES), tmp_path / "chromium") as browser:
        browser.open(project.site)
        visible = "[...document.querySelectorAll('#bang {}')].filter(one => one.checkVisibility()).map(one => one.{})"
        seen, years = visible.format("tbody tr", "id"), visible.format("th[data-year]", "dataset.year")
        every = browser.value(seen)
        assert {"ct-tips_received", "ct-tips_valuable_rate", "ct-tips_per_10k"} <= set(every)

        def type_in(text: str) -> None:
            browser.value(f"(box => {{ box.value = {json.dumps(text)}; box.dispatchEvent(new Event('input')); }})(tim)")

        type_in("AN NINH trat tu")
        assert browser.value(seen) == ["ct-tips_received"]
        assert browser.value("dem.textContent") == "1 chỉ tiêu"
        assert browser.value(years) == ["2022", "2023"]
        type_in("tin 2023")
        assert browser.value(years) == ["2023"]
        assert "ct-tips_received" in browser.value(seen)
        type_in("không có đâu")
        assert (browser.value(seen), browser.value("dem.textContent")) == ([], "Không có chỉ tiêu nào như vậy.")
        type_in("")
        assert (browser.value(seen), browser.value("dem.textContent")) == (every, "")

        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        browser.call("Page.reload")
        chromium.until(lambda: browser.value("document.readyState") == "complete")
        assert browser.value(seen) == every
        assert browser.value("tim.checkVisibility()") is False


# ---------------------------------------------------------------- the server


class Server:
    def __init__(self, project: Project) -> None:
        program = "import sys; from danvan.cli import main; sys.exit(main(sys.argv[1:]))"
        environment = {**os.environ, "DANVAN_ROOT": str(project.root), "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, "serve"],
            env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        assert self.process.stdout
        self.said = [self.process.stdout.readline() for _ in range(3)]
        self.port = int(urlsplit(self.said[0].split()[-1]).port or 0)

    def get(self, path: str, host: str = "", method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}


@pytest.fixture(scope="module")
def served(history: History, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = Project(Path(shutil.copytree(history[0].root, tmp_path_factory.mktemp("phục vụ") / "bản sao")))
    (project.reports / "2023" / "board.html").write_text("bảng theo dõi", encoding="utf-8")
    linked = project.report(2023, "public") / "trace.json"  # the working build's: now a way out
    linked.unlink()
    linked.symlink_to(project.params(2023))
    server = Server(project)
    yield server
    server.process.kill()
    server.process.communicate()


def test_the_server_gives_what_the_index_lists(history: History, served: Server) -> None:
    project, _ = history
    assert served.said[::2] == [f"Kho báo cáo: http://127.0.0.1:{served.port}/\n", "Ctrl-C để dừng.\n"]
    assert "không phải máy chủ cho mạng Internet" in served.said[1]
    kinds = {
        "": "text/html; charset=utf-8",
        "2023/thay-doi-public-02.html": "text/html; charset=utf-8",
        "feed.xml": "application/atom+xml; charset=utf-8",
        "2023/editions/public-01/bao-cao-2023.pdf": "application/pdf",
        "2023/editions/public-01/notebook.ipynb": "application/x-ipynb+json; charset=utf-8",
        "2023/editions/public-01/figures/bars-tips-per-10k.svg": "image/svg+xml",
    }
    for path, kind in kinds.items():
        status, content, headers = served.get(f"/{path}")
        assert (status, headers["content-type"]) == (200, kind)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        if "editions" in path:
            assert content == (project.reports / path).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        *("/2023/internal/bao-cao-2023.html", "/2023/internal/trace.json", "/2023/editions/internal-01/trace.json"),
        *("/2023/board.html", "/.lock", "/2023/", "/2023", "/2023/editions/public-01/", "/figures/"),
        *("/../params/2023.yaml", "/%2e%2e/params/2023.yaml", "/2023/../../params/2023.yaml", "//etc/passwd"),
        *(
            "/2023/editions/public-01/../internal-01/trace.json",
            "/2023/editions/public-01/%2e%2e/internal-01/trace.json",
        ),
        *("/..%2fparams%2f2023.yaml", "/2023\\internal\\trace.json", "/index.html%00", "/2023/public/trace.json"),
    ],
)
def test_the_server_gives_nothing_else(served: Server, path: str) -> None:
    status, content, _ = served.get(path)
    assert status in (400, 404)
    assert b"data_cutoff" not in content


def test_the_server_answers_under_its_own_name_and_to_get_alone(served: Server) -> None:
    assert served.get("/", host="x.example")[0] == 403
    assert served.get("/", host=f"x.example:{served.port}")[0] == 403
    assert served.get("/feed.xml", host=f"localhost:{served.port}")[0] == 200
    assert served.get("/", method="POST")[0] in (403, 405)


def test_the_server_ends_at_ctrl_c_and_says_what_it_cannot_do(history: History) -> None:
    project, _ = history
    server = Server(project)
    done = call(project, "serve", "--port", str(server.port))
    assert (done.code, f"Không mở được cổng {server.port}" in done.err) == (2, True)
    done = call(project, "serve", "--port", "0")
    assert (done.code, "--port phải là số từ 1 đến 65535, không phải “0”" in done.err) == (2, True)
    server.process.send_signal(signal.SIGINT)
    out, err = server.process.communicate(timeout=20)
    assert (server.process.returncode, out, err) == (0, "", "")


def test_every_command_is_told_of() -> None:
    assert {"publish", "site", "serve"} <= set(usage.COMMANDS)
    assert all(re.search(rf"^  {name}\b", usage.HELP, re.MULTILINE) for name in usage.COMMANDS)
