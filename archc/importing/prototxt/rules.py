"""A layer as it is read, and the rules by its type, which are those of Caffe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archc.importing.prototxt.drawing import Drawing
from archc.importing.prototxt.layers import Layer, odd_key
from archc.importing.prototxt.text import Message, Scalar
from archc.importing.trace import Sizes, Unsaid, Value

_BESIDES = frozenset({"weight_filler", "bias_filler", "filler", "engine", "top_k",
                      "force_nd_im2col", "bias_value"})  # fmt: skip
"""Keys that say how weights start, or how it is computed, and not what."""


class Reading:
    """A layer that is read: its values, and what it says of itself."""

    def __init__(self, drawing: Drawing, layer: Layer) -> None:
        self.drawing = drawing
        self.layer = layer
        self.scale = layer.scale
        sizes = [drawing.sizes(value) for value in layer.reads]
        self.sizes = [each for each in sizes if each is not None]
        self.inputs = [Value(drawing.numbers[value]) for value in layer.reads]
        self._params: list[Message] = []
        odd = odd_key(layer)
        if odd:
            raise Unsaid(f"nothing is known of its `{odd}`")

    @property
    def size(self) -> Sizes:
        """Of what is read first."""
        if not self.sizes:
            raise Unsaid("it reads nothing")
        return self.sizes[0]

    @property
    def input(self) -> Value:
        return self.inputs[0]

    def param(self, key: str, of: Layer | None = None) -> Message:
        """Its settings."""
        found = (of or self.layer).message.message(key)
        self._params.append(found)
        return found

    def check(self) -> None:
        """Nothing may be said that no one has read, and nothing given besides."""
        if len(self.layer.makes) > 1 and self.layer.type not in ("Slice", "Split"):
            raise Unsaid(f"it gives {len(self.layer.makes)} values, where one is known")
        unread = [name for m in self._params for name, _ in m.unasked()]
        odd = [name for name in unread if name not in _BESIDES]
        if odd:
            raise Unsaid(f"nothing is known of its `{odd[0]}`")

    def call(
        self,
        function: str,
        settings: dict[str, Any],
        *sizes: Sizes,
        named: bool = False,
    ) -> Value:
        """Adds a call on what is read first."""
        given: dict[str, Any] = {"input": self.input, **settings}
        return self.drawing.call(self.layer, function, given, *sizes, named=named)

    def times(self, value: Value, factor: float) -> Value:
        """A value times a number, where that is not one."""
        if factor == 1:
            return value
        return self.call("torch.mul", {"input": value, "other": factor}, self.size)

    def plus(self, value: Value, number: float) -> Value:
        """A value and a number, where that is not zero."""
        if not number:
            return value
        return self.call("torch.add", {"input": value, "other": number}, self.size)

    def number_of_outputs(self, param: Message) -> int:
        """Its `num_output`."""
        count = param.integer("num_output")
        if count < 1:
            said = f"is {count}" if param.has("num_output") else "is not said"
            raise Unsaid(f"its `num_output` {said}")
        return count

    def axis(self, number: int) -> int:
        """An axis of what is read first, counted from the first, which is none of the
        batch."""
        rank = len(self.size) + 1
        if not -rank <= number < rank or number % rank == 0:
            raise Unsaid(f"it works along axis {number}, and a sample has the axes 1 to"
                         f" {rank - 1}")  # fmt: skip
        return number % rank

    def path(self, *tensors: str) -> str:
        """Where its tensors stand: those of an earlier layer, if it shares them."""
        shared = tuple(name for name in _shared_names(self.layer.message) if name)
        path = self.drawing.path(self.layer)
        if not shared:
            return path
        if len(shared) != len(tensors):
            raise Unsaid("it shares one of its tensors with another layer, not all")
        return self.drawing.paths.setdefault(shared, path)


def _shared_names(layer: Message) -> list[str]:
    """Under which names a layer's tensors are shared; with `layers` these stand there
    themselves."""
    texts = [value.text for key, value in layer.fields
             if key == "param" and isinstance(value, Scalar)]  # fmt: skip
    return texts or [m.text("name") for m in layer.messages("param")]


Rule = Callable[[Reading], Value]
RULES: dict[str, Rule] = {}


def rule(*types: str) -> Callable[[Rule], Rule]:
    """Reads layers of these types."""

    def noted(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(types, function))
        return function

    return noted


def window(param: Message, name: str, default: int | None) -> tuple[int, int]:
    """A number for each axis of a map; `kernel` is `kernel_size` where it is one."""
    short = "kernel" if name == "kernel_size" else name
    given = param.integers(name)
    high, wide = f"{short}_h", f"{short}_w"
    if param.has(high) or param.has(wide):
        if given:
            raise Unsaid(f"it says both `{name}` and `{high}`")
        return param.integer(high, default or 0), param.integer(wide, default or 0)
    if not given and default is None:
        raise Unsaid(f"it has no `{name}`")
    if len(given) > 2:
        raise Unsaid(f"its `{name}` is of {len(given)} axes")
    first, last = (given[0], given[-1]) if given else (default or 0, default or 0)
    return first, last


def one(pair: tuple[int, int]) -> Any:
    """One number in place of the same twice."""
    return pair[0] if pair[0] == pair[1] else list(pair)


def need_map(sizes: Sizes) -> tuple[int, int, int]:
    """Channels, height and width."""
    if len(sizes) != 3:
        raise Unsaid(f"it works on maps, and reads {' x '.join(map(str, sizes))}")
    return sizes[0], sizes[1], sizes[2]
