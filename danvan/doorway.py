# -*- coding: utf-8 -*-
# ruff: noqa: UP009, UP010, PTH100, PTH120
# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""The `__main__.py` of an exported archive: `python3 danvan-2026.zip` brings it back.

Like build.py it must parse under every Python since 2.7, so that an old one says a sentence; the work is in
danvan/restoring.py, which Python imports from the archive itself.
"""

from __future__ import unicode_literals

import os
import sys

NEEDED = (3, 11)
TOO_OLD = "Kho lưu này cần Python 3.11 trở lên, nhưng đang chạy bằng Python %d.%d: hãy cài Python mới rồi chạy lại."
DAMAGED = "Kho lưu này không còn nguyên, kể cả phần chương trình để giải nén: hãy chép lại tệp hoặc dùng kho lưu khác."


def say(sentence):
    """Tell the user; as bytes, because the encoding of an old Python's console may lack Vietnamese letters."""
    getattr(sys.stderr, "buffer", sys.stderr).write((sentence + "\n").encode("utf-8"))


def main():
    """Refuse an old Python, or hand over to danvan.restoring; gives the exit code."""
    if sys.version_info < NEEDED:
        say(TOO_OLD % (sys.version_info[0], sys.version_info[1]))
        return 2
    try:
        from pathlib import Path

        from danvan import restoring
    except Exception:  # whatever a damaged module raises
        say(DAMAGED)
        return 5
    return restoring.main(Path(os.path.dirname(os.path.abspath(__file__))), sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
