"""Whether what archc makes of one spec is right; if not, what kind of mistake it is."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.draw.diagram import diagram
from archc.emit.module import emit
from archc.network.graph import Network
from archc.network.places import places
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader
from archc.spec.model import OpNode
from archc.spec.overrides import parameters
from tests.emit import holding, live
from tests.emit.mismatch import Mismatch, check, fingerprint, raised, step
from tests.emit.oracle import layers_of
from tests.random_networks.simulate import Table


@dataclass(frozen=True)
class Verdict:
    """What became of a spec; `kind` is None where all is right."""

    accepted: bool
    kind: str | None = None
    detail: str = ""
    refused: str | None = None
    """The code of the first error of a spec that is not accepted."""


MOST_NUMBERS = 200_000_000
"""In parameters and in what layers give, for one image: some GB in a step of training.
An edit that doubles channels in a loop comes to any number of these."""
CLAIMS = ("expectation", "shape-claim")


def judge(
    spec: Table,
    folder: Path,
    *,
    thorough: bool = True,
    tools: bool = False,
    command: bool = False,
) -> Verdict:
    """Checks a spec, and holds what is made of it to torch.

    `thorough` also emits twice and tries other arguments of the constructor, `tools`
    asks Ruff, and `command` archc's command line; the last two take long.
    """
    path = folder / "random_net.json"
    path.write_text(json.dumps(spec, ensure_ascii=False, indent=1), encoding="utf-8")
    sink = Sink()
    try:
        analysis = analyse(path, Loader(sink), sink)
    except Exception as error:
        return Verdict(True, *raised("check", error))
    if analysis is None:
        return _refused(sink)
    if _numbers(analysis) > MOST_NUMBERS:
        return Verdict(False, refused="too large to be run")
    try:
        with step("using the module"):
            with step("emit"):
                source = emit(analysis.network)
            made = holding.network_class(source, analysis.network.name)
            holding.hold_class(made, analysis)
            _hold_places(analysis)
            with step("draw"):
                drawing = diagram(analysis.network, analysis.facts)
                drawing.dot()
                drawing.picture("svg")
            if thorough:
                _hold_bytes(source, path)
                _hold_arguments(made, analysis, path)
        if tools:
            _ask_ruff(source)
        if command:
            _ask_command(path, source)
    except Mismatch as mismatch:
        return Verdict(True, mismatch.kind, mismatch.detail)
    return Verdict(True)


def _numbers(analysis: Analysis) -> int:
    """How many numbers a network has, and gives for one image."""
    given = (prod(x.output_shape().sizes) for x in analysis.network.all_layers())
    return analysis.facts.params_with_heads + sum(given)


def _hold_places(analysis: Analysis) -> None:
    """Whatever a layer reads is where the layer is, but for what is moved there."""
    lives = places(analysis.network)
    for layer, place in lives.items():
        if layer.op.op == "to":
            continue
        # of what gives its size alone, no number is read
        sized = isinstance(layer.node, OpNode) and layer.node.beside is not None
        for value in layer.inputs[:1] if sized else layer.inputs:
            first = analysis.network.spec.places[0]
            where = first if value.layer is None else lives[value.layer]
            check(where == place, "read elsewhere", f"{layer.path}: {where}, {place}")


def _refused(sink: Sink) -> Verdict:
    """Whatever the generator draws may be refused, but what it counts must be so."""
    errors = [d for d in sink if d.severity == "error"]
    code = errors[0].code
    if code in CLAIMS:
        return Verdict(True, f"check: {code}", render_text(sink))
    return Verdict(False, refused=code)


def analysed(path: Path, params: Table | None = None) -> Analysis | None:
    """The network of a spec, with parameters of its own; None if it is refused."""
    sink = Sink()
    overlay = parameters(params, "a test", sink) if params else None
    overlays = () if overlay is None else (overlay,)
    return analyse(path, Loader(sink), sink, overlays)


def _hold_bytes(source: str, path: Path) -> None:
    again = analysed(path)
    assert again is not None
    check(emit(again.network) == source, "emit: not deterministic")


def _hold_arguments(made: Any, analysis: Analysis, path: Path) -> None:
    given = analysis.network.spec.params
    names = holding.arguments_of(made, list(given))
    for name, value, other in _overridden(analysis, path):
        if name not in names:
            continue
        try:
            argument = tuple(value) if isinstance(value, list) else value
            holding.hold_class(made, other, {names[name]: argument})
        except Mismatch as mismatch:
            raise Mismatch(
                f"with other arguments: {mismatch.kind}",
                f"{name} = {value}\n{mismatch.detail}",
            ) from mismatch


# ---- other arguments


def _overridden(analysis: Analysis, path: Path) -> Iterator[tuple[str, Any, Analysis]]:
    """The network with one of its parameters changed, for each where it can follow."""
    network = analysis.network
    for name, value in network.spec.params.items():
        for other in _others(value):
            try:
                changed = analysed(path, {name: other})
            except Exception as error:
                kind, detail = raised("check with --set", error)
                raise Mismatch(kind, detail) from error
            if changed is not None and can_follow(network, changed.network):
                yield name, other, changed
                break


def _others(value: Any) -> list[Any]:
    """Values of the same kind; none for what is computed from other parameters."""
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1, max(value - 1, 0), value * 2]
        case float():
            return [value / 2, value * 1.5]
        case tuple() if all(isinstance(v, bool | int | float | tuple) for v in value):
            grown = [*value, *value[-1:]]
            changed = [_others(v)[0] for v in value[:1]] + list(value[1:])
            return [_listed(grown), _listed(changed), _listed(value[::-1])]
        case _:
            return []


def _listed(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_listed(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def can_follow(network: Network, other: Network) -> bool:
    """Whether the module of one can be made the other by its arguments.

    The constructor knows channels, and maps' sizes only as numbers. So a length that
    comes of a size (behind a flatten, of an axis that a permute made the channels, of
    a layer normalisation over the width) cannot follow, and sizes must stay. Of a node
    that the network has nowhere, nobody knows the shape that it would read. Code is
    written for values with these axes, and for these axes to be lost in a sum.
    """
    pairs = zip(network.inputs.values(), other.inputs.values(), strict=True)
    if any(one.shape != same.shape for one, same in pairs):
        return False
    if not _written(other, but="activation") <= _written(network):
        return False
    axes = {_key(layer): _axes(layer) for layer in layers_of(network)}
    if any(axes.get(_key(x), _axes(x)) != _axes(x) for x in layers_of(other)):
        return False
    reduced = {_key(x): _along(x) for x in layers_of(network)}
    if any(reduced.get(_key(x), _along(x)) != _along(x) for x in layers_of(other)):
        return False
    alike = {_key(layer) for layer in layers_of(network) if not _spreads(layer)}
    if any(_key(x) in alike and _spreads(x) for x in layers_of(other)):
        return False
    sized = {
        "flatten", "permute", "layer_norm", "rms_norm", "transpose", "unflatten",
        "reshape", "linear",
    }  # fmt: skip
    if not any(layer.op.op in sized for layer in layers_of(other)):
        return True
    sizes = {_key(layer): _sizes(layer) for layer in layers_of(network)}
    for layer in layers_of(other):
        known = sizes.get(_key(layer))
        if known is None or known != _sizes(layer):
            return False
    return True


def _written(network: Network, *, but: str = "") -> set[Any]:
    """The nodes that became something: layers, `but` for those of a category, and what
    another argument may put a skip around."""
    bodies = (network.body, *(head.region for head in network.heads))
    there = [r.node for b in bodies for r in b.regions() if r.kind in _SKIPPED]
    layers = [x.node for x in layers_of(network) if x.op.category != but]
    return {node.origin.path for node in (*layers, *there) if node is not None}


_SKIPPED = ("block", "branches", "group", "iteration", "share")


def _key(layer: Any) -> tuple[str, str]:
    return layer.path, layer.op.op


def _along(layer: Any) -> Any:
    """The axes that a layer loses."""
    return layer.op.dim if layer.op.op in {"sum", "mean", "amax"} else None


def _spreads(layer: Any) -> bool:
    """Whether the channels of what is merged differ, or are one: where neither is so,
    code takes it that they are as many with other arguments too."""
    if not getattr(layer.op, "spreads", False):
        return False
    widths = {value.shape.channels for value in layer.inputs}
    return len(widths) > 1 or widths == {1}


def _axes(layer: Any) -> list[tuple[int, int | None]]:
    values = (*layer.inputs, layer.output)
    return [(len(v.shape.dims), v.shape.channel_axis) for v in values]


def _sizes(layer: Any) -> list[tuple[int, ...]]:
    """The dims of what a layer reads and makes, without the channels."""
    found: list[tuple[int, ...]] = []
    for value in (*layer.inputs, layer.output):
        axis, dims = value.shape.channel_axis, value.shape.dims
        found.append(tuple(size for n, size in enumerate(dims) if n != axis))
    return found


# ---- tools


def _ask_ruff(source: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "module.py").write_text(source, encoding="utf-8")
        # a `when` inside a `when` is an `if` inside an `if`; names are the spec's
        said = live.ruff(
            "check", "--ignore", "SIM102,SIM300,E501,E712,E741,E742", folder
        )
        rule = next((w for w in said.split() if w[:1].isupper() and w[1:].isalnum()
                     and any(c.isdigit() for c in w)), "?") if said else ""  # fmt: skip
        check(not said, f"ruff check: {rule}", said)
        said = live.ruff("format", "--check", folder)
        check(not said, "ruff format", said)


def _ask_command(path: Path, source: str) -> None:
    """Compiles by the command line, and imports the module as a file beside others."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "archc", "compile", str(path), "-o", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        check("Traceback" not in said, "archc compile: traceback", said)
        code = done.returncode
        check(code == 0, f"archc compile exits {code}", said)
        written = next(Path(folder).glob("*.py"))
        same = written.read_text(encoding="utf-8") == source
        check(same, "emit: another process writes other bytes")
        name = written.stem
        script = f"import {name}; print({name}.__all__)"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        last = done.stderr.strip().rpartition("\n")[2]
        kind = f"the written file does not import: {fingerprint(last)[:70]}"
        check(done.returncode == 0, kind, done.stderr)
