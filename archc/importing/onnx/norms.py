"""Normalisation by the numbers of a map, a group, a sample or a batch."""

from __future__ import annotations

from typing import Any

from archc.importing.onnx.drawing import Computed
from archc.importing.onnx.rules import EVALUATING, Reading, floats, plainly, rule, short
from archc.importing.trace import Unsaid, Value

_PARTS = ("weight", "bias", "mean", "variance")


@rule("BatchNormalization")
def _batch_norm(node: Reading) -> None:
    more = len([name for name in node.node.makes if name]) > 1
    if node.attribute("training_mode", 0) or (node.opset < 14 and more):
        raise Unsaid("it normalises by the statistics of the batch, as in training",
                     EVALUATING)  # fmt: skip
    if not node.attribute("spatial", 1):
        raise Unsaid("it normalises each place of the map on its own (`spatial`)")
    draw, held = node.drawing, node.computed()
    channels = node.sizes()[1]
    path = draw.naming.path(node.names(1, 2, 3, 4), draw.chain, "bn")
    if held.axes[1:2] != (1,):
        held = plainly(node.plain(), len(held.axes))
    draw_batch_norm(
        node, held, path,
        *(node.per_channel(at, what, channels) for at, what in enumerate(_PARTS, 1)),
        eps=node.attribute("epsilon", 1e-5),
        momentum=1 - node.attribute("momentum", 0.9),
    )  # fmt: skip


def draw_batch_norm(
    node: Reading, held: Computed, path: str,
    weight: Any, bias: Any, mean: Any, variance: Any, *,
    eps: float, momentum: float = 0.1,
) -> None:  # fmt: skip
    """Adds a batch norm on a value, whose channels are on the trace's axis 1."""
    draw = node.drawing
    settings = {
        "input": Value(held.number),
        "running_mean": draw.tensor(f"{path}.running_mean", mean, trained=False),
        "running_var": draw.tensor(f"{path}.running_var", variance, trained=False),
        "weight": draw.tensor(f"{path}.weight", weight),
        "bias": draw.tensor(f"{path}.bias", bias),
        "training": False,
        "momentum": short(momentum),
        "eps": short(eps),
    }
    function = "torch.nn.functional.batch_norm"
    made = draw.call(function, settings, draw.sizes[held.number], path=path)
    node.results = [Computed(made, held.axes)]


@rule("InstanceNormalization")
def _instance_norm(node: Reading) -> None:
    draw = node.drawing
    if _of_groups(node):
        return
    channels = node.sizes()[1]
    path = draw.naming.path(node.names(1, 2), draw.chain, "norm")
    weight, bias = (node.per_channel(at, "weight", channels) for at in (1, 2))
    settings = {
        "running_mean": None, "running_var": None,
        "weight": draw.tensor(f"{path}.weight", weight),
        "bias": draw.tensor(f"{path}.bias", bias),
        "eps": short(node.attribute("epsilon", 1e-5)),
    }  # fmt: skip
    node.give("torch.nn.functional.instance_norm", settings, path)


def _of_groups(node: Reading) -> bool:
    """Whether it is how torch's exporters write a group norm: on channels of which each
    is a group of the map's, which are laid out so before it, and back behind it."""
    draw, held = node.drawing, node.computed()
    maker = draw.maker(held.number)
    weight, bias = (floats(node.constant(at, "weight")) for at in (1, 2))
    if maker is None or maker.function != "torch.reshape" or not held.is_plain:
        return False
    if (weight != 1).any() or bias.any():
        return False
    source: Value = maker.settings["input"]
    sizes, laid = draw.sizes[source.number], draw.sizes[held.number]
    if len(sizes) < 3 or len(laid) != 3 or sizes[1] % laid[1]:
        return False
    settings: dict[str, Any] = {
        "input": source, "num_groups": laid[1], "weight": None, "bias": None,
        "eps": short(node.attribute("epsilon", 1e-5)),
    }  # fmt: skip
    number = draw.call("torch.nn.functional.group_norm", settings, sizes)
    settings = {"input": Value(number), "shape": (-1, *laid[1:])}
    number = draw.call("torch.reshape", settings, laid)
    node.results = [plainly(number, 3)]
    return True


@rule("LayerNormalization", "RMSNormalization")
def _layer_norm(node: Reading) -> None:
    import numpy

    draw, sizes = node.drawing, node.sizes()
    start = node.axis(node.attribute("axis", -1))
    over = sizes[start:]
    settings: dict[str, Any] = {"normalized_shape": over, "weight": None, "bias": None}
    path = draw.naming.path(node.names(1, 2), draw.chain, "norm")
    for at, part in ((1, "weight"), (2, "bias")):
        if node.has(at):
            array = floats(node.constant(at, part))
            try:
                array = numpy.broadcast_to(array, over).copy()
            except ValueError:
                raise Unsaid(f"its {part} is of {array.shape}") from None
            settings[part] = draw.tensor(f"{path}.{part}", array)
    settings["eps"] = short(node.attribute("epsilon", 1e-5))
    name = "rms_norm" if node.node.op == "RMSNormalization" else "layer_norm"
    node.give(f"torch.nn.functional.{name}", settings, path)


@rule("GroupNormalization")
def _group_norm(node: Reading) -> None:
    import numpy

    draw, channels = node.drawing, node.sizes()[1]
    groups = node.attribute("num_groups")
    arrays = [floats(node.constant(at, "weight")) for at in (1, 2)]
    if any(array.size == groups != channels for array in arrays):
        arrays = [numpy.repeat(array, channels // groups) for array in arrays]
    if any(array.shape != (channels,) for array in arrays):
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise Unsaid(f"its weight and bias are of {shapes}, for {channels} channels")
    path = draw.naming.path(node.names(1, 2), draw.chain, "norm")
    settings = {
        "num_groups": groups,
        "weight": draw.tensor(f"{path}.weight", arrays[0]),
        "bias": draw.tensor(f"{path}.bias", arrays[1]),
        "eps": short(node.attribute("epsilon", 1e-5)),
    }
    node.give("torch.nn.functional.group_norm", settings, path)
