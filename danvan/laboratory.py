"""JupyterLab as it may be opened: on this machine alone, with a token that nobody else sees.

It runs in this very process, so that the token stands in no command line. What is set here wins over the configuration
files of the user and of the machine.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from danvan.errors import SettingsError
from danvan.paths import Project

HERE = "127.0.0.1"
_PLAIN = ("--no-browser", "--debug", "--allow-root")
# What a line of somebody's configuration could open; everything that decides who may come in, and from where.
_CLOSED = {
    "ServerApp.ip": HERE,
    "ServerApp.sock": "",
    "ServerApp.allow_origin": "",
    "ServerApp.allow_origin_pat": "",
    "ServerApp.allow_credentials": "False",
    "ServerApp.allow_remote_access": "False",
    "ServerApp.disable_check_xsrf": "False",
    "ServerApp.trust_xheaders": "False",
    "ServerApp.use_redirect_file": "True",  # the browser is not started with the token in its command line
    "ServerApp.custom_display_url": "",
    "LabApp.extension_manager": "readonly",  # what is installed is what the lock says
    "ServerApp.identity_provider_class": "jupyter_server.auth.identity.PasswordIdentityProvider",
    "ServerApp.authorizer_class": "jupyter_server.auth.authorizer.AllowAllAuthorizer",
    "PasswordIdentityProvider.hashed_password": "",
    "PasswordIdentityProvider.password_required": "False",
    "PasswordIdentityProvider.allow_password_change": "False",
}


def open_lab(project: Project, given: Sequence[str]) -> None:
    """Open JupyterLab on the notebook of the report, or on one that is `given`; until it is stopped.

    Raises SettingsError for any argument that is not known to be harmless.
    """
    options, notebook = arguments(project, given)
    from jupyterlab.labapp import LabApp

    token = secrets.token_hex(24)
    os.chdir(project.root)
    start = f"/lab/tree/{project.relative(notebook)}"
    own = {"ServerApp.root_dir": str(project.root), "LabApp.default_url": start, **_CLOSED}
    own |= {f"{name}.token": token for name in ("IdentityProvider", "PasswordIdentityProvider")}
    server: Any = LabApp.initialize_server([*options, *(f"--{name}={value}" for name, value in own.items())])
    _require_closed(server, token)
    print(f"JupyterLab: http://{HERE}:{server.port}{start}?token={token}", "Ctrl-C để dừng.", sep="\n", flush=True)
    server.start()


def arguments(project: Project, given: Sequence[str]) -> tuple[list[str], Path]:
    """The options for JupyterLab that are given, and the notebook. Raises SettingsError for all others."""
    options: list[str] = []
    notebooks: list[Path] = []
    words = iter(given)
    for word in words:
        if word in _PLAIN:
            options.append(word)
        elif word.startswith("--port"):
            options.append(f"--ServerApp.port={_port(word, words)}")
        elif not word.startswith("-") and (path := (project.root / word).resolve()).suffix == ".ipynb":
            if not path.is_file() or not path.is_relative_to(project.root):
                raise SettingsError(f"Không có sổ {word} trong thư mục dự án. Hãy ghi như notebooks/trends.ipynb.")
            notebooks.append(path)
        else:
            raise _refused(word)
    if len(notebooks) > 1:
        raise SettingsError("Lệnh lab mở một sổ. Hãy ghi một tên thôi; các sổ khác mở trong JupyterLab.")
    return options, notebooks[0] if notebooks else project.report_notebook


def _port(word: str, words: Iterator[str]) -> int:
    name, is_here, value = word.partition("=")
    text = value if is_here else next(words, "")
    if name != "--port" or not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or int(text) > 65535:
        raise _refused(word)
    return int(text)


def _refused(word: str) -> SettingsError:
    return SettingsError(
        f"Lệnh lab không nhận “{word.partition('=')[0]}”: JupyterLab chỉ mở trên máy này, có mã truy cập và không theo "
        f"cấu hình khác. Chỉ nhận: {', '.join(_PLAIN)}, --port N và tên một sổ."
    )


def _require_closed(server: Any, token: str) -> None:
    """Raise SettingsError if it would let anybody in: if another version of Jupyter reads its settings otherwise."""
    who = server.identity_provider
    closed = server.ip == HERE and not server.sock and not server.allow_origin and not server.allow_origin_pat
    if not closed or who.token != token or not who.auth_enabled or server.disable_check_xsrf:
        raise SettingsError("JupyterLab không giữ cài đặt an toàn (máy này, mã truy cập) nên không được mở.")
