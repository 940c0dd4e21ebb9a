"""What a network starts from: the values of [params] and the shape of its input."""

from __future__ import annotations

from collections.abc import Collection

from archc.network.arguments import Arguments
from archc.network.frame import Binding, blame
from archc.ops.attributes import plain
from archc.ops.sizes import MAX_SIZE, Shape
from archc.spec.circles import in_order
from archc.spec.expressions import SILENCED, Expr, Known, Silenced, names_in
from archc.spec.model import Arg, InputSpec, Spec
from archc.spec.validate import listed


def parameters(spec: Spec, arguments: Arguments) -> dict[str, Known]:
    """The values of [params]; one may be an expression over others."""
    values: dict[str, Known] = {}
    rounds: dict[str, int] = {}
    reads = {name: _read_by(arg) for name, arg in spec.params.items()}
    for names in in_order(reads):
        if len(names) > 1 or names[0] in reads[names[0]]:
            arguments.sink.error(
                "circular-params",
                f"the parameter {listed(names)} is defined by itself"
                if len(names) == 1
                else f"{_several(names)} are defined by each other",
                spec.origin.at("params", names[0]),
                help="give one of them as a number",
            )
            values |= dict.fromkeys(names, SILENCED)
            rounds |= dict.fromkeys(names, 0)
            continue
        (name,) = names
        arg = spec.params[name]
        before = (rounds[read] for read in reads[name] if read in rounds)
        rounds[name] = 1 + max(before, default=0)
        try:
            below = spec.origin.below("params", name)
            values[name] = arguments.value(arg, values, below)
        except Silenced:
            values[name] = SILENCED
    return {name: values[name] for name in sorted(spec.params, key=rounds.__getitem__)}


_LISTED = 10


def _several(names: list[str]) -> str:
    if len(names) <= _LISTED:
        return f"the parameters {listed(names)}"
    return f"{len(names)} parameters, {listed(names[:_LISTED])} among them,"


def _read_by(arg: Arg) -> Collection[str]:
    return names_in(arg) if isinstance(arg, Expr) else ()


def bound(spec: Spec) -> dict[str, Binding]:
    """Where each of [params] got its value."""
    return {
        name: Binding(None, spec.origin.below("params", name), arg)
        for name, arg in spec.params.items()
    }


def input_shapes(
    spec: Spec, params: dict[str, Known], arguments: Arguments
) -> dict[str, Shape | None]:
    """The shapes of the spec's inputs, in their order; None once something was
    reported. One without a name is called `input`."""
    found: dict[str, Shape | None] = {}
    for given in spec.inputs:
        found[given.name or "input"] = _shape(given, spec, params, arguments)
    return found or {"input": None}


def _shape(
    given: InputSpec, spec: Spec, params: dict[str, Known], arguments: Arguments
) -> Shape | None:
    if not given.sizes:
        return None  # what is wrong with it has been reported
    origin = given.origin
    dims: list[int] = []
    for number, arg in enumerate(given.sizes):
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
            help=f"{origin.path[-1]} = [channels, height, width]",
        )  # fmt: skip
        return None
    return Shape(tuple(dims))
