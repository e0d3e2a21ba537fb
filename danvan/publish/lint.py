"""Compares a built or an edited file with its format profile and names what differs; it mends nothing."""

from __future__ import annotations

from pathlib import Path

from danvan import formats
from danvan.document import Document
from danvan.errors import SettingsError
from danvan.formats import Json
from danvan.publish import letters_of_pdf, lint_of_docx, lint_of_pdf, paragraphs_of_docx
from danvan.publish.wanted import Difference

__all__ = ["Difference", "lint_docx", "lint_edited", "lint_folder", "lint_pdf"]


def lint_pdf(data: bytes, document: Document, profile: Json | None = None) -> list[Difference]:
    """What a built PDF has otherwise than the profile of its document (or another one).

    Raises SettingsError if the bytes are no PDF, or there is no such profile.
    """
    return lint_of_pdf.differences(letters_of_pdf.read(data), document, profile or formats.load(document.meta.profile))


def lint_docx(data: bytes, document: Document | None = None, profile: Json | None = None) -> list[Difference]:
    """What a Word file has otherwise than the profile of its document, or than `profile`; one of the two is needed.

    Without its document, as after an edit, its styles alone say what is what. Raises SettingsError as `lint_pdf` does.
    """
    if profile is None:
        if document is None:
            raise SettingsError("chưa biết tệp phải theo mẫu thể thức nào. Hãy nêu mẫu: --profile TÊN.")
        profile = formats.load(document.meta.profile)
    return lint_of_docx.differences(paragraphs_of_docx.read(data), profile, document)


def lint_edited(path: Path, profile: str) -> list[Difference]:
    """What a Word file from anywhere has otherwise than the named profile. Raises SettingsError."""
    if path.suffix.casefold() != ".docx":
        raise SettingsError(f"{path.name}: chỉ đối chiếu riêng được tệp Word (.docx); PDF thì dùng lint NĂM.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path.name}: không đọc được ({error.strerror}).") from None
    wanted = formats.load(profile)
    try:
        return lint_docx(data, profile=wanted)
    except SettingsError as error:
        raise SettingsError(f"{path.name}: {error}") from None


def lint_folder(folder: Path, shown: str) -> dict[str, list[Difference]]:
    """The PDF and the Word file of a built report, by file name, against the profile of its document.

    `shown` is the folder's name in messages. Raises SettingsError if the report is not built.
    """
    import nbformat

    from danvan.publish import builder

    notebook = folder / "notebook.ipynb"
    if not notebook.is_file():
        raise SettingsError(f"Chưa có báo cáo trong {shown}. Hãy lập trước: build.py report NĂM.")
    document = builder.build(nbformat.read(notebook, as_version=4))  # type: ignore[no-untyped-call]
    lints = {".pdf": lint_pdf, ".docx": lint_docx}
    return {
        path.name: lints[path.suffix](path.read_bytes(), document)
        for path in sorted(folder.iterdir())
        if path.suffix in lints
    }
