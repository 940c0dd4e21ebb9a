"""What a module computes, call by call, without computing it.

On meta tensors a forward pass is only a sequence of calls of torch's functions. Each
value gets a number that says how it was made: by which function, with which settings,
from which parameters and values. Equal numbers mean equal computations, so that what a
module does can be held against what it should do, in whatever order it does it.

A call is carried out once for all that have the same function, settings and shapes;
its result is a shape, and so the same for all.
"""

from __future__ import annotations

import inspect
from ast import literal_eval
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name  # pyright: ignore[reportUnknownVariableType]
from torch.utils.flop_counter import flop_registry

from archc.ops.registry import FUNCTIONS, MERGES
from archc.spec.expressions import is_sequence, is_tuple

Shape = tuple[int, ...]

_SAME = {other: f.name for f in FUNCTIONS.values() for other in f.also}
"""How a module writes what another one writes otherwise."""
_COMMUTATIVE = frozenset(
    function.name for op in MERGES.values() if op.commutative for function in op.calls
)
# how a value is computed, but not what
_BESIDES = frozenset({"inplace", "return_indices", "_stacklevel"})
_INDEXED = "torch.Tensor.__getitem__"


class Call(NamedTuple):
    """One call whose result is a tensor."""

    function: str
    settings: Any
    """Its arguments, with the numbers of values in the place of tensors."""
    reads: tuple[int, ...]
    """The values and parameters among its arguments."""
    shape: Shape
    """Of its result, the batch included."""
    flops: int


@dataclass(frozen=True, slots=True)
class _Result:
    shape: Shape
    dtype: torch.dtype
    flops: int


class Numbers:
    """Numbers for values, shared by all recordings that are to be compared."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def of(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


class Recorder(TorchFunctionMode):
    """Records the calls that are made while it is on."""

    known: ClassVar[dict[Any, _Result]] = {}
    """What calls gave, for all recorders."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__()
        self.calls: dict[int, Call] = {}
        """In their order, by the number of the value that each makes."""
        self._numbers = numbers
        self._values: dict[int, int] = {}
        self._alive: list[Tensor] = []

    def name(self, tensor: Tensor, key: Any) -> int:
        """Gives a tensor that comes from outside the number of `key`."""
        number = self._numbers.of(key)
        self.set(tensor, number)
        return number

    def set(self, tensor: Tensor, number: int) -> None:
        """Gives a tensor that comes from outside a number that is there already."""
        self._values[id(tensor)] = number
        self._alive.append(tensor)  # so that no other tensor can have its id

    def number(self, tensor: Tensor) -> int | None:
        """The number of a tensor; None if nothing is known of it."""
        return self._values.get(id(tensor))

    def repeat(self, calls: Mapping[int, Call], numbers: dict[int, int]) -> None:
        """Records calls once more, on other values: `numbers` says in whose place
        each stands, and is told what stands in the place of the results."""
        for old, call in calls.items():
            settings = _renumbered(call.settings, numbers)
            number = self._numbers.of(_key(call.function, settings))
            reads = tuple(numbers.get(n, n) for n in call.reads)
            self.calls[number] = call._replace(settings=settings, reads=reads)
            numbers[old] = number

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        tensors = list(_tensors((*args, *kwargs.values())))
        numbers = tuple(n for t in tensors if (n := self.number(t)) is not None)
        if not numbers or "__get__" in getattr(func, "__name__", ""):
            return func(*args, **kwargs)
        function, settings = self._described(func, args, kwargs)
        out, known = self._carried_out(func, args, kwargs, tensors, function, settings)
        if known is not None:
            call = Call(function, settings, numbers, known.shape, known.flops)
            self.calls[self.name(out, _key(function, settings))] = call
        return out

    def _carried_out(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        tensors: list[Tensor],
        function: str,
        settings: Any,
    ) -> tuple[Any, _Result | None]:
        """The result of a call, and what is known of it if it is one tensor."""
        shapes = tuple((t.shape, t.dtype) for t in tensors)
        key = (function, _shapeless(settings), shapes)
        known = self.known.get(key)
        if known is None and (shape := _plain_shape(function, tensors, settings)):
            flops = _flops(function, tensors, torch.empty(shape, device="meta"))
            known = self.known[key] = _Result(shape, tensors[0].dtype, flops)
        if known is None:
            out = func(*args, **kwargs)
            if not isinstance(out, Tensor):
                return out, None
            flops = _flops(function, tensors, out)
            known = self.known[key] = _Result(tuple(out.shape), out.dtype, flops)
        elif kwargs.get("inplace") or _is_inplace(func.__name__):
            out = tensors[0]
        else:
            out = torch.empty(known.shape, dtype=known.dtype, device="meta")
        return out, known

    def _described(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[str, Any]:
        function, names, defaults = _signature(func)
        if function == _INDEXED and (slice_ := _one_slice(*args)) is not None:
            function, names, defaults = _signature(torch.Tensor.narrow)
            args = (args[0], *slice_)
        given: dict[Any, Any] = dict(defaults)
        if names and names[-1].startswith("*"):
            args = (*args[: len(names) - 1], _gathered(args[len(names) - 1 :]))
        for i, value in enumerate(args):
            # the first argument of a function that is written in C is its input
            name = names[i] if i < len(names) else i or "input"
            given[name.removeprefix("*") if isinstance(name, str) else name] = value
        given |= kwargs
        known = FUNCTIONS.get(function)
        if known is not None and known.settle is not None:
            known.settle(given)
        settings = tuple(
            (name, self._plain(value))
            for name, value in sorted(given.items(), key=lambda item: str(item[0]))
            if name not in _BESIDES
        )
        return function, settings

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return ("value", self.number(value))
        if isinstance(value, slice):
            part = cast("slice[Any, Any, Any]", value)
            return ("slice", part.start, part.stop, part.step)
        if is_sequence(value):
            parts: tuple[Any, ...] = tuple(map(self._plain, value))
            alike = len(parts) == 2 and parts[0] == parts[1]
            return parts[0] if alike and isinstance(parts[0], int) else parts
        return value


@cache
def _signature(
    func: Callable[..., Any],
) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    """A function's name, its arguments in their order, and their defaults."""
    function = resolve_name(func) or func.__name__
    function = _SAME.get(function, function)
    known = FUNCTIONS.get(function)
    if known is not None and known.signature:
        parts = [word.partition("=") for word in known.signature.split()]
        defaults = {name: literal_eval(value) for name, _, value in parts if value}
        return function, tuple(name for name, _, _ in parts), defaults
    try:
        found = inspect.signature(func).parameters
    except (TypeError, ValueError):  # written in C
        return function, (), {}
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found.values()):
        return function, (), {}
    defaults = {
        name: p.default for name, p in found.items() if p.default is not p.empty
    }
    return function, tuple(found), defaults


def _plain_shape(function: str, tensors: list[Tensor], settings: Any) -> Shape | None:
    """The shape of a result that needs no working out; None if it does."""
    known = FUNCTIONS.get(function)
    if known is None or known.shape is None:
        return None
    return known.shape([tuple(t.shape) for t in tensors], dict(settings))


def _flops(function: str, tensors: list[Tensor], out: Tensor) -> int:
    """By the formulas of torch's counter, for what it counts in these networks."""
    known = FUNCTIONS.get(function)
    if known is None or known.counted is None:
        return 0
    x, weight = tensors[:2]
    if known.counted == "linear":
        formula = flop_registry[torch.ops.aten.mm]
        return formula(x.flatten(0, -2), weight.t(), out_val=out)
    turned = known.counted == "transposed convolution"
    formula = flop_registry[torch.ops.aten.convolution]
    return formula(x, weight, None, 1, 0, 1, turned, out_val=out)


def _gathered(values: tuple[Any, ...]) -> Any:
    """Arguments of a function that takes them one by one or as one tuple."""
    return tuple(values[0]) if len(values) == 1 else values


def _one_slice(x: Tensor, index: Any) -> tuple[int, int, int] | None:
    """Axis, start and length, where an index takes a part of one axis; else None."""
    if not is_tuple(index) or not all(isinstance(i, slice) for i in index):
        return None
    slices: tuple[slice, ...] = index
    ranges = [part.indices(size) for part, size in zip(slices, x.shape, strict=False)]
    whole = [(0, size, 1) for size in x.shape]
    parts = [i for i, found in enumerate(ranges) if found != whole[i]]
    # of a slice over all of an axis the last one is meant, as in x[:, :stop]
    axis = parts[0] if parts else len(ranges) - 1
    start, stop, step = ranges[axis]
    return None if len(parts) > 1 or step != 1 else (axis, start, stop - start)


def _is_inplace(name: str) -> bool:
    return name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))


def _tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif is_sequence(value):
            yield from _tensors(value)


def _shapeless(settings: Any) -> Any:
    """Settings without the numbers of values: calls of one shape have the same."""
    if is_tuple(settings):
        if len(settings) == 2 and settings[0] == "value":
            return "value"
        return tuple(map(_shapeless, settings))
    return settings


def _renumbered(settings: Any, numbers: Mapping[int, int]) -> Any:
    """Settings that read other values."""
    if is_tuple(settings):
        if len(settings) == 2 and settings[0] == "value":
            return ("value", numbers.get(settings[1], settings[1]))
        return tuple(_renumbered(part, numbers) for part in settings)
    return settings


def _key(function: str, settings: Any) -> Any:
    """What makes a call the same as another one."""
    if function in _COMMUTATIVE:
        # the order of the arguments says nothing
        settings = tuple(sorted((value for _, value in settings), key=str))
    return function, settings
