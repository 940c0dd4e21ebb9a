"""The walk that makes a network of a spec.

Every value's shape is known as its node is made. A node that fails yields a value
without a shape, which silences what follows from it, so that one run reports every
independent mistake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archc.diagnostics.model import Sink
from archc.network.bodies import Bodies
from archc.network.clash import skip_clash
from archc.network.frame import Frame
from archc.network.graph import Head, Network, Region, Value
from archc.network.inputs import bound, input_shapes, parameters
from archc.network.scope import Layout, Scope, check_head, defined
from archc.network.slots import fill
from archc.ops.attributes import plain
from archc.ops.registry import merge_op
from archc.ops.sizes import Shape, ShapeError
from archc.spec.expressions import SILENCED, Known, Silenced
from archc.spec.model import (
    BlockNode,
    BrokenNode,
    HeadSpec,
    Node,
    OutputSpec,
    ShareNode,
    Spec,
    alternatives,
    body_of,
    walk_given,
)


class Elaborator(Bodies):
    """One walk over a spec. `input_dims` stands in for the spec's own, only, input."""

    def __init__(
        self,
        spec: Spec,
        sink: Sink,
        input_dims: tuple[int, ...] | None = None,
        oversized: frozenset[Node] = frozenset(),
    ) -> None:
        super().__init__(spec, sink)
        self.input_dims = input_dims
        self.oversized = oversized

    def run(self) -> Network | None:
        """The network; None where its largest part was reported.

        Raises:
            TooLarge: once it was reported that the network has too many nodes.
        """
        params = parameters(self.spec, self.arguments)
        shapes = input_shapes(self.spec, params, self.arguments)
        if self.input_dims is not None:
            shapes = dict.fromkeys(shapes, Shape(self.input_dims))
        inputs = {name: Value(shape) for name, shape in shapes.items()}
        x = next(iter(inputs.values()))
        frame = Frame(None, None, params, bound(self.spec), x)
        frame.see(x)
        self.blocks.lets(
            self.spec.lets, self.spec.origin.below("network", "let"), frame
        )
        fill(self.spec.slots, {}, frame, frame)
        scope = Scope("", "", self.layouts.network, defined(self.spec))
        for given in self.spec.inputs:
            if given.name is not None:
                frame.values[given.name] = inputs[given.name]
                scope.take(given.name, given.origin.at(part="key"), self.sink)
        body = Region("network", "", None, x, x)
        self.walk.parts = body.parts
        body.output = self.nodes(self.spec.layers, x, scope, frame)
        outputs = {
            o.name: self.output(o, body, scope, frame) for o in self.spec.outputs
        }
        self._given_back(outputs, inputs)
        heads = tuple(self.head(head, scope, frame) for head in self.spec.heads)
        return Network(
            spec=self.spec,
            params={k: v for k, v in params.items() if k in self.spec.params},
            lets={name: frame.names[name] for name in self.spec.lets},
            inputs=inputs,
            body=body,
            outputs=outputs or {"output": body.output},
            heads=heads,
            claims=tuple(self.walk.claims),
            reads=frozenset(self.walk.read_values),
        )

    def unused_blocks(self) -> None:
        """Looks into blocks that the network does not have, without their arguments."""
        blocks = self.spec.blocks
        used = {
            node.block
            for block in blocks.values()
            for node in walk_given(body_of(block))
            if isinstance(node, BlockNode)
        }
        self.walk.looking = True
        # those that no other block uses lead to the others
        for name in sorted(blocks, key=lambda name: name in used):
            block = blocks[name]
            if block.broken or self.walk.instances[name]:
                continue
            self.walk.enter(name)
            known = (*block.parameters, *block.lets)
            names: dict[str, Known] = dict.fromkeys(known, SILENCED)
            frame = Frame(block, None, names, {}, Value(None))
            frame.see(frame.input)
            scope = Scope("", "", self.layouts.block(block))
            self.walk.parts = []
            reads = (frame.input, *(Value(None) for _ in block.inputs[1:]))
            region = Region("block", "", None, frame.input, frame.input, block=block)
            self.inside(block, reads, scope, frame, region)

    # ---- nodes

    def nodes(
        self, nodes: Sequence[Node], x: Value, scope: Scope, frame: Frame
    ) -> Value:
        for node in nodes:
            x = self.node(node, x, scope, frame)
        return x

    def node(self, node: Node, x: Value, scope: Scope, frame: Frame) -> Value:
        """The node's modifiers in their order: from, when, repeat, skip."""
        self.walk.count(node)
        before = x
        x = self.naming.first(node, before, scope, frame)
        if node.broken:
            reads = (x, *self.naming.others(node, before, scope, frame))
            return self._unknown(node, reads, scope, frame)
        if node in self.oversized:
            self.naming.others(node, before, scope, frame)
            self.naming.hide(node, scope, frame)
            return self.naming.name_value(node, Value(None), scope, frame)
        frame.see(x)
        try:
            wanted = node.when is None or self.arguments.truth(
                node, "when", node.when, frame
            )
            count = None
            if wanted and node.repeat is not None:
                count = self.arguments.repeats(node, frame)
        except Silenced:
            reads = (x, *self.naming.others(node, before, scope, frame))
            return self._unknown(node, reads, scope, frame)
        there = wanted and count != 0
        reads = (x, *self.naming.others(node, before, scope, frame, needed=there))
        if not wanted:
            if isinstance(node, ShareNode):
                self.sharing.name(node, scope.local, frame)
            y = self._otherwise(node, x, scope, frame)
            return self.naming.name_value(node, y, scope, frame)
        if count is None:
            name = self.naming.name(node, scope, frame)
            y = self._once(node, x, reads, name, scope, frame)
        else:
            # of a block that is looked into, a third time shows no further mistake
            counters = range(min(count, 2) if self.walk.looking else count)
            y = self._repeat(node, counters, x, reads, scope, frame)
        frame.see(x)  # what is inside has read other channels
        y = self.arguments.claim(node, y, frame, self.walk.claims)
        for other in alternatives(node):
            self.naming.name_value(other, y, scope, frame)
        return self.naming.name_value(node, y, scope, frame)

    def _otherwise(self, node: Node, x: Value, scope: Scope, frame: Frame) -> Value:
        """What stands in the place of a node that is left out, if only its input."""
        if node.otherwise is None:
            return x
        return self.node(node.otherwise, x, scope, frame)

    def _unknown(
        self, node: Node, reads: tuple[Value, ...], scope: Scope, frame: Frame
    ) -> Value:
        """A node of which too much is unknown to make it: its names, and what else is
        wrong inside."""
        x = Value(None)
        reads = (x,) * len(reads)
        # what stands in its place may have the same names
        beside = replace(scope, taken=dict(scope.taken), dotted=dict(scope.dotted))
        if node.repeat is not None or isinstance(node, BrokenNode):
            self.naming.hide(node, scope, frame)
        if node.repeat is None:
            name = self.naming.name(node, scope, frame)
            self._once(node, x, reads, name, scope, frame)
        else:
            self._repeat(node, (SILENCED,), x, reads, scope, frame)
        self._otherwise(node, x, beside, frame)
        y = self.arguments.claim(node, x, frame, self.walk.claims)
        return self.naming.name_value(node, y, scope, frame)

    def _repeat(
        self,
        node: Node,
        counters: Sequence[Any],
        x: Value,
        reads: tuple[Value, ...],
        scope: Scope,
        frame: Frame,
    ) -> Value:
        own_scope = node.name is not None and node.name.fixed
        around = scope
        if own_scope:
            name = self.naming.name(node, scope, frame)
            assert name is not None
            scope = scope.inner(name, Layout("numbered", frozenset()))
        region = Region("repeat", scope.prefix[:-1] if own_scope else "", node, x, x)
        outer = frame.names.get(node.index)
        self.walk.repeating.append(node)
        for i, counter in enumerate(counters):
            frame.names[node.index] = counter
            iteration = Region("iteration", "", node, x, x)
            frame.see(x)
            again = reads if i == 0 else (x, *reads[1:])
            name = scope.number() if own_scope else self.naming.name(node, scope, frame)
            if i:
                self.walk.count(node)
            with self.walk.inside(iteration, region):
                x = self._once(node, x, again, name, scope, frame, around)
            iteration.output = x
            if name is not None:
                frame.values[scope.local + name] = x
        self.walk.repeating.pop()
        if outer is None:
            frame.names.pop(node.index, None)
        else:
            frame.names[node.index] = outer
        region.output = x
        self.walk.parts.append(region)
        return x

    def _once(
        self,
        node: Node,
        x: Value,
        reads: tuple[Value, ...],
        name: str | None,
        scope: Scope,
        frame: Frame,
        around: Scope | None = None,
    ) -> Value:
        """The node's body, with its skip around it.

        A shortcut stands in the scope `around` a repetition that has its own.
        """
        if node.skip is None:
            return self.body(node, x, reads, name, scope, frame)
        frame.see(x)
        try:
            wanted = node.skip_when is None or self.arguments.truth(
                node, "skip_when", node.skip_when, frame
            )
        except Silenced:
            self.body(node, x, reads, name, scope, frame)
            return Value(None)
        if not wanted:
            return self.body(node, x, reads, name, scope, frame)
        skip = Region("skip", "", node, x, x, merge=node.skip)
        body = Region("body", "", node, x, x)
        with self.walk.inside(body, skip):
            body.output = self.body(node, x, reads, name, scope, frame)
        side = x
        if node.shortcut is not None:
            shortcut = Region("shortcut", "", node.shortcut, x, x)
            with self.walk.inside(shortcut, skip):
                side = self.node(node.shortcut, x, around or scope, frame)
                shortcut.output = side
        in_order = not merge_op(node.skip).commutative
        ends = (side, body.output) if in_order else (body.output, side)
        try:
            return self.merged(skip, ends, scope, frame)
        except ShapeError as error:
            skip_clash(self.sink, error, skip, side)
            return self.merged(skip, ends, scope, frame, clash=True)

    def output(
        self, spec: OutputSpec, body: Region, scope: Scope, frame: Frame
    ) -> Value:
        """The value that an output of the network names."""
        if spec.reads == "prev":
            value = body.output
        else:
            value = self.named(spec.reads, spec.origin.at(), scope, frame)
        return value

    def _given_back(
        self, outputs: Mapping[str, Value], inputs: Mapping[str, Value]
    ) -> None:
        """Reports outputs that are what the network was given."""
        known = {value for value in inputs.values() if value.shape is not None}
        for spec in self.spec.outputs:
            if outputs[spec.name] in known:
                self.sink.error(
                    "bad-value",
                    f"the output `{spec.name}` would be an input, as it was given",
                    spec.origin.at(),
                    help="name a node that is there and makes something of it",
                )

    def head(self, spec: HeadSpec, scope: Scope, frame: Frame) -> Head:
        """An auxiliary classifier on a value of the network."""
        source = self.named(spec.reads, spec.origin.at("from"), scope, frame)
        check_head(spec.node, scope.layout, self.sink)
        region = Region("head", spec.name, spec.node, source, source)
        weight = self._loss_weight(spec, frame)
        with self.walk.apart(region):
            region.output = self.node(spec.node, source, scope, frame)
        return Head(spec.name, weight, source, region)

    def _loss_weight(self, spec: HeadSpec, frame: Frame) -> float:
        origin = spec.origin.below("loss_weight")
        try:
            weight = self.arguments.value(spec.loss_weight, frame.names, origin)
        except Silenced:
            return 0.0
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if number and weight >= 0:
            return float(weight)
        self.sink.error(
            "bad-value",
            f"`loss_weight` must be a number from 0, not {plain(weight)}",
            spec.origin.at("loss_weight"),
        )
        return 0.0
