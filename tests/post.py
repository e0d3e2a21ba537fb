"""A real mail server on this machine, as good or as bad as a test wants it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HELLO = b"220 localhost ESMTP\r\n"


class Box:
    """What arrived. `refuses`: recipients that it does not take; `dies`: breaks off when a letter was sent."""

    def __init__(self, refuses: dict[str, int] | None = None, *, dies: bool = False, data_code: int = 250) -> None:
        self.refuses, self.dies, self.data_code = refuses or {}, dies, data_code
        self.letters: list[Envelope] = []
        self.logins: list[tuple[str, str]] = []
        self.tls: list[str] = []

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, to: str, _options: Any) -> str:
        if code := self.refuses.get(to):
            return f"{code} no"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.letters.append(envelope)
        over = server.transport.get_extra_info("ssl_object")
        self.tls.append(over.version() if over else "")
        if self.dies:
            server.transport.abort()
        return f"{self.data_code} done"

    def login(self, user: str, password: str) -> Callable[..., AuthResult]:
        def check(*given: Any) -> AuthResult:
            data = given[-1]
            assert isinstance(data, LoginPassword)
            self.logins.append((data.login.decode(), data.password.decode()))
            return AuthResult(success=self.logins[-1] == (user, password), handled=False)

        return check


@contextmanager
def office(box: Box, tls: ssl.SSLContext | None, *, at_once: bool = False, **options: Any) -> Iterator[int]:
    """The port of a server that puts letters into `box`; `tls` by STARTTLS, or from the beginning (`at_once`)."""

    def made() -> SMTP:
        starttls = {} if at_once or tls is None else {"tls_context": tls}
        return SMTP(box, hostname="localhost", enable_SMTPUTF8=False, **starttls, **options)

    async def listening() -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=tls if at_once else None)

    with _running(listening) as port:
        yield port


@contextmanager
def raw(*answers: bytes) -> Iterator[tuple[int, bytearray]]:
    """The port of a server that says one answer after the other, then nothing; and all that it was told."""
    heard = bytearray()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in answers:
                writer.write(answer)
                heard.extend(await reader.readline())
            heard.extend(await reader.read())
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def listening() -> asyncio.Server:
        return await asyncio.start_server(talk, "127.0.0.1", 0)

    with _running(listening) as port:
        yield port, heard


@contextmanager
def _running(listening: Callable[[], Any]) -> Iterator[int]:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # what a broken handshake says on the server's side
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listening(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:

        async def close() -> None:
            server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0.05)  # transports that were told to close do it now

        asyncio.run_coroutine_threadsafe(close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
