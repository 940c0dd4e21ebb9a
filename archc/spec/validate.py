"""Holds one table against its model and says what is wrong in the words of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from archc.diagnostics.model import Sink
from archc.diagnostics.suggest import did_you_mean
from archc.ops.base import plain
from archc.spec.model import Origin

M = TypeVar("M", bound=BaseModel)

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "list_type": "a list, `[...]`",
    "tuple_type": "a list, `[...]`",
    "dict_type": "a table, `{ ... }`",
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def validate(
    model: type[M], table: Mapping[str, Any], origin: Origin, sink: Sink, what: str
) -> M | None:
    """The table as a model instance; None once something was reported.

    `what` names the kind of table in messages: "the [network] table".
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        keys = {f.alias or n: n for n, f in model.model_fields.items()}
        for problem in error.errors(include_url=False):
            key = problem["loc"][0]
            assert isinstance(key, str)
            if problem["type"] == "extra_forbidden":
                sink.error(
                    "unknown-key",
                    f"{what} has no key `{key}`",
                    origin.at(key, part="key"),
                    help=did_you_mean(key, keys),
                )
            elif problem["type"] == "missing":
                sink.error(
                    "missing-key",
                    f"{what} lacks `{key}`",
                    origin.at(part="key") if origin.path else origin.at(),
                    help=f"add `{key} = ...`: {model.model_fields[keys[key]].description}"
                    if model.model_fields[keys[key]].description
                    else f"add `{key} = ...`",
                )
            else:
                code, message = explain(problem)
                sink.error(code, f"`{key}` {message}", origin.at(*place_in(problem)))
        return None


def place_in(problem: Any) -> tuple[str | int, ...]:
    """The key path of a pydantic error, without the names of union members."""
    first, *rest = problem["loc"]
    return (first, *(part for part in rest if isinstance(part, int)))


def explain(problem: Any) -> tuple[str, str]:
    """The diagnostic code and the rest of the sentence that the key's name begins."""
    kind: str = problem["type"]
    context: dict[str, Any] = problem.get("ctx", {})
    value = problem["input"]
    if kind in _WANTED:
        hint = ""
        if kind in ("int_type", "int_from_float") and isinstance(value, float):
            hint = " (use // to divide whole numbers)" if value == int(value) else ""
        return "wrong-type", f"must be {_WANTED[kind]}, not {plain(value)}{hint}"
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return "bad-value", f"must be {words} {context[key]}, not {plain(value)}"
    if kind == "literal_error":
        return "bad-value", f"must be {context['expected']}, not {plain(value)}"
    if kind in ("too_short", "too_long"):
        return "bad-value", "must not be empty" if not value else "has too many items"
    if kind == "size_too_small":
        return "bad-value", problem["msg"]
    message: str = problem["msg"]
    return "wrong-type" if message.startswith("must be") else "bad-value", message
