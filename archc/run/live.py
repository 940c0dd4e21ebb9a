"""Ops as live PyTorch: what an op says its code is, evaluated."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.ops.base import Call, Op, Shape
from archc.ops.merge import Merge
from archc.spec.expressions import to_source

_made: dict[tuple[str, Shape], nn.Module | nn.Parameter] = {}


def module(op: Op, x: Shape) -> nn.Module | nn.Parameter:
    """The module of an op that reads a value of shape `x`; for a bare parameter, that.

    Its tensors are on the meta device: it has shapes and no values. Equal ops have one.
    """
    key = repr(op), x
    if key not in _made:
        with torch.device("meta"):
            _made[key] = _evaluated(op, op.module(x))
    return _made[key]


def tensors(op: Op, x: Shape) -> tuple[tuple[str, Tensor], ...]:
    """The parameters and buffers of `module`; that of a bare parameter has no name."""
    made = module(op, x)
    if isinstance(made, nn.Parameter):
        return (("", made),)
    return (*made.named_parameters(), *made.named_buffers())


def result(op: Op, *inputs: Tensor, shape: Shape) -> Tensor:
    """What an op gives; `shape` is its first input's."""
    if isinstance(op, Merge):
        names = {f"x{i}": x for i, x in enumerate(inputs)}
        return _evaluated(op, op.combine(shape, *names), **names)
    made = module(op, shape)
    (x,) = inputs
    return made * x if isinstance(made, nn.Parameter) else made(x)


def _evaluated(op: Op, form: Call | str, **names: Any) -> Any:
    namespace = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor} | names
    if op.helper:
        exec(op.helper, namespace)
    return eval(form if isinstance(form, str) else _written(form), namespace)


def _written(value: Any) -> str:
    """A call as source."""
    if not isinstance(value, Call):
        return to_source(value)
    keywords = [f"{name}={_written(v)}" for name, v in value.kwargs.items()]
    return f"{value.function}({', '.join([*map(_written, value.args), *keywords])})"
