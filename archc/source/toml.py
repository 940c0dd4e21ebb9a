"""TOML: where each value stands, and where a key was given first."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archc.source.positions import Encoded, Entry, Locator, Range

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

Key = list[tuple[str, Range]]


def locator(text: str) -> Locator:
    """Index a TOML text by key path."""
    encoded = Encoded(text)
    return Locator(text, _index(parse(encoded).root_node, encoded), encoded, _expand)


@dataclass(frozen=True, slots=True)
class Clash:
    """A key that was given twice, with both places in characters."""

    key: str
    second: Range
    first: Range
    is_header: bool


def first_definition(text: str, offset: int) -> Clash | None:
    """Find the earlier definition that a key clashes with.

    `offset` is where the parser stood: right behind the second definition.
    """
    encoded = Encoded(text)
    root = parse(encoded).root_node
    byte = len(text[:offset].encode("utf-8", "replace"))
    node = root.descendant_for_byte_range(max(byte - 1, 0), byte)
    while node is not None and node.type not in DEFINITIONS:
        node = node.parent
    key = key_of(node, encoded) if node is not None else []
    if node is None or not key:
        return None
    first, depth = _scope_before(root, node, encoded), 0
    for name, _ in key:
        child = _children(_latest(first)).get(name)
        if child is None:
            break
        first, depth = child, depth + 1
    if first.key is None:
        return None
    start, end = key[0][1][0], key[depth - 1][1][1]
    return Clash(
        ".".join(name for name, _ in key[:depth]),
        (encoded.character(start), encoded.character(end)),
        (encoded.character(first.key[0]), encoded.character(first.key[1])),
        node.type != "pair",
    )


DEFINITIONS = ("pair", "table", "table_array_element")


def parse(encoded: Encoded) -> Tree:
    """The syntax tree."""
    # Imported here: a spec without mistakes never needs a place.
    import tree_sitter_toml
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_toml.language())).parse(encoded.source)


def _index(root: Node, encoded: Encoded, until: int | None = None) -> Entry:
    """The entries of a whole document, or of what begins before a byte offset."""
    top = Entry((0, 0), children={})
    for node in root.children:
        if until is not None and node.start_byte >= until:
            break
        if node.type == "pair":
            _add_pair(top, node, encoded)
        elif node.type in DEFINITIONS:
            scope = _add_table(top, node, encoded)
            for child in node.children:
                if child.type == "pair" and (until is None or child.start_byte < until):
                    _add_pair(scope, child, encoded)
    return top


def _scope_before(root: Node, node: Node, encoded: Encoded) -> Entry:
    """The table that `node` adds to, as it stood before `node`."""
    parent = node.parent
    if parent is not None and parent.type == "inline_table":
        return Entry((0, 0), children=_pairs(parent, encoded, node.start_byte))
    scope = _index(root, encoded, node.start_byte)
    if node.type == "pair" and parent is not None and parent.type in DEFINITIONS:
        for name, _ in key_of(parent, encoded):
            scope = _latest(_children(scope).get(name, scope))
    return scope


def _add_table(top: Entry, node: Node, encoded: Encoded) -> Entry:
    key = key_of(node, encoded)
    last = next((c for c in node.children if c.type in ("]", "]]")), None)
    header = (node.start_byte, last.end_byte if last else key[-1][1][1] if key else 0)
    scope = top
    for name, where in key[:-1]:
        scope = _enter(scope, name, Entry(header, where, header, implied=True))
    if not key:
        return Entry(header, children={})
    name, where = key[-1]
    children = _children(scope)
    entry = Entry(header, where, header, children={})
    known = children.get(name)
    if node.type == "table":
        if known is not None and known.implied:
            known.value, known.key, known.item = header, where, header
            known.implied = False
            return known
        return children.setdefault(name, entry)
    if known is None:
        known = children[name] = Entry(header, where, header, children={}, is_list=True)
    elements = _children(known)
    elements[len(elements)] = entry
    return entry


def _add_pair(scope: Entry, node: Node, encoded: Encoded) -> None:
    key = key_of(node, encoded)
    # The node itself may reach over a carriage return behind the value.
    equals = next((i for i, c in enumerate(node.children) if c.type == "="), None)
    if not key or equals is None or equals + 1 == len(node.children):
        return
    value = node.children[equals + 1]
    item = (node.start_byte, value.end_byte)
    for name, where in key[:-1]:
        scope = _enter(scope, name, Entry(where, where, item, implied=True))
    name, where = key[-1]
    found = Entry((value.start_byte, value.end_byte), where, item, value)
    _children(scope).setdefault(name, found)


def _enter(scope: Entry, name: str, absent: Entry) -> Entry:
    """Step into a table, which is made if it is not there yet."""
    return _latest(_children(scope).setdefault(name, absent))


def _latest(entry: Entry) -> Entry:
    """Of a list of tables, the one that headers below it add to."""
    if entry.is_list and entry.children:
        return entry.children[len(entry.children) - 1]
    return entry


def _children(entry: Entry) -> dict[str | int, Entry]:
    if entry.children is None:
        entry.children = {}
    return entry.children


def _expand(entry: Entry, encoded: Encoded) -> dict[str | int, Entry]:
    """What stands inside an array or an inline table."""
    node = entry.node
    if node is None or node.type not in ("array", "inline_table"):
        return {}
    if node.type == "inline_table":
        return _pairs(node, encoded)
    elements = [c for c in node.named_children if c.type not in ("comment", "ERROR")]
    return {
        index: Entry((child.start_byte, child.end_byte), node=child)
        for index, child in enumerate(elements)
    }


def _pairs(
    table: Node, encoded: Encoded, until: int | None = None
) -> dict[str | int, Entry]:
    scope = Entry((0, 0), children={})
    for child in table.named_children:
        if until is not None and child.start_byte >= until:
            break
        if child.type == "pair":
            _add_pair(scope, child, encoded)
    return _children(scope)


def key_of(node: Node, encoded: Encoded) -> Key:
    """The parts of the key that a pair or a table header gives."""
    kinds = ("bare_key", "quoted_key", "dotted_key")
    key = next((c for c in node.named_children if c.type in kinds), None)
    parts: Key = []
    todo = [key] if key is not None else []
    while todo:
        part = todo.pop()
        if part.type == "dotted_key":
            todo.extend(reversed(part.named_children))
        elif part.type in kinds:
            where = (part.start_byte, part.end_byte)
            parts.append((_key_text(encoded.text(part)), where))
    return parts


def _key_text(raw: str) -> str:
    if raw[:1] not in ('"', "'"):
        return raw
    if raw[0] == "'" or "\\" not in raw:
        return raw[1:-1]
    try:
        return tomllib.loads(f"key = {raw}")["key"]
    except tomllib.TOMLDecodeError:
        return raw
