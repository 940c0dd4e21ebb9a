"""The memory of a training step as text."""

from __future__ import annotations

from collections.abc import Sequence

from archc.measure.memory import LayerMemory, Memory, Peak

_DEAREST = 8
"""How many layers are shown."""
_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def amount(count: int) -> str:
    """Bytes for people: three digits or more and a unit."""
    for unit, size in _UNITS:
        if count >= size:
            digits = max(0, 3 - len(str(count // size)))
            return f"{count / size:,.{digits}f} {unit}"
    return f"{count} B"


def as_text(memory: Memory) -> str:
    """The parts of the peak, what each amounts to at its most, the dearest layers."""
    lines = [
        f"{memory.name}: a training step, batch {memory.batch},"
        f" optimizer {memory.optimizer}, {memory.precision}, {memory.device}",
        "",
        *_aligned(_parts(memory)),
        "",
        f"The peak is {_where(memory.peak)}.",
        "",
        *_by_place(memory),
        *_aligned(_dearest(memory.layers)),
        "",
        "Not modelled: workspace of convolutions, the allocator's rounding and"
        " fragments,",
        "the CUDA context, compiled graphs.",
    ]
    return "\n".join(lines) + "\n"


def _parts(memory: Memory) -> list[tuple[str, ...]]:
    peak = memory.peak
    transient = max(memory.transient_forward, memory.transient_backward)
    rows = [
        ("parameters", memory.parameters, memory.parameters),
        ("buffers", memory.buffers, memory.buffers),
        ("optimizer state", memory.optimizer_state, memory.optimizer_state),
        ("input and labels", memory.input, memory.input),
        ("gradients", memory.gradients, peak.gradients),
        ("saved activations", memory.saved, peak.saved),
        ("transient", transient, peak.transient),
    ]
    return [
        ("", "at most", "at the peak", "share"),
        *(
            (name, amount(most), amount(now), f"{100 * now / peak.total:.1f} %")
            for name, most, now in rows
        ),
        ("total", "", amount(peak.total), "100.0 %"),
    ]


def _by_place(memory: Memory) -> list[str]:
    """What each of several devices holds; the above is of all on one."""
    if not memory.places:
        return []
    rows = [
        (at.place, amount(at.parameters), amount(at.peak.total), _where(at.peak))
        for at in memory.places
    ]
    head = ("on devices of their own", "parameters", "peak", "where")
    return [*_aligned([head, *rows]), ""]


def _where(peak: Peak) -> str:
    if peak.phase == "step":
        return "in the optimizer's step"
    place = "the loss" if peak.layer is None else f"`{peak.layer}`"
    return f"in the {peak.phase} pass, at {place}"


def _dearest(layers: Sequence[LayerMemory]) -> list[tuple[str, ...]]:
    """The layers that hold most."""
    shown = sorted(layers, key=lambda x: x.saved + x.parameters, reverse=True)
    rows = [
        (f"{layer.path} ({layer.op})", amount(layer.saved), amount(layer.parameters))
        for layer in shown[:_DEAREST]
    ]
    return [("dearest layers", "saved", "parameters, gradients, state"), *rows]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column at its left, the others at their right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
