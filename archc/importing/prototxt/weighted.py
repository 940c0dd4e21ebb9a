"""Layers with weights."""

from __future__ import annotations

from math import prod

from archc.importing.prototxt.rules import Reading, need_map, one, rule, window
from archc.importing.trace import Unsaid, Value


@rule("Convolution", "Deconvolution")
def _convolution(layer: Reading) -> Value:
    param = layer.param("convolution_param")
    channels, *map_size = need_map(layer.size)
    kernel = window(param, "kernel_size", None)
    stride, pad = window(param, "stride", 1), window(param, "pad", 0)
    dilation = window(param, "dilation", 1)
    out, groups = layer.number_of_outputs(param), param.integer("group", 1)
    if param.integer("axis", 1) != 1:
        raise Unsaid("its channels are on another axis than 1")
    if groups < 1 or min(*kernel, *stride, *dilation) < 1:
        raise Unsaid("its `kernel_size`, `stride`, `dilation` or `group` is below 1")
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
    axis = layer.axis(param.integer("axis", 1))
    param.flag("transpose", False)  # how the weights lie in the file
    around, features = layer.size[: axis - 1], prod(layer.size[axis - 1 :])
    out = layer.number_of_outputs(param)
    has_bias = param.flag("bias_term", True)
    path = layer.path(*["weight", *["bias"] * has_bias])
    source, draw = layer.input, layer.drawing
    if len(layer.size) > axis:
        settings = {"input": source, "start_dim": axis}
        flat = (*around, features)
        source = draw.call(layer.layer, "torch.flatten", settings, flat, ahead=True)
    made = (*around, out)
    draw.count(path, features, made)
    settings = {
        "input": source,
        "weight": draw.tensor(f"{path}.weight", out, features),
        "bias": draw.tensor(f"{path}.bias", out) if has_bias else None,
    }
    return layer.call("torch.nn.functional.linear", settings, made)


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
        scale.flag("bias_term", False)  # with one, or it were no part of this
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
    param = layer.param("scale_param")
    axis, has_bias = param.integer("axis", 1), param.flag("bias_term", False)
    if has_bias:
        raise Unsaid("no op scales channels and adds to them but behind a BatchNorm")
    if len(layer.inputs) == 2:
        return _scaled_by(layer, axis)
    if param.integer("num_axes", 1) != 1 or layer.axis(axis) != 1:
        raise Unsaid("it does not scale channels")
    ones = [1] * (len(layer.size) - 1)
    weight = layer.drawing.tensor(layer.path("weight"), layer.size[0], *ones)
    return layer.call("torch.mul", {"other": weight}, layer.size)


def _scaled_by(layer: Reading, axis: int) -> Value:
    """By another value, which has some of the axes: the sample's, or those of its
    channels."""
    size, factor = layer.sizes
    other = layer.inputs[1]
    if axis not in (0, -len(size) - 1) or factor != size[: len(factor)]:
        raise Unsaid(f"it scales {size} by {factor} from axis {axis} on, which are not"
                     " the axes of a sample from the first")  # fmt: skip
    if factor != size:
        shape = (*factor, *[1] * (len(size) - len(factor)))
        settings = {"input": other, "shape": (-1, *shape)}
        other = layer.call("torch.reshape", settings, shape)
    return layer.call("torch.mul", {"other": other}, size)


@rule("PReLU")
def _prelu(layer: Reading) -> Value:
    shared = layer.param("prelu_param").flag("channel_shared", False)
    path = layer.path("weight")
    count = 1 if shared else layer.size[0]
    weight = layer.drawing.tensor(f"{path}.weight", count)
    return layer.call("torch.nn.functional.prelu", {"weight": weight}, layer.size)
