"""Ops with their attributes evaluated, and the shapes they give."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from archc.diagnostics.mend import Edit, Mend
from archc.network.arguments import Arguments
from archc.network.channels import lost_here, moved_here
from archc.network.clash import read_clash
from archc.network.frame import Frame
from archc.network.graph import Value
from archc.ops.base import Op
from archc.ops.sizes import Shape, ShapeError, check_sizes
from archc.spec.expressions import Expr, Silenced
from archc.spec.model import OpNode
from archc.spec.validate import explain


class Builder:
    """Makes ops and infers shapes; what was made once is kept."""

    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments
        self.sink = arguments.sink
        self._built: dict[Any, Op | None] = {}
        self._inferred: dict[Any, Shape] = {}

    def build(self, node: OpNode, frame: Frame) -> Op | None:
        """The op with its expressions evaluated; None once something was reported."""
        if node.static is not None:
            return node.static
        values: dict[str, Any] = {}
        fine = True
        for key, arg in node.attributes.items():
            try:
                values[key] = (
                    self.arguments.value(arg, frame.names, node.origin.below(key))
                    if isinstance(arg, Expr)
                    else arg
                )
            except Silenced:
                fine = False
        if not fine:
            return None
        key = (node, tuple(values.values()), tuple(map(type, values.values())))
        if key not in self._built:
            self._built[key] = self._validated(node, values, frame)
        elif self._built[key] is None:
            self._validated(node, values, frame)  # count the mistake once more
        return self._built[key]

    def _validated(
        self, node: OpNode, values: dict[str, Any], frame: Frame
    ) -> Op | None:
        try:
            return node.op.model_validate(values)
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                code, message, help = explain(problem)
                if not problem["loc"]:  # about several attributes
                    self.sink.error(
                        code,
                        f"`{node.op.op}` {message}",
                        node.origin.at("op"),
                        help=help,
                    )
                    continue
                attribute = str(problem["loc"][0])
                self.arguments.blame(
                    code, f"`{attribute}` of `{node.op.op}` {message}",
                    node, attribute, node.attributes[attribute], frame, help,
                )  # fmt: skip
            return None

    def infer(self, op: Op, inputs: tuple[Value, ...]) -> Shape | None:
        """The shape that an op gives; None where an input's is unknown.

        Raises:
            ShapeError: if the op cannot take these inputs.
        """
        shapes: list[Shape] = []
        for value in inputs:
            if value.shape is None:
                return None
            shapes.append(value.shape)
        key = (id(op), *shapes)
        shape = self._inferred.get(key)
        if shape is None:
            shape = self._inferred[key] = op.infer(*shapes)
            check_sizes(op.op, shape)
        return shape

    def refuse(
        self, node: OpNode, error: ShapeError, inputs: tuple[Value, ...], frame: Frame
    ) -> None:
        """Reports inputs that an op cannot take."""
        if node.op.merges and node.beside is None and node.op.parts is None:
            read_clash(self.sink, error, node, inputs)
            return
        if error.code == "no-channels":
            labels = (*lost_here(inputs[0]), *frame.use_labels())
            place = node.origin.at("op")
            self.sink.error(error.code, error.message, place, *labels, help=error.help)
            return
        if error.code == "channels-not-first":
            moved, mend = moved_here(inputs[0])
            labels, place = (*moved, *frame.use_labels()), node.origin.at("op")
            self.sink.error(
                error.code, error.message, place, *labels, help=mend or error.help
            )
            return
        if node.beside is not None and error.attribute == node.beside:
            place, labels = node.origin.at(node.beside), frame.use_labels()
            self.sink.error(error.code, error.message, place, *labels, help=error.help)
            return
        arg = node.attributes.get(error.attribute or "")
        if error.attribute is not None and arg is not None:
            help = error.help
            # of an expression each use of a block may want a value of its own
            if help and error.instead is not None and not isinstance(arg, Expr):
                help = Mend(help, Edit(error.instead, "value"))
            self.arguments.blame(
                error.code, error.message, node, error.attribute, arg, frame, help
            )
            return
        self.sink.error(
            error.code, error.message, node.origin.at("op"), *frame.use_labels(),
            help=error.help,
        )  # fmt: skip
