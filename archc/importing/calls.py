"""Calls of torch's functions as ops of the language.

Which functions an op ends up calling stands in its class (`Op.calls`), and most
settings are its attributes by name (`reader.py`). What is left stands in `functions/`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from archc.importing.functions import (
    arithmetic,
    joins,
    maps,
    parts,
    shapes,
    stacks,
    statistics,
    weights,
)
from archc.importing.idioms import drop_idle, drop_turns, join
from archc.importing.modules import WHOLE
from archc.importing.nodes import Graph, Node
from archc.importing.opaque import OPAQUE, Opaque, own_ops
from archc.importing.reader import JOINED, NOTHING, RULES, Reader, Refused, op_of
from archc.importing.reshapes import join_layouts, take_early
from archc.importing.trace import Call, Param, Refusal, Trace, Value
from archc.ops.sizes import Shape
from archc.spec.expressions import is_sequence

_READ_BY = (arithmetic, joins, maps, parts, shapes, stacks, statistics, weights)
"""The modules whose rules are noted as they are imported."""


def graph_of(trace: Trace, unread: Collection[str] = ()) -> Graph:
    """The trace as ops; what is none is refused, all of it. What has `unread` tensors
    is among them, though no output depends on what it makes."""
    graph = Graph(trace, refused=list(trace.refused))
    if not trace.outputs:
        return graph
    made = {number for call in trace.calls for number in call.makes}
    given = made.union(trace.inputs.values())
    # tensors that come from nowhere are refused already
    unknown = {number for number in range(len(trace.shapes)) if number not in given}
    for number in trace.inputs.values():
        graph.shapes[number] = Shape(trace.shapes[number][1:])
    for number, (sizes, larger) in enumerate(
        zip(trace.shapes, trace.larger, strict=False)
    ):
        pairs = enumerate(zip(sizes[1:], larger[1:], strict=False))
        graph.varying[number] = tuple(axis for axis, (a, b) in pairs if a != b)
    for call in live(trace, unread):
        if any(graph.value(number) in unknown for number in _read(call)):
            unknown.update(call.makes)
            if _is_known(call.function):
                continue  # what it reads is the reason
        refused = _refused(graph, call)
        if refused is not None:
            unknown.update(call.makes)
            path = trace.uses[call.use].path if call.use >= 0 else ""
            place = call.place
            where = (place.file, place.line) if place else ("", 0)
            refusal = Refusal(path, str(refused), *where)
            if refusal not in graph.refused:
                graph.refused.append(refusal)
    for number in trace.outputs.values():
        _widen(graph, number)
        reason = _no_output(graph, graph.value(number))
        if reason and not graph.refused:
            mend = "let it give what it computes of its input alone"
            graph.refused.append(Refusal("", reason, mend=mend))
    take_early(graph)
    graph.unread = _unread(graph, unread)
    _drop_unread(graph)
    drop_idle(graph)
    drop_turns(graph)
    join(graph)
    join_layouts(graph)
    _name_own(graph)
    return graph


def _no_output(graph: Graph, number: int) -> str:
    """Why a value is no output; empty, if it is one."""
    if number in graph.zeros:
        return "it gives zeros that depend on no input"
    if number in graph.stacked:
        return JOINED
    if number in graph.padded:
        return "it gives what is padded with minus infinity"
    if number in graph.views:
        return f"it gives `{graph.views[number].key}`, which it does not compute"
    return ""


_SPREADING = frozenset({"add", "sub", "mul", "div", "radd", "rsub", "rmul", "truediv",
                        "iadd", "isub", "imul", "itruediv"})  # fmt: skip
"""What spreads what it reads by itself; others may give something of the same shape."""


def _refused(graph: Graph, call: Call) -> Refused | None:
    """Reads a call; why it is no op, if it is none."""
    if call.function.rpartition(".")[2].strip("_") not in _SPREADING:
        for number in _read(call):
            _widen(graph, number)
    try:
        Reader(graph, call).read()
    except Refused as refused:
        if not any([_widen(graph, number) for number in _read(call)]):
            return refused
        try:
            Reader(graph, call).read()
        except Refused as still:
            return still
    return None


def _widen(graph: Graph, number: int) -> bool:
    """Makes an op of what spreads a value along axes of one; whether there is any. A
    single number of each channel is resized to the map that it is spread over."""
    call, sizes = graph.spread.pop(number, None), graph.trace.shapes[number][1:]
    source = graph.shapes.get(graph.value(number))
    if call is None or source is None or len(source.dims) != len(sizes):
        return False
    reads = (graph.value(number),)
    kept = [-1 if a == b else b for a, b in zip(source.sizes, sizes, strict=True)]
    if all(size == -1 for size in kept):
        return False
    del graph.same[number]
    graph.shapes[number] = Shape(sizes, source.channel_axis)
    other = call.settings.get("size_of")
    op, attributes = "expand", {"sizes": kept}
    if isinstance(other, Value) and kept[0] == -1 and {*source.sizes[1:]} == {1}:
        op, attributes = "upsample", dict[str, Any]()
        reads = (*reads, graph.value(other.number))
    node = Node(op, attributes, reads, number, None, call.use, call)
    graph.nodes.append(node)
    return True


def _unread(graph: Graph, keys: Collection[str]) -> list[int]:
    """The last values that depend on these tensors, which no op reads."""
    read = {graph.value(number) for node in graph.nodes for number in node.reads}
    read.update(graph.value(number) for number in graph.trace.outputs.values())
    found = map(graph.value, sorted(_depending(graph.trace, keys)))
    return [number for number in dict.fromkeys(found) if number not in read]


def _drop_unread(graph: Graph) -> None:
    """Takes away ops that only what is said otherwise has read."""
    wanted = {graph.value(number) for number in graph.trace.outputs.values()}
    wanted.update(graph.unread)
    found: list[Node] = []
    for node in reversed(graph.nodes):
        if node.makes in wanted:
            found.append(node)
            wanted.update(graph.value(number) for number in node.reads)
    graph.nodes = found[::-1]


def _name_own(graph: Graph) -> None:
    """Gives modules that stay what they are the ops of the spec that they are."""
    nodes = [node for node in graph.nodes if node.op == OPAQUE]
    found = own_ops([_as_it_is(node, graph) for node in nodes])
    graph.own = found.tables
    for node, (op, attributes) in zip(nodes, found.nodes, strict=True):
        node.op, node.attributes = op, attributes


def _as_it_is(node: Node, graph: Graph) -> Opaque:
    settings = node.call.settings
    prefix = f"{settings['path']}."
    held = {k.removeprefix(prefix): t for k, t in graph.trace.tensors.items()
            if k.startswith(prefix)}  # fmt: skip
    return Opaque(
        settings["class"],
        settings["arguments"],
        tuple(map(int, graph.shapes[graph.value(node.reads[0])].sizes)),
        tuple(map(int, graph.shapes[node.makes].sizes)),
        tuple((name, t.shape) for name, t in held.items() if t.trained),
        tuple((name, t.shape) for name, t in held.items() if not t.trained),
    )


def _is_known(function: str) -> bool:
    if function == OPAQUE or function in WHOLE or function in RULES:
        return True
    return function in NOTHING or op_of(function) is not None


def live(trace: Trace, unread: Collection[str] = ()) -> list[Call]:
    """The calls that the outputs depend on, in their order, and those that depend on
    `unread` tensors."""
    wanted = set(trace.outputs.values()) | _depending(trace, unread)
    found: list[Call] = []
    for call in reversed(trace.calls):
        if wanted.intersection(call.makes):
            found.append(call)
            wanted.update(_read(call))
    return found[::-1]


def _depending(trace: Trace, keys: Collection[str]) -> set[int]:
    """The values that depend on these tensors."""
    found: set[int] = set()
    tensors = {Param(key) for key in keys}
    for call in trace.calls if keys else ():
        if call.reads(tensors) or found.intersection(_read(call)):
            found.update(call.makes)
    return found


def _read(call: Call) -> list[int]:
    return list(_values(tuple(call.settings.values())))


def _values(value: Any) -> list[int]:
    if isinstance(value, Value):
        return [value.number]
    if is_sequence(value):
        return [number for part in value for number in _values(part)]
    return []
