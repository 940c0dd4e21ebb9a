"""Sizes and shapes of values: numbers, and while code is written also symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from archc.spec.expressions import Expr, Undecidable


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
MAX_SIZE = 2**24
"""The most that an axis of an input may have."""
MAX_DIM = 2**48
"""The most that one of any value may have."""
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


def check_sizes(op: str, shape: Shape) -> None:
    """Raises ShapeError where an axis of what an op gives is longer than any may be."""
    axis = next((n for n, size in enumerate(shape.sizes) if size > MAX_DIM), None)
    if axis is not None:
        raise ShapeError(
            f"`{op}` gives a value with more than 2**48 numbers along axis {axis + 1}",
            code="shape-too-large",
            help="look for a size or a number of channels that grows in a `repeat`",
        )
