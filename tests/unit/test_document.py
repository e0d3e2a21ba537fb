"""The document model: the names of the figures that it prints."""

from __future__ import annotations

from danvan.document import (
    Column,
    Document,
    Figure,
    Meta,
    NoteMark,
    Paragraph,
    Part,
    Table,
    TableCell,
    TableRow,
    Value,
    named,
    nodes,
    printed,
)


def test_each_printed_figure_has_a_name_of_its_own() -> None:
    value = Value("05", "y.a", ("a@2023/total",))
    note = NoteMark(1, (Paragraph((value,)),))
    table = Table("b", "Bảng", "Đơn vị", (Column("A"),), (TableRow("X", (TableCell("5", "value", ("a@2023/x",)),)),))
    chart = Figure("hinh", "Ở đâu?", "Một cột.", "<svg/>", results=("a@2023/x",))
    prose = Paragraph((value, note, Value("ngày 05", "y.day"), note))
    document = named(Document(Meta("T", 2023, "public", "p", ()), (Part("main", (prose, chart, table)),)))

    found = printed(document)
    assert [(item["where"], item.get("name", item.get("id")), item["text"]) for item in found] == [
        ("text", "so_0001", "05"),
        ("text", "so_0002", "05"),  # in the note, once, although two marks lead there
        ("chart", "hinh", "Ở đâu?"),
        ("table", "so_0003", "5"),
    ]
    first, second = (node for node in nodes(document) if isinstance(node, NoteMark))
    assert first == second
    assert [node.name for node in nodes(document) if isinstance(node, Value) and not node.results] == ["chu_0001"]
    assert named(document) == document
