"""The op `leaky_relu`."""

from __future__ import annotations

from archc.ops.activation.family import InPlace


class LeakyRelu(InPlace):
    """max(x, 0) + negative_slope * min(x, 0) (torch.nn.LeakyReLU)."""

    op = "leaky_relu"
    other_names = ("lrelu",)
    special_names = (("leaky", "negative_slope = 0.1"),)
    other_attributes = (
        ("alpha", "negative_slope"),
        ("slope", "negative_slope"),
    )
    copies_inplace = False
    gradient_as_read = True
    module_class = "nn.LeakyReLU"
    function_name = "F.leaky_relu"

    negative_slope: float = 0.01
    inplace: bool | None = None
