"""What pools and pads maps, and lays their pixels out."""

from __future__ import annotations

from math import inf
from typing import Any

from archc.importing.onnx.rules import Reading, one, plainly, rule, short
from archc.importing.onnx.windows import cut, padded, window_of
from archc.importing.trace import Sizes, Unsaid, Value
from archc.importing.windows import Window, counts, rounding

_F = "torch.nn.functional"

# ---- pooling


@rule("MaxPool", "AveragePool")
def _pool(node: Reading) -> None:
    window, spatial = window_of(node), node.sizes()[2:]
    up = bool(node.attribute("ceil_mode", 0))
    made = (*node.made[0][:2], *counts(spatial, window, up))
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
    number, wanted = node.plain(), list(made[2:])
    try:
        if not within and not window.is_even:
            raise ValueError("its padding counts, and differs by side")
        ceil, seen = rounding(spatial, window, wanted, up)
        if any(window.before):
            settings["padding"] = one(window.before)
            if within and not largest:
                settings["count_include_pad"] = False
    except ValueError as error:
        if not window.keeps_edges if largest else within:
            raise Unsaid(str(error)) from None
        number = padded(node, number, window, "replicate" if largest else "constant")
        ceil, seen = rounding(node.drawing.sizes[number][2:], window.bare, wanted)
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


@rule("LpPool", "GlobalLpPool")
def _norm_pool(node: Reading) -> None:
    """The p-norm of windows; what lies beyond the map adds nothing to it."""
    p = node.attribute("p", 2)
    spatial, made, number = node.sizes()[2:], node.made[0], node.plain()
    if p % 2:
        raise Unsaid(f"no op pools by a norm with p = {p}")
    settings: dict[str, Any] = {"norm_type": float(p), "kernel_size": list(spatial)}
    if node.node.op == "LpPool":
        window = window_of(node)
        if any(d != 1 for d in window.dilation):
            raise Unsaid("no op pools by a norm with a dilation")
        for n, count in enumerate(made[2:]):
            reach = (count - 1) * window.stride[n] + window.kernel[n]
            window.behind[n] = max(reach - spatial[n] - window.before[n], 0)
        if any([*window.before, *window.behind]):
            number = padded(node, number, window)
        settings |= {"kernel_size": window.kernel, "stride": window.stride}
    given = {"input": Value(number), **settings}
    number = node.drawing.call(f"{_F}.lp_pool{len(spatial)}d", given, made)
    node.results = [plainly(number, len(made))]


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


# ---- padding, and pixels as channels


@rule("Pad")
def _pad(node: Reading) -> None:
    mode = node.attribute("mode", "constant")
    names = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}
    if mode not in names:
        raise Unsaid(f"no op pads with the mode {mode!r}")
    pads = [int(p) for p in node.setting("pads", 1)]
    value = float(node.setting("value", 2, 0.0) or 0.0)
    # the smallest float32, which is less than all that a max pooling reads
    value = -inf if value < -3e38 else value
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
