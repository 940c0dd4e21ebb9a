"""What a node does once its modifiers are dealt with: op, block, group, branches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from archc.diagnostics.model import Label, Place, Sink
from archc.network.arguments import Arguments
from archc.network.blocks import Blocks
from archc.network.building import Builder
from archc.network.clash import branch_clash
from archc.network.frame import Filling, Frame
from archc.network.graph import Layer, Region, Value
from archc.network.naming import Naming
from archc.network.scope import Layouts, Scope
from archc.network.sharing import Sharing, applied, is_module
from archc.network.slots import check_use, fill
from archc.network.walk import Walk
from archc.ops.base import Op
from archc.ops.registry import merge_op
from archc.ops.sizes import ShapeError
from archc.spec.model import (
    Block,
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    PartsNode,
    ShareNode,
    SlotNode,
    Spec,
)


class Bodies(ABC):
    """The bodies of nodes; the nodes inside them are the subclass's."""

    def __init__(self, spec: Spec, sink: Sink) -> None:
        self.spec = spec
        self.sink = sink
        self.walk = Walk(spec, sink)
        self.arguments = Arguments(sink)
        self.naming = Naming(self.walk, self.arguments)
        self.sharing = Sharing(self.naming)
        self.builder = Builder(self.arguments)
        self.blocks = Blocks(self.walk, self.arguments)
        self.layouts = Layouts(spec, sink)

    @abstractmethod
    def nodes(
        self, nodes: Sequence[Node], x: Value, scope: Scope, frame: Frame
    ) -> Value:
        """Makes nodes, each reading the one before it; the value of the last."""

    @abstractmethod
    def node(self, node: Node, x: Value, scope: Scope, frame: Frame) -> Value:
        """Makes a node with its modifiers."""

    def body(
        self,
        node: Node,
        x: Value,
        reads: tuple[Value, ...],
        name: str | None,
        scope: Scope,
        frame: Frame,
    ) -> Value:
        """The node without its modifiers."""
        self.walk.down(node)
        match node:
            case OpNode():
                inputs = reads if node.op.merges else (x,)
                y = self._op(node, inputs, name, scope, frame)
            case BlockNode():
                y = self._block(node, reads, name, scope, frame)
            case PartsNode():
                y = self._parts(node, x, scope, frame)
            case GroupNode():
                y = self._group(node, x, name, scope, frame)
            case BranchesNode():
                y = self._branches(node, x, name, scope, frame)
            case SlotNode():
                y = self._slot(node, x, name, scope, frame)
            case ShareNode():
                y = self._share(node, x, name, scope, frame)
            case _:
                self.naming.hide(node, scope, frame)
                y = Value(None)
        self.walk.up()
        if name is not None and is_module(node):
            made = self.walk.parts[-1] if y.shape is not None else None
            frame.modules[scope.local + name] = made
        return y

    def _op(
        self,
        node: OpNode,
        inputs: tuple[Value, ...],
        name: str | None,
        scope: Scope,
        frame: Frame,
    ) -> Value:
        frame.see(inputs[0])
        if name is None:
            if node.op.bare_parameter:
                self.sink.error(
                    "missing-name",
                    f"`{node.op.op}` is a parameter, so it needs a name",
                    node.origin.at("op"),
                    help='add name = "...": it is the parameter\'s name',
                )
            name = scope.default(node.op.op)
        made = self._computed(node, inputs, frame)
        if made is None:
            return Value(None)
        layer = Layer(scope.prefix + name, *made, node, frame.block)
        return self._added(layer)

    def _computed(
        self, node: OpNode, inputs: tuple[Value, ...], frame: Frame
    ) -> tuple[Op, tuple[Value, ...], Value] | None:
        """An op, what it reads and what it gives; None once something was reported."""
        op = self.builder.build(node, frame)
        if op is None or any(v.shape is None for v in inputs):
            return None
        try:
            return op, inputs, Value(self.builder.infer(op, inputs))
        except ShapeError as error:
            self.builder.refuse(node, error, inputs, frame)
            return None

    def _added(self, layer: Layer) -> Value:
        layer.output.layer = layer
        self.walk.parts.append(layer)
        return layer.output

    def _slot(
        self, node: SlotNode, x: Value, name: str | None, scope: Scope, frame: Frame
    ) -> Value:
        """What is in a slot, with the names that it sees where it was written."""
        filling = frame.slots.get(node.slot)
        if filling is None:
            return Value(None)
        given, inner = filling.node, filling.frame
        inner.see(x)
        if isinstance(given, BlockNode):
            named = name or scope.default(node.slot)
            y = self._block(given, (x,), named, scope, inner, node)
        else:
            made = self._computed(given, (x,), inner)
            if made is None:
                return Value(None)
            path = scope.prefix + (name or scope.default(node.slot))
            layer = Layer(path, *made, node, frame.block, given)
            y = self._added(layer)
        if y.shape is not None:
            part = self.walk.parts[-1]
            check_use(filling, part, node, self.sink)
            if name is None and scope.layout.style != "numbered":
                self._nameless(filling, part, node)
        return y

    def _nameless(self, filling: Filling, part: Layer | Region, node: SlotNode) -> None:
        """Reports a slot without a name, once what is put there needs one."""
        layers = (part,) if isinstance(part, Layer) else part.layers()
        if not any(layer.parameters() or layer.buffers() for layer in layers):
            return
        self.sink.error(
            "missing-name",
            f"what is put into `{node.slot}` has parameters, so the slot needs a name"
            " here",
            node.origin.at("slot"),
            Label(filling.node.origin.at(), "this is put there"),
            help='add name = "...": it is the prefix of the parameter names',
        )

    def _block(
        self,
        node: BlockNode,
        reads: tuple[Value, ...],
        name: str | None,
        scope: Scope,
        frame: Frame,
        slot: SlotNode | None = None,
    ) -> Value:
        """An instance of a block, in a slot where one is given."""
        x = reads[0]
        for output in node.outputs if name is not None else ():
            # until it is known, so that no use of it is a mistake of its own
            frame.values[f"{scope.local}{name}.{output}"] = Value(None)
        name = scope.default(node.block) if name is None else name
        block = self.spec.blocks.get(node.block)
        names, bindings = self.blocks.given(node, block, frame)
        if block is None or block.broken:
            return Value(None)
        if self.walk.looking and self.walk.instances[block.name]:
            return Value(None)  # it was looked into already
        self.walk.enter(block.name, blind=x.shape is None)
        path = f"{scope.prefix}{name}."
        inner = Frame(block, node, names, bindings, x, frame)
        region = Region(
            "block", path[:-1], slot or node, x, x, block=block, others=reads[1:],
            given=node if slot else None,
        )  # fmt: skip
        layout = self.layouts.block(block)
        with self.walk.inside(region):
            inner.see(x)
            before = self.walk.mark()
            self.blocks.defaults(node, block, inner)
            fill(block.slots, node.slots, frame, inner)
            known = (*block.parameters, *block.lets)
            region.arguments = {name: inner.names[name] for name in known}
            key = self.blocks.key(region, inner)
            if not self.blocks.repeated(key, region):
                self.inside(block, reads, Scope(path, "", layout), inner, region)
                self.blocks.keep(key, region, before)
        for output, value in zip(node.outputs, region.outputs, strict=True):
            frame.values[f"{scope.local}{name}.{output}"] = value
        return region.output

    def inside(
        self,
        block: Block,
        reads: tuple[Value, ...],
        scope: Scope,
        frame: Frame,
        region: Region,
    ) -> None:
        """The nodes of a block's instance, and what it gives."""
        self.given(block, reads, scope, frame)
        last = self.nodes(block.layers, reads[0], scope, frame)
        region.outputs = tuple(
            self.named(name, block.origin.at("outputs", number), scope, frame)
            for number, name in enumerate(block.outputs)
        )
        region.output = region.outputs[0] if block.outputs else last

    def given(
        self, block: Block, reads: tuple[Value, ...], scope: Scope, frame: Frame
    ) -> None:
        """Notes what a block calls the values that it reads."""
        for number, name in enumerate(block.inputs):
            frame.values[name] = reads[number]
            scope.take(name, block.origin.at("inputs", number), self.sink)

    def named(self, name: str, place: Place, scope: Scope, frame: Frame) -> Value:
        """The value that a name stands for behind the last node of a body."""
        value = frame.values.get(name)
        if value is None:
            if not frame.hidden(name, ""):
                self.naming.unknown(name, place, scope.local, frame)
            value = Value(None)
        self.naming.crosses("", name, place, frame)
        self.walk.read_values.add(value)
        return value

    def _group(
        self, node: GroupNode, x: Value, name: str | None, scope: Scope, frame: Frame
    ) -> Value:
        if name is None:
            return self.nodes(node.layers, x, scope, frame)
        inner = scope.inner(name, self.layouts.group(node))
        region = Region("group", inner.prefix[:-1], node, x, x)
        with self.walk.inside(region):
            region.output = self.nodes(node.layers, x, inner, frame)
        return region.output

    def _parts(self, node: PartsNode, x: Value, scope: Scope, frame: Frame) -> Value:
        first, *others = node.layers
        y = self.node(first, x, scope, frame)
        for part in others:
            if y.shape is None:  # what is wrong is wrong with all
                self.naming.name_value(part, Value(None), scope, frame)
            else:
                self.node(part, x, scope, frame)
        return y

    def _share(
        self, node: ShareNode, x: Value, name: str | None, scope: Scope, frame: Frame
    ) -> Value:
        made = self.sharing.module(node, scope, frame)
        if name is not None:
            frame.modules[scope.local + name] = made
            frame.further[scope.local + name] = node
        if made is None or x.shape is None:
            return Value(None)
        path = "" if name is None else scope.prefix + name
        region = Region("share", path, node, x, x)
        self.walk.parts.append(region)
        applied(node, made, region, self.walk, self.builder, frame)
        return region.output

    def _branches(
        self, node: BranchesNode, x: Value, name: str | None, scope: Scope, frame: Frame
    ) -> Value:
        inner = scope
        if name is not None:
            inner = scope.inner(name, self.layouts.group(node))
        region = Region(
            "branches", inner.prefix[:-1] if name else "", node, x, x, merge=node.merge
        )
        ends: list[Value] = []
        for written in node.branches:
            branch = Region("branch", "", written, x, x)
            with self.walk.inside(branch, region):
                branch.output = self.node(written, x, inner, frame)
            ends.append(branch.output)
        try:
            return self.merged(region, tuple(ends), inner, frame)
        except ShapeError as error:
            branch_clash(self.sink, error, region)
            return self.merged(region, tuple(ends), inner, frame, clash=True)

    def merged(
        self,
        region: Region,
        ends: tuple[Value, ...],
        scope: Scope,
        frame: Frame,
        *,
        clash: bool = False,
    ) -> Value:
        """Ends a skip or branches with the layer that merges them."""
        assert region.node is not None and region.merge is not None
        op = merge_op(region.merge)
        shape = None if clash else self.builder.infer(op, ends)
        path = scope.prefix + scope.invent(op.op)
        layer = Layer(path, op, ends, Value(shape), region.node, frame.block)
        layer.output.layer = layer
        region.parts.append(layer)
        region.output = layer.output
        self.walk.parts.append(region)
        return layer.output
