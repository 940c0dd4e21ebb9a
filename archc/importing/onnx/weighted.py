"""Operators with weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archc.importing.onnx.drawing import Computed, Known
from archc.importing.onnx.rules import Reading, floats, one, plainly, rule
from archc.importing.onnx.windows import cut, padded, strided, window_of
from archc.importing.trace import Unsaid, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FOLDED = "FuseBatchNormIntoConv"


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
    weight = floats(node.constant(1, "weight"))
    _check_channels(node, weight.shape[1] * node.attribute("group", 1))
    window = window_of(node, weight.shape[2:])
    axes = len(window.kernel)
    draw, number = node.drawing, node.plain()
    path = draw.naming.path(node.names(1, 2), draw.chain, "conv")
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
        bias = node.per_channel(2, "bias", weight.shape[0])
        settings["bias"] = draw.tensor(f"{path}.bias", bias)
        _note_folded(node, path)
    made = draw.call(f"torch.conv{axes}d", settings, node.made[0], path=path)
    node.results = [plainly(made, axes + 2)]


@rule("ConvTranspose")
def _conv_transpose(node: Reading) -> None:
    weight = floats(node.constant(1, "weight"))
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
            # an odd number is more behind for SAME_UPPER alone
            lower = auto != "SAME_UPPER"
            before[n], behind[n] = (more, less) if lower else (less, more)
        # what is cut off less behind is more of the output there
        extra[n] += before[n] - behind[n]
        over[n], extra[n] = max(-extra[n], 0), max(extra[n], 0)
        if extra[n] >= max(stride[n], dilation[n]) or before[n] < 0:
            raise Unsaid(f"its `pads` are {pads}, and `output_padding` {extra}")
    draw, number = node.drawing, node.plain()
    path = draw.naming.path(node.names(1, 2), draw.chain, "conv_transpose")
    settings: dict[str, Any] = {
        "input": Value(number),
        "weight": draw.tensor(f"{path}.weight", weight),
        "bias": None,
        "stride": one(stride), "padding": one(before),
        "output_padding": one(extra), "dilation": one(dilation),
        "groups": node.attribute("group", 1),
    }  # fmt: skip
    if node.has(2):
        bias = node.per_channel(2, "bias", node.made[0][1])
        settings["bias"] = draw.tensor(f"{path}.bias", bias)
    sizes = [size + off for size, off in zip(node.made[0], [0, 0, *over], strict=True)]
    made = draw.call(f"torch.conv_transpose{axes}d", settings, sizes, path=path)
    node.results = [plainly(cut(node, made, node.made[0]), axes + 2)]


@rule("Gemm")
def _gemm(node: Reading) -> None:
    if node.attribute("transA", 0):
        raise Unsaid("it transposes what it reads")
    weight = floats(node.constant(1, "weight"))
    weight = weight if node.attribute("transB", 0) else weight.T.copy()
    weight *= node.attribute("alpha", 1.0)
    bias = None
    if node.has(2):
        bias = floats(node.constant(2, "bias")) * node.attribute("beta", 1.0)
        if bias.size not in (1, (bias.shape or (1,))[-1]):
            raise Unsaid(f"its bias is of {bias.shape}, which differs by sample")
        bias = _spread(bias, weight.shape[0])
    _linear(node, weight, bias, node.names(1, 2))


@rule("MatMul")
def _matmul(node: Reading) -> None:
    if len(node.values) == 2:
        raise Unsaid("it multiplies computed values, as in attention, which no op does")
    at = 0 if isinstance(node.held[0], Known) else 1
    weight = floats(node.constant(at, "weight"))
    while weight.ndim > 2 and weight.shape[0] == 1:
        weight = weight[0]
    if weight.ndim != 2:
        raise Unsaid(f"it multiplies by a constant of {weight.ndim} axes")
    if at == 1:
        _linear(node, weight.T.copy(), None, node.names(1))
        return
    # a constant from the left works on the axis before the last one
    names = node.names(0)
    node.held = [_turned(node.computed(1))]
    *around, high, wide = node.made[0]
    node.made = [(*around, wide, high)]
    _linear(node, weight, None, names)
    (made,) = node.results
    assert isinstance(made, Computed)
    node.results = [_turned(made)]


def _turned(held: Computed) -> Computed:
    """A value with its last two axes in each other's place."""
    *around, high, wide = held.axes
    return Computed(held.number, (*around, wide, high))


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


@rule("PRelu")
def _prelu(node: Reading) -> None:
    slope = floats(node.constant(1, "slope"))
    draw, held = node.drawing, node.computed()
    shape = (*[1] * (len(held.axes) - slope.ndim), *slope.shape)
    wide = [held.axes[n] for n, size in enumerate(shape) if size != 1]
    if len(wide) == 1 and wide != [0]:
        held = node.with_channels(held, wide[0])
        wide = [1]
    if wide not in ([], [1]) or slope.size not in (1, draw.sizes[held.number][1]):
        raise Unsaid(f"its slope is of {slope.shape}, and not one for each channel")
    path = draw.naming.path(node.names(1), draw.chain, "prelu")
    weight = draw.tensor(f"{path}.weight", slope.reshape(-1))
    settings = {"input": Value(held.number), "weight": weight}
    function, sizes = "torch.nn.functional.prelu", draw.sizes[held.number]
    number = draw.call(function, settings, sizes, path=path)
    node.results = [Computed(number, held.axes)]
