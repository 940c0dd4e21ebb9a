"""Nodes as arguments: some of a spec's ops are put into slots, which changes nothing.

What was an op in a body becomes a slot of the block, or of the network, with the op as
its default; uses give the op anew, or hand on a slot of their own that holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc.ops.registry import OPS
from archc.spec.expressions import Expr, ExpressionError, names_in, parse
from tests.random_networks.blocks import RESERVED
from tests.random_networks.drawing import Draw
from tests.random_networks.names import Names
from tests.random_networks.simulate import MODIFIERS, TEXTS, Table

_APART = frozenset({"flatten", "layer_norm", "identity"})
"""Ops whose modules may know more than channels, or do nothing."""


def put_into_slots(d: Draw, names: Names, spec: Table) -> None:
    """Changes a spec so that it says the same with slots."""
    if not d.chance(30):
        return
    blocks = spec.get("blocks", {})
    owners = [*blocks, None]
    for owner in d.shuffled(owners):
        table = spec if owner is None else blocks[owner]
        layers = spec["network"]["layers"] if owner is None else table["layers"]
        params = _params(table, owner)
        nodes = [n for n in _nodes(layers) if _fits(n, params)]
        for node in d.some(nodes, 25):
            slots = table.setdefault("slots", {})
            taken = {*params, *slots, *_of_nodes(spec, owner)}
            op = {k: v for k, v in node.items() if k not in MODIFIERS}
            alike = [name for name, held in slots.items() if held == op]
            if alike and d.chance(60):
                name = d.pick(alike)
            else:
                name = names.fresh("param", taken)
                slots[name] = op
            for key in op:
                del node[key]
            node["slot"] = name
    for owner, block in blocks.items():
        for name, op in block.get("slots", {}).items():
            _give(d, names, spec, owner, name, op)
    for owner, block in blocks.items():
        _hand_on(d, names, spec, owner, block)


def _hand_on(d: Draw, names: Names, spec: Table, owner: str, block: Table) -> None:
    """Lets a further slot of a block hold by default what one before it holds."""
    slots = block.get("slots", {})
    for name in [*slots]:
        nodes = [node for node in _nodes(block["layers"]) if node.get("slot") == name]
        if nodes and d.chance(25):
            taken = {*_params(block, owner), *slots, *_of_nodes(spec, owner)}
            own = names.fresh("param", taken)
            slots[own] = {"slot": name}
            d.pick(nodes)["slot"] = own


def _give(d: Draw, names: Names, spec: Table, block: str, slot: str, op: Table) -> None:
    """Lets some uses of a block say what is in a slot of its."""
    if any(_names(value) - {"in_channels"} for value in op.values()):
        return  # it speaks of the block's own parameters
    for owner in (None, *spec["blocks"]):
        table = spec if owner is None else spec["blocks"][owner]
        layers = table["network"]["layers"] if owner is None else table["layers"]
        for use in _nodes(layers):
            if use.get("block") != block or slot in use or not d.chance(40):
                continue
            if d.chance(60):
                use[slot] = dict(op)
                continue
            own = table.setdefault("slots", {})
            taken = {*_params(table, owner), *own, *_of_nodes(spec, owner)}
            handed = names.fresh("param", taken)
            own[handed] = dict(op)
            use[slot] = {"slot": handed}


def _params(table: Table, owner: str | None) -> set[str]:
    if owner is None:
        return set(table.get("params", {}))
    return {*table.get("params", ()), *table.get("defaults", {})}


def _of_nodes(spec: Table, owner: str | None) -> set[str]:
    """What uses of a block say already."""
    roots = [
        spec["network"]["layers"],
        *(b["layers"] for b in spec.get("blocks", {}).values()),
    ]
    return {
        key
        for layers in roots
        for node in _nodes(layers)
        if node.get("block") == owner
        for key in node
    } | {"share", "slot", *RESERVED}


def _nodes(value: Any) -> Iterator[Table]:
    if isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _nodes(item)
    elif isinstance(value, dict):
        yield value
        for key in ("layers", "branches", "shortcut", "otherwise"):
            yield from _nodes(value.get(key))


def _fits(node: Table, params: set[str]) -> bool:
    op = OPS.get(node.get("op", ""))
    if op is None or op.merges or op.bare_parameter or op.op in _APART:
        return False
    return all(
        _names(value) <= params | {"in_channels"}
        for key, value in node.items()
        if key not in MODIFIERS
    )


def _names(value: Any) -> set[str]:
    """The names in a written attribute; one that cannot be read has an odd one."""
    if isinstance(value, list):
        return set[str]().union(*map(_names, value))
    if not isinstance(value, str) or value in TEXTS or value in OPS:
        return set()
    try:
        found = parse(value)
    except ExpressionError:
        return {"?"}
    return set(names_in(found)) if isinstance(found, Expr) else set()
