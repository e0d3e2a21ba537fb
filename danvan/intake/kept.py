"""What a file gave, packed: for the cache and between processes. Units and indicators stay those of the reader."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from danvan.catalogue import Catalogue, Indicator
from danvan.intake import container
from danvan.intake.container import UnreadableError
from danvan.store import Cache, content_key
from danvan.units import Unit, Units

STAGE = "return"


class Packer:
    """Packs with names in the place of units and indicators, and gives the reader's own back for them.

    So a packed return is small, and what comes out of it is as if it had just been read.
    """

    def __init__(self, units: Units, catalogue: Catalogue) -> None:
        self._known: dict[tuple[str, str], Unit | Indicator] = {("unit", unit.id): unit for unit in units.all}
        self._known |= {("indicator", code): indicator for code, indicator in catalogue.by_code.items()}

    def pack(self, thing: Any) -> bytes:
        file = io.BytesIO()
        _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(thing)
        return file.getvalue()

    def unpack(self, packed: bytes) -> Any:
        return _Unpickler(io.BytesIO(packed), self._known).load()


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing: object) -> tuple[str, str] | None:
        match thing:
            case Unit():
                return "unit", thing.id
            case Indicator():
                return "indicator", thing.code
        return None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, known: dict[tuple[str, str], Unit | Indicator]) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, name: tuple[str, str]) -> Unit | Indicator:
        return self._known[name]


class Kept:
    """The part of the cache that holds what files gave, by their content and name, and by what they are judged by."""

    def __init__(self, cache: Cache, grounds: str) -> None:
        self._cache, self._grounds = cache, grounds

    def key(self, path: Path) -> str:
        """The key of a file as it stands; '' for one that cannot be read, which is never kept."""
        try:
            digest = container.digest(path)
        except UnreadableError:
            return ""
        return content_key([("grounds", self._grounds), ("name", path.name), ("content", digest)])

    def get(self, key: str) -> bytes | None:
        return self._cache.get(STAGE, key) if key else None

    def put(self, key: str, packed: bytes) -> None:
        if key:
            self._cache.put(STAGE, key, packed)
