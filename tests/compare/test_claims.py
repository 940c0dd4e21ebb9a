"""What papers say of networks, found again in what separates them."""

from __future__ import annotations

import pytest

from archc.compare.comparison import compare
from archc.compare.text import as_text
from archc.measure.depth import depth
from tests.compare.support import chain, changed, conv, diff, relu, side


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("lenet5", 5),
        ("alexnet", 8),
        ("zfnet", 8),
        ("vgg11", 11),
        ("vgg13", 13),
        ("vgg16", 16),
        ("vgg19", 19),
        ("torchvision/vgg19_bn", 19),
        ("googlenet", 22),  # section 5: counting only layers with parameters
        ("torchvision/googlenet", 22),
        ("resnet18", 18),
        ("resnet34", 34),
        ("resnet50", 50),
        ("resnet101", 101),
        ("resnet152", 152),
        ("torchvision/resnet50", 50),
        ("resnext50_32x4d", 50),
        ("cifar/resnet20", 20),
        ("cifar/resnet110", 110),
        ("densenet121", 121),
        ("densenet161", 161),
        ("densenet169", 169),
        ("densenet201", 201),
        ("cifar/densenet_bc100", 100),
        ("tests/family/unet", 23),  # section 2: "in total 23 convolutional layers"
    ],
)
def test_depth_is_the_number_in_the_name(name: str, layers: int) -> None:
    assert depth(side(name).network) == layers


def test_alexnet_to_zfnet_begins_with_the_first_convolution() -> None:
    """Zeiler and Fergus 2013, section 4.1: from 11x11, stride 4 to 7x7, stride 2."""
    found = diff("alexnet", "zfnet")
    headline = as_text(found).splitlines()[2]
    assert "first convolution" in headline
    assert "11×11/4 to 7×7/2" in headline
    assert "55×55 to 110×110" in headline
    first = next(row for row in found.rows if row.layer.path == "conv1")
    assert changed(first)["kernel_size"] == (11, 7)
    assert changed(first)["stride"] == (4, 2)
    assert first.shapes == ((96, 55, 55), (96, 110, 110))
    totals = {total.name: (total.a, total.b) for total in found.totals}
    assert totals["params"] == (60_965_224, 62_357_608)
    assert totals["depth"] == (8, 8)
    # section 3.1: the sparse connections become dense
    ungrouped = [row.layer.path for row in found.rows if "groups" in changed(row)]
    assert ungrouped == ["conv2", "conv4", "conv5"]


def test_googlenet_of_torchvision_has_3x3_where_5x5_was_published() -> None:
    found = diff("torchvision/googlenet", "googlenet")
    text = as_text(found).splitlines()
    start = text.index("what differs")
    assert "9 × conv2d  3×3 → 5×5" in text[start + 1]
    wide = [row for row in found.rows if changed(row).get("kernel_size") == (3, 5)]
    assert len(wide) == 9  # inception 3a, 3b, 4a to 4e, 5a, 5b
    totals = {total.name: (total.a, total.b) for total in found.totals}
    assert totals["params"][0] == 6_624_904
    assert totals["params_with_heads"][0] == 13_004_888
    assert totals["depth"] == (22, 22)


def test_resnet_50_of_torchvision_strides_in_the_3x3() -> None:
    found = diff("resnet50", "torchvision/resnet50")
    assert len(found.differences) == 6
    strides = {row.layer.path: changed(row)["stride"] for row in found.differences}
    assert strides == {
        f"layer{stage}.0.conv{n}": (2, 1) if n == 1 else (1, 2)
        for stage in (2, 3, 4)
        for n in (1, 2)
    }
    totals = {total.name: (total.a, total.b) for total in found.totals}
    assert totals["params"] == (25_557_032, 25_557_032)
    assert totals["macs"] == (3_857_973_248, 4_089_184_256)
    assert totals["receptive_field"][1] == 427
    assert found.weights.in_order


def test_vgg_16_to_19_is_three_convolutions() -> None:
    found = diff("vgg16", "vgg19")
    more = [row.layer.op.op for row in found.differences if row.kind == "inserted"]
    assert len(more) == len(found.differences)
    assert more.count("conv2d") == 3
    totals = {total.name: (total.a, total.b) for total in found.totals}
    assert totals["params"] == (138_357_544, 143_667_240)
    assert totals["macs"] == (15_470_264_320, 19_632_062_464)
    assert totals["receptive_field"][0] == 212


def test_batch_norm_is_all_that_vgg_bn_adds() -> None:
    found = diff("torchvision/vgg16", "torchvision/vgg16_bn")
    kinds = {(row.kind, row.layer.op.op) for row in found.differences}
    assert kinds == {("inserted", "batch_norm2d")}
    assert len(found.differences) == 13


def test_resnet_101_is_seventeen_bottlenecks_more() -> None:
    found = diff("resnet50", "resnet101")
    assert {row.kind for row in found.differences} == {"inserted"}
    assert "17 × block bottleneck" in as_text(found)


# ---- what text says first


def test_the_first_convolution_of_another_input() -> None:
    a = chain(conv("conv"), size=(3, 16, 16))
    b = chain(conv("conv"), size=(3, 32, 32))
    assert "went from maps of 16×16 to 32×32." in as_text(compare(a, b))


def test_a_convolution_before_the_first() -> None:
    a = chain(conv("conv"), relu("relu"))
    b = chain(conv("stem", 4, 1), conv("conv"), relu("relu"))
    text = as_text(compare(a, b)).splitlines()[2]
    assert text == (
        "The first convolution, stem, is conv2d 1×1, 4 where conv was conv2d 3×3, 8."
    )


def test_networks_without_convolutions() -> None:
    linear = chain({"name": "fc", "op": "linear", "out_features": 3}, size=(4,))
    text = as_text(compare(linear, chain(conv("conv"))))
    assert "first convolution" not in text
    assert "linear 3 → conv2d 3×3, 8" in text
    assert "first convolution" not in as_text(compare(chain(relu("r")), linear))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("vgg16", "resnet50"),
        ("torchvision/mobilenet_v2", "torchvision/mobilenet_v3_large"),
        ("torchvision/resnet50", "timm/resnetv2_50"),
    ],
)
def test_networks_with_little_in_common_read_in_a_screen(a: str, b: str) -> None:
    lines = as_text(diff(a, b)).splitlines()
    assert len(lines) < 24
    assert lines[1].startswith("Little in common: ")
    assert any(line.startswith("parameters ") for line in lines)


@pytest.mark.parametrize(
    ("a", "b"),
    [("alexnet", "zfnet"), ("resnet18", "resnet34"), ("unet", "unet_plus_plus")],
)
def test_variants_of_one_network_have_much_in_common(a: str, b: str) -> None:
    assert not diff(a, b).has_little_in_common


def test_all_changes_of_a_layer_are_one_line() -> None:
    a = chain(conv("conv"), relu("relu"))
    b = chain(conv("conv", 16, 5, bias=False), relu("relu"))
    (line,) = [
        s for s in as_text(compare(a, b)).splitlines() if s.startswith("~ conv2d")
    ]
    assert "3×3 → 5×5, padding 1 → 2, out_channels 8 → 16, bias true → false" in line


def test_many_layers_of_one_side_are_folded() -> None:
    middle = [x for n in range(5) for x in (conv(f"c{n}"), relu(f"r{n}"))]
    a = chain(conv("first"), conv("last", 4))
    b = chain(conv("first"), *middle, conv("last", 4))
    text = as_text(compare(a, b))
    (line,) = [s for s in text.splitlines() if " … " in s and s.startswith("+")]
    assert line.endswith("10 layers")
