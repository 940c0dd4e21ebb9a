"""Layers of one value, without weights."""

from __future__ import annotations

from math import prod
from typing import Any

from archc.importing.prototxt.rules import Reading, need_map, one, rule, window
from archc.importing.trace import Unsaid, Value


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


@rule("ReLU")
def _relu(layer: Reading) -> Value:
    slope = layer.param("relu_param").number("negative_slope", 0.0)
    if not slope:
        return layer.call("torch.relu", {}, layer.size, named=True)
    function = "torch.nn.functional.leaky_relu"
    return layer.call(function, {"negative_slope": slope}, layer.size, named=True)


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
