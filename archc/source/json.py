"""JSON: where each value stands, and which keys are given twice."""

from __future__ import annotations

import json
import re

from archc.source.positions import Entry, Locator, Range

Repeats = list[tuple[str, Range, Range]]

# Of a text that parses, commas, colons and blanks need no second look.
_TOKEN = re.compile(r"""[\[\]{}]|"(?:[^"\\]|\\.)*+"|[^\s\[\]{},:"]+""")


def locator(text: str) -> Locator:
    """Index a JSON text by key path. The text is known to parse."""
    return Locator(text, _index(text)[0])


def duplicate_keys(text: str, limit: int = 20) -> Repeats:
    """Keys given twice in one object: the key, then its second and first place."""
    return _index(text)[1][:limit]


def _index(text: str) -> tuple[Entry, Repeats]:
    root = parent = Entry((0, 0), children={}, is_list=True)
    outer: list[Entry] = []
    repeats: Repeats = []
    key: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "]}":
            parent.value = (parent.value[0], token.end())
            if parent.item is not None:
                parent.item = (parent.item[0], token.end())
            parent = outer.pop()
        elif key is None and not parent.is_list:
            key = token
        else:
            entry = _entry(token, key)
            _add(parent, key, entry, repeats)
            key = None
            if first in "[{":
                entry.children, entry.is_list = {}, first == "["
                outer.append(parent)
                parent = entry
    return (root.children or {}).get(0, root), repeats


def _entry(value: re.Match[str], key: re.Match[str] | None) -> Entry:
    if key is None:
        return Entry(value.span())
    return Entry(value.span(), key.span(), (key.start(), value.end()))


def _add(
    parent: Entry, key: re.Match[str] | None, entry: Entry, repeats: Repeats
) -> None:
    children = parent.children
    if children is None:
        return
    if key is None:
        children[len(children)] = entry
        return
    raw = key[0]
    name: str = json.loads(raw) if "\\" in raw else raw[1:-1]
    first = children.setdefault(name, entry)
    if first is not entry and first.key is not None:
        repeats.append((name, key.span(), first.key))
