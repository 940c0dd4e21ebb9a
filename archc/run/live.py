"""Ops as live PyTorch: what an op says its code is, evaluated."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.ops.base import Call, Op, Shape
from archc.ops.code import Local
from archc.ops.merge import Merge
from archc.ops.source import as_code, flat
from archc.spec.expressions import Expr

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
        return _evaluated(op, op.combine(shape, *map(Local, names)), **names)
    made = module(op, shape)
    (x,) = inputs
    return made * x if isinstance(made, nn.Parameter) else made(x)


def _evaluated(op: Op, form: Call | Expr, **names: Any) -> Any:
    namespace = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor} | names
    if op.helper:
        exec(op.helper, namespace)
    return eval(flat(as_code(form)), namespace)
