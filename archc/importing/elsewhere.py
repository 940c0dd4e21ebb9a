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
    other, said = told[0]
    given = _shapes(other)
    alone = "this size alone" if len(told) == len(taken) else "some sizes alone"
    does, call, trace = said
    path = trace.uses[call.use].path if call.use >= 0 else ""
    inside = f" in `{path}`" if path else ""
    place = str(call.place) if call.place else ""
    text = f"for inputs of {alone}: at {given}, `{call.function}`{inside} {does}"
    return Limit(text, place)


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


def _unlike(graph: Graph, trace: Trace, other: Trace) -> tuple[str, Call, Trace] | None:
    """What the first call is in which they differ does otherwise."""
    for one, second in zip(trace.calls, other.calls, strict=False):
        if _outline(one) != _outline(second):
            return "is called, and not here", second, other
    for longer, shorter, said in (
        (other, trace, "is called, and not here"),
        (trace, other, "is not called"),
    ):
        if len(longer.calls) > len(shorter.calls):
            return said, longer.calls[len(shorter.calls)], longer
    second = graph_of(other)
    if second.refused:
        place = second.refused[0]
        call = next(
            (c for c in other.calls
             if c.place == Place(place.file, place.line)), other.calls[-1]
        )  # fmt: skip
        return "does what no op does", call, other
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
    return "works with other numbers", call, one


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
