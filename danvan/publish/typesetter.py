"""Typst in a process of its own, for it remembers every layout as long as it lives (typst-py #104).

Run as a script it is that process. Standard library and Typst alone. Both sides speak JSON, a line each; the bytes of a
picture or a document follow the line that says how many they are.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

# Characters that one process is given, of documents and drawings: 50 to 150 MB remembered.
MOST = 1_000_000


class RefusedError(Exception):
    """Typst cannot; `diagnostic` says where and why."""

    def __init__(self, message: str, diagnostic: str) -> None:
        super().__init__(message)
        self.message, self.diagnostic = message, diagnostic


class Typesetter:
    """The owner's side. The process is started where there is none, and ends when it remembers too much.

    Every method raises RefusedError, and StageError when the process was killed.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._given = 0

    def start(self) -> None:
        """Have a process ready."""
        if self._process is None:
            command = [sys.executable, "-P", str(Path(__file__).resolve())]
            # Ctrl-C in a terminal is for the owner, who then ends it.
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True
            )

    def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process, self._given = self._process, None, 0
        if process is not None:
            with suppress(OSError), process:  # waits, and closes the pipes, through which nothing more goes
                process.kill()

    def places(self, template: Path, fonts: Path, inputs: Mapping[str, str], label: str) -> Any:
        """Lay a document out: the one JSON value that it puts under `label`."""
        self._forget()
        found, _ = self._ask("places", str(template), str(fonts), dict(inputs), label)
        return json.loads(found)

    def pdf(self, standards: Sequence[str]) -> tuple[bytes, list[str]]:
        """The document laid out last, with Typst's warnings."""
        warnings, made = self._ask("pdf", list(standards))
        self._forget()
        return made, warnings

    def png(self, svg: str, dpi: int) -> bytes:
        """A drawing on white, in its own size; its letters must be outlines, for there is no font."""
        _, made = self._ask("png", svg, dpi)
        self._forget()
        return made

    def _forget(self) -> None:
        if self._given > MOST:
            self.end()

    def _ask(self, what: str, *given: Any) -> tuple[Any, bytes]:
        self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._given += sum(len(str(one)) for one in given)
        try:
            _send(self._process.stdin, [what, given])
            (done, answer), made = _receive(self._process.stdout)
        except (EOFError, BrokenPipeError, ValueError):
            from danvan.errors import StageError

            self.end()
            why = "Trình dàn trang bị hệ thống dừng, có thể vì hết bộ nhớ"
            raise StageError(f"{why}. Hãy chạy lại với --jobs nhỏ hơn.") from None
        except BaseException:  # whoever is stopped must not leave it at work
            self.end()
            raise
        if not done:
            raise RefusedError(*answer)
        return answer, made


def _send(pipe: IO[bytes], said: Any, made: bytes = b"") -> None:
    pipe.write(json.dumps([said, len(made)]).encode() + b"\n" + made)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> tuple[Any, bytes]:
    """What was said, and the bytes that follow. Raises EOFError or ValueError where the other side is gone."""
    line = pipe.readline()
    if not line:
        raise EOFError
    said, size = json.loads(line)
    made = pipe.read(size)
    if len(made) != size:
        raise EOFError
    return said, made


@cache
def ours() -> Typesetter:
    """The typesetter of this process."""
    made = Typesetter()
    atexit.register(made.end)
    return made


# ---------------------------------------------------------------- the process itself

_DRAWING = b"""#set page(width: auto, height: auto, margin: 0pt, fill: white)
#image(bytes(sys.inputs.svg), format: "svg")"""


def _serve() -> None:
    """Answer until the owner closes the pipe, or is gone."""
    import typst

    serve, requests, replies = _Serve(), sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            (what, given), _ = _receive(requests)
        except (EOFError, ValueError):
            return
        made = b""
        try:
            said, made = serve.answers[what](*given)
            answer: Any = True, said
        except typst.TypstError as error:
            answer = False, (error.message, error.diagnostic or "")
        except RuntimeError as error:
            answer = False, (str(error), "")
        try:
            _send(replies, answer, made)
        except BrokenPipeError:
            return


class _Serve:
    """What may be asked: what is said, and the bytes made. `Any`: Typst's own types are incomplete."""

    def __init__(self) -> None:
        self._laid_out: Any = None
        self.answers: dict[str, Callable[..., tuple[Any, bytes]]] = {
            "places": self.places,
            "pdf": self.pdf,
            "png": self.png,
        }

    def places(self, template: str, fonts: str, inputs: dict[str, str], label: str) -> tuple[str, bytes]:
        import typst

        document = Path(template)
        self._laid_out = typst.Compiler(
            document, root=document.parent, font_paths=_fonts(fonts), ignore_system_fonts=True, sys_inputs=inputs
        )
        try:
            found: str = self._laid_out.query(label, field="value", one=True)
        except RuntimeError:
            self._laid_out.compile(format="pdf")  # fails too, and says more
            raise
        return found, b""

    def pdf(self, standards: list[str]) -> tuple[list[str], bytes]:
        data, warnings = self._laid_out.compile_with_warnings(format="pdf", pdf_standards=standards)
        return [str(warning.diagnostic or warning.message) for warning in warnings], data

    def png(self, svg: str, dpi: int) -> tuple[str, bytes]:
        import typst

        here = Path(__file__).parent  # the only folder whose files a drawing could name
        compiler: Any = typst.Compiler(
            _DRAWING, here, font_paths=_fonts(), ignore_system_fonts=True, sys_inputs={"svg": svg}
        )
        data: bytes = compiler.compile(format="png", ppi=dpi)
        return "", data


@cache
def _fonts(*folders: str) -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders))


if __name__ == "__main__":
    _serve()
