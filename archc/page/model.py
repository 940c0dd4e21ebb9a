"""What the page shows, as plain data: it becomes the JSON that the page's script reads.

Layers are numbered as a training step runs them, those of heads last.
All text has been made visible (`archc.escaping`): what is hidden in it is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from archc.ops.base import Category

Dims = tuple[int, ...]
FrameKind = Literal["network", "block", "group", "repeat", "run", "iteration", "head"]
Mark = Literal["same", "changed", "removed", "inserted", "moved"]
EdgeKind = Literal["", "skip", "removed", "inserted"]


class Lines(NamedTuple):
    """Lines of a file, from 1; `file` counts the files of the network from 0."""

    file: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; `macs` and `memory` are for one sample."""

    path: str
    op: str
    category: Category
    setting: str
    """Its op's main attributes, short: `3x3 /2, 64`."""
    input: tuple[Dims, ...]
    output: Dims
    params: int
    macs: int
    memory: int
    """Bytes that it makes and autograd keeps for the backward pass."""
    field: int | Dims | None
    """The receptive field; None behind a global operation."""
    again: bool
    """Whether it is a further use of an earlier layer's module."""
    spec: tuple[Lines, ...]
    """Where it is written."""
    spec_around: tuple[Lines, ...]
    """Where the nodes around it begin, the innermost first."""
    code: tuple[Lines, ...]
    """Where it is called and built."""
    code_around: tuple[Lines, ...]
    """The statements that call or build what it is in."""


@dataclass(frozen=True, slots=True)
class End:
    """An input or an output of the network."""

    name: str
    shape: Dims


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of the network that opens and closes.

    A `run` holds repetitions that are alike, one frame each.
    """

    kind: FrameKind
    path: str
    block: str
    parts: tuple[Part, ...]


Part = int | Frame
"""A node's number or a frame. Numbers from the count of the nodes on are ends."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A value on its way from one node to another."""

    source: int
    target: int
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Graph:
    """What the picture shows."""

    root: Frame
    ends: tuple[End, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file's lines, as they are shown."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a spec states, and what was inferred."""

    what: str
    claimed: str
    inferred: str
    holds: bool
    place: Lines


@dataclass(frozen=True, slots=True)
class Step:
    """The memory of a training step at one batch, in bytes."""

    batch: int
    peak: int
    saved: int
    """What autograd keeps of the forward pass."""
    lasting: int
    """Parameters, buffers, the optimizer's state and the input."""
    gradients: int
    """All gradients, as they are at the end of the step."""


@dataclass(frozen=True, slots=True)
class Training:
    """The memory of training steps in single precision on a GPU."""

    optimizer: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """One network."""

    name: str
    title: str
    label: str
    """What it was asked for as."""
    source: str
    """The paper."""
    params: int
    params_with_heads: int
    buffers: int
    macs: int
    field: int | Dims | None
    layers: tuple[Layer, ...]
    graph: Graph
    files: tuple[File, ...]
    code: File | None
    """The generated module; None where there is none yet."""
    claims: tuple[Claim, ...]
    training: tuple[Training, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A layer of one of two networks, or of both."""

    mark: Mark
    a: int | None
    b: int | None
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """A number of both networks."""

    name: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two networks as one picture; `a` and `b` count the networks of the page."""

    a: int
    b: int
    equal: bool
    totals: tuple[Total, ...]
    rows: tuple[Row, ...]
    graph: Graph
    """Its nodes are the rows."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnostic of a spec that has errors; `text` is what `archc check` prints."""

    severity: str
    message: str
    place: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """All that a page shows."""

    title: str
    version: str
    networks: tuple[Network, ...]
    comparisons: tuple[Comparison, ...]
    live: bool = False
    """Whether a server pushes changes to it."""
