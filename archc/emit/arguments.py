"""The arguments of constructors, and what has to be settled before they are used."""

from __future__ import annotations

from collections.abc import Mapping

from archc.emit.builder import Builder
from archc.emit.conditions import tidy
from archc.emit.plan import is_slot
from archc.emit.symbols import symbols_in
from archc.emit.tree import Assign, Body, If, Statement
from archc.network.graph import Network
from archc.ops.code import Local, Nothing
from archc.spec.expressions import Compare, Expr, Name, Value, evaluate, rows_in


def arguments(
    builder: Builder, network: Network, read: set[str]
) -> tuple[Body, list[str]]:
    """What stands before the rest of a constructor that reads these symbols, and the
    symbols of its arguments, in order."""
    plan = builder.plan
    if plan.kind == "network":
        return _network_arguments(builder, network, read)
    prelude: list[Statement] = []
    measured = [m.symbol.id for m in plan.measured.values() if m.symbol.id in read]
    symbols: list[str] = []
    if plan.block is not None:
        symbols = [s.id for s in plan.taken.values() if s.id in read]
        symbols += [plan.env[p].id for p in plan.block.required]
        symbols += measured
        slots = [s for s in plan.slots.values() if s.symbol.id in read]
        symbols += [s.symbol.id for s in slots if s.default is None]
        terms = {**plan.env, "in_channels": plan.in_channels}
        for name, default in plan.block.defaults.items():
            symbol = plan.env[name]
            symbols.append(symbol.id)
            if isinstance(default, Expr) or rows_in(default):
                known = not isinstance(default, Expr)
                value = default if known else tidy(evaluate(default, terms))
                read |= set(symbols_in(value))
                prelude.append(_unless_given(builder, symbol, value))
        symbols += [s.symbol.id for s in slots if s.default is not None]
    else:
        own = [(is_slot(key), e.id) for key, e in plan.env.items() if e.id in read]
        symbols = list(dict.fromkeys(symbol for slot, symbol in own if not slot))
        symbols += [s.id for s in plan.taken.values() if s.id in read]
        symbols += measured
        if builder.feature_channels.id in read:
            symbols.append(builder.feature_channels.id)
        symbols += [symbol for slot, symbol in own if slot]
    if plan.in_channels.id in read:
        symbols.insert(0, plan.in_channels.id)
    return tuple(prelude), symbols


def _unless_given(builder: Builder, symbol: Name, value: object) -> If:
    """What an argument is where it is None."""
    local = builder.tree(symbol)
    test = Compare(("is",), (local, Nothing()))
    return If(test, (Assign((local,), builder.tree(value)),))


def _network_arguments(
    builder: Builder, network: Network, read: set[str]
) -> tuple[Body, list[str]]:
    """Parameters that are defined by others are locals, behind those they read."""
    plan = builder.plan
    derived = {
        plan.env[name].id: tidy(evaluate(arg, {**plan.env, **plan.constants}))
        for name, arg in network.spec.params.items()
        if isinstance(arg, Expr)
    }
    ordered = _in_order(derived)
    for symbol, value in reversed(ordered.items()):
        if symbol in read:
            read |= set(symbols_in(value))
    prelude = tuple(
        Assign((Local(symbol),), builder.tree(value))
        for symbol, value in ordered.items()
        if symbol in read
    )
    symbols = [s.id for s in plan.env.values() if s.id in read]
    rows = tuple(
        _unless_given(builder, symbol, network.params[name])
        for name, symbol in plan.env.items()
        if symbol.id in read
        and symbol.id not in derived
        and rows_in(network.params.get(name))
    )
    return (*rows, *prelude), [s for s in symbols if s not in derived]


def _in_order(derived: Mapping[str, Value]) -> dict[str, Value]:
    """Values that read each other's symbols, each behind those that it reads."""
    ordered: dict[str, Value] = {}
    stack = [*derived][::-1]
    while stack:
        symbol = stack[-1]
        before = [
            s for s in symbols_in(derived[symbol]) if s in derived and s not in ordered
        ]
        if symbol in ordered or not before:
            ordered.setdefault(stack.pop(), derived[symbol])
        else:
            stack += before
    return ordered
