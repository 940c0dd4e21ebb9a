"""Loops over what lists of modules hold.

`for i in range(n)` that calls `self.convs[i]` and `self.bns[i]` becomes
`for conv, bn in zip(self.convs, self.bns, strict=True)`, where the constructor puts n
modules into each.
"""

from __future__ import annotations

from dataclasses import replace

from archc.emit import rewrite
from archc.emit.names import singular
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
from archc.emit.usage import every, expressions, parts, reads_of, written
from archc.ops import code
from archc.ops.code import Apply, Argument, Attribute, Global, Local
from archc.spec.expressions import Const, Expr, Index


def walked(module: Module, symbols: Symbols) -> Module:
    """A module whose `forward` goes through lists of modules, not through numbers."""
    classes = tuple(_class(made, symbols) for made in module.classes)
    read = {
        part.name
        for made in classes
        for method in made.methods
        for statement in every(method.body)
        for part in _read_in(statement)
        if isinstance(part, Attribute)
    }
    pairs = zip(classes, module.classes, strict=True)
    kept = (new if new is old else _without_unread(new, read) for new, old in pairs)
    return replace(module, classes=tuple(kept))


def _read_in(statement: Statement) -> list[object]:
    """What a statement reads, less the attribute that it sets."""
    exprs = [*expressions(statement)]
    if isinstance(statement, Assign) and not statement.operator:
        set_here = [t for t in statement.targets if isinstance(t, Attribute)]
        exprs = [e for e in exprs if e not in set_here]
    return [part for expr in exprs for part in parts(expr)]


def _class(made: Class, symbols: Symbols) -> Class:
    constructor = made.method("__init__")
    if constructor is None:
        return made
    lengths = dict(_lengths(constructor.body))
    if not lengths:
        return made
    stored = {
        statement.targets[0]: statement.value
        for statement in constructor.body
        if isinstance(statement, Assign) and isinstance(statement.value, Local)
    }

    def told(count: Expr) -> Expr:
        """What `forward` says of a number as the constructor says it."""
        return rewrite.expression(
            count, lambda p: stored.get(p) if isinstance(p, Attribute) else None
        )

    def body(statements: Body) -> Body:
        return tuple(map(statement, statements))

    def statement(made: Statement) -> Statement:
        match made:
            case For(
                targets=(counter,),
                over=Apply(
                    function=Global(name="range"), arguments=(Argument(value=count),)
                ),
            ):
                found = {name for name, n in lengths.items() if n == told(count)}
                made = _over(made, counter, found, symbols)
                return For(made.targets, made.over, body(made.body))
            case For(targets=targets, over=over, body=inner):
                return For(targets, over, body(inner))
            case If(test=test, body=inner, orelse=orelse):
                return If(test, body(inner), body(orelse))
            case _:
                return made

    def method(made: Method) -> Method:
        return made if made is constructor else replace(made, body=body(made.body))

    methods = tuple(map(method, made.methods))
    same = all(
        new.body == old.body for new, old in zip(methods, made.methods, strict=True)
    )
    return made if same else replace(made, methods=methods)


def _lengths(body: Body) -> list[tuple[str, Expr]]:
    """How many modules each list gets, all by one loop."""
    empty = {
        made.targets[0].name
        for made in body
        if isinstance(made, Assign)
        and isinstance(made.targets[0], Attribute)
        and made.targets[0].value == SELF
        and made.value == code.call(Global("nn.ModuleList"))
    }
    found: list[tuple[str, Expr]] = []
    for name in sorted(empty):
        filled = [(s, _fills(s, name)) for s in body]
        times = sum(1 for s in every(body) if _appends(s, name))
        loops = [(s.over, n) for s, n in filled if isinstance(s, For) and n]
        match loops:
            case [(Apply(function=Global(name="range"), arguments=(only,)), 1)]:
                if times == 1:
                    found.append((name, only.value))
            case _:
                pass
    return found


def _fills(made: Statement, name: str) -> int:
    return sum(_appends(s, name) for s in made.body) if isinstance(made, For) else 0


def _appends(made: Statement, name: str) -> bool:
    own = Attribute(Attribute(SELF, name), "append")
    return any(
        isinstance(part, Apply) and part.function == own
        for expr in expressions(made)
        for part in parts(expr)
    )


def _over(made: For, counter: Local, names: set[str], symbols: Symbols) -> For:
    """The loop over those of the lists that it reads."""
    if any(counter.id in written(s) for s in every(made.body)):
        return made
    items: dict[Expr, Local] = {}
    lists: list[Expr] = []
    for statement in every(made.body):
        for expr in expressions(statement):
            for part in parts(expr):
                match part:
                    case Index(
                        value=Attribute(value=Local(id="self"), name=name), index=index
                    ) if name in names and index == counter and part not in items:
                        local = symbols.fresh(singular(name) or "layer")
                        items[part] = Local(local.id)
                        lists.append(part.value)
                    case _:
                        pass
    if not items:
        return made
    body = rewrite.body(
        made.body, lambda p: items.get(p) if isinstance(p, Index) else None
    )
    over = lists[0]
    if len(lists) > 1:
        strict = Argument(Const(True), "strict")
        over = Apply(Global("zip"), (*map(Argument, lists), strict))
    targets = tuple(items.values())
    if counter.id not in reads_of(body):
        return For(targets, over, body)
    return For((counter, *targets), code.call(Global("enumerate"), over), body)


def _without_unread(made: Class, read: set[str]) -> Class:
    """A class that keeps no argument that its loops asked for alone."""

    def is_read(statement: Statement) -> bool:
        match statement:
            case Assign(
                targets=(Attribute(value=Local(id="self"), name=name),), value=Local()
            ):
                return name in read
            case _:
                return True

    def of(method: Method) -> Method:
        if method.name != "__init__":
            return method
        return replace(method, body=tuple(filter(is_read, method.body)))

    return replace(made, methods=tuple(map(of, made.methods)))
