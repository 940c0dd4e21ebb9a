"""Receptive fields: what the gradient of one output pixel reaches.

Of all paths from the input to a pixel the windows are joined, with their offsets, and
borders cut nothing (Araujo, Norris and Sim, "Computing receptive fields of
convolutional neural networks", Distill 2019). The channels of a pixel count together.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest, nsmallest
from typing import Any, TypeAlias

from archc.measure.extent import (
    PIXEL,
    Extent,
    TooIrregular,
    highest,
    joined,
    longest,
    lowest,
    seen_through,
)
from archc.network.graph import Layer, Network, Value
from archc.ops.base import Op, Shape
from archc.ops.reach import Everywhere, PerAxis, Reach

Sight: TypeAlias = tuple[tuple[int, Extent], ...]
"""What an axis says of where a pixel looks: axes of the input, each with what is seen
along it. Several where a map meets itself with its axes swapped; none for channels."""
WORK, WORK_PER_LAYER = 1_000_000, 32
"""How many steps of reckoning with spans one network gets."""


class Field:
    """What the pixels of a map see of the input."""

    __slots__ = ("axes", "side", "sizes")

    def __init__(self, axes: tuple[Sight, ...], sizes: tuple[int, ...]) -> None:
        self.axes = axes
        self.sizes = sizes
        """Of the map; those of axes without a sight mean nothing."""
        self.side = _longer_side(axes, sizes)
        """The longer side of the widest, in input pixels."""


def _longer_side(axes: tuple[Sight, ...], sizes: Sequence[int]) -> int:
    """Of the widest field of a map of these sizes."""
    parts: list[tuple[int, Extent, int]] = []
    side = 0
    for sight, size in zip(axes, sizes, strict=True):
        for source, extent in sight:
            parts.append((source, extent, size))
            side = max(side, longest(extent, size))
    if len(parts) < len(axes):
        return side
    for source in {part[0] for part in parts}:
        along = [(extent, size) for s, extent, size in parts if s == source]
        side = max(side, _apart(along))
    return side


def _apart(parts: Sequence[tuple[Extent, int]]) -> int:
    """The widest field of pixels that see along one axis of the input by several of
    their map's: some pixel is low on one of these and high on another."""
    lows = [(low, n) for n, p in enumerate(parts) if (low := lowest(*p)) is not None]
    highs = [
        (high, n) for n, p in enumerate(parts) if (high := highest(*p)) is not None
    ]
    return max(
        (
            high - low + 1
            for high, m in nlargest(2, highs)
            for low, n in nsmallest(2, lows)
            if m != n
        ),
        default=0,
    )


class Fields:
    """The fields of a network's values, told one layer after the other."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._of: dict[Value, Field | None] = {network.input: _own(network.input.shape)}
        self._reaches: dict[Any, tuple[Reach, tuple[int, ...]]] = {}
        self._left = WORK
        self._lost = False

    def behind(self, layer: Layer) -> int | None:
        """The field of a layer, whose inputs have been told before, in input pixels.

        None behind a global operation, and from where on what pixels see is too
        irregular to follow.
        """
        field: Field | None = None
        if len(layer.inputs) == 1 and type(layer.op).reach is Op.reach:
            field = self._of[layer.inputs[0]]
        elif not self._lost:
            try:
                field = self._behind(layer)
            except TooIrregular:
                self._lost = True
        self._of[layer.output] = field
        return None if field is None else field.side

    def of(self, value: Value) -> Field | None:
        """What the pixels of a value that has been told see."""
        return self._of[value]

    def of_network(self) -> int | None:
        """The widest field of the last maps: the output, and what global operations
        read on the way to it.

        Layers that reach no output do not count.
        """
        if self._lost:
            return None
        of = self._of
        widest: int | None = None
        reached, stack = {self._network.output}, [self._network.output]
        last = list(stack)
        while stack:
            value = stack.pop()
            if value.layer is None:
                continue
            for read in value.layer.inputs:
                if of[value] is None:
                    last.append(read)
                if read not in reached:
                    reached.add(read)
                    stack.append(read)
        for value in last:
            field = of[value]
            # the input itself is no map that a layer made
            if field is not None and value.layer is not None:
                widest = max(widest or 0, field.side)
        return widest

    def _behind(self, layer: Layer) -> Field | None:
        self._left += WORK_PER_LAYER
        found: Field | None = None
        for value in layer.inputs:
            seen = self._of[value]
            if seen is None:
                # a gate from behind a global operation sees all; it is left out
                continue
            if type(layer.op).reach is not Op.reach:
                reach, sizes = self._reach(layer, value)
                if isinstance(reach, Everywhere):
                    return None
                if reach is not None:
                    seen = self._through(reach, seen, sizes)
            found = seen if found is None else self._merged(found, seen)
        return found

    def _reach(self, layer: Layer, value: Value) -> tuple[Reach, tuple[int, ...]]:
        """How far the layer looks at one of its inputs, and the sizes of its output."""
        x, y = value.shape, layer.output_shape()
        assert x is not None
        key = (id(layer.op), x.dims, x.channel_axis, y.dims)
        found = self._reaches.get(key)
        if found is None:
            self._reaches[key] = found = (layer.op.reach(x, y), y.sizes)
        return found

    def _through(self, reach: PerAxis, field: Field, sizes: tuple[int, ...]) -> Field:
        """What a map of these sizes sees that so reads one that sees `field`."""
        axes: list[Sight] = []
        last = made = None
        for along, out in zip(reach, sizes, strict=True):
            if along is None:
                axes.append(())
                continue
            sight: list[tuple[int, Extent]] = []
            for source, extent in field.axes[along.axis]:
                asked = (extent, along.reads, field.sizes[along.axis], out)
                if made is None or asked != last:
                    last, made = asked, seen_through(*asked)
                    self._worked(made)
                sight.append((source, made))
            axes.append(tuple(sight))
        return Field(tuple(axes), sizes)

    def _merged(self, a: Field, b: Field) -> Field:
        """What a map sees of which each pixel sees what those of two others see."""
        if a is b:
            return a
        axes: list[Sight] = []
        last = made = None
        for one, other, size in zip(a.axes, b.axes, a.sizes, strict=True):
            sight = dict(one)
            for source, extent in other:
                if source in sight:
                    asked = (sight[source], extent, size)
                    if made is None or asked != last:
                        last, made = asked, joined(*asked)
                        self._worked(made)
                    extent = made
                sight[source] = extent
            axes.append(tuple(sight.items()))
        return Field(tuple(axes), a.sizes)

    def _worked(self, made: Extent) -> None:
        self._left -= made.period * made.period.bit_length()
        if self._left < 0:
            raise TooIrregular


def _own(shape: Shape | None) -> Field | None:
    """Each pixel of the input sees itself; a vector has no pixels."""
    assert shape is not None
    channel = shape.channel_axis
    axes = [
        () if axis == channel else ((axis, PIXEL),) for axis in range(len(shape.dims))
    ]
    return Field(tuple(axes), shape.sizes) if len(axes) > 1 else None
