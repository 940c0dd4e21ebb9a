"""Which leaf reads which: the dataflow of a network, laid over its folded picture."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from archc.draw.caption import FIRST, position
from archc.draw.figure import Arc, Box, Leaf, Turn
from archc.draw.fold import Folder
from archc.draw.handed import origins
from archc.network.detours import before, goes_around
from archc.network.graph import Head, Layer, Network, Region, Value

ArcKey = tuple[Leaf, Leaf, int]
Place = tuple[Turn, ...]
"""The repetitions around a place that are drawn as one, and which of them it is in."""


class _Seen(NamedTuple):
    """Where a value comes from, as seen from a place."""

    leaf: Leaf
    depth: int
    """In how many of the repetitions around the place it is a value of its own."""
    shared: frozenset[Box]
    """Those around that place which all read this one."""
    left: Place
    """The repetitions that it has left on its way."""
    carried: bool = False
    """Whether it stands for what an earlier repetition hands on."""


class Wiring:
    """One walk over a network, all repetitions included.

    Repetitions that are drawn as one all start from what the first of them starts from;
    `_entries` says so while the walk is inside one of the others. What one of them
    reads of one before it is drawn as what the first reads there. What they all read of
    what stands before the first, `Arc.shared` tells from what each has from the last.
    """

    def __init__(self, network: Network, folder: Folder) -> None:
        self.folder = folder
        self._origins = origins(folder.left_out)
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
        self._entries: dict[Value, _Seen] = {}
        self._around: Place = ()
        self.made_in: dict[Value, Place] = {}
        """The repetitions drawn as one in which each value is made."""
        leaves = dict.fromkeys(folder.leaf_of.values())
        self._order = {leaf: n for n, leaf in enumerate(leaves)}
        self._first: dict[tuple[Leaf | Box, int], _Seen] = {}
        """What is read by each leaf, by the number of the input, and by repetitions,
        where it is first read."""
        self._region(network.body, FIRST)
        for name, value in network.outputs.items():
            text = f"output {name}" if network.spec.outputs else "output"
            leaf = Leaf(text, None, text=text, input=value.shape)
            leaf.tally.add(FIRST)
            self.outputs.append(leaf)
            arc = self._arc(self._made(value), leaf, FIRST, 0)
            arc.left.update(self.made_in.get(value, ()))
            arc.carried = False
        for head in network.heads:
            self._region(head.region, FIRST)
        self._tell_bypasses()

    def passed_on(self, head: Head) -> Leaf:
        """The output of a head without layers."""
        shape = head.source.shape
        leaf = Leaf(head.name, None, text="output", input=shape, output=shape)
        leaf.tally.add(FIRST)
        self._arc(self._made(head.source), leaf, FIRST, 0).carried = False
        return leaf

    def _made(self, value: Value) -> Leaf:
        """The leaf that makes a value."""
        while value in self._origins:
            value = self._origins[value]
        if value.layer is None:
            return self.inputs[value]
        return self.folder.leaf_of[value.layer]

    def _seen(self, value: Value) -> _Seen | None:
        """A value as seen from where the walk is; None if an earlier repetition made
        it, and does not hand it on."""
        while value in self._origins and value not in self._entries:
            value = self._origins[value]
        seen = self._entries.get(value)
        if seen is None:
            place = self.made_in.get(value, ())
            if place is self._around:  # as most are
                return _Seen(self._made(value), len(place), frozenset(), ())
            pairs = list(zip(place, self._around, strict=False))
            depth = next((n for n, (a, b) in enumerate(pairs) if a != b), len(pairs))
            if depth < len(pairs) and pairs[depth][0].box is pairs[depth][1].box:
                return None
            seen = _Seen(self._made(value), depth, frozenset(), place[depth:])
        later = [turn.box for turn in self._around[seen.depth :] if turn.at]
        shared = seen.shared.union(later) if later else seen.shared
        return _Seen(seen.leaf, len(self._around), shared, seen.left)

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
            around = self._around
            entry = self._entry(group[0])._replace(depth=len(around) + (len(group) > 1))
            for index, iteration in enumerate(group):
                value = iteration.input
                outer = self._entries.get(value)
                self._entries[value] = entry._replace(
                    carried=entry.carried or index > 0
                )
                place = position(index, len(group), where)
                if len(group) > 1:
                    turn = Turn(box_of[iteration], index, len(group))
                    self._around = (*around, turn)
                self._region(iteration, place)
                if outer is None:
                    del self._entries[value]
                else:
                    self._entries[value] = outer
            self._around = around

    def _entry(self, first: Region) -> _Seen:
        """What the first of some repetitions starts from."""
        key, value = (self.folder.box_of[first], 0), first.input
        seen = self._seen(value) or self._first.get(key)
        seen = seen or _Seen(self._made(value), len(self._around), frozenset(), ())
        self._first.setdefault(key, seen)
        return seen

    def _layer(self, layer: Layer, where: int) -> None:
        self.made_in[layer.output] = self._around
        if layer in self.folder.left_out:
            return
        leaf = self.folder.leaf_of[layer]
        same: dict[Leaf, int] = {}
        read = layer.op.computes_with
        for number, value in enumerate(layer.inputs):
            seen = self._seen(value)
            if seen is None or self._order.get(seen.leaf, -1) >= self._order[leaf]:
                if (leaf, number) not in self._first:
                    continue
                seen = self._first[leaf, number]
            self._first.setdefault((leaf, number), seen)
            slot = same.get(seen.leaf, 0)
            same[seen.leaf] = slot + 1
            arc = self._arc(seen.leaf, leaf, where, slot)
            arc.carried &= seen.carried
            arc.varies |= seen.carried
            arc.shared |= seen.shared
            arc.left.update(seen.left)
            arc.places.add((leaf, number))
            arc.size_only = read is not None and number >= read

    def _arc(self, source: Leaf, target: Leaf, where: int, slot: int) -> Arc:
        key = source, target, slot
        arc = self.arcs.get(key)
        if arc is None:
            arc = self.arcs[key] = Arc(source, target)
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
        arcs = [(arc, s, t) for arc, s, t in arcs if not arc.size_only]
        sources = before((s, t) for _, s, t in arcs)
        into: dict[int, list[tuple[Arc, int]]] = {}
        for arc, source, target in arcs:
            into.setdefault(target, []).append((arc, source))
        for arc, source, target in arcs:
            # what is read at the same place is read by other repetitions
            others = (s for x, s in into[target] if x.places != arc.places)
            arc.bypass = goes_around(source, others, sources)
