"""What a text says, by the standard parsers; what they reject is reported."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label, Place, Sink
from archc.source.kinds import is_list, is_table
from archc.source.positions import FilePlace, KeyPath, Lines

if TYPE_CHECKING:
    from archc.source.faults import Fault

MAX_DEPTH = 100
"""How deeply tables and lists may be nested."""

_LONG_NUMBER = re.compile(r"\d(?:_?\d){4300,}+")
_TOML_ERROR = re.compile(
    r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL
)
_CLASHES = (
    "Cannot declare",
    "Cannot mutate",
    "Cannot overwrite",
    "Cannot redefine",
    "Duplicate inline table key",
)


def from_toml(text: str, name: str, sink: Sink) -> dict[str, Any] | None:
    """The values of a TOML text."""
    from archc.source.tokens import overlong_key

    long_key = overlong_key(text, MAX_DEPTH)
    if long_key is not None:
        return report_depth(_place(text, name, long_key.start, long_key.end), sink)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        complaint, offset = _toml_error(error, text)
    except RecursionError:
        return report_depth(_deepest(text, name), sink)
    except ValueError:
        return _report_number(text, name, sink)
    if complaint.startswith(_CLASHES):
        return _report_clash(offset, text, name, sink)
    from archc.source import toml_faults
    from archc.source.recovery import further_faults

    first = toml_faults.explain(text, complaint, offset)
    further = further_faults(text, first, _toml_fault, statements=True)
    for fault, covered in ((first, text), *further):
        _report(_surely(fault, covered, _toml_fault), text, name, sink)
    return None


def _toml_fault(text: str) -> Fault | None:
    """The first syntax error of a TOML text."""
    from archc.source import toml_faults

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        complaint, offset = _toml_error(error, text)
        if not complaint.startswith(_CLASHES):
            return toml_faults.explain(text, complaint, offset)
    except (RecursionError, ValueError):
        pass
    return None


def _toml_error(error: tomllib.TOMLDecodeError, text: str) -> tuple[str, int]:
    """What the parser complains of, and the offset; it reads CRLF as one character."""
    complaint, line, column = str(error), None, None
    if hasattr(error, "lineno"):
        complaint = getattr(error, "msg")  # noqa: B009
        line, column = getattr(error, "lineno"), getattr(error, "colno")  # noqa: B009
    elif found := _TOML_ERROR.fullmatch(complaint):
        complaint, line, column = found.groups()
    if line is None or column is None:
        return complaint, len(text)
    return complaint, Lines(text).offset(int(line), int(column))


class _Constant(ValueError):
    """NaN or an infinity, which the standard parser takes though JSON has neither."""


def from_json(text: str, name: str, sink: Sink) -> dict[str, Any] | None:
    """The values of a JSON text."""
    repeated = False

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        made = dict(pairs)
        repeated = repeated or len(made) < len(pairs)
        return made

    def constant(word: str) -> NoReturn:
        raise _Constant(word)

    try:
        data: object = json.loads(
            text, object_pairs_hook=table, parse_constant=constant
        )
    except json.JSONDecodeError as error:
        from archc.source import json_faults
        from archc.source.recovery import further_faults

        first = json_faults.explain(text, error.msg, error.pos)
        further = further_faults(text, first, _json_fault, statements=False)
        for fault, covered in ((first, text), *further):
            _report(_surely(fault, covered, _json_fault), text, name, sink)
        return None
    except _Constant as error:
        from archc.source import json_faults

        return _report(json_faults.constant(text, str(error)), text, name, sink)
    except RecursionError:
        return report_depth(_deepest(text, name), sink)
    except ValueError:
        return _report_number(text, name, sink)
    if repeated:
        return _report_repeats(text, name, sink)
    if not is_table(data):
        return _report_no_table(data, text, name, sink)
    return data


def _json_fault(text: str) -> Fault | None:
    """The first syntax error of a JSON text."""
    from archc.source import json_faults

    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return json_faults.explain(text, error.msg, error.pos)
    except (RecursionError, ValueError):
        pass
    return None


@dataclass(frozen=True, slots=True)
class _Step:
    """A table or list on the way down, and how it was reached."""

    parent: _Step | None
    key: str | int
    value: dict[str, Any] | list[Any]

    def inner(self) -> Iterator[_Step]:
        value = self.value
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return (
            _Step(self, key, inside)
            for key, inside in items
            if is_table(inside) or is_list(inside)
        )


def too_deep(data: dict[str, Any]) -> KeyPath | None:
    """A path nested deeper than is allowed, if there is one."""
    level = [_Step(None, "", data)]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for step in level for inner in step.inner()]
        if not level:
            return None
    step, path = level[0], list[str | int]()
    while step.parent is not None:
        path.append(step.key)
        step = step.parent
    return tuple(reversed(path))


def report_depth(place: Place, sink: Sink) -> None:
    """Report nesting that is too deep."""
    sink.error(
        "nested-too-deeply",
        f"this is nested deeper than {MAX_DEPTH} levels",
        place,
        help="split the network into blocks, or nest fewer groups",
    )


def _place(text: str, name: str, start: int, end: int) -> FilePlace:
    return FilePlace(name, text, Lines(text).span(start, end))


def _deepest(text: str, name: str) -> FilePlace:
    from archc.source.tokens import deepest_bracket

    bracket = deepest_bracket(text, MAX_DEPTH)
    start, end = (bracket.start, bracket.end) if bracket else (0, 0)
    return _place(text, name, start, end)


def _surely(fault: Fault, text: str, find: Callable[[str], Fault | None]) -> Fault:
    """The fault without its mend where the text is no better for it: where reading ends
    before it, or on its line, all the same."""
    if fault.mend is None:
        return fault
    start = fault.start - fault.gap
    mended = text[:start] + fault.mend + text[fault.end :]
    following = find(mended)
    line_end = mended.find("\n", start + len(fault.mend))
    if following is None or 0 <= line_end < following.start:
        return fault
    return replace(fault, mend=None)


def _report(fault: Fault, text: str, name: str, sink: Sink) -> None:
    labels = (
        Label(_place(text, name, start, end), message)
        for start, end, message in fault.labels
    )
    place = _place(text, name, fault.start, fault.end)
    help = fault.help
    if fault.mend is not None and help is not None:
        where = _place(text, name, fault.start - fault.gap, fault.end)
        help = Mend(help, Edit(fault.mend, place=where))
    sink.error("syntax-error", fault.message, place, *labels, help=help)


def _report_number(text: str, name: str, sink: Sink) -> None:
    found = _LONG_NUMBER.search(text)
    start, end = found.span() if found else (0, 0)
    sink.error(
        "syntax-error",
        "this number has more digits than can be read",
        _place(text, name, start, end),
        help="write a number of at most 4300 digits",
    )


def _report_clash(offset: int, text: str, name: str, sink: Sink) -> None:
    from archc.source import toml

    found = toml.first_definition(text, offset)
    if found is None:
        place = _place(text, name, max(offset - 1, 0), offset)
        sink.error("duplicate-key", "this was already given", place)
        return
    what = f"table `[{found.key}]`" if found.is_header else f"`{found.key}`"
    sink.error(
        "duplicate-key",
        f"{what} is given twice",
        _place(text, name, *found.second),
        Label(_place(text, name, *found.first), "first given here"),
        help=(
            "put the keys of both under one header"
            if found.is_header
            else "keep one of the two and remove the other"
        ),
    )


def _report_repeats(text: str, name: str, sink: Sink) -> None:
    from archc.source.json import duplicate_keys

    for key, second, first in duplicate_keys(text):
        sink.error(
            "duplicate-key",
            f"`{key}` is given twice in one object",
            _place(text, name, *second),
            Label(_place(text, name, *first), "first given here"),
            help="keep one of the two and remove the other",
        )


def _report_no_table(data: object, text: str, name: str, sink: Sink) -> None:
    kinds: dict[type, str] = {
        list: "a list",
        str: "a string",
        bool: "a boolean",
        type(None): "null",
    }
    start = len(text) - len(text.lstrip())
    sink.error(
        "not-a-table",
        f"a spec is one object, and this is {kinds.get(type(data), 'a number')}",
        _place(text, name, start, len(text.rstrip())),
        help='put everything between `{` and `}`: `{"archc": 1, "name": ...}`',
    )
