"""A spec that nobody has written an oracle for is no edition yet."""

from __future__ import annotations

from tests.networks import (
    editions,
    test_alexnet,
    test_densenet,
    test_googlenet,
    test_nin_lenet,
    test_resnet,
    test_vgg,
)


def test_every_published_and_every_small_network_has_a_peer():
    peers = {
        *test_alexnet.PEERS,
        *test_densenet.IMAGENET,
        "cifar/densenet_bc100",
        *test_googlenet.PEERS,
        *test_nin_lenet.PEERS,
        *test_resnet.PEERS,
        *test_vgg.NUMBERS,
    }
    assert peers == editions("") | {f"cifar/{name}" for name in editions("cifar")}
