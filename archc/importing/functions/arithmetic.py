"""Arithmetic, by values, parameters and numbers."""

from __future__ import annotations

from math import prod
from typing import Any

from archc.importing.functions.statistics import ends_layer_norm
from archc.importing.nodes import Node
from archc.importing.reader import Reader, Refused, rule
from archc.importing.trace import Param, Value
from archc.ops.registry import OPS
from archc.spec.expressions import is_sequence

_HOW = frozenset({"alpha", "rounding_mode", "out"})


@rule("torch.Tensor.add", "torch.add", "torch.Tensor.__radd__", "torch.Tensor.__add__")
def _add(call: Reader) -> None:
    _weighed(call, "add")


@rule("torch.Tensor.mul", "torch.mul", "torch.Tensor.__rmul__", "torch.Tensor.__mul__")
def _mul(call: Reader) -> None:
    _binary(call, "mul")


@rule("torch.Tensor.sub", "torch.sub", "torch.Tensor.__sub__")
def _sub(call: Reader) -> None:
    _weighed(call, "sub")


def _weighed(call: Reader, op: str) -> None:
    """A sum or difference with `alpha` times the second value."""
    alpha = call.settings.get("alpha", 1)
    given = [v for k, v in call.settings.items() if k not in _HOW]
    if alpha == 1:
        _binary(call, op)
        return
    if len(given) != 2 or not all(isinstance(v, Value) for v in given):
        raise Refused("a sum with a parameter or number, of which one is weighed by"
                      " `alpha`")  # fmt: skip
    first, second = (call.graph.value(v.number) for v in given)
    factor = {"factor": float(alpha)}
    scaled = call.make("scale", factor, reads=(second,), last=False)
    call.make(op, reads=(first, scaled))


@rule("torch.Tensor.div", "torch.div", "torch.Tensor.__truediv__")
def _div(call: Reader) -> None:
    if call.settings.get("rounding_mode") is not None:
        raise Refused("a division that rounds")
    _binary(call, "div")


@rule("torch.Tensor.__rsub__", "torch.rsub")
def _rsub(call: Reader) -> None:
    """A number less what is read: the sum with its negative, to the bit."""
    given = [v for k, v in call.settings.items() if k not in _HOW]
    numbers = [v for v in given if isinstance(v, int | float)]
    if call.settings.get("alpha", 1) != 1:
        raise Refused("a difference of which one part is weighed by `alpha`")
    if len(numbers) != 1:
        raise Refused("it subtracts from a parameter, which no op does")
    negative = call.make("scale", {"factor": -1.0}, last=False)
    call.make("shift", {"offset": float(numbers[0])}, reads=(negative,))


def _binary(call: Reader, op: str) -> None:
    given = [v for k, v in call.settings.items() if k not in _HOW]
    operands: list[Any] = [
        call.graph.views.get(call.graph.value(v.number), v)
        if isinstance(v, Value)
        else v
        for v in given
    ]
    if len(operands) != 2:
        raise Refused(
            f"`{call.call.function}` is called otherwise than with two values"
        )
    first, second = operands
    held = [v for v in operands if isinstance(v, Param)]
    if held and not any(isinstance(v, Value) for v in operands):
        raise Refused(f"it computes with `{held[0].key}` alone, and ops take parameters"
                       " and buffers as they are")  # fmt: skip
    numbers = [v for v in operands if isinstance(v, int | float)]
    if all(isinstance(v, Value) for v in operands):
        values = [v for v in operands if isinstance(v, Value)]
        reads = tuple(call.graph.value(v.number) for v in values)
        if op == "mul" and (zeros := call.graph.zeros).intersection(reads):
            zeros.add(call.call.makes[0])
            return
        if op == "add" and (summand := _beside_zeros(call, reads)) is not None:
            call.graph.same[call.call.makes[0]] = summand
            return
        ranks = {len(call.sizes(n)) for n in reads}
        if len(ranks) > 1:
            raise Refused("it joins values that have not as many axes")
        call.make(op, reads=reads)
    elif op == "mul" and held:
        _scaled_by_parameter(call, operands, given)
    elif numbers and isinstance(first, Value):
        _with_number(call, op, call.graph.value(first.number), float(numbers[0]))
    elif numbers and isinstance(second, Value) and op in ("add", "mul"):
        _with_number(call, op, call.graph.value(second.number), float(numbers[0]))
    elif not _normalises(call, op, operands):
        kind = {"add": "adds", "sub": "subtracts", "div": "divides by"}.get(
            op, "multiplies"
        )
        raise Refused(f"it {kind} `{held[0].key}`, and no op does so with a parameter"
                       " or buffer" if held else f"no op {kind} a number")  # fmt: skip


def _normalises(call: Reader, op: str, operands: list[Any]) -> bool:
    """Whether a bias is added to what is normalised; then that is made."""
    values = [v for v in operands if isinstance(v, Value)]
    held = [v for v in operands if isinstance(v, Param)]
    if op != "add" or not values or not held:
        return False
    return ends_layer_norm(call, call.graph.value(values[0].number), held[0])


def _beside_zeros(call: Reader, reads: tuple[int, ...]) -> int | None:
    """The value to which zeros of its shape are added, as where a sum begins."""
    shapes = call.graph.trace.shapes
    others = [n for n in reads if n not in call.graph.zeros]
    made = call.call.makes[0]
    begins = len(others) == 1 and shapes[made][1:] == call.sizes(others[0])
    return others[0] if begins else None


def _with_number(call: Reader, op: str, read: int, number: float) -> None:
    neutral = {"add": 0.0, "sub": 0.0, "mul": 1.0, "div": 1.0}[op]
    if number == neutral:
        call.graph.same[call.call.makes[0]] = read
    elif op == "mul":
        call.make("scale", {"factor": number}, reads=(read,))
    elif op in ("add", "sub"):
        # a difference is the sum with what is as far on the other side, to the bit
        offset = number if op == "add" else -number
        call.make("shift", {"offset": offset}, reads=(read,))
    elif number and (total := _all_summed(call, read, number)) is not None:
        call.make("mean", total.attributes, reads=total.reads)
    elif number:
        call.make("scale", {"factor": 1 / number}, reads=(read,))
    else:
        raise Refused("it divides by zero")


def _all_summed(call: Reader, read: int, number: float) -> Node | None:
    """The sum that this value is, where it is over as many numbers as a map has: their
    quotient is the mean."""
    node = call.graph.maker(read)
    if node is None or node.op != "sum":
        return None
    source = call.graph.value(node.reads[0])
    dims: Any = node.attributes["dim"]
    axes = [int(dim) - 1 for dim in (dims if is_sequence(dims) else (dims,))]
    varying = call.graph.varying.get(source, ())
    over = prod(call.sizes(source)[axis] for axis in axes)
    return node if over == number and set(varying).intersection(axes) else None


def _scaled_by_parameter(call: Reader, operands: list[Any], given: list[Any]) -> None:
    """A learned factor for each channel."""
    (value,) = [v for v in operands if isinstance(v, Value)]
    (param,) = [v for v in operands if isinstance(v, Param)]
    (shown,) = [v for v, o in zip(given, operands, strict=True) if o is param]
    read = call.graph.value(value.number)
    shape = call.shape_of(read)
    tensor = call.tensors.get(param.key)
    if tensor is None or not tensor.trained:
        raise Refused(f"it multiplies by `{param.key}`, which is no parameter")
    owner, user = param.key.rpartition(".")[0], call.path
    if owner and owner != user and not user.startswith(f"{owner}."):
        raise Refused(f"it multiplies by `{param.key}`, and `{owner}`, which has it, is"
                       " not called")  # fmt: skip
    if tensor.shape in ((), (1,)):
        init = {} if tensor.fill is None else {"init": tensor.fill}
        one = {**init, "per_channel": False, "has_axis": bool(tensor.shape)}
        call.make("layer_scale", one, reads=(read,), key=param.key)
        return
    seen = tensor.shape
    if isinstance(shown, Value):
        seen = call.graph.trace.shapes[call.graph.value(shown.number)]
    seen = (1,) * (len(shape.dims) + 1 - len(seen)) + seen
    wide = [n for n, size in enumerate(seen) if size != 1]
    attributes = {"init": tensor.fill} if tensor.fill is not None else {}
    axis = shape.channel_axis
    if axis is None or wide not in ([axis + 1], []) or seen[axis + 1] != shape.channels:
        raise Refused(f"it multiplies by `{param.key}` of {tensor.shape}, which is no"
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
        scaled = call.make(
            "layer_scale", attributes, reads=(ahead,), key=param.key, last=False
        )
        call.make("permute", {"dims": back}, reads=(scaled,))
    else:
        raise Refused(f"`{param.key}` has the shape {tensor.shape}, which no op's"
                       " parameter has")  # fmt: skip


@rule("torch.Tensor.neg", "torch.neg", "torch.Tensor.__neg__")
def _neg(call: Reader) -> None:
    call.make("scale", {"factor": -1.0})


@rule("torch.abs", "torch.Tensor.abs", "torch.absolute", "torch.Tensor.__abs__")
def _absolute(call: Reader) -> None:
    """What is above zero, and what is below it turned about: to the bit."""
    above = call.make("relu", last=False)
    turned = call.make("scale", {"factor": -1.0}, last=False)
    below = call.make("relu", reads=(turned,), last=False)
    call.make("add", reads=(above, below))


@rule("torch.rsqrt", "torch.Tensor.rsqrt")
def _rsqrt(call: Reader) -> None:
    # which is how torch computes this power
    call.make("pow", {"exponent": -0.5})


@rule("torch.reciprocal", "torch.Tensor.reciprocal", "torch.Tensor.__rtruediv__",
       "torch.Tensor.__rdiv__")  # fmt: skip
def _reciprocal(call: Reader) -> None:
    """A number by what is read: the power that torch computes so, times the number."""
    number = call.given("other", 1, 1)
    if not isinstance(number, int | float):
        raise Refused("it divides a parameter, which no op does")
    if number == 1:
        call.make("pow", {"exponent": -1})
        return
    power = call.make("pow", {"exponent": -1}, last=False)
    call.make("scale", {"factor": float(number)}, reads=(power,))


@rule("torch.clamp_min", "torch.Tensor.clamp_min", "torch.clamp_max",
       "torch.Tensor.clamp_max")  # fmt: skip
def _clamped(call: Reader) -> None:
    side = call.call.function[-3:]
    limit = call.given(side, 1)
    if not isinstance(limit, int | float):
        raise Refused(f"the `{side}` of `{call.call.function}` is no number")
    call.make("clamp", {side: limit})


@rule("torch.square", "torch.Tensor.square")
def _square(call: Reader) -> None:
    call.make("pow", {"exponent": 2})


@rule("torch.nn.functional.dropout", "torch.nn.functional.dropout1d",
       "torch.nn.functional.dropout2d", "torch.nn.functional.dropout3d")  # fmt: skip
def _dropout(call: Reader) -> None:
    op = call.call.function.rpartition(".")[2]
    if bool(call.settings.get("training", True)) != call.graph.trace.training:
        state = (
            "on in evaluation" if call.settings.get("training") else "off in training"
        )
        raise Refused(f"a dropout that is {state}")
    p = float(call.settings.get("p", 0.5))
    if p == 0:
        call.nothing()
    else:
        call.make(op, {"p": p})
