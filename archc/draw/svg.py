"""A scene as SVG.

Each text states how wide it is meant to be, so that it keeps its place in whichever
font it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from archc.draw.scene import Path, Rect, Scene, Text
from archc.escaping import xml

_FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
_SIGNED = re.compile(r"<!-- drawn by archc, sha256 ([0-9a-f]{16}) -->\n\Z")


def as_svg(scene: Scene, title: str) -> str:
    """The text of an SVG file; its lengths are in points.

    Its last line is a digest, by which `is_untouched` knows it again.
    """
    text = "".join(f"{line}\n" for line in _lines(scene, title))
    return f"{text}<!-- drawn by archc, sha256 {_digest(text)} -->\n"


def is_untouched(content: bytes) -> bool:
    """Whether archc drew an SVG file, and nobody has changed it since."""
    # git and editors may end lines otherwise
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    found = _SIGNED.search(text)
    return found is not None and found[1] == _digest(text[: found.start()])


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _lines(scene: Scene, title: str) -> Iterator[str]:
    w, h = _n(scene.width), _n(scene.height)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}pt" height="{h}pt"'
        f' viewBox="0 0 {w} {h}" font-family="{_FONT}" role="img">'
    )
    yield f"<title>{xml(title)}</title>"
    yield f'<rect width="{w}" height="{h}" fill="{scene.background}"/>'
    for shape in scene.shapes:
        if isinstance(shape, Rect):
            yield _rect(shape)
        elif isinstance(shape, Path):
            yield from _path(shape)
        else:
            yield _text(shape)
    yield "</svg>"


def _rect(rect: Rect) -> str:
    dash = ' stroke-dasharray="3 2"' if rect.dashed else ""
    start = (
        f'<rect class="{rect.role}" x="{_n(rect.x)}" y="{_n(rect.y)}"'
        f' width="{_n(rect.width)}" height="{_n(rect.height)}" rx="1.5"'
        f' fill="{rect.fill}" stroke="{rect.stroke}"'
        f' stroke-width="{_n(rect.line)}"{dash}'
    )
    if rect.title:
        return f"{start}><title>{xml(rect.title)}</title></rect>"
    return f"{start}/>"


def _path(path: Path) -> Iterator[str]:
    dash = ' stroke-dasharray="3 2"' if path.dashed else ""
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in path.points)
    name = f"{path.role} {path.kind}".strip()
    yield (
        f'<polyline class="{name}" points="{points}" fill="none" stroke="{path.color}"'
        f' stroke-width="{_n(path.line)}" stroke-linejoin="round"{dash}/>'
    )
    if path.arrow:
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in arrow_head(path))
        yield f'<polygon points="{corners}" fill="{path.color}"/>'


def arrow_head(path: Path) -> tuple[tuple[float, float], ...]:
    """The corners of the arrow at the end of a path: its tip first."""
    (ax, ay), (x, y) = path.points[-2:]
    length = max(((x - ax) ** 2 + (y - ay) ** 2) ** 0.5, 1e-6)
    ux, uy = (x - ax) / length, (y - ay) / length
    long, wide = 3.6, 1.5
    bx, by = x - ux * long, y - uy * long
    return (x, y), (bx - uy * wide, by + ux * wide), (bx + uy * wide, by - ux * wide)


def _text(text: Text) -> str:
    bold = ' font-weight="bold"' if text.bold else ""
    anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
    # Helvetica's digits and capitals are 0.72 of its size high
    y = text.y + text.size * 0.36
    return (
        f'<text x="{_n(text.x)}" y="{_n(y)}" font-size="{_n(text.size)}"'
        f' textLength="{_n(text.width)}" lengthAdjust="spacingAndGlyphs"'
        f' fill="{text.color}"{anchor}{bold}>{xml(text.text)}</text>'
    )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
