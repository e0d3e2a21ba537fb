"""The workbook behind the yearly report: returns in, report out."""
