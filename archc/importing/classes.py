"""Which modules may become blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from archc.importing.gathering import outline
from archc.importing.items import (
    SEQUENTIAL,
    Item,
    Scope,
    lists_of,
)


def classes(
    items: list[Item],
) -> tuple[list[tuple[str, list[Scope]]], dict[int, Scope | None]]:
    """The modules of each class that may become a block, inner ones first, and the
    module around each by its id.

    Where classes hold each other, their modules are told apart by how much they hold.
    """
    by_depth = {SEQUENTIAL}
    while True:
        found: dict[str, list[Scope]] = {}
        inside: dict[str, set[str]] = {}
        parents: dict[int, Scope | None] = {}
        for item in all_direct(items):
            parents[id(item)] = None
            _class_of(item, by_depth, found, inside, parents)
        order = TopologicalSorter(inside)
        try:
            return [(key, found[key]) for key in order.static_order()], parents
        except CycleError as error:
            by_depth.update(key.partition("@")[0] for key in error.args[1])


def _class_of(
    scope: Scope,
    by_depth: set[str],
    found: dict[str, list[Scope]],
    inside: dict[str, set[str]],
    parents: dict[int, Scope | None],
) -> tuple[set[str], int]:
    """Notes a module by its class; which classes it holds, itself counted, and how
    deep."""
    below: set[str] = set()
    depth = 0
    for item in all_direct(scope.items):
        parents[id(item)] = scope
        keys, deep = _class_of(item, by_depth, found, inside, parents)
        below |= keys
        depth = max(depth, deep + 1)
    key = scope.class_name
    if key in by_depth:
        key = f"{key}@{depth}"
    found.setdefault(key, []).append(scope)
    inside.setdefault(key, set()).update(below)
    return below | {key}, depth


def all_direct(items: Iterable[Item]) -> list[Scope]:
    """The scopes in a list that stand in no other scope."""
    found: list[Scope] = []
    for item in items:
        if isinstance(item, Scope):
            found.append(item)
        else:
            found += [s for inner in lists_of(item) for s in all_direct(inner)]
    return found


_LEAST = 3
"""So many sequences alike are a block."""


def own_sequences(
    members: list[Scope], parents: dict[int, Scope | None], counts: Counter[str]
) -> list[Scope]:
    """The sequences that may be blocks: in a module that comes again they are a part of
    that, unless it holds several alike or they are blocks elsewhere."""
    alike = Counter((id(parents[id(s)]), outline(s.items)) for s in members)

    def is_own(scope: Scope) -> bool:
        parent = parents[id(scope)]
        if parent is None or parent.class_name == SEQUENTIAL:
            return True
        several = alike[id(parent), outline(scope.items)] > 2
        return counts[parent.class_name] < 2 or several

    own = [s for s in members if is_own(s)]
    blocks = Counter(outline(s.items) for s in own)
    return [s for s in members if blocks[outline(s.items)] >= _LEAST]
