"""The Word round trip: a file that was sent out and edited, by Word or by LibreOffice, is told apart from its build."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from itertools import count
from pathlib import Path

import pytest
import word_files as word
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from word_files import run, tracked

from danvan import document, prose, roundtrip
from danvan.document import Document, Heading, Paragraph, Value, nodes
from danvan.errors import RefusedError, SettingsError
from danvan.paths import Project
from danvan.publish import reread
from danvan.publish.differences import Differences, differences, joined, tokens
from danvan.publish.sources import Sources, Splice
from danvan.publish.suggestions import Suggested, suggest
from danvan.store import sha256

AUTHOR = "Nguyễn Văn A"


@dataclass(frozen=True)
class Sent:
    """A build whose Word file was sent out."""

    root: Path
    document: Document

    @property
    def project(self) -> Project:
        return Project(self.root)

    @property
    def original(self) -> Path:
        return self.root / "reports" / "2023" / "public" / "bao-cao-2023.docx"

    @property
    def data(self) -> bytes:
        return self.original.read_bytes()

    def compare(self, data: bytes, **options: int) -> roundtrip.Compared:
        return roundtrip.compare(self.project, self.came_back(data), **options)

    def accept(self, data: bytes, chosen: str) -> list[str]:
        done = roundtrip.accept(self.project, self.came_back(data), chosen)
        return [one.where for _, one in done]

    def came_back(self, data: bytes) -> Path:
        path = self.root / "sửa.docx"
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
        return path

    def cell(self, id_: str) -> str:
        notebook = json.loads(self.project.report_notebook.read_bytes())
        return next("".join(cell["source"]) for cell in notebook["cells"] if cell["id"] == id_)


@pytest.fixture(scope="session")
def kept(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """What `compare` needs of a built project, and nothing else."""
    from danvan import pipeline, stages
    from danvan.freshness import Sources as Inputs

    root = tmp_path_factory.mktemp("sent") / "dự án"
    for name in ("params", "notebooks"):
        shutil.copytree(built / name, root / name)
    here, folder = built / "reports" / "2023" / "public", root / "reports" / "2023" / "public"
    folder.mkdir(parents=True)
    for name in ("bao-cao-2023.docx", "trace.json", "manifest.json"):
        shutil.copyfile(here / name, folder / name)
    task = pipeline.report_task(Inputs(Project(built)), 2023, "public", allow_incomplete=False)
    return Sent(root, stages._Made(task, lambda _: None).document)


def record(folder: Path) -> None:
    """A manifest of the Word file as it now is."""
    outputs = {path.name: sha256(path) for path in folder.glob("*.docx")}
    (folder / "manifest.json").write_text(json.dumps({"outputs": outputs}), encoding="utf-8")


@pytest.fixture
def sent(kept: Sent, tmp_path: Path) -> Sent:
    shutil.copytree(kept.root, tmp_path / "dự án")
    return Sent(tmp_path / "dự án", kept.document)


def name_of(sent: Sent, expression: str) -> str:
    """The first figure that an expression printed."""
    return next(n.name for n in nodes(sent.document) if isinstance(n, Value) and n.expression == expression)


def kinds(compared: roundtrip.Compared) -> list[tuple[str, str, str]]:
    return [(change.kind, change.old, change.new) for change in compared.found.figures]


# ---------------------------------------------------------------- prose


def test_nothing_changed(sent: Sent) -> None:
    compared = sent.compare(sent.data)
    assert compared.text.splitlines() == [
        "So sánh sửa.docx với reports/2023/public/bao-cao-2023.docx",
        "",
        "Không có gì khác.",
    ]
    assert not compared.altered
    assert (compared.folder / "de-xuat.patch").read_bytes() == b""


def test_a_changed_word_is_told_and_taken_over_at_its_place(sent: Sent) -> None:
    before = sent.project.report_notebook.read_text(encoding="utf-8").splitlines()
    edited = word.body(sent.data, ("Ở cơ sở, ", "Tại các xã, "))
    compared = sent.compare(edited)
    assert "[-Ở cơ sở-]{+Tại các xã+}, " in compared.text
    assert [one.where for one in compared.suggestions] == ["ô phan-ii-2"]
    assert not compared.altered
    sent.accept(edited, "1")
    after = sent.project.report_notebook.read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new for _, new in changed] == [changed[0][0].replace("Ở cơ sở, {eval}", "Tại các xã, {eval}")]
    again = sent.compare(edited)
    assert again.suggestions == ()
    assert "sửa tay" not in again.text, "what the notebook already says is nothing to do"


def test_marks_of_markdown_are_escaped_and_bold_is_kept(sent: Sent) -> None:
    added = "*rất* [quan trọng] `ngay` <b>"
    edited = word.body(
        sent.data,
        ("Bên cạnh kết quả", escape(f"Bên cạnh {added} kết quả", quote=False)),
        ("còn những mặt", f"còn </w:t></w:r>{run('nhiều', looks='<w:b/>')}<w:r><w:t> mặt"),
    )
    sent.compare(edited)
    sent.accept(edited, "all")
    (made,) = prose.blocks(sent.cell("phan-iii-2"), {}, count(1).__next__)[1:]
    assert isinstance(made, Paragraph)
    assert prose.plain(made.children).startswith(f"Bên cạnh {added} kết quả đạt được, ")
    assert "còn **nhiều** mặt cần" in sent.cell("phan-iii-2")


def test_a_paragraph_added_and_one_deleted_with_its_footnote(sent: Sent) -> None:
    old = word.paragraph(sent.data, "Trong số tin Nhân dân")
    new = f'<w:p><w:pPr><w:pStyle w:val="ThanVan"/></w:pPr>{run("Hai ngành trao đổi tin hằng tuần.")}</w:p>'
    behind = word.paragraph(sent.data, "Ở cơ sở, ")
    edited = word.body(sent.data, (old, ""), (behind, behind + new))
    compared = sent.compare(edited)
    assert sorted(one.kind for one in compared.found.prose) == ["added", "deleted", "deleted"]  # the note is the third
    assert compared.altered
    assert ("deleted", "91,3%", "") in kinds(compared)
    assert ("deleted", "4.342", "") in kinds(compared), "figures of the footnote went with it"
    sent.accept(edited, "all")
    cell = sent.cell("phan-ii-2")
    assert cell.endswith("ngay tại cơ sở.\n\nHai ngành trao đổi tin hằng tuần.")
    assert "Trong số tin" not in cell
    assert "nguon-tin" not in cell
    assert prose.problems(cell) == []


def test_a_paragraph_that_was_parted_in_two_is_one_suggestion(sent: Sent) -> None:
    """The second half takes a footnote's mark and figures with it."""
    edited = word.body(
        sent.data, (" Về giải quyết đơn, ", '</w:t></w:r></w:p><w:p><w:r><w:t xml:space="preserve">Về giải quyết đơn, ')
    )
    cell = sent.cell("phan-ii-3")
    compared = sent.compare(edited)
    assert [one.where for one in compared.suggestions] == ["ô phan-ii-3"]
    assert not compared.altered
    sent.accept(edited, "all")
    assert sent.cell("phan-ii-3") == cell.replace(" Về giải quyết đơn, ", "\n\nVề giải quyết đơn, ")


def test_a_moved_paragraph_is_told_as_moved(sent: Sent) -> None:
    one, other = word.paragraph(sent.data, "Căn cứ kế hoạch chung"), word.paragraph(sent.data, "Ở cơ sở, ")
    compared = sent.compare(word.body(sent.data, (one, ""), (other, other + one)))
    assert [(p.kind, joined(p.old)[:21]) for p in compared.found.prose] == [("moved", "Căn cứ kế hoạch chung")]
    assert compared.found.figures == []
    assert "sửa tay" in compared.text


# ---------------------------------------------------------------- figures


def test_an_altered_figure_is_told_with_its_formula_and_cells_and_never_taken_over(sent: Sent) -> None:
    name = name_of(sent, "y.tips_valuable")
    mark = word.figure(sent.data, name, "footnotes")
    edited = word.body(sent.data, (mark, mark.replace("3.965", "3.966")), part="footnotes")
    compared = sent.compare(edited)
    assert kinds(compared) == [("altered", "3.965", "3.966")]
    assert compared.altered
    assert "- chú thích 4: “3.965” thành “3.966”" in compared.text
    assert "biểu thức: {eval}`y.tips_valuable`" in compared.text
    assert "Tin có giá trị, công thức: tổng số của các đơn vị và khối thành phố" in compared.text
    assert re.search(r"nguồn: data/2023/returns/Hồng Bàng\.xlsx, .*: trang “Công an”, ô D14", compared.text)
    assert compared.suggestions == ()


def test_a_figure_typed_anew_without_its_bookmark_is_altered_and_its_expression_stays(sent: Sent) -> None:
    name = name_of(sent, "y.communes_with_officers")
    edited = word.body(sent.data, (word.figure(sent.data, name), run("142")), ("Ở cơ sở, ", "Tại cơ sở, "))
    compared = sent.compare(edited)
    assert kinds(compared) == [("altered", "141", "142")]
    sent.accept(edited, "all")
    assert "Tại cơ sở, {eval}`y.commune_officers` đồng chí" in sent.cell("phan-ii-2")
    assert "công an xã tại {eval}`y.communes_with_officers` xã" in sent.cell("phan-ii-2")


def test_a_figure_of_a_table_is_told_by_row_and_column(sent: Sent) -> None:
    table = next(n for n in nodes(sent.document) if isinstance(n, document.Table) and n.caption.startswith("Dân chủ"))
    row = next(row for row in table.rows if row.label == "Hồng Bàng")
    cell, column = next(
        (cell, column) for cell, column in zip(row.cells, table.columns, strict=True) if cell.text.isdecimal()
    )
    mark = word.figure(sent.data, cell.name)
    compared = sent.compare(word.body(sent.data, (mark, mark.replace(f">{cell.text}<", ">987<"))))
    assert kinds(compared) == [("altered", cell.text, "987")]
    (change,) = compared.found.figures
    assert "dòng “Hồng Bàng”" in change.place
    assert column.label[:40] in change.place
    assert re.search(r"nguồn: data/2023/returns/Hồng Bàng\.xlsx: trang “[^”]+”, ô [A-Z]+\d+", compared.text)


def test_a_row_and_a_table_that_went_are_told_whole(sent: Sent) -> None:
    tables = re.findall(r"<w:tbl>.*?</w:tbl>", word.xml_of(sent.data), re.DOTALL)
    one, other = (next(t for t in tables if words in t) for words in ("Được kiểm tra", "Mô hình nhân rộng"))
    row = next(r for r in re.findall(r"<w:tr>.*?</w:tr>", one, re.DOTALL) if ">Lê Chân<" in r)
    compared = sent.compare(word.body(sent.data, (row, ""), (other, "")))
    assert compared.altered
    assert re.search(r"\n- bảng “Chỉ đạo[^”]*”, dòng “Lê Chân”: xóa cả dòng, \d+ con số\n", compared.text)
    assert re.search(r"\n- bảng “Phong trào.*”: xóa cả bảng, \d+ con số\n", compared.text)
    assert {(one.kind, one.what) for one in compared.found.prose} == {("deleted", "dòng"), ("deleted", "bảng")}
    assert len(compared.found.prose) == 2


def test_a_figure_taken_out_alone_is_told_and_its_expression_stays(sent: Sent) -> None:
    name = name_of(sent, "y.tips_valuable_rate")
    compared = sent.compare(word.body(sent.data, (word.figure(sent.data, name), "")))
    assert kinds(compared) == [("deleted", "91,3%", "")]
    assert compared.altered
    assert compared.suggestions == ()


def test_a_sentence_taken_out_takes_its_expression_with_it_if_the_analyst_accepts(sent: Sent) -> None:
    name = name_of(sent, "y.exemplary_units")
    mark = word.figure(sent.data, name)
    sentence = (
        f' Toàn thành phố chọn </w:t></w:r>{mark}<w:r><w:t xml:space="preserve"> đơn vị để xây dựng thành điển hình.'
    )
    edited = word.body(sent.data, (sentence, ""))
    compared = sent.compare(edited)
    assert [(kind, new) for kind, _, new in kinds(compared)] == [("deleted", "")]
    cell = sent.cell("phan-ii-4")
    sent.accept(edited, "all")
    gone = " Toàn thành phố chọn {eval}`y.exemplary_units` đơn vị để xây dựng thành điển hình."
    assert sent.cell("phan-ii-4") == cell.replace(gone, "")


def test_a_bookmark_that_is_gone_while_its_figure_stands_is_no_change(sent: Sent) -> None:
    def unmarked(xml: str) -> str:
        return re.sub(r"<w:bookmark(?:Start|End) [^>]*/>", "", xml)

    edited = word.changed(sent.data, {"word/document.xml": unmarked, "word/footnotes.xml": unmarked})
    compared = sent.compare(edited)
    assert {change.kind for change in compared.found.figures} == {"unmarked"}
    assert compared.found.prose == []
    assert not compared.altered
    assert "không phải làm gì" in compared.text


def test_words_typed_into_a_bookmark_are_prose_beside_the_figure(sent: Sent) -> None:
    mark = word.figure(sent.data, name_of(sent, "y.commune_officers"))
    edited = word.body(sent.data, (mark, mark.replace(">750<", ">khoảng 750<")))
    compared = sent.compare(edited)
    assert compared.found.figures == []
    assert "khoảng" in compared.text
    sent.accept(edited, "all")
    assert "Ở cơ sở, khoảng {eval}`y.commune_officers` đồng chí" in sent.cell("phan-ii-2")


def test_a_digit_added_to_a_figure_is_no_word_beside_it(sent: Sent) -> None:
    mark = word.figure(sent.data, name_of(sent, "y.commune_officers"))
    for new in ("1.750", "750,5", "7500", "-750"):
        compared = sent.compare(word.body(sent.data, (mark, mark.replace(">750<", f">{new}<"))))
        assert kinds(compared) == [("altered", "750", new)]


def test_a_figure_copied_elsewhere_is_told(sent: Sent) -> None:
    mark = word.figure(sent.data, name_of(sent, "y.commune_officers"))
    edited = word.body(sent.data, ("Bên cạnh kết quả", f"Ngoài </w:t></w:r>{mark}<w:r><w:t> kết quả"))
    assert ("repeated", "750", "") in kinds(sent.compare(edited))


def test_a_typed_number_is_told_and_cannot_be_accepted(sent: Sent) -> None:
    edited = word.body(sent.data, ("Bên cạnh kết quả", "Bên cạnh 12 kết quả"))
    compared = sent.compare(edited)
    assert kinds(compared) == [("typed", "", "12")]
    assert not compared.altered
    assert "không nhận được: gõ tay con số “12”" in compared.text
    with pytest.raises(RefusedError, match="Đề xuất 1 không nhận được: gõ tay con số"):
        sent.accept(edited, "1")
    assert sent.accept(edited, "all") == []


# ---------------------------------------------------------------- words from params


def test_words_of_params_are_suggested_under_their_key(sent: Sent) -> None:
    path = sent.project.params(2023)
    before = path.read_text(encoding="utf-8")
    edited = word.body(sent.data, ("phần việc chung chưa đủ rõ nét.", "phần việc chung: chưa rõ."))
    compared = sent.compare(edited)
    assert [one.where for one in compared.suggestions] == ["khóa limitations.1, dòng 80"]
    sent.accept(edited, "all")
    after = path.read_text(encoding="utf-8")
    old, new = yaml.safe_load(before), yaml.safe_load(after)
    assert new["limitations"][0].endswith("mỗi ngành, phần việc chung: chưa rõ.")
    new["limitations"][0] = old["limitations"][0]
    assert new == old
    lines = [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert len(lines) == 1


def test_a_folded_text_of_params_keeps_its_line_breaks(sent: Sent) -> None:
    path = sent.project.params(2023)
    before = path.read_text(encoding="utf-8")
    edited = word.body(sent.data, ("dự báo sát, kịp thời tham mưu", "dự báo sát, chủ động tham mưu"))
    sent.compare(edited)
    sent.accept(edited, "all")
    assert path.read_text(encoding="utf-8") == before.replace(
        "dự báo sát, kịp thời tham mưu", "dự báo sát, chủ động tham mưu"
    )


def test_words_of_params_inside_of_prose_are_told_with_expression_and_suggested(sent: Sent) -> None:
    mark = word.figure(sent.data, name_of(sent, "y.params.forum"))
    edited = word.body(sent.data, (mark, mark.replace("lắng nghe ý kiến", "nghe ý kiến")))
    compared = sent.compare(edited)
    assert "Chữ lấy từ params bị sửa" in compared.text
    assert "{eval}`y.params.forum`" in compared.text
    assert not compared.altered
    sent.accept(edited, "all")
    assert yaml.safe_load(sent.project.params(2023).read_bytes())["forum"] == "Công an nghe ý kiến Nhân dân"


def test_a_question_of_a_chart_is_suggested_in_its_code_cell(sent: Sent) -> None:
    edited = word.body(sent.data, ("Đơn của công dân được giải quyết đến đâu?", "Đơn được giải quyết đến đâu?"))
    assert [one.where for one in sent.compare(edited).suggestions] == ["ô bieu-do-ii-3"]
    sent.accept(edited, "all")
    assert 'question="Đơn được giải quyết đến đâu?",' in sent.cell("bieu-do-ii-3")


# ---------------------------------------------------------------- tracked changes, comments


def test_tracked_changes_as_word_writes_them(sent: Sent) -> None:
    """The text is what it is once they are accepted; each is listed, nobody is named."""
    old = word.paragraph(sent.data, "Ở cơ sở, ")
    new = old.replace(
        '<w:r><w:t xml:space="preserve">Ở cơ sở, </w:t></w:r>',
        tracked("del", run("Ở cơ sở", deleted=True)) + tracked("ins", run("Tại các xã"), "Trần Thị B") + run(", "),
    )
    mark = word.figure(sent.data, name_of(sent, "y.commune_officers"))
    inside = re.search(r"<w:r>.*</w:r>", mark)
    assert inside
    altered = tracked("del", run("750", deleted=True)) + tracked("ins", run("760"))
    new = new.replace(mark, mark.replace(inside[0], altered))
    compared = sent.compare(word.body(sent.data, (old, new)))
    assert kinds(compared) == [("altered", "750", "760")]
    assert [(change.kind, change.text, change.by) for _, change in compared.found.changes] == [
        ("removed", "Ở cơ sở", 1),
        ("added", "Tại các xã", 2),
        ("removed", "750", 1),
        ("added", "760", 1),
    ]
    assert "[-Ở cơ sở-]{+Tại các xã+}" in compared.text
    for path in compared.folder.iterdir():
        assert AUTHOR not in path.read_text(encoding="utf-8")
        assert "Trần Thị B" not in path.read_text(encoding="utf-8")


def test_a_tracked_move_and_a_removed_paragraph_mark() -> None:
    mark = f'<w:pPr><w:rPr><w:del w:id="5" w:author="{AUTHOR}" w:date="2024-01-05T08:00:00Z"/></w:rPr></w:pPr>'
    made = read(
        f"<w:p>{tracked('moveFrom', run('Câu một. '))}{run('Câu hai.')}</w:p>"
        f"<w:p>{mark}{run('Đầu đoạn ')}</w:p><w:p>{run('cuối đoạn.')}</w:p>"
        f"<w:p>{run('Câu ba. ')}{tracked('moveTo', run('Câu một.'))}</w:p>"
    )
    assert [p.text for p in made.paragraphs()] == ["Câu hai.", "Đầu đoạn cuối đoạn.", "Câu ba. Câu một."]
    changes = [(change.kind, change.text.strip()) for p in made.paragraphs() for change in p.changes]
    assert changes == [("moved away", "Câu một."), ("removed", "¶"), ("moved here", "Câu một.")]


def test_a_removed_row_of_a_table_and_changes_of_looks() -> None:
    gone = f'<w:trPr><w:del w:id="5" w:author="{AUTHOR}"/></w:trPr>'
    look = f'<w:b/><w:rPrChange w:id="6" w:author="{AUTHOR}"><w:rPr><w:i/></w:rPr></w:rPrChange>'
    made = read(
        f"<w:tbl><w:tr>{gone}<w:tc><w:p>{tracked('del', run('12', deleted=True))}</w:p></w:tc></w:tr>"
        f"<w:tr><w:tc><w:p>{run('13', looks=look)}</w:p></w:tc></w:tr></w:tbl>"
    )
    (grid,) = made.blocks
    assert isinstance(grid, reread.Grid)
    assert [p.text for p in made.paragraphs()] == ["13"]
    assert [(c.kind, c.text) for c in grid.changes] == [("removed", "12")]
    assert [(p.bold, p.italic) for p in grid.rows[0].cells[0][1][0].pieces] == [(True, False)]


def test_comments_with_their_words_and_replies(sent: Sent) -> None:
    begin, end = '<w:commentRangeStart w:id="0"/>', '<w:commentRangeEnd w:id="0"/>'
    reference = '<w:r><w:commentReference w:id="0"/></w:r>'
    comments = "".join(
        f'<w:comment w:id="{id_}" w:author="{who}"><w:p w14:paraId="{para}">{run(text)}</w:p></w:comment>'
        for id_, who, para, text in (("0", AUTHOR, "0A", "Xem lại câu này."), ("1", "B", "0B", "Đã xem."))
    )
    thread = '<w15:commentEx w15:paraId="0A" w15:done="1"/><w15:commentEx w15:paraId="0B" w15:paraIdParent="0A"/>'
    words = f"Bên </w:t></w:r>{begin}{run('cạnh kết quả')}{end}{reference}<w:r><w:t>"
    edited = word.changed(
        word.body(sent.data, ("Bên cạnh kết quả", words)),
        {
            "word/comments.xml": lambda _: f"<w:comments {word.NAMESPACES}>{comments}</w:comments>",
            "word/commentsExtended.xml": lambda _: f"<w15:commentsEx {word.NAMESPACES}>{thread}</w15:commentsEx>",
        },
    )
    compared = sent.compare(edited)
    first, second = (comment for _, comment in compared.found.comments)
    assert (first.text, first.words, first.by, first.done) == ("Xem lại câu này.", "cạnh kết quả", 1, True)
    assert (second.text, second.answers, second.by) == ("Đã xem.", "0", 2)
    assert "mục “2. Hạn chế”, đoạn 1: người sửa 1 về “cạnh kết quả” (đã xử lý): “Xem lại câu này.”" in compared.text
    assert AUTHOR not in compared.text
    assert compared.found.prose == []


# ---------------------------------------------------------------- the reader


def read(inside: str, **parts: str) -> reread.Reading:
    return read_bytes(word.minimal(inside, **parts))


def read_bytes(data: bytes) -> reread.Reading:
    return reread._read(data)


def bookmark(id_: int, name: str, inside: str) -> str:
    return f'<w:bookmarkStart w:id="{id_}" w:name="{name}"/>{inside}<w:bookmarkEnd w:id="{id_}"/>'


def test_a_bookmark_may_be_split_over_runs_nested_or_without_an_end() -> None:
    own = bookmark(2, "_GoBack", run("34"))
    made = read(
        f"<w:p>{bookmark(1, 'so_0001', run('1.2') + own)}{run(' tin, ')}"
        f'<w:bookmarkStart w:id="9" w:name="so_0009"/>{bookmark(3, "so_0002", run("05"))}</w:p>'
    )
    assert made.figures() == {"so_0001": ["1.234"], "so_0002": ["05"]}


def test_fields_breaks_and_hyphens_are_read_as_they_are_seen() -> None:
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> REF x </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        + run("mục I")
        + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    contents = field.replace("REF x", "TOC \\o").replace("mục I", "I. Công tác ... 3")
    made = read(
        f"<w:p>{run('Xem ')}{field}<w:r><w:noBreakHyphen/><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c</w:t></w:r>"
        "</w:p>"
        f"<w:p>{contents}</w:p><w:sdt><w:sdtContent><w:p>{run('trong khung')}</w:p></w:sdtContent></w:sdt>"
    )
    assert [p.text for p in made.paragraphs()] == ["Xem mục I-a b c", "trong khung"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "tệp rỗng"),
        (b"%PDF-1.7", "nội dung là PDF"),
        (b"\xd0\xcf\x11\xe0" + b"\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), r"Word đời cũ \(\.doc\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "đặt mật khẩu.*Bỏ mật khẩu"),
        (b"xin chao", "không phải văn bản Word"),
        (word.minimal("")[:200], "cắt cụt hoặc hỏng"),
        (word.minimal("<w:p>"), "không phải XML đúng"),
        (word.minimal("<w:x>" * 300 + "</w:x>" * 300), "quá nhiều phần tử"),
        (word.changed(word.minimal(""), {"word/document.xml": lambda _: ""}), "không phải văn bản Word"),
        (
            word.changed(word.minimal(""), {"word/document.xml": lambda x: f'<!DOCTYPE a [<!ENTITY b "c">]>{x}'}),
            "DOCTYPE",
        ),
        (word.changed(word.minimal(""), {"word/x.xml": lambda _: " " * 3_000_000}), "bung ra gấp hơn"),
        (word.changed(word.minimal(""), {"../x.xml": lambda _: "<a/>"}), "tên không an toàn"),
        (word.minimal("".join(f"<w:p>{n}</w:p>" for n in range(50_001))), "quá nhiều đoạn"),
        (word.minimal(f"<w:p>{run('; '.join(map(str, range(9_000))))}</w:p>"), "đoạn quá dài"),
    ],
    ids=["empty", "pdf", "doc", "password", "text", "cut", "xml", "deep", "zip", "dtd", "bomb", "path", "many", "long"],
)
def test_what_is_no_sound_word_file_is_refused_in_a_sentence(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "tệp.docx"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=said) as refused:
        reread.read(path)
    assert str(refused.value).startswith("tệp.docx: ")
    assert refused.value.exit_code == 2


def test_a_text_box_is_counted_and_its_second_telling_left_out() -> None:
    """Word wraps boxes and newer drawings, and says them once more for older programs."""
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    wp = 'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
    box = f"<w:txbxContent><w:p>{run('trong hộp')}</w:p></w:txbxContent>"
    drawing = f'<w:drawing><wp:inline {wp}><wp:docPr id="1" name="a" descr="Biểu đồ"/>{box}</wp:inline></w:drawing>'
    both = f"<mc:Choice>{drawing}</mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>"
    made = read(f"<w:p>{run('Chữ.')}<w:r><mc:AlternateContent {mc}>{both}</mc:AlternateContent></w:r></w:p>")
    (paragraph,) = made.paragraphs()
    assert (paragraph.text, made.boxes) == ("Chữ.", 1)
    assert [piece.text for piece in paragraph.pieces if piece.picture] == ["Biểu đồ"]


def test_what_could_steer_a_terminal_or_turn_the_writing_is_left_out() -> None:
    text = "Câu\u009b2J \u202ehai\u200b."
    made = read(f"<w:p>{run(text)}</w:p>")
    assert [p.text for p in made.paragraphs()] == ["Câu2J hai."]


def test_a_link_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "liên kết.docx").symlink_to(tmp_path / "không có.docx")
    for name, said in (("liên kết.docx", "liên kết"), ("không có.docx", "không còn ở đó")):
        with pytest.raises(SettingsError, match=said):
            reread.read(tmp_path / name)


@given(st.data())
def test_whatever_stands_in_the_file_it_is_read_or_refused(data: st.DataObject) -> None:
    """Elements in places where Word never writes them, ids twice or not at all."""
    tags = st.sampled_from(
        [
            *("p", "r", "t", "tbl", "tr", "tc", "ins", "del", "moveTo", "sdt", "sdtContent", "hyperlink", "drawing"),
            *("bookmarkStart", "bookmarkEnd", "commentRangeStart", "commentRangeEnd", "footnoteReference", "fldChar"),
            *("instrText", "pPr", "rPr", "trPr", "tcPr", "gridSpan", "br", "pStyle", "tblHeader", "b"),
        ]
    )
    attribute = st.sampled_from(
        ["", 'w:id="1"', 'w:id="2" w:name="so_0001"', 'w:val="-3"', 'w:fldCharType="end"', 'w:val="99999"']
    )

    def made(depth: int) -> str:
        tag, inside = data.draw(tags), ""
        if depth:
            inside = "".join(made(depth - 1) for _ in range(data.draw(st.integers(0, 3))))
        return f"<w:{tag} {data.draw(attribute)}>{inside or data.draw(st.sampled_from(['', '12', 'chữ ']))}</w:{tag}>"

    body = "".join(made(3) for _ in range(data.draw(st.integers(1, 4))))
    reading = read(body, footnotes=f'<w:footnote w:id="1">{made(2)}</w:footnote>')
    found = differences(reading, reading)
    assert (found.prose, [f for f in found.figures if f.kind != "repeated"]) == ([], [])


# ---------------------------------------------------------------- which build


def without_property(data: bytes) -> bytes:
    return word.changed(data, {"docProps/custom.xml": lambda _: ""})


def test_without_its_property_a_file_is_known_by_its_figures(sent: Sent) -> None:
    edited = without_property(word.body(sent.data, ("Ở cơ sở, ", "Tại cơ sở, ")))
    assert len(sent.compare(edited).found.prose) == 1
    other = sent.root / "reports" / "2022" / "public"
    shutil.copytree(sent.original.parent, other)
    stranger = word.changed(sent.data, {"docProps/custom.xml": lambda x: x.replace(build_of(sent), "0" * 16)})
    (other / sent.original.name).write_bytes(stranger)
    record(other)
    with pytest.raises(SettingsError, match=r"giống như nhau nhiều bản: .*Thêm --year"):
        sent.compare(edited)
    assert "reports/2023/public" in sent.compare(edited, year=2023).text


def build_of(sent: Sent) -> str:
    return document.build_id(sent.document)


def test_a_build_that_was_written_over_is_nothing_to_compare_with(sent: Sent) -> None:
    """Who edits the file in the build's own folder would else be told that nothing differs."""
    edited = word.body(sent.data, ("Ở cơ sở, ", "Tại cơ sở, "))
    sent.original.write_bytes(edited)
    with pytest.raises(SettingsError, match="đã bị sửa ngay trong thư mục bản lập"):
        roundtrip.compare(sent.project, sent.original)
    with pytest.raises(SettingsError, match="Không nhận ra"):
        sent.compare(without_property(edited))


def test_a_broken_notebook_is_told(sent: Sent) -> None:
    sent.project.report_notebook.write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"notebooks/annual_report\.ipynb: không phải sổ Jupyter"):
        sent.compare(sent.data)


def test_a_file_of_no_build_is_refused(sent: Sent) -> None:
    with pytest.raises(SettingsError, match="Không nhận ra tệp Word này làm từ bản lập nào"):
        sent.compare(word.minimal(f"<w:p>{run('Thư mời')}</w:p>"))
    gone = word.changed(sent.data, {"docProps/custom.xml": lambda x: x.replace(build_of(sent), "0" * 16)})
    with pytest.raises(SettingsError, match="làm từ bản lập 0000000000000000, không còn trong reports"):
        sent.compare(gone)
    sent.original.unlink()
    with pytest.raises(SettingsError, match="chưa có bản lập nào kèm tệp Word"):
        sent.compare(gone)


# ---------------------------------------------------------------- what may be accepted


@pytest.mark.long
def test_what_changed_since_the_comparison_is_not_accepted(sent: Sent) -> None:
    edited = word.body(sent.data, ("Ở cơ sở, ", "Tại cơ sở, "))
    with pytest.raises(RefusedError, match="Chưa so sánh tệp này"):
        sent.accept(edited, "all")
    sent.compare(edited)
    path = sent.project.report_notebook
    path.write_text(path.read_text(encoding="utf-8").replace("Bên cạnh", "Ngoài"), encoding="utf-8")
    changed = path.read_bytes()
    with pytest.raises(RefusedError, match="đã thay đổi từ lần so sánh trước"):
        sent.accept(edited, "all")
    assert path.read_bytes() == changed
    sent.compare(edited)
    for chosen, said in (("2", "Không có đề xuất số 2"), ("một", "--accept nhận số thứ tự")):
        with pytest.raises(SettingsError, match=said):
            sent.accept(edited, chosen)
    assert path.read_bytes() == changed


def test_one_of_two_suggestions_may_be_accepted(sent: Sent) -> None:
    edited = word.body(sent.data, ("Ở cơ sở, ", "Tại cơ sở, "), ("Bên cạnh kết quả", "Ngoài kết quả"))
    compared = sent.compare(edited)
    number = 1 + [one.where for one in compared.suggestions].index("ô phan-iii-2")
    assert sent.accept(edited, str(number)) == ["ô phan-iii-2"]
    assert sent.cell("phan-iii-2").count("Ngoài kết quả") == 1
    assert "Ở cơ sở, " in sent.cell("phan-ii-2")


def test_the_patch_gives_what_accepting_gives(sent: Sent, needs_tool: Callable[..., str]) -> None:
    git = needs_tool("git")
    edited = word.body(
        sent.data,
        ("Ở cơ sở, ", "Tại cơ sở, "),
        ("Bên cạnh kết quả", "Ngoài kết quả"),
        ("phần việc chung chưa đủ rõ nét.", "phần việc chung chưa rõ."),
    )
    folder = sent.compare(edited).folder
    other = sent.root.parent / "bản khác"
    for name in ("notebooks", "params"):
        shutil.copytree(sent.root / name, other / name)
    subprocess.run([git, "apply", str(folder / "de-xuat.patch")], cwd=other, check=True)
    sent.accept(edited, "all")
    for name in ("notebooks/annual_report.ipynb", "params/2023.yaml"):
        assert (other / name).read_bytes() == (sent.root / name).read_bytes()
        assert "Ngoài" in (other / name).read_text(encoding="utf-8") or name.endswith(".yaml")


def test_the_same_comparison_gives_the_same_bytes(sent: Sent) -> None:
    edited = word.body(sent.data, ("Ở cơ sở, ", "Tại cơ sở, "))
    folder = sent.compare(edited).folder
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    sent.compare(edited)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert not any(str(sent.root).encode() in content for content in first.values())


# ---------------------------------------------------------------- any edit of words


@dataclass(frozen=True)
class Text:
    """The report's prose alone, in a Word file, with all that suggestions are made from."""

    data: bytes
    reading: reread.Reading
    sources: Sources
    traced: dict[str, str]
    values: dict[str, Value]

    def suggested(self, edited: bytes) -> tuple[Differences, Suggested]:
        found = differences(self.reading, read_bytes(edited))
        known = {name: texts[0] for name, texts in self.reading.figures().items()}
        paragraphs = [tokens(paragraph.pieces, known) for paragraph in self.reading.paragraphs()]
        return found, suggest(found, paragraphs, self.sources, self.traced)

    def texts(self, sources: Sources) -> list[str]:
        """The paragraphs of all Markdown cells, by the house's own reading, with the values of the build."""
        numbers, found = count(1), []
        for number, cell in enumerate(sources.cells):
            if cell["cell_type"] == "markdown":
                source = sources.source(number)
                values = {e: self.values.get(e, Value("", e)) for e in prose.expressions(source)}
                made = prose.blocks(source, values, lambda: next(numbers))
                found += [prose.plain(n.children) for n in nodes(tuple(made)) if isinstance(n, Paragraph | Heading)]
        return [reread.tidy(text) for text in found]


@pytest.fixture(scope="session")
def text(kept: Sent) -> Text:
    from danvan.publish import docx

    parts = tuple(
        document.Part("main", tuple(b for b in part.blocks if isinstance(b, Paragraph | Heading)))
        for part in kept.document.parts
        if part.kind == "main"
    )
    data = docx.render(Document(kept.document.meta, parts))
    values = [node for node in nodes(parts) if isinstance(node, Value)]
    return Text(
        data,
        read_bytes(data),
        Sources(kept.project.report_notebook.read_text(encoding="utf-8")),
        {value.name: value.expression for value in values if value.results},
        {value.expression: value for value in values},
    )


WORDS = st.lists(
    st.sampled_from(["mới", "rõ ràng", "“nhất”", "a*b", "_c_", "[d]", "`e`", "<f>", "#", "&amp;", "-", "g\\h", "ủy;"]),
    min_size=1,
    max_size=4,
).map(" ".join)


@settings(max_examples=40)
@given(st.data())
@pytest.mark.long
def test_any_edit_of_words_is_found_and_rebuilds_just_the_edited_text(text: Text, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(["document", "footnotes"]))
    xml = word.xml_of(text.data, part)
    outside = [
        match
        for match in re.finditer(r'<w:t xml:space="preserve">([^<]{12,})</w:t>', xml)
        if not re.search(r'w:name="(?:so|chu)_\d+" */><w:r>(?:<w:rPr>.*?</w:rPr>)?$', xml[: match.start()])
    ]
    match = data.draw(st.sampled_from(outside))
    words = match[1].split(" ")
    start = data.draw(st.integers(1, len(words) - 1))
    end = data.draw(st.integers(start, min(len(words) - 1, start + 4)))
    is_cut = end > start and data.draw(st.booleans())
    words[start:end] = [] if is_cut else [escape(data.draw(WORDS), quote=False)]
    new = xml[: match.start(1)] + " ".join(words) + xml[match.end(1) :]
    edited = word.changed(text.data, {f"word/{part}.xml": lambda _: new})
    found, suggested = text.suggested(edited)
    assert found.figures == []
    changed = {joined(one.new) for one in found.prose}
    if new == xml:
        assert not changed
        return
    assert [one.kind for one in found.prose] == ["changed"]
    (one,) = found.prose
    (suggestion,) = suggested.suggestions
    assert suggestion.problem == ""
    before, after = text.texts(text.sources), text.texts(text.sources.with_(suggestion.splices))
    wanted = reread.tidy("".join(t.text for t in one.new if not t.note))
    assert [b for a, b in zip(before, after, strict=True) if a != b] == [wanted]


@settings(max_examples=20)
@given(st.data())
@pytest.mark.long
def test_whatever_happens_to_paragraphs_what_is_accepted_leaves_sound_cells(text: Text, data: st.DataObject) -> None:
    """Paragraphs deleted, exchanged, parted, joined, without bookmarks: whatever can be accepted fits together."""
    xml = word.xml_of(text.data)
    old = re.findall(r"<w:p(?: [^>]*)?>.*?</w:p>", xml, re.DOTALL)
    new = list(old)
    for _ in range(data.draw(st.integers(1, 4))):
        n, m = data.draw(st.integers(0, len(new) - 2)), data.draw(st.integers(0, len(new) - 2))
        match data.draw(st.sampled_from(["delete", "exchange", "part", "join", "unmark"])):
            case "delete":
                del new[n]
            case "exchange":
                new[n], new[m] = new[m], new[n]
            case "part":
                new[n] = new[n].replace(". ", '.</w:t></w:r></w:p><w:p><w:r><w:t xml:space="preserve">', 1)
            case "join":
                behind = re.sub(r"^<w:p(?: [^>]*)?>(?:<w:pPr>.*?</w:pPr>)?", "", new[n + 1], flags=re.DOTALL)
                new[n : n + 2] = [new[n].removesuffix("</w:p>") + run(" ") + behind]
            case "unmark":
                new[n] = re.sub(r"<w:bookmark(?:Start|End) [^>]*/>", "", new[n])
    start, end = xml.index(old[0]), xml.rindex(old[-1]) + len(old[-1])
    edited = word.changed(text.data, {"word/document.xml": lambda _: xml[:start] + "".join(new) + xml[end:]})
    _, suggested = text.suggested(edited)
    taken: list[Splice] = []
    for one in suggested.suggestions:
        if not one.problem:
            try:
                text.sources.with_([*taken, *one.splices])
            except ValueError:
                continue
            taken += one.splices
    after = text.sources.with_(taken)
    for number, cell in enumerate(after.cells):
        if cell["cell_type"] == "markdown":
            assert prose.problems(after.source(number)) == []


# ---------------------------------------------------------------- an edit made by LibreOffice

MACRO = """
Sub Edit(source, target, record)
  On Error GoTo Failed
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden" : hidden(0).Value = True
  Dim out(0) As New com.sun.star.beans.PropertyValue
  out(0).Name = "FilterName" : out(0).Value = "MS Word 2007 XML"
  doc = StarDesktop.loadComponentFromURL(source, "_blank", 0, hidden())
  doc.RecordChanges = (record = "1")
  find = doc.createReplaceDescriptor()
  find.SearchString = "nắm tình hình Nhân dân ngay tại cơ sở"
  find.ReplaceString = "nắm chắc tình hình Nhân dân ngay tại cơ sở"
  doc.replaceAll(find)
  doc.Bookmarks.getByName("{altered}").Anchor.String = "760"
  search = doc.createSearchDescriptor()
  search.SearchString = "Toàn thành phố chọn"
  first = doc.findFirst(search)
  search.SearchString = "xây dựng thành điển hình. "
  last = doc.findFirst(search)
  cursor = first.Text.createTextCursorByRange(first.Start)
  cursor.gotoRange(last.End, True)
  cursor.String = ""
  foot = doc.Footnotes.getByIndex(3)
  foot.insertString(foot.End, " Các số này sẽ được rà soát.", False)
  doc.storeToURL(target, out())
  doc.close(True)
  ' A comment is a window beside the text, which this LibreOffice without a screen lacks: so without a view.
  Dim again(1) As New com.sun.star.beans.PropertyValue
  again(0).Name = "URL" : again(0).Value = target
  again(1).Name = "FilterName" : again(1).Value = "MS Word 2007 XML"
  doc = createUnoService("com.sun.star.text.TextDocument")
  doc.load(again())
  note = doc.createInstance("com.sun.star.text.textfield.Annotation")
  note.Content = "Cần nêu rõ hơn."
  note.Author = "Nguyễn Văn A"
  at = doc.Bookmarks.getByName("{remarked}").Anchor
  at.Text.insertTextContent(at.End, note, False)
  doc.storeToURL(target, out())
  doc.close(True)
  StarDesktop.terminate()
  Exit Sub
Failed:
  f = FreeFile
  Open ConvertFromURL(target) & ".err" For Output As #f
  Print #f, Erl & ": " & Error
  Close #f
  StarDesktop.terminate()
End Sub
"""
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE {0} PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "{1}">\n'
)


def run_macro(soffice: str, folder: Path, macro: str, *arguments: str) -> None:
    """Run the macro Edit in a LibreOffice of its own, whose profile lies in `folder`."""
    profile = folder / "profile"
    command = [soffice, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
    # The first start fills the profile, and would write over our macro.
    subprocess.run([*command, "--terminate_after_init"], check=True, timeout=180, capture_output=True)
    basic = profile / "user" / "basic" / "Standard"
    module = _HEAD.format("script:module", "module.dtd") + (
        '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Edit" '
        f'script:language="StarBasic">{escape(macro)}</script:module>'
    )
    library = _HEAD.format("library:library", "library.dtd") + (
        '<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" '
        'library:readonly="false" library:passwordprotected="false"><library:element library:name="Edit"/>'
        "</library:library>"
    )
    basic.mkdir(parents=True, exist_ok=True)
    (basic / "Edit.xba").write_text(module, encoding="utf-8")
    (basic / "script.xlb").write_text(library, encoding="utf-8")
    call = ",".join(f'"{argument}"' for argument in arguments)
    subprocess.run([*command, f"macro:///Standard.Edit.Edit({call})"], check=True, timeout=180, capture_output=True)


@pytest.mark.long
@pytest.mark.parametrize("record", ["0", "1"], ids=["plain", "tracked"])
def test_an_edit_made_by_libreoffice(sent: Sent, tmp_path: Path, needs_tool: Callable[..., str], record: str) -> None:
    soffice = needs_tool("soffice")
    target = tmp_path / "sửa.docx"
    macro = MACRO.replace("{altered}", name_of(sent, "y.commune_officers"))
    macro = macro.replace("{remarked}", name_of(sent, "y.communes_with_officers"))
    run_macro(soffice, tmp_path, macro, sent.original.as_uri(), target.as_uri(), record)
    error = target.with_name(f"{target.name}.err")
    assert not error.exists(), error.read_text(encoding="utf-8")
    compared = sent.compare(target.read_bytes())
    figures = [change for change in kinds(compared) if change[0] != "unmarked"]  # LibreOffice loses those of footnotes
    units = next(n.text for n in nodes(sent.document) if isinstance(n, Value) and n.expression == "y.exemplary_units")
    assert figures == [("altered", "750", "760"), ("deleted", units, "")]
    assert [one.kind for one in compared.found.prose] == ["changed"] * 3
    assert "nắm {+chắc +}tình hình Nhân dân ngay tại cơ sở" in compared.text
    assert f"[-Toàn thành phố chọn {units} đơn vị để xây dựng thành điển hình. -]" in compared.text
    assert "{+ Các số này sẽ được rà soát.+}" in compared.text
    assert [comment.text for _, comment in compared.found.comments] == ["Cần nêu rõ hơn."]
    assert AUTHOR not in compared.text
    texts = {(change.kind, change.text) for _, change in compared.found.changes}
    if record == "0":
        assert texts == set()
    else:
        assert {("removed", "750"), ("added", "760"), ("added", "Các số này sẽ được rà soát.")} <= texts
    assert [one.problem for one in compared.suggestions] == ["", "", ""]
    sent.accept(target.read_bytes(), "all")
    assert "nắm chắc tình hình" in sent.cell("phan-ii-2")
    assert "{eval}`y.ammunition_rounds` viên đạn. Các số này sẽ được rà soát." in sent.cell("phan-ii-2")
    assert "{eval}`y.commune_officers`" in sent.cell("phan-ii-2")
    assert "Toàn thành phố chọn" not in sent.cell("phan-ii-4")


@pytest.mark.long
def test_the_report_built_from_what_was_accepted_says_what_the_word_file_says(
    built: Path, sent: Sent, tmp_path: Path
) -> None:
    """All the way round: words, params and a chart's question accepted, the report built anew."""
    from danvan import pipeline

    edited = word.body(
        sent.data,
        ("Ở cơ sở, ", "Tại các xã, "),
        ("phần việc chung chưa đủ rõ nét.", "phần việc chung chưa rõ."),
        ("Đơn của công dân được giải quyết đến đâu?", "Đơn được giải quyết đến đâu?"),
    )
    sent.compare(edited)
    sent.accept(edited, "all")
    copy = tmp_path / "lập lại"
    shutil.copytree(built, copy, ignore=shutil.ignore_patterns("reports"))
    for name in ("notebooks/annual_report.ipynb", "params/2023.yaml"):
        shutil.copy2(sent.root / name, copy / name)
    pipeline.report(Project(copy), 2023, "public")
    page = (copy / "reports" / "2023" / "public" / "bao-cao-2023.html").read_text(encoding="utf-8")
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    for said in ("Tại các xã, 750 đồng chí", "phần việc chung chưa rõ.", "Đơn được giải quyết đến đâu?"):
        assert said in plain
