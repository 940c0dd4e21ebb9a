"""Where numbers lie decides what is copied: small networks, to the byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.measure import tracked
from tests.measure.random_errors import error

SCALAR = 0.001
"""Share of the peak that one number has, the gradient of a single weight, which may
come before or after another tensor goes."""
Layers = list[dict[str, Any]]
MAP, ROW = [4, 5, 6], [4, 12]
TO_LAST = {"op": "permute", "dims": [0, 2, 3, 1]}
TURNED = {"op": "transpose", "dim0": 1, "dim1": 2}
HALF = {"op": "channel_slice", "stop": 2}
LINEAR: dict[str, Any] = {"name": "fc", "op": "linear", "out_features": 3}
RMS = {"name": "norm", "op": "rms_norm"}


def conv(channels: int) -> dict[str, Any]:
    named = {"name": f"conv{channels}", "op": "conv2d", "kernel_size": 1}
    return named | {"out_channels": channels}


def linear(features: int) -> dict[str, Any]:
    return {"name": f"fc{features}", "op": "linear", "out_features": features}


TO_FIRST = {"op": "permute", "dims": [0, 3, 1, 2]}
CASES: dict[str, tuple[list[int], Layers]] = {
    "a row of one": ([5], [{**LINEAR, "out_features": 1}, RMS]),
    "an rms norm of turned axes": (
        ROW,
        [{"op": "elu"}, TURNED, RMS, TURNED, {**LINEAR, "in_features": 12}],
    ),
    "a mean that a variable has to the end": (
        [5, 14],
        [
            {"op": "lp_pool1d", "norm_type": 2, "kernel_size": 2},
            {"op": "flatten"},
            LINEAR,
        ],
    ),
    "a slice of permuted axes": (
        [2, 12, 12],
        [TO_LAST, {**LINEAR, "out_features": 4}, HALF, TO_FIRST],
    ),
    "a rectifier behind permuted axes": (
        [3, 16, 16],
        [
            conv(4),
            {"skip": "add", "layers": [TO_LAST, linear(8), linear(4), TO_FIRST]},
            {"op": "relu"},
        ],
    ),
    "a prelu of the input": (
        [3, 8, 4],
        [
            {"name": "act", "op": "prelu"},
            {"op": "adaptive_avg_pool2d", "output_size": 1},
        ],
    ),
}


def read(dims: list[int], layers: Layers, folder: Path) -> tracked.Case:
    path = folder / "net.json"
    spec = {"archc": 1, "name": "net", "network": {"input": dims, "layers": layers}}
    path.write_text(json.dumps(spec))
    return tracked.read(path)


@pytest.mark.parametrize("what", CASES)
def test_on_the_cpu(what: str, tmp_path: Path) -> None:
    found = error(what, read(*CASES[what], tmp_path), batch=3, fake=False)
    assert found.saved == 0
    assert abs(found.peak) < SCALAR


@pytest.mark.skipif(not tracked.fakes_a_gpu(), reason="this torch fakes no GPU")
@pytest.mark.parametrize("norm", ["batch_norm2d", "instance_norm2d"])
def test_a_slice_is_copied_for_cudnn(norm: str, tmp_path: Path) -> None:
    made = read(MAP, [HALF, {"name": "norm", "op": norm}, conv(3)], tmp_path)
    expected = tracked.saved(made, "cuda", "fp32")
    assert made.footprint().at(tracked.BATCH).saved == expected
