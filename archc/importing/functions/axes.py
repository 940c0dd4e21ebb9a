"""Work along any axis, with ops that work along that of the channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archc.importing.attributes import laid_out
from archc.importing.reader import Reader
from archc.importing.reshapes import LAYOUTS
from archc.importing.trace import BATCH, Sizes


def laid_before(call: Reader, value: int, sizes: Sizes) -> int | None:
    """The value of these sizes that was laid out on other axes before."""
    node = call.graph.maker(value)
    while node is not None and node.op in LAYOUTS:
        source = call.graph.value(node.reads[0])
        if call.sizes(source) == sizes:
            return source
        node = call.graph.maker(source)
    return None


def in_groups(call: Reader, groups: Sequence[int], *, last: bool = True) -> int:
    """Groups of channels, joined: each value is one of them, or several, whose channels
    are on the next axis."""
    rank = len(call.sizes(groups[0]))
    flat: list[int] = []
    count = 0
    for value in groups:
        sizes = call.sizes(value)
        count += sizes[0] if call.shape_of(value).channel_axis == 1 else 1
        if call.shape_of(value).channel_axis == 1:
            joined = (sizes[0] * sizes[1], *sizes[2:])
            ends = {"end_dim": 2} if rank > 2 else {}
            whole = laid_before(call, value, joined)
            if whole is None:
                whole = call.make("flatten", ends, reads=(value,), last=False)
            value = whole
        flat.append(value)
    whole = parted(call, flat)
    if whole is None:
        whole = call.make("concat", reads=tuple(flat), last=False)
    parts = {"dim": 1, "unflattened_size": [count, -1]}
    return call.make("unflatten", parts, reads=(whole,), last=last)


def parted(call: Reader, values: Sequence[int]) -> int | None:
    """The value whose channels these are, in their order, if they are all of it."""
    if len(values) == 1:
        return values[0]
    stop, sources = 0, set[int]()
    for value in values:
        node = call.graph.maker(value)
        if node is None or node.op != "channel_slice":
            return None
        if node.attributes.get("start", 0) != stop:
            return None
        stop = node.attributes["stop"]
        sources.add(call.graph.value(node.reads[0]))
    (source, *others) = sources
    return None if others or call.shape_of(source).channels != stop else source


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


def cut(
    call: Reader, value: int, axis: int, start: int, stop: int, *, back: bool = False
) -> int:
    """A part of a value along an axis, counted from the batch; where it is taken `back`
    from the end of what is as large as the input makes it, it is the last."""
    size = call.sizes(value)[axis - 1]
    if (start, stop) == (0, size):
        return value
    attributes = {"start": start, "stop": stop} if start else {"stop": stop}
    if back and axis - 1 in call.graph.varying.get(value, ()):
        attributes = {"start": start - size}
    read = on_channels(call, value, axis)
    made = call.make("channel_slice", attributes, reads=(read,), last=False)
    varying = call.graph.varying.get(read, ())
    call.graph.varying[made] = tuple(n for n in varying if n != axis - 1)
    return made


def give(call: Reader, value: int, axis: int | None, makes: int | None = None) -> None:
    """Makes a value what the call makes, laid out so; its channels are on this axis,
    counted from the batch, or on none that is known."""
    made = call.call.makes[0] if makes is None else makes
    wanted = call.graph.trace.shapes[made][1:]
    shape = call.shape_of(value)
    there = axis is None or shape.channel_axis == axis - 1
    if there and call.graph.trace.shapes[made] == (BATCH, *shape.sizes):
        call.graph.same[made] = value
        return
    varying = call.graph.varying.get(made, ())
    if len(wanted) == 1:
        call.make("flatten", reads=(value,), makes=made)
        return
    if axis is None and len(varying) > 1 and but_ones(wanted) == but_ones(shape.sizes):
        move_ones(call, value, wanted, made)
        return
    sizes = laid_out(wanted, varying)
    attributes = {"sizes": sizes, "channel_dim": axis}
    call.make("reshape", attributes, reads=(value,), makes=made)


def but_ones(sizes: Sizes) -> Sizes:
    """Sizes without those of one."""
    return tuple(size for size in sizes if size != 1)


def move_ones(call: Reader, value: int, sizes: Sizes, makes: int | None = None) -> None:
    """Makes a value what the call makes, with axes of one where they are wanted,
    whatever size the others have."""
    now = list(call.sizes(value))
    steps: list[tuple[str, dict[str, Any]]] = []
    at = 0
    while now != list(sizes):
        if now[at : at + 1] == [*sizes[at : at + 1]]:
            at += 1
        elif at < len(sizes) and sizes[at] == 1:
            dim, parts = (at + 1, [1, -1]) if at < len(now) else (at, [-1, 1])
            steps.append(("unflatten", {"dim": dim, "unflattened_size": parts}))
            now.insert(at, 1)
        else:
            start = min(at + 1, len(now) - 1)
            last = {"end_dim": start + 1} if start + 1 < len(now) else {}
            steps.append(("flatten", {"start_dim": start, **last}))
            del now[at]
    for n, (op, attributes) in enumerate(steps):
        last = n == len(steps) - 1
        made = makes if last else None
        value = call.make(op, attributes, reads=(value,), last=last, makes=made)
