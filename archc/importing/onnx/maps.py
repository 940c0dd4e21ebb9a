"""What pools, pads and resizes maps, and functions of each number."""

from __future__ import annotations

from typing import Any

from archc.importing.onnx.rules import Reading, one, plainly, rule
from archc.importing.onnx.weighted import short
from archc.importing.onnx.windows import cut, padded, window_of
from archc.importing.trace import Sizes, Unsaid, Value
from archc.importing.windows import Window, rounding
from archc.spec.expressions import is_sequence

_F = "torch.nn.functional"

# ---- pooling


@rule("MaxPool", "AveragePool")
def _pool(node: Reading) -> None:
    window = window_of(node)
    spatial, made = node.sizes()[2:], node.made[0]
    axes, largest = len(spatial), node.node.op == "MaxPool"
    if len(node.made) > 1 and node.readers[node.node.makes[1]]:
        raise Unsaid("somebody reads where its largest numbers were (`Indices`)")
    if not largest and any(d != 1 for d in window.dilation):
        raise Unsaid("no op averages with a dilation")
    # whether what lies beyond the map does not count
    within = largest or not node.attribute("count_include_pad", 0)
    bare = not any([*window.before, *window.behind])
    if not largest and (within or bare) and _is_whole(spatial, window, made):
        prefix = "torch" if axes == 1 else _F
        node.give(f"{prefix}.adaptive_avg_pool{axes}d", {"output_size": 1})
        return
    settings: dict[str, Any] = {"kernel_size": one(window.kernel)}
    if window.stride != window.kernel:
        settings["stride"] = one(window.stride)
    if any(d != 1 for d in window.dilation):
        settings["dilation"] = one(window.dilation)
    number, seen = node.plain(), list(made[2:])
    if within or window.is_even:
        try:
            ceil, seen = rounding(spatial, window, seen)
        except ValueError as error:
            raise Unsaid(str(error)) from None
        if any(window.before):
            settings["padding"] = one(window.before)
            settings |= {} if largest or not within else {"count_include_pad": False}
    else:
        number, ceil = padded(node, number, window), bool(node.attribute("ceil_mode"))
    settings |= {"ceil_mode": True} if ceil else {}
    given = {"input": Value(number), **settings}
    function = f"{_F}.{'max' if largest else 'avg'}_pool{axes}d"
    number = node.drawing.call(function, given, [*made[:2], *seen])
    node.results = [plainly(cut(node, number, made), len(made))]


def _is_whole(spatial: Sizes, window: Window, made: Sizes) -> bool:
    """Whether there is one window, with all of the map in it."""
    sides = zip(spatial, window.kernel, window.before, strict=True)
    return all(n == 1 for n in made[2:]) and all(k - b >= n for n, k, b in sides)


@rule("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(node: Reading) -> None:
    axes = len(node.sizes()) - 2
    kind = "avg" if node.node.op == "GlobalAveragePool" else "max"
    prefix = "torch" if (kind, axes) == ("avg", 1) else _F
    node.give(f"{prefix}.adaptive_{kind}_pool{axes}d", {"output_size": 1})


@rule("LRN")
def _local_response_norm(node: Reading) -> None:
    settings = {
        "size": node.attribute("size"),
        "alpha": short(node.attribute("alpha", 1e-4)),
        "beta": short(node.attribute("beta", 0.75)),
        "k": short(node.attribute("bias", 1.0)),
    }
    if settings["size"] % 2 == 0:
        raise Unsaid("its `size` is even, which torch centres otherwise")
    node.give(f"{_F}.local_response_norm", settings)


# ---- padding and resizing


@rule("Pad")
def _pad(node: Reading) -> None:
    mode = node.attribute("mode", "constant")
    names = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}
    if mode not in names:
        raise Unsaid(f"no op pads with the mode {mode!r}")
    pads = [int(p) for p in node.setting("pads", 1)]
    value = float(node.setting("value", 2, 0.0) or 0.0)
    held, rank = node.computed(), len(node.sizes())
    axes = list(range(rank))
    if node.has(3):
        axes = [node.axis(int(a)) for a in node.constant(3, "`axes`")]
    before, behind = dict.fromkeys(range(rank), 0), dict.fromkeys(range(rank), 0)
    for n, axis in enumerate(axes):
        before[held.axes[axis]] = pads[n]
        behind[held.axes[axis]] = pads[len(axes) + n]
    sizes = node.drawing.sizes[held.number]
    made = [size + before[n] + behind[n] for n, size in enumerate(sizes)]
    if before[0] or behind[0]:
        raise Unsaid("it pads the batch")
    padded_axes = [n for n in range(rank) if before[n] or behind[n]]
    first = min(padded_axes, default=rank)
    sides = [s for n in reversed(range(first, rank)) for s in (before[n], behind[n])]
    settings = {"input": Value(held.number), "pad": tuple(sides),
                "mode": names[mode], "value": value}  # fmt: skip
    if not padded_axes:
        node.same()
        return
    number = node.drawing.call(f"{_F}.pad", settings, made)
    node.results = [type(held)(number, held.axes)]


@rule("Resize", "Upsample")
def _resize(node: Reading) -> None:
    sizes, made = node.sizes()[2:], node.made[0]
    old = node.node.op == "Upsample" or node.opset < 11
    where = node.attribute("coordinate_transformation_mode", "half_pixel")
    where = "asymmetric" if old else where
    if made[:2] != node.sizes()[:2] or node.attribute("antialias", 0):
        raise Unsaid("it resizes more than maps, or with `antialias`")
    factors = [b / a for a, b in zip(sizes, made[2:], strict=True)]
    whole = all(f.is_integer() for f in factors)
    mode = node.attribute("mode", "nearest")
    if mode == "nearest":
        settings = _nearest(node, where, old, whole)
    else:
        settings = _interpolated(node, mode, where)
    settings |= {"size": None, "scale_factor": None}
    if whole and len({*factors}) == 1:
        settings["scale_factor"] = int(factors[0])
    else:
        settings["size"] = tuple(made[2:])
    node.give(f"{_F}.interpolate", settings)


def _nearest(node: Reading, where: str, old: bool, whole: bool) -> dict[str, Any]:
    rounded = node.attribute("nearest_mode", "round_prefer_floor")
    # with whole factors they all take the same pixel
    if where != "asymmetric" and not (whole and where == "half_pixel"):
        raise Unsaid(f"no op resizes to the nearest pixel as {where}")
    if where == "asymmetric" and not old and rounded != "floor":
        raise Unsaid(f"no op resizes with the `nearest_mode` {rounded}")
    return {"mode": "nearest"}


def _interpolated(node: Reading, mode: str, where: str) -> dict[str, Any]:
    if where not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        raise Unsaid(f"no op resizes with the mode {mode!r} as {where}")
    axes = len(node.sizes()) - 2
    names = {("linear", 1): "linear", ("linear", 2): "bilinear",
             ("linear", 3): "trilinear", ("cubic", 2): "bicubic"}  # fmt: skip
    if (mode, axes) not in names:
        raise Unsaid(f"no op resizes {axes} axes with the mode {mode!r}")
    if mode == "cubic" and short(node.attribute("cubic_coeff_a", -0.75)) != -0.75:
        raise Unsaid("no op resizes by this cubic function (`cubic_coeff_a`)")
    return {"mode": names[mode, axes], "align_corners": where == "align_corners"}


@rule("DepthToSpace")
def _depth_to_space(node: Reading) -> None:
    size, number = node.attribute("blocksize"), node.plain()
    if node.attribute("mode", "DCR") != "CRD" and node.made[0][1] != 1:
        # torch takes the channels that become one pixel's from beside each other
        settings = {"input": Value(number), "groups": size * size}
        number = node.drawing.call("torch.channel_shuffle", settings, node.sizes())
    settings = {"input": Value(number), "upscale_factor": size}
    made = node.drawing.call("torch.pixel_shuffle", settings, node.made[0])
    node.results = [plainly(made, 4)]


@rule("SpaceToDepth")
def _space_to_depth(node: Reading) -> None:
    size, channels = node.attribute("blocksize"), node.sizes()[1]
    settings = {"input": Value(node.plain()), "downscale_factor": size}
    made = node.drawing.call("torch.pixel_unshuffle", settings, node.made[0])
    if channels != 1:
        settings = {"input": Value(made), "groups": channels}
        made = node.drawing.call("torch.channel_shuffle", settings, node.made[0])
    node.results = [plainly(made, 4)]


# ---- functions of each number

_PLAIN = {
    "Relu": "torch.relu", "Sigmoid": "torch.sigmoid", "Tanh": "torch.tanh",
    "HardSwish": f"{_F}.hardswish", "Softplus": f"{_F}.softplus",
    "Mish": f"{_F}.mish", "Silu": f"{_F}.silu",
}  # fmt: skip


@rule(*_PLAIN)
def _plainly(node: Reading) -> None:
    node.each(_PLAIN[node.node.op])


@rule("LeakyRelu")
def _leaky_relu(node: Reading) -> None:
    slope = short(node.attribute("alpha", 0.01))
    node.each(f"{_F}.leaky_relu", {"negative_slope": slope})


@rule("Elu")
def _elu(node: Reading) -> None:
    node.each(f"{_F}.elu", {"alpha": short(node.attribute("alpha", 1.0))})


@rule("Selu")
def _selu(node: Reading) -> None:
    alpha, gamma = node.attribute("alpha", 1.6732632), node.attribute("gamma", 1.050701)
    if abs(alpha - 1.6732632) > 1e-5 or abs(gamma - 1.050701) > 1e-5:
        raise Unsaid(f"its `alpha` and `gamma` are {short(alpha)} and {short(gamma)}")
    node.each(f"{_F}.selu")


@rule("HardSigmoid")
def _hard_sigmoid(node: Reading) -> None:
    slope, offset = node.attribute("alpha", 0.2), node.attribute("beta", 0.5)
    if abs(slope - 1 / 6) < 1e-6 and offset == 0.5:
        node.each(f"{_F}.hardsigmoid")
        return
    held, axes = node.computed(), node.computed().axes
    sizes = node.drawing.sizes[held.number]
    number = held.number
    for function, settings in (
        ("torch.mul", {"other": short(slope)}), ("torch.add", {"other": short(offset)}),
        ("torch.clamp", {"min": 0.0, "max": 1.0}),
    ):  # fmt: skip
        number = node.drawing.call(
            function, {"input": Value(number), **settings}, sizes
        )
    node.results = [type(held)(number, axes)]


@rule("Gelu")
def _gelu(node: Reading) -> None:
    node.each(f"{_F}.gelu", {"approximate": node.attribute("approximate", "none")})


@rule("Clip")
def _clip(node: Reading) -> None:
    low, high = _bound(node, "min", 1), _bound(node, "max", 2)
    low = None if low is None or low < -3e38 else short(low)
    high = None if high is None or high > 3e38 else short(high)
    if low is None and high is None:
        node.same()
    elif low == 0 and high is None:
        node.each("torch.relu")
    elif low is not None and high is not None:
        node.each(f"{_F}.hardtanh", {"min_val": low, "max_val": high})
    else:
        node.each("torch.clamp", {"min": low, "max": high})


def _bound(node: Reading, name: str, at: int) -> float | None:
    """One number, which some files have as a list of one."""
    given = node.setting(name, at)
    if not is_sequence(given):
        return given
    if len(given) != 1:
        raise Unsaid(f"its `{name}` is no single number")
    return given[0]


@rule("Softmax", "LogSoftmax")
def _softmax(node: Reading) -> None:
    rank = len(node.sizes())
    axis = node.axis(node.attribute("axis", 1 if node.opset < 13 else -1))
    wide = [size for size in node.sizes()[axis:] if size != 1]
    if node.opset < 13 and len(wide) > 1:
        raise Unsaid("it takes the softmax over several axes at once")
    if node.opset < 13 and wide:
        axis = next(n for n in range(axis, rank) if node.sizes()[n] != 1)
    held = node.computed()
    name = "softmax" if node.node.op == "Softmax" else "log_softmax"
    node.each(f"torch.{name}", {"dim": held.axes[axis]})
