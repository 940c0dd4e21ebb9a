"""The walk through one class: what each of its nodes reads and gives, on symbols.

A repetition that changes the channels is met with a symbol for what an iteration reads.
What comes of that says whether the channels stay, grow by the same number each time, or
are carried in a local from one iteration to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from archc.emit import shapes
from archc.emit.bodies import Bodies
from archc.emit.occurrences import Occurrences
from archc.emit.plan import Carried, Choice, ClassPlan, Join, Let, Loop, Met, Turn
from archc.emit.terms import Classes
from archc.ops.registry import merge_op
from archc.ops.sizes import UNKNOWN, Dim, Shape
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
from archc.spec.model import Node, Template, alternatives
from archc.spec.templates import may_meet

MAX_CLOSED = 3
"""How many loops deep channels are looked for that need no local."""

Kind = Literal["kept", "stepped", "carried"]
Run = Callable[["Walk", Shape], Shape]


def _passed(walk: Walk, x: Shape) -> Shape:
    """What stands where nothing does."""
    del walk
    return x


class Walk(Bodies):
    """One way through a class. A fork tries something, and is forgotten."""

    def __init__(self, plan: ClassPlan, classes: Classes) -> None:
        super().__init__(plan, classes)
        self.carrying = 0
        """How many of the loops around carry the channels."""
        self.kinds: dict[object, tuple[Kind, Any]] = {}
        self.changing: dict[object, bool] = {}

    def node(self, node: Node, x: Shape) -> Shape:
        reads = (x,)
        if node.reads is not None:
            reads = tuple(self._read(node, n, x) for n in range(len(node.reads)))
        x = reads[0]
        if x.channel_axis is None:
            # behind what never happens, only its reader knows what passes there
            read = self.seen.read(node, 0)
            x = x if read is None or read.channel_axis is None else read
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
                lambda walk, y: walk._otherwise(node, y),
            )  # fmt: skip
        elif met.test:
            met.out = self._repeated(node, met, reads)
        else:
            met.out = self._otherwise(node, x)
        for named in (node, *alternatives(node)):
            if named.repeat is None or (named.name is not None and named.name.fixed):
                self._remember(self.plan.reads.paths.get(named), met.out)
        return met.out

    def _otherwise(self, node: Node, x: Shape) -> Shape:
        """What stands in the place of a node that is left out."""
        return x if node.otherwise is None else self.node(node.otherwise, x)

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
                read = self.seen.read(node, number)
                return self.feature(source.key, read or self._made(source.key) or x)

    def _made(self, key: Template) -> Shape | None:
        """The axes of the latest value so far that may have a computed name."""
        made = [y for path, y in self.values.items() if may_meet(path, key.text)]
        if not made:
            return None
        return Shape((UNKNOWN,) * len(made[-1].dims), made[-1].channel_axis)

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
        other: Run = _passed,
    ) -> tuple[Choice, Shape]:
        """An `if` around what `run` meets; where it is false, `other` is met, or `x`
        passes."""
        named: list[Let] = []
        if self._is_changed(key, x, run, other):
            assert isinstance(x.channels, Expr)
            x = x.with_channels(self.let(x.channels, "in_channels", named))
        first = named[0] if named else None
        bound = self.bound
        y = run(self, x)
        then = self.outward(y.channels, bound)
        self.bound = bound
        z = other(self, x)
        orelse = self.outward(z.channels, bound)
        self.bound = bound
        channels = y.channels
        node, word, _ = key
        occurs = self.seen.skips_past if word == "skip_when" else self.seen.occurs
        if not occurs(node):
            y = z  # nothing says what else it would change
        y = y.with_channels(channels)
        if channels == z.channels:
            return Choice(test, read, first), y
        if then is None or orelse is None or self.carrying:
            symbol = self.symbol((key[0], key[1], "join"), "in_channels")
            self.bound |= {symbol.id}
            join = Join(symbol, channels, z.channels, z.channels == x.channels)
            return Choice(test, read, first, join), y.with_channels(symbol)
        merged: list[Let] = []
        chosen: Any = choose(test, then, orelse)
        chosen = self.named(chosen, "in_channels", merged)
        after = merged[0] if merged else None
        return Choice(test, read, first, None, after), y.with_channels(chosen)

    def _is_changed(
        self, key: tuple[Node, str, Shape], x: Shape, run: Run, other: Run
    ) -> bool:
        """Whether to name the carried channels before an `if` that changes them."""
        if not self.carrying:
            return False
        if not isinstance(x.channels, Expr) or isinstance(x.channels, Name):
            return False
        known = (key, self.turns())
        if known not in self.changing:
            self.changing[known] = any(
                made(self.fork(), x).channels != x.channels for made in (run, other)
            )
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

        counter = self.symbol((node, "counter"), node.index, natural=True)
        self.loops = (*self.loops, (node, counter))
        bound = self.bound
        self.bound |= {counter.id}
        with self.plan.reads.counting(self.env, node, counter):
            carried, y = self._loop(node, x, count, counter, run)
        self.loops = self.loops[:-1]
        self.bound = bound
        if carried is not None:
            self.bound |= {carried.symbol.id, carried.after.id}
        met.loop = Loop(counter, count, x, carried)
        y = shapes.settled(y, self.seen.output(node, "all"))
        if y.channels is UNKNOWN and not self.seen.iterations(node):
            return y.with_channels(x.channels)  # nothing says what else it would give
        return y

    def _written_out(self, node: Node, met: Met, reads: tuple[Shape, ...]) -> Shape:
        """A repetition whose iterations differ in their axes: each by itself."""
        met.turns = []
        around = self.met, self.seen, self.loops
        x = reads[0]
        for number, regions in enumerate(self.seen.iterations(node)):
            turn = Turn(number, Occurrences(regions, self.seen.variants))
            met.turns.append(turn)
            own = turn.met[node] = Met((x, *reads[1:]))
            self.met, self.seen = turn.met, turn.seen
            self.loops = (*around[2], (node, number))
            paths = self.plan.reads
            with paths.counting(self.env, node, number):
                x = own.once = self._once(node, own, (x, *reads[1:]))
            path = (paths.members if node in paths.members else paths.paths).get(node)
            self._remember(path, x)
        self.met, self.seen, self.loops = around
        return x

    def _loop(
        self, node: Node, x: Shape, count: Dim, counter: Name, run: Run
    ) -> tuple[Carried | None, Shape]:
        """Meets a loop's body; gives what carries the channels, and what it gives."""
        symbol = self.symbol((node, "carried"), "in_channels")
        kind, step = self._kind(node, x, counter, symbol, run)
        if kind == "kept":
            y = run(self, self._inside(node, x))
            return None, y.with_channels(x.channels)
        if kind == "stepped":
            inside = x.with_channels(x.channels + counter * step)
            y = run(self, self._inside(node, inside))
            return None, y.with_channels(x.channels + count * step)
        self.bound |= {symbol.id}
        self.carrying += 1
        y = run(self, self._inside(node, x.with_channels(symbol)))
        self.carrying -= 1
        after = self.symbol((node, "after"), "in_channels")
        self.plan.aliases[after.id] = symbol
        last = self.outward(y.channels, frozenset({counter.id}))
        if last is not None and self.seen.is_repeated(node):
            names: dict[str, Any] = {n.id: n for n in names_of(last)}
            names[counter.id] = count - 1
            lasting: Any = evaluate(as_expr(last), names)
            self.lasting[after.id] = lasting
        carried = Carried(symbol, x.channels, y.channels, after)
        return carried, y.with_channels(after)

    def _inside(self, node: Node, x: Shape) -> Shape:
        """What an iteration reads: sizes that the iterations share."""
        inside = shapes.settled(x, self.seen.iteration(node))
        if inside.channels is UNKNOWN:
            return inside.with_channels(x.channels)
        return inside

    def _kind(
        self, node: Node, x: Shape, counter: Name, symbol: Name, run: Run
    ) -> tuple[Kind, Any]:
        """Whether the channels stay, grow by a step, or have to be carried."""
        if len(self.loops) - len(self.turns()) > MAX_CLOSED:
            return "carried", None
        key = (node, x, self.carrying > 0, self.turns())
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
        met.lets, met.merged, met.skip_choice = [], None, None
        if node.skip is None:
            met.body = self.body(node, met, reads)
            return met.body
        met.skip = True if node.skip_when is None else self.decided(node.skip_when, x)
        met.body = self.body(node, met, reads)
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
            side = self.node(node.shortcut, x)
        op = merge_op(node.skip or "add")
        order = (body, side) if op.commutative else (side, body)
        seen = self.seen
        y = shapes.merged(
            op, order, seen.merges.get(node, ()),
            seen.output(node, "once"),
        )  # fmt: skip
        if y.channels is UNKNOWN:
            y = y.with_channels(self.measures.channels_merged(node, self.loops))
        if op.stacks_channels:
            lets: list[Let] = []
            y = y.with_channels(self.named(y.channels, "in_channels", lets))
            met.merged = lets[0] if lets else None
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
