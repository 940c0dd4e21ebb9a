"""`upsample` with `size_of`: as large as another map, which is read for that alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from archc.measure.cost import measure
from archc.ops.resize.upsample import UpsampleTo
from archc.ops.sizes import Shape, ShapeError
from archc.run.live import result
from archc.run.subject import Subject
from archc.run.verify import verify
from tests.measure import tracked

from .live import make

CASES: list[tuple[dict[str, Any], tuple[int, ...], tuple[int, ...]]] = [
    ({}, (8, 6, 5), (3, 9, 11)),
    ({"mode": "bilinear", "align_corners": False}, (8, 6, 5), (8, 13, 5)),
    ({"mode": "bicubic", "align_corners": True}, (2, 6, 5), (1, 3, 2)),
    ({"mode": "nearest-exact"}, (4, 9), (2, 13)),
    ({"mode": "trilinear"}, (4, 3, 6, 5), (2, 4, 4, 4)),
]
each = pytest.mark.parametrize(("settings", "x", "other"), CASES)


@each
def test_is_an_upsample_to_that_size(settings: Any, x: Any, other: Any) -> None:
    torch.manual_seed(0)
    value, wanted = torch.randn(2, *x), torch.randn(2, *other)
    op, plain = UpsampleTo(**settings), make("upsample", size=other[1:], **settings)
    found = result(op, value, wanted, shape=Shape(x))
    assert torch.equal(found, torch.nn.Upsample(other[1:], **settings)(value))
    y = op.infer(Shape(x), Shape(other))
    assert y.dims == tuple(found.shape[1:])
    assert op.reach(Shape(x), y) == plain.reach(Shape(x), y)


def _made(tmp_path: Path, settings: Any, x: Any, other: Any) -> tracked.Case:
    axes = len(x) - 1
    conv = {"op": f"conv{axes}d", "kernel_size": 1}
    layers = [
        {"name": "a", "out_channels": x[0]} | conv,
        {"name": "b", "from": "other", "out_channels": other[0]} | conv,
        {"op": "upsample", "from": "a", "size_of": "b"} | settings,
        {"op": "concat", "from": ["prev", "b"]},
    ]
    inputs = {"first": list(x), "other": list(other)}
    network = {"inputs": inputs, "layers": layers}
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"archc": 1, "name": "net", "network": network}))
    return tracked.read(path)


@each
def test_generated_module_agrees(
    settings: Any, x: Any, other: Any, tmp_path: Path
) -> None:
    made = _made(tmp_path, settings, x, other)
    assert "size=b.shape[2:]" in made.source
    analysed = Subject("net", made.network, measure(made.network), made.source)
    found = verify(analysed)
    assert found.passed, found.disagreements


@each
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_saved_to_the_byte(
    settings: Any, x: Any, other: Any, precision: Any, tmp_path: Path
) -> None:
    made = _made(tmp_path, settings, x, other)
    for device in ("cpu", "cuda"):
        predicted = made.footprint(precision=precision, device=device)
        real = tracked.saved(made, device, precision, fake=device == "cuda")
        assert predicted.at(tracked.BATCH).saved == real


@pytest.mark.parametrize(
    "other", [Shape((8,)), Shape((8, 6)), Shape((6, 5, 8), 2), Shape((4, 6, 5), None)]
)
def test_what_is_no_such_map_is_refused(other: Shape) -> None:
    with pytest.raises(ShapeError, match="as large as") as error:
        UpsampleTo().infer(Shape((8, 6, 5)), other)
    assert error.value.attribute == "size_of" and error.value.help
