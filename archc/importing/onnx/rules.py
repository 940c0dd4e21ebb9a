"""A node as it is read, and the rules by its operator, which are those of ONNX."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from archc.importing.onnx.drawing import Computed, Drawing, Known
from archc.importing.onnx.file import Node
from archc.importing.trace import Sizes, Unsaid, Value
from archc.spec.expressions import is_sequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

Held = Known | Computed | None
EVALUATING = (
    "export the network for evaluation: after `.eval()`, and without"
    " `training=TrainingMode.TRAINING`"
)
"""What to do about operators that learn."""


class Reading:
    """A node that is read: its values, and what it says of itself."""

    def __init__(
        self,
        drawing: Drawing,
        node: Node,
        opset: int,
        held: Sequence[Held],
        made: Sequence[Sizes],
        readers: Counter[str],
    ) -> None:
        self.drawing = drawing
        self.node = node
        self.opset = opset
        self.held = held
        self.made = made
        """The sizes of what it makes, in the file's order of axes."""
        self.readers = readers
        self.results: list[Held] = []

    # ---- what it says

    def attribute(self, name: str, default: Any = None) -> Any:
        return self.node.attributes.get(name, default)

    def has(self, at: int) -> bool:
        """Whether an input is given."""
        return at < len(self.held) and self.held[at] is not None

    def constant(self, at: int, what: str) -> Any:
        """An input that depends on nothing, as an array."""
        held = self.held[at] if at < len(self.held) else None
        if not isinstance(held, Known):
            raise Unsaid(f"its {what} depends on the input")
        return held.array

    def per_channel(self, at: int, what: str, channels: int) -> Any:
        """An input that has a number for each of so many channels."""
        array = floats(self.constant(at, what))
        if array.shape != (channels,):
            raise Unsaid(f"its {what} is of {array.shape}, for {channels} channels")
        return array

    def setting(self, name: str, at: int, default: Any = None) -> Any:
        """What older operators have as an attribute, and newer ones as an input."""
        if name in self.node.attributes:
            return self.node.attributes[name]
        if not self.has(at):
            return default
        array = self.constant(at, f"`{name}`")
        return array.item() if array.ndim == 0 else array.tolist()

    def tensor_name(self, at: int) -> str:
        """The initialiser that an input comes from."""
        held = self.held[at] if at < len(self.held) else None
        return held.name or self.node.reads[at] if isinstance(held, Known) else ""

    def names(self, *places: int) -> tuple[str, ...]:
        """The initialisers that these inputs come from, as far as they are given."""
        return tuple(self.tensor_name(at) for at in places if self.has(at))

    # ---- what it reads

    def computed(self, at: int = 0) -> Computed:
        held = self.held[at]
        if not isinstance(held, Computed):
            raise Unsaid("it works on constants where a value is expected")
        return held

    @property
    def values(self) -> list[Computed]:
        """All inputs that are computed."""
        return [held for held in self.held if isinstance(held, Computed)]

    def plain(self, at: int = 0) -> int:
        """An input with its axes in the file's order."""
        return self.settled(self.computed(at))

    def settled(self, held: Computed) -> int:
        """A value with its axes in the file's order: transposed, where that was only
        noted."""
        if held.is_plain:
            return held.number
        sizes = self.drawing.sizes[held.number]
        turned = [sizes[axis] for axis in held.axes]
        moved = [n for n, axis in enumerate(held.axes) if n != axis]
        source = Value(held.number)
        if len(moved) == 2:
            settings = {"input": source, "dim0": moved[0], "dim1": moved[1]}
            return self.drawing.call("torch.transpose", settings, turned)
        settings = {"input": source, "dims": held.axes}
        return self.drawing.call("torch.permute", settings, turned)

    def with_channels(self, held: Computed, axis: int) -> Computed:
        """A value that has an axis of the trace's where channels are."""
        if axis == 1:
            return held
        if held.axes[1] == axis:
            return plainly(self.settled(held), len(held.axes))
        sizes = list(self.drawing.sizes[held.number])
        sizes[1], sizes[axis] = sizes[axis], sizes[1]
        settings = {"input": Value(held.number), "dim0": 1, "dim1": axis}
        number = self.drawing.call("torch.transpose", settings, sizes)
        swapped = {1: axis, axis: 1}
        return Computed(number, tuple(swapped.get(n, n) for n in held.axes))

    def sizes(self, at: int = 0) -> Sizes:
        """An input's sizes in the file's order."""
        held = self.held[at]
        if isinstance(held, Known):
            return tuple(held.array.shape)
        held = self.computed(at)
        sizes = self.drawing.sizes[held.number]
        return tuple(sizes[axis] for axis in held.axes)

    def axis(self, number: int, rank: int | None = None) -> int:
        """An axis counted from the first."""
        rank = len(self.sizes()) if rank is None else rank
        if not -rank <= number < rank:
            raise Unsaid(f"it has no axis {number}")
        return number % rank

    def is_alone(self, at: int = 0) -> bool:
        """Whether nothing else reads this input."""
        return self.readers[self.node.reads[at]] == 1

    # ---- what it makes

    def give(
        self, function: str, settings: dict[str, Any], path: str | None = None
    ) -> None:
        """It is a call on its first input, in the file's order of axes."""
        given = {"input": Value(self.plain()), **settings}
        number = self.drawing.call(function, given, self.made[0], path=path)
        self.results = [plainly(number, len(self.made[0]))]

    def each(self, function: str, settings: dict[str, Any] | None = None) -> None:
        """It is a function of each number, whatever the order of axes."""
        self.chain((function, settings or {}))

    def chain(self, *calls: tuple[str, dict[str, Any]]) -> Computed:
        """It is these functions of each number, one behind the other."""
        held = self.computed()
        sizes, number = self.drawing.sizes[held.number], held.number
        for function, settings in calls:
            given = {"input": Value(number), **settings}
            number = self.drawing.call(function, given, sizes)
        made = Computed(number, held.axes)
        self.results = [made]
        return made

    def same(self, at: int = 0) -> None:
        """It gives what it reads."""
        self.results = [self.held[at]]

    def along(self) -> tuple[list[int], Sizes]:
        """Its computed inputs in one order of axes, and that order."""
        orders = {held.axes for held in self.values}
        if len(orders) == 1:
            return [held.number for held in self.values], orders.pop()
        numbers = [self.settled(held) for held in self.values]
        return numbers, tuple(range(max(len(order) for order in orders)))


def plainly(number: int, rank: int) -> Computed:
    """A value whose axes are in the file's order."""
    return Computed(number, tuple(range(rank)))


Rule = Callable[[Reading], None]
RULES: dict[str, Rule] = {}


def rule(*operators: str) -> Callable[[Rule], Rule]:
    """Reads nodes of these operators."""

    def noted(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return noted


def one(numbers: Sequence[int]) -> Any:
    """One number in place of the same several times."""
    if is_sequence(numbers) and len({*numbers}) == 1:
        return int(numbers[0])
    return [int(n) for n in numbers]


def short(number: float) -> float:
    """A number of the file as it was written before it was a float32."""
    return float(f"{number:.6g}")


def floats(array: Any) -> NDArray[Any]:
    """Weights as float32, in memory of their own."""
    import numpy

    if array.dtype.kind != "f":
        raise Unsaid(f"its weights are {array.dtype}, and not floating point")
    return numpy.array(array, dtype=numpy.float32)
