"""Names as Python has them: NFKC, so that `ﬁrst` and `first` are one name."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from archc.source.kinds import is_list, is_table
from archc.source.positions import KeyPath


@dataclass(frozen=True, slots=True)
class Twins:
    """Two keys of one table that are one name."""

    table: KeyPath
    first: str
    second: str


def folded(name: str) -> str:
    """A name as Python reads it."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def fold_keys(value: Any, path: KeyPath, twins: list[Twins]) -> Any:
    """A value with the keys of all its tables folded; itself where none changes.

    Of keys that become one, the first stands; they are added to `twins`.
    """
    if is_list(value):
        made = [fold_keys(v, (*path, i), twins) for i, v in enumerate(value)]
        same = all(a is b for a, b in zip(made, value, strict=True))
        return value if same else made
    if not is_table(value):
        return value
    table: dict[str, Any] = {}
    spelt: dict[str, str] = {}
    changed = False
    for key, inside in value.items():
        name = folded(key)
        if name in spelt:
            twins.append(Twins(path, spelt[name], key))
            continue
        spelt[name] = key
        table[name] = fold_keys(inside, (*path, key), twins)
        changed |= name != key or table[name] is not inside
    return table if changed else value


def as_written(path: KeyPath, data: Any) -> KeyPath:
    """A path of folded keys with the keys as they stand in `data`."""
    found: list[str | int] = []
    for part in path:
        if is_table(data):
            part = next((key for key in data if folded(key) == part), part)
            data = data.get(str(part))
        elif is_list(data):
            data = data[part] if isinstance(part, int) and part < len(data) else None
        found.append(part)
    return tuple(found)
