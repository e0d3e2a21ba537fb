"""The report for 2023 against what was published: every figure in its sentence, in its place, in HTML and PDF alike.

tests/published/figures_2023.csv has the published figures, tests/published/sentences.csv our sentences about them.
A published figure that does not stand in the report is a fault of the report, never of this test.
"""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from independent import Reckoning, day, percent, written
from printed import PUBLISHED, Report, of_html, of_pdf, sentences, tables

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = {sentence.id: sentence for sentence in sentences()}

with (PUBLISHED / "figures_2023.csv").open(encoding="utf-8", newline="") as _file:
    FIGURES = {row["id"]: row for row in csv.DictReader(_file)}

PRINT_NOTHING = {"S006", "S047", "S046"}  # S046 counts the names of a list
STATISTICS = [key for key, row in FIGURES.items() if row["class"] == "statistic" and key not in PRINT_NOTHING]

MODELS = [
    "Tuyên truyền, hướng dẫn 25 dịch vụ công trực tuyến và đăng ký tài khoản định danh điện tử",
    "Tuyên truyền, vận động Nhân dân nâng cao cảnh giác phòng ngừa, chủ động tố giác tội phạm sử dụng công nghệ cao "
    "và các hành vi vi phạm pháp luật về an ninh mạng",
    "Chung tay tuyên truyền, vận động cơ quan, tổ chức và Nhân dân giao nộp vũ khí, vật liệu nổ, công cụ hỗ trợ "
    "và pháo",
    "Điểm chữa cháy cộng đồng",
    "Khám bệnh tình nghĩa",
    "Công tác y tế vì sức khỏe cộng đồng",
]

# Words before the number and after the date.
CITED = {
    "S060": ("Kế hoạch", " về nhiệm vụ phối hợp trong năm"),
    "S061": ("Thực hiện Chương trình", " về phối hợp công tác dân vận giai đoạn 2022-2026"),
    "S062": ("Chỉ thị", " của Thủ tướng Chính phủ về tiếp tục tăng cường và đổi mới công tác dân vận"),
    "S063": ("Chỉ thị", " của Bộ Công an về đổi mới công tác dân vận của lực lượng Công an nhân dân"),
    "S064": ("Chỉ thị", " của Ban Thường vụ Thành ủy về đẩy mạnh thực hiện công tác dân vận trong phòng ngừa"),
    "S065": ("Chỉ thị", " của Ban Thường vụ Thành ủy về đẩy mạnh thực hiện dân chủ theo phương châm “dân biết"),
    "S066": ("Chỉ thị", " của Ban Thường vụ Thành ủy về lãnh đạo, chỉ đạo công tác bảo đảm an ninh, trật tự"),
    "S067": ("Kế hoạch", " thực hiện dân chủ trong Công an thành phố năm 2023"),
    "S068": ("Kế hoạch", " triển khai thi hành Luật Thực hiện dân chủ ở cơ sở trong Công an thành phố"),
    "S069": ("Quyết định", " về việc ban hành Quy chế công tác dân vận của hệ thống chính trị"),
    "S070": ("Chỉ thị", " về lãnh đạo, chỉ đạo công tác bảo đảm an ninh trật tự"),
    "S071": ("Chỉ thị", " của Chủ tịch UBND thành phố"),
    "S072": ("Quyết định", " của Đảng ủy Công an thành phố về việc ban hành Quy chế công tác dân vận"),
    "S073": ("căn cứ Kế hoạch", "; kết quả nêu tại"),
    "S074": ("kết quả nêu tại Báo cáo", ";"),
    "S075": ("Thông báo", ";"),
    "S076": ("Thông báo", "."),
}


@pytest.fixture(scope="session")
def folder(built: Path) -> Path:
    return built / "reports" / "2023" / "public"


@pytest.fixture(scope="session")
def html(folder: Path) -> Report:
    return of_html(folder / "bao-cao-2023.html")


@pytest.fixture(scope="session")
def pdf(folder: Path) -> Report:
    return of_pdf(folder / "bao-cao-2023.pdf")


@pytest.fixture(params=["html", "pdf"])
def report(request: pytest.FixtureRequest) -> Report:
    """The report as read from each of its forms."""
    found: Report = request.getfixturevalue(request.param)
    return found


def place(figure: dict[str, str]) -> str:
    """Where the published report has a figure: 'body', or the number of a footnote."""
    return figure["place"].removeprefix("fn")


# ---------------------------------------------------------------- sentences


@pytest.mark.parametrize("key", STATISTICS)
def test_published_figure_stands_in_its_sentence(key: str, report: Report) -> None:
    sentence = SENTENCES[key]
    assert sentence.standing(report) == [sentence.printed]


def test_sentences_are_those_of_the_published_figures() -> None:
    assert len(STATISTICS) == 53
    assert list(SENTENCES) == STATISTICS
    for key, sentence in SENTENCES.items():
        figure = FIGURES[key]
        assert sentence.place == place(figure), key
        said = figure["value_as_written"].replace("Bạch Long Vỹ", "Bạch Long Vĩ")  # the house spelling
        assert sentence.printed in said, key
        assert sentence.sentence.count("{") == 1, key
    assert len({sentence.placeholder for sentence in SENTENCES.values()}) == 53


def test_independent_reckoning_agrees_with_what_was_published(built: Path) -> None:
    texts = Reckoning(built, 2023).texts
    assert {key: texts[s.placeholder] for key, s in SENTENCES.items()} == {k: s.printed for k, s in SENTENCES.items()}


def test_footnotes_are_seven(report: Report) -> None:
    assert sorted(report.notes) == [1, 2, 3, 4, 5, 6, 7]
    assert all(text.endswith(".") for text in report.notes.values())


def test_html_and_pdf_say_the_same(html: Report, pdf: Report) -> None:
    assert pdf.notes == html.notes
    said = html.body.removesuffix(html.body.partition("Nơi nhận:")[2])  # that list has marks of its own in the PDF
    words, found = said.casefold().split(), set(pdf.body.casefold().split())
    assert [word for word in words if word not in found] == []


# ---------------------------------------------------------------- annex


def test_annex_has_every_published_total(built: Path, folder: Path) -> None:
    """What one indicator of the published report gives, the annex gives for the whole city."""
    truth = Reckoning(built, 2023)
    totals: dict[str, str] = {}
    for rows in tables(folder / "bao-cao-2023.html").values():
        totals |= rows.get("Toàn thành phố", {})
        totals |= {f"{row} ({c['Đơn vị tính']})": c["Năm 2023"] for row, c in rows.items() if "Năm 2023" in c}
    not_a_total = {"S002", "S003", "S051"}  # names; the figure decided against
    found, wanted = {}, {}
    for key in STATISTICS:
        figure = FIGURES[key]
        if (code := figure["indicator_code"]) and key not in not_a_total:
            value = Decimal(15 if key == "S041" else figure["value_parsed"])  # printed as 100%, of the districts
            text = percent(value) if key == "S034" else written(value, 2).replace("2.000.000", "2 triệu")
            wanted[key] = f"{figure['qualifier_vi']} {text}".strip()
            found[key] = totals.get(truth.label(code, column=True)) or totals.get(truth.label(code, column=False))
    assert found == wanted


def test_annex_names_the_units_that_the_text_names(built: Path, folder: Path) -> None:
    (rows,) = (rows for caption, rows in tables(folder / "bao-cao-2023.html").items() if caption.startswith("Chỉ đạo"))
    units = list(rows)[:15]
    signed, inspected = (Reckoning(built, 2023).label(code, column=True) for code in ("plan_signed", "inspected"))
    assert [unit for unit in units if rows[unit][signed] == "Không"] == ["Bạch Long Vĩ"]
    assert [unit for unit in units if rows[unit][inspected] == "Có"] == ["Đồ Sơn", "Kiến Thụy"]


# ---------------------------------------------------------------- what is not a statistic


@pytest.mark.parametrize("key", CITED)
def test_document_is_cited_with_number_and_date(key: str, report: Report) -> None:
    figure = FIGURES[key]
    before, after = CITED[key]
    date = re.search(r"\d{4}-\d\d-\d\d", figure["note"])
    when = f", ngày {day(date[0])}" if date else ""
    assert f"{before} số {figure['value_as_written']}{when}{after}" in report.at(place(figure))


def test_every_document_is_looked_for() -> None:
    assert list(CITED) == [key for key, row in FIGURES.items() if row["class"] == "doc_reference"]


def test_six_models_are_named(report: Report) -> None:
    assert int(FIGURES["S046"]["value_parsed"]) == len(MODELS)
    *most, last = [f"“{model}”" for model in MODELS]
    assert f"Một số mô hình tiêu biểu: {', '.join(most)} và {last}." in report.body


def test_car_handed_over_without_a_number(report: Report) -> None:
    assert "đã trao xe ô tô cho Công an xã" in report.body


@pytest.mark.parametrize("words", ["Một số ít địa phương", "Công tác vận động đưa"])
def test_what_is_said_without_a_number(words: str, report: Report) -> None:
    assert words in f"{report.body} {report.notes[4]}"


def test_hotline_is_text_and_no_number(folder: Path, report: Report) -> None:
    number = FIGURES["S059"]["value_as_written"]
    assert f"Đường dây nóng tiếp nhận phản ánh của người dân: {number}." in report.at(place(FIGURES["S059"]))
    trace = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
    assert [item for item in trace["printed"] if "818" in item["text"] and item["where"] == "text"] == []
    assert not any((result["value"] or "").startswith("818") for result in trace["results"].values())


def test_contradiction_is_shown(folder: Path) -> None:
    (rows,) = (rows for caption, rows in tables(folder / "bao-cao-2023.html").items() if "mâu thuẫn" in caption)
    (row,) = rows.values()
    assert (row["Số từ phiếu"], row["Số nêu khác"]) == ("371", "hơn 200")
    assert ".." not in row["Quyết định và lý do"]


# ---------------------------------------------------------------- danvan does not peep


def test_danvan_does_not_know_the_published_figures() -> None:
    for path in (ROOT / "danvan").rglob("*"):
        if path.is_file() and path.suffix not in {".ttf", ".woff2", ".pyc"}:
            text = path.read_text(encoding="utf-8")
            for name in ("tests/published", "figures_2023", "sentences.csv", "illustrative.py"):
                assert name not in text, path
