"""Which names parameters, counters, blocks, heads and networks can have."""

from __future__ import annotations

import keyword

from archc.spec import tables
from archc.spec.expressions import FUNCTIONS

IDENTIFIER = "letters, digits and _, not a digit first, and no Python keyword"


def is_identifier(text: str) -> bool:
    """Whether `text` can be a name in Python."""
    return text.isidentifier() and not keyword.iskeyword(text)


def bad_name(text: str, what: str) -> tuple[str, str] | None:
    """Why `text` cannot name a parameter, counter, block or head, and what to do."""
    other = f"call it `{text}_` or something more telling"
    if keyword.iskeyword(text):
        return "it is a Python keyword", other
    if not text.isidentifier():
        return "it is no Python identifier", IDENTIFIER
    if what in ("parameter", "counter") and text in FUNCTIONS | {"in_channels"}:
        return "expressions know it already", other
    if what == "parameter" and text in (tables.MODIFIERS | {*tables.BODIES, "self"}):
        return "a node's key has that name", other
    return None
