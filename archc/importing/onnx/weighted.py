"""Operators with weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archc.importing.onnx.drawing import Computed, Known
from archc.importing.onnx.rules import Reading, one, plainly, rule
from archc.importing.onnx.windows import cut, padded, strided, window_of
from archc.importing.trace import Unsaid, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FOLDED = "FuseBatchNormIntoConv"


def _floats(array: Any) -> NDArray[Any]:
    """Weights as float32, in memory of their own."""
    import numpy

    if array.dtype.kind != "f":
        raise Unsaid(f"its weights are {array.dtype}, and not floating point")
    return numpy.array(array, dtype=numpy.float32)


def _names(node: Reading, *places: int) -> tuple[str, ...]:
    return tuple(node.tensor_name(at) for at in places if node.has(at))


def _note_folded(node: Reading, path: str) -> None:
    """A batch norm that the exporter put into the weights."""
    noted = any(_FOLDED in text for text in node.node.notes.values())
    # torch's older exporter gives what it folds names of its own
    if noted or node.tensor_name(1).startswith("onnx::Conv_"):
        node.drawing.folded.add(path)


def _check_channels(node: Reading, taken: int) -> None:
    """Raises Unsaid where weights are not for what is read, which no shape tells."""
    channels = node.sizes()[1]
    if channels != taken:
        raise Unsaid(f"its weights take {taken} channels, and it reads {channels}")


@rule("Conv")
def _conv(node: Reading) -> None:
    weight = _floats(node.constant(1, "weight"))
    _check_channels(node, weight.shape[1] * node.attribute("group", 1))
    window = window_of(node, weight.shape[2:])
    axes = len(window.kernel)
    draw, number = node.drawing, node.plain()
    path = draw.naming.path(_names(node, 1, 2), draw.chain, "conv")
    if not window.is_even:
        number = padded(node, number, window)
    settings: dict[str, Any] = {
        "input": Value(number),
        "weight": draw.tensor(f"{path}.weight", weight),
        "bias": None,
        **strided(window),
        "groups": node.attribute("group", 1),
    }
    settings["padding"] = one(window.before) if window.is_even else 0
    if node.has(2):
        bias = _floats(node.constant(2, "bias"))
        settings["bias"] = draw.tensor(f"{path}.bias", bias)
        _note_folded(node, path)
    made = draw.call(f"torch.conv{axes}d", settings, node.made[0], path=path)
    node.results = [plainly(made, axes + 2)]


@rule("ConvTranspose")
def _conv_transpose(node: Reading) -> None:
    weight = _floats(node.constant(1, "weight"))
    _check_channels(node, weight.shape[0])
    spatial, kernel = node.sizes()[2:], weight.shape[2:]
    axes = len(spatial)
    stride = node.attribute("strides", [1] * axes)
    dilation = node.attribute("dilations", [1] * axes)
    extra = list(node.attribute("output_padding", [0] * axes))
    pads = list(node.attribute("pads", [0] * (2 * axes)))
    before, behind = pads[:axes], pads[axes:]
    auto = node.attribute("auto_pad", "NOTSET")
    over = [0] * axes
    for n in range(axes):
        reach = dilation[n] * (kernel[n] - 1) + 1
        whole = stride[n] * (spatial[n] - 1) + reach + extra[n]
        if auto != "NOTSET" or node.attribute("output_shape"):
            off = whole - node.made[0][2 + n]
            less, more = off // 2, off - off // 2
            lower = auto == "SAME_LOWER"
            before[n], behind[n] = (more, less) if lower else (less, more)
        # what is cut off less behind is more of the output there
        extra[n] += before[n] - behind[n]
        over[n], extra[n] = max(-extra[n], 0), max(extra[n], 0)
        if extra[n] >= max(stride[n], dilation[n]) or before[n] < 0:
            raise Unsaid(f"its `pads` are {pads}, and `output_padding` {extra}")
    draw, number = node.drawing, node.plain()
    path = draw.naming.path(_names(node, 1, 2), draw.chain, "conv_transpose")
    settings: dict[str, Any] = {
        "input": Value(number),
        "weight": draw.tensor(f"{path}.weight", weight),
        "bias": None,
        "stride": one(stride), "padding": one(before),
        "output_padding": one(extra), "dilation": one(dilation),
        "groups": node.attribute("group", 1),
    }  # fmt: skip
    if node.has(2):
        bias = _floats(node.constant(2, "bias"))
        settings["bias"] = draw.tensor(f"{path}.bias", bias)
    sizes = [size + off for size, off in zip(node.made[0], [0, 0, *over], strict=True)]
    made = draw.call(f"torch.conv_transpose{axes}d", settings, sizes, path=path)
    node.results = [plainly(cut(node, made, node.made[0]), axes + 2)]


@rule("Gemm")
def _gemm(node: Reading) -> None:
    if node.attribute("transA", 0):
        raise Unsaid("it transposes what it reads")
    weight = _floats(node.constant(1, "weight"))
    weight = weight if node.attribute("transB", 0) else weight.T.copy()
    weight *= node.attribute("alpha", 1.0)
    bias = None
    if node.has(2):
        bias = _floats(node.constant(2, "bias")) * node.attribute("beta", 1.0)
        if bias.size not in (1, weight.shape[0]):
            raise Unsaid(f"its bias is of {bias.shape}")
        bias = _spread(bias, weight.shape[0])
    _linear(node, weight, bias, _names(node, 1, 2))


@rule("MatMul")
def _matmul(node: Reading) -> None:
    if not isinstance(node.held[1], Known):
        raise Unsaid("it multiplies computed values, as in attention, which no op does")
    weight = _floats(node.held[1].array)
    if weight.ndim != 2:
        raise Unsaid(f"it multiplies by a constant of {weight.ndim} axes")
    _linear(node, weight.T.copy(), None, _names(node, 1))


def _spread(bias: NDArray[Any], size: int) -> NDArray[Any]:
    import numpy

    return numpy.broadcast_to(bias.reshape(-1), (size,)).copy()


def _linear(
    node: Reading, weight: NDArray[Any], bias: Any, names: tuple[str, ...]
) -> None:
    draw = node.drawing
    path = draw.naming.path(names, draw.chain, "fc")
    settings = {
        "weight": draw.tensor(f"{path}.weight", weight),
        "bias": None if bias is None else draw.tensor(f"{path}.bias", bias),
    }
    node.give("torch.nn.functional.linear", settings, path)


@rule("BatchNormalization")
def _batch_norm(node: Reading) -> None:
    if node.attribute("training_mode", 0):
        raise Unsaid("it normalises by the statistics of the batch (`training_mode`)")
    if not node.attribute("spatial", 1):
        raise Unsaid("it normalises each place of the map on its own (`spatial`)")
    draw, held = node.drawing, node.computed()
    path = draw.naming.path(_names(node, 1, 2, 3, 4), draw.chain, "bn")
    if held.axes[1:2] != (1,):
        held = plainly(node.plain(), len(held.axes))
    draw_batch_norm(
        node, held, path, *(_floats(node.constant(at, "weight")) for at in range(1, 5)),
        eps=node.attribute("epsilon", 1e-5),
        momentum=1 - node.attribute("momentum", 0.9),
    )  # fmt: skip


def draw_batch_norm(
    node: Reading, held: Computed, path: str,
    weight: Any, bias: Any, mean: Any, variance: Any, *,
    eps: float, momentum: float = 0.1,
) -> None:  # fmt: skip
    """Adds a batch norm on a value, whose channels are on the trace's axis 1."""
    draw = node.drawing
    settings = {
        "input": Value(held.number),
        "running_mean": draw.tensor(f"{path}.running_mean", mean, trained=False),
        "running_var": draw.tensor(f"{path}.running_var", variance, trained=False),
        "weight": draw.tensor(f"{path}.weight", weight),
        "bias": draw.tensor(f"{path}.bias", bias),
        "training": False,
        "momentum": short(momentum),
        "eps": short(eps),
    }
    function = "torch.nn.functional.batch_norm"
    made = draw.call(function, settings, draw.sizes[held.number], path=path)
    node.results = [Computed(made, held.axes)]


def short(number: float) -> float:
    """A number of the file as it was written before it was a float32."""
    return float(f"{number:.6g}")


@rule("InstanceNormalization")
def _instance_norm(node: Reading) -> None:
    draw = node.drawing
    path = draw.naming.path(_names(node, 1, 2), draw.chain, "norm")
    settings = {
        "running_mean": None, "running_var": None,
        "weight": draw.tensor(f"{path}.weight", _floats(node.constant(1, "weight"))),
        "bias": draw.tensor(f"{path}.bias", _floats(node.constant(2, "bias"))),
        "eps": short(node.attribute("epsilon", 1e-5)),
    }  # fmt: skip
    node.give("torch.nn.functional.instance_norm", settings, path)


@rule("LayerNormalization")
def _layer_norm(node: Reading) -> None:
    draw, sizes = node.drawing, node.sizes()
    start = node.axis(node.attribute("axis", -1))
    weight = _floats(node.constant(1, "weight"))
    if weight.shape != sizes[start:]:
        raise Unsaid(f"its weight is of {weight.shape}")
    path = draw.naming.path(_names(node, 1, 2), draw.chain, "norm")
    bias = None
    if node.has(2):
        bias = draw.tensor(f"{path}.bias", _floats(node.constant(2, "bias")))
    settings = {
        "normalized_shape": sizes[start:],
        "weight": draw.tensor(f"{path}.weight", weight),
        "bias": bias,
        "eps": short(node.attribute("epsilon", 1e-5)),
    }
    node.give("torch.nn.functional.layer_norm", settings, path)


@rule("GroupNormalization")
def _group_norm(node: Reading) -> None:
    import numpy

    draw, channels = node.drawing, node.sizes()[1]
    groups = node.attribute("num_groups")
    arrays = [_floats(node.constant(at, "weight")) for at in (1, 2)]
    if any(array.size == groups != channels for array in arrays):
        arrays = [numpy.repeat(array, channels // groups) for array in arrays]
    path = draw.naming.path(_names(node, 1, 2), draw.chain, "norm")
    settings = {
        "num_groups": groups,
        "weight": draw.tensor(f"{path}.weight", arrays[0]),
        "bias": draw.tensor(f"{path}.bias", arrays[1]),
        "eps": short(node.attribute("epsilon", 1e-5)),
    }
    node.give("torch.nn.functional.group_norm", settings, path)


@rule("PRelu")
def _prelu(node: Reading) -> None:
    slope = _floats(node.constant(1, "slope"))
    channels = node.sizes()[1]
    shape = (*[1] * (len(node.sizes()) - slope.ndim), *slope.shape)
    if slope.size != 1 and [n for n, s in enumerate(shape) if s != 1] != [1]:
        raise Unsaid(f"its slope is of {slope.shape}, and not one for each channel")
    if slope.size not in (1, channels):
        raise Unsaid(f"its slope is of {slope.shape}")
    draw = node.drawing
    path = draw.naming.path(_names(node, 1), draw.chain, "prelu")
    weight = draw.tensor(f"{path}.weight", slope.reshape(-1))
    node.give("torch.nn.functional.prelu", {"weight": weight}, path)
