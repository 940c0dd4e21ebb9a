"""Values joined along an axis."""

from __future__ import annotations

from math import prod

from archc.importing.functions.axes import give, in_groups, on_channels, parted
from archc.importing.reader import INPUTS, JOINED, Reader, Refused, rule
from archc.importing.trace import Value
from archc.spec.expressions import is_sequence


@rule("torch.cat", "torch.concat", "torch.concatenate")
def _cat(call: Reader) -> None:
    reads = _joined(call)
    if call.graph.zeros.intersection(reads):
        _cat_zeros(call, list(reads))
        return
    shape = call.shape_of(reads[0])
    dim = call.given("dim", 1, 0) % (len(shape.dims) + 1)
    if dim == 0 and len(reads) > 1:
        raise Refused(JOINED)
    on_channels_alone = shape.channel_axis == dim - 1 or len(reads) == 1
    whole = parted(call, reads) if on_channels_alone else None
    if whole is not None:
        call.graph.same[call.call.makes[0]] = whole
        return
    if shape.channel_axis == dim - 1:
        call.make("concat", reads=reads)
        return
    counted = all(0 not in call.graph.varying.get(read, ()) for read in reads)
    if dim == 1 and shape.channel_axis == 1 and counted:
        in_groups(call, reads)
        return
    moved = tuple(on_channels(call, read, dim) for read in reads)
    joined = call.make("concat", reads=moved, last=False)
    channels = shape.channel_axis
    give(call, joined, None if channels is None else channels + 1)


def _cat_zeros(call: Reader, reads: list[int]) -> None:
    """Zeros around are padding of channels."""
    zeros, pads = call.graph.zeros, [0, 0]
    dim = call.given("dim", 1, 0) % len(call.graph.trace.shapes[call.call.makes[0]])
    for side in (0, -1):
        while reads and reads[side] in zeros:
            pads[side] += call.graph.trace.shapes[reads.pop(side)][dim]
    if not reads:
        raise Refused("it joins nothing but zeros")
    channels = call.shape_of(reads[0]).channel_axis
    moved = tuple(on_channels(call, read, dim) for read in reads)
    value = (
        moved[0] if len(moved) == 1 else call.make("concat", reads=moved, last=False)
    )
    if any(pads):
        padding = pads[0] if pads[0] == pads[1] else pads
        attributes = {"padding": padding}
        value = call.make("channel_pad", attributes, reads=(value,), last=False)
    give(call, value, None if channels is None else channels + 1)


@rule("torch.zeros", "torch.Tensor.new_zeros", "torch.zeros_like", "torch.empty",
       "torch.Tensor.new_empty")  # fmt: skip
def _zeros(call: Reader) -> None:
    made = call.call.makes[0]
    if "zeros" not in call.call.function and prod(call.graph.trace.shapes[made]):
        raise Refused("it reads memory in which nothing was written")
    call.graph.zeros.add(made)


@rule("torch.Tensor.repeat")
def _repeat(call: Reader) -> None:
    """Axes of one are spread, channels are joined to themselves."""
    given = [v for k, v in call.settings.items() if k not in (*INPUTS, "size_of")]
    times = [*given[0]] if len(given) == 1 and is_sequence(given[0]) else given
    if len(times) != call.rank:
        raise Refused("it repeats what it reads along axes that this has not")
    if times[0] != 1:
        raise Refused(JOINED)
    sizes = call.sizes(call.input)
    channels = call.shape_of(call.input).channel_axis
    often = [n for n, t in enumerate(times[1:]) if t != 1 and sizes[n] != 1]
    if often not in ([], [channels]):
        raise Refused("it repeats an axis that is neither that of the channels nor one"
                      " wide")  # fmt: skip
    value, made = call.input, call.call.makes[0]
    if often:
        spread = any(t != 1 for t in (*times[1 : often[0] + 1], *times[often[0] + 2 :]))
        reads = (value,) * times[often[0] + 1]
        value = call.make("concat", reads=reads, last=not spread)
        if not spread:
            return
    # as of `expand`
    call.graph.same[made] = value
    if any(t != 1 for t in times):
        call.graph.spread[made] = call.call


@rule("torch.stack")
def _stack(call: Reader) -> None:
    reads = _joined(call)
    first = reads[0]
    shape = call.shape_of(first)
    dim = call.given("dim", 1, 0) % (len(shape.dims) + 2)
    if dim == 0:
        call.graph.stacked[call.call.makes[0]] = reads
        return
    if shape.channel_axis == 0 and len(reads) > 1:
        groups = in_groups(call, reads, last=dim == 1)
        if dim == 2:
            call.make("transpose", {"dim0": 1, "dim1": 2}, reads=(groups,))
        elif dim > 2:
            order = [n for n in range(len(shape.dims) + 2) if n != 1]
            order.insert(dim, 1)
            call.make("permute", {"dims": order}, reads=(groups,))
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
