"""What a network is to learn in a smoke test, and how well it can be learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import exp, inf, log, log1p
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from archc.measure.summary import shapes_of
from archc.network.graph import Network, Value
from archc.ops.activation.family import AlongAxis
from archc.ops.sizes import Shape, to_int
from archc.run.layers import Bound, bound
from archc.run.loss import check_scores, cross_entropy

_PATTERNS = 4
"""Classes in the data, at most."""
_RANGE = 20.0
"""Between logits, in which the loss can come near zero for any number of classes."""


class Task:
    """Images of a few classes, and the loss of what a network makes of them.

    An output of several channels is one of classes: the labels are for it to learn, and
    for a map at each place. One of a single channel has no classes, and neither has an
    image. Where a network has such an output, all are compared to random numbers, to
    see where the loss of these leads; whether it falls says nothing. Of several
    outputs, each is to learn the same.
    """

    def __init__(self, network: Network) -> None:
        self._inputs = tuple(shapes_of(network.inputs).values())
        outputs = network.results()
        self._shapes = [_shape(value) for value in outputs]
        self._weights = [1.0] * len(network.outputs)
        self._weights += [head.loss_weight for head in network.heads]
        self._bounds = [bound(value) for value in outputs]
        self.classless = self._classless()
        """Why there are no classes to learn; nothing where there are some."""
        self._classes = 1 if self.classless else min(map(_classes, self._shapes))
        self._patterns = min(_PATTERNS, self._classes)

    def _classless(self) -> str:
        for shape, limit in zip(self._shapes, self._bounds, strict=True):
            if _classes(shape) == 1:
                return "an output of a single channel"
            if limit is not None and _is_image(shape, limit, self._inputs):
                return f"an output that is an image, {shape} behind {limit.called}"
        return ""

    @property
    def has_classes(self) -> bool:
        return not self.classless

    # ---- the data

    def images(self, count: int, seed: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """What the network reads, and which pattern that shows, in each input alike."""
        generator = torch.Generator().manual_seed(seed)
        kinds = torch.arange(count) % self._patterns
        given = [self._shown(kinds, sizes, generator) for sizes in self._inputs]
        return tuple(given), kinds

    def _shown(
        self, kinds: Tensor, sizes: tuple[int, ...], generator: torch.Generator
    ) -> Tensor:
        """Noise over one of some coarse random patterns for each image.

        Coarse, so that what averages over places can tell them apart too; few, so that
        the task is no harder with a large batch. Where each place of a map must tell,
        the whole image also has a colour, which a place that sees little sees as well.
        """
        channels, *sides = sizes
        count = len(kinds)
        size = self._patterns, channels, *(4 for _ in sides)
        coarse = torch.randn(size, generator=generator)
        patterns = F.interpolate(coarse, size=sides) if sides else coarse
        noise = torch.randn((count, channels, *sides), generator=generator)
        images = (patterns[kinds] + noise) / 2**0.5
        if any(len(shape.dims) > 1 for shape in self._shapes):
            colors = self._colors(channels, generator)[kinds]
            images = colors.reshape(count, channels, *(1 for _ in sides)) + images / 4
        return images

    def _colors(self, channels: int, generator: torch.Generator) -> Tensor:
        """Of each pattern, evenly apart in each channel."""
        levels = torch.linspace(-1.5, 1.5, self._patterns)
        orders = [
            torch.randperm(self._patterns, generator=generator) for _ in range(channels)
        ]
        return torch.stack([levels[order] for order in orders], 1)

    def classes(self, outputs: Sequence[Tensor], kinds: Tensor) -> Tensor:
        """The class of each pattern: evenly apart, among those that can be learnt.

        Behind a rectifier an output that is zero for an image has no gradient there. Of
        a network that has learnt nothing, many are so for all images.
        """
        alive = torch.ones(self._patterns, self._classes, dtype=torch.bool)
        for given, shape, limit in zip(
            outputs, self._shapes, self._bounds, strict=False
        ):
            if limit is not None and limit.low == 0:
                values = self._first(given, shape)[:, : self._classes]
                values = values.reshape(len(values), self._classes, -1).mean(2)
                for pattern in range(self._patterns):
                    alive[pattern] &= (values[kinds == pattern] > 0).all(0).cpu()
        chosen: list[int] = []
        for pattern in range(self._patterns):
            start = pattern * (self._classes // self._patterns)
            free = [c % self._classes for c in range(start, start + self._classes)]
            free = [c for c in free if c not in chosen]
            chosen.append(next((c for c in free if alive[pattern, c]), free[0]))
        return torch.tensor(chosen)

    # ---- the loss

    def losses(self, outputs: Sequence[Tensor], labels: Tensor) -> list[Tensor]:
        """Of each output, and of each head."""
        if self.has_classes:
            logits = [*map(self._logits, outputs, self._shapes, self._bounds)]
            for each in logits:
                check_scores(each, self._classes)
            return [cross_entropy(each, labels) for each in logits]
        return [_distance(output) for output in outputs]

    def _logits(self, output: Tensor, shape: Shape, limit: Bound | None) -> Tensor:
        """An output as the loss wants it; one in a narrow range is stretched.

        Not so probabilities: a softmax or sigmoid before this loss is a mistake.
        """
        logits = self._first(output, shape)
        if limit is None or limit.probabilities or limit.high == inf:
            return logits
        return logits * (_RANGE / (limit.high - limit.low))

    @staticmethod
    def _first(output: Tensor, shape: Shape) -> Tensor:
        """The output with its channels where the loss wants them."""
        axis = shape.channel_axis
        return output if axis is None else output.movedim(axis + 1, 1)

    def blind(self, labels: Tensor) -> float:
        """The lowest loss of outputs that ignore the image: the labels' entropy."""
        counts = Counter(cast("list[int]", cast(Any, labels).tolist()))
        shares = [count / counts.total() for count in counts.values()]
        entropy = -sum(share * log(share) for share in shares)
        return sum(self._weights) * entropy

    @property
    def lowest(self) -> float:
        """Below this the loss cannot come where probabilities are taken for logits."""
        pairs = zip(self._weights, self._bounds, self._shapes, strict=True)
        return sum(w * _lowest(limit, shape) for w, limit, shape in pairs)

    @property
    def probabilities(self) -> Bound | None:
        """What makes the first of the outputs that are no logits."""
        found = (limit for limit in self._bounds if limit and limit.probabilities)
        return next(found, None)

    def sum_to_one(self, outputs: Sequence[Tensor]) -> bool:
        """Whether one of the outputs is that of a softmax, whoever wrote it."""
        for given, shape in zip(outputs, self._shapes, strict=False):
            sums = self._first(given, shape).float().sum(1)
            if (given >= 0).all() and torch.allclose(sums, torch.ones_like(sums)):
                return True
        return False


def _shape(value: Value) -> Shape:
    assert value.shape is not None
    return value.shape


def _distance(output: Tensor) -> Tensor:
    """To random numbers, always the same."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(output.shape, generator=generator).to(output.device)
    return F.mse_loss(output.float(), target)


def _classes(shape: Shape) -> int:
    """How many an output can tell apart: its channels; without any it has none."""
    return 1 if shape.channel_axis is None else to_int(shape.channels)


_COLOURS = 3


def _is_image(shape: Shape, limit: Bound, inputs: Sequence[tuple[int, ...]]) -> bool:
    """Whether an output is what a decoder makes: a map of three colours, or with the
    axes of an input, whose numbers an activation keeps between 0 and 1."""
    if not limit.probabilities or len(shape.dims) < 3:
        return False
    if isinstance(limit.layer.op, AlongAxis):
        return False  # the probabilities of classes
    return to_int(shape.channels) == _COLOURS or shape.sizes in inputs


def _lowest(limit: Bound | None, shape: Shape) -> float:
    """The cross entropy of a probability of one and others of zero, as logits."""
    if limit is None or not limit.probabilities:
        return 0.0
    return log1p((to_int(shape.channels) - 1) * exp(-1))
