"""What a simple formula gives, so that a stale cached value shows; nothing else is evaluated.

The grammar is that of formulas as a workbook stores them: decimal point, commas between arguments. A small parser over
Decimal; no formula ever reaches `eval`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext

from danvan.intake import addresses

# (sheet name or "" for the own sheet, "D12") -> the number there; None for an empty cell. Raises KeyError for a text or
# a cell that cannot be read.
Lookup = Callable[[str, str], Decimal | None]

_MAX_LENGTH, _MAX_DEPTH, _MAX_CELLS = 1_000, 50, 10_000
_LAST_COLUMN, _LAST_ROW = 16_384, 1_048_576


def value(formula: str, lookup: Lookup) -> Decimal | None:
    """What '=SUM(D12:D15)+3' gives; None for anything beyond cells, ranges, + - * / and the five functions below.

    An empty cell is 0 in a sum of terms, and is passed over by SUM, AVERAGE, MIN and MAX, as in Excel. Never raises.
    """
    if len(formula) > _MAX_LENGTH or not formula.startswith("=") or is_external(formula):
        return None
    with localcontext() as context:
        context.prec = 50
        try:
            result = _Parser(formula[1:], lookup).whole()
            return result if result.is_finite() else None
        except (_Unknown, KeyError, ArithmeticError):
            return None


def is_external(formula: str) -> bool:
    """Whether a formula takes its value from elsewhere (another file, the network, a program) or does something.

    Also for a text that a spreadsheet would take for a formula: one that begins with = + - or @.
    """
    if not formula.lstrip().startswith(tuple("=+-@＝＋－＠")):
        return False
    bare = re.sub(r'"[^"]*"', '""', formula)  # without texts
    quoted = re.findall(r"'[^']*'", bare)
    bare = re.sub(r"'[^']*'", "''", bare)
    return bool(
        _ACTS.search(bare)
        or _ADDRESS.search(formula)
        or _MACRO.search(re.sub(r"_xlfn\.|_xlws\.", "", bare))
        or "|" in bare  # =program|'topic'!item: DDE
        or re.search(r"\][\w.]*!", bare)  # [1]Sheet!A1
        or any(re.search(r"[\[\]\\/:]", name) for name in quoted)  # '[Book.xlsx]Sheet': signs that no sheet's name has
    )


_ACTS = re.compile(
    r"(?<![\w.])(?:_xlfn\.)?(?:HYPERLINK|WEBSERVICE|FILTERXML|IMAGE|IMPORT[A-Z]*|INDIRECT|RTD|DDE|CALL|(?:UN)?REGISTER|"
    r"REGISTER\.ID|EVALUATE|EXEC|EXECUTE|RUN|INITIATE|POKE|SHELL|ALERT|HALT|FORMULA|FOPEN|FWRITE|OPEN|SQL\.REQUEST|"
    r"(?:GET|SET|APP|SEND|CREATE)\.[A-Z.]+|STOCKHISTORY|CUBE[A-Z]*|GOOGLE[A-Z]*|PY)\s*\(",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?|ftp)://|file:[/\\]|\\\\", re.IGNORECASE)
# Book!Name( or an add-in's function; and a name in mixed case, for Excel writes its own functions in capitals.
_MACRO = re.compile(r"![^\W\d][\w.]*\(|_xll\.|(?<![\w.])(?=[\w.]*[a-z])(?=[\w.]*[A-Z])[\w.]+\(")


class _Unknown(Exception):
    """The formula has something that is not known here."""


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number> [0-9]+(?:\.[0-9]*)? | \.[0-9]+ )
    | (?: (?P<sheet> '(?:[^']|'')+' | [^\W\d][\w.]* ) ! )? (?P<cell> \$?[A-Z]{1,3}\$?[1-9][0-9]{0,6} ) (?![\w.(!])
    | (?P<function> [A-Z]+ ) \(
    | (?P<sign> [-+*/(),:] )
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_FUNCTIONS = ("SUM", "AVERAGE", "MIN", "MAX", "ROUND")


class _Parser:
    """expression = term {+- term}; term = factor {*/ factor}; factor = {+-} (number | cell | function | bracket)."""

    def __init__(self, text: str, lookup: Lookup) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0
        self._cells = 0
        self._lookup = lookup

    def whole(self) -> Decimal:
        """The value of all of it. Raises _Unknown, and whatever `lookup` or Decimal raises."""
        result = self._expression()
        if self._at < len(self._tokens):
            raise _Unknown
        return +result

    def _takes(self, *signs: str) -> str:
        """The next sign, if it is one of `signs`, which is then passed; else ''."""
        sign = self._tokens[self._at]["sign"] if self._at < len(self._tokens) else ""
        if sign not in signs:
            return ""
        self._at += 1
        return sign

    def _needs(self, sign: str) -> None:
        if not self._takes(sign):
            raise _Unknown

    def _expression(self) -> Decimal:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _Unknown
        result = self._term()
        while sign := self._takes("+", "-"):
            term = self._term()
            result = result + term if sign == "+" else result - term
        self._depth -= 1
        return result

    def _term(self) -> Decimal:
        result = self._factor()
        while sign := self._takes("*", "/"):
            factor = self._factor()
            result = result * factor if sign == "*" else result / factor
        return result

    def _factor(self) -> Decimal:
        negative = False
        while sign := self._takes("+", "-"):
            negative ^= sign == "-"
        result = self._primary()
        return -result if negative else result

    def _primary(self) -> Decimal:
        if self._takes("("):
            result = self._expression()
            self._needs(")")
            return result
        if self._at >= len(self._tokens):
            raise _Unknown
        token = self._tokens[self._at]
        self._at += 1
        if token["number"]:
            return Decimal(token["number"])
        if token["cell"]:
            return self._cell(token) or Decimal(0)
        if token["function"]:
            return self._function(token["function"].upper())
        raise _Unknown

    def _cell(self, match: re.Match[str]) -> Decimal | None:
        column, row = _place(match["cell"])
        return self._look(_sheet(match), column, row)

    def _look(self, sheet: str, column: int, row: int) -> Decimal | None:
        self._cells += 1
        if self._cells > _MAX_CELLS:
            raise _Unknown
        number = self._lookup(sheet, f"{addresses.letters(column)}{row}")
        if number is not None and not number.is_finite():
            raise _Unknown
        return number

    def _function(self, name: str) -> Decimal:
        if name not in _FUNCTIONS:
            raise _Unknown
        arguments = [self._argument()]
        while self._takes(","):
            arguments.append(self._argument())
        self._needs(")")
        if name == "ROUND":
            return _rounded(arguments)
        numbers = [number for argument in arguments for number in argument if number is not None]
        match name:
            case "SUM":
                return sum(numbers, Decimal(0))
            case "MIN":
                return min(numbers, default=Decimal(0))
            case "MAX":
                return max(numbers, default=Decimal(0))
        return sum(numbers, Decimal(0)) / len(numbers)  # of none: an error in Excel too

    def _argument(self) -> list[Decimal | None]:
        """The numbers of a range or of a cell that stands alone, where None is an empty cell; or one value."""
        match [(token["sign"] or token.lastgroup, token) for token in self._tokens[self._at : self._at + 3]]:
            case [("cell", first), (":", _), ("cell", last)] if not last["sheet"]:
                self._at += 3
                return list(self._range(first, last))
            case [("cell", cell), ("," | ")", _), *_]:
                self._at += 1
                return [self._cell(cell)]
        return [self._expression()]

    def _range(self, first: re.Match[str], last: re.Match[str]) -> Iterator[Decimal | None]:
        (left, top), (right, bottom) = _place(first["cell"]), _place(last["cell"])
        left, right = sorted((left, right))
        top, bottom = sorted((top, bottom))
        if (right - left + 1) * (bottom - top + 1) > _MAX_CELLS:
            raise _Unknown
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                yield self._look(_sheet(first), column, row)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    text = text.rstrip()
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise _Unknown
        yield match
        at = match.end()


def _sheet(match: re.Match[str]) -> str:
    name = match["sheet"] or ""
    return name[1:-1].replace("''", "'") if name.startswith("'") else name


def _place(ref: str) -> tuple[int, int]:
    """Column and row of '$D$12', counted from 1. Raises _Unknown beyond the last cell of a sheet."""
    bare = ref.replace("$", "").upper()
    letters = bare.rstrip("0123456789")
    column = addresses.number(letters)
    row = int(bare[len(letters) :])
    if column > _LAST_COLUMN or row > _LAST_ROW:
        raise _Unknown
    return column, row


def _rounded(arguments: list[list[Decimal | None]]) -> Decimal:
    """ROUND(number, digits): half away from zero, as Excel does."""
    if [len(argument) for argument in arguments] != [1, 1]:
        raise _Unknown
    number, digits = (argument[0] or Decimal(0) for argument in arguments)
    if abs(digits) > 15 or digits != int(digits):
        raise _Unknown
    step = Decimal(1).scaleb(-int(digits))
    return (number / step).quantize(Decimal(1), ROUND_HALF_UP) * step
