"""A generated module held against torch and against the network it was written from."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archc.network.graph import Network, Value
from archc.pipeline import Analysis
from tests.emit.mismatch import Mismatch, check, step
from tests.emit.oracle import RANDOM, SEED, Reference, folded, key_of, layers_of, places
from tests.emit.settings import hold_settings, hold_starts, noted_initialisers

BATCH = 2
# Both sides run the same kernels in double precision; what differs is the order in
# which several values are added or multiplied, and the memory format that a kernel
# sees.
RTOL = 1e-6
NOISE = 1e-14
"""What sums of numbers near one leave where they cancel: dozens of roundings."""
DOUBT = 10
"""Normalising what is constant but for roundings enlarges these, so that the network
does not know such values itself; how often as far as they go with their last digits."""
STEEP = frozenset({"sqrt", "pow", "lp_pool1d", "lp_pool2d", "lp_pool3d", "div"})
"""Ops whose slope is infinite at zero."""
PERMUTING = frozenset({"permute", "transpose", "layer_norm2d"})
"""Ops whose outputs lie in another order in memory than their axes."""


def network_class(source: str, name: str) -> Any:
    """The network's class, from a module of its own."""
    namespace = ModuleType(name)
    with step("compiling the source"):
        code = compile(source, f"{name}.py", "exec")
    with step("importing the module"):
        exec(code, namespace.__dict__)
        return getattr(namespace, namespace.__all__[0])


def hold(analysis: Analysis, source: str, *, inside: bool = True) -> None:
    """Everything that the generated module must have in common with the network.

    What is `inside`, modules that hold no tensors, may be in another order where the
    network's outputs are the same.
    """
    made = network_class(source, analysis.network.name)
    hold_class(made, analysis, inside=inside)


def hold_class(
    network_class: Any,
    analysis: Analysis,
    arguments: dict[str, Any] | None = None,
    *,
    inside: bool = True,
) -> None:
    """The same, of a class that is already there, made with these arguments."""
    network = analysis.network
    torch.manual_seed(0)
    with step("the constructor"), noted_initialisers() as calls:
        model: nn.Module = network_class(**(arguments or {}))
    _hold_state(model, network)
    hold_starts(model, network, calls)
    hold_settings(model, network)
    trainable = sum(p.numel() for p in model.parameters())
    wanted = analysis.facts.params_with_heads
    check(trainable == wanted, "params differ", f"{trainable} for {wanted}")
    _stir(model)
    _hold_inputs(model, network)
    # in double precision the order of a sum does not show
    model.double()
    # numbers of both signs, as the slopes of most activations are one above zero; where
    # roots would be taken of them, they are above it
    steep = any(layer.op.op in STEEP for layer in layers_of(network))
    start, width = (0.1, 1.0) if steep else (-1.0, 2.0)
    given = [
        torch.rand(BATCH, *value.shape.dims, dtype=torch.double) * width + start
        for value in network.inputs.values()
        if value.shape is not None
    ]
    _hold_outputs(model.eval(), network, given, inside=inside)
    with FlopCounterMode(display=False) as counter, step("counting"):
        model(*given)
    # two operations for a multiply-add
    flops, macs = counter.get_total_flops(), 2 * BATCH * analysis.facts.macs
    check(flops == macs, "macs differ", f"{flops} for {macs}")
    # the weights of losses stand in the class, so arguments do not change them
    _hold_training(model.train(), network, given, weights=arguments is None)


def _hold_inputs(model: nn.Module, network: Network) -> None:
    """`forward` calls its arguments as the spec does, as far as Python lets it."""
    if not network.inputs_have_names:
        return
    found = inspect.signature(model.forward).parameters
    # one of underscores alone has another name where that is taken
    names = [name.rstrip("_") or "value" for name in found]
    wanted = [folded(name).rstrip("_") or "value" for name in network.inputs]
    check(names == wanted, "names of inputs", f"{names} for {wanted}")


def _stir(model: nn.Module) -> None:
    """Gives each tensor values of its own: normalisation starts at weight one, bias
    and mean zero, variance one, and a layer scale at next to nothing, which would hide
    a mix-up."""
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.5, 1.5)
        elif name.endswith("running_mean"):
            nn.init.uniform_(buffer, -0.5, 0.5)


def _hold_state(model: nn.Module, network: Network) -> None:
    expected: dict[str, tuple[int, ...]] = {}
    for layer in layers_of(network):
        if layer.again is not None:
            continue
        x = layer.input_shape()
        for name, dims in (layer.op.parameters(x) | layer.op.buffers(x)).items():
            key = key_of(layer, name)
            check(key not in expected, "two tensors have one name", key)
            expected[key] = tuple(dims)
    with step("state_dict"):
        found = {folded(k): tuple(v.shape) for k, v in model.state_dict().items()}
    if found == expected:
        return
    lacking = [k for k in expected if k not in found]
    beyond = [k for k in found if k not in expected]
    shapes = [
        f"{k}: {found[k]} for {v}"
        for k, v in expected.items()
        if k in found and found[k] != v
    ]
    kind = " and ".join(
        word
        for word, some in (
            ("lacks tensors", lacking),
            ("has tensors beyond", beyond),
            ("shapes differ", shapes),
        )
        if some
    )
    raise Mismatch(f"state: {kind}", f"lacks {lacking}\nbeyond {beyond}\n{shapes}")


def _close(
    found: Tensor, reference: Reference, what: Value | str, kind: str, where: str = ""
) -> None:
    """Equal up to rounding, measured by the largest number: small ones count too."""
    expected = reference.expected(what)
    check(found.shape == expected.shape, f"{kind}: shape", f"{where} {found.shape}")
    if not _is_close(found, reference, what):
        gap = (found - expected).abs().max().item()
        raise Mismatch(kind, f"{where}: by {gap}, of {_scale(expected)}")


def _is_close(found: Tensor, reference: Reference, what: Value | str) -> bool:
    expected = reference.expected(what)
    if found.shape != expected.shape:
        return False

    def within(atol: float) -> bool:
        return torch.allclose(found, expected, rtol=RTOL, atol=atol, equal_nan=True)

    atol = max(RTOL * _scale(expected), NOISE)
    return within(atol) or within(DOUBT * reference.doubt(what))


def _scale(expected: Tensor) -> float:
    finite = expected[expected.isfinite()]
    return finite.abs().max().item() if finite.numel() else 0.0


def _hold_outputs(
    model: nn.Module, network: Network, given: list[Tensor], *, inside: bool
) -> None:
    """Values equal those of the layers run one by one, those of modules too."""
    reference = Reference(network, model, given)
    seen: dict[str, list[Tensor]] = {}

    def note(path: str, y: Any) -> None:
        y = y[0] if isinstance(y, tuple) else y
        # what stands behind may overwrite it
        seen.setdefault(folded(path), []).append(y.detach().clone())

    hooks = [
        module.register_forward_hook(lambda _, __, y, path=path: note(path, y))
        for path, module in model.named_modules()
        if inside or module.state_dict()
    ]
    before = [x.clone() for x in given]
    with torch.no_grad(), step("forward"):
        y = model(*given)
        for hook in hooks:
            hook.remove()
        again = model(*given)
    same = all(map(torch.equal, given, before))
    check(same, "forward changes its input")
    results = _returned(y, network, training=False)
    second = _returned(again, network, training=False)
    for (name, wanted), y, again in zip(
        network.outputs.items(), results, second, strict=True
    ):
        assert wanted.shape is not None
        shape = (BATCH, *wanted.shape.dims)
        check(y.shape == shape, "output: shape", f"{name}: {y.shape} for {shape}")
        _close(y, reference, wanted, "output differs", name)
        same = torch.equal(again.nan_to_num(), y.nan_to_num())
        check(same, "a second forward differs", name)
    uses: dict[str, list[Value]] = {}
    for path, value in places(network):
        uses.setdefault(path, []).append(value)
    for path, wanted_here in uses.items():
        shown = seen.get(path, [])
        if len(wanted_here) == 1:
            for one in shown:
                _close(one, reference, *wanted_here, "a module's output differs", path)
        check(len(shown) <= len(wanted_here), "a module runs too often", path)
        for one in shown:
            fits = any(_is_close(one, reference, other) for other in wanted_here)
            check(fits, "a use of a module differs", path)


def _returned(result: Any, network: Network, *, training: bool) -> list[Tensor]:
    """What `forward` has returned, each in its place."""
    if not network.spec.outputs and not (training and network.heads):
        return [result]
    heads = len(network.heads)
    wanted = len(network.outputs) + heads
    check(len(result) == wanted, "number of outputs", f"{len(result)} for {wanted}")
    if network.spec.outputs:
        fields = list(result._fields)[: len(network.outputs)]
        names = [folded(name) for name in network.outputs]
        check(fields == names, "names of outputs", f"{fields} for {names}")
    found = list(result)
    if not training and heads:
        check(found[-heads:] == [None] * heads, "a head in evaluation")
        found = found[:-heads]
    return found


def _hold_training(
    model: nn.Module, network: Network, inputs: list[Tensor], *, weights: bool
) -> None:
    reference: Reference | None = None
    # one random layer takes the same numbers on both sides; several may take turns, and
    # behind a permute the order in memory, by which they are drawn, is the factors'
    ops = [layer.op.op for layer in layers_of(network)]
    drawn = sum(op in RANDOM for op in ops)
    if drawn == 0 or (drawn == 1 and PERMUTING.isdisjoint(ops)):
        reference = Reference(network, model, inputs)
    given = [x.clone().requires_grad_() for x in inputs]
    torch.manual_seed(SEED)
    with step("forward in training"):
        result = model(*given)
    state = {folded(k): v for k, v in model.state_dict().items()}
    if reference is not None:
        for key in reference.buffers:
            _close(state[key], reference, key, "training: a buffer differs", key)
    outputs = _returned(result, network, training=True)
    for number, (output, value) in enumerate(
        zip(outputs, network.results(), strict=True)
    ):
        own = number < len(network.outputs)
        kind = f"training: {'an output' if own else 'a head'}"
        assert value.shape is not None
        shape = (BATCH, *value.shape.dims)
        check(output.shape == shape, f"{kind}: shape", f"{output.shape} for {shape}")
        if reference is not None:
            _close(output, reference, value, f"{kind} differs")
    loss = sum(o.square().mean() for o in outputs)
    assert isinstance(loss, Tensor)
    if loss.requires_grad:
        with step("backward"):
            loss.backward()
    # a product of many layers may be beyond all numbers, also where what follows, such
    # as relu6, takes it back to one
    known = () if reference is None else reference.values.values()
    bounded = all(bool(v.isfinite().all()) for v in (loss, *known))
    bounded = bounded and STEEP.isdisjoint(ops) and _normalised_again(network) < 50
    # where values are not known, one of several exponentials may be beyond all numbers
    bounded = bounded and (reference is not None or "exp" not in ops)
    for name, parameter in model.named_parameters():
        if bounded and parameter.grad is not None:
            check(bool(parameter.grad.isfinite().all()), "gradients", name)
    if network.heads:
        _hold_heads(model, network, result, weights=weights)


def _normalised_again(network: Network) -> int:
    """How many layers normalise what is normalised already: where numbers differ by
    roundings alone, each makes the gradients some 300 times as large, as eps does."""
    kinds = [(x.op.category, x.inputs[0].layer) for x in network.all_layers()]
    return sum(
        kind == "normalization" and before is not None
        and before.op.category == "normalization"
        for kind, before in kinds
    )  # fmt: skip


def _hold_heads(
    model: nn.Module, network: Network, result: Any, *, weights: bool
) -> None:
    names = [folded(h.name) for h in network.heads]
    with step("heads"):
        fields = list(result._fields)[len(network.outputs) :]
        found: Any = model.loss_weights
    # a field may not start with an underscore, so such a head has another name there
    plain = [name.lstrip("_") for name in names]
    check([f.strip("_") for f in fields] == [n.strip("_") for n in plain],
          "heads: fields", f"{fields} for {names}")  # fmt: skip
    wanted = [h.loss_weight for h in network.heads]
    if weights:
        check(list(found.values()) == wanted, "heads: loss_weights", f"{found}")


def arguments_of(network_class: Any, parameters: Sequence[str]) -> dict[str, str]:
    """The constructor's argument for each parameter; one may have underscores added.

    Those of which it cannot be told are left out.
    """
    arguments = [
        name
        for name, argument in inspect.signature(network_class).parameters.items()
        if argument.kind is argument.POSITIONAL_OR_KEYWORD
        and "Callable" not in str(argument.annotation)  # what is put into a slot
    ]
    found: dict[str, str] = {}
    for parameter in parameters:
        stem = folded(parameter).rstrip("_")
        same = [p for p in parameters if folded(p).rstrip("_") == stem]
        fitting = [a for a in arguments if a.rstrip("_") == stem]
        if len(same) == len(fitting):  # they are in the order of the spec
            found[parameter] = fitting[same.index(parameter)]
    return found
