"""Which variables statements read and write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter

from archc.emit.tree import (
    SELF,
    Assign,
    Body,
    Evaluate,
    For,
    If,
    Module,
    Return,
    Statement,
)
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    Comprehension,
    Joined,
    Lambda,
    Local,
    Mapping,
    Sequence,
)
from archc.spec.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    Index,
    Unary,
    is_tuple,
)

_EAGER = (
    Apply, Argument, Attribute, Binary, Call, Compare, Index, Mapping, Sequence, Unary,
)  # fmt: skip


def parts(expr: object) -> Iterator[object]:
    """An expression and all that is in it, outermost first."""
    stack: list[object] = [expr]
    while stack:
        node = stack.pop()
        inner = _inner(type(node))
        if inner is not None:
            yield node
            stack += inner(node)
        elif is_tuple(node):
            stack += node[::-1]


# what a field may say of its type that has no expressions in it
_PLAIN = {"str", "int", "bool", "None", "Number", "Span", "tuple"}


@cache
def _inner(kind: type) -> Callable[[object], tuple[object, ...]] | None:
    """What a kind of expression has in it, the last one first; None for what is no
    expression."""
    if not issubclass(kind, Expr | Argument):
        return None
    names = [
        field.name
        for field in reversed(fields(kind) if is_dataclass(kind) else ())
        if not _PLAIN.issuperset(re.findall(r"\w+", str(field.type)))
    ]
    if not names:
        return lambda _: ()
    if len(names) == 1:
        (only,) = map(attrgetter, names)
        return lambda node: (only(node),)
    return attrgetter(*names)


def computed(expr: Expr) -> Iterator[object]:
    """The parts of an expression but those of names."""
    return _walked(expr, lambda part: not isinstance(part, Joined))


def surely(expr: Expr) -> Iterator[object]:
    """The parts of an expression that are computed whenever it is."""
    return _walked(expr, lambda part: isinstance(part, _EAGER))


def _walked(expr: Expr, enters: Callable[[object], bool]) -> Iterator[object]:
    stack: list[object] = [expr]
    while stack:
        part = stack.pop()
        inner = _inner(type(part))
        if inner is not None:
            yield part
            if enters(part):
                stack += inner(part)
        elif is_tuple(part):
            stack += part[::-1]


def locals_in(expr: object) -> Iterator[str]:
    """The variables that an expression reads, as often as it does; not those that
    comprehensions and functions in it have for themselves."""
    own: set[str] = set()
    for part in parts(expr):
        if isinstance(part, Comprehension | Lambda):
            own.update(t.id for t in own_locals(part))
        elif isinstance(part, Local) and part.id not in own:
            yield part.id


def own_locals(part: Comprehension | Lambda) -> tuple[Local, ...]:
    """The variables that only what is in it reads."""
    return part.targets if isinstance(part, Comprehension) else part.parameters


def expressions(statement: Statement) -> Iterator[Expr]:
    """The expressions that a statement itself reads: no targets that are variables."""
    match statement:
        case Assign(targets=targets, value=value, operator=operator):
            if value is not None:
                yield value
            for target in targets:
                if operator or not isinstance(target, Local):
                    yield target
        case Evaluate(value=value) | Return(value=value):
            yield value
        case For(over=over):
            yield over
        case If(test=test):
            yield test
        case _:
            return


def blocks(statement: Statement) -> tuple[Body, ...]:
    """The bodies inside a statement."""
    match statement:
        case For(body=body):
            return (body,)
        case If(body=body, orelse=orelse):
            return body, orelse
        case _:
            return ()


def every(body: Iterable[Statement]) -> Iterator[Statement]:
    """All statements of a body, those inside others too."""
    for statement in body:
        yield statement
        for inner in blocks(statement):
            yield from every(inner)


def written(statement: Statement) -> tuple[str, ...]:
    """The variables that a statement itself gives values."""
    match statement:
        case Assign(targets=targets) | For(targets=targets):
            return tuple(t.id for t in targets if isinstance(t, Local))
        case _:
            return ()


def bound(statement: Statement) -> tuple[Local, ...]:
    """The variables of the comprehensions and functions in a statement itself."""
    return tuple(
        target
        for expr in expressions(statement)
        for part in parts(expr)
        if isinstance(part, Comprehension | Lambda)
        for target in own_locals(part)
    )


def reads_of(body: Iterable[Statement]) -> set[str]:
    """The variables that something in a body reads."""
    return {
        name
        for statement in every(body)
        for expr in expressions(statement)
        for name in locals_in(expr)
    }


def times_read(body: Iterable[Statement]) -> Counter[str]:
    """How often something in a body reads each variable."""
    return Counter(
        name
        for statement in every(body)
        for expr in expressions(statement)
        for name in locals_in(expr)
    )


def attributes_of(body: Iterable[Statement]) -> set[str]:
    """The attributes of `self` that something in a body reads."""
    return {
        part.name
        for statement in every(body)
        for expr in expressions(statement)
        for part in parts(expr)
        if isinstance(part, Attribute) and part.value == SELF
    }


def unnamed(module: Module) -> set[str]:
    """The variables that a module has and that are still only a wish for a name."""
    found: set[str] = set()
    for made in module.classes:
        for method in made.methods:
            for statement in every(method.body):
                names = (*written(statement), *(t.id for t in bound(statement)))
                found.update(n for n in names if "#" in n)
                for expr in expressions(statement):
                    found.update(n for n in locals_in(expr) if "#" in n)
    return found
