"""Text in an old encoding, turned into Unicode, never silently: whoever gets a `Decoded` must say so.

TCVN3 (ABC) and VNI-Windows put Vietnamese letters at places of Latin-1 and leave the rest to a font; without its font
such text reads "Thñy Nguyªn" or "Hoàng Baøng". The third kind is UTF-8 that a program took for cp1252 or Latin-1.
Tables: TCVN 5712:1993 (VN3), and the layout of the VNI fonts for Windows.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["TCVN3", "VNI", "UTF-8 đọc nhầm"]


@dataclass(frozen=True)
class Decoded:
    """Text as it was meant (NFC), and the encoding that it was in."""

    text: str
    encoding: Encoding


def by_font(text: str, font: str) -> Decoded | None:
    """What a text says in its old font (.VnTime, VNI-Times ...).

    None for any other font, for plain ASCII, for text that already has Vietnamese of Unicode or reads better as it
    stands (typed anew in a cell that kept its font), and where nothing changes.
    """
    if text.isascii() or _has_unicode(text):
        return None
    if re.match(r"\.[Vv][Nn]|Vn[A-Z]", font):
        shown = _tcvn3(text)
        # .VnTimeH and its like show capitals for the codes of small letters.
        decoded = Decoded(shown.upper() if font.rstrip().endswith("H") else shown, "TCVN3")
    elif re.match(r"VNI\b", font, re.IGNORECASE):
        decoded = Decoded(_vni(text), "VNI")
    else:
        return None
    worse = _spelled(decoded.text).count(False) > _spelled(text).count(False)
    return None if worse or decoded.text == text else decoded


def guesses(text: str) -> tuple[Decoded, ...]:
    """Without a font: every old encoding under which the text becomes plausible Vietnamese; () for good text.

    Plausible: all letters are Vietnamese, nearly all words that have marks are spelled as a Vietnamese syllable can be,
    and more of them than before.
    """
    found = [Decoded(_utf8(text), "UTF-8 đọc nhầm")]
    if not _has_unicode(text):
        found = [Decoded(_tcvn3(text), "TCVN3"), Decoded(_vni(text), "VNI"), *found]
    now = _share(text)
    return tuple(
        guess for guess in found if guess.text != text and (share := _share(guess.text)) >= 0.9 and share > now
    )


# --- the three encodings ---------------------------------------------------------------------------------------

_VOWELS = "aăâeêioôơuưy"
_TONES = "\u0300\u0309\u0303\u0301\u0323"  # huyền, hỏi, ngã, sắc, nặng: the order of TCVN3


def _toned(vowel: str, tone: str) -> str:
    return unicodedata.normalize("NFC", vowel + tone)


# The codes of the five tones of each vowel, in the orders above.
_TCVN3_TONED = (
    *("b5b6b7b8b9", "bbbcbdbec6", "c7c8c9cacb", "cccecfd0d1", "d2d3d4d5d6", "d7d8dcddde"),
    *("dfe1e2e3e4", "e5e6e7e8e9", "eaebecedee", "eff1f2f3f4", "f5f6f7f8f9", "fafbfcfdfe"),
)
_TCVN3 = dict(zip(range(0xA1, 0xAF), "ĂÂÊÔƠƯĐăâêôơưđ", strict=True)) | {
    code: _toned(vowel, tone)
    for vowel, codes in zip(_VOWELS, _TCVN3_TONED, strict=True)
    for code, tone in zip(bytes.fromhex(codes), _TONES, strict=True)
}

# VNI writes most letters as a plain one and a mark behind it; ơ, ư, đ and some of i and y have their own codes.
_VNI_SMALL = (
    {"ô": "ơ", "ö": "ư", "ñ": "đ", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "í": "í", "ò": "ị", "î": "ỵ"}
    | {"aâ": "â", "aê": "ă", "eâ": "ê", "oâ": "ô"}
    | {
        written + mark: _toned(vowel, tone)
        for vowels, plain, marks in (
            ("aeouyơư", "aeouyôö", "øûõùï"),
            ("âêô", "aeo", "àåãáä"),
            ("ă", "a", "èúüéë"),
        )
        for vowel, written in zip(vowels, plain, strict=True)
        for mark, tone in zip(marks, _TONES, strict=True)
    }
)
_VNI = _VNI_SMALL | {
    cased: new.upper() for old, new in _VNI_SMALL.items() for cased in (old.upper(), old[0].upper() + old[1:])
}
_VNI_LETTER = re.compile("|".join(sorted(_VNI, key=len, reverse=True)))

# Five codes of cp1252 are open; programs keep them as Latin-1 does.
_BYTES = {chr(code): code for code in range(256)}
_BYTES |= {bytes([code]).decode("cp1252", "ignore"): code for code in range(0x80, 0xA0)}


def _tcvn3(text: str) -> str:
    read = text.translate(_TCVN3)
    # There are no toned capitals: a heading typed in capitals holds small ones between them.
    return read if re.search("[a-z]", text) or not re.search("[A-Z].*[A-Z]", text) else read.upper()


def _vni(text: str) -> str:
    return _VNI_LETTER.sub(lambda letter: _VNI[letter[0]], text)


def _utf8(text: str) -> str:
    """The text before it was misread, once or twice."""
    return unicodedata.normalize("NFC", _once(_once(text)))


def _once(text: str) -> str:
    if not all(character in _BYTES for character in text):
        return text
    data = bytes(_BYTES[character] for character in text)
    # The no-break space in à, Ạ, Ỡ may have become a plain one since, or have gone beside another.
    spaced = re.sub(rb"(\xc3|\xe1[\xba\xbb]) ", b"\\1\xa0", data)
    stripped = re.sub(rb"(\xc3|\xe1[\xba\xbb])(?= |$)", b"\\1\xa0", data)
    read = []
    for attempt in (data, spaced, stripped):
        try:
            read.append(attempt.decode("utf-8"))
        except UnicodeDecodeError:
            continue
    return max(read, key=_share, default=text)


# --- what reads as Vietnamese ----------------------------------------------------------------------------------

_LETTERS = frozenset(
    [_toned(vowel, tone) for vowel in _VOWELS for tone in ("", *_TONES)] + list("bcdđfghjklmnpqrstvwxz")
)
# Signs that are letters of TCVN3, or that misread UTF-8 has between letters: they show a word that is not read yet.
_SIGNED = r"(?:[^\W\d_]|[\u00a1-\u00ae\u00b5-\u00be\u00d7\u00f7])+"
_WORD = re.compile(rf"{_SIGNED}(?:[€‚„†‡ˆ‰‹‘’“”•˜™›]+{_SIGNED})*")
_SYLLABLE = re.compile(
    r"(?:ngh?|nh|n|kh|k|gh|gi|g|ch|c|ph|p|qu|th|tr|t|[bdđhlmrsvx])?(?P<rime>"
    r"a(?:ch|c|i|m|ng|nh|n|o|p|t|u|y)?|ă(?:c|k|m|ng|n|p|t)|â(?:c|m|ng|n|p|t|u|y)|"
    r"e(?:c|m|ng|n|o|p|t)?|ê(?:ch|m|ng|nh|n|p|t|u)?|"
    r"i(?:a|ch|c|m|ng|nh|n|p|t|u)?|[iy]ê(?:c|m|ng|n|p|t|u)|y(?:ch|nh|n|t)?|"
    r"o(?:c|i|m|ng|n|p|t)?|oo(?:c|ng)|o(?:a(?:ch|c|i|m|ng|nh|n|o|p|t|y)?|ă(?:c|m|ng|n|t)|e(?:m|n|o|t)?)|"
    r"ô(?:c|i|m|ng|n|p|t)?|ơ(?:i|m|n|p|t)?|"
    r"u(?:a|c|i|m|ng|n|p|t)?|uô(?:c|i|m|ng|n|t)|u(?:â(?:ng|n|t|y)|ê(?:ch|nh|n)?|ơ|y(?:a|ch|nh|n|p|t|u|ên|êt)?)|"
    r"ư(?:a|c|i|m|ng|n|t|u)?|ươ(?:c|i|m|ng|n|p|t|u))"
)


def _has_unicode(text: str) -> bool:
    """Whether a letter or mark stands there that only Unicode has: ế, ư, đ ...; the old encodings use Latin-1 alone."""
    return any(c > "\xff" and (c.lower() in _LETTERS or unicodedata.combining(c)) for c in text)


def _share(text: str) -> float:
    """How much of the words with marks is spelled as Vietnamese can be, 0 to 1; 0 with letters of another language."""
    spelled = _spelled(text)
    if not spelled or not all(c.lower() in _LETTERS for c in unicodedata.normalize("NFC", text) if c.isalpha()):
        return 0
    return sum(spelled) / len(spelled)


def _spelled(text: str) -> list[bool]:
    """For each word with marks, whether it is spelled as a Vietnamese syllable can be.

    Words without marks and abbreviations (HĐND) tell nothing, nor do single letters.
    """
    words = [word for word in _WORD.findall(unicodedata.normalize("NFC", text)) if not word.isascii()]
    return [_is_syllable(word) for word in words if len(word) > 1 and not re.fullmatch("[A-ZĐ]+", word)]


def _is_syllable(word: str) -> bool:
    """Whether a word is spelled as one syllable: its letters, its one tone and where that stands, its capitals."""
    # Like This, or LIKE THIS; TCVN3 has no toned capitals and writes PHIếU.
    if word not in (word.lower(), word.capitalize()) and not all(c.isupper() for c in word if c.isascii()):
        return False
    bare = ""
    tones: list[tuple[int, str]] = []
    for at, letter in enumerate(word.lower()):
        split = unicodedata.normalize("NFD", letter)
        tones += [(at, mark) for mark in split if mark in _TONES]
        bare += unicodedata.normalize("NFC", "".join(mark for mark in split if mark not in _TONES))
    match = _SYLLABLE.fullmatch(bare)
    if not match or len(tones) > 1:
        return False
    rime = match["rime"]
    if rime.endswith(("c", "ch", "p", "t", "k")) and not (tones and tones[0][1] in "\u0301\u0323"):
        return False  # a syllable that ends in a stop has sắc or nặng
    return all(at - match.start("rime") in _tone_places(rime) for at, _ in tones)


def _tone_places(rime: str) -> tuple[int, ...]:
    """On which letters of a rime the tone may stand: hòa and hoà are both written."""
    marked = [at for at, letter in enumerate(rime) if letter in "ăâêôơư"]
    if marked:
        return (marked[-1],)
    vowels = len(rime.rstrip("bcdghklmnpt"))
    if vowels < len(rime):
        return (vowels - 1,)
    return (0, 1) if rime in ("oa", "oe", "uy") else (int(vowels == 3),)
