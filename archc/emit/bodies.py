"""The bodies of nodes on symbols: ops, blocks, groups and branches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archc.emit import shapes
from archc.emit.chains import is_chain
from archc.emit.conditions import tidy
from archc.emit.plan import Factory, Held, Met, Published, Slot, Use, slot_key
from archc.emit.terms import Terms
from archc.ops.attributes import items
from archc.ops.base import Call
from archc.ops.merge.family import Merge
from archc.ops.registry import merge_op
from archc.ops.sizes import UNKNOWN, Dim, Shape
from archc.spec.expressions import Expr, Name, Undecidable, evaluate, names_in
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    PartsNode,
    ShareNode,
    SlotNode,
)


class Bodies(Terms):
    """What a node gives without its modifiers."""

    @abstractmethod
    def node(self, node: Node, x: Shape) -> Shape:
        """The node with its modifiers."""

    def nodes(self, nodes: Sequence[Node], x: Shape) -> Shape:
        for node in nodes:
            x = self.node(node, x)
        return x

    def body(self, node: Node, met: Met, reads: tuple[Shape, ...]) -> Shape:
        match node:
            case OpNode() if node.op.merges:
                return self._merge_op(node, met, reads)
            case OpNode():
                return self._op(node, met, reads[0])
            case BlockNode():
                return self._block(node, met, reads)
            case SlotNode():
                return self._slot(node, met, reads[0])
            case ShareNode():
                return self._share(node, met, reads[0])
            case PartsNode():
                y, *_ = [self.node(part, reads[0]) for part in node.layers]
                return y
            case GroupNode() if node.name is None or is_chain(
                self.plan.reads, node.layers
            ):
                return self.nodes(node.layers, reads[0])
            case BranchesNode() if node.name is None:
                return self.branches(node, met, reads[0])
            case GroupNode() | BranchesNode():
                return self._group(node, met, reads[0])
            case _:
                raise TypeError(node)

    def _known(self, node: Node, y: Shape) -> Shape:
        """Channels that no rule gives are a number, or an argument."""
        if y.channels is not UNKNOWN:
            return y
        return y.with_channels(self.measures.channels_given(node, self.loops))

    def _as_read(self, node: Node, x: Shape) -> Shape:
        """In sizes that all occurrences read: what stands before a node may be left out
        in some of them."""
        read = self.seen.read(node, 0)
        return x if read is None else shapes.settled(x, read)

    def _merge_op(self, node: OpNode, met: Met, reads: tuple[Shape, ...]) -> Shape:
        layers, seen = self.seen.layers.get(node, ()), self.seen.output(node, "body")
        values = {k: self.value(v, reads[0]) for k, v in node.attributes.items()}
        op = shapes.symbolic(node.op, values, layers)
        assert isinstance(op, Merge)
        met.x = reads[0]
        if op.spreads or op.stacks_channels:
            y = shapes.merged(op, reads, layers, seen)
        else:
            y = shapes.output(op, reads, layers, seen)
        return self._known(node, y)

    def _op(self, node: OpNode, met: Met, x: Shape) -> Shape:
        layers = self.seen.layers.get(node, ())
        x = self._as_read(node, x)
        if x.channel_axis is None and not layers:
            # it never happens, as far as anyone knows
            x = self._known(node, replace(x, channel_axis=0))
        if node.op.category == "convolution":
            x = x.with_channels(self.named(x.channels, "width", met.lets))
        values = {k: self.value(v, x) for k, v in node.attributes.items()}
        for size in {"out_channels", "out_features"} & node.attributes.keys():
            values[size] = self.named(values[size], "width", met.lets)
        met.op = op = shapes.symbolic(node.op, values, layers)
        met.x = x
        seen = self.seen.output(node, "body")
        if op.joins_axes:
            y = shapes.joined(op, x, layers, seen)
        else:
            y = shapes.output(op, (x,), layers, seen)
        met.module = self.measures.filled(node, op.module(x), self.loops)
        y = self._known(node, y)
        if op.joins_axes or y.channels == x.channels:
            return y
        return y.with_channels(self.named(y.channels, "in_channels", met.lets))

    def _slot(self, node: SlotNode, met: Met, x: Shape) -> Shape:
        """What is put there: it mostly gives as many channels as it reads."""
        met.x = x = self._as_read(node, x)
        self.plan.slots[node.slot].met.append(x)
        y = self._given(node, x)
        if y.channels is UNKNOWN and self.seen.keeps_channels(node):
            y = x
        y = shapes.settled(y, self.seen.output(node, "body"))
        return self._known(node, y)

    def _given(self, node: SlotNode, x: Shape) -> Shape:
        """The shape that comes out of a slot; its channels are known where the class's
        own default is in it."""
        layers = self.seen.layers.get(node, ())
        given = {layer.given for layer in layers}
        inner = given.pop() if len(given) == 1 else None
        default = self.plan.slots[node.slot].node
        if inner is None or inner is not default or inner.op.joins_axes:
            return x.with_channels(UNKNOWN)
        if self.seen.regions.get(node):
            return x.with_channels(UNKNOWN)  # somewhere it is a block
        values = {k: self.default(v, x) for k, v in inner.attributes.items()}
        op = shapes.symbolic(inner.op, values, layers)
        seen = self.seen.output(node, "body")
        return shapes.output(op, (x,), layers, seen)

    def factory(
        self, node: Node, slot: Slot, *, last: bool = False
    ) -> Factory | Name | None:
        """What a node in a slot is; None where nobody can say how it is made, if nobody
        has to."""
        if isinstance(node, SlotNode):
            slot.link(self.plan.slots[node.slot])
            return self.plan.env[slot_key(node.slot)]
        channels = self.symbol((node, "channels"), "channels")
        if isinstance(node, BlockNode):
            regions = self.seen.given_regions.get(node, ())
            read = [r.input.shape for r in regions if r.input.shape is not None]
        else:
            layers = self.seen.given_layers.get(node, ())
            read = [layer.input_shape() for layer in layers]
        x = read[0] if read else self.plan.x
        x = Shape((UNKNOWN,) * len(x.dims), x.channel_axis)
        met = {shape.with_channels(UNKNOWN) for shape in slot.met}
        if not read and len(met) == 1:
            x = met.pop()  # it stands where the network has nothing
        x = x.with_channels(channels)
        if isinstance(node, BlockNode):
            use, _ = self._use(node, (x,))
            for measured in use.made.measured.values():
                use.given[measured.symbol.id] = self.measures.handed_on(
                    node, measured, self.loops
                )
            return Factory(channels, use)
        assert isinstance(node, OpNode)
        layers = self.seen.given_layers.get(node, ())
        values = {k: self.value(v, x) for k, v in node.attributes.items()}
        try:
            made = shapes.symbolic(node.op, values, layers).module(x)
        except Undecidable:
            return None
        if _is_open(made):
            # of a size that nothing says, as it is put there nowhere
            if not last:
                return None
            made = self.measures.filled(node, made, self.loops)
        return Factory(channels, made, node.op)

    def _use(
        self, node: BlockNode, reads: tuple[Shape, ...]
    ) -> tuple[Use, dict[str, Any]]:
        """The call of a block's class, and what its expressions speak of, with its
        defaults."""
        x = reads[0]
        made = self.classes.block(self, node, x)
        given = {k: self.value(v, x) for k, v in node.arguments.items()}
        use = Use(made, {made.env[k].id: v for k, v in given.items()})
        use.given[made.in_channels.id] = x.channels
        for name, inner in node.slots.items():
            factory = self.factory(inner, made.slots[name], last=True)
            assert factory is not None
            use.given[made.slots[name].symbol.id] = factory
            if isinstance(factory, Factory):
                made.slots[name].given[inner] = factory
        terms: dict[str, Any] = {**given, "in_channels": x.channels}
        block = made.block
        assert block is not None
        for key, default in block.defaults.items():
            if key not in terms:
                is_known = not isinstance(default, Expr)
                terms[key] = default if is_known else evaluate(default, terms)
        names = {made.env[k].id: v for k, v in terms.items() if k in made.env}
        names[made.in_channels.id] = x.channels
        for symbol, read in zip(made.taken.values(), reads[1:], strict=True):
            use.given[symbol.id] = names[symbol.id] = read.channels
        return use, names

    def _block(self, node: BlockNode, met: Met, reads: tuple[Shape, ...]) -> Shape:
        use, names = self._use(node, reads)
        made = use.made
        y = self._used(node, met, use, names)
        paths = self.plan.reads.given(node)
        for number, (name, shape) in enumerate(made.taps.items()):
            if name in paths:
                channels = self._from(node, shape.channels, {**use.given, **names})
                inner = shape.with_channels(channels)
                seen = self.seen.given(node, number)
                self.values[paths[name].text] = shapes.settled(inner, seen)
        return y

    def _share(self, node: ShareNode, met: Met, x: Shape) -> Shape:
        """What an earlier node's module gives: as many channels as before, where its
        uses agree and they can be told here."""
        met.x = x = self._as_read(node, x)
        shared = self.plan.reads.shared[node]
        first = shared.node if shared.alone else None
        seen = self.seen.output(node, "body")
        y = Shape((UNKNOWN,) * len(x.dims), x.channel_axis)
        if first is None:
            return self._known(node, shapes.settled(y, seen))
        before, layers = self.met.get(first), self.seen.layers.get(first, ())
        op = None if before is None else before.op
        if before is None and shared.sure and layers and isinstance(first, OpNode):
            op = layers[0].op  # of another class, whose terms say nothing here
        if op is not None and not op.joins_axes:
            y = shapes.output(op, (x,), layers, seen)
        elif before is None:
            return self._known(node, shapes.settled(y, seen))
        elif before.body is not None and self.seen.gives_as_before(node):
            channels = before.body.channels
            if channels is not UNKNOWN:
                channels = self.outward(channels, self.bound)
            y = before.body.with_channels(UNKNOWN if channels is None else channels)
        bound = self.bound if shared.sure else self.bound - self._carried()
        if y.channels is not UNKNOWN and self.outward(y.channels, bound) is None:
            y = y.with_channels(UNKNOWN)
        return self._known(node, shapes.settled(y, seen))

    def _carried(self) -> set[str]:
        """The symbols of channels that loops carry: behind one, what it ended in."""
        loops = [m.loop.carried for m in self.met.values() if m.loop is not None]
        return {s.id for c in loops if c is not None for s in (c.symbol, c.after)}

    def _group(self, node: GroupNode | BranchesNode, met: Met, x: Shape) -> Shape:
        made = self.classes.group(self, node, x)
        names: dict[str, Dim] = {
            made.env[k].id: v for k, v in self.env.items() if k in made.env
        }
        names[made.in_channels.id] = x.channels
        for path, symbol in made.taken.items():
            names[symbol.id] = self.values[path].channels
        use = Use(made, dict(names))
        y = self._used(node, met, use, names)
        for path, shape in made.taps.items():
            channels = self._from(node, shape.channels, {**use.given, **names})
            self.values[path] = shape.with_channels(channels)
        return y

    def _used(
        self, node: BlockNode | GroupNode | BranchesNode, met: Met, use: Use,
        names: Mapping[str, Any],
    ) -> Shape:  # fmt: skip
        """The value behind an instance of another class."""
        made = use.made
        for measured in made.measured.values():
            use.given[measured.symbol.id] = self.measures.handed_on(
                node, measured, self.loops
            )
        met.use = use
        assert made.result is not None
        channels = self._from(node, made.channels, {**use.given, **names})
        y = made.result.with_channels(channels)
        return self._known(node, shapes.settled(y, self.seen.output(node, "body")))

    def _from(self, node: Node, channels: Any, names: Mapping[str, Any]) -> Dim:
        """Channels over the arguments of another class in the terms of this one."""
        if isinstance(channels, Held):
            symbol = self.symbol((node, channels.attribute), channels.attribute)
            self.opaque[symbol.id] = Published(node, self.turns(), channels.attribute)
            self.bound |= {symbol.id}
            return symbol
        if not isinstance(channels, Expr):
            return channels
        if any(names[name] is UNKNOWN for name in names_in(channels)):
            return UNKNOWN
        return tidy(evaluate(channels, names))

    def own_branches(self, node: BranchesNode, x: Shape) -> Shape:
        """The branches that a class of their own is written for."""
        met = self.met[node] = Met((x,), x=x)
        met.body = self.branches(node, met, x)
        return met.body

    def branches(self, node: BranchesNode, met: Met, x: Shape) -> Shape:
        ends = [self.node(branch, x) for branch in node.branches]
        op = merge_op(node.merge)
        seen = self.seen
        y = shapes.merged(
            op, ends, seen.layers.get(node, ()),
            seen.output(node, "body"),
        )  # fmt: skip
        y = self._known(node, y)
        if op.stacks_channels:
            y = y.with_channels(self.named(y.channels, "in_channels", met.lets))
        return y


def _is_open(made: Any) -> bool:
    """Whether a call has an argument of which nothing is known."""
    if isinstance(made, Call):
        return any(map(_is_open, (*made.args, *made.kwargs.values())))
    inner = items(made)
    return made is UNKNOWN if inner is None else any(map(_is_open, inner))
