"""A kernel manager for nbclient: warm kernels whatever the kernelspec says, and no waiting for what is over."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.session import Session
from traitlets import Instance, Type

from danvan.kernels.provisioner import WarmProvisioner
from danvan.kernels.watch import Watch

_UNREAD = {"header": {}, "msg_id": "", "msg_type": "", "parent_header": {}, "metadata": {}, "content": {}}


class WarmKernelClient(AsyncKernelClient):
    """A client that is ready when the kernel is.

    The stock one then listens until nothing has come for 0.2 s. What it throws away are answers to its own first
    question; who asks something later knows his answers by their parent.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Raises RuntimeError when the kernel has died, or after `timeout` seconds."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while time.monotonic() < deadline:
            self.kernel_info()
            try:
                reply = await self.get_shell_msg(timeout=1)
                # Until something has come on this channel, the kernel may not know that we listen there.
                await self.get_iopub_msg(timeout=1)
            except Empty:
                if not await self.is_alive():
                    raise RuntimeError("Kernel died before replying to kernel_info") from None
            else:
                if reply["msg_type"] == "kernel_info_reply":
                    self._handle_kernel_info_reply(reply)
                    return
        raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")


class WatchedSession(Session):
    """A session that tells a watch the size of each message, before it makes anything of it."""

    watch = Instance(Watch)

    def deserialize(self, msg_list: Sequence[Any], content: bool = True, copy: bool = True) -> dict[str, Any]:
        """The message, or one that answers nobody where the kernel has sent too much already."""
        if self.watch.sent(sum(map(len, msg_list))):
            return super().deserialize(msg_list, content, copy)  # type: ignore[arg-type]
        return dict(_UNREAD)


class WarmKernelManager(AsyncKernelManager):
    """An AsyncKernelManager with the provisioner `danvan-warm`."""

    client_factory = Type(klass=WarmKernelClient, config=True)

    def watched(self, watch: Watch) -> None:
        """Tell `watch` of what the kernel sends; to be called before it starts."""
        self.session = WatchedSession(parent=self, watch=watch)

    def client(self, **kwargs: Any) -> Any:
        """A client. A single message that is larger than all may be it does not receive: the channel disconnects."""
        client = super().client(**kwargs)
        if isinstance(self.session, WatchedSession):
            client.context.setsockopt(zmq.MAXMSGSIZE, self.session.watch.limits.output)
        return client

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        if self.provisioner is None:
            self.kernel_id = self.kernel_id or kw.pop("kernel_id", None) or str(uuid.uuid4())
            if self.transport == "ipc" and Path(self.ip).is_absolute() and not self.connection_file:
                self.connection_file = f"{self.ip}.json"  # beside the sockets, to vanish with them
            self.provisioner = WarmProvisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
        return await super()._async_pre_start_kernel(**kw)

    pre_start_kernel = _async_pre_start_kernel

    async def _async_wait(self, pollinterval: float = 0.1) -> None:  # noqa: ARG002 - nothing is polled
        if self.has_kernel and self.provisioner:
            await self.provisioner.wait()
