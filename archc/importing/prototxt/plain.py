"""Layers of one value, without weights."""

from __future__ import annotations

from math import log, prod
from typing import Any

from archc.importing.prototxt.rules import Reading, need_map, one, rule, window
from archc.importing.trace import BATCH, Unsaid, Value


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
        if (count - 1) * stride[n] >= size + pad[n]:
            raise Unsaid("its last window starts behind the map, and reads nothing")
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
    settings: dict[str, Any] = {}
    if kind == "Softmax":
        axis = layer.param("softmax_param").integer("axis", 1)
        settings["dim"] = layer.axis(axis)
    function = {"Sigmoid": "torch.sigmoid", "TanH": "torch.tanh",
                "BNLL": "torch.nn.functional.softplus", "Softmax": "torch.softmax",
                "Split": "torch.clone"}[kind]  # fmt: skip
    return layer.call(function, settings, layer.size, named=True)


@rule("Power")
def _power(layer: Reading) -> Value:
    param = layer.param("power_param")
    power = param.number("power", 1.0)
    if not power:
        raise Unsaid("it gives the same number whatever it reads (`power: 0`)")
    value = layer.times(layer.input, param.number("scale", 1.0))
    value = layer.plus(value, param.number("shift", 0.0))
    if power == 1:
        return value
    exponent = int(power) if power.is_integer() else power
    settings = {"input": value, "exponent": exponent}
    return layer.call("torch.pow", settings, layer.size)


@rule("Exp")
def _exp(layer: Reading) -> Value:
    param = layer.param("exp_param")
    base = param.number("base", -1.0)
    if base <= 0 and base != -1:
        raise Unsaid(f"its `base` is {base:g}")
    # the base of natural logarithms is said by -1
    factor = 1.0 if base == -1 else log(base)
    value = layer.times(layer.input, param.number("scale", 1.0) * factor)
    value = layer.plus(value, param.number("shift", 0.0) * factor)
    return layer.call("torch.exp", {"input": value}, layer.size)


@rule("AbsVal")
def _absolute(layer: Reading) -> Value:
    """What is above zero, and what is below it turned about."""
    above = layer.call("torch.relu", {}, layer.size)
    below = {"input": layer.times(layer.input, -1.0)}
    settings = {"input": above, "other": layer.call("torch.relu", below, layer.size)}
    return layer.call("torch.add", settings, layer.size)


@rule("Swish")
def _swish(layer: Reading) -> Value:
    beta = layer.param("swish_param").number("beta", 1.0)
    if beta == 1:
        return layer.call("torch.nn.functional.silu", {}, layer.size, named=True)
    inner = {"input": layer.times(layer.input, beta)}
    gate = layer.call("torch.sigmoid", inner, layer.size)
    return layer.call("torch.mul", {"other": gate}, layer.size)


@rule("Clip")
def _clip(layer: Reading) -> Value:
    param = layer.param("clip_param")
    if not (param.has("min") and param.has("max")):
        raise Unsaid("its `min` or `max` is not said")
    settings = {"min_val": param.number("min", 0), "max_val": param.number("max", 0)}
    function = "torch.nn.functional.hardtanh"
    return layer.call(function, settings, layer.size, named=True)


@rule("Reduction")
def _reduction(layer: Reading) -> Value:
    """Over an axis and all behind it."""
    param = layer.param("reduction_param")
    operation = param.text("operation", "SUM")
    axis = layer.axis(param.integer("axis", 0))
    name = {"1": "sum", "SUM": "sum", "4": "mean", "MEAN": "mean"}.get(operation)
    if name is None:
        raise Unsaid(f"no op reduces as {operation}")
    made = layer.size[: axis - 1]
    if not made:
        raise Unsaid("it leaves a single number of a sample")
    factor = param.number("coeff", 1.0)
    dims = tuple(range(axis, len(layer.size) + 1))
    value = layer.call(f"torch.{name}", {"dim": dims, "keepdim": False}, made)
    if factor == 1:
        return value
    return layer.call("torch.mul", {"input": value, "other": factor}, made)


@rule("Dropout")
def _dropout(layer: Reading) -> Value:
    p = layer.param("dropout_param").number("dropout_ratio", 0.5)
    settings = {"p": p, "training": layer.drawing.trace.training}
    function = "torch.nn.functional.dropout"
    return layer.call(function, settings, layer.size, named=True)


@rule("Flatten")
def _flatten(layer: Reading) -> Value:
    param = layer.param("flatten_param")
    start = layer.axis(param.integer("axis", 1))
    end = layer.axis(param.integer("end_axis", -1))
    if end < start:
        raise Unsaid(f"its `axis` is {start}, and `end_axis` {end}")
    flat = prod(layer.size[start - 1 : end])
    made = (*layer.size[: start - 1], flat, *layer.size[end:])
    return layer.call("torch.flatten", {"start_dim": start, "end_dim": end}, made)


@rule("Reshape")
def _reshape(layer: Reading) -> Value:
    """Some axes as others: 0 takes over what is read there, -1 is what is left."""
    param = layer.param("reshape_param")
    before = (BATCH, *layer.size)
    dims = param.message("shape").integers("dim")
    start, count = param.integer("axis", 0), param.integer("num_axes", -1)
    start += 0 if start >= 0 else len(before) + 1
    end = len(before) if count == -1 else start + count
    if not 0 <= start <= end <= len(before):
        raise Unsaid(f"it has not the axes {start} to {end}")
    if any(d == 0 and start + n >= len(before) for n, d in enumerate(dims)):
        raise Unsaid(f"{dims} takes over an axis that it does not read")
    dims = [before[start + n] if d == 0 else d for n, d in enumerate(dims)]
    made = [*before[:start], *dims, *before[end:]]
    if made.count(-1) == 1:
        rest = prod(d for d in made if d != -1)
        made[made.index(-1)] = prod(before) // max(rest, 1)
    if min(made, default=0) < 1 or prod(made) != prod(before):
        raise Unsaid(f"{layer.size} is not reshaped to {dims}")
    if made[0] != BATCH:
        raise Unsaid("it lays samples of a batch out on other axes")
    sizes = tuple(made[1:])
    return layer.call("torch.reshape", {"shape": (-1, *sizes)}, sizes)
