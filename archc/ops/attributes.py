"""What ops' attributes take: one number, or one for each axis of a map."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from copy import copy
from typing import Annotated, Any, Self, cast

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from archc.ops.sizes import MOST_AXES, Sides, axis_names
from archc.spec.expressions import Expr, ListOf, Row, is_sequence, to_source


def sides(value: Any, axes: int) -> tuple[Any, ...]:
    """PyTorch's rule for sizes: one number stands for all axes."""
    return items(value) or (value,) * axes


def pair(value: Any) -> tuple[Any, Any]:
    """The same for two axes."""
    first, second = sides(value, 2)
    return first, second


def items(value: Any) -> tuple[Any, ...] | None:
    """The items of a list; None for anything else."""
    if isinstance(value, ListOf):
        return value.items
    return tuple(value) if is_sequence(value) else None


_ALLOWED = {
    1: "a whole number",
    2: "a whole number or a pair of them",
    3: "a whole number or three of them",
    None: "a whole number or one for each axis",
}


def check_size(
    value: Any, minimum: int, axes: int | None = 2, *, or_none: bool = False
) -> Sides:
    """A whole number or one for each axis, each at least `minimum`; some of the axes'
    may be None where that is allowed."""
    parts = items(value)
    whole = all(
        _whole(part) or (or_none and part is None and parts is not None)
        for part in ((value,) if parts is None else parts)
    )
    if not whole or not (parts is None or fits_axes(parts, axes)):
        allowed = _ALLOWED[axes] + (', or "none" for some of these' if or_none else "")
        context: dict[str, Any] = {"value": plain(value), "allowed": allowed}
        if parts and axes and whole:
            *rest, last = axis_names(axes)
            named = f"{', '.join(rest)} and {last}" if rest else f"the {last}"
            fitting = plain(parts[-axes:] if rest else parts[-1])
            given = fitting if len(parts) > axes else f"{axes} numbers"
            context["help"] = f"write {given}, {named}"
            if len(parts) > axes:
                context["instead"] = fitting
        raise PydanticCustomError("size", "must be {allowed}, not {value}", context)
    _check_minimum(value, minimum)
    return cast(Sides, value if parts is None else parts)


def fits_axes(parts: tuple[Any, ...], axes: int | None) -> bool:
    """Whether there are as many numbers as a map has axes."""
    return len(parts) == axes if axes else 1 <= len(parts) <= MOST_AXES


def check_numbers(
    value: Any, *, length: int | None = None, minimum: int | None = None
) -> tuple[int, ...]:
    """A list of whole numbers, each at least `minimum`."""
    parts = items(value) or ()
    if not parts or not all(map(_whole, parts)) or length not in (None, len(parts)):
        raise PydanticCustomError(
            "numbers",
            "must be a list of {length}whole numbers, not {value}",
            {"length": f"{length} " if length else "", "value": plain(value)},
        )
    if minimum is not None:
        _check_minimum(parts, minimum)
    return parts


def _whole(value: Any) -> bool:
    """Whether it is a whole number, or an expression, which may give one."""
    return isinstance(value, int | Expr) and not isinstance(value, bool)


def _check_minimum(value: Any, minimum: int) -> None:
    parts = items(value) or (value,)
    if any(isinstance(part, int) and part < minimum for part in parts):
        raise PydanticCustomError(
            "size_too_small",
            "must be at least {minimum}, not {value}",
            {"minimum": minimum, "value": plain(value)},
        )


def short(size: Any) -> str:
    """A size in a table or a picture."""
    return "none" if size is None else str(size)


def plain(value: Any) -> str:
    """A value as a spec would write it, cut where it is long."""
    parts = items(value)
    if parts is not None:
        text = f"[{', '.join(map(plain, parts[:20]))}]"
    elif isinstance(value, Row):
        return plain(dict(zip(value.fields, value.items, strict=True)))
    elif isinstance(value, dict):
        pairs = list(cast("dict[str, Any]", value).items())[:20]
        text = f"{{ {', '.join(f'{k} = {plain(v)}' for k, v in pairs)} }}"
        text = text if pairs else "{}"
    elif isinstance(value, str):
        text = json.dumps(value[:200], ensure_ascii=False)
    elif value is None or isinstance(value, bool):
        text = {None: '"none"', True: "true", False: "false"}[value]
    elif isinstance(value, Expr):
        text = json.dumps(to_source(value), ensure_ascii=False)
    else:
        text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class PerAxis(ABC):
    """What an attribute takes that may have numbers for each axis of a map.

    How many axes that are is said by the class of the op, `Op.axes`.
    """

    axes: int | None = 2

    def over(self, axes: int | None) -> Self:
        """The same for maps with so many axes."""
        other = copy(self)
        other.axes = axes
        return other

    @abstractmethod
    def check(self, value: Any) -> Any:
        """The value as an op keeps it.

        Raises:
            PydanticCustomError: if it is none.
        """

    @abstractmethod
    def schemas(self) -> list[dict[str, Any]]:
        """The JSON Schemas of its forms."""

    def each(self, item: dict[str, Any], times: int = 1) -> dict[str, Any]:
        """The JSON Schema of a list with so many numbers for each axis."""
        least, most = (self.axes or n for n in (1, MOST_AXES))
        counts = {"minItems": least * times, "maxItems": most * times}
        return {"type": "array", "items": item, **counts}

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: Any
    ) -> dict[str, Any]:
        return {"anyOf": self.schemas()}


class Sized(PerAxis):
    """A whole number or one for each axis, each at least `minimum`; `or_none` lets
    those of some axes be None."""

    def __init__(self, minimum: int, *, or_none: bool = False) -> None:
        self.minimum = minimum
        self.or_none = or_none

    def check(self, value: Any) -> Any:
        return check_size(value, self.minimum, self.axes, or_none=self.or_none)

    def schemas(self) -> list[dict[str, Any]]:
        number: dict[str, Any] = {"type": "integer", "minimum": self.minimum}
        item = {"anyOf": [number, {"enum": ["none"]}]} if self.or_none else number
        return [number, self.each(item)]


Size = Annotated[Sides, Sized(1)]
"""A size or one for each axis, each from 1."""
SizeOrNone = Annotated[Sides | None, Sized(1)]
"""A size that may be left out."""
Padding = Annotated[Sides, Sized(0)]
"""A size or one for each axis, each from 0."""
