"""What may stand at the cursor, in a text that may be broken there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from archc.live.lsp.family import Family, File
from archc.live.lsp.hover import attribute_signature, op_of
from archc.live.lsp.nodes import body_of_path, is_node
from archc.live.lsp.outline import Item
from archc.live.lsp.symbols import TEXTS, Body
from archc.ops.base import Op
from archc.ops.registry import OPS
from archc.source.files import SUFFIXES
from archc.source.folding import folded
from archc.spec import tables
from archc.spec.expressions import FUNCTIONS
from archc.spec.init import INITIALIZERS, initializable
from archc.spec.model import MERGES

Sort = Literal["key", "op", "attribute", "block", "param", "node", "name", "file",
               "value"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to write, from an offset up to the cursor or beyond."""

    label: str
    sort: Sort
    start: int
    end: int
    text: str
    detail: str = ""


def complete(family: Family, file: File, offset: int) -> list[Offer]:
    """All that may stand at an offset. The editor narrows it to what is begun."""
    is_json = file.path.suffix.lower() == ".json"
    here = _Here.at(file, offset, is_json)
    offers = list(_offers(family, file, here, is_json))
    return list({offer.label: offer for offer in offers}.values())


@dataclass(frozen=True, slots=True)
class _Here:
    """Where the cursor is: at a key of a table, or at the value of one."""

    table: Item
    key: str | None
    """The key whose value it is at; None where a key is to be written."""
    start: int
    end: int
    """What is begun there, and would be replaced."""
    quoted: bool
    value: Item | None = None

    @staticmethod
    def at(file: File, offset: int, is_json: bool) -> _Here:
        item = file.root.innermost(offset)
        text = file.text
        if item.key is not None and item.key[0] <= offset <= item.key[1] and (
            item.parent is not None and not item.header
        ):  # fmt: skip
            return _Here(item.parent, None, item.key[0], item.key[1], False)
        if item.kind in ("string", "word", "missing"):
            table = item.parent
            while table is not None and table.kind == "list":
                table = table.parent
            named = item
            while named.parent is not table and named.parent is not None:
                named = named.parent
            start, end = item.inner
            quoted = item.kind == "string"
            end = max(end if quoted and item.end != start else offset, offset)
            if quoted and len(item.raw) > 1 and item.raw[-1] == item.raw[0]:
                end = item.inner[1]
            elif quoted:
                end = offset  # not closed: what is behind is none of it
            elif item.kind == "word":
                end = item.end
            else:
                start = end = offset
            if table is not None:
                return _Here(table, str(named.name), start, end, quoted, item)
        table: Item | None = item
        while table is not None and table.kind == "list":
            table = table.parent
        assert table is not None
        # behind `key =`, or in a list
        if item.kind == "list" and isinstance(item.name, str):
            return _Here(table, item.name, offset, offset, False, item)
        line = text[text.rfind("\n", 0, offset) + 1 : offset].rstrip()
        sign = ":" if is_json else "="
        if line.endswith(sign) and item.children:
            before = [c for c in item.children if c.key and c.key[1] <= offset]
            if before and before[-1].kind == "missing":
                return _Here(table, str(before[-1].name), offset, offset, False)
        return _Here(table, None, offset, offset, False)


def _offers(family: Family, file: File, here: _Here, is_json: bool) -> Iterator[Offer]:
    if here.key is None:
        for key, detail, default in _keys(family, file, here.table):
            yield _key_offer(here, key, detail, default, is_json)
        return
    value = here.value
    if (
        value is not None
        and value.kind == "list"
        and here.key in ("layers", "branches")
    ):
        for op in OPS:
            node = f'{{ op = "{op}" }}' if not is_json else f'{{"op": "{op}"}}'
            yield Offer(node, "op", here.start, here.end, node)
        return
    for label, sort, detail, raw in _values(family, file, here):
        text = label
        if not here.quoted and not raw:
            text = f'"{label}"'
        yield Offer(label, sort, here.start, here.end, text, detail)


def _key_offer(
    here: _Here, key: str, detail: str, default: str, is_json: bool
) -> Offer:
    if is_json:
        text = f'"{key}": {default}' if default else f'"{key}"'
    else:
        text = f"{key} = {default}"
    sort: Sort = "attribute" if is_node(here.table) else "key"
    if here.end > here.start:  # a key is there already: its value stays
        text = f'"{key}"' if is_json else key
    return Offer(key, sort, here.start, here.end, text, detail)


def _keys(family: Family, file: File, table: Item) -> Iterator[tuple[str, str, str]]:
    """The keys that a table may have and does not have, with a word on each and its
    default."""
    there = {str(child.name) for child in table.children}
    path = table.path()
    for key, detail, default in _known_keys(family, file, table, path):
        if key not in there:
            yield key, detail, default


def _known_keys(
    family: Family, file: File, table: Item, path: tuple[str | int, ...]
) -> Iterator[tuple[str, str, str]]:
    if not path:
        yield from _of_model(tables.FileTable)
    elif path == ("network",):
        yield from _of_model(tables.NetworkTable)
    elif path == ("expect",):
        yield from _of_model(tables.ExpectTable)
    elif path == ("init",):
        for op in initializable():
            yield op, "how its parameters start", ""
    elif path[:1] == ("blocks",) and len(path) == 2:
        yield from _of_model(tables.BlockTable)
    elif path[:1] == ("ops",) and len(path) == 2:
        yield from _of_model(tables.OwnOpTable)
    elif is_node(table):
        if path[0] == "heads" and len(path) == 2:
            yield from _of_model(tables.HeadTable)
        yield from _of_node(family, file, table)


def _of_node(family: Family, file: File, table: Item) -> Iterator[tuple[str, str, str]]:
    op = op_of(table)
    block = table.get("block")
    if op is not None:
        for key in op.model_fields:
            shown = attribute_signature(op, key)
            default = shown.partition(" = ")[2]
            yield key, shown, "" if default == "..." else default
    elif block is not None:
        yield from _arguments(family, file, block.text)
    elif not any(table.get(body) for body in tables.BODIES):
        for body in tables.BODIES:
            yield body, "what the node is", ""
    if table.get("branches") is not None:
        yield "merge", "how the branches come together", ""
    yield from _of_model(tables.Modifiers)


def _arguments(family: Family, file: File, name: str) -> Iterator[tuple[str, str, str]]:
    """The parameters and slots of a block."""
    found = family.block(file, folded(name))
    if found is None:
        return
    other, block = found
    for part in ("params", "slots"):
        listed = block.get(part)
        for item in listed.children if listed is not None else ():
            if isinstance(item.name, int):
                yield item.text, f"{name} needs it", ""
            else:
                yield item.name, f"a slot of {name}", ""
    defaults = block.get("defaults")
    for item in defaults.children if defaults is not None else ():
        written = other.text[item.start : item.end]
        yield str(item.name), f"{item.name} = {written}", written


def _of_model(model: type[Any]) -> Iterator[tuple[str, str, str]]:
    for name, info in model.model_fields.items():
        yield info.alias or name, info.description or "", ""


_Value = tuple[str, Sort, str, bool]
"""A label, its sort, a word on it, and whether it is written without quotes."""


def _values(family: Family, file: File, here: _Here) -> Iterator[_Value]:
    key, table, path = here.key, here.table, here.table.path()
    assert key is not None
    body = body_of_path(path)
    if key == "op":
        for name in OPS:
            yield name, "op", _first(OPS[name]), False
        own = file.root.get("ops")
        for item in own.children if own is not None else ():
            yield str(item.name), "op", "an op of this spec", False
    elif key == "block":
        for name in _blocks(family, file):
            yield name, "block", "", False
    elif key in ("from", "share", "outputs"):
        if key != "share":
            yield "prev", "node", "the value before this node", False
            yield "input", "node", "what the network or block is given", False
        for name in _nodes(file, body, table):
            yield name, "node", "", False
    elif key in ("merge", "skip"):
        for name in MERGES:
            yield name, "value", "", False
    elif key == "slot":
        for name in _slots(family, file, body):
            yield name, "param", "", False
    elif key in ("extends", "use"):
        for name in _files(file):
            yield name, "file", "", False
    elif key == "init" or (path[:1] == ("init",) and key not in ("mode",)):
        for name in INITIALIZERS:
            yield name, "value", "torch.nn.init", False
    elif key not in TEXTS or key == "when":
        yield from _words(op_of(table), key)
        for name, detail in _names(family, file, body, table):
            yield name, "name", detail, False


def _first(op: type[Op]) -> str:
    return " ".join((op.__doc__ or "").split())


def _blocks(family: Family, file: File) -> Iterator[str]:
    for other in family.above(file.path):
        blocks = other.root.get("blocks")
        for item in blocks.children if blocks is not None else ():
            yield str(item.name)


def _nodes(file: File, body: Body, table: Item) -> Iterator[str]:
    """The nodes before a place, by the names that it sees; what it gives by name."""
    for symbol, node in file.names.nodes.items():
        if symbol.body == body and node.end <= table.start:
            yield symbol.name
    for mention in file.names.found:
        symbol = mention.symbol
        here = symbol.kind == "node" and symbol.body == body
        if mention.defines and here and symbol not in file.names.nodes:
            yield symbol.name


def _slots(family: Family, file: File, body: Body) -> Iterator[str]:
    for other in family.above(file.path, used=bool(body)):
        where = other.root.at("blocks", *body, "slots") if body else other.root.get(
            "slots"
        )  # fmt: skip
        for item in where.children if where is not None else ():
            yield item.text if isinstance(item.name, int) else item.name


def _names(
    family: Family, file: File, body: Body, table: Item
) -> Iterator[tuple[str, str]]:
    """The names that an expression sees."""
    seen: set[str] = set()
    for other in family.above(file.path, used=bool(body)):
        for mention in other.names.found:
            symbol = mention.symbol
            here = symbol.kind == "param" and symbol.body == body
            if mention.defines and here and symbol.name not in seen:
                seen.add(symbol.name)
                yield symbol.name, "a parameter"
    for counter in file.names.counters.get(table.start, frozenset()):
        yield counter, "counts a repeat"
    yield "in_channels", "the channels of what is read"
    for name in FUNCTIONS:
        yield name, "a function"


def _words(op: type[Op] | None, key: str) -> Iterator[_Value]:
    """The words, or truths, that an attribute takes."""
    if op is None or key not in op.model_fields:
        return
    annotation = op.model_fields[key].annotation
    if annotation is bool or bool in get_args(annotation):
        yield "true", "value", "", True
        yield "false", "value", "", True
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is Literal:
            for word in get_args(part):
                if isinstance(word, str):
                    yield word, "value", "", False
    if key in op.or_none:
        yield "none", "value", "", False


def _files(file: File) -> Iterable[str]:
    """The specs beside a file and below it, as it would name them."""
    root = file.path.parent
    found: list[str] = []
    for place, folders, names in os.walk(root):
        folders[:] = sorted(d for d in folders if not d.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if name.lower().endswith(SUFFIXES) and path != file.path:
                found.append(path.relative_to(root).as_posix())
        if len(found) > 500:
            break
    return found
