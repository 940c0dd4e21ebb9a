"""The reference of all ops, `docs/ops.md`, made from the registry.

Shapes, parameters and multiply-adds are what the ops' own rules give on symbols.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archc.ops.base import Call, Op
from archc.ops.code import Apply, Global, Local
from archc.ops.merge.family import Merge
from archc.ops.registry import FAMILIES, OPS, family
from archc.ops.sizes import Dim, Dims, Shape, ShapeError, Unknown
from archc.ops.source import as_code, flat
from archc.spec.expressions import Binary, Expr, Name, to_source

_HEAD = """\
# Ops

An op is written `{ op = "conv2d", out_channels = 64, kernel_size = 3 }`. Its name is
PyTorch's functional name. Its attributes are PyTorch's constructor arguments with
PyTorch's defaults, less what archc infers (`in_channels`, `in_features`,
`num_features`). Any attribute may be an [expression](spec-language.md#expressions).

How to read the entries:

- Shapes are without the batch: C channels; the length L of a sequence; the height H and
  the width W of a map; the depth D of a volume, which may be the time of a clip.
  Attributes that name an axis (`dim`, `dims`, `start_dim`, `end_dim`) count the batch
  as axis 0, as in PyTorch.
- A size may have a number for each axis behind the channels: a pair for the height and
  the width, three for depth, height and width. The formulas show one number for all.
- Divisions `//` round down. Shapes, parameters and buffers are those with the defaults
  of all settings that are true or false.
- An op without entries for parameters, buffers and MACs has none.
  [Counting](spec-language.md#counting) says what is counted.
- *In code* is what stands in the generated module: for a node with a name the module;
  for one without a name the function, where there is one.

This page is made from the classes in `archc/ops/`.
"""

_VECTOR, _SEQUENCE, _MAP, _VOLUME = (
    Shape(tuple(Name(letter, whole=True) for letter in letters))
    for letters in ("C", "CL", "CHW", "CDHW")
)
_CHANNELS_LAST = Shape((*_MAP.dims[1:], *_MAP.dims[:1]), channel_axis=2)
_ALL = (_VECTOR, _SEQUENCE, _MAP, _VOLUME)


def reference() -> str:
    """The whole page, in Markdown."""
    rows = [
        f"| [`{op.op}`](#{op.op}) | {_said(op)} | {_in_code(op)} |"
        for op in OPS.values()
    ]
    table = "\n".join(["| op | what it does | in code |", "|---|---|---|", *rows])
    sections = [
        "\n".join([f"## {_title(doc)}\n", *map(_section, ops)])
        for doc, ops in map(family, FAMILIES)
    ]
    return f"{_HEAD}\n{table}\n\n" + "\n".join(sections)


def _title(doc: str) -> str:
    """The first words of a family's docstring: `Convolutions.`, `Dropout, in ...`."""
    return re.split(r"[.:,]", doc, maxsplit=1)[0]


def _said(op: type[Op]) -> str:
    """What an op does, without the name of its class in PyTorch."""
    said = " ".join((op.__doc__ or "").split())
    return re.sub(r" \(torch(vision)?\.[\w.]+\)\.$", "", said)


def _section(op: type[Op]) -> str:
    parts = [f"### {op.op}", f"{_said(op)}."]
    attributes = list(_attributes(op))
    if attributes:
        parts.append(
            "\n".join(["| attribute | value | default |", "|---|---|---|", *attributes])
        )
    parts.append("\n".join(f"- {fact}" for fact in _facts(op)))
    return "\n\n".join(parts) + "\n"


# ---- attributes


def _attributes(op: type[Op]) -> Iterator[str]:
    properties: dict[str, Any] = op.model_json_schema()["properties"]
    for name, field in op.model_fields.items():
        value = _value(properties[name])
        if field.is_required():
            default = "required"
        elif field.default is None:
            default = field.description or "left out"
        else:
            default = f"`{_written(field.default)}`"
        yield f"| `{name}` | {value} | {default} |"


def _written(value: Any) -> str:
    """A default as a spec would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def _value(schema: dict[str, Any]) -> str:
    """What a JSON Schema allows, in words."""
    choices = [c for c in schema.get("anyOf", [schema]) if c.get("type") != "null"]
    return " or ".join(map(_choice, choices))


def _choice(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f'`"{word}"`' for word in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        count = schema.get("minItems")
        if count == schema.get("maxItems") and count is not None:
            return "a pair" if count == 2 else f"a list of {count}"
        if count is not None:
            return "one for each axis"
        return "a list of whole numbers"
    if kind == "boolean":
        return "true or false"
    if kind == "string":
        return "the name of a node"
    words = "whole number" if kind == "integer" else "number"
    if "exclusiveMinimum" in schema:
        words += f" above {schema['exclusiveMinimum']}"
    if "minimum" in schema:
        words += f" from {schema['minimum']}"
    return words + (f" to {schema['maximum']}" if "maximum" in schema else "")


# ---- what the rules say


@dataclass(frozen=True, slots=True)
class _Case:
    """An input that an op takes and what it gives.

    A `size` that is a formula stands apart; in the output it is called H', or as the
    first axis behind the channels is called.
    """

    inputs: tuple[Shape, ...]
    output: Shape
    size: Expr | None


def _symbolic(op: type[Op]) -> Op:
    """The op with its numbers as symbols of their own names."""
    values: dict[str, Any] = {
        name: Name(name, whole=True)
        for name, field in op.model_fields.items()
        if field.is_required() or type(field.default) is int
    }
    return op.model_construct(**values | dict(op.symbols))


def _cases(op: Op) -> list[_Case]:
    """The kinds of input that an op takes.

    Channels come first in them; last only for an op that needs them there.
    """
    found = [_case(op, x) for x in _ALL]
    if not any(found[2:]):
        found.append(_case(op, _CHANNELS_LAST))
    return [case for case in found if case is not None]


def _case(op: Op, x: Shape) -> _Case | None:
    inputs = (x,)
    if isinstance(op, Merge) and op.parts is None:
        channels = ("C1", "C2") if op.stacks_channels else ("C", "C")
        inputs = tuple(x.with_channels(Name(name, whole=True)) for name in channels)
    try:
        y = op.infer(*inputs)
    except ShapeError:
        return None
    size = y.dims[1] if len(x.dims) == len(y.dims) > 1 else None
    if not isinstance(size, Binary):
        return _Case(inputs, y, None)
    made = (Name(f"{_source(letter)}'") for letter in x.dims[1:])
    return _Case(inputs, Shape((y.dims[0], *made)), size)


def _facts(op_type: type[Op]) -> Iterator[str]:
    op = _symbolic(op_type)
    cases = _cases(op)
    yield f"shape: {_shapes(op, cases)}"
    case = next((c for c in cases if c.inputs[0] is _MAP), cases[0])
    x = case.inputs[0]
    if tensors := op.parameters(x):
        yield f"parameters: {_tensors(tensors)}"
    if tensors := op.buffers(x):
        yield f"buffers: {_tensors(tensors)}"
    macs = op.macs(x, case.output)
    if macs != 0:
        yield f"MACs: `{_source(macs)}`"
    if op.saves:
        yield f"kept for the backward pass: {', '.join(sorted(op.saves))}"
    if op.has_inplace:
        yield "has an [in-place form](spec-language.md#in-place)"
    yield f"in code: {_in_code(op_type)}"


def _shapes(op: Op, cases: list[_Case]) -> str:
    if all(case.output == x for case in cases for x in case.inputs):
        if len(cases) == len(_ALL):
            return "inputs of one shape, kept" if op.merges else "any, kept"
        return f"{' or '.join(_inputs(case) for case in cases)}, kept"
    text = "; ".join(f"{_inputs(c)} to {_dims(c.output.dims)}" for c in cases)
    case = next((c for c in cases if c.size is not None), None)
    if case is not None:
        assert case.size is not None
        first, *others = map(_source, case.output.dims[1:])
        text += f", where `{first} = {to_source(case.size)}`"
        text += f" and {' and '.join(others)} likewise" if others else ""
    return text


def _inputs(case: _Case) -> str:
    return " and ".join(_dims(x.dims) for x in case.inputs)


def _dims(dims: Dims) -> str:
    alone = len(dims) == 1
    shown = [
        _source(d) if alone or not isinstance(d, Binary) else f"({_source(d)})"
        for d in dims
    ]
    return f"`{' x '.join(shown)}`"


def _source(size: Dim) -> str:
    assert not isinstance(size, Unknown)
    return to_source(size)


def _tensors(tensors: dict[str, Dims]) -> str:
    shown: list[str] = []
    for name, dims in tensors.items():
        shape = _dims(dims) if dims else "a single number"
        shown.append(
            f"`{name}` {shape}" if name else f"under the node's own name {shape}"
        )
    return ", ".join(shown)


def _in_code(op_type: type[Op]) -> str:
    op = _symbolic(op_type)
    if isinstance(op, Merge):
        read = [Local("x"), Local("y")][: 1 if op.parts else 2]
        return _form(op.combine(_MAP, *read))
    x = _MAP if op.axes is None else _ALL[op.axes]
    forms = [op.module(x), op.function(x, Local("x"))]
    return " or ".join(_form(form) for form in forms if form is not None)


def _form(form: Call | Expr) -> str:
    """The function that is called, or the whole of what is none."""
    match as_code(form):
        case Apply(function=Global(name=name)):
            return f"`{name}`"
        case made:
            return f"`{flat(made)}`"
