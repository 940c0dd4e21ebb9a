"""What a network starts from: the values of [params] and the shape of its input."""

from __future__ import annotations

from collections.abc import Mapping

from archc.network.arguments import Arguments
from archc.network.frame import Binding, blame
from archc.ops.base import Shape, plain
from archc.spec.expressions import SILENCED, Expr, Known, Silenced, names_in
from archc.spec.model import Arg, Spec
from archc.spec.validate import listed

MAX_SIZE = 2**24


def parameters(spec: Spec, arguments: Arguments) -> dict[str, Known]:
    """The values of [params]; one may be an expression over others."""
    pending = dict(spec.params)
    values: dict[str, Known] = {}
    while pending:
        ready = [
            name
            for name, arg in pending.items()
            if not isinstance(arg, Expr) or not (names_in(arg).keys() & pending)
        ]
        if not ready:
            circle = _circle(pending)
            arguments.sink.error(
                "circular-params",
                f"the parameter {listed(circle)} is defined by itself"
                if len(circle) == 1
                else f"the parameters {listed(circle)} are defined by each other",
                spec.origin.at("params", circle[0]),
                help="give one of them as a number",
            )
            pending = {k: v for k, v in pending.items() if k not in circle}
            values |= dict.fromkeys(circle, SILENCED)
            continue
        for name in ready:
            arg = pending.pop(name)
            origin = spec.origin.below("params", name)
            try:
                values[name] = arguments.value(arg, values, origin)
            except Silenced:
                values[name] = SILENCED
    return values


def _circle(pending: Mapping[str, Arg]) -> list[str]:
    """Parameters of which each is defined by the next, and the last by the first."""
    path = [next(iter(pending))]
    while True:
        arg = pending[path[-1]]
        assert isinstance(arg, Expr)  # what is no expression is ready
        following = next(name for name in names_in(arg) if name in pending)
        if following in path:
            return path[path.index(following) :]
        path.append(following)


def bound(spec: Spec) -> dict[str, Binding]:
    """Where each of [params] got its value."""
    return {
        name: Binding(None, spec.origin.below("params", name), arg)
        for name, arg in spec.params.items()
    }


def input_shape(
    spec: Spec, params: dict[str, Known], arguments: Arguments
) -> Shape | None:
    """The shape of the spec's input; None once something was reported."""
    if not spec.input:
        return None  # what is wrong with it has been reported
    origin = spec.origin.below("network", "input")
    dims: list[int] = []
    for number, arg in enumerate(spec.input):
        try:
            size = arguments.value(arg, params, origin.below(number))
        except Silenced:
            return None
        if not isinstance(size, int) or isinstance(size, bool):
            problem = f"an input size is a whole number, not {plain(size)}"
        elif not 1 <= size <= MAX_SIZE:
            problem = f"an input size is from 1 to {MAX_SIZE}, not {size}"
        else:
            dims.append(size)
            continue
        below = origin.below(number)
        place, labels = blame(None, bound(spec), params, below, arg)
        arguments.sink.error(
            "bad-value", problem, place, *labels,
            help="input = [channels, height, width]",
        )  # fmt: skip
        return None
    return Shape(tuple(dims))
