"""Receptive fields: what the gradient of one output pixel reaches.

Of all paths from the input to a pixel the windows are joined, with their offsets, and
borders cut nothing (Araujo, Norris and Sim, "Computing receptive fields of
convolutional neural networks", Distill 2019). The channels of a pixel count together.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest, nsmallest
from typing import TypeAlias

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
from archc.measure.rows import Seen
from archc.network.graph import Layer, Network, Value
from archc.ops.reach import Everywhere, PerAxis, Reach
from archc.ops.sizes import MOST_AXES, Shape

Sight: TypeAlias = tuple[tuple[int, Extent], ...]
"""What an axis says of where a pixel looks: axes of inputs, each with what is seen
along it. Several where a map meets itself with its axes swapped; none for channels."""
APART = 1 + MOST_AXES
"""How far apart the numbers of the first axes of two inputs are."""
WORK, WORK_PER_LAYER = 1_000_000, 32
"""How many steps of reckoning with spans one network gets."""


class Field:
    """What the pixels of a map see of the input."""

    __slots__ = ("axes", "sides", "sizes")

    def __init__(self, axes: tuple[Sight, ...], sizes: tuple[int, ...]) -> None:
        self.axes = axes
        self.sizes = sizes
        """Of the map; those of axes without a sight mean nothing."""
        self.sides = _sides(axes, sizes)
        """How far the widest reach along each axis of the input, in its pixels."""


def _sides(axes: tuple[Sight, ...], sizes: Sequence[int]) -> dict[int, int]:
    """Of the widest fields of a map of these sizes."""
    parts: list[tuple[int, Extent, int]] = []
    sides: dict[int, int] = {}
    for sight, size in zip(axes, sizes, strict=True):
        for source, extent in sight:
            parts.append((source, extent, size))
            sides[source] = max(sides.get(source, 0), longest(extent, size))
    if len(parts) < len(axes):
        return sides
    for source in sides:
        along = [(extent, size) for s, extent, size in parts if s == source]
        sides[source] = max(sides[source], _apart(along))
    return sides


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


def _wider(a: dict[int, int] | None, b: dict[int, int] | None) -> dict[int, int] | None:
    """The widest of two fields along each axis."""
    if a is None or b is None:
        return b if a is None else a
    return {axis: max(a.get(axis, 0), b.get(axis, 0)) for axis in a.keys() | b.keys()}


class Fields:
    """The fields of a network's values, told one layer after the other, in the order of
    `layers`, heads among them."""

    def __init__(self, network: Network, layers: Sequence[Layer]) -> None:
        self._network = network
        self._of: dict[Value, Field | None] = {
            value: _own(value.shape, number)
            for number, value in enumerate(network.inputs.values())
        }
        self._sides: dict[Value, dict[int, int] | None] = {}
        self._last_reader = {v: layer for layer in layers for v in layer.inputs}
        self._left = WORK
        self._lost = False

    def behind(self, layer: Layer, reach: Reach) -> Seen:
        """The field of a layer, whose inputs have been told before, in input pixels;
        `reach` is how far it looks, which merges are asked for each input.

        None behind a global operation, and from where on what pixels see is too
        irregular to follow.
        """
        inputs = layer.inputs
        field = self._of[inputs[0]]
        if reach is not None or len(inputs) > 1:
            try:
                field = None if self._lost else self._behind(layer, reach)
            except TooIrregular:
                field, self._lost = None, True
        for value in inputs:
            # kept no longer than it is read: so many objects are slow to have
            if self._last_reader[value] is layer:
                self._of.pop(value, None)
        self._of[layer.output] = field
        self._sides[layer.output] = sides = None if field is None else field.sides
        return self._told(sides)

    def of(self, value: Value) -> Field | None:
        """What the pixels of a value see that has been told, and not yet been read by
        all that read it."""
        return self._of[value]

    def of_network(self) -> Seen:
        """The widest field of the last maps: the outputs, and what global operations
        read on the way to them.

        Layers that reach no output do not count.
        """
        if self._lost:
            return None
        sides = self._sides
        found: dict[int, int] | None = None
        stack = list(self._network.outputs.values())
        reached = set(stack)
        for value in reached:
            # the input itself is no map that a layer made
            found = _wider(found, sides.get(value))
        while stack:
            value = stack.pop()
            for read in () if value.layer is None else value.layer.inputs:
                if sides[value] is None:
                    found = _wider(found, sides.get(read))
                if read not in reached:
                    reached.add(read)
                    stack.append(read)
        return self._told(found)

    def _told(self, sides: dict[int, int] | None) -> Seen:
        """A field in one number, its longer side; that of a volume in three. Of several
        inputs it is the one of which it sees most."""
        if sides is None:
            return None
        assert self._network.input.shape is not None
        axes = range(1, len(self._network.input.shape.dims))
        if len(axes) < 3:
            return max(sides.values(), default=0)
        firsts = range(0, max(sides, default=0) + 1, APART)
        return tuple(max(sides.get(f + a, 0) for f in firsts) for a in axes)

    def _behind(self, layer: Layer, reach: Reach) -> Field | None:
        self._left += WORK_PER_LAYER
        found: Field | None = None
        for value in layer.inputs[: layer.op.computes_with]:
            seen = self._of[value]
            if seen is None:
                # a gate from behind a global operation sees all; it is left out
                continue
            if layer.op.merges:
                assert value.shape is not None
                reach = layer.op.reach(value.shape, layer.output_shape())
            if isinstance(reach, Everywhere):
                return None
            if reach is not None:
                seen = self._through(reach, seen, layer.output_shape().sizes)
                if seen is None:
                    return None
            found = seen if found is None else self._merged(found, seen)
        return found

    def _through(
        self, reach: PerAxis, field: Field, sizes: tuple[int, ...]
    ) -> Field | None:
        """What a map of these sizes sees that so reads one that sees `field`; None
        where an axis of that is read whole."""
        named = {along.axis for along in reach if along is not None}
        if any(sight for n, sight in enumerate(field.axes) if n not in named):
            return None
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
        made_axes = tuple(axes)
        # most often one of the two sees all that the other does
        same = a if made_axes == a.axes else b if made_axes == b.axes else None
        return same or Field(made_axes, a.sizes)

    def _worked(self, made: Extent) -> None:
        self._left -= made.period * made.period.bit_length()
        if self._left < 0:
            raise TooIrregular


def _own(shape: Shape | None, number: int) -> Field | None:
    """Each pixel of an input sees itself; a vector has no pixels. The axes of each
    input have numbers of their own."""
    assert shape is not None
    channel = shape.channel_axis
    first = number * APART
    axes = [
        () if axis == channel else ((first + axis, PIXEL),)
        for axis in range(len(shape.dims))
    ]
    return Field(tuple(axes), shape.sizes) if len(axes) > 1 else None
