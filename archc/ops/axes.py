"""Axes that an op names, the batch counted as axis 0."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from archc.ops.attributes import check_numbers, items, plain
from archc.ops.shapes import axis_of
from archc.ops.sizes import Shape, ShapeError, need_known


def _one_or_several(value: Any) -> int | tuple[int, ...]:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return check_numbers(value)


_NUMBER = {"type": "integer"}
OneOrSeveral = Annotated[
    Any,
    PlainValidator(_one_or_several),
    WithJsonSchema({"anyOf": [_NUMBER, {"type": "array", "items": _NUMBER}]}),
]
"""A whole number or a list of them."""


def numbers_of(value: Any) -> tuple[Any, ...]:
    """The numbers of an attribute that takes one or several."""
    return items(value) or (value,)


def named_axes(op: str, given: Any, x: Shape, attribute: str) -> list[int]:
    """Which axes of the sample one number or several name, in their order.

    Raises:
        ShapeError: `bad-axis`, where `x` has no such axis, or one is named twice.
        Undecidable: if one of the numbers is a symbol.
    """
    dims = numbers_of(given)
    need_known(attribute, *dims)
    axes = [axis_of(op, dim, x, attribute) for dim in dims]
    if len(set(axes)) < len(axes):
        raise ShapeError(
            f"`{op}` with {attribute} = {plain(given)} names an axis of {x} twice",
            code="bad-axis",
            attribute=attribute,
            help="name each once",
        )
    return axes
