"""Values from outside the spec, as documents to lay over it.

An override is a small document of its own, so that a mistake in it is reported like any
other: with its text, and a caret beneath the part that is wrong.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, cast

from archc.diagnostics.model import Sink
from archc.source.document import Document, parse_document


def assignment(key: str, value: str, sink: Sink) -> Document | None:
    """`--set KEY=VALUE`; a value that is not TOML is text, that is, an expression, but
    for one that begins as a list or a table. A table is a node, for a slot.

    The key must be an identifier.
    """
    quoted = key if key.isascii() else f'"{key}"'
    text = f"params.{quoted} = {value}"
    try:
        table = tomllib.loads(text)
        fits = table.keys() == {"params"}
    except (ValueError, RecursionError):
        table, fits = {}, False
    if "\n" in value or (not fits and not value.startswith(("[", "{"))):
        text = f"params.{quoted} = {_string(value)}"
    elif fits and isinstance(table["params"][key], dict):
        text = f"slots.{quoted} = {value}"
    return parse_document(text, f"--set {key}={value}", "toml", sink)


def _string(text: str) -> str:
    """A TOML string; it differs from JSON's in that DEL has to be escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def input_shape(
    dims: Sequence[int], sink: Sink, name: str | None = None
) -> Document | None:
    """`--input C,H,W`, or `--input NAME=C,H,W` of an input with a name.

    The name must be an identifier.

    Raises:
        TypeError: if `dims`, which may come from Python, are no numbers.
    """
    if not _are_numbers(dims):
        raise TypeError(
            "the shape of an input is a number for each axis, (3, 224, 224), or, by"
            f" name, several such shapes, and not {dims!r}"
        )
    listed, short = ", ".join(map(str, dims)), ",".join(map(str, dims))
    if name is None:
        text, option = f"network.input = [{listed}]", f"--input {short}"
    else:
        key = name if name.isascii() else f'"{name}"'
        text, option = f"network.inputs.{key} = [{listed}]", f"--input {name}={short}"
    return parse_document(text, option, "toml", sink)


def _are_numbers(given: object) -> bool:
    # text would be read sign by sign
    if isinstance(given, str) or not isinstance(given, Iterable):
        return False
    return all(isinstance(d, Real) for d in cast("Iterable[object]", given))


def parameters(values: Mapping[str, Any], name: str, sink: Sink) -> Document | None:
    """Values of [params] that come from Python, and nodes, which are dicts, for
    [slots]; `name` stands for the file.

    Raises:
        TypeError: if one of them is nothing that a spec could hold.
    """
    for key, value in values.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"the parameter {key} must be a number, a boolean, a list of these,"
                f" an expression or, for a slot, a node, not {value!r}"
            ) from error
    tables: dict[str, dict[str, Any]] = {"params": {}}
    for key, value in values.items():
        kind = "slots" if isinstance(value, dict) else "params"
        tables.setdefault(kind, {})[key] = value
    text = json.dumps(tables, indent=2, ensure_ascii=False)
    return parse_document(text, name, "json", sink)
