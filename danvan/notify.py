"""Sends a letter by e-mail: encrypted, to a server whose certificate was checked, or not at all."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from functools import partial

from pydantic import SecretStr

from danvan.errors import StageError
from danvan.notice import Told as Told  # what is sent, and where it is from: asked for here too
from danvan.notice import letter as letter
from danvan.notice import one_line
from danvan.operations import Mail
from danvan.wording import lower_first

# How this machine names itself to the server: its real name is nobody's business, and looking it up may take long.
_NAMELESS = "[127.0.0.1]"
_TEMPORARY = range(400, 500)  # replies of a server that may say yes later (RFC 5321, 4.2.1)
_WHY_DISTRUSTED = {  # OpenSSL's X509_V_ERR_...
    9: "chứng chỉ chưa đến ngày có hiệu lực; kiểm tra đồng hồ của máy",
    10: "chứng chỉ đã hết hạn",
    18: "chứng chỉ tự ký, không nằm trong các chứng chỉ gốc được tin",
    19: "chứng chỉ gốc của máy chủ không nằm trong các chứng chỉ gốc được tin",
    20: "không tìm thấy chứng chỉ gốc đã cấp chứng chỉ này",
    21: "không tìm thấy chứng chỉ gốc đã cấp chứng chỉ này",
    62: "chứng chỉ cấp cho tên khác",
    64: "chứng chỉ cấp cho địa chỉ khác",
}


class NotifyError(StageError):
    """A mail that was not sent, or not to everybody: which server, at which step, what to do. Never the password."""


def send(mail: Mail, secret: SecretStr | None, message: Told) -> None:
    """Send `message` to all recipients of `mail`, logged in as its user where there is one.

    Waits at most `timeout_seconds` at each step. Raises NotifyError where the connection, the certificate, the login
    or a recipient is refused; if some recipients were refused, the others have got it.
    """
    # Raised out here: what it would else carry as its context knows the password.
    if problem := _sent(mail, secret, _made(mail, message)):
        raise NotifyError(problem)


def _made(mail: Mail, message: Told) -> EmailMessage:
    made = EmailMessage()
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.recipients)
    made["Subject"] = one_line(message.subject)
    made["Date"] = format_datetime(localtime())
    made["Message-ID"] = make_msgid(domain=mail.sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"  # so that nobody's absence answers it (RFC 3834)
    made["Content-Language"] = "vi"
    made.set_content(message.body, charset="utf-8", cte="base64")
    return made


def _sent(mail: Mail, secret: SecretStr | None, made: EmailMessage) -> str:
    """Send it; what went wrong as a sentence, else ''."""
    server = f"Máy chủ thư {mail.host}:{mail.port}"
    try:
        with _encrypted(mail) as smtp:
            if mail.user:
                if secret is None:
                    return f"Chưa có mật khẩu của {mail.user} để gửi thư báo qua {mail.host}."
                _log_in(smtp, mail.user, secret.get_secret_value())
            refused = smtp.send_message(made, mail.sender, mail.recipients)
            # It is on its way; how the server says goodbye changes nothing.
            with suppress(OSError):
                smtp.quit()
        return f"Thư báo không đến được mọi người: {_refused(server, refused)}" if refused else ""
    except _RefusedError as error:
        return f"{server} {error}"
    except ssl.SSLCertVerificationError as error:
        why = _WHY_DISTRUSTED.get(error.verify_code, f"mã {error.verify_code} của OpenSSL")
        return (
            f"{server}: không tin được chứng chỉ ({why}). Chưa gửi gì, kể cả mật khẩu. Hãy xem lại mail.host, hoặc ghi "
            "chứng chỉ gốc của cơ quan ở mail.ca_file trong params/scheduled.yaml."
        )
    except ssl.SSLError:
        return f"{server}: không mã hóa được kết nối (TLS 1.2 trở lên). Chưa gửi gì, kể cả mật khẩu.{_hint(mail)}"
    except smtplib.SMTPAuthenticationError as error:
        return (
            f"{server} không cho {mail.user} đăng nhập (mã {error.smtp_code}). Hãy kiểm tra mail.user và mật khẩu "
            "(tệp mail.password_file hoặc biến DANVAN_SMTP_PASSWORD)."
        )
    except smtplib.SMTPRecipientsRefused as error:
        return f"Thư báo chưa gửi được cho ai: {_refused(server, error.recipients)}"
    except smtplib.SMTPSenderRefused as error:
        return f"{server} không nhận thư của người gửi {mail.sender} (mã {error.smtp_code}). Hãy kiểm tra mail.sender."
    except smtplib.SMTPConnectError as error:
        return f"{server} không nhận kết nối (mã {error.smtp_code}). Hãy thử lại sau."
    except smtplib.SMTPResponseException as error:  # also where it takes no content
        return f"{server} không nhận thư báo (mã {error.smtp_code}).{_later([error.smtp_code])}"
    except smtplib.SMTPServerDisconnected as error:
        if isinstance(error.__context__, TimeoutError):  # smtplib tells both alike
            return _silent(mail)
        return f"{server} cắt kết nối giữa chừng; chưa rõ thư báo đã đi hay chưa.{_hint(mail)}"
    except smtplib.SMTPException:
        return f"{server} trả lời không theo giao thức gửi thư.{_hint(mail)}"
    except TimeoutError:
        return _silent(mail)
    except OSError as error:
        return f"Không kết nối được tới {lower_first(server)} ({_why_unreachable(error)}).{_hint(mail)}"


class _RefusedError(Exception):
    """What the server does not do, so that nothing is sent to it."""


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    """Log in over what is encrypted already; smtplib's own error about a letter that it cannot send would quote it."""
    if not password.isascii():
        raise _RefusedError(f"không nhận được mật khẩu của {user}: có ký tự ngoài bảng ASCII. Hãy đổi mật khẩu.")
    smtp.ehlo_or_helo_if_needed()
    if not {"PLAIN", "LOGIN", "CRAM-MD5"} & set(smtp.esmtp_features.get("auth", "").upper().split()):
        raise _RefusedError("không nhận cách đăng nhập nào của chương trình. Hãy hỏi người quản trị máy chủ thư.")
    smtp.login(user, password)


@contextmanager
def _encrypted(mail: Mail) -> Iterator[smtplib.SMTP]:
    """A connection that is encrypted, to a server that proved its name. Raises what smtplib and ssl do."""
    context = _context(mail)
    connect = partial(smtplib.SMTP_SSL, context=context) if mail.security == "tls" else smtplib.SMTP
    smtp = connect(mail.host, mail.port, _NAMELESS, timeout=mail.timeout_seconds)
    try:
        if mail.security == "starttls":
            smtp.ehlo_or_helo_if_needed()
            if not smtp.has_extn("starttls"):
                raise _RefusedError(
                    "không có STARTTLS nên không mã hóa được kết nối. Chưa gửi gì, kể cả mật khẩu. Nếu máy chủ mã hóa "
                    "ngay từ đầu (thường ở cổng 465), hãy đặt mail.security: tls."
                )
            smtp.starttls(context=context)
        if not isinstance(smtp.sock, ssl.SSLSocket):
            raise _RefusedError("không mã hóa kết nối. Chưa gửi gì, kể cả mật khẩu.")
        yield smtp
    finally:
        smtp.close()


def _context(mail: Mail) -> ssl.SSLContext:
    """What the server must prove: its name, by an authority of the system, or by the office's own alone."""
    try:
        context = ssl.create_default_context(cafile=mail.ca_file)
    except (OSError, ValueError):  # an SSLError, too: no certificate in it
        raise NotifyError(
            "Không đọc được chứng chỉ gốc ở mail.ca_file (params/scheduled.yaml): cần một tệp PEM. Chưa gửi thư báo."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


# ---------------------------------------------------------------- words


def _refused(server: str, recipients: Mapping[str, tuple[int, bytes]]) -> str:
    named = ", ".join(f"{address} (mã {code})" for address, (code, _) in recipients.items())
    later = _later(code for code, _ in recipients.values())
    return f"{lower_first(server)} không nhận {named}.{later or ' Hãy kiểm tra các địa chỉ này ở mail.recipients.'}"


def _later(codes: Iterable[int]) -> str:
    return " Máy chủ báo là tạm thời: lần chạy sau sẽ gửi lại." if all(code in _TEMPORARY for code in codes) else ""


def _silent(mail: Mail) -> str:
    return f"Máy chủ thư {mail.host}:{mail.port} không trả lời trong {mail.timeout_seconds} giây.{_hint(mail)}"


def _hint(mail: Mail) -> str:
    """Where the port is known for the other kind of encryption."""
    usual = {465: "tls", 587: "starttls", 25: "starttls"}.get(mail.port, mail.security)
    return "" if usual == mail.security else f" Cổng {mail.port} thường đi với mail.security: {usual}."


def _why_unreachable(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "không tìm thấy tên máy chủ"
    if isinstance(error, ConnectionRefusedError):
        return "máy chủ từ chối; có thể sai cổng"
    return error.strerror or "lỗi mạng"
