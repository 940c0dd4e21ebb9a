"""Modules built without values, and how each of their tensors would have started.

On the meta device tensors have shapes alone. What fills them is noted, not done: the
last function that fills a tensor says how it starts, with its numbers; where that is
PyTorch's own for a layer, nothing is done at all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cache
from math import prod, sqrt
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]

from archc.ops.registry import OPS


class Write(NamedTuple):
    """A function that fills a tensor or changes what is in it."""

    function: str
    arguments: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


Start = tuple[Write, ...]
"""How a tensor starts: what fills it, and what changes it then."""

# they leave nothing of what was in a tensor
_FILLS = frozenset(
    {"fill_", "uniform_", "normal_", "exponential_", "log_normal_", "cauchy_",
     "geometric_", "random_", "bernoulli_", "_no_grad_trunc_normal_", "orthogonal_",
     "dirac_", "sparse_", "eye_"}
)  # fmt: skip
# their names end as if they changed numbers
_NO_WRITES = frozenset(
    {"requires_grad_", "share_memory_", "detach_", "squeeze_", "unsqueeze_", "t_",
     "transpose_", "swapaxes_", "swapdims_", "as_strided_", "resize_", "rename_"}
)  # fmt: skip
_IS_META: Any = getattr(Tensor, "is_meta").__get__  # noqa: B009
_DRAWN = {"rand": Write("uniform_", (0.0, 1.0)), "randn": Write("normal_", (0.0, 1.0))}


class Building(TorchFunctionMode):
    """Puts new tensors on the meta device, and notes how they start."""

    def __init__(self) -> None:
        super().__init__()
        self._writes: dict[int, list[tuple[int, Write]]] = {}
        """By memory, as several tensors may show it, each with its turn."""
        self._defaults: dict[int, tuple[int, nn.Module, str]] = {}
        """Tensors that a layer of PyTorch started: its turn, the layer and their name
        in it."""
        self._turn = 0
        self._filled_by_hand = False
        self._alive: list[Tensor] = []

    def start(self, tensor: Tensor) -> Start:
        """How a tensor starts."""
        known = self._defaults.get(id(tensor))
        turn, first = -1, ()
        if known is not None:
            turn, layer, name = known
            first = _by_default(type(layer), name)
            if not self._filled_by_hand:
                return first
        noted = self._writes.get(_memory(tensor), ())
        writes = tuple(write for when, write in noted if when > turn)
        return writes if writes and writes[0].function in _FILLS else first + writes

    def in_full(self, start: Start, tensor: Tensor) -> Start:
        """The same, with what PyTorch does for the layer written out."""
        known = self._defaults.get(id(tensor))
        if known is None or not start or start[0].function in _FILLS:
            return start
        _, layer, _ = known
        apart = Building()
        with apart:
            _reset_plainly(layer)
        return apart.start(tensor) + start[1:]

    def reset(self, layer: nn.Module) -> None:
        """Notes that a layer starts its tensors."""
        self._turn += 1
        for tensors in (layer._parameters, layer._buffers):  # pyright: ignore[reportPrivateUsage]
            for name, tensor in tensors.items():
                if tensor is not None:
                    self._defaults[id(tensor)] = self._turn, layer, name
                    self._alive.append(tensor)  # so that no other has its id

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs) if kwargs else {}
        if func is torch.empty:  # by far the most frequent
            if kwargs.get("device") is None:
                kwargs["device"] = "meta"
            return func(*args, **kwargs)
        kind = _kind(func)
        if kind == "constructor":
            return self._made(func, args, kwargs)
        if kind == "initializer":
            tensor = kwargs.pop("tensor", args[0] if args else None)
            given = _bound(func, args[1:], kwargs)
            self._write(tensor, _initializers()[func](tensor, **given))
            return tensor
        if kind == "writer":
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, Tensor):
                name = func.__name__
                self._write(tensor, _primitive(name, args[1:], kwargs))
                return None if name == "__setitem__" else tensor
        if kind == "is_meta":
            self._passed_over(args[0], sys._getframe(1))  # pyright: ignore[reportPrivateUsage]
        out = func(*args, **kwargs)
        if kind == "other" and isinstance(out, Tensor):
            self._computed(out, func, args, kwargs)
        return out

    def _passed_over(self, tensor: Tensor, frame: FrameType) -> None:
        """Notes a function of torch.nn.init that leaves tensors without values alone,
        as orthogonal_ does; it asks for that."""
        if frame.f_globals.get("__name__") != nn.init.__name__:
            return
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount]
        given = [frame.f_locals[n] for n in names if n not in ("tensor", "generator")]
        self._write(tensor, _primitive(code.co_name, tuple(given), {}))

    def _made(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if kwargs.get("device") is None:
            kwargs["device"] = "meta"
        made = func(*args, **kwargs)
        start = _filled(func.__name__, args, kwargs)
        if start is not None and isinstance(made, Tensor):
            self._note(made, start)
        return made

    def _note(self, tensor: Tensor, start: Write) -> None:
        self._turn += 1
        self._writes[_memory(tensor)] = [(self._turn, start)]
        self._alive.append(tensor)  # so that no other has its memory

    def _write(self, tensor: Tensor, write: Write) -> None:
        self._filled_by_hand = True
        memory = _memory(tensor)
        whole = tensor.nbytes == tensor.untyped_storage().nbytes()
        if not whole:
            given = *write.arguments, _place(tensor)
            write = Write(f"{write.function} of a part", given)
        if memory not in self._writes or (whole and write.function in _FILLS):
            self._note(tensor, write)
        else:
            self._turn += 1
            self._writes[memory].append((self._turn, write))

    def _computed(
        self,
        out: Tensor,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        """Notes how something starts that is computed from others."""
        memory = _memory(out)
        read = [value for value in args if isinstance(value, Tensor)]
        if memory in self._writes or any(_memory(x) == memory for x in read):
            return
        starts = [self.start(x) for x in read]
        number = _number(func, args, kwargs, starts) if read else None
        if number is not None:
            self._note(out, Write("fill_", (number,)))
            return
        others = tuple(repr(a) for a in args if not isinstance(a, Tensor))
        self._note(out, Write(func.__name__, (*map(_shown, starts), *others)))


_active: list[Building] = []
"""The last one is told what starts."""
_plain_ways: dict[Any, Callable[[nn.Module], None]] = {}
"""How PyTorch's layers start their tensors, while that is left out."""


@contextmanager
def building() -> Generator[Building]:
    """Builds modules without values; what PyTorch starts by itself is left out."""
    mode = Building()
    with starts_left_out():
        _active.append(mode)
        try:
            with mode:
                yield mode
        finally:
            _active.pop()


@contextmanager
def starts_left_out() -> Generator[None]:
    """For many of `building` in a row: classes are changed once for all of them."""
    if _plain_ways:
        yield
        return
    for cls in _resetting():
        _plain_ways[cls] = cls.__dict__["reset_parameters"]
        cls.reset_parameters = _reset
    try:
        yield
    finally:
        for cls, method in _plain_ways.items():
            cls.reset_parameters = method
        _plain_ways.clear()


def _reset(layer: nn.Module) -> None:
    if _active:
        _active[-1].reset(layer)
    else:
        _reset_plainly(layer)


def _reset_plainly(layer: nn.Module) -> None:
    owner: Any = _resetter(type(layer))
    assert owner is not None
    way: Any = _plain_ways.get(owner) or owner.reset_parameters
    way(layer)


@cache
def _resetting() -> tuple[Any, ...]:
    """The classes of PyTorch's layers that say how their tensors start."""
    found: dict[type, None] = {}
    for op in OPS.values():
        name = (op.module_class or "").removeprefix("nn.")
        cls: Any = getattr(nn, name, None) if name else None
        if cls is not None and (owner := _resetter(cls)) is not None:
            found[owner] = None
    return tuple(found)


@cache
def _by_default(cls: type, name: str) -> Start:
    return (Write("PyTorch's own", (_resetter(cls), name)),)


def _resetter(cls: type) -> type | None:
    return next((c for c in cls.__mro__ if "reset_parameters" in vars(c)), None)


@cache
def _kind(func: Callable[..., Any]) -> str:
    """What is to be done about a function."""
    name = getattr(func, "__name__", "")
    if func in _device_constructors():
        return "constructor"
    if func in _initializers():
        return "initializer"
    if name == "__setitem__" or (_writes(name) and name not in _NO_WRITES):
        return "writer"
    if name != "__get__":
        return "other"
    return "is_meta" if func == _IS_META else "getter"


def _writes(name: str) -> bool:
    return name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata  # pyright: ignore[reportPrivateUsage]


def _shown(start: Start) -> str:
    return ", ".join(map(str, start)) or "nothing"


def _place(tensor: Tensor) -> Any:
    return tuple(tensor.shape), tensor.stride(), tensor.storage_offset()


# ---- what fills a tensor, in one form


def _filled(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Write | None:
    """How a new tensor starts; None where that is not said."""
    if name in ("zeros", "zeros_like"):
        return Write("fill_", (0.0,))
    if name in ("ones", "ones_like"):
        return Write("fill_", (1.0,))
    if name in ("full", "full_like"):
        return _primitive("fill_", (kwargs.get("fill_value", args[-1]),), {})
    if name in _DRAWN:
        return _DRAWN[name]
    if name.startswith("empty"):
        return None
    return Write(name, (repr(args),))


def _primitive(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Write:
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


def _number(
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
def _initializers() -> dict[Any, Callable[..., Write]]:
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


def _bound(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Arguments behind the tensor by name."""
    names = _names(func)[1:]
    return dict(zip(names, args, strict=False)) | kwargs


@cache
def _names(func: Callable[..., Any]) -> tuple[str, ...]:
    from inspect import signature

    return tuple(signature(func).parameters)
