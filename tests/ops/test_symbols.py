"""Rules on symbols, with numbers put in, are the rules on numbers: for every op.

The cases of the contract with other sizes and settings, in which any number may be a
symbol or, for a size, unknown.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from archc.ops.base import Op
from archc.ops.code import Local
from archc.ops.registry import OPS
from archc.ops.sizes import UNKNOWN, Shape, ShapeError
from archc.spec.expressions import Expr, Name, Undecidable, evaluate

from .cases import CASES, shapes_of
from .live import make

AXES = {"dim", "dims", "start_dim", "end_dim", "dim0", "dim1", "channel_dim"}
"""Attributes that name an axis; a rule cannot go on without them."""
NUMBERS = {"reshape", "unflatten"}
"""Ops of which only numbers may tell where the channels go."""
each_case = pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}-{i}")
        for name in OPS
        for i, case in enumerate(CASES.get(name, [None]))
    ],
)


class Symbols:
    """Draws what stands for a number, and knows what the names mean."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.meaning: dict[str, int] = {}

    def number(self, value: int, own: str, *, unknown: bool = False) -> Any:
        """The number itself, a name that equal numbers share, or one of its own."""
        kinds = ["number", "shared", "own", *(["unknown"] if unknown else [])]
        kind = self.draw(st.sampled_from(kinds))
        if kind == "number":
            return value
        if kind == "unknown":
            return UNKNOWN
        name = own if kind == "own" else f"n{value}"
        self.meaning[name] = value
        return Name(name)

    def attribute(self, key: str, value: Any) -> Any:
        if isinstance(value, tuple):
            parts: Any = enumerate(value)
            return tuple(self.attribute(f"{key}_{i}", v) for i, v in parts)
        whole = isinstance(value, int) and not isinstance(value, bool)
        return self.number(value, key) if whole else value

    def shape(self, x: Shape, own: str) -> Shape:
        sizes = [
            self.number(size, f"{own}_{axis}", unknown=True)
            for axis, size in enumerate(x.dims)
        ]
        return Shape(tuple(sizes), x.channel_axis)

    def value(self, symbol: Any) -> Any:
        return evaluate(symbol, self.meaning) if isinstance(symbol, Expr) else symbol


def _changed(draw: Any, value: Any) -> Any:
    """A number near by, in place of an attribute's."""
    if isinstance(value, tuple):
        parts: Any = value
        return tuple(_changed(draw, part) for part in parts)
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return value + draw(st.sampled_from([0, 0, 1, 2]))


@each_case
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_rules_on_symbols_are_rules_on_numbers(name: str, case: Any, data: Any) -> None:
    symbols = Symbols(data.draw)
    attributes = {
        key: value if key in AXES else _changed(data.draw, value)
        for key, value in case[0].items()
    }
    # what is equal stays so, for a merge's sake
    sizes = {1: 1}
    shapes: list[Shape] = []
    for x in shapes_of(case):
        for size in x.dims:
            if size not in sizes:
                sizes[size] = data.draw(st.sampled_from([size, 1, 2, 4, 12]))
        shapes.append(Shape(tuple(sizes[size] for size in x.dims), x.channel_axis))
    try:
        op = make(name, **attributes)
        numbers = op.infer(*shapes)
    except (ValidationError, ShapeError):
        return
    named = {
        key: value if key in AXES else symbols.attribute(key, value)
        for key, value in attributes.items()
    }
    symbolic = OPS[name].model_construct(**named).as_met([op], numbers)
    inputs = [symbols.shape(x, f"x{i}") for i, x in enumerate(shapes)]
    try:
        y = symbolic.infer(*inputs)
    except Undecidable:
        assert name in NUMBERS
        return
    assert y.channel_axis == numbers.channel_axis
    assert len(y.dims) == len(numbers.dims)
    _equal(symbols, y.dims, numbers.dims)
    _same_tensors(symbols, symbolic, inputs[0], op, shapes[0])
    if not op.merges:  # the code must be there for symbols too
        symbolic.module(inputs[0])
        symbolic.function(inputs[0], Local("x"))


def _equal(symbols: Symbols, dims: Any, numbers: Any) -> None:
    for symbol, number in zip(dims, numbers, strict=True):
        assert symbol is UNKNOWN or symbols.value(symbol) == number


def _same_tensors(
    symbols: Symbols, symbolic: Op, x: Shape, op: Op, numbers: Shape
) -> None:
    for ours, theirs in (
        (symbolic.parameters(x), op.parameters(numbers)),
        (symbolic.buffers(x), op.buffers(numbers)),
    ):
        assert ours.keys() == theirs.keys()
        for key, dims in ours.items():
            _equal(symbols, dims, theirs[key])


@each_case
def test_channels_are_known_where_they_are_symbols(name: str, case: Any) -> None:
    """Only sizes get lost, and channels where axes are joined."""
    op = make(name, **case[0])
    inputs: list[Shape] = []
    for x in shapes_of(case):
        dims = [1 if size == 1 else UNKNOWN for size in x.dims]
        if x.channel_axis is not None:
            dims[x.channel_axis] = 1 if x.channels == 1 else Name("channels")
        inputs.append(Shape(tuple(dims), x.channel_axis))
    if name in NUMBERS:
        return
    y = op.infer(*inputs)
    if len(y.dims) == len(inputs[0].dims):
        assert y.channels is not UNKNOWN


@pytest.mark.parametrize(
    ("gate", "full", "channels"),
    [
        (Shape((Name("a"), 1, 1)), Shape((Name("b"), 6, 5)), UNKNOWN),
        (Shape((Name("a"), 1, 1)), Shape((Name("a"), 6, 5)), Name("a")),
        (Shape((1, 6, 5)), Shape((Name("b"), 6, 5)), Name("b")),
        (Shape((UNKNOWN, 1, 1)), Shape((8, 6, 5)), 8),
        (Shape((1, UNKNOWN, UNKNOWN)), Shape((8, 6, 5)), 8),
        (Shape((Name("a"), 1, UNKNOWN)), Shape((8, 6, 5)), 8),
    ],
)
def test_a_gate_decides_nothing(gate: Shape, full: Shape, channels: Any) -> None:
    for inputs in ((gate, full), (full, gate)):
        y = make("mul").infer(*inputs)
        assert y.channels == channels
        assert y.dims[1:] == (6, 5)
