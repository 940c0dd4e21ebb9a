"""A network as a picture in any format: what `archc draw` and `Network.draw` do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import Literal, get_args

from archc.draw.chart import Cell, Chart, Level
from archc.draw.fit import MM, SMALLEST, TooNarrow, fitted, in_tenths
from archc.draw.heat import Heat, shares
from archc.draw.palette import PALETTES, Theme
from archc.draw.scene import Scene
from archc.draw.style import Direction, Style
from archc.measure.cost import Facts
from archc.network.graph import Layer, Network

Format = Literal["svg", "pdf", "png", "dot", "mmd", "tex"]
_FORMATS: dict[str, Format] = {ending: ending for ending in get_args(Format)}
Look = Literal["graph", "volumes"]
PNG_DPI = 200
_MORE = 1.01
"""By what a width grows at least that is not enough."""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be said of a picture.

    Without a level it is `block`, or, in a width, the most that fits. `width` is in
    millimetres.

    Raises:
        ValueError: if a level, a direction, a theme or a width is none.
    """

    level: Level | None = None
    direction: Direction = "tb"
    width: float | None = None
    theme: Theme = "light"
    look: Look = "graph"
    heat: Heat | None = None
    legend: bool = True
    title: bool = True
    dpi: int = PNG_DPI

    def __post_init__(self) -> None:
        for name, known in (
            ("level", (None, *get_args(Level))),
            ("direction", get_args(Direction)),
            ("theme", get_args(Theme)),
        ):
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"{name} is one of {known}, not {value!r}")
        width: object = self.width
        if width is not None and not (isinstance(width, Real) and width > 0):
            raise ValueError(f"width is so many millimetres, not {width!r}")


_PLAIN = Options()


def draw(
    network: Network,
    facts: Facts,
    format: Format,
    options: Options = _PLAIN,
    *,
    saved: Mapping[Layer, int] | None = None,
    warn: Callable[[str], None] | None = None,
) -> bytes:
    """The picture of a network.

    `saved` are the bytes that layers keep for the backward pass, which the heat of
    `memory` needs. `warn` is told what Graphviz warns of.

    Raises:
        TooNarrow: if nothing fits the width.
        archc.draw.render.RenderError: if Graphviz is needed, and fails.
    """
    style = _style(options)
    if format in ("dot", "mmd"):
        chart = chart_of(network, facts, options.level or "block")
        return _as_text(chart, style, format).encode()
    scene = scene_of(network, facts, options, saved=saved)
    title = network.spec.title or network.name
    return as_file(scene, title, format, dpi=options.dpi, warn=warn)


def as_file(
    scene: Scene,
    title: str,
    format: Format,
    *,
    dpi: int = PNG_DPI,
    warn: Callable[[str], None] | None = None,
) -> bytes:
    """A picture in one of the formats for which everything has its place.

    Raises:
        archc.draw.render.RenderError: if Graphviz is needed, and fails.
    """
    if format == "svg":
        from archc.draw.svg import as_svg

        return as_svg(scene, title).encode()
    if format == "tex":
        from archc.draw.tikz import as_tikz

        return as_tikz(scene, title).encode()
    assert format in ("pdf", "png")
    from archc.draw.fixed import as_fixed_dot, as_sample, fitting
    from archc.draw.render import render

    plain = render(as_sample(scene), "plain", placed=True).decode()
    scale = fitting(scene, plain)
    smallest = min(scale.values())
    if smallest < 1 and warn is not None:
        warn(
            f"type is set up to {1 - smallest:.0%} smaller than it should be: no font"
            " is as narrow as Helvetica (Liberation Sans and Arial are)"
        )
    dot = as_fixed_dot(scene, scale)
    return render(dot, format, dpi=dpi, placed=True, warn=warn)


def format_of(path: Path) -> Format:
    """The format that a file's ending says.

    Raises:
        ValueError: if it is of none.
    """
    ending = path.suffix[1:].lower()
    if ending not in _FORMATS:
        known = ", ".join(f".{known}" for known in _FORMATS)
        raise ValueError(f"{path.name} has the ending of no picture; there are {known}")
    return _FORMATS[ending]


def scene_of(
    network: Network,
    facts: Facts,
    options: Options,
    *,
    saved: Mapping[Layer, int] | None = None,
) -> Scene:
    """The picture with all its places.

    Raises:
        TooNarrow: if nothing fits the width; it tells one that something fits.
    """
    if options.look == "volumes":
        from archc.draw.volumes import volumes

        return volumes(chart_of(network, facts, "stage"), _style(options))
    try:
        return _fitting(network, facts, options, saved or {})
    except TooNarrow as error:
        wanted, least = error.wanted, error.least
    while True:
        # with more room things are arranged in other ways, so that it may not be enough
        width = in_tenths(least)
        try:
            _fitting(network, facts, replace(options, width=width), saved or {})
        except TooNarrow as error:
            least = max(error.least, least * _MORE)
        else:
            raise TooNarrow(wanted, width * MM)


def _fitting(
    network: Network, facts: Facts, options: Options, saved: Mapping[Layer, int]
) -> Scene:
    """The first of what may be drawn that fits.

    Raises:
        TooNarrow: if nothing does, with the least width that may.
    """
    tried: list[TooNarrow] = []
    for chart, strict in _charts(network, facts, options):
        style = _style(options)
        if options.heat is not None:
            heat, scale = shares(options.heat, chart, facts, saved)
            style = replace(style, heat=heat, scale=scale)
        try:
            return fitted(chart, style, strict=strict)
        except TooNarrow as error:
            tried.append(error)
    raise min(tried, key=lambda error: error.least)


def _charts(
    network: Network, facts: Facts, options: Options
) -> Iterator[tuple[Chart, bool]]:
    """What may be drawn, from what keeps the most on, and whether it must be low."""
    from archc.draw.blocks import block_chart
    from archc.draw.stages import stage_chart

    if options.width is None or options.level not in (None, "block"):
        chart = chart_of(network, facts, options.level or "block")
        fits = options.level == "stage" and options.width is not None
        yield chart, fits
        if fits:
            yield stage_chart(network, facts, joins=True), False
        return
    yield block_chart(network, facts), True
    alike = block_chart(network, facts, alike=True)
    yield alike, True
    known = {cell.path for cell in _known(alike)}
    if known:
        yield block_chart(network, facts, alike=True, closed=known), True
    flat = block_chart(network, facts, depth=1, alike=True)
    yield flat, True
    known = {cell.path for cell in _known(flat)}
    if known:
        flat = block_chart(network, facts, depth=1, alike=True, closed=known)
        yield flat, True
    if options.level is None:
        yield chart_of(network, facts, "stage"), True
        yield stage_chart(network, facts, joins=True), True
        yield chart_of(network, facts, "network"), False
        return
    # as a last way, the largest frames are closed, until it fits
    frames = [cell for cell in flat.cells if cell.inner is not None]
    frames.sort(key=lambda cell: -len(list(_inside(cell))))
    for count in range(1, len(frames)):
        closed = known | {cell.path for cell in frames[:count]}
        yield block_chart(network, facts, depth=1, alike=True, closed=closed), True
    yield flat, False


def _known(chart: Chart) -> Iterator[Cell]:
    """The frames of blocks that are drawn at another place, where they are fullest."""
    shown: set[str] = set()
    level = [cell for cell in chart.cells if cell.inner is not None]
    while level:
        fullest = sorted(level, key=lambda cell: -len(list(_inside(cell))))
        first = {cell.block: cell for cell in reversed(fullest)}
        opened: list[Cell] = []
        for cell in level:
            if cell.block and (cell.block in shown or cell is not first[cell.block]):
                yield cell
            else:
                opened.append(cell)
        shown |= {cell.block for cell in opened}
        level = [x for cell in opened for x in _frames(cell)]


def _frames(cell: Cell) -> list[Cell]:
    """The frames that stand in a frame."""
    return [x for x in cell.inner.cells if x.inner is not None] if cell.inner else []


def _inside(cell: Cell) -> Iterator[Cell]:
    """The boxes in a frame."""
    return iter(()) if cell.inner is None else cell.inner.all_cells()


def chart_of(network: Network, facts: Facts, level: Level) -> Chart:
    """The network at a level of detail."""
    from archc.draw.blocks import block_chart
    from archc.draw.layers import layer_chart, network_chart
    from archc.draw.stages import stage_chart

    made = {
        "network": network_chart,
        "layer": layer_chart,
        "stage": stage_chart,
        "block": block_chart,
    }
    return made[level](network, facts)


def _style(options: Options) -> Style:
    return Style(
        palette=PALETTES[options.theme],
        small=7.5 if options.width is None else SMALLEST,
        direction=options.direction,
        room=0 if options.width is None else options.width * MM,
        legend=options.legend,
        title=options.title,
    )


def _as_text(chart: Chart, style: Style, format: Format) -> str:
    if format == "mmd":
        from archc.draw.mermaid import as_mermaid

        return as_mermaid(chart, style)
    from archc.draw.dot import as_dot

    return as_dot(chart, style)
