"""What modules of torch do while they are built: children, parameters, lists."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast

from archc.emit.tree import Assign, Class
from archc.emit.validate.calls import described
from archc.emit.validate.disagreement import Fault, NotFollowed
from archc.emit.validate.expected import ValueGraph
from archc.emit.validate.tensors import TensorEvaluator
from archc.emit.validate.values import (
    Called,
    Device,
    Environment,
    Initialized,
    Kind,
    Made,
    Module,
    Parameter,
    Partial,
    Super,
    Symbol,
    Value,
)
from archc.ops.code import Global, Local
from archc.ops.registry import OPS
from archc.ops.reshape.identity import Identity
from archc.ops.sizes import Shape
from archc.ops.to import DEVICES
from archc.spec.reserved import DICT, MODULE

CONTAINERS: dict[str, Kind] = {
    "nn.Module": "module",
    "nn.Sequential": "sequential",
    "nn.ModuleList": "list",
    "nn.ModuleDict": "dict",
    "nn.ParameterList": "parameters",
}
IDENTITY = Identity().module(Shape((1,))).function
"""The module that may stand anywhere, because it does nothing."""
INITIALIZE = "_initialize_weights"
"""The method that gives weights their first values; it is run once all is built."""
_RECORD = "NamedTuple"


def class_names(cls: Class) -> frozenset[str]:
    """What the body of a class gives names to."""
    fields = [
        target.id
        for field in cls.fields
        if isinstance(field, Assign)
        for target in field.targets
        if isinstance(target, Local)
    ]
    return frozenset([*fields, *(m.name for m in cls.methods)])


def is_record(cls: Class) -> bool:
    return isinstance(cls.base, Global) and cls.base.name.endswith(_RECORD)


class ModuleEvaluator(TensorEvaluator):
    """An evaluator that knows torch's containers and Python's own functions."""

    def __init__(self, graph: ValueGraph) -> None:
        self.graph = graph
        self.signatures = graph.signatures
        self.initialized: list[Module] = []
        """The modules whose weights got their first values in the constructor."""
        self.kinds: list[Module] = []
        """One module of each kind, which stand for all in `self.modules()`."""
        self.initializers: dict[tuple[str, str], list[Called]] = {}
        """What each parameter of the modules at these paths is started with."""
        self._taken: dict[str, frozenset[str]] = {}

    @abstractmethod
    def construct(
        self, name: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Value | None:
        """An instance of a class of the generated module; None if it has no such."""

    @abstractmethod
    def call_method(
        self,
        module: Module,
        name: str,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
    ) -> Value:
        """A call of a method that a class of the generated module defines."""

    # ---- children

    def register(self, module: Module, name: str, child: Value) -> None:
        """Adds a child or a parameter.

        Raises:
            Fault: if torch would refuse it, or something else would be lost.
        """
        if not isinstance(child, Module | Parameter):
            raise NotFollowed(f"{described(child)} as the child `{name}`")
        if self.initialized:
            raise Fault(f"`{name}` is made after the weights got their first values")
        self._claim(module, name)
        if "." in name or not name:
            raise Fault(f"torch refuses a child of the name {name!r}")
        module.children[name] = child
        module.ordered = None

    def _claim(self, module: Module, name: str) -> None:
        if not module.ready:
            raise Fault(f"`{name}` is assigned before `super().__init__()` has run")
        if name in module.children or name in module.attributes:
            raise Fault(f"a `{module.name}` gets `{name}` twice")
        if name in MODULE or (module.kind == "dict" and name in DICT):
            raise Fault(f"`{name}` hides what torch has under this name in a module")
        if module.cls is not None:
            taken = self._taken.get(module.name)
            if taken is None:
                taken = self._taken[module.name] = class_names(module.cls)
            if name in taken:
                raise Fault(f"`{name}` hides a member of the class `{module.name}`")

    def set_attribute(self, module: Module, name: str, value: Value) -> None:
        """`module.name = value`."""
        if isinstance(value, Module | Parameter):
            self.register(module, name, value)
            return
        if module.ready:
            self._claim(module, name)
        module.attributes[name] = value

    def attribute(self, value: Value, name: str) -> Value:
        if isinstance(value, Module):
            if name in value.children:
                return value.children[name]
            if name in value.attributes:
                return value.attributes[name]
            if name == DEVICES:
                raise Fault(f"a `{value.name}` has no `{DEVICES}` yet")
            if value.kind == "leaf" and name != "training":
                return self._weight(value, name)
        return super().attribute(value, name)

    def _weight(self, module: Module, name: str) -> Value:
        """A parameter of a module of torch's; None where its settings leave it out."""
        assert module.call is not None
        weighted = self.graph.weighted.get(module.path)
        if weighted is not None:
            layer, built = weighted
            if name in built.parameters:
                return Initialized(module, name)
            op = layer.op
        else:
            op = self.graph.weightless.get(module.call.key)
        if op is None or op.category == "activation" or name not in ("weight", "bias"):
            raise NotFollowed(f"`{name}` of a `{module.name}`")
        return None

    def _fill(
        self, module: Module, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> None:
        """What the constructors of torch's containers do with their arguments."""
        module.ready = True
        if kwargs or (args and module.kind in ("module", "dict")):
            raise NotFollowed(f"these arguments of the constructor of `{module.name}`")
        if module.kind == "sequential" and len(args) == 1 and isinstance(args[0], dict):
            for name, child in args[0].items():
                self.register(module, name, child)
            return
        if module.kind != "sequential" and args:
            args = tuple(self.items(args[0]))
        for number, child in enumerate(args):
            self.register(module, str(number), child)

    # ---- methods of modules

    def method(
        self,
        receiver: Module | Super | list[Value],
        name: str,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        env: Environment,
    ) -> Value:
        if isinstance(receiver, Super):
            if name != "__init__" or receiver.module.ready:
                raise NotFollowed(f"super().{name}() here")
            self._fill(receiver.module, args, kwargs)
            return None
        if isinstance(receiver, list):
            if name != "append" or len(args) != 1 or kwargs:
                raise NotFollowed(f"`{name}` of a list")
            receiver.append(args[0])
            return None
        if name == "to" and not args:
            return self._move(receiver, **kwargs)
        handler = self._METHODS.get(name)
        if handler is None:
            return self.call_method(receiver, name, args, kwargs)
        if kwargs:
            raise NotFollowed(f"`{name}` with arguments by name")
        return handler(self, receiver, *args)

    def _move(self, module: Module, device: Value = None) -> Module:
        if not isinstance(device, Device):
            raise NotFollowed(f"a `{module.name}` put on {described(device)}")
        stack: list[Module | Parameter] = [module]
        while stack:
            moved = stack.pop()
            moved.place = device.place
            if isinstance(moved, Module):
                stack += moved.members()
        return module

    def _append(self, module: Module, child: Value) -> None:
        if module.kind in ("leaf", "module", "dict"):
            raise NotFollowed(f"`append` of a `{module.name}`")
        self.register(module, str(len(module.children)), child)

    def _add(self, module: Module, name: Value, child: Value) -> None:
        if not isinstance(name, str):
            raise NotFollowed(f"{described(name)} as the name of a child")
        self.register(module, name, child)

    def _children(self, module: Module) -> Iterator[Value]:
        return iter([m for m in module.members() if isinstance(m, Module)])

    def _values(self, module: Module) -> Iterator[Value]:
        if module.kind != "dict":
            raise NotFollowed(f"`values` of a `{module.name}`")
        return self._children(module)

    def _modules(self, module: Module) -> Iterator[Value]:
        if module not in self.initialized:
            raise NotFollowed("`modules()` but where the weights are started")
        return iter(tuple(self.kinds))

    def _submodule(self, module: Module, path: Value) -> Value:
        found = self._below(module, path)
        if not isinstance(found, Module):
            raise Fault(f"a `{module.name}` has no module `{path}`")
        return found

    def _parameter(self, module: Module, path: Value) -> Value:
        found = self._below(module, path)
        if not isinstance(found, Parameter):
            raise Fault(f"a `{module.name}` has no parameter `{path}`")
        return found

    def _below(self, module: Module, path: Value) -> Module | Parameter | None:
        """What has a dotted path below a module."""
        found: Module | Parameter | None = module
        for name in str(path).split("."):
            found = found.children.get(name) if isinstance(found, Module) else None
        return found

    def _named_modules(self, module: Module) -> Iterator[Value]:
        return iter([i for i in self._named("", module) if isinstance(i[1], Module)])

    def _named_parameters(self, module: Module) -> Iterator[Value]:
        found = self._named("", module)
        return iter([i for i in found if isinstance(i[1], Parameter)])

    def _named(
        self, path: str, item: Module | Parameter
    ) -> Iterator[tuple[str, Module | Parameter]]:
        """What is below a module, and itself, each by its dotted path."""
        yield path, item
        for name, child in item.children.items() if isinstance(item, Module) else ():
            yield from self._named(f"{path}.{name}" if path else name, child)

    def _initialize(self, module: Module) -> None:
        if module.cls is None or module.cls.method(INITIALIZE) is None:
            raise Fault(f"`{module.name}` has no method `{INITIALIZE}`")
        self.initialized.append(module)

    _METHODS: ClassVar[dict[str, Callable[..., Any]]] = {
        "append": _append,
        "add_module": _add,
        "register_parameter": _add,
        "children": _children,
        "values": _values,
        "get_submodule": _submodule,
        "get_parameter": _parameter,
        "modules": _modules,
        "named_modules": _named_modules,
        "named_parameters": _named_parameters,
        INITIALIZE: _initialize,
    }

    # ---- functions and classes by name

    def named(
        self,
        name: str,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        env: Environment,
    ) -> Value:
        handler = self._PYTHON.get(name)
        if handler is not None:
            return handler(self, *args, **kwargs)
        if name in CONTAINERS:
            module = Module(name, CONTAINERS[name])
            self._fill(module, args, kwargs)
            return module
        if name == "super":
            receiver = env.get("self")
            if args or not isinstance(receiver, Module):
                raise NotFollowed("super() here")
            return Super(receiver)
        made = self.construct(name, args, kwargs)
        if made is not None:
            return made
        if name.startswith("nn.init."):
            return self._start(name, args, kwargs)
        if name.startswith(("F.", "torch.")):
            return super().named(name, args, kwargs, env)
        call = self.called(name, args, kwargs)
        if name == "nn.Parameter":
            if len(args) != 1 or kwargs or not isinstance(args[0], Made):
                raise NotFollowed("a parameter of something else than a new tensor")
            return Parameter(call, place=args[0].place)
        return Module(name, "leaf", call, key=call.key, ready=True)

    def _start(
        self, name: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> None:
        if not args or not isinstance(args[0], Initialized):
            raise Fault(f"{name} of something that is no parameter")
        weight = args[0]
        call = Called(name, args[1:], kwargs, None)
        key = (weight.module.path, weight.parameter)
        self.initializers.setdefault(key, []).append(call)

    def _is_instance(self, value: Value, kind: Value) -> bool:
        names = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, Module):
            raise NotFollowed(f"isinstance of {described(value)}")
        own = {value.name, "nn.Module"}
        own |= {k for k, v in CONTAINERS.items() if v == value.kind}
        layer, _ = self.graph.weighted.get(value.path, (None, None))
        if layer is not None and layer.op.starts_as is not None:
            own.add(OPS[layer.op.starts_as].module_class or "")
        for symbol in names:
            if not isinstance(symbol, Symbol):
                raise NotFollowed(
                    f"isinstance({described(value)}, {described(symbol)})"
                )
            if not own.isdisjoint(symbol.names):
                return True
        return False

    def _getattr(self, value: Value, name: Value, *default: Value) -> Value:
        try:
            return self.attribute(value, str(name))
        except NotFollowed:
            if not default:
                raise Fault(f"{described(value)} has no `{name}`") from None
            return default[0]

    def _partial(self, function: Value, *args: Value, **kwargs: Value) -> Value:
        if not isinstance(function, Symbol) or len(function.names) != 1:
            raise NotFollowed(f"partial({described(function)})")
        return Partial(function, args, kwargs)

    def _range(self, *bounds: Value) -> Iterator[Value]:
        if not all(isinstance(b, int) for b in bounds):
            raise NotFollowed(f"range({', '.join(map(described, bounds))})")
        return iter(range(*cast("tuple[int, ...]", bounds)))

    def _enumerate(self, value: Value, start: Value = 0) -> Iterator[Value]:
        if not isinstance(start, int):
            raise NotFollowed(f"enumerate from {described(start)}")
        return enumerate(self.items(value), start)

    def _zip(self, *values: Value, strict: Value = False) -> Iterator[Value]:
        found = [tuple(self.items(v)) for v in values]
        if strict is not True or len({len(items) for items in found}) != 1:
            raise Fault("zip() of what differs in length")
        return zip(*found, strict=True)

    def _reversed(self, value: Value) -> Iterator[Value]:
        return reversed(list(self.items(value)))

    def _next(self, value: Value) -> Value:
        if not isinstance(value, Iterator):
            raise NotFollowed(f"next({described(value)})")
        for item in value:
            return item
        raise Fault("next() of what has no more items")

    def _length(self, value: Value) -> int:
        return len(list(self.items(value)))

    def _tuple(self, value: Value) -> Value:
        return tuple(self.items(value))

    def _ordered(self, pairs: Value = (), **named: Value) -> Value:
        found: dict[str, Value] = {}
        for pair in self.items(pairs):
            match pair:
                case (str() as name, value):
                    found[name] = value
                case _:
                    raise NotFollowed(f"OrderedDict of {described(pair)}")
        return found | named

    _PYTHON: ClassVar[dict[str, Callable[..., Any]]] = {
        "isinstance": _is_instance,
        "getattr": _getattr,
        "partial": _partial,
        "range": _range,
        "enumerate": _enumerate,
        "zip": _zip,
        "reversed": _reversed,
        "iter": TensorEvaluator.items,
        "next": _next,
        "len": _length,
        "tuple": _tuple,
        "OrderedDict": _ordered,
        "dict": _ordered,
    }
