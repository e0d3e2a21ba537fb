"""What differs between two editions of a document, and why: each changed figure with its cause. No I/O.

Causes are found in what the editions recorded, never typed: the digests of their inputs (manifest), and the formula
and source cells of each figure (trace).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

_RETURN = re.compile(r"data/(\d{4})/returns/(.+)")
_OF_A_YEAR = re.compile(r"data/(\d{4})/([^/]+)|params/(\d{4})\.yaml")
_UNITS = ("units.csv", "lineage.csv", "bodies.csv", "tiles.csv")
_SETTINGS = {
    "python": "phiên bản Python đã đổi",
    "SOURCE_DATE_EPOCH": "ngày của tài liệu (SOURCE_DATE_EPOCH) đã đổi",
    "allow_incomplete": "cách lập khi thiếu phiếu (--allow-incomplete) đã đổi",
}
UNKNOWN = "không rõ"  # nothing that was recorded differs
WITHHELD = "không công bố"


@dataclass(frozen=True)
class Snapshot:
    """What an edition recorded: its manifest, its trace, and its prose, the text of each Markdown cell as printed."""

    manifest: Mapping[str, Any]
    trace: Mapping[str, Any]
    prose: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cause:
    """Why a figure changed; `text` is a Vietnamese phrase.

    `kind`: late, corrected, withdrawn, replaced, renamed (returns), definition, units, params, population, reference,
    stated, answers, notebook, program, settings, unknown.
    """

    kind: str
    text: str


@dataclass(frozen=True)
class Figure:
    """A changed figure. `old` is '' where it is new, `new` is '' where it is gone."""

    key: str
    name: str
    scope: str
    year: int | None
    measured_in: str
    old: str
    new: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True)
class Difference:
    """What differs: figures, those of the city first; inputs; files of the edition; whether the words around do."""

    figures: tuple[Figure, ...]
    inputs: tuple[Cause, ...]
    files: tuple[str, ...]
    prose: bool


def compare(old: Snapshot, new: Snapshot) -> Difference:
    """What differs between an edition and the one that takes its place."""
    inputs = _Inputs(old, new)
    results = _changed_results(old.trace, new.trace, inputs)
    changed = {figure.key for figure in results}
    return Difference(
        figures=tuple(
            sorted((*results, *_changed_printing(old.trace, new.trace, changed, inputs)), key=_city_first),
        ),
        inputs=inputs.all,
        files=changed_files(old.manifest, new.manifest),
        prose=_masked(old) != _masked(new),
    )


def given_away(difference: Difference, trace: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the city's figures whose difference is the figure of one unit, which the edition shows of no unit.

    That is so where one return alone has come or gone: whoever has both editions can subtract.
    """
    by_unit = {
        key.split("@")[0]
        for key, result in trace["results"].items()
        if not key.endswith("/total") and result["value"] is not None
    }
    return tuple(
        figure.name
        for figure in difference.figures
        if figure.key.endswith("/total")
        and figure.key.split("@")[0] not in by_unit
        and [cause.kind for cause in figure.causes] in (["late"], ["withdrawn"])
    )


def changed_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the outputs that differ between two manifests, or stand in one alone."""
    before, after = old["outputs"], new["outputs"]
    return tuple(name for name in sorted({*before, *after}) if before.get(name) != after.get(name))


def _city_first(figure: Figure) -> tuple[bool, str]:
    return not figure.key.endswith("/total"), figure.key


# ---------------------------------------------------------------- figures


def _changed_results(old: Mapping[str, Any], new: Mapping[str, Any], inputs: _Inputs) -> list[Figure]:
    before, after = old["results"], new["results"]
    found = []
    for key in sorted({*before, *after}):
        was, is_ = before.get(key), after.get(key)
        if was and is_ and (_shown(was), was["value"]) == (_shown(is_), is_["value"]):
            continue
        texts = [_shown(one) if one else "" for one in (was, is_)]
        if texts[0] == texts[1]:  # they are printed alike, but what is computed with them differs
            texts = list(_apart(was["value"], is_["value"]))
        if _must_not_be_said_again(old, was, is_):
            texts[0] = WITHHELD
        about = is_ or was
        found.append(
            Figure(
                key,
                about["name"],
                about.get("scope", ""),
                about.get("year"),
                about.get("measured_in", ""),
                texts[0],
                texts[1],
                inputs.causes_of(was or {}, is_ or {}),
            )
        )
    return found


def _shown(result: Mapping[str, Any]) -> str:
    """As it is printed: '4.342', '4.178 [14/15]' where returns are missing."""
    if result.get("status") == "withheld":
        return WITHHELD
    reported, owed = result.get("reported", 0), result.get("owed", 0)
    missing = f" [{reported}/{owed}]" if result["value"] is not None and 1 < owed > reported else ""
    return str(result.get("text") or result["value"] or "–") + missing


def _apart(old: str | None, new: str | None) -> tuple[str, str]:
    """Two values with as many decimals as tell them apart, three at least."""
    if old is None or new is None:
        return old or "–", new or "–"
    before, after = Decimal(old), Decimal(new)
    for decimals in range(3, 28):
        texts = f"{before:.{decimals}f}", f"{after:.{decimals}f}"
        if texts[0] != texts[1]:
            break
    return texts[0].replace(".", ","), texts[1].replace(".", ",")


def _must_not_be_said_again(old: Mapping[str, Any], was: Any, is_: Any) -> bool:
    """A public figure that is gone, or withheld now, may be so for the sake of persons."""
    return bool(old.get("edition") == "public" and was and (not is_ or is_.get("status") == "withheld"))


def _changed_printing(
    old: Mapping[str, Any], new: Mapping[str, Any], changed: set[str], inputs: _Inputs
) -> Iterator[Figure]:
    """What is printed otherwise although the results behind it are as they were: other sums, words, rounding."""
    before, after = _printed(old), _printed(new)
    for keys in sorted({*before} & {*after}):
        if changed & set(keys):
            continue
        gone = [text for text in before[keys] if text not in after[keys]]
        come = [text for text in after[keys] if text not in before[keys]]
        names = dict.fromkeys(new["results"][key]["name"] for key in keys)
        scopes = dict.fromkeys(new["results"][key].get("scope", "") for key in keys)
        for number in range(max(len(gone), len(come)) if come else 0):  # a text that only went has not changed
            yield Figure(
                key=" ".join(keys[:3]) + (f" #{number + 1}" if number else ""),
                name=", ".join(list(names)[:3]) + (" ..." if len(names) > 3 else ""),
                scope=", ".join(filter(None, list(scopes)[:2])) + (" ..." if len(scopes) > 2 else ""),
                year=None,
                measured_in="",
                old=gone[number] if number < len(gone) else "",
                new=come[number] if number < len(come) else "",
                causes=inputs.causes_of({}, {}),
            )


def _printed(trace: Mapping[str, Any]) -> dict[tuple[str, ...], list[str]]:
    """The texts printed, by the results behind them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for item in trace["printed"]:
        if item["text"] and (texts := found.setdefault(tuple(item["results"]), [])) is not None:
            texts += [item["text"]] * (item["text"] not in texts)
    return found


def _masked(snapshot: Snapshot) -> tuple[str, ...]:
    """The prose without what is computed: so that other figures alone are no other words."""
    texts = {item["text"] for item in snapshot.trace["printed"] if item["where"] == "text" and item["text"]}
    if not texts:
        return snapshot.prose
    any_of = "|".join(re.escape(text) for text in sorted(texts, key=lambda text: (-len(text), text)))
    pattern = re.compile(rf"(?<![\w.,])(?:{any_of})(?!\w)")
    plain = (re.sub(r"\\([^\w\s])", r"\1", text) for text in snapshot.prose)  # what is printed stands escaped there
    return tuple(" ".join(pattern.sub(" ", text).split()) for text in plain)


# ---------------------------------------------------------------- causes


class _Inputs:
    """The inputs that differ between two editions, and which of them changed a figure."""

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self._old, self._new = old, new
        self._year = int(new.manifest["parameters"].get("year") or new.trace["year"])
        before, after = old.manifest["inputs"], new.manifest["inputs"]
        self._how: dict[str, str] = {}  # path -> new, gone, changed
        for path in sorted({*before, *after}):
            if before.get(path) != after.get(path) and "folder" not in (before.get(path), after.get(path)):
                self._how[path] = "new" if path not in before else "gone" if path not in after else "changed"
        self._owners = _owners(old.trace), _owners(new.trace)
        self._cells = _single_cells(old.trace), _single_cells(new.trace)
        returns = [path for path in self._how if _RETURN.match(path)]
        self._replaced = dict(self._pairs(returns))
        self._of_returns = {path: self._of_return(path) for path in returns}
        self._shared = self._of_shared()
        self.all = _once((*self._of_returns.values(), *self._shared.values()))

    def causes_of(self, was: Mapping[str, Any], is_: Mapping[str, Any]) -> tuple[Cause, ...]:
        """Why a figure is another, from its two results; either may be empty.

        What its sources name comes first; where they name nothing that changed, all that it could depend on.
        """
        used = {path for result in (was, is_) for path, _, _ in result.get("sources", ())}
        returns = {path for path in used if path in self._of_returns}
        told = {path for path in returns if not self._holds_the_same(path, was, is_)}
        found = [self._with_cells(path, was, is_) for path in sorted(told)]
        found += [cause for path, cause in self._shared.items() if path in used]
        before, after = was.get("formula"), is_.get("formula")
        if before and after and before != after and not self._counts_returns(before, after, returns):
            found += self._of_formula(before, after)
        elif was and is_ and any(was.get(part) != is_.get(part) for part in ("name", "measured_in")):
            found += self._of_formula("", "")
        return _once(found) or _once(self._shared.values()) or self.all or (Cause("unknown", UNKNOWN),)

    # ------------------------------------------------------------ returns

    def _pairs(self, returns: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Two files, the one gone, the other new, that hold the same units' figures."""
        for gone in returns:
            for new in returns:
                if self._how[gone] == "gone" and self._how[new] == "new":
                    whose = self._owners[0].get(gone)
                    if whose and whose == self._owners[1].get(new):
                        yield from ((gone, new), (new, gone))

    def _of_return(self, path: str) -> Cause:
        (year, name), how = _returned(path), self._how[path]
        before = f"số liệu năm {year}: " if year != self._year else ""
        if other := self._replaced.get(path):
            old, new = (path, other) if how == "gone" else (other, path)
            if self._old.manifest["inputs"][old] == self._new.manifest["inputs"][new]:
                return Cause("renamed", f"{before}phiếu đổi tên: {_returned(old)[1]} thành {_returned(new)[1]}")
            return Cause("replaced", f"{before}phiếu thay: {_returned(old)[1]} bằng {_returned(new)[1]}")
        kinds = {"new": ("late", "phiếu gửi muộn"), "gone": ("withdrawn", "phiếu rút lại")}
        kind, words = kinds.get(how, ("corrected", "phiếu sửa lại"))
        return Cause(kind, f"{before}{words}: {name}")

    def _with_cells(self, path: str, was: Mapping[str, Any], is_: Mapping[str, Any]) -> Cause:
        """The cause with the cells behind the figure that are known to hold something else."""
        cause, (before, after) = self._of_returns[path], self._cells
        told = [
            f"trang {sheet}, ô {ref}: {before[cell]} → {after[cell]}"
            for cell in _cells(path, was, is_)
            if cell in before and cell in after and before[cell] != after[cell]
            for _, sheet, ref in (cell,)
        ]
        return Cause(cause.kind, f"{cause.text}, {'; '.join(told)}") if told else cause

    def _holds_the_same(self, path: str, was: Mapping[str, Any], is_: Mapping[str, Any]) -> bool:
        """Whether the file has but another name, or all its cells behind the figure are known to be as they were."""
        if self._of_returns[path].kind == "renamed":
            return True
        before, after = self._cells
        cells = _cells(path, was, is_)
        return self._how[path] == "changed" and all(
            cell in before and cell in after and before[cell] == after[cell] for cell in cells
        )

    def _counts_returns(self, before: str, after: str, returns: Iterable[str]) -> bool:
        """Whether a formula only says whose returns are added, and so differs because there are more or fewer."""
        return any(self._how[path] != "changed" for path in returns) and not {*before, *after} & set("×/")

    # ------------------------------------------------------------ what all figures share

    def _of_shared(self) -> dict[str, Cause]:
        found: dict[str, Cause] = {}
        program = [path for path in self._how if path.startswith("danvan/")]
        for path, how in self._how.items():
            if not _RETURN.match(path):
                found[path] = self._of_file(path, how, len(program))
        before, after = self._old.manifest["settings"], self._new.manifest["settings"]
        for name in sorted({*before, *after} - {"edition"}):
            if before.get(name, "") != after.get(name, ""):
                found[f"={name}"] = Cause("settings", _SETTINGS.get(name, f"thiết đặt {name} đã đổi"))
        return found

    def _of_file(self, path: str, how: str, program: int) -> Cause:
        name = PurePosixPath(path).name
        words = {"new": "mới có", "gone": "không còn"}.get(how, "đã sửa")
        if path.startswith("danvan/"):
            return Cause("program", f"chương trình đã đổi: {program} tệp")
        if name == "requirements.lock":
            return Cause("program", "thư viện của chương trình đã đổi")
        if path == "params/catalogue.yaml":
            return Cause("definition", "danh mục chỉ tiêu đã sửa")
        if path.startswith("params/") and name in _UNITS:
            return Cause("units", f"đơn vị, địa giới, cơ quan: {name} {words}")
        if name == "population.csv":
            return Cause("population", f"số dân: {name} {words}")
        if path.startswith("notebooks/"):
            return Cause("notebook", f"sổ báo cáo: {name} {words}")
        if match := _OF_A_YEAR.fullmatch(path):
            year = match[1] or match[3]
            kinds = {"stated.csv": ("stated", "số nêu khác"), "answers.yaml": ("answers", "lời giải trình")}
            kind, what = kinds.get(name, ("params", "params"))
            return Cause(kind, f"{what} năm {year} {words}")
        return Cause("reference", f"số liệu tham chiếu: {name} {words}")

    def _of_formula(self, before: str, after: str) -> Iterator[Cause]:
        """A figure reckoned or called otherwise: by the catalogue, if that changed, else by whatever did."""
        words = f"; công thức “{before}” thành “{after}”" if before else ""
        by_kind = [cause for cause in _once(self._shared.values()) if cause.kind == "definition"]
        for cause in by_kind or [c for c in _once(self._shared.values()) if c.kind in ("params", "program", "units")]:
            yield Cause(cause.kind, cause.text + words)


def _returned(path: str) -> tuple[int, str]:
    match = _RETURN.match(path)
    assert match
    return int(match[1]), match[2]


def _cells(path: str, *results: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return list(
        dict.fromkeys(
            (file, sheet, ref) for one in results for file, sheet, ref in one.get("sources", ()) if file == path
        )
    )


def _single_cells(trace: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    """The text of each cell that is a figure by itself."""
    found = {}
    for result in trace["results"].values():
        if len(result.get("sources", ())) == 1 and "text" in result:
            file, sheet, ref = result["sources"][0]
            found[file, sheet, ref] = _shown(result)
    return found


def _owners(trace: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """By file, whose figures it holds: the scopes of the results that come from it alone."""
    found: dict[str, set[str]] = {}
    for result in trace["results"].values():
        files = {file for file, _, _ in result.get("sources", ())}
        if len(files) == 1 and result.get("scope"):
            found.setdefault(files.pop(), set()).add(result["scope"])
    return {file: frozenset(scopes) for file, scopes in found.items()}


def _once(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    return tuple(dict.fromkeys(causes))
