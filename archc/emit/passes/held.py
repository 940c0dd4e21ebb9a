"""What a constructor's local holds is read from it.

`groups=planes * factor` behind `width = planes * factor` becomes `groups=width`.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice

from archc.emit import rewrite
from archc.emit.passes.subexpressions import is_offset
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Assign, Body, For, If, Method, Module, Statement
from archc.emit.usage import every, locals_in, parts, written
from archc.ops.code import Argument, Local
from archc.spec.expressions import Binary, Call, Const, Expr, Index

LONGEST = 20
"""How many parts an expression has that is looked for."""
_Known = dict[Expr, Local]


def held(module: Module, symbols: Symbols) -> Module:
    """A module whose constructors do not compute again what they have."""
    del symbols  # no name is new

    def change(method: Method) -> Body:
        if method.name != "__init__":
            return method.body
        times = Counter(n for s in every(method.body) for n in written(s))
        own = {p.local.id for p in method.parameters}
        once = {n for n in times if times[n] == 1 and n not in own}
        return _body(method.body, once, {})

    return rewrite.bodies(module, change)


def _body(statements: Body, once: set[str], known: _Known) -> Body:
    found: list[Statement] = []
    for made in statements:
        known = _without(known, {n for s in every((made,)) for n in written(s)})
        match made:
            case For(targets=targets, over=over, body=body):
                over = rewrite.expression(over, _change(known))
                # a local that is needed longer may cost another one its name
                made = For(targets, over, _body(body, once, {}))
            case If(test=test, body=body, orelse=orelse):
                test = rewrite.expression(test, _change(known))
                made = If(test, _body(body, once, known), _body(orelse, once, known))
            case _:
                made = rewrite.statement(made, _change(known)) if known else made
        match made:
            case Assign(targets=(Local() as local,), value=Binary() | Call() as value):
                if local.id in once and _is_plain(value):
                    known = {**known, value: local}
            case _:
                pass
        found.append(made)
    return tuple(found)


def _without(known: _Known, changed: set[str]) -> _Known:
    """What is still known when these variables have changed, and no other would like
    the name of a local."""
    if not known or not changed:
        return known
    wishes = set(map(wish, changed))
    return {
        value: local
        for value, local in known.items()
        if changed.isdisjoint(locals_in(value)) and wish(local.id) not in wishes
    }


def _change(known: _Known) -> rewrite.Change:
    def change(part: Expr | Argument) -> Expr | None:
        match part:
            case Binary() | Call() if known and _is_plain(part):
                return known.get(part)
            case _:
                return None

    return change


def _is_plain(value: Expr) -> bool:
    """Whether it is arithmetic on variables, and more than `i + 1`."""
    found = list(islice(parts(value), LONGEST + 1))
    if len(found) > LONGEST or is_offset(value):
        return False
    return all(map(_is_arithmetic, found))


def _is_arithmetic(part: object) -> bool:
    match part:
        case Binary() | Call() | Const() | Local():
            return True
        case Index(value=Local(), index=Const() | Local()):
            return True
        case _:
            return False
