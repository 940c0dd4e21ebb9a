"""Inlay hints: what each node gives, folded where it stands for many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from archc.diagnostics.model import Sink
from archc.live.lsp.inherited import inherited
from archc.live.workspace import Workspace, resolved
from archc.measure.cost import Facts
from archc.network.graph import Layer, Network, Region
from archc.ops.sizes import Shape
from archc.pipeline import examine
from archc.spec.model import Node

Detail = Literal["shape", "params", "macs"]
_SHOWN = 3
"""How many different values of one node are written out."""


@dataclass(slots=True)
class Met:
    """What a node was met as, in order: in each instance, each time it is repeated."""

    outputs: list[Shape | None] = field(default_factory=list["Shape | None"])
    inputs: list[Shape | None] = field(default_factory=list["Shape | None"])
    parts: list[Layer | Region] = field(default_factory=list["Layer | Region"])
    repeats: list[int] = field(default_factory=list[int])

    def layers(self) -> Iterator[Layer]:
        """The layers that it is, in all places."""
        for part in self.parts:
            if isinstance(part, Layer):
                yield part
            else:
                yield from part.layers()


@dataclass(frozen=True, slots=True)
class Hint:
    """A text for behind a character offset."""

    offset: int
    text: str


def hints(
    workspace: Workspace, path: Path, detail: Detail = "shape"
) -> tuple[Hint, ...]:
    """The hints of a file as it is now; none of what nobody knows."""
    state = workspace.look(path)
    network, facts = state.findings.network, state.findings.facts
    if network is None and any(d.code == "syntax-error" for d in state.diagnostics):
        network = _of_broken(workspace, path)
    if network is None:
        return ()
    key = resolved(path)
    found: list[Hint] = []
    for node, met in nodes_met(network).items():
        merged = node.origin.merged
        try:
            document = merged.document(node.origin.path)
        except KeyError:
            continue
        if resolved(document.path) != key:
            continue
        text = said(met, facts, detail)
        there = document.locator().exact(document.as_written(node.origin.path), "item")
        if text and there is not None:
            found.append(Hint(there[1], text))
    beside = inherited(workspace, path, network, facts, detail)
    found += [Hint(offset, text) for offset, text in beside]
    return tuple(sorted(found, key=lambda hint: hint.offset))


def _of_broken(workspace: Workspace, path: Path) -> Network | None:
    """The network of a text that does not parse, with what is wrong covered.

    A line that is a node is read as one that nobody knows, so that what is behind it is
    not known either. Of any other mistake, nothing is known.
    """
    text = workspace.text(path)
    if text is None:
        return None
    key = resolved(path)
    for _ in range(3):
        sink = Sink()
        findings = examine(path, workspace.loader(sink, {key: text}), sink)
        if findings.network is not None:
            return findings.network
        fault = next((d for d in sink if d.code == "syntax-error"), None)
        if fault is None or resolved(Path(fault.place.file)) != key:
            return None
        covered = cover_line(text, fault.place.span().line)
        if covered is None:
            return None
        text = covered
    return None


_NODE_LINE = re.compile(r"^([ \t]+)\{.*?(,?)[ \t]*(#.*)?\r?$")


def cover_line(text: str, number: int) -> str | None:
    """The text with a line that is one node covered; None where it is none.

    Brackets that it leaves open, or closes too many of, are its own mistake.
    """
    lines = text.split("\n")
    found = _NODE_LINE.match(lines[number - 1]) if number <= len(lines) else None
    if found is None:
        return None
    line = lines[number - 1]
    if re.search(r"(layers|branches) *= *\[[^\]]*$", line):
        return None  # what follows is inside of it
    lines[number - 1] = f'{found[1]}"",'.ljust(len(line))
    return "\n".join(lines)


def nodes_met(network: Network) -> dict[Node, Met]:
    """What each node of a spec gives, wherever it stands."""
    found: dict[Node, Met] = {}
    bodies = [network.body, *(head.region for head in network.heads)]
    for body in bodies:
        for part in body.parts:
            _meet(part, found)
    return found


def _node_of(part: Layer | Region) -> Node | None:
    if isinstance(part, Layer):
        return part.again.node if part.again is not None else part.node
    return part.node


def _meet(part: Layer | Region, found: dict[Node, Met]) -> None:
    """Notes a part and what is in it. Of several parts that are one node, the
    outermost says what it gives."""
    stack: list[tuple[Layer | Region, Node | None]] = [(part, None)]
    while stack:
        here, around = stack.pop()
        node = _node_of(here)
        if node is not None and node is not around:
            _note(here, node, found)
        if isinstance(here, Region) and here.kind != "share":
            inner = node if node is not None else around
            stack.extend((p, inner) for p in reversed(here.parts))


def _note(part: Layer | Region, node: Node, found: dict[Node, Met]) -> None:
    met = found.setdefault(node, Met())
    if isinstance(part, Layer):
        output, given = part.output.shape, part.inputs[0].shape
    else:
        output, given = part.output.shape, part.input.shape
    met.parts.append(part)
    met.outputs.append(output)
    met.inputs.append(given)
    repeated = isinstance(part, Region) and part.kind == "repeat"
    met.repeats.append(len(part.parts) if isinstance(part, Region) and repeated else 1)


def said(met: Met, facts: Facts | None, detail: Detail) -> str:
    """The text of a hint; empty where a value is not known everywhere."""
    text = shapes_said(met.outputs)
    if not text:
        return ""
    if {*met.repeats} != {1}:
        text += f", repeated {folded_values(met.repeats, count=False)} times"
    if facts is None or detail == "shape":
        return text
    layers = [facts.layers[layer] for layer in met.layers() if layer in facts.layers]
    if detail == "params":
        total = sum(layer.params for layer in layers)
        return f"{text}, {total:,} parameters" if total else text
    total = sum(layer.macs for layer in layers)
    return f"{text}, {total:,} MACs" if total else text


def shapes_said(shapes: Sequence[Shape | None]) -> str:
    """Shapes in few words; nothing where one is not known."""
    dims: list[Any] = []
    for shape in shapes:
        if shape is None:
            return ""
        dims.append(shape.dims)
    return folded_values(dims, shown=lambda sizes: " x ".join(map(str, sizes)))


def folded_values(
    values: Sequence[Any], *, count: bool = True, shown: Callable[[Any], str] = str
) -> str:
    """Values in a row in few words: the different ones, and of how many."""
    different = [shown(value) for value in dict.fromkeys(values)]
    if len(different) > _SHOWN:
        text = f"{different[0]} ... {different[-1]}"
    else:
        text = " | ".join(different)
    if count and len(values) > 1:
        text += f" ({len(values)} times)"
    return text
