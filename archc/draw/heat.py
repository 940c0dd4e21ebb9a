"""What each box of a chart costs, as a share of what the most expensive one costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from archc.draw.chart import Cell, Chart
from archc.measure.cost import Facts
from archc.measure.rows import Seen
from archc.network.graph import Layer

Heat = Literal["params", "macs", "memory", "receptive-field"]


def shares(
    what: Heat, chart: Chart, facts: Facts, saved: Mapping[Layer, int]
) -> tuple[dict[Cell, float], tuple[str, str, str, str]]:
    """Each box's share of the most, and what is shown, with the least, half of the
    most and the most of it.

    `saved` are the bytes that each layer keeps for the backward pass, for one sample;
    they are only looked at for `memory`. Behind a global operation there is no
    receptive field: such boxes count as those that see most.
    """
    values: dict[Cell, int] = {}
    for cell in chart.all_cells():
        if not cell.layers:
            continue
        numbers = [facts.layers[layer] for layer in cell.layers]
        if what == "params":
            values[cell] = sum(n.params for n in numbers)
        elif what == "macs":
            values[cell] = sum(n.macs for n in numbers)
        elif what == "memory":
            values[cell] = sum(saved.get(layer, 0) for layer in cell.layers)
        else:
            seen = [_longest(n.receptive_field) for n in numbers]
            values[cell] = -1 if None in seen else max(x for x in seen if x is not None)
    most = max(values.values(), default=0)
    unit = {"memory": "B", "receptive-field": "pixels"}.get(what, "")
    half, all_ = (f"{_large(x)} {unit}".rstrip() for x in (most / 2, most))
    scale = (_SAID[what], "0", half, all_)
    found = {c: 1.0 if v < 0 else v / most if most else 0.0 for c, v in values.items()}
    return found, scale


def _longest(seen: Seen) -> int | None:
    return max(seen) if isinstance(seen, tuple) else seen


_SAID: dict[Heat, str] = {
    "params": "parameters",
    "macs": "MACs",
    "memory": "saved for the backward pass",
    "receptive-field": "receptive field",
}


def _large(number: float) -> str:
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:g}"
