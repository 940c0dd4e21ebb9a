"""Names in expressions: whether each is one that its place can see.

A block sees its own parameters only, so this can be told without a number, and in blocks
that nobody uses too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from archc.diagnostics.model import Sink
from archc.diagnostics.suggest import did_you_mean
from archc.spec.expressions import Expr, ListOf, names_in
from archc.spec.model import (
    Arg,
    Block,
    BlockNode,
    Node,
    OpNode,
    Origin,
    Spec,
    Template,
    children,
)

_CHANNELS = frozenset({"in_channels"})


class NameCheck:
    """Reports every name that nothing defines. `elsewhere` are the names of [params]."""

    def __init__(self, sink: Sink, elsewhere: Collection[str]) -> None:
        self.sink = sink
        self.elsewhere = elsewhere

    def network(self, spec: Spec) -> None:
        """The expressions of [params], of the network's input and body, and of heads."""
        seen = frozenset(spec.params)
        for name, arg in spec.params.items():
            self._value(arg, spec.origin.below("params", name), seen)
        below = spec.origin.below("network", "input")
        for number, arg in enumerate(spec.input):
            self._value(arg, below.below(number), seen)
        for node in spec.layers:
            self._node(node, seen | _CHANNELS)
        for head in spec.heads:
            self._node(head.node, seen | _CHANNELS)
            self._value(head.loss_weight, head.origin.below("loss_weight"), seen)

    def block(self, block: Block) -> None:
        """The expressions of a block's defaults and body.

        Where the block's own table is wrong, nobody knows what it sees.
        """
        if block.broken:
            return
        seen = _CHANNELS | frozenset(block.required)
        for name, arg in block.defaults.items():
            origin = block.origin.below("defaults", name)
            self._value(arg, origin, seen, later=block.defaults.keys() - seen)
            seen |= {name}
        for node in block.layers:
            self._node(node, seen, block.name)

    def _node(self, node: Node, seen: frozenset[str], block: str | None = None) -> None:
        if node.broken and {"repeat", "index"} & node.origin.value().keys():
            return  # nobody knows what the counter is called
        inner = seen if node.repeat is None else seen | {node.index}
        for arg, origin, own in written(node):
            visible = inner if own else seen
            self._value(arg, origin, visible, block=block, counter=node.index)
        for child in children(node):
            self._node(child, inner, block)

    def _value(
        self,
        arg: Arg,
        origin: Origin,
        seen: frozenset[str],
        *,
        block: str | None = None,
        later: Collection[str] = (),
        counter: str = "i",
    ) -> None:
        if isinstance(arg, ListOf):
            for number, item in enumerate(arg.items):
                self._value(
                    item, origin.below(number), seen,
                    block=block, later=later, counter=counter,
                )  # fmt: skip
            return
        if not isinstance(arg, Expr):
            return
        for name, at in names_in(arg).items():
            if name not in seen:
                self.sink.error(
                    "unknown-name",
                    f"there is no `{name}` here",
                    origin.at(within=at),
                    help=self._help(name, seen, block, later, counter),
                )

    def _help(
        self,
        name: str,
        seen: frozenset[str],
        block: str | None,
        later: Collection[str],
        counter: str,
    ) -> str:
        if name in later:
            return f"a default sees only those before it: move `{name}` before this one"
        if block is not None and name in self.elsewhere:
            return (
                f"a block sees its own parameters only: add `{name}` to the `params` of"
                f" `{block}` and give it at each use"
            )
        if name == counter:
            return f"`{name}` counts a `repeat`, and nothing is repeated around this"
        near = did_you_mean(name, seen)
        if near is None:
            return "nothing has a name here: write a number"
        return near


def written(node: Node) -> Iterator[tuple[Arg, Origin, bool]]:
    """The values of a node, where each stands, and if it sees the node's own counter."""
    origin = node.origin
    yield node.when, origin.below("when"), False
    yield node.repeat, origin.below("repeat"), False
    yield node.skip_when, origin.below("skip_when"), True
    for number, size in enumerate(node.claim or ()):
        yield size, origin.below("shape", number), False
    yield from ((part, origin.below("name"), True) for part in _parts(node.name))
    for number, template in enumerate(node.reads or ()):
        place = node.read_origin(number)
        yield from ((part, place, False) for part in _parts(template))
    given: Mapping[str, Arg] = {}
    if isinstance(node, OpNode):
        given = node.attributes
    elif isinstance(node, BlockNode):
        given = node.arguments
    for key, arg in given.items():
        yield arg, origin.below(key), True


def _parts(template: Template | None) -> Iterator[Expr]:
    for part in template.parts if template is not None else ():
        if isinstance(part, Expr):
            yield part
