"""What every op states about itself.

An op is one class: its attributes are pydantic fields named as PyTorch's constructor
arguments, and its methods are the rules for shape, parameters, cost and code. A rule
must work on integers, which gives facts, and on symbols (`Expr` for attributes and
channels, `UNKNOWN` for sizes that differ between instances), which gives code. So a
rule does plain arithmetic, and asks for a number's truth only through `known`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from archc.ops.attributes import PerAxis, sides
from archc.ops.functions import Function
from archc.ops.reach import Reach
from archc.ops.sizes import Dim, Dims, Shape
from archc.ops.steps import Cast, Device, Extra, Layout, Step
from archc.spec.expressions import Expr


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
    by_length: ClassVar[frozenset[str]] = frozenset()
    """The attributes of which code has to know whether they are a list, and how long:
    uses of a block that differ there are of several classes."""
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
    gradient_as_read: ClassVar[bool | None] = None
    """How those of its gradient do (see `Step`)."""
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
    drawn_always: ClassVar[bool] = False
    """Whether a picture says it however little room there is, though its kind is small
    print."""

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

    def takes(self, x: Shape) -> tuple[int, Dim, Dim] | None:
        """The axis of a sample of which it takes a part, and from where to where; None
        if that is not all that it does."""
        return None

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
                gradient_as_read=self.gradient_as_read,
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


# pydantic would read them anew for each op that is loaded, and knows them by now
for _name in Op.__class_vars__:
    Op.__annotations__.pop(_name, None)


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and value == default


def stem(op: str) -> str:
    """An op's name without how many axes its maps have: `conv` of `conv2d`."""
    return re.sub(r"[1-3]d$", "", op)
