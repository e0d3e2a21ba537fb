"""Asking the zygote for a kernel, and what stands for that kernel afterwards. Linux only."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from danvan.kernels.inside import GO, Request
from danvan.kernels.zygote import SOCKET

PATIENCE = 60.0  # seconds; the zygote may still be importing


class ForkedKernel:
    """A kernel that is the zygote's child, not ours, with the face of a Popen."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        """The exit code (a negative number: the signal that ended it), or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, as soon as there is one; raises TimeoutExpired."""
        if self.returncode is None:
            readable = select.poll()
            readable.register(self._connection, select.POLLIN)
            if not readable.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            self._read()
        assert self.returncode is not None
        return self.returncode

    async def ended(self) -> None:
        """Returns when the kernel has ended, at once and without polling."""
        loop = asyncio.get_running_loop()
        while self.poll() is None:
            readable = asyncio.Event()
            with self._connection.dup() as own:  # a loop knows one reader of a descriptor, and several may wait
                loop.add_reader(own, readable.set)
                try:
                    await readable.wait()
                finally:
                    loop.remove_reader(own)

    def send_signal(self, number: int) -> None:
        """To the kernel's process group, by way of the zygote: it knows whether the pid is still the kernel's."""
        if self.poll() is None:
            with suppress(BrokenPipeError):  # it has just ended
                self._connection.send(bytes([number]))

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read(self) -> None:
        try:
            said = self._connection.recv(16)
        except ConnectionResetError:
            said = b""
        # If the zygote has gone without a word, the kernel has been killed with it.
        self.returncode = int(said) if said else -signal.SIGKILL
        self._connection.close()


async def ask(folder: Path, request: Request, streams: Sequence[int]) -> ForkedKernel | None:
    """A kernel that is ready for its client, or None if the zygote has none to give; then there is no child either."""
    loop = asyncio.get_running_loop()
    with ExitStack() as opened:
        connection = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        gate, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        opened.enter_context(gate)
        # Ends it even if a process that we fork meanwhile holds it, too.
        opened.callback(gate.shutdown, socket.SHUT_RDWR)
        connection.setblocking(False)
        gate.setblocking(False)
        try:
            with theirs:
                await loop.sock_connect(connection, os.fsencode(folder / SOCKET))
                socket.send_fds(connection, [json.dumps(request).encode()], [*streams, theirs.fileno()])
            said = await asyncio.wait_for(loop.sock_recv(connection, 16), PATIENCE)
            if not said:
                return None
            gate.send(GO)  # until here the child waits, and ends if the gate is closed
        except OSError:  # TimeoutError is one
            return None
        with suppress(OSError):
            await asyncio.wait_for(loop.sock_recv(gate, 16), PATIENCE)  # b"" if it has died: its client will see
        opened.pop_all()
        gate.close()
        return ForkedKernel(int(said), connection)
