"""What a constructor computes from its arguments is a local, set behind
`super().__init__()` before its first reader.

An argument that is computed where it is None, `squeezed: int | None = None`, is such a
local where no call gives it, and has no default where all calls do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.symbols import Symbols
from archc.emit.tree import (
    SELF,
    Assign,
    Body,
    Class,
    Evaluate,
    If,
    Method,
    Module,
    Parameter,
    Statement,
)
from archc.emit.usage import every, expressions, locals_in, parts, reads_of, written
from archc.ops import code
from archc.ops.code import (
    Apply,
    Attribute,
    ClassName,
    Global,
    Local,
    Nothing,
)
from archc.spec.expressions import Binary, Compare, Expr

_INIT = code.call(Attribute(code.call(Global("super")), "__init__"))


def derived(module: Module, symbols: Symbols) -> Module:
    """A module with arguments and locals so."""
    del symbols  # no name is new
    calls = _Calls(module)

    def of(made: Class) -> Class:
        init = made.method("__init__")
        if init is None:
            return made
        changed = _settled(init, calls.given(made))
        changed = replace(changed, body=_behind(changed.body))
        methods = (changed if m is init else m for m in made.methods)
        return replace(made, methods=tuple(methods))

    return replace(module, classes=tuple(map(of, module.classes)))


# ------------------------------------------------------------------------- arguments


class _Calls:
    """The calls of a module's own classes."""

    def __init__(self, module: Module) -> None:
        self._calls: dict[str, list[Apply]] = defaultdict(list)
        self._named: dict[str, int] = defaultdict(int)
        for expr in _expressions(module):
            for part in parts(expr):
                match part:
                    case Apply(function=ClassName(key=key)):
                        self._calls[key].append(part)
                    case ClassName(key=key):
                        self._named[key] += 1
                    case _:
                        pass

    def given(self, made: Class) -> list[set[str]] | None:
        """The arguments that each call gives; None where not all are seen."""
        calls = self._calls[made.name.key]
        init = made.method("__init__")
        if init is None or not calls or self._named[made.name.key] != len(calls):
            return None
        order = [p.local.id for p in init.parameters]
        return [
            {a.name or order[n] for n, a in enumerate(call.arguments)} for call in calls
        ]


def _expressions(module: Module) -> Iterator[Expr]:
    for made in module.classes:
        for method in made.methods:
            for statement in every(method.body):
                yield from expressions(statement)


def _settled(method: Method, calls: list[set[str]] | None) -> Method:
    """A constructor whose arguments are None by default where only some calls give
    them."""
    if calls is None:
        return method
    required: list[Parameter] = []
    optional: list[Parameter] = []
    never: set[str] = set()
    body = list(method.body)
    for parameter in method.parameters:
        symbol = parameter.local.id
        given = {symbol in call for call in calls}
        place = next((n for n, s in enumerate(body) if _computes(s, symbol)), None)
        if place is None or len(given) > 1:
            (required if parameter.default is None else optional).append(parameter)
            continue
        computed = body.pop(place)
        if given == {True}:
            required.append(_always(parameter))
        else:
            assert isinstance(computed, If)
            body.insert(place, computed.body[0])
            never.add(symbol)
    return replace(
        method, parameters=(*required, *optional), body=_read(never, tuple(body))
    )


def _read(symbols: set[str], body: Body) -> Body:
    """Statements without those that set one of these locals, where nothing behind
    reads it."""
    kept: Body = ()
    for made in reversed(body):
        match made:
            case Assign(targets=(Local(id=symbol),)) if symbol in symbols:
                if symbol not in reads_of(kept):
                    continue
            case _:
                pass
        kept = (made, *kept)
    return kept


def _computes(made: Statement, symbol: str) -> bool:
    """Whether it is `if symbol is None: symbol = ...`."""
    match made:
        case If(
            test=Compare(ops=("is",), operands=(Local(id=tested), Nothing())),
            body=(Assign(targets=(Local(id=set_),)),),
            orelse=(),
        ):
            return tested == set_ == symbol
        case _:
            return False


def _always(parameter: Parameter) -> Parameter:
    """An argument that is never None."""
    match parameter.annotation:
        case Binary(op="|", left=left, right=Nothing()):
            return Parameter(parameter.local, left)
        case _:
            return replace(parameter, default=None)


# ---------------------------------------------------------------------------- locals


def _behind(body: Body) -> Body:
    """A constructor in which what stands before `super().__init__()` is behind it."""
    start = next((n for n, s in enumerate(body) if s == Evaluate(_INIT)), None)
    if start is None:
        return body
    rest = body[start + 1 :]
    for made in reversed(body[:start]):
        rest = _before_reader(made, rest)
    return (body[start], *rest)


def _before_reader(made: Statement, body: Body) -> Body:
    """Statements with one put before the first that reads what it sets."""
    match made:
        case Assign(targets=(Local(id=symbol),), value=Expr() as value):
            pass
        case _:
            return (made, *body)
    readers = [n for n, s in enumerate(body) if symbol in reads_of((s,))]
    if not readers:
        return body
    first = readers[0]
    passed = {n for s in every(body[:first]) for n in written(s)}
    if not passed.isdisjoint((symbol, *locals_in(value))):
        return (made, *body)
    reader = body[first]
    match reader:
        case Assign(targets=(Attribute(value=owner) as kept,), value=read) if (
            owner == SELF and read == Local(symbol)
        ):
            after = body[first + 1 :]
            if _only_tested(symbol, after):
                after = rewrite.body(after, lambda p: kept if p == read else None)
                return (*body[:first], Assign((kept,), value), *after)
        case _:
            pass
    return (*body[:first], made, *body[first:])


def _only_tested(symbol: str, body: Body) -> bool:
    """Whether a local is only ever asked for its truth by an `if`, or not read."""
    return all(
        isinstance(made, If) and made.test == Local(symbol)
        for made in every(body)
        if symbol in {n for e in expressions(made) for n in locals_in(e)}
    )
