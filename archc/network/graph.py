"""A typed network: every value with its shape, every layer with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from archc.diagnostics.model import Place
from archc.ops.base import Op
from archc.ops.sizes import Dims, Shape
from archc.spec.model import Block, BlockNode, Node, OpNode, ShareNode, Spec


@dataclass(slots=True, eq=False)
class Value:
    """What one layer hands to others; the network's input is one that no layer made."""

    shape: Shape | None
    """None where a mistake was reported, which silences what follows from it."""
    layer: Layer | None = None


@dataclass(slots=True, eq=False)
class Layer:
    """One operation at one place of the network."""

    path: str
    """As in the `state_dict`; an op without a module has the path it would have."""
    op: Op
    inputs: tuple[Value, ...]
    output: Value
    node: Node
    """What it was written as; for a merge, the node with `skip` or `branches`."""
    block: Block | None
    """The block in which the node stands; None for the network's own body."""
    given: OpNode | None = None
    """What was put there, where the node is a slot."""
    again: Again | None = None
    """Where it applies the module of an earlier layer: which, and what says so. It has
    that one's path."""

    def input_shape(self) -> Shape:
        shape = self.inputs[0].shape
        assert shape is not None
        return shape

    def output_shape(self) -> Shape:
        shape = self.output.shape
        assert shape is not None
        return shape

    def parameters(self) -> Mapping[str, Dims]:
        """The shapes of the parameters that it brings; none where it uses those of an
        earlier layer."""
        return {} if self.again else self.op.parameters(self.input_shape())

    def buffers(self) -> Mapping[str, Dims]:
        """The same of its buffers."""
        return {} if self.again else self.op.buffers(self.input_shape())

    def trained(self) -> Layer:
        """The layer whose parameters it uses: itself, or an earlier one."""
        return self.again.first if self.again else self


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """The use of a module that an earlier layer has made."""

    first: Layer
    node: ShareNode


RegionKind = Literal[
    "network",
    "block",
    "group",
    "repeat",
    "iteration",
    "branches",
    "branch",
    "skip",
    "body",
    "shortcut",
    "share",
    "head",
]


@dataclass(slots=True, eq=False)
class Region:
    """A part of the network as the spec groups it.

    A `repeat` holds one `iteration` per repetition; `branches` hold one `branch` each
    and then the merging layer; a `skip` holds its `body`, its `shortcut` if it has one,
    and then the merging layer. A `share` holds the layer, or the region, that it
    applies once more, with the values and shapes of this use.
    """

    kind: RegionKind
    path: str
    node: Node | None
    input: Value
    output: Value
    parts: list[Layer | Region] = field(default_factory=list["Layer | Region"])
    block: Block | None = None
    """For kind `block`: the block of which this is an instance."""
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    """For kind `block`: the values of its parameters."""
    given: BlockNode | None = None
    """For kind `block`: what was put there, where the node is a slot."""
    others: tuple[Value, ...] = ()
    """For kind `block`: what it reads beside `input`."""
    outputs: tuple[Value, ...] = ()
    """For kind `block`: what it gives by name, `output` first; none without names."""
    merge: str | None = None
    """For `branches` and `skip`: how the parts come together."""
    copy_of: Region | None = None
    """For kind `block`: the equal instance, if there is one before it. What is inside
    differs in nothing but paths and values."""

    @property
    def original(self) -> Region:
        """The first of the instances that equal it."""
        return self.copy_of or self

    def regions(self) -> Iterator[Region]:
        """Itself and the regions inside."""
        stack: list[Region] = [self]
        while stack:
            region = stack.pop()
            yield region
            stack.extend([p for p in reversed(region.parts) if isinstance(p, Region)])

    def distinct(self) -> Iterator[Layer | Region]:
        """Itself and all that is inside, in order, but for what is inside copies."""
        stack: list[Layer | Region] = [self]
        while stack:
            part = stack.pop()
            yield part
            if isinstance(part, Region) and part.copy_of is None:
                stack.extend(reversed(part.parts))

    def layers(self) -> Iterator[Layer]:
        """Its layers in execution order."""
        stack: list[Layer | Region] = [self]
        while stack:
            part = stack.pop()
            if isinstance(part, Layer):
                yield part
            else:
                stack.extend(reversed(part.parts))


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """An auxiliary classifier."""

    name: str
    loss_weight: float
    source: Value
    region: Region


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A `shape` that the spec states and the shape that was inferred."""

    stated: tuple[int, ...]
    inferred: Shape
    place: Place
    value: Value
    """What it is about."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The whole network, frozen; everything else is a reading of it."""

    spec: Spec
    params: dict[str, Any]
    lets: dict[str, Any]
    """What `let` computes."""
    inputs: dict[str, Value]
    """What `forward` is given, by the names that the spec gives; one that it does not
    name is called `input`."""
    body: Region
    outputs: dict[str, Value]
    """What `forward` returns, by the names that the spec gives; one that it does not
    name is called `output`."""
    heads: tuple[Head, ...]
    claims: tuple[Claim, ...]
    reads: frozenset[Value]
    """Values that a `from` names."""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def input(self) -> Value:
        """The first input, which the first node reads."""
        return self.body.input

    @property
    def inputs_have_names(self) -> bool:
        return any(given.name is not None for given in self.spec.inputs)

    def results(self) -> tuple[Value, ...]:
        """What `forward` returns in training: the outputs, then those of the heads."""
        heads = (head.region.output for head in self.heads)
        return (*self.outputs.values(), *heads)

    def layers(self) -> Iterator[Layer]:
        """The layers without the heads, in execution order."""
        return self.body.layers()

    def all_layers(self) -> Iterator[Layer]:
        """The same, and then those of the heads, as a training step runs them."""
        yield from self.layers()
        for head in self.heads:
            yield from head.region.layers()

    def distinct(self) -> Iterator[Layer | Region]:
        """All parts, those of the heads last, but for what is inside copies."""
        for root in (self.body, *(head.region for head in self.heads)):
            yield from root.distinct()

    def distinct_layers(self) -> Iterator[Layer]:
        """The layers among them."""
        return (part for part in self.distinct() if isinstance(part, Layer))
