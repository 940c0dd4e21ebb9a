"""`input` and `inputs`: channels and one size for each axis behind them, and what other
frameworks write in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label
from archc.ops.attributes import plain
from archc.ops.sizes import MOST_AXES
from archc.source.folding import folded
from archc.source.kinds import is_list, is_table
from archc.spec.model import Arg, InputSpec, Origin
from archc.spec.written import Written, items, sizes_in

_FORM = "input = [channels, height, width]"
_FEW = 4
"""An image has at most this many channels, colours and opacity."""
_BATCH = frozenset({"N", "B", "batch", "batch_size"})

Problem = tuple[str, str, str]
"""Code, message and help."""


def parse_inputs(
    network: Mapping[str, Any], written: Written, origin: Origin
) -> tuple[InputSpec, ...]:
    """The inputs of [network]; none where they are missing or were reported."""
    table = network.get("inputs")
    if table is None:
        if network.get("input") is None:
            return ()
        below = origin.below("input")
        sizes = _parsed(network["input"], written, below)
        return (InputSpec(None, below, sizes),)
    if not is_table(table) or not table:
        help = _as_input(table) if is_list(table) and table else f"inputs = {_SEVERAL}"
        help = f"write {help}" if help.startswith("input") else help
        message = f"`inputs` must be a table of inputs by name, not {plain(table)}"
        written.sink.error("wrong-type", message, origin.at("inputs"), help=help)
        return ()
    first = next(iter(table))
    if "input" in network:
        written.sink.error(
            "bad-value",
            "a network has `input` or `inputs`, and here are both",
            origin.at("input", part="key"),
            Label(origin.at("inputs", part="key"), "the inputs by name"),
            help="remove one of them; on the command line an input has its name:"
            f" --input {first}=3,224,224",
        )
    found: list[InputSpec] = []
    for name, value in table.items():
        below = origin.below("inputs", name)
        fine = written.identifier(name, below.at(part="key"), "input")
        sizes = _parsed(value, written, below)
        known = fine and "input" not in network
        found.append(InputSpec(folded(name), below, sizes if known else ()))
    return tuple(found)


_SEVERAL = "{ image = [3, 224, 224], depth = [1, 224, 224] }"


def _parsed(value: Any, written: Written, origin: Origin) -> tuple[Arg, ...]:
    """The sizes of an input; none where something was reported."""
    problem = _problem(value)
    if problem is not None:
        code, message, help = problem
        written_out = help.startswith("input = ")
        help = f"write {help}" if written_out else help
        if (key := origin.path[-1]) != "input":  # one of several
            message = message.replace("`input`", f"`{key}`")
            help = help.replace("input = ", f"{key} = ")
        if written_out and "channels" not in help:
            help = Mend(help, Edit(help.partition(" = ")[2], "value"))
        written.sink.error(code, message, origin.at(), help=help)
        return ()
    sizes = items(value)
    if _is_channels_last(sizes):
        written.sink.warning(
            "channels-last",
            f"this is {sizes[0]} channels of {' x '.join(map(str, sizes[1:]))}; the"
            " channels come first",
            origin.at(),
            help=f"for {'an image' if len(sizes) == 3 else 'a volume'} of {sizes[-1]}"
            f" channels, write {_written([sizes[-1], *sizes[:-1]])}",
        )
    fine = True
    for number, size in enumerate(sizes):
        if not isinstance(size, int | float | str):
            message = f"`input` must be a number or an expression, not {plain(size)}"
            written.sink.error("wrong-type", message, origin.at(number), help=_FORM)
            fine = False
    if not fine:
        return ()
    return tuple(written.argument(v, origin.below(i)) for i, v in enumerate(sizes))


def as_input(key: str, value: Any) -> str:
    """How to write what stands under another key; only its form where that is none."""
    help = f"write {_as_input(value)}"
    problem = _problem(value)
    return help if problem else Mend(help, Edit("input", "name", key))


def _as_input(value: Any) -> str:
    problem = _problem(value)
    return _written(value) if problem is None else problem[2]


def _problem(value: Any) -> Problem | None:
    """What is wrong with it, but for single sizes."""
    return _form(value) or (_sizes(items(value)) if is_list(value) else None)


def _form(value: Any) -> Problem | None:
    """What is wrong with it as a whole."""
    if is_list(value):
        nested = [item for item in value if is_list(item)]
        if nested and len(nested) == len(value):
            return _several(nested, "a list in a list")
        if not value:
            return "bad-value", "`input` must not be empty", _FORM
        if len(value) > 1 or not isinstance(value[0], str) or not sizes_in(value[0]):
            return None
        value = value[0]
    if is_table(value):
        return _several(list(value.values()), "a table")
    sizes = (sizes_in(value) if isinstance(value, str) else None) or ()
    help = _without_batch(sizes) if len(sizes) > 2 else _FORM
    return "wrong-type", f"`input` must be a list, `[...]`, not {plain(value)}", help


def _several(inputs: Sequence[Any], what: str) -> Problem:
    """Inputs by name or in a row."""
    first = inputs[0] if inputs and is_list(inputs[0]) else []
    if len(inputs) < 2:
        message = f"`input` must be a list of sizes, not {what}"
        return "wrong-type", message, _without_batch(first) if first else _FORM
    message = f"`input` is the shape of one input, and here are {len(inputs)} of them"
    each = ", ".join(
        f"{name} = {plain(one)}" for name, one in zip("abc", inputs, strict=False)
    )
    more = ", ..." if len(inputs) > 3 else ""
    names = f"; or give each a name: inputs = {{ {each}{more} }}"
    channels = [i[0] for i in inputs if is_list(i) and i and i[1:] == first[1:]]
    if len(channels) == len(inputs) and all(type(c) is int for c in channels):
        together = _written([sum(channels), *first[1:]])
        help = f"concatenate them before the network: {together}{names}"
        return "wrong-type", message, help
    return "wrong-type", message, f"keep one of them{names}"


def _sizes(sizes: Sequence[Any]) -> Problem | None:
    """More sizes than a volume has, or a batch before them."""
    if len(sizes) < 4 or not all(isinstance(s, int | float | str) for s in sizes):
        return None
    first = sizes[0]
    batch = first in _BATCH or (isinstance(first, int | float) and first < 1)
    if len(sizes) <= 1 + MOST_AXES and not batch:
        return None
    message = (
        f"`input` has {len(sizes)} sizes; it takes channels and one to three more, such"
        " as height and width, and no batch"
    )
    return "bad-value", message, _without_batch(sizes)


def _without_batch(sizes: Sequence[Any]) -> str:
    """The sizes that are meant, as a spec writes them."""
    if len(sizes) == 4:
        first, second, _, last = sizes
        if type(first) is not int or first < 2 or _few(second) or _few(last):
            sizes = sizes[1:]
    elif len(sizes) == 5:
        sizes = sizes[1:]
    if not 3 <= len(sizes) <= 1 + MOST_AXES:
        return _FORM
    if _is_channels_last(sizes):
        sizes = [sizes[-1], *sizes[:-1]]
    return _written(sizes)


def _is_channels_last(sizes: Sequence[Any]) -> bool:
    if not 3 <= len(sizes) <= 4 or not all(type(size) is int for size in sizes):
        return False
    *_, height, width, channels = sizes
    return height == width and width > 2 * _FEW and channels in (1, 3, 4)


def _few(size: Any) -> bool:
    return type(size) is int and 1 <= size <= _FEW


def _written(sizes: Sequence[Any]) -> str:
    return f"input = {plain(list(sizes))}"
