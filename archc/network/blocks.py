"""Instances of blocks: their arguments, and equal ones made once."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from archc.network.arguments import Arguments
from archc.network.frame import Binding, Frame
from archc.network.graph import Region
from archc.network.instances import Copier, Instance, exact
from archc.network.walk import Walk
from archc.spec.expressions import SILENCED, Known, Silenced
from archc.spec.model import Block, BlockNode


class Blocks:
    """The instances of blocks that a walk has met."""

    def __init__(self, walk: Walk, arguments: Arguments) -> None:
        self.walk = walk
        self.arguments = arguments
        self._instances: dict[Any, Instance] = {}

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
        for key in () if block is None else block.parameters:
            names.setdefault(key, SILENCED)
        return names, bindings

    def defaults(self, node: BlockNode, block: Block, frame: Frame) -> None:
        """Defaults may be expressions over the arguments and over earlier defaults."""
        for key, arg in block.defaults.items():
            if key in node.arguments:
                continue
            origin = block.origin.below("defaults", key)
            with suppress(Silenced):  # it stays silenced
                frame.names[key] = self.arguments.value(arg, frame.names, origin)
            frame.bindings[key] = Binding(frame, origin, arg)

    def key(self, region: Region) -> tuple[Any, ...]:
        """What makes two instances equal."""
        values = map(exact, region.arguments.values())
        return (region.block, region.input.shape, *values)

    def keep(self, key: tuple[Any, ...], instance: Instance) -> None:
        """Notes an instance without mistakes, to be repeated for equal ones."""
        self._instances[key] = instance

    def repeated(self, key: tuple[Any, ...], region: Region) -> bool:
        """Fills `region` as an equal instance was filled, under its own path; False
        where there is none."""
        known = self._instances.get(key)
        if known is None:
            return False
        assert region.node is not None
        self.walk.count(region.node, known.visits)
        self.walk.claims.extend(known.claims)
        first = known.region
        values = {first.input: region.input}
        copier = Copier(values, len(first.path), region.path)
        region.parts.extend(map(copier.copy, first.parts))
        region.output = values.get(first.output, first.output)
        self.walk.read_values |= {
            new for old, new in values.items() if old in self.walk.read_values
        }
        for inner in copier.blocks:
            self.walk.instances[inner] += 1
        return True
