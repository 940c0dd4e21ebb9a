"""Weight initialisation as `[init]` states it: a method of the network's class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from math import sqrt

from archc.emit.tree import SELF, Body, Evaluate, For, If, Method, Pass, Statement
from archc.network.graph import Layer, Network
from archc.ops import code
from archc.ops.code import Attribute, Global, Local, Nothing, Text
from archc.ops.registry import OPS
from archc.spec.expressions import Binary, BoolOp, Call, Compare, Const, Expr, Number
from archc.spec.model import Initializer, OpNode

_MODULE = Local("module")
_ROOTS = 10
"""Up to where roots of whole numbers are looked for."""


def initializer(network: Network) -> Method | None:
    """`_initialize_weights`: for each module, what its op's parameters start with; None
    where no module has what `[init]` speaks of."""
    there = {layer.op.op for layer in network.distinct_layers()}
    alike: dict[Body, list[str]] = {}
    # a kind of another op's class is asked for before that
    stated = sorted(
        network.spec.init.items(), key=lambda i: OPS[i[0]].starts_as is None
    )
    for op, parameters in stated:
        if OPS[op].helper is not None and op not in there:
            continue  # its class would not be defined
        statements = _statements(network, op, parameters)
        if not statements and op in there and OPS[op].starts_as in network.spec.init:
            statements = (Pass(),)  # what is said of the other op is not for it
        if not statements:
            continue
        alike.setdefault(statements, []).append(OPS[op].module_class or "")
    chain: tuple[Statement, ...] = ()
    for statements, kinds in reversed(alike.items()):
        classes: list[Expr] = [Global(kind) for kind in kinds]
        either = reduce(lambda a, b: Binary("|", a, b), classes)
        test = code.call(Global("isinstance"), _MODULE, either)
        chain = (_asked(test, statements, chain),)
    if not chain:
        return None
    modules = code.call(Attribute(SELF, "modules"))
    loop = For((_MODULE,), modules, chain)
    return Method("_initialize_weights", (), Nothing(), (loop,))


def _asked(test: Expr, statements: Body, others: Body) -> If:
    """The `if` of a kind of module; one that asks for its only parameter, too, where
    nothing else stands behind it."""
    match statements:
        case (If(test=present, body=body, orelse=()),) if not others:
            return If(BoolOp("and", (test, present)), body)
        case _:
            return If(test, statements, others)


def _statements(
    network: Network, op: str, parameters: Mapping[str, Initializer]
) -> Body:
    found: list[Statement] = []
    for parameter, how in parameters.items():
        if not _is_anywhere(network, op, parameter):
            continue
        tensor = Attribute(_MODULE, parameter)
        named = {name: _value(value) for name, value in how.arguments.items()}
        function = Global(f"nn.init.{how.function}")
        statement: Statement = Evaluate(code.call(function, tensor, **named))
        test = _absent(network, op, parameter)
        found.append(statement if test is None else If(test, (statement,)))
    return tuple(found)


def _value(value: Number | str) -> Expr:
    """An argument as code: a number that is the root of a small one is written so, as
    torch does in `kaiming_uniform_(weight, a=math.sqrt(5))`."""
    if isinstance(value, str):
        return Text(value)
    square = round(value * value) if 1 < value < _ROOTS else 0
    if isinstance(value, float) and not value.is_integer() and value == sqrt(square):
        return Call("sqrt", (Const(square),))
    return Const(value)


def _is_switched(layer: Layer, parameter: str) -> bool:
    """Whether an expression decides on a parameter, so that another argument of the
    constructor may leave it out."""
    if not isinstance(layer.node, OpNode):
        return False
    op, shape = layer.op, layer.input_shape()
    return any(
        isinstance(arg, Expr)
        and isinstance(value := getattr(op, key), bool)
        and (parameter in op.parameters(shape))
        != (parameter in op.model_copy(update={key: not value}).parameters(shape))
        for key, arg in layer.node.attributes.items()
    )


def _layers(network: Network, op: str) -> Iterator[Layer]:
    """Those whose parameters start as is said of an op."""
    init = network.spec.init
    return (
        layer
        for layer in network.distinct_layers()
        if op == layer.op.op or (op == layer.op.starts_as and layer.op.op not in init)
    )


def _is_anywhere(network: Network, op: str, parameter: str) -> bool:
    """Whether some module of the op may have a parameter."""
    return any(
        parameter in layer.op.parameters(layer.input_shape())
        or _is_switched(layer, parameter)
        for layer in _layers(network, op)
    )


def _absent(network: Network, op: str, parameter: str) -> Expr | None:
    """The test for a parameter that not every module of the op has."""
    value: Expr = Attribute(_MODULE, parameter)
    if parameter in OPS[op].optional:
        present = False
    else:
        present = all(
            parameter in layer.op.parameters(layer.input_shape())
            and not _is_switched(layer, parameter)
            for layer in _layers(network, op)
        )
        # torch's annotations say that it is always there, so that pyright would object
        value = code.call(Global("getattr"), _MODULE, Text(parameter), Nothing())
    return None if present else Compare(("is not",), (value, Nothing()))
