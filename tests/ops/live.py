"""Ops as live PyTorch: what an op says its code is, written out and evaluated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.ops.base import Call, Op
from archc.ops.code import Local
from archc.ops.merge.family import Merge
from archc.ops.registry import OPS
from archc.ops.sizes import Shape
from archc.ops.source import as_code, flat
from archc.spec.expressions import Expr


def make(name: str, **attributes: Any) -> Op:
    """The op a spec with these attributes asks for."""
    return OPS[name].model_validate(attributes)


def evaluate(op: Op, form: Call | Expr, **names: Any) -> Any:
    """What generated code would compute for `form`."""
    namespace = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor} | names
    if op.helper:
        exec(op.helper, namespace)
    return eval(flat(as_code(form)), namespace)


def module(op: Op, x: Shape) -> Any:
    """The op's module; for a bare parameter, that parameter."""
    return evaluate(op, op.module(x))


def run(op: Op, live: Any, shape: Shape, *inputs: Tensor) -> Tensor:
    """The op's output; `live` is its module or parameter, `shape` its input's; of a
    merge its output's."""
    if isinstance(op, Merge):
        names = {f"x{i}": x for i, x in enumerate(inputs)}
        return evaluate(op, op.combine(shape, *map(Local, names)), **names)
    (x,) = inputs
    return live * x if op.bare_parameter else live(x)


def call(op: Op, x: Shape, tensor: Tensor) -> Tensor | None:
    """The op's output in evaluation without a module, or None: it has no such form."""
    form = op.function(x, Local("x"))
    if form is None:
        return None
    return evaluate(op, form, x=tensor, self=SimpleNamespace(training=False))
