"""The walk that makes a network of a spec.

Every value's shape is known as its node is made. A node that fails yields a value
without a shape, which silences what follows from it, so that one run reports every
independent mistake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from archc.diagnostics.model import Diagnostic, Label, Place, Sink
from archc.diagnostics.suggest import did_you_mean
from archc.network.frame import Binding, Frame, blame, outer
from archc.network.graph import Claim, Head, Layer, Network, Region, Value
from archc.network.instances import Copier, Instance, exact
from archc.network.scope import (
    Layout,
    Scope,
    body_layout,
    group_layout,
    name_problem,
    named_paths,
)
from archc.network.size import MAX_NODES
from archc.ops.base import Op, Shape, ShapeError, plain
from archc.ops.registry import OPS
from archc.source.document import KeyPlace
from archc.spec.expressions import (
    SILENCED,
    Expr,
    ExpressionError,
    ListOf,
    Silenced,
    UnknownName,
    evaluate,
    names_in,
)
from archc.spec.model import (
    Arg,
    Block,
    BlockNode,
    BranchesNode,
    BrokenNode,
    GroupNode,
    HeadSpec,
    Node,
    OpNode,
    Origin,
    Spec,
    Template,
    walk,
)
from archc.spec.validate import explain, listed

MAX_DEPTH = 60
MAX_SIZE = 2**24
MAX_DIM = 2**48


class TooLarge(Exception):
    """Elaboration was stopped; the reason has been reported."""


class Elaborator:
    """One walk over a spec. `input_dims` stands in for the spec's own input."""

    def __init__(
        self, spec: Spec, sink: Sink, input_dims: tuple[int, ...] | None = None
    ) -> None:
        self.spec = spec
        self.sink = sink
        self.input_dims = input_dims
        self.visits = 0
        self.depth = 0
        self.claims: list[Claim] = []
        self.read_values: set[Value] = set()
        self.oversized: frozenset[Node] = frozenset()
        self.instances: Counter[str] = Counter()
        self.blind: Counter[str] = Counter()
        self.looking = False
        self._repeating: list[Node] = []
        self._instances: dict[Any, Instance] = {}
        self._layouts: dict[Any, Layout] = {}
        self._built: dict[Any, Op | None] = {}
        self._inferred: dict[Any, Shape] = {}
        self._parts: list[Layer | Region] = []

    def run(self) -> Network | None:
        params = self._params()
        root = self.spec.origin
        bindings = {
            name: Binding(None, root.below("params", name), arg)
            for name, arg in self.spec.params.items()
        }
        input_value = Value(self._input(params, bindings))
        frame = Frame(None, None, params, bindings, input_value)
        layout = body_layout(self.spec.layers, self.sink)
        scope = Scope("", "", layout)
        body = Region("network", "", None, input_value, input_value)
        self._parts = body.parts
        body.output = self.nodes(self.spec.layers, input_value, scope, frame)
        heads = tuple(
            head
            for spec in self.spec.heads
            if (head := self.head(spec, scope, frame)) is not None
        )
        values = {k: v for k, v in params.items() if k in self.spec.params}
        return Network(
            spec=self.spec,
            params=values,
            input=input_value,
            body=body,
            heads=heads,
            claims=tuple(self.claims),
            reads=frozenset(self.read_values),
        )

    def network_input(self) -> tuple[int, ...] | None:
        """The dimensions of the spec's input, if they can be told."""
        shape = self._input(self._params(), {})
        return None if shape is None else shape.sizes

    def unused_blocks(self) -> None:
        """Looks into blocks that the network does not have, without their arguments."""
        blocks = self.spec.blocks
        used = {
            node.block
            for block in blocks.values()
            for node in walk(block.layers)
            if isinstance(node, BlockNode)
        }
        self.looking = True
        # those that no other block uses lead to the others
        for name in sorted(blocks, key=lambda name: name in used):
            block = blocks[name]
            if block.broken or self.instances[name]:
                continue
            self.instances[name] += 1
            names: dict[str, Any] = dict.fromkeys(block.parameters, SILENCED)
            frame = Frame(block, None, names, {}, Value(None))
            frame.see(frame.input)
            scope = Scope("", "", self._body_layout(block))
            self._parts = []
            self.nodes(block.layers, frame.input, scope, frame)

    def counted(self, diagnostic: Diagnostic) -> Diagnostic:
        """A mistake in a block's definition is met in each instance.

        An instance that reads an unknown value, mostly that of the instance before it,
        cannot meet a mistake in a shape; it is taken to have the mistake too.
        """
        place = diagnostic.place
        if not isinstance(place, KeyPlace) or place.path[:1] != ("blocks",):
            return diagnostic
        name = str(place.path[1])
        met = diagnostic.occurrences + self.blind[name]
        times = max(min(met, self.instances[name]), diagnostic.occurrences)
        return replace(diagnostic, occurrences=times)

    # ---- parameters and input

    def _params(self) -> dict[str, Any]:
        """The values of [params]; one may be an expression over others."""
        pending = dict(self.spec.params)
        values: dict[str, Any] = {}
        while pending:
            ready = [
                name
                for name, arg in pending.items()
                if not isinstance(arg, Expr) or not (names_in(arg).keys() & pending)
            ]
            if not ready:
                circle = _circle(pending)
                self.sink.error(
                    "circular-params",
                    f"the parameter {listed(circle)} is defined by itself"
                    if len(circle) == 1
                    else f"the parameters {listed(circle)} are defined by each other",
                    self.spec.origin.at("params", circle[0]),
                    help="give one of them as a number",
                )
                pending = {k: v for k, v in pending.items() if k not in circle}
                values |= dict.fromkeys(circle, SILENCED)
                continue
            for name in ready:
                arg = pending.pop(name)
                origin = self.spec.origin.below("params", name)
                try:
                    values[name] = self._value(arg, values, origin)
                except Silenced:
                    values[name] = SILENCED
        return values

    def _input(
        self, params: dict[str, Any], bindings: dict[str, Binding]
    ) -> Shape | None:
        if self.input_dims is not None:
            return Shape(self.input_dims)
        if not self.spec.input:
            return None  # what is wrong with it has been reported
        origin = self.spec.origin.below("network", "input")
        dims: list[int] = []
        for number, arg in enumerate(self.spec.input):
            try:
                size = self._value(arg, params, origin.below(number))
            except Silenced:
                return None
            if not isinstance(size, int) or isinstance(size, bool):
                problem = f"an input size is a whole number, not {plain(size)}"
            elif not 1 <= size <= MAX_SIZE:
                problem = f"an input size is from 1 to {MAX_SIZE}, not {size}"
            else:
                dims.append(size)
                continue
            place, labels = blame(None, bindings, params, origin.below(number), arg)
            self.sink.error(
                "bad-value", problem, place, *labels,
                help="input = [channels, height, width]",
            )  # fmt: skip
            return None
        return Shape(tuple(dims))

    # ---- nodes

    def nodes(
        self, nodes: Sequence[Node], x: Value, scope: Scope, frame: Frame
    ) -> Value:
        for node in nodes:
            x = self.node(node, x, scope, frame)
        return x

    def node(self, node: Node, x: Value, scope: Scope, frame: Frame) -> Value:
        """The node's modifiers in their order: from, when, repeat, skip."""
        self._count(node)
        reads = (x,)
        if node.reads is not None:
            reads = self._read(node, x, scope, frame)
            x = reads[0]
        if node.broken:
            return self._unknown(node, reads, scope, frame)
        if node in self.oversized:
            self._hide(node, scope, frame)
            return self._name_value(node, Value(None), scope, frame)
        frame.see(x)
        try:
            wanted = node.when is None or self._truth(node, "when", node.when, frame)
            count = None
            if wanted and node.repeat is not None:
                count = self._repeats(node, frame)
        except Silenced:
            return self._unknown(node, reads, scope, frame)
        if not wanted:
            return self._name_value(node, x, scope, frame)
        if count is None:
            name = self._name(node, scope, frame)
            y = self._once(node, x, reads, name, scope, frame)
        else:
            y = self._repeat(node, range(count), x, reads, scope, frame)
        y = self._claim(node, y, frame)
        return self._name_value(node, y, scope, frame)

    def _unknown(
        self, node: Node, reads: tuple[Value, ...], scope: Scope, frame: Frame
    ) -> Value:
        """A node of which too much is unknown to make it: its names, and what else is
        wrong inside."""
        x = Value(None)
        reads = (x,) * len(reads)
        if node.repeat is not None or isinstance(node, BrokenNode):
            self._hide(node, scope, frame)
        if node.repeat is None:
            self._once(node, x, reads, self._name(node, scope, frame), scope, frame)
        else:
            self._repeat(node, (SILENCED,), x, reads, scope, frame)
        return self._name_value(node, self._claim(node, x, frame), scope, frame)

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
            name = self._name(node, scope, frame)
            assert name is not None
            scope = self._inner(scope, name, Layout("numbered", frozenset()))
        region = Region("repeat", scope.prefix[:-1] if own_scope else "", node, x, x)
        outer = frame.names.get(node.index)
        self._repeating.append(node)
        for i, counter in enumerate(counters):
            frame.names[node.index] = counter
            iteration = Region("iteration", "", node, x, x)
            frame.see(x)
            name = str(i) if own_scope else self._name(node, scope, frame)
            if own_scope:
                scope.number()
            if i:
                self._count(node)
            with self._inside(region, iteration):
                x = self._once(
                    node, x, reads if i == 0 else (x, *reads[1:]), name, scope, frame,
                    around,
                )  # fmt: skip
            iteration.output = x
            if own_scope:
                frame.values[f"{scope.local}{i}"] = x
            elif node.name is not None and name is not None:
                frame.values[scope.local + name] = x
        self._repeating.pop()
        if outer is None:
            frame.names.pop(node.index, None)
        else:
            frame.names[node.index] = outer
        region.output = x
        self._parts.append(region)
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
            return self._body(node, x, reads, name, scope, frame)
        frame.see(x)
        try:
            wanted = node.skip_when is None or self._truth(
                node, "skip_when", node.skip_when, frame
            )
        except Silenced:
            self._body(node, x, reads, name, scope, frame)
            return Value(None)
        if not wanted:
            return self._body(node, x, reads, name, scope, frame)
        skip = Region("skip", "", node, x, x, merge=node.skip)
        body = Region("body", "", node, x, x)
        with self._inside(skip, body):
            body.output = self._body(node, x, reads, name, scope, frame)
        side = x
        if node.shortcut is not None:
            shortcut = Region("shortcut", "", node.shortcut, x, x)
            with self._inside(skip, shortcut):
                shortcut.output = side = self.node(
                    node.shortcut, x, around or scope, frame
                )
        op = _MERGES[node.skip]
        order = (side, body.output) if node.skip == "concat" else (body.output, side)
        try:
            shape = self._infer(op, order)
        except ShapeError as error:
            from archc.network.clash import skip_clash

            skip_clash(self.sink, error, skip, side)
            shape = None
        path = scope.prefix + scope.invent(op.op)
        layer = Layer(path, op, order, Value(shape), node, frame.block)
        layer.output.layer = layer
        skip.parts.append(layer)
        skip.output = layer.output
        self._parts.append(skip)
        return layer.output

    def _body(
        self,
        node: Node,
        x: Value,
        reads: tuple[Value, ...],
        name: str | None,
        scope: Scope,
        frame: Frame,
    ) -> Value:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._stop(
                "nested-too-deeply",
                f"nodes and blocks are nested more than {MAX_DEPTH} deep",
                node,
                "flatten some of the groups or blocks",
            )
        match node:
            case OpNode():
                y = self._op(
                    node, reads if node.op.merges else (x,), name, scope, frame
                )
            case BlockNode():
                y = self._block(node, x, name, scope, frame)
            case GroupNode():
                y = self._group(node, x, name, scope, frame)
            case BranchesNode():
                y = self._branches(node, x, name, scope, frame)
            case _:
                self._hide(node, scope, frame)
                y = Value(None)
        self.depth -= 1
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
            numbered = scope.layout.style == "numbered"
            name = scope.number() if numbered else scope.invent(node.op.op)
        op = node.static or self._build(node, frame)
        if op is None or any(v.shape is None for v in inputs):
            return Value(None)
        try:
            shape = self._infer(op, inputs)
        except ShapeError as error:
            self._shape_error(node, error, inputs, frame)
            return Value(None)
        layer = Layer(scope.prefix + name, op, inputs, Value(shape), node, frame.block)
        layer.output.layer = layer
        self._parts.append(layer)
        return layer.output

    def _block(
        self, node: BlockNode, x: Value, name: str | None, scope: Scope, frame: Frame
    ) -> Value:
        if name is None:
            numbered = scope.layout.style == "numbered"
            name = scope.number() if numbered else scope.invent(node.block)
        block = self.spec.blocks.get(node.block)
        names, bindings = self._arguments(node, block, frame)
        if block is None or block.broken:
            return Value(None)
        if self.looking and self.instances[block.name]:
            return Value(None)  # it was looked into already
        self.instances[block.name] += 1
        if x.shape is None:
            self.blind[block.name] += 1
        path = f"{scope.prefix}{name}."
        inner = Frame(block, node, names, bindings, x, frame)
        region = Region(
            "block", path[:-1], node, x, x, block=block,
            arguments={p: names[p] for p in block.parameters},
        )  # fmt: skip
        layout = self._body_layout(block)
        with self._inside(None, region):
            inner.see(x)
            before = self.sink.reports, self.visits, len(self.claims)
            self._defaults(node, block, inner)
            region.arguments = {p: inner.names[p] for p in block.parameters}
            key = (block, x.shape, *(exact(v) for v in region.arguments.values()))
            known = self._instances.get(key)
            if known is not None:
                self._repeat_instance(known, region)
                return region.output
            region.output = self.nodes(block.layers, x, Scope(path, "", layout), inner)
        if region.output.shape is not None and self.sink.reports == before[0]:
            claims = tuple(self.claims[before[2] :])
            self._instances[key] = Instance(region, self.visits - before[1], claims)
        return region.output

    def _repeat_instance(self, known: Instance, region: Region) -> None:
        """Fills `region` as an equal instance was filled, under its own path."""
        self.visits += known.visits
        if self.visits > MAX_NODES:
            assert region.node is not None
            self._count(region.node)
        self.claims.extend(known.claims)
        first = known.region
        values = {first.input: region.input}
        copier = Copier(values, len(first.path), region.path)
        region.parts.extend(map(copier.copy, first.parts))
        region.output = values[first.output]
        self.read_values |= {
            new for old, new in values.items() if old in self.read_values
        }
        for inner in copier.blocks:
            self.instances[inner] += 1

    def _arguments(
        self, node: BlockNode, block: Block | None, frame: Frame
    ) -> tuple[dict[str, Any], dict[str, Binding]]:
        names: dict[str, Any] = {}
        bindings: dict[str, Binding] = {}
        for key, arg in node.arguments.items():
            origin = node.origin.below(key)
            try:
                names[key] = (
                    self._value(arg, frame.names, origin)
                    if isinstance(arg, Expr)
                    else arg
                )
            except Silenced:
                names[key] = SILENCED
            bindings[key] = Binding(frame, origin, arg)
        for key in () if block is None else block.parameters:
            names.setdefault(key, SILENCED)
        return names, bindings

    def _defaults(self, node: BlockNode, block: Block, frame: Frame) -> None:
        """Defaults may be expressions over the arguments and over earlier defaults."""
        for key, arg in block.defaults.items():
            if key in node.arguments:
                continue
            origin = block.origin.below("defaults", key)
            with suppress(Silenced):  # it stays silenced
                frame.names[key] = self._value(arg, frame.names, origin)
            frame.bindings[key] = Binding(frame, origin, arg)

    def _group(
        self, node: GroupNode, x: Value, name: str | None, scope: Scope, frame: Frame
    ) -> Value:
        if name is None:
            return self.nodes(node.layers, x, scope, frame)
        inner = self._inner(scope, name, self._layout(node))
        region = Region("group", inner.prefix[:-1], node, x, x)
        with self._inside(None, region):
            region.output = self.nodes(node.layers, x, inner, frame)
        return region.output

    def _branches(
        self, node: BranchesNode, x: Value, name: str | None, scope: Scope, frame: Frame
    ) -> Value:
        inner = scope
        if name is not None:
            inner = self._inner(scope, name, self._layout(node))
        region = Region(
            "branches", inner.prefix[:-1] if name else "", node, x, x, merge=node.merge
        )
        ends: list[Value] = []
        for written in node.branches:
            branch = Region("branch", "", written, x, x)
            with self._inside(region, branch):
                branch.output = self.node(written, x, inner, frame)
            ends.append(branch.output)
        op = _MERGES[node.merge]
        try:
            shape = self._infer(op, tuple(ends))
        except ShapeError as error:
            from archc.network.clash import branch_clash

            branch_clash(self.sink, error, region)
            shape = None
        path = inner.prefix + inner.invent(op.op)
        layer = Layer(path, op, tuple(ends), Value(shape), node, frame.block)
        layer.output.layer = layer
        region.parts.append(layer)
        region.output = layer.output
        self._parts.append(region)
        return layer.output

    def head(self, spec: HeadSpec, scope: Scope, frame: Frame) -> Head | None:
        source = frame.values.get(spec.reads)
        if source is None:
            if not frame.hidden(spec.reads, ""):
                self._unknown_node(spec.reads, spec.origin.at("from"), scope, frame)
            source = Value(None)
        self.read_values.add(source)
        region = Region("head", spec.name, spec.node, source, source)
        try:
            weight = self._value(
                spec.loss_weight, frame.names, spec.origin.below("loss_weight")
            )
        except Silenced:
            weight = 0.0
        if (
            not isinstance(weight, int | float)
            or isinstance(weight, bool)
            or weight < 0
        ):
            self.sink.error(
                "bad-value",
                f"`loss_weight` must be a number from 0, not {plain(weight)}",
                spec.origin.at("loss_weight"),
            )
            weight = 0.0
        with self._inside(None, region, keep=False):
            region.output = self.node(spec.node, source, scope, frame)
        return Head(spec.name, float(weight), source, region)

    # ---- ops

    def _build(self, node: OpNode, frame: Frame) -> Op | None:
        """The op with its expressions evaluated; None once something was reported."""
        values: dict[str, Any] = {}
        fine = True
        for key, arg in node.attributes.items():
            try:
                values[key] = (
                    self._value(arg, frame.names, node.origin.below(key))
                    if isinstance(arg, Expr)
                    else arg
                )
            except Silenced:
                fine = False
        if not fine:
            return None
        key = (node, tuple(values.values()), tuple(map(type, values.values())))
        if key not in self._built:
            self._built[key] = self._validated(node, values, frame)
        elif self._built[key] is None:
            self._validated(node, values, frame)  # count the mistake once more
        return self._built[key]

    def _validated(
        self, node: OpNode, values: dict[str, Any], frame: Frame
    ) -> Op | None:
        try:
            return node.op.model_validate(values)
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                code, message, help = explain(problem)
                if not problem["loc"]:  # about several attributes
                    self.sink.error(
                        code,
                        f"`{node.op.op}` {message}",
                        node.origin.at("op"),
                        help=help,
                    )
                    continue
                attribute = str(problem["loc"][0])
                self._blame(
                    code, f"`{attribute}` of `{node.op.op}` {message}",
                    node, attribute, node.attributes[attribute], frame, help,
                )  # fmt: skip
            return None

    def _infer(self, op: Op, inputs: tuple[Value, ...]) -> Shape | None:
        shapes: list[Shape] = []
        for value in inputs:
            if value.shape is None:
                return None
            shapes.append(value.shape)
        key = (id(op), *shapes)
        shape = self._inferred.get(key)
        if shape is None:
            shape = self._inferred[key] = op.infer(*shapes)
            if max(shape.sizes) > MAX_DIM:
                raise _beyond(op, shape)
        return shape

    def _shape_error(
        self, node: OpNode, error: ShapeError, inputs: tuple[Value, ...], frame: Frame
    ) -> None:
        if node.op.merges:
            from archc.network.clash import read_clash

            read_clash(self.sink, error, node, inputs)
            return
        arg = node.attributes.get(error.attribute or "")
        if error.attribute is not None and arg is not None:
            self._blame(
                error.code, error.message, node, error.attribute, arg, frame, error.help
            )
            return
        self.sink.error(
            error.code, error.message, node.origin.at("op"), *frame.use_labels(),
            help=error.help,
        )  # fmt: skip

    # ---- values

    def _value(self, arg: Arg, names: dict[str, Any], origin: Origin) -> Any:
        """An argument's value; Silenced once a mistake in it was reported."""
        if not isinstance(arg, Expr):
            return arg
        if isinstance(arg, ListOf):
            return tuple(
                self._value(item, names, origin.below(number))
                for number, item in enumerate(arg.items)
            )
        try:
            return evaluate(arg, names)
        except UnknownName:
            pass  # that was reported before anything was evaluated
        except ExpressionError as error:
            self.sink.error(
                error.code, error.message, origin.at(within=error.at), help=error.help
            )
        raise Silenced

    def _truth(self, node: Node, key: str, arg: Arg, frame: Frame) -> bool:
        value = self._value(arg, frame.names, node.origin.below(key))
        if isinstance(value, bool | int | float):
            return bool(value)
        self._blame("wrong-type", f"`{key}` must be true or false, not {plain(value)}",
                    node, key, arg, frame)  # fmt: skip
        raise Silenced

    def _repeats(self, node: Node, frame: Frame) -> int:
        value = self._value(node.repeat, frame.names, node.origin.below("repeat"))
        if isinstance(value, bool) or not isinstance(value, int):
            problem = f"`repeat` must be a whole number, not {plain(value)}"
            code = "wrong-type"
        elif value < 0:
            code, problem = "bad-value", f"`repeat` must be at least 0, not {value}"
        elif value > MAX_NODES:
            code = "network-too-large"
            problem = (
                f"`repeat` is {value:,}; a network has at most {MAX_NODES:,} nodes"
            )
        else:
            # a third time shows no further mistake
            return min(value, 2) if self.looking else value
        self._blame(code, problem, node, "repeat", node.repeat, frame)
        raise Silenced

    def _blame(
        self,
        code: str,
        message: str,
        node: Node,
        key: str,
        arg: Arg,
        frame: Frame,
        help: str | None = None,
    ) -> None:
        """Reports a wrong value where it was written, which may be a block's use."""
        place, labels = blame(
            frame, frame.bindings, frame.names, node.origin.below(key), arg
        )
        self.sink.error(code, message, place, *labels, help=help)

    def _claim(self, node: Node, y: Value, frame: Frame) -> Value:
        """Notes the claim of a node, and gives its value.

        Where a mistake made that unknown, the claim stands in for it, so that what
        follows is looked at as well.
        """
        if node.claim is None:
            return y
        try:
            origin = node.origin.below("shape")
            stated = tuple(
                self._value(arg, frame.names, origin.below(i))
                for i, arg in enumerate(node.claim)
            )
        except Silenced:
            return y
        for number, size in enumerate(stated):
            if type(size) is not int:
                self.sink.error(
                    "wrong-type",
                    f"a size in `shape` must be a whole number, not {plain(size)}",
                    origin.at(number),
                    help="shape = [channels, height, width], without the batch",
                )
                return y
        if y.shape is not None:
            self.claims.append(Claim(stated, y.shape, node.origin.at("shape"), y))
        elif all(size > 0 for size in stated):
            return Value(Shape(stated))
        return y

    # ---- names

    def _name(self, node: Node, scope: Scope, frame: Frame) -> str | None:
        """The node's evaluated name, noted in its scope; None if it has none."""
        if node.name is None:
            return None
        place = node.origin.at("name")
        name = self._text(node.name, node.origin.below("name"), frame)
        problem = name_problem(name)
        if "\0" in name:
            return name  # what is wrong with it has been reported
        if problem is not None:
            shown = (
                f"`{name}`"
                if node.name.fixed
                else f"`{node.name.text}`, here `{name}`,"
            )
            why, help = problem
            self.sink.error(
                "bad-name", f"{shown} cannot name a layer: {why}", place, help=help
            )
        else:
            scope.take(name, place, self.sink)
        return name

    def _text(self, template: Template, origin: Origin, frame: Frame) -> str:
        if template.fixed:
            return template.text
        parts: list[str] = []
        for part in template.parts:
            try:
                value = (
                    part
                    if isinstance(part, str)
                    else self._value(part, frame.names, origin)
                )
            except Silenced:
                value = "\0"  # no name has it, so nothing follows from it
            parts.append(str(value))
        return "".join(parts)

    def _name_value(self, node: Node, y: Value, scope: Scope, frame: Frame) -> Value:
        if node.name is not None:
            if node.name.fixed:
                frame.values[scope.local + node.name.text] = y
            elif node.repeat is None:
                text = self._text(node.name, node.origin.below("name"), frame)
                frame.values[scope.local + text] = y
        return y

    def _hide(self, node: Node, scope: Scope, frame: Frame) -> None:
        if node.name is not None:
            name = self._text(node.name, node.origin.below("name"), frame)
            frame.opaque.add(scope.local + name)

    def _read(
        self, node: Node, x: Value, scope: Scope, frame: Frame
    ) -> tuple[Value, ...]:
        found: list[Value] = []
        assert node.reads is not None
        for number, template in enumerate(node.reads):
            origin = node.read_origin(number)
            name = self._text(template, origin, frame)
            if name == "prev":
                found.append(x)
                continue
            if name == "input":
                found.append(frame.input)
                continue
            value = frame.lookup(name, scope.local)
            if value is None:
                if "\0" not in name and not frame.hidden(name, scope.local):
                    self._unknown_node(name, origin.at(), scope, frame)
                value = Value(None)
            self.read_values.add(value)
            found.append(value)
        return tuple(found)

    def _unknown_node(
        self, name: str, place: Place, scope: Scope, frame: Frame
    ) -> None:
        body = self.spec.layers if frame.block is None else frame.block.layers
        written = dict(named_paths(body))
        local = scope.local
        while True:
            later = written.get(local + name)
            if later is not None or not local:
                break
            local = outer(local)
        if later is not None:
            self.sink.error(
                "reads-later",
                f"`{name}` is not there yet: a node reads only what stands before it",
                place,
                Label(later.origin.at("name"), "it comes here"),
                help="move this node behind the one it reads",
            )
            return
        self.sink.error(
            "unknown-node",
            f"no node is called `{name}` here",
            place,
            help=did_you_mean(name, [*filter(_is_path, frame.values), "prev", "input"]),
        )

    # ---- bookkeeping

    def _body_layout(self, block: Block) -> Layout:
        layout = self._layouts.get(block)
        if layout is None:
            layout = self._layouts[block] = body_layout(block.layers, self.sink)
        return layout

    def _layout(self, node: Node) -> Layout:
        layout = self._layouts.get(node)
        if layout is None:
            inside = node.layers if isinstance(node, GroupNode) else ()
            if isinstance(node, BranchesNode):
                inside = node.branches
            layout = self._layouts[node] = group_layout(inside, self.sink)
        return layout

    def _inner(self, scope: Scope, name: str, layout: Layout) -> Scope:
        return Scope(f"{scope.prefix}{name}.", f"{scope.local}{name}.", layout)

    def _inside(
        self, parent: Region | None, region: Region, *, keep: bool = True
    ) -> _Inside:
        """What is made meanwhile goes into `region`, and `region` into its parent."""
        if keep:
            (self._parts if parent is None else parent.parts).append(region)
        return _Inside(self, region.parts)

    def enter(self, parts: list[Layer | Region]) -> list[Layer | Region]:
        outer, self._parts = self._parts, parts
        return outer

    def _count(self, node: Node) -> None:
        self.visits += 1
        if self.visits > MAX_NODES:
            self._stop(
                "network-too-large",
                f"the network has more than {MAX_NODES:,} nodes",
                node,
                "lower a `repeat`",
            )

    def _stop(self, code: str, message: str, node: Node, help: str) -> None:
        place = node.origin.at()
        if code == "network-too-large" and self._repeating:
            place = self._repeating[-1].origin.at("repeat")
        self.sink.error(code, message, place, help=help)
        raise TooLarge


class _Inside:
    __slots__ = ("elaborator", "outer", "parts")

    def __init__(self, elaborator: Elaborator, parts: list[Layer | Region]) -> None:
        self.elaborator = elaborator
        self.parts = parts

    def __enter__(self) -> None:
        self.outer = self.elaborator.enter(self.parts)

    def __exit__(self, *_: object) -> None:
        self.elaborator.enter(self.outer)


def _beyond(op: Op, shape: Shape) -> ShapeError:
    axis = next(n for n, size in enumerate(shape.sizes) if size > MAX_DIM)
    return ShapeError(
        f"`{op.op}` gives a value with more than 2**48 numbers along axis {axis + 1}",
        code="shape-too-large",
        help="look for a size or a number of channels that grows in a `repeat`",
    )


def _circle(pending: Mapping[str, Arg]) -> list[str]:
    """Parameters of which each is defined by the next, and the last by the first."""
    path = [next(iter(pending))]
    while True:
        arg = pending[path[-1]]
        assert isinstance(arg, Expr)  # what is no expression is ready
        following = next(name for name in names_in(arg) if name in pending)
        if following in path:
            return path[path.index(following) :]
        path.append(following)


def _is_path(name: str) -> bool:
    return all(part.isidentifier() or part.isdigit() for part in name.split("."))


# without attributes there is nothing to validate, and making a validator takes time
_MERGES: dict[str, Op] = {
    name: OPS[name].model_construct() for name in ("concat", "add", "mul")
}
