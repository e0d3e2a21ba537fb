"""The report while it is being written: built anew at each save, shown in the browser, errors above the last good page.

Three threads: the server, what watches the folders, what builds. `preview.html` is the page around the report; it is
told by server-sent events what happens. The report itself is served byte for byte.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
import traceback
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from watchfiles import Change, watch

from danvan import loopback
from danvan.errors import DanvanError, StageError
from danvan.paths import Project, ignored

CODE = Path(__file__).resolve().parent
SHELL = CODE / "preview.html"
STEP = 25  # milliseconds: changes are told when one step, at most two, brought no more of them


class Builder(Protocol):
    """What the preview shows."""

    def build(self) -> str:
        """The page's HTML; raises DanvanError, whose text says which cell or file is wrong and what to do."""

    def restart(self) -> None:
        """Called before the next build when danvan's own code has changed."""


def serve(
    project: Project,
    builder: Builder,
    year: int,
    *,
    port: int = 0,
    open_browser: bool = True,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Show the year's report on this machine until Ctrl-C; `ready` gets the address before the first build is done.

    A build that still runs at Ctrl-C is given a second, then left to end with the program. Raises SettingsError when
    the port cannot be had, StageError when the folders cannot be watched.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(project, builder, year, port, open_browser, ready))


async def _serve(
    project: Project, builder: Builder, year: int, port: int, open_browser: bool, ready: Callable[[str], None]
) -> None:
    listening, port = loopback.listening(port)
    token = secrets.token_urlsafe(32)
    screen, failed = _Screen(year), asyncio.get_running_loop().create_future()
    builds = _Builds(builder, screen)
    watching = _Watching(project, year, builds, failed)
    routes: dict[str, type[_Handler]] = {"": _Shell, "page": _Page, "events": _Events}
    pages = [(f"/{token}/{name}", handler, {"screen": screen}) for name, handler in routes.items()]
    server = loopback.server(listening, port, pages)
    builds.start()
    watching.start()
    try:
        url = f"http://127.0.0.1:{port}/{token}/"
        ready(url)
        if open_browser:  # in a thread: it may wait for a browser that waits for this server
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        await failed
    finally:
        watching.stop()
        server.stop()
        await server.close_all_connections()
        await asyncio.to_thread(builds.stop)


# ---------------------------------------------------------------- what the browser is told


@dataclass(frozen=True)
class _State:
    number: int = 0  # of the last good page
    building: bool = True
    error: str = ""
    at: str = ""  # when the last good page was built, and how many seconds that took
    took: str = ""


class _Screen:
    """The last good page and the state of things; changed and read in the server's thread only."""

    def __init__(self, year: int) -> None:
        self.year, self.page, self.state = year, b"", _State()
        self.readers: set[_Events] = set()
        self._loop = asyncio.get_running_loop()

    def show(self, page: bytes | None = None, **changes: Any) -> None:
        """Show what has changed; may be called from any thread."""
        with suppress(RuntimeError):  # the server has ended while this was being built
            self._loop.call_soon_threadsafe(self._show, page, changes)

    def _show(self, page: bytes | None, changes: dict[str, Any]) -> None:
        if page is not None:
            self.page, changes["number"] = page, self.state.number + 1
        self.state = replace(self.state, **changes)
        for reader in self.readers:
            reader.news.set()


class _Handler(loopback.Handler):
    def initialize(self, screen: _Screen) -> None:
        self.screen = screen


class _Shell(_Handler):
    def get(self) -> None:
        nonce = secrets.token_urlsafe(16)
        policy = f"script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'"
        policy += "; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        self.set_header("Content-Security-Policy", f"default-src 'none'; {policy}")
        text = SHELL.read_text(encoding="utf-8")
        self.write(text.replace("{{ nonce }}", nonce).replace("{{ year }}", str(self.screen.year)))


class _Page(_Handler):
    def get(self) -> None:
        if not self.screen.state.number:
            raise HTTPError(404)
        self.write(self.screen.page)


class _Events(_Handler):
    async def get(self) -> None:
        self.news, self.gone = asyncio.Event(), False
        self.set_header("Content-Type", "text/event-stream")
        self.screen.readers.add(self)
        try:
            while not self.gone:
                self.news.clear()
                self.write(f"data: {json.dumps(asdict(self.screen.state))}\n\n")
                await self.flush()
                await self.news.wait()
        except StreamClosedError:
            pass
        finally:
            self.screen.readers.discard(self)

    def on_connection_close(self) -> None:
        self.gone = True
        self.news.set()


# ---------------------------------------------------------------- building


class _Builds(threading.Thread):
    """Builds when it is asked to, one at a time; all that is asked while it builds makes one more build."""

    def __init__(self, builder: Builder, screen: _Screen) -> None:
        super().__init__(daemon=True, name="preview-build")
        self._builder, self._screen = builder, screen
        self._wanted = threading.Event()
        self._new_code = self._stopped = False

    def want(self, new_code: bool) -> None:
        self._new_code |= new_code
        self._wanted.set()

    def stop(self) -> None:
        self._stopped = True
        self._wanted.set()
        self.join(timeout=1)

    def run(self) -> None:
        while self._wanted.wait() and not self._stopped:
            self._wanted.clear()
            self._screen.show(building=True)
            self._screen.show(building=False, **self._build())

    def _build(self) -> dict[str, Any]:
        start = time.perf_counter()
        try:
            if self._new_code:
                self._new_code = False
                self._builder.restart()
            page = self._builder.build().encode()
        except DanvanError as error:
            return {"error": str(error)}
        except Exception as error:  # whatever it is, the analyst mends the file and saves again
            traceback.print_exc()
            words = "Chương trình gặp lỗi ngoài dự kiến; chi tiết được ghi ở cửa sổ dòng lệnh."
            return {"error": f"{words}\n{type(error).__name__}: {error}"}
        took = f"{time.perf_counter() - start:.1f}".replace(".", ",")
        return {"page": page, "error": "", "at": time.strftime("%H:%M:%S"), "took": took}


# ---------------------------------------------------------------- watching


class _Watching(threading.Thread):
    """Asks for a build when the folders are being watched, and then at each change in them."""

    def __init__(self, project: Project, year: int, builds: _Builds, failed: asyncio.Future[None]) -> None:
        super().__init__(daemon=True, name="preview-watch")
        project = Project(project.root.resolve())
        self._folders = (project.report_notebook.parent, project.catalogue.parent, project.data(year).parent, CODE)
        self._ours = {project.received(year), project.forms(year)}
        self._builds, self._failed, self._loop = builds, failed, failed.get_loop()
        self._begun = self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        self.join()

    def is_set(self) -> bool:
        """Whether to stop; watchfiles asks at each step, for the first time when it already notes changes."""
        if not self._begun:
            self._begun = True
            self._builds.want(new_code=False)
        return self._stopped

    def run(self) -> None:
        try:
            seen = watch(*self._folders, watch_filter=self.matters, step=STEP, rust_timeout=0, stop_event=self)
            for changes in seen:
                self._builds.want(new_code=any(Path(path).is_relative_to(CODE) for _, path in changes))
        except Exception as error:
            words = f"Không theo dõi được thay đổi trong thư mục dự án ({error}). Hãy dùng build.py report."
            self._loop.call_soon_threadsafe(self._failed.set_exception, StageError(words))

    def matters(self, change: Change, name: str) -> bool:
        """Whether the report can depend on it: not what danvan or another program keeps beside the files for itself."""
        path = Path(name)
        folder = next((folder for folder in self._folders if path.is_relative_to(folder)), path.parent)
        if any(ignored(Path(part)) or part == "__pycache__" for part in path.relative_to(folder).parts):
            return False
        # Windows also calls the folder of a changed file modified.
        return self._ours.isdisjoint((path, *path.parents)) and not (change is Change.modified and path.is_dir())
