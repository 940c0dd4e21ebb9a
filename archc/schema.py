"""The spec language as a JSON Schema, made of the tables' models and the ops' classes.

It is for editors: what may stand where, with descriptions and defaults. It accepts
every correct spec; what takes more than one place to judge (names, arguments of blocks,
shapes) is left to `archc check`.
"""

from __future__ import annotations

import re
from typing import Any, cast

from pydantic import BaseModel

from archc.ops.base import Op
from archc.ops.registry import OPS
from archc.spec import tables
from archc.spec.expressions import MAX_LENGTH
from archc.spec.init import INITIALIZERS, initializable
from archc.spec.model import MERGES

Schema = dict[str, Any]

_EXPRESSION = {"$ref": "#/$defs/expression"}
_NODE = {"$ref": "#/$defs/node"}
_NEEDS = {
    "shortcut": ["skip"],
    "skip_when": ["skip"],
    "index": ["repeat"],
    "otherwise": ["when"],
}


_OPEN: Schema = {"additionalProperties": True}
"""Said of a table that is judged in part: tombi warns of keys that no part allows."""


def schema() -> Schema:
    """The whole JSON Schema (draft 2020-12)."""
    top = _table(tables.FileTable)
    properties = top["properties"]
    properties["params"]["additionalProperties"] = {"$ref": "#/$defs/argument"}
    properties["network"] = _table(tables.NetworkTable, required=False)
    properties["blocks"]["additionalProperties"] = {"$ref": "#/$defs/block"}
    properties["ops"]["additionalProperties"] = {"$ref": "#/$defs/own_op"}
    properties["heads"]["items"] = {"$ref": "#/$defs/head"}
    properties["init"] = _init(properties["init"]["description"])
    properties["expect"] |= _table(tables.ExpectTable)
    # a file that extends another one may leave out what it takes from there
    whole = _OPEN | {
        "properties": {
            "network": _OPEN
            | {
                "required": ["layers"],
                "oneOf": [_with("input"), _with("inputs")],
            },
            "blocks": {"additionalProperties": _with("layers")},
        },
        "anyOf": [
            _with("name", "network"),
            _with("blocks") | {"not": _with("name")},
        ],
    }
    own_ops = {"anyOf": [_with("ops"), {"not": _with("network")}], **_OPEN}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "archc spec",
        "description": "One convolutional network, or a library of blocks.",
        **top,
        "if": _with("extends"),
        "else": whole | {"if": own_ops, "else": _known_ops()},
        "$defs": _definitions(),
    }


def _with(*keys: str) -> Schema:
    """A table that has these keys, whatever else."""
    return {"required": list(keys), **_OPEN}


def _known_ops() -> Schema:
    """A network without [ops], which has no names of ops but archc's.

    It stands beside the tables' own schemas: in a library, and where another file is
    extended, nobody knows which ops there are.
    """
    known = {"$ref": "#/$defs/known"}
    body = {"properties": {"layers": {"items": known}}, **_OPEN}
    return _OPEN | {
        "properties": {
            "network": body,
            "blocks": {"additionalProperties": body},
            "heads": {"items": known},
            "slots": {"additionalProperties": known},
        }
    }


def _known() -> Schema:
    """A node, or a branch that is a list of them, with names of archc's ops."""
    known = {"$ref": "#/$defs/known"}
    inside = {key: {"items": known} for key in ("layers", "branches")}
    alone = dict.fromkeys(("shortcut", "otherwise"), known)
    op = {"enum": list(OPS)}
    return _OPEN | {"properties": {"op": op, **inside, **alone}, "items": known}


def _definitions() -> dict[str, Schema]:
    modifiers = _table(tables.Modifiers)["properties"]
    # a node's own schema judges them, once: they hold nodes, which hold nodes
    shared: Schema = dict.fromkeys(modifiers, True)
    bodies = {
        "block": _body("An instance of a block.", shared, "block", _BLOCK_BODY),
        "layers": _body("A sequence.", shared, "layers", _GROUP_BODY),
        "branches": _body("Parallel paths, merged.", shared, "branches", _branches()),
        "share": _body("An earlier node's module again.", shared, "share", _SHARE_BODY),
        "slot": _body("What is put into a slot.", shared, "slot", _SLOT_BODY),
    }
    # the bodies exclude one another, and arguments of a block have any name
    taken = {other: False for other in tables.BODIES if other != "block"}
    # a block may read several values
    bodies["block"]["properties"]["from"] = _reads_any()
    bodies["block"]["properties"] = taken | bodies["block"]["properties"]
    # or a node, for a slot of its
    argument = {"$ref": "#/$defs/argument"}
    bodies["block"]["additionalProperties"] = {"anyOf": [argument, _NODE]}
    ops = {f"op.{name}": _op(op, shared) for name, op in OPS.items()}
    bodies["op"] = _body("An op of the spec's own.", shared, "op", _OWN_OP_BODY)
    bodies["op"]["properties"] = {
        other: False for other in tables.BODIES if other != "op"
    } | bodies["op"]["properties"]
    bodies["op"]["additionalProperties"] = argument
    return {
        "expression": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_LENGTH,
            "description": "an expression in Python's syntax, such as `planes * 4`",
        },
        "argument": {
            "anyOf": [
                {"type": ["number", "boolean"]},
                _EXPRESSION,
                {"type": "array", "items": {"$ref": "#/$defs/item"}},
            ]
        },
        "item": {
            "anyOf": [
                {"$ref": "#/$defs/argument"},
                {
                    "type": "object",
                    "additionalProperties": {"$ref": "#/$defs/argument"},
                    "description": "a row, whose fields expressions read",
                },
            ]
        },
        "node": _node(modifiers),
        "known": _known(),
        "block": _table(tables.BlockTable, required=False),
        "own_op": _table(tables.OwnOpTable),
        "head": _head(modifiers),
        "initializer": _initializer(),
        **{f"node.{name}": body for name, body in bodies.items()},
        **ops,
    }


def _node(modifiers: Schema) -> Schema:
    """What any node has; what else may stand in it depends on its body, or on its op.

    A validator that tries one alternative after the other would judge the nodes inside
    a node once for each op, and so on inwards.
    """
    own: Schema = {"not": {"enum": list(OPS)}}

    def when(test: Schema, name: str) -> Schema:
        return {"if": test, "then": {"$ref": f"#/$defs/{name}"}}

    def with_op(op: Schema) -> Schema:
        return _with("op") | {"properties": {"op": op}}

    others = [body for body in tables.BODIES if body != "op"]
    return {
        "type": "object",
        "properties": {
            "op": {
                "anyOf": [{"enum": list(OPS)}, _OWN_OP_BODY["op"]],
                "description": "an op, or the name of one of [ops]",
            }
        }
        | modifiers,
        "dependentRequired": _NEEDS,
        "oneOf": [_with(body) for body in tables.BODIES],
        "allOf": [
            *(when(_with(body), f"node.{body}") for body in others),
            *(when(with_op({"const": name}), f"op.{name}") for name in OPS),
            when(with_op(own), "node.op"),
        ],
    }


_BLOCK_BODY: Schema = {"block": {"type": "string", "description": "a block's name"}}
_SHARE_BODY: Schema = {
    "share": {"type": "string", "description": "the earlier node's name"}
}
_OWN_OP_BODY: Schema = {
    "op": {
        "type": "string",
        "description": "the name of one of [ops]",
        # which names a file has in [ops] is nothing that a schema could look up
        "pattern": r"^\w+$",
        "not": {"enum": list(OPS)},
    }
}
_SLOT_BODY: Schema = {"slot": {"type": "string", "description": "the slot's name"}}
_GROUP_BODY: Schema = {"layers": {"type": "array", "items": _NODE}}


def _branches() -> Schema:
    one = {"anyOf": [_NODE, {"type": "array", "items": _NODE}]}
    return {
        "branches": {"type": "array", "minItems": 1, "items": one},
        "merge": {"enum": list(MERGES), "description": "how they merge"},
    }


def _body(description: str, shared: Schema, key: str, own: Schema) -> Schema:
    required = [name for name in own if name in (key, "merge")]
    return {
        "type": "object",
        "description": description,
        "properties": own | shared | {"from": _reads_one()},
        "required": required,
        "additionalProperties": False,
    }


def _reads_one() -> Schema:
    one = {"type": "string"}
    alone = {"type": "array", "items": one, "minItems": 1, "maxItems": 1}
    return {"anyOf": [one, alone], "description": "the node whose output it reads"}


def _reads_any() -> Schema:
    one = {"type": "string"}
    several = {"type": "array", "items": one, "minItems": 1}
    described = "the node whose output it reads, or one for each of its inputs"
    return {"anyOf": [one, several], "description": described}


def _reads_several() -> Schema:
    described = "what it merges; `prev` is the value before this node"
    several = {"type": "array", "items": {"type": "string"}, "minItems": 2}
    return several | {"description": described}


def _op(op: type[Op], shared: Schema) -> Schema:
    found = _table(op, evaluated=True)
    torch_class = re.search(r"\((torch[\w.]*)\)", op.__doc__ or "")
    for name, attribute in found["properties"].items():
        if torch_class and not attribute.get("description"):
            attribute["description"] = f"{name} of {torch_class[1]}"
    several = op.merges and op.parts is None
    reads = _reads_several() if several else _reads_one()
    required = ["op", *found.get("required", ()), *(["from"] if several else ())]
    required += ["name"] if op.parts else []
    properties = found["properties"] | shared | {"from": reads}
    return {
        "type": "object",
        "description": op.__doc__,
        "properties": {"op": {"const": op.op}} | properties,
        # a key that is misspelt is one mistake, and not two
        "if": {"propertyNames": {"enum": ["op", *properties]}, **_OPEN},
        "then": _with(*required),
        "additionalProperties": False,
    }


def _head(modifiers: Schema) -> Schema:
    """A head is a node with a few keys more; which ones its body has is for `check`."""
    own = _table(tables.HeadTable)
    bodies = {
        "op": {"type": "string", "pattern": r"^\w+$"},
        **_BLOCK_BODY,
        **_GROUP_BODY,
        **_branches(),
        **_SHARE_BODY,
        **_SLOT_BODY,
    }
    return {
        "type": "object",
        "description": "An auxiliary classifier: one node, hung on a named node.",
        "properties": bodies | modifiers | own["properties"],
        "required": own["required"],
        "oneOf": [_with(body) for body in tables.BODIES],
        "dependentRequired": _NEEDS,
    }


def _init(description: str) -> Schema:
    one = {"$ref": "#/$defs/initializer"}

    def each(names: tuple[str, ...]) -> Schema:
        return {
            "type": "object",
            "properties": dict.fromkeys(names, one),
            "minProperties": 1,
            "additionalProperties": False,
        }

    return {
        "type": "object",
        "description": description,
        "properties": {
            op: {"anyOf": [one, each(names)]}
            for op, names in sorted(initializable().items())
        },
        "additionalProperties": False,
    }


def _initializer() -> Schema:
    names = [form for name in INITIALIZERS for form in (name, name.removesuffix("_"))]
    arguments = sorted({name for known in INITIALIZERS.values() for name in known})
    value = {"type": ["number", "string"]}
    table: Schema = {
        "type": "object",
        "properties": {"init": {"enum": names}} | {name: value for name in arguments},
        "required": ["init"],
        "additionalProperties": False,
    }
    return {
        "description": "a function of torch.nn.init, or a constant",
        "anyOf": [{"type": "number"}, {"enum": names}, table],
    }


def _table(
    model: type[BaseModel], *, required: bool = True, evaluated: bool = False
) -> Schema:
    """A model's JSON Schema as specs need it.

    With `evaluated`, an expression may stand for any number, boolean or list.
    """
    found = model.model_json_schema()
    found["properties"] = {
        name: _adapted({k: v for k, v in field.items() if k != "title"}, evaluated)
        for name, field in found["properties"].items()
    }
    dropped = ("title",) if required else ("title", "required")
    return {key: value for key, value in found.items() if key not in dropped}


_IN_BRACES = {
    "type": "string",
    "pattern": r"^\{.+\}$",
    "description": "an expression for the word, in braces",
}
_VALUES = ("integer", "number", "boolean", "array")


def _adapted(part: Any, evaluated: bool) -> Any:
    """pydantic's schema of a field with nodes and expressions put in.

    What allows null has it as an alternative; a spec cannot write it, so it goes.
    """
    if isinstance(part, list):
        return [_adapted(item, evaluated) for item in cast("list[Any]", part)]
    if not isinstance(part, dict):
        return part
    table = cast(Schema, part)
    if table.get("$comment") == tables.NODE["$comment"]:
        return _NODE | {k: v for k, v in table.items() if k == "description"}
    if table == tables.EXPRESSION:
        return dict(_EXPRESSION)
    choices = [c for c in table.get("anyOf", ()) if c != {"type": "null"}]
    if len(choices) == 1:
        rest = {k: v for k, v in table.items() if k != "anyOf"}
        return _adapted(choices[0] | rest, evaluated)
    adapted = {
        key: value if key in ("enum", "default") else _adapted(value, evaluated)
        for key, value in table.items()
        if (key, value) != ("default", None)
    }
    if choices:
        adapted["anyOf"] = _flat(_adapted(choices, evaluated))
    if evaluated and "enum" in table:
        about = {k: adapted.pop(k) for k in ("default", "description") if k in adapted}
        return {"anyOf": [adapted, dict(_IN_BRACES)], **about}
    if evaluated and table.get("type") in _VALUES:
        about = {k: adapted.pop(k) for k in ("default", "description") if k in adapted}
        return {"anyOf": [adapted, dict(_EXPRESSION)], **about}
    return adapted


def _flat(choices: list[Schema]) -> list[Schema]:
    """Alternatives with those of alternatives among them, each once."""
    flat: list[Schema] = []
    for choice in choices:
        for part in choice["anyOf"] if choice.keys() == {"anyOf"} else [choice]:
            if part not in flat:
                flat.append(part)
    return flat
