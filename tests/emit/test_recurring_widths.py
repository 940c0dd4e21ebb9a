"""Widths that a constructor computes again and again have a name there."""

from __future__ import annotations

from pathlib import Path

from tests.emit import live

HERE = Path(__file__).parent


def _constructor(path: Path, name: str) -> str:
    _, source = live.compiled(path)
    return source.partition(f"class {name}(")[2].partition("def forward")[0]


def test_what_a_block_gives() -> None:
    made = _constructor(live.ROOT / "specs" / "resnet50.toml", "Bottleneck")
    assert made.count("planes * 4") == 1
    assert "out_channels = planes * 4" in made


def test_what_stands_between_its_ends() -> None:
    made = _constructor(
        live.ROOT / "specs/torchvision/mobilenet_v2.toml", "InvertedResidual"
    )
    assert made.count("in_channels * expand_ratio") == 1
    assert "inter_channels = in_channels * expand_ratio" in made


def test_what_an_iteration_gives() -> None:
    made = _constructor(HERE.parent / "family" / "unet_loop.toml", "UNet")
    assert "out_channels = width * 2**i" in made


def test_none_of_many() -> None:
    made = _constructor(HERE.parent / "family" / "unet.toml", "UNet")
    assert made.count("width * 2") > 3


def test_what_may_not_be_there_is_not_computed() -> None:
    made = _constructor(HERE / "cases" / "widths_that_recur.toml", "Parted")
    before, _, _ = made.partition("if part > 0")
    assert "//" not in before


def test_a_local_that_holds_it_is_read() -> None:
    made = _constructor(HERE / "cases" / "widths_that_recur.toml", "WidthsThatRecur")
    assert "groups=width" in made


def test_what_a_loop_starts_with() -> None:
    made = _constructor(
        live.ROOT / "specs/torchvision/mobilenet_v2.toml", "MobileNetV2"
    )
    assert "in_channels = 32\n" in made
    assert "ConvNormActivation(3, in_channels, " in made
    made = _constructor(live.ROOT / "specs/cifar/pyramidnet110_a48.toml", "PyramidNet")
    assert "nn.Conv2d(3, in_channels, " in made
    assert "nn.BatchNorm2d(in_channels)" in made


def test_what_a_loop_starts_with_that_no_module_is_told() -> None:
    made = _constructor(live.ROOT / "specs/vgg11.toml", "VGG")
    assert "in_channels = 3\n" in made
