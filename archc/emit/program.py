"""The classes of a generated module, each written once, in the order they depend."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from archc.emit.body import Body, Flow, Measured, source
from archc.emit.conditions import tidy
from archc.emit.forward import feature, write_nodes
from archc.emit.layout import (
    STEP,
    WIDTH,
    Atom,
    Bracketed,
    Code,
    Doc,
    Item,
    call,
    signature,
)
from archc.emit.modules import (
    Chain,
    instance_value,
    is_chain,
    numbered_children,
    published_by,
    stem_of,
)
from archc.emit.names import Names, argument_names, camel_case, docstring, network_class
from archc.emit.occurrences import Occurrences
from archc.emit.prune import without_unused
from archc.emit.reads import Reads
from archc.emit.views import ClassView, MethodView
from archc.network.graph import Network
from archc.network.inplace import inplace_nodes
from archc.network.scope import Layout, Style, body_style, style_of
from archc.ops.base import UNKNOWN, Dim, Shape
from archc.spec.expressions import Expr, ListOf, Name, evaluate
from archc.spec.model import (
    Block,
    BlockNode,
    BranchesNode,
    GroupNode,
    Initializer,
    Node,
    OpNode,
    opened,
    used_blocks,
    walk,
)

_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(slots=True)
class Written:
    """A class that has been written and what its users must know."""

    name: str
    takes_channels: bool
    measured: tuple[Measured, ...]
    rank: int
    channel_axis: int
    channels: Any
    """Channels of its output over its arguments; None where only an instance knows."""
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    """What its constructor calls the parameters of the block."""
    arguments: tuple[str, ...] = ()
    tap_shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])
    taken: dict[str, str] = field(default_factory=dict[str, str])
    """What it calls the channels of values from outside, with the paths of these."""
    passed: tuple[str, ...] = ()
    """Which of these are arguments."""
    takes_features: bool = False
    publishes: frozenset[str] = frozenset()
    """Attributes that hold channels which no expression over its arguments gives."""

    def channels_after(self, given: dict[str, Any], channels: Dim) -> Any:
        """The channels of its output, in the terms of a caller with these arguments."""
        value = self.channels
        if not isinstance(value, Expr):
            return value
        names = given | {"in_channels": channels}
        if channels is UNKNOWN:
            names["in_channels"] = Name("in_channels")
        for key, default in self.defaults.items():
            if key not in names:
                known = not isinstance(default, Expr)
                names[key] = default if known else evaluate(default, names)
        called = {self.parameters.get(n, n): v for n, v in names.items()}
        return tidy(evaluate(value, called))


class Program:
    """All classes of one generated module."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.seen = Occurrences(network)
        self.inplace = inplace_nodes(network)
        self.roots = (network.body, *(h.region for h in network.heads))
        self.helpers: dict[str, str] = {}
        self.classes: list[ClassView] = []
        self.group_classes: dict[Node, Written] = {}
        self.published: dict[Node, str] = {}
        """Where the latest instance of a group's class is."""
        self.name_counts: Counter[str] = Counter()
        self._blocks: dict[str, Written] = {}
        self._network_body: Body | None = None
        spec = network.spec
        self.class_name = network_class(spec.name, spec.class_name, spec.title)
        self._class_names = Names(
            {self.class_name, "Permute", "ChannelSlice", "StochasticDepth"}
        )
        used = [spec.blocks[name].layers for name in used_blocks(spec)]
        for nodes in (spec.layers, *used):
            for node in walk(nodes):
                if node.name is not None:
                    self.name_counts[node.name.text] += 1

    @property
    def _classes(self) -> set[str]:
        """Names of classes, those of blocks that are yet to be written too."""
        return {*self._class_names.taken, *map(camel_case, self.network.spec.blocks)}

    def writes_network(self, body: Body) -> bool:
        return body is self._network_body

    def shape_comment(self, body: Body, node: Node) -> str | None:
        """A new output shape, for the network's own body, where it is one shape."""
        if body is not self._network_body or body.loops:
            return None
        stage = "all" if node.repeat is not None else "once" if node.skip else "body"
        text = self.seen.comment(node, stage)
        if text is None or text == self._last_comment:
            return None
        self._last_comment = text
        return text

    _last_comment: str | None = None

    # ---- blocks

    def block_class(self, name: str) -> Written:
        """The class of a block; it is written when it is first asked for."""
        if name not in self._blocks:
            self._blocks[name] = self._write_block(self.network.spec.blocks[name])
        return self._blocks[name]

    def _write_block(self, block: Block) -> Written:
        class_name = self._class_names.free(camel_case(block.name))
        instances = [
            region
            for regions in self.seen.regions.values()
            for region in regions
            if region.block is block
        ]
        shapes = [r.input.shape for r in instances if r.input.shape is not None]
        values = {
            p: [r.arguments[p] for r in instances if p in r.arguments]
            for p in block.parameters
        }
        names = argument_names(block.parameters, self._classes)
        body = self._body(block.layers, block.parameters)
        body.instances = instances
        x = _block_input(shapes)
        flow = self._write(body, block.layers, x)
        init_arguments = ["self"]
        takes_channels = _reads(body, "in_channels")
        if takes_channels:
            init_arguments.append("in_channels: int")
        init_arguments += [f"{names[p]}: {_type(values[p])}" for p in block.required]
        measured = tuple(m for m in body.measured if _reads(body, m.name))
        init_arguments += [_measured_argument(m, body) for m in measured]
        prelude: list[str] = []
        for key, default in block.defaults.items():
            kind = _type(
                [*values[key], *([] if isinstance(default, Expr) else [default])]
            )
            if isinstance(default, Expr):
                init_arguments.append(f"{names[key]}: {kind} | None = None")
                text = source(
                    evaluate(default, body.env | {"in_channels": Name("in_channels")})
                )
                name = names[key]
                prelude += [f"if {name} is None:", f"    {name} = {text}"]
                takes_channels = takes_channels or "in_channels" in text
            else:
                value = source(_tupled(default))
                init_arguments.append(f"{names[key]}: {kind} = {value}")
        if takes_channels and "in_channels: int" not in init_arguments:
            init_arguments.insert(1, "in_channels: int")
        channels = body.closed(flow.channels)
        if channels is UNKNOWN:
            channels = None
        if channels is None and isinstance(flow.channels, Expr):
            body.init.put("self.out_channels = ", body.doc(flow.channels))
        self._finish(class_name, block.doc, body, init_arguments, prelude, flow)
        return Written(
            class_name, takes_channels, measured, len(flow.shape.dims),
            flow.shape.channel_axis, channels, dict(block.defaults), names,
        )  # fmt: skip

    def _body(self, nodes: Sequence[Node], arguments: Sequence[str]) -> Body:
        fixed = {n.name.text for n in opened(tuple(nodes)) if n.name and n.name.fixed}
        spec = self.network.spec
        names = argument_names(arguments, self._classes)
        reads = Reads(nodes, spec.heads if nodes is spec.layers else ())
        return Body(
            program=self,
            style=body_style(nodes),
            env={a: Name(name) for a, name in names.items()},
            arguments=(*names.values(), "in_channels"),
            children=frozenset(fixed),
            reads=reads,
            locals=Names({*names.values(), "in_channels"}),
            vars=Names({"features"} if reads.saved else ()),
            sole=_sole(nodes),
        )

    # ---- named groups that are no chain

    def group_module(
        self, outer: Body, node: Node, flow: Flow, target: str
    ) -> tuple[Doc, Flow]:
        """The constructor call of a named group's own class."""
        if node not in self.group_classes:
            self.group_classes[node] = self._write_group(outer, node, flow)
        made = self.group_classes[node]
        items: list[Item] = []
        if made.takes_channels:
            items.append(Item(outer.doc(flow.channels)))
        items += [Item(outer.doc(outer.env[a])) for a in made.arguments]
        items += [
            Item(outer.doc(outer.values[made.taken[name]].channels), name)
            for name in made.passed
        ]
        items += [
            Item(outer.doc(instance_value(outer, node, m)), m.name)
            for m in made.measured
        ]
        if made.takes_features:
            items.append(Item(Atom("feature_channels"), "feature_channels"))
        doc: Doc = Bracketed(made.name, tuple(items))
        if made.publishes:
            stem = "group" if node.name is None else stem_of(node.name, "group")
            doc, self.published[node] = published_by(outer, target, stem, doc)
        channels = self.in_terms_of(outer, node, made.channels, flow)
        shape = Shape((UNKNOWN,) * made.rank, made.channel_axis).with_channels(channels)
        settled = self.seen.settle(shape, node, "body")
        return doc, Flow(flow.var, settled)

    def in_terms_of(self, outer: Body, node: Node, channels: Any, flow: Flow) -> Any:
        """Channels over the arguments of a group's class in terms of its caller's."""
        if not isinstance(channels, Expr):
            return channels
        made = self.group_classes[node]
        if isinstance(channels, Name) and channels.id in made.publishes:
            return Name(f"{self.published[node]}.{channels.id}")
        called = argument_names(outer.env, self._classes)
        names = {called[n]: value for n, value in outer.env.items()} | {
            "in_channels": flow.channels
        }
        names |= {n: outer.values[p].channels for n, p in made.taken.items()}
        return tidy(evaluate(channels, names))

    def _write_group(self, outer: Body, node: Node, flow: Flow) -> Written:
        stem = node.name.text if node.name and node.name.fixed else "stage"
        class_name = self._class_names.free(camel_case(stem))
        inner = node.layers if isinstance(node, GroupNode) else (node,)
        members = node.layers if isinstance(node, GroupNode) else ()
        if isinstance(node, BranchesNode):
            members = node.branches
        names = argument_names(outer.env, self._classes)
        fixed = {n.name.text for n in opened(tuple(members)) if n.name and n.name.fixed}
        body = Body(
            program=self,
            style=style_of(members),
            env={n: Name(name) for n, name in names.items()},
            arguments=(*names.values(), "in_channels"),
            children=frozenset(fixed),
            reads=outer.reads,
            owns_features=False,
            instances=self.seen.regions[node],
            locals=Names({*names.values(), "in_channels"}),
            vars=Names({"features"} if outer.reads.saved else ()),
        )
        needs = outer.reads.needs(node)
        taken: dict[str, str] = {}
        for path in needs.values:
            given = outer.values[path]
            var = body.vars.free(re.split(r"[.{]", path)[-1] or "inputs")
            channels = given.channels
            if isinstance(channels, Expr):
                name = body.locals.free(f"{var}_channels")
                taken[name] = path
                channels = Name(name)
            body.values[path] = Flow(var, given.shape.with_channels(channels))
        body.arguments = (*body.arguments, *taken)
        x = Flow("x", flow.shape.with_channels(Name("in_channels")))
        body.iterator = body.style == "numbered" and not numbered_children(members)
        if isinstance(node, BranchesNode):
            from archc.emit.forward import write_branches

            result = write_branches(body, node, x, "x")
        else:
            result = write_nodes(body, inner, x)
        channels = _published(body, result.channels, "out_channels")
        used = tuple(n for n, name in names.items() if _reads(body, name))
        passed = tuple(n for n in taken if _reads(body, n))
        takes_channels = _reads(body, "in_channels")
        takes_features = _reads(body, "feature_channels")
        arguments = ["self", *(["in_channels: int"] if takes_channels else [])]
        arguments += [f"{names[n]}: {self._argument_type(outer, n)}" for n in used]
        arguments += [f"{n}: int" for n in passed]
        measured = tuple(m for m in body.measured if _reads(body, m.name))
        arguments += [_measured_argument(m, body) for m in measured]
        arguments += ["feature_channels: dict[str, int]"] if takes_features else []
        given_to_forward = [f"{body.values[path].var}: Tensor" for path in needs.values]
        given_to_forward += ["features: dict[str, Tensor]"] if needs.features else []
        taps = outer.reads.taps(node)
        tap_flows = [body.values[t] for t in taps]
        tap_shapes = {
            path: f.shape.with_channels(
                _published(body, f.channels, f"{f.var}_channels")
            )
            for path, f in zip(taps, tap_flows, strict=True)
        }
        self._finish(
            class_name, node.doc, body, arguments, [], result, tap_flows,
            inputs=given_to_forward,
        )  # fmt: skip
        return Written(
            class_name, takes_channels, measured, len(result.shape.dims),
            result.shape.channel_axis, channels, {}, {}, used,
            tap_shapes,
            taken, passed, takes_features, frozenset(body.published),
        )  # fmt: skip

    def _argument_type(self, outer: Body, name: str) -> str:
        if name in self.network.params:
            return _type([self.network.params[name]])
        for block in self.network.spec.blocks.values():
            if name in block.parameters:
                seen = [
                    r.arguments[name]
                    for regions in self.seen.regions.values()
                    for r in regions
                    if r.block is block
                ]
                return _type(seen)
        return "int"

    # ---- the network

    def write_network(self) -> None:
        spec = self.network.spec
        params = {k: v for k, v in self.network.params.items()}
        derived = {
            k: a
            for k, a in spec.params.items()
            if isinstance(a, Expr) and not isinstance(a, ListOf)
        }
        body = self._body(spec.layers, tuple(params))
        names = argument_names(params, self._classes)
        body.locals = Names(names.values())
        body.arguments = tuple(names.values())
        self._network_body = body
        body.instances = self.roots
        shape = self.network.input.shape
        assert shape is not None
        channels = (
            evaluate(spec.input[0], body.env)
            if isinstance(spec.input[0], Expr)
            else None
        )
        if channels is not None:
            shape = shape.with_channels(channels)
        self._last_comment = str(self.network.input.shape)
        flow = self._write(body, spec.layers, Flow("x", shape))
        fields = self._write_heads(body, flow) if self.network.heads else None
        used = [p for p, name in names.items() if _reads(body, name)]
        for name in used:
            needed = _expression_names(derived[name]) if name in derived else set[str]()
            used += [p for p in params if p in needed and p not in used]
        arguments: list[str | Doc] = ["self"]
        for name in params:
            if name in used and name not in derived:
                value = params[name]
                head = f"{names[name]}: {_type([value])}"
                arguments.append(_argument(head, _tupled(value)))
        prelude = [
            f"{names[name]} = {source(evaluate(arg, body.env))}"
            for name, arg in _in_order(derived)
            if name in used
        ]
        self._finish(
            self.class_name,
            f"{(spec.title or spec.name).rstrip('.')}.",
            body,
            arguments,
            prelude,
            flow,
            (),
            fields,
        )

    def _write_heads(self, body: Body, flow: Flow) -> str:
        """The auxiliary classifiers, in training only; gives the result's class."""
        outputs = self._class_names.free(f"{self.class_name}Outputs")
        rank = len(flow.shape.dims)
        main = "logits" if rank == 1 else "output"
        names = [h.name for h in self.network.heads]
        main = main if main not in names else "main"
        fields = [f"{n}: Tensor" for n in (main, *names)]
        doc = (
            "What training returns: the output and those of the auxiliary classifiers."
        )
        outer, body.forward = body.forward, body.forward.deeper()
        items = [Item(Atom(flow.var))]
        for head in self.network.spec.heads:
            x = self._head_source(body, head.name)
            single = head.node.skip is None and head.node.repeat is None
            if (
                single
                and not isinstance(head.node, OpNode)
                and not (isinstance(head.node, GroupNode) and head.node.name is None)
            ):
                from archc.emit.forward import expression

                doc_, _ = expression(body, head.node, x)
                items.append(Item(doc_))
            else:
                end = write_nodes(
                    body, (head.node,), x, body.vars.free(f"{head.name}_out")
                )
                items.append(Item(Atom(end.var)))
        inner, body.forward = body.forward, outer
        body.forward.add("if self.training:")
        inner.put("return ", Bracketed(outputs, tuple(items)))
        body.forward.lines += inner.lines
        self.classes.append(ClassView(outputs, "NamedTuple", (doc,), tuple(fields), ()))
        return outputs

    def _head_source(self, body: Body, name: str) -> Flow:
        source = body.reads.heads[name]
        if source.kind == "value":
            return body.values[source.key.text]
        shape = next(h.source.shape for h in self.network.heads if h.name == name)
        assert shape is not None
        return Flow(feature(body, source.key, shape).var, shape)

    # ---- common to all classes

    def _write(self, body: Body, nodes: Sequence[Node], x: Flow) -> Flow:
        body.iterator = body.style == "numbered" and not numbered_children(nodes)
        if body.style == "numbered" and is_chain(body, nodes):
            chain = Chain(body, "numbered", "self", "super().__init__")
            flow = chain.add(nodes, x)
            if not chain.open:
                chain.start()
            body.iterator = False
            body.is_chain = True
            return flow
        if any(
            t.fixed and t.text == "input"
            for n in walk(tuple(nodes))
            for t in n.reads or ()
        ):
            inputs = body.vars.free("inputs")
            body.forward.add(f"{inputs} = x")
            body.values[""] = Flow(inputs, x.shape)
        return write_nodes(body, nodes, x)

    def _finish(
        self,
        name: str,
        doc: str | None,
        body: Body,
        arguments: Sequence[str | Doc],
        prelude: Sequence[str],
        flow: Flow,
        taps: Sequence[Flow] = (),
        outputs: str | None = None,
        inputs: Sequence[str] = (),
    ) -> None:
        """Puts a class together from what was written."""
        chain = body.is_chain
        base = "nn.Module"
        if body.style == "numbered":
            base = "nn.Sequential" if chain else "nn.ModuleList"
        init = list(prelude)
        if not chain:
            init.append("super().__init__()")
        init += [
            f"self.{a} = {source(v)}"
            for a, v in body.stored.items()
            if _is_read(body, a)
        ]
        if body.owns_features and body.reads.measured:
            init.append("feature_channels: dict[str, int] = {}")
        init = without_unused([*init, *body.init.lines])
        methods: list[MethodView] = []
        is_network = body is self._network_body
        if is_network and self.network.spec.init:
            init.append("self._initialize_weights()")
        if init != ["super().__init__()"] or len(arguments) > 1:
            methods.append(
                MethodView(
                    tuple(signature("__init__", arguments, "None")), None, tuple(init)
                )
            )
        if not chain:
            returns = "Tensor" if outputs is None else f"Tensor | {outputs}"
            if taps:
                returns = f"tuple[{', '.join(['Tensor'] * (len(taps) + 1))}]"
            lines = without_unused(_forward_lines(body, flow, taps), names_only=True)
            header = signature("forward", ["self", "x: Tensor", *inputs], returns)
            methods.append(MethodView(tuple(header), None, tuple(lines)))
        if is_network and self.network.spec.init:
            methods.append(self._initializer())
        docs = tuple(_doc_lines(doc)) if doc else ()
        fields = self._class_fields(is_network)
        if not (docs or fields or methods):
            fields = ("pass",)
        self.classes.append(ClassView(name, base, docs, fields, tuple(methods)))

    def _class_fields(self, is_network: bool) -> tuple[str, ...]:
        if not is_network or not self.network.heads:
            return ()
        weights = ", ".join(
            f'"{h.name}": {h.loss_weight!r}' for h in self.network.heads
        )
        return (
            "# the weight of each auxiliary classifier's loss in training",
            f"loss_weights: ClassVar[dict[str, float]] = {{{weights}}}",
        )

    def _initializer(self) -> MethodView:
        """Weight initialisation as `[init]` states it."""
        code = Code()
        code.add("for module in self.modules():")
        inner = code.deeper()
        alike: dict[tuple[str, ...], list[str]] = {}
        for op, parameters in self.network.spec.init.items():
            lines = self._initialization(op, parameters, inner)
            alike.setdefault(lines, []).append(_MODULES[op])
        for number, (lines, kinds) in enumerate(alike.items()):
            word = "elif" if number else "if"
            inner.add(f"{word} isinstance(module, {' | '.join(kinds)}):")
            inner.lines += lines
        code.lines += inner.lines
        return MethodView(
            tuple(signature("_initialize_weights", ["self"], "None")),
            None,
            tuple(code.lines),
        )

    def _initialization(
        self, op: str, parameters: Mapping[str, Initializer], around: Code
    ) -> tuple[str, ...]:
        """The statements for one op's modules."""
        row = around.deeper()
        for parameter, how in parameters.items():
            args = {k: Atom(source(v)) for k, v in how.arguments.items()}
            line = call(f"nn.init.{how.function}", Atom(f"module.{parameter}"), **args)
            test = self._absent(op, parameter)
            if test is not None:
                row.add(f"if {test}:")
                deeper = row.deeper()
                deeper.put("", line)
                row.lines += deeper.lines
            else:
                row.put("", line)
        return tuple(row.lines)

    def _absent(self, op: str, parameter: str) -> str | None:
        """The test for a parameter that not every module of the op has."""
        if op in ("conv2d", "conv_transpose2d"):
            return "module.bias is not None" if parameter == "bias" else None
        layers = [layer for root in self.roots for layer in root.layers()]
        if all(
            parameter in layer.op.parameters(layer.input_shape())
            for layer in layers
            if layer.op.op == op
        ):
            return None
        # torch's annotations say that it is always there, so that pyright would object
        return f'getattr(module, "{parameter}", None) is not None'


_MODULES = {
    "conv2d": "nn.Conv2d",
    "conv_transpose2d": "nn.ConvTranspose2d",
    "linear": "nn.Linear",
    "batch_norm1d": "nn.BatchNorm1d",
    "batch_norm2d": "nn.BatchNorm2d",
    "group_norm": "nn.GroupNorm",
    "layer_norm": "nn.LayerNorm",
}


def _sole(nodes: Sequence[Node]) -> Node | None:
    """The repeated module that a body consists of, so that `forward` runs its children.

    It must not need the counter in `forward`, and nothing may be read by name.
    """
    if len(nodes) != 1:
        return None
    node = nodes[0]
    plain = node.when is None and node.skip_when is None and node.shortcut is None
    many = node.repeat is not None and node.name is not None and not node.name.fixed
    module = isinstance(node, BlockNode | OpNode) and node.reads is None
    return node if plain and many and module else None


def _forward_lines(body: Body, flow: Flow, taps: Sequence[Flow]) -> list[str]:
    lines = list(body.forward.lines)
    if body.iterator:
        lines.insert(0, "layers = iter(self)")
    if body.owns_features and body.reads.saved:
        lines.insert(0, "features: dict[str, Tensor] = {}")
    if taps:
        return [*lines, f"return {', '.join([flow.var, *(t.var for t in taps)])}"]
    last = lines[-1] if lines else ""
    if last.startswith(f"{flow.var} = "):
        # nothing comes between the last value and the caller
        direct = "return " + last.removeprefix(f"{flow.var} = ")
        if len(direct) > WIDTH - 2 * STEP:
            direct = direct.partition("  # ")[0]
        if len(direct) <= WIDTH - 2 * STEP:
            return [*lines[:-1], direct]
    return [*lines, f"return {flow.var}"]


def _is_read(body: Body, attribute: str) -> bool:
    return any(
        re.search(rf"\bself\.{attribute}\b", line) for line in body.forward.lines
    )


def _reads(body: Body, name: str) -> bool:
    """Whether the constructor reads a name: no attribute, keyword or text is meant."""
    used = re.compile(rf"(?<![\w.\"]){name}\b(?!=)")
    stored = {n for v in body.stored.values() for n in _expression_names(v)}
    return name in stored or any(map(used.search, body.init.lines))


def _published(body: Body, channels: Any, name: str) -> Any:
    """Channels over a class's arguments, or else the attribute that holds them."""
    closed = body.closed(channels)
    if closed is not None:
        return closed
    while name in body.children or name in body.published:
        name += "_"
    body.published.add(name)
    body.init.put(f"self.{name} = ", body.doc(channels))
    return Name(name)


def _in_order(derived: dict[str, Expr]) -> list[tuple[str, Expr]]:
    """Parameters that are defined by others, each behind those that it reads."""
    ordered: dict[str, Expr] = {}
    while len(ordered) < len(derived):
        for name, arg in derived.items():
            if not (_expression_names(arg) & derived.keys()) - ordered.keys():
                ordered[name] = arg
    return list(ordered.items())


def _expression_names(value: Any) -> set[str]:
    return set(_WORD.findall(source(value))) if isinstance(value, Expr) else set()


def _block_input(shapes: Sequence[Shape]) -> Flow:
    """A block's input: symbolic channels, sizes where all instances agree."""
    channels = Name("in_channels")
    if not shapes:
        return Flow("x", Shape((channels, UNKNOWN, UNKNOWN)))
    first = shapes[0]
    dims = tuple(
        size if all(s.dims[i : i + 1] == (size,) for s in shapes) else UNKNOWN
        for i, size in enumerate(first.dims)
    )
    return Flow("x", Shape(dims, first.channel_axis).with_channels(channels))


def _measured_argument(measured: Measured, body: Body) -> str:
    seen = {v for region in body.instances for v in measured.values(region)}
    return f"{measured.name}: {_type([v for v in seen if v is not None])}"


def _tupled(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return tuple(map(_tupled, cast("list[Any]", value)))


def _type(values: Sequence[Any]) -> str:
    """The annotation for an argument that takes these values."""
    kinds: dict[str, None] = {}
    for value in values:
        kinds[_kind(value)] = None
    if "float" in kinds:
        kinds.pop("int", None)
    return (
        " | ".join(sorted(kinds, key=lambda k: (k not in ("int", "float", "bool"), k)))
        or "int"
    )


def _argument(declared: str, default: Any) -> str | Doc:
    """An argument with its default; a list can be broken over several lines."""
    if _is_long(default):
        return _elements(f"{declared} = ", default)
    return f"{declared} = {source(default)}"


def _elements(head: str, values: tuple[Any, ...]) -> Bracketed:
    items: list[Item] = []
    for value in values:
        broken = _is_long(value)
        items.append(Item(_elements("", value) if broken else Atom(source(value))))
    return Bracketed(head, tuple(items))


def _is_long(value: Any) -> bool:
    return isinstance(value, tuple) and len(cast("tuple[Any, ...]", value)) > 1


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case (int(), int()):
            return "tuple[int, int]"
        case tuple():
            return f"Sequence[{_type(value)}]"  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return "int"


def _doc_lines(doc: str) -> list[str]:
    import textwrap

    text = docstring(" ".join(doc.split()))
    lines = textwrap.wrap(text, 78)
    if len(lines) == 1:
        return lines
    first, *rest = textwrap.wrap(text, 81)
    if not rest:
        # one line, but for the closing quotes
        first, *rest = textwrap.wrap(text, 72)
    return [first, *textwrap.wrap(" ".join(rest), 84)]


__all__ = ["Layout", "Program", "Style", "Written"]
