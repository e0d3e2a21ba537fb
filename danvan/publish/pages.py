"""What pages made from templates share: where templates and stylesheets lie, and the policy that allows them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent


def text(*names: str) -> Markup:
    """The stylesheets or scripts of these names, one after another."""
    return Markup("").join(Markup((HERE / name).read_text(encoding="utf-8")) for name in names)


def allowed(content: str) -> str:
    """The source by which a policy (CSP) allows this style or script, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def environment(**filters: Any) -> Environment:
    """Templates of this folder; all that is put into them is escaped."""
    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= filters
    return made
