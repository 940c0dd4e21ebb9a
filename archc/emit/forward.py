"""The nodes of a class body: attributes in the constructor, statements in `forward`."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix
from typing import Any

from archc.emit.body import Body, Flow
from archc.emit.layout import Atom, Bracketed, Doc, Item, flat
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


def write_nodes(body: Body, nodes: Sequence[Node], flow: Flow, target: str = MAIN) -> Flow:
    """Writes nodes in a row; `target` is the variable that carries the value along."""
    for node in nodes:
        flow = _node(body, node, flow, target)
    return flow


def _node(body: Body, node: Node, flow: Flow, target: str) -> Flow:
    sources = (flow,)
    if node.reads is not None:
        sources = tuple(_read(body, template, flow) for template in node.reads)
    x = sources[0]
    own = _variable(body, node)
    test = True if node.when is None else body.value(node.when, x.channels)
    if not isinstance(test, Expr):
        after = _repeated(body, node, sources, own or target) if test else x
    elif _optional_attribute(body, node):
        after = _optional(body, node, x, own or target)
    else:
        x = _move(body, x, own or target)
        name = f"has_{node.name.text}" if node.name and node.name.fixed else "enabled"
        after = body.conditional(
            node.when,
            lambda x: _land(body, _repeated(body, node, (x, *sources[1:]), x.var), x.var),
            x,
            attribute=name,
        )
    if own is not None:
        after = _land(body, after, own)
    if node.repeat is None or node.name is None or node.name.fixed:
        _remember(body, node, after)
    return after


def _land(body: Body, flow: Flow, var: str) -> Flow:
    """Makes sure the value is in the variable `var`."""
    if flow.var != var:
        body.forward.add(f"{var} = {flow.var}")
    return Flow(var, flow.shape)


def _move(body: Body, flow: Flow, target: str) -> Flow:
    """A variable that may be written to, holding the value."""
    return _land(body, flow, target)


def _read(body: Body, template: Template, flow: Flow) -> Flow:
    text, formatted = body.text(template, forward=True)
    if text == "prev":
        return flow
    if not formatted:
        local = body.local
        while True:
            known = body.values.get(local + text)
            if known is not None:
                return known
            if not local:
                break
            local = local[:-1].rpartition(".")[0]
            local = f"{local}." if local else ""
    channels = Name(f"feature_channels[{quoted(*body.text(template))}]")
    return Flow(f"features[{quoted(text, formatted)}]", flow.shape.with_channels(channels))


def _variable(body: Body, node: Node) -> str | None:
    """The variable of its own that a value read later gets."""
    if node.name is None or not node.name.fixed:
        return None
    path = body.local + node.name.text
    if path not in body.tapped:
        return None
    return body.vars.free(node.name.text)


def _remember(body: Body, node: Node, flow: Flow) -> None:
    if node.name is None:
        return
    if node.name.fixed:
        body.values[body.local + node.name.text] = flow
    elif body.is_saved(node.name):
        key = quoted(*body.text(node.name, forward=True))
        body.forward.add(f"features[{key}] = {flow.var}")
        key = quoted(*body.text(node.name))
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
    local = body.local
    if node.repeat is not None:
        return repetition(body, node, x, local, attribute)
    inside = f"{local}{attribute.removeprefix('self.')}."
    doc, after = child_module(body, node, x, inside, attribute)
    if doc != Atom(attribute):
        if node.doc:
            body.init.add(f"# {' '.join(node.doc.split())}")
        body.init.put(f"{attribute} = ", doc)
    return doc, after


def _repeated(body: Body, node: Node, sources: tuple[Flow, ...], target: str) -> Flow:
    if node.repeat is None:
        return _once(body, node, sources, target)
    flow = sources[0]
    if node.name is not None and node.name.fixed:
        path = f"{body.local}{node.name.text}."
        tapped = any(t.startswith(path) for t in body.tapped)
        if node.skip is None and not tapped and body.style != "numbered":
            attribute = f"self.{node.name.text}"
            _, after = _attribute(body, node, flow, attribute)
            return _assign(body, node, Atom(f"{attribute}({flow.var})"), after, target)
        return _looped_container(body, node, flow, target)
    flow = _move(body, flow, target)
    count = body.value(node.repeat, flow.channels)

    def run(x: Flow) -> Flow:
        once = _land(body, _once(body, node, (x, *sources[1:]), target), target)
        _remember(body, node, once)
        return once

    head = "for layer in self.children():" if body.sole is node else None
    after = body.loop(node, count, run, flow, head)
    shape = body.program.seen.settle(after.shape, node, "all")
    return Flow(after.var, shape)


def _looped_container(body: Body, node: Node, flow: Flow, target: str) -> Flow:
    """A named repetition whose members `forward` runs one by one: each has its skip."""
    assert node.name is not None
    attribute = f"self.{node.name.text}"
    _, after = repetition(body, node, flow, body.local, attribute, "nn.ModuleList")
    flow = _move(body, flow, target)
    member = body.vars.free("layer")
    outer = body.forward
    body.forward = outer.deeper()
    body.loops.append(node.index)
    body.env[node.index] = Name(node.index)
    doc: Doc = Atom(f"{member}({flow.var})")
    if node.skip is None:
        body.forward.put(f"{target} = ", doc)
    else:
        _merge_single(body, node, flow, doc, after, target)
    path = f"{body.local}{node.name.text}."
    if any(t.startswith(path) for t in body.tapped):
        body.forward.add(f'features[f"{path}{{{node.index}}}"] = {target}')
    inner, body.forward = body.forward, outer
    body.loops.pop()
    del body.env[node.index]
    text = "\n".join(inner.lines)
    indexed = f"{node.index}" in names_of(text)
    head = f"for {node.index}, {member} in enumerate({attribute}):"
    body.forward.add(head if indexed else f"for {member} in {attribute}:")
    body.forward.lines += inner.lines
    shape = after.shape
    if node.skip == "concat":
        shape = body.program.seen.settle(shape, node, "all")
    return Flow(target, shape)


def names_of(text: str) -> set[str]:
    import re

    return set(re.findall(r"[A-Za-z_]\w*", text))


# ------------------------------------------------------------------------------ bodies


def _once(body: Body, node: Node, sources: tuple[Flow, ...], target: str) -> Flow:
    """A node's body with its skip around it."""
    if node.skip is None:
        return _plain(body, node, sources, target)
    x = sources[0]
    test = True if node.skip_when is None else body.value(node.skip_when, x.channels)
    if not isinstance(test, Expr):
        if not test:
            return _plain(body, node, sources, target)
        if node.shortcut is None and _is_single(body, node):
            doc, after = _expression(body, node, x)
            return _merge_single(body, node, x, doc, after, target)
        return _skip(body, node, x, target, None)
    return _skip(body, node, x, target, test)


def _merge_single(
    body: Body, node: Node, x: Flow, doc: Doc, after: Flow, target: str
) -> Flow:
    """`x = x + self.body(x)` in one statement; with `skip_when`, a conditional one."""
    if node.skip_when is None or not isinstance(
        body.value(node.skip_when, x.channels), Expr
    ):
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
        order = [Atom(after.var), other] if node.skip == "add" else [other, Atom(after.var)]
        joined = _join(node.skip or "add", order, merged)
        return _assign(body, node, joined, merged, end)

    if test is None:
        return merge(after)
    with body.holding(side):
        return body.conditional(
            node.skip_when, merge, after, attribute="use_skip", read=side
        )


def _side(body: Body, node: Node, x: Flow) -> Doc:
    """The shortcut, as an expression where it is one module."""
    test = True if node.when is None else body.value(node.when, x.channels)
    if isinstance(test, Expr) and _optional_attribute(body, node) and not node.repeat:
        return _optional_module(body, node, x)[0]
    if test is True and _is_single(body, node) and not (node.skip or node.repeat):
        return _expression(body, node, x)[0]
    target = x.var if x.var.startswith("identity") else body.vars.free("shortcut")
    return Atom(_node(body, node, x, target).var)


def _merged(body: Body, node: Node, x: Flow, after: Flow) -> Flow:
    if node.skip == "concat":
        channels = x.channels + after.channels
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
    if isinstance(node, OpNode) and node.op.op == "identity" and node.name is None and (
        body.style != "numbered"
    ):
        return x
    taps = _taps_inside(body, node)
    if taps:
        return _tapped_group(body, node, x, target, taps)
    doc, after = _expression(body, node, x)
    return _assign(body, node, doc, after, target)


def _is_single(body: Body, node: Node) -> bool:
    """Whether the node's body is one call."""
    if isinstance(node, OpNode):
        return not node.op.merges
    if isinstance(node, BlockNode):
        return True
    return node.name is not None and not _taps_inside(body, node)


def _expression(body: Body, node: Node, x: Flow) -> tuple[Doc, Flow]:
    """The call that computes a node's body; its module is set up in the constructor."""
    if body.style == "numbered":
        return _numbered(body, node, x)
    if isinstance(node, OpNode):
        if node.op.bare_parameter:
            assert node.name is not None
            doc, after = op_module(body, node, x)
            body.init.put(f"self.{node.name.text} = ", doc)
            return Atom(f"{x.var} * self.{node.name.text}"), after
        if node.name is None:
            return _function(body, node, x)
    if node.name is not None and not node.name.fixed:
        local = f"{body.local}{node.name.text}."
        doc, after = child_module(body, node, x, local, stem_of(node.name, "block"))
        key = quoted(*body.text(node.name))
        body.init.put("", Bracketed("self.add_module", (Item(Atom(key)), Item(doc))))
        if body.sole is node:
            return Atom(f"layer({x.var})"), after
        key = quoted(*body.text(node.name, forward=True))
        return Atom(f"self.get_submodule({key})({x.var})"), after
    name = node.name.text if node.name is not None else _invented(body, node)
    _, after = _attribute_once(body, node, x, f"self.{name}")
    return Atom(f"self.{name}({x.var})"), after


def _attribute_once(body: Body, node: Node, x: Flow, attribute: str) -> tuple[Doc, Flow]:
    inside = f"{body.local}{attribute.removeprefix('self.')}."
    if node.doc:
        body.init.add(f"# {' '.join(node.doc.split())}")
    doc, after = child_module(body, node, x, inside, attribute)
    if doc != Atom(attribute):
        body.init.put(f"{attribute} = ", doc)
    return doc, after


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
        name = _invented(body, node)
        doc, after = op_module(body, node, x)
        body.init.put(f"self.{name} = ", doc)
        return Atom(f"self.{name}({x.var})"), after
    if isinstance(made, str):
        return Atom(made), after
    if node in body.program.inplace:
        made = Call(made.function, made.args, {**made.kwargs, "inplace": True})
    return call_doc(body, made), after


def _numbered(body: Body, node: Node, x: Flow) -> tuple[Doc, Flow]:
    """A child without a name: an element of the class, which is an nn.ModuleList."""
    doc, after = child_module(body, node, x, body.local, "block")
    body.init.put("", Bracketed("self.append", (Item(doc),)))
    if body.iterator:
        return Atom(f"next(layers)({x.var})"), after
    body.counter += 1
    return Atom(f"self[{body.counter - 1}]({x.var})"), after


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
    return _assign(body, node, doc, value, target)


def branch_stem(branch: Node) -> str | None:
    """What to call a branch's value: as the branch, or what its layers' names share."""
    if branch.name is not None and branch.name.fixed:
        return branch.name.text
    if isinstance(branch, OpNode):
        return "branch_pool" if branch.op.category == "pooling" else None
    names = [n.name.text for n in opened((branch,)) if n.name and n.name.fixed]
    shared = commonprefix(names)
    # cut where a word ends: branch3x3_1 and branch3x3_2 share branch3x3
    ends = all(n == shared or n[len(shared)] in "_0123456789" for n in names)
    shared = shared.rstrip("_") if ends or shared.endswith("_") else ""
    return shared if shared.isidentifier() and len(shared) > 1 else None


def write_branches(body: Body, node: BranchesNode, x: Flow, target: str) -> Flow:
    """Each branch in a variable of its own, then the merge."""
    ends: list[Flow] = []
    for number, branch in enumerate(node.branches):
        stem = branch_stem(branch) or f"branch{number + 1}"
        with body.holding(x, *ends):
            ends.append(_node(body, branch, x, body.vars.free(stem)))
    shapes = [e.shape for e in ends]
    if node.merge == "concat":
        channels: Any = shapes[0].channels
        for shape in shapes[1:]:
            channels = channels + shape.channels
        shape = shapes[0].with_channels(channels)
    else:
        # the branch that is no gate has the merge's shape
        shape = max(shapes, key=_size)
    value = Flow(target, body.program.seen.settle(shape, node, "body"))
    doc = _join(node.merge, [Atom(e.var) for e in ends], value)
    return _assign(body, node, doc, value, target)


def _size(shape: Shape) -> int:
    product = 1
    for size in shape.dims[1:]:
        product *= size if isinstance(size, int) else 2
    return product


def _taps_inside(body: Body, node: Node) -> tuple[str, ...]:
    """Paths inside a named group whose values are read outside it."""
    if node.name is None or isinstance(node, OpNode | BlockNode):
        return ()
    path = f"{body.local}{node.name.text}."
    return tuple(sorted(t for t in body.tapped if t.startswith(path)))


def _tapped_group(
    body: Body, node: Node, x: Flow, target: str, taps: tuple[str, ...]
) -> Flow:
    """A group that also hands out values from inside it."""
    assert node.name is not None
    local = f"{body.local}{node.name.text}."
    doc, after = body.program.group_module(body, node, x, local, taps)
    body.init.put(f"self.{node.name.text} = ", doc)
    vars = [body.vars.free(t.replace(".", "_")) for t in taps]
    body.forward.add(f"{', '.join([target, *vars])} = self.{node.name.text}({x.var})")
    made = body.program.group_classes[node]
    for path, var in zip(taps, vars, strict=True):
        shape = made.tap_shapes[path]
        channels = made.translated(shape.channels, x.channels)
        body.values[path] = Flow(var, shape.with_channels(channels))
    return Flow(target, after.shape)


def _assign(body: Body, node: Node, doc: Doc, after: Flow, target: str) -> Flow:
    """`target = doc`, with the new shape behind it where all instances agree on it."""
    comment = body.program.shape_comment(body, node)
    body.forward.put(f"{target} = ", doc, comment=comment)
    return Flow(target, after.shape)


