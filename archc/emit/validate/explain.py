"""Sentences about what a generated module computes and the network does not."""

from __future__ import annotations

from collections.abc import Iterator

from archc.emit.validate.calls import call_text, described
from archc.emit.validate.disagreement import Fault
from archc.emit.validate.expected import ValueGraph
from archc.emit.validate.values import Called, Module, Tensor
from archc.network.graph import Layer

_MOST = 3


def unknown_step(
    graph: ValueGraph,
    inputs: tuple[Tensor, ...],
    called: Called,
    module: Module | None,
) -> Fault:
    """A call that the network does not make, and what it has instead."""
    values = _listed([described(t) for t in inputs])
    if module is None:
        return Fault(
            f"`{call_text(called)}` is computed, which the network does not;"
            f" {_instead(graph, inputs, values)}"
        )
    weighted = graph.weighted.get(module.path)
    if weighted is None:
        return Fault(
            f"`{call_text(called)}` reads {values}, which it does not in the network;"
            f" {_instead(graph, inputs, values)}",
            module.path,
        )
    layer, _ = weighted
    return Fault(
        f"`{module.path}` reads {values}; in the network it reads {_inputs(layer)}",
        module.path,
    )


def layer_text(layer: Layer) -> str:
    return f"`{layer.path}` ({layer.op.op} of {_inputs(layer)})"


def _instead(graph: ValueGraph, inputs: tuple[Tensor, ...], values: str) -> str:
    nodes = {t.node for t in inputs}
    readers = [r for r in _layers(graph) if nodes & {graph.of[v] for v in r.inputs}]
    # those that read the same come first
    readers.sort(key=lambda r: {graph.of[v] for v in r.inputs} != nodes)
    if not readers:
        return f"there nothing reads {values}"
    shown = [layer_text(r) for r in readers[:_MOST]]
    more = " and others" if len(readers) > _MOST else ""
    return f"there {values} {'is' if len(inputs) == 1 else 'are'} read by" + (
        f" {_listed(shown)}{more}"
    )


def _layers(graph: ValueGraph) -> Iterator[Layer]:
    return (value.layer for value in graph.of if value.layer is not None)


def _inputs(layer: Layer) -> str:
    return _listed(
        ["the input" if v.layer is None else f"`{v.layer.path}`" for v in layer.inputs]
    )


def _listed(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
