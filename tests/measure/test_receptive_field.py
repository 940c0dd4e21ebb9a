"""Receptive fields, held to the gradient of one output pixel and to published ones."""

from __future__ import annotations

import json
import time
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest

from archc.diagnostics.model import Sink
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader
from archc.spec.overrides import parameters
from tests.measure.field_gradients import OffTheGrid
from tests.measure.field_judge import compare, judge
from tests.measure.field_networks import draw

Table = dict[str, Any]
ROOT = Path(__file__).parents[2]


def analysed(path: Path, **values: Any) -> Analysis:
    sink = Sink()
    changed = parameters(values, path.name, sink) if values else None
    overlays = () if changed is None else (changed,)
    analysis = analyse(path, Loader(sink, anywhere=True), sink, overlays)
    assert analysis is not None, list(sink)
    return analysis


def network(
    folder: Path, layers: list[Table], size: tuple[int, ...], **more: Any
) -> Analysis:
    path = folder / "net.json"
    spec = {"archc": 1, "name": "net", "network": {"input": [*size], "layers": layers}}
    path.write_text(json.dumps(spec | more))
    return analysed(path)


def named(*layers: Table) -> list[Table]:
    return [{"name": f"n{n}"} | layer for n, layer in enumerate(layers)]


def op(name: str, **attributes: Any) -> Table:
    return {"op": name} | attributes


def conv(kernel: Any, **attributes: Any) -> Table:
    return op("conv2d", out_channels=2, kernel_size=kernel) | attributes


def pad(left: int, right: int, top: int, bottom: int) -> Table:
    return op("zero_pad2d", padding=[left, right, top, bottom])


def branches(merge: str, *lists: list[Table]) -> Table:
    inside = [
        {"name": f"b{n}", "layers": named(*layers)} for n, layers in enumerate(lists)
    ]
    return {"merge": merge, "branches": inside}


POOLED = [op("adaptive_avg_pool2d", output_size=1), op("flatten")]
WIDE, NARROW = [conv(9), *POOLED], [conv(1), *POOLED]
UP_LEFT, DOWN_RIGHT = [pad(4, 0, 4, 0), conv(5)], [pad(0, 4, 0, 4), conv(5)]
SWAP = op("permute", dims=[0, 1, 3, 2])
TO_LAST, TO_FIRST = op("permute", dims=[0, 2, 3, 1]), op("permute", dims=[0, 3, 1, 2])
HALF = op("avg_pool2d", kernel_size=2)
DOUBLE = op("upsample", scale_factor=2)


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        # the widest of the last maps, whatever the order of the branches
        ([branches("concat", WIDE, NARROW)], 9),
        ([branches("concat", NARROW, WIDE)], 9),
        ([branches("concat", [conv(9), op("flatten")], NARROW)], 9),
        ([conv(3), branches("concat", NARROW, [*POOLED])], 3),
        # windows that lie apart are joined
        ([branches("add", UP_LEFT, DOWN_RIGHT)], 9),
        ([branches("concat", DOWN_RIGHT, UP_LEFT)], 9),
        ([branches("add", UP_LEFT, UP_LEFT)], 5),
        ([branches("add", [pad(4, 0, 2, 2), conv(5)], DOWN_RIGHT)], 9),
        ([branches("mul", [pad(2, 2, 2, 2), conv(5)], DOWN_RIGHT)], 7),
        ([branches("add", UP_LEFT, DOWN_RIGHT), conv(3, stride=2), conv(3)], 15),
        ([branches("add", [pad(3, -3, 0, 0)], [pad(-3, 3, 0, 0)])], 7),
        ([branches("add", [pad(3, -3, 0, 0), pad(-3, 3, 0, 0)], [])], 1),
        ([{"skip": "add", "layers": named(pad(-5, 5, 0, 0), conv(3, padding=1))}], 7),
        # axes that change places
        ([conv((1, 7)), conv((1, 3))], 9),
        ([conv((1, 7)), SWAP, conv((1, 3))], 7),
        ([conv((1, 7)), TO_LAST, op("gelu"), TO_FIRST, conv((1, 3))], 9),
        ([conv((1, 7)), TO_LAST, op("permute", dims=[0, 3, 2, 1]), conv((1, 3))], 7),
        ([conv((1, 7)), SWAP, SWAP, conv((1, 3))], 9),
        # from pixel to mirrored pixel, which is as far as the map is wide
        ([conv(17), branches("add", [SWAP], [])], 32),
        # poolings to a size count by their widest window
        ([op("adaptive_avg_pool2d", output_size=13)], 4),
        ([op("adaptive_max_pool2d", output_size=16)], 2),
        ([op("adaptive_avg_pool2d", output_size=(1, 8))], 32),
        ([conv(3), op("adaptive_avg_pool2d", output_size=7), conv(1)], 8),
        # maps that grow
        ([HALF, DOUBLE], 2),
        ([HALF, DOUBLE, conv(3)], 4),
        ([DOUBLE, conv(3)], 2),
        ([op("upsample", scale_factor=2, mode="bilinear"), conv(3)], 3),
        ([conv(1, stride=2, dilation=1), op("upsample", size=[32, 32])], 1),
        ([op("conv_transpose2d", out_channels=1, kernel_size=1, stride=2), conv(2)], 1),
        ([op("conv_transpose2d", out_channels=1, kernel_size=2, stride=2), conv(2)], 2),
        ([{"skip": "add", "layers": named(HALF, DOUBLE)}, conv(3)], 4),
        ([conv(1, out_channels=4), op("pixel_shuffle", upscale_factor=2), conv(3)], 2),
        # a gate of one pixel that is spread over the map, and one that sees all
        ([{"skip": "mul", "layers": named(conv(32, out_channels=1))}], 32),
        (
            [
                conv(3, padding=1),
                {"skip": "mul", "layers": named(POOLED[0], conv(1), op("sigmoid"))},
            ],
            3,
        ),
        ([conv(5), op("group_norm", num_groups=1), conv(3)], 7),
        ([conv(3), *POOLED, op("linear", out_features=5)], 3),
    ],
)  # fmt: skip
def test_field(tmp_path: Path, layers: list[Table], field: int) -> None:
    made = network(tmp_path, named(*layers), (2, 32, 32))
    assert made.facts.receptive_field == field
    outcome = compare(made.network, field)
    assert outcome.right, outcome


@pytest.mark.parametrize(("dim", "field"), [(1, 7), (2, 5), (3, 5), (-1, 5), (-3, 7)])
def test_softmax_over_pixels_sees_all(tmp_path: Path, dim: int, field: int) -> None:
    layers = named(conv(5), op("softmax", dim=dim), conv(3))
    made = network(tmp_path, layers, (2, 32, 32))
    assert made.facts.receptive_field == field


@pytest.mark.parametrize("name", ["unet", "unet_loop"])
def test_field_of_a_decoder(name: str) -> None:
    # channels mean nothing to a field
    made = analysed(ROOT / "tests" / "family" / f"{name}.toml", width=1)
    outcome = compare(made.network, made.facts.receptive_field)
    assert outcome.right and outcome.shown and outcome.pixels > 20


def test_what_reaches_no_output_does_not_count(tmp_path: Path) -> None:
    trunk = {"name": "trunk"} | conv(3)
    unread = {"name": "unread"} | conv(9)
    end = {"name": "end"} | op("relu") | {"from": "trunk"}
    head = {"name": "aux", "from": "trunk", "layers": named(conv(7), *POOLED)}
    made = network(tmp_path, [trunk, unread, end], (2, 32, 32), heads=[head])
    fields = {layer.path: f.receptive_field for layer, f in made.facts.layers.items()}
    assert made.facts.receptive_field == 3
    assert (fields["trunk"], fields["unread"], fields["aux.n0"]) == (3, 11, 9)


def test_vectors_have_no_field(tmp_path: Path) -> None:
    made = network(tmp_path, named(op("linear", out_features=3)), (8,))
    assert made.facts.receptive_field is None
    made = network(tmp_path, named(op("flatten")), (1, 8, 8))
    assert made.facts.receptive_field is None


def test_random_networks(tmp_path: Path) -> None:
    first = SystemRandom().getrandbits(32)
    print("first seed", first)
    for seed in range(first, first + 25):
        try:
            outcome = judge(draw(seed), tmp_path)
        except OffTheGrid:
            continue
        assert outcome.right, (seed, outcome)


# Araujo, Norris and Sim 2019, the table of
# https://distill.pub/2019/computing-receptive-fields
@pytest.mark.parametrize(
    ("spec", "published"),
    [
        ("specs/torchvision/alexnet", 195),
        ("specs/vgg16", 212),
        ("specs/resnet50", 483),
        ("specs/resnet101", 1027),
        ("specs/resnet152", 1507),
        ("specs/torchvision/inception_v3", 1311),
    ],
)
def test_published_fields(spec: str, published: int) -> None:
    made = analysed(ROOT / f"{spec}.toml")
    assert made.facts.receptive_field == published


def test_published_field_of_mobilenet(tmp_path: Path) -> None:
    """v1, of the same table: a convolution and 13 separable ones."""
    strides = [2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    layers = [conv(3, stride=s, padding=1) for s in strides]
    made = network(tmp_path, named(*layers, *POOLED), (3, 224, 224))
    assert made.facts.receptive_field == 315


# ------------------------------------------------------------------------------ bounds


def test_a_pattern_too_long_to_follow_gives_no_number(tmp_path: Path) -> None:
    layers = named(
        conv(1),
        op("upsample", size=[1, 70_001], mode="bilinear"),
        conv((1, 3)),
        *POOLED,
    )
    start = time.perf_counter()
    made = network(tmp_path, layers, (1, 1, 70_000))
    assert time.perf_counter() - start < 2
    fields = [f.receptive_field for f in made.facts.layers.values()]
    assert fields == [1, None, None, None, None]
    assert made.facts.receptive_field is None


@pytest.mark.parametrize(
    "first",
    [
        op("upsample", size=[9001, 8999], mode="bilinear"),
        op("conv_transpose2d", out_channels=2, kernel_size=1, stride=9000),
        {
            "skip": "add",
            "layers": named(op("upsample", size=[61, 59]), pad(2, 3, 2, 1)),
        },
    ],
)
def test_work_is_bounded(tmp_path: Path, first: Table) -> None:
    """Some seconds would be minutes, were each span of each layer reckoned."""
    body = named(
        conv(3, padding=1), op("avg_pool2d", kernel_size=3, stride=1, padding=1)
    )
    repeated: Table = {"name": "many", "repeat": 2_000, "layers": body}
    start = time.perf_counter()
    network(tmp_path, [*named(first), repeated], (2, 64, 64))
    assert time.perf_counter() - start < 5
