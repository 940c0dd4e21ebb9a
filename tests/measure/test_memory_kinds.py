"""Small networks, each of a kind that is easily predicted wrong, held to torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from archc.measure.refusal import refusal
from tests.measure import tracked

EXACT = 0.0001
"""Share by which a peak may differ; a scalar that another torch makes is less."""


def network(tmp_path: Path, layers: list[Any], *dims: int, **more: Any) -> tracked.Case:
    spec = {"archc": 1, "name": "net", **more}
    spec["network"] = {"input": list(dims), "layers": layers}
    path = tmp_path / "net.json"
    path.write_text(json.dumps(spec))
    return tracked.read(path)


def conv(name: str, **more: Any) -> dict[str, Any]:
    settings = {"out_channels": 8, "kernel_size": 3, "padding": 1}
    return {"name": name, "op": "conv2d", **settings, **more}


HEAD: list[Any] = [
    {"op": "adaptive_avg_pool2d", "output_size": 1},
    {"op": "flatten"},
    {"name": "fc", "op": "linear", "out_features": 10},
]
LRN = {"op": "local_response_norm", "size": 5}
LAST = {"op": "permute", "dims": [0, 2, 3, 1]}
FIRST = {"op": "permute", "dims": [0, 3, 1, 2]}
SCALE = {"name": "scale", "op": "layer_scale"}
DROP = {"op": "dropout", "p": 0.25}
SLICE = {"op": "channel_slice", "start": 2, "stop": 6}
KINDS: dict[str, list[Any]] = {
    "a normalisation of the input, a scale before the pooling": [
        LRN, conv("conv"), SCALE, *HEAD,
    ],
    "batch normalisation of the input": [
        {"name": "bn", "op": "batch_norm2d"}, conv("conv"), *HEAD,
    ],
    "group normalisation of the input": [
        {"name": "gn", "op": "group_norm", "num_groups": 3}, conv("conv"), *HEAD,
    ],
    "layer normalisation of the input, permuted": [
        LAST, {"name": "ln", "op": "layer_norm"}, FIRST, conv("conv"), *HEAD,
    ],
    "local response normalisation before all weights": [
        LRN, {"op": "flatten"}, {"name": "fc", "op": "linear", "out_features": 3},
    ],
    "a layer that nothing reads": [
        conv("a"), conv("dead"), conv("b", **{"from": "a"}), *HEAD,
    ],
    "one written to a slice": [
        conv("a"), SLICE, {"op": "relu", "inplace": True}, conv("b"), *HEAD,
    ],
    "one written to permuted axes": [
        conv("a"), LAST, {"op": "silu", "inplace": True}, FIRST, conv("b"), *HEAD,
    ],
    "one written behind a linear layer over rows": [
        conv("a"), LAST, {"name": "ln", "op": "layer_norm"},
        {"name": "l", "op": "linear", "out_features": 5},
        {"op": "relu", "inplace": True}, FIRST, *HEAD,
    ],
    "one written where no gradient will be": [
        LRN, {"op": "hardsigmoid", "inplace": True}, *HEAD,
    ],
    **{
        f"{mode} padding": [conv("a"), conv("b", padding_mode=mode), *HEAD]
        for mode in ("circular", "reflect", "replicate")
    },
    "a flatten that copies": [
        conv("a"), LAST, {"op": "flatten"},
        {"name": "fc", "op": "linear", "out_features": 3},
    ],
    "a linear layer on permuted axes": [
        conv("a"), LAST, {"name": "l", "op": "linear", "out_features": 5},
        FIRST, *HEAD,
    ],
    "channels last behind a permute": [
        LAST, {"op": "softmax", "dim": 3}, FIRST, conv("a"), conv("b"), *HEAD,
    ],
    "a shuffle that changes nothing": [
        conv("a"), {"op": "channel_shuffle", "groups": 8}, {"op": "relu"},
        conv("b"), *HEAD,
    ],
    "a shuffle of one group": [
        conv("a"), {"op": "channel_shuffle", "groups": 1}, {"op": "tanh"},
        conv("b"), *HEAD,
    ],
    "a gate": [
        conv("a"),
        {"skip": "mul", "layers": [HEAD[0], conv("g", kernel_size=1, padding=0)]},
        *HEAD,
    ],
    "a gate of both kinds": [
        conv("a"),
        {
            "merge": "mul",
            "branches": [
                {"layers": [HEAD[0], {"op": "sigmoid"}]},
                {"layers": [conv("g", out_channels=1), {"op": "sigmoid"}]},
                {"op": "identity"},
            ],
        },
        *HEAD,
    ],
    **{
        f"{merge} of the input and what is made of it": [
            {"skip": merge, "layers": [conv("a", out_channels=3)]}, conv("b"), *HEAD,
        ]
        for merge in ("sub", "div")
    },
    **{
        f"{merge} by the input": [
            conv("a", out_channels=3), {"op": merge, "from": ["prev", "input"]},
            conv("b"), *HEAD,
        ]
        for merge in ("sub", "div")
    },
    **{
        f"{name} of a permuted map, written to": [
            conv("a"), LAST, {"name": "l", "op": "linear", "out_features": 8}, FIRST,
            {"name": "norm", "op": name, **more}, {"op": "relu"}, conv("b"), *HEAD,
        ]
        for name, more in {
            "instance_norm2d": {"affine": True}, "layer_norm2d": {}, "rms_norm": {},
            "mean": {"dim": 1, "keepdim": True}, "sum": {"dim": 3, "keepdim": True},
            "amax": {"dim": 2, "keepdim": True},
        }.items()
    },
    **{
        f"{name} before an activation": [
            conv("a"), {"name": "f", "op": name, **more}, {"op": "relu"}, conv("b"),
            *HEAD,
        ]
        for name, more in {
            "scale": {"factor": 0.5}, "clamp": {"min": 0, "max": 1}, "exp": {},
            "pow": {"exponent": 2}, "normalize": {}, "mish": {}, "selu": {},
            "softplus": {}, "hardtanh": {}, "log_sigmoid": {}, "instance_norm2d": {},
            "layer_norm2d": {}, "rms_norm": {"elementwise_affine": False},
        }.items()
    },
    **{
        f"{merge} of one branch": [
            conv("a"), {"merge": merge, "branches": [{"op": "relu"}]}, *HEAD,
        ]
        for merge in ("add", "mul", "sub", "div", "concat")
    },
    **{
        f"{merge} of one branch before an activation": [
            conv("a"), {"merge": merge, "branches": [conv("b")]}, {"op": "relu"}, *HEAD,
        ]
        for merge in ("add", "mul", "sub", "div", "concat")
    },
    **{
        f"{len(read)} of {chunks} parts": [
            conv("a"),
            {"name": "part", "op": "chunk", "chunks": chunks},
            {"op": "concat", "from": [f"part.{n}" for n in read]},
            *HEAD,
        ]
        for chunks, read in ((2, (0, 1)), (4, (1, 0)), (4, (1, 0, 2, 3)), (8, (3, 3)))
    },
    "one part alone": [
        conv("a"), {"name": "part", "op": "chunk", "chunks": 2},
        {"op": "sigmoid", "from": "part.1"}, *HEAD,
    ],
    "equal dropouts on both paths": [
        conv("a"),
        {
            "name": "b", "merge": "mul", "skip": "mul", "shortcut": DROP,
            "branches": [{"op": "tanh"}, [DROP]],
        },
        *HEAD,
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind: str, tmp_path: Path) -> None:
    made = network(tmp_path, KINDS[kind], 3, 12, 12)
    found = tracked.step(made, batch=3, fake=False)
    predicted = made.footprint(optimizer="none", device="cpu").at(3)
    assert predicted.saved == found.saved
    assert predicted.peak.total == pytest.approx(found.peak, rel=EXACT)


def over(axes: int, value: Any) -> Any:
    """Nodes on maps of two axes, for maps of so many."""
    if isinstance(value, list):
        return [over(axes, each) for each in value]
    if not isinstance(value, dict):
        return value
    table = {k: over(axes, v) for k, v in value.items()}
    if table.get("op") == "permute":
        last = [0, *range(2, axes + 2), 1]
        first = [0, axes + 1, *range(1, axes + 1)]
        table["dims"] = last if value == LAST else first
    elif isinstance(table.get("op"), str):
        table["op"] = table["op"].replace("2d", f"{axes}d")
    if table.get("dim") == 3:
        table["dim"] = axes + 1
    return table


# an op of maps of two axes alone
OF_MAPS_ALONE = "layer_norm2d"


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("kind", [k for k in KINDS if OF_MAPS_ALONE not in k])
def test_kinds_over_other_axes(kind: str, axes: int, tmp_path: Path) -> None:
    dims = (3, 40) if axes == 1 else (3, 4, 6, 6)
    made = network(tmp_path, over(axes, KINDS[kind]), *dims)
    found = tracked.step(made, batch=3, fake=False)
    predicted = made.footprint(optimizer="none", device="cpu").at(3)
    assert predicted.saved == found.saved
    assert predicted.peak.total == pytest.approx(found.peak, rel=EXACT)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kind", [k for k in KINDS if "padding" in k])
def test_padding_in_half_precision(kind: str, axes: int, tmp_path: Path) -> None:
    """The CPU's autocast has a list of the functions that pad."""
    dims = (3, *(8 for _ in range(axes)))
    made = network(tmp_path, over(axes, KINDS[kind]), *dims)
    predicted = made.footprint(precision="bf16", device="cpu").at(2)
    assert predicted.saved == tracked.saved(made, "cpu", "bf16", fake=False)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_layer_that_nothing_reads_has_no_gradient(
    optimizer: str, tmp_path: Path
) -> None:
    """`a` has 224 numbers, `dead` and `b` 584 each."""
    layers = [conv("a"), conv("dead"), conv("b", **{"from": "a"})]
    made = network(tmp_path, layers, 3, 16, 16)
    memory = made.footprint(optimizer=optimizer, device="cpu").at(2)
    assert memory.parameters == 5_568
    assert memory.gradients == 3_232
    assert memory.optimizer_state == {"momentum": 3_232, "adam": 6_464}.get(
        optimizer, 0
    )
    shares = {layer.path: layer.parameters for layer in memory.layers}
    assert shares["dead"] == 2_336
    assert sum(shares.values()) == 5_568 + 3_232 + memory.optimizer_state
    found = tracked.step(made, optimizer)
    # Adam also counts its steps, in a number for each of four parameters
    counters = 4 * 4 if optimizer == "adam" else 0
    assert memory.peak.total + counters == pytest.approx(found.peak, rel=EXACT)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    ("dims", "layer"),
    [
        ((4, 1, 1), {"op": "batch_norm2d"}),
        ((4, 1, 2), {"op": "batch_norm2d"}),
        ((4,), {"op": "batch_norm1d"}),
        ((4, 1, 1), {"op": "group_norm", "num_groups": 4}),
        ((4, 1, 1), {"op": "group_norm", "num_groups": 2}),
        ((4,), {"op": "group_norm", "num_groups": 4}),
        ((4, 1, 1), {"op": "layer_norm"}),
    ],
)
def test_refused_batches(
    batch: int, dims: tuple[int, ...], layer: dict[str, Any], tmp_path: Path
) -> None:
    """Torch is asked whether it takes the batch."""
    made = network(tmp_path, [{"name": "norm", **layer}], *dims)
    module = made.module()
    try:
        module(torch.randn(batch, *dims))
        taken = True
    except ValueError as error:
        assert "more than 1 value" in str(error)
        taken = False
    assert (refusal(made.network, batch) is None) == taken
