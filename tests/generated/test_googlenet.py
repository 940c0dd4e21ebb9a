"""GoogLeNet as published: what Table 1 of arXiv:1409.4842 prints, held to torch."""

from __future__ import annotations

import runpy
from pathlib import Path

import torch
import torch.nn.functional as F

ROOT = Path(__file__).parents[2]


def network() -> torch.nn.Module:
    module = runpy.run_path(str(ROOT / "generated" / "googlenet.py"))
    return module["GoogLeNet"]()


def test_parameters_with_and_without_heads():
    counts = {n: p.numel() for n, p in network().named_parameters()}
    assert sum(counts.values()) == 13_378_280
    heads = sum(c for n, c in counts.items() if n.startswith("aux"))
    assert sum(counts.values()) - heads == 6_998_552


def test_true_5x5_branches_biases_and_no_batch_normalisation():
    model = network()
    modules = dict(model.named_modules())
    for name in ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]:
        conv = modules[f"inception{name}.branch3.1.conv"]
        assert isinstance(conv, torch.nn.Conv2d)
        assert conv.kernel_size == (5, 5)
    convolutions = [m for m in modules.values() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 57 + 2  # one in each head
    assert all(c.bias is not None for c in convolutions)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in modules.values())


def test_lrn_stands_behind_the_first_pool_and_behind_conv3():
    model = network().eval()
    seen: dict[str, torch.Tensor] = {}
    for name in ("maxpool1", "conv3"):
        model.get_submodule(name).register_forward_hook(
            lambda _m, _i, out, name=name: seen.update({name: out.clone()})
        )
    for name in ("conv2", "maxpool2"):
        model.get_submodule(name).register_forward_pre_hook(
            lambda _m, args, name=name: seen.update({name: args[0].clone()})
        )
    with torch.no_grad():
        model(torch.randn(1, 3, 224, 224))
    for before, after in (("maxpool1", "conv2"), ("conv3", "maxpool2")):
        assert torch.equal(F.local_response_norm(seen[before], 5), seen[after])


def test_heads_run_in_training_only():
    model = network()
    x = torch.randn(2, 3, 224, 224)
    trained = model.train()(x)
    assert [tuple(t.shape) for t in trained] == [(2, 1000)] * 3
    assert trained._fields == ("logits", "aux1", "aux2")
    with torch.no_grad():
        out = model.eval()(x)
    assert isinstance(out, torch.Tensor)
    assert type(model).loss_weights == {"aux1": 0.3, "aux2": 0.3}
