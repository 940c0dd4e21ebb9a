"""Identifiers as Python reads them: in the normal form NFKC, text as it is."""

from __future__ import annotations

import unicodedata
from dataclasses import fields, is_dataclass
from typing import Any

from archc.emit.tree import Method
from archc.ops.code import Argument, Attribute, ClassName, Global, Local
from archc.spec.expressions import is_tuple

_IDENTIFIERS: dict[type[object], str] = {
    Local: "id",
    ClassName: "key",
    Global: "name",
    Attribute: "name",
    Argument: "name",
    Method: "name",
}


def plain(name: str) -> str:
    """A name, or a path of names, as Python reads it."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def folded(part: object) -> Any:
    """A tree, or a part of one, with its identifiers as Python reads them."""
    if is_tuple(part):
        return tuple(folded(p) for p in part)
    if not is_dataclass(part) or isinstance(part, type):
        return part
    values = {f.name: folded(getattr(part, f.name)) for f in fields(part)}
    name = _IDENTIFIERS.get(type(part))
    if name is not None and values[name] is not None:
        values[name] = plain(values[name])
    return type(part)(**values)
