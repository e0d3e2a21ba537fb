"""A server for this machine alone: its port, and what each of its answers says and refuses."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from danvan.errors import SettingsError


class Handler(RequestHandler):
    """Answers GET, and only under our own name: another page whose name leads here (DNS rebinding) gets nothing."""

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Content-Security-Policy", "frame-ancestors 'self'")

    def prepare(self) -> None:
        if self.request.host not in self.settings["hosts"]:
            raise HTTPError(403)


class Nothing(Handler):
    def get(self) -> None:
        raise HTTPError(404)


def listening(port: int) -> tuple[socket.socket, int]:
    """A socket on this machine's own address, and its port (any free one for 0); SettingsError if it cannot be had."""
    try:
        found = socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError):
        why = "chương trình khác đang dùng, hoặc máy không cho phép"
        raise SettingsError(f"Không mở được cổng {port} ({why}). Hãy chọn cổng khác.") from None
    found.setblocking(False)
    return found, int(found.getsockname()[1])


def server(found: socket.socket, port: int, routes: Sequence[tuple[str, type[Handler], dict[str, Any]]]) -> HTTPServer:
    """A server of these routes on that socket; anything else is not there."""
    application = Application(
        list(routes),
        default_handler_class=Nothing,
        hosts=(f"127.0.0.1:{port}", f"localhost:{port}"),
        log_function=lambda _: None,
    )
    made = HTTPServer(application)
    made.add_socket(found)
    return made
