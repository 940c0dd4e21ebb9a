"""The op `log_softmax`."""

from __future__ import annotations

from archc.ops.activation.family import AlongAxis


class LogSoftmax(AlongAxis):
    """The logarithm of the softmax along an axis (torch.nn.LogSoftmax)."""

    op = "log_softmax"
    module_class = "nn.LogSoftmax"
    function_name = "F.log_softmax"
