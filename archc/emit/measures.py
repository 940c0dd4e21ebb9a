"""Numbers that no expression gives: those that all instances of a class share, or else
arguments of its constructor. Inside loops there is one for each iteration."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, TypeAlias

from archc.emit.names import identifier
from archc.emit.occurrences import Occurrences
from archc.emit.plan import Measure, Measured
from archc.emit.symbols import Symbols
from archc.network.graph import Layer, Region
from archc.ops.base import Call
from archc.ops.sizes import UNKNOWN, Shape, to_int
from archc.spec.expressions import Const, Index, ListOf, Name, Value, as_expr, is_tuple
from archc.spec.model import Node, OpNode

Loops = tuple[tuple[Node, Name | int], ...]
"""The repetitions around, each with its counter, or with the number of the iteration
where it is written out."""
Values: TypeAlias = "Callable[[Region], set[Measure | None]]"
"""The values inside one instance of a class, or one iteration of its loops."""

_BODIES = ("block", "group", "branches", "share")


class Measures:
    """What one class is told of its instances."""

    def __init__(
        self,
        seen: Occurrences,
        symbols: Symbols,
        found: MutableMapping[object, Measured],
        known: dict[object, Name] | None = None,
    ) -> None:
        self.seen = seen
        self.found = found
        self._symbols = symbols
        self._known: dict[object, Name] = {} if known is None else known

    def fork(self) -> Measures:
        return Measures(self.seen, self._symbols, ChainMap({}, self.found), self._known)

    def ids(self) -> set[str]:
        return {m.symbol.id for m in self.found.values()}

    # ---- what is measured

    def channels_read(self, node: Node, loops: Loops) -> Any:
        """The channels of what a node reads."""

        def values(region: Region) -> set[Measure | None]:
            return {to_int(x.channels) for x in self._inputs(node, region)}

        return self._number((node, "read"), node, loops, values, "in_channels")

    def channels_given(self, node: Node, loops: Loops) -> Any:
        """The channels, or the flattened length, of what an op or a merge gives."""

        def values(region: Region) -> set[Measure | None]:
            made = [layer.output for layer in self._layers(node, region)]
            made += [
                r.output
                for r in self._bodies(node, region)
                if r.kind == "share" or r.given is not None
            ]
            return {to_int(y.shape.channels) for y in made if y.shape is not None}

        return self._number((node, "given"), node, loops, values)

    def channels_merged(self, node: Node, loops: Loops) -> Any:
        """The channels of what a skip gives."""

        def values(region: Region) -> set[Any]:
            return {
                layer.output_shape().channels
                for layer in _merges_of(region)
                if layer.node is node
            }

        return self._number((node, "merged"), node, loops, values)

    def filled(self, node: OpNode, made: Call, loops: Loops) -> Call:
        """A constructor call with numbers for the sizes that nothing says."""

        def fill(value: object, path: tuple[int, ...]) -> Any:
            if value is UNKNOWN:
                return self._argument(node, path, loops)
            if isinstance(value, Call):
                args = tuple(fill(a, (*path, n)) for n, a in enumerate(value.args))
                return Call(value.function, args, value.kwargs)
            if is_tuple(value):
                return tuple(fill(v, (*path, n)) for n, v in enumerate(value))
            return value

        return fill(made, ())

    def _argument(self, node: OpNode, path: tuple[int, ...], loops: Loops) -> Any:
        def values(region: Region) -> set[Measure | None]:
            return {
                _at(layer.op.module(layer.input_shape()), path)
                for layer in self._layers(node, region)
            }

        return self._number((node, path), node, loops, values)

    def handed_on(self, node: Node, measured: Measured, loops: Loops) -> Any:
        """What one instance of another class is given for what it cannot know."""

        def values(region: Region) -> set[Measure | None]:
            return {measured.values(r) for r in self._bodies(node, region)}

        key = (node, measured.symbol.id)
        return self._number(key, node, loops, values)

    # ---- where it is found

    def _layers(self, node: Node, region: Region) -> Iterator[Layer]:
        return (x for x in _layers_of(region) if x.node is node)

    def _bodies(self, node: Node, region: Region) -> Iterator[Region]:
        inside = (r for r in _regions_of(region) if r.kind in _BODIES)
        return (r for r in inside if r.node is node or r.given is node)

    def _inputs(self, node: Node, region: Region) -> Iterator[Shape]:
        for body in self._bodies(node, region):
            if body.input.shape is not None:
                yield body.input.shape
        for layer in self._layers(node, region):
            yield layer.input_shape()

    def _number(
        self, key: object, node: Node, loops: Loops, values: Values, wish: str = ""
    ) -> Any:
        instances = self.seen.instances
        spread = (_spread(region, loops, values) for region in instances)
        everywhere = {value for value in spread if value is not None}
        if not everywhere:
            return 0  # it never happens here, so that nothing says what it would be
        if len(everywhere) == 1:
            value: Value = everywhere.pop()
            if isinstance(value, tuple):
                value = ListOf(value)
        else:
            named = node.name is not None and node.name.fixed
            name = identifier(node.name.text) if node.name and named else "in"
            key = (key, *(at for _, at in loops if isinstance(at, int)))
            if key not in self._known:
                self._known[key] = self._symbols.fresh(wish or f"{name}_features")
            value = self._known[key]
            self.found[key] = Measured(value, lambda r: _spread(r, loops, values))
        for _, counter in loops:
            if isinstance(counter, Name):
                value = Index(as_expr(value), counter)
        return _plain(value)


def _regions_of(region: Region) -> Iterator[Region]:
    """A region and those inside, but for what a share applies once more."""
    stack = [region]
    while stack:
        part = stack.pop()
        yield part
        if part.kind != "share":
            stack.extend(p for p in reversed(part.parts) if isinstance(p, Region))


def _layers_of(region: Region) -> Iterator[Layer]:
    """The layers of these, but for what skips became."""
    for part in _regions_of(region):
        if part.kind not in ("share", "skip"):
            yield from (p for p in part.parts if isinstance(p, Layer))


def _merges_of(region: Region) -> Iterator[Layer]:
    """What skips in it became."""
    for part in _regions_of(region):
        if part.kind == "skip":
            yield from (p for p in part.parts if isinstance(p, Layer))


def _spread(region: Region, loops: Loops, values: Values) -> Measure | None:
    """The value inside a region; a tuple over the iterations of each of the loops."""
    if not loops:
        found = values(region)
        return found.pop() if len(found) == 1 else None
    node, at = loops[0]
    for inner in _regions_of(region):
        if inner.kind == "repeat" and inner.node is node:
            parts = [p for p in inner.parts if isinstance(p, Region)]
            if isinstance(at, int):
                return (
                    _spread(parts[at], loops[1:], values) if at < len(parts) else None
                )
            return tuple(_spread(part, loops[1:], values) or 0 for part in parts)
    return None


def _at(made: Call, path: tuple[int, ...]) -> Any:
    value: Any = made
    for step in path:
        value = value.args[step] if isinstance(value, Call) else value[step]
    return value


def _plain(value: Value) -> Any:
    return value.value if isinstance(value, Const) else value
