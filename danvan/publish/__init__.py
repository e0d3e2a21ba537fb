"""Executed notebook -> document -> HTML and PDF. The only importer of nbconvert and typst."""
