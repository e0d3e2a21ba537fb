"""What is written beside the documents."""

from __future__ import annotations

import csv
import io

from danvan.stages import _csv


def test_a_charts_data_is_a_csv_that_a_vietnamese_excel_opens() -> None:
    """BOM, semicolons (the comma is in the numbers), and no cell that Excel would take for a formula."""
    raw = _csv((("Đơn vị", "So với năm trước"), ("Hồng Bàng", "+5,4%"), ("=HYPERLINK(0)", "≈ (+3)"), ("A;B", "-1")))
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig")), delimiter=";"))
    assert rows == [
        ["Đơn vị", "So với năm trước"],
        ["Hồng Bàng", "'+5,4%"],
        ["'=HYPERLINK(0)", "≈ (+3)"],
        ["A;B", "'-1"],
    ]
