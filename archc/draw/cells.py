"""One box of a chart: how large it is, and what it is drawn of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archc.draw import metrics
from archc.draw.chart import Cell, Less, Loop
from archc.draw.scene import Path, Rect, Shape, Text
from archc.draw.style import Style
from archc.escaping import visible

_PAD = 3.0
_PART = 11.0
"""What a line takes beside its text, if it says something at its right too."""
_SLACK = 1.05
"""Some programs set small type a little wider than its metrics say."""
_LOOP = 7.0
"""How far a loop goes out from its box."""


@dataclass(slots=True, eq=False)
class Drawn:
    """A box with the text that it has room for, and where its upper left corner is."""

    cell: Cell
    style: Style
    lines: list[str]
    width: float
    height: float
    beside: float
    """What loops and their labels take beside it, or below it from left to right."""
    inside: float
    """What is said of loops takes at its lower end."""
    x: float = 0
    y: float = 0
    titles: int = 1
    """How many of its lines its title takes."""

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def axis(self) -> float:
        """How far from its left, or its upper side the main way goes through it."""
        return (self.height if self.style.lr else self.width) / 2

    def port(self, side: str, number: int) -> float:
        """Where a value comes in or leaves, from the main way."""
        return 0.0

    def widen(self, width: float) -> None:
        """Makes it as wide as others."""
        self.width = max(self.width, width)

    def shapes(self) -> Iterator[Shape]:
        """All that is drawn of it."""
        cell, style = self.cell, self.style
        ink = style.palette
        yield Rect(
            self.x, self.y, self.width, self.height,
            fill=style.fill(cell),
            stroke=ink.background if cell.end else ink.head if cell.head else ink.line,
            dashed=cell.head or bool(cell.seldom),
            title=tooltip(cell),
        )  # fmt: skip
        inside = self.inside
        y = self.y + (self.height - inside) / 2
        y -= (len(self.lines) - 1 + 0.15) * style.line / 2
        left, right = self.x + _PAD, self.x + self.width - _PAD
        shape = "" if style.stacked else visible(cell.shape)
        for number, line in enumerate(self.lines):
            if number == 0 and shape:
                yield Text(left, y, line, style.text, ink.ink, "start", bold=True)
                yield Text(right, y, shape, style.small, style.faint, "end")
            elif number == 0 and style.lr:
                yield Text(self.middle, y, line, style.text, ink.ink, bold=True)
            elif number < self.titles:
                yield Text(left, y, line, style.text, ink.ink, "start", bold=True)
            elif style.lr:
                yield Text(self.middle, y, line, style.small, style.faint)
            else:
                yield Text(left, y, line, style.small, style.faint, "start")
            y += style.line
        yield from self._loops()

    def _loops(self) -> Iterator[Shape]:
        style = self.style
        if not self.cell.loops:
            return
        step = style.line + 1
        count = len(self.cell.loops)
        for number, (loop, label) in enumerate(loops_of(self.cell)):
            color = style.palette.skip if loop.skips else style.palette.line
            if style.lr:
                top = self.y + self.height
                low = top + 3 + number * step + style.small / 2
                ends = (self.x + 3 + 2 * number, self.x + 3 + _LOOP + 2 * number)
                around = (
                    (ends[0], top),
                    (ends[0], low),
                    (ends[1], low),
                    (ends[1], top),
                )
                at = self.x + 3 + _LOOP + 2 * count + 2
                yield Path(around, color, kind=loop.kind)
                yield Text(at, low, label, style.small, color, "start")
                continue
            right = self.x + self.width
            y = self.y + self.height / 2 + (number - (count - 1) / 2) * step
            if style.narrow:
                lines = count - number - 0.5 + 0.08
                y = self.y + self.height - 1 - lines * style.line
            high, low = y - style.small * 0.36, y + style.small * 0.36
            out = right + _LOOP
            around = ((right, high), (out, high), (out, low), (right, low))
            yield Path(around, color, kind=loop.kind)
            if loop.kind == "branches":
                inner = right + _LOOP / 2
                yield Path(
                    ((inner, high), (inner, low)), color, arrow=False, role="plain"
                )
            if style.narrow:
                yield Text(right - _PAD, y, label, style.small, color, "end")
                continue
            yield Text(out + 2, y, label, style.small, color, "start")


def measured(
    cell: Cell,
    style: Style,
    room: float = 0.0,
    *,
    sized: bool = True,
    broken: bool = False,
) -> Drawn:
    """A box with as many of its lines as the style allows.

    Its title is broken where it is wider than `room` points, if any are given, and
    other lines too if `broken`. Sizes that have a line of their own are left out if not
    `sized`.
    """
    titles, details = [title_of(cell)], said(cell, style)
    if room:
        within = (room - 2 * _PAD) / _SLACK
        titles = list(metrics.wrapped(titles[0], style.text, within, bold=True))
        if broken:
            details = [
                part
                for line in details
                for part in metrics.wrapped(line, style.small, within, bold=False)
            ]
    lines = [*titles, *details]
    shape = metrics.width(visible(cell.shape), style.small)
    first = max(metrics.width(title, style.text, bold=True) for title in titles)
    if style.stacked:
        if cell.shape and sized:
            rest = [visible(cell.shape), *lines[len(titles) :]]
            lines[len(titles) :] = _shortened(rest, first, style)
        shape = 0.0
    elif shape:
        first += 5 + shape
    rest = (metrics.width(line, style.small) for line in lines[len(titles) :])
    width = max(first, *rest, 12.0) * _SLACK + 2 * _PAD
    height = len(lines) * style.line + 2
    labels = [metrics.width(text, style.small) for _, text in loops_of(cell)]
    beside, inside = 0.0, 0.0
    if labels and style.lr:
        width = max(width, _LOOP + 2 * len(labels) + 8 + max(labels))
        beside = 4 + len(labels) * (style.line + 1)
    elif labels and style.narrow:
        # what is said of loops stands at the right of the last lines
        total = max(len(lines), 1 + len(labels))
        pairs = zip(lines[total - len(labels) :], labels, strict=False)
        least = max(
            (metrics.width(line, style.small) + _PART + label for line, label in pairs),
            default=0.0,
        )
        if least > max(width, room or style.narrow * style.small):
            total, least = len(lines) + len(labels), 0.0
        width = max(width, least, max(labels) + 2 * _PAD)
        inside = (total - len(lines)) * style.line
        beside = _LOOP
    elif labels:
        height = max(height, len(labels) * (style.line + 1) + 1)
        beside = _LOOP + 4 + max(labels)
    high = height + inside
    return Drawn(cell, style, lines, width, high, beside, inside, titles=len(titles))


def _shortened(lines: list[str], room: float, style: Style) -> list[str]:
    """Lines below a title, the first two in one where that is no wider than the title
    and there is room for little."""
    joined = " · ".join(lines[:2])
    narrow = metrics.width(joined, style.small) <= room
    few = style.details < 1 and len(lines) > 1
    return [joined, *lines[2:]] if few and narrow and not style.lr else lines


def said(cell: Cell, style: Style) -> list[str]:
    """Its details, as far as there is room for them, with what remains of others."""
    rest = {
        line: "" if style.details < 0 and less.spared else less.kept
        for line, less in _left_out(cell, style)
    }
    lines = (rest.get(line, line) for line in cell.details)
    return [visible(line) for line in lines if line]


def unsaid(cell: Cell, style: Style) -> Iterator[str]:
    """What it is that is then left out, such as kinds of ops."""
    for _, less in _left_out(cell, style):
        yield from less.lost if style.details >= 0 else less.lost + less.spared


def _left_out(cell: Cell, style: Style) -> Iterator[tuple[str, Less]]:
    """The lines of fine print that there is no room for."""
    for number, line in enumerate(cell.details):
        less = cell.fine.get(line)
        long = 0 < style.longest < metrics.width(visible(line), style.small)
        if less is not None and (long or number >= style.details):
            yield line, less


def widest(widths: Sequence[float], room: float) -> float:
    """How wide boxes may be so that all fit; those that are narrower stay so."""
    rest = sorted(widths)
    while rest and rest[0] * len(rest) <= room:
        room -= rest.pop(0)
    return room / max(1, len(rest))


def title_of(cell: Cell) -> str:
    """Its first line: `conv3_x ×8`."""
    count = f"×{cell.count}" if cell.count else ""
    return visible(" ".join(filter(None, (cell.title, count))))


def loops_of(cell: Cell) -> Iterator[tuple[Loop, str]]:
    """The loops of a box, with what stands beside each: `4 branches, concat ×2`.

    Of a box that stands for several it is what each has, or, where they do not have as
    many each, `add, 14 in all`.
    """
    for loop in sorted(cell.loops, key=lambda x: (not x.skips, x.merge, x)):
        times = cell.loops[loop]
        branches = loop.kind == "branches"
        text = f"{loop.paths} branches, {loop.merge}" if branches else loop.merge
        each = cell.even.get(loop)
        if each is None:
            text += f", {times} in all"
        elif each > 1:
            text += f" ×{each}"
        yield loop, visible(text)


def tooltip(cell: Cell) -> str:
    """What is said of a box where a pointer rests on it."""
    parts = (cell.path, cell.title, *cell.details, cell.shape)
    return visible(": ".join(filter(None, parts)))
