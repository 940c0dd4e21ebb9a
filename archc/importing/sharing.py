"""Modules that are applied more than once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from archc.importing.items import Item, OpItem, Scope, ShareItem, all_items, has_tensors


def share(root: Scope, outputs: list[int]) -> None:
    """Puts a share where a module with tensors is used again.

    A module that does something else the next time, as with a norm for each use, is
    opened up, and so is one that reads or gives several values: then it is its parts
    that are shared.
    """
    readers = Counter(outputs)
    readers.update(v for item in all_items(root.items) for v in item.reads)
    uses: dict[str, list[Any]] = {}
    for item in all_items(root.items):
        if isinstance(item, Scope) and item.path and has_tensors([item]):
            uses.setdefault(item.path, []).append(_outline(item, readers))
    unlike = {
        path
        for path, all_do in uses.items()
        if len(all_do) > 1 and any(do is None or do != all_do[0] for do in all_do)
    }
    _open(root, unlike)
    _share(root, {})


def _outline(scope: Scope, readers: Counter[int]) -> Any:
    """What a use of a module does, to be compared with others; None if it does not read
    one value and give its last."""
    ops = _ops(scope)
    made = [v for op in ops for v in op.makes]
    inside = Counter(v for op in ops for v in op.reads)
    given = [v for v in made if readers[v] > inside[v]]
    if len(inside.keys() - {*made}) != 1 or given != ops[-1].makes:
        return None
    numbers: dict[int, int] = {}
    return [
        (op.op, op.path, op.attributes,
         [numbers.setdefault(v, len(numbers)) for v in (*op.reads, *op.makes)])
        for op in ops
    ]  # fmt: skip


def _ops(scope: Scope) -> list[OpItem]:
    return [item for item in all_items(scope.items) if isinstance(item, OpItem)]


def _open(scope: Scope, paths: set[str]) -> None:
    """Puts what they hold in the place of modules."""
    found: list[Item] = []
    for item in scope.items:
        if isinstance(item, Scope):
            _open(item, paths)
        found += (
            item.items if isinstance(item, Scope) and item.path in paths else [item]
        )
    scope.items = found


def _share(scope: Scope, met: dict[str, Item | None]) -> None:
    """Puts shares in the place of modules with tensors that were met, and takes the
    names of others that were.

    `met` are the paths so far, with the item where it has no tensors.
    """
    for n, item in enumerate(scope.items):
        if item.path is None or (isinstance(item, OpItem) and item.path == scope.path):
            continue
        holds = has_tensors([item])
        before = met.get(item.path)
        if before is not None and holds:
            # what was there alone is not the module that has them
            before.path = None
            del met[item.path]
        again = item.path in met
        if not again:
            met[item.path] = None if holds else item
        if again and holds:
            reads, makes = item.reads, item.makes
            if isinstance(item, Scope):
                ops = _ops(item)
                reads, makes = ops[0].reads[:1], ops[-1].makes
            scope.items[n] = ShareItem(None, reads, makes, item.path)
        elif isinstance(item, Scope):
            if again:
                item.path = None
            _share(item, met)
