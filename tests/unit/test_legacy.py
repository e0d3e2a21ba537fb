"""Old encodings: every letter, the names and words that returns hold, and good text, which is never touched.

The tables here are written out letter by letter, and share nothing with those of the module.
"""

from __future__ import annotations

import csv
import re
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danvan.intake import layout
from danvan.intake.legacy import Decoded, by_font, guesses

ROOT = Path(__file__).resolve().parent.parent.parent

SMALL = "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"
TCVN3 = dict(
    zip(
        SMALL,
        "µ¶·¸¹¨»¼½¾Æ©ÇÈÉÊË®ÌÎÏÐÑªÒÓÔÕÖ×ØÜÝÞßáâãä«åæçèé¬êëìíîïñòóô\u00adõö÷øùúûüýþ",
        strict=True,
    )
) | dict(zip("ĂÂÊÔƠƯĐ", "¡¢£¤¥¦§", strict=True))
VNI_CODES = (
    "aø aû aõ aù aï aê aè aú aü aé aë aâ aà aå aã aá aä ñ eø eû eõ eù eï eâ eà eå eã eá eä ì æ ó í ò "
    "oø oû oõ où oï oâ oà oå oã oá oä ô ôø ôû ôõ ôù ôï uø uû uõ uù uï ö öø öû öõ öù öï yø yû yõ yù î"
)
VNI = dict(zip(SMALL, VNI_CODES.split(" "), strict=True))
VNI |= {letter.upper(): code.upper() for letter, code in VNI.items()}


def tcvn3(text: str) -> str:
    """As it was typed in .VnTime; toned capitals do not exist there and were typed small."""
    return "".join(TCVN3.get(letter, TCVN3.get(letter.lower(), letter)) for letter in text)


def vni(text: str) -> str:
    """As it was typed in VNI-Times."""
    return "".join(VNI.get(letter, letter) for letter in text)


def misread(text: str, times: int = 1) -> str:
    """UTF-8 taken for cp1252; its five open codes stay as they are."""
    for _ in range(times):
        text = "".join(
            bytes([byte]).decode("latin-1" if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "cp1252")
            for byte in text.encode("utf-8")
        )
    return text


def districts() -> list[str]:
    with (ROOT / "params/units.csv").open(encoding="utf-8", newline="") as file:
        names = {row["name"] for row in csv.DictReader(file) if row["kind"] in ("quận", "huyện")}
    assert len(names) == 15
    return sorted(names)


WORDS = (
    *layout.STATUS_WORDS,
    *layout.PRECISION_WORDS,
    *layout.COLUMNS,
    *layout.HEAD,
    layout.TITLE,
    layout.ILLUSTRATIVE,
)
PHRASES = (
    "Ban Dân vận Huyện ủy Bạch Long Vĩ",
    "Công an quận Hồng Bàng",
    "phối hợp công tác dân vận, hơn 4.342 tin (100%)",
    "Người dân giao nộp pháo, súng và đạn",
    "đẩy mạnh chỉnh trang, hiện đại hóa đô thị",
)


def test_the_tables_of_this_test_are_whole() -> None:
    assert len(set(SMALL)) == 67
    assert len(set(VNI.values())) == 134
    assert len(set(TCVN3.values())) == 74


@pytest.mark.parametrize("letter", SMALL)
def test_every_letter(letter: str) -> None:
    capital = letter.upper()
    for font in ("VNI-Times", "VNI-Helve", "vni-times"):
        for wanted in (letter, capital, f"x{letter}n", capital + "n"):
            read = by_font(vni(wanted), font)
            # ì and í are what they were.
            assert read == (None if vni(wanted) == wanted else Decoded(wanted, "VNI"))
    for font in (".VnTime", ".VnArial", ".VnArial NarrowH", ".VnTimeH", "VnTime"):
        wanted = capital if font.endswith("H") else letter
        read = by_font(tcvn3(letter), font)
        assert read == (None if tcvn3(letter) == wanted else Decoded(wanted, "TCVN3"))


@pytest.mark.parametrize("letter", "ĂÂÊÔƠƯĐ")
def test_the_seven_capitals_of_tcvn3(letter: str) -> None:
    assert by_font(TCVN3[letter], ".VnTime") == Decoded(letter, "TCVN3")


def test_a_small_mark_may_follow_a_capital() -> None:
    assert by_font("AÁn Ñoâ, Aán Ñoâ, OÂng, Oâng", "VNI-Times") == Decoded("Ấn Đô, Ấn Đô, Ông, Ông", "VNI")


@pytest.mark.parametrize("text", [*districts(), *WORDS, *PHRASES])
def test_words_of_a_return(text: str) -> None:
    for encoding, encoded, font in (("TCVN3", tcvn3(text), ".VnTime"), ("VNI", vni(text), "VNI-Times")):
        wanted = text if encoding == "VNI" or text.isupper() else plain_capitals(text)
        read = by_font(encoded, font)
        assert read == (None if encoded == wanted or encoded.isascii() else Decoded(wanted, encoding))
        if read and encoded not in ("hôn", "Ghi chó"):  # which are good Vietnamese, too
            assert guesses(encoded) == (read,)
        for times in (1, 2):
            wrong = misread(text, times)
            assert guesses(wrong) == (() if wrong == text else (Decoded(text, "UTF-8 đọc nhầm"),))


def plain_capitals(text: str) -> str:
    """Without the toned capitals that TCVN3 does not have."""
    return "".join(c.lower() if c.lower() in SMALL and c not in "ĂÂÊÔƠƯĐ" else c for c in text)


@pytest.mark.parametrize("text", districts())
def test_one_encoding_fits_the_name_of_a_unit(text: str) -> None:
    for encoding, encoded in (("TCVN3", tcvn3(text)), ("VNI", vni(text))):
        assert guesses(encoded) == ((Decoded(text, encoding),) if encoded != text else ())


@pytest.mark.parametrize(
    ("text", "wanted", "encoding"),
    [
        ("Thñy Nguyªn", "Thủy Nguyên", "TCVN3"),
        ("An D\u00ad¬ng", "An Dương", "TCVN3"),
        ("An L·o", "An Lão", "TCVN3"),
        ("C«ng an thµnh phè", "Công an thành phố", "TCVN3"),
        ("Hoàng Baøng", "Hồng Bàng", "VNI"),
        ("HOÀNG BAØNG", "HỒNG BÀNG", "VNI"),
        ("Leâ Chaân", "Lê Chân", "VNI"),
        ("Há»“ng BÃ\u00a0ng", "Hồng Bàng", "UTF-8 đọc nhầm"),
        ("Há»“ng BÃ ng", "Hồng Bàng", "UTF-8 đọc nhầm"),
        ("lÃ  ngÆ°á»\u009di", "là người", "UTF-8 đọc nhầm"),
        ("lÃ ngÆ°á»\u009di", "là người", "UTF-8 đọc nhầm"),
        ("quÃ½ vÃ ", "quý và", "UTF-8 đọc nhầm"),
        ("quÃ½ vÃ", "quý và", "UTF-8 đọc nhầm"),
        ("\u00e1\u00bb\u009f xÃ£", "ở xã", "UTF-8 đọc nhầm"),
        (misread(unicodedata.normalize("NFD", "Hồng Bàng")), "Hồng Bàng", "UTF-8 đọc nhầm"),
    ],
)
def test_without_a_font(text: str, wanted: str, encoding: str) -> None:
    assert [(read.text, read.encoding) for read in guesses(text)] == [(wanted, encoding)]


GOOD = (
    *("", " ", "4.342", "442,37", "12%", "Fanpage", "An ninh", "Website: conganhaiphong.gov.vn", "không phát sinh"),
    *("không báo cáo", "xã", "có", "cà phê", "Hà Giang", "São Paulo", "café", "naïve", "Zürich", "El Niño", "Señor"),
    *(
        "m²",
        "25 °C",
        "10 µs",
        "5·3",
        "3×4",
        "±5",
        "§ 3",
        "½",
        "© 2023",
        "Microsoft®",
        "«không»",
        "Nº 5",
        "¿Qué?",
        "10 £",
    ),
    *(
        "ôtô",
        "Đắk Lắk",
        "HĐND",
        "TĐ",
        "ĐBQH",
        "Núi Đèo",
        "Hồng Bàng",
        "Thuỷ Nguyên",
        "Кириллица",
        "日本",
        "Đ/c",
        "İ",
        "ß",
    ),
    *("a\u00adb", "no\u00adbreak", "‘không’", "“có”", "tin…", "– không –"),
)


@pytest.mark.parametrize("text", [*GOOD, *districts(), *WORDS, *PHRASES])
def test_good_text_is_never_changed(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert guesses(unicodedata.normalize(form, text)) == ()


def test_every_vietnamese_text_of_the_project_is_good() -> None:
    """Line by line and word by word: of a word alone the encodings have the least to go by."""
    files = [*sorted((ROOT / "params").glob("*.yaml")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
    for file in files:
        for line in file.read_text(encoding="utf-8").replace("\\n", " ").splitlines():
            for text in (line, *line.split()):
                assert guesses(text) == (), text


def test_text_that_was_typed_anew_keeps_its_letters() -> None:
    for text in ("không phát sinh", "không báo cáo", "Hồng Bàng", "An Dương", "Nguyen", "4.342", ""):
        for font in (".VnTime", ".VnTimeH"):
            assert by_font(text, font) is None
    assert by_font("Hồng Bàng", "VNI-Times") is None


@pytest.mark.parametrize(
    "font", ["Times New Roman", "Arial", "Calibri", "", "VNTime New", "Vntime", "Vnation", "VNIX", "Vivaldi"]
)
def test_other_fonts_are_left_alone(font: str) -> None:
    assert by_font("Thñy Nguyªn", font) is None


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=30), st.text("".join(map(chr, range(0x20, 0x100))), max_size=30)))
@example("Ã" * 30)
@example("\ud800")
def test_any_text_is_answered(text: str) -> None:
    for font in (".VnTime", ".VnTimeH", "VNI-Times", "Arial"):
        by_font(text, font)
    for guess in guesses(text):
        assert guess.text != text
        assert unicodedata.is_normalized("NFC", guess.text)
        assert re.search(r"[^\x00-\x7f]", guess.text)


@pytest.mark.parametrize(
    "unit", ["Ã", "Ã ", "a", "aù", "ñ", "Há»“ng BÃ ng ", "Thñy ", "·", "\u0301", "nghngh", "oaoa\u00e0", "ê "]
)
@pytest.mark.sampled(6)
def test_long_texts_take_no_time(unit: str) -> None:
    start = time.process_time()
    guesses(unit * (100_000 // len(unit)))
    by_font(unit * (100_000 // len(unit)), "VNI-Times")
    assert time.process_time() - start < 3
