"""Words: which parameters take them, and whether those that are given are meant.

A parameter takes words if what reads it does: an expression compares it with one, an
attribute has it in braces, or it is handed on to a parameter that takes words. A text
for it that is one name, and names nothing there, is a word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archc.diagnostics.model import Label, Place, Sink
from archc.diagnostics.suggest import meant, nearest
from archc.spec.expressions import (
    Compare,
    Const,
    Expr,
    Field,
    IfExp,
    Index,
    ListOf,
    Name,
    RowOf,
    Slice,
    is_tuple,
    row_of,
)
from archc.spec.model import (
    Arg,
    Block,
    BlockNode,
    Node,
    OpNode,
    Origin,
    Spec,
    body_of,
    walk_given,
)
from archc.spec.names import written
from archc.spec.op_nodes import takes_text

Parameter = tuple[str | None, str]
"""Of a block, or of the network, by name."""


@dataclass(slots=True)
class _Asked:
    """What a parameter is held to."""

    compared: dict[str, Place] = field(default_factory=dict[str, Place])
    """The words that expressions compare it with, and where."""
    by_attribute: bool = False
    """Whether an attribute takes it, which knows its own words."""
    handed: set[Parameter] = field(default_factory=set[Parameter])

    def __bool__(self) -> bool:
        return bool(self.compared) or self.by_attribute


class Words:
    """The words of a spec; those without quotes become words where they are given."""

    def __init__(self, spec: Spec | None, blocks: Mapping[str, Block]) -> None:
        self._spec = spec
        self._blocks = {n: b for n, b in blocks.items() if not b.broken}
        self._asked: dict[Parameter, _Asked] = {}
        for scope, nodes in self._bodies():
            for node in nodes:
                self._read(scope, node)
        for block in self._blocks.values():
            for key, arg in block.defaults.items():
                origin = block.origin.below("defaults", key)
                self._compared(block.name, arg, origin)
        for scope, lets, origin in self._lets():
            for key, arg in lets.items():
                self._compared(scope, arg, origin.below(key))
                self._handed(scope, arg, (scope, key))
        self._whole: dict[Parameter, _Asked] = {}

    def settle(self, sink: Sink) -> None:
        """Makes words of the names that are meant so, and reports misspelt ones."""
        if self._spec is not None:
            below = self._spec.origin.below("params")
            self._table(self._spec.params, None, below, self._spec.params, sink)
        for block in self._blocks.values():
            seen = {*block.parameters, "in_channels"}
            below = block.origin.below("defaults")
            self._table(block.defaults, block.name, below, seen, sink)
        for scope, lets, origin in self._lets():
            seen = {*self._parameters(scope), "in_channels"}
            self._table(lets, scope, origin, seen, sink)
        for scope, nodes in self._bodies():
            seen = {*self._parameters(scope), "in_channels"}
            seen |= {n.index for n in nodes if n.repeat is not None}
            for node in nodes:
                if isinstance(node, BlockNode):
                    given = node.arguments
                    self._table(given, node.block, node.origin, seen, sink, use=True)

    def _bodies(self) -> Iterator[tuple[str | None, list[Node]]]:
        if self._spec is not None:
            heads = tuple(head.node for head in self._spec.heads)
            slots = self._spec.slots.values()
            yield None, list(walk_given((*self._spec.layers, *heads, *slots)))
        for block in self._blocks.values():
            yield block.name, list(walk_given(body_of(block)))

    def _parameters(self, scope: str | None) -> Collection[str]:
        if scope is not None:
            block = self._blocks[scope]
            return (*block.parameters, *block.lets)
        return () if self._spec is None else (*self._spec.params, *self._spec.lets)

    # ---- what is asked

    def _read(self, scope: str | None, node: Node) -> None:
        for arg, origin, _ in written(node):
            self._compared(scope, arg, origin)
        if isinstance(node, OpNode):
            for key, arg in node.attributes.items():
                for name in _passed(arg) if takes_text(node.op, key, "same") else ():
                    self._of((scope, name)).by_attribute = True
        elif isinstance(node, BlockNode):
            for key, arg in node.arguments.items():
                self._handed(scope, arg, (node.block, key))

    def _handed(self, scope: str | None, arg: Arg, to: Parameter) -> None:
        """Notes that what a parameter has is another one's value."""
        names = [*_passed(arg), _root(arg)]
        for name in names:
            if name is not None and (scope, name) != to:
                self._of((scope, name)).handed.add(to)

    def _lets(self) -> Iterator[tuple[str | None, dict[str, Arg], Origin]]:
        """What is computed in each body."""
        if self._spec is not None:
            yield None, self._spec.lets, self._spec.origin.below("network", "let")
        for block in self._blocks.values():
            yield block.name, block.lets, block.origin.below("let")

    def _of(self, parameter: Parameter) -> _Asked:
        return self._asked.setdefault(parameter, _Asked())

    def _compared(self, scope: str | None, arg: Arg, origin: Origin) -> None:
        for made in _comparisons(arg):
            pairs = zip(made.ops, made.operands, made.operands[1:], strict=False)
            for op, one, other in pairs:
                sides = [(one, other)] if op in ("==", "!=", "in", "not in") else []
                sides += [(other, one)] if op in ("==", "!=") else []
                for name, words in sides:
                    asked = _parameter(name)
                    if asked and ("in" in op) == isinstance(words, ListOf):
                        known = self._of((scope, asked)).compared
                        for word in _words(words):
                            known.setdefault(word, origin.at())

    def _total(self, parameter: Parameter) -> _Asked:
        """What a parameter is held to, where it is handed on too."""
        if parameter not in self._whole:
            total = self._whole[parameter] = _Asked()
            own = self._asked.get(parameter, _Asked())
            handed = {*own.handed, *self._rows(parameter)}
            parts = [own, *(self._total(p) for p in sorted(handed, key=str))]
            for part in parts:
                total.compared = part.compared | total.compared
                total.by_attribute |= part.by_attribute
        return self._whole[parameter]

    def _rows(self, parameter: Parameter) -> Iterator[Parameter]:
        """Where a field of a parameter goes: with the rows, which are handed on."""
        scope, name = parameter
        table, dot, field_ = name.partition(".")
        whole = self._asked.get((scope, table))
        for block, key in whole.handed if dot and whole is not None else ():
            yield block, f"{key}.{field_}"

    # ---- what is given

    def _table(
        self,
        table: dict[str, Arg],
        scope: str | None,
        origin: Origin,
        seen: Collection[str],
        sink: Sink,
        *,
        use: bool = False,
    ) -> None:
        for key, arg in table.items():
            asked = self._total((scope, key))
            if isinstance(arg, ListOf):
                table[key] = self._list(
                    arg, (scope, key), origin.below(key), seen, sink
                )
                continue
            if isinstance(arg, Name) and arg.id not in seen and asked:
                arg = Const(arg.id)
            if not isinstance(arg, Const) or not isinstance(arg.value, str):
                continue
            table[key] = arg.value
            known = dict(asked.compared)
            if use and scope in self._blocks:
                below = self._blocks[scope].origin.below("defaults")
                default = self._blocks[scope].defaults.get(key)
                for word in _words(default):
                    known.setdefault(word, below.at(key))
            if arg.value not in known and not asked.by_attribute:
                own = key.rpartition(".")[2]
                _misspelt(own, arg.value, known, origin.at(own), sink)

    def _list(
        self,
        listed: ListOf,
        parameter: Parameter,
        origin: Origin,
        seen: Collection[str],
        sink: Sink,
    ) -> Arg:
        """A list whose rows have the words that are meant in them."""
        scope, key = parameter
        found: list[Any] = []
        for number, item in enumerate(listed.items):
            if isinstance(item, RowOf):
                names = (f"{key}.{name}" for name in item.fields)
                fields: dict[str, Any] = dict(zip(names, item.items, strict=True))
                self._table(fields, scope, origin.below(number), seen, sink)
                item = row_of(item.fields, tuple(fields.values()))
            found.append(item)
        symbolic = any(isinstance(item, Expr) for item in found)
        return ListOf(tuple(found)) if symbolic else tuple(found)


def _misspelt(
    key: str, word: str, known: Mapping[str, Place], place: Place, sink: Sink
) -> None:
    help = meant(word, known, "'") if sink.affords(len(known)) else None
    if help is None:
        return  # any other word is what is meant by the other case
    near = nearest(word, known) or word
    sink.error(
        "unknown-word",
        f"nothing compares `{key}` with '{word}', but with {_listed(known)}",
        place,
        Label(known[near], f"'{near}' stands here"),
        help=help,
    )


def _passed(value: object) -> Iterator[str]:
    """The parameters of which one may be what an expression gives."""
    match value:
        case Name() | Field():
            name = _parameter(value)
            if name is not None:
                yield name
        case IfExp(body=body, orelse=orelse):
            yield from _passed(body)
            yield from _passed(orelse)
        case _:
            pass


def _parameter(value: object) -> str | None:
    """The parameter that a value is, or a field of its rows: `stages.kind`."""
    match value:
        case Name(id=name):
            return name
        case Field(value=inner, name=name):
            root = _root(inner)
            return None if root is None else f"{root}.{name}"
        case _:
            return None


def _root(value: object) -> str | None:
    """The list that a value is taken from."""
    while isinstance(value, Index | Slice):
        value = value.value
    return value.id if isinstance(value, Name) else None


def _listed(words: Collection[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[1:] else quoted)


def _words(value: object) -> Iterator[str]:
    """A word, or those of a list."""
    match value:
        case str():
            yield value
        case Const(value=inner) | ListOf(items=inner):
            yield from _words(inner)
        case _ if is_tuple(value):
            for item in value:
                yield from _words(item)
        case _:
            pass


def _comparisons(value: object) -> Iterator[Compare]:
    if isinstance(value, Compare):
        yield value
    if is_tuple(value):
        for item in value:
            yield from _comparisons(item)
    elif isinstance(value, Expr):
        for slot in value.__slots__:
            yield from _comparisons(getattr(value, slot))
