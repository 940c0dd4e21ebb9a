"""Gives every class, argument and variable its name, when all else is settled.

One place knows what a name could hide or break: what the module imports, what Python
has built in, helper classes, keywords, the arguments of the same method.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterator
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.names import following
from archc.emit.passes.liveness import Conflicts
from archc.emit.symbols import wish
from archc.emit.tree import Class, For, Method, Module
from archc.emit.usage import bound, every, parts, written
from archc.ops.code import Apply, ClassName, Global, Lambda
from archc.spec.expressions import Expr
from archc.spec.reserved import IMPORTED

# what generated code calls, so that no argument may hide it
_CALLED = frozenset(
    {
        "abs", "ceil", "dict", "enumerate", "float", "floor", "getattr", "int",
        "isinstance", "iter", "len", "list", "max", "min", "next", "range", "reversed",
        "round", "str", "sum", "super", "tuple", "zip",
    }
)  # fmt: skip


# what two widths that are needed at a time are called before one gets a number
_OTHERWISE = {
    "in_channels": ("channels", "width"),
    "width": ("channels", "inter_channels"),
}


def named(module: Module, helpers: frozenset[str]) -> Module:
    """A module in which every symbol has become a name."""
    classes = _class_names(module, helpers)
    taken = IMPORTED | helpers | frozenset(classes.values())
    arguments: dict[str, str] = {}
    for made in module.classes:
        for method in made.methods:
            arguments |= _arguments(method, taken)
    done = tuple(_class(made, classes, arguments, taken) for made in module.classes)
    network = ClassName(classes[module.network.key])
    return replace(module, classes=done, network=network)


# --------------------------------------------------------------------------- classes


def _class_names(module: Module, helpers: frozenset[str]) -> dict[str, str]:
    """The network's class first: it is called as the spec says."""
    taken = {*IMPORTED, *helpers}
    names: dict[str, str] = {}
    order = sorted(module.classes, key=lambda c: c.name != module.network)
    for made in order:
        names[made.name.key] = name = _free(_numbered(made.wish or "Block"), taken)
        taken.add(name)
    return names


def _class(
    made: Class,
    classes: dict[str, str],
    arguments: dict[str, str],
    taken: frozenset[str],
) -> Class:
    methods: list[Method] = []
    for method in made.methods:
        names = {**arguments, **_variables(method, arguments, taken)}
        methods.append(rewrite.method(method, rewrite.renamed(names, classes)))
    name = ClassName(classes[made.name.key])
    return replace(made, name=name, methods=tuple(methods), gives=None)


# ------------------------------------------------------------- arguments and variables


def _arguments(method: Method, taken: frozenset[str]) -> dict[str, str]:
    """What a method calls its arguments: as the spec does, where that hides nothing."""
    names: dict[str, str] = {}
    fixed = {p.local.id for p in method.parameters}
    for parameter in method.parameters:
        symbol = parameter.local.id
        if "#" not in symbol:
            continue
        name = wish(symbol)
        while (
            name in taken
            or name in fixed
            or name in _CALLED
            or name in names.values()
            or keyword.iskeyword(name)
            or name == "self"
            or name.startswith("__")  # which Python mangles
        ):
            bare = name.strip("_")
            name = f"{bare}_" if name.startswith("__") else f"{name}_"
            name = name if bare else "value"
        names[symbol] = name
    # functions that are defaults have arguments of their own
    for parameter in method.parameters:
        for part in parts(parameter.default):
            for local in part.parameters if isinstance(part, Lambda) else ():
                names[local.id] = _free(_numbered(wish(local.id)), set(taken))
    return names


def _variables(
    method: Method, arguments: dict[str, str], taken: frozenset[str]
) -> dict[str, str]:
    """Names for the variables of a method.

    Variables that would like the same name have it, where they are not needed at a
    time; those with different wishes never share one. A loop of a constructor changes
    an argument itself: `in_channels = out_channels`.
    """
    own = {arguments.get(p.local.id, p.local.id) for p in method.parameters}
    conflicts = Conflicts(method.body)
    counters = {
        s.targets[0].id
        for s in every(method.body)
        if isinstance(s, For) and _is_counted(s.over)
    }
    looped = {
        symbol
        for loop in every(method.body)
        if isinstance(loop, For)
        for statement in every(loop.body)
        for symbol in written(statement)
    }
    statements = [(s, bound(s)) for s in every(method.body)]
    counters.update(t.id for _, targets in statements for t in targets[:1])
    used = {*taken, *own, "self", "_"}
    # what has its name already, such as the value that runs through `forward`
    used.update(s for statement, _ in statements for s in written(statement))
    changed = _changeable(method, arguments)
    shared = {wish(symbol): [name] for symbol, name in changed.items()}
    names = dict(changed)
    for statement, targets in statements:
        for symbol in (*written(statement), *(t.id for t in targets)):
            if "#" not in symbol or symbol in names or symbol in arguments:
                continue
            word = wish(symbol)
            spoken = shared.setdefault(word, [])
            barred = {names[o] for o in conflicts.of(symbol) if o in names}
            if symbol not in looped:
                barred.update(changed.values())
            name = next((n for n in spoken if n not in barred), None)
            if name is None:
                counts = symbol in counters
                choices = _counted(word) if counts else _numbered(word)
                name = _free(choices, used)
                used.add(name)
                spoken.append(name)
            names[symbol] = name
    return names


def _is_counted(over: Expr) -> bool:
    """Whether a loop's first target is a counter."""
    match over:
        case Apply(function=Global(name="range" | "enumerate")):
            return True
        case _:
            return False


def _changeable(method: Method, arguments: dict[str, str]) -> dict[str, str]:
    """The arguments that variables may be: a constructor's channels."""
    if method.name != "__init__":
        return {}
    symbols = [p.local.id for p in method.parameters if p.annotation == Global("int")]
    return {s: arguments[s] for s in symbols if wish(s) == "in_channels" and "#" in s}


def _free(choices: Iterator[str], taken: set[str]) -> str:
    return next(
        name
        for name in choices
        if name not in taken
        and not keyword.iskeyword(name)
        and not hasattr(builtins, name)
    )


def _numbered(name: str) -> Iterator[str]:
    """`name`, then the name with a number behind it."""
    yield name
    yield from _OTHERWISE.get(name, ())
    number = 2
    while True:
        yield f"{name}{'_' if name[-1:].isdigit() else ''}{number}"
        number += 1


def _counted(name: str) -> Iterator[str]:
    """`i`, then `j` and so on."""
    while True:
        yield name
        name = following(name)
