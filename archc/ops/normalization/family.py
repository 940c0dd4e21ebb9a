"""What the ops of this family share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from archc.ops.attributes import check_numbers, check_size, items, plain
from archc.ops.base import Call, Op, Saved
from archc.ops.functions import Function, same_shape
from archc.ops.shapes import need_map
from archc.ops.sizes import Dims, Shape, ShapeError, known
from archc.ops.steps import Device, Extra, Step

STATISTICS: frozenset[Saved] = frozenset({"input", "weight", "statistics"})


def _statistics(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What batch normalisation updates while it is trained."""
    return ("running_mean", "running_var") if settings["training"] else ()


def _or_none(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError(
            "momentum",
            'must be a number or "none", not {value}',
            {"value": plain(value), "help": 'write "none", in small letters'},
        )
    return value


Momentum = Annotated[
    float | None,
    BeforeValidator(_or_none),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["none"]}]}),
]
"""How much a batch counts in the running statistics; None for their plain mean."""


class BatchNorm(Op):
    """What the batch normalisations share; the channels are the first axis."""

    category = "normalization"
    other_attributes = (("epsilon", "eps"), ("scale", "affine"))
    initializable = ("weight", "bias")
    calls = (
        Function(
            "torch.nn.functional.batch_norm", shape=same_shape, writes=_statistics
        ),
    )
    or_none = frozenset({"momentum"})
    saves = STATISTICS
    short = "BN"

    eps: float = Field(default=1e-5, gt=0)
    momentum: Momentum = 0.1
    affine: bool = True
    track_running_stats: bool = True

    @property
    def updates_statistics(self) -> bool:
        return self.track_running_stats and self.momentum != 0

    def smallest_batch(self, x: Shape, *, training: bool) -> int:
        """One number of a channel has no deviation; evaluation takes those it keeps."""
        alone = prod(x.sizes[1:]) == 1
        return 2 if alone and (training or not self.track_running_stats) else 1

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        statistic = Extra((x.dims[0],), 4, per_sample=False)
        return (statistic, statistic)

    def parameters(self, x: Shape) -> dict[str, Dims]:
        channels = (x.dims[0],)
        return {"weight": channels, "bias": channels} if self.affine else {}

    def buffers(self, x: Shape) -> dict[str, Dims]:
        if not self.track_running_stats:
            return {}
        channels = (x.dims[0],)
        return {
            "running_mean": channels,
            "running_var": channels,
            "num_batches_tracked": (),
        }

    def infer(self, *inputs: Shape) -> Shape:
        need_map(self, inputs[0])
        return inputs[0]

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        if device == "cpu" or not self.affine:
            return (step,)
        # cuDNN's reads, and keeps, what lies in order (ATen/native/Normalization.cpp)
        rows = Step(y.dims, shares="same", layout="map", fresh_gradient=False)
        return (rows, replace(step, reads=(1,), keeps=(1,)))

    def module(self, x: Shape) -> Call:
        return self._construct(x.dims[0], **self.given())


def statistic(dims: Dims, affine: bool) -> Extra:
    """A mean or a deviation, in the precision of the parameters where there are any."""
    return Extra(dims, 4 if affine else None)


def _sizes(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return check_numbers(value, minimum=1)
    return check_size(value, 1)


_NUMBER = {"type": "integer", "minimum": 1}
NormalizedShape = Annotated[
    Any,
    PlainValidator(_sizes),
    WithJsonSchema({"anyOf": [_NUMBER, {"type": "array", "items": _NUMBER}]}),
]


_OVER = "normalized_shape"


class OverLastAxes(Op):
    """What the normalisations over the last axes share."""

    category = "normalization"
    other_attributes = (("epsilon", "eps"), ("affine", "elementwise_affine"))
    saves = STATISTICS
    autocast = "full"
    autocast_on_cpu = "widest"
    layout = "ordered"

    normalized_shape: NormalizedShape

    def _shape(self, x: Shape) -> Dims:
        given = self.normalized_shape
        if given is None:
            return x.dims[-1:]
        return items(given) or (given,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        over = self._shape(x)
        last = x.dims[-len(over) :]
        same = (a == b for a, b in zip(over, last, strict=False) if known(a, b))
        if len(last) != len(over) or not all(same):
            raise ShapeError(
                f"`{self.op}` over {Shape(over)} needs an input that ends so,"
                f" but reads {x}",
                attribute=_OVER,
                help="leave normalized_shape out to take the last axis",
            )
        return x

    def module(self, x: Shape) -> Call:
        over = self._shape(x)
        rest = self.given(*[n for n in type(self).model_fields if n != _OVER])
        # PyTorch annotates several axes as a list, so a tuple is no such argument.
        return self._construct(over[0] if len(over) == 1 else list(over), **rest)
