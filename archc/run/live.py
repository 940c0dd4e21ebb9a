"""Ops as live PyTorch: what an op says its code is, evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from types import CodeType
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.ops.attributes import items
from archc.ops.base import Call, Op
from archc.ops.code import Local
from archc.ops.merge.family import Merge
from archc.ops.sizes import Shape
from archc.ops.source import as_code, flat
from archc.run.building import Building, building
from archc.spec.expressions import Expr

_made: dict[tuple[str, Shape], tuple[nn.Module | nn.Parameter, Building]] = {}


def module(op: Op, x: Shape) -> tuple[nn.Module | nn.Parameter, Building]:
    """The module of an op that reads a value of shape `x`; for a bare parameter, that.

    Its tensors are on the meta device: it has shapes and no values. How they would
    start is said beside it. Equal ops have one.
    """
    key = written(op), x
    if key not in _made:
        with building() as mode:
            made = _evaluated(op, op.module(x))
        _made[key] = made, mode
    return _made[key]


def written(op: Op) -> str:
    """An op with its attributes; equal ones give equal text."""
    # pydantic's own text takes several times as long
    return f"{op.op} {vars(op)}"


def fresh(op: Op, x: Shape) -> nn.Module | nn.Parameter:
    """The module of an op, its own and with numbers; of a bare parameter, that."""
    return _evaluated(op, op.module(x))


def named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """The parameters and buffers of a module by their paths, in the order of its parts;
    one that stands in several places by the first."""
    found: dict[str, Tensor] = {}
    met: set[int] = set()
    parts = cast("Iterable[tuple[str, nn.Module]]", module.named_modules())
    for path, part in parts:
        prefix = f"{path}." if path else ""
        for tensors in (part._parameters, part._buffers):  # pyright: ignore[reportPrivateUsage]
            for name, tensor in tensors.items():
                if tensor is not None and id(tensor) not in met:
                    met.add(id(tensor))
                    found[prefix + name] = tensor
    return found


def result(op: Op, *inputs: Tensor, shape: Shape) -> Tensor:
    """What an op gives; `shape` is its input's, of a merge its output's."""
    if isinstance(op, Merge):
        names = {f"x{i}": x for i, x in enumerate(inputs)}
        return _evaluated(op, op.combine(shape, *map(Local, names)), **names)
    made, _ = module(op, shape)
    (x,) = inputs
    return applied(made, x)


def applied(made: nn.Module | nn.Parameter, x: Tensor) -> Tensor:
    """What an op gives that is this module, or a bare parameter."""
    return made * x if isinstance(made, nn.Parameter) else made(x)


def _evaluated(op: Op, form: Call | Expr, **names: Any) -> Any:
    if not (op.helper or op.imports) and isinstance(form, Call) and _is_plain(form):
        made = getattr(nn, form.function.removeprefix("nn."))
        return made(*form.args, **form.kwargs)
    known = _namespace(op.helper)
    if op.imports:
        import_module(op.imports)
        top = op.imports.partition(".")[0]
        known = {**known, top: import_module(top)}
    return eval(_compiled(flat(as_code(form))), {**known, **names})


@cache
def _compiled(expression: str) -> CodeType:
    return compile(expression, "<op>", "eval")


@cache
def _namespace(helper: str | None) -> dict[str, Any]:
    """The names that an op's code knows, its helper class among them."""
    found = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor}
    if helper:
        exec(helper, found)
    return found


def _is_plain(form: Call) -> bool:
    """Whether it constructs a module of PyTorch's from values that are Python's."""
    given = (*form.args, *form.kwargs.values())
    parts = [part for value in given for part in items(value) or (value,)]
    written = any(isinstance(part, Call | Expr) for part in parts)
    return form.function.startswith("nn.") and not written
