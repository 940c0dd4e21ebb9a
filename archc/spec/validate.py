"""Holds one table against its model and says what is wrong in the words of a spec."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Sink
from archc.diagnostics.suggest import did_you_mean, meant, nearest, offered
from archc.ops.attributes import plain
from archc.ops.registry import meant_op
from archc.source.kinds import is_list, is_table
from archc.source.writing import write
from archc.spec.misplaced import meant_key
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
_COMPARED = 100
"""To how many names that are not known the missing ones are held."""
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def validate(
    model: type[M], table: Mapping[str, Any], origin: Origin, sink: Sink, what: str
) -> M | None:
    """The table as a model instance, without the keys that were reported.

    None where a key that must be there is missing or wrong. `what` names the kind of
    table in messages: "the [network] table".
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        _report(model, table, error, origin, sink, what)
        faulty = {problem["loc"][0] for problem in error.errors(include_url=False)}
    try:
        return model.model_validate({k: v for k, v in table.items() if k not in faulty})
    except ValidationError:
        return None


def whole(model: BaseModel | None, table: Mapping[str, Any]) -> bool:
    """Whether `validate` had nothing to leave out."""
    return model is not None and len(model.model_fields_set) == len(table)


def _report(
    model: type[BaseModel],
    table: Mapping[str, Any],
    error: ValidationError,
    origin: Origin,
    sink: Sink,
    what: str,
) -> None:
    keys = {f.alias or n: n for n, f in model.model_fields.items()}
    missing: list[str] = []
    unknown: list[str] = []
    for problem in error.errors(include_url=False):
        key = str(problem["loc"][0])
        if problem["type"] == "extra_forbidden":
            unknown.append(key)
            sink.error(
                "unknown-key",
                f"{what} has no key `{key}`",
                origin.at(key, part="key"),
                help=_meant(key, keys),
            )
        elif problem["type"] == "missing":
            missing.append(key)
        else:
            code, message, help = explain(problem)
            path = place_in(problem, table)
            name = ".".join(part for part in path if isinstance(part, str))
            sink.error(code, f"`{name}` {message}", origin.at(*path), help=help)
    missing = not_misspelled(missing, unknown)
    if missing:
        described = (
            f"`{key} = ...`, {text}" if text else f"`{key} = ...`"
            for key in missing
            for text in (model.model_fields[keys[key]].description,)
        )
        sink.error(
            "missing-key",
            f"{what} lacks {listed(missing)}",
            origin.at(part="key") if origin.path else origin.at(),
            help="add " + "; and ".join(described),
        )


def _meant(key: str, keys: Collection[str]) -> str | None:
    near = meant_key(key, keys)
    if near is None or near == nearest(key, keys):
        return did_you_mean(key, keys)
    return Mend(f"did you mean `{near}`?", Edit(near, "name", key))


def meant_word(value: Any, options: Collection[str]) -> str | None:
    """A help text for what is none of these words: the nearest, or the op among them
    that is called so elsewhere."""
    if not isinstance(value, str):
        return None
    op = meant_op(value)
    if op is not None and op.op.op in options:
        return offered([op.op.op], value)
    return meant(value, options)


def not_misspelled(missing: Sequence[str], unknown: Iterable[str]) -> list[str]:
    """The missing names without those that an unknown one was meant to be."""
    if not missing:
        return []
    meant = {meant_key(name, missing) for name in islice(unknown, _COMPARED)}
    return [name for name in missing if name not in meant]


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def place_in(problem: Any, table: Mapping[str, Any]) -> tuple[str | int, ...]:
    """The key path of a pydantic error, without the names of union members."""
    path: list[str | int] = []
    inside: Any = table
    for part in problem["loc"]:
        try:
            inside = inside[part]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(part)
    return tuple(path)


def explain(problem: Any) -> tuple[str, str, str | None]:
    """A pydantic error as a diagnostic: code, message without the key's name, help."""
    kind: str = problem["type"]
    context: dict[str, Any] = problem.get("ctx", {})
    value = problem["input"]
    if kind in _WANTED:
        return (
            "wrong-type",
            f"must be {_WANTED[kind]}, not {plain(value)}",
            _typed(kind, value),
        )
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return "bad-value", f"must be {words} {context[key]}, not {plain(value)}", None
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", '"')
        options = [
            part.strip('" ') for part in expected.replace(" or ", ", ").split(",")
        ]
        help = meant_word(value, options)  # the message lists the options
        return "bad-value", f"must be {expected}, not {plain(value)}", help
    if kind in ("too_short", "too_long", "string_too_short"):
        return (
            "bad-value",
            "must not be empty" if not value else "has too many items",
            None,
        )
    if kind == "finite_number":
        return "bad-value", f"must be a finite number, not {plain(value)}", None
    message: str = problem["msg"]
    wrong_type = message.startswith("must be") and kind != "size_too_small"
    help = context.get("help") or _typed(kind, value)
    if "instead" in context:
        help = Mend(str(help), Edit(context["instead"], "value"))
    return "wrong-type" if wrong_type else "bad-value", message, help


def _typed(kind: str, value: Any) -> str | None:
    """A mend for a value of the wrong type, where one can be told."""
    if isinstance(value, float) and value.is_integer() and kind != "string_type":
        help = f"write {int(value)}; in an expression, // divides whole numbers"
        return Mend(help, Edit(str(int(value)), "value", plain(value)))
    if isinstance(value, float) and kind in ("int_type", "int_from_float", "size"):
        return "use a whole number; in an expression, // and round give one"
    if kind == "string_type":
        return (
            f'put it in quotes: "{value}"' if isinstance(value, int | float) else None
        )
    if kind == "bool_type" and isinstance(value, int):
        boolean = "true" if value else "false"
        return Mend(f"write {boolean}", Edit(boolean, "value"))
    if kind == "dict_type" and is_list(value) and any(map(is_table, value)):
        return "give each a name in single brackets, as in [blocks.NAME]"
    if kind == "list_type" and isinstance(value, dict):
        return "put it in a list: [{ ... }]"
    if kind == "list_type":
        return Mend(f"write [{plain(value)}]", Edit(f"[{write(value)}]", "value"))
    return None
