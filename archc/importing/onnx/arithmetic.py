"""Arithmetic on values, with constants of each channel put into what stands before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archc.importing.onnx.drawing import Computed, Known
from archc.importing.onnx.norms import draw_batch_norm
from archc.importing.onnx.rules import Reading, rule
from archc.importing.trace import Unsaid, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FUNCTIONS = {"Add": "torch.add", "Sub": "torch.sub", "Mul": "torch.mul",
              "Div": "torch.div", "Sum": "torch.add", "Mean": "torch.add"}  # fmt: skip
_EPS = 1e-5
_CONVOLVES = frozenset({"conv1d", "conv2d", "conv3d", "linear"})
_NORMALISES = frozenset({"batch_norm", "group_norm", "layer_norm"})
_LAST = frozenset({"linear", "layer_norm"})
"""What has its channels on the last axis."""


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


@rule("Sum", "Mean")
def _sum(node: Reading) -> None:
    count = len(node.held)
    if count == 1:
        node.same()
        return
    if len(node.values) != count:
        raise Unsaid("it adds a constant to several values")
    _merge(node)
    if node.node.op == "Mean":
        node.held = node.results
        node.chain(("torch.mul", {"other": 1 / count}))


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
    channels, axis = _by_axis(node, held, array)
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
    own = axis == _channel_axis(node, held)
    if own and _into_layer(node, held, 1 - at, factor, summand):
        node.results = [held]
        return
    draw = node.drawing
    if len(held.axes) > 5:
        raise Unsaid("it works on a value of more axes than a volume has")
    held = node.with_channels(held, axis)
    path = draw.naming.path((node.tensor_name(at),), draw.chain, "bn")
    draw.spread.add(path)
    zeros = numpy.zeros_like(factor)
    # the square root of 1 - eps + eps is 1: it is a factor and a summand
    ones = zeros + (1 - _EPS)
    draw_batch_norm(node, held, path, factor, summand, zeros, ones, eps=_EPS)


def _by_axis(
    node: Reading, held: Computed, array: NDArray[Any]
) -> tuple[NDArray[Any], int]:
    """The constant as one number for each place along one axis of the trace's value,
    and that axis."""
    import numpy

    rank = len(held.axes)
    if array.ndim == rank and numpy.allclose(array, array[:1], 1e-6, 1e-6):
        array = array[:1]  # the same for all samples
    shape = (*[1] * (rank - array.ndim), *array.shape)
    # as the axes are in the trace
    order = [held.axes.index(n) for n in range(rank)]
    sizes = node.drawing.sizes[held.number]
    placed = array.reshape(shape)
    placed = numpy.transpose(placed, order) if len(shape) == rank else placed
    wide = [n for n, size in enumerate(placed.shape) if size != 1]
    if len(shape) != rank or len(wide) != 1 or wide[0] == 0:
        wide = []
    if not wide or placed.shape[wide[0]] != sizes[wide[0]]:
        said = {"Add": "adds", "Sub": "subtracts", "Div": "divides by"}
        does = said.get(node.node.op, "multiplies by")
        raise Unsaid(f"it {does} a constant of {array.shape}, which is no number for"
                     " each channel")  # fmt: skip
    return numpy.array(placed.reshape(-1), dtype=numpy.float32), wide[0]


def _channel_axis(node: Reading, held: Computed) -> int:
    """The axis of the trace's value that has its channels."""
    maker = node.drawing.maker(held.number)
    if maker is not None and maker.function.rpartition(".")[2] in _LAST:
        return len(held.axes) - 1
    return 1


def _into_layer(
    node: Reading, held: Computed, at: int, factor: NDArray[Any], summand: NDArray[Any]
) -> bool:
    """Puts a factor and a summand of each channel into the layer that makes them."""
    draw, maker = node.drawing, node.drawing.maker(held.number)
    if maker is None or not node.is_alone(at):
        return False
    function = maker.function.rpartition(".")[2]
    convolves = function in _CONVOLVES
    if not convolves and function not in _NORMALISES:
        return False
    settings = maker.settings
    if settings.get("weight") is None:
        settings = _affine(node, held, node.tensor_name(1 - at), len(factor))
    weight, bias = settings["weight"], settings["bias"]
    path = weight.key.removesuffix(".weight")
    if any(node.readers[name] > 1 for name in draw.naming.taken[path][:1]):
        return False  # it may be applied again
    behind = draw.weights[weight.key].ndim - 1
    if behind and not convolves:
        return False
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


def _affine(node: Reading, held: Computed, name: str, channels: int) -> dict[str, Any]:
    """Gives a normalisation a weight and a bias that change nothing yet."""
    import numpy

    draw = node.drawing
    path = draw.naming.path((name,), draw.chain, "norm")
    weight = draw.tensor(f"{path}.weight", numpy.ones(channels, numpy.float32))
    bias = draw.tensor(f"{path}.bias", numpy.zeros(channels, numpy.float32))
    draw.move(held.number, path)
    draw.change(held.number, weight=weight, bias=bias)
    return {"weight": weight, "bias": bias}


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
