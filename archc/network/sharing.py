"""Modules that are used again: what an earlier node has made, on another value."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from archc.diagnostics.model import Label, Place
from archc.network.building import Builder
from archc.network.frame import Frame
from archc.network.graph import Again, Layer, Region, Value
from archc.network.naming import Naming
from archc.network.scope import Scope
from archc.network.walk import Walk
from archc.ops.sizes import Shape, ShapeError
from archc.spec.model import (
    Block,
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    ShareNode,
    SlotNode,
)
from archc.spec.validate import listed


def is_module(node: Node) -> bool:
    """Whether what a named node makes is a module, or a parameter, by itself."""
    if isinstance(node, OpNode):
        return not node.op.merges
    return isinstance(node, BlockNode | GroupNode | BranchesNode | SlotNode)


def _way(node: Node) -> Literal["share", "list", "merge", "parameter", "module"]:
    """How `forward` reaches what a node makes."""
    if isinstance(node, ShareNode):
        return "share"
    if node.repeat is not None:
        return "list"
    if not is_module(node):
        return "merge"
    bare = isinstance(node, OpNode) and node.op.bare_parameter
    return "parameter" if bare else "module"


class Sharing:
    """Finds what the shares of a walk apply."""

    def __init__(self, naming: Naming) -> None:
        self.naming = naming
        self.sink = naming.walk.sink

    def module(
        self, node: ShareNode, scope: Scope, frame: Frame
    ) -> Layer | Region | None:
        """What a share applies; None where that is unknown, which has been reported."""
        place = node.origin.below("share").at()
        local = scope.local
        if node.repeat is not None and node.name is not None and node.name.fixed:
            # its own scope is for its values
            local = local[: -len(node.name.text) - 1]
        name = self.name(node, local, frame)
        if name is None:
            return None
        home = frame.home(name, local)
        path = home + name
        if path not in frame.modules:
            self._no_module(path, name, place, frame)
            return None
        made = frame.modules[path]
        if made is None or not self._is_one(path, name, home == local, node, frame):
            return None
        if home != local and not node.shares.fixed:
            self.sink.error(
                "share-out-of-reach",
                f"`{name}` stands outside the group of this share, which has braces",
                place,
                help="move the share out of its group, or write the name without"
                " braces",
            )
            return None
        if isinstance(made.node, BlockNode) and made.node.is_wide:
            self._wide(made.node, name, place)
            return None
        if isinstance(made, Region) and made.kind != "block":
            frame.shared.setdefault(path, place)
            if path in frame.leaves or path in frame.entered:
                self.naming.not_alone(path, place, frame)
                return None
        return made

    def name(self, node: ShareNode, local: str, frame: Frame) -> str | None:
        """The name of what a share in the scope `local` applies; None where nothing is
        known by it, which has been reported."""
        origin = node.origin.below("share")
        name = self.naming.arguments.text(node.shares, origin, frame)
        if name is None or frame.hidden(name, local):
            return None
        if frame.lookup(name, local) is None:
            self.naming.unknown(name, origin.at(), local, frame, ())
            return None
        return name

    def _no_module(self, path: str, name: str, place: Place, frame: Frame) -> None:
        written = self.naming.written(frame).get(path, ())
        owner = path.rpartition(".")[0]
        giver = frame.modules.get(owner)
        labels: tuple[Label, ...] = ()
        why = "is not there, so that there is no module"
        help = "give the share the same `when`"
        if path in self._inputs(frame):
            why = "is an input, and no module"
            help = f'read it, as in from = "{name}", and name a module to apply'
        elif owner in frame.modules and giver is None:
            return  # unknown, which has been reported
        elif isinstance(giver, Region) and giver.outputs:
            why = f"is a value that `{owner}` gives, and no module"
            help = "name what makes a module"
        elif written and written[0].repeat is not None:
            labels = (Label(written[0].name_origin.at(), "it is this"),)
            why = "is a repetition, and no module"
            help = "make a group of it, with `repeat` inside, and share that"
        elif written and not is_module(written[0]):
            labels = (Label(written[0].name_origin.at(), "it is this"),)
            does = "merges values"
            if isinstance(first := written[0], OpNode) and first.beside:
                does = "reads another node as well"
            elif isinstance(first, OpNode) and first.op.parts:
                does = "is a part of a value"
            why, help = f"{does}, and is no module", "write the node again"
        message = f"`{name}` {why}"
        self.sink.error("share-no-module", message, place, *labels, help=help)

    def _inputs(self, frame: Frame) -> Collection[str | None]:
        if frame.block is not None:
            return frame.block.inputs
        return [given.name for given in self.naming.walk.spec.inputs]

    def _is_one(
        self, path: str, name: str, near: bool, share: ShareNode, frame: Frame
    ) -> bool:
        """Whether what is at a path is called in one way, whenever code reaches the
        share; else that is reported. The share is `near` if it stands in the scope of
        what it names."""
        written = self.naming.written(frame).get(path, ())
        other = frame.further.get(path)
        ways = {_way(node) for node in written}
        if len(written) > 1 and (len(ways) > 1 or "share" in ways):
            why = "is one of several nodes, which are not called alike"
            help = "give each a name of its own, and share that"
        elif other is None or (
            share.shares.fixed
            and other.name is not None
            and other.name.fixed
            and other.repeat is None
            and (near or written)
        ):
            return True
        else:
            why = "is one of several shares"
            help = "name what they apply"
        places = dict.fromkeys(n.name_origin.at() for n in written)
        labels = [Label(place, "it may be this") for place in places]
        place = share.origin.at("share")
        message = f"`{name}` {why}"
        self.sink.error("share-no-module", message, place, *labels, help=help)
        return False

    def _wide(self, node: BlockNode, name: str, place: Place) -> None:
        several = len(node.inputs) > 1
        verb, names = ("reads", node.inputs) if several else ("gives", node.outputs)
        self.sink.error(
            "share-not-alone",
            f"`{name}` {verb} {listed(names)} by name, and a share {verb} one value"
            " without one",
            place,
            Label(node.origin.at("block"), "it is made here"),
            help="write the block again, with parameters of its own, or share what"
            " reads and gives one value",
        )


def applied(
    share: ShareNode,
    made: Layer | Region,
    region: Region,
    walk: Walk,
    builder: Builder,
    frame: Frame,
) -> None:
    """Fills the `region` of a share with what it applies to the region's input.

    What does not fit is reported; then its output is unknown.
    """
    start = made.inputs[0] if isinstance(made, Layer) else made.input
    use = _Use(share, frame.block, walk, builder, {start: region.input})
    whole = isinstance(made, Region)
    try:
        part = use.part(made, inside=whole)
    except _Misfit as misfit:
        walk.sink.error(
            "share-mismatch",
            misfit.message(share, made),
            share.origin.at("share"),
            Label(_place(made), "it is made here"),
            *frame.use_labels(),
            help=misfit.help,
        )
        region.output = Value(None)
        return
    region.parts.append(part)
    region.output = part.output
    walk.read_values |= {
        new for old, new in use.values.items() if old in walk.read_values
    }


class _Misfit(Exception):
    """A layer of a shared module does not take what it meets."""

    def __init__(self, layer: Layer, x: Shape, why: str, help: str) -> None:
        super().__init__(why)
        self.layer = layer
        self.x = x
        self.why = why
        self.help = help

    def message(self, share: ShareNode, made: Layer | Region) -> str:
        name = share.shares.text
        inner = f"`{self.layer.path}` in it" if made is not self.layer else "it"
        first = self.layer.input_shape()
        return (
            f"`{name}` does not fit here: {inner} was made for {first} and meets"
            f" {self.x}; {self.why}"
        )


@dataclass(slots=True, eq=False)
class _Use:
    """One more use of a module: layers and values like its own, with other shapes."""

    share: ShareNode
    block: Block | None
    walk: Walk
    builder: Builder
    values: dict[Value, Value]
    layers: dict[Layer, Layer] = field(default_factory=dict["Layer", "Layer"])

    def part(self, part: Layer | Region, *, inside: bool) -> Layer | Region:
        """A layer or a region once more; `inside` a region, channels must be those of
        the first use, as expressions have spoken of them."""
        self.walk.count(self.share)
        if isinstance(part, Layer):
            return self._layer(part, inside=inside)
        start = self._value(part.input)
        region = Region(
            part.kind, part.path, part.node, start, start, block=part.block,
            arguments=part.arguments, merge=part.merge, given=part.given,
            others=tuple(map(self._value, part.others)),
        )  # fmt: skip
        if part.kind == "block" and part.block is not None:
            self.walk.enter(part.block.name)
        region.parts.extend(self.part(p, inside=inside) for p in part.parts)
        region.output = self._value(part.output)
        region.outputs = tuple(map(self._value, part.outputs))
        return region

    def _layer(self, part: Layer, *, inside: bool) -> Layer:
        inputs = tuple(self._value(value) for value in part.inputs)
        shape = self._shape(part, inputs, inside=inside)
        first = part if part.again is None else part.again.first
        layer = Layer(
            part.path, part.op, inputs, Value(shape), part.node, part.block, part.given
        )
        layer.again = Again(first, self.share)
        layer.output.layer = layer
        self.values[part.output] = layer.output
        return layer

    def _value(self, value: Value) -> Value:
        """The value in this use; what was made outside is the same in all."""
        return self.values.get(value, value)

    def _shape(
        self, part: Layer, inputs: tuple[Value, ...], *, inside: bool
    ) -> Shape | None:
        first, x = part.input_shape(), inputs[0].shape
        if x is None:
            return None
        axes = (len(x.dims), x.channel_axis) == (len(first.dims), first.channel_axis)
        if not axes or (inside and x.channels != first.channels):
            raise _Misfit(
                part, x,
                "a module that is shared reads as many axes each time"
                if not axes
                else "what is shared reads as many channels each time",
                "bring both to one shape first, or give this use a module of its own",
            )  # fmt: skip
        try:
            shape = self.builder.infer(part.op, inputs)
        except ShapeError as error:
            raise _Misfit(part, x, error.message, error.help or "") from None
        if not part.op.merges and part.op.module(x) != part.op.module(first):
            raise _Misfit(
                part, x,
                "its parameters would be others"
                if part.op.parameters(first)
                else "its module would be another one",
                "bring both to one shape first, or give this use a module of its own",
            )  # fmt: skip
        return shape


def _place(made: Layer | Region) -> Place:
    node = made.node
    assert node is not None
    return node.origin.at(_key(node))


def _key(node: Node) -> str:
    if isinstance(node, OpNode):
        return "op"
    if isinstance(node, BlockNode):
        return "block"
    return "slot" if isinstance(node, SlotNode) else "name"
