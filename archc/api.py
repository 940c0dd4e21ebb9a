"""The Python interface."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from archc import catalog
from archc.diagnostics.model import Diagnostic, Sink
from archc.diagnostics.render import render_text, summary_line
from archc.measure.summary import Summary, shapes_of, summarize
from archc.measure.tables import size
from archc.pipeline import Analysis, analyse
from archc.source.document import Document, parse_document
from archc.spec.expressions import Row, is_tuple
from archc.spec.load import Loader
from archc.spec.overrides import input_shape as input_overlay
from archc.spec.overrides import parameters

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archc.design.solve import Answer
    from archc.design.sweep import Sweep
    from archc.draw.chart import Level
    from archc.draw.palette import Theme
    from archc.draw.style import Direction
    from archc.measure.memory import Optimizer, Precision
    from archc.ops.steps import Device


class SpecError(Exception):
    """A spec with errors in it. As text, it is what `archc check` prints."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        """All that was found, warnings included."""

    def __str__(self) -> str:
        shown = render_text(self.diagnostics)
        return f"{summary_line(self.diagnostics)}\n\n{shown}".rstrip("\n")


class Network:
    """A compiled network: its numbers, its source, its diagram and the live module.

    Made by `load`, `loads` and `from_dict`.
    """

    def __init__(
        self, analysis: Analysis, diagnostics: Sequence[Diagnostic], recipe: _Recipe
    ) -> None:
        self._network = analysis.network
        self._facts = analysis.facts
        self._recipe = recipe
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        """The warnings that the spec gave."""

    @property
    def name(self) -> str:
        """The name of the network, and of the module generated for it."""
        return self._network.name

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The values of the spec's [params], with what `load` was given."""
        params = self._network.params
        return MappingProxyType({name: _shown(value) for name, value in params.items()})

    @property
    def params(self) -> int:
        """Trainable parameters, without auxiliary classifiers."""
        return self._facts.params

    @property
    def params_with_heads(self) -> int:
        """Trainable parameters, with auxiliary classifiers."""
        return self._facts.params_with_heads

    @property
    def buffers(self) -> int:
        """Numbers in the `state_dict` that are not trained."""
        return self._facts.buffers

    @property
    def macs(self) -> int:
        """Fused multiply-adds of convolutions and linear layers for one sample."""
        return self._facts.macs

    @property
    def receptive_field(self) -> int | tuple[int, ...] | None:
        """In input pixels, of the last feature map before a global operation: the
        longer side, or, of a volume, depth, height and width."""
        return self._facts.receptive_field

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Without the batch; of the first input, where they have names."""
        return next(iter(self.input_shapes.values()))

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Without the batch, by name, in the order in which `forward` takes them; the
        input of a network that gives it no name is called `input`."""
        return MappingProxyType(shapes_of(self._network.inputs))

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Without the batch; of the first output, where they have names."""
        return next(iter(self.output_shapes.values()))

    @property
    def output_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Without the batch, by name; the output of a network that gives it no name is
        called `output`."""
        return MappingProxyType(shapes_of(self._network.outputs))

    def with_params(self, **params: Any) -> Network:
        """The network of the same spec with other values of its [params] or nodes in
        its [slots]; those that this one was given stay, and so does its input.

        The spec is not read again, so that sweeps are quick.

        Raises:
            SpecError: if the spec has errors with these values.
            TypeError: if a parameter is nothing that a spec could hold.
        """
        known = self._recipe
        given = {**known.params, **params}
        return replace(known, params=given, caller="with_params").network()

    def summary(self) -> Summary:
        """The layer table; printed it is text, in a notebook a table."""
        return summarize(self._network, self._facts)

    def source(self) -> str:
        """The source of the PyTorch module."""
        from archc.emit.module import emit

        return emit(self._network)

    def dot(self) -> str:
        """The diagram in Graphviz's language."""
        from archc.draw.diagram import diagram

        return diagram(self._network, self._facts).dot()

    def draw(
        self,
        path: str | os.PathLike[str],
        *,
        level: Level | None = None,
        width: float | None = None,
        theme: Theme = "light",
        direction: Direction = "tb",
    ) -> None:
        """Write a picture to a file, in the format that its ending says: svg, pdf, png,
        dot, mmd (Mermaid) or tex (TikZ).

        `width` is in millimetres; type is then of at least 6 pt. What the level, the
        direction and the theme mean is told by `archc draw --help`.

        Raises:
            ValueError: if the ending is of no such format, or nothing fits the width.
            archc.draw.render.RenderError: if pdf or png are asked for without Graphviz.
            OSError: if the file cannot be written.
        """
        from archc.draw.drawing import Options, draw, format_of
        from archc.output import Output, write

        options = Options(level, direction, width, theme)
        content = draw(self._network, self._facts, format_of(Path(path)), options)
        write([Output(Path(path), content)])

    def report(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Writes a page to explore the network in a browser, `NAME.html` by default.

        Raises:
            FileExistsError: if the file is there and is no page of archc's.
            ValueError: if it does not end in .html.
            OSError: if it cannot be written.
        """
        from archc.compare.model import Side
        from archc.output import Output, write
        from archc.page.html import target, to_html
        from archc.page.page import page_of

        found = target(Path(f"{self.name}.html" if path is None else path))
        side = Side(self._network, self._facts, self.name)
        write([Output(found, to_html(page_of([side])).encode())])
        return found

    def module(
        self,
        *,
        weights: str | os.PathLike[str] | Mapping[str, Tensor] | None = None,
        **arguments: Any,
    ) -> nn.Module:
        """A new instance of the network, with freshly initialised weights.

        `weights` are a file (a state dict as torch.save or safetensors wrote it, or a
        checkpoint of `archc train`), a state dict, or `"torchvision"` for those that it
        publishes for its editions. They are held to the network by name and shape
        before anything of it runs. `arguments` go to the constructor of the generated
        class.

        Raises:
            ImportError: without PyTorch.
            ValueError: if the weights cannot be read, or are not of this network.
        """
        try:
            import torch  # noqa: F401  # pyright: ignore[reportUnusedImport]
        except ImportError as error:
            raise ImportError(
                "a live module needs PyTorch: pip install 'archc-compiler[torch]'"
            ) from error
        from archc.run.subject import imported

        generated = imported(self.name, self.source())
        network_class = getattr(generated, generated.__all__[0])
        if weights is None:
            return network_class(**arguments)
        from archc.run.weights.fit import fitted
        from archc.run.weights.given import given

        # of the catalogue, as torchvision's editions are known by it
        entry = catalog.locate(Path(self._recipe.label))
        label = self._recipe.label if entry is None else entry.key
        found = fitted(self._network, given(weights, label), label)
        made = network_class(**arguments)
        found.load(made)
        return made

    def _repr_svg_(self) -> str:
        from archc.draw.diagram import diagram

        return diagram(self._network, self._facts).picture("svg").decode()

    def __repr__(self) -> str:
        starts = ", ".join(map(size, self.input_shapes.values()))
        ends = ", ".join(map(size, self.output_shapes.values()))
        return (
            f"<Network {self.name}: {starts} -> {ends},"
            f" {self.params:,} parameters, {self.macs:,} MACs>"
        )


Shape = Sequence[int] | Mapping[str, Sequence[int]]
"""Of an input without the batch, or those of several by name."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What a network is made from."""

    spec: Path | Document
    loader: Loader
    label: str
    """What the spec was asked for as."""
    caller: str
    """The function that was given the parameters."""
    params: dict[str, Any]
    input_shape: Shape | None

    def network(self) -> Network:
        sink = Sink()
        analysis = analyse(
            self.spec, replace(self.loader, sink=sink), sink, self._overlays(sink)
        )
        if analysis is not None:
            return Network(analysis, tuple(sink), self)
        if not sink.failed:
            raise ValueError(
                f"{self.label} only holds blocks for others to use, and no network"
            )
        path = Path(self.label)
        named = isinstance(self.spec, Path)
        raise SpecError(catalog.with_names(sink, path) if named else tuple(sink))

    def _overlays(self, sink: Sink) -> tuple[Document, ...]:
        given, shape = self.params, self.input_shape
        name = f"archc.{self.caller}"
        overlays = [parameters(given, name, sink) if given else None]
        if isinstance(shape, Mapping):
            overlays += [input_overlay(d, sink, name) for name, d in shape.items()]
        elif shape is not None:
            overlays.append(input_overlay(shape, sink))
        return tuple(overlay for overlay in overlays if overlay is not None)


def load(
    path: str | os.PathLike[str],
    /,
    *,
    input_shape: Shape | None = None,
    allow_outside: bool = False,
    **params: Any,
) -> Network:
    """The network of the spec at `path`, or of the name that `archc list` shows.

    `params` override the spec's [params] and, with nodes as dicts, its [slots], and
    `input_shape` its input (channels, height, width), or those of its `inputs` by name;
    with one of them the spec's claims are not checked. `allow_outside` lets it name
    files outside its own tree.

    Raises:
        SpecError: if the spec has errors.
        TypeError: if `path` is none, or a parameter nothing that a spec could hold.
        ValueError: if there is no network in the file, or several have the name.
    """
    if not isinstance(path, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"archc.load takes the path of a spec, or a name that `archc list` shows,"
            f" not {_kind(path)}"
        )
    entry = catalog.locate(Path(path))
    spec = Path(path) if entry is None else entry.path
    loader = Loader(Sink(), anywhere=allow_outside)
    return _Recipe(spec, loader, str(path), "load", params, input_shape).network()


def loads(
    text: str,
    /,
    *,
    input_shape: Shape | None = None,
    allow_outside: bool = False,
    **params: Any,
) -> Network:
    """The network of a spec that is text, in TOML or JSON.

    Files that it extends or uses are looked for from the current directory. The other
    arguments, and what is raised, are those of `load`.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"archc.loads takes the text of a spec, in TOML or JSON, not {_kind(text)}"
        )
    format = "json" if text.lstrip("\ufeff \t\r\n").startswith("{") else "toml"
    return _of_text(text, format, "loads", params, input_shape, allow_outside)


def from_dict(
    spec: Mapping[str, Any],
    /,
    *,
    input_shape: Shape | None = None,
    allow_outside: bool = False,
    **params: Any,
) -> Network:
    """The network of a spec that is a dict, as TOML or JSON would give it.

    It is not kept: what is changed in it later changes nothing. The other arguments,
    and what is raised, are those of `loads`.

    Raises:
        TypeError: if something in it is nothing that a spec could hold.
    """
    if not isinstance(spec, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"archc.from_dict takes a dict, not {_kind(spec)}")
    try:
        text = json.dumps(spec, indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"this is nothing that a spec could hold: {error}") from error
    return _of_text(text, "json", "from_dict", params, input_shape, allow_outside)


def _kind(value: object) -> str:
    """What was given instead, and who takes that."""
    name = "None" if value is None else type(value).__name__
    return f"{name}; archc.from_dict takes one" if isinstance(value, dict) else name


def _of_text(
    text: str,
    format: str,
    caller: str,
    params: dict[str, Any],
    input_shape: Shape | None,
    allow_outside: bool,
) -> Network:
    sink, name = Sink(), f"archc.{caller}"
    document = parse_document(text, name, format, sink)
    if document is None:
        raise SpecError(tuple(sink))
    loader = Loader(sink, anywhere=allow_outside)
    return _Recipe(document, loader, name, caller, params, input_shape).network()


def sweep(
    spec: Network | str | os.PathLike[str],
    /,
    *,
    vary: Mapping[str, Iterable[Any]],
    batch: int = 32,
    optimizer: Optimizer = "sgd",
    precision: Precision = "fp32",
    device: Device = "cuda",
) -> Sweep:
    """What a network amounts to for every combination of values of its [params].

    `vary` gives the values by name, or by item of a list: `{"depths[2]": range(1, 9)}`.
    Memory is the peak of a training step, in bytes. Printed it is a table, in a
    notebook a plot; `to_csv`, `to_json` and `to_svg` give it in other forms.

    Raises:
        SpecError: if the spec has errors.
        ValueError: if there is no such parameter, or nothing for it to be.
    """
    from archc.design.ranges import given
    from archc.design.sweep import sweep as sweep_variants
    from archc.design.variants import Step, Variants

    network = spec if isinstance(spec, Network) else load(spec)
    ranges = [given(name, values) for name, values in vary.items()]
    variants = Variants(network._network.spec, ranges)  # pyright: ignore[reportPrivateUsage]
    return sweep_variants(variants, Step(batch, optimizer, precision, device))


def solve(
    spec: Network | str | os.PathLike[str],
    /,
    *,
    vary: Mapping[str, Iterable[Any]],
    where: Sequence[str] = (),
    maximize: str | None = None,
    minimize: str | None = None,
    limit: int = 4000,
) -> Answer:
    """The values of a network's [params] that satisfy conditions and have most, or
    least, of something; printed it says what limits them.

    Conditions are expressions: `macs <= 1e9`, `memory(batch=64, optimizer="adam") <=
    24GB`. At most `limit` combinations are looked at.

    Raises:
        SpecError: if the spec has errors.
        ValueError: if there is no such parameter, or a text is no condition.
    """
    from archc.design.ranges import given
    from archc.design.solve import solve as solve_variants
    from archc.design.variants import Variants

    network = spec if isinstance(spec, Network) else load(spec)
    ranges = [given(name, values) for name, values in vary.items()]
    variants = Variants(network._network.spec, ranges)  # pyright: ignore[reportPrivateUsage]
    return solve_variants(
        variants, where, maximize=maximize, minimize=minimize, limit=limit
    )


class ImportRefused(Exception):
    """A module that no spec says, or whose spec would compute something else."""


def import_module(
    module: nn.Module,
    input_shape: Sequence[int] | Mapping[str, Sequence[int]],
    *,
    name: str | None = None,
    opaque: bool = False,
) -> str:
    """The text of a spec that is `module`.

    `input_shape` is that of one sample, without the batch (channels, height, width), or
    those of several inputs by the names of `forward`'s arguments. The spec is compiled,
    takes the module's `state_dict` strictly and gives the same outputs on the CPU in
    evaluation; the module is as it was afterwards. `name` is the network's, by default
    that of its class. Where it may be `opaque`, modules that no spec can say stay what
    they are: ops of the spec's own, which import their class.

    Raises:
        ImportRefused: with every reason, if there is no such spec.
        ImportError: without PyTorch.
    """
    try:
        from archc.run.importing.session import import_network
        from archc.run.importing.tracer import input_names
    except ImportError as error:
        raise ImportError(
            "importing a module needs PyTorch: pip install 'archc-compiler[torch]'"
        ) from error
    if not isinstance(input_shape, Mapping):
        names = input_names(module)
        input_shape = {names[0] if names else "input": input_shape}
    result = import_network(
        module, name or type(module).__name__, input_shape, opaque=opaque
    )
    if not result.passed:
        proof = result.proof
        reasons = list(map(str, result.refused))
        reasons = reasons or [
            proof.why
            or (
                "it differs in a step of training"
                if proof.training == "differ"
                else f"its outputs differ, first at {proof.first}"
            )
        ]
        raise ImportRefused("\n".join(reasons))
    return result.text


def _shown(value: Any) -> Any:
    """A parameter's value with tables for its rows."""
    if is_tuple(value):
        return tuple(map(_shown, value))
    if isinstance(value, Row):
        return dict(zip(value.fields, map(_shown, value.items), strict=True))
    return value
