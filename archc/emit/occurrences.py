"""What became of each written node in the network: the numbers behind generated code.

Inference has settled every shape. Generated code repeats it: as a number where all
occurrences of a node agree, as an expression where its class has one, and as an
argument of the constructor where there is neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from archc.network.graph import Layer, Region, Value
from archc.ops.base import Op
from archc.ops.sizes import UNKNOWN, Dim, Shape
from archc.spec.expressions import is_tuple
from archc.spec.model import Node, OpNode, SlotNode, made_by, members

Stage = Literal["body", "once", "all"]
"""A node's output before its skip, after its skip, and after all of its repetitions."""

_BODIES = ("block", "group", "branches", "share")


class Occurrences:
    """The occurrences of one class's nodes in all of its instances."""

    def __init__(
        self, instances: Sequence[Region], variants: Mapping[Region, int]
    ) -> None:
        self.instances = instances
        self.variants = variants
        """Which of its block's classes each instance of a block has."""
        self.layers: dict[Node, list[Layer]] = defaultdict(list)
        """What an op, or a merge of branches, became."""
        self.merges: dict[Node, list[Layer]] = defaultdict(list)
        """What a skip became."""
        self.regions: dict[Node, list[Region]] = defaultdict(list)
        """The block instances, named groups, branches and shares that a node became."""
        self._outputs: dict[tuple[Node, Stage], dict[Shape, None]] = defaultdict(dict)
        self._repeats: dict[Node, list[Region]] = defaultdict(list)
        self._iterations: dict[Node, dict[Shape, None]] = defaultdict(dict)
        for instance in instances:
            self._collect(instance)

    def _collect(self, instance: Region) -> None:
        stack: list[Layer | Region] = list(reversed(instance.parts))
        if instance.kind != "block":
            # a group's own class begins inside it; what the network's has no node
            self._note(instance)
        while stack:
            part = stack.pop()
            if isinstance(part, Layer):
                self.layers[part.node].append(part)
                self._output(part.node, "body", part)
                continue
            self._note(part)
            if part.kind == "skip" and isinstance(part.parts[-1], Layer):
                stack.extend(reversed(part.parts[:-1]))
            elif part.kind != "block":
                stack.extend(reversed(part.parts))

    def _note(self, part: Region) -> None:
        node = part.node
        if node is None:
            return
        if part.kind in _BODIES:
            self.regions[node].append(part)
            self._output(node, "body", part)
        elif part.kind == "skip":
            merge = part.parts[-1]
            assert isinstance(merge, Layer)
            self.merges[node].append(merge)
            self._output(node, "once", part)
        elif part.kind == "repeat":
            self._output(node, "all", part)
            self._repeats[node].append(part)
        elif part.kind == "iteration" and part.input.shape is not None:
            self._iterations[node][part.input.shape] = None

    def _output(self, node: Node, stage: Stage, part: Layer | Region) -> None:
        if part.output.shape is not None:
            self._outputs[node, stage][part.output.shape] = None

    def nodes(self) -> set[Node]:
        """The nodes that occur."""
        return {*self.layers, *self.regions, *self._repeats, *self.merges}

    def occurs(self, node: Node) -> bool:
        """Whether the network has a node, or something in it."""
        found = (self.layers, self.regions, self._repeats, self.merges)
        # a group without a name leaves no trace but what is in it
        return any(part.get(below) for below in made_by(node) for part in found)

    def skips_past(self, node: Node) -> bool:
        """Whether a skip leads past a node somewhere."""
        return bool(self.merges.get(node))

    def is_repeated(self, node: Node) -> bool:
        """Whether it occurs, and each occurrence repeats it at least once."""
        found = self._repeats.get(node)
        return bool(found) and all(region.parts for region in found)

    def read_from(self, node: Node, number: int) -> set[str]:
        """The paths of all that gives what a node reads."""
        found = self._makers(node, number)
        other = node.otherwise
        if number == 0 and other is not None and other.reads is None:
            found |= self.read_from(other, 0)
        return found

    def _makers(self, node: Node, number: int) -> set[str]:
        regions = self.regions.get(node, ())
        found = [(r.input, *r.others)[number] for r in regions]
        if isinstance(node, OpNode | SlotNode):
            found += [layer.inputs[number] for layer in self.layers.get(node, ())]
        if not found:
            first = _first(node)
            return set() if first is None else self.read_from(first, 0)
        return {path for value in found for path in self._paths.get(value, ())}

    @cached_property
    def _paths(self) -> dict[Value, set[str]]:
        """The layers, and the parts around them, that give a value."""
        found: dict[Value, set[str]] = defaultdict(set)
        stack: list[Layer | Region] = list(self.instances)
        while stack:
            part = stack.pop()
            named = part
            while not named.path and isinstance(named, Region) and named.parts:
                if named.kind == "share":
                    break
                # a skip and its name belong to what the skip leads past
                named = named.parts[0]
            found[part.output].add(named.path)
            # in a share, what is inside has the names of its first use
            if isinstance(part, Region) and part.kind != "share":
                stack.extend(part.parts)
        return found

    # ---- what all occurrences agree on

    def output(self, node: Node, stage: Stage) -> Shape | None:
        """The sizes of a node's output that all occurrences agree on."""
        return agreed(self._outputs.get((node, stage), {}))

    def iterations(self, node: Node) -> list[list[Region]]:
        """The first iterations of a repeated node in all occurrences, the second ones,
        and so on."""
        found: list[list[Region]] = []
        for repeat in self._repeats.get(node, ()):
            for number, part in enumerate(repeat.parts):
                if number == len(found):
                    found.append([])
                if isinstance(part, Region):
                    found[number].append(part)
        return found

    def differ(self, node: Node) -> bool:
        """Whether the iterations of a repeated node are to be written out, as something
        in them has other axes from one to the next, or another class."""
        known: dict[object, object] = {}
        stack: list[Layer | Region] = list(self._repeats.get(node, ()))
        while stack:
            part = stack.pop()
            if part.node is not None:
                what, kind = axes(part, self.variants)
                if known.setdefault(what, kind) != kind:
                    return True
            if isinstance(part, Region) and part.kind != "block":
                stack.extend(part.parts)
        return False

    def gives_as_before(self, node: Node) -> bool:
        """Whether a share gives as many channels as the first use of what it applies,
        wherever it occurs."""
        for region in self.regions.get(node, ()):
            layer = region.output.layer
            if layer is None or layer.again is None:
                return False
            now, before = layer.output_shape(), layer.again.first.output_shape()
            if now.channels != before.channels:
                return False
        return True

    def keeps_channels(self, node: Node) -> bool:
        """Whether what is put into a slot gives as many channels as it reads, and in
        their place, wherever it occurs."""
        parts = (*self.layers.get(node, ()), *self.regions.get(node, ()))
        ends = [(_start(part), part.output.shape) for part in parts]
        return all(
            x is not None
            and y is not None
            and (x.channels, x.channel_axis) == (y.channels, y.channel_axis)
            for x, y in ends
        )

    @cached_property
    def given_layers(self) -> Mapping[Node, Sequence[Layer]]:
        """What nodes that are put into slots became, by these."""
        found: dict[Node, list[Layer]] = defaultdict(list)
        for instance in self.instances:
            for part in instance.distinct():
                if isinstance(part, Layer) and part.given is not None:
                    found[part.given].append(part)
        return found

    @cached_property
    def given_regions(self) -> Mapping[Node, Sequence[Region]]:
        """The same of those that are blocks."""
        found: dict[Node, list[Region]] = defaultdict(list)
        for instance in self.instances:
            for part in instance.distinct():
                if isinstance(part, Region) and part.given is not None:
                    found[part.given].append(part)
        return found

    def iteration(self, node: Node) -> Shape | None:
        """The sizes that all iterations of a repeated node read."""
        return agreed(self._iterations.get(node, {}))

    def inputs(self, node: Node) -> list[Sequence[Shape]]:
        """The shapes that each occurrence of a node reads."""
        regions = self.regions.get(node, ())
        values: list[tuple[Value, ...]] = [(r.input, *r.others) for r in regions]
        if not values or isinstance(node, SlotNode):
            values += [layer.inputs for layer in self.layers.get(node, ())]
        if not values:  # repeated no time at all
            values = [(region.input,) for region in self._repeats.get(node, ())]
        return [[v.shape for v in reads if v.shape is not None] for reads in values]

    def read(self, node: Node, number: int) -> Shape | None:
        """What a node reads, in the sizes that all occurrences agree on."""
        found = [reads[number] for reads in self.inputs(node) if number < len(reads)]
        first = _first(node)
        if not found and first is not None:
            return self.read(first, 0)
        return agreed(found)

    def given(self, node: Node, number: int) -> Shape | None:
        """The sizes of one of the values that a block gives by name."""
        regions = self.regions.get(node, ())
        shapes = [region.outputs[number].shape for region in regions]
        return agreed([shape for shape in shapes if shape is not None])

    def comment(self, node: Node, stage: Stage) -> str | None:
        """The output shape for a reader, where all occurrences agree on it."""
        seen = self._outputs.get((node, stage), {})
        return str(next(iter(seen))) if len(seen) == 1 else None

    def child_names(self) -> Iterator[str]:
        """The names of children that any instance has."""
        for instance in self.instances:
            # a head's path is its name, and its layers stand in the network's scope
            inside = instance.path and instance.kind != "head"
            cut = len(instance.path) + 1 if inside else 0
            stack: list[Layer | Region] = [instance]
            while stack:
                part = stack.pop()
                name, dot, _ = part.path[cut:].partition(".")
                if isinstance(part, Layer):
                    # a merge, or a function that `forward` calls, is no child
                    child = dot or not (part.node.name is None or part.op.merges)
                    # and the module of a further use may be elsewhere
                    if child and part.again is None:
                        yield name
                elif part.kind != "block" or part is instance:
                    stack.extend(part.parts)
                elif any(layer.again is None for layer in part.layers()):
                    yield name


def _start(part: Layer | Region) -> Shape | None:
    return (part.inputs[0] if isinstance(part, Layer) else part.input).shape


def axes(part: Layer | Region, variants: Mapping[Region, int]) -> tuple[object, object]:
    """What a part of a network was written as, and what decides on its code: how many
    axes its values have, which of them holds the channels, which class a block has."""
    if isinstance(part, Layer):
        # what is merged has the same axes
        ends = (_axes(part.inputs[0]), _axes(part.output))
        return (part.node, part.op.op), (*ends, *_lengths(part.op))
    ends = (_axes(part.input), _axes(part.output))
    return (part.node, part.kind), (*ends, variants.get(part.original))


def _lengths(op: Op) -> Iterator[int | None]:
    """How long those of its attributes are of which code has to know it; None of what
    is no list."""
    for key in sorted(op.by_length):
        value = getattr(op, key)
        yield len(value) if is_tuple(value) else None


def _axes(value: Value) -> tuple[int, int | None] | None:
    shape = value.shape
    return None if shape is None else (len(shape.dims), shape.channel_axis)


def agreed(seen: Sequence[Shape] | dict[Shape, None]) -> Shape | None:
    """The sizes that all shapes agree on; None where there is no shape."""
    shapes = list(seen)
    if not shapes:
        return None
    rank, axis = len(shapes[0].dims), shapes[0].channel_axis
    dims: list[Dim] = []
    for position in range(rank):
        sizes = {s.dims[position] for s in shapes if len(s.dims) == rank}
        dims.append(sizes.pop() if len(sizes) == 1 else UNKNOWN)
    return Shape(tuple(dims), axis)


def _first(node: Node) -> Node | None:
    """What reads in the place of a node: a group without a name leaves no trace but
    what is in it."""
    first = next(iter(members(node)), None)
    return first if first is not None and first.reads is None else None
