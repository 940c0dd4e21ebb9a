"""What is written in a spec as values: expressions evaluated, and held to their use."""

from __future__ import annotations

from typing import Any

from archc.diagnostics.model import Sink
from archc.network.frame import Frame, blame
from archc.network.graph import Claim, Value
from archc.network.size import MAX_NODES
from archc.ops.attributes import items, plain
from archc.ops.sizes import Shape
from archc.source.folding import folded
from archc.spec.expressions import (
    Expr,
    ExpressionError,
    Known,
    ListOf,
    Row,
    RowOf,
    Silenced,
    UnknownName,
    evaluate,
)
from archc.spec.model import Arg, Node, Origin, Template


class Arguments:
    """Evaluates what nodes say; a mistake is reported and raises Silenced."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._told: set[str] = set()
        """What need not be said again."""

    def value(self, arg: Arg, names: dict[str, Known], origin: Origin) -> Any:
        """An argument's value."""
        if not isinstance(arg, Expr):
            return arg
        if isinstance(arg, ListOf):
            return tuple(
                self.value(item, names, origin.below(number))
                for number, item in enumerate(arg.items)
            )
        if isinstance(arg, RowOf):
            values = tuple(
                self.value(item, names, origin.below(name))
                for name, item in zip(arg.fields, arg.items, strict=True)
            )
            return Row(arg.fields, values)
        try:
            return evaluate(arg, names)
        except UnknownName:
            pass  # that was reported before anything was evaluated
        except ExpressionError as error:
            if error.message not in self._told:
                self.sink.error(
                    error.code, error.message, origin.at(within=error.at),
                    help=error.help,
                )  # fmt: skip
            if error.known:
                self._told.add(error.message)
        raise Silenced

    def truth(self, node: Node, key: str, arg: Arg, frame: Frame) -> bool:
        """Whether a condition holds."""
        value = self.value(arg, frame.names, node.origin.below(key))
        if isinstance(value, bool | int | float):
            return bool(value)
        self.blame("wrong-type", f"`{key}` must be true or false, not {plain(value)}",
                   node, key, arg, frame)  # fmt: skip
        raise Silenced

    def repeats(self, node: Node, frame: Frame) -> int:
        """How many times a node comes in a row."""
        value = self.value(node.repeat, frame.names, node.origin.below("repeat"))
        help = None
        if isinstance(value, bool) or not isinstance(value, int):
            problem = f"`repeat` must be a whole number, not {plain(value)}"
            code = "wrong-type"
            parts = items(value)
            if parts:
                written = node.origin.value()["repeat"]
                help = (
                    f"write {len(parts)} nodes, one for each stage:"
                    f' repeat = "{written}[0]" on the first, and so on'
                )
        elif value < 0:
            code, problem = "bad-value", f"`repeat` must be at least 0, not {value}"
        elif value > MAX_NODES:
            code = "network-too-large"
            problem = (
                f"`repeat` is {value:,}; a network has at most {MAX_NODES:,} nodes"
            )
        else:
            return value
        self.blame(code, problem, node, "repeat", node.repeat, frame, help)
        raise Silenced

    def blame(
        self,
        code: str,
        message: str,
        node: Node,
        key: str,
        arg: Arg,
        frame: Frame,
        help: str | None = None,
    ) -> None:
        """Reports a wrong value where it was written, which may be a block's use."""
        place, labels = blame(
            frame, frame.bindings, frame.names, node.origin.below(key), arg
        )
        self.sink.error(code, message, place, *labels, help=help)

    def text(self, template: Template, origin: Origin, frame: Frame) -> str | None:
        """A name with what its braces give; None where that is unknown."""
        if template.fixed:
            return template.text
        try:
            parts = [
                part if isinstance(part, str) else self._filled(part, origin, frame)
                for part in template.parts
            ]
        except Silenced:
            return None
        return folded("".join(parts))

    def _filled(self, part: Expr, origin: Origin, frame: Frame) -> str:
        """What stands in place of a name's braces."""
        value = self.value(part, frame.names, origin)
        if not isinstance(value, int | float):
            self.sink.error(
                "wrong-type",
                f"the braces of a name hold a number, not {plain(value)}",
                origin.at(),
                help="choose between nodes by `when` and `otherwise`"
                if isinstance(value, str)
                else None,
            )
            raise Silenced
        return str(value)

    def claim(self, node: Node, y: Value, frame: Frame, claims: list[Claim]) -> Value:
        """Notes the claim of a node, and gives its value.

        Where a mistake made that unknown, the claim stands in for it, so that what
        follows is looked at as well.
        """
        if node.claim is None:
            return y
        try:
            origin = node.origin.below("shape")
            stated = tuple(
                self.value(arg, frame.names, origin.below(i))
                for i, arg in enumerate(node.claim)
            )
        except Silenced:
            return y
        for number, size in enumerate(stated):
            if type(size) is not int:
                self.sink.error(
                    "wrong-type",
                    f"a size in `shape` must be a whole number, not {plain(size)}",
                    origin.at(number),
                    help="shape = [channels, height, width], without the batch",
                )
                return y
        if y.shape is not None:
            claims.append(Claim(stated, y.shape, node.origin.at("shape"), y))
        elif all(size > 0 for size in stated):
            return Value(Shape(stated))
        return y
