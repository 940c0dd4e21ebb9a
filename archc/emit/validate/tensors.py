"""Calls and operators on tensors, as nodes of the network's value graph."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from typing import cast

from archc.emit.validate.calls import Signature, described, frozen, key_of
from archc.emit.validate.disagreement import Fault, NotFollowed
from archc.emit.validate.expressions import Evaluator
from archc.emit.validate.values import (
    BATCH,
    PLACES,
    TRAINING,
    Called,
    Device,
    Environment,
    Function,
    Made,
    Module,
    Parameter,
    Partial,
    Parts,
    Places,
    Record,
    Super,
    Symbol,
    Tensor,
    Value,
)
from archc.ops.code import Apply, Attribute, ClassName, Global, Local, Starred
from archc.ops.sizes import Dims
from archc.ops.to import DEVICES
from archc.spec.expressions import Const

_COMMUTATIVE = frozenset({"+", "*"})


class TensorEvaluator(Evaluator):
    """An evaluator that knows functions and methods of tensors."""

    signatures: dict[str, Signature]
    """What is known of PyTorch's functions, by their names in generated code."""

    @abstractmethod
    def compute(
        self, key: Hashable, inputs: tuple[Tensor, ...], called: Called
    ) -> Tensor:
        """The tensor that a call gives; `key` says which call on which values."""

    @abstractmethod
    def parameter_node(self, parameter: Parameter) -> int:
        """The node of a parameter of the network."""

    @abstractmethod
    def dims(self, tensor: Tensor) -> Dims:
        """A tensor's shape, without the batch."""

    # ---- calls

    def called(
        self, function: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Called:
        """A call of PyTorch's in its one form.

        Raises:
            Fault: if it has a float where only whole numbers are taken.
        """
        signature = self.signatures.get(function)
        in_place = False
        if signature is not None:
            exact = key_of(function, args, kwargs) if signature.exact else None
            if kwargs and (exact is None or exact not in signature.exact):
                if signature.in_place and "inplace" in kwargs:
                    kwargs = dict(kwargs)
                    in_place = self.truth(kwargs.pop("inplace"))
                kwargs = signature.given(kwargs)
            wrong = signature.float_for_int(args, kwargs)
            if wrong is not None:
                name = f"`{wrong}`" if isinstance(wrong, str) else f"number {wrong + 1}"
                raise Fault(f"the argument {name} of {function} is no whole number")
        key = key_of(function, args, kwargs)
        return Called(function, args, kwargs, key, in_place)

    def function(
        self, name: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Value:
        """A call of a function of `torch` or `torch.nn.functional`."""
        device = kwargs.get("device")
        if isinstance(device, Device) and name.startswith("torch."):
            kwargs = {k: v for k, v in kwargs.items() if k != "device"}
        call = self.called(name, args, kwargs)
        if len(args) == 1 and type(args[0]) is Tensor:
            return self.compute(call.key, (args[0],), call)
        inputs = tuple(_tensors((*args, *kwargs.values())))
        if not inputs:
            return Made(call, device.place if isinstance(device, Device) else None)
        if name == ".chunk":
            count = args[1] if len(args) > 1 else None
            if not isinstance(count, int):
                raise NotFollowed(f"{described(count)} parts")
            return Parts(call, inputs, count)
        return self.compute(call.key, inputs, call)

    def part(self, parts: Parts, number: int) -> Tensor:
        if not 0 <= number < parts.count:
            raise Fault(f"there is no part {number} of {parts.count}")
        key = ("part", number, parts.call.key)
        return self.compute(key, parts.inputs, parts.call)

    def apply(self, expr: Apply, env: Environment) -> Value:
        # as in Python, what is called is evaluated before the arguments
        target = expr.function
        if isinstance(target, Global | ClassName):
            name = target.name if isinstance(target, Global) else target.key
            args, kwargs = self.arguments(expr, env)
            return self.named(name, args, kwargs, env)
        if isinstance(target, Attribute):
            receiver = self.evaluate(target.value, env)
            args, kwargs = self.arguments(expr, env)
            return self._of_value(receiver, target.name, args, kwargs, env)
        callee = self.evaluate(target, env)
        args, kwargs = self.arguments(expr, env)
        return self._called(callee, args, kwargs, env)

    def _called(
        self,
        callee: Value,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        env: Environment,
    ) -> Value:
        """A call of what a variable holds."""
        match callee:
            case Symbol(names=(name,)):
                return self.named(name, args, kwargs, env)
            case Partial():
                args, kwargs = (*callee.args, *args), callee.kwargs | kwargs
                return self._called(callee.function, args, kwargs, env)
            case Function(parameters=names) if not kwargs and len(args) <= len(names):
                given = callee.defaults | dict(zip(names, args, strict=False))
                if given.keys() < set(names):
                    raise Fault(f"a function of {len(names)} gets {len(args)} values")
                return self.evaluate(callee.value, {**callee.around, **given})
            case _:
                return self.invoked(callee, args, kwargs)

    def _of_value(
        self,
        receiver: Value,
        name: str,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        env: Environment,
    ) -> Value:
        if isinstance(receiver, Module):
            child = receiver.children.get(name)
            if child is not None:
                return self.invoked(child, args, kwargs)
        if isinstance(receiver, Tensor):
            return self.function(f".{name}", (receiver, *args), kwargs)
        if isinstance(receiver, Module | Super | list):
            return self.method(receiver, name, args, kwargs, env)
        if isinstance(receiver, Places) and name == "get" and not kwargs:
            (place,) = args
            return Device(str(place))
        if isinstance(receiver, dict) and name == "get" and not kwargs:
            (key,) = args
            return receiver.get(str(key))
        raise NotFollowed(f"`{name}` of {described(receiver)}")

    def arguments(
        self, call: Apply, env: Environment
    ) -> tuple[tuple[Value, ...], dict[str, Value]]:
        """The arguments of a call, in order and by name."""
        args: list[Value] = []
        kwargs: dict[str, Value] = {}
        for argument in call.arguments:
            expr = argument.value
            if isinstance(expr, Starred):
                if kwargs or argument.name is not None:
                    raise NotFollowed("a star behind an argument by name")
                args += self.items(self.evaluate(expr.value, env))
                continue
            if isinstance(expr, Local) and expr.id in env:
                value = env[expr.id]
            elif isinstance(expr, Const):
                value = expr.value
            else:
                value = self.evaluate(expr, env)
            if argument.name is None:
                if kwargs:
                    raise NotFollowed("an argument by position after one by name")
                args.append(value)
            elif argument.name in kwargs:
                raise NotFollowed(f"the argument `{argument.name}` is given twice")
            else:
                kwargs[argument.name] = value
        return tuple(args), kwargs

    def named(
        self,
        name: str,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        env: Environment,
    ) -> Value:
        """A call of what the module imports or Python has built in."""
        if name.startswith(("F.", "torch.")):
            return self.function(name, args, kwargs)
        raise NotFollowed(f"a call of `{name}`")

    def method(
        self,
        receiver: Module | Super | list[Value],
        name: str,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        env: Environment,
    ) -> Value:
        """A call of a method of anything but a tensor."""
        raise NotFollowed(f"a call of `{name}`")

    def invoked(
        self, callee: Value, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Value:
        """A call of a value."""
        raise NotFollowed(f"a call of {described(callee)}")

    # ---- operators and attributes

    def operate(self, op: str, left: Value, right: Value) -> Tensor:
        if op == "-" and isinstance(right, int | float):
            op, right = "+", -right  # which is the same to the bit
        sides = (self._side(left), self._side(right))
        if op in _COMMUTATIVE and all(isinstance(s, int) for s in sides):
            first, second = sides
            if first > second:  # pyright: ignore[reportOperatorIssue]
                sides = (second, first)
        called = Called(op, (left, right), {}, (op, *sides))
        return self.compute(called.key, tuple(_tensors((left, right))), called)

    def _side(self, value: Value) -> Hashable:
        if isinstance(value, Tensor):
            return value.node
        if isinstance(value, Parameter):
            return self.parameter_node(value)
        return ("other", frozen(value))

    def taken(self, value: Value, axis: int, part: slice) -> Tensor:
        if not isinstance(value, Tensor):
            raise NotFollowed(f"a slice of {described(value)}")
        dims = self.dims(value)
        if not 1 <= axis <= len(dims):
            raise Fault(f"{described(value)} is sliced along axis {axis}")
        size = dims[axis - 1]
        assert isinstance(size, int)
        bounds = part.indices(size)
        called = Called("slice", (value, axis, *bounds), {}, None)
        return self.compute(("slice", value.node, axis, *bounds), (value,), called)

    def attribute(self, value: Value, name: str) -> Value:
        if isinstance(value, Tensor) and name == "shape":
            return (BATCH, *cast("tuple[int, ...]", self.dims(value)))
        if isinstance(value, Module) and name == "training":
            return TRAINING
        if isinstance(value, Module) and name == DEVICES:
            return PLACES
        if isinstance(value, Record) and name in value.fields:
            return value.fields[name]
        raise NotFollowed(f"`{name}` of {described(value)}")


def _tensors(values: tuple[Value, ...]) -> list[Tensor]:
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(tuple(value))
    return found
