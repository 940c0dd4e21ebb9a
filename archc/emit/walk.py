"""The walk through one class: what each of its nodes reads and gives, on symbols.

A repetition that changes the channels is met with a symbol for what an iteration reads.
What comes of that says whether the channels stay, grow by the same number each time, or
are carried in a local from one iteration to the next.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, Literal, Protocol, cast

from archc.emit import shapes
from archc.emit.chains import is_chain
from archc.emit.conditions import as_condition, tidy
from archc.emit.measures import Loops, Measures
from archc.emit.occurrences import Occurrences
from archc.emit.plan import (
    Carried,
    Choice,
    ClassPlan,
    Feature,
    Held,
    Join,
    Let,
    Loop,
    Met,
    Opaque,
    Published,
    Turn,
    Use,
)
from archc.emit.symbols import Symbols, is_long, symbols_in
from archc.ops.base import UNKNOWN, Dim, Shape
from archc.ops.merge import Merge
from archc.ops.registry import OPS
from archc.spec.expressions import (
    Binary,
    Const,
    Expr,
    Name,
    as_expr,
    choose,
    evaluate,
    names_in,
    names_of,
)
from archc.spec.model import (
    Arg,
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    Template,
)

MAX_CLOSED = 3
"""How many loops deep channels are looked for that need no local."""

Kind = Literal["kept", "stepped", "carried"]
Run = Callable[["Walk", Shape], Shape]


class Classes(Protocol):
    """Where the plans of a module's other classes come from."""

    symbols: Symbols

    def block(self, user: Walk, node: BlockNode) -> ClassPlan: ...

    def group(
        self, user: Walk, node: GroupNode | BranchesNode, x: Shape
    ) -> ClassPlan: ...


class Walk:
    """One way through a class. A fork tries something, and is forgotten."""

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
        self.env: dict[str, Any] = {**plan.env, **plan.constants}
        self.bound: frozenset[str] = frozenset()
        """The symbols, beside arguments, that have a value here."""
        self.arguments = {s.id for s in (*plan.env.values(), plan.in_channels)}
        self.arguments |= {s.id for s in plan.taken.values()}
        self.loops: Loops = ()
        self.carrying = 0
        """How many of the loops around carry the channels."""
        self.is_idle = False
        """Whether nobody asks for the channels of what is met."""
        self.kinds: dict[Any, tuple[Kind, Any]] = {}
        self.changing: dict[Any, bool] = {}
        self.symbol_of: dict[Any, Name] = {}

    def fork(self) -> Walk:
        """A walk from here of which nothing is kept."""
        other = object.__new__(Walk)
        other.__dict__.update(self.__dict__)
        for name in (
            "met", "values", "opaque", "definitions", "locals", "lasting",
        ):  # fmt: skip
            setattr(other, name, ChainMap({}, getattr(self, name)))
        other.env = dict(self.env)
        other.measures = self.measures.fork()
        return other

    # ---- expressions

    def value(self, arg: Arg, x: Shape | None = None) -> Any:
        """An argument of the spec in the constructor's terms, where `x` is read."""
        if not isinstance(arg, Expr):
            return arg
        names: dict[str, Any] = dict(self.env)
        if x is not None:
            names["in_channels"] = x.channels
        return tidy(evaluate(arg, names))

    def presence(self, node: Node, x: Shape) -> bool | Expr:
        """Whether a node that reads `x` is there."""
        if node.repeat is not None and self.value(node.repeat, x) == 0:
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

    def closed(self, value: Any) -> Any:
        """An expression over arguments alone; None where a loop made the value."""
        known = self.arguments | self.measures.ids()
        return self._rewritten(value, known, ends=True)

    def outward(self, value: Any, bound: frozenset[str]) -> Any:
        """An expression over `bound` symbols; None where it has no such form."""
        return self._rewritten(value, self.arguments | bound, ends=False)

    def _rewritten(self, value: Any, known: set[str], *, ends: bool) -> Any:
        if not isinstance(value, Expr):
            return value
        names: dict[str, Any] = {}
        for symbol in names_of(value):
            name = symbol.id
            if name in known:
                names[name] = symbol
                continue
            inner: Any = self.definitions.get(name)
            if inner is None and ends:
                inner = self.lasting.get(name)
            inner = None if inner is None else self._rewritten(inner, known, ends=ends)
            if inner is None:
                return None
            names[name] = inner
        return evaluate(value, names)

    def named(self, channels: Dim, wish: str, lets: list[Let]) -> Dim:
        """Gives a long expression for channels a local of its own."""
        if not isinstance(channels, Expr) or not is_long(channels):
            return channels
        return self.let(channels, wish, lets)

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

    def _symbol(self, key: Any, wish: str) -> Name:
        """One symbol for one purpose, however often it is tried."""
        key = (key, self._turns())
        if key not in self.symbol_of:
            self.symbol_of[key] = self.classes.symbols.fresh(wish)
        return self.symbol_of[key]

    def _turns(self) -> tuple[int, ...]:
        """Which iterations of repetitions that are written out these are."""
        return tuple(at for _, at in self.loops if isinstance(at, int))

    # ---- nodes

    def nodes(self, nodes: Sequence[Node], x: Shape) -> Shape:
        for node in nodes:
            x = self.node(node, x)
        return x

    def node(self, node: Node, x: Shape) -> Shape:
        reads = (x,)
        if node.reads is not None:
            reads = tuple(self._read(node, n, x) for n in range(len(node.reads)))
        x = reads[0]
        if x.channels is UNKNOWN:
            # only the network knows it
            x = x.with_channels(self.measures.channels_read(node, self.loops))
            reads = (x, *reads[1:])
        met = self.met[node] = Met(reads)
        met.test = self.presence(node, x)
        if isinstance(met.test, Expr):
            met.choice, met.out = self._choice(
                (node, "when", x), met.test, x, x,
                lambda walk, y: walk._repeated(node, met, (y, *reads[1:])),
            )  # fmt: skip
        else:
            met.out = self._repeated(node, met, reads) if met.test else x
        if node.repeat is None or (node.name is not None and node.name.fixed):
            self._remember(self.plan.reads.paths.get(node), met.out)
        return met.out

    def _read(self, node: Node, number: int, x: Shape) -> Shape:
        source = self.plan.reads.sources[node][number]
        match source.kind:
            case "prev":
                return x
            case "input":
                return self.values[""]
            case "value":
                return self.values[source.key.text]
            case "feature":
                return self.feature(source.key, self.seen.read(node, number) or x)

    def feature(self, key: Template, shape: Shape) -> Shape:
        """A value out of the dict."""
        content = Feature(self.text(key))
        symbol = self._symbol(content, "feature")
        self.opaque[symbol.id] = content
        if all(
            name in self.bound or name in self.arguments
            for name in symbols_in(content.key)
        ):
            self.bound |= {symbol.id}
        return shape.with_channels(symbol)

    def _remember(self, path: Template | None, y: Shape) -> None:
        if path is not None:
            self.values[path.text] = y

    # ---- conditions

    def _choice(
        self,
        key: tuple[Node, str, Shape],
        test: Expr,
        x: Shape,
        read: Shape,
        run: Run,
    ) -> tuple[Choice, Shape]:
        """An `if` around what `run` meets; where it is false, `x` passes."""
        named: list[Let] = []
        if self._is_changed(key, x, run):
            assert isinstance(x.channels, Expr)
            x = x.with_channels(self.let(x.channels, "channels", named))
        first = named[0] if named else None
        bound = self.bound
        y = run(self, x)
        then = self.outward(y.channels, bound)
        self.bound = bound
        if self.is_idle or y.channels == x.channels:
            return Choice(test, read, first), y
        orelse = x.channels
        if then is None or self.carrying:
            symbol = self._symbol((key[0], key[1], "join"), "channels")
            self.bound |= {symbol.id}
            return Choice(test, read, first, Join(symbol, y.channels, orelse)), (
                y.with_channels(symbol)
            )
        merged: list[Let] = []
        chosen: Any = choose(test, then, cast("Any", orelse))
        chosen = self.named(chosen, "channels", merged)
        after = merged[0] if merged else None
        return Choice(test, read, first, None, after), y.with_channels(chosen)

    def _is_changed(self, key: tuple[Node, str, Shape], x: Shape, run: Run) -> bool:
        """Whether to name the carried channels before an `if` that changes them."""
        if not self.carrying or self.is_idle:
            return False
        if not isinstance(x.channels, Expr) or isinstance(x.channels, Name):
            return False
        known = (key, self._turns())
        if known not in self.changing:
            fork = self.fork()
            self.changing[known] = run(fork, x).channels != x.channels
        return self.changing[known]

    # ---- repetitions

    def _repeated(self, node: Node, met: Met, reads: tuple[Shape, ...]) -> Shape:
        if node.repeat is None:
            met.once = self._once(node, met, reads)
            return met.once
        x = reads[0]
        met.turns = None
        if self.seen.differ(node):
            return self._written_out(node, met, reads)
        count = self.value(node.repeat, x)

        def run(walk: Walk, y: Shape) -> Shape:
            once = met.once = walk._once(node, met, (y, *reads[1:]))
            paths = walk.plan.reads
            path = (paths.members if node in paths.members else paths.paths).get(node)
            walk._remember(path, once)
            return once

        counter = self._symbol((node, "counter"), node.index)
        outer = self.env.get(node.index)
        self.env[node.index] = counter
        self.loops = (*self.loops, (node, counter))
        bound = self.bound
        self.bound |= {counter.id}
        carried, channels = self._loop(node, x, count, counter, run)
        self.loops = self.loops[:-1]
        if outer is None:
            del self.env[node.index]
        else:
            self.env[node.index] = outer
        self.bound = bound
        if carried is not None:
            self.bound |= {carried.symbol.id, carried.after.id}
        met.loop = Loop(counter, count, x, carried)
        y = x.with_channels(channels)
        return shapes.settled(y, self.seen.output(node, "all"))

    def _written_out(self, node: Node, met: Met, reads: tuple[Shape, ...]) -> Shape:
        """A repetition whose iterations differ in their axes: each by itself."""
        met.turns = []
        outer = self.env.get(node.index)
        around = self.met, self.seen, self.loops
        x = reads[0]
        for number, regions in enumerate(self.seen.iterations(node)):
            turn = Turn(number, Occurrences(regions, self.seen.variants))
            met.turns.append(turn)
            own = turn.met[node] = Met((x, *reads[1:]))
            self.met, self.seen = turn.met, turn.seen
            self.loops = (*around[2], (node, number))
            self.env[node.index] = number
            x = own.once = self._once(node, own, (x, *reads[1:]))
            paths = self.plan.reads
            path = (paths.members if node in paths.members else paths.paths).get(node)
            self._remember(path, x)
        self.met, self.seen, self.loops = around
        if outer is None:
            del self.env[node.index]
        else:
            self.env[node.index] = outer
        return x

    def _loop(
        self, node: Node, x: Shape, count: Any, counter: Name, run: Run
    ) -> tuple[Carried | None, Dim]:
        """Meets a loop's body; gives what carries the channels, and those behind it."""
        symbol = self._symbol((node, "carried"), "channels")
        kind, step = self._kind(node, x, counter, symbol, run)
        if kind == "kept":
            run(self, self._inside(node, x))
            return None, x.channels
        if kind == "stepped":
            inside = x.with_channels(x.channels + counter * step)
            run(self, self._inside(node, inside))
            return None, x.channels + count * step
        self.bound |= {symbol.id}
        self.carrying += 1
        y = run(self, self._inside(node, x.with_channels(symbol)))
        self.carrying -= 1
        after = self._symbol((node, "after"), "channels")
        self.plan.aliases[after.id] = symbol
        last = self.outward(y.channels, frozenset({counter.id}))
        if last is not None and node not in self.seen.never:
            names: dict[str, Any] = {n.id: n for n in names_of(last)}
            names[counter.id] = count - 1
            lasting: Any = evaluate(as_expr(last), names)
            self.lasting[after.id] = lasting
        return Carried(symbol, x.channels, y.channels, after), after

    def _inside(self, node: Node, x: Shape) -> Shape:
        """What an iteration reads: sizes that the iterations share."""
        return shapes.settled(x, self.seen.iteration(node))

    def _kind(
        self, node: Node, x: Shape, counter: Name, symbol: Name, run: Run
    ) -> tuple[Kind, Any]:
        """Whether the channels stay, grow by a step, or have to be carried."""
        if len(self.loops) - len(self._turns()) > MAX_CLOSED:
            return "carried", None
        key = (node, x, self.carrying > 0, self._turns())
        if key not in self.kinds:
            self.kinds[key] = self._tried(node, x, counter, symbol, run)
        return self.kinds[key]

    def _tried(
        self, node: Node, x: Shape, counter: Name, symbol: Name, run: Run
    ) -> tuple[Kind, Any]:
        fork = self.fork()
        fork.bound |= {symbol.id}
        fork.carrying += 1
        tried = run(fork, self._inside(node, x.with_channels(symbol)))
        after = fork.outward(tried.channels, self.bound | {symbol.id})
        if after == symbol:
            return "kept", None
        if self.carrying:
            return "carried", None
        step = _step(after, symbol, counter)
        if step is not None:
            return "stepped", step
        fork = self.fork()
        tried = run(fork, self._inside(node, x))
        stays = fork.outward(tried.channels, self.bound) == x.channels
        return ("kept" if stays else "carried"), None

    # ---- skips

    def _once(self, node: Node, met: Met, reads: tuple[Shape, ...]) -> Shape:
        x = met.x = reads[0]
        met.lets, met.merged = [], None
        if node.skip is None:
            met.body = self._body(node, met, reads)
            return met.body
        met.skip = True if node.skip_when is None else self.decided(node.skip_when, x)
        met.body = self._body(node, met, reads)
        if met.skip is False:
            return met.body
        if met.skip is True:
            return self._merged(node, met, x, met.body)
        met.skip_choice, y = self._choice(
            (node, "skip_when", met.body), met.skip, met.body, x,
            lambda walk, after: walk._merged(node, met, x, after),
        )  # fmt: skip
        return y

    def _merged(self, node: Node, met: Met, x: Shape, body: Shape) -> Shape:
        side = x
        if node.shortcut is not None:
            idle = self.is_idle
            read = self.plan.reads.is_read(node.shortcut)
            self.is_idle = (idle or node.skip == "add") and not read
            side = self.node(node.shortcut, x)
            self.is_idle = idle
        op = MERGES[node.skip or "add"]
        order = (body, side) if op.commutative else (side, body)
        seen = self.seen
        y = shapes.merged(
            op, order, seen.merges.get(node, ()),
            seen.output(node, "once"),
        )  # fmt: skip
        if op.stacks_channels:
            lets: list[Let] = []
            y = y.with_channels(self.named(y.channels, "channels", lets))
            met.merged = lets[0] if lets else None
        return y

    # ---- bodies

    def _body(self, node: Node, met: Met, reads: tuple[Shape, ...]) -> Shape:
        match node:
            case OpNode() if node.op.merges:
                return self._merge_op(node, reads)
            case OpNode():
                return self._op(node, met, reads[0])
            case BlockNode():
                return self._block(node, met, reads[0])
            case GroupNode() if node.name is None or is_chain(
                self.plan.reads, node.layers
            ):
                return self.nodes(node.layers, reads[0])
            case BranchesNode() if node.name is None:
                return self.branches(node, met, reads[0])
            case GroupNode() | BranchesNode():
                return self._group(node, met, reads[0])
            case _:
                raise TypeError(node)

    def _known(self, node: Node, y: Shape) -> Shape:
        """Channels that no rule gives are a number, or an argument."""
        if y.channels is not UNKNOWN:
            return y
        return y.with_channels(self.measures.channels_given(node, self.loops))

    def _merge_op(self, node: OpNode, reads: tuple[Shape, ...]) -> Shape:
        seen = self.seen
        y = shapes.merged(
            MERGES[node.op.op], reads, seen.layers.get(node, ()),
            seen.output(node, "body"),
        )  # fmt: skip
        return self._known(node, y)

    def _op(self, node: OpNode, met: Met, x: Shape) -> Shape:
        layers = self.seen.layers.get(node, ())
        # what stands before it may be left out in some occurrences
        read = self.seen.read(node, 0)
        x = x if read is None else shapes.settled(x, read)
        if node.op.category == "convolution":
            x = x.with_channels(self.named(x.channels, "width", met.lets))
        values = {k: self.value(v, x) for k, v in node.attributes.items()}
        for size in {"out_channels", "out_features"} & node.attributes.keys():
            values[size] = self.named(values[size], "width", met.lets)
        met.op = op = shapes.symbolic(node.op, values, layers)
        met.x = x
        seen = self.seen.output(node, "body")
        if op.joins_axes:
            y = shapes.joined(op, x, seen)
        else:
            y = shapes.output(op, (x,), seen)
        met.module = self.measures.filled(node, op.module(x), self.loops)
        y = self._known(node, y)
        if op.joins_axes or y.channels == x.channels:
            return y
        return y.with_channels(self.named(y.channels, "channels", met.lets))

    def _block(self, node: BlockNode, met: Met, x: Shape) -> Shape:
        made = self.classes.block(self, node)
        given = {k: self.value(v, x) for k, v in node.arguments.items()}
        use = Use(made, {made.env[k].id: v for k, v in given.items()})
        use.given[made.in_channels.id] = x.channels
        terms: dict[str, Any] = {**given, "in_channels": x.channels}
        block = made.block
        assert block is not None
        for key, default in block.defaults.items():
            if key not in terms:
                is_known = not isinstance(default, Expr)
                terms[key] = default if is_known else evaluate(default, terms)
        names = {made.env[k].id: v for k, v in terms.items() if k in made.env}
        names[made.in_channels.id] = x.channels
        return self._used(node, met, use, names)

    def _group(self, node: GroupNode | BranchesNode, met: Met, x: Shape) -> Shape:
        made = self.classes.group(self, node, x)
        names = {made.env[k].id: v for k, v in self.env.items() if k in made.env}
        names[made.in_channels.id] = x.channels
        for path, symbol in made.taken.items():
            names[symbol.id] = self.values[path].channels
        use = Use(made, dict(names))
        y = self._used(node, met, use, names)
        for path, shape in made.taps.items():
            channels = self._from(node, shape.channels, {**use.given, **names})
            self.values[path] = shape.with_channels(channels)
        return y

    def _used(
        self, node: BlockNode | GroupNode | BranchesNode, met: Met, use: Use,
        names: Mapping[str, Any],
    ) -> Shape:  # fmt: skip
        """The value behind an instance of another class."""
        made = use.made
        for measured in made.measured.values():
            use.given[measured.symbol.id] = self.measures.handed_on(
                node, measured, self.loops
            )
        met.use = use
        assert made.result is not None
        channels = self._from(node, made.channels, {**use.given, **names})
        y = made.result.with_channels(channels)
        return self._known(node, shapes.settled(y, self.seen.output(node, "body")))

    def _from(self, node: Node, channels: Any, names: Mapping[str, Any]) -> Dim:
        """Channels over the arguments of another class in the terms of this one."""
        if isinstance(channels, Held):
            symbol = self._symbol((node, channels.attribute), channels.attribute)
            self.opaque[symbol.id] = Published(node, channels.attribute)
            self.bound |= {symbol.id}
            return symbol
        if not isinstance(channels, Expr):
            return channels
        return tidy(evaluate(channels, names))

    def own_branches(self, node: BranchesNode, x: Shape) -> Shape:
        """The branches that a class of their own is written for."""
        met = self.met[node] = Met((x,), x=x)
        met.body = self.branches(node, met, x)
        return met.body

    def branches(self, node: BranchesNode, met: Met, x: Shape) -> Shape:
        ends = [self.node(branch, x) for branch in node.branches]
        op = MERGES[node.merge]
        seen = self.seen
        y = shapes.merged(
            op, ends, seen.layers.get(node, ()),
            seen.output(node, "body"),
        )  # fmt: skip
        y = self._known(node, y)
        if op.stacks_channels:
            y = y.with_channels(self.named(y.channels, "channels", met.lets))
        return y


def _step(after: Dim, before: Name, counter: Name) -> Any:
    """What one iteration adds to the channels, where that is always the same."""
    match after:
        case Binary(op="+", left=left, right=right) if left == before:
            if {counter.id, before.id} & names_in(right).keys():
                return None
            return right.value if isinstance(right, Const) else right
        case _:
            return None


MERGES: dict[str, Merge] = {
    name: kind.model_construct()
    for name, kind in OPS.items()
    if issubclass(kind, Merge)
}
