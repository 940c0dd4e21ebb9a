"""Work along any axis, with ops that work along that of the channels."""

from __future__ import annotations

from archc.importing.attributes import laid_out
from archc.importing.reader import Reader
from archc.importing.trace import BATCH, Sizes


def on_channels(call: Reader, value: int, axis: int, sizes: Sizes = ()) -> int:
    """A value whose channels are on this axis, counted from the batch; with other
    `sizes`, on other axes."""
    shape = call.shape_of(value)
    sizes = sizes or call.sizes(value)
    if shape.channel_axis == axis - 1 and sizes == call.sizes(value):
        return value
    varying = call.graph.varying.get(value, ())
    if len(sizes) > len(shape.dims):
        varying = tuple(n + (n >= axis - 1) for n in varying)
    attributes = {"sizes": laid_out(sizes, varying), "channel_dim": axis}
    made = call.make("reshape", attributes, reads=(value,), last=False)
    call.graph.varying[made] = varying
    return made


def cut(call: Reader, value: int, axis: int, start: int, stop: int) -> int:
    """A part of a value along an axis, counted from the batch."""
    if (start, stop) == (0, call.sizes(value)[axis - 1]):
        return value
    attributes = {"start": start, "stop": stop} if start else {"stop": stop}
    read = on_channels(call, value, axis)
    made = call.make("channel_slice", attributes, reads=(read,), last=False)
    varying = call.graph.varying.get(read, ())
    call.graph.varying[made] = tuple(n for n in varying if n != axis - 1)
    return made


def give(call: Reader, value: int, axis: int | None, makes: int | None = None) -> None:
    """Makes a value what the call makes, laid out so; its channels are on this axis,
    counted from the batch, or on none that is known."""
    made = call.call.makes[0] if makes is None else makes
    _, *wanted = call.graph.trace.shapes[made]
    shape = call.shape_of(value)
    there = axis is None or shape.channel_axis == axis - 1
    if there and call.graph.trace.shapes[made] == (BATCH, *shape.sizes):
        call.graph.same[made] = value
        return
    sizes = laid_out(tuple(wanted), call.graph.varying.get(made, ()))
    attributes = {"sizes": sizes, "channel_dim": axis}
    call.make("reshape", attributes, reads=(value,), makes=made)
