"""Expressions in the terms of one class, and the locals that stand for some of them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from copy import copy
from typing import Any, Protocol, Self

from archc.emit.conditions import as_condition, tidy
from archc.emit.hidden import without_counters
from archc.emit.measures import Loops, Measures
from archc.emit.plan import ClassPlan, Feature, Let, Met, Opaque
from archc.emit.symbols import Symbols, is_long, shown, symbols_in
from archc.ops.sizes import Dim, Shape
from archc.spec.expressions import (
    Binary,
    Const,
    Expr,
    Name,
    as_expr,
    evaluate,
    fields_of,
    is_whole,
    names_of,
)
from archc.spec.model import Arg, BlockNode, BranchesNode, GroupNode, Node, Template


class Classes(Protocol):
    """Where the plans of a module's other classes come from."""

    symbols: Symbols

    def block(self, user: Terms, node: BlockNode, x: Shape) -> ClassPlan: ...

    def group(
        self, user: Terms, node: GroupNode | BranchesNode, x: Shape
    ) -> ClassPlan: ...


class Terms:
    """What a class's expressions may speak of where something is met."""

    def __init__(self, plan: ClassPlan, classes: Classes) -> None:
        self.plan = plan
        self.classes = classes
        self.met: MutableMapping[Node, Met] = plan.met
        self.values: MutableMapping[str, Shape] = plan.values
        self.seen = plan.seen
        """What became of the nodes: in all instances, or in one iteration of them."""
        self.measures = Measures(plan.seen, classes.symbols, plan.measured)
        self.opaque: MutableMapping[str, Opaque] = plan.opaque
        self.definitions: MutableMapping[str, Expr] = {}
        """Locals that are assigned once, with what they are."""
        self.locals: MutableMapping[Expr, Name] = {}
        """The latest of these for each value."""
        self.lasting: MutableMapping[str, Dim] = {}
        """Locals behind a loop, with what its last iteration leaves in them."""
        self.env: dict[str, Name | int] = plan.known
        self.bound: frozenset[str] = frozenset()
        """The symbols, beside arguments, that have a value here."""
        self.arguments = {s.id for s in (*plan.env.values(), plan.in_channels)}
        self.arguments |= {s.id for s in plan.taken.values()}
        self.loops: Loops = ()
        self.symbol_of: dict[object, Name] = {}

    def fork(self) -> Self:
        """Another one, from here on, of which nothing is kept."""
        other = copy(self)
        for name in (
            "met", "values", "opaque", "definitions", "locals", "lasting",
        ):  # fmt: skip
            setattr(other, name, ChainMap({}, getattr(self, name)))
        other.env = dict(self.env)
        other.measures = self.measures.fork()
        return other

    def compute(self, lets: Mapping[str, Arg]) -> None:
        """Gives what the spec computes once a local of its own, in its order."""
        for name, arg in lets.items():
            value = as_expr(self.value(arg, self.plan.x))
            fields = fields_of(value)
            whole = is_whole(value)
            symbol = self.classes.symbols.fresh(name, whole=whole, fields=fields)
            self.plan.lets[name] = Let(symbol, value)
            self.env[name] = symbol
            self.definitions[symbol.id] = value
            self.locals[value] = symbol
            self.bound |= {symbol.id}

    # ---- expressions

    def value(self, arg: Arg, x: Shape | None = None) -> Any:
        """An argument of the spec in the constructor's terms, where `x` is read."""
        return _value(arg, self.env, x)

    def default(self, arg: Arg, x: Shape) -> Any:
        """The same of what stands in a slot of the class by default."""
        return _value(arg, without_counters(self.env), x)

    def presence(self, node: Node, x: Shape) -> bool | Expr:
        """Whether a node that reads `x` is there."""
        # what stands in its place does so where its test is false
        replaced = node.otherwise is not None
        if not replaced and node.repeat is not None and self.value(node.repeat, x) == 0:
            return False
        return True if node.when is None else self.decided(node.when, x)

    def decided(self, arg: Arg, x: Shape) -> bool | Expr:
        return as_condition(self.value(arg, x))

    def text(
        self, template: Template, x: Shape | None = None
    ) -> tuple[str | Expr, ...]:
        """A name in the constructor's terms, what is known of it joined."""
        parts: list[str | Expr] = []
        for part in template.parts:
            value = part if isinstance(part, str) else self.value(part, x)
            if isinstance(value, Expr):
                parts.append(value)
            elif parts and isinstance(parts[-1], str):
                parts[-1] += str(value)
            else:
                parts.append(str(value))
        return tuple(parts)

    def closed(self, value: Dim) -> Any:
        """An expression over arguments alone; None where a loop made the value."""
        known = self.arguments | self.measures.ids()
        return self._rewritten(value, known, ends=True)

    def outward(self, value: Dim, bound: frozenset[str]) -> Any:
        """An expression over `bound` symbols; None where it has no such form."""
        return self._rewritten(value, self.arguments | bound, ends=False)

    def _rewritten(self, value: Dim, known: set[str], *, ends: bool) -> Any:
        if not isinstance(value, Expr):
            return value
        names: dict[str, Any] = {}
        for symbol in names_of(value):
            name = symbol.id
            if name in known:
                names[name] = symbol
                continue
            inner: Dim | None = self.definitions.get(name)
            if inner is None and ends:
                inner = self.lasting.get(name)
            inner = None if inner is None else self._rewritten(inner, known, ends=ends)
            if inner is None:
                return None
            names[name] = inner
        return evaluate(value, names)

    def named(self, channels: Dim, wish: str, lets: list[Let]) -> Dim:
        """Gives a long expression for channels a local of its own."""
        channels = self._opened(channels)
        if not isinstance(channels, Expr) or not is_long(channels):
            return channels
        return self.let(channels, wish, lets)

    def _opened(self, value: Dim) -> Dim:
        """An expression without its locals, where terms of these cancel: what is
        `width - start` where `width = start + increment`."""
        if not isinstance(value, Binary):
            return value
        names: dict[str, Any] = {n.id: n for n in names_of(value)}
        known = {n: self.definitions[n] for n in names if n in self.definitions}
        inner = {n: d.value if isinstance(d, Const) else d for n, d in known.items()}
        if not inner:
            return value
        opened: Any = evaluate(value, names | inner)
        return opened if len(shown(as_expr(opened))) < len(shown(value)) else value

    def let(self, channels: Expr, wish: str, lets: list[Let]) -> Name:
        known = self.locals.get(channels)
        if known is not None and known.id in self.bound:
            return known
        symbol = self.classes.symbols.fresh(wish)
        self.definitions[symbol.id] = channels
        self.locals[channels] = symbol
        self.bound |= {symbol.id}
        lets.append(Let(symbol, channels))
        return symbol

    def symbol(self, key: object, wish: str, *, natural: bool = False) -> Name:
        """One symbol for one purpose, however often it is tried."""
        key = (key, self.turns())
        if key not in self.symbol_of:
            made = self.classes.symbols.fresh(wish, natural=natural)
            self.symbol_of[key] = made
        return self.symbol_of[key]

    def feature(self, key: Template, shape: Shape) -> Shape:
        """A value out of the dict."""
        content = Feature(self.text(key))
        symbol = self.symbol(content, "feature")
        self.opaque[symbol.id] = content
        if all(
            name in self.bound or name in self.arguments
            for name in symbols_in(content.key)
        ):
            self.bound |= {symbol.id}
        return shape.with_channels(symbol)

    def turns(self) -> tuple[int, ...]:
        """Which iterations of repetitions that are written out these are."""
        return tuple(at for _, at in self.loops if isinstance(at, int))


def _value(arg: Arg, env: Mapping[str, Any], x: Shape | None) -> Any:
    if not isinstance(arg, Expr):
        return arg
    names: dict[str, Any] = dict(env)
    if x is not None:
        names["in_channels"] = x.channels
    return tidy(evaluate(arg, names))
