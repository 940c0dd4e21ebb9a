"""A sweep as a picture: one quantity against another, and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from archc.design.sweep_table import value_text
from archc.design.table import Row, Table
from archc.escaping import xml
from archc.measure.memory_table import amount

_WIDTH, _HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 24, 44, 62
_LOG_FROM = 30
"""From which ratio of the largest to the smallest number on an axis is logarithmic."""
_LABELS = 10
"""How many points of the front say what they are."""
_LABEL_GAP = 13
_CHARACTER = 5.7
"""The width of a character of a label, about."""
_NAMES = {
    "params": "parameters",
    "macs": "multiply-adds",
    "receptive_field": "receptive field, pixels",
    "depth": "depth, layers with weights",
    "memory": "memory of a training step, bytes",
}
_STYLE = """\
text { font: 11px "Helvetica Neue", Arial, sans-serif; fill: #333 }
.title { font-size: 14px; fill: #111 } .note { fill: #666 }
.grid { stroke: #e4e4e4 } .frame { stroke: #888; fill: none }
.label { paint-order: stroke; stroke: #fff; stroke-width: 3px }
.point { fill: #9aa5b1 } .best { fill: #1f5fa8 }
.front { stroke: #1f5fa8; stroke-width: 1.5; fill: none }"""


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    log: bool
    start: float
    """Where it begins in the picture, and where it ends."""
    end: float

    def at(self, value: float) -> float:
        low, high, here = self.low, self.high, value
        if self.log:
            low, high, here = math.log(low), math.log(high), math.log(value)
        return self.start + (self.end - self.start) * (here - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = (
                math.floor(math.log10(self.low)),
                math.ceil(math.log10(self.high)),
            )
            steps = (1, 2, 5) if last - first < 4 else (1,)
            all_of_them = [s * 10.0**n for n in range(first, last + 1) for s in steps]
        else:
            step = _round_step((self.high - self.low) / 5)
            first = math.ceil(self.low / step)
            count = math.floor(self.high / step) - first + 1
            all_of_them = [step * (first + n) for n in range(count)]
        return [tick for tick in all_of_them if self.low <= tick <= self.high]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * s for s in (1, 2, 5, 10) if power * s >= step * 0.999)


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = min(values), max(values)
    if low > 0 and high / low > _LOG_FROM:
        edge = (high / low) ** 0.04
        return _Axis(low / edge, high * edge, True, start, end)
    edge = (high - low) * 0.06 or max(abs(high), 1) * 0.5
    return _Axis(low - edge, high + edge, False, start, end)


def as_svg(sweep: Table, x: str, y: str) -> str:
    """`y` against `x`; the front is what no other beats in both, more of `y` for less
    of `x`. A point says what it is when it is pointed at."""
    points = [
        (row, a, b)
        for row in sweep.rows
        if (a := row.number(x)) is not None and (b := row.number(y)) is not None
    ]
    across = _axis([a for _, a, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = _axis([b for _, _, b in points], _HEIGHT - _BOTTOM, _TOP)
    front = sweep.front(x, y)
    best = set(map(id, front))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text class="title" x="{_LEFT}" y="24">{xml(sweep.name)}:'
        f" {len(points):,} variants of {xml(', '.join(sweep.varied))}</text>",
        *_grid(across, up, x, y),
        *(
            _dot(sweep, row, across.at(a), up.at(b), "point", 3)
            for row, a, b in points
            if id(row) not in best
        ),
        *_front(sweep, [p for p in points if id(p[0]) in best], across, up),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _grid(across: _Axis, up: _Axis, x: str, y: str) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    lines: list[str] = []
    for tick in across.ticks():
        at = _px(across.at(tick))
        lines.append(f'<path class="grid" d="M{at} {_TOP}V{bottom}"/>')
        lines.append(
            f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">'
            f"{short(tick)}</text>"
        )
    for tick in up.ticks():
        at = _px(up.at(tick))
        lines.append(f'<path class="grid" d="M{_LEFT} {at}H{right}"/>')
        lines.append(
            f'<text x="{_LEFT - 7}" y="{_px(up.at(tick) + 4)}"'
            f' text-anchor="end">{short(tick)}</text>'
        )
    middle, centre = (_LEFT + right) // 2, (_TOP + bottom) // 2
    return [
        *lines,
        f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}"'
        f' height="{bottom - _TOP}"/>',
        f'<text x="{middle}" y="{bottom + 34}" text-anchor="middle">'
        f"{xml(_NAMES.get(x, x))}</text>",
        f'<text transform="translate(20 {centre}) rotate(-90)" text-anchor="middle">'
        f"{xml(_NAMES.get(y, y))}</text>",
        f'<text class="note" x="{_LEFT}" y="{_HEIGHT - 10}">The line is the Pareto'
        f" front: none has more {xml(y)} at as little {xml(x)}.</text>",
    ]


def _front(
    sweep: Table, points: list[tuple[Row, float, float]], across: _Axis, up: _Axis
) -> list[str]:
    points.sort(key=lambda point: point[1:])
    places = [(across.at(a), up.at(b), row) for row, a, b in points]
    path = " ".join(f"{_px(a)},{_px(b)}" for a, b, _ in places)
    lines = [f'<polyline class="front" points="{path}"/>']
    lines += [_dot(sweep, row, a, b, "best", 4) for a, b, row in places]
    last: float | None = None
    chosen = places[:: max(1, math.ceil(len(places) / _LABELS))]
    for a, b, row in chosen:
        if last is not None and abs(last - b) < _LABEL_GAP:
            continue
        last = b
        text = ", ".join(value_text(v) for v in row.variant.values.values())
        text = text if len(text) <= 40 else f"{text[:39]}…"
        # the front bounds all points above and to the left of it
        fits = a - 8 - _CHARACTER * len(text) > _LEFT
        place = f'x="{_px(a - 7 if fits else a)}" y="{_px(b - (4 if fits else 9))}"'
        anchor = "end" if fits else "start"
        lines.append(
            f'<text class="label" {place} text-anchor="{anchor}">{xml(text)}</text>'
        )
    return lines


def _dot(sweep: Table, row: Row, x: float, y: float, kind: str, radius: int) -> str:
    variant = row.variant
    values = ", ".join(f"{k} = {value_text(v)}" for k, v in variant.values.items())
    memory = "" if row.memory is None else f", {amount(row.memory)}"
    said = f"{values}: {variant.params:,} parameters, {variant.macs:,} MACs{memory}"
    return (
        f'<circle class="{kind}" cx="{_px(x)}" cy="{_px(y)}" r="{radius}">'
        f"<title>{xml(said)}</title></circle>"
    )


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def short(value: float) -> str:
    """A number of an axis: `4.1 G`, `250 M`, `96`."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value:.4g}"
