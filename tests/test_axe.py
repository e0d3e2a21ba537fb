"""The checker of pages finds what is wrong with a page that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import axe
import chromium
import pytest

BAD = """<!doctype html><html lang="vi"><meta charset="utf-8"><title>Xấu</title>
<style>body { color: #777; background: #888 } @media (prefers-color-scheme: dark) { body { background: #000 } }</style>
<main><h1>Trang</h1><img src="data:,x"><p>Mờ.</p><div style="width:900px">Rộng</div></main>"""
ASKS = {
    "<img alt='' src='http://x.example/a.png'>": "http://x.example/a.png",
    "<details><summary>m</summary><img alt='' loading='lazy' src='https://x.example/b.png'></details>": "b.png",
    "<script>fetch('http://x.example/d')</script>": "http://x.example/d",
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\"><img alt='' src='http://x.example/e'>":
        "img-src http://x.example/e",
}  # fmt: skip


@pytest.mark.long
def test_it_finds_what_is_wrong(tmp_path: Path, needs_tool: Callable[..., str]) -> None:
    page = tmp_path / "trang.html"
    page.write_text(BAD, encoding="utf-8")
    with axe.checker(needs_tool(*chromium.NAMES), tmp_path) as check:
        light, dark = (" ".join(check.violations(page, dark=dark)) for dark in (False, True))
        assert "image-alt" in light
        assert "color-contrast" in light
        assert "image-alt" in dark
        assert "color-contrast" not in dark
        assert check.sideways(page) > 500
        assert check.outside_requests(page) == []
        for html, asked in ASKS.items():
            page.write_text(f"<!doctype html><html lang='vi'>{html}", encoding="utf-8")
            assert any(asked in one for one in check.outside_requests(page)), html
