"""Nodes as arguments: the slots of blocks and of the network, and what is put there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archc.diagnostics.model import Label, Place, Sink
from archc.diagnostics.suggest import meant
from archc.source.folding import folded
from archc.source.kinds import is_list, is_table
from archc.spec import tables
from archc.spec.model import (
    Block,
    BlockNode,
    BrokenNode,
    Node,
    OpNode,
    Origin,
    SlotNode,
    Spec,
    body_of,
    walk_given,
)
from archc.spec.written import Written

_NODE = "a slot takes one node: an op, a block, or a slot to hand on"


def slot_names(block: Mapping[str, Any]) -> dict[str, bool]:
    """The slots of a block's table, each with whether it has a default."""
    written = block.get("slots")
    if is_table(written):
        return dict.fromkeys(written, True)
    names = written if is_list(written) else []
    return {folded(name): False for name in names if isinstance(name, str)}


class SlotParser:
    """Parses slots; `node` parses a node at a depth."""

    def __init__(
        self, written: Written, node: Callable[[Any, Origin, int], Node]
    ) -> None:
        self.written = written
        self.sink = written.sink
        self._node = node

    def use(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any]
    ) -> SlotNode | None:
        """A node that is what a slot holds."""
        name = table["slot"]
        if not isinstance(name, str):
            self.written.no_name("slot", "a slot", name, origin)
            return None
        common["broken"] |= not self.written.reads_one(origin, "a slot", common)
        return SlotNode(slot=folded(name), **common)

    def declared(
        self, value: Any, origin: Origin
    ) -> tuple[dict[str, Node | None], bool]:
        """The slots of a block or of the network, and whether all is as it should."""
        found: dict[str, Node | None] = {}
        fine = True
        if is_table(value):
            for name, default in value.items():
                place = origin.at(name, part="key")
                fine &= self.written.identifier(name, place, "slot")
                found[name] = self.given(default, origin.below(name), 0)
        for number, name in enumerate(value if is_list(value) else []):
            if not isinstance(name, str):
                continue  # its wrong type has been reported
            name, place = folded(name), origin.at(number)
            if name in found:
                first = origin.at([*found].index(name))
                self._twice(f"two slots are called `{name}`", place, first)
                fine = False
            fine &= self.written.identifier(name, place, "slot")
            found[name] = None
        return found, fine

    def apart(self, slots: Mapping[str, Origin], others: Mapping[str, Origin]) -> bool:
        """Whether no slot has the name of a parameter; else that is reported."""
        both = slots.keys() & others.keys()
        for name in sorted(both):
            message = f"`{name}` is called both a slot and a parameter"
            place, first = slots[name].at(part="key"), others[name].at(part="key")
            self._twice(message, place, first)
        return not both

    def _twice(self, message: str, place: Place, first: Place) -> None:
        self.sink.error(
            "duplicate-name",
            message,
            place,
            Label(first, "the other one"),
            help="give each its own name: by these they are given",
        )

    def given(self, value: Any, origin: Origin, depth: int) -> Node:
        """A node that is put into a slot."""
        node = self._node(value, origin, depth)
        if not is_table(value) or isinstance(node, BrokenNode):
            return BrokenNode(origin=origin)
        odd = [key for key in value if key in tables.MODIFIERS - {"doc"}]
        merges = isinstance(node, OpNode) and node.op.merges
        odd = [key for key in odd if not (merges and key == "from")]
        for key in odd:
            self._refuse(
                f"what is put into a slot has no `{key}`", origin.at(key, part="key"),
                'write it where the slot is used, beside slot = "..."'
                if key != "from"
                else "it reads what the slot reads",
            )  # fmt: skip
        key = next(key for key in tables.BODIES if key in value)
        if not isinstance(node, OpNode | BlockNode | SlotNode):
            self._refuse(
                f"`{key}` cannot be put into a slot", origin.at(key, part="key"),
                f"{_NODE}; make a block of what there is",
            )  # fmt: skip
        elif isinstance(node, OpNode) and (merges or node.op.bare_parameter):
            what = "merges values" if merges else "is a parameter"
            what = "reads another node as well" if node.beside else what
            self._refuse(
                f"`{node.op.op}` {what}, and a slot takes a module",
                origin.at("op"),
                "make a block of it",
            )
        elif isinstance(node, BlockNode) and node.is_wide:
            self._refuse(
                f"block `{node.block}` reads or gives several values, and what is in a"
                " slot reads one and gives one",
                origin.at("block"),
                "write another block around it",
            )
        elif not odd:
            return node
        return BrokenNode(origin=origin)

    def _refuse(self, message: str, place: Place, help: str) -> None:
        self.sink.error("bad-slot", message, place, help=help)


def check_slots(spec: Spec | None, blocks: Mapping[str, Block], sink: Sink) -> None:
    """Reports nodes with a slot that is not declared around them."""
    for block in blocks.values():
        if not block.broken:
            owner = f"block `{block.name}`"
            table = f"[blocks.{block.name}.slots]"
            _check(body_of(block), block.slots, owner, table, sink)
            _check_defaults(block, sink)
    if spec is not None:
        heads = tuple(head.node for head in spec.heads)
        own = tuple(spec.slots.values())
        _check((*spec.layers, *heads), spec.slots, "the network", "[slots]", sink)
        # the network is not inside of anything that would fill a slot of its
        _check(own, {}, "the table [slots]", "", sink)


def _check_defaults(block: Block, sink: Sink) -> None:
    """Reports defaults that hand on a slot which is not settled yet."""
    settled: set[str] = set()
    for name, default in block.slots.items():
        for node in walk_given(() if default is None else (default,)):
            if isinstance(node, SlotNode) and node.slot in block.slots.keys() - settled:
                sink.error(
                    "bad-slot",
                    f"slot `{name}` hands on slot `{node.slot}` by default, which is"
                    " not declared before it",
                    node.origin.at("slot"),
                    help="write an op or a block there"
                    if node.slot == name
                    else f"declare `{node.slot}` before `{name}`",
                )
        settled.add(name)


def _check(
    nodes: tuple[Node, ...],
    slots: Mapping[str, Node | None],
    owner: str,
    table: str,
    sink: Sink,
) -> None:
    for node in walk_given(nodes):
        if isinstance(node, SlotNode) and node.slot not in slots:
            near = meant(node.slot, slots)
            help = "write a node there" if not table else f"declare it in {table}:"
            help += f" {node.slot} = {{ op = ... }}" if table else ""
            sink.error(
                "unknown-slot",
                f"{owner} has no slot `{node.slot}`",
                node.origin.at("slot"),
                help=near or help,
            )
