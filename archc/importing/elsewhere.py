"""Whether what is read of a trace is the network on inputs of other sizes too."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from archc.importing.calls import graph_of
from archc.importing.nodes import Graph, Node
from archc.importing.opaque import OPAQUE
from archc.importing.trace import Call, Place, Trace


class Limit(NamedTuple):
    """For which sizes a spec does not hold."""

    said: str
    place: str
    """In the file of the network; empty where that is not known."""

    def __str__(self) -> str:
        return f"{self.said} ({self.place})" if self.place else self.said


class _Unlike(NamedTuple):
    """What a network does otherwise on inputs of another size."""

    does: str
    module: str
    place: str


def same_calls(trace: Trace, other: Trace) -> bool:
    """Whether both make the same calls of functions, in the same modules."""
    return [*map(_outline, trace.calls)] == [*map(_outline, other.calls)]


def bound(trace: Trace, others: Sequence[Trace]) -> Limit | None:
    """That the ops that are read of a trace are not those of the network on inputs of
    other sizes, as the `others` are, with the first call in which they differ; None
    where they are, or where the network takes no others."""
    graph = graph_of(trace)
    if graph.refused:
        return None
    taken = [other for other in others if other.outputs]
    unlike = [(other, _unlike(graph, trace, other)) for other in taken]
    told = [(other, said) for other, said in unlike if said is not None]
    if not told:
        return None
    other, (does, path, place) = told[0]
    alone = "this size alone" if len(told) == len(taken) else "some sizes alone"
    inside = f" in `{path}`" if path else ""
    return Limit(f"for inputs of {alone}: at {_shapes(other)}{inside}, {does}", place)


def refused(others: Sequence[Trace]) -> Limit | None:
    """That there is no spec for inputs of other sizes, with the first reason."""
    found = [other for other in others if other.refused]
    if not found:
        return None
    alone = "this size alone" if len(found) == len(others) else "some sizes alone"
    first = found[0].refused[0]
    said = f"for inputs of {alone}: at {_shapes(found[0])}, {first.module}: "
    return Limit(f"{said}{first.reason}", "")


def _shapes(trace: Trace) -> str:
    """What a network reads, without the batch."""
    shapes = [trace.shapes[n][1:] for n in trace.inputs.values()]
    return " and ".join("x".join(map(str, shape)) for shape in shapes)


def _outline(call: Call) -> tuple[str, int]:
    return call.function, call.use


def _unlike(graph: Graph, trace: Trace, other: Trace) -> _Unlike | None:
    """What the first call does otherwise in which they differ."""
    for one, second in zip(trace.calls, other.calls, strict=False):
        if _outline(one) != _outline(second):
            return _told(second, other, "is called, and not here")
    for longer, shorter, said in (
        (other, trace, "is called, and not here"),
        (trace, other, "is not called"),
    ):
        if len(longer.calls) > len(shorter.calls):
            return _told(longer.calls[len(shorter.calls)], longer, said)
    second = graph_of(other)
    if second.refused:
        first = second.refused[0]
        place = str(Place(first.file, first.line)) if first.file else ""
        return _Unlike(first.reason, first.module, place)
    forms = [*map(_forms, (graph, second))]
    found = next((n for n, (a, b) in enumerate(zip_longest(*forms)) if a != b), None)
    if found is None:
        return None
    # one of them may be a call that does nothing in the other
    places: list[tuple[int, Call, Trace]] = []
    for each, one in ((graph, trace), (second, other)):
        for node in each.nodes[found : found + 1]:
            places.append((one.calls.index(node.call), node.call, one))
    _, call, one = min(places, key=lambda place: place[0])
    return _told(call, one, "works with other numbers")


def _told(call: Call, trace: Trace, does: str) -> _Unlike:
    path = trace.uses[call.use].path if call.use >= 0 else ""
    place = str(call.place) if call.place else ""
    return _Unlike(f"`{call.function}` {does}", path, place)


def _forms(graph: Graph) -> list[Any]:
    """What ops do, with values numbered in their order."""
    numbers: dict[int, int] = {}

    def numbered(value: int) -> int:
        return numbers.setdefault(graph.value(value), len(numbers))

    for value in graph.trace.inputs.values():
        numbered(value)
    return [
        (*_does(node), node.key, *map(numbered, (*node.reads, node.makes)))
        for node in graph.nodes
    ]


def _does(node: Node) -> tuple[str, str]:
    if node.call.function == OPAQUE:
        return OPAQUE, ""  # what it gives is its own affair
    return node.op, str(sorted(node.attributes.items()))
