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
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]

from archc.ops.registry import OPS
from archc.run.fills import (
    FILLS,
    Start,
    Write,
    bound,
    filled,
    initializers,
    one_number,
    primitive,
)

# their names end as if they changed numbers
_NO_WRITES = frozenset(
    {"requires_grad_", "share_memory_", "detach_", "squeeze_", "unsqueeze_", "t_",
     "transpose_", "swapaxes_", "swapdims_", "as_strided_", "resize_", "rename_"}
)  # fmt: skip
_IS_META: Any = getattr(Tensor, "is_meta").__get__  # noqa: B009


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
        return writes if writes and writes[0].function in FILLS else first + writes

    def in_full(self, start: Start, tensor: Tensor) -> Start:
        """The same, with what PyTorch does for the layer written out."""
        known = self._defaults.get(id(tensor))
        if known is None or not start or start[0].function in FILLS:
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
            given = bound(func, args[1:], kwargs)
            self._write(tensor, initializers()[func](tensor, **given))
            return tensor
        if kind == "writer":
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, Tensor):
                name = func.__name__
                self._write(tensor, primitive(name, args[1:], kwargs))
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
        self._write(tensor, primitive(code.co_name, tuple(given), {}))

    def _made(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if kwargs.get("device") is None:
            kwargs["device"] = "meta"
        made = func(*args, **kwargs)
        start = filled(func.__name__, args, kwargs)
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
        if memory not in self._writes or (whole and write.function in FILLS):
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
        number = one_number(func, args, kwargs, starts) if read else None
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
    if func in initializers():
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
