"""Which leaf reads which: the dataflow of a network, laid over its folded picture."""

from __future__ import annotations

from itertools import groupby

from archc.draw.caption import FIRST, position
from archc.draw.figure import Arc, Leaf
from archc.draw.fold import Folder
from archc.network.detours import before, goes_around
from archc.network.graph import Head, Layer, Network, Region, Value

ArcKey = tuple[Leaf, Leaf, int]


class Wiring:
    """One walk over a network, all repetitions included.

    Repetitions that are drawn as one all start from what the first of them starts from;
    `_entries` says so while the walk is inside one of the others. What one of them
    reads by name, and one before it made further down, is drawn as what the first reads
    there.
    """

    def __init__(self, network: Network, folder: Folder) -> None:
        self.folder = folder
        self.arcs: dict[ArcKey, Arc] = {}
        self.inputs: dict[Value, Leaf] = {}
        for name, value in network.inputs.items():
            # whatever the input is called, the path is the network's
            names = network.inputs_have_names
            path = f"{network.name} {name}" if names else network.name
            text = f"input {name}" if names else "input"
            self.inputs[value] = Leaf(path, None, text=text, output=value.shape)
            self.inputs[value].tally.add(FIRST)
        self.outputs: list[Leaf] = []
        self._entries: dict[Value, Leaf] = {}
        leaves = dict.fromkeys(folder.leaf_of.values())
        self._order = {leaf: n for n, leaf in enumerate(leaves)}
        self._first: dict[tuple[Leaf, int], Leaf] = {}
        """What each leaf reads, by the number of the input, where it first reads it."""
        self._region(network.body, FIRST)
        for name, value in network.outputs.items():
            text = f"output {name}" if network.spec.outputs else "output"
            leaf = Leaf(text, None, text=text, input=value.shape)
            leaf.tally.add(FIRST)
            self.outputs.append(leaf)
            self._arc(self.source(value), leaf, FIRST, 0)
        for head in network.heads:
            self._region(head.region, FIRST)
        self._tell_bypasses()

    def passed_on(self, head: Head) -> Leaf:
        """The output of a head without layers."""
        shape = head.source.shape
        leaf = Leaf(head.name, None, text="output", input=shape, output=shape)
        leaf.tally.add(FIRST)
        self._arc(self.source(head.source), leaf, FIRST, 0)
        return leaf

    def source(self, value: Value) -> Leaf:
        """The leaf that makes a value, as seen from where the walk is."""
        entry = self._entries.get(value)
        if entry is not None:
            return entry
        if value.layer is None:
            return self.inputs[value]
        return self.folder.leaf_of[value.layer]

    def _region(self, region: Region, where: int) -> None:
        if region.kind == "repeat":
            self._repeat(region, where)
            return
        for part in region.parts:
            if isinstance(part, Region):
                self._region(part, where)
            else:
                self._layer(part, where)

    def _repeat(self, repeat: Region, where: int) -> None:
        iterations = [p for p in repeat.parts if isinstance(p, Region)]
        box_of = self.folder.box_of
        for _, run in groupby(iterations, key=lambda r: id(box_of[r])):
            group = list(run)
            entry = self.source(group[0].input)
            for index, iteration in enumerate(group):
                value = iteration.input
                outer = self._entries.get(value)
                self._entries[value] = entry
                place = position(index, len(group), where)
                self._region(iteration, place)
                if outer is None:
                    del self._entries[value]
                else:
                    self._entries[value] = outer

    def _layer(self, layer: Layer, where: int) -> None:
        leaf = self.folder.leaf_of[layer]
        same: dict[Leaf, int] = {}
        read = layer.op.computes_with
        for number, value in enumerate(layer.inputs):
            source = self.source(value)
            if self._order.get(source, -1) >= self._order[leaf]:
                if (leaf, number) not in self._first:
                    continue
                source = self._first[leaf, number]
            self._first.setdefault((leaf, number), source)
            slot = same.get(source, 0)
            same[source] = slot + 1
            arc = self._arc(source, leaf, where, slot)
            arc.size_only = read is not None and number >= read

    def _arc(self, source: Leaf, target: Leaf, where: int, slot: int) -> Arc:
        arc = self.arcs.setdefault((source, target, slot), Arc(source, target))
        arc.tally.add(where)
        return arc

    def _tell_bypasses(self) -> None:
        """Tells what goes around other layers, and meets there what came through them.

        Values may come together that have nothing in common, such as those of two
        towers; only what also comes by another way is a bypass.
        """
        leaves = [*self.inputs.values(), *self.folder.leaf_of.values(), *self.outputs]
        order = {leaf: n for n, leaf in enumerate(dict.fromkeys(leaves))}
        arcs = [
            (arc, order[arc.source], order[arc.target]) for arc in self.arcs.values()
        ]
        sources = before((s, t) for arc, s, t in arcs if not arc.size_only)
        for arc, source, target in arcs:
            if not arc.size_only:
                arc.bypass = goes_around(source, target, sources)
