"""How long a network takes, by the roofline of a machine.

Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
multicore architectures" (2009): a layer takes as long as its operations at the
machine's peak, or as its bytes at its bandwidth, whichever is longer.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from archc.measure.speed.device import Device, NoDevice, Precision
from archc.measure.speed.work import Work, work
from archc.network.graph import Network

ITEMSIZE = {"fp32": 4, "bf16": 2, "fp16": 2}
_WEIGHTED = {"dense", "few channels", "pointwise", "grouped", "depthwise", "linear"}
_ELEMENT_WISE = {"activation", "normalization", "merge", "dropout"}
Bound = Literal["arithmetic", "memory", "call"]


@dataclass(frozen=True, slots=True)
class LayerSpeed:
    """One layer on a batch; times in seconds."""

    path: str
    op: str
    operations: int
    read: int
    written: int
    intensity: float
    bound: Bound
    forward: float
    backward: float


@dataclass(frozen=True, slots=True)
class Speed:
    """A forward pass in evaluation, and a training step; times in seconds."""

    name: str
    device: str
    source: str
    measured: bool
    """Whether the device was calibrated; else the times are what data sheets allow,
    which is less than any program takes."""
    batch: int
    precision: Precision
    operations: int
    forward: float
    forward_fused: float
    """With element-wise chains as one call each, as compilers make them."""
    step: float
    """Forward and backward with auxiliary classifiers, and SGD."""
    layers: tuple[LayerSpeed, ...] = field(repr=False)

    @property
    def images_per_second(self) -> float:
        return self.batch / self.forward if self.forward else 0.0

    @property
    def trained_per_second(self) -> float:
        return self.batch / self.step if self.step else 0.0

    def epoch(self, images: int) -> float:
        """Seconds for training on so many images once, the last batch filled."""
        return -(-images // self.batch) * self.step

    def to_dict(self, images: int | None = None) -> dict[str, Any]:
        """As `archc speed --format json` gives it."""
        table = asdict(self)
        layers = table.pop("layers")
        table |= {
            "images_per_second": self.images_per_second,
            "trained_per_second": self.trained_per_second,
            "epoch": None if images is None else self.epoch(images),
            "images": images,
        }
        return table | {"layers": layers}


def predict(
    network: Network, device: Device, *, batch: int, precision: Precision
) -> Speed:
    """How long `network` takes on `device`.

    Raises:
        NoDevice: if the device does not compute in the precision.
    """
    if precision not in device.peak:
        raise NoDevice(
            f"{device.name} has no peak in {precision}, but in {', '.join(device.peak)}"
        )
    itemsize = ITEMSIZE[precision]
    evaluated = work(network, batch, itemsize, training=False)
    trained = work(network, batch, itemsize, training=True)
    layers = tuple(_layer(one, device, precision) for one in trained)
    forward = sum(_forward(one, device, precision) for one in evaluated)
    weights = sum(one.weights for one in trained if one.layer.again is None)
    # SGD reads weights and gradients and writes weights, in single precision, with a
    # call for each
    tensors = sum(len(one.layer.parameters()) for one in trained)
    optimizer = 3 * weights * 4 / itemsize / device.bandwidth + tensors * device.call
    step = sum(one.forward + one.backward for one in layers) + optimizer
    return Speed(
        name=network.name,
        device=device.name,
        source=device.source,
        measured=bool(device.rates),
        batch=batch,
        precision=precision,
        operations=sum(one.operations for one in evaluated),
        forward=forward,
        forward_fused=_fused(evaluated, device, precision),
        step=step,
        layers=layers,
    )


def _times(
    one: Work, device: Device, precision: Precision, *, back: bool
) -> tuple[float, float]:
    """Seconds for the operations, and for the bytes."""
    operations = one.backward_operations if back else one.operations
    count = one.backward_bytes if back else one.bytes
    rates = device.backward if back else device.rates
    weighted = one.kind in _WEIGHTED
    # a calibration is in single precision
    scale = device.peak[precision] / device.peak.get("fp32", device.peak[precision])
    peak = device.peak[precision]
    bandwidth = device.bandwidth
    if one.kind in rates and weighted:
        peak = rates[one.kind] * scale
    elif one.kind in rates:
        bandwidth = rates[one.kind]
    return operations / peak if weighted or not rates else 0.0, count / bandwidth


def _forward(one: Work, device: Device, precision: Precision) -> float:
    return device.call + max(_times(one, device, precision, back=False))


def _layer(one: Work, device: Device, precision: Precision) -> LayerSpeed:
    arithmetic, memory = _times(one, device, precision, back=False)
    bound: Bound = "arithmetic" if arithmetic > memory else "memory"
    if device.call > max(arithmetic, memory):
        bound = "call"
    trains = bool(one.weights) or one.feeds_back
    back = max(_times(one, device, precision, back=True)) + device.call_back
    return LayerSpeed(
        one.layer.path,
        one.layer.op.op,
        one.operations,
        one.read,
        one.written,
        one.intensity,
        bound,
        _forward(one, device, precision),
        back if trains else 0.0,
    )


def _fused(evaluated: list[Work], device: Device, precision: Precision) -> float:
    """A forward pass where an element-wise layer is computed with the layer before it:
    what that one wrote for it alone is neither written nor read."""
    total = 0.0
    readers: dict[int, int] = {}
    for one in evaluated:
        for value in one.layer.inputs:
            readers[id(value)] = readers.get(id(value), 0) + 1
    made = {id(one.layer.output) for one in evaluated}
    for one in evaluated:
        first = id(one.layer.inputs[0])
        joins = one.kind in _ELEMENT_WISE and first in made and readers[first] == 1
        if not joins:
            total += _forward(one, device, precision)
            continue
        # of what it reads only other values are read anew
        others = max(one.read - one.written, 0) if one.kind == "merge" else 0
        total += others / device.bandwidth
    return total
