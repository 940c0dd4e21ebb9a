"""What the attributes of a class's instances can be called."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc.emit.tree import Class
from archc.emit.usage import every, expressions, parts
from archc.ops.code import Apply, Argument, Attribute, Joined, Local, Text


def may_have(made: Class, name: str) -> bool:
    """Whether an instance may have an attribute or a child of this name, or the class a
    method."""
    if made.method(name) is not None:
        return True
    return any(pattern.fullmatch(name) for pattern in _names(made))


def _names(made: Class) -> Iterator[re.Pattern[str]]:
    for method in made.methods:
        for statement in every(method.body):
            for expr in expressions(statement):
                for part in parts(expr):
                    pattern = _name(part)
                    if pattern is not None:
                        yield re.compile(pattern, re.DOTALL)


def _name(part: object) -> str | None:
    match part:
        case Attribute(value=Local(id="self"), name=name):
            return re.escape(name)
        case Apply(
            function=Attribute(value=Local(id="self")),
            arguments=(Argument(value=Text(value=name)), *_),
        ):
            return re.escape(name)
        case Apply(
            function=Attribute(value=Local(id="self")),
            arguments=(Argument(value=Joined(parts=pieces)), *_),
        ):
            known = (re.escape(p) if isinstance(p, str) else ".*" for p in pieces)
            return "".join(known)
        case _:
            return None
