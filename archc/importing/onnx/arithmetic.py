"""Arithmetic on values, with constants of each channel put into what stands before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archc.importing.onnx.drawing import Computed, Known
from archc.importing.onnx.rules import Reading, rule
from archc.importing.onnx.weighted import draw_batch_norm
from archc.importing.trace import Param, Unsaid, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FUNCTIONS = {"Add": "torch.add", "Sub": "torch.sub", "Mul": "torch.mul",
              "Div": "torch.div", "Sum": "torch.add"}  # fmt: skip
_EPS = 1e-5


@rule("Add", "Sub", "Mul", "Div")
def _binary(node: Reading) -> None:
    if len(node.values) == 2:
        _merge(node)
        return
    at = next(n for n, held in enumerate(node.held) if isinstance(held, Known))
    array = node.constant(at, "operand")
    if array.dtype.kind != "f" and array.dtype.kind not in "iu":
        raise Unsaid(f"it works on {array.dtype}")
    if array.size == 1 and array.ndim <= len(node.sizes(1 - at)):
        _with_number(node, at, float(array.flat[0]))
    else:
        _with_channels(node, at, array)


@rule("Sum")
def _sum(node: Reading) -> None:
    if len(node.held) == 1:
        node.same()
    elif len(node.values) != len(node.held):
        raise Unsaid("it adds a constant to several values")
    else:
        _merge(node)


def _merge(node: Reading) -> None:
    """Values of one shape, or some that are spread."""
    if len({len(node.sizes(at)) for at in range(len(node.held))}) > 1:
        raise Unsaid("it joins values that have not as many axes")
    numbers, axes = node.along()
    function = _FUNCTIONS[node.node.op]
    first = numbers[0]
    for other in numbers[1:]:
        sizes = zip(node.drawing.sizes[first], node.drawing.sizes[other], strict=True)
        settings = {"input": Value(first), "other": Value(other)}
        first = node.drawing.call(function, settings, [max(pair) for pair in sizes])
    node.results = [Computed(first, axes)]


def _with_number(node: Reading, at: int, number: float) -> None:
    op = node.node.op
    held = node.computed(1 - at)
    sizes = node.drawing.sizes[held.number]
    number = float(f"{number:.7g}")
    settings: dict[str, Any] = {"input": Value(held.number), "other": number}
    if at == 0 and op in ("Sub", "Div"):
        if op == "Div":
            source = {"input": Value(held.number), "exponent": -1}
            inner = node.drawing.call("torch.pow", source, sizes)
            op = "Mul"
        else:
            source = {"input": Value(held.number), "other": -1.0}
            inner = node.drawing.call("torch.mul", source, sizes)
            op = "Add"
        settings["input"] = Value(inner)
    if op == "Div" and number:
        op, settings["other"] = "Mul", 1 / number
    made = node.drawing.call(_FUNCTIONS[op], settings, sizes)
    node.results = [Computed(made, held.axes)]


def _with_channels(node: Reading, at: int, array: NDArray[Any]) -> None:
    """A constant for each channel: a part of the layer before, or a batch norm."""
    import numpy

    op = node.node.op
    held = node.computed(1 - at)
    channels = _by_channel(node, held, array)
    if channels is None:
        said = {"Add": "adds", "Sub": "subtracts", "Div": "divides by"}
        raise Unsaid(f"it {said.get(op, 'multiplies by')} a constant of {array.shape},"
                     " which is no number for each channel")  # fmt: skip
    factor, summand = numpy.ones_like(channels), numpy.zeros_like(channels)
    if op == "Mul":
        factor = channels
    elif op == "Div" and at == 1:
        factor = 1 / channels
    elif op == "Div":
        raise Unsaid("it divides a constant by what it reads")
    elif op == "Add" or at == 0:
        summand = channels
    else:
        summand = -channels
    if op == "Sub" and at == 0:
        factor = -factor
    if _into_layer(node, held, 1 - at, factor, summand):
        node.results = [held]
        return
    draw = node.drawing
    if _channel_axis(node, held) != 1 or len(held.axes) > 5:
        raise Unsaid("it works on channels of a value that is no map")
    path = draw.naming.path((node.tensor_name(at),), draw.chain, "bn")
    draw.spread.add(path)
    zeros = numpy.zeros_like(factor)
    # the square root of 1 - eps + eps is 1: it is a factor and a summand
    ones = zeros + (1 - _EPS)
    draw_batch_norm(node, held, path, factor, summand, zeros, ones, eps=_EPS)


def _by_channel(node: Reading, held: Computed, array: NDArray[Any]) -> Any:
    """The constant as one number for each channel; None if it is none."""
    import numpy

    rank = len(held.axes)
    shape = (*[1] * (rank - array.ndim), *array.shape)
    if len(shape) != rank:
        return None
    # as the axes are in the trace
    order = [held.axes.index(n) for n in range(rank)]
    placed = numpy.transpose(array.reshape(shape), order)
    sizes = node.drawing.sizes[held.number]
    wide = [n for n, size in enumerate(placed.shape) if size != 1]
    channel = _channel_axis(node, held)
    if wide != [channel] or placed.shape[channel] != sizes[channel]:
        return None
    return numpy.array(placed.reshape(-1), dtype=numpy.float32)


def _channel_axis(node: Reading, held: Computed) -> int:
    """The axis of the trace's value that has its channels."""
    maker = node.drawing.maker(held.number)
    if maker is not None and maker.function == "torch.nn.functional.linear":
        return len(held.axes) - 1
    return 1


def _into_layer(
    node: Reading, held: Computed, at: int, factor: NDArray[Any], summand: NDArray[Any]
) -> bool:
    """Puts a factor and a summand of each channel into the layer that makes them."""
    draw, maker = node.drawing, node.drawing.maker(held.number)
    weight = None if maker is None else maker.settings.get("weight")
    if maker is None or not isinstance(weight, Param) or not node.is_alone(at):
        return False
    function = maker.function.rpartition(".")[2]
    convolves = function in ("conv1d", "conv2d", "conv3d", "linear")
    if not convolves and function != "batch_norm":
        return False
    path = weight.key.removesuffix(".weight")
    if any(node.readers[name] > 1 for name in draw.naming.taken[path][:1]):
        return False  # it may be applied again
    bias = maker.settings.get("bias")
    behind = draw.weights[weight.key].ndim - 1
    draw.tensor(
        weight.key, draw.weights[weight.key] * factor.reshape(-1, *[1] * behind)
    )
    if bias is not None or summand.any():
        old = draw.weights[bias.key] * factor if bias is not None else 0 * summand
        made = draw.tensor(f"{path}.bias", old + summand)
        draw.change(held.number, bias=made)
    if convolves and not (factor == 1).all():
        draw.folded.add(path)
    return True


@rule("Neg")
def _neg(node: Reading) -> None:
    node.each("torch.mul", {"other": -1.0})


@rule("Exp", "Sqrt")
def _plainly(node: Reading) -> None:
    node.each(f"torch.{node.node.op.lower()}")


@rule("Reciprocal")
def _reciprocal(node: Reading) -> None:
    node.each("torch.pow", {"exponent": -1})


@rule("Pow")
def _pow(node: Reading) -> None:
    exponent = node.constant(1, "exponent")
    if exponent.size != 1:
        raise Unsaid("it takes a power of its own for each number")
    number = float(exponent.flat[0])
    whole = int(number) if number.is_integer() else number
    if number == 0.5:
        node.each("torch.sqrt")
    else:
        node.each("torch.pow", {"exponent": whole})
