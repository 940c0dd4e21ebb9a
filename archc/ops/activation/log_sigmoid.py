"""The op `log_sigmoid`."""

from __future__ import annotations

from archc.ops.activation.family import Activation, called
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Extra, Step


class LogSigmoid(Activation):
    """log(1 / (1 + exp(-x))) (torch.nn.LogSigmoid)."""

    op = "log_sigmoid"
    saves = frozenset({"input", "steps between"})
    module_class = "nn.LogSigmoid"
    function_name = "F.logsigmoid"
    calls = called("torch.nn.functional.logsigmoid")

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # the CPU keeps the exponentials as well, a GPU computes them anew
        extra = (Extra(y.dims),) if device == "cpu" else ()
        return (Step(y.dims, keeps=(0,), extra=extra),)
