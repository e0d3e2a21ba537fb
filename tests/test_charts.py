"""What a reader of the pictures notices: the words, their places, the order, the description, the files."""

import io
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
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
    ids,
    lines,
    words,
)
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.text import Text

from danvan import charts, paper
from danvan.charts import Bar, Pair, State, Step
from danvan.paper import Chart

pytestmark = pytest.mark.filterwarnings("error")

DISTRICTS = [
    *("Hồng Bàng", "Ngô Quyền", "Lê Chân", "Hải An", "Kiến An", "Đồ Sơn", "Dương Kinh", "Thủy Nguyên"),
    *("An Dương", "An Lão", "Kiến Thụy", "Tiên Lãng", "Vĩnh Bảo", "Cát Hải", "Bạch Long Vĩ"),
]
COMMUNES = [f"{kind} {name}" for kind in ("Phường", "Xã", "Đặc khu") for name in [*DISTRICTS, "Nguyễn Đại Năng"] * 3][
    :114
]
LONG = "Công dân đã gọi tuyển thực hiện nghĩa vụ quân sự và nghĩa vụ tham gia Công an nhân dân"
MARK = "Số liệu từng đơn vị là số liệu minh họa; chỉ số liệu toàn thành phố đã được công bố trong báo cáo năm 2023."
QUESTIONS = [
    "Ký kế hoạch phối hợp với công an",
    "Tổng kết và phát động phong trào",
    "Ngày hội toàn dân bảo vệ an ninh Tổ quốc",
]
CITY = Bar("Toàn thành phố", 21.4, "21,4")

PAIRS = [
    Pair("Tin về an ninh trật tự do Nhân dân cung cấp", 4102, 4342, "4.102 tin", "4.342 tin", "+5,9%"),
    Pair("Đạn giao nộp", 1203, 201483, "1.203 viên", "201.483 viên", "gấp 167,5 lần"),
    Pair(LONG, None, 280, "chưa báo cáo", "280 công dân", ""),
    Pair("Pháo giao nộp", 812.5, 442.37, "812,50 kg", "442,37 kg", "-45,6%"),
    Pair("Đơn tiếp nhận", 1187, 1187, "1.187 đơn", "1.187 đơn", "không đổi"),
]
CHANCE = [
    PAIRS[0],
    Pair("Vụ án được phá", 40, 52, "40 vụ", "52 vụ", "≈ (+30,0%)", chance=True),
    Pair("Vụ việc mâu thuẫn", 9, 5, "09 vụ", "05 vụ", "≈ (−4)", chance=True),
]
BY_CHANCE = "không khác biệt rõ (trong mức dao động ngẫu nhiên)"
TIPS = [
    Step("Tin về an ninh trật tự nhận được", 4342, "4.342", ""),
    Step("Tin có giá trị", 3965, "3.965", "91,3% số tin nhận được"),
    Step(
        "Vụ án được phá nhờ tin của Nhân dân, kể cả các vụ từ năm trước chuyển sang",
        412,
        "412",
        "10,4% số tin có giá trị",
    ),
]
MODELS = [
    Bar("Quốc phòng - an ninh", 371, "371 (18,1%)", mark=True),
    Bar("Chỉnh trang, hiện đại hóa đô thị", 299, "299 (14,6%)"),
    Bar("Lĩnh vực khác", 1381, "1.381 (67,3%)"),
]
START, END = Bar("Mô hình duy trì cuối năm 2022", 533, "533"), Bar("Mô hình duy trì cuối năm 2023", 628, "628")
NEW, REMOVED = [Bar("Mô hình xây dựng mới", 98, "98")], [Bar("Mô hình thanh loại", 3, "3")]


def districts(names: list[str]) -> list[Bar]:
    """A value a unit, but the second to last has not reported and the last has nothing to report."""
    values = [7 + (number * 37) % 50 for number in range(len(names))]
    given = [Bar(name, value, f"{value},0") for name, value in zip(names, values, strict=True)]
    missing = Bar(names[-2], None, "chưa báo cáo")
    return [*given[:-2], missing, Bar(names[-1], None, "không áp dụng")]


def answers(names: list[str], questions: int) -> list[State]:
    rows = [State(name, ("yes",) * questions) for name in names]
    rows[-1] = State(names[-1], ("no", *("not_applicable",) * (questions - 1)))
    rows[-2] = State(names[-2], ("yes", *("missing",) * (questions - 1)))
    return rows


CHARTS = {
    "dumbbell": charts.dumbbell(PAIRS, "Năm 2022", "Năm 2023", mark=MARK, title="Năm 2023 so với năm 2022 thế nào?"),
    "dumbbell-chance": charts.dumbbell(CHANCE, "Năm 2022", "Năm 2023", mark=MARK),
    "dumbbell-all-missing": charts.dumbbell(PAIRS[2:3], "2022", "2023"),
    "steps": charts.steps(TIPS, mark=MARK, title="Bao nhiêu tin giúp phá án?"),
    "matrix": charts.matrix(answers(DISTRICTS, 3), QUESTIONS, "Ô trống: chưa gửi báo cáo.", mark=MARK),
    "matrix-1": charts.matrix(answers(DISTRICTS, 1), QUESTIONS[:1]),
    "matrix-7": charts.matrix(answers(DISTRICTS, 7), [*QUESTIONS, *QUESTIONS, QUESTIONS[0]]),
    "matrix-114": charts.matrix(answers(COMMUNES, 2), QUESTIONS[:2], mark=MARK),
    "matrix-114-3": charts.matrix(answers(COMMUNES, 3), QUESTIONS, mark=MARK),
    "composition": charts.composition(MODELS, "2.051 mô hình đã đăng ký", title="Mô hình thuộc lĩnh vực nào?"),
    "composition-missing": charts.composition([*MODELS, Bar(LONG, None, "chưa báo cáo")], "2.051 mô hình"),
    "stock": charts.stock_flow(START, NEW, REMOVED, END, "Số liệu của Công an thành phố.", mark=MARK),
    "stock-gap": charts.stock_flow(replace(START, value=5533, text="5.533"), NEW, REMOVED, END),
    "stock-unknown": charts.stock_flow(Bar(START.label, None, "chưa báo cáo"), NEW, REMOVED, END),
    "bars": charts.bars(districts(DISTRICTS), CITY, "Tin có giá trị trên 10.000 dân", False, mark=MARK),
    "bars-114": charts.bars(
        districts(COMMUNES), CITY, "Tin có giá trị trên 10.000 dân", True, mark=MARK, title="Ở đâu?"
    ),
    "bars-no-city": charts.bars(districts(DISTRICTS)[-3:], None, "Tin", True),
    "bars-long": charts.bars(
        [Bar(LONG, 1, "1.000.000 công dân"), Bar(LONG, 9, "9.000.000 công dân")], CITY, LONG, False
    ),
    "bars-zero": charts.bars(
        [Bar("An Lão", 0, "0"), Bar("An Dương", 0, "0")], Bar("Toàn thành phố", 0, "0"), "Vụ", False
    ),
}


@pytest.fixture(params=CHARTS)
def chart(request: pytest.FixtureRequest) -> Chart:
    return CHARTS[request.param]


# --- the picture ---


def test_no_text_is_cut_and_no_two_overlap(chart: Chart) -> None:
    assert_no_text_is_cut_or_overlaps(chart)


def test_figures_are_as_wide_as_the_text_of_an_a4_page(chart: Chart) -> None:
    assert chart.figure.get_size_inches()[0] == pytest.approx(6.3)
    assert 12 < height(chart) < 760


@pytest.mark.parametrize("name", ["bars-114", "matrix-114"])
def test_114_communes_fit_on_one_page(name: str) -> None:
    assert height(CHARTS[name]) <= A4


def test_all_letters_are_in_the_shipped_font(chart: Chart) -> None:
    assert_letters_are_in_the_shipped_font(chart)


def test_text_is_dark_enough_to_read(chart: Chart) -> None:
    assert_text_can_be_read(chart)


def test_the_picture_says_itself_what_is_illustrative() -> None:
    assert words(CHARTS["bars"]).endswith(MARK)
    assert CHARTS["bars"].alt.endswith(MARK)


def test_a_title_is_drawn_only_when_given() -> None:
    assert words(CHARTS["steps"]).startswith("Bao nhiêu tin giúp phá án?")
    assert "Bao nhiêu" not in CHARTS["steps"].alt
    assert words(charts.steps(TIPS)).startswith("Tin về an ninh")


def test_a_chart_looks_the_same_whatever_the_notebook_has_set() -> None:
    with rc_context({"font.size": 30, "font.family": "monospace", "figure.facecolor": "black", "lines.linewidth": 9}):
        other = charts.steps(TIPS)
        assert paper.to_svg(other.figure, "a") == paper.to_svg(charts.steps(TIPS).figure, "a")
        assert matplotlib.rcParams["font.size"] == 30
    assert paper.to_svg(other.figure, "a") == paper.to_svg(charts.steps(TIPS).figure, "a")


def test_text_is_written_composed_and_never_read_as_a_formula() -> None:
    name = unicodedata.normalize("NFD", "Kiến Thụy")
    chart = charts.bars([Bar(name, 1, "$1$"), Bar("An Lão", 2, "$2$")], None, "đồng", False)
    assert {"Kiến Thụy", "$1$"} <= {text.get_text() for text in lines(chart.figure)}
    assert "Kiến Thụy: $1$" in chart.alt


def test_importing_and_drawing_needs_no_display_and_no_pyplot() -> None:
    code = (
        "import sys; from danvan import charts, paper;"
        "c = charts.bars([charts.Bar('An Lão', 1, '1')], None, 'tin', False); paper.to_svg(c.figure, 'a');"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


# --- bars ---


def labels_down(chart: Chart, names: list[str]) -> list[str]:
    """Names from top to bottom, the left column of the picture first."""
    half = chart.figure.get_size_inches()[0] * 36
    found = [(text.get_position()[0] > half, text.get_position()[1], text.get_text()) for text in lines(chart.figure)]
    return [text for _, _, text in sorted(found) if text in names]


def test_bars_keep_the_official_order() -> None:
    assert labels_down(CHARTS["bars"], DISTRICTS) == DISTRICTS


def test_bars_by_value_put_the_largest_first_and_gaps_last() -> None:
    rows = [
        Bar("Hồng Bàng", None, "chưa báo cáo"),
        Bar("Lê Chân", 3, "3"),
        Bar("Hải An", 0, "0"),
        Bar("Kiến An", 12, "12"),
    ]
    chart = charts.bars(rows, None, "tin", True)
    assert labels_down(chart, DISTRICTS) == ["Kiến An", "Lê Chân", "Hải An", "Hồng Bàng"]


def test_114_bars_are_all_there_with_the_city_above_both_columns() -> None:
    texts = [text.get_text() for text in lines(CHARTS["bars-114"].figure)]
    assert sorted(text for text in texts if text in COMMUNES) == sorted(COMMUNES)
    assert texts.count("Toàn thành phố: 21,4") == 2


def test_a_bar_without_value_says_why_and_has_no_length() -> None:
    chart = CHARTS["bars"]
    assert "chưa báo cáo" in words(chart)
    assert "không áp dụng" in words(chart)
    colour = matplotlib.colors.to_rgba(paper.BLUE)
    blue = next(patch for patch in chart.figure.findobj(PathPatch) if patch.get_facecolor() == colour)
    assert len(blue.get_path().to_polygons()) == 13


def test_bars_describe_themselves() -> None:
    assert CHARTS["bars"].alt == (
        "Biểu đồ thanh ngang của 15 đơn vị: tin có giá trị trên 10.000 dân. Toàn thành phố: 21,4. "
        "Số đơn vị cao hơn toàn thành phố: 9; thấp hơn: 4. Cao nhất: Kiến An với 55,0. Thấp nhất: Hồng Bàng với 7,0. "
        f"Chưa báo cáo: Cát Hải. Không áp dụng: Bạch Long Vĩ. {MARK}"
    )


def test_few_bars_are_described_with_all_values_and_ties_named_together() -> None:
    rows = [
        Bar("Lê Chân", 3, "03"),
        Bar("Hải An", 3, "03"),
        Bar("Kiến An", 12, "12"),
        Bar("Đồ Sơn", None, "chưa báo cáo"),
    ]
    assert charts.bars(rows, None, "Vụ", False).alt == (
        "Biểu đồ thanh ngang của 4 đơn vị: vụ. Cao nhất: Kiến An với 12. Thấp nhất: Lê Chân và Hải An với 03. "
        "Số liệu: Lê Chân: 03; Hải An: 03; Kiến An: 12; Đồ Sơn: chưa báo cáo."
    )


# --- the other charts ---


def test_dumbbell_gives_real_values_and_names_the_base_of_its_index() -> None:
    text = words(CHARTS["dumbbell"])
    assert "Năm 2022 Năm 2023 Thay đổi" in text
    assert "4.102 tin 4.342 tin +5,9%" in text
    assert "Chỉ số (năm 2022 = 100)" in text
    assert "Hình tam giác ở mép phải: chỉ số lớn hơn 200" in text
    assert text.count("không so sánh được") == 1


def test_dumbbell_describes_itself() -> None:
    assert charts.dumbbell(PAIRS[1:4], "Năm 2022", "Năm 2023").alt == (
        "Biểu đồ so sánh năm 2023 với năm 2022 của 3 chỉ tiêu, lấy năm 2022 là 100. "
        "Tăng nhiều nhất: Đạn giao nộp: 1.203 viên (năm 2022), 201.483 viên (năm 2023), gấp 167,5 lần. "
        "Giảm nhiều nhất: Pháo giao nộp: 812,50 kg (năm 2022), 442,37 kg (năm 2023), -45,6%. "
        f"Không so sánh được: {LONG}. "
        "Số liệu: Đạn giao nộp: 1.203 viên (năm 2022), 201.483 viên (năm 2023), gấp 167,5 lần; "
        f"{LONG}: chưa báo cáo (năm 2022), 280 công dân (năm 2023); "
        "Pháo giao nộp: 812,50 kg (năm 2022), 442,37 kg (năm 2023), -45,6%. "
        "Hình tam giác ở mép phải: chỉ số lớn hơn 200."
    )


def test_dumbbell_compares_nothing_with_zero() -> None:
    chart = charts.dumbbell([Pair("Vụ án", 0, 5, "0 vụ", "05 vụ", "tăng 05 vụ")], "2022", "2023")
    assert "không so sánh được" in words(chart)
    assert "Không so sánh được: Vụ án." in chart.alt
    assert "Tăng nhiều nhất" not in chart.alt
    assert "Không chỉ tiêu nào" not in chart.alt


def test_dumbbell_calls_no_difference_within_chance_a_rise_or_a_fall() -> None:
    chart = CHARTS["dumbbell-chance"]
    assert "Tăng nhiều nhất: Tin về an ninh trật tự do Nhân dân cung cấp: 4.102 tin" in chart.alt
    assert f"Không chỉ tiêu nào giảm rõ. {BY_CHANCE.capitalize()}: 2 chỉ tiêu." in chart.alt
    assert chart.table[2] == ("Vụ án được phá", "40 vụ", "52 vụ", "≈ (+30,0%)")
    assert words(chart).count(BY_CHANCE) == 1
    assert dashed(chart, paper.GREY) == [2, 1]  # in the picture, in the legend
    assert not dashed(CHARTS["dumbbell"], paper.GREY)
    assert "không khác biệt rõ" not in words(CHARTS["dumbbell"]) + CHARTS["dumbbell"].alt


def test_dumbbell_says_when_nothing_clearly_moved() -> None:
    alt = charts.dumbbell(CHANCE[1:], "Năm 2022", "Năm 2023").alt
    assert f"Không chỉ tiêu nào tăng rõ. Không chỉ tiêu nào giảm rõ. {BY_CHANCE.capitalize()}: 2 chỉ tiêu." in alt
    same = Pair("Đơn", 9, 9, "09", "09", "0")
    assert "Không chỉ tiêu nào tăng. Không chỉ tiêu nào giảm." in charts.dumbbell([same], "2022", "2023").alt


def test_steps_describe_themselves() -> None:
    assert charts.steps([replace(step, label=step.label.split(" của ")[0]) for step in TIPS]).alt == (
        "Biểu đồ bậc gồm 3 bước. Tin về an ninh trật tự nhận được: 4.342; "
        "Tin có giá trị: 3.965 (91,3% số tin nhận được); Vụ án được phá nhờ tin: 412 (10,4% số tin có giá trị). "
        "Giảm mạnh nhất là từ “Tin có giá trị” xuống “Vụ án được phá nhờ tin”."
    )


def test_matrix_counts_those_who_answered_and_names_who_said_no() -> None:
    text = words(CHARTS["matrix"])
    assert "14/15" in text
    assert "13/13" in text
    assert "không (Ký kế hoạch phối hợp với công an: Bạch Long Vĩ)" in text
    bold = {line.get_text() for line in lines(CHARTS["matrix"].figure) if line.get_fontweight() == "bold"}
    assert bold & set(DISTRICTS) == {"Bạch Long Vĩ"}
    assert text.index("chưa báo cáo không áp dụng") < text.index("Ô trống: chưa gửi báo cáo.")


def test_matrix_describes_itself() -> None:
    assert charts.matrix(answers(DISTRICTS, 2), QUESTIONS[:2]).alt == (
        "Bảng đánh dấu có hoặc không của 15 đơn vị theo 2 nội dung. "
        "Ký kế hoạch phối hợp với công an: 14/15 đơn vị có; không: Bạch Long Vĩ. "
        "Tổng kết và phát động phong trào: 13/13 đơn vị có; chưa báo cáo: Cát Hải; không áp dụng: Bạch Long Vĩ."
    )


def test_matrix_describes_many_by_the_first_names() -> None:
    alt = charts.matrix([State(name, ("missing",)) for name in DISTRICTS], QUESTIONS[:1]).alt
    assert "0/0 đơn vị có; chưa báo cáo: Hồng Bàng, Ngô Quyền" in alt
    assert "Thủy Nguyên và 7 đơn vị khác." in alt


def test_composition_describes_itself() -> None:
    assert charts.composition(MODELS, "2.051 mô hình").alt == (
        "Biểu đồ cơ cấu, 3 phần của tổng số 2.051 mô hình. Phần lớn nhất: Lĩnh vực khác với 1.381 (67,3%). "
        "Phần nhỏ nhất: Chỉnh trang, hiện đại hóa đô thị với 299 (14,6%). "
        "Số liệu: Quốc phòng - an ninh: 371 (18,1%); Chỉnh trang, hiện đại hóa đô thị: 299 (14,6%); "
        "Lĩnh vực khác: 1.381 (67,3%)."
    )


def test_stock_flow_that_adds_up() -> None:
    assert "chênh lệch" not in words(CHARTS["stock"])
    assert "+98" in words(CHARTS["stock"])
    assert "-3" in words(CHARTS["stock"])
    assert charts.stock_flow(START, NEW, REMOVED, END).alt == (
        "Biểu đồ thác nước từ đầu kỳ đến cuối kỳ. Mô hình duy trì cuối năm 2022: 533. "
        "Cộng thêm Mô hình xây dựng mới: 98. Trừ đi Mô hình thanh loại: 3. Mô hình duy trì cuối năm 2023: 628. "
        "Các số khớp nhau."
    )


@pytest.mark.parametrize(("before", "said"), [(5533, "-5.000"), (500, "+33")])
def test_stock_flow_shows_what_does_not_add_up(before: float, said: str) -> None:
    chart = charts.stock_flow(replace(START, value=before), NEW, REMOVED, END)
    assert f"chênh lệch {said}" in words(chart)
    assert f"Các số không khớp, chênh lệch {said}." in chart.alt


@pytest.mark.parametrize("gap", ["start", "inflow", "end"])
def test_stock_flow_with_a_gap_checks_nothing(gap: str) -> None:
    parts = {"start": START, "inflow": NEW[0], "end": END}
    parts[gap] = replace(parts[gap], value=None, text="chưa báo cáo")
    chart = charts.stock_flow(parts["start"], [parts["inflow"]], REMOVED, parts["end"])
    assert words(chart).count("chưa báo cáo") == 1
    assert "chênh lệch" not in words(chart)
    assert "khớp" not in chart.alt


# --- the tables behind ---


def test_each_chart_has_a_table_of_texts(chart: Chart) -> None:
    assert_table_is_full(chart)


def test_tables_hold_what_the_pictures_show() -> None:
    assert CHARTS["bars"].table[0] == ("Đơn vị", "Tin có giá trị trên 10.000 dân")
    assert CHARTS["bars"].table[-3:] == (
        ("Cát Hải", "chưa báo cáo"),
        ("Bạch Long Vĩ", "không áp dụng"),
        ("Toàn thành phố", "21,4"),
    )
    assert CHARTS["composition"].table[1] == ("Quốc phòng - an ninh", "371 (18,1%)")
    assert CHARTS["composition"].table[-1] == ("Tổng số", "2.051 mô hình đã đăng ký")
    assert CHARTS["steps"].table[:3] == (
        ("Bước", "Số liệu", "Tỷ lệ"),
        ("Tin về an ninh trật tự nhận được", "4.342", ""),
        ("Tin có giá trị", "3.965", "91,3% số tin nhận được"),
    )
    assert [row[1] for row in CHARTS["stock-gap"].table] == ["Số liệu", "5.533", "+98", "-3", "-5.000", "628"]
    assert CHARTS["dumbbell"].table[:3] == (
        ("Chỉ tiêu", "Năm 2022", "Năm 2023", "Thay đổi"),
        ("Tin về an ninh trật tự do Nhân dân cung cấp", "4.102 tin", "4.342 tin", "+5,9%"),
        ("Đạn giao nộp", "1.203 viên", "201.483 viên", "gấp 167,5 lần"),
    )
    assert CHARTS["dumbbell"].table[3] == (LONG, "chưa báo cáo", "280 công dân", "không so sánh được")
    assert CHARTS["matrix"].table[-3:] == (
        ("Cát Hải", "có", "chưa báo cáo", "chưa báo cáo"),
        ("Bạch Long Vĩ", "không", "không áp dụng", "không áp dụng"),
        ("Có, trên số đơn vị trả lời", "14/15", "13/13", "13/13"),
    )


def test_mistakes_are_refused_in_plain_words() -> None:
    with pytest.raises(ValueError, match=r"^biểu đồ không có dữ liệu$"):
        charts.bars([], None, "tin", False)
    for value in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"^số trong biểu đồ phải là số không âm; dùng None khi không có số liệu$"):
            charts.composition([Bar("An Lão", value, "?")], "tổng")
    with pytest.raises(ValueError, match=r"^mỗi đơn vị cần 1 trạng thái, trong số: yes, no, missing, not_applicable$"):
        charts.matrix([State("An Lão", ("maybe",))], ["Ký kế hoạch"])


# --- the files ---


def test_svg_is_small_clean_and_the_same_twice(chart: Chart) -> None:
    svg = assert_svg_is_clean_and_the_same_twice(chart)
    assert len(svg) < (60_000 if len(lines(chart.figure)) < 100 else 170_000)


def test_two_figures_share_no_id() -> None:
    one, two = (paper.to_svg(CHARTS["steps"].figure, id) for id in ("hinh-1", "hinh-2"))
    assert ids(one)
    assert not ids(one) & ids(two)


@pytest.mark.parametrize("name", ["bars-long", "dumbbell-chance", "matrix"])
def test_the_short_way_to_a_file_draws_what_matplotlib_would_save(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chart, file = CHARTS[name], io.StringIO()
    ours = paper.to_svg(chart.figure, "hinh")
    monkeypatch.setattr(paper._Line, "draw", Text.draw)
    with rc_context({**paper.style(), "svg.hashsalt": "hinh"}):
        chart.figure.savefig(file, format="svg")
    monkeypatch.setattr(paper, "_drawn", lambda _: file.getvalue())
    assert ours == paper.to_svg(chart.figure, "hinh")


@pytest.fixture
def plain_settings() -> Iterator[None]:
    with rc_context():
        yield


@pytest.mark.usefixtures("plain_settings")
def test_an_analysts_own_figure_gets_the_look_and_a_clean_file(caplog: pytest.LogCaptureFixture) -> None:
    paper.use_style()
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2, 3], [-1, 5, 2], "o--", label="Tin nhận được")
    axes.bar([1, 2, 3], [1, 2, 3], hatch="//")
    axes.imshow([[1, 2], [3, 4]], extent=(0, 1, 0, 1))
    axes.set_title("Tin của Nhân dân")
    axes.legend()
    svg = paper.to_svg(figure, "rieng")
    ElementTree.fromstring(svg)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) == ids(svg)
    assert axes.title.get_fontfamily() == ["Tinos", "DejaVu Sans"]
    assert not caplog.records  # no "findfont" lines
