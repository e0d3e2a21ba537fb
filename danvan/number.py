"""A figure as the analyst handles it: `y.tips_received`, with `.change`, `.share`, `.at(unit)` ..."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from danvan import wording
from danvan.book import Book
from danvan.catalogue import Indicator
from danvan.errors import SettingsError
from danvan.measures import TOTAL, Result, ratio_bound, share_of
from danvan.units import Unit, Units
from danvan.wording import Phrase


class Calendar(int):
    """A year as printed: 2023, never 2.023."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return Phrase(str(int(self)))._repr_mimebundle_()


class UnitList(Phrase):
    """Names of units, 'Đồ Sơn, Kiến Thụy'; `.offices` are their commissions, `.full` the units with their kind.

    Of more than `MOST` it says how many, and where they are named.
    """

    MOST = 10
    units: tuple[Unit, ...]

    def __init__(self, units: Sequence[Unit], results: tuple[str, ...], all_units: Units) -> None:
        super().__init__(self._listed([all_units.label(unit) for unit in units]), results)
        object.__setattr__(self, "units", tuple(units))

    @property
    def offices(self) -> Phrase:
        """'Ban Dân vận Huyện ủy Bạch Long Vĩ'."""
        return Phrase(self._listed([unit.office("bdvtu") for unit in self.units]), self.results)

    @property
    def full(self) -> Phrase:
        """'quận Đồ Sơn, huyện Kiến Thụy'."""
        return Phrase(self._listed([wording.lower_first(unit.full_name) for unit in self.units]), self.results)

    @classmethod
    def _listed(cls, names: list[str]) -> str:
        if len(names) <= cls.MOST:
            return ", ".join(names)
        return f"{wording.number(len(names))} đơn vị nêu tại Phụ lục I"

    def __len__(self) -> int:
        return len(self.units)


class Number:
    """A figure of the yearbook, for the whole city or, by `.at(name)`, for one unit."""

    def __init__(self, book: Book, indicator: Indicator, scope: str) -> None:
        self._book, self._indicator, self._scope = book, indicator, scope

    @property
    def result(self) -> Result:
        return self._book.results[self._indicator.code, self._scope]

    @property
    def value(self) -> Decimal | None:
        """The number itself, for calculations of your own; None where it is not known."""
        return self.result.value

    @property
    def text(self) -> Phrase:
        """As it stands in prose: '4.342', 'hơn 16', '02', '85,4%'."""
        phrase = wording.in_prose(self.result)
        if self._scope != TOTAL and self.result.provenance == "illustrative":
            return phrase + f" ({wording.ILLUSTRATIVE})"
        return phrase

    @property
    def change(self) -> Phrase:
        """'tăng 5,2% so với năm 2022', 'không so sánh được với năm 2022 do ...'."""
        return wording.of_change(self._book.change_of(self._indicator.code, self._scope), self._book.params.year - 1)

    @property
    def last(self) -> Phrase:
        """Last year's figure; says so where it is illustrative."""
        result = self._book.change_of(self._indicator.code, self._scope).last
        if result is None:
            return Phrase(wording.NO_DATA)
        mark = f" ({wording.ILLUSTRATIVE})" if result.provenance == "illustrative" else ""
        return wording.in_prose(result) + mark

    @property
    def interval(self) -> Phrase:
        """'khoảng tin cậy 95%: 84,9%-86,1%', or nothing where chance has no part in it or the figure is not whole."""
        found = self._book.interval_of(self.result)
        return Phrase(wording.of_interval(found, self._indicator) if found else "", (self.result.key,))

    @property
    def share(self) -> Phrase:
        """Its percentage of the whole that the catalogue names (`part_of`), or of all units (Có/Không): '91,3%'."""
        whole = self._indicator.part_of
        if self._indicator.kind == "boolean" and self.value is not None and self.result.reported:
            said_yes = self.value / self.result.reported * 100
            return Phrase(wording.percent(said_yes) + wording.coverage(self.result), (self.result.key,))
        if whole is None:
            raise SettingsError(f"“{self._indicator.code}” không phải một phần của chỉ tiêu nào (thiếu part_of).")
        over = self._book.results[whole, self._scope]
        keys, shared = (self.result.key, over.key), share_of(self.result, over)
        if shared is None:
            return Phrase(wording.no_data(self.result, over), keys)
        text = wording.with_bound(wording.percent(shared[0]), shared[1])
        return Phrase(text + wording.coverage(self.result), keys)

    @property
    def pair(self) -> Phrase:
        """Numerator and denominator of a ratio: '502/588'."""
        if self._indicator.kind != "ratio":
            raise SettingsError(f"“{self._indicator.code}” không phải tỷ lệ nên không có tử số và mẫu số.")
        return wording.pair(self.result)

    @property
    def measured_in(self) -> Phrase:
        """'tin', 'kg', 'tin/10.000 dân'."""
        return Phrase(self._indicator.measured_in)

    @property
    def yes(self) -> UnitList:
        """The units that said Có."""
        return self._said(1)

    @property
    def no(self) -> UnitList:
        """The units that said Không."""
        return self._said(0)

    @property
    def stated(self) -> Phrase:
        """The competing figure that a body stated apart from the returns, or nothing."""
        texts = [
            wording.with_bound(wording.measured(s.value, self._indicator, padded=True), s.bound)
            for s in self._book.stated
            if s.indicator == self._indicator.code
        ]
        if not texts:
            return Phrase("")
        return Phrase(", ".join(texts), (self._book.count(f"stated-{self._indicator.code}").key,))

    def at(self, unit: str) -> Number:
        """The same figure of one unit."""
        try:
            return Number(self._book, self._indicator, self._book.units.resolve(unit).id)
        except LookupError as error:
            raise SettingsError(f"Không nhận ra đơn vị: {error}") from None

    def _said(self, answer: int) -> UnitList:
        if self._indicator.kind != "boolean":
            raise SettingsError(f"“{self._indicator.code}” không phải chỉ tiêu Có/Không.")
        of = {unit: self._book.results[self._indicator.code, unit.id] for unit in self._book.units.districts}
        units = [unit for unit, result in of.items() if result.value == answer]
        keys = tuple(result.key for result in of.values())
        return UnitList(units, keys, self._book.units)  # who is not named depends on all, too

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return str(self.text)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    @property
    def results(self) -> tuple[str, ...]:
        return self.text.results

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self.text._repr_mimebundle_()

    def __sub__(self, other: Number) -> Phrase:
        """The difference of two figures, printed in this one's format."""
        if self.value is None or other.value is None:
            return Phrase(wording.no_data(self.result, other.result), (*self.results, *other.results))
        text = wording.measured(self.value - other.value, self._indicator, padded=True)
        bound = ratio_bound(self.result.bound, other.result.bound)
        return Phrase(wording.with_bound(text, bound) + wording.coverage(self.result), (*self.results, *other.results))

    def __dir__(self) -> list[str]:
        return [
            "at",
            "change",
            "interval",
            "last",
            "measured_in",
            "no",
            "pair",
            "share",
            "stated",
            "text",
            "value",
            "yes",
        ]
