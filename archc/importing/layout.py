"""A network with its blocks as the tables of a spec."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archc.importing.blocks import Structure
from archc.importing.definitions import Definition
from archc.importing.expressions import COUNTERS, Expression
from archc.importing.nodes import Graph
from archc.importing.pieces import Piece, Unread
from archc.importing.reader import read_beside
from archc.importing.repeats import name_of
from archc.ops.registry import OPS
from archc.spec.expressions import is_sequence

Table = dict[str, Any]


def tables_of(
    structure: Structure, graph: Graph, class_name: str, source: str
) -> Table:
    """The spec; its `[expect]` is missing yet."""
    trace = graph.trace
    network = structure.network
    inputs = {n: list(graph.shapes[v].sizes) for n, v in trace.inputs.items()}
    only = next(iter(inputs.values())) if len(inputs) == 1 else None
    data: Table = {"archc": 1, "name": trace.name}
    data |= {"class_name": class_name} if class_name else {}
    data |= {"source": source} if source else {}
    params = {p: given(network.values[p][0]) for p in network.params}
    data |= {"params": params} if params else {}
    data |= {"ops": graph.own} if graph.own else {}
    if any(source in inputs for _, source, _ in structure.heads):
        only = None  # it has a name
    body: Table = {"input": only} if only is not None else {"inputs": inputs}
    body["layers"] = nodes_of(network.pieces, structure)
    if structure.outputs:
        body["outputs"] = structure.outputs
    data["network"] = body
    heads = [_head(*head, structure) for head in structure.heads]
    data |= {"heads": heads} if heads else {}
    blocks: Table = {}
    for name, block in structure.blocks.items():
        blocks[name] = _block(block, structure)
    data |= {"blocks": blocks} if blocks else {}
    return data


def _head(name: str, source: str, body: Definition, structure: Structure) -> Table:
    """An auxiliary classifier, on the node `source`."""
    (node,) = nodes_of(body.pieces, structure)
    return {"name": name, "from": source} | node


def _block(block: Definition, structure: Structure) -> Table:
    required = [p for p in block.params if p not in block.defaults]
    data: Table = {"params": required} if required else {}
    if block.defaults:
        data["defaults"] = {
            p: given(block.defaults[p]) for p in block.params if p in block.defaults
        }
    data |= {"inputs": block.inputs} if block.inputs else {}
    data |= {"outputs": block.outputs} if block.outputs else {}
    data |= {"let": {n: _plain(v) for n, v in block.let.items()}} if block.let else {}
    data["layers"] = nodes_of(block.pieces, structure)
    return data


def nodes_of(pieces: list[Piece], structure: Structure, depth: int = 0) -> list[Table]:
    """The nodes of a list; `depth` repetitions are around it."""
    return [_node(piece, structure, depth) for piece in pieces]


def _node(piece: Piece, structure: Structure, depth: int) -> Table:
    name = name_of(piece)
    head: Table = {"name": name} if isinstance(name, str) else {}
    if piece.reads is not None:
        reads = piece.reads
        head["from"] = reads[0] if len(reads) == 1 else list(reads)
    if piece.when is not None:
        head["when"] = _plain(piece.when)
    return _BODIES[piece.kind](piece, head, structure, depth)


def _op(piece: Piece, head: Table, structure: Structure, depth: int) -> Table:
    own = OPS.get(piece.what)
    several = piece.reads is not None and len(piece.reads) == 2
    beside: Table = {}
    if several and own and not own.merges and (name := read_beside(own)):
        first, other = head.pop("from")
        head |= {"from": first} if first != "prev" else {}
        beside = {name: other}
    written = {k: _fraction(_plain(v)) for k, v in piece.written.items()}
    for name, value in piece.written.items():
        # a word that a parameter is stands in braces
        if isinstance(value, Expression) and _is_word(piece.slots[name]):
            written[name] = f"{{{value}}}"
    return _with_test(head, {"op": piece.what}) | beside | written


def _use(piece: Piece, head: Table, structure: Structure, depth: int) -> Table:
    block = structure.blocks[piece.what]
    arguments = {
        param: given(piece.written[param])
        for param in block.params
        if not isinstance(piece.written[param], Unread)
        and (
            param in block.said
            or param not in block.defaults
            or not _same(piece.written[param], block.defaults[param])
        )
    }
    return _with_test(head, {"block": piece.what}) | arguments


def _with_test(head: Table, body: Table) -> Table:
    """A node that begins with what it is, and then says whether it is there."""
    test = {"when": head.pop("when")} if "when" in head else {}
    return head | body | test


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def _share(piece: Piece, head: Table, structure: Structure, depth: int) -> Table:
    return head | {"share": piece.what}


def _group(piece: Piece, head: Table, structure: Structure, depth: int) -> Table:
    (inner,) = piece.lists
    nodes = nodes_of(inner, structure, depth)
    counts = "{" in head.get("name", "")
    alone = piece.auto and len(inner) == 1 and inner[0].kind in ("op", "use")
    fixed = counts or piece.labelled or piece.shared or "when" in head
    if alone and "name" in head and not fixed:
        (node,) = nodes
        return head | {"name": f"{head['name']}.0"} | node
    if len(nodes) == 1 and inner[0].kind == "repeat" and not (counts or piece.shared):
        (repeat,) = inner
        (body,) = repeat.lists
        if piece.auto and len(body) == 1 and body[0].kind in ("op", "use", "skip"):
            (node,) = nodes
            if "name" not in node and "layers" not in node:
                return head | node
    return head | {"layers": nodes}


def _summed(pieces: list[Piece]) -> list[list[Piece]]:
    """The branches that nodes sum, where that is all they do; else they alone."""
    only = pieces[0] if len(pieces) == 1 else None
    if only is None or only.what != "add" or only.when is not None or only.reads:
        return [pieces]
    if only.kind == "branches":
        return [*_summed(only.lists[0]), *only.lists[1:]]
    body, way = only.lists if only.kind == "skip" else ([], [])
    stays = only.written.get("skip_when", True) is not True
    if not way or stays or any(p.when is not None for p in way):
        return [pieces]
    summed = _summed(body)
    return [*summed, way] if len(summed) > 1 else [pieces]


def _skip(piece: Piece, head: Table, structure: Structure, depth: int) -> Table:
    body, way = piece.lists
    branches = _summed([replace(piece, reads=None, when=None)])
    if len(branches) > 1:
        return head | _merged("add", branches, structure, depth)
    nodes = nodes_of(body, structure, depth)
    shortcut: Table = {}
    if way:
        around = nodes_of(way, structure, depth)
        shortcut = {"shortcut": around[0] if len(around) == 1 else {"layers": around}}
    skip: Table = {"skip": piece.what}
    if piece.written.get("skip_when", True) is not True:
        skip["skip_when"] = _plain(piece.written["skip_when"])
    (node, *more) = nodes
    alone = not more and not {"skip", "when", "from", "repeat", "merge"}.intersection(
        node
    )
    if alone:
        name = {"name": node.pop("name")} if "name" in node else {}
        return name | head | skip | node | shortcut
    return head | skip | {"layers": nodes} | shortcut


def _branches(piece: Piece, head: Table, structure: Structure, depth: int) -> Table:
    branches = piece.lists
    if piece.what == "add":
        branches = [*_summed(branches[0]), *branches[1:]]
    return head | _merged(piece.what, branches, structure, depth)


def _merged(
    merge: str, branches: list[list[Piece]], structure: Structure, depth: int
) -> Table:
    found: list[Any] = []
    for branch in branches:
        nodes = nodes_of(branch, structure, depth)
        found.append(nodes[0] if len(nodes) == 1 else nodes)
    return {"merge": merge, "branches": found}


def _repeat(piece: Piece, head: Table, structure: Structure, depth: int) -> Table:
    (body,) = piece.lists
    nodes = nodes_of(body, structure, depth + 1)
    turns: Table = {"repeat": _plain(piece.written["repeat"])}
    if depth:
        turns["index"] = COUNTERS[depth]
    (node, *more) = nodes
    taken = {"when", "from", "repeat", "index", "merge"}
    if more or taken.intersection(node):
        return head | turns | {"layers": nodes}
    name = {"name": node.pop("name")} if "name" in node else {}
    first = {k: node.pop(k) for k in ("block", "op") if k in node}
    return head | name | first | turns | node


_BODIES = {
    "op": _op,
    "use": _use,
    "share": _share,
    "group": _group,
    "skip": _skip,
    "branches": _branches,
    "repeat": _repeat,
}


_DIGITS = 12
"""A number with more of them is looked at."""


def _fraction(value: Any) -> Any:
    """A number of many digits that is one by a whole one, so."""
    if isinstance(value, float) and len(repr(value)) > _DIGITS and 0 < value < 1:
        whole = round(1 / value)
        if 1 / whole == value:
            return f"1 / {whole}"
    return value


def _is_word(values: list[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def given(value: Any) -> Any:
    """What a parameter is; in a list, words have quotes of their own."""
    return _plain(_quoted(value) if is_sequence(value) else value)


def _quoted(value: Any) -> Any:
    if is_sequence(value):
        return [_quoted(part) for part in value]
    return f"'{value}'" if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if is_sequence(value):
        return [_plain(part) for part in value]
    return value.text if isinstance(value, Expression) else value
