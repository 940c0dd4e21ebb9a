"""A compiled network in Python: its numbers, its source, its pictures, its module."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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
from archc.source.document import Document
from archc.spec.expressions import Row, is_tuple
from archc.spec.load import Loader
from archc.spec.overrides import input_shape as input_overlay
from archc.spec.overrides import parameters

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archc.draw.chart import Level
    from archc.draw.palette import Theme
    from archc.draw.style import Direction


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
        self, analysis: Analysis, diagnostics: Sequence[Diagnostic], recipe: Recipe
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
            ValueError: if the ending is of no such format, an argument is none of those
                that there are, or nothing fits the width.
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
class Recipe:
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


def _shown(value: Any) -> Any:
    """A parameter's value with tables for its rows."""
    if is_tuple(value):
        return tuple(map(_shown, value))
    if isinstance(value, Row):
        return dict(zip(value.fields, map(_shown, value.items), strict=True))
    return value
