"""What separates two networks, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from archc.measure.cost import Facts
from archc.measure.rows import seen_as_data
from archc.measure.summary import describe
from archc.network.graph import Layer, Network

Dims = tuple[int, ...]
Kind = Literal["same", "changed", "removed", "inserted", "moved"]


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute with two values; `op` is one of them where the op is another."""

    attribute: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two networks."""

    network: Network
    facts: Facts
    label: str
    """What it was asked for as: a name or a path."""

    @property
    def title(self) -> str:
        return self.network.spec.title or self.network.name


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A layer of the one network, of the other, or both where they belong together.

    `moved` is a layer that both have, at another place; it stands where the second
    network has it, and `a` is where it was.
    """

    kind: Kind
    a: Layer | None
    b: Layer | None
    changes: tuple[Change, ...] = ()
    head: str | None = None
    """The auxiliary classifier that it is a part of."""

    @property
    def layer(self) -> Layer:
        """The layer, the second network's where there are two."""
        layer = self.b or self.a
        assert layer is not None
        return layer

    @property
    def shapes(self) -> tuple[Dims | None, Dims | None]:
        """The shape of its output in each network."""
        return _dims(self.a), _dims(self.b)

    @property
    def reshaped(self) -> bool:
        """Whether it is in both networks and gives another shape."""
        a, b = self.shapes
        return a is not None and b is not None and a != b

    def to_dict(self, a: Side, b: Side) -> dict[str, Any]:
        """As `archc diff --format json` gives it."""
        return {
            "kind": self.kind,
            "head": self.head,
            "a": _layer(self.a, a.facts),
            "b": _layer(self.b, b.facts),
            "changes": {c.attribute: [c.before, c.after] for c in self.changes},
            "reshaped": self.reshaped,
        }


@dataclass(frozen=True, slots=True)
class Total:
    """A number, or a shape, of both networks."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Weights:
    """What the `state_dict` of one network is to the other."""

    same: int
    """Tensors that have the same name and shape in both."""
    a: int
    b: int
    in_order: bool
    """Whether, layer by layer, all have the same shapes, under whatever names."""


_SMALL = 20
"""Differences of so few layers are always listed."""
_LITTLE, _ASTRAY = 0.25, 0.1
"""Shares of all layers: of those alike, and of those in another place. EfficientNet-B0
and V2-S have 0.16 alike, U-Net and UNet++ 0.29; of ResNet-50 and its pre-activation
0.15 stand in another place."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two networks, layer by layer along the longest structure they have in common."""

    a: Side
    b: Side
    rows: tuple[Row, ...]
    totals: tuple[Total, ...]
    settings: tuple[Total, ...]
    """Parameters that both specs have, with different values."""
    training: tuple[Total, ...]
    """What only matters in training: initialisers and the weights of heads' losses,
    where they are different."""
    weights: Weights
    maps: tuple[tuple[int | Dims, ...], tuple[int | Dims, ...]]
    """The sizes of the feature maps that each network goes through."""

    @property
    def equal(self) -> bool:
        """Whether both are one network, whatever their layers are called."""
        alike = all(total.a == total.b for total in self.totals)
        return alike and not self.differences and not self.training

    @property
    def alike(self) -> int:
        """How many rows are the same."""
        return sum(row.kind == "same" for row in self.rows)

    @property
    def has_little_in_common(self) -> bool:
        """Whether a list of differences would say less than the totals do.

        That is where few layers are alike; and where many are that stand in another
        order or read other values, as in a residual network and its pre-activation.
        """
        count = len(self.rows)
        if count < _SMALL:
            return False
        astray = sum(
            row.kind == "moved" or any(c.attribute == "from" for c in row.changes)
            for row in self.rows
        )
        return self.alike < _LITTLE * count or astray > _ASTRAY * count

    @property
    def differences(self) -> list[Row]:
        """The rows that are not the same."""
        return [row for row in self.rows if row.kind != "same"]

    def to_dict(self) -> dict[str, Any]:
        """As `archc diff --format json` gives it.

        Pairs are what the first and the second network have. `layers` holds each layer
        of both once, alone or with its counterpart: `kind` is same, changed, removed,
        inserted or moved, `changes` are its attributes with two values (`op` where it
        is another op, `from` where it reads something else), `reshaped` is whether its
        output has another shape, and `head` names the auxiliary classifier around it.
        `training` are initialisers and weights of losses that differ.
        """
        return {
            "a": _about(self.a),
            "b": _about(self.b),
            "equal": self.equal,
            "alike": [self.alike, len(self.rows)],
            "totals": {t.name: [t.a, t.b] for t in self.totals},
            "settings": {t.name: [t.a, t.b] for t in self.settings},
            "training": {t.name: [t.a, t.b] for t in self.training},
            "maps": [list(maps) for maps in self.maps],
            "weights": {
                "same_name_and_shape": self.weights.same,
                "tensors": [self.weights.a, self.weights.b],
                "same_shapes_in_order": self.weights.in_order,
            },
            "layers": [row.to_dict(self.a, self.b) for row in self.rows],
        }


# ---- as dictionaries


def _dims(layer: Layer | None) -> Dims | None:
    return None if layer is None else layer.output_shape().sizes


def _about(side: Side) -> dict[str, Any]:
    return {
        "spec": side.label,
        "name": side.network.name,
        "title": side.network.spec.title,
        "source": side.network.spec.source,
    }


def _layer(layer: Layer | None, facts: Facts) -> dict[str, Any] | None:
    if layer is None:
        return None
    numbers = facts.layers[layer]
    return {
        "path": layer.path,
        "op": layer.op.op,
        "setting": describe(layer.op, layer.input_shape()),
        "output": list(layer.output_shape().sizes),
        "params": numbers.params,
        "macs": numbers.macs,
        "receptive_field": seen_as_data(numbers.receptive_field),
    }
