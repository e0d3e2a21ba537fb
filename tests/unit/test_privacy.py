"""Data about persons: what is found, what is left alone, how it is masked, and which columns ask for it."""

from __future__ import annotations

import csv
import hashlib
import time
import unicodedata
import uuid
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danvan.intake import layout
from danvan.intake.privacy import Personal, find, is_name_column, mask

ROOT = Path(__file__).resolve().parent.parent.parent


def kinds(text: str) -> list[tuple[str, str]]:
    """Kind and text of all that is found."""
    return [(found.kind, found.text) for found in find(text)]


# --- numbers ---------------------------------------------------------------------------------------------------

IDENTITY = (
    *("099999999999", "031097001234", "031 097 001 234", "031.097.001.234", "031-097-001-234", "0310 9700 1234"),
    *("031 0 97 001234", "0 3 1 0 9 7 0 0 1 2 3 4", "031\u00a0097\u00a0001\u00a0234", "０３１０９７００１２３４"),
    *("0310\u200b9700\u200b1234", "031\u00ad097001234", "٠٣١٠٩٧٠٠١٢٣٤", "0\ufe0f31097001234"),
    *("31097001234", "1097001234", "031234567", "162234567", "031.234.567", "B1234567", "C12345678", "c1234567"),
)
PHONE = (
    *("0912345678", "0312345678", "0512345678", "0712345678", "0812345678", "0912 345 678", "0912.345.678"),
    *(
        "0912-345-678",
        "091 234 5678",
        "09 12 34 56 78",
        "0912 . 345 . 678",
        "0912 - 345 - 678",
        "0912\u00a0345\u00a0678",
    ),
    *(
        "0912–345–678",
        "0912·345·678",
        "０９１２３４５６７８",
        "0912\u200b345678",
        "0123 456 7890",
        "0 912 345 678",
    ),
    *("+84912345678", "+84 912 345 678", "+84.912.345.678", "+84-912-345-678", "+84 (0) 912 345 678", "84912345678"),
    *("84 912 345 678", "0084912345678", "00 84 912 345 678", "+842253842123", "02253842123", "0225 3842123"),
    *("0225 3 842 123", "0225.3.842.123", "024 3825 1234", "024-38251234", "0692123456", "069 2123 456"),
)
AROUND = ("{}", "Liên hệ: {}.", "({})", "số: {}", "“{}”", "CCCD {}", "{}, Lê Chân", "1) {}\n2) 12 tin", "a; {};b")


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("number", IDENTITY + PHONE)
def test_numbers_of_persons(number: str, around: str) -> None:
    text = around.format(number)
    (found,) = find(text)
    assert found.text == text[found.start : found.end]
    assert found.text.strip("()") == number or found.text in number
    assert found.kind == ("identity" if number in IDENTITY else "phone") or "CCCD" in around
    shown = mask(text)
    assert found.text not in shown
    assert shown.startswith(text[: found.start])
    assert shown.endswith(text[found.end :])
    assert not find(shown)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(0912) 345-678", [("phone", "0912) 345-678")]),
        ("ĐT 0912345678/0987654321", [("phone", "0912345678"), ("phone", "0987654321")]),
        ("0912345678,0987654321", [("phone", "0912345678"), ("phone", "0987654321")]),
        ("0912 345 678 031097001234", [("phone", "0912 345 678"), ("identity", "031097001234")]),
        ("012345678901,123456789", [("identity", "012345678901"), ("identity", "123456789")]),
        ("1.031097001234", [("identity", "031097001234")]),
        ("CMND123456789", [("identity", "123456789")]),
        ("CMND số: 162 234 567", [("identity", "162 234 567")]),
        ("căn cước công dân: 162.234.567.890", [("identity", "162.234.567.890")]),
        ("CĂN CƯỚC 162 234 567 890", [("identity", "162 234 567 890")]),
        ("Hộ chiếu số B 1234567", [("identity", "B 1234567")]),
        ("mã 031097001234a", [("identity", "031097001234")]),
    ],
)
def test_numbers_among_others(text: str, found: list[tuple[str, str]]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1.234.567.890",
            "201.483",
            "912.345.678",
            "84.912.345.678",
            "818.131.131",
            "1.034.567.890.123",
            "912 345 678",
        ),
        *("4.342", "442,37", "12%", "0,912", "0.912345678", "0,123456789", "0.012345678901", "1148.806160988033"),
        *("123456789,5", "250000000 đồng", "250000000", "123456789 lượt", "12.000.000.000 đồng", "1.234.567.890,12"),
        *(
            "1118/KH-CAHP-PV01",
            "95-KH/BDVTU-CATP, 16/01/2023",
            "số 2100-QĐ/ĐUCA ngày 28/01/2022",
            "33/CT-TTg",
            "25-NQ/TW",
        ),
        *(
            "16/01/2023",
            "05.07.2023",
            "05.07.2023 15",
            "05-07-2023 08",
            "05.01.2023-31.12.2023",
            "2023-01-05",
            "20230105",
        ),
        *(
            "01/01/2023 - 31/12/2023",
            "2021-2025",
            "07h30-11h30",
            "2023-01-05T07:30:00",
            "05-06-07-08-09",
            "tháng 03.04.05.06.07",
        ),
        *(
            "05 3 2 1 0 4 5 6 7",
            "02, 14, 15, 2023",
            "01 02 2023 05 06",
            "DV2-2023-HP-303-kcdbfmna-qtab",
            "D12",
            "C1048576",
        ),
        *(
            "XFD1048576",
            "A1:B20",
            "U+00AD",
            "VN123456789",
            "HP303-12345678901x",
            "12345678",
            "1234567",
            "1900 1234",
            "113",
        ),
        *(
            "1234567890123456",
            "099*****9999",
            "091****678",
            "0 9",
            "",
            "0",
            "+84",
            "3,14159265358979",
            "1e12",
            "HP-303",
        ),
        hashlib.sha256(b"danvan").hexdigest(),
        hashlib.sha1(b"danvan").hexdigest(),
        "sha256:" + "0912345678" * 6 + "abcd",
        str(uuid.UUID("550e8400-e29b-41d4-a716-446655440000")),
    ],
)
def test_numbers_of_nobody(text: str) -> None:
    assert find(text) == ()
    assert mask(text) == text


def test_public_numbers_are_allowed_by_their_digits() -> None:
    text = "Đường dây nóng 0225 3 842 123, tổng đài 818131131"
    assert [found.kind for found in find(text)] == ["phone", "identity"]
    assert find(text, ("0225.3842.123", "818.131.131")) == ()
    assert [found.text for found in find(text, ["818.131.131"])] == ["0225 3 842 123"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("099999999999", "099*****9999"),
        ("031 097 001 234", "031*****1234"),
        ("31097001234", "310****1234"),
        ("0912 345 678", "091****678"),
        ("162234567", "162****67"),
        ("B1234567", "B12****7"),
        ("C12345678", "C12****78"),
        ("+84 912 345 678", "+849****5678"),
        ("0225 3 842 123", "022****2123"),
        ("CCCD: 099999999999, đã nhắc.", "CCCD: 099*****9999, đã nhắc."),
        ("ông Nguyễn Văn A", "ông N*** V*** A***"),
        ("Bà  TRẦN  THỊ  ÁNH.", "Bà  T***  T***  Á***."),
        (unicodedata.normalize("NFD", "ông Đỗ Ấn Ước"), unicodedata.normalize("NFD", "ông ") + "Đ*** Ấ*** Ư***"),
        ("Trần Văn B, 0912345678", "T*** V*** B***, 091****678"),
    ],
)
def test_how_it_is_masked(text: str, shown: str) -> None:
    assert mask(text) == shown
    assert mask(shown) == shown


WORDS = "Nguyễn,Văn,A,TRẦN,THỊ,Lê,Chân,ông,đồng chí,phường,Phường,0912,345,678,031,09,12,5,*,***,N***,CMND,số,và,đồng"
PIECES = st.lists(st.sampled_from([*IDENTITY, *PHONE, *WORDS.split(","), "099*****9999"]), max_size=12)


@settings(max_examples=1500, deadline=None)
@given(
    pieces=PIECES, gaps=st.lists(st.sampled_from(["", " ", ".", "-", ", ", "\n", "(", "  "]), min_size=12, max_size=12)
)
@example(["123456789", "0 3 1 0 9 7 0 0 1 2 3 4"], ["."] * 12)
@example(["031097000912", "345678"], [" "] * 12)
@example(["0912345031", "097001234"], [" "] * 12)
def test_masking_twice_changes_nothing_more(pieces: list[str], gaps: list[str]) -> None:
    text = "".join(piece + gap for piece, gap in zip(pieces, gaps, strict=False))
    shown = mask(text)
    assert mask(shown) == shown
    found = find(text)
    assert [(one.start, one.end) for one in found] == sorted((one.start, one.end) for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    for found in find(text):
        assert text[found.start : found.end] == found.text
    assert mask(mask(text)) == mask(text)
    is_name_column(text)


# --- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ông Nguyễn Văn A", ["Nguyễn Văn A"]),
        ("Bà Trần Thị Bích Ngọc cho biết", ["Trần Thị Bích Ngọc"]),
        ("NGUYỄN VĂN A", ["NGUYỄN VĂN A"]),
        ("ÔNG LÊ VĂN B", ["LÊ VĂN B"]),
        ("HỌ VÀ TÊN NGUYỄN VĂN A", ["NGUYỄN VĂN A"]),
        ("Họ tên: Phạm Thị Hoa", ["Phạm Thị Hoa"]),
        ("đồng chí Vũ Thanh Chương", ["Vũ Thanh Chương"]),
        ("Đồng chí Thượng tá Vũ Thanh Chương", ["Vũ Thanh Chương"]),
        ("Đại Tá Nguyễn Minh Tuấn", ["Nguyễn Minh Tuấn"]),
        ("đ/c Lò Pá Sinh", ["Lò Pá Sinh"]),
        ("Đ/c Bùi Tuấn", ["Bùi Tuấn"]),
        ("đc Hà Minh Đức", ["Hà Minh Đức"]),
        ("anh Thanh Tùng và chị Y Ban", ["Thanh Tùng", "Y Ban"]),
        ("cháu Mai Anh Thư", ["Mai Anh Thư"]),
        ("ong Nguyen Van A", ["Nguyen Van A"]),
        ("ba Ly Thi Hoa", ["Ly Thi Hoa"]),
        ("Tran Thi Bich Ngoc", ["Tran Thi Bich Ngoc"]),
        ("Nguyễn Văn A, Trần Văn B và Hoàng Thị Thu Cúc", ["Nguyễn Văn A", "Trần Văn B", "Hoàng Thị Thu Cúc"]),
        ("Nguyễn Văn A Trần Thị B", ["Nguyễn Văn A", "Trần Thị B"]),
        ("NGUYỄN VĂN A TRẦN THỊ B LÊ VĂN C", ["NGUYỄN VĂN A", "TRẦN THỊ B", "LÊ VĂN C"]),
        ("Kính Gửi Nguyễn Văn A", ["Nguyễn Văn A"]),
        ("cấp cho Mai Văn An", ["Mai Văn An"]),
        ("phường Trần Thành Ngọ, ông Đặng Văn Lâm", ["Đặng Văn Lâm"]),
        ("Nguyễn Văn A, phường Trần Thành Ngọ", ["Nguyễn Văn A"]),
        ("Nguyễn Văn A Phường Trần Thành Ngọ", ["Nguyễn Văn A"]),
        ("**Nguyễn Văn A**", ["Nguyễn Văn A"]),
        ("Nguyễn Văn A*", ["Nguyễn Văn A"]),
        ("Ngô Văn Quyền", ["Ngô Văn Quyền"]),
    ],
)
def test_names_of_persons(text: str, names: list[str]) -> None:
    assert kinds(text) == [("name", name) for name in names]
    split = unicodedata.normalize("NFD", text)
    assert kinds(split) == [("name", unicodedata.normalize("NFD", name)) for name in names]


@pytest.mark.parametrize(
    "text",
    [
        *("Công an phường Trần Thành Ngọ", "phường Trần Thành Ngọ", "P. Trần Thành Ngọ", "Phường Trần Thành Ngọ"),
        *("các phường Trần Thành Tông, Lê Hồng Khê và Nguyễn Văn Trỗi", "tuyến Lê Hồng Khê - Nguyễn Bỉnh Thân"),
        *(
            "đường Nguyễn Văn Linh",
            "ngã tư Trần Quang Khải",
            "số 15 Trần Nhật Duật",
            "cầu Hoàng Văn Thái",
            "chợ Đặng Văn Ngữ",
        ),
        *("Trường Tiểu học Nguyễn Văn Tố", "trường THCS Nguyễn Bá Ngọc", "Trường THPT Lê Quý Đôn", "đền Trần Quốc Bảo"),
        *(
            "Bệnh viện Nguyễn Tri Phương",
            "khu dân cư Lê Văn Hưu",
            "TDP Số 5",
            "thôn Đỗ Xá Thượng",
        ),
        *(
            "Lê Chân",
            "Ngô Quyền",
            "Dương Kinh",
            "Hồng Bàng",
            "Ban Dân vận Quận ủy Lê Chân",
            "LÊ CHÂN BÁO CÁO",
            "bà Lê Chân",
        ),
        *(
            "Lê Chân Ngô Quyền Hải An",
            "Ban Dân vận Huyện ủy Bạch Long Vĩ",
            "BAN DÂN VẬN QUẬN ỦY LÊ CHÂN",
            "Bạch Long Vĩ",
        ),
        *(
            "thành phố Hồ Chí Minh",
            "Đoàn TNCS Hồ Chí Minh",
            "Chủ tịch Hồ Chí Minh",
            "TƯ TƯỞNG HỒ CHÍ MINH",
            "Bà Rịa Vũng Tàu",
        ),
        *(
            "PHẠM VI HOẠT ĐỘNG",
            "VŨ KHÍ QUÂN DỤNG",
            "LÝ DO KHÔNG BÁO CÁO",
            "HỒ SƠ TIẾP NHẬN",
            "ĐÀO TẠO CÁN BỘ",
            "LƯU Ý CHUNG",
        ),
        *(
            "đồng chí Phó Giám đốc",
            "đồng chí Trưởng Công an quận",
            "Ông Giám đốc",
            "các đồng chí Thành ủy viên",
            "anh em Công an",
        ),
        *(
            "Hội Liên hiệp Phụ nữ Việt Nam",
            "Mặt trận Tổ quốc Việt Nam",
            "Liên đoàn Lao động",
            "Đoàn Thanh niên",
            "Công an Hải Phòng",
        ),
        *(
            "750 đồng chí công an chính quy",
            "N*** V*** A***",
            "Dân vận khéo",
            "Toàn dân bảo vệ an ninh Tổ quốc",
            "Nguyễn Văn",
            "ông A",
        ),
        *("Thái Bình Dương", "Hà Nội Mới", "nguyễn văn a", "ba Mô Hình Mới", "TỔNG CỘNG", "Mã CHỈ TIÊU", "Le Monde"),
    ],
)
def test_names_of_nobody(text: str) -> None:
    assert find(text) == ()
    assert mask(text) == text


# All 114 units since 01/7/2025 and former wards that bear a person's name.
UNITS_2025 = (
    "Thành Đông, Hải Dương, Lê Thanh Nghị, Tân Hưng, Tứ Minh, Việt Hòa, Chí Linh, Chu Văn An, Nguyễn Trãi, Trần Hưng "
    "Đạo, Trần Nhân Tông, Lê Đại Hành, Nam Sách, Hợp Tiến, Trần Phú, Thái Tân, An Phú, Ái Quốc, Nam Đồng, Kinh Môn, "
    "Bắc An Phụ, Nam An Phụ, Nhị Chiểu, Phạm Sư Mạnh, Trần Liễu, Nguyễn Đại Năng, Phú Thái, Lai Khê, An Thành, Kim "
    "Thành, Thanh Hà, Hà Bắc, Hà Nam, Hà Tây, Hà Đông, Cẩm Giang, Cẩm Giàng, Tuệ Tĩnh, Mao Điền, Kẻ Sặt, Bình Giang, "
    "Đường An, Thượng Hồng, Gia Lộc, Thạch Khôi, Yết Kiêu, Gia Phúc, Trường Tân, Tứ Kỳ, Đại Sơn, Tân Kỳ, Chí Minh, "
    "Lạc Phượng, Nguyên Giáp, Vĩnh Lại, Tân An, Ninh Giang, Hồng Châu, Khúc Thừa Dụ, Thanh Miện, Nguyễn Lương Bằng, "
    "Bắc Thanh Miện, Hải Hưng, Nam Thanh Miện, Hồng Bàng, Ngô Quyền, Gia Viên, Lê Chân, An Biên, Đông Hải, Hải An, "
    "Kiến An, Phù Liễn, Đồ Sơn, Bạch Đằng, Lưu Kiếm, Việt Khê, Lê Ích Mộc, Hoà Bình, Nam Triệu, Thiên Hương, Thuỷ "
    "Nguyên, An Dương, An Phong, Hồng An, An Hải, An Lão, An Trường, An Quang, An Khánh, An Hưng, Kiến Thụy, Hưng "
    "Đạo, Dương Kinh, Nghi Dương, Kiến Minh, Kiến Hưng, Nam Đồ Sơn, Kiến Hải, Tiên Lãng, Quyết Thắng, Tân Minh, Tiên "
    "Minh, Chấn Hưng, Hùng Thắng, Vĩnh Bảo, Vĩnh Thịnh, Vĩnh Thuận, Vĩnh Hòa, Vĩnh Hải, Vĩnh Am, Nguyễn Bỉnh Khiêm, "
    "Cát Hải, Bạch Long Vĩ"
)
FORMER_WARDS = ["Hoàng Văn Thụ", "Phan Bội Châu", "Trần Nguyên Hãn", "Trần Thành Ngọ", "Lê Hồng Phong", "Phạm Ngũ Lão"]


def test_no_unit_is_a_person() -> None:
    with (ROOT / "params/units.csv").open(encoding="utf-8", newline="") as file:
        names = {name for row in csv.DictReader(file) for name in (row["name"], *row["aliases"].split("|"))}
    assert len(UNITS_2025.split(", ")) == 114
    for name in (*sorted(names), *UNITS_2025.split(", "), *FORMER_WARDS):
        bare = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
        bare = "".join(c for c in bare if not unicodedata.combining(c))
        for text in (name, name.upper(), f"Phường {name}", f"Công an {name}", f"ủy ban nhân dân {name} báo cáo", bare):
            assert find(text) == (), text
    assert find(UNITS_2025) == ()


def test_the_project_names_nobody() -> None:
    files = [*sorted((ROOT / "params").iterdir()), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            assert find(line) == (), (file.name, line)
    words = (*layout.COLUMNS, *layout.HEAD, *layout.STATUS_WORDS, layout.TITLE, *layout.SHEETS.values())
    assert all(find(word) == () for word in words)


# --- heads of columns ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label",
    [
        *(
            "Họ tên",
            "Họ và tên",
            "HỌ VÀ TÊN",
            "Họ, tên",
            "Họ, chữ đệm và tên",
            "Họ và tên:",
            " Họ\nvà tên ",
            "Ho ten",
            "HO VA TEN",
        ),
        *(
            "Họ tên người được tuyên truyền",
            "Họ và tên/CCCD",
            "Tên đối tượng",
            "Tên công dân",
            "Tên người liên hệ",
            "TÊN NẠN NHÂN",
        ),
        *(
            "CCCD",
            "Số CCCD",
            "CMND",
            "Số CMND/CCCD",
            "CMT",
            "Căn cước",
            "Số căn cước công dân",
            "Số thẻ căn cước",
            "can cuoc",
            "So CCCD:",
        ),
        *("Số điện thoại", "Điện thoại", "SĐT", "S.Đ.T", "Số ĐT", "SDT", "So dien thoai", "Điện thoại liên hệ", "Zalo"),
        *(
            "Ngày sinh",
            "Năm sinh",
            "Ngày, tháng, năm sinh",
            "Sinh ngày",
            "Sinh năm",
            "NGAY SINH",
            "Nam sinh",
            "Nơi sinh",
        ),
        *(
            "Địa chỉ",
            "Địa chỉ thường trú",
            "Nơi ở",
            "Nơi ở hiện nay",
            "Chỗ ở",
            "Nơi thường trú",
            "Thường trú",
            "Nơi cư trú",
            "Dia chi",
        ),
        *(
            "Hộ khẩu thường trú",
            "Quê quán",
            "Nguyên quán",
            "QUE QUAN",
            "Số hộ chiếu",
            "Hộ chiếu",
            "Số định danh cá nhân",
        ),
        *(
            "Số tài khoản",
            "Giấy tờ tùy thân",
            "Mã số bảo hiểm xã hội",
            "ho_ten",
            "hoten",
            "NgaySinh",
            "so_dien_thoai",
            "Họ tên",
        ),
        unicodedata.normalize("NFD", "Họ và tên"),
        "Họ\u00a0và\u200b tên",
        "Ｃ Ｃ Ｃ Ｄ".replace(" ", ""),
    ],
)
def test_columns_that_ask_for_persons(label: str) -> None:
    assert is_name_column(label)


@pytest.mark.parametrize(
    "label",
    [
        *(
            "",
            " ",
            "Chỉ tiêu",
            "Đơn vị",
            "Đơn vị tính",
            "Tên chỉ tiêu",
            "Tên đơn vị",
            "Tên",
            "Ghi chú",
            "Giá trị",
            "Mã",
            "STT",
        ),
        *(
            "Người được tiếp",
            "Người được tuyên truyền",
            "Công dân đã gọi tuyển",
            "Đối tượng ra đầu thú",
            "Số người",
            "Số đơn",
        ),
        *(
            "Số CCCD đã cấp",
            "Tỷ lệ cấp CCCD đã thu nhận",
            "Tổng số hộ chiếu",
            "Hồ sơ căn cước",
            "Số nam sinh được tuyên truyền",
        ),
        *(
            "Số điện thoại đường dây nóng",
            "Địa chỉ trang fanpage",
            "Địa chỉ website",
            "Kế hoạch",
            "Kỳ số liệu",
            "Tình trạng",
        ),
        *(
            "Tin qua điện thoại",
            "Số hộ",
            "Năm",
            "Ngày báo cáo",
            "Tài khoản định danh điện tử",
            "Noi dung",
            "Chi tieu",
            "Don vi",
        ),
    ],
)
def test_columns_that_ask_for_none(label: str) -> None:
    assert not is_name_column(label)


def test_no_indicator_and_no_head_of_a_form_asks_for_persons() -> None:
    catalogue = yaml.safe_load((ROOT / "params/catalogue.yaml").read_text(encoding="utf-8"))
    labels = [indicator[key] for indicator in catalogue["indicators"] for key in ("name", "short") if key in indicator]
    assert len(labels) > 50
    labels += [*layout.COLUMNS, *layout.HEAD, *layout.SHEETS.values(), *layout.STATUS_WORDS]
    for label in labels:
        bare = "".join(
            c
            for c in unicodedata.normalize("NFD", label.replace("đ", "d").replace("Đ", "D"))
            if not unicodedata.combining(c)
        )
        for written in (label, label.upper(), bare, f"{label}:"):
            assert not is_name_column(written), written


# --- time ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "0",
            "9",
            "09 ",
            "0 ",
            "0.",
            "03-",
            "1 2 ",
            "(",
            "+84",
            "84 ",
            "f",
            "f-",
            "CCCD",
            "căn cước ",
            "B1234567 ",
            "0912345678 ",
        ),
        *(
            "031.097.001.234 ",
            "123456789,",
            "12.345.",
            "A ",
            "Nguyễn Văn A ",
            "NGUYỄN VĂN A ",
            "Nguyễn ",
            "ông ",
            "số 1/",
            "*",
            " ",
        ),
        *(
            "các phường A, ",
            "Phường A - ",
            "A*** ",
            "\n",
            "04.05.2023 ",
            "\u0301\u0323",
            "e\u0323\u0302",
            "\u200b",
            "Họ ",
            "tên của ",
        ),
    ],
)
@pytest.mark.sampled(8)
def test_long_texts_take_no_time(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    start = time.process_time()
    shown = mask(text)
    is_name_column(text)
    assert time.process_time() - start < 3
    assert mask(shown) == shown


def test_what_is_found_knows_its_place() -> None:
    text = "Ghi chú: o\u0302ng Nguyễn Văn A, SĐT 0\u200b912345678"
    assert find(text) == (
        Personal("name", 14, 26, "Nguyễn Văn A"),
        Personal("phone", 32, 43, "0\u200b912345678"),
    )
