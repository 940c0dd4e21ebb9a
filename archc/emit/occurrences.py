"""What became of each written node in the network: the concrete side of generated code.

Channels in generated code are expressions, found by running the shape rules on symbols.
Everything else about a shape is looked up here: a number where all instances of a node
agree on it, unknown where they differ.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from archc.network.graph import Layer, Network, Region
from archc.ops.base import UNKNOWN, Dim, Shape
from archc.spec.model import Node, OpNode

Stage = Literal["body", "once", "all"]
"""A node's output before its skip, after its skip, and after all of its repetitions."""


class Occurrences:
    def __init__(self, network: Network) -> None:
        self._outputs: dict[tuple[Node, Stage], set[Shape]] = defaultdict(set)
        self.layers: dict[Node, list[Layer]] = defaultdict(list)
        self.regions: dict[Node, list[Region]] = defaultdict(list)
        """The block instances and named groups that a node became."""
        self.never: set[Node] = set()
        """Repeated nodes that some occurrence repeats no time at all."""
        for root in (network.body, *(h.region for h in network.heads)):
            self._collect(root)

    def _collect(self, root: Region) -> None:
        stack: list[Layer | Region] = [root]
        while stack:
            part = stack.pop()
            if part.node is not None and part.output.shape is not None:
                stage = self._stage(part)
                if stage is not None:
                    self._outputs[part.node, stage].add(part.output.shape)
            if isinstance(part, Layer):
                if isinstance(part.node, OpNode) and part.op.op == part.node.op.op:
                    self.layers[part.node].append(part)
                continue
            if part.kind in ("block", "group", "branches") and part.node is not None:
                self.regions[part.node].append(part)
            if part.kind == "repeat" and part.node is not None and not part.parts:
                self.never.add(part.node)
            stack.extend(part.parts)

    def _stage(self, part: Layer | Region) -> Stage | None:
        if isinstance(part, Layer):
            return "body" if isinstance(part.node, OpNode) else None
        if part.kind in ("block", "group", "branches"):
            return "body"
        if part.kind in ("skip", "repeat"):
            return "once" if part.kind == "skip" else "all"
        return None

    def settle(self, shape: Shape | None, node: Node, stage: Stage) -> Shape:
        """`shape` with the sizes that all occurrences agree on.

        Only the channels of `shape` are kept, if it has them; without a shape they are
        looked up as well.
        """
        seen = self._outputs.get((node, stage), set())
        if not seen:
            if shape is None:
                return Shape((UNKNOWN,))
            channels = shape.channels
            return Shape(
                (UNKNOWN,) * len(shape.dims), shape.channel_axis
            ).with_channels(channels)
        settled = _agreed(seen)
        assert settled is not None
        if (
            shape is None
            or shape.channels is UNKNOWN
            or len(shape.dims) != len(settled.dims)
        ):
            return settled
        return settled.with_channels(shape.channels)

    def read(self, node: Node, number: int) -> Shape | None:
        """What a node reads, in the sizes that all occurrences agree on."""
        if isinstance(node, OpNode):
            values = [
                x.inputs[number] for x in self.layers[node] if number < len(x.inputs)
            ]
        else:
            values = [region.input for region in self.regions[node]]
        return _agreed({v.shape for v in values if v.shape is not None})

    def comment(self, node: Node, stage: Stage) -> str | None:
        """The output shape for a reader, where all occurrences agree on it."""
        seen = self._outputs.get((node, stage), set())
        return str(next(iter(seen))) if len(seen) == 1 else None


def _agreed(seen: set[Shape]) -> Shape | None:
    """The sizes that all shapes agree on; None where there is no shape."""
    if not seen:
        return None
    example = next(iter(seen))
    rank, axis = len(example.dims), example.channel_axis
    dims: list[Dim] = []
    for position in range(rank):
        sizes = {s.dims[position] for s in seen if len(s.dims) == rank}
        dims.append(sizes.pop() if len(sizes) == 1 else UNKNOWN)
    return Shape(tuple(dims), axis)
