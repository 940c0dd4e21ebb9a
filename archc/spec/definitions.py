"""Definitions of blocks and heads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from archc.diagnostics.model import Label, Place
from archc.source.folding import folded
from archc.source.kinds import is_list, is_table
from archc.spec import tables
from archc.spec.block_uses import declared, names_of
from archc.spec.circles import circles
from archc.spec.model import (
    Arg,
    Block,
    BlockNode,
    HeadSpec,
    Origin,
    body_of,
    walk_given,
)
from archc.spec.nodes import NodeParser
from archc.spec.validate import validate, whole
from archc.spec.written import items, said

_LISTED = 10
"""How many blocks of a circle are shown."""


class DefinitionParser:
    """Parses what holds nodes: blocks and heads."""

    def __init__(self, nodes: NodeParser) -> None:
        self.nodes = nodes
        self.written = nodes.written
        self.sink = nodes.sink

    def block(self, name: str, table: dict[str, Any], origin: Origin) -> Block:
        self.written.identifier(name, origin.at(part="key"), "block")
        fine = True
        model = validate(tables.BlockTable, table, origin, self.sink, f"block `{name}`")
        parameters = declared(table)
        required: list[str] = []
        defaults: dict[str, Arg] = {}
        for number, parameter in enumerate(parameters[0] if parameters else ()):
            place = origin.at("params", number)
            if parameter in required or (parameters and parameter in parameters[1]):
                self.sink.error(
                    "duplicate-name",
                    f"block `{name}` has two parameters called `{parameter}`",
                    place,
                    Label(
                        origin.at("params", required.index(parameter))
                        if parameter in required
                        else origin.below("defaults").at(parameter, part="key"),
                        "the other one",
                    ),
                    help="a parameter is either in `params` or in `defaults`, once",
                )
            else:
                fine &= self.written.identifier(parameter, place, "parameter")
                required.append(parameter)
        for key, value in (parameters[1] if parameters else {}).items():
            below = origin.below("defaults")
            fine &= self.written.identifier(key, below.at(key, part="key"), "parameter")
            defaults[key] = self.written.argument(value, below.below(key))
        below = origin.below("slots")
        slots, named = self.nodes.slots.declared(table.get("slots"), below)
        fine &= named & self._slots_apart(slots, required, defaults, origin)
        params = origin.below("params")
        places = {name: params.at(number) for number, name in enumerate(required)}
        below = origin.below("defaults")
        places |= {name: below.at(name, part="key") for name in defaults}
        lets, computed = self.lets(table.get("let"), origin.below("let"), places)
        fine &= computed
        inputs = names_of(table, "inputs")
        outputs = names_of(table, "outputs")
        fine &= self._names(inputs, "input", origin.below("inputs"))
        fine &= self._names(outputs, "output", origin.below("outputs"))
        return Block(
            name=name,
            origin=origin,
            required=tuple(required),
            defaults=defaults,
            layers=self.nodes.nodes(table.get("layers"), origin.below("layers")),
            slots=slots,
            inputs=inputs,
            outputs=outputs,
            lets=lets,
            doc=None if model is None else said(model.doc),
            broken=not fine or not whole(model, table),
        )

    def _slots_apart(
        self,
        slots: Collection[str],
        required: Sequence[str],
        defaults: Collection[str],
        origin: Origin,
    ) -> bool:
        """Whether no slot has the name of a parameter; else that is reported."""
        is_listed = is_list(origin.value().get("slots"))
        found = {
            name: origin.below("slots", number if is_listed else name)
            for number, name in enumerate(slots)
        }
        others = {n: origin.below("params", i) for i, n in enumerate(required)}
        others |= {name: origin.below("defaults", name) for name in defaults}
        return self.nodes.slots.apart(found, others)

    def lets(
        self, table: Any, origin: Origin, parameters: Mapping[str, Place]
    ) -> tuple[dict[str, Arg], bool]:
        """What a body computes once, by names that no parameter has, and whether all of
        them are fine; else that is reported."""
        fine = True
        found: dict[str, Arg] = {}
        for name, value in table.items() if is_table(table) else ():
            place = origin.at(name, part="key")
            fine &= self.written.identifier(name, place, "computed value")
            computed = self.written.argument(value, origin.below(name))
            if name not in parameters:
                found[name] = computed
            else:
                fine = False
                self.sink.error(
                    "duplicate-name",
                    f"`{name}` is a parameter, and computed by `let`",
                    place,
                    Label(parameters[name], "the parameter"),
                    help="give what is computed a name of its own",
                )
        return found, fine

    def _names(self, names: tuple[str, ...], what: str, origin: Origin) -> bool:
        """Whether the inputs or outputs of a block have each a name of its own; else
        that is reported."""
        fine = True
        for number, name in enumerate(names):
            place = origin.at(number)
            first = names.index(name)
            if first < number:
                self.sink.error(
                    "duplicate-name",
                    f"two {what}s are called `{name}`",
                    place,
                    Label(origin.at(first), "the first one"),
                    help="give each its own name",
                )
            fine &= first == number
            fine &= self.written.identifier(name, place, f"block's {what}")
        return fine

    def without_circles(self, blocks: dict[str, Block]) -> dict[str, Block]:
        """The blocks; those that contain themselves would never end, and are broken."""
        uses: dict[str, dict[str, BlockNode]] = {
            name: {
                n.block: n for n in walk_given(body_of(b)) if isinstance(n, BlockNode)
            }
            for name, b in blocks.items()
        }
        kept = dict(blocks)
        sound = {name: uses[name] for name, b in kept.items() if not b.broken}
        for circle in circles(sound):
            self._circle(circle, uses)
            kept |= {name: replace(kept[name], broken=True) for name in circle}
        return kept

    def _circle(self, circle: list[str], uses: dict[str, dict[str, BlockNode]]) -> None:
        if len(circle) == 2:
            message = f"block `{circle[0]}` contains itself"
        else:
            way = (
                circle
                if len(circle) <= _LISTED
                else [*circle[:_LISTED], "...", circle[0]]
            )
            message = f"blocks contain each other in a circle: {' -> '.join(way)}"
        self.sink.error(
            "recursive-block",
            message,
            uses[circle[0]][circle[1]].origin.at("block"),
            *(
                Label(uses[a][b].origin.at("block"), f"`{a}` uses `{b}` here")
                for a, b in pairwise(circle[1 : _LISTED + 1])
            ),
            help="use `repeat` for what is said many times",
        )

    def heads(
        self, value: Any, root: Origin, *, beside_outputs: bool
    ) -> tuple[HeadSpec, ...]:
        """The auxiliary classifiers, each with a name of its own; `beside_outputs` that
        have names too."""
        found: dict[str, HeadSpec] = {}
        for number, table in enumerate(items(value)):
            if not is_table(table):
                continue  # its wrong type has been reported
            head = self._head(table, root.below("heads", number))
            if head is None:
                continue
            first = found.setdefault(head.name, head)
            if first is not head:
                self.sink.error(
                    "duplicate-name",
                    f"two heads are called `{head.name}`",
                    head.origin.at("name"),
                    Label(first.origin.at("name"), "the first one"),
                    help="give each head its own name",
                )
        if not beside_outputs:
            self._beside_the_output(found)
        return tuple(found.values())

    def _head(self, table: dict[str, Any], origin: Origin) -> HeadSpec | None:
        own = {k: v for k, v in table.items() if k in ("name", "from", "loss_weight")}
        model = validate(tables.HeadTable, own, origin, self.sink, "a head")
        rest = {k: v for k, v in table.items() if k not in ("from", "loss_weight")}
        # a wrong name has been reported
        if model is None:
            rest.pop("name", None)
        node = self.nodes.node(rest, origin, 0)
        if model is None:
            return None
        name = folded(model.name)
        if not self.written.identifier(name, origin.at("name"), "head"):
            return None
        weight = self.written.argument(model.loss_weight, origin.below("loss_weight"))
        return HeadSpec(name, origin, folded(model.from_), node, weight)

    def _beside_the_output(self, heads: dict[str, HeadSpec]) -> None:
        """The network's own output is a field called logits or output, else main."""
        taken = heads.get("logits") or heads.get("output")
        if taken is not None and "main" in heads:
            self.sink.error(
                "duplicate-name",
                "the network's own output would be `main` beside a head called"
                f" `{taken.name}`",
                heads["main"].origin.at("name"),
                Label(taken.origin.at("name"), "this name of it is taken here"),
                help="call one of the two heads something more telling",
            )
