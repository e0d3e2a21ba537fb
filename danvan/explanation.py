"""A figure that somebody asks for: which results of a trace it is, and the way back of each, line by line. No I/O."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from danvan import retrace, wording
from danvan.measures import TOTAL

Trace = Mapping[str, Any]
UNTOLD = "không nêu trong ấn bản này"
_FEW = 16  # terms of a sum that are written out: fifteen units and the city's offices
_NEAREST = 5
_SAID_YES = "số đơn vị ghi Có"
_DIGIT = re.compile(r"\d")
_ENGLISH = re.compile(r"(?P<whole>\d{1,3}(?:,\d{3})*)(?P<rest>\.\d+)?(?P<percent>%?)")


@dataclass(frozen=True)
class Source:
    """A cell (or a line of a CSV) behind a result: whose it is, and what the trace says that stands there."""

    file: str
    sheet: str
    ref: str
    unit: str
    text: str


@dataclass(frozen=True)
class Explanation:
    """The way back of one result. `lines` are (label, words); `places`: where it is printed; `files`: their sha256."""

    key: str
    title: str
    lines: tuple[tuple[str, str], ...]
    places: tuple[str, ...]
    sources: tuple[Source, ...]
    files: Mapping[str, str]


# ---------------------------------------------------------------- which results are meant


def find(trace: Trace, asked: str) -> tuple[str, ...]:
    """The keys of the results that are meant by what was asked for, each once; none if nothing is.

    A result's id, a bookmark's name, an indicator's code, a figure as printed (with or without words around it), a
    unit and an indicator, an indicator's name: the first of these that fits.
    """
    asked = _flat(asked)
    for way in (_by_key, _by_bookmark, _by_code, _by_text, _by_unit, _by_name):
        if keys := tuple(dict.fromkeys(key for key in way(trace, asked) if key in trace["results"])):
            return keys
    return ()


def nearest(trace: Trace, asked: str) -> tuple[str, ...]:
    """What is there that comes nearest to what was asked for in vain: figures for a figure, else codes and names."""
    asked = _flat(asked)
    if _DIGIT.search(asked) and (figures := _figures(trace)):
        alike = difflib.get_close_matches(asked, figures, n=3, cutoff=0.7)
        value = _value(asked)
        near = sorted(figures, key=lambda text: abs(_value(text) - value))
        return tuple(dict.fromkeys([*alike, *near]))[:_NEAREST]
    names = {_bare(name): name for code, one in trace["indicators"].items() for name in (one["name"], code)}
    words = set(_bare(asked).split())
    shared = {bare: len(words.intersection(bare.split())) for bare in names}
    there = [names[bare] for bare in sorted(names, key=lambda bare: -shared[bare]) if shared[bare]]
    alike = [names[bare] for bare in difflib.get_close_matches(_bare(asked), list(names), n=_NEAREST, cutoff=0.5)]
    return tuple(dict.fromkeys([*there, *alike]))[:_NEAREST]


def vietnamese(asked: str) -> str:
    """A figure written the English way as Vietnamese writes it: '4,342' -> '4.342'; '' of anything else."""
    found = _ENGLISH.fullmatch(_flat(asked))
    thousands = found and "," not in found["whole"] and len(found["rest"] or "") == 4  # '4.342' is ours
    if not found or thousands or not ("," in found["whole"] or found["rest"]):
        return ""
    return asked.strip().translate(str.maketrans(",.", ".,"))


def _by_key(trace: Trace, asked: str) -> Iterator[str]:
    yield from (key for key in trace["results"] if key.casefold() == asked)


def _by_bookmark(trace: Trace, asked: str) -> Iterator[str]:
    for item in trace["printed"]:
        if item.get("name", "").casefold() == asked:
            yield from item["results"]


def _by_code(trace: Trace, asked: str) -> Iterator[str]:
    """The city's figure of this year; where there is none, all there are."""
    own = [key for key in trace["results"] if retrace.name_of(key).casefold() == asked]
    yield from [key for key in own if retrace.mark_of(key) == f"{trace['year']}/{TOTAL}"] or own


def _by_text(trace: Trace, asked: str) -> Iterator[str]:
    """As printed; as a chart or card writes it; within more words; as a part of what is printed."""
    if not _DIGIT.search(asked):
        return
    if re.fullmatch(r"\d{4,}", asked):
        asked = wording.number(Decimal(asked))
    printed = [(_flat(item["text"]), item["results"]) for item in trace["printed"] if item["text"]]
    results = {key: _flat(result["text"]) for key, result in trace["results"].items()}
    named = {key for _, keys in printed for key in keys}
    if keys := [key for text, keys in printed if text == asked for key in keys]:
        yield from keys
        return
    if keys := [key for key, text in results.items() if text == asked and key in named]:
        yield from keys
        return
    figures = [(text, keys) for text, keys in printed if _DIGIT.search(text) and _stands_in(text, asked)]
    if figures:
        longest = max(len(text) for text, _ in figures)
        fitting = [(text, key) for text, keys in figures if len(text) == longest for key in keys]
        measured = [key for text, key in fitting if _is_of(trace, key, asked.replace(text, " "))]
        yield from measured or [key for _, key in fitting]
        return
    yield from (key for text, keys in printed if _stands_in(asked, text) for key in keys)


def _is_of(trace: Trace, key: str, words: str) -> bool:
    """Whether the words about a figure are what the result is measured in, or its name."""
    result, words = trace["results"].get(key, {}), words.strip()
    return bool(words) and (
        words == _flat(result.get("measured_in", "")) or _bare(words) in _bare(result.get("name", ""))
    )


def _by_unit(trace: Trace, asked: str) -> Iterator[str]:
    """'Hải An tips_received', 'tin về an ninh trật tự của Hải An': this year's before the last's."""
    bare = f" {_bare(asked)} "
    fitting = []
    for key, result in trace["results"].items():
        words = (_bare(result.get("scope", "")), retrace.name_of(key).casefold(), _bare(result["name"]))
        if words[0] and f" {words[0]} " in bare and any(f" {word} " in bare for word in words[1:]):
            fitting.append((result.get("year") == trace["year"], len(words[0]) + len(words[2]), key))
    best = max(((now, length) for now, length, _ in fitting), default=None)
    yield from (key for *rank, key in fitting if tuple(rank) == best)


def _by_name(trace: Trace, asked: str) -> Iterator[str]:
    """The indicator of that name, with or without its diacritics; a name that has these words, if it is one alone."""
    codes = {code: _bare(one["name"]) for code, one in trace["indicators"].items()}
    own = [code for code, name in codes.items() if name == _bare(asked)]
    part = [code for code, name in codes.items() if f" {_bare(asked)} " in f" {name} "]
    for code in own or (part if len(part) == 1 else []):
        yield from _by_code(trace, code.casefold())


def _figures(trace: Trace) -> list[str]:
    """All figures printed, without the long sentences that hold some."""
    texts = (item["text"] for item in trace["printed"] if item["where"] != "chart")
    return list(dict.fromkeys(text for text in texts if len(text) <= 24 and _DIGIT.search(text)))


def _value(text: str) -> Decimal:
    """The first number in a text, read the Vietnamese way."""
    found = re.search(r"\d[\d.]*(?:,\d+)?", text)
    return Decimal(found[0].replace(".", "").replace(",", ".")) if found else Decimal(0)


def _stands_in(words: str, text: str) -> bool:
    """Whether `text` has just these words, not as a part of a longer word or number."""
    return bool(re.search(rf"(?<![\w.,/]){re.escape(words)}(?![\w%]|[.,/]\d)", text))


def _flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().strip(" “”\"'`").split())


def _bare(text: str) -> str:
    """Words without diacritics and marks: 'tin ve an ninh trat tu'."""
    letters = unicodedata.normalize("NFD", _flat(text).replace("đ", "d"))
    return " ".join(re.findall(r"[\w@]+", "".join(c for c in letters if not unicodedata.combining(c))))


# ---------------------------------------------------------------- the way back of one


def explain(trace: Trace, key: str) -> Explanation:
    """What a trace knows of one of its results. A trace of an older edition may know less; that line is left out."""
    result = trace["results"][key]
    told = trace["indicators"].get(retrace.name_of(key), {})
    sources = tuple(_sources(trace, key))
    lines = [
        ("Con số", _figure(result)),
        ("Định nghĩa", told.get("definition", "")),
        ("Tính bằng", result.get("measured_in", "")),
        ("Công thức", _formula(result, told, sources)),
        ("Mức chính xác", _exactness(result)),
        ("Tình trạng", _status(result)),
        ("Nguồn gốc", _provenance(result)),
        ("Mức đầy đủ", retrace.coverage(result)),
        ("Dao động", result.get("interval", "")),
        ("Năm trước", result.get("last", "")),
        ("So sánh", result.get("change", "")),
        *(("Chờ giải trình", _finding(found)) for found in told.get("findings", ())),
        *(("Đã giải trình", _finding(found)) for found in told.get("answered", ())),
    ]
    return Explanation(
        key=key,
        title=result["name"],
        lines=tuple((label, text) for label, text in lines if text),
        places=tuple(_place(item) for item in trace["printed"] if key in item["results"]),
        sources=sources,
        files={source.file: trace.get("files", {}).get(source.file, "") for source in sources},
    )


def _figure(result: retrace.Traced) -> str:
    measured = "" if "%" in result["text"] or not _DIGIT.search(result["text"]) else result.get("measured_in", "")
    measured = "đơn vị" if result["formula"] == _SAID_YES else measured
    return f"{result['text']} {measured}".strip() + f" ({retrace.whose(result)})"


def _exactness(result: retrace.Traced) -> str:
    if result["value"] is None or "bound" not in result:
        return ""
    return retrace.bound(result["bound"]) or "chính xác"


def _provenance(result: retrace.Traced) -> str:
    return ": ".join(retrace.PROVENANCES[result["provenance"]]) if "scope" in result else ""


def _status(result: retrace.Traced) -> str:
    words = {status.value: words for status, words in retrace.STATUSES.items()}
    return ": ".join(words[result["status"]]) if "status" in result else ""


def _formula(result: retrace.Traced, told: Mapping[str, Any], sources: Sequence[Source]) -> str:
    """In words, then with the numbers put in, as far as the trace has them."""
    if "numerator" in result:
        over = " / ".join(wording.number(Decimal(result[part]), 2) for part in ("numerator", "denominator"))
        times = re.search(r" × .*", result["formula"])
        return f"{told.get('formula') or result['formula']} = {over}{times[0] if times else ''} = {result['text']}"
    if told.get("formula"):
        return str(told["formula"])
    texts = [source.text for source in sources]
    if len(texts) < 2 or result["value"] is None or "status" not in result:
        return str(result["formula"])
    if UNTOLD in texts:
        return f"{result['formula']} (số của từng đơn vị {UNTOLD})"
    if result["formula"] == _SAID_YES:
        return f"{result['formula']}: {texts.count('Có')} trong {len(texts)} đơn vị"
    terms = texts if len(texts) <= _FEW else [*texts[:3], "…", texts[-1]]
    return f"{result['formula']}: {' + '.join(terms)} = {result['text']}"


def _finding(found: Mapping[str, str]) -> str:
    where = " · ".join(filter(None, (found["unit"], found["place"])))
    words = ": ".join(filter(None, (where, found["reason"])))
    if "answer" not in found:
        return words
    return f"{words} {': '.join(filter(None, (found['office'], found['answer']))) or 'Đã có giải trình.'}"


def _place(item: Mapping[str, Any]) -> str:
    """Where a figure stands in the document and in the notebook."""
    under = f"mục “{item['heading']}”" if item.get("heading") else ""
    of_notebook = f"ô {item['cell']} của sổ" if item.get("cell") else ""
    match item["where"]:
        case "text":
            what = f"in là “{item['text']}”, biểu thức {{eval}}`{item['expression']}`"
        case "table":
            row, column = item["row"], " ".join(item["column"].split())
            what = f"in là “{item['text']}”, bảng {item['id']}, dòng “{row}”, cột “{column}”"
        case _:
            what = f"biểu đồ {item['id']}: “{item['text']}”"
    return ", ".join(filter(None, (under, what, of_notebook, item.get("name", ""))))


def _sources(trace: Trace, key: str) -> Iterable[Source]:
    """Each cell once. Older traces know a cell's figure only where the unit's own result is printed."""
    cells, owners = trace.get("cells", {}), dict[str, str]()
    known: dict[tuple[str, ...], tuple[str, str]] = {}
    for other, result in trace["results"].items():
        if retrace.is_of_unit(other, result):
            for path, _, ref in result["sources"]:
                if not retrace.LINE.fullmatch(ref):
                    owners[path] = result["scope"]
            if len(result["sources"]) == 1:
                known[tuple(result["sources"][0])] = (result["scope"], result["text"])
    for path, sheet, ref in dict.fromkeys(tuple(source) for source in trace["results"][key]["sources"]):
        unit, text = cells.get(path, {}).get(sheet, {}).get(ref) or known.get((path, sheet, ref), ("", ""))
        of_return = "/returns/" in path
        yield Source(
            path,
            sheet,
            ref,
            unit or owners.get(path, PurePosixPath(path).stem if of_return else ""),
            text or (UNTOLD if of_return and ref else ""),
        )


def tools(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """With what an edition was made, from its manifest; older ones tell less."""
    code = manifest.get("code", {})
    version, digest = code.get("version") or manifest.get("danvan", ""), code.get("digest", "")
    yield "Chương trình", f"danvan {version}" + (f", mã nguồn {digest}" if digest else "")
    if lock := manifest.get("lock") or manifest["inputs"].get("requirements.lock"):
        yield "Khóa thư viện", f"requirements.lock {lock}"
    versions = ", ".join(f"{name} {has}" for name, has in sorted(manifest.get("tools", {}).items()))
    yield "Công cụ", f"Python {manifest.get('python', '')}, {versions}"
