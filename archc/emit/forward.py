"""The nodes of a class body: attributes in the constructor, statements in `forward`.

Each node reads variables and leaves its value in one. The main path goes through `x`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from archc.emit.builder import Builder
from archc.emit.calls import (
    assign,
    expression,
    is_optional,
    merged,
    next_child,
    optional,
)
from archc.emit.chains import has_module, is_sequence
from archc.emit.constructor import (
    IDENTITY,
    choice,
    loop,
    repetition,
    turns,
)
from archc.emit.names import identifier, shared_start
from archc.emit.plan import Met
from archc.emit.skips import once
from archc.emit.tree import SELF, Assign, For, Statement
from archc.emit.usage import reads_of
from archc.emit.variables import (
    kept_apart,
    read,
    remember,
    returned_as,
    stem_of_alternatives,
    stem_of_value,
    variable,
)
from archc.ops import code
from archc.ops.code import Apply, Argument, Attribute, Global, Local
from archc.ops.merge.family import Merge
from archc.spec.expressions import Const, Expr, Index
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    PartsNode,
    alternatives,
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
        sources = tuple(read(builder, node, n, x) for n in range(len(node.reads)))
    x = sources[0]
    named = (node, *alternatives(node))
    stem = stem_of_alternatives(named)
    owns = (variable(builder, n, stem) for n in named)
    own = next((own for own in owns if own is not None), None)
    target = target if own is None else own
    after = _chosen(builder, node, sources, target, condition)
    if own is not None:
        after = builder.land(after, own)
    paths = {
        builder.plan.reads.paths.get(n): None
        for n in named
        if n.repeat is None or (n.name is not None and n.name.fixed)
    }
    for path in paths:
        assert met.out is not None
        remember(builder, path, after, met.out)
    return after


def _chosen(
    builder: Builder,
    node: Node,
    sources: tuple[Expr, ...],
    target: Local,
    condition: str,
) -> Expr:
    """The node, or what stands in its place."""
    met = builder.met[node]
    if met.choice is not None:
        if is_optional(builder, node):
            made = optional(builder, node, sources[0])
            return assign(builder, node, made, target)
        return _conditional(builder, node, met, sources, target, condition)
    if met.test:
        return _repeated(builder, node, sources, target)
    return _otherwise(builder, node, sources[0], target, condition)


def _otherwise(
    builder: Builder, node: Node, x: Expr, target: Local, condition: str
) -> Expr:
    """What stands in the place of a node that is left out and reads `x`."""
    other = node.otherwise
    if other is None:
        return x
    sources = (x,)
    if other.reads is not None:
        sources = tuple(read(builder, other, n, x) for n in range(len(other.reads)))
    return _chosen(builder, other, sources, target, condition)


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
        sources = kept_apart(builder, sources, target)
        builder.land(sources[0], target)
    if node.name and node.name.fixed:
        condition = f"has_{identifier(node.name.text)}"

    def run() -> None:
        after = _repeated(builder, node, (target, *sources[1:]), target)
        builder.land(after, target)

    def other() -> None:
        after = _otherwise(builder, node, target, target, condition)
        builder.land(after, target)

    def stated() -> tuple[Expr, Assign | None]:
        return builder.test(node.when, made.test, made.read, target, condition)

    choice(builder, made, run, other, stated)
    return target


def _repeated(
    builder: Builder, node: Node, sources: tuple[Expr, ...], target: Local
) -> Expr:
    met = builder.met[node]
    if not met.repeats:
        return once(builder, node, met, sources, target, _Writes(builder))
    reads = builder.plan.reads
    x = sources[0]
    listed = node in reads.members and has_module(node)
    container: Attribute | None = None
    if listed:
        container = Attribute(SELF, str(reads.paths[node].parts[-1]))
        if is_sequence(reads, node):
            repetition(builder, node, container)
            return assign(builder, node, code.call(container, x), target)
        bare = isinstance(node, OpNode) and node.op.bare_parameter
        kind = Global("nn.ParameterList" if bare else "nn.ModuleList")
        builder.init.append(Assign((container,), code.call(kind)))
        builder.members[node] = builder.local("layer")
    sources = kept_apart(builder, sources, target)
    repeat = met.loop
    count = None if repeat is None else builder.in_forward(node.repeat, repeat.read, x)
    landed = builder.land(x, target)

    def run(number: int | None = None) -> None:
        if container is not None and number is not None:
            builder.members[node] = Index(container, Const(number))
        own = builder.met[node]
        made = once(
            builder, node, own, (landed, *sources[1:]), target, _Writes(builder)
        )
        made = builder.land(made, target)
        paths = reads.members if node in reads.members else reads.paths
        assert own.once is not None
        remember(builder, paths.get(node), made, own.once)

    if met.turns is not None:
        turns(builder, node, met.turns, run)
        return landed
    assert repeat is not None
    inside = loop(builder, node, repeat, run)
    if inside:
        counter = Local(repeat.counter.id)
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


@dataclass(frozen=True, slots=True)
class _Writes:
    """How skips write what stands on either path."""

    builder: Builder

    def plain(self, node: Node, sources: tuple[Expr, ...], target: Local) -> Expr:
        return _plain(self.builder, node, sources, target)

    def node(self, node: Node, x: Expr, target: Local, condition: str) -> Expr:
        return write_node(self.builder, node, x, target, condition)


def _plain(
    builder: Builder, node: Node, sources: tuple[Expr, ...], target: Local
) -> Expr:
    """A node's body without its skip."""
    x = sources[0]
    match node:
        case OpNode() if node.op.merges:
            return _merge_op(builder, node, sources, target)
        case PartsNode():
            made = [_part(builder, part, x) for part in node.layers]
            return made[0]
        case GroupNode() if node.name is None:
            return write_nodes(builder, node.layers, x, target)
        case BranchesNode() if node.name is None:
            return write_branches(builder, node, x, target)
        case BlockNode() if node.is_wide:
            return _wide_block(builder, node, sources, target)
        case OpNode() if node.op.unchanged and node.name is None:
            if builder.plan.style != "numbered":
                return x
        case _:
            pass
    taps = builder.plan.reads.taps(node)
    if taps:
        return _tapped_group(builder, node, x, target, taps)
    return assign(builder, node, expression(builder, node, x), target)


def _wide_block(
    builder: Builder, node: BlockNode, sources: tuple[Expr, ...], target: Local
) -> Expr:
    """A block that reads or gives several values: `a, b = self.exchange(a, b)`."""
    made = expression(builder, node, sources[0])
    assert isinstance(made, Apply)
    more = tuple(Argument(source) for source in sources[1:])
    made = Apply(made.function, (*made.arguments, *more))
    if not node.outputs:
        values: list[Local] = [target]
        assign(builder, node, made, target)
    else:
        values = [builder.local(name) for name in node.outputs]
        builder.forward.append(Assign(tuple(values), made))
    paths = builder.plan.reads.given(node).values()
    for path, value in zip(paths, values, strict=False):
        remember(builder, path, value, builder.plan.values[path.text])
    return values[0]


def _merge_op(
    builder: Builder, node: OpNode, sources: tuple[Expr, ...], target: Local
) -> Expr:
    """`add`, `mul` or `concat` as an op with `from`, or what else reads several."""
    met = builder.met[node]
    assert met.body is not None and met.x is not None
    values = {
        k: builder.in_forward(v, met.x, sources[0]) for k, v in node.attributes.items()
    }
    stated = node.op.model_construct(_fields_set=set(values), **values)
    assert isinstance(stated, Merge)
    made = builder.tree(stated.combine(met.body, *sources))
    if builder.plan.style == "numbered":
        # its number among the children is taken
        builder.invoke(SELF, "append", IDENTITY)
        made = code.call(next_child(builder), made)
    return assign(builder, node, made, target)


def _part(builder: Builder, part: Node, x: Expr) -> Expr:
    """One of several values of an op, in a variable of its own."""
    return write_node(builder, part, x, builder.local(stem_of_value(part, "part")))


def branch_stem(branch: Node) -> str | None:
    """What to call a branch's value: as the branch, or what its layers' names share."""
    if branch.name is not None and branch.name.fixed:
        return identifier(branch.name.text)
    if isinstance(branch, OpNode):
        return "branch_pool" if branch.op.category == "pooling" else None
    names = [n.name.text for n in opened((branch,)) if n.name and n.name.fixed]
    shared = shared_start(names)
    # cut where a word ends: branch3x3_1 and branch3x3_2 share branch3x3
    ends = all(n == shared or n[len(shared)] in "_0123456789" for n in names)
    shared = shared.rstrip("_") if ends or shared.endswith("_") else ""
    if len(names) == 1:
        # the first and only layer of a branch b1 may be b1_1
        shared = re.sub(r"_1$", "", shared)
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
    return assign(builder, node, merged(node.merge, met.body, ends), target)


def _tapped_group(
    builder: Builder, node: Node, x: Expr, target: Local, taps: tuple[str, ...]
) -> Expr:
    """A group that also hands out values from inside it."""
    variables = [
        builder.local(returned_as(builder, path) or identifier(path)) for path in taps
    ]
    values = expression(builder, node, x)
    builder.forward.append(Assign((target, *variables), values))
    builder.values |= dict(zip(taps, variables, strict=True))
    return target
