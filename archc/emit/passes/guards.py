"""A module that is only called under the test of its neighbour has no placeholder.

if residual:                                  if residual:
    self.drop = StochasticDepth(p)                self.drop = StochasticDepth(p)
else:
    self.drop = nn.Identity()
...                                 becomes   ...
x = self.drop(x)                              if self.residual:
if self.residual:                                 x = self.drop(x)
    x = x + identity                              x = x + identity
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.constructor import IDENTITY
from archc.emit.symbols import Symbols
from archc.emit.tree import (
    SELF,
    Assign,
    Body,
    Class,
    For,
    If,
    Method,
    Module,
    Statement,
)
from archc.emit.usage import every, expressions, locals_in, parts, written
from archc.ops.code import Apply, Argument, Attribute, Local
from archc.spec.expressions import Expr


def guards(module: Module, _: Symbols) -> Module:
    """A module without such placeholders."""
    return replace(module, classes=tuple(map(_class, module.classes)))


def _class(made: Class) -> Class:
    init, forward = made.method("__init__"), made.method("forward")
    if init is None or forward is None:
        return made
    found = _Guarded(init)
    if not found.tests:
        return made
    # each is called once, and nothing else knows of it
    called = Counter(n for m in made.methods if m != init for n in _attributes(m.body))
    found.tests = {n: t for n, t in found.tests.items() if called[n] == 1}
    body = found.body(forward.body)
    if not found.done:
        return made
    changed = {
        id(init): replace(init, body=_without_else(init.body, found.done)),
        id(forward): replace(forward, body=body),
    }
    return replace(made, methods=tuple(changed.get(id(m), m) for m in made.methods))


class _Guarded:
    """The placeholders of a class, and the tests under which they are modules."""

    def __init__(self, init: Method) -> None:
        self.tests: dict[str, Expr] = {}
        self.done: set[str] = set()
        written_last: dict[str, int] = {}
        for number, made in enumerate(init.body):
            for inner in every((made,)):
                written_last |= dict.fromkeys(written(inner), number)
        set_in = Counter(_attributes(init.body))
        self._kept = {
            name: value
            for number, (name, value) in enumerate(map(_assigned, init.body))
            if value is not None
            and set_in[name] == 1
            and all(written_last.get(n, -1) < number for n in locals_in(value))
        }
        for number, made in enumerate(init.body):
            name = _placeholder(made)
            if name is None or set_in[name] != 2:
                continue
            assert isinstance(made, If)
            if all(written_last.get(n, -1) < number for n in locals_in(made.test)):
                self.tests[name] = self._resolved(made.test)

    def _resolved(self, test: Expr) -> Expr:
        """A test with what the constructor put into attributes in their place."""

        def change(part: Expr | Argument) -> Expr | None:
            match part:
                case Attribute(value=owner, name=name) if owner == SELF:
                    return self._kept.get(name)
                case _:
                    return None

        resolved: Expr = rewrite.expression(test, change)
        return resolved

    def body(self, statements: Body) -> Body:
        """Statements of `forward` in which the modules stand under their tests."""
        found: list[Statement] = []
        for made in reversed(statements):
            match made:
                case For(targets=targets, over=over, body=body):
                    made = For(targets, over, self.body(body))
                case If(test=test, body=body, orelse=orelse):
                    made = If(test, self.body(body), self.body(orelse))
                case _:
                    pass
            joined = self._joined(made, found[-1]) if found else None
            if joined is None:
                found.append(made)
            else:
                found[-1] = joined
        return tuple(reversed(found))

    def _joined(self, first: Statement, second: Statement) -> If | None:
        """A call of a module and a condition beside it, if both ask the same."""
        match first, second:
            case Assign(), If() if self._belongs(first, second):
                return replace(second, body=(first, *second.body))
            case If(), Assign() if self._belongs(second, first):
                return replace(first, body=(*first.body, second))
            case _:
                return None

    def _belongs(self, called: Assign, condition: If) -> bool:
        match called:
            case Assign(
                targets=(Local() as target,),
                value=Apply(
                    function=Attribute(value=owner, name=name),
                    arguments=(Argument(value=read),),
                ),
            ) if owner == SELF and target == read and name in self.tests:
                pass
            case _:
                return False
        if any(n != SELF.id for n in locals_in(condition.test)):
            return False
        belongs = self._resolved(condition.test) == self.tests[name]
        if belongs:
            self.done.add(name)
        return belongs


def _assigned(made: Statement) -> tuple[str, Expr | None]:
    """The attribute that a statement sets, and to what."""
    match made:
        case Assign(
            targets=(Attribute(value=owner, name=name),), value=value, operator=""
        ) if owner == SELF:
            return name, value
        case _:
            return "", None


def _placeholder(made: Statement) -> str | None:
    """The attribute that a condition sets to a module, or else to an nn.Identity."""
    match made:
        case If(body=(first,), orelse=(second,)):
            (one, _), (other, value) = _assigned(first), _assigned(second)
            return one if one and one == other and value == IDENTITY else None
        case _:
            return None


def _without_else(body: Body, names: set[str]) -> Body:
    return tuple(
        replace(made, orelse=())
        if isinstance(made, If) and _placeholder(made) in names
        else made
        for made in body
    )


def _attributes(body: Body) -> Iterator[str]:
    """The attributes of `self` in a body, as often as they stand there."""
    return (
        part.name
        for statement in every(body)
        for expr in expressions(statement)
        for part in parts(expr)
        if isinstance(part, Attribute) and part.value == SELF
    )
