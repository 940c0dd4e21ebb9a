"""The ops of a network in the modules that call them.

A scope is one use of a module. What is left of them here are those that a spec may
need: a module that does one op is that op, with its name; one that does nothing is
gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archc.importing.nodes import Graph, Node
from archc.ops.registry import OPS

SEQUENTIAL = "torch.nn.modules.container.Sequential"


@dataclass(slots=True, eq=False)
class Item:
    """One node to be: it reads values and makes one, or several."""

    path: str | None
    """Of its module in the network; None if it needs none."""
    reads: list[int]
    makes: list[int]


@dataclass(slots=True, eq=False)
class OpItem(Item):
    """An op."""

    op: str
    attributes: dict[str, Any]
    has_tensors: bool
    place: Node | None = None


@dataclass(slots=True, eq=False)
class ShareItem(Item):
    """A module applied once more."""

    target: str


@dataclass(slots=True, eq=False)
class Scope(Item):
    """A module with what it calls."""

    class_name: str
    items: list[Item] = field(default_factory=list[Item])


@dataclass(slots=True, eq=False)
class SkipItem(Item):
    """What is merged with what it read."""

    op: str
    body: list[Item]
    shortcut: list[Item]


@dataclass(slots=True, eq=False)
class BranchesItem(Item):
    """Parallel paths, merged."""

    op: str
    branches: list[list[Item]]


def lists_of(item: Item) -> list[list[Item]]:
    """The lists of items that stand in one."""
    if isinstance(item, Scope):
        return [item.items]
    if isinstance(item, SkipItem):
        return [item.body, item.shortcut]
    if isinstance(item, BranchesItem):
        return item.branches
    return []


def all_items(items: list[Item]) -> Iterator[Item]:
    """They and all that stand in them."""
    for item in items:
        yield item
        for inner in lists_of(item):
            yield from all_items(inner)


def tree_of(graph: Graph) -> Scope:
    """The network's ops in its modules."""
    trace = graph.trace
    root = Scope("", [], [], trace.class_name)
    scopes: dict[int, Scope] = {}
    for node in graph.nodes:
        scope = _scope(node.use, graph, scopes, root)
        reads = [graph.value(n) for n in node.reads]
        path = node.key
        scope.items.append(
            OpItem(
                path,
                reads,
                [node.makes],
                node.op,
                node.attributes,
                path is not None,
                node,
            )
        )
    root.items = [item for item in root.items if not _is_empty(item)]
    return root


def _scope(use: int, graph: Graph, scopes: dict[int, Scope], root: Scope) -> Scope:
    """The scope of a use, which is made where it is missing."""
    uses = graph.trace.uses
    if use < 0 or uses[use].parent < 0:
        return root
    if use not in scopes:
        parent = _scope(uses[use].parent, graph, scopes, root)
        scopes[use] = Scope(uses[use].path, [], [], uses[use].class_name)
        parent.items.append(scopes[use])
    return scopes[use]


def _is_empty(item: Item) -> bool:
    return isinstance(item, Scope) and not item.items


def simplify(root: Scope) -> None:
    """Takes away scopes that are needed for nothing."""
    root.items = _simplified(root)
    _close(root)


def _simplified(scope: Scope) -> list[Item]:
    """Its items, without scopes that are needed for nothing."""
    found: list[Item] = []
    for item in scope.items:
        if not isinstance(item, Scope):
            found.append(item)
            continue
        inner = _simplified(item)
        if len(inner) == 1 and isinstance(inner[0], OpItem):
            (only,) = inner
            assert isinstance(only, OpItem)
            if not only.has_tensors:
                only.path = item.path
                found.append(only)
                continue
            if only.path == item.path:
                found.append(only)
                continue
        own = [i for i in inner if i.path is not None and i.path == item.path]
        if own or item.path is None or not has_tensors(inner):
            # it is the module of one of its ops, or needs no name at all
            for i in inner:
                if not has_tensors([i]) and not isinstance(i, ShareItem):
                    _unname(i)
            found += inner
        else:
            item.items = inner
            found.append(item)
    return found


def _unname(item: Item) -> None:
    item.path = None
    for inner in lists_of(item):
        for each in inner:
            _unname(each)


def has_tensors(items: list[Item]) -> bool:
    """Whether an op in them has."""
    return any(isinstance(i, OpItem) and i.has_tensors for i in all_items(items))


def _close(root: Scope) -> None:
    """Opens up scopes that hold what does not stand under their name."""
    found: list[Item] = []
    for item in root.items:
        if isinstance(item, Scope):
            _close(item)
            prefix = f"{item.path}."
            inside = [i.path for i in all_items(item.items) if i.path is not None]
            shares = [i for i in all_items(item.items) if isinstance(i, ShareItem)]
            if not all(p.startswith(prefix) for p in inside) or not all(
                s.target.startswith(prefix) for s in shares
            ):
                found += item.items
                continue
        found.append(item)
    root.items = found


def settle(root: Scope, outputs: list[int]) -> None:
    """Says of each scope what it reads from outside, and which of its values are read
    there."""
    readers: dict[int, list[int]] = {}
    place: dict[int, int] = {}
    order = [0]

    def number(items: list[Item]) -> None:
        for item in items:
            inner = lists_of(item)
            if inner:
                for each in inner:
                    number(each)
            order[0] += 1
            place[id(item)] = order[0]
            if not isinstance(item, Scope):
                # a composite reads what its paths end with
                ends = [path[-1].makes[0] for path in inner if path]
                for value in (*item.reads, *ends):
                    readers.setdefault(value, []).append(order[0])

    number(root.items)
    last = order[0] + 1
    for value in outputs:
        readers.setdefault(value, []).append(last)

    def close(scope: Scope) -> tuple[int, int]:
        """The first and last place in it."""
        inside = list(all_items(scope.items))
        for item in inside:
            if isinstance(item, Scope) and item in scope.items:
                close(item)
        places = [place[id(i)] for i in inside]
        low, high = min(places), max(places)
        made = [v for i in inside if not isinstance(i, Scope) for v in i.makes]
        known = set(made)
        reads = [v for i in inside if not isinstance(i, Scope) for v in i.reads]
        scope.reads = list(dict.fromkeys(v for v in reads if v not in known))
        scope.makes = [
            v for v in dict.fromkeys(made)
            if any(not low <= at <= high for at in readers.get(v, ()))
        ]  # fmt: skip
        return low, high

    for item in all_items(root.items):
        if isinstance(item, Scope):
            close(item)


def merges(item: Item) -> bool:
    """Whether it is an op that reads several values."""
    return isinstance(item, OpItem) and item.op in OPS and OPS[item.op].merges
