"""Parts of a value."""

from __future__ import annotations

from typing import Any, cast

from archc.importing.functions.axes import cut, give
from archc.importing.functions.shapes import reshaped
from archc.importing.reader import INPUTS, Reader, Refused, rule
from archc.importing.trace import BATCH, Param, Value
from archc.spec.expressions import is_sequence


@rule("torch.Tensor.chunk", "torch.chunk", "torch.Tensor.split", "torch.split",
       "torch.functional.split", "torch.Tensor.tensor_split",
       "torch.tensor_split")  # fmt: skip
def _split(call: Reader) -> None:
    axis = call.axis(call.given("dim", 2, 0))
    channels = _channels(call)
    start = 0
    for made in call.call.makes:
        stop = start + call.graph.trace.shapes[made][axis]
        _need_samples(axis)
        give(call, cut(call, call.input, axis, start, stop), channels, made)
        start = stop


@rule("torch.Tensor.unbind", "torch.unbind")
def _unbind(call: Reader) -> None:
    axis = call.axis(call.given("dim", 1, 0))
    _need_samples(axis)
    for n, made in enumerate(call.call.makes):
        part = cut(call, call.input, axis, n, n + 1)
        give(call, part, _without(_channels(call), axis), made)


@rule("torch.Tensor.select", "torch.select")
def _select(call: Reader) -> None:
    axis, index = call.axis(call.given("dim", 1)), call.given("index", 2)
    _need_samples(axis)
    back = index == -1
    index %= call.sizes(call.input)[axis - 1]
    part = cut(call, call.input, axis, index, index + 1, back=back)
    give(call, part, _without(_channels(call), axis))


@rule("torch.Tensor.narrow", "torch.narrow")
def _narrow(call: Reader) -> None:
    axis = call.axis(call.given("dim", 1))
    start, length = call.given("start", 2), call.given("length", 3)
    _need_samples(axis)
    back = start == -length
    start %= call.sizes(call.input)[axis - 1]
    part = cut(call, call.input, axis, start, start + length, back=back)
    give(call, part, _channels(call))


@rule("torch.nn.functional.glu")
def _glu(call: Reader) -> None:
    """The first half of an axis, weighed by the second."""
    axis = call.axis(call.settings.get("dim", -1))
    _need_samples(axis)
    half = call.sizes(call.input)[axis - 1] // 2
    first = cut(call, call.input, axis, 0, half)
    second = cut(call, call.input, axis, half, 2 * half)
    gate = call.make("sigmoid", reads=(second,), last=False)
    call.make("mul", reads=(first, gate))


def _channels(call: Reader) -> int | None:
    """The axis of the channels of what is read, counted from the batch."""
    axis = call.shape_of(call.input).channel_axis
    return None if axis is None else axis + 1


def _without(channels: int | None, axis: int) -> int | None:
    """The same without another axis."""
    if channels is None or channels == axis:
        return None
    return channels - (channels > axis)


def _need_samples(axis: int) -> None:
    if axis == 0:
        raise Refused("it takes some samples of a batch and not others")


def _is_slice(value: Any) -> bool:
    return is_sequence(value) and len(value) == 4 and value[0] == "slice"


@rule("torch.Tensor.__getitem__")
def _getitem(call: Reader) -> None:
    index = next(v for k, v in call.settings.items() if k not in INPUTS)
    whole = [index] if _is_slice(index) or not is_sequence(index) else index
    parts = [slice(*p[1:]) if _is_slice(p) else p for p in whole]
    whole_axes = all(p in (None, Ellipsis, slice(None)) for p in parts)
    if whole_axes and call.is_parameter_view():
        return
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
        range(size)[p] if isinstance(p, slice) else range(p % size, p % size + 1)
        for p, size in zip(axes, source, strict=True)
    ]
    if ranges[0] != range(BATCH) or isinstance(axes[0], int):
        _need_samples(0)
    if not all(isinstance(p, slice) for p in axes) or ranges != [*map(range, source)]:
        value = _fixed(call, parts, ranges)
        give(call, _cut(call, value, ranges), _moved(parts, _channels(call)))
    elif None in parts:
        reshaped(call)
    else:
        call.nothing()


def _moved(parts: list[Any], channels: int | None) -> int | None:
    """Where the channels are behind an index, counted from the batch."""
    made = taken = 0
    for part in parts:
        if part is not None and taken == channels:
            return made if isinstance(part, slice) else None
        taken += part is not None
        made += part is None or isinstance(part, slice)
    return None


def _fixed(call: Reader, parts: list[Any], ranges: list[range]) -> int:
    """What is read, of which as much is taken along the one axis that is as large as
    the input makes it, whatever that is; the range of that axis is whole then."""
    value, graph = call.input, call.graph
    varying = graph.varying.get(value, ())
    left = graph.varying.get(call.call.makes[0], ())
    axis = made = 0
    for part in parts:
        is_slice = isinstance(part, slice)
        if {*varying} == {axis - 1} and not (is_slice and made - 1 in left):
            taken = ranges[axis]
            first, last = _asked(part)
            to_end = first < 0 and last is None
            if taken.step == 1 and (to_end or (first >= 0 and (last or 0) > 0)):
                ends = taken.start, taken.stop
                value = cut(call, value, axis, *ends, back=to_end)
                ranges[axis] = range(len(taken))
        axis += part is not None
        made += part is None or is_slice
    return value


def _asked(part: Any) -> tuple[int, int | None]:
    """From where to where a part is, as it is written; to None, if that is the end."""
    if not isinstance(part, slice):
        return part, part + 1 or None
    taken = cast("slice[Any, Any, Any]", part)
    return taken.start or 0, taken.stop


def _cut(call: Reader, value: int, ranges: list[range]) -> int:
    """These parts of all axes of a value."""
    channels = _channels(call)
    on_map = range(2, len(ranges)) if channels == 1 and len(ranges) > 2 else range(0)
    for axis, taken in enumerate(ranges):
        if axis > 0 and axis not in on_map:
            if taken.step != 1:
                raise Refused(f"it takes every so manieth along axis {axis}, which is"
                               " none of a map")  # fmt: skip
            value = cut(call, value, axis, taken.start, taken.stop)
    if not on_map:
        return value
    sizes = call.sizes(value)[1:]
    spatial = ranges[2:]
    pads: list[int] = []
    for size, taken in reversed(list(zip(sizes, spatial, strict=True))):
        last = size
        if len(range(taken.start, size, taken.step)) != len(taken):
            last = taken[-1] + 1
        pads += [-taken.start, last - size]
    axes = len(spatial)
    if any(pads):
        value = call.make(
            f"zero_pad{axes}d", {"padding": pads}, reads=(value,), last=False
        )
    steps = [taken.step for taken in spatial]
    if any(step > 1 for step in steps):
        attributes = {"kernel_size": 1, "stride": steps}
        value = call.make(f"max_pool{axes}d", attributes, reads=(value,), last=False)
    return value
