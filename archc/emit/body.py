"""One class while it is written: its constructor, its `forward`, and what they know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archc.emit.layout import Atom, Bracketed, Code, Doc, Item
from archc.emit.names import Names
from archc.network.graph import Region
from archc.network.scope import Style
from archc.ops.base import UNKNOWN, Dim, Shape
from archc.spec.expressions import (
    Binary,
    Expr,
    Index,
    Name,
    as_expr,
    evaluate,
    names_in,
    to_source,
)
from archc.spec.model import Arg, Node, Template

if TYPE_CHECKING:
    from archc.emit.program import Program


@dataclass(frozen=True, slots=True)
class Flow:
    """A value on its way through `forward`: the variable that holds it and its shape."""

    var: str
    shape: Shape

    @property
    def channels(self) -> Dim:
        return self.shape.channels

    def with_channels(self, channels: Dim) -> Flow:
        return Flow(self.var, self.shape.with_channels(channels))


@dataclass(frozen=True, slots=True)
class Measured:
    """A constructor argument that only instances know, such as a flattened length."""

    name: str
    values: Callable[[Region], set[Any]]
    """The values it has inside one instance of the class."""


@dataclass(slots=True)
class Body:
    """A class body. Expressions are over the constructor's arguments and locals."""

    program: Program
    style: Style
    env: dict[str, Any]
    """What the names of the spec stand for in the constructor."""
    arguments: tuple[str, ...]
    """Names of the constructor's arguments that `forward` can have stored."""
    children: frozenset[str] = frozenset()
    """Attribute names that layers take."""
    tapped: frozenset[str] = frozenset()
    """Paths of nodes whose value something reads later."""
    saves_features: bool = False
    """Whether values with computed names are read later, so that they go into a dict."""
    init: Code = field(default_factory=Code)
    forward: Code = field(default_factory=Code)
    stored: dict[str, Expr] = field(default_factory=dict[str, Expr])
    """Attributes that `forward` needs, with what the constructor sets them to."""
    measured: list[Measured] = field(default_factory=list[Measured])
    values: dict[str, Flow] = field(default_factory=dict[str, Flow])
    definitions: dict[str, Expr] = field(default_factory=dict[str, Expr])
    """Locals of the constructor that are assigned once."""
    locals: Names = field(default_factory=Names)
    vars: Names = field(default_factory=Names)
    channel_var: str | None = None
    """The local that loops carry the number of channels in."""
    loops: list[str] = field(default_factory=list[str])
    assignments: int = 0
    """How often the carried channels were assigned, dry runs included."""
    carried: int = 0
    """How many enclosing loops carry the channels."""
    on_side_path: bool = False
    sole: Node | None = None
    """The repeated node that is all there is in this body, if so."""
    counter: int = 0
    iterator: bool = False
    """Whether `forward` takes numbered children from an iterator."""
    local: str = ""
    """Path from the body of the block or network to this class, with its final dot."""

    # ---- expressions

    def value(self, arg: Arg, channels: Dim = None) -> Any:
        """An argument of the spec in the constructor's terms."""
        if not isinstance(arg, Expr):
            return arg
        return evaluate(arg, {**self.env, "in_channels": _symbol(channels)})

    def text(self, template: Template) -> tuple[str, bool]:
        """A name's source, and whether it is an f-string."""
        parts: list[str] = []
        formatted = False
        for part in template.parts:
            value = part if isinstance(part, str) else self.value(part)
            formatted = formatted or isinstance(value, Expr)
            parts.append(f"{{{to_source(value)}}}" if isinstance(value, Expr) else str(value))
        return "".join(parts), formatted

    def in_forward(self, value: Any) -> Any:
        """An expression of the constructor's in terms of `self`."""
        if not isinstance(value, Expr):
            return value
        names: dict[str, Any] = {}
        for name in names_in(value):
            names[name] = Name(name if name in self.loops else self.keep(name))
        return evaluate(value, names)

    def keep(self, name: str, value: Expr | None = None) -> str:
        """Stores a local of the constructor as an attribute; gives its name."""
        value = Name(name) if value is None else value
        attribute = name
        while attribute in self.children or self.stored.get(attribute, value) != value:
            attribute += "_"
        self.stored[attribute] = value
        return f"self.{attribute}"

    def test(self, condition: Expr, name: str) -> Expr:
        """A condition for `forward`: as it stands where it is simple, else stored."""
        used = set(names_in(condition))
        if used <= {*self.arguments, *self.loops} and (len(used) == 1 or used & {*self.loops}):
            return self.in_forward(condition)
        attribute = self.keep(self.locals.free(name), condition)
        self.init.add(f"{attribute} = {to_source(condition)}")
        del self.stored[attribute.removeprefix("self.")]
        return Name(attribute)

    def closed(self, value: Any) -> Any:
        """An expression over arguments alone; None where a loop made the value."""
        if not isinstance(value, Expr):
            return value
        names: dict[str, Any] = {}
        for name in names_in(value):
            if name in self.definitions:
                inner = self.closed(self.definitions[name])
                if inner is None:
                    return None
                names[name] = inner
            elif name in self.arguments or name == "in_channels":
                names[name] = Name(name)
            else:
                return None
        return evaluate(value, names)

    def doc(self, value: Any) -> Doc:
        """A value as source."""
        return Atom(source(value))

    # ---- numbers of channels

    def short(self, channels: Dim, name: str = "width") -> Dim:
        """Gives a long expression for channels a local of its own."""
        if not isinstance(channels, Expr) or not _is_long(channels):
            return channels
        for local, value in self.definitions.items():
            if value == channels:
                return Name(local)
        local = self.locals.free(name)
        self.definitions[local] = channels
        self.init.add(f"{local} = {to_source(channels)}")
        if self.loops:
            # another iteration may give it another value
            del self.definitions[local]
        return Name(local)

    def carry(self, channels: Dim) -> Name:
        """Brings the number of channels into the local that carries it."""
        if self.channel_var is None:
            self.channel_var = self.locals.free(self._carrier())
        var = Name(self.channel_var)
        if channels != var:
            self.assignments += 1
            self.init.add(_assignment(self.channel_var, channels))
        return var

    def _carrier(self) -> str:
        """The local that carries channels, or that would."""
        if self.channel_var is not None:
            return self.channel_var
        free = [n for n in ("channels", "width") if self.locals.peek(n) == n]
        return free[0] if free else self.locals.peek("channels")

    # ---- control flow

    @contextmanager
    def nested(self) -> Iterator[tuple[Code, Code]]:
        """Both functions one level deeper, into lines of their own."""
        outer = self.init, self.forward
        inner = self.init.deeper(), self.forward.deeper()
        self.init, self.forward = inner
        try:
            yield inner
        finally:
            self.init, self.forward = outer

    def dry(self, run: Callable[[], Flow]) -> Flow:
        """What `run` would give, without a trace of it."""
        before = {name: _copied(getattr(self, name)) for name in _STATE}
        try:
            with self.nested():
                return run()
        finally:
            for name, value in before.items():
                setattr(self, name, value)

    def conditional(
        self,
        test: Expr,
        in_forward: Callable[[], Expr],
        run: Callable[[Flow], Flow],
        flow: Flow,
    ) -> Flow:
        """An `if` around what `run` writes; `flow` passes where the test is false."""
        carried = self.carried > 0 and not self.on_side_path
        if carried:
            probe = self.dry(lambda: run(flow))
            carried = probe.channels != flow.channels
        if carried:
            flow = flow.with_channels(self.carry(flow.channels))
        with self.nested() as (init, forward):
            result = run(flow)
            if carried:
                result = result.with_channels(self.carry(result.channels))
        if init.lines:
            self.init.head("if", test)
            self.init.lines += init.lines
        if forward.lines:
            self.forward.head("if", in_forward())
            self.forward.lines += forward.lines
        if carried:
            return result
        from archc.spec.expressions import choose

        channels = choose(test, _symbol(result.channels), _symbol(flow.channels))
        if not self.on_side_path:
            channels = self.short(channels, "channels")
        return result.with_channels(channels)

    def loop(
        self,
        index: str,
        count: Any,
        run: Callable[[Flow], Flow],
        flow: Flow,
        forward_head: str | None = None,
    ) -> Flow:
        """A `for` around what `run` writes for one iteration.

        The channels are carried from one iteration to the next in a local, unless no
        iteration changes them or each adds the same number. `forward` gets the header
        `forward_head`, where it is to run over something else than the counter.
        """
        var = index
        while var in self.loops or (var in self.arguments and var != index):
            var = f"{var}_{index}"
        outer = self.env.get(index)
        self.env[index] = Name(var)
        self.loops.append(var)
        carrier, assigned = self._carrier(), self.assignments

        def carrying() -> Flow:
            self.channel_var = carrier
            self.locals.taken.add(carrier)
            self.carried += 1
            return run(flow.with_channels(Name(carrier)))

        probe = self.dry(carrying)
        assigned = self.assignments > assigned
        step = None if assigned else _step(probe.channels, Name(carrier), var)
        if probe.channels == Name(carrier) and not assigned:
            flow, result = self._iterate(var, count, run, flow, None, forward_head)
            after: Dim = flow.channels
        elif step is not None and self.carried == 0 and flow.channels != Name(carrier):
            start = flow.channels
            flow, result = self._iterate(
                var, count, run, flow.with_channels(start + Name(var) * step), None, forward_head
            )
            after = start + count * step if isinstance(step, int) else start + as_expr(count) * step
        else:
            flow = flow.with_channels(self.carry(flow.channels))
            flow, result = self._iterate(var, count, run, flow, self.channel_var, forward_head)
            after = Name(self.channel_var or "")
        self.loops.pop()
        if outer is None:
            del self.env[index]
        else:
            self.env[index] = outer
        return result.with_channels(after)

    def _iterate(
        self,
        var: str,
        count: Any,
        run: Callable[[Flow], Flow],
        flow: Flow,
        carrier: str | None,
        forward_head: str | None,
    ) -> tuple[Flow, Flow]:
        self.carried += carrier is not None
        with self.nested() as (init, forward):
            result = run(flow)
            if carrier is not None:
                self.carry(result.channels)
        self.carried -= carrier is not None
        if init.lines:
            self.init.put(*_for(var, init, count), ":")
            self.init.lines += init.lines
        if forward.lines:
            if forward_head is not None:
                self.forward.add(forward_head)
            else:
                self.forward.put(*_for(var, forward, self.in_forward(count)), ":")
            self.forward.lines += forward.lines
        return flow, result


def _for(var: str, inner: Code, count: Any) -> tuple[str, Doc]:
    """The header of a counting loop; a counter that is not read is called `_`."""
    used = any(re.search(rf"\b{var}\b", line) for line in inner.lines)
    times = Bracketed("range", (Item(Atom(source(count))),))
    return f"for {var if used else '_'} in ", times


_STATE = (
    "init", "forward", "stored", "measured", "values", "definitions", "locals", "vars",
    "channel_var", "carried", "counter", "env", "iterator",
)  # fmt: skip


def _copied(value: Any) -> Any:
    if isinstance(value, Code):
        return value
    return value.copy() if hasattr(value, "copy") else value


def _symbol(channels: Dim) -> Any:
    """Channels as an expression may read them."""
    return Name("in_channels") if channels is None or channels is UNKNOWN else channels


def _assignment(var: str, value: Any) -> str:
    if isinstance(value, Binary) and value.left == Name(var) and value.op != "**":
        return f"{var} {value.op}= {to_source(value.right)}"
    return f"{var} = {to_source(value)}"


def _step(after: Dim, before: Name, index: str) -> Any:
    """What one iteration adds to the channels, where that is always the same."""
    if isinstance(after, Binary) and after.op == "+" and after.left == before:
        read = names_in(after.right)
        if index not in read and before.id not in read:
            right = after.right
            return right.value if type(right).__name__ == "Const" else right  # type: ignore[attr-defined]
    return None


def _is_long(expr: Expr) -> bool:
    if isinstance(expr, Name):
        return False
    if isinstance(expr, Index):
        return len(to_source(expr)) > 24
    simple = isinstance(expr, Binary) and all(
        not isinstance(side, Binary) or isinstance(side.right, Name)
        for side in (expr.left, expr.right)
    )
    return not simple or len(to_source(expr)) > 28


def source(value: Any) -> str:
    """A Python value or an expression as source."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        parts = ", ".join(source(v) for v in value)  # pyright: ignore[reportUnknownVariableType]
        return f"({parts}{',' if len(value) == 1 else ''})"  # pyright: ignore[reportUnknownArgumentType]
    return to_source(value) if isinstance(value, Expr) else repr(value)
