"""Names in expressions: whether each is one that its place can see.

A block sees its own parameters only, so this can be told without a number, and in
blocks that nobody uses too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label, Place, Sink
from archc.diagnostics.suggest import meant, nearest
from archc.spec.expressions import Expr, ListOf, RowOf, names_in
from archc.spec.model import (
    Arg,
    Block,
    BlockNode,
    Node,
    OpNode,
    Origin,
    ShareNode,
    Spec,
    Template,
    body_of,
    children,
)

_TRUTHS = frozenset({"true", "false"})
"""What TOML calls by these words is another thing in expressions."""
_CHANNELS = frozenset({"in_channels"})


class NameCheck:
    """Reports each name that nothing defines; `elsewhere` are those of [params].

    `misplaced` are parameters that stand elsewhere by a mistake, which was reported.
    """

    def __init__(
        self, sink: Sink, elsewhere: Collection[str], misplaced: Collection[str]
    ) -> None:
        self.sink = sink
        self.elsewhere = elsewhere
        self.misplaced = misplaced
        self._block: str | None = None
        self._read: set[str] = set()
        self._unknown: dict[str, list[tuple[Place, str]]] = {}

    def network(self, spec: Spec) -> None:
        """The expressions of [params], of the network and of its heads."""
        self._begin(None)
        seen = frozenset(spec.params)
        below = spec.origin.below("params")
        for name, arg in spec.params.items():
            self._value(arg, below.below(name), seen)
        for given in spec.inputs:
            for number, arg in enumerate(given.sizes):
                self._value(arg, given.origin.below(number), seen)
        lets = spec.origin.below("network", "let")
        inside = self._lets(spec.lets, lets, seen | _CHANNELS)
        for node in spec.layers:
            self._node(node, inside)
        for node in spec.slots.values():
            self._node(node, seen | _CHANNELS)
        for head in spec.heads:
            self._node(head.node, inside)
            self._value(
                head.loss_weight, head.origin.below("loss_weight"), inside - _CHANNELS
            )
        declared = {name: below.at(name, part="key") for name in spec.params}
        declared |= {name: lets.at(name, part="key") for name in spec.lets}
        self._report(declared, {})

    def block(self, block: Block, given: Mapping[str, Place]) -> set[str]:
        """The expressions of a block's defaults and body.

        `given` are arguments at its uses that it does not declare. One that the body
        reads is missing in the declaration; it is told once, there, and returned. Where
        the block's own table is wrong, nobody knows what it sees.
        """
        if block.broken:
            return set()
        self._begin(block.name)
        seen = _CHANNELS | frozenset(block.required)
        for name, arg in block.defaults.items():
            origin = block.origin.below("defaults", name)
            self._value(arg, origin, seen, later=block.defaults.keys() - seen)
            seen |= {name}
        for node in body_of(block):
            if node not in block.layers:
                self._node(node, seen)
        lets = block.origin.below("let")
        seen = self._lets(block.lets, lets, seen)
        for node in block.layers:
            self._node(node, seen)
        declared = {
            name: block.origin.at("params", number)
            for number, name in enumerate(block.required)
        }
        for name in block.defaults:
            declared[name] = block.origin.below("defaults").at(name, part="key")
        declared |= {name: lets.at(name, part="key") for name in block.lets}
        undeclared = given.keys() & self._unknown.keys()
        if undeclared:
            # one in its place would be missing at each use, or changes nothing
            undeclared |= declared.keys() - self._read
        self._report(declared, given, block.origin)
        return undeclared

    def _lets(
        self, lets: Mapping[str, Arg], origin: Origin, seen: frozenset[str]
    ) -> frozenset[str]:
        """The expressions of `let`, each of which sees those before it; gives what the
        nodes see."""
        for name, arg in lets.items():
            later = lets.keys() - seen
            self._value(arg, origin.below(name), seen, later=later)
            seen |= {name}
        return seen

    def _begin(self, block: str | None) -> None:
        self._block = block
        self._read = set()
        self._unknown = {}

    def _report(
        self,
        declared: Mapping[str, Place],
        given: Mapping[str, Place],
        origin: Origin | None = None,
    ) -> None:
        unread = [name for name in declared if name not in self._read]
        for name, reads in self._unknown.items():
            near = nearest(name, unread) if self.sink.affords(len(unread)) else None
            if name in given or (near is not None and len(reads) > 1):
                self._misdeclared(name, near, declared, given, origin)
                continue
            for place, help in reads:
                self.sink.error(
                    "unknown-name",
                    f"there is no `{name}` here",
                    place,
                    *([Label(declared[near], "nothing reads this")] if near else []),
                    help=help,
                )

    def _misdeclared(
        self,
        name: str,
        near: str | None,
        declared: Mapping[str, Place],
        given: Mapping[str, Place],
        origin: Origin | None,
    ) -> None:
        """The name is fine wherever it is used; the declaration has it wrong."""
        labels = [
            Label(p, f"`{name}` is read here") for p, _ in self._unknown[name][:3]
        ]
        if name in given:
            labels.append(Label(given[name], "and given here"))
        if near is not None:
            place = declared[near]
            message = f"nothing reads `{near}`, and `{name}` is read but not defined"
            help = Mend(f"did you mean `{name}`?", Edit(name, "name", near))
        else:
            assert origin is not None and self._block is not None
            here = "params" in origin.value()
            place = origin.at("params") if here else origin.at(part="key")
            message = f"block `{self._block}` reads `{name}` but does not declare it"
            help = f"add `{name}` to its `params`, or to its `defaults`"
        self.sink.error("unknown-name", message, place, *labels, help=help)

    def _node(self, node: Node, seen: frozenset[str]) -> None:
        if node.broken and {"repeat", "index"} & node.origin.value().keys():
            return  # nobody knows what the counter is called
        inner = seen if node.repeat is None else seen | {node.index}
        # which value is read decides what `in_channels` is
        names = {
            "around": seen,
            "own": inner,
            "from": seen - _CHANNELS,
            "share": inner - _CHANNELS,
        }
        for arg, origin, sees in written(node):
            self._value(arg, origin, names[sees], counter=node.index)
        for child in children(node):
            # nothing is repeated where something else stands
            self._node(child, seen if child is node.otherwise else inner)
        if isinstance(node, BlockNode):
            for given in node.slots.values():
                self._node(given, inner)

    def _value(
        self,
        arg: Arg,
        origin: Origin,
        seen: frozenset[str],
        *,
        later: Collection[str] = (),
        counter: str = "i",
    ) -> None:
        if isinstance(arg, ListOf):
            for number, item in enumerate(arg.items):
                below = origin.below(number)
                self._value(item, below, seen, later=later, counter=counter)
            return
        if isinstance(arg, RowOf):
            for key, item in zip(arg.fields, arg.items, strict=True):
                below = origin.below(key)
                self._value(item, below, seen, later=later, counter=counter)
            return
        if not isinstance(arg, Expr):
            return
        for name, at in names_in(arg).items():
            if name in seen:
                self._read.add(name)
            elif name not in self.misplaced or self._block is not None:
                help = self._help(name, seen, later, counter, origin)
                alone = name in _TRUTHS and origin.value() == name
                place = origin.at() if alone else origin.at(within=at)
                self._unknown.setdefault(name, []).append((place, help))

    def _help(
        self,
        name: str,
        seen: frozenset[str],
        later: Collection[str],
        counter: str,
        origin: Origin,
    ) -> str:
        if name in later:
            return f"only what stands before is seen: move `{name}` before this one"
        if self._block is not None and name in self.elsewhere:
            return (
                f"a block sees its own parameters only: add `{name}` to the `params` of"
                f" `{self._block}` and give it at each use"
            )
        if name == counter:
            return f"`{name}` counts a `repeat`, and nothing is repeated around this"
        if name in _TRUTHS:
            if origin.value() == name:
                return Mend(f"write {name}, without quotes", Edit(name, "value"))
            return f"in expressions it is {name.capitalize()}, as in Python"
        if origin.path[-1] == "padding" and name.lower() in _PADDINGS:
            return "write the padding in numbers: half the window, rounded down"
        if not self.sink.affords(len(seen)):
            return "look for its definition: is it spelled as here?"
        *_, table, key = (None, *origin.path)
        # what is defined here was not meant by its own definition
        own = {str(key)} if table in ("params", "let", "defaults") else set[str]()
        if near := meant(name, seen - own):
            return near
        if origin.path[-1] == "padding" and (near := meant(name, _PADDINGS)):
            return near
        if not seen - _CHANNELS:
            define = "[params]" if self._block is None else "the block's `params`"
            return f"write a number, or define `{name}` in {define}"
        known = f"known are: {', '.join(sorted(seen)[:20])}"
        if origin.path[-3:-2] == ("params",) and isinstance(key, int):
            return f"{known}; a word in a list has quotes of its own, \"'{name}'\""
        return known


_PADDINGS = ("same", "valid")
"""Words that some ops take for numbers of pixels."""

Sees = Literal["around", "own", "from", "share"]
"""Which names a value sees: those around its node, its node's own counter too, or, for
names of other nodes, these without the channels of what the node reads."""


def written(node: Node) -> Iterator[tuple[Arg, Origin, Sees]]:
    """The values of a node that may be expressions, their places, and what they see."""
    origin = node.origin
    if node.when is not None:
        yield node.when, origin.below("when"), "around"
    if node.repeat is not None:
        yield node.repeat, origin.below("repeat"), "around"
    if node.skip_when is not None:
        yield node.skip_when, origin.below("skip_when"), "own"
    for number, size in enumerate(node.claim or ()):
        yield size, origin.below("shape", number), "around"
    if node.named_by is None:
        for part in _parts(node.name):
            yield part, node.name_origin, "own"
    for number, template in enumerate(node.reads or ()):
        for part in _parts(template):
            yield part, node.read_origin(number), "from"
    if isinstance(node, ShareNode):
        for part in _parts(node.shares):
            yield part, origin.below("share"), "share"
    given: Mapping[str, Arg] = {}
    if isinstance(node, OpNode):
        given = node.attributes
    elif isinstance(node, BlockNode):
        given = node.arguments
    for key, arg in given.items():
        if not isinstance(arg, int | float):
            yield arg, origin.below(key), "own"


def _parts(template: Template | None) -> Iterator[Expr]:
    for part in template.parts if template is not None else ():
        if isinstance(part, Expr):
            yield part
