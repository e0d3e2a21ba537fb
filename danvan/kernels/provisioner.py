"""The kernel provisioner `danvan-warm`: kernels from the zygote or the spare, and normal ones where neither will do."""

from __future__ import annotations

import asyncio
import os
import subprocess
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import psutil
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from danvan.kernels import forked, spare
from danvan.kernels.forked import ForkedKernel
from danvan.kernels.inside import Request
from danvan.kernels.zygote import MARK, SOCKET, VARIABLE, raise_failure

Stream = int | IO[Any] | None
# What a launch may ask for; anything else is for subprocess.Popen to understand.
_UNDERSTOOD = {"env", "cwd", "stdin", "stdout", "stderr", "extra_arguments", "kernel_id"}


class _CannotServe(Exception):
    """This stream can only be had from a process that we start ourselves."""


class WarmProvisioner(LocalProvisioner):
    """A local provisioner that asks for a warm kernel first. Nothing that its kernel has started outlives it."""

    _mark = ""  # of what was not forked by the zygote, which knows its own

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Raises RuntimeError if a module could not be preloaded: that is not to be hidden by a slow start."""
        mark = uuid.uuid4().hex
        kwargs["env"] = (kwargs.get("env") or dict(os.environ)) | {MARK: mark}
        process = await self._warm(cmd, kwargs)
        self._mark = "" if isinstance(process, ForkedKernel) else mark
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info

    async def wait(self) -> int | None:
        """The exit code, at once when there is one."""
        process: Any = self.process
        if isinstance(process, ForkedKernel):
            await process.ended()
        elif process:
            while process.poll() is None:
                await asyncio.sleep(0.01)
        return await super().wait()

    async def send_signal(self, signum: int) -> None:
        """To the process group of the kernel."""
        process: Any = self.process
        if isinstance(process, ForkedKernel):
            process.send_signal(signum)
        else:
            await super().send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        """After the kernel has ended: end what it has started, whatever group or session that has fled to."""
        await super().cleanup(restart=restart)
        if self._mark:
            _end_marked(self._mark)

    async def _warm(self, cmd: list[str], kwargs: dict[str, Any]) -> ForkedKernel | subprocess.Popen[bytes] | None:
        folder = Path(os.environ.get(VARIABLE, ""))
        cwd = Path(kwargs.get("cwd") or Path.cwd()).absolute()
        if VARIABLE not in os.environ or not folder.is_dir() or not cwd.is_dir() or kwargs.keys() - _UNDERSTOOD:
            return None
        request: Request = {
            "argv": [os.path.expanduser(part) for part in cmd],  # noqa: PTH111 - as jupyter_client does
            "env": kwargs.get("env") or dict(os.environ),
            "cwd": str(cwd),
        }
        streams = [kwargs.get(name) for name in ("stdin", "stdout", "stderr")]
        try:
            if not (folder / SOCKET).exists():
                return spare.take(folder, request | {"streams": [_name(stream) for stream in streams]})
            with ExitStack() as stack:
                process = await forked.ask(folder, request, [_number(n, s, stack) for n, s in enumerate(streams)])
        except _CannotServe:
            return None
        if process is None:
            raise_failure(folder)
        return process


def _end_marked(mark: str) -> None:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # gone meanwhile, or somebody else's
            if process.environ().get(MARK) == mark:
                process.kill()


def _number(standard: int, stream: Stream, stack: ExitStack) -> int:
    """The descriptor to hand over for a standard stream; what is opened for it is closed with `stack`."""
    if stream is None and standard:
        stream = standard  # inherited
    if stream is None or stream == subprocess.DEVNULL:
        return stack.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()  # noqa: PTH123
    number = stream if isinstance(stream, int) else stream.fileno()
    if number < 0:  # a pipe whose other end the caller wants
        raise _CannotServe
    return number


def _name(stream: Stream) -> str | None:
    """The name of the file to open in place of a stream that cannot be handed over; None for what is inherited."""
    if stream is None:
        return None
    if stream == subprocess.DEVNULL:
        return os.devnull
    name = getattr(stream, "name", None)
    if not isinstance(name, str) or not Path(name).is_file():
        raise _CannotServe
    return str(Path(name).absolute())
