"""A spec that nobody has written an oracle for is no edition yet."""

from __future__ import annotations

from tests.networks import (
    ROOT,
    editions,
    test_alexnet,
    test_caffe,
    test_densenet,
    test_googlenet,
    test_nin_lenet,
    test_others,
    test_places,
    test_resnet,
    test_vgg,
)


def test_every_published_and_every_small_network_has_a_peer():
    peers = {
        *test_alexnet.PEERS,
        *test_caffe.PEERS,
        *test_densenet.IMAGENET,
        "cifar/densenet_bc100",
        *test_googlenet.PEERS,
        *test_nin_lenet.PEERS,
        *test_others.PEERS,
        *test_places.PEERS,
        *test_resnet.PEERS,
        *test_vgg.NUMBERS,
    }
    small = {f"{of}/{name}" for of in ("caffe", "cifar") for name in editions(of)}
    assert peers == editions("") | small


OTHER_LAYERS = {
    "googlenet_bn",
    "cifar/nin",
    "torchvision/squeezenet1_0",
    "torchvision/deeplabv3_resnet50",
    "torchvision/efficientnet_v2_s",
    "timm/ecaresnet50d",
    "timm/resnest50d",
}
"""They extend a network that has other layers or another block."""


def test_a_deeper_sibling_is_a_file_of_a_few_lines() -> None:
    root = ROOT / "specs"
    seen = 0
    for path in root.rglob("*.toml"):
        key = path.relative_to(root).with_suffix("").as_posix()
        text = path.read_text("utf-8")
        if "\nextends = " in text and key not in OTHER_LAYERS:
            seen += 1
            # what advice is not to say aside
            lines = [x for x in text.splitlines() if not x.startswith("advice = ")]
            assert len(lines) < 12, key
    assert seen > 25
