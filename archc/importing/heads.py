"""Auxiliary classifiers: what only training computes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from archc.importing.calls import live
from archc.importing.items import Item, OpItem, Scope, all_items
from archc.importing.nodes import Graph, Node
from archc.importing.trace import Param, Trace


@dataclass(slots=True, eq=False)
class Head:
    """An auxiliary classifier that hangs on a value of the network."""

    name: str
    source: int
    """The value that it reads."""
    scope: Scope

    @property
    def items(self) -> list[Item]:
        """The module that it is, or the op."""
        return [self.scope] if self.scope.class_name else self.scope.items


def lacks(graph: Graph) -> list[str]:
    """The tensors that no op of the network has."""
    keys = {n.key for n in graph.nodes if n.key is not None}
    kept = tuple(f"{n.key}." for n in graph.nodes if n.op in graph.own)
    return [
        key for key in graph.trace.tensors
        if key not in keys and key.rpartition(".")[0] not in keys
        and not key.startswith(kept)
    ]  # fmt: skip


def uses(trace: Trace, keys: list[str]) -> bool:
    """Whether an output depends on one of these tensors."""
    tensors = {Param(key) for key in keys}
    return any(call.reads(tensors) for call in live(trace))


def main_outputs(evaluated: Graph, trained: Graph) -> dict[str, int] | None:
    """Which values training gives as the outputs of evaluation; None if it does not
    give all of them."""
    made = {value: _outline(_behind(trained, [value]))
            for value in trained.trace.outputs.values()}  # fmt: skip
    found: dict[str, int] = {}
    for name, value in evaluated.trace.outputs.items():
        wanted = _outline(_behind(evaluated, [value]))
        same = next((v for v, outline in made.items() if outline == wanted), None)
        if same is None:
            return None
        found[name] = same
    return found


def split(graph: Graph, root: Scope, main: Collection[int]) -> list[Head] | str:
    """Takes the heads out of the network's items, whose own outputs are `main`; why
    not, if they are none."""
    mine = {id(n) for n in _behind(graph, [*main])}
    heads: list[Head] = []
    kept: list[Item] = []
    for item in root.items:
        ops = [i for i in all_items([item]) if isinstance(i, OpItem)]
        own = [i.place is not None and id(i.place) in mine for i in ops]
        if all(own):
            kept.append(item)
            continue
        if any(own) or item.path is None or "." in item.path:
            return "what training computes besides is no part of its own"
        made = {v for i in ops for v in i.makes}
        reads = {v for i in ops for v in i.reads if v not in made}
        if len(reads) != 1 or any(h.name == item.path for h in heads):
            return f"`{item.path}` reads several values in training"
        if not isinstance(item, Scope):
            item = Scope(item.path, item.reads, item.makes, "", [item])
        heads.append(Head(str(item.path), reads.pop(), item))
    root.items = kept
    there = {v for item in all_items(kept) for v in item.makes}
    there.update(graph.trace.inputs.values())
    if any(head.source not in there for head in heads):
        return "what training computes besides reads what only training computes"
    return heads


def _behind(graph: Graph, values: list[int]) -> list[Node]:
    """The ops that make these values, in their order."""
    wanted = {graph.value(v) for v in values}
    found: list[Node] = []
    for node in reversed(graph.nodes):
        if node.makes in wanted:
            found.append(node)
            wanted.update(graph.value(v) for v in node.reads)
    return found[::-1]


def _outline(nodes: list[Node]) -> list[tuple[str, str | None, str]]:
    return [(n.op, n.key, str(n.attributes)) for n in nodes]
