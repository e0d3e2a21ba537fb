"""What was found in a Word file that came back, as lines for the analyst. Words that went stand in [-...-], new ones in
{+...+}; of a figure its expression, formula and cells are told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from danvan.publish.differences import Differences, FigureChange, Hunk, Prose, Token, hunks_of, joined, shown, worded
from danvan.publish.reread import Comment
from danvan.publish.suggestions import Suggested, Suggestion

_CHANGED = {"added": "thêm", "removed": "xóa", "moved here": "chuyển đến", "moved away": "chuyển đi"}
_BY_HAND = {"changed": "sửa", "added": "thêm {}", "deleted": "xóa {}", "moved": "chuyển đoạn sang chỗ khác"}
_AROUND = 12  # tokens shown beside what changed
_FIRST = 200  # letters of a table


def lines(
    found: Differences, suggested: Suggested, suggestions: Sequence[Suggestion], trace: Mapping[str, Any]
) -> Iterator[str]:
    """All lines, section by section; `suggestions` as they are numbered, `trace` that of the build."""
    figures = [change for change in found.figures if change.is_figure]
    words = [c for c in found.figures if not c.is_figure and c.kind not in ("unmarked", "typed")]
    for title, changes in (
        ("Con số bị sửa tay", [change for change in figures if change.kind == "altered"]),
        ("Con số bị xóa", [change for change in figures if change.kind == "deleted"]),
        ("Con số bị chép thêm", [change for change in figures if change.kind == "repeated"]),
        ("Số gõ tay trong câu chữ", [change for change in found.figures if change.kind == "typed"]),
        ("Chữ lấy từ params bị sửa, xóa, chép thêm", words),
    ):
        told = [line for one in changes if not one.within for line in _figure(one, suggested.expressions, trace)]
        whole = Counter((change.place, change.within) for change in changes if change.within)
        told += [f"- {place}: xóa {within}, {count} con số" for (place, within), count in whole.items()]
        yield from _titled(title, told, len(changes))
    yield from _titled("Câu chữ", [line for one in found.prose for line in _prose(one)], len(found.prose))
    yield from _titled(
        "Sửa đổi có theo dõi (Track Changes); phần so sánh ở trên coi như đã chấp nhận hết",
        [f"- {place}: người sửa {one.by} {_CHANGED[one.kind]} {_quoted(one.text)}" for place, one in found.changes],
        len(found.changes),
    )
    yield from _titled("Lời bình luận", [_comment(place, one) for place, one in found.comments], len(found.comments))
    lost = Counter(change.place for change in found.figures if change.kind == "unmarked")
    title = "Con số mất thẻ đánh dấu (bookmark) nhưng chữ còn nguyên, không phải làm gì"
    yield from _titled(title, [f"- {place}: {count} chỗ" for place, count in lost.items()], lost.total())
    if found.boxes:
        yield f"\nTệp có thêm {found.boxes} khung chữ (text box); chữ trong khung không được đọc."
    yield from _titled("Đề xuất sửa sổ và params", list(_suggestions(suggestions)), len(suggestions))
    by_hand = [f"- {one.place}: {_BY_HAND[one.kind].format(one.what)}" for one in suggested.unplaced]
    yield from _titled("Câu chữ phải sửa tay (không tìm được đúng một chỗ trong sổ hay params)", by_hand, len(by_hand))
    if not (found.figures or found.prose or found.changes or found.comments):
        yield "\nKhông có gì khác."
    elif any(not one.problem for one in suggestions):
        yield "\nNhận đề xuất: thêm --accept 1,3 (số thứ tự) hoặc --accept all. Con số sửa tay không bao giờ được nhận."


def _titled(title: str, told: Sequence[str], count: int) -> Iterator[str]:
    if told:
        yield f"\n{title}: {count}"
        yield from told


def _quoted(text: str) -> str:
    return "dấu xuống đoạn" if text == "¶" else f"“{text}”"


def _figure(change: FigureChange, expressions: Mapping[str, str], trace: Mapping[str, Any]) -> Iterator[str]:
    """A figure's change, and the way back to its cells."""
    what = {
        "altered": f"“{change.old}” thành “{change.new}”",
        "deleted": f"“{change.old}” bị xóa",
        "repeated": f"“{change.old}” có ở hai chỗ",
        "typed": f"“{change.new}”",
        "unmarked": f"“{change.old}”",
    }[change.kind]
    yield f"- {change.place}: {what}"
    if change.name in expressions:
        yield f"    biểu thức: {{eval}}`{expressions[change.name]}`"
    items = (item for item in trace["printed"] if change.name and item.get("name") == change.name)
    item: Mapping[str, Any] = next(items, {})
    for key in item.get("results", ()):
        result = trace["results"][key]
        yield f"    {result['name']}, công thức: {result['formula']}"
        yield from _sources(result["sources"])


def _sources(sources: Sequence[Sequence[str]]) -> Iterator[str]:
    """The cells, those of the same place in several files of a folder together."""
    refs: dict[tuple[str, str], list[str]] = {}
    for file, sheet, ref in sources:
        refs.setdefault((file, sheet), []).append(ref)
    places: dict[tuple[str, str, str], list[str]] = {}
    for (file, sheet), found in refs.items():
        path = PurePosixPath(file)
        places.setdefault((str(path.parent), sheet, ", ".join(found)), []).append(path.name)
    for (folder, sheet, cells), names in places.items():
        where = ", ".join(filter(None, [f"trang “{sheet}”" if sheet else "", f"ô {cells}" if cells else ""]))
        yield f"    nguồn: {folder}/{', '.join(names)}" + (f": {where}" if where else "")


def _prose(one: Prose) -> Iterator[str]:
    match one.kind:
        case "added":
            yield f"- {one.place}: thêm {one.what} sau đó: {{+{_said(one.new, one)}+}}"
        case "deleted":
            yield f"- {one.place}: xóa {one.what}: [-{_said(one.old, one)}-]"
        case _:
            what = "chuyển đoạn sang chỗ khác: " if one.kind == "moved" else ""
            yield f"- {one.place}: {what}{_marked(one.old, one.hunks)}"
            for text in one.restyled:
                yield f"    đổi kiểu chữ (đậm, nghiêng): “{text}”"


def _said(made: Sequence[Token], one: Prose) -> str:
    """All words of a paragraph; of a row or table the first."""
    text = joined(made)
    return text if one.what == "đoạn" or len(text) <= _FIRST else f"{text[:_FIRST].rstrip()} ..."


def _marked(old: Sequence[Token], hunks: Sequence[Hunk]) -> str:
    """A paragraph with what changed in it; what is far from that is left out."""
    made, at = [], 0
    for hunk in hunks:
        gone, come = shown(old[hunk.start : hunk.end]), shown(hunk.new)
        made.append(_between(old[at : hunk.start], begins=at == 0, ends=False))
        made += [f"[-{gone}-]"] * bool(gone) + [f"{{+{come}+}}"] * bool(come)
        at = hunk.end
    made.append(_between(old[at:], begins=at == 0, ends=True))
    return re.sub(r"\s+", " ", "".join(made)).strip()


def _between(same: Sequence[Token], *, begins: bool, ends: bool) -> str:
    if len(same) <= 2 * _AROUND:
        return shown(same)
    before = shown(same[:_AROUND]) if ends or not begins else ""
    return f"{before} ... {'' if ends else shown(same[-_AROUND:])}"


def _comment(place: str, one: Comment) -> str:
    about = f" về “{one.words}”" if one.words else ""
    reply = " (trả lời một lời khác)" if one.answers else ""
    done = " (đã xử lý)" if one.done else ""
    return f"- {place}: người sửa {one.by}{about}{reply}{done}: “{one.text}”"


def _suggestions(suggestions: Sequence[Suggestion]) -> Iterator[str]:
    for number, one in enumerate(suggestions, start=1):
        yield f"{number}. {one.where} ({one.place})"
        if one.problem:
            yield f"    không nhận được: {one.problem}."
        old, new = tuple(worded(one.old)), tuple(worded(one.new))
        if old and new:
            yield f"    {_marked(old, hunks_of(old, new))}"
        else:
            yield f"    bỏ đoạn: [-{one.old}-]" if old else f"    thêm đoạn: {{+{one.new}+}}"
