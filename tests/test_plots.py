"""What a reader of the pictures with axes notices: names, broken lines, what is missing, the description, the table."""

import csv
import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
from drawn import (
    A4,
    assert_letters_are_in_the_shipped_font,
    assert_no_text_is_cut_or_overlaps,
    assert_svg_is_clean_and_the_same_twice,
    assert_table_is_full,
    assert_text_can_be_read,
    dashed,
    height,
    lines,
    luminance,
    patches,
    words,
)
from matplotlib.path import Path as Shape

from danvan import paper, plots
from danvan.paper import FAINT, GREY, NAVY, Chart, ticks
from danvan.plots import Curve, Estimate, Filled, Moment, Paired, Panel, Place, Point, Slope, Tile, grids
from danvan.plots.places import Room, spread

pytestmark = pytest.mark.filterwarnings("error")

DISTRICTS = [
    *("Hồng Bàng", "Ngô Quyền", "Lê Chân", "Hải An", "Kiến An", "Đồ Sơn", "Dương Kinh", "Thủy Nguyên"),
    *("An Dương", "An Lão", "Kiến Thụy", "Tiên Lãng", "Vĩnh Bảo", "Cát Hải", "Bạch Long Vĩ"),
]
with (Path(__file__).parent.parent / "params" / "units.csv").open(encoding="utf-8") as file:
    COMMUNES = [row["name"] for row in csv.DictReader(file) if row["valid_from"] == "2025-07-01"]
LONG = "Công dân đã gọi tuyển thực hiện nghĩa vụ quân sự và nghĩa vụ tham gia Công an nhân dân"
MARK = "Số liệu từng đơn vị là số liệu minh họa."
BY_CHANCE = "không khác biệt rõ (trong mức dao động ngẫu nhiên)"
YEARS = ("2020", "2021", "2022", "2023", "2024", "2025")
BOUNDARY, METHOD = "địa giới thay đổi từ 01/7/2025", "đổi cách tính từ năm 2022"
NEW_CLASSES = [(10, "đến 10"), (20, "trên 10 đến 20"), (30, "trên 20 đến 30"), (math.inf, "trên 30")]


def vietnamese(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")


def estimate(value: float, half: float) -> Estimate:
    lower, upper = max(0.0, value - half), min(100.0, value + half)
    return Estimate(value, lower, upper, f"{vietnamese(value)}% ({vietnamese(lower)}-{vietnamese(upper)})")


def paired(names: list[str]) -> list[Paired]:
    """The first has one year, the last none; the others go up and down."""
    rows = []
    for number, name in enumerate(names):
        last, now = estimate(60 + number * 37 % 30, 2 + number % 7), estimate(62 + number * 23 % 33, 3 + number % 5)
        change = f"{now.value - last.value:+.1f}".replace(".", ",")
        rows.append(Paired(name, last, now, last.text, now.text, f"{change} điểm %"))
    rows[0] = replace(rows[0], last=None, last_text=BOUNDARY, change_text="")
    rows[-1] = Paired(names[-1], None, None, "chưa báo cáo", "không có mẫu số", "")
    return rows


Compared = TypeVar("Compared", Paired, Slope)


def by_chance(rows: list[Compared], every: int) -> list[Compared]:
    """All but the second of so many, which alone is clearly different."""
    return [replace(row, chance=i % every != 1) for i, row in enumerate(rows)]


def limits(label: str, deviations: float, sizes: list[float]) -> Curve:
    halves = [deviations * 100 * math.sqrt(0.85 * 0.15 / size) for size in sizes]
    return Curve(
        label,
        tuple((n, max(0.0, 85 - h), min(100.0, 85 + h)) for n, h in zip(sizes, halves, strict=True)),
    )


def funnel(names: list[str], low: float, high: float, spread: float, marked: str = "", title: str = "") -> Chart:
    """Units of growing size, scattered about 85 by a multiple of what chance would do."""
    sizes = [round(low * (high / low) ** (i / max(1, len(names) - 1))) for i in range(len(names))]
    points = []
    for number, (name, size) in enumerate(zip(names, sizes, strict=True)):
        away = math.sin(number * 2.4) * spread
        value = min(100.0, max(0.0, 85 + away * 100 * math.sqrt(0.85 * 0.15 / size)))
        side = "high" if away > 0 else "low"
        level = "0.001" if abs(away) > 3.09 else "0.025"
        place: Place = "inside" if abs(away) < 1.96 else f"{side}-{level}"  # type: ignore[assignment]
        points.append(Point(name, size, value, f"{vietnamese(value)}%", place, name == marked))
    return plots.funnel(points, grid(low, high), 85, AVERAGE, "Số đơn đã nhận", RATE, mark=MARK, title=title)


def grid(low: float, high: float) -> list[Curve]:
    sizes = [low * (high / low) ** (i / 60) for i in range(61)]
    return [limits("giới hạn 95%", 1.96, sizes), limits("giới hạn 99,8%", 3.09, sizes)]


AVERAGE, RATE = "Toàn thành phố: 85,0%", "Tỷ lệ đơn được giải quyết, %"
OWN = Point("Kiến An", 340, 84.1, "84,1%", "inside", mark=True)


def sloped(names: list[str], marked: str = "Kiến An") -> list[Slope]:
    """The last two cannot be compared."""
    rows = []
    for number, name in enumerate(names):
        last, now = 8 + number * 37 % 30, 9 + number * 53 % 31
        rows.append(Slope(name, last, now, vietnamese(last), vietnamese(now), name == marked))
    rows[-2] = replace(rows[-2], last=None, last_text="chưa báo cáo")
    rows[-1] = replace(rows[-1], now=None, now_text="không có mẫu số")
    return rows


def moments(*values: float | str, hollow: tuple[int, ...] = ()) -> tuple[Moment, ...]:
    """Numbers, or words for why there is none."""
    return tuple(
        Moment(year, None, value)
        if isinstance(value, str)
        else Moment(year, value, f"{value:,.0f}".replace(",", "."))
        if i not in hollow
        else Moment(year, value, f"{value:,.0f}".replace(",", "."), hollow=True)
        for i, (year, value) in enumerate(zip(YEARS, values, strict=True))
    )


TIPS = Panel(
    "Tin về an ninh trật tự do Nhân dân cung cấp",
    "tin",
    moments(3102, 3350, 4102, 4342, 4410, 5120, hollow=(0, 1)),
    {5: BOUNDARY},
)
CASES = Panel("Vụ án được phá", "vụ", moments("chưa có", "chưa có", 380, 412, 401, 433), {5: BOUNDARY})
SHARE = Panel(
    "Tỷ lệ tin có giá trị",
    "%",
    moments(88, "không có mẫu số", 90, 91, 92, 93),
    {2: METHOD, 5: BOUNDARY},
    (("Bình quân cả nước", (80.0, 82.5, 84.0, 86.0, None, None), "Báo cáo của Bộ Công an"),),
)
WARDS = "địa giới thành phố thay đổi từ 01/7/2025 (Nghị quyết 1669/NQ-UBTVQH15; Nghị quyết 202/2025/QH15)"
BROKEN = replace(TIPS, breaks={i: (WARDS, METHOD)[i % 2] for i in range(1, 6)})
WEAPONS = Panel("Súng, đạn giao nộp", "khẩu, viên", moments(120, 98, 1203, 201483, 530, 412), {5: BOUNDARY})


def two(panel: Panel, breaks: dict[int, str]) -> Panel:
    """The last two moments of a panel."""
    return replace(panel, moments=panel.moments[-2:], breaks=breaks)


NONE = Panel("Khen thưởng", "lượt", moments(*["chưa có"] * 6))


def filled(names: list[str], columns: int) -> list[Filled]:
    rows = []
    for number, name in enumerate(names):
        owed = 14
        given = [0, 5, 9, 13, 14, 14, 14, 14]
        counts = [given[(number * 3 + column * 5) % 8] for column in range(columns)]
        rows.append(Filled(name, tuple((count / owed, f"{count}/{owed}") for count in counts)))
    rows[-1] = Filled(names[-1], ((None, ""), *rows[-1].cells[1:]))
    return rows


PARTS = ["Tuyên truyền, vận động", "Phong trào", "Tin của Nhân dân", "Vũ khí, vật liệu nổ", "Đơn, thư", "Mô hình"]


def tiled(names: list[str], across: int) -> list[Tile]:
    rows = []
    for number, name in enumerate(names):
        value = 2 + number * 37 % 43
        rows.append(Tile(name, number // across, number % across, value, vietnamese(value), number == 4))
    rows[1] = replace(rows[1], value=None, text="không có mẫu số")
    return rows


LIMITED = "Tin có giá trị trên 10.000 dân"
PLOTS = {
    "estimates": plots.estimates(paired(DISTRICTS), "Năm 2024", "Năm 2025", RATE, mark=MARK, title="Tốt lên không?"),
    "estimates-long": plots.estimates(paired([LONG, "Đơn", "Tin", LONG]), "Sáu tháng 2024", "Sáu tháng 2025", "%"),
    "estimates-none": plots.estimates(paired(["Đơn"]), "2024", "2025", "%"),
    "estimates-chance": plots.estimates(by_chance(paired(DISTRICTS), 3), "Năm 2024", "Năm 2025", RATE),
    "estimates-114": plots.estimates(paired(COMMUNES), "Năm 2024", "Năm 2025", RATE, mark=MARK),
    "funnel": funnel(DISTRICTS, 150, 1900, 4, marked="Kiến An", title="Đơn vị nào khác hẳn?"),
    "funnel-114": funnel(COMMUNES, 5, 900, 2.6),
    "funnel-114-wide": funnel(COMMUNES, 1, 100_000, 9, marked="Nguyễn Bỉnh Khiêm"),
    "funnel-own": plots.funnel([OWN], grid(10, 2000), 85, AVERAGE, "Số đơn đã nhận", RATE),
    "funnel-bare": plots.funnel([OWN], [], 85, AVERAGE, "Số đơn đã nhận", RATE),
    "slopes": plots.slopes(sloped(DISTRICTS), "Năm 2024", "Năm 2025", LIMITED, mark=MARK, title="Ai tăng?"),
    "slopes-114": plots.slopes(sloped(COMMUNES, "Kẻ Sặt"), "Năm 2024", "Năm 2025", LIMITED, mark=MARK),
    "slopes-chance": plots.slopes(by_chance(sloped(DISTRICTS), 3), "Năm 2024", "Năm 2025", LIMITED),
    "slopes-114-chance": plots.slopes(by_chance(sloped(COMMUNES, ""), 5), "Năm 2024", "Năm 2025", LIMITED),
    "slopes-114-one-clear": plots.slopes(by_chance(sloped(COMMUNES, ""), 114), "2024", "2025", LIMITED),
    "slopes-114-none-clear": plots.slopes(by_chance(sloped(COMMUNES, ""), 114)[2:], "2024", "2025", LIMITED),
    "slopes-same": plots.slopes([Slope(name, 7, 7, "7", "7") for name in [*DISTRICTS, LONG]], "2024", "2025", "%"),
    "multiples": plots.small_multiples([TIPS, CASES, SHARE, WEAPONS, NONE], mark=MARK, title="Qua các năm"),
    "multiples-2": plots.small_multiples([TIPS, SHARE]),
    "multiples-broken": plots.small_multiples([BROKEN, CASES, NONE]),
    "multiples-none": plots.small_multiples([NONE]),
    "multiples-two-moments": plots.small_multiples([two(panel, {1: WARDS}) for panel in (TIPS, CASES, WEAPONS)]),
    "multiples-1": plots.small_multiples([WEAPONS]),
    "heat": plots.heat_map(filled(DISTRICTS, 6), PARTS, mark=MARK, title="Báo cáo đầy đủ đến đâu?"),
    "heat-114": plots.heat_map(filled(COMMUNES, 6), PARTS, mark=MARK),
    "heat-long": plots.heat_map(filled([LONG, "Cát Hải"], 2), [LONG, "Đơn, thư"]),
    "tiles": plots.tile_map(tiled(DISTRICTS, 4), NEW_CLASSES, LIMITED, mark=MARK, title="Ở đâu nhiều?"),
    "tiles-114": plots.tile_map(tiled(COMMUNES, 12), NEW_CLASSES, LIMITED, mark=MARK),
    "tiles-14-across": plots.tile_map(tiled(COMMUNES, 14), NEW_CLASSES, LIMITED, mark=MARK),
    "tiles-9-across": plots.tile_map(tiled(COMMUNES, 9), NEW_CLASSES, LIMITED, mark=MARK),
}


@pytest.fixture(params=PLOTS)
def chart(request: pytest.FixtureRequest) -> Chart:
    return PLOTS[request.param]


def texts(chart: Chart) -> list[str]:
    return [text.get_text() for text in lines(chart.figure)]


# --- every plot ---


def test_no_text_is_cut_and_no_two_overlap(chart: Chart) -> None:
    assert_no_text_is_cut_or_overlaps(chart)


def test_all_letters_are_in_the_shipped_font(chart: Chart) -> None:
    assert_letters_are_in_the_shipped_font(chart)


@pytest.mark.parametrize("name", PLOTS)
def test_text_is_dark_and_large_enough(name: str) -> None:
    assert_text_can_be_read(PLOTS[name], least=grids.TINY if name.startswith("tiles-") else 9)


def test_a_plot_fits_on_a_page(chart: Chart) -> None:
    assert chart.figure.get_size_inches()[0] == pytest.approx(6.3)
    assert height(chart) <= A4


def test_svg_is_small_clean_and_the_same_twice(chart: Chart) -> None:
    svg = assert_svg_is_clean_and_the_same_twice(chart)
    assert len(svg) < (110_000 if len(lines(chart.figure)) < 100 else 190_000)


def test_each_plot_has_a_table_of_texts_and_ends_with_its_mark(chart: Chart) -> None:
    assert_table_is_full(chart)
    assert chart.alt.endswith(".")
    if MARK in words(chart):
        assert words(chart).endswith(MARK)
        assert chart.alt.endswith(MARK)


def test_drawing_twice_gives_the_same_picture() -> None:
    assert paper.to_svg(funnel(COMMUNES, 5, 900, 2.6).figure, "a") == paper.to_svg(PLOTS["funnel-114"].figure, "a")


def test_dark_text_is_read_on_the_darkest_shade() -> None:
    for shade in (grids.SHADES[1], *(level[2] for level in grids._LEVELS)):
        assert (luminance(shade) + 0.05) / (luminance(paper.INK) + 0.05) >= 4.5


# --- intervals ---


def test_estimates_say_both_years_and_what_cannot_be_compared() -> None:
    text = words(PLOTS["estimates"])
    for row in paired(DISTRICTS)[1:-1]:
        assert {row.label, row.last_text, row.now_text} <= set(texts(PLOTS["estimates"]))
    assert text.count("không so sánh được") == 2
    assert {"địa giới thay đổi từ", "chưa báo cáo", "không có mẫu số"} <= set(texts(PLOTS["estimates"]))
    assert "Năm 2024 Năm 2025 khoảng tin cậy 95%" in text


def test_estimates_draw_only_what_is_known() -> None:
    last, now = (patches(PLOTS["estimates"], colour)[-1] for colour in (paper.GREY, NAVY))
    assert len(now.get_path().to_polygons(closed_only=False)) == 14 * 3  # a line and two ends
    assert len(last.get_path().to_polygons(closed_only=False)) == 13 * 3


def test_estimates_describe_themselves() -> None:
    rows = [
        Paired("Đơn", estimate(80, 3), estimate(85, 2), "80%", "85%", "+5 điểm %"),
        Paired("Tin", estimate(90, 1), estimate(88, 1), "90%", "88%", "-2 điểm %"),
        Paired("Vụ", None, estimate(88, 1), "chưa có", "88%", ""),
    ]
    chart = plots.estimates(rows, "Năm 2024", "Năm 2025", "Tỷ lệ")
    assert chart.alt == (
        "Biểu đồ so sánh năm 2025 với năm 2024, mỗi năm kèm khoảng tin cậy 95%, gồm 3 chỉ tiêu: tỷ lệ. "
        "Tăng nhiều nhất: Đơn: 80% (năm 2024), 85% (năm 2025), +5 điểm %. "
        "Giảm nhiều nhất: Tin: 90% (năm 2024), 88% (năm 2025), -2 điểm %. Không so sánh được: Vụ. "
        "Số liệu: Đơn: 80% (năm 2024), 85% (năm 2025), +5 điểm %; Tin: 90% (năm 2024), 88% (năm 2025), -2 điểm %; "
        "Vụ: chưa có (năm 2024), 88% (năm 2025), không so sánh được."
    )
    assert chart.table == (
        ("Tên", "Năm 2024", "Năm 2025", "Thay đổi"),
        ("Đơn", "80%", "85%", "+5 điểm %"),
        ("Tin", "90%", "88%", "-2 điểm %"),
        ("Vụ", "chưa có", "88%", "không so sánh được"),
    )


def test_estimates_call_no_difference_within_chance_a_rise_or_a_fall() -> None:
    rows = [
        Paired("Đơn", estimate(80, 3), estimate(85, 2), "80%", "85%", "≈ (+5 điểm %)", chance=True),
        Paired("Tin", estimate(90, 1), estimate(88, 1), "90%", "88%", "-2 điểm %"),
        Paired("Vụ", estimate(40, 9), estimate(30, 9), "40%", "30%", "≈ (-10 điểm %)", chance=True),
    ]
    chart = plots.estimates(rows, "Năm 2024", "Năm 2025", "Tỷ lệ")
    assert "Không chỉ tiêu nào tăng rõ. Giảm nhiều nhất: Tin: 90% " in chart.alt
    assert f"{BY_CHANCE.capitalize()}: 2 chỉ tiêu. Số liệu: Đơn: 80% (năm 2024), 85% (năm 2025), ≈ (+5" in chart.alt
    assert chart.table[1] == ("Đơn", "80%", "85%", "≈ (+5 điểm %)")
    assert words(chart).count(BY_CHANCE) == 1
    assert dashed(chart, GREY) == [1, 2]  # in the legend, in the picture
    clear = plots.estimates([replace(row, chance=False) for row in rows], "2024", "2025", "Tỷ lệ")
    assert "Tăng nhiều nhất: Đơn: 80% " in clear.alt
    assert "không khác biệt rõ" not in words(clear) + clear.alt
    assert not dashed(clear, GREY)


def test_114_estimates_name_every_unit_and_note_the_incomparable() -> None:
    chart = PLOTS["estimates-114"]
    assert set(COMMUNES) <= set(texts(chart))
    assert f"Không so sánh được: {COMMUNES[0]}, {COMMUNES[-1]}." in words(chart)
    row = paired(COMMUNES)[1]
    assert chart.table[2] == (row.label, row.last_text, row.now_text, row.change_text)


# --- the funnel plot ---


def outside(chart: Chart) -> set[str]:
    return {row[0] for row in chart.table[1:-1] if row[-1] != "trong giới hạn"}


def test_funnel_names_those_outside_and_the_marked_only() -> None:
    chart = PLOTS["funnel"]
    assert outside(chart)
    assert {text for text in texts(chart) if text in DISTRICTS} == outside(chart) - {"Kiến An"}
    assert any(text.startswith("Kiến An: ") for text in texts(chart))


def test_funnel_of_114_says_all_names_on_the_picture_or_below() -> None:
    for name in ("funnel-114", "funnel-114-wide"):
        chart = PLOTS[name]
        assert all(unit in words(chart) for unit in outside(chart))
    below = words(PLOTS["funnel-114-wide"]).partition("Không đủ chỗ ghi tên trên hình: ")[2]
    assert below
    assert "Nguyễn Bỉnh Khiêm" not in below


def test_funnel_legend_has_what_is_there() -> None:
    text = words(PLOTS["funnel-own"])
    assert "Kiến An: 84,1%" in text
    assert "trong giới hạn đơn vị được đánh dấu Toàn thành phố: 85,0% giới hạn 95% giới hạn 99,8%" in text
    assert "cao hơn" not in text


@pytest.mark.parametrize(("high", "scale"), [(1900, ""), (20_000, "thang căn bậc hai"), (10_000_000, "thang logarit")])
def test_funnel_chooses_a_scale_for_sizes_and_says_so(high: float, scale: str) -> None:
    text = words(funnel(DISTRICTS, 150, high, 1))
    assert f"Số đơn đã nhận ({scale})" * bool(scale) in text
    assert ("thang" in text) == bool(scale)


def test_units_at_the_same_place_are_counted() -> None:
    points = [Point(name, 5, 100, "100%", "inside") for name in DISTRICTS[:4]]
    points += [Point("Cát Hải", 50, 60, "60%", "low-0.001"), Point("Bạch Long Vĩ", 50, 60, "60%", "low-0.001")]
    chart = plots.funnel(points, grid(1, 100), 85, AVERAGE, "Số đơn", RATE)
    assert "×4" in texts(chart)
    assert "Chấm to: nhiều đơn vị ở cùng một chỗ, số đơn vị ghi sau dấu ×." in words(chart)
    assert "Cát Hải, Bạch Long Vĩ" in texts(chart)


def test_funnel_describes_itself_and_its_table_has_the_limits() -> None:
    points = [OWN, Point("Cát Hải", 100, 70, "70%", "low-0.001"), Point("An Lão", 200, 93, "93%", "high-0.025")]
    curve = Curve("giới hạn 95%", ((50, 75.1, 94.9), (100, 78.0, 92.0), (400, 81.5, 88.5)))
    left_out = "Không có mẫu số: Bạch Long Vĩ."
    chart = plots.funnel(points, [curve], 85, AVERAGE, "Số đơn đã nhận", RATE, left_out=left_out, mark=MARK)
    assert chart.alt == (
        "Biểu đồ phễu thống kê của 3 đơn vị: tỷ lệ đơn được giải quyết, % theo số đơn đã nhận. Toàn thành phố: 85,0%. "
        "Cao hơn giới hạn 95%: 1 đơn vị: An Lão (93%). Thấp hơn giới hạn 99,8%: 1 đơn vị: Cát Hải (70%). "
        f"Trong giới hạn: 1 đơn vị. Được đánh dấu: Kiến An: 84,1%, trong giới hạn. {left_out} {MARK}"
    )
    assert chart.table == (
        ("Đơn vị", "Số đơn đã nhận", RATE, "giới hạn 95%", "So với giới hạn"),
        ("Kiến An", "340", "84,1%", "80,8-89,2", "trong giới hạn"),
        ("Cát Hải", "100", "70%", "78-92", "thấp hơn giới hạn 99,8%"),
        ("An Lão", "200", "93%", "79,2-90,8", "cao hơn giới hạn 95%"),
        (AVERAGE, "", "", "", ""),
    )
    assert left_out in words(chart)


# --- slopes ---


def test_slopes_name_each_of_15_on_both_sides() -> None:
    chart = PLOTS["slopes"]
    assert all(texts(chart).count(name) == 2 for name in DISTRICTS[:-2])
    assert "Không so sánh được: Cát Hải (chưa báo cáo), Bạch Long Vĩ (không có mẫu số)." in words(chart)
    bold = {line.get_text() for line in lines(chart.figure) if line.get_fontweight() == "bold"}
    assert bold & set(DISTRICTS) == {"Kiến An"}


def test_slopes_of_114_name_the_marked_and_those_that_moved_most() -> None:
    named = {text for text in texts(PLOTS["slopes-114"]) if text in COMMUNES}
    rows = [row for row in sloped(COMMUNES) if row.last is not None and row.now is not None]
    moved = sorted(rows, key=lambda row: (row.now or 0) - (row.last or 0))
    assert 10 < len(named) < 14
    assert {"Kẻ Sặt", moved[0].label, moved[-1].label} <= named
    assert "các đơn vị tăng, giảm nhiều nhất, mỗi chiều không quá năm." in words(PLOTS["slopes-114"])


def test_slopes_describe_themselves() -> None:
    rows = [
        Slope("An Lão", 3, 5, "3,0", "5,0"),
        Slope("Hải An", 9, 4, "9,0", "4,0"),
        Slope("Đồ Sơn", 2, 2, "2,0", "2,0"),
        Slope("Cát Hải", None, None, "chưa báo cáo", "chưa báo cáo"),
    ]
    chart = plots.slopes(rows, "Năm 2024", "Năm 2025", "Vụ trên 10.000 dân")
    assert chart.alt == (
        "Biểu đồ đường dốc của 3 đơn vị, từ năm 2024 đến năm 2025: vụ trên 10.000 dân. "
        "Số đơn vị tăng: 1; giảm: 1; không đổi: 1. Tăng nhiều nhất: An Lão: 3,0 (năm 2024), 5,0 (năm 2025). "
        "Giảm nhiều nhất: Hải An: 9,0 (năm 2024), 4,0 (năm 2025). "
        "Số liệu: An Lão: 3,0 (năm 2024), 5,0 (năm 2025); Hải An: 9,0 (năm 2024), 4,0 (năm 2025); "
        "Đồ Sơn: 2,0 (năm 2024), 2,0 (năm 2025). Không so sánh được: Cát Hải (chưa báo cáo)."
    )
    assert [row[3] for row in chart.table] == ["Thay đổi", "tăng", "giảm", "không đổi", "không so sánh được"]
    assert words(chart).endswith("tăng giảm không đổi Không so sánh được: Cát Hải (chưa báo cáo).")


def test_slopes_call_no_difference_within_chance_a_rise_or_a_fall() -> None:
    rows = [
        Slope("An Lão", 3, 9, "3,0", "9,0", chance=True),
        Slope("Kiến An", 3, 5, "3,0", "5,0"),
        Slope("Hải An", 9, 4, "9,0", "4,0", chance=True),
        Slope("Cát Hải", None, 4, "chưa báo cáo", "4,0", chance=True),
    ]
    chart = plots.slopes(rows, "Năm 2024", "Năm 2025", "Vụ")
    assert f"Số đơn vị tăng: 1; giảm: 0; không đổi: 0; {BY_CHANCE}: 2. Tăng nhiều nhất: Kiến An: " in chart.alt
    assert "Giảm nhiều nhất" not in chart.alt
    assert [row[3] for row in chart.table[1:]] == [
        *("không khác biệt rõ", "tăng", "không khác biệt rõ", "không so sánh được"),
    ]
    legend = words(chart).partition("Không so sánh được")[0]
    assert legend.endswith("tăng không khác biệt rõ ")
    assert patches(chart, FAINT)[0].get_linewidth() < 1


def test_slopes_of_114_name_clear_differences_and_the_ends_of_the_scale() -> None:
    chart = PLOTS["slopes-114-chance"]
    clear = {row[0] for row in chart.table if row[3] in ("tăng", "giảm")}
    named = {text for text in texts(chart) if text in COMMUNES}
    assert len(named & clear) >= 10
    assert len(named - clear) <= 2  # the highest and the lowest, which give the scale
    assert COMMUNES[1] in texts(PLOTS["slopes-114-one-clear"])
    assert len({text for text in texts(PLOTS["slopes-114-none-clear"]) if text in COMMUNES}) == 2
    assert "Số đơn vị tăng: 0; giảm: 0; không đổi: 0; không khác biệt rõ" in PLOTS["slopes-114-none-clear"].alt


# --- small multiples ---


def series(chart: Chart) -> list[list[int]]:
    """How many points each unbroken piece of the line has, panel by panel."""
    found = []
    for patch in patches(chart, NAVY):
        if patch.get_linewidth() == 1.5:
            starts = [i for i, code in enumerate(patch.get_path().codes) if code == Shape.MOVETO]
            ends = [*starts[1:], len(patch.get_path().codes)]
            found.append([end - start for start, end in zip(starts, ends, strict=True)])
    return found


def test_a_line_is_broken_at_a_break_and_where_a_value_is_missing() -> None:
    assert series(plots.small_multiples([replace(TIPS, breaks={})])) == [[6]]
    assert series(plots.small_multiples([TIPS])) == [[5]]  # the sixth stands alone, a dot
    assert series(plots.small_multiples([replace(TIPS, breaks={3: BOUNDARY})])) == [[3, 3]]
    assert series(plots.small_multiples([CASES])) == [[3]]
    assert series(PLOTS["multiples"]) == [[5], [3], [3], [5]]


def test_a_line_may_be_broken_everywhere_or_have_no_value_at_all() -> None:
    chart = PLOTS["multiples-broken"]
    assert series(chart) == [[3]]  # of the panel with the reports of four years; the other has dots alone
    assert {"3.102", "5.120"} <= set(texts(chart))
    assert all(f"Đường bị ngắt giữa {one} và {other}: " in chart.alt for one, other in pairwise(YEARS))
    assert not series(PLOTS["multiples-none"])
    assert texts(PLOTS["multiples-none"]).count("chưa có") == 1


def test_two_moments_make_a_panel() -> None:
    assert not series(PLOTS["multiples-two-moments"])
    assert {"4.410", "5.120", "401", "433"} <= set(texts(PLOTS["multiples-two-moments"]))
    assert series(plots.small_multiples([two(TIPS, {})])) == [[2]]


def test_a_long_reason_stands_whole_in_lines_of_the_legend() -> None:
    reason = f"{WARDS}; {METHOD}"
    chart = plots.small_multiples([replace(TIPS, breaks={5: reason})])
    assert f"ngắt: {reason}" in words(chart)
    assert f"ngắt: {reason}" not in texts(chart)
    assert_no_text_is_cut_or_overlaps(chart)


def test_the_reason_of_a_break_stands_once_and_its_letter_in_each_panel() -> None:
    chart = PLOTS["multiples"]
    assert texts(chart).count(f"ngắt: {BOUNDARY}") == 1
    assert texts(chart).count("a") == 4 + 1
    assert texts(chart).count("b") == 1 + 1
    assert f"Đường bị ngắt giữa 2024 và 2025: {BOUNDARY}." in chart.alt
    assert chart.table[3][-1] == f"trước 2022: {METHOD}; trước 2025: {BOUNDARY}"


def test_values_stand_at_the_ends_and_beside_breaks() -> None:
    assert {"3.102", "4.410", "5.120"} <= set(texts(PLOTS["multiples-2"]))
    assert "4.102" not in texts(PLOTS["multiples-2"])
    assert {"120", "412"} <= set(texts(PLOTS["multiples-1"]))


def test_gaps_say_why() -> None:
    assert texts(PLOTS["multiples"]).count("chưa có") == 2
    assert "không có mẫu số" in words(PLOTS["multiples"])


def test_hollow_dots_and_context_are_explained() -> None:
    chart = PLOTS["multiples-2"]
    assert "số liệu minh họa hoặc chưa đủ kỳ" in words(chart)
    assert "Bình quân cả nước (nguồn: Báo cáo của Bộ Công an)" in words(chart)
    assert "2020: 3.102 (minh họa hoặc chưa đủ kỳ); 2021: 3.350 (minh họa hoặc chưa đủ kỳ); 2022: 4.102" in chart.alt
    assert "Để đối chiếu: Bình quân cả nước (nguồn: Báo cáo của Bộ Công an): 2020: 80; 2021: 82,5;" in chart.alt
    assert chart.table[-1] == (
        "Đối chiếu: Bình quân cả nước (nguồn: Báo cáo của Bộ Công an)",
        *("%", "80", "82,5", "84", "86", "", "", ""),
    )
    assert "minh họa" not in words(plots.small_multiples([WEAPONS]))


def test_panels_have_the_same_years_below() -> None:
    assert texts(PLOTS["multiples-2"]).count("2025") == 2
    halves = replace(TIPS, moments=tuple(replace(m, label=f"6 tháng {m.label}") for m in TIPS.moments))
    assert words(plots.small_multiples([halves, halves])).count("6 tháng 2025") == 2


# --- heat map ---


def test_heat_map_has_counts_where_they_have_room() -> None:
    assert "14/14" in texts(PLOTS["heat"])
    bold = {line.get_text() for line in lines(PLOTS["heat"].figure) if line.get_fontweight() == "bold"}
    assert {"0/14", "5/14", "9/14", "13/14"} <= bold
    assert "14/14" not in bold
    assert "14/14" not in texts(PLOTS["heat-114"])
    assert set(COMMUNES) <= set(texts(PLOTS["heat-114"]))


def test_heat_map_numbers_columns_whose_names_have_no_room() -> None:
    assert "1: Tuyên truyền, vận động; 2: Phong trào" in words(PLOTS["heat-114"])
    assert "1:" not in words(PLOTS["heat"])


def test_heat_map_describes_itself() -> None:
    rows = [
        Filled("An Lão", ((1, "14/14"), (0, "0/3"))),
        Filled("Hải An", ((12 / 14, "12/14"), (None, ""))),
    ]
    chart = plots.heat_map(rows, ["Tin", "Đơn"])
    assert chart.alt == (
        "Bảng mức độ đầy đủ của 2 đơn vị theo 2 phần. Tin: 1/2 đơn vị đủ; chưa đủ: Hải An (12/14). "
        "Đơn: 0/1 đơn vị đủ; chưa đủ: An Lão (0/3)."
    )
    assert chart.table == (
        ("Đơn vị", "Tin", "Đơn"),
        ("An Lão", "14/14", "0/3"),
        ("Hải An", "12/14", "không phải báo cáo"),
    )
    assert words(chart).endswith("đủ từ 80% đến dưới 100% chưa có ô nào không phải báo cáo")


# --- tile map ---


def test_tiles_have_name_and_value_and_say_that_they_are_no_map() -> None:
    chart = PLOTS["tiles"]
    assert set(DISTRICTS) <= set(texts(chart))
    assert all(tile.text in words(chart) for tile in tiled(DISTRICTS, 4))
    note = "Sơ đồ ô: mỗi ô một đơn vị, vị trí gần đúng, không phải bản đồ địa giới."
    assert note in words(chart)
    assert note in chart.alt
    assert "không có số liệu" in texts(chart)


def test_names_are_shortened_only_where_they_do_not_fit() -> None:
    narrow, wide = words(PLOTS["tiles-14-across"]), words(PLOTS["tiles-9-across"])
    assert "N. L. Bằng" in narrow or "N. Lương Bằng" in narrow
    assert "Nguyễn Lương Bằng" in wide
    assert "Không đủ chỗ" not in narrow
    assert [row[0] for row in PLOTS["tiles-14-across"].table[1:]] == COMMUNES


def test_tiles_describe_themselves() -> None:
    tiles = [
        Tile("An Lão", 0, 0, 10, "10,0"),
        Tile("Hải An", 0, 1, 30.5, "30,5"),
        Tile("Cát Hải", 3, 4, None, "chưa báo cáo"),
    ]
    chart = plots.tile_map(tiles, NEW_CLASSES, "Tin")
    assert chart.alt == (
        "Sơ đồ ô của 3 đơn vị: tin. đến 10: 1 đơn vị; trên 10 đến 20: 0 đơn vị; trên 20 đến 30: 0 đơn vị; "
        "trên 30: 1 đơn vị; không có số liệu: 1 đơn vị. Cao nhất: Hải An với 30,5. Thấp nhất: An Lão với 10,0. "
        "Số liệu: An Lão: 10,0; Hải An: 30,5; Cát Hải: chưa báo cáo. "
        "Sơ đồ ô: mỗi ô một đơn vị, vị trí gần đúng, không phải bản đồ địa giới."
    )
    assert chart.table == (
        ("Đơn vị", "Tin", "Nhóm"),
        ("An Lão", "10,0", "đến 10"),
        ("Hải An", "30,5", "trên 30"),
        ("Cát Hải", "chưa báo cáo", "không có số liệu"),
    )


def test_a_value_without_room_is_said_below() -> None:
    tiles = [Tile(f"Xã {i}", 0, i, 1, "1.234.567.890 tin" if i == 0 else "1") for i in range(14)]
    assert "Không đủ chỗ ghi hết trong ô: Xã 0: 1.234.567.890 tin." in words(plots.tile_map(tiles, [(9, "ít")], "Tin"))


# --- the sheet ---


def test_ticks_are_round_and_two_at_least() -> None:
    assert ticks(0, 100) == [0, 20, 40, 60, 80, 100]
    assert ticks(57, 98, most=2) == [60, 80]
    assert ticks(0.31, 0.42) == [0.32, 0.34, 0.36, 0.38, 0.4, 0.42]


def test_words_spread_keep_their_order_and_stay_between() -> None:
    places = spread([50, 50, 50, 98], [10, 10, 10, 10], 0, 100)
    assert places == [40, 50, 60, 95]
    assert spread([0, 0, 0], [10, 20, 10], 0, 100) == [5, 20, 35]


def test_a_room_gives_no_place_twice() -> None:
    room = Room(0, 0, 60, 14)
    assert room.place("An Lão", 5, 7, 3, 3)
    assert room.place("An Lão", 5, 7, 3, 3) is None


# --- mistakes ---


def test_mistakes_are_refused_in_plain_words() -> None:
    empty = "biểu đồ không có dữ liệu"
    for draw in (
        lambda: plots.estimates([], "2024", "2025", "%"),
        lambda: plots.funnel([], [], 85, AVERAGE, "Số", "%"),
        lambda: plots.slopes([], "2024", "2025", "%"),
        lambda: plots.small_multiples([]),
        lambda: plots.heat_map([], ["Tin"]),
        lambda: plots.tile_map([], NEW_CLASSES, "%"),
    ):
        with pytest.raises(ValueError, match=f"^{empty}$"):
            draw()


def funnel_of(point: Point, *curves: Curve) -> Chart:
    return plots.funnel([point], curves, 85, AVERAGE, "Số", "%")


@pytest.mark.parametrize(
    ("said", "draw"),
    [
        (
            "giá trị phải nằm trong khoảng tin cậy của nó",
            lambda: plots.estimates([Paired("A", Estimate(9, 1, 2, ""), None, "", "", "")], "2024", "2025", "%"),
        ),
        ("cỡ của đơn vị trong biểu đồ phễu phải lớn hơn 0", lambda: funnel_of(replace(OWN, size=0))),
        (
            "số trong biểu đồ phải là số hữu hạn; dùng None khi không có số liệu",
            lambda: funnel_of(replace(OWN, value=math.nan)),
        ),
        (
            "vị trí so với giới hạn phải là một trong: high-0.001, high-0.025, low-0.001, low-0.025, inside",
            lambda: funnel_of(replace(OWN, place="above")),  # type: ignore[arg-type]
        ),
        (
            "đường giới hạn phải theo thứ tự cỡ tăng dần, cận dưới không lớn hơn cận trên",
            lambda: funnel_of(OWN, Curve("95%", ((9, 1, 2), (3, 1, 2)))),
        ),
        ("biểu đồ không có đơn vị nào so sánh được", lambda: plots.slopes(sloped(DISTRICTS)[-2:], "2024", "2025", "%")),
        (
            "mọi ô của biểu đồ phải có cùng các thời điểm",
            lambda: plots.small_multiples([TIPS, replace(CASES, moments=CASES.moments[1:], breaks={})]),
        ),
        (
            "chỗ ngắt của “Vụ án được phá” phải đứng trước một thời điểm từ thứ hai trở đi",
            lambda: plots.small_multiples([replace(CASES, breaks={0: METHOD})]),
        ),
        (
            "mỗi đơn vị cần 2 ô, tỷ lệ từ 0 đến 1",
            lambda: plots.heat_map([Filled("A", ((1.2, ""), (1, "")))], ["Tin", "Đơn"]),
        ),
        (
            "ngưỡng của các nhóm phải tăng dần",
            lambda: plots.tile_map([Tile("A", 0, 0, 1, "1")], [(9, ""), (9, "")], "%"),
        ),
        (
            "có số liệu lớn hơn ngưỡng cuối cùng của các nhóm",
            lambda: plots.tile_map([Tile("A", 0, 0, 10, "10")], [(9, "")], "%"),
        ),
        (
            "hai đơn vị ở cùng một ô của sơ đồ",
            lambda: plots.tile_map([Tile("A", 0, 0, 1, "1"), Tile("B", 0, 0, 1, "1")], NEW_CLASSES, "%"),
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(said: str, draw: Callable[[], Chart]) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        draw()
