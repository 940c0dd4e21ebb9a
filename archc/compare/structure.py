"""A network as rows of layers that fork and come together, whatever its names are.

Blocks, groups and repetitions are how a spec groups its layers, and two specs of one
network may group them differently. What stays when they are opened up is a row of
layers, in which parallel paths and skips are forks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archc.network.graph import Layer, Region
from archc.ops.attributes import items
from archc.ops.base import Op


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """Parallel paths from one value, and the layer that merges them.

    The way around of a skip is a path; where it is the identity, it is empty.
    """

    paths: tuple[Row, ...]
    merge: Layer


Item = Layer | Fork
Row = tuple[Item, ...]


def row_of(region: Region) -> Row:
    """The layers of a region in a row, forks apart."""
    row: list[Item] = []
    for part in region.parts:
        if isinstance(part, Layer):
            row.append(part)
        elif part.kind in ("branches", "skip"):
            row.append(_fork(part))
        else:
            row.extend(row_of(part))
    return tuple(row)


def _fork(region: Region) -> Fork:
    *parts, merge = region.parts
    assert isinstance(merge, Layer)
    paths = [row_of(part) for part in parts if isinstance(part, Region)]
    if region.kind == "skip" and len(paths) == 1:
        paths.append(())
    return Fork(tuple(paths), merge)


def layers_of(item: Item) -> list[Layer]:
    """The layers of an item in execution order."""
    if isinstance(item, Layer):
        return [item]
    inside = [
        layer for path in item.paths for part in path for layer in layers_of(part)
    ]
    return [*inside, item.merge]


# how an op computes, but not what; or what is said by another attribute
_BESIDES = frozenset({"inplace"})


def attributes(op: Op) -> dict[str, Any]:
    """The attributes by which an op computes, written in one way each."""
    found = {
        name: _plain(getattr(op, name))
        for name in type(op).model_fields
        if name not in _BESIDES
    }
    if "kernel_size" in found and found.get("stride", 1) is None:
        found["stride"] = found["kernel_size"]  # as PyTorch has it for poolings
    return found


def _plain(value: Any) -> Any:
    """A size whose sides agree as one number, and a number without what rounding makes
    of it."""
    parts = items(value)
    if parts is None:
        return float(f"{value:.9g}") if isinstance(value, float) else value
    return parts[0] if len({*parts}) == 1 else parts


class Kinds:
    """Numbers for what layers and forks compute: equal ones have the same."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._items: dict[int, int] = {}
        self._ops: dict[int, int] = {}
        self._alive: list[Any] = []

    def of(self, item: Item) -> int:
        number = self._items.get(id(item))
        if number is None:
            if isinstance(item, Layer):
                number = self._op(item.op)
            else:
                paths = tuple(tuple(map(self.of, path)) for path in item.paths)
                number = self._number(("fork", self._op(item.merge.op), paths))
            self._items[id(item)] = number
            self._alive.append(item)  # so that no other item can have its id
        return number

    def _op(self, op: Op) -> int:
        number = self._ops.get(id(op))
        if number is None:
            number = self._number((op.op, tuple(attributes(op).items())))
            self._ops[id(op)] = number
            self._alive.append(op)
        return number

    def _number(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers))
