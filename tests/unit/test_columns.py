"""Sizes and widths of tables for writers without Typst."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from danvan import formats
from danvan.document import Column, Document, Meta, Part, Table, TableCell, TableRow
from danvan.publish import columns
from danvan.publish.tree import document_tree

PROFILE = formats.load("party_2018")
SIZES = PROFILE["tables"]["sizes_pt"]["portrait"]
INSET = PROFILE["tables"]["inset_pt"]["portrait"]["x"]


def node(*rows: tuple[str, ...], heads: tuple[str, ...]) -> Any:
    """The tree's node of a table whose first column has the row labels."""
    made = tuple(TableRow(label, tuple(TableCell(text) for text in texts)) for label, *texts in rows)
    table = Table("a", "Bảng", heads[0], tuple(Column(head) for head in heads[1:]), made)
    meta = Meta("A", 2023, "public", "party_2018", ())
    tree = document_tree(Document(meta, (Part("main", (table,)),)), datetime.date(2024, 1, 1), PROFILE)
    return tree["parts"][0]["blocks"][0]


def chosen(table: Any, available: float) -> tuple[float, list[float]] | None:
    return columns.chosen(table, PROFILE, landscape=False, available=available)


def test_a_width_is_the_sum_of_its_letters() -> None:
    assert columns.width("111", 10, bold=False) == pytest.approx(15)  # a digit has half the size
    assert columns.width("", 10, bold=True) == 0


def test_a_small_table_has_the_largest_size_and_fills_the_page_evenly() -> None:
    size, widths = chosen(node(("An Lão", "1", "2"), heads=("Đơn vị", "Tin", "Đơn")), 300) or (0.0, [])
    assert size == SIZES[0]
    assert widths == [pytest.approx(100)] * 3


def test_a_long_column_takes_its_room_from_the_others() -> None:
    size, widths = chosen(
        node(("Bạch Long Vĩ", "1"), ("Thủy Nguyên và các xã khác", "2"), heads=("Đơn vị", "Tin")), 200
    ) or (0.0, [])
    assert sum(widths) == pytest.approx(200)
    assert widths[0] >= columns.width("Thủy Nguyên và các xã khác", size, bold=True) + 2 * INSET
    assert widths[1] < widths[0]


@pytest.mark.parametrize("available", [180, 220, 260, 320, 400])
def test_no_word_is_broken_whatever_the_size(available: float) -> None:
    heads = ("Đơn vị", "Vụ án được phá nhờ tin (vụ)", "Xã có công an chính quy (xã)", "Tỷ lệ tin có giá trị (%)")
    found = chosen(node(("Thủy Nguyên", "111/114", "201.483", "không so sánh được"), heads=heads), available)
    assert found is not None
    size, widths = found
    assert sum(widths) == pytest.approx(available)
    for width, texts in zip(widths, (("Nguyên",), ("111/114",), ("201.483", "chính"), ("không",)), strict=True):
        assert all(columns.width(text, size, bold=True) + 2 * INSET < width for text in texts)


def test_sizes_shrink_until_columns_have_what_they_like_but_never_below_the_smallest() -> None:
    table = node(("Thủy Nguyên", *["1.234.567"] * 6), heads=("Đơn vị", *["Tin báo"] * 6))
    sizes = [(chosen(table, available) or (0.0, []))[0] for available in (500, 350, 320, 290)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == SIZES[0] > sizes[-1] >= SIZES[-1]


def test_words_wider_than_the_page_fit_at_no_size() -> None:
    assert chosen(node(("A", "không" * 20), heads=("Đơn vị", "Tin")), 200) is None


def test_the_height_counts_the_lines_of_each_row() -> None:
    table = node(("An Lão", "1"), ("Xã An Thọ, xã An Tiến, xã An Thái", "2"), heads=("Đơn vị", "Tin"))
    one = columns.height(table, PROFILE, 10, [300, 50], landscape=False)
    two = columns.height(table, PROFILE, 10, [100, 50], landscape=False)
    # Three rows of one line: 10 points and 2.5 above and below each; a further line has 11.8.
    assert one == pytest.approx(3 * 15, abs=0.1)
    assert two == pytest.approx(one + 11.8, abs=0.1)
