"""What a network is, layer by layer: the rows and totals that `archc summary` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archc.measure.cost import Facts
from archc.measure.rows import Dims, HeadRows, LayerRow, LayerTable
from archc.measure.tables import as_html, as_text
from archc.network.graph import Head, Layer, Network, Value
from archc.network.places import places
from archc.ops.attributes import items, short, sides
from archc.ops.base import Op
from archc.ops.sizes import Shape


class Summary(LayerTable):
    """A network's layer table and totals, as text, HTML and JSON."""

    __slots__ = ()

    def to_json(self) -> str:
        """The JSON that `archc summary` prints and `archc compile` writes."""
        return f"{_json(self.to_dict())}\n"

    def __str__(self) -> str:
        return as_text(self).rstrip("\n")

    def _repr_html_(self) -> str:
        return as_html(self)


def summarize(network: Network, facts: Facts) -> Summary:
    """The summary of a network and its facts."""
    known: _Known = {}
    lives = places(network)
    return Summary(
        name=network.name,
        title=network.spec.title,
        inputs=shapes_of(network.inputs),
        inputs_have_names=network.inputs_have_names,
        outputs=shapes_of(network.outputs),
        outputs_have_names=bool(network.spec.outputs),
        params=facts.params,
        params_with_heads=facts.params_with_heads,
        buffers=facts.buffers,
        macs=facts.macs,
        receptive_field=facts.receptive_field,
        layers=tuple(_rows(network.layers(), facts, known, lives)),
        heads=tuple(_head(h, network, facts, known, lives) for h in network.heads),
    )


def shapes_of(values: Mapping[str, Value]) -> dict[str, tuple[int, ...]]:
    """The shapes of values, without the batch."""
    return {n: v.shape.sizes for n, v in values.items() if v.shape is not None}


def _head(
    head: Head,
    network: Network,
    facts: Facts,
    known: _Known,
    lives: Mapping[Layer, str],
) -> HeadRows:
    rows = tuple(_rows(head.region.layers(), facts, known, lives))
    assert head.region.output.shape is not None
    written = next(spec for spec in network.spec.heads if spec.name == head.name)
    return HeadRows(
        name=head.name,
        source=written.reads,
        loss_weight=head.loss_weight,
        output=head.region.output.shape.sizes,
        params=sum(row.params for row in rows),
        macs=sum(row.macs for row in rows),
        layers=rows,
    )


_Known = dict[tuple[int, ...], tuple[str, str, tuple[Dims, ...], Dims]]
"""What rows say of an op between such shapes: its name, its setting and the sizes."""


def _rows(
    layers: Iterator[Layer],
    facts: Facts,
    known: _Known,
    lives: Mapping[Layer, str],
) -> Iterator[LayerRow]:
    for layer in layers:
        numbers = facts.layers[layer]
        # the instances of a block share their ops, and the shapes in them
        shapes = [v.shape for v in (*layer.inputs, layer.output)]
        key = (id(layer.op), *map(id, shapes))
        about = known.get(key)
        if about is None:
            setting = describe(layer.op, layer.input_shape())
            sizes = tuple([shape.sizes for shape in shapes if shape is not None])
            about = known[key] = layer.op.op, setting, sizes[:-1], sizes[-1]
        yield LayerRow(
            layer.path,
            *about,
            params=numbers.params,
            macs=numbers.macs,
            receptive_field=numbers.receptive_field,
            again=layer.again is not None,
            place=lives.get(layer),
        )


def describe(op: Op, x: Shape) -> str:
    """An op's main attributes on such an input, short: `3x3 /2, 64`."""
    given, axes = op.given(), op.axes_of(x)
    parts = [
        (name, _shown(form, given[name], axes))
        for name, form in op.shows
        if name in given
    ]
    return _joined(parts)


def _shown(form: str, value: Any, axes: int) -> str:
    """A size in a form: with a number for each axis, or one where they agree."""
    if "{}x{}" in form:
        parts, form = sides(value, axes), form.replace("{}x{}", "{}")
    else:
        parts = items(value) or (value,)
        parts = parts[:1] if len({*parts}) == 1 else parts
    return form.format("x".join(map(short, parts)))


def _joined(parts: list[tuple[str, str]]) -> str:
    text = ""
    for name, part in parts:
        # a window and its step are read as one: `3x3 /2`
        text += part if not text else f" {part}" if name == "stride" else f", {part}"
    return text


_NEXT = ",\n    "


def _json(data: dict[str, Any]) -> str:
    """Indented JSON with one line per layer, so that a diff shows which one changed."""
    import json

    lines: list[str] = []
    for key, value in data.items():
        if key == "layers":
            # at once, which is faster: no string has these quotes in it
            start = '{"path": '
            text = _list(
                json.dumps(value)[1:-1].replace(f", {start}", f"{_NEXT}{start}")
            )
        elif key == "heads":
            heads = (_json(head).replace("\n", "\n    ") for head in value)
            text = _list(_NEXT.join(heads))
        else:
            text = json.dumps(value)
        lines.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}"


def _list(shown: str) -> str:
    return f"[\n    {shown}\n  ]" if shown else "[]"
