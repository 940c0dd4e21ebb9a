"""One body while it is elaborated: what its expressions see, and where from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archc.diagnostics.model import Label, Place
from archc.network.channels import without_channels
from archc.network.graph import Layer, Region, Value
from archc.ops.base import Op
from archc.ops.sizes import to_int
from archc.spec.expressions import SILENCED, Expr, Known, Lacking, Name, names_in
from archc.spec.model import (
    Arg,
    Block,
    BlockNode,
    OpNode,
    Origin,
    ShareNode,
    SlotNode,
)


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """Where a parameter got its value: what was written, and in which frame."""

    frame: Frame | None
    origin: Origin
    arg: Arg


@dataclass(slots=True, eq=False)
class Filling:
    """A node in a slot: the modules of all uses of the slot, which are made alike."""

    node: OpNode | BlockNode
    frame: Frame
    """Where it was written, with names of its own."""
    first: tuple[object, SlotNode] | None = None
    """How it is made, and by which use that is known."""
    op: Op | None = None
    """What its first use makes of an op."""


@dataclass(slots=True, eq=False)
class Frame:
    """The body of the network (no block) or of one instance of a block."""

    block: Block | None
    call: BlockNode | None
    names: dict[str, Known]
    bindings: dict[str, Binding]
    input: Value
    caller: Frame | None = None
    slots: dict[str, Filling | None] = field(
        default_factory=dict[str, "Filling | None"]
    )
    """What is in the slots of this body; None where a mistake made that unknown."""
    values: dict[str, Value] = field(default_factory=dict[str, Value])
    """The named values of this body so far, by their dotted path in it."""
    opaque: set[str] = field(default_factory=set[str])
    """Paths of which nobody knows what is inside, because of a mistake."""
    modules: dict[str, Layer | Region | None] = field(
        default_factory=dict[str, "Layer | Region | None"]
    )
    """What a share may apply, by path; None where a mistake made that unknown."""
    further: dict[str, ShareNode] = field(default_factory=dict[str, ShareNode])
    """The shares among them."""
    leaves: dict[str, Place] = field(default_factory=dict[str, Place])
    """Named groups of which a node inside reads what is outside, with where it does."""
    entered: dict[str, Place] = field(default_factory=dict[str, Place])
    """Named groups of which a node outside reads what is inside, with where it does."""
    shared: dict[str, Place] = field(default_factory=dict[str, Place])
    """What has been applied again, with where."""

    def see(self, x: Value) -> None:
        """Sets what `in_channels` means: the channels of the value being read."""
        if x.shape is None:
            self.names["in_channels"] = SILENCED
        elif x.shape.channel_axis is None:
            self.names["in_channels"] = Lacking(lambda: without_channels(x))
        else:
            self.names["in_channels"] = to_int(x.shape.channels)

    def lookup(self, name: str, local: str) -> Value | None:
        """The value called `name`, looked for from the scope `local` outwards."""
        return self.values.get(self.home(name, local) + name)

    def home(self, name: str, local: str) -> str:
        """The first scope that has the name, from `local` outwards; the last, if none
        has."""
        while local and local + name not in self.values:
            local = outer(local)
        return local

    def hidden(self, name: str, local: str) -> bool:
        """Whether a dotted path leads into what is opaque."""
        while "." in name and self.lookup(name, local) is None:
            name = name.rpartition(".")[0]
        while True:
            if local + name in self.opaque:
                return True
            if not local:
                return False
            local = outer(local)

    def use_labels(self) -> tuple[Label, ...]:
        """A label at the use of the block, if this is one."""
        if self.call is None or self.block is None:
            return ()
        place = self.call.origin.at("block")
        return (Label(place, f"in this use of `{self.block.name}`"),)


def outer(local: str) -> str:
    """The scope around a scope; both end with a dot, unless they are the body's own."""
    around = local[:-1].rpartition(".")[0]
    return f"{around}." if around else ""


def blame(
    frame: Frame | None,
    bindings: dict[str, Binding],
    names: dict[str, Known],
    origin: Origin,
    arg: Arg,
) -> tuple[Place, tuple[Label, ...]]:
    """Where a wrong value was written.

    A parameter's name leads to the argument that was given for it, through as many
    blocks as it was handed down; so does an expression in which one parameter alone is
    suspicious.
    """
    first = origin
    while isinstance(arg, Expr):
        inside = [n for n in names_in(arg) if n in bindings]
        if not isinstance(arg, Name):
            inside = [
                n for n in inside
                if _suspicious(names.get(n), bindings[n])
            ]  # fmt: skip
        if len(inside) != 1:
            break
        binding = bindings[inside[0]]
        if binding.frame is None and isinstance(names.get(inside[0]), tuple):
            break  # a list in [params] is meant to be indexed: the use is wrong
        origin, arg = binding.origin, binding.arg
        if binding.frame is None:
            break
        frame = binding.frame
        bindings, names = frame.bindings, frame.names
    place = origin.at()
    labels = (
        () if origin is first else (Label(first.at(part="item"), "it is used here"),)
    )
    if origin is first and frame is not None:
        labels = frame.use_labels()
    return place, labels


def _suspicious(value: Any, binding: Binding) -> bool:
    """Whether a number is probably what makes an expression wrong: one below 1,
    or a fraction that was given to a block. In [params] it is mostly a factor."""
    if isinstance(value, float):
        return binding.frame is not None
    return isinstance(value, int) and value < 1
