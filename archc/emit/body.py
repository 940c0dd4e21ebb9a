"""One class while it is written: its constructor, its `forward`, and what they know."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archc.emit.conditions import as_condition, tidy
from archc.emit.layout import Atom, Bracketed, Code, Doc, Item
from archc.emit.names import Names, argument_names, following, singular
from archc.emit.reads import Reads
from archc.network.graph import Region
from archc.network.scope import Style
from archc.ops.base import UNKNOWN, Dim, Shape
from archc.spec.expressions import (
    Binary,
    Call,
    Expr,
    Index,
    Name,
    choose,
    evaluate,
    names_in,
    replaced,
    to_source,
)
from archc.spec.model import Arg, Node, Template

if TYPE_CHECKING:
    from archc.emit.program import Program


@dataclass(frozen=True, slots=True)
class Flow:
    """A value on its way through `forward`: the variable that holds it and its
    shape."""

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
    reads: Reads = field(default_factory=lambda: Reads(()))
    """What the names in `from` stand for."""
    owns_features: bool = True
    """Whether the dict of values read by computed names is made here, not handed in."""
    probed: dict[int, bool] = field(default_factory=dict[int, bool])
    """Whether what a condition guards changes the channels, by the condition's id."""
    init: Code = field(default_factory=Code)
    forward: Code = field(default_factory=Code)
    published: set[str] = field(default_factory=set[str])
    """Attributes set for users of the class, which hold numbers of channels."""
    stored: dict[str, Expr] = field(default_factory=dict[str, Expr])
    """Attributes that `forward` needs, with what the constructor sets them to."""
    measured: list[Measured] = field(default_factory=list[Measured])
    values: dict[str, Flow] = field(default_factory=dict[str, Flow])
    definitions: dict[str, Expr] = field(default_factory=dict[str, Expr])
    """Locals of the constructor that are assigned once, and still stand for this."""
    settled: dict[str, Any] = field(default_factory=dict[str, Any])
    """Locals that a loop assigned, with what its last iteration leaves in them."""
    bound: set[str] = field(default_factory=set[str])
    """All locals of the constructor that have a value here."""
    held: list[Flow] = field(default_factory=list[Flow])
    """Values beside the one being written that something will read."""
    kept: set[Node] = field(default_factory=set[Node])
    carrying: set[Node] = field(default_factory=set[Node])
    """Repeated nodes that keep the channels, and those that need a local for them."""
    item_names: dict[str, str] = field(default_factory=dict[str, str])
    """What the items of a list are called in loops over it, by the list's name."""
    lasting: dict[Node, Any] = field(default_factory=dict[Node, Any])
    """What repeated nodes of the latter kind make the channels, whatever they were."""
    locals: Names = field(default_factory=Names)
    vars: Names = field(default_factory=Names)
    channel_var: str | None = None
    """The local that loops carry the number of channels in."""
    instances: Sequence[Region] = ()
    """What became of this class in the network."""
    loops: list[str] = field(default_factory=list[str])
    items: dict[str, Index] = field(default_factory=dict[str, Index])
    """Locals of enclosing loops over a list that stand for `list[counter]`."""
    loop_nodes: list[Node] = field(default_factory=list[Node])
    """The repeated nodes whose counters these are."""
    assignments: int = 0
    """How often the carried channels were assigned, dry runs included."""
    carried: int = 0
    """How many enclosing loops carry the channels."""
    on_side_path: bool = False
    sole: Node | None = None
    """The repeated node that is all there is in this body, if so."""
    counter: int = 0
    is_chain: bool = False
    """Whether the class is an nn.Sequential, which needs no `forward`."""
    iterator: bool = False
    """Whether `forward` takes numbered children from an iterator."""
    members: dict[Node, str] = field(default_factory=dict[Node, str])
    """For a repetition that `forward` loops over: the variable of the loop."""

    # ---- expressions

    def value(self, arg: Arg, channels: Dim = None) -> Any:
        """An argument of the spec in the constructor's terms."""
        if not isinstance(arg, Expr):
            return arg
        value = evaluate(arg, {**self.env, "in_channels": _symbol(channels)})
        for local, item in self.items.items():
            value = replaced(value, item, Name(local))
        return tidy(value)

    def presence(self, node: Node, flow: Flow) -> Any:
        """Whether a node that reads `flow` is there: a condition, or known."""
        if node.repeat is not None and self.value(node.repeat, flow.channels) == 0:
            return False
        return True if node.when is None else self.decided(node.when, flow)

    def decided(self, arg: Arg, flow: Flow) -> Any:
        """A condition on a node that reads `flow`; True or False where it is known."""
        return as_condition(self.value(arg, flow.channels))

    def text(self, template: Template, *, forward: bool = False) -> tuple[str, bool]:
        """A name's source, and whether it is an f-string.

        It is written for the constructor or for `forward`.
        """
        parts: list[str] = []
        formatted = False
        for part in template.parts:
            value = part if isinstance(part, str) else self.value(part)
            if forward and isinstance(part, Expr) and isinstance(value, Expr):
                value = evaluate(
                    part, {n: self._stored(self.env[n]) for n in names_in(part)}
                )
            formatted = formatted or isinstance(value, Expr)
            parts.append(
                f"{{{to_source(value)}}}" if isinstance(value, Expr) else str(value)
            )
        return "".join(parts), formatted

    def in_forward(self, arg: Arg, flow: Flow) -> Any:
        """An argument of the spec in terms of what `forward` has, reading `flow`."""
        value = self.value(arg, flow.channels)
        if not isinstance(arg, Expr) or not isinstance(value, Expr):
            return value
        names: dict[str, Any] = {}
        for name in names_in(arg):
            if name == "in_channels":
                names[name] = Name(f"{flow.var}.shape[{flow.shape.channel_axis + 1}]")
            else:
                names[name] = self._stored(self.env[name])
        return tidy(evaluate(arg, names))

    def _stored(self, value: Any) -> Any:
        """An expression over the constructor's arguments in terms of `self`."""
        if not isinstance(value, Expr):
            return value
        names = {
            n: Name(n if n in self.loops else self.keep(n)) for n in names_in(value)
        }
        return evaluate(value, names)

    def keep(self, name: str) -> str:
        """Stores an argument of the constructor as an attribute; gives its name."""
        attribute = name
        while attribute in self.children:
            attribute += "_"
        self.stored[attribute] = Name(name)
        return f"self.{attribute}"

    def test(self, arg: Arg, flow: Flow, name: str) -> tuple[Expr, str | None]:
        """A condition for `forward`, and the statement that sets the attribute it
        reads.

        Loops and simple conditions need no attribute of their own.
        """
        condition = self.decided(arg, flow)
        used = set(names_in(condition))
        simple = len(used) == 1 and used <= {*self.arguments}
        if self.loops or (simple and "in_channels" not in names_in(arg)):
            return as_condition(self.in_forward(arg, flow)), None
        attribute = self.locals.free(name)
        while attribute in self.children:
            attribute = self.locals.free(name)
        return Name(f"self.{attribute}"), f"self.{attribute} = {to_source(condition)}"

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
            elif name in self.settled:
                names[name] = self.closed(self.settled[name])
                if names[name] is None:
                    return None
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
        self.init.add(f"{local} = {to_source(channels)}")
        self.definitions[local] = channels
        self.bound.add(local)
        return Name(local)

    def carrier(self, channels: Dim) -> str:
        """A local that carries the number of channels from here on, set to
        `channels`."""
        var = self.channel_var
        if var is None or self._is_held(var):
            var = self.channel_var = self.locals.free(self._fresh_carrier())
        self.assign(var, channels)
        return var

    def assign(self, var: str, channels: Dim) -> None:
        """Gives a carrying local another value; what was said of the old one is
        void."""
        self.bound.add(var)
        if channels == Name(var):
            return
        self.assignments += 1
        self.init.add(_assignment(var, channels))
        self.settled = {
            n: v
            for n, v in self.settled.items()
            if n != var and var not in _locals_in(v)
        }
        self._forget(var)

    def _forget(self, var: str) -> None:
        self.definitions = {
            n: v
            for n, v in self.definitions.items()
            if n != var and var not in _locals_in(v)
        }

    def _fresh_carrier(self) -> str:
        free = [n for n in ("channels", "width") if self.locals.peek(n) == n]
        return free[0] if free else "channels"

    def _is_held(self, var: str) -> bool:
        values = [v for p, v in self.values.items() if p in self.reads.tapped or not p]
        return any(var in _locals_in(flow.channels) for flow in (*self.held, *values))

    @contextmanager
    def holding(self, *flows: Flow) -> Generator[None]:
        """Keeps the channels of values that are read again from being overwritten."""
        self.held += flows
        yield
        del self.held[len(self.held) - len(flows) :]

    def _outward(self, value: Any, bound: set[str] | frozenset[str]) -> Any:
        """A number of channels in terms of `bound` locals; None where it has none."""
        if not isinstance(value, Expr):
            return value
        names: dict[str, Any] = {}
        for name in names_in(value):
            known = {
                *self.arguments,
                *self.loops,
                *self.items,
                "feature_channels",
                "self",
            }
            if _locals_in(Name(name)) <= bound | known:
                names[name] = Name(name)
                continue
            inner = self._outward(self.definitions.get(name), bound)
            if inner is None:
                return None
            names[name] = inner
        return evaluate(value, names)

    # ---- control flow

    @property
    def is_nested(self) -> bool:
        """Whether what the constructor is told now stands inside a loop or an `if`."""
        return self.init.is_nested

    @contextmanager
    def nested(self) -> Generator[tuple[Code, Code]]:
        """Both functions one level deeper, into lines of their own."""
        outer = self.init, self.forward
        definitions, bound = set(self.definitions), set(self.bound)
        inner = self.init.deeper(), self.forward.deeper()
        self.init, self.forward = inner
        try:
            yield inner
        finally:
            self.init, self.forward = outer
            self.bound = bound
            self.definitions = {
                n: v for n, v in self.definitions.items() if n in definitions
            }

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
        arg: Arg,
        run: Callable[[Flow], Flow],
        flow: Flow,
        *,
        attribute: str = "enabled",
        read: Flow | None = None,
        otherwise: str | None = None,
    ) -> Flow:
        """An `if` around what `run` writes; `flow` passes where it is false.

        The condition reads the channels of `read`, or else of `flow`. Where `forward`
        needs it, it may be stored as `attribute`. `otherwise` is the constructor's
        statement for the other case.
        """
        source = read or flow
        test: Expr = self.decided(arg, source)
        if self._is_changed(arg, run, flow):
            flow = flow.with_channels(Name(self.carrier(flow.channels)))
        place, bound, assigned = (
            len(self.init.lines),
            frozenset(self.bound),
            self.assignments,
        )
        own = flow.channels == Name(self.channel_var or "")
        with self.nested() as (init, forward):
            if own:
                result = run(flow)
            else:
                with self.holding(flow):
                    result = run(flow)
            channels = self._outward(result.channels, bound)
            changed = channels != flow.channels
            carried = not self.on_side_path and (
                (changed and (channels is None or self.carried > 0))
                or (own and self.assignments > assigned)
            )
            var = self.channel_var
            if carried:
                if var is None or (not own and self._is_held(var)):
                    var = self.locals.free(self._fresh_carrier())
                if init.lines or result.channels != Name(var):
                    self.assign(var, result.channels)
        if carried:
            assert var is not None
            self.channel_var = var
            self.assign(var, flow.channels)
        header = test
        if forward.lines:
            stated, setting = self.test(arg, source, attribute)
            if setting is not None:
                row = self.init.beside()
                row.add(setting)
                self.init.lines[place:place] = row.lines
                header = stated
            self.forward.head("if", stated)
            self.forward.lines += forward.lines
        if init.lines:
            self.init.head("if", header)
            self.init.lines += init.lines
        if otherwise is not None:
            self.init.add("else:")
            inner = self.init.deeper()
            inner.add(otherwise)
            self.init.lines += inner.lines
        if carried:
            return result.with_channels(Name(var or ""))
        if self.on_side_path:
            return result
        merged = choose(test, _symbol(channels), _symbol(flow.channels))
        return result.with_channels(self.short(merged, "channels"))

    def _is_changed(self, arg: Arg, run: Callable[[Flow], Flow], flow: Flow) -> bool:
        """Whether to assign the carried channels before an `if` that changes them."""
        read = _locals_in(flow.channels)
        if self.carried == 0 or self.on_side_path or self.channel_var not in read:
            return False
        if flow.channels == Name(self.channel_var or ""):
            return False
        if id(arg) not in self.probed:
            with self.holding(flow):
                after = self.dry(lambda: run(flow))
            self.probed[id(arg)] = after.channels != flow.channels
        return self.probed[id(arg)]

    def loop(
        self,
        node: Node,
        count: Any,
        run: Callable[[Flow], Flow],
        flow: Flow,
        forward_head: Callable[[str, Code], str] | None = None,
    ) -> Flow:
        """A `for` around what `run` writes for one iteration.

        The channels are carried from one iteration to the next in a local, unless no
        iteration changes them or each adds the same number. `forward_head` makes the
        header of a loop in `forward` over something else than the counter, from the
        counter's name and the lines inside.
        """
        index = node.index
        head = forward_head, self.in_forward(node.repeat, flow)
        var = argument_names([index])[index]
        while var in self.loops or var in self.arguments or var in self.vars.taken:
            var = following(var)
        self.vars.taken.add(var)
        outer = self.env.get(index)
        self.env[index] = Name(var)
        self.loops.append(var)
        self.loop_nodes.append(node)
        self.locals.taken.add(var)
        items = self.items
        self.items = items | self._item(count, var)
        step, last = self._probe(node, run, flow)
        if node in self.kept or (step is None and self._stays(run, flow)):
            result = self._iterate(var, count, run, flow, None, *head)
            after: Dim = flow.channels
        elif step is not None:
            start = flow.channels
            x = flow.with_channels(start + Name(var) * step)
            with self.holding(flow):
                result = self._iterate(var, count, run, x, None, *head)
            after = start + count * step
        else:
            carrier = self.carrier(flow.channels)
            flow = flow.with_channels(Name(carrier))
            result = self._iterate(var, count, run, flow, carrier, *head)
            self.channel_var = carrier
            after = Name(carrier)
            known = last is not None and carrier not in _locals_in(last)
            if known and node not in self.program.seen.never:
                self.settled[carrier] = _with(last, var, count - 1)
        self.items = items
        self.loops.pop()
        self.loop_nodes.pop()
        self.vars.taken.discard(var)
        if outer is None:
            del self.env[index]
        else:
            self.env[index] = outer
        return result.with_channels(after)

    def _item(self, count: Any, var: str) -> dict[str, Index]:
        """A local for the items of a list that a loop runs over by its length."""
        match count:
            case Call(function="len", args=(Name(id=name),)):
                item = Index(Name(name), Name(var))
            case _:
                return {}
        local = self.item_names.get(name) or singular(name)
        if local is None or local in self.items or local in self.env:
            return {}
        if name not in self.item_names and self.locals.free(local) != local:
            return {}
        self.item_names[name] = local
        return {local: item}

    def _spelled(self, value: Any) -> Any:
        """A value with `list[counter]` for the locals that stand for it."""
        for local, item in self.items.items():
            value = replaced(value, Name(local), item)
        return value

    def _probe(
        self, node: Node, run: Callable[[Flow], Flow], flow: Flow
    ) -> tuple[Any, Any]:
        """What each iteration adds to the channels, where that is always the same, or
        else what it makes them, where that does not depend on the iteration before.

        Notes beside whether they stay as they are or are to be carried in a local.
        """
        if node in self.kept or node in self.carrying:
            return None, self.lasting.get(node)
        before = Name("channels_before")
        bound, assigned = frozenset(self.bound), self.assignments

        def once() -> Flow:
            self.carried += 1
            result = run(flow.with_channels(before))
            found = self._spelled(result.channels)
            found = self._outward(found, bound | {before.id, *self.loops})
            return result.with_channels(found)

        with self.holding(flow.with_channels(before)):
            after = self.dry(once).channels
        if after == before:
            self.kept.add(node)
            return None, None
        step = None
        if self.assignments == assigned and self.carried == 0 and len(self.loops) < 3:
            step = _step(after, before, self.loops[-1])
        if step is None:
            self.carrying.add(node)
            if after is not None and before.id not in _locals_in(after):
                self.lasting[node] = after
        return step, self.lasting.get(node)

    def _stays(self, run: Callable[[Flow], Flow], flow: Flow) -> bool:
        """Whether an iteration that reads just these channels gives them back."""
        if self.carried or len(self.loops) > 2:
            return False
        bound, assigned = frozenset(self.bound), self.assignments

        def once() -> Flow:
            result = run(flow)
            return result.with_channels(self._outward(result.channels, bound))

        with self.holding(flow):
            after = self.dry(once).channels
        return self.assignments == assigned and after == flow.channels

    def _iterate(
        self,
        var: str,
        count: Any,
        run: Callable[[Flow], Flow],
        flow: Flow,
        carrier: str | None,
        forward_head: Callable[[str, Code], str] | None,
        forward_count: Any,
    ) -> Flow:
        self.carried += carrier is not None
        with self.nested() as (init, forward):
            if carrier is not None:
                # what was said of it before the loop holds for the first iteration
                self._forget(carrier)
            result = run(flow)
            if carrier is not None:
                self.assign(carrier, result.channels)
        self.carried -= carrier is not None
        if init.lines:
            over = [(n, i) for n, i in self.items.items() if i.index == Name(var)]
            self.init.put(*_for(var, init, count, *over), ":")
            self.init.lines += init.lines
        if forward.lines:
            if forward_head is not None:
                self.forward.add(forward_head(var, forward))
            else:
                self.forward.put(*_for(var, forward, forward_count), ":")
            self.forward.lines += forward.lines
        return result


def mentions(code: Code, name: str) -> bool:
    """Whether the lines read a variable.

    Neither the text of a string nor an attribute or a keyword of that name does.
    """
    use = re.compile(rf"(?<![.\w]){name}\b(?!=)")
    strings = re.compile(r'f?"[^"]*"')
    plain = (
        strings.sub(lambda m: m[0] if m[0][0] == "f" else "", line)
        for line in code.lines
    )
    return any(map(use.search, plain))


def _for(
    var: str, inner: Code, count: Any, over: tuple[str, Index] | None = None
) -> tuple[str, Doc]:
    """The header of a counting loop; a counter that is not read is called `_`.

    `over` is the local for the items of a list, where the loop runs over one.
    """
    used = mentions(inner, var)
    if over is not None and mentions(inner, over[0]):
        values = Atom(to_source(over[1].value))
        if not used:
            return f"for {over[0]} in ", values
        return f"for {var}, {over[0]} in ", Bracketed("enumerate", (Item(values),))
    times = Bracketed("range", (Item(Atom(source(count))),))
    return f"for {var if used else '_'} in ", times


_STATE = (
    "init", "forward", "stored", "measured", "values", "definitions", "locals", "vars",
    "channel_var", "carried", "counter", "env", "iterator", "bound", "held", "loops",
    "loop_nodes",
    "settled", "items", "item_names",
    "children", "members",
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


def _with(value: Any, name: str, stands_for: Any) -> Any:
    """An expression with another value in the place of one of its names."""
    if not isinstance(value, Expr):
        return value
    return evaluate(value, {n: Name(n) for n in names_in(value)} | {name: stands_for})


def _locals_in(value: Any) -> set[str]:
    """The locals that an expression reads, by way of an attribute or a key too."""
    found: set[str] = set()
    for name in names_in(value) if isinstance(value, Expr) else ():
        base, *inside = re.split(r"[.\[{}]", name)
        found.add(base)
        for part in inside[1::2]:
            found.update(re.findall(r"[A-Za-z_]\w*", part))
    return found


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
