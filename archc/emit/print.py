"""The text of a module's tree: the only place where text is made."""

from __future__ import annotations

import re

from archc.emit.lines import STEP, WIDTH, columns, rows, with_comment
from archc.emit.prose import wrapped
from archc.emit.tree import (
    Assign,
    Body,
    Class,
    Evaluate,
    For,
    If,
    Method,
    Module,
    Parameter,
    Pass,
    Remark,
    Return,
    Statement,
)
from archc.escaping import comment, docstring, one_line
from archc.ops.code import Apply, Lambda, Local, Sequence
from archc.ops.source import flat
from archc.spec.expressions import Index

_STANDARD = {
    "math": "import math",
    "OrderedDict": "from collections import OrderedDict",
}
_ABSTRACT = ("Callable", "Mapping", "Sequence")
_TYPING = ("ClassVar", "Literal", "NamedTuple")
_TORCH = {
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
}


def printed(module: Module) -> str:
    """The source of a module whose names have been given."""
    exports = [module.network.key]
    exports += [c.name.key for c in module.classes if c.name != module.network]
    # a linter would keep another order
    remark = "  # noqa: RUF022 - the network first, then its parts"
    is_sorted = exports == sorted(exports, key=_natural)
    lines = [f'"""{_module_doc(module)}', '"""', ""]
    lines += _imports(module.imports, module.packages)
    lines += ["", f"__all__ = [{'' if is_sorted else remark}"]
    lines += [*(f'    "{name}",' for name in exports), "]"]
    for helper in module.helpers:
        lines += ["", "", helper.rstrip()]
    for made in module.classes:
        lines += ["", "", *_class(made)]
    return "\n".join(lines) + "\n"


# -------------------------------------------------------------------------- the file


def _module_doc(module: Module) -> str:
    # the first paragraph stands behind the opening quotes
    widths = [WIDTH - 3, *[WIDTH] * len(module.doc)]
    paragraphs = [
        "\n".join(wrapped(docstring(text), width))
        for text, width in zip(module.doc, widths, strict=False)
    ]
    return "\n\n".join(paragraphs)


def _imports(names: tuple[str, ...], packages: tuple[str, ...]) -> list[str]:
    standard = [line for name, line in _STANDARD.items() if name in names]
    for module, members in (
        ("collections.abc", _ABSTRACT),
        ("functools", ("partial",)),
        ("typing", _TYPING),
    ):
        found = ", ".join(name for name in members if name in names)
        standard += [f"from {module} import {found}"] if found else []
    own = [line for name, line in _TORCH.items() if name in names]
    own = sorted([*own, *(f"import {name}" for name in packages)], key=_by_module)
    own.append(f"from torch import {'Tensor, nn' if 'Tensor' in names else 'nn'}")
    return [*standard, *([""] if standard else []), *own]


def _by_module(line: str) -> tuple[str, str]:
    """The order of Ruff's I001: by module, whatever it is imported as."""
    module = line.split()[1]
    return module.lower(), module


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """The order of Ruff's RUF022: kinds of names apart, numbers by their value."""
    kind = (
        0
        if name.isupper() and len(name.encode()) > 1
        else 1
        if name[0].isupper()
        else 2
    )
    parts = re.findall(r"\d+|\D", name)
    numbered = ((not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts)
    return [(False, kind, ""), *numbered]


# --------------------------------------------------------------------------- classes


def _class(made: Class) -> list[str]:
    doc = _doc(made.doc) if made.doc else []
    fields = [line for s in made.fields for line in _statement(s, STEP)]
    parts = [doc, fields, *map(_method, made.methods)]
    lines = [f"class {made.name.key}({flat(made.base)}):"]
    for number, part in enumerate(p for p in parts if p):
        lines += ["", *part] if number else part
    return lines


def _doc(text: str) -> list[str]:
    pad = " " * STEP
    words = docstring(text)
    lines = wrapped(words, WIDTH - STEP - 6)
    if len(lines) == 1:
        return [f'{pad}"""{lines[0]}"""']
    first, *rest = wrapped(words, WIDTH - STEP - 3)
    if not rest:
        # one line, but for the closing quotes
        first, *rest = wrapped(words, 72)
    rest = wrapped(" ".join(rest), WIDTH - STEP)
    return [f'{pad}"""{first}', *(pad + line for line in rest), f'{pad}"""']


def _method(method: Method) -> list[str]:
    head = f"{' ' * STEP}def {method.name}(self"
    ending = f" -> {flat(method.returns)}:"
    flat_parameters = [_parameter(p) for p in method.parameters]
    line = ", ".join([head, *flat_parameters]) + f"){ending}"
    lines = [line]
    if columns(line) > WIDTH:
        lines = _signature(method, flat_parameters, ending)
    return [*lines, *_body(method.body, 2 * STEP)]


def _parameter(parameter: Parameter) -> str:
    text = f"{parameter.local.id}: {flat(parameter.annotation)}"
    if parameter.default is None:
        return text
    return f"{text} = {flat(parameter.default)}"


def _signature(method: Method, parameters: list[str], ending: str) -> list[str]:
    pad = " " * STEP
    inside = " " * 2 * STEP + ", ".join(["self", *parameters])
    first, last = f"{pad}def {method.name}(", f"{pad}){ending}"
    if columns(inside) <= WIDTH:
        return [first, inside, last]
    lines = [first, f"{' ' * 2 * STEP}self,"]
    for parameter, text in zip(method.parameters, parameters, strict=True):
        default = parameter.default
        # a list can be broken over several lines
        is_short = isinstance(default, Sequence) and len(default.items) < 2
        if isinstance(default, Sequence | Lambda) and not is_short:
            head = f"{parameter.local.id}: {flat(parameter.annotation)} = "
            lines += rows(2 * STEP, head, default, ",", enclosed=True)
        else:
            lines.append(f"{' ' * 2 * STEP}{text},")
    return [*lines, last]


# ------------------------------------------------------------------------ statements


def _body(body: Body, indent: int) -> list[str]:
    return [line for statement in body for line in _statement(statement, indent)]


def _statement(statement: Statement, indent: int) -> list[str]:
    pad = " " * indent
    match statement:
        case Assign():
            return _assign(statement, indent)
        case Evaluate(value=value, comment=comment):
            return with_comment(rows(indent, "", value), comment)
        case Return(value=value, comment=comment):
            return with_comment(rows(indent, "return ", value), comment)
        case For(body=body):
            return [*_for(statement, indent), *_body(body, indent + STEP)]
        case If(test=test, body=body, orelse=orelse):
            lines = [*rows(indent, "if ", test, ":"), *_body(body, indent + STEP)]
            match orelse:
                case ():
                    return lines
                case (If() as only,):
                    first, *rest = _statement(only, indent)
                    return [*lines, f"{pad}el{first.lstrip()}", *rest]
                case _:
                    return [*lines, f"{pad}else:", *_body(orelse, indent + STEP)]
        case Remark(text=text):
            return [f"{pad}# {row}" for row in _remark(text, WIDTH - indent - 2)]
        case Pass():
            return [f"{pad}pass"]


def _for(statement: For, indent: int) -> list[str]:
    """The line that a loop begins with."""
    names = [t.id for t in statement.targets]
    counted = names[:1] if statement.counts_rows else []
    row = names[len(counted) :]
    targets = ", ".join([*counted, f"({', '.join(row)})"] if counted else row)
    found = rows(indent, f"for {targets} in ", statement.over, ":")
    bare = isinstance(statement.over, Local) and len(found) > 1
    if len(row) == 1 or not (bare or columns(found[0]) > WIDTH):
        return found
    # there is no room for the targets, which are broken instead
    pad = " " * indent
    inner = [f"{pad}{' ' * STEP}{name}," for name in row]
    head = "".join(f"{name}, " for name in counted)
    last = rows(indent, ") in ", statement.over, ":")
    if bare and columns(pad + flat(statement.over)) + STEP > WIDTH:
        last = [f"{pad}) in {flat(statement.over)}:"]  # brackets are no help
    return [f"{pad}for {head}(", *inner, *last]


def _remark(text: str, room: int) -> list[str]:
    words = one_line(text)
    found = wrapped(words, room)
    if found == [comment(row) for row in found]:
        return found
    # what takes a tool's order out of a row makes it longer
    return [comment(row) for row in wrapped(words, room - 2)]


def _assign(statement: Assign, indent: int) -> list[str]:
    target = ", ".join(map(flat, statement.targets))
    if statement.annotation is not None:
        target += f": {flat(statement.annotation)}"
    if statement.value is None:
        return with_comment([f"{' ' * indent}{target}"], statement.comment)
    prefix = f"{target} {statement.operator}= "
    key = statement.targets[0]
    long = columns(f"{' ' * indent}{prefix}{flat(statement.value)}") > WIDTH
    opening = f"{' ' * indent}{prefix}("
    if long and isinstance(key, Index) and columns(opening) > WIDTH:
        # there is no room behind the equals sign
        inner = rows(indent + STEP, "", key.index, enclosed=True)
        pad = " " * indent
        value = rows(indent, f"] {statement.operator}= ", statement.value)
        return with_comment(
            [f"{pad}{flat(key.value)}[", *inner, *value], statement.comment
        )
    several = len(statement.targets) > 1 and isinstance(statement.value, Apply)
    if long and several and _is_too_wide(statement, indent, prefix):
        return with_comment(_unpacked(statement, indent, prefix), statement.comment)
    return with_comment(rows(indent, prefix, statement.value), statement.comment)


def _is_too_wide(statement: Assign, indent: int, prefix: str) -> bool:
    """Whether there is no room for the targets and what is called in one row."""
    assert isinstance(statement.value, Apply)
    called = statement.value.function
    while isinstance(called, Apply):
        called = called.function  # whose own arguments can be broken
    return columns(f"{' ' * indent}{prefix}{flat(called)}(") > WIDTH


def _unpacked(statement: Assign, indent: int, prefix: str) -> list[str]:
    """Brackets around the call, or around the targets where there are many."""
    assert statement.value is not None
    pad = " " * indent
    if columns(f"{pad}{prefix}(") <= WIDTH:
        inner = rows(indent + STEP, "", statement.value, enclosed=True)
        return [f"{pad}{prefix}(", *inner, f"{pad})"]
    targets = [f"{pad}{' ' * STEP}{flat(target)}," for target in statement.targets]
    value = rows(indent, f") {statement.operator}= ", statement.value)
    return [f"{pad}(", *targets, *value]
