"""Which value each tensor holds while a module is traced.

Values are followed by the tensors that hold them: where one is overwritten, each tensor
that shows the same memory has the new value, and one that shows a part of it has none
that could be named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from torch import Tensor

from archc.importing.trace import Param, Sizes, Value
from archc.run.importing.tensors import tensors_in


class Part(NamedTuple):
    """What a tensor shows of memory."""

    shape: Sizes
    strides: Sizes
    start: int


class Values:
    """The values of one trace."""

    def __init__(self, shapes: list[Sizes], refuse: Callable[[str], None]) -> None:
        self._shapes = shapes
        """Of each value, by its number."""
        self._refuse = refuse
        self._names: dict[int, tuple[Value | Param, int]] = {}
        """What each tensor holds, by its id, and how many writes were before."""
        self._alive: list[Tensor] = []
        self._written: dict[int, list[tuple[Part, Value, int]]] = {}
        """The writes to memory: the part, what is there, and which write it was."""
        self._writes = 0

    def name(self, tensor: Tensor, held: Value | Param) -> None:
        """Notes what a tensor holds."""
        if id(tensor) not in self._names:
            self._alive.append(tensor)  # so that no other tensor can have its id
        self._names[id(tensor)] = held, self._writes

    def made(self, tensor: Tensor) -> int:
        """Gives a new value its number."""
        number = len(self._shapes)
        self._shapes.append(tuple(tensor.shape))
        self.name(tensor, Value(number))
        return number

    def known(self, tensor: Any) -> Value | Param | None:
        """What a tensor holds, where that is known; not of memory of which a part was
        overwritten."""
        if id(tensor) not in self._names:
            return None
        held, before = self._names[id(tensor)]
        own = shown(tensor)
        for part, value, write in reversed(self._written.get(_memory(tensor), [])):
            if write <= before:
                break
            if own == part:
                return value
            if not apart(own, part):
                return None
        return held

    def held(self, tensor: Tensor) -> Value | Param:
        """What a tensor holds; where that has no name, it is refused."""
        held = self.known(tensor)
        if held is None:
            if id(tensor) in self._names:
                self._refuse("it reads memory of which another view overwrote a part")
            else:
                self._refuse("it reads a tensor that is no parameter, no buffer and not"
                            " computed from the input")  # fmt: skip
            held = Value(self.made(tensor))
        return held

    def overwritten(self, tensor: Tensor) -> int:
        """Gives what a tensor holds from now on its number."""
        number = self.made(tensor)
        self._writes += 1
        written = self._written.setdefault(_memory(tensor), [])
        written.append((shown(tensor), Value(number), self._writes))
        return number

    def numbers(self, given: Iterable[Any]) -> list[int]:
        """The numbers of all values in arguments."""
        held = [self.known(tensor) for tensor in tensors_in(given)]
        return [value.number for value in held if isinstance(value, Value)]


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata  # pyright: ignore[reportPrivateUsage]


def shown(tensor: Tensor) -> Part:
    """The part of its memory that a tensor shows."""
    return Part(tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()))


def apart(one: Part, other: Part) -> bool:
    """Whether two parts of memory, as slices of one tensor, surely have no number in
    common: along some axis, one begins where the other has ended."""
    if one.strides != other.strides:
        return False
    first, second = sorted((one, other), key=lambda part: part.start)
    rest, reach, found = second.start - first.start, 0, False
    sizes = sorted(zip(one.strides, first.shape, second.shape, strict=True))
    lasts: list[int] = []
    for stride, size, later in reversed(sizes):
        if stride == 0:
            return False
        begins, rest = divmod(rest, stride)
        lasts.insert(0, max(size, begins + later) - 1)
        found = found or begins >= size
    for (stride, _, _), last in zip(sizes, lasts, strict=True):
        # so that a place in memory is one place along each axis
        if reach >= stride:
            return False
        reach += last * stride
    return found and rest == 0
