"""The smallest spec that still has the same kind of mistake, found greedily."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.random_networks.simulate import MODIFIERS, Table

Path = tuple[str | int, ...]
BODY_LISTS = ("layers", "branches")
KEPT = ("archc", "op", "block", "slot", "merge", "from")


def shrink(spec: Table, bad: Callable[[Table], bool], seconds: float) -> Table:
    """Tries smaller specs, largest cuts first, as long as one is `bad` too.

    After a cut it goes on from there: what failed before mostly fails again.
    """
    end = time.monotonic() + seconds
    position, progress = 0, True
    while progress or position:
        if not progress:
            position = 0  # once more from the start
        progress = False
        for number, smaller in enumerate(candidates(spec)):
            if number < position:
                continue
            if time.monotonic() > end:
                return spec
            if bad(smaller):
                spec, position, progress = smaller, number, True
                break
        else:
            if not position:
                return spec
    return spec


def candidates(spec: Table) -> Iterator[Table]:
    """Specs with one thing less, or one thing simpler."""
    paths = sorted(_paths(spec, ()), key=lambda p: -_weight(spec, p))
    for path in paths:
        if path[-1] not in KEPT:
            yield _changed(spec, path, _DROP)
    for path in paths:
        node = _at(spec, path)
        if isinstance(node, dict):
            for inner in _unwrapped(node):
                yield _changed(spec, path, inner)
    yield from _inlined(spec, paths)
    for path in paths:
        for simpler in _simpler(path, _at(spec, path)):
            yield _changed(spec, path, simpler)


_DROP = object()


def _paths(value: Any, path: Path) -> Iterator[Path]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    elif isinstance(value, list):
        items = enumerate(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _weight(spec: Table, path: Path) -> int:
    return len(str(_at(spec, path)))


def _changed(spec: Table, path: Path, new: Any) -> Table:
    changed = deepcopy(spec)
    parent = _at(changed, path[:-1])
    if new is _DROP:
        del parent[path[-1]]
    else:
        parent[path[-1]] = deepcopy(new)
    return changed


def _unwrapped(node: Table) -> Iterator[Table]:
    """What is in a node instead of the node."""
    for key in BODY_LISTS:
        for child in node.get(key, ()) if isinstance(node.get(key), list) else ():
            if isinstance(child, dict):
                yield child
                kept = {k: v for k, v in node.items() if k in MODIFIERS}
                yield child | kept
    for key in ("shortcut", "otherwise"):
        if key in node:
            yield node[key]


def _inlined(spec: Table, paths: list[Path]) -> Iterator[Table]:
    """The body of a block instead of its use, with plain numbers for its parameters."""
    for path in paths:
        node = _at(spec, path)
        used = node.get("block") if isinstance(node, dict) else None
        if isinstance(used, str) and used in spec.get("blocks", {}):
            body = spec["blocks"][used]["layers"]
            kept = {k: v for k, v in node.items() if k in MODIFIERS}
            yield _changed(spec, path, kept | {"layers": body})


def _simpler(path: Path, value: Any) -> Iterator[Any]:
    key = path[-1]
    if isinstance(value, bool) or key in KEPT:
        return
    if isinstance(value, int):
        yield from (n for n in (1, 2, 3, value // 2, value - 1) if 0 <= n < value)
    elif isinstance(value, str) and key == "name" and len(path) > 1:
        yield from (n for n in ("a", "b", "c", "d") if n < value and len(value) > 1)
    elif isinstance(value, str) and key not in ("name", "class_name", "index", "doc"):
        yield from (1, 2, 3, 4, 6, True)
        if len(value) > 3:
            yield from ("i", "in_channels", "in_channels + 1", "i + 1", "i > 0")
    elif isinstance(value, list) and key not in ("layers", "branches", "dims"):
        yield from (v for v in value if isinstance(v, int | str))  # pyright: ignore[reportUnknownVariableType]
