"""Calls of modules that an earlier node has made: where `forward` finds them."""

from __future__ import annotations

from collections.abc import Sequence

from archc.emit.builder import Builder
from archc.emit.chains import is_chain
from archc.emit.names import is_attribute
from archc.emit.plan import is_parameter
from archc.emit.scopes import Shared
from archc.emit.tree import SELF
from archc.network.scope import style_of
from archc.ops import code
from archc.ops.code import Attribute, Global, Text
from archc.spec.expressions import Const, Expr, Index
from archc.spec.model import (
    GroupNode,
    Node,
    Template,
    members,
    opened,
)


def module_at(builder: Builder, shared: Shared) -> Expr:
    """The module, or the parameter, at a path of the body, for `forward`."""
    given = builder.modules.get(shared.key.text)
    if given is not None:
        return given
    key = _below(builder, shared)
    name = builder.name_in_forward(key)
    if isinstance(name, Text):
        return _at(builder, name.value.split("."), shared)
    if any("." in part for part in key.parts if isinstance(part, str)):
        return looked_up(SELF, name, shared.node)
    return code.call(Global("getattr"), SELF, name)


def module_handed_to(builder: Builder, group: Node, shared: Shared) -> Expr:
    """The module, or the parameter, that the call of a group hands on; None where it is
    left out, as what would apply it is too."""
    reads = builder.plan.reads
    if shared.key.text in builder.modules or not reads.may_lack(group, shared):
        return module_at(builder, shared)
    method = "named_parameters" if is_parameter(shared.node) else "named_modules"
    known = code.call(Global("dict"), code.call(Attribute(SELF, method)))
    name = builder.name_in_forward(_below(builder, shared))
    return code.call(Attribute(known, "get"), name)


def _below(builder: Builder, shared: Shared) -> Template:
    """Where a shared module is, from the class that is being written."""
    plan = builder.plan
    if plan.node is None or shared.node is None:
        return shared.key
    return plan.reads.below(plan.node, shared.key)


def _at(builder: Builder, path: Sequence[str], shared: Shared) -> Expr:
    """A module by its names, typed as far as its containers are."""
    reads = builder.plan.reads
    nodes: Sequence[Node] = builder.plan.nodes
    found: Expr = SELF
    listed = False
    for number, name in enumerate(path):
        if listed:
            if not name.isdigit():
                break
            found, listed, nodes = Index(found, Const(int(name))), False, ()
            continue
        made = next(
            (n for n in opened(tuple(nodes)) if n.name and n.name.text == name), None
        )
        if made is None or not is_attribute(name):
            return looked_up(found, Text(".".join(path[number:])), shared.node)
        found = Attribute(found, name)
        inside = members(made)
        # what is in these has a number; it has a name in a class of the module's own
        listed = made.repeat is not None or style_of(inside) == "numbered"
        nodes = inside
        if isinstance(made, GroupNode) and is_chain(reads, inside):
            nodes = ()  # an nn.Sequential, whose children have no types
    else:
        return found
    return looked_up(found, Text(".".join(path[number:])), shared.node)


def looked_up(owner: Expr, path: Expr, node: Node | None) -> Expr:
    """The module, or the parameter, that a node has made at a path below a module."""
    method = "get_parameter" if is_parameter(node) else "get_submodule"
    return code.call(Attribute(owner, method), path)
