"""What stands in an expression, and other things put in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archc.spec.expressions.kinds import is_tuple
from archc.spec.expressions.tree import Expr, Name, Span, Unparsed, Value, as_expr


def names_of(value: Value) -> Iterator[Name]:
    """The names an expression reads, as often as it does, in the text's order."""
    match value:
        case Name():
            yield value
        case tuple():
            for item in value:
                yield from names_of(item)
        case Expr():
            for slot in value.__slots__:
                yield from names_of(getattr(value, slot))
        case _:
            pass


def names_in(expr: Value) -> dict[str, Span | None]:
    """The names an expression reads, each with its first place in the text."""
    found: dict[str, Span | None] = {}
    for name in names_of(expr):
        found.setdefault(name.id, name.at)
    return found


def is_faulty(value: Any) -> bool:
    """Whether a part of it stands where an expression was reported."""
    if is_tuple(value):
        return any(map(is_faulty, value))
    if not isinstance(value, Expr):
        return False
    parts = (getattr(value, slot) for slot in value.__slots__)
    return isinstance(value, Unparsed) or any(map(is_faulty, parts))


def replaced(value: Value, old: Expr, new: Expr) -> Value:
    """An expression with `new` wherever `old` stands in it."""
    return _rebuilt(value, lambda part: new if part == old else None)


def filled(value: Value, names: Mapping[str, Value]) -> Value:
    """An expression with what its names stand for in their place, not evaluated."""
    return _rebuilt(
        value,
        lambda part: (
            as_expr(names[part.id])
            if isinstance(part, Name) and part.id in names
            else None
        ),
    )


def shifted(value: Any, by: int) -> Any:
    """An expression with its places in the text moved."""
    if is_tuple(value):
        return tuple(shifted(part, by) for part in value)
    if not isinstance(value, Expr):
        return value
    parts: dict[str, Any] = {s: shifted(getattr(value, s), by) for s in value.__slots__}
    if at := parts.get("at"):
        parts["at"] = (at[0] + by, at[1] + by)
    return type(value)(**parts)


def _rebuilt(value: Any, change: Callable[[Any], Expr | None]) -> Any:
    """A value with its parts changed, the outermost first, where `change` does."""
    changed = change(value)
    if changed is not None:
        return changed
    match value:
        case _ if is_tuple(value):
            return tuple(_rebuilt(part, change) for part in value)
        case Expr():
            slots = value.__slots__
            return type(value)(*(_rebuilt(getattr(value, s), change) for s in slots))
        case _:
            return value
