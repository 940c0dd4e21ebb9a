"""The calls that `forward` makes: of modules, which the constructor sets up, and of
functions."""

from __future__ import annotations

from collections.abc import Sequence

from archc.emit import shapes
from archc.emit.builder import Builder
from archc.emit.chains import is_chain, is_sequence
from archc.emit.constructor import (
    IDENTITY,
    child_module,
    choice,
    in_place,
    repetition,
    stem_of,
)
from archc.emit.names import is_attribute
from archc.emit.plan import is_parameter
from archc.emit.shared import looked_up, module_at, module_handed_to
from archc.emit.tree import SELF, Assign, Remark
from archc.ops import code
from archc.ops.base import Call
from archc.ops.code import Apply, Attribute, Global, Joined, Local, Text
from archc.ops.registry import merge_op
from archc.ops.sizes import Shape
from archc.spec.expressions import Const, Expr, Index
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    ShareNode,
    SlotNode,
    alternatives,
)
from archc.spec.templates import may_meet


def expression(builder: Builder, node: Node, x: Expr) -> Expr:
    """The call that computes a node's body; its module is set up in the constructor."""
    if isinstance(node, ShareNode):
        return _shared(builder, node, x)
    if builder.plan.style == "numbered" and node.name is None:
        return _numbered(builder, node, x)
    if node in builder.members and builder.plan.sole is not node:
        return _member(builder, node, x)
    if isinstance(node, OpNode):
        if node.op.bare_parameter:
            return _bare_parameter(builder, node, x)
        if node.name is None or not node.op.has_module:
            return _function(builder, node, x)
    if isinstance(node, SlotNode) and node.name is None:
        return _unnamed_module(builder, node, node.slot, x)
    if node.name is not None and not node.name.fixed:
        made = child_module(builder, node, stem_of(node.name, "block"))
        read = builder.met[node].x
        _add_child(builder, builder.name(node.name, read), made)
        if builder.plan.sole is node:
            builder.members[node] = builder.local("layer")
            return called(builder, node, builder.members[node], x)
        key = builder.name_in_forward(node.name, read, x)
        return called(builder, node, child(key), x)
    name = node.name.text if node.name is not None else _invented(builder, node)
    attribute = Attribute(SELF, name)
    _attribute(builder, node, attribute)
    if name in builder.parameters:
        # a type checker takes the attribute for either
        return called(builder, node, looked_up(SELF, Text(name), node), x)
    return called(builder, node, attribute, x)


def _shared(builder: Builder, node: ShareNode, x: Expr) -> Expr:
    """The call of a module that an earlier node has made."""
    shared = builder.plan.reads.shared[node]
    made, first = module_at(builder, shared), shared.node
    if is_parameter(first):
        return _scaled(x, made)
    return code.call(made, x) if first is None else called(builder, first, made, x)


def child(key: Expr) -> Expr:
    """The attribute that holds what is called so."""
    if isinstance(key, Text) and is_attribute(key.value):
        return Attribute(SELF, key.value)
    return code.call(Global("getattr"), SELF, key)


def _add_child(builder: Builder, key: Expr, made: Expr) -> None:
    if isinstance(key, Text) and is_attribute(key.value):
        builder.set(key.value, made)
    else:
        builder.invoke(SELF, "add_module", key, made)


def _member(builder: Builder, node: Node, x: Expr) -> Expr:
    """A child of the list that a loop of `forward` runs over."""
    member = builder.members[node]
    made = child_module(builder, node, "block")
    container = Attribute(SELF, str(builder.plan.reads.paths[node].parts[-1]))
    builder.invoke(container, "append", made)
    if isinstance(node, OpNode) and node.op.bare_parameter:
        return _scaled(x, member)
    return called(builder, node, member, x)


def _attribute(builder: Builder, node: Node, attribute: Attribute) -> None:
    """Sets an attribute to the node's module."""
    if node.doc and not _has_class(builder, node):
        builder.init.append(Remark(node.doc))
    made = child_module(builder, node, attribute)
    if made != attribute:
        builder.init.append(Assign((attribute,), made))


def _has_class(builder: Builder, node: Node) -> bool:
    """Whether a group has a class of its own, whose docstring says what it is."""
    if isinstance(node, GroupNode):
        return not is_chain(builder.plan.reads, node.layers)
    return isinstance(node, BranchesNode)


def _bare_parameter(builder: Builder, node: OpNode, x: Expr) -> Expr:
    """The product with a parameter that no module of its own holds."""
    assert node.name is not None
    made = child_module(builder, node, node.name.text)
    if node.name.fixed:
        builder.set(node.name.text, made)
        return _scaled(x, Attribute(SELF, node.name.text))
    read = builder.met[node].x
    key = builder.name(node.name, read)
    builder.invoke(SELF, "register_parameter", key, made)
    key = builder.name_in_forward(node.name, read, x)
    return _scaled(x, child(key))


def _scaled(x: Expr, parameter: Expr) -> Expr:
    return merged("mul", Shape((1,)), (x, parameter))


def called(builder: Builder, node: Node, module: Expr, x: Expr) -> Apply:
    """The call of a module, with what a group of nodes reads from outside itself."""
    needs = builder.plan.reads.needs(node)
    more = [builder.values[path] for path in needs.values]
    more += [module_handed_to(builder, node, shared) for shared in needs.modules]
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
    layers = builder.seen.layers.get(node, ())
    made = shapes.symbolic(node.op, values, layers).function(met.x, x)
    # what a module takes either way, a function may not
    if made is None or shapes.is_list_somewhere(values, layers):
        return _unnamed_module(builder, node, node.op.op, x)
    builder.let(met.lets)
    return builder.tree(
        in_place(builder, node, made) if isinstance(made, Call) else made
    )


def _unnamed_module(
    builder: Builder, node: OpNode | SlotNode, stem: str, x: Expr
) -> Expr:
    """What has no name and is a module all the same, in each iteration its own."""
    made = child_module(builder, node, stem)
    if not builder.loops:
        name = builder.attribute(stem)
        builder.set(name, made)
        return code.call(Attribute(SELF, name), x)
    parts: list[str | Expr] = [builder.family(stem)]
    for counter in builder.loops:
        parts += ["_", Local(counter.id)]
    key = Joined(tuple(parts))
    builder.invoke(SELF, "add_module", key, made)
    return code.call(child(key), x)


def _numbered(builder: Builder, node: Node, x: Expr) -> Expr:
    """A child without a name: an element of the class, which is an nn.ModuleList."""
    builder.invoke(SELF, "append", child_module(builder, node, "block"))
    return called(builder, node, next_child(builder), x)


def next_child(builder: Builder) -> Expr:
    """The child that comes next in a numbered body."""
    if builder.layers is not None:
        return code.call(Global("next"), builder.layers)
    builder.count += 1
    return Index(SELF, Const(builder.count - 1))


def merged(merge: str, shape: Shape, values: Sequence[Expr]) -> Expr:
    """The merge of several expressions."""
    return merge_op(merge).combine(shape, *values)


def is_single(builder: Builder, node: Node) -> bool:
    """Whether the node's body is one call."""
    if isinstance(node, OpNode):
        return not node.op.merges
    if isinstance(node, BlockNode):
        return not node.is_wide
    if isinstance(node, ShareNode | SlotNode):
        return True
    return node.name is not None and not builder.plan.reads.taps(node)


def is_optional(builder: Builder, node: Node) -> bool:
    """Whether what stands in an absent node's place, if only an nn.Identity, can have
    the same name."""
    found = [node, *alternatives(node)]
    if node.name is None or builder.plan.style == "numbered":
        return False
    if builder.loops:
        return False  # another iteration has the name, if any
    if node.reads is not None and len(node.reads) > 1:
        return False
    if any(n.reads is not None for n in found[1:]):
        return False
    # a name that other exclusive nodes share must not be overwritten by the absent one
    name = node.name.text
    alike = (n for other, n in builder.plan.names.items() if may_meet(other, name))
    alone = sum(alike) == len(found)
    return alone and all(n.name == node.name and _is_module(builder, n) for n in found)


def _is_module(builder: Builder, node: Node) -> bool:
    """Whether a node is an attribute that `forward` calls, and nothing more."""
    if node.name is None or not node.name.fixed or node.skip:
        return False
    if isinstance(node, ShareNode):
        return False
    if isinstance(node, OpNode) and (node.op.merges or node.op.bare_parameter):
        return False
    if isinstance(node, BlockNode) and node.is_wide:
        return False
    reads = builder.plan.reads
    if reads.needs(node) or reads.taps(node):
        return False
    return node.repeat is None or is_sequence(reads, node)


def optional(builder: Builder, node: Node, x: Expr) -> Expr:
    """A call of an attribute that is another module, or an nn.Identity, where the node
    is absent."""
    assert node.name is not None
    attribute = Attribute(SELF, node.name.text)
    _chosen(builder, node, attribute)
    return code.call(attribute, x)


def _chosen(builder: Builder, node: Node | None, attribute: Attribute) -> None:
    """Sets an attribute to the node's module, or to what stands in its place."""
    if node is None:
        builder.init.append(Assign((attribute,), IDENTITY))
        return
    met = builder.met[node]

    def run() -> None:
        if node.repeat is None:
            _attribute(builder, node, attribute)
        else:
            repetition(builder, node, attribute)

    def other() -> None:
        _chosen(builder, node.otherwise, attribute)

    if met.choice is not None:
        choice(builder, met.choice, run, other)
    elif met.test:
        run()
    else:
        other()


def assign(builder: Builder, node: Node, value: Expr, target: Local) -> Expr:
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
