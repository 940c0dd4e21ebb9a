"""Parts of a value."""

from __future__ import annotations

from typing import Any

from archc.importing.functions.shapes import reshaped
from archc.importing.reader import INPUTS, Reader, Refused, rule
from archc.importing.trace import BATCH, Param, Value
from archc.spec.expressions import is_sequence


@rule("torch.Tensor.chunk", "torch.chunk", "torch.Tensor.split", "torch.split",
       "torch.functional.split", "torch.Tensor.tensor_split",
       "torch.tensor_split")  # fmt: skip
def _split(call: Reader) -> None:
    shapes = [call.graph.trace.shapes[n] for n in call.call.makes]
    source, read = call.sizes(call.input), call.input
    axis = call.shape_of(read).channel_axis
    start = 0
    for made, shape in zip(call.call.makes, shapes, strict=True):
        others = [
            n for n, (a, b) in enumerate(zip(shape[1:], source, strict=True)) if a != b
        ]
        if axis is None or (others and others != [axis]):
            raise Refused("it splits along an axis that is not that of channels")
        stop = start + shape[1 + axis]
        attributes = {"start": start, "stop": stop} if start else {"stop": stop}
        call.make("channel_slice", attributes, makes=made)
        start = stop


@rule("torch.Tensor.narrow", "torch.narrow")
def _narrow(call: Reader) -> None:
    start, length = call.settings["start"], call.settings["length"]
    if call.axis(call.settings["dim"]) - 1 != call.shape_of(call.input).channel_axis:
        raise Refused("it takes a part along an axis that is not that of channels")
    call.make("channel_slice", {"start": start, "stop": start + length})


def _is_slice(value: Any) -> bool:
    return is_sequence(value) and len(value) == 4 and value[0] == "slice"


@rule("torch.Tensor.__getitem__")
def _getitem(call: Reader) -> None:
    index = next(v for k, v in call.settings.items() if k not in INPUTS)
    whole = [index] if _is_slice(index) or not is_sequence(index) else index
    parts = [slice(*p[1:]) if _is_slice(p) else p for p in whole]
    if any(isinstance(p, Value | Param) or is_sequence(p) for p in parts):
        raise Refused("it takes numbers by computed places")
    source = (BATCH, *call.sizes(call.input))
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        taken = sum(1 for p in parts if p is not None) - 1
        parts[at : at + 1] = [slice(None)] * (len(source) - taken)
    parts += [slice(None)] * (len(source) - sum(1 for p in parts if p is not None))
    axes = [p for p in parts if p is not None]
    ranges = [
        range(size)[p] if isinstance(p, slice) else p
        for p, size in zip(axes, source, strict=True)
    ]
    cut = [n for n, (r, size) in enumerate(zip(ranges, source, strict=True))
           if r != range(size)]  # fmt: skip
    channel = call.shape_of(call.input).channel_axis
    if 0 in cut or any(isinstance(r, int) for r in ranges):
        raise Refused("it takes one sample of a batch, or one index along an axis")
    if not cut:
        if None in parts:
            reshaped(call)
        else:
            call.nothing()
        return
    if None in parts:
        raise Refused("it takes a part and adds an axis at once")
    (window, *more) = (ranges[n] for n in cut)
    if not more and channel is not None and cut == [channel + 1] and window.step == 1:
        start = {"start": window.start} if window.start else {}
        call.make("channel_slice", start | {"stop": window.stop})
    elif channel == 0 and all(
        n > 1 and r.start == 0 and len(r) == -(-source[n] // r.step)
        for n, r in enumerate(ranges)
        if n in cut
    ):
        # every so manieth pixel
        steps = [r.step for r in ranges[2:]]
        axes_count = len(steps)
        stride = steps[0] if len({*steps}) == 1 else steps
        call.make(f"max_pool{axes_count}d", {"kernel_size": 1, "stride": stride})
    elif channel == 0 and all(
        n > 1 and r.step == 1 for n, r in enumerate(ranges) if n in cut
    ):
        pads: list[int] = []
        for size, r in reversed(list(zip(source[2:], ranges[2:], strict=True))):
            pads += [-r.start, r.stop - size]
        call.make(f"zero_pad{len(source) - 2}d", {"padding": pads})
    else:
        raise Refused("it takes a part along an axis that is not that of channels")
