"""Sizes that a network takes from its maps, found by a second trace on larger ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archc.importing.trace import Call, Sizes, Trace, Value
from archc.spec.expressions import is_sequence

_RESIZES = "torch.nn.functional.interpolate"
_LAYS_OUT = frozenset(
    {"view", "reshape", "view_as", "reshape_as", "unflatten", "squeeze", "unsqueeze",
     "cat", "concat", "concatenate", "stack", "chunk", "split", "tensor_split",
     "unbind", "select", "narrow", "__getitem__"}
)  # fmt: skip
"""Functions for which numbers may have to be laid out on other axes."""


def has_sizes(trace: Trace) -> bool:
    """Whether it says sizes that may be those of maps: something is resized to one, or
    laid out on several axes."""
    return any(
        call.settings.get("size") is not None
        if call.function == _RESIZES
        else call.function.rpartition(".")[2] in _LAYS_OUT
        and any(len(trace.shapes[made]) > 2 for made in call.makes)
        for call in trace.calls
    )


def name_sizes(trace: Trace, larger: Trace) -> None:
    """Notes how large values are on larger inputs, and at what is resized which map it
    is as large as, in the setting `size_of`.

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
        known += call.makes


def _by_choice(known: list[int], call: Call, trace: Trace) -> Iterator[int]:
    """What the module reads, the network's inputs, and then what was made last."""
    if call.use >= 0:
        yield from (v for v in trace.uses[call.use].reads if v in known)
    count = len(trace.inputs)
    yield from known[:count]
    yield from reversed(known[count:])


def _size(call: Call) -> tuple[int, ...]:
    """What a call asks for along each axis; nothing, if it asks for none."""
    size: Any = call.settings.get("size")
    if isinstance(size, int):
        return (size, size)
    return tuple(size) if is_sequence(size) else ()


def _map(shape: Sizes, axes: int) -> tuple[int, ...]:
    """The map's size of a value with so many axes beside batch and channels."""
    return tuple(shape[2:]) if len(shape) == axes + 2 else ()
