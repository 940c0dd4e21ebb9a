"""The speed of a network as text."""

from __future__ import annotations

from archc.escaping import visible
from archc.measure.memory_table import amount
from archc.measure.speed.roofline import Speed


def duration(seconds: float) -> str:
    """`1.23 ms`, `4 h 05 min`."""
    if seconds >= 3600:
        minutes = round(seconds / 60)
        return f"{minutes // 60} h {minutes % 60:02} min"
    if seconds >= 60:
        return f"{int(seconds // 60)} min {round(seconds % 60):02} s"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def as_text(speed: Speed, images: int | None) -> str:
    """Totals, then layer by layer."""
    kind = "measured" if speed.measured else "the most that data sheets allow"
    totals = [
        (
            "forward pass",
            duration(speed.forward),
            f"{speed.images_per_second:,.0f} images/s",
        ),
        ("with element-wise chains fused", duration(speed.forward_fused), ""),
        (
            "training step, SGD",
            duration(speed.step),
            f"{speed.trained_per_second:,.0f} images/s",
        ),
    ]
    if images is not None:
        totals.append(
            (f"epoch of {images:,} images", duration(speed.epoch(images)), "")
        )
    widths = [max(len(row[i]) for row in totals) for i in range(3)]
    lines = [
        f"{visible(speed.name)} on {visible(speed.device)}: batch {speed.batch:,},"
        f" {speed.precision}; {speed.operations:,} operations",
        f"{kind}: {visible(speed.source)}",
        "",
        *(
            f"{a.ljust(widths[0])}  {b.rjust(widths[1])}  {c.rjust(widths[2])}".rstrip()
            for a, b, c in totals
        ),
        "",
    ]
    rows = [
        (
            visible(x.path), visible(x.op), f"{x.operations:,}", amount(x.read),
            amount(x.written), f"{x.intensity:.1f}", x.bound, duration(x.forward),
            duration(x.backward) if x.backward else "-",
        )
        for x in speed.layers
    ]  # fmt: skip
    heads = (
        "layer", "op", "operations", "read", "written", "operations/byte", "bound by",
        "forward", "backward",
    )  # fmt: skip
    table = [heads, *rows]
    columns = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell.ljust(w) if i < 2 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, columns, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"
