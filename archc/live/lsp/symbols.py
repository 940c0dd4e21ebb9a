"""Who is named where: blocks, parameters and nodes of one file, from its outline.

Parameters, slots and what `let` computes share their names, as arguments of a block do.
What a name stands for is told by where it is seen from alone, so that a text may be
broken elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from archc.live.lsp.outline import Item
from archc.source.folding import folded
from archc.spec import tables
from archc.spec.expressions import FUNCTIONS

_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|\.\s*[^\W\d]\w*|[^\W\d]\w*|\d[\w.]*")
_BRACES = re.compile(r"\{([^{}]*)\}")
_KEYWORDS = frozenset({"if", "else", "and", "or", "not", "in", "is", "for", "True"})
TEXTS = frozenset(
    {
        "name", "from", "op", "block", "doc", "share", "slot", "index", "merge", "skip",
        "title", "source", "class_name", "extends", "size_of", "module",
    }
)  # fmt: skip
"""Keys whose text is no expression."""
Body = tuple[str, ...]
"""The network's body, `()`, or a block's, `("unit",)`."""


class Symbol(NamedTuple):
    """What a name stands for: a block; a parameter or slot of a body; a node or input
    of a body, by its dotted path."""

    kind: Literal["block", "param", "node"]
    body: Body
    name: str


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where something is named, in characters and without quotes."""

    symbol: Symbol
    start: int
    end: int
    defines: bool = False


@dataclass(slots=True)
class Names:
    """The mentions of a file. References to nodes are looked up once all are known."""

    found: list[Mention] = field(default_factory=list[Mention])
    reads: list[Read] = field(default_factory=list["Read"])
    nodes: dict[Symbol, Item] = field(default_factory=dict[Symbol, Item])
    """The tables of nodes with fixed names."""
    uses: dict[Symbol, str] = field(default_factory=dict[Symbol, str])
    """Which block a node is a use of."""
    defined: frozenset[Symbol] = frozenset()
    """What the file defines."""
    counters: dict[int, frozenset[str]] = field(
        default_factory=dict[int, frozenset[str]]
    )


@dataclass(frozen=True, slots=True)
class Read:
    """A name in `from`, `share` or elsewhere that stands for a node."""

    body: Body
    local: str
    """The path of the named group around it, with its final dot."""
    name: str
    start: int


def names(root: Item) -> Names:
    """All that a file names."""
    found = Names()
    _params(found, root, (), ("params", "slots"))
    for block in _children(root, "blocks"):
        name = folded(str(block.name))
        _key(found, Symbol("block", (), name), block)
        _block(found, block, (name,))
    network = root.get("network")
    if network is not None:
        _inputs(found, network, ())
        _lets(found, network, ())
        _outputs(found, network, ())
        _nodes(found, network.get("layers"), (), "", frozenset())
        for key in ("input", "inputs"):
            _values(found, network.get(key), (), frozenset())
    for head in _children(root, "heads"):
        read = head.get("from")
        if read is not None and read.plain:
            found.reads.append(Read((), "", read.text, read.inner[0]))
        _value(found, head.get("loss_weight"), (), frozenset())
        _node(found, head, (), "", frozenset(), read=False)
    for item in _children(root, "params"):
        _value(found, item, (), frozenset())
    for item in _children(root, "slots"):
        _node(found, item, (), "", frozenset())
    found.defined = frozenset(m.symbol for m in found.found if m.defines)
    return found


def _children(root: Item, key: str) -> list[Item]:
    item = root.get(key)
    return [] if item is None else item.children


def _block(found: Names, block: Item, body: Body) -> None:
    _params(found, block, body, ("defaults", "slots"))
    for key in ("params", "slots"):
        for item in _children(block, key):
            if item.plain and isinstance(item.name, int):
                _text(found, Symbol("param", body, folded(item.text)), item, True)
    for item in _children(block, "defaults"):
        _value(found, item, body, frozenset())
    _inputs(found, block, body)
    _lets(found, block, body)
    _outputs(found, block, body)
    slots = block.get("slots")
    for item in slots.children if slots is not None and slots.kind == "table" else ():
        _node(found, item, body, "", frozenset())
    _nodes(found, block.get("layers"), body, "", frozenset())


def _params(found: Names, table: Item, body: Body, keys: tuple[str, ...]) -> None:
    for key in keys:
        for item in _children(table, key):
            if isinstance(item.name, str):
                _key(found, Symbol("param", body, folded(item.name)), item)


def _inputs(found: Names, table: Item, body: Body) -> None:
    for item in _children(table, "inputs"):
        if isinstance(item.name, str):
            _key(found, Symbol("node", body, folded(item.name)), item)
        elif item.plain:
            _text(found, Symbol("node", body, folded(item.text)), item, True)


def _lets(found: Names, table: Item, body: Body) -> None:
    for item in _children(table, "let"):
        if isinstance(item.name, str):
            _key(found, Symbol("param", body, folded(item.name)), item)
        _value(found, item, body, frozenset())


def _outputs(found: Names, table: Item, body: Body) -> None:
    for item in _children(table, "outputs"):
        if item.plain and item.text not in ("prev", "input"):
            found.reads.append(Read(body, "", item.text, item.inner[0]))


def _nodes(
    found: Names, items: Item | None, body: Body, local: str, counters: frozenset[str]
) -> None:
    for item in items.children if items is not None else ():
        if item.kind == "list":
            _nodes(found, item, body, local, counters)
        elif item.kind == "table":
            _node(found, item, body, local, counters)


def _node(
    found: Names,
    table: Item,
    body: Body,
    local: str,
    counters: frozenset[str],
    *,
    read: bool = True,
) -> None:
    outside = counters
    if table.get("repeat") is not None:
        index = table.get("index")
        counters = counters | {index.text if index is not None else "i"}
    found.counters[table.start] = counters
    inside = local
    name = table.get("name")
    block = table.get("block")
    if name is not None and name.plain:
        if "{" in name.text:
            _template(found, name, body, counters)
        else:
            symbol = Symbol("node", body, local + name.text)
            _text(found, symbol, name, True)
            found.nodes.setdefault(symbol, table)
            if block is not None:
                found.uses.setdefault(symbol, folded(block.text))
            inside = f"{local}{name.text}."
    if block is not None and block.plain:
        _text(found, Symbol("block", (), folded(block.text)), block, False)
    for item in table.children:
        _entry(found, item, table, body, local, counters, outside, read)
    for key in ("layers", "branches"):
        _nodes(found, table.get(key), body, inside, counters)
    for key in ("shortcut", "otherwise"):
        other = table.get(key)
        if other is not None and other.kind == "table":
            _node(found, other, body, local, outside)


def _entry(
    found: Names,
    item: Item,
    table: Item,
    body: Body,
    local: str,
    counters: frozenset[str],
    outside: frozenset[str],
    read: bool,
) -> None:
    key = item.name
    if key in ("layers", "branches", "shortcut", "otherwise", "name", "block"):
        return
    if key in ("from", "share", "size_of"):
        for part in item.children if item.kind == "list" else [item]:
            if not part.plain or not read:
                continue
            if "{" in part.text:
                _template(found, part, body, counters)
            elif part.text not in ("prev", "input"):
                found.reads.append(Read(body, local, part.text, part.inner[0]))
        return
    if key == "slot":
        if item.plain:
            _text(found, Symbol("param", body, folded(item.text)), item, False)
        return
    block = table.get("block")
    if block is not None and isinstance(key, str) and key not in tables.MODIFIERS:
        _key(found, Symbol("param", (folded(block.text),), folded(key)), item, False)
        if item.kind == "table":
            _node(found, item, body, local, counters)
            return
    if key not in TEXTS:
        _value(found, item, body, outside if key in ("when", "repeat") else counters)


def _values(
    found: Names, item: Item | None, body: Body, counters: frozenset[str]
) -> None:
    for part in item.children if item is not None else ():
        _value(found, part, body, counters)


def _value(
    found: Names, item: Item | None, body: Body, counters: frozenset[str]
) -> None:
    """The names in an expression, or in those of a list or table."""
    if item is None:
        return
    if item.kind in ("list", "table"):
        _values(found, item, body, counters)
    elif item.plain:
        start, end = item.inner
        _expression(found, item.raw[start - item.start : end - item.start], start,
                    body, counters)  # fmt: skip


def _template(found: Names, item: Item, body: Body, counters: frozenset[str]) -> None:
    start = item.inner[0]
    for part in _BRACES.finditer(item.text):
        _expression(found, part[1], start + part.start(1), body, counters)


def _expression(
    found: Names, text: str, start: int, body: Body, counters: frozenset[str]
) -> None:
    for name, at in expression_names(text):
        if name not in counters:
            symbol = Symbol("param", body, folded(name))
            found.found.append(Mention(symbol, start + at, start + at + len(name)))


def expression_names(text: str) -> Iterator[tuple[str, int]]:
    """The names that an expression reads, broken or not, and where they stand."""
    for word in _WORD.finditer(text):
        known = word[0] in _KEYWORDS or word[0] in FUNCTIONS or word[0] == "in_channels"
        if (word[0][0].isalpha() or word[0][0] == "_") and not known:
            yield word[0], word.start()


def _key(found: Names, symbol: Symbol, item: Item, defines: bool = True) -> None:
    if item.key is not None:
        start, end = item.key
        quotes = 1 if end - start > len(str(item.name)) else 0
        found.found.append(Mention(symbol, start + quotes, end - quotes, defines))


def _text(found: Names, symbol: Symbol, item: Item, defines: bool) -> None:
    found.found.append(Mention(symbol, *item.inner, defines))
