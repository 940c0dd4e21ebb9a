"""Networks analysed once, and their pictures read back."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from pathlib import Path

from archc.diagnostics.model import Sink
from archc.draw.chart import Chart, Level
from archc.draw.drawing import Options, chart_of, draw
from archc.network.graph import Region
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader

SPECS = Path(__file__).parents[2] / "specs"
_FOUND: dict[str, Analysis] = {}


def analysed(name: str) -> Analysis:
    if name not in _FOUND:
        sink = Sink()
        analysis = analyse(SPECS / f"{name}.toml", Loader(sink), sink)
        assert analysis is not None
        _FOUND[name] = analysis
    return _FOUND[name]


def chart(name: str, level: Level) -> Chart:
    analysis = analysed(name)
    return chart_of(analysis.network, analysis.facts, level)


def regions(analysis: Analysis, kind: str) -> list[Region]:
    network = analysis.network
    bodies = [network.body, *(head.region for head in network.heads)]
    return [r for body in bodies for r in body.regions() if r.kind == kind]


class Svg:
    """Boxes, edges and texts of an SVG, read back."""

    def __init__(self, text: str) -> None:
        root = ET.fromstring(text)
        self.width = float(root.attrib["width"].removesuffix("pt"))
        self.height = float(root.attrib["height"].removesuffix("pt"))
        items = [(e.tag.rpartition("}")[2], e) for e in root.iter()]
        self.boxes = [_box(e) for tag, e in items
                      if tag == "rect" and e.get("class") == "box"]  # fmt: skip
        self.frames = [_box(e) for tag, e in items
                       if tag == "rect" and e.get("class") == "frame"]  # fmt: skip
        self.texts = [_text(e) for tag, e in items if tag == "text"]
        self.edges = [
            [tuple(map(float, p.split(","))) for p in e.attrib["points"].split()]
            for tag, e in items
            if tag == "polyline" and (e.get("class") or "").startswith("edge")
        ]
        self.sizes = [float(e.attrib["font-size"]) for tag, e in items if tag == "text"]


Area = tuple[float, float, float, float]


def _box(e: ET.Element) -> Area:
    x, y, w, h = (float(e.attrib[k]) for k in ("x", "y", "width", "height"))
    return x, y, x + w, y + h


def _text(e: ET.Element) -> Area:
    x, y = float(e.attrib["x"]), float(e.attrib["y"])
    size, wide = float(e.attrib["font-size"]), float(e.attrib["textLength"])
    x -= {"middle": wide / 2, "end": wide}.get(e.get("text-anchor", ""), 0)
    return x, y - size * 0.72, x + wide, y


def apart(a: Area, b: Area, slack: float = 0.6) -> bool:
    return (
        a[2] <= b[0] + slack or b[2] <= a[0] + slack
        or a[3] <= b[1] + slack or b[3] <= a[1] + slack
    )  # fmt: skip


def drawn(name: str, options: Options) -> Svg:
    return Svg(drawn_text(name, options))


def drawn_text(name: str, options: Options) -> str:
    analysis = analysed(name)
    return draw(analysis.network, analysis.facts, "svg", options).decode()


def hold(svg: Svg) -> None:
    """Nothing covers text, no edge crosses a box, and all end on one."""
    for n, text in enumerate(svg.texts):
        assert text[0] >= 0 and text[2] <= svg.width + 0.01
        for other in svg.texts[n + 1 :]:
            assert apart(text, other), (text, other)
    ends = [point for p in svg.edges for point in (p[0], p[-1])]
    for points in svg.edges:
        for a, b in pairwise(points):
            segment = (min(a[0], b[0]), min(a[1], b[1]),
                       max(a[0], b[0]), max(a[1], b[1]))  # fmt: skip
            for text in svg.texts:
                assert apart(segment, text), (segment, text)
            for box in svg.boxes:
                assert apart(segment, box, 0.8), (segment, box)
        for end in (points[0], points[-1]):
            touches = any(_on(end, box) for box in svg.boxes)
            # or on the line that goes on at the other side of a frame's border
            assert touches or sum(_near(end, other) for other in ends) > 1, end


def hold_apart(svg: Svg) -> None:
    """Lines that lie on one another come from one place, or lead to one."""
    pieces: dict[tuple[str, int], list[tuple[float, float, float, int]]] = {}
    for number, points in enumerate(svg.edges):
        for a, b in pairwise(points):
            way = 0 if abs(a[0] - b[0]) < 0.3 else 1
            at, ends = a[way], sorted((a[1 - way], b[1 - way]))
            for key in (round(at), round(at) + 1):
                piece = (at, ends[0], ends[1], number)
                pieces.setdefault(("xy"[way], key), []).append(piece)
    places = [(_place(svg, e[0]), _place(svg, e[-1])) for e in svg.edges]
    for found in pieces.values():
        for (at, low, high, one), (near, begin, end, other) in combinations(found, 2):
            apart = abs(at - near) > 1.2 or min(high, end) - max(low, begin) < 1.5
            same = any(a == b for a, b in zip(places[one], places[other], strict=True))
            assert apart or same, (svg.edges[one], svg.edges[other])


def _place(svg: Svg, point: tuple[float, ...]) -> tuple[int, ...]:
    """The box that a point is on, or the point."""
    on = next((n for n, box in enumerate(svg.boxes) if _on(point, box)), None)
    return (on,) if on is not None else (round(point[0]), round(point[1]))


def _near(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return abs(a[0] - b[0]) < 0.6 and abs(a[1] - b[1]) < 0.6


def _on(point: tuple[float, ...], box: Area) -> bool:
    x, y = point
    across = box[0] - 0.6 <= x <= box[2] + 0.6
    along = box[1] - 0.6 <= y <= box[3] + 0.6
    edge = min(abs(x - box[0]), abs(x - box[2])) < 0.6
    side = min(abs(y - box[1]), abs(y - box[3])) < 0.6
    return across and along and (edge or side)


def read_spec(
    directory: Path, layers: str, rest: str = "", given: str = "input = [8, 32, 32]"
) -> Analysis:
    """A network of those nodes on what is given; `rest` is what stands below it."""
    path = directory / "net.toml"
    path.write_text(
        f'archc = 1\nname = "net"\n[network]\n{given}\n'
        f"layers = [\n{layers}\n]\n{rest}\n",
        encoding="utf-8",
    )
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert analysis is not None, [d.message for d in sink]
    return analysis
