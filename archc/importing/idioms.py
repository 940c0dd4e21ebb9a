"""Several ops that together are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from archc.importing.nodes import Graph, Node
from archc.importing.turns import say, turns


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
    readers, makers = readers_of(graph), {node.makes: node for node in graph.nodes}
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


def readers_of(graph: Graph) -> Counter[int]:
    """How often each value is read, by nodes and as an output."""
    readers = Counter(graph.value(v) for v in graph.trace.outputs.values())
    for node in graph.nodes:
        readers.update(graph.value(v) for v in node.reads)
    return readers


def join(graph: Graph) -> None:
    """Puts one op in place of those that do the same."""
    readers, makers = readers_of(graph), {node.makes: node for node in graph.nodes}
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
        turned = turns(chain, graph)
        if turned:
            gone.update(n.makes for n in say(turned, chain, graph))
            continue
        if len(chain) == 3 and _is_sixth(node) and _is_ramp(*chain[:2]):
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
