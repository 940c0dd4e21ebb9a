"""A choice inside a choice is an `if` with an `elif`.

`Block(a if p else b if q else c)` becomes `if p: in_channels = a` and so on, before
`Block(in_channels)`.
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.passes.item_names import Names
from archc.emit.symbols import Symbols
from archc.emit.tree import Assign, Body, Evaluate, For, If, Method, Module, Statement
from archc.emit.usage import expressions, parts, surely
from archc.ops.code import Apply, Argument, Local
from archc.spec.expressions import Expr, IfExp


def nested(module: Module, symbols: Symbols) -> Module:
    """A module whose constructors have no choice inside a choice."""
    choices = _Choices(symbols, Names(module))

    def change(method: Method) -> Body:
        return choices.body(method.body) if method.name == "__init__" else method.body

    return rewrite.bodies(module, change)


class _Choices:
    def __init__(self, symbols: Symbols, names: Names) -> None:
        self._symbols = symbols
        self._names = names

    def body(self, statements: Body) -> Body:
        return tuple(part for made in statements for part in self._statement(made))

    def _statement(self, made: Statement) -> Body:
        match made:
            case For(targets=targets, over=over, body=body):
                return (For(targets, over, self.body(body)),)
            case If(test=test, body=body, orelse=orelse):
                return (If(test, self.body(body), self.body(orelse)),)
            case Assign(targets=(Local() as target,), value=IfExp() as value):
                return (_chosen(target, value),) if _is_nested(value) else (made,)
            case Assign() | Evaluate():
                return self._bound(made)
            case _:
                return (made,)

    def _bound(self, made: Assign | Evaluate) -> Body:
        """A statement behind those that choose what it reads."""
        found: dict[Expr, Local] = {}
        for expr in expressions(made):
            for part in surely(expr):
                if isinstance(part, IfExp) and part not in found and _is_nested(part):
                    word = self._word(expr, part)
                    found[part] = Local(self._symbols.fresh(word, whole=False).id)
        if not found:
            return (made,)

        def change(part: Expr | Argument) -> Expr | None:
            return found.get(part) if isinstance(part, IfExp) else None

        before = (_chosen(local, value) for value, local in found.items())
        return (*before, rewrite.statement(made, change))

    def _word(self, expr: Expr, value: Expr) -> str:
        """What is chosen is called as the argument that it is given to."""
        for part in surely(expr):
            if isinstance(part, Apply):
                for number, argument in enumerate(part.arguments):
                    if argument.value == value:
                        return self._names.of(part, number) or "channels"
        return "channels"


def _is_nested(value: IfExp) -> bool:
    cases = (value.body, value.orelse)
    return any(isinstance(p, IfExp) for case in cases for p in parts(case))


def _chosen(target: Local, value: Expr) -> If | Assign:
    """`target = value` with an `if` for all choices but one within a case."""
    match value:
        case IfExp(test=test, body=body, orelse=orelse):
            then = Assign((target,), body)
            if isinstance(body, IfExp) and _is_nested(body):
                then = _chosen(target, body)
            return If(test, (then,), (_chosen(target, orelse),))
        case _:
            return Assign((target,), value)
