"""Calls brought into one form, so that two that do the same are equal.

An argument that has PyTorch's default may be written or left out. Which arguments these
are is known from the ops: their attributes are named as PyTorch's and have its defaults,
and their own calls leave a default out, but for what they always write.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, cast

from archc.emit.validate.disagreement import NotFollowed
from archc.emit.validate.values import (
    BATCH,
    Called,
    Initialized,
    Made,
    Module,
    Parameter,
    Record,
    Symbol,
    Tensor,
    Training,
    Value,
)
from archc.ops.base import Op

Slot = int | str
"""Which argument: its position or its name."""


def frozen(value: Value) -> Hashable:
    """A value as part of a key; `True` is not 1, while 2 and 2.0 are one."""
    kind = type(value)
    if kind is int or kind is str or kind is float or value is None:
        return cast("Hashable", value)
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, Tensor):
        return (Tensor, value.node)
    if isinstance(value, tuple | list):
        return tuple(map(frozen, value))
    if isinstance(value, Made):
        return value.call.key
    if isinstance(value, Training):
        return value
    raise NotFollowed(f"{described(value)} as an argument")


def key_of(
    function: str, args: tuple[Value, ...], kwargs: dict[str, Value]
) -> Hashable:
    """What a call is looked up by."""
    if not kwargs:
        return (function, *map(frozen, args))
    named = sorted(kwargs.items())
    return (function, *map(frozen, args), tuple((k, frozen(v)) for k, v in named))


class Signature:
    """What is known of one class or function of PyTorch's from the ops that call it."""

    def __init__(self) -> None:
        self.ops: set[type[Op]] = set()
        self.in_place = False
        """Whether it takes `inplace`."""
        self.random = False
        """Whether two calls with the same arguments differ."""
        self._kept: set[str] = set()
        self._whole: set[Slot] = set()
        self._real: set[Slot] = set()

    def learn(self, op: Op, call: Called) -> None:
        """Takes in how the op itself writes the call."""
        kind = type(op)
        self.ops.add(kind)
        self.in_place = self.in_place or op.has_inplace
        self.random = self.random or op.category == "dropout"
        for name, value in call.kwargs.items():
            if self._is_default(name, value):
                self._kept.add(name)
        for slot, value in (*enumerate(call.args), *call.kwargs.items()):
            for number in _numbers(value):
                (self._real if isinstance(number, float) else self._whole).add(slot)

    def given(self, kwargs: dict[str, Value]) -> dict[str, Value]:
        """The named arguments that say more than PyTorch's defaults."""
        return {
            k: v
            for k, v in kwargs.items()
            if k in self._kept or not self._is_default(k, v)
        }

    def float_for_int(self, args: Iterable[tuple[Slot, Value]]) -> Slot | None:
        """The argument that is a float, where this function only ever takes integers."""
        for slot, value in args:
            kind = type(value)
            if kind is int or kind is Tensor:
                continue
            if slot in self._whole and slot not in self._real:
                for number in _numbers(value):
                    if isinstance(number, float):
                        return slot
        return None

    def _is_default(self, name: str, value: Value) -> bool:
        for op in self.ops:
            field = op.model_fields.get(name)
            if field is None or field.is_required():
                return False
            default: Any = field.default
            if isinstance(default, bool) != isinstance(value, bool) or default != value:
                return False
        return True


def _numbers(value: Value) -> Iterable[int | float]:
    if isinstance(value, tuple | list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def described(value: Value) -> str:
    """A value for a message."""
    match value:
        case Tensor():
            return "the input" if value.layer is None else f"`{value.layer.path}`"
        case Module() | Parameter():
            return f"`{value.path}`" if value.path else "a module"
        case Made():
            return call_text(value.call)
        case Symbol():
            return f"`{' | '.join(value.names)}`"
        case Record():
            return f"a `{value.cls.name.key}`"
        case Training():
            return "self.training"
        case Initialized():
            return f"the parameter `{value.parameter}`"
        case tuple() | list():
            return f"({', '.join(map(described, value[:8]))})"
        case dict():
            return "a dict"
        case None | bool() | int() | float() | str():
            return repr(value)
        case _:
            return "the size of the batch" if value is BATCH else "an iterator"


def call_text(call: Called) -> str:
    """A call as it would be written."""
    named = [f"{k}={described(v)}" for k, v in call.kwargs.items()]
    if call.inplace:
        named.append("inplace=True")
    return f"{call.function}({', '.join([*map(described, call.args), *named])})"
