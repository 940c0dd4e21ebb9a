"""The nodes of a class body: attributes in the constructor, statements in `forward`.

Each node reads variables and leaves its value in one. The main path goes through `x`.
"""

from __future__ import annotations

from collections.abc import Sequence

from archc.emit.builder import Builder
from archc.emit.chains import is_sequence
from archc.emit.constructor import (
    IDENTITY,
    child_module,
    choice,
    in_place,
    loop,
    op_module,
    repetition,
    stem_of,
    turns,
)
from archc.emit.names import shared_start
from archc.emit.plan import Met
from archc.emit.tree import SELF, Assign, For, Remark, Statement
from archc.emit.usage import reads_of
from archc.ops import code
from archc.ops.base import Call, Shape
from archc.ops.code import (
    Apply,
    Attribute,
    Global,
    Joined,
    Local,
)
from archc.ops.merge import Merge
from archc.ops.registry import OPS
from archc.spec.expressions import Const, Expr, Index
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    Template,
    opened,
)

MAIN = Local("x")


def write_nodes(
    builder: Builder, nodes: Sequence[Node], x: Expr, target: Local = MAIN
) -> Expr:
    """Writes nodes in a row; `target` is the variable that carries the value along."""
    for node in nodes:
        x = write_node(builder, node, x, target)
    return x


def write_node(
    builder: Builder,
    node: Node,
    x: Expr,
    target: Local,
    condition: str = "enabled",
) -> Expr:
    """Writes a node; a test that needs an attribute is called `condition`, if the node
    has no name."""
    met = builder.met[node]
    sources = (x,)
    if node.reads is not None:
        sources = tuple(_read(builder, node, n, x) for n in range(len(node.reads)))
    x = sources[0]
    own = _variable(builder, node)
    target = target if own is None else own
    if met.choice is None:
        after = _repeated(builder, node, sources, target) if met.test else x
    elif _optional_attribute(builder, node):
        after = _assign(builder, node, _optional_module(builder, node, x), target)
    else:
        after = _conditional(builder, node, met, sources, target, condition)
    if own is not None:
        after = builder.land(after, own)
    if node.repeat is None or (node.name is not None and node.name.fixed):
        assert met.out is not None
        _remember(builder, builder.plan.reads.paths.get(node), after, met.out)
    return after


def _conditional(
    builder: Builder,
    node: Node,
    met: Met,
    sources: tuple[Expr, ...],
    target: Local,
    condition: str,
) -> Expr:
    """An `if` in `forward`, and in the constructor."""
    made = met.choice
    assert made is not None
    if sources[0] != target:
        sources = _kept_apart(builder, sources, target)
        builder.land(sources[0], target)
    if node.name and node.name.fixed:
        condition = f"has_{node.name.text}"

    def run() -> None:
        after = _repeated(builder, node, (target, *sources[1:]), target)
        builder.land(after, target)

    def stated() -> tuple[Expr, Assign | None]:
        return builder.test(node.when, made.test, made.read, target, condition)

    choice(builder, made, run, stated=stated)
    return target


def _kept_apart(
    builder: Builder, sources: tuple[Expr, ...], target: Local
) -> tuple[Expr, ...]:
    """The values that are read beside the first, none in the variable `target`."""
    rest: list[Expr] = []
    previous: Local | None = None
    for source in sources[1:]:
        if source == target:
            if previous is None:
                previous = builder.local("previous")
                builder.land(target, previous)
            source = previous
        rest.append(source)
    return sources[0], *rest


# ---------------------------------------------------------------------------- values


def _read(builder: Builder, node: Node, number: int, x: Expr) -> Expr:
    source = builder.plan.reads.sources[node][number]
    match source.kind:
        case "prev":
            return x
        case "input":
            return builder.values[""]
        case "value":
            return builder.values[source.key.text]
        case "feature":
            return feature(builder, source.key)


def feature(builder: Builder, key: Template) -> Expr:
    """A value out of the dict."""
    return Index(builder.features, builder.name_in_forward(key))


def _variable(builder: Builder, node: Node) -> Local | None:
    """The variable of its own that a value read later gets."""
    reads = builder.plan.reads
    if node not in reads.paths or node.name is None:
        return None
    if reads.paths[node].text not in reads.tapped:
        return None
    return builder.local(stem_of(node.name, "value"))


def _remember(
    builder: Builder, path: Template | None, variable: Expr, y: Shape
) -> None:
    if path is None:
        return
    reads = builder.plan.reads
    builder.values[path.text] = variable
    if path.text in reads.saved:
        key = builder.name_in_forward(path)
        builder.forward.append(Assign((Index(builder.features, key),), variable))
    if path.text in reads.measured:
        key = Index(builder.feature_channels, builder.name(path))
        builder.init.append(Assign((key,), builder.tree(y.channels)))


# ------------------------------------------------------------------------- modifiers


def _optional_attribute(builder: Builder, node: Node) -> bool:
    """Whether an absent node can be an nn.Identity of the same name."""
    if node.name is None or not node.name.fixed or node.skip:
        return False
    if node.reads is not None and len(node.reads) > 1:
        return False
    if isinstance(node, OpNode) and (node.op.merges or node.op.bare_parameter):
        return False
    reads = builder.plan.reads
    if reads.needs(node) or reads.taps(node):
        return False
    if node.repeat is not None and not is_sequence(reads, node):
        return False
    # a name that two exclusive nodes share must not be overwritten by the absent one
    shared = builder.plan.names[node.name.text] > 1
    return not shared and builder.plan.style != "numbered"


def _optional_module(builder: Builder, node: Node, x: Expr) -> Expr:
    """A call of an attribute that is an nn.Identity where the node is absent."""
    made = builder.met[node].choice
    assert node.name is not None and made is not None
    attribute = Attribute(SELF, node.name.text)

    def run() -> None:
        if node.repeat is None:
            _attribute(builder, node, attribute)
        else:
            repetition(builder, node, attribute)

    choice(builder, made, run, [Assign((attribute,), IDENTITY)])
    return code.call(attribute, x)


def _repeated(
    builder: Builder, node: Node, sources: tuple[Expr, ...], target: Local
) -> Expr:
    met = builder.met[node]
    if met.loop is None and met.turns is None:
        return _once(builder, node, met, sources, target)
    reads = builder.plan.reads
    x = sources[0]
    listed = node in reads.members and not (isinstance(node, OpNode) and node.op.merges)
    container: Attribute | None = None
    if listed:
        container = Attribute(SELF, str(reads.paths[node].parts[-1]))
        if is_sequence(reads, node):
            repetition(builder, node, container)
            return _assign(builder, node, code.call(container, x), target)
        bare = isinstance(node, OpNode) and node.op.bare_parameter
        kind = Global("nn.ParameterList" if bare else "nn.ModuleList")
        builder.init.append(Assign((container,), code.call(kind)))
        builder.members[node] = builder.local("layer")
    sources = _kept_apart(builder, sources, target)
    made = met.loop
    count = None if made is None else builder.in_forward(node.repeat, made.read, x)
    landed = builder.land(x, target)

    def run(number: int | None = None) -> None:
        if container is not None and number is not None:
            builder.members[node] = Index(container, Const(number))
        own = builder.met[node]
        once = _once(builder, node, own, (landed, *sources[1:]), target)
        once = builder.land(once, target)
        paths = reads.members if node in reads.members else reads.paths
        assert own.once is not None
        _remember(builder, paths.get(node), once, own.once)

    if met.turns is not None:
        turns(builder, node, met.turns, run)
        return landed
    assert made is not None
    inside = loop(builder, node, made, run)
    if inside:
        counter = Local(made.counter.id)
        header = _header(builder, node, container, counter, count, inside)
        builder.forward.append(header)
    return landed


def _header(
    builder: Builder,
    node: Node,
    container: Expr | None,
    counter: Local,
    count: object,
    inside: Sequence[Statement],
) -> For:
    """The loop of `forward`: over the children, or by counting."""
    body = tuple(inside)
    if container is not None:
        member = builder.members[node]
        assert isinstance(member, Local)
        if counter.id in reads_of(body):
            return For(
                (counter, member), code.call(Global("enumerate"), container), body
            )
        return For((member,), container, body)
    if builder.plan.sole is node:
        member = builder.members[node]
        assert isinstance(member, Local)
        return For((member,), code.call(Attribute(SELF, "children")), body)
    return For((counter,), code.call(Global("range"), builder.tree(count)), body)


# ---------------------------------------------------------------------------- skips


def _once(
    builder: Builder, node: Node, met: Met, sources: tuple[Expr, ...], target: Local
) -> Expr:
    """A node's body with its skip around it."""
    if met.skip is False:
        return _plain(builder, node, sources, target)
    x = sources[0]
    shortcut = node.shortcut
    if met.skip is True and _is_single(builder, node):
        if shortcut is None:
            order = (x, expression(builder, node, x))
            builder.let((met.merged,))
            return _assign(builder, node, _join(met, node, order), target)
        computed = node.name is not None and not node.name.fixed
        in_order = node.skip == "add" or builder.layers is None
        if not computed and in_order and _is_call(builder, shortcut):
            made = expression(builder, node, x)
            order = _ordered(node, made, _side(builder, shortcut, x, owned=False))
            builder.let((met.merged,))
            return _assign(builder, node, _join(met, node, order), target)
    return _skip(builder, node, met, sources, target)


def _is_call(builder: Builder, node: Node) -> bool:
    """Whether a shortcut is one call, be it of an nn.Identity where it is absent."""
    if node.skip or node.repeat or node.reads or builder.plan.reads.is_read(node):
        return False
    met = builder.met[node]
    if met.choice is not None:
        return _optional_attribute(builder, node)
    return bool(met.test) and _is_single(builder, node)


def _skip(
    builder: Builder, node: Node, met: Met, sources: tuple[Expr, ...], target: Local
) -> Expr:
    """Body, then shortcut, then the merge of both."""
    x = identity = sources[0]
    end = target
    if node.skip == "mul" and node.shortcut is None and met.skip is True:
        target = builder.local("scale")
    elif x == target:
        identity = builder.land(x, builder.local("identity"))
        sources = (x, *(identity if s == x else s for s in sources[1:]))
    after = builder.land(_plain(builder, node, sources, target), target)

    def merge() -> None:
        other: Expr = identity
        if node.shortcut is not None:
            other = _side(builder, node.shortcut, identity, owned=identity != x)
        builder.let((met.merged,))
        _assign(builder, node, _join(met, node, _ordered(node, after, other)), end)

    if met.skip_choice is None:
        merge()
        return end
    made = met.skip_choice
    choice(
        builder, made, merge,
        stated=lambda: builder.test(
            node.skip_when, made.test, made.read, identity, "use_skip"
        ),
    )  # fmt: skip
    return end


def _side(builder: Builder, node: Node, x: Expr, *, owned: bool) -> Expr:
    """The shortcut, as an expression where it is one module.

    `owned` says whether the variable `x` is there for it alone.
    """
    if _is_call(builder, node):
        if builder.met[node].choice is not None:
            return _optional_module(builder, node, x)
        return expression(builder, node, x)
    own = owned and isinstance(x, Local)
    target = x if own else builder.local("shortcut")
    return write_node(builder, node, x, target, "needs_shortcut")


def _ordered(node: Node, body: Expr, side: Expr) -> tuple[Expr, Expr]:
    return (body, side) if node.skip == "add" else (side, body)


def _join(met: Met, node: Node, values: Sequence[Expr]) -> Expr:
    shape = met.once or met.body
    assert shape is not None
    return _merge(node.skip or "add", shape, values)


def _merge(merge: str, shape: Shape, values: Sequence[Expr]) -> Expr:
    """The merge of several expressions."""
    op = OPS[merge]()
    assert isinstance(op, Merge)
    return op.combine(shape, *values)


# ---------------------------------------------------------------------------- bodies


def _plain(
    builder: Builder, node: Node, sources: tuple[Expr, ...], target: Local
) -> Expr:
    """A node's body without its skip."""
    x = sources[0]
    match node:
        case OpNode() if node.op.merges:
            return _merge_op(builder, node, sources, target)
        case GroupNode() if node.name is None:
            return write_nodes(builder, node.layers, x, target)
        case BranchesNode() if node.name is None:
            return write_branches(builder, node, x, target)
        case OpNode() if node.op.unchanged and node.name is None:
            if builder.plan.style != "numbered":
                return x
        case _:
            pass
    taps = builder.plan.reads.taps(node)
    if taps:
        return _tapped_group(builder, node, x, target, taps)
    return _assign(builder, node, expression(builder, node, x), target)


def _is_single(builder: Builder, node: Node) -> bool:
    """Whether the node's body is one call."""
    if isinstance(node, OpNode):
        return not node.op.merges
    if isinstance(node, BlockNode):
        return True
    return node.name is not None and not builder.plan.reads.taps(node)


def expression(builder: Builder, node: Node, x: Expr) -> Expr:
    """The call that computes a node's body; its module is set up in the constructor."""
    if builder.plan.style == "numbered":
        return _numbered(builder, node, x)
    if node in builder.members and builder.plan.sole is not node:
        return _member(builder, node, x)
    if isinstance(node, OpNode):
        if node.op.bare_parameter:
            return _bare_parameter(builder, node, x)
        if node.name is None:
            return _function(builder, node, x)
    if node.name is not None and not node.name.fixed:
        made = child_module(builder, node, stem_of(node.name, "block"))
        read = builder.met[node].x
        builder.invoke(SELF, "add_module", builder.name(node.name, read), made)
        if builder.plan.sole is node:
            builder.members[node] = builder.local("layer")
            return _called(builder, node, builder.members[node], x)
        key = builder.name_in_forward(node.name, read, x)
        module = code.call(Attribute(SELF, "get_submodule"), key)
        return _called(builder, node, module, x)
    name = node.name.text if node.name is not None else _invented(builder, node)
    attribute = Attribute(SELF, name)
    _attribute(builder, node, attribute)
    return _called(builder, node, attribute, x)


def _member(builder: Builder, node: Node, x: Expr) -> Expr:
    """A child of the list that a loop of `forward` runs over."""
    member = builder.members[node]
    made = child_module(builder, node, "block")
    container = Attribute(SELF, str(builder.plan.reads.paths[node].parts[-1]))
    builder.invoke(container, "append", made)
    if isinstance(node, OpNode) and node.op.bare_parameter:
        return _scaled(x, member)
    return _called(builder, node, member, x)


def _attribute(builder: Builder, node: Node, attribute: Attribute) -> None:
    """Sets an attribute to the node's module."""
    if node.doc:
        builder.init.append(Remark(node.doc))
    made = child_module(builder, node, attribute)
    if made != attribute:
        builder.init.append(Assign((attribute,), made))


def _bare_parameter(builder: Builder, node: OpNode, x: Expr) -> Expr:
    """The product with a parameter that no module of its own holds."""
    assert node.name is not None
    made = op_module(builder, node)
    if node.name.fixed:
        builder.set(node.name.text, made)
        return _scaled(x, Attribute(SELF, node.name.text))
    read = builder.met[node].x
    key = builder.name(node.name, read)
    builder.invoke(SELF, "register_parameter", key, made)
    key = builder.name_in_forward(node.name, read, x)
    return _scaled(x, code.call(Attribute(SELF, "get_parameter"), key))


def _scaled(x: Expr, parameter: Expr) -> Expr:
    return _merge("mul", Shape((1,)), (x, parameter))


def _called(builder: Builder, node: Node, module: Expr, x: Expr) -> Apply:
    """The call of a module, with what a group of nodes reads from outside itself."""
    needs = builder.plan.reads.needs(node)
    more = [builder.values[path] for path in needs.values]
    more += [builder.features] if needs.features else []
    return code.call(module, x, *more)


def _invented(builder: Builder, node: Node) -> str:
    """A name for an attribute that needs none for its (absent) parameters."""
    stem = node.op.op if isinstance(node, OpNode) else "block"
    return builder.attribute(node.block if isinstance(node, BlockNode) else stem)


def _function(builder: Builder, node: OpNode, x: Expr) -> Expr:
    """An op without parameters and name: a function call in `forward`."""
    met = builder.met[node]
    assert met.x is not None and met.op is not None
    values = {k: builder.in_forward(v, met.x, x) for k, v in node.attributes.items()}
    stated = node.op.model_construct(_fields_set=set(values), **values)
    made = stated.function(met.x, x)
    if made is None:
        return _unnamed_module(builder, node, x)
    builder.let(met.lets)
    return builder.tree(
        in_place(builder, node, made) if isinstance(made, Call) else made
    )


def _unnamed_module(builder: Builder, node: OpNode, x: Expr) -> Expr:
    """An op without a name that is a module all the same, in each iteration its own."""
    if not builder.loops:
        name = builder.attribute(node.op.op)
        builder.set(name, op_module(builder, node))
        return code.call(Attribute(SELF, name), x)
    parts: list[str | Expr] = [builder.family(node.op.op)]
    for counter in builder.loops:
        parts += ["_", Local(counter.id)]
    key = Joined(tuple(parts))
    builder.invoke(SELF, "add_module", key, op_module(builder, node))
    return code.call(code.call(Attribute(SELF, "get_submodule"), key), x)


def _numbered(builder: Builder, node: Node, x: Expr) -> Expr:
    """A child without a name: an element of the class, which is an nn.ModuleList."""
    builder.invoke(SELF, "append", child_module(builder, node, "block"))
    return _called(builder, node, _next(builder), x)


def _next(builder: Builder) -> Expr:
    """The child that comes next in a numbered body."""
    if builder.layers is not None:
        return code.call(Global("next"), builder.layers)
    builder.count += 1
    return Index(SELF, Const(builder.count - 1))


def _merge_op(
    builder: Builder, node: OpNode, sources: tuple[Expr, ...], target: Local
) -> Expr:
    """`add`, `mul` or `concat` as an op with `from`."""
    met = builder.met[node]
    assert met.body is not None
    made = _merge(node.op.op, met.body, sources)
    if builder.plan.style == "numbered":
        # its number among the children is taken
        builder.invoke(SELF, "append", IDENTITY)
        made = code.call(_next(builder), made)
    return _assign(builder, node, made, target)


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


def write_branches(
    builder: Builder, node: BranchesNode, x: Expr, target: Local
) -> Expr:
    """Each branch in a variable of its own, then the merge."""
    ends: list[Expr] = []
    for number, branch in enumerate(node.branches):
        stem = branch_stem(branch) or f"branch{number + 1}"
        ends.append(write_node(builder, branch, x, builder.local(stem)))
    met = builder.met[node]
    assert met.body is not None
    builder.let(met.lets)
    return _assign(builder, node, _merge(node.merge, met.body, ends), target)


def _tapped_group(
    builder: Builder, node: Node, x: Expr, target: Local, taps: tuple[str, ...]
) -> Expr:
    """A group that also hands out values from inside it."""
    assert node.name is not None
    attribute = Attribute(SELF, node.name.text)
    builder.init.append(Assign((attribute,), child_module(builder, node, attribute)))
    variables = [builder.local(path.replace(".", "_")) for path in taps]
    called = _called(builder, node, attribute, x)
    builder.forward.append(Assign((target, *variables), called))
    builder.values |= dict(zip(taps, variables, strict=True))
    return target


def _assign(builder: Builder, node: Node, value: Expr, target: Local) -> Expr:
    """`target = value`, with the new shape behind it where it is one."""
    comment = _shape_comment(builder, node)
    builder.forward.append(Assign((target,), value, comment=comment))
    return target


def _shape_comment(builder: Builder, node: Node) -> str | None:
    """A new output shape, for the network's own body, where it is one shape."""
    if builder.plan.kind != "network" or builder.loops:
        return None
    stage = "all" if node.repeat is not None else "once" if node.skip else "body"
    text = builder.seen.comment(node, stage)
    if text is None or text == builder.last_comment:
        return None
    builder.last_comment = text
    return text
