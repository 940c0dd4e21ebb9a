"""What each type of layer computes, by Caffe's own rules."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from archc.importing.prototxt.drawing import Drawing
from archc.importing.prototxt.layers import Layer
from archc.importing.prototxt.text import Message
from archc.importing.trace import Sizes, Value

_BESIDES = frozenset({"weight_filler", "bias_filler", "filler", "engine", "top_k",
                      "force_nd_im2col", "bias_value"})  # fmt: skip
"""Keys that say how weights start, or how it is computed, and not what."""


class Unsaid(Exception):
    """Why a layer cannot be said in a spec."""


class Reading:
    """A layer that is read: its values, and what it says of itself."""

    def __init__(self, drawing: Drawing, layer: Layer) -> None:
        self.drawing = drawing
        self.layer = layer
        self.scale = layer.scale
        sizes = [drawing.sizes(value) for value in layer.reads]
        self.sizes = [each for each in sizes if each is not None]
        self.inputs = [Value(drawing.numbers[value]) for value in layer.reads]
        self._params: list[Message] = []

    @property
    def size(self) -> Sizes:
        """Of what is read first."""
        if not self.sizes:
            raise Unsaid("it reads nothing")
        return self.sizes[0]

    @property
    def input(self) -> Value:
        return self.inputs[0]

    def param(self, key: str, of: Layer | None = None) -> Message:
        """Its settings."""
        found = (of or self.layer).message.message(key)
        self._params.append(found)
        return found

    def check(self) -> None:
        """Nothing may be said that no one has read."""
        for message in self._params:
            odd = [name for name, _ in message.unasked() if name not in _BESIDES]
            if odd:
                raise Unsaid(f"nothing is known of its `{odd[0]}`")

    def call(
        self,
        function: str,
        settings: dict[str, Any],
        *sizes: Sizes,
        named: bool = False,
    ) -> Value:
        """Adds a call on what is read first."""
        given: dict[str, Any] = {"input": self.input, **settings}
        return self.drawing.call(self.layer, function, given, *sizes, named=named)

    def path(self, *tensors: str) -> str:
        """Where its tensors stand: those of an earlier layer, if it shares them."""
        names = [m.text("name") for m in self.layer.message.messages("param")]
        shared = tuple(name for name in names if name)
        path = self.drawing.path(self.layer)
        if not shared:
            return path
        if len(shared) != len(tensors):
            raise Unsaid("it shares one of its tensors with another layer, not all")
        return self.drawing.paths.setdefault(shared, path)


Rule = Callable[[Reading], Value]
RULES: dict[str, Rule] = {}


def rule(*types: str) -> Callable[[Rule], Rule]:
    """Reads layers of these types."""

    def noted(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(types, function))
        return function

    return noted


def window(param: Message, name: str, default: int | None) -> tuple[int, int]:
    """A number for each axis of a map; `kernel` is `kernel_size` where it is one."""
    short = "kernel" if name == "kernel_size" else name
    given = param.integers(name)
    high, wide = f"{short}_h", f"{short}_w"
    if param.has(high) or param.has(wide):
        if given:
            raise Unsaid(f"it says both `{name}` and `{high}`")
        return param.integer(high, default or 0), param.integer(wide, default or 0)
    if not given and default is None:
        raise Unsaid(f"it has no `{name}`")
    if len(given) > 2:
        raise Unsaid(f"its `{name}` is of {len(given)} axes")
    first, last = (given[0], given[-1]) if given else (default or 0, default or 0)
    return first, last


def one(pair: tuple[int, int]) -> Any:
    """One number in place of the same twice."""
    return pair[0] if pair[0] == pair[1] else list(pair)


def need_map(sizes: Sizes) -> tuple[int, int, int]:
    """Channels, height and width."""
    if len(sizes) != 3:
        raise Unsaid(f"it works on maps, and reads {' x '.join(map(str, sizes))}")
    return sizes[0], sizes[1], sizes[2]


@rule("Convolution", "Deconvolution")
def _convolution(layer: Reading) -> Value:
    param = layer.param("convolution_param")
    channels, *map_size = need_map(layer.size)
    kernel = window(param, "kernel_size", None)
    stride, pad = window(param, "stride", 1), window(param, "pad", 0)
    dilation = window(param, "dilation", 1)
    out, groups = param.integer("num_output"), param.integer("group", 1)
    if param.integer("axis", 1) != 1:
        raise Unsaid("its channels are on another axis than 1")
    if out < 1 or groups < 1 or min(*kernel, *stride, *dilation) < 1:
        raise Unsaid("its `num_output`, `kernel_size`, `stride` or `group` is below 1")
    if channels % groups or out % groups:
        raise Unsaid(f"{channels} and {out} channels are no {groups} equal groups")
    turned = layer.layer.type == "Deconvolution"
    sizes: list[int] = []
    for n, size in enumerate(map_size):
        reach = dilation[n] * (kernel[n] - 1) + 1
        if turned:
            sizes.append(stride[n] * (size - 1) + reach - 2 * pad[n])
        else:
            sizes.append((size + 2 * pad[n] - reach) // stride[n] + 1)
    has_bias = param.flag("bias_term", True)
    path = layer.path(*["weight", *["bias"] * has_bias])
    many, few = (channels, out) if turned else (out, channels)
    draw = layer.drawing
    weight = draw.tensor(f"{path}.weight", many, few // groups, *kernel)
    bias = draw.tensor(f"{path}.bias", out) if has_bias else None
    settings = {
        "weight": weight, "bias": bias, "stride": one(stride), "padding": one(pad),
        "dilation": one(dilation), "groups": groups,
    }  # fmt: skip
    made = (out, *sizes)
    if turned:
        draw.count(path, out // groups * prod(kernel), layer.size)
        return layer.call("torch.conv_transpose2d", settings, made)
    draw.count(path, channels // groups * prod(kernel), made)
    return layer.call("torch.conv2d", settings, made)


@rule("InnerProduct")
def _inner_product(layer: Reading) -> Value:
    param = layer.param("inner_product_param")
    if param.integer("axis", 1) != 1:
        raise Unsaid("it keeps more axes than that of the batch")
    param.flag("transpose", False)  # how the weights lie in the file
    out, features = param.integer("num_output"), prod(layer.size)
    has_bias = param.flag("bias_term", True)
    path = layer.path(*["weight", *["bias"] * has_bias])
    source, draw = layer.input, layer.drawing
    if len(layer.size) > 1:
        settings = {"input": source, "start_dim": 1}
        flat = (features,)
        source = draw.call(layer.layer, "torch.flatten", settings, flat, ahead=True)
    draw.count(path, features, (out,))
    settings = {
        "input": source,
        "weight": draw.tensor(f"{path}.weight", out, features),
        "bias": draw.tensor(f"{path}.bias", out) if has_bias else None,
    }
    return layer.call("torch.nn.functional.linear", settings, (out,))


@rule("Pooling")
def _pooling(layer: Reading) -> Value:
    param = layer.param("pooling_param")
    channels, *map_size = need_map(layer.size)
    kind = {"0": "MAX", "1": "AVE"}.get(
        param.text("pool", "MAX"), param.text("pool", "MAX")
    )
    if kind not in ("MAX", "AVE"):
        raise Unsaid(f"no op pools as {kind}")
    name = {"MAX": "max", "AVE": "avg"}[kind]
    over = param.flag("global_pooling", False)
    kernel = (0, 0) if over else window(param, "kernel_size", None)
    stride, pad = window(param, "stride", 1), window(param, "pad", 0)
    rounding = param.text("round_mode", "CEIL")
    if rounding not in ("CEIL", "FLOOR", "0", "1"):
        raise Unsaid(f"its `round_mode` is {rounding}")
    if not over and min(*kernel, *stride) < 1:
        raise Unsaid("its `kernel_size` or `stride` is below 1")
    # over the whole map, as `global_pooling` says
    whole = kind == "AVE" and list(kernel) == map_size and pad == (0, 0)
    if over or whole:
        function = f"torch.nn.functional.adaptive_{name}_pool2d"
        return layer.call(function, {"output_size": 1}, (channels, 1, 1), named=True)
    ceil = rounding in ("CEIL", "0")
    sizes: list[int] = []
    for n, size in enumerate(map_size):
        free = size + 2 * pad[n] - kernel[n]
        count = (-(-free // stride[n]) if ceil else free // stride[n]) + 1
        # the last window has to start on the map or in the padding before it
        if any(pad) and (count - 1) * stride[n] >= size + pad[n]:
            count -= 1
        sizes.append(count)
    settings: dict[str, Any] = {"kernel_size": one(kernel), "padding": one(pad)}
    if stride != kernel:
        settings["stride"] = one(stride)
    if ceil and max(stride) > 1:
        settings["ceil_mode"] = True
    function = f"torch.nn.functional.{name}_pool2d"
    return layer.call(function, settings, (channels, *sizes), named=True)


@rule("LRN")
def _local_response_norm(layer: Reading) -> Value:
    param = layer.param("lrn_param")
    if param.text("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
        raise Unsaid("no op normalises by the neighbours in a channel (WITHIN_CHANNEL)")
    size = param.integer("local_size", 5)
    if size % 2 == 0:
        raise Unsaid(f"its `local_size` is {size}, and Caffe takes odd ones alone")
    settings = {
        "size": size, "alpha": param.number("alpha", 1.0),
        "beta": param.number("beta", 0.75), "k": param.number("k", 1.0),
    }  # fmt: skip
    function = "torch.nn.functional.local_response_norm"
    return layer.call(function, settings, layer.size, named=True)


@rule("BatchNorm")
def _batch_norm(layer: Reading) -> Value:
    param = layer.param("batch_norm_param")
    channels = layer.size[0]
    path = layer.drawing.path(layer.layer)
    parts = [layer.layer, *([layer.scale] if layer.scale is not None else [])]
    if any(m.has("name") for part in parts for m in part.message.messages("param")):
        raise Unsaid("it shares its statistics with another layer")
    affine = layer.scale is not None
    if layer.scale is not None:
        scale = layer.param("scale_param", layer.scale)
        if scale.integer("axis", 1) != 1 or scale.integer("num_axes", 1) != 1:
            raise Unsaid(f"`{layer.scale.name}` behind it does not scale channels")
        if not scale.flag("bias_term", False):
            raise Unsaid(f"`{layer.scale.name}` behind it has no `bias_term`, and a"
                         " batch norm has weight and bias or neither")  # fmt: skip
    frozen = param.flag("use_global_stats", False)
    kept = param.number("moving_average_fraction", 0.999)
    said = param.has("moving_average_fraction") and not frozen
    tensor = layer.drawing.tensor
    settings = {
        "running_mean": tensor(f"{path}.running_mean", channels, trained=False),
        "running_var": tensor(f"{path}.running_var", channels, trained=False),
        "weight": tensor(f"{path}.weight", channels) if affine else None,
        "bias": tensor(f"{path}.bias", channels) if affine else None,
        "training": layer.drawing.trace.training,
        "momentum": round(1 - kept, 12) if said else 0.1,
        "eps": param.number("eps", 1e-5),
    }
    return layer.call("torch.nn.functional.batch_norm", settings, layer.size)


@rule("Scale")
def _scale(layer: Reading) -> Value:
    layer.param("scale_param")
    raise Unsaid("no op scales channels but behind a BatchNorm")


@rule("ReLU")
def _relu(layer: Reading) -> Value:
    slope = layer.param("relu_param").number("negative_slope", 0.0)
    if not slope:
        return layer.call("torch.relu", {}, layer.size, named=True)
    function = "torch.nn.functional.leaky_relu"
    return layer.call(function, {"negative_slope": slope}, layer.size, named=True)


@rule("PReLU")
def _prelu(layer: Reading) -> Value:
    shared = layer.param("prelu_param").flag("channel_shared", False)
    path = layer.path("weight")
    count = 1 if shared else layer.size[0]
    weight = layer.drawing.tensor(f"{path}.weight", count)
    return layer.call("torch.nn.functional.prelu", {"weight": weight}, layer.size)


@rule("ELU")
def _elu(layer: Reading) -> Value:
    alpha = layer.param("elu_param").number("alpha", 1.0)
    function = "torch.nn.functional.elu"
    return layer.call(function, {"alpha": alpha}, layer.size, named=True)


@rule("Sigmoid", "TanH", "BNLL", "Softmax", "Split")
def _plainly(layer: Reading) -> Value:
    kind = layer.layer.type
    if kind == "Softmax" and layer.param("softmax_param").integer("axis", 1) != 1:
        raise Unsaid("its `axis` is not that of the channels")
    settings = {"dim": 1} if kind == "Softmax" else {}
    function = {"Sigmoid": "torch.sigmoid", "TanH": "torch.tanh",
                "BNLL": "torch.nn.functional.softplus", "Softmax": "torch.softmax",
                "Split": "torch.clone"}[kind]  # fmt: skip
    return layer.call(function, settings, layer.size, named=True)


@rule("Power")
def _power(layer: Reading) -> Value:
    param = layer.param("power_param")
    power, shift = param.number("power", 1.0), param.number("shift", 0.0)
    if power != 1 or shift:
        raise Unsaid("no op adds to all numbers, or takes a power of them so")
    factor = param.number("scale", 1.0)
    settings = {"input": layer.input, "other": factor}
    return layer.call("torch.mul", settings, layer.size)


@rule("Dropout")
def _dropout(layer: Reading) -> Value:
    p = layer.param("dropout_param").number("dropout_ratio", 0.5)
    settings = {"p": p, "training": layer.drawing.trace.training}
    function = "torch.nn.functional.dropout"
    return layer.call(function, settings, layer.size, named=True)


@rule("Flatten")
def _flatten(layer: Reading) -> Value:
    param = layer.param("flatten_param")
    if (param.integer("axis", 1), param.integer("end_axis", -1)) != (1, -1):
        raise Unsaid("it does not flatten all axes of a sample")
    return layer.call("torch.flatten", {"start_dim": 1}, (prod(layer.size),))


@rule("Reshape")
def _reshape(layer: Reading) -> Value:
    param = layer.param("reshape_param")
    dims = param.message("shape").integers("dim")
    if param.integer("axis", 0) or param.integer("num_axes", -1) != -1 or not dims:
        raise Unsaid("it reshapes a part of the axes")
    if dims[0] != 0:
        raise Unsaid("it lays samples of a batch out on other axes")
    whole = prod(layer.size)
    sizes = [layer.size[n] if d == 0 and n < len(layer.size) else d
             for n, d in enumerate(dims[1:])]  # fmt: skip
    known = prod(d for d in sizes if d > 0)
    sizes = [whole // known if d == -1 else d for d in sizes]
    if not sizes or min(sizes) < 1 or prod(sizes) != whole:
        raise Unsaid(f"{layer.size} is not reshaped to {dims[1:]}")
    return layer.call("torch.reshape", {"shape": (-1, *sizes)}, tuple(sizes))
