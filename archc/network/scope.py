"""Names: which path a node gets, and which values a `from` can see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from archc.diagnostics.model import Label, Place, Sink
from archc.ops.base import stem
from archc.ops.to import DEVICES
from archc.spec.model import (
    Block,
    BlockNode,
    BranchesNode,
    BrokenNode,
    GroupNode,
    Node,
    OpNode,
    ShareNode,
    SlotNode,
    Spec,
    members,
    opened,
    walk,
)

Style = Literal["named", "numbered", "free"]


@dataclass(slots=True)
class Layout:
    """What is known of a list of nodes as children of one scope, before evaluation."""

    style: Style
    fixed: frozenset[str]
    """The names without braces."""


@dataclass(slots=True)
class Scope:
    """One scope of names while it is filled."""

    prefix: str
    """Full path, with the final dot."""
    local: str
    """Path within the body of the block or network, with the final dot."""
    layout: Layout
    defined: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the class around defines beside its layers, and what that is."""
    count: int = 0
    taken: dict[str, Place] = field(default_factory=dict[str, Place])
    dotted: dict[str, Place] = field(default_factory=dict[str, Place])
    """The scopes inside it that dotted names put nodes into."""
    automatic: dict[str, int] = field(default_factory=dict[str, int])

    def number(self) -> str:
        self.count += 1
        return str(self.count - 1)

    def default(self, stem: str) -> str:
        """What a node without a name is called here: a number, or after what it is."""
        return self.number() if self.layout.style == "numbered" else self.invent(stem)

    def inner(self, name: str, layout: Layout) -> Scope:
        """The scope that a name opens in this one."""
        return Scope(f"{self.prefix}{name}.", f"{self.local}{name}.", layout)

    def invent(self, stem: str) -> str:
        """A name for what has none, as torch.fx would call it: relu, relu_1, relu_2."""
        while True:
            count = self.automatic.get(stem, 0)
            self.automatic[stem] = count + 1
            name = f"{stem}_{count}" if count else stem
            if name not in self.layout.fixed:
                return name

    def take(self, name: str, place: Place, sink: Sink) -> None:
        """Notes a name; a second one in the same scope is an error."""
        first = self.taken.get(name)
        if first is not None:
            sink.error(
                "duplicate-name",
                f"the name `{name}` is given twice in the same scope",
                place,
                Label(first, "first here"),
                help="give each its own name; a repeated node takes braces:"
                ' name = "conv{i + 1}"',
            )
            return
        self.taken[name] = place
        around = list(_scopes_of(name))
        for scope in around:
            self.dotted.setdefault(scope, place)
        both = next((n for n in (name, *around) if self._is_both(n)), None)
        if both is not None:
            first = self.dotted[both] if both == name else self.taken[both]
            refuse_both(both, place, first, sink)

    def _is_both(self, name: str) -> bool:
        return name in self.taken and name in self.dotted


def refuse_both(name: str, place: Place, other: Place, sink: Sink) -> None:
    """Reports a name that a node has, and that dotted names have as their scope."""
    sink.error(
        "duplicate-name",
        f"`{name}` is the name of a node, and of the scope of dotted names",
        place,
        Label(other, "the other one is here"),
        help="give the node another name, or put into it what is to be there",
    )


def named_as_scopes(nodes: Sequence[Node]) -> Iterator[tuple[str, Node, Node]]:
    """Names of nodes that are scopes of dotted names beside them, with both nodes;
    whether or not `when` leaves these out, the class can't have both."""
    named = [n for n in opened(tuple(nodes)) if n.name is not None]
    fixed = {n.name.text: n for n in named if n.name and n.name.fixed}
    for node in named:
        assert node.name is not None
        first = node.name.parts[0]
        for scope in _scopes_of(first) if isinstance(first, str) else ():
            if scope in fixed:
                yield scope, fixed[scope], node


def _scopes_of(name: str) -> Iterator[str]:
    """The scopes that a dotted name puts its node into, the innermost first."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def defined(spec: Spec) -> dict[str, str]:
    """What the network's class defines itself."""
    found: dict[str, str] = {}
    if spec.heads:
        found["loss_weights"] = "what the losses of the heads count"
    if spec.init:
        found["_initialize_weights"] = "what [init] says"
    if spec.places:
        found[DEVICES] = "where its places are"
    return found


class Layouts:
    """The layouts of all bodies and named groups, those that are left out too."""

    def __init__(self, spec: Spec, sink: Sink) -> None:
        self.network = body_layout(spec.layers, sink)
        self._blocks = {
            block: body_layout(block.layers, sink)
            for block in spec.blocks.values()
            if not block.broken
        }
        heads = tuple(head.node for head in spec.heads)
        bodies = (spec.layers, heads, *(block.layers for block in self._blocks))
        self._groups = {
            node: group_layout(members(node), sink)
            for body in bodies
            for node in walk(body)
            if node.name is not None and isinstance(node, GroupNode | BranchesNode)
        }

    def block(self, block: Block) -> Layout:
        """The layout of a block's body."""
        return self._blocks[block]

    def group(self, node: GroupNode | BranchesNode) -> Layout:
        """The layout of what is in a named group or named branches."""
        return self._groups[node]


def body_layout(nodes: Sequence[Node], sink: Sink) -> Layout:
    """The layout of a block's or network's own body.

    Its children are numbered where none of them has a name and one has parameters, as
    in an nn.Sequential; otherwise only what has parameters needs a name.
    """
    inside = tuple(opened(tuple(nodes)))
    named = [n for n in _children(nodes) if n.name is not None]
    nameless = [n for n in inside if n.name is None and _has_parameters(n)]
    if body_style(nodes) == "numbered":
        return Layout("numbered", frozenset())
    for node in nameless if named else ():
        label = Label(_name_place(named[0]), "other nodes of this body have names")
        _missing_name(node, sink, label)
    return Layout("free", _fixed(inside))


def check_head(node: Node, layout: Layout, sink: Sink) -> None:
    """Reports what a head adds to the network's body without the name that it needs."""
    for member in opened((node,)) if layout.style != "numbered" else ():
        if member.name is None and _has_parameters(member):
            _missing_name(member, sink)


def _missing_name(node: Node, sink: Sink, *labels: Label) -> None:
    what = f"`{node.op.op}`" if isinstance(node, OpNode) else "this block"
    sink.error(
        "missing-name",
        f"{what} has parameters, so it needs a name here",
        _body_place(node),
        *labels,
        help='add name = "...": it is the prefix of the parameter names',
    )


def group_layout(nodes: Sequence[Node], sink: Sink) -> Layout:
    """The layout of a named group: its children are all named or all numbered."""
    inside = _children(nodes)
    named = [n for n in inside if n.name is not None]
    # the name of a broken node may be what was reported
    nameless = [n for n in inside if n.name is None and not _is_broken(n)]
    by_hand = next((n for n in named if is_by_hand(n)), None)
    if by_hand is not None:
        for node in filter(_has_parameters, nameless):
            _missing_name(
                node, sink, Label(_name_place(by_hand), "numbered by hand here")
            )
    elif named and nameless:
        left_out = any(n.when is not None for n in (named[0], nameless[0]))
        too = ", those that `when` leaves out too" if left_out else ""
        sink.error(
            "mixed-names",
            f"the children of a named group are all named or all unnamed{too}",
            _body_place(nameless[0]),
            Label(_name_place(named[0]), "this one has a name"),
            help=f'name this node too, as in name = "{_example(nameless[0])}", or take'
            " the names from the others",
        )
    fixed = _fixed(tuple(opened(tuple(nodes))))
    counted = not named or (by_hand is not None and is_counted(nodes))
    return Layout("numbered" if counted else "named", fixed)


def is_by_hand(node: Node) -> bool:
    """Whether a name is a number, or puts the node into a list."""
    if node.name is None:
        return False
    text = "".join(p if isinstance(p, str) else "0" for p in node.name.parts)
    return text.isdigit() or "." in text


def is_counted(nodes: Sequence[Node]) -> bool:
    """Whether numbers given by hand are those that an nn.Sequential gives as well."""
    for place, node in enumerate(nodes):
        if _counts_from(node, place):
            return place == len(nodes) - 1
        if not _has_place(node, place):
            return False
    return True


def _has_place(node: Node, place: int) -> bool:
    """Whether a node is always the child of this number."""
    bodies = OpNode | BlockNode | SlotNode | GroupNode
    if node.repeat is not None or not isinstance(node, bodies):
        return False
    if node.name is None and isinstance(node, GroupNode):
        return False
    if node.name is not None and node.name.parts != (str(place),):
        return False
    other = node.otherwise
    return node.when is None or (other is not None and _has_place(other, place))


def _counts_from(node: Node, place: int) -> bool:
    """Whether a repetition gives the numbers from a place on: `{i}`, `{i + 2}`."""
    if node.name is None or node.repeat is None or node.when is not None:
        return False
    counter = node.index if place == 0 else f"{node.index} + {place}"
    return node.name.text == f"{{{counter}}}"


def _children(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes that may be children of a scope; a share's module is one elsewhere, and
    what moves a value has none."""
    return tuple(n for n in opened(tuple(nodes)) if may_be_child(n))


def may_be_child(node: Node) -> bool:
    """Whether a node may make a module that is a child where the node stands."""
    if isinstance(node, OpNode):
        return node.op.has_module
    return not isinstance(node, ShareNode)


def _example(node: Node) -> str:
    if isinstance(node, OpNode):
        return stem(node.op.op)
    if isinstance(node, SlotNode):
        return node.slot
    return node.block if isinstance(node, BlockNode) else "part"


def body_style(nodes: Sequence[Node]) -> Style:
    """How the children of a block's or network's own body are called."""
    inside = _children(nodes)
    if any(n.name for n in inside):
        return "free"
    return "numbered" if any(_may_have_parameters(n) for n in inside) else "free"


def named_paths(nodes: Sequence[Node], local: str = "") -> Iterator[tuple[str, Node]]:
    """The nodes of a body whose names have no braces, by their dotted paths."""
    for node in nodes:
        inside = local
        if node.name is not None and node.name.fixed:
            inside = f"{local}{node.name.text}"
            yield inside, node
            inside += "."
        beside = tuple(n for n in (node.shortcut, node.otherwise) if n is not None)
        yield from named_paths(members(node), inside)
        yield from named_paths(beside, local)


def style_of(nodes: Sequence[Node]) -> Style:
    """How the children of a named group are called."""
    children = _children(nodes)
    return "numbered" if children and not any(n.name for n in children) else "named"


def _fixed(nodes: Sequence[Node]) -> frozenset[str]:
    return frozenset(n.name.text for n in nodes if n.name and n.name.fixed)


def _is_broken(node: Node) -> bool:
    return node.broken or isinstance(node, BrokenNode)


def _has_parameters(node: Node) -> bool:
    if _is_broken(node):
        return False
    if isinstance(node, OpNode):
        return node.op.can_have_parameters()
    return isinstance(node, BlockNode)


def _may_have_parameters(node: Node) -> bool:
    """The same, where a slot may be filled with anything."""
    return _has_parameters(node) or isinstance(node, SlotNode)


def _name_place(node: Node) -> Any:
    return node.name_origin.at()


def _body_place(node: Node) -> Any:
    return node.origin.at("op" if isinstance(node, OpNode) else "block")
