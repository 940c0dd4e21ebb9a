"""Calls of torch's functions as ops of the language.

Which functions an op ends up calling stands in its class (`Op.calls`), and most settings
are its attributes by name. Here is what is left: functions that no op is named after,
and settings that say the same otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log2, prod
from typing import Any

from pydantic import ValidationError

from archc.importing.idioms import join
from archc.importing.modules import WHOLE, whole
from archc.importing.nodes import Graph, Node
from archc.importing.trace import BATCH, Call, Param, Refusal, Sizes, Trace, Value
from archc.ops.base import Op, Shape, ShapeError
from archc.ops.registry import OPS, bare
from archc.spec.expressions import is_sequence


class _Refused(Exception):
    """Why a call is no op."""


def graph_of(trace: Trace) -> Graph:
    """The trace as ops; what is none is refused, all of it."""
    graph = Graph(trace, refused=list(trace.refused))
    if not trace.outputs:
        return graph
    unknown: set[int] = set()
    for number in trace.inputs.values():
        graph.shapes[number] = Shape(trace.shapes[number][1:])
    for call in _live(trace):
        if any(graph.value(number) in unknown for number in _read(call)):
            unknown.update(call.makes)
            if _is_known(call.function):
                continue  # what it reads is the reason
        reader = _Reader(graph, call)
        try:
            reader.read()
        except _Refused as refused:
            unknown.update(call.makes)
            path = trace.uses[call.use].path if call.use >= 0 else ""
            place = call.place
            where = (place.file, place.line) if place else ("", 0)
            refusal = Refusal(path, str(refused), *where)
            if refusal not in graph.refused:
                graph.refused.append(refusal)
    join(graph)
    return graph


def _is_known(function: str) -> bool:
    known = function in WHOLE or function in _RULES or function in _NOTHING
    return known or _op_of(function) is not None


def _live(trace: Trace) -> list[Call]:
    """The calls that the outputs depend on, in their order."""
    wanted = set(trace.outputs.values())
    found: list[Call] = []
    for call in reversed(trace.calls):
        if wanted.intersection(call.makes):
            found.append(call)
            wanted.update(_read(call))
    return found[::-1]


def _read(call: Call) -> list[int]:
    return list(_values(tuple(call.settings.values())))


def _values(value: Any) -> list[int]:
    if isinstance(value, Value):
        return [value.number]
    if is_sequence(value):
        return [number for part in value for number in _values(part)]
    return []


# what functions call the value that they work on
_INPUTS = ("input", "self", "x", "tensor")
# settings that say how a value is computed, but not what
_BESIDES = frozenset({"inplace", "training", "return_indices", "_stacklevel", "out",
                      "memory_format", "recompute_scale_factor", "antialias"})  # fmt: skip
# torch's functions that give what they read
_NOTHING = frozenset(
    f"torch.{name}" for name in
    ("Tensor.contiguous", "clone", "Tensor.clone", "Tensor.detach", "detach",
     "Tensor.to", "Tensor.float", "Tensor.type_as", "Tensor.type",
     "Tensor.requires_grad_", "Tensor.data.__get__", "Tensor.alias", "Tensor.cpu",
     "Tensor.half", "Tensor.double", "Tensor.bfloat16", "Tensor.expand_as_self")
)  # fmt: skip
_COMPARES = frozenset({"gt", "lt", "ge", "le", "eq", "ne", "where", "argmax", "topk"})
_PRODUCTS = frozenset({"matmul", "bmm", "einsum", "baddbmm", "mm", "__matmul__",
                       "scaled_dot_product_attention", "multi_head_attention_forward",
                       "__rmatmul__"})  # fmt: skip


class _Reader:
    """Reads one call."""

    def __init__(self, graph: Graph, call: Call) -> None:
        self._graph = graph
        self._call = call
        self.settings = call.settings
        self.tensors = graph.trace.tensors

    def read(self) -> None:
        function = self._call.function
        if function in WHOLE:
            self._whole(function)
        elif (rule := _RULES.get(function)) is not None:
            rule(self)
        elif function in _NOTHING:
            self.nothing()
        elif (op := _op_of(function)) is not None:
            self._plainly(op)
        else:
            self._unknown(function)

    def _unknown(self, function: str) -> None:
        short = function.rpartition(".")[2].rstrip("_") or function
        if short in _PRODUCTS:
            raise _Refused(f"`{function}` multiplies computed values, as in attention,"
                           " which no op does")  # fmt: skip
        if short in _COMPARES:
            raise _Refused(f"`{function}` chooses by the numbers of a tensor, which no"
                           " op does")  # fmt: skip
        raise _Refused(f"no op does what `{function}` does")

    def _whole(self, function: str) -> None:
        path = self.settings["path"]
        named = {n: v.key for n, v in self.settings.items() if isinstance(v, Param)}
        shapes = {n: self.tensors[k].shape for n, k in named.items() if k in self.tensors}
        try:
            op, attributes = whole(function, self.settings, shapes)
        except ValueError as error:
            raise _Refused(str(error)) from None
        if op == "stochastic_depth" and not attributes["p"]:
            self.nothing()
            return
        self.make(op, attributes, key=path if shapes else None)

    def _plainly(self, op: type[Op]) -> None:
        """A function whose settings are the op's attributes."""
        attributes: dict[str, Any] = {}
        for name, value in self.settings.items():
            if name in _INPUTS or name in _BESIDES or value is None:
                continue
            if name not in op.model_fields:
                if name in ("dtype",) and value is None:
                    continue
                raise _Refused(f"`{op.op}` has no `{name}`, which is {value!r} here")
            attributes[name] = value
        self.make(op.op, attributes)

    # ---- what is read

    @property
    def input(self) -> int:
        """The value that is read first."""
        named = (self.settings[n] for n in _INPUTS if n in self.settings)
        given = next(named, None)
        if not isinstance(given, Value):
            raise _Refused(f"`{self._call.function}` works on a parameter"
                           if isinstance(given, Param) else
                           f"`{self._call.function}` reads no computed value")  # fmt: skip
        return self._graph.value(given.number)

    def sizes(self, number: int) -> Sizes:
        """A value's shape without its batch."""
        return tuple(self._graph.shapes[number].sizes)

    @property
    def rank(self) -> int:
        """How many axes the input has, its batch counted."""
        return len(self.sizes(self.input)) + 1

    def param(self, name: str) -> Param | None:
        """A parameter that it is given."""
        given = self.settings.get(name)
        if given is not None and not isinstance(given, Param):
            raise _Refused(f"the `{name}` of `{self._call.function}` is computed, and"
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
            raise _Refused(f"`{self._call.function}` takes {keys or 'no parameter'},"
                           " which no op calls so")  # fmt: skip
        return paths.pop()

    def is_parameter_view(self) -> bool:
        """Notes a parameter that is only given other axes."""
        given = next((self.settings[n] for n in _INPUTS if n in self.settings), None)
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
            raise _Refused(f"`{self._call.function}` gives another shape")

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
        given = {k: _listed(v) for k, v in (attributes or {}).items() if v is not None}
        try:
            made = OPS[op](**given)
            try:
                shape = made.infer(*(graph.shapes[n] for n in reads))
            except ShapeError:
                if not self._channels_first(reads):
                    raise
                shape = made.infer(*(graph.shapes[n] for n in reads))
        except ValidationError as error:
            raise _Refused(
                f"`{op}` does not take this: {error.errors()[0]['msg']}"
            ) from None
        except ShapeError as error:
            raise _Refused(error.message) from None
        if last:
            seen = graph.trace.shapes[makes]
            if seen != (BATCH, *shape.sizes):
                raise _Refused(f"`{self._call.function}` gives {seen[1:]}, where `{op}`"
                               f" gives {shape.sizes}")  # fmt: skip
        graph.shapes[makes] = shape
        node = Node(
            op, _kept(made, given), reads, makes, key, self._call.use, self._call
        )
        graph.nodes.append(node)
        return makes

    def _channels_first(self, reads: tuple[int, ...]) -> bool:
        """Says of a reshape that is read that its first axis holds the channels; whether
        there is one."""
        for node in self._graph.nodes:
            if node.makes in reads and node.op == "reshape":
                if "channel_dim" in node.attributes:
                    return False
                node.attributes["channel_dim"] = 1
                dims = self._graph.shapes[node.makes].dims
                self._graph.shapes[node.makes] = Shape(dims, 0)
                return True
        return False

    def _new(self) -> int:
        number = len(self._graph.trace.shapes)
        self._graph.trace.shapes.append(())
        return number

    def shape_of(self, number: int) -> Shape:
        return self._graph.shapes[number]

    @property
    def call(self) -> Call:
        return self._call

    @property
    def graph(self) -> Graph:
        return self._graph


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if is_sequence(value) else value


def _kept(op: Op, given: dict[str, Any]) -> dict[str, Any]:
    """Attributes that are not the op's defaults."""
    fields = type(op).model_fields
    return {
        name: value
        for name, value in given.items()
        if fields[name].is_required() or _listed(fields[name].default) != value
    }


@cache
def _op_of(function: str) -> type[Op] | None:
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


# ---- rules: functions with weights

Rule = Callable[[_Reader], None]
_RULES: dict[str, Rule] = {}


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def noted(rule: Rule) -> Rule:
        _RULES.update(dict.fromkeys(names, rule))
        return rule

    return noted


def _window(settings: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: settings[name] for name in names if settings.get(name) is not None}


@_rule("torch.conv1d", "torch.conv2d", "torch.conv3d")
def _conv(call: _Reader) -> None:
    weight = call.param("weight")
    path = call.owner(weight="weight", bias="bias")
    assert weight is not None
    out, _, *kernel = call.tensors[weight.key].shape
    attributes = {
        "out_channels": out,
        "kernel_size": kernel[0] if len({*kernel}) == 1 else kernel,
        **_window(call.settings, "stride", "padding", "dilation", "groups"),
        "bias": call.settings.get("bias") is not None,
    }
    call.make(call.call.function.removeprefix("torch."), attributes, key=path)


@_rule("torch.conv_transpose1d", "torch.conv_transpose2d", "torch.conv_transpose3d")
def _conv_transpose(call: _Reader) -> None:
    weight = call.param("weight")
    path = call.owner(weight="weight", bias="bias")
    assert weight is not None
    _, out, *kernel = call.tensors[weight.key].shape
    groups = call.settings.get("groups", 1)
    attributes = {
        "out_channels": out * groups,
        "kernel_size": kernel[0] if len({*kernel}) == 1 else kernel,
        **_window(call.settings, "stride", "padding", "output_padding", "dilation"),
        "groups": groups,
        "bias": call.settings.get("bias") is not None,
    }
    call.make(call.call.function.removeprefix("torch."), attributes, key=path)


@_rule("torch.nn.functional.linear")
def _linear(call: _Reader) -> None:
    weight = call.param("weight")
    path = call.owner(weight="weight", bias="bias")
    assert weight is not None
    out, features = call.tensors[weight.key].shape
    shape = call.shape_of(call.input)
    attributes: dict[str, Any] = {"out_features": out}
    if shape.channel_axis != len(shape.dims) - 1:
        attributes["in_features"] = features
    attributes["bias"] = call.settings.get("bias") is not None
    call.make("linear", attributes, key=path)


@_rule("torch.nn.functional.batch_norm")
def _batch_norm(call: _Reader) -> None:
    names = {"weight": "weight", "bias": "bias", "running_mean": "running_mean",
             "running_var": "running_var"}  # fmt: skip
    tracked = call.settings.get("running_mean") is not None
    affine = call.settings.get("weight") is not None
    path = call.owner(**names) if tracked or affine else None
    axes = max(call.rank - 2, 1)
    attributes = {
        "eps": call.settings["eps"],
        "momentum": call.settings["momentum"],
        "affine": affine,
        "track_running_stats": tracked,
    }
    call.make(f"batch_norm{axes}d", attributes, key=path)


@_rule("torch.nn.functional.instance_norm")
def _instance_norm(call: _Reader) -> None:
    affine = call.settings.get("weight") is not None
    tracked = call.settings.get("running_mean") is not None
    names = {"weight": "weight", "bias": "bias", "running_mean": "running_mean",
             "running_var": "running_var"}  # fmt: skip
    path = call.owner(**names) if affine or tracked else None
    attributes = {
        "eps": call.settings["eps"],
        "affine": affine,
        "track_running_stats": tracked,
    }
    call.make(f"instance_norm{call.rank - 2}d", attributes, key=path)


@_rule("torch.nn.functional.layer_norm", "torch.layer_norm")
def _layer_norm(call: _Reader) -> None:
    affine = call.settings.get("weight") is not None
    path = call.owner(weight="weight", bias="bias") if affine else None
    over = call.settings["normalized_shape"]
    made = call.call.makes[0]
    sizes = call.graph.trace.shapes[made]
    if affine:
        weight = call.param("weight")
        assert weight is not None
        count = len(call.tensors[weight.key].shape)
    else:
        count = len(over) if is_sequence(over) else 1
    attributes: dict[str, Any] = {"eps": call.settings["eps"]}
    if count > 1:
        attributes["normalized_shape"] = sizes[-count:]
    if not affine:
        attributes["elementwise_affine"] = False
    elif call.settings.get("bias") is None:
        attributes["bias"] = False
    call.make("layer_norm", attributes, key=path)


@_rule("torch.nn.functional.group_norm", "torch.group_norm")
def _group_norm(call: _Reader) -> None:
    affine = call.settings.get("weight") is not None
    path = call.owner(weight="weight", bias="bias") if affine else None
    attributes = {
        "num_groups": call.settings["num_groups"],
        "eps": call.settings["eps"],
        "affine": affine,
    }
    call.make("group_norm", attributes, key=path)


@_rule("torch.nn.functional.prelu", "torch.prelu")
def _prelu(call: _Reader) -> None:
    weight = call.param("weight")
    path = call.owner(weight="weight")
    assert weight is not None
    tensor = call.tensors[weight.key]
    attributes: dict[str, Any] = {"num_parameters": tensor.shape[0]}
    if tensor.fill is not None:
        attributes["init"] = round(tensor.fill, 7)
    call.make("prelu", attributes, key=path)


# ---- rules: arithmetic


@_rule("torch.Tensor.add", "torch.add", "torch.Tensor.__radd__", "torch.Tensor.__add__")
def _add(call: _Reader) -> None:
    if call.settings.get("alpha", 1) != 1:
        raise _Refused("a sum of which one part is weighed by `alpha`")
    _binary(call, "add")


@_rule("torch.Tensor.mul", "torch.mul", "torch.Tensor.__rmul__", "torch.Tensor.__mul__")
def _mul(call: _Reader) -> None:
    _binary(call, "mul")


@_rule("torch.Tensor.sub", "torch.sub", "torch.Tensor.__sub__")
def _sub(call: _Reader) -> None:
    _binary(call, "sub")


@_rule("torch.Tensor.div", "torch.div", "torch.Tensor.__truediv__")
def _div(call: _Reader) -> None:
    if call.settings.get("rounding_mode") is not None:
        raise _Refused("a division that rounds")
    _binary(call, "div")


_HOW = frozenset({"alpha", "rounding_mode", "out"})


def _binary(call: _Reader, op: str) -> None:
    given = [v for k, v in call.settings.items() if k not in _HOW]
    operands = [
        call.graph.views.get(v.number, v) if isinstance(v, Value) else v for v in given
    ]
    if len(operands) != 2:
        raise _Refused(
            f"`{call.call.function}` is called otherwise than with two values"
        )
    first, second = operands
    numbers = [v for v in operands if isinstance(v, int | float)]
    if all(isinstance(v, Value) for v in operands):
        reads = tuple(call.graph.value(v.number) for v in operands)
        ranks = {len(call.sizes(n)) for n in reads}
        if len(ranks) > 1:
            raise _Refused("it joins values that have not as many axes")
        call.make(op, reads=reads)
    elif op == "mul" and any(isinstance(v, Param) for v in operands):
        _scaled_by_parameter(call, operands, given)
    elif numbers and isinstance(first, Value):
        _with_number(call, op, call.graph.value(first.number), float(numbers[0]))
    elif numbers and isinstance(second, Value) and op in ("add", "mul"):
        _with_number(call, op, call.graph.value(second.number), float(numbers[0]))
    else:
        kind = {"add": "adds", "sub": "subtracts", "div": "divides by"}.get(
            op, "multiplies"
        )
        raise _Refused(f"it {kind} a parameter, which no op does"
                       if not numbers else f"no op {kind} a number")  # fmt: skip


def _with_number(call: _Reader, op: str, read: int, number: float) -> None:
    neutral = {"add": 0.0, "sub": 0.0, "mul": 1.0, "div": 1.0}[op]
    if number == neutral:
        call.graph.same[call.call.makes[0]] = read
    elif op == "mul":
        call.make("scale", {"factor": number}, reads=(read,))
    elif op == "div" and log2(abs(number)).is_integer():
        call.make("scale", {"factor": 1 / number}, reads=(read,))
    else:
        words = {"add": "adds", "sub": "subtracts", "div": "divides by"}
        raise _Refused(f"it {words[op]} a number, which no op does")


def _scaled_by_parameter(call: _Reader, operands: list[Any], given: list[Any]) -> None:
    """A learned factor for each channel."""
    values = [v for v in operands if isinstance(v, Value)]
    if len(values) != 1:
        raise _Refused("it multiplies parameters with each other")
    (param,) = [v for v in operands if isinstance(v, Param)]
    (shown,) = [v for v, o in zip(given, operands, strict=True) if o is param]
    read = call.graph.value(values[0].number)
    shape = call.shape_of(read)
    tensor = call.tensors.get(param.key)
    if tensor is None or not tensor.trained:
        raise _Refused(f"it multiplies by `{param.key}`, which is no parameter")
    seen = tensor.shape
    if isinstance(shown, Value):
        seen = call.graph.trace.shapes[shown.number]
    seen = (1,) * (len(shape.dims) + 1 - len(seen)) + seen
    wide = [n for n, size in enumerate(seen) if size != 1]
    attributes = {"init": tensor.fill} if tensor.fill is not None else {}
    axis = shape.channel_axis
    if axis is None or wide not in ([axis + 1], []) or seen[axis + 1] != shape.channels:
        raise _Refused(f"it multiplies by `{param.key}` of {tensor.shape}, which is no"
                       " factor for each channel")  # fmt: skip
    op = OPS["layer_scale"]
    if tensor.shape == op().parameters(shape)[""]:
        call.make("layer_scale", attributes, reads=(read,), key=param.key)
    elif len(tensor.shape) == 1:
        # on the last axis it has one axis itself
        last = len(shape.dims)
        order = [0, *(n for n in range(1, last + 1) if n != axis + 1), axis + 1]
        back = [order.index(n) for n in range(last + 1)]
        ahead = call.make("permute", {"dims": order}, reads=(read,), last=False)
        scaled = call.make("layer_scale", attributes, reads=(ahead,), key=param.key, last=False)
        call.make("permute", {"dims": back}, reads=(scaled,))
    else:
        raise _Refused(f"`{param.key}` has the shape {tensor.shape}, which no op's"
                       " parameter has")  # fmt: skip


@_rule("torch.Tensor.neg", "torch.neg", "torch.Tensor.__neg__")
def _neg(call: _Reader) -> None:
    call.make("scale", {"factor": -1.0})


@_rule("torch.square", "torch.Tensor.square")
def _square(call: _Reader) -> None:
    call.make("pow", {"exponent": 2})


@_rule("torch.nn.functional.dropout", "torch.nn.functional.dropout1d",
       "torch.nn.functional.dropout2d", "torch.nn.functional.dropout3d")  # fmt: skip
def _dropout(call: _Reader) -> None:
    op = call.call.function.rpartition(".")[2]
    if bool(call.settings.get("training", True)) != call.graph.trace.training:
        state = (
            "on in evaluation" if call.settings.get("training") else "off in training"
        )
        raise _Refused(f"a dropout that is {state}")
    p = float(call.settings.get("p", 0.5))
    if p == 0:
        call.nothing()
    else:
        call.make(op, {"p": p})


@_rule("torch.cat")
def _cat(call: _Reader) -> None:
    parts = call.settings.get("tensors", ())
    if not all(isinstance(part, Value) for part in parts):
        raise _Refused("it joins a parameter to computed values")
    reads = tuple(call.graph.value(part.number) for part in parts)
    if len(reads) == 1:
        call.graph.same[call.call.makes[0]] = reads[0]
        return
    shape = call.shape_of(reads[0])
    dim = call.settings.get("dim", 0) % (len(shape.dims) + 1)
    if shape.channel_axis is None or dim != shape.channel_axis + 1:
        raise _Refused(
            f"it joins values along axis {dim}, which is not that of channels"
        )
    call.make("concat", reads=reads)


# ---- rules: shapes


@_rule("torch.flatten")
def _flatten(call: _Reader) -> None:
    start = call.axis(call.settings.get("start_dim", 0))
    end = call.axis(call.settings.get("end_dim", -1))
    if start >= end:
        call.nothing()
        return
    attributes: dict[str, Any] = {}
    if start != 1:
        attributes["start_dim"] = start
    if end != call.rank - 1:
        attributes["end_dim"] = end
    call.make("flatten", attributes)


@_rule("torch.Tensor.reshape", "torch.Tensor.view", "torch.reshape",
       "torch.Tensor.unsqueeze", "torch.unsqueeze", "torch.Tensor.squeeze",
       "torch.squeeze", "torch.Tensor.view_as", "torch.Tensor.reshape_as")  # fmt: skip
def _reshape(call: _Reader) -> None:
    if call.is_parameter_view():
        return
    before = call.sizes(call.input)
    batch, *after = call.graph.trace.shapes[call.call.makes[0]]
    if batch != BATCH:
        raise _Refused("it lays samples of a batch out on other axes")
    sizes = tuple(after)
    if sizes == before:
        call.nothing()
    elif len(sizes) == 1:
        call.make("flatten")
    elif (flat := _flattened(before, sizes)) is not None:
        call.make("flatten", flat)
    elif (split := _unflattened(before, sizes)) is not None:
        call.make("unflatten", split)
    else:
        # the largest is what the others leave, whatever the width is
        largest = max(range(len(sizes)), key=sizes.__getitem__)
        rest = [-1 if n == largest else size for n, size in enumerate(sizes)]
        call.make("reshape", {"sizes": rest})


def _unflattened(before: Sizes, after: Sizes) -> dict[str, Any] | None:
    """The axis that was made several, where nothing else happened."""
    more = len(after) - len(before)
    if more < 1:
        return None
    for dim, size in enumerate(before):
        parts = after[dim : dim + more + 1]
        whole = (*after[:dim], prod(parts), *after[dim + more + 1 :])
        if whole == before and size > 1 and 1 not in parts:
            largest = max(range(len(parts)), key=parts.__getitem__)
            sizes = [-1 if n == largest else part for n, part in enumerate(parts)]
            return {"dim": dim + 1, "unflattened_size": sizes}
    return None


def _flattened(before: Sizes, after: Sizes) -> dict[str, Any] | None:
    """The axes that were joined, where nothing else happened."""
    joined = len(before) - len(after)
    if joined < 1:
        return None
    for start in range(len(after)):
        end = start + joined
        whole = (*before[:start], prod(before[start : end + 1]), *before[end + 1 :])
        if whole == after:
            last = {} if end == len(before) - 1 else {"end_dim": end + 1}
            return {"start_dim": start + 1, **last}
    return None


@_rule("torch.Tensor.unflatten", "torch.unflatten")
def _unflatten(call: _Reader) -> None:
    _reshape(call)


@_rule("torch.Tensor.expand", "torch.Tensor.expand_as", "torch.broadcast_to")
def _expand(call: _Reader) -> None:
    # merges spread it themselves; whatever else reads it has another shape, and says so
    call.graph.same[call.call.makes[0]] = call.input


@_rule("torch.permute", "torch.Tensor.permute")
def _permute(call: _Reader) -> None:
    dims = call.settings["dims"]
    dims = [call.axis(d) for d in (dims if is_sequence(dims) else (dims,))]
    if dims == sorted(dims):
        call.nothing()
    else:
        call.make("permute", {"dims": dims})


@_rule("torch.Tensor.transpose", "torch.transpose", "torch.swapaxes",
       "torch.Tensor.swapaxes", "torch.Tensor.swapdims")  # fmt: skip
def _transpose(call: _Reader) -> None:
    first, second = call.axis(call.settings["dim0"]), call.axis(call.settings["dim1"])
    call.make("transpose", {"dim0": first, "dim1": second})


@_rule("torch.Tensor.mT.__get__")
def _matrix_transpose(call: _Reader) -> None:
    call.make("transpose", {"dim0": call.rank - 2, "dim1": call.rank - 1})


@_rule("torch.Tensor.mean", "torch.mean", "torch.Tensor.sum", "torch.sum",
       "torch.Tensor.amax", "torch.amax")  # fmt: skip
def _reduced(call: _Reader) -> None:
    op = call.call.function.rpartition(".")[2]
    dim = call.settings.get("dim")
    if dim is None or call.settings.get("dtype") is not None:
        raise _Refused(f"`{op}` over all axes, the batch among them")
    dims = [call.axis(d) for d in (dim if is_sequence(dim) else (dim,))]
    attributes: dict[str, Any] = {"dim": dims[0] if len(dims) == 1 else sorted(dims)}
    if call.settings.get("keepdim"):
        attributes["keepdim"] = True
    call.make(op, attributes)


@_rule("torch.Tensor.chunk", "torch.chunk", "torch.Tensor.split", "torch.split",
       "torch.functional.split", "torch.Tensor.tensor_split",
       "torch.tensor_split")  # fmt: skip
def _split(call: _Reader) -> None:
    shapes = [call.graph.trace.shapes[n] for n in call.call.makes]
    source, read = call.sizes(call.input), call.input
    axis = call.shape_of(read).channel_axis
    start = 0
    for made, shape in zip(call.call.makes, shapes, strict=True):
        others = [
            n for n, (a, b) in enumerate(zip(shape[1:], source, strict=True)) if a != b
        ]
        if axis is None or (others and others != [axis]):
            raise _Refused("it splits along an axis that is not that of channels")
        stop = start + shape[1 + axis]
        attributes = {"start": start, "stop": stop} if start else {"stop": stop}
        call.make("channel_slice", attributes, makes=made)
        start = stop


@_rule("torch.Tensor.narrow", "torch.narrow")
def _narrow(call: _Reader) -> None:
    start, length = call.settings["start"], call.settings["length"]
    if call.axis(call.settings["dim"]) - 1 != call.shape_of(call.input).channel_axis:
        raise _Refused("it takes a part along an axis that is not that of channels")
    call.make("channel_slice", {"start": start, "stop": start + length})


def _is_slice(value: Any) -> bool:
    return is_sequence(value) and len(value) == 4 and value[0] == "slice"


@_rule("torch.Tensor.__getitem__")
def _getitem(call: _Reader) -> None:
    index = next(v for k, v in call.settings.items() if k not in _INPUTS)
    whole = [index] if _is_slice(index) or not is_sequence(index) else index
    parts = [slice(*p[1:]) if _is_slice(p) else p for p in whole]
    if any(isinstance(p, Value | Param) or is_sequence(p) for p in parts):
        raise _Refused("it takes numbers by computed places")
    source = (BATCH, *call.sizes(call.input))
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        taken = sum(1 for p in parts if p is not None) - 1
        parts[at : at + 1] = [slice(None)] * (len(source) - taken)
    parts += [slice(None)] * (len(source) - sum(1 for p in parts if p is not None))
    axes = [p for p in parts if p is not None]
    ranges = [
        range(size)[p] if isinstance(p, slice) else p
        for p, size in zip(axes, source, strict=True)
    ]
    cut = [n for n, (r, size) in enumerate(zip(ranges, source, strict=True))
           if r != range(size)]  # fmt: skip
    channel = call.shape_of(call.input).channel_axis
    if 0 in cut or any(isinstance(r, int) for r in ranges):
        raise _Refused("it takes one sample of a batch, or one index along an axis")
    if not cut:
        if None in parts:
            _reshape(call)
        else:
            call.nothing()
        return
    if None in parts:
        raise _Refused("it takes a part and adds an axis at once")
    (window, *more) = (ranges[n] for n in cut)
    if not more and channel is not None and cut == [channel + 1] and window.step == 1:
        start = {"start": window.start} if window.start else {}
        call.make("channel_slice", start | {"stop": window.stop})
    elif channel == 0 and all(
        n > 1 and r.start == 0 and len(r) == -(-source[n] // r.step)
        for n, r in enumerate(ranges)
        if n in cut
    ):
        # every so manieth pixel
        steps = [r.step for r in ranges[2:]]
        axes_count = len(steps)
        stride = steps[0] if len({*steps}) == 1 else steps
        call.make(f"max_pool{axes_count}d", {"kernel_size": 1, "stride": stride})
    elif channel == 0 and all(
        n > 1 and r.step == 1 for n, r in enumerate(ranges) if n in cut
    ):
        pads: list[int] = []
        for size, r in reversed(list(zip(source[2:], ranges[2:], strict=True))):
            pads += [-r.start, r.stop - size]
        call.make(f"zero_pad{len(source) - 2}d", {"padding": pads})
    else:
        raise _Refused("it takes a part along an axis that is not that of channels")


@_rule("torch.nn.functional.pad")
def _pad(call: _Reader) -> None:
    pad = call.settings["pad"]
    mode = call.settings.get("mode") or "constant"
    value = call.settings.get("value") or 0
    rank = call.rank
    pad = (pad, pad) if isinstance(pad, int) else tuple(pad)
    axes = rank - 2
    if not any(pad):
        call.nothing()
        return
    if (
        len(pad) > 2 * axes
        and not any(pad[: 2 * axes])
        and mode == "constant"
        and not value
    ):
        before, after = pad[2 * axes : 2 * axes + 2]
        call.make(
            "channel_pad", {"padding": before if before == after else [before, after]}
        )
        return
    if len(pad) > 2 * axes and any(pad[2 * axes :]):
        raise _Refused("it pads a map and its channels at once")
    pad = (*pad, *(0,) * (2 * axes))[: 2 * axes]
    name = {"constant": "constant_pad" if value else "zero_pad",
            "reflect": "reflection_pad", "replicate": "replication_pad"}.get(mode)  # fmt: skip
    if name is None:
        raise _Refused(f"no op pads with the mode {mode!r}")
    attributes: dict[str, Any] = {"padding": pad[0] if len({*pad}) == 1 else list(pad)}
    if value:
        attributes["value"] = float(value)
    call.make(f"{name}{axes}d", attributes)


@_rule("torch.nn.functional.interpolate")
def _interpolate(call: _Reader) -> None:
    if call.settings.get("antialias"):
        raise _Refused("no op resizes with `antialias`")
    mode = call.settings.get("mode", "nearest")
    attributes: dict[str, Any] = {}
    size, factor = call.settings.get("size"), call.settings.get("scale_factor")
    if size is not None:
        before = call.sizes(call.input)[1:]
        after = (size,) * len(before) if isinstance(size, int) else tuple(size)
        if before == after:
            call.nothing()
            return
        attributes["size"] = size
    else:
        attributes["scale_factor"] = factor
    attributes["mode"] = mode
    if call.settings.get("align_corners"):
        attributes["align_corners"] = True
    call.make("upsample", attributes)


@_rule("torch.nn.functional.adaptive_avg_pool2d", "torch.nn.functional.adaptive_avg_pool3d",
       "torch.adaptive_avg_pool1d", "torch.nn.functional.adaptive_max_pool1d",
       "torch.nn.functional.adaptive_max_pool2d",
       "torch.nn.functional.adaptive_max_pool3d")  # fmt: skip
def _adaptive(call: _Reader) -> None:
    size = call.settings.get("output_size", call.settings.get("1"))
    size = [("none" if s is None else s) for s in size] if is_sequence(size) else size
    name = call.call.function.rpartition(".")[2]
    call.make(name, {"output_size": size})


@_rule("torch.nn.functional.softmax", "torch.softmax", "torch.Tensor.softmax",
       "torch.nn.functional.log_softmax", "torch.log_softmax",
       "torch.Tensor.log_softmax")  # fmt: skip
def _softmax(call: _Reader) -> None:
    dim = call.settings.get("dim")
    if dim is None:
        raise _Refused("a softmax without a `dim`")
    call.make(call.call.function.rpartition(".")[2], {"dim": call.axis(dim)})


@_rule("torch.nn.functional.hardtanh", "torch.nn.functional.relu6")
def _hardtanh(call: _Reader) -> None:
    low = call.settings.get("min_val", 0.0 if "relu6" in call.call.function else -1.0)
    high = call.settings.get("max_val", 6.0 if "relu6" in call.call.function else 1.0)
    if (low, high) == (0.0, 6.0):
        call.make("relu6")
    else:
        call.make("hardtanh", {"min_val": float(low), "max_val": float(high)})
