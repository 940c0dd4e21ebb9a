"""Values joined along an axis."""

from __future__ import annotations

from archc.importing.functions.axes import give, on_channels
from archc.importing.reader import JOINED, Reader, Refused, rule
from archc.importing.trace import Value


@rule("torch.cat", "torch.concat", "torch.concatenate")
def _cat(call: Reader) -> None:
    reads = _joined(call)
    if len(reads) == 1:
        call.graph.same[call.call.makes[0]] = reads[0]
        return
    shape = call.shape_of(reads[0])
    dim = call.given("dim", 1, 0) % (len(shape.dims) + 1)
    if dim == 0:
        raise Refused(JOINED)
    if shape.channel_axis == dim - 1:
        call.make("concat", reads=reads)
        return
    moved = tuple(on_channels(call, read, dim) for read in reads)
    joined = call.make("concat", reads=moved, last=False)
    channels = shape.channel_axis
    give(call, joined, None if channels is None else channels + 1)


@rule("torch.stack")
def _stack(call: Reader) -> None:
    reads = _joined(call)
    first = reads[0]
    shape = call.shape_of(first)
    dim = call.given("dim", 1, 0) % (len(shape.dims) + 2)
    if dim == 0:
        call.graph.stacked[call.call.makes[0]] = reads
        return
    if shape.channel_axis == dim - 1 and len(reads) > 1:
        # which are groups of channels
        joined = call.make("concat", reads=reads, last=False)
        groups = {"dim": dim, "unflattened_size": [len(reads), -1]}
        call.make("unflatten", groups, reads=(joined,))
        return
    sizes = call.sizes(first)
    sizes = (*sizes[: dim - 1], 1, *sizes[dim - 1 :])
    parts = tuple(on_channels(call, read, dim, sizes) for read in reads)
    joined, *others = parts
    if others:
        joined = call.make("concat", reads=parts, last=False)
    channels = shape.channel_axis
    channels = None if channels is None else channels + 1
    give(call, joined, channels if channels is None else channels + (channels >= dim))


def _joined(call: Reader) -> tuple[int, ...]:
    parts = call.settings.get("tensors", call.settings.get("input", ()))
    if not all(isinstance(part, Value) for part in parts):
        raise Refused("it joins a parameter to computed values")
    return tuple(call.graph.value(part.number) for part in parts)
