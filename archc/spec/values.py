"""Values that TOML or JSON can say and a spec cannot: dates, null, endless numbers.

They are looked for once, before anything else, so that no later stage meets one.
"""

from __future__ import annotations

import math
import re
from typing import Any

from archc.diagnostics.model import Sink
from archc.ops.attributes import plain
from archc.source.document import KeyPath
from archc.source.kinds import is_list, is_table
from archc.spec.expressions import MAX_MAGNITUDE
from archc.spec.model import Merged, Origin

# what no file that is written for a spec could hold
_ODD = re.compile(r"[\0\ud800-\udfff]")
_NO_TEXT = "has a character that no text file has, NUL or half of a surrogate pair"
_NO_TEXT_HELP = "take the escape (`\\u0000`, `\\ud800`, ...) out"


def check_values(merged: Merged, sink: Sink) -> bool:
    """Reports the values that no spec can hold; whether there were none."""
    fine = True
    stack: list[tuple[KeyPath, Any]] = [((), merged.data)]
    while stack:
        path, value = stack.pop()
        if is_table(value):
            stack.extend(((*path, k), v) for k, v in value.items() if not _plain(v))
            for key in filter(_ODD.search, value):
                place = Origin(merged, (*path, key)).at(part="key")
                sink.error(
                    "bad-value", f"this key {_NO_TEXT}", place, help=_NO_TEXT_HELP
                )
                fine = False
        elif is_list(value):
            stack.extend(((*path, i), v) for i, v in enumerate(value) if not _plain(v))
        elif problem := _problem(value):
            code, message, help = problem
            sink.error(code, message, Origin(merged, path).at(), help=help)
            fine = False
    return fine


def _plain(value: Any) -> bool:
    return type(value) is str and not _ODD.search(value)


def _problem(value: Any) -> tuple[str, str, str] | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return "bad-value", f"this text {_NO_TEXT}", _NO_TEXT_HELP
    if isinstance(value, int | float):
        if isinstance(value, float) and not math.isfinite(value):
            return (
                "bad-value",
                f"{value} is no number to build with",
                "write a finite number",
            )
        if abs(value) > MAX_MAGNITUDE:
            return (
                "bad-value",
                "this number is beyond 2**62, which no network needs",
                "write a smaller number",
            )
        return None
    if value is None:
        return "wrong-type", "null is no value in a spec", "leave the key out instead"
    return (
        "wrong-type",
        f"a date or time, {plain(value)}, is no value in a spec",
        f'if it is text, put it in quotes: "{value}"',
    )
