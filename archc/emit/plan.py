"""What generated code will be, before any of it is written.

A plan says for each node of a class what it reads and gives, in the class's own terms:
expressions over the constructor's arguments, over counters, and over locals that are
listed here with what they are assigned. So the order in which code is written can't
change what it means. Shapes are found once, by `archc.emit.walk`; lowering reads them.

Symbols are `Name`s with an id such as `width#7`: a wish and a number. They get names
when the tree is complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from archc.emit.occurrences import Occurrences
from archc.emit.wiring import Reads
from archc.network.graph import Region
from archc.network.scope import Style
from archc.ops.base import Call, Op
from archc.ops.sizes import Dim, Shape
from archc.spec.expressions import Expr, Name
from archc.spec.model import Arg, Block, BranchesNode, GroupNode, Node, OpNode


@dataclass(frozen=True, slots=True)
class Let:
    """A local that is assigned once: `width = planes * 4`."""

    symbol: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Carried:
    """Channels that each iteration of a loop hands to the next."""

    symbol: Name
    start: Dim
    following: Dim
    after: Name
    """What the same local is called in expressions behind the loop."""


@dataclass(frozen=True, slots=True)
class Join:
    """Channels behind an `if` that changes them, in a local of their own."""

    symbol: Name
    then: Dim
    orelse: Dim
    passed: bool
    """Whether `orelse` are those before the `if`. What another node gives may not be
    there to be worked out where that node is not."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An `if`, and what it does to the channels.

    `named` holds those before it; behind it they are in `join`, or an expression, for
    which `merged` may be a local.
    """

    test: Expr
    read: Shape
    """What the test's `in_channels` speaks of."""
    named: Let | None = None
    join: Join | None = None
    merged: Let | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for` that repeats a node."""

    counter: Name
    count: Arg
    read: Shape
    """What the count's `in_channels` speaks of."""
    carried: Carried | None = None


@dataclass(slots=True)
class Turn:
    """One iteration of a repetition that is written out, as iterations differ in the
    axes of what they work on."""

    number: int
    seen: Occurrences
    met: dict[Node, Met] = field(default_factory=lambda: dict[Node, Met]())


@dataclass(slots=True)
class Use:
    """The call of a constructor of one of the module's own classes."""

    made: ClassPlan
    given: dict[str, Any]
    """Values by what the callee's arguments are called in its own plan."""
    published: Name | None = None
    """The channels that only the instance can tell, an attribute of it."""


@dataclass(slots=True, eq=False)
class Factory:
    """What is put into a slot: how it is made of the channels that it reads."""

    channels: Name
    made: Call | Use
    op: type[Op] | None = None


@dataclass(slots=True, eq=False)
class Slot:
    """A slot of a block or of the network, which is an argument of its constructor."""

    symbol: Name
    node: Node | None = None
    """What stands there unless something else is given."""
    default: Factory | Name | None = None
    """How that is made, or the slot that it is handed on from."""
    given: dict[Node, Factory] = field(default_factory=lambda: dict[Node, Factory]())
    """What uses put there."""
    linked: list[Slot] = field(default_factory=lambda: list[Slot]())
    """The slots that it hands its own on to, or is handed it from."""
    met: list[Shape] = field(default_factory=lambda: list[Shape]())
    """What is read where it stands in its class."""

    def link(self, other: Slot) -> None:
        self.linked.append(other)
        other.linked.append(self)

    def together(self) -> Iterator[Slot]:
        """The slots that hold the same, itself among them."""
        found: dict[Slot, None] = {}
        todo = [self]
        while todo:
            slot = todo.pop()
            if slot not in found:
                found[slot] = None
                todo += slot.linked
        return iter(found)

    def factories(self) -> Iterator[Factory]:
        """What is put there, by default too."""
        yield from self.given.values()
        if isinstance(self.default, Factory):
            yield self.default


@dataclass(frozen=True, slots=True)
class Convention:
    """How what is in a slot is called."""

    told: bool
    """Whether it is given the channels that it reads."""
    functions: bool
    """Whether something that is put there is a `lambda`."""


def slot_key(name: str) -> str:
    """What a class has the symbol of a slot under, beside those of its parameters."""
    return f"slot {name}"


def is_slot(key: str) -> bool:
    """Whether a class has the symbol of a slot under a key."""
    return key.startswith("slot ")


def is_parameter(node: Node | None) -> bool:
    """Whether a node is no module, but a parameter of the class that it stands in."""
    return isinstance(node, OpNode) and node.op.bare_parameter


@dataclass(slots=True)
class Met:
    """What one node of a class is, in the class's terms."""

    reads: tuple[Shape, ...]
    test: bool | Expr = True
    """Whether it is there."""
    choice: Choice | None = None
    loop: Loop | None = None
    turns: list[Turn] | None = None
    """In place of a loop: its iterations, each written out."""
    x: Shape | None = None
    """What its body reads, in one iteration."""
    skip: bool | Expr = False
    skip_choice: Choice | None = None
    op: Op | None = None
    """With expressions for attributes."""
    module: Call | None = None
    """Its constructor."""
    use: Use | None = None
    lets: list[Let] = field(default_factory=list[Let])
    """Locals that its body needs; those of branches are for what they are merged to."""
    merged: Let | None = None
    """A local for the channels behind its skip."""
    body: Shape | None = None
    once: Shape | None = None
    out: Shape | None = None

    @property
    def repeats(self) -> bool:
        """Whether it is repeated, by a loop or written out."""
        return self.loop is not None or self.turns is not None


@dataclass(frozen=True, slots=True)
class Feature:
    """Channels out of the dict of values with computed names."""

    key: tuple[str | Expr, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """Channels that an instance of a class has as an attribute."""

    node: Node
    turns: tuple[int, ...]
    """In which iterations of repetitions that are written out it was made."""
    attribute: str


@dataclass(frozen=True, slots=True)
class Held:
    """Channels of a class's value that are no expression over its arguments: users read
    this attribute of the instance."""

    attribute: str


Opaque = Feature | Published


Measure: TypeAlias = "int | tuple[Measure, ...]"
"""A number that instances tell; a tuple over iterations."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A constructor argument that only instances know, such as a flattened length."""

    symbol: Name
    values: Callable[[Region], Measure | None]
    """The value it has inside one instance of the class; None where it has none."""


Kind = Literal["network", "block", "group"]


@dataclass(slots=True, eq=False)
class ClassPlan:
    """One class of the generated module."""

    kind: Kind
    wish: str
    """What the class would like to be called."""
    doc: str | None
    nodes: tuple[Node, ...]
    style: Style
    reads: Reads
    seen: Occurrences
    env: dict[str, Name]
    """Symbols of the constructor's arguments, by the names that the spec has."""
    constants: dict[str, int]
    """Counters of repetitions around that are written out, and how many these are."""
    in_channels: Name
    x: Shape
    lets: dict[str, Let] = field(default_factory=dict[str, Let])
    """What the constructor computes first, by the names that the spec has."""
    block: Block | None = None
    node: GroupNode | BranchesNode | None = None
    """What a group's own class is written for."""
    owner: ClassPlan | None = None
    """For a group's class: the one that it stands in."""
    names: Counter[str] = field(default_factory=Counter[str])
    """How many nodes of the spec have a name."""
    sole: Node | None = None
    """The repeated module that is all there is, so that `forward` runs the children."""
    met: dict[Node, Met] = field(default_factory=dict[Node, Met])
    measured: dict[object, Measured] = field(default_factory=dict[object, Measured])
    opaque: dict[str, Opaque] = field(default_factory=dict[str, Opaque])
    aliases: dict[str, Name] = field(default_factory=dict[str, Name])
    """Symbols that are another one's local, at another time."""
    taken: dict[str, Name] = field(default_factory=dict[str, Name])
    """For a group's class: the channels of values from outside, by their paths."""
    values: dict[str, Shape] = field(default_factory=dict[str, Shape])
    """The named values, by their paths."""
    result: Shape | None = None
    channels: Any = None
    """Of the output: over the arguments, or `Held` where only an instance can tell."""
    published: dict[str, Dim] = field(default_factory=dict[str, Dim])
    """Attributes for users of the class, with the channels that they hold."""
    taps: dict[str, Shape] = field(default_factory=dict[str, Shape])
    """Values from inside that it also gives, by their paths, over its arguments."""
    slots: dict[str, Slot] = field(default_factory=dict[str, Slot])
    """Those of its block or of the network."""
    children: frozenset[str] = frozenset()
    """Names that attributes may not have."""

    @property
    def known(self) -> dict[str, Name | int]:
        """What the names of the spec stand for where its class begins."""
        computed = {name: let.symbol for name, let in self.lets.items()}
        return {**self.env, **computed, **self.constants}

    @property
    def instances(self) -> Sequence[Region]:
        return self.seen.instances
