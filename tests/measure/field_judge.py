"""One random network's receptive field, held to gradients."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from archc.diagnostics.model import Sink
from archc.measure.receptive_field import Field, Fields
from archc.network.graph import Network, Value
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.measure.field_gradients import Box, Gradients, has_holes, last_maps
from tests.measure.field_networks import Table

PIXELS = 48
"""Of a map, whose gradients are taken."""


@dataclass(frozen=True)
class Outcome:
    said: int | None
    """The network's number."""
    reached: int
    """The longer side of the widest gradient."""
    pixels: int
    """That were compared, one by one."""
    wrong: tuple[str, ...]
    """Pixels whose field is another."""
    shown: bool
    """Whether the widest pixels are among the whole ones, so that the two numbers have
    to agree; otherwise what is said is at least what was reached."""
    holes: bool
    """Whether some pixels see nothing. Rows and columns are followed apart, so that
    what is said of pixels, and of the network, may then be more than the gradient."""

    @property
    def error(self) -> int:
        """By how much the number is off."""
        off = (self.said or 0) - self.reached
        return off if self.shown and not self.holes else min(off, 0)

    @property
    def right(self) -> bool:
        return not self.error and not self.wrong


def judge(spec: Table, folder: Path) -> Outcome:
    path = folder / "fields.json"
    path.write_text(json.dumps(spec))
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert analysis is not None, list(sink)
    return compare(analysis.network, analysis.facts.receptive_field)


def compare(network: Network, said: int | None) -> Outcome:
    layers, of = list(network.layers()), dict[Value, Field | None]()
    fields = Fields(network, layers)
    for layer in layers:
        reach = layer.op.reach(layer.input_shape(), layer.output_shape())
        fields.behind(layer, reach)
        of[layer.output] = fields.of(layer.output)
    gradients, holes = Gradients(network), has_holes(network)
    reached = pixels = expected = 0
    wrong: list[str] = []
    for value in last_maps(network):
        field = of[value]
        assert field is not None
        chosen = _pixels(gradients, value)
        if not chosen:
            continue
        for pixel, box in zip(chosen, gradients.boxes(value, chosen), strict=True):
            told = _box(field, pixel)
            reached = max(reached, _side(box))
            expected = max(expected, _side(told))
            if not (_within(box, told) if holes else box == told):
                wrong.append(
                    f"{value.layer and value.layer.path} {pixel}: {told}, not {box}"
                )
        pixels += len(chosen)
    shown = expected == (said or 0)
    return Outcome(said, reached, pixels, tuple(wrong), shown and pixels > 0, holes)


def _pixels(gradients: Gradients, value: Value) -> list[tuple[int, int]]:
    """Whole pixels of a map: some of each row and column that has one."""
    whole: Any = gradients.whole(value).nonzero().tolist()  # pyright: ignore
    Random(len(whole)).shuffle(whole)
    chosen: list[tuple[int, int]] = []
    rows: set[int] = set()
    columns: set[int] = set()
    for i, j in whole:
        if i not in rows or j not in columns:
            chosen.append((i, j))
            rows.add(i)
            columns.add(j)
    return chosen[:PIXELS]


def _within(box: Box | None, other: Box | None) -> bool:
    if box is None or other is None:
        return box is None
    pairs = zip(box, other, strict=True)
    return all(low <= own and end <= high for (own, end), (low, high) in pairs)


def _side(box: Box | None) -> int:
    return 0 if box is None else max(high - low + 1 for low, high in box)


def _box(field: Field, pixel: tuple[int, int]) -> Box | None:
    """What is said of one pixel."""
    places = iter(pixel)
    found: dict[int, list[tuple[int, int]]] = {}
    for sight in field.axes:
        if sight:
            place = next(places)
            for source, extent in sight:
                span = extent.at(place)
                found.setdefault(source, []).extend([] if span is None else [span])
    if len(found) < 2 or not all(found.values()):
        return None
    rows, columns = (
        (min(s[0] for s in found[n]), max(s[1] for s in found[n])) for n in (1, 2)
    )
    return rows, columns
