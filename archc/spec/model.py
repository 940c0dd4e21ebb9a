"""The structure of a spec: what parsing yields, before anything is evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from archc.ops.base import Op
from archc.source.document import Document, KeyPath, KeyPlace
from archc.spec.expressions import Expr, Row

# A number, a boolean, a (nested) list of them as a tuple, or an expression for one of
# these.
Arg: TypeAlias = "bool | int | float | str | tuple[Arg, ...] | Row | Expr | None"
Merge = Literal["concat", "add", "mul", "sub", "div"]
MAX_NODES = 110_000
"""How many nodes a network may have once blocks and repetitions are written out."""
MERGES: tuple[Merge, ...] = get_args(Merge)
"""What `skip` and `merge` may be."""


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """A spec's tables after `extends` and `use`, and which file each part came from."""

    data: dict[str, Any]
    owners: Mapping[KeyPath, Document]

    def document(self, path: KeyPath) -> Document:
        for end in range(len(path), -1, -1):
            owner = self.owners.get(path[:end])
            if owner is not None:
                return owner
        raise KeyError(path)


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where a table of a spec stands; gives the place of anything in it."""

    merged: Merged
    path: KeyPath

    def at(
        self,
        *keys: str | int,
        part: Literal["value", "key", "item"] = "value",
        within: tuple[int, int] | None = None,
    ) -> KeyPlace:
        path = (*self.path, *keys)
        return self.merged.document(path).place(path, part, within)

    def below(self, *keys: str | int) -> Origin:
        return Origin(self.merged, (*self.path, *keys))

    def value(self) -> Any:
        """What the spec says there."""
        found: Any = self.merged.data
        for key in self.path:
            found = found[key]
        return found


@dataclass(frozen=True, slots=True)
class Template:
    """A name, with expressions where braces stand: `denselayer{i + 1}`."""

    text: str
    parts: tuple[str | Expr, ...]

    @property
    def fixed(self) -> bool:
        return len(self.parts) == 1 and isinstance(self.parts[0], str)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Node:
    """What every node may carry, whatever its body."""

    origin: Origin
    name: Template | None = None
    reads: tuple[Template, ...] | None = None
    """The names in `from`."""
    when: Arg = None
    repeat: Arg = None
    index: str = "i"
    skip: Merge | None = None
    skip_when: Arg = None
    shortcut: Node | None = None
    otherwise: Node | None = None
    """What stands there where `when` is false."""
    named_by: Origin | None = None
    """The node in whose place it stands, where it has that one's name."""
    claim: tuple[Arg, ...] | None = None
    """The modifier `shape`."""
    place: str | None = None
    """The device that it lives on, if that is not the one of what is around it.
    Once what crosses is moved, each node of a body has one in which places are said."""
    doc: str | None = None
    broken: bool = False
    """Whether one of these was reported: its value is unknown, its names are known."""

    @property
    def name_origin(self) -> Origin:
        """Where its name stands."""
        origin = self.named_by or self.origin
        # a number that it has without being given it stands nowhere
        return origin.below("name") if "name" in origin.value() else origin

    def read_origin(self, number: int) -> Origin:
        """Where a name in `from` stands, which is a name or a list of names."""
        if "from" not in self.origin.value():
            return self.origin  # what moves a value that is read without being named
        origin = self.origin.below("from")
        return origin.below(number) if isinstance(origin.value(), list) else origin


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OpNode(Node):
    op: type[Op]
    attributes: Mapping[str, Arg]
    static: Op | None
    """The op itself, where no attribute is an expression."""
    beside: str | None = None
    """The attribute that names the last of the nodes that it reads, if one does."""

    def read_origin(self, number: int) -> Origin:
        if self.beside is not None:
            key = ("from", self.beside)[number]
            return self.origin.below(key) if key in self.origin.value() else self.origin
        return Node.read_origin(self, number)  # no super() in a class with slots


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BlockNode(Node):
    block: str
    arguments: dict[str, Arg]
    slots: Mapping[str, Node] = field(default_factory=dict[str, Node])
    """The nodes that it gives for slots of the block."""
    inputs: tuple[str, ...] = ()
    """What the block calls the values that it reads, if it reads several."""
    outputs: tuple[str, ...] = ()
    """What it calls those that it gives; none for the value of its last node."""

    @property
    def is_wide(self) -> bool:
        """Whether it reads several values, or gives some by name."""
        return len(self.inputs) > 1 or bool(self.outputs)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GroupNode(Node):
    layers: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PartsNode(GroupNode):
    """An op that gives several values: its layers make one each, of the same value. The
    first is what the node gives."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BranchesNode(Node):
    branches: tuple[Node, ...]
    merge: Merge


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ShareNode(Node):
    """The module of an earlier node, applied once more."""

    shares: Template


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SlotNode(Node):
    """The node that the block's use, or who builds the network, gives for a slot."""

    slot: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BrokenNode(Node):
    """A node with a mistake in it that has been reported; its value is unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A parameterised piece: `[blocks.NAME]`."""

    name: str
    origin: Origin
    required: tuple[str, ...]
    defaults: dict[str, Arg]
    layers: tuple[Node, ...]
    slots: Mapping[str, Node | None] = field(default_factory=dict[str, "Node | None"])
    """Its slots, with the node that stands there where a use gives none."""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    lets: dict[str, Arg] = field(default_factory=dict[str, "Arg"])
    """What its expressions call by a name, computed once, in this order."""
    doc: str | None = None
    placed: bool = False
    """Whether places are said in it."""
    broken: bool = False
    """Whether its parameters or body were reported, so that no use can be judged."""

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*self.required, *self.defaults)


@dataclass(frozen=True, slots=True, eq=False)
class HeadSpec:
    """An auxiliary classifier: `[[heads]]`."""

    name: str
    origin: Origin
    reads: str
    node: Node
    loss_weight: Arg


@dataclass(frozen=True, slots=True, eq=False)
class InputSpec:
    """What `forward` is given: the one `input`, or one of the `inputs` by name."""

    name: str | None
    origin: Origin
    sizes: tuple[Arg, ...]
    """None where they were reported."""


@dataclass(frozen=True, slots=True, eq=False)
class OutputSpec:
    """One of the network's `outputs`: a field of what `forward` returns."""

    name: str
    origin: Origin
    reads: str
    """The path of the node whose value it is, or `prev` for the last one."""


@dataclass(frozen=True, slots=True)
class Initializer:
    """How a parameter of an op starts: a function of `torch.nn.init`, its arguments."""

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Silence:
    """Advice that is not given, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Spec:
    """One network as it was written."""

    origin: Origin
    name: str
    class_name: str | None
    title: str | None
    source: str | None
    params: dict[str, Arg]
    inputs: tuple[InputSpec, ...]
    """None where what is wrong with them was reported."""
    layers: tuple[Node, ...]
    blocks: Mapping[str, Block]
    slots: Mapping[str, Node] = field(default_factory=dict[str, Node])
    """The network's own slots, with the node that stands there."""
    lets: dict[str, Arg] = field(default_factory=dict[str, "Arg"])
    """What the network's expressions call by a name, as in blocks."""
    outputs: tuple[OutputSpec, ...] = ()
    """None where `forward` returns what the last node gives."""
    heads: tuple[HeadSpec, ...] = ()
    places: tuple[str, ...] = ()
    """What `place` names, in the order in which it does; values that cross from one to
    another are moved by nodes of their own."""
    scattered: bool = False
    """Whether modules are told their places one by one, as names of the network's own
    would not find them."""
    init: Mapping[str, Mapping[str, Initializer]] = field(
        default_factory=dict[str, Mapping[str, Initializer]]
    )
    expect: Mapping[str, Any] = field(default_factory=dict[str, Any])
    advice: tuple[Silence, ...] = ()

    def starts(self, op: Op | type[Op]) -> Mapping[str, Initializer]:
        """How the parameters of an op start, by their names."""
        if op.op in self.init or op.starts_as is None:
            return self.init.get(op.op, {})
        return self.init.get(op.starts_as, {})


def members(node: Node) -> tuple[Node, ...]:
    """The nodes that a group or branches hold."""
    match node:
        case GroupNode():
            return node.layers
        case BranchesNode():
            return node.branches
        case _:
            return ()


def children(node: Node) -> Iterator[Node]:
    """The nodes written directly inside a node, what stands in its place included."""
    yield from members(node)
    yield from (n for n in (node.shortcut, node.otherwise) if n is not None)


def alternatives(node: Node) -> Iterator[Node]:
    """What may stand in a node's place, in the order in which it is asked for."""
    while node.otherwise is not None:
        node = node.otherwise
        yield node


def made_by(node: Node) -> Iterator[Node]:
    """The node and all nodes in it, without what stands in its place."""
    yield node
    yield from walk(tuple(n for n in children(node) if n is not node.otherwise))


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """All nodes in and below `nodes`, outermost first; blocks are not entered."""
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(tuple(children(node))))


def walk_given(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """The same, and the nodes that these give for slots of blocks."""
    for node in walk(nodes):
        yield node
        if isinstance(node, BlockNode):
            yield from walk_given(tuple(node.slots.values()))


def body_of(block: Block) -> tuple[Node, ...]:
    """The nodes of a block, and those that stand in its slots by default."""
    return (*block.layers, *(n for n in block.slots.values() if n is not None))


def used_blocks(spec: Spec) -> set[str]:
    """The blocks that the network and its heads use, also through other blocks."""
    found: set[str] = set()
    heads = tuple(head.node for head in spec.heads)
    todo = [spec.layers, heads, tuple(spec.slots.values())]
    while todo:
        for node in walk_given(todo.pop()):
            if isinstance(node, BlockNode) and node.block not in found:
                found.add(node.block)
                todo.append(body_of(spec.blocks[node.block]))
    return found


def opened(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """The nodes that stand in one scope once unnamed groups are opened up.

    A shortcut, and what stands in a node's place, are in the scope of that node.
    """
    for node in nodes:
        beside = tuple(n for n in (node.shortcut, node.otherwise) if n is not None)
        if node.name is None and isinstance(node, GroupNode | BranchesNode):
            yield from opened(members(node))
        else:
            yield node
        yield from opened(beside)
