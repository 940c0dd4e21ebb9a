"""The shapes of values in generated code: the rules of ops, run on symbols.

An op's own rule says what its channels are as an expression. Sizes are numbers: those
that all occurrences agree on. Where a rule can't say, the occurrences do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archc.network.graph import Layer
from archc.ops.base import UNKNOWN, Dim, Op, Shape, ShapeError
from archc.ops.code import Local
from archc.spec.expressions import (
    Binary,
    Const,
    Expr,
    Index,
    ListOf,
    Undecidable,
    as_expr,
)


class Listed(ListOf):
    """An expression that stands for a list of known length: rules take its items, and
    code says it whole."""

    __slots__ = ("whole",)

    def __init__(self, whole: Expr, length: int) -> None:
        super().__init__(tuple(Index(whole, Const(n)) for n in range(length)))
        object.__setattr__(self, "whole", whole)

    whole: Expr


def symbolic(op: type[Op], values: Mapping[str, Any], layers: Sequence[Layer]) -> Op:
    """An op with expressions for attributes, as its occurrences have them."""
    made = dict(values)
    for key, value in values.items():
        if isinstance(value, Expr) and not isinstance(value, ListOf):
            lengths = {_length(getattr(layer.op, key)) for layer in layers}
            length = lengths.pop() if len(lengths) == 1 else None
            made[key] = value if length is None else Listed(value, length)
    return op.model_construct(_fields_set=set(made), **made)


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, tuple) else None  # pyright: ignore[reportUnknownArgumentType]


def output(op: Op, inputs: Sequence[Shape], seen: Shape | None) -> Shape:
    """The shape that an op gives; `seen` is what its occurrences agree on."""
    return settled(_inferred(op, inputs), seen)


def joined(op: Op, x: Shape, seen: Shape | None) -> Shape:
    """The shape behind an op that makes one axis of several.

    Its length is the product that the reader knows, `256 * 6 * 6`: the rule is run on
    letters, and sizes of one are left out.
    """
    letters = [Local(f"axis#{n}") for n in range(len(x.dims))]
    inferred = _inferred(op, [Shape(tuple(letters), x.channel_axis)])
    if inferred is None:
        return settled(None, seen)
    sizes = dict(zip(letters, x.dims, strict=True))
    dims = tuple(_filled(dim, sizes) for dim in inferred.dims)
    return settled(Shape(dims, inferred.channel_axis), seen)


def _filled(dim: Dim, sizes: Mapping[Local, Dim]) -> Dim:
    match dim:
        case Local():
            return sizes[dim]
        case Binary(op="*", left=left, right=right):
            factors = [_filled(left, sizes), _filled(right, sizes)]
            if UNKNOWN in factors:
                return UNKNOWN
            factors = [f for f in factors if f != 1] or [1]
            if len(factors) == 1:
                return factors[0]
            return Binary("*", as_expr(factors[0]), as_expr(factors[1]))
        case _:
            return dim


def merged(
    op: Op, inputs: Sequence[Shape], layers: Sequence[Layer], seen: Shape | None
) -> Shape:
    """The shape of a merge; its occurrences say which of its inputs are only gates."""
    rank = max((len(x.dims) for x in inputs), default=0)
    spread = [
        {a for a in range(rank) if layers and all(_is_gate(m, n, a) for m in layers)}
        for n in range(len(inputs))
    ]
    full = [
        Shape(tuple(1 if a in s else d for a, d in enumerate(x.dims)), x.channel_axis)
        for x, s in zip(inputs, spread, strict=True)
    ]
    # what is spread over the others has no say
    order = sorted(range(len(full)), key=lambda n: bool(spread[n]))
    ordered = full if op.op == "concat" else [full[n] for n in order]
    return settled(_inferred(op, ordered), seen)


def _is_gate(layer: Layer, number: int, axis: int) -> bool:
    x, y = layer.inputs[number].shape, layer.output.shape
    if x is None or y is None or len(x.dims) <= axis or len(y.dims) <= axis:
        return False
    return x.dims[axis] == 1 != y.dims[axis]


def settled(inferred: Shape | None, seen: Shape | None) -> Shape:
    """The inferred channels, and the sizes that all occurrences agree on."""
    if seen is None:
        if inferred is None:
            return Shape((UNKNOWN,))
        unknown = Shape((UNKNOWN,) * len(inferred.dims), inferred.channel_axis)
        return unknown.with_channels(inferred.channels)
    fits = (
        inferred is not None
        and len(inferred.dims) == len(seen.dims)
        and inferred.channel_axis == seen.channel_axis
    )
    if inferred is None or not fits or inferred.channels is UNKNOWN:
        return seen
    return seen.with_channels(inferred.channels)


def _inferred(op: Op, inputs: Sequence[Shape]) -> Shape | None:
    """What the op's rule says; None where it can't say anything on symbols."""
    try:
        return op.infer(*inputs)
    except (Undecidable, ShapeError):
        return None
