"""Skips: a node's body, what leads past it, and the merge of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from archc.emit.builder import Builder
from archc.emit.calls import (
    assign,
    expression,
    is_optional,
    is_single,
    merged,
    optional,
)
from archc.emit.constructor import choice
from archc.emit.plan import Met
from archc.ops.code import Local
from archc.spec.expressions import Expr
from archc.spec.model import Node


class Writes(Protocol):
    """How what stands on either path is written."""

    def plain(self, node: Node, sources: tuple[Expr, ...], target: Local) -> Expr:
        """A node's body without its skip."""
        ...

    def node(self, node: Node, x: Expr, target: Local, condition: str) -> Expr:
        """A node with its modifiers."""
        ...


def once(
    builder: Builder,
    node: Node,
    met: Met,
    sources: tuple[Expr, ...],
    target: Local,
    writes: Writes,
) -> Expr:
    """A node's body with its skip around it."""
    if met.skip is False:
        return writes.plain(node, sources, target)
    x = sources[0]
    shortcut = node.shortcut
    if met.skip is True and is_single(builder, node):
        if shortcut is None:
            order = (x, expression(builder, node, x))
            builder.let((met.merged,))
            return assign(builder, node, _join(builder, node, order), target)
        computed = node.name is not None and not node.name.fixed
        in_order = node.skip == "add" or builder.layers is None
        if not computed and in_order and _is_call(builder, shortcut):
            made = expression(builder, node, x)
            order = _ordered(node, made, _call(builder, shortcut, x))
            builder.let((met.merged,))
            return assign(builder, node, _join(builder, node, order), target)
    return _skip(builder, node, met, sources, target, writes)


def _is_call(builder: Builder, node: Node) -> bool:
    """Whether a shortcut is one call, be it of an nn.Identity where it is absent."""
    if node.skip or node.repeat or node.reads or builder.plan.reads.is_read(node):
        return False
    met = builder.met[node]
    if met.choice is not None:
        return is_optional(builder, node)
    return bool(met.test) and is_single(builder, node)


def _skip(
    builder: Builder,
    node: Node,
    met: Met,
    sources: tuple[Expr, ...],
    target: Local,
    writes: Writes,
) -> Expr:
    """Body, then shortcut, then the merge of both."""
    x = identity = sources[0]
    end = target
    if node.skip == "mul" and node.shortcut is None and met.skip is True:
        target = builder.local("scale")
    elif x == target:
        identity = builder.land(x, builder.local("identity"))
        sources = (x, *(identity if s == x else s for s in sources[1:]))
    after = builder.land(writes.plain(node, sources, target), target)

    def merge() -> None:
        other: Expr = identity
        shortcut = node.shortcut
        if shortcut is not None and _is_call(builder, shortcut):
            other = _call(builder, shortcut, identity)
        elif shortcut is not None:
            # a variable that is there for it alone may be written to
            own = identity if identity != x and isinstance(identity, Local) else None
            side = builder.local("shortcut") if own is None else own
            other = writes.node(shortcut, identity, side, "needs_shortcut")
        builder.let((met.merged,))
        assign(builder, node, _join(builder, node, _ordered(node, after, other)), end)

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


def _call(builder: Builder, node: Node, x: Expr) -> Expr:
    """A shortcut that is one call."""
    if builder.met[node].choice is not None:
        return optional(builder, node, x)
    return expression(builder, node, x)


def _ordered(node: Node, body: Expr, side: Expr) -> tuple[Expr, Expr]:
    return (body, side) if node.skip == "add" else (side, body)


def _join(builder: Builder, node: Node, values: Sequence[Expr]) -> Expr:
    met = builder.met[node]
    shape = met.once or met.body
    assert shape is not None
    if shape.channel_axis is None and not builder.seen.skips_past(node):
        shape = replace(shape, channel_axis=0)  # it never happens, as far as one knows
    return merged(node.skip or "add", shape, values)
