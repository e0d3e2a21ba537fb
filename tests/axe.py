"""What axe-core finds on a page, and what a page asks of the network. For every page that we make.

with axe.checker(needs_tool(*chromium.NAMES), tmp_path) as check:
    for width, dark in axe.WAYS:
        assert check.violations(page, width, dark) == []
    assert check.outside_requests(page) == []
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chromium import Browser, browser_on

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
WAYS = [(width, dark) for width in (320, 1280) for dark in (False, True)]  # all that a page must be checked in

# With everything unfolded: what is hidden is not looked at.
RUN = """(async () => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id} (${help}): ${target.join(" ")}: ${failureSummary}`));
})()"""
NOTE_REFUSED = """window.__refused = [];
addEventListener("securitypolicyviolation", event => {
  __refused.push(`${event.violatedDirective} ${event.blockedURI}`);
});"""
# All that a reader can make a page show: unfolded, scrolled through, pointed at.
LOOK_AT_ALL = """(async () => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  for (const one of document.querySelectorAll("[popover]")) { one.showPopover(); one.hidePopover(); }
  for (let y = 0; y < document.documentElement.scrollHeight; y += 800) {
    scrollTo(0, y);
    await new Promise(requestAnimationFrame);
  }
  await new Promise(done => setTimeout(done, 200));
  return __refused;
})()"""


class Checker:
    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def violations(self, page: str | Path, width: int = 1280, dark: bool = False) -> list[str]:
        """What axe-core finds wrong on a page (a file or an address), one line each; with all `details` open.

        It sees neither a wrong `lang` nor a meaningless alt: assert those apart.
        """
        self.browser.open(page, width, dark=dark)
        self.browser.value(_axe() + ";0")
        return list(self.browser.value(RUN))

    def sideways(self, page: str | Path, width: int = 320) -> int:
        """By how many pixels a page is wider than the window: 0, or a reader has to scroll to and fro."""
        self.browser.open(page, width)
        return int(self.browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def outside_requests(self, page: str | Path) -> list[str]:
        """What a page asks of anyone but its own folder or server; all that is refused, as it would be without network.

        What its own policy (CSP) refuses counts, too: it was tried.
        """
        asked: list[str] = []
        home = "" if isinstance(page, Path) else urlsplit(page).netloc

        def answer(event: dict[str, Any]) -> None:
            if event.get("method") != "Fetch.requestPaused":
                return
            url, id_ = event["params"]["request"]["url"], event["params"]["requestId"]
            if urlsplit(url).scheme in ("file", "data", "blob", "about") or (home and urlsplit(url).netloc == home):
                self.browser.send("Fetch.continueRequest", requestId=id_)
            else:
                asked.append(url)
                self.browser.send("Fetch.failRequest", requestId=id_, errorReason="InternetDisconnected")

        self.browser.call("Page.enable")
        note = self.browser.call("Page.addScriptToEvaluateOnNewDocument", source=NOTE_REFUSED)
        self.browser.on_event = answer
        self.browser.call("Fetch.enable", patterns=[{"urlPattern": "*"}])
        try:
            self.browser.open(page)
            refused = self.browser.value(LOOK_AT_ALL)  # while `asked` may still grow
            return [*asked, *refused]
        finally:
            self.browser.call("Fetch.disable")
            self.browser.call("Page.removeScriptToEvaluateOnNewDocument", **note)
            self.browser.on_event = lambda _: None

    def screenshot(self, page: str | Path, to: Path, width: int = 1280, dark: bool = False) -> None:
        """The whole page as PNG: for looking at it."""
        self.browser.call("Emulation.setScrollbarsHidden", hidden=True)
        self.browser.open(page, width, dark=dark)
        image = self.browser.call("Page.captureScreenshot", captureBeyondViewport=True)
        self.browser.call("Emulation.setScrollbarsHidden", hidden=False)
        to.write_bytes(base64.b64decode(image["data"]))


@contextmanager
def checker(chromium: str, folder: Path) -> Iterator[Checker]:
    """One browser for many checks; `folder` gets its profile."""
    with browser_on("about:blank", chromium, folder / "chromium") as browser:
        yield Checker(browser)


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
