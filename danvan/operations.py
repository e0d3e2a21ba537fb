"""How the scheduled run is set: the typed reading of params/scheduled.yaml, and the password of its mail.

None of it changes a figure, so it is no input of any document.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator

from danvan.errors import SettingsError
from danvan.loading import Strict, load_yaml
from danvan.paths import Project

PASSWORD = "DANVAN_SMTP_PASSWORD"
_LONGEST = 1000  # bytes of a file with a password
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ADDRESS = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.+=-]*@{_LABEL}(?:\.{_LABEL})*")


def _time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII):
        raise ValueError(f"“{text}” không phải giờ trong ngày; ghi giờ:phút, đủ hai chữ số, ví dụ 02:00.")
    return text


def _between(least: int, most: int) -> AfterValidator:
    def check(number: int) -> int:
        if not least <= number <= most:
            raise ValueError(f"{number} nằm ngoài khoảng {least} đến {most}. Hãy sửa số.")
        return number

    return AfterValidator(check)


def _host(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not _HOST.fullmatch(text) or len(text) > 253:
            raise ValueError(
                f"“{text}” không phải tên máy chủ; chỉ ghi tên, ví dụ mail.example.vn, không kèm smtp:// hay cổng."
            ) from None
    return text


def _user(text: str) -> str:
    if not (text.isascii() and text.isprintable() and text):
        raise ValueError("tên đăng nhập chỉ gồm chữ không dấu, chữ số và dấu câu. Hãy sửa, hoặc ghi null.")
    return text


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text) or len(text) > 254:
        shown = " ".join(text.split())
        raise ValueError(f"“{shown}” không phải địa chỉ thư; chỉ ghi một địa chỉ, không kèm tên.")
    return text


def _recipients(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not addresses:
        raise ValueError("chưa có địa chỉ nào. Hãy ghi ít nhất một địa chỉ nhận, hoặc ghi mail: null.")
    if twice := sorted({address for address in addresses if addresses.count(address) > 1}):
        raise ValueError(f"ghi hai lần: {', '.join(twice)}. Hãy bỏ một.")
    return addresses


def _path(found: object) -> Path:
    # Never repeated in a message: this is where somebody may have typed the password itself.
    if not (isinstance(found, str) and found and found.isprintable()):
        raise ValueError("cần đường dẫn tới một tệp, ví dụ secrets/smtp.txt.")
    return Path(found)


_Address = Annotated[str, AfterValidator(_address)]
_File = Annotated[Path, BeforeValidator(_path)]


class Mail(Strict):
    """Where the result of a run is sent, always encrypted: at once (tls) or after STARTTLS.

    `ca_file`: PEM of the only authority that is trusted then; without it, those of the system. Paths are whole after
    `load_operations`. `timeout_seconds`: of each wait for the server.
    """

    host: Annotated[str, AfterValidator(_host)]
    port: Annotated[int, _between(1, 65535)]
    security: Literal["starttls", "tls"]
    user: Annotated[str, AfterValidator(_user)] | None = None
    password_file: _File | None = None
    sender: _Address
    recipients: Annotated[tuple[_Address, ...], AfterValidator(_recipients)]
    ca_file: _File | None = None
    timeout_seconds: Annotated[int, _between(1, 300)] = 30

    @model_validator(mode="after")
    def _agrees(self) -> Mail:
        if self.password_file and not self.user:
            raise ValueError("có password_file mà không có user. Hãy thêm user, hoặc bỏ password_file.")
        return self

    def within(self, project: Project) -> Mail:
        """The same with whole paths: those that are not absolute start at the project's folder."""
        files = {"password_file": self.password_file, "ca_file": self.ca_file}
        return self.model_copy(update={name: project.root / path for name, path in files.items() if path})


class Operations(Strict):
    """`run_at`: local time of the machine, 'HH:MM'. `time_limit_minutes`: of a whole run. `mail`: None sends none."""

    run_at: Annotated[str, AfterValidator(_time)]
    time_limit_minutes: Annotated[int, _between(1, 1440)]
    mail: Mail | None


def load_operations(project: Project) -> Operations:
    """Read params/scheduled.yaml; raises SettingsError with every problem, each with its line.

    A missing file is an error, too: an office would never learn that its mails have ended.
    """
    path = project.scheduled_settings
    read = load_yaml(path, project.relative(path), Operations)
    return read.model_copy(update={"mail": read.mail.within(project)}) if read.mail else read


def password(mail: Mail) -> SecretStr | None:
    """The password of the mail's user: DANVAN_SMTP_PASSWORD, else what stands in `password_file`; None without a user.

    The variable is taken out of the environment, so that no process that is started later has it: ask once a run.
    Raises SettingsError, which never holds the secret, where there is none or others could have read or placed it.
    """
    given = os.environ.pop(PASSWORD, "")
    if not mail.user:
        return None
    if given:
        return _usable(given, f"Biến môi trường {PASSWORD}")
    if mail.password_file is None:
        raise SettingsError(
            f"Chưa có mật khẩu gửi thư: hãy đặt biến môi trường {PASSWORD}, hoặc ghi mail.password_file trong "
            "params/scheduled.yaml."
        )
    return _usable(_read(mail.password_file), _THE_FILE)


def unchecked(mail: Mail) -> tuple[str, ...]:
    """What could not be checked on this system, in sentences for whoever runs it."""
    if os.name == "nt" and mail.password_file:
        return (
            "Trên Windows, chương trình không kiểm được ai đọc được tệp mật khẩu (mail.password_file). Hãy tự xem: bấm "
            "chuột phải vào tệp, Properties, Security; chỉ để lại tài khoản chạy lịch.",
        )
    return ()


_THE_FILE = "Tệp mật khẩu (mail.password_file trong params/scheduled.yaml)"


def _read(path: Path) -> str:
    """The text of a file that only its owner, who is this user, can read or replace; looked at after it was opened."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    problem, content = "", b""
    try:
        if path.is_symlink():  # where the system cannot refuse to follow
            problem = "là liên kết. Hãy ghi đường dẫn tới chính tệp ấy."
        else:
            file = os.open(path, flags)
            try:
                problem = _exposed(os.fstat(file))
                content = b"" if problem else os.read(file, _LONGEST + 1)
            finally:
                os.close(file)
    except FileNotFoundError:
        problem = "không có ở đó. Hãy tạo tệp, hoặc sửa đường dẫn."
    except OSError as error:
        problem = f"không đọc được ({error.strerror}). Hãy kiểm tra đường dẫn và quyền của tệp."
    except ValueError:
        problem = "có đường dẫn không dùng được. Hãy sửa đường dẫn."
    if not problem and len(content) > _LONGEST:
        problem = f"dài hơn {_LONGEST} byte. Hãy chỉ để mật khẩu trong tệp."
    text = content.decode("utf-8-sig", errors="replace")
    if not problem and "\ufffd" in text:
        problem = "không phải tệp chữ UTF-8. Hãy lưu lại tệp với bảng mã UTF-8."
    if problem:
        raise SettingsError(f"{_THE_FILE} {problem}")
    return text.removesuffix("\n").removesuffix("\r")


def _exposed(found: os.stat_result) -> str:
    """Why a password must not be taken from such a file; '' where it may. Windows has neither owner nor rights here."""
    if not stat.S_ISREG(found.st_mode):
        return "không phải tệp thường. Hãy ghi đường dẫn tới một tệp."
    if os.name == "nt":
        return ""
    if found.st_uid != os.geteuid():
        return "thuộc về người khác. Tệp phải thuộc về chính người chạy: dùng chown, hoặc tạo lại tệp."
    if found.st_mode & 0o077:
        return f"có quyền {stat.S_IMODE(found.st_mode):03o}: người khác cũng dùng được. Hãy chạy chmod 600 cho tệp."
    return ""


def _usable(text: str, what: str) -> SecretStr:
    if not text.strip():
        raise SettingsError(f"{what} trống. Hãy ghi mật khẩu vào đó, trên một dòng.")
    if len(text.splitlines()) > 1 or not text.isprintable():
        raise SettingsError(f"{what} phải chỉ có một dòng là mật khẩu, không có dòng khác hay ký tự ẩn. Hãy sửa lại.")
    if not text.isascii():
        raise SettingsError(
            f"{what} có ký tự ngoài bảng ASCII (chẳng hạn chữ có dấu), không gửi được khi đăng nhập. Hãy đổi mật khẩu."
        )
    return SecretStr(text)
