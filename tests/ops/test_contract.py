"""One contract for all ops: what each says of itself, held against PyTorch.

An op is here by being in the registry; what it needs is a case in `cases.py`.
"""

from __future__ import annotations

import re
from math import inf
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
from jsonschema import Draft202012Validator
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.emit.module import emit
from archc.ops.absent import absent
from archc.ops.base import Op
from archc.ops.code import Local
from archc.ops.merge.family import Merge
from archc.ops.registry import OPS, is_helper, meant_op
from archc.ops.sizes import Shape, ShapeError
from archc.pipeline import analyse
from archc.run.subject import Subject
from archc.run.verify import verify
from archc.schema import schema
from archc.spec.load import Loader
from tests.measure import tracked
from tests.measure.tracked import BATCH

from . import specs
from .cases import CASES, shapes_of
from .live import call, make, module, run

ROOT = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(schema())


def tensors(shapes: list[Shape]) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(4, *x.dims) for x in shapes]


def live(op: Op, x: Shape) -> Any:
    return None if op.merges else module(op, x)


def training(part: Any, mode: bool) -> Any:
    return part.train(mode) if isinstance(part, nn.Module) else part


each_case = pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}-{i}")
        for name in OPS
        # an op without a case is one case that fails
        for i, case in enumerate(CASES.get(name, [None]))
    ],
)
each_op = pytest.mark.parametrize("name", OPS)


@each_case
def test_output_shape(name: str, case: Any) -> None:
    shapes = shapes_of(case)
    op = make(name, **case[0])
    y = run(op, live(op, shapes[0]), shapes[0], *tensors(shapes))
    assert op.infer(*shapes).dims == tuple(y.shape[1:])


@each_case
def test_parameters_and_buffers(name: str, case: Any) -> None:
    x = shapes_of(case)[0]
    op = make(name, **case[0])
    part = live(op, x)
    parameters: dict[str, Tensor] = {}
    buffers: dict[str, Tensor] = {}
    if isinstance(part, nn.Parameter):
        parameters[""] = part
    elif part is not None:
        parameters, buffers = dict(part.named_parameters()), dict(part.named_buffers())
    assert op.parameters(x) == {k: tuple(v.shape) for k, v in parameters.items()}
    assert op.buffers(x) == {k: tuple(v.shape) for k, v in buffers.items()}
    assert op.bare_parameter == isinstance(part, nn.Parameter)


@each_case
def test_macs(name: str, case: Any) -> None:
    shapes = shapes_of(case)
    op = make(name, **case[0])
    part = training(live(op, shapes[0]), False)
    counter = FlopCounterMode(display=False)
    with counter:
        run(op, part, shapes[0], *(t[:1] for t in tensors(shapes)))
    counted = op.macs(shapes[0], op.infer(*shapes))
    assert counted * 2 == counter.get_total_flops()


def test_the_counter_counts() -> None:
    """Guards the test above, where nearly every op rightly has no MACs."""
    x = Shape((8, 6, 5))
    conv = make("conv2d", out_channels=4, kernel_size=3)
    assert conv.macs(x, conv.infer(x)) == 4 * 4 * 3 * 8 * 9


@each_case
def test_function_computes_what_the_module_does(name: str, case: Any) -> None:
    shapes = shapes_of(case)
    op = make(name, **case[0])
    if op.merges:
        return
    part = training(live(op, shapes[0]), False)
    (x,) = tensors(shapes)
    y = call(op, shapes[0], x)
    if op.parameters(shapes[0]) or op.buffers(shapes[0]):
        assert y is None
    if y is not None:
        same = {"rtol": 0, "atol": 0, "equal_nan": True}
        torch.testing.assert_close(y, run(op, part, shapes[0], x), **same)


@each_op
def test_what_has_no_parameters_has_a_function_form(name: str) -> None:
    if not OPS[name].merges:
        op, x = make(name, **CASES[name][0][0]), shapes_of(CASES[name][0])[0]
        # PyTorch has no function for these
        none = (
            "stochastic_depth", "blur_pool2d", "max_pool2d_same", "avg_pool2d_same",
        )  # fmt: skip
        without = op.can_have_parameters() or name in none
        assert (op.function(x, Local("x")) is None) == without


# ------------------------------------------------------------------------- declarations


@each_op
def test_declarations_agree(name: str) -> None:
    """What a class says of itself is what its own rules give."""
    op = OPS[name]
    assert "torch" in (op.__doc__ or "")
    found: set[str] = set()
    helpers: set[str] = set()
    for case in CASES[name]:
        x = shapes_of(case)[0]
        used = make(name, **case[0])
        found |= set(used.parameters(x))
        assert used.short_name
        if op.merges:
            continue
        function = used.module(x).function
        kind = f"class {function}({op.module_class})" in (op.helper or "")
        assert op.module_class in (None, function) or kind
        if op.helper_of(function) is not None:
            helpers.add(function)
    assert op.can_have_parameters() == bool(found)
    assert set(op.initializable) <= found
    assert op.optional <= set(op.initializable)
    assert len(helpers) == (op.helper is not None)
    base = OPS[op.starts_as].module_class if op.starts_as else "nn.Module"
    bases = (base, op.module_class)
    assert all(
        any(f"class {helper}({base})" in (op.helper or "") for base in bases)
        for helper in helpers
    )
    for attribute, form in op.shows:
        assert attribute in op.model_fields and "{}" in form
    assert {attribute for attribute, _ in op.symbols} <= set(op.model_fields)
    for other in (*op.other_names, *(name for name, _ in op.special_names)):
        assert other not in OPS
        meant = meant_op(other)
        assert meant is not None and meant.op is op, other
        assert absent(other) is None, other
    for other, here in op.other_attributes:
        assert here in op.model_fields and other not in op.model_fields
    assert issubclass(op, Merge) == op.merges
    if op.helper is not None:
        assert all(map(is_helper, re.findall(r"^class (\w+)", op.helper, re.M)))


@each_op
def test_optional_parameters_are_those_that_pytorch_annotates_so(name: str) -> None:
    op = OPS[name]
    if op.initializable and (op.module_class or "").startswith("nn."):
        module_class = getattr(nn, (op.module_class or "").removeprefix("nn."))
        hints = get_type_hints(module_class)
        optional = {p for p in op.initializable if hints.get(p, Tensor) != Tensor}
        assert op.optional == optional


@each_op
def test_unchanged_and_joined(name: str) -> None:
    for case in CASES[name]:
        shapes = shapes_of(case)
        op = make(name, **case[0])
        if op.unchanged:
            (x,) = tensors(shapes)
            assert run(op, live(op, shapes[0]), shapes[0], x) is x
        if op.joins_axes and len(shapes[0].dims) > 1:
            assert len(op.infer(*shapes).dims) < len(shapes[0].dims)
        if isinstance(op, Merge) and len(shapes) > 1:
            y = op.infer(*shapes)
            assert op.stacks_channels == (y.channels > max(x.channels for x in shapes))
            if len({x.dims for x in shapes}) == 1:
                inputs = tensors(shapes)
                turned = run(op, None, shapes[0], *reversed(inputs))
                same = torch.allclose(run(op, None, shapes[0], *inputs), turned)
                assert op.commutative == same


@each_op
def test_docs_tell_of_it(name: str) -> None:
    page = (ROOT / "docs" / "ops.md").read_text("utf-8")
    entry = page.partition(f"\n### {name}\n")[2].partition("\n#")[0]
    assert "- shape: " in entry and "- in code: " in entry
    for attribute in OPS[name].model_fields:
        assert f"| `{attribute}` |" in entry


@each_case
def test_schema(name: str, case: Any) -> None:
    right = specs.spec(name, case, named=True)
    assert [e.message for e in SCHEMA.iter_errors(right)] == []
    node = right["network"]["layers"][-1]
    node["no_such_attribute"] = 1
    assert not SCHEMA.is_valid(right)


# ----------------------------------------------------------------------- generated code


@each_case
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_generated_module_agrees(
    name: str, case: Any, named: bool, tmp_path: Path
) -> None:
    if OPS[name].bare_parameter and not named:
        return
    path = specs.write(tmp_path / "net.json", name, case, named=named)
    analysis = analyse(path, Loader(sink := Sink()), sink)
    assert analysis is not None, render_text(sink)
    network = analysis.network
    layers = list(network.layers())
    assert layers[-1].op.op == name
    found = verify(Subject(name, network, analysis.facts, emit(network)))
    assert found.passed, found.disagreements
    assert found.layers == len(layers)


@each_case
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_saved_to_the_byte(
    name: str, case: Any, precision: Any, tmp_path: Path
) -> None:
    """What autograd keeps, with real tensors on the CPU."""
    made = tracked.read(specs.write(tmp_path / "net.json", name, case, named=True))
    predicted = made.footprint(precision=precision, device="cpu").at(BATCH)
    assert predicted.saved == tracked.saved(made, "cpu", precision, fake=False)


@each_case
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_saved_to_the_byte_on_a_gpu(
    name: str, case: Any, precision: Any, tmp_path: Path
) -> None:
    """As a GPU has it: with fake tensors, which need none."""
    made = tracked.read(specs.write(tmp_path / "net.json", name, case, named=True))
    predicted = made.footprint(precision=precision, device="cuda").at(BATCH)
    assert predicted.saved == tracked.saved(made, "cuda", precision)


# -------------------------------------------------------------------- memory and views


@each_op
def test_aliases(name: str) -> None:
    shared: list[bool] = []
    for case in CASES[name]:
        shapes = shapes_of(case)
        op = make(name, **case[0])
        if op.merges and len(shapes) == 1:
            continue  # that is no merging
        part = training(live(op, shapes[0]), False)
        inputs = tensors(shapes)
        outputs = [run(op, part, shapes[0], *inputs)]
        if not op.merges and (other := call(op, shapes[0], inputs[0])) is not None:
            outputs.append(other)
        places = {x.untyped_storage().data_ptr() for x in inputs}
        shared += [y.untyped_storage().data_ptr() in places for y in outputs]
    assert OPS[name].aliases == any(shared)


@each_case
def test_range_of_outputs(name: str, case: Any) -> None:
    """Large numbers of both signs reach the bounds, or show that there are none."""
    shapes = shapes_of(case)
    op = make(name, **case[0])
    inputs = [100 * t for t in tensors(shapes)]
    with torch.no_grad():
        y = run(op, training(live(op, shapes[0]), True), shapes[0], *inputs)
    if op.output_range is not None:
        low, high = op.output_range
        assert low <= y.min() and y.max() <= high
        reached = y.max() > 100 if high == inf else y.max() > high - 0.01
        assert reached and y.min() < low + 0.01
    if op.keeps_range:
        (x,) = inputs
        assert min(x.min(), 0) <= y.min() and y.max() <= max(x.max(), 0)


@each_case
@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
def test_smallest_batch(name: str, case: Any, mode: bool) -> None:
    """Held to PyTorch at the case's shapes, and at single pixels of them."""
    op = make(name, **case[0])
    given = shapes_of(case)
    single = [Shape((x.channels, *(1,) * (len(x.dims) - 1))) for x in given]
    for shapes in (given, single):
        try:
            part = training(live(op, shapes[0]), mode)
            run(op, part, shapes[0], *(torch.randn(3, *x.dims) for x in shapes))
        except (RuntimeError, AttributeError, ValueError, ShapeError):
            continue  # no shape for this op
        try:
            run(op, part, shapes[0], *(torch.randn(1, *x.dims) for x in shapes))
            wanted = 1
        except ValueError as error:
            assert "more than 1 value per channel" in str(error)
            wanted = 2
        assert op.smallest_batch(shapes[0], training=mode) == wanted


@each_op
def test_saves(name: str) -> None:
    found: set[str] = set()
    for case in CASES[name]:
        found |= saved(make(name, **case[0]), shapes_of(case))
    known = {"input", "output", "weight"}
    assert found & known == OPS[name].saves & known
    assert ("other" in found) == bool(OPS[name].saves - known)
    assert ("indices" in found) == ("indices" in OPS[name].saves)


def saved(op: Op, shapes: list[Shape]) -> set[str]:
    """What autograd keeps for the op, in the words of `Saved`."""
    part = training(live(op, shapes[0]), True)
    inputs = [t.requires_grad_() for t in tensors(shapes)]
    kept: list[Tensor] = []

    def keep(t: Tensor) -> Tensor:
        kept.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        y = run(op, part, shapes[0], *inputs)
    parameters: list[Tensor] = []
    if isinstance(part, nn.Module):
        parameters = list(part.parameters())
    elif part is not None:
        parameters = [part]
    names = {y.data_ptr(): "output"}
    names |= {p.data_ptr(): "weight" for p in parameters}
    names |= {x.data_ptr(): "input" for x in inputs}
    found = {names.get(t.data_ptr(), "other") for t in kept}
    if any(not t.is_floating_point() for t in kept):
        found.add("indices")
    return found
