"""Attributes of an op as a spec writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from struct import pack, unpack
from typing import Any

from archc.importing.trace import Sizes
from archc.ops.base import Op
from archc.spec.expressions import is_sequence

BY_AXIS = frozenset({"kernel_size", "stride", "padding", "output_padding", "dilation",
                     "output_size", "scale_factor"})  # fmt: skip
"""Attributes of which one number is meant for each axis."""
_LARGEST = 3.4e38
"""Of float32."""


def laid_out(sizes: Sizes, varying: Collection[int] = ()) -> list[int]:
    """Sizes of a reshape: one is what the others leave, whatever input and width are.

    It is the largest of the axes that are `varying` with the input, if there are any.
    """
    largest = max(varying or range(len(sizes)), key=sizes.__getitem__)
    return [-1 if n == largest else size for n, size in enumerate(sizes)]


def as_written(value: Any) -> Any:
    """A number as it was before it was a float32, as those of `torch.linspace`."""
    if not isinstance(value, float) or not abs(value) < _LARGEST:
        return value
    (single,) = unpack("f", pack("f", value))
    if single != value:
        return value
    shorter = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next((s for s in shorter if unpack("f", pack("f", s)) == (value,)), value)


def numbers(value: Any) -> Iterator[int | float]:
    """All numbers in lists."""
    if is_sequence(value):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, int | float):
        yield value


def listed(value: Any) -> Any:
    """Lists in place of tuples."""
    return [listed(part) for part in value] if is_sequence(value) else value


def kept(op: Op, given: dict[str, Any]) -> dict[str, Any]:
    """Attributes that are not the op's defaults; None is a word."""
    fields = type(op).model_fields
    return {
        name: _word(value)
        for name, value in given.items()
        if fields[name].is_required() or listed(fields[name].default) != value
    }


def _word(value: Any) -> Any:
    if is_sequence(value):
        return [_word(part) for part in value]
    return "none" if value is None else value
