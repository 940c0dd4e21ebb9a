"""What shape a table of a spec makes of a value: its meaning, read off the tables.

The generator draws with a notion of the current shape, so that most of what it writes
is accepted. Only the ops' own shape rules come from archc.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from pydantic import ValidationError

from archc.ops.registry import OPS, merge_op
from archc.ops.sizes import Shape, ShapeError
from archc.spec.expressions import ExpressionError, Row, evaluate, parse

Table = dict[str, Any]

MAX_CHANNELS = 24
MAX_SIDE = 20
MAX_LENGTH = 2_000
MAX_LAYERS = 150
MODIFIERS = frozenset(
    {"name", "from", "when", "repeat", "index", "skip", "skip_when", "shortcut"}
    | {"shape", "doc", "otherwise", "place"}
)
TEXTS = frozenset(
    {"same", "valid", "zeros", "reflect", "replicate", "circular", "none", "nearest"}
    | {"nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "batch", "row"}
    | {"constant"}
)
TEXT_KEYS = frozenset({"padding", "padding_mode", "mode", "approximate", "momentum"})


@dataclass(frozen=True)
class Made:
    """A module where it was made: what was written, what its expressions saw, where it
    stood, and what its layers are."""

    table: Table
    names: dict[str, Any]
    local: str
    layers: tuple[Any, ...]
    is_op: bool


class Bad(Exception):
    """What was drawn does not fit, or is too large; something else is drawn."""


@dataclass
class Frame:
    """The body of the network or of a block's instance while it is simulated."""

    names: dict[str, Any]
    """What its expressions see."""
    input: Shape
    values: dict[str, Shape] = field(default_factory=dict[str, Shape])
    """What a `from` can read, by its dotted path in the body."""
    modules: dict[str, Made] = field(default_factory=dict[str, "Made"])
    """What a `share` can apply, by its path."""
    leaves: set[str] = field(default_factory=set[str])
    """Named groups that read what is outside them,"""
    entered: set[str] = field(default_factory=set[str])
    """and those that are read inside from outside."""
    shared: set[str] = field(default_factory=set[str])

    def see(self, x: Shape) -> None:
        """Sets what `in_channels` is, if anything."""
        self.names.pop("in_channels", None)
        self.names |= channels_of(x)

    def copy(self) -> Frame:
        return Frame(
            dict(self.names), self.input, dict(self.values), dict(self.modules),
            set(self.leaves), set(self.entered), set(self.shared),
        )  # fmt: skip

    def keep(self, other: Frame) -> None:
        """Takes over what nodes have left in a copy of this one."""
        self.values, self.modules = other.values, other.modules
        self.leaves, self.entered = other.leaves, other.entered
        self.shared = other.shared

    def has(self, name: str, local: str) -> bool:
        around = [
            local[:n] for n in range(len(local) + 1) if local[:n][-1:] in ("", ".")
        ]
        return any(f"{scope}{name}" in self.values for scope in around)

    def lookup(self, name: str, local: str) -> tuple[str, Shape]:
        """The scope that has a name, and the value that it stands for."""
        while True:
            if local + name in self.values:
                return local, self.values[local + name]
            if not local:
                raise Bad(f"no node {name}")
            around = local[:-1].rpartition(".")[0]
            local = f"{around}." if around else ""


def channels_of(x: Shape) -> dict[str, Any]:
    """What `in_channels` is where `x` is read."""
    return {} if x.channel_axis is None else {"in_channels": x.channels}


def value_of(value: Any, names: dict[str, Any]) -> Any:
    """A written value, evaluated."""
    if isinstance(value, list):
        return tuple(value_of(v, names) for v in value)
    if isinstance(value, dict):
        return Row(tuple(value), tuple(value_of(v, names) for v in value.values()))
    if not isinstance(value, str):
        return value
    try:
        return evaluate(parse(value), names)
    except (ExpressionError, TypeError, ValueError, IndexError) as error:
        raise Bad(str(error)) from error


def _names_in(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def without(value: Any) -> Any:
    """A value that may be "none", or has it among its items, as PyTorch has it."""
    if isinstance(value, list):
        return [without(item) for item in value]
    return None if value == "none" else value


def _is_module(table: Table) -> bool:
    """Whether a share can apply what an op makes."""
    return not OPS[table["op"]].merges and "size_of" not in table


def text_of(template: str, names: dict[str, Any]) -> str:
    """A name or path with its braces evaluated."""
    return re.sub(r"\{([^}]*)\}", lambda m: str(value_of(m[1], names)), template)


def _in_its_place(table: Table) -> Table:
    """What stands in a node's place, with its name if it has none."""
    other = table["otherwise"]
    name = table.get("name")
    if name is None or "name" in other or ("repeat" in table and "{" in name):
        return other
    return {"name": name} | other


DEEPEST = 20
"""More shares in each other would be one that means what it stands in, without end."""


class Simulator:
    """Walks tables; `blocks` are those that uses may name."""

    def __init__(self, blocks: dict[str, Table], within: int = 0) -> None:
        self.blocks = blocks
        self.within = within
        """How many shares it is simulated for, one in the other."""
        self.layers = 0
        self.params = 0
        self.buffers = 0
        self.macs = 0
        self._trace: list[Any] = []
        """What the layers so far are, beside the sizes of their maps."""

    def chain(
        self, tables: Sequence[Table], x: Shape, frame: Frame, local: str = ""
    ) -> Shape:
        for table in tables:
            x = self.node(table, x, frame, local)
        return x

    def node(self, table: Table, x: Shape, frame: Frame, local: str = "") -> Shape:
        first, *others = _names_in(table.get("from", "prev"))
        before = x
        (x,) = self._reads([first], before, frame, local)
        frame.see(x)
        left_out = "when" in table and not value_of(table["when"], frame.names)
        needed = not left_out and value_of(table.get("repeat", 1), frame.names) != 0
        read = self._reads(others, before, frame, local, needed)
        sized = _names_in(table.get("size_of", []))
        reads = (x, *read, *self._reads(sized, x, frame, local, needed))
        name = table.get("name")
        if left_out:
            y = x
            if "otherwise" in table:
                y = self.node(_in_its_place(table), x, frame, local)
        elif "repeat" in table:
            y = self._repeat(table, x, reads, frame, local)
            y = self._claimed(table, x, y, frame)
        else:
            text = None if name is None else text_of(name, frame.names)
            y = self._once(table, x, reads, text, frame, local)
            y = self._claimed(table, x, y, frame)
        while True:
            name = table.get("name")
            has_value = table.get("op") != "chunk"
            if has_value and name and ("repeat" not in table or "{" not in name):
                frame.values[local + text_of(name, frame.names)] = y
            if "otherwise" not in table:
                return y
            table = _in_its_place(table)

    def _reads(
        self,
        names: list[str],
        x: Shape,
        frame: Frame,
        local: str,
        needed: bool = True,
    ) -> tuple[Shape, ...]:
        """What names stand for; those that are not needed need not be there."""
        found: list[Shape] = []
        for name in names:
            text = text_of(name, frame.names)
            if text == "prev":
                found.append(x)
            elif text == "input":
                found.append(frame.input)
                self._cross(local, "", frame)
            elif needed or frame.has(text, local):
                home, shape = frame.lookup(text, local)
                found.append(shape)
                self._cross(local, home + text, frame)
        return tuple(found)

    def _cross(self, local: str, path: str, frame: Frame) -> None:
        """A name that leads out of groups, or into some, from the scope `local`."""
        inside = [local[:n] for n, sign in enumerate(local) if sign == "."]
        around = [path[:n] for n, sign in enumerate(path) if sign == "."]
        frame.leaves |= set(inside) - set(around)
        frame.entered |= set(around) - set(inside)
        if frame.shared & (frame.leaves | frame.entered):
            raise Bad("what is shared is not alone")

    def _claimed(self, table: Table, x: Shape, y: Shape, frame: Frame) -> Shape:
        frame.see(x)  # what is inside has read other channels
        if "shape" in table and value_of(table["shape"], frame.names) != y.dims:
            raise Bad("the claim does not hold")
        return y

    def _repeat(
        self, table: Table, x: Shape, reads: tuple[Shape, ...], frame: Frame, local: str
    ) -> Shape:
        count = value_of(table["repeat"], frame.names)
        if type(count) is not int or not 0 <= count <= 12:
            raise Bad(f"repeat = {count}")
        name, index = table.get("name"), table.get("index", "i")
        fixed = name is not None and "{" not in name
        before = frame.names.get(index)
        for i in range(count):
            frame.names[index] = i
            frame.see(x)
            inside, own = local, None if name is None else text_of(name, frame.names)
            if fixed:
                inside, own = f"{local}{name}.", str(i)
            around = local if fixed else inside
            reads = reads if i == 0 else (x, *reads[1:])
            x = self._once(table, x, reads, own, frame, inside, around)
            if own is not None:
                frame.values[inside + own] = x
        frame.names.pop(index, None)
        if before is not None:
            frame.names[index] = before
        return x

    def _once(
        self,
        table: Table,
        x: Shape,
        reads: tuple[Shape, ...],
        name: str | None,
        frame: Frame,
        local: str,
        around: str | None = None,
    ) -> Shape:
        if "skip" not in table:
            return self._body(table, x, reads, name, frame, local)
        frame.see(x)
        if not value_of(table.get("skip_when", True), frame.names):
            return self._body(table, x, reads, name, frame, local)
        y = side = self._body(table, x, reads, name, frame, local)
        side = x
        if "shortcut" in table:
            side = self.node(
                table["shortcut"], x, frame, local if around is None else around
            )
        in_order = not merge_op(table["skip"]).commutative
        order = (side, y) if in_order else (y, side)
        return self.op(table["skip"], {}, *order)

    def _body(
        self,
        table: Table,
        x: Shape,
        reads: tuple[Shape, ...],
        name: str | None,
        frame: Frame,
        local: str,
    ) -> Shape:
        frame.see(x)
        if "share" in table:
            return self._share(table, x, frame, local, name)
        if name is None or ("op" in table and not _is_module(table)):
            return self._made(table, x, reads, name, frame, local)
        names, before = dict(frame.names), len(self._trace)
        y = self._made(table, x, reads, name, frame, local)
        made = tuple(self._trace[before:])
        inside = f"{local}{name}."
        frame.modules[local + name] = Made(table, names, inside, made, "op" in table)
        return y

    def _share(
        self, table: Table, x: Shape, frame: Frame, local: str, name: str | None
    ) -> Shape:
        """The module of an earlier node: the same layers, on another value."""
        written = table["share"]
        if "repeat" in table and name is not None and "{" not in table["name"]:
            local = local[: -len(table["name"]) - 1]
        seen = {k: v for k, v in frame.names.items() if k != "in_channels"}
        text = text_of(written, seen)
        home, _ = frame.lookup(text, local)
        path = home + text
        made = frame.modules.get(path)
        if made is None or ("{" in written and home != local):
            raise Bad("no module")
        if name is not None:
            frame.modules[local + name] = made
        if not made.is_op and "block" not in made.table:
            frame.shared.add(path)
            self._cross("", "", frame)
        own = Simulator(self.blocks, self.within + 1)
        if own.within > DEEPEST:
            raise Bad("a share of what it stands in")
        own.layers = self.layers
        # names of values inside are those of the first use
        scratch = Frame(dict(made.names), frame.input, dict(frame.values))
        scratch.modules = dict(frame.modules)
        y = own._made(made.table, x, (x,), None, scratch, made.local)
        if [t[:3] if made.is_op else t for t in own._trace] != [
            t[:3] if made.is_op else t for t in made.layers
        ]:
            raise Bad("what it meets does not fit")
        self.layers, self.macs = own.layers, self.macs + own.macs
        self._trace += own._trace
        return y

    def _made(
        self,
        table: Table,
        x: Shape,
        reads: tuple[Shape, ...],
        name: str | None,
        frame: Frame,
        local: str,
    ) -> Shape:
        inside = local if name is None else f"{local}{name}."
        given = {k: v for k, v in table.items() if k not in MODIFIERS}
        if "op" in table:
            op = given.pop("op")
            if op == "chunk":
                return self._parts(given, x, frame, inside)
            if "size_of" in given:
                del given["size_of"]
                return self._resized(op, given, x, reads[1], frame)
            given |= {k: without(given[k]) for k in OPS[op].or_none if k in given}
            attributes = {
                k: v
                if k in TEXT_KEYS and isinstance(v, str) and v in TEXTS
                else value_of(v, frame.names)
                for k, v in given.items()
            }
            return self.op(op, attributes, *reads if OPS[op].merges else (x,))
        if "block" in table:
            return self._block(given.pop("block"), given, x, frame)
        if "layers" in table:
            return self.chain(table["layers"], x, frame, inside)
        ends = [
            self.chain(b if isinstance(b, list) else [b], x, frame, inside)
            for b in table["branches"]
        ]
        return self.op(table["merge"], {}, *ends)

    def _parts(self, given: Table, x: Shape, frame: Frame, inside: str) -> Shape:
        """The first of the values that an op gives; each has a name."""
        attributes = {k: value_of(v, frame.names) for k, v in given.items()}
        parts = [self.op("chunk", attributes, x) for _ in range(attributes["chunks"])]
        for number, part in enumerate(parts):
            frame.values[f"{inside}{number}"] = part
        return parts[0]

    def _resized(
        self, op: str, given: Table, x: Shape, other: Shape, frame: Frame
    ) -> Shape:
        """A map as large as another, which no setting of it says."""
        if len(x.dims) != len(other.dims) or other.channel_axis != 0:
            raise Bad("no map of that kind")
        attributes = {
            k: v if v in TEXTS else value_of(v, frame.names) for k, v in given.items()
        }
        y = self.op(op, attributes | {"size": other.dims[1:]}, x)
        name, _, *rest = self._trace[-1]
        self._trace[-1] = (name, None, *rest)
        return y

    def _block(self, name: str, given: Table, x: Shape, frame: Frame) -> Shape:
        block = self.blocks[name]
        names = {k: value_of(v, frame.names) for k, v in given.items()}
        names |= channels_of(x)
        for parameter, value in block.get("defaults", {}).items():
            if parameter not in names:
                names[parameter] = value_of(value, names)
        for name, value in block.get("let", {}).items():
            names[name] = value_of(value, names)
        return self.chain(block["layers"], x, Frame(names, x))

    def op(self, op: str, attributes: Table, *inputs: Shape) -> Shape:
        """The output of an op.

        Raises:
            Bad: if it cannot be, or is larger than a quick test wants it.
        """
        self.layers += 1
        if self.layers > MAX_LAYERS:
            raise Bad("too many layers")
        try:
            made = OPS[op].model_validate(attributes)
            y = made.infer(*inputs)
        except (ValidationError, ShapeError, ArithmeticError) as error:
            raise Bad(str(error)) from error
        (x, *_) = inputs
        module = None if OPS[op].merges else made.module(x)
        axes = len(x.dims), x.channel_axis
        self._trace.append((op, module, axes, x.channels))
        self.params += sum(map(prod, made.parameters(x).values()))
        self.buffers += sum(map(prod, made.buffers(x).values()))
        self.macs += made.macs(x, y)
        if len(y.dims) > 5:
            raise Bad("too many axes")
        if len(y.dims) > 2:
            sides = [d for axis, d in enumerate(y.dims) if axis != y.channel_axis]
            if y.channels > MAX_CHANNELS or max(sides) > MAX_SIDE:
                raise Bad("too large")
        elif max(y.dims) > MAX_LENGTH:
            raise Bad("too long")
        return y
