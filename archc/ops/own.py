"""Ops that a spec defines itself: what it claims of a module from elsewhere.

Nothing is imported here. The claims are all that is known, and `archc verify` holds the
module to them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import create_model

from archc.ops.base import Call, Category, Op, Saved
from archc.ops.shapes import need_channels_first
from archc.ops.sizes import Dim, Dims, Shape, ShapeError, Unknown, axis_names, known
from archc.spec.expressions import (
    Expr,
    ExpressionError,
    ListOf,
    Undecidable,
    evaluate,
    names_in,
)

Claims = Mapping[str, tuple[Any, ...]]
"""The shapes of tensors, by their names in the module."""


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """What `[ops.NAME]` says; values may be expressions."""

    module: str
    """The class, with the package that it is imported from."""
    required: tuple[str, ...]
    defaults: Mapping[str, Any]
    arguments: Mapping[str, Any]
    """What its constructor is given, by name."""
    output: tuple[Any, ...]
    parameters: Claims = field(default_factory=dict[str, tuple[Any, ...]])
    buffers: Claims = field(default_factory=dict[str, tuple[Any, ...]])
    macs: Any = None
    doc: str = ""


class OwnOp(Op):
    """An op that a spec defines."""

    category: ClassVar[Category] = "activation"
    axes = None
    # nobody knows what it keeps, so that nobody works in place beside it
    saves: ClassVar[frozenset[Saved]] = frozenset({"input", "output"})
    own: ClassVar[Own]

    @classmethod
    def can_have_parameters(cls) -> bool:
        return bool(cls.own.parameters or cls.own.buffers)

    @property
    def imports(self) -> str | None:
        package = self.own.module.rpartition(".")[0]
        return None if package == "nn" else package

    @property
    def counts_macs(self) -> bool:
        return self.own.macs is not None

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_channels_first(self.op, x)
        y = Shape(tuple(self._size(size, x, "output") for size in self.own.output))
        if known(*x.dims):
            # what else cannot be said of this input is told here as well
            for asked in (self.parameters, self.buffers, self.module):
                asked(x)
            self.macs(x, y)
        return y

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return self._tensors(self.own.parameters, x)

    def buffers(self, x: Shape) -> dict[str, Dims]:
        return self._tensors(self.own.buffers, x)

    def macs(self, x: Shape, y: Shape) -> Dim:
        return 0 if self.own.macs is None else self._size(self.own.macs, x, "macs", 0)

    def module(self, x: Shape) -> Call:
        names = self._names(x)
        given = {k: self._value(v, names) for k, v in self.own.arguments.items()}
        return Call(self.own.module, (), given)

    def _tensors(self, claims: Claims, x: Shape) -> dict[str, Dims]:
        return {
            name: tuple(self._size(size, x, name) for size in dims)
            for name, dims in claims.items()
        }

    def _size(self, size: Any, x: Shape, what: str, least: int = 1) -> Dim:
        found = self._value(size, self._names(x))
        if known(found) and (type(found) is not int or found < least):
            raise ShapeError(
                f"`{what}` of [ops.{self.op}] comes out as {found!r} for {x}, and must"
                f" be a whole number from {least}",
                code="bad-value",
                help="write another expression, or give the op other arguments",
            )
        return found

    def _names(self, x: Shape) -> dict[str, Any]:
        """What its expressions speak of: its arguments, and the sizes that it reads."""
        names: dict[str, Any] = {"in_channels": x.channels}
        sizes = [size for axis, size in enumerate(x.dims) if axis != x.channel_axis]
        if 1 <= len(sizes) <= 3:
            names |= dict(zip(axis_names(len(sizes)), sizes, strict=True))
        names |= {name: getattr(self, name) for name in self.own.required}
        for name, default in self.own.defaults.items():
            given = getattr(self, name)
            names[name] = self._value(default, names) if given is None else given
        return names

    def _value(self, value: Any, names: Mapping[str, Any]) -> Any:
        if isinstance(value, ListOf):
            return tuple(self._value(item, names) for item in value.items)
        if not isinstance(value, Expr):
            return value
        read = names_in(value)
        lacking = next((name for name in read if name not in names), None)
        if lacking is not None:
            raise ShapeError(
                f"[ops.{self.op}] reads `{lacking}`, which a value with these axes"
                " does not have",
                help="a sequence has a length, a map a height and a width, a volume a"
                " depth too",
            )
        unknown = [names[n] for n in read if isinstance(names[n], Unknown)]
        if unknown:
            return unknown[0]
        try:
            return evaluate(value, dict(names))
        except (Undecidable, ZeroDivisionError):
            raise
        except ExpressionError as error:
            raise ShapeError(
                f"[ops.{self.op}]: {error.message}", code=error.code, help=error.help
            ) from error


def own_op(name: str, own: Own, written: Any) -> type[OwnOp]:
    """The class of an op that is `written` so; equal ones are called alike."""
    fields: dict[str, Any] = {key: (Any, ...) for key in own.required}
    fields |= {key: (Any, None) for key in own.defaults}
    # in `verify`, an op is known by what it prints
    title = f"{name} {json.dumps(written, sort_keys=True, default=str)}"
    made = create_model(title, __base__=OwnOp, **fields)
    made.op = name
    made.own = own
    made.__doc__ = own.doc or f"{own.module}, as [ops.{name}] says."
    return made
