"""Receptive fields along one axis and along three, held to gradients, and how they are
told."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archc.diagnostics.model import Sink
from archc.emit.module import emit
from archc.measure import tables
from archc.measure.summary import summarize
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader


def conv(axes: int, kernel: Any, **attributes: Any) -> dict[str, Any]:
    return {
        "op": f"conv{axes}d", "out_channels": 2, "kernel_size": kernel, "bias": False,
    } | attributes  # fmt: skip


VOLUME = [
    conv(3, [3, 5, 1], stride=[1, 2, 2]),
    {"op": "avg_pool3d", "kernel_size": [1, 2, 3], "stride": [1, 2, 1]},
    {
        "merge": "add",
        "branches": [
            conv(3, [5, 1, 3], padding=[2, 0, 1], dilation=[1, 1, 2]),
            conv(3, [1, 3, 5], padding=[0, 1, 1]),
        ],
    },
    {"op": "upsample", "scale_factor": [1, 2, 2], "mode": "trilinear"},
    {"op": "conv_transpose3d", "out_channels": 2, "kernel_size": [2, 3, 3]},
]
SEQUENCE = [
    conv(1, 80, stride=4),
    {"op": "avg_pool1d", "kernel_size": 4},
    conv(1, 3, padding=1, dilation=2),
    {"op": "upsample", "scale_factor": 3, "mode": "linear"},
]


def analysed(path: Path, layers: Any, dims: Any, **more: Any) -> Analysis | None:
    nodes = [{"name": f"n{n}"} | layer for n, layer in enumerate(layers)]
    for branch in nodes:
        for n, inside in enumerate(branch.get("branches", [])):
            inside["name"] = f"b{n}"
    network = {"input": dims, "layers": nodes}
    path.write_text(json.dumps({"archc": 1, "name": "net", "network": network, **more}))
    return analyse(path, Loader(sink := Sink()), sink)


def reached(made: Analysis) -> list[int]:
    """How far the gradient of an output pixel goes along each axis, at most."""
    module = ModuleType("net")
    exec(emit(made.network), vars(module))
    model: nn.Module = getattr(module, module.__all__[0])().double()
    for parameter in model.parameters():
        nn.init.ones_(parameter)
    assert made.network.input.shape is not None
    x = torch.ones(1, *made.network.input.shape.sizes, dtype=torch.double)
    y: Tensor = model(x.requires_grad_())
    spans: list[list[int]] = []
    for shift in (0, 1):
        place = [size // 2 + shift for size in y.shape[2:]]
        (gradient,) = torch.autograd.grad(y[(0, 0, *place)], x, retain_graph=True)
        found = gradient[0].abs().sum(0).nonzero()
        spans.append((found.max(0).values - found.min(0).values + 1).tolist())
    return [max(pair) for pair in zip(*spans, strict=True)]


@pytest.mark.parametrize(
    ("layers", "dims"),
    [(SEQUENCE, [1, 900]), (VOLUME, [1, 16, 60, 60])],
    ids=["sequence", "volume"],
)
def test_fields_are_those_of_gradients(tmp_path: Path, layers: Any, dims: Any) -> None:
    made = analysed(tmp_path / "net.json", layers, dims)
    assert made is not None
    told = made.facts.receptive_field
    assert (list(told) if isinstance(told, tuple) else [told]) == reached(made)


def test_how_a_field_of_three_sides_is_told(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    made = analysed(path, [conv(3, [3, 5, 1])], [1, 4, 8, 8])
    assert made is not None
    summary = summarize(made.network, made.facts)
    assert json.loads(summary.to_json())["receptive_field"] == [3, 5, 1]
    assert dict(tables.totals(summary))["receptive field"] == "3x5x1"
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(summary))))
    assert rows[0]["receptive_field"] == "3x5x1"
    claims = {"receptive_field": [3, 5, 1]}
    assert analysed(path, [conv(3, [3, 5, 1])], [1, 4, 8, 8], expect=claims)
    claims = {"receptive_field": [3, 5, 3]}
    wrong = analysed(path, [conv(3, [3, 5, 1])], [1, 4, 8, 8], expect=claims)
    assert wrong is None
