"""Instances of blocks that are repeated instead of being elaborated again."""

from __future__ import annotations

from dataclasses import dataclass

from archc.network.graph import Again, Claim, Layer, Region, Value
from archc.spec.expressions import Known, Row


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An instance of a block without mistakes, to be repeated for equal ones."""

    region: Region
    visits: int
    claims: tuple[Claim, ...]


def exact(value: Known) -> object:
    """A value that is only equal to others of its type: 1 is not True here."""
    if isinstance(value, tuple):
        return tuple(map(exact, value))
    if isinstance(value, Row):
        return (value.fields, *map(exact, value.items))
    return type(value), value


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """An instance of a block that gives no value, and what it was found to have."""

    visits: int
    entered: tuple[tuple[str, int], ...]
    """Which blocks are in it, and how often."""


class Copier:
    """Copies the inside of a block's instance: new values and layers, other paths."""

    def __init__(self, values: dict[Value, Value], cut: int, path: str) -> None:
        self.values = values
        self.cut = cut
        self.path = path
        self.blocks: list[str] = []
        self._layers: dict[Layer, Layer] = {}

    def copy(self, part: Layer | Region) -> Layer | Region:
        path = self.path + part.path[self.cut :] if part.path else ""
        if isinstance(part, Layer):
            output = Value(part.output.shape)
            copied = self.values.get
            inputs = tuple([copied(v, v) for v in part.inputs])
            layer = Layer(
                path, part.op, inputs, output, part.node, part.block, part.given
            )
            output.layer = layer
            if part.again is not None:
                layer.again = Again(self._layers[part.again.first], part.again.node)
            self._layers[part] = layer
            self.values[part.output] = output
            return layer
        start = self._copied(part.input)
        region = Region(
            part.kind, path, part.node, start, start, block=part.block,
            arguments=part.arguments, merge=part.merge, given=part.given,
            others=tuple(map(self._copied, part.others)),
        )  # fmt: skip
        if part.kind == "block" and part.block is not None:
            self.blocks.append(part.block.name)
            region.copy_of = part.original
        region.parts.extend(map(self.copy, part.parts))
        region.output = self._copied(part.output)
        region.outputs = tuple(map(self._copied, part.outputs))
        return region

    def _copied(self, value: Value) -> Value:
        """The value in the new instance; one that no layer makes, as a mistake was met
        there, stays what it is, be its shape claimed or unknown."""
        return self.values.get(value, value)
