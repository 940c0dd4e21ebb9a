"""JSON: where each value stands, and which keys are given twice."""

from __future__ import annotations

import json

from archc.source.positions import Entry, Locator, Range
from archc.source.tokens import BLANK, Token, tokens

Repeats = list[tuple[str, Range, Range]]


def locator(text: str) -> Locator:
    """Index a JSON text by key path. The text is known to parse."""
    return Locator(text, _index(text)[0])


def duplicate_keys(text: str, limit: int = 20) -> Repeats:
    """Keys given twice in one object: the key, then its second and first place."""
    return _index(text)[1][:limit]


def _index(text: str) -> tuple[Entry, Repeats]:
    root = Entry((0, 0), children={}, is_list=True)
    open_entries = [root]
    repeats: Repeats = []
    key: Token | None = None
    for token in tokens(text):
        if token.kind in BLANK or token.kind == "mark":
            continue
        parent = open_entries[-1]
        if token.kind == "close":
            parent.value = (parent.value[0], token.end)
            if parent.item is not None:
                parent.item = (parent.item[0], token.end)
            open_entries.pop()
        elif key is None and not parent.is_list:
            key = token
        else:
            entry = _entry(token, key)
            _add(parent, key, entry, repeats)
            key = None
            if token.kind == "open":
                open_entries.append(entry)
    return (root.children or {}).get(0, root), repeats


def _entry(value: Token, key: Token | None) -> Entry:
    entry = Entry((value.start, value.end), children={}, is_list=value.text == "[")
    if key is not None:
        entry.key = (key.start, key.end)
        entry.item = (key.start, value.end)
    return entry


def _add(parent: Entry, key: Token | None, entry: Entry, repeats: Repeats) -> None:
    children = parent.children
    if children is None:
        return
    if key is None:
        children[len(children)] = entry
        return
    name: str = json.loads(key.text) if "\\" in key.text else key.text[1:-1]
    first = children.setdefault(name, entry)
    if first is not entry and first.key is not None and entry.key is not None:
        repeats.append((name, entry.key, first.key))
