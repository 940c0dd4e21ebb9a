"""The largest and fullest picture that a width has room for.

What is drawn in a width is laid out for it: type has the size that it will have on
paper. Of all ways that fit the one is taken that keeps the most: first the level, then
what stands beside what, then what is said in boxes, then the size of type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import ceil

from archc.draw.chart import Chart
from archc.draw.frames import boxes_of
from archc.draw.known import is_figure
from archc.draw.scene import Scene
from archc.draw.sheet import Sketch, figure, sheet
from archc.draw.style import LESS_NARROW, NARROW, Style

SMALLEST = 6.0
"""Of type, in points."""
MM = 72 / 25.4
_SLENDER = 11 / 8.5
"""How much higher than wide a picture should be at most: a figure with its caption on
one column of a page."""
_HIGHER = 1.15
"""How much higher a figure in a column may be that is known, so that its boxes say
more."""
_FEW = 3
"""How many kinds of ops may be left out of a figure for its sake."""
_PAGE = 24 / 17
_COLUMN = 120 * MM
_LARGER = (7.5, 6.75)
_SLIDE = 9 / 16
_MOST_STRIPS = 8


class TooNarrow(ValueError):
    """Nothing fits the width; the message says which width would do."""

    def __init__(self, wanted: float, least: float) -> None:
        super().__init__(
            f"in {round(wanted / MM, 3):g} mm its type would be smaller than"
            f" {SMALLEST:g} pt; {in_tenths(least):g} mm would do"
        )
        self.wanted, self.least = wanted, least
        """In points."""


def in_tenths(points: float) -> float:
    """So many points in millimetres, rounded up to tenths."""
    return ceil(round(points / MM * 10, 6)) / 10


def fitted(chart: Chart, style: Style, *, strict: bool = False) -> Scene:
    """The chart in a width of `style.room` points, or as it comes where that is 0.

    Raises:
        TooNarrow: if it does not fit; if `strict`, also if it would then be too high.
    """
    if not style.room:
        return free(chart, style).scene()
    room = style.room
    height = room * (_SLENDER if room <= _COLUMN else _PAGE)
    if style.lr:
        height = room * _SLIDE
    low: list[Sketch] = []
    least = float("inf")
    known = is_figure(chart)
    for variant in _variants(chart, style, known=known):
        found: Sketch | None = None
        for small in (SMALLEST, *_LARGER):
            scenes = list(_arranged(chart, replace(variant, small=small)))
            narrow = [scene for scene in scenes if scene.width <= room + 0.01]
            # a page has no room for more
            more = variant.figure if room <= _COLUMN else 0
            high = height * (more or 1)
            fits = [scene for scene in narrow if scene.height <= high]
            wide = (scene.width for scene in scenes if scene not in narrow)
            least = min([least, *wide])
            low += narrow
            # what does not fit in the smallest type fits in no larger one
            if small == SMALLEST and not fits:
                break
            found = fits[0] if fits else found
            if fits and small != SMALLEST:
                break
        if found is not None:
            return found.scene()
    if low and not strict:  # no way is that low: the lowest of those not too wide
        return min(low, key=lambda sketch: sketch.height).scene()
    # what is not too wide is too high, and may be higher in more room
    raise TooNarrow(room, min([least, *(room * s.height / height for s in low)]))


def free(chart: Chart, style: Style, pages: int = 1) -> Sketch:
    """In the number of strips that comes nearest to the proportions of a page, or to
    those of one of several charts that share a page."""
    known = figure(chart, style)
    if known is not None:
        return known
    wanted = _SLIDE if style.lr else _PAGE * pages
    best: tuple[float, Sketch] | None = None
    boxes = boxes_of(chart, style)
    for strips in range(1, _MOST_STRIPS + 1):
        scene = sheet(chart, replace(style, strips=strips), boxes)
        shape = scene.height / scene.width
        # one strip is easiest to read, as long as it is not much too long
        long = shape < wanted / 3 if style.lr else shape > wanted * 1.8
        if best is None and not long:
            return scene
        off = max(shape / wanted, wanted / shape)
        if best is not None and (off >= best[0] or not _shorter(scene, best[1], style)):
            break
        best = (off, scene)
    assert best is not None
    return best[1]


def _shorter(one: Sketch, other: Sketch, style: Style) -> bool:
    """Whether its strips are: a frame that is longest alone has no use for more."""
    lengths = [(s.width if style.lr else s.height) for s in (one, other)]
    return lengths[0] < lengths[1] - 0.5


def _arranged(chart: Chart, style: Style) -> Iterator[Sketch]:
    """Layouts of a chart: as a figure, or in more and more strips, up to where they are
    too wide."""
    if style.figure:
        known = figure(chart, style)
        if known is not None:
            yield known
        return
    boxes = boxes_of(chart, style)
    broad = max((box.width for box in boxes), default=0)
    for strips in range(1, _MOST_STRIPS + 1):
        scene = sheet(chart, replace(style, strips=strips), boxes)
        yield scene
        if not style.lr and max(scene.width, strips * broad) > style.room:
            break  # more of them are wider still


def _variants(chart: Chart, style: Style, *, known: bool) -> Iterable[Style]:
    """What is said in boxes, and how they are arranged; `known` if there is a figure
    for it, which is easier to read than strips in which boxes say more."""
    if known:
        for details, figure in ((9, 1), (1, 1), (0, 1), (0, _HIGHER)):
            yield replace(style, details=details, figure=figure)
        lines = (less for cell in chart.cells for less in cell.fine.values())
        if len({name for less in lines for name in less.spared}) <= _FEW:
            yield replace(style, details=-1, figure=1)
    if chart.level in ("block", "layer"):
        for details, longest in ((9, 1.0), (9, 0.25), (0, 1.0)):
            one = replace(style, details=details, longest=style.room * longest)
            yield one
            yield replace(one, broadest=style.room * 0.8)
            yield replace(one, narrow=NARROW, broadest=style.room * 0.7)
        return
    files = (False, True) if not style.lr else (False,)
    for single_file in files:
        for details, longest in ((9, 1.0), (9, 0.45), (9, 0.3), (1, 0.3), (0, 1.0)):
            one = replace(style, details=details, longest=style.room * longest)
            one = replace(one, single_file=single_file)
            yield one
            if not style.lr:
                yield replace(one, narrow=LESS_NARROW)
                yield replace(one, narrow=NARROW)
