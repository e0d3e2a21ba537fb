"""Without fork: one kernel process started ahead, which has imported the same modules and waits for its orders."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from jupyter_client.launcher import launch_kernel

from danvan.kernels.inside import Request, refusal
from danvan.kernels.zygote import command, raise_failure, without_path


class Spare:
    """A process that becomes one kernel, and ends when its stdin is closed before."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.owner = os.getpid()
        self.process: subprocess.Popen[bytes] = launch_kernel(
            command("spare", folder, environment), stdin=subprocess.PIPE, env=without_path(environment)
        )

    def become(self, request: Request) -> None:
        """Raises OSError if the process has ended."""
        assert self.process.stdin is not None
        with self.process.stdin as stdin:
            stdin.write(json.dumps(request).encode() + b"\n")

    def end(self) -> None:
        """Kill it; it has nothing to lose."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


_waiting: Spare | None = None
_taking = threading.Lock()  # kernels may be asked for by several threads


def start(folder: Path, environment: Mapping[str, str]) -> None:
    """Let one process wait, in place of any that waits."""
    global _waiting
    end()
    _waiting = Spare(folder, environment)


def take(folder: Path, request: Request) -> subprocess.Popen[bytes] | None:
    """The process that waits, made the kernel that is asked for; None if it cannot be. Then starts the next.

    Raises RuntimeError if a module could not be preloaded.
    """
    global _waiting
    raise_failure(folder)
    if refusal(request, request["env"]):
        return None  # not a kernel of this interpreter: the one that waits is for another
    with _taking:
        spare, _waiting = _waiting, None
        taken = None
        if spare and spare.owner == os.getpid():  # not what a forked worker has inherited
            try:
                if refusal(request, spare.environment):
                    spare.end()
                else:
                    spare.become(request)
                    taken = spare.process
            except OSError:
                spare.end()
                raise_failure(folder)
        start(folder, request["env"])
    return taken


def end() -> None:
    """Let none wait any longer."""
    global _waiting
    spare, _waiting = _waiting, None
    if spare and spare.owner == os.getpid():
        spare.end()
