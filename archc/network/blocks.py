"""Instances of blocks: their arguments, and equal ones made once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from contextlib import suppress
from typing import Any

from archc.diagnostics.model import Place
from archc.network.arguments import Arguments
from archc.network.frame import Binding, Frame
from archc.network.graph import Region, Value
from archc.network.instances import Copier, Failure, Instance, exact
from archc.network.slots import key_of
from archc.network.walk import Mark, Walk
from archc.source.document import KeyPlace
from archc.spec.expressions import SILENCED, Known, Silenced
from archc.spec.model import Arg, Block, BlockNode, Origin


class Blocks:
    """The instances of blocks that a walk has met."""

    def __init__(self, walk: Walk, arguments: Arguments) -> None:
        self.walk = walk
        self.arguments = arguments
        self._instances: dict[Any, Instance | Failure] = {}

    def given(
        self, node: BlockNode, block: Block | None, frame: Frame
    ) -> tuple[dict[str, Known], dict[str, Binding]]:
        """The arguments of a use, and where each was written."""
        names: dict[str, Known] = {}
        bindings: dict[str, Binding] = {}
        for key, arg in node.arguments.items():
            origin = node.origin.below(key)
            try:
                names[key] = self.arguments.value(arg, frame.names, origin)
            except Silenced:
                names[key] = SILENCED
            bindings[key] = Binding(frame, origin, arg)
        for key in () if block is None else (*block.parameters, *block.lets):
            names.setdefault(key, SILENCED)
        return names, bindings

    def defaults(self, node: BlockNode, block: Block, frame: Frame) -> None:
        """Defaults may be expressions over the arguments and over earlier defaults."""
        for key, arg in block.defaults.items():
            if key in node.arguments:
                continue
            self._computed(key, arg, block.origin.below("defaults", key), frame)
        self.lets(block.lets, block.origin.below("let"), frame)

    def lets(self, lets: Mapping[str, Arg], origin: Origin, frame: Frame) -> None:
        """What a body computes once, each over those before it."""
        for key, arg in lets.items():
            self._computed(key, arg, origin.below(key), frame)

    def _computed(self, key: str, arg: Arg, origin: Origin, frame: Frame) -> None:
        frame.names[key] = SILENCED  # and stays so, if it has no value
        with suppress(Silenced):
            frame.names[key] = self.arguments.value(arg, frame.names, origin)
        frame.bindings[key] = Binding(frame, origin, arg)

    def key(self, region: Region, frame: Frame) -> tuple[Any, ...]:
        """What makes two instances equal: what they are given, and which of the values
        that they read are one."""
        values = map(exact, region.arguments.values())
        read = (region.input, *region.others)
        reads = ((value.shape, read.index(value)) for value in read)
        slots = (key_of(filling) for filling in frame.slots.values())
        return (region.block, *reads, *values, *slots)

    def keep(self, key: tuple[Any, ...], region: Region, since: Mark) -> None:
        """Notes an instance that was walked through `since`, for equal ones.

        One with a mistake is noted where an equal one would show nothing more: what is
        wrong lies in the blocks themselves and not in how this one is used.
        """
        walk = self.walk
        visits = walk.visits - since.visits
        places = walk.sink.reported[since.reported :]
        if any(v.shape is None for v in (region.output, *region.outputs)):
            entered = Counter[str]()
            for name, times in walk.entered[since.entered :]:
                entered[name] += times
            assert region.block is not None
            inside = {region.block.name, *entered}
            if all(_lies_in(place, inside) for place in places):
                self._instances[key] = Failure(visits, tuple(entered.items()))
        elif not places:
            claims = tuple(walk.claims[since.claims :])
            self._instances[key] = Instance(region, visits, claims)

    def repeated(self, key: tuple[Any, ...], region: Region) -> bool:
        """Fills `region` as an equal instance was filled, under its own path; False
        where there is none."""
        known = self._instances.get(key)
        if known is None:
            return False
        assert region.node is not None
        self.walk.count(region.node, known.visits)
        if isinstance(known, Failure):
            assert region.block is not None
            if region.input.shape is not None:
                self.walk.blind[region.block.name] += 1
            for name, times in known.entered:
                self.walk.enter(name, times, blind=True)
            region.output = Value(None)
            region.outputs = tuple(Value(None) for _ in region.block.outputs)
            return True
        self.walk.claims.extend(known.claims)
        first = known.region
        values = {first.input: region.input}
        values |= dict(zip(first.others, region.others, strict=True))
        region.copy_of = first
        copier = Copier(values, len(first.path), region.path)
        region.parts.extend(map(copier.copy, first.parts))
        region.output = values.get(first.output, first.output)
        region.outputs = tuple(values.get(v, v) for v in first.outputs)
        self.walk.read_values |= {
            new for old, new in values.items() if old in self.walk.read_values
        }
        for inner in copier.blocks:
            self.walk.enter(inner)
        return True


def _lies_in(place: Place, blocks: Container[object]) -> bool:
    """Whether a place is in the definition of one of these blocks."""
    if not isinstance(place, KeyPlace) or place.path[:1] != ("blocks",):
        return False
    return place.path[1:2] != () and place.path[1] in blocks
