"""What a tool counts, as text."""

from __future__ import annotations

from collections.abc import Iterator

from archc.escaping import visible
from archc.measure.counting.count import Count, Figure
from archc.measure.counting.rules import MULTIPLY_ADDS


def as_text(count: Count) -> str:
    """Each figure, where it differs from archc's, by reason and op and by layer."""
    lines: list[str] = []
    known: set[int] = set()
    for figure in count.figures:
        if figure.total in known and "modules" in figure.name:
            continue  # of a module that is written otherwise, and counted the same
        known.add(figure.total)
        lines += [*_figure(count, figure), ""]
    lines += [f"Note: {remark}" for remark in count.remarks]
    return "\n".join(lines).rstrip("\n") + "\n"


def _figure(count: Count, figure: Figure) -> Iterator[str]:
    yield (
        f"{visible(count.network)}: {count.tool} {count.version} prints"
        f" {figure.total:,} ({figure.shown})"
    )
    ours = figure.each * count.macs
    each = "" if figure.each == 1 else f", {figure.each} operations each: {ours:,}"
    yield f"archc counts {count.macs:,} multiply-adds{each}"
    difference = figure.total - ours
    if not difference:
        yield "The two agree."
    else:
        yield f"The difference is {difference:+,}:"
    rows = list(_reasons(figure, ours))
    width = max((len(number) for number, _ in rows), default=0)
    yield from (f"  {number:>{width}}  {what}" for number, what in rows)
    yield from _layers(figure)


def _reasons(figure: Figure, ours: int) -> Iterator[tuple[str, str]]:
    same = sum(part.counted for part in figure.parts if part.what == MULTIPLY_ADDS)
    if same != ours:
        yield f"{same - ours:+,}", f"{MULTIPLY_ADDS}, counted otherwise"
    for part in figure.parts:
        if part.what == MULTIPLY_ADDS:
            continue
        ops = {op: number for op, number in part.ops.items() if number}
        by_op = "; ".join(f"{visible(op)} {number:,}" for op, number in ops.items())
        yield f"{part.counted:+,}", f"{part.what} ({by_op})"


def _layers(figure: Figure) -> Iterator[str]:
    """The layers of which the two count another number."""
    rows = [
        (visible(x.path), visible(x.op), f"{x.counted:,}", f"{figure.each * x.macs:,}")
        for x in figure.layers
        if x.counted != figure.each * x.macs
    ]
    if not rows:
        return
    yield ""
    heads = ("layer", "op", "it counts", "archc")
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        left = (cell.ljust(w) for cell, w in zip(row[:2], widths[:2], strict=True))
        right = (cell.rjust(w) for cell, w in zip(row[2:], widths[2:], strict=True))
        yield f"  {'  '.join((*left, *right))}".rstrip()
