"""Data about a person: found, and masked wherever text is shown.

Identity and phone numbers follow fixed rules and are certain enough to stop a return. A person's name is a guess from
capitals, surnames and forms of address: good for a warning, no more. Only aggregates belong in a return.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal["identity", "phone", "name"]


@dataclass(frozen=True)
class Personal:
    """What tells of a person: `text` stands at `start`:`end` of what was searched. Names are without ông, bà."""

    kind: Kind
    start: int
    end: int
    text: str


def find(text: str, allowed: Collection[str] = ()) -> tuple[Personal, ...]:
    """Every identity number, phone number and person's name, from left to right.

    `allowed`: public numbers such as a hotline; only their digits are compared.
    """
    plain, starts, ends = _plain(text)
    public = {_digits(number) for number in allowed}
    spans: list[tuple[int, int, Kind]] = [(start, end, "name") for start, end in _names(plain)]
    spans += [span for span in _numbers(plain) if _digits(plain[span[0] : span[1]]) not in public]
    return tuple(
        Personal(kind, starts[start], ends[end - 1], text[starts[start] : ends[end - 1]])
        for start, end, kind in sorted(spans)
    )


def mask(text: str) -> str:
    """The text as it may be shown: "099*****9999", "ông N*** V*** A***"; masking twice changes nothing more."""
    # Once more after a change: what stands beside a number tells what it is, and may be masked by now.
    while (shown := _masked(text)) != text:
        text = shown
    return text


def is_name_column(label: str) -> bool:
    """Whether the head of a column asks for persons (Họ tên, CCCD, Ngày sinh ...), with tones or all without."""
    words = " ".join(re.findall(r"[^\W_]+", _plain(label)[0].casefold().replace(".", "")))
    asks, papers, counted = _HEADS_BARE if words.isascii() else _HEADS
    return bool(asks.search(words) or (papers.search(words) and not counted.search(words)))


def _masked(text: str) -> str:
    parts, at = [], 0
    for found in find(text):
        plain = _plain(found.text)[0]
        hidden = _WORD.sub(lambda word: f"{word[0][0]}***", plain) if found.kind == "name" else _stars(plain)
        parts += [text[at : found.start], hidden]
        at = found.end
    return "".join([*parts, text[at:]])


# --- the text as it looks --------------------------------------------------------------------------------------


def _plain(text: str) -> tuple[str, list[int], list[int]]:
    """The text as a reader sees it, and where each of its characters starts and ends in `text`.

    Letters are NFC, spaces and dashes plain, digits of any script ASCII; what is invisible goes, so that it hides
    nothing between two digits.
    """
    seen: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for at, character in enumerate(text):
        kind = unicodedata.category(character)
        if kind in ("Mn", "Me"):
            if seen:
                # One mark at a time: to normalise a long pile of marks at once takes quadratic time.
                joined = unicodedata.normalize("NFC", seen[-1] + character)
                seen[-1] = joined if len(joined) == 1 else seen[-1]
                ends[-1] = at + 1
        elif kind != "Cf":
            seen.append(_as_seen(character, kind))
            starts.append(at)
            ends.append(at + 1)
    return "".join(seen), starts, ends


def _as_seen(character: str, kind: str) -> str:
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if character.isspace():
        return "\n" if character.splitlines() == [""] else " "
    if kind == "Pd" or character == "\u2212":
        return "-"
    if character in "\u00b7\u2022\u2219\u2027":  # dots in the middle of the line
        return "."
    if "\uff01" <= character <= "\uff5e":  # full width
        return chr(ord(character) - 0xFEE0)
    return unicodedata.normalize("NFC", character)


def _digits(text: str) -> str:
    return "".join(re.findall(r"\d", _plain(text)[0]))


def _bare(text: str) -> str:
    """Without tones and other marks: "Đỗ" -> "Do"."""
    split = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in split if not unicodedata.combining(c))


# --- numbers ---------------------------------------------------------------------------------------------------

_GAP = r"[ .()_-]{0,3}"
_NUMBER = re.compile(
    rf"""
    (?<!\w) (?i: c[mc]nd | cmtnd | cmt | cccd | căn[ ]cước (?:[ ]công[ ]dân)? | hộ[ ]chiếu
               | chứng[ ]minh (?:[ ]nhân[ ]dân|[ ]thư)? )
        [^\w\n]{{0,3}} (?: (?i:số) [^\w\n]{{0,3}} )?
        (?P<named> [A-Za-z][ .-]?\d{{7,8}} | \d(?:[ .-]?\d){{8,11}} ) (?![\w*])
    | (?<![\d*]) (?:
        (?P<abroad> (?:(?:\+|00){_GAP})? 84{_GAP} (?:0{_GAP})?
            (?: [35789](?:{_GAP}\d){{8}} | 2(?:{_GAP}\d){{9}} ) )
      | (?P<grouped> (?=0\d*(?P<mark>[ .-])) 0(?:(?P=mark)?\d){{11}} | 0\d\d[ .-]\d{{3}}[ .-]\d{{3}} )
      | (?P<phone>
            0(?:[ ](?=\d{{3}}))?[35789](?:{_GAP}\d){{8}}        # mobile
          | 01[2689](?:{_GAP}\d){{8}}                           # mobile, as before 2018
          | 02(?:{_GAP}\d){{9}}                                 # landline
          | 069(?:{_GAP}\d){{7}} )                              # landline of the police and the army
      | (?P<run>
            \d{{12}} | \d{{11}}                                 # CCCD, CCCD that lost its 0
          | [12468][0-3]\d{{8}}                                 # CCCD that lost two (Hà Nội is 001)
          | \d{{9}} )                                           # CMND, or a phone number that lost its 0
      ) (?![\d*])
    | (?<!\w) (?P<passport> [A-Za-z]\d{{7,8}} ) (?![\w*])
    """,
    re.VERBOSE,
)
# Hexadecimal digests and UUIDs hold long runs of digits by chance.
_DIGEST = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{32,}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4,12}){4})(?![0-9A-Za-z])")
_MEASURED = re.compile(r" ?(?:(?:đồng|đ|vnđ|vnd|usd|nghìn|triệu|tỷ|kg|lượt|người|tin)\b|%)", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)\d{1,2}([ .-])\d{1,2}\1(?:19|20)\d\d(?!\d)")
_LAST_ROW = "1048576"  # of a sheet: with a letter before it an address, not a passport


def _numbers(text: str) -> Iterator[tuple[int, int, Kind]]:
    text = _DIGEST.sub(lambda digest: "x" * len(digest[0]), text)
    at = 0
    while match := _NUMBER.search(text, at):
        shape = match.lastgroup or ""
        start, end = match.span(shape)
        if _is_personal(text, start, end, shape):
            yield start, end, "phone" if shape in ("phone", "abroad") else "identity"
            at = end
        else:
            at = match.start() + 1


def _is_personal(text: str, start: int, end: int, shape: str) -> bool:
    """Whether a number of a suspicious shape is one: not an amount, a fraction, a date or a row of small numbers."""
    number, before, after = text[start:end], text[max(0, start - 10) : start], text[end : end + 8]
    if shape == "passport":
        return number[1:] != _LAST_ROW
    if not number.startswith(("0", "+")) and shape != "named":
        thousands = re.fullmatch(r"\d{1,3}(?:\.\d{3})+", number)
        has_fraction = re.match(r"[.,]\d{1,2}(?!\d)", after)
        if thousands or has_fraction or _MEASURED.match(after) or re.fullmatch(r"\d+0{5}", number):
            return False
    if shape == "run":
        # The decimals of a number; but 1. and 12. may stand before an identity number as the number of a line.
        whole = r"(?:0|\d{3,8})" if number[0] == "0" else r"\d{1,8}"
        if re.search(rf"(?<!\d){whole}[.,]$", before):
            return False
        # Digits that continue a code are of that code; only a whole CCCD is known by itself.
        continues = re.search(r"\w$", before) or re.match(r"\w", after)
        return not continues or (len(number) == 12 and number.startswith("0"))
    if re.search(r"\d\.$", before) and re.fullmatch(r"\d{3}(?:\.\d{3})+", number):
        return False  # the tail of 1.034.567.890.123
    return not _DATE.search(number) and _is_one(re.findall(r"\d+", number))


def _is_one(groups: list[str]) -> bool:
    """Whether groups of digits are one number, and not a row of small numbers such as 05 12 3 or 05-06-07."""
    sizes = {len(group) for group in groups}
    if max(sizes) >= 3:
        return len(groups) <= 6
    return sizes == {1} or (sizes == {2} and any(int(b) - int(a) != 1 for a, b in pairwise(groups)))


def _stars(number: str) -> str:
    """The first three characters, stars, and at most four at the end; four at least are hidden, separators go."""
    bare = "".join(re.findall(r"[^\W_]", number))
    last = max(1, min(4, len(bare) - 7))
    return ("+" if number.startswith("+") else "") + bare[:3] + "*" * (len(bare) - 3 - last) + bare[-last:]


# --- names -----------------------------------------------------------------------------------------------------


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split(", "))


def _both(words: str) -> frozenset[str]:
    """With tones and without."""
    return _set(words) | _set(_bare(words))


_SURNAMES = _set(
    "nguyễn, trần, lê, phạm, hoàng, huỳnh, phan, vũ, võ, đặng, bùi, đỗ, hồ, ngô, dương, lý, đào, đoàn, trịnh, trương, "
    "đinh, lương, lâm, mai, tô, hà, cao, phùng, quách, tạ, lưu, chu, thái, tăng, vương, kiều, nghiêm, doãn, đàm, hứa, "
    "tống, mạc, khổng, khúc, lã, triệu, phí, vi, lò, đồng, bạch"
)
# Without tones only those that are hardly another word.
_CLEAR_BARE = _set("nguyen, tran, le, pham, hoang, huynh, phan, vu, vo, dang, bui, ngo, duong, trinh, truong, dinh")
_SURNAMES_BARE = frozenset(map(_bare, _SURNAMES))
_SURNAMES_BOTH = _SURNAMES | _SURNAMES_BARE
_MIDDLE = _both("văn, thị")
# Communes and wards of any year named after a person, by three words or more.
_UNITS = _both(
    "lê thanh nghị, chu văn an, trần hưng đạo, trần nhân tông, lê đại hành, phạm sư mạnh, nguyễn đại năng, "
    "khúc thừa dụ, nguyễn lương bằng, lê ích mộc, nguyễn bỉnh khiêm, hoàng văn thụ, phan bội châu, trần nguyên hãn, "
    "trần thành ngọ, lê hồng phong, phạm ngũ lão"
)
# Two words that look like the first two of a name: places, and words in headings of capitals.
_NOT_NAMES = _both(
    "lê chân, ngô quyền, dương kinh, bạch long, bạch đằng, hồ chí, hà nội, hà nam, hà giang, hà tĩnh, hà tây, hà đông, "
    "hà bắc, thái bình, thái nguyên, lâm đồng, cao bằng, bà rịa, bà trưng, bà triệu, anh quốc, anh dũng, đồng nai, "
    "đồng tháp, đoàn thanh, đoàn kết, đoàn thể, đoàn kiểm, đoàn công, đoàn viên, phạm vi, phạm tội, phạm pháp, "
    "phạm nhân, dương tính, vũ khí, vũ trang, vũ trường, hồ sơ, lý do, lý lịch, lý luận, đào tạo, lưu trữ, lưu ý, "
    "lưu động, lương thực, tăng cường, tăng trưởng, cao điểm, cao cấp, mai táng, thái độ, lâm nghiệp, kiều bào, "
    "chu kỳ, vi phạm, đồng bào, đồng phục, đồng thời"
)
_ADDRESS = r"ông|bà|anh|chị|em|cháu|cô|bác|cụ|đồng chí"
_HONORIFIC = re.compile(rf"(?:^|\W)(?:{_ADDRESS}|đ/c|đc)[.:]? *$")
_HONORIFIC_BARE = re.compile(r"(?:^|\W)(?:ong|ba|chi|chau|dong chi|d/c|dc)[.:]? *$")
# Capitalised words before a name that are not of it; each ends with a space.
_OPENING = re.compile(
    rf"(?P<addressed>{_ADDRESS}|ong) |(?:đại|thượng|trung|thiếu) (?:tá|úy|uý|tướng) |họ (?:và )?tên |công dân "
    r"|đối tượng |công an |bí thư |chủ tịch |giám đốc |(?:phó|trưởng|chánh|tổng|bí|chủ|giám|ủy|đảng|hội|bộ|ban|phòng) "
)
_INNER_PLACES = _set("phường, quận, huyện, xã, phố, đường, thôn, tổ, khu, chợ, cầu, thpt, thcs, phuong, quan, huyen")
_PLACE = re.compile(
    r"(?:^|\W)(?P<many>(?:các|những|hai|ba|bốn|năm|\d) )?"
    r"(?:đường|phố|phường|quận|huyện|xã|thị trấn|thành phố|tỉnh|trường|cầu|chợ|bến|bến xe|khu|thôn|tổ|xóm|ấp|làng|ngõ|"
    r"ngách|ngã ba|ngã tư|đại lộ|tuyến|đền|chùa|đình|miếu|thpt|thcs|tiểu học|trung học|đại học|cao đẳng|mầm non|cơ sở|"
    r"phổ thông|dân cư|công ty|bệnh viện|công viên|quảng trường|tượng đài|sông|hồ|đảo|cảng|giải thưởng|quỹ|ủy|uỷ|"
    r"số \d{1,4}[a-z]?(?:/\d{1,4})*|(?:p|q|h|x|tp|tx|tt|đ)\.|"
    r"duong|pho|phuong|quan|huyen|truong|thon|xa)[ :“\"]*$"
)
_DASH, _LIST = re.compile(r" *- *"), re.compile(r" *(?:[-,;]|,? và) *")
_WORD = re.compile(r"[^\W\d_]+")


def _names(text: str) -> Iterator[tuple[int, int]]:
    """Where persons' names stand: rows of capitalised words that a form of address or a surname begins."""
    place, further, end = False, _DASH, 0
    for run in _runs(text):
        gap, before = text[end : run[0].start()], text[max(0, run[0].start() - 24) : run[0].start()].casefold()
        end = run[-1].end()
        # "tuyến A - B", "các phường A, B và C": the further names are places like the first.
        if place and further.fullmatch(gap):
            continue
        found = _PLACE.search(before)
        place, further = bool(found), _LIST if found and found["many"] else _DASH
        if place:
            continue
        words = [word[0].casefold() for word in run]
        inner = next((i for i, word in enumerate(words) if word in _INNER_PLACES or (not i and word == "trường")), None)
        place = inner is not None
        honorific = bool(_HONORIFIC.search(before))
        if _HONORIFIC_BARE.search(before) and words[0] in _SURNAMES_BARE:
            honorific = True
        for first, last in _in_run(words[:inner], honorific, strict=len(run) > 6 and run[0][0].isupper()):
            yield run[first].start(), run[last].end()


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Rows of neighbouring capitalised words, all Like This or all LIKE THIS; a single letter goes with both."""
    run: list[re.Match[str]] = []
    style = ""
    for word in _WORD.finditer(text):
        letters = word[0]
        if len(letters) == 1 and letters.isupper():
            # The initial of a masked name is no name.
            its = "" if text.startswith("***", word.end()) else "any"
        else:
            its = "title" if letters.istitle() else "capitals" if letters.isupper() else ""
        if run:
            gap = text[run[-1].end() : word.start()]
            if not its or gap.strip(" ") or len(gap) > 3 or (its != style and "any" not in (its, style)):
                yield run
                run, style = [], ""
        if its:
            run.append(word)
            style = its if style in ("", "any") else style
    if run:
        yield run


def _in_run(words: list[str], honorific: bool, strict: bool) -> Iterator[tuple[int, int]]:
    """The first and the last word of each name. `strict`: a heading, where only Văn or Thị shows a name."""
    at = 0
    while at < len(words) - 1:
        few = words[at : at + 5]
        if " ".join(few[:2]) in _NOT_NAMES:
            at, honorific = at + 2, False
        elif opening := _OPENING.match(" ".join(few) + " "):
            at, honorific = at + opening[0].count(" "), bool(opening["addressed"])
        elif size := _size(few, honorific, strict):
            yield at, at + size - 1
            at, honorific = at + size, False
        else:
            at, honorific, strict = at + 1, False, True


def _size(words: list[str], honorific: bool, strict: bool) -> int:
    """How many of two to five words are one person's name; 0 where none begins."""
    surname = words[0] in _SURNAMES or (words[0] in _CLEAR_BARE and all(map(str.isascii, words)))
    if not (honorific or surname) or (strict and words[1] not in _MIDDLE):
        return 0
    # Two persons in a row: the next begins at a surname that Văn or Thị follows.
    begins = (i for i in range(2, len(words) - 1) if words[i] in _SURNAMES_BOTH and words[i + 1] in _MIDDLE)
    size = next(begins, len(words))
    return 0 if size < (2 if honorific else 3) or " ".join(words[:size]) in _UNITS else size


# --- heads of columns ------------------------------------------------------------------------------------------

# What asks for a person; the paper or number of a person; words that make a count of such papers.
_ASKS = (
    r"\b(?:họ (?:(?:chữ )?đệm )?(?:và )?tên|họ và chữ đệm|"
    r"tên (?:của )?(?:đối tượng|công dân|người|nạn nhân|bị can|bị hại|cá nhân|chủ hộ|học viên|hội viên|cán bộ)|"
    r"(?:ngày|năm|nơi) sinh|sinh (?:ngày|năm)|quê quán|nguyên quán|"
    r"(?:nơi|chỗ) (?:ở|cư trú|thường trú|tạm trú|đăng ký thường trú)|hộ khẩu thường trú|"
    r"địa chỉ(?! (?:trang|web|website|fanpage|cơ quan|trụ sở|đơn vị)))\b|^(?:đăng ký )?(?:thường|tạm) trú$"
)
_PAPERS = (
    r"\b(?:cccd|cmnd|ccnd|cmtnd|cmt|căn cước|chứng minh (?:nhân dân|thư)|hộ chiếu|số định danh|định danh cá nhân|"
    r"giấy tờ (?:tùy|tuỳ) thân|sđt|sdt|số đt|đtdđ|số di động|số điện thoại|điện thoại (?:liên hệ|di động|cá nhân)|zalo|"
    r"số tài khoản|mã số thuế cá nhân|(?:mã số|số sổ|số thẻ) bảo hiểm)\b|^điện thoại\b"
)
_COUNTED = r"\b(?:đã|được|hồ sơ|lượt|tỷ lệ|tổng|trường hợp|thu nhận|đường dây nóng)\b"
_GLUED = r"|\b(?:hoten|hovaten|ngaysinh|namsinh|diachi|quequan|dienthoai|sodienthoai)\b"  # heads of a CSV
_HEADS = re.compile(_ASKS), re.compile(_PAPERS), re.compile(_COUNTED)
_HEADS_BARE = re.compile(_bare(_ASKS) + _GLUED), re.compile(_bare(_PAPERS)), re.compile(_bare(_COUNTED))
