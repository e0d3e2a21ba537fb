"""The archive in a browser, on this machine alone. Only what its index lists is there, as the index lists it.

For looking, not for the internet: one thread, everything read and hashed as it is asked for.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tornado.web import HTTPError

from danvan import loopback
from danvan.errors import DanvanError
from danvan.paths import Project
from danvan.publish import site

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".xml": "application/atom+xml; charset=utf-8",
    ".pdf": "application/pdf",
    ".json": "application/json; charset=utf-8",
    ".ipynb": "application/x-ipynb+json; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_INDEX = "index.html"
_SVG = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"  # opened by itself it could run scripts


def serve(project: Project, *, port: int = 0, ready: Callable[[str], None] = lambda _: None) -> None:
    """Show the archive until Ctrl-C; `ready` gets the address.

    Raises SettingsError when the port cannot be had; RefusedError, StageError where the archive cannot be made.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(project, port, ready))


async def _serve(project: Project, port: int, ready: Callable[[str], None]) -> None:
    shelf = _Shelf(project)
    found, port = loopback.listening(port)
    server = loopback.server(found, port, [(r"/(.*)", _Listed, {"shelf": shelf})])
    try:
        ready(f"http://127.0.0.1:{port}/")
        await asyncio.Event().wait()
    finally:
        server.stop()
        await server.close_all_connections()


class _Shelf:
    """The archive as its index says it is; made anew when the index is asked for and something in reports/ changed."""

    def __init__(self, project: Project) -> None:
        self._project, self._state = project, frozenset[tuple[str, int, int]]()
        self.renew()

    def renew(self) -> None:
        state = _state(self._project.reports)
        if state != self._state or not state:
            self._site = site.make(self._project)
            self._state = state  # as it was before: what changed meanwhile is seen the next time

    def get(self, name: str) -> bytes | None:
        """A page or a file that is listed; None for anything else, and for what is no longer as listed."""
        if name in self._site.pages:
            return self._site.pages[name]
        if name not in self._site.files:
            return None
        path = self._project.reports / name
        with suppress(OSError):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == self._site.files[name]:
                return content
        return None


def _state(folder: Path) -> frozenset[tuple[str, int, int]]:
    """All that lies below a folder, by name, time and size: to make the archive takes a third of a second, this not."""
    found = set()
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                about = os.lstat(os.path.join(place, name))  # noqa: PTH118 - pathlib is four times as slow
                found.add((os.path.join(place, name), about.st_mtime_ns, about.st_size))  # noqa: PTH118
    return frozenset(found)


class _Listed(loopback.Handler):
    def initialize(self, shelf: _Shelf) -> None:
        self._shelf = shelf

    def get(self, name: str) -> None:
        name = name or _INDEX
        if name == _INDEX:
            try:
                self._shelf.renew()
            except DanvanError as error:
                self.set_status(503)
                self.set_header("Content-Type", "text/plain; charset=utf-8")
                self.write(str(error))
                return
        content = self._shelf.get(name)
        if content is None:
            raise HTTPError(404)
        suffix = PurePosixPath(name).suffix
        self.set_header("Content-Type", _TYPES.get(suffix, "application/octet-stream"))
        self.set_header("Content-Security-Policy", _SVG if suffix == ".svg" else "frame-ancestors 'none'")
        self.write(content)
