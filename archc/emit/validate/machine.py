"""Statements, functions and classes of a generated module, run without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from archc.emit.tree import (
    Assign,
    Body,
    Class,
    Evaluate,
    For,
    If,
    Method,
    Pass,
    Remark,
    Return,
    Statement,
)
from archc.emit.tree import Module as Tree
from archc.emit.validate.calls import described
from archc.emit.validate.disagreement import Fault, NotFollowed
from archc.emit.validate.expected import Order, ValueGraph
from archc.emit.validate.explain import unknown_step
from archc.emit.validate.instances import Instances, key_of_call
from archc.emit.validate.memory import Memory
from archc.emit.validate.modules import (
    CONTAINERS,
    IDENTITY,
    ModuleEvaluator,
    is_record,
)
from archc.emit.validate.values import (
    PLACES,
    Called,
    Environment,
    Module,
    Parameter,
    Record,
    Storage,
    Tensor,
    Value,
)
from archc.ops.code import Attribute, Global, Local, Sequence
from archc.ops.sizes import Dims
from archc.ops.to import DEVICES
from archc.spec.expressions import Expr, Index


class _Nothing:
    """What a body gives that returns nothing."""


_ON: Any = _Nothing()


_T = TypeVar("_T")


class Machine(ModuleEvaluator):
    """A generated module: built once, then run forward as often as one likes."""

    def __init__(self, tree: Tree, graph: ValueGraph) -> None:
        super().__init__(graph)
        self._classes = {c.name.key: c for c in tree.classes}
        self._methods = {
            c.name.key: {m.name: m for m in c.methods} for c in tree.classes
        }
        # as in Python, defaults are evaluated once
        self._defaults = {
            id(method): tuple(
                None if p.default is None else self.evaluate(p.default, {})
                for p in method.parameters
            )
            for cls in tree.classes
            for method in cls.methods
        }
        self._instances = Instances()
        self._training = False
        self.start(training=False)

    def start(self, *, training: bool, chances: Order | None = None) -> None:
        """Forgets what was run, before `forward` is run once more; `chances` are the
        nodes of random calls that are written several times, in their order there."""
        self._training = training
        self._chances = self.graph.again if chances is None else chances
        self.asked_training = False
        """Whether the run depended on the mode."""
        self.runs: list[int] = [0] * len(self.graph.layers)
        """How often each node was computed."""
        self._again: Counter[int] = Counter()
        self._memory = Memory(self.graph)

    def in_order(self, run: Callable[[], _T], *, training: bool) -> _T:
        """What a run gives, with equal random calls in an order in which it does not
        fail.

        Raises:
            Fault: if there is none: how it fails in the network's.
        """
        first: Fault | None = None
        for chances in self.graph.orders():
            self.start(training=training, chances=chances)
            try:
                return run()
            except Fault as fault:
                first = first or fault
        assert first is not None
        raise first

    def forward(self, module: Module) -> Value:
        """What the module gives for the network's inputs."""
        value = self.invoked(module, self.inputs(), {})
        for tensor in value.fields.values() if isinstance(value, Record) else (value,):
            if isinstance(tensor, Tensor):
                self._memory.read(tensor, "the output")
        return value

    def inputs(self) -> tuple[Tensor, ...]:
        """The network's inputs."""
        count = self.graph.inputs
        return tuple(Tensor(node, Storage(fixed=True)) for node in range(count))

    def is_training(self) -> bool:
        self.asked_training = True
        return self._training

    # ---- classes and functions

    def build(self, name: str, given: Mapping[str, Value] | None = None) -> Module:
        """The network's module, with these arguments. It is built with devices, so that
        what is moved shows where to."""
        arguments: dict[str, Value] = dict(given or {})
        if self.graph.has_places:
            arguments[DEVICES] = PLACES
        built = self.construct(name, (), arguments)
        if not isinstance(built, Module):
            raise Fault(f"there is no class `{name}`")
        return built

    def construct(
        self, name: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Value | None:
        cls = self._classes.get(name)
        if cls is None:
            return None
        if is_record(cls):
            return self._record(cls, args, kwargs)
        base = cls.base.name if isinstance(cls.base, Global) else ""
        if base not in CONTAINERS:
            raise NotFollowed(f"the base of the class `{name}`")
        method = self._methods[name].get("__init__")
        defaults = () if method is None else self._defaults[id(method)]
        key = key_of_call(name, args, kwargs, defaults)
        known = self.recalled(key)
        if known is not None:
            return known
        module = Module(name, CONTAINERS[base], cls=cls)
        if method is None:
            self._fill(module, args, kwargs)
            return module
        try:
            self.run_method(module, method, args, kwargs)
        except Fault as fault:
            fault.add_place(f"the constructor of `{name}`")
            raise
        if not module.ready:
            raise Fault(f"the constructor of `{name}` does not call super().__init__()")
        self._instances.keep(key, module)
        return module

    def recalled(self, key: Hashable | None) -> Module | None:
        """An instance like the one that an equal call has made, where there is one and
        nothing is to be seen of how it is made."""
        # behind the first values of the weights nothing may be made
        return None if self.initialized else self._instances.get(key)

    def _record(
        self, cls: Class, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Record:
        names: list[str] = []
        for field in cls.fields:
            if isinstance(field, Assign) and isinstance(field.targets[0], Local):
                names.append(field.targets[0].id)
        values: dict[str, Value] = dict(zip(names, args, strict=False))
        if len(args) > len(names) or kwargs.keys() & values.keys():
            raise Fault(f"`{cls.name.key}` gets too many values")
        values |= kwargs
        if values.keys() != set(names):
            raise Fault(
                f"`{cls.name.key}` has {_listed(names)}, gets {_listed(values)}"
            )
        return Record(cls, {n: values[n] for n in names})

    def call_method(
        self,
        module: Module,
        name: str,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
    ) -> Value:
        method = self._methods.get(module.name, {}).get(name)
        if method is None:
            raise NotFollowed(f"`{module.name}` has no `{name}` to call")
        return self.run_method(module, method, args, kwargs)

    def run_method(
        self,
        module: Module,
        method: Method,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
    ) -> Value:
        """Runs a method with these arguments."""
        env: Environment = {"self": module}
        if len(args) > len(method.parameters):
            raise Fault(f"`{method.name}` of `{module.name}` gets too many arguments")
        used = 0
        for number, parameter in enumerate(method.parameters):
            name = parameter.local.id
            if name in env:
                raise Fault(f"`{method.name}` has two arguments `{name}`")
            if number < len(args):
                env[name] = args[number]
            elif name in kwargs:
                env[name] = kwargs[name]
                used += 1
            elif parameter.default is not None:
                env[name] = self._defaults[id(method)][number]
            else:
                raise Fault(f"`{method.name}` of `{module.name}` is not given `{name}`")
        if used != len(kwargs):
            extra = [k for k in kwargs if k not in env or env[k] is not kwargs[k]]
            raise Fault(
                f"`{method.name}` of `{module.name}` takes no {_listed(extra)} here"
            )
        value = self.run(method.body, env)
        return None if value is _ON else value

    def invoked(
        self, callee: Value, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Value:
        if not isinstance(callee, Module):
            raise NotFollowed(f"a call of {described(callee)}")
        if callee.kind == "leaf":
            return self._leaf(callee, args, kwargs)
        method = self._methods.get(callee.name, {}).get("forward")
        try:
            if method is not None:
                return self.run_method(callee, method, args, kwargs)
            if callee.kind != "sequential" or len(args) != 1 or kwargs:
                raise NotFollowed(f"a call of {described(callee)}")
            (value,) = args
            for child in callee.members():
                value = self.invoked(child, (value,), {})
            return value
        except Fault as fault:
            if fault.path is None:
                fault.path = callee.path
                fault.add_place(f"`forward` of `{callee.name}`")
            raise

    def _leaf(
        self, module: Module, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Value:
        assert module.call is not None
        x = args[0] if len(args) == 1 else None
        if kwargs or not isinstance(x, Tensor):
            raise Fault(f"`{module.name}` is not called with one tensor", module.path)
        if module.name == IDENTITY:
            return x
        return self.compute((module.key, x.node), (x,), module.call, module)

    # ---- tensors

    def compute(
        self,
        key: Hashable,
        inputs: tuple[Tensor, ...],
        called: Called,
        module: Module | None = None,
    ) -> Tensor:
        node = self.graph.nodes.get(key)
        if node is None:
            raise unknown_step(self.graph, inputs, called, module)
        chances = self._chances.get(node)
        if chances is not None:
            number = self._again[node]
            self._again[node] += 1
            node = chances[min(number, len(chances) - 1)]
        self.runs[node] += 1
        return self._memory.result(node, inputs, in_place=called.inplace)

    def parameter_node(self, parameter: Parameter) -> int:
        node = self.graph.nodes.get(("parameter", parameter.path))
        if node is None:
            raise Fault("the network has no such parameter", parameter.path)
        return node

    def dims(self, tensor: Tensor) -> Dims:
        shape = self.graph.shapes[tensor.node]
        if shape is None:
            raise NotFollowed("the shape of what is only a step of a layer")
        return shape.dims

    # ---- statements

    def run(self, body: Body, env: Environment) -> Value:
        """Runs statements; gives what is returned, or that nothing is."""
        for statement in body:
            value = self.execute(statement, env)
            if value is not _ON:
                return value
        return _ON

    def execute(self, statement: Statement, env: Environment) -> Value:
        """Runs one statement."""
        return self._STATEMENTS[type(statement)](self, statement, env)

    def _assign(self, statement: Assign, env: Environment) -> Value:
        if statement.value is None:
            return _ON
        value = self.evaluate(statement.value, env)
        targets = statement.targets
        if len(targets) > 1:
            self._unpack(targets, value, env)
            return _ON
        for target in targets:
            self._put(target, statement.operator, value, env)
        return _ON

    def _put(self, target: Expr, operator: str, value: Value, env: Environment) -> None:
        if operator:
            old = self.evaluate(target, env)
            if isinstance(old, list) and operator == "+":
                old.extend(self.items(value))
                return
            if isinstance(old, Tensor | list):
                raise Fault(f"`{operator}=` overwrites {described(old)}")
            value = self.arithmetic(operator, old, value)
            if isinstance(target, Attribute):
                raise NotFollowed("an attribute that is changed")
        if type(target) is Local:
            env[target.id] = value
        elif isinstance(target, Sequence):
            self._unpack(target.items, value, env)
        else:
            self._bind(target, value, env)

    def _unpack(
        self, targets: tuple[Expr, ...], value: Value, env: Environment
    ) -> None:
        values = tuple(self.items(value))
        if len(values) != len(targets):
            raise Fault(f"{len(values)} values are unpacked to {len(targets)} names")
        for target, item in zip(targets, values, strict=True):
            self._bind(target, item, env)

    def _bind(self, target: Expr, value: Value, env: Environment) -> None:
        match target:
            case Local():
                env[target.id] = value
            case Attribute():
                owner = self.evaluate(target.value, env)
                if not isinstance(owner, Module):
                    raise NotFollowed(f"an attribute of {described(owner)}")
                self.set_attribute(owner, target.name, value)
            case Index():
                owner = self.evaluate(target.value, env)
                key = self.evaluate(target.index, env)
                if isinstance(owner, Module) and owner.kind == "dict":
                    self.register(owner, str(key), value)
                    return
                if not isinstance(owner, dict) or not isinstance(key, str):
                    raise NotFollowed(f"an item of {described(owner)} that is assigned")
                owner[key] = value
            case _:
                raise NotFollowed(f"an assignment to a {type(target).__name__}")

    def _evaluate(self, statement: Evaluate, env: Environment) -> Value:
        self.evaluate(statement.value, env)
        return _ON

    def _for(self, statement: For, env: Environment) -> Value:
        for value in self.items(self.evaluate(statement.over, env)):
            self._target(statement, value, env)
            returned = self.run(statement.body, env)
            if returned is not _ON:
                return returned
        return _ON

    def _target(self, statement: For, value: Value, env: Environment) -> None:
        """Gives the variables of a loop their values."""
        targets = statement.targets
        if len(targets) == 1:
            env[targets[0].id] = value
        elif statement.counts_rows:
            counter, item = self.items(value)
            env[targets[0].id] = counter
            self._unpack(targets[1:], item, env)
        else:
            self._unpack(targets, value, env)

    def _branch(self, statement: If, env: Environment) -> Value:
        test = self.truth(self.evaluate(statement.test, env))
        return self.run(statement.body if test else statement.orelse, env)

    def _return(self, statement: Return, env: Environment) -> Value:
        return self.evaluate(statement.value, env)

    def _pass(self, statement: Statement, env: Environment) -> Value:
        return _ON

    _STATEMENTS: ClassVar[
        dict[type[Statement], Callable[[Any, Any, Environment], Value]]
    ] = {
        Assign: _assign,
        Evaluate: _evaluate,
        For: _for,
        If: _branch,
        Return: _return,
        Remark: _pass,
        Pass: _pass,
    }


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"`{n}`" for n in names) or "nothing"
