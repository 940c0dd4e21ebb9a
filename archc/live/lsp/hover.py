"""What an editor shows of the word under the pointer, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from archc.diagnostics.codes import CODES
from archc.diagnostics.model import Diagnostic
from archc.live.lsp.family import Family, File
from archc.live.lsp.hints import Met, folded_values, shapes_said
from archc.live.lsp.nodes import Instances, node_around
from archc.live.lsp.outline import Item
from archc.live.lsp.symbols import Symbol
from archc.live.workspace import State
from archc.measure.rows import seen_as_text
from archc.network.graph import Region
from archc.ops.attributes import plain
from archc.ops.base import Op
from archc.ops.registry import OPS
from archc.pipeline import Analysis
from archc.source.positions import KeyPath
from archc.spec import tables
from archc.spec.expressions import is_tuple

_BATCH = 32
"""For how many samples the share of memory is told."""
_SAYS_NODE = ("op", "block", "name", "share", "slot")
"""At which keys of a node the numbers of the whole of it are shown."""
_TABLES: dict[KeyPath, type[BaseModel]] = {
    (): tables.FileTable,
    ("network",): tables.NetworkTable,
    ("expect",): tables.ExpectTable,
}


@dataclass(slots=True)
class Memories:
    """The memory that layers have a share in, worked out when it is first asked for."""

    _known: dict[int, tuple[Analysis, dict[str, int], int]] = field(
        default_factory=dict[int, tuple[Analysis, dict[str, int], int]]
    )

    def share(self, analysis: Analysis, paths: set[str]) -> float | None:
        """The share of layers in what a training step keeps, from 0 to 1."""
        known = self._known.get(id(analysis))
        if known is None or known[0] is not analysis:
            from archc.emit.execution import execution
            from archc.measure.memory import footprint

            found = footprint(analysis.network, execution(analysis.network)).at(_BATCH)
            rows = {row.path: row.saved + row.parameters for row in found.layers}
            known = analysis, rows, sum(rows.values())
            self._known.clear()
            self._known[id(analysis)] = known
        _, rows, total = known
        return sum(rows.get(path, 0) for path in paths) / total if total else None


def hover(
    family: Family, file: File, state: State, memories: Memories, offset: int
) -> tuple[str, int, int] | None:
    """The text for an offset, and the stretch that it is about."""
    item = file.root.innermost(offset)
    start, end = item.key or (item.start, item.end)
    on_key = item.key is not None and item.key[0] <= offset <= item.key[1]
    if not on_key:
        start, end = item.start, item.end
    parts = [
        *_symbol(family, file, offset),
        *(_key(file, item) if on_key else _value(item)),
    ]
    node = node_around(item)
    about = item is node or item.name in _SAYS_NODE
    if node is not None and about:
        met = Instances(state).at(file.path, node.path())
        if met is not None:
            parts.append(_numbers(met[1], state, memories))
    text = "\n\n".join(part for part in parts if part)
    return (text, start, end) if text else None


def diagnostic_text(diagnostic: Diagnostic) -> str:
    """What a diagnostic's code means."""
    code = CODES[diagnostic.code]
    return f"**{code.slug}**: {code.summary}\n\n{code.explanation.strip()}"


def _symbol(family: Family, file: File, offset: int) -> Iterator[str]:
    mention = family.mention(file, offset)
    if mention is None:
        return
    symbol = mention.symbol
    if symbol.kind == "block":
        found = family.block(file, symbol.name)
        yield f"block `{symbol.name}`" + ("" if found is None else _block(found[1]))
    elif symbol.kind == "param":
        where = f"block `{symbol.body[0]}`" if symbol.body else "the network"
        yield f"`{symbol.name}`, a parameter of {where}" + _default(
            family, file, symbol
        )


def _default(family: Family, file: File, symbol: Symbol) -> str:
    for other, mention in family.definitions(file, symbol):
        item = other.root.innermost(mention.start)
        if item.key is not None and item.end > item.start:
            return f" = `{other.text[item.start : item.end][:200]}`"
    return ""


def _block(block: Item) -> str:
    doc, params = block.get("doc"), block.get("params")
    defaults = block.get("defaults")
    lines = "" if doc is None else f"\n\n{doc.text}"
    if params is not None and params.children:
        lines += f"\n\nparams: {', '.join(f'`{p.text}`' for p in params.children)}"
    if defaults is not None and defaults.children:
        shown = (f"`{d.name} = {d.raw or '...'}`" for d in defaults.children)
        lines += f"\n\ndefaults: {', '.join(shown)}"
    return lines


def op_of(node: Item | None) -> type[Op] | None:
    """The op that a node's table names."""
    name = None if node is None else node.get("op")
    try:
        return None if name is None else OPS.get(name.text)
    except Exception:  # a module of that name that is no op
        return None


def _value(item: Item) -> Iterator[str]:
    if item.name == "op":
        op = op_of(item.parent)
        if op is not None:
            yield op_text(op)


def op_text(op: type[Op]) -> str:
    """What an op does, and its attributes with their defaults."""
    said = " ".join((op.__doc__ or "").split())
    lines = [f"**{op.op}**: {said}"]
    if op.model_fields:
        shown = (attribute_signature(op, key) for key in op.model_fields)
        lines.append(", ".join(f"`{one}`" for one in shown))
    return "\n\n".join(lines)


def attribute_signature(op: type[Op], key: str) -> str:
    """An attribute with its default, as a spec writes it."""
    info = op.model_fields[key]
    if info.is_required():
        return key
    default = info.get_default(call_default_factory=True)
    if default is None:
        return f'{key} = "none"' if key in op.or_none else f"{key} = ..."
    if is_tuple(default):
        default = list(default)
    return f"{key} = {plain(default)}"


def _key(file: File, item: Item) -> Iterator[str]:
    parent = item.parent
    key = str(item.name)
    if parent is None:
        return
    described: Mapping[str, Any] = {}
    model = _TABLES.get(parent.path())
    if model is not None:
        described = {f.alias or n: f for n, f in model.model_fields.items()}
    elif parent.path()[:1] == ("blocks",) and len(parent.path()) == 2:
        described = dict(tables.BlockTable.model_fields)
    elif node_around(parent) is parent:
        op = op_of(parent)
        if op is not None and key in op.model_fields:
            text = f"`{attribute_signature(op, key)}` of `{op.op}`"
            about = op.model_fields[key].description
            yield f"{text}: {about}" if about else text
            return
        described = {f.alias or n: f for n, f in tables.Modifiers.model_fields.items()}
    info = described.get(key)
    if info is not None and info.description:
        yield f"`{key}`: {info.description}"


def _numbers(met: Met, state: State, memories: Memories) -> str:
    """Shapes, parameters, multiply-adds, receptive field and share of memory."""
    lines: list[str] = []
    before, after = shapes_said(met.inputs), shapes_said(met.outputs)
    if before and after:
        lines.append(f"{before} → {after}")
    facts, analysis = state.findings.facts, state.analysis
    if facts is not None:
        layers = [layer for layer in met.layers() if layer in facts.layers]
        counted = [facts.layers[layer] for layer in layers]
        params, macs = sum(f.params for f in counted), sum(f.macs for f in counted)
        share = f" ({params / facts.params_with_heads:.1%})" if params else ""
        lines.append(f"parameters: {params:,}{share}")
        every = sum(f.macs for f in facts.layers.values())
        share = f" ({macs / every:.1%})" if macs else ""
        lines.append(f"multiply-adds: {macs:,}{share}")
        seen = [seen_as_text(facts.layers[layer].receptive_field) for layer in layers]
        ends = [text for text in _of_ends(met, seen) if text]
        if ends:
            lines.append(f"receptive field: {folded_values(ends)}")
        if analysis is not None and layers:
            part = memories.share(analysis, {layer.path for layer in layers})
            if part is not None:
                lines.append(f"memory of a training step: {part:.1%} of what is kept")
    return "\n\n".join(lines)


def _of_ends(met: Met, seen: list[str]) -> Iterator[str]:
    """The receptive field behind the last layer of each instance."""
    at = 0
    for part in met.parts:
        count = sum(1 for _ in part.layers()) if isinstance(part, Region) else 1
        at += count
        if 0 < at <= len(seen):
            yield seen[at - 1]
