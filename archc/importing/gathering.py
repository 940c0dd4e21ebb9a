"""Sequences whose members are called one by one, as what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from archc.importing.items import SEQUENTIAL, Item, OpItem, Scope, all_items, lists_of


def gather(root: Scope, containers: Mapping[str, str], outputs: list[int]) -> None:
    """Puts runs of items that are all of a sequence into one scope, where another
    sequence does the same; `containers` are the classes of modules by their paths."""
    known = {
        outline(item.items)
        for item in all_items(root.items)
        if isinstance(item, Scope) and item.class_name == SEQUENTIAL
    }
    readers = Counter(outputs)
    # how many items stand anywhere in a module
    parts: Counter[str] = Counter()
    for item in all_items(root.items):
        if not isinstance(item, Scope):
            readers.update(item.reads)
        path = item.path or ""
        while path := path.rpartition(".")[0]:
            parts[path] += 1
    for scope in [root, *all_items(root.items)]:
        for items in lists_of(scope):
            _gather(items, scope.path or "", containers, known, readers, parts)


def outline(items: list[Item]) -> tuple[str, ...]:
    """The ops in a list."""
    return tuple(i.op for i in all_items(items) if isinstance(i, OpItem))


def _gather(
    items: list[Item],
    around: str,
    containers: Mapping[str, str],
    known: set[tuple[str, ...]],
    readers: Counter[int],
    parts: Counter[str],
) -> None:
    at = 0
    while at < len(items):
        path = (items[at].path or "").rpartition(".")[0]
        stop = at + 1
        for before, item in pairwise(items[at:]):
            if not _goes_on(before, item, path, readers):
                break
            stop += 1
        run = items[at:stop]
        if (
            path != around
            and containers.get(path) == SEQUENTIAL
            and sum(item.path is not None for item in all_items(run)) == parts[path]
            and outline(run) in known
        ):
            items[at:stop] = [Scope(path, [], [], SEQUENTIAL, run)]
        at += 1


def _goes_on(item: Item, other: Item, path: str, readers: Counter[int]) -> bool:
    """Whether another item of the sequence reads this one, and nothing else does."""
    return (
        (other.path or "").rpartition(".")[0] == path
        and other.reads == item.makes
        and len(item.makes) == 1
        and readers[item.makes[0]] == 1
    )
