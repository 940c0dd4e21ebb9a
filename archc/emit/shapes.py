"""The shapes of values in generated code: the rules of ops, run on symbols.

An op's own rule says what its channels are as an expression. Sizes are numbers: those
that all occurrences agree on. Where a rule can't say, the occurrences do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archc.network.graph import Layer
from archc.ops.base import Op
from archc.ops.code import Local
from archc.ops.merge.family import Merge
from archc.ops.sizes import UNKNOWN, Dim, Shape, ShapeError, Unknown
from archc.spec.expressions import (
    Binary,
    Call,
    Const,
    Expr,
    ExpressionError,
    Index,
    ListOf,
    Undecidable,
    as_expr,
    is_tuple,
)


class Listed(ListOf):
    """An expression that stands for a list of known length: rules take its items, and
    code says it whole."""

    __slots__ = ("whole",)

    def __init__(self, whole: Expr, length: int) -> None:
        super().__init__(tuple(Index(whole, Const(n)) for n in range(length)))
        object.__setattr__(self, "whole", whole)

    whole: Expr


def symbolic(op: type[Op], values: Mapping[str, object], layers: Sequence[Layer]) -> Op:
    """An op with expressions for attributes, as its occurrences have them."""
    made = dict(values)
    for key, value in values.items():
        if isinstance(value, Expr) and not isinstance(value, ListOf):
            lengths = _lengths(key, layers)
            length = lengths.pop() if len(lengths) == 1 else None
            made[key] = value if length is None else Listed(value, length)
    return op.model_construct(_fields_set=set(made), **made)


def is_list_somewhere(values: Mapping[str, object], layers: Sequence[Layer]) -> bool:
    """Whether an expression is one number in some occurrences of an op, and a list in
    others."""
    return any(
        len(_lengths(key, layers)) > 1
        for key, value in values.items()
        if isinstance(value, Expr)
    )


def _lengths(key: str, layers: Sequence[Layer]) -> set[int | None]:
    """How long an attribute is where an op occurs; None where it is no list."""
    values = (getattr(layer.op, key) for layer in layers)
    return {len(v) if is_tuple(v) else None for v in values}


def output(
    op: Op, inputs: Sequence[Shape], layers: Sequence[Layer], seen: Shape | None
) -> Shape:
    """The shape that an op gives; `seen` is what its occurrences agree on."""
    inferred = _decided(op, inputs, layers, seen)
    if inferred is None and seen is None:
        return inputs[0]  # it never happens, as far as anyone knows
    return settled(inferred, seen)


def joined(op: Op, x: Shape, layers: Sequence[Layer], seen: Shape | None) -> Shape:
    """The shape behind an op that makes one axis of several.

    Its length is the product that the reader knows, `256 * 6 * 6`: the rule is run on
    letters, and sizes of one are left out.
    """
    letters = [Local(f"axis#{n}") for n in range(len(x.dims))]
    inferred = _decided(op, [Shape(tuple(letters), x.channel_axis)], layers, seen)
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
            first, second = _filled(left, sizes), _filled(right, sizes)
            if isinstance(first, Unknown) or isinstance(second, Unknown):
                return UNKNOWN
            if first == 1 or second == 1:
                return second if first == 1 else first
            return Binary("*", as_expr(first), as_expr(second))
        case _:
            return dim


def merged(
    op: Merge, inputs: Sequence[Shape], layers: Sequence[Layer], seen: Shape | None
) -> Shape:
    """The shape of a merge.

    Symbols can't say which inputs are gates, which are spread over the others, and that
    two expressions for channels are the same number; its occurrences do.
    """
    if op.stacks_channels:
        return settled(_inferred(op, inputs), seen)
    if not layers:
        # nothing says which of them is spread; a skip's last is not the gate
        inferred = _inferred(op, inputs) or inputs[-1]
        if inferred.channels is UNKNOWN:
            inferred = inferred.with_channels(inputs[-1].channels)
        return settled(inferred, seen)
    sizes = [_Sizes(layers, number) for number in range(len(inputs))]
    channels = _widest(op, inputs, sizes)
    told = [_as_told(x, s, channels) for x, s in zip(inputs, sizes, strict=True)]
    inferred = _inferred(op, told)
    if inferred is not None and channels is not UNKNOWN:
        inferred = inferred.with_channels(channels)
    return settled(inferred, seen)


def _widest(op: Merge, inputs: Sequence[Shape], sizes: Sequence[_Sizes]) -> Dim:
    """The channels of a merge whose inputs may be spread over each other.

    What has the size of the output has the say. An expression that is 1 here may be
    more with other arguments, and what is more may be 1: it is their maximum then.
    """
    pairs = list(zip(inputs, sizes, strict=True))
    full = [x.channels for x, size in pairs if size.is_full]
    full += [x.channels for x, size in pairs if size.has_channels]
    if not full:
        return UNKNOWN
    if not op.spreads:
        return full[0]
    for channels in full:
        if isinstance(channels, int) and channels != 1:
            return channels  # what fits it is this, or 1
    if all(s.is_full and not s.is_narrow for s in sizes):
        # taken to be alike with other arguments too
        return full[0]
    narrow = [x.channels for x, s in pairs if s.is_narrow]
    told = (c for c in (full[0], *narrow) if c != 1 and not isinstance(c, Unknown))
    widths = list(dict.fromkeys(map(as_expr, told)))
    if len(widths) > 1:
        return Call("max", tuple(widths))
    return full[0] if full[0] != 1 or not widths else widths[0]


class _Sizes:
    """One input of a merge beside its output, in all occurrences."""

    def __init__(self, layers: Sequence[Layer], number: int) -> None:
        pairs = [
            (layer.inputs[number].shape, layer.output.shape)
            for layer in layers
            if number < len(layer.inputs)
        ]
        self._pairs = [(x, y) for x, y in pairs if x is not None and y is not None]

    @property
    def is_full(self) -> bool:
        return all(x == y for x, y in self._pairs)

    @property
    def has_channels(self) -> bool:
        return all(x.channels == y.channels for x, y in self._pairs)

    @property
    def is_narrow(self) -> bool:
        """Whether it is a single channel in some occurrence."""
        return any(x.channels == 1 for x, _ in self._pairs)

    def is_spread(self, axis: int) -> bool:
        """Whether it is one wide along an axis where the output is wider."""
        return bool(self._pairs) and all(
            x.dims[axis : axis + 1] == (1,) != y.dims[axis : axis + 1]
            for x, y in self._pairs
        )


def _as_told(x: Shape, size: _Sizes, channels: Dim) -> Shape:
    dims = tuple(1 if size.is_spread(axis) else dim for axis, dim in enumerate(x.dims))
    told = Shape(dims, x.channel_axis)
    return told.with_channels(channels) if size.has_channels else told


def settled(inferred: Shape | None, seen: Shape | None) -> Shape:
    """The inferred channels, and the sizes that all occurrences agree on."""
    if seen is None:
        if inferred is None:
            return Shape((UNKNOWN,))
        return _without_sizes(inferred)
    fits = (
        inferred is not None
        and len(inferred.dims) == len(seen.dims)
        and inferred.channel_axis == seen.channel_axis
    )
    if inferred is None or not fits or inferred.channels is UNKNOWN:
        return seen
    return seen.with_channels(inferred.channels)


def _decided(
    op: Op, inputs: Sequence[Shape], layers: Sequence[Layer], seen: Shape | None
) -> Shape | None:
    """What the op's rule says; where it needs numbers, such as the axis at which to
    start, they are those that its occurrences have, and one rather than all."""
    op = op.as_met([layer.op for layer in layers], seen)
    inferred = _inferred(op, inputs)
    if inferred is not None or not layers:
        return inferred
    agreed: dict[str, object] = {}
    for key in type(op).model_fields:
        first, *others = [getattr(layer.op, key) for layer in layers]
        if isinstance(getattr(op, key), Expr) and all(v == first for v in others):
            agreed[key] = first
    for numbers in (*({key: value} for key, value in agreed.items()), agreed):
        inferred = _inferred(op.model_copy(update=numbers), inputs)
        if inferred is not None:
            return inferred
    return None


def _inferred(op: Op, inputs: Sequence[Shape]) -> Shape | None:
    """What the op's rule says; None where it can't say anything on symbols."""
    try:
        return op.infer(*inputs)
    except Undecidable:
        # whether a window fits: that of an argument over sizes that are numbers here
        without = [_without_sizes(x) for x in inputs]
        return None if without == list(inputs) else _inferred(op, without)
    except (ShapeError, ExpressionError, ValueError, ZeroDivisionError):
        # where no instance ever comes, a zero may stand, such as before a loop, and a
        # list that is for another number of axes
        return None


def _without_sizes(x: Shape) -> Shape:
    """The channels alone."""
    unknown = Shape((UNKNOWN,) * len(x.dims), x.channel_axis)
    return unknown.with_channels(x.channels)
