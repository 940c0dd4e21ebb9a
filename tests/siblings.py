"""Networks of one family that differ in sizes alone: costly tests take one of them."""

from __future__ import annotations

from pathlib import Path

_ONE_OF = {
    "convnext_": "tiny",
    "efficientnet_b": "0",
    "mnasnet": "1_0",
    "regnet_x_": "400mf",
    "regnet_y_": "400mf",
    "shufflenet_v2_": "x1_0",
}


def stands_for_itself(spec: Path) -> bool:
    """Whether no smaller network of `specs/torchvision` stands for this one."""
    if spec.parent.name != "torchvision":
        return True
    return all(
        not spec.stem.startswith(family) or spec.stem == family + one
        for family, one in _ONE_OF.items()
    )
