"""What a file gave, packed: for the cache and between processes. Units and indicators stay those of the reader."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

from danvan.catalogue import Catalogue, Indicator
from danvan.packing import Named, Packing
from danvan.store import Cache, content_key
from danvan.units import Unit, Units

STAGE = "return"


def by_name(units: Units, catalogue: Catalogue) -> Packing:
    """Packs with names in the place of units and indicators, and gives the reader's own back for them.

    So a packed return is small, and what comes out of it is as if it had just been read.
    """
    of_unit = Named(attrgetter("id"), {unit.id: unit for unit in units.all})
    return Packing({Unit: of_unit, Indicator: Named(attrgetter("code"), catalogue.by_code)})


class Kept:
    """The part of the cache that holds what files gave, by their content and name, and by what they are judged by."""

    def __init__(self, cache: Cache, grounds: str) -> None:
        self._cache, self._grounds = cache, grounds

    def key(self, path: Path) -> str:
        """The key of a file as it stands; '' for one that cannot be read, which is never kept."""
        from danvan.intake import container  # imported here: who opens a year that is kept opens no file
        from danvan.intake.container import UnreadableError

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
