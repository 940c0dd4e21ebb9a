"""What pads, resizes and pools maps, and what works along an axis."""

from __future__ import annotations

from math import inf
from typing import Any

from archc.importing.reader import Reader, Refused, rule
from archc.importing.trace import Value
from archc.importing.windows import Window, rounding
from archc.spec.expressions import is_sequence


@rule("torch.nn.functional.pad")
def _pad(call: Reader) -> None:
    pad = call.settings["pad"]
    mode = call.settings.get("mode") or "constant"
    value = call.settings.get("value") or 0
    rank = call.rank
    pad = (pad, pad) if isinstance(pad, int) else tuple(pad)
    axes = rank - 2
    if not any(pad):
        call.nothing()
        return
    if value == -inf and mode == "constant" and len(pad) == 2 * axes:
        call.graph.padded[call.call.makes[0]] = call.input, list(pad)
        return
    around = pad[2 * axes :]
    if any(around) and len(around) == 2 and mode == "constant" and not value:
        reads = (call.input,)
        if any(pad[: 2 * axes]):
            ahead = {"padding": pad[: 2 * axes]}
            reads = (call.make(f"zero_pad{axes}d", ahead, last=False),)
        padding = around[0] if around[0] == around[1] else around
        call.make("channel_pad", {"padding": padding}, reads=reads)
        return
    if any(around):
        raise Refused("it pads channels with other numbers than 0, or the batch")
    pad = (*pad, *(0,) * (2 * axes))[: 2 * axes]
    names = {"reflect": "reflection_pad", "replicate": "replication_pad"}
    names["constant"] = "constant_pad" if value else "zero_pad"
    if mode == "circular":
        call.make("pad", {"pad": list(pad), "mode": mode})
        return
    name = names.get(mode)
    if name is None:
        raise Refused(f"no op pads with the mode {mode!r}")
    attributes: dict[str, Any] = {"padding": pad}
    if value:
        attributes["value"] = float(value)
    call.make(f"{name}{axes}d", attributes)


@rule("torch.nn.functional.interpolate")
def _interpolate(call: Reader) -> None:
    if call.settings.get("antialias"):
        raise Refused("no op resizes with `antialias`")
    mode = call.settings.get("mode", "nearest")
    attributes: dict[str, Any] = {}
    reads: tuple[int, ...] = (call.input,)
    other = call.settings.get("size_of")
    size, factor = call.settings.get("size"), call.settings.get("scale_factor")
    if size is not None:
        before = call.sizes(call.input)[1:]
        after = (size,) * len(before) if isinstance(size, int) else tuple(size)
        if isinstance(other, Value):
            reads = (call.input, call.graph.value(other.number))
        elif before == after and not call.settings.get("resizes"):
            call.nothing()
            return
        else:
            attributes["size"] = size
    elif call.settings.get("recompute_scale_factor") and not _is_whole(factor):
        # the factor that is used is that of the sizes
        attributes["size"] = call.graph.trace.shapes[call.call.makes[0]][2:]
    else:
        attributes["scale_factor"] = _as_whole(factor)
    attributes["mode"] = mode
    if call.settings.get("align_corners"):
        attributes["align_corners"] = True
    call.make("upsample", attributes, reads=reads)


def _is_whole(factor: Any) -> bool:
    factors: list[float] = list(factor) if is_sequence(factor) else [factor]
    return all(float(each).is_integer() for each in factors)


def _as_whole(factor: Any) -> Any:
    """2 for 2.0, which `nn.Upsample` makes of it."""
    if is_sequence(factor):
        return [*map(_as_whole, factor)]
    return int(factor) if float(factor).is_integer() else factor


_MAX_POOLS = tuple(
    f"torch.nn.functional.max_pool{axes}d{how}"
    for axes in (1, 2, 3)
    for how in ("", "_with_indices")
)


@rule(*_MAX_POOLS)
def _max_pool(call: Reader) -> None:
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    known = ((name, call.settings.get(name)) for name in names)
    settings = {name: value for name, value in known if value is not None}
    name = call.call.function.rpartition(".")[2].removesuffix("_with_indices")
    value = call.input
    if value not in call.graph.padded:
        call.make(name, settings)
        return
    value, pad = call.graph.padded[value]
    spatial = call.sizes(value)[1:]

    def sizes(name: str, default: Any) -> list[int]:
        given = settings.get(name, default)
        return list(given) if is_sequence(given) else [given] * len(spatial)

    kernel, own = sizes("kernel_size", 1), sizes("padding", 0)
    before = [p + side for p, side in zip(own, pad[-2::-2], strict=True)]
    behind = [p + side for p, side in zip(own, pad[-1::-2], strict=True)]
    stride = sizes("stride", settings["kernel_size"])
    window = Window(kernel, stride, sizes("dilation", 1), before, behind)
    wanted = list(call.graph.trace.shapes[call.call.makes[0]][2:])
    try:
        ceil, seen = rounding(spatial, window, wanted)
    except ValueError as error:
        if not window.keeps_edges:
            raise Refused(str(error)) from None
        around = {"padding": window.sides}
        value = call.make(
            f"replication_pad{len(spatial)}d", around, reads=(value,), last=False
        )
        call.make(name, settings | {"padding": 0}, reads=(value,))
        return
    attributes = settings | {"padding": before, "ceil_mode": ceil}
    if seen == wanted:
        call.make(name, attributes, reads=(value,))
        return
    pooled = call.make(name, attributes, reads=(value,), last=False)
    sides = [s for a, b in zip(seen, wanted, strict=True) for s in (b - a, 0)][::-1]
    call.make(f"zero_pad{len(spatial)}d", {"padding": sides}, reads=(pooled,))


@rule("torch.nn.functional.adaptive_avg_pool2d",
       "torch.nn.functional.adaptive_avg_pool3d", "torch.adaptive_avg_pool1d",
       "torch.nn.functional.adaptive_max_pool1d",
       "torch.nn.functional.adaptive_max_pool2d",
       "torch.nn.functional.adaptive_max_pool3d")  # fmt: skip
def _adaptive(call: Reader) -> None:
    size = call.settings.get("output_size", call.settings.get("1"))
    if size is None or (is_sequence(size) and all(s is None for s in size)):
        call.nothing()
        return
    name = call.call.function.rpartition(".")[2]
    call.make(name, {"output_size": size})


@rule("torch.nn.functional.softmax", "torch.softmax", "torch.Tensor.softmax",
       "torch.nn.functional.log_softmax", "torch.log_softmax",
       "torch.Tensor.log_softmax")  # fmt: skip
def _softmax(call: Reader) -> None:
    dim = call.given("dim", 1)
    if dim is None:
        raise Refused("a softmax without a `dim`")
    call.make(call.call.function.rpartition(".")[2], {"dim": call.axis(dim)})


@rule("torch.nn.functional.hardtanh", "torch.nn.functional.relu6")
def _hardtanh(call: Reader) -> None:
    low = call.settings.get("min_val", 0.0 if "relu6" in call.call.function else -1.0)
    high = call.settings.get("max_val", 6.0 if "relu6" in call.call.function else 1.0)
    if (low, high) == (0.0, 6.0):
        call.make("relu6")
    else:
        call.make("hardtanh", {"min_val": float(low), "max_val": float(high)})
