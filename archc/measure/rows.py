"""The rows and totals that `archc summary` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Dims = tuple[int, ...]
Seen = int | Dims | None
"""A receptive field in input pixels: its longer side, or, of a volume, its depth,
height and width; None behind a global operation."""


def seen_as_text(field: Seen, sign: str = "x") -> str:
    """A receptive field as people write it: `1,027`, `19x43x43`."""
    if field is None:
        return ""
    if isinstance(field, int):
        return f"{field:,}"
    return sign.join(map(str, field))


def seen_as_data(field: Seen) -> int | list[int] | None:
    """A receptive field as JSON has it."""
    return list(field) if isinstance(field, tuple) else field


class LayerRow(NamedTuple):
    """One layer. `setting` is its op's main attributes, short: `3x3 /2, 64`."""

    path: str
    op: str
    setting: str
    input: tuple[Dims, ...]
    output: Dims
    params: int
    macs: int
    receptive_field: Seen
    again: bool = False
    """Whether it is a further use of the module that the first row of this path has."""
    place: str | None = None
    """Which of several devices it lives on, where the network names some."""

    def to_dict(self) -> dict[str, Any]:
        """As `archc summary --format json` gives it."""
        return {
            "path": self.path,
            "op": self.op,
            "input": [list(dims) for dims in self.input],
            "output": list(self.output),
            "params": self.params,
            "macs": self.macs,
            "receptive_field": seen_as_data(self.receptive_field),
            **({"again": True} if self.again else {}),
            **({} if self.place is None else {"place": self.place}),
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
    inputs: Mapping[str, Dims]
    """By name; the one of a network that gives it none is called `input`."""
    inputs_have_names: bool
    outputs: Mapping[str, Dims]
    """The same; one without a name is called `output`."""
    outputs_have_names: bool
    params: int
    params_with_heads: int
    buffers: int
    macs: int
    receptive_field: Seen
    layers: tuple[LayerRow, ...] = field(repr=False)
    heads: tuple[HeadRows, ...] = field(repr=False)

    @property
    def input(self) -> Dims:
        """The shape of the first input, which for most networks is the only one."""
        return next(iter(self.inputs.values()))

    @property
    def output(self) -> Dims:
        """The same of the outputs."""
        return next(iter(self.outputs.values()))

    def to_dict(self) -> dict[str, Any]:
        """As `archc summary --format json` gives it."""
        return {
            "name": self.name,
            **_named("inputs", self.inputs, names=self.inputs_have_names),
            **_named("outputs", self.outputs, names=self.outputs_have_names),
            "params": self.params,
            "params_with_heads": self.params_with_heads,
            "buffers": self.buffers,
            "macs": self.macs,
            "receptive_field": seen_as_data(self.receptive_field),
            "layers": [row.to_dict() for row in self.layers],
            "heads": [head.to_dict() for head in self.heads],
        }


def _named(key: str, shapes: Mapping[str, Dims], *, names: bool) -> dict[str, Any]:
    """Shapes by name under a key in the plural, or one without a name."""
    listed: dict[str, Any] = {name: list(dims) for name, dims in shapes.items()}
    return {key: listed} if names else listed
