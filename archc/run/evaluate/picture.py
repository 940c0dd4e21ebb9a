"""The confusion matrix and the calibration of an evaluation, as SVG."""

from __future__ import annotations

import torch

from archc.escaping import xml
from archc.run.encode import data_url, in_blocks
from archc.run.evaluate.metrics import Metrics, OfClass

_SIDE = 420
_NAMED = 30
"""Classes up to which rows and columns have names."""
_NUMBERED = 20
_LONGEST = 18
"""Letters of a class's name that are shown."""
_SIZE = 12
"""Of the type."""
_SLANT = 0.87
"""The height of what is as long as 1 and slanted by 60 degrees."""
_BLUE = torch.tensor([31.0, 119.0, 180.0])


def draw(title: str, found: Metrics) -> str:
    """Rows are classes, columns what they were taken for, dark is often, each row by
    itself; beside it the accuracy of predictions by how sure they were."""
    count = len(found.classes)
    names = list(map(_short, found.classes)) if count <= _NAMED else []
    longest = max(map(_room, names), default=0)
    slanted = longest > _SIDE / count - 4
    left = round(48 + longest)
    top = round(62 + (longest * _SLANT if slanted else 0))
    right = left + _SIDE + 90
    width, height = right + _SIDE // 2 + 110 + 30, top + _SIDE + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif"'
        f' font-size="{_SIZE}" fill="#333">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{width / 2:g}" y="22" text-anchor="middle" font-size="14">'
        f"{xml(title)}</text>",
        *_matrix(found, left, top),
        *_names(names, left, top, slanted=slanted),
        *_reliability(found, right, top),
        "</svg>",
    ]
    return "\n".join([*parts, ""])


def _matrix(found: Metrics, left: int, top: int) -> list[str]:
    table = torch.tensor(found.confusion, dtype=torch.float)
    shares = table / table.sum(1, keepdim=True).clamp_min(1)
    # the root shows seldom mistakes too
    strength = shares.sqrt().unsqueeze(0)
    pixels = (255 - strength * (255 - _BLUE.view(3, 1, 1))).round().byte()
    parts = [
        f'<image x="{left}" y="{top}" width="{_SIDE}" height="{_SIDE}"'
        ' preserveAspectRatio="none" style="image-rendering: pixelated"'
        f' href="{data_url(in_blocks(pixels, _SIDE), _SIDE)}"/>',
        f'<rect x="{left}" y="{top}" width="{_SIDE}" height="{_SIDE}" fill="none"'
        ' stroke="#999"/>',
        f'<text x="{left + _SIDE / 2:g}" y="{top + _SIDE + 24}"'
        ' text-anchor="middle">taken for</text>',
        f'<text transform="translate(24 {top + _SIDE / 2:g}) rotate(-90)"'
        ' text-anchor="middle">class</text>',
    ]
    size = _SIDE / len(found.classes)
    if len(found.classes) <= _NUMBERED:
        for i, row in enumerate(found.confusion):
            for j, times in enumerate(row):
                if times:
                    dark = shares[i, j] > 0.4
                    parts.append(
                        f'<text x="{left + (j + 0.5) * size:.1f}"'
                        f' y="{top + (i + 0.5) * size + 4:.1f}" text-anchor="middle"'
                        f' font-size="{min(size / 3.4, 12):.1f}"'
                        f' fill="{"white" if dark else "#333"}">{times}</text>'
                    )
    return parts


def _room(name: str) -> int:
    """At least the width of a name, in Helvetica and fonts as wide."""
    return sum(_SIZE if c.isupper() or c in "mw" or c > "~" else 7 for c in name)


def _short(each: OfClass) -> str:
    name = each.name
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _names(names: list[str], left: int, top: int, *, slanted: bool) -> list[str]:
    """Those of rows and columns; of columns slanted where they are wider than these."""
    parts: list[str] = []
    for i, name in enumerate(map(xml, names)):
        middle = (i + 0.5) * _SIDE / len(names)
        y, x = top + middle, left + middle
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{name}</text>'
        )
        above = f'<text x="{x:.1f}" y="{top - 8}" text-anchor="middle">'
        if slanted:
            above = f'<text transform="translate({x + 4:.1f} {top - 8}) rotate(-60)">'
        parts.append(f"{above}{name}</text>")
    return parts


def _reliability(found: Metrics, left: int, top: int) -> list[str]:
    side = _SIDE // 2 + 60
    bottom = top + side
    parts = [
        f'<text x="{left + side / 2:g}" y="{top - 10}" text-anchor="middle">'
        f"accuracy by confidence, error {100 * found.calibration_error:.1f} %</text>",
        f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none"'
        ' stroke="#999"/>',
        f'<path d="M{left} {bottom}L{left + side} {top}" stroke="#999"'
        ' stroke-dasharray="4 4"/>',
    ]
    for mark in (0, 0.5, 1):
        x, y = left + mark * side, bottom - mark * side
        parts.append(
            f'<text x="{x:g}" y="{bottom + 18}" text-anchor="middle">{mark:g}</text>'
        )
        parts.append(
            f'<text x="{left - 6}" y="{y + 4:g}" text-anchor="end">{mark:g}</text>'
        )
    parts.append(
        f'<text x="{left + side / 2:g}" y="{bottom + 36}" text-anchor="middle">'
        "confidence; a dot's area is how many images</text>"
    )
    most = max(each.images for each in found.calibration)
    for each in found.calibration:
        x, y = left + each.confidence * side, bottom - each.accuracy * side
        radius = max(9 * (each.images / most) ** 0.5, 1.5)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#1f77b4"/>'
        )
    return parts
