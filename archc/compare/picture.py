"""A comparison as a picture of both networks, with the differences marked."""

from __future__ import annotations

from typing import Literal

from archc.compare.groups import named
from archc.compare.model import Comparison, Row
from archc.draw.diagram import Diagram, diagram_of_both
from archc.draw.figure import Mark
from archc.network.graph import Layer


def diagram(found: Comparison, level: Literal["stage", "block"] = "block") -> Diagram:
    """The two networks beside each other."""
    marks: dict[Layer, Mark] = {}
    for row in found.rows:
        for layer in (row.a, row.b):
            if layer is not None:
                marks[layer] = _mark(row)
    a, b = ((side.network, side.facts) for side in (found.a, found.b))
    return diagram_of_both(a, b, marks, level)


def _mark(row: Row) -> Mark:
    if row.kind == "changed" and row.a and row.b and named(row.a) == named(row.b):
        return "detail"
    return row.kind
