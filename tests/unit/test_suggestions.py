"""Words edited in a Word file, as the smallest change of the Markdown, of params or of a code cell that gives them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from itertools import count

import pytest
import yaml

from danvan import prose
from danvan.document import Heading, NoteMark, Value, nodes
from danvan.document import Paragraph as Prose
from danvan.publish import origins
from danvan.publish.differences import differences, tokens
from danvan.publish.reread import Paragraph, Piece, Reading
from danvan.publish.sources import Sources
from danvan.publish.suggestions import Suggested, suggest

BOLD, PLAIN = True, False


def sources(*cells: str, params: str = "", code: str = "") -> Sources:
    made = [{"cell_type": "markdown", "id": f"o-{n}", "metadata": {}, "source": text} for n, text in enumerate(cells)]
    made += [{"cell_type": "code", "id": "ma", "metadata": {}, "source": code}] * bool(code)
    return Sources(json.dumps({"cells": made}, indent=1, ensure_ascii=False) + "\n", params)


def document(given: Sources, **values: str) -> tuple[Reading, dict[str, str]]:
    """The Word file of the Markdown cells, and the expressions by the names of their figures."""
    names, notes, numbers = count(1), {}, count(1)
    traced: dict[str, str] = {}

    def pieces(children: object) -> list[Piece]:
        made = []
        for piece in origins._pieces(children):  # type: ignore[arg-type]
            if piece.figure:
                name = f"so_{next(names):04}"
                traced[name] = piece.figure
                piece = replace(piece, figure=name)
            elif made and replace(made[-1], text="") == replace(piece, text="") and not piece.note:
                made[-1] = replace(piece, text=made[-1].text + piece.text)
                continue
            made.append(piece)
        return made

    blocks = []
    for number, cell in enumerate(given.cells):
        if cell["cell_type"] != "markdown":
            continue
        source = given.source(number)
        known = {e: Value(values.get(e, ""), e) for e in prose.expressions(source)}
        inside: set[int] = set()
        for node in nodes(tuple(prose.blocks(source, known, lambda: next(numbers)))):
            if isinstance(node, NoteMark):
                own = [n for n in nodes(node.blocks) if isinstance(n, Prose)]
                inside |= {id(n) for n in own}
                notes[str(node.number)] = [Paragraph("", pieces(n.children)) for n in own]
            elif isinstance(node, Prose | Heading) and id(node) not in inside:
                blocks.append(Paragraph("", pieces(node.children)))
    return Reading("", list(blocks), notes, {}), traced


def edit(reading: Reading, *edits: tuple[str, str | Piece]) -> Reading:
    """The same with words replaced, each of which must stand once in one piece."""
    made = copy.deepcopy(reading)
    for old, new in edits:
        found = [(p, n) for p in made.paragraphs() for n, piece in enumerate(p.pieces) if old in piece.text]
        assert len(found) == 1, (old, len(found))
        paragraph, n = found[0]
        piece = paragraph.pieces[n]
        before, _, after = piece.text.partition(old)
        middle = new if isinstance(new, Piece) else replace(piece, text=new)
        paragraph.pieces[n : n + 1] = [replace(piece, text=before), middle, replace(piece, text=after)]
    return made


def suggested(given: Sources, ours: Reading, theirs: Reading, traced: dict[str, str]) -> Suggested:
    known = {name: texts[0] for name, texts in ours.figures().items()}
    paragraphs = [tokens(paragraph.pieces, known) for paragraph in ours.paragraphs()]
    return suggest(differences(ours, theirs), paragraphs, given, traced)


def taken_over(given: Sources, *edits: tuple[str, str | Piece], **values: str) -> str:
    """The first cell after all suggestions were accepted."""
    ours, traced = document(given, **values)
    found = suggested(given, ours, edit(ours, *edits), traced)
    assert [one.problem for one in found.suggestions if one.problem] == []
    assert found.unplaced == []
    return given.with_([splice for one in found.suggestions for splice in one.splices]).source(0)


LINES = """Dòng đầu có {eval}`a` tin,
dòng hai có **chữ đậm và {eval}`b`** đơn,
dòng ba là hết."""


@pytest.mark.parametrize(
    ("edits", "changed"),
    [
        ([("dòng hai có", "dòng giữa có")], ("dòng hai có", "dòng giữa có")),
        ([("đơn, dòng ba", "đơn; dòng ba")], ("đơn,\n", "đơn;\n")),
        ([("đơn, dòng ba là", "lá đơn, là")], ("đơn,\ndòng ba là", "lá đơn,\nlà")),
        ([("Dòng đầu", "Ngay dòng đầu")], ("Dòng đầu", "Ngay dòng đầu")),
        ([("là hết.", "là hết cả.")], ("là hết.", "là hết cả.")),
        ([("chữ đậm và", "chữ rất đậm và")], ("chữ đậm", "chữ rất đậm")),
        ([("dòng ba", Piece("dòng cuối", "", BOLD))], ("dòng ba", "dòng **cuối**")),
        ([("là ", Piece(" thật là ", "", PLAIN, True))], ("ba là", "ba *thật* là")),
    ],
)
def test_only_what_was_edited_changes_and_lines_stay_broken_where_they_were(
    edits: list[tuple[str, str | Piece]], changed: tuple[str, str]
) -> None:
    assert taken_over(sources(LINES), *edits, a="4.342", b="12") == LINES.replace(*changed)


def test_an_expression_that_printed_nothing_stays_where_it_is() -> None:
    cell = 'Đã nhận đủ.{eval}`y.say(" Thiếu {}.", y.x)` Số mô hình là {eval}`m`.'
    assert taken_over(sources(cell), ("Số mô hình", "Tổng số mô hình"), m="05") == cell.replace("Số", "Tổng số")
    assert taken_over(sources(cell), ("nhận đủ", "nhận đủ cả"), m="05") == (cell.replace("nhận đủ", "nhận đủ cả"))


def test_two_expressions_of_which_one_printed_are_told_apart_by_the_trace() -> None:
    cell = "Như sau.{eval}`thieu`{eval}`con` Hết."
    given = sources(cell)
    ours, traced = document(given, con=" Còn 03 ô.")
    assert traced == {"so_0001": "con"}
    found = suggested(given, ours, edit(ours, ("Hết", "Chấm hết")), traced)
    (one,) = found.suggestions
    assert given.with_(one.splices).source(0) == cell.replace("Hết", "Chấm hết")
    unknown = suggested(given, ours, edit(ours, ("Hết", "Chấm hết")), {})
    assert len(unknown.unplaced) == 1, "either expression may have printed it, so neither is touched"


def test_a_paragraph_that_stands_twice_is_not_guessed() -> None:
    given = sources("Các số dưới đây là {eval}`a`.", "Các số dưới đây là {eval}`a`.")
    ours, _ = document(given, a="1")
    theirs = copy.deepcopy(ours)
    first = next(theirs.paragraphs())
    first.pieces[0] = replace(first.pieces[0], text="Những số dưới đây là ")
    found = suggested(given, ours, theirs, {})
    assert found.suggestions == []
    assert [one.kind for one in found.unplaced] == ["changed"]


def test_lists_headings_and_footnotes_keep_their_structure() -> None:
    cell = (
        "## I. Kết quả\n\n- Việc một, của {eval}`a`;\n- việc hai[^x].\n\n1. Bước đầu.\n2. Bước sau.\n\n"
        "[^x]: Theo *kế hoạch*\n    số {eval}`b`."
    )
    edits = [("Kết quả", "Kết quả chính"), ("Việc một", "Việc đầu"), ("Bước sau", "Bước cuối"), ("Theo ", "Căn cứ ")]
    wanted = cell
    for old, new in edits:
        wanted = wanted.replace(old, new)
    assert taken_over(sources(cell), *edits, a="A", b="B") == wanted


def test_what_would_become_structure_is_not_taken_over() -> None:
    """A line that would begin a list, and a typed number."""
    given = sources("Câu đầu.\n\nCâu sau.")
    ours, _ = document(given)
    for new, said in (("- Câu sau", "phức tạp"), ("Năm 2024 câu sau", "gõ tay con số “2024”")):
        (one,) = suggested(given, ours, edit(ours, ("Câu sau", new)), {}).suggestions
        assert said in one.problem
        assert one.splices == ()


PARAMS = """# lời chú
theme: Đẩy mạnh chỉnh trang - Xây dựng nông thôn   # giữ
items:
  - hội nghị
  - "mạng xã hội"
  - 'nhóm “tự quản”'
  - {kind: Chỉ thị, subject: Tiếp tục đổi mới công tác}
long: >-
  Cụ thể hóa và tổ chức thực hiện các nghị quyết
  về công tác dân vận.
"""


@pytest.mark.parametrize(
    ("text", "edits", "changed"),
    [
        ("{}", [("Đẩy mạnh", "Tập trung")], ("Đẩy mạnh", "Tập trung")),
        ("{}", [("chỉnh trang", "chỉnh trang: đô thị")], None),
        ("gồm {}", [("hội nghị", "các hội nghị")], ("- hội nghị", "- các hội nghị")),
        ("gồm {}", [("mạng xã hội", "mạng “xã hội”")], ("mạng xã hội", "mạng “xã hội”")),
        ("về {}", [("đổi mới", "đổi mới, nâng chất")], None),
        ("{}", [("nghị quyết về", "nghị quyết, chỉ thị về")], ("nghị quyết\n", "nghị quyết, chỉ thị\n")),
    ],
)
def test_words_of_params(text: str, edits: list[tuple[str, str]], changed: tuple[str, str] | None) -> None:
    """The one key in which the words stand; quoted where the new words would be YAML's own signs."""
    ((old, new),) = edits
    scalars = [*yaml.safe_load(PARAMS)["items"][:3], yaml.safe_load(PARAMS)["items"][3]["subject"]]
    scalars += [yaml.safe_load(PARAMS)["theme"], yaml.safe_load(PARAMS)["long"]]
    words = text.format(next(scalar for scalar in scalars if old in scalar))
    given = sources("Không liên quan.", params=PARAMS)
    ours = Reading("", [Paragraph("", [Piece(words)])], {}, {})
    (one,) = suggested(given, ours, edit(ours, (old, new)), {}).suggestions
    assert one.problem == ""
    after = given.with_(one.splices).params
    if changed:
        assert after == PARAMS.replace(*changed)
    was, now = (
        json.dumps(yaml.safe_load(PARAMS), ensure_ascii=False),
        json.dumps(yaml.safe_load(after), ensure_ascii=False),
    )
    assert now == was.replace(old, new)
    assert "# giữ" in after


def test_words_that_stand_in_two_keys_are_not_guessed() -> None:
    given = sources("Khác.", params="a: Ban Dân vận\nb: Ban Dân vận\n")
    ours = Reading("", [Paragraph("", [Piece("Kính gửi Ban Dân vận")])], {}, {})
    found = suggested(given, ours, edit(ours, ("Dân vận", "Dân vận Trung ương")), {})
    assert found.suggestions == []
    assert len(found.unplaced) == 1


def test_a_text_between_quotes_in_a_code_cell() -> None:
    given = sources("Khác.", code='y.chart(\n    "bars",\n    question="Đơn vị nào “nhiều” nhất?",\n)')
    ours = Reading("", [Paragraph("", [Piece("Biểu đồ: Đơn vị nào “nhiều” nhất?")])], {}, {})
    (one,) = suggested(given, ours, edit(ours, ("nhất", "hơn cả")), {}).suggestions
    assert given.with_(one.splices).source(1).splitlines()[2] == '    question="Đơn vị nào “nhiều” hơn cả?",'


def test_splices_that_overlap_are_refused_and_a_notebook_keeps_its_layout() -> None:
    from danvan.publish.sources import Splice

    given = sources("Một hai ba.")
    with pytest.raises(ValueError, match="overlap"):
        given.with_([Splice(0, 0, 7, "x"), Splice(0, 4, 9, "y")])
    lines = Sources(json.dumps({"cells": [{"source": ["a\n", "b"]}]}, indent=2) + "\n")
    assert lines.with_([Splice(0, 2, 3, "c\nd")]).notebook == lines.notebook.replace('"b"', '"c\\n",\n        "d"')
