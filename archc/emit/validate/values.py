"""What the expressions of a generated module stand for while it is run without torch.

Numbers, text, tuples, lists and dicts are Python's own.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from archc.emit.tree import Class
from archc.network.graph import Layer
from archc.spec.expressions import Expr


class Storage:
    """The memory that a tensor and its views share."""

    __slots__ = ("fixed", "uses", "version", "writer")

    def __init__(self, *, fixed: bool = False) -> None:
        self.version = 0
        self.fixed = fixed
        """Whether nothing may overwrite it: the network's input."""
        self.uses: list[tuple[int, int, bool]] = []
        """Who made or read a tensor in it since it was last overwritten: the node that
        was made, the node that the tensor is, whether it was made in place."""
        self.writer: Layer | None = None
        """What overwrote it last."""


class Tensor:
    """A tensor: which node of the network's value graph, and where it lies.

    `layer` is what made it; None for the input.
    """

    __slots__ = ("__weakref__", "layer", "node", "storage", "version")

    def __init__(self, node: int, storage: Storage, layer: Layer | None = None) -> None:
        self.node = node
        self.layer = layer
        self.storage = storage
        self.version = storage.version


@dataclass(slots=True, eq=False)
class Called:
    """A call with its arguments, `inplace` taken out, and what it is looked up by."""

    function: str
    args: tuple[Value, ...]
    kwargs: dict[str, Value]
    key: Hashable
    inplace: bool = False


@dataclass(slots=True, eq=False)
class Made:
    """A tensor that a constructor makes: `torch.full(...)`."""

    call: Called
    place: str | None = None
    """Where it was made, where a network has places."""


@dataclass(slots=True, eq=False)
class Parts:
    """The values that one call gives; each is computed when it is asked for."""

    call: Called
    inputs: tuple[Tensor, ...]
    count: int
    token: object = field(default_factory=object)
    """What tells it from an equal call, and holds nothing."""


@dataclass(slots=True, eq=False)
class Parameter:
    """An `nn.Parameter`."""

    call: Called
    path: str = ""
    place: str | None = None
    """Where it was put, where a network has places."""


Kind = Literal["leaf", "module", "sequential", "list", "dict", "parameters"]


@dataclass(slots=True, eq=False)
class Module:
    """An instance of a class: torch's, an op's helper, or the generated module's."""

    name: str
    kind: Kind
    call: Called | None = None
    """How a leaf was built."""
    cls: Class | None = None
    children: dict[str, Module | Parameter] = field(
        default_factory=dict[str, "Module | Parameter"]
    )
    attributes: dict[str, Value] = field(default_factory=dict[str, "Value"])
    path: str = ""
    """Known once the whole network is built."""
    key: Hashable = None
    """What a leaf that is called is looked up by, known then too."""
    ready: bool = False
    """Whether `nn.Module.__init__` has run."""
    place: str | None = None
    """Where it was put, where a network has places."""
    ordered: list[Module | Parameter] | None = None
    """The children as a list, as long as none is added."""

    def members(self) -> list[Module | Parameter]:
        if self.ordered is None:
            self.ordered = list(self.children.values())
        return self.ordered


@dataclass(frozen=True, slots=True)
class Record:
    """An instance of a `NamedTuple`: its fields in order."""

    cls: Class
    fields: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A class or function by its name, not called."""

    names: tuple[str, ...]
    """Several are a union, `A | B`."""


@dataclass(frozen=True, slots=True)
class Partial:
    """A class with some of its arguments."""

    function: Value
    args: tuple[Value, ...]
    kwargs: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Function:
    """A `lambda`, with the variables around it."""

    parameters: tuple[str, ...]
    defaults: dict[str, Value]
    value: Expr
    around: Environment


@dataclass(frozen=True, slots=True)
class Super:
    """`super()`."""

    module: Module


@dataclass(frozen=True, slots=True)
class Initialized:
    """A parameter of one of the modules that `_initialize_weights` runs over."""

    module: Module
    parameter: str


class Places:
    """What says where each place is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Device:
    """Where a place is."""

    place: str


class Training:
    """`self.training`: asked for its truth, it depends on the run."""

    __slots__ = ()


class Batch:
    """The size of the batch, which nothing may depend on."""

    __slots__ = ()


TRAINING = Training()
BATCH = Batch()
PLACES = Places()

Value: TypeAlias = (
    int
    | float
    | str
    | Tensor
    | Made
    | Parts
    | Parameter
    | Module
    | Record
    | Symbol
    | Partial
    | Function
    | Super
    | Initialized
    | Places
    | Device
    | Training
    | Batch
    | tuple["Value", ...]
    | list["Value"]
    | dict[str, "Value"]
    | Iterator["Value"]
    | None
)
Environment: TypeAlias = dict[str, Value]
