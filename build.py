# -*- coding: utf-8 -*-
# ruff: noqa: UP009, UP010, PTH100, PTH120
"""The only door: `python3 build.py ...` sets the project up on first use, then does what is asked.

This file must parse under every Python since 2.7, so that an old one says a sentence and not a SyntaxError;
the work is in danvan/setup.py.
"""

from __future__ import unicode_literals

import os
import sys

NEEDED = (3, 11)
TOO_OLD = (
    "Cần Python 3.11 trở lên, nhưng lệnh này đang chạy bằng Python %d.%d: "
    "hãy cài Python mới rồi chạy lại bằng nó, ví dụ: %s"
)


def main():
    """Refuse an old Python, or hand over to danvan.setup; gives the exit code."""
    if sys.version_info < NEEDED:
        again = "py -3.11 build.py" if os.name == "nt" else "python3.11 build.py"
        message = TOO_OLD % (sys.version_info[0], sys.version_info[1], again)
        # As bytes: the encoding of an old Python's console may lack Vietnamese letters.
        getattr(sys.stderr, "buffer", sys.stderr).write((message + "\n").encode("utf-8"))
        return 2
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from danvan import setup

    return setup.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
