"""Ops with random attributes, for the shape that they will read."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import prod
from typing import Any

from archc.ops.registry import OPS
from archc.ops.sizes import MOST_AXES, Shape
from tests.random_networks.simulate import Bad, Table
from tests.random_networks.values import Env, Values

Maker = Callable[[Values, Env, Shape], Table]

PARAMETRIC = frozenset(name for name, op in OPS.items() if op.can_have_parameters())
"""Ops that have parameters, so that they need a name where others have one."""


def axes(x: Shape) -> int:
    """How many a map has, its channels not counted."""
    if not 1 < len(x.dims) <= 1 + MOST_AXES:
        raise Bad("no map")
    return len(x.dims) - 1


def conv(v: Values, env: Env, x: Shape) -> Table:
    d, n = v.draw, axes(x)
    channels, side = x.dims[0], min(x.dims[1:])
    table: Table = {"op": f"conv{n}d"}
    groups = 1
    if d.chance(18):
        groups = d.pick([g for g in range(1, channels + 1) if channels % g == 0])
        table["groups"] = v.exactly(env, groups)
        if groups == channels and d.chance(60):
            table["groups"] = "in_channels"
    table["out_channels"] = v.exactly(env, groups * d.number(1, max(1, 9 // groups)))
    if groups == 1:
        table["out_channels"] = v.whole(env, 1, 12)
        if d.chance(25):
            table["out_channels"] = d.pick(
                ("in_channels", "in_channels * 2", "max(in_channels // 2, 1)",
                 "int(in_channels * 1.5)", "in_channels + 3", "in_channels")
            )  # fmt: skip
    form = d.number(0, 9)
    kernel = d.pick((1, 2, 3, 3)) if side > 2 else 1
    if form < 5:
        table["kernel_size"] = v.exactly(env, kernel)
        if kernel == 3 and d.chance(75):
            table["padding"] = v.exactly(env, 1)
    elif form < 7:
        table["kernel_size"] = v.size(env, 1, 3, n)
        table["padding"] = "same" if d.chance(80) else "valid"
    else:
        table["kernel_size"] = v.size(env, 1, min(3, side), n)
        table["padding"] = v.size(env, 0, 2, n)
    if d.chance(15) and side > 4:
        table["dilation"] = v.size(env, 1, 2, n)
    if d.chance(22) and table.get("padding") != "same":
        table["stride"] = v.size(env, 1, 2, n)
    if d.chance(25):
        table["bias"] = v.flag(env)
    if d.chance(15):
        table["padding_mode"] = d.pick(("zeros", "reflect", "replicate", "circular"))
    return table


def conv_made_otherwise(v: Values, env: Env, x: Shape) -> Table:
    """A convolution that standardises its weight, or pads as TensorFlow does."""
    d = v.draw
    if axes(x) != 2:
        raise Bad("no map")
    op = d.pick(("std_conv2d", "scaled_std_conv2d", "conv2d_same", "conv2d_same"))
    kernel: Any = d.pick((1, 2, 3, 3))
    table: Table = {"op": op, "out_channels": v.whole(env, 1, 8)}
    table["kernel_size"] = v.exactly(env, kernel)
    if d.chance(20):
        table |= {"groups": "in_channels", "out_channels": "in_channels * 2"}
    if op == "conv2d_same":
        table |= {"stride": v.size(env, 1, 3, 2)} if d.chance(70) else {}
        table |= {"dilation": v.whole(env, 1, 2)} if d.chance(20) else {}
    else:
        table |= {"padding": v.exactly(env, kernel // 2)} if d.chance(80) else {}
        table |= {"stride": v.whole(env, 1, 2)} if d.chance(20) else {}
        table |= {"eps": v.real(env, 1e-6, 0.1)} if d.chance(20) else {}
    if op == "scaled_std_conv2d" and d.chance(40):
        table |= {"gamma": v.real(env, 0.5, 2.0), "gain_init": v.real(env, 0.5, 2.0)}
    return table | ({"bias": v.flag(env)} if d.chance(30) else {})


def pool_same(v: Values, env: Env, x: Shape) -> Table:
    if axes(x) != 2:
        raise Bad("no map")
    op = v.draw.pick(("max_pool2d_same", "avg_pool2d_same"))
    table: Table = {"op": op, "kernel_size": v.whole(env, 1, 3)}
    return table | ({"stride": v.whole(env, 1, 3)} if v.draw.chance(70) else {})


def conv_transpose(v: Values, env: Env, x: Shape) -> Table:
    d, n = v.draw, axes(x)
    stride = d.pick((1, 2)) if max(x.dims) < 10 else 1
    table: Table = {
        "op": f"conv_transpose{n}d",
        "out_channels": v.whole(env, 1, 8),
        "kernel_size": v.size(env, 1, 3, n),
        "stride": v.exactly(env, stride),
    }
    if d.chance(30):
        table["padding"] = v.size(env, 0, 1, n)
    if d.chance(30):
        table["output_padding"] = v.size(env, 0, stride - 1, n)
    if d.chance(20):
        table["dilation"] = v.size(env, 1, 2, n)
    if d.chance(20):
        table |= {"groups": "in_channels", "out_channels": "in_channels"}
    if d.chance(25):
        table["bias"] = v.flag(env)
    return table


def linear(v: Values, env: Env, x: Shape) -> Table:
    table: Table = {"op": "linear", "out_features": v.whole(env, 1, 12)}
    if v.draw.chance(25):
        table["out_features"] = v.draw.pick(("in_channels * 2", "in_channels", 3))
    if v.draw.chance(25):
        table["bias"] = v.flag(env)
    if x.channel_axis not in (len(x.dims) - 1, None) or v.draw.chance(10):
        table["in_features"] = v.exactly(env, x.dims[-1])
    return table


def pool(v: Values, env: Env, x: Shape) -> Table:
    d, n = v.draw, axes(x)
    kind = d.pick(("max", "avg"))
    kernel = d.pick((1, 2, 3, 3))
    table: Table = {"op": f"{kind}_pool{n}d", "kernel_size": v.exactly(env, kernel)}
    if d.chance(25):
        others = (v.whole(env, kernel, kernel + 1) for _ in range(n - 1))
        table["kernel_size"] = [kernel, *others]
    if d.chance(75):
        table["stride"] = 1 if d.chance(50) else v.size(env, 1, 2, n)
    if d.chance(60):
        table["padding"] = v.exactly(env, kernel // 2)
    if d.chance(25):
        table["ceil_mode"] = v.flag(env)
    if kind == "max" and d.chance(15):
        table["dilation"] = v.size(env, 1, 2, n)
    if kind == "avg" and d.chance(20):
        table["count_include_pad"] = v.flag(env)
    if kind == "avg" and n > 1 and d.chance(15):
        table["divisor_override"] = v.whole(env, 1, 5)
    return table


def lp_pool(v: Values, env: Env, x: Shape) -> Table:
    n = axes(x)
    table: Table = {"op": f"lp_pool{n}d", "norm_type": v.draw.pick((2, 2, 4, 1.5))}
    table["kernel_size"] = v.size(env, 1, 3, n)
    if v.draw.chance(75):
        table["stride"] = v.size(env, 1, 2, n)
    if v.draw.chance(25):
        table["ceil_mode"] = v.flag(env)
    return table


def blur_pool(v: Values, env: Env, x: Shape) -> Table:
    table: Table = {"op": "blur_pool2d"}
    if v.draw.chance(50):
        table["kernel_size"] = v.whole(env, 2, 4)
    if v.draw.chance(50):
        table["stride"] = v.whole(env, 1, 3)
    return table


def adaptive_pool(v: Values, env: Env, x: Shape) -> Table:
    n = axes(x)
    op = v.draw.pick((f"adaptive_avg_pool{n}d", f"adaptive_max_pool{n}d"))
    table: Table = {"op": op, "output_size": v.size(env, 1, 6, n)}
    if n > 1 and v.draw.chance(20):
        each = [v.whole(env, 1, 6) for _ in range(n)]
        each[v.draw.number(0, n - 1)] = "none"
        table["output_size"] = each
    return table


def norm(v: Values, env: Env, x: Shape) -> Table:
    d, n = v.draw, axes(x)
    batch = f"batch_norm{n}d"
    ops = [batch, batch, "group_norm", "local_response_norm", f"instance_norm{n}d"]
    op = d.pick((*ops, "layer_norm2d") if n == 2 else ops)
    if op == "local_response_norm":
        table: Table = {"op": op, "size": v.whole(env, 1, 5)}
        settings = (("alpha", 1e-4, 0.5), ("beta", 0.5, 1.0), ("k", 1.0, 2.0))
        return table | {k: v.real(env, a, b) for k, a, b in settings if d.chance(30)}
    if op == "group_norm":
        groups = d.pick([g for g in range(1, x.dims[0] + 1) if x.dims[0] % g == 0])
        table = {"op": op, "num_groups": v.exactly(env, groups)}
        if d.chance(20):
            table["num_groups"] = "in_channels"
        if d.chance(30):
            table["eps"] = v.real(env, 0.001, 0.1)
        return table | ({"affine": v.flag(env)} if d.chance(20) else {})
    if op == "layer_norm2d":
        return {"op": op} | ({"eps": v.real(env, 0.001, 0.1)} if d.chance(40) else {})
    return _batch_norm(v, env, op)


def _batch_norm(v: Values, env: Env, op: str) -> Table:
    table: Table = {"op": op}
    if v.draw.chance(30):
        table["eps"] = v.real(env, 0.001, 0.1)
    if v.draw.chance(20):
        table["momentum"] = v.real(env, 0.01, 0.5)
    if v.draw.chance(5):
        table["momentum"] = "none"
    for key in ("affine", "track_running_stats"):
        if v.draw.chance(15):
            table[key] = v.flag(env)
    return table


def batch_norm1d(v: Values, env: Env, x: Shape) -> Table:
    return _batch_norm(v, env, "batch_norm1d")


def layer_norm(v: Values, env: Env, x: Shape) -> Table:
    table: Table = {"op": v.draw.pick(("layer_norm", "layer_norm", "rms_norm"))}
    if v.draw.chance(30):
        axes = v.draw.number(1, len(x.dims))
        table["normalized_shape"] = [v.exactly(env, d) for d in x.dims[-axes:]]
        if axes == 1 and v.draw.chance(50):
            (table["normalized_shape"],) = table["normalized_shape"]
    if v.draw.chance(25):
        table["eps"] = v.real(env, 0.001, 0.1)
    for key in ("elementwise_affine", "bias"):
        if key in OPS[table["op"]].model_fields and v.draw.chance(20):
            table[key] = v.flag(env)
    return table


def layer_scale(v: Values, env: Env, x: Shape) -> Table:
    return {"op": "layer_scale"} | (
        {"init": v.real(env, 0.1, 2.0)} if v.draw.chance(70) else {}
    )


def activation(v: Values, env: Env, x: Shape) -> Table:
    d = v.draw
    name = d.pick(
        ("relu", "relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "sigmoid",
         "tanh", "hardswish", "hardsigmoid", "softmax", "log_softmax", "hardtanh",
         "selu", "mish", "softplus", "log_sigmoid", "prelu")
    )  # fmt: skip
    table: Table = {"op": name}
    if name == "leaky_relu" and d.chance(60):
        table["negative_slope"] = v.real(env, 0.01, 0.4)
    if name == "elu" and d.chance(60):
        table["alpha"] = v.real(env, 0.2, 2.0)
    if name == "hardtanh" and d.chance(60):
        table |= {"min_val": v.real(env, -2.0, 0.0), "max_val": v.real(env, 0.5, 3.0)}
    if name == "softplus":
        settings = (("beta", 0.5, 2.0), ("threshold", 1.0, 20.0))
        table |= {k: v.real(env, a, b) for k, a, b in settings if d.chance(40)}
    if name == "prelu" and x.channel_axis is not None and d.chance(60):
        table["num_parameters"] = v.exactly(env, x.channels)
        if d.chance(50):
            table["num_parameters"] = "in_channels"
    if name == "prelu" and d.chance(40):
        table["init"] = v.real(env, 0.0, 0.5)
    if name == "gelu" and d.chance(50):
        table["approximate"] = d.pick(("none", "tanh"))
    if name.endswith("softmax") and d.chance(60):
        axis = d.number(1, len(x.dims))
        table["dim"] = v.exactly(env, axis) if d.chance(70) else -axis
    if OPS[name].has_inplace and d.chance(30):
        table["inplace"] = v.flag(env)
    return table


def algebra(v: Values, env: Env, x: Shape) -> Table:
    """A function of each number; those that leave few of them finite are rare."""
    d = v.draw
    name = d.weighted({"scale": 4, "shift": 2, "clamp": 4, "normalize": 3, "pow": 1,
                       "exp": 1, "sqrt": 1})  # fmt: skip
    table: Table = {"op": name}
    if name == "scale":
        table["factor"] = v.real(env, -2.0, 2.0)
    if name == "shift":
        table["offset"] = v.real(env, -2.0, 2.0)
    if name == "pow":
        table["exponent"] = d.pick((2, 2, 3, 0.5, -1, 1.5))
    if name == "clamp":
        bounds = d.pick((("min",), ("max",), ("min", "max")))
        ranges = {"min": (-2.0, 0.0), "max": (0.5, 3.0)}
        table |= {bound: v.real(env, *ranges[bound]) for bound in bounds}
    if name == "normalize":
        if d.chance(50):
            axis = d.number(1, len(x.dims))
            table["dim"] = v.exactly(env, axis) if d.chance(70) else -axis
        if d.chance(30):
            table["p"] = d.pick((1, 2, 3, 1.5))
        if d.chance(30):
            table["eps"] = v.real(env, 0.001, 0.1)
    return table


def reduction(v: Values, env: Env, x: Shape) -> Table:
    d = v.draw
    rank = len(x.dims)
    axes = d.shuffled(range(1, rank + 1))[: d.number(1, rank)]
    if d.chance(50) and x.channel_axis is not None:
        axes = [axis for axis in range(1, rank + 1) if axis != x.channel_axis + 1]
    dims = [
        axis - rank - 1 if d.chance(20) else v.exactly(env, axis, literal=80)
        for axis in axes
    ]
    one = len(dims) == 1 and d.chance(60)
    table: Table = {"op": d.pick(("mean", "sum", "amax"))}
    table["dim"] = dims[0] if one else dims
    if d.chance(60):
        table["keepdim"] = d.chance(80)
    return table


def random_op(v: Values, env: Env, x: Shape) -> Table:
    """An op that drops something."""
    n = min(max(len(x.dims) - 1, 1), MOST_AXES)
    op = v.draw.pick(("dropout", f"dropout{n}d", "stochastic_depth"))
    table: Table = {"op": op}
    if op == "stochastic_depth" or v.draw.chance(70):
        table["p"] = v.real(env, 0.0, 0.9)
    if op == "stochastic_depth" and v.draw.chance(40):
        table["mode"] = v.draw.pick(("batch", "row"))
    if op != "stochastic_depth" and v.draw.chance(20):
        table["inplace"] = v.flag(env)
    return table


def identity(v: Values, env: Env, x: Shape) -> Table:
    return {"op": "identity"}


def flatten(v: Values, env: Env, x: Shape) -> Table:
    table: Table = {"op": "flatten"}
    rank = len(x.dims)
    if v.draw.chance(35):
        table["start_dim"] = v.exactly(env, v.draw.number(1, rank))
    if v.draw.chance(25):
        end = v.draw.number(1, rank)
        table["end_dim"] = end if v.draw.chance(50) else end - rank - 1
    return table


def upsample(v: Values, env: Env, x: Shape) -> Table:
    d, n = v.draw, axes(x)
    table = interpolation(v, env, x)
    if d.chance(50):
        table["size"] = v.size(env, 2, 9, n)
    else:
        each = [2, *(1 for _ in range(n - 1))]
        table["scale_factor"] = d.pick((2, 1.5, 0.5, each, 1))
    return table


def interpolation(v: Values, env: Env, x: Shape) -> Table:
    """How an upsampling computes, without the size that it gives."""
    d, n = v.draw, axes(x)
    own = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}
    mode = d.pick(("nearest", "nearest-exact", *own[n]))
    table: Table = {"op": "upsample"}
    if mode != "nearest" or d.chance(30):
        table["mode"] = mode
    if not mode.startswith("nearest") and d.chance(50):
        table["align_corners"] = v.flag(env)
    return table


def pad(v: Values, env: Env, x: Shape) -> Table:
    d, n = v.draw, axes(x)
    kinds = ("zero", "zero", "constant", "reflection", "replication")
    op = f"{d.pick(kinds)}_pad{n}d"
    table: Table = {"op": op}
    if op.startswith("constant"):
        table["value"] = v.real(env, -2.0, 2.0)
    if d.chance(50):
        return table | {"padding": v.whole(env, 0, 2)}
    least = -1 if min(x.dims) > 4 else 0
    table["padding"] = [
        v.whole(env, 0, 2) if d.chance(60) else d.number(least, 2) for _ in range(2 * n)
    ]
    return table


def pad_axes(v: Values, env: Env, x: Shape) -> Table:
    d, rank = v.draw, len(x.dims)
    mode = d.pick(("constant", "constant", "reflect", "replicate", "circular"))
    count = d.number(1, rank) if mode == "constant" else rank - 1
    least = -1 if min(x.dims) > 4 else 0
    sides = [
        v.whole(env, 0, 2) if d.chance(60) else d.number(least, 2)
        for _ in range(2 * count)
    ]
    table: Table = {"op": "pad", "pad": sides}
    if mode != "constant":
        return table | {"mode": mode}
    return table | ({"value": v.real(env, -2.0, 2.0)} if d.chance(40) else {})


def roll(v: Values, env: Env, x: Shape) -> Table:
    d, rank = v.draw, len(x.dims)
    dims = d.shuffled(range(1, rank + 1))[: d.number(1, rank)]
    shifts = [v.whole(env, 0, 3) if d.chance(50) else d.number(-4, 4) for _ in dims]
    dims = [dim if d.chance(70) else dim - rank - 1 for dim in dims]
    if len(dims) == 1 and d.chance(60):
        return {"op": "roll", "shifts": shifts[0], "dims": dims[0]}
    return {"op": "roll", "shifts": shifts, "dims": dims}


def expand(v: Values, env: Env, x: Shape) -> Table:
    d = v.draw
    sizes = [
        v.whole(env, 1, 5) if size == 1 and d.chance(70)
        else v.exactly(env, size) if d.chance(20) else -1
        for size in x.dims
    ]  # fmt: skip
    return {"op": "expand", "sizes": sizes}


def pixel_unshuffle(v: Values, env: Env, x: Shape) -> Table:
    return {"op": "pixel_unshuffle", "downscale_factor": v.whole(env, 1, 2)}


def permute(v: Values, env: Env, x: Shape) -> Table:
    rank = len(x.dims)
    orders = list(permutations(range(1, rank + 1)))
    order = list(v.draw.pick(orders[1:] or orders))
    if rank > 2 and v.draw.chance(70):
        order = [*range(2, rank + 1), 1]
        if x.channel_axis not in (0, None):
            order = [rank, *range(1, rank)]
    if v.draw.chance(15):
        order = [axis - rank - 1 for axis in order]
    return {"op": "permute", "dims": [0, *order]}


def channel_shuffle(v: Values, env: Env, x: Shape) -> Table:
    channels = x.dims[0]
    groups = v.draw.pick([g for g in range(1, channels + 1) if channels % g == 0])
    written: Any = v.exactly(env, groups)
    return {"op": "channel_shuffle", "groups": written}


def transpose(v: Values, env: Env, x: Shape) -> Table:
    rank = len(x.dims)
    dims = [v.draw.number(1, rank) for _ in range(2)]
    if v.draw.chance(30):
        dims = [dim - rank - 1 for dim in dims]
    return {"op": "transpose", "dim0": dims[0], "dim1": dims[1]}


def unflatten(v: Values, env: Env, x: Shape) -> Table:
    d = v.draw
    axis = d.number(0, len(x.dims) - 1)
    size = x.dims[axis]
    part = d.pick([n for n in range(1, size + 1) if size % n == 0])
    sizes: list[Any] = [v.exactly(env, part), -1]
    if d.chance(20):
        sizes = [v.exactly(env, part), v.exactly(env, size // part)]
    if d.chance(25):
        sizes.insert(d.number(0, 2), 1)
    if d.chance(25):
        sizes.reverse()
    dim = axis + 1 if d.chance(70) else axis - len(x.dims)
    return {"op": "unflatten", "dim": dim, "unflattened_size": sizes}


def reshape(v: Values, env: Env, x: Shape) -> Table:
    d = v.draw
    count, sizes = prod(x.dims), list[Any]()
    for _ in range(d.number(0, 3)):
        sizes.append(d.pick([n for n in range(1, count + 1) if count % n == 0]))
        count //= sizes[-1]
    if d.chance(50):
        sizes, count = list(x.dims[:-1]), x.dims[-1]
    sizes = [v.exactly(env, size) for size in sizes]
    sizes.insert(d.number(0, len(sizes)), -1 if d.chance(80) else count)
    table: Table = {"op": "reshape", "sizes": sizes}
    if d.chance(30):
        table["channel_dim"] = d.number(1, len(sizes))
    return table


def channel_slice(v: Values, env: Env, x: Shape) -> Table:
    if x.channel_axis is None:
        raise Bad("no channels")
    form = v.draw.number(0, 4)
    if form == 0 and x.channels > 1:
        return {"op": "channel_slice", "stop": "in_channels // 2"}
    if form == 4:
        return {"op": "channel_slice", "start": -v.draw.number(1, x.channels)}
    if form == 1:
        return {
            "op": "channel_slice",
            "start": "in_channels // 2",
            "stop": "in_channels",
        }
    stop = v.draw.number(1, x.channels)
    table: Table = {"op": "channel_slice", "stop": v.exactly(env, stop)}
    if v.draw.chance(60):
        table["start"] = v.whole(env, 0, stop - 1)
    return table


def channel_pad(v: Values, env: Env, x: Shape) -> Table:
    return {"op": "channel_pad", "padding": v.size(env, 0, 3, 2)}


MAKERS: dict[Maker, float] = {
    conv: 26, conv_transpose: 4, linear: 6, pool: 8, lp_pool: 1, blur_pool: 1,
    adaptive_pool: 3, norm: 10, conv_made_otherwise: 2.5, pool_same: 1,
    batch_norm1d: 2, layer_norm: 4, layer_scale: 4, activation: 12, random_op: 4,
    algebra: 4, reduction: 2,
    identity: 2, flatten: 0.8, upsample: 4, pad: 4, permute: 4,
    pixel_unshuffle: 1,
    channel_shuffle: 2, channel_slice: 4, channel_pad: 4, transpose: 1.5,
    unflatten: 1.5, reshape: 1, pad_axes: 2, roll: 1.5, expand: 1.5,
}  # fmt: skip

KEEPING: dict[Maker, float] = {
    norm: 6, activation: 8, random_op: 2, identity: 1, layer_scale: 3, layer_norm: 2,
    batch_norm1d: 1, channel_shuffle: 1, algebra: 2,
}  # fmt: skip
"""Those that leave a shape as it is."""
