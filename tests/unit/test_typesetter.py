"""Typst's own process: what it remembers ends with it, and it ends with whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from danvan.errors import StageError
from danvan.publish import typesetter
from danvan.publish.typesetter import RefusedError, Typesetter

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="10"><rect width="5" height="10"/></svg>'
OWNER = """
import sys
from danvan.publish.typesetter import ours
ours().png({!r}, 100)
print(ours()._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def one() -> Iterator[Typesetter]:
    made = Typesetter()
    yield made
    made.end()


def process_of(one: Typesetter) -> psutil.Process:
    assert one._process is not None
    return psutil.Process(one._process.pid)


def is_over(pid: int) -> bool:
    """Within two seconds."""
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def test_one_process_serves_until_it_remembers_too_much(one: Typesetter, monkeypatch: pytest.MonkeyPatch) -> None:
    first = one.png(SVG.format(20), 100)
    kept = process_of(one)
    assert one.png(SVG.format(20), 100) == first
    assert process_of(one) == kept
    monkeypatch.setattr(typesetter, "MOST", 200)
    one.png(SVG.format(30), 100)
    assert not kept.is_running()
    assert one.png(SVG.format(20), 100) == first


def test_its_memory_has_a_bound(one: Typesetter) -> None:
    """Fifty drawings of half a million characters each."""
    most = 0
    for number in range(50):
        one.png(SVG.format(10 + number).replace("<rect", "<rect " + " " * 500_000), 100)
        if one._process is not None:
            most = max(most, process_of(one).memory_info().rss)
    assert 0 < most < 150_000_000


def test_what_is_refused_says_why_and_the_next_is_served(one: Typesetter) -> None:
    with pytest.raises(RefusedError, match="SVG"):
        one.png("no drawing", 100)
    kept = process_of(one)
    assert one.png(SVG.format(20), 100).startswith(b"\x89PNG")
    assert process_of(one) == kept


def test_a_killed_process_is_told_and_replaced(one: Typesetter) -> None:
    one.start()
    process_of(one).kill()
    with pytest.raises(StageError, match="Trình dàn trang bị hệ thống dừng, có thể vì hết bộ nhớ"):
        one.png(SVG.format(20), 100)
    assert one.png(SVG.format(20), 100).startswith(b"\x89PNG")


def test_an_interrupt_ends_it(one: Typesetter, monkeypatch: pytest.MonkeyPatch) -> None:
    one.png(SVG.format(20), 100)
    pid = process_of(one).pid

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(typesetter, "_receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.png(SVG.format(20), 100)
    assert is_over(pid)


@pytest.mark.parametrize("how", ["orderly", "killed"])
def test_it_ends_with_its_owner(how: str) -> None:
    root = str(Path(__file__).parents[2])
    command, pipe = [sys.executable, "-c", OWNER.format(SVG.format(20))], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=os.environ | {"PYTHONPATH": root}) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert psutil.pid_exists(pid)
        if how == "killed":
            owner.kill()
    assert is_over(pid)
