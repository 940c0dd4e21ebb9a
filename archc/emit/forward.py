"""The nodes of a class body: attributes in the constructor, statements in `forward`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archc.emit.body import Body, Flow, mentions
from archc.emit.layout import Atom, Bracketed, Code, Doc, Item, flat
from archc.emit.modules import (
    call_doc,
    child_module,
    inferred,
    op_module,
    quoted,
    repetition,
    stem_of,
    symbolic_op,
)
from archc.emit.names import shared_start
from archc.ops.base import Call, Op, Shape
from archc.ops.merge import Merge
from archc.ops.registry import OPS
from archc.spec.expressions import Expr, Name, Undecidable
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    Template,
    opened,
)

MAIN = "x"


def write_nodes(
    body: Body, nodes: Sequence[Node], flow: Flow, target: str = MAIN
) -> Flow:
    """Writes nodes in a row; `target` is the variable that carries the value along."""
    for node in nodes:
        flow = _node(body, node, flow, target)
    return flow


def _node(
    body: Body, node: Node, flow: Flow, target: str, condition: str = "enabled"
) -> Flow:
    """Writes a node; a test that needs an attribute is called `condition`, if the node
    has no name."""
    sources = (flow,)
    if node.reads is not None:
        sources = tuple(
            _read(body, node, number, flow) for number in range(len(node.reads))
        )
    x = sources[0]
    own = _variable(body, node)
    test = body.presence(node, x)
    if not isinstance(test, Expr):
        after = _repeated(body, node, sources, own or target) if test else x
    elif _optional_attribute(body, node):
        after = _optional(body, node, x, own or target)
    else:
        if x.var != (own or target):
            sources = _kept_apart(body, sources, own or target)
        x = _move(body, x, own or target)
        if node.name and node.name.fixed:
            condition = f"has_{node.name.text}"
        after = body.conditional(
            node.when,
            lambda x: _land(
                body, _repeated(body, node, (x, *sources[1:]), x.var), x.var
            ),
            x,
            attribute=condition,
        )
    if own is not None:
        after = _land(body, after, own)
    if node.repeat is None or (node.name is not None and node.name.fixed):
        _remember(body, body.reads.paths.get(node), after)
    return after


def _land(body: Body, flow: Flow, var: str) -> Flow:
    """Makes sure the value is in the variable `var`."""
    if flow.var != var:
        body.forward.add(f"{var} = {flow.var}")
    return Flow(var, flow.shape)


def _move(body: Body, flow: Flow, target: str) -> Flow:
    """A variable that may be written to, holding the value."""
    return _land(body, flow, target)


def _kept_apart(body: Body, sources: tuple[Flow, ...], target: str) -> tuple[Flow, ...]:
    """The values that are read beside the first, none in the variable `target`."""
    rest: list[Flow] = []
    previous: str | None = None
    for source in sources[1:]:
        if source.var == target:
            if previous is None:
                previous = body.vars.free("previous")
                body.forward.add(f"{previous} = {target}")
            source = Flow(previous, source.shape)
        rest.append(source)
    return sources[0], *rest


def _read(body: Body, node: Node, number: int, flow: Flow) -> Flow:
    source = body.reads.sources[node][number]
    if source.kind == "prev":
        return flow
    if source.kind == "input":
        return body.values[""]
    if source.kind == "value":
        return body.values[source.key.text]
    shape = body.program.seen.read(node, number) or flow.shape
    return feature(body, source.key, shape)


def feature(body: Body, key: Template, shape: Shape) -> Flow:
    """A value out of the dict."""
    var = f"features[{quoted(*body.text(key, forward=True))}]"
    channels = Name(f"feature_channels[{quoted(*body.text(key))}]")
    return Flow(var, shape.with_channels(channels))


def _variable(body: Body, node: Node) -> str | None:
    """The variable of its own that a value read later gets."""
    if node not in body.reads.paths or node.name is None:
        return None
    if body.reads.paths[node].text not in body.reads.tapped:
        return None
    return body.vars.free(stem_of(node.name, "value"))


def _remember(body: Body, path: Template | None, flow: Flow) -> None:
    if path is None:
        return
    body.values[path.text] = flow
    if path.text in body.reads.saved:
        key = quoted(*body.text(path, forward=True))
        body.forward.add(f"features[{key}] = {flow.var}")
    if path.text in body.reads.measured:
        key = quoted(*body.text(path))
        body.init.put(f"feature_channels[{key}] = ", body.doc(flow.channels))


# -------------------------------------------------------------------------- modifiers


def _optional_attribute(body: Body, node: Node) -> bool:
    """Whether an absent node can be an nn.Identity of the same name."""
    if node.name is None or not node.name.fixed or node.skip:
        return False
    if node.reads is not None and len(node.reads) > 1:
        return False
    if isinstance(node, OpNode) and (node.op.merges or node.op.bare_parameter):
        return False
    if body.reads.needs(node) or body.reads.taps(node):
        return False
    if node.repeat is not None and not _is_sequence(body, node):
        return False
    # a name that two exclusive nodes share must not be overwritten by the absent one
    return body.program.name_counts[node.name.text] == 1 and body.style != "numbered"


def _optional(body: Body, node: Node, x: Flow, target: str) -> Flow:
    doc, after = _optional_module(body, node, x)
    return _assign(body, node, doc, after, target)


def _optional_module(body: Body, node: Node, x: Flow) -> tuple[Doc, Flow]:
    """A call of an attribute that is an nn.Identity where the node is absent."""
    assert node.name is not None
    attribute = f"self.{node.name.text}"
    after = body.conditional(
        node.when,
        lambda x: _attribute(body, node, x, attribute)[1],
        x,
        otherwise=f"{attribute} = nn.Identity()",
    )
    return Atom(f"{attribute}({x.var})"), after


def _attribute(body: Body, node: Node, x: Flow, attribute: str) -> tuple[Doc, Flow]:
    """Sets `self.name` to the node's module, repetitions included."""
    if node.repeat is not None:
        return repetition(body, node, x, attribute)
    return _attribute_once(body, node, x, attribute)


def _repeated(body: Body, node: Node, sources: tuple[Flow, ...], target: str) -> Flow:
    if node.repeat is None:
        return _once(body, node, sources, target)
    flow = sources[0]
    head = None
    if node in body.reads.members and not (isinstance(node, OpNode) and node.op.merges):
        attribute = f"self.{body.reads.paths[node].parts[-1]}"
        if _is_sequence(body, node):
            _, after = repetition(body, node, flow, attribute)
            return _assign(body, node, Atom(f"{attribute}({flow.var})"), after, target)
        bare = isinstance(node, OpNode) and node.op.bare_parameter
        body.init.add(f"{attribute} = nn.{'ParameterList' if bare else 'ModuleList'}()")
        member = body.members[node] = body.vars.free("layer")

        def head_over(index: str, inner: Code) -> str:
            if mentions(inner, index):
                return f"for {index}, {member} in enumerate({attribute}):"
            return f"for {member} in {attribute}:"

        head = head_over
    elif body.sole is node:
        head = _over_children
    sources = _kept_apart(body, sources, target)
    flow = _move(body, flow, target)
    count = body.value(node.repeat, flow.channels)

    def run(x: Flow) -> Flow:
        once = _land(body, _once(body, node, (x, *sources[1:]), target), target)
        paths = body.reads.members if node in body.reads.members else body.reads.paths
        _remember(body, paths.get(node), once)
        return once

    after = body.loop(node, count, run, flow, head)
    if node in body.members:
        body.vars.taken.discard(body.members[node])
    shape = body.program.seen.settle(after.shape, node, "all")
    return Flow(after.var, shape)


def _over_children(_index: str, _inner: Code) -> str:
    return "for layer in self.children():"


def _is_sequence(body: Body, node: Node) -> bool:
    """Whether a named repetition can be an nn.Sequential, which `forward` just
    calls."""
    inside = f"{body.reads.paths[node].text}."
    read = any(p.startswith(inside) for p in body.reads.tapped | body.reads.saved)
    bare = isinstance(node, OpNode) and node.op.bare_parameter
    return not (node.skip or read or bare or body.reads.needs(node))


# ------------------------------------------------------------------------------ bodies


def _once(body: Body, node: Node, sources: tuple[Flow, ...], target: str) -> Flow:
    """A node's body with its skip around it."""
    if node.skip is None:
        return _plain(body, node, sources, target)
    x = sources[0]
    test = True if node.skip_when is None else body.decided(node.skip_when, x)
    if not isinstance(test, Expr):
        if not test:
            return _plain(body, node, sources, target)
        if node.shortcut is None and _is_single(body, node):
            doc, after = expression(body, node, x)
            return _merge_single(body, node, x, doc, after, target)
        computed = node.name is not None and not node.name.fixed
        if not computed and _is_single(body, node) and _is_call(body, node.shortcut, x):
            return _merge_calls(body, node, x, target)
        return _skip(body, node, x, target, None)
    return _skip(body, node, x, target, test)


def _merge_single(
    body: Body, node: Node, x: Flow, doc: Doc, after: Flow, target: str
) -> Flow:
    """`x = x + self.body(x)` in one statement; with `skip_when`, a conditional one."""
    if node.skip_when is None or not isinstance(body.decided(node.skip_when, x), Expr):
        merged = _merged(body, node, x, after)
        joined = _join(node.skip or "add", [Atom(x.var), doc], merged)
        return _assign(body, node, joined, merged, target)
    out = body.vars.peek("out")
    body.forward.put(f"{out} = ", doc)

    def merge(y: Flow) -> Flow:
        merged = _merged(body, node, x, y)
        joined = _join(node.skip or "add", [Atom(x.var), Atom(out)], merged)
        body.forward.put(f"{out} = ", joined)
        return Flow(out, merged.shape)

    with body.holding(x):
        end = body.conditional(
            node.skip_when, merge, Flow(out, after.shape), attribute="use_skip", read=x
        )
    return _land(body, end, target)


def _is_call(body: Body, node: Node | None, x: Flow) -> bool:
    """Whether a shortcut is one call, be it of an nn.Identity where it is absent."""
    if node is None or node.skip or node.repeat or node.reads:
        return False
    test = body.presence(node, x)
    if isinstance(test, Expr):
        return _optional_attribute(body, node)
    return bool(test) and _is_single(body, node)


def _merge_calls(body: Body, node: Node, x: Flow, target: str) -> Flow:
    """`x = self.body(x) + self.shortcut(x)`."""
    assert node.shortcut is not None
    with body.holding(x):
        doc, after = expression(body, node, x)
    body.on_side_path, outer = True, body.on_side_path
    with body.holding(x, after):
        side = _side(body, node.shortcut, x)
    body.on_side_path = outer
    merged = _merged(body, node, x, after)
    order = [doc, side] if node.skip == "add" else [side, doc]
    return _assign(body, node, _join(node.skip or "add", order, merged), merged, target)


def _skip(body: Body, node: Node, x: Flow, target: str, test: Expr | None) -> Flow:
    """Body, then shortcut, then the merge of both."""
    identity, end = x.var, target
    if node.skip == "mul" and node.shortcut is None and test is None:
        target = body.vars.free("scale")
    elif x.var == target:
        identity = body.vars.free("identity")
        body.forward.add(f"{identity} = {x.var}")
    side = Flow(identity, x.shape)
    with body.holding(side):
        after = _land(body, _plain(body, node, (x,), target), target)

    def merge(after: Flow) -> Flow:
        other: Doc = Atom(identity)
        if node.shortcut is not None:
            body.on_side_path, outer = True, body.on_side_path
            with body.holding(side, after):
                other = _side(body, node.shortcut, side)
            body.on_side_path = outer
        merged = _merged(body, node, x, after)
        order = (
            [Atom(after.var), other] if node.skip == "add" else [other, Atom(after.var)]
        )
        joined = _join(node.skip or "add", order, merged)
        return _assign(body, node, joined, merged, end)

    if test is None:
        result = merge(after)
    else:
        with body.holding(side):
            result = body.conditional(
                node.skip_when, merge, after, attribute="use_skip", read=side
            )
    for var in {identity, target} - {x.var, end}:
        body.vars.taken.discard(var)
    return result


def _side(body: Body, node: Node, x: Flow) -> Doc:
    """The shortcut, as an expression where it is one module."""
    test = body.presence(node, x)
    if isinstance(test, Expr) and _optional_attribute(body, node) and not node.repeat:
        return _optional_module(body, node, x)[0]
    if test is True and _is_single(body, node) and not (node.skip or node.repeat):
        return expression(body, node, x)[0]
    target = x.var if x.var.startswith("identity") else body.vars.free("shortcut")
    return Atom(_node(body, node, x, target, "needs_shortcut").var)


def _merged(body: Body, node: Node, x: Flow, after: Flow) -> Flow:
    if node.skip == "concat":
        channels = body.short(x.channels + after.channels, "channels")
    else:
        channels = after.channels if node.skip == "add" else x.channels
    shape = after.shape.with_channels(channels)
    return Flow(after.var, body.program.seen.settle(shape, node, "once"))


def _join(merge: str, docs: Sequence[Doc], value: Flow) -> Doc:
    """The merge of several expressions."""
    op = OPS[merge]()
    assert isinstance(op, Merge)
    made = op.combine(value.shape, *(flat(d) for d in docs))
    if isinstance(made, str):
        return Atom(made)
    items = [Item(d) for d in docs]
    rest = {k: Atom(repr(v)) for k, v in made.kwargs.items()}
    return Bracketed(
        made.function,
        (
            Item(Bracketed("", tuple(items), "[]")),
            *(Item(v, k) for k, v in rest.items()),
        ),
    )


def _plain(body: Body, node: Node, sources: tuple[Flow, ...], target: str) -> Flow:
    """A node's body without its skip."""
    x = sources[0]
    if isinstance(node, OpNode) and node.op.merges:
        return _merge_op(body, node, sources, target)
    if isinstance(node, GroupNode) and node.name is None:
        return write_nodes(body, node.layers, x, target)
    if isinstance(node, BranchesNode) and node.name is None:
        return write_branches(body, node, x, target)
    if (
        isinstance(node, OpNode)
        and node.op.op == "identity"
        and node.name is None
        and (body.style != "numbered")
    ):
        return x
    taps = body.reads.taps(node)
    if taps:
        return _tapped_group(body, node, x, target, taps)
    doc, after = expression(body, node, x)
    return _assign(body, node, doc, after, target)


def _is_single(body: Body, node: Node) -> bool:
    """Whether the node's body is one call."""
    if isinstance(node, OpNode):
        return not node.op.merges
    if isinstance(node, BlockNode):
        return True
    return node.name is not None and not body.reads.taps(node)


def expression(body: Body, node: Node, x: Flow) -> tuple[Doc, Flow]:
    """The call that computes a node's body; its module is set up in the constructor."""
    if body.style == "numbered":
        return _numbered(body, node, x)
    if node in body.members:
        member = body.members[node]
        doc, after = child_module(body, node, x, "block")
        attribute = f"self.{body.reads.paths[node].parts[-1]}"
        body.init.put("", Bracketed(f"{attribute}.append", (Item(doc),)))
        if isinstance(node, OpNode) and node.op.bare_parameter:
            return Atom(f"{x.var} * {member}"), after
        return _called(body, node, member, x), after
    if isinstance(node, OpNode):
        if node.op.bare_parameter:
            return _bare_parameter(body, node, x)
        if node.name is None:
            return _function(body, node, x)
    if node.name is not None and not node.name.fixed:
        doc, after = child_module(body, node, x, stem_of(node.name, "block"))
        key = quoted(*body.text(node.name))
        body.init.put("", Bracketed("self.add_module", (Item(Atom(key)), Item(doc))))
        if body.sole is node:
            return _called(body, node, "layer", x), after
        key = quoted(*body.text(node.name, forward=True))
        return _called(body, node, f"self.get_submodule({key})", x), after
    name = node.name.text if node.name is not None else _invented(body, node)
    _, after = _attribute_once(body, node, x, f"self.{name}")
    return _called(body, node, f"self.{name}", x), after


def _attribute_once(
    body: Body, node: Node, x: Flow, attribute: str
) -> tuple[Doc, Flow]:
    if node.doc:
        body.init.remark(node.doc)
    doc, after = child_module(body, node, x, attribute)
    if doc != Atom(attribute):
        body.init.put(f"{attribute} = ", doc)
    return doc, after


def _bare_parameter(body: Body, node: OpNode, x: Flow) -> tuple[Doc, Flow]:
    """The product with a parameter that no module of its own holds."""
    assert node.name is not None
    doc, after = op_module(body, node, x)
    if node.name.fixed:
        body.init.put(f"self.{node.name.text} = ", doc)
        return Atom(f"{x.var} * self.{node.name.text}"), after
    key = Atom(quoted(*body.text(node.name)))
    body.init.put("", Bracketed("self.register_parameter", (Item(key), Item(doc))))
    key = quoted(*body.text(node.name, forward=True))
    return Atom(f"{x.var} * self.get_parameter({key})"), after


def _called(body: Body, node: Node, module: str, x: Flow) -> Doc:
    """The call of a module, with what a group of nodes reads from outside itself."""
    needs = body.reads.needs(node)
    more = [body.values[path].var for path in needs.values]
    more += ["features"] if needs.features else []
    return Bracketed(module, tuple(Item(Atom(a)) for a in (x.var, *more)))


def _invented(body: Body, node: Node) -> str:
    """A name for an attribute that needs none for its (absent) parameters."""
    stem = node.op.op if isinstance(node, OpNode) else "block"
    if isinstance(node, BlockNode):
        stem = node.block
    name, number = stem, 1
    while name in body.children:
        name, number = f"{stem}_{number}", number + 1
    body.children = body.children | {name}
    return name


def _function(body: Body, node: OpNode, x: Flow) -> tuple[Doc, Flow]:
    """An op without parameters and name: a function call in `forward`."""
    op = symbolic_op(body, node, x)
    after = inferred(body, op, node, x)
    values = {k: body.in_forward(v, x) for k, v in node.attributes.items()}
    stated = node.op.model_construct(_fields_set=set(values), **values)
    made = stated.function(x.shape, x.var)
    if made is None:
        return _unnamed_module(body, node, x)
    if isinstance(made, str):
        return Atom(made), after
    if node in body.program.inplace:
        made = Call(made.function, made.args, {**made.kwargs, "inplace": True})
    return call_doc(body, made), after


def _unnamed_module(body: Body, node: OpNode, x: Flow) -> tuple[Doc, Flow]:
    """An op without a name that is a module all the same, in each iteration its own."""
    name = _invented(body, node)
    doc, after = op_module(body, node, x)
    if not body.loops:
        body.init.put(f"self.{name} = ", doc)
        return Atom(f"self.{name}({x.var})"), after
    key = quoted("_".join([name, *(f"{{{var}}}" for var in body.loops)]), True)
    body.init.put("", Bracketed("self.add_module", (Item(Atom(key)), Item(doc))))
    return Atom(f"self.get_submodule({key})({x.var})"), after


def _numbered(body: Body, node: Node, x: Flow) -> tuple[Doc, Flow]:
    """A child without a name: an element of the class, which is an nn.ModuleList."""
    doc, after = child_module(body, node, x, "block")
    body.init.put("", Bracketed("self.append", (Item(doc),)))
    if body.iterator:
        return _called(body, node, "next(layers)", x), after
    body.counter += 1
    return _called(body, node, f"self[{body.counter - 1}]", x), after


def _merge_op(body: Body, node: OpNode, sources: tuple[Flow, ...], target: str) -> Flow:
    """`add`, `mul` or `concat` as an op with `from`."""
    op: Op = node.op()
    try:
        shape = op.infer(*(s.shape for s in sources))
    except Undecidable:
        shape = None
    if body.style == "numbered":
        body.init.add("self.append(nn.Identity())")
        body.counter += 1
    settled = body.program.seen.settle(shape, node, "body")
    value = Flow(target, settled)
    doc = _join(node.op.op, [Atom(s.var) for s in sources], value)
    if body.iterator:
        # the place that its number has among the children
        doc = Bracketed("next(layers)", (Item(doc),))
    return _assign(body, node, doc, value, target)


def branch_stem(branch: Node) -> str | None:
    """What to call a branch's value: as the branch, or what its layers' names share."""
    if branch.name is not None and branch.name.fixed:
        return branch.name.text
    if isinstance(branch, OpNode):
        return "branch_pool" if branch.op.category == "pooling" else None
    names = [n.name.text for n in opened((branch,)) if n.name and n.name.fixed]
    shared = shared_start(names)
    # cut where a word ends: branch3x3_1 and branch3x3_2 share branch3x3
    ends = all(n == shared or n[len(shared)] in "_0123456789" for n in names)
    shared = shared.rstrip("_") if ends or shared.endswith("_") else ""
    return shared if shared.isidentifier() and len(shared) > 1 else None


def write_branches(body: Body, node: BranchesNode, x: Flow, target: str) -> Flow:
    """Each branch in a variable of its own, then the merge."""
    ends: list[Flow] = []
    opened_vars: list[str] = []
    for number, branch in enumerate(node.branches):
        stem = branch_stem(branch) or f"branch{number + 1}"
        with body.holding(x, *ends):
            opened_vars.append(body.vars.free(stem))
            ends.append(_node(body, branch, x, opened_vars[-1]))
    shapes = [e.shape for e in ends]
    if node.merge == "concat":
        channels: Any = shapes[0].channels
        for shape in shapes[1:]:
            channels = channels + shape.channels
        shape = shapes[0].with_channels(body.short(channels, "channels"))
    else:
        # the branch that is no gate has the merge's shape
        shape = max(shapes, key=_size)
    value = Flow(target, body.program.seen.settle(shape, node, "body"))
    doc = _join(node.merge, [Atom(e.var) for e in ends], value)
    for var in opened_vars:
        body.vars.taken.discard(var)
    return _assign(body, node, doc, value, target)


def _size(shape: Shape) -> int:
    product = 1
    for size in shape.dims[1:]:
        product *= size if isinstance(size, int) else 2
    return product


def _tapped_group(
    body: Body, node: Node, x: Flow, target: str, taps: tuple[str, ...]
) -> Flow:
    """A group that also hands out values from inside it."""
    assert node.name is not None
    doc, after = body.program.group_module(body, node, x, f"self.{node.name.text}")
    body.init.put(f"self.{node.name.text} = ", doc)
    vars = [body.vars.free(t.replace(".", "_")) for t in taps]
    called = _called(body, node, f"self.{node.name.text}", x)
    body.forward.put(f"{', '.join([target, *vars])} = ", called)
    made = body.program.group_classes[node]
    for path, var in zip(taps, vars, strict=True):
        shape = made.tap_shapes[path]
        channels = body.program.in_terms_of(body, node, shape.channels, x)
        body.values[path] = Flow(var, shape.with_channels(channels))
    return Flow(target, after.shape)


def _assign(body: Body, node: Node, doc: Doc, after: Flow, target: str) -> Flow:
    """`target = doc`, with the new shape behind it where all instances agree on it."""
    comment = body.program.shape_comment(body, node)
    body.forward.put(f"{target} = ", doc, comment=comment)
    return Flow(target, after.shape)
