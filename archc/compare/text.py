"""A comparison as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from archc.compare.groups import (
    Group,
    block_of,
    groups,
    instances,
    named,
    places,
    value,
    window,
)
from archc.compare.model import Comparison, Dims, Kind, Row, Total
from archc.escaping import visible
from archc.network.graph import Layer, Network, Region
from archc.ops.attributes import items

SIGNS: dict[Kind, str] = {
    "changed": "~", "inserted": "+", "removed": "-", "moved": ">", "same": " "
}  # fmt: skip
_COLORS: dict[Kind | str, str] = {
    "changed": "\x1b[33m",
    "inserted": "\x1b[32m",
    "removed": "\x1b[31m",
    "moved": "\x1b[36m",
    "bold": "\x1b[1m",
    "faint": "\x1b[2m",
}
_NAMES = {
    "params": "parameters",
    "params_with_heads": "with heads",
    "macs": "MACs",
    "receptive_field": "receptive field",
}


@dataclass(frozen=True, slots=True)
class _Painter:
    color: bool

    def __call__(self, style: str, text: str) -> str:
        if not self.color or not text or style not in _COLORS:
            return text
        return f"{_COLORS[style]}{text}\x1b[0m"


def as_text(found: Comparison, *, color: bool = False) -> str:
    """What separates two networks: in short, in numbers, then layer by layer."""
    paint = _Painter(color)
    a, b = (visible(f"{side.title} ({side.label})") for side in (found.a, found.b))
    lines = [paint("bold", f"{a} → {b}"), *headline(found), ""]
    listed = bool(found.differences) and not found.has_little_in_common
    if listed:
        lines += [paint("bold", "what differs"), *_groups(found, paint), ""]
    lines += [paint("bold", "in numbers"), *_totals(found, paint)]
    if listed:
        lines += ["", paint("bold", "layer by layer"), *_layers(found, paint)]
    return "\n".join(lines) + "\n"


# ---- in short


def headline(found: Comparison) -> Iterator[str]:
    """How much is alike, what became of the first convolution, and whether weights can
    be shared."""
    yield share(found)
    first, other = (_first(side.network) for side in (found.a, found.b))
    if first and other:
        if any(row.a is first and row.b is other for row in found.rows):
            went = _went(first, other)
            if went:
                yield f"The first convolution, {other.path}, {went}."
        else:
            yield (
                f"The first convolution, {other.path}, is {named(other)}"
                f" where {first.path} was {named(first)}."
            )
    if not found.differences:
        yield "Every layer has its counterpart, and none computes otherwise."
    yield _weights(found)


def share(found: Comparison) -> str:
    """How much is alike: `68 of 69 layers alike.`"""
    count = f"{found.alike} of {len(found.rows)} layers alike"
    if not found.has_little_in_common:
        return f"{count}."
    if found.alike < len(found.rows) / 2:
        return f"Little in common: {count}."
    return f"Little in common: {count}, in another order."


def _first(network: Network) -> Layer | None:
    """The first convolution."""
    return next((x for x in network.layers() if x.op.category == "convolution"), None)


def _went(a: Layer, b: Layer) -> str:
    """What became of a convolution's window and of what it gives; empty if nothing."""
    before, after = a.output_shape().sizes, b.output_shape().sizes
    parts: list[str] = []
    if window(a) != window(b):
        parts.append(f"from {window(a)} to {window(b)}")
    if before[1:] != after[1:]:
        parts.append(f"from maps of {_size(before[1:])} to {_size(after[1:])}")
    if before[0] != after[0]:
        parts.append(f"from {before[0]} channels to {after[0]}")
    return f"went {', '.join(parts)}" if parts else ""


def _weights(found: Comparison) -> str:
    weights = found.weights
    if weights.same == weights.a == weights.b:
        return "The weights of each load into the other."
    if weights.in_order:
        return (
            "The weights have the same shapes layer by layer, under other names:"
            f" {weights.same} of {weights.a} tensors are called alike."
        )
    return (
        f"{weights.same} of {weights.a} and {weights.b} tensors have the same name and"
        " shape."
    )


# ---- in numbers


def totals(found: Comparison) -> list[tuple[str, str, str, str]]:
    """Numbers and settings of both networks as text, and how far they are apart."""
    rows = [
        (_NAMES.get(t.name, t.name), _shown(t.a), _shown(t.b), _difference(t))
        for t in found.totals
    ]
    rows.append(("maps", _maps(found.maps[0]), _maps(found.maps[1]), ""))
    rows += [(t.name, _setting(t.a), _setting(t.b), "") for t in found.settings]
    rows += [(t.name, _initial(t.a), _initial(t.b), "") for t in found.training]
    return rows


def _totals(found: Comparison, paint: _Painter) -> Iterator[str]:
    rows = totals(found)
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for name, a, b, difference in rows:
        line = f"{name:<{widths[0]}}  {a:>{widths[1]}}  {b:>{widths[2]}}  {difference}"
        yield paint("faint" if a == b else "", line.rstrip())


def _setting(found: object) -> str:
    parts = items(found)
    return value(found) if parts is None else f"[{', '.join(map(str, parts))}]"


def _initial(found: object) -> str:
    return "PyTorch's" if found is None else str(found)


def _shown(found: object) -> str:
    parts = items(found)
    if parts is not None:
        return _size(parts)
    return f"{found:,}" if isinstance(found, int) else "-"


def _maps(sizes: Sequence[int | Dims]) -> str:
    return " ".join(_size(s) if isinstance(s, tuple) else str(s) for s in sizes)


def _difference(total: Total) -> str:
    if not isinstance(total.a, int) or not isinstance(total.b, int):
        return ""
    if total.a == total.b:
        return "="
    share = f" ({(total.b - total.a) / total.a:+.1%})" if total.a else ""
    return f"{total.b - total.a:+,}{share}"


def _size(dims: tuple[int, ...]) -> str:
    return "×".join(map(str, dims))


# ---- what differs


def _groups(found: Comparison, paint: _Painter) -> Iterator[str]:
    listed = groups(found)
    widths = [min(_WIDE, max(len(f(g)) for g in listed)) for f in (_what, _where)]
    for group in listed:
        what, where, becomes = described(group)
        line = f"{SIGNS[group.kind]} {what:<{widths[0]}}  {where:<{widths[1]}}"
        yield paint(group.kind, f"{line}  {becomes}".rstrip())


_WIDE = 56
"""To how many characters columns are filled up."""


def described(group: Group) -> tuple[str, str, str]:
    """What a difference is, where it is, and what becomes of the maps."""
    return _what(group), _where(group), _becomes(group.shapes)


def as_line(group: Group) -> str:
    """A difference with its places on a line, the sign first."""
    return f"{SIGNS[group.kind]} {_what(group)}: {_where(group)}"


def _what(group: Group) -> str:
    count = f"{len(group.paths)} × " if len(group.paths) > 1 else ""
    moved = " moved" if group.kind == "moved" else ""
    return f"{count}{group.what}{moved}  {group.change}".rstrip()


def _where(group: Group) -> str:
    return group.where + (" (head)" if group.head else "")


def _becomes(shapes: tuple[Dims, Dims] | None) -> str:
    if shapes is None:
        return ""
    before, after = shapes
    if len(before) == len(after) > 1 and before[0] == after[0]:
        return f"maps {_size(before[1:])} → {_size(after[1:])}"
    return f"{_size(before)} → {_size(after)}"


# ---- layer by layer

_Line = tuple[Kind, str, str, str, str, str]


def _layers(found: Comparison, paint: _Painter) -> Iterator[str]:
    """Both networks beside each other; what is alike is counted."""
    table = list(_lines(found))
    full = [line for line in table if not isinstance(line, int)]
    widths = [max(len(line[i]) for line in full) for i in range(1, 5)]
    left = widths[0] + widths[1] + 2
    a, b = (visible(side.label) for side in (found.a, found.b))
    yield paint("faint", f"  {a:<{left}} │ {b}")
    for line in table:
        if isinstance(line, int):
            yield paint("faint", f"  … {line} alike")
            continue
        kind, *cells, remark = line
        a, ours, b, theirs = (f"{c:<{w}}" for c, w in zip(cells, widths, strict=True))
        text = f"{SIGNS[kind]} {a}  {ours} │ {b}  {theirs}  {remark}"
        yield paint(kind, text.rstrip())


def _lines(found: Comparison) -> Iterator[_Line | int]:
    """What to show, and how many layers are left out between.

    Whole blocks that only one network has are a line, and so are many layers in a row
    that only one has. Of layers that compute as before, on other maps, those are shown
    that make maps of another size.
    """
    whole = instances(found)
    for kind, run in groupby(found.rows, lambda row: _stretch(row, whole)):
        rows = list(run)
        if kind == "alike":
            yield len(rows)
        elif kind == "block":
            yield from _blocks(rows, whole, found)
        elif kind in ("inserted", "removed") and len(rows) >= _FOLDED:
            yield _folded(rows)
        else:
            yield from map(_single, rows)


_FOLDED = 4
"""So many layers that only one network has are one line."""


def _stretch(row: Row, whole: dict[Layer, Region]) -> Kind | Literal["alike", "block"]:
    """What is shown in one way, where it stands in a row."""
    if row.kind == "same" and not (row.reshaped and _resizes(row)):
        return "alike"
    alone = row.a is None or row.b is None
    return "block" if alone and row.layer in whole else row.kind


def _blocks(
    rows: list[Row], whole: dict[Layer, Region], found: Comparison
) -> Iterator[_Line]:
    run: list[Region] = []
    for region in dict.fromkeys(whole[row.layer] for row in rows):
        if run and not _continues(run[-1], region):
            yield _block(run, found)
            run = []
        run.append(region)
    yield _block(run, found)


def _single(row: Row) -> _Line:
    return (row.kind, *_cells(row.a), *_cells(row.b), _remark(row))


def _folded(rows: list[Row]) -> _Line:
    """A line for layers in a row that only one network has."""
    first, last = rows[0].layer, rows[-1].layer
    cells = f"{first.path} … {last.path}", _cells(last)[1]
    remark = f"{len(rows)} layers"
    if rows[0].kind == "removed":
        return ("removed", *cells, "", "", remark)
    return ("inserted", "", "", *cells, remark)


def _continues(region: Region, then: Region) -> bool:
    """Whether two blocks that are missing are one behind the other and of one kind."""
    a, b = block_of(region), block_of(then)
    return a.block is b.block and _above(a) == _above(b)


def _above(region: Region) -> str:
    return region.path.rpartition(".")[0]


def _block(run: list[Region], found: Comparison) -> _Line:
    """A line for instances of a block that only one network has."""
    first, last = block_of(run[0]), run[-1]
    assert first.block is not None and last.output.shape is not None
    layers = sum(1 for _ in run[0].layers())
    count = f"{len(run)} × " if len(run) > 1 else ""
    what = f"{places([block_of(r).path for r in run])}  {count}block {first.block.name}"
    cells = what, _size(last.output.shape.sizes)
    remark = f"{layers} layers{' each' if count else ''}"
    if next(run[0].layers()) in found.a.facts.layers:
        return ("removed", *cells, "", "", remark)
    return ("inserted", "", "", *cells, remark)


def _cells(layer: Layer | None) -> tuple[str, str]:
    if layer is None:
        return "", ""
    return f"{layer.path}  {named(layer)}", _size(layer.output_shape().sizes)


def _remark(row: Row) -> str:
    """What changed of a layer and is not to be seen in its line."""
    if row.a is None or row.b is None:
        return ""
    alike = named(row.a) == named(row.b)
    return ", ".join(
        f"{c.attribute} {value(c.before)} → {value(c.after)}"
        for c in row.changes
        if alike or c.attribute in _UNSEEN
    )


_UNSEEN = ("padding", "bias", "ceil_mode", "from")
"""What a layer's line never shows."""


def _resizes(row: Row) -> bool:
    if row.layer.op.category == "merge":
        return False
    return any(
        layer is not None and layer.input_shape().sizes != layer.output_shape().sizes
        for layer in (row.a, row.b)
    )
