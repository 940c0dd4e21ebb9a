"""Children that are put to their place as they are made.

`branch = nn.Sequential(...)` and then `self.branches.append(branch)` becomes one call,
where nothing else reads the local.
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.passes.filling import element_of
from archc.emit.symbols import Symbols
from archc.emit.tree import Assign, Body, Evaluate, For, If, Method, Module, Statement
from archc.emit.usage import every, expressions, locals_in, times_read, written
from archc.ops.code import Apply, Argument, Attribute, Local, Text
from archc.spec.expressions import Expr, Index


def appended(module: Module, symbols: Symbols) -> Module:
    """A module whose constructors make no local of a child that has its place."""
    del symbols  # no name is new

    def change(method: Method) -> Body:
        if method.name != "__init__":
            return method.body
        reads = times_read(method.body)
        writes = [name for s in every(method.body) for name in written(s)]
        once = {n for n in set(writes) if writes.count(n) == 1 and reads[n] == 1}
        return _body(method.body, once)

    return rewrite.bodies(module, change)


def _body(statements: Body, once: set[str]) -> Body:
    found: list[Statement] = []
    done: set[int] = set()
    for number, made in enumerate(statements):
        if number in done:
            continue
        match made:
            case For(targets=targets, over=over, body=body):
                found.append(For(targets, over, _body(body, once)))
            case If(test=test, body=body, orelse=orelse):
                found.append(If(test, _body(body, once), _body(orelse, once)))
            case Assign(
                targets=(Local(id=name),), value=Apply() as value, comment=comment
            ) if name in once and comment is None:
                later = _put(name, statements, number)
                if later is None:
                    found.append(made)
                else:
                    done.add(later)
                    found.append(_with(statements[later], name, value))
            case _:
                found.append(made)
    return tuple(found)


def _put(name: str, statements: Body, number: int) -> int | None:
    """The statement that gives a local its place, with nothing but other locals before
    it; None where there is none."""
    for later in range(number + 1, len(statements)):
        statement = statements[later]
        if _placed(statement) == Local(name):
            owner = {n for e in expressions(statement) for n in locals_in(e)} - {name}
            between = statements[number + 1 : later]
            made = {n for s in between for n in written(s)}
            return None if owner & made else later
        match statement:
            case Assign(targets=(Local(),), value=value) if not isinstance(
                value, Apply
            ):
                pass
            case _:
                return None
    return None


def _placed(statement: Statement) -> Expr | None:
    """What a statement makes a child of something."""
    element = element_of(statement)
    if element is not None:
        return element[1].value
    match statement:
        case Evaluate(
            value=Apply(
                function=Attribute(name="add_module"),
                arguments=(Argument(value=Text()), Argument(value=made)),
            )
        ):
            return made
        case Assign(targets=(Index(index=Text()),), value=Expr() as made, operator=""):
            return made
        case _:
            return None


def _with(statement: Statement, name: str, value: Expr) -> Statement:
    return rewrite.statement(statement, lambda p: value if p == Local(name) else None)
