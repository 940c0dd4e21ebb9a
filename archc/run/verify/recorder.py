"""What a module computes, call by call, without computing it.

On meta tensors a forward pass is only a sequence of calls of torch's functions. Each
value gets its number, so that what a module does can be held against what it should
do, in whatever order it does it.

A call is carried out once for all that have the same function, settings and shapes;
its result is a shape, and so the same for all. What shares memory is carried out each
time: where a tensor is overwritten, all that show it have other numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from archc.run.verify.forms import form_of, overwritten, reshaped
from archc.run.verify.numbers import RESULT, Form, Kind, Numbers, Slot, View
from archc.spec.expressions import is_sequence

# asked all the time, and never a tensor
_GETTERS = frozenset(
    [getattr(Tensor, name).__get__
     for name in ("shape", "dtype", "device", "ndim", "requires_grad", "is_meta")]
    + [getattr(Tensor, name) for name in ("dim", "size", "numel", "is_contiguous")]
)  # fmt: skip
_PLAIN = frozenset({int, float, bool, str, type(None)})


class Entry(NamedTuple):
    """One value that a call made, in the order of a recording."""

    number: int
    form: Form
    reads: tuple[int, ...]
    slot: Slot


class Recorder(TorchFunctionMode):
    """Records the calls that are made while it is on."""

    known: ClassVar[dict[Any, Form | None]] = {}
    """Calls by all that decides what they are; None gives no tensor."""

    def __init__(self, numbers: Numbers, *, gradients: bool = True) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self._gradients = gradients
        self._numbers = numbers
        self._values: dict[int, int] = {}
        self._alive: list[Tensor] = []
        self._shared: dict[int, list[Tensor]] = {}

    def name(self, tensor: Tensor, key: Any) -> int:
        """Gives a tensor that comes from outside the number of `key`."""
        number = self._numbers.outside(key, Kind(tuple(tensor.shape), tensor.dtype))
        self._set(tensor, number)
        return number

    def number(self, tensor: Any) -> int | None:
        """The number of a tensor; None if nothing is known of it."""
        return self._values.get(id(tensor))

    def kind(self, number: int) -> Kind:
        """The shape and type of a value."""
        return self._numbers.made[number].kind

    def _set(self, tensor: Tensor, number: int) -> None:
        if id(tensor) not in self._values:
            self._alive.append(tensor)  # so that no other tensor can have its id
        self._values[id(tensor)] = number

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _GETTERS:
            return func(*args, **(kwargs or {}))
        if func is Tensor.__float__:
            # a normalisation asks how many batches there were; any number will do
            return 1.0
        tensors: list[Tensor] = []
        given = _skeleton(args, tensors)
        named: tuple[Any, ...] = ()
        if kwargs:
            named = *kwargs, _skeleton(kwargs.values(), tensors)
        else:
            kwargs = {}
        blocks = self._gradients and not torch.is_grad_enabled()
        cast = torch.is_autocast_enabled("cuda") or torch.is_autocast_enabled("cpu")
        key = func, given, named, tuple(map(_layout, tensors)), blocks, cast
        try:
            form = self.known[key]
        except KeyError:
            form = form_of(func, args, kwargs, tensors, cast=cast, blocks=blocks,
                           gradients=self._gradients)  # fmt: skip
            self.known[key] = form
        except TypeError:  # an argument that cannot be a key
            form = form_of(func, args, kwargs, tensors, cast=cast, blocks=blocks,
                           gradients=self._gradients)  # fmt: skip
        if form is None:
            return func(*args, **kwargs)
        reads = tuple(map(self._read, tensors))
        out = self._carried_out(form, func, args, kwargs, tensors)
        if form.several:
            for i, part in enumerate(out):
                self._made(part, form, reads, ("result", i))
        elif form.kinds:
            self._made(out, form, reads, RESULT)
        for i in form.writes:
            if form.returns != i:
                self._made(tensors[i], form, reads, ("write", i))
            self._overwritten(tensors[i])
        if form.aliases:
            self._share((*tensors, *(out if form.several else (out,))))
        return out

    def _read(self, tensor: Tensor) -> int:
        number = self._values.get(id(tensor))
        if number is None:
            kind = Kind(tuple(tensor.shape), tensor.dtype)
            number = self._numbers.unknown(kind)
            self._set(tensor, number)
        return number

    def _made(
        self, tensor: Tensor, form: Form, reads: tuple[int, ...], slot: Slot
    ) -> None:
        number = self._numbers.of(form, reads, slot)
        self.entries.append(Entry(number, form, reads, slot))
        self._set(tensor, number)

    def _carried_out(
        self,
        form: Form,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        tensors: list[Tensor],
    ) -> Any:
        if form.returns is not None:
            return tensors[form.returns]
        if form.aliases or form.several:
            with torch.no_grad():
                return func(*args, **kwargs)
        if not form.kinds:
            return None
        ((shape, dtype),) = form.kinds
        return torch.empty(shape, dtype=dtype, device="meta")

    # ---- memory that several tensors show

    def _share(self, tensors: Iterable[Tensor]) -> None:
        for tensor in tensors:
            alike = self._shared.setdefault(_storage(tensor), [])
            if all(other is not tensor for other in alike):
                alike.append(tensor)

    def _overwritten(self, tensor: Tensor) -> None:
        """Gives what shows the memory of an overwritten tensor its new number."""
        if not self._shared:
            return
        new = self._values[id(tensor)]
        for other in self._shared.get(_storage(tensor), ()):
            if other is tensor:
                continue
            if _place(other) == _place(tensor):
                self._set(other, new)
            elif _is_all(other) and _is_all(tensor):
                kind = Kind(tuple(other.shape), other.dtype)
                self._made(other, reshaped(kind), (new,), RESULT)
            else:
                form = overwritten(
                    Kind(tuple(other.shape), other.dtype), _place(other), _place(tensor)
                )
                self._made(other, form, (self._read(other), new), RESULT)


def _skeleton(values: Iterable[Any], tensors: list[Tensor]) -> tuple[Any, ...]:
    """Arguments without their tensors, which are added to `tensors`."""
    parts: list[Any] = []
    for value in values:
        if type(value) in _PLAIN:
            parts.append(value)
        elif isinstance(value, Tensor):
            tensors.append(value)
            parts.append(Tensor)
        elif is_sequence(value):
            parts.append(_skeleton(value, tensors))
        elif isinstance(value, slice):
            parts.append((slice, value.start, value.stop, value.step))  # pyright: ignore[reportUnknownMemberType]
        else:
            parts.append(value)
    return tuple(parts)


def _layout(tensor: Tensor) -> Any:
    if tensor.is_contiguous():
        return tensor.shape, tensor.dtype
    return tensor.shape, tensor.dtype, tensor.stride()


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata  # pyright: ignore[reportPrivateUsage]


def _place(tensor: Tensor) -> View:
    return View(tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()))


def _is_all(tensor: Tensor) -> bool:
    """Whether a tensor shows all of its memory, in its order."""
    size = tensor.untyped_storage().nbytes()
    return tensor.is_contiguous() and tensor.nbytes == size
