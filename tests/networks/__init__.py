"""Networks written out from their papers and books, as oracles of the specs.

What is tested is the product's real output: the class in the committed file.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import archc

ROOT = Path(__file__).parents[2]


def editions(folder: str) -> set[str]:
    """The names of the specs in a folder of specs/."""
    return {p.stem for p in (ROOT / "specs" / folder).glob("*.toml")}


def generated(edition: str) -> nn.Module:
    """The network of generated/<edition>.py, built without arguments."""
    module = runpy.run_path(str(ROOT / "generated" / f"{edition}.py"))
    network = module[module["__all__"][0]]()
    assert isinstance(network, nn.Module)
    return network


def params(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def macs(make: Callable[[], nn.Module], shape: Sequence[int]) -> int:
    """Multiply-adds as torch counts them, on shapes alone."""
    with torch.device("meta"):
        model, x = make().eval(), torch.empty(1, *shape)
    with FlopCounterMode(display=False) as counter:
        model(x)
    return counter.get_total_flops() // 2  # a multiplication and an addition are two


def randomize(model: nn.Module) -> None:
    """Gives every tensor of the state values of its own, that none can be mixed up."""
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if not tensor.is_floating_point():  # the batches a normalization has seen
                tensor.fill_(3)
            elif tensor.ndim > 1:
                tensor.normal_(std=(2 / tensor[0].numel()) ** 0.5)
            elif key.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            else:
                tensor.uniform_(-1, 1)


def carry(source: dict[str, Tensor], target: nn.Module) -> nn.Module:
    """Loads a state tensor by tensor in its order, whatever the names."""
    wanted = target.state_dict()
    assert len(source) == len(wanted)
    for (key, value), (name, own) in zip(source.items(), wanted.items(), strict=True):
        assert value.shape == own.shape, f"{key} for {name}"
    # assigned parameters share memory; buffers are written to in training
    buffers = {key for key, _ in target.named_buffers()}
    state = {
        key: value.clone() if key in buffers else value
        for key, value in zip(wanted, source.values(), strict=True)
    }
    target.load_state_dict(state, strict=True, assign=True)
    return target


def pair(edition: str, make: Callable[[], nn.Module]) -> tuple[nn.Module, nn.Module]:
    """The generated network and its peer, with the same random state."""
    torch.manual_seed(0)
    with torch.device("meta"):  # no time for an initialisation that is overwritten
        ours, theirs = generated(edition), make()
    theirs.to_empty(device="cpu")
    randomize(theirs)
    carry(theirs.state_dict(), ours)
    return ours, theirs


def hold(
    edition: str,
    make: Callable[[], nn.Module],
    shape: Sequence[int],
    *,
    training_shape: Sequence[int] | None = None,
    dropout: bool = True,
) -> None:
    """Holds a generated network against its peer: counts, inference and training.

    Outputs are equal to the bit, as both are the same torch operations in the same
    order; only gradients may be summed in another order where paths meet. Without
    `dropout` none is done in training, where the two draw their masks in other orders.
    """
    network = archc.load(ROOT / "specs" / f"{edition}.toml")
    ours, theirs = pair(edition, make)
    assert network.params_with_heads == params(ours) == params(theirs)
    assert network.macs == macs(make, shape)

    x = torch.randn(2, *shape)
    with torch.no_grad():
        mine, reference = ours.eval()(x), theirs.eval()(x)
    assert reference.isfinite().all()
    assert not torch.equal(reference[0], reference[1])  # or nothing would be seen
    assert torch.equal(mine, reference)

    results: list[tuple[Tensor, Tensor]] = []
    for model in (ours, theirs):
        torch.manual_seed(1)
        model.requires_grad_(False)
        for module in model.modules():
            if isinstance(module, nn.Dropout) and not dropout:
                module.p = 0.0
        x = torch.randn(2, *(training_shape or shape)).requires_grad_()
        y = model.train()(x)
        y = torch.cat(y) if isinstance(y, tuple) else y
        (gradient,) = torch.autograd.grad(y.square().sum(), x)
        results.append((y.detach(), gradient))
    (mine, gradient), (reference, expected) = results
    assert torch.equal(mine, reference)
    scale = expected.abs().max()
    assert scale > 0
    torch.testing.assert_close(gradient / scale, expected / scale, rtol=0, atol=1e-5)
    # the running statistics moved alike
    buffers = zip(ours.buffers(), theirs.buffers(), strict=True)
    assert all(torch.equal(a, b) for a, b in buffers)


def outputs_of(model: nn.Module, *names: str) -> dict[str, Tensor]:
    """What these children give; it is there once the model was called.

    For GoogLeNet's heads, which older torchvisions mix up in the model's own output.
    """
    given: dict[str, Tensor] = {}
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda *called, name=name: given.update({name: called[-1]})
        )
    return given


def sizes(model: nn.Module, shape: Sequence[int]) -> list[int]:
    """The sizes that a map takes on its way through the network, input included."""
    seen: list[int] = []

    def look(_module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        for tensor in (args[0], output):
            if tensor.ndim == 4 and seen[-1:] != [tensor.shape[-1]]:
                assert tensor.shape[-2] == tensor.shape[-1]
                seen.append(tensor.shape[-1])

    handles = [
        m.register_forward_hook(look) for m in model.modules() if not [*m.children()]
    ]
    with torch.no_grad():
        model.eval()(torch.empty(1, *shape, device="meta"))
    for handle in handles:
        handle.remove()
    return seen
