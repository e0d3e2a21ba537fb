"""Headless Chromium over its DevTools protocol: what tests open pages in, and ask them."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome")  # for `needs_tool`


def until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    """What `condition` gives as soon as that is true."""
    end = time.monotonic() + seconds
    while not (given := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return given


class Browser:
    """One page of Chromium. `on_event`: is told what the browser tells unasked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        line = next(line for line in iter(process.stderr.readline, "") if "DevTools listening" in line)
        self.port, self.asked = urlsplit(line.split()[-1]).port, 0
        page = until(lambda: next((one for one in self.pages() if one["type"] == "page"), None))
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], suppress_origin=True, timeout=30)
        self.on_event: Callable[[dict[str, Any]], None] = lambda _: None

    def pages(self) -> list[dict[str, str]]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", "/json")
            return list(json.loads(connection.getresponse().read()))

    def send(self, method: str, **parameters: object) -> int:
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": parameters}))
        return self.asked

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = self.send(method, **parameters)
        while (answer := json.loads(self.socket.recv())).get("id") != number:
            self.on_event(answer)
        return dict(answer["result"])

    def value(self, script: str) -> Any:
        """The value of an expression, waited for if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def ask(self, script: str) -> Any:
        """The value of an expression; `page` in it is the window of the report that a preview shows."""
        return self.value(f"(page => {script})(document.querySelector('iframe:not(.loading)')?.contentWindow)")

    def open(self, page: str | Path, width: int = 1280, *, dark: bool = False) -> None:
        """Load a file or an address, `width` CSS pixels wide, in one of the colour schemes, until it is there."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        address = page.resolve().as_uri() if isinstance(page, Path) else page
        self.call("Page.navigate", url=address)
        until(lambda: self.value(f"document.readyState == 'complete' && location.href == {json.dumps(address)}"))


@contextmanager
def browser_on(url: str, chromium: str, profile: Path) -> Iterator[Browser]:
    """Chromium showing `url`; `profile` is a folder of its own."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    options += ["--window-size=1000,700", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with subprocess.Popen([chromium, *options, url], stderr=subprocess.PIPE, text=True) as process:
        try:
            browser = Browser(process)
            with closing(browser.socket):
                yield browser
        finally:
            process.terminate()
