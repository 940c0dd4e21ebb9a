"""Where a node is drawn, and what drawing it has in common with all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from archc.ops.sizes import Shape
from tests.random_networks import attributes
from tests.random_networks.drawing import Draw
from tests.random_networks.names import LISTS, Names
from tests.random_networks.simulate import (
    Bad,
    Frame,
    Simulator,
    Table,
    channels_of,
    text_of,
)
from tests.random_networks.values import Env, Values

Style = Literal["named", "numbered", "free"]


@dataclass
class Place:
    """Where nodes are drawn one after the other; `x` is what the next one reads."""

    frame: Frame
    x: Shape
    style: Style
    local: str = ""
    """Path of the scope in its body, with the final dot."""
    taken: set[str] = field(default_factory=set[str])
    """Names in the scope."""
    counters: tuple[str, ...] = ()
    """Counters that a name needs to be the only one in its scope."""
    depth: int = 0

    def env(self) -> Env:
        names = {k: v for k, v in self.frame.names.items() if k != "in_channels"}
        return names | channels_of(self.x)

    def scratch(self) -> Place:
        """The same place, where drawing leaves no trace but names that are taken."""
        return replace(self, frame=self.frame.copy())


@dataclass(frozen=True)
class BlockUse:
    """What uses of a block need to know."""

    name: str
    kinds: Mapping[str, str]
    optional: frozenset[str]


class Writer:
    """The state of one spec being drawn; `recipes` make nodes, by weight."""

    def __init__(
        self, draw: Draw, recipes: Mapping[Recipe, float], *, hostile: bool, size: int
    ) -> None:
        self.draw = draw
        self.names = Names(self.draw, hostile=hostile)
        self.values = Values(self.draw)
        self.recipes = recipes
        self.blocks: dict[str, Table] = {}
        self.uses: list[BlockUse] = []
        self.left = size

    # ---- simulating

    def after(self, place: Place, *tables: Table) -> Shape:
        """What nodes would make of the value here; nothing is noted."""
        simulator = Simulator(self.blocks)
        return simulator.chain(tables, place.x, place.frame.copy(), place.local)

    def commit(self, place: Place, table: Table) -> Table:
        """Goes past a node; where it does not fit, nothing has changed."""
        frame = place.frame.copy()
        place.x = Simulator(self.blocks).node(table, place.x, frame, place.local)
        place.frame.keep(frame)
        return table

    # ---- drawing

    def chain(self, place: Place, count: int) -> list[Table]:
        """Some nodes in a row; the place is behind them afterwards."""
        return [self.step(place) for _ in range(count)]

    def step(self, place: Place) -> Table:
        """One node, of any kind that fits here."""
        for _ in range(8):
            trial, left = place.scratch(), self.left
            try:
                if self.left > 0 and place.depth < 4 and self.draw.chance(60):
                    table = self.draw.weighted(self.recipes)(self, trial)
                else:
                    table = self.op(trial)
                return self.commit(place, table)
            except Bad:
                self.left = left
        return self.commit(place, self.christen(place, {"op": "relu"}))

    def op(
        self, place: Place, makers: Mapping[attributes.Maker, float] | None = None
    ) -> Table:
        """An op that can read what is here, with its name."""
        return self.christen(place, self.bare_op(place, makers))

    def bare_op(
        self, place: Place, makers: Mapping[attributes.Maker, float] | None = None
    ) -> Table:
        """An op that can read what is here, without a name."""
        self.left -= 1
        for _ in range(12):
            maker = self.draw.weighted(makers or attributes.MAKERS)
            try:
                table = maker(self.values, place.env(), place.x)
                if table["op"] == "layer_scale" and place.style == "numbered":
                    continue
                self.after(place, table)
            except Bad:
                continue
            return table
        return {"op": "identity"}

    # ---- names

    def christen(self, place: Place, table: Table) -> Table:
        """Gives an op or a block's use a name where one is needed, or by chance."""
        must = "block" in table or table.get("op") in attributes.PARAMETRIC
        if place.style == "numbered":
            return table
        if place.style == "free" and not must and not self.draw.chance(30):
            return table
        return {"name": self.name(place)} | table

    def name(self, place: Place, *, braces: str | None = None) -> str:
        """A name that is free in the scope, for each turn of the loops around.

        `braces` is a counter that the name must hold as well.
        """
        counters = [*place.counters, *([braces] if braces else [])]
        if self.draw.chance(8):
            listed = self._listed(place, counters)
            if listed is not None:
                return listed
        stem = self.names.fresh("layer", place.taken)
        parts = [
            f"{{{c}}}" if self.draw.chance(60) else f"{{{c} + 1}}" for c in counters
        ]
        return stem + "_".join(parts)

    def _listed(self, place: Place, counters: list[str]) -> str | None:
        """A dotted name, mostly the next one of its list; None where that is full."""
        scope = self.draw.pick(LISTS)
        taken = {name for name in place.taken if name.startswith(f"{scope}.")}
        last = "_".join(f"{{{c}}}" for c in counters)
        if counters and taken:
            return None
        if not counters:
            last = str(len(taken)) if self.draw.chance(80) else self.names.stem("layer")
        name = f"{scope}.{last}"
        if name in place.taken or f"{scope}.{{}}" in place.taken:
            return None
        place.taken |= {name, scope.partition(".")[0]}
        if counters:
            place.taken.add(f"{scope}.{{}}")
        return name

    def inside(self, place: Place, name: str | None, counter: str | None) -> Place:
        """The scope of what stands in a node of this name, in its first turn.

        `counter` is that of the node's own repetition.
        """
        deeper = replace(place, depth=place.depth + 1)
        if name is None:
            own = (counter,) if counter else ()
            return replace(deeper, counters=(*place.counters, *own))
        local = f"{place.local}{text_of(name, place.frame.names)}."
        if counter and "{" not in name:
            local += "0."
        return replace(
            deeper,
            local=local,
            taken=set(),
            counters=(),
            style=self.draw.pick(("named", "numbered")),
        )

    def scope_name(self, place: Place, counter: str | None) -> str | None:
        """A name for a group, branches or a repetition; None for no scope."""
        if place.style == "numbered":
            return None
        if place.style == "free" and self.draw.chance(35):
            return None
        if place.style == "named" and self.draw.chance(20):
            return None
        braces = counter if counter and self.draw.chance(40) else None
        return self.name(place, braces=braces)

    def wrapped(self, tables: list[Table]) -> Table:
        """Several nodes as one."""
        return tables[0] if len(tables) == 1 else {"layers": tables}


Recipe = Callable[[Writer, Place], Table]


def finished(value: Any) -> Any:
    """A deep copy, so that no two places of a spec share a table."""
    if isinstance(value, dict):
        return {k: finished(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [finished(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
    return value
