"""Instances of a generated module's classes, of which equal calls make equal ones.

A network may have thousands, and to copy one is faster than to run its constructor.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from archc.emit.validate.calls import SCALARS
from archc.emit.validate.values import Module, Parameter, Symbol, Value


class Instances:
    """What constructors have made of nothing but plain values."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Module | None] = {}
        """None for what was made once."""

    def get(self, key: Hashable | None) -> Module | None:
        """A new instance like the one that was kept; None where there is none."""
        made = self._made.get(key)
        return None if made is None else _copied(made)

    def keep(self, key: Hashable | None, module: Module) -> None:
        """Keeps an instance that is made for the second time as it is now, if a copy
        would do all that it does."""
        if key in self._made and _is_plain_inside(module):
            # a copy, as what is done with this one is not done with others
            self._made[key] = _copied(module)
        elif key is not None:
            self._made[key] = None


def key_of_call(
    name: str,
    args: Iterable[Value],
    kwargs: dict[str, Value],
    defaults: Iterable[Value],
) -> Hashable | None:
    """What equal calls have in common; None where they are given more than values."""
    given = (*args, *kwargs.values())
    if not all(map(_is_plain, (*given, *defaults))):
        return None
    return (name, tuple(kwargs), *map(_exact, given))


def _is_plain(value: Value) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return type(value) in SCALARS or isinstance(value, Symbol)


def _exact(value: Value) -> Hashable:
    """A plain value, which 1.0 and True are not where 1 is."""
    if isinstance(value, tuple):
        return tuple(map(_exact, value))
    return type(value), value


def _is_plain_inside(module: Module) -> bool:
    """Whether nothing below a module stands in two places or refers to another part."""
    seen: set[int] = set()
    stack: list[Module | Parameter] = [module]
    while stack:
        part = stack.pop()
        if id(part) in seen:
            return False
        seen.add(id(part))
        if isinstance(part, Module):
            if not all(map(_is_plain, part.attributes.values())):
                return False
            stack += part.children.values()
    return True


def _copied(module: Module) -> Module:
    children = {
        name: _copied(child)
        if isinstance(child, Module)
        else Parameter(child.call, place=child.place)
        for name, child in module.children.items()
    }
    return Module(
        module.name,
        module.kind,
        module.call,
        module.cls,
        children,
        dict(module.attributes),
        key=module.key,
        ready=module.ready,
        place=module.place,
    )
