"""Constructor calls: the module of an op, of a block's instance, of a named group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from archc.emit.builder import Builder
from archc.emit.chains import is_chain
from archc.emit.conditions import opposite
from archc.emit.names import identifier, is_name, singular, snake_case
from archc.emit.placing import put, scattered
from archc.emit.plan import Choice, Held, Loop, Met, Turn, slot_key
from archc.emit.tree import SELF, Assign, Evaluate, For, If, Statement
from archc.network.scope import Style, is_counted, style_of
from archc.ops import code
from archc.ops.base import Call
from archc.ops.code import Apply, Argument, Attribute, Global, Local, Text
from archc.ops.to import DEVICES
from archc.spec.expressions import Expr
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    SlotNode,
    Template,
)

SEQUENTIAL = Global("nn.Sequential")
IDENTITY = code.call(Global("nn.Identity"))


def child_module(builder: Builder, node: Node, target: Expr | str) -> Expr:
    """One module for a node's body, where the node lives.

    `target` is the attribute that it will be, or what a local for it would be called.
    """
    made, placing = put(node, _module(builder, node, target), builder.program.spec)
    builder.init += placing
    return made


def _module(builder: Builder, node: Node, target: Expr | str) -> Expr:
    match node:
        case OpNode():
            return op_module(builder, node)
        case SlotNode():
            return slot_module(builder, node)
        case GroupNode() if is_chain(builder.plan.reads, node.layers):
            return sequential(builder, node.layers, target)
        case BlockNode() | GroupNode() | BranchesNode():
            return instance(builder, node, target)
        case _:
            raise TypeError(node)


def op_module(builder: Builder, node: OpNode) -> Expr:
    """The module of an op."""
    met = builder.met[node]
    made = met.module
    assert made is not None
    builder.let(met.lets)
    if (helper := node.op.helper_of(made.function)) is not None:
        builder.program.helpers[made.function] = helper
    return builder.tree(in_place(builder, node, made))


def slot_module(builder: Builder, node: SlotNode) -> Expr:
    """The module of what is in a slot."""
    met = builder.met[node]
    assert met.x is not None
    called = builder.tree(builder.plan.env[slot_key(node.slot)])
    told = builder.program.convention(builder.plan.slots[node.slot]).told
    return code.call(called, *([builder.tree(met.x.channels)] if told else []))


def in_place(builder: Builder, node: OpNode, made: Call) -> Call:
    if node not in builder.program.inplace:
        return made
    return Call(made.function, made.args, {**made.kwargs, "inplace": True})


def instance(
    builder: Builder, node: BlockNode | GroupNode | BranchesNode, target: Expr | str
) -> Expr:
    """The constructor call of one of the module's own classes."""
    use = builder.met[node].use
    assert use is not None
    made = builder.program.lowered(use.made)
    called = made.call(use.given, builder)
    if scattered(use.made, builder.program.spec):
        devices = Argument(Attribute(SELF, DEVICES), DEVICES)
        called = replace(called, arguments=(*called.arguments, devices))
    held = (use.made.channels, *(s.channels for s in use.made.taps.values()))
    if not any(isinstance(channels, Held) for channels in held):
        return called
    # its attributes are read: by the attribute that it surely is, or by a local
    if isinstance(target, Expr) and not builder.depth:
        builder.instance_of[node, builder.turns] = target
        return called
    stem = snake_case(node.block) if isinstance(node, BlockNode) else "group"
    if node.name is not None:
        stem = stem_of(node.name, stem)
    local = builder.local(stem)
    builder.init.append(Assign((local,), called))
    builder.instance_of[node, builder.turns] = local
    return local


# ------------------------------------------------------------------ loops, conditions


def choice(
    builder: Builder,
    made: Choice,
    run: Callable[[], object],
    other: Callable[[], object] | None = None,
    stated: Callable[[], tuple[Expr, Assign | None]] | None = None,
) -> None:
    """An `if` around what `run` writes, and an `else` around what `other` does.

    Where that is in `forward` as well, `stated` gives the condition there, and what
    sets the attribute that it reads.
    """
    builder.let((made.named,))
    join = made.join
    with builder.nested() as (init, forward):
        run()
        if join is not None:
            builder.assign(join.symbol, join.then)
    with builder.nested() as (init_else, forward_else):
        if other is not None:
            other()
        early = join is not None and join.passed and not init_else
        if join is not None and not early:
            builder.assign(join.symbol, join.orelse)
    header = builder.tree(made.test)
    if forward or forward_else:
        assert stated is not None
        test, setting = stated()
        if setting is not None:
            builder.init.append(setting)
            header = test
        builder.forward.append(branched(test, forward, forward_else))
    if join is not None and early:
        builder.assign(join.symbol, join.orelse)
    if init or init_else:
        builder.init.append(branched(header, init, init_else))
    builder.let((made.merged,))


def branched(test: Expr, body: Sequence[Statement], orelse: Sequence[Statement]) -> If:
    """An `if` that has something to do where its test is true."""
    if body:
        return If(test, tuple(body), tuple(orelse))
    return If(opposite(test), tuple(orelse))


def turns(
    builder: Builder, node: Node, made: Sequence[Turn], run: Callable[[int], object]
) -> None:
    """Iterations that are written out, each by itself."""
    around = builder.met, builder.seen, builder.turns
    for turn in made:
        builder.met, builder.seen = turn.met, turn.seen
        builder.turns = (*around[2], turn.number)
        with builder.plan.reads.counting(builder.env, node, turn.number):
            run(turn.number)
    builder.met, builder.seen, builder.turns = around


def loop(
    builder: Builder, node: Node, made: Loop, run: Callable[[], object]
) -> list[Statement]:
    """A `for` in the constructor around what `run` writes; gives what is to stand in
    one of `forward`."""
    if made.carried is not None:
        builder.assign(made.carried.symbol, made.carried.start)
    builder.loops = (*builder.loops, made.counter)
    counting = builder.plan.reads.counting(builder.env, node, made.counter)
    with counting, builder.nested() as (init, forward):
        run()
        if made.carried is not None:
            builder.assign(made.carried.symbol, made.carried.following)
    builder.loops = builder.loops[:-1]
    if init:
        over = code.call(Global("range"), builder.tree(made.count))
        builder.init.append(For((Local(made.counter.id),), over, tuple(init)))
    return forward


def repeated(
    builder: Builder, node: Node, met: Met, run: Callable[[], object]
) -> list[Statement]:
    """A loop, or its iterations one after the other."""
    if met.turns is not None:
        turns(builder, node, met.turns, lambda _: run())
        return []
    assert met.loop is not None
    return loop(builder, node, met.loop, run)


# ---------------------------------------------------------------------- nn.Sequential


def sequential(builder: Builder, nodes: Sequence[Node], target: Expr | str) -> Expr:
    """An nn.Sequential of the nodes.

    It is one expression where it can be; where loops or conditions fill it, statements
    that do so are written first, and the expression is the attribute or a local.
    """
    style = "numbered" if is_counted(nodes) else style_of(nodes)
    chain = Chain(builder, style, target)
    chain.add(nodes)
    return chain.made()


class Chain:
    """An nn.Sequential being filled: first as one call, then by statements."""

    def __init__(
        self,
        builder: Builder,
        style: Style,
        target: Expr | str,
        head: Expr = SEQUENTIAL,
    ) -> None:
        self.builder = builder
        self.style = style
        self.head = head
        self.items: list[Argument] = []
        self._target = target
        self.container: Expr | None = None
        """Where the container is once it exists, so that statements add children."""
        self._comments = builder.plan.kind == "network"

    def made(self) -> Expr:
        return self._call() if self.container is None else self.container

    def _call(self) -> Apply:
        items = tuple(self.items)
        if self.style == "named" and items:
            items = (Argument(Apply(Global("OrderedDict"), _with_keys(items))),)
        return Apply(self.head, items)

    def start(self) -> Expr:
        """Creates the container with what it holds so far."""
        if self.container is None:
            target = self._target
            if isinstance(target, str):
                target = self.builder.local(target)
            made = self._call()
            statement = Assign((target,), made)
            # a class that is a container itself makes it by its own constructor
            self.builder.init.append(Evaluate(made) if target == SELF else statement)
            self.container = target
        return self.container

    def add(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self._node(node)

    def _node(self, node: Node) -> None:
        met = self.builder.met[node]
        other = () if node.otherwise is None else (node.otherwise,)
        if met.choice is not None:
            self.start()
            choice(
                self.builder, met.choice,
                lambda: self._repeated(node, met), lambda: self.add(other),
            )  # fmt: skip
        elif met.test:
            self._repeated(node, met)
        else:
            self.add(other)

    def _repeated(self, node: Node, met: Met) -> None:
        if not met.repeats:
            self._once(node)
        elif node.name is not None and node.name.fixed:
            made = repetition(self.builder, node, node.name.text)
            self._child(node, made, None)
        else:
            self.start()
            repeated(self.builder, node, met, lambda: self._once(node))

    def _once(self, node: Node) -> None:
        if isinstance(node, GroupNode) and node.name is None:
            self.add(node.layers)
            return
        stem = "block" if node.name is None else stem_of(node.name, "group")
        made = child_module(self.builder, node, stem)
        self._child(node, made, self._comment(node, made))

    def _comment(self, node: Node, made: Expr) -> str | None:
        """The shape behind a child, where it is new and one."""
        met = self.builder.met[node]
        if (
            not self._comments
            or self.builder.loops
            or met.x is None
            or met.body is None
        ):
            return None
        if met.body.dims == met.reads[0].dims:
            return None
        comment = self.builder.seen.comment(node, "body")
        return None if comment == _last_comment(made) else comment

    def _child(self, node: Node, made: Expr, comment: str | None) -> None:
        builder = self.builder
        name: Expr | None = None
        if node.name is not None and self.style == "named":
            name = builder.name(node.name, builder.met[node].reads[0])
        if name is not None and not isinstance(name, Text):
            self.start()
        if self.container is None:
            label = name.value if isinstance(name, Text) else None
            self.items.append(Argument(made, label, comment))
        elif name is None:
            builder.invoke(self.container, "append", made, comment=comment)
        else:
            builder.invoke(self.container, "add_module", name, made, comment=comment)


def _with_keys(items: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Arguments of an OrderedDict: by keyword, or as pairs where a name is none."""
    if all(item.name is None or is_name(item.name) for item in items):
        return items
    pairs = (code.Sequence((Text(i.name or ""), i.value), "()") for i in items)
    comments = tuple(i.comment for i in items)
    listed = code.Sequence(tuple(pairs), "[]", comments if any(comments) else ())
    return (Argument(listed),)


def _last_comment(made: Expr) -> str | None:
    """What is said behind the last child of a container."""
    while isinstance(made, Apply) and made.arguments:
        last = made.arguments[-1]
        if last.comment is not None:
            return last.comment
        made = last.value
    return None


def repetition(builder: Builder, node: Node, target: Expr | str) -> Expr:
    """The nn.Sequential of a named repetition: children 0, 1, 2, ..."""
    if isinstance(target, str):
        container: Expr = builder.local(identifier(target))
    else:
        container = target
    builder.init.append(Assign((container,), code.call(SEQUENTIAL)))

    def once() -> None:
        builder.invoke(container, "append", child_module(builder, node, "block"))

    repeated(builder, node, builder.met[node], once)
    return container


def stem_of(name: Template, fallback: str) -> str:
    """What to call a module in the constructor: `layer` for layer{i + 1}."""
    first = name.parts[0]
    stem = first.rstrip("_") if isinstance(first, str) else ""
    scope, dot, own = stem.rpartition(".")
    if dot and not own.isidentifier():
        # one of a list: a `conv` of `convs`
        names = [part for part in scope.split(".") if part.isidentifier()]
        own = singular(names[-1]) or names[-1] if names else ""
    stem = own.rstrip("-_ ")
    return stem if stem.isidentifier() else fallback
