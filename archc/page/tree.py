"""The frames of a network: what opens and closes, with repetitions that are alike as
one run of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archc.escaping import visible
from archc.network.detours import before, goes_around
from archc.network.graph import Head, Layer, Network, Region, Value
from archc.page.model import Edge, End, Frame, Graph, Part

_OPENED = frozenset({"branches", "branch", "skip", "body", "shortcut"})
"""Parts of a network without a name, which have no frame."""


def graph_of(network: Network) -> Graph:
    """The frames of a network, with its inputs before and its outputs behind them."""
    builder = _Builder(network)
    inputs = builder.ends(network.inputs, "input")
    outputs = builder.ends(network.outputs, "output")
    parts: list[Part] = [
        *range(builder.count, builder.count + len(inputs)),
        *builder.parts(network.body),
        *range(builder.count + len(inputs), builder.count + len(inputs) + len(outputs)),
        *map(builder.head, network.heads),
    ]
    root = Frame("network", "", "", tuple(parts))
    return Graph(root, (*inputs, *outputs), tuple(builder.edges()))


class _Builder:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._number = {x: n for n, x in enumerate(network.all_layers())}
        self.count = len(self._number)
        self._input = {
            value: self.count + n for n, value in enumerate(network.inputs.values())
        }
        self._alike = Alikeness(
            tuple(self._said(layer) for layer in self._number),
            [[self.node(v) for v in layer.inputs] for layer in self._number],
        )

    def node(self, value: Value) -> int:
        """The number of what makes a value."""
        return self._input[value] if value.layer is None else self._number[value.layer]

    def ends(self, values: dict[str, Value], word: str) -> list[End]:
        return [
            End(visible(name if name == word else f"{word} {name}"), shape.sizes)
            for name, value in values.items()
            if (shape := value.shape) is not None
        ]

    def _said(self, layer: Layer) -> Any:
        """What a layer says of itself, whatever its input is."""
        op = layer.op
        return op.op, repr(op.given()), layer.again is not None

    # ---- frames

    def head(self, head: Head) -> Frame:
        parts, block = tuple(self.parts(head.region)), ""
        if len(parts) == 1 and isinstance(only := parts[0], Frame):
            parts, block = only.parts, only.block
        return Frame("head", visible(head.name), block, parts)

    def parts(self, region: Region) -> Iterator[Part]:
        """What stands in a region, with those parts opened up that have no name."""
        for part in region.parts:
            if isinstance(part, Layer):
                yield self._number[part]
            elif part.kind == "repeat":
                yield from self._repeat(part)
            elif part.kind in _OPENED:
                yield from self.parts(part)
            else:
                yield from self._framed(part)

    def _framed(self, region: Region) -> Iterator[Part]:
        inside = tuple(self.parts(region))
        if region.kind == "share" and len(inside) < 2:
            yield from inside
            return
        block = "" if region.block is None else visible(region.block.name)
        kind = "block" if region.kind == "block" else "group"
        if inside:  # what is empty is not drawn
            yield Frame(kind, visible(region.path), block, inside)

    def _repeat(self, repeat: Region) -> Iterator[Part]:
        found: list[Part] = []
        for iteration in repeat.parts:
            if isinstance(iteration, Region):
                inside = tuple(self.parts(iteration))
                if len(inside) == 1 and isinstance(inside[0], Frame):
                    found.append(inside[0])
                elif inside:
                    found.append(Frame("iteration", "", "", inside))
        path = visible(repeat.path)
        runs = list(self._alike.runs(found))
        if len(runs) == 1 and isinstance(run := runs[0], Frame) and run.kind == "run":
            yield replace(run, path=path or run.path)
            return
        # one that is alone needs no frame to say where it ends
        parts = [
            inner
            for part in runs
            for inner in (
                part.parts
                if isinstance(part, Frame) and part.kind == "iteration"
                else (part,)
            )
        ]
        if path and len(parts) > 1:
            yield Frame("repeat", path, "", tuple(parts))
        else:
            yield from parts

    # ---- edges

    def edges(self) -> Iterator[Edge]:
        """All values and who reads them.

        As in pictures, one is a skip if it also comes by way of other layers, however
        the spec says so: by `skip`, by `branches`, or by a name in `from`.
        """
        sources = before(self._ways())
        for layer, number in self._number.items():
            read = layer.op.computes_with
            for place, value in enumerate(layer.inputs):
                counts = read is None or place < read
                skips = counts and goes_around(
                    self._at(value), sources[number], sources
                )
                yield Edge(self.node(value), number, "skip" if skips else "")
        first = self.count + len(self._input)
        for number, value in enumerate(self._network.outputs.values()):
            yield Edge(self.node(value), first + number, "")

    def _ways(self) -> Iterator[tuple[int, int]]:
        """What layers compute with, by numbers that rise along every way."""
        for layer, number in self._number.items():
            for value in layer.inputs[: layer.op.computes_with]:
                yield self._at(value), number

    def _at(self, value: Value) -> int:
        """The number of what makes a value; inputs have one before all layers."""
        if value.layer is None:
            return self._input[value] - self.count - len(self._input)
        return self._number[value.layer]


@dataclass(frozen=True, slots=True, eq=False)
class Alikeness:
    """Which neighbours do the same, each on what the one before gives."""

    said: Sequence[Any]
    """What each node says of itself."""
    reads: Sequence[Sequence[int]]
    """The nodes that each reads."""

    def runs(self, parts: Sequence[Part]) -> Iterator[Part]:
        """The parts, with neighbours that are alike put into one frame."""
        row: list[Part] = []
        kind: Any = None
        for part in parts:
            own = self._kind(part)
            if row and own != kind:
                yield _run(row)
                row = []
            row.append(part)
            kind = own
        if row:
            yield _run(row)

    def _kind(self, part: Part) -> Any:
        nodes = list(nodes_of(part))
        place = {node: n for n, node in enumerate(nodes)}
        outside: dict[int, int] = {}
        rows: list[Any] = []
        for node in nodes:
            reads = tuple(
                place[r] if r in place else -1 - outside.setdefault(r, len(outside))
                for r in self.reads[node]
            )
            rows.append((self.said[node], reads))
        return _frames(part), tuple(rows)


def _run(row: list[Part]) -> Part:
    if len(row) == 1:
        return row[0]
    frames = [part for part in row if isinstance(part, Frame)]
    block = frames[0].block if frames else ""
    path = frames[0].path if frames else ""
    return Frame("run", path, block, tuple(row))


def _frames(part: Part) -> Any:
    """The frames of a part, without their names."""
    if not isinstance(part, Frame):
        return None
    return part.kind, part.block, tuple(map(_frames, part.parts))


def nodes_of(part: Part) -> Iterator[int]:
    """The nodes in a part, in their order."""
    stack: list[Part] = [part]
    while stack:
        top = stack.pop()
        if isinstance(top, Frame):
            stack.extend(reversed(top.parts))
        else:
            yield top
