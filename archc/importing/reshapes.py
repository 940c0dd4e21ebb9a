"""Numbers that are laid out on other axes, as what says it shortest."""

from __future__ import annotations

from math import prod
from typing import Any

from archc.importing.attributes import laid_out
from archc.importing.idioms import readers_of
from archc.importing.nodes import Graph, Node
from archc.ops.registry import OPS
from archc.ops.sizes import Shape

LAYOUTS = frozenset({"flatten", "reshape", "unflatten"})
"""Ops that lay numbers out on other axes, in their order."""
_REDUCTIONS = frozenset({"amax", "mean", "sum"})


def join_layouts(graph: Graph) -> None:
    """Writes what a module lays out on other axes several times, which nothing reads
    in between, as laid out once."""
    readers, makers = readers_of(graph), {node.makes: node for node in graph.nodes}
    gone: set[int] = set()
    for node in graph.nodes:
        while node.op in LAYOUTS:
            before = makers.get(graph.value(node.reads[0]))
            if before is None or before.use != node.use:
                break
            if before.op in _REDUCTIONS and readers[before.makes] == 1:
                gone.update(_kept(node, before, graph))
            if before.op not in LAYOUTS:
                break
            if readers[before.makes] != 1 or not _relaid(node, before.reads[0], graph):
                break
            gone.add(before.makes)
            if node.makes in graph.same:
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
    varying = graph.varying.get(node.makes, ())
    if len(varying) > 1 and node.op != "reshape":
        return False  # which holds for maps of any size
    sizes = laid_out(wanted.sizes, varying)
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


def take_early(graph: Graph) -> None:
    """Takes parts of what was laid out on other axes from what it was before, where
    they are a range of channels there: so are keys told from values, say."""
    makers = {node.makes: node for node in graph.nodes}
    found: list[Node] = []
    for node in graph.nodes:
        taken = _taken(node, makers, graph) if node.op == "channel_slice" else None
        if taken is not None:
            makers[taken.makes] = taken
            found.append(taken)
        found.append(node)
    graph.nodes = found


def _taken(node: Node, makers: dict[int, Node], graph: Graph) -> Node | None:
    """The part of channels that a part is before it is laid out with others for them,
    and lets the node lay that out; None, if it is none."""
    read = graph.value(node.reads[0])
    if read not in makers or "channel_dim" not in makers[read].attributes:
        return None
    shape, base = graph.shapes[read], read
    while (maker := makers.get(base)) is not None and maker.op in LAYOUTS:
        base = graph.value(maker.reads[0])
    axis, whole = shape.channel_axis, graph.shapes[base]
    if base == read or axis is None or whole.channel_axis != 0:
        return None
    if any(size != 1 for size in shape.sizes[:axis]):
        return None  # its numbers do not lie together
    start, stop = node.attributes.get("start", 0), node.attributes["stop"]
    inner, each = prod(shape.sizes[axis + 1 :]), prod(whole.sizes[1:])
    if start * inner % each or stop * inner % each:
        return None
    start, stop = start * inner // each, stop * inner // each
    if maker is not None and maker.op == "channel_slice":
        before = maker.attributes.get("start", 0)
        start, stop, base = start + before, stop + before, graph.value(maker.reads[0])
    made = len(graph.trace.shapes)
    graph.trace.shapes.append(())
    graph.shapes[made] = Shape((stop - start, *whole.dims[1:]), 0)
    wanted = graph.shapes[node.makes]
    sizes = laid_out(wanted.sizes, graph.varying.get(node.makes, ()))
    channels = {"channel_dim": axis + 1}
    node.op, node.attributes = "reshape", {"sizes": sizes, **channels}
    node.reads = (made,)
    attributes = {"start": start, "stop": stop} if start else {"stop": stop}
    return Node("channel_slice", attributes, (base,), made, None, node.use, node.call)
