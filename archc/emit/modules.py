"""Constructor calls: the module of an op, of a block's instance, of a named group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archc.emit.body import Body, Flow, Measured
from archc.emit.layout import Atom, Bracketed, Doc, Item, call
from archc.emit.names import snake_case
from archc.network.graph import Region
from archc.network.scope import Style, style_of
from archc.ops.base import UNKNOWN, Call, Op, Shape
from archc.spec.expressions import (
    Binary,
    Expr,
    Index,
    ListOf,
    Name,
    Undecidable,
    as_expr,
)
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    Template,
    children,
)


def symbolic_op(body: Body, node: OpNode, flow: Flow) -> Op:
    """The op with attributes in the constructor's terms."""
    values = {k: body.value(v, flow.channels) for k, v in node.attributes.items()}
    return node.op.model_construct(_fields_set=set(values), **values)


def inferred(body: Body, op: Op, node: OpNode, flow: Flow) -> Flow:
    """The value behind an op: its shape rule run on symbols."""
    try:
        shape = op.infer(flow.shape)
    except Undecidable:
        shape = None
    dims = flow.shape.dims
    if op.op == "flatten" and shape is not None and len(shape.dims) == 1:
        shape = Shape((_product(dims),))
    settled = body.program.seen.settle(shape, node, "body")
    if op.op == "flatten" and settled.channels is UNKNOWN:
        settled = settled.with_channels(_length(body, node))
    if op.op == "channel_slice":
        settled = settled.with_channels(body.short(settled.channels, "channels"))
    return Flow(flow.var, settled)


def _length(body: Body, node: OpNode) -> Any:
    """The length that a flattened value has: a number, or a constructor argument."""

    def lengths(region: Region) -> set[Any]:
        return {
            layer.output_shape().channels
            for layer in region.layers()
            if layer.node is node and isinstance(layer.op, node.op)
        }

    length = _number_or_argument(body, node, lengths)
    return UNKNOWN if length is None else length


def _product(dims: Sequence[Any]) -> Any:
    """C * H * W, kept as a product for the reader; sizes of one are left out."""
    if UNKNOWN in dims:
        return UNKNOWN
    total = dims[0]
    for size in dims[1:]:
        if size != 1:
            total = Binary("*", as_expr(total), as_expr(size))
    return total


def op_module(body: Body, node: OpNode, flow: Flow) -> tuple[Doc, Flow]:
    """The module of an op and the value behind it."""
    if node.op.category == "convolution":
        flow = flow.with_channels(body.short(flow.channels))
    op = symbolic_op(body, node, flow)
    for size in {"out_channels", "out_features"} & node.attributes.keys():
        op = op.model_copy(update={size: body.short(getattr(op, size))})
    made = op.module(flow.shape)
    made = _measured(body, made, node)
    if op.helper is not None:
        body.program.helpers[made.function] = op.helper
    if node in body.program.inplace:
        made = Call(made.function, made.args, {**made.kwargs, "inplace": True})
    return call_doc(body, made), inferred(body, op, node, flow)


def call_doc(body: Body, made: Call) -> Bracketed:
    args = [
        call_doc(body, a) if isinstance(a, Call) else body.doc(a) for a in made.args
    ]
    return call(
        made.function, *args, **{k: body.doc(v) for k, v in made.kwargs.items()}
    )


def _measured(body: Body, made: Call, node: OpNode) -> Call:
    """Fills in what no expression gives: a number, or a constructor argument."""
    if UNKNOWN not in made.args:
        return made
    args = list(made.args)
    for position, arg in enumerate(args):
        if arg is not UNKNOWN:
            continue

        def concrete(region: Region, position: int = position) -> set[Any]:
            return {
                layer.op.module(layer.input_shape()).args[position]
                for layer in region.layers()
                if layer.node is node and isinstance(layer.op, node.op)
            }

        args[position] = _number_or_argument(body, node, concrete)
        if args[position] is None:
            # nothing in this network shows the size: let torch find it
            return Call(
                f"nn.Lazy{made.function[3:]}", tuple(made.args[1:]), made.kwargs
            )
    return Call(made.function, tuple(args), made.kwargs)


def _number_or_argument(
    body: Body, node: Node, values: Callable[[Region], set[Any]]
) -> Any:
    """One number where all instances agree on it, else a new constructor argument.

    Inside loops it is one number for each iteration.
    """
    loops = tuple(body.loop_nodes)
    everywhere = {_spread(region, loops, values) for region in body.instances} - {None}
    if not everywhere:
        return None
    if len(everywhere) == 1:
        value: Any = everywhere.pop()
        if isinstance(value, tuple):
            value = ListOf(value)  # pyright: ignore[reportUnknownArgumentType]
    else:
        stem = node.name.text if node.name is not None and node.name.fixed else "in"
        name = body.locals.free(f"{stem}_features")
        body.measured.append(Measured(name, lambda r: {_spread(r, loops, values)}))
        value = Name(name)
    for counter in body.loops:
        value = Index(value, Name(counter))
    return value


def _spread(
    region: Region, loops: tuple[Node, ...], values: Callable[[Region], set[Any]]
) -> Any:
    """The value inside a region; a tuple over the iterations of each of the loops."""
    if not loops:
        found = values(region)
        return found.pop() if len(found) == 1 else None
    for inner in region.regions():
        if inner.kind == "repeat" and inner.node is loops[0]:
            parts = [p for p in inner.parts if isinstance(p, Region)]
            return tuple(_spread(part, loops[1:], values) or 0 for part in parts)
    return None


# ------------------------------------------------------------------------- instances

_KEYWORDS = frozenset(
    {"kernel_size", "stride", "padding", "dilation", "groups", "bias", "p", "eps"}
)


def published_by(body: Body, target: str, stem: str, doc: Doc) -> tuple[Doc, str]:
    """A module, and the name under which its attributes can be read.

    That is the attribute that the module will be, where it surely will be one, else a
    local.
    """
    if target.startswith("self.") and not body.is_nested:
        return doc, target
    local = body.locals.free(stem)
    body.bound.add(local)
    body.init.put(f"{local} = ", doc)
    return Atom(local), local


def block_module(
    body: Body, node: BlockNode, flow: Flow, target: str
) -> tuple[Doc, Flow]:
    """The constructor call of a block's instance and the value behind it."""
    made = body.program.block_class(node.block)
    block = body.program.network.spec.blocks[node.block]
    given = {k: body.value(v, flow.channels) for k, v in node.arguments.items()}
    items: list[Item] = []
    if made.takes_channels:
        items.append(Item(body.doc(_channels(body, node, flow))))
    named = False
    for parameter in block.required:
        # what nn's constructors are told by keyword reads best so here as well
        named = named or parameter in _KEYWORDS
        name = made.parameters[parameter] if named else None
        items.append(Item(body.doc(given[parameter]), name))
    for measured in made.measured:
        value = instance_value(body, node, measured)
        items.append(Item(body.doc(value), measured.name))
    items += [
        Item(body.doc(given[p]), made.parameters[p])
        for p in block.defaults
        if p in given
    ]
    doc: Doc = Bracketed(made.name, tuple(items))
    channels = made.channels_after(given, flow.channels)
    shape = Shape((UNKNOWN,) * made.rank, made.channel_axis).with_channels(channels)
    if channels is None:
        # only the instance itself can tell
        stem = snake_case(node.block)
        if node.name is not None:
            stem = stem_of(node.name, stem)
        doc, name = published_by(body, target, stem, doc)
        shape = shape.with_channels(Name(f"{name}.out_channels"))
    return doc, Flow(flow.var, body.program.seen.settle(shape, node, "body"))


def _channels(body: Body, node: Node, flow: Flow) -> Any:
    if flow.channels is not UNKNOWN:
        return flow.channels

    def read(region: Region) -> set[Any]:
        shapes = {r.input.shape for r in _instances(node, region)}
        return {shape.channels for shape in shapes if shape is not None}

    value = _number_or_argument(body, node, read)
    return 0 if value is None else value


def _instances(node: Node, region: Region) -> list[Region]:
    kinds = ("block", "group", "branches")
    return [r for r in region.regions() if r.node is node and r.kind in kinds]


def instance_value(body: Body, node: Node, measured: Measured) -> Any:
    """What one instance of a class is given for what it cannot know."""

    def values(region: Region) -> set[Any]:
        return {v for r in _instances(node, region) for v in measured.values(r)}

    value = _number_or_argument(body, node, values)
    return 0 if value is None else value


# ------------------------------------------------------------------ groups and chains


def is_chain(body: Body, nodes: Sequence[Node]) -> bool:
    """Whether the nodes can be the children of one nn.Sequential."""
    return all(_is_link(body, node) for node in nodes)


def _is_link(body: Body, node: Node) -> bool:
    if node.reads is not None or node.skip is not None:
        return False
    if isinstance(node, OpNode):
        fits = not (node.op.merges or node.op.bare_parameter)
        return fits and not body.reads.is_read(node)
    if isinstance(node, GroupNode) and node.name is None:
        return is_chain(body, node.layers)
    if isinstance(node, BranchesNode) and node.name is None:
        return False
    return not (body.reads.is_read(node) or body.reads.needs(node))


def child_module(body: Body, node: Node, flow: Flow, target: str) -> tuple[Doc, Flow]:
    """One module for a node's body; `target` is what it will be called."""
    match node:
        case OpNode():
            return op_module(body, node, flow)
        case BlockNode():
            return block_module(body, node, flow, target)
        case GroupNode() if is_chain(body, node.layers):
            return sequential(body, node.layers, flow, target)
        case GroupNode() | BranchesNode():
            return body.program.group_module(body, node, flow, target)
        case _:
            raise TypeError(node)


def sequential(
    body: Body, nodes: Sequence[Node], flow: Flow, target: str
) -> tuple[Doc, Flow]:
    """An nn.Sequential of the nodes.

    It is one expression where it can be; where loops or conditions fill it, statements
    that do so are written first, and the expression is the local or attribute `target`.
    """
    chain = Chain(body, style_of(nodes), target)
    flow = chain.add(nodes, flow)
    return chain.doc(), flow


class Chain:
    """An nn.Sequential being filled: first as one call, then by statements."""

    def __init__(
        self, body: Body, style: Style, target: str, head: str = "nn.Sequential"
    ) -> None:
        self.body = body
        self.style = style
        self.target = target
        self.head = head
        self.items: list[Item] = []
        self.open = False
        """Whether the container exists, so that children are added by statements."""
        self.commented = body.program.writes_network(body)

    def doc(self) -> Doc:
        return Atom(self.target) if self.open else self._call()

    def _call(self) -> Doc:
        if self.style == "named" and self.items:
            ordered = Bracketed("OrderedDict", tuple(self.items))
            return Bracketed(self.head, (Item(ordered),))
        return Bracketed(self.head, tuple(self.items))

    def start(self) -> None:
        """Creates the container with what it holds so far."""
        if self.open:
            return
        if self.target == "self":
            self.body.init.put("", self._call())
        else:
            self.target = variable(self.body, self.target)
            self.body.init.put(f"{self.target} = ", self._call())
        self.open = True

    def add(self, nodes: Sequence[Node], flow: Flow) -> Flow:
        for node in nodes:
            flow = self._node(node, flow)
        return flow

    def _node(self, node: Node, flow: Flow) -> Flow:
        test = self.body.presence(node, flow)
        if not isinstance(test, Expr):
            return self._repeated(node, flow) if test else flow
        self.start()
        return self.body.conditional(node.when, lambda x: self._repeated(node, x), flow)

    def _repeated(self, node: Node, flow: Flow) -> Flow:
        if node.repeat is None:
            return self._once(node, flow)
        if node.name is not None and node.name.fixed:
            doc, flow = repetition(self.body, node, flow, node.name.text)
            self._child(node, doc, None)
            return flow
        self.start()
        count = self.body.value(node.repeat, flow.channels)
        after = self.body.loop(node, count, lambda x: self._once(node, x), flow)
        return _after_loop(self.body, node, after)

    def _once(self, node: Node, flow: Flow) -> Flow:
        if isinstance(node, GroupNode) and node.name is None:
            return self.add(node.layers, flow)
        stem = "block"
        if node.name is not None:
            stem = stem_of(node.name, "group")
        doc, after = child_module(self.body, node, flow, stem)
        comment = (
            self.body.program.seen.comment(node, "body") if self.commented else None
        )
        changed = after.shape.dims != flow.shape.dims
        if self.body.loops or not changed or comment == _last_comment(doc):
            comment = None
        self._child(node, doc, comment)
        return after

    def _child(self, node: Node, doc: Doc, comment: str | None) -> None:
        name, formatted = (None, False)
        if node.name is not None and self.style == "named":
            name, formatted = self.body.text(node.name)
        if formatted:
            self.start()
        if not self.open:
            self.items.append(Item(doc, name, comment))
            return
        if name is None:
            self.body.init.put("", call(f"{self.target}.append", doc), comment=comment)
            return
        self.body.init.put(
            "",
            call(f"{self.target}.add_module", Atom(quoted(name, formatted)), doc),
            comment=comment,
        )


def _last_comment(doc: Doc) -> str | None:
    """What is said behind the last child of a container."""
    while isinstance(doc, Bracketed) and doc.items:
        last = doc.items[-1]
        if last.comment is not None:
            return last.comment
        doc = last.doc
    return None


def quoted(text: str, formatted: bool) -> str:
    """A string, or an f-string, as source."""
    return f'{"f" if formatted else ""}"{text}"'


def stem_of(name: Template, fallback: str) -> str:
    """What to call a module in the constructor: `layer` for layer{i + 1}."""
    first = name.parts[0]
    stem = first.rstrip("_") if isinstance(first, str) else ""
    return stem if stem.isidentifier() else fallback


def variable(body: Body, target: str) -> str:
    """The attribute `target`, or a free local of about that name."""
    return target if target.startswith("self.") else body.locals.free(target)


def repetition(body: Body, node: Node, flow: Flow, target: str) -> tuple[Doc, Flow]:
    """The container of a named repetition: children 0, 1, 2, ..."""
    assert node.name is not None
    count = body.value(node.repeat, flow.channels)
    target = variable(body, target)
    body.init.add(f"{target} = nn.Sequential()")

    def once(x: Flow) -> Flow:
        doc, after = child_module(body, node, x, "block")
        body.init.put("", call(f"{target}.append", doc))
        return after

    after = body.loop(node, count, once, flow)
    return Atom(target), _after_loop(body, node, after)


def _after_loop(body: Body, node: Node, flow: Flow) -> Flow:
    shape = body.program.seen.settle(flow.shape, node, "all")
    return Flow(flow.var, shape)


def numbered_children(nodes: Sequence[Node]) -> bool:
    """Whether the numbers of these children are known without running anything."""
    return all(
        n.repeat is None
        and n.when is None
        and (n.name is not None or numbered_children(tuple(children(n))))
        for n in nodes
    )
