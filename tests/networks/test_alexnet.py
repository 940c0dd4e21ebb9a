"""AlexNet and ZFNet: response normalization, towers and whole networks from the papers.

Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks;
Zeiler and Fergus 2013, arXiv:1311.2901.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.networks import carry, generated, hold, pair, params, sizes

Norm = Callable[[], nn.Module]


class ResponseNorm(nn.Module):
    """Krizhevsky et al. 2012, Section 3.3, letter by letter."""

    def forward(self, a: Tensor) -> Tensor:
        k, n, alpha, beta = 2, 5, 1e-4, 0.75
        maps = a.shape[1]
        b = torch.empty_like(a)
        for i in range(maps):
            total = torch.zeros_like(a[:, i])
            for j in range(max(0, i - n // 2), min(maps - 1, i + n // 2) + 1):
                total += a[:, j] ** 2
            b[:, i] = a[:, i] / (k + alpha * total) ** beta
        return b


def torch_norm() -> nn.Module:
    """The same in torch's terms, which divide alpha by the five maps."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def classifier(flattened: int) -> list[nn.Module]:
    """Section 4.2: dropout on the outputs of the first two fully-connected layers."""
    return [
        nn.Flatten(),
        nn.Linear(flattened, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 1000),
    ]


def alexnet(norm: Norm = torch_norm, groups: int = 2) -> nn.Module:
    """Krizhevsky et al. 2012, Section 3.5."""
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4),
        nn.ReLU(),
        norm(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(96, 256, 5, padding=2, groups=groups),
        nn.ReLU(),
        norm(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, groups=groups),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=groups),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        *classifier(6 * 6 * 256),
    )


def alexnet_one_tower(norm: Norm = torch_norm) -> nn.Module:
    return alexnet(norm, groups=1)


def zfnet(norm: Norm = torch_norm) -> nn.Module:
    """Zeiler and Fergus 2013, Fig. 3: rectified, pooled, then contrast normalized.

    110 becomes 55 and 26 becomes 13 as in the figure: the last window hangs over.
    """
    return nn.Sequential(
        nn.Conv2d(3, 96, 7, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        norm(),
        nn.Conv2d(96, 256, 5, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        norm(),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        *classifier(6 * 6 * 256),
    )


def zfnet_one_tower() -> nn.Module:
    """The tutorials' edition: padded, not normalized, no last pooling."""
    return nn.Sequential(
        nn.Conv2d(3, 96, 7, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(96, 256, 5, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        *classifier(12 * 12 * 256),
    )


def cifar_alexnet() -> nn.Module:
    """3x3 convolutions as wide as those of Krizhevsky 2014, arXiv:1404.5997."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, 2),
        nn.Conv2d(64, 192, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, 2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(256 * 4 * 4, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Linear(4096, 10),
    )


PEERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "alexnet": (alexnet, 227),
    "alexnet_one_tower": (alexnet_one_tower, 227),
    "zfnet": (zfnet, 224),
    "zfnet_one_tower": (zfnet_one_tower, 224),
    "cifar/alexnet": (cifar_alexnet, 32),
}


def assert_equal_but_for_rounding(actual: Tensor, expected: Tensor) -> None:
    """In double precision: sums in another order differ in the last digits only."""
    assert actual.dtype == expected.dtype == torch.float64
    scale = expected.abs().max()
    assert scale > 0
    torch.testing.assert_close(actual / scale, expected / scale, rtol=0, atol=1e-12)


@pytest.mark.parametrize("edition", PEERS)
def test_is_the_sequence_of_its_layers(edition: str):
    make, size = PEERS[edition]
    hold(edition, make, (3, size, size))


@pytest.mark.parametrize(
    ("edition", "count"),
    [
        ("alexnet", 60_965_224),
        ("alexnet_one_tower", 62_378_344),
        ("zfnet", 62_357_608),
    ],
)
def test_counts_its_parameters(edition: str, count: int):
    with torch.device("meta"):
        assert params(generated(edition)) == params(PEERS[edition][0]()) == count


@pytest.mark.parametrize(
    ("edition", "maps", "flattened"),
    [
        ("alexnet", [227, 55, 27, 13, 6], 9216),
        ("alexnet_one_tower", [227, 55, 27, 13, 6], 9216),
        ("zfnet", [224, 110, 55, 26, 13, 6], 9216),
        ("zfnet_one_tower", [224, 110, 54, 26, 12], 36_864),
        ("cifar/alexnet", [32, 16, 8, 4], 4096),
    ],
)
def test_maps_shrink_as_published(edition: str, maps: list[int], flattened: int):
    with torch.device("meta"):
        model = generated(edition)
        assert sizes(model, (3, maps[0], maps[0])) == maps
    linear = next(m for m in model.modules() if isinstance(m, nn.Linear))
    assert linear.in_features == flattened


@pytest.mark.parametrize("edition", ["alexnet", "alexnet_one_tower", "zfnet"])
def test_normalizes_by_the_formula_of_the_paper(edition: str):
    model, _ = pair(edition, PEERS[edition][0])
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    for name in ("norm1", "norm2"):
        model.get_submodule(name).register_forward_hook(
            lambda _m, args, out, name=name: seen.update({name: (args[0], out)})
        )
    size = PEERS[edition][1]
    with torch.no_grad():
        model.eval()(100 * torch.randn(1, 3, size, size))  # pixels less their mean
    assert [a.shape[1] for a, _ in seen.values()] == [96, 256]
    for a, b in seen.values():
        expected = ResponseNorm()(a.double())
        # single precision holds seven digits, and the power costs some of them
        torch.testing.assert_close(b.double(), expected, rtol=2e-6, atol=0)
        # the inputs are large enough to tell torch's alpha from the paper's
        plain = F.local_response_norm(a, 5, alpha=1e-4, beta=0.75, k=2.0).double()
        with pytest.raises(AssertionError):
            torch.testing.assert_close(plain, expected, rtol=2e-2, atol=0)


def towers(x: Tensor, state: list[Tensor]) -> Tensor:
    """Krizhevsky et al. 2012, Fig. 2: two halves of the maps, which meet in conv3.

    The normalization sums over all kernel maps of a layer (Section 3.3), and the
    fully-connected layers see all of them.
    """
    (w1, b1, w2, b2, w3, b3, w4, b4, w5, b5, w6, b6, w7, b7, w8, b8) = state
    norm = ResponseNorm()

    def halves(maps: Tensor) -> tuple[Tensor, Tensor]:
        half = maps.shape[1] // 2
        return maps[:, :half], maps[:, half:]

    def kernels(half: int, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        n = weight.shape[0] // 2
        return weight[half * n : (half + 1) * n], bias[half * n : (half + 1) * n]

    def apart(maps: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
        each = [
            F.conv2d(own, *kernels(half, weight, bias), padding=padding)
            for half, own in enumerate(halves(maps))
        ]
        return torch.cat(each, dim=1)

    h = torch.cat([F.conv2d(x, *kernels(i, w1, b1), stride=4) for i in (0, 1)], dim=1)
    assert h.shape[1:] == (96, 55, 55)
    h = F.max_pool2d(norm(h.clamp(min=0)), 3, 2)
    h = apart(h, w2, b2, 2)
    assert h.shape[1:] == (256, 27, 27)
    h = F.max_pool2d(norm(h.clamp(min=0)), 3, 2)
    h = F.conv2d(h, w3, b3, padding=1).clamp(min=0)
    assert h.shape[1:] == (384, 13, 13)
    h = apart(h, w4, b4, 1).clamp(min=0)
    h = apart(h, w5, b5, 1).clamp(min=0)
    h = F.max_pool2d(h, 3, 2).reshape(len(x), 6 * 6 * 256)
    h = (h @ w6.T + b6).clamp(min=0)
    h = (h @ w7.T + b7).clamp(min=0)
    return h @ w8.T + b8


@pytest.fixture(scope="module")
def grouped() -> nn.Module:
    model, _ = pair("alexnet", alexnet)
    return model.double().eval()


@pytest.mark.parametrize("name", ["conv2", "conv4", "conv5"])
def test_each_tower_sees_its_own_half_of_the_maps(grouped: nn.Module, name: str):
    conv = grouped.get_submodule(name)
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    n = conv.in_channels // 2
    x = torch.randn(2, 2 * n, 13, 13, dtype=torch.float64)
    m = conv.out_channels // 2
    first, second = (
        F.conv2d(x[:, c : c + n], conv.weight[o : o + m], conv.bias[o : o + m], 1, p)
        for c, o, p in [(0, 0, conv.padding), (n, m, conv.padding)]
    )
    with torch.no_grad():
        y = conv(x)
        assert_equal_but_for_rounding(y, torch.cat([first, second], dim=1))
        x[:, n:] = 0  # nothing of the other half reaches the first tower
        assert_equal_but_for_rounding(conv(x)[:, :m], first)


def test_the_whole_network_is_two_towers(grouped: nn.Module):
    x = 100 * torch.randn(2, 3, 227, 227, dtype=torch.float64)
    with torch.no_grad():
        expected = towers(x, list(grouped.state_dict().values()))
        assert_equal_but_for_rounding(grouped(x), expected)


def test_one_tower_with_block_diagonal_weights_is_two_towers(grouped: nn.Module):
    with torch.device("meta"):
        dense = generated("alexnet_one_tower")
    state = grouped.state_dict()
    for name in ("conv2", "conv4", "conv5"):
        weight = state[f"{name}.weight"]
        first, second = weight.chunk(2)
        zeros = torch.zeros_like(first)
        state[f"{name}.weight"] = torch.cat(
            [torch.cat([first, zeros], dim=1), torch.cat([zeros, second], dim=1)]
        )
    carry(state, dense).eval()
    x = 100 * torch.randn(2, 3, 227, 227, dtype=torch.float64)
    with torch.no_grad():
        expected = grouped(x)
        assert_equal_but_for_rounding(dense(x), expected)
        # and the zeros matter: what they cut off would change the result
        dense.get_parameter("conv4.weight")[:192, 192:] = 0.01
        assert not torch.allclose(dense(x), expected, rtol=1e-3)


def test_zfnet_is_the_sequence_with_the_formula():
    ours, _ = pair("zfnet", zfnet)
    theirs = zfnet(norm=ResponseNorm)
    carry(ours.state_dict(), theirs)
    x = 100 * torch.randn(1, 3, 224, 224, dtype=torch.float64)
    with torch.no_grad():
        expected = theirs.double().eval()(x)
        assert_equal_but_for_rounding(ours.double().eval()(x), expected)
