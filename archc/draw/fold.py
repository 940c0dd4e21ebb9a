"""Repetitions folded into one: what each op of the spec looks like in all of them.

Regions that come from one node of the spec are laid over each other, part by part. So
the picture has the size of the spec's structure, however often it is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Literal

from archc.draw.caption import Fields, Tally, fields, position
from archc.draw.figure import SHORTCUT, Beside, Box, Item, Leaf
from archc.draw.runs import span
from archc.measure.cost import Facts
from archc.network.graph import Layer, Region
from archc.ops.base import Op
from archc.ops.sizes import Shape, to_int
from archc.ops.to import To

Kind = Literal["op", "skip", "branches", "block", "group", "repeat", "share"]
Key = tuple[int, Kind]
Part = Layer | Region
Variants = list[tuple[Region, int]]
"""Regions of one node, each with its position among its repetitions."""

# A longer loop is never a list of stages.
MAX_STAGED = 64


class Folder:
    """One fold of a network; loops of up to `stages` distinct stages are unrolled, and
    what only hands values on is left out, where all repetitions of it do."""

    def __init__(
        self, facts: Facts, stages: int, handed: Mapping[Layer, Layer]
    ) -> None:
        self.facts = facts
        self.stages = stages
        self.left_out: dict[Layer, Layer] = {}
        """Such layers, each with the one in whose place it is drawn."""
        self._handed = handed
        self.leaf_of: dict[Layer, Leaf] = {}
        self.box_of: dict[Region, Box] = {}
        """The box in which an iteration is drawn."""
        self._fields: dict[tuple[int, Shape], Fields] = {}

    def items(self, variants: Variants, beside: Beside = ()) -> list[Item]:
        """The inside of regions of one node, laid over each other."""
        rows = [tuple(_opened(region, beside)) for region, _ in variants]
        found: dict[Key, list[tuple[Part, int]]] = {}
        on_side: dict[Key, Beside] = {}
        for row, (_, where) in zip(rows, variants, strict=True):
            for key, part, side in row:
                found.setdefault(key, []).append((part, where))
                on_side[key] = side
        orders = dict.fromkeys(tuple(key for key, _, _ in row) for row in rows)
        items: list[Item] = []
        for key in _merged(list(orders)):
            items.extend(self._item(key[1], found[key], on_side[key]))
        return items

    def _item(
        self, kind: Kind, parts: list[tuple[Part, int]], beside: Beside
    ) -> list[Item]:
        layers = [(p, where) for p, where in parts if isinstance(p, Layer)]
        if layers:
            if all(layer in self._handed for layer, _ in layers):
                self.left_out |= {x: self._handed[x] for x, _ in layers}
                return []
            return [self._leaf(layers, beside)]
        regions = [(p, where) for p, where in parts if isinstance(p, Region)]
        if kind == "repeat":
            return self._repeat(regions, beside)
        if kind == "share":
            return [self._again(regions, beside)]
        box = self._box("block" if kind == "block" else "group", regions, beside)
        return [box] if box.children else []

    def _box(
        self, kind: Literal["block", "group"], regions: Variants, beside: Beside
    ) -> Box:
        first, last = regions[0][0], regions[-1][0]
        box = Box(kind, first.path)
        box.name = name_range(first.path, last.path)
        box.block = first.block.name if first.block is not None else ""
        box.remark = _place(first)
        for _, where in regions:
            box.tally.add(where)
        box.inner = box.tally
        box.children = self.items(regions, beside)
        return box

    def _again(self, shares: Variants, beside: Beside) -> Item:
        """A further use of a module: as the first one, marked as that."""
        made = [(share.parts[0], where) for share, where in shares]
        layers = [(part, where) for part, where in made if isinstance(part, Layer)]
        if layers:
            leaf = self._leaf(layers, beside)
            if any(x.op.parameters(x.input_shape()) for x, _ in layers):
                leaf.again = name_range(layers[0][0].path, layers[-1][0].path)
            return leaf
        regions = [(part, where) for part, where in made if isinstance(part, Region)]
        framed = all(part.kind in ("block", "group") for part, _ in regions)
        box = self._box("block", regions if framed else shares, beside)
        box.again = name_range(regions[0][0].path, regions[-1][0].path)
        named = shares[0][0].node is not None and shares[0][0].node.name is not None
        own = name_range(shares[0][0].path, shares[-1][0].path)
        box.name = own if named else box.again
        for layer in (layer for part, _ in regions for layer in part.layers()):
            if layer.op.parameters(layer.input_shape()):
                self.leaf_of[layer].learned = True
        return box

    def _leaf(self, layers: list[tuple[Layer, int]], beside: Beside) -> Leaf:
        first, last = layers[0][0], layers[-1][0]
        leaf = Leaf(first.path, first.op.category, beside=beside)
        leaf.ahead, leaf.always = first.op.drawn_ahead, first.op.drawn_always
        leaf.crossing = isinstance(first.op, To)
        leaf.input, leaf.output = first.input_shape(), last.output_shape()
        leaf.given = first.output_shape()
        leaf.note, leaf.operands = _place(first), _operands(first)
        before: tuple[Op, Shape] | None = None
        tally = Tally()
        for layer, where in layers:
            self.leaf_of[layer] = leaf
            leaf.tally.add(where)
            leaf.params += self.facts.layers[layer].params
            op, x = layer.op, layer.input_shape()
            # the instances of a block have the same ones
            if before is None or before[0] is not op or before[1] is not x:
                before = op, x
                tally = self._said(leaf, op, x)
            tally.add(where)
        return leaf

    def _said(self, leaf: Leaf, op: Op, x: Shape) -> Tally:
        """How often a leaf stands for layers of which is said what is said of one with
        this op on such an input, which stands behind those that were asked before."""
        key = (id(op), x)
        said = self._fields.get(key)
        if said is None:
            said = self._fields[key] = fields(op, x)
        if leaf.turns[-1:] != [said]:
            leaf.turns.append(said)
        return leaf.captions.setdefault(said, Tally())

    # ---- repetitions

    def _repeat(self, repeats: Variants, beside: Beside) -> list[Item]:
        whole = [(list(_iterations(repeat)), where) for repeat, where in repeats]
        drawn = [whole]
        if len(repeats) == 1 and len(whole[0][0]) <= MAX_STAGED:
            stages = _stages(whole[0][0])
            if len(stages) <= self.stages:
                drawn = [[(stage, whole[0][1])] for stage in stages]
        boxes: list[Item] = []
        for runs in drawn:
            counts = [len(run) for run, _ in runs]
            if not any(counts):
                continue
            box = Box("repeat", repeats[0][0].path)
            box.name = name_range(repeats[0][0].path, repeats[-1][0].path)
            for _, where in repeats:
                box.tally.add(where)
            box.count = span(*map(str, counts))
            box.remark = _growth(runs[0][0]) if len(runs) == 1 else ""
            variants = [
                (r, position(i, len(run), where))
                for run, where in runs
                for i, r in enumerate(run)
            ]
            for region, where in variants:
                self.box_of[region] = box
                box.inner.add(where)
            box.children = self.items(variants, beside)
            if box.children:
                boxes.append(box)
        return boxes


def _place(part: Part) -> str:
    """Which device it says that it lives on."""
    return "" if part.node is None or not part.node.place else f"on {part.node.place}"


def _operands(layer: Layer) -> str:
    """Which value is taken from which, or divided by which, where both have names."""
    sign = {"sub": "−", "div": "/"}.get(layer.op.op)
    reads = layer.node.reads
    if sign is None or reads is None or len(reads) != 2:
        return ""
    return f" {sign} ".join(read.text for read in reads)


def _opened(region: Region, beside: Beside) -> Iterator[tuple[Key, Part, Beside]]:
    """The parts of a region, with those regions opened up that have no frame."""
    parallel = region.kind == "branches" and len(region.parts) > 2
    for number, part in enumerate(region.parts):
        if isinstance(part, Layer):
            merging = region.kind in ("skip", "branches")
            kind: Kind = "op"
            if merging:
                kind = "skip" if region.kind == "skip" else "branches"
            yield (id(part.node), kind), part, beside
        elif part.kind in ("block", "group", "repeat", "share"):
            yield (id(part.node), _framed(part)), part, beside
        else:
            own: Beside = ((id(region.node), number),) if parallel else ()
            if part.kind == "shortcut":
                own = ((id(part.node), SHORTCUT),)
            yield from _opened(part, (*beside, *own))


def _framed(region: Region) -> Kind:
    if region.kind in ("block", "share"):
        return region.kind
    return "group" if region.kind == "group" else "repeat"


def _merged(orders: list[tuple[Key, ...]]) -> list[Key]:
    """One order of all keys; each given one leaves some of the keys out."""
    merged = list(orders[0]) if orders else []
    for order in orders[1:]:
        known, at = set(merged), 0
        for key in order:
            if key in known:
                at = merged.index(key) + 1
            else:
                merged.insert(at, key)
                at += 1
    return merged


def _iterations(repeat: Region) -> Iterator[Region]:
    return (part for part in repeat.parts if isinstance(part, Region))


# ---- stages


def _stages(iterations: list[Region]) -> list[list[Region]]:
    """Runs of iterations that are of one kind.

    A stage ends where a width or an inner repetition changes, where the next iteration
    changes the resolution once more, or where all of it is at another resolution.
    """
    stages: list[list[Region]] = []
    current: dict[tuple[int, ...], int] = {}
    before: dict[tuple[int, ...], tuple[int, ...]] = {}
    last: Region | None = None
    for iteration in iterations:
        alike = last is not None and _are_alike(last, iteration)
        if alike and not _resizes(iteration):
            stages[-1].append(iteration)
            continue
        last = iteration
        sizes, maps = dict(_sizes(iteration, ())), dict(_maps(iteration, ()))
        fits = all(current.get(key, size) == size for key, size in sizes.items())
        shared = before.keys() & maps.keys()
        stays = not shared or any(before[key] == maps[key] for key in shared)
        if stages and fits and stays and not _resizes(iteration):
            stages[-1].append(iteration)
            current.update(sizes)
            before.update(maps)
        else:
            stages.append([iteration])
            current, before = sizes, maps
    return stages


def _are_alike(a: Region, b: Region) -> bool:
    """Whether two iterations hold equal instances of one block, and no more."""
    if a.node is not b.node or len(a.parts) != 1 or len(b.parts) != 1:
        return False
    (x,), (y,) = a.parts, b.parts
    return (
        isinstance(x, Region)
        and isinstance(y, Region)
        and x.node is y.node
        and x.original is y.original
    )


def _maps(
    region: Region, path: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The sizes of the maps that an iteration's convolutions give, by their places."""
    last: Region | None = None
    for part in region.parts:
        if not isinstance(part, Layer):
            if last is None or not _are_alike(last, part):
                yield from _maps(part, (*path, id(part.node)))
            last = part
        elif part.op.category == "convolution":
            yield (*path, id(part.node)), _spatial(part.output_shape())


def _sizes(
    region: Region, path: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], int]]:
    """The widths and counts that make an iteration what it is, by where they stand."""
    for part in region.parts:
        at = (*path, id(part.node))
        if isinstance(part, Layer):
            if part.op.category in ("convolution", "linear"):
                yield at, to_int(part.output_shape().channels)
            continue
        if part.kind == "repeat":
            yield (*at, 0), len(part.parts)
            if part.parts and isinstance(part.parts[0], Region):
                yield from _sizes(part.parts[0], at)
        else:
            inside = part.kind in ("block", "group", "share")
            yield from _sizes(part, at if inside else path)


def _resizes(region: Region) -> bool:
    x, y = region.input.shape, region.output.shape
    return x is not None and y is not None and _spatial(x) != _spatial(y)


def _spatial(shape: Shape) -> tuple[int, ...]:
    axis = shape.channel_axis
    return tuple(size for n, size in enumerate(shape.sizes) if n != axis)


def _growth(iterations: list[Region]) -> str:
    """How the channels grow from one repetition to the next, if they do."""
    shapes = [r.output.shape for r in iterations]
    channels = [to_int(s.channels) for s in shapes if s is not None]
    before = iterations[0].input.shape
    if before is None or len(set(channels)) < 2:
        return ""
    channels.insert(0, to_int(before.channels))
    steps = {b - a for a, b in pairwise(channels)}
    each = f", {min(steps):+d} in each" if len(steps) == 1 else ""
    return f"{channels[0]} → {channels[-1]} channels{each}"


def name_range(first: str, last: str) -> str:
    """The last parts of two paths as one: `conv1`, or `denselayer1…6`."""
    a, b = first.rpartition(".")[2], last.rpartition(".")[2]
    if a == b:
        return a
    stem = a.rstrip("0123456789")
    return f"{a}…{b.removeprefix(stem)}" if b.startswith(stem) else f"{a}…{b}"
