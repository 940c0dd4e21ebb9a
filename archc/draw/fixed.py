"""A scene as Graphviz draws it, for the formats that archc does not write itself.

Everything has its place already: rectangles and texts are nodes, lines are edges with
their curves, and Graphviz' `neato -n2` only draws.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from archc.draw import metrics
from archc.draw.scene import Path, Rect, Scene, Text
from archc.draw.svg import arrow_head
from archc.escaping import dot_label

_LARGER = 3
"""So much larger it is laid out than it is drawn: Graphviz rounds the advance of each
letter to a pixel of the size at which it lays out. More would make dashes dots."""


_FONT = "Helvetica,Arial,Liberation Sans,Nimbus Sans,DejaVu Sans Condensed,sans-serif"
"""Behind those with the widths of Helvetica the narrowest that is often there."""
SAMPLE = 300.0
"""The size at which it is asked how wide a font is: a pixel of it is nothing."""
_SLACK = 1.02

Scale = dict[bool, float]
"""How much smaller than stated bold type is set, and other type."""


def as_fixed_dot(scene: Scene, scale: Scale) -> str:
    """DOT text with places, in thirds of a point from the lower left corner."""
    return "".join(f"{line}\n" for line in _lines(scene, scale))


def as_sample(scene: Scene) -> str:
    """DOT text of a node for each text of a scene; `fitting` reads what comes of it."""
    nodes = (
        f'  t{number} [pos="0,0", label=<{_shown(text, bold)}>]\n'
        for number, (text, bold) in enumerate(_texts(scene))
    )
    look = f'fontname="{_FONT}", fontsize="{SAMPLE}", margin="0", shape="plain"'
    return f"digraph {{\n  node [{look}]\n{''.join(nodes)}}}\n"


def fitting(scene: Scene, plain: str) -> Scale:
    """How type is scaled so that it keeps its place, from how wide Graphviz sets it.

    `plain` is `as_sample` in Graphviz' format of that name. A font with the widths of
    Helvetica keeps its size.
    """
    wide = dict(re.findall(r"^node t(\d+) \S+ \S+ (\S+)", plain, re.MULTILINE))
    most = {True: 1.0, False: 1.0}
    for number, (text, bold) in enumerate(_texts(scene)):
        stated = metrics.width(text, SAMPLE, bold=bold)
        if str(number) in wide and stated:
            most[bold] = max(most[bold], float(wide[str(number)]) * 72 / stated)
    return {bold: 1 / ratio if ratio > _SLACK else 1.0 for bold, ratio in most.items()}


def _texts(scene: Scene) -> dict[tuple[str, bool], None]:
    texts = (shape for shape in scene.shapes if isinstance(shape, Text))
    return dict.fromkeys((text.text, text.bold) for text in texts)


def _lines(scene: Scene, scale: Scale) -> Iterator[str]:
    high = scene.height
    yield "digraph {"
    yield (
        f'  graph [bgcolor="{scene.background}", margin="0", pad="0",'
        ' outputorder="nodesfirst", splines="true",'
        f' size="{scene.width / 72:.5f},{scene.height / 72:.5f}"]'
    )
    yield f'  node [fontname="{_FONT}", fixedsize="true", label="", margin="0"]'
    yield '  edge [dir="none"]'
    for number, (x, y) in enumerate(((0, 0), (scene.width, scene.height))):
        yield (
            f'  corner{number} [pos="{_n(x)},{_n(y)}", shape="point", style="invis",'
            ' width="0.001", height="0.001"]'
        )
    for number, shape in enumerate(scene.shapes):
        if isinstance(shape, Rect):
            yield f"  n{number} {_rect(shape, high)}"
        elif isinstance(shape, Text):
            yield f"  n{number} {_text(shape, high, scale[shape.bold])}"
        else:
            yield f"  corner0 -> corner1 {_path(shape.points, shape, high)}"
            if shape.arrow:
                yield from _arrow(shape, high)
    yield "}"


def _rect(rect: Rect, high: float) -> str:
    x, y = rect.x + rect.width / 2, high - rect.y - rect.height / 2
    dash = ",dashed" if rect.dashed else ""
    return (
        f'[pos="{_n(x)},{_n(y)}", shape="box", width="{_LARGER * rect.width / 72:.5f}",'
        f' height="{_LARGER * rect.height / 72:.5f}", style="filled{dash}",'
        f' fillcolor="{rect.fill}", color="{rect.stroke}", penwidth="{_n(rect.line)}"]'
    )


def _text(text: Text, high: float, scale: float) -> str:
    x = text.left + text.width / 2
    # Graphviz sets letters a little above the middle
    y = high - text.y - 0.15 * text.size
    return (
        f'[pos="{_n(x)},{_n(y)}", shape="none", width="0.01",'
        f' height="0.01", fontsize="{_n(text.size * scale)}",'
        f' fontcolor="{text.color}", label=<{_shown(text.text, text.bold)}>]'
    )


def _shown(text: str, bold: bool) -> str:
    return f"<b>{dot_label(text)}</b>" if bold else dot_label(text)


def _path(points: tuple[tuple[float, float], ...], path: Path, high: float) -> str:
    flipped = [(x, high - y) for x, y in points]
    # a straight line as a curve: its ends stand for the points that bend it
    spline = [flipped[0]]
    for a, b in pairwise(flipped):
        spline += [a, b, b]
    pos = " ".join(f"{_n(x)},{_n(y)}" for x, y in spline)
    dash = ', style="dashed"' if path.dashed else ""
    return f'[pos="{pos}", color="{path.color}", penwidth="{_n(path.line)}"{dash}]'


def _arrow(path: Path, high: float) -> Iterator[str]:
    """The head of an arrow, as short lines that fill it."""
    tip, left, right = arrow_head(path)
    solid = Path(path.points, path.color, 0.6)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = tuple(a + (b - a) * share for a, b in zip(left, right, strict=True))
        yield f"  corner0 -> corner1 {_path((tip, (at[0], at[1])), solid, high)}"


def _n(value: float) -> str:
    return f"{_LARGER * value:.2f}".rstrip("0").rstrip(".")
