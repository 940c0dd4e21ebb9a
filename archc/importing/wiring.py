"""Whether two traces are one network: the same ops, on the same values."""

from __future__ import annotations

from typing import Any

from archc.importing.nodes import Graph

_STARTS = frozenset({"init", "gain_init"})
"""Attributes that say how a parameter starts, and nothing of what is computed."""
_COMMUTE = frozenset({"add", "mul"})


def wiring(graph: Graph) -> list[Any]:
    """What each output is computed by, in a form that is the same for networks that
    differ only in the order in which they are written."""
    forms: dict[int, int] = {}
    parts: dict[int, tuple[int, ...]] = {}
    numbers: dict[Any, int] = {}

    def number(key: Any) -> int:
        return numbers.setdefault(key, hash(key))

    for n, value in enumerate(graph.trace.inputs.values()):
        forms[value] = number(("input", n))
    for node in graph.nodes:
        reads = [graph.value(v) for v in node.reads]
        if node.op == "identity":
            forms[node.makes] = forms[reads[0]]
            continue
        known = tuple(forms[v] for v in reads)
        if node.op == "concat":
            # one of a concat is one of all that it joins
            known = tuple(p for v in reads for p in parts.get(v, (forms[v],)))
            parts[node.makes] = known
        elif node.op in _COMMUTE:
            known = tuple(sorted(known))
        given = node.attributes.items()
        attributes = tuple(sorted((k, str(v)) for k, v in given if k not in _STARTS))
        forms[node.makes] = number((node.op, attributes, node.key, known))
    return [forms[graph.value(v)] for v in graph.trace.outputs.values()]
