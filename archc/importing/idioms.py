"""Several ops that together are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from archc.importing.attributes import laid_out
from archc.importing.nodes import Graph, Node
from archc.ops.registry import OPS


def drop_idle(graph: Graph) -> None:
    """Takes away what drops branches where none is ever dropped; among others, a rate
    of 0 is one of them."""
    drops = [node for node in graph.nodes if node.op == "stochastic_depth"]
    if any(node.attributes["p"] for node in drops):
        return
    for node in drops:
        graph.same[node.makes] = graph.value(node.reads[0])
    graph.nodes = [node for node in graph.nodes if node.op != "stochastic_depth"]


_TURNS = frozenset({"flatten", "reshape", "permute", "transpose", "unflatten"})


def drop_turns(graph: Graph) -> None:
    """Takes away runs of ops that turn a row of numbers about until it lies as before,
    as Keras does with the means of channels."""
    readers, makers = _readers(graph), {node.makes: node for node in graph.nodes}
    gone: set[int] = set()
    for node in graph.nodes:
        run = [node]
        while node.op in _TURNS:
            source = graph.value(run[-1].reads[0])
            shape = graph.shapes[source]
            if [n for n in shape.dims if n != 1] != [shape.channels]:
                break
            if shape == graph.shapes[node.makes]:
                graph.same[node.makes] = source
                gone.update(n.makes for n in run)
                break
            before = makers.get(source)
            if before is None or before.op not in _TURNS or readers[source] != 1:
                break
            run.append(before)
    graph.nodes = [node for node in graph.nodes if node.makes not in gone]


def _readers(graph: Graph) -> Counter[int]:
    """How often each value is read, by nodes and as an output."""
    readers = Counter(graph.value(v) for v in graph.trace.outputs.values())
    for node in graph.nodes:
        readers.update(graph.value(v) for v in node.reads)
    return readers


def join(graph: Graph) -> None:
    """Puts one op in place of those that do the same."""
    readers, makers = _readers(graph), {node.makes: node for node in graph.nodes}
    gone: set[int] = set()

    def before(node: Node, at: int = 0) -> Node | None:
        """What makes a value that this node alone reads."""
        number = graph.value(node.reads[at])
        return makers.get(number) if readers[number] == 1 else None

    for node in graph.nodes:
        chain = [node]
        while len(chain) < 3 and (maker := before(chain[0])) is not None:
            chain.insert(0, maker)
        gate = before(node) if _is_sixth(node) else None
        groups = _shuffled(chain, graph)
        if groups:
            node.op, node.attributes = "channel_shuffle", {"groups": groups}
        elif len(chain) == 3 and _is_sixth(node) and _is_ramp(*chain[:2]):
            node.op, node.attributes = "hardsigmoid", {}
        elif gate is not None and gate.op == "mul" and len(gate.reads) == 2:
            way = _gated(gate, before, graph)
            if not way:
                continue
            node.op, node.attributes, chain = "hardswish", {}, [*way, gate, node]
        else:
            continue
        gone.update(n.makes for n in chain[:-1])
        node.reads = chain[0].reads
    graph.nodes = [n for n in graph.nodes if n.makes not in gone]


_LAYOUTS = frozenset({"flatten", "reshape", "unflatten"})
_REDUCTIONS = frozenset({"amax", "mean", "sum"})


def join_layouts(graph: Graph) -> None:
    """Writes what a module lays out on other axes several times, which nothing reads
    in between, as laid out once."""
    readers, makers = _readers(graph), {node.makes: node for node in graph.nodes}
    gone: set[int] = set()
    for node in graph.nodes:
        while node.op in _LAYOUTS:
            before = makers.get(graph.value(node.reads[0]))
            if before is None or before.use != node.use:
                break
            if before.op in _REDUCTIONS and readers[before.makes] == 1:
                gone.update(_kept(node, before, graph))
            if before.op not in _LAYOUTS:
                break
            if readers[before.makes] != 1 or not _relaid(node, before.reads[0], graph):
                break
            gone.add(before.makes)
            if graph.same.get(node.makes) is not None:
                gone.add(node.makes)
                break
    graph.nodes = [node for node in graph.nodes if node.makes not in gone]


def _kept(node: Node, before: Node, graph: Graph) -> list[int]:
    """Puts a reduction that keeps its axes in the place of what lays them out again,
    where it does; what is gone then."""
    source = graph.shapes[graph.value(before.reads[0])]
    attributes = {**before.attributes, "keepdim": True}
    shape, wanted = OPS[before.op](**attributes).infer(source), graph.shapes[node.makes]
    if shape.dims != wanted.dims or wanted.channel_axis not in (
        None,
        shape.channel_axis,
    ):
        return []
    graph.shapes[node.makes] = shape
    node.op, node.attributes, node.reads = before.op, attributes, before.reads
    return [before.makes]


def _relaid(node: Node, read: int, graph: Graph) -> bool:
    """Lets a node lay out another value as it does now; whether it can."""
    source, wanted = graph.shapes[graph.value(read)], graph.shapes[node.makes]
    if source == wanted:
        graph.same[node.makes] = read
        return True
    sizes = laid_out(wanted.sizes, graph.varying.get(node.makes, ()))
    given = node.attributes.get("sizes", sizes) if node.op == "reshape" else sizes
    plain: dict[str, Any] = {"sizes": given}
    ways = [("reshape", plain)]
    if len(wanted.dims) == 1:
        ways.insert(0, ("flatten", {}))
    if wanted.channel_axis is not None:
        ways.append(("reshape", {**plain, "channel_dim": wanted.channel_axis + 1}))
    for op, attributes in ways:
        if OPS[op](**attributes).infer(source) == wanted:
            node.op, node.attributes, node.reads = op, attributes, (read,)
            return True
    return False


def _is_sixth(node: Node) -> bool:
    return node.op == "scale" and node.attributes == {"factor": 1 / 6}


def _is_ramp(first: Node, second: Node) -> bool:
    """Whether they add 3 and cut off what is below 0 and above 6."""
    clips = second.op == "relu6" or (second.op, second.attributes) == (
        "clamp", {"min": 0, "max": 6}
    )  # fmt: skip
    return clips and first.op == "shift" and first.attributes == {"offset": 3.0}


def _gated(
    gate: Node, before: Callable[[Node, int], Node | None], graph: Graph
) -> list[Node]:
    """The way that a value goes to a product with itself, if it is a ramp."""
    for at in (0, 1):
        second = before(gate, at)
        first = None if second is None else before(second, 0)
        if first is None or second is None or not _is_ramp(first, second):
            continue
        if graph.value(first.reads[0]) == graph.value(gate.reads[1 - at]):
            return [first, second]
    return []


def _shuffled(chain: list[Node], graph: Graph) -> int:
    """The groups of a channel shuffle that is written out; 0 if it is none."""
    if [n.op for n in chain] not in (
        ["reshape", "transpose", "reshape"],
        ["reshape", "transpose", "flatten"],
        ["unflatten", "transpose", "flatten"],
        ["unflatten", "transpose", "reshape"],
    ):
        return 0
    first, turn, last = chain
    source = graph.shapes[graph.value(first.reads[0])]
    split, joined = graph.shapes[first.makes].dims, graph.shapes[last.makes]
    axes = {turn.attributes["dim0"], turn.attributes["dim1"]}
    alike = joined.dims == source.dims and split[2:] == source.dims[1:]
    if not alike or axes != {1, 2} or source.channel_axis != 0:
        return 0
    return int(str(split[0]))
