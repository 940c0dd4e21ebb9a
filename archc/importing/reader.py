"""One call of a function of torch, as it is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic import ValidationError

from archc.importing.attributes import (
    BY_AXIS,
    as_written,
    kept,
    laid_out,
    listed,
    numbers,
)
from archc.importing.modules import WHOLE, padding_ahead, whole
from archc.importing.nodes import Graph, Node
from archc.importing.opaque import OPAQUE
from archc.importing.trace import BATCH, Call, Param, Sizes, Value
from archc.importing.windows import one
from archc.ops.base import Op
from archc.ops.registry import OPS, bare
from archc.ops.sizes import Shape, ShapeError, check_sizes
from archc.spec.expressions.operations import MAX_MAGNITUDE

JOINED = "it joins samples to a batch"


class Refused(Exception):
    """Why a call is no op."""


# what functions call the value that they work on
INPUTS = ("input", "self", "x", "tensor", "instance", "data")
# settings that say how a value is computed, but not what
_BESIDES = frozenset(
    {"inplace", "training", "return_indices", "_stacklevel", "out", "memory_format",
     "recompute_scale_factor", "antialias"}
)  # fmt: skip
# torch's functions that give what they read
NOTHING = frozenset(
    f"torch.{name}" for name in
    ("Tensor.contiguous", "clone", "Tensor.clone", "Tensor.detach", "detach",
     "Tensor.to", "Tensor.float", "Tensor.type_as", "Tensor.type",
     "Tensor.requires_grad_", "Tensor.data.__get__", "Tensor.alias", "Tensor.cpu",
     "Tensor.double", "Tensor.expand_as_self", "as_tensor")
)  # fmt: skip
_COMPARES = frozenset({"gt", "lt", "ge", "le", "eq", "ne", "where", "argmax", "topk"})
_PRODUCTS = frozenset({"matmul", "bmm", "einsum", "baddbmm", "mm", "__matmul__",
                       "scaled_dot_product_attention", "multi_head_attention_forward",
                       "__rmatmul__"})  # fmt: skip


class Reader:
    """Reads one call."""

    def __init__(self, graph: Graph, call: Call) -> None:
        self._graph = graph
        self._call = call
        self.settings = call.settings
        self.tensors = graph.trace.tensors

    def read(self) -> None:
        function = self._call.function
        if function == OPAQUE:
            self._opaque()
        elif function in STACKED and self._stacked():
            STACKED[function](self)
        elif function in WHOLE:
            self._whole(function)
        elif (rule := RULES.get(function)) is not None:
            rule(self)
        elif function in NOTHING:
            if not self.is_parameter_view():
                self.nothing()
        elif (op := op_of(function)) is not None:
            self._plainly(op)
        else:
            self._unknown(function)

    def _stacked(self) -> bool:
        """Whether it works on values that are stacked before the batch alone."""
        values = [v for v in self.settings.values() if isinstance(v, Value)]
        stacked = [self._graph.value(v.number) in self._graph.stacked for v in values]
        return bool(stacked) and all(stacked)

    def _unknown(self, function: str) -> None:
        short = function.rpartition(".")[2].rstrip("_") or function
        if short in _PRODUCTS:
            raise Refused(f"`{function}` multiplies computed values, as in attention,"
                           " which no op does")  # fmt: skip
        if short in _COMPARES:
            raise Refused(f"`{function}` chooses by the numbers of a tensor, which no"
                           " op does")  # fmt: skip
        raise Refused(f"no op does what `{function}` does")

    def _whole(self, function: str) -> None:
        path = self.settings["path"]
        named = {n: v.key for n, v in self.settings.items() if isinstance(v, Param)}
        shapes = {
            n: self.tensors[k].shape for n, k in named.items() if k in self.tensors
        }
        try:
            op, attributes = whole(function, self.settings, shapes)
        except ValueError as error:
            raise Refused(str(error)) from None
        pad = padding_ahead(self.settings, self.sizes(self.input)[1:])
        reads = (self.input,)
        if pad:
            padded = self.make("zero_pad2d", {"padding": pad}, last=False)
            reads = (padded,)
        self.make(op, attributes, reads=reads, key=path if shapes else None)

    def _opaque(self) -> None:
        """A module that stays what it is; what its op says is found at the end."""
        shape, made = self.shape_of(self.input), self._call.makes[0]
        sizes = self._graph.trace.shapes[made]
        if shape.channel_axis != 0:
            raise Refused("it cannot be an op of the spec's own: the channels of what"
                           " it reads are not on the first axis")  # fmt: skip
        if sizes[:1] != (BATCH,) or len(sizes) < 2:
            raise Refused("it cannot be an op of the spec's own: it gives"
                           f" {sizes}, and no batch of samples")  # fmt: skip
        path = self.settings["path"]
        graph = self._graph
        graph.shapes[made] = Shape(sizes[1:], 0)
        held = any(key.startswith(f"{path}.") for key in self.tensors)
        key = path if held else None
        graph.nodes.append(
            Node(OPAQUE, {}, (self.input,), made, key, self._call.use, self._call)
        )

    def _plainly(self, op: type[Op]) -> None:
        """A function whose settings are the op's attributes."""
        attributes: dict[str, Any] = {}
        for name, value in self.settings.items():
            if name in INPUTS or name in _BESIDES or value is None:
                continue
            if name not in op.model_fields:
                if name in ("dtype",) and value is None:
                    continue
                raise Refused(f"`{op.op}` has no `{name}`, which is {value!r} here")
            if isinstance(value, Param | Value):
                held = f"`{value.key}`" if isinstance(value, Param) else "computed"
                raise Refused(f"the `{name}` of `{self._call.function}` is {held}, and"
                               " no number")  # fmt: skip
            attributes[name] = value
        self.make(op.op, attributes)

    # ---- what is read

    @property
    def input(self) -> int:
        """The value that is read first."""
        named = (self.settings[n] for n in INPUTS if n in self.settings)
        given = next(named, None)
        if not isinstance(given, Value):
            what = (
                "works on a parameter" if isinstance(given, Param) else "reads no value"
            )
            raise Refused(f"`{self._call.function}` {what}")
        return self._graph.value(given.number)

    def given(self, name: str, place: int, default: Any = None) -> Any:
        """An argument by its name, or by its place where torch says no names."""
        return self.settings.get(name, self.settings.get(str(place), default))

    def sizes(self, number: int) -> Sizes:
        """A value's shape without its batch."""
        return tuple(self.shape_of(number).sizes)

    @property
    def path(self) -> str:
        """The module that makes the call."""
        use = self._call.use
        return self._graph.trace.uses[use].path if use >= 0 else ""

    @property
    def rank(self) -> int:
        """How many axes the input has, its batch counted."""
        return len(self.sizes(self.input)) + 1

    def param(self, name: str) -> Param | None:
        """A parameter that it is given."""
        given = self.settings.get(name)
        if given is not None and not isinstance(given, Param):
            raise Refused(f"the `{name}` of `{self._call.function}` is computed, and"
                           " no parameter")  # fmt: skip
        return given

    def owner(self, **wanted: str) -> str:
        """The module whose tensors are given, by what they are called there."""
        given = {n: p for n in wanted if (p := self.param(n)) is not None}
        owners = {n: p.key.rpartition(".") for n, p in given.items()}
        paths = {path for path, _, _ in owners.values()}
        named = {n: last for n, (_, _, last) in owners.items()}
        if len(paths) != 1 or any(wanted[n] != last for n, last in named.items()):
            keys = ", ".join(p.key for p in given.values())
            raise Refused(f"`{self._call.function}` takes {keys or 'no parameter'},"
                           " which no op calls so")  # fmt: skip
        return paths.pop()

    def is_parameter_view(self) -> bool:
        """Notes a parameter that is only given other axes."""
        given = next((self.settings[n] for n in INPUTS if n in self.settings), None)
        if isinstance(given, Value):
            given = self._graph.views.get(given.number)
        if not isinstance(given, Param):
            return False
        self._graph.views[self._call.makes[0]] = given
        return True

    def axis(self, dim: int) -> int:
        """An axis, counted from the batch."""
        return dim % self.rank

    # ---- what is made

    def nothing(self) -> None:
        """The call gives what it reads."""
        made = self._call.makes[0]
        self._graph.same[made] = self.input
        if self._graph.trace.shapes[made] != (BATCH, *self.sizes(self.input)):
            raise Refused(f"`{self._call.function}` gives another shape")

    def make(
        self,
        op: str,
        attributes: dict[str, Any] | None = None,
        *,
        reads: tuple[int, ...] | None = None,
        key: str | None = None,
        last: bool = True,
        makes: int | None = None,
    ) -> int:
        """Adds an op; the last one makes what the call makes."""
        graph = self._graph
        reads = (self.input,) if reads is None else reads
        if makes is None:
            makes = self._call.makes[0] if last else self._new()
        kind = OPS.get(op)
        if kind is None:
            raise Refused(f"no op is for so many axes: there is no `{op}`")
        given = {k: listed(one(v) if k in BY_AXIS else v)
                 for k, v in (attributes or {}).items()
                 if v is not None or k in kind.or_none}  # fmt: skip
        if "p" in given:  # a rate; any other number is what it is, to the bit
            given["p"] = as_written(given["p"])
        for number in numbers([*given.values()]):
            if not abs(number) <= MAX_MAGNITUDE:
                raise Refused(f"a number of `{op}` is {number:g}, beyond 2**62")
        if len(reads) == 2 and not kind.merges and (beside := read_beside(kind)):
            kind = kind.reading(beside) or kind
        try:
            made = kind(**given)
            try:
                shape = made.infer(*map(self.shape_of, reads))
            except ShapeError:
                if all(self.shape_of(n).channel_axis == 0 for n in reads):
                    raise
                reads = self._channels_first(reads)
                shape = made.infer(*map(self.shape_of, reads))
            check_sizes(op, shape)
        except ValidationError as error:
            raise Refused(
                f"`{op}` does not take this: {error.errors()[0]['msg']}"
            ) from None
        except ShapeError as error:
            raise Refused(error.message) from None
        if last:
            seen = graph.trace.shapes[makes]
            if seen != (BATCH, *shape.sizes):
                raise Refused(f"`{self._call.function}` gives {seen[1:]}, where `{op}`"
                               f" gives {shape.sizes}")  # fmt: skip
        graph.shapes[makes] = shape
        node = Node(
            op, kept(made, given), reads, makes, key, self._call.use, self._call
        )
        graph.nodes.append(node)
        return makes

    def _channels_first(self, reads: tuple[int, ...]) -> tuple[int, ...]:
        """The same values, whose channels are on their first axis: a reshape may say
        so, which is made where there is none."""
        makers = {node.makes: node for node in self._graph.nodes}
        found: list[int] = []
        for number in reads:
            shape, node = self.shape_of(number), makers.get(number)
            if shape.channel_axis == 0:
                found.append(number)
            elif node and node.op == "reshape" and "channel_dim" not in node.attributes:
                node.attributes["channel_dim"] = 1
                self._graph.shapes[number] = Shape(shape.dims, 0)
                found.append(number)
            else:
                varying = self._graph.varying.get(number, ())
                sizes = laid_out(self.sizes(number), varying)
                attributes = {"sizes": sizes, "channel_dim": 1}
                if node and node.op == "unflatten":
                    node.op, node.attributes = "reshape", attributes
                    self._graph.shapes[number] = Shape(shape.dims, 0)
                    found.append(number)
                    continue
                found.append(
                    self.make("reshape", attributes, reads=(number,), last=False)
                )
        return tuple(found)

    def _new(self) -> int:
        number = len(self._graph.trace.shapes)
        self._graph.trace.shapes.append(())
        return number

    def shape_of(self, number: int) -> Shape:
        shape = self._graph.shapes.get(number)
        if number in self._graph.padded:
            raise Refused("it pads with minus infinity what no max pooling reads")
        if number in self._graph.stacked:
            raise Refused(JOINED)
        if number in self._graph.zeros:
            raise Refused("it computes with zeros that depend on no input")
        if shape is None:
            what = (
                "parameters alone"
                if number in self._graph.views
                else "what no op gives"
            )
            raise Refused(f"`{self._call.function}` works on {what}")
        return shape

    @property
    def call(self) -> Call:
        return self._call

    @property
    def graph(self) -> Graph:
        return self._graph


def read_beside(op: type[Op]) -> str | None:
    """The attribute that names a further node to read, if the op has one."""
    return next((n for n in op.model_fields if op.reading(n) is not None), None)


@cache
def op_of(function: str) -> type[Op] | None:
    """The op that a function is called after."""
    for op in OPS.values():
        if any(function in (f.name, *f.also) for f in op.calls):
            return op
    if not function.startswith("torch."):
        return None
    name = bare(function)
    return next((op for op in OPS.values() if name in map(bare, _names(op))), None)


def _names(op: type[Op]) -> tuple[str, ...]:
    return (op.op, *([op.module_class] if op.module_class and not op.merges else ()))


Rule = Callable[[Reader], None]
RULES: dict[str, Rule] = {}
STACKED: dict[str, Rule] = {}
"""The rules for what is stacked before the batch."""


def rule(*names: str, among: dict[str, Rule] = RULES) -> Callable[[Rule], Rule]:
    """Reads calls of these functions."""

    def noted(function: Rule) -> Rule:
        among.update(dict.fromkeys(names, function))
        return function

    return noted
