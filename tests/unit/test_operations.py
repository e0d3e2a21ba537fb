"""How the scheduled run is set: every wrong key with its line; a password that only its owner can read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from danvan import environment, operations
from danvan.errors import SettingsError
from danvan.freshness import Sources
from danvan.operations import PASSWORD, Mail, load_operations
from danvan.paths import Project

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "k9\"X\\z+/Q~ 7'%"
WHOLE = """\
run_at: 02:30
time_limit_minutes: 90
mail:
  host: mail.example.vn
  port: 587
  security: starttls
  user: bao-cao
  password_file: secrets/smtp.txt
  sender: bao-cao@example.vn
  recipients:
    - lanh-dao@example.vn
    - van-phong@example.vn
  ca_file: secrets/ca.pem
  timeout_seconds: 20
"""


def project(folder: Path, text: str = WHOLE) -> Project:
    (folder / "params").mkdir(exist_ok=True)
    (folder / "params" / "scheduled.yaml").write_text(text, encoding="utf-8")
    return Project(folder)


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_operations(project(folder, text))
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


# --- what is read ----------------------------------------------------------------------------------------------


def test_what_is_shipped_sends_no_mail() -> None:
    shipped = load_operations(Project(ROOT))
    assert (shipped.run_at, shipped.time_limit_minutes, shipped.mail) == ("02:00", 180, None)


def test_the_example_in_the_shipped_file_is_right_once_its_marks_are_taken_off(tmp_path: Path) -> None:
    lines = (ROOT / "params" / "scheduled.yaml").read_text(encoding="utf-8").splitlines()
    example = lines.index("# mail:")
    whole = [line for line in lines[:example] if line != "mail: null"] + [line[2:] for line in lines[example:]]
    mail = load_operations(project(tmp_path, "\n".join(whole))).mail
    assert mail is not None
    assert mail.model_fields_set == set(Mail.model_fields), "a key is not explained"


def test_paths_start_at_the_project_unless_they_are_whole(tmp_path: Path) -> None:
    elsewhere = tmp_path / "ở nơi khác.pem"
    text = WHOLE.replace("ca_file: secrets/ca.pem", f"ca_file: {elsewhere}")
    read = load_operations(project(tmp_path, text))
    assert (read.run_at, read.time_limit_minutes) == ("02:30", 90)
    assert read.mail is not None
    assert read.mail.password_file == tmp_path / "secrets" / "smtp.txt"
    assert read.mail.ca_file == elsewhere
    assert read.mail.recipients == ("lanh-dao@example.vn", "van-phong@example.vn")


def test_what_is_optional_may_be_left_out_or_blank(tmp_path: Path) -> None:
    text = WHOLE
    for line in ("  password_file: secrets/smtp.txt\n", "  ca_file: secrets/ca.pem\n", "  timeout_seconds: 20\n"):
        text = text.replace(line, "")
    mail = load_operations(project(tmp_path, text.replace("user: bao-cao\n", "user: null\n"))).mail
    assert mail is not None
    assert (mail.user, mail.password_file, mail.ca_file, mail.timeout_seconds) == (None, None, None, 30)


def test_it_is_no_input_of_any_document(tmp_path: Path) -> None:
    """Changing where a mail goes must not make a report stale."""
    for name in ("params", "data", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.py", "202[4-6]*"))

    def keys() -> list[str]:
        sources = Sources(Project(tmp_path))
        wanted = [sources.report(2023, "public"), sources.trends("public"), sources.profile(2023, "HP-303", "x")]
        assert not any("params/scheduled" in name for one in wanted for name in one.inputs)
        return [one.key for one in wanted]

    before = keys()
    project(tmp_path)
    assert keys() == before


# --- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "line", "sentence"),
    [
        ("run_at: 02:30", "run_at: 2:30", 1, "“run_at”: “2:30” không phải giờ trong ngày; ghi giờ:phút, đủ hai chữ số, ví dụ 02:00."),  # noqa: E501
        ("run_at: 02:30", 'run_at: "24:00"', 1, "“run_at”: “24:00” không phải giờ trong ngày; ghi giờ:phút, đủ hai chữ số, ví dụ 02:00."),  # noqa: E501
        ("run_at: 02:30", "run_at: 2", 1, "“run_at” là 2; cần chữ."),
        ("minutes: 90", "minutes: 0", 2, "“time_limit_minutes”: 0 nằm ngoài khoảng 1 đến 1440. Hãy sửa số."),
        ("minutes: 90", "minutes: 1h", 2, "“time_limit_minutes” là '1h'; cần số nguyên."),
        ("mail.example.vn", "smtp://mail.example.vn:587", 4, "“mail.host”: “smtp://mail.example.vn:587” không phải tên máy chủ; chỉ ghi tên, ví dụ mail.example.vn, không kèm smtp:// hay cổng."),  # noqa: E501
        ("port: 587", "port: 70000", 5, "“mail.port”: 70000 nằm ngoài khoảng 1 đến 65535. Hãy sửa số."),
        ("port: 587", "port: '587'", 5, "“mail.port” là '587'; cần số nguyên."),
        ("security: starttls", "security: none", 6, "“mail.security” là 'none'; chỉ nhận: 'starttls', 'tls'."),
        ("security: starttls", "security: null", 6, "“mail.security” là None; chỉ nhận: 'starttls', 'tls'."),
        ("user: bao-cao", "user: báo-cáo", 7, "“mail.user”: tên đăng nhập chỉ gồm chữ không dấu, chữ số và dấu câu. Hãy sửa, hoặc ghi null."),  # noqa: E501
        ("user: bao-cao", "user: null", 3, "“mail”: có password_file mà không có user. Hãy thêm user, hoặc bỏ password_file."),  # noqa: E501
        ("password_file: secrets/smtp.txt", "password_file: 12345678", 8, "“mail.password_file”: cần đường dẫn tới một tệp, ví dụ secrets/smtp.txt."),  # noqa: E501
        ("password_file: secrets/smtp.txt", "password: 12345678", 8, "không có khóa “mail.password”. Có phải là “password_file”? Hãy sửa tên hoặc bỏ."),  # noqa: E501
        ("sender: bao-cao@example.vn", "sender: Báo cáo <bao-cao@example.vn>", 9, "“mail.sender”: “Báo cáo <bao-cao@example.vn>” không phải địa chỉ thư; chỉ ghi một địa chỉ, không kèm tên."),  # noqa: E501
        ("- van-phong@example.vn", '- "a@b.vn\\r\\nBcc: x@y.vn"', 12, "“mail.recipients.1”: “a@b.vn Bcc: x@y.vn” không phải địa chỉ thư; chỉ ghi một địa chỉ, không kèm tên."),  # noqa: E501
        ("- van-phong@example.vn", "- lanh-dao@example.vn", 10, "“mail.recipients”: ghi hai lần: lanh-dao@example.vn. Hãy bỏ một."),  # noqa: E501
        ("ca_file: secrets/ca.pem", "ca_file: [a]", 13, "“mail.ca_file”: cần đường dẫn tới một tệp, ví dụ secrets/smtp.txt."),  # noqa: E501
        ("timeout_seconds: 20", "timeout_seconds: 0", 14, "“mail.timeout_seconds”: 0 nằm ngoài khoảng 1 đến 300. Hãy sửa số."),  # noqa: E501
        ("run_at: 02:30", "run: 02:30", 1, "thiếu khóa “run_at”. Hãy thêm khóa này (để trống bằng null nếu được phép)."),  # noqa: E501
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told_with_its_line(
    right: str, wrong: str, line: int, sentence: str, tmp_path: Path
) -> None:
    assert right in WHOLE
    told = refused(tmp_path, WHOLE.replace(right, wrong))
    assert f"params/scheduled.yaml, dòng {line}: {sentence}" in told
    assert "12345678" not in str(told), "what was typed where a password may be is not repeated"


def test_nobody_to_write_to(tmp_path: Path) -> None:
    text = WHOLE.replace("recipients:\n    - lanh-dao@example.vn\n    - van-phong@example.vn", "recipients: []")
    assert refused(tmp_path, text) == [
        "params/scheduled.yaml, dòng 10: “mail.recipients”: chưa có địa chỉ nào. Hãy ghi ít nhất một địa chỉ nhận, "
        "hoặc ghi mail: null."
    ]


def test_a_missing_file_is_no_silent_end_of_all_mails(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Thiếu tệp params/scheduled\.yaml"):
        load_operations(Project(tmp_path))
    assert refused(tmp_path, "run_at: 02:00\ntime_limit_minutes: 60\n") == [
        "params/scheduled.yaml, dòng 1: thiếu khóa “mail”. Hãy thêm khóa này (để trống bằng null nếu được phép)."
    ]


# --- the password ----------------------------------------------------------------------------------------------


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mail:
    monkeypatch.delenv(PASSWORD, raising=False)
    (tmp_path / "secrets").mkdir()
    read = load_operations(project(tmp_path)).mail
    assert read is not None
    return read


def keep(mail: Mail, content: bytes, rights: int = 0o600) -> Path:
    assert mail.password_file is not None
    mail.password_file.write_bytes(content)
    mail.password_file.chmod(rights)
    return mail.password_file


def why_not(mail: Mail) -> str:
    with pytest.raises(SettingsError) as caught:
        operations.password(mail)
    assert SECRET not in repr(caught.value)
    return str(caught.value)


_FILE = "Tệp mật khẩu (mail.password_file trong params/scheduled.yaml) "


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_the_password_is_the_one_line_of_its_file(mail: Mail, start: bytes, end: bytes) -> None:
    keep(mail, start + SECRET.encode() + end)
    secret = operations.password(mail)
    assert secret is not None
    assert secret.get_secret_value() == SECRET
    assert SECRET not in f"{secret} {secret!r}"


def test_the_environment_goes_before_the_file_and_no_later_process_has_it(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, SECRET)
    assert PASSWORD not in environment.of_kernel()
    secret = operations.password(mail)  # there is no file
    assert secret is not None
    assert secret.get_secret_value() == SECRET
    assert PASSWORD not in os.environ


def test_without_a_user_no_password_is_wanted(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, SECRET)
    assert operations.password(mail.model_copy(update={"user": None, "password_file": None})) is None
    assert PASSWORD not in os.environ


def test_no_password_anywhere(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_not(mail) == _FILE + "không có ở đó. Hãy tạo tệp, hoặc sửa đường dẫn."
    assert why_not(mail.model_copy(update={"password_file": None})) == (
        "Chưa có mật khẩu gửi thư: hãy đặt biến môi trường DANVAN_SMTP_PASSWORD, hoặc ghi mail.password_file trong "
        "params/scheduled.yaml."
    )
    monkeypatch.setenv(PASSWORD, SECRET + "\n" + SECRET)
    assert why_not(mail) == (
        "Biến môi trường DANVAN_SMTP_PASSWORD phải chỉ có một dòng là mật khẩu, không có dòng khác hay ký tự ẩn. "
        "Hãy sửa lại."
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
@pytest.mark.parametrize("rights", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])
def test_a_file_that_others_may_use_is_refused(mail: Mail, rights: int) -> None:
    keep(mail, SECRET.encode(), rights)
    told = f"có quyền {rights:o}: người khác cũng dùng được. Hãy chạy chmod 600 cho tệp."
    assert why_not(mail) == _FILE + told


@pytest.mark.skipif(os.name == "nt", reason="Windows has other files")
def test_what_is_no_plain_file_is_refused_without_waiting(mail: Mail) -> None:
    path = keep(mail, SECRET.encode())
    moved = path.rename(path.with_name("thật"))
    path.symlink_to(moved)
    assert why_not(mail) == _FILE + "là liên kết. Hãy ghi đường dẫn tới chính tệp ấy."
    path.unlink()
    os.mkfifo(path, 0o600)
    assert why_not(mail) == _FILE + "không phải tệp thường. Hãy ghi đường dẫn tới một tệp."
    path.unlink()
    path.mkdir()
    assert why_not(mail) == _FILE + "không phải tệp thường. Hãy ghi đường dẫn tới một tệp."


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give a file away")
def test_a_file_of_somebody_else_is_refused(mail: Mail) -> None:
    os.chown(keep(mail, SECRET.encode()), 12345, 12345)
    told = "thuộc về người khác. Tệp phải thuộc về chính người chạy: dùng chown, hoặc tạo lại tệp."
    assert why_not(mail) == _FILE + told


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "trống. Hãy ghi mật khẩu vào đó, trên một dòng."),
        (b" \n", "trống. Hãy ghi mật khẩu vào đó, trên một dòng."),
        (SECRET.encode() + b"\nghi nh\n", "phải chỉ có một dòng là mật khẩu, không có dòng khác hay ký tự ẩn. Hãy sửa lại."),  # noqa: E501
        (SECRET.encode() + b"\0", "phải chỉ có một dòng là mật khẩu, không có dòng khác hay ký tự ẩn. Hãy sửa lại."),
        (SECRET.encode() + b"\xff", "không phải tệp chữ UTF-8. Hãy lưu lại tệp với bảng mã UTF-8."),
        ((SECRET + "ậ").encode(), "có ký tự ngoài bảng ASCII (chẳng hạn chữ có dấu), không gửi được khi đăng nhập. Hãy đổi mật khẩu."),  # noqa: E501
        (SECRET.encode() * 100, "dài hơn 1000 byte. Hãy chỉ để mật khẩu trong tệp."),
    ],
)  # fmt: skip
def test_what_is_no_password(mail: Mail, content: bytes, sentence: str) -> None:
    keep(mail, content)
    assert why_not(mail) == _FILE + sentence


def test_what_windows_cannot_check_is_told(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    assert operations.unchecked(mail) == ()
    monkeypatch.setattr(operations.os, "name", "nt")
    (sentence,) = operations.unchecked(mail)
    assert "không kiểm được ai đọc được tệp mật khẩu" in sentence
    monkeypatch.undo()
