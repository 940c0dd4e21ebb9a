"""Networks said otherwise: ops of the spec's own in place of archc's, and blocks that
read and give several values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.random_networks.drawing import Draw
from tests.random_networks.names import Names
from tests.random_networks.simulate import MODIFIERS, Table

_WINDOW = "({side} + 2 * padding - kernel_size) // stride + 1"
_SIDES = [_WINDOW.format(side=side) for side in ("height", "width")]
OWN: dict[str, Table] = {
    "conv2d": {
        "module": "torch.nn.Conv2d",
        "params": ["out_channels", "kernel_size"],
        "defaults": {"stride": 1, "padding": 0},
        "arguments": {
            "in_channels": "in_channels",
            "out_channels": "out_channels",
            "kernel_size": "kernel_size",
            "stride": "stride",
            "padding": "padding",
        },
        "output": ["out_channels", *_SIDES],
        "parameters": {
            "weight": ["out_channels", "in_channels", "kernel_size", "kernel_size"],
            "bias": ["out_channels"],
        },
        "macs": f"out_channels * in_channels * kernel_size ** 2 * ({_SIDES[0]})"
        f" * ({_SIDES[1]})",
    },
    "batch_norm2d": {
        "module": "torch.nn.BatchNorm2d",
        "arguments": {"num_features": "in_channels"},
        "output": ["in_channels", "height", "width"],
        "parameters": {"weight": ["in_channels"], "bias": ["in_channels"]},
        "buffers": {
            "running_mean": ["in_channels"],
            "running_var": ["in_channels"],
            "num_batches_tracked": [],
        },
    },
    "max_pool2d": {
        "module": "torch.nn.MaxPool2d",
        "params": ["kernel_size"],
        "defaults": {"stride": "kernel_size", "padding": 0},
        "arguments": {
            "kernel_size": "kernel_size",
            "stride": "stride",
            "padding": "padding",
        },
        "output": ["in_channels", *_SIDES],
    },
}
"""Ops of PyTorch's as a spec would say them itself."""
_WHOLE = ("kernel_size", "stride", "padding")


def use_own_ops(d: Draw, names: Names, spec: Table) -> None:
    """Puts ops of the spec's own where archc's ones stand that do the same."""
    if not d.chance(12):
        return
    taken: set[str] = set()
    called = {op: names.fresh("block", taken) for op in OWN}
    used: set[str] = set()
    for node in _nodes(spec):
        op = node.get("op")
        if op in OWN and _is_said(node, op) and d.chance(70):
            node["op"] = called[op]
            used.add(op)
    if used:
        spec["ops"] = {called[op]: OWN[op] for op in OWN if op in used}
        # its own claims are not those of archc's ops, of which [init] speaks
        spec.pop("init", None)


def _is_said(node: Table, op: str) -> bool:
    """Whether the own op can be given all that a node says."""
    own = OWN[op]
    given = node.keys() - MODIFIERS - {"op"}
    known = {*own.get("params", ()), *own.get("defaults", {})}
    return given <= known and all(type(node.get(k, 0)) is int for k in _WHOLE)


def widen_blocks(d: Draw, names: Names, spec: Table) -> None:
    """Makes blocks read two values, and give two; what that needs may be refused."""
    if not d.chance(60):
        return
    for name, block in spec.get("blocks", {}).items():
        uses = [node for node in _nodes(spec) if node.get("block") == name]
        plain = all(node.keys().isdisjoint(_ONE_VALUE) for node in uses)
        named = [n for n in block["layers"] if _has_fixed_name(n)]
        if not (plain and uses and named) or d.chance(20):
            continue
        taken = {n["name"] for n in block["layers"] if "name" in n}
        taken |= {*block.get("params", ()), *block.get("defaults", {})}
        if d.chance(60):
            first, second = names.fresh("layer", taken), names.fresh("layer", taken)
            block["inputs"] = [first, second]
            both = {"op": "add", "from": d.shuffled([first, second])}
            block["layers"].insert(0, both)
            for node in uses:
                read = node.get("from", "prev")
                earlier = _earlier(spec, node) if d.chance(50) else []
                other = d.pick(earlier or [read])
                node["from"] = d.shuffled([read, other])
                if other != read:
                    _drop_claims(spec)
        last = block["layers"][-1]
        if "name" not in last and "repeat" not in last:
            last["name"] = names.fresh("layer", taken)
            named.append(last)
        if last in named and d.chance(70):
            others = [n["name"] for n in named[:-1]]
            block["outputs"] = [last["name"], *others[: d.number(0, 2)]]
    _read_more(d, names, spec)


def _read_more(d: Draw, names: Names, spec: Table) -> None:
    """Makes something read the other values of blocks, near them and from outside the
    groups and repetitions that they are in; what comes behind reads as it did."""
    bodies = [spec["network"], *spec.get("blocks", {}).values()]
    taken = {n["name"] for n in _nodes(spec) if "name" in n}
    for layers in [body["layers"] for body in bodies]:
        for node in list(layers):
            if "name" not in node or {"{", "."} & set(node["name"]):
                continue
            again = ".0" if "repeat" in node else ""
            found = [
                f"{node['name']}{again}{path}.{other}"
                for path, use in _uses(node)
                for other in spec["blocks"][use["block"]].get("outputs", [])[1:]
            ]
            if not found or d.chance(30):
                continue
            first = spec["blocks"].get(node.get("block", ""), {}).get("outputs", [])
            back = ".".join([node["name"], *first[:1]])
            side, main = names.fresh("layer", taken), names.fresh("layer", taken)
            place = layers.index(node) + 1
            layers[place:place] = [
                {"name": side, "op": "relu", "from": d.pick(found)},
                {"name": main, "op": "identity", "from": back},
            ]


def _uses(node: Table) -> Iterator[tuple[str, Table]]:
    """The uses of blocks in a node, by their paths in it."""
    if "when" in node or node.get("repeat") == 0:
        return
    if "block" in node and "repeat" not in node:
        yield "", node
    for inner in node.get("layers", []) if "op" not in node else []:
        name = inner.get("name", "")
        if not {"{", "."} & set(name) and ("repeat" not in inner or name):
            again = ".0" if "repeat" in inner else ""
            head = f".{name}{again}" if name else ""
            yield from ((f"{head}{path}", use) for path, use in _uses(inner))


_ONE_VALUE = frozenset({"when", "repeat", "skip", "otherwise"})


def _has_fixed_name(node: Table) -> bool:
    """Whether `from` finds a node's one value by its name."""
    name = node.get("name")
    if not isinstance(name, str) or node.get("op") == "chunk":
        return False
    return not {"{", "."} & set(name) and "otherwise" not in node


def _earlier(spec: Table, node: Table) -> list[str]:
    """What may be read by name where a node stands, some of it of another shape."""
    for body in (found.get("layers") for found in [spec["network"], *_nodes(spec)]):
        if isinstance(body, list) and any(node is one for one in body):
            nodes = body[: [id(one) for one in body].index(id(node))]
            return [n["name"] for n in nodes if _has_fixed_name(n)]
    return []


def _drop_claims(spec: Table) -> None:
    """Leaves out what the generator counted before blocks read other values."""
    spec.pop("expect", None)
    for node in _nodes(spec):
        node.pop("shape", None)


def _nodes(spec: Table) -> list[Table]:
    """All tables of a spec that are nodes."""
    found: list[Table] = []
    todo: list[Any] = [spec["network"]["layers"], spec.get("heads", [])]
    todo += [block["layers"] for block in spec.get("blocks", {}).values()]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, dict):
            found.append(value)
            todo += value.values()
    return found
