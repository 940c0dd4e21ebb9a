"""Sizes that a network takes from its maps, found by traces on maps of other sizes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archc.importing.trace import Call, Sizes, Trace, Value
from archc.ops.sizes import MAX_SIZE, MOST_AXES
from archc.spec.expressions import is_sequence

_RESIZES = "torch.nn.functional.interpolate"
_SPREADS = frozenset({"torch.Tensor.expand", "torch.Tensor.expand_as",
                      "torch.broadcast_to", "torch.Tensor.repeat"})  # fmt: skip
_POOLS = re.compile(r"torch\.nn\.functional\.(avg|max)_pool\dd")
_PLAIN = ("padding", "dilation", "divisor_override", "return_indices")
"""Settings by which a pooling over the whole map would be another one."""


def unfit(sample: Sequence[int]) -> str | None:
    """Why no input of a spec has this shape, without the batch; None if one may."""
    if len(sample) > 1 + MOST_AXES:
        most = f"channels and at most {MOST_AXES} more"
        return f"a sample of it has {len(sample)} axes; an input has {most}"
    if max(sample, default=0) > MAX_SIZE:
        return f"a size of it is {max(sample)}; {MAX_SIZE} is the most"
    return None


def other_sizes(
    inputs: Mapping[str, Sequence[int]],
) -> list[dict[str, tuple[int, ...]]]:
    """Shapes of larger inputs: twice as large, of other proportions, and odd."""
    along: list[Callable[[int, int], int]] = [
        lambda size, axis: 2 * size,
        lambda size, axis: (2 + axis) * size,
        lambda size, axis: 2 * size + 1 + 2 * axis,
    ]
    return [
        {name: (shape[0], *(larger(n, axis) for axis, n in enumerate(shape[1:])))
         for name, shape in inputs.items()}
        for larger in along
    ]  # fmt: skip


def name_sizes(trace: Trace, others: Sequence[Trace]) -> None:
    """Notes which axes are as large as the inputs make them, and at what is resized
    which map it is as large as, in the setting `size_of`; in `resizes` that it is
    always as large, whatever it reads. What is so many times as large has a
    `scale_factor`. Where a single number is spread over a map, `size_of` says which. A
    pooling whose window is the whole map is one to a single number.

    `others` are the same calls on inputs of other sizes, the likeliest first: what
    holds for all of them is taken, or else for the first ones. They are changed as
    `trace` is. Where no map is as large as asked for, the size stays a number.
    """
    if not others:
        return
    trace.larger = others[0].shapes
    for other in others:
        other.larger = trace.shapes
    known = list(trace.inputs.values())
    for n, call in enumerate(trace.calls):
        for count in range(len(others), 0, -1):
            if _name_size([trace, *others[:count]], n, known):
                break
        known += call.makes


def _name_size(traces: list[Trace], n: int, known: list[int]) -> bool:
    """Names the size in a call of all these traces; whether it is that of a map."""
    calls = [t.calls[n] for t in traces]
    wanted = [*map(_size, calls)]
    if calls[0].function == _RESIZES and wanted[0]:
        if _is_idle(traces, calls, wanted):
            return False
        if len({*wanted}) == 1:
            for each, call in zip(traces, calls, strict=True):
                settings = call.settings | {"resizes": True}
                each.calls[n] = replace(call, settings=settings)
            return True
        if _take_size(traces, n, known, wanted):
            return True
        factors = {_times(*each) for each in zip(traces, calls, wanted, strict=True)}
        if len(factors) == 1 and None not in factors:
            (factor,) = factors
            for each, call in zip(traces, calls, strict=True):
                settings = call.settings | {"size": None, "scale_factor": factor}
                each.calls[n] = replace(call, settings=settings)
            return True
    if calls[0].function in _SPREADS:
        made = [
            tuple(t.shapes[c.makes[0]][2:]) for t, c in zip(traces, calls, strict=True)
        ]
        return len({*made}) > 1 and _take_size(traces, n, known, made)
    if all(map(_is_whole, calls, traces)):
        if len({str(call.settings["kernel_size"]) for call in calls}) == 1:
            return False
        for each, call in zip(traces, calls, strict=True):
            each.calls[n] = _to_one(call)
        return True
    return False


def _take_size(
    traces: list[Trace], n: int, known: list[int], wanted: list[tuple[int, ...]]
) -> bool:
    """Notes the map that is as large as wanted in all traces; whether there is one."""
    for value in _by_choice(known, traces[0].calls[n], traces[0]):
        if [_map(t.shapes[value], len(wanted[0])) for t in traces] == wanted:
            for each in traces:
                call = each.calls[n]
                settings = call.settings | {"size_of": Value(value)}
                each.calls[n] = replace(call, settings=settings)
            return True
    return False


def _times(trace: Trace, call: Call, wanted: tuple[int, ...]) -> float | None:
    """How many times as large a map becomes along each axis, if that is whole and the
    same for all: then it is the same by a factor."""
    read = call.settings.get("input")
    size = () if not isinstance(read, Value) else _map(trace.shapes[read.number], 2)
    times = {divmod(a, b) for a, b in zip(wanted, size, strict=False)}
    if len(times) != 1 or len(size) != len(wanted):
        return None
    ((factor, rest),) = times
    return None if rest else float(factor)


def _is_idle(
    traces: list[Trace], calls: list[Call], wanted: list[tuple[int, ...]]
) -> bool:
    """Whether what is resized is as large already in all of them."""
    read = [call.settings.get("input") for call in calls]
    return all(
        isinstance(value, Value) and _map(each.shapes[value.number], len(size)) == size
        for each, value, size in zip(traces, read, wanted, strict=True)
    )


def _by_choice(known: list[int], call: Call, trace: Trace) -> Iterator[int]:
    """What the module reads, the network's inputs, and then what was made last."""
    if call.use >= 0:
        yield from (v for v in trace.uses[call.use].reads if v in known)
    count = len(trace.inputs)
    yield from known[:count]
    yield from reversed(known[count:])


def _is_whole(call: Call, trace: Trace) -> bool:
    """Whether a call pools over windows as large as the map."""
    settings, read = call.settings, call.settings.get("input")
    if not _POOLS.fullmatch(call.function) or not isinstance(read, Value):
        return False
    sizes = trace.shapes[read.number][2:]
    plain = all(settings.get(n) in (None, False, 0, 1) for n in _PLAIN)
    return plain and _on_axes(settings["kernel_size"], len(sizes)) == sizes


def _to_one(call: Call) -> Call:
    """The pooling of a whole map to one number."""
    package, _, name = call.function.rpartition(".")
    settings = {"input": call.settings["input"], "output_size": 1}
    return replace(call, function=f"{package}.adaptive_{name}", settings=settings)


def _size(call: Call) -> tuple[int, ...]:
    """What a call asks for along each axis; nothing, if it asks for none."""
    return _on_axes(call.settings.get("size"), 2)


def _on_axes(size: Any, axes: int) -> tuple[int, ...]:
    """A size on each axis; nothing, if none is said."""
    if isinstance(size, int):
        return (size,) * axes
    return tuple(size) if is_sequence(size) else ()


def _map(shape: Sizes, axes: int) -> tuple[int, ...]:
    """The map's size of a value with so many axes beside batch and channels."""
    return tuple(shape[2:]) if len(shape) == axes + 2 else ()
