"""A letter goes to a real mail server over TLS, or it is told why not; the password is nowhere else."""

from __future__ import annotations

import base64
import email
import email.policy
import ssl
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from post import HELLO, Box, office, raw
from pydantic import SecretStr

from danvan import journal, notify
from danvan.notify import NotifyError, Told, send
from danvan.operations import Mail
from danvan.paths import Project

SECRET = "k9\"X\\z+/Q~ 7'%"
HIDDEN = SecretStr(SECRET)
USER = "bao-cao"
MESSAGE = Told(
    "[Dân vận] Báo cáo năm 2026 chờ phê duyệt",
    "Kính gửi các đồng chí,\n\n.một dòng bắt đầu bằng dấu chấm\nFrom đầu dòng\n" + "Quận Hồng Bàng; " * 100 + "\n",
)
pytestmark = pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS:UserWarning",  # aiosmtpd does not see that TLS came first
    "ignore:SMTP.enable_SMTPUTF8:DeprecationWarning",
)


class Authority:
    """An authority with certificates of every kind, made once."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.file))

    def server(self, *names: str, **dates: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost",)), **dates).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def good(ours: Authority) -> ssl.SSLContext:
    return ours.server()


@pytest.fixture
def mail(ours: Authority) -> Callable[..., Mail]:
    def made(port: int, **changed: Any) -> Mail:
        usual = {"host": "localhost", "security": "starttls", "user": USER, "sender": "bao-cao@example.vn"}
        more = {"recipients": ("a@example.vn", "b@example.vn"), "ca_file": str(ours.file), "timeout_seconds": 5}
        return Mail.model_validate(usual | more | {"port": port} | changed)

    return made


@pytest.fixture(autouse=True)
def secret_is_nowhere(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> Iterator[None]:
    """After each test: neither the password nor what it looks like on the wire stands in any output or log."""
    yield
    printed = "".join(capfd.readouterr()) + caplog.text
    for form in (SECRET, repr(SECRET)[1:-1], base64.b64encode(SECRET.encode()).decode()):
        assert form not in printed, request.node.name


def refused(mail: Mail, secret: SecretStr | None = HIDDEN) -> str:
    """What is said of a letter that was not sent; the error, with all that hangs on it, does not know the password."""
    with pytest.raises(NotifyError) as caught:
        send(mail, secret, MESSAGE)
    error = caught.value
    assert error.exit_code == 4
    whole = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    for form in (SECRET, repr(SECRET)[1:-1], base64.b64encode(SECRET.encode()).decode()):
        assert form not in whole + repr(error) + repr(error.__dict__)
    return str(error)


# --- what arrives ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_letter_arrives_as_it_was_written(security: str, good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    box = Box()
    options = {"authenticator": box.login(USER, SECRET), "auth_required": True, "auth_require_tls": False}
    with office(box, good, at_once=security == "tls", **options) as port:
        before = datetime.now(UTC) - timedelta(seconds=2)
        send(mail(port, security=security), HIDDEN, MESSAGE)
    assert box.logins == [(USER, SECRET)]
    (envelope,) = box.letters
    assert (envelope.mail_from, envelope.rcpt_tos) == ("bao-cao@example.vn", ["a@example.vn", "b@example.vn"])
    assert box.tls[0] in ("TLSv1.3", "TLSv1.2")
    assert isinstance(envelope.original_content, bytes)
    assert envelope.original_content.isascii()
    assert max(map(len, envelope.original_content.splitlines())) <= 78
    got = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
    assert got["Subject"] == MESSAGE.subject
    assert got.get_content().replace("\r\n", "\n") == MESSAGE.body
    assert got.get_content_type() == "text/plain"
    assert got.get_content_charset() == "utf-8"
    assert got["To"] == "a@example.vn, b@example.vn"
    assert got["Auto-Submitted"] == "auto-generated"
    assert before <= got["Date"].datetime <= datetime.now(UTC)
    assert got["Message-ID"].endswith("@example.vn>")
    assert SECRET.encode() not in envelope.original_content


def test_a_server_that_wants_no_login_gets_none(good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    box = Box()
    with office(box, good, require_starttls=True) as port:
        send(mail(port, user=None), None, MESSAGE)
    assert len(box.letters) == 1


def test_a_subject_cannot_bring_headers_with_it(good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    box = Box()
    with office(box, good) as port:
        told = Told("Báo cáo\r\nBcc: x@example.vn\r\n\r\nThân thư giả", "Bcc: y@example.vn\n.\nQUIT\n")
        send(mail(port, user=None), None, told)
    (envelope,) = box.letters
    got = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
    assert got["Bcc"] is None
    assert got["Subject"] == "Báo cáo Bcc: x@example.vn Thân thư giả"
    assert envelope.rcpt_tos == ["a@example.vn", "b@example.vn"]
    assert got.get_content().replace("\r\n", "\n") == told.body


# --- the login -------------------------------------------------------------------------------------------------


def test_a_wrong_password(good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    box = Box()
    with office(box, good, authenticator=box.login(USER, "khác"), auth_required=True, auth_require_tls=True) as port:
        assert refused(mail(port)) == (
            f"Máy chủ thư localhost:{port} không cho bao-cao đăng nhập (mã 535). Hãy kiểm tra mail.user và mật khẩu "
            "(tệp mail.password_file hoặc biến DANVAN_SMTP_PASSWORD)."
        )
    assert box.letters == []


def test_a_server_that_knows_no_login(good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    with office(Box(), good, auth_exclude_mechanism=["LOGIN", "PLAIN"]) as port:
        assert refused(mail(port)) == (
            f"Máy chủ thư localhost:{port} không nhận cách đăng nhập nào của chương trình. Hãy hỏi người quản trị máy "
            "chủ thư."
        )


def test_a_password_that_is_missing_or_cannot_be_said(good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    with office(Box(), good) as port:
        assert refused(mail(port), None) == "Chưa có mật khẩu của bao-cao để gửi thư báo qua localhost."
        assert refused(mail(port), SecretStr(SECRET + "ậ")) == (
            f"Máy chủ thư localhost:{port} không nhận được mật khẩu của bao-cao: có ký tự ngoài bảng ASCII. Hãy đổi "
            "mật khẩu."
        )


# --- the certificate -------------------------------------------------------------------------------------------

_PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("expired", "chứng chỉ đã hết hạn"),
        ("early", "chứng chỉ chưa đến ngày có hiệu lực; kiểm tra đồng hồ của máy"),
        ("foreign", "không tìm thấy chứng chỉ gốc đã cấp chứng chỉ này"),
        ("other name", "chứng chỉ cấp cho tên khác"),
    ],
)
def test_a_certificate_that_proves_nothing(
    kind: str, why: str, security: str, ours: Authority, mail: Callable[..., Mail], tmp_path: Path
) -> None:
    made: dict[str, Callable[[], ssl.SSLContext]] = {
        "expired": lambda: ours.server(not_before=_PAST, not_after=_PAST + timedelta(days=1)),
        "early": lambda: ours.server(not_before=datetime.now(UTC) + timedelta(days=2)),
        "foreign": lambda: Authority(tmp_path).server(),
        "other name": lambda: ours.server("mail.example.vn"),
    }
    box = Box()
    options = {"authenticator": box.login(USER, SECRET), "auth_require_tls": False}
    with office(box, made[kind](), at_once=security == "tls", **options) as port:
        assert refused(mail(port, security=security)) == (
            f"Máy chủ thư localhost:{port}: không tin được chứng chỉ ({why}). Chưa gửi gì, kể cả mật khẩu. Hãy xem lại "
            "mail.host, hoặc ghi chứng chỉ gốc của cơ quan ở mail.ca_file trong params/scheduled.yaml."
        )
    assert (box.logins, box.letters) == ([], [])


def test_without_a_ca_file_the_authorities_of_the_system_decide(
    good: ssl.SSLContext, mail: Callable[..., Mail]
) -> None:
    with office(Box(), good) as port:
        assert "không tin được chứng chỉ" in refused(mail(port, ca_file=None))


def test_a_ca_file_that_is_none(mail: Callable[..., Mail], tmp_path: Path) -> None:
    told = "Không đọc được chứng chỉ gốc ở mail.ca_file (params/scheduled.yaml): cần một tệp PEM. Chưa gửi thư báo."
    (tmp_path / "rỗng.pem").write_text("không phải PEM", encoding="utf-8")
    assert refused(mail(1, ca_file=str(tmp_path / "rỗng.pem"))) == told
    assert refused(mail(1, ca_file=str(tmp_path / "không có.pem"))) == told


def test_old_encryption_is_refused(ours: Authority, mail: Callable[..., Mail]) -> None:
    context = ours.server()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with office(Box(), context, at_once=True) as port:
        assert refused(mail(port, security="tls")) == (
            f"Máy chủ thư localhost:{port}: không mã hóa được kết nối (TLS 1.2 trở lên). Chưa gửi gì, kể cả mật khẩu."
        )


# --- a server that does not encrypt ----------------------------------------------------------------------------


def test_a_server_without_starttls_learns_nothing(mail: Callable[..., Mail]) -> None:
    with raw(HELLO, b"250-localhost\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n", b"250 OK\r\n") as (port, heard):
        assert refused(mail(port)) == (
            f"Máy chủ thư localhost:{port} không có STARTTLS nên không mã hóa được kết nối. Chưa gửi gì, kể cả mật "
            "khẩu. Nếu máy chủ mã hóa ngay từ đầu (thường ở cổng 465), hãy đặt mail.security: tls."
        )
    assert bytes(heard) == b"ehlo [127.0.0.1]\r\n", "nor what this machine is called"


def test_a_server_that_takes_starttls_back(mail: Callable[..., Mail]) -> None:
    with raw(HELLO, b"250-localhost\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", b"454 TLS not available\r\n") as (
        port,
        heard,
    ):
        told = refused(mail(port))
    assert told.startswith(f"Máy chủ thư localhost:{port} không nhận thư báo (mã 454). Máy chủ báo là tạm thời:")
    assert bytes(heard) == b"ehlo [127.0.0.1]\r\nSTARTTLS\r\n"


def test_what_is_said_in_the_open_after_starttls_is_not_listened_to(mail: Callable[..., Mail]) -> None:
    with raw(HELLO, b"250-localhost\r\n250 STARTTLS\r\n", b"220 go\r\n250-localhost\r\n250 AUTH PLAIN\r\n") as (
        port,
        heard,
    ):
        assert "không trả lời trong 1 giây" in refused(mail(port, timeout_seconds=1))
    assert b"AUTH" not in heard


def test_the_other_kind_of_encryption_is_hinted_at(mail: Callable[..., Mail]) -> None:
    hint = notify._hint(mail(465))
    assert hint == " Cổng 465 thường đi với mail.security: tls."
    assert notify._hint(mail(465, security="tls")) == ""
    with raw(HELLO) as (port, _heard):  # the greeting is no TLS
        assert "không mã hóa được kết nối" in refused(mail(port, security="tls"))


# --- recipients, and servers that break off --------------------------------------------------------------------


def test_some_recipients_are_refused_and_told_the_others_have_got_it(
    good: ssl.SSLContext, mail: Callable[..., Mail]
) -> None:
    box = Box({"b@example.vn": 550})
    with office(box, good) as port:
        assert refused(mail(port, user=None)) == (
            f"Thư báo không đến được mọi người: máy chủ thư localhost:{port} không nhận b@example.vn (mã 550). Hãy "
            "kiểm tra các địa chỉ này ở mail.recipients."
        )
    assert [envelope.rcpt_tos for envelope in box.letters] == [["a@example.vn"]]


def test_all_recipients_are_refused(good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    box = Box({"a@example.vn": 450, "b@example.vn": 451})
    with office(box, good) as port:
        assert refused(mail(port, user=None)) == (
            f"Thư báo chưa gửi được cho ai: máy chủ thư localhost:{port} không nhận a@example.vn (mã 450), "
            "b@example.vn (mã 451). Máy chủ báo là tạm thời: lần chạy sau sẽ gửi lại."
        )
    assert box.letters == []


def test_a_letter_that_is_refused(good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    with office(Box(data_code=554), good) as port:
        assert refused(mail(port, user=None)) == f"Máy chủ thư localhost:{port} không nhận thư báo (mã 554)."


def test_a_server_that_dies_with_the_letter(good: ssl.SSLContext, mail: Callable[..., Mail]) -> None:
    with office(Box(dies=True), good) as port:
        assert refused(mail(port, user=None)) == (
            f"Máy chủ thư localhost:{port} cắt kết nối giữa chừng; chưa rõ thư báo đã đi hay chưa."
        )


@pytest.mark.parametrize(
    ("security", "answers"),
    [
        ("starttls", ()),  # says nothing
        ("starttls", (HELLO,)),  # nothing after its greeting
        ("starttls", (HELLO, b"250-localhost\r\n250 STARTTLS\r\n", b"220 go\r\n")),  # nothing of TLS
        ("tls", ()),
    ],
)
def test_a_server_that_stalls(security: str, answers: tuple[bytes, ...], mail: Callable[..., Mail]) -> None:
    with raw(*answers) as (port, _heard):
        told = refused(mail(port, security=security, timeout_seconds=1))
    assert told == f"Máy chủ thư localhost:{port} không trả lời trong 1 giây."


def test_nobody_listens_or_nobody_is_there(mail: Callable[..., Mail]) -> None:
    with raw() as (port, _heard):
        pass
    assert refused(mail(port)) == (
        f"Không kết nối được tới máy chủ thư localhost:{port} (máy chủ từ chối; có thể sai cổng)."
    )
    assert "(không tìm thấy tên máy chủ)" in refused(mail(587, host="mail.khong-co.invalid"))


def test_nonsense_instead_of_smtp(mail: Callable[..., Mail]) -> None:
    with raw(b"HTTP/1.1 400 Bad Request\r\n") as (port, _heard):
        assert f"localhost:{port}" in refused(mail(port))
    with raw(b"x" * 20_000) as (port, _heard):
        assert f"localhost:{port}" in refused(mail(port))


# --- the secret, elsewhere -------------------------------------------------------------------------------------


def test_the_log_of_a_run_that_tells_everything_does_not_tell_the_secret(
    tmp_path: Path, good: ssl.SSLContext, mail: Callable[..., Mail]
) -> None:
    box = Box()
    with journal.opened(Project(tmp_path)) as log:
        log.hide(HIDDEN)
        with office(box, good, authenticator=box.login(USER, "khác"), auth_require_tls=True) as port:
            told = refused(mail(port))
        log.error("mail", told, mail=mail(port), secret=HIDDEN, careless=f"mật khẩu: {SECRET}")
    text = (tmp_path / "reports" / "log" / "scheduled.jsonl").read_text(encoding="utf-8")
    assert "đăng nhập (mã 535)" in text
    assert "mật khẩu: [đã giấu]" in text
