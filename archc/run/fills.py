"""What fills a tensor, in one form: the methods that write, with their numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod, sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Write(NamedTuple):
    """A function that fills a tensor or changes what is in it."""

    function: str
    arguments: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


Start = tuple[Write, ...]
"""How a tensor starts: what fills it, and what changes it then."""

# they leave nothing of what was in a tensor
FILLS = frozenset(
    {"fill_", "uniform_", "normal_", "exponential_", "log_normal_", "cauchy_",
     "geometric_", "random_", "bernoulli_", "_no_grad_trunc_normal_", "orthogonal_",
     "dirac_", "sparse_", "eye_"}
)  # fmt: skip
_DRAWN = {"rand": Write("uniform_", (0.0, 1.0)), "randn": Write("normal_", (0.0, 1.0))}


def filled(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Write | None:
    """How a new tensor starts; None where that is not said."""
    if name in ("zeros", "zeros_like"):
        return Write("fill_", (0.0,))
    if name in ("ones", "ones_like"):
        return Write("fill_", (1.0,))
    if name in ("full", "full_like"):
        return primitive("fill_", (kwargs.get("fill_value", args[-1]),), {})
    if name in _DRAWN:
        return _DRAWN[name]
    if name.startswith("empty"):
        return None
    return Write(name, (repr(args),))


def primitive(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Write:
    """A method that writes, with the defaults of those that draw numbers."""
    if name == "zero_":
        return Write("fill_", (0.0,))
    first, second = {"uniform_": ("from", "to"), "normal_": ("mean", "std")}.get(
        name, ("", "")
    )
    if first:
        low = args[0] if args else kwargs.get(first, 0.0)
        high = args[1] if len(args) > 1 else kwargs.get(second, 1.0)
        return Write(name, (_plain(low), _plain(high)))
    named = {k: v for k, v in kwargs.items() if k != "generator"}
    return Write(name, (*map(_plain, args), *map(_plain, named.values())))


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, Tensor):
        return "a tensor"
    return repr(value)


def one_number(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    starts: list[Start],
) -> float | None:
    """What a function makes of tensors that are one number each; None if none."""
    filled = [
        s[0].arguments[0] for s in starts if len(s) == 1 and s[0].function == "fill_"
    ]
    if len(filled) != len(starts):
        return None
    values = iter(filled)
    given = [
        torch.tensor(next(values), dtype=torch.float64) if isinstance(a, Tensor) else a
        for a in args
    ]
    try:
        out = func(*given, **kwargs)
        return float(out) if out.numel() == 1 else None
    except (RuntimeError, TypeError, ValueError):
        return None


def _kaiming(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """The standard deviation, as He et al. 2015 have it."""
    field = prod(tensor.shape[2:])
    fan = tensor.shape[1 if mode == "fan_in" else 0] * field
    return nn.init.calculate_gain(nonlinearity, a) / sqrt(fan)  # pyright: ignore[reportArgumentType]


@cache
def initializers() -> dict[Any, Callable[..., Write]]:
    """What those of torch.nn.init do that ask before they fill a tensor."""

    def kaiming_uniform(
        tensor: Tensor, a: float = 0, mode: str = "fan_in",
        nonlinearity: str = "leaky_relu", **_: Any,
    ) -> Write:  # fmt: skip
        bound = sqrt(3.0) * _kaiming(tensor, a, mode, nonlinearity)
        return Write("uniform_", (-bound, bound))

    def kaiming_normal(
        tensor: Tensor, a: float = 0, mode: str = "fan_in",
        nonlinearity: str = "leaky_relu", **_: Any,
    ) -> Write:  # fmt: skip
        return Write("normal_", (0.0, _kaiming(tensor, a, mode, nonlinearity)))

    def uniform(_tensor: Tensor, a: float = 0.0, b: float = 1.0, **_: Any) -> Write:
        return Write("uniform_", (float(a), float(b)))

    def normal(_tensor: Tensor, mean: float = 0.0, std: float = 1.0, **_: Any) -> Write:
        return Write("normal_", (float(mean), float(std)))

    def constant(_tensor: Tensor, val: float) -> Write:
        return Write("fill_", (float(val),))

    init = nn.init
    return {
        init.kaiming_uniform_: kaiming_uniform,
        init.kaiming_normal_: kaiming_normal,
        init.uniform_: uniform,
        init.normal_: normal,
        init.constant_: constant,
    }


def bound(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Arguments behind the tensor by name."""
    names = _names(func)[1:]
    return dict(zip(names, args, strict=False)) | kwargs


@cache
def _names(func: Callable[..., Any]) -> tuple[str, ...]:
    from inspect import signature

    return tuple(signature(func).parameters)
