"""One class while its tree is built: its constructor and its `forward`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from itertools import chain, count
from typing import Any, Protocol

from archc.emit import rewrite
from archc.emit.conditions import as_condition, tidy
from archc.emit.plan import (
    ClassPlan,
    Convention,
    Feature,
    Let,
    Published,
    Slot,
    is_parameter,
)
from archc.emit.shapes import Listed
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import SELF, Assign, Evaluate, Statement
from archc.ops import code
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    Joined,
    Local,
    Text,
)
from archc.ops.sizes import Dim, Shape
from archc.ops.source import as_code
from archc.ops.source import row as made_row
from archc.spec.expressions import (
    Const,
    Expr,
    Index,
    ListOf,
    Name,
    RowOf,
    Value,
    as_expr,
    evaluate,
    names_in,
)
from archc.spec.model import Arg, Node, Spec, Template, opened
from archc.spec.reserved import MODULE


class Constructed(Protocol):
    """A class that has been lowered, as its users see it."""

    def call(
        self, given: Mapping[str, object], builder: Builder, *, by_name: bool = False
    ) -> Apply: ...


class Program(Protocol):
    """What the classes of a module share."""

    spec: Spec
    symbols: Symbols
    inplace: frozenset[Node]
    helpers: dict[str, str]

    def lowered(self, plan: ClassPlan) -> Constructed: ...

    def convention(self, slot: Slot) -> Convention: ...


class Builder:
    """A class body. What is added goes to `init` and to `forward`."""

    def __init__(self, plan: ClassPlan, program: Program) -> None:
        self.plan = plan
        self.program = program
        self.met = plan.met
        self.seen = plan.seen
        self.init: list[Statement] = []
        self.forward: list[Statement] = []
        self.depth = 0
        """How many loops and conditions of the constructor are around."""
        self.loops: tuple[Name, ...] = ()
        """The counters of the loops around."""
        self.env: dict[str, Name | int] = plan.known
        self.values: dict[str, Expr] = {}
        """Variables of `forward` for named values, by their paths."""
        self.modules: dict[str, Expr] = {}
        """Modules that `forward` is given, by their paths."""
        self.members: dict[Node, Expr] = {}
        """For a repetition whose children are in a list: the one that is called."""
        self.turns: tuple[int, ...] = ()
        """Which iterations of repetitions that are written out these are."""
        self.instance_of: dict[tuple[Node, tuple[int, ...]], Expr] = {}
        """Where the constructor can read attributes of a node's instance."""
        self.stored: dict[str, str] = {}
        """Attributes that `forward` needs, by the arguments that they hold."""
        own = {"_initialize_weights", "loss_weights"}
        self.attributes = {*plan.children, *plan.published, *own}
        self.parameters = {
            n.name.text for n in opened(tuple(plan.nodes)) if n.name and is_parameter(n)
        }
        """The names of parameters, which what stands in their place may have too."""
        self._families: set[str] = set()
        self.features = self.local("features")
        self.feature_channels = self.local("feature_channels")
        self.layers: Local | None = None
        """The iterator over numbered children, where `forward` needs one."""
        self.count = 0
        """How many numbered children there are so far."""
        self.last_comment: str | None = None

    def local(self, name: str) -> Local:
        """A variable of its own that would like to be called so."""
        return Local(self.program.symbols.fresh(name).id)

    # ---- expressions

    def tree(self, value: object) -> Expr:
        """A value or an expression of the plan as the constructor says it."""
        return rewrite.expression(as_code(value), self._told)

    def _told(self, part: Expr | Argument) -> Expr | None:
        match part:
            case Name(id=symbol):
                return self._symbol(symbol)
            case Listed():
                return self.tree(part.whole)
            case RowOf(fields=fields, items=items):
                return made_row(fields, tuple(map(self.tree, items)))
            case ListOf(items=items):
                return code.Sequence(tuple(map(self.tree, items)), "()")
            case _:
                return None

    def _symbol(self, symbol: str) -> Expr:
        symbol = self.plan.aliases.get(symbol, Name(symbol)).id
        match self.plan.opaque.get(symbol):
            case Feature(key=key):
                return Index(self.feature_channels, self.joined(key))
            case Published(node=node, turns=turns, attribute=attribute):
                return Attribute(self.instance_of[node, turns], attribute)
            case None:
                return Local(symbol)

    def joined(self, parts: Iterable[str | Expr]) -> Expr:
        """A string, or an f-string where an expression is in it."""
        made = tuple(p if isinstance(p, str) else self.tree(p) for p in parts)
        return text(made)

    def value(self, arg: Arg, x: Shape | None = None) -> Any:
        """An argument of the spec in the plan's terms."""
        if not isinstance(arg, Expr):
            return arg
        names: dict[str, Any] = dict(self.env)
        if x is not None:
            names["in_channels"] = x.channels
        return tidy(evaluate(arg, names))

    def name(self, template: Template, x: Shape | None = None) -> Expr:
        """A name with braces, for the constructor; its node reads `x`."""
        values = (self.value(p, x) for p in template.parts)
        return self.joined(v if isinstance(v, Expr) else str(v) for v in values)

    # ---- expressions of `forward`

    def in_forward(self, arg: Arg, x: Shape | None, variable: Expr) -> Any:
        """An argument of the spec in terms of what `forward` has, on reading `x`."""
        value = self.value(arg, x)
        if not isinstance(arg, Expr) or not isinstance(value, Expr):
            return value
        names: dict[str, Value] = {}
        for name in names_in(arg):
            if name == "in_channels" and x is not None:
                # what has no channels has no expressions that read them
                sizes, axis = Attribute(variable, "shape"), x.channel_axis or 0
                names[name] = Index(sizes, Const(axis + 1))
            else:
                names[name] = self._kept(self.env[name])
        return tidy(evaluate(arg, names))

    def _kept(self, symbol: Name | int) -> Expr | int:
        if not isinstance(symbol, Name):
            return symbol
        return Local(symbol.id) if symbol in self.loops else self.keep(symbol)

    def keep(self, symbol: Name) -> Attribute:
        """Stores an argument of the constructor as an attribute."""
        if symbol.id not in self.stored:
            name = wish(symbol.id)
            choices = (name, f"{name}_", f"{name}__", f"given_{name}")
            self.stored[symbol.id] = self._first(choices, f"given_{name}")
        return Attribute(SELF, self.stored[symbol.id])

    def attribute(self, name: str) -> str:
        """An attribute that nothing else is called: `relu`, `relu_1`, `relu_2`."""
        return self._first((name, *(f"{name}_{n}" for n in range(1, 10))), name)

    def family(self, name: str) -> str:
        """The first part of attributes that loops number: `dropout_0`, `dropout_1`."""
        choice = self._first((name,), name, alone=True)
        self._families.add(f"{choice}_")
        return choice

    def _first(self, choices: Iterable[str], name: str, *, alone: bool = False) -> str:
        """The first choice that is free, or else `name` with a number; no attribute
        begins with one that is to be `alone`."""
        # no number helps what begins as the attributes of a loop do
        counted = any(name.startswith(family) for family in self._families)
        stem = f"own_{name}" if counted else name
        for choice in chain(choices, (f"{stem}{n}" for n in count(2))):
            begins = alone and any(a.startswith(choice) for a in self.attributes)
            if not (begins or self._is_taken(choice)):
                self.attributes.add(choice)
                return choice
        raise AssertionError("there is always another number")

    def _is_taken(self, name: str) -> bool:
        return (
            name in self.attributes
            or name in MODULE
            or name.startswith("__")  # which Python mangles
            or any(name.startswith(family) for family in self._families)
        )

    def name_in_forward(
        self, template: Template, x: Shape | None = None, variable: Expr = SELF
    ) -> Expr:
        """A name with braces, for `forward`; its node reads `x`, in `variable`."""
        values = (self.in_forward(p, x, variable) for p in template.parts)
        return text(v if isinstance(v, Expr) else str(v) for v in values)

    def test(
        self, arg: Arg, condition: Expr, x: Shape, variable: Expr, name: str
    ) -> tuple[Expr, Assign | None]:
        """A condition for `forward`, and what sets the attribute that it reads.

        Loops and simple conditions need no attribute of their own.
        """
        used = set(names_in(condition))
        arguments = {s.id for s in self.plan.known.values() if isinstance(s, Name)}
        simple = len(used) == 1 and used <= arguments
        reads_channels = isinstance(arg, Expr) and "in_channels" in names_in(arg)
        if self.loops or (simple and not reads_channels):
            stated = as_condition(self.in_forward(arg, x, variable))
            return as_expr(stated), None
        attribute = Attribute(SELF, self.attribute(name))
        return attribute, Assign((attribute,), self.tree(condition))

    # ---- statements

    def let(self, lets: Iterable[Let | None]) -> None:
        for let in lets:
            if let is not None:
                self.assign(let.symbol, let.value)

    def assign(self, symbol: Name, value: Dim) -> None:
        """Gives a local of the constructor a value."""
        self.init.append(Assign((self.tree(symbol),), self.tree(value)))

    def set(self, attribute: str, value: Expr) -> None:
        """`self.attribute = value`."""
        self.init.append(Assign((Attribute(SELF, attribute),), value))

    def invoke(
        self, owner: Expr, method: str, *values: Expr, comment: str | None = None
    ) -> None:
        """`owner.method(values)` in the constructor."""
        called = code.call(Attribute(owner, method), *values)
        self.init.append(Evaluate(called, comment))

    def land(self, value: Expr, variable: Local) -> Local:
        """Makes sure that a value is in a variable of `forward`."""
        if value != variable:
            self.forward.append(Assign((variable,), value))
        return variable

    @contextmanager
    def nested(self) -> Generator[tuple[list[Statement], list[Statement]]]:
        """Both functions one level deeper, in statements of their own."""
        outer = self.init, self.forward
        self.init, self.forward = [], []
        self.depth += 1
        yield self.init, self.forward
        self.depth -= 1
        self.init, self.forward = outer


def text(parts: Iterable[str | Expr]) -> Expr:
    """A string, or an f-string where an expression is in it."""
    merged: list[str | Expr] = []
    for part in parts:
        if merged and isinstance(part, str) and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    if not any(isinstance(p, Expr) for p in merged):
        return Text("".join(map(str, merged)))
    return Joined(tuple(merged))
