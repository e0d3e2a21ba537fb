"""Markdown cells: what may stand in them, and what becomes of them."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from danvan import prose
from danvan.document import (
    Break,
    Emphasis,
    Heading,
    Link,
    ListBlock,
    NoteMark,
    Paragraph,
    Strong,
    Text,
    Value,
)
from danvan.wording import PHRASE_MIME


def typed(word: str) -> str:
    return f"gõ tay con số “{word}”. Lấy số từ dữ liệu hoặc params bằng {{eval}}`y....`."


# --- typed digits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Nhân dân cung cấp 4.342 tin.", ["4.342"]),
        ("**12** xã", ["12"]),
        ("*xem [bản 2](http://x.vn)*", ["2"]),
        ("- còn 3 đơn vị\n- đạt 100%", ["3", "100%"]),
        ("a 1\nb 2", ["1", "2"]),  # a new line inside a paragraph
        ("[^a]\n\n[^a]: gồm 7 đơn vị", ["7"]),
        ("## I. Kết quả năm 2023", ["2023"]),
        ("\\15 đơn vị", ["\\15"]),
    ],
)
def test_a_typed_digit_is_found(source: str, words: list[str]) -> None:
    found = prose.problems(source)
    assert len(found) == len(words)
    assert found == [typed(word) for word in words]


OTHER_DIGITS = ["m²", "２０２３", "٣", "½", "③", "X₂"]


@pytest.mark.parametrize("digits", OTHER_DIGITS)
def test_digits_of_every_kind_are_found(digits: str) -> None:
    [problem] = prose.problems(f"Có {digits} đơn vị.")
    assert problem.startswith("gõ tay con số “")


@pytest.mark.parametrize("digits", OTHER_DIGITS)
def test_a_digit_is_shown_as_it_was_typed(digits: str) -> None:
    """The analyst looks for what is in the cell, not for a 0 that is nowhere in it."""
    assert prose.problems(f"Có {digits} đơn vị.") == [typed(digits)]


@pytest.mark.parametrize(
    "source",
    [
        "## I. Công tác tham mưu",
        "### 1. Tuyên truyền",
        "### 2) Tuyên truyền",
        "#### a) Phong trào",
        "#### đ) Phong trào",
        "## II.1. Tuyên truyền",
        "1. một\n2. hai",
        "3) ba",
        "Câu có chú thích[^1].\n\n[^1]: Nội dung.",
        "Có {eval}`y.tips_received` tin, tăng {eval}`y.frame('a1')`.",
        "[một nơi](https://example.vn/2023/01)",
        "Mô hình “Dân vận khéo”, ngày hội; chữ số viết bằng chữ: ba.",
    ],
)
def test_structure_is_exempt(source: str) -> None:
    assert prose.problems(source) == []


# --- what is not supported -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("câu <b>đậm</b>", "có thẻ HTML: <b>. Chỉ dùng đoạn văn, tiêu đề, danh sách."),
        ("<div>khối</div>", "có thẻ HTML: <div>khối</div>. Chỉ dùng đoạn văn, tiêu đề, danh sách."),
        ("<script>x</script>", "có thẻ HTML: <script>x</script>. Chỉ dùng đoạn văn, tiêu đề, danh sách."),
        ("![ảnh](a.png)", "có ảnh (dùng y.publish). Chỉ dùng đoạn văn, tiêu đề, danh sách."),
        ("biến `y.tips`", "có chữ kiểu mã trong dấu `: y.tips. Chỉ dùng đoạn văn, tiêu đề, danh sách."),
        ("> trích", "có khối trích dẫn. Chỉ dùng đoạn văn, tiêu đề, danh sách."),
        ("một\n\n---\n\nhai", "có đường kẻ ngang. Chỉ dùng đoạn văn, tiêu đề, danh sách."),
    ],
)
def test_unsupported_markdown(source: str, problem: str) -> None:
    assert problem in prose.problems(source)


@pytest.mark.parametrize("source", ["```\nmã\n```", "    mã thụt vào"])
def test_a_block_of_code(source: str) -> None:
    [problem] = prose.problems(source)
    assert problem.startswith("có khối mã: ")
    assert problem.endswith("Chỉ dùng đoạn văn, tiêu đề, danh sách.")


def test_the_title_is_not_the_prose_s() -> None:
    assert prose.problems("# Báo cáo") == ["tiêu đề phải từ hai dấu # trở lên (tên báo cáo do y.title_block() ghi)."]


def test_a_table_typed_in_markdown_is_not_lost() -> None:
    """Either a sentence says that tables come from y.table, or its words reach the document."""
    source = "| Đơn vị | Ghi chú |\n| --- | --- |\n| Đồ Sơn | đã ký |"
    text = " ".join(prose.plain(b.children) for b in prose.blocks(source, {}, iter_notes()) if isinstance(b, Paragraph))
    assert prose.problems(source) or "đã ký" in text


# --- footnotes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        (
            "Câu[^a].",
            ["dấu chú thích [^a] không có nội dung trong cùng ô. Thêm dòng “[^a]: ...”."],
        ),
        ("Câu.\n\n[^a]: Nội dung.", ["chú thích [^a] không được gọi ở đâu trong ô."]),
        (
            "Câu[^a], câu nữa[^a].\n\n[^a]: Nội dung.",
            ["chú thích [^a] được gọi hai lần; mỗi chú thích chỉ gọi một lần."],
        ),
        ("Câu[^a].\n\n[^a]: Nội dung.\n\n[^b]: Nội dung.", ["chú thích [^b] không được gọi ở đâu trong ô."]),
        ("Câu[^A].\n\n[^a]: Nội dung.", []),  # labels do not depend on case
        ("Câu[^kiểm-tra].\n\n[^kiểm-tra]: Nội dung.", []),
    ],
)
def test_footnotes_are_paired(source: str, problems: list[str]) -> None:
    assert prose.problems(source) == problems


def iter_notes(start: int = 1):  # type: ignore[no-untyped-def]
    numbers = itertools.count(start)
    return lambda: next(numbers)


def test_footnotes_are_numbered_in_order_and_keep_their_values() -> None:
    source = "Một[^b], hai[^a].\n\n[^a]: Của hai: {eval}`x`.\n\n[^b]: Của một."
    [paragraph] = prose.blocks(source, {"x": Value("05", "x", ("k",))}, iter_notes(6))
    assert isinstance(paragraph, Paragraph)
    assert paragraph.children == (
        Text("Một"),
        NoteMark(6, (Paragraph((Text("Của một."),)),)),
        Text(", hai"),
        NoteMark(7, (Paragraph((Text("Của hai: "), Value("05", "x", ("k",)), Text("."))),)),
        Text("."),
    )


# --- expressions -----------------------------------------------------------------------------------------------


def test_expressions_in_order_each_once() -> None:
    source = "{eval}`b` và {eval}`a`[^n], lại {eval}`b`.\n\n[^n]: {eval}` c `\n\n- {eval}`d`"
    assert sorted(prose.expressions(source)) == ["a", "b", "c", "d"]
    assert prose.expressions(source)[:2] == ["b", "a"]


@pytest.mark.parametrize("source", ["`{eval}`", "{eval} `a`", "{eval}``", "\\{eval}`a`"])
def test_what_only_looks_like_an_expression(source: str) -> None:
    assert prose.expressions(source) == []


def test_the_value_of_an_expression() -> None:
    def of(data: dict[str, object]) -> Value | None:
        return prose.value_of({"expression": "e", "result": {"status": "ok", "data": data}})

    phrase = {"text": "hơn 16", "results": ["explosives_kg@2023/total"]}
    assert of({PHRASE_MIME: phrase, "text/plain": "x"}) == Value("hơn 16", "e", ("explosives_kg@2023/total",))
    assert of({"text/plain": "'một câu'"}) == Value("một câu", "e")
    assert of({"text/plain": '"dấu \' trong câu"'}) == Value("dấu ' trong câu", "e")
    assert of({"text/plain": "'D\u00e2n v\u00e2\u0323n'"}) == Value("D\u00e2n v\u1eadn", "e")
    for other in ("4342", "4342.5", "None", "True", "[1]", "<object>"):
        assert of({"text/plain": other}) is None
    assert prose.value_of({"expression": "e", "result": {"status": "error"}}) is None


def test_substitute_writes_the_values_and_no_markdown_of_theirs() -> None:
    values = {"a": Value("4.342", "a"), "b": Value("*không* _đậm_ [x](y) <b> # `c`", "b")}
    source = "## {eval}`a` tin\n\nvà {eval}`b`[^n]\n\n[^n]: {eval}`a`"
    done = prose.substitute(source, values)
    assert "{eval}" not in done
    assert done.startswith("## 4.342 tin\n")
    blocks = prose.blocks(done, {}, iter_notes())
    paragraph = next(block for block in blocks if isinstance(block, Paragraph))
    assert prose.plain(paragraph.children) == "và *không* _đậm_ [x](y) <b> # `c`"


@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=20))
@example("1. a")
@example("- a")
@example("a ~~b~~ &amp;")
def test_a_substituted_value_reads_as_it_was(text: str) -> None:
    """Whoever opens the shared notebook reads the value, not what Markdown would make of it."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    assume(text and text.isprintable())
    done = prose.substitute("Có {eval}`a` đấy", {"a": Value(text, "a")})
    [paragraph] = prose.blocks(done, {}, iter_notes())
    assert isinstance(paragraph, Paragraph)
    assert prose.plain(paragraph.children) == f"Có {text} đấy"


# --- blocks ----------------------------------------------------------------------------------------------------


def test_blocks_of_a_cell() -> None:
    source = (
        "## II. Kết quả {eval}`n`\n\nMột **đậm** và *nghiêng*,\nxuống dòng;  \ndòng mới, [nơi](https://x.vn).\n\n"
        "- một\n- hai\n\n1. một\n"
    )
    assert prose.blocks(source, {"n": Value("năm 2023", "n")}, iter_notes()) == [
        Heading(2, "ii-ket-qua-nam-2023", (Text("II. Kết quả "), Value("năm 2023", "n"))),
        Paragraph(
            (
                Text("Một "),
                Strong((Text("đậm"),)),
                Text(" và "),
                Emphasis((Text("nghiêng"),)),
                Text(","),
                Text(" "),
                Text("xuống dòng;"),
                Break(),
                Text("dòng mới, "),
                Link("https://x.vn", (Text("nơi"),)),
                Text("."),
            )
        ),
        ListBlock(False, ((Paragraph((Text("một"),)),), (Paragraph((Text("hai"),)),))),
        ListBlock(True, ((Paragraph((Text("một"),)),),)),
    ]


def test_an_empty_value_leaves_nothing_behind() -> None:
    [paragraph] = prose.blocks("Đến nay{eval}`a`.", {"a": Value("", "a")}, iter_notes())
    assert paragraph == Paragraph((Text("Đến nay"), Text(".")))


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("II.1. Tuyên truyền", "ii-1-tuyen-truyen"),
        ("Đánh giá; ĐƠN THƯ", "danh-gia-don-thu"),
        ("“Dân vận khéo”", "dan-van-kheo"),
        ("Ươm mầm", "uom-mam"),
    ],
)
def test_slug(text: str, slug: str) -> None:
    assert prose.slug(text) == slug
    assert prose.slug(unicodedata.normalize("NFD", text)) == slug


VIETNAMESE = "aăâbcdđeêghiklmnoôơpqrstuưvxyAĂÂĐÊÔƠƯáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"
WORDS = st.text(VIETNAMESE + ",;:?“”()/%’\u0301\u0323", min_size=1, max_size=12)


@settings(max_examples=500, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=12), st.sampled_from(["NFC", "NFD"]))
def test_plain_text_comes_through_unchanged(words: list[str], form: str) -> None:
    """Text without digits and markup, in whatever composition it was typed, is the same text, composed."""
    source = unicodedata.normalize(form, "Câu " + " ".join(words))
    blocks = prose.blocks(source, {}, iter_notes())
    assert [type(block) for block in blocks] == [Paragraph]
    assert prose.plain(blocks[0].children) == unicodedata.normalize("NFC", source)  # type: ignore[union-attr]
    assert prose.problems(source) == []
    assert prose.substitute(source, {}) == source
