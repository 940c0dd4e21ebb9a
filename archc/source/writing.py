"""Values as TOML, laid out as people write specs: one node to a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from archc.escaping import has_hidden, is_hidden
from archc.source.kinds import is_list, is_table

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write_spec(data: Mapping[str, Any]) -> str:
    """A whole spec file."""
    tables: dict[str, Any] = {
        k: v for k, v in data.items() if isinstance(v, dict) or k == "heads"
    }
    lines = [f"{write_key(k)} = {write(v)}" for k, v in data.items() if k not in tables]
    for key, value in tables.items():
        lines += _section(key, value)
    return "\n".join(lines).lstrip("\n") + "\n"


def _section(key: str, value: Any) -> Iterator[str]:
    if key == "heads":
        for head in value:
            yield from _table("[[heads]]", head)
    elif key in ("blocks", "ops"):
        for name, inner in value.items():
            yield from _table(f"[{key}.{write_key(name)}]", inner)
    else:
        yield from _table(f"[{write_key(key)}]", value)


def _table(header: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield header
    yield from (f"{write_key(key)} = {write(value)}" for key, value in table.items())


def write_key(key: str) -> str:
    """A key, in quotes where it needs them."""
    return key if _BARE.fullmatch(key) else _string(key)


def write(value: Any, indent: str = "") -> str:
    """One value; a list that holds nodes has a line for each, and brackets around only
    one stand beside its braces."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if is_table(value):
        pairs = [f"{write_key(k)} = {write(v, indent)}" for k, v in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if not is_list(value):
        return repr(value)
    if not _holds_nodes(value):
        return f"[{', '.join(write(item) for item in value)}]"
    if len(value) == 1 and is_table(value[0]):
        return f"[{write(value[0], indent)}]"
    inner = f"{indent}  "
    lines = "".join(f"{inner}{write(item, inner)},\n" for item in value)
    return f"[\n{lines}{indent}]"


def _holds_nodes(items: list[Any]) -> bool:
    """Also a branch that is a list of nodes."""
    return any(
        isinstance(item, dict) or (is_list(item) and _holds_nodes(item))
        for item in items
    )


def _string(text: str) -> str:
    """As in JSON, and with what is hidden escaped; half a surrogate pair is no text."""
    whole = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    if not has_hidden(whole):
        return whole
    return "".join(_escaped(c) if is_hidden(c) else c for c in whole)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
