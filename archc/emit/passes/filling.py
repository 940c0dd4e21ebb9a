"""Containers that the statements of one body fill, and with what."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archc.emit.tree import SELF, Assign, Body, Evaluate, For, Statement
from archc.emit.usage import every, expressions, parts, written
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    Comprehension,
    Global,
    Local,
    Sequence,
    Starred,
)
from archc.spec.expressions import Expr

CHILDREN = {
    "nn.Sequential": "nn.Module",
    "nn.ModuleList": "nn.Module",
    "nn.ParameterList": "nn.Parameter",
}
"""What each kind of container holds."""


@dataclass(slots=True)
class Filled:
    """A container that statements of one body fill."""

    container: Expr
    """`self` where the class is the container."""
    kind: str
    made: Statement
    """What creates it, and what it is called with there."""
    call: Apply
    start: int
    end: int = -1
    """Where the last child is appended."""
    items: Local | None = None
    """The list that is filled instead; None where one expression does it all."""

    def with_children(self, items: list[Argument]) -> Apply:
        """Its constructor called with these."""
        if self.kind == "nn.Sequential":
            return replace(self.call, arguments=tuple(items))
        match items:
            case [Argument(value=Starred(value=value))]:
                return replace(self.call, arguments=(Argument(value),))
            case _:
                return replace(self.call, arguments=(Argument(listed(items)),))

    def creation(self, items: list[Argument]) -> Statement:
        call = self.with_children(items)
        if isinstance(self.made, Assign):
            return replace(self.made, value=call)
        return Evaluate(call)


def first_children(made: Filled) -> list[Argument] | None:
    """The children that a container is created with; None where they have names."""
    given = made.call.arguments
    if made.kind == "nn.Sequential":
        return list(given) if all(map(_is_child, given)) else None
    match given:
        case ():
            return []
        case (Argument(value=Sequence(items=items, comments=())),):
            return list(map(Argument, items))
        case _:
            return None


def _is_child(given: Argument) -> bool:
    match given.value:
        case Starred() | Apply(function=Global(name="OrderedDict")):
            return False
        case _:
            return given.name is None


def element_of(statement: Statement) -> tuple[Expr, Argument] | None:
    """The container and the child of `container.append(child)`."""
    match statement:
        case Evaluate(
            value=Apply(
                function=Attribute(value=owner, name="append"),
                arguments=(Argument(value=child, name=None),),
            ),
            comment=comment,
        ):
            return owner, Argument(child, None, comment)
        case _:
            return None


def appended_to(statement: Statement) -> Expr | None:
    found = element_of(statement)
    return None if found is None else found[0]


def is_only_filled(own: Expr, region: Body) -> bool:
    """Whether nothing in a region does anything to the container but append to it, nor
    to `self`, of which it is a child that keeps its place."""
    of_self = own if isinstance(own, Local) else SELF
    for statement in every(region):
        allowed = 0
        if appended_to(statement) == own:
            allowed = 1
        read = [*expressions(statement)]
        found = sum(part == of_self for expr in read for part in parts(expr))
        if found > allowed or of_self in map(Local, written(statement)):
            return False
    return True


def children_of(made: Filled, statements: Body) -> tuple[list[Argument], int]:
    """The children that a container can be created with, and the last of the statements
    that make them: all of them, or those before the first loop or condition."""
    found = first_children(made) or []
    plain = found, made.start
    loops = 0
    for number in range(made.start + 1, made.end + 1):
        match statements[number]:
            case For(targets=targets, over=over, body=(inner,)):
                element = element_of(inner)
                loops += 1
            case statement:
                element = element_of(statement)
                targets, over = (), None
        if element is None or element[0] != made.container or loops > 1:
            return plain
        child = element[1]
        if over is not None:
            child = Argument(Starred(Comprehension(child.value, targets, over)))
        found = [*found, child]
        if not loops:
            plain = found, number
    return found, made.end


def listed(items: list[Argument]) -> Sequence:
    comments = tuple(i.comment for i in items)
    return Sequence(
        tuple(i.value for i in items), "[]", comments if any(comments) else ()
    )
