"""Networks that compute the same, however their layers are grouped and in whatever
order they are written.

Each layer is numbered by what it computes of what it reads. Where two networks have the
same numbers, their layers belong together by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archc.compare.structure import attributes
from archc.network.graph import Layer, Region, Value
from archc.ops.merge.family import Merge

Pairs = list[tuple[Layer | None, Layer | None]]


def wired_alike(a: Region, b: Region, inputs: Mapping[Value, Value]) -> Pairs | None:
    """The layers of `b` in their order, each with its counterpart in `a`; None where
    the two do not compute the same.

    `inputs` are the inputs of `a`, with those of `b`. Layers that no number tells apart
    belong together by their paths, or else by their order.
    """
    numbers: dict[Any, int] = {}
    ours = {v: numbers.setdefault(("input", id(w)), len(numbers))
            for v, w in inputs.items()}  # fmt: skip
    theirs = {w: ours[v] for v, w in inputs.items()}
    left: dict[int, list[Layer]] = {}
    for layer in a.layers():
        left.setdefault(_number(layer, ours, numbers), []).append(layer)
    found: Pairs = []
    for layer in b.layers():
        alike = left.get(_number(layer, theirs, numbers))
        if not alike:
            return None
        named = (n for n, other in enumerate(alike) if other.path == layer.path)
        found.append((alike.pop(next(named, 0)), layer))
    return None if any(left.values()) else found


def _number(layer: Layer, known: dict[Value, int], numbers: dict[Any, int]) -> int:
    """The number of what a layer computes, which is noted for its output too."""
    reads = [known.get(value, -1) for value in layer.inputs]
    if isinstance(layer.op, Merge) and layer.op.commutative:
        reads.sort()
    used = known.get(layer.again.first.output) if layer.again else None
    number = numbers.setdefault((*computed(layer), used, *reads), len(numbers))
    known[layer.output] = number
    return number


def computed(layer: Layer) -> tuple[Any, ...]:
    """What a layer computes; the same for ops that take the same part of a value."""
    taken = layer.op.takes(layer.input_shape())
    if taken is not None:
        return ("part", *taken)
    return (layer.op.op, *attributes(layer.op).items())
