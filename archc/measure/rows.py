"""The rows and totals that `archc summary` shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Dims = tuple[int, ...]


class LayerRow(NamedTuple):
    """One layer. `setting` is its op's main attributes, short: `3x3 /2, 64`."""

    path: str
    op: str
    setting: str
    input: tuple[Dims, ...]
    output: Dims
    params: int
    macs: int
    receptive_field: int | None

    def to_dict(self) -> dict[str, Any]:
        """As `archc summary --format json` gives it."""
        return {
            "path": self.path,
            "op": self.op,
            "input": [list(dims) for dims in self.input],
            "output": list(self.output),
            "params": self.params,
            "macs": self.macs,
            "receptive_field": self.receptive_field,
        }


class HeadRows(NamedTuple):
    """An auxiliary classifier with its layers and totals."""

    name: str
    source: str
    """The path of the node that it reads."""
    loss_weight: float
    output: Dims
    params: int
    macs: int
    layers: tuple[LayerRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """As `archc summary --format json` gives it."""
        return {
            "name": self.name,
            "from": self.source,
            "loss_weight": self.loss_weight,
            "params": self.params,
            "macs": self.macs,
            "output": list(self.output),
            "layers": [row.to_dict() for row in self.layers],
        }


@dataclass(frozen=True, slots=True)
class LayerTable:
    """A network's layer table and totals; totals are without heads unless named so."""

    name: str
    title: str | None
    input: Dims
    output: Dims
    params: int
    params_with_heads: int
    buffers: int
    macs: int
    receptive_field: int | None
    layers: tuple[LayerRow, ...] = field(repr=False)
    heads: tuple[HeadRows, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """As `archc summary --format json` gives it."""
        return {
            "name": self.name,
            "input": list(self.input),
            "output": list(self.output),
            "params": self.params,
            "params_with_heads": self.params_with_heads,
            "buffers": self.buffers,
            "macs": self.macs,
            "receptive_field": self.receptive_field,
            "layers": [row.to_dict() for row in self.layers],
            "heads": [head.to_dict() for head in self.heads],
        }
