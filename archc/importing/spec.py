"""From traces to the tables of a spec."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from archc.importing.blocks import structure_of
from archc.importing.calls import graph_of
from archc.importing.folding import fold
from archc.importing.gathering import gather
from archc.importing.heads import Head, lacks, main_outputs, split, uses
from archc.importing.items import all_items, simplify, tree_of
from archc.importing.layout import tables_of
from archc.importing.nodes import Graph, Node
from archc.importing.sharing import share
from archc.importing.sizes import unfit
from archc.importing.trace import TOO_LARGE, Call, Refusal, Trace, Value


@dataclass(slots=True)
class Imported:
    """A spec, or why there is none."""

    tables: dict[str, Any] | None = None
    unread: list[str] = field(default_factory=list[str])
    """Tensors that no output depends on."""
    refused: list[Refusal] = field(default_factory=list[Refusal])


def lacking(trace: Trace) -> list[str]:
    """The tensors that evaluation has no use for: those of heads, or of nothing."""
    graph = graph_of(trace)
    return [] if graph.refused else lacks(graph)


def imported(
    evaluated: Trace,
    trained: Trace | None,
    class_name: str,
    source: str,
    *,
    loose: bool = True,
) -> Imported:
    """The spec of a network by its traces; that of training is for its heads.

    Where it is `loose`, modules of a class are one block even if some lack a part.
    """
    try:
        return _imported(evaluated, trained, class_name, source, loose)
    except RecursionError:
        reason = "its parts stand in each other more deeply than can be followed"
        return Imported(refused=[Refusal("", reason, mend=TOO_LARGE)])


def _imported(
    evaluated: Trace, trained: Trace | None, class_name: str, source: str, loose: bool
) -> Imported:
    shapes = ((n, unfit(evaluated.shapes[v][1:])) for n, v in evaluated.inputs.items())
    odd = [
        Refusal("", f"`{name}`: {reason}", mend="--input says another shape")
        for name, reason in shapes
        if reason is not None
    ]
    graph = graph_of(evaluated)
    if odd or graph.refused:
        return Imported(refused=odd or graph.refused)
    unread = lacks(graph)
    heads: list[Head] = []
    main: dict[str, int] | None = None
    if trained is not None:
        graph, main = _with_heads(graph, trained)
    if graph.refused:
        return Imported(refused=graph.refused)
    _name_inputs(graph)
    root = tree_of(graph)
    ends = [graph.value(v) for v in graph.trace.outputs.values()]
    ends += graph.unread
    share(root, ends)
    simplify(root)
    gather(root, graph.trace.containers, ends)
    if main is not None:
        found = split(graph, root, main.values())
        if isinstance(found, str):
            mend = "give each auxiliary classifier a module of its own in the network"
            graph.refused.append(Refusal("", found, mend=mend))
        else:
            heads = found
    missing = lacks(graph)
    if missing and not graph.refused:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        reason = f"it has tensors that nothing it computes depends on: {shown}"
        mend = "take their modules out of the network before it is imported"
        graph.refused.append(Refusal("", reason, mend=mend))
    if graph.refused:
        return Imported(refused=graph.refused)
    outputs = graph.trace.outputs if main is None else main
    outputs = {name or "output": graph.value(v) for name, v in outputs.items()}
    fold(root, [*outputs.values(), *graph.unread, *(h.source for h in heads)])
    for head in heads:
        _fold_head(head, graph)
    structure = structure_of(graph, root, outputs, heads, loose=loose)
    tables = tables_of(structure, graph, class_name, source)
    return Imported(tables, unread if graph.unread else [])


def _name_inputs(graph: Graph) -> None:
    """Gives inputs that are outputs a node, which has a name."""
    trace = graph.trace
    # which may be read once more
    trace = graph.trace = replace(trace, outputs=dict(trace.outputs))
    inputs = set(trace.inputs.values())
    for name, number in trace.outputs.items():
        source = graph.value(number)
        if source not in inputs:
            continue
        made = len(trace.shapes)
        trace.shapes.append(trace.shapes[source])
        graph.shapes[made] = graph.shapes[source]
        call = Call("torch.clone", {"input": Value(source)}, (made,), -1)
        graph.nodes.append(Node("identity", {}, (source,), made, None, -1, call))
        trace.outputs[name] = made


def _with_heads(
    evaluated: Graph, trained: Trace
) -> tuple[Graph, dict[str, int] | None]:
    """The network as it is trained, and which of its outputs evaluation gives."""
    if not uses(trained, lacks(evaluated)):
        # it computes something for nothing, in evaluation too
        return graph_of(evaluated.trace, lacks(evaluated)), None
    graph = graph_of(trained)
    if graph.refused:
        evaluated.refused += graph.refused
        return evaluated, None
    main = main_outputs(evaluated, graph)
    if main is None:
        reason = "in training it computes something else than in evaluation"
        mend = "let it compute in training what it does in evaluation, beside dropout"
        evaluated.refused.append(Refusal("", reason, mend=mend))
        return evaluated, None
    return graph, main


def _fold_head(head: Head, graph: Graph) -> None:
    """Finds the skips and branches of a head."""
    made = {v for item in all_items(head.scope.items) for v in item.makes}
    ends = [v for v in map(graph.value, graph.trace.outputs.values()) if v in made]
    head.scope.reads, head.scope.makes = [head.source], ends
    fold(head.scope, ends)
