"""The learning curve as a picture; matplotlib would be a heavy way to two charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from archc.run.train.record import Row

_WIDTH, _HEIGHT = 300, 200
_LEFT, _TOP, _BETWEEN, _BELOW = 48, 48, 64, 64
_FAR = 4
"""How many times the median a value must be to be cut off."""
_COLORS = {"train": "#4c78a8", "test": "#e45756"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart: a line for each name, a value for each epoch."""

    title: str
    lines: dict[str, list[float]]


def draw(title: str, rows: Sequence[Row]) -> str:
    """Loss and accuracy over the epochs, as SVG."""
    panels = (
        Panel(
            "loss",
            {
                "train": [r.train_loss for r in rows],
                "test": [r.test_loss for r in rows],
            },
        ),
        Panel(
            "accuracy",
            {
                "train": [r.train_accuracy for r in rows],
                "test": [r.test_accuracy for r in rows],
            },
        ),
    )
    width = 2 * _LEFT + 2 * _WIDTH + _BETWEEN
    height = _TOP + _HEIGHT + _BELOW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif"'
        ' font-size="12" fill="#333">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(width / 2, 20, title, "middle"),
    ]
    for i, panel in enumerate(panels):
        parts += _panel(panel, _LEFT + i * (_WIDTH + _BETWEEN), [r.epoch for r in rows])
    for i, (name, color) in enumerate(_COLORS.items()):
        x, y = width / 2 - 60 + 70 * i, height - 14
        parts.append(f'<path d="M{x:g} {y - 4}h20" stroke="{color}" stroke-width="2"/>')
        parts.append(_text(x + 26, y, name, "start"))
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, left: float, epochs: list[int]) -> list[str]:
    values = [v for line in panel.lines.values() for v in line]
    highest, most = max(values), ceiling(values)
    marks = ticks(min(values), most)
    low, high = marks[0], marks[-1]
    last = max(epochs[-1], 2)

    def place(epoch: float, value: float) -> tuple[float, float]:
        right = (epoch - 1) / (last - 1) * _WIDTH
        share = min((value - low) / (high - low), 1)
        return left + right, _TOP + _HEIGHT * (1 - share)

    beyond = f", up to {highest:.3g}" if highest > high else ""
    parts = [_text(left + _WIDTH / 2, _TOP - 8, panel.title + beyond, "middle")]
    for mark in marks:
        x, y = place(1, mark)
        parts.append(f'<path d="M{x:.1f} {y:.1f}h{_WIDTH}" stroke="#ddd"/>')
        parts.append(_text(x - 6, y + 4, f"{mark:g}", "end"))
    for epoch in ticks(1, last, whole=True):
        if 1 <= epoch <= last:
            x, y = place(epoch, low)
            parts.append(_text(x, y + 18, f"{epoch:g}", "middle"))
    x, y = place((1 + last) / 2, low)
    parts.append(_text(x, y + 34, "epoch", "middle"))
    for name, line in panel.lines.items():
        points = [place(e, v) for e, v in zip(epochs, line, strict=True)]
        where = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        paint = f'stroke="{_COLORS[name]}" stroke-width="2"'
        parts.append(f'<polyline points="{where}" fill="none" {paint}/>')
        if len(points) == 1:
            x, y = points[0]
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" {paint}/>')
    return parts


def ceiling(values: Sequence[float]) -> float:
    """Up to where values are shown: the highest, or, where few are far above the
    others, the highest of the others."""
    limit = _FAR * sorted(values)[len(values) // 2]
    return max((v for v in values if v <= limit), default=max(values))


def ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers from `low` or below to `high` or above, at least two of them."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / 4))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= 6)
    if whole:
        step = max(ceil(step), 1)
    first, last = floor(low / step), ceil(high / step)
    last += first == last
    return [round(i * step, 10) for i in range(first, last + 1)]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
