"""Columns as a spreadsheet names them."""

from __future__ import annotations


def letters(column: int) -> str:
    """'AB' of 28."""
    found = ""
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def number(column: str) -> int:
    """28 of 'AB', in either case."""
    found = 0
    for letter in column.upper():
        found = found * 26 + ord(letter) - ord("A") + 1
    return found
