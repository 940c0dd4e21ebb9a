"""What a unit looks at: its activation led back to the image.

A deconvolutional network (Zeiler & Fergus, "Visualizing and understanding convolutional
networks", 2013, Section 2.1) leads an activation back by the switches of max poolings,
rectification in place of each activation, and transposed filters. Where paths are
added or multiplied, as in skips, that would follow paths that were shut: there guided
backpropagation is taken, which also asks that the activation was open (Springenberg et
al., "Striving for simplicity", 2014, Section 3.4).
"""

from __future__ import annotations

from typing import Literal
from warnings import catch_warnings

import torch
from torch import Tensor

from archc.ops.merge.family import Merge
from archc.run.look.captum import methods
from archc.run.look.layered import Layered, Until
from archc.run.look.units import Unit, strongest_position

Form = Literal["deconvolution", "guided backpropagation"]


def form_for(whole: Layered, unit: Unit) -> Form:
    """Which of the two forms is taken for a unit."""
    for layer in whole.cone([unit.layer.output]):
        merge = layer.op
        if isinstance(merge, Merge) and not merge.stacks_channels:
            return "guided backpropagation"
    return "deconvolution"


def project(whole: Layered, unit: Unit, x: Tensor) -> tuple[Tensor, Tensor]:
    """The largest activation of a unit in each image, and its projection.

    `x` is N x C x H x W, as the network reads it; so is the projection, whose numbers
    are those of the activation led back, without biases. That of a unit that is nowhere
    above zero is zero: rectified, nothing of it is left.
    """
    guided = form_for(whole, unit) == "guided backpropagation"
    until = Until(whole, unit.layer)
    with torch.no_grad():
        value = until(x)
    most, alone = strongest_position(unit, value)
    start = alone.clamp_min(0)
    known = methods()
    method = (known.GuidedBackprop if guided else known.Deconvolution)(_Led(until))
    with catch_warnings(action="ignore"), torch.enable_grad():
        found: Tensor = method.attribute(
            x.clone().requires_grad_(), additional_forward_args=(start,)
        )
    return most, found.detach()


class _Led(torch.nn.Module):
    """Gives a number for each image whose gradient at the layer is `start`."""

    def __init__(self, until: Until) -> None:
        super().__init__()
        self.until = until

    def forward(self, x: Tensor, start: Tensor) -> Tensor:
        return (self.until(x) * start).flatten(1).sum(1)
