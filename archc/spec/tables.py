"""The tables of a spec file as pydantic models, one per kind of table.

They say which keys there are and what type each has; what is inside `layers`,
`branches` and `shortcut` is checked table by table (see `parse`), so that an error's
place is exact.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, LiteralString

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from archc.ops.attributes import plain
from archc.source.kinds import is_list, is_table

EXPRESSION = {"type": "string", "description": "an expression"}
NODE = {"$comment": "node"}
"""Stands for the JSON Schema of a node, which pydantic does not know."""


ROWS = "tables stand in a list, as its rows: stages = [{ depth = 3, width = 64 }]"


def _number(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise PydanticCustomError(
            "number",
            "must be a number or an expression, not {value}",
            {"value": plain(value)},
        )
    return value


def several_repeats(value: Any) -> str:
    """What to write for a `repeat` that lists several numbers."""
    numbers = [plain(item) for item in value] if is_list(value) else []
    if len(numbers) < 2 or len(numbers) > 8:
        return "write one number: repeat = 2"
    *others, last = (f"repeat = {number}" for number in numbers)
    each = f"{', '.join(others)} and {last}"
    if len(set(numbers)) == 1:
        each = f"{last} in each"
    return f"write {len(numbers)} nodes, one for each stage, with {each}"


def _repeats(value: Any) -> Any:
    if is_list(value):
        raise PydanticCustomError(
            "repeats",
            "must be one number or an expression, not {value}",
            {"value": plain(value), "help": several_repeats(value)},
        )
    return _number(value)


def _reads(value: Any) -> Any:
    parts = value if is_list(value) else [value]
    if parts and all(type(part) is int for part in parts):
        raise PydanticCustomError(
            "positions",
            "must be a name or a list of names, not {value}",
            {
                "value": plain(value),
                "help": "nodes are read by name: give the node that is meant a name,"
                ' and write from = "NAME"',
            },
        )
    return _names(value)


def _argument(value: Any) -> Any:
    if is_list(value):
        for item in value:
            if is_table(item):
                # a row, whose fields hold no further ones
                for part in item.values():
                    _plain_argument(part)
            else:
                _argument(item)
        return value
    return _plain_argument(value)


def _plain_argument(value: Any) -> Any:
    if is_list(value):
        for item in value:
            _plain_argument(item)
    elif not isinstance(value, bool | int | float | str):
        found = {"value": plain(value)}
        if is_table(value):
            found["help"] = ROWS
        raise PydanticCustomError(
            "argument",
            "must be a number, a boolean, an expression or a list of these,"
            " not {value}",
            found,
        )
    return value


Number = Annotated[
    Any,
    PlainValidator(_number),
    WithJsonSchema({"anyOf": [{"type": ["number", "boolean"]}, EXPRESSION]}),
]
Whole = Annotated[
    Any,
    PlainValidator(_number),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, EXPRESSION]}),
]
Repeats = Annotated[
    Any,
    PlainValidator(_repeats),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, EXPRESSION]}),
]
Argument = Annotated[
    Any,
    PlainValidator(_argument),
    WithJsonSchema({"anyOf": [{"type": ["number", "boolean", "array"]}, EXPRESSION]}),
]
Dimensions = Annotated[
    list[Whole],
    Field(
        min_length=1,
        description="channels, then as many sizes as there are axes, such as height and"
        " width; without the batch",
    ),
]
Layers = Annotated[
    list[Any],
    WithJsonSchema({"type": "array", "items": NODE}),
]
Branches = Annotated[
    list[Any],
    Field(min_length=1),
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "anyOf": [NODE, {"type": "array", "items": NODE}],
            },
        }
    ),
]
Outputs = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "minProperties": 1,
                },
            ]
        }
    ),
]
SLOTS = {"type": "object", "additionalProperties": NODE}
Slots = Annotated[
    dict[str, Any] | list[str],
    WithJsonSchema({"anyOf": [SLOTS, {"type": "array", "items": {"type": "string"}}]}),
]
MergeName = Literal["concat", "add", "mul", "sub", "div"]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


LET = "names for what is computed once, in this order; no arguments"


class SilenceTable(Table):
    code: str = Field(description="of the advice, as `archc check --advice` names it")
    reason: str = Field(min_length=1, description="why the network is as it is")


def _silences(value: Any) -> Any:
    """What `advice` holds.

    Raises:
        PydanticCustomError: if it is no list.
    """
    if is_list(value):
        return value
    raise _no_silence("must be a list of tables, not {value}", value, "[{}]")


def _silence(value: Any) -> Any:
    """One of `advice`, which is a table and not only a code.

    Raises:
        PydanticCustomError: if it is none.
    """
    if is_table(value):
        return value
    raise _no_silence("must be a table of code and reason, not {value}", value, "{}")


def _no_silence(message: LiteralString, value: Any, form: str) -> PydanticCustomError:
    code = plain(value) if isinstance(value, str) else '"..."'
    table = plain(value) if is_table(value) else f'{{ code = {code}, reason = "..." }}'
    help = f"write {form.format(table)}"
    return PydanticCustomError(
        "silence", message, {"value": plain(value), "help": help}
    )


SILENCES: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": field.description}
            for name, field in SilenceTable.model_fields.items()
        },
        "required": list(SilenceTable.model_fields),
        "additionalProperties": False,
    },
}


class FileTable(Table):
    archc: Literal[1] = Field(description="the version of the spec language")
    name: str | None = Field(
        default=None, description="names the generated module: a Python identifier"
    )
    class_name: str | None = Field(
        default=None, description="the network's class; otherwise made from name"
    )
    title: str | None = Field(default=None, description="the name for people")
    source: str | None = Field(default=None, description="paper, table, page")
    extends: str | None = Field(
        default=None, description="start from this file, then apply this one"
    )
    use: list[str] = Field(
        default_factory=list[str], description="take the blocks of these files"
    )
    params: dict[str, Argument] = Field(
        default_factory=dict[str, Any],
        description="numbers the network is built from; each can be overridden",
    )
    slots: Annotated[dict[str, Any], WithJsonSchema(SLOTS)] = Field(
        default_factory=dict[str, Any],
        description="nodes that can be replaced from outside, by what they are for",
    )
    ops: dict[str, dict[str, Any]] = Field(
        default_factory=dict[str, dict[str, Any]],
        description="ops of other packages, by name, with what they do to shapes",
    )
    network: dict[str, Any] | None = Field(default=None, description="the network")
    advice: Annotated[
        list[Annotated[dict[str, Any], BeforeValidator(_silence)]],
        BeforeValidator(_silences),
        WithJsonSchema(SILENCES),
    ] = Field(
        default_factory=list[dict[str, Any]],
        description="what `archc check --advice` is not to say, and why",
    )
    blocks: dict[str, dict[str, Any]] = Field(
        default_factory=dict[str, dict[str, Any]],
        description="reusable, parameterised pieces",
    )
    heads: list[dict[str, Any]] = Field(
        default_factory=list[dict[str, Any]], description="auxiliary classifiers"
    )
    init: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="weight initialisation by op, in torch.nn.init's terms",
    )
    expect: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="claims that compiling checks"
    )


class NetworkTable(Table):
    # or `inputs`, which is looked at elsewhere
    input: Dimensions
    inputs: dict[str, Dimensions] = Field(
        default_factory=dict[str, list[Any]],
        min_length=1,
        description="in place of input: the arguments of forward, in this order",
    )
    outputs: Outputs = Field(
        default=None,
        description="what forward returns, by name; otherwise what the last node gives",
    )
    let: dict[str, Argument] = Field(default_factory=dict[str, Any], description=LET)
    layers: Layers = Field(description="the nodes, each reading the one before it")


class BlockTable(Table):
    doc: str | None = None
    params: list[str] = Field(
        default_factory=list[str], description="arguments a use must give"
    )
    defaults: dict[str, Argument] = Field(
        default_factory=dict[str, Any], description="arguments a use may give"
    )
    slots: Slots = Field(
        default_factory=dict[str, Any],
        description="nodes that a use may give, with defaults, or must give, in a list",
    )
    inputs: list[str] = Field(
        default_factory=list[str],
        description="names for the values that a use reads, in the order of its from",
    )
    outputs: list[str] = Field(
        default_factory=list[str],
        description="the nodes whose values it gives, read from outside as NAME.output",
    )
    let: dict[str, Argument] = Field(default_factory=dict[str, Any], description=LET)
    layers: Layers


Tensors = Annotated[
    dict[str, list[Whole]],
    Field(description="shapes of tensors in the state_dict, by their names"),
]


class OwnOpTable(Table):
    module: str = Field(description="the class, with its package: package.Class")
    doc: str | None = None
    params: list[str] = Field(
        default_factory=list[str], description="arguments a node must give"
    )
    defaults: dict[str, Argument] = Field(
        default_factory=dict[str, Any], description="arguments a node may give"
    )
    arguments: dict[str, Argument] | None = Field(
        default=None, description="what its constructor is given; otherwise all of them"
    )
    output: Dimensions
    parameters: Tensors = Field(default_factory=dict[str, list[Any]])
    buffers: Tensors = Field(default_factory=dict[str, list[Any]])
    macs: Whole = Field(default=None, description="multiply-adds of one sample")


class ExpectTable(Table):
    params: int | None = None
    params_with_heads: int | None = None
    buffers: int | None = None
    macs: int | None = None
    output: list[int] | None = None
    outputs: dict[str, list[int]] | None = None
    receptive_field: int | list[int] | None = None


class Modifiers(Table):
    """What any node may carry."""

    name: str | None = Field(
        default=None, description="attribute name in the module; may hold {expressions}"
    )
    from_: Annotated[Any, PlainValidator(_reads)] = Field(
        default=None,
        alias="from",
        description="read another node's output; a list only for merge ops",
        json_schema_extra={
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
            ]
        },
    )
    when: Number = Field(default=None, description="false leaves the node out")
    repeat: Repeats = Field(default=None, description="this many times in a row")
    index: str | None = Field(
        default=None, description="what the counter of repeat is called; otherwise i"
    )
    skip: MergeName | None = Field(
        default=None, description="merge the node's input back into its output"
    )
    skip_when: Number = Field(
        default=None, description="the skip is there only where this is true"
    )
    shortcut: Annotated[dict[str, Any] | None, WithJsonSchema(NODE)] = Field(
        default=None, description="a node on the skip path, a projection"
    )
    otherwise: Annotated[dict[str, Any] | None, WithJsonSchema(NODE)] = Field(
        default=None, description="the node that stands there where `when` is false"
    )
    shape: Dimensions | None = Field(
        default=None, description="claim: the output shape"
    )
    place: str | None = Field(
        default=None, description="which of several devices it lives on"
    )
    doc: str | None = Field(default=None, description="a remark")


def _names(value: Any) -> Any:
    items = value if is_list(value) else [value]
    if not items or not all(isinstance(item, str) for item in items):
        raise PydanticCustomError(
            "names",
            "must be a name or a list of names, not {value}",
            {"value": plain(value)},
        )
    return value


class HeadTable(Table):
    name: str
    from_: str = Field(alias="from", description="the node whose output it reads")
    loss_weight: Number = Field(
        default=1.0, description="the weight of its loss in training"
    )


MODIFIERS = frozenset(f.alias or n for n, f in Modifiers.model_fields.items())
BODIES = ("op", "block", "layers", "branches", "share", "slot")
