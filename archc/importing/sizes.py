"""Sizes that a network takes from its maps, found by a second trace on larger ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archc.importing.trace import Call, Sizes, Trace, Value
from archc.spec.expressions import is_sequence

_RESIZES = "torch.nn.functional.interpolate"
_POOLS = re.compile(r"torch\.nn\.functional\.(avg|max)_pool\dd")
_PLAIN = ("padding", "dilation", "divisor_override", "return_indices")
"""Settings by which a pooling over the whole map would be another one."""
_LAYS_OUT = frozenset(
    {"view", "reshape", "view_as", "reshape_as", "unflatten", "squeeze", "unsqueeze",
     "cat", "concat", "concatenate", "stack", "chunk", "split", "tensor_split",
     "unbind", "select", "narrow", "__getitem__"}
)  # fmt: skip
"""Functions for which numbers may have to be laid out on other axes."""


def has_sizes(trace: Trace) -> bool:
    """Whether it says sizes that may be those of maps: something is resized to one,
    laid out on several axes, or pooled whole."""
    return any(_says_sizes(call, trace) for call in trace.calls)


def _says_sizes(call: Call, trace: Trace) -> bool:
    if call.function == _RESIZES:
        return call.settings.get("size") is not None
    if call.function.rpartition(".")[2] in _LAYS_OUT:
        return any(len(trace.shapes[made]) > 2 for made in call.makes)
    return _is_whole(call, trace)


def name_sizes(trace: Trace, larger: Trace) -> None:
    """Notes how large values are on larger inputs, and at what is resized which map it
    is as large as, in the setting `size_of`. A pooling whose window is the whole map
    on both is one to a single number.

    `larger` is the same network's on larger inputs; a map counts if it is as large as
    asked for in both. Where the traces are not alike, or no map is so, the size stays a
    number.
    """
    functions = [[call.function for call in t.calls] for t in (trace, larger)]
    if larger.refused or functions[0] != functions[1]:
        return
    trace.larger = larger.shapes
    known = list(trace.inputs.values())
    for n, call in enumerate(trace.calls):
        wanted = [_size(t.calls[n]) for t in (trace, larger)]
        if call.function == _RESIZES and wanted[0] and wanted[0] != wanted[1]:
            found = (
                value for value in _by_choice(known, call, trace)
                if [_map(t.shapes[value], len(w)) for t, w in
                    zip((trace, larger), wanted, strict=True)] == wanted
            )  # fmt: skip
            of = next(found, None)
            if of is not None:
                settings = call.settings | {"size_of": Value(of)}
                trace.calls[n] = replace(call, settings=settings)
        if all(_is_whole(t.calls[n], t) for t in (trace, larger)):
            window = call.settings["kernel_size"]
            if window != larger.calls[n].settings["kernel_size"]:
                trace.calls[n] = _to_one(call)
        known += call.makes


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
