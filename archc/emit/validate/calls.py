"""Calls brought into one form, so that two that do the same are equal.

An argument that has PyTorch's default may be written or left out. Which arguments
these are is known from the ops: their attributes are named as PyTorch's and have its
defaults, and their own calls leave a default out, but for what they always write.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import cast

from archc.emit.validate.disagreement import NotFollowed
from archc.emit.validate.values import (
    BATCH,
    Batch,
    Called,
    Device,
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
from archc.ops.own import OwnOp

Slot = int | str
"""Which argument: its position or its name."""


def frozen(value: Value) -> Hashable:
    """A value as part of a key; `True` is not 1, while 2 and 2.0 are one."""
    if type(value) in _PLAIN:
        return cast("Hashable", value)
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, Tensor):
        return (Tensor, value.node)
    if isinstance(value, tuple | list):
        return tuple(map(frozen, value))
    if isinstance(value, Made):
        return value.call.key
    if isinstance(value, Training | Batch | Device):
        return value
    raise NotFollowed(f"{described(value)} as an argument")


def key_of(
    function: str, args: tuple[Value, ...], kwargs: dict[str, Value]
) -> Hashable:
    """What a call is looked up by."""
    key: list[object] = [function]
    for value in args:
        key.append(value if type(value) in _PLAIN else frozen(value))
    for name in sorted(kwargs) if len(kwargs) > 1 else kwargs:
        value = kwargs[name]
        key.append(name)
        key.append(value if type(value) in _PLAIN else frozen(value))
    # how many come by position tells a name from text
    return (len(args), *key)


class Signature:
    """What is known of one class or function of PyTorch's from the ops that call it."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        """One of each op that calls it."""
        self.in_place = False
        """Whether it takes `inplace`."""
        self.random = False
        """Whether two calls with the same arguments differ."""
        self.exact: set[Hashable] = set()
        """The keys of calls that say all that is given, as ops of a spec's own do."""
        self._defaults: dict[str, Value] | None = None
        """The defaults of what may be left out; None until an op says some."""
        self._calls: list[Called] = []
        self._real: dict[Slot, bool] | None = None
        """Which arguments may be a float, once one is met."""

    def learn(self, op: Op, call: Called) -> None:
        """Takes in how the op itself writes the call."""
        kind = type(op)
        is_new = all(type(o) is not kind for o in self.ops)
        self._calls.append(call)
        if isinstance(op, OwnOp):
            self.exact.add(call.key)
            if is_new:
                self.ops.append(op)
            return
        if is_new:
            self._meet(op)
        defaults = self._defaults or {}
        for name, value in call.kwargs.items():
            if name in defaults and _same(value, defaults[name]):
                del defaults[name]  # the op itself does not leave it out

    def _meet(self, op: Op) -> None:
        fields = type(op).model_fields
        own = {k: f.default for k, f in fields.items() if not f.is_required()}
        known = self._defaults
        if known is not None:
            own = {k: v for k, v in own.items() if k in known and known[k] == v}
        self._defaults = own
        self.ops.append(op)
        self.in_place = self.in_place or op.has_inplace
        self.random = self.random or op.category == "dropout"

    def given(self, kwargs: dict[str, Value]) -> dict[str, Value]:
        """The named arguments that say more than PyTorch's defaults."""
        left_out = self._defaults or {}
        for name, value in kwargs.items():
            if name in left_out and _same(value, left_out[name]):
                break
        else:
            return kwargs
        return {
            k: v
            for k, v in kwargs.items()
            if k not in left_out or not _same(v, left_out[k])
        }

    def float_for_int(
        self, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Slot | None:
        """The argument that is a float where only integers are ever taken."""
        for value in (*args, *kwargs.values()):
            if type(value) in _MAY_BE_REAL and any(map(_is_real, _numbers(value))):
                break
        else:
            return None
        real = self._real
        if real is None:
            real = self._real = self._slots()
        for slot, value in (*enumerate(args), *kwargs.items()):
            if not real.get(slot, True) and any(map(_is_real, _numbers(value))):
                return slot
        return None

    def _slots(self) -> dict[Slot, bool]:
        """The arguments that are numbers, and whether one of them is ever a float."""
        found: dict[Slot, bool] = {}
        for call in self._calls:
            for slot, value in (*enumerate(call.args), *call.kwargs.items()):
                for number in _numbers(value):
                    found[slot] = found.get(slot, False) or _is_real(number)
        return found


_PLAIN = frozenset({int, float, str, type(None)})
"""What stands in a key as it is."""
SCALARS = _PLAIN | {bool}
_MAY_BE_REAL = frozenset({float, tuple, list})


def _same(value: Value, default: Value) -> bool:
    return isinstance(value, bool) == isinstance(default, bool) and value == default


def _numbers(value: Value) -> Iterable[int | float]:
    if isinstance(value, tuple | list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _is_real(number: int | float) -> bool:
    return isinstance(number, float)


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
