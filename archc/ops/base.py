"""What every op states about itself.

An op is one class: its attributes are pydantic fields named as PyTorch's constructor
arguments, and its methods are the rules for shape, parameters, cost and code. A rule
must work on integers, which gives facts, and on symbols (`Expr` for attributes and
channels, `UNKNOWN` for sizes that differ between instances), which gives code. So a
rule does plain arithmetic, and asks for a number's truth only through `known`.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, cast

from pydantic import BaseModel, ConfigDict
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from archc.ops.functions import Function
from archc.ops.reach import Reach
from archc.ops.steps import Cast, Device, Extra, Layout, Step
from archc.spec.expressions import Expr, ListOf, Row, Undecidable, is_sequence


class Unknown:
    """A size nobody knows here; arithmetic with it stays unknown."""

    __slots__ = ()

    def _absorb(self, _: Any) -> Unknown:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = _absorb
    __mul__ = __rmul__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = (
        _absorb
    )

    def _undecided(self, other: object) -> bool:
        raise Undecidable(f"whether {self} is above or below {other}")

    __lt__ = __le__ = __gt__ = __ge__ = _undecided

    def __repr__(self) -> str:
        return "?"


UNKNOWN = Unknown()
Dim: TypeAlias = int | Expr | Unknown
"""A size: a number, and while code is written also a symbol."""
Dims: TypeAlias = tuple[Dim, ...]
Sides: TypeAlias = Dim | tuple[Dim, ...]
"""One size for all axes of a map, or one for each."""
MOST_AXES = 3
"""A map has at most depth, height and width."""
_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def axis_names(count: int) -> tuple[str, ...]:
    """What the axes of a map are called beside its channels, of which there are so
    many."""
    return _AXES[count]


def known(*values: Any) -> bool:
    """Whether all values are numbers, so that a rule may compare them."""
    return not any(isinstance(v, Expr | Unknown) for v in values)


def need_known(attribute: str, *values: Any) -> None:
    """For a rule that cannot go on without numbers: which axes an op works on.

    Raises:
        Undecidable: if one of the values is a symbol.
    """
    if not known(*values):
        raise Undecidable(attribute)


def to_int(size: Dim) -> int:
    """A size that is a number, as all are in a network.

    Raises:
        Undecidable: if it is a symbol.
    """
    if isinstance(size, int):
        return size
    raise Undecidable(str(size))


def sizes_of(dims: Dims) -> tuple[int, ...]:
    """Sizes that are numbers; raises Undecidable where one is a symbol."""
    return tuple(map(to_int, dims))


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a value without its batch dimension.

    `channel_axis` is where the channels are: 0 in C x H x W, last after a permute to
    H x W x C, None where no axis holds them any longer. A vector's one axis does.
    """

    dims: Dims
    channel_axis: int | None = 0

    @property
    def channels(self) -> Dim:
        """How many there are; 0 where no axis holds them."""
        return 0 if self.channel_axis is None else self.dims[self.channel_axis]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The dims as numbers; raises Undecidable where one is a symbol."""
        return sizes_of(self.dims)

    def with_channels(self, channels: Dim) -> Shape:
        """The same with so many; where no axis holds them, just the same."""
        axis = self.channel_axis
        if axis is None:
            return self
        return Shape((*self.dims[:axis], channels, *self.dims[axis + 1 :]), axis)

    def __str__(self) -> str:
        return " x ".join(str(d) for d in self.dims)


def value(dims: Dims, channel_axis: int | None) -> Shape:
    """A shape of which an axis may hold the channels; a vector's one axis does."""
    return Shape(dims, 0 if len(dims) == 1 else channel_axis)


class ShapeError(Exception):
    """Inputs that an op cannot take.

    `attribute` names the attribute to blame, where there is one, and `instead` what it
    is to be, written as in TOML, where `help` tells just that. `code` is the
    diagnostic's.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "shape-mismatch",
        attribute: str | None = None,
        help: str | None = None,
        instead: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.attribute = attribute
        self.help = help
        self.instead = instead


@dataclass(frozen=True, slots=True)
class Call:
    """A call to write into generated code; values are Python's, `Expr` or `Call`."""

    function: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])


Category = Literal[
    "convolution",
    "linear",
    "pooling",
    "normalization",
    "activation",
    "dropout",
    "reshape",
    "merge",
]
Projected = Literal["transposed", "rectified", "passed"]
Saved = Literal[
    "input", "output", "weight", "mask", "indices", "statistics", "steps between"
]


class Op(BaseModel):
    """One operation of the language; the subclasses are its vocabulary."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    # ---- what it is called

    op: ClassVar[str]
    """The name in specs: PyTorch's functional name."""
    category: ClassVar[Category]
    other_names: ClassVar[tuple[str, ...]] = ()
    """What papers and other frameworks call it; a spec that does is helped. Case, `_`
    and what stands before a dot mean nothing in them (see `registry.meant_op`)."""
    special_names: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The same for names of a special case of it, each with what a spec writes beside
    the op: a global pooling has one output."""
    or_none: ClassVar[frozenset[str]] = frozenset()
    """The attributes that PyTorch lets be None, for which a spec has "none"; of a list
    it is some of the items."""
    other_attributes: ClassVar[tuple[tuple[str, str], ...]] = ()
    """What its attributes are called elsewhere, each with what it is here."""

    axes: ClassVar[int | None] = 2
    """How many axes the maps have that it reads, their channels not counted: its sizes
    have as many numbers. None for an op on maps of any."""

    # ---- its code

    module_class: ClassVar[str | None] = None
    """The class of its module in generated code: PyTorch's, such as `nn.Conv2d`, or
    that of `helper`. None without a module, or where the input decides the class."""
    has_module: ClassVar[bool] = True
    """Whether it can be a module: a call that `forward` writes is none."""
    helper: ClassVar[str | None] = None
    """Source of `module_class`, where it is not PyTorch's own.

    It may use `torch`, `nn` and `Tensor`, and nothing else from outside. Where the
    input decides the class, it may be that of some inputs only."""
    bare_parameter: ClassVar[bool] = False
    """Whether it is an `nn.Parameter` of the module around it, not a module itself."""
    initializable: ClassVar[tuple[str, ...]] = ()
    """The parameters of `module_class` that `[init]` can set."""
    starts_as: ClassVar[str | None] = None
    """The op of whose class its own is a kind: what `[init]` says of that holds for it
    too, where nothing is said of it."""
    optional: ClassVar[frozenset[str]] = frozenset()
    """Those of them that PyTorch annotates as `Tensor | None`, so that code asks
    `module.bias is not None`. Others that a setting leaves out are annotated as if
    they were always there, and code has to ask with `getattr`."""
    has_inplace: ClassVar[bool] = False
    """Whether PyTorch offers it with `inplace=True`.

    `module` and `function` leave that out; it is added where code is written."""
    unchanged: ClassVar[bool] = False
    """Whether its output is its input, so that it needs no statement of its own."""
    joins_axes: ClassVar[bool] = False
    """Whether it makes one axis of several, whose size code shows as a product."""
    merges: ClassVar[bool] = False
    """Whether it reads several values: it is a `Merge`."""
    computes_with: ClassVar[int | None] = None
    """How many of these it computes with, if not with all: those behind them are asked
    for their sizes alone."""
    calls: ClassVar[tuple[Function, ...]] = ()
    """What is to be known of the functions that it ends up calling."""

    # ---- its numbers

    output_range: ClassVar[tuple[float, float] | None] = None
    """Between which numbers its outputs lie, whatever it reads, where they are at the
    bound for a part of all inputs or come close to it."""

    projected: ClassVar[Projected] = "transposed"
    """What stands in its place on the way back through a deconvolutional network
    (Zeiler & Fergus 2013): the transpose of what is linear, which for a max pooling
    uses its switches; rectification; or nothing, where a normalisation is left out."""

    # ---- its memory

    saves: ClassVar[frozenset[Saved]] = frozenset()
    """What autograd keeps of it until the backward pass."""
    autocast: ClassVar[Cast] = "widest"
    """What mixed precision does with it."""
    autocast_on_cpu: ClassVar[Cast | None] = None
    """The same for the CPU, whose list of operations is another; None if it agrees."""
    layout: ClassVar[Layout] = "kept"
    """How its output's numbers lie in memory."""
    aliases: ClassVar[bool] = False
    """Whether the output may share memory with the input (a view, or itself)."""
    locked: ClassVar[bool] = False
    """Whether nothing can overwrite the output: several of its numbers may be one in
    memory, or autograd takes it with others that are."""
    parts: ClassVar[str | None] = None
    """The attribute that says how many values it gives, if it gives several."""

    # ---- how it is shown

    short: ClassVar[str | None] = None
    """The field's own word for it, where that is shorter than `op`."""
    shows: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The attributes that a table shows, in their order, each with a form for it.

    `{}` takes a size as it is, `{}x{}` a number for each axis of the map."""
    symbols: ClassVar[tuple[tuple[str, Any], ...]] = ()
    """What the reference puts in place of attributes that have no default and need
    none, or that must be numbers."""
    stride_sign: ClassVar[str] = "/"
    """What a picture writes before its stride: a window's divides the map's size."""
    drawn_ahead: ClassVar[bool] = False
    """Whether a picture makes it a part of what comes after it."""

    @property
    def short_name(self) -> str:
        """What a picture calls it."""
        return self.short or stem(self.op).replace("_", " ")

    @property
    def detail(self) -> str:
        """The one number that matters, in a picture, of an op without a window."""
        return ""

    def detail_on(self, x: Shape) -> str:
        """The same, where it depends on what is read."""
        return self.detail

    # ---- what it does

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        for attribute in cls.model_fields.values():
            attribute.metadata = [
                part.over(cls.axes) if isinstance(part, PerAxis) else part
                for part in attribute.metadata
            ]

    @classmethod
    def on_axes(cls, count: int) -> type[Op] | None:
        """The op that does the same on maps with so many axes."""
        name = f"{stem(cls.op)}{count}d"
        alike = (op for op in cls.__mro__[1].__subclasses__() if issubclass(op, Op))
        return next((op for op in alike if vars(op).get("op") == name), None)

    def axes_of(self, x: Shape) -> int:
        """How many axes its sizes are for, on this input."""
        return len(x.dims) - 1 if self.axes is None else self.axes

    def each_axis(self, value: Any) -> tuple[Any, ...]:
        """A size or another setting along each axis of a map."""
        assert self.axes is not None
        return sides(value, self.axes)

    @classmethod
    def takes_word(cls, attribute: str, value: str) -> bool:
        """Whether this text is a word that a numeric attribute knows, as it stands or
        in another case, and no expression."""
        return attribute in cls.or_none and value.lower() == "none"

    @classmethod
    def reading(cls, attribute: str) -> type[Op] | None:
        """The op that stands for this one with an attribute that names a further node
        to read; None for an attribute that names none."""
        return None

    @classmethod
    def of_parts(cls) -> type[Op]:
        """The op that gives one of its values, whose attribute `part` says which."""
        raise NotImplementedError

    @classmethod
    def helper_of(cls, function: str) -> str | None:
        """The source of the class that is constructed; None for one of PyTorch's."""
        return None if "." in function else cls.helper

    @classmethod
    def can_have_parameters(cls) -> bool:
        """Whether some of its settings give it parameters, so that it needs a name."""
        return cls.parameters is not Op.parameters

    @property
    def is_random(self) -> bool:
        """Whether it draws numbers in training."""
        return False

    @property
    def updates_statistics(self) -> bool:
        """Whether training changes buffers that evaluation uses."""
        return False

    @property
    def keeps_range(self) -> bool:
        """Whether its outputs lie between the smallest and the largest number that it
        reads, zero counted in."""
        return self.category in ("reshape", "pooling")

    def smallest_batch(self, x: Shape, *, training: bool) -> int:
        """The samples that PyTorch wants in a batch, below which it refuses them."""
        return 1

    def infer(self, *inputs: Shape) -> Shape:
        """The output's shape.

        Raises:
            ShapeError: if the op cannot take these inputs.
        """
        return inputs[0]

    def as_met(self, met: Sequence[Op], y: Shape | None) -> Op:
        """The op on symbols, with what is no symbol where it is met: `met` is the op
        there and `y` the shape that it gives, if it is the same everywhere."""
        return self

    @property
    def imports(self) -> str | None:
        """The module that code imports for it, if it is none of PyTorch's."""
        return None

    @property
    def counts_macs(self) -> bool:
        """Whether `macs` says what torch counts."""
        return True

    def parameters(self, x: Shape) -> dict[str, Dims]:
        """Shape of each trainable parameter, by its name in the module."""
        return {}

    def buffers(self, x: Shape) -> dict[str, Dims]:
        """Shape of each buffer in the `state_dict`, by its name in the module."""
        return {}

    def macs(self, x: Shape, y: Shape) -> Dim:
        """Fused multiply-adds for one sample, biases not counted."""
        return 0

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        """What autograd keeps beside `saves` names: a mask, indices, statistics."""
        return ()

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        """What autograd records of it in training; the last step's output is its."""
        reads = tuple(range(len(inputs)))
        kept = reads if "input" in self.saves else ()
        if "output" in self.saves:
            kept = (*kept, len(reads))
        cast = self.autocast
        if device == "cpu":
            cast = self.autocast_on_cpu or cast
        return (
            Step(
                dims=y.dims,
                reads=reads,
                keeps=kept,
                extra=self.extra(inputs[0], y),
                trains=True,
                keeps_weight="weight" in self.saves,
                shares="overwritten" if inplace else "same" if self.aliases else None,
                layout=self.layout,
                fresh_gradient=not self.aliases,
                cast=cast,
            ),
        )

    def reach(self, x: Shape, y: Shape) -> Reach:
        """What it reads of an input `x` to make `y`. Of a merge, each input is asked
        about.

        The statistics of a normalisation do not count: with them a pixel would see all.
        """
        return None

    def module(self, x: Shape) -> Call:
        """The constructor call of the `nn` module that does this op."""
        raise NotImplementedError

    def _construct(self, *args: Any, **kwargs: Any) -> Call:
        """A call of `module_class`."""
        assert self.module_class is not None
        return Call(self.module_class, args, kwargs)

    def function(self, x: Shape, argument: Expr) -> Call | Expr | None:
        """How `forward` computes it on `argument` without a module.

        None where it has parameters or where PyTorch users would not.
        """
        return None

    def given(self, *names: str) -> dict[str, Any]:
        """The attributes the spec states and that differ from PyTorch's default."""
        fields = type(self).model_fields
        chosen = names or tuple(fields)
        return {
            name: getattr(self, name)
            for name in chosen
            if name in self.model_fields_set
            and not _same(getattr(self, name), fields[name].default)
        }


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and value == default


def stem(op: str) -> str:
    """An op's name without how many axes its maps have: `conv` of `conv2d`."""
    return re.sub(r"[1-3]d$", "", op)


def sides(value: Any, axes: int) -> tuple[Any, ...]:
    """PyTorch's rule for sizes: one number stands for all axes."""
    return items(value) or (value,) * axes


def pair(value: Any) -> tuple[Any, Any]:
    """The same for two axes."""
    first, second = sides(value, 2)
    return first, second


def items(value: Any) -> tuple[Any, ...] | None:
    """The items of a list; None for anything else."""
    if isinstance(value, ListOf):
        return value.items
    return tuple(value) if is_sequence(value) else None


_ALLOWED = {
    1: "a whole number",
    2: "a whole number or a pair of them",
    3: "a whole number or three of them",
    None: "a whole number or one for each axis",
}


def check_size(
    value: Any, minimum: int, axes: int | None = 2, *, or_none: bool = False
) -> Sides:
    """A whole number or one for each axis, each at least `minimum`; some of the axes'
    may be None where that is allowed."""
    parts = items(value)
    whole = all(
        _whole(part) or (or_none and part is None and parts is not None)
        for part in ((value,) if parts is None else parts)
    )
    if not whole or not (parts is None or fits_axes(parts, axes)):
        allowed = _ALLOWED[axes] + (', or "none" for some of these' if or_none else "")
        context: dict[str, Any] = {"value": plain(value), "allowed": allowed}
        if parts and axes and whole:
            *rest, last = axis_names(axes)
            named = f"{', '.join(rest)} and {last}" if rest else f"the {last}"
            fitting = plain(parts[-axes:] if rest else parts[-1])
            given = fitting if len(parts) > axes else f"{axes} numbers"
            context["help"] = f"write {given}, {named}"
            if len(parts) > axes:
                context["instead"] = fitting
        raise PydanticCustomError("size", "must be {allowed}, not {value}", context)
    _check_minimum(value, minimum)
    return cast(Sides, value if parts is None else parts)


def fits_axes(parts: tuple[Any, ...], axes: int | None) -> bool:
    """Whether there are as many numbers as a map has axes."""
    return len(parts) == axes if axes else 1 <= len(parts) <= MOST_AXES


def check_numbers(
    value: Any, *, length: int | None = None, minimum: int | None = None
) -> tuple[int, ...]:
    """A list of whole numbers, each at least `minimum`."""
    parts = items(value) or ()
    if not parts or not all(map(_whole, parts)) or length not in (None, len(parts)):
        raise PydanticCustomError(
            "numbers",
            "must be a list of {length}whole numbers, not {value}",
            {"length": f"{length} " if length else "", "value": plain(value)},
        )
    if minimum is not None:
        _check_minimum(parts, minimum)
    return parts


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_minimum(value: Any, minimum: int) -> None:
    parts = items(value) or (value,)
    if any(part is not None and part < minimum for part in parts):
        raise PydanticCustomError(
            "size_too_small",
            "must be at least {minimum}, not {value}",
            {"minimum": minimum, "value": plain(value)},
        )


def short(size: Any) -> str:
    """A size in a table or a picture."""
    return "none" if size is None else str(size)


def plain(value: Any) -> str:
    """A value as a spec would write it, cut where it is long."""
    parts = items(value)
    if parts is not None:
        text = f"[{', '.join(map(plain, parts[:20]))}]"
    elif isinstance(value, Row):
        return plain(dict(zip(value.fields, value.items, strict=True)))
    elif isinstance(value, dict):
        pairs = list(cast("dict[str, Any]", value).items())[:20]
        text = f"{{ {', '.join(f'{k} = {plain(v)}' for k, v in pairs)} }}"
        text = text if pairs else "{}"
    elif isinstance(value, str):
        text = json.dumps(value[:200], ensure_ascii=False)
    elif value is None or isinstance(value, bool):
        text = {None: '"none"', True: "true", False: "false"}[value]
    else:
        text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class PerAxis(ABC):
    """What an attribute takes that may have numbers for each axis of a map.

    How many axes that are is said by the class of the op, `Op.axes`.
    """

    axes: int | None = 2

    def over(self, axes: int | None) -> Self:
        """The same for maps with so many axes."""
        other = copy(self)
        other.axes = axes
        return other

    @abstractmethod
    def check(self, value: Any) -> Any:
        """The value as an op keeps it.

        Raises:
            PydanticCustomError: if it is none.
        """

    @abstractmethod
    def schemas(self) -> list[dict[str, Any]]:
        """The JSON Schemas of its forms."""

    def each(self, item: dict[str, Any], times: int = 1) -> dict[str, Any]:
        """The JSON Schema of a list with so many numbers for each axis."""
        least, most = (self.axes or n for n in (1, MOST_AXES))
        counts = {"minItems": least * times, "maxItems": most * times}
        return {"type": "array", "items": item, **counts}

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: Any
    ) -> dict[str, Any]:
        return {"anyOf": self.schemas()}


class Sized(PerAxis):
    """A whole number or one for each axis, each at least `minimum`; `or_none` lets
    those of some axes be None."""

    def __init__(self, minimum: int, *, or_none: bool = False) -> None:
        self.minimum = minimum
        self.or_none = or_none

    def check(self, value: Any) -> Any:
        return check_size(value, self.minimum, self.axes, or_none=self.or_none)

    def schemas(self) -> list[dict[str, Any]]:
        number: dict[str, Any] = {"type": "integer", "minimum": self.minimum}
        item = {"anyOf": [number, {"enum": ["none"]}]} if self.or_none else number
        return [number, self.each(item)]


Size = Annotated[Sides, Sized(1)]
"""A size or one for each axis, each from 1."""
SizeOrNone = Annotated[Sides | None, Sized(1)]
"""A size that may be left out."""
Padding = Annotated[Sides, Sized(0)]
"""A size or one for each axis, each from 0."""
