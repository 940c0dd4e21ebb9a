"""Skips, branches and joins: which box each of them lies in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from archc.draw.chart import Cell, Loop
from archc.network.graph import Layer, Network, Region, Value


class Way(NamedTuple):
    """What comes together in one layer, and the layers that lie on the way there."""

    loop: Loop
    merge: Layer
    inside: tuple[Layer, ...]


def ways(network: Network) -> Iterator[Way]:
    """Every skip, all branches and every join of a network, its heads included."""
    regions = (network.body, *(head.region for head in network.heads))
    for outermost in regions:
        structural: set[Layer] = set()
        for region in outermost.regions():
            found = _structured(region)
            if found is not None:
                structural.add(found.merge)
                yield found
        for layer in outermost.layers():
            read = layer.inputs[: layer.op.computes_with]
            if layer not in structural and layer.op.merges and len(read) > 1:
                sources = tuple(v.layer for v in read if v.layer is not None)
                loop = Loop("join", layer.op.op, len(read))
                yield Way(loop, layer, sources)


def _structured(region: Region) -> Way | None:
    last = region.parts[-1] if region.parts else None
    if region.kind not in ("skip", "branches") or not isinstance(last, Layer):
        return None
    kind = "skip" if region.kind == "skip" else "branches"
    paths = 2 if kind == "skip" else len(last.inputs)
    loop = Loop(kind, region.merge or last.op.op, paths)
    return Way(loop, last, tuple(region.layers()))


def fold_in(
    network: Network,
    cell_of: Mapping[Layer, Cell],
    around: Container[Layer] = (),
    origins: Mapping[Value, Value] = MappingProxyType({}),
    unit_of: Mapping[Layer, object] = MappingProxyType({}),
) -> None:
    """Counts in every box what lies in it, and says of one that stands for several
    layers by what it joins what it reads.

    `around` are the merges that read something which also comes to them through other
    layers; `origins` what some values were before they were handed on; `unit_of` says
    which of the parts that its box stands for a layer is in.
    """
    found: dict[Cell, dict[Loop, Counter[object]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    cells = _Cells(network, cell_of, origins)
    for way in ways(network):
        home = cell_of[way.merge]
        inside = all([cell_of[layer] is home for layer in way.inside])
        sources: set[Cell | None] = set()
        if way.loop.kind == "join":
            sources = {cells.of(value) for value in way.merge.inputs}
            # a value that others in the box read too comes in with theirs: its line
            # does not say that it is joined
            inside = home in sources and all(
                source is home or cells.readers[source, home] > 1 for source in sources
            )
        if inside:
            skip = way.loop.kind == "skip"
            loop = way.loop._replace(around=not skip and way.merge in around)
            home.loops[loop] += 1
            found[home][loop][unit_of.get(way.merge)] += 1
        elif way.loop.kind == "join" and home not in sources and len(sources) > 1:
            said = f"before: {way.merge.op.op}"
            if home.category is None and home.inner is None:
                home.details += [said] if said not in home.details else []

    for cell, loops in found.items():
        units = {unit_of.get(layer) for layer in cell.layers}
        for loop, per_unit in loops.items():
            times = {per_unit[unit] for unit in units}
            if len(times) == 1:
                cell.even[loop] = times.pop()


class _Cells:
    """The boxes that values come from."""

    def __init__(
        self,
        network: Network,
        cell_of: Mapping[Layer, Cell],
        origins: Mapping[Value, Value],
    ) -> None:
        self._network, self._cell_of, self._origins = network, cell_of, origins

    @cached_property
    def readers(self) -> Counter[tuple[Cell | None, Cell]]:
        """How many layers of a box read something from another, or from an input."""
        return Counter(
            pair
            for layer in self._network.all_layers()
            for pair in {(self.of(v), self._cell_of[layer]) for v in layer.inputs}
        )

    def of(self, value: Value) -> Cell | None:
        """The box of the layer that gives a value; None for an input's."""
        while value in self._origins:
            value = self._origins[value]
        return None if value.layer is None else self._cell_of[value.layer]
