"""What a format profile wants of each part of a file, in words and measures that a reader of any file can compare with.

A part is named by the id of its paragraph style in Word files; the PDF has the same parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from danvan import formats
from danvan.document import Signatory, TitleBlock
from danvan.formats import Json, allowed

# Style id -> the part's name, which is the style's name in Word unless Word has one of its own.
PARTS = {
    "TieuDe": "Tiêu đề văn bản",
    "TieuNgu": "Tiêu ngữ",
    "CoQuanChuQuan": "Cơ quan chủ quản",
    "CoQuanBanHanh": "Cơ quan ban hành",
    "SoKyHieu": "Số và ký hiệu",
    "DiaDanhNgay": "Địa danh và ngày tháng",
    "TenLoai": "Tên loại văn bản",
    "TrichYeu": "Trích yếu nội dung",
    "Heading1": "Đề mục cấp 1",
    "Heading2": "Đề mục cấp 2",
    "Heading3": "Đề mục cấp 3",
    "ThanVan": "Thân văn bản",
    "DanhSach": "Danh sách",
    "TenBieuDo": "Tên biểu đồ",
    "TenBang": "Tên bảng",
    "OBang": "Ô bảng",
    "GhiChuBang": "Ghi chú bảng",
    "ThamQuyen": "Quyền hạn ký",
    "ChucVu": "Chức vụ người ký",
    "HoTenKy": "Họ tên người ký",
    "NoiNhan": "Nơi nhận (nhãn)",
    "NoiNhanMuc": "Nơi nhận (danh sách)",
    "SoPhuLuc": "Số phụ lục",
    "TenPhuLuc": "Tên phụ lục",
    "KemTheo": "Kèm theo",
    "FootnoteText": "Chú thích cuối trang",
    "SoTrang": "Số trang",
    "TinhTrang": "Tình trạng văn bản",
}
PAGE = "Trang giấy"
ALIKE = {"Times New Roman": ("times new roman", "tinos")}  # Tinos has the metrics of Times New Roman

# What a measurement may be off by: a side bearing, a twentieth of a point in Word.
OFF_MM, OFF_PT = 0.6, 0.15


@dataclass(frozen=True)
class Difference:
    """One thing that a file has otherwise than its profile; every field is for the reader, in Vietnamese."""

    part: str
    what: str
    wanted: str
    found: str
    where: str


Tell = Callable[[Difference], None]


@dataclass(frozen=True)
class Wanted:
    """How a part is set; None where the profile leaves it to the writer (emphasis in running text)."""

    part: str
    sizes: tuple[float, float]
    bold: bool | None = None
    italic: bool | None = None
    underlined: bool | None = None


@dataclass(frozen=True)
class Face:
    """How letters are set in a file; None where it cannot be told."""

    font: str
    size: float
    bold: bool
    italic: bool
    underlined: bool | None = None


def parts(profile: Json) -> dict[str, Wanted]:
    """What is wanted of each part, by style id; those of a signature by `signature`."""
    body = allowed(profile, "body.size_pt")
    list_ = profile["closing"]["distribution"]
    cells = [size for sizes in profile["tables"]["sizes_pt"].values() for size in sizes]
    made = {
        "TieuDe": _styled(profile, "head.party"),
        "TieuNgu": _styled(profile, "head.motto"),
        "CoQuanChuQuan": _styled(profile, "head.superior"),
        "CoQuanBanHanh": _styled(profile, "head.issuer"),
        "SoKyHieu": _styled(profile, "head.number"),
        "DiaDanhNgay": _styled(profile, "head.place_date"),
        "TenLoai": _styled(profile, "title.kind"),
        "TrichYeu": _styled(profile, "title.subject"),
        "ThanVan": Wanted("", body),
        "DanhSach": Wanted("", body),
        "TenBieuDo": _styled(profile, "figures.caption"),
        "TenBang": _styled(profile, "tables.caption"),
        "OBang": Wanted("", (min(cells), max(cells))),
        "GhiChuBang": _styled(profile, "tables.notes"),
        "NoiNhan": Wanted(
            "",
            allowed(profile, "closing.distribution.label_size_pt"),
            *(list_[f"label_{how}"] for how in ("bold", "italic", "underlined")),
        ),
        "NoiNhanMuc": Wanted("", allowed(profile, "closing.distribution.size_pt"), False, False),
        "SoPhuLuc": _styled(profile, "annex.heading"),
        "TenPhuLuc": _styled(profile, "annex.heading"),
        "KemTheo": _styled(profile, "annex.reference"),
        "FootnoteText": Wanted("", allowed(profile, "footnotes.size_pt")),
        "SoTrang": Wanted("", allowed(profile, "page_number.size_pt"), False, False),
        "TinhTrang": _styled(profile, "marks"),
    }
    for level in ("2", "3", "4"):
        style = profile["headings"][level]
        made[f"Heading{int(level) - 1}"] = Wanted("", body, style["bold"], style["italic"])
    return {id_: replace(wanted, part=PARTS[id_]) for id_, wanted in made.items()}


def signature(profile: Json, grammar: str, style: str) -> Wanted:
    """What is wanted of a line of a signature: style ThamQuyen, ChucVu or HoTenKy."""
    wanted = profile["closing"]["signature"][grammar]
    bold = {"ThamQuyen": "authority_bold", "ChucVu": "post_bold", "HoTenKy": "name_bold"}[style]
    sizes = allowed(profile, f"closing.signature.{grammar}.size_pt")
    return Wanted(PARTS[style], sizes, wanted[bold], False)


def _styled(profile: Json, key: str) -> Wanted:
    style = formats.at(profile, key)
    return Wanted("", allowed(profile, f"{key}.size_pt"), style["bold"], style["italic"])


# ---------------------------------------------------------------- comparing


def compare(wanted: Wanted, face: Face, font: str, where: str, tell: Tell) -> None:
    """Font, size, weight, slope and underline of letters against what is wanted of their part."""
    if face.font.casefold() not in ALIKE.get(font, (font.casefold(),)):
        tell(Difference(wanted.part, "phông chữ", font, face.font or "(không rõ)", where))
    number(wanted.part, "cỡ chữ", wanted.sizes, face.size, "pt", where, tell)
    for asked, found, yes, no in (
        (wanted.bold, face.bold, "đậm", "không đậm"),
        (wanted.italic, face.italic, "nghiêng", "đứng"),
        (wanted.underlined, face.underlined, "gạch chân", "không gạch chân"),
    ):
        if asked is not None and found is not None and asked != found:
            tell(Difference(wanted.part, "kiểu chữ", yes if asked else no, yes if found else no, where))


def number(
    part: str, what: str, wanted: tuple[float, float], found: float, unit: str, where: str, tell: Tell, off: float = -1
) -> None:
    """A measure against the least and the most that it may be; `unit` is pt or mm, or '' for a ratio."""
    if off < 0:
        off = OFF_MM if unit == "mm" else OFF_PT
    if not wanted[0] - off <= found <= wanted[1] + off:
        tell(Difference(part, what, measure(*wanted, unit), measure(found, found, unit), where))


def measure(least: float, most: float, unit: str) -> str:
    """'14 pt', '14-15 pt', '10,5 mm'."""
    texts = dict.fromkeys(
        f"{value:.{1 if unit == 'mm' else 2}f}".rstrip("0").rstrip(".").replace(".", ",") for value in (least, most)
    )
    return f"{'-'.join(texts)} {unit}".strip()


def paper(width: float, height: float) -> str:
    """'210 x 297 mm'."""
    return f"{width:.0f} x {height:.0f} mm"


def texts_of_head(head: TitleBlock, profile: Json, tell: Tell) -> None:
    """The fixed words of a head, the form of its number and of its date."""
    if not head.heading:
        return
    wanted = profile["head"]
    for style, asked, found in (
        ("TieuDe", wanted["heading_text"], head.heading),
        ("TieuNgu", wanted["motto_text"], head.motto),
    ):
        if asked.casefold() != found.casefold():
            tell(Difference(PARTS[style], "chữ", asked or "(không có)", found or "(không có)", "trang 1"))
    number_line(profile, head.number, "trang 1", tell)
    date_line(profile, head.place_date, "trang 1", tell)


def number_line(profile: Json, text: str, where: str, tell: Tell) -> None:
    """'Số 06-BC/BDVTU' or 'Số: 15/BC-CATP', dots while there is no number."""
    form = profile["head"]["number"]
    if not re.fullmatch(rf"{form['label']} (\.{{3,}}|…+|\d+\w?){form['joined_by']}[\w./-]+", text.strip()):
        shape = f"{form['label']} 15{form['joined_by']}BC..."
        tell(Difference(PARTS["SoKyHieu"], "dạng số", shape, text, where))


def date_line(profile: Json, text: str, where: str, tell: Tell) -> None:
    """'Hải Phòng, ngày 05 tháng 02 năm 2024': of the months only 1 and 2 have two digits."""
    form = profile["head"]["place_date"]["form"]
    shape = re.escape(form).replace(r"\{", "{").replace(r"\}", "}").replace("{place}", r"[^\d,]+")
    for part, digits in (("{day}", r"\d\d"), ("{month}", "(?:0[12]|[3-9]|1[0-2])"), ("{year}", r"\d{4}")):
        shape = shape.replace(part, rf"(?:\.{{2,}}|…+|{digits})")
    if not re.fullmatch(shape, text.strip()):
        wanted = form.format(place="Hải Phòng", day="05", month="02", year="2024")
        tell(Difference(PARTS["DiaDanhNgay"], "dạng ngày", f"như “{wanted}”", text, where))


def signatory(profile: Json, person: Signatory, where: str, tell: Tell) -> None:
    """Words of authority in the signatory's own grammar."""
    authority(profile, person.grammar, person.titles[0] if person.titles else "", where, tell)


def authority(profile: Json, grammar: str, line: str, where: str, tell: Tell) -> None:
    if wrong := formats.foreign_authority(profile, grammar, line):
        due = ", ".join(profile["closing"]["signature"][grammar]["authority"])
        tell(Difference(PARTS["ThamQuyen"], "cách viết", due, wrong, where))


def archive(profile: Json, text: str, where: str, tell: Tell) -> None:
    """The line of the archive begins as the format has it."""
    due = profile["closing"]["distribution"]["archive"]
    if text.startswith("Lưu") and not text.startswith(due):
        tell(Difference(PARTS["NoiNhanMuc"], "dòng lưu", f"“{due.strip()}” ở đầu dòng", text, where))


def gathered(differences: Iterable[Difference]) -> list[Difference]:
    """The same difference in many places once: its first place, and how many more."""
    first: dict[tuple[str, ...], Difference] = {}
    more: dict[tuple[str, ...], int] = {}
    for one in differences:
        key = (one.part, one.what, one.wanted, one.found)
        more[key] = more.get(key, -1) + 1
        first.setdefault(key, one)
    return [
        replace(one, where=f"{one.where} và {more[key]} chỗ khác") if more[key] else one for key, one in first.items()
    ]


def place(page: str, text: str) -> str:
    """'trang 3: “Thực hiện Kế hoạch …”'."""
    short = text if len(text) <= 40 else f"{text[:40].rstrip()}…"
    return f"{page}: “{short}”" if text else page
